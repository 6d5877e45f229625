//! Guards: limits over the whole plan that stop it before it hurts. The door is [`guards`].
//!
//! Figures in, trips out. A guard knows nothing of entries, stores or feeds; whoever makes the plan counts. Guards
//! look at every plan alike, also at one that builds state anew: a recovery that bypasses them is how safety switches
//! fail.

use serde::{Deserialize, Serialize};

use crate::mapper::GuardLimits;
use crate::model::{GuardId, LinkId, Side, Sides};

/// A guard that stops a plan. A person can override it by name, for this one plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuardTrip {
    /// The name to override it by: `customers.deletes.right`.
    pub guard: GuardId,
    /// The link; `None` for a guard of the whole plan.
    pub link: Option<LinkId>,
    /// The side that is concerned.
    pub side: Option<Side>,
    /// What was found, with the figure and the limit.
    pub found: String,
    /// What a person can do.
    pub remedy: String,
}

/// Whether a guard says that a side is another system than the one that the pairs were made with.
pub fn is_of_identity(trip: &GuardTrip) -> bool {
    let (Some(link), Some(side)) = (&trip.link, trip.side) else { return false };
    trip.guard.as_str() == format!("{link}.{IDENTITY}.{side}")
}

const IDENTITY: &str = "identity";

/// What the guards of one link look at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GuardInput {
    /// Pairs that were known before this plan, frozen ones included, ended ones not.
    pub pairs: u64,
    /// Of these, how many the plan changes on at least one side.
    pub changed: u64,
    /// In how many pairs both sides changed to the same since they were last in step.
    pub same_changes: u64,
    /// Whether the link was never synced before: everything counts as changed then.
    pub first_sync: bool,
    /// Whether filter, mapping or mapped schema differ from those that the state was built with.
    pub configuration_changed: bool,
    /// Figures of each side.
    pub sides: Sides<GuardFigures>,
}

/// What the guards look at on one side of a link.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GuardFigures {
    /// The name that the mapping gives the side, for the words.
    pub name: String,
    /// Deletes that the plan does on this side.
    pub deletes: u64,
    /// Records that a full enumeration saw; `None` when the side was not enumerated to its end.
    pub enumerated: Option<u64>,
    /// Whether the system's identity differs from the one that the state was built on.
    pub identity_changed: bool,
}

/// The guards that a link's figures trip, in a stable order: identity, empty, shrunken and deletes of the left, then
/// of the right, then changes and an older state.
pub fn guards(link: &LinkId, limits: &GuardLimits, input: &GuardInput) -> Vec<GuardTrip> {
    let mut trips = Vec::new();
    for side in Side::BOTH {
        let figures = input.sides.of(side);
        trips.extend(identity(figures));
        trips.extend(missing(limits, input.pairs, figures));
        trips.extend(deletes(limits, input, figures));
        for trip in &mut trips {
            trip.side.get_or_insert(side);
        }
    }
    let mut trips: Vec<GuardTrip> = trips.into_iter().map(|trip| trip.into_guard(link)).collect();
    trips.extend(changes(limits, input).map(|trip| trip.into_guard(link)));
    trips.extend(older_state(input).map(|trip| trip.into_guard(link)));
    trips
}

/// A trip without its names.
struct Trip {
    what: &'static str,
    side: Option<Side>,
    found: String,
    remedy: String,
}

impl Trip {
    fn new(what: &'static str, found: String, remedy: &str) -> Self {
        Self { what, side: None, found, remedy: remedy.to_owned() }
    }

    fn into_guard(self, link: &LinkId) -> GuardTrip {
        let guard = match self.side {
            Some(side) => format!("{link}.{}.{side}", self.what),
            None => format!("{link}.{}", self.what),
        };
        let remedy = format!("{}; if it is meant, override {guard} for this plan", self.remedy);
        GuardTrip {
            guard: guard.into(),
            link: Some(link.clone()),
            side: self.side,
            found: self.found,
            remedy,
        }
    }
}

fn identity(figures: &GuardFigures) -> Option<Trip> {
    figures.identity_changed.then(|| {
        Trip::new(
            IDENTITY,
            format!("{} is not the system that the pairs were made with", figures.name),
            "connect the system that the pairs belong to, or begin with an empty state store for this one",
        )
    })
}

