//! A workbook as a file of several entities, for the folder that reads and replaces files: sheets are cut into rows, rows into
//! cells, and what changed goes back into the sheet's own XML. Knows how the parts of this connector fit together.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead, Cursor};
use std::path::{Path, PathBuf};

use seamless_core::model::{
    Entity, EntityName, Error, ErrorKind, Field, FieldKind, Presence, RecordBuilder, Result, Shape, ValueRef,
};

use super::cells::{Area, COLUMNS_MAX, Cell, Held, ROWS_MAX, address, cells, column_name, line};
use super::config::ExcelConfig;
use super::package::{Package, SheetPart};
use super::patch::{extent, patch};
use super::serial::Calendar;
use super::sheet::{LINES_BYTES_MAX, Sheet, Strings};
use super::styles::Styles;
use super::values::{held, push};
use super::xml::{Xml, attribute, local};
use crate::files::format::{
    Bad, Format, Layout, Next, Row, Rows, Wanted, beyond, disk, fill, id_of, without_end,
};
use crate::files::header::header_field;

/// Workbooks of this format.
#[derive(Clone, Debug)]
pub(super) struct ExcelFormat {
    header_rows: BTreeMap<String, u32>,
    /// Sheets that are shown though they are hidden.
    named: BTreeSet<String>,
}

/// A sheet with what its cells refer to.
struct Opened {
    package: Package,
    sheet: SheetPart,
    text: String,
    strings: Strings,
    styles: Styles,
    styles_text: Option<String>,
}

fn open(file: File, entity: &EntityName) -> Result<Opened> {
    let mut package = Package::open(file)?;
    let found = package.sheets.iter().find(|sheet| sheet.name == entity.as_str());
    let sheet = found.cloned().ok_or_else(|| {
        Error::new(ErrorKind::NotFound, "the workbook has no such sheet").at("entity", entity)
    })?;
    let text = package.needed(&sheet.part)?;
    let part = |package: &mut Package, name: Option<String>| match name {
        Some(name) => package.part(&name),
        None => Ok(None),
    };
    let (strings, styles) = (package.strings.clone(), package.styles.clone());
    let strings = Strings::read(part(&mut package, strings)?.as_deref())?;
    let styles_text = part(&mut package, styles)?;
    let styles = Styles::read(styles_text.as_deref())?;
    Ok(Opened { package, sheet, text, strings, styles, styles_text })
}

fn opened(path: &Path) -> Result<File> {
    File::open(path).map_err(|problem| disk(problem, "opening"))
}

impl ExcelFormat {
    pub(super) fn new(config: &ExcelConfig) -> Self {
        Self { header_rows: config.header_rows.clone(), named: config.named().map(str::to_owned).collect() }
    }

    fn header_row(&self, entity: &EntityName) -> u32 {
        self.header_rows.get(entity.as_str()).copied().unwrap_or(1)
    }
}

