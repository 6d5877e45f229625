//! Values that are read through references: how a mapping names them, what is checked on the way, and what it is refused for.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use seamless_core::mapper::Draft;
use seamless_core::mapper::{MapContext, MapProblem, Mapper, Resolved, RuleKind, Step};
use seamless_core::merge::CompiledLink;
use seamless_core::model::{
    Entity, EntityName, Field, FieldKind, Record, RuleIndex, Schema, Shape, Side, Sides, Slot, Value, record,
};
use seamless_mapping::{CompileOptions, LoadOptions, Mapping, Matrix, load, run_tests};

fn file(link: &str) -> String {
    format!(
        "integration: orders\nsides: {{ crm: a, erp: b }}\nlinks:\n  - id: orders\n    crm: order\n    erp: Order\n    match: [ number = No ]\n    sweep: 1d\n{link}"
    )
}

/// What is said of a mapping, with schemas; `mode` and other keys of the link stand in `link`.
fn said(link: &str) -> String {
    let (crm, erp) = (crm(), erp());
    let schemas = Some(Sides::new(&crm, &erp));
    let compile = CompileOptions { schemas, ..CompileOptions::default() };
    let options = LoadOptions { compile, ..LoadOptions::default() };
    match load("m.yaml", &file(link), &options) {
        Ok(loaded) => {
            loaded.mapping.warnings().iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
        }
        Err(findings) => findings.to_string(),
    }
}

fn mapping(link: &str) -> Mapping {
    load("m.yaml", &file(link), &LoadOptions::default()).unwrap_or_else(|found| panic!("{found}")).mapping
}

fn entity(name: &str, fields: Vec<Field>) -> (EntityName, Entity) {
    let entity =
        Entity { name: name.into(), label: None, fields, key: vec![], unique: vec![], actions: vec![] };
    (name.into(), entity)
}

fn text(name: &str, length_max: u32) -> Field {
    Field::new(name, FieldKind::Text { length_max: Some(length_max) })
}

fn refers(name: &str, to: &[&str]) -> Field {
    Field::new(name, FieldKind::Reference { targets: to.iter().map(|to| (*to).into()).collect() })
}

fn crm() -> Schema {
    let lines = Field::new("lines", FieldKind::List { entity: "line".into() });
    let order =
        vec![text("number", 20), refers("customer", &["account"]), refers("owner", &["user", "team"]), lines];
    let entities = [
        entity("order", order),
        entity("account", vec![text("name", 20), refers("pricelist", &["pricelist"])]),
        entity("pricelist", vec![text("currency", 5)]),
        entity("user", vec![text("mail", 80)]),
        entity("line", vec![Field::new("pos", FieldKind::Int), refers("product", &["product"])]),
        entity("product", vec![text("unit", 10)]),
    ];
    Schema { entities: entities.into_iter().collect() }
}

fn erp() -> Schema {
    let lines = Field::new("Lines", FieldKind::List { entity: "Line".into() });
    let order = vec![text("No", 20), text("Currency", 3), text("Mail", 80), lines];
    let entities =
        [entity("Order", order), entity("Line", vec![Field::new("Pos", FieldKind::Int), text("Unit", 10)])];
    Schema { entities: entities.into_iter().collect() }
}

const CURRENCY: &str =
    "    paths:\n      crm:\n        customer.pricelist.currency: [ customer, pricelist, currency ]\n";

#[test]
fn the_schema_says_where_a_path_leads_and_what_it_ends_with() {
    let rule = "    rules: [ number <-> No, customer.pricelist.currency -> Currency ]\n";
    // The field at the end has five characters, the target takes three: as of any other field.
    let found = said(&format!("{CURRENCY}{rule}"));
    assert!(found.contains("Currency takes 3 characters, currency can hold 5"), "{found}");
    let (crm, erp) = (crm(), erp());
    let declared = mapping(&format!(
        "    paths:\n      crm:\n        customer.pricelist.currency: [ customer -> account, pricelist -> pricelist, currency ]\n{rule}"
    ));
    let options = CompileOptions { schemas: Some(Sides::new(&crm, &erp)), ..CompileOptions::default() };
    let compiled = seamless_mapping::compile(declared.declared(), &options).unwrap();
    let link = compiled.link("orders").unwrap();
    let step = |field: &str, entity: &str| Step { field: field.into(), entity: entity.into() };
    assert_eq!(
        link.paths(Side::Left)[0].steps,
        [step("customer", "account"), step("pricelist", "pricelist")]
    );
    assert_eq!(link.rules()[1].kind, RuleKind::Copy, "compared directly, as a field is");
    // What it begins with is read beside it, and is no reason to look at a pair.
    let link = CompiledLink::compile(link).unwrap();
    let shape = link.shape(Side::Left);
    assert!(shape.slot("customer").unwrap() >= link.watched(Side::Left));
    assert!(shape.slot("customer.pricelist.currency").unwrap() < link.watched(Side::Left));
}

