//! One record and its partner, fetched by id, and what the mapping makes of them both ways. Pulls nothing, writes
//! nothing. The door is [`fetched`].

use std::sync::Arc;

use futures::executor::block_on;
use seamless_core::connector::{FetchBy, FetchQuery, Lookup, Versioned};
use seamless_core::mapper::{Answer, Ask, Mapper, Resolved};
use seamless_core::merge::CompiledLink;
use seamless_core::model::{Entity, Record, RecordId, Schema, Side, Sides, Truth};
use seamless_core::store::{Pair, PairStatus};
use seamless_core::sync::Integration;
use seamless_core::{Error, ErrorKind};
use seamless_mapping::explain::{Explained, Subject, explain};

use super::cli::{Global, TryArgs};
use super::failure::Failure;
use super::host::Host;
use super::project::{Project, known_link, record_id};

/// Rounds in which references are looked up: as many as the SDK takes.
const ROUNDS_MAX: usize = 4;

/// A record, its partner, and what the mapping makes of them.
pub(crate) struct OneRecord {
    pub(crate) names: Sides<String>,
    pub(crate) link: Arc<CompiledLink>,
    pub(crate) side: Side,
    pub(crate) found: Versioned,
    pub(crate) pair: Option<Pair>,
    /// Whether the partner is shown.
    pub(crate) has_partner: bool,
    /// The way of the record; then that of its partner.
    pub(crate) ways: Vec<Explained>,
}

impl OneRecord {
    pub(crate) fn scope(&self) -> Truth {
        self.link.scope(self.side, &self.found.record)
    }

    /// Whether anything waits.
    pub(crate) fn waits(&self) -> bool {
        self.ways.iter().flat_map(|way| &way.rules).any(|rule| rule.trouble.is_some())
    }
}

/// Fetches a record and its partner, and carries them both ways.
///
/// Errors: no such link, side or record; a system does not answer.
pub(crate) fn fetched(args: &TryArgs, global: &Global, host: &mut Host<'_>) -> Result<OneRecord, Failure> {
    let mut project = Project::load(global, host)?;
    known_link(&project.mapping, &args.link)?;
    let side = project.side(&args.side)?;
    let opened = project.open(global, host)?;
    let integration = &opened.integration;
    let Some(mapper) = project.mapping.link(&args.link) else {
        return Err(Failure::usage(format!("the mapping has no link `{}`", args.link)));
    };
    let link = CompiledLink::compile(mapper)?;
    let mut entities: Sides<Option<Entity>> = Sides::default();
    for of in Side::BOTH {
        let name = link.spec().entity.of(of);
        let schema: Schema = block_on(integration.connectors().of(of).discover(std::slice::from_ref(name)))?;
        *entities.of_mut(of) = schema.entity(name.as_str()).cloned();
    }
    let entity = link.spec().entity.of(side);
    let id = record_id(&args.record, entities.of(side).as_ref());
    let Some(found) = block_on(fetch(integration, &link, side, &id))? else {
        let message = format!("{} has no {entity} with the key {id}", project.names.of(side));
        let error = Error::new(ErrorKind::NotFound, message);
        return Err(error
            .with_remedy("write the key as the system has it, its parts divided by ` / `")
            .into());
    };
    let pair = block_on(pair_of(integration, &link, side, &id))?;
    let partner = match &pair {
        Some(pair) => block_on(fetch(integration, &link, side.other(), pair.ids.of(side.other())))?,
        None => None,
    };
    let declared = project.mapping.declared().links.iter().find(|declared| declared.id == link.spec().id);
    let way = |from: Side, source: &Record, target: Option<&Record>| -> Result<Explained, Error> {
        let resolved = block_on(looked_up(integration, &link, from, source, target))?;
        let entity = entities.of(from.other()).as_ref();
        Ok(explain(&Subject { link: &link, declared, from, source, target, resolved: &resolved, entity }))
    };
    let mut ways = vec![way(side, &found.record, partner.as_ref().map(|partner| &partner.record))?];
    if let Some(partner) = &partner {
        ways.push(way(side.other(), &partner.record, Some(&found.record))?);
    }
    let has_partner = partner.is_some();
    let names = project.names.clone();
    Ok(OneRecord { names, link, side, found, pair, has_partner, ways })
}

/// What the rules look up of a record, and of its partner: a rule sees by it whether both mean the same.
async fn looked_up(
    integration: &Integration,
    link: &CompiledLink,
    from: Side,
    source: &Record,
    target: Option<&Record>,
) -> Result<Resolved, Error> {
    let mut resolved = resolved(integration, link.mapper(), from, source).await?;
    let Some(target) = target else { return Ok(resolved) };
    for ask in link.mapper().references(from.other(), target, &resolved).into_asks().collect::<Vec<_>>() {
        let answer = answer(integration, &ask).await?;
        resolved.insert(ask, answer);
    }
    Ok(resolved)
}

async fn fetch(
    integration: &Integration,
    link: &CompiledLink,
    side: Side,
    id: &RecordId,
) -> Result<Option<Versioned>, Error> {
    let query = FetchQuery {
        entity: link.spec().entity.of(side).clone(),
        shape: link.shape(side).clone(),
        by: FetchBy::Ids(vec![id.clone()]),
    };
    match integration.reading(side).fetch(query).await?.into_iter().next() {
        Some(Lookup::Found(found)) => Ok(Some(found)),
        Some(Lookup::Gone(_) | Lookup::Hidden | Lookup::Several(_)) => Ok(None),
        Some(Lookup::Unanswered) | None => {
            Err(Error::new(ErrorKind::Unavailable, "the system gave no answer about the record"))
        }
    }
}

async fn pair_of(
    integration: &Integration,
    link: &CompiledLink,
    side: Side,
    id: &RecordId,
) -> Result<Option<Pair>, Error> {
    let found = integration.store().pairs_of(&link.spec().id, side, std::slice::from_ref(id)).await?;
    Ok(found.into_iter().flatten().find(|pair| pair.status != PairStatus::Ended))
}

/// Everything that the rules look up, as the state knows it now.
async fn resolved(
    integration: &Integration,
    mapper: &dyn Mapper,
    from: Side,
    source: &Record,
) -> Result<Resolved, Error> {
    let mut resolved = Resolved::new();
    for _ in 0..ROUNDS_MAX {
        let asks: Vec<Ask> = mapper
            .references(from, source, &resolved)
            .into_asks()
            .filter(|ask| !resolved.knows(ask))
            .collect();
        if asks.is_empty() {
            break;
        }
        for ask in asks {
            let answer = answer(integration, &ask).await?;
            resolved.insert(ask, answer);
        }
    }
    Ok(resolved)
}

async fn answer(integration: &Integration, ask: &Ask) -> Result<Answer, Error> {
    let Ask::Partner { link, side, id } = ask;
    let mark = integration.store().marks_of(link, *side, std::slice::from_ref(id)).await?;
    let mark = mark.into_iter().flatten().find(|mark| mark.status != PairStatus::Ended);
    Ok(mark.map_or(Answer::Unpaired, |mark| Answer::Paired(mark.ids.of(side.other()).clone())))
}
