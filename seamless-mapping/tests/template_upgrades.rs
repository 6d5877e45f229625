//! Every case of an upgrade, each with the conflict or note that it makes and the overlay that comes out: the rows of the
//! table in `docs/templates.md`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use seamless_mapping::template::{Amendment, Choices, Overlay, Template, Upgrade, amended, compose, upgrade};
use seamless_mapping::{LoadOptions, ParameterValues};

const LINKS: &str = "\
parameters: { house: { type: text, default: H } }
variants: { owner: { choices: [team, person], default: person } }
links:
  - id: people
    l: P
    r: Q
    match: none
    rules:
      - p <-> q
  - id: x
    l: A
    r: B
    match: none
    rules:
      - a <-> A: { same_when: case }
      - b <-> B
      - t <-> T: { options: [ 1 <-> one, 2 <-> two ] }
      - lines <-> Lines:
          key: no = No
          rules:
            - n <-> N
            - m <-> M: { note: m }
    tests:
      - { name: t1, to: r, record: { a: 1 }, expect: { A: 1 } }
";

fn template(version: u8, links: &str) -> Template {
    let text = format!("template: t\nversion: \"{version}\"\nsides: {{ l: a, r: b }}\n{links}");
    Template::read("t.yaml", &text).unwrap_or_else(|found| panic!("{found}\n{text}"))
}

fn overlay(text: &str) -> Overlay {
    Overlay::read("o.yaml", text).unwrap_or_else(|found| panic!("{found}\n{text}"))
}

/// The template with changes: each text is there and is replaced.
fn changed(changes: &[(&str, &str)]) -> String {
    changes.iter().fold(LINKS.to_owned(), |links, (from, to)| {
        assert!(links.contains(from), "{from}");
        links.replace(from, to)
    })
}

struct Case {
    what: &'static str,
    template: &'static [(&'static str, &'static str)],
    overlay: &'static str,
    /// What comes out of the overlay below its head.
    becomes: &'static str,
    conflicts: &'static [&'static str],
    notes: &'static [&'static str],
}

fn run(case: &Case) -> Upgrade {
    let (old, new) = (template(1, LINKS), template(2, &changed(case.template)));
    let text = format!("overlay: o\ntemplate: t\nversion: \"1\"\n{}", case.overlay);
    let first = compose(&old, &[overlay(&text)], &Choices::new()).unwrap_or_else(|found| panic!("{found}"));
    first.load(&LoadOptions::default()).unwrap_or_else(|found| panic!("{found}"));
    let done = upgrade(&old, &new, &[overlay(&text)], &ParameterValues::new());
    let done = done.unwrap_or_else(|found| panic!("{}: {found}", case.what));
    let after = overlay(&done.overlays[0].text);
    compose(&new, &[after], &Choices::new()).unwrap_or_else(|found| panic!("{}: {found}", case.what));
    done
}

fn check(cases: &[Case]) {
    for case in cases {
        let done = run(case);
        let what = case.what;
        let head = "overlay: o\ntemplate: t\nversion: \"2\"\n";
        assert_eq!(done.overlays[0].text, format!("{head}{}", case.becomes), "{what}");
        let names: Vec<String> = done.conflicts.iter().map(|conflict| conflict.name()).collect();
        assert_eq!(names, case.conflicts, "{what}");
        assert_eq!(done.notes, case.notes, "{what}");
        assert!(done.refused.is_none(), "{what}: {}", done.refused.unwrap());
    }
}

