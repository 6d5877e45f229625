//! Writing to a system: a batch of actions as operations, their outcomes, and finding out what became of those that
//! nobody answered for. Part of applying; the door is [`Applying::act`].

use std::sync::Arc;
use std::time::Duration;

use futures::join;

use crate::connector::{
    Connector, Expects, FetchBy, FetchQuery, Lookup, Proof, Refusal, RefusalKind, Target, UniqueKey, Verb,
    WriteBatch, WriteOutcome,
};
use crate::merge::CompiledLink;
use crate::model::{Error, ErrorKind, FieldName, Result, Retry, Side};
use crate::plan::{Attention, AttentionWhy, Entry, EntryKey, PairStatus, ParkedAs, Reason, attempt_name};
use crate::store::{AttentionKind, Commit};

use super::ahead;
use super::applying::{Applying, is_create, never};
use super::fate::{Fate, Ready, is_put_off};
use super::integration::Inner;
use super::late_commit::{CameTo, Kind, Spent, names};
use super::operation::{changed_rules, settled_rules};
use super::pair_now::{PairNow, PairsNow, close_carried, pair_key, put_pairs, stop_steps};
use super::progress::Event;
use super::set_off::bypassed;
use super::settle::{Written, overtake};

/// Batches that may fail as a whole, one after the other, before applying gives up: the system is down.
const BATCHES_FAILED_MAX: u32 = 3;

/// Rounds of sending a batch again after finding out that nothing of it happened.
const SENDS_MAX: u32 = 2;

/// A batch of actions that is ready to be sent.
pub(super) struct Batch {
    pub(super) link: Arc<CompiledLink>,
    pub(super) side: Side,
    pub(super) of: Kind,
    pub(super) ready: Vec<Ready>,
    pub(super) now: PairsNow,
    /// What was decided before anything was sent: entries that are dropped.
    pub(super) commit: Commit,
}

/// A batch of actions that was sent, and what became of each.
pub(super) struct Acted {
    pub(super) link: Arc<CompiledLink>,
    pub(super) ready: Vec<Ready>,
    fates: Vec<Fate>,
    now: PairsNow,
    pub(super) commit: Commit,
}

impl Batch {
    fn acted(self, fates: Vec<Fate>) -> Acted {
        let Self { link, ready, now, commit, .. } = self;
        Acted { link, ready, fates, now, commit }
    }

    fn keys(&self) -> Vec<EntryKey> {
        self.ready.iter().map(|one| one.entry.key.clone()).collect()
    }
}

