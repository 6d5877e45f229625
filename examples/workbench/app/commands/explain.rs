//! `explain`: what the mapping does with one record, in words. The record comes from its system, or is written down: then
//! no system is asked.

use seamless_core::mapper::Mapper;
use seamless_core::merge::CompiledLink;
use seamless_core::model::{Error, Side, Sides};
use seamless_mapping::explain::{Explained, Subject, explain, given_record, partners};
use seamless_mapping::notation::{partner_pairs, record_fields};
use serde_json::json;

use super::try_record::{as_json, head, scope, way_json};
use crate::app::Outcome;
use crate::app::checks::ExplainArgs;
use crate::app::cli::{Global, TryArgs};
use crate::app::failure::Failure;
use crate::app::host::Host;
use crate::app::material::Material;
use crate::app::one_record::fetched;
use crate::app::project::known_link;
use crate::app::show;

pub(crate) fn run(args: &ExplainArgs, global: &Global, host: &mut Host<'_>) -> Result<Outcome, Failure> {
    match &args.values {
        Some(values) => written_down(args, values, global, host),
        None => of_system(args, global, host),
    }
}

fn of_system(args: &ExplainArgs, global: &Global, host: &mut Host<'_>) -> Result<Outcome, Failure> {
    let record = args.record.clone().unwrap_or_default();
    let tried = TryArgs { link: args.link.clone(), side: args.side.clone(), record };
    let one = fetched(&tried, global, host)?;
    if global.json {
        host.json(&as_json(&one))?;
    } else {
        head(&one, host)?;
        one.ways.iter().try_for_each(|way| say(way, &one.names, host))?;
    }
    Ok(if one.waits() { Outcome::Waiting } else { Outcome::Done })
}

fn written_down(
    args: &ExplainArgs,
    values: &str,
    global: &Global,
    host: &mut Host<'_>,
) -> Result<Outcome, Failure> {
    let material = Material::read(&args.material, global, host)?;
    let mapping = material.mapping()?;
    known_link(&mapping, &args.link)?;
    let side =
        Side::BOTH.into_iter().find(|side| *material.names.of(*side) == args.side).ok_or_else(|| {
            let Sides { left, right } = &material.names;
            Failure::usage(format!("there is no side `{}`", args.side))
                .remedy(format!("write {left} or {right}"))
        })?;
    let Some(mapper) = mapping.link(&args.link) else { return Err(Failure::usage("the link is off")) };
    let link = CompiledLink::compile(mapper.clone())?;
    let record = |of: Side, option: &str, text: &str| -> Result<_, Failure> {
        let fields = record_fields(option, text)?;
        given_record(&mapper, of, link.shape(of), &fields)
            .map_err(|message| Failure::Core(Error::configuration(message).at("option", option)))
    };
    let source = record(side, "--values", values)?;
    let target = args.partner.as_deref().map(|text| record(side.other(), "--partner", text)).transpose()?;
    let pairs = args.partners.as_deref().map(|text| partner_pairs("--partners", text)).transpose()?;
    let pairs = pairs.unwrap_or_default();
    let declared = mapping.declared().links.iter().find(|declared| declared.id == mapper.link().id);
    let schemas = material.schemas.as_ref();
    let way = |from: Side, source, target| {
        let to = from.other();
        let entity = schemas.and_then(|schemas| schemas.of(to).entity(link.spec().entity.of(to).as_str()));
        let resolved = partners(side, &pairs);
        explain(&Subject { link: &link, declared, from, source, target, resolved: &resolved, entity })
    };
    let mut ways = vec![way(side, &source, target.as_ref())];
    if let Some(target) = &target {
        ways.push(way(side.other(), target, Some(&source)));
    }
    if global.json {
        host.json(&json!({
            "link": args.link, "side": args.side, "scope": ways.first().map(|way| scope(way.scope)),
            "ways": ways.iter().map(|way| way_json(way, &material.names)).collect::<Vec<_>>(),
        }))?;
    } else {
        ways.iter().try_for_each(|way| say(way, &material.names, host))?;
    }
    let waits = ways.iter().flat_map(|way| &way.rules).any(|rule| rule.trouble.is_some());
    Ok(if waits { Outcome::Waiting } else { Outcome::Done })
}

fn say(way: &Explained, names: &Sides<String>, host: &mut Host<'_>) -> Result<(), Failure> {
    host.line(format_args!("\n{} -> {}", names.of(way.from), names.of(way.from.other())))?;
    let sentences = way.sentences(names.as_ref().map(String::as_str));
    sentences.iter().try_for_each(|sentence| host.line(format_args!("  {}", show::name(sentence))))
}
