//! The command line: every command, option, default and help text. Knows nothing of what the commands do.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use super::checks::{ExplainArgs, FitArgs, LawsArgs, LintArgs, MatrixArgs, SchemaArgs};

const EXAMPLES: &str = "\
Examples:
  workbench --project crm-erp init --left sqlite:crm.db --right sqlite:erp.db
  workbench --project crm-erp plan --out plan.jsonl
  workbench --project crm-erp apply plan.jsonl
  workbench --project crm-erp --env prod run --every 60s --yes
  workbench --project crm-erp resolve --link customers --record 17 --rule phone --take crm
  workbench --project crm-erp retry

A project is a folder:
  integration.yaml          the mapping; or template.yaml and overlays/, of which it is made
  environments/<name>.yaml  the connectors of one environment, and its companies; ${env:NAME} and ${file:PATH} inside texts
  schemas/<side>.json       what the systems have, as `discover` saw it last; a company's own in schemas/<company>/
  state/<name>.db           pairs, plans and journal of one environment; of a company in state/<name>/<company>.db

Exit codes: 0 nothing to do or done, 2 a plan with changes, 3 parked or conflicting items remain, 1 an error.

docs/workbench.md explains environments, the settings of connectors and the words of a plan.";

/// Keeps two systems in step: plan, look, apply.
#[derive(Debug, Parser)]
#[command(name = "workbench", version, about = "Keeps two systems in step: plan, look, apply", after_help = EXAMPLES, propagate_version = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "For every command")]
pub(crate) struct Global {
    /// The folder of the project
    #[arg(long, global = true, value_name = "DIR", default_value = ".")]
    pub(crate) project: PathBuf,
    /// The environment: the name of a file in environments/
    #[arg(long, global = true, value_name = "NAME", default_value = "dev")]
    pub(crate) env: String,
    /// One company of a mapping that is used for each of several [default: every company of the environment]
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) company: Option<String>,
    /// Write one JSON document for programs instead of text, errors included
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Who you are, for approvals and the journal [default: $USER]
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) by: Option<String>,
    /// How long to wait for another process to let go of the state
    #[arg(long, global = true, value_name = "TIME", default_value = "5s", value_parser = duration)]
    pub(crate) wait: Duration,
    /// Whether the command is carried out for every company, one after the other.
    #[arg(skip)]
    pub(crate) for_all: bool,
    /// Whether another company came before: what all of them share was looked at.
    #[arg(skip)]
    pub(crate) after_another: bool,
}

impl Global {
    /// The file that a command writes: one for each company where it is carried out for all, with the company's name before
    /// the ending.
    pub(crate) fn file(&self, path: &Path) -> PathBuf {
        let Some(company) = self.company.as_ref().filter(|_| self.for_all) else { return path.to_owned() };
        match path.extension() {
            Some(ending) => path.with_extension(format!("{company}.{}", ending.to_string_lossy())),
            None => path.with_extension(company),
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write a project for two systems, with links and rules proposed from their schemas
    Init(InitArgs),
    /// Show what the systems have, and what changed since the last look
    Discover(DiscoverArgs),
    /// Show what the mapping makes of one record, both ways, without reading anything else
    Try(TryArgs),
    /// Run the tests of the mapping
    #[command(
        after_help = "Example:\n  workbench --project crm-erp test\n\nReads no system. Exit code 1 when a test fails."
    )]
    Test,
    /// Say in words what the mapping does with one record
    Explain(ExplainArgs),
    /// Say whether the mapping still fits what the systems have
    Fit(FitArgs),
    /// Try whether every rule carries there and back without loss, on made-up values and on records
    Laws(LawsArgs),
    /// Say who owns which field, as a page or workbook that a business can sign
    Matrix(MatrixArgs),
    /// Say what is wrong, doubtful or worth knowing about the mapping
    Lint(LintArgs),
    /// Print the JSON Schema of mapping files, or read what a system has from a file
    Schema(SchemaArgs),
    /// Make a plan and show it; nothing is written to the systems
    Plan(PlanArgs),
    /// Apply a plan file: exactly that plan and nothing else
    Apply(ApplyArgs),
    /// Plan, ask and apply until nothing is left to do; once, or again and again
    Run(RunArgs),
    /// Stop applying between two batches, and keep later runs from beginning
    Pause(PauseArgs),
    /// Show pairs, parked items, conflicts and what is being applied
    #[command(
        after_help = "Examples:\n  workbench --project crm-erp status\n  workbench --project crm-erp status --open 1000\n\nExit code 3 while parked items or conflicts wait for a person."
    )]
    Status(StatusArgs),
    /// Decide an open conflict: the value of one side wins
    Resolve(ResolveArgs),
    /// Look at parked records again that a system refused
    Retry(RetryArgs),
    /// Show the journal and what became of plans
    History(HistoryArgs),
    /// Templates: published mappings that a project follows
    Template(TemplateArgs),
}

