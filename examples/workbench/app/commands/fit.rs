//! `fit`: whether the mapping still fits what the systems have. Writes nothing; reads the systems' schemas only.

use std::path::PathBuf;

use seamless_core::model::{Schema, Sides};
use seamless_mapping::fit::Difference;
use seamless_mapping::notation::declarations;
use seamless_mapping::{FitInput, FitReport, Gravity, fit};
use serde_json::{Value as Json, json};

use crate::app::Outcome;
use crate::app::checks::{FitArgs, MaterialArgs};
use crate::app::cli::Global;
use crate::app::failure::Failure;
use crate::app::host::Host;
use crate::app::material::{Material, schema_file};
use crate::app::project::snapshot;
use crate::app::show;

pub(crate) fn run(args: &FitArgs, global: &Global, host: &mut Host<'_>) -> Result<Outcome, Failure> {
    let FitArgs { mapping, left, right, expected_left, expected_right } = args;
    let material = MaterialArgs {
        mapping: mapping.clone(),
        left: left.clone(),
        right: right.clone(),
        live: left.is_none() && mapping.is_none(),
    };
    let material = Material::read(&material, global, host)?;
    let declared = declarations(&material.file, &material.text, &material.parameters)?;
    let names = &material.names;
    let expected = |given: &Option<PathBuf>, side: &str| -> Result<Option<Schema>, Failure> {
        match given {
            Some(path) => schema_file(path).map(Some),
            None if mapping.is_none() => snapshot(&global.project, side),
            None => Ok(None),
        }
    };
    let expected = Sides::new(expected(expected_left, &names.left)?, expected(expected_right, &names.right)?);
    let input = FitInput {
        mapping: &declared,
        expected: expected.as_ref().map(Option::as_ref),
        now: material.both_schemas()?,
    };
    let report = fit(&input);
    if global.json {
        host.json(&as_json(&report, names))?;
    } else {
        say(&report, &expected, names, host)?;
    }
    let is_doubtful = |one: &Difference| one.gravity == Gravity::Warning;
    Ok(match report.fits() {
        false => Outcome::Failed,
        true if report.differences.iter().any(is_doubtful) => Outcome::Changes,
        true => Outcome::Done,
    })
}

fn say(
    report: &FitReport,
    expected: &Sides<Option<Schema>>,
    names: &Sides<String>,
    host: &mut Host<'_>,
) -> Result<(), Failure> {
    for (name, known) in [(&names.left, &expected.left), (&names.right, &expected.right)] {
        if known.is_none() {
            host.line(format_args!(
                "What {name} had when the mapping was written is not known: only what is missing can be told."
            ))?;
        }
    }
    let mut told = "";
    for one in &report.differences {
        let field = one.field.as_ref().map(|field| format!(".{field}")).unwrap_or_default();
        let word = word(one.gravity);
        host.line(show::name(&format!(
            "{word}[{}] {}, {} of {}{field}: {}",
            one.what.code(),
            one.link,
            one.entity,
            names.of(one.side),
            one.message
        )))?;
        // What is proposed for many fields at once is said once.
        if one.proposal != told {
            host.line(format_args!("    proposal: {}", show::name(&one.proposal)))?;
            told = &one.proposal;
        }
    }
    if !report.suggestions.is_empty() {
        host.line("\nRules that may be missing:")?;
        for one in &report.suggestions {
            host.line(show::name(&format!(
                "  {}: {} <-> {}  # {:.2}, {}",
                one.link, one.field.left, one.field.right, one.score, one.evidence
            )))?;
        }
    }
    let count =
        |gravity: Gravity| report.differences.iter().filter(|one| one.gravity == gravity).count() as u64;
    host.line(format_args!(
        "{}, {}, {}, {}.",
        show::counted(count(Gravity::Error), "error"),
        show::counted(count(Gravity::Warning), "warning"),
        show::counted(count(Gravity::Note), "note"),
        show::counted(report.suggestions.len() as u64, "suggestion")
    ))
}

fn word(gravity: Gravity) -> &'static str {
    match gravity {
        Gravity::Note => "note",
        Gravity::Warning => "warning",
        Gravity::Error => "error",
    }
}

fn as_json(report: &FitReport, names: &Sides<String>) -> Json {
    let difference = |one: &Difference| {
        json!({
            "link": one.link, "side": names.of(one.side), "entity": one.entity, "field": one.field,
            "rules": one.rules, "keys": one.keys, "code": one.what.code(), "what": one.what,
            "severity": word(one.gravity), "message": one.message, "proposal": one.proposal,
        })
    };
    json!({
        "fits": report.fits(),
        "differences": report.differences.iter().map(difference).collect::<Vec<_>>(),
        "suggestions": report.suggestions,
    })
}
