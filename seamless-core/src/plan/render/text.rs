//! A plan as text, streamed: head, entries under headings, trailer. The doors are [`TextRenderer`] and
//! [`plan_summary`].
//!
//! Entries come in key order, so a heading is due whenever rank, link or side changes; nothing is collected. Memory:
//! the names of the sides and one entry's text.

use std::fmt::{self, Write};

use super::lines::{self, LineChange};
use super::show::{Clean, Show};
use super::words;
use super::words::Names;
use crate::connector::Trigger;
use crate::mapper::Ask;
use crate::model::{ActionName, LinkId, Planned, Record, RecordId, RuleId, Side, Sides, Slot, Value};
use crate::plan::{
    Action, Body, ConflictView, Effect, Entry, Feed, FieldChange, Guarantee, Holding, LinkActions, Parked,
    PlanHead, PlannedTarget, PlannedVerb, Rank, SetOff, Trailer,
};

/// How a plan is rendered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TextOptions {
    /// How values are shown. With anything but [`Show::Full`] the messages of systems and mappings, which may quote
    /// values, give way to general words. Ids of records are always shown: without them nobody finds anything.
    pub show: Show,
    /// Whether the escape sequences of terminals are used for colours.
    pub colour: bool,
    /// Entries under one heading at most; the rest is counted. `None`: all.
    pub entries_per_group_max: Option<usize>,
}

/// Renders a plan as it streams by: [`TextRenderer::head`], [`TextRenderer::entry`] in key order,
/// [`TextRenderer::finish`]. Everything that comes from a system is written so that it cannot move a cursor, break a
/// line or turn the direction of reading.
#[derive(Debug)]
pub struct TextRenderer<W> {
    out: W,
    options: TextOptions,
    names: Names,
    group: Option<(Rank, LinkId, Side)>,
    in_group: usize,
    line: String,
}

/// Lines of a list that are shown; the rest is counted.
const LINES_SHOWN: usize = 20;

/// What a line is, for its colour.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tone {
    Heading,
    Plain,
    Bad,
    Quiet,
}

impl<W: Write> TextRenderer<W> {
    /// A renderer into something that takes text.
    pub fn new(out: W, options: TextOptions) -> Self {
        let names = Sides::new(Side::Left.to_string(), Side::Right.to_string());
        Self { out, options, names, group: None, in_group: 0, line: String::with_capacity(160) }
    }

    /// The head: which systems, when, and what cannot be promised.
    pub fn head(&mut self, head: &PlanHead) -> fmt::Result {
        self.names = head.systems.as_ref().map(|system| system.side.clone());
        let made = head.made_at.format("%Y-%m-%d %H:%M:%S UTC");
        write!(self.line, "Plan {} (partition {}), made {made}", head.id, head.partition)?;
        self.end(Tone::Heading)?;
        for side in Side::BOTH {
            let system = head.systems.of(side);
            write!(self.line, "{}: {} ({}, {})", system.side, system.label, system.system, system.identity)?;
            self.end(Tone::Plain)?;
        }
        self.actions(head)?;
        self.sets_off(head)?;
        self.guarantees(head)
    }

    /// The actions by which records are moved, where there are any.
    fn actions(&mut self, head: &PlanHead) -> fmt::Result {
        let list = |names: &[ActionName]| names.iter().map(ActionName::as_str).collect::<Vec<_>>().join(", ");
        for LinkActions { link, side, actions, undeclared } in &head.actions {
            write!(self.line, "{link}: actions in {}: {}", self.names.of(*side), list(actions))?;
            self.end(Tone::Plain)?;
            if !undeclared.is_empty() {
                write!(
                    self.line,
                    "{link}: {} does not declare {}; what needs it is refused there, and waits",
                    self.names.of(*side),
                    list(undeclared)
                )?;
                self.end(Tone::Bad)?;
            }
        }
        Ok(())
    }

