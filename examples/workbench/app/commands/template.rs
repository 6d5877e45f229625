//! `template`: templates and what a project makes of one. Reads no system.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use seamless_core::model::Side;
use seamless_mapping::ParameterValues;
use seamless_mapping::template::{
    Choices, Conflict, Edited, Overlay, Template, Upgrade, compose, shipped, upgrade,
};
use serde_json::{Value, json};

use crate::app::Outcome;
use crate::app::cli::{Global, TemplateCommand, TemplateNewArgs, TemplateShowArgs, TemplateUpgradeArgs};
use crate::app::failure::{Failure, findings_json};
use crate::app::files::write_text;
use crate::app::host::Host;
use crate::app::layers::{Layers, OVERLAYS, TEMPLATE_FILE, no_template, read, template_of};
use crate::app::project::{MAPPING_FILE, all_companies};
use crate::app::show;

pub(crate) fn run(
    command: &TemplateCommand,
    global: &Global,
    host: &mut Host<'_>,
) -> Result<Outcome, Failure> {
    match command {
        TemplateCommand::List => list(global, host),
        TemplateCommand::Show(args) => show_one(args, global, host),
        TemplateCommand::New(args) => new(args, global, host),
        TemplateCommand::Upgrade(args) => upgraded(args, global, host),
    }
}

fn list(global: &Global, host: &mut Host<'_>) -> Result<Outcome, Failure> {
    let mut templates = Vec::new();
    for one in shipped() {
        templates.push(Template::read(one.name, one.text)?);
    }
    if global.json {
        let templates: Vec<Value> = templates.iter().map(head_json).collect();
        host.json(&json!({ "templates": templates }))?;
        return Ok(Outcome::Done);
    }
    let mut table = show::table(&["template", "version", "what it is"], host);
    for one in &templates {
        table.add_row([one.id(), one.version(), one.description().unwrap_or("")]);
    }
    host.line(table)?;
    host.line("`workbench template show TEMPLATE` shows one, also one that is a file of yours.")?;
    Ok(Outcome::Done)
}

fn head_json(template: &Template) -> Value {
    json!({
        "template": template.id(), "version": template.version(), "description": template.description(),
        "sides": template.sides(),
    })
}

/// `ownership=team`, several of them.
fn choices(given: &[String]) -> Result<Choices, Failure> {
    let one = |text: &String| match text.split_once('=') {
        Some((variant, choice)) if !variant.is_empty() && !choice.is_empty() => {
            Ok((variant.to_owned(), choice.to_owned()))
        }
        _ => Err(Failure::usage(format!("`{text}` is no choice of a variant"))
            .remedy("write the variant and the choice: --choose ownership=team")),
    };
    given.iter().map(one).collect()
}

fn show_one(args: &TemplateShowArgs, global: &Global, host: &mut Host<'_>) -> Result<Outcome, Failure> {
    let given = choices(&args.choose)?;
    let (template, overlays) = match &args.template {
        Some(name) => {
            let mut overlays = Vec::new();
            for path in &args.overlay {
                overlays.push(Overlay::read(&path.display().to_string(), &read(path)?)?);
            }
            (template_of(name)?.0, overlays)
        }
        None => {
            let layers = Layers::of(&global.project)?.ok_or_else(|| no_template(&global.project))?;
            (layers.template, layers.overlays)
        }
    };
    let composed = compose(&template, &overlays, &given)?;
    if args.mapping || args.origins {
        let text = if args.origins { composed.annotated() } else { composed.text().to_owned() };
        if global.json {
            let lines = composed
                .lines()
                .into_iter()
                .map(|origin| origin.map(|origin| json!({ "file": origin.file, "line": origin.line })));
            host.json(&json!({ "mapping": text, "origins": lines.collect::<Vec<_>>() }))?;
        } else {
            host.line(text.trim_end())?;
        }
        return Ok(Outcome::Done);
    }
    if global.json {
        host.json(&summary_json(&template, composed.choices()))?;
    } else {
        host.line(summary(&template, composed.choices()).trim_end())?;
    }
    Ok(Outcome::Done)
}