#[test]
fn keys_of_rules() {
    check(&[
        Case {
            what: "the template changed another key",
            template: &[("{ same_when: case }", "{ same_when: case, note: n }")],
            overlay: "links:\n  x:\n    rules:\n      a=A: { set: { same_when: space } }\n",
            becomes: "links:\n  x:\n    rules:\n      a=A: { set: { same_when: space } }\n",
            conflicts: &[],
            notes: &[],
        },
        Case {
            what: "both made the same change",
            template: &[("{ same_when: case }", "{ same_when: space }")],
            overlay: "links:\n  x:\n    rules:\n      a=A: { set: { same_when: space } }\n      b=B: disable\n",
            becomes: "links:\n  x:\n    rules:\n      b=B: disable\n",
            conflicts: &[],
            notes: &["x / a=A / same_when: the template says the same now"],
        },
        Case {
            what: "both changed it differently",
            template: &[("{ same_when: case }", "{ same_when: trim }")],
            overlay: "links:\n  x:\n    rules:\n      a=A: { set: { same_when: space } }\n",
            becomes: "links:\n  x:\n    rules:\n      a=A: { set: { same_when: space } }\n",
            conflicts: &["x / a=A / same_when"],
            notes: &[],
        },
        Case {
            what: "the overlay insists on what the old version said",
            template: &[("{ same_when: case }", "{ same_when: trim }")],
            overlay: "links:\n  x:\n    rules:\n      a=A: { set: { same_when: case } }\n",
            becomes: "links:\n  x:\n    rules:\n      a=A: { set: { same_when: case } }\n",
            conflicts: &["x / a=A / same_when"],
            notes: &[],
        },
        Case {
            what: "the overlay took away what the template changed, and what it took away too",
            template: &[
                ("- a <-> A: { same_when: case }", "- a <-> A: { same_when: trim }"),
                ("M: { note: m }", "M"),
            ],
            overlay: "links:\n  x:\n    rules:\n      a=A: { unset: [same_when] }\n      lines=Lines:\n        rules:\n          m=M: { unset: [note] }\n",
            becomes: "links:\n  x:\n    rules:\n      a=A: { unset: [same_when] }\n",
            conflicts: &["x / a=A / same_when"],
            notes: &["x / lines=Lines / m=M / note: the template left it out too"],
        },
        Case {
            what: "the arrow was turned by both",
            template: &[("b <-> B", "b -> B")],
            overlay: "links:\n  x:\n    rules:\n      b=B: { set: { flow: to_l } }\n",
            becomes: "links:\n  x:\n    rules:\n      b=B: { set: { flow: to_l } }\n",
            conflicts: &["x / b=B / flow"],
            notes: &[],
        },
    ]);
}

