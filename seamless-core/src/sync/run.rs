//! What a host calls: plan, apply, run, and everything a person decides in between. It takes the lease and gives it
//! back; the work itself is in `planning` and `applying`. The doors are the methods of [`Integration`].

use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::time::Duration;

use crate::connector::Capability;
use crate::model::{EntityName, Error, ErrorKind, GuardId, LinkId, PlanId, RecordId, Result, Side, Version};
use crate::plan::{
    Attention, AttentionWhy, FormProposal, PlanHead, Proposals, Trailer, Verifier, is_of_identity,
};
use crate::store::{Approval, Binding, Bound, Lease, Pause, PlanRow, PlanState, Scan};

use super::applying::{Applied, apply_plan, is_create};
use super::integration::Integration;
use super::making::LeaseKeeper;
use super::plan_handle::{Approved, Lines, Plan};
use super::planning::make_plan;

/// What one [`Integration::run`] came to.
#[derive(Clone, Debug, Default)]
pub struct RunReport {
    /// The plans that were made or gone on with, in order, with what applying them came to; `None` for one that was
    /// not approved.
    pub plans: Vec<(PlanId, Trailer, Option<Applied>)>,
    /// Whether the last plan had nothing left to do.
    pub quiet: bool,
}

/// What stands open in an integration.
#[derive(Clone, Debug, Default)]
pub struct Status {
    /// Per link: pairs that are kept in step or frozen.
    pub pairs: BTreeMap<LinkId, u64>,
    /// Everything that waits, with its link: the first thousand of each link.
    pub waiting: Vec<(LinkId, Attention)>,
    /// Forms that the systems seem to keep values in, as far as what waits tells.
    pub forms: Vec<FormProposal>,
    /// Declared capabilities that were seen to be false since the process began.
    pub doubted: Vec<(Side, EntityName, Capability)>,
    /// The plan that is being applied.
    pub applying: Option<PlanId>,
    /// The pause that is in force.
    pub pause: Option<Pause>,
}

/// Waiting items that a status names per link.
const STATUS_ROWS_MAX: usize = 1000;

/// Writes in flight that are looked at at once.
const INTENTS_LOOKED_AT: usize = 100;

impl Integration {
    /// Makes a plan. Reads both systems and the state; writes nothing but the plan.
    ///
    /// Errors: the connectors' and the store's; of kind [`ErrorKind::Conflict`] while another run works on the
    /// integration or an approved plan waits to be gone on with ([`Integration::resume`]).
    pub async fn plan(&self) -> Result<Plan> {
        let keeper = self.lease().await?;
        let made = self.plan_under(&keeper, &mut Lines::nowhere()).await;
        self.release(&keeper, made).await
    }

    /// As [`Integration::plan`], and writes the plan as JSON Lines while it is sealed, as [`Plan::write_jsonl`] does
    /// afterwards. What was written before an error is not a plan: it has no trailer, and opening it is refused.
    ///
    /// Errors: as [`Integration::plan`], and the writer's.
    pub async fn plan_into(&self, out: &mut (dyn Write + Send)) -> Result<Plan> {
        let keeper = self.lease().await?;
        let made = self.plan_under(&keeper, &mut Lines::to(out)).await;
        self.release(&keeper, made).await
    }

    async fn plan_under(&self, keeper: &LeaseKeeper, out: &mut Lines<'_>) -> Result<Plan> {
        if let Some(adopted) = self.inner.store.adopted(&self.inner.partition).await? {
            let message = format!("plan {adopted} was approved and is not applied to its end");
            return Err(Error::new(ErrorKind::Conflict, message).with_remedy("go on with it first: run"));
        }
        let (head, trailer) = make_plan(&self.inner, keeper, out).await?;
        Ok(Plan::new(self.clone(), head, trailer))
    }

