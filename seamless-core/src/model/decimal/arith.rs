//! Operations on decimals: exact, or refused, or rounded by a rule that the caller names.
//!
//! Inline numbers are computed in machine integers first and fall back to big integers only on overflow.
//! This file knows no text. A quotient has no exact decimal form, so whoever needs one says how many digits and which
//! rounding. Its doors are the methods of [`Decimal`].

use std::cmp::Ordering;

use bigdecimal::num_bigint::{BigInt, Sign};

use super::{Decimal, Repr, SCALE_MAX, pow10};

/// What happens to digits that a smaller scale has no room for.
///
/// Has no default: two systems that round differently differ by a cent for ever, so the rule is chosen per
/// field and written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rounding {
    /// To the nearest; a tie goes away from zero: `2.5` to `3`, `-2.5` to `-3`. What PostgreSQL, MySQL and
    /// most invoices do. Sums of many rounded amounts drift away from zero.
    HalfUp,
    /// To the nearest; a tie goes to the even digit: `2.5` to `2`, `3.5` to `4`. Sums do not drift; a single
    /// amount can differ by one unit from what people compute by hand.
    HalfEven,
    /// Towards zero: `2.9` to `2`, `-2.9` to `-2`. Loses up to a whole unit of the last digit.
    Down,
}

impl Decimal {
    /// The number with exactly `scale` digits after the point: zeros are added, or digits are dropped by
    /// the rule that `rounding` names.
    ///
    /// `None` when the added zeros would go beyond [`SCALE_MAX`] or [`DIGITS_MAX`](super::DIGITS_MAX);
    /// dropping digits never fails.
    #[must_use]
    pub fn rescaled(&self, scale: u32, rounding: Rounding) -> Option<Self> {
        let own_scale = self.scale();
        match scale.cmp(&own_scale) {
            Ordering::Equal => Some(self.clone()),
            Ordering::Greater => self.widened(scale, scale - own_scale),
            Ordering::Less => self.narrowed(scale, own_scale - scale, rounding),
        }
    }

    /// The exact sum, with the larger of the two scales. `None` beyond [`DIGITS_MAX`](super::DIGITS_MAX).
    pub fn checked_add(&self, other: &Self) -> Option<Self> {
        if let (Some((a, a_scale)), Some((b, b_scale))) = (self.small_parts(), other.small_parts()) {
            let scale = a_scale.max(b_scale);
            if let (Some(a), Some(b)) = (widened_small(a, scale - a_scale), widened_small(b, scale - b_scale))
            {
                // Each is below 2^124, so the sum stays within an i128.
                return Self::from_i128(a + b, u32::from(scale));
            }
        }
        let ((a, a_scale), (b, b_scale)) = (self.parts(), other.parts());
        let sum = match a_scale.cmp(&b_scale) {
            Ordering::Equal => a.as_ref() + b.as_ref(),
            Ordering::Less => a.as_ref() * pow10(b_scale - a_scale) + b.as_ref(),
            Ordering::Greater => a.as_ref() + b.as_ref() * pow10(a_scale - b_scale),
        };
        Self::from_parts(sum, a_scale.max(b_scale))
    }

    /// The exact difference, with the larger of the two scales. `None` beyond
    /// [`DIGITS_MAX`](super::DIGITS_MAX).
    pub fn checked_sub(&self, other: &Self) -> Option<Self> {
        self.checked_add(&other.negated())
    }

    /// The exact product; the scales add up (`1.10` times `2.0` is `2.200`). `None` beyond
    /// [`DIGITS_MAX`](super::DIGITS_MAX) or [`SCALE_MAX`].
    pub fn checked_mul(&self, other: &Self) -> Option<Self> {
        let scale = self.scale() + other.scale();
        if scale > SCALE_MAX {
            return None;
        }
        if let (Some((a, _)), Some((b, _))) = (self.small_parts(), other.small_parts()) {
            return Self::from_i128(i128::from(a) * i128::from(b), scale);
        }
        Self::from_parts(self.parts().0.as_ref() * other.parts().0.as_ref(), scale)
    }

