//! A project folder, opened: mapping, environment, connectors, state. Knows the folder's layout and nothing of what
//! commands do with it. The doors are [`Project::load`] and [`Project::open`].

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use seamless_core::clock::SystemClock;
use seamless_core::connector::Connector;
use seamless_core::document::{Diagnostics, did_you_mean};
use seamless_core::model::{Entity, ErrorKind, FieldKind, KeyPart, RecordId, Side, Sides};
use seamless_core::store::{SqliteStore, StateStore};
use seamless_core::sync::{Integration, Options};
use seamless_mapping::{CompileOptions, LoadOptions, Mapping, load};

use super::cli::Global;
use super::commands::discover::live_schema;
use super::connect;
use super::environment::{Environment, Lookups};
use super::failure::Failure;
use super::host::Host;
use super::layers::Layers;
use super::progress::Watcher;
use super::show;
use super::snapshots::Shelf;

/// The mapping of a project.
pub(crate) const MAPPING_FILE: &str = "integration.yaml";

/// A project whose files were read. Nothing is connected yet.
pub(crate) struct Project {
    pub(crate) folder: PathBuf,
    pub(crate) mapping: Mapping,
    pub(crate) warnings: Option<Diagnostics>,
    pub(crate) names: Sides<String>,
    environment: Environment,
    pub(crate) shelf: Shelf,
    pub(crate) env: String,
    wait: Duration,
}

/// A project that is connected.
pub(crate) struct Opened {
    pub(crate) integration: Integration,
    pub(crate) watcher: Arc<Watcher>,
}

impl Project {
    /// Reads mapping and environment.
    ///
    /// Errors: a file is not there; every finding about one, with its place.
    pub(crate) fn load(global: &Global, host: &mut Host<'_>) -> Result<Self, Failure> {
        let folder = global.project.clone();
        let environment = environment(global, host)?;
        let shelf = environment.shelf(&folder);
        let (mapping, warnings) = mapping(&folder, environment.parameters.clone(), &shelf)?;
        environment.check_names(&mapping)?;
        let names = mapping.declared().sides.as_ref().map(|side| side.name.clone());
        note_warnings(warnings.as_ref(), host);
        let (env, wait) = (global.env.clone(), global.wait);
        Ok(Self { folder, mapping, warnings, names, environment, shelf, env, wait })
    }

    /// Connects both sides and opens the state.
    ///
    /// The first time that happens, what the systems have is kept as `discover` keeps it, and the mapping is checked
    /// against it: a value that does not fit parks in the plan instead of being refused when it is written.
    pub(crate) fn open(&mut self, global: &Global, host: &mut Host<'_>) -> Result<Opened, Failure> {
        let secrets = host.secrets(&self.folder);
        let lookups = Lookups { secrets: &secrets, folder: &self.folder };
        let connector = |side: Side| open_connector(&self.environment, self.names.of(side), lookups);
        let (left, right) = (connector(Side::Left)?, connector(Side::Right)?);
        let missing = |side: Side| !self.shelf.path(self.names.of(side)).exists();
        if missing(Side::Left) || missing(Side::Right) {
            for (side, connector) in [(Side::Left, &left), (Side::Right, &right)] {
                let at_side = |failure: Failure| match failure {
                    Failure::Core(error) => Failure::Core(error.at("side", self.names.of(side))),
                    other => other,
                };
                let schema = live_schema(&**connector).map_err(at_side)?;
                self.shelf.keep(self.names.of(side), &**connector, &schema)?;
            }
            let parameters = self.environment.parameters.clone();
            (self.mapping, self.warnings) = mapping(&self.folder, parameters, &self.shelf)?;
            note_warnings(self.warnings.as_ref(), host);
        }
        let store = self.store()?;
        let watcher = Arc::new(Watcher::new(host.bars && !global.json, self.names.clone()));
        let integration = Integration::builder(&self.mapping.declared().integration)
            .left(&self.names.left, left)
            .right(&self.names.right, right)
            .links(self.mapping.links())
            .store(store)
            .observer(Arc::clone(&watcher) as _)
            .options(Options { worker: by(global, host), ..Options::default() })
            .cancel(host.cancel.clone())
            .build()?;
        Ok(Opened { integration, watcher })
    }

    /// Opens the state alone: for commands that must work while a system is down.
    ///
    /// Errors: the store's; another process having it open is waited for a while.
    pub(crate) fn store(&self) -> Result<Arc<dyn StateStore>, Failure> {
        let state = self.folder.join("state");
        // A company has a state of its own: two companies never share a pair or a base.
        let (folder, name) = match &self.environment.company {
            Some(company) => (state.join(&self.env), company),
            None => (state, &self.env),
        };
        fs::create_dir_all(&folder).map_err(|cause| Failure::file("making", &folder, cause))?;
        let path = folder.join(format!("{name}.db"));
        let until = Instant::now() + self.wait;
        loop {
            match SqliteStore::open(&path, Arc::new(SystemClock::new())) {
                Ok(store) => return Ok(Arc::new(store)),
                Err(error) if error.kind() != ErrorKind::Unavailable || Instant::now() >= until => {
                    return Err(error.into());
                }
                Err(_) => std::thread::sleep(Duration::from_millis(100)),
            }
        }
    }

