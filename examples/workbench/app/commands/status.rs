//! `status`: pairs, what waits, what is being applied. Needs the state only: systems may be down.

use futures::executor::block_on;
use seamless_core::mapper::Mapper;
use seamless_core::model::{LinkId, PartitionId};
use seamless_core::plan::Proposals;
use seamless_core::store::{Attention, Scan};
use serde_json::json;

use crate::app::Outcome;
use crate::app::cli::Global;
use crate::app::failure::Failure;
use crate::app::host::Host;
use crate::app::project::Project;
use crate::app::show;

/// Open items that are shown per link.
const ROWS_MAX: usize = 1000;

pub(crate) fn run(global: &Global, host: &mut Host<'_>) -> Result<Outcome, Failure> {
    let project = Project::load(global, host)?;
    let store = project.store()?;
    let partition = PartitionId::from(project.mapping.declared().integration.as_str());
    let applying = block_on(store.adopted(&partition))?;
    let pause = block_on(store.pause())?;
    let mut links = Vec::new();
    for mapper in project.mapping.mappers() {
        let id = mapper.link().id.clone();
        let pairs = block_on(store.pair_count(&id))?;
        let open = block_on(store.attention(&id, None, Scan::first(ROWS_MAX)))?;
        links.push((id, pairs, open.rows, open.more));
    }
    let mut proposals = Proposals::new();
    for (id, _, open, _) in &links {
        open.iter().for_each(|row| proposals.attention(id, row));
    }
    let forms = proposals.proposed();
    let is_waiting =
        links.iter().any(|(_, _, open, _)| open.iter().any(|row| show::waits_for_person(&row.why)));
    if global.json {
        let links = links.iter().map(|(id, pairs, open, more)| {
            let open: Vec<_> = open.iter().map(|row| row_json(row, &project)).collect();
            json!({ "link": id, "pairs": pairs, "open": open, "more": more })
        });
        host.json(&json!({
            "env": project.env,
            "applying": applying,
            "pause": pause,
            "links": links.collect::<Vec<_>>(),
            "forms": forms,
        }))?;
    } else {
        if let Some(pause) = &pause {
            host.line(format_args!("Paused by {} since {}: {}", pause.by, pause.at, pause.why))?;
        }
        if let Some(plan) = &applying {
            host.line(format_args!("Plan {plan} is being applied; `workbench run` goes on with it."))?;
        }
        show_links(&links, host)?;
        show_open(&links, &project, host)?;
        for form in &forms {
            host.line(form.words(project.names.of(form.side)))?;
        }
    }
    Ok(if is_waiting { Outcome::Waiting } else { Outcome::Done })
}

type LinkStatus = (LinkId, u64, Vec<Attention>, bool);

fn row_json(row: &Attention, project: &Project) -> serde_json::Value {
    let (what, _, message, remedy) = show::attention(row);
    let side = project.names.of(row.side);
    let mut document = json!({
        "what": what, "side": side, "record": row.id.to_string(), "message": message, "remedy": remedy,
        "since": row.since, "due": row.due,
    });
    if let Some(fields) = document.as_object_mut() {
        fields.insert("rules".to_owned(), json!(show::rules(row)));
    }
    document
}

fn show_links(links: &[LinkStatus], host: &mut Host<'_>) -> Result<(), Failure> {
    let mut table = show::table(&["link", "pairs", "open"]);
    for (id, pairs, open, more) in links {
        let open = format!("{}{}", open.len(), if *more { "+" } else { "" });
        table.add_row([id.to_string(), pairs.to_string(), open]);
    }
    host.line(table)
}

fn show_open(links: &[LinkStatus], project: &Project, host: &mut Host<'_>) -> Result<(), Failure> {
    if links.iter().all(|(_, _, open, _)| open.is_empty()) {
        return host.line("Nothing is open.");
    }
    let mut table = show::table(&["link", "side", "record", "what", "rules", "message", "what to do"]);
    for (id, _, open, _) in links {
        for row in open {
            let (what, rules, message, remedy) = show::attention(row);
            let side = project.names.of(row.side).clone();
            table.add_row([
                id.to_string(),
                side,
                row.id.to_string(),
                what.to_owned(),
                rules,
                message,
                remedy,
            ]);
        }
    }
    host.line(table)
}
