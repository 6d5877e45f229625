//! Files that nobody meant: whatever stands in a file, loading it gives findings, never a panic, in bounded time.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use proptest::prelude::*;
use seamless_mapping::template::{Choices, Overlay, Template, compose, upgrade};
use seamless_mapping::{LoadOptions, ParameterValues, load, run_tests};

const CUSTOMERS: &str = include_str!("data/customers.yaml");
const TEMPLATE: &str = include_str!("data/template/sales-erp-1.yaml");
const NEXT: &str = include_str!("data/template/sales-erp-2.yaml");
const OVERLAY: &str = include_str!("data/template/customer.yaml");

fn tried(text: &str) {
    if let Ok(loaded) = load("m", text, &LoadOptions::default()) {
        let _ = run_tests(&loaded.mapping).to_string();
    }
}

/// Everything that is done with templates; what comes out of an upgrade is an overlay again.
fn tried_templates(template: &str, next: &str, overlay: &str) {
    let templates = [Template::read("t", template), Template::read("n", next)];
    let (Ok(overlay), [Ok(template), Ok(next)]) = (Overlay::read("o", overlay), templates) else { return };
    let overlays = [overlay];
    if let Ok(composed) = compose(&template, &overlays, &Choices::new()) {
        let _ = composed.load(&LoadOptions::default());
        let _ = composed.annotated();
        let done = upgrade(&template, &next, &overlays, &ParameterValues::new());
        if template.id() == next.id() {
            let done = done.unwrap_or_else(|found| panic!("{found}"));
            Overlay::read("o", &done.overlays[0].text).unwrap_or_else(|found| panic!("{found}"));
        }
    }
}

fn damaged(text: &str, at: prop::sample::Index, length: usize, with: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let at = at.index(characters.len());
    let rest = characters[(at + length).min(characters.len())..].iter().copied();
    characters[..at].iter().copied().chain(with.chars()).chain(rest).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,200}") {
        tried(&text);
    }

    #[test]
    fn no_damage_to_a_good_file_makes_it_panic(at in any::<prop::sample::Index>(), length in 0_usize..40, with in "\\PC{0,8}") {
        tried(&damaged(CUSTOMERS, at, length, &with));
    }

    #[test]
    fn no_damage_to_a_template_or_overlay_makes_it_panic(
        which in 0..3_usize, at in any::<prop::sample::Index>(), length in 0_usize..40, with in "[ -~\\n]{0,8}"
    ) {
        let mut texts = [TEMPLATE, NEXT, OVERLAY].map(str::to_owned);
        texts[which] = damaged(&texts[which], at, length, &with);
        let [template, next, overlay] = &texts;
        tried_templates(template, next, overlay);
    }

    #[test]
    fn no_scalar_in_any_place_makes_it_panic(line in any::<prop::sample::Index>(), value in "[ -~]{0,30}") {
        let lines: Vec<&str> = CUSTOMERS.lines().collect();
        let at = line.index(lines.len());
        let indent: String = lines[at].chars().take_while(|c| *c == ' ').collect();
        let key = lines[at].trim_start().split(": ").next().unwrap_or("");
        let changed = format!("{indent}{key}: {value}");
        let text: Vec<&str> = lines[..at].iter().copied().chain([changed.as_str()]).chain(lines[at + 1..].iter().copied()).collect();
        tried(&text.join("\n"));
    }
}

#[test]
fn what_an_environment_says_cannot_change_what_a_sentence_means() {
    let text = "
integration: i
sides: { l: a, r: b }
parameters: { p: { type: text } }
links:
  - id: x
    l: A
    r: B
    match: none
    rules: [ 'const ${p} -> c', '${p}_code -> d' ]
";
    let hostile = "X -> y + z";
    let parameters = ParameterValues::from([("p".to_owned(), hostile.into())]);
    let loaded = load("m", text, &LoadOptions { parameters, ..LoadOptions::default() }).unwrap();
    let rules: Vec<String> =
        loaded.mapping.declared().links[0].rules.iter().map(|rule| rule.stable_id().to_string()).collect();
    assert_eq!(rules, ["=c", "X -> y + z_code=d"]);
}