#[derive(Debug, Args)]
pub(crate) struct TemplateArgs {
    #[command(subcommand)]
    pub(crate) command: TemplateCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TemplateCommand {
    /// Show the templates that come with the SDK
    List,
    /// Show what a template is, or the mapping that it makes with overlays
    Show(TemplateShowArgs),
    /// Make a project from a template
    New(TemplateNewArgs),
    /// Carry the overlays of a project to another version of its template
    Upgrade(TemplateUpgradeArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  workbench template show address-book
  workbench template show address-book --choose names=parts --mapping
  workbench --project crm-erp template show --origins   # what the project makes of its template, line by line")]
pub(crate) struct TemplateShowArgs {
    /// One that `list` shows, or a file [default: that of the project, with its overlays]
    pub(crate) template: Option<String>,
    /// Take this choice of a variant; may be given several times
    #[arg(long, value_name = "VARIANT=CHOICE")]
    pub(crate) choose: Vec<String>,
    /// Lay this file over the template; may be given several times, the lowest layer first
    #[arg(long, value_name = "FILE", requires = "template")]
    pub(crate) overlay: Vec<PathBuf>,
    /// Show the mapping file that comes out
    #[arg(long)]
    pub(crate) mapping: bool,
    /// Show the mapping file, and behind each line where it came from
    #[arg(long)]
    pub(crate) origins: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  workbench --project people template new address-book --name ours --choose names=parts

Writes template.yaml and overlays/NAME.yaml. Such a project has no integration.yaml: its mapping is made from these files
by every command. Several overlays lie on each other in the order of their file names.")]
pub(crate) struct TemplateNewArgs {
    /// One that `list` shows, or a file
    pub(crate) template: String,
    /// What the overlay is called
    #[arg(long, value_name = "NAME", default_value = "ours")]
    pub(crate) name: String,
    /// Take this choice of a variant; may be given several times
    #[arg(long, value_name = "VARIANT=CHOICE")]
    pub(crate) choose: Vec<String>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  workbench --project crm-erp template upgrade new/crm-erp.yaml
  workbench --project crm-erp template upgrade new/crm-erp.yaml --write

Exit code 3 when the template and an overlay changed the same thing; what is yours is kept until you decide.")]
pub(crate) struct TemplateUpgradeArgs {
    /// The new version: one that `list` shows, or a file
    pub(crate) template: String,
    /// Write the template and the overlays; without it they are only shown
    #[arg(long)]
    pub(crate) write: bool,
}

/// Whether values may be looked at.
#[derive(Debug, Default, Args)]
pub(crate) struct SampleArgs {
    /// Read so many records of each entity, and take their values as evidence of what corresponds
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub(crate) sample: Option<u16>,
    /// Say values in the evidence; without it only what they look like
    #[arg(long, requires = "sample")]
    pub(crate) show_values: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  workbench --project crm-erp init --left sqlite:crm.db --right sqlite:erp.db
  workbench --project crm-erp init --left sqlite:crm.db --right sqlite:erp.db --sample 500
  workbench --project crm-erp init --left sqlite:crm.db --left-name crm --right csv:exports --right-name erp \\
      --right-settings '{\"keys\": {\"Customer\": [\"No.\"]}}'")]
pub(crate) struct InitArgs {
    /// The left system: what kind, and where it is
    #[arg(long, value_name = "KIND:PATH")]
    pub(crate) left: String,
    /// The right system
    #[arg(long, value_name = "KIND:PATH")]
    pub(crate) right: String,
    /// More settings of the left connector, as a JSON object; they are written into the environment
    #[arg(long, value_name = "JSON")]
    pub(crate) left_settings: Option<String>,
    /// More settings of the right connector
    #[arg(long, value_name = "JSON")]
    pub(crate) right_settings: Option<String>,
    /// What the mapping calls the left side [default: from the file's name]
    #[arg(long, value_name = "NAME")]
    pub(crate) left_name: Option<String>,
    /// What the mapping calls the right side [default: from the file's name]
    #[arg(long, value_name = "NAME")]
    pub(crate) right_name: Option<String>,
    /// Overwrite a mapping that is there
    #[arg(long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) sample: SampleArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  workbench --project crm-erp discover
  workbench --project crm-erp discover --keep   # compare only, the snapshot stays
  workbench --project crm-erp discover --sample 500   # and what fields hold: filled, different, what it looks like

Exit code 2 when the systems differ from the snapshot.")]
pub(crate) struct DiscoverArgs {
    /// Leave the snapshot as it is
    #[arg(long)]
    pub(crate) keep: bool,
    /// Read so many records of each entity, and say what fields hold: no value is shown
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub(crate) sample: Option<u16>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  workbench --project crm-erp try --link customers --side crm --record 17
  workbench --project crm-erp try --link prices --side erp --record 'C10 / EUR'   # a key of two parts")]
pub(crate) struct TryArgs {
    /// The link
    #[arg(long)]
    pub(crate) link: String,
    /// The side that the record is on
    #[arg(long)]
    pub(crate) side: String,
    /// The record's key, parts divided by ` / `
    #[arg(long, value_name = "ID")]
    pub(crate) record: String,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  workbench --project crm-erp plan
  workbench --project crm-erp plan --out plan.jsonl   # to be applied later, by this state only
  workbench --project crm-erp plan --mask             # no values, to be shown around

Exit codes: 0 nothing to do, 2 the plan has changes, 3 only parked or conflicting items remain.")]
pub(crate) struct PlanArgs {
    /// Write the plan to a file; it holds clear values, keep it as safe as the data (only you may read it)
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Hide values in the text
    #[arg(long)]
    pub(crate) mask: bool,
    /// Entries under one heading at most
    #[arg(long, value_name = "COUNT")]
    pub(crate) entries: Option<usize>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  workbench --project crm-erp apply plan.jsonl
  workbench --project crm-erp apply plan.jsonl --yes --override customers.deletes.right

Exit codes: 0 applied, 2 entries were dropped because something moved (plan again), 3 parked or conflicting items
remain.")]
pub(crate) struct ApplyArgs {
    /// A file that `plan --out` wrote
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) approval: ApprovalArgs,
}

/// How a plan gets its yes.
#[derive(Debug, Args)]
pub(crate) struct ApprovalArgs {
    /// Approve without asking
    #[arg(long)]
    pub(crate) yes: bool,
    /// Override a guard that stops the plan, by its name; may be given several times
    #[arg(long = "override", value_name = "GUARD")]
    pub(crate) overrides: Vec<String>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  workbench --project crm-erp run                       # plan, ask, apply
  workbench --project crm-erp --env prod run --every 60s --yes

Goes on first with a plan that a crash or a pause left. With --every it runs until Ctrl-C and lets go of the state
between rounds, so that the other commands can be used meanwhile.")]
pub(crate) struct RunArgs {
    /// Run again and again with this wait in between: 30s, 5m, 1h
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) every: Option<Duration>,
    #[command(flatten)]
    pub(crate) approval: ApprovalArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  workbench --project crm-erp pause --why 'the ERP is being upgraded'
  workbench --project crm-erp pause --end")]
pub(crate) struct PauseArgs {
    /// End the pause
    #[arg(long, conflicts_with = "why")]
    pub(crate) end: bool,
    /// Why, for the journal and for those who find the pause
    #[arg(long, required_unless_present = "end", value_name = "TEXT")]
    pub(crate) why: Option<String>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  workbench --project crm-erp resolve --link customers --record 17 --rule phone --take crm
  workbench --project crm-erp resolve --link customers --side erp --record 71 --rule phone --take erp

`status` names link, record and rule of every conflict. The decision holds for the values that both sides hold now.")]
pub(crate) struct ResolveArgs {
    /// The link
    #[arg(long)]
    pub(crate) link: String,
    /// The record's key, parts divided by ` / `
    #[arg(long, value_name = "ID", required_unless_present = "all")]
    pub(crate) record: Option<String>,
    /// Every record in which the rule waits for a decision
    #[arg(long, conflicts_with_all = ["record", "side"])]
    pub(crate) all: bool,
    /// The side that the record is on [default: the left side]
    #[arg(long)]
    pub(crate) side: Option<String>,
    /// The rule that is in conflict
    #[arg(long)]
    pub(crate) rule: String,
    /// The side whose value wins
    #[arg(long, value_name = "SIDE")]
    pub(crate) take: String,
}

#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    /// Open items per link that are shown as text; all of them are counted, and `--json` has up to a thousand
    #[arg(long, value_name = "COUNT", default_value_t = 20)]
    pub(crate) open: usize,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  workbench --project crm-erp retry                                  # everything that is parked
  workbench --project crm-erp retry --link customers --record 17

A write that was refused is not repeated until the record or the mapping changes. When the cause was in the other system
and is gone, this asks the next plan to try again.")]
pub(crate) struct RetryArgs {
    /// One link [default: every link]
    #[arg(long)]
    pub(crate) link: Option<String>,
    /// One record by its key, parts divided by ` / ` [default: every record that is parked]
    #[arg(long, value_name = "ID", requires = "link")]
    pub(crate) record: Option<String>,
    /// The side that the record is on [default: the left side]
    #[arg(long, requires = "record")]
    pub(crate) side: Option<String>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  workbench --project crm-erp history --last 50

What happened, in the journal's words:
  adopted    a plan was approved, and applying it began
  done       every entry of the plan has ended
  abandoned  the rest of a plan was given up
  rebound    the state goes on under a mapping that was changed
  resolved   a person decided a conflict
  paused, resumed")]
pub(crate) struct HistoryArgs {
    /// Lines of the journal at most, newest first
    #[arg(long, value_name = "COUNT", default_value_t = 20)]
    pub(crate) last: usize,
}

/// A time such as `500ms`, `30s`, `5m`, `1h`.
fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit_ms: u64 = match text.get(digits.len()..) {
        Some("ms") => 1,
        Some("s") => 1_000,
        Some("m") => 60_000,
        Some("h") => 3_600_000,
        _ => return Err("write a number and a unit: 500ms, 30s, 5m, 1h".to_owned()),
    };
    let count: u64 = digits.parse().map_err(|_| "write a whole number before the unit: 30s".to_owned())?;
    count.checked_mul(unit_ms).map(Duration::from_millis).ok_or_else(|| "that is too long".to_owned())
}
