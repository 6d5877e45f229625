//! The catalog: which streams a tap has, and the catalog that selects one of them. Knows no process. The doors are
//! [`Catalog::read`] and [`Catalog::selecting`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use seamless_core::model::{Entity, EntityName, Error, ErrorKind, FieldKind, FieldName, Result, Shape};
use serde_json::{Value as Json, json};

use super::config::{Replication, SingerConfig, StreamConfig};
use super::schema::field;

/// The field that says when a record was deleted.
pub(super) const DELETED: &str = "_sdc_deleted_at";

/// Fields that the Singer SDK adds of each run: they change without the record.
const OF_THE_RUN: &[&str] = &[
    "_sdc_extracted_at",
    "_sdc_received_at",
    "_sdc_batched_at",
    "_sdc_sequence",
    "_sdc_table_version",
    "_sdc_sync_started_at",
    DELETED,
];

/// A stream that can be read.
#[derive(Debug)]
pub(super) struct Stream {
    /// Its name in the catalog, which is the entity's.
    pub(super) id: String,
    /// Its name in messages.
    pub(super) name: String,
    pub(super) entity: Entity,
    /// All fields, and of each whether other values than strings are kept as JSON.
    pub(super) shape: Arc<Shape>,
    pub(super) as_json: Vec<bool>,
    pub(super) key: Vec<usize>,
    pub(super) replication: Replication,
    pub(super) replication_key: Option<String>,
    pub(super) known: StreamConfig,
    /// Every property that the catalog names, shown or not.
    properties: BTreeSet<String>,
}

impl Stream {
    /// Whether a message speaks of this stream.
    pub(super) fn is_called(&self, name: &str) -> bool {
        name == self.name || name == self.id
    }

    /// Whether a schema is of the same fields as this one, as far as they are shown.
    pub(super) fn is_of(&self, schema: &Json) -> bool {
        let properties = schema.get("properties").and_then(Json::as_object);
        properties.is_none_or(|properties| {
            properties.iter().all(|(name, property)| {
                let known = self.entity.field(name);
                let given = self.known.fields.contains_key(name);
                known.map_or(!is_shown(name, &self.entity.key), |known| {
                    given || known.kind == field(name, property).0.kind
                })
            })
        })
    }
}

fn is_shown(name: &str, key: &[FieldName]) -> bool {
    !OF_THE_RUN.contains(&name) || key.iter().any(|part| part.as_str() == name)
}

/// A stream, or why it cannot be read.
#[derive(Debug)]
enum Entry {
    Usable(Arc<Stream>),
    Unusable { problem: &'static str, field: Option<String>, remedy: &'static str },
}

/// What a tap has.
#[derive(Debug)]
pub(super) struct Catalog {
    json: Json,
    streams: BTreeMap<EntityName, Entry>,
}

impl Catalog {
    /// Reads a catalog.
    ///
    /// Errors: it is no catalog; the configuration names a stream that it does not have.
    pub(super) fn read(json: Json, config: &SingerConfig) -> Result<Self> {
        let Some(entries) = json.get("streams").and_then(Json::as_array) else {
            return Err(Error::data("the tap's catalog has no list of streams").with_remedy(
                "look at what the tap says with `--discover`, or give a catalog in the configuration",
            ));
        };
        let mut streams = BTreeMap::new();
        let mut named: Vec<String> = Vec::new();
        for entry in entries {
            let text = |name: &str| entry.get(name).and_then(Json::as_str);
            let Some(id) = text("tap_stream_id").or(text("stream")) else { continue };
            named.push(id.to_owned());
            if !config.streams.is_empty() && !config.streams.contains_key(id) {
                continue;
            }
            let known = config.streams.get(id).cloned().unwrap_or_default();
            let name = text("stream").unwrap_or(id);
            streams.insert(EntityName::from(id), stream(id, name, entry, known));
        }
        if let Some(unknown) = config.streams.keys().find(|name| !named.contains(name)) {
            named.truncate(20);
            return Err(Error::configuration("the configuration names a stream that the tap does not have")
                .at("entity", unknown)
                .with_remedy(format!("there are {}", named.join(", "))));
        }
        Ok(Self { json, streams })
    }

    /// The streams that are shown.
    pub(super) fn names(&self) -> Vec<EntityName> {
        self.streams.keys().cloned().collect()
    }

