//! The feed of changes: what changed comes with its newest values, deletions as tombstones (C5), and up to the low-water
//! mark nothing is missing (C7).

use std::collections::BTreeMap;

use crate::connector::{Capability, Change, Cursor, End, Expects, Tombstone, Versioned};
use crate::model::RecordId;
use crate::testkit::connector_kit::case::{Need, table};
use crate::testkit::connector_kit::claim::claim;
use crate::testkit::connector_kit::reading::upserts;
use crate::testkit::connector_kit::subject::Subject;
use crate::testkit::connector_kit::verdict::{Held, Stop, brief, hold, skip};

table! {
    "feed.updates" NominatedRecords [Need::Update, Need::Changes] "an edit comes with its newest values" => updates;
    "feed.creates" Scratch [Need::Create, Need::Changes] "a record that is made comes, whatever the size of pages" => creates;
    "feed.only_changes" NominatedRecords [Need::Update, Need::Changes] "what did not change does not come" => only_changes;
    "feed.none" ReadOnly [Need::NoChanges] "without a feed none is announced" => none;
    "feed.tombstones" Scratch [Need::Create, Need::Delete, Need::Changes, Need::Has(Capability::Tombstones)]
        "a deletion comes as a tombstone (C5)" => tombstones;
    "feed.no_tombstones" Scratch [Need::Create, Need::Delete, Need::Changes, Need::Lacks(Capability::Tombstones)]
        "without C5 no tombstone is shown" => no_tombstones;
    "feed.came_back" Scratch [Need::Create, Need::Delete, Need::Changes, Need::Has(Capability::UniqueKey)]
        "a record that is made anew under a deleted id is there" => came_back;
    "feed.hidden" NominatedRecords [Need::Update, Need::Changes] "a record that is hidden is not reported as deleted" => hidden;
    "feed.low_water" NominatedRecords [Need::Update, Need::Changes] "a feed gives a low-water mark exactly where C7 is declared" => low_water;
    "feed.late_commit" NominatedRecords [Need::Update, Need::Changes, Need::Has(Capability::LowWater)]
        "what is committed late comes after the low-water mark (C7)" => late_commit;
}

struct Fed {
    newest: BTreeMap<RecordId, Versioned>,
    buried: Vec<Tombstone>,
    end: Option<End>,
    cursor: Option<Cursor>,
    count: usize,
}

impl Fed {
    /// Where the next reading begins.
    fn next(&self) -> Result<Cursor, Stop> {
        match (&self.end, &self.cursor) {
            (Some(End::CaughtUp { low_water: Some(mark) }), _) => Ok(mark.clone()),
            (_, Some(cursor)) => Ok(cursor.clone()),
            _ => Err(skip("the feed gave no page")),
        }
    }
}

/// Everything that the feed says after a cursor; a later sighting counts.
async fn feed(subject: &Subject, from: &Cursor, size: usize) -> Result<Fed, Stop> {
    let pages = subject.pages(subject.query(Some(from.clone()), size)).await?;
    let mut fed = Fed { newest: BTreeMap::new(), buried: Vec::new(), end: None, cursor: None, count: 0 };
    for page in &pages {
        hold(page.changes.len() <= size, "a page of a feed is no larger than asked for", || {
            format!("{} changes where {size} were asked for", page.changes.len())
        })?;
        fed.count += page.changes.len();
        for change in &page.changes {
            match change {
                Change::Upsert(found) => {
                    fed.buried.retain(|buried| buried.id != found.id);
                    fed.newest.insert(found.id.clone(), found.clone());
                }
                Change::Deleted(tombstone) => {
                    fed.newest.remove(&tombstone.id);
                    fed.buried.push(tombstone.clone());
                }
                Change::Broken { .. } => {}
            }
        }
        fed.end = page.end.clone();
        fed.cursor = Some(page.cursor.clone());
    }
    claim(
        matches!(fed.end, Some(End::CaughtUp { .. })),
        &subject.can,
        |can| can.changes = false,
        || format!("a reading from where changes begin ended as {}", brief(&fed.end)),
    )?;
    Ok(fed)
}

