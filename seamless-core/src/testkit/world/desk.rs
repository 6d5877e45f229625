//! The desk at which people decide what the integration left open: they look at what waits, decide for a side, or ask for
//! another try; at any moment, and not always knowing the newest values. A decision speaks of what was seen, and the
//! chronicle hears of that. Knows nothing of runs. The door is [`Shared::decide`].

use std::sync::Arc;

use super::chronicle::{REFERENCE, Thing, tag};
use super::deed::{Deed, What};
use super::finding::Harm;
use super::kind::Kind;
use super::names::{NAME, number_as_tag};
use super::quiet::Waiting;
use super::table::Row;
use super::universe::{Shared, Universe};
use crate::clock::Clock;
use crate::merge::CompiledLink;
use crate::model::{Fingerprint, RecordId, Result, RuleId, Side, Sides, Value};
use crate::plan::ParkedAs;
use crate::store::{Attention, AttentionWhy, PairStatus, Resolution, StateStore};
use crate::sync::Integration;

/// What a person saw of something that waits for a decision.
#[derive(Clone, Debug)]
pub(super) struct View {
    ids: Sides<RecordId>,
    field: usize,
    rule: RuleId,
    /// Whether it is about a value that may be the system's own form of what was sent.
    is_form: bool,
    seen: Sides<Fingerprint>,
    values: Sides<Option<u32>>,
    /// The side whose value is to win, once that is decided.
    take: Option<Side>,
}

/// What is needed to decide.
#[derive(Clone, Debug)]
pub(super) struct Desk {
    store: Arc<dyn StateStore>,
    /// By kind.
    links: Vec<Arc<CompiledLink>>,
}

impl Desk {
    /// A desk over the state of an integration. It has a way of its own to the store, where no process can die.
    pub(super) fn new(integration: &Integration, kinds: &[Kind], store: &Arc<dyn StateStore>) -> Self {
        let links = integration.shared_links();
        let of = |kind: &Kind| links.iter().find(|link| link.spec().id == kind.link).cloned();
        Self { store: Arc::clone(store), links: kinds.iter().filter_map(of).collect() }
    }

    async fn does(&self, world: &Shared, deed: &Deed) -> Result<()> {
        match deed.what {
            What::Look => {
                let views = self.look(world, deed).await?;
                world.lock().views.insert((deed.kind, deed.thing), views);
            }
            What::Resolve => {
                let seen = world.lock().views.remove(&(deed.kind, deed.thing));
                let views = match seen {
                    Some(views) => views,
                    None => self.look(world, deed).await?,
                };
                self.resolve(world, deed, views).await?;
            }
            What::Hint => self.hint(world, deed).await?,
            _ => {}
        }
        Ok(())
    }

    /// What waits for a decision about a thing, with what both systems show of it.
    async fn look(&self, world: &Shared, deed: &Deed) -> Result<Vec<View>> {
        let thing: Thing = (deed.kind, deed.thing);
        let Some(link) = self.links.get(deed.kind) else { return Ok(Vec::new()) };
        let Some(id) = world.lock().find(deed.side, thing) else { return Ok(Vec::new()) };
        let link_id = &link.spec().id;
        let pair = self.store.pairs_of(link_id, deed.side, std::slice::from_ref(&id)).await?.pop().flatten();
        let Some(pair) = pair.filter(|pair| pair.status == PairStatus::Linked) else { return Ok(Vec::new()) };
        let mut open = Vec::new();
        for side in Side::BOTH {
            let ids = std::slice::from_ref(pair.ids.of(side));
            open.extend(self.store.attention_of(link_id, side, ids).await?.into_iter().flatten());
        }
        let world = world.lock();
        let decidable = open.iter().filter_map(decidable);
        let rules = decidable.flat_map(|(rules, is_form)| rules.iter().map(move |rule| (rule, is_form)));
        Ok(rules
            .filter_map(|(rule, is_form)| world.view(link, deed.kind, &pair.ids, rule, is_form))
            .collect())
    }

    async fn resolve(&self, world: &Shared, deed: &Deed, views: Vec<View>) -> Result<()> {
        let Some(link) = self.links.get(deed.kind) else { return Ok(()) };
        let views: Vec<View> = views.into_iter().map(|view| View { take: Some(deed.side), ..view }).collect();
        let resolution = |view: &View| Resolution {
            ids: view.ids.clone(),
            rule: view.rule.clone(),
            take: deed.side,
            by: "a user".to_owned(),
            seen: view.seen,
        };
        let resolutions: Vec<_> =
            views.iter().map(|view| (link.spec().id.clone(), resolution(view))).collect();
        let now = world.lock().clock.now();
        self.store.resolve(&resolutions, now).await?;
        let mut world = world.lock();
        views.into_iter().for_each(|view| world.decides((deed.kind, deed.thing), view));
        Ok(())
    }

    async fn hint(&self, world: &Shared, deed: &Deed) -> Result<()> {
        let Some(link) = self.links.get(deed.kind) else { return Ok(()) };
        let Some(id) = world.lock().find(deed.side, (deed.kind, deed.thing)) else { return Ok(()) };
        world.lock().hints += 1;
        let now = world.lock().clock.now();
        let why = AttentionWhy::Hint { version: None };
        self.store
            .notify(&link.spec().id, &[Attention { side: deed.side, id, why, due: now, since: now }])
            .await
    }
}

