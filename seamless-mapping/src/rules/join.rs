//! Several fields of one side make one text of the other, and back: a first and a last name, a street and a number.
//!
//! Blank parts are left out, so that a lone name has no blank before it. Domain towards the parts: texts that, taken
//! apart and joined again, are what they were, in the rule's equivalence. Where a text is taken apart is a guess of
//! the author's ("van der Berg"); parts that already make the text are therefore left alone.

use seamless_core::model::{CanonicalForm, Side, Value, ValueRef};

use super::{Carrier, Cell, Made, Making, Trouble};
use crate::declaration::{JoinDecl, SplitAt};

#[derive(Debug)]
pub(crate) struct Join {
    /// The side with several fields.
    pub(crate) parts: Side,
    pub(crate) count: usize,
    pub(crate) declared: JoinDecl,
    /// When two wholes count as the same.
    pub(crate) form: CanonicalForm,
}

impl Join {
    fn joined(&self, values: &[ValueRef<'_>]) -> Result<Value, Trouble> {
        let mut whole = String::new();
        self.join(values, &mut whole)?;
        Ok(if whole.is_empty() { Value::Null } else { Value::Text(whole.into()) })
    }

    /// Puts the parts into an empty text.
    fn join(&self, values: &[ValueRef<'_>], whole: &mut String) -> Result<(), Trouble> {
        for (place, value) in values.iter().enumerate() {
            let text = match value {
                ValueRef::Null => continue,
                ValueRef::Text("") => continue,
                ValueRef::Text(text) => *text,
                _ => {
                    let message = format!("only texts are joined, not a {}", value.kind());
                    return Err(Trouble::unmappable(*value, message, "join fields of text").in_field(place));
                }
            };
            if !whole.is_empty() {
                whole.push_str(&self.declared.separator);
            }
            whole.push_str(text);
        }
        Ok(())
    }

    fn taken_apart(&self, whole: &str, at: SplitAt) -> Vec<Value> {
        let separator = self.declared.separator.as_str();
        let mut pieces: Vec<&str> = match at {
            SplitAt::First => whole.splitn(self.count, separator).collect(),
            SplitAt::Last => whole.rsplitn(self.count, separator).collect(),
        };
        pieces.resize(self.count, "");
        if at == SplitAt::Last {
            pieces.reverse();
        }
        let part = |piece: &str| if piece.is_empty() { Value::Null } else { Value::text(piece) };
        pieces.into_iter().map(part).collect()
    }
}

impl Carrier for Join {
    fn carries(&self, to: Side) -> bool {
        to != self.parts || self.declared.split.is_some()
    }

    fn lossless(&self) -> bool {
        false
    }

    fn wipes_out(&self, to: Side) -> bool {
        // Parts that make the text already are left as they were taken apart before.
        to != self.parts
    }

    fn lend<'v>(
        &'v self,
        to: Side,
        values: &[ValueRef<'v>],
        scratch: &'v mut String,
    ) -> Option<ValueRef<'v>> {
        if to == self.parts {
            return None;
        }
        self.join(values, scratch).ok()?;
        Some(if scratch.is_empty() { ValueRef::Null } else { ValueRef::Text(scratch) })
    }

    fn make(&self, to: Side, values: &[ValueRef<'_>], _cx: &Making<'_>) -> Result<Made, Trouble> {
        if to != self.parts {
            return self.joined(values).map(|whole| Made::One(Cell::known(whole)));
        }
        let whole = values.first().copied().unwrap_or(ValueRef::Null);
        if whole.is_blank() {
            return Ok(Made::Many(vec![Cell::known(Value::Null); self.count]));
        }
        let (ValueRef::Text(text), Some(at)) = (whole, self.declared.split) else {
            let message = format!("only texts are taken apart, not a {}", whole.kind());
            return Err(Trouble::unmappable(whole, message, "correct the value"));
        };
        let parts = self.taken_apart(text, at);
        let refs: Vec<ValueRef<'_>> = parts.iter().map(Value::as_ref).collect();
        if !self.form.same(self.joined(&refs)?.as_ref(), whole) {
            return Err(Trouble::unmappable(
                whole,
                "taken apart and joined again the text would be another one",
                "remove the separator at its ends, or declare `same_when: space`",
            ));
        }
        Ok(Made::Many(parts.into_iter().map(Cell::known).collect()))
    }
}
