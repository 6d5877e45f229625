//! `schema`: the JSON Schema of mapping files, or what a file says that a system has.

use seamless_core::document::did_you_mean;
use seamless_core::model::Schema;
use serde_json::json;

use super::discover::show_entity;
use crate::app::Outcome;
use crate::app::checks::SchemaArgs;
use crate::app::cli::Global;
use crate::app::failure::Failure;
use crate::app::files::write_text;
use crate::app::host::Host;
use crate::app::material::schema_file;
use crate::app::show;
use crate::app::snapshots::schema_text;

/// What editors complete mapping files with.
const MAPPING_SCHEMA: &str = include_str!("../../../../docs/mapping.schema.json");

pub(crate) fn run(args: &SchemaArgs, global: &Global, host: &mut Host<'_>) -> Result<Outcome, Failure> {
    let Some(path) = &args.read else {
        host.line(MAPPING_SCHEMA.trim_end())?;
        return Ok(Outcome::Done);
    };
    let mut schema = schema_file(path)?;
    if let Some(name) = &args.entity {
        schema = only(&schema, name)?;
    }
    let fields: usize = schema.entities.values().map(|entity| entity.fields.len()).sum();
    if let Some(out) = &args.out {
        write_text(out, &schema_text(&schema)?)?;
    }
    if global.json {
        host.json(&json!({ "entities": schema.entities.len(), "fields": fields, "out": args.out, "schema": schema }))?;
        return Ok(Outcome::Done);
    }
    if args.out.is_none() {
        for entity in schema.entities.values() {
            host.line(show::name(entity.name.as_str()))?;
            show_entity(entity, host)?;
            host.line("")?;
        }
    }
    let entities = match schema.entities.len() {
        1 => "1 entity".to_owned(),
        count => format!("{count} entities"),
    };
    let written = args.out.as_ref().map(|out| format!(", written to {}", out.display())).unwrap_or_default();
    host.line(format_args!("{entities}, {}{written}.", show::counted(fields as u64, "field")))?;
    Ok(Outcome::Done)
}

fn only(schema: &Schema, name: &str) -> Result<Schema, Failure> {
    let Some(entity) = schema.entity(name) else {
        let failure = Failure::usage(format!("there is no entity `{name}`"));
        let known = schema.entities.keys().map(|known| known.as_str());
        return Err(match did_you_mean(name, known) {
            Some(remedy) => failure.remedy(remedy),
            None => failure,
        });
    };
    let mut one = Schema::default();
    one.entities.insert(entity.name.clone(), entity.clone());
    Ok(one)
}
