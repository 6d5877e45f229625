//! Refusal of what is not declared: verbs, values and fields. What is refused changes nothing, and the field is named.

use super::writing::refused;
use crate::connector::{Expects, RefusalKind, Target, Verb, WriteBatch, WriteOp, WriteOutcome};
use crate::model::{ActionName, Decimal, Field, FieldKind, FieldName, Record, Value};
use crate::testkit::connector_kit::case::{Need, table};
use crate::testkit::connector_kit::claim::claim;
use crate::testkit::connector_kit::sample::wrong_kind;
use crate::testkit::connector_kit::subject::Subject;
use crate::testkit::connector_kit::verdict::{Held, Stop, brief, broken, hold, skip};

table! {
    "refuse.update" ReadOnly [] "where update is not declared, none is taken" => update;
    "refuse.delete" ReadOnly [] "where delete is not declared, none is taken" => delete;
    "refuse.create" Scratch [] "where create is not declared, none is taken" => create;
    "refuse.action" NominatedRecords [Need::Writable] "a verb that the system does not have is refused" => action;
    "refuse.unknown_field" NominatedRecords [Need::Update] "a field that is not there is refused and named" => unknown_field;
    "refuse.wrong_kind" NominatedRecords [Need::Update] "a value of another kind is refused, and its field named" => kind;
    "refuse.too_long" NominatedRecords [Need::Update] "text that is too long is refused and never cut" => too_long;
    "refuse.too_many_digits" NominatedRecords [Need::Update] "a number with too many digits is refused, never rounded" => digits;
    "refuse.read_only" NominatedRecords [Need::Update] "a field that is read-only is not written" => read_only;
    "refuse.key" NominatedRecords [Need::Update] "the key of a record is not changed" => key;
    "refuse.required" Scratch [Need::Create] "a record without a required value is refused" => required;
}

/// Sends what is not declared: an error or a refusal, but nothing that happened.
async fn not_taken(subject: &Subject, op: WriteOp, flip: fn(&mut crate::connector::Capabilities)) -> Held {
    match subject.connector.write(&subject.entity.name, WriteBatch::of(vec![op])).await {
        Err(_) => Ok(()),
        Ok(outcomes) => {
            let refused = matches!(outcomes.as_slice(), [WriteOutcome::Refused(_)]);
            claim(refused, &subject.can, flip, || format!("the outcome was {}", brief(&outcomes)))
        }
    }
}

async fn update(subject: &Subject) -> Held {
    if subject.can.update {
        return Err(skip("update is declared"));
    }
    // A record of its own where there may be one: about one that is not there every system says no.
    let (id, patch) = match (subject.makes(), subject.any_field()) {
        (true, Ok(field)) => {
            (subject.make_one(&[]).await?, subject.patch([(&field.name, subject.fresh(field)?)])?)
        }
        _ => (subject.absent_id().await?, Record::absent(&subject.shape)),
    };
    not_taken(subject, subject.update(&id, patch, Expects::Anything), |can| can.update = true).await
}

async fn delete(subject: &Subject) -> Held {
    if subject.can.delete {
        return Err(skip("delete is declared"));
    }
    let id = subject.absent_id().await?;
    not_taken(subject, subject.delete(&id, Expects::Anything), |can| can.delete = true).await
}

async fn create(subject: &Subject) -> Held {
    if subject.can.create {
        return Err(skip("create is declared"));
    }
    let op = subject.create(subject.new_id()?, subject.birth(&[])?);
    not_taken(subject, op, |can| can.create = true).await
}

async fn action(subject: &Subject) -> Held {
    let id = subject.one().await?;
    let verb = Verb::Action(ActionName::from("no such verb"));
    let op = subject.op(Target::Existing(id), verb, Record::absent(&subject.shape), Expects::Anything);
    match subject.connector.write(&subject.entity.name, WriteBatch::of(vec![op])).await {
        Err(_) => Ok(()),
        Ok(outcomes) => {
            let refused = matches!(outcomes.as_slice(), [WriteOutcome::Refused(_)]);
            hold(refused, "a verb that the system does not have is refused", || brief(&outcomes))
        }
    }
}

