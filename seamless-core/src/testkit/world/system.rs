//! A simulated system as a whole: its tables, switches, faults in order, open transactions, backup. Knows nothing of the
//! other system, of users or of the oracle. The doors are [`System::new`] and [`System::kind_of`].

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use super::kind::Kind;
use super::switches::Switches;
use super::table::{Content, Row, Stamp, Table, Values};
use crate::connector::{Capabilities, WriteOp};
use crate::model::{RecordId, Side};

/// What goes wrong with the next call of its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A write happens and every answer is lost.
    LostReply,
    /// A write does not happen and every answer is lost.
    LostRequest,
    /// A write is answered as lost and happens some calls later.
    Late,
    /// Every operation of a write is refused: too many calls.
    Throttled,
    /// Every operation of a write is refused: not able to now.
    Unavailable,
    /// Every other operation of a write is refused, the rest happens.
    PartialBatch,
    /// A write fails as a whole, and nothing of it happens.
    WriteFails,
    /// A read fails after its first page.
    ReadFails,
    /// A read stops after its first page without saying that it ended.
    CutOff,
    /// A look-up fails.
    FetchFails,
    /// A look-up leaves every record unanswered.
    FetchUnanswered,
    /// Every call is refused until the next run: the token expired.
    TokenExpired,
}

impl Fault {
    /// All of them.
    pub const ALL: [Fault; 12] = [
        Fault::LostReply,
        Fault::LostRequest,
        Fault::Late,
        Fault::Throttled,
        Fault::Unavailable,
        Fault::PartialBatch,
        Fault::WriteFails,
        Fault::ReadFails,
        Fault::CutOff,
        Fault::FetchFails,
        Fault::FetchUnanswered,
        Fault::TokenExpired,
    ];

    /// The name that scripts have for it.
    pub fn name(self) -> &'static str {
        match self {
            Fault::LostReply => "lost-reply",
            Fault::LostRequest => "lost-request",
            Fault::Late => "late-request",
            Fault::Throttled => "throttled",
            Fault::Unavailable => "unavailable",
            Fault::PartialBatch => "partial-batch",
            Fault::WriteFails => "write-fails",
            Fault::ReadFails => "read-fails",
            Fault::CutOff => "cut-off",
            Fault::FetchFails => "fetch-fails",
            Fault::FetchUnanswered => "fetch-unanswered",
            Fault::TokenExpired => "token-expired",
        }
    }

    pub(super) fn call(self) -> Call {
        match self {
            Fault::LostReply
            | Fault::LostRequest
            | Fault::Late
            | Fault::Throttled
            | Fault::Unavailable
            | Fault::PartialBatch
            | Fault::WriteFails => Call::Write,
            Fault::ReadFails | Fault::CutOff => Call::Read,
            Fault::FetchFails | Fault::FetchUnanswered => Call::Fetch,
            Fault::TokenExpired => Call::Any,
        }
    }

    /// Whether nobody can know at first what became of a write.
    pub(super) fn is_ambiguous(self) -> bool {
        matches!(self, Fault::LostReply | Fault::LostRequest | Fault::Late)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A kind of call of the port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    Read,
    Fetch,
    Write,
    Any,
}

/// An edit whose transaction is open.
#[derive(Clone, Debug)]
pub(super) struct Open {
    pub(super) kind: usize,
    pub(super) id: RecordId,
    pub(super) thing: usize,
    pub(super) field: usize,
    /// Its place in the feed, given when it began.
    pub(super) sequence: u64,
    pub(super) due: Duration,
    pub(super) tick: u64,
}

/// A write that happens later than it was answered.
#[derive(Debug)]
pub(super) struct Late {
    pub(super) kind: usize,
    pub(super) op: WriteOp,
    pub(super) due: Duration,
}

