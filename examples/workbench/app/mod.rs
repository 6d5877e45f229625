//! The workbench without a terminal: arguments and streams in, an exit code out. Knows the command line and the
//! project folder; everything about plans and systems is the SDK's. The door is [`run`].
//!
//! Exit codes: 0 nothing to do or done, 2 a plan with changes, 3 parked or conflicting items remain, 1 an error.

mod checks;
mod cli;
mod commands;
mod companies;
mod connect;
mod environment;
mod failure;
mod files;
mod host;
mod layers;
mod material;
mod one_record;
mod progress;
mod project;
mod sampling;
mod show;
mod snapshots;
mod template;

use std::ffi::OsString;

use clap::Parser;

pub(crate) use host::Host;

use cli::{Cli, Command, Global};
use companies::Ended;
use failure::Failure;

/// How a command ended well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// Nothing to do, or done.
    Done,
    /// There is a plan with changes.
    Changes,
    /// Parked or conflicting items remain.
    Waiting,
    /// What was checked does not hold; the result says what.
    Failed,
}

impl Outcome {
    fn code(self) -> i32 {
        match self {
            Outcome::Done => 0,
            Outcome::Changes => 2,
            Outcome::Waiting => 3,
            Outcome::Failed => ERROR,
        }
    }
}

/// The exit code of every error.
const ERROR: i32 = 1;

/// Runs one command line; returns its exit code. Never panics, never exits.
pub(crate) fn run(args: impl IntoIterator<Item = OsString>, host: &mut Host<'_>) -> i32 {
    let args: Vec<OsString> = args.into_iter().collect();
    let Cli { global, command } = match Cli::try_parse_from(&args) {
        Ok(cli) => cli,
        Err(refused) => return host.usage(&refused, args.iter().any(|arg| arg == "--json")),
    };
    if global.by.as_deref().is_some_and(|name| name.trim().is_empty()) {
        let nobody = Failure::usage("--by names nobody");
        nobody.remedy("write who you are: it stands in approvals and in the journal").tell(global.json, host);
        return ERROR;
    }
    let result = match &command {
        Command::Init(args) => commands::init::run(args, &global, host),
        Command::Schema(args) => commands::schema::run(args, &global, host),
        Command::Template(args) => commands::template::run(&args.command, &global, host),
        command => companies::only_one(command, &global, host).and_then(|global| match command {
            // Its rounds go over the companies.
            Command::Run(args) => commands::run::run(args, &global, host),
            _ => companies::each(&global, host, &mut |global, host| one(command, global, host)),
        }),
    };
    match result {
        Ok(outcome) => outcome.code(),
        Err(failure) => {
            failure.tell(global.json, host);
            ERROR
        }
    }
}

/// A command of one company, or of a project without companies.
fn one(command: &Command, global: &Global, host: &mut Host<'_>) -> Result<Ended, Failure> {
    Ok(match command {
        Command::Plan(args) => return commands::plan::run(args, global, host),
        Command::Status(args) => return commands::status::run(args, global, host),
        Command::Discover(args) => commands::discover::run(args, global, host)?,
        Command::Try(args) => commands::try_record::run(args, global, host)?,
        Command::Fit(args) => commands::fit::run(args, global, host)?,
        Command::Laws(args) => commands::laws::run(args, global, host)?,
        Command::Explain(args) => commands::explain::run(args, global, host)?,
        Command::Matrix(args) => commands::matrix::run(args, global, host)?,
        Command::Lint(args) => commands::lint::run(args, global, host)?,
        Command::Test => commands::test::run(global, host)?,
        Command::Apply(args) => commands::apply::run(args, global, host)?,
        Command::Pause(args) => commands::pause::run(args, global, host)?,
        Command::Retry(args) => commands::retry::run(args, global, host)?,
        Command::Resolve(args) => commands::resolve::run(args, global, host)?,
        Command::History(args) => commands::history::run(args, global, host)?,
        Command::Init(args) => commands::init::run(args, global, host)?,
        Command::Schema(args) => commands::schema::run(args, global, host)?,
        Command::Template(args) => commands::template::run(&args.command, global, host)?,
        Command::Run(args) => commands::run::run(args, global, host)?,
    }
    .into())
}
