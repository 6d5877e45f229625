//! What the bodies of cases work with: two clients of the system, its declaration and schema, and writing as short words;
//! reading, fields and records are in the files of these names. Knows no case. What it makes it notes in the ledger, and [`Subject::tidy`] puts everything back.

use std::future::Future;
use std::sync::Arc;

use futures::future::{Either, select};

use super::bench::Bench;
use super::claim::claim;
use super::ledger::Ledger;
use super::verdict::{Held, Stop, brief, broken, hold, skip};
use super::watched::Watched;
use crate::connector::{
    Capabilities, Connector, DeleteGround, Expects, Target, Verb, WriteBatch, WriteOp, WriteOutcome,
};
use crate::model::{ActionId, Entity, FieldName, Record, RecordId, Shape, Value};

pub(super) struct Subject {
    pub(super) bench: Bench,
    pub(super) connector: Arc<dyn Connector>,
    pub(super) other: Arc<dyn Connector>,
    pub(super) can: Capabilities,
    pub(super) entity: Entity,
    pub(super) shape: Arc<Shape>,
    pub(super) ledger: Arc<Ledger>,
    /// A token of this run, so that operation ids of two runs differ.
    pub(super) namespace: String,
}

impl Subject {
    pub(super) async fn open(bench: &Bench, ledger: Arc<Ledger>) -> Result<Self, Stop> {
        let secrets: Arc<[String]> = bench.secrets.clone().into();
        let watch = |inner| -> Arc<dyn Connector> {
            let (ledger, secrets) = (Arc::clone(&ledger), Arc::clone(&secrets));
            Arc::new(Watched {
                inner,
                ledger,
                secrets,
                clock: Arc::clone(&bench.clock),
                patience: bench.patience,
            })
        };
        let connector = watch((bench.open)().await?);
        let other = watch((bench.open)().await?);
        let can = connector.capabilities(&bench.entity);
        let mut schema = connector.discover(std::slice::from_ref(&bench.entity)).await?;
        let entity = schema.entities.remove(&bench.entity).ok_or_else(|| {
            broken(
                "`discover` answers with the entity that it was asked for",
                "the entity is not in the schema",
            )
        })?;
        let shape = Shape::new(entity.fields.iter().map(|field| field.name.clone()))?;
        let namespace = bench.namespace.clone().unwrap_or_else(|| "kit".to_owned());
        let subject = Self { bench: bench.clone(), connector, other, can, entity, shape, ledger, namespace };
        if subject.makes() {
            subject.note_what_is_there().await?;
        }
        Ok(subject)
    }

    /// Puts back what the last case changed and deletes what it made; what could not be put back, in words.
    pub(super) async fn tidy(&self) -> Vec<String> {
        let mut left = Vec::new();
        for (id, record) in self.ledger.take_lent() {
            let op = self.update(&id, record, Expects::Anything);
            match self.write(vec![op]).await.map(|mut outcomes| outcomes.pop()) {
                Ok(Some(WriteOutcome::Applied { .. })) => {}
                other => left.push(format!("record {id} has not got its values back: {}", brief(&other))),
            }
        }
        for id in self.ledger.standing() {
            let gone = match self.can.delete {
                true => self
                    .write(vec![self.delete(&id, Expects::Anything)])
                    .await
                    .map(|mut outcomes| outcomes.pop()),
                false => Err(skip("delete is not declared")),
            };
            if !matches!(gone, Ok(Some(WriteOutcome::Applied { .. }))) {
                self.ledger.give_up(&id);
                left.push(format!("record {id}: {}", brief(&gone)));
            }
        }
        left
    }

    pub(super) fn op(&self, target: Target, verb: Verb, patch: Record, expects: Expects) -> WriteOp {
        let serial = self.ledger.serial();
        let id = ActionId::derive(&[self.namespace.as_bytes(), &serial.to_le_bytes()]);
        WriteOp { id, target, verb, patch, expects }
    }

    pub(super) fn update(&self, id: &RecordId, patch: Record, expects: Expects) -> WriteOp {
        self.op(Target::Existing(id.clone()), Verb::Update, patch, expects)
    }

    pub(super) fn delete(&self, id: &RecordId, expects: Expects) -> WriteOp {
        let nothing = Record::absent(&self.shape);
        self.op(Target::Existing(id.clone()), Verb::Delete(DeleteGround::LeftScope), nothing, expects)
    }

    pub(super) fn create(&self, id: Option<RecordId>, patch: Record) -> WriteOp {
        self.op(Target::New(id), Verb::Create, patch, Expects::Missing)
    }

    /// Sends operations as one batch, and holds the connector to one outcome each.
    pub(super) async fn write(&self, ops: Vec<WriteOp>) -> Result<Vec<WriteOutcome>, Stop> {
        let asked = ops.len();
        let outcomes = self.connector.write(&self.entity.name, WriteBatch::of(ops)).await?;
        hold(outcomes.len() == asked, "`write` gives one outcome for each operation", || {
            format!("{} outcomes for {asked} operations", outcomes.len())
        })?;
        Ok(outcomes)
    }

    /// Sends one operation.
    pub(super) async fn send(&self, op: WriteOp) -> Result<WriteOutcome, Stop> {
        self.write(vec![op]).await?.pop().ok_or_else(|| broken("one outcome for each operation", "none"))
    }

    /// Changes a field and holds the connector to it.
    pub(super) async fn put(&self, id: &RecordId, field: &FieldName, value: Value) -> Held {
        let patch = self.patch([(field, value)])?;
        match self.send(self.update(id, patch, Expects::Anything)).await? {
            WriteOutcome::Applied { .. } => Ok(()),
            other => self.can_not_update(&other),
        }
    }

    fn can_not_update(&self, outcome: &WriteOutcome) -> Held {
        claim(false, &self.can, |can| can.update = false, || format!("an update gave {}", brief(outcome)))
    }

    /// Another user changes a field.
    pub(super) async fn edit_elsewhere(&self, id: &RecordId, field: &FieldName, value: Value) -> Held {
        let patch = self.patch([(field, value)])?;
        if let Some(user) = &self.bench.user
            && user.edit(id, &patch).await?
        {
            return Ok(());
        }
        let ops = vec![self.update(id, patch, Expects::Anything)];
        let outcomes = self.other.write(&self.entity.name, WriteBatch::of(ops)).await?;
        match outcomes.first() {
            Some(WriteOutcome::Applied { .. }) => Ok(()),
            other => Err(broken("a second client can write as well", brief(&other))),
        }
    }

    /// An answer that comes within the bench's patience.
    pub(super) async fn within<T>(
        &self,
        promise: &str,
        call: impl Future<Output = T> + Send,
    ) -> Result<T, Stop> {
        let (call, patience) = (std::pin::pin!(call), self.bench.clock.sleep(self.bench.patience));
        match select(call, patience).await {
            Either::Left((answer, _)) => Ok(answer),
            Either::Right(_) => Err(broken(promise, format!("no answer within {:?}", self.bench.patience))),
        }
    }
}
