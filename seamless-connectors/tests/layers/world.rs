//! The entity that the laws of layers are tried on, and calls in few words.

use std::sync::Arc;

use futures::StreamExt;
use seamless_connectors::memory::{EntityConfig, Ids, Memory, MemoryConfig};
use seamless_core::connector::{
    Connector, Cursor, DeleteGround, Expects, FetchBy, FetchQuery, Page, ReadQuery, Target, Verb, WriteBatch,
    WriteOp,
};
use seamless_core::model::{
    ActionId, Condition, Entity, Field, FieldKind, RecordId, Result, Shape, Slot, Value, record,
};

pub(crate) const THING: &str = "thing";

pub(crate) fn thing() -> Entity {
    let text = |max| FieldKind::Text { length_max: Some(max) };
    Entity {
        name: THING.into(),
        label: None,
        fields: vec![
            Field { required: true, ..Field::new("no", text(40)) },
            Field::new("name", text(8)),
            Field::new("count", FieldKind::Int),
            Field { unique: true, ..Field::new("mail", text(30)) },
            Field { read_only: true, ..Field::new("total", FieldKind::Int) },
        ],
        key: vec!["no".into()],
        unique: Vec::new(),
        actions: Vec::new(),
    }
}

/// A system that can everything, with so many things.
pub(crate) fn memory(things: usize) -> Memory {
    memory_of(EntityConfig::new(thing()).ids(Ids::Key), things)
}

pub(crate) fn memory_of(config: EntityConfig, things: usize) -> Memory {
    let memory = Memory::new(MemoryConfig::new("x").entity(config)).unwrap();
    for number in 0..things {
        let values = [("name", Value::text(&format!("n{number}"))), ("count", Value::Int(number as i64))];
        memory.insert(THING, Some(id(number)), &values).unwrap();
        if number < 2 {
            memory.edit(THING, &id(number), &[("mail", Value::text(&format!("m{number}")))]).unwrap();
        }
    }
    memory
}

pub(crate) fn id(number: usize) -> RecordId {
    RecordId::text(&format!("T{number:03}"))
}

pub(crate) fn shape() -> Arc<Shape> {
    Shape::new(thing().fields.into_iter().map(|field| field.name)).unwrap()
}

pub(crate) fn query(after: Option<Cursor>, page: usize) -> ReadQuery {
    ReadQuery {
        entity: THING.into(),
        shape: shape(),
        condition: Condition::Always,
        after,
        page_records_max: page,
    }
}

pub(crate) fn fetching(ids: Vec<RecordId>) -> FetchQuery {
    FetchQuery { entity: THING.into(), shape: shape(), by: FetchBy::Ids(ids) }
}

pub(crate) async fn pages(
    connector: &dyn Connector,
    after: Option<Cursor>,
    page: usize,
) -> Result<Vec<Page>> {
    let mut stream = connector.read(query(after, page)).await?;
    let mut pages = Vec::new();
    while let Some(page) = stream.next().await {
        pages.push(page?);
    }
    Ok(pages)
}

pub(crate) fn patch(values: &[(&str, Value)]) -> seamless_core::model::Record {
    let said = values.iter().map(|(name, value)| ((*name).into(), Slot::Value(value.clone())));
    record(&shape(), said).unwrap()
}

pub(crate) fn action(number: u64) -> ActionId {
    ActionId::derive(&[&number.to_le_bytes()])
}

pub(crate) fn op(number: u64, target: Target, verb: Verb, values: &[(&str, Value)]) -> WriteOp {
    WriteOp { id: action(number), target, verb, patch: patch(values), expects: Expects::Anything }
}

pub(crate) fn update(number: u64, thing: usize, values: &[(&str, Value)]) -> WriteOp {
    op(number, Target::Existing(id(thing)), Verb::Update, values)
}

pub(crate) fn create(number: u64, thing: usize, values: &[(&str, Value)]) -> WriteOp {
    op(number, Target::New(Some(id(thing))), Verb::Create, values)
}

pub(crate) fn delete(number: u64, thing: usize) -> WriteOp {
    op(number, Target::Existing(id(thing)), Verb::Delete(DeleteGround::LeftScope), &[])
}

pub(crate) fn batch(ops: impl IntoIterator<Item = WriteOp>) -> WriteBatch {
    WriteBatch::of(ops)
}