#[test]
fn parameters_have_their_type_and_are_never_undefined() {
    let text = "
integration: i
sides: { l: a, r: b }
parameters: { n: { type: int, default: 5 }, d: { type: decimal } }
links:
  - { id: x, l: A, r: B, match: none, rules: [ 'const ${n} -> c', 'const a$${n} -> e', 'const n${n} -> f' ] }
";
    let given = |name: &str, value: seamless_core::model::Value| {
        let parameters = ParameterValues::from([(name.to_owned(), value)]);
        load("m", text, &LoadOptions { parameters, ..LoadOptions::default() })
    };
    assert!(given("n", 7.into()).unwrap_err().to_string().contains("the parameter `d` has no value"));
    assert!(
        given("d", "x".into())
            .unwrap_err()
            .to_string()
            .contains("the parameter `d` is given as text, it is declared as decimal")
    );
    let loaded = given("d", 7.into()).unwrap();
    let shown: Vec<String> =
        loaded.mapping.declared().links[0].rules.iter().map(|rule| format!("{:?}", rule.kind)).collect();
    assert_eq!(shown, ["Const(Int(5))", "Const(Text(\"a${n}\"))", "Const(Text(\"n5\"))"]);
}

/// What could grow has a named limit, met before any work that grows faster than the file. Catches: links, rules or lines of a
/// table that are compared each with each without a bound.
#[test]
fn files_that_are_far_too_large_are_refused_in_bounded_time() {
    let begun = std::time::Instant::now();
    let head = "integration: t\nsides: { l: a, r: b }\nlinks:\n";
    let numbered =
        |count: usize, one: fn(usize) -> String| (0..count).map(one).collect::<Vec<_>>().join(", ");
    let rule = |rule: &str| format!("{head}  - {{ id: x, l: A, r: B, match: none, rules: [ {rule} ] }}\n");
    let link = |at: usize| {
        format!(
            "{{ id: x{at}, l: A, r: B, match: none, rules: [ {{ a <-> b: {{ lookup: x{} }} }} ] }}",
            at + 1
        )
    };
    let links = format!("{head} [ {} ]\n", numbered(2_000, link));
    let rules = rule(&numbered(6_000, |at| format!("a{at} <-> b{at}")));
    let table = rule(&format!(
        "{{ a <-> b: {{ options: [ {} ] }} }}",
        numbered(6_000, |at| format!("v{at} <-> w{at}"))
    ));
    let names = rule(&format!(
        "\"{} -> b\": {{ join: x }}",
        numbered(20_000, |at| format!("a{at}")).replace(", ", " + ")
    ));
    let terms = rule(&format!("a -> b: {{ expression: \"{}\" }}", vec!["a"; 10_000].join(" + ")));
    let condition = rule(&format!("a -> b: {{ when: {{ l: \"{}a == 1\" }} }}", "not ".repeat(50_000)));
    for (text, message) in [
        (links, "2000 links, at most 256"),
        (rules, "at most 4096 rules"),
        (table, "6000 lines, at most 4096"),
        (names, "longer than 1024 characters"),
        (terms, "more than 4096"),
        (condition, "4096"),
        (format!("a: {}", "&a [*a, *a] ".repeat(10_000)), "YAML anchor"),
        (format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)), "nested deeper than 64"),
    ] {
        let found = load("m", &text, &LoadOptions::default()).unwrap_err().to_string();
        assert!(found.contains(message), "{message}: {}", found.chars().take(2_000).collect::<String>());
    }
    assert!(begun.elapsed() < std::time::Duration::from_secs(120), "{:?}", begun.elapsed());
}
