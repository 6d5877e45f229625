//! Actions that the schema declares: none is done to a record that is not there, or under a precondition that does not hold.
//! What an action leads to is not known here, so none is done in earnest.

use super::writing::applied;
use crate::connector::{Capability, Expects, Target, Verb, WriteOp, WriteOutcome};
use crate::model::{ActionName, Record, RecordId};
use crate::testkit::connector_kit::case::{Need, table};
use crate::testkit::connector_kit::claim::claim;
use crate::testkit::connector_kit::subject::Subject;
use crate::testkit::connector_kit::verdict::{Held, Stop, brief, broken, hold, skip};

table! {
    "action.missing" ReadOnly [] "a declared action on a record that is not there is refused" => missing;
    "action.stale" Scratch [Need::Create, Need::Update, Need::Has(Capability::ConditionalUpdate)]
        "a declared action that expects a former version changes nothing" => stale;
}

fn declared(subject: &Subject) -> Result<Vec<ActionName>, Stop> {
    let names: Vec<ActionName> = subject.entity.actions.iter().map(|action| action.name.clone()).collect();
    if names.is_empty() { Err(skip("no action is declared")) } else { Ok(names) }
}

fn act(subject: &Subject, id: &RecordId, name: ActionName, expects: Expects) -> WriteOp {
    let nothing = Record::absent(&subject.shape);
    subject.op(Target::Existing(id.clone()), Verb::Action(name), nothing, expects)
}

async fn missing(subject: &Subject) -> Held {
    for name in declared(subject)? {
        let id = subject.absent_id().await?;
        let outcome = subject.send(act(subject, &id, name, Expects::Anything)).await?;
        let refused = matches!(outcome, WriteOutcome::Refused(_));
        hold(refused, "a declared action on a record that is not there is refused", || brief(&outcome))?;
    }
    Ok(())
}

async fn stale(subject: &Subject) -> Held {
    let names = declared(subject)?;
    let field = subject.any_field()?;
    let id = subject.make_one(&[]).await?;
    let former = subject.found(&id).await?.version.ok_or_else(|| skip("records have no version"))?;
    let patch = subject.patch([(&field.name, subject.fresh(field)?)])?;
    applied(&subject.send(subject.update(&id, patch, Expects::Anything)).await?, "an update")?;
    let before = subject.found(&id).await?;
    if before.version.as_ref() == Some(&former) {
        return Err(broken("the version moves with every change", "it stayed"));
    }
    for name in names {
        let outcome = subject.send(act(subject, &id, name.clone(), Expects::Version(former.clone()))).await?;
        let after = subject.found(&id).await?;
        let refused = matches!(outcome, WriteOutcome::Refused(_));
        claim(
            refused && after == before,
            &subject.can,
            |can| can.conditional_update = false,
            || {
                format!(
                    "{name}, which expects a former version, gave {} and left {}",
                    brief(&outcome),
                    brief(&after.record)
                )
            },
        )?;
    }
    Ok(())
}
