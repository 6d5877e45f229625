//! A sheet's XML, row by row, each with its place in the text, so that writing can leave alone what it does not change. Knows
//! cells, no fields. The doors are [`Sheet::new`] and [`Sheet::next`].

use std::ops::Range;

use quick_xml::events::{BytesStart, Event};
use seamless_core::model::{Error, ErrorKind, Result};

use super::cells::{Area, Cell, Held, ROWS_MAX, line, place};
use super::styles::Styles;
use super::xml::{Xml, attribute, broken, from_excel, local};

/// Bytes of a sheet as lines at most: few bytes can stand for many, where cells share a text.
pub(super) const LINES_BYTES_MAX: usize = 512 << 20;

/// Merged areas of a sheet at most.
const MERGED_MAX: usize = 100_000;

/// The texts that cells share.
#[derive(Debug, Default)]
pub(super) struct Strings(Vec<Box<str>>);

impl Strings {
    pub(super) fn read(text: Option<&str>) -> Result<Self> {
        let mut strings = Vec::new();
        let Some(text) = text else { return Ok(Self::default()) };
        let mut xml = Xml::new(text);
        while let Some(event) = xml.next()? {
            match event {
                Event::Start(tag) if local(&tag) == "si" => strings.push(rich(&mut xml)?.into_boxed_str()),
                Event::Empty(tag) if local(&tag) == "si" => strings.push(Box::default()),
                _ => {}
            }
        }
        Ok(Self(strings))
    }
}

/// The text of an element whose parts may have formats of their own; how it is pronounced is left out.
fn rich(xml: &mut Xml<'_>) -> Result<String> {
    let (mut text, mut inside) = (String::new(), 0);
    while let Some(event) = xml.next()? {
        match event {
            Event::Start(tag) => match local(&tag) {
                "t" => text.push_str(&xml.text()?),
                "rPh" => {
                    xml.text()?;
                }
                _ => inside += 1,
            },
            Event::End(_) if inside == 0 => return Ok(from_excel(&text)),
            Event::End(_) => inside -= 1,
            _ => {}
        }
    }
    Err(broken("it ends in the middle"))
}

/// The parts of a cell, before its type says what they mean.
#[derive(Default)]
struct Inner {
    value: Option<String>,
    inline: Option<String>,
    formula: bool,
}

/// A cell and where it stands.
#[derive(Debug)]
pub(super) struct CellAt {
    pub(super) column: u32,
    pub(super) span: Range<usize>,
    pub(super) style: u32,
    pub(super) cell: Cell,
}

/// A row and where it stands. Rows without any cell may have no element at all.
#[derive(Debug)]
pub(super) struct RowAt {
    pub(super) number: u32,
    pub(super) span: Range<usize>,
    /// The tag that begins it.
    pub(super) tag: Range<usize>,
    /// Whether that tag ends it as well.
    pub(super) closed: bool,
    pub(super) cells: Vec<CellAt>,
}

impl RowAt {
    pub(super) fn is_blank(&self) -> bool {
        self.cells.iter().all(|at| at.cell == Cell::default())
    }
}

/// A sheet that is read from front to back.
pub(super) struct Sheet<'a> {
    xml: Xml<'a>,
    strings: &'a Strings,
    /// What stands before the names of its elements: nothing, or `x:`.
    pub(super) prefix: String,
    /// The tag of the rows, and whether it ends them as well: there are none.
    pub(super) data: Range<usize>,
    pub(super) is_empty: bool,
    /// The tag that says where cells are, and what it says.
    pub(super) dimension: Option<(Range<usize>, Area)>,
    pub(super) is_protected: bool,
    /// By their first row.
    merged: Vec<Area>,
    active: Vec<Area>,
    last: u32,
    ended: bool,
}

