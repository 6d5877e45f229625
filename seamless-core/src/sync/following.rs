//! A connector that reads along paths: every record, and every line of a list, comes with the values that mappings read
//! through references, as if they were fields of its own. So a scope, a rule, a base and a fingerprint see them as they see any
//! other field, and a change of the record that is referred to is a change of the one that refers. Records that are looked up
//! by such a value are found from its end back ([`back`]).
//!
//! Cost: for a page of records one look-up per step of the paths and entity there, in pieces of [`NAMED_MAX`] different
//! records, whatever the number of records and paths; nothing is kept between pages. Where a mapping has no paths
//! everything is passed on as it is. The doors are [`follow`] and [`Following`].

mod back;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures::StreamExt;

use crate::connector::{
    Capabilities, Change, Connector, ConnectorInfo, Expects, FetchBy, FetchQuery, Finding, Lookup, Page,
    PageStream, Proof, ReadQuery, Requirement, Versioned, WriteBatch, WriteOutcome,
};
use crate::mapper::{Mapper, PATH_STEPS_MAX, Path};
use crate::model::{
    EntityName, Error, ErrorKind, FieldName, Presence, Record, RecordBuilder, RecordId, Result, Schema,
    Shape, Side, Slot, Value, ValueRef,
};

/// Records that one look-up names at most: as many as a page of reading usually has.
const NAMED_MAX: usize = 1000;

/// A connector whose records hold what these mappings of a side read through references: for hosts that look at records
/// beside a run, as a run sees them.
///
/// Errors (configuration): two mappings mean different things by one name of an entity.
pub fn follow<'m>(
    inner: Arc<dyn Connector>,
    side: Side,
    mappers: impl IntoIterator<Item = &'m dyn Mapper>,
) -> Result<Arc<dyn Connector>> {
    Ok(Arc::new(Following::over(inner, side, mappers)?))
}

/// See the module's page.
#[derive(Debug)]
pub(super) struct Following(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    inner: Arc<dyn Connector>,
    paths: BTreeMap<EntityName, Vec<Path>>,
    /// Whether a field that refers holds a plain key, as far as it was asked.
    plain: Mutex<HashMap<(EntityName, FieldName), bool>>,
}

impl Following {
    pub(super) fn over<'m>(
        inner: Arc<dyn Connector>,
        side: Side,
        mappers: impl IntoIterator<Item = &'m dyn Mapper>,
    ) -> Result<Self> {
        let mut paths: BTreeMap<EntityName, Vec<Path>> = BTreeMap::new();
        for mapper in mappers {
            for path in mapper.paths(side) {
                let of = paths.entry(mapper.link().entity.of(side).clone()).or_default();
                match of.iter().find(|known| known.name == path.name && known.list == path.list) {
                    Some(known) if known == path => {}
                    Some(_) => {
                        let message = "two links read different things by one name of an entity";
                        return Err(Error::configuration(message)
                            .at("link", &mapper.link().id)
                            .at("field", &path.name)
                            .with_remedy("give one of the two paths another name"));
                    }
                    None => of.push(path.clone()),
                }
            }
        }
        Ok(Self(Arc::new(Shared { inner, paths, plain: Mutex::default() })))
    }
}

/// Where a path has come to, of one record or one line.
enum Walk {
    /// At a record, whose field is read next.
    At(RecordId),
    Ended(Slot),
}

impl Shared {
    fn paths_of(&self, entity: &EntityName) -> &[Path] {
        self.paths.get(entity).map_or(&[], Vec::as_slice)
    }

    /// The fields to ask the system for: without those that it does not have, with those that the paths begin with. `None`
    /// where these are the fields.
    fn asked(&self, entity: &EntityName, shape: &Shape) -> Result<Option<Arc<Shape>>> {
        let named = |name: &FieldName| {
            self.paths_of(entity).iter().find(|path| path.list.is_none() && path.name == *name)
        };
        if !shape.names().iter().any(|name| named(name).is_some()) {
            return Ok(None);
        }
        let own = shape.names().iter().filter(|name| named(name).is_none());
        let mut names: Vec<FieldName> = own.cloned().collect();
        for begins in shape.names().iter().filter_map(|name| named(name)?.begins()) {
            if !names.contains(begins) {
                names.push(begins.clone());
            }
        }
        Shape::new(names).map(Some)
    }