    /// A stream.
    ///
    /// Errors: there is none of this name, or it cannot be read as it is.
    pub(super) fn stream(&self, entity: &EntityName) -> Result<Arc<Stream>> {
        match self.streams.get(entity) {
            Some(Entry::Usable(stream)) => Ok(Arc::clone(stream)),
            Some(Entry::Unusable { problem, field, remedy }) => {
                let error = Error::configuration(*problem).at("entity", entity).with_remedy(*remedy);
                Err(match field {
                    Some(field) => error.at("field", field),
                    None => error,
                })
            }
            None => Err(Error::new(ErrorKind::NotFound, "the tap has no such stream").at("entity", entity)),
        }
    }

    /// The catalog with one stream selected, and of it these fields and those that reading needs.
    pub(super) fn selecting(&self, stream: &Stream, fields: &[FieldName]) -> String {
        let mut wanted: BTreeSet<&str> = fields.iter().map(FieldName::as_str).collect();
        wanted.extend(stream.entity.key.iter().map(FieldName::as_str));
        wanted.extend(stream.replication_key.as_deref());
        wanted.extend(stream.known.modified.as_deref());
        wanted.insert(DELETED);
        let mut json = self.json.clone();
        let entries = json.get_mut("streams").and_then(Json::as_array_mut);
        for entry in entries.into_iter().flatten() {
            let id = entry.get("tap_stream_id").or(entry.get("stream")).and_then(Json::as_str);
            if id == Some(stream.id.as_str()) {
                select(entry, stream, &wanted);
            } else {
                deselect(entry);
            }
        }
        json.to_string()
    }
}

fn stream(id: &str, name: &str, entry: &Json, known: StreamConfig) -> Entry {
    let unusable = |problem, field, remedy| Entry::Unusable { problem, field, remedy };
    let no_properties = serde_json::Map::new();
    let properties = entry.pointer("/schema/properties").and_then(Json::as_object).unwrap_or(&no_properties);
    let root = root_metadata(entry);
    let said = |name: &str| root.and_then(|metadata| metadata.get(name));
    let key: Vec<FieldName> = if known.key.is_empty() {
        let lists = [said("table-key-properties"), entry.get("key_properties"), said("view-key-properties")];
        let names = |list: &Json| -> Vec<FieldName> {
            let items = list.as_array().into_iter().flatten();
            items.filter_map(Json::as_str).map(FieldName::from).collect()
        };
        lists.into_iter().flatten().map(names).find(|names| !names.is_empty()).unwrap_or_default()
    } else {
        known.key.iter().map(|name| FieldName::from(name.as_str())).collect()
    };
    let mut fields = Vec::new();
    let mut as_json = Vec::new();
    for (name, property) in properties.iter().filter(|(name, _)| is_shown(name, &key)) {
        let (mut made, mut json) = field(name, property);
        if let Some(kind) = known.fields.get(name) {
            json = json && matches!(kind, FieldKind::Text { .. });
            made.kind = kind.clone();
        }
        made.required = key.iter().any(|part| part.as_str() == made.name.as_str());
        fields.push(made);
        as_json.push(json);
    }
    let names = fields.iter().map(|field| field.name.clone());
    let Ok(shape) = Shape::new(names) else {
        return unusable(
            "the stream has more fields than a record can have",
            None,
            "give a catalog with fewer",
        );
    };
    if key.is_empty() {
        return unusable(
            "the stream's records have no key",
            None,
            "name the fields that tell records apart as `key`",
        );
    }
    let mut places = Vec::with_capacity(key.len());
    for part in &key {
        let Some(place) = shape.slot(part.as_str()) else {
            return unusable(
                "the key names a field that is not there",
                Some(part.to_string()),
                "correct `key`, or the tap's catalog",
            );
        };
        places.push(place);
    }
    let others = known.fields.keys().chain(&known.modified);
    if let Some(missing) = others.into_iter().find(|name| shape.slot(name).is_none()) {
        return unusable(
            "the configuration names a field that the stream does not have",
            Some(missing.clone()),
            "correct `fields` or `modified`",
        );
    }
    let text = |value: Option<&Json>| value.and_then(Json::as_str).map(str::to_owned);
    let methods =
        [said("replication-method"), said("forced-replication-method"), entry.get("replication_method")];
    let method = methods.into_iter().flatten().filter_map(Json::as_str).find_map(Replication::of_word);
    let keys = [said("replication-key"), entry.get("replication_key")];
    let replication_key = known.replication_key.clone().or_else(|| keys.into_iter().find_map(text));
    let label = text(entry.get("table_name")).filter(|label| label != id);
    Entry::Usable(Arc::new(Stream {
        id: id.to_owned(),
        name: name.to_owned(),
        entity: Entity {
            name: EntityName::from(id),
            label,
            fields,
            key,
            unique: Vec::new(),
            actions: Vec::new(),
        },
        shape,
        as_json,
        key: places,
        replication: known.replication.or(method).unwrap_or(Replication::FullTable),
        replication_key,
        known,
        properties: properties.keys().cloned().collect(),
    }))
}

