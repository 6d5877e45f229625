//! Laws of templates, over drawn templates, overlays and new versions: putting them together is what the operations do to
//! the declarations, and an upgrade loses nothing.
//!
//! The oracle is a model of its own, a few lines long: rules as maps, operations as changes of them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use proptest::prelude::*;
use seamless_core::document::{Document, Node, NodeKind};
use seamless_core::mapper::Direction;
use seamless_core::model::{CanonicalForm, Normaliser, Value};
use seamless_mapping::ParameterValues;
use seamless_mapping::declaration::{KindDecl, MappingDecl, OptionKey, RuleDecl};
use seamless_mapping::notation::declarations;
use seamless_mapping::template::{Choices, Overlay, Template, Upgrade, compose, upgrade};

/// A rule `f1 <-> F1`, its note, its equivalence, and where it is a table its lines: what the left means on the right.
#[derive(Clone, Debug, PartialEq, Default)]
struct Rule {
    note: Option<u8>,
    case: bool,
    table: Option<BTreeMap<u8, u8>>,
}

type Rules = BTreeMap<u8, Rule>;

/// What an overlay does to a rule.
#[derive(Clone, Debug)]
enum Op {
    Disable,
    Replace(Rule),
    Edit { note: Option<Option<u8>>, case: Option<bool>, add: BTreeMap<u8, u8>, remove: BTreeSet<u8> },
    Add(Rule),
}

type Ops = BTreeMap<u8, Op>;

fn rule(name: u8, rule: &Rule) -> String {
    let mut keys = Vec::new();
    keys.extend(rule.note.map(|note| format!("note: n{note}")));
    keys.extend(rule.case.then(|| "same_when: case".to_owned()));
    if let Some(table) = &rule.table {
        let rows: Vec<String> = table.iter().map(|(left, right)| format!("{left} <-> {right}")).collect();
        keys.push(format!("options: [{}]", rows.join(", ")));
    }
    match keys.is_empty() {
        true => format!("f{name} <-> F{name}"),
        false => format!("f{name} <-> F{name}: {{ {} }}", keys.join(", ")),
    }
}

fn template(version: u8, rules: &Rules) -> Template {
    let mut text = format!(
        "template: t\nversion: \"{version}\"\nsides: {{ l: a, r: b }}\nlinks:\n  - id: x\n    l: A\n    r: B\n    match: none\n    rules:\n"
    );
    for (name, of) in rules {
        let _ = writeln!(text, "      - {}", rule(*name, of));
    }
    if rules.is_empty() {
        text.push_str("      []\n");
    }
    Template::read("t.yaml", &text).unwrap_or_else(|found| panic!("{found}"))
}

/// An operation as an entry below `rules`; a comment stands above each.
fn entry(name: u8, op: &Op) -> Option<String> {
    let mut lines = format!("      # about f{name}\n      f{name}=F{name}:");
    match op {
        Op::Disable => lines.push_str(" disable\n"),
        Op::Replace(with) => {
            let text = rule(name, with);
            let text = if text.contains('{') { format!("{{ {text} }}") } else { text };
            let _ = writeln!(lines, " {{ replace: {text} }}");
        }
        Op::Add(_) => return None,
        Op::Edit { note, case, add, remove } => {
            lines.push('\n');
            let mut set = Vec::new();
            set.extend(note.flatten().map(|note| format!("note: n{note}")));
            set.extend((*case == Some(true)).then(|| "same_when: case".to_owned()));
            if !set.is_empty() {
                let _ = writeln!(lines, "        set: {{ {} }} # set", set.join(", "));
            }
            let mut unset = Vec::new();
            unset.extend((*note == Some(None)).then_some("note"));
            unset.extend((*case == Some(false)).then_some("same_when"));
            if !unset.is_empty() {
                let _ = writeln!(lines, "        unset: [{}]", unset.join(", "));
            }
            if !(add.is_empty() && remove.is_empty()) {
                lines.push_str("        options:\n");
                for (key, rows) in [
                    (
                        "add",
                        add.iter().map(|(left, right)| format!("{left} <-> {right}")).collect::<Vec<_>>(),
                    ),
                    ("remove", remove.iter().map(|left| format!("{left} <-> {}", home(*left))).collect()),
                ] {
                    if !rows.is_empty() {
                        let _ = writeln!(lines, "          {key}:");
                        rows.iter().for_each(|row| lines.push_str(&format!("            - {row}\n")));
                    }
                }
            }
        }
    }
    Some(lines)
}

