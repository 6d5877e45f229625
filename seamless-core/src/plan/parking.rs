//! Why something waits, as it is kept between runs: what later runs branch on. Knows no words for people; they are kept
//! beside it. The door is [`ParkedAs`].

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::mapper::MapProblem;
use crate::model::{FieldName, RecordId, RuleId, Value};

use super::entry::ParkReason;

/// The reason of a parked item. Kept as text: its name, and after a colon what belongs to it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ParkedAs {
    /// A value has no counterpart.
    Unmappable,
    /// A value does not fit.
    DoesNotFit,
    /// A value cannot be read.
    NotKnown,
    /// It refers to a record that has no partner yet.
    Waiting,
    /// The record matches several, or its match is taken.
    Ambiguous,
    /// The record could not be read.
    Broken,
    /// The partner is gone and the policy asks.
    PartnerGone,
    /// One side was deleted while the other was edited.
    EditedAndDeleted,
    /// The partner cannot be seen, and nothing proves that it is gone.
    Hidden,
    /// A side whose reading lags shows what it held before our last write.
    Lagging,
    /// The target refused this attempt; the same one is not made again. `None`: which one is not known.
    Refused(Option<Attempt>),
    /// Nobody knows whether a create happened.
    AmbiguousCreate,
    /// The partner left the scope and the policy asks.
    LeftScope,
    /// The partner was merged. Systems say once what a record was merged into, so it is kept.
    Merged {
        /// The survivor.
        into: RecordId,
    },
    /// A value may be the system's own form of what was sent.
    Suspected,
    /// The same value was written again and again and did not stay.
    Returned,
    /// Not a record: a side does not have a field any more.
    FieldGone,
    /// Two moves, one on each side, would make a circle of the records of a tree.
    Circle,
    /// The record was opened so that it could be written, and was not brought back: a later step of that plan did not happen.
    Opened {
        /// The field that says the state.
        field: FieldName,
        /// The state that the last step left it in: in another one somebody else has moved it.
        left: Value,
        /// The state that it had.
        back: Value,
    },
}

/// The subject under which it is kept that a record is open: it ends with the state of this field, and with no rule.
pub fn state_of(field: &FieldName) -> RuleId {
    RuleId::from(format!("state of {field}"))
}

/// The stable name of an attempt to write: a hash of the side, the fields and the values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Attempt(pub [u8; 8]);

impl ParkedAs {
    /// The stable name: in plans, in what is kept and in reports alike.
    pub const fn name(&self) -> &'static str {
        match self {
            ParkedAs::Unmappable => "unmappable",
            ParkedAs::DoesNotFit => "does_not_fit",
            ParkedAs::NotKnown => "not_known",
            ParkedAs::Waiting => "waiting",
            ParkedAs::Ambiguous => "ambiguous",
            ParkedAs::Broken => "broken",
            ParkedAs::PartnerGone => "partner_gone",
            ParkedAs::EditedAndDeleted => "edited_and_deleted",
            ParkedAs::Hidden => "hidden",
            ParkedAs::Lagging => "lagging",
            ParkedAs::Refused(_) => "refused",
            ParkedAs::AmbiguousCreate => "ambiguous_create",
            ParkedAs::LeftScope => "left_scope",
            ParkedAs::Merged { .. } => "merged",
            ParkedAs::Suspected => "suspected_form",
            ParkedAs::Returned => "returned",
            ParkedAs::FieldGone => "field_gone",
            ParkedAs::Circle => "circle",
            ParkedAs::Opened { .. } => "opened",
        }
    }

    /// Whether it can end without the record itself changing: such items are looked at by every plan.
    pub const fn ends_by_itself(&self) -> bool {
        match self {
            ParkedAs::Ambiguous
            | ParkedAs::Waiting
            | ParkedAs::Hidden
            | ParkedAs::Lagging
            | ParkedAs::PartnerGone
            | ParkedAs::Circle
            | ParkedAs::Opened { .. } => true,
            ParkedAs::Unmappable
            | ParkedAs::DoesNotFit
            | ParkedAs::NotKnown
            | ParkedAs::Broken
            | ParkedAs::EditedAndDeleted
            | ParkedAs::Refused(_)
            | ParkedAs::AmbiguousCreate
            | ParkedAs::LeftScope
            | ParkedAs::Merged { .. }
            | ParkedAs::Suspected
            | ParkedAs::Returned
            | ParkedAs::FieldGone => false,
        }
    }

    /// Whether it says that a record of a pair could not be seen: it is over when both are seen.
    pub const fn is_about_seeing(&self) -> bool {
        matches!(
            self,
            ParkedAs::Hidden | ParkedAs::Lagging | ParkedAs::PartnerGone | ParkedAs::EditedAndDeleted
        )
    }

    /// Whether a person ends it by saying which side's value is meant.
    pub const fn can_be_decided(&self) -> bool {
        matches!(self, ParkedAs::Suspected | ParkedAs::Returned | ParkedAs::Circle)
    }

    /// The record that a partner was merged into, where that is the reason.
    pub const fn merged_into(&self) -> Option<&RecordId> {
        match self {
            ParkedAs::Merged { into } => Some(into),
            _ => None,
        }
    }
}

