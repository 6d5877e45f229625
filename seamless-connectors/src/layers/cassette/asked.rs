//! A call as the text that a recording is searched by: the same call gives the same text. Knows no answer.

use seamless_core::connector::{
    Cursor, Expects, FetchBy, FetchQuery, ReadQuery, Requirement, Target, Verb, WriteBatch,
};
use seamless_core::model::{
    ActionName, Condition, EntityName, FieldName, Presence, Record, RecordId, Result, Slot, Value, Version,
};
use serde::{Serialize, Serializer};

use super::answer::{cursor_text, unserializable};
use super::scrub::Scrub;

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Asked<'a> {
    Entities,
    Discover(&'a [EntityName]),
    Read {
        entity: &'a EntityName,
        fields: &'a [FieldName],
        condition: MaskedCondition<'a>,
        after: Option<String>,
        page_records_max: usize,
    },
    Fetch {
        entity: &'a EntityName,
        fields: &'a [FieldName],
        by: By<'a>,
    },
    Write {
        entity: &'a EntityName,
        ops: Vec<Op<'a>>,
        #[serde(skip_serializing_if = "<[String]>::is_empty")]
        bypass: &'a [String],
    },
    Check(String),
    Provision(String),
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum MaskedCondition<'a> {
    Is(&'a Condition),
    Masked,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum By<'a> {
    Ids(&'a [RecordId]),
    Key { fields: &'a [FieldName], values: Vec<Vec<Slot>> },
}

#[derive(Serialize)]
pub(super) struct Op<'a> {
    target: To<'a>,
    verb: Does<'a>,
    patch: Said<'a>,
    expects: Expected<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum To<'a> {
    Existing(&'a RecordId),
    New(Option<&'a RecordId>),
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Does<'a> {
    Create,
    Update,
    Delete,
    Action(&'a ActionName),
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Expected<'a> {
    Anything,
    Missing,
    Version(&'a Version),
    Values(Said<'a>),
}

/// What a record says, in the order of names, masked. So that the order in which a mapping names its fields means nothing.
struct Said<'a> {
    record: &'a Record,
    entity: &'a EntityName,
    scrub: &'a Scrub,
}

impl Serialize for Said<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let said = self.record.fields().filter(|(_, presence)| !presence.is_absent());
        let mut said: Vec<(&FieldName, Presence<'_>)> = said.collect();
        said.sort_by_key(|(name, _)| *name);
        serializer.collect_map(said.into_iter().map(|(name, presence)| {
            let masked = self.scrub.masks(self.entity, name);
            (name, if masked { Presence::Unreadable } else { presence })
        }))
    }
}

impl<'a> Asked<'a> {
    pub(super) fn read(query: &'a ReadQuery, scrub: &Scrub) -> Self {
        let masked = query.condition.fields().iter().any(|field| scrub.masks(&query.entity, field));
        Asked::Read {
            entity: &query.entity,
            fields: query.shape.names(),
            condition: if masked { MaskedCondition::Masked } else { MaskedCondition::Is(&query.condition) },
            after: query.after.as_ref().map(Cursor::as_bytes).map(cursor_text),
            page_records_max: query.page_records_max,
        }
    }

    pub(super) fn fetch(query: &'a FetchQuery, scrub: &Scrub) -> Self {
        let by = match &query.by {
            FetchBy::Ids(ids) => By::Ids(ids),
            FetchBy::Key { fields, values } => {
                let value = |(field, value): (&FieldName, &Value)| match scrub.masks(&query.entity, field) {
                    true => Slot::Unreadable,
                    false => Slot::Value(value.clone()),
                };
                let row = |row: &Vec<Value>| fields.iter().zip(row).map(value).collect();
                By::Key { fields, values: values.iter().map(row).collect() }
            }
        };
        Asked::Fetch { entity: &query.entity, fields: query.shape.names(), by }
    }

    pub(super) fn write(entity: &'a EntityName, batch: &'a WriteBatch, scrub: &'a Scrub) -> Self {
        let said = |record| Said { record, entity, scrub };
        let ops = batch.ops.iter().map(|op| Op {
            target: match &op.target {
                Target::Existing(id) => To::Existing(id),
                Target::New(id) => To::New(id.as_ref()),
            },
            verb: match &op.verb {
                Verb::Create => Does::Create,
                Verb::Update => Does::Update,
                Verb::Delete(_) => Does::Delete,
                Verb::Action(name) => Does::Action(name),
            },
            patch: said(&op.patch),
            expects: match &op.expects {
                Expects::Anything => Expected::Anything,
                Expects::Missing => Expected::Missing,
                Expects::Version(version) => Expected::Version(version),
                Expects::Values(values) => Expected::Values(said(values)),
            },
        });
        Asked::Write { entity, ops: ops.collect(), bypass: &batch.bypass }
    }

    pub(super) fn check(need: &Requirement) -> Self {
        Asked::Check(format!("{need:?}"))
    }

    pub(super) fn provision(need: &Requirement) -> Self {
        Asked::Provision(format!("{need:?}"))
    }

    /// The text, scrubbed.
    pub(super) fn text(&self, scrub: &Scrub) -> Result<String> {
        scrub.text(serde_json::to_string(self).map_err(unserializable)?)
    }
}
