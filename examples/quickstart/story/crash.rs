//! Chapter 6: the conflicts of one link are decided in bulk, the process that applies the plan is killed between a
//! write and its commit, and another one goes on.
//!
//! The killed process is this program, started again with [`CHILD`]. Its connector to the CRM stops after a batch was
//! written, so that the kill lands where it hurts most: the CRM has the batch, our state does not know.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use futures::executor::block_on;
use seamless_core::connector::{
    Capabilities, Connector, ConnectorInfo, FetchQuery, Layer, Lookup, PageStream, ReadQuery, WriteBatch,
    WriteOutcome,
};
use seamless_core::model::{EntityName, LinkId, PlanId, Result, Schema, Side};
use seamless_core::plan::AttentionWhy;
use seamless_core::store::{EntryParts, EntryState, Scan};
use seamless_core::sync::{Choice, NoObserver};

use super::first_link::is_contested;
use super::{APPROVER, Story, plans};
use crate::systems::Systems;
use crate::terminal::{bad, care, chapter, good, number, say};
use crate::world::truth::Difference;
use crate::world::{Entity, Outcome};

/// The argument that makes this program the one that is killed.
pub(crate) const CHILD: &str = "--apply-until-killed";
/// What the child says when it waits for its end.
const HELD: &str = "written and not committed";
/// The batch to the CRM after which it stops.
const HELD_AT_BATCH: u32 = 2;
/// Rows of a page of the state.
const PAGE: usize = 1000;

pub(super) fn killed_and_resumed(story: &mut Story, systems: Systems) -> Outcome<Systems> {
    chapter(6, "Killed in the middle of applying, and resumed");
    let decided = decide_all(&systems, "customers", Side::Right)?;
    say(format!("Finance decides all {} conflicts of customers: the ERP is right.", number(decided)));
    let waiting = |found: &Difference| found.entity == Entity::Contact && is_contested(found);
    story.expected.leave_apart(&story.world.truth, waiting);
    say("Those of contacts go on waiting for sales; nothing else waits for them.");
    let plan = story.plan(&systems)?;
    plans::counts(&systems, &plan);
    let id = plan.id().clone();
    // The state belongs to one process at a time.
    drop((plan, systems));
    kill_a_child(story, &id)?;

    let systems = story.open()?;
    let (applied, in_flight, planned) = standing(&systems, &id)?;
    say(format!(
        "The state knows {} entries that ended, {} that were sent and never answered, {} not begun.",
        number(applied),
        number(in_flight),
        number(planned)
    ));
    let resumed = block_on(systems.integration.resume())?;
    story.watch.tell();
    match resumed {
        Some(report) => good(format!(
            "resumed: {} writes came to their end, {} dropped; each of the {} in flight was looked up before anything was sent",
            number(report.written),
            number(report.dropped_count),
            number(in_flight)
        )),
        None => {
            story.surprises += 1;
            bad("there was nothing to resume");
        }
    }
    if in_flight == 0 {
        story.surprises += 1;
        bad("the kill did not land between a write and its commit");
    }
    Ok(systems)
}

/// Decides every open conflict of a link for one side.
fn decide_all(systems: &Systems, link: &str, take: Side) -> Outcome<usize> {
    let link = LinkId::new(link);
    let mut open = Vec::new();
    let mut after = None;
    loop {
        let page =
            block_on(systems.integration.store().attention(&link, None, Scan { after, rows_max: PAGE }))?;
        after = page.rows.last().map(|row| (row.side, row.id.clone()));
        for row in page.rows {
            if let AttentionWhy::Conflict { rules, .. } = row.why {
                let (link, side, id) = (link.clone(), row.side, row.id);
                open.extend(rules.into_iter().next().map(|rule| Choice { link, side, id, rule, take }));
            }
        }
        if !page.more {
            break;
        }
    }
    let chosen = block_on(systems.integration.resolve_many(&open, APPROVER))?;
    match chosen.refused.into_iter().next() {
        Some((_, refused)) => Err(refused.into()),
        None => Ok(chosen.kept),
    }
}

