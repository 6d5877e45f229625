//! Two independent ways to know the right answer: 128-bit integers for small numbers, and school arithmetic
//! on digits of text for any size. Slow, plain, and without a line of the code under test.

use std::cmp::Ordering;

use super::Rounding;

/// A number as its printed text: no leading zeros but one, no negative zero.
#[derive(Debug, Clone)]
pub(super) struct Plain {
    pub(super) negative: bool,
    pub(super) whole: String,
    pub(super) fraction: String,
}

impl Plain {
    pub(super) fn new(negative: bool, whole: &str, fraction: &str) -> Self {
        let whole = whole.trim_start_matches('0');
        let whole = if whole.is_empty() { "0" } else { whole };
        let is_zero = whole == "0" && fraction.bytes().all(|digit| digit == b'0');
        Self { negative: negative && !is_zero, whole: whole.to_owned(), fraction: fraction.to_owned() }
    }

    pub(super) fn text(&self) -> String {
        let sign = if self.negative { "-" } else { "" };
        let point = if self.fraction.is_empty() { "" } else { "." };
        format!("{sign}{}{point}{}", self.whole, self.fraction)
    }

    pub(super) fn followed_by(&self, digits: &str) -> Self {
        Self::new(self.negative, &self.whole, &format!("{}{digits}", self.fraction))
    }

    pub(super) fn trimmed(&self) -> Self {
        Self::new(self.negative, &self.whole, self.fraction.trim_end_matches('0'))
    }

    pub(super) fn negated(&self) -> Self {
        Self::new(!self.negative, &self.whole, &self.fraction)
    }

    pub(super) fn is_zero(&self) -> bool {
        format!("{}{}", self.whole, self.fraction).bytes().all(|digit| digit == b'0')
    }

    pub(super) fn significant_digits(&self) -> usize {
        format!("{}{}", self.whole, self.fraction).trim_start_matches('0').len().max(1)
    }

    pub(super) fn compare(&self, other: &Self) -> Ordering {
        match (self.negative, other.negative) {
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (negative, _) => {
                let (a, b, _) = aligned(self, other);
                if negative { b.cmp(&a) } else { a.cmp(&b) }
            }
        }
    }

    pub(super) fn plus(&self, other: &Self) -> Self {
        let (a, b, scale) = aligned(self, other);
        if self.negative == other.negative {
            from_digits(self.negative, &add(&a, &b), scale)
        } else if a >= b {
            from_digits(self.negative, &subtract(&a, &b), scale)
        } else {
            from_digits(other.negative, &subtract(&b, &a), scale)
        }
    }

    pub(super) fn times(&self, other: &Self) -> Self {
        let (a, b) = (digits_of(self), digits_of(other));
        let mut columns = vec![0_u32; a.len() + b.len()];
        for (i, x) in a.iter().rev().enumerate() {
            for (j, y) in b.iter().rev().enumerate() {
                columns[i + j] += u32::from(*x) * u32::from(*y);
            }
        }
        let mut carry = 0;
        for column in &mut columns {
            let sum = *column + carry;
            *column = sum % 10;
            carry = sum / 10;
        }
        let digits: Vec<u8> = columns.iter().rev().map(|digit| u8::try_from(*digit).unwrap()).collect();
        from_digits(self.negative != other.negative, &digits, self.fraction.len() + other.fraction.len())
    }

    pub(super) fn rescaled(&self, scale: usize, rounding: Rounding) -> Self {
        if scale >= self.fraction.len() {
            return self.followed_by(&"0".repeat(scale - self.fraction.len()));
        }
        let (kept, lost) = self.fraction.split_at(scale);
        let kept = Self::new(false, &self.whole, kept);
        let half = format!("5{}", "0".repeat(lost.len() - 1));
        let last_is_odd = (digits_of(&kept).last().unwrap() % 2) == 1;
        let up = match rounding {
            Rounding::Down => false,
            Rounding::HalfUp => lost >= half.as_str(),
            Rounding::HalfEven => lost > half.as_str() || (lost == half && last_is_odd),
        };
        let digits = if up { add(&digits_of(&kept), &[1]) } else { digits_of(&kept) };
        from_digits(self.negative, &digits, scale)
    }
}

/// The text of `mantissa` with `scale` digits after the point.
pub(super) fn text_of(mantissa: i128, scale: u32) -> String {
    let scale = scale as usize;
    let digits = format!("{:0>width$}", mantissa.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    Plain::new(mantissa < 0, whole, fraction).text()
}

/// Rounds by floor division, which the tested code does not use.
pub(super) fn rescaled(mantissa: i128, from: u32, to: u32, rounding: Rounding) -> i128 {
    if to >= from {
        return mantissa * 10_i128.pow(to - from);
    }
    let unit = 10_i128.pow(from - to);
    let (floor, above) = (mantissa.div_euclid(unit), mantissa.rem_euclid(unit));
    let to_half = (2 * above).cmp(&unit);
    let up = match rounding {
        Rounding::Down => mantissa < 0 && above > 0,
        Rounding::HalfUp => to_half == Ordering::Greater || (to_half == Ordering::Equal && mantissa > 0),
        Rounding::HalfEven => {
            to_half == Ordering::Greater || (to_half == Ordering::Equal && floor.rem_euclid(2) == 1)
        }
    };
    if up { floor + 1 } else { floor }
}

/// The grammar by cutting instead of scanning.
pub(super) fn grammar_accepts(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (number, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((number, exponent)) => (number, Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))),
        None => (unsigned, None),
    };
    let number_fits = match number.split_once('.') {
        Some((whole, fraction)) => digits(whole) && digits(fraction),
        None => digits(number),
    };
    number_fits && exponent.is_none_or(digits)
}

fn digits_of(number: &Plain) -> Vec<u8> {
    number.whole.bytes().chain(number.fraction.bytes()).map(|digit| digit - b'0').collect()
}

fn from_digits(negative: bool, digits: &[u8], scale: usize) -> Plain {
    let text: String = digits.iter().map(|digit| char::from(b'0' + digit)).collect();
    let text = format!("{text:0>width$}", width = scale + 1);
    let (whole, fraction) = text.split_at(text.len() - scale);
    Plain::new(negative, whole, fraction)
}

/// Digits of both at equal length, with as many after the point in one as in the other.
fn aligned(a: &Plain, b: &Plain) -> (Vec<u8>, Vec<u8>, usize) {
    let whole = a.whole.len().max(b.whole.len());
    let scale = a.fraction.len().max(b.fraction.len());
    let digits = |number: &Plain| {
        let text = format!("{:0>whole$}{:0<scale$}", number.whole, number.fraction);
        text.bytes().map(|digit| digit - b'0').collect()
    };
    (digits(a), digits(b), scale)
}

fn add(a: &[u8], b: &[u8]) -> Vec<u8> {
    let mut carry = 0;
    let mut sum: Vec<u8> = (0..=a.len().max(b.len()))
        .map(|place| {
            let digit = |from: &[u8]| from.iter().rev().nth(place).copied().unwrap_or(0);
            let column = digit(a) + digit(b) + carry;
            carry = column / 10;
            column % 10
        })
        .collect();
    sum.reverse();
    sum
}

/// `a` is not below `b`, both equally long.
fn subtract(a: &[u8], b: &[u8]) -> Vec<u8> {
    let mut borrow = 0;
    let mut difference: Vec<u8> = a
        .iter()
        .zip(b)
        .rev()
        .map(|(x, y)| {
            let (below, need) = (x + 10 - y - borrow, *y + borrow);
            borrow = u8::from(*x < need);
            below % 10
        })
        .collect();
    difference.reverse();
    difference
}
