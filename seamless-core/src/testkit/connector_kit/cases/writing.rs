//! Writing: what an update touches, one outcome for each operation, keys that are taken, the same operation sent twice.

use std::collections::BTreeSet;
use std::num::NonZeroU32;

use crate::connector::{
    Capability, Expects, FetchBy, Lookup, RefusalKind, UniqueKey, Versioned, WriteBatch, WriteOutcome,
};
use crate::model::{ErrorKind, Field, FieldKind, Record, RecordId, Value};
use crate::testkit::connector_kit::case::{Need, table};
use crate::testkit::connector_kit::claim::claim;
use crate::testkit::connector_kit::reading::upserts;
use crate::testkit::connector_kit::subject::Subject;
use crate::testkit::connector_kit::verdict::{Held, Stop, brief, broken, hold, skip};

table! {
    "write.created" Scratch [Need::Create] "a record that is made is there under its id with its values" => created;
    "write.patch" NominatedRecords [Need::Update] "an update touches no other field and no other record" => patch;
    "write.null" NominatedRecords [Need::Update] "null empties a field, and is read as null" => null;
    "write.deleted" Scratch [Need::Create, Need::Delete] "a deleted record is not read; deleting it again is applied" => deleted;
    "write.partial_batch" NominatedRecords [Need::Update]
        "an operation that is refused undoes no other; outcomes come in the order of the operations" => partial;
    "write.missing" NominatedRecords [Need::Update] "an update of a record that is not there is `Missing`" => missing;
    "write.batch_max" NominatedRecords [Need::Update] "a batch that is too large is refused as a whole" => batch_max;
    "write.key_taken" Scratch [Need::Create, Need::Has(Capability::UniqueKey)]
        "a unique key is taken once; who has it is named" => key_taken;
    "write.unique_value" Scratch [Need::Create, Need::Update]
        "a value that the schema calls unique is in one record only" => unique_value;
    "write.upsert" Scratch [Need::Create, Need::Has(Capability::UniqueKey)]
        "a create never overwrites a record that is there" => upsert;
    "write.same_id_create" Scratch [Need::Create, Need::IdempotencyKey]
        "a create that is sent twice makes one record and gives the same answer" => same_id_create;
    "write.same_id_update" NominatedRecords [Need::Update, Need::IdempotencyKey]
        "an update that is sent twice does not overwrite what came in between" => same_id_update;
    "write.hostile_ids" Scratch [Need::Create, Need::Has(Capability::UniqueKey)]
        "ids and texts that look like commands are data" => hostile_ids;
    "write.together" NominatedRecords [Need::Update] "calls can be made at the same time" => together;
}

/// Batches larger than this are not tried.
const BATCH_TRIED_MAX: usize = 10_000;

/// The record of an operation that happened.
pub(super) fn applied(outcome: &WriteOutcome, what: &str) -> Result<RecordId, Stop> {
    match outcome {
        WriteOutcome::Applied { id, .. } => Ok(id.clone()),
        other => Err(broken(format!("{what} is applied"), brief(other))),
    }
}

/// Holds an outcome to a refusal.
pub(super) fn refused(outcome: &WriteOutcome, promise: &str, is: impl Fn(&RefusalKind) -> bool) -> Held {
    match outcome {
        WriteOutcome::Refused(refusal) if is(&refusal.why) => Ok(()),
        other => Err(broken(promise, brief(other))),
    }
}

async fn created(subject: &Subject) -> Held {
    let mut values = Vec::new();
    for field in subject.writable() {
        values.push((&field.name, subject.fresh(field)?));
    }
    let chosen = subject.new_id()?;
    if let Some(id) = &chosen
        && let Lookup::Found(_) = subject.answer(id).await?
    {
        return Err(skip(format!("record {id} is there already: choose another namespace")));
    }
    let op = subject.create(chosen.clone(), subject.birth(&values)?);
    let outcome = subject.send(op).await?;
    let WriteOutcome::Applied { id, .. } = &outcome else {
        return claim(
            false,
            &subject.can,
            |can| can.create = false,
            || format!("a create gave {}", brief(&outcome)),
        );
    };
    if subject.can.unique_key == UniqueKey::ClientChosenId {
        claim(
            chosen.as_ref() == Some(id),
            &subject.can,
            |can| can.unique_key = UniqueKey::None,
            || format!("the id {} was chosen, and the record is {id}", brief(&chosen)),
        )?;
    }
    for (field, value) in &values {
        subject.shows(id, field, value, "a record that is made holds its values").await?;
    }
    let all: BTreeSet<RecordId> =
        upserts(&subject.everything(1000).await?).into_iter().map(|found| found.id).collect();
    hold(all.contains(id), "a record that is made is read", || {
        format!("record {id} is not among all records")
    })
}

