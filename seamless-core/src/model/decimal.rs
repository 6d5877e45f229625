//! Exact decimal numbers as business systems write them: amounts, prices, quantities, rates.
//!
//! A [`Decimal`] is an integer and a scale, so `1.10` is 110 with scale 2 and prints as `1.10` again.
//! Nothing here rounds unless it is asked to by name ([`Decimal::rescaled`]), and nothing passes through a
//! binary float except the two functions whose names say so.
//!
//! Two equalities live side by side. `==`, ordering, hash and canonical bytes are numeric: `1.10` equals
//! `1.1`. [`Decimal::same_as_written`] also looks at the scale and serves round trips.
//!
//! This module does not know columns, currencies, locales or who sent the number. Its door is
//! [`Decimal::parse`]; the grammar is in `text`, the operations are in `arith`.

mod arith;
#[cfg(test)]
mod tests;
mod text;

use std::borrow::Cow;
use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

use bigdecimal::BigDecimal;
use bigdecimal::num_bigint::{BigInt, Sign};

pub use arith::Rounding;
pub use text::DecimalError;

/// Most significant digits that a number may have, written out plainly without leading zeros.
///
/// 1,000 is the highest precision that PostgreSQL lets a column declare; MySQL stops at 65 and Oracle at 38.
/// The limit bounds the work that one short text such as `1e2000000000` can cause.
pub const DIGITS_MAX: u32 = 1_000;

/// Most digits that a number may have after the point; same reason as [`DIGITS_MAX`].
///
/// Every finite `f64` fits: its shortest text needs at most 340 digits after the point.
pub const SCALE_MAX: u32 = 1_000;

/// An exact decimal number that remembers how many digits were written after the point.
///
/// Costs 16 bytes. Numbers whose digits fit an `i64` and whose scale fits a `u8` are stored inline, and
/// parsing, printing, hashing and comparing two of them allocates nothing; all others own one heap block.
///
/// There is one zero: the sign of `-0.00` is dropped, its scale is kept.
#[derive(Clone)]
pub struct Decimal {
    repr: Repr,
}

/// How the number is stored.
///
/// Invariant, upheld by [`Decimal::from_parts`] and the constructors that call it: a number that fits
/// `Small` is never `Big`. So two numbers written the same have the same form, and after trailing zeros are
/// gone equal numbers have the same form too. Scales are never negative: `1e3` is stored as 1000.
#[derive(Clone)]
enum Repr {
    Small { mantissa: i64, scale: u8 },
    Big(Box<BigDecimal>),
}

const _: () = assert!(size_of::<Decimal>() == 16);
const _: () = assert!(size_of::<Option<Decimal>>() == 16);

/// A number without zeros at the end of its fraction: the unique form that hash and canonical bytes use.
enum Normal<'a> {
    Small(i64, u8),
    Big(Cow<'a, BigInt>, u32),
}

impl Decimal {
    /// Zero without digits after the point.
    pub const ZERO: Self = Self::new(0, 0);

    /// `mantissa` divided by ten to the power of `scale`: `new(110, 2)` is `1.10`.
    pub const fn new(mantissa: i64, scale: u8) -> Self {
        Self { repr: Repr::Small { mantissa, scale } }
    }

    /// A whole number, scale 0.
    pub const fn from_i64(value: i64) -> Self {
        Self::new(value, 0)
    }

    /// Reads a number: optional `-`, digits, optional `.` with digits, optional exponent (`e` or `E`,
    /// optional sign, digits). Nothing else: no leading `+`, no `.5` or `5.`, no blanks, no separators, no
    /// `NaN`.
    ///
    /// The scale is kept, an exponent is written out (`1.10e1` is `11.0`), leading zeros are dropped.
    ///
    /// # Errors
    /// [`DecimalError`] names what is wrong and never repeats the text. Limits are checked before anything
    /// is allocated.
    pub fn parse(text: &str) -> Result<Self, DecimalError> {
        text::parse(text)
    }

