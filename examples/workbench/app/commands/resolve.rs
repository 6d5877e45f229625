//! `resolve`: a person's decision about an open conflict.

use futures::executor::block_on;
use seamless_core::document::did_you_mean;
use seamless_core::mapper::Mapper;
use seamless_core::model::{LinkId, RuleId, Side};
use serde_json::json;

use crate::app::Outcome;
use crate::app::cli::{Global, ResolveArgs};
use crate::app::failure::Failure;
use crate::app::host::Host;
use crate::app::project::{Project, by, known_link, record_id};

pub(crate) fn run(args: &ResolveArgs, global: &Global, host: &mut Host<'_>) -> Result<Outcome, Failure> {
    let mut project = Project::load(global, host)?;
    known_link(&project.mapping, &args.link)?;
    let side = args.side.as_deref().map_or(Ok(Side::Left), |name| project.side(name))?;
    let take = project.side(&args.take)?;
    check_rule(&project, args)?;
    let opened = project.open(global, host)?;
    let link = LinkId::from(args.link.as_str());
    let entity = opened.integration.link(link.as_str())?.spec().entity.of(side).clone();
    let schema = block_on(opened.integration.connectors().of(side).discover(std::slice::from_ref(&entity)))?;
    let id = record_id(&args.record, schema.entity(entity.as_str()));
    let rule = RuleId::from(args.rule.as_str());
    block_on(opened.integration.resolve(&link, side, &id, &rule, take, &by(global, host)))?;
    let winner = project.names.of(take);
    if global.json {
        host.json(&json!({
            "link": link, "side": project.names.of(side), "record": id.to_string(), "rule": rule, "take": winner,
        }))?;
    } else {
        host.line(format_args!(
            "Decided: {rule} of {} is what {winner} holds now. The next plan carries it; it is open again if a side \
             moves before.",
            args.record
        ))?;
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