    /// Applies an approved plan: exactly that, and nothing else.
    ///
    /// Errors: of kind [`ErrorKind::Conflict`] when the state or the mapping moved since the plan was made, of kind
    /// [`ErrorKind::Configuration`] when it was made for other systems, both before anything is approved or written;
    /// otherwise what stopped it. After an error the plan can be gone on with ([`Integration::resume`]).
    pub async fn apply(&self, approved: Approved) -> Result<Applied> {
        let keeper = self.lease().await?;
        let applied = self.apply_under(&keeper, approved).await;
        self.release(&keeper, applied).await
    }

    async fn apply_under(&self, keeper: &LeaseKeeper, approved: Approved) -> Result<Applied> {
        let Approved { plan, digest, by, overrides } = approved;
        let row = self.known_plan(&plan).await?;
        self.check_systems(&row.head)?;
        if row.head.configuration != self.inner.configuration {
            return Err(Error::new(
                ErrorKind::Conflict,
                "the mapping is not the one that the plan was made with",
            )
            .at("plan", &plan)
            .with_remedy("make a new plan"));
        }
        let foreign = self.is_foreign(&row, &overrides).await?;
        if row.state != PlanState::Adopted {
            let overrides = overrides.iter().map(ToString::to_string).collect();
            let approval = Approval { plan: plan.clone(), digest, by, at: self.inner.clock.now(), overrides };
            self.inner.store.adopt(&keeper.lease, &approval).await?;
        }
        self.tie(keeper, foreign).await?;
        apply_plan(&self.inner, keeper, &plan).await
    }

    /// Goes on with a plan that was approved and not applied to its end: after a crash, an error or a pause. `None`
    /// when there is none, or when the rest of it was given up because the mapping is another one by now.
    ///
    /// Errors: as for [`Integration::apply`]; of kind [`ErrorKind::Conflict`] while another run works on the
    /// integration, or when the mapping is another one and nobody knows whether records of the plan were created.
    pub async fn resume(&self) -> Result<Option<Applied>> {
        let keeper = self.lease().await?;
        let resumed = self.resume_under(&keeper).await;
        self.release(&keeper, resumed).await
    }

    async fn resume_under(&self, keeper: &LeaseKeeper) -> Result<Option<Applied>> {
        match self.left_over(keeper).await? {
            Some(row) => apply_plan(&self.inner, keeper, &row.head.id).await.map(Some),
            None => Ok(None),
        }
    }

    /// The plan that was approved and not applied to its end, if it can still be gone on with.
    ///
    /// A plan speaks of rules by their place in the mapping it was made with. Under another mapping the rest of it is
    /// given up: the cursors are its last entries, so the next plan reads all of it again and finds what is left to
    /// do. Only a create that nobody answered for would then be made a second time; it has to be found out about first.
    async fn left_over(&self, keeper: &LeaseKeeper) -> Result<Option<PlanRow>> {
        let store = &self.inner.store;
        let Some(id) = store.adopted(&self.inner.partition).await? else { return Ok(None) };
        let row = self.known_plan(&id).await?;
        self.check_systems(&row.head)?;
        if row.head.configuration == self.inner.configuration {
            // A crash may have come between the yes and what it means for the state.
            let said = row.approval.iter().flat_map(|approval| &approval.overrides);
            let overrides: Vec<GuardId> = said.map(|guard| GuardId::from(guard.as_str())).collect();
            let foreign = self.is_foreign(&row, &overrides).await?;
            self.tie(keeper, foreign).await?;
            return Ok(Some(row));
        }
        let mut after = None;
        loop {
            let page = store.open_intents(&id, Scan { after, rows_max: INTENTS_LOOKED_AT }).await?;
            if page.rows.iter().any(|row| is_create(&row.entry)) {
                let message = "the mapping changed while records of a plan were being created";
                return Err(Error::new(ErrorKind::Conflict, message)
                    .at("plan", &id)
                    .with_remedy("put the mapping back as it was, run, then change it"));
            }
            after = page.rows.last().map(|row| row.entry.key.clone());
            if !page.more {
                break;
            }
        }
        store.complete(&keeper.lease, &id, PlanState::Abandoned, self.inner.clock.now()).await?;
        Ok(None)
    }