    /// Completes records to a shape: with what the paths of their entity lead to, in the record and in the lines of its lists.
    ///
    /// Errors: the connector's, with the entity that was asked.
    async fn complete(
        &self,
        entity: &EntityName,
        shape: &Arc<Shape>,
        records: &mut [&mut Record],
    ) -> Result<()> {
        let wanted = |path: &&Path| shape.slot(path.list.as_ref().unwrap_or(&path.name).as_str()).is_some();
        let paths: Vec<&Path> = self.paths_of(entity).iter().filter(wanted).collect();
        if paths.is_empty() {
            return Ok(());
        }
        let mut walks: Vec<(usize, Walk)> = Vec::new();
        for record in &*records {
            for (place, path) in paths.iter().enumerate() {
                each_holder(record, path, &mut |holder| walks.push((place, begun(holder, path))));
            }
        }
        for step in 0..PATH_STEPS_MAX {
            self.go_on(&paths, step, &mut walks).await?;
        }
        let mut found = walks.into_iter().map(|(_, walk)| match walk {
            Walk::Ended(slot) => slot,
            Walk::At(_) => Slot::Unreadable,
        });
        for record in records {
            **record = completed(record, shape, &paths, &mut found);
        }
        Ok(())
    }

    /// Reads the next field of every record that a walk has come to: a look-up for each entity.
    async fn go_on(&self, paths: &[&Path], step: usize, walks: &mut [(usize, Walk)]) -> Result<()> {
        let mut asked: BTreeMap<EntityName, (BTreeSet<RecordId>, Vec<FieldName>)> = BTreeMap::new();
        for (place, walk) in &*walks {
            let Some(path) = paths.get(*place) else { continue };
            let (Walk::At(id), Some(of), Some(field)) = (walk, path.steps.get(step), path.read_after(step))
            else {
                continue;
            };
            let (ids, fields) = asked.entry(of.entity.clone()).or_default();
            ids.insert(id.clone());
            if !fields.contains(field) {
                fields.push(field.clone());
            }
        }
        let mut found: HashMap<(EntityName, RecordId), Record> = HashMap::new();
        for (entity, (ids, fields)) in asked {
            let (ids, shape) = (ids.into_iter().collect::<Vec<_>>(), Shape::new(fields)?);
            for ids in ids.chunks(NAMED_MAX) {
                let by = FetchBy::Ids(ids.to_vec());
                let query = FetchQuery { entity: entity.clone(), shape: shape.clone(), by };
                let answers = match self.inner.fetch(query).await {
                    // Who may not read an entity does not see its records.
                    Err(error) if error.kind() == ErrorKind::Permission => continue,
                    answers => answers.map_err(|error| error.at("entity", &entity))?,
                };
                for (id, answer) in ids.iter().zip(answers) {
                    if let Lookup::Found(Versioned { record, .. }) = answer {
                        found.insert((entity.clone(), id.clone()), record);
                    }
                }
            }
        }
        for (place, walk) in walks {
            let Some(path) = paths.get(*place) else { continue };
            let (Walk::At(id), Some(of), Some(field)) = (&*walk, path.steps.get(step), path.read_after(step))
            else {
                continue;
            };
            let record = found.get(&(of.entity.clone(), id.clone()));
            let said = record.map_or(Presence::Unreadable, |record| record.field(field.as_str()));
            *walk = match path.steps.get(step + 1) {
                None => Walk::Ended(said.to_slot()),
                Some(next) => led(said, &next.entity),
            };
        }
        Ok(())
    }

    async fn complete_all(
        &self,
        entity: &EntityName,
        shape: &Arc<Shape>,
        found: Vec<&mut Versioned>,
    ) -> Result<()> {
        let mut records: Vec<&mut Record> = found.into_iter().map(|found| &mut found.record).collect();
        self.complete(entity, shape, &mut records).await
    }

    async fn completed_page(&self, entity: &EntityName, shape: &Arc<Shape>, mut page: Page) -> Result<Page> {
        let found = page.changes.iter_mut().filter_map(|change| match change {
            Change::Upsert(found) => Some(found),
            Change::Deleted(_) | Change::Broken { .. } => None,
        });
        self.complete_all(entity, shape, found.collect()).await?;
        Ok(page)
    }

