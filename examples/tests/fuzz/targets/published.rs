//! Schemas as texts, snapshots and published lists: what is read is written as a snapshot that reads back the same, and a
//! mapping of everything in it is linted, fitted and proposed for without an end.

use seamless_core::model::{Schema, Sides};
use seamless_mapping::declaration::{LinkDecl, MappingDecl};
use seamless_mapping::fit::Expected;
use seamless_mapping::snapshot::read_schema;
use seamless_mapping::suggest::suggest;
use seamless_mapping::{CompileOptions, FitInput, FitReport, LintOptions, copy, fit, lint};

use super::{Target, nothing, refused};

/// Schemas as texts.
pub(crate) const TARGET: Target = Target { name: "published", run, made: nothing, words: WORDS };

const WORDS: &[&str] = &[
    "[{\"entity\":\"e\",\"fields\":[",
    "{\"name\":\"n\",\"type\":\"string\"}",
    "\"type\":\"guid\"",
    "\"type\":\"option\"",
    "\"options\":[{\"value\":1}]",
    "\"reference_to\":\"\\\"T\\\".f\"",
    "\"reference_to\":[\"T\"]",
    "\"init_value\":\"\\\" \\\"\"",
    "\"max_length\":4294967295",
    "\"scale\":4294967295",
    "\"required_level\":\"required\"",
    "\"key\":true",
    "\"primary_key\":[\"n\"]",
    "null",
    "]}]",
    ",",
    "{\"e\":{\"name\":\"e\",\"fields\":[]}}",
    "\"type\":\"decimal\",\"precision\":0",
    "-9223372036854775808",
];

/// Fields that are mapped at most: what is asked of each pair of them takes its time.
const FIELDS_MAX: usize = 40;

fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let schema = match read_schema("s", text) {
        Ok(schema) => schema,
        Err(error) => return refused(&error, false),
    };
    let snapshot = serde_json::to_string(&schema).unwrap();
    assert_eq!(read_schema("again", &snapshot).unwrap(), schema, "{snapshot}");
    let fields: usize = schema.entities.values().map(|entity| entity.fields.len()).sum();
    if fields <= FIELDS_MAX {
        looked_at(&schema);
    }
}

/// A mapping of each field to itself.
fn looked_at(schema: &Schema) {
    let mut mapping = MappingDecl::new("l", "r");
    for (name, entity) in &schema.entities {
        let mut link = LinkDecl::new(name.as_str(), name.as_str(), name.as_str());
        link.rules =
            entity.fields.iter().map(|field| copy(field.name.as_str(), field.name.as_str())).collect();
        mapping.links.push(link);
    }
    let both = Sides::new(schema, schema);
    let options = LintOptions {
        compile: CompileOptions { schemas: Some(both), ..CompileOptions::default() },
        capabilities: None,
    };
    lint(&mapping, &options).iter().for_each(|finding| assert!(!finding.message.trim().is_empty()));
    let known = both.map(Expected::Whole);
    let same = fit(&FitInput { mapping: &mapping, expected: known, now: both, samples: None });
    assert_eq!(same, FitReport::default());
    let empty = Schema::default();
    let gone =
        fit(&FitInput { mapping: &mapping, expected: known, now: Sides::new(&empty, schema), samples: None });
    assert_eq!(gone.differences.len(), mapping.links.len());
    suggest(both);
}
