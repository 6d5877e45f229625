//! Recognising what a system made of a value that was sent to it: cut, rounded, folded. Pure, over two values; knows
//! neither records nor policies. The door is [`lossy_form`].
//!
//! A system that does not return what it stored leaves two explanations for a value that differs from what was sent:
//! it keeps values in a form of its own, or a user edited the value. Only a difference that *can* be a form is parked
//! until a person says which; every other one is an edit.

use serde::{Deserialize, Serialize};

use crate::model::{CanonicalForm, Decimal, Normaliser, Rounding, Value, ValueRef};

/// What a system may make of the values that are sent to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LossyForm {
    /// What is the same under this form is one value to it: text that is cut, trimmed or in one case, empty text and
    /// nothing, moments without fractions.
    Folded(CanonicalForm),
    /// Numbers rounded half up, to a number of digits after the point between these two: a value with zeros there
    /// does not tell which.
    Rounded {
        /// Digits at least.
        least: u8,
        /// Digits at most.
        most: u8,
    },
    /// Numbers that lose their last digits in another way: towards zero, or ties to the even digit.
    Dropped {
        /// Digits at least.
        least: u8,
        /// Digits at most.
        most: u8,
    },
}

/// Folds of text, the weaker first: of two that explain a difference the weaker one does.
const FOLDS: [Normaliser; 5] =
    [Normaliser::Trim, Normaliser::EmptyIsNull, Normaliser::Space, Normaliser::Case, Normaliser::Unicode];

/// The form in which `read` is what was `sent`; `None` where it can only be an edit, or is the same.
///
/// Total. Costs up to some sixty canonical forms of both values, so it is asked about suspects only. Law: two values
/// that it takes for one are one under [`LossyForm::declared`] (`what_is_recognised_is_the_same_under_the_form`).
pub fn lossy_form(sent: ValueRef<'_>, read: ValueRef<'_>) -> Option<LossyForm> {
    if sent == read {
        return None;
    }
    match (sent, read) {
        (ValueRef::Text(_) | ValueRef::Null, ValueRef::Text(_) | ValueRef::Null) => {
            folded(sent, read).map(LossyForm::Folded)
        }
        (ValueRef::Instant(_), ValueRef::Instant(_))
        | (ValueRef::LocalDateTime(_), ValueRef::LocalDateTime(_)) => {
            let forms = (0..=9).rev().map(|digits| CanonicalForm::new([Normaliser::Instant(digits)]));
            // What is read holds nothing finer than the form: a moment that was moved by a little is an edit.
            let mut forms = forms.filter(|form| form.apply(read).as_ref() == read);
            forms.find(|form| form.same(sent, read)).map(LossyForm::Folded)
        }
        _ => rounded(&number(sent)?, &number(read)?),
    }
}

/// The weakest fold, or else the weakest fold with a cut, under which both are the same.
fn folded(sent: ValueRef<'_>, read: ValueRef<'_>) -> Option<CanonicalForm> {
    // What all folds together leave apart, none of them alone brings together.
    if CanonicalForm::new(FOLDS).same(sent, read) {
        return folds().map(CanonicalForm::new).find(|form| form.same(sent, read));
    }
    let (ValueRef::Text(longer), ValueRef::Text(shorter)) = (sent, read) else { return None };
    let length = u32::try_from(shorter.chars().count()).ok()?;
    // A text that was emptied was emptied by somebody.
    if shorter.trim().is_empty() || longer.chars().count() <= length as usize {
        return None;
    }
    let cut =
        |folds: Vec<Normaliser>| CanonicalForm::new(folds.into_iter().chain([Normaliser::Truncated(length)]));
    let unfolded = std::iter::once(Vec::new());
    unfolded.chain(folds()).map(cut).find(|form| form.same(sent, read))
}

/// All sets of folds but the empty one, smaller ones first.
fn folds() -> impl Iterator<Item = Vec<Normaliser>> {
    let mut sets: Vec<u8> = (1..1 << FOLDS.len()).collect();
    sets.sort_by_key(|set| set.count_ones());
    sets.into_iter().map(|set| {
        let members = FOLDS.iter().enumerate().filter(move |(place, _)| set >> place & 1 == 1);
        members.map(|(_, fold)| fold.clone()).collect()
    })
}

