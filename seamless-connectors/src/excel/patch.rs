//! Changing cells inside of a sheet's text, and nothing else. Knows XML and cells, no records. The door is [`patch`].

use std::collections::BTreeMap;

use seamless_core::model::Result;

use super::cells::{Area, Cell, Held, address, shortest};
use super::sheet::{CellAt, RowAt, Sheet, Strings};
use super::styles::{Shows, Styles};
use super::xml::{broken, escaped, to_excel};

/// A sheet with its last row found.
pub(super) struct Extent {
    /// The last row with anything in it, or the header's.
    pub(super) last: u32,
    /// The styles of that row's cells, for those of new rows.
    styles: BTreeMap<u32, u32>,
}

/// Finds the last row of a sheet.
pub(super) fn extent(text: &str, strings: &Strings, styles: &Styles, header: u32) -> Result<Extent> {
    let mut sheet = Sheet::new(text, strings)?;
    let mut extent = Extent { last: header, styles: BTreeMap::new() };
    while let Some(row) = sheet.next(styles)? {
        if row.number > header && !row.is_blank() {
            extent.last = row.number;
            extent.styles = row.cells.iter().map(|at| (at.column, at.style)).collect();
        }
    }
    Ok(extent)
}

/// The sheet's text with these rows, of each its first cells. Everything else is copied byte for byte.
pub(super) fn patch(
    text: &str,
    strings: &Strings,
    styles: &mut Styles,
    extent: &Extent,
    rows: &BTreeMap<u32, Vec<Cell>>,
) -> Result<String> {
    let mut sheet = Sheet::new(text, strings)?;
    let mut patch = Patch {
        text,
        out: String::with_capacity(text.len() + 4096),
        at: 0,
        prefix: sheet.prefix.clone(),
        extent,
    };
    patch.say_dimension(&sheet, rows)?;
    let mut rest = rows.clone();
    if sheet.is_empty {
        let data = sheet.data.clone();
        patch.copy(data.start)?;
        let tag = patch.slice(data.clone())?.trim_end_matches('>').trim_end_matches('/').trim_end();
        patch.out.push_str(&format!("{tag}>"));
        patch.at = data.end;
    }
    while let Some(row) = sheet.next(styles)? {
        let later = rest.split_off(&row.number);
        let before = std::mem::replace(&mut rest, later);
        patch.copy(row.span.start)?;
        patch.new_rows(&before, styles);
        if let Some(cells) = rest.remove(&row.number) {
            patch.row(&row, &cells, styles)?;
        }
    }
    if sheet.is_empty {
        patch.new_rows(&rest, styles);
        patch.out.push_str(&format!("</{}sheetData>", patch.prefix));
    } else {
        let end = format!("</{}sheetData>", patch.prefix);
        let at = text.rfind(&end).ok_or_else(|| broken("it ends in the middle"))?;
        patch.copy(at)?;
        patch.new_rows(&rest, styles);
    }
    patch.copy(text.len())?;
    Ok(patch.out)
}

struct Patch<'a> {
    text: &'a str,
    out: String,
    /// Up to where the text is copied.
    at: usize,
    prefix: String,
    extent: &'a Extent,
}