impl<'a> Sheet<'a> {
    /// Reads what stands before and behind the rows.
    ///
    /// Errors: no XML of a sheet.
    pub(super) fn new(text: &'a str, strings: &'a Strings) -> Result<Self> {
        let mut xml = Xml::new(text);
        let mut dimension = None;
        let (data, is_empty, prefix) = loop {
            let Some(event) = xml.next()? else { return Err(broken("it has no rows")) };
            let (Event::Start(tag) | Event::Empty(tag)) = &event else { continue };
            match local(tag) {
                "dimension" => {
                    let area = attribute(tag, "ref")?.and_then(|said| Area::read(&said));
                    dimension = area.map(|area| (xml.span.clone(), area));
                }
                "sheetData" => {
                    let name = tag.name().into_inner();
                    let prefix = name.strip_suffix("sheetData").unwrap_or_default().to_owned();
                    break (xml.span.clone(), matches!(event, Event::Empty(_)), prefix);
                }
                _ => {}
            }
        };
        let end = format!("</{prefix}sheetData>");
        let behind = match text.rfind(&end) {
            Some(at) if !is_empty => at + end.len(),
            _ => data.end,
        };
        let mut sheet = Self {
            xml,
            strings,
            prefix,
            data,
            is_empty,
            dimension,
            is_protected: false,
            merged: Vec::new(),
            active: Vec::new(),
            last: 0,
            ended: is_empty,
        };
        sheet.read_rest(text.get(behind..).unwrap_or_default())?;
        Ok(sheet)
    }

    fn read_rest(&mut self, rest: &str) -> Result<()> {
        let mut xml = Xml::of_rest(rest);
        while let Some(event) = xml.next()? {
            let (Event::Start(tag) | Event::Empty(tag)) = &event else { continue };
            match local(tag) {
                "sheetProtection" => {
                    self.is_protected = attribute(tag, "sheet")?.is_some_and(|on| on == "1" || on == "true");
                }
                "mergeCell" => self.merged.extend(attribute(tag, "ref")?.and_then(|said| Area::read(&said))),
                _ => {}
            }
            if self.merged.len() > MERGED_MAX {
                return Err(Error::new(ErrorKind::Limit, "the sheet has too many merged cells")
                    .with_remedy(format!("at most {MERGED_MAX} areas are read")));
            }
        }
        self.merged.sort_by_key(|area| std::cmp::Reverse(area.first.1));
        Ok(())
    }

    /// The next row that has an element; rows come in order.
    ///
    /// Errors: no XML of a row; rows or cells that are not in order.
    pub(super) fn next(&mut self, styles: &Styles) -> Result<Option<RowAt>> {
        while !self.ended {
            let Some(event) = self.xml.next()? else { return Err(broken("it ends in the middle")) };
            match event {
                Event::Start(tag) if local(&tag) == "row" => return self.row(&tag, false, styles).map(Some),
                Event::Empty(tag) if local(&tag) == "row" => return self.row(&tag, true, styles).map(Some),
                Event::End(tag) if tag.name().into_inner().ends_with("sheetData") => self.ended = true,
                _ => {}
            }
        }
        Ok(None)
    }

    fn row(&mut self, tag: &BytesStart<'_>, closed: bool, styles: &Styles) -> Result<RowAt> {
        let span = self.xml.span.clone();
        let number = match attribute(tag, "r")? {
            Some(said) => said.parse().map_err(|_| broken("a row has no number"))?,
            None => self.last + 1,
        };
        if number <= self.last || number > ROWS_MAX {
            return Err(broken("its rows are not in order"));
        }
        self.last = number;
        let mut row = RowAt { number, span: span.clone(), tag: span, closed, cells: Vec::new() };
        if closed {
            return Ok(row);
        }
        loop {
            let Some(event) = self.xml.next()? else { return Err(broken("it ends in the middle")) };
            match event {
                Event::Start(tag) if local(&tag) == "c" => self.cell(&mut row, &tag, false, styles)?,
                Event::Empty(tag) if local(&tag) == "c" => self.cell(&mut row, &tag, true, styles)?,
                // What may stand behind the cells some day.
                Event::Start(_) => {
                    self.xml.text()?;
                }
                Event::End(_) => {
                    row.span.end = self.xml.span.end;
                    break;
                }
                _ => {}
            }
        }
        Ok(row)
    }

