//! Values of some records of a system, read where a person asks for them: evidence of what its fields hold. Reads so many
//! records of each entity and no more; nothing is kept. The doors are [`sampled`] and [`first_records`].

use std::sync::Arc;

use futures::StreamExt;
use futures::executor::block_on;
use seamless_core::Error;
use seamless_core::connector::{Change, Connector, ReadQuery};
use seamless_core::model::{Condition, EntityName, Record, Schema, Shape};
use seamless_mapping::suggest::Samples;

use super::cli::SampleArgs;
use super::failure::Failure;
use super::host::Host;
use super::show;

/// Reads samples of every entity of a system; `None` where nobody asked for them. An entity that cannot be read is told.
pub(crate) fn sampled(
    args: &SampleArgs,
    side: &str,
    connector: &dyn Connector,
    schema: &Schema,
    host: &mut Host<'_>,
) -> Result<Option<Samples>, Failure> {
    let Some(count) = args.sample else { return Ok(None) };
    let mut samples = if args.show_values { Samples::clear() } else { Samples::masked() };
    for entity in schema.entities.values() {
        let shape = Shape::new(entity.fields.iter().map(|field| field.name.clone()))?;
        match block_on(first_records(connector, &entity.name, &shape, count.into())) {
            Ok(records) => records.iter().for_each(|record| samples.add(&entity.name, record)),
            Err(error) => {
                let name = show::name(entity.name.as_str());
                host.note(format_args!("note: {name} of {side} was not sampled: {error}"));
            }
        }
    }
    Ok(Some(samples))
}

/// The first records of an entity, so many at most.
pub(crate) async fn first_records(
    connector: &dyn Connector,
    entity: &EntityName,
    shape: &Arc<Shape>,
    count: usize,
) -> Result<Vec<Record>, Error> {
    if count == 0 {
        return Ok(Vec::new());
    }
    let query = ReadQuery {
        entity: entity.clone(),
        shape: Arc::clone(shape),
        condition: Condition::Always,
        after: None,
        page_records_max: count,
    };
    let mut pages = connector.read(query).await?;
    let mut records = Vec::new();
    while let Some(page) = pages.next().await {
        let of_page = page?.changes.into_iter().filter_map(|change| match change {
            Change::Upsert(found) => Some(found.record),
            Change::Deleted(_) | Change::Broken { .. } => None,
        });
        records.extend(of_page.take(count - records.len()));
        if records.len() >= count {
            break;
        }
    }
    Ok(records)
}
