//! JSON Lines files as a system: a folder of `*.jsonl`, each file an entity, each line an object.
//!
//! **Schema** from the configuration (`schemas`) or a file beside the records (`customer.schema.json`, an entity as the
//! model writes it). A file has no header, so one of them is needed.
//!
//! **Values.** Numbers are read from their text and never pass through a float: a decimal keeps its digits and scale, a
//! whole number its 64 bits. A decimal may also stand as a string; dates, times and moments are ISO 8601 strings, bytes
//! hexadecimal strings, a set an array, a reference the key of its record. `null` is null; a member that is not there is
//! *absent*, which is something else. A line that is no object, that has a member twice or a value that its field does
//! not allow is reported with its line and never read in part.
//!
//! **Writing** changes the members that an update says and leaves all others, known or not, as they are written. The
//! rest is on the page that CSV and JSON Lines share: C1, C2, C3 (the client chooses the id), C4, C6, C8; no changes,
//! tombstones or order; each look-up call reads the file once, each batch writes it once.

mod config;
mod connector;
mod format;
mod lines;

pub use config::JsonlConfig;
pub use connector::Jsonl;
