//! Conditional writes (C1) and versions: a precondition that does not hold changes nothing, one that holds is no obstacle,
//! and of two writers who expect the same only one writes.

use super::writing::applied;
use crate::connector::{Capability, Expects, RefusalKind, WriteBatch, WriteOutcome};
use crate::model::RecordId;
use crate::testkit::connector_kit::case::{Need, table};
use crate::testkit::connector_kit::claim::claim;
use crate::testkit::connector_kit::subject::Subject;
use crate::testkit::connector_kit::verdict::{Held, Stop, brief, broken, hold, skip};

table! {
    "conditional.stale_values" NominatedRecords [Need::Update, Need::Has(Capability::ConditionalUpdate)]
        "an update that expects values which are not there changes nothing" => stale_values;
    "conditional.stale_version" NominatedRecords [Need::Update, Need::Has(Capability::ConditionalUpdate)]
        "an update that expects a former version changes nothing" => stale_version;
    "conditional.stale_delete" Scratch [Need::Create, Need::Delete, Need::Has(Capability::ConditionalUpdate)]
        "a delete that expects a former state deletes nothing" => stale_delete;
    "conditional.holds" NominatedRecords [Need::Update, Need::Has(Capability::ConditionalUpdate)]
        "an update whose precondition holds is applied" => holds;
    "conditional.race" NominatedRecords [Need::Update, Need::Has(Capability::ConditionalUpdate)]
        "of two writers who expect the same, one writes" => race;
    "version.moves" NominatedRecords [Need::Update] "the version of a record moves with every change, and only then" => moves;
}

/// Holds a write under a precondition to what C1 says.
async fn is_stale(subject: &Subject, id: &RecordId, expects: Expects, what: &str) -> Held {
    let field = subject.any_field()?;
    let before = subject.found(id).await?;
    let op = subject.update(id, subject.patch([(&field.name, subject.fresh(field)?)])?, expects);
    let outcome = subject.send(op).await?;
    let after = subject.found(id).await?;
    let stale = matches!(&outcome, WriteOutcome::Refused(refusal) if refusal.why == RefusalKind::Stale);
    claim(
        stale && after == before,
        &subject.can,
        |can| can.conditional_update = false,
        || {
            format!(
                "an update that expects {what} gave {} and left {}",
                brief(&outcome),
                brief(&after.record)
            )
        },
    )
}

/// A record that somebody else has just changed, as it was before that.
async fn overtaken(subject: &Subject) -> Result<(RecordId, crate::connector::Versioned), Stop> {
    let field = subject.any_field()?;
    let id = subject.one().await?;
    let value = subject.fresh(field)?;
    subject.put(&id, &field.name, value.clone()).await?;
    let before = subject.seen(&id, &field.name, &value).await?;
    let theirs = subject.fresh(field)?;
    subject.edit_elsewhere(&id, &field.name, theirs.clone()).await?;
    subject.seen(&id, &field.name, &theirs).await?;
    Ok((id, before))
}

async fn stale_values(subject: &Subject) -> Held {
    let field = subject.any_field()?;
    let (id, before) = overtaken(subject).await?;
    let held = before.record.field(field.name.as_str()).value().map(|value| value.to_value());
    let values = subject.patch(held.map(|value| (&field.name, value)))?;
    is_stale(subject, &id, Expects::Values(values), "values that somebody else changed").await?;
    is_stale(subject, &id, Expects::Missing, "that no such record is there").await
}

async fn stale_version(subject: &Subject) -> Held {
    let (id, before) = overtaken(subject).await?;
    let version = before.version.ok_or_else(|| skip("records have no version"))?;
    is_stale(subject, &id, Expects::Version(version), "a former version").await
}