#[test]
fn whole_rules() {
    check(&[
        Case {
            what: "a replaced rule gets the keys that only the template changed",
            template: &[("- a <-> A: { same_when: case }", "- a <-> A: { same_when: case, on_drift: park }")],
            overlay: "links:\n  x:\n    rules:\n      a=A:\n        # longer\n        replace: a -> A\n",
            becomes: "links:\n  x:\n    rules:\n      a=A:\n        # longer\n        replace:\n          a -> A:\n            on_drift: park\n",
            conflicts: &[],
            notes: &[],
        },
        Case {
            what: "a replaced rule whose field the template gave another name",
            template: &[("- b <-> B", "- c <-> B: { id: b=B }")],
            overlay: "links:\n  x:\n    rules:\n      b=B: { replace: b -> B }\n",
            becomes: "links:\n  x:\n    rules:\n      b=B: { replace: { c -> B: { id: b=B } } }\n",
            conflicts: &[],
            notes: &[],
        },
        Case {
            what: "a field that the template gave another name, and that the overlay speaks of",
            template: &[("- b <-> B", "- c <-> B: { id: b=B }")],
            overlay: "links:\n  x:\n    set: { scope: { l: b == 1 } }\n    rules:\n      b=B: { set: { note: n } }\n",
            becomes: "links:\n  x:\n    set: { scope: { l: b == 1 } }\n    rules:\n      b=B: { set: { note: n } }\n",
            conflicts: &["x / field `b`"],
            notes: &[],
        },
        Case {
            what: "a rule that the template dropped and the overlay left out",
            template: &[("      - b <-> B\n", "")],
            overlay: "links:\n  x:\n    rules:\n      # not ours\n      b=B: disable\n      a=A: disable\n",
            becomes: "links:\n  x:\n    rules:\n      a=A: disable\n",
            conflicts: &[],
            notes: &["x / b=B: the template left it out too"],
        },
        Case {
            what: "a rule that the template dropped and the overlay changed",
            template: &[("      - b <-> B\n", "")],
            overlay: "links:\n  x:\n    rules:\n      # ours\n      b=B: { set: { note: n } } # yes\n      a=A: disable\n",
            becomes: "links:\n  x:\n    rules:\n      a=A: disable\n    add:\n      # ours\n      # yes\n      - b <-> B:\n          note: n\n",
            conflicts: &["x / b=B / rule"],
            notes: &[],
        },
        Case {
            what: "a rule that the template dropped and the overlay moved",
            template: &[("      - b <-> B\n", "")],
            overlay: "links:\n  x:\n    rules:\n      b=B: { move: first }\n",
            becomes: "",
            conflicts: &[],
            notes: &["x / b=B: the template dropped it, there is nothing left to move"],
        },
        Case {
            what: "a rule that stood behind one that the template dropped",
            template: &[("      - b <-> B\n", "")],
            overlay: "links:\n  x:\n    rules:\n      a=A: { move: { after: b=B } }\n",
            becomes: "links:\n  x:\n    rules:\n      a=A: { move: last }\n",
            conflicts: &[],
            notes: &[
                "x / a=A / move: the template dropped the rule that it stood behind; it stands at the end now",
            ],
        },
        Case {
            what: "both added the same rule, and another one under the same id",
            template: &[("- b <-> B", "- b <-> B\n      - c <-> C\n      - d <-> D: { note: theirs }")],
            overlay: "links:\n  x:\n    add:\n      - c <-> C\n      # ours\n      - d <-> D: { note: ours }\n      - e <-> E\n",
            becomes: "links:\n  x:\n    add:\n      - e <-> E\n    rules:\n      # ours\n      d=D:\n        replace:\n          d <-> D: { note: ours }\n",
            conflicts: &["x / d=D / rule"],
            notes: &["x / c=C: the template has the same rule now"],
        },
        Case {
            what: "the template made it a rule of another kind",
            template: &[(
                "- t <-> T: { options: [ 1 <-> one, 2 <-> two ] }",
                "- t <-> T: { lookup: people }",
            )],
            overlay: "links:\n  x:\n    rules:\n      t=T: { options: { add: [ 3 <-> three ] } }\n",
            becomes: "links:\n  x:\n    rules:\n      t=T:\n        replace:\n          t <-> T:\n            options:\n              - 1 <-> one\n              - 2 <-> two\n              - 3 <-> three\n",
            conflicts: &["x / t=T / kind"],
            notes: &[],
        },
    ]);
}

