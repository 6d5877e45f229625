//! `history`: the journal, newest first, and what became of the plans it names. Needs the state only.

use std::collections::BTreeMap;

use futures::executor::block_on;
use seamless_core::store::{PlanRow, Scan};
use serde_json::{Value, json};

use crate::app::Outcome;
use crate::app::cli::{Global, HistoryArgs};
use crate::app::failure::Failure;
use crate::app::host::Host;
use crate::app::project::Project;
use crate::app::show;

pub(crate) fn run(args: &HistoryArgs, global: &Global, host: &mut Host<'_>) -> Result<Outcome, Failure> {
    let project = Project::load(global, host)?;
    let store = project.store()?;
    let journal = block_on(store.journal(Scan::first(args.last)))?;
    let mut plans: BTreeMap<String, PlanRow> = BTreeMap::new();
    for plan in journal.rows.iter().filter_map(|line| line.plan.as_ref()) {
        if let Some(row) = block_on(store.plan(plan))? {
            plans.insert(plan.to_string(), row);
        }
    }
    if global.json {
        let plans: Vec<Value> = plans.values().map(plan_json).collect();
        host.json(&json!({ "journal": journal.rows, "more": journal.more, "plans": plans }))?;
        return Ok(Outcome::Done);
    }
    let mut table = show::table(&["at", "what", "by", "plan", "writes", "note"], host);
    for line in &journal.rows {
        let plan = line.plan.as_ref().map(ToString::to_string).unwrap_or_default();
        let trailer = plans.get(&plan).and_then(|row| row.trailer.as_ref());
        let writes = trailer.map(|trailer| trailer.writes().to_string()).unwrap_or_default();
        let at = line.at.format("%Y-%m-%d %H:%M:%S").to_string();
        table.add_row([at, line.what.clone(), show::cell(&line.by), plan, writes, show::cell(&line.note)]);
    }
    host.line(table)?;
    match (journal.rows.is_empty(), journal.more) {
        (_, true) => host.line("There is more; `--last` says how many lines are shown.")?,
        (true, false) => host.line("Nothing has happened yet.")?,
        (false, false) => {}
    }
    Ok(Outcome::Done)
}

fn plan_json(row: &PlanRow) -> Value {
    json!({
        "plan": row.head.id,
        "made_at": row.head.made_at,
        "state": row.state,
        "approval": row.approval,
        "counts": row.trailer.as_ref().map(|trailer| &trailer.counts),
    })
}
