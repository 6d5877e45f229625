//! Lists of child records with keys: merged line by line. Knows no shapes: the caller says what a line's key is and
//! when two lines are the same. The door is [`merge_keyed`].

use std::collections::BTreeMap;

use crate::model::{Side, Sides};

/// What was decided about the lines of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyedLine<K> {
    /// The key; `None` stands for all lines that have none.
    pub key: Option<K>,
    /// What is to be done.
    pub judgement: LineJudgement,
}

/// What is to be done about the lines of one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineJudgement {
    /// Neither side changed.
    Settled,
    /// The sides hold the same; the bases become that.
    Agree,
    /// What the other side has under the key, possibly nothing, is written to this side.
    Carry {
        /// The side that is written.
        to: Side,
    },
    /// Both sides changed differently; removing a line that the other side edited is one of these.
    Conflict,
}

/// Merges two keyed lists against what each side held before. In the order of keys, those without a key first.
///
/// Lines that share a key, and lines without one, cannot be told apart, so they are one atomic unit: they change,
/// agree and conflict together, in their order. The place of a line among lines of other keys means nothing.
///
/// Total. Cost: `n log n` comparisons of keys for `n` lines in all.
/// Law: mirrored sides give the mirrored result (`i16_keyed_merge_mirrors`).
pub fn merge_keyed<T, K: Ord>(
    base: Sides<&[T]>,
    current: Sides<&[T]>,
    key: impl Fn(&T) -> Option<K>,
    same: impl Fn(&T, &T) -> bool,
) -> Vec<KeyedLine<K>> {
    let mut units: BTreeMap<Option<K>, [Vec<&T>; 4]> = BTreeMap::new();
    for (place, list) in [base.left, current.left, base.right, current.right].into_iter().enumerate() {
        for line in list {
            if let Some(lines) = units.entry(key(line)).or_default().get_mut(place) {
                lines.push(line);
            }
        }
    }
    let equal = |a: &[&T], b: &[&T]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b));
    let judge = |[base_left, left, base_right, right]: &[Vec<&T>; 4]| match (
        !equal(base_left, left),
        !equal(base_right, right),
    ) {
        (false, false) => LineJudgement::Settled,
        _ if equal(left, right) => LineJudgement::Agree,
        (true, false) => LineJudgement::Carry { to: Side::Right },
        (false, true) => LineJudgement::Carry { to: Side::Left },
        (true, true) => LineJudgement::Conflict,
    };
    units.into_iter().map(|(key, lines)| KeyedLine { key, judgement: judge(&lines) }).collect()
}