fn summary_json(template: &Template, choices: &Choices) -> Value {
    let variants = template.variants().iter().map(|variant| {
        let options =
            variant.choices.iter().map(|choice| json!({ "choice": choice.name, "what": choice.description }));
        json!({
            "variant": variant.name, "description": variant.description, "default": variant.default,
            "choices": options.collect::<Vec<_>>(), "taken": choices.get(&variant.name),
        })
    });
    let prerequisites = template.prerequisites(choices).into_iter().map(|one| {
        let side = one.side.map(|side| template.sides().of(side));
        json!({ "id": one.id, "side": side, "what": one.what, "who": one.who, "confirmed_by": one.confirmed_by })
    });
    json!({
        "template": head_json(template),
        "variants": variants.collect::<Vec<_>>(),
        "prerequisites": prerequisites.collect::<Vec<_>>(),
        "expects": template.expected(choices),
    })
}

/// A template in words.
fn summary(template: &Template, choices: &Choices) -> String {
    let mut text = format!("{} {}\n", template.id(), template.version());
    if let Some(description) = template.description() {
        let _ = writeln!(text, "{description}");
    }
    for variant in template.variants() {
        let _ = writeln!(text, "\n{}: {}", variant.name, variant.description.as_deref().unwrap_or(""));
        for choice in &variant.choices {
            let mark = if choices.get(&variant.name) == Some(&choice.name) { "*" } else { " " };
            let what = choice.description.as_deref().unwrap_or("");
            let _ = writeln!(text, "  {mark} {}  {what}", choice.name);
        }
    }
    let schemas = template.expected(choices);
    for side in Side::BOTH {
        let entities = schemas.of(side).entities.values();
        for entity in entities {
            let fields: Vec<&str> = entity.fields.iter().map(|field| field.name.as_str()).collect();
            let side = template.sides().of(side);
            let _ = writeln!(text, "\nexpects of {side} {}: {}", entity.name, fields.join(", "));
        }
    }
    for one in template.prerequisites(choices) {
        let side = one.side.map(|side| format!(" in {}", template.sides().of(side))).unwrap_or_default();
        let _ =
            writeln!(text, "\nbefore{side}: {}\n  by {}; seen by: {}", one.what, one.who, one.confirmed_by);
    }
    text
}

fn new(args: &TemplateNewArgs, global: &Global, host: &mut Host<'_>) -> Result<Outcome, Failure> {
    let (template, text) = template_of(&args.template)?;
    let chosen = choices(&args.choose)?;
    let folder = &global.project;
    for name in [TEMPLATE_FILE, MAPPING_FILE] {
        let path = folder.join(name);
        if path.exists() {
            let message = format!("{} is there already", path.display());
            return Err(Failure::usage(message).remedy("choose another folder with --project"));
        }
    }
    check_name(&args.name)?;
    let layer = first_overlay(&template, &args.name, &chosen);
    let path = folder.join(OVERLAYS).join(format!("{}.yaml", args.name));
    // What is written must be what the other commands can read.
    let overlay = Overlay::read(&path.display().to_string(), &layer)?;
    compose(&template, &[overlay], &Choices::new())?;
    make(&folder.join(OVERLAYS))?;
    write_text(&folder.join(TEMPLATE_FILE), &text)?;
    write_text(&path, &layer)?;
    if global.json {
        host.json(
            &json!({ "template": folder.join(TEMPLATE_FILE), "overlay": path, "sides": template.sides() }),
        )?;
        return Ok(Outcome::Done);
    }
    let sides = template.sides();
    host.line(format_args!("Wrote {} and {}.", folder.join(TEMPLATE_FILE).display(), path.display()))?;
    host.line(format_args!(
        "Say in {} which systems {} and {} are, change the overlay, then `workbench template show --origins`.",
        folder.join("environments").join(format!("{}.yaml", global.env)).display(),
        sides.left,
        sides.right
    ))?;
    Ok(Outcome::Done)
}

fn make(folder: &std::path::Path) -> Result<(), Failure> {
    fs::create_dir_all(folder).map_err(|cause| Failure::file("making", folder, cause))
}

/// Errors: a layer cannot be called so.
pub(crate) fn check_name(name: &str) -> Result<(), Failure> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if name.is_empty() || !name.chars().all(is_name) {
        return Err(Failure::usage(format!("an overlay cannot be called `{name}`"))
            .remedy("use letters, digits, `-` and `_`"));
    }
    Ok(())
}