#[test]
fn tables_of_options() {
    const MORE: (&str, &str) = ("2 <-> two ]", "2 <-> two, 3 <-> three ]");
    check(&[
        Case {
            what: "different lines",
            template: &[MORE],
            overlay: "links:\n  x:\n    rules:\n      t=T: { options: { add: [ 4 <-> four ], remove: [ 2 <-> two ] } }\n",
            becomes: "links:\n  x:\n    rules:\n      t=T: { options: { add: [ 4 <-> four ], remove: [ 2 <-> two ] } }\n",
            conflicts: &[],
            notes: &[],
        },
        Case {
            what: "the same line",
            template: &[MORE],
            overlay: "links:\n  x:\n    rules:\n      t=T: { options: { add: [ 4 <-> four, 3 <-> three ] } }\n",
            becomes: "links:\n  x:\n    rules:\n      t=T: { options: { add: [ 4 <-> four ] } }\n",
            conflicts: &[],
            notes: &["x / t=T / 3 <-> three: the template has the same line now"],
        },
        Case {
            what: "lines that lead away from the same value",
            template: &[MORE],
            overlay: "links:\n  x:\n    rules:\n      t=T: { options: { add: [ 3 <-> III ] } }\n",
            becomes: "links:\n  x:\n    rules:\n      t=T: { options: { add: [ 3 <-> III ], remove: [3 <-> three] } }\n",
            conflicts: &["x / t=T / options"],
            notes: &[],
        },
        Case {
            what: "lines that go together although a value is the same",
            template: &[MORE],
            overlay: "links:\n  x:\n    rules:\n      t=T: { options: { add: [ 4 -> three ] } }\n",
            becomes: "links:\n  x:\n    rules:\n      t=T: { options: { add: [ 4 -> three ] } }\n",
            conflicts: &[],
            notes: &[],
        },
        Case {
            what: "a line that the template changed and the overlay removed",
            template: &[("2 <-> two ]", "2 <-> zwei ]")],
            overlay: "links:\n  x:\n    rules:\n      t=T: { options: { remove: [ 2 <-> two ] } }\n",
            becomes: "links:\n  x:\n    rules:\n      t=T: { options: { remove: [ 2 <-> zwei ] } }\n",
            conflicts: &["x / t=T / options"],
            notes: &[],
        },
        Case {
            what: "a line that both changed to the same",
            template: &[("2 <-> two ]", "2 <-> zwei ]")],
            overlay: "links:\n  x:\n    rules:\n      t=T: { options: { add: [ 2 <-> zwei ], remove: [ 2 <-> two ] }, set: { note: n } }\n",
            becomes: "links:\n  x:\n    rules:\n      t=T: { set: { note: n } }\n",
            conflicts: &[],
            notes: &["x / t=T / 2 <-> zwei: the template has the same line now"],
        },
        Case {
            what: "a line that both removed",
            template: &[(", 2 <-> two ]", " ]")],
            overlay: "links:\n  x:\n    rules:\n      t=T: { options: { remove: [ 2 <-> two ] }, set: { note: n } }\n",
            becomes: "links:\n  x:\n    rules:\n      t=T: { set: { note: n } }\n",
            conflicts: &[],
            notes: &["x / t=T / 2 <-> two: the template has no such line any more"],
        },
        Case {
            what: "a table that the overlay sets as a whole",
            template: &[MORE],
            overlay: "links:\n  x:\n    rules:\n      t=T: { set: { options: [ 1 <-> I, 2 <-> two ] } }\n",
            becomes: "links:\n  x:\n    rules:\n      t=T: { set: { options: [1 <-> I, 2 <-> two, 3 <-> three] } }\n",
            conflicts: &[],
            notes: &[],
        },
        Case {
            what: "a table that the overlay sets as a whole, with another line for the same value",
            template: &[MORE],
            overlay: "links:\n  x:\n    rules:\n      t=T: { set: { options: [ 1 <-> one, 3 <-> III ] } }\n",
            becomes: "links:\n  x:\n    rules:\n      t=T: { set: { options: [1 <-> one, 3 <-> III] } }\n",
            conflicts: &["x / t=T / options"],
            notes: &[],
        },
    ]);
}