impl Format for ExcelFormat {
    fn name(&self) -> &'static str {
        "excel"
    }

    fn form(&self) -> &'static str {
        "excel 1"
    }

    fn is_named(&self, path: &Path) -> bool {
        let ends = ["xlsx", "xlsm", "xltx", "xltm"];
        path.extension().is_some_and(|found| ends.iter().any(|end| found.eq_ignore_ascii_case(end)))
    }

    fn entities(&self, path: &Path) -> Result<Vec<EntityName>> {
        let package = Package::open(opened(path)?).map_err(|error| error.at("path", path.display()))?;
        let sheets = package.sheets.iter().filter(|sheet| !sheet.hidden || self.named.contains(&sheet.name));
        Ok(sheets.map(|sheet| EntityName::from(sheet.name.as_str())).collect())
    }

    fn sidecar(&self, path: &Path, entity: &EntityName) -> Option<PathBuf> {
        let stem = path.file_stem()?.to_str()?;
        // Excel allows neither in the name of a sheet; another program might.
        let plain = !entity.as_str().contains(['/', '\\']);
        plain.then(|| path.with_file_name(format!("{stem}.{entity}.schema.json")))
    }

    fn layout(
        &self,
        path: &Path,
        name: &EntityName,
        declared: Option<Entity>,
        key: &[String],
    ) -> Result<Layout> {
        let sheet = open(opened(path)?, name)?;
        let row = self.header_row(name);
        let headers = headers(&sheet, row)?;
        let (entity, columns) = match declared {
            Some(entity) => {
                let columns = declared_columns(&entity, &headers)?;
                (entity, columns)
            }
            None => {
                let (mut fields, mut keys, mut columns) = (Vec::new(), Vec::new(), Vec::new());
                for (column, text) in &headers {
                    let (field, is_key) = header_field(text);
                    keys.extend(is_key.then(|| field.name.clone()));
                    fields.push(field);
                    columns.push(*column);
                }
                let entity = Entity {
                    name: name.clone(),
                    label: None,
                    fields,
                    key: keys,
                    unique: Vec::new(),
                    actions: Vec::new(),
                };
                (entity, columns)
            }
        };
        let lists = |field: &&Field| matches!(field.kind, FieldKind::List { .. });
        if let Some(list) = entity.fields.iter().find(lists) {
            return Err(Error::configuration("a cell holds no child records").at("field", &list.name));
        }
        let width = headers.last().map_or(0, |(column, _)| column + 1);
        let calendar = if sheet.package.is_1904 { Calendar::Of1904 } else { Calendar::Of1900 };
        let begin = (u64::from(row), u64::from(row));
        Ok(Layout { columns, width, begin, calendar, ..Layout::new(entity, key)? })
    }

    fn records(&self, layout: &Layout, file: File, from: u64) -> Result<Box<dyn BufRead + Send>> {
        let sheet = open(file, &layout.entity.name)?;
        let header = u32::try_from(layout.begin.1).unwrap_or(ROWS_MAX);
        let mut rows = Sheet::new(&sheet.text, &sheet.strings)?;
        let lines = rows.lines(&sheet.styles, header, layout.width, LINES_BYTES_MAX)?;
        if from > lines.len() as u64 {
            return Err(beyond());
        }
        let mut lines = Cursor::new(lines);
        lines.set_position(from);
        Ok(Box::new(lines))
    }

    fn place(&self, _: &str, layout: &Layout, row: u64, column: Option<usize>) -> String {
        match column {
            Some(column) => format!("{}!{}", layout.entity.name, address(column, row)),
            None => format!("{}!{row}:{row}", layout.entity.name),
        }
    }

    fn next(&self, reader: &mut dyn BufRead, raw: &mut Vec<u8>) -> Result<Next> {
        loop {
            let buffer = fill(reader, raw)?;
            if buffer.is_empty() {
                return Ok(Next::End);
            }
            let end = buffer.iter().position(|byte| *byte == b'\n');
            let taken = end.map_or(buffer.len(), |end| end + 1);
            raw.extend_from_slice(buffer.get(..taken).unwrap_or_default());
            reader.consume(taken);
            if end.is_some() {
                return Ok(if without_end(raw).is_empty() { Next::Blank } else { Next::Record });
            }
        }
    }

    fn parse(&self, layout: &Layout, raw: &[u8], wanted: &Wanted) -> Result<Row, Bad> {
        let row =
            read(raw).ok_or(Bad { id: None, problem: "the row cannot be read".to_owned(), column: None })?;
        let names = layout.key.iter().filter_map(|place| layout.shape.name(*place)).cloned();
        let shape = Shape::new(names).map_err(|problem| Bad {
            id: None,
            problem: problem.to_string(),
            column: None,
        })?;
        let mut builder = RecordBuilder::new(&shape);
        for place in &layout.key {
            push_field(&mut builder, layout, &row, *place).map_err(|bad| Bad { id: None, ..bad })?;
        }
        let key = builder.finish();
        let id = id_of((0..layout.key.len()).map(|slot| match key.get(slot) {
            Presence::Value(value) => value,
            _ => ValueRef::Null,
        }));
        let column = layout.key.first().and_then(|place| layout.columns.get(*place)).copied();
        let id = id.ok_or_else(|| Bad { id: None, problem: "the key is blank".to_owned(), column })?;
        let mut builder = RecordBuilder::new(&wanted.shape);
        for place in &wanted.fields {
            push_field(&mut builder, layout, &row, *place)
                .map_err(|bad| Bad { id: Some(id.clone()), ..bad })?;
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
        let mut row = match former {
            None => Vec::new(),
            Some(raw) => read(raw).ok_or((first, "the row cannot be read".to_owned()))?,
        };
        row.resize(layout.width.max(row.len()), Cell::default());
        for (place, value) in changes {
            let held = held(*value, layout.calendar).map_err(|problem| (*place, problem))?;
            let column = layout.columns.get(*place).copied().unwrap_or(usize::MAX);
            let Some(cell) = row.get_mut(column) else { continue };
            if cell.formula && cell.held != held {
                return Err((*place, "the cell holds a formula, which a value would replace".to_owned()));
            }
            match cell.held {
                Held::Merged => return Err((*place, "the cell is merged with another one".to_owned())),
                _ => cell.held = held,
            }
        }
        Ok(line(&row).into_bytes())
    }

    fn undeletable(&self, _: &Layout, raw: &[u8]) -> Option<String> {
        let row = read(raw)?;
        let column = row.iter().position(|cell| cell.formula || cell.held == Held::Merged)?;
        let what = if row.get(column)?.formula { "a formula" } else { "a merged cell" };
        Some(format!("the row has {what} in column {}: delete it in Excel", column_name(column)))
    }

    fn unwritable(&self, path: &Path) -> Option<Error> {
        let name = path.file_name()?.to_string_lossy();
        // Excel leaves the first two letters of a long name out.
        let short: String = name.chars().skip(2).collect();
        let owners = [format!("~${name}"), format!("~${short}"), format!(".~lock.{name}#")];
        let owner = owners.iter().find(|owner| path.with_file_name(owner).exists())?;
        Some(
            Error::new(ErrorKind::Unavailable, "the workbook is open in another program")
                .at("path", path.display())
                .with_remedy(format!("close it there; if nobody has it open, delete the file {owner}")),
        )
    }

    fn rewrite(&self, path: &Path, layout: &Layout, rows: &Rows, to: &File) -> Result<Option<()>> {
        let mut sheet = open(opened(path)?, &layout.entity.name)?;
        refuse_what_would_break(&sheet)?;
        let header = u32::try_from(layout.begin.1).unwrap_or(ROWS_MAX);
        let extent = extent(&sheet.text, &sheet.strings, &sheet.styles, header)?;
        let (wanted, last) = wanted(layout, rows, header, extent.last)?;
        let mut parts = BTreeMap::new();
        if last > extent.last {
            grow_tables(&mut sheet.package, &sheet.sheet.part, (extent.last, last), &mut parts)?;
        }
        let text = patch(&sheet.text, &sheet.strings, &mut sheet.styles, &extent, &wanted)?;
        parts.insert(sheet.sheet.part.clone(), text);
        if let (Some(name), Some(text)) = (sheet.package.styles.clone(), &sheet.styles_text) {
            parts.extend(sheet.styles.patched(text)?.map(|text| (name, text)));
        }
        let workbook = sheet.package.needed(&sheet.package.workbook.clone())?;
        if let Some(text) = recalculated(&workbook)? {
            parts.insert(sheet.package.workbook.clone(), text);
        }
        sheet.package.rewrite(&parts, to)?;
        Ok(Some(()))
    }
}

