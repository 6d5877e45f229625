//! Option sets as entities: a layer that shows the options of a field as records, so that a link can couple them with the
//! records of a code table of the other system, and a look-up translates one into the other.
//!
//! The entity of `paymenttermscode` of `account` is called `account.paymenttermscode`. Its records are the options, inactive
//! ones too: their key is `value`, `label` is what people see, `active` whether the option can be chosen. They are read anew
//! from the live schema each time, and cannot be written: an option is added in the system.
//!
//! What it gives up: nothing of the entities that the inner connector has. Of its own entities it says C4, C6 and C8, and no
//! feed of changes: an option set is read whole. The door is [`OptionSets::of`].

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use seamless_core::connector::{
    Capabilities, Change, Connector, ConnectorInfo, End, Enumeration, FetchBy, FetchQuery, Finding,
    GoneProof, Layer, Lookup, Order, Page, PageStream, ReadQuery, Requirement, Versioned, WriteBatch,
    WriteOutcome, paged,
};
use seamless_core::model::{
    Entity, EntityName, Error, ErrorKind, Field, FieldKind, FieldName, OptionSet, Record, RecordId, Result,
    Schema, Shape, Slot, Value, record,
};

use crate::place::{Feed, Place};

const VALUE: &str = "value";
const LABEL: &str = "label";
const ACTIVE: &str = "active";
const FORM: &str = "options 1";

/// A layer that shows option sets as entities.
#[derive(Clone, Debug)]
pub struct OptionSets {
    sets: Vec<(EntityName, FieldName)>,
}

impl OptionSets {
    /// Shows the option sets of these fields of these entities.
    pub fn of<'a>(fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self { sets: fields.into_iter().map(|(entity, field)| (entity.into(), field.into())).collect() }
    }

    /// What the entity of a field's options is called.
    pub fn entity_of(entity: &str, field: &str) -> EntityName {
        EntityName::from(format!("{entity}.{field}"))
    }
}

impl Layer for OptionSets {
    fn wrap(&self, inner: Arc<dyn Connector>) -> Arc<dyn Connector> {
        let named = |(entity, field): &(EntityName, FieldName)| Named {
            name: Self::entity_of(entity.as_str(), field.as_str()),
            entity: entity.clone(),
            field: field.clone(),
        };
        Arc::new(Shown { inner, sets: self.sets.iter().map(named).collect(), serial: AtomicU64::new(0) })
    }
}

/// A field whose options are shown.
#[derive(Clone, Debug)]
struct Named {
    name: EntityName,
    entity: EntityName,
    field: FieldName,
}

#[derive(Debug)]
struct Shown {
    inner: Arc<dyn Connector>,
    sets: Vec<Named>,
    /// Counts enumerations, each of which is another one.
    serial: AtomicU64,
}

/// An option as a record.
#[derive(Clone, Debug)]
struct Row {
    id: RecordId,
    value: Value,
    label: Value,
    active: bool,
}

impl Shown {
    fn set(&self, entity: &EntityName) -> Option<&Named> {
        self.sets.iter().find(|set| set.name == *entity)
    }

    /// The field as the system describes it now.
    async fn field(&self, set: &Named) -> Result<Field> {
        let schema = self.inner.discover(std::slice::from_ref(&set.entity)).await?;
        let field = schema.entity(set.entity.as_str()).and_then(|entity| entity.field(set.field.as_str()));
        field.cloned().ok_or_else(|| {
            Error::new(ErrorKind::NotFound, format!("{} has no field {}", set.entity, set.field))
                .at("entity", &set.name)
                .with_remedy("name a field of the entity that holds an option")
        })
    }

    /// The options, in the order of their ids.
    async fn rows(&self, set: &Named) -> Result<Vec<Row>> {
        let field = self.field(set).await?;
        let options = options_of(&field).ok_or_else(|| no_options(set, &field))?;
        let mut rows = Vec::with_capacity(options.options.len());
        for option in &options.options {
            let id = match &option.value {
                Value::Int(number) => RecordId::int(*number),
                Value::Text(text) => RecordId::text(text),
                other => {
                    let message = format!("the option {other} is neither a number nor a text");
                    return Err(Error::data(message).at("entity", &set.name));
                }
            };
            let label = option.label.as_deref().map_or(Value::Null, Value::text);
            rows.push(Row { id, value: option.value.clone(), label, active: option.active });
        }
        rows.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(rows)
    }

