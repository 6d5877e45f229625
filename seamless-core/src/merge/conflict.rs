//! A conflict as a value: what each side held and holds, in the slots of a group. Knows no policy. The door is
//! [`conflict`].

use crate::model::{Record, Side, Sides, Slot};

use super::reconcile::Case;

/// One side's edit of something.
#[derive(Clone, Debug, PartialEq)]
pub struct Edit<T> {
    /// What the side held when the sides last agreed; `None` when they never did.
    pub base: Option<T>,
    /// What it holds now.
    pub current: T,
}

/// Two edits that do not agree. Only a merge makes one; it keeps its bases, so it is judged anew from them whenever a
/// side changes again, and never nests.
#[derive(Clone, Debug, PartialEq)]
pub struct Conflict<T> {
    left: Edit<T>,
    right: Edit<T>,
}

impl<T> Conflict<T> {
    /// The left side's edit.
    pub fn left(&self) -> &Edit<T> {
        &self.left
    }

    /// The right side's edit.
    pub fn right(&self) -> &Edit<T> {
        &self.right
    }

    /// A side's edit.
    pub fn of(&self, side: Side) -> &Edit<T> {
        match side {
            Side::Left => &self.left,
            Side::Right => &self.right,
        }
    }

    /// Both edits.
    pub fn into_sides(self) -> Sides<Edit<T>> {
        Sides::new(self.left, self.right)
    }
}

/// The values of a group that was judged to be in conflict: one per slot of the group and side, in the order of
/// [`Group::slots`](super::Group). Without bases where the pair or the group has none.
pub fn conflict(case: &Case<'_>, group: usize) -> Conflict<Vec<Slot>> {
    let slots = case.link.groups().get(group).map(|group| group.slots.as_ref());
    let values = |side: Side, record: &Record| -> Vec<Slot> {
        slots.iter().flat_map(|slots| slots.of(side).iter()).map(|slot| record.get(*slot).to_slot()).collect()
    };
    let has_base = super::observe::has_base(case, group);
    let edit = |side: Side| Edit {
        base: case.base.of(side).filter(|_| has_base).map(|base| values(side, base)),
        current: values(side, case.current.of(side)),
    };
    Conflict { left: edit(Side::Left), right: edit(Side::Right) }
}