/// A layer to begin with: the choices that were taken, the others as comments.
pub(crate) fn first_overlay(template: &Template, name: &str, chosen: &Choices) -> String {
    let mut text = format!(
        "# What is different here. docs/templates.md explains every operation.\noverlay: {name}\ntemplate: {}\nversion: {}\n",
        json!(template.id()),
        json!(template.version())
    );
    let taken: Vec<(&String, &String)> = chosen.iter().collect();
    if !taken.is_empty() {
        text.push_str("variants:\n");
        for (variant, choice) in taken {
            let _ = writeln!(text, "  {}: {}", json!(variant), json!(choice));
        }
    }
    let open = template.variants().iter().filter(|variant| !chosen.contains_key(&variant.name));
    for variant in open {
        let names: Vec<&str> = variant.choices.iter().map(|choice| choice.name.as_str()).collect();
        let line =
            format!("# variants: {{ {}: {} }}   of {}", variant.name, variant.default, names.join(", "));
        let _ = writeln!(text, "{}", line.replace(char::is_control, " "));
    }
    text
}

fn upgraded(args: &TemplateUpgradeArgs, global: &Global, host: &mut Host<'_>) -> Result<Outcome, Failure> {
    let layers = Layers::of(&global.project)?.ok_or_else(|| no_template(&global.project))?;
    let (new, text) = template_of(&args.template)?;
    // A project need not say yet where its systems are; what it says of parameters is used.
    // Those of any company will do: what is compared is what the mapping says.
    let parameters = all_companies(global, host).and_then(|read| {
        let company = global.company.clone().or_else(|| read.names().first().map(|name| (*name).to_owned()));
        Ok(read.of(company.as_deref())?.parameters)
    });
    let parameters = parameters.unwrap_or_else(|_| ParameterValues::new());
    let done = upgrade(&layers.template, &new, &layers.overlays, &parameters)?;
    if args.write {
        // The layers first: with the old template they are refused by name, so that a crash between is seen.
        for (layer, path) in done.overlays.iter().zip(&layers.paths) {
            write_text(path, &layer.text)?;
        }
        write_text(&global.project.join(TEMPLATE_FILE), &text)?;
    }
    if global.json {
        host.json(&upgrade_json(&done, &layers.paths, &new, args.write))?;
    } else {
        tell(&done, &layers, &new, args.write, host)?;
    }
    let open = !done.conflicts.is_empty() || done.refused.is_some();
    Ok(if open { Outcome::Waiting } else { Outcome::Done })
}

fn tell(
    done: &Upgrade,
    layers: &Layers,
    new: &Template,
    written: bool,
    host: &mut Host<'_>,
) -> Result<(), Failure> {
    let (id, from, to) = (new.id(), layers.template.version(), new.version());
    host.line(format_args!("{id} from {from} to {to}"))?;
    for note in &done.notes {
        host.line(format_args!("  {note}"))?;
    }
    for conflict in &done.conflicts {
        host.line(format_args!("\nconflict: {conflict}"))?;
    }
    if let Some(refused) = &done.refused {
        host.line("\nThe new version with these layers is refused:")?;
        host.line(refused)?;
    }
    for ((layer, path), before) in done.overlays.iter().zip(&layers.paths).zip(&layers.overlays) {
        if layer.text == before.text() {
            continue;
        }
        match written {
            true => host.line(format_args!("\nWrote {}.", path.display()))?,
            false => host.line(format_args!("\n--- {}\n{}", path.display(), layer.text.trim_end()))?,
        }
    }
    let conflicts = show::counted(done.conflicts.len() as u64, "conflict");
    host.line(match written {
        true => format!("\n{conflicts}; the overlays keep what is yours."),
        false => format!("\n{conflicts}; nothing is written. `--write` writes the template and the layers."),
    })
}

fn upgrade_json(done: &Upgrade, paths: &[PathBuf], new: &Template, written: bool) -> Value {
    let edited = |edited: &Edited| json!({ "before": edited.before, "after": edited.after });
    let conflict = |one: &Conflict| {
        json!({
            "name": one.name(), "layer": one.layer, "link": one.link, "rule": one.rule, "what": one.what,
            "template": edited(&one.template), "overlay": edited(&one.customer), "keep": one.keep, "take": one.take,
        })
    };
    let overlays =
        done.overlays.iter().zip(paths).map(|(layer, path)| json!({ "file": path, "text": layer.text }));
    json!({
        "template": new.id(), "version": new.version(), "written": written,
        "overlays": overlays.collect::<Vec<_>>(),
        "conflicts": done.conflicts.iter().map(conflict).collect::<Vec<_>>(),
        "notes": done.notes,
        "refused": done.refused.as_ref().map(findings_json),
    })
}