impl Patch<'_> {
    fn slice(&self, span: std::ops::Range<usize>) -> Result<&str> {
        self.text.get(span).ok_or_else(|| broken("its parts are not in order"))
    }

    fn copy(&mut self, to: usize) -> Result<()> {
        let part = self.text.get(self.at..to).ok_or_else(|| broken("its parts are not in order"))?;
        self.out.push_str(part);
        self.at = to;
        Ok(())
    }

    /// Where cells are, when there are rows below: programs that read sheets in one pass believe it.
    fn say_dimension(&mut self, sheet: &Sheet<'_>, rows: &BTreeMap<u32, Vec<Cell>>) -> Result<()> {
        let Some((span, area)) = sheet.dimension.clone() else { return Ok(()) };
        let (Some(row), Some(columns)) = (rows.keys().next_back(), rows.values().map(Vec::len).max()) else {
            return Ok(());
        };
        let column = u32::try_from(columns.saturating_sub(1)).unwrap_or_default();
        let last = (area.last.0.max(column), area.last.1.max(*row));
        self.copy(span.start)?;
        self.out.push_str(&format!("<{}dimension ref=\"{}\"/>", self.prefix, Area { last, ..area }));
        self.at = span.end;
        Ok(())
    }

    fn new_rows(&mut self, rows: &BTreeMap<u32, Vec<Cell>>, styles: &mut Styles) {
        for (number, cells) in rows {
            self.out.push_str(&format!("<{}row r=\"{number}\">", self.prefix));
            for (column, cell) in (0u32..).zip(cells) {
                self.new_cell(column, *number, &cell.held, None, styles);
            }
            self.out.push_str(&format!("</{}row>", self.prefix));
        }
    }

    fn row(&mut self, row: &RowAt, cells: &[Cell], styles: &mut Styles) -> Result<()> {
        let known = |column: u32| row.cells.iter().any(|at| at.column == column);
        let new: Vec<u32> = (0u32..)
            .zip(cells)
            .filter(|(column, cell)| {
                cell.held != Held::Nothing && cell.held != Held::Merged && !known(*column)
            })
            .map(|(column, _)| column)
            .collect();
        let mut new = new.into_iter().peekable();
        // Which cells there are is said twice, the second time to be faster; a wrong word there would be worse than none.
        let tag = self.slice(row.tag.clone())?;
        let mut tag = if new.peek().is_some() { without_spans(tag) } else { tag.to_owned() };
        if row.closed {
            tag = format!("{}>", tag.trim_end_matches('>').trim_end_matches('/').trim_end());
        }
        self.out.push_str(&tag);
        self.at = row.tag.end;
        for at in &row.cells {
            while let Some(column) = new.next_if(|column| *column < at.column) {
                self.added(column, row.number, cells, styles);
            }
            self.copy(at.span.start)?;
            match cells.get(at.column as usize) {
                Some(cell) if !is_same(cell, at) => {
                    self.new_cell(at.column, row.number, &cell.held, Some(at.style), styles);
                    self.at = at.span.end;
                }
                _ => self.copy(at.span.end)?,
            }
        }
        for column in new {
            self.added(column, row.number, cells, styles);
        }
        if row.closed {
            self.out.push_str(&format!("</{}row>", self.prefix));
        }
        self.copy(row.span.end)
    }

    fn added(&mut self, column: u32, row: u32, cells: &[Cell], styles: &mut Styles) {
        if let Some(cell) = cells.get(column as usize) {
            self.new_cell(column, row, &cell.held, None, styles);
        }
    }

    /// A cell, in its former style or in that of the last row.
    fn new_cell(&mut self, column: u32, row: u32, held: &Held, style: Option<u32>, styles: &mut Styles) {
        let former = style.or_else(|| self.extent.styles.get(&column).copied()).unwrap_or_default();
        let style = match held {
            Held::Day(_) if styles.is_day(former) => former,
            Held::Day(serial) => styles.for_day(match serial {
                serial if serial.fract() == 0.0 => Shows::Day,
                serial if *serial < 1.0 => Shows::Time,
                _ => Shows::Both,
            }),
            // It would be read as a day.
            Held::Number(_) if styles.is_day(former) => 0,
            _ => former,
        };
        let p = &self.prefix;
        let (kind, inner) = match held {
            Held::Nothing | Held::Error(_) | Held::Merged => ("", String::new()),
            Held::Text(text) => {
                let text = escaped(&to_excel(text));
                (" t=\"inlineStr\"", format!("<{p}is><{p}t xml:space=\"preserve\">{text}</{p}t></{p}is>"))
            }
            Held::Number(number) | Held::Day(number) => ("", format!("<{p}v>{}</{p}v>", shortest(*number))),
            Held::Bool(yes) => (" t=\"b\"", format!("<{p}v>{}</{p}v>", u8::from(*yes))),
            Held::Iso(text) => (" t=\"d\"", format!("<{p}v>{}</{p}v>", escaped(text))),
        };
        if inner.is_empty() && style == 0 {
            return;
        }
        let style = if style == 0 { String::new() } else { format!(" s=\"{style}\"") };
        let address = address(column as usize, u64::from(row));
        self.out.push_str(&match inner.is_empty() {
            true => format!("<{p}c r=\"{address}\"{style}/>"),
            false => format!("<{p}c r=\"{address}\"{style}{kind}>{inner}</{p}c>"),
        });
    }
}

