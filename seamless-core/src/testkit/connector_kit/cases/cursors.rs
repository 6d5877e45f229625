//! Cursors: going on from any page, refusing foreign ones, and losing nothing that changes between two pages.

use std::collections::BTreeSet;

use futures::StreamExt;

use super::schema::first_page;
use crate::connector::{Change, Cursor, End, Expects, Page, PageStream, ReadQuery, Versioned};
use crate::model::{ErrorKind, FieldName, RecordId, Shape, Value};
use crate::testkit::connector_kit::case::{Need, table};
use crate::testkit::connector_kit::claim::claim;
use crate::testkit::connector_kit::reading::{id_of, upserts};
use crate::testkit::connector_kit::subject::Subject;
use crate::testkit::connector_kit::verdict::{Held, Stop, brief, broken, hold, skip};

table! {
    "cursors.resume" ReadOnly [] "reading goes on from the cursor of any page, and every record is seen" => resume;
    "cursors.resumed_is_not_complete" ReadOnly [] "a reading that was resumed is not called complete" => not_complete;
    "cursors.again" ReadOnly [] "reading the same range again gives the same records" => again;
    "cursors.foreign" ReadOnly [] "a cursor that this connector did not make is refused as expired" => foreign;
    "cursors.other_entity" ReadOnly [] "the cursor of another entity is refused as expired" => other_entity;
    "cursors.changed_between_pages" Scratch [Need::Create, Need::Update]
        "nothing is lost that changes while pages are read" => between_pages;
}

/// Places that the kit resumes from.
const PLACES_MAX: usize = 12;

/// An enumeration in small pages of at least two.
async fn pages(subject: &Subject) -> Result<Vec<Page>, Stop> {
    let total = subject.some(10).await?.len();
    let pages = subject.everything((total / PLACES_MAX).max(3)).await?;
    if pages.len() < 2 { Err(skip("the records fit one page")) } else { Ok(pages) }
}

async fn resume(subject: &Subject) -> Held {
    let pages = pages(subject).await?;
    let ids =
        |pages: &[Page]| -> BTreeSet<RecordId> { upserts(pages).into_iter().map(|found| found.id).collect() };
    let all = ids(&pages);
    for (place, page) in pages.iter().enumerate().take(pages.len() - 1) {
        let mut seen = ids(pages.get(..=place).unwrap_or_default());
        seen.extend(ids(&subject.pages(subject.query(Some(page.cursor.clone()), 4)).await?));
        let lost: Vec<&RecordId> = all.difference(&seen).collect();
        hold(lost.is_empty(), "a page's cursor goes on after that page", || {
            format!("resumed after page {}, {} was not seen", place + 1, brief(&lost))
        })?;
    }
    Ok(())
}

async fn not_complete(subject: &Subject) -> Held {
    let pages = pages(subject).await?;
    for page in pages.iter().take(pages.len() - 1) {
        let rest = subject.pages(subject.query(Some(page.cursor.clone()), 1000)).await?;
        let end = rest.last().and_then(|page| page.end.clone());
        hold(
            matches!(end, Some(End::Partial | End::CaughtUp { .. })),
            "what was resumed did not see everything",
            || format!("it ended as {}", brief(&end)),
        )?;
    }
    Ok(())
}

async fn again(subject: &Subject) -> Held {
    let pages = pages(subject).await?;
    let Some(first) = pages.first() else { return Ok(()) };
    let rest = async || -> Result<Vec<Option<RecordId>>, Stop> {
        let pages = subject.pages(subject.query(Some(first.cursor.clone()), 3)).await?;
        Ok(pages.iter().flat_map(|page| &page.changes).map(id_of).collect())
    };
    let (one, two) = (rest().await?, rest().await?);
    hold(one.iter().collect::<BTreeSet<_>>() == two.iter().collect(), "a cursor can be used again", || {
        format!("{} records, then {}", one.len(), two.len())
    })
}

async fn refused(subject: &Subject, query: ReadQuery, words: &str) -> Held {
    match first_page(subject, query).await {
        Err(error) if error.kind() == ErrorKind::CursorExpired => Ok(()),
        Err(error) => Err(broken(
            "a foreign cursor is `CursorExpired`",
            format!("{words}: {:?}: {error}", error.kind()),
        )),
        Ok(()) => Err(broken("a foreign cursor is `CursorExpired`", format!("{words} was taken"))),
    }
}

async fn foreign(subject: &Subject) -> Held {
    for bytes in [&b""[..], b"another 9 x", b"\xff\xfe", b"{}", b"0", b"9999999999999999999999"] {
        let query = subject.query(Some(Cursor::new(bytes)), 10);
        refused(subject, query, &format!("{:?}", String::from_utf8_lossy(bytes))).await?;
    }
    // One of its own with something behind it.
    let Some(page) = subject.everything(1000).await?.pop() else { return Ok(()) };
    let longer = Cursor::new([page.cursor.as_bytes(), b"\x00x"].concat());
    refused(subject, subject.query(Some(longer), 10), "its own with bytes behind it").await
}