async fn patch(subject: &Subject) -> Held {
    let one = subject.any_field()?;
    let ids = subject.records(2).await?;
    let (Some(id), Some(other)) = (ids.first(), ids.get(1)) else { return Ok(()) };
    // Every field holds something, so that one that is emptied or reset shows.
    for id in [id, other] {
        let mut values = Vec::new();
        for field in subject.writable() {
            values.push((&field.name, subject.fresh(field)?));
        }
        applied(
            &subject.send(subject.update(id, subject.patch(values)?, Expects::Anything)).await?,
            "an update",
        )?;
    }
    let (before, bystander) = (subject.found(id).await?, subject.found(other).await?);
    let value = subject.fresh(one)?;
    subject.put(id, &one.name, value.clone()).await?;
    let after = subject.seen(id, &one.name, &value).await?;
    hold(subject.holds(&after, &one.name, &value), "an update changes the fields of its patch", || {
        format!("{} is {}", one.name, brief(&after.record.field(one.name.as_str())))
    })?;
    for field in subject.entity.fields.iter().filter(|field| field.name != one.name && !field.computed) {
        let name = field.name.as_str();
        let same = after.record.field(name) == before.record.field(name);
        // A stamp of the last change is written by the system, not by us.
        hold(same || field.read_only, "an update touches no field that is not in its patch", || {
            format!(
                "{name} was {} and is {}",
                brief(&before.record.field(name)),
                brief(&after.record.field(name))
            )
        })?;
    }
    let now = subject.found(other).await?;
    hold(now == bystander, "an update touches no other record", || format!("{} is {}", other, brief(&now)))
}

async fn null(subject: &Subject) -> Held {
    let field = subject.writable().find(|field| !field.required && field.default.is_none());
    let field = field.ok_or_else(|| skip("every field that may be written is required"))?;
    let id = subject.one().await?;
    subject.put(&id, &field.name, subject.fresh(field)?).await?;
    subject.put(&id, &field.name, Value::Null).await?;
    subject.shows(&id, &field.name, &Value::Null, "null empties a field and is read as null").await
}

async fn deleted(subject: &Subject) -> Held {
    let made = subject.make(2).await?;
    let Some(id) = made.first() else { return Ok(()) };
    for time in ["a delete", "deleting what is gone"] {
        let outcome = subject.send(subject.delete(id, Expects::Anything)).await?;
        claim(
            matches!(outcome, WriteOutcome::Applied { .. }),
            &subject.can,
            |can| can.delete = false,
            || format!("{time} gave {}", brief(&outcome)),
        )?;
        let all = upserts(&subject.everything(1000).await?);
        hold(all.iter().all(|found| found.id != *id), "a deleted record is not read any more", || {
            format!("record {id} is among all records")
        })?;
        let others = all.iter().filter(|found| made.contains(&found.id)).count();
        hold(others == made.len() - 1, "a delete touches no other record", || format!("{others} are left"))?;
    }
    Ok(())
}

