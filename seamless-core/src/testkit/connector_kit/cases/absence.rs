//! Looking records up, and what is known of those that are not there. The engine deletes on a proof of absence, so a
//! false one is the worst that a connector can say.

use std::collections::BTreeSet;

use crate::connector::{Capability, Expects, FetchBy, Lookup};
use crate::model::{FieldKind, RecordId};
use crate::testkit::connector_kit::case::{Need, table};
use crate::testkit::connector_kit::claim::claim;
use crate::testkit::connector_kit::subject::Subject;
use crate::testkit::connector_kit::verdict::{Held, Stop, brief, hold, skip};

table! {
    "fetch.order" ReadOnly [] "one answer for each record asked for, in the order asked for" => order;
    "fetch.same" ReadOnly [] "a record that is looked up is as it was read" => same;
    "fetch.by_key" Scratch [Need::Create] "a key finds one record, several, or none" => by_key;
    "fetch.many" ReadOnly [] "a look-up may be of many records" => many;
    "fetch.hostile" ReadOnly [] "an id is data: no id finds another record" => hostile;
    "absence.never" ReadOnly [] "a record that never was is gone or hidden, as declared" => never;
    "absence.deleted" Scratch [Need::Create, Need::Delete] "a deleted record is gone or hidden, as declared" => deleted;
    "absence.hidden" NominatedRecords [Need::Has(Capability::GoneNotHidden)]
        "a record that is hidden is not called gone" => hidden;
}

async fn order(subject: &Subject) -> Held {
    let all = subject.some(3).await?;
    let absent = subject.absent_id().await?;
    let mut asked: Vec<RecordId> = all.iter().take(3).map(|found| found.id.clone()).collect();
    asked.reverse();
    asked.insert(1.min(asked.len()), absent);
    asked.extend(asked.first().cloned());
    let found = subject.look_up(&asked).await?;
    for (id, answer) in asked.iter().zip(&found) {
        let right = match answer {
            Lookup::Found(found) => found.id == *id,
            Lookup::Gone(proof) => proof.id == *id,
            Lookup::Hidden => true,
            Lookup::Several(_) | Lookup::Unanswered => false,
        };
        hold(right, "answers come in the order asked for", || {
            format!("asked for {id}, got {}", brief(answer))
        })?;
        let there = all.iter().any(|found| found.id == *id);
        hold(
            there == matches!(answer, Lookup::Found(_)),
            "what is there is found, and nothing else",
            || format!("asked for {id}, got {}", brief(answer)),
        )?;
    }
    let nothing = subject.look_up(&[]).await?;
    hold(nothing.is_empty(), "nothing asked for, nothing answered", || brief(&nothing))
}

async fn same(subject: &Subject) -> Held {
    for read in subject.some(3).await?.into_iter().take(5) {
        let found = subject.found(&read.id).await?;
        hold(found.record == read.record, "`fetch` and `read` show the same values", || {
            format!("read {}, looked up {}", brief(&read.record), brief(&found.record))
        })?;
        hold(found.version == read.version, "`fetch` and `read` show the same version", || {
            format!("read {:?}, looked up {:?}", read.version, found.version)
        })?;
    }
    Ok(())
}

async fn by_key(subject: &Subject) -> Held {
    let field =
        subject.field(|kind| matches!(kind, FieldKind::Text { .. })).ok_or_else(|| skip("no text field"))?;
    let (twice, lone, none) = (subject.fresh(field)?, subject.fresh(field)?, subject.fresh(field)?);
    let pair = [
        subject.make_one(&[(&field.name, twice.clone())]).await?,
        subject.make_one(&[(&field.name, twice.clone())]).await?,
    ];
    let one = subject.make_one(&[(&field.name, lone.clone())]).await?;
    let by =
        FetchBy::Key { fields: vec![field.name.clone()], values: vec![vec![lone], vec![twice], vec![none]] };
    let found = subject.connector.fetch(subject.fetching(by)).await?;
    let several = |ids: &[RecordId]| ids.iter().collect::<BTreeSet<_>>() == pair.iter().collect();
    let right = match found.as_slice() {
        [Lookup::Found(found), Lookup::Several(ids), Lookup::Hidden] => found.id == one && several(ids),
        _ => false,
    };
    hold(
        right,
        "a key finds one record, several (`Several` with their ids) or none (`Hidden`), in the order asked for",
        || brief(&found),
    )
}