    /// The number that a float most likely stands for: its shortest decimal text that reads back as the
    /// same float. `None` for NaN and the infinities.
    ///
    /// The exact binary value of the float `0.1` is 0.1000000000000000055511151231257827…; no system meant
    /// that, and it would differ from the `0.1` of the other side for ever. The shortest text is also what
    /// JSON writers print. The scale is the shortest too: the float `1.10` gives `1.1`.
    pub fn from_f64_shortest(value: f64) -> Option<Self> {
        if value.is_finite() { text::parse(&format!("{value:e}")).ok() } else { None }
    }

    /// Mantissa and scale when the number is stored inline, so that `110, 2` is `1.10`; `None` when it has
    /// more digits or a larger scale than that. For encoders that have a fast path.
    pub fn small_parts(&self) -> Option<(i64, u8)> {
        match &self.repr {
            Repr::Small { mantissa, scale } => Some((*mantissa, *scale)),
            Repr::Big(_) => None,
        }
    }

    /// The value as an `i64`, when it is whole and fits: `10.00` is 10, `10.01` is `None`.
    pub fn to_i64_exact(&self) -> Option<i64> {
        match self.normal() {
            Normal::Small(mantissa, 0) => Some(mantissa),
            Normal::Small(..) | Normal::Big(..) => None,
        }
    }

    /// The nearest `f64`, infinite when it is too large. Loses digits: for charts and estimates, never for
    /// comparing or for writing back.
    pub fn to_f64_lossy(&self) -> f64 {
        // The standard library's parser rounds correctly at any length; dividing would round twice.
        self.to_string().parse().unwrap_or(f64::NAN)
    }

    /// Digits after the point, as written: 2 for `1.10`, at most [`SCALE_MAX`].
    pub fn scale(&self) -> u32 {
        match &self.repr {
            Repr::Small { scale, .. } => u32::from(*scale),
            Repr::Big(big) => big_scale(big),
        }
    }

    /// Significant digits as written: 3 for `1.10`, 1 for `0.001`, 1 for any zero.
    ///
    /// Costs a conversion to text for numbers that are not stored inline.
    pub fn digits(&self) -> u32 {
        match &self.repr {
            Repr::Small { mantissa, .. } => digits_of_i64(*mantissa),
            Repr::Big(big) => digits_of_big(&big.as_bigint_and_scale().0),
        }
    }

    /// Whether a column of `precision` digits, `scale` of them after the point, holds this number without
    /// any loss of value. Zeros at the end of the fraction do not count: `1.10` fits (2, 1).
    pub fn fits(&self, precision: u32, scale: u32) -> bool {
        let (digits, own_scale) = match self.normal() {
            Normal::Small(0, _) => return true,
            Normal::Small(mantissa, own_scale) => (digits_of_i64(mantissa), u32::from(own_scale)),
            Normal::Big(mantissa, own_scale) => (digits_of_big(&mantissa), own_scale),
        };
        // Written with the column's scale the number grows by the difference.
        scale.checked_sub(own_scale).is_some_and(|zeros| digits.saturating_add(zeros) <= precision)
    }

    /// Whether the number is zero, at any scale.
    pub fn is_zero(&self) -> bool {
        self.sign() == Sign::NoSign
    }

    /// Whether the number is below zero. Zero is not, however it was written.
    pub fn is_negative(&self) -> bool {
        self.sign() == Sign::Minus
    }

    /// Whether both have the same digits and the same scale, so that both print the same text: `1.10` and
    /// `1.1` are equal but not the same as written.
    pub fn same_as_written(&self, other: &Self) -> bool {
        match (&self.repr, &other.repr) {
            (Repr::Small { mantissa: a, scale: m }, Repr::Small { mantissa: b, scale: n }) => {
                a == b && m == n
            }
            (Repr::Big(a), Repr::Big(b)) => a.as_bigint_and_scale() == b.as_bigint_and_scale(),
            // The invariant of `Repr`: one text, one form.
            (Repr::Small { .. }, Repr::Big(_)) | (Repr::Big(_), Repr::Small { .. }) => false,
        }
    }

