//! A plan as a host holds it: its two ends in memory, its entries in the state store, streamed when asked for. It knows
//! how a plan is shown and approved, and not how it is made or applied. The door is [`Plan`].

use std::fmt;
use std::io::{self, Write};

use futures::join;

use crate::model::{Error, ErrorKind, GuardId, PlanId, Result};
use crate::plan::render::{TextOptions, TextRenderer};
use crate::plan::{Entry, EntryKey, PlanHead, Sealer, Trailer};
use crate::store::{EntryParts, PageOf, Scan};

use super::integration::Integration;

/// A sealed plan. Making it moved nothing; see [`Integration::apply`].
#[derive(Clone)]
pub struct Plan {
    integration: Integration,
    head: PlanHead,
    trailer: Trailer,
}

/// A person's yes to one plan: the only thing that [`Integration::apply`] takes. It binds to the plan's digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approved {
    pub(super) plan: PlanId,
    pub(super) digest: String,
    pub(super) by: String,
    pub(super) overrides: Vec<GuardId>,
}

impl Approved {
    /// The plan that was approved.
    pub fn plan(&self) -> &PlanId {
        &self.plan
    }

    /// Who approved it.
    pub fn by(&self) -> &str {
        &self.by
    }
}

/// Entries that are rendered or written at once.
const PAGE_ENTRIES: usize = 500;

impl Plan {
    pub(super) fn new(integration: Integration, head: PlanHead, trailer: Trailer) -> Self {
        Self { integration, head, trailer }
    }

    /// The plan's id.
    pub fn id(&self) -> &PlanId {
        &self.head.id
    }

    /// The head: systems, configuration, guarantee.
    pub fn head(&self) -> &PlanHead {
        &self.head
    }

    /// The trailer: counts, guards, seal.
    pub fn trailer(&self) -> &Trailer {
        &self.trailer
    }

    /// Whether applying it would change nothing but the cursors.
    pub fn is_empty(&self) -> bool {
        self.trailer.entries() == 0
    }

    /// Says yes to the plan, in somebody's name. A guard that stops it must be overridden by name.
    ///
    /// Errors: of kind [`ErrorKind::Guarded`], naming the guards that are in the way.
    pub fn approve(&self, by: &str, overrides: &[GuardId]) -> Result<Approved> {
        let standing: Vec<&str> = self
            .trailer
            .guards
            .iter()
            .filter(|trip| !overrides.contains(&trip.guard))
            .map(|trip| trip.guard.as_str())
            .collect();
        if !standing.is_empty() {
            return Err(Error::new(
                ErrorKind::Guarded,
                format!("the plan is stopped by {}", standing.join(", ")),
            )
            .with_remedy("read what the guards found; override them by name if that is what you want"));
        }
        Ok(Approved {
            plan: self.head.id.clone(),
            digest: self.trailer.digest.clone(),
            by: by.to_owned(),
            overrides: overrides.to_vec(),
        })
    }

    /// The entries after a key, in order, at most so many.
    ///
    /// Errors: the store's.
    pub async fn entries(&self, after: Option<EntryKey>, rows_max: usize) -> Result<PageOf<Entry>> {
        self.page(EntryParts::Whole, after, rows_max).await
    }

    async fn page(
        &self,
        parts: EntryParts,
        after: Option<EntryKey>,
        rows_max: usize,
    ) -> Result<PageOf<Entry>> {
        let page = self.integration.store().entries(&self.head.id, parts, Scan { after, rows_max }).await?;
        Ok(PageOf { rows: page.rows.into_iter().map(|row| row.entry).collect(), more: page.more })
    }

