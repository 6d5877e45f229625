//! Whether two values have the same canonical form, decided without making the forms. Knows only the usual steps and
//! kinds; where it cannot decide, the caller makes both forms. The door is [`Quick`].
//!
//! A changed text costs a canonical form of both its values, which is allocation and Unicode tables: several hundred
//! nanoseconds where the rest of a comparison costs five. Nearly all texts of nearly all systems are ASCII, and
//! there the usual steps can be compared in place.

use super::canon::Normaliser;
use super::value::{DecimalRef, ValueRef};

/// What of a list of steps matters for comparing in place; made once per form.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Quick {
    text: TextSteps,
    /// Whether texts are compared in place at all.
    texts: bool,
    /// Digits after the point that rounding leaves.
    scale: Option<u8>,
    empty_is_null: bool,
    /// Whether only a part of a text counts, so that any text may count as nothing.
    packed: bool,
    /// Whether numbers become texts and go through the steps for texts as well.
    numbers_become_texts: bool,
}

impl Quick {
    /// What matters of these steps.
    pub(super) fn of(steps: &[Normaliser]) -> Self {
        let scale = steps.iter().find_map(|step| match step {
            Normaliser::Scale(scale) => Some(*scale),
            _ => None,
        });
        let text = TextSteps::of(steps);
        Self {
            text: text.unwrap_or_default(),
            texts: text.is_some(),
            scale,
            empty_is_null: steps.contains(&Normaliser::EmptyIsNull),
            packed: steps.iter().any(|step| matches!(step, Normaliser::Packed(_))),
            numbers_become_texts: steps.contains(&Normaliser::OptionValue),
        }
    }

    /// Whether two values that are not equal as they are have equal canonical forms; `None` where that is not decided
    /// here. Allocates nothing.
    pub(super) fn same(&self, a: ValueRef<'_>, b: ValueRef<'_>) -> Option<bool> {
        match (a, b) {
            (ValueRef::Text(a), ValueRef::Text(b)) => self.same_text(a.as_bytes(), b.as_bytes()),
            (ValueRef::Null, ValueRef::Text(text)) | (ValueRef::Text(text), ValueRef::Null) => {
                if self.packed {
                    return None;
                }
                // Only empty text becomes nothing.
                if self.empty_is_null { self.same_text(text.as_bytes(), b"") } else { Some(false) }
            }
            (ValueRef::Decimal(DecimalRef::Small(_, a)), ValueRef::Decimal(DecimalRef::Small(_, b))) => {
                self.same_decimal(a, b)
            }
            (ValueRef::Int(_), ValueRef::Int(_)) => self.same_number(),
            // No step makes two different ones of these equal.
            (ValueRef::Bool(_), ValueRef::Bool(_))
            | (ValueRef::Date(_), ValueRef::Date(_))
            | (ValueRef::Time(_), ValueRef::Time(_))
            | (ValueRef::Bytes(_), ValueRef::Bytes(_))
            | (ValueRef::Reference(_), ValueRef::Reference(_)) => Some(false),
            _ => None,
        }
    }

    /// The same of two texts that differ, as UTF-8.
    #[inline]
    pub(super) fn same_text(&self, a: &[u8], b: &[u8]) -> Option<bool> {
        if self.texts { self.text.same(a, b) } else { None }
    }

    /// The same of two decimals that differ, by their scales.
    #[inline]
    pub(super) fn same_decimal(&self, a: u8, b: u8) -> Option<bool> {
        // Rounding to as many digits as both have changes neither.
        if self.scale.is_none_or(|scale| a.max(b) <= scale) { self.same_number() } else { None }
    }

    /// The same of two numbers that differ and that rounding leaves alone.
    #[inline]
    pub(super) fn same_number(&self) -> Option<bool> {
        (!self.numbers_become_texts).then_some(false)
    }
}

/// What is done to a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct TextSteps {
    trim: bool,
    case: bool,
    space: bool,
    length_max: Option<u32>,
    /// Whether what follows is right for ASCII alone.
    ascii: bool,
}

impl TextSteps {
    /// `None` where a step is not among those that are done here.
    fn of(steps: &[Normaliser]) -> Option<Self> {
        let mut done = Self::default();
        for step in steps {
            match step {
                Normaliser::Trim => done.trim = true,
                Normaliser::Space => (done.trim, done.space, done.ascii) = (true, true, true),
                Normaliser::Case => (done.case, done.ascii) = (true, true),
                Normaliser::Email => (done.trim, done.case, done.ascii) = (true, true, true),
                Normaliser::Truncated(length) => (done.length_max, done.ascii) = (Some(*length), true),
                // Composes nothing in ASCII.
                Normaliser::Unicode => done.ascii = true,
                // These leave a text that is compared with another text as it is; of two texts that are the same,
                // both are empty or neither.
                Normaliser::Scale(_)
                | Normaliser::Instant(_)
                | Normaliser::ZeroIsNull
                | Normaliser::EmptyIsNull
                | Normaliser::OptionValue
                | Normaliser::Lines(_)
                | Normaliser::Row(_) => {}
                Normaliser::Digits | Normaliser::Set | Normaliser::Packed(_) => return None,
            }
        }
        // Where blanks in the middle go, what is cut off is not a tail of the text as it stands.
        (!(done.space && done.length_max.is_some())).then_some(done)
    }

