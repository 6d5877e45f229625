//! The integration as a host holds it: two connectors, the mappings of its links, a state store. The doors are
//! [`Integration::plan`], [`Integration::apply`] and [`Integration::run`].

use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Clock, SystemClock};
use crate::connector::Connector;
use crate::mapper::{Mapper, links_in_order};
use crate::merge::{CompiledLink, Reconciler, ThreeWay};
use crate::model::{Error, ErrorKind, LinkId, PartitionId, Result, Side, Sides, hex};
use crate::plan::SystemIdentity;
use crate::store::{Binding, StateStore};

use super::cancel::Cancel;
use super::doubt::Doubts;
use super::following::Following;
use super::narrowing::Narrowing;
use super::progress::{NoObserver, Observer};

/// How an integration works, where the default does not suit.
#[derive(Clone, Debug)]
pub struct Options {
    /// Records in a page of reading at most. More is faster and takes more memory: a few pages are held at a time.
    pub page_records_max: usize,
    /// Entries in a commit at most.
    pub commit_entries_max: usize,
    /// Who runs: named in leases and the journal.
    pub worker: String,
    /// How long a lease lasts; it is prolonged while a run goes on. A crashed run is taken over after this long.
    pub lease: Duration,
    /// The first delay before a failed record is tried again; doubled with every failure.
    pub retry_delay: Duration,
    /// The longest such delay.
    pub retry_delay_max: Duration,
    /// A record that failed so often in the same way waits for a person.
    pub failures_max: u32,
    /// Plans that one [`Integration::run`] makes at most.
    pub plans_max: u32,
    /// Whether consistency is checked also where nothing changed, in runs that enumerate everything.
    pub check_all: bool,
    /// Unique values that change hands in a plan, per entity, for which the order with the fewest writes is found.
    /// Beyond that memory is spared: each record that gives one up lets go of it by a temporary value first.
    pub key_moves_max: usize,
    /// What writes are kept from setting off on each side, by phase.
    pub bypass: Sides<Bypass>,
}

/// What writes to a side are kept from setting off, by the names of the triggers that its connector declares
/// ([`Capabilities::triggers`](crate::connector::Capabilities)). Nothing is bypassed unless it is named here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bypass {
    /// While a link is loaded for the first time: until a plan of it was applied to its end.
    pub initial: Vec<String>,
    /// Ever after.
    pub normal: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            page_records_max: 1000,
            commit_entries_max: 2000,
            worker: "seamless".to_owned(),
            lease: Duration::from_secs(120),
            retry_delay: Duration::from_secs(60),
            retry_delay_max: Duration::from_secs(3600),
            failures_max: 2,
            plans_max: 4,
            check_all: false,
            key_moves_max: 50_000,
            bypass: Sides::default(),
        }
    }
}

/// Two systems that are kept in step. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Integration {
    pub(super) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) partition: PartitionId,
    pub(super) names: Sides<String>,
    pub(super) connectors: Sides<Arc<dyn Connector>>,
    /// The same connectors, for what is read and written: where a field is missing, the others are.
    pub(super) narrowed: Sides<Arc<Narrowing>>,
    /// And with what the mappings read through references: what everything of a run reads and writes through.
    pub(super) following: Sides<Following>,
    pub(super) links: Vec<Arc<CompiledLink>>,
    pub(super) store: Arc<dyn StateStore>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) observer: Arc<dyn Observer>,
    pub(super) reconciler: Arc<dyn Reconciler>,
    pub(super) options: Options,
    pub(super) cancel: Cancel,
    pub(super) configuration: String,
    pub(super) doubts: Doubts,
}

/// Puts an [`Integration`] together.
#[derive(Debug)]
pub struct IntegrationBuilder {
    name: String,
    left: Option<(String, Arc<dyn Connector>)>,
    right: Option<(String, Arc<dyn Connector>)>,
    links: Vec<Arc<dyn Mapper>>,
    store: Option<Arc<dyn StateStore>>,
    clock: Arc<dyn Clock>,
    observer: Arc<dyn Observer>,
    reconciler: Arc<dyn Reconciler>,
    options: Options,
    cancel: Cancel,
}

