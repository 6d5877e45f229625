//! What a layer does around calls, and the connector that does it around every call and every page: so that no layer can
//! forget one. Knows no layer. The doors are [`Around`] and [`Wrapped`].

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::{StreamExt, stream};
use seamless_core::connector::{
    Capabilities, Change, Connector, ConnectorInfo, FetchQuery, Finding, Lookup, Page, PageStream, ReadQuery,
    Refusal, RefusalKind, Requirement, WriteBatch, WriteOutcome,
};
use seamless_core::model::{EntityName, Error, ErrorKind, Result, Retry, Schema};

use super::observe::Observed;

/// A kind of call to a connector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum CallKind {
    /// Which entities there are.
    Entities,
    /// The live schema.
    Discover,
    /// A reading is begun.
    Read,
    /// The next page of a reading.
    Page,
    /// A look-up.
    Fetch,
    /// A batch of writes.
    Write,
    /// A prerequisite is checked.
    Check,
    /// A prerequisite is made true.
    Provision,
}

impl CallKind {
    /// All of them.
    pub const ALL: [CallKind; 8] = [
        CallKind::Entities,
        CallKind::Discover,
        CallKind::Read,
        CallKind::Page,
        CallKind::Fetch,
        CallKind::Write,
        CallKind::Check,
        CallKind::Provision,
    ];

    /// Its name: `fetch`.
    pub fn name(self) -> &'static str {
        match self {
            CallKind::Entities => "entities",
            CallKind::Discover => "discover",
            CallKind::Read => "read",
            CallKind::Page => "page",
            CallKind::Fetch => "fetch",
            CallKind::Write => "write",
            CallKind::Check => "check",
            CallKind::Provision => "provision",
        }
    }
}

/// A call as a layer sees it: no values.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call<'a> {
    pub(super) kind: CallKind,
    /// The entity, where the call is about one.
    pub(super) entity: Option<&'a EntityName>,
    /// Operations of a write.
    pub(super) ops: usize,
}

impl<'a> Call<'a> {
    fn of(kind: CallKind) -> Self {
        Self { kind, entity: None, ops: 0 }
    }

    fn on(kind: CallKind, entity: &'a EntityName) -> Self {
        Self { kind, entity: Some(entity), ops: 0 }
    }
}

/// What a layer may know of an answer.
pub(super) trait Answer: Send {
    /// Whether the system asked for patience, and for how long.
    fn patience(&self) -> Option<Option<Duration>> {
        None
    }

    /// Adds what came.
    fn count(&self, observed: &mut Observed) {
        let _ = observed;
    }
}

impl Answer for Vec<EntityName> {}
impl Answer for Schema {}
impl Answer for PageStream {}
impl Answer for Finding {}

impl Answer for Option<Page> {
    fn count(&self, observed: &mut Observed) {
        let Some(page) = self else { return };
        observed.pages += 1;
        for change in &page.changes {
            *match change {
                Change::Upsert(_) => &mut observed.records,
                Change::Deleted(_) => &mut observed.tombstones,
                Change::Broken { .. } => &mut observed.broken,
            } += 1;
        }
    }
}

impl Answer for Vec<Lookup> {
    fn count(&self, observed: &mut Observed) {
        for lookup in self {
            observed.looked_up += 1;
            *match lookup {
                Lookup::Found(_) => &mut observed.found,
                Lookup::Unanswered => &mut observed.unanswered,
                Lookup::Gone(_) | Lookup::Hidden | Lookup::Several(_) => continue,
            } += 1;
        }
    }
}

impl Answer for Vec<WriteOutcome> {
    /// The longest of those that the operations were told.
    fn patience(&self) -> Option<Option<Duration>> {
        let told = self.iter().filter_map(|outcome| match outcome {
            WriteOutcome::Refused(Refusal { why: RefusalKind::Throttled { wait }, .. }) => Some(*wait),
            _ => None,
        });
        told.max()
    }

    fn count(&self, observed: &mut Observed) {
        for outcome in self {
            *match outcome {
                WriteOutcome::Applied { .. } => &mut observed.applied,
                WriteOutcome::Refused(_) => &mut observed.refused,
                WriteOutcome::Ambiguous(_) => &mut observed.ambiguous,
            } += 1;
        }
    }
}