    /// Whether the state is of other systems than those of a plan, which a person said to be the same.
    async fn is_foreign(&self, row: &PlanRow, overrides: &[GuardId]) -> Result<bool> {
        match self.inner.store.bind(&self.inner.binding()).await? {
            Bound::Foreign(before) => self.check_said(&before, row, overrides).map(|()| true),
            Bound::First | Bound::Same | Bound::Reconfigured(_) => Ok(false),
        }
    }

    /// Ties the state to the systems and the configuration of a plan that was approved, before anything of it happens.
    /// Nothing where it is tied to them already.
    async fn tie(&self, keeper: &LeaseKeeper, foreign: bool) -> Result<()> {
        let (store, binding, at) = (&self.inner.store, self.inner.binding(), self.inner.clock.now());
        match foreign {
            true => store.rehome(&keeper.lease, &binding, at).await,
            false => store.rebind(&keeper.lease, &binding, at).await,
        }
    }

    /// Refuses a plan over a state of other systems, unless its guards said so and a person overrode them.
    fn check_said(&self, before: &Binding, row: &PlanRow, overrides: &[GuardId]) -> Result<()> {
        for side in Side::BOTH {
            let (was, now) = (before.systems.of(side), &self.inner.connectors.of(side).info().identity);
            if was == now {
                continue;
            }
            let trips = row.trailer.iter().flat_map(|trailer| &trailer.guards);
            let mut said = trips.filter(|trip| trip.side == Some(side) && is_of_identity(trip)).peekable();
            if said.peek().is_none() || said.any(|trip| !overrides.contains(&trip.guard)) {
                let name = self.inner.names.of(side);
                let message = format!("the state belongs to another system: {name} was {was}, it is {now}");
                return Err(Error::configuration(message).at("plan", &row.head.id).with_remedy(
                    "make a new plan and override its guard if it is the same system under another identity; else \
                     use another state for this environment",
                ));
            }
        }
        Ok(())
    }

    /// Refuses a plan that was made for other systems than those that are connected.
    fn check_systems(&self, head: &PlanHead) -> Result<()> {
        for side in Side::BOTH {
            let (planned, now) =
                (&head.systems.of(side).identity, &self.inner.connectors.of(side).info().identity);
            if planned != now {
                let name = self.inner.names.of(side);
                let message =
                    format!("the plan was made for another system: {name} was {planned}, it is {now}");
                return Err(Error::configuration(message).at("plan", &head.id).with_remedy(
                    "connect the system that it was made for, or use a state of its own for this one",
                ));
            }
        }
        Ok(())
    }

    /// Plans, asks, applies, a bounded number of times, until a plan has nothing to do. Goes on first with a plan
    /// that a crash or a pause left.
    ///
    /// `approve` sees each plan that would change something or that a guard stops, and says yes with
    /// [`Plan::approve`] or no with `None`; an error of its own ends the run. It may take its time: where the
    /// lease ended meanwhile it is taken again, and a plan whose state moved is refused.
    ///
    /// ```
    /// # use seamless_core::{plan::render::TextOptions, sync::{Integration, RunReport}, Result};
    /// # async fn example(integration: &Integration) -> Result<RunReport> {
    /// integration
    ///     .run(|plan| async move {
    ///         println!("{}", plan.text(TextOptions::default()).await?);
    ///         plan.approve("kim", &[]).map(Some)
    ///     })
    ///     .await
    /// # }
    /// ```
    pub async fn run<A>(&self, mut approve: impl FnMut(Plan) -> A + Send) -> Result<RunReport>
    where
        A: Future<Output = Result<Option<Approved>>> + Send,
    {
        let mut keeper = self.lease().await?;
        let ran = self.run_under(&mut keeper, &mut approve).await;
        self.release(&keeper, ran).await
    }