    /// What writes set off, and what they are kept from setting off.
    fn sets_off(&mut self, head: &PlanHead) -> fmt::Result {
        for SetOff { link, side, phase, fires, bypassed } in &head.sets_off {
            let name = self.names.of(*side).clone();
            for Trigger { name: fired, on, can_bypass } in fires {
                let kinds: Vec<&str> = on.iter().map(|kind| kind.words()).collect();
                write!(self.line, "{link}: {} in {name} will fire: {fired}", kinds.join(", "))?;
                if *can_bypass {
                    self.line.push_str(" (can be bypassed)");
                }
                self.end(Tone::Bad)?;
            }
            if !bypassed.is_empty() {
                write!(self.line, "{link}: bypassed in {name} ({}): {}", phase.words(), bypassed.join(", "))?;
                self.end(Tone::Plain)?;
            }
        }
        Ok(())
    }

    /// The next entry, in key order.
    pub fn entry(&mut self, entry: &Entry) -> fmt::Result {
        let rank = entry.key.rank;
        let same = self
            .group
            .as_ref()
            .is_some_and(|(known, link, side)| (*known, link, *side) == (rank, &entry.link, entry.key.side));
        if !same {
            self.end_group()?;
            self.group = Some((rank, entry.link.clone(), entry.key.side));
            self.end(Tone::Plain)?;
            write!(self.line, "{}: {}", entry.link, words::rank(rank, self.names.of(entry.key.side)))?;
            self.end(Tone::Heading)?;
        }
        self.in_group += 1;
        if self.options.entries_per_group_max.is_some_and(|most| self.in_group > most) {
            return Ok(());
        }
        match &entry.body {
            Body::Act(action) => self.action(entry, action),
            Body::Effect(effect) => self.effect(entry, effect),
        }
    }

    /// The trailer: counts, guards, runs. Gives back what was written to.
    pub fn finish(mut self, trailer: &Trailer) -> Result<W, fmt::Error> {
        self.end_group()?;
        self.end(Tone::Plain)?;
        self.line.push_str("In all");
        self.end(Tone::Heading)?;
        for (link, counts) in &trailer.counts {
            write!(self.line, "  {link}: {}", words::counts(counts, &self.names))?;
            write!(self.line, " ({} pairs known, {} looked at)", counts.pairs, counts.looked_at)?;
            self.end(Tone::Plain)?;
        }
        if !trailer.guards.is_empty() {
            self.end(Tone::Plain)?;
            self.line.push_str("Stopped by guards");
            self.end(Tone::Heading)?;
        }
        for trip in &trailer.guards {
            write!(self.line, "  {}: {}", trip.guard, trip.found)?;
            self.end(Tone::Bad)?;
            write!(self.line, "    what to do: {}", trip.remedy)?;
            self.end(Tone::Plain)?;
        }
        if !trailer.forms.is_empty() {
            self.end(Tone::Plain)?;
            self.line.push_str("What a system seems to make of what it is sent");
            self.end(Tone::Heading)?;
        }
        for form in &trailer.forms {
            write!(self.line, "  {}", form.words(self.names.of(form.side)))?;
            self.end(Tone::Plain)?;
        }
        self.end(Tone::Plain)?;
        self.line.push_str(&words::runs(trailer.runs_to_quiet));
        self.end(Tone::Plain)?;
        write!(self.line, "An approval binds to the digest {}", trailer.digest)?;
        self.end(Tone::Quiet)?;
        Ok(self.out)
    }

    /// What is lower than a full promise; the same sentence once, with the links that it is about.
    fn guarantees(&mut self, head: &PlanHead) -> fmt::Result {
        let lowered = lowered(&head.guarantee);
        if head.guarantee.is_empty() {
            return Ok(());
        }
        self.end(Tone::Plain)?;
        if lowered.is_empty() {
            self.line.push_str("Both systems can do everything that full promises need.");
            return self.end(Tone::Plain);
        }
        self.line.push_str("What cannot be promised in full");
        self.end(Tone::Heading)?;
        for (first, links) in lowered {
            write!(self.line, "  {}", first.words)?;
            if first.holding == Holding::Reported {
                self.line.push_str("; reported when it happens");
            }
            if links.len() < head.links.len() {
                let names: Vec<&str> = links.iter().map(|link| link.as_str()).collect();
                write!(self.line, " ({})", names.join(", "))?;
            }
            self.end(if first.holding == Holding::NotPromised { Tone::Bad } else { Tone::Plain })?;
        }
        Ok(())
    }