async fn updates(subject: &Subject) -> Held {
    let field = subject.any_field()?;
    let id = subject.one().await?;
    let from = subject.feed_from().await?;
    subject.put(&id, &field.name, subject.fresh(field)?).await?;
    let newest = subject.fresh(field)?;
    subject.edit_elsewhere(&id, &field.name, newest.clone()).await?;
    for size in [1, 2, 100] {
        let fed = feed(subject, &from, size).await?;
        let seen = fed.newest.get(&id);
        claim(
            seen.is_some(),
            &subject.can,
            |can| can.changes = false,
            || format!("record {id} was changed and did not come in pages of {size}"),
        )?;
        hold(
            seen.is_some_and(|seen| subject.holds(seen, &field.name, &newest)),
            "the feed shows the newest values",
            || brief(&seen),
        )?;
    }
    Ok(())
}

async fn creates(subject: &Subject) -> Held {
    subject.make(2).await?;
    let from = subject.feed_from().await?;
    let made = subject.make(5).await?;
    for size in [1, 2, 100] {
        let fed = feed(subject, &from, size).await?;
        let lost = made.iter().find(|id| !fed.newest.contains_key(id));
        claim(
            lost.is_none(),
            &subject.can,
            |can| can.changes = false,
            || format!("record {} was made and did not come in pages of {size}", brief(&lost)),
        )?;
    }
    Ok(())
}

async fn only_changes(subject: &Subject) -> Held {
    let field = subject.any_field()?;
    subject.stock(20).await?;
    let id = subject.one().await?;
    let from = subject.feed_from().await?;
    let total = upserts(&subject.everything(1000).await?).len();
    if total < 3 {
        return Err(skip("fewer than three records"));
    }
    subject.put(&id, &field.name, subject.fresh(field)?).await?;
    let fed = feed(subject, &from, 100).await?;
    // A feed may go back a little to be safe; one that shows everything is none.
    claim(
        fed.newest.len() < total,
        &subject.can,
        |can| can.changes = false,
        || format!("one of {total} records changed, and {} came", fed.newest.len()),
    )?;
    let quiet = feed(subject, &fed.next()?, 100).await?;
    hold(quiet.newest.len() < total, "a feed goes on where it stopped", || {
        format!("{} records came again", quiet.count)
    })
}

async fn none(subject: &Subject) -> Held {
    let pages = subject.everything(1000).await?;
    let end = pages.last().and_then(|page| page.end.as_ref());
    let announced = matches!(end, Some(End::Complete(all)) if all.changes_from.is_some());
    let caught_up = pages.iter().any(|page| matches!(page.end, Some(End::CaughtUp { .. })));
    claim(!announced && !caught_up, &subject.can, |can| can.changes = true, || brief(&end))
}

async fn tombstones(subject: &Subject) -> Held {
    let made = subject.make(4).await?;
    let from = subject.feed_from().await?;
    let (gone, there) = made.split_at(2);
    for id in gone {
        subject.send(subject.delete(id, Expects::Anything)).await?;
    }
    for size in [1, 100] {
        let fed = feed(subject, &from, size).await?;
        let buried = |id: &RecordId| fed.buried.iter().any(|tombstone| tombstone.id == *id);
        let forgotten = gone.iter().find(|id| !buried(id));
        claim(
            forgotten.is_none(),
            &subject.can,
            |can| can.tombstones = false,
            || format!("record {} was deleted, and no tombstone came", brief(&forgotten)),
        )?;
        let wrong = there.iter().find(|id| buried(id));
        hold(wrong.is_none(), "a record that is there has no tombstone", || {
            format!("{} has one", brief(&wrong))
        })?;
    }
    Ok(())
}