#[test]
fn links_and_what_concerns_the_whole() {
    check(&[
        Case {
            what: "keys of a link",
            template: &[(
                "r: B\n    match: none",
                "r: B\n    match: none\n    sweep: 1d\n    on_drift: park",
            )],
            overlay: "links:\n  x:\n    set: { sweep: 1d, on_drift: keep, on_conflict: take_l }\n",
            becomes: "links:\n  x:\n    set: { on_drift: keep, on_conflict: take_l }\n",
            conflicts: &["x / on_drift"],
            notes: &["x / sweep: the template says the same now"],
        },
        Case {
            what: "a link that the template dropped and the overlay changed",
            template: &[(
                "  - id: people\n    l: P\n    r: Q\n    match: none\n    rules:\n      - p <-> q\n",
                "",
            )],
            overlay: "links:\n  # ours\n  people: { add: [s <-> S] }\n  x: { set: { note: n } }\n",
            becomes: "links:\n  x: { set: { note: n } }\nadd_links:\n  # ours\n  - id: people\n    l: P\n    r: Q\n    match: none\n    rules:\n      - p <-> q\n      - s <-> S\n",
            conflicts: &["people / link"],
            notes: &[],
        },
        Case {
            what: "a link that both left out, and one that only the overlay left out",
            template: &[
                ("  - id: people\n    l: P\n    r: Q\n    match: none\n    rules:\n      - p <-> q\n", ""),
                ("b <-> B", "b -> B"),
            ],
            overlay: "links:\n  people: disable\n  x: disable\n",
            becomes: "links:\n  x: disable\n",
            conflicts: &[],
            notes: &[
                "people: the template left it out too",
                "x: the template changed it, the overlay still leaves it out",
            ],
        },
        Case {
            what: "links that both added",
            template: &[(
                "  - id: people",
                "  - { id: n1, l: N, r: N, match: none }\n  - { id: n2, l: N, r: N, match: none }\n  - id: people",
            )],
            overlay: "add_links:\n  - { id: n1, l: N, r: N, match: none }\n  # ours\n  - { id: n2, l: M, r: M, match: none }\n",
            becomes: "links:\n  # ours\n  n2:\n    replace: { id: n2, l: M, r: M, match: none }\n",
            conflicts: &["n2 / link"],
            notes: &["n1: the template has the same link now"],
        },
        Case {
            what: "a replaced link gets what only the template changed",
            template: &[(
                "l: P\n    r: Q\n    match: none\n",
                "l: P\n    r: Q\n    match: none\n    sweep: 1d\n",
            )],
            overlay: "links: { people: { replace: { l: P, r: Z, match: none, rules: [p <-> q] } } }\n",
            becomes: "links: { people: { replace: { l: P, r: Z, match: none, rules: [p <-> q], id: people, sweep: 1d } } }\n",
            conflicts: &[],
            notes: &[],
        },
        Case {
            what: "tests",
            template: &[
                (
                    "    tests:\n",
                    "    tests:\n      - { name: t2, to: r, record: { b: 1 }, expect: { B: 1 } }\n      - { name: t3, to: r, record: { b: 1 }, expect: { B: 1 } }\n",
                ),
                ("      - { name: t1, to: r, record: { a: 1 }, expect: { A: 1 } }\n", ""),
            ],
            overlay: "links:\n  x:\n    without_tests: [t1]\n    tests:\n      - { name: t2, to: r, record: { b: 1 }, expect: { B: 1 } }\n      - { name: t3, to: r, record: { b: 2 }, expect: { B: 2 } }\n",
            becomes: "links:\n  x:\n    without_tests: [t3]\n    tests:\n      - { name: t3, to: r, record: { b: 2 }, expect: { B: 2 } }\n",
            conflicts: &["x / test `t3`"],
            notes: &[
                "x / t2: the template has the same test now",
                "x / t1: the template has no such test any more",
            ],
        },
        Case {
            what: "a parameter that the template dropped",
            template: &[("{ house: { type: text, default: H } }", "{ other: { type: text, default: O } }")],
            overlay: "parameters: { house: OURS }\n",
            becomes: "parameters: { house: { type: text, default: OURS } }\n",
            conflicts: &["parameters / house"],
            notes: &[],
        },
        Case {
            what: "a parameter whose default both changed, to the same and to others",
            template: &[("default: H }", "default: N }")],
            overlay: "parameters: { house: OURS }\n",
            becomes: "parameters: { house: OURS }\n",
            conflicts: &["parameters / house"],
            notes: &[],
        },
        Case {
            what: "a parameter that both declare",
            template: &[("default: H }", "default: H }, more: { type: text, default: T }")],
            overlay: "parameters: { more: { type: text, default: OURS } }\n",
            becomes: "parameters: { more: OURS }\n",
            conflicts: &["parameters / more"],
            notes: &[],
        },
        Case {
            what: "a choice that there is no more",
            template: &[("[team, person]", "[person, nobody]")],
            overlay: "variants: { owner: team }\nlinks: { x: { set: { note: n } } }\n",
            becomes: "links: { x: { set: { note: n } } }\n",
            conflicts: &["variants / owner"],
            notes: &[],
        },
    ]);
}

