//! Names and schema: what there is, and that what is not there is named.

use std::collections::BTreeSet;

use crate::connector::{Capabilities, FetchBy, FetchQuery, Finding, ReadQuery, Requirement, Versioned};
use crate::model::{EntityName, Error, ErrorKind, Field, FieldName, Shape};
use crate::testkit::connector_kit::case::table;
use crate::testkit::connector_kit::reading::upserts;
use crate::testkit::connector_kit::sample::misfit;
use crate::testkit::connector_kit::subject::Subject;
use crate::testkit::connector_kit::verdict::{Held, Stop, brief, broken, hold, skip};

table! {
    "schema.identity" ReadOnly [] "every client of one environment says the same identity" => identity;
    "schema.entities" ReadOnly [] "the entities are sorted, each once, and this one is among them" => entities;
    "schema.fields" ReadOnly [] "fields are named once, and keys and written fields are among them" => fields;
    "schema.values" ReadOnly [] "every value that is read is one that its field can hold" => values;
    "schema.unreadable" ReadOnly [] "a field that is denied is unreadable, never null and never left out" => unreadable;
    "schema.unknown_entity" ReadOnly [] "an entity that is not there can nothing and is named" => unknown_entity;
    "schema.unknown_field" ReadOnly [] "a field that is not there is named and never shown as null" => unknown_field;
    "schema.check" ReadOnly [] "checking a prerequisite says nothing that is not so" => check;
}

async fn unreadable(subject: &Subject) -> Held {
    let Some(user) = subject.bench.user.clone() else {
        return Err(skip("the bench has no other user who can deny a field"));
    };
    let found = subject.some(3).await?;
    let holds = |field: &&Field| {
        let held = |found: &Versioned| {
            found.record.field(field.name.as_str()).value().is_some_and(|value| !value.is_null())
        };
        found.iter().any(held) && !subject.entity.key.contains(&field.name)
    };
    let field =
        subject.entity.fields.iter().find(holds).ok_or_else(|| skip("no field but the key holds a value"))?;
    if !user.deny(&field.name, true).await? {
        return Err(skip("the other user cannot deny a field"));
    }
    let name = field.name.as_str();
    let denied = subject.everything(1000).await;
    let id = found.first().map(|found| found.id.clone());
    let looked = match &id {
        Some(id) => subject.found(id).await.map(Some),
        None => Ok(None),
    };
    user.deny(&field.name, false).await?;
    let (denied, looked) = (upserts(&denied?), looked?);
    hold(denied.len() >= found.len(), "a field that is denied hides no record", || {
        format!("{} records", denied.len())
    })?;
    for found in denied.iter().chain(&looked) {
        let said = found.record.field(name);
        hold(said.is_unreadable(), "a field that is denied is unreadable", || {
            format!("{name} is {}", brief(&said))
        })?;
    }
    Ok(())
}

const NOWHERE: &str = "no such thing";

async fn identity(subject: &Subject) -> Held {
    let (one, two) = (subject.connector.info(), subject.other.info());
    let named = !one.identity.trim().is_empty() && !one.system.trim().is_empty();
    hold(named, "`info` names the system and the environment", || brief(one))?;
    hold(one == two, "two clients of one environment have one identity", || format!("{one:?} and {two:?}"))
}

async fn entities(subject: &Subject) -> Held {
    let names = subject.connector.entities().await?;
    hold(names.is_sorted(), "entities are sorted by name", || brief(&names))?;
    let once: BTreeSet<&EntityName> = names.iter().collect();
    hold(once.len() == names.len(), "each entity is named once", || brief(&names))?;
    hold(once.contains(&subject.entity.name), "the entity is among the entities", || brief(&names))?;
    let schema = subject.connector.discover(&names).await?;
    let found: BTreeSet<&EntityName> = schema.entities.keys().collect();
    hold(found == once, "`discover` answers with the entities that are named", || brief(&found))
}

