//! Decimals as text: the strict grammar, the plain printed form, and serde on top of both.
//!
//! The grammar refuses whatever two systems could read in two ways. Printing never uses an exponent, so a
//! number that was printed reads back the same as written. Inline numbers touch no heap in either way.
//! This file knows no arithmetic. Its door is [`parse`].

use std::fmt::{self, Write as _};
use std::str::FromStr;

use bigdecimal::num_bigint::{BigInt, BigUint, Sign};
use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::ser::{Serialize, Serializer};
use thiserror::Error;

use super::{DIGITS_MAX, Decimal, Repr, SCALE_MAX};

/// Longest text of an inline number without its sign: `0.` and 255 digits.
const SMALL_TEXT_MAX: usize = 2 + u8::MAX as usize;

/// Why a text is not a number that is accepted here. Never carries the text itself: it may be long, and it
/// may be private.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DecimalError {
    /// There is no text at all.
    #[error("an empty text is not a decimal number")]
    Empty,
    /// The text leaves the grammar.
    #[error(
        "not a decimal number from byte {at} on: expected an optional '-', digits, an optional '.' with \
         digits, and an optional exponent"
    )]
    Malformed {
        /// Offset in bytes of the first byte that does not fit, or the length of a text that ends too soon.
        at: usize,
    },
    /// More digits than [`DIGITS_MAX`], counted after an exponent is written out.
    #[error("a decimal number of {digits} digits is above the limit of {DIGITS_MAX} (DIGITS_MAX)")]
    TooManyDigits {
        /// How many significant digits the number has.
        digits: u64,
    },
    /// More digits after the point than [`SCALE_MAX`].
    #[error(
        "a decimal number with {scale} digits after the point is above the limit of {SCALE_MAX} (SCALE_MAX)"
    )]
    ScaleTooLarge {
        /// How many digits would follow the point.
        scale: u64,
    },
}

/// What the grammar found; slices of the text, nothing copied.
struct Scanned<'a> {
    negative: bool,
    whole: &'a [u8],
    fraction: &'a [u8],
    exponent: i64,
}

/// The part of the text that is not read yet.
struct Cursor<'a> {
    rest: &'a [u8],
    length: usize,
}

pub(super) fn parse(text: &str) -> Result<Decimal, DecimalError> {
    let scanned = scan(text)?;
    let whole = without_leading_zeros(scanned.whole);
    let fraction = if whole.is_empty() { without_leading_zeros(scanned.fraction) } else { scanned.fraction };
    let is_zero = fraction.is_empty() && whole.is_empty();

    // Lengths of slices are below i64::MAX.
    let point = (scanned.fraction.len() as i64).saturating_sub(scanned.exponent);
    let scale = u64::try_from(point).unwrap_or(0);
    let zeros = if is_zero || point >= 0 { 0 } else { point.unsigned_abs() };
    let digits = ((whole.len() + fraction.len()) as u64).saturating_add(zeros);
    if digits > u64::from(DIGITS_MAX) {
        return Err(DecimalError::TooManyDigits { digits });
    }
    let scale = match u32::try_from(scale) {
        Ok(scale) if scale <= SCALE_MAX => scale,
        _ => return Err(DecimalError::ScaleTooLarge { scale }),
    };
    // Below the limit checked above.
    let zeros = zeros as u32;

    if let Some(small) = small(scanned.negative, whole, fraction, zeros)
        && let Ok(scale) = u8::try_from(scale)
    {
        return Ok(Decimal::new(small, scale));
    }
    let mut all = Vec::with_capacity(digits as usize);
    all.extend_from_slice(whole);
    all.extend_from_slice(fraction);
    all.resize(digits as usize, b'0');
    let sign = if scanned.negative { Sign::Minus } else { Sign::Plus };
    // An empty slice is a zero with a large scale. Only digits are left, so neither error can come up.
    let magnitude =
        if is_zero { BigUint::ZERO } else { BigUint::parse_bytes(&all, 10).ok_or(DecimalError::Empty)? };
    Decimal::from_parts(BigInt::from_biguint(sign, magnitude), scale)
        .ok_or(DecimalError::TooManyDigits { digits })
}

/// The digits as an `i64`, if they fit.
fn small(negative: bool, whole: &[u8], fraction: &[u8], zeros: u32) -> Option<i64> {
    // 19 digits always fit a u64 and may fit an i64.
    if whole.len() + fraction.len() + zeros as usize > 19 {
        return None;
    }
    let digits = whole.iter().chain(fraction).fold(0_u64, |sum, digit| sum * 10 + u64::from(digit - b'0'));
    let magnitude = digits * 10_u64.pow(zeros);
    if negative { 0_i64.checked_sub_unsigned(magnitude) } else { i64::try_from(magnitude).ok() }
}

fn without_leading_zeros(digits: &[u8]) -> &[u8] {
    let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
    digits.get(zeros..).unwrap_or_default()
}

