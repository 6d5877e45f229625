//! Results that several commands show: as text and as JSON.

use std::fmt::Write as _;

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{ContentArrangement, Table};
use seamless_core::model::Sides;
use seamless_core::store::{Attention, AttentionWhy};
use seamless_core::sync::{Applied, Plan};
use serde_json::{Value, json};

use super::failure::Failure;
use super::host::Host;

/// A table with a heading line, as wide as there is room.
pub(crate) fn table(heading: &[&str], host: &Host<'_>) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_header(heading);
    if let Some(width) = host.width {
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    }
    table
}

/// Characters of a cell at most: a value may be a whole book.
const CELL_CHARS_MAX: usize = 400;

/// Text of a system as a cell shows it: what would move a terminal is spelled out, what is too long is cut.
pub(crate) fn cell(text: &str) -> String {
    let mut shown = String::with_capacity(text.len().min(CELL_CHARS_MAX));
    for (place, c) in text.chars().enumerate() {
        if place == CELL_CHARS_MAX {
            let _ = write!(shown, ".. ({} characters)", text.chars().count());
            break;
        }
        match c {
            '\n' => shown.push('\n'),
            c if c.is_control() || is_direction(c) => shown.extend(c.escape_unicode()),
            c => shown.push(c),
        }
    }
    shown
}

/// A name as a line shows it: as [`cell`], and in one line.
pub(crate) fn name(text: &str) -> String {
    cell(text).replace('\n', "\\n")
}

/// Characters that turn the reading direction around without being seen.
fn is_direction(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A count with its noun: `1 write`, `2 writes`.
pub(crate) fn counted(count: u64, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// Whether something waits for a person, and not for time or another record.
pub(crate) fn waits_for_person(why: &AttentionWhy) -> bool {
    matches!(why, AttentionWhy::Parked { .. } | AttentionWhy::Conflict { .. })
}

/// What applying came to, as text.
pub(crate) fn applied(applied: &Applied, names: &Sides<String>, host: &mut Host<'_>) -> Result<(), Failure> {
    let Applied { written, effects, dropped, dropped_count, paused } = applied;
    host.line(format_args!(
        "Applied: {}, {}, {dropped_count} dropped.",
        counted(*written, "write"),
        counted(*effects, "other change")
    ))?;
    for one in dropped {
        let side = names.of(one.side);
        let (id, why) = (cell(&one.id.to_string()), cell(&one.why));
        host.line(format_args!("  dropped {} {id} of {side}: {why}", one.link))?;
    }
    if dropped.len() as u64 != *dropped_count {
        host.line(format_args!("  and {} more", dropped_count.saturating_sub(dropped.len() as u64)))?;
    }
    if *dropped_count > 0 {
        host.line("What was dropped is looked at again by the next plan.")?;
    }
    if *paused {
        host.line("A pause stopped it; it goes on with `workbench run` once the pause has ended.")?;
    }
    Ok(())
}

/// What applying came to, for programs.
pub(crate) fn applied_json(applied: &Applied, names: &Sides<String>) -> Value {
    let Applied { written, effects, dropped, dropped_count, paused } = applied;
    let one = |dropped: &seamless_core::sync::Dropped| {
        let side = names.of(dropped.side);
        json!({ "link": dropped.link, "side": side, "id": dropped.id.to_string(), "why": dropped.why })
    };
    json!({
        "written": written,
        "effects": effects,
        "dropped_count": dropped_count,
        "dropped": dropped.iter().map(one).collect::<Vec<_>>(),
        "paused": paused,
    })
}

/// The two ends of a plan, for programs.
pub(crate) fn plan_json(plan: &Plan) -> Value {
    let (head, trailer) = (plan.head(), plan.trailer());
    json!({
        "plan": head.id,
        "made_at": head.made_at,
        "configuration": head.configuration,
        "counts": trailer.counts,
        "writes": trailer.writes(),
        "waiting": trailer.waiting(),
        "guards": trailer.guards,
        "digest": trailer.digest,
    })
}

/// Why something is open: a word, the rules, the message, what to do.
pub(crate) fn attention(attention: &Attention) -> (&'static str, String, String, String) {
    let concerned = rules(attention).join(", ");
    match &attention.why {
        AttentionWhy::Hint { .. } => ("hint", String::new(), String::new(), String::new()),
        AttentionWhy::Retry { failures: 0, .. } => {
            ("retry", String::new(), "it is looked at again by the next plan".to_owned(), String::new())
        }
        AttentionWhy::Retry { failures, failure, .. } => (
            "retry",
            String::new(),
            format!("{failure} (failed {})", counted(u64::from(*failures), "time")),
            String::new(),
        ),
        AttentionWhy::Parked { message, suspicion: Some(_), .. } => {
            let remedy = "decide with `workbench resolve`, or declare the form".to_owned();
            ("suspected form", concerned, message.clone(), remedy)
        }
        AttentionWhy::Parked { message, remedy, .. } => {
            ("parked", concerned, message.clone(), remedy.clone())
        }
        AttentionWhy::Conflict { message, .. } => {
            ("conflict", concerned, message.clone(), "decide with `workbench resolve`".to_owned())
        }
    }
}

/// The rules that an open item concerns.
pub(crate) fn rules(attention: &Attention) -> Vec<String> {
    match &attention.why {
        AttentionWhy::Parked { rules, .. } | AttentionWhy::Conflict { rules, .. } => {
            rules.iter().map(ToString::to_string).collect()
        }
        AttentionWhy::Hint { .. } | AttentionWhy::Retry { .. } => Vec::new(),
    }
}
