//! The command line of what looks at a mapping without running it: `lint`, `fit`, `laws`, `explain`, `matrix`, `schema`.
//! Knows nothing of what the commands do.

use std::path::PathBuf;

use clap::Args;

/// What a command looks at: the project's mapping and snapshots, or files.
#[derive(Debug, Args)]
pub(crate) struct MaterialArgs {
    /// A mapping file [default: integration.yaml of the project]
    #[arg(long, value_name = "FILE")]
    pub(crate) mapping: Option<PathBuf>,
    /// What the left system has: a snapshot, or a published list of entities [default: the project's snapshot]
    #[arg(long, value_name = "FILE")]
    pub(crate) left: Option<PathBuf>,
    /// What the right system has
    #[arg(long, value_name = "FILE")]
    pub(crate) right: Option<PathBuf>,
    /// Ask the systems what they have and can do, instead of the snapshots
    #[arg(long, conflicts_with_all = ["mapping", "left", "right"])]
    pub(crate) live: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  workbench --project crm-erp lint                 # against the snapshots of the project
  workbench --project crm-erp lint --live          # against what the systems have now
  workbench lint --mapping m.yaml --left dataverse.json --right business-central.json

Reads files only, unless --live is given. Exit code 1 when a finding is an error.")]
pub(crate) struct LintArgs {
    #[command(flatten)]
    pub(crate) material: MaterialArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  workbench schema > mapping.schema.json                            # the JSON Schema of mapping files, for editors
  workbench schema --read dataverse.json --out schemas/crm.json     # a published list as a snapshot
  workbench schema --read schemas/crm.json --entity account         # one entity as a table

A published list is a JSON array of entities, each with `entity` and `fields`; docs/checks.md has its keys.")]
pub(crate) struct SchemaArgs {
    /// Read what a system has from a file, and show it
    #[arg(long, value_name = "FILE")]
    pub(crate) read: Option<PathBuf>,
    /// Write it as a snapshot
    #[arg(long, value_name = "FILE", requires = "read")]
    pub(crate) out: Option<PathBuf>,
    /// Only this entity
    #[arg(long, value_name = "NAME", requires = "read")]
    pub(crate) entity: Option<String>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  workbench --project crm-erp explain --link customers --side crm --record 17
  workbench --project crm-erp explain --link customers --side crm --values '{ name: Adatum, paymenttermscode: 5 }'
  workbench explain --mapping m.yaml --link contacts --side crm --values '{ accountid: a1 }' --partners '{ customers: { a1: C10 } }'

With --values no system is asked. Values are written as in the tests of a mapping. Exit code 3 when something waits.")]
pub(crate) struct ExplainArgs {
    /// The link
    #[arg(long)]
    pub(crate) link: String,
    /// The side that the record is on
    #[arg(long)]
    pub(crate) side: String,
    /// The record's key, parts divided by ` / `
    #[arg(long, value_name = "ID", required_unless_present = "values", conflicts_with_all = ["values", "mapping", "left", "right", "live"])]
    pub(crate) record: Option<String>,
    /// The record itself
    #[arg(long, value_name = "RECORD")]
    pub(crate) values: Option<String>,
    /// What its partner holds; without one, a record would be created
    #[arg(long, value_name = "RECORD", requires = "values")]
    pub(crate) partner: Option<String>,
    /// Which records have which partners, per link
    #[arg(long, value_name = "PARTNERS", requires = "values")]
    pub(crate) partners: Option<String>,
    #[command(flatten)]
    pub(crate) material: MaterialArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  workbench --project crm-erp matrix --out ownership.html
  workbench --project crm-erp matrix --out ownership.xlsx
  workbench --project crm-erp --json matrix

Reads no system. The digest on the page is that of all that stands there and of what the rules carry: a signature
holds for no other.")]
pub(crate) struct MatrixArgs {
    /// Where to write it: a name that ends with .html or .xlsx [default: the table as text]
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) material: MaterialArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  workbench --project crm-erp laws                  # values made up for each rule
  workbench --project crm-erp laws --records 200    # and records of both systems
  workbench laws --mapping m.yaml --left dataverse.json --right business-central.json

Exit code 1 when a law is broken: what is shown is a value that does not come back, or that is written again and again.")]
pub(crate) struct LawsArgs {
    /// Try the rules on so many records of each system as well; they are read, nothing is written
    #[arg(long, value_name = "COUNT", conflicts_with_all = ["mapping", "left", "right"])]
    pub(crate) records: Option<usize>,
    /// Show broken rules only
    #[arg(long)]
    pub(crate) broken: bool,
    #[command(flatten)]
    pub(crate) material: MaterialArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  workbench --project crm-erp fit        # what the systems have now against the snapshots of the project
  workbench fit --mapping m.yaml --expected-left old.json --left new.json --right business-central.json
  workbench --project crm-erp fit --write-overlay crm-erp/overlays/fit.yaml   # of a project from a template
  workbench --project crm-erp fit --sample 500                                # values are evidence too

Without --left and --right the systems are asked. A project from a template is compared with what the template expects,
and what an overlay can do about a difference can be written into one: read it before you run. `discover --keep` and `fit` leave the snapshots as they are, `discover` takes them
anew. Exit codes: 0 it fits, 2 something changed that should be looked at, 1 a rule or link cannot work.")]
pub(crate) struct FitArgs {
    /// A mapping file [default: integration.yaml of the project]
    #[arg(long, value_name = "FILE", requires_all = ["left", "right"])]
    pub(crate) mapping: Option<PathBuf>,
    /// What the left system has now [default: it is asked]
    #[arg(long, value_name = "FILE", requires = "right")]
    pub(crate) left: Option<PathBuf>,
    /// What the right system has now
    #[arg(long, value_name = "FILE", requires = "left")]
    pub(crate) right: Option<PathBuf>,
    /// What the left system had when the mapping was written [default: what the template expects, else the project's snapshot]
    #[arg(long, value_name = "FILE")]
    pub(crate) expected_left: Option<PathBuf>,
    /// What the right system had
    #[arg(long, value_name = "FILE")]
    pub(crate) expected_right: Option<PathBuf>,
    /// Write what is proposed into this overlay of the project's template, a new one or one that is there
    #[arg(long, value_name = "FILE", conflicts_with = "mapping")]
    pub(crate) write_overlay: Option<PathBuf>,
    /// Read so many records of each entity, and take their values as evidence for suggestions
    #[arg(long, value_name = "COUNT", conflicts_with_all = ["mapping", "left", "right"], value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub(crate) sample: Option<u16>,
    /// Say values in the evidence; without it only what they look like
    #[arg(long, requires = "sample")]
    pub(crate) show_values: bool,
}
