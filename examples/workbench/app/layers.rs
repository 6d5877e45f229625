//! A project that is made from a template: `template.yaml` and the layers in `overlays/`, the lowest first by their names.
//! Knows the folder's layout; putting together is the SDK's. The doors are [`Layers::of`] and [`template_of`].

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use seamless_core::document::did_you_mean;
use seamless_mapping::template::{Choices, Composed, Overlay, Template, compose, shipped};

use super::failure::Failure;
use super::project::MAPPING_FILE;

/// The template of a project.
pub(crate) const TEMPLATE_FILE: &str = "template.yaml";

/// The folder of its layers.
pub(crate) const OVERLAYS: &str = "overlays";

/// The template of a project with its layers.
pub(crate) struct Layers {
    pub(crate) template: Template,
    pub(crate) overlays: Vec<Overlay>,
    /// Where each layer is kept.
    pub(crate) paths: Vec<PathBuf>,
}

impl Layers {
    /// Those of a project; `None` where it has a mapping of its own.
    pub(crate) fn of(folder: &Path) -> Result<Option<Self>, Failure> {
        let path = folder.join(TEMPLATE_FILE);
        if !path.exists() {
            return Ok(None);
        }
        if folder.join(MAPPING_FILE).exists() {
            let message = format!("the project has both {TEMPLATE_FILE} and {MAPPING_FILE}");
            return Err(Failure::usage(message)
                .remedy("keep one: the mapping is made from the template, or your own"));
        }
        let template = Template::read(&path.display().to_string(), &read(&path)?)?;
        let paths = overlay_paths(folder)?;
        let mut overlays = Vec::with_capacity(paths.len());
        for path in &paths {
            overlays.push(Overlay::read(&path.display().to_string(), &read(path)?)?);
        }
        Ok(Some(Self { template, overlays, paths }))
    }

    /// The place of a file among the layers, and whether it is one already. A new one lies where its name puts it, above all
    /// others where it is kept elsewhere.
    pub(crate) fn place_of(&self, folder: &Path, file: &Path) -> (usize, bool) {
        let full = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let known = self.paths.iter().position(|path| full(path) == full(file));
        if let Some(place) = known {
            return (place, true);
        }
        let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let among = full(parent) == full(&folder.join(OVERLAYS));
        let above = |path: &PathBuf| among && path.file_name() > file.file_name();
        (self.paths.iter().position(above).unwrap_or(self.paths.len()), false)
    }

    /// The mapping that they make.
    pub(crate) fn composed(&self) -> Result<Composed, Failure> {
        Ok(compose(&self.template, &self.overlays, &Choices::new())?)
    }
}

fn overlay_paths(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let folder = folder.join(OVERLAYS);
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(cause) => return Err(Failure::file("reading", &folder, cause)),
    };
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.map_err(|cause| Failure::file("reading", &folder, cause))?.path();
        let is_overlay = path.extension().is_some_and(|end| end == "yaml" || end == "yml" || end == "json");
        paths.extend(is_overlay.then_some(path));
    }
    paths.sort();
    Ok(paths)
}

/// That a command needs a template where there is none.
pub(crate) fn no_template(folder: &Path) -> Failure {
    let message = format!("{} is not made from a template", folder.display());
    Failure::usage(message).remedy("name a template, or let `workbench template new` make the project")
}

/// Reads a file of the project.
pub(crate) fn read(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|cause| Failure::file("reading", path, cause))
}

/// A template by the id under which it comes with the SDK, or by the path of its file; with its text.
pub(crate) fn template_of(name: &str) -> Result<(Template, String), Failure> {
    let id = |file: &'static str| file.strip_suffix(".yaml").unwrap_or(file);
    if let Some(one) = shipped().iter().find(|one| id(one.name) == name) {
        return Ok((Template::read(one.name, one.text)?, one.text.to_owned()));
    }
    let path = Path::new(name);
    if !path.exists() {
        let known = || shipped().iter().map(|one| id(one.name));
        let near = did_you_mean(name, known());
        let remedy = near.unwrap_or_else(|| "give a file, or one that `template list` shows".to_owned());
        return Err(Failure::usage(format!("there is no template `{name}`")).remedy(remedy));
    }
    let text = read(path)?;
    Ok((Template::read(name, &text)?, text))
}