#[derive(Debug)]
pub(super) struct System {
    pub(super) switches: Switches,
    /// By kind.
    pub(super) tables: Vec<Table>,
    /// What each entity can do in truth.
    pub(super) truth: Vec<Capabilities>,
    /// What it says that it can.
    pub(super) declared: Vec<Capabilities>,
    pub(super) sequence: u64,
    pub(super) epoch: u64,
    pub(super) enumerations: u64,
    pub(super) faults: VecDeque<Fault>,
    /// Whether the token expired.
    pub(super) is_cut: bool,
    pub(super) late: Vec<Late>,
    pub(super) open: Vec<Open>,
    /// Transactions that were committed: their place, and when.
    pub(super) committed: Vec<(u64, Duration)>,
    pub(super) backup: Option<Vec<Content>>,
    /// Whether what is connected now is a copy of the environment, under another identity.
    pub(super) is_clone: bool,
    /// Operations that were received, those that were refused among them.
    pub(super) ops: u64,
}

impl System {
    pub(super) fn new(side: Side, switches: &Switches, kinds: &[Kind], silent: bool) -> Self {
        let full = |kind: &Kind| switches.level.capabilities(kind.entity.of(side), kind.named_by.of(side));
        let truth: Vec<Capabilities> = kinds.iter().map(|kind| switches.truth(full(kind), silent)).collect();
        let best = |kind: &Kind| {
            super::level::Level::Full.capabilities(kind.entity.of(side), kind.named_by.of(side))
        };
        let declared =
            truth.iter().zip(kinds).map(|(truth, kind)| switches.declared(truth, &best(kind))).collect();
        Self {
            switches: switches.clone(),
            tables: kinds
                .iter()
                .map(|kind| Table::new(kind.entity.of(side).clone(), kind.named_by.of(side).clone()))
                .collect(),
            truth,
            declared,
            sequence: 0,
            epoch: 1,
            enumerations: 0,
            faults: VecDeque::new(),
            is_cut: false,
            late: Vec::new(),
            open: Vec::new(),
            committed: Vec::new(),
            backup: None,
            is_clone: false,
            ops: 0,
        }
    }

    /// The place of an entity among the kinds.
    pub(super) fn kind_of(&self, entity: &str) -> Option<usize> {
        self.tables.iter().position(|table| table.entity.name.as_str() == entity)
    }

    pub(super) fn rows(&self, kind: usize) -> impl Iterator<Item = (&RecordId, &Row)> {
        self.tables.get(kind).into_iter().flat_map(|table| table.now.rows.iter())
    }

    pub(super) fn row(&self, kind: usize, id: &RecordId) -> Option<&Row> {
        self.tables.get(kind)?.now.rows.get(id)
    }

    /// The next place in the feed.
    pub(super) fn stamp(&mut self, now: Duration, tick: u64) -> Stamp {
        self.sequence += 1;
        Stamp { sequence: self.sequence, millis: millis(now), tick }
    }

    /// Puts a record there, noticed.
    pub(super) fn place(&mut self, kind: usize, id: &RecordId, values: Values, at: Stamp, now: Duration) {
        if let Some(table) = self.tables.get_mut(kind) {
            let hidden = table.now.rows.get(id).is_some_and(|row| row.hidden);
            table.place(id, values, hidden, at, now, &self.switches);
        }
    }

    pub(super) fn remove(
        &mut self,
        kind: usize,
        id: &RecordId,
        merged_into: Option<RecordId>,
        at: Stamp,
        now: Duration,
    ) -> Option<Row> {
        self.tables.get_mut(kind)?.remove(id, merged_into, at, now, &self.switches)
    }

    /// Takes the first fault in order for a kind of call.
    pub(super) fn take_fault(&mut self, call: Call) -> Option<Fault> {
        let place = self.faults.iter().position(|fault| fault.call() == call || fault.call() == Call::Any)?;
        self.faults.remove(place)
    }

    /// The last place before which nothing was open any more at the moment that is shown.
    pub(super) fn low_water(&self, passed: u64, now: Duration) -> u64 {
        let then = now.saturating_sub(Duration::from_millis(self.switches.lag));
        let still = self.committed.iter().filter(|(_, at)| *at > then).map(|(place, _)| *place);
        let open = self.open.iter().map(|open| open.sequence).chain(still).min();
        open.map_or(passed, |open| open.saturating_sub(1)).min(passed)
    }
}

pub(super) fn millis(now: Duration) -> u64 {
    // 2026-01-01T00:00:00Z, where every world begins.
    1_767_225_600_000 + u64::try_from(now.as_millis()).unwrap_or(u64::MAX / 4)
}