async fn no_tombstones(subject: &Subject) -> Held {
    let made = subject.make(3).await?;
    let from = subject.feed_from().await?;
    for id in made.iter().take(2) {
        subject.send(subject.delete(id, Expects::Anything)).await?;
    }
    let fed = feed(subject, &from, 100).await?;
    claim(fed.buried.is_empty(), &subject.can, |can| can.tombstones = true, || brief(&fed.buried))
}

async fn came_back(subject: &Subject) -> Held {
    let Some(id) = subject.new_id()? else { return Err(skip("the client does not choose ids")) };
    if matches!(subject.answer(&id).await?, crate::connector::Lookup::Found(_)) {
        return Err(skip("the id is taken"));
    }
    let born = async || subject.send(subject.create(Some(id.clone()), subject.birth(&[])?)).await;
    born().await?;
    let from = subject.feed_from().await?;
    subject.send(subject.delete(&id, Expects::Anything)).await?;
    born().await?;
    let fed = feed(subject, &from, 1).await?;
    hold(fed.newest.contains_key(&id), "a record that came back is there; the later sighting counts", || {
        format!("the feed buries {}", brief(&fed.buried))
    })
}

async fn hidden(subject: &Subject) -> Held {
    let Some(user) = subject.bench.user.clone() else {
        return Err(skip("the bench has no other user who can hide a record"));
    };
    let field = subject.any_field()?;
    let id = subject.one().await?;
    let from = subject.feed_from().await?;
    subject.put(&id, &field.name, subject.fresh(field)?).await?;
    if !user.hide(&id, true).await? {
        return Err(skip("the other user cannot hide a record"));
    }
    let fed: Result<Fed, Stop> = feed(subject, &from, 100).await;
    user.hide(&id, false).await?;
    let fed = fed?;
    let buried = fed.buried.iter().any(|tombstone| tombstone.id == id);
    claim(
        !buried,
        &subject.can,
        |can| can.tombstones = false,
        || format!("record {id} is hidden, and the feed reports it as deleted"),
    )
}

async fn low_water(subject: &Subject) -> Held {
    let field = subject.any_field()?;
    let id = subject.one().await?;
    let from = subject.feed_from().await?;
    subject.put(&id, &field.name, subject.fresh(field)?).await?;
    let fed = feed(subject, &from, 100).await?;
    let Some(End::CaughtUp { low_water }) = &fed.end else { return Ok(()) };
    claim(
        low_water.is_some() == subject.can.low_water,
        &subject.can,
        |can| can.low_water = !can.low_water,
        || format!("the mark of a feed is {}", brief(low_water)),
    )?;
    let value = subject.fresh(field)?;
    subject.put(&id, &field.name, value.clone()).await?;
    let fed = feed(subject, &fed.next()?, 100).await?;
    let seen = fed.newest.get(&id).is_some_and(|seen| subject.holds(seen, &field.name, &value));
    hold(seen, "what changes after a feed was read comes when it is read on", || {
        format!("record {id} did not")
    })
}

async fn late_commit(subject: &Subject) -> Held {
    let Some(user) = subject.bench.user.clone() else {
        return Err(skip("the bench has no other user with transactions"));
    };
    let field = subject.any_field()?;
    let ids = subject.records(2).await?;
    let (Some(late), Some(early)) = (ids.first(), ids.get(1)) else { return Ok(()) };
    let from = subject.feed_from().await?;
    let value = subject.fresh(field)?;
    if !user.begin_edit(late, &subject.patch([(&field.name, value.clone())])?).await? {
        return Err(skip("the other user cannot keep a transaction open"));
    }
    let between = async {
        subject.put(early, &field.name, subject.fresh(field)?).await?;
        feed(subject, &from, 100).await
    };
    let fed: Result<Fed, Stop> = between.await;
    user.commit().await?;
    let next = feed(subject, &fed?.next()?, 100).await?;
    let seen = next.newest.get(late).is_some_and(|seen| subject.holds(seen, &field.name, &value));
    claim(
        seen,
        &subject.can,
        |can| can.low_water = false,
        || format!("record {late} was committed after the mark was given, and did not come after it"),
    )
}
