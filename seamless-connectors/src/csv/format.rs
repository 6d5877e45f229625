//! CSV: cutting a file into records and a record into cells, and making a record. Written here and not taken from a
//! library because a record's own bytes are needed: they are its version, they are copied when a file is rewritten,
//! and a quote tells text from null. What it reads is held against the `csv` crate by a property.

use std::borrow::Cow;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use seamless_core::model::{
    Entity, EntityName, Error, Field, FieldKind, Presence, RecordBuilder, Result, Shape, ValueRef,
};

use crate::cell::{push_text, text_of};
use crate::files::format::{Bad, Format, Layout, Next, Row, Wanted, disk, fill, id_of, without_end};
use crate::files::header::{cut_kind, header_field};

const BOM: &[u8] = b"\xef\xbb\xbf";

/// CSV with a delimiter and a null token.
#[derive(Clone, Debug)]
pub(super) struct CsvFormat {
    pub(super) delimiter: u8,
    pub(super) null: String,
}

/// A cell: its text, and whether it stood in quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Cell<'a> {
    text: Cow<'a, str>,
    /// The bytes as they stand in the file.
    raw: &'a str,
    quoted: bool,
}

impl Format for CsvFormat {
    fn name(&self) -> &'static str {
        "csv"
    }

    fn form(&self) -> &'static str {
        "csv 1"
    }

    fn layout(
        &self,
        path: &Path,
        name: &EntityName,
        declared: Option<Entity>,
        key: &[String],
    ) -> Result<Layout> {
        let file = File::open(path).map_err(|problem| disk(problem, "opening"))?;
        let mut reader = BufReader::new(file);
        let mut raw = Vec::new();
        let next = self.next(&mut reader, &mut raw)?;
        let header = without_end(raw.strip_prefix(BOM).unwrap_or(&raw));
        let text = std::str::from_utf8(header).map_err(|_| Error::data("the header is not valid UTF-8"))?;
        if next != Next::Record || text.is_empty() {
            return Err(Error::data("the file has no header")
                .with_remedy("write the names of its columns in the first line, divided by the delimiter"));
        }
        let cells = self.cells(text).map_err(|problem| Error::data(format!("the header: {problem}")))?;
        if let Some(cell) = cells.iter().find(|cell| cut_kind(&cell.text)) {
            return Err(Error::data(format!("the header cell {:?} is cut at the delimiter", cell.text))
                .with_remedy("put cells such as \"price:decimal(18,2)\" in quotes"));
        }
        let (entity, columns) = match declared {
            Some(entity) => {
                let columns = declared_columns(&entity, &cells)?;
                (entity, columns)
            }
            None => {
                let (fields, keys): (Vec<Field>, Vec<bool>) =
                    cells.iter().map(|cell| header_field(&cell.text)).unzip();
                let key =
                    fields.iter().zip(keys).filter(|(_, key)| *key).map(|(field, _)| field.name.clone());
                let key = key.collect();
                let columns = (0..fields.len()).collect();
                (
                    Entity {
                        name: name.clone(),
                        label: None,
                        fields,
                        key,
                        unique: Vec::new(),
                        actions: Vec::new(),
                    },
                    columns,
                )
            }
        };
        let layout = Layout::new(entity, key)?;
        let lines = raw.iter().filter(|byte| **byte == b'\n').count() as u64;
        let crlf = raw.ends_with(b"\r\n");
        Ok(Layout { columns, width: cells.len(), begin: (raw.len() as u64, lines), crlf, ..layout })
    }

    fn next(&self, reader: &mut dyn BufRead, raw: &mut Vec<u8>) -> Result<Next> {
        // Where we are: in quotes, at a cell's beginning, just behind a closing quote.
        let (mut quoted, mut begin, mut closed) = (false, true, false);
        loop {
            let buffer = fill(reader, raw)?;
            if buffer.is_empty() {
                return Ok(match (raw.is_empty(), quoted) {
                    (true, _) => Next::End,
                    (_, true) => Next::Unterminated,
                    _ => Next::Record,
                });
            }
            let mut ended = None;
            // A byte order mark is no part of the first cell.
            let start = if raw.is_empty() && buffer.starts_with(BOM) { BOM.len() } else { 0 };
            for (place, byte) in buffer.iter().enumerate().skip(start) {
                match byte {
                    b'"' if quoted => {
                        quoted = false;
                        closed = true;
                        continue;
                    }
                    _ if quoted => {}
                    b'"' if begin || closed => quoted = true,
                    b'\n' => {
                        ended = Some(place + 1);
                        break;
                    }
                    _ => {}
                }
                closed = false;
                begin = *byte == self.delimiter && !quoted;
            }
            let taken = ended.unwrap_or(buffer.len());
            raw.extend_from_slice(buffer.get(..taken).unwrap_or_default());
            reader.consume(taken);
            if ended.is_some() {
                return Ok(if without_end(raw).is_empty() { Next::Blank } else { Next::Record });
            }
        }
    }

    fn parse(&self, layout: &Layout, raw: &[u8], wanted: &Wanted) -> Result<Row, Bad> {
        let bad = Bad::new;
        let text =
            std::str::from_utf8(raw).map_err(|_| bad(None, "the row is not valid UTF-8".to_owned()))?;
        let cells = self.cells(text).map_err(|problem| bad(None, problem))?;
        if cells.len() != layout.width {
            return Err(bad(None, format!("the row has {} cells, the header {}", cells.len(), layout.width)));
        }
        let key = self.values(layout, &cells, &layout.key, layout).map_err(|problem| bad(None, problem))?;
        let id = id_of((0..layout.key.len()).map(|slot| match key.get(slot) {
            Presence::Value(value) => value,
            _ => ValueRef::Null,
        }));
        let id = id.ok_or_else(|| bad(None, "the key is blank".to_owned()))?;
        let mut builder = RecordBuilder::new(&wanted.shape);
        for place in &wanted.fields {
            self.push(&mut builder, layout, &cells, *place)
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
        let former =
            former.map(std::str::from_utf8).transpose().map_err(|_| (first, "not valid UTF-8".to_owned()))?;
        let mut cells: Vec<Cow<'_, str>> = match former {
            None => vec![Cow::Borrowed(self.null.as_str()); layout.width],
            Some(former) => {
                let cells = self.cells(former).map_err(|problem| (first, problem))?;
                cells.into_iter().map(|cell| Cow::Borrowed(cell.raw)).collect()
            }
        };
        for (place, value) in changes {
            let text = match value {
                ValueRef::Null => self.null.clone(),
                value => self.cell(&text_of(*value).map_err(|problem| (*place, problem))?),
            };
            if let Some(cell) = layout.columns.get(*place).and_then(|column| cells.get_mut(*column)) {
                *cell = Cow::Owned(text);
            }
        }
        let delimiter = char::from(self.delimiter).to_string();
        let row = cells.join(&delimiter);
        // A row of one empty cell would be a blank line.
        Ok(if row.is_empty() { b"\"\"".to_vec() } else { row.into_bytes() })
    }
}

