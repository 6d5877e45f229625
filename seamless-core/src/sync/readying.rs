//! From entries to operations that are ready to be sent: the pairs and partners as the state has them now, the values,
//! the precondition. What does not hold any more is dropped. Part of applying; the door is [`Applying::make_ready`].

use std::collections::BTreeMap;

use crate::connector::{Capabilities, DeleteGround, Target, Verb, WriteOp};
use crate::mapper::Ask;
use crate::merge::CompiledLink;
use crate::model::{Error, ErrorKind, FieldName, LinkId, Record, RecordId, Reference, Result, Side, Value};
use crate::plan::{
    Action, Attention, AttentionWhy, Entry, Pair, PairStatus, PlannedGround, PlannedRef, PlannedTarget,
    PlannedVerb,
};
use crate::store::Commit;

use super::acting::Batch;
use super::applying::Applying;
use super::fate::Ready;
use super::late_commit::kind;
use super::operation::{NOT_AS_LEFT, NOT_RELEASED, chosen_id, expects, goes_on, is_shape, patch};
use super::pair_now::{pair_key, stop_steps};

impl Applying<'_> {
    /// Makes operations of entries; those whose basis does not hold any more are dropped.
    pub(super) async fn make_ready(&mut self, entries: Vec<Entry>) -> Result<Option<Batch>> {
        let Some(first) = entries.first() else { return Ok(None) };
        let (link, side, of) = (self.link(&first.link)?, first.key.side, kind(first));
        let mut now = self.load(&link, &entries).await?;
        let mut commit = Commit::default();
        let partners = self.partners(&entries).await?;
        let capabilities = self.inner.capabilities(&link, side);
        let mut ready = Vec::with_capacity(entries.len());
        let stops = !link.moved(side).is_empty();
        for entry in entries {
            if let Err(why) = self.basis_holds(&entry, &now) {
                let goes_on = stops && goes_on(&entry);
                self.drop_entry(&entry, if goes_on { NOT_AS_LEFT } else { why }, &mut commit);
                if !goes_on || !self.is_tried_again(&entry, true).await? {
                    self.look_again(&entry, false, &mut commit);
                }
                continue;
            }
            let pair = pair_key(&entry).and_then(|key| now.get(&key)).and_then(|now| now.pair.as_ref());
            match self.prepare(&link, entry, pair, &partners, &capabilities)? {
                Ok(one) => ready.push(one),
                Err((entry, why)) => {
                    self.drop_entry(&entry, &why, &mut commit);
                    stop_steps(&link, &entry, &mut now);
                    if !self.is_tried_again(&entry, why == NOT_RELEASED).await? {
                        self.look_again(&entry, false, &mut commit);
                    }
                }
            }
        }
        Ok(Some(Batch { link, side, of, ready, now, commit }))
    }

    /// Whether a failure of the same pair is counted already, as it is when its record could not be made or could not let
    /// go of a unique value: to look again for its own sake would begin the count anew, and the record would never be
    /// parked. What could not be released `waits` where it is parked as well.
    async fn is_tried_again(&self, entry: &Entry, waits: bool) -> Result<bool> {
        let Some((side, id)) = pair_key(entry) else { return Ok(false) };
        let open = self.store().attention_of(&entry.link, side, &[id]).await?;
        let counts = |attention: &Attention| {
            matches!(&attention.why, AttentionWhy::Retry { failures, .. } if *failures > 0)
                || waits && matches!(&attention.why, AttentionWhy::Parked { .. })
        };
        Ok(open.iter().flatten().any(counts))
    }

    /// The partners that actions wait for, as the store knows them now.
    async fn partners(&self, entries: &[Entry]) -> Result<BTreeMap<Ask, RecordId>> {
        let mut asked: BTreeMap<(LinkId, Side), Vec<RecordId>> = BTreeMap::new();
        for action in entries.iter().filter_map(Entry::action) {
            let target = match &action.target {
                PlannedTarget::CreatedBy(wait) => Some(wait),
                PlannedTarget::Existing(_) | PlannedTarget::New => None,
            };
            for wait in action.waits_for.iter().chain(target) {
                let Ask::Partner { link, side, id } = wait.ask.clone();
                asked.entry((link, side)).or_default().push(id);
            }
        }
        let mut partners = BTreeMap::new();
        for ((link, side), mut ids) in asked {
            ids.sort();
            ids.dedup();
            let marks = self.store().marks_of(&link, side, &ids).await?;
            for (id, mark) in ids.into_iter().zip(marks) {
                if let Some(mark) = mark.filter(|mark| mark.status != PairStatus::Ended) {
                    let partner = mark.ids.of(side.other()).clone();
                    partners.insert(Ask::Partner { link: link.clone(), side, id }, partner);
                }
            }
        }
        Ok(partners)
    }

    /// Makes an operation of an action. The inner error is a reason to drop it.
    fn prepare(
        &self,
        link: &CompiledLink,
        entry: Entry,
        pair: Option<&Pair>,
        partners: &BTreeMap<Ask, RecordId>,
        capabilities: &Capabilities,
    ) -> Result<std::result::Result<Ready, (Entry, String)>> {
        let Some(action) = entry.action() else {
            return Err(Error::new(ErrorKind::Internal, "an effect stands where an action is expected"));
        };
        let waits_for = "what it refers to was not created";
        let target = match &action.target {
            PlannedTarget::Existing(id) => Target::Existing(id.clone()),
            PlannedTarget::New => Target::New(chosen_id(capabilities, action.id)),
            PlannedTarget::CreatedBy(wait) => match partners.get(&wait.ask) {
                Some(id) => Target::Existing(id.clone()),
                None => return Ok(Err((entry, waits_for.to_owned()))),
            },
        };
        let shape = link.shape(action.side);
        let patch = match action.changes.known().filter(|known| is_shape(known, shape)) {
            Some(known) => known.clone(),
            None => {
                let Some(values) = self.values(action, partners)? else {
                    return Ok(Err((entry, waits_for.to_owned())));
                };
                patch(shape, &values)?
            }
        };
        let mut sent = (!is_shape(&patch, shape)).then(|| patch.reshaped(shape));
        let expects = match expects(link, &entry, action, pair, capabilities)? {
            Ok(expects) => expects,
            Err(why) => return Ok(Err((entry, why.to_owned()))),
        };
        let verb = match &action.verb {
            PlannedVerb::Create => Verb::Create,
            PlannedVerb::Update => Verb::Update,
            PlannedVerb::Delete(PlannedGround::Absent(proof)) => {
                Verb::Delete(DeleteGround::Absent(proof.clone()))
            }
            PlannedVerb::Delete(PlannedGround::LeftScope) => Verb::Delete(DeleteGround::LeftScope),
            PlannedVerb::Action { name, .. } => Verb::Action(name.clone()),
        };
        // An action carries no values: what it leads to is what it is known by.
        let patch = match &verb {
            Verb::Action(_) => {
                sent = sent.or(Some(patch));
                Record::absent(shape)
            }
            Verb::Create | Verb::Update | Verb::Delete(_) => patch,
        };
        let op = WriteOp { id: action.id, target, verb, patch, expects };
        Ok(Ok(Ready { entry, op, sent }))
    }

    /// What an action sends, by field; `None` where something that it refers to was not created.
    fn values<'e>(
        &self,
        action: &'e Action,
        partners: &BTreeMap<Ask, RecordId>,
    ) -> Result<Option<Vec<(&'e FieldName, Value)>>> {
        let mut values = Vec::with_capacity(action.changes.len());
        for change in action.changes.iter() {
            let value = match change.after {
                PlannedRef::Known(value) => value.to_value(),
                PlannedRef::TargetDecides => continue,
                PlannedRef::ResultOf(id) => {
                    let wait = action.waits_for.iter().find(|wait| wait.action == id);
                    let Some((wait, partner)) = wait.and_then(|wait| Some((wait, partners.get(&wait.ask)?)))
                    else {
                        return Ok(None);
                    };
                    self.reference(action.side, &wait.ask, partner)?
                }
            };
            values.push((change.field, value));
        }
        Ok(Some(values))
    }

    /// A reference to a record that an earlier action made.
    fn reference(&self, side: Side, ask: &Ask, partner: &RecordId) -> Result<Value> {
        let Ask::Partner { link, .. } = ask;
        let link = self.link(link)?;
        let entity = link.spec().entity.of(side).clone();
        Ok(Value::Reference(Reference { entity, id: partner.clone() }.into()))
    }
}