/// How long the system asked to wait, if an answer or an error asks for patience.
pub(super) fn patience<T: Answer>(answer: &Result<T>) -> Option<Option<Duration>> {
    match answer {
        Ok(answer) => answer.patience(),
        Err(error) if error.kind() == ErrorKind::Throttled => Some(match error.retry() {
            Retry::After(wait) => Some(wait),
            Retry::Later | Retry::Never => None,
        }),
        Err(_) => None,
    }
}

/// What a layer does around a call. The call is made when `work` is awaited, and may not be made at all.
pub(super) trait Around: fmt::Debug + Send + Sync + 'static {
    /// Around every call, and every page of a reading.
    fn around<T: Answer>(
        &self,
        call: Call<'_>,
        work: impl Future<Output = Result<T>> + Send,
    ) -> impl Future<Output = Result<T>> + Send;

    /// Around a write, where that is another matter: `Err` says that nothing of it happened.
    fn around_write(
        &self,
        call: Call<'_>,
        work: impl Future<Output = Result<Vec<WriteOutcome>>> + Send,
    ) -> impl Future<Output = Result<Vec<WriteOutcome>>> + Send {
        self.around(call, work)
    }
}

/// A connector with something around every call.
pub(super) struct Wrapped<A> {
    pub(super) inner: Arc<dyn Connector>,
    pub(super) around: Arc<A>,
}

impl<A: Around> Wrapped<A> {
    pub(super) fn over(inner: Arc<dyn Connector>, around: &Arc<A>) -> Arc<dyn Connector> {
        Arc::new(Self { inner, around: Arc::clone(around) })
    }
}

impl<A: Around> fmt::Debug for Wrapped<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Layer").field("around", &self.around).field("inner", &self.inner).finish()
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<A: Around> Connector for Wrapped<A> {
    fn info(&self) -> &ConnectorInfo {
        self.inner.info()
    }

    fn capabilities(&self, entity: &EntityName) -> Capabilities {
        self.inner.capabilities(entity)
    }

    async fn entities(&self) -> Result<Vec<EntityName>> {
        self.around.around(Call::of(CallKind::Entities), self.inner.entities()).await
    }

    async fn discover(&self, entities: &[EntityName]) -> Result<Schema> {
        self.around.around(Call::of(CallKind::Discover), self.inner.discover(entities)).await
    }

    async fn read(&self, query: ReadQuery) -> Result<PageStream> {
        let entity = query.entity.clone();
        let call = Call::on(CallKind::Read, &entity);
        let inner = self.around.around(call, self.inner.read(query)).await?;
        Ok(pages(Arc::clone(&self.around), entity, inner))
    }

    async fn fetch(&self, query: FetchQuery) -> Result<Vec<Lookup>> {
        let entity = query.entity.clone();
        let call = Call::on(CallKind::Fetch, &entity);
        self.around.around(call, self.inner.fetch(query)).await
    }

    async fn write(&self, entity: &EntityName, batch: WriteBatch) -> Result<Vec<WriteOutcome>> {
        let call = Call { kind: CallKind::Write, entity: Some(entity), ops: batch.ops.len() };
        self.around.around_write(call, self.inner.write(entity, batch)).await
    }

    async fn check(&self, need: &Requirement) -> Result<Finding> {
        self.around.around(Call::of(CallKind::Check), self.inner.check(need)).await
    }

    async fn provision(&self, need: &Requirement) -> Result<Finding> {
        self.around.around(Call::of(CallKind::Provision), self.inner.provision(need)).await
    }
}

/// The pages of a stream, each with something around it. After an error or an end the stream ends, and what is inside is
/// dropped at once.
fn pages<A: Around>(around: Arc<A>, entity: EntityName, inner: PageStream) -> PageStream {
    Box::pin(stream::unfold(Some(inner), move |state| {
        let (around, entity) = (Arc::clone(&around), entity.clone());
        async move {
            let mut inner = state?;
            let next = async { inner.next().await.transpose() };
            match around.around(Call::on(CallKind::Page, &entity), next).await.transpose()? {
                Err(error) => Some((Err(error), None)),
                Ok(page) => {
                    let rest = page.end.is_none().then_some(inner);
                    Some((Ok(page), rest))
                }
            }
        }
    }))
}

/// The error where an entity is known.
pub(super) fn about(error: Error, call: Call<'_>) -> Error {
    let error = error.at("call", call.kind.name());
    match call.entity {
        Some(entity) => error.at("entity", entity),
        None => error,
    }
}