impl CsvFormat {
    /// The cells of a record.
    fn cells<'a>(&self, text: &'a str) -> Result<Vec<Cell<'a>>, String> {
        let delimiter = char::from(self.delimiter);
        let mut cells = Vec::new();
        let mut rest = text;
        loop {
            let (cell, after) = match rest.strip_prefix('"') {
                None => {
                    let end = rest.find(delimiter).unwrap_or(rest.len());
                    let (raw, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
                    (Cell { text: Cow::Borrowed(raw), raw, quoted: false }, after)
                }
                Some(inner) => {
                    let (content, after) = quoted(inner)?;
                    let raw = rest.get(..rest.len() - after.len()).unwrap_or(rest);
                    (Cell { text: content, raw, quoted: true }, after)
                }
            };
            cells.push(cell);
            match after.strip_prefix(delimiter) {
                Some(next) => rest = next,
                None if after.is_empty() => return Ok(cells),
                None => return Err("there is text behind a closing quote".to_owned()),
            }
        }
    }

    fn values(
        &self,
        layout: &Layout,
        cells: &[Cell<'_>],
        fields: &[usize],
        of: &Layout,
    ) -> Result<seamless_core::model::Record, String> {
        let names = fields.iter().filter_map(|place| of.shape.name(*place)).cloned();
        let shape = Shape::new(names).map_err(|problem| problem.to_string())?;
        let mut builder = RecordBuilder::new(&shape);
        for place in fields {
            self.push(&mut builder, layout, cells, *place)?;
        }
        Ok(builder.finish())
    }

    fn push(
        &self,
        builder: &mut RecordBuilder,
        layout: &Layout,
        cells: &[Cell<'_>],
        place: usize,
    ) -> Result<(), String> {
        let field = layout.entity.fields.get(place);
        let cell = layout.columns.get(place).and_then(|column| cells.get(*column));
        let (Some(field), Some(cell)) = (field, cell) else { return Err("the cell is not there".to_owned()) };
        if !cell.quoted && cell.text == self.null {
            builder.push_value(ValueRef::Null);
            return Ok(());
        }
        let number_key = match &field.kind {
            FieldKind::Reference { targets } => {
                targets.iter().any(|target| layout.number_keys.contains(target))
            }
            _ => false,
        };
        push_text(builder, &field.kind, &cell.text, number_key)
            .map_err(|problem| format!("{}: {problem}", field.name))
    }

    /// A text as a cell; in quotes where it would be read as something else without.
    fn cell(&self, text: &str) -> String {
        let special = |c: char| c == '"' || c == '\n' || c == '\r' || c == char::from(self.delimiter);
        let edges = text.starts_with([' ', '\u{feff}']) || text.ends_with(' ');
        if text == self.null || text.is_empty() || edges || text.contains(special) {
            return format!("\"{}\"", text.replace('"', "\"\""));
        }
        text.to_owned()
    }
}

/// The content of a cell in quotes, from behind the opening one; and what comes behind the closing one.
fn quoted(inner: &str) -> Result<(Cow<'_, str>, &str), String> {
    let mut content = Cow::Borrowed("");
    let mut rest = inner;
    loop {
        let (before, after) = rest.split_once('"').ok_or("a quote is not closed")?;
        if content.is_empty() {
            content = Cow::Borrowed(before);
        } else {
            content.to_mut().push_str(before);
        }
        match after.strip_prefix('"') {
            Some(again) => {
                content.to_mut().push('"');
                rest = again;
            }
            None => return Ok((content, after)),
        }
    }
}

/// Of each field of a declared schema, the column that has its name; a column may carry a kind behind its name.
fn declared_columns(entity: &Entity, cells: &[Cell<'_>]) -> Result<Vec<usize>> {
    let mut columns = Vec::with_capacity(entity.fields.len());
    for field in &entity.fields {
        let named = |cell: &Cell<'_>| {
            cell.text == field.name.as_str() || header_field(&cell.text).0.name == field.name
        };
        columns.push(cells.iter().position(named).ok_or_else(|| {
            Error::configuration("the file has no such column")
                .at("field", &field.name)
                .with_remedy("add the column to the header, or take the field out of the schema")
        })?);
    }
    Ok(columns)
}

#[cfg(test)]
mod tests {
    use super::CsvFormat;
    use crate::files::format::{Format, Next, without_end};
    use proptest::prelude::{prop_assert_eq, proptest};

    fn records(format: &CsvFormat, text: &str) -> Option<Vec<Vec<String>>> {
        let mut reader = std::io::BufReader::with_capacity(3, text.as_bytes());
        let mut records = Vec::new();
        loop {
            let mut raw = Vec::new();
            match format.next(&mut reader, &mut raw).unwrap() {
                Next::End => return Some(records),
                Next::Unterminated => return None,
                Next::Blank => {}
                Next::Record => {
                    let text = std::str::from_utf8(without_end(&raw)).unwrap().to_owned();
                    let cells = format.cells(&text).ok()?;
                    records.push(cells.iter().map(|cell| cell.text.to_string()).collect());
                }
            }
        }
    }

    fn format() -> CsvFormat {
        CsvFormat { delimiter: b',', null: String::new() }
    }

    proptest! {
        /// What is read strictly is read by the library alike.
        #[test]
        fn records_are_cut_as_the_csv_crate_cuts_them(text in "[a\",\n é]{0,40}") {
            if let Some(ours) = records(&format(), &text) {
                let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
                let theirs: Vec<Vec<String>> = reader.records()
                    .map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect();
                prop_assert_eq!(ours, theirs);
            }
        }

        #[test]
        fn a_cell_reads_back(texts in proptest::collection::vec("[a\",\r\n;é\\\\N \u{feff}]{0,8}", 1..5)) {
            let format = format();
            let row: Vec<String> = texts.iter().map(|text| format.cell(text)).collect();
            let read = records(&format, &format!("{}\r\n", row.join(",")));
            prop_assert_eq!(read, Some(vec![texts]));
        }
    }
}
