//! What happens while a script is played, line by line, for who reads a failure: deeds, calls and answers, plans. It decides
//! nothing, and costs nothing where nobody reads it. The door is [`Story`].

use crate::connector::{Change, FetchBy, FetchQuery, Lookup, Page, Proof, WriteOp, WriteOutcome};
use crate::model::{Presence, Record, RecordId, Side, Value, Version};
use crate::plan::{Entry, EntryLine, Rank};

/// The lines, where somebody wants them.
#[derive(Debug, Default)]
pub(super) struct Story {
    lines: Option<Vec<String>>,
}

impl Story {
    /// From now on it is told.
    pub(super) fn begin(&mut self) {
        self.lines = Some(Vec::new());
    }

    /// Adds a line. The words are made only where somebody reads them.
    pub(super) fn tell(&mut self, words: impl FnOnce() -> String) {
        if let Some(lines) = &mut self.lines {
            lines.push(words());
        }
    }

    pub(super) const fn is_told(&self) -> bool {
        self.lines.is_some()
    }

    pub(super) fn into_lines(self) -> Vec<String> {
        self.lines.unwrap_or_default()
    }
}

fn record(record: &Record) -> String {
    let said = record.fields().filter_map(|(name, presence)| match presence {
        Presence::Value(value) => Some(format!("{name}={}", value.to_value())),
        Presence::Unreadable => Some(format!("{name} is hidden")),
        Presence::Absent => None,
    });
    said.collect::<Vec<_>>().join(", ")
}

fn at(version: Option<&Version>) -> String {
    version.map(|version| format!(" at {version}")).unwrap_or_default()
}

pub(super) fn page(side: Side, page: &Page) -> String {
    let change = |change: &Change| match change {
        Change::Upsert(found) => {
            format!("{}{} {{{}}}", found.id, at(found.version.as_ref()), record(&found.record))
        }
        Change::Deleted(stone) => match &stone.merged_into {
            Some(into) => format!("{} was merged into {into}", stone.id),
            None => format!("{} was deleted", stone.id),
        },
        Change::Broken { problem, .. } => problem.clone(),
    };
    let changes: Vec<String> = page.changes.iter().map(change).collect();
    let end = page.end.as_ref().map(|end| format!("; {end:?}")).unwrap_or_default();
    format!("    {side} shows [{}]{end}", changes.join("; "))
}

pub(super) fn look_up(side: Side, query: &FetchQuery, found: &[Lookup]) -> String {
    let key = |values: &Vec<Value>| values.iter().map(ToString::to_string).collect::<Vec<_>>().join("+");
    let asked: Vec<String> = match &query.by {
        FetchBy::Ids(ids) => ids.iter().map(RecordId::to_string).collect(),
        FetchBy::Key { values, .. } => values.iter().map(key).collect(),
    };
    let answer = |found: &Lookup| match found {
        Lookup::Found(found) => {
            format!("{}{} {{{}}}", found.id, at(found.version.as_ref()), record(&found.record))
        }
        Lookup::Several(several) => format!("{} records", several.len()),
        Lookup::Gone(_) => "gone".to_owned(),
        Lookup::Hidden => "not shown".to_owned(),
        Lookup::Unanswered => "no answer".to_owned(),
    };
    let pairs = asked.into_iter().zip(found.iter().map(answer));
    let pairs: Vec<String> = pairs.map(|(asked, answer)| format!("{asked} -> {answer}")).collect();
    format!("    {side} is asked for {}: {}", query.entity, pairs.join("; "))
}

pub(super) fn write(side: Side, op: &WriteOp, outcome: &WriteOutcome) -> String {
    let came_to = match outcome {
        WriteOutcome::Applied { id, proof } => match proof {
            Proof::Stored(stored) => {
                format!("{id} holds {{{}}}{}", record(&stored.record), at(stored.version.as_ref()))
            }
            Proof::Version(version) => format!("{id} at {version}"),
            Proof::None => format!("{id}"),
        },
        WriteOutcome::Refused(refusal) => format!("refused: {}", refusal.error),
        WriteOutcome::Ambiguous(error) => format!("no answer: {error}"),
    };
    format!(
        "    {side} is written: {:?} {:?} {{{}}} if {:?} -> {came_to}",
        op.verb,
        op.target,
        record(&op.patch),
        op.expects
    )
}

/// What a plan would do; not where reading goes on, which every plan says.
pub(super) fn entry(entry: &Entry) -> Option<String> {
    if entry.key.rank == Rank::Cursor {
        return None;
    }
    let line = serde_json::to_string(&EntryLine(entry));
    Some(format!("    plans {}", line.unwrap_or_else(|error| error.to_string())))
}
