//! `fit`: whether the mapping still fits what the systems have. Reads the systems' schemas only, and with `--sample` some
//! records; with
//! `--write-overlay` it writes what is proposed into an overlay of the project's template.

use std::path::Path;

use seamless_core::model::{Schema, Side, Sides};
use seamless_mapping::fit::{Difference, Expected};
use seamless_mapping::notation::declarations;
use seamless_mapping::suggest::Samples;
use seamless_mapping::template::{Choices, Overlay, Proposed, Proposing, proposed};
use seamless_mapping::{FitInput, FitReport, Gravity, LoadOptions, fit};
use serde_json::{Value as Json, json};

use super::template::{check_name, first_overlay};
use crate::app::Outcome;
use crate::app::checks::{FitArgs, MaterialArgs};
use crate::app::cli::{Global, SampleArgs};
use crate::app::environment::Lookups;
use crate::app::failure::Failure;
use crate::app::files::write_text;
use crate::app::host::Host;
use crate::app::layers::{Layers, no_template, read};
use crate::app::material::{Material, schema_file};
use crate::app::project::{environment, open_connector};
use crate::app::sampling::sampled;
use crate::app::show;

/// What a side had, and how it is known.
enum Known {
    Unknown,
    Snapshot(Schema),
    Template(Schema),
}

impl Known {
    fn expected(&self) -> Expected<'_> {
        match self {
            Known::Unknown => Expected::Unknown,
            Known::Snapshot(schema) => Expected::Whole(schema),
            Known::Template(schema) => Expected::Part(schema),
        }
    }
}

pub(crate) fn run(args: &FitArgs, global: &Global, host: &mut Host<'_>) -> Result<Outcome, Failure> {
    let FitArgs { mapping, left, right, .. } = args;
    let material = MaterialArgs {
        mapping: mapping.clone(),
        left: left.clone(),
        right: right.clone(),
        live: left.is_none() && mapping.is_none(),
    };
    let layers = if mapping.is_none() { Layers::of(&global.project)? } else { None };
    if args.write_overlay.is_some() && layers.is_none() {
        return Err(no_template(&global.project));
    }
    let material = Material::read(&material, global, host)?;
    let declared = declarations(&material.file, &material.text, &material.parameters)?;
    let known = known(args, layers.as_ref(), &material)?;
    let expected = known.as_ref().map(Known::expected);
    let now = material.both_schemas()?;
    let kept = samples(args, global, &material.names, now, host)?;
    let samples = kept.as_ref().map(Sides::as_ref);
    let report = fit(&FitInput { mapping: &declared, expected, now, samples });
    let options = LoadOptions { parameters: material.parameters.clone(), ..LoadOptions::default() };
    let written = match (&args.write_overlay, &layers) {
        (Some(path), Some(layers)) => {
            let overlays = Layered::with(layers, &global.project, path)?;
            let (template, layer) = (&layers.template, overlays.layer);
            let input = Proposing {
                template,
                overlays: &overlays.all,
                layer,
                options: &options,
                expected,
                now,
                samples,
            };
            let done = proposed(&input)?;
            if done.text != overlays.before {
                write_text(path, &done.text)?;
            }
            Some((path, done))
        }
        _ => None,
    };
    if global.json {
        let mut document = as_json(&report, &material.names);
        if let (Some((path, done)), Some(document)) = (&written, document.as_object_mut()) {
            let overlay =
                json!({ "file": path, "written": done.written, "open": done.open, "text": done.text });
            document.insert("overlay".to_owned(), overlay);
        }
        host.json(&document)?;
    } else {
        say(&report, &known, &material.names, host)?;
        if let Some((path, done)) = &written {
            say_written(path, done, host)?;
        }
    }
    let is_doubtful = |one: &Difference| one.gravity == Gravity::Warning;
    Ok(match report.fits() {
        false => Outcome::Failed,
        true if report.differences.iter().any(is_doubtful) => Outcome::Changes,
        true => Outcome::Done,
    })
}