    /// A record as the system knows it: without what is read along paths.
    fn own(&self, entity: &EntityName, record: &Record) -> Result<Record> {
        let paths = self.paths_of(entity);
        let is_read = |name: &FieldName, list: Option<&FieldName>| {
            paths.iter().any(|path| path.name == *name && path.list.as_ref() == list)
        };
        let names = record.shape().names().iter().filter(|name| !is_read(name, None));
        let own = record.reshaped(&Shape::new(names.cloned())?);
        let mut lists: Vec<(usize, Value)> = Vec::new();
        for (slot, (name, said)) in own.fields().enumerate() {
            let Presence::Value(ValueRef::List(lines)) = said else { continue };
            let reads = |line: &Record| line.shape().names().iter().any(|field| is_read(field, Some(name)));
            if !lines.iter().any(reads) {
                continue;
            }
            let line = |line: &Record| {
                let names = line.shape().names().iter().filter(|field| !is_read(field, Some(name)));
                Ok(line.reshaped(&Shape::new(names.cloned())?))
            };
            lists.push((slot, Value::List(lines.iter().map(line).collect::<Result<_>>()?)));
        }
        Ok(match lists.is_empty() {
            true => own,
            false => own.with(lists.iter().map(|(slot, list)| (*slot, Presence::Value(list.as_ref())))),
        })
    }
}

/// Gives the records that a path begins in: the record, or the lines of its list.
fn each_holder(record: &Record, path: &Path, take: &mut dyn FnMut(&Record)) {
    match &path.list {
        None => take(record),
        Some(list) => {
            if let Presence::Value(ValueRef::List(lines)) = record.field(list.as_str()) {
                lines.iter().for_each(take);
            }
        }
    }
}

fn begun(holder: &Record, path: &Path) -> Walk {
    match path.steps.first() {
        Some(step) => led(holder.field(step.field.as_str()), &step.entity),
        None => Walk::Ended(Slot::Unreadable),
    }
}

/// Where a reference leads. What refers to nothing leads to nothing; what is not said, and what refers to a record of another
/// entity, to what cannot be read.
fn led(said: Presence<'_>, entity: &EntityName) -> Walk {
    match said {
        Presence::Absent => Walk::Ended(Slot::Absent),
        Presence::Value(value) if value.is_blank() => Walk::Ended(Slot::Value(Value::Null)),
        Presence::Value(ValueRef::Reference(reference)) if reference.entity == *entity => {
            Walk::At(reference.id.clone())
        }
        Presence::Value(ValueRef::Text(key)) => Walk::At(RecordId::text(key)),
        Presence::Value(ValueRef::Int(key)) => Walk::At(RecordId::int(key)),
        Presence::Value(_) | Presence::Unreadable => Walk::Ended(Slot::Unreadable),
    }
}

/// A record in a shape, with what was found for it, in the order in which its paths were begun.
fn completed(
    record: &Record,
    shape: &Arc<Shape>,
    paths: &[&Path],
    found: &mut impl Iterator<Item = Slot>,
) -> Record {
    let mut own: Vec<(&FieldName, Slot)> = Vec::new();
    let mut lists: Vec<(&FieldName, Value)> = Vec::new();
    for path in paths {
        let Some(list) = &path.list else {
            own.push((&path.name, found.next().unwrap_or(Slot::Unreadable)));
            continue;
        };
        let known = lists.iter_mut().find(|(name, _)| *name == list);
        let Presence::Value(ValueRef::List(held)) = record.field(list.as_str()) else { continue };
        let lines = match &known {
            Some((_, Value::List(lines))) => Arc::clone(lines),
            _ => Arc::clone(held),
        };
        let mut wider = Wider::default();
        let lines = lines.iter().map(|line| {
            let read = found.next().unwrap_or(Slot::Unreadable);
            wider.with(line, &path.name, &read)
        });
        let lines = Value::List(lines.collect());
        match known {
            Some((_, value)) => *value = lines,
            None => lists.push((list, lines)),
        }
    }
    let mut builder = RecordBuilder::new(shape);
    for name in shape.names() {
        let read = own.iter().find(|(of, _)| *of == name).map(|(_, slot)| slot.as_presence());
        let list = || lists.iter().find(|(of, _)| *of == name).map(|(_, list)| list.as_ref());
        let said = read.or_else(|| list().map(Presence::Value));
        builder.push(said.unwrap_or_else(|| record.field(name.as_str())));
    }
    builder.finish()
}

/// The lines of a list with one field more. Most lines of a list have one shape.
#[derive(Default)]
struct Wider(Option<(Arc<Shape>, Arc<Shape>)>);