impl From<&ParkReason> for ParkedAs {
    fn from(why: &ParkReason) -> Self {
        match why {
            ParkReason::Map(MapProblem::Unmappable) => ParkedAs::Unmappable,
            ParkReason::Map(MapProblem::DoesNotFit) => ParkedAs::DoesNotFit,
            ParkReason::Map(MapProblem::NotKnown) => ParkedAs::NotKnown,
            ParkReason::Map(
                MapProblem::Waiting(_) | MapProblem::NotFound | MapProblem::NotNow | MapProblem::NoAction,
            ) => ParkedAs::Waiting,
            ParkReason::Ambiguous => ParkedAs::Ambiguous,
            ParkReason::Broken => ParkedAs::Broken,
            ParkReason::PartnerGone => ParkedAs::PartnerGone,
            ParkReason::EditedAndDeleted => ParkedAs::EditedAndDeleted,
            ParkReason::Hidden => ParkedAs::Hidden,
            ParkReason::Lagging => ParkedAs::Lagging,
            ParkReason::Refused => ParkedAs::Refused(None),
            ParkReason::AmbiguousCreate => ParkedAs::AmbiguousCreate,
            ParkReason::LeftScope => ParkedAs::LeftScope,
            ParkReason::Merged { into } => ParkedAs::Merged { into: into.clone() },
            ParkReason::Suspected(_) => ParkedAs::Suspected,
            ParkReason::Returned => ParkedAs::Returned,
            ParkReason::FieldGone => ParkedAs::FieldGone,
            ParkReason::Circle => ParkedAs::Circle,
        }
    }
}

/// The stable name of a reason to park.
pub fn park_name(why: &ParkReason) -> &'static str {
    ParkedAs::from(why).name()
}

impl fmt::Display for ParkedAs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        let opened;
        let detail: &[u8] = match self {
            ParkedAs::Refused(Some(Attempt(hash))) => hash,
            ParkedAs::Merged { into } => into.as_bytes(),
            ParkedAs::Opened { field, left, back } => {
                opened = serde_json::to_vec(&(field, left, back)).map_err(|_| fmt::Error)?;
                &opened
            }
            _ => return Ok(()),
        };
        f.write_str(":")?;
        detail.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A reason that this version does not know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no reason to wait is called {0:?}")]
pub struct UnknownReason(String);

fn bytes_of(digits: &str) -> Option<Vec<u8>> {
    let byte = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
    (0..digits.len()).step_by(2).map(byte).collect()
}

impl FromStr for ParkedAs {
    type Err = UnknownReason;

    fn from_str(text: &str) -> Result<Self, UnknownReason> {
        let unknown = || UnknownReason(text.to_owned());
        if let Some((name, digits)) = text.split_once(':') {
            let bytes = bytes_of(digits).ok_or_else(unknown)?;
            let found = match name {
                "refused" => bytes.try_into().ok().map(|hash| ParkedAs::Refused(Some(Attempt(hash)))),
                "merged" => RecordId::from_bytes(&bytes).map(|into| ParkedAs::Merged { into }),
                "opened" => {
                    let kept = serde_json::from_slice(&bytes).ok();
                    kept.map(|(field, left, back)| ParkedAs::Opened { field, left, back })
                }
                _ => None,
            };
            return found.ok_or_else(unknown);
        }
        Ok(match text {
            "unmappable" => ParkedAs::Unmappable,
            "does_not_fit" => ParkedAs::DoesNotFit,
            "not_known" => ParkedAs::NotKnown,
            "waiting" => ParkedAs::Waiting,
            "ambiguous" => ParkedAs::Ambiguous,
            "broken" => ParkedAs::Broken,
            "partner_gone" => ParkedAs::PartnerGone,
            "edited_and_deleted" => ParkedAs::EditedAndDeleted,
            "hidden" => ParkedAs::Hidden,
            "lagging" => ParkedAs::Lagging,
            "refused" => ParkedAs::Refused(None),
            "ambiguous_create" => ParkedAs::AmbiguousCreate,
            "left_scope" => ParkedAs::LeftScope,
            "suspected_form" => ParkedAs::Suspected,
            "returned" => ParkedAs::Returned,
            "field_gone" => ParkedAs::FieldGone,
            "circle" => ParkedAs::Circle,
            _ => return Err(unknown()),
        })
    }
}