async fn partial(subject: &Subject) -> Held {
    if subject.can.batch_max.get() < 3 {
        return Err(skip("a batch holds fewer than three operations"));
    }
    let field = subject.any_field()?;
    let ids = subject.records(2).await?;
    let (Some(first), Some(last)) = (ids.first(), ids.get(1)) else { return Ok(()) };
    let (one, two) = (subject.fresh(field)?, subject.fresh(field)?);
    let set = |value: &Value| subject.patch([(&field.name, value.clone())]);
    let ops = vec![
        subject.update(first, set(&one)?, Expects::Anything),
        subject.update(&subject.absent_id().await?, set(&one)?, Expects::Anything),
        subject.update(last, set(&two)?, Expects::Anything),
    ];
    let outcomes = subject.write(ops).await?;
    let [a, b, c] = outcomes.as_slice() else { return Ok(()) };
    let right = matches!(a, WriteOutcome::Applied { id, .. } if id == first)
        && matches!(b, WriteOutcome::Refused(_))
        && matches!(c, WriteOutcome::Applied { id, .. } if id == last);
    hold(
        right,
        "one outcome for each operation, in their order; one that is refused undoes no other",
        || brief(&outcomes),
    )?;
    subject.shows(first, &field.name, &one, "what is before a refused operation happened").await?;
    subject.shows(last, &field.name, &two, "what is after a refused operation happened").await
}

async fn missing(subject: &Subject) -> Held {
    let field = subject.any_field()?;
    let id = subject.absent_id().await?;
    let patch = subject.patch([(&field.name, subject.fresh(field)?)])?;
    let outcome = subject.send(subject.update(&id, patch, Expects::Anything)).await?;
    refused(&outcome, "an update of a record that is not there is `Missing`", |why| {
        *why == RefusalKind::Missing
    })?;
    let answer = subject.answer(&id).await?;
    hold(!matches!(answer, Lookup::Found(_)), "an update makes no record", || brief(&answer))
}

async fn batch_max(subject: &Subject) -> Held {
    let max = subject.can.batch_max.get() as usize;
    if max > BATCH_TRIED_MAX {
        return Err(skip(format!("the kit tries no batch of {max} operations")));
    }
    let field = subject.any_field()?;
    let id = subject.one().await?;
    let before = subject.found(&id).await?;
    let patch = || -> Result<Record, Stop> { subject.patch([(&field.name, subject.fresh(field)?)]) };
    let batch = async |count: usize| -> Result<WriteBatch, Stop> {
        let mut ops = vec![subject.update(&id, patch()?, Expects::Anything)];
        // Many different ids that no record has; all of them are refused, should they be looked at.
        for other in subject.absent_ids(count - 1).await? {
            ops.push(subject.update(&other, patch()?, Expects::Anything));
        }
        Ok(WriteBatch::of(ops))
    };
    let entity = &subject.entity.name;
    let observed = match subject.connector.write(entity, batch(max + 1).await?).await {
        Err(error) if error.kind() == ErrorKind::Limit => None,
        Err(error) => Some(format!("{:?}: {error}", error.kind())),
        Ok(outcomes) => Some(format!("{} outcomes", outcomes.len())),
    };
    if let Some(observed) = observed {
        return Err(broken(format!("a batch of {} operations is refused as `Limit`", max + 1), observed));
    }
    let after = subject.found(&id).await?;
    hold(after == before, "nothing of a batch happens that is refused as a whole", || {
        format!("{} became {}", brief(&before.record), brief(&after.record))
    })?;
    // As many as declared are taken; where they are not, half as many may be.
    let mut count = max;
    loop {
        match subject.connector.write(entity, batch(count).await?).await {
            Ok(_) => break,
            Err(error) if error.kind() == ErrorKind::Limit && count > 1 => count /= 2,
            Err(error) => return Err(error.into()),
        }
    }
    let taken = u32::try_from(count).ok().and_then(NonZeroU32::new).unwrap_or(NonZeroU32::MIN);
    claim(
        count == max,
        &subject.can,
        |can| can.batch_max = taken,
        || format!("a batch of {max} operations is refused, one of {count} is taken"),
    )
}

/// Two births that collide, and which record has the key. The first one is made.
async fn collision(subject: &Subject) -> Result<(RecordId, Option<RecordId>, Record), Stop> {
    match &subject.can.unique_key {
        UniqueKey::None => Err(skip("no unique key is declared")),
        UniqueKey::ClientChosenId => {
            let id = subject.make_one(&[]).await?;
            Ok((id.clone(), Some(id), subject.birth(&[])?))
        }
        UniqueKey::Fields(names) => {
            let id = subject.make_one(&[]).await?;
            let held = subject.found(&id).await?;
            let value =
                |name| held.record.field(name).value().map(|value| value.to_value()).unwrap_or(Value::Null);
            let key: Vec<_> = names.iter().map(|name| (name, value(name.as_str()))).collect();
            Ok((id, subject.new_id()?, subject.birth(&key)?))
        }
    }
}