    /// The same value without zeros at the end of its fraction: `1.10` becomes `1.1`, `100` stays.
    #[must_use]
    pub fn normalised(&self) -> Self {
        match self.normal() {
            Normal::Small(mantissa, scale) => Self::new(mantissa, scale),
            Normal::Big(mantissa, scale) => Self::big(mantissa.into_owned(), scale),
        }
    }

    /// Appends bytes that are equal exactly when the numbers are equal, however they were written. For
    /// fingerprints: the bytes also say where they end, so that fields may follow each other.
    ///
    /// Layout after dropping zeros at the end of the fraction, integers big endian: byte 0, scale (1 byte)
    /// and digits (8 bytes, two's complement) where these suffice; else byte 1, scale (2 bytes), length
    /// (2 bytes) and digits (shortest two's complement). A stored fingerprint depends on this layout:
    /// changing it needs a new version of the encoding around it.
    pub fn write_canonical(&self, out: &mut Vec<u8>) {
        match self.normal() {
            Normal::Small(mantissa, scale) => {
                out.extend_from_slice(&[0, scale]);
                out.extend_from_slice(&mantissa.to_be_bytes());
            }
            Normal::Big(mantissa, scale) => {
                let bytes = mantissa.to_signed_bytes_be();
                out.push(1);
                // Both fit by far: the scale is at most 1,000, and 1,000 digits take 416 bytes.
                out.extend_from_slice(&(scale as u16).to_be_bytes());
                out.extend_from_slice(&(bytes.len() as u16).to_be_bytes());
                out.extend_from_slice(&bytes);
            }
        }
    }

    /// Any integer and scale within the limits, in the form that the invariant of [`Repr`] asks for.
    /// `None` beyond [`DIGITS_MAX`] or [`SCALE_MAX`].
    fn from_parts(mantissa: BigInt, scale: u32) -> Option<Self> {
        if scale > SCALE_MAX || !within_digits_max(&mantissa) {
            return None;
        }
        Some(match (i64::try_from(&mantissa), u8::try_from(scale)) {
            (Ok(mantissa), Ok(scale)) => Self::new(mantissa, scale),
            _ => Self::big(mantissa, scale),
        })
    }

    /// The big form; the caller knows that the small one does not suffice.
    fn big(mantissa: BigInt, scale: u32) -> Self {
        Self { repr: Repr::Big(Box::new(BigDecimal::new(mantissa, i64::from(scale)))) }
    }

    /// Digits and scale for arithmetic that no machine integer can do.
    fn parts(&self) -> (Cow<'_, BigInt>, u32) {
        match &self.repr {
            Repr::Small { mantissa, scale } => (Cow::Owned(BigInt::from(*mantissa)), u32::from(*scale)),
            Repr::Big(big) => (big.as_bigint_and_scale().0, big_scale(big)),
        }
    }

    fn sign(&self) -> Sign {
        match &self.repr {
            Repr::Small { mantissa, .. } => match mantissa.cmp(&0) {
                Ordering::Less => Sign::Minus,
                Ordering::Equal => Sign::NoSign,
                Ordering::Greater => Sign::Plus,
            },
            Repr::Big(big) => big.sign(),
        }
    }

    fn normal(&self) -> Normal<'_> {
        match &self.repr {
            Repr::Small { mantissa, scale } => {
                let (mantissa, scale) = without_end_zeros(*mantissa, *scale);
                Normal::Small(mantissa, scale)
            }
            Repr::Big(big) => normal_big(big.as_bigint_and_scale().0, big_scale(big)),
        }
    }
}

impl PartialEq for Decimal {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Decimal {}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Numeric and total. Two inline numbers compare in a few instructions, at equal scales in one.
impl Ord for Decimal {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        match (&self.repr, &other.repr) {
            (Repr::Small { mantissa: a, scale: m }, Repr::Small { mantissa: b, scale: n }) => {
                if m == n {
                    a.cmp(b)
                } else {
                    cmp_small(*a, *m, *b, *n)
                }
            }
            _ => cmp_big(self, other),
        }
    }
}

