//! Actions in mapping files: what is read, what is refused, and what is said of them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod schemas;

use seamless_core::mapper::Mapper;
use seamless_core::merge::CompiledLink;
use seamless_core::model::{EntityAction, Schema, Side, Sides, Value};
use seamless_mapping::explain::{Subject, explain, given_record};
use seamless_mapping::notation::{lint_file, record_fields};
use seamless_mapping::{
    CompileOptions, LintOptions, LoadOptions, Mapping, Matrix, both, copy, load, options,
};

use schemas::schema;

const HEAD: &str = "integration: t\nsides: { crm: a, erp: b }\nlinks:\n  - id: orders\n    crm: order\n    erp: Order\n    match: [number = No.]\n";
const ACTIONS: &str = "    actions:
      erp:
        release: { field: Status, from: Open, to: Released }
        reopen: { field: Status, from: [Released, Pending], to: Open, opens: true }
        post: { field: Status, from: Released, to: Posted }
    starts: { erp: { Status: Open } }
";
const STATES: &str = "    writable: { erp: Status == Open }
    states:
      draft: { crm: { state: 0 }, erp: { Status: Open } }
      released: { crm: { state: 3 }, erp: { Status: Released } }
      posted: { crm: { state: 4 }, erp: { Status: Posted } }
";
const RULES: &str = "    rules:
      - number <-> No.
      - note <-> Note
";

fn mapping(text: &str) -> Mapping {
    load("m.yaml", text, &LoadOptions::default()).unwrap().mapping
}

fn refused(text: &str) -> String {
    load("m.yaml", text, &LoadOptions::default()).unwrap_err().to_string()
}

#[test]
fn a_file_and_the_builder_give_the_same() {
    let file = mapping(&format!(
        "{HEAD}{ACTIONS}{RULES}      - state <-> Status: {{ options: [ A <-> Open, B <-> Released ] }}\n"
    ));
    let built = Mapping::builder("crm", "erp")
        .link("orders", "order", "Order")
        .match_on([("number", "No.")])
        .action(Side::Right, "release", "Status", ["Open"], "Released")
        .action(Side::Right, "reopen", "Status", ["Released", "Pending"], "Open")
        .opens(Side::Right)
        .action(Side::Right, "post", "Status", ["Released"], "Posted")
        .starts(Side::Right, "Status", "Open")
        .rule(copy("number", "No."))
        .rule(copy("note", "Note"))
        .rule(options("state", "Status", [both("A", "Open"), both("B", "Released")]))
        .done()
        .build()
        .unwrap();
    assert_eq!(file.declared().links[0].actions, built.declared().links[0].actions);
    assert_eq!(file.link("orders").unwrap().link().actions, built.link("orders").unwrap().link().actions);
    let mapper = file.link("orders").unwrap();
    let actions = &mapper.link().actions.right;
    assert_eq!(
        (actions.steps.len(), actions.steps[1].opens, actions.start("Status")),
        (3, true, Some(&Value::text("Open")))
    );
}

#[test]
fn what_makes_no_sense_is_refused_with_what_to_write() {
    let of = |actions: &str, rest: &str| {
        refused(&format!("{HEAD}    actions: {{ erp: {{ {actions} }} }}\n{rest}{RULES}"))
    };
    let table = [
        (of("release: { field: Status, from: Open }", ""), "to"),
        (
            of("release: { field: Status, from: [Open, Released], to: Released }", ""),
            "leads from \"Released\" to where it begins",
        ),
        (of("release: { field: Status, from: [], to: Released }", ""), "does not say"),
        (of("release: { field: Status, from: Open, to: Released, open: true }", ""), "opens"),
        (
            of(
                "release: { field: Status, from: Open, to: Released }",
                "    starts: { erp: { Phase: Open } }\n",
            ),
            "moved by no action",
        ),
        (refused(&format!("{HEAD}    actions: {{ shop: {{}} }}\n{RULES}")), "shop"),
        (
            refused(&format!(
                "{HEAD}{ACTIONS}    states:\n      draft: {{ crm: {{ state: 0 }}, erp: {{ Status: Open, Reason: x }} }}\n{RULES}"
            )),
            "together with other fields",
        ),
    ];
    for (said, expected) in table {
        assert!(said.contains(expected), "{expected} is not in\n{said}");
    }
}

const LEFT: &str = "order: *id int, number text(20), note text(50), state int";
const RIGHT: &str =
    "Order: *id int, No. text(20), Note text(50), Status option[Open|Released|Pending|Posted] r";

fn erp(actions: &[EntityAction]) -> Schema {
    let mut schema = schema(RIGHT);
    schema.entities.get_mut("Order").unwrap().actions = actions.to_vec();
    schema
}

