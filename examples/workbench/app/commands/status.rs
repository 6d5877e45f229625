//! `status`: pairs, what waits, what is being applied. Needs the state only: systems may be down.

use futures::executor::block_on;
use seamless_core::mapper::Mapper;
use seamless_core::model::{LinkId, PartitionId};
use seamless_core::plan::Proposals;
use seamless_core::store::{Attention, AttentionWhy, Scan, StateStore};
use serde_json::json;

use crate::app::Outcome;
use crate::app::cli::{Global, StatusArgs};
use crate::app::companies::Ended;
use crate::app::failure::Failure;
use crate::app::host::Host;
use crate::app::project::Project;
use crate::app::show;

/// Open items that are read per link.
const ROWS_MAX: usize = 1000;

/// The first second of the year 10000: what is due then or later is due by no time, a person has to do something.
const NEVER_SECONDS: i64 = 253_402_300_800;

pub(crate) fn run(args: &StatusArgs, global: &Global, host: &mut Host<'_>) -> Result<Ended, Failure> {
    let project = Project::load(global, host)?;
    let store = project.store()?;
    let partition = PartitionId::from(project.mapping.declared().integration.as_str());
    let applying = block_on(store.adopted(&partition))?;
    let pause = block_on(store.pause())?;
    let mut links = Vec::new();
    for mapper in project.mapping.mappers() {
        links.push(LinkStatus::read(&*store, &mapper.link().id)?);
    }
    let mut proposals = Proposals::new();
    for link in &links {
        link.rows.iter().for_each(|row| proposals.attention(&link.id, row));
    }
    let forms = proposals.proposed();
    let is_waiting = links.iter().any(|link| link.conflicts + link.parked > 0);
    if global.json {
        let links = links.iter().map(|link| {
            let LinkStatus { id, pairs, conflicts, parked, again, rows } = link;
            let open: Vec<_> = rows.iter().map(|row| row_json(row, &project)).collect();
            json!({
                "link": id, "pairs": pairs, "conflicts": conflicts, "parked": parked, "again": again,
                "open": open, "more": link.open() > rows.len(),
            })
        });
        host.json(&json!({
            "env": project.env,
            "company": global.company,
            "applying": applying,
            "pause": pause,
            "links": links.collect::<Vec<_>>(),
            "forms": forms,
        }))?;
    } else {
        if let Some(pause) = &pause {
            let (by, why) = (show::name(&pause.by), show::name(&pause.why));
            host.line(format_args!(
                "Paused by {by} since {}: {why}",
                pause.at.format("%Y-%m-%d %H:%M:%S UTC")
            ))?;
        }
        if let Some(plan) = &applying {
            host.line(format_args!(
                "Plan {plan} is not applied to its end; `workbench run` goes on with it."
            ))?;
        }
        show_links(&links, host)?;
        show_open(&links, args.open, &project, host)?;
        for form in &forms {
            host.line(form.words(project.names.of(form.side)))?;
        }
    }
    let sum = |count: fn(&LinkStatus) -> u64| links.iter().map(count).sum();
    Ok(Ended {
        outcome: if is_waiting { Outcome::Waiting } else { Outcome::Done },
        counts: vec![
            ("pairs", sum(|link| link.pairs)),
            ("conflicts", sum(|link| link.conflicts as u64)),
            ("parked", sum(|link| link.parked as u64)),
            ("to be tried again", sum(|link| link.again as u64)),
        ],
    })
}

/// What one link comes to: everything counted, the first items read.
struct LinkStatus {
    id: LinkId,
    pairs: u64,
    conflicts: usize,
    parked: usize,
    again: usize,
    rows: Vec<Attention>,
}

impl LinkStatus {
    fn read(store: &dyn StateStore, id: &LinkId) -> Result<Self, Failure> {
        let pairs = block_on(store.pair_count(id))?;
        let mut link = Self { id: id.clone(), pairs, conflicts: 0, parked: 0, again: 0, rows: Vec::new() };
        let mut after = None;
        loop {
            let page = block_on(store.attention(id, None, Scan { after, rows_max: ROWS_MAX }))?;
            for row in &page.rows {
                match row.why {
                    AttentionWhy::Conflict { .. } => link.conflicts += 1,
                    AttentionWhy::Parked { .. } => link.parked += 1,
                    AttentionWhy::Retry { .. } | AttentionWhy::Hint { .. } => link.again += 1,
                }
            }
            after = page.rows.last().map(|row| (row.side, row.id.clone()));
            if link.rows.is_empty() {
                link.rows = page.rows;
            }
            if !page.more {
                return Ok(link);
            }
        }
    }

    fn open(&self) -> usize {
        self.conflicts + self.parked + self.again
    }
}

fn row_json(row: &Attention, project: &Project) -> serde_json::Value {
    let (what, _, message, remedy) = show::attention(row);
    let side = project.names.of(row.side);
    let mut document = json!({
        "what": what, "side": side, "record": row.id.to_string(), "message": message, "remedy": remedy,
        "since": row.since, "due": (row.due.timestamp() < NEVER_SECONDS).then_some(row.due),
    });
    if let Some(fields) = document.as_object_mut() {
        fields.insert("rules".to_owned(), json!(show::rules(row)));
    }
    document
}

fn show_links(links: &[LinkStatus], host: &mut Host<'_>) -> Result<(), Failure> {
    let mut table = show::table(&["link", "pairs", "conflicts", "parked", "to be tried again"], host);
    for LinkStatus { id, pairs, conflicts, parked, again, .. } in links {
        let counts = [conflicts, parked, again].map(ToString::to_string);
        table.add_row([id.to_string(), pairs.to_string()].into_iter().chain(counts));
    }
    host.line(table)
}

fn show_open(
    links: &[LinkStatus],
    rows_max: usize,
    project: &Project,
    host: &mut Host<'_>,
) -> Result<(), Failure> {
    if links.iter().all(|link| link.open() == 0) {
        return host.line("Nothing is open.");
    }
    let heading = ["link", "side", "record", "what", "rules", "message", "what to do"];
    let mut table = show::table(&heading, host);
    let mut left_out = 0;
    for link in links {
        left_out += link.open().saturating_sub(rows_max.min(link.rows.len()));
        for row in link.rows.iter().take(rows_max) {
            let (what, rules, message, remedy) = show::attention(row);
            let side = project.names.of(row.side).clone();
            let cells =
                [link.id.to_string(), side, row.id.to_string(), what.to_owned(), rules, message, remedy];
            table.add_row(cells.map(|cell| show::name(&cell)));
        }
    }
    host.line(table)?;
    match left_out {
        0 => Ok(()),
        more => host.line(format_args!("and {more} more; `--open COUNT` shows up to {ROWS_MAX} of a link")),
    }
}
