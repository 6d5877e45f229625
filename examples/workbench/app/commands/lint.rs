//! `lint`: what a careful colleague would say about the mapping. Reads no system unless asked to.

use seamless_core::document::{Diagnostics, Severity};
use seamless_core::model::Sides;
use seamless_mapping::LintOptions;
use seamless_mapping::notation::{lint_each, lint_file};
use serde_json::json;

use crate::app::Outcome;
use crate::app::checks::LintArgs;
use crate::app::cli::Global;
use crate::app::failure::{Failure, findings_json};
use crate::app::host::Host;
use crate::app::material::Material;
use crate::app::show;

pub(crate) fn run(args: &LintArgs, global: &Global, host: &mut Host<'_>) -> Result<Outcome, Failure> {
    let material = Material::read(&args.material, global, host)?;
    let options = LintOptions {
        compile: material.compile(),
        capabilities: material.capabilities.as_ref().map(Sides::as_ref),
    };
    let found = match &material.companies {
        Some((companies, company)) => lint_each(&material.file, &material.text, companies, company, &options),
        None => lint_file(&material.file, &material.text, &material.parameters, &options),
    };
    let count = |severity: Severity| {
        let all = found.iter().flat_map(Diagnostics::iter);
        all.filter(|one| one.diagnostic().severity == severity).count() as u64
    };
    let (errors, warnings, notes) = (count(Severity::Error), count(Severity::Warning), count(Severity::Note));
    let looked_at = match (&material.schemas, &material.capabilities) {
        (None, _) => "without schemas: run `discover`, or name them with --left and --right",
        (Some(_), None) => "against schemas; what the systems can do is not known",
        (Some(_), Some(_)) => "against schemas and capabilities",
    };
    if global.json {
        host.json(&json!({
            "errors": errors, "warnings": warnings, "notes": notes, "looked_at": looked_at,
            "findings": found.as_ref().map_or(json!([]), findings_json),
        }))?;
    } else {
        if let Some(found) = &found {
            host.line(format_args!("{found}\n"))?;
        }
        host.line(format_args!(
            "{}, {}, {} ({looked_at}).",
            show::counted(errors, "error"),
            show::counted(warnings, "warning"),
            show::counted(notes, "note")
        ))?;
    }
    Ok(if errors > 0 { Outcome::Failed } else { Outcome::Done })
}
