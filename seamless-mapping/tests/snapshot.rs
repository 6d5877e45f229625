//! Schemas from texts: what a published list says is in the schema, and nothing more.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use proptest::prelude::*;
use seamless_core::model::{Field, FieldKind, OptionSet, Schema, Value};
use seamless_mapping::snapshot::read_schema;

fn field(schema: &Schema, entity: &str, field: &str) -> Field {
    schema.entity(entity).and_then(|entity| entity.field(field)).unwrap().clone()
}

fn options(field: &Field) -> OptionSet {
    match &field.kind {
        FieldKind::Option { options } => options.clone(),
        other => panic!("{other:?}"),
    }
}

fn sales() -> Schema {
    read_schema("published_sales.json", include_str!("data/published_sales.json")).unwrap()
}

fn ledger() -> Schema {
    read_schema("published_ledger.json", include_str!("data/published_ledger.json")).unwrap()
}

#[test]
fn a_table_relation_is_a_reference_to_the_entity_that_the_table_stands_for() {
    let schema = sales();
    let one = FieldKind::Reference { targets: vec!["contact".into()] };
    assert_eq!(field(&schema, "account", "primarycontactid").kind, one);
    let two = FieldKind::Reference { targets: vec!["crm systemuser".into(), "crm team".into()] };
    assert_eq!(field(&schema, "account", "ownerid").kind, two);
    let model = read_schema("m", include_str!("data/published_model.json")).unwrap();
    let own = FieldKind::Reference { targets: vec!["account".into()] };
    assert_eq!(field(&model, "account", "parentaccountid").kind, own);
}

#[test]
fn keys_are_named_as_the_fields_are_whatever_the_list_calls_them() {
    let schema = sales();
    assert_eq!(schema.entity("account").unwrap().key, ["accountid".into()]);
    assert_eq!(ledger().entity("Customer").unwrap().key, ["No.".into()]);
    // Other keys of such a list order records; nothing says that they are unique.
    assert!(schema.entity("account").unwrap().unique.is_empty());
}

#[test]
fn what_the_system_fills_itself_is_not_required_of_a_rule() {
    assert!(!field(&sales(), "account", "accountid").required);
    assert!(field(&ledger(), "Customer", "No.").required);
    let model = read_schema("m", include_str!("data/published_model.json")).unwrap();
    assert!(!field(&model, "account", "accountid").required);
    assert!(field(&model, "account", "name").required);
}

#[test]
fn filters_and_removed_columns_hold_no_value_and_sums_are_computed() {
    let schema = ledger();
    let customer = schema.entity("Customer").unwrap();
    assert!(customer.field("Date Filter").is_none());
    assert!(customer.field("Old Code").is_none());
    let balance = customer.field("Balance").unwrap();
    assert!(balance.computed && balance.read_only);
}

#[test]
fn an_enum_that_can_be_extended_is_open_and_another_tables_null_is_no_option() {
    let schema = ledger();
    let blocked = options(&field(&schema, "Customer", "Blocked"));
    assert!(!blocked.closed);
    assert!(blocked.contains(&Value::Int(0)), "a blank option of its own stays");
    let terms = field(&sales(), "account", "paymenttermscode");
    let known = options(&terms);
    assert!(known.closed);
    assert!(!known.contains(&Value::Int(-1)));
    assert_eq!(terms.default, Some(Value::Int(1)));
    assert_eq!(field(&schema, "Customer", "Reserve").default, Some(Value::Int(1)));
}

/// Tables hold numbers, and a mapping speaks of what the web services send.
#[test]
fn options_of_business_central_are_their_names() {
    let text = include_str!("data/published_ledger.json");
    let text = text.replacen("{ \"entity\":", "{ \"system\": \"business_central\", \"entity\":", 1);
    let schema = read_schema("ledger.json", &text).unwrap();
    let blocked = options(&field(&schema, "Customer", "Blocked"));
    let values: Vec<&Value> = blocked.options.iter().map(|option| &option.value).collect();
    assert_eq!(values, [&Value::text("All")], "a blank one is nothing");
    assert_eq!(field(&schema, "Customer", "Reserve").default, Some(Value::text("Optional")));
}

#[test]
fn types_keep_their_limits_and_memos_are_text() {
    let schema = sales();
    assert_eq!(field(&schema, "account", "name").kind, FieldKind::Text { length_max: Some(160) });
    assert_eq!(field(&schema, "account", "description").kind, FieldKind::Text { length_max: None });
    assert_eq!(field(&schema, "account", "entityimage").kind, FieldKind::Bytes { length_max: None });
    let model = read_schema("m", include_str!("data/published_model.json")).unwrap();
    let money = FieldKind::Decimal { precision: Some(18), scale: Some(2) };
    assert_eq!(field(&model, "account", "creditlimit").kind, money);
}

#[test]
fn a_snapshot_that_was_written_is_read_as_it_was() {
    let schema = sales();
    let text = serde_json::to_string_pretty(&schema).unwrap();
    assert_eq!(read_schema("snapshot", &text).unwrap(), schema);
}

#[test]
fn what_is_no_schema_is_refused_with_its_place() {
    let refused = |text: &str| format!("{:?}", read_schema("crm.json", text).unwrap_err());
    assert!(refused("[1]").contains("crm.json is no schema"));
    assert!(refused("").contains("crm.json is no schema"));
    let strange = r#"[{ "entity": "account", "fields": [{ "name": "n", "type": "hologram" }] }]"#;
    let error = read_schema("crm.json", strange).unwrap_err();
    assert_eq!(error.message(), "the type `hologram` is not known");
    let places: Vec<(String, String)> =
        error.context().map(|(what, at)| (what.to_string(), at.to_string())).collect();
    assert!(places.contains(&("field".into(), "n".into())), "{places:?}");
    assert!(places.contains(&("entity".into(), "account".into())), "{places:?}");
    let twice = r#"[{ "entity": "a", "fields": [] }, { "entity": "a", "fields": [] }]"#;
    assert_eq!(read_schema("crm.json", twice).unwrap_err().message(), "the entity a stands there twice");
    let fields = r#"[{ "entity": "a", "fields": [{ "name": "n", "type": "date" }, { "name": "n", "type": "bool" }] }]"#;
    assert_eq!(read_schema("crm.json", fields).unwrap_err().message(), "the field n stands there twice");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// No text makes the reader panic, and every field of a list that is read has a kind that was written.
    #[test]
    fn any_text_is_read_or_refused(text in r#"[\[\]{}":,a-z0-9 ]{0,60}"#) {
        let _ = read_schema("x", &text);
    }

    #[test]
    fn lengths_and_names_come_through(names in prop::collection::btree_set("[A-Za-z][A-Za-z0-9 ._%()/-]{0,20}", 1..8), length in 1u32..4000) {
        let fields: Vec<_> = names.iter()
            .map(|name| serde_json::json!({ "name": name, "type": "string", "max_length": length }))
            .collect();
        let text = serde_json::json!([{ "entity": "e", "fields": fields }]).to_string();
        let schema = read_schema("x", &text).unwrap();
        let entity = schema.entity("e").unwrap();
        prop_assert_eq!(entity.fields.len(), names.len());
        for name in &names {
            prop_assert_eq!(&entity.field(name).unwrap().kind, &FieldKind::Text { length_max: Some(length) });
        }
    }
}