fn linted(text: &str, right: &Schema) -> Vec<(String, String, String)> {
    let left = schema(LEFT);
    let compile = CompileOptions { schemas: Some(Sides::new(&left, right)), ..CompileOptions::default() };
    let options = LintOptions { compile, capabilities: None };
    let found = lint_file("m.yaml", text, &Default::default(), &options);
    let said = found.iter().flat_map(|found| found.iter()).map(|one| {
        let said = one.diagnostic();
        (said.code.to_string(), said.message.clone(), said.help.clone().unwrap_or_default())
    });
    said.filter(|(code, ..)| OF_ACTIONS.contains(&code.as_str())).collect()
}

/// What is said of actions and of the fields that they move.
const OF_ACTIONS: [&str; 8] = [
    "unknown-action",
    "actions-undeclared",
    "action-differs",
    "start-missing",
    "unknown-option",
    "unreachable-state",
    "read-only-target",
    "unknown-field",
];

fn declared() -> Vec<EntityAction> {
    ["release", "reopen", "post"].map(EntityAction::named).to_vec()
}

// Catches: a state that nobody may write refused as a target although actions move it; an action of another name found out by
// the first refusal of the system only.
#[test]
fn actions_are_held_against_what_the_system_declares() {
    let text = format!("{HEAD}{ACTIONS}{STATES}{RULES}");
    assert_eq!(linted(&text, &erp(&declared())), []);
    let other = ["realease", "reopen", "post"].map(EntityAction::named);
    let said = linted(&text, &erp(&other));
    assert_eq!((said.len(), said[0].0.as_str()), (1, "unknown-action"), "{said:?}");
    assert!(said[0].2.contains("realease"), "the nearest name: {said:?}");
    let said = linted(&text, &erp(&[]));
    assert_eq!((said.len(), said[0].0.as_str()), (1, "actions-undeclared"), "{said:?}");
    let mut differs = declared();
    differs[2].to = Some(Value::text("Closed"));
    assert_eq!(linted(&text, &erp(&differs))[0].0, "action-differs");
    // Without the first state a new record would be sent what the system does not take.
    let sent = text.replace("    starts: { erp: { Status: Open } }\n", "");
    assert_eq!(linted(&sent, &erp(&declared()))[0].0, "start-missing");
    let wrong = text.replace("to: Posted", "to: Postd");
    assert!(linted(&wrong, &erp(&declared())).iter().any(|said| said.0 == "unknown-option"));
    let nowhere = text.replace("        post: { field: Status, from: Released, to: Posted }\n", "");
    let said = linted(&nowhere, &erp(&declared()));
    assert!(said.iter().any(|said| said.0 == "unreachable-state" && said.1.contains("Posted")), "{said:?}");
}

#[test]
fn an_explanation_names_the_actions_and_the_matrix_says_what_moves_a_state() {
    let mapping = mapping(&format!("{HEAD}{ACTIONS}{STATES}{RULES}"));
    let mapper = mapping.link("orders").unwrap();
    let compiled = CompiledLink::compile(mapper.clone()).unwrap();
    let record = |side: Side, text: &str| {
        given_record(&mapper, side, compiled.shape(side), &record_fields("values", text).unwrap()).unwrap()
    };
    let source = record(Side::Left, "{ number: A1, state: 4, note: x }");
    let said = |target: Option<&str>| {
        let target = target.map(|text| record(Side::Right, text));
        let resolved = seamless_core::mapper::Resolved::new();
        let explained = explain(&Subject {
            link: &compiled,
            declared: None,
            from: Side::Left,
            source: &source,
            target: target.as_ref(),
            resolved: &resolved,
            entity: None,
        });
        explained.sentences(Sides::new("crm", "erp")).join("\n")
    };
    let open = said(Some("{ No.: A1, Status: Open, Note: x }"));
    assert!(open.contains("Status of erp is brought to \"Posted\" by release, then post"), "{open}");
    assert!(said(None).contains("is brought to \"Posted\" by release, then post"), "{}", said(None));
    let other = said(Some("{ No.: A1, Status: Archived, Note: x }"));
    assert!(other.contains("no action leads to \"Posted\""), "{other}");
    let part = &Matrix::of(&mapping).links[0];
    let lines = part.lifecycle.join("\n");
    assert!(lines.contains("action in erp: reopen brings Status from \"Released\" or \"Pending\" to \"Open\"; also to let an edit through"), "{lines}");
    assert!(lines.contains("made in erp: Status is \"Open\""), "{lines}");
    let states = part.rows.iter().find(|row| row.rule == "states").unwrap();
    assert_eq!(states.note, "Status is moved in erp by its actions");
}