    fn cell(&mut self, row: &mut RowAt, tag: &BytesStart<'_>, closed: bool, styles: &Styles) -> Result<()> {
        let begin = self.xml.span.start;
        let before = row.cells.last().map(|at| at.column);
        let column = match attribute(tag, "r")? {
            Some(said) => {
                let (column, number) = place(&said).ok_or_else(|| broken("a cell has no address"))?;
                if number != row.number {
                    return Err(broken("a cell stands in another row"));
                }
                column
            }
            None => before.map_or(0, |before| before + 1),
        };
        if before.is_some_and(|before| before >= column) {
            return Err(broken("its cells are not in order"));
        }
        let number =
            |said: Option<String>| said.and_then(|said| said.parse::<u32>().ok()).unwrap_or_default();
        let style = number(attribute(tag, "s")?);
        let kind = attribute(tag, "t")?.unwrap_or_default();
        let inner = if closed { Inner::default() } else { self.inner()? };
        let held = self.held(&kind, inner.value, inner.inline, styles.is_day(style))?;
        let span = begin..self.xml.span.end;
        row.cells.push(CellAt { column, span, style, cell: Cell { held, formula: inner.formula } });
        Ok(())
    }

    /// What stands in a cell that was begun.
    fn inner(&mut self) -> Result<Inner> {
        let mut inner = Inner::default();
        loop {
            let Some(event) = self.xml.next()? else { return Err(broken("it ends in the middle")) };
            match event {
                Event::Start(tag) => match local(&tag) {
                    "v" => inner.value = Some(self.xml.text()?),
                    "is" => inner.inline = Some(rich(&mut self.xml)?),
                    other => {
                        inner.formula |= other == "f";
                        self.xml.text()?;
                    }
                },
                Event::Empty(tag) => match local(&tag) {
                    "v" => inner.value = Some(String::new()),
                    "is" => inner.inline = Some(String::new()),
                    other => inner.formula |= other == "f",
                },
                Event::End(_) => return Ok(inner),
                _ => {}
            }
        }
    }

    fn held(&self, kind: &str, value: Option<String>, inline: Option<String>, is_day: bool) -> Result<Held> {
        if kind == "inlineStr" {
            return Ok(inline.map_or(Held::Nothing, Held::Text));
        }
        let Some(value) = value else { return Ok(Held::Nothing) };
        Ok(match kind {
            "s" => {
                let at = value.trim().parse::<usize>().ok();
                let text = at.and_then(|at| self.strings.0.get(at));
                Held::Text(text.ok_or_else(|| broken("a text is not there"))?.to_string())
            }
            "str" => Held::Text(from_excel(&value)),
            "b" => Held::Bool(matches!(value.trim(), "1" | "true")),
            "e" => Held::Error(value),
            "d" => Held::Iso(value),
            _ if value.trim().is_empty() => Held::Nothing,
            _ => {
                let number = value.trim().parse::<f64>().ok().filter(|number| number.is_finite());
                let number = number.ok_or_else(|| broken("a number is none"))?;
                if is_day { Held::Day(number) } else { Held::Number(number) }
            }
        })
    }

    /// The cells of a row up to a width, with those that are merged with another one marked. Rows must be asked for in order.
    pub(super) fn shown(&mut self, row: &RowAt, width: usize) -> Vec<Cell> {
        while self.merged.last().is_some_and(|area| area.first.1 <= row.number) {
            self.active.extend(self.merged.pop());
        }
        self.active.retain(|area| area.last.1 >= row.number);
        let mut cells = vec![Cell::default(); width];
        for at in &row.cells {
            if let Some(cell) = cells.get_mut(at.column as usize) {
                *cell = at.cell.clone();
            }
        }
        for area in self.active.iter().filter(|area| area.first != area.last) {
            for (column, cell) in (0u32..).zip(&mut cells).skip(area.first.0 as usize) {
                if area.has(column, row.number) && (column, row.number) != area.first {
                    cell.held = Held::Merged;
                }
            }
        }
        cells
    }

