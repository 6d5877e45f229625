//! Cassette: calls and their answers, recorded to a file and replayed without the system. For tests that run where the system
//! is not, and for a report of what it really said.
//!
//! A [`Recording`] is a layer: it passes everything on and writes a line per call and per page, JSON, as they end. The file is
//! readable by its owner only, is never overwritten, and holds *values*: a [`Scrub`] names the secrets and the fields that must
//! not be in it. A [`Replay`] is a connector of its own; a call that was not recorded is refused, with the nearest that was.
//!
//! Gives up. Recording: nothing; a file that cannot be written fails [`Recording::finish`] and never a call. Replaying: all facts
//! about a system that changes; it answers as recorded. Masked fields read as unreadable, and a scrubbed secret reads as `***`.
//! Ids of operations are not compared, so that a mapping may change as long as it asks and writes the same.

mod answer;
mod asked;
mod record;
mod replay;
mod scrub;

pub use record::{Recorded, Recording};
pub use replay::{Matching, Replay};
pub use scrub::Scrub;

use std::collections::BTreeMap;

use seamless_core::connector::Capabilities;
use seamless_core::model::EntityName;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use answer::{AnswerForm, PageForm};

/// The form of the file; others are refused.
const FORM: u32 = 1;

/// Bytes of one line at most: a page of records, not a table.
const LINE_BYTES_MAX: usize = 64 << 20;

/// Lines of a cassette at most: they are replayed from memory.
const LINES_MAX: u64 = 1_000_000;

/// A line of the file.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    /// The first one.
    Cassette { form: u32, system: String, identity: String, label: String },
    /// What the connector can do for an entity, before the first call about it.
    Can { entity: EntityName, can: Capabilities },
    /// A call and its answer; the number says in which order calls began.
    Call { number: u64, asked: Box<RawValue>, answer: AnswerForm },
    /// What came next of the reading that was begun by the call of this number.
    Page { of: u64, page: PageForm },
}

/// Capabilities by entity.
type Known = BTreeMap<EntityName, Capabilities>;
