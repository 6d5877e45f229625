//! Connectors that declare what is not so: what can be seen of it in operation is told once, and a plan that is made
//! afterwards promises less.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt;
use futures::executor::block_on;
use seamless_connectors::memory::Memory;
use seamless_core::connector::{
    Capabilities, Capability, Change, Connector, ConnectorInfo, End, FetchBy, FetchQuery, Finding, Lookup,
    PageStream, Proof, ReadQuery, Requirement, Target, UniqueKey, WriteBatch, WriteOutcome,
};
use seamless_core::model::{EntityName, RecordId, Result, Schema, Side, Value};
use seamless_core::sync::{Event, Integration, Observer};

use super::level::holds;
use super::world::{World, approve, as_it_is, crm, erp};

/// What a connector gets wrong, whatever it declares.
#[derive(Clone, Debug, PartialEq)]
enum Lie {
    /// None.
    No,
    /// Its writes return no proof.
    NoProof,
    /// It chooses ids although it takes chosen ones.
    OwnIds,
    /// Its complete readings leave a record out.
    LeavesOut(RecordId),
    /// Its feed has no low-water mark.
    NoLowWater,
    /// Two of its records have the same unique number.
    TwoOfAKey,
}

#[derive(Debug)]
struct Liar {
    inner: Memory,
    lie: Lie,
}

#[async_trait]
impl Connector for Liar {
    fn info(&self) -> &ConnectorInfo {
        self.inner.info()
    }

    fn capabilities(&self, entity: &EntityName) -> Capabilities {
        let mut can = self.inner.capabilities(entity);
        if self.lie == Lie::TwoOfAKey {
            can.unique_key = UniqueKey::Fields(vec!["accountnumber".into()]);
        }
        can
    }

    async fn entities(&self) -> Result<Vec<EntityName>> {
        self.inner.entities().await
    }

    async fn discover(&self, entities: &[EntityName]) -> Result<Schema> {
        self.inner.discover(entities).await
    }

    async fn read(&self, query: ReadQuery) -> Result<PageStream> {
        let lie = self.lie.clone();
        let pages = self.inner.read(query).await?;
        Ok(Box::pin(pages.map(move |page| {
            let mut page = page?;
            match &lie {
                Lie::LeavesOut(left_out) => {
                    page.changes
                        .retain(|change| !matches!(change, Change::Upsert(row) if row.id == *left_out));
                }
                Lie::NoLowWater => {
                    if let Some(End::CaughtUp { low_water }) = &mut page.end {
                        *low_water = None;
                    }
                }
                _ => {}
            }
            Ok(page)
        })))
    }

    async fn fetch(&self, query: FetchQuery) -> Result<Vec<Lookup>> {
        let by_number =
            matches!(&query.by, FetchBy::Key { fields, .. } if fields == &["accountnumber".into()]);
        let found = self.inner.fetch(query).await?;
        if self.lie != Lie::TwoOfAKey || !by_number {
            return Ok(found);
        }
        let several = || Lookup::Several(vec![RecordId::text("a8"), RecordId::text("a9")]);
        Ok(found.into_iter().map(|_| several()).collect())
    }

    async fn write(&self, entity: &EntityName, mut batch: WriteBatch) -> Result<Vec<WriteOutcome>> {
        if self.lie == Lie::OwnIds {
            for op in &mut batch.ops {
                if matches!(op.target, Target::New(_)) {
                    op.target = Target::New(None);
                }
            }
        }
        let mut outcomes = self.inner.write(entity, batch).await?;
        for outcome in &mut outcomes {
            if let (Lie::NoProof, WriteOutcome::Applied { proof, .. }) = (&self.lie, outcome) {
                *proof = Proof::None;
            }
        }
        Ok(outcomes)
    }

    async fn check(&self, need: &Requirement) -> Result<Finding> {
        self.inner.check(need).await
    }
}

/// Writes down what is told about guarantees: the capability, and the words.
#[derive(Clone, Debug, Default)]
struct Told(Arc<Mutex<Vec<(Capability, String)>>>);

impl Observer for Told {
    fn event(&self, event: &Event<'_>) {
        if let Event::GuaranteeLowered { side: Side::Left, capability, message, .. } = event {
            self.0.lock().unwrap().push((*capability, (*message).to_owned()));
        }
    }
}

impl Told {
    fn capabilities(&self) -> Vec<Capability> {
        self.0.lock().unwrap().iter().map(|(capability, _)| *capability).collect()
    }
}

/// The world with a left system that lies, and what is told of it.
fn lying(world: &World, lie: Lie) -> (Integration, Told) {
    let told = Told::default();
    let left = Arc::new(Liar { inner: world.crm.clone(), lie });
    (world.builder().left("crm", left).observer(Arc::new(told.clone())).build().unwrap(), told)
}

