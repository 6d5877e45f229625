//! A SQLite database file as a system: any table or view, with the schema that is in the file.
//!
//! **What it reads.** Tables and views; virtual and shadow tables are left out. Declared types say what a field holds
//! (`VARCHAR(50)` text of 50 characters, `DECIMAL(18,2)` an exact decimal, `BOOLEAN`, `DATE`, `TIMESTAMP`,
//! `TIMESTAMPTZ`), `CHECK (x IN (..))` is an option set, `CHECK (length(x) <= n)` a length, a foreign key of one column
//! a reference. A row whose value is not what its column declares is broken: it is reported with its place, never
//! read in part.
//!
//! **Identity of records** is the primary key. A table without one is addressed by its rowid, which `VACUUM` may
//! change: give such a table a key. A view has records only where the configuration names its key.
//!
//! **What it can do**, per table:
//!
//! | capability | |
//! |---|---|
//! | C1 conditional update | always: the check and the write are one transaction |
//! | C2 writes return | the record as stored, after triggers |
//! | C3 unique key | the client chooses the id where the key is one text that can hold it; otherwise the first unique columns, or the key's own |
//! | C4, C6, C8 | always; C6 reads by key, so a row that is made behind the reading place shows as a change or next time |
//! | C5 tombstones | never: deletions are found by enumeration and proven by id |
//! | changes, C7 low-water mark | with a version column, see below |
//!
//! **Changes.** A feed needs a column that moves on every insert and update and only grows over the whole table.
//! The file must prove it: triggers `AFTER INSERT` and `AFTER UPDATE` (without `OF` and `WHEN`) that set the column
//! from a counter in *another* table. `max(version) + 1` over the same table is no proof, because deleting the newest
//! row lets a later one take its number; `old.version + 1` numbers each row alone. Both still serve as versions (C1)
//! and are read by full enumeration. `trusted: true` in the configuration takes the place of the proof. A modified
//! stamp that such triggers set gives changes too, read again from the last stamp on and without C7: a clock can step
//! back.
//!
//! **Identity of the database** is its canonical path and, on Unix, its file number: a copy elsewhere is another
//! database, and so is one that was restored over the old place by replacing the file. A copy restored *into* the
//! same file is not noticed. Name an `identity` in the configuration where that is not what you want.
//!
//! **Nothing.** A text column that is `NOT NULL DEFAULT ''` says nothing by empty text: told null, it gets that. It is
//! read as empty text; the mapping says that the two are the same (`blank`).
//!
//! **Keys.** A record that is created has the key that is written for it, where a mapping names the key's columns;
//! otherwise the id that the caller chose.
//!
//! **Exactness.** A column with numeric affinity keeps about 15 digits of a decimal; a write that it would not keep is
//! refused. Declare `DECTEXT(p,s)` to keep all of them.
//!
//! Not here: the mapping, retries, and any SQL of the host's own.

mod catalogue;
mod client;
mod config;
mod connector;
mod cursor;
mod ddl;
mod error;
mod insert;
mod read;
mod schema;
mod triggers;
mod values;
mod write;

pub use config::{SqliteConfig, TableConfig};
pub use connector::Sqlite;