    /// Hands every entry, in order, to a function: as it is shown, without [`Entry::observed`].
    ///
    /// Errors: the store's, or the function's.
    pub async fn each(&self, mut each: impl FnMut(&Entry) -> Result<()>) -> Result<()> {
        let mut page = self.page(EntryParts::Shown, None, PAGE_ENTRIES).await?;
        loop {
            if !page.more {
                return page.rows.iter().try_for_each(&mut each);
            }
            // The store reads on while these are handed out: its part is polled first.
            let after = page.rows.last().map(|entry| entry.key.clone());
            let (next, done) = join!(self.page(EntryParts::Shown, after, PAGE_ENTRIES), async {
                page.rows.iter().try_for_each(&mut each)
            });
            done?;
            page = next?;
        }
    }

    /// Writes the plan as JSON Lines: head, entries, trailer. [`Integration::plan_into`] writes it while it is made, at
    /// a fraction of the cost. The file holds clear values: keep it as safe as the data.
    ///
    /// Errors: the writer's; of kind [`ErrorKind::Corrupt`] when the stored entries are not those that were sealed.
    pub async fn write_jsonl(&self, out: &mut (dyn io::Write + Send)) -> Result<()> {
        let mut out = Lines::to(out);
        let key = self.integration.store().seal_key().await?;
        let mut sealer = Sealer::new(&key.0);
        out.put(sealer.head(&self.head)?)?;
        self.each(|entry| out.put(sealer.entry(entry)?)).await?;
        if sealer.digest() != self.trailer.digest {
            return Err(Error::new(ErrorKind::Corrupt, "the stored plan is not the one that was sealed")
                .with_remedy("make a new plan"));
        }
        out.end(&self.trailer)
    }

    /// Writes the plan as text that a business user can read, entry by entry.
    ///
    /// Errors: the store's; of kind [`ErrorKind::Unavailable`] when `out` takes no more text.
    pub async fn render(&self, out: impl fmt::Write, options: TextOptions) -> Result<()> {
        let failed = |_: fmt::Error| Error::new(ErrorKind::Unavailable, "the plan's text cannot be written");
        let mut renderer = TextRenderer::new(out, options);
        renderer.head(&self.head).map_err(failed)?;
        self.each(|entry| renderer.entry(entry).map_err(failed)).await?;
        renderer.finish(&self.trailer).map_err(failed)?;
        Ok(())
    }

    /// The plan as text, all of it in memory: for a large plan set [`TextOptions::entries_per_group_max`].
    ///
    /// Errors: the store's.
    pub async fn text(&self, options: TextOptions) -> Result<String> {
        let mut text = String::new();
        self.render(&mut text, options).await?;
        Ok(text)
    }
}

/// Bytes of lines that are written at once: a plan of a first sync has a hundred megabytes of them, and a host's file
/// need not have a buffer of its own.
const WRITTEN_AT_ONCE: usize = 256 << 10;

/// Where the lines of a plan are written; `None`: nowhere.
pub(super) struct Lines<'a>(Option<io::BufWriter<&'a mut (dyn io::Write + Send)>>);

impl<'a> Lines<'a> {
    pub(super) fn nowhere() -> Self {
        Self(None)
    }

    pub(super) fn to(out: &'a mut (dyn io::Write + Send)) -> Self {
        Self(Some(io::BufWriter::with_capacity(WRITTEN_AT_ONCE, out)))
    }

    pub(super) fn put(&mut self, line: &str) -> Result<()> {
        self.0.as_mut().map_or(Ok(()), |out| out.write_all(line.as_bytes())).map_err(unwritten)
    }

    pub(super) fn end(&mut self, trailer: &Trailer) -> Result<()> {
        self.put(&crate::plan::seal::trailer_line(trailer)?)?;
        self.0.as_mut().map_or(Ok(()), |out| out.flush()).map_err(unwritten)
    }
}

fn unwritten(cause: io::Error) -> Error {
    Error::new(ErrorKind::Unavailable, "the plan cannot be written")
        .with_remedy("make room, or write it elsewhere")
        .caused_by(cause)
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plan")
            .field("id", &self.head.id)
            .field("counts", &self.trailer.counts)
            .finish_non_exhaustive()
    }
}
