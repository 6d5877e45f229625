//! The same value on both sides, converted where the types differ, with what fits declared.
//!
//! Domain: values that the target's type can say and has room for. Null and blank text are carried as null where the
//! target is no text. A default stands for blank on its side; a value that was blank there and holds the default
//! here is left blank, since it makes the default anyway.

use std::collections::HashSet;

use seamless_core::model::{OptionSet, Side, Sides, Value, ValueRef};

use super::convert::convert;
use super::{Carrier, Cell, Made, Making, Trouble};
use crate::declaration::{CopyDecl, RoundDecl, TooLong, TypeDecl};

#[derive(Debug)]
pub(crate) struct Copy {
    pub(crate) types: Sides<Option<TypeDecl>>,
    pub(crate) declared: CopyDecl,
    pub(crate) two_way: bool,
    /// Sides on which empty text counts as nothing: from there it is carried as nothing, which every system can say.
    pub(crate) empty_is_null: Sides<bool>,
    /// What a side can choose from, where its schema says that it takes nothing else.
    pub(crate) choices: Sides<Option<Choices>>,
}

/// The values of a closed option set, as they are written: the text 1 is the number 1, as it is for `option`.
#[derive(Debug)]
pub(crate) struct Choices(HashSet<String>);

impl Choices {
    /// `None` where the set is open.
    pub(crate) fn of(set: &OptionSet) -> Option<Self> {
        set.closed.then(|| Self(set.options.iter().map(|item| written(item.value.as_ref())).collect()))
    }

    fn contain(&self, value: ValueRef<'_>) -> bool {
        match value {
            ValueRef::Text(text) => self.0.contains(text),
            other => self.0.contains(&written(other)),
        }
    }
}

fn written(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Text(text) => text.to_owned(),
        other => other.to_string(),
    }
}

impl Copy {
    fn converts(&self) -> bool {
        match (self.types.left, self.types.right) {
            (Some(left), Some(right)) => !left.same_kind(right),
            _ => false,
        }
    }

    /// Whether values of the other side can have more digits than a side takes.
    fn rounds(&self, to: Side) -> bool {
        let scale = |side: Side| match *self.types.of(side) {
            Some(TypeDecl::Decimal { scale, .. }) => scale,
            _ => None,
        };
        scale(to).is_some_and(|to_scale| scale(to.other()).is_none_or(|from_scale| from_scale > to_scale))
    }

    fn has_default(&self) -> bool {
        self.declared.default.left.is_some() || self.declared.default.right.is_some()
    }
}

impl Carrier for Copy {
    fn carries(&self, _to: Side) -> bool {
        true
    }

    fn lossless(&self) -> bool {
        let comes_back = match (self.types.left, self.types.right) {
            (Some(left), Some(right)) => super::convert::comes_back(left, right),
            _ => true,
        };
        comes_back
            && !self.has_default()
            && self.declared.too_long == TooLong::Park
            && self.declared.round.is_none()
    }

    fn wipes_out(&self, to: Side) -> bool {
        let from = to.other();
        let one_spelling = match (*self.types.of(to), *self.types.of(from)) {
            // Text spells a number or a date in many ways, and keeps the one that it has.
            (Some(to), Some(from)) => {
                let any = |kind: TypeDecl| kind == TypeDecl::Float;
                to.same_kind(from) || !matches!(to, TypeDecl::Text { .. }) && !any(to) && !any(from)
            }
            _ => true,
        };
        // What makes the default there stays blank here; what another rounding takes away stays here.
        one_spelling
            && self.declared.default.of(from).is_none()
            && (matches!(self.declared.round, None | Some(RoundDecl::HalfUp)) || !self.rounds(from))
            && (self.two_way || self.declared.format.of(from).is_none())
    }

    fn is_identity(&self) -> bool {
        // Where text is cut or digits are rounded half up, the rule's equivalence says what counts as the same.
        let compared = matches!(self.declared.round, None | Some(RoundDecl::HalfUp));
        !self.converts() && !self.has_default() && compared
    }

