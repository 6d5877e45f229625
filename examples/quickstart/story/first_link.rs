//! Chapter 3: the first plan pairs what exists on both sides, says what becomes of values that differ, and is applied.

use futures::executor::block_on;
use seamless_core::model::{FieldName, Side, Slot};
use seamless_core::plan::{Body, ConflictWhy, Effect, Entry, ParkReason, Parked, Provenance};

use super::{Story, plans};
use crate::systems::Systems;
use crate::terminal::{bad, care, chapter, good, number, quiet, say, space, table};
use crate::world::check::{Verdict, check};
use crate::world::correspondence::{ACCOUNT, CONTACT, Flow};
use crate::world::expect::Expectations;
use crate::world::truth::{Difference, DifferenceKind};
use crate::world::{Entity, Outcome};

/// Ambiguous records that are shown; the others are counted.
const AMBIGUOUS_SHOWN: usize = 3;

pub(super) fn plan(story: &mut Story, systems: &Systems) -> Outcome<()> {
    chapter(3, "The first plan: match what exists, create what is missing, and write nothing yet");
    let plan = story.plan(systems)?;
    plans::counts(systems, &plan);
    let mut seen = Examples::default();
    block_on(plan.each(|entry| {
        seen.look_at(entry);
        Ok(())
    }))?;
    say("What becomes of values that differ when two records meet for the first time:");
    let harmless = story.world.truth.differences.iter().find(|found| found.kind == DifferenceKind::Harmless);
    let harmless = harmless.map(|Difference { column, crm, erp, .. }| {
        vec![(*column).to_owned(), format!("{crm:?}"), format!("{erp:?}"), "the same: left alone".to_owned()]
    });
    let rows = harmless.into_iter().chain([seen.filled, seen.authority, seen.conflict].into_iter().flatten());
    table(&["field", "crm", "erp", "what happens"], rows.collect(), usize::MAX);
    let different = story.world.truth.differences.iter().filter(|found| is_contested(found)).count();
    say(format!(
        "{} conflicts are parked; the generator made {} fields differ whose rule names no authority.",
        number(seen.conflicts),
        number(different)
    ));
    care(format!("{} records match several, and none is chosen:", number(seen.ambiguous.len())));
    for parked in seen.ambiguous.iter().take(AMBIGUOUS_SHOWN) {
        let id = parked.id.as_ref().map(plans::key).unwrap_or_default();
        quiet(format!("     {} {id}: {}", systems.name(parked.side), parked.message));
    }
    if let Some(parked) = seen.ambiguous.first() {
        quiet(format!("     what to do: {}", parked.remedy));
    }
    space();
    say("The plan as a person reads it, one entry under each heading:");
    plans::text(&plan, Some(1))?;
    space();
    story.apply(systems, &plan)?;
    if !story.settle(systems)? {
        bad("a second run was not enough");
        story.surprises += 1;
    }
    let mut expected = Expectations::after_first_link(&story.world.truth);
    expected.leave_apart(&story.world.truth, is_contested);
    match check(&story.world, &expected)? {
        Verdict::Holds(report) => good(format!(
            "checked by SQL alone: {} pairs, {} fields; {} differ, all of them parked",
            number(report.account_pairs + report.contact_pairs),
            number(report.fields_compared),
            number(report.fields_apart)
        )),
        Verdict::Broken(violations) => {
            story.surprises += violations.len();
            bad(format!("checked by SQL alone: {} rules are broken", violations.len()));
            violations.iter().take(10).for_each(bad);
        }
    }
    Ok(())
}

/// Both sides say something, not the same, and no side has the say.
pub(super) fn is_contested(difference: &Difference) -> bool {
    let fields = match difference.entity {
        Entity::Account => &ACCOUNT,
        Entity::Contact => &CONTACT,
    };
    let two_way = fields.iter().any(|field| field.crm == difference.column && field.flow == Flow::Both);
    difference.kind == DifferenceKind::Different && two_way
}

/// One example of each thing that happens to values that differ.
#[derive(Default)]
struct Examples {
    filled: Option<Vec<String>>,
    authority: Option<Vec<String>>,
    conflict: Option<Vec<String>>,
    conflicts: usize,
    ambiguous: Vec<Parked>,
}

impl Examples {
    fn look_at(&mut self, entry: &Entry) {
        match &entry.body {
            Body::Act(action) => {
                for change in action.changes.iter() {
                    let place = match change.from {
                        Provenance::FilledBlank => &mut self.filled,
                        Provenance::FirstLinkAuthority if !change.before.is_absent() => &mut self.authority,
                        _ => continue,
                    };
                    let Some(after) = change.after.known() else { continue };
                    let what = match change.from {
                        Provenance::FilledBlank => "the blank is filled",
                        _ => "the erp has the say",
                    };
                    let (before, after) = (change.before.to_slot().to_string(), after.to_string());
                    let (crm, erp) =
                        if action.side == Side::Left { (before, after) } else { (after, before) };
                    place.get_or_insert(vec![change.field.to_string(), crm, erp, what.to_owned()]);
                }
            }
            Body::Effect(Effect::OpenConflict(view)) if view.why == ConflictWhy::FirstLink => {
                self.conflicts += 1;
                let now = |fields: &[(FieldName, Slot, Slot)]| {
                    fields.iter().map(|(_, _, now)| now.to_string()).collect::<Vec<_>>().join(", ")
                };
                let name = view.fields.left.first().map(|(name, ..)| name.to_string()).unwrap_or_default();
                let what = "parked: a person decides".to_owned();
                self.conflict.get_or_insert(vec![
                    name,
                    now(&view.fields.left),
                    now(&view.fields.right),
                    what,
                ]);
            }
            Body::Effect(Effect::Park(parked)) if parked.why == ParkReason::Ambiguous => {
                self.ambiguous.push(parked.clone());
            }
            Body::Effect(_) => {}
        }
    }
}