    fn action(&mut self, entry: &Entry, action: &Action) -> fmt::Result {
        let (side, there) = (action.side, action.side.other());
        let partner = entry.ids.of(there).as_ref();
        self.line.push_str("  ");
        match (&action.verb, &action.target) {
            (PlannedVerb::Create, _) | (_, PlannedTarget::New) => match partner {
                Some(partner) => write!(self.line, "new record for {partner} of {}", self.names.of(there))?,
                None => write!(self.line, "new record for {}", entry.key.id)?,
            },
            (_, PlannedTarget::Existing(id)) => {
                write!(self.line, "{id}")?;
                if let Some(partner) = partner {
                    write!(self.line, " (in {}: {partner})", self.names.of(there))?;
                }
            }
            (_, PlannedTarget::CreatedBy(wait)) => {
                let Ask::Partner { id, .. } = &wait.ask;
                write!(self.line, "the record that this plan creates for {id}")?;
            }
        }
        self.line.push_str(": ");
        if let PlannedVerb::Action { name, .. } = &action.verb {
            write!(self.line, "{name}; ")?;
        }
        self.line.push_str(&words::reason(&action.reason, &self.names, side));
        let mut tone = Tone::Plain;
        if let PlannedVerb::Delete(ground) = &action.verb {
            write!(self.line, "; {}", words::ground(ground, self.names.of(there)))?;
            tone = Tone::Bad;
        }
        if let Some(expects) = words::expects(&action.expects) {
            write!(self.line, "; {expects}")?;
        }
        self.end(tone)?;
        for change in action.changes.to_vec() {
            self.change(&change, side)?;
        }
        for wait in &action.waits_for {
            let Ask::Partner { link, id, side } = &wait.ask;
            write!(
                self.line,
                "    after the record for {id} of {} ({link}) is created",
                self.names.of(*side)
            )?;
            self.end(Tone::Quiet)?;
        }
        Ok(())
    }

    fn change(&mut self, change: &FieldChange, side: Side) -> fmt::Result {
        let FieldChange { rule: _, field, before, after, from } = change;
        let show = self.options.show;
        write!(self.line, "    {field}  ")?;
        if *before != Slot::Absent {
            show.slot(before, &mut self.line)?;
            self.line.push_str(" -> ");
        }
        match after {
            Planned::Known(value) => show.value(value, &mut self.line)?,
            Planned::ResultOf(_) => self.line.push_str("(the record that this plan creates)"),
            Planned::TargetDecides => write!(self.line, "({} decides)", self.names.of(side))?,
        }
        write!(self.line, "   ({})", words::provenance(from, &self.names, side))?;
        let overwrites = words::overwrites(from);
        self.end(if overwrites { Tone::Bad } else { Tone::Plain })?;
        match (before, after) {
            (Slot::Value(Value::List(before)), Planned::Known(Value::List(after))) => {
                self.lines(before, after)
            }
            (_, Planned::Known(Value::List(after))) => self.lines(&[], after),
            _ => Ok(()),
        }
    }

    /// What changes of a list of child records, line by line.
    fn lines(&mut self, before: &[Record], after: &[Record]) -> fmt::Result {
        let Some(changes) = lines::changes(before, after) else {
            self.line.push_str("      too many to be shown one by one");
            return self.end(Tone::Quiet);
        };
        for change in changes.iter().take(LINES_SHOWN) {
            match change {
                LineChange::Added(line) => self.whole_line('+', line)?,
                LineChange::Removed(line) => self.whole_line('-', line)?,
                LineChange::Changed { named: (name, slot), fields } => {
                    write!(self.line, "      {name} ")?;
                    self.options.show.slot(slot, &mut self.line)?;
                    for (place, (field, before, after)) in fields.iter().enumerate() {
                        write!(self.line, "{}{field}  ", if place == 0 { ":  " } else { ",  " })?;
                        self.options.show.slot(before, &mut self.line)?;
                        self.line.push_str(" -> ");
                        self.options.show.slot(after, &mut self.line)?;
                    }
                }
            }
            self.end(Tone::Plain)?;
        }
        match changes.len().saturating_sub(LINES_SHOWN) {
            0 => Ok(()),
            more => {
                write!(self.line, "      and {more} more")?;
                self.end(Tone::Quiet)
            }
        }
    }

