//! `test`: the tests that stand in the mapping. Reads no system.

use seamless_mapping::run_tests;
use serde_json::json;

use crate::app::Outcome;
use crate::app::cli::Global;
use crate::app::failure::Failure;
use crate::app::host::Host;
use crate::app::project::Project;

pub(crate) fn run(global: &Global, host: &mut Host<'_>) -> Result<Outcome, Failure> {
    let project = Project::load(global, host)?;
    let report = run_tests(&project.mapping);
    if let Some(warnings) = project.warnings.as_ref().filter(|_| !global.json) {
        host.note(warnings);
    }
    if global.json {
        let tests = report.outcomes.iter().map(
            |outcome| json!({ "link": outcome.link, "name": outcome.name, "failures": outcome.failures }),
        );
        let warnings = project.warnings.as_ref().map(crate::app::failure::findings_json);
        host.json(&json!({
            "passed": report.passed(), "tests": tests.collect::<Vec<_>>(), "warnings": warnings.unwrap_or(json!([])),
        }))?;
    } else if report.outcomes.is_empty() {
        host.line("The mapping has no tests; write some below `tests:` of a link.")?;
    } else {
        host.line(&report)?;
    }
    Ok(if report.passed() { Outcome::Done } else { Outcome::Failed })
}
