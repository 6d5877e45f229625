//! Two databases kept in step by a mapping: plan, look, approve, apply.

use std::sync::Arc;

use futures::executor::block_on;
use seamless_connectors::sqlite::{Sqlite, SqliteConfig};
use seamless_core::clock::SystemClock;
use seamless_core::plan::render::TextOptions;
use seamless_core::store::SqliteStore;
use seamless_core::sync::{Integration, Plan};
use seamless_mapping::{LoadOptions, load};

const MAPPING: &str = "
integration: crm-erp
sides: { crm: sqlite, erp: sqlite }
links:
  - { id: customers, crm: account, erp: Customer, match: [number = No.],
      rules: [number <-> No., name <-> Name, phone <-> Phone No.] }
";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = tempfile::tempdir()?;
    let database = |name: &str, sql: &str| -> Result<Arc<Sqlite>, Box<dyn std::error::Error>> {
        rusqlite::Connection::open(dir.path().join(name))?.execute_batch(sql)?;
        Ok(Arc::new(Sqlite::open(SqliteConfig::new(dir.path().join(name)))?))
    };
    let crm = database("crm.db", include_str!("embed/crm.sql"))?;
    let erp = database("erp.db", include_str!("embed/erp.sql"))?;
    let store = SqliteStore::open(dir.path().join("state.db"), Arc::new(SystemClock::new()))?;
    let mapping = load("integration.yaml", MAPPING, &LoadOptions::default())?.mapping;
    let builder = Integration::builder("crm-erp").left("crm", crm).right("erp", erp);
    let integration = builder.links(mapping.links()).store(Arc::new(store)).build()?;

    let plan = block_on(integration.plan())?;
    println!("{}", block_on(plan.text(TextOptions::default()))?);
    let approve = |plan: &Plan| plan.approve("kim", &[]); // an error where a guard stops the plan
    let applied = block_on(integration.apply(approve(&plan)?))?;
    println!("{} writes, {} dropped", applied.written, applied.dropped_count);
    Ok(())
}
