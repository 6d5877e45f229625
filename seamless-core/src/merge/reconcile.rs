//! The port of this floor: a pair in, a verdict out. Knows no policy of its own. The door is [`Reconciler`].

use std::fmt;

use crate::mapper::MapContext;
use crate::model::{Bits, Record, Sides, Timestamp};

use super::joined::CompiledLink;
use super::verdict::Verdict;

/// One pair as it was and as it is. Every record has the shape that the link reads of its side
/// ([`CompiledLink::shape`]).
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// The link.
    pub link: &'a CompiledLink,
    /// What each side held when they last agreed; `None` when they never did. A field that is absent in a base has
    /// no base yet.
    pub base: Sides<Option<&'a Record>>,
    /// What each side holds now.
    pub current: Sides<&'a Record>,
    /// When each side was last modified by its own clock, where it says so.
    pub modified: Sides<Option<Timestamp>>,
    /// What rules may know when they carry *to* a side.
    pub context: Sides<MapContext<'a>>,
    /// Whether consistency is looked at where nothing changed: finds [`Judgement::Diverged`](super::Judgement).
    pub check_all: bool,
    /// Groups whose base is not to be used: a rule of theirs changed since.
    pub rebased: &'a Bits,
}

/// Decides about pairs. A host may wrap or replace [`ThreeWay`](super::ThreeWay).
///
/// Pure and total: the same case gives the same verdict, nothing fails, nothing panics.
/// The verdict has as many judgements as the link has groups.
pub trait Reconciler: fmt::Debug + Send + Sync + 'static {
    /// What is to be done about each group of a pair.
    fn reconcile(&self, case: &Case<'_>) -> Verdict;
}
