//! Plans for readers: the table of what a plan does, its text, and what it does as a set of short sentences that can
//! be compared with what should be in it.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::fmt;
use std::rc::Rc;

use futures::executor::block_on;
use seamless_core::model::{Error, ErrorKind, RecordId, Side, Sides};
use seamless_core::plan::render::{TextOptions, TextRenderer};
use seamless_core::plan::{Body, Counts, Effect, Entry, PlannedVerb, Rank};
use seamless_core::sync::Plan;

use crate::systems::Systems;
use crate::terminal::{number, quote, table};
use crate::world::Outcome;

/// What a plan does, by link.
pub(super) fn counts(systems: &Systems, plan: &Plan) {
    let (crm, erp) = (systems.name(Side::Left), systems.name(Side::Right));
    let header = [
        "link".to_owned(),
        "new pairs".to_owned(),
        format!("create in {crm}"),
        format!("create in {erp}"),
        format!("update in {crm}"),
        format!("update in {erp}"),
        "delete".to_owned(),
        "conflicts".to_owned(),
        "parked".to_owned(),
    ];
    let row = |name: &str, counts: &Counts| {
        let Counts { link, create, update, delete, conflict, parked, .. } = counts;
        let numbers = [
            *link,
            create.left,
            create.right,
            update.left,
            update.right,
            delete.left + delete.right,
            *conflict,
            *parked,
        ];
        std::iter::once(name.to_owned()).chain(numbers.map(number)).collect()
    };
    let rows = plan.trailer().counts.iter().map(|(link, counts)| row(link.as_str(), counts)).collect();
    table(&header.each_ref().map(String::as_str), rows, 1);
}

/// The text that a person reads before saying yes; so many entries under each heading at most.
pub(super) fn text(plan: &Plan, most: Option<usize>) -> Outcome<()> {
    let options = TextOptions { colour: true, entries_per_group_max: most, ..TextOptions::default() };
    let out = Out::default();
    let heard = out.heard.clone();
    let mut renderer = TextRenderer::new(out, options);
    // The head names the sides; which systems they are was told before.
    renderer.head(plan.head())?;
    heard.set(true);
    block_on(plan.each(|entry| {
        // Where reading goes on is in every plan and decides nothing.
        match entry.key.rank {
            Rank::Cursor => Ok(()),
            _ => renderer.entry(entry).map_err(|_| Error::new(ErrorKind::Internal, "text cannot be written")),
        }
    }))?;
    quote(renderer.finish(plan.trailer())?.text.trim_start());
    Ok(())
}

/// Text of which the beginning is not heard.
#[derive(Default)]
struct Out {
    text: String,
    heard: Rc<Cell<bool>>,
}

impl fmt::Write for Out {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.heard.get() {
            self.text.push_str(text);
        }
        Ok(())
    }
}

/// The key of a record in its table.
pub(super) fn key(id: &RecordId) -> String {
    id.to_string()
}

/// Everything that a plan does, one short sentence each.
pub(super) fn deeds(systems: &Systems, plan: &Plan) -> Outcome<BTreeSet<String>> {
    let mut deeds = BTreeSet::new();
    block_on(plan.each(|entry| {
        deeds.extend(deed(systems, entry));
        Ok(())
    }))?;
    Ok(deeds)
}

fn deed(systems: &Systems, entry: &Entry) -> Option<String> {
    let link = &entry.link;
    let of = |ids: &Sides<Option<RecordId>>, side: Side| ids.of(side).as_ref().map(key).unwrap_or_default();
    let left = of(&entry.ids, Side::Left);
    Some(match &entry.body {
        Body::Act(action) => {
            let side = systems.name(action.side);
            let fields: Vec<&str> = action.changes.iter().map(|change| change.field.as_str()).collect();
            let fields = fields.join(", ");
            match &action.verb {
                PlannedVerb::Create => format!("{link}: create {left} in {side}"),
                PlannedVerb::Delete(_) => format!("{link}: delete {left} in {side}"),
                PlannedVerb::Action { name, .. } => format!("{link}: {name} {left} in {side}"),
                PlannedVerb::Update => format!("{link}: update {left} in {side}: {fields}"),
            }
        }
        Body::Effect(Effect::Cursor { .. }) => return None,
        Body::Effect(Effect::OpenConflict(view)) => {
            let fields: Vec<&str> = view.fields.left.iter().map(|(name, ..)| name.as_str()).collect();
            format!("{link}: conflict about {left}: {}", fields.join(", "))
        }
        Body::Effect(Effect::Park(parked)) => {
            let rules: Vec<&str> = parked.rules.iter().map(|rule| rule.as_str()).collect();
            format!("{link}: park {left}: {}", rules.join(", "))
        }
        Body::Effect(Effect::Link { .. }) => {
            format!("{link}: pair {left} with {}", of(&entry.ids, Side::Right))
        }
        Body::Effect(effect) => format!("{link}: {effect:?}"),
    })
}