fn overlay(version: u8, ops: &Ops, backwards: bool) -> Overlay {
    let mut text = format!("# ours\noverlay: o\ntemplate: t\nversion: \"{version}\"\n");
    let mut entries: Vec<String> = ops.iter().filter_map(|(name, op)| entry(*name, op)).collect();
    let added: Vec<(u8, &Rule)> = ops
        .iter()
        .filter_map(|(name, op)| if let Op::Add(rule) = op { Some((*name, rule)) } else { None })
        .collect();
    if backwards {
        entries.reverse();
    }
    if !ops.is_empty() {
        text.push_str("links:\n  x:\n");
    }
    if !entries.is_empty() {
        let _ = write!(text, "    rules:\n{}", entries.concat());
    }
    if !added.is_empty() {
        text.push_str("    add:\n");
        for (name, of) in added {
            let _ = writeln!(text, "      # about f{name}\n      - {}", rule(name, of));
        }
    }
    Overlay::read("o.yaml", &text).unwrap_or_else(|found| panic!("{found}\n{text}"))
}

/// The value that a line of every template has for a left value; a customer may add others.
fn home(left: u8) -> u8 {
    left * 10
}

/// The operations, on the model.
fn applied(rules: &Rules, ops: &Ops) -> Rules {
    let mut rules = rules.clone();
    for (name, op) in ops {
        match op {
            Op::Disable => drop(rules.remove(name)),
            Op::Replace(with) | Op::Add(with) => drop(rules.insert(*name, with.clone())),
            Op::Edit { note, case, add, remove } => {
                let rule = rules.get_mut(name).unwrap();
                rule.note = note.unwrap_or(rule.note);
                rule.case = case.unwrap_or(rule.case);
                if let Some(table) = &mut rule.table {
                    table.retain(|left, _| !remove.contains(left));
                    table.extend(add);
                }
            }
        }
    }
    rules
}

fn declared(text: &str) -> MappingDecl {
    declarations("m", text, &ParameterValues::new()).unwrap_or_else(|found| panic!("{found}\n{text}"))
}

/// A declaration as the model has it.
fn modelled(rule: &RuleDecl) -> (u8, Rule) {
    let name = rule.fields.left[0].as_str()[1..].parse().unwrap();
    assert_eq!(
        (rule.direction, rule.fields.right[0].as_str()),
        (Direction::TwoWay, format!("F{name}").as_str())
    );
    let table = match &rule.kind {
        KindDecl::Options(options) => Some(&options.rows),
        _ => None,
    };
    let key = |key: &OptionKey| match key {
        OptionKey::Is(Value::Int(value)) => u8::try_from(*value).unwrap(),
        other => panic!("{other:?}"),
    };
    let modelled = Rule {
        note: rule.note.as_ref().map(|note| note[1..].parse().unwrap()),
        case: rule.same_when == CanonicalForm::new([Normaliser::Case]),
        table: table.map(|rows| {
            rows.iter().map(|row| (key(&row.values.left[0]), key(&row.values.right[0]))).collect()
        }),
    };
    (name, modelled)
}

fn rules_of(text: &str) -> Rules {
    declared(text).links[0].rules.iter().map(modelled).collect()
}

fn composed(template: &Template, overlays: &[Overlay]) -> String {
    compose(template, overlays, &Choices::new()).unwrap_or_else(|found| panic!("{found}")).text().to_owned()
}

fn a_rule(customer: bool) -> impl Strategy<Value = Rule> {
    let off = if customer { 1_u8 } else { 0 };
    let table = prop::option::of(prop::collection::btree_map(1..5_u8, 0..=off, 0..4));
    let table = table.prop_map(|table| {
        table.map(|table| {
            table.into_iter().map(|(left, off)| (left, home(left) + off)).collect::<BTreeMap<_, _>>()
        })
    });
    (prop::option::of(0..3_u8), any::<bool>(), table).prop_map(|(note, case, table)| Rule {
        note,
        case,
        table,
    })
}

fn rules() -> impl Strategy<Value = Rules> {
    prop::collection::btree_map(0..6_u8, a_rule(false), 0..6)
}

/// A new version: rules dropped, added and changed; lines may mean something else than in any old one.
fn next(rules: Rules) -> impl Strategy<Value = Rules> {
    let change = prop_oneof![
        4 => Just(None),
        1 => Just(Some(None)),
        3 => a_rule(true).prop_map(|rule| Some(Some(rule))),
    ];
    prop::collection::vec(change, 8).prop_map(move |changes| {
        let mut next = rules.clone();
        for (name, change) in changes.into_iter().enumerate() {
            let name = name as u8;
            match change {
                None => {}
                Some(None) => drop(next.remove(&name)),
                Some(Some(rule)) => drop(next.insert(name, rule)),
            }
        }
        next
    })
}