async fn fields(subject: &Subject) -> Held {
    let entity = &subject.entity;
    hold(entity.name == subject.bench.entity, "an entity is known by the name it was asked by", || {
        brief(&entity.name)
    })?;
    hold(!entity.fields.is_empty(), "an entity has fields", || "none".to_owned())?;
    let names: BTreeSet<&FieldName> = entity.fields.iter().map(|field| &field.name).collect();
    hold(names.len() == entity.fields.len(), "each field is named once", || brief(&entity.fields))?;
    let keys = entity.key.iter().chain(entity.unique.iter().flatten());
    for name in keys.chain(subject.bench.writes.iter().flatten()) {
        hold(names.contains(name), "keys and written fields are among the fields", || {
            format!("there is no {name}")
        })?;
    }
    for field in entity
        .fields
        .iter()
        .filter(|field| subject.bench.writes.iter().flatten().any(|name| *name == field.name))
    {
        hold(!field.read_only, "a field that may be written is not read-only", || brief(&field.name))?;
    }
    Ok(())
}

async fn values(subject: &Subject) -> Held {
    for found in subject.some(3).await? {
        for field in &subject.entity.fields {
            let said = found.record.field(field.name.as_str()).value();
            if let Some(problem) = said.and_then(|value| misfit(field, value)) {
                return Err(broken(
                    "a value is one that the schema allows",
                    format!("record {}: {problem}", found.id),
                ));
            }
        }
    }
    Ok(())
}

/// An error of this kind whose words name the thing.
pub(super) fn named<T>(result: Result<T, Error>, kind: Option<ErrorKind>, name: &str, call: &str) -> Held {
    let promise = || format!("`{call}` refuses what is not there and names it");
    match result {
        Ok(_) => Err(broken(promise(), "it succeeds")),
        Err(error) => {
            let right = kind.is_none_or(|kind| error.kind() == kind) && error.to_string().contains(name);
            hold(right, &promise(), || format!("{:?}: {error}", error.kind()))
        }
    }
}

async fn unknown_entity(subject: &Subject) -> Held {
    let unknown = EntityName::from(NOWHERE);
    let can = subject.connector.capabilities(&unknown);
    hold(can == Capabilities::default(), "an unknown entity can nothing", || brief(&can))?;
    let not_found = Some(ErrorKind::NotFound);
    let discovered = subject.connector.discover(std::slice::from_ref(&unknown)).await;
    named(discovered, not_found, NOWHERE, "discover")?;
    let query = ReadQuery { entity: unknown.clone(), ..subject.query(None, 10) };
    named(first_page(subject, query).await, not_found, NOWHERE, "read")?;
    let query =
        FetchQuery { entity: unknown, ..subject.fetching(FetchBy::Ids(vec![subject.absent_id().await?])) };
    named(subject.connector.fetch(query).await, not_found, NOWHERE, "fetch")
}

/// The first page of a reading, or the error of the call or of the stream.
pub(super) async fn first_page(subject: &Subject, query: ReadQuery) -> Result<(), Error> {
    use futures::StreamExt;
    let mut pages = subject.connector.read(query).await?;
    pages.next().await.transpose().map(|_| ())
}

async fn unknown_field(subject: &Subject) -> Held {
    let shape = Shape::new([FieldName::from(NOWHERE)])?;
    let query = ReadQuery { shape: shape.clone(), ..subject.query(None, 10) };
    named(first_page(subject, query).await, None, NOWHERE, "read")?;
    let id = subject.absent_id().await?;
    let query = FetchQuery { shape, ..subject.fetching(FetchBy::Ids(vec![id])) };
    named(subject.connector.fetch(query).await, None, NOWHERE, "fetch")
}

async fn check(subject: &Subject) -> Held {
    let entity = || subject.entity.name.clone();
    let ask =
        async |need: Requirement| -> Result<Finding, Stop> { Ok(subject.connector.check(&need).await?) };
    for need in [Requirement::Reachable, Requirement::Readable(entity())] {
        let found = ask(need).await?;
        let right = !matches!(found, Finding::Unmet { .. });
        hold(right, "what was just read is not called unreadable", || brief(&found))?;
    }
    for need in [
        Requirement::Readable(EntityName::from(NOWHERE)),
        Requirement::Writable(EntityName::from(NOWHERE)),
        Requirement::Field(entity(), FieldName::from(NOWHERE)),
    ] {
        let found = ask(need).await?;
        let right = !matches!(found, Finding::Met(_));
        hold(right, "what is not there is not called met", || brief(&found))?;
    }
    let found = ask(Requirement::Writable(entity())).await?;
    let right = match &found {
        Finding::Met(_) => subject.can.is_writable(),
        Finding::Unmet { .. } => !subject.can.is_writable(),
        Finding::Unknown(_) => true,
    };
    hold(right, "`check` and `capabilities` say the same of writing", || brief(&found))
}