async fn key_taken(subject: &Subject) -> Held {
    let (first, id, birth) = collision(subject).await?;
    let outcome = subject.send(subject.create(id, birth)).await?;
    match &outcome {
        WriteOutcome::Refused(refusal) => match &refusal.why {
            RefusalKind::KeyTaken { by: Some(by) } => {
                hold(*by == first, "who has the key is named rightly", || {
                    format!("{by}, where {first} has it")
                })
            }
            RefusalKind::KeyTaken { by: None } => Ok(()),
            other => Err(broken("a key that is taken is `KeyTaken`", brief(other))),
        },
        other => claim(
            false,
            &subject.can,
            |can| can.unique_key = UniqueKey::None,
            || format!("a second create with the key of {first} gave {}", brief(other)),
        ),
    }
}

async fn unique_value(subject: &Subject) -> Held {
    let unique =
        |field: &&Field| field.unique && !field.read_only && !subject.entity.key.contains(&field.name);
    let field =
        subject.entity.fields.iter().find(unique).ok_or_else(|| skip("no field but the key is unique"))?;
    let made = subject.make(2).await?;
    let (Some(one), Some(two)) = (made.first(), made.get(1)) else { return Ok(()) };
    let value = subject.fresh(field)?;
    let set = |id: &RecordId| -> Result<_, Stop> {
        Ok(subject.update(id, subject.patch([(&field.name, value.clone())])?, Expects::Anything))
    };
    applied(&subject.send(set(one)?).await?, "a value that no other record has")?;
    // Once more in the same record it takes nothing from anybody.
    applied(&subject.send(set(one)?).await?, "the value that the record has already")?;
    let outcome = subject.send(set(two)?).await?;
    refused(&outcome, "a unique value that another record has is `KeyTaken`", |why| match why {
        RefusalKind::KeyTaken { by } => by.as_ref().is_none_or(|by| by == one),
        _ => false,
    })
}

async fn upsert(subject: &Subject) -> Held {
    let (first, id, birth) = collision(subject).await?;
    let before = subject.found(&first).await?;
    let mut op = subject.create(id, birth);
    op.expects = Expects::Anything;
    let outcome = subject.send(op).await?;
    let after = subject.found(&first).await?;
    let same = |one: &Versioned, two: &Versioned| one.record == two.record && one.version == two.version;
    hold(same(&after, &before), "a create never overwrites a record that is there", || {
        format!(
            "{} became {}; the outcome was {}",
            brief(&before.record),
            brief(&after.record),
            brief(&outcome)
        )
    })
}

async fn same_id_create(subject: &Subject) -> Held {
    let field = subject.field(|kind| matches!(kind, FieldKind::Text { .. }));
    let field = field.ok_or_else(|| skip("no text field to find the record by"))?;
    let value = subject.fresh(field)?;
    let op = subject.create(subject.new_id()?, subject.birth(&[(&field.name, value.clone())])?);
    let one = applied(&subject.send(op.clone()).await?, "a create")?;
    let again = subject.send(op).await?;
    let same = matches!(&again, WriteOutcome::Applied { id, .. } if *id == one);
    claim(
        same,
        &subject.can,
        |can| can.idempotency_key = false,
        || format!("the same create made {one}, and the second time gave {}", brief(&again)),
    )?;
    let by = FetchBy::Key { fields: vec![field.name.clone()], values: vec![vec![value]] };
    let found = subject.connector.fetch(subject.fetching(by)).await?;
    claim(
        matches!(found.as_slice(), [Lookup::Found(_)]),
        &subject.can,
        |can| can.idempotency_key = false,
        || format!("after the same create twice: {}", brief(&found)),
    )
}