impl Serialize for ParkedAs {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ParkedAs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::{Attempt, ParkedAs};
    use crate::model::Value;
    use crate::model::{KeyPart, RecordId};

    fn all() -> Vec<ParkedAs> {
        let ids = [
            RecordId::text("ü a"),
            RecordId::int(-7),
            RecordId::of_parts(&[KeyPart::Int(1), KeyPart::Text("x".into())]),
        ];
        let merged = ids.map(|into| ParkedAs::Merged { into });
        let plain = [
            ParkedAs::Unmappable,
            ParkedAs::DoesNotFit,
            ParkedAs::NotKnown,
            ParkedAs::Waiting,
            ParkedAs::Ambiguous,
            ParkedAs::Broken,
            ParkedAs::PartnerGone,
            ParkedAs::EditedAndDeleted,
            ParkedAs::Hidden,
            ParkedAs::Lagging,
            ParkedAs::Refused(None),
            ParkedAs::Refused(Some(Attempt(*b"\x00\xffabcdef"))),
            ParkedAs::AmbiguousCreate,
            ParkedAs::LeftScope,
            ParkedAs::Suspected,
            ParkedAs::Returned,
            ParkedAs::FieldGone,
            ParkedAs::Circle,
        ];
        let state =
            |back: Value| ParkedAs::Opened { field: "Status".into(), left: Value::text("Open"), back };
        let opened = [Value::text("Released"), Value::Int(3), Value::Bool(true), Value::Null].map(state);
        merged.into_iter().chain(plain).chain(opened).collect()
    }

    #[test]
    fn every_reason_is_read_back_from_what_is_kept() {
        for reason in all() {
            assert_eq!(reason.to_string().parse(), Ok(reason.clone()));
            let kept = serde_json::to_string(&reason).unwrap();
            assert_eq!(serde_json::from_str::<ParkedAs>(&kept).unwrap(), reason);
            assert!(reason.to_string().starts_with(reason.name()));
        }
    }

    #[test]
    fn what_is_kept_is_what_earlier_versions_kept() {
        let refused = ParkedAs::Refused(Some(Attempt([0x0a, 0, 0, 0, 0, 0, 0, 0xff])));
        assert_eq!(refused.to_string(), "refused:0a000000000000ff");
        assert_eq!(ParkedAs::AmbiguousCreate.to_string(), "ambiguous_create");
    }

    #[test]
    fn another_text_is_refused() {
        for other in [
            "",
            "map",
            "merged",
            "merged:0",
            "merged:zz",
            "merged:é1",
            "refused:00",
            "broken:00",
            "opened",
            "opened:00",
        ] {
            assert!(other.parse::<ParkedAs>().is_err(), "{other}");
        }
    }

    // Catches: an item that no plan looks at again, or that a person is asked about and cannot decide.
    #[test]
    fn what_ends_by_itself_and_what_a_person_decides_is_said_of_each_reason() {
        let those = |holds: &dyn Fn(&ParkedAs) -> bool| {
            let mut names: Vec<_> = all().iter().filter(|reason| holds(reason)).map(ParkedAs::name).collect();
            names.sort_unstable();
            names
        };
        assert_eq!(
            those(&ParkedAs::ends_by_itself),
            [
                "ambiguous",
                "circle",
                "hidden",
                "lagging",
                "opened",
                "opened",
                "opened",
                "opened",
                "partner_gone",
                "waiting"
            ]
        );
        assert_eq!(
            those(&ParkedAs::is_about_seeing),
            ["edited_and_deleted", "hidden", "lagging", "partner_gone"]
        );
        assert_eq!(those(&ParkedAs::can_be_decided), ["circle", "returned", "suspected_form"]);
        assert_eq!(those(&|reason| reason.merged_into().is_some()), ["merged"; 3]);
        let into = RecordId::text("s");
        assert_eq!(ParkedAs::Merged { into: into.clone() }.merged_into(), Some(&into));
    }
}
