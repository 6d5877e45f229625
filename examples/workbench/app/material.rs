//! What a mapping is looked at with when nothing is run: its text, what the systems have, what they can do. Read from
//! the project, from files, or from the systems. The door is [`Material::read`].

use std::fs;
use std::path::Path;

use seamless_core::model::{Schema, Side, Sides};
use seamless_mapping::lint::CapabilitiesByEntity;
use seamless_mapping::notation::declarations;
use seamless_mapping::snapshot::read_schema;
use seamless_mapping::{Companies, CompileOptions, LoadOptions, Mapping, ParameterValues, load};

use super::checks::MaterialArgs;
use super::cli::Global;
use super::commands::discover::live_schema;
use super::environment::{Environment, Lookups};
use super::failure::Failure;
use super::host::Host;
use super::layers::Layers;
use super::project::{MAPPING_FILE, all_companies, open_connector};
use super::snapshots::{Shelf, capabilities};

/// What findings call the mapping of a template with its layers.
const COMPOSED: &str = "template with its overlays";

/// A mapping file, and what is known of its systems.
pub(crate) struct Material {
    /// What findings call the file.
    pub(crate) file: String,
    pub(crate) text: String,
    pub(crate) parameters: ParameterValues,
    /// The companies of the environment, and the one that is looked at.
    pub(crate) companies: Option<(Companies, String)>,
    /// What the sides are called; as in code where the file cannot be read.
    pub(crate) names: Sides<String>,
    /// Where snapshots are kept.
    pub(crate) shelf: Shelf,
    pub(crate) schemas: Option<Sides<Schema>>,
    pub(crate) capabilities: Option<Sides<CapabilitiesByEntity>>,
}

impl Material {
    /// Reads what the arguments name.
    ///
    /// Errors: a file is not there or is no schema; with `--live`, a system does not answer.
    pub(crate) fn read(args: &MaterialArgs, global: &Global, host: &mut Host<'_>) -> Result<Self, Failure> {
        let (file, text) = match &args.mapping {
            Some(path) => of_file(path)?,
            None => match Layers::of(&global.project)? {
                // Lines are counted in what `template show --mapping` prints.
                Some(layers) => (COMPOSED.to_owned(), layers.composed()?.text().to_owned()),
                None => of_file(&global.project.join(MAPPING_FILE))?,
            },
        };
        // A file of its own may stand anywhere; what a project's environment says of parameters counts where there is one.
        let read = all_companies(global, host);
        let companies = read.as_ref().ok().and_then(Environment::companies);
        let environment = match read.and_then(|read| read.of(global.company.as_deref())) {
            Ok(environment) => Some(environment),
            Err(_) if args.mapping.is_some() => None,
            Err(failure) => return Err(failure),
        };
        let parameters = environment.as_ref().map(|found| found.parameters.clone()).unwrap_or_default();
        let names =
            declarations(&file, &text, &parameters).map(|declared| declared.sides.map(|side| side.name));
        let names = names.unwrap_or_else(|_| Sides::new("left".to_owned(), "right".to_owned()));
        let company = environment.as_ref().and_then(|found| found.company.clone());
        let companies = companies.zip(company);
        let shelf = environment
            .as_ref()
            .map_or_else(|| Shelf::of(&global.project), |found| found.shelf(&global.project));
        let mut material =
            Self { file, text, parameters, companies, names, shelf, schemas: None, capabilities: None };
        if args.live {
            let environment =
                environment.ok_or_else(|| Failure::usage("there is no environment to ask systems of"))?;
            let secrets = host.secrets(&global.project);
            let lookups = Lookups { secrets: &secrets, folder: &global.project };
            let mut asked = Sides::new(
                (Schema::default(), CapabilitiesByEntity::new()),
                (Schema::default(), CapabilitiesByEntity::new()),
            );
            for side in Side::BOTH {
                let connector = open_connector(&environment, material.names.of(side), lookups)?;
                let schema = live_schema(&*connector)?;
                let can = capabilities(&*connector, &schema);
                *asked.of_mut(side) = (schema, can);
            }
            let Sides { left, right } = asked;
            material.schemas = Some(Sides::new(left.0, right.0));
            material.capabilities = Some(Sides::new(left.1, right.1));
            return Ok(material);
        }
        let given = Sides::new(args.left.as_deref(), args.right.as_deref());
        let of_project = args.mapping.is_none();
        let schema = |side: Side| match *given.of(side) {
            Some(path) => schema_file(path).map(Some),
            None if of_project => material.shelf.schema(material.names.of(side)),
            None => Ok(None),
        };
        material.schemas =
            schema(Side::Left)?.zip(schema(Side::Right)?).map(|(left, right)| Sides::new(left, right));
        if of_project && args.left.is_none() && args.right.is_none() {
            let can = |side: Side| material.shelf.capabilities(material.names.of(side));
            material.capabilities =
                can(Side::Left).zip(can(Side::Right)).map(|(left, right)| Sides::new(left, right));
        }
        Ok(material)
    }

    /// What the compiler is given.
    pub(crate) fn compile(&self) -> CompileOptions<'_> {
        CompileOptions { schemas: self.schemas.as_ref().map(Sides::as_ref), ..CompileOptions::default() }
    }

    /// The mapping, checked.
    ///
    /// Errors: every finding with its place.
    pub(crate) fn mapping(&self) -> Result<Mapping, Failure> {
        let options = LoadOptions { parameters: self.parameters.clone(), compile: self.compile() };
        Ok(load(&self.file, &self.text, &options)?.mapping)
    }

    /// What both systems have.
    ///
    /// Errors: a side is not known.
    pub(crate) fn both_schemas(&self) -> Result<Sides<&Schema>, Failure> {
        self.schemas.as_ref().map(Sides::as_ref).ok_or_else(|| {
            Failure::usage("what the systems have is not known")
                .remedy("let `workbench discover` look, give --live, or name files with --left and --right")
        })
    }
}

fn of_file(path: &Path) -> Result<(String, String), Failure> {
    let text = fs::read_to_string(path).map_err(|cause| Failure::file("reading", path, cause))?;
    Ok((path.display().to_string(), text))
}

/// Reads what a system has from a file: a snapshot, or a published list.
pub(crate) fn schema_file(path: &Path) -> Result<Schema, Failure> {
    let text = fs::read_to_string(path).map_err(|cause| Failure::file("reading", path, cause))?;
    Ok(read_schema(&path.display().to_string(), &text)?)
}