    async fn run_under<A>(
        &self,
        keeper: &mut LeaseKeeper,
        approve: &mut (impl FnMut(Plan) -> A + Send),
    ) -> Result<RunReport>
    where
        A: Future<Output = Result<Option<Approved>>> + Send,
    {
        let mut report = RunReport::default();
        if let Some(row) = self.left_over(keeper).await? {
            let applied = apply_plan(&self.inner, keeper, &row.head.id).await?;
            let paused = applied.paused;
            report.plans.push((row.head.id, row.trailer.unwrap_or_default(), Some(applied)));
            if paused {
                return Ok(report);
            }
        }
        for _ in 0..self.inner.options.plans_max {
            let plan = self.plan_under(keeper, &mut Lines::nowhere()).await?;
            let empty = plan.is_empty();
            // A plan that only moves cursors needs nobody's yes, unless a guard found what it reads suspicious.
            let approved = match empty && plan.trailer().guards.is_empty() {
                true => plan.approve(&self.inner.options.worker, &[]).ok(),
                false => {
                    let approved = approve(plan.clone()).await?;
                    *keeper = self.still(keeper).await?;
                    approved
                }
            };
            let Some(approved) = approved else {
                report.plans.push((plan.id().clone(), plan.trailer().clone(), None));
                return Ok(report);
            };
            let applied = self.apply_under(keeper, approved).await?;
            let paused = applied.paused;
            report.plans.push((plan.id().clone(), plan.trailer().clone(), Some(applied)));
            report.quiet = empty;
            if empty || paused {
                return Ok(report);
            }
        }
        Ok(report)
    }

    /// Runs again and again with a wait in between, until the integration is cancelled. For hosts that do not
    /// schedule themselves. An error of one round, `approve`'s included, is handed to `failed`,
    /// which says whether to go on.
    ///
    /// Errors: the one after which `failed` said no. Being cancelled is none.
    pub async fn run_every<A>(
        &self,
        interval: Duration,
        mut approve: impl FnMut(Plan) -> A + Send,
        mut failed: impl FnMut(&Error) -> bool + Send,
    ) -> Result<()>
    where
        A: Future<Output = Result<Option<Approved>>> + Send,
    {
        while !self.inner.cancel.is_cancelled() {
            if let Err(error) = self.run(&mut approve).await {
                if error.kind() == ErrorKind::Cancelled {
                    return Ok(());
                }
                if !failed(&error) {
                    return Err(error);
                }
            }
            self.inner.clock.sleep(interval).await;
        }
        Ok(())
    }

