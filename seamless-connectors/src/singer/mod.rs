//! Singer taps as systems that are read: a tap is a program that writes a system's records to its standard output, and
//! hundreds exist. Each run is a process of its own; a stream of the tap is an entity.
//!
//! **Catalog.** Which streams there are, and of which fields and keys, the tap says itself (`--discover`), or the configuration
//! does. It is asked for once, when the connector is opened, and again after a run in which the tap spoke of another schema.
//! JSON Schema becomes kinds: `integer`, `number` (exact, with the scale that a `multipleOf` says), `boolean`, `string` with its
//! length, its format (`date-time`, `date`, `time`) and its options (`enum`). The null type may stand anywhere, in an `anyOf` too.
//! What has several types, an object or an array is text: strings as they are, anything else as JSON without blanks, numbers
//! as they were written. Fields that the Singer SDK adds of each run (`_sdc_extracted_at` and the like) are not shown.
//!
//! **Reading** runs the tap with only the stream and the fields selected that were asked for. Messages are SCHEMA, RECORD, STATE and
//! ACTIVATE_VERSION; a BATCH is refused, as it names files that we know nothing of. A cursor is the state that the tap wrote
//! last before a page ended: records behind it come again, so each record comes at least once. Of a stream that is read in full every
//! time a cursor means the start. A record that cannot be read is named by its line, and the feed goes on. A tap that
//! fails, or that is silent for too long, cuts the feed off: no end is said, and no plan is made.
//!
//! **Looking up** runs the tap over the whole stream and picks, since a tap cannot be asked for a record. It costs what a full
//! read costs, once per call; memory grows with the number of records that are asked for.
//!
//! **The process.** It sees the environment variables that are named, and no others but those that programs need to start. Its
//! settings, catalog and state lie in files that only this user can read, and are gone after the run. What it writes waits in
//! the pipe: a page that nobody asks for is not read. When a stream is dropped the pipes are closed, and a process that has not
//! ended after a while is killed; none is left behind. What a tap said last on its standard error stands in errors, without
//! any text of its settings.
//!
//! **What it can do**: to read. C6 where the configuration says that a run gives everything that is there, C5 where it says that
//! deletions come (`_sdc_deleted_at`), changes where the stream is replicated incrementally or from a log. No C4: nothing is ever
//! written. No C7: a tap says no low-water mark. No C8: what a tap does not show may be hidden.
//!
//! The doors are [`SingerConfig`] and [`Singer::open`].

mod catalog;
mod config;
mod connector;
mod cursor;
mod message;
mod process;
mod read;
mod schema;
mod scrub;
mod values;

pub use config::{Replication, SingerConfig, StreamConfig, TapSettings};
pub use connector::Singer;