fn kill_a_child(story: &Story, plan: &PlanId) -> Outcome<()> {
    let mut child = Command::new(std::env::current_exe()?)
        .arg(CHILD)
        .arg(plan.as_str())
        .arg("--dir")
        .arg(&story.folder)
        .stdout(Stdio::piped())
        .spawn()?;
    let process = child.id();
    let said = child.stdout.take().map(|out| BufReader::new(out).lines());
    let held = said.into_iter().flatten().map_while(std::result::Result::ok).find(|line| line == HELD);
    // Whatever it said: it must not outlive us.
    child.kill()?;
    let status = child.wait()?;
    match held {
        Some(_) => care(format!("process {process} applies the plan and is killed: {status}")),
        None => return Err(format!("the child ended by itself: {status}").into()),
    }
    Ok(())
}

/// What the child does: applies the plan until it is killed.
pub(crate) fn apply_until_killed(folder: &Path, plan: &str) -> Outcome<()> {
    let systems = Systems::open(folder, Arc::new(NoObserver), Some(&Holding))?;
    let plan = block_on(systems.integration.plan_by_id(&PlanId::new(plan)))?;
    block_on(systems.integration.apply(plan.approve(APPROVER, &[])?))?;
    Ok(())
}

/// How many entries of a plan ended, are in flight, are not begun.
fn standing(systems: &Systems, plan: &PlanId) -> Outcome<(usize, usize, usize)> {
    let mut counts: BTreeMap<u8, usize> = BTreeMap::new();
    let mut after = None;
    loop {
        let page = block_on(systems.integration.store().entries(
            plan,
            EntryParts::Shown,
            Scan { after, rows_max: PAGE },
        ))?;
        after = page.rows.last().map(|row| row.entry.key.clone());
        for row in &page.rows {
            let place = match row.state {
                EntryState::Applied { .. } | EntryState::Dropped { .. } => 0,
                EntryState::Intended { .. } => 1,
                EntryState::Planned => 2,
            };
            *counts.entry(place).or_default() += 1;
        }
        if !page.more {
            break;
        }
    }
    let count = |place: u8| counts.get(&place).copied().unwrap_or(0);
    Ok((count(0), count(1), count(2)))
}

/// Wraps a connector that stops for ever after it wrote a certain batch.
#[derive(Debug)]
struct Holding;

impl Layer for Holding {
    fn wrap(&self, inner: Arc<dyn Connector>) -> Arc<dyn Connector> {
        Arc::new(Held { inner, batches: AtomicU32::new(0) })
    }
}

struct Held {
    inner: Arc<dyn Connector>,
    batches: AtomicU32,
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Held").field(&self.inner).finish()
    }
}

#[async_trait]
impl Connector for Held {
    fn info(&self) -> &ConnectorInfo {
        self.inner.info()
    }

    fn capabilities(&self, entity: &EntityName) -> Capabilities {
        self.inner.capabilities(entity)
    }

    async fn entities(&self) -> Result<Vec<EntityName>> {
        self.inner.entities().await
    }

    async fn discover(&self, entities: &[EntityName]) -> Result<Schema> {
        self.inner.discover(entities).await
    }

    async fn read(&self, query: ReadQuery) -> Result<PageStream> {
        self.inner.read(query).await
    }

    async fn fetch(&self, query: FetchQuery) -> Result<Vec<Lookup>> {
        self.inner.fetch(query).await
    }

    async fn write(&self, entity: &EntityName, batch: WriteBatch) -> Result<Vec<WriteOutcome>> {
        let outcomes = self.inner.write(entity, batch).await;
        if self.batches.fetch_add(1, Ordering::Relaxed) + 1 == HELD_AT_BATCH {
            // If nobody listens any more there is nobody to wait for, and applying goes on.
            if writeln!(std::io::stdout(), "{HELD}").is_ok() {
                std::future::pending::<()>().await;
            }
        }
        outcomes
    }
}