fn read(raw: &[u8]) -> Option<Vec<Cell>> {
    let text = std::str::from_utf8(raw).ok()?;
    if text.is_empty() { Some(Vec::new()) } else { cells(text) }
}

/// The headers: column and text. Cells without anything are no columns of ours.
fn headers(sheet: &Opened, row: u32) -> Result<Vec<(usize, String)>> {
    let mut rows = Sheet::new(&sheet.text, &sheet.strings)?;
    let at = |column: usize| address(column, u64::from(row));
    let wrong = |problem: String| {
        Error::data(problem).with_remedy(
            "give each column a header of its own, as text, in the row of headers; see `header_rows`",
        )
    };
    while let Some(found) = rows.next(&sheet.styles)? {
        let cells = rows.shown(&found, if found.number == row { COLUMNS_MAX as usize } else { 0 });
        if found.number < row {
            continue;
        }
        if found.number > row {
            break;
        }
        let mut headers: Vec<(usize, String)> = Vec::new();
        for (column, cell) in cells.into_iter().enumerate() {
            match cell.held {
                Held::Nothing => {}
                Held::Text(text) if text.is_empty() => {}
                Held::Text(text) => {
                    if let Some((other, _)) = headers.iter().find(|(_, known)| *known == text) {
                        return Err(wrong(format!(
                            "the header {text:?} stands twice, in {} and {}",
                            at(*other),
                            at(column)
                        )));
                    }
                    headers.push((column, text));
                }
                Held::Merged => return Err(wrong(format!("the header {} is a merged cell", at(column)))),
                _ => return Err(wrong(format!("the header {} is no text", at(column)))),
            }
        }
        if headers.is_empty() {
            break;
        }
        return Ok(headers);
    }
    Err(wrong(format!("the sheet has no headers in row {row}")))
}

/// Of each field of a declared schema, the column that has its name; a header may carry a kind behind its name.
fn declared_columns(entity: &Entity, headers: &[(usize, String)]) -> Result<Vec<usize>> {
    let column = |field: &Field| {
        let named = |text: &String| *text == field.name.as_str() || header_field(text).0.name == field.name;
        headers.iter().find(|(_, text)| named(text)).map(|(column, _)| *column).ok_or_else(|| {
            Error::configuration("the sheet has no such column")
                .at("field", &field.name)
                .with_remedy("add the column, or take the field out of the schema")
        })
    };
    entity.fields.iter().map(column).collect()
}

