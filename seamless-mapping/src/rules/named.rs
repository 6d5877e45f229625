//! A reference, translated by a field of the record that it points at: through the value that the field holds there, and the
//! one record of the other side that holds the same value, where that side refers too.
//!
//! No pair and no link is needed: the systems are asked. Domain: references to records that hold a value, and values that one
//! record holds. A record that is not there, or not alone, is missing.

use seamless_core::mapper::{Found, MapProblem, Resolved, Seek};
use seamless_core::model::{
    EntityName, FieldName, KeyPart, RecordId, Reference, Side, Sides, Value, ValueRef,
};

use super::blank::{Blanks, nothing};
use super::convert::convert;
use super::copy::fitted;
use super::{Carrier, Cell, Made, Making, Trouble};
use crate::declaration::{CopyDecl, IfMissing, TypeDecl};

/// An entity and the field that its records are known by.
pub(crate) type By = (EntityName, FieldName);

#[derive(Debug)]
pub(crate) struct Named {
    /// The sides that refer; the other one, if any, holds the value itself.
    pub(crate) by: Sides<Option<By>>,
    pub(crate) types: Sides<Option<TypeDecl>>,
    pub(crate) if_missing: Sides<IfMissing>,
    pub(crate) blanks: Blanks,
}

/// What a value of the giving side leads to, as far as is known.
enum Led {
    /// A value that records are known by; blank where the record that is referred to holds none.
    To(Value),
    Missing(String),
    Asks(Seek),
    Unsaid,
}

impl Named {
    fn referred(value: ValueRef<'_>, entity: &EntityName) -> Result<RecordId, Trouble> {
        match value {
            ValueRef::Reference(reference) if reference.entity == *entity => Ok(reference.id.clone()),
            ValueRef::Reference(reference) => {
                let message = format!("it refers to {}, which the lookup does not name", reference.entity);
                Err(Trouble::unmappable(value, message, format!("refer to a record of {entity}")))
            }
            ValueRef::Text(key) => Ok(RecordId::text(key)),
            ValueRef::Int(key) => Ok(RecordId::int(key)),
            _ => Err(Trouble::unmappable(
                value,
                format!("a {} refers to no record", value.kind()),
                "a lookup needs a reference, or a key that is text or a whole number",
            )),
        }
    }

    /// The value that a record is known by.
    fn led(&self, from: Side, value: ValueRef<'_>, resolved: &Resolved) -> Result<Led, Trouble> {
        let Some((entity, field)) = self.by.of(from) else { return Ok(Led::To(value.to_value())) };
        let id = Self::referred(value, entity)?;
        let seek = Seek::Field { side: from, entity: entity.clone(), field: field.clone(), id };
        Ok(match resolved.found(&seek) {
            Some(Found::Value(value)) => Led::To(value.clone()),
            Some(Found::Unsaid) => Led::Unsaid,
            Some(_) => Led::Missing(format!("the record of {entity} that it refers to is not there")),
            None => Led::Asks(seek),
        })
    }

    fn sought(&self, to: Side, value: &Value) -> Result<Option<Seek>, Trouble> {
        let Some((entity, field)) = self.by.of(to) else { return Ok(None) };
        let value = match value {
            Value::Text(text) => KeyPart::Text(text.clone()),
            Value::Int(number) => KeyPart::Int(*number),
            other => {
                let message = format!("no record is looked up by a {}", other.kind());
                return Err(Trouble::unmappable(
                    other.as_ref(),
                    message,
                    "use a field of text or whole numbers",
                ));
            }
        };
        Ok(Some(Seek::Record { side: to, entity: entity.clone(), field: field.clone(), value }))
    }

    fn missing(&self, to: Side, value: ValueRef<'_>, message: String) -> Result<Made, Trouble> {
        let remedy = "make the record, or correct the value";
        match self.if_missing.of(to) {
            IfMissing::Later => {
                Err(Trouble { problem: MapProblem::NotFound, ..Trouble::unmappable(value, message, remedy) })
            }
            IfMissing::Park => Err(Trouble::unmappable(value, message, remedy)),
            IfMissing::Null => Ok(Made::One(Cell::known(Value::Null))),
            IfMissing::Use(used) => Ok(Made::One(Cell::known(self.written(to, used)))),
        }
    }

    /// A key that the author named, as the side's field has it.
    pub(crate) fn written(&self, to: Side, key: &Value) -> Value {
        match (self.by.of(to), key) {
            (Some(_), Value::Int(key)) => self.reference(to, RecordId::int(*key)),
            (Some(_), Value::Text(key)) => self.reference(to, RecordId::text(key)),
            (_, other) => other.clone(),
        }
    }

