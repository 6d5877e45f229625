//! The entities that the tests of the kit examine, and a user of a system in memory who can do what no connector can.
#![allow(clippy::indexing_slicing, dead_code)]

use async_trait::async_trait;
use seamless_connectors::memory::{Fault, Memory};
use seamless_core::ErrorKind;
use seamless_core::Result;
use seamless_core::model::{
    Entity, Field, FieldKind, FieldName, OptionItem, OptionSet, Record, RecordId, Value,
};
use seamless_core::testkit::connector_kit::{AnotherUser, Torn, Wire};

/// A hostile name for an entity.
pub(crate) const ENTITY: &str = "Cust \"omer\" $(x) 'LCY'";

pub(crate) const KEY: &str = "No.";
/// Hostile names of fields; the key first.
pub(crate) const FIELDS: [&str; 7] =
    [KEY, "Name", "Credit Limit (LCY)", "active", "since", "count", "select \"x\", \u{1f600}; --"];

pub(crate) fn entity() -> Entity {
    let text = |length_max| FieldKind::Text { length_max };
    let kinds = [
        text(Some(20)),
        text(Some(50)),
        FieldKind::Decimal { precision: Some(18), scale: Some(2) },
        FieldKind::Bool,
        FieldKind::Date,
        FieldKind::Int,
        text(None),
    ];
    let mut fields: Vec<Field> =
        FIELDS.into_iter().zip(kinds).map(|(name, kind)| Field::new(name, kind)).collect();
    fields[0].required = true;
    Entity {
        name: ENTITY.into(),
        label: None,
        fields,
        key: vec![KEY.into()],
        unique: Vec::new(),
        actions: Vec::new(),
    }
}

/// What every kind of field and every rule of a schema looks like, beside what the files can hold.
pub(crate) fn rich() -> Entity {
    let mut entity = entity();
    let option = |value: i64| OptionItem { value: Value::Int(value), label: None, active: value != 3 };
    let options = OptionSet { options: vec![option(1), option(2), option(3)], closed: true };
    let more = [
        Field { required: true, ..Field::new("grade", FieldKind::Option { options: options.clone() }) },
        Field::new("tags", FieldKind::Set { options }),
        Field::new("photo", FieldKind::Bytes { length_max: None }),
        Field::new("at", FieldKind::Instant),
        Field::new("opens", FieldKind::Time),
        Field::new("due", FieldKind::LocalDateTime),
        Field::new("ratio", FieldKind::Float),
        Field { read_only: true, ..Field::new("balance", FieldKind::Int) },
        Field { unique: true, ..Field::new("mail", FieldKind::Text { length_max: Some(80) }) },
    ];
    entity.fields.extend(more);
    entity
}

/// A user of a system in memory, who can do what the connector cannot.
#[derive(Clone)]
pub(crate) struct MemoryUser(pub(crate) Memory);

fn named(values: &Record) -> Vec<(&str, Value)> {
    let said = values.fields().filter_map(|(name, value)| Some((name.as_str(), value.value()?.to_value())));
    said.collect()
}

#[async_trait]
impl AnotherUser for MemoryUser {
    async fn edit(&self, id: &RecordId, values: &Record) -> Result<bool> {
        self.0.edit(ENTITY, id, &named(values)).map(|()| true)
    }

    async fn hide(&self, id: &RecordId, hidden: bool) -> Result<bool> {
        self.0.hide(ENTITY, id, hidden)
    }

    async fn deny(&self, field: &FieldName, denied: bool) -> Result<bool> {
        self.0.deny(ENTITY, field.as_str(), denied).map(|()| true)
    }

    async fn begin_edit(&self, id: &RecordId, values: &Record) -> Result<bool> {
        self.0.begin_edit(ENTITY, id, &named(values)).map(|()| true)
    }

    async fn commit(&self) -> Result<()> {
        self.0.commit_begun()
    }
}

/// Cuts connections to a system in memory.
pub(crate) struct MemoryWire(pub(crate) Memory);

#[async_trait]
impl Wire for MemoryWire {
    async fn cut(&self, torn: Torn) -> Result<bool> {
        self.0.fail_next(match torn {
            Torn::Read => Fault::ReadFailsAfter(1, ErrorKind::Unavailable),
            Torn::Fetch => Fault::FetchFails(ErrorKind::Unavailable),
            Torn::Request => Fault::LostRequest,
            Torn::Answer => Fault::LostReply,
            _ => return Ok(false),
        });
        Ok(true)
    }
}
