//! `laws`: whether every rule of the mapping keeps the laws of carrying, on values that are made up and on records of the
//! systems where that is asked for. Writes nothing.

use std::sync::Arc;

use futures::executor::block_on;
use seamless_core::mapper::{LinkMode, Mapper};
use seamless_core::merge::CompiledLink;
use seamless_core::model::{Record, Side, Sides};
use seamless_mapping::laws::{CounterExample, RuleLaws, Sample};
use seamless_mapping::{LawReport, Mapping, check_laws};
use serde_json::{Value as Json, json};

use crate::app::Outcome;
use crate::app::checks::LawsArgs;
use crate::app::cli::Global;
use crate::app::environment::Lookups;
use crate::app::failure::Failure;
use crate::app::host::Host;
use crate::app::material::Material;
use crate::app::project::{environment, open_connector};
use crate::app::sampling::first_records;

pub(crate) fn run(args: &LawsArgs, global: &Global, host: &mut Host<'_>) -> Result<Outcome, Failure> {
    let material = Material::read(&args.material, global, host)?;
    let mapping = material.mapping()?;
    let samples = match args.records {
        Some(count) => records(&mapping, &material.names, count, global, host)?,
        None => Vec::new(),
    };
    let mut report = check_laws(&mapping, &samples);
    let holds = report.holds();
    if args.broken {
        report.rules.retain(|rule| !rule.counter_examples.is_empty());
    }
    let names = material.names.as_ref().map(String::as_str);
    if global.json {
        host.json(&as_json(&report, &samples, names))?;
    } else {
        host.line(report.text(names))?;
    }
    Ok(if holds { Outcome::Done } else { Outcome::Failed })
}

/// The first records of each side of each link.
fn records(
    mapping: &Mapping,
    names: &Sides<String>,
    count: usize,
    global: &Global,
    host: &mut Host<'_>,
) -> Result<Vec<Sample>, Failure> {
    let environment = environment(global, host)?;
    let secrets = host.secrets(&global.project);
    let lookups = Lookups { secrets: &secrets, folder: &global.project };
    let mut samples = Vec::new();
    for side in Side::BOTH {
        let connector = open_connector(&environment, names.of(side), lookups)?;
        for mapper in mapping.mappers().iter().filter(|mapper| mapper.link().mode != LinkMode::Off) {
            let link = CompiledLink::compile(Arc::clone(mapper) as _)?;
            let read =
                block_on(first_records(&*connector, link.spec().entity.of(side), link.shape(side), count))?;
            let of_link = |record: Record| Sample { link: link.spec().id.clone(), side, record };
            samples.extend(read.into_iter().map(of_link));
        }
    }
    Ok(samples)
}

fn as_json(report: &LawReport, samples: &[Sample], names: Sides<&str>) -> Json {
    let example = |one: &CounterExample| json!({ "law": one.law.code(), "from": names.of(one.from), "lines": one.lines(names) });
    let rule = |one: &RuleLaws| {
        json!({
            "link": one.link, "rule": one.rule, "kind": one.kind,
            "tried": one.tried.left + one.tried.right, "carried": one.carried.left + one.carried.right,
            "untried": one.is_untried(),
            "laws": one.laws.iter().map(|law| law.code()).collect::<Vec<_>>(),
            "counter_examples": one.counter_examples.iter().map(example).collect::<Vec<_>>(),
        })
    };
    json!({
        "holds": report.holds(),
        "records": samples.len(),
        "rules": report.rules.iter().map(rule).collect::<Vec<_>>(),
    })
}
