//! What is proven of a write (C2), and that reading sees it at once (C4).

use crate::connector::{Capability, Expects, Proof, WriteOutcome, WriteReturns};
use crate::model::Value;
use crate::testkit::connector_kit::case::{Need, table};
use crate::testkit::connector_kit::claim::claim;
use crate::testkit::connector_kit::subject::Subject;
use crate::testkit::connector_kit::verdict::{Held, brief, hold};

table! {
    "proof.returned" NominatedRecords [Need::Update] "a write returns what was declared (C2)" => returned;
    "proof.true" NominatedRecords [Need::Update, Need::Has(Capability::WriteReturns)]
        "what a write returns is what reading then sees" => is_true;
    "proof.created" Scratch [Need::Create, Need::Has(Capability::WriteReturns)]
        "what a create returns is what reading then sees" => created;
    "read.consistent" NominatedRecords [Need::Update, Need::Has(Capability::ConsistentRead)]
        "a read by id shows every write that ended before (C4)" => consistent;
}

fn kind(proof: &Proof) -> WriteReturns {
    match proof {
        Proof::Stored(_) => WriteReturns::Stored,
        Proof::Version(_) => WriteReturns::Version,
        Proof::None => WriteReturns::Nothing,
    }
}

async fn returned(subject: &Subject) -> Held {
    let field = subject.any_field()?;
    let id = subject.one().await?;
    let op = subject.update(&id, subject.patch([(&field.name, subject.fresh(field)?)])?, Expects::Anything);
    let outcome = subject.send(op).await?;
    let found = match &outcome {
        WriteOutcome::Applied { proof, .. } => kind(proof),
        other => return claim(false, &subject.can, |can| can.update = false, || brief(other)),
    };
    claim(
        found == subject.can.write_returns,
        &subject.can,
        |can| can.write_returns = found,
        || format!("an update returned {found:?}"),
    )
}

/// Holds the proof of a write to what is read.
async fn proven(subject: &Subject, outcome: &WriteOutcome) -> Held {
    let WriteOutcome::Applied { id, proof } = outcome else {
        return hold(false, "the write happens", || brief(outcome));
    };
    let seen = subject.found(id).await?;
    let untrue = |observed: String| {
        claim(false, &subject.can, |can| can.write_returns = WriteReturns::Nothing, || observed)
    };
    match proof {
        Proof::None => Ok(()),
        Proof::Version(version) if Some(version) == seen.version.as_ref() => Ok(()),
        Proof::Version(version) => {
            untrue(format!("version {version:?} was returned, {:?} is read", seen.version))
        }
        Proof::Stored(stored) => {
            let differs = stored.record.fields().find(|(name, said)| {
                let read = seen.record.field(name.as_str());
                !said.is_absent() && !read.is_absent() && *said != read
            });
            if stored.id != *id || stored.version != seen.version || differs.is_some() {
                return untrue(format!("{} was returned, {} is read", brief(stored), brief(&seen)));
            }
            Ok(())
        }
    }
}

async fn is_true(subject: &Subject) -> Held {
    let (one, two) = subject.two_fields()?;
    let id = subject.one().await?;
    for values in [[(&one.name, subject.fresh(one)?)], [(&two.name, subject.fresh(two)?)]] {
        // Between two writes somebody else writes: a proof must not be an older one.
        subject.edit_elsewhere(&id, &two.name, subject.fresh(two)?).await?;
        let outcome = subject.send(subject.update(&id, subject.patch(values)?, Expects::Anything)).await?;
        proven(subject, &outcome).await?;
    }
    Ok(())
}

async fn created(subject: &Subject) -> Held {
    let outcome = subject.send(subject.create(subject.new_id()?, subject.birth(&[])?)).await?;
    proven(subject, &outcome).await
}

async fn consistent(subject: &Subject) -> Held {
    let field = subject.any_field()?;
    let id = subject.one().await?;
    for other in [false, true, false, true] {
        let value: Value = subject.fresh(field)?;
        match other {
            true => subject.edit_elsewhere(&id, &field.name, value.clone()).await?,
            false => subject.put(&id, &field.name, value.clone()).await?,
        }
        let found = subject.found(&id).await?;
        claim(
            subject.holds(&found, &field.name, &value),
            &subject.can,
            |can| can.consistent_read = false,
            || {
                let who = if other { "another user" } else { "this client" };
                format!("{who} wrote {}, and a read by id shows {}", brief(&value), brief(&found.record))
            },
        )?;
    }
    Ok(())
}
