//! Several fields of one side lie in one text of the other: a limited system's comment field, or a field of JSON.
//!
//! What else stands in the text is somebody else's: it is kept as it is, and an edit of it is no edit of the rule's values.
//! Domain towards the text: values that can be written as one; of lines, texts without line breaks. Towards the parts: texts
//! that can be read, whose values are of the part's type. Blank parts are taken out of the text. Lossless but for that: blank
//! text and null are the same.

use std::sync::Arc;

use seamless_core::model::{Layout, Packed, Packing, Presence, Side, Value, ValueRef};

use super::convert::convert;
use super::copy::fitted;
use super::{Carrier, Cell, Made, Making, Trouble};
use crate::declaration::{CopyDecl, TypeDecl};

#[derive(Debug)]
pub(crate) struct Pack {
    /// The side with the text.
    pub(crate) whole: Side,
    pub(crate) packing: Arc<Packing>,
    /// What each part holds, where a schema says it.
    pub(crate) types: Vec<Option<TypeDecl>>,
    /// What the text field holds.
    pub(crate) text: TypeDecl,
}

impl Pack {
    /// The text that the values are put into.
    fn held<'a>(cx: &Making<'a>) -> Result<&'a str, Trouble> {
        match cx.current.first() {
            None | Some(Presence::Value(ValueRef::Null)) => Ok(""),
            Some(Presence::Absent) if cx.creating => Ok(""),
            Some(Presence::Value(ValueRef::Text(text))) => Ok(text),
            Some(Presence::Value(other)) => Err(no_text(*other)),
            Some(Presence::Absent | Presence::Unreadable) => Err(Trouble::unmappable(
                ValueRef::Null,
                "nobody can see the text that the value is packed into",
                "let the integration's user read the field",
            )),
        }
    }

    fn pack(&self, values: &[ValueRef<'_>], cx: &Making<'_>) -> Result<Made, Trouble> {
        let mut packed = Vec::with_capacity(values.len());
        for (place, value) in values.iter().enumerate() {
            let bare = self.packing.layout() == Layout::Json
                && matches!(value, ValueRef::Bool(_) | ValueRef::Int(_) | ValueRef::Decimal(_));
            if self.types.get(place).copied().flatten().is_none() && !bare && !is_text(*value) {
                let message =
                    format!("nothing says that it comes back as a {}, and not as a text", value.kind());
                let remedy = "give the mapping the schemas of both systems";
                return Err(Trouble::unmappable(*value, message, remedy).in_field(place));
            }
            let text =
                convert(*value, TypeDecl::TEXT, None, None).map_err(|trouble| trouble.in_field(place))?;
            packed.push(match text {
                Value::Text(text) if !text.is_empty() => Some(Packed { text: text.to_string(), bare }),
                _ => None,
            });
        }
        let value = values.first().copied().unwrap_or(ValueRef::Null);
        let text = self.packing.pack(Self::held(cx)?, &packed).map_err(|error| trouble(value, &error))?;
        let text = if text.is_empty() { Value::Null } else { Value::Text(text.into()) };
        fitted(&CopyDecl::default(), text, self.text).map(|text| Made::One(Cell::known(text)))
    }

    fn unpack(&self, whole: ValueRef<'_>) -> Result<Made, Trouble> {
        let text = match whole {
            ValueRef::Null => "",
            ValueRef::Text(text) => text,
            other => return Err(no_text(other)),
        };
        let values = self.packing.unpack(text).map_err(|error| trouble(whole, &error))?;
        let read = |(value, kind): (Option<Packed>, &Option<TypeDecl>)| {
            let Some(value) = value else { return Ok(Cell::known(Value::Null)) };
            let kind = kind.unwrap_or_else(|| as_written(&value));
            let value = convert(ValueRef::Text(&value.text), kind, None, None)?;
            fitted(&CopyDecl::default(), value, kind).map(Cell::known)
        };
        values.into_iter().zip(&self.types).map(read).collect::<Result<Vec<_>, _>>().map(Made::Many)
    }
}

fn is_text(value: ValueRef<'_>) -> bool {
    matches!(value, ValueRef::Null | ValueRef::Text(_))
}

/// What a value is by the way it is written: JSON tells texts, truth values and numbers apart.
fn as_written(value: &Packed) -> TypeDecl {
    match value.text.as_str() {
        _ if !value.bare => TypeDecl::TEXT,
        "true" | "false" => TypeDecl::Bool,
        number if number.contains(['.', 'e', 'E']) => TypeDecl::DECIMAL,
        number if number.parse::<i64>().is_ok() => TypeDecl::Int,
        _ => TypeDecl::DECIMAL,
    }
}

fn no_text(value: ValueRef<'_>) -> Trouble {
    let message = format!("values are packed into a text, not into a {}", value.kind());
    Trouble::unmappable(value, message, "pack into a field of text")
}

fn trouble(value: ValueRef<'_>, error: &seamless_core::model::Error) -> Trouble {
    Trouble::unmappable(value, error.message_with_causes(), error.remedy().unwrap_or("correct the text"))
}

impl Carrier for Pack {
    fn carries(&self, _to: Side) -> bool {
        true
    }

    fn lossless(&self) -> bool {
        false
    }

    fn wipes_out(&self, _to: Side) -> bool {
        // What is somebody else's in the text does not count.
        true
    }

    fn make(&self, to: Side, values: &[ValueRef<'_>], cx: &Making<'_>) -> Result<Made, Trouble> {
        match to == self.whole {
            true => self.pack(values, cx),
            false => self.unpack(values.first().copied().unwrap_or(ValueRef::Null)),
        }
    }
}