/// What no key shows: a rule of the customer's and a new one of the template write the same field.
#[test]
fn what_only_loading_shows_is_said_in_the_loaders_words() {
    let done = run(&Case {
        what: "two rules that write one field",
        template: &[("- b <-> B", "- b <-> B\n      - c <-> C")],
        overlay: "links:\n  x:\n    add:\n      - ours <-> C\n",
        becomes: "",
        conflicts: &[],
        notes: &[],
    });
    assert!(done.conflicts.is_empty());
    let refused = done.refused.unwrap().to_string();
    assert!(refused.contains("o.yaml:7:9") || refused.contains("t.yaml:"), "{refused}");
}

#[test]
fn layers_are_carried_over_one_on_the_other() {
    let base = overlay(
        "overlay: base\ntemplate: t\nversion: \"1\"\nlinks: { x: { add: [e <-> E], rules: { b=B: { set: { note: base } } } } }\n",
    );
    let above = overlay(
        "overlay: above\ntemplate: t\nversion: \"1\"\nlinks: { x: { rules: { e=E: { set: { note: n } }, b=B: { set: { note: above } } } } }\n",
    );
    let new = template(2, &changed(&[("- b <-> B", "- b <-> B: { note: above }")]));
    let done = upgrade(&template(1, LINKS), &new, &[base, above], &ParameterValues::new()).unwrap();
    let names: Vec<String> =
        done.conflicts.iter().map(|conflict| format!("{}: {}", conflict.layer, conflict.name())).collect();
    assert_eq!(names, ["base: x / b=B / note"]);
    assert!(done.overlays[1].text.contains("e=E: { set: { note: n } }"), "{}", done.overlays[1].text);
    let layers: Vec<Overlay> = done.overlays.iter().map(|layer| overlay(&layer.text)).collect();
    let text = compose(&new, &layers, &Choices::new()).unwrap().text().to_owned();
    assert!(text.contains("note: above") && text.contains("- e <-> E:\n          note: n"), "{text}");
}

#[test]
fn a_proposal_is_written_into_an_overlay_and_everything_else_stays() {
    let head = "# ours\noverlay: o\ntemplate: t\nversion: \"1\"\n";
    let write = |text: &str, path: &[&str], amendment: Amendment, comment: &str| {
        amended("o.yaml", text, path, &amendment, comment).unwrap_or_else(|found| panic!("{found}"))
    };
    let put = |value: &str| Amendment::Put(value.to_owned());
    let one = write(
        head,
        &["links", "x", "rules", "a=A", "set", "too_long"],
        put("truncate"),
        "A takes 20 characters",
    );
    assert_eq!(
        one,
        format!(
            "{head}links:\n  x:\n    rules:\n      a=A:\n        set:\n          # A takes 20 characters\n          too_long: truncate\n"
        )
    );
    let push = Amendment::Push("c <-> C: { same_when: case }".to_owned());
    let two = write(&one, &["links", "x", "add"], push, "names alike 0.93\nboth text");
    assert_eq!(
        two,
        format!(
            "{one}    add:\n      # names alike 0.93\n      # both text\n      - c <-> C: {{ same_when: case }}\n"
        )
    );
    let three = write(&two, &["links", "x", "rules", "a=A", "set", "too_long"], put("park"), "");
    assert_eq!(three, two.replace("truncate", "park"));
    let composed = compose(&template(1, LINKS), &[overlay(&three)], &Choices::new()).unwrap();
    composed.load(&LoadOptions::default()).unwrap_or_else(|found| panic!("{found}"));
    for (path, value) in [(&["links", "x", "rules", "a=A", "set", "too_lng"][..], "park"), (&["links"], "[")]
    {
        assert!(amended("o.yaml", &three, path, &put(value), "").is_err());
    }
}
