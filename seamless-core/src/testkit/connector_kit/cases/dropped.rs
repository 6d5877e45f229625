//! Cancellation: a call is dropped at each of its awaits in turn. Nothing is lost by it, no lock stays taken, and a record
//! is never left half written.

use std::collections::BTreeSet;

use futures::StreamExt;

use crate::connector::{Expects, FetchBy, WriteBatch};
use crate::model::RecordId;
use crate::testkit::connector_kit::case::{Need, table};
use crate::testkit::connector_kit::reading::upserts;
use crate::testkit::connector_kit::subject::Subject;
use crate::testkit::connector_kit::verdict::{Held, Stop, brief, hold};
use crate::testkit::polled::dropped_after;

table! {
    "dropped.read" ReadOnly [] "a reading that is dropped at any await loses nothing" => read;
    "dropped.resume" ReadOnly [] "a stream that is dropped half-way is resumed from its cursor" => resumed;
    "dropped.fetch" ReadOnly [] "a look-up that is dropped at any await leaves nothing locked" => fetch;
    "dropped.write" NominatedRecords [Need::Update] "a write that is dropped at any await leaves no record half written" => write;
}

/// Awaits at which a call is dropped, at most.
const AWAITS_MAX: u32 = 48;

const ANSWERS: &str = "every call is answered, whatever calls were dropped before";

async fn ids(subject: &Subject) -> Result<BTreeSet<RecordId>, Stop> {
    let pages = subject.within(ANSWERS, subject.everything(1000)).await??;
    Ok(upserts(&pages).into_iter().map(|found| found.id).collect())
}

async fn read(subject: &Subject) -> Held {
    subject.some(10).await?;
    let all = ids(subject).await?;
    for polls in 0..AWAITS_MAX {
        let ended = dropped_after(polls, subject.everything(3)).await;
        let now = ids(subject).await?;
        hold(now == all, "dropping a reading loses nothing", || {
            format!("after {polls} polls: {} records, {} before", now.len(), all.len())
        })?;
        if ended {
            break;
        }
    }
    Ok(())
}

async fn resumed(subject: &Subject) -> Held {
    subject.some(10).await?;
    let all = ids(subject).await?;
    let mut stream = subject.connector.read(subject.query(None, 3)).await?;
    let Some(first) = stream.next().await.transpose()? else { return Ok(()) };
    // The next page is begun and thrown away.
    dropped_after(1, stream.next()).await;
    drop(stream);
    if first.end.is_some() {
        return Ok(());
    }
    let mut seen: BTreeSet<RecordId> =
        upserts(std::slice::from_ref(&first)).into_iter().map(|found| found.id).collect();
    let rest = subject.pages(subject.query(Some(first.cursor), 3)).await?;
    seen.extend(upserts(&rest).into_iter().map(|found| found.id));
    let lost: Vec<&RecordId> = all.difference(&seen).collect();
    hold(lost.is_empty(), "a stream that was dropped is resumed from the cursor of its last page", || {
        brief(&lost)
    })
}

async fn fetch(subject: &Subject) -> Held {
    let some: Vec<RecordId> = subject.some(3).await?.into_iter().take(3).map(|found| found.id).collect();
    for polls in 0..AWAITS_MAX {
        let ended = dropped_after(polls, subject.look_up(&some)).await;
        let by = FetchBy::Ids(some.clone());
        let found = subject.within(ANSWERS, subject.connector.fetch(subject.fetching(by))).await??;
        hold(found.len() == some.len(), "dropping a look-up harms no other", || brief(&found))?;
        if ended {
            break;
        }
    }
    Ok(())
}

async fn write(subject: &Subject) -> Held {
    let (one, two) = subject.two_fields()?;
    let id = subject.one().await?;
    let mut earlier = vec![subject.found(&id).await?];
    for polls in 0..AWAITS_MAX {
        let values = [(&one.name, subject.fresh(one)?), (&two.name, subject.fresh(two)?)];
        let op = subject.update(&id, subject.patch(values.clone())?, Expects::Anything);
        let ended =
            dropped_after(polls, subject.connector.write(&subject.entity.name, WriteBatch::of(vec![op])))
                .await;
        let found = subject.within(ANSWERS, subject.found(&id)).await??;
        let written = values.iter().all(|(name, value)| subject.holds(&found, name, value));
        // Whether it happened is not known; that it happened as a whole is.
        let as_before = earlier.iter().any(|before| before.record == found.record);
        hold(written || as_before, "a write that is dropped happened as a whole or not at all", || {
            format!("after {polls} polls: {}", brief(&found.record))
        })?;
        earlier.push(found);
        if ended {
            break;
        }
    }
    let last = subject.fresh(one)?;
    subject.within(ANSWERS, subject.put(&id, &one.name, last.clone())).await??;
    subject.shows(&id, &one.name, &last, "a system takes writes after one was dropped").await
}