/// The rules that a person can decide, and whether it is about a form.
fn decidable(open: &Attention) -> Option<(&[RuleId], bool)> {
    match &open.why {
        AttentionWhy::Conflict { rules, .. } => Some((rules, false)),
        AttentionWhy::Parked { reason, rules, .. } if reason.can_be_decided() => {
            Some((rules, *reason == ParkedAs::Suspected))
        }
        _ => None,
    }
}

impl Shared {
    /// Does what people asked for meanwhile.
    pub(super) async fn decide(&self) {
        loop {
            let (deed, desk) = {
                let mut world = self.lock();
                let Some(desk) = world.desk.clone() else { return };
                let Some(deed) = world.asked.pop_front() else { return };
                (deed, desk)
            };
            if let Err(error) = desk.does(self, &deed).await {
                self.lock().found(Harm::Unsettled, "I15", deed.side, true, format!("{deed}: {error}"));
            }
        }
    }
}

impl Universe {
    /// What a system shows of a record: what reading shows, which may be what was there a while ago.
    fn seen(
        &self,
        link: &CompiledLink,
        side: Side,
        kind: usize,
        id: &RecordId,
    ) -> Option<(Fingerprint, Row)> {
        let content = self.content(side, kind);
        let row = content.rows.get(id).filter(|row| !row.hidden)?;
        let system = self.systems.of(side);
        let shown = system.tables.get(kind)?.show(id, row, link.shape(side), &system.switches);
        Some((link.fingerprint(side, &shown.record), row.clone()))
    }

    fn view(
        &self,
        link: &CompiledLink,
        kind: usize,
        ids: &Sides<RecordId>,
        rule: &RuleId,
        is_form: bool,
    ) -> Option<View> {
        let described = self.kinds.get(kind)?;
        let left = self.seen(link, Side::Left, kind, &ids.left)?;
        let right = self.seen(link, Side::Right, kind, &ids.right)?;
        let carried = described.carried.iter().enumerate().find(|(_, carried)| carried.rule == *rule);
        let is_reference = described.reference.as_ref().is_some_and(|reference| reference.rule == *rule);
        let (field, values) = match carried {
            Some((field, carried)) => {
                let value =
                    |side: Side, row: &Row| -> Value { row.value(carried.field.of(side).as_str()).clone() };
                (field, Sides::new(tag(&value(Side::Left, &left.1)), tag(&value(Side::Right, &right.1))))
            }
            None if described.name_rule.as_ref() == Some(rule) => {
                let name =
                    |side: Side, row: &Row| number_as_tag(row.value(described.named_by.of(side).as_str()));
                (NAME, Sides::new(name(Side::Left, &left.1), name(Side::Right, &right.1)))
            }
            None if is_reference => {
                let target = |side: Side, row: &Row| self.mark_of_target(kind, self.target(side, kind, row));
                (REFERENCE, Sides::new(target(Side::Left, &left.1), target(Side::Right, &right.1)))
            }
            None => return None,
        };
        let seen = Sides::new(left.0, right.0);
        Some(View { ids: ids.clone(), field, rule: rule.clone(), is_form, seen, values, take: None })
    }

    /// A person decided: the value of one side may give way to that of the other, as they were seen.
    fn decides(&mut self, thing: Thing, view: View) {
        let Some(take) = view.take else { return };
        let loser = take.other();
        let spot = ((loser, thing.0, view.ids.of(loser).clone()), view.field);
        self.chronicle.consents.insert((spot, *view.values.of(loser), *view.values.of(take)));
        if view.is_form {
            for side in Side::BOTH {
                let form = (thing, view.field, side, *view.values.of(side), *view.values.of(side.other()));
                self.chronicle.forms.insert(form);
            }
        }
        // One decision about a rule of a pair is kept: the last.
        self.decisions.retain(|(of, known)| *of != thing || known.rule != view.rule);
        self.decisions.push((thing, view));
    }

    /// I15: what was decided, and has not changed since, does not wait any more.
    pub(super) fn judge_decisions(&mut self, waiting: &Waiting) {
        let Some(desk) = self.desk.clone() else { return };
        for (thing, view) in std::mem::take(&mut self.decisions) {
            let kind = thing.0;
            let Some(link) = desk.links.get(kind) else { continue };
            let stands = Side::BOTH.into_iter().all(|side| {
                let now = self.seen(link, side, kind, view.ids.of(side));
                now.is_some_and(|(now, _)| now == *view.seen.of(side))
            });
            let is_it = |row: &Attention| {
                row.id == *view.ids.of(row.side)
                    && decidable(row).is_some_and(|(rules, _)| rules.contains(&view.rule))
            };
            let is_open = waiting.iter().any(|(of, row)| *of == link.spec().id && is_it(row));
            if stands && is_open {
                // That the system refuses what was decided, or may have made another value of it, is another matter, of
                // which somebody hears.
                let is_refused = |row: &Attention| {
                    row.id == *view.ids.of(row.side)
                        && match &row.why {
                            AttentionWhy::Parked { reason, .. } => {
                                decidable(row).is_none() || *reason == ParkedAs::Suspected
                            }
                            AttentionWhy::Retry { .. } => true,
                            AttentionWhy::Hint { .. } | AttentionWhy::Conflict { .. } => false,
                        }
                };
                let is_refused = waiting.iter().any(|(of, row)| *of == link.spec().id && is_refused(row));
                let owed = !is_refused && !self.promises.is_lying();
                let words = format!("{} of {kind}.{} was decided and waits all the same", view.rule, thing.1);
                self.found(Harm::Unsettled, "I15", Side::Left, owed, words);
            }
        }
    }
}