    fn described(set: &Named, field: &Field) -> Result<Entity> {
        let options = options_of(field).ok_or_else(|| no_options(set, field))?;
        let is_text = options.options.iter().any(|option| matches!(option.value, Value::Text(_)));
        let of_value = if is_text { FieldKind::Text { length_max: None } } else { FieldKind::Int };
        let read_only = |name: &str, kind: FieldKind| Field { read_only: true, ..Field::new(name, kind) };
        let value = Field { required: true, unique: true, ..read_only(VALUE, of_value) };
        let label = read_only(LABEL, FieldKind::Text { length_max: None });
        Ok(Entity {
            name: set.name.clone(),
            label: field.label.clone(),
            fields: vec![value, label, read_only(ACTIVE, FieldKind::Bool)],
            key: vec![VALUE.into()],
            unique: Vec::new(),
            actions: Vec::new(),
        })
    }
}

fn options_of(field: &Field) -> Option<&OptionSet> {
    match &field.kind {
        FieldKind::Option { options } | FieldKind::Set { options } => Some(options),
        _ => None,
    }
}

fn no_options(set: &Named, field: &Field) -> Error {
    Error::configuration(format!("{} of {} is {}, and no option", set.field, set.entity, field.kind))
        .at("entity", &set.name)
        .with_remedy("name a field that holds an option")
}

/// Errors: a field that options do not have.
fn check_shape(set: &Named, shape: &Shape) -> Result<()> {
    match shape.names().iter().find(|name| ![VALUE, LABEL, ACTIVE].contains(&name.as_str())) {
        None => Ok(()),
        Some(unknown) => Err(Error::configuration(format!("an option has no field {unknown}"))
            .at("entity", &set.name)
            .at("field", unknown)
            .with_remedy("an option has the fields value, label and active")),
    }
}

impl Row {
    fn field(&self, name: &str) -> Slot {
        match name {
            VALUE => Slot::Value(self.value.clone()),
            LABEL => Slot::Value(self.label.clone()),
            ACTIVE => Slot::Value(Value::Bool(self.active)),
            _ => Slot::Absent,
        }
    }

    fn versioned(&self, shape: &Arc<Shape>) -> Result<Versioned> {
        let fields = shape.names().iter().map(|name| (name.clone(), self.field(name.as_str())));
        let record: Record = record(shape, fields)?;
        Ok(Versioned { id: self.id.clone(), version: None, modified: None, record })
    }
}

#[async_trait]
impl Connector for Shown {
    fn info(&self) -> &ConnectorInfo {
        self.inner.info()
    }

    fn capabilities(&self, entity: &EntityName) -> Capabilities {
        match self.set(entity) {
            None => self.inner.capabilities(entity),
            Some(_) => Capabilities {
                consistent_read: true,
                complete_enumeration: true,
                gone_not_hidden: true,
                order: Order::RecordId,
                ..Capabilities::default()
            },
        }
    }

    async fn entities(&self) -> Result<Vec<EntityName>> {
        let mut entities = self.inner.entities().await?;
        entities.extend(self.sets.iter().map(|set| set.name.clone()));
        entities.sort();
        Ok(entities)
    }

    async fn discover(&self, entities: &[EntityName]) -> Result<Schema> {
        let inner: Vec<EntityName> =
            entities.iter().filter(|entity| self.set(entity).is_none()).cloned().collect();
        let mut schema = self.inner.discover(&inner).await?;
        for set in entities.iter().filter_map(|entity| self.set(entity)) {
            let entity = Self::described(set, &self.field(set).await?)?;
            schema.entities.insert(entity.name.clone(), entity);
        }
        Ok(schema)
    }

    async fn read(&self, query: ReadQuery) -> Result<PageStream> {
        let Some(set) = self.set(&query.entity) else { return self.inner.read(query).await };
        check_shape(set, &query.shape)?;
        // Taken at once: what is enumerated is one state of the option set.
        let rows: Arc<[Row]> = self.rows(set).await?.into();
        let id = format!("{} {}", query.entity, self.serial.fetch_add(1, Ordering::Relaxed));
        let (entity, shape, page_max) = (query.entity, query.shape, query.page_records_max.max(1));
        // Who goes on did not see what came before, which may have been another set.
        let whole = query.after.is_none();
        Ok(paged(query.after, move |after| {
            let id = whole.then_some(id.as_str());
            let page = page(&rows, &entity, &shape, page_max, id, after);
            std::future::ready(page)
        }))
    }

