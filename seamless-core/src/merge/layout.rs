//! Where the groups of a link are in slots and words: what is laid out once so that judging a pair is a walk over
//! words. Knows no records. The door is [`Layout::of`].

use std::sync::Arc;

use crate::mapper::{ConflictPolicy, Direction, LinkMode, Rule, WriteOn};
use crate::model::{CanonicalForm, Condition, Shape, Side, SideForms, Sides};

use super::groups::Group;

/// Where groups are in slots and words: what the merge of one pair walks over.
#[derive(Debug)]
pub(super) struct Layout {
    /// Whether groups and watched slots of both sides fit one word each.
    pub(super) narrow: bool,
    /// Per side, the slots below 64 whose number is the number of their group.
    pub(super) aligned: Sides<u64>,
    /// Per side and slot, the slot's group.
    pub(super) group_of_slot: Sides<Vec<Option<usize>>>,
    /// Per group that only copies, what is compared with what.
    pub(super) copies: Vec<Option<CopyPair>>,
    /// Per word of groups, those that copy one field both ways, always and whatever the record: nearly all of nearly
    /// all links, so they are judged many at a time.
    pub(super) plain: Vec<u64>,
    /// Per word of groups, those that park when both sides changed.
    pub(super) parks: Vec<u64>,
    /// Per word of groups, those that follow a record that is not one of the pair; empty where none does.
    pub(super) follows: Vec<u64>,
    /// Whether any group has one of the following.
    pub(super) has_depends: bool,
    /// Per group, the other groups whose fields decide about canonical forms of this one's.
    pub(super) depends: Vec<Vec<usize>>,
    /// Per group, the sides that its values may go to.
    pub(super) allowed: Vec<Sides<bool>>,
    /// Per group, whether a rule of it has a condition.
    pub(super) conditional: Vec<bool>,
}

/// The two slots of a copy rule, and what is made of both values before they are compared.
#[derive(Debug)]
pub(super) struct CopyPair {
    pub(super) slots: Sides<usize>,
    pub(super) form: CanonicalForm,
    /// Whether a side's form of the slot depends on another field of the record.
    pub(super) record_wise: bool,
}

impl Layout {
    /// Works out, once per link, what every pair would otherwise work out again: which slots belong to which group,
    /// which groups can be judged as bits, and where values may go.
    pub(super) fn of(
        mode: LinkMode,
        rules: &[Rule],
        groups: &[Group],
        shapes: &Sides<Arc<Shape>>,
        watched: &Sides<usize>,
        forms: &Sides<SideForms>,
    ) -> Self {
        let mut group_of_slot = shapes.as_ref().map(|shape| vec![None; shape.len()]);
        let mut aligned = Sides::new(0u64, 0u64);
        for (place, group) in groups.iter().enumerate() {
            for side in Side::BOTH {
                for slot in group.slots.of(side) {
                    if let Some(of) = group_of_slot.of_mut(side).get_mut(*slot) {
                        *of = Some(place);
                    }
                    if *slot == place && place < 64 {
                        *aligned.of_mut(side) |= 1 << place;
                    }
                }
            }
        }
        let of_slot = &group_of_slot;
        let depends = |(place, group): (usize, &Group)| {
            let of = |side: Side| {
                let by = group.slots.of(side).iter().flat_map(move |slot| forms.of(side).depends_on(*slot));
                by.filter_map(move |by| of_slot.of(side).get(by).copied().flatten())
            };
            let mut groups: Vec<usize> =
                of(Side::Left).chain(of(Side::Right)).filter(|on| *on != place).collect();
            groups.sort_unstable();
            groups.dedup();
            groups
        };
        let depends: Vec<Vec<usize>> = groups.iter().enumerate().map(depends).collect();
        let pair = |group: &Group| match (&*group.slots.left, &*group.slots.right) {
            ([left], [right]) if group.copy => Some(CopyPair {
                slots: Sides::new(*left, *right),
                form: forms.left.slot(*left).and(forms.right.slot(*right)),
                record_wise: forms.left.is_record_wise(*left) || forms.right.is_record_wise(*right),
            }),
            _ => None,
        };
        let has_condition = |group: &Group| {
            let always =
                |rule: &Rule| Side::BOTH.iter().all(|side| *rule.when.of(*side) == Condition::Always);
            !group.rules.iter().filter_map(|rule| rules.get(usize::from(rule.0))).all(always)
        };
        let words = |wanted: &dyn Fn(usize, &Group) -> bool| {
            let mut words = vec![0u64; groups.len().div_ceil(64)];
            for (place, _) in groups.iter().enumerate().filter(|(place, group)| wanted(*place, group)) {
                if let Some(word) = words.get_mut(place / 64) {
                    *word |= 1 << (place % 64);
                }
            }
            words
        };
        let copies: Vec<Option<CopyPair>> = groups.iter().map(pair).collect();
        let plain = |place: usize, group: &Group| {
            let compared =
                copies.get(place).is_some_and(|pair| pair.as_ref().is_some_and(|pair| !pair.record_wise));
            let both_ways = mode != LinkMode::To(Side::Left) && mode != LinkMode::To(Side::Right);
            let both_ways = both_ways && group.direction == Direction::TwoWay;
            compared && both_ways && group.on == WriteOn::Always && !has_condition(group)
        };
        let (plain, parks) = (words(&plain), words(&|_, group| group.on_conflict == ConflictPolicy::Park));
        let follows = match groups.iter().any(|group| group.follows) {
            true => words(&|_, group| group.follows),
            false => Vec::new(),
        };
        let allowed = |group: &Group, to: Side| {
            let by_mode = match mode {
                LinkMode::To(side) => side == to,
                LinkMode::Off | LinkMode::Observe | LinkMode::CoupleOnly | LinkMode::TwoWay => true,
            };
            by_mode && group.direction.allows(to)
        };
        let sides = |group: &Group| Sides::new(allowed(group, Side::Left), allowed(group, Side::Right));
        Self {
            has_depends: depends.iter().any(|on| !on.is_empty()),
            depends,
            allowed: groups.iter().map(sides).collect(),
            narrow: groups.len() <= 64 && watched.left <= 64 && watched.right <= 64,
            aligned,
            group_of_slot,
            plain,
            parks,
            follows,
            copies,
            conditional: groups.iter().map(has_condition).collect(),
        }
    }
}