/// Values of some records of both systems, where a person asked for them.
fn samples(
    args: &FitArgs,
    global: &Global,
    names: &Sides<String>,
    now: Sides<&Schema>,
    host: &mut Host<'_>,
) -> Result<Option<Sides<Samples>>, Failure> {
    let asked = SampleArgs { sample: args.sample, show_values: args.show_values };
    if asked.sample.is_none() {
        return Ok(None);
    }
    let environment = environment(global, host)?;
    let secrets = host.secrets(&global.project);
    let lookups = Lookups { secrets: &secrets, folder: &global.project };
    let mut of_side = |side: Side| {
        let connector = open_connector(&environment, names.of(side), lookups)?;
        sampled(&asked, names.of(side), &*connector, now.of(side), host)
    };
    Ok(of_side(Side::Left)?.zip(of_side(Side::Right)?).map(|(left, right)| Sides::new(left, right)))
}

/// What both sides had: as a file says it, as the template expects it, as the project's snapshot says it.
fn known(args: &FitArgs, layers: Option<&Layers>, material: &Material) -> Result<Sides<Known>, Failure> {
    let given = Sides::new(args.expected_left.as_ref(), args.expected_right.as_ref());
    let by_template = match layers {
        Some(layers) => layers.template.expected(layers.composed()?.choices()).map(Some),
        None => Sides::default(),
    };
    let one = |side: Side| -> Result<Known, Failure> {
        if let Some(path) = *given.of(side) {
            return schema_file(path).map(Known::Snapshot);
        }
        if let Some(schema) = by_template.of(side).as_ref().filter(|schema| !schema.entities.is_empty()) {
            return Ok(Known::Template(schema.clone()));
        }
        let kept = || material.shelf.schema(material.names.of(side));
        let snapshot = if args.mapping.is_none() { kept()? } else { None };
        Ok(snapshot.map_or(Known::Unknown, Known::Snapshot))
    };
    Ok(Sides::new(one(Side::Left)?, one(Side::Right)?))
}

/// The layers of a project with the one that is written.
struct Layered {
    all: Vec<Overlay>,
    layer: usize,
    /// What the file holds; nothing where there is none yet.
    before: String,
}

impl Layered {
    /// Errors: the file is there and is no overlay; its name cannot be that of a layer.
    fn with(layers: &Layers, folder: &Path, path: &Path) -> Result<Self, Failure> {
        let (layer, is_known) = layers.place_of(folder, path);
        let mut all = layers.overlays.clone();
        if is_known {
            let before = all.get(layer).map(|overlay| overlay.text().to_owned()).unwrap_or_default();
            return Ok(Self { all, layer, before });
        }
        let before = if path.exists() { read(path)? } else { String::new() };
        let text = if before.is_empty() {
            let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
            check_name(&name)?;
            first_overlay(&layers.template, &name, &Choices::new())
        } else {
            before.clone()
        };
        all.insert(layer, Overlay::read(&path.display().to_string(), &text)?);
        Ok(Self { all, layer, before })
    }
}

fn say_written(path: &Path, done: &Proposed, host: &mut Host<'_>) -> Result<(), Failure> {
    let count = show::counted(done.written.len() as u64, "operation");
    host.line(format_args!("\nWrote {count} to {}; read them before you run.", path.display()))?;
    if !done.open.is_empty() {
        host.line("For a person to decide:")?;
    }
    for one in &done.open {
        host.line(format_args!("  {}", show::name(one)))?;
    }
    Ok(())
}

fn say(
    report: &FitReport,
    known: &Sides<Known>,
    names: &Sides<String>,
    host: &mut Host<'_>,
) -> Result<(), Failure> {
    for (name, known) in [(&names.left, &known.left), (&names.right, &known.right)] {
        if matches!(known, Known::Unknown) {
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
            "operations": one.operations,
        })
    };
    json!({
        "fits": report.fits(),
        "differences": report.differences.iter().map(difference).collect::<Vec<_>>(),
        "suggestions": report.suggestions,
    })
}