#[test]
fn what_leads_nowhere_is_refused_with_what_was_meant() {
    let rule = "    rules: [ number <-> No, it -> Mail ]\n";
    let path = |path: &str| said(&format!("    paths:\n      crm:\n        it: {path}\n{rule}"));
    for (written, expected) in [
        ("[ custmer, name ]", "order has no field custmer"),
        ("[ custmer, name ]", "did you mean `customer`"),
        ("[ number, name ]", "number of order is text"),
        ("[ customer, pricelst, currency ]", "account has no field pricelst"),
        ("[ customer, nam ]", "account has no field nam"),
        ("[ customer -> acount, name ]", "customer of order does not point at acount"),
        ("[ owner, mail ]", "owner can point at user, team"),
        ("[ owner, mail ]", "say which one is meant: `owner -> user`"),
        ("[ customer, customer, customer, customer, customer, name ]", "has 5 steps"),
        ("[ customer ]", "a path has references and a field at its end"),
        ("[ customer, pricelist -> pricelist ]", "the last part of a path is the field that is read"),
        ("name", "write it like"),
    ] {
        let found = path(written);
        assert!(found.contains(expected), "{written}: {found}");
    }
    assert_eq!(path("[ owner -> user, mail ]"), "");
    // Without schemas nobody knows what a field points at.
    let text =
        file(&format!("{CURRENCY}    rules: [ number <-> No, customer.pricelist.currency -> Currency ]\n"));
    let found = load("m.yaml", &text, &LoadOptions::default()).unwrap_err().to_string();
    assert!(found.contains("nothing says what customer of the path"), "{found}");
}

#[test]
fn nothing_is_written_to_what_is_read_through_references_and_records_are_matched_by_it() {
    let with = |rest: &str| said(&format!("{CURRENCY}{rest}"));
    for (written, code) in [
        ("    rules: [ number <-> No, customer.pricelist.currency <-> Currency ]\n", "path-written"),
        ("    rules: [ number <-> No, customer.pricelist.currency <- Currency ]\n", "path-written"),
        ("    rules: [ number <-> No ]\n", "path-unused"),
        ("    rules: [ number <-> No, customer.pricelist.curency -> Currency ]\n", "did you mean"),
    ] {
        let found = with(written);
        assert!(found.contains(code), "{written}: {found}");
    }
    // A link that goes one way makes a two-way rule one that leads away from it.
    let found =
        with("    mode: to_erp\n    rules: [ number <-> No, customer.pricelist.currency <-> Currency ]\n");
    assert!(!found.contains("path-written"), "{found}");
    let matched =
        file(&format!("{CURRENCY}    rules: [ number <-> No, customer.pricelist.currency -> Currency ]\n"))
            .replace("number = No", "customer.pricelist.currency = Currency");
    let (crm, erp) = (crm(), erp());
    let schemas = Some(Sides::new(&crm, &erp));
    let compile = CompileOptions { schemas, ..CompileOptions::default() };
    let options = LoadOptions { compile, ..LoadOptions::default() };
    let loaded = load("m.yaml", &matched, &options).unwrap_or_else(|found| panic!("{found}"));
    CompiledLink::compile(loaded.mapping.link("orders").unwrap()).unwrap();
    let shadows =
        said("    paths:\n      crm:\n        number: [ customer, name ]\n    rules: [ number -> No ]\n");
    assert!(shadows.contains("path-shadows"), "{shadows}");
}

// Catches: a record that is created with a value for what its scope reads from another record.
#[test]
fn a_scope_that_looks_at_another_record_makes_no_constant_of_a_new_one() {
    let link = "    paths:\n      crm:\n        customer.state: [ customer -> account, state ]\n    scope: { crm: customer.state == 1 and kind == 2 }\n    rules: [ number <-> No ]\n";
    let mapping = mapping(link);
    let rules =
        mapping.link("orders").unwrap().rules().iter().map(|rule| rule.id.to_string()).collect::<Vec<_>>();
    assert_eq!(rules, ["number=No", "kind="]);
}

