//! `retry`: asks the next plan to look at records again that were parked because a system refused them. Needs the state
//! only: a hint decides nothing, the next plan reads what is there.

use futures::executor::block_on;
use seamless_core::clock::{Clock, SystemClock};
use seamless_core::mapper::Mapper;
use seamless_core::model::{LinkId, RecordId, Side, Timestamp};
use seamless_core::plan::ParkedAs;
use seamless_core::store::{Attention, AttentionWhy, Scan, StateStore};
use serde_json::json;

use crate::app::Outcome;
use crate::app::cli::{Global, RetryArgs};
use crate::app::failure::Failure;
use crate::app::host::Host;
use crate::app::project::{Project, known_link, record_id};
use crate::app::show;

/// Open items that are read at once.
const PAGE_ROWS: usize = 500;

pub(crate) fn run(args: &RetryArgs, global: &Global, host: &mut Host<'_>) -> Result<Outcome, Failure> {
    let project = Project::load(global, host)?;
    if let Some(link) = &args.link {
        known_link(&project.mapping, link)?;
    }
    let now = SystemClock::new().now();
    let store = project.store()?;
    let mut asked = 0;
    for mapper in project.mapping.mappers() {
        let link = &mapper.link().id;
        if args.link.as_ref().is_some_and(|wanted| wanted != link.as_str()) {
            continue;
        }
        let hints = match &args.record {
            Some(record) => {
                let side = args.side.as_deref().map_or(Ok(Side::Left), |name| project.side(name))?;
                let schema = project.shelf.schema(project.names.of(side))?;
                let entity = mapper.link().entity.of(side);
                let entity = schema.as_ref().and_then(|schema| schema.entity(entity.as_str()));
                vec![hint(side, record_id(record, entity), now)]
            }
            None => parked(&*store, link, now)?,
        };
        block_on(store.notify(link, &hints))?;
        asked += hints.len();
    }
    if global.json {
        host.json(&json!({ "records": asked }))?;
    } else if asked == 0 {
        host.line("Nothing is parked.")?;
    } else {
        let records = show::counted(asked as u64, "record");
        host.line(format_args!("The next plan looks at {records} again: `workbench run`."))?;
    }
    Ok(Outcome::Done)
}

fn hint(side: Side, id: RecordId, now: Timestamp) -> Attention {
    Attention { side, id, why: AttentionWhy::Hint { version: None }, due: now, since: now }
}

/// What is parked because of the record itself. A field that is gone is none, and every plan looks for it.
fn is_of_a_record(why: &AttentionWhy) -> bool {
    matches!(why, AttentionWhy::Parked { reason, .. } if *reason != ParkedAs::FieldGone)
}

/// Hints for every record of a link that is parked.
fn parked(store: &dyn StateStore, link: &LinkId, now: Timestamp) -> Result<Vec<Attention>, Failure> {
    let mut hints: Vec<Attention> = Vec::new();
    let mut after = None;
    loop {
        let page = block_on(store.attention(link, None, Scan { after, rows_max: PAGE_ROWS }))?;
        after = page.rows.last().map(|row| (row.side, row.id.clone()));
        let rows = page.rows.into_iter().filter(|row| is_of_a_record(&row.why));
        hints.extend(rows.map(|row| hint(row.side, row.id, now)));
        if !page.more {
            break;
        }
    }
    hints.dedup_by(|a, b| a.side == b.side && a.id == b.id);
    Ok(hints)
}