async fn stale_delete(subject: &Subject) -> Held {
    let field = subject.any_field()?;
    let value = subject.fresh(field)?;
    let id = subject.make_one(&[(&field.name, value.clone())]).await?;
    let before = subject.seen(&id, &field.name, &value).await?;
    subject.edit_elsewhere(&id, &field.name, subject.fresh(field)?).await?;
    let mut expected = vec![Expects::Values(subject.patch([(&field.name, value)])?)];
    expected.extend(before.version.map(Expects::Version));
    for expects in expected {
        let outcome = subject.send(subject.delete(&id, expects)).await?;
        let answer = subject.answer(&id).await?;
        let stale = matches!(&outcome, WriteOutcome::Refused(refusal) if refusal.why == RefusalKind::Stale);
        let there = matches!(answer, crate::connector::Lookup::Found(_));
        claim(
            stale && there,
            &subject.can,
            |can| can.conditional_update = false,
            || {
                format!(
                    "a delete that expects a former state gave {} and left {}",
                    brief(&outcome),
                    brief(&answer)
                )
            },
        )?;
    }
    Ok(())
}

async fn holds(subject: &Subject) -> Held {
    let (one, two) = subject.two_fields()?;
    let id = subject.one().await?;
    let value = subject.fresh(one)?;
    subject.put(&id, &one.name, value.clone()).await?;
    let now = subject.seen(&id, &one.name, &value).await?;
    let held = now.record.field(one.name.as_str()).value().map(|value| value.to_value());
    let expects = Expects::Values(subject.patch(held.map(|value| (&one.name, value)))?);
    let op = subject.update(&id, subject.patch([(&two.name, subject.fresh(two)?)])?, expects);
    applied(&subject.send(op).await?, "an update that expects what is there")?;
    let Some(version) = subject.found(&id).await?.version else { return Ok(()) };
    let op =
        subject.update(&id, subject.patch([(&one.name, subject.fresh(one)?)])?, Expects::Version(version));
    applied(&subject.send(op).await?, "an update that expects the present version")?;
    Ok(())
}

async fn race(subject: &Subject) -> Held {
    let field = subject.any_field()?;
    let id = subject.one().await?;
    let value = subject.fresh(field)?;
    subject.put(&id, &field.name, value.clone()).await?;
    let now = subject.seen(&id, &field.name, &value).await?;
    let expects = || -> Result<Expects, Stop> {
        Ok(match &now.version {
            Some(version) => Expects::Version(version.clone()),
            None => Expects::Values(subject.patch([(&field.name, value.clone())])?),
        })
    };
    let op = || -> Result<WriteBatch, Stop> {
        let patch = subject.patch([(&field.name, subject.fresh(field)?)])?;
        Ok(WriteBatch::of(vec![subject.update(&id, patch, expects()?)]))
    };
    let entity = &subject.entity.name;
    let (one, two) =
        futures::future::join(subject.connector.write(entity, op()?), subject.other.write(entity, op()?))
            .await;
    let outcomes: Vec<WriteOutcome> = [one?, two?].into_iter().flatten().collect();
    let written = outcomes.iter().filter(|outcome| matches!(outcome, WriteOutcome::Applied { .. })).count();
    claim(
        written == 1,
        &subject.can,
        |can| can.conditional_update = false,
        || {
            format!(
                "two writers expected the same at the same time, and {written} wrote: {}",
                brief(&outcomes)
            )
        },
    )
}

async fn moves(subject: &Subject) -> Held {
    let field = subject.any_field()?;
    let id = subject.one().await?;
    let first = subject.found(&id).await?;
    let Some(version) = first.version else { return Err(skip("records have no version")) };
    let again = subject.found(&id).await?.version;
    hold(again.as_ref() == Some(&version), "a version stays while nobody writes", || {
        format!("{version:?}, then {again:?}")
    })?;
    let mut before = version;
    for other in [false, true, false] {
        let value = subject.fresh(field)?;
        match other {
            true => subject.edit_elsewhere(&id, &field.name, value.clone()).await?,
            false => subject.put(&id, &field.name, value.clone()).await?,
        }
        let now = subject.seen(&id, &field.name, &value).await?.version;
        let now = now.filter(|now| *now != before);
        before = now.ok_or_else(|| {
            broken(
                "a version moves with every change; give none where it does not (`version: None`)",
                format!("{before:?} again"),
            )
        })?;
    }
    Ok(())
}