    /// A line of a list that comes or goes.
    fn whole_line(&mut self, sign: char, line: &Record) -> fmt::Result {
        write!(self.line, "      {sign}")?;
        let said = line.fields().filter(|(_, held)| held.value().is_some_and(|value| !value.is_null()));
        for (place, (field, presence)) in said.enumerate() {
            write!(self.line, "{} {field} ", if place == 0 { "" } else { "," })?;
            self.options.show.slot(&presence.to_slot(), &mut self.line)?;
        }
        Ok(())
    }

    fn effect(&mut self, entry: &Entry, effect: &Effect) -> fmt::Result {
        match effect {
            Effect::Park(parked) => return self.parked(entry, parked),
            Effect::OpenConflict(view) => return self.conflict(entry, view),
            Effect::Cursor { side, feed } => return self.cursor(*side, feed),
            _ => {}
        }
        self.pair(entry)?;
        let names = &self.names;
        let mut tone = Tone::Plain;
        match effect {
            Effect::Link { line } => {
                write!(self.line, "one pair from now on, found by match line {}", u32::from(*line) + 1)?;
            }
            Effect::Agree => self.line.push_str("both hold the same, nothing is written"),
            Effect::CloseConflict { rules } if rules.is_empty() => {
                self.line.push_str("it is gone, nothing about it is open any more");
            }
            Effect::CloseConflict { rules } => {
                write!(self.line, "the conflict is over{}", About(rules))?;
            }
            Effect::EndPair { gone } => match (gone.left, gone.right) {
                (true, true) => self.line.push_str("gone in both, the pair ends"),
                (true, false) => write!(self.line, "gone in {}, the pair ends", names.left)?,
                (false, true) => write!(self.line, "gone in {}, the pair ends", names.right)?,
                (false, false) => self.line.push_str("the pair ends"),
            },
            Effect::Freeze { side } => {
                write!(
                    self.line,
                    "left the filter in {}, nothing is written until it is back",
                    names.of(*side)
                )?;
            }
            Effect::Relink { into } => {
                let merged = Side::BOTH.into_iter().filter_map(|side| Some((side, into.of(side).as_ref()?)));
                for (place, (side, into)) in merged.enumerate() {
                    let and = if place > 0 { ", and " } else { "" };
                    write!(self.line, "{and}merged into {into} in {}", names.of(side))?;
                }
                self.line.push_str(", with which the pair goes on");
            }
            Effect::Thaw => self.line.push_str("is back in the filter"),
            Effect::Diverged { rules } => {
                write!(self.line, "the two differ although neither was changed{}", About(rules))?;
                tone = Tone::Bad;
            }
            Effect::OpenConflict(_) | Effect::Park(_) | Effect::Cursor { .. } => {}
        }
        self.end(tone)
    }

    fn cursor(&mut self, side: Side, feed: &Feed) -> fmt::Result {
        let Feed { cursor, enumerated_at, enumerated } = feed;
        self.line.push_str("  ");
        match cursor {
            Some(_) => self.line.push_str("the next run reads what changes from here on"),
            None => write!(self.line, "the next run reads all of {}", self.names.of(side))?,
        }
        if let Some(at) = enumerated_at {
            let at = at.format("%Y-%m-%d %H:%M:%S UTC");
            write!(self.line, "; read in full at {at}, {enumerated} records")?;
        }
        self.end(Tone::Quiet)
    }

    fn conflict(&mut self, entry: &Entry, view: &ConflictView) -> fmt::Result {
        let ConflictView { rules, why, fields } = view;
        self.pair(entry)?;
        write!(self.line, "conflict, {}{}", words::conflict(*why), About(rules))?;
        self.end(Tone::Bad)?;
        let show = self.options.show;
        for side in Side::BOTH {
            for (field, base, current) in fields.of(side) {
                write!(self.line, "    {}: {field}  ", self.names.of(side))?;
                if *base != Slot::Absent {
                    show.slot(base, &mut self.line)?;
                    self.line.push_str(" -> ");
                }
                show.slot(current, &mut self.line)?;
                self.end(Tone::Plain)?;
            }
        }
        Ok(())
    }

