//! Results that several commands show: as text and as JSON.

use comfy_table::Table;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use seamless_core::model::Sides;
use seamless_core::store::{Attention, AttentionWhy};
use seamless_core::sync::{Applied, Plan};
use serde_json::{Value, json};

use super::failure::Failure;
use super::host::Host;

/// A table with a heading line.
pub(crate) fn table(heading: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_header(heading);
    table
}

/// Whether something waits for a person, and not for time or another record.
pub(crate) fn waits_for_person(why: &AttentionWhy) -> bool {
    matches!(why, AttentionWhy::Parked { .. } | AttentionWhy::Conflict { .. })
}

/// What applying came to, as text.
pub(crate) fn applied(applied: &Applied, names: &Sides<String>, host: &mut Host<'_>) -> Result<(), Failure> {
    let Applied { written, effects, dropped, dropped_count, paused } = applied;
    host.line(format_args!("Applied: {written} writes, {effects} other changes, {dropped_count} dropped."))?;
    for one in dropped {
        let side = names.of(one.side);
        host.line(format_args!("  dropped {} {} of {side}: {}", one.link, one.id, one.why))?;
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
        AttentionWhy::Retry { failures, failure } => {
            ("retry", String::new(), format!("{failure} (failed {failures} times)"), String::new())
        }
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
