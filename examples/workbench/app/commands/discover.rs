//! `discover`: what the systems have, as tables, and what changed since the last look.

use futures::executor::block_on;
use seamless_core::connector::{Connector, UniqueKey};
use seamless_core::model::{Entity, Field, FieldKind, OptionSet, Schema};
use seamless_mapping::suggest::{Samples, Seen};
use serde_json::{Value, json};

use crate::app::Outcome;
use crate::app::cli::{DiscoverArgs, Global, SampleArgs};
use crate::app::environment::Lookups;
use crate::app::failure::Failure;
use crate::app::host::Host;
use crate::app::project::{environment, open_connector};
use crate::app::sampling::sampled;
use crate::app::show;

pub(crate) fn run(args: &DiscoverArgs, global: &Global, host: &mut Host<'_>) -> Result<Outcome, Failure> {
    let environment = environment(global, host)?;
    let mut outcome = Outcome::Done;
    let mut documents = Vec::new();
    let shelf = environment.shelf(&global.project);
    for entry in environment.connectors.iter().filter(|entry| entry.own || !global.after_another) {
        let secrets = host.secrets(&global.project);
        let lookups = Lookups { secrets: &secrets, folder: &global.project };
        let connector = open_connector(&environment, &entry.side, lookups)?;
        let schema = live_schema(&*connector)?;
        let asked = SampleArgs { sample: args.sample, show_values: false };
        let samples = sampled(&asked, &entry.side, &*connector, &schema, host)?;
        let before = shelf.schema(&entry.side)?;
        let changes = before.as_ref().map(|before| differences(before, &schema));
        if changes.as_ref().is_some_and(|changes| !changes.is_empty()) {
            outcome = Outcome::Changes;
        }
        if global.json {
            let mut document = side_json(&entry.side, &*connector, &schema, changes.as_deref());
            if let (Some(samples), Some(fields)) = (&samples, document.as_object_mut()) {
                fields.insert("values".to_owned(), values_json(samples, &schema));
            }
            documents.push(document);
        } else {
            show_side(&entry.side, &*connector, &schema, changes.as_deref(), samples.as_ref(), host)?;
        }
        if !args.keep {
            shelf.keep(&entry.side, &*connector, &schema)?;
        }
    }
    if global.json {
        host.json(&json!({ "sides": documents }))?;
    }
    Ok(outcome)
}

/// Everything a system says that it has.
pub(crate) fn live_schema(connector: &dyn Connector) -> Result<Schema, Failure> {
    Ok(block_on(async {
        let entities = connector.entities().await?;
        connector.discover(&entities).await
    })?)
}

fn side_json(side: &str, connector: &dyn Connector, schema: &Schema, changes: Option<&[String]>) -> Value {
    let capabilities: serde_json::Map<String, Value> =
        schema.entities.keys().map(|name| (name.to_string(), json!(connector.capabilities(name)))).collect();
    json!({
        "side": side,
        "system": connector.info().system,
        "label": connector.info().label,
        "schema": schema,
        "capabilities": capabilities,
        "changes": changes,
    })
}

fn show_side(
    side: &str,
    connector: &dyn Connector,
    schema: &Schema,
    changes: Option<&[String]>,
    samples: Option<&Samples>,
    host: &mut Host<'_>,
) -> Result<(), Failure> {
    let info = connector.info();
    let entities = match schema.entities.len() {
        1 => "1 entity".to_owned(),
        count => format!("{count} entities"),
    };
    host.line(format_args!("{side}: {} ({}), {entities}", info.label, info.system))?;
    for entity in schema.entities.values() {
        let can = connector.capabilities(&entity.name);
        host.line(format_args!("\n{}{}", show::name(entity.name.as_str()), show::name(&abilities(&can))))?;
        show_fields(entity, samples, host)?;
    }
    match changes {
        None => host.line("\nThis was the first look.\n"),
        Some([]) => host.line("\nNothing changed since the last look.\n"),
        Some(changes) => {
            host.line("\nChanged since the last look:")?;
            changes.iter().try_for_each(|change| host.line(format_args!("  {}", show::name(change))))?;
            host.line("")
        }
    }
}

/// The fields of an entity as a table.
pub(crate) fn show_entity(entity: &Entity, host: &mut Host<'_>) -> Result<(), Failure> {
    show_fields(entity, None, host)
}

/// The same, with what was seen of their values.
fn show_fields(entity: &Entity, samples: Option<&Samples>, host: &mut Host<'_>) -> Result<(), Failure> {
    let mut heading = vec!["field", "type", "notes", "options"];
    heading.extend(samples.map(|_| "values"));
    let mut table = show::table(&heading, host);
    for field in &entity.fields {
        let options = options_of(&field.kind).map(options_text).unwrap_or_default();
        let mut cells = vec![field.name.to_string(), field.kind.to_string(), notes(entity, field), options];
        let seen = samples.map(|samples| samples.of(&entity.name, &field.name));
        cells.extend(seen.map(|seen| seen.map(Seen::words).unwrap_or_default()));
        table.add_row(cells.iter().map(|cell| show::name(cell)));
    }
    host.line(table)
}

