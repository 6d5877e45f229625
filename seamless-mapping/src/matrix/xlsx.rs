//! The matrix as a workbook: one sheet, a row per field, with filters and a fixed heading, so that a business can sort,
//! comment and sign it.
//!
//! Every cell is a text: what begins with `=` in a name is no formula.

use rust_xlsxwriter::{Format, FormatAlign, FormatBorder, Workbook, Worksheet, XlsxError};
use seamless_core::model::{Error, ErrorKind, Sides};

use super::{HEADINGS, Matrix, cells};

/// Characters of a cell at most, as the format has it.
const CELL_CHARACTERS_MAX: usize = 32_767;

/// Widths of the columns: link, two entities, two fields, then as [`HEADINGS`].
const WIDTHS: [f64; 12] = [14.0, 16.0, 16.0, 24.0, 24.0, 16.0, 14.0, 26.0, 26.0, 26.0, 34.0, 34.0];

impl Matrix {
    /// The matrix as the bytes of an `.xlsx` file.
    ///
    /// Errors: more rows than a sheet has.
    pub fn to_xlsx(&self) -> Result<Vec<u8>, Error> {
        let refused = |cause: XlsxError| {
            Error::new(ErrorKind::Limit, "the matrix cannot be written as a workbook").caused_by(cause)
        };
        self.workbook().and_then(|mut book| book.save_to_buffer()).map_err(refused)
    }

    fn workbook(&self) -> Result<Workbook, XlsxError> {
        let mut book = Workbook::new();
        let heading = Format::new()
            .set_bold()
            .set_text_wrap()
            .set_align(FormatAlign::Top)
            .set_border(FormatBorder::Thin)
            .set_background_color("F0F3F6");
        let text = Format::new().set_text_wrap().set_align(FormatAlign::Top).set_border(FormatBorder::Thin);
        let sheet = book.add_worksheet().set_name("ownership")?;
        sheet.set_landscape().set_paper_size(9).set_print_fit_to_pages(1, 0).set_repeat_rows(0, 0)?;
        for (column, width) in (0_u16..).zip(WIDTHS) {
            sheet.set_column_width(column, width)?;
        }
        let Sides { left, right } = &self.sides;
        let of_entity = [format!("entity of {left}"), format!("entity of {right}")];
        let of_field = [format!("field of {left}"), format!("field of {right}")];
        let names = of_entity.iter().chain(&of_field).map(String::as_str);
        for (column, name) in (0_u16..).zip(["link"].into_iter().chain(names).chain(HEADINGS)) {
            put(sheet, 0, column, name, &heading)?;
        }
        let mut line = 1_u32;
        for link in &self.links {
            for row in &link.rows {
                let begin =
                    [&link.link, &link.entity.left, &link.entity.right, &row.fields.left, &row.fields.right];
                let begin = begin.into_iter().map(String::as_str);
                for (column, cell) in (0_u16..).zip(begin.chain(cells(row))) {
                    put(sheet, line, column, cell, &text)?;
                }
                line = line.saturating_add(1);
            }
        }
        let last = u16::try_from(WIDTHS.len() - 1).unwrap_or(u16::MAX);
        sheet.autofilter(0, 0, line - 1, last)?.set_freeze_panes(1, 0)?;
        let sheet = book.add_worksheet().set_name("links")?;
        sheet.set_landscape().set_paper_size(9).set_print_fit_to_pages(1, 0);
        let headings =
            ["link", left, right, "mode", "takes part", "found by", "created", "lifecycle", "notes"];
        for (column, name) in (0_u16..).zip(headings) {
            put(sheet, 0, column, name, &heading)?;
            sheet.set_column_width(column, if column < 4 { 20.0 } else { 36.0 })?;
        }
        for (line, link) in (1_u32..).zip(&self.links) {
            let scope = format!("{left}: {}\n{right}: {}", link.scope.left, link.scope.right);
            let lifecycle = link.lifecycle.join("\n");
            let cells = [
                link.link.as_str(),
                &link.entity.left,
                &link.entity.right,
                &link.mode,
                &scope,
                &link.matching,
                &link.create,
                &lifecycle,
                link.note.as_deref().unwrap_or(""),
            ];
            for (column, cell) in (0_u16..).zip(cells) {
                put(sheet, line, column, cell, &text)?;
            }
        }
        let after = u32::try_from(self.links.len()).unwrap_or(u32::MAX).saturating_add(2);
        let signed = ["for the integration", left, right].map(|who| format!("{who}: name, date, signature"));
        put(sheet, after, 0, &format!("mapping {}", self.digest), &Format::new())?;
        for (line, who) in (after.saturating_add(1)..).zip(&signed) {
            put(sheet, line, 0, who, &Format::new())?;
        }
        Ok(book)
    }
}

fn put(sheet: &mut Worksheet, row: u32, column: u16, text: &str, format: &Format) -> Result<(), XlsxError> {
    let end = text.char_indices().nth(CELL_CHARACTERS_MAX).map_or(text.len(), |(end, _)| end);
    sheet.write_string_with_format(row, column, text.get(..end).unwrap_or(text), format)?;
    Ok(())
}