    /// A record as the side's field has it.
    fn reference(&self, to: Side, id: RecordId) -> Value {
        let plain = matches!(self.types.of(to), Some(kind) if *kind != TypeDecl::Reference);
        match (plain, id.parts().as_slice(), self.by.of(to)) {
            (true, [KeyPart::Text(key)], _) => Value::Text(key.clone()),
            (true, [KeyPart::Int(key)], _) => match self.types.of(to) {
                Some(TypeDecl::Text { .. }) => Value::text(&key.to_string()),
                _ => Value::Int(*key),
            },
            (_, _, Some((entity, _))) => Value::Reference(Reference { entity: entity.clone(), id }.into()),
            (_, _, None) => Value::Null,
        }
    }

    /// What a side gets that holds the value itself.
    fn plain(&self, to: Side, value: &Value) -> Result<Made, Trouble> {
        let Some(kind) = *self.types.of(to) else { return Ok(Made::One(Cell::known(value.clone()))) };
        let made = convert(value.as_ref(), kind, None, None)?;
        fitted(&CopyDecl::default(), made, kind).map(|made| Made::One(Cell::known(made)))
    }
}

impl Carrier for Named {
    fn carries(&self, _to: Side) -> bool {
        true
    }

    fn lossless(&self) -> bool {
        let exact = |policy: &IfMissing| matches!(policy, IfMissing::Later | IfMissing::Park);
        exact(&self.if_missing.left)
            && exact(&self.if_missing.right)
            && self.blanks.lossless()
            && self.refer()
    }

    fn wipes_out(&self, to: Side) -> bool {
        // What the value that stands for a missing record is made of cannot be told apart afterwards.
        self.refer()
            && self.blanks.wipes_out(to)
            && !matches!(self.if_missing.of(to.other()), IfMissing::Null | IfMissing::Use(_))
    }

    fn follows(&self, to: Side) -> bool {
        self.by.of(to.other()).is_some() && self.by.of(to).is_none()
    }

    fn seeks(&self) -> bool {
        true
    }

    fn seek(&self, to: Side, values: &[ValueRef<'_>], resolved: &Resolved, out: &mut Vec<Seek>) {
        let Some(value) = values.first().copied().filter(|value| !value.is_blank()) else { return };
        if self.blanks.is_blank(to.other(), value) {
            return;
        }
        match self.led(to.other(), value, resolved) {
            Ok(Led::Asks(seek)) => out.push(seek),
            Ok(Led::To(value)) if !value.as_ref().is_blank() => {
                out.extend(self.sought(to, &value).ok().flatten());
            }
            _ => {}
        }
    }

    fn make(&self, to: Side, values: &[ValueRef<'_>], cx: &Making<'_>) -> Result<Made, Trouble> {
        let value = values.first().copied().unwrap_or(ValueRef::Null);
        if value.is_blank() {
            return self.blanks.made(to, value, 1);
        }
        if self.blanks.is_blank(to.other(), value) {
            return Ok(nothing(1));
        }
        let known_by = match self.led(to.other(), value, cx.resolved)? {
            Led::To(known_by) => known_by,
            Led::Missing(message) => return self.missing(to, value, message),
            Led::Unsaid => return Err(unsaid(value)),
            Led::Asks(_) => return Err(not_asked(value)),
        };
        let Some((entity, field)) = self.by.of(to) else { return self.plain(to, &known_by) };
        if known_by.as_ref().is_blank() {
            let message = "the record that it refers to holds nothing to look it up by".to_owned();
            return self.missing(to, value, message);
        }
        let Some(seek) = self.sought(to, &known_by)? else { return Err(not_asked(value)) };
        match cx.resolved.found(&seek) {
            Some(Found::Record(id)) => Ok(Made::One(Cell::known(self.reference(to, id.clone())))),
            Some(Found::Several) => {
                let message = format!("several records of {entity} have {known_by} in {field}");
                self.missing(to, value, message)
            }
            Some(Found::Unsaid) => Err(unsaid(value)),
            Some(Found::Nothing | Found::Value(_)) => {
                self.missing(to, value, format!("no record of {entity} has {known_by} in {field}"))
            }
            None => Err(not_asked(value)),
        }
    }
}

impl Named {
    /// Whether both sides refer.
    fn refer(&self) -> bool {
        self.by.left.is_some() && self.by.right.is_some()
    }
}

fn unsaid(value: ValueRef<'_>) -> Trouble {
    let remedy = "let the integration's user read the field";
    let trouble = Trouble::unmappable(value, "the system does not say what it is looked up by", remedy);
    Trouble { problem: MapProblem::NotKnown, ..trouble }
}

/// Nobody asked: as in a test of a mapping, which knows no system.
fn not_asked(value: ValueRef<'_>) -> Trouble {
    let trouble = Trouble::unmappable(value, "the system was not asked", "look at a plan: only a run asks");
    Trouble { problem: MapProblem::NotKnown, ..trouble }
}