/// Match lines of a link at most: each has an area of working data of its own, and no real template has ten.
const MATCH_LINES_MAX: usize = 100;

impl Integration {
    /// Begins an integration of this name; the name is that of its state, too.
    pub fn builder(name: &str) -> IntegrationBuilder {
        IntegrationBuilder {
            name: name.to_owned(),
            left: None,
            right: None,
            links: Vec::new(),
            store: None,
            clock: Arc::new(SystemClock::new()),
            observer: Arc::new(NoObserver),
            reconciler: Arc::new(ThreeWay),
            options: Options::default(),
            cancel: Cancel::new(),
        }
    }

    /// The links, in dependency order.
    pub fn links(&self) -> impl Iterator<Item = &CompiledLink> {
        self.inner.links.iter().map(|link| &**link)
    }

    /// The links, shared.
    #[cfg(feature = "testkit")]
    pub(crate) fn shared_links(&self) -> &[Arc<CompiledLink>] {
        &self.inner.links
    }

    /// A link by id.
    ///
    /// Errors: not found, with the links there are.
    pub fn link(&self, id: &str) -> Result<&CompiledLink> {
        self.links().find(|link| link.spec().id.as_str() == id).ok_or_else(|| {
            let known: Vec<&str> = self.links().map(|link| link.spec().id.as_str()).collect();
            Error::new(ErrorKind::NotFound, format!("there is no link {id:?}"))
                .with_remedy(format!("the links are {}", known.join(", ")))
        })
    }

    /// The state store.
    pub fn store(&self) -> &Arc<dyn StateStore> {
        &self.inner.store
    }

    /// The connectors.
    pub fn connectors(&self) -> &Sides<Arc<dyn Connector>> {
        &self.inner.connectors
    }

    /// A side as a run reads it: fields that the system does not have are absent, and records hold what the mappings read
    /// through references.
    pub fn reading(&self, side: Side) -> &dyn Connector {
        self.inner.following.of(side)
    }

    /// What the mapping calls the sides.
    pub fn side_names(&self) -> &Sides<String> {
        &self.inner.names
    }

    /// The flag by which a host stops runs of this integration.
    pub fn cancel(&self) -> &Cancel {
        &self.inner.cancel
    }
}

impl IntegrationBuilder {
    /// The left side: what the mapping calls it, and its connector.
    #[must_use]
    pub fn left(mut self, name: &str, connector: Arc<dyn Connector>) -> Self {
        self.left = Some((name.to_owned(), connector));
        self
    }

    /// The right side: what the mapping calls it, and its connector.
    #[must_use]
    pub fn right(mut self, name: &str, connector: Arc<dyn Connector>) -> Self {
        self.right = Some((name.to_owned(), connector));
        self
    }

    /// Adds the mapping of a link.
    #[must_use]
    pub fn link(mut self, mapper: Arc<dyn Mapper>) -> Self {
        self.links.push(mapper);
        self
    }

    /// Adds the mappings of links.
    #[must_use]
    pub fn links(mut self, mappers: impl IntoIterator<Item = Arc<dyn Mapper>>) -> Self {
        self.links.extend(mappers);
        self
    }

    /// Where state is kept.
    #[must_use]
    pub fn store(mut self, store: Arc<dyn StateStore>) -> Self {
        self.store = Some(store);
        self
    }