/// Operations that fit the rules.
fn ops(rules: Rules) -> impl Strategy<Value = Ops> {
    let one = (
        0..4_u8,
        a_rule(true),
        prop::option::of(prop::option::of(0..3_u8)),
        prop::option::of(any::<bool>()),
        prop::collection::btree_map(1..6_u8, 0..2_u8, 0..3),
        prop::collection::btree_set(1..5_u8, 0..3),
    );
    prop::collection::btree_map(0..8_u8, one, 0..6).prop_map(move |drawn| {
        let mut ops = Ops::new();
        for (name, (kind, with, note, case, add, remove)) in drawn {
            let Some(rule) = rules.get(&name) else {
                ops.insert(name, Op::Add(with));
                continue;
            };
            let op = match kind {
                0 => Op::Disable,
                1 => Op::Replace(with),
                _ => {
                    let table = rule.table.clone().unwrap_or_default();
                    let remove: BTreeSet<u8> =
                        remove.into_iter().filter(|left| table.contains_key(left)).collect();
                    let free = |left: &u8| !table.contains_key(left) || remove.contains(left);
                    let add = add.into_iter().filter(|(left, _)| rule.table.is_some() && free(left));
                    let add: BTreeMap<u8, u8> = add
                        .map(|(left, off)| (left, home(left) + off))
                        .filter(|(left, right)| table.get(left) != Some(right))
                        .collect();
                    let note = note.filter(|note| note.is_some() || rule.note.is_some());
                    let case = case.filter(|case| *case || rule.case);
                    if note.is_none() && case.is_none() && add.is_empty() && remove.is_empty() {
                        continue;
                    }
                    Op::Edit { note, case, add, remove }
                }
            };
            ops.insert(name, op);
        }
        ops
    })
}

fn upgraded(old: &Rules, ops: &Ops, new: &Rules) -> (Upgrade, Rules) {
    let (v1, v2) = (template(1, old), template(2, new));
    let done = upgrade(&v1, &v2, &[overlay(1, ops, false)], &ParameterValues::new());
    let done = done.unwrap_or_else(|found| panic!("{found}"));
    let text = &done.overlays[0].text;
    let laid = Overlay::read("o.yaml", text).unwrap_or_else(|found| panic!("{found}\n{text}"));
    let rules = rules_of(&composed(&v2, &[laid]));
    (done, rules)
}

/// The same overlay as JSON: quotes around everything, brackets everywhere.
fn as_json(node: &Node) -> serde_json::Value {
    match &node.kind {
        NodeKind::Mapping(entries) => entries
            .iter()
            .map(|(key, value)| (key.text().unwrap_or_default().to_owned(), as_json(value)))
            .collect(),
        NodeKind::Sequence(items) => items.iter().map(as_json).collect(),
        NodeKind::Scalar { text, .. } => serde_json::Value::from(text.as_str()),
    }
}

