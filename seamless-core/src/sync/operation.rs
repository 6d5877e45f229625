//! What an operation is made of: the id of a new record, the values to send, the precondition, the rules that it
//! concerns. Pure. The doors are the functions that [`super::acting`] calls.

use std::sync::Arc;

use crate::connector::{Capabilities, Expects, UniqueKey};
use crate::merge::CompiledLink;
use crate::model::{
    ActionId, FieldName, Presence, Record, RecordBuilder, RecordId, Result, RuleId, Shape, Slot, Value,
    record,
};
use crate::plan::{Action, Entry, Pair, PlannedExpects, PlannedVerb, Reason};

/// The id of a record that is to be made, where the client chooses it: derived from the action, so that the same
/// create again is the same record. Written like a UUID, since that is what such systems take.
pub(super) fn chosen_id(capabilities: &Capabilities, action: ActionId) -> Option<RecordId> {
    if capabilities.unique_key != UniqueKey::ClientChosenId {
        return None;
    }
    let hex = action.to_string();
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    // Version 8 (custom) and the variant bits as RFC 9562 has them.
    let text = format!("{}-{}-8{}-a{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32));
    Some(RecordId::text(&text))
}

/// Whether a record is of a shape, by its names: a plan that was read back has shapes of its own.
pub(super) fn is_shape(record: &Record, shape: &Arc<Shape>) -> bool {
    Arc::ptr_eq(record.shape(), shape) || record.shape() == shape
}

/// The values of an operation: in the link's shape where it has all their fields, otherwise in a shape of their own.
pub(super) fn patch(shape: &Arc<Shape>, values: &[(&FieldName, Value)]) -> Result<Record> {
    let slots: Option<Vec<usize>> = values.iter().map(|(field, _)| shape.slot(field.as_str())).collect();
    let Some(slots) = slots else {
        let shape = Shape::new(values.iter().map(|(field, _)| (*field).clone()))?;
        let mut record = RecordBuilder::new(&shape);
        values.iter().for_each(|(_, value)| record.push_value(value.as_ref()));
        return Ok(record.finish());
    };
    let said =
        slots.into_iter().zip(values).map(|(slot, (_, value))| (slot, Presence::Value(value.as_ref())));
    Ok(Record::absent(shape).with(said))
}

/// Why an action is dropped whose record did not let go of its unique value.
pub(super) const NOT_RELEASED: &str = "the unique value that it gives up could not be released first";

/// Why an entry is dropped that goes on where earlier ones of its record did not happen.
pub(super) const NOT_AS_LEFT: &str = "what had to be done to the record before did not happen";

/// Whether an entry goes on where earlier ones of the same plan on its record left off.
pub(super) fn goes_on(entry: &Entry) -> bool {
    entry.action().is_some_and(|action| action.expects == PlannedExpects::AsLeft)
}

/// The precondition of an action; the inner error is a reason to drop it. `pair` is the pair as the commits of this
/// plan have left it.
pub(super) fn expects(
    link: &CompiledLink,
    entry: &Entry,
    action: &Action,
    pair: Option<&Pair>,
    capabilities: &Capabilities,
) -> Result<std::result::Result<Expects, &'static str>> {
    Ok(Ok(match &action.expects {
        PlannedExpects::Anything => Expects::Anything,
        PlannedExpects::Missing => Expects::Missing,
        PlannedExpects::Version(version) => Expects::Version(version.clone()),
        PlannedExpects::Before => Expects::Values(before(entry, action, &[])?),
        PlannedExpects::AsLeft => {
            let Some(pair) = pair else { return Ok(Err(NOT_AS_LEFT)) };
            match (pair.version.of(action.side), capabilities.conditional_update) {
                (_, false) => Expects::Anything,
                (Some(version), true) => Expects::Version(version.clone()),
                (None, true) => Expects::Values(before(entry, action, &[])?),
            }
        }
        PlannedExpects::Released { fields } => {
            let Some(pair) = pair.filter(|pair| is_released(link, action, fields, pair)) else {
                return Ok(Err(NOT_RELEASED));
            };
            match (pair.version.of(action.side), capabilities.conditional_update) {
                (_, false) => Expects::Anything,
                (Some(version), true) => Expects::Version(version.clone()),
                (None, true) => Expects::Values(before(entry, action, fields)?),
            }
        }
    }))
}

/// What the fields of a precondition must hold: those that an update changes, all that was read of a record that is to be
/// deleted. A delete changes no field, and what its record let go of is not what was read any more.
fn before(entry: &Entry, action: &Action, released: &[FieldName]) -> Result<Record> {
    let seen = entry.observed.of(action.side).as_ref();
    if let (PlannedVerb::Delete(_), Some(seen)) = (&action.verb, seen) {
        let names = seen.shape().names().iter().enumerate();
        let still =
            names.filter(|(_, name)| !released.contains(name)).map(|(slot, _)| (slot, seen.get(slot)));
        let still = still.filter(|(_, presence)| matches!(presence, Presence::Value(_)));
        return Ok(Record::absent(seen.shape()).with(still));
    }
    let before = action.changes.iter().filter(|change| matches!(change.before, Presence::Value(_)));
    let values: Vec<(FieldName, Slot)> =
        before.map(|change| (change.field.clone(), change.before.to_slot())).collect();
    record(&Shape::new(values.iter().map(|(field, _)| field.clone()))?, values)
}

/// Whether the temporary values are the base by now: the write of them was committed.
fn is_released(link: &CompiledLink, action: &Action, fields: &[FieldName], pair: &Pair) -> bool {
    let (forms, shape) = (link.forms(action.side), link.shape(action.side));
    let mut changes = action.changes.iter().filter(|change| fields.contains(change.field));
    changes.all(|change| {
        let held = pair.base.of(action.side).field(change.field.as_str());
        match (shape.slot(change.field.as_str()), held, change.before) {
            (Some(slot), Presence::Value(held), Presence::Value(before)) => {
                forms.slot(slot).same(held, before)
            }
            _ => false,
        }
    })
}

pub(super) fn settled_rules(link: &CompiledLink, entry: &Entry) -> Vec<RuleId> {
    let groups = link.groups().iter().enumerate().filter(|(place, _)| entry.settles.contains(*place));
    let rules = groups.flat_map(|(_, group)| group.rules.iter());
    rules.filter_map(|rule| link.rules().get(usize::from(rule.0))).map(|rule| rule.id.clone()).collect()
}

pub(super) fn changed_rules(entry: &Entry) -> Vec<RuleId> {
    let Some(action) = entry.action().filter(|action| action.reason != Reason::NoPartner) else {
        return Vec::new();
    };
    let mut rules: Vec<RuleId> = action.changes.iter().filter_map(|change| change.rule.cloned()).collect();
    rules.dedup();
    rules
}