async fn other_entity(subject: &Subject) -> Held {
    let names = subject.connector.entities().await?;
    let Some(other) = names.into_iter().find(|name| *name != subject.entity.name) else {
        return Err(skip("the system has one entity only"));
    };
    let query = ReadQuery { entity: other, shape: Shape::new(Vec::new())?, ..subject.query(None, 1) };
    let mut stream = subject.connector.read(query).await?;
    let Some(page) = stream.next().await.transpose()? else {
        return Err(skip("the other entity gave no page"));
    };
    refused(subject, subject.query(Some(page.cursor), 10), "the cursor of another entity").await
}

/// What happened to the kit's records while pages were read.
#[derive(Default)]
struct Disturbed {
    /// Those that nobody touched.
    still: Vec<RecordId>,
    /// Those that got the value below, and one that was made then.
    edited: Vec<RecordId>,
    born: Option<RecordId>,
    /// Those that had been shown and were deleted.
    buried: Vec<RecordId>,
}

/// Pages until some of the kit's records were seen and some were not: the system may hold others.
async fn some_seen(stream: &mut PageStream, made: &[RecordId]) -> Result<Vec<Page>, Stop> {
    let mut pages: Vec<Page> = Vec::new();
    while let Some(page) = stream.next().await.transpose()? {
        pages.push(page);
        let seen = upserts(&pages).iter().filter(|found| made.contains(&found.id)).count();
        if seen >= 3 && seen < made.len() {
            return Ok(pages);
        }
    }
    Err(skip("one page held all records"))
}

/// Another user edits and deletes records on both sides of the place that the reading has come to, and makes one.
async fn disturb(
    subject: &Subject,
    made: Vec<RecordId>,
    pages: &[Page],
    field: &FieldName,
    value: &Value,
) -> Result<Disturbed, Stop> {
    let seen: BTreeSet<RecordId> = upserts(pages).into_iter().map(|found| found.id).collect();
    let (behind, ahead): (Vec<RecordId>, Vec<RecordId>) = made.into_iter().partition(|id| seen.contains(id));
    let mut after = Disturbed { born: Some(subject.make_one(&[]).await?), ..Disturbed::default() };
    for (shown, ids) in [(true, behind), (false, ahead)] {
        for (place, id) in ids.into_iter().enumerate() {
            match place {
                0 => {
                    subject.edit_elsewhere(&id, field, value.clone()).await?;
                    after.edited.push(id);
                }
                1 | 2 if subject.can.delete => {
                    subject.send(subject.delete(&id, Expects::Anything)).await?;
                    after.buried.extend(shown.then_some(id));
                }
                _ => after.still.push(id),
            }
        }
    }
    Ok(after)
}

async fn between_pages(subject: &Subject) -> Held {
    let field = subject.any_field()?;
    let (made, value) = (subject.make(12).await?, subject.fresh(field)?);
    let mut stream = subject.connector.read(subject.query(None, 3)).await?;
    let mut pages = some_seen(&mut stream, &made).await?;
    let after = disturb(subject, made, &pages, &field.name, &value).await?;
    while let Some(page) = stream.next().await {
        pages.push(page?);
    }
    if subject.can.changes {
        let last = pages.last().ok_or_else(|| broken("a reading gives at least one page", "no page"))?;
        let from = match &last.end {
            Some(End::Complete(whole)) => whole.changes_from.clone(),
            _ => None,
        };
        let from = from.unwrap_or_else(|| last.cursor.clone());
        pages.extend(subject.pages(subject.query(Some(from), 3)).await?);
    }
    nothing_lost(subject, &after, &pages, |found| subject.holds(found, &field.name, &value))
}

fn nothing_lost(
    subject: &Subject,
    after: &Disturbed,
    pages: &[Page],
    is_edited: impl Fn(&Versioned) -> bool,
) -> Held {
    let found = upserts(pages);
    let newest = |id: &RecordId| found.iter().rev().find(|found| found.id == *id);
    // Without C6 nothing was promised about records that nobody touched.
    for id in after.still.iter().filter(|_| subject.can.complete_enumeration) {
        let observed =
            || format!("record {id} was there all the time and was not seen, since others changed meanwhile");
        claim(newest(id).is_some(), &subject.can, |can| can.complete_enumeration = false, observed)?;
    }
    if !subject.can.changes {
        return Ok(());
    }
    if let Some(id) = &after.born {
        let promise = "a record that is made while pages are read is seen, then or in the feed";
        hold(newest(id).is_some(), promise, || format!("record {id} was not"))?;
    }
    for id in &after.edited {
        let promise = "an edit made while pages are read is seen, then or in the feed";
        hold(newest(id).is_some_and(&is_edited), promise, || format!("that of record {id} was not"))?;
    }
    for id in after.buried.iter().filter(|_| subject.can.tombstones) {
        let is_its_tombstone = |change: &Change| matches!(change, Change::Deleted(grave) if grave.id == *id);
        let promise = "a record that was shown and is deleted while pages are read has a tombstone";
        let buried = pages.iter().flat_map(|page| &page.changes).any(is_its_tombstone);
        hold(buried, promise, || format!("record {id} has none"))?;
    }
    Ok(())
}