fn push_field(builder: &mut RecordBuilder, layout: &Layout, row: &[Cell], place: usize) -> Result<(), Bad> {
    let column = layout.columns.get(place).copied();
    let bad = |problem: String| Bad { id: None, problem, column };
    let field = layout.entity.fields.get(place).ok_or_else(|| bad("there is no such field".to_owned()))?;
    let nothing = Held::Nothing;
    let held = column.and_then(|column| row.get(column)).map_or(&nothing, |cell| &cell.held);
    let number_key = match &field.kind {
        FieldKind::Reference { targets } => targets.iter().any(|target| layout.number_keys.contains(target)),
        _ => false,
    };
    push(builder, &field.kind, held, layout.calendar, number_key)
        .map_err(|problem| bad(format!("{}: {problem}", field.name)))
}

fn refuse_what_would_break(sheet: &Opened) -> Result<()> {
    let refused = |what: &str, remedy: &str| {
        Err(Error::new(ErrorKind::Permission, what).at("entity", &sheet.sheet.name).with_remedy(remedy))
    };
    if sheet.package.has("_xmlsignatures") {
        return refused(
            "the workbook is signed, and a write would break that",
            "remove the signature, or read only",
        );
    }
    if sheet.package.has("xl/revisions") {
        return refused("the workbook keeps a history of its own changes", "stop sharing it in Excel");
    }
    if Sheet::new(&sheet.text, &sheet.strings)?.is_protected {
        return refused("the sheet is protected", "take the protection off in Excel, or read only");
    }
    Ok(())
}

/// The rows that are to be written, and the last one then.
fn wanted(layout: &Layout, rows: &Rows, header: u32, last: u32) -> Result<(BTreeMap<u32, Vec<Cell>>, u32)> {
    let width = layout.width;
    let full = |raw: &[u8]| {
        let mut row = read(raw).unwrap_or_default();
        row.resize(width.max(row.len()), Cell::default());
        row
    };
    let mut wanted = BTreeMap::new();
    for (number, raw) in &rows.replaced {
        let row = u32::try_from(*number).unwrap_or(ROWS_MAX).saturating_add(header).saturating_add(1);
        wanted.insert(row, raw.as_deref().map_or_else(|| vec![Cell::default(); width], full));
    }
    let mut last = last;
    for raw in rows.appended.iter().flatten() {
        last += 1;
        if last > ROWS_MAX {
            return Err(Error::new(ErrorKind::Limit, "the sheet is full")
                .with_remedy(format!("Excel has {ROWS_MAX} rows; delete some")));
        }
        wanted.insert(last, full(raw));
    }
    Ok((wanted, last))
}

/// Lets tables that end with the last row end with the new one.
fn grow_tables(
    package: &mut Package,
    sheet: &str,
    (from, to): (u32, u32),
    parts: &mut BTreeMap<String, String>,
) -> Result<()> {
    for (kind, part) in package.references(sheet)?.into_values() {
        if !kind.ends_with("/table") {
            continue;
        }
        let text = package.needed(&part)?;
        let mut xml = Xml::new(&text);
        let Some(tag) = std::iter::from_fn(|| xml.next().transpose()).find_map(|event| match event {
            Ok(quick_xml::events::Event::Start(tag)) if local(&tag) == "table" => Some(tag),
            _ => None,
        }) else {
            continue;
        };
        let said = attribute(&tag, "ref")?.unwrap_or_default();
        let Some(area) = Area::read(&said).filter(|area| area.last.1 == from) else { continue };
        if attribute(&tag, "totalsRowCount")?.is_some_and(|count| count != "0") {
            return Err(Error::new(ErrorKind::Unsupported, "the table ends with a row of totals")
                .at("table", attribute(&tag, "displayName")?.unwrap_or_default())
                .with_remedy("switch the row of totals off in Excel, or put it above the table"));
        }
        let grown = Area { last: (area.last.0, to), ..area };
        let text = text.replace(&format!(" ref=\"{said}\""), &format!(" ref=\"{grown}\""));
        parts.insert(part, text);
    }
    Ok(())
}

/// The workbook with the wish that formulas are worked out anew; `None` where it has it, or says nothing of formulas.
fn recalculated(text: &str) -> Result<Option<String>> {
    let mut xml = Xml::new(text);
    while let Some(event) = xml.next()? {
        let (quick_xml::events::Event::Start(tag) | quick_xml::events::Event::Empty(tag)) = &event else {
            continue;
        };
        if local(tag) != "calcPr" {
            continue;
        }
        if attribute(tag, "fullCalcOnLoad")?.is_some() {
            return Ok(None);
        }
        let at = xml.span.start + 1 + tag.name().into_inner().len();
        let parts = text.get(..at).zip(text.get(at..));
        return Ok(parts.map(|(before, behind)| format!("{before} fullCalcOnLoad=\"1\"{behind}")));
    }
    Ok(None)
}