/// The rules under the new version when the overlay is written in another way.
fn rules_when_written(old: &Rules, new: &Rules, text: &str) -> Rules {
    let (v1, v2) = (template(1, old), template(2, new));
    let overlay = Overlay::read("o", text).unwrap_or_else(|found| panic!("{found}"));
    let done =
        upgrade(&v1, &v2, &[overlay], &ParameterValues::new()).unwrap_or_else(|found| panic!("{found}"));
    let text = &done.overlays[0].text;
    let laid = Overlay::read("o", text).unwrap_or_else(|found| panic!("{found}\n{text}"));
    rules_of(&composed(&v2, &[laid]))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn putting_together_is_what_the_operations_do_to_the_declarations(
        (rules, ops) in rules().prop_flat_map(|rules| (Just(rules.clone()), ops(rules)))
    ) {
        let text = composed(&template(1, &rules), &[overlay(1, &ops, false)]);
        prop_assert_eq!(rules_of(&text), applied(&rules, &ops), "{}", text);
        let backwards = composed(&template(1, &rules), &[overlay(1, &ops, true)]);
        prop_assert_eq!(text, backwards, "the order of operations in a layer means nothing");
    }

    #[test]
    fn where_the_template_did_not_change_the_overlay_does_not_either(
        (rules, ops) in rules().prop_flat_map(|rules| (Just(rules.clone()), ops(rules)))
    ) {
        let before = overlay(1, &ops, false);
        let same = upgrade(&template(1, &rules), &template(1, &rules), std::slice::from_ref(&before), &ParameterValues::new()).unwrap();
        prop_assert_eq!(same.overlays[0].text.as_str(), before.text());
        prop_assert!(same.conflicts.is_empty() && same.notes.is_empty(), "{:?}", same);
        let (done, _) = upgraded(&rules, &ops, &rules);
        prop_assert_eq!(&done.overlays[0].text, &before.text().replace("version: \"1\"", "version: \"2\""));
    }

    #[test]
    fn an_overlay_that_changes_nothing_gives_the_new_version(
        (old, new) in rules().prop_flat_map(|old| (Just(old.clone()), next(old)))
    ) {
        let (done, rules) = upgraded(&old, &Ops::new(), &new);
        prop_assert!(done.conflicts.is_empty());
        prop_assert_eq!(rules, new);
    }

    // Catches: an operation that an upgrade forgets, and a change of the template that an overlay hides without saying so.
    #[test]
    fn every_operation_stays_in_force_and_every_other_change_of_the_template_comes_in(
        (old, new, ops) in rules().prop_flat_map(|old| (Just(old.clone()), next(old.clone()), ops(old)))
    ) {
        let (done, now) = upgraded(&old, &ops, &new);
        let text = &done.overlays[0].text;
        let wanted = applied(&old, &ops);
        let names: BTreeSet<u8> = old.keys().chain(new.keys()).chain(ops.keys()).copied().collect();
        for name in names {
            let in_conflict = done.conflicts.iter().any(|c| c.rule.as_deref() == Some(&format!("f{name}=F{name}")));
            let (was, is, mine) = (old.get(&name), new.get(&name), wanted.get(&name));
            let Some(op) = ops.get(&name) else {
                prop_assert_eq!(now.get(&name), is, "f{} is not the overlay's: {}", name, text);
                prop_assert!(!in_conflict);
                continue;
            };
            let found = now.get(&name);
            match op {
                Op::Disable => prop_assert_eq!(found, None, "{}", text),
                Op::Add(rule) => {
                    prop_assert_eq!(found, Some(rule), "{}", text);
                    prop_assert_eq!(in_conflict, is.is_some_and(|is| is != rule));
                }
                Op::Replace(_) | Op::Edit { .. } => {
                    let found = found.expect("a rule that the overlay changed is still there");
                    let (was, mine) = (was.unwrap(), mine.unwrap());
                    if let Op::Edit { note, case, add, remove } = op {
                        prop_assert!(note.is_none_or(|note| found.note == note), "{}", text);
                        prop_assert!(case.is_none_or(|case| found.case == case), "{}", text);
                        let table = found.table.clone().unwrap_or_default();
                        prop_assert!(add.iter().all(|(left, right)| table.get(left) == Some(right)), "{}", text);
                        let back = |left: &&u8| !add.contains_key(*left) && table.get(*left) == Some(&home(**left));
                        prop_assert!(!remove.iter().any(|left| back(&left)), "{}", text);
                    }
                    // Each key that the customer did not change is the template's, unless a person is asked.
                    let is = is.filter(|is| is.table.is_some() == was.table.is_some() || !in_conflict);
                    if let Some(is) = is.filter(|_| !in_conflict) {
                        prop_assert!(mine.note != was.note || found.note == is.note, "{}", text);
                        prop_assert!(mine.case != was.case || found.case == is.case, "{}", text);
                    }
                    // A person is asked where both changed a key to different things.
                    if let Some(is) = is {
                        let both = was.note != is.note && mine.note != was.note && mine.note != is.note;
                        prop_assert!(!both || in_conflict, "{}", text);
                    } else if !new.contains_key(&name) {
                        prop_assert!(in_conflict, "the template dropped what the overlay speaks of");
                    }
                }
            }
        }
        // However it is written, the same comes out.
        let before = overlay(1, &ops, false);
        let json = as_json(Document::parse("o", before.text()).unwrap().root()).to_string();
        for other in [json, before.text().replace('\n', "\r\n"), before.text().trim_end().to_owned()] {
            prop_assert_eq!(&rules_when_written(&old, &new, &other), &now, "{}", other);
        }
        // Comments stay with operations that are still said.
        for name in ops.keys() {
            let said = text.contains(&format!("f{name}=F{name}:")) || text.contains(&format!("f{name} <-> F{name}"));
            prop_assert_eq!(text.contains(&format!("# about f{name}\n")), said, "{}", text);
        }
    }
}