/// Whether a cell is to stay as it stands. Which cells are merged is said elsewhere.
fn is_same(cell: &Cell, at: &CellAt) -> bool {
    cell.held == Held::Merged || *cell == at.cell
}

/// A row's tag without the columns that it says to have.
fn without_spans(tag: &str) -> String {
    let Some((before, rest)) = tag.split_once(" spans=\"") else { return tag.to_owned() };
    let Some((_, behind)) = rest.split_once('"') else { return tag.to_owned() };
    format!("{before}{behind}")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{Extent, extent, patch};
    use crate::excel::cells::{Cell, Held};
    use crate::excel::sheet::Strings;
    use crate::excel::styles::Styles;

    fn patched(text: &str, rows: &[(u32, Vec<Held>)]) -> String {
        let (strings, mut styles) = (Strings::default(), Styles::default());
        let extent: Extent = extent(text, &strings, &styles, 1).unwrap();
        let rows: BTreeMap<u32, Vec<Cell>> =
            rows.iter().map(|(row, cells)| (*row, cells.iter().cloned().map(Cell::of).collect())).collect();
        patch(text, &strings, &mut styles, &extent, &rows).unwrap()
    }

    #[test]
    fn only_the_cells_that_change_are_written_anew() {
        let text = "<w><cols/>\n<sheetData> <row r='2' spans=\"1:1\" ht='9'><c r='A2' s='1'><v>1</v></c> <c r='D2'><f>A2</f><v>1</v></c></row>\n<row r='4'/> </sheetData><x a='>'/></w>";
        let same = patched(text, &[(2, vec![Held::Number(1.0)])]);
        assert_eq!(same, text);
        let marked = format!("\u{feff}{text}");
        assert_eq!(patched(&marked, &[(2, vec![Held::Number(1.0)])]), marked);
        assert!(
            patched(&marked, &[(2, vec![Held::Number(2.0)])])
                .contains("<c r=\"A2\" s=\"1\"><v>2</v></c> <c r='D2'>")
        );
        let made = patched(
            text,
            &[
                (2, vec![Held::Number(2.5), Held::Text("a<\u{1}".into())]),
                (3, vec![Held::Bool(true)]),
                (4, vec![Held::Number(7.0)]),
            ],
        );
        let expected = "<w><cols/>\n<sheetData> <row r='2' ht='9'><c r=\"A2\" s=\"1\"><v>2.5</v></c> <c r=\"B2\" t=\"inlineStr\"><is><t xml:space=\"preserve\">a&lt;_x0001_</t></is></c><c r='D2'><f>A2</f><v>1</v></c></row>\n<row r=\"3\"><c r=\"A3\" s=\"1\" t=\"b\"><v>1</v></c></row><row r='4'><c r=\"A4\" s=\"1\"><v>7</v></c></row> </sheetData><x a='>'/></w>";
        // Where a new cell stands among blanks does not matter.
        assert_eq!(made.replace("> <", "><"), expected.replace("> <", "><"));
        let gone = patched(text, &[(2, vec![Held::Nothing])]);
        assert!(gone.contains("<c r=\"A2\" s=\"1\"/>") && gone.contains("<f>A2</f>"), "{gone}");
    }

    #[test]
    fn a_sheet_without_rows_gets_some_under_its_own_prefix() {
        let text = "<x:w xmlns:x='u'><x:dimension ref=\"A1\"/><x:sheetData/><x:p/></x:w>";
        let made = patched(text, &[(2, vec![Held::Number(1.0)])]);
        assert_eq!(
            made,
            "<x:w xmlns:x='u'><x:dimension ref=\"A1:A2\"/><x:sheetData><x:row r=\"2\"><x:c r=\"A2\"><x:v>1</x:v></x:c></x:row></x:sheetData><x:p/></x:w>"
        );
    }
}