    /// All rows as lines up to a width, those up to the header's as blank ones.
    ///
    /// Errors: as [`Sheet::next`]; more than a sheet can be.
    pub(super) fn lines(
        &mut self,
        styles: &Styles,
        header: u32,
        width: usize,
        bytes_max: usize,
    ) -> Result<Vec<u8>> {
        let mut lines = vec![b'\n'; header as usize];
        let mut number = header;
        while let Some(row) = self.next(styles)? {
            let cells = self.shown(&row, width);
            if row.number <= header {
                continue;
            }
            lines.extend(std::iter::repeat_n(b'\n', (row.number - number - 1) as usize));
            lines.extend_from_slice(line(&cells).as_bytes());
            lines.push(b'\n');
            number = row.number;
            if lines.len() > bytes_max {
                return Err(Error::new(ErrorKind::Limit, "the sheet is too large")
                    .with_remedy(format!("at most {bytes_max} bytes of values are read; divide it")));
            }
        }
        Ok(lines)
    }
}

#[cfg(test)]
mod tests {
    use seamless_core::model::ErrorKind;

    use super::{Sheet, Strings};
    use crate::excel::styles::Styles;

    fn lines(text: &str, strings: &str, bytes_max: usize) -> seamless_core::Result<String> {
        let strings = Strings::read(Some(strings))?;
        let lines = Sheet::new(text, &strings)?.lines(&Styles::default(), 1, 3, bytes_max)?;
        Ok(String::from_utf8(lines).unwrap())
    }

    const STRINGS: &str = "<x:sst xmlns:x='u'><x:si><x:t>a</x:t></x:si><x:si><x:r><x:t>b </x:t></x:r><x:r><x:rPr/><x:t>c_x0041_</x:t></x:r><x:rPh><x:t>no</x:t></x:rPh></x:si></x:sst>";

    #[test]
    fn rows_are_lines_with_what_cells_share_and_what_is_merged() {
        let text = "<w><sheetData><row><c t='s'><v>0</v></c></row><row r='3'><c r='A3' t='s'><v>1</v></c><c t='b'><v>1</v></c><c><f>1+1</f><v> 2 </v></c><c><v>9</v></c></row>\
                    <row r='5'><c r='B5' t='e'><v>#N/A</v></c><c s='0'/></row></sheetData><mergeCells><mergeCell ref='A5:A6'/><mergeCell ref='C3:C5'/></mergeCells></w>";
        let read = lines(text, STRINGS, 1 << 20).unwrap();
        assert_eq!(read, "\n\n[\"b cA\",true,[2]]\n\n[null,{\"e\":\"#N/A\"},{\"m\":0}]\n");
    }

    #[test]
    fn what_is_not_in_order_or_too_large_is_refused() {
        let sheet = |rows: &str| format!("<w><sheetData>{rows}</sheetData></w>");
        for rows in [
            "<row r='2'/><row r='2'/>",
            "<row r='0'/>",
            "<row r='1048577'/>",
            "<row r='2'><c r='B2'/><c r='A2'/></row>",
            "<row r='2'><c r='A3'/></row>",
            "<row r='2'><c t='s'><v>7</v></c></row>",
            "<row r='2'><c><v>twelve</v></c></row>",
            "<row r='2'><c><v>inf</v></c></row>",
            "<row r='2'><c>",
        ] {
            assert!(lines(&sheet(rows), STRINGS, 1 << 20).is_err(), "{rows}");
        }
        assert!(lines("<w/>", STRINGS, 1 << 20).is_err());
        let shared = "<row><c t='s'><v>1</v></c></row>".repeat(100);
        assert_eq!(lines(&sheet(&shared), STRINGS, 500).unwrap_err().kind(), ErrorKind::Limit);
        assert!(lines(&sheet(&shared), STRINGS, 5_000).is_ok());
    }
}
