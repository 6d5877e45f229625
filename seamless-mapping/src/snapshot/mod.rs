//! Schemas as texts: the snapshot that `discover` keeps, and lists of entities as vendors publish them.
//!
//! Pure: the caller reads the file. What a published list does not say is left open, never guessed. The door is
//! [`read_schema`].

mod published;

use std::collections::BTreeSet;

use seamless_core::model::{Error, Schema};

/// Reads a schema from JSON: an object is a snapshot of ours (entities by name), an array is a
/// [published list](self#published-lists).
///
/// # Published lists
///
/// An array of entities, each with `entity`, `fields` and, where known, `primary_key` and `system`: options of
/// `business_central` are their names, as its web services send them. A field has `name`, `type`, and
/// where known `label`, `max_length`, `precision`, `scale`, `required` or `required_level`, `read_only`,
/// `field_class`, `options`, `reference_to`, `init_value`. This is the form into which the published schemas of
/// Dataverse and Business Central are brought; columns that hold no value (filters) and those that were removed are
/// left out.
///
/// Errors: what is no such document, with the entity and field where it is known.
pub fn read_schema(name: &str, text: &str) -> Result<Schema, Error> {
    let refused = |cause: serde_json::Error| {
        Error::configuration(format!("{name} is no schema"))
            .with_remedy(
                "give a snapshot that `discover` wrote, or a list of entities with `entity` and `fields`",
            )
            .caused_by(cause)
    };
    if text.trim_start().trim_start_matches('\u{feff}').starts_with('[') {
        let entities = serde_json::from_str(text.trim_start_matches('\u{feff}')).map_err(refused)?;
        return published::schema(name, entities).and_then(|schema| checked(name, schema));
    }
    checked(name, serde_json::from_str(text).map_err(refused)?)
}

/// A field that stands there twice would be one thing to a reader and another to the next.
fn checked(name: &str, schema: Schema) -> Result<Schema, Error> {
    for entity in schema.entities.values() {
        let mut seen = BTreeSet::new();
        if let Some(twice) = entity.fields.iter().find(|field| !seen.insert(&field.name)) {
            let message = format!("the field {} stands there twice", twice.name);
            let error = Error::configuration(message).with_remedy("name each field of an entity once");
            return Err(error.at("file", name).at("entity", &entity.name));
        }
    }
    Ok(schema)
}