    /// The side of a name: as the mapping calls it, or `left` and `right`.
    pub(crate) fn side(&self, name: &str) -> Result<Side, Failure> {
        let known =
            Side::BOTH.into_iter().find(|side| self.names.of(*side) == name || side.to_string() == name);
        known.ok_or_else(|| {
            let Sides { left, right } = &self.names;
            Failure::usage(format!("there is no side `{name}`")).remedy(format!("write {left} or {right}"))
        })
    }
}

fn note_warnings(warnings: Option<&Diagnostics>, host: &mut Host<'_>) {
    if let Some(warnings) = warnings {
        let count = show::counted(warnings.len() as u64, "warning");
        host.note(format_args!("note: {count} about the mapping; `workbench test` shows them"));
    }
}

/// Who acts: as said, or the user of the machine.
pub(crate) fn by(global: &Global, host: &Host<'_>) -> String {
    let user = || (host.variable)("USER").or_else(|| (host.variable)("USERNAME"));
    let said = global.by.clone().or_else(user).filter(|name| !name.trim().is_empty());
    said.unwrap_or_else(|| "workbench".to_owned())
}

/// Reads the environment alone, of the company that is named where it has some.
pub(crate) fn environment(global: &Global, host: &Host<'_>) -> Result<Environment, Failure> {
    all_companies(global, host)?.of(global.company.as_deref())
}

/// Reads the environment alone, as it is for all companies.
pub(crate) fn all_companies(global: &Global, host: &Host<'_>) -> Result<Environment, Failure> {
    if !global.project.is_dir() {
        let message = format!("there is no folder {}", global.project.display());
        return Err(Failure::usage(message).remedy("name the project's folder with --project"));
    }
    let secrets = host.secrets(&global.project);
    let lookups = Lookups { secrets: &secrets, folder: &global.project };
    Environment::read(&global.project, &global.env, lookups)
}

/// Opens the connector of a side.
pub(crate) fn open_connector(
    environment: &Environment,
    side: &str,
    lookups: Lookups<'_>,
) -> Result<Arc<dyn Connector>, Failure> {
    let kind = environment.kind(side)?;
    let config = environment.config(side, lookups)?;
    connect::open(kind, config, lookups.folder).map_err(|error| {
        // What the file says is wrong: say where it says so.
        let is_of_file =
            error.context().any(|(what, _)| what == "connector") || error.kind() == ErrorKind::NotFound;
        if is_of_file { environment.refused(side, &error) } else { error.at("side", side).into() }
    })
}

/// Loads the mapping of a folder, its own or that of its template and layers, checked against the snapshots where both are there.
pub(crate) fn mapping(
    folder: &Path,
    parameters: seamless_mapping::ParameterValues,
    shelf: &Shelf,
) -> Result<(Mapping, Option<Diagnostics>), Failure> {
    if let Some(layers) = Layers::of(folder)? {
        let snapshots = shelf.both(layers.template.sides());
        let compile =
            CompileOptions { schemas: snapshots.as_ref().map(Sides::as_ref), ..CompileOptions::default() };
        let loaded = layers.composed()?.load(&LoadOptions { parameters, compile })?;
        return Ok((loaded.mapping, loaded.warnings));
    }
    let path = folder.join(MAPPING_FILE);
    let text = fs::read_to_string(&path).map_err(|cause| {
        let missing = cause.kind() == std::io::ErrorKind::NotFound;
        let failure = Failure::file("reading", &path, cause);
        if missing {
            failure.remedy("let `workbench init` or `workbench template new` write a project")
        } else {
            failure
        }
    })?;
    let name = path.display().to_string();
    let names = seamless_mapping::notation::declarations(&name, &text, &parameters)
        .map(|declared| declared.sides.map(|side| side.name));
    let snapshots = names.ok().and_then(|names| shelf.both(&names));
    let compile =
        CompileOptions { schemas: snapshots.as_ref().map(Sides::as_ref), ..CompileOptions::default() };
    let loaded = load(&name, &text, &LoadOptions { parameters, compile })?;
    Ok((loaded.mapping, loaded.warnings))
}

/// Refuses a link that the mapping does not have.
pub(crate) fn known_link(mapping: &Mapping, link: &str) -> Result<(), Failure> {
    if mapping.link(link).is_some() {
        return Ok(());
    }
    let known: Vec<String> = mapping.mappers().iter().map(|mapper| link_id(mapper)).collect();
    let remedy = did_you_mean(link, known.iter().map(String::as_str))
        .unwrap_or_else(|| format!("the links are {}", known.join(", ")));
    Err(Failure::usage(format!("the mapping has no link `{link}`")).remedy(remedy))
}

fn link_id(mapper: &seamless_mapping::LinkMapper) -> String {
    use seamless_core::mapper::Mapper;
    mapper.link().id.to_string()
}

/// The id of a record from how it is written on the command line: its key parts divided by ` / `, a whole number
/// where the entity's key is one.
pub(crate) fn record_id(text: &str, entity: Option<&Entity>) -> RecordId {
    let parts = text.split(" / ").enumerate().map(|(at, part)| {
        let field = entity.and_then(|entity| entity.field(entity.key.get(at)?.as_str()));
        let is_text = field.is_some_and(|field| !matches!(field.kind, FieldKind::Int));
        match part.trim().parse::<i64>() {
            Ok(number) if !is_text => KeyPart::Int(number),
            _ => KeyPart::Text(part.into()),
        }
    });
    RecordId::of_parts(&parts.collect::<Vec<_>>())
}