fn number(value: ValueRef<'_>) -> Option<Decimal> {
    match value.to_value() {
        Value::Int(number) => Some(Decimal::from_i64(number)),
        Value::Decimal(number) => Some(number),
        _ => None,
    }
}

/// The digits to which `sent` was rounded, or cut, to become `read`.
fn rounded(sent: &Decimal, read: &Decimal) -> Option<LossyForm> {
    let (sent, read) = (sent.normalised(), read.normalised());
    let least = u8::try_from(read.scale()).ok()?;
    let finest = u8::try_from(sent.scale()).ok()?;
    // Once a scale gives another number, every finer one does.
    let most = |rounding: Rounding| {
        let gives = |scale: &u8| sent.rescaled(u32::from(*scale), rounding).is_some_and(|to| to == read);
        (least..finest).take_while(gives).last()
    };
    if let Some(most) = most(Rounding::HalfUp) {
        return Some(LossyForm::Rounded { least, most });
    }
    let most = most(Rounding::Down).or_else(|| most(Rounding::HalfEven))?;
    Some(LossyForm::Dropped { least, most })
}

impl LossyForm {
    /// The form that a mapping can declare of the side's field, so that both values count as one. `None` where no
    /// form says it: then the rule itself can round as the system does.
    pub fn declared(&self) -> Option<CanonicalForm> {
        match self {
            LossyForm::Folded(form) => Some(form.clone()),
            LossyForm::Rounded { most, .. } => Some(CanonicalForm::new([Normaliser::Scale(*most)])),
            LossyForm::Dropped { .. } => None,
        }
    }

    /// What two observations have in common: the form that explains both, where there is one.
    pub fn common(&self, other: &LossyForm) -> Option<LossyForm> {
        let both = |a: (u8, u8), b: (u8, u8)| {
            let (least, most) = (a.0.max(b.0), a.1.min(b.1));
            (least <= most).then_some((least, most))
        };
        match (self, other) {
            (LossyForm::Folded(one), LossyForm::Folded(two)) => {
                (one == two).then(|| LossyForm::Folded(one.clone()))
            }
            (LossyForm::Rounded { least, most }, LossyForm::Rounded { least: from, most: to }) => {
                both((*least, *most), (*from, *to)).map(|(least, most)| LossyForm::Rounded { least, most })
            }
            (LossyForm::Dropped { least, most }, LossyForm::Dropped { least: from, most: to }) => {
                both((*least, *most), (*from, *to)).map(|(least, most)| LossyForm::Dropped { least, most })
            }
            _ => None,
        }
    }
}

impl std::fmt::Display for LossyForm {
    /// What is done to a value, to stand behind "it is stored".
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let places = |f: &mut std::fmt::Formatter<'_>, most: u8| match most {
            0 => f.write_str("to whole numbers"),
            1 => f.write_str("to 1 digit after the point"),
            most => write!(f, "to {most} digits after the point"),
        };
        let form = match self {
            LossyForm::Rounded { most, .. } => {
                f.write_str("rounded ")?;
                return places(f, *most);
            }
            LossyForm::Dropped { most, .. } => {
                f.write_str("shortened ")?;
                return places(f, *most);
            }
            LossyForm::Folded(form) => form,
        };
        for (place, step) in form.steps().iter().enumerate() {
            f.write_str(if place > 0 { ", " } else { "" })?;
            match step {
                Normaliser::Trim => f.write_str("without blanks at its ends")?,
                Normaliser::Space => f.write_str("with single blanks")?,
                Normaliser::Case => f.write_str("in another case")?,
                Normaliser::Unicode => f.write_str("in another Unicode form")?,
                Normaliser::EmptyIsNull => f.write_str("with nothing for empty text")?,
                Normaliser::Truncated(1) => f.write_str("cut to 1 character")?,
                Normaliser::Truncated(length) => write!(f, "cut to {length} characters")?,
                Normaliser::Instant(0) => f.write_str("without fractions of a second")?,
                Normaliser::Instant(digits) => write!(f, "with {digits} digits of a second")?,
                other => write!(f, "as {other}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "lossy_tests.rs"]
mod tests;
