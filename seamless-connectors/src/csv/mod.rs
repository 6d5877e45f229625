//! CSV files as a system: a folder of `*.csv`, each file an entity.
//!
//! **Schema**, from the first of these that there is: the configuration (`schemas`), a file beside the records
//! (`customer.schema.json`, an entity as the model writes it), or the header itself:
//! `No.:text(20) key,Name:text(100),"Credit Limit (LCY):decimal(18,2)",active:bool`. Kinds are `text`, `int`, `decimal`,
//! `float`, `bool`, `date`, `time`, `local`, `instant`, `bytes`; a header cell without a kind is text; `key` and
//! `required` may follow the kind. A key is needed. Columns that the schema does not name are left alone.
//!
//! **Null and empty.** A cell that is the null token and not in quotes is null; in quotes it is text. So with the usual
//! token, nothing at all, `a,,c` holds a null and `a,"",c` an empty text. Spreadsheets do not keep that difference.
//!
//! **Format.** RFC 4180: quotes double inside quotes, records may span lines, lines end in LF or CR LF. UTF-8, with or
//! without a byte order mark. A row with too many or too few cells, with text after a closing quote, with a value
//! that its field does not allow or with a key that came before is reported with its line and never read in part.
//!
//! **What it can do**: C1, C2, C3 (the client chooses the id), C4, C6, C8. No changes, no tombstones, no order. How
//! files are read and replaced, and what that costs, is on the page of the folder that CSV and JSON Lines share: each
//! look-up call reads the file once, each batch writes it once.

mod config;
mod connector;
mod format;

pub use config::CsvConfig;
pub use connector::Csv;
