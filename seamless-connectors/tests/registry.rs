//! Connectors from configuration, and what is said of configurations that are wrong.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use futures::executor::block_on;
use seamless_connectors::registry::Registry;
use seamless_core::model::{ErrorKind, Value};
use serde_json::json;

#[test]
fn wrong_configurations_are_told_with_what_may_have_been_meant() {
    let registry = Registry::standard();
    let entity = json!({ "name": "t", "key": ["id"], "fields": [{ "name": "id", "type": "int" }] });
    let table = [
        ("memori", json!({}), ErrorKind::NotFound, "did you mean \"memory\"?"),
        ("zzz", json!({}), ErrorKind::NotFound, "there are "),
        ("memory", json!({ "nane": "x" }), ErrorKind::Configuration, "did you mean \"name\"?"),
        ("memory", json!({ "name": "x" }), ErrorKind::Configuration, "missing field `entities`"),
        ("memory", json!([]), ErrorKind::Configuration, "is an object"),
        ("memory", json!({ "name": "x", "entities": [entity, entity] }), ErrorKind::Configuration, "twice"),
    ];
    for (kind, config, error, words) in table {
        let told = registry.open(kind, config).unwrap_err();
        assert_eq!(told.kind(), error, "{told}");
        assert!(told.to_string().contains(words), "{told}");
    }
    let memory = registry.open("memory", json!({ "name": "x", "entities": [entity] })).unwrap();
    assert_eq!(block_on(memory.entities()).unwrap().len(), 1);
}

#[test]
fn a_configuration_names_option_sets_that_are_shown_as_entities() {
    let registry = Registry::standard();
    let options = json!({ "closed": true, "options": [{ "value": serde_json::to_value(Value::Int(1)).unwrap(), "label": "Net 30", "active": true }] });
    let terms = json!({ "name": "terms", "type": "option", "options": options });
    let id = json!({ "name": "id", "type": "int" });
    let entity = json!({ "name": "account", "key": ["id"], "fields": [id, terms], "unique": [] });
    let config = |sets| json!({ "name": "x", "entities": [entity], "option_sets": sets });
    let memory = registry.open("memory", config(json!({ "account": ["terms"] }))).unwrap();
    let names: Vec<String> = block_on(memory.entities()).unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(names, ["account", "account.terms"]);
    let told = registry.open("memory", config(json!(["terms"]))).unwrap_err();
    assert!(told.to_string().contains("option_sets"), "{told}");
}

#[test]
fn a_configuration_wraps_any_kind_into_the_recommended_stack() {
    let registry = Registry::standard();
    let entity = json!({ "name": "t", "key": ["id"], "fields": [{ "name": "id", "type": "int" }] });
    let config = |name: &str, value| {
        let mut config = json!({ "name": "x", "entities": [entity] });
        config[name] = value;
        registry.open("memory", config)
    };
    let limits = json!({ "per_second": 5, "per_day": 1000, "reserve_percent": 20, "call_timeout_s": 9 });
    let memory = config("limits", limits).unwrap();
    let shown = format!("{memory:?}");
    for words in ["Retry", "calls_max: 8", "per_second: Some(5)", "call: 9s", "page: 60s"] {
        assert!(shown.contains(words), "{shown}");
    }
    assert_eq!(block_on(memory.entities()).unwrap().len(), 1);
    assert!(
        format!("{:?}", config("retry", json!({ "attempts_max": 2 })).unwrap()).contains("attempts_max: 2")
    );
    for (setting, value, words) in [
        ("limits", json!({ "per_secnd": 5 }), "per_secnd"),
        ("limits", json!({ "per_second": 0 }), "limits"),
        ("limits", json!({ "reserve_percent": 101 }), "share of a hundred"),
        ("limits", json!({ "day_begins_s": 86400 }), "time of a day"),
        ("retry", json!(3), "retry"),
    ] {
        let told = config(setting, value).unwrap_err();
        assert_eq!(told.kind(), ErrorKind::Configuration);
        assert!(told.to_string().contains(words) && told.to_string().contains("connector memory"), "{told}");
    }
}

#[cfg(all(feature = "csv", feature = "jsonl", feature = "sqlite"))]
#[test]
fn every_setting_of_a_configuration_is_known() {
    use seamless_connectors::{csv::CsvConfig, jsonl::JsonlConfig, sqlite::SqliteConfig};
    let registry = Registry::standard();
    let folder = tempfile::tempdir().unwrap();
    let mut sqlite = serde_json::to_value(SqliteConfig::new(folder.path().join("x.db"))).unwrap();
    sqlite["create"] = json!(true);
    for (kind, config) in [
        ("csv", serde_json::to_value(CsvConfig::new(folder.path())).unwrap()),
        ("jsonl", serde_json::to_value(JsonlConfig::new(folder.path())).unwrap()),
        ("sqlite", sqlite),
    ] {
        assert_eq!(registry.open(kind, config).unwrap().info().system, kind);
    }
    let nested = json!({ "path": folder.path().join("x.db"), "tables": { "t": { "versoin": "v" } } });
    let told = registry.open("sqlite", nested).unwrap_err().to_string();
    assert!(told.contains("unknown field `versoin`") && told.contains("version"), "{told}");
}

/// The first word that is wrong is told before anything is connected to.
#[cfg(feature = "postgres")]
#[test]
fn every_setting_of_a_postgres_configuration_is_known() {
    use seamless_connectors::postgres::PostgresConfig;
    let registry = Registry::standard();
    let mut config = serde_json::to_value(PostgresConfig::new("127.0.0.1", "x", "x")).unwrap();
    config["port"] = json!(1);
    config["tls"] = json!("off");
    let told = registry.open("postgres", config.clone()).unwrap_err();
    assert_eq!(told.kind(), ErrorKind::Unavailable, "{told}");
    config["statement_timeout_ms"] = json!(0);
    let told = registry.open("postgres", config.clone()).unwrap_err();
    assert_eq!(told.kind(), ErrorKind::Configuration, "{told}");
    config["pasword"] = json!("x");
    let told = registry.open("postgres", config).unwrap_err();
    assert!(told.to_string().contains("did you mean \"password\"?"), "{told}");
}