fn scan(text: &str) -> Result<Scanned<'_>, DecimalError> {
    if text.is_empty() {
        return Err(DecimalError::Empty);
    }
    let mut cursor = Cursor { rest: text.as_bytes(), length: text.len() };
    let negative = cursor.take(b"-").is_some();
    let whole = cursor.digits()?;
    let fraction = if cursor.take(b".").is_some() { cursor.digits()? } else { &[] };
    let exponent = if cursor.take(b"eE").is_some() {
        let below_one = cursor.take(b"+-") == Some(b'-');
        // Saturates: any exponent that long is refused by the limits, or belongs to a zero.
        let size = cursor
            .digits()?
            .iter()
            .fold(0_i64, |sum, digit| sum.saturating_mul(10).saturating_add(i64::from(digit - b'0')));
        if below_one { -size } else { size }
    } else {
        0
    };
    if cursor.rest.is_empty() {
        Ok(Scanned { negative, whole, fraction, exponent })
    } else {
        Err(cursor.malformed())
    }
}

impl<'a> Cursor<'a> {
    /// Reads one byte if it is one of `wanted`.
    fn take(&mut self, wanted: &[u8]) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        if !wanted.contains(first) {
            return None;
        }
        self.rest = rest;
        Some(*first)
    }

    /// Reads one or more digits.
    fn digits(&mut self) -> Result<&'a [u8], DecimalError> {
        let count = self.rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        match self.rest.split_at_checked(count) {
            Some((digits, rest)) if count > 0 => {
                self.rest = rest;
                Ok(digits)
            }
            _ => Err(self.malformed()),
        }
    }

    fn malformed(&self) -> DecimalError {
        DecimalError::Malformed { at: self.length - self.rest.len() }
    }
}

impl FromStr for Decimal {
    type Err = DecimalError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text)
    }
}

/// Plain digits, never an exponent; `1.10` prints as `1.10`. Width, fill and `+` work as for integers; a
/// precision is ignored, since printing does not round.
impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.repr {
            Repr::Small { mantissa, scale } => write_small(f, *mantissa, *scale),
            Repr::Big(_) => write_big(f, self),
        }
    }
}

impl fmt::Debug for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Decimal({self})")
    }
}

fn write_small(f: &mut fmt::Formatter<'_>, mantissa: i64, scale: u8) -> fmt::Result {
    let mut buffer = [0_u8; SMALL_TEXT_MAX];
    let mut rest = mantissa.unsigned_abs();
    let mut length = 0_usize;
    let scale = usize::from(scale);
    // From the last digit to the first; at least one digit stands before the point.
    for place in buffer.iter_mut().rev() {
        if scale > 0 && length == scale {
            *place = b'.';
        } else {
            let digits_done = if scale > 0 && length > scale { length - 1 } else { length };
            if rest == 0 && digits_done > scale {
                break;
            }
            *place = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        length += 1;
    }
    let text = buffer.get(SMALL_TEXT_MAX - length..).and_then(|text| std::str::from_utf8(text).ok());
    f.pad_integral(mantissa >= 0, "", text.ok_or(fmt::Error)?)
}

fn write_big(f: &mut fmt::Formatter<'_>, value: &Decimal) -> fmt::Result {
    let (mantissa, scale) = value.parts();
    let digits = mantissa.magnitude().to_str_radix(10);
    let scale = scale as usize;
    let mut text = String::with_capacity(digits.len().max(scale) + 2);
    match digits
        .len()
        .checked_sub(scale)
        .filter(|whole| *whole > 0)
        .and_then(|whole| digits.split_at_checked(whole))
    {
        Some((whole, "")) => text.push_str(whole),
        Some((whole, fraction)) => write!(text, "{whole}.{fraction}")?,
        None => write!(text, "0.{digits:0>scale$}")?,
    }
    f.pad_integral(mantissa.sign() != Sign::Minus, "", &text)
}

/// As a string, so that no reader on the way turns it into a float.
impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// From a string in the grammar of [`Decimal::parse`] or from an integer. Floats are refused: by the time
/// serde hands one over, its digits are lost already.
impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            deserializer.deserialize_any(DecimalVisitor)
        } else {
            // Compact formats cannot tell what comes next; there it is what `serialize` wrote.
            deserializer.deserialize_str(DecimalVisitor)
        }
    }
}

struct DecimalVisitor;

impl Visitor<'_> for DecimalVisitor {
    type Value = Decimal;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a decimal number as a string, or an integer")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Decimal, E> {
        parse(text).map_err(E::custom)
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Decimal, E> {
        Ok(Decimal::from_i64(value))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Decimal, E> {
        Ok(Decimal::from(value))
    }

    fn visit_i128<E: de::Error>(self, value: i128) -> Result<Decimal, E> {
        Ok(Decimal::from(value))
    }

    fn visit_u128<E: de::Error>(self, value: u128) -> Result<Decimal, E> {
        // 39 digits at most: within the limits, and the text is the shortest way there.
        parse(&value.to_string()).map_err(E::custom)
    }
}
