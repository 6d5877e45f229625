//! A command for every company of the environment, one after the other: what is wrong with one stops no other, and what all
//! of them came to is summed up. Knows nothing of what commands do. The doors are [`each`] and [`only_one`].

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use anstyle::Style;
use seamless_core::ErrorKind;
use serde_json::Value;

use super::Outcome;
use super::cli::{Command, Global};
use super::failure::Failure;
use super::host::Host;
use super::project::all_companies;
use super::show;

/// How a command ended, with what is summed up over companies.
pub(crate) struct Ended {
    pub(crate) outcome: Outcome,
    pub(crate) counts: Vec<(&'static str, u64)>,
}

impl From<Outcome> for Ended {
    fn from(outcome: Outcome) -> Self {
        Self { outcome, counts: Vec::new() }
    }
}

/// A command of one company.
type One<'c> = dyn FnMut(&Global, &mut Host<'_>) -> Result<Ended, Failure> + 'c;

/// Carries a command out: for the company that is named, else for every company. A project without companies has one run.
///
/// Errors: those of the command where it is carried out once; the wish to stop. What else goes wrong with a company is told
/// with it, and the outcome is then [`Outcome::Failed`].
pub(crate) fn each(global: &Global, host: &mut Host<'_>, one: &mut One<'_>) -> Result<Outcome, Failure> {
    let names = names(global, host);
    if global.company.is_some() || names.is_empty() {
        return Ok(one(global, host)?.outcome);
    }
    if global.json {
        write!(host.out, "{{\"companies\":{{").map_err(Failure::output)?;
    }
    let mut all = Vec::new();
    for (at, name) in names.iter().enumerate() {
        let of_one =
            Global { company: Some(name.clone()), for_all: true, after_another: at > 0, ..global.clone() };
        let comma = if at > 0 { "," } else { "" };
        match global.json {
            true => write!(host.out, "{comma}{}:", Value::from(name.as_str())).map_err(Failure::output)?,
            false => {
                let heading = host.styled(Style::new().bold(), &format!("company {name}"));
                host.line(format_args!("{}{heading}", if at > 0 { "\n" } else { "" }))?;
            }
        }
        let ended = match one(&of_one, host) {
            Ok(ended) => ended,
            Err(Failure::Core(error)) if error.kind() == ErrorKind::Cancelled => return Err(error.into()),
            Err(failure) => {
                failure.tell(global.json, host);
                Outcome::Failed.into()
            }
        };
        all.push((name.as_str(), ended));
    }
    if global.json {
        writeln!(host.out, "}}}}").map_err(Failure::output)?;
    } else {
        sum_up(&all, host)?;
    }
    Ok(together(all.iter().map(|(_, ended)| ended.outcome)))
}

/// What several outcomes come to: an error before changes, changes before what waits.
fn together(outcomes: impl Iterator<Item = Outcome>) -> Outcome {
    let grave = |outcome: &Outcome| match outcome {
        Outcome::Done => 0,
        Outcome::Waiting => 1,
        Outcome::Changes => 2,
        Outcome::Failed => 3,
    };
    outcomes.max_by_key(grave).unwrap_or(Outcome::Done)
}

/// A row for each company and one for all, where there is something to be counted.
fn sum_up(all: &[(&str, Ended)], host: &mut Host<'_>) -> Result<(), Failure> {
    let Some(counted) = all.iter().map(|(_, ended)| &ended.counts).find(|counts| !counts.is_empty()) else {
        return Ok(());
    };
    let what: Vec<&str> = counted.iter().map(|(what, _)| *what).collect();
    let heading: Vec<&str> = ["company", "outcome"].into_iter().chain(what.iter().copied()).collect();
    let mut table = show::table(&heading, host);
    for (name, ended) in all {
        let count = |what: &&str| {
            let found = ended.counts.iter().find(|(known, _)| known == what);
            found.map(|(_, count)| count.to_string()).unwrap_or_default()
        };
        table.add_row(
            [(*name).to_owned(), words(ended.outcome).to_owned()].into_iter().chain(what.iter().map(count)),
        );
    }
    let sum = |what: &&str| {
        let counts = all.iter().flat_map(|(_, ended)| &ended.counts).filter(|(known, _)| known == what);
        counts.map(|(_, count)| count).sum::<u64>().to_string()
    };
    let outcome = words(together(all.iter().map(|(_, ended)| ended.outcome))).to_owned();
    table.add_row(["all".to_owned(), outcome].into_iter().chain(what.iter().map(sum)));
    host.line("")?;
    host.line(table)
}

fn words(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Done => "done",
        Outcome::Changes => "changes are left",
        Outcome::Waiting => "something waits",
        Outcome::Failed => "failed",
    }
}

/// The companies of the environment. Where it cannot be read there are none: the command says what is wrong with it.
fn names(global: &Global, host: &Host<'_>) -> Vec<String> {
    let environment = all_companies(global, host);
    environment.map(|read| read.names().into_iter().map(str::to_owned).collect()).unwrap_or_default()
}

/// A command that speaks of one record, one plan or one guard is of one company: of the one that a plan file is of, or the
/// only one that there is.
///
/// Errors: there are several, and none is named.
pub(crate) fn only_one(command: &Command, global: &Global, host: &Host<'_>) -> Result<Global, Failure> {
    let mut of_one = global.clone();
    let what = match command {
        Command::Apply(args) => {
            of_one.company = global.company.clone().or_else(|| company_of(&args.file, &names(global, host)));
            Some("a plan")
        }
        Command::Try(_) | Command::Explain(_) => Some("one record"),
        Command::Resolve(args) => args.record.as_ref().map(|_| "one record"),
        Command::Retry(args) => args.record.as_ref().map(|_| "one record"),
        Command::Run(args) if !args.approval.overrides.is_empty() => Some("a guard"),
        Command::Fit(args) => args.write_overlay.as_ref().map(|_| "an overlay"),
        _ => None,
    };
    if let Some(what) = what.filter(|_| of_one.company.is_none()) {
        match names(global, host).as_slice() {
            [] => {}
            [only] => of_one.company = Some(only.clone()),
            several => {
                let message = format!("{what} is of one company, and there are several");
                return Err(Failure::usage(message)
                    .remedy(format!("say which with --company: {}", several.join(", "))));
            }
        }
    }
    Ok(of_one)
}

/// The company that a plan file was made for; what is no plan is said when it is opened.
fn company_of(file: &Path, names: &[String]) -> Option<String> {
    let mut line = String::new();
    BufReader::new(File::open(file).ok()?).read_line(&mut line).ok()?;
    let head: Value = serde_json::from_str(&line).ok()?;
    let (_, company) = head.get("head")?.get("partition")?.as_str()?.rsplit_once('.')?;
    names.iter().find(|name| *name == company).cloned()
}