    fn lend<'v>(&'v self, to: Side, values: &[ValueRef<'v>], _: &'v mut String) -> Option<ValueRef<'v>> {
        let value = values.first().copied()?;
        if value.is_blank() || self.choices.of(to).is_some() {
            return None;
        }
        match (value, *self.types.of(to)) {
            (_, None) => {}
            // Bytes are never fewer than characters.
            (ValueRef::Text(text), Some(TypeDecl::Text { length_max }))
                if length_max.is_none_or(|length| text.len() <= length as usize) => {}
            (ValueRef::Int(_), Some(TypeDecl::Int)) | (ValueRef::Bool(_), Some(TypeDecl::Bool)) => {}
            _ => return None,
        }
        (!self.two_way || self.declared.format.of(to).is_none()).then_some(value)
    }

    fn hands_on(&self, to: Side) -> Option<usize> {
        let read_back = self.two_way && self.declared.format.of(to).is_some();
        match *self.types.of(to) {
            _ if self.choices.of(to).is_some() || read_back => None,
            None | Some(TypeDecl::Text { length_max: None }) => Some(usize::MAX),
            // Bytes are never fewer than characters.
            Some(TypeDecl::Text { length_max: Some(length) }) => Some(length as usize),
            Some(_) => None,
        }
    }

    fn make(&self, to: Side, values: &[ValueRef<'_>], _cx: &Making<'_>) -> Result<Made, Trouble> {
        let mut value = values.first().copied().unwrap_or(ValueRef::Null);
        if *self.empty_is_null.of(to.other()) && value == ValueRef::Text("") {
            value = ValueRef::Null;
        }
        if value.is_blank() {
            if let Some(default) = self.declared.default.of(to) {
                return Ok(Made::One(Cell::known(default.clone())));
            }
            if self.two_way && self.declared.default.of(to.other()).is_some() {
                return Err(Trouble::unmappable(
                    value,
                    "this side was cleared, but a default stands here for blank",
                    "enter a value, or clear the other side",
                ));
            }
        }
        let made = match *self.types.of(to) {
            Some(kind) => {
                let (read, write) = (self.declared.format.of(to.other()), self.declared.format.of(to));
                let converted = convert(value, kind, read.as_deref(), write.as_deref())?;
                fitted(&self.declared, converted, kind).map_err(|mut trouble| {
                    trouble.kind = Some(value.kind());
                    trouble
                })?
            }
            None => value.to_value(),
        };
        if let Some(choices) = self.choices.of(to)
            && made != Value::Null
            && !choices.contain(made.as_ref())
        {
            let message = format!("the value {value} is not one of the other side's options");
            return Err(Trouble::unmappable(
                value,
                message,
                "map the values with `options`, or choose another",
            ));
        }
        if self.two_way && self.declared.format.of(to).is_some() {
            self.comes_back(to, value, &made)?;
        }
        Ok(Made::One(Cell::known(made)))
    }
}

impl Copy {
    /// A format may leave things out (a year of two digits): what would come back as something else is not carried.
    fn comes_back(&self, to: Side, value: ValueRef<'_>, made: &Value) -> Result<(), Trouble> {
        let Some(kind) = *self.types.of(to.other()) else { return Ok(()) };
        let back = convert(made.as_ref(), kind, self.declared.format.of(to).as_deref(), None);
        if back.is_ok_and(|back| back.as_ref() == value) {
            return Ok(());
        }
        let message = "the declared `format` leaves out a part of this value";
        Err(Trouble::unmappable(value, message, "use a format that says all of it, or map one way"))
    }
}

/// A value of the target's kind as the target has room for it.
///
/// Errors: it has no room, and nothing is declared of what is done then.
pub(crate) fn fitted(declared: &CopyDecl, value: Value, to: TypeDecl) -> Result<Value, Trouble> {
    match (value, to) {
        (Value::Text(text), TypeDecl::Text { length_max: Some(length_max) }) => {
            fitted_text(declared, text, length_max as usize)
        }
        (Value::Decimal(decimal), TypeDecl::Decimal { precision, scale }) => {
            let rounded = match (scale, declared.round) {
                (Some(scale), Some(round)) if decimal.normalised().scale() > scale => {
                    decimal.rescaled(scale, RoundDecl::rounding(round)).unwrap_or(decimal)
                }
                _ => decimal,
            };
            let own = rounded.normalised();
            let scale_fits = scale.is_none_or(|scale| own.scale() <= scale);
            let fits = scale_fits
                && precision.is_none_or(|precision| own.fits(precision, scale.unwrap_or(own.scale())));
            if fits {
                return Ok(Value::Decimal(rounded));
            }
            let room = match (precision, scale) {
                (Some(precision), Some(scale)) => {
                    format!("{precision} digits, {scale} of them after the point")
                }
                (Some(precision), None) => format!("{precision} digits"),
                (None, scale) => format!("{} digits after the point", scale.unwrap_or(0)),
            };
            let remedy = if scale_fits { "correct the value" } else { "correct it, or declare `round`" };
            Err(Trouble::does_not_fit(
                Value::Decimal(rounded).as_ref(),
                format!("the number does not fit {room}"),
                remedy,
            ))
        }
        (value, _) => Ok(value),
    }
}

fn fitted_text(declared: &CopyDecl, text: std::sync::Arc<str>, length_max: usize) -> Result<Value, Trouble> {
    // Bytes are never fewer than characters: the usual text is not counted.
    if text.len() <= length_max {
        return Ok(Value::Text(text));
    }
    let Some((end, _)) = text.char_indices().nth(length_max) else { return Ok(Value::Text(text)) };
    match declared.too_long {
        TooLong::Truncate => Ok(Value::text(text.get(..end).unwrap_or(&text))),
        TooLong::Park => {
            let length = text.chars().count();
            Err(Trouble::does_not_fit(
                ValueRef::Text(&text),
                format!("{length} characters, but the other side takes {length_max}"),
                "shorten it, or declare `too_long: truncate`",
            ))
        }
    }
}
