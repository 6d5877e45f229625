//! Torn connections: the connection of one call is cut while the request is sent or while the answer is read. What was not
//! seen to happen is not said to have happened, nor the other way round; the next call works. Only the author can cut
//! connections ([`Wire`](crate::testkit::connector_kit::Wire)).

use std::collections::BTreeSet;

use futures::StreamExt;

use crate::connector::{Expects, FetchBy, Lookup, WriteBatch, WriteOutcome};
use crate::model::RecordId;
use crate::testkit::connector_kit::bench::Torn;
use crate::testkit::connector_kit::case::{Need, table};
use crate::testkit::connector_kit::reading::{id_of, upserts};
use crate::testkit::connector_kit::subject::Subject;
use crate::testkit::connector_kit::verdict::{Held, brief, hold, skip};

table! {
    "torn.read" ReadOnly [] "a reading whose connection is cut does not say that it came to its end" => read;
    "torn.fetch" ReadOnly [] "a look-up whose connection is cut does not say that records are gone or hidden" => fetch;
    "torn.request" NominatedRecords [Need::Update] "a write whose request is cut off is not said to have happened" => request;
    "torn.answer" NominatedRecords [Need::Update] "a write whose answer is cut off is not said to have failed" => answer;
}

/// Has the connection of the next call cut, or ends the case.
async fn cut(subject: &Subject, torn: Torn) -> Held {
    let Some(wire) = &subject.bench.wire else {
        return Err(skip("no hook: the bench cannot cut connections (Bench::wire)"));
    };
    match wire.cut(torn).await? {
        true => Ok(()),
        false => Err(skip(format!("the bench cannot cut a connection like this: {torn:?}"))),
    }
}

async fn read(subject: &Subject) -> Held {
    let all: BTreeSet<RecordId> = subject.some(5).await?.into_iter().map(|found| found.id).collect();
    cut(subject, Torn::Read).await?;
    let (mut seen, mut ended) = (BTreeSet::new(), false);
    if let Ok(mut pages) = subject.connector.read(subject.query(None, 1)).await {
        while let Some(Ok(page)) = pages.next().await {
            seen.extend(page.changes.iter().filter_map(id_of));
            ended |= page.end.is_some();
        }
    }
    hold(!ended || seen.is_superset(&all), "a reading that was cut off does not say that it ended", || {
        format!("{} of {} records came, and an end", seen.len(), all.len())
    })?;
    let again = upserts(&subject.everything(1000).await?).len();
    hold(again >= all.len(), "the reading after one that was cut off is whole", || {
        format!("{again} of {} records came", all.len())
    })
}

async fn fetch(subject: &Subject) -> Held {
    let ids: Vec<RecordId> = subject.some(3).await?.into_iter().take(3).map(|found| found.id).collect();
    cut(subject, Torn::Fetch).await?;
    // An error is an honest answer.
    let found =
        subject.connector.fetch(subject.fetching(FetchBy::Ids(ids.clone()))).await.unwrap_or_default();
    let absent = found.iter().find(|answer| matches!(answer, Lookup::Gone(_) | Lookup::Hidden));
    hold(absent.is_none(), "a look-up that was cut off says nothing of records that are there", || {
        brief(&absent)
    })?;
    subject.found(ids.first().ok_or_else(|| skip("the entity has no records"))?).await.map(drop)
}

async fn request(subject: &Subject) -> Held {
    write(subject, Torn::Request).await
}

async fn answer(subject: &Subject) -> Held {
    write(subject, Torn::Answer).await
}

async fn write(subject: &Subject, torn: Torn) -> Held {
    let field = subject.any_field()?.clone();
    let (id, value) = (subject.one().await?, subject.fresh(&field)?);
    let op = subject.update(&id, subject.patch([(&field.name, value.clone())])?, Expects::Anything);
    cut(subject, torn).await?;
    let said = subject.connector.write(&subject.entity.name, WriteBatch::of(vec![op])).await;
    let happened = subject.holds(&subject.seen(&id, &field.name, &value).await?, &field.name, &value);
    let says = match said.as_ref().map(|outcomes| outcomes.first()) {
        Ok(Some(WriteOutcome::Applied { .. })) => Some(true),
        Ok(Some(WriteOutcome::Ambiguous(_))) => None,
        Ok(Some(WriteOutcome::Refused(_)) | None) | Err(_) => Some(false),
    };
    let promise = "a write whose connection was cut is said to have happened or failed only where that is so";
    hold(says.is_none_or(|says| says == happened), promise, || {
        format!("{}; it {}", brief(&said), if happened { "happened" } else { "did not happen" })
    })?;
    let last = subject.fresh(&field)?;
    subject.put(&id, &field.name, last.clone()).await?;
    subject.shows(&id, &field.name, &last, "the write after one whose connection was cut happens").await
}