/// What was seen of the fields of each entity, in words.
fn values_json(samples: &Samples, schema: &Schema) -> Value {
    let of_entity = |entity: &Entity| -> Value {
        let words = entity.fields.iter().filter_map(|field| {
            let seen = samples.of(&entity.name, &field.name)?;
            Some((field.name.to_string(), Value::from(seen.words())))
        });
        words.collect::<serde_json::Map<_, _>>().into()
    };
    let entities = schema.entities.values().map(|entity| (entity.name.to_string(), of_entity(entity)));
    entities.collect::<serde_json::Map<_, _>>().into()
}

fn abilities(can: &seamless_core::connector::Capabilities) -> String {
    let mut words = Vec::new();
    if !can.is_writable() {
        words.push("only read".to_owned());
    }
    if can.changes {
        words.push("has a feed of changes".to_owned());
    }
    match &can.unique_key {
        UniqueKey::Fields(fields) => {
            let fields: Vec<&str> = fields.iter().map(|field| field.as_str()).collect();
            words.push(format!("unique by {}", fields.join(" + ")));
        }
        UniqueKey::ClientChosenId => words.push("takes chosen ids".to_owned()),
        UniqueKey::None => {}
    }
    if words.is_empty() { String::new() } else { format!(" ({})", words.join(", ")) }
}

fn notes(entity: &Entity, field: &Field) -> String {
    let flags = [
        (entity.key.contains(&field.name), "key"),
        (field.unique, "unique"),
        (field.required, "required"),
        (field.read_only, "read-only"),
        (field.computed, "computed"),
    ];
    let mut notes: Vec<String> =
        flags.iter().filter(|(is, _)| *is).map(|(_, word)| (*word).to_owned()).collect();
    notes.extend(field.default.as_ref().map(|value| format!("default {value}")));
    notes.join(", ")
}

fn options_of(kind: &FieldKind) -> Option<&OptionSet> {
    match kind {
        FieldKind::Option { options } | FieldKind::Set { options } => Some(options),
        _ => None,
    }
}

/// Options that a table row shows; the rest is counted.
const OPTIONS_SHOWN: usize = 12;

fn options_text(options: &OptionSet) -> String {
    let one = |item: &seamless_core::model::OptionItem| {
        let label = item.label.as_ref().map(|label| format!(" {label}")).unwrap_or_default();
        format!("{}{label}{}", item.value, if item.active { "" } else { " (inactive)" })
    };
    let mut shown: Vec<String> = options.options.iter().take(OPTIONS_SHOWN).map(one).collect();
    if options.options.len() > OPTIONS_SHOWN {
        shown.push(format!("and {} more", options.options.len() - OPTIONS_SHOWN));
    }
    shown.join(", ")
}

/// What is different in a schema, in words, in the order of names.
pub(crate) fn differences(before: &Schema, now: &Schema) -> Vec<String> {
    let mut changes = Vec::new();
    for (name, old) in &before.entities {
        match now.entities.get(name) {
            None => changes.push(format!("entity {name} is gone")),
            Some(new) => entity_differences(old, new, &mut changes),
        }
    }
    let added = now.entities.keys().filter(|name| !before.entities.contains_key(*name));
    changes.extend(added.map(|name| format!("entity {name} is new")));
    changes
}

fn entity_differences(old: &Entity, new: &Entity, changes: &mut Vec<String>) {
    let name = &new.name;
    for field in &old.fields {
        let Some(now) = new.field(field.name.as_str()) else {
            changes.push(format!("{name}.{} is gone", field.name));
            continue;
        };
        if field == now {
            continue;
        }
        let (was, is) = (field.kind.to_string(), now.kind.to_string());
        if was != is {
            changes.push(format!("{name}.{} was {was}, is {is}", field.name));
        } else if options_of(&field.kind) != options_of(&now.kind) {
            changes.push(format!("{name}.{} has other options", field.name));
        } else {
            changes.push(format!("{name}.{}: {} -> {}", field.name, flags(old, field), flags(new, now)));
        }
    }
    let added = new.fields.iter().filter(|field| old.field(field.name.as_str()).is_none());
    changes.extend(added.map(|field| format!("{name}.{} is new ({})", field.name, field.kind)));
    if old.key != new.key {
        changes.push(format!("{name} has another key"));
    }
    if old.unique != new.unique {
        changes.push(format!("{name} has other unique fields"));
    }
}

fn flags(entity: &Entity, field: &Field) -> String {
    let notes = notes(entity, field);
    if notes.is_empty() { "no notes".to_owned() } else { notes }
}