/// An empty side has a guard of its own: it needs no limit, and it is the usual face of an outage or a wrong path.
fn missing(limits: &GuardLimits, pairs: u64, figures: &GuardFigures) -> Option<Trip> {
    let (seen, name) = (figures.enumerated?, &figures.name);
    if seen == 0 && pairs > 0 {
        return Some(Trip::new(
            "empty",
            format!("{name} shows no record at all, while {pairs} pairs are known"),
            "check the connection, the permissions and the filter of that side",
        ));
    }
    let least = limits.shrink_percent_max?;
    is_less(seen, least, pairs).then(|| {
        Trip::new(
            "shrunken",
            format!(
                "{name} shows {seen} records, while {pairs} pairs are known: {} % of them, at least {least} % are expected",
                percent(seen, pairs)
            ),
            "check the permissions and the filter of that side, and whether it was restored from a backup",
        )
    })
}

fn deletes(limits: &GuardLimits, input: &GuardInput, figures: &GuardFigures) -> Vec<Trip> {
    let (count, pairs, name) = (figures.deletes, input.pairs, &figures.name);
    let mut trips = Vec::new();
    if input.configuration_changed && count > 0 {
        trips.push(Trip::new(
            "configuration",
            format!(
                "{count} records would be deleted in {name} by the first plan after the configuration changed; \
                 such a plan deletes nothing"
            ),
            "apply a plan without deletes first, and check that the new filter does not leave records out",
        ));
    }
    if let Some(most) = limits.deletes_percent_max
        && count > u64::from(limits.deletes_free)
        && is_more(count, most, pairs)
    {
        trips.push(Trip::new(
            "deletes",
            format!(
                "{count} of {pairs} records would be deleted in {name}: {} %, at most {most} % are allowed",
                percent(count, pairs)
            ),
            "look at the deletes of this plan and at why their partners are gone",
        ));
    }
    trips
}

fn changes(limits: &GuardLimits, input: &GuardInput) -> Option<Trip> {
    let most = limits.changes_percent_max?;
    let (changed, pairs) = (input.changed, input.pairs);
    let trips =
        !input.first_sync && changed > u64::from(limits.changes_free) && is_more(changed, most, pairs);
    trips.then(|| {
        Trip::new(
            "changes",
            format!(
                "{changed} of {pairs} pairs would change: {} %, at most {most} % are allowed",
                percent(changed, pairs)
            ),
            "check whether a mass update, an import or a changed value format is behind it",
        )
    })
}

/// Pairs with the same change on both sides that say nothing: people do that now and then.
const SAME_CHANGES_FREE: u64 = 10;

/// More than this share of all pairs that changed is not what people do.
const SAME_CHANGES_PERCENT_MAX: u8 = 50;

/// What was kept in step after a backup of the state looks, to the state of the backup, like the same change on both sides.
/// It has no limit of its own in a mapping: it says something about the state and nothing about the link.
fn older_state(input: &GuardInput) -> Option<Trip> {
    let (same, all) = (input.same_changes, input.same_changes.saturating_add(input.changed));
    (same > SAME_CHANGES_FREE && is_more(same, SAME_CHANGES_PERCENT_MAX, all)).then(|| {
        Trip::new(
            "older_state",
            format!(
                "{same} of {all} pairs that changed did so on both sides in the same way: the state seems to be older than \
                 the systems, as one from a backup is. A field that was set back to what it was then would be \
                 overwritten"
            ),
            "use the newest state, or begin with an empty one: records are matched again, and differing values are \
             asked about",
        )
    })
}

/// `part` is more than `percent` of `whole`; exact.
fn is_more(part: u64, percent: u8, whole: u64) -> bool {
    u128::from(part) * 100 > u128::from(whole) * u128::from(percent)
}

/// `part` is less than `percent` of `whole`; exact.
fn is_less(part: u64, percent: u8, whole: u64) -> bool {
    u128::from(part) * 100 < u128::from(whole) * u128::from(percent)
}

/// For people: one digit after the point, cut and not rounded, so that 50.04 % never reads as less than it is beside a
/// limit of 50 % without a digit.
fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "more than 100".to_owned();
    }
    let tenths = u128::from(part) * 1000 / u128::from(whole);
    match tenths % 10 {
        0 => format!("{}", tenths / 10),
        tenth => format!("{}.{tenth}", tenths / 10),
    }
}

#[cfg(test)]
#[path = "guard_tests.rs"]
mod tests;
