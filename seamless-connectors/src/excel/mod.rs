//! An Excel workbook (`*.xlsx`, `*.xlsm`) as a system: each sheet an entity, each row below the header a record.
//!
//! **Schema**, from the first of these that there is: the configuration (`schemas`), a file beside the workbook
//! (`orders.Customer.schema.json` beside `orders.xlsx`), or the header, where a cell may carry a kind as in CSV files
//! (`Credit Limit:decimal(18,2)`); a header without one is text. The header is the first row, or the one that is named
//! (`header_rows`). Headers that come twice and merged cells in a header are refused, with their cells. Hidden sheets are no
//! entities unless the configuration names them; hidden rows are records like others, since filters hide rows. Rows without
//! anything in the header's columns are passed over, and what stands below the records is taken for one.
//!
//! **Values.** Excel holds numbers as floating point and shows fifteen digits. So a whole number or decimal of more is refused when
//! it is written, and named when it is read. Days and times are numbers with a format: read by the workbook's own calendar (1900 or
//! 1904), to the millisecond; a day that never was (29 February 1900) is named. A text that looks like a number stays text; a
//! number in a text field reads as its digits. A cell without anything is null, an empty text is text. An error (`#N/A`), a merged
//! cell that is not the first of its kind and a value of another type are named with their cell (`Customer!B7`), and the record is
//! not read in part. Of a formula the value is read that was worked out last.
//!
//! **Writing** changes cells inside of the workbook's own XML: every other byte of the sheet, its formats and widths, all other
//! sheets, charts, pictures, macros and whatever else the file holds are copied as they are. So nothing is lost. What writing cannot
//! keep true is refused: cells with formulas, merged cells, rows with formulas that would be deleted, protected sheets, signed
//! workbooks, tables with a row of totals that would have to grow, and a workbook that is open in a program that says so. New
//! records go below the last row, in the formats of the row above, and tables grow with them. A deleted record leaves a row without
//! contents. Formulas are worked out anew when Excel opens the file.
//!
//! **What it can do**: C1, C2, C3 (the client chooses the id), C4, C6, C8; no changes, tombstones or order. How the file is read and
//! replaced, and what edits of other programs mean, is on the page of the folder that CSV and JSON Lines share. The whole
//! file is one: a write to one sheet ends a read of another, which is begun again.
//!
//! **Limits**: parts of the file of 256 MiB, a sheet of 512 MiB as text, 10,000 parts; so a file that is small and unpacks to
//! more is refused.

mod cells;
mod config;
mod connector;
mod format;
mod package;
mod patch;
mod serial;
mod sheet;
mod styles;
mod values;
mod xml;

pub use config::ExcelConfig;
pub use connector::Excel;
pub(crate) use serial::Calendar;