impl Wider {
    fn with(&mut self, line: &Record, name: &FieldName, read: &Slot) -> Record {
        let known = self.0.as_ref().filter(|(of, _)| Arc::ptr_eq(of, line.shape()));
        let shape = match known {
            Some((_, shape)) => Arc::clone(shape),
            None => {
                let own = line.shape().names().iter().filter(|own| *own != name);
                let Ok(shape) = Shape::new(own.chain([name]).cloned()) else { return line.clone() };
                self.0 = Some((Arc::clone(line.shape()), Arc::clone(&shape)));
                shape
            }
        };
        let mut builder = RecordBuilder::new(&shape);
        for field in shape.names() {
            builder.push(if field == name { read.as_presence() } else { line.field(field.as_str()) });
        }
        builder.finish()
    }
}

#[async_trait]
impl Connector for Following {
    fn info(&self) -> &ConnectorInfo {
        self.0.inner.info()
    }

    fn capabilities(&self, entity: &EntityName) -> Capabilities {
        self.0.inner.capabilities(entity)
    }

    async fn entities(&self) -> Result<Vec<EntityName>> {
        self.0.inner.entities().await
    }

    async fn discover(&self, entities: &[EntityName]) -> Result<Schema> {
        self.0.inner.discover(entities).await
    }

    async fn read(&self, query: ReadQuery) -> Result<PageStream> {
        if self.0.paths_of(&query.entity).is_empty() {
            return self.0.inner.read(query).await;
        }
        let (shared, entity, shape) = (Arc::clone(&self.0), query.entity.clone(), query.shape.clone());
        let asked = self.0.asked(&entity, &shape)?.unwrap_or_else(|| shape.clone());
        let pages = self.0.inner.read(ReadQuery { shape: asked, ..query }).await?;
        Ok(Box::pin(pages.then(move |page| {
            let (shared, entity, shape) = (Arc::clone(&shared), entity.clone(), shape.clone());
            async move { shared.completed_page(&entity, &shape, page?).await }
        })))
    }

    async fn fetch(&self, query: FetchQuery) -> Result<Vec<Lookup>> {
        if self.0.paths_of(&query.entity).is_empty() {
            return self.0.inner.fetch(query).await;
        }
        let (entity, shape) = (query.entity.clone(), query.shape.clone());
        let asked = self.0.asked(&entity, &shape)?.unwrap_or_else(|| shape.clone());
        if let Some(answers) = self.0.found_along(&query, &asked).await? {
            return Ok(answers);
        }
        let mut answers = self.0.inner.fetch(FetchQuery { shape: asked, ..query }).await?;
        let found = answers.iter_mut().filter_map(|answer| match answer {
            Lookup::Found(found) => Some(found),
            _ => None,
        });
        self.0.complete_all(&entity, &shape, found.collect()).await?;
        Ok(answers)
    }

    async fn write(&self, entity: &EntityName, mut batch: WriteBatch) -> Result<Vec<WriteOutcome>> {
        if self.0.paths_of(entity).is_empty() {
            return self.0.inner.write(entity, batch).await;
        }
        for op in &mut batch.ops {
            op.patch = self.0.own(entity, &op.patch)?;
            if let Expects::Values(values) = &op.expects {
                op.expects = Expects::Values(self.0.own(entity, values)?);
            }
        }
        let mut outcomes = self.0.inner.write(entity, batch).await?;
        // Lists that were stored are compared with what is read later: with the same fields in their lines.
        let stored = outcomes.iter_mut().filter_map(|outcome| match outcome {
            WriteOutcome::Applied { proof: Proof::Stored(found), .. } => Some(&mut found.record),
            _ => None,
        });
        let mut by_shape: Vec<(Arc<Shape>, Vec<&mut Record>)> = Vec::new();
        for record in stored {
            match by_shape.iter_mut().find(|(shape, _)| shape == record.shape()) {
                Some((_, records)) => records.push(record),
                None => by_shape.push((Arc::clone(record.shape()), vec![record])),
            }
        }
        for (shape, mut records) in by_shape {
            // The write has happened, whatever cannot be read now: then the next reading shows a change of those lines.
            if let Err(error) = self.0.complete(entity, &shape, &mut records).await {
                tracing::debug!(%entity, %error, "what was stored is not completed along paths");
            }
        }
        Ok(outcomes)
    }

    async fn check(&self, need: &Requirement) -> Result<Finding> {
        self.0.inner.check(need).await
    }

    async fn provision(&self, need: &Requirement) -> Result<Finding> {
        self.0.inner.provision(need).await
    }
}
