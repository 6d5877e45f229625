//! The stored form of what an action sends: the fields with their rules, what they hold before, what is sent, where it comes
//! from. Each is written at once for all fields, since creates of a link differ in the values alone. The doors are
//! [`put`] and `take`.

use std::sync::Arc;

use super::alike::{Places, put_alike, take_alike};
use super::bytes::{Form, ROOM_MAX, Reader, Writer, unknown_tag};
use super::corrupt;
use super::value::{put_slots, take_slots};
use crate::model::{FieldName, Presence, Record, Result, RuleId, RuledFields};
use crate::plan::{Changes, ChangesParts, Later, Provenance};

// How the fields are told: each by its name, or as those of a shape, in order.
const BY_NAME: u8 = 0;
const BY_SHAPE: u8 = 1;

// Which rule asks for a field. Rules are named as their field is for the most part.
const NO_RULE: u8 = 0;
const RULE: u8 = 1;
const RULE_OF_FIELD: u8 = 2;

/// Appends changes; gives the places of what is sent.
pub(super) fn put(changes: &Changes, to: &mut Writer<'_>) -> Result<Places> {
    to.number(changes.len() as u64);
    let (Some(fields), Some(after)) = (changes.fields(), changes.after()) else {
        return Ok(Places::default());
    };
    let by_shape = fields.are_of_shape();
    to.byte(if by_shape { BY_SHAPE } else { BY_NAME });
    if by_shape {
        to.shape(fields.shape())?;
    }
    for (rule, field) in fields.iter() {
        if !by_shape {
            field.put(to)?;
        }
        match rule {
            None => to.byte(NO_RULE),
            Some(rule) if rule.as_str() == field.as_str() => to.byte(RULE_OF_FIELD),
            Some(rule) => {
                to.byte(RULE);
                rule.put(to)?;
            }
        }
    }
    changes.before().is_some().put(to)?;
    changes.before().map_or(Ok(()), |before| put_slots(before, to))?;
    let places = put_alike(after, &Places::default(), to)?;
    to.number(changes.later().len() as u64);
    for (place, later) in changes.later() {
        to.number(*place as u64);
        later.put(to)?;
    }
    put_origins(changes, to)?;
    Ok(places)
}

fn put_origins(changes: &Changes, to: &mut Writer<'_>) -> Result<()> {
    let origins = changes.origins();
    (origins.len() > 1).put(to)?;
    origins.iter().try_for_each(|from| from.put(to))
}

impl Form for Changes {
    fn put(&self, to: &mut Writer<'_>) -> Result<()> {
        put(self, to).map(drop)
    }

    fn take(from: &mut Reader<'_>) -> Result<Self> {
        let count = from.count()?;
        if count == 0 {
            return Ok(Self::none());
        }
        let fields = take_fields(count, from)?;
        let before = match bool::take(from)? {
            true => Some(take_slots(fields.shape(), from)?),
            false => None,
        };
        let after = take_alike(fields.shape(), None, from)?;
        let later = take_later(&after, from)?;
        let from = match bool::take(from)? {
            true => (0..count).map(|_| Form::take(from)).collect::<Result<Vec<Provenance>>>()?,
            false => vec![Form::take(from)?],
        };
        Ok(Self::of_parts(ChangesParts { fields, before, after, later, from }))
    }
}

/// What is known only later, by place: in order, and where no value stands.
fn take_later(after: &Record, from: &mut Reader<'_>) -> Result<Vec<(usize, Later)>> {
    let mut all: Vec<(usize, Later)> = Vec::new();
    for _ in 0..from.count()? {
        let place: usize = from.narrow()?;
        let fits = place < after.shape().len()
            && after.get(place) == Presence::Absent
            && all.last().is_none_or(|(last, _)| *last < place);
        if !fits {
            return Err(corrupt("a stored action says of a field twice what is sent"));
        }
        all.push((place, Form::take(from)?));
    }
    Ok(all)
}

impl Form for Later {
    fn put(&self, to: &mut Writer<'_>) -> Result<()> {
        match self {
            Later::ResultOf(action) => {
                to.byte(1);
                action.put(to)
            }
            Later::TargetDecides => {
                to.byte(2);
                Ok(())
            }
        }
    }

    fn take(from: &mut Reader<'_>) -> Result<Self> {
        match from.byte()? {
            1 => Form::take(from).map(Later::ResultOf),
            2 => Ok(Later::TargetDecides),
            tag => Err(unknown_tag("Later", tag)),
        }
    }
}

/// The actions of a page change the same fields for the most part: those are compared and not made again.
fn take_fields(count: usize, from: &mut Reader<'_>) -> Result<Arc<RuledFields>> {
    let start = from.place();
    if let Some(known) = from.fields().filter(|known| known.len() == count) {
        if are_fields(&known, from)? {
            return Ok(known);
        }
        from.go_back(start);
    }
    let by_shape = take_by_shape(from)?;
    let shape = by_shape.then(|| from.shape()).transpose()?;
    if shape.as_ref().is_some_and(|shape| shape.len() != count) {
        return Err(corrupt("a stored action changes other fields than it says"));
    }
    let mut heads: Vec<(Option<RuleId>, FieldName)> = Vec::with_capacity(count.min(ROOM_MAX));
    for place in 0..count {
        let field = match shape.as_ref().and_then(|shape| shape.name(place)) {
            Some(field) => field.clone(),
            None => Form::take(from)?,
        };
        let rule = match from.byte()? {
            NO_RULE => None,
            RULE => Some(Form::take(from)?),
            RULE_OF_FIELD => Some(RuleId::from(field.as_str())),
            tag => return Err(unknown_tag("rule of a change", tag)),
        };
        heads.push((rule, field));
    }
    let fields = match &shape {
        Some(shape) => RuledFields::of_shape(shape, heads.into_iter().map(|(rule, _)| rule).collect())
            .ok_or_else(|| corrupt("a stored action changes other fields than it says"))?,
        None => RuledFields::new(heads)
            .map_err(|cause| corrupt("a stored action changes a field twice").caused_by(cause))?,
    };
    from.keep_fields(&fields);
    Ok(fields)
}

fn take_by_shape(from: &mut Reader<'_>) -> Result<bool> {
    match from.byte()? {
        BY_NAME => Ok(false),
        BY_SHAPE => Ok(true),
        tag => Err(unknown_tag("fields of an action", tag)),
    }
}

/// Whether the bytes speak of these fields.
fn are_fields(known: &RuledFields, from: &mut Reader<'_>) -> Result<bool> {
    let by_shape = take_by_shape(from)?;
    if by_shape != known.are_of_shape() || by_shape && !Arc::ptr_eq(&from.shape()?, known.shape()) {
        return Ok(false);
    }
    for (rule, field) in known.iter() {
        if !by_shape && from.bytes()? != field.as_str().as_bytes() {
            return Ok(false);
        }
        let same = match (from.byte()?, rule) {
            (NO_RULE, None) => true,
            (RULE, Some(rule)) => from.bytes()? == rule.as_str().as_bytes(),
            (RULE_OF_FIELD, Some(rule)) => rule.as_str() == field.as_str(),
            _ => false,
        };
        if !same {
            return Ok(false);
        }
    }
    Ok(true)
}