    async fn fetch(&self, query: FetchQuery) -> Result<Vec<Lookup>> {
        let Some(set) = self.set(&query.entity) else { return self.inner.fetch(query).await };
        check_shape(set, &query.shape)?;
        let rows = self.rows(set).await?;
        match query.by {
            FetchBy::Ids(ids) => ids
                .into_iter()
                .map(|id| match rows.iter().find(|row| row.id == id) {
                    Some(row) => row.versioned(&query.shape).map(Lookup::Found),
                    None => {
                        let seen = format!("{} has no option {id}", set.field);
                        Ok(Lookup::Gone(GoneProof { id, seen }))
                    }
                })
                .collect(),
            FetchBy::Key { fields, values } => {
                check_shape(set, &*Shape::new(fields.iter().cloned())?)?;
                values.iter().map(|values| by_key(&rows, &query.shape, &fields, values)).collect()
            }
        }
    }

    async fn write(&self, entity: &EntityName, batch: WriteBatch) -> Result<Vec<WriteOutcome>> {
        match self.set(entity) {
            None => self.inner.write(entity, batch).await,
            Some(set) => Err(Error::new(ErrorKind::Unsupported, "options cannot be written")
                .at("entity", entity)
                .with_remedy(format!("add the option to {} of {} in the system", set.field, set.entity))),
        }
    }

    async fn check(&self, need: &Requirement) -> Result<Finding> {
        let (entity, field) = match need {
            Requirement::Readable(entity) | Requirement::Writable(entity) => (entity, None),
            Requirement::Field(entity, field) => (entity, Some(field)),
            _ => return self.inner.check(need).await,
        };
        let Some(set) = self.set(entity) else { return self.inner.check(need).await };
        let unmet =
            |evidence: String, remedy: String| Ok(Finding::Unmet { evidence, remedy, can_provision: false });
        if matches!(need, Requirement::Writable(_)) {
            let remedy = format!("add options to {} of {} in the system", set.field, set.entity);
            return unmet("options cannot be written".to_owned(), remedy);
        }
        if let Some(field) = field.filter(|field| ![VALUE, LABEL, ACTIVE].contains(&field.as_str())) {
            let remedy = "an option has the fields value, label and active".to_owned();
            return unmet(format!("an option has no field {field}"), remedy);
        }
        match self.rows(set).await {
            Ok(rows) => Ok(Finding::Met(format!("{} has {} options", set.field, rows.len()))),
            Err(error) => {
                unmet(error.message_with_causes(), error.remedy().unwrap_or("name another field").to_owned())
            }
        }
    }

    async fn provision(&self, need: &Requirement) -> Result<Finding> {
        self.inner.provision(need).await
    }
}

/// The page after a place.
fn page(
    rows: &[Row],
    entity: &EntityName,
    shape: &Arc<Shape>,
    page_max: usize,
    id: Option<&str>,
    after: Option<seamless_core::connector::Cursor>,
) -> Result<Page> {
    let feed = Feed { form: FORM, stamp: "-", entity };
    let last = match &after {
        None => None,
        Some(cursor) => match Place::read(cursor, &feed)? {
            Place::All { key, .. } | Place::Changes { key, .. } => key,
        },
    };
    let rest: Vec<&Row> = rows.iter().filter(|row| last.as_ref().is_none_or(|last| row.id > *last)).collect();
    let taken = rest.get(..page_max).unwrap_or(&rest);
    let key = taken.last().map(|row| row.id.clone()).or(last);
    let upserts = taken.iter().map(|row| row.versioned(shape).map(Change::Upsert));
    let changes = upserts.collect::<Result<Vec<Change>>>()?;
    let end = (taken.len() == rest.len()).then(|| match id {
        Some(id) => {
            End::Complete(Enumeration { id: id.to_owned(), order: Order::RecordId, changes_from: None })
        }
        None => End::Partial,
    });
    Ok(Page { changes, cursor: Place::All { mark: None, key }.cursor(&feed), end })
}

fn by_key(rows: &[Row], shape: &Arc<Shape>, fields: &[FieldName], values: &[Value]) -> Result<Lookup> {
    let fits = |row: &&Row| {
        let pairs = fields.iter().zip(values);
        pairs.into_iter().all(|(field, value)| row.field(field.as_str()) == Slot::Value(value.clone()))
    };
    let found: Vec<&Row> = rows.iter().filter(fits).collect();
    match found.as_slice() {
        [] => Ok(Lookup::Hidden),
        [one] => one.versioned(shape).map(Lookup::Found),
        several => Ok(Lookup::Several(several.iter().map(|row| row.id.clone()).collect())),
    }
}