fn run(integration: &Integration) {
    block_on(integration.run(approve)).unwrap();
}

/// Whether the next plan promises an invariant at the left.
fn promises(integration: &Integration, invariant: &str) -> bool {
    holds(&block_on(integration.plan()).unwrap().head().guarantee, invariant, Side::Left)
}

#[test]
fn writes_that_return_nothing_although_they_should_lower_the_promise_once() {
    let world = World::new();
    let (integration, told) = lying(&world, Lie::NoProof);
    world.customer("C1", "Adatum", "1", "");
    world.customer("C2", "Contoso", "2", "");
    assert!(promises(&integration, "I20"));
    run(&integration);
    assert_eq!(told.capabilities(), [Capability::WriteReturns]);
    let doubted = block_on(integration.status()).unwrap().doubted;
    assert_eq!(doubted, [(Side::Left, "account".into(), Capability::WriteReturns)]);
    assert!(!promises(&integration, "I20"));
    world.customer("C3", "Fabrikam", "3", "");
    run(&integration);
    assert_eq!(told.capabilities(), [Capability::WriteReturns], "it is said once");
}

#[test]
fn a_record_that_gets_another_id_than_the_chosen_one_lowers_the_promise_and_is_paired_all_the_same() {
    let world = World::new();
    let (integration, told) = lying(&world, Lie::OwnIds);
    let c = world.customer("C1", "Adatum", "555-01", "");
    assert!(promises(&integration, "I25"));
    run(&integration);
    assert_eq!(told.capabilities(), [Capability::UniqueKey]);
    assert!(!promises(&integration, "I25"));
    world.erp.edit("Customer", &c, &[("Name", Value::text("Adatum Ltd"))]).unwrap();
    run(&integration);
    assert_eq!(world.crm.count("account"), 1);
    assert_eq!(world.crm_value(&world.crm.rows("account")[0].id, "name"), Value::text("Adatum Ltd"));
}

#[test]
fn a_complete_reading_that_leaves_a_record_out_lowers_the_promise_and_deletes_nothing() {
    let world = World::new();
    let a = world.account("a1", "C1", "Adatum", "1", "");
    world.account("a2", "C2", "Contoso", "2", "");
    world.settle();
    let (integration, told) = lying(&world, Lie::LeavesOut(a.clone()));
    assert!(promises(&integration, "I18"));
    world.pass(Duration::from_secs(24 * 3600));
    run(&integration);
    assert_eq!(told.capabilities(), [Capability::CompleteEnumeration]);
    let message = told.0.lock().unwrap()[0].1.clone();
    assert!(message.contains(&a.to_string()), "{message}");
    assert!(!promises(&integration, "I18"));
    assert_eq!((world.crm.count("account"), world.erp.count("Customer")), (2, 2));
}

#[test]
fn a_feed_without_the_mark_that_it_declares_lowers_the_promise() {
    let world = World::new();
    world.account("a1", "C1", "Adatum", "1", "");
    world.settle();
    let (integration, told) = lying(&world, Lie::NoLowWater);
    run(&integration);
    // One for the feed of each entity.
    assert_eq!(told.capabilities(), [Capability::LowWater, Capability::LowWater]);
    assert!(!promises(&integration, "I28"));
}

#[test]
fn two_records_with_one_unique_key_lower_the_promise() {
    let world = World::new();
    world.account("a1", "C1", "Adatum", "1", "");
    world.settle();
    let (integration, told) = lying(&world, Lie::TwoOfAKey);
    assert!(promises(&integration, "I25"));
    world.customer("C2", "Contoso", "2", "");
    run(&integration);
    assert_eq!(told.capabilities(), [Capability::UniqueKey]);
    assert!(!promises(&integration, "I25"));
}

/// Nothing is told of systems that are what they declare, whatever happens: a record that is hidden or deleted or
/// comes back is no lie.
#[test]
fn honest_systems_are_not_doubted() {
    let world = World::of(crm(&as_it_is), erp(&as_it_is));
    let (integration, told) = lying(&world, Lie::No);
    let a = world.account("a1", "C1", "Adatum", "1", "");
    let b = world.account("a2", "C2", "Contoso", "2", "");
    world.contact("p1", "ann@adatum.example", "Ann", Some(&a));
    for _ in 0..3 {
        world.customer(&format!("C{}", 3 + world.erp.count("Customer")), "Fabrikam", "3", "");
        world.pass(Duration::from_secs(24 * 3600));
        run(&integration);
        world.crm.hide("account", &a, true).unwrap();
        run(&integration);
        world.pass(Duration::from_secs(24 * 3600));
        run(&integration);
        world.crm.hide("account", &a, false).unwrap();
        run(&integration);
    }
    world.crm.delete("account", &b).unwrap();
    run(&integration);
    assert_eq!(told.capabilities(), []);
}
