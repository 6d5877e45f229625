//! A folder of record files as a system: what the CSV, JSON Lines and Excel connectors share. Knows raw records, lines, stamps
//! and how a file is replaced; what is *in* a record only its [`Format`](format::Format) knows. The door is
//! [`folder::Folder`].
//!
//! **Reading** streams: one pass, a page at a time, from one open file. A program that replaces the file meanwhile
//! leaves the reader with the former contents; one that writes into it is noticed by the file's stamp (length, time of
//! change, file number) and the read fails, to be begun again. A record that cannot be read is reported with its line,
//! and the rest goes on; a file that ends inside a quote cannot be complete, and says so.
//!
//! **Looking up** by id or key reads the file once per call: ask for many records at once. Memory grows with the number
//! of records that are asked for. A full read keeps 16 bytes per record to notice a key that comes twice.
//!
//! **Writing** replaces the file once per batch: a new file in the same folder, synced, renamed over the old one,
//! folder synced. Before the rename nothing happened; after it everything did. Records that no operation concerns are
//! copied byte for byte, and so are columns and members that the schema does not name. The version of a record is a
//! digest of its bytes, so a precondition holds record by record, whoever edited the file. Connectors of this kind lock the
//! folder while they write, in one process or in several, and lose nothing of each other. Other programs do not: between the
//! last look at the file's stamp and the rename lies a moment in which their edit would be lost, so they should be few and
//! slow, like people.

#[cfg(any(feature = "csv", feature = "excel", feature = "jsonl"))]
pub(crate) mod folder;
#[cfg(any(feature = "csv", feature = "excel", feature = "jsonl"))]
pub(crate) mod format;
#[cfg(any(feature = "csv", feature = "excel"))]
pub(crate) mod header;
#[cfg(any(feature = "csv", feature = "excel", feature = "jsonl"))]
mod read;
#[cfg(any(feature = "csv", feature = "excel", feature = "jsonl"))]
mod write;