    fn parked(&mut self, entry: &Entry, parked: &Parked) -> fmt::Result {
        let Parked { side, id, rules, why, message, remedy } = parked;
        let name = self.names.of(*side);
        match (id, entry.ids.of(*side)) {
            (Some(id), _) | (None, Some(id)) => write!(self.line, "  {id} of {name}")?,
            (None, None) => write!(self.line, "  a record of {name}")?,
        }
        let (noun, general) = words::parked(why);
        write!(self.line, " waits: {noun}{}", About(rules))?;
        let quotes = self.options.show == Show::Full;
        if quotes && !message.is_empty() {
            write!(self.line, ": {message}")?;
        }
        self.end(Tone::Bad)?;
        let remedy = if quotes && !remedy.is_empty() { remedy } else { general };
        write!(self.line, "    what to do: {remedy}")?;
        self.end(Tone::Plain)
    }

    /// The records of an entry, as the beginning of a line.
    fn pair(&mut self, entry: &Entry) -> fmt::Result {
        self.line.push_str("  ");
        let ids: [Option<&RecordId>; 2] = [entry.ids.left.as_ref(), entry.ids.right.as_ref()];
        match ids {
            [Some(left), Some(right)] => write!(self.line, "{left} = {right}: "),
            [Some(id), None] | [None, Some(id)] => write!(self.line, "{id}: "),
            [None, None] => write!(self.line, "{}: ", entry.key.id),
        }
    }

    fn end_group(&mut self) -> fmt::Result {
        let shown = self.options.entries_per_group_max.unwrap_or(usize::MAX);
        let more = self.in_group.saturating_sub(shown);
        self.in_group = 0;
        if more > 0 {
            write!(self.line, "  and {more} more")?;
            self.end(Tone::Quiet)?;
        }
        Ok(())
    }

    /// Ends the line that was collected. Only here does text reach the writer.
    fn end(&mut self, tone: Tone) -> fmt::Result {
        let colour = match tone {
            _ if !self.options.colour || self.line.is_empty() => None,
            Tone::Heading => Some("\u{1b}[1m"),
            Tone::Plain => None,
            Tone::Bad => Some("\u{1b}[31m"),
            Tone::Quiet => Some("\u{1b}[2m"),
        };
        self.out.write_str(colour.unwrap_or_default())?;
        Clean(&mut self.out).write_str(&self.line)?;
        if colour.is_some() {
            self.out.write_str("\u{1b}[0m")?;
        }
        self.line.clear();
        self.out.write_char('\n')
    }
}

/// The rules that something is about; nothing where none is named.
struct About<'a>(&'a [RuleId]);

impl fmt::Display for About<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, rule) in self.0.iter().enumerate() {
            write!(f, "{}{rule}", if place == 0 { " (" } else { ", " })?;
        }
        f.write_str(if self.0.is_empty() { "" } else { ")" })
    }
}

/// What is lower than a full promise: each sentence once, in order, with the links that it is about.
fn lowered(guarantees: &[Guarantee]) -> Vec<(&Guarantee, Vec<&LinkId>)> {
    let mut lowered: Vec<(&Guarantee, Vec<&LinkId>)> = Vec::new();
    for guarantee in guarantees.iter().filter(|guarantee| guarantee.holding != Holding::Holds) {
        match lowered.iter_mut().find(|(first, _)| first.words == guarantee.words) {
            Some((_, links)) if !links.contains(&&guarantee.link) => links.push(&guarantee.link),
            Some(_) => {}
            None => lowered.push((guarantee, vec![&guarantee.link])),
        }
    }
    lowered
}

/// A plan in a few lines: the systems, what it does per link, what stops it.
pub fn plan_summary(head: &PlanHead, trailer: &Trailer) -> String {
    let names = head.systems.as_ref().map(|system| system.side.clone());
    let mut text = format!("Plan {} for {} and {}\n", head.id, names.left, names.right);
    for (link, counts) in &trailer.counts {
        text.push_str(&format!("  {link}: {}\n", words::counts(counts, &names)));
    }
    for trip in &trailer.guards {
        text.push_str(&format!("  stopped by {}: {}\n", trip.guard, trip.found));
    }
    text.push_str(&words::runs(trailer.runs_to_quiet));
    let mut clean = String::with_capacity(text.len() + 1);
    for line in text.lines() {
        // Writing to a string cannot fail.
        let _ = Clean(&mut clean).write_str(line);
        clean.push('\n');
    }
    clean
}

#[cfg(test)]
#[path = "text_tests.rs"]
mod tests;
