//! A batch as one transaction: what fails is cut out by halves, each under a savepoint, so that one bad record does not
//! spoil the others and a good batch takes a handful of statements. The door is [`write`]; the statements are in `batch`.
//!
//! Guarantees, the bad one first. When the answer to the commit is lost, nobody knows, and every operation is ambiguous.
//! A connection that is lost before the commit was sent rolls everything back, and nothing happened. A constraint that
//! only the commit checks makes the operations be carried out one by one, so that only the offender is refused.

use seamless_core::connector::{Proof, Refusal, RefusalKind, WriteOp, WriteOutcome};
use seamless_core::model::{Error, ErrorKind, RecordId, Result, Shape};

use super::batch::Batch;
use super::catalogue::Table;
use super::client::Session;
use super::error::{Fault, Meaning};
use super::read::by_ids;
use crate::sql::bisect::Parts;

/// How an attempt at a batch ended.
enum Attempt {
    Done(Vec<WriteOutcome>),
    /// The whole transaction was rolled back at its end because of one of the operations.
    RolledBack(Error),
}

/// Carries out a batch; one outcome per operation.
///
/// Errors: nothing of it happened.
pub(super) async fn write(
    session: &mut Session,
    table: &Table,
    ops: &[WriteOp],
) -> Result<Vec<WriteOutcome>, Fault> {
    let shape = Shape::new(table.entity.fields.iter().map(|field| field.name.clone()))?;
    let batch = Batch::new(table, &shape)?;
    match attempt(session, &batch, ops).await? {
        Attempt::Done(outcomes) => Ok(outcomes),
        Attempt::RolledBack(error) if ops.len() == 1 => {
            Ok(vec![refused(RefusalKind::Invalid { field: None }, error)])
        }
        Attempt::RolledBack(_) => {
            let mut outcomes = Vec::with_capacity(ops.len());
            for op in ops {
                outcomes.push(match attempt(session, &batch, std::slice::from_ref(op)).await {
                    Ok(Attempt::Done(done)) => match done.into_iter().next() {
                        Some(outcome) => outcome,
                        None => continue,
                    },
                    Ok(Attempt::RolledBack(error)) => refused(RefusalKind::Invalid { field: None }, error),
                    // Operations before this one happened, so the batch as a whole cannot fail any more.
                    Err(fault) => refused(RefusalKind::Unavailable, fault.told("writing")),
                });
            }
            Ok(outcomes)
        }
    }
}

pub(super) fn refused(why: RefusalKind, error: Error) -> WriteOutcome {
    WriteOutcome::Refused(Refusal { why, error })
}

async fn attempt(session: &mut Session, batch: &Batch<'_>, ops: &[WriteOp]) -> Result<Attempt, Fault> {
    session.begin().await?;
    let mut outcomes: Vec<Option<WriteOutcome>> = ops.iter().map(|_| None).collect();
    let mut parts = Parts::of(ops.len());
    while let Some(part) = parts.next() {
        session.command("SAVEPOINT part").await?;
        let slice = ops.get(part.clone()).unwrap_or_default();
        let fault = match batch.part(session, slice).await {
            Ok(done) => {
                session.command("RELEASE SAVEPOINT part").await?;
                for (place, outcome) in part.zip(done) {
                    if let Some(slot) = outcomes.get_mut(place) {
                        *slot = Some(outcome);
                    }
                }
                continue;
            }
            Err(fault) => fault,
        };
        if !is_an_operations_own(&fault) {
            if !fault.is_lost() {
                session.end("ROLLBACK").await?;
            }
            return Err(fault);
        }
        session.command("ROLLBACK TO SAVEPOINT part").await?;
        let place = part.start;
        if !parts.cut(part)
            && let (Some(op), Some(slot)) = (ops.get(place), outcomes.get_mut(place))
        {
            let (why, error) = batch.understood(session, op, fault).await?;
            *slot = Some(refused(why, error));
        }
    }
    let missing =
        || refused(RefusalKind::Unavailable, Error::new(ErrorKind::Internal, "no outcome was noted"));
    let mut outcomes: Vec<WriteOutcome> =
        outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(missing)).collect();
    if batch.table.has_after
        && let Err(fault) = settle(session, batch, ops, &mut outcomes).await
    {
        if fault.is_lost() {
            return Err(fault);
        }
        session.end("ROLLBACK").await?;
        return ended_badly(fault);
    }
    match session.end("COMMIT").await {
        Ok(()) => Ok(Attempt::Done(outcomes)),
        Err(fault) if fault.is_lost() => Ok(Attempt::Done(unknown(fault, outcomes))),
        Err(fault) => ended_badly(fault),
    }
}

/// Whether a failure is that of one of the operations, and not of all of them.
fn is_an_operations_own(fault: &Fault) -> bool {
    match fault {
        Fault::Told(error) => error.kind() == ErrorKind::Data,
        _ if fault.is_lost() => false,
        _ => matches!(fault.meaning(), Meaning::Taken | Meaning::Values(_) | Meaning::Forbidden),
    }
}

/// A transaction that was rolled back at its end.
fn ended_badly(fault: Fault) -> Result<Attempt, Fault> {
    match is_an_operations_own(&fault) {
        true => Ok(Attempt::RolledBack(fault.told("committing"))),
        false => Err(fault),
    }
}

/// Has everything run that waits for the end of the transaction, and proves what is stored then.
async fn settle(
    session: &mut Session,
    batch: &Batch<'_>,
    ops: &[WriteOp],
    outcomes: &mut [WriteOutcome],
) -> Result<(), Fault> {
    session.command("SET CONSTRAINTS ALL IMMEDIATE").await?;
    let stored = |outcome: &WriteOutcome| match outcome {
        WriteOutcome::Applied { id, proof: Proof::Stored(_) } => Some(id.clone()),
        _ => None,
    };
    let ids: Vec<RecordId> = outcomes.iter().filter_map(stored).collect();
    debug_assert_eq!(ops.len(), outcomes.len());
    let rows = by_ids(session, &batch.selection, &ids.iter().collect::<Vec<_>>(), false).await?;
    for outcome in outcomes {
        if let WriteOutcome::Applied { id, proof: proof @ Proof::Stored(_) } = outcome {
            // What was deleted again, or cannot be read, proves nothing.
            let found = rows.get(id).and_then(|row| batch.selection.record(row).ok());
            *proof = found.map_or(Proof::None, Proof::Stored);
        }
    }
    Ok(())
}

/// The answer to the commit did not come.
fn unknown(fault: Fault, outcomes: Vec<WriteOutcome>) -> Vec<WriteOutcome> {
    let told = fault.told("committing");
    let unknown = |outcome: WriteOutcome| match outcome {
        WriteOutcome::Applied { .. } => WriteOutcome::Ambiguous(
            Error::new(ErrorKind::Unavailable, "the connection was lost while the commit was under way")
                .with_remedy("the next run finds out what became of it")
                .caused_by(told.message_with_causes()),
        ),
        other => other,
    };
    outcomes.into_iter().map(unknown).collect()
}
