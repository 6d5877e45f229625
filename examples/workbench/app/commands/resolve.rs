//! `resolve`: a person's decision about an open conflict, or about all of a rule.

use futures::executor::block_on;
use seamless_core::document::did_you_mean;
use seamless_core::mapper::Mapper;
use seamless_core::model::{LinkId, RuleId, Side};
use seamless_core::store::{AttentionWhy, Scan};
use seamless_core::sync::{Choice, Integration};
use serde_json::json;

use crate::app::Outcome;
use crate::app::cli::{Global, ResolveArgs};
use crate::app::failure::Failure;
use crate::app::host::Host;
use crate::app::project::{Project, by, known_link, record_id};
use crate::app::show;

/// Open items that are read at once.
const PAGE_ROWS: usize = 500;

/// Records that are named where they cannot be decided.
const REFUSED_SHOWN_MAX: usize = 20;

pub(crate) fn run(args: &ResolveArgs, global: &Global, host: &mut Host<'_>) -> Result<Outcome, Failure> {
    let mut project = Project::load(global, host)?;
    known_link(&project.mapping, &args.link)?;
    let side = args.side.as_deref().map_or(Ok(Side::Left), |name| project.side(name))?;
    let take = project.side(&args.take)?;
    check_rule(&project, args)?;
    let opened = project.open(global, host)?;
    let (link, rule) = (LinkId::from(args.link.as_str()), RuleId::from(args.rule.as_str()));
    let winner = project.names.of(take).clone();
    let Some(record) = &args.record else {
        let choices = open_choices(&opened.integration, &link, &rule, take)?;
        return decide_all(&opened.integration, &choices, &winner, global, host);
    };
    let entity = opened.integration.link(link.as_str())?.spec().entity.of(side).clone();
    let schema = block_on(opened.integration.connectors().of(side).discover(std::slice::from_ref(&entity)))?;
    let id = record_id(record, schema.entity(entity.as_str()));
    block_on(opened.integration.resolve(&link, side, &id, &rule, take, &by(global, host)))?;
    if global.json {
        host.json(&json!({
            "link": link, "side": project.names.of(side), "record": id.to_string(), "rule": rule, "take": winner,
        }))?;
    } else {
        host.line(format_args!(
            "Decided: {rule} of {record} is what {winner} holds now. The next plan carries it; it is open again if a side \
             moves before.",
        ))?;
    }
    Ok(Outcome::Done)
}

/// A choice for every record in which a rule waits for a person.
fn open_choices(
    integration: &Integration,
    link: &LinkId,
    rule: &RuleId,
    take: Side,
) -> Result<Vec<Choice>, Failure> {
    let (mut choices, mut after) = (Vec::new(), None);
    loop {
        let page = block_on(integration.store().attention(link, None, Scan { after, rows_max: PAGE_ROWS }))?;
        after = page.rows.last().map(|row| (row.side, row.id.clone()));
        let of_rule = page.rows.into_iter().filter(|row| match &row.why {
            AttentionWhy::Conflict { rules, .. } => rules.contains(rule),
            AttentionWhy::Parked { rules, reason, .. } => rules.contains(rule) && reason.can_be_decided(),
            AttentionWhy::Hint { .. } | AttentionWhy::Retry { .. } => false,
        });
        choices.extend(of_rule.map(|row| Choice {
            link: link.clone(),
            side: row.side,
            id: row.id,
            rule: rule.clone(),
            take,
        }));
        if !page.more {
            return Ok(choices);
        }
    }
}

fn decide_all(
    integration: &Integration,
    choices: &[Choice],
    winner: &str,
    global: &Global,
    host: &mut Host<'_>,
) -> Result<Outcome, Failure> {
    let chosen = block_on(integration.resolve_many(choices, &by(global, host)))?;
    let refused = chosen.refused.iter().filter_map(|(at, why)| Some((choices.get(*at)?, why)));
    if global.json {
        let refused =
            refused.map(|(choice, why)| json!({ "record": choice.id.to_string(), "why": why.message() }));
        let refused: Vec<_> = refused.collect();
        host.json(&json!({ "decided": chosen.kept, "take": winner, "refused": refused }))?;
        return Ok(Outcome::Done);
    }
    if choices.is_empty() {
        host.line("Nothing waits for that decision.")?;
        return Ok(Outcome::Done);
    }
    let records = show::counted(chosen.kept as u64, "record");
    host.line(format_args!("Decided: {records} as {winner} holds them now. The next plan carries them."))?;
    for (choice, why) in refused.take(REFUSED_SHOWN_MAX) {
        host.line(format_args!("Not decided: {}: {why}", choice.id))?;
    }
    Ok(Outcome::Done)
}

fn check_rule(project: &Project, args: &ResolveArgs) -> Result<(), Failure> {
    let Some(mapper) = project.mapping.link(&args.link) else { return Ok(()) };
    let known: Vec<&str> = mapper.rules().iter().map(|rule| rule.id.as_str()).collect();
    if known.contains(&args.rule.as_str()) {
        return Ok(());
    }
    let remedy = did_you_mean(&args.rule, known.iter().copied())
        .unwrap_or_else(|| format!("the rules are {}", known.join(", ")));
    Err(Failure::usage(format!("the link {} has no rule `{}`", args.link, args.rule)).remedy(remedy))
}
