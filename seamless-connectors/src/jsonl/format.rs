//! JSON Lines: a line to a record and back. Members are kept as the text that they are written in until a field's kind
//! says what they mean.

use std::fs::File;
use std::io::{BufRead, Read};
use std::path::Path;

use seamless_core::model::{
    Entity, EntityName, Error, Field, FieldKind, Presence, RecordBuilder, Result, Shape, ValueRef,
};
use serde_json::value::RawValue;

use super::lines;
use crate::files::format::{Bad, Format, Layout, Next, Row, Wanted, disk, fill, id_of, without_end};
use crate::json::value::{json_of, push};
use crate::json::{Members, quoted};

const BOM: &[u8] = b"\xef\xbb\xbf";

/// JSON Lines.
#[derive(Clone, Debug)]
pub(super) struct JsonlFormat;

impl Format for JsonlFormat {
    fn name(&self) -> &'static str {
        "jsonl"
    }

    fn form(&self) -> &'static str {
        "jsonl 1"
    }

    fn has_lists(&self) -> bool {
        true
    }

    fn layout(
        &self,
        path: &Path,
        _: &EntityName,
        declared: Option<Entity>,
        key: &[String],
    ) -> Result<Layout> {
        let entity = declared.ok_or_else(|| {
            Error::configuration("the file has no schema").with_remedy(
                "put its schema beside it (`name.schema.json` beside `name.jsonl`) or into `schemas`: \
                 {\"name\": .., \"key\": [..], \"fields\": [{\"name\": .., \"type\": \"text\"}]}",
            )
        })?;
        let mut first = Vec::new();
        let file = File::open(path).map_err(|problem| disk(problem, "opening"))?;
        file.take(3).read_to_end(&mut first).map_err(|problem| disk(problem, "reading"))?;
        let begin = if first == BOM { BOM.len() as u64 } else { 0 };
        Ok(Layout { begin: (begin, 0), ..Layout::new(entity, key)? })
    }

    fn next(&self, reader: &mut dyn BufRead, raw: &mut Vec<u8>) -> Result<Next> {
        loop {
            let buffer = fill(reader, raw)?;
            if buffer.is_empty() {
                let blank = raw.iter().all(u8::is_ascii_whitespace);
                return Ok(match (raw.is_empty(), blank) {
                    (true, _) => Next::End,
                    (_, true) => Next::Blank,
                    _ => Next::Record,
                });
            }
            let end = buffer.iter().position(|byte| *byte == b'\n');
            let taken = end.map_or(buffer.len(), |end| end + 1);
            raw.extend_from_slice(buffer.get(..taken).unwrap_or_default());
            reader.consume(taken);
            if end.is_some() {
                let blank = without_end(raw).iter().all(u8::is_ascii_whitespace);
                return Ok(if blank { Next::Blank } else { Next::Record });
            }
        }
    }

    fn parse(&self, layout: &Layout, raw: &[u8], wanted: &Wanted) -> Result<Row, Bad> {
        let bad = Bad::new;
        let text =
            std::str::from_utf8(raw).map_err(|_| bad(None, "the line is not valid UTF-8".to_owned()))?;
        let members = members(text).map_err(|problem| bad(None, problem))?;
        let mut slots: Vec<Option<&RawValue>> = vec![None; layout.shape.len()];
        let mut twice = None;
        for (name, value) in members.iter() {
            if let Some(slot) = layout.shape.slot(name).and_then(|place| slots.get_mut(place)) {
                twice = twice.or(slot.is_some().then(|| name.to_owned()));
                *slot = Some(value);
            }
        }
        if let Some(name) = twice {
            return Err(bad(None, format!("the member {name} is there twice")));
        }
        let key = key(layout, &slots).map_err(|problem| bad(None, problem))?;
        let id = id_of((0..layout.key.len()).map(|slot| match key.get(slot) {
            Presence::Value(value) => value,
            _ => ValueRef::Null,
        }));
        let id = id.ok_or_else(|| bad(None, "the key is blank".to_owned()))?;
        let mut builder = RecordBuilder::new(&wanted.shape);
        for place in &wanted.fields {
            push_field(&mut builder, layout, &slots, *place)
                .map_err(|problem| bad(Some(id.clone()), problem))?;
        }
        Ok(Row { id, record: builder.finish() })
    }

    fn edit(
        &self,
        layout: &Layout,
        former: Option<&[u8]>,
        changes: &[(usize, ValueRef<'_>)],
    ) -> Result<Vec<u8>, (usize, String)> {
        let first = changes.first().map_or(0, |(place, _)| *place);
        let wrong = |problem: String| (first, problem);
        let former =
            std::str::from_utf8(former.unwrap_or(b"{}")).map_err(|_| wrong("not valid UTF-8".to_owned()))?;
        let members = members(former).map_err(wrong)?;
        let mut written: Vec<(String, String)> =
            members.iter().map(|(name, value)| (name.to_owned(), value.get().to_owned())).collect();
        for (place, value) in changes {
            let Some(field) = layout.entity.fields.get(*place) else { continue };
            let json = match (&field.kind, value) {
                (FieldKind::List { entity }, ValueRef::List(records)) => {
                    let entity = layout.lines.get(entity).unwrap_or(&layout.entity);
                    lines::json_of(entity, records)
                }
                (_, value) => json_of(*value),
            };
            let json = json.map_err(|problem| (*place, problem))?;
            match written.iter_mut().find(|(name, _)| name == field.name.as_str()) {
                Some((_, old)) => *old = json,
                None => written.push((field.name.to_string(), json)),
            }
        }
        let mut line = String::from("{");
        for (place, (name, json)) in written.iter().enumerate() {
            if place > 0 {
                line.push(',');
            }
            line.push_str(&quoted(name));
            line.push(':');
            line.push_str(json);
        }
        line.push('}');
        Ok(line.into_bytes())
    }
}

fn members(text: &str) -> Result<Members<'_>, String> {
    serde_json::from_str(text).map_err(|problem| format!("the line is no JSON object: {problem}"))
}

fn key(layout: &Layout, slots: &[Option<&RawValue>]) -> Result<seamless_core::model::Record, String> {
    let names = layout.key.iter().filter_map(|place| layout.shape.name(*place)).cloned();
    let shape = Shape::new(names).map_err(|problem| problem.to_string())?;
    let mut builder = RecordBuilder::new(&shape);
    for place in &layout.key {
        push_field(&mut builder, layout, slots, *place)?;
    }
    Ok(builder.finish())
}

fn push_field(
    builder: &mut RecordBuilder,
    layout: &Layout,
    slots: &[Option<&RawValue>],
    place: usize,
) -> Result<(), String> {
    let Some(field) = layout.entity.fields.get(place) else {
        return Err("there is no such field".to_owned());
    };
    let Some(raw) = slots.get(place).copied().flatten() else {
        builder.push(Presence::Absent);
        return Ok(());
    };
    push_json(builder, field, raw.get(), Some(layout)).map_err(|problem| format!("{}: {problem}", field.name))
}

/// Puts what a JSON text stands for into the next slot. Lists are read where the layout of their record is given.
pub(super) fn push_json(
    builder: &mut RecordBuilder,
    field: &Field,
    json: &str,
    layout: Option<&Layout>,
) -> Result<(), String> {
    match &field.kind {
        FieldKind::List { entity } if json != "null" => {
            let lines = layout.and_then(|layout| layout.lines.get(entity));
            let lines = lines.ok_or_else(|| "a list in a list".to_owned())?;
            lines::push(builder, lines, json)
        }
        kind => push(builder, kind, json),
    }
}
