//! `try`: one record, both ways, as a table. Fetches it and its partner by id, pulls nothing, writes nothing.

use seamless_core::model::{Sides, Truth};
use seamless_core::store::PairStatus;
use seamless_mapping::explain::{Explained, ExplainedRule, Target, Then};
use serde_json::{Value as Json, json};

use crate::app::Outcome;
use crate::app::cli::{Global, TryArgs};
use crate::app::failure::Failure;
use crate::app::host::Host;
use crate::app::one_record::{OneRecord, fetched};
use crate::app::show;

pub(crate) fn run(args: &TryArgs, global: &Global, host: &mut Host<'_>) -> Result<Outcome, Failure> {
    let one = fetched(args, global, host)?;
    if global.json {
        host.json(&as_json(&one))?;
    } else {
        head(&one, host)?;
        one.ways.iter().try_for_each(|way| show_way(&one, way, host))?;
    }
    Ok(if one.waits() { Outcome::Waiting } else { Outcome::Done })
}

/// Which record it is, whether it takes part, and which partner it has.
pub(crate) fn head(one: &OneRecord, host: &mut Host<'_>) -> Result<(), Failure> {
    let (name, other) = (one.names.of(one.side), one.names.of(one.side.other()));
    let entity = one.link.spec().entity.of(one.side);
    host.line(format_args!("{entity} {} of {name}, link {}", one.found.id, one.link.spec().id))?;
    host.line(match one.scope() {
        Truth::In => "It takes part in the link.",
        Truth::Out => "It is outside of the link's scope: nothing is carried.",
        Truth::Unknown => "Whether it takes part cannot be said: a field of the condition is not known.",
    })?;
    match &one.pair {
        Some(pair) => {
            let partner = pair.ids.of(one.side.other());
            let state = match pair.status {
                PairStatus::Frozen(_) => " (frozen)",
                PairStatus::Linked | PairStatus::Ended => "",
            };
            let seen = if one.has_partner { "" } else { ", which is not shown" };
            host.line(format_args!("Its partner is {partner} of {other}{state}{seen}."))
        }
        None => host.line(format_args!("It has no partner yet; a new record in {other} would hold:")),
    }
}

fn show_way(one: &OneRecord, way: &Explained, host: &mut Host<'_>) -> Result<(), Failure> {
    let (from, to) = (one.names.of(way.from), one.names.of(way.from.other()));
    host.line(format_args!("\n{from} -> {to}"))?;
    let mut table = show::table(&["rule", from, to, "now", "then"], host);
    for rule in &way.rules {
        let read = lines(rule.read_lines());
        let fields = lines(rule.written.iter().map(|target| target.field.to_string()));
        let now = lines(rule.written.iter().map(|target| target.now.to_string()));
        let then = match (&rule.trouble, &rule.rests) {
            (Some(trouble), _) => {
                format!("parked: {}: {}\n{}", trouble.field, trouble.message, trouble.remedy)
            }
            (None, Some(rests)) => format!("- ({rests})"),
            (None, None) => lines(rule.written.iter().map(|target| target.then.to_string())),
        };
        table.add_row([rule.rule.to_string(), read, fields, now, then].map(|cell| show::cell(&cell)));
    }
    host.line(table)
}

/// Both ways, for programs.
pub(crate) fn as_json(one: &OneRecord) -> Json {
    let partner = one.pair.as_ref().map(|pair| pair.ids.of(one.side.other()).to_string());
    json!({
        "link": one.link.spec().id,
        "side": one.names.of(one.side),
        "record": one.found.id.to_string(),
        "scope": scope(one.scope()),
        "partner": partner,
        "ways": one.ways.iter().map(|way| way_json(way, &one.names)).collect::<Vec<_>>(),
    })
}

/// Whether a record takes part, for programs.
pub(crate) fn scope(truth: Truth) -> &'static str {
    match truth {
        Truth::In => "in",
        Truth::Out => "out",
        Truth::Unknown => "unknown",
    }
}

/// One way, for programs.
pub(crate) fn way_json(way: &Explained, names: &Sides<String>) -> Json {
    let sentences = way.sentences(names.as_ref().map(String::as_str));
    json!({
        "from": names.of(way.from),
        "to": names.of(way.from.other()),
        "rules": way.rules.iter().map(rule_json).collect::<Vec<_>>(),
        "untouched": way.untouched.iter()
            .map(|(field, why)| json!({ "field": field, "why": why.to_string() }))
            .collect::<Vec<_>>(),
        "sentences": sentences,
    })
}

fn rule_json(rule: &ExplainedRule) -> Json {
    let target = |target: &Target| {
        json!({
            "field": target.field,
            "now": target.now.to_string(),
            "then": target.then.to_string(),
            "changes": target.then != Then::Same,
        })
    };
    let read = rule.read.iter().map(|(field, slot)| json!({ "field": field, "value": slot.to_string() }));
    json!({
        "rule": rule.rule.to_string(),
        "how": rule.how,
        "read": read.collect::<Vec<_>>(),
        "written": rule.written.iter().map(target).collect::<Vec<_>>(),
        "note": rule.rests.as_ref().map(ToString::to_string),
        "trouble": rule.trouble.as_ref().map(|trouble| json!({
            "problem": rule.problem(),
            "message": format!("{}: {}", trouble.field, trouble.message),
            "remedy": trouble.remedy,
        })),
    })
}

fn lines(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join("\n")
}