async fn same_id_update(subject: &Subject) -> Held {
    let field = subject.any_field()?;
    let id = subject.one().await?;
    let (ours, theirs) = (subject.fresh(field)?, subject.fresh(field)?);
    let op = subject.update(&id, subject.patch([(&field.name, ours)])?, Expects::Anything);
    applied(&subject.send(op.clone()).await?, "an update")?;
    subject.edit_elsewhere(&id, &field.name, theirs.clone()).await?;
    let again = subject.send(op).await?;
    let found = subject.seen(&id, &field.name, &theirs).await?;
    let once = matches!(again, WriteOutcome::Applied { .. }) && subject.holds(&found, &field.name, &theirs);
    claim(
        once,
        &subject.can,
        |can| can.idempotency_key = false,
        || format!("the same update a second time gave {} and left {}", brief(&again), brief(&found.record)),
    )
}

/// Texts that look like commands, places or numbers to a system that does not take ids as data.
const HOSTILE_IDS: [&str; 12] = [
    "'; DROP TABLE x;--",
    "a\"b,c;d",
    "a/b?c=d&e#f",
    "..",
    "%00",
    "x\ny",
    "=1+1",
    " x ",
    "K\u{e4}se",
    "Ka\u{308}se",
    "\u{202e}x",
    "\u{1f980}",
];

async fn hostile_ids(subject: &Subject) -> Held {
    let names = match &subject.can.unique_key {
        UniqueKey::Fields(names) => names,
        _ => &subject.entity.key,
    };
    let key = names.first().and_then(|name| subject.entity.field(name.as_str()));
    let is_text = key.is_none_or(|field| matches!(field.kind, FieldKind::Text { .. }));
    let chooses = subject.can.unique_key == UniqueKey::ClientChosenId;
    if names.len() > 1 || !is_text {
        return Err(skip("keys are not single texts"));
    }
    let field = subject.any_field()?;
    let mut there: Vec<(RecordId, Value)> = Vec::new();
    for hostile in HOSTILE_IDS {
        let (id, value) = (RecordId::text(hostile), subject.fresh(field)?);
        let op = match key {
            Some(key) if !chooses => {
                let key = (&key.name, Value::text(hostile));
                subject.create(None, subject.birth(&[(&field.name, value.clone()), key])?)
            }
            _ if matches!(subject.answer(&id).await?, Lookup::Found(_)) => continue,
            _ => subject.create(Some(id.clone()), subject.birth(&[(&field.name, value.clone())])?),
        };
        match subject.send(op).await? {
            // A system may refuse a key; it may not make another one of it.
            WriteOutcome::Refused(_) => {}
            WriteOutcome::Applied { id: made, .. } => {
                hold(!chooses || made == id, "an id is kept as it was chosen", || {
                    format!("{id:?} became {made:?}")
                })?;
                let taken = there.iter().any(|(other, _)| *other == made);
                hold(!taken, "two keys are two records", || {
                    format!("{hostile:?} is the key of an earlier one")
                })?;
                there.push((made, value));
            }
            WriteOutcome::Ambiguous(error) => return Err(error.into()),
        }
    }
    for (id, value) in &there {
        subject.shows(id, &field.name, value, "each id finds its own record").await?;
    }
    if there.is_empty() { Err(skip("every hostile key was refused")) } else { Ok(()) }
}

async fn together(subject: &Subject) -> Held {
    let field = subject.any_field()?;
    let ids = subject.records(2).await?;
    let values = ids.iter().map(|_| subject.fresh(field)).collect::<Result<Vec<_>, _>>()?;
    let mut writes = Vec::new();
    for (place, (id, value)) in ids.iter().zip(&values).enumerate() {
        let ops = vec![subject.update(id, subject.patch([(&field.name, value.clone())])?, Expects::Anything)];
        let client = if place == 0 { &subject.connector } else { &subject.other };
        writes.push(client.write(&subject.entity.name, WriteBatch::of(ops)));
    }
    let calls = futures::future::join3(
        futures::future::join_all(writes),
        subject.everything(3),
        subject.look_up(&ids),
    );
    let promise = "calls can be made at the same time, and all are answered";
    let (written, read, found) = subject.within(promise, calls).await?;
    read?;
    found?;
    for ((id, value), outcomes) in ids.iter().zip(&values).zip(written) {
        let happened = matches!(outcomes.as_deref(), Ok([WriteOutcome::Applied { .. }]));
        hold(happened, promise, || brief(&outcomes))?;
        subject.shows(id, &field.name, value, "writes to two records at once both happen").await?;
    }
    Ok(())
}