    #[inline]
    fn same(self, a: &[u8], b: &[u8]) -> Option<bool> {
        // The usual form does no more than trim and the usual text has nothing to trim; that they differ is known.
        let graphic = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_graphic);
        let whole = |text: &[u8]| graphic(text.first()) && graphic(text.last());
        if !self.ascii && whole(a) && whole(b) {
            return Some(false);
        }
        if self.ascii && !(a.is_ascii() && b.is_ascii()) {
            return None;
        }
        let (a, b) = (self.kept(a), self.kept(b));
        // Beyond ASCII there are blanks of several bytes.
        let wide =
            |text: &[u8]| text.first().is_some_and(|b| *b >= 128) || text.last().is_some_and(|b| *b >= 128);
        if self.trim && (wide(a) || wide(b)) {
            return None;
        }
        let equal = |a: &[u8], b: &[u8]| if self.case { a.eq_ignore_ascii_case(b) } else { a == b };
        if !self.space {
            return Some(equal(a, b));
        }
        let words = |text| <[u8]>::split(text, is_blank).filter(|word| !word.is_empty());
        let (mut a, mut b) = (words(a), words(b));
        loop {
            match (a.next(), b.next()) {
                (None, None) => return Some(true),
                (Some(a), Some(b)) if equal(a, b) => {}
                _ => return Some(false),
            }
        }
    }

    /// The part of a text that trimming and cutting leave. A cut can leave blanks at the end, which go as well.
    #[inline]
    fn kept(self, text: &[u8]) -> &[u8] {
        let trimmed = |text| if self.trim { trim(text) } else { text };
        let text = trimmed(text);
        match self.length_max {
            Some(length) => trimmed(text.get(..length as usize).unwrap_or(text)),
            None => text,
        }
    }
}

/// The blanks of ASCII as Unicode has them: one more than `is_ascii_whitespace` knows.
#[inline]
fn is_blank(byte: &u8) -> bool {
    matches!(byte, b'\t'..=b'\r' | b' ')
}

/// A text without blanks at its ends; nothing else is a blank where no byte at the ends is beyond ASCII.
#[inline]
fn trim(mut text: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = text
        && is_blank(first)
    {
        text = rest;
    }
    while let [rest @ .., last] = text
        && is_blank(last)
    {
        text = rest;
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Just, Strategy, any, prop_assert_eq, prop_oneof, proptest};

    use super::Quick;
    use crate::model::canon::{CanonicalForm, Normaliser};
    use crate::model::value::Value;

    fn step() -> impl Strategy<Value = Normaliser> {
        prop_oneof![
            Just(Normaliser::Trim),
            Just(Normaliser::Case),
            Just(Normaliser::Space),
            Just(Normaliser::Unicode),
            Just(Normaliser::Digits),
            Just(Normaliser::Email),
            (0u32..4).prop_map(Normaliser::Truncated),
            (0u8..3).prop_map(Normaliser::Scale),
            Just(Normaliser::Set),
            Just(Normaliser::EmptyIsNull),
            Just(Normaliser::ZeroIsNull),
            Just(Normaliser::OptionValue),
        ]
    }

    fn value() -> impl Strategy<Value = Value> {
        prop_oneof![
            6 => "[ \t\u{b}aA;é\u{a0}]{0,4}".prop_map(|text| Value::text(&text)),
            1 => Just(Value::Null),
            1 => any::<bool>().prop_map(Value::Bool),
            1 => (-1i64..2).prop_map(Value::Int),
            2 => "-?[0-1]\\.[0-9]{0,2}5?".prop_map(|text| text.parse().map_or(Value::Null, Value::Decimal)),
        ]
    }

    proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(4_000))]

        // Catches: any step that is done otherwise in place than in the form, such as a cut that leaves a blank, or
        // the case of letters outside ASCII.
        #[test]
        fn what_is_decided_quickly_is_what_the_forms_say(
            steps in proptest::collection::vec(step(), 0..4), a in value(), b in value()
        ) {
            let form = CanonicalForm::new(steps);
            if a != b && let Some(same) = Quick::of(form.steps()).same(a.as_ref(), b.as_ref()) {
                prop_assert_eq!(same, form.apply(a.as_ref()) == form.apply(b.as_ref()));
            }
        }
    }

    #[test]
    fn the_usual_forms_are_decided_quickly() {
        let steps = [Normaliser::Trim, Normaliser::Case, Normaliser::EmptyIsNull, Normaliser::Truncated(5)];
        let form = CanonicalForm::new(steps);
        let quickly = |a: Value, b: Value| Quick::of(form.steps()).same(a.as_ref(), b.as_ref());
        assert_eq!(quickly(Value::text(" Anna K."), Value::text("ANNA  ")), Some(true));
        assert_eq!(quickly(Value::text("Anna"), Value::text("Bea")), Some(false));
        assert_eq!(quickly(Value::Null, Value::text(" ")), Some(true));
        assert_eq!(quickly(Value::text("é"), Value::text("É")), None);
    }
}
