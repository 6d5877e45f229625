//! `init`: a project for two systems, with links and rules proposed from their schemas.

use std::fs;
use std::path::Path;

use seamless_core::connector::Connector;
use seamless_core::model::{Schema, Side, Sides};
use seamless_mapping::suggest::suggest_by_values;
use serde_json::{Map, Value, json};

use super::discover::live_schema;
use crate::app::Outcome;
use crate::app::cli::{Global, InitArgs};
use crate::app::connect;
use crate::app::failure::Failure;
use crate::app::files::write_text;
use crate::app::host::Host;
use crate::app::layers::TEMPLATE_FILE;
use crate::app::project::{MAPPING_FILE, mapping};
use crate::app::sampling::sampled;
use crate::app::show;
use crate::app::snapshots::Shelf;
use crate::app::template::{self, Subject};

pub(crate) fn run(args: &InitArgs, global: &Global, host: &mut Host<'_>) -> Result<Outcome, Failure> {
    let folder = &global.project;
    let mapping_path = folder.join(MAPPING_FILE);
    if mapping_path.exists() && !args.force {
        let message = format!("{} is there already", mapping_path.display());
        return Err(
            Failure::usage(message).remedy("choose another folder, or overwrite the mapping with --force")
        );
    }
    if folder.join(TEMPLATE_FILE).exists() {
        let message = format!("the project in {} is made from a template", folder.display());
        return Err(Failure::usage(message).remedy("choose another folder"));
    }
    let ends = Sides::new(
        End::read(&args.left, args.left_settings.as_deref(), folder)?,
        End::read(&args.right, args.right_settings.as_deref(), folder)?,
    );
    let names = names(args, &ends)?;
    let mut schemas: Sides<Schema> = Sides::default();
    let mut systems = Sides::new(String::new(), String::new());
    let mut connectors = Sides::new(None, None);
    for side in Side::BOTH {
        let settings = match side {
            Side::Left => "--left-settings",
            Side::Right => "--right-settings",
        };
        let connector = ends.of(side).open(folder).map_err(|failure| failure.with_settings(settings))?;
        systems.of_mut(side).clone_from(&connector.info().system);
        *schemas.of_mut(side) =
            live_schema(&*connector).map_err(|failure| failure.with_settings(settings))?;
        *connectors.of_mut(side) = Some(connector);
    }
    let mut samples = Sides::new(None, None);
    for side in Side::BOTH {
        if let Some(connector) = connectors.of(side) {
            *samples.of_mut(side) =
                sampled(&args.sample, names.of(side), &**connector, schemas.of(side), host)?;
        }
    }
    let Sides { left, right } = samples.as_ref().map(Option::as_ref);
    let of_values = left.zip(right).map(|(left, right)| Sides::new(left, right));
    // Both systems have answered: only now is anything written.
    make(folder)?;
    let shelf = Shelf::of(folder);
    for side in Side::BOTH {
        if let Some(connector) = connectors.of(side) {
            shelf.keep(names.of(side), &**connector, schemas.of(side))?;
        }
    }
    let integration = format!("{}-{}", names.left, names.right);
    let subject = Subject {
        integration: &integration,
        names: &names,
        systems: &systems,
        schemas: schemas.as_ref(),
        sampled: args.sample.sample,
    };
    let (text, tally) = template::write(&subject, &suggest_by_values(schemas.as_ref(), of_values));
    write_text(&mapping_path, &text)?;
    let environment = folder.join("environments").join(format!("{}.yaml", global.env));
    make(&folder.join("environments"))?;
    write_text(&environment, &environment_text(&names, &ends))?;
    keep_state_out_of_git(folder)?;
    // What was written must be what the other commands can read.
    mapping(folder, seamless_mapping::ParameterValues::new(), &shelf)?;
    if global.json {
        host.json(&json!({
            "mapping": mapping_path, "environment": environment, "sides": names,
            "links": tally.links, "rules": tally.rules, "left_out": tally.left_out,
        }))?;
    } else {
        host.line(format_args!(
            "Wrote {} with {} and {}; {} there as comments.",
            mapping_path.display(),
            show::counted(tally.links as u64, "link"),
            show::counted(tally.rules as u64, "rule"),
            match tally.left_out {
                1 => "1 proposal stands".to_owned(),
                count => format!("{count} proposals stand"),
            }
        ))?;
        host.line(format_args!("Wrote {}.", environment.display()))?;
        let project = if folder.as_path() == Path::new(".") {
            String::new()
        } else {
            format!(" --project {}", folder.display())
        };
        host.line(match tally.links {
            0 => "No two entities are alike enough: write the links, `docs/mapping.md` shows how.".to_owned(),
            _ => format!("Read the mapping, then look at a plan: `workbench{project} plan`."),
        })?;
    }
    Ok(Outcome::Done)
}