    /// The clock; the machine's when nothing is said.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Who watches.
    #[must_use]
    pub fn observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observer = observer;
        self
    }

    /// Who merges; [`ThreeWay`] when nothing is said.
    #[must_use]
    pub fn reconciler(mut self, reconciler: Arc<dyn Reconciler>) -> Self {
        self.reconciler = reconciler;
        self
    }

    /// How it works.
    #[must_use]
    pub fn options(mut self, options: Options) -> Self {
        self.options = options;
        self
    }

    /// The flag by which the host stops runs.
    #[must_use]
    pub fn cancel(mut self, cancel: Cancel) -> Self {
        self.cancel = cancel;
        self
    }

    /// Compiles the links and puts them in dependency order. Reads nothing yet.
    ///
    /// Errors: configuration - a side or the store is missing, a link twice, a link that does not compile.
    pub fn build(self) -> Result<Integration> {
        let missing = |what: &str| Error::configuration(format!("the integration has no {what}"));
        let (left_name, left) = self.left.ok_or_else(|| missing("left side"))?;
        let (right_name, right) = self.right.ok_or_else(|| missing("right side"))?;
        let store = self.store.ok_or_else(|| missing("state store"))?;
        let mut links = Vec::with_capacity(self.links.len());
        for mapper in self.links {
            let link = CompiledLink::compile(mapper)?;
            if links.iter().any(|known: &Arc<CompiledLink>| known.spec().id == link.spec().id) {
                return Err(Error::configuration("two links have the same id").at("link", &link.spec().id));
            }
            if link.spec().matching.len() > MATCH_LINES_MAX {
                return Err(Error::new(
                    ErrorKind::Limit,
                    format!(
                        "a link has {} match lines, {MATCH_LINES_MAX} at most",
                        link.spec().matching.len()
                    ),
                )
                .at("link", &link.spec().id)
                .with_remedy("leave out the lines that decide least"));
            }
            links.push(link);
        }
        let links = in_dependency_order(links);
        let configuration = configuration_digest(&links);
        let narrowed =
            Sides::new(Arc::new(Narrowing::over(left.clone())), Arc::new(Narrowing::over(right.clone())));
        let follow = |side: Side| {
            let inner = Arc::clone(narrowed.of(side)) as Arc<dyn Connector>;
            Following::over(inner, side, links.iter().map(|link| link.mapper()))
        };
        let following = Sides::new(follow(Side::Left)?, follow(Side::Right)?);
        Ok(Integration {
            inner: Arc::new(Inner {
                partition: PartitionId::new(self.name),
                names: Sides::new(left_name, right_name),
                narrowed,
                following,
                connectors: Sides::new(left, right),
                links,
                store,
                clock: self.clock,
                observer: self.observer,
                reconciler: self.reconciler,
                options: self.options,
                cancel: self.cancel,
                configuration,
                doubts: Doubts::default(),
            }),
        })
    }
}

impl Inner {
    pub(super) fn systems(&self) -> Sides<SystemIdentity> {
        let identity = |name: &str, connector: &Arc<dyn Connector>| {
            let info = connector.info();
            SystemIdentity {
                side: name.to_owned(),
                system: info.system.clone(),
                identity: info.identity.clone(),
                label: info.label.clone(),
            }
        };
        Sides::new(
            identity(&self.names.left, &self.connectors.left),
            identity(&self.names.right, &self.connectors.right),
        )
    }

    pub(super) fn binding(&self) -> Binding {
        let systems = self.connectors.as_ref().map(|connector| connector.info().identity.clone());
        let links = self.links.iter().map(|link| (link.spec().id.clone(), hex(&link.digest())));
        let rules = self.links.iter().flat_map(|link| {
            link.rules().iter().map(|rule| (link.spec().id.clone(), rule.id.clone(), hex(&rule.digest)))
        });
        Binding {
            systems,
            configuration: self.configuration.clone(),
            links: links.collect(),
            rules: rules.collect(),
        }
    }

    /// The link of an id with its place.
    pub(super) fn place(&self, id: &LinkId) -> Option<(u16, &Arc<CompiledLink>)> {
        let place = self.links.iter().position(|link| link.spec().id == *id)?;
        Some((u16::try_from(place).ok()?, self.links.get(place)?))
    }
}

fn configuration_digest(links: &[Arc<CompiledLink>]) -> String {
    let mut hasher = blake3::Hasher::new();
    for link in links {
        hasher.update(&link.digest());
    }
    hasher.finalize().to_hex().chars().take(32).collect()
}

/// Links after those that they refer to.
fn in_dependency_order(links: Vec<Arc<CompiledLink>>) -> Vec<Arc<CompiledLink>> {
    let needs: Vec<_> =
        links.iter().map(|link| (&link.spec().id, link.spec().depends_on.as_slice())).collect();
    links_in_order(&needs).into_iter().filter_map(|at| links.get(at).cloned()).collect()
}