/// More than the parameters of a statement and the characters of an address that systems allow.
const MANY: usize = 2_500;

async fn many(subject: &Subject) -> Held {
    let there = subject.some(3).await?;
    let mut asked: Vec<RecordId> = there.iter().take(MANY).map(|found| found.id.clone()).collect();
    for (number, other) in subject.absent_ids(MANY - asked.len()).await?.into_iter().enumerate() {
        // Some at the front, so that those that are there are in the middle.
        asked.insert(number % 2 * asked.len(), other);
    }
    let found = subject.look_up(&asked).await?;
    for (id, answer) in asked.iter().zip(&found) {
        let there = there.iter().any(|found| found.id == *id);
        let right = match answer {
            Lookup::Found(found) => there && found.id == *id,
            _ => !there,
        };
        hold(right, "each of many records has its own answer", || {
            format!("asked for {id}, got {}", brief(answer))
        })?;
    }
    Ok(())
}

async fn hostile(subject: &Subject) -> Held {
    subject.stock(2).await?;
    let ids = [
        "' OR '1'='1",
        "\" OR 1=1 --",
        "'; DROP TABLE x; --",
        "%",
        "*",
        "_",
        "../..",
        "a/b?c=d&e#f",
        "\u{0}",
        "\n",
        "",
    ];
    let ids: Vec<RecordId> = ids.iter().map(|id| RecordId::text(id)).collect();
    for (id, answer) in ids.iter().zip(subject.look_up(&ids).await?) {
        hold(
            matches!(answer, Lookup::Gone(_) | Lookup::Hidden),
            "an id that no record has finds none",
            || format!("asked for {id:?}, got {}", brief(&answer)),
        )?;
    }
    Ok(())
}

/// Holds the answer about a record that is not there to the declaration.
fn absent(subject: &Subject, id: &RecordId, answer: &Lookup) -> Held {
    let flip = |can: &mut crate::connector::Capabilities| can.gone_not_hidden = !can.gone_not_hidden;
    match (answer, subject.can.gone_not_hidden) {
        (Lookup::Gone(proof), true) => hold(proof.id == *id, "a proof names its record", || brief(proof)),
        (Lookup::Hidden, false) => Ok(()),
        (Lookup::Gone(_), false) | (Lookup::Hidden, true) => claim(false, &subject.can, flip, || {
            format!("record {id}, which is not there, is {}", brief(answer))
        }),
        _ => hold(false, "a record that is not there is gone or hidden", || brief(answer)),
    }
}

async fn never(subject: &Subject) -> Held {
    let id = subject.absent_id().await?;
    absent(subject, &id, &subject.answer(&id).await?)
}

async fn deleted(subject: &Subject) -> Held {
    let made = subject.make(3).await?;
    let Some(id) = made.get(1) else { return Ok(()) };
    subject.send(subject.delete(id, Expects::Anything)).await?;
    absent(subject, id, &subject.answer(id).await?)?;
    for other in made.iter().filter(|other| *other != id) {
        subject.found(other).await?;
    }
    Ok(())
}

async fn hidden(subject: &Subject) -> Held {
    let Some(user) = subject.bench.user.clone() else {
        return Err(skip("the bench has no other user who can hide a record"));
    };
    let id = subject.one().await?;
    if !user.hide(&id, true).await? {
        return Err(skip("the other user cannot hide a record"));
    }
    let answer = subject.answer(&id).await;
    user.hide(&id, false).await?;
    let answer: Result<Lookup, Stop> = answer;
    let answer = answer?;
    claim(
        !matches!(answer, Lookup::Gone(_)),
        &subject.can,
        |can| can.gone_not_hidden = false,
        || format!("record {id} is hidden, and the answer was {}", brief(&answer)),
    )
}
