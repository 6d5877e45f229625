//! Floor 1: the port to a mapping. The mapping crate implements [`Mapper`] from files and from a builder; a host may
//! write one by hand.
//!
//! A mapper is pure: no I/O, no clock, no randomness. It sees one record at a time and names what it must look up;
//! the engine looks up for a whole page, then asks it to carry.

mod actions;
mod carry;
mod draft;
mod link;
mod order;
mod path;
mod rule;

use std::fmt;

pub use actions::{SideActions, StateAction};
pub use carry::{Answer, Ask, Found, MapContext, MapError, MapProblem, References, Resolved, Seek};
pub use draft::Draft;
pub use link::{DeletePolicy, GuardLimits, LeavePolicy, LinkMode, LinkSpec, MatchField, MatchLine};
pub use order::links_in_order;
pub(crate) use path::check as check_paths;
pub use path::{PATH_STEPS_MAX, Path, Step};
pub use rule::{ConflictPolicy, Direction, DriftPolicy, FirstLinkPolicy, Rule, RuleKind, WriteOn};

use crate::model::{Record, RuleIndex, Side, Slot};

/// The mapping of one link.
///
/// Laws, with `get` and `put` carrying to the two sides and `~` equality of canonical forms: `put(get(a), a) ~ a`
/// (I1), `get(put(b, a)) ~ b` on the declared domain (I2), and what a rule cannot see it keeps (I5). Outside the
/// domain a rule says so; it never falls back on a default.
pub trait Mapper: fmt::Debug + Send + Sync + 'static {
    /// Entities, scope, matching, lifecycle. Never changes.
    fn link(&self) -> &LinkSpec;

    /// The rules; a [`RuleIndex`] is a place in this slice. Never changes.
    fn rules(&self) -> &[Rule];

    /// The values of a side that are read through references. Rules, scope and conditions name them as fields; the engine
    /// completes every record with them before anything looks at it. Never changes; the default has none.
    fn paths(&self, side: Side) -> &[Path] {
        let _ = side;
        &[]
    }

    /// What must be looked up before the rules can carry from this record, given what was looked up already. Called
    /// again with the answers until it names nothing new, at most four times.
    fn references(&self, from: Side, source: &Record, resolved: &Resolved) -> References;

    /// Carries one rule's value from a record of one side into a draft of the other side's record.
    ///
    /// A rule that plans nothing says that the target means it already (or, for a rule of [`WriteOn::Create`], that it
    /// has nothing to say): what it cannot see of the target it keeps that way.
    ///
    /// Both records have the shapes that the engine reads: the fields of all rules, scope and matching of their
    /// side; look slots up by name, or keep them per shape.
    ///
    /// Errors: the rule parks its group; see [`MapProblem`].
    fn carry(
        &self,
        rule: RuleIndex,
        from: Side,
        source: &Record,
        target: &mut Draft<'_>,
        cx: &MapContext<'_>,
    ) -> Result<(), Box<MapError>>;

    /// Decides a conflict whose policy is [`ConflictPolicy::Custom`]: the value for each side's fields of the rule,
    /// in the rule's order, or `None` to park it. The default parks.
    fn settle(&self, rule: RuleIndex, name: &str, left: &[Slot], right: &[Slot]) -> Option<Settlement> {
        let _ = (rule, name, left, right);
        None
    }
}

/// What a custom conflict policy decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// This side's value wins.
    Take(Side),
}
