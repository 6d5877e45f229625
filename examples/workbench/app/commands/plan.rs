//! `plan`: makes a plan, shows it, keeps it in a file.

use std::io::{self, Write};
use std::path::Path;

use futures::executor::block_on;
use seamless_core::plan::EntryLine;
use seamless_core::plan::render::{Show, TextOptions};
use seamless_core::sync::Plan;
use serde_json::json;

use crate::app::Outcome;
use crate::app::cli::{Global, PlanArgs};
use crate::app::companies::Ended;
use crate::app::failure::Failure;
use crate::app::files::{Readers, is_something_else, replace};
use crate::app::host::Host;
use crate::app::project::Project;
use crate::app::show;

pub(crate) fn run(args: &PlanArgs, global: &Global, host: &mut Host<'_>) -> Result<Ended, Failure> {
    let out = args.out.as_deref().map(|path| global.file(path));
    if let Some(path) = out.as_ref().filter(|path| is_something_else(path, PLAN_BEGINS)) {
        return Err(Failure::usage(format!("{} is there and is no plan", path.display()))
            .remedy("give the plan another name, or delete the file"));
    }
    let mut project = Project::load(global, host)?;
    let opened = project.open(global, host)?;
    let plan = block_on(opened.integration.plan())?;
    let waiting = !block_on(opened.integration.status())?.waiting.is_empty();
    if let Some(path) = &out {
        replace(path, Readers::Owner, |file| Ok(block_on(plan.write_jsonl(file))?))?;
    }
    if global.json {
        write_json(&plan, args, out.as_deref(), host)?;
    } else {
        let options = TextOptions {
            show: if args.mask { Show::Masked } else { Show::Full },
            colour: host.colour,
            entries_per_group_max: args.entries,
        };
        show_text(&plan, options, host)?;
        if let Some(path) = &out {
            host.line(format_args!("Kept in {}; apply it with `workbench apply {0}`.", path.display()))?;
        }
    }
    let trailer = plan.trailer();
    Ok(Ended {
        outcome: outcome(&plan, waiting),
        counts: vec![("writes", trailer.writes()), ("waiting", trailer.waiting())],
    })
}

/// How every plan file begins.
const PLAN_BEGINS: &[u8] = br#"{"head":"#;

/// What a plan means for the exit code: changes come first, because they can be applied.
pub(crate) fn outcome(plan: &Plan, waiting: bool) -> Outcome {
    let trailer = plan.trailer();
    let waits = trailer.waiting();
    if trailer.entries() > waits {
        Outcome::Changes
    } else if waits > 0 || waiting {
        Outcome::Waiting
    } else {
        Outcome::Done
    }
}

/// Writes the plan's text as it is rendered, without holding it in memory.
pub(crate) fn show_text(plan: &Plan, options: TextOptions, host: &mut Host<'_>) -> Result<(), Failure> {
    struct Out<'a>(&'a mut dyn Write, &'a mut Option<io::Error>);
    impl std::fmt::Write for Out<'_> {
        fn write_str(&mut self, text: &str) -> std::fmt::Result {
            self.0.write_all(text.as_bytes()).map_err(|cause| {
                *self.1 = Some(cause);
                std::fmt::Error
            })
        }
    }
    let mut problem = None;
    let rendered = block_on(plan.render(Out(&mut *host.out, &mut problem), options));
    match problem {
        Some(cause) => Err(Failure::output(cause)),
        None => Ok(rendered?),
    }?;
    host.out.flush().map_err(Failure::output)
}

/// `{"plan":..,"counts":..,"guards":..,"entries":[..]}`; with `--mask` without entries, which hold clear values.
fn write_json(plan: &Plan, args: &PlanArgs, out: Option<&Path>, host: &mut Host<'_>) -> Result<(), Failure> {
    let trailer = plan.trailer();
    let mut document = show::plan_json(plan);
    if let Some(fields) = document.as_object_mut() {
        fields.insert("file".to_owned(), json!(out.map(|path| path.display().to_string())));
        fields.insert("runs_to_quiet".to_owned(), json!(trailer.runs_to_quiet));
    }
    if args.mask {
        return host.json(&document);
    }
    // Entries are streamed: a plan can be larger than memory.
    let text = document.to_string();
    let open = text.strip_suffix('}').unwrap_or(&text);
    let out = &mut *host.out;
    write!(out, "{open},\"entries\":[").map_err(Failure::output)?;
    let mut first = true;
    let mut written = Ok(());
    block_on(plan.each(|entry| {
        let line = serde_json::to_value(EntryLine(entry)).map_err(|cause| {
            seamless_core::Error::new(
                seamless_core::ErrorKind::Internal,
                "an entry cannot be written as JSON",
            )
            .caused_by(cause)
        })?;
        let line = line.get("entry").cloned().unwrap_or_default();
        if written.is_ok() {
            written = write!(out, "{}{line}", if first { "" } else { "," });
        }
        first = false;
        Ok(())
    }))?;
    written.map_err(Failure::output)?;
    writeln!(out, "]}}").map_err(Failure::output)
}