    /// Reads a plan file and gives the plan back, if it is what this state sealed.
    ///
    /// Errors: the file was edited, cut off, sealed by another state, or its plan is not waiting here any more; each
    /// says which.
    pub async fn open_plan(&self, file: &mut (impl BufRead + ?Sized)) -> Result<Plan> {
        let key = self.inner.store.seal_key().await?;
        let mut verifier = Verifier::new(&key.0);
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let read = file.read(&mut buffer).map_err(|cause| {
                Error::new(ErrorKind::Unavailable, "the plan file cannot be read").caused_by(cause)
            })?;
            if read == 0 {
                break;
            }
            verifier.feed(buffer.get(..read).unwrap_or_default(), |_| Ok(()))?;
        }
        let (head, trailer) = verifier.finish()?;
        let row = self.known_plan(&head.id).await?;
        match row.state {
            PlanState::Sealed | PlanState::Adopted => Ok(Plan::new(self.clone(), head, trailer)),
            state => {
                let message = match state {
                    PlanState::Done => "the plan was applied already",
                    PlanState::Abandoned => "another plan was approved since, and this one was given up",
                    _ => "the plan is not complete",
                };
                Err(Error::new(ErrorKind::Conflict, message)
                    .at("plan", &head.id)
                    .with_remedy("make a new plan"))
            }
        }
    }

    /// A plan by its id, as the state knows it: waiting for approval, being applied, or ended and not pruned yet.
    ///
    /// Errors: of kind [`ErrorKind::NotFound`] when the state does not know it, [`ErrorKind::Conflict`] while it is a
    /// draft.
    pub async fn plan_by_id(&self, id: &PlanId) -> Result<Plan> {
        let row = self.known_plan(id).await?;
        let trailer =
            row.trailer.ok_or_else(|| Error::new(ErrorKind::Conflict, "the plan is not complete"))?;
        Ok(Plan::new(self.clone(), row.head, trailer))
    }

    async fn known_plan(&self, id: &PlanId) -> Result<PlanRow> {
        self.inner.store.plan(id).await?.ok_or_else(|| {
            Error::new(ErrorKind::NotFound, format!("this state does not know plan {id}"))
                .with_remedy("make a new plan")
        })
    }

    /// Names records that changed, for hosts that receive webhooks. A hint decides nothing: the next plan reads what
    /// is there. Losing, repeating or delaying hints changes nothing but latency.
    ///
    /// Errors: the store's; of kind [`ErrorKind::NotFound`] when the link is not known.
    pub async fn notify(
        &self,
        link: &LinkId,
        side: Side,
        ids: &[RecordId],
        version: Option<Version>,
    ) -> Result<()> {
        self.link(link.as_str())?;
        let now = self.inner.clock.now();
        let hints = ids.iter().map(|id| Attention {
            side,
            id: id.clone(),
            why: AttentionWhy::Hint { version: version.clone() },
            due: now,
            since: now,
        });
        self.inner.store.notify(link, &hints.collect::<Vec<_>>()).await
    }

    /// Stops a running apply between two batches, and keeps later ones from beginning. Journalled. Errors: the store's.
    pub async fn pause(&self, by: &str, why: &str) -> Result<()> {
        let at = self.inner.clock.now();
        let pause = Pause { by: by.to_owned(), at, why: why.to_owned() };
        self.inner.store.set_pause(Some(&pause), by, at).await
    }

    /// Ends a pause. Journalled. What was stopped goes on with [`Integration::resume`] or the next run. Errors: the
    /// store's.
    pub async fn end_pause(&self, by: &str) -> Result<()> {
        self.inner.store.set_pause(None, by, self.inner.clock.now()).await
    }

    /// What stands open. Reads the state only, a page per link; no system is asked. Errors: the store's.
    pub async fn status(&self) -> Result<Status> {
        let store = &self.inner.store;
        let mut status = Status {
            applying: store.adopted(&self.inner.partition).await?,
            pause: store.pause().await?,
            doubted: self.inner.doubts.all(),
            ..Status::default()
        };
        let mut proposals = Proposals::new();
        for link in self.links() {
            let id = &link.spec().id;
            status.pairs.insert(id.clone(), store.pair_count(id).await?);
            let rows = store.attention(id, None, Scan::first(STATUS_ROWS_MAX)).await?.rows;
            rows.iter().for_each(|row| proposals.attention(id, row));
            status.waiting.extend(rows.into_iter().map(|row| (id.clone(), row)));
        }
        status.forms = proposals.proposed();
        Ok(status)
    }

    async fn lease(&self) -> Result<LeaseKeeper> {
        let inner = &self.inner;
        let lease: Option<Lease> =
            inner.store.lease(&inner.partition, &inner.options.worker, inner.options.lease).await?;
        let lease = lease.ok_or_else(|| {
            Error::new(ErrorKind::Conflict, "another run works on this integration")
                .at("integration", &inner.partition)
                .with_retry(crate::model::Retry::After(inner.options.lease))
                .with_remedy("wait for it to end; a run that crashed is taken over when its lease ends")
        })?;
        Ok(LeaseKeeper::new(lease, &*inner.clock))
    }

    /// The lease after somebody took time: prolonged, or another one where it ended meanwhile.
    async fn still(&self, keeper: &LeaseKeeper) -> Result<LeaseKeeper> {
        match self.inner.store.renew(&keeper.lease, self.inner.options.lease).await {
            Ok(()) => Ok(LeaseKeeper::new(keeper.lease.clone(), &*self.inner.clock)),
            Err(error) if error.kind() == ErrorKind::Fenced => self.lease().await,
            Err(error) => Err(error),
        }
    }

    /// Gives the lease back whatever happened; a failure to do so is only a wait for the next run.
    async fn release<T>(&self, keeper: &LeaseKeeper, result: Result<T>) -> Result<T> {
        if let Err(error) = self.inner.store.release(&keeper.lease).await {
            tracing::debug!(%error, "the lease could not be given back; it ends by itself");
        }
        result
    }
}