/// The metadata of a stream itself.
fn root_metadata(entry: &Json) -> Option<&Json> {
    let entries = entry.get("metadata")?.as_array()?.iter();
    let mut roots =
        entries.filter(|entry| entry.get("breadcrumb").and_then(Json::as_array).is_some_and(Vec::is_empty));
    roots.next()?.get("metadata")
}

fn set(json: &mut Json, name: &str, value: Json) {
    if let Some(members) = json.as_object_mut() {
        members.insert(name.to_owned(), value);
    }
}

fn select(entry: &mut Json, stream: &Stream, wanted: &BTreeSet<&str>) {
    if entry.get("metadata").and_then(Json::as_array).is_none_or(Vec::is_empty) {
        select_without_metadata(entry, stream, wanted);
        return;
    }
    if let Some(method) = stream.known.replication {
        set(entry, "replication_method", json!(method.word()));
    }
    if let Some(key) = &stream.known.replication_key {
        set(entry, "replication_key", json!(key));
    }
    let Some(metadata) = entry.get_mut("metadata").and_then(Json::as_array_mut) else { return };
    let (mut seen, mut root_seen) = (BTreeSet::new(), false);
    for item in metadata.iter_mut() {
        let Some(path) = item.get("breadcrumb").and_then(Json::as_array).cloned() else { continue };
        let Some(said) = item.get_mut("metadata") else { continue };
        match path.as_slice() {
            [] => {
                root_seen = true;
                select_root(said, stream);
            }
            // What lies inside of a property goes with it.
            [Json::String(first), Json::String(name), ..] if first == "properties" => {
                let unsupported = said.get("inclusion").and_then(Json::as_str) == Some("unsupported");
                set(said, "selected", json!(wanted.contains(name.as_str()) && !unsupported));
                seen.insert(name.clone());
            }
            _ => {}
        }
    }
    for name in stream.properties.iter().filter(|name| !seen.contains(*name)) {
        let selected = wanted.contains(name.as_str());
        metadata.push(json!({ "breadcrumb": ["properties", name], "metadata": { "selected": selected } }));
    }
    if !root_seen {
        let mut said = json!({});
        select_root(&mut said, stream);
        metadata.push(json!({ "breadcrumb": [], "metadata": said }));
    }
}

fn select_root(said: &mut Json, stream: &Stream) {
    set(said, "selected", json!(true));
    if let Some(method) = stream.known.replication {
        set(said, "replication-method", json!(method.word()));
    }
    if let Some(key) = &stream.known.replication_key {
        set(said, "replication-key", json!(key));
    }
}

/// As taps of the first years read it: marks inside of the schema.
fn select_without_metadata(entry: &mut Json, stream: &Stream, wanted: &BTreeSet<&str>) {
    set(entry, "selected", json!(true));
    if let Some(method) = stream.known.replication {
        set(entry, "replication_method", json!(method.word()));
    }
    if let Some(key) = &stream.known.replication_key {
        set(entry, "replication_key", json!(key));
    }
    let Some(schema) = entry.get_mut("schema") else { return };
    set(schema, "selected", json!(true));
    let properties = schema.get_mut("properties").and_then(Json::as_object_mut);
    for (name, property) in properties.into_iter().flatten() {
        set(property, "selected", json!(wanted.contains(name.as_str())));
    }
}

fn deselect(entry: &mut Json) {
    set(entry, "selected", json!(false));
    if let Some(schema) = entry.get_mut("schema") {
        set(schema, "selected", json!(false));
    }
    let metadata = entry.get_mut("metadata").and_then(Json::as_array_mut);
    for item in metadata.into_iter().flatten() {
        let is_root = item.get("breadcrumb").and_then(Json::as_array).is_some_and(Vec::is_empty);
        if let Some(said) = item.get_mut("metadata").filter(|_| is_root) {
            set(said, "selected", json!(false));
        }
    }
}