const LINES: &str = "    paths:\n      crm:\n        lines:\n          product.unit: [ product, unit ]\n";

#[test]
fn a_rule_of_a_line_names_a_path_of_the_lines() {
    let rules = "    rules:\n      - number <-> No\n      - lines -> Lines:\n          key: pos = Pos\n          rules: [ product.unit -> Unit ]\n";
    assert_eq!(said(&format!("{LINES}{rules}")), "");
    let two_way =
        rules.replace("lines -> Lines", "lines <-> Lines").replace("product.unit ->", "product.unit <->");
    let found = said(&format!("{LINES}{two_way}"));
    assert!(found.contains("path-written"), "{found}");
    let nowhere = said(&format!("{LINES}    rules: [ number <-> No ]\n"));
    assert!(nowhere.contains("no rule carries the lines of lines of crm"), "{nowhere}");
    let declared =
        "    paths:\n      crm:\n        lines:\n          product.unit: [ product -> product, unit ]\n";
    let link = mapping(&format!("{declared}{rules}")).link("orders").unwrap();
    let path = &link.paths(Side::Left)[0];
    assert_eq!((path.list.as_ref().unwrap().as_str(), path.name.as_str()), ("lines", "product.unit"));
}

fn state(value: Slot) -> Record {
    let shape = Shape::new(["number".into(), "customer.state".into()]).unwrap();
    record(&shape, [("number".into(), Slot::Value(Value::text("1"))), ("customer.state".into(), value)])
        .unwrap()
}

#[test]
fn what_is_not_known_at_the_end_of_a_path_waits_by_name() {
    let link = "    paths:\n      crm:\n        customer.state: [ customer -> account, state ]\n    rules:\n      - customer.state -> State\n      - number -> No: { when: { crm: customer.state == 1 } }\n";
    let link = mapping(link).link("orders").unwrap();
    let nothing = Record::absent(&Shape::new(["State".into(), "No".into()]).unwrap());
    let (resolved, entity) = (Resolved::new(), EntityName::from("Order"));
    let cx = MapContext { resolved: &resolved, target_entity: &entity, creating: true };
    for unknown in [Slot::Absent, Slot::Unreadable] {
        for rule in 0..2 {
            let mut draft = Draft::over(&nothing);
            let error = link
                .carry(RuleIndex(rule), Side::Left, &state(unknown.clone()), &mut draft, &cx)
                .unwrap_err();
            assert_eq!((&error.problem, error.field.as_str()), (&MapProblem::NotFound, "customer.state"));
        }
    }
    let mut draft = Draft::over(&nothing);
    link.carry(RuleIndex(0), Side::Left, &state(Slot::Value(Value::Null)), &mut draft, &cx).unwrap();
    assert_eq!(draft.get(0).unwrap().to_planned(), seamless_core::model::Planned::Known(Value::Null));
}

// Catches: a path that is led elsewhere, with bases of what it read before.
#[test]
fn another_path_is_another_rule_and_its_name_alone_is_not_what_decides() {
    let digest = |path: &str| {
        let rules = "    rules: [ number <-> No, it -> State ]\n";
        let link =
            mapping(&format!("    paths:\n      crm:\n        it: {path}\n{rules}")).link("orders").unwrap();
        (link.rules()[0].digest, link.rules()[1].digest, CompiledLink::compile(link).unwrap().digest())
    };
    let (other, read, link) = digest("[ customer -> account, state ]");
    let (same, moved, changed) = digest("[ customer -> account, status ]");
    assert_eq!(other, same);
    assert_ne!(read, moved);
    assert_ne!(link, changed);
}

#[test]
fn tests_of_a_mapping_say_what_a_path_reads_and_the_matrix_says_along_what() {
    let link = "    paths:\n      crm:\n        customer.state: [ customer -> account, state ]\n    rules: [ number <-> No, customer.state -> State ]\n    tests:\n      - name: a state\n        to: erp\n        record: { number: 1, customer.state: open }\n        expect: { No: 1, State: open }\n      - name: not seen\n        to: erp\n        record: { number: 1 }\n        expect: { State: park }\n";
    let mapping = mapping(link);
    let report = run_tests(&mapping);
    assert!(report.outcomes.iter().all(|outcome| outcome.failures.is_empty()), "{:?}", report.outcomes);
    let row = &Matrix::of(&mapping).links[0].rows[1];
    assert_eq!(row.note, "customer.state is read along customer -> account, state");
}
