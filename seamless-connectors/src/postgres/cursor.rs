//! What this connector's cursors mean. Knows no connection.
//!
//! A cursor into an enumeration is the last key that was seen, with the mark that was taken before the first row was read.
//! A cursor into changes is a [`Mark`]: from where the pass over the changes began, from where the next one will, and how
//! far this one came. The stamp is the role of what changes are found by, so that another choice makes old cursors
//! worthless.

use seamless_core::model::{EntityName, KeyPart, RecordId};

use super::catalogue::Feeding;
use crate::place::Feed;

/// The feed of a table.
pub(super) fn feed(entity: &EntityName, feeding: Option<Feeding>) -> Feed<'_> {
    let stamp = match feeding {
        None => "none",
        Some(Feeding::Transaction) => "transaction",
        Some(Feeding::Stamped(_)) => "stamped",
        Some(Feeding::Number(_)) => "number",
        Some(Feeding::Modified(_)) => "modified",
    };
    Feed { form: "postgres 1", stamp, entity }
}

/// Which part of a pass over the changes is being read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Rows that are there.
    Rows,
    /// What was deleted.
    Deletions,
}

/// Numbers from where on changes are read. What they are depends on what changes are found by; the first one is always a
/// transaction: what all earlier ones wrote has been seen.
pub(super) type Marks = Vec<i64>;

/// A place in the changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// Before a pass.
    Before { from: Marks },
    /// In a pass that reads from one mark and after which the next one reads from another.
    In { stage: Stage, from: Marks, next: Marks },
}

impl Mark {
    /// As the mark of a place.
    pub(super) fn written(&self) -> RecordId {
        let (kind, numbers): (i64, Vec<i64>) = match self {
            Mark::Before { from } => (0, from.clone()),
            Mark::In { stage: Stage::Rows, from, next } => (1, [from.as_slice(), next].concat()),
            Mark::In { stage: Stage::Deletions, from, next } => (2, [from.as_slice(), next].concat()),
        };
        let parts: Vec<KeyPart> = std::iter::once(kind).chain(numbers).map(KeyPart::Int).collect();
        RecordId::of_parts(&parts)
    }

    /// Reads a mark back; `None` when it was made for another number of marks.
    pub(super) fn read(mark: &RecordId, count: usize) -> Option<Self> {
        let numbers: Option<Vec<i64>> = mark
            .parts()
            .into_iter()
            .map(|part| match part {
                KeyPart::Int(number) => Some(number),
                KeyPart::Text(_) => None,
            })
            .collect();
        let numbers = numbers?;
        let (kind, numbers) = numbers.split_first()?;
        match kind {
            0 if numbers.len() == count => Some(Mark::Before { from: numbers.to_vec() }),
            1 | 2 if numbers.len() == count * 2 => {
                let (from, next) = numbers.split_at_checked(count)?;
                let stage = if *kind == 1 { Stage::Rows } else { Stage::Deletions };
                Some(Mark::In { stage, from: from.to_vec(), next: next.to_vec() })
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert_eq, proptest};
    use seamless_core::model::RecordId;

    use super::{Mark, Stage};

    proptest! {
        #[test]
        fn a_mark_reads_back_and_one_of_another_length_does_not(from in proptest::collection::vec(any::<i64>(), 1..4), deletions: bool) {
            let next: Vec<i64> = from.iter().map(|number| number.wrapping_add(1)).collect();
            let stage = if deletions { Stage::Deletions } else { Stage::Rows };
            for mark in [Mark::Before { from: from.clone() }, Mark::In { stage, from: from.clone(), next }] {
                prop_assert_eq!(Mark::read(&mark.written(), from.len()), Some(mark.clone()));
                prop_assert_eq!(Mark::read(&mark.written(), from.len() + 1), None);
            }
            prop_assert_eq!(Mark::read(&RecordId::text("x"), 1), None);
        }
    }
}