#[cfg(test)]
mod tests {
    use seamless_core::model::{EntityName, FieldName};
    use serde_json::{Value as Json, json};

    use super::Catalog;
    use crate::singer::{Replication, SingerConfig, StreamConfig};

    fn properties() -> Json {
        json!({ "id": { "type": "integer" }, "name": { "type": "string" }, "at": { "type": "string" },
                "_sdc_extracted_at": { "type": "string" } })
    }

    fn selected(entry: Json, known: StreamConfig) -> Json {
        let config = SingerConfig::new("tap", json!({})).stream("a", known);
        let other = json!({ "tap_stream_id": "b", "schema": {}, "metadata": [{ "breadcrumb": [], "metadata": { "selected": true } }] });
        let catalog = Catalog::read(json!({ "streams": [entry, other] }), &config).unwrap();
        let stream = catalog.stream(&EntityName::from("a")).unwrap();
        assert!(stream.entity.field("_sdc_extracted_at").is_none());
        let json: Json =
            serde_json::from_str(&catalog.selecting(&stream, &[FieldName::from("name")])).unwrap();
        assert_eq!(json["streams"][1]["metadata"][0]["metadata"]["selected"], json!(false));
        json["streams"][0].clone()
    }

    #[test]
    fn one_stream_is_selected_with_what_was_asked_for_and_what_reading_needs() {
        let entry = json!({ "tap_stream_id": "a", "stream": "public-a", "schema": { "properties": properties() }, "metadata": [
            { "breadcrumb": [], "metadata": { "table-key-properties": ["id"], "selected": false } },
            { "breadcrumb": ["properties", "at"], "metadata": { "inclusion": "available", "selected": true } },
            { "breadcrumb": ["properties", "name"], "metadata": { "inclusion": "available" } },
        ] });
        let known = StreamConfig {
            replication: Some(Replication::Incremental),
            replication_key: Some("id".into()),
            ..StreamConfig::default()
        };
        let made = selected(entry, known);
        let of = |path: Json| {
            let items = made["metadata"].as_array().unwrap();
            items.iter().find(|item| item["breadcrumb"] == path).unwrap()["metadata"].clone()
        };
        assert_eq!(of(json!([]))["selected"], json!(true));
        assert_eq!(of(json!([]))["replication-method"], json!("INCREMENTAL"));
        assert_eq!(of(json!([]))["replication-key"], json!("id"));
        for (name, is) in [("id", true), ("name", true), ("at", false), ("_sdc_extracted_at", false)] {
            assert_eq!(of(json!(["properties", name]))["selected"], json!(is), "{name}");
        }
    }

    #[test]
    fn a_tap_without_metadata_is_told_in_its_schema() {
        let entry = json!({ "tap_stream_id": "a", "key_properties": ["id"], "schema": { "properties": properties() } });
        let made = selected(entry, StreamConfig::default());
        assert_eq!(made["schema"]["selected"], json!(true));
        assert_eq!(made["schema"]["properties"]["name"]["selected"], json!(true));
        assert_eq!(made["schema"]["properties"]["at"]["selected"], json!(false));
    }

    #[test]
    fn a_stream_that_cannot_be_read_says_why_and_hides_no_other() {
        let keyless =
            json!({ "tap_stream_id": "k", "schema": { "properties": properties() }, "key_properties": [] });
        let good = json!({ "tap_stream_id": "g", "schema": { "properties": properties() }, "key_properties": ["id"] });
        let json = json!({ "streams": [keyless, good] });
        let config = SingerConfig::new("tap", json!({}));
        let catalog = Catalog::read(json.clone(), &config).unwrap();
        assert_eq!(catalog.names().len(), 2);
        assert!(catalog.stream(&EntityName::from("g")).is_ok());
        let told = catalog.stream(&EntityName::from("k")).unwrap_err();
        assert!(told.remedy().is_some_and(|remedy| remedy.contains("`key`")), "{told}");
        let key = StreamConfig { key: vec!["name".into()], ..StreamConfig::default() };
        let catalog = Catalog::read(json.clone(), &config.clone().stream("k", key)).unwrap();
        assert_eq!(catalog.names().len(), 1);
        assert!(catalog.stream(&EntityName::from("k")).is_ok());
        let told = Catalog::read(json, &config.stream("x", StreamConfig::default())).unwrap_err();
        assert!(told.remedy().is_some_and(|remedy| remedy.contains("k, g")), "{told}");
    }
}
