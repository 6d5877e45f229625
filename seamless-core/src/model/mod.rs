//! Floor 0: values, records, schemas, names, canonical forms, conditions and the error. No I/O, no clock.
//!
//! A [`Record`] says of each field of its [`Shape`] one of four things: nothing (*absent*), that it may not be read
//! (*unreadable*), that nothing is there (*null*), or a value, which can be *empty* text. They stay apart through
//! every step, because each bug of the field that overwrites data with nothing comes from mixing two of them.
//!
//! ```
//! use seamless_core::model::{Presence, Record, ValueRef};
//!
//! let record = Record::from_json(r#"{"name": "Adatum", "fax": null, "credit": {"decimal": "10.50"}}"#)?;
//! assert_eq!(record.field("fax"), Presence::Value(ValueRef::Null));
//! assert!(record.field("phone").is_absent());
//! # Ok::<(), seamless_core::Error>(())
//! ```

mod bits;
mod canon;
mod condition;
pub mod decimal;
mod error;
mod identity;
mod lines;
mod packed;
mod planned;
mod record;
mod rows;
mod ruled;
mod same;
mod schema;
mod short;
mod text;
mod value;

pub use bits::Bits;
pub use canon::{CanonicalForm, Fingerprint, FormSpec, Normaliser, ScaleBy, SideForms};
pub use condition::{Comparison, Condition, DEPTH_MAX, Truth};
pub use decimal::{Decimal, Rounding};
pub use error::{Error, ErrorKind, Result, Retry};
pub use identity::{
    ActionId, ActionName, EntityName, FieldName, GuardId, KeyPart, LinkId, PartitionId, PlanId, RecordId,
    RuleId, RuleIndex, Side, Sides, Version,
};
pub use lines::{LineForm, LineKey, OwnPart};
pub use packed::{Layout, Packed, Packing};
pub use planned::{Planned, PlannedRef};
pub use record::{FIELDS_MAX, RECORD_TEXT_BYTES_MAX, Record, RecordBuilder, Shape, record};
pub use rows::{Choice, RowForm, Several};
pub use ruled::RuledFields;
pub use schema::{Entity, EntityAction, Field, FieldKind, OptionItem, OptionSet, Schema};
pub use text::Fields;
pub(crate) use text::hex;
pub use value::{
    DecimalRef, Instant, Presence, Reference, SetValue, Slot, Timestamp, Value, ValueKind, ValueRef,
};