/// `kind:path` and settings, as they were given.
struct End {
    kind: String,
    path: String,
    settings: Map<String, Value>,
}

impl End {
    fn read(text: &str, settings: Option<&str>, folder: &Path) -> Result<Self, Failure> {
        let wrong = || {
            Failure::usage(format!("`{text}` says not what kind of system it is and where"))
                .remedy(format!("write KIND:PATH, such as sqlite:crm.db; the kinds are {}", connect::kinds()))
        };
        let (kind, path) = text.split_once(':').ok_or_else(wrong)?;
        if kind.is_empty() || path.is_empty() {
            return Err(wrong());
        }
        let given = Path::new(path);
        // The project keeps the path from its own folder where the system is inside of it, else the full one.
        let full = given.canonicalize().unwrap_or_else(|_| given.to_owned());
        let home = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        let path = full.strip_prefix(&home).unwrap_or(&full).to_string_lossy().into_owned();
        let settings = serde_json::from_str(settings.unwrap_or("{}")).map_err(|cause| {
            Failure::usage(format!("the settings of {text} are no JSON object: {cause}"))
                .remedy("write them such as '{\"keys\": {\"Customer\": [\"No.\"]}}'")
        })?;
        Ok(Self { kind: kind.to_owned(), path, settings })
    }

    fn open(&self, folder: &Path) -> Result<std::sync::Arc<dyn Connector>, Failure> {
        let mut config = self.settings.clone();
        config.insert("path".to_owned(), json!(self.path));
        Ok(connect::open(&self.kind, Value::Object(config), folder)?)
    }
}

fn names(args: &InitArgs, ends: &Sides<End>) -> Result<Sides<String>, Failure> {
    let given = Sides::new(&args.left_name, &args.right_name);
    let mut names = Sides::new("left".to_owned(), "right".to_owned());
    let stems = ends.as_ref().map(|end| {
        let stem = Path::new(&end.path).file_stem().map(|stem| stem.to_string_lossy().to_lowercase());
        stem.filter(|stem| is_name(stem))
    });
    let use_stems = stems.left != stems.right && stems.left.is_some() && stems.right.is_some();
    for side in Side::BOTH {
        match (given.of(side), stems.of(side)) {
            (Some(name), _) if !is_name(name) => {
                return Err(Failure::usage(format!("a side cannot be called `{name}`"))
                    .remedy("use a short word of small letters, digits and `_`, such as `crm`"));
            }
            (Some(name), _) => names.of_mut(side).clone_from(name),
            (None, Some(stem)) if use_stems => names.of_mut(side).clone_from(stem),
            (None, _) => {}
        }
    }
    if names.left == names.right {
        return Err(Failure::usage(format!("both sides are called {}", names.left))
            .remedy("name them with --left-name and --right-name"));
    }
    Ok(names)
}

/// Names that the notation takes; words that it keeps to itself are refused by the mapping's own check at the end.
fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

fn environment_text(names: &Sides<String>, ends: &Sides<End>) -> String {
    let line = |side: Side| {
        let End { kind, path, settings } = ends.of(side);
        // JSON is YAML as it stands; spaces after colons are the only thing that YAML is stricter about.
        let more: String =
            settings.iter().map(|(name, value)| format!(", {}: {}", json!(name), literal(value))).collect();
        format!("  {}: {{ kind: {kind}, path: {}{more} }}\n", names.of(side), literal(&json!(path)))
    };
    format!(
        "# One environment: which connectors the sides have here. Paths are relative to the project's folder.\n\
         # ${{env:NAME}} and ${{file:PATH}} inside texts stand for what this machine holds; write secrets like that.\n\
         connectors:\n{}{}",
        line(Side::Left),
        line(Side::Right)
    )
}

/// A value as it is written into the environment: `${` in it is no reference.
fn literal(value: &Value) -> String {
    value.to_string().replace("${", "$${")
}

/// State and plan files hold data of both systems.
fn keep_state_out_of_git(folder: &Path) -> Result<(), Failure> {
    let path = folder.join(".gitignore");
    if path.exists() {
        return Ok(());
    }
    write_text(&path, "/state/\n*.jsonl\n")
}

fn make(folder: &Path) -> Result<(), Failure> {
    fs::create_dir_all(folder).map_err(|cause| Failure::file("making", folder, cause))
}