impl Hash for Decimal {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self.normal() {
            Normal::Small(mantissa, scale) => (mantissa, scale).hash(state),
            Normal::Big(mantissa, scale) => (mantissa.as_ref(), scale).hash(state),
        }
    }
}

impl From<i64> for Decimal {
    fn from(value: i64) -> Self {
        Self::from_i64(value)
    }
}

/// Ten to the power of `exponent`, for exponents that the limits allow.
fn pow10(exponent: u32) -> BigInt {
    BigInt::from(10).pow(exponent)
}

/// Compares inline numbers of different scales.
fn cmp_small(a: i64, a_scale: u8, b: i64, b_scale: u8) -> Ordering {
    if a_scale > b_scale {
        return cmp_small(b, b_scale, a, a_scale).reverse();
    }
    match u32::from(b_scale - a_scale) {
        // 19 digits times ten to the 18 stay below the 38 digits of an i128.
        gap @ 0..=18 => (i128::from(a) * 10_i128.pow(gap)).cmp(&i128::from(b)),
        // With 19 zeros more, any `a` but zero is beyond every i64.
        _ if a == 0 => 0.cmp(&b),
        _ => a.cmp(&0),
    }
}

/// Compares by writing both with the larger scale.
fn cmp_big(left: &Decimal, right: &Decimal) -> Ordering {
    let by_sign = left.sign().cmp(&right.sign());
    if by_sign != Ordering::Equal {
        return by_sign;
    }
    let ((a, a_scale), (b, b_scale)) = (left.parts(), right.parts());
    match a_scale.cmp(&b_scale) {
        Ordering::Equal => a.cmp(&b),
        Ordering::Less => (a.as_ref() * pow10(b_scale - a_scale)).cmp(&b),
        Ordering::Greater => a.as_ref().cmp(&(b.as_ref() * pow10(a_scale - b_scale))),
    }
}

fn without_end_zeros(mut mantissa: i64, mut scale: u8) -> (i64, u8) {
    if mantissa == 0 {
        return (0, 0);
    }
    while scale > 0 && mantissa % 10 == 0 {
        mantissa /= 10;
        scale -= 1;
    }
    (mantissa, scale)
}

fn normal_big(mantissa: Cow<'_, BigInt>, scale: u32) -> Normal<'_> {
    // Ten holds one factor of two, so there are never more zeros in decimal than in binary. Half of all
    // numbers are odd and done here.
    let zeros_max = match mantissa.trailing_zeros() {
        None => return Normal::Small(0, 0),
        Some(binary) => binary.min(u64::from(scale)),
    };
    let zeros = match zeros_max {
        0 => 0,
        _ => mantissa.magnitude().to_str_radix(10).bytes().rev().take_while(|digit| *digit == b'0').count(),
    };
    let zeros = u32::try_from(zeros).unwrap_or(scale).min(scale);
    let (mantissa, scale) = match zeros {
        0 => (mantissa, scale),
        _ => (Cow::Owned(mantissa.as_ref() / pow10(zeros)), scale - zeros),
    };
    match (i64::try_from(mantissa.as_ref()), u8::try_from(scale)) {
        (Ok(small), Ok(scale)) => Normal::Small(small, scale),
        _ => Normal::Big(mantissa, scale),
    }
}

/// The scale of a big form; every constructor checked that it is within 0 and [`SCALE_MAX`].
fn big_scale(big: &BigDecimal) -> u32 {
    u32::try_from(big.fractional_digit_count()).unwrap_or(SCALE_MAX)
}

fn digits_of_i64(mantissa: i64) -> u32 {
    mantissa.unsigned_abs().checked_ilog10().map_or(1, |power| power + 1)
}

fn digits_of_big(mantissa: &BigInt) -> u32 {
    u32::try_from(mantissa.magnitude().to_str_radix(10).len()).unwrap_or(u32::MAX)
}

fn within_digits_max(mantissa: &BigInt) -> bool {
    // Eight to the n is below ten to the n: up to three bits a digit no exact test is needed.
    mantissa.bits() <= 3 * u64::from(DIGITS_MAX) || *mantissa.magnitude() < *pow10(DIGITS_MAX).magnitude()
}