    /// The quotient with `scale` digits after the point, rounded by the rule that `rounding` names. `None` where the
    /// divisor is zero, and beyond [`DIGITS_MAX`](super::DIGITS_MAX) or [`SCALE_MAX`].
    pub fn checked_div(&self, divisor: &Self, scale: u32, rounding: Rounding) -> Option<Self> {
        if divisor.is_zero() || scale > SCALE_MAX {
            return None;
        }
        let ((a, a_scale), (b, b_scale)) = (self.parts(), divisor.parts());
        // a / 10^a_scale divided by b / 10^b_scale, in units of 10^-scale: both sides are made whole.
        let (numerator, denominator) = match (scale + b_scale).checked_sub(a_scale) {
            Some(zeros) => (a.as_ref() * pow10(zeros), b.into_owned()),
            None => (a.into_owned(), b.as_ref() * pow10(a_scale - scale - b_scale)),
        };
        let (kept, lost) = (&numerator / &denominator, &numerator % &denominator);
        let tie = (lost.magnitude() * 2_u32).cmp(denominator.magnitude());
        let negative = (numerator.sign() == Sign::Minus) != (denominator.sign() == Sign::Minus);
        let step = if negative { -1 } else { 1 };
        let up = lost.sign() != Sign::NoSign && rounding.moves_away_from_zero(tie, kept.bit(0));
        Self::from_parts(if up { kept + step } else { kept }, scale)
    }

    /// The number with the opposite sign and the same scale. Zero stays zero.
    #[must_use]
    pub fn negated(&self) -> Self {
        if let Repr::Small { mantissa, scale } = &self.repr
            && let Some(mantissa) = mantissa.checked_neg()
        {
            return Self::new(mantissa, *scale);
        }
        let (mantissa, scale) = self.parts();
        // Not more digits than before, so the limits hold.
        Self::from_parts(-mantissa.into_owned(), scale).unwrap_or_else(|| self.clone())
    }

    /// The number without its sign, same scale.
    #[must_use]
    pub fn abs(&self) -> Self {
        if self.is_negative() { self.negated() } else { self.clone() }
    }

    fn from_i128(mantissa: i128, scale: u32) -> Option<Self> {
        match (i64::try_from(mantissa), u8::try_from(scale)) {
            (Ok(mantissa), Ok(scale)) => Some(Self::new(mantissa, scale)),
            _ => Self::from_parts(BigInt::from(mantissa), scale),
        }
    }

    fn widened(&self, scale: u32, zeros: u32) -> Option<Self> {
        if scale > SCALE_MAX {
            return None;
        }
        if let Some((mantissa, _)) = self.small_parts()
            && let Ok(zeros) = u8::try_from(zeros)
            && let Some(mantissa) = widened_small(mantissa, zeros)
        {
            return Self::from_i128(mantissa, scale);
        }
        Self::from_parts(self.parts().0.as_ref() * pow10(zeros), scale)
    }

    fn narrowed(&self, scale: u32, dropped: u32, rounding: Rounding) -> Option<Self> {
        if let Some((mantissa, _)) = self.small_parts() {
            // From 20 digits on everything is dropped and less than half a unit, as it is with 20.
            let unit = 10_i128.pow(dropped.min(20));
            let (kept, lost) = (i128::from(mantissa) / unit, i128::from(mantissa) % unit);
            let tie = (2 * lost.abs()).cmp(&unit);
            let up = rounding.moves_away_from_zero(tie, kept % 2 != 0);
            return Self::from_i128(if up { kept + i128::from(mantissa.signum()) } else { kept }, scale);
        }
        let (mantissa, _) = self.parts();
        let unit = pow10(dropped);
        let kept = mantissa.as_ref() / &unit;
        let lost = mantissa.as_ref() - &kept * &unit;
        let tie = (lost.magnitude() * 2_u32).cmp(unit.magnitude());
        let up = rounding.moves_away_from_zero(tie, kept.bit(0));
        let step = if mantissa.sign() == Sign::Minus { -1 } else { 1 };
        Self::from_parts(if up { kept + step } else { kept }, scale)
    }
}

impl Rounding {
    /// Decides from how the lost part compares to half a unit and whether the last kept digit is odd.
    fn moves_away_from_zero(self, to_half: Ordering, kept_is_odd: bool) -> bool {
        match (self, to_half) {
            (Self::Down, _) | (Self::HalfUp | Self::HalfEven, Ordering::Less) => false,
            (Self::HalfUp | Self::HalfEven, Ordering::Greater) | (Self::HalfUp, Ordering::Equal) => true,
            (Self::HalfEven, Ordering::Equal) => kept_is_odd,
        }
    }
}

impl From<u64> for Decimal {
    fn from(value: u64) -> Self {
        Self::from(i128::from(value))
    }
}

impl From<i128> for Decimal {
    fn from(value: i128) -> Self {
        match i64::try_from(value) {
            Ok(value) => Self::from_i64(value),
            // 39 digits at most: within the limits.
            Err(_) => Self::big(BigInt::from(value), 0),
        }
    }
}

/// An inline mantissa with `zeros` more zeros; `None` when that may exceed what an `i128` holds.
fn widened_small(mantissa: i64, zeros: u8) -> Option<i128> {
    if zeros <= 18 { Some(i128::from(mantissa) * 10_i128.pow(u32::from(zeros))) } else { None }
}