/// Holds an update of a record to a refusal that names the field, and the record to what it was.
async fn invalid(subject: &Subject, name: &FieldName, value: Value, promise: &str) -> Held {
    let id = subject.one().await?;
    let before = subject.found(&id).await?;
    let op = subject.update(&id, subject.patch([(name, value)])?, Expects::Anything);
    let outcome = subject.send(op).await?;
    refused(
        &outcome,
        promise,
        |why| matches!(why, RefusalKind::Invalid { field } if field.as_ref() == Some(name)),
    )?;
    let after = subject.found(&id).await?;
    hold(after == before, "what is refused changes nothing", || {
        format!("{} became {}", brief(&before.record), brief(&after.record))
    })
}

async fn unknown_field(subject: &Subject) -> Held {
    let promise = "a field that is not there is `Invalid`, with its name";
    invalid(subject, &FieldName::from("no such field"), Value::text("x"), promise).await
}

async fn kind(subject: &Subject) -> Held {
    let strict = |kind: &FieldKind| !matches!(kind, FieldKind::Set { .. } | FieldKind::Option { .. });
    let mut tried = 0;
    let fields: Vec<&Field> = subject.writable().filter(|field| strict(&field.kind)).collect();
    for field in fields {
        let promise =
            format!("a value that is not of {}'s kind is `Invalid`, with the field's name", field.name);
        invalid(subject, &field.name, wrong_kind(field), &promise).await?;
        tried += 1;
    }
    if tried == 0 { Err(skip("no field may be written")) } else { Ok(()) }
}

async fn too_long(subject: &Subject) -> Held {
    let limit = |field: &&Field| matches!(field.kind, FieldKind::Text { length_max: Some(_) });
    let field = subject.writable().find(limit).ok_or_else(|| skip("no text field has a limit"))?;
    let FieldKind::Text { length_max: Some(max) } = field.kind else { return Ok(()) };
    let text = "\u{e4}".repeat(max as usize + 1);
    let promise =
        format!("text beyond {max} characters is `Invalid`, with the field's name, and is never cut");
    invalid(subject, &field.name, Value::text(&text), &promise).await
}

async fn digits(subject: &Subject) -> Held {
    let limit = |field: &&Field| matches!(field.kind, FieldKind::Decimal { scale: Some(_), .. });
    let field = subject.writable().find(limit).ok_or_else(|| skip("no decimal field has a limit"))?;
    let FieldKind::Decimal { scale: Some(scale), .. } = field.kind else { return Ok(()) };
    let scale =
        u8::try_from(scale + 1).map_err(|_| skip("the field takes more digits than the kit makes"))?;
    let promise = "a number with more digits than the field keeps is `Invalid`, with the field's name, and is never rounded";
    invalid(subject, &field.name, Value::Decimal(Decimal::new(11, scale)), promise).await
}

async fn read_only(subject: &Subject) -> Held {
    let fixed =
        |field: &&Field| (field.read_only || field.computed) && !subject.entity.key.contains(&field.name);
    let field = subject.entity.fields.iter().find(fixed).ok_or_else(|| skip("no field is read-only"))?;
    let value = subject.fresh(field)?;
    invalid(subject, &field.name, value, "a field that is read-only is `Invalid`, with its name").await
}

async fn key(subject: &Subject) -> Held {
    let name = subject.entity.key.first().ok_or_else(|| skip("the entity has no key of fields"))?;
    let field =
        subject.entity.field(name.as_str()).ok_or_else(|| broken("the key is a field", name.as_str()))?;
    let id = subject.one().await?;
    let before = subject.found(&id).await?;
    let op = subject.update(&id, subject.patch([(name, subject.fresh(field)?)])?, Expects::Anything);
    let outcome = subject.send(op).await?;
    refused(&outcome, "the key of a record is not changed", |why| {
        matches!(why, RefusalKind::Invalid { .. } | RefusalKind::Forbidden)
    })?;
    let after: Result<_, Stop> = subject.found(&id).await;
    hold(after? == before, "the key of a record is not changed", || "the record is another one".to_owned())
}

async fn required(subject: &Subject) -> Held {
    let needed = |field: &&Field| {
        field.required
            && field.default.is_none()
            && !field.read_only
            && !subject.entity.key.contains(&field.name)
    };
    let field =
        subject.entity.fields.iter().find(needed).ok_or_else(|| skip("no field but the key is required"))?;
    let op = subject.create(subject.new_id()?, subject.birth(&[(&field.name, Value::Null)])?);
    refused(
        &subject.send(op).await?,
        "a record without a required value is `Invalid`, with the field's name",
        |why| matches!(why, RefusalKind::Invalid { field: named } if named.as_ref() == Some(&field.name)),
    )
}
