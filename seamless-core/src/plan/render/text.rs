//! A plan as text, streamed: head, entries under headings, trailer. The doors are [`TextRenderer`] and
//! [`plan_summary`].
//!
//! Entries come in key order, so a heading is due whenever rank, link or side changes; nothing is collected. Memory:
//! the head's names and one line.

use std::fmt::{self, Write};

use super::show::{Clean, Show};
use super::words;
use super::words::Names;
use crate::model::{LinkId, RecordId, Side, Sides};
use crate::plan::{
    Action, Body, ConflictView, Effect, Entry, FieldChange, Guarantee, Holding, Parked, PlanHead, PlannedTarget,
    PlannedVerb, Rank, Trailer,
};

/// How a plan is rendered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TextOptions {
    /// How values are shown. With anything but [`Show::Full`] the messages of systems and mappings, which may quote
    /// values, give way to general words.
    pub show: Show,
    /// Whether the escape sequences of terminals are used for colours.
    pub colour: bool,
    /// Entries under one heading at most; the rest is counted. `None`: all.
    pub entries_per_group_max: Option<usize>,
}

/// Renders a plan as it streams by: [`TextRenderer::head`], [`TextRenderer::entry`] in key order,
/// [`TextRenderer::finish`].
#[derive(Debug)]
pub struct TextRenderer<W> {
    out: W,
    options: TextOptions,
    names: Names,
    group: Option<(Rank, LinkId, Side)>,
    in_group: usize,
    line: String,
}

#[derive(Clone, Copy)]
enum Colour {
    Heading,
    Bad,
    Quiet,
}

impl<W: Write> TextRenderer<W> {
    /// A renderer into something that takes text.
    pub fn new(out: W, options: TextOptions) -> Self {
        let names = Sides::new(Side::Left.to_string(), Side::Right.to_string());
        Self { out, options, names, group: None, in_group: 0, line: String::new() }
    }

    /// The head: which systems, when, and what cannot be promised.
    pub fn head(&mut self, head: &PlanHead) -> fmt::Result {
        let _ = (head, Colour::Bad, Colour::Quiet, Colour::Heading);
        Ok(())
    }

    /// The next entry.
    pub fn entry(&mut self, entry: &Entry) -> fmt::Result {
        let _ = entry;
        Ok(())
    }

    /// The trailer: counts, guards, runs; gives back what was written to.
    pub fn finish(self, trailer: &Trailer) -> Result<W, fmt::Error> {
        let _ = trailer;
        Ok(self.out)
    }
}

/// A plan in a few lines: the systems, what it does per link, what stops it.
pub fn plan_summary(head: &PlanHead, trailer: &Trailer) -> String {
    let _ = (head, trailer);
    String::new()
}