impl Applying<'_> {
    /// Carries out actions on one side of one link: makes them ready and their intents durable while the batch before is
    /// written, and leaves them to be sent beside the next one.
    pub(super) async fn act(&mut self, entries: Vec<Entry>) -> Result<()> {
        let Some(first) = entries.first() else { return Ok(()) };
        let rank = first.key.rank;
        self.make_way(&entries).await?;
        self.send_next(Some(entries)).await?;
        match self.may_overlap(rank) {
            true => Ok(()),
            false => self.send_next(None).await,
        }
    }

    /// Finds out what became of actions that may have been sent before, sends again what did not happen, and ends them.
    pub(super) async fn recover(&mut self, entries: Vec<Entry>) -> Result<()> {
        let Some(batch) = self.make_ready(entries).await? else { return Ok(()) };
        let (link, side) = (Arc::clone(&batch.link), batch.side);
        let mut fates = Vec::with_capacity(batch.ready.len());
        for one in &batch.ready {
            fates.push(self.fate_of(&link, side, one).await?);
        }
        let fates = self.send_again(&link, side, &batch.ready, fates).await?;
        let (commit, _) = self.end_all(batch.acted(fates));
        self.commit(commit).await
    }

    /// Sends the batch that waits to be sent. Meanwhile what the one before it came to is committed, then the entries
    /// that come next are made ready and their intents durable. Of no more than two batches intents are open at once.
    pub(super) async fn send_next(&mut self, entries: Option<Vec<Entry>>) -> Result<()> {
        let Some(batch) = self.next.take() else {
            self.next = self.commit_and_intend(entries).await?;
            return Ok(());
        };
        let (link, side) = (Arc::clone(&batch.link), batch.side);
        let bypass = bypassed(&self.sets_off, &link, side);
        let writing = written(self.inner, &link, side, &batch.ready, bypass);
        let mut coming = self.ahead.take();
        // The side writes and the store reads on while the batch before is settled and committed: they are polled first.
        let (outcomes, (), next) =
            join!(writing, ahead::fill(&mut coming), async { self.commit_and_intend(entries).await });
        self.ahead = coming;
        match next {
            Ok(next) => self.next = next,
            Err(error) => return self.keep_answers(batch, outcomes, error).await,
        }
        let fates = self.judge(&link, side, &batch.ready, outcomes).await?;
        let fates = self.send_again(&link, side, &batch.ready, fates).await?;
        let (of, names) = (batch.of.clone(), names(&batch.now));
        self.put_off(of, names, CameTo::Acted(batch.acted(fates))).await
    }

    /// Commits what the batch before came to, beside making the next one ready, which speaks of none of its pairs; then
    /// makes the intents of that one durable.
    async fn commit_and_intend(&mut self, entries: Option<Vec<Entry>>) -> Result<Option<Batch>> {
        let late = self.take_late();
        let Some(entries) = entries else { return late.done().await.map(|()| None) };
        // The store looks the pairs up before it commits: they are polled in this order.
        let (next, committed) = join!(self.make_ready(entries), late.done());
        committed?;
        let next = next?;
        if let Some(batch) = &next {
            self.intend(&batch.ready).await?;
        }
        Ok(next)
    }

    /// Takes back the intents of a batch that was not sent. Where that fails, the next run finds out that it was not.
    pub(super) async fn withdraw_next(&mut self) {
        let Some(batch) = self.next.take() else { return };
        if let Err(error) = self.store().withdraw(&self.keeper.lease, self.plan, &batch.keys()).await {
            tracing::debug!(%error, "intents that were not sent could not be taken back");
        }
    }

    async fn intend(&self, ready: &[Ready]) -> Result<()> {
        if ready.is_empty() {
            return Ok(());
        }
        let keys: Vec<EntryKey> = ready.iter().map(|one| one.entry.key.clone()).collect();
        self.store().intend(&self.keeper.lease, self.plan, &keys).await.map(drop)
    }

    /// Ends a batch of actions as their fates say; gives them back as well.
    pub(super) fn end_all(&mut self, acted: Acted) -> (Commit, Spent) {
        let Acted { link, ready, fates, mut now, mut commit } = acted;
        for (one, fate) in ready.iter().zip(fates) {
            self.end(&link, one, fate, &mut now, &mut commit);
        }
        put_pairs(&link, now, &mut commit);
        (commit, ready)
    }

    /// Ends what was answered of a batch that was under way when the commit of the one before failed, since the store may
    /// work again: the batches do not depend on each other. What has no answer keeps its intent and is found out about.
    async fn keep_answers(
        &mut self,
        mut batch: Batch,
        outcomes: Result<Vec<WriteOutcome>>,
        error: Error,
    ) -> Result<()> {
        let Some(outcomes) = outcomes.ok().filter(|outcomes| outcomes.len() == batch.ready.len()) else {
            return Err(error);
        };
        let answered = |fate: &Fate| !matches!(fate, Fate::SendAgain | Fate::Undecidable);
        let ready = std::mem::take(&mut batch.ready).into_iter().zip(outcomes);
        let fates = ready.map(|(one, outcome)| {
            let fate = one.answered(outcome);
            (one, fate)
        });
        let (ready, fates) = fates.filter(|(_, fate)| answered(fate)).unzip();
        let (commit, _) = self.end_all(Batch { ready, ..batch }.acted(fates));
        if let Err(again) = self.commit(commit).await {
            tracing::warn!(error = %again, "what was answered meanwhile could not be committed either");
        }
        Err(error)
    }

    /// Makes the intents durable, then sends.
    async fn send(&mut self, link: &Arc<CompiledLink>, side: Side, ready: &[Ready]) -> Result<Vec<Fate>> {
        self.intend(ready).await?;
        let outcomes = written(self.inner, link, side, ready, bypassed(&self.sets_off, link, side)).await;
        self.judge(link, side, ready, outcomes).await
    }

    /// What became of a batch, from its answers; what has none is found out about.
    async fn judge(
        &mut self,
        link: &CompiledLink,
        side: Side,
        ready: &[Ready],
        outcomes: Result<Vec<WriteOutcome>>,
    ) -> Result<Vec<Fate>> {
        if ready.is_empty() {
            return Ok(Vec::new());
        }
        let outcomes = match outcomes {
            Ok(outcomes) if outcomes.len() == ready.len() => outcomes,
            Ok(outcomes) => {
                let message = format!("{} outcomes for {} operations", outcomes.len(), ready.len());
                let broken = || Error::new(ErrorKind::Internal, message.clone());
                return self
                    .find_out(link, side, ready, (0..ready.len()).map(|_| Some(broken())).collect())
                    .await;
            }
            Err(error) => return self.batch_failed(ready, error),
        };
        self.batches_failed = 0;
        let mut unanswered: Vec<Option<Error>> = Vec::with_capacity(ready.len());
        let mut fates = Vec::with_capacity(ready.len());
        for (one, outcome) in ready.iter().zip(outcomes) {
            let (fate, unknown) = match outcome {
                WriteOutcome::Applied { id, proof } => {
                    self.inner.doubt_write(link, side, &one.op, &id, &proof);
                    (self.came_to(link, side, one, id, proof).await?, None)
                }
                WriteOutcome::Refused(refusal) => (self.refused(link, side, one, refusal).await?, None),
                WriteOutcome::Ambiguous(error) => (Fate::Undecidable, Some(error)),
            };
            fates.push(fate);
            unanswered.push(unknown);
        }
        if unanswered.iter().all(Option::is_none) {
            return Ok(fates);
        }
        let found = self.find_out(link, side, ready, unanswered).await?;
        let choose =
            |(fate, found): (Fate, Fate)| if matches!(fate, Fate::Undecidable) { found } else { fate };
        Ok(fates.into_iter().zip(found).map(choose).collect())
    }

    /// What a refusal means. A create whose key is taken by a record that nobody has paired and that holds everything
    /// that was to be sent arrived earlier: the key is one that the mapping writes, so nobody but us would have chosen
    /// the same values for it.
    async fn refused(&self, link: &CompiledLink, side: Side, one: &Ready, refusal: Refusal) -> Result<Fate> {
        let RefusalKind::KeyTaken { by: Some(by) } = &refusal.why else { return Ok(one.refused(refusal)) };
        if !matches!(one.op.verb, Verb::Create) || one.is_own_id(by) {
            return Ok(one.refused(refusal));
        }
        let ids = [by.clone()];
        let mark = self.store().marks_of(&link.spec().id, side, &ids).await?;
        if mark.into_iter().flatten().any(|mark| mark.status != PairStatus::Ended) {
            return Ok(one.refused(refusal));
        }
        match self.fetch_one(link, side, FetchBy::Ids(ids.to_vec())).await? {
            Lookup::Found(held) if one.is_held_by(link, side, &held) => {
                Ok(Fate::Done(held.id.clone(), Proof::None))
            }
            _ => Ok(one.refused(refusal)),
        }
    }

    /// Nothing of a batch happened. Each of its records fails; when batch after batch does, the system is down and
    /// applying stops where it is.
    fn batch_failed(&mut self, ready: &[Ready], error: Error) -> Result<Vec<Fate>> {
        self.batches_failed += 1;
        let waits = matches!(error.retry(), Retry::Later | Retry::After(_));
        if waits && self.batches_failed >= BATCHES_FAILED_MAX {
            return Err(error);
        }
        let message = error.to_string();
        let (kind, retry) = (error.kind(), error.retry());
        Ok(ready.iter().map(|_| Fate::Failed(Error::new(kind, message.clone()).with_retry(retry))).collect())
    }

    /// Finds out about operations that have no answer. The fates of the others mean nothing: the caller knows better.
    async fn find_out(
        &self,
        link: &CompiledLink,
        side: Side,
        ready: &[Ready],
        unanswered: Vec<Option<Error>>,
    ) -> Result<Vec<Fate>> {
        let mut fates = Vec::with_capacity(ready.len());
        for (one, unknown) in ready.iter().zip(unanswered) {
            fates.push(match unknown {
                None => Fate::SendAgain,
                Some(error) => {
                    tracing::warn!(action = %one.op.id, %error, "nobody knows whether it happened; finding out");
                    self.fate_of(link, side, one).await?
                }
            });
        }
        Ok(fates)
    }

    /// Sends again what certainly did not happen; the same conditional request, so that a late first copy fails.
    async fn send_again(
        &mut self,
        link: &Arc<CompiledLink>,
        side: Side,
        ready: &[Ready],
        mut fates: Vec<Fate>,
    ) -> Result<Vec<Fate>> {
        let by_id = self.inner.capabilities(link, side).unique_key == UniqueKey::ClientChosenId;
        for _ in 0..SENDS_MAX {
            let again: Vec<usize> =
                (0..fates.len()).filter(|at| matches!(fates.get(*at), Some(Fate::SendAgain))).collect();
            if again.is_empty() {
                return Ok(fates);
            }
            let batch: Vec<Ready> = again.iter().filter_map(|at| ready.get(*at)).map(Ready::copy).collect();
            let results = self.send(link, side, &batch).await?;
            for ((at, one), fate) in again.into_iter().zip(&batch).zip(results) {
                if let Some(place) = fates.get_mut(at) {
                    *place = match fate {
                        // That it cannot be sent again now says nothing of the first one, and another plan would choose
                        // another id.
                        Fate::Failed(error) if one.op.verb == Verb::Create && is_put_off(&error) => {
                            match by_id {
                                true => Fate::Undecidable,
                                false => Fate::PutOff(error),
                            }
                        }
                        fate => fate,
                    };
                }
            }
        }
        Ok(fates)
    }

    /// What became of an action that may have been sent: the target is asked by id or by key, and what it holds now is
    /// compared with what was sent. One fetch per action, so it is asked only where there was no answer.
    async fn fate_of(&self, link: &CompiledLink, side: Side, one: &Ready) -> Result<Fate> {
        match (&one.op.verb, &one.op.target) {
            (Verb::Create, _) | (_, Target::New(_)) => self.fate_of_create(link, side, one).await,
            (verb, Target::Existing(id)) => {
                let found = self.fetch_one(link, side, FetchBy::Ids(vec![id.clone()])).await?;
                Ok(match (verb, found) {
                    (Verb::Delete(_), Lookup::Gone(_) | Lookup::Hidden) => {
                        Fate::Done(id.clone(), Proof::None)
                    }
                    (Verb::Delete(_), Lookup::Found(held)) => match &one.op.expects {
                        Expects::Version(version) if held.version.as_ref() != Some(version) => {
                            Fate::Superseded("it was changed before it could be deleted".to_owned())
                        }
                        _ => Fate::SendAgain,
                    },
                    (_, Lookup::Found(held)) => one.fate_of_update(link, side, &held),
                    (_, Lookup::Gone(_) | Lookup::Hidden) => {
                        Fate::Superseded("the record is not there any more".to_owned())
                    }
                    (_, Lookup::Several(_) | Lookup::Unanswered) => Fate::Undecidable,
                })
            }
        }
    }

    /// A create can be sent again where the target itself refuses or recognises the second one (an idempotency key, an
    /// id of ours, a unique key). Otherwise the record is looked for by key and then by the match lines; what is found,
    /// has no partner and holds any of what was sent is ours. One that holds nothing of it is matched by the next plan.
    async fn fate_of_create(&self, link: &CompiledLink, side: Side, one: &Ready) -> Result<Fate> {
        let capabilities = self.inner.capabilities(link, side);
        if capabilities.idempotency_key {
            return Ok(Fate::SendAgain);
        }
        let key = match &capabilities.unique_key {
            // The id is ours: the same create again meets its own record, or makes it.
            UniqueKey::ClientChosenId => return Ok(Fate::SendAgain),
            UniqueKey::Fields(fields) => one.values_of(fields).map(|values| (fields.clone(), values, true)),
            UniqueKey::None => None,
        };
        let by_match = link.spec().matching.iter().filter_map(|line| {
            let fields: Vec<FieldName> =
                line.fields.iter().map(|field| field.field.of(side).clone()).collect();
            let values = one.values_of(&fields)?;
            Some((fields, values, false))
        });
        for (fields, values, enforced) in key.into_iter().chain(by_match) {
            let by = FetchBy::Key { fields: fields.clone(), values: vec![values] };
            match self.fetch_one(link, side, by).await? {
                Lookup::Found(found) => {
                    let ids = [found.id.clone()];
                    let mark = self.store().marks_of(&link.spec().id, side, &ids).await?;
                    let is_paired = mark.into_iter().flatten().any(|mark| mark.status != PairStatus::Ended);
                    return Ok(match is_paired {
                        true => Fate::Undecidable,
                        false if one.is_likely(link, side, &found, &fields) => {
                            Fate::Done(found.id.clone(), Proof::None)
                        }
                        false => Fate::Superseded("somebody else made a record of its key".to_owned()),
                    });
                }
                Lookup::Gone(_) | Lookup::Hidden if enforced => return Ok(Fate::SendAgain),
                Lookup::Several(found) => {
                    self.inner.doubt_key(link, side, &fields, &found);
                    return Ok(Fate::Undecidable);
                }
                Lookup::Gone(_) | Lookup::Hidden | Lookup::Unanswered => {}
            }
        }
        Ok(Fate::Undecidable)
    }

    pub(super) async fn fetch_one(&self, link: &CompiledLink, side: Side, by: FetchBy) -> Result<Lookup> {
        let entity = link.spec().entity.of(side).clone();
        let query = FetchQuery { entity, shape: link.shape(side).clone(), by };
        let mut found = self.inner.following.of(side).fetch(query).await?.into_iter();
        Ok(found.next().unwrap_or(Lookup::Unanswered))
    }

    /// Ends an action as its fate says.
    fn end(&mut self, link: &CompiledLink, one: &Ready, fate: Fate, now: &mut PairsNow, commit: &mut Commit) {
        let entry = &one.entry;
        let happened = matches!(fate, Fate::Done(..));
        self.end_as(link, one, fate, now, commit);
        if !happened {
            stop_steps(link, entry, now);
        }
    }

    fn end_as(
        &mut self,
        link: &CompiledLink,
        one: &Ready,
        fate: Fate,
        now: &mut PairsNow,
        commit: &mut Commit,
    ) {
        let entry = &one.entry;
        match fate {
            Fate::Done(id, proof) => {
                let written = Written { id: &id, proof: &proof, sent: one.sent() };
                if let Some(pair_now) = pair_key(entry).map(|key| now.entry(key).or_default()) {
                    // That a record was opened or brought back says nothing of what could not be written to it.
                    let ends = entry
                        .action()
                        .is_none_or(|action| !matches!(action.reason, Reason::Opened | Reason::ClosedAgain));
                    if ends && !pair_now.open.is_empty() {
                        pair_now.close(&settled_rules(link, entry));
                        pair_now.close_whole_record();
                    }
                    if let Some(action) = entry.action() {
                        pair_now.note_opened(action, self.inner.clock.now());
                    }
                    self.settle(link, entry, pair_now, Some(written));
                    self.use_decisions(link, entry, commit);
                    let tried = ends
                        && pair_now.open.iter().any(|open| {
                            matches!(open.why, AttentionWhy::Retry { .. } | AttentionWhy::Hint { .. })
                        });
                    if let (true, Some((side, id))) = (tried, pair_key(entry)) {
                        commit.settled.push((entry.link.clone(), side, id.clone(), AttentionKind::Retry));
                        commit.settled.push((entry.link.clone(), side, id, AttentionKind::Hint));
                    }
                }
                self.report.written += 1;
                commit.endings.push(self.applied(entry, Some(id), self.inner.clock.now()));
            }
            Fate::Superseded(why) => {
                self.drop_entry(entry, &why, commit);
                // A record of its key may be ours all the same: a user may have changed the rest of it.
                self.look_again(entry, is_create(entry), commit);
            }
            Fate::Overtaken(why) => {
                let pair_now = pair_key(entry).and_then(|key| now.get_mut(&key));
                if let (Some(PairNow { pair: Some(pair), changed, .. }), Some(action)) =
                    (pair_now, entry.action())
                {
                    *changed |= overtake(link, action, pair);
                }
                self.drop_entry(entry, why, commit);
                self.look_again(entry, false, commit);
            }
            Fate::Failed(error) => {
                close_carried(link, entry, now);
                self.failed(entry, error, false, now, commit);
            }
            Fate::PutOff(error) => self.failed(entry, error, true, now, commit),
            Fate::SendAgain => {
                let error = Error::new(ErrorKind::Unavailable, "it was sent twice and did not arrive");
                self.failed(entry, error, is_create(entry), now, commit);
            }
            Fate::Undecidable if is_create(entry) => {
                let why = "nobody knows whether the record was created, and the target does not tell";
                self.drop_entry(entry, why, commit);
                let remedy = "look for it in the target; then retry this record, or delete the duplicate";
                self.park(entry, ParkedAs::AmbiguousCreate, why, remedy, now, commit);
            }
            Fate::Undecidable => {
                let error = Error::new(ErrorKind::Unavailable, "nobody knows whether it happened");
                self.failed(entry, error, false, now, commit);
            }
        }
    }

    /// A failure of one record: tried again after a delay, parked when it fails again in the same way. With `unanswered`,
    /// an earlier sending of this create was not answered; that is kept until the record has a partner.
    fn failed(
        &mut self,
        entry: &Entry,
        error: Error,
        unanswered: bool,
        now: &mut PairsNow,
        commit: &mut Commit,
    ) {
        let (message, rules) = (error.message_with_causes(), changed_rules(entry));
        let open =
            pair_key(entry).and_then(|key| now.get(&key)).map(|now| now.open.as_slice()).unwrap_or_default();
        let before = open.iter().find_map(|open| match &open.why {
            AttentionWhy::Retry { failures, failure, rules: of, .. }
                if *failure == message && *of == rules =>
            {
                Some(*failures)
            }
            _ => None,
        });
        let unanswered = unanswered || open.iter().any(Attention::may_have_arrived);
        let failures = before.unwrap_or(0) + 1;
        let waits = matches!(error.retry(), Retry::Later | Retry::After(_));
        let parked = failures >= self.inner.options.failures_max && !waits;
        let side = entry.key.side;
        self.inner.observer.event(&Event::RecordFailed {
            link: &entry.link,
            side,
            message: &message,
            parked,
        });
        self.drop_entry(entry, &message, commit);
        if parked {
            let remedy =
                error.remedy().unwrap_or("correct the record or the mapping; then retry this record");
            let attempt = ParkedAs::Refused(entry.action().map(attempt_name));
            return self.park(entry, attempt, &message, remedy, now, commit);
        }
        let Some((side, id)) = pair_key(entry) else { return };
        let at = self.inner.clock.now();
        let wait = match error.retry() {
            Retry::After(wait) => wait,
            Retry::Later | Retry::Never => self.delay(failures),
        };
        let due =
            chrono::TimeDelta::from_std(wait).ok().and_then(|wait| at.checked_add_signed(wait)).unwrap_or(at);
        let why = AttentionWhy::Retry { failures, failure: message, rules, unanswered };
        commit.attention.push((entry.link.clone(), Attention { side, id, why, due, since: at }));
    }

    /// The wait before the next attempt: doubled with each failure, up to the limit of the options.
    fn delay(&self, failures: u32) -> Duration {
        let options = &self.inner.options;
        let doublings = failures.saturating_sub(1).min(20);
        options.retry_delay.saturating_mul(1 << doublings).min(options.retry_delay_max)
    }

    fn park(
        &self,
        entry: &Entry,
        reason: ParkedAs,
        message: &str,
        remedy: &str,
        now: &mut PairsNow,
        commit: &mut Commit,
    ) {
        let Some((side, id)) = pair_key(entry) else { return };
        let at = self.inner.clock.now();
        let attention = Attention {
            side,
            id: id.clone(),
            why: AttentionWhy::Parked {
                reason,
                rules: changed_rules(entry),
                message: message.to_owned(),
                remedy: remedy.to_owned(),
                suspicion: None,
            },
            due: never(),
            since: at,
        };
        commit.settled.push((entry.link.clone(), side, id.clone(), AttentionKind::Retry));
        // Who asked for another try has had it; a hint that stayed would send the same again with every plan.
        commit.settled.push((entry.link.clone(), side, id.clone(), AttentionKind::Hint));
        let pair_now = now.entry((side, id)).or_default();
        pair_now.open_up(attention);
        pair_now.mark_watched();
    }
}

/// Writes a batch to its side. Holds nothing of the applying, which goes on beside it.
async fn written(
    inner: &Inner,
    link: &CompiledLink,
    side: Side,
    ready: &[Ready],
    bypass: Vec<String>,
) -> Result<Vec<WriteOutcome>> {
    if ready.is_empty() {
        return Ok(Vec::new());
    }
    let batch = WriteBatch { ops: ready.iter().map(|one| one.op.clone()).collect(), bypass };
    inner.following.of(side).write(link.spec().entity.of(side), batch).await
}
