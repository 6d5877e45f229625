//! The binary form of NUMERIC, exactly: digits in base 10,000 with a weight and a number of digits after the point. Knows no
//! column. The door is [`decode`].
//!
//! Source: `numeric_send` and the comment on `NumericVar` in PostgreSQL's `src/backend/utils/adt/numeric.c`.

use std::fmt::Write as _;

use seamless_core::model::Decimal;

const POSITIVE: u16 = 0x0000;
const NEGATIVE: u16 = 0x4000;
const NAN: u16 = 0xC000;
const INFINITY: u16 = 0xD000;
const MINUS_INFINITY: u16 = 0xF000;

/// Decimal digits in one digit of the form.
const GROUP: i32 = 4;

/// The number that bytes stand for, with the digits after the point that they say.
///
/// Errors: words for why it is none, or none that a decimal can be (more than 1,000 digits).
pub(super) fn decode(bytes: &[u8]) -> Result<Decimal, String> {
    let malformed = || "the bytes are no number".to_owned();
    let (words, []) = bytes.as_chunks::<2>() else { return Err(malformed()) };
    let [count, weight, sign, scale, groups @ ..] = words else { return Err(malformed()) };
    let (count, weight) = (u16::from_be_bytes(*count), i16::from_be_bytes(*weight));
    let (sign, scale) = (u16::from_be_bytes(*sign), u16::from_be_bytes(*scale));
    let negative = match sign {
        POSITIVE => false,
        NEGATIVE => true,
        NAN => return Err("NaN is not a number".to_owned()),
        INFINITY | MINUS_INFINITY => return Err("an infinite number cannot be carried".to_owned()),
        _ => return Err(malformed()),
    };
    let groups: Vec<u16> = groups.iter().map(|group| u16::from_be_bytes(*group)).collect();
    if groups.len() != usize::from(count) || groups.iter().any(|group| *group > 9_999) {
        return Err(malformed());
    }
    if let Some(small) = small(&groups, weight, negative, scale) {
        return Ok(small);
    }
    Decimal::parse(&text(&groups, weight, negative, scale)).map_err(|problem| problem.to_string())
}

/// The number where it fits in place, without a text in between.
fn small(groups: &[u16], weight: i16, negative: bool, scale: u16) -> Option<Decimal> {
    let scale = u8::try_from(scale).ok()?;
    let mut mantissa = 0_i64;
    for group in groups {
        mantissa = mantissa.checked_mul(10_000)?.checked_add(i64::from(*group))?;
    }
    // Decimal digits behind the point in the groups that are there; fewer than none where zeros are left out.
    let behind = (i32::try_from(groups.len()).ok()? - 1 - i32::from(weight)).checked_mul(GROUP)?;
    let missing = i32::from(scale) - behind;
    let power = 10_i64.checked_pow(missing.unsigned_abs())?;
    let mantissa = match missing {
        0.. => mantissa.checked_mul(power)?,
        _ if mantissa % power == 0 => mantissa / power,
        _ => return None,
    };
    Some(Decimal::new(if negative { -mantissa } else { mantissa }, scale))
}

fn text(groups: &[u16], weight: i16, negative: bool, scale: u16) -> String {
    let mut text = String::with_capacity(groups.len() * 4 + usize::from(scale) + 3);
    if negative {
        text.push('-');
    }
    let group = |place: i32| {
        let group = usize::try_from(place).ok().and_then(|place| groups.get(place));
        group.copied().unwrap_or(0)
    };
    let weight = i32::from(weight);
    match weight {
        // Writing to a string cannot fail.
        0.. => {
            let _ = write!(text, "{}", group(0));
            for place in 1..=weight {
                let _ = write!(text, "{:04}", group(place));
            }
        }
        _ => text.push('0'),
    }
    if scale > 0 {
        text.push('.');
        let scale = usize::from(scale);
        let mut behind = String::with_capacity(scale + 4);
        let mut place = weight.min(-1) + 1;
        // Groups between the point and the first one that is there are zero.
        let mut zeros = -1 - weight;
        while behind.len() < scale {
            if zeros > 0 {
                zeros -= 1;
                behind.push_str("0000");
            } else {
                let _ = write!(behind, "{:04}", group(if weight < 0 { place } else { weight + 1 + place }));
                place += 1;
            }
        }
        text.push_str(behind.get(..scale).unwrap_or_default());
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Strategy, any, prop_assert, proptest};
    use seamless_core::model::Decimal;

    use super::decode;

    fn bytes(weight: i16, sign: u16, scale: u16, groups: &[u16]) -> Vec<u8> {
        let head = [groups.len() as u16, weight as u16, sign, scale];
        head.iter().chain(groups).flat_map(|word| word.to_be_bytes()).collect()
    }

    /// The form as PostgreSQL writes it, made from text by another way: groups cut from the text around its point.
    fn written(text: &str) -> Vec<u8> {
        let (negative, plain) = text.strip_prefix('-').map_or((false, text), |plain| (true, plain));
        let (whole, part) = plain.split_once('.').unwrap_or((plain, ""));
        let whole = format!("{}{whole}", "0".repeat((4 - whole.len() % 4) % 4));
        let padded = format!("{part}{}", "0".repeat((4 - part.len() % 4) % 4));
        let all = format!("{whole}{padded}");
        let mut groups: Vec<u16> =
            (0..all.len() / 4).map(|place| all[place * 4..place * 4 + 4].parse().unwrap()).collect();
        let mut weight = (whole.len() / 4) as i16 - 1;
        while groups.first() == Some(&0) {
            groups.remove(0);
            weight -= 1;
        }
        while groups.last() == Some(&0) {
            groups.pop();
        }
        if groups.is_empty() {
            weight = 0;
        }
        bytes(weight, if negative { 0x4000 } else { 0 }, part.len() as u16, &groups)
    }

    fn decimal_text() -> impl Strategy<Value = String> {
        ("-?", "0|[1-9][0-9]{0,40}", "[0-9]{0,40}").prop_map(|(sign, whole, part)| match part.as_str() {
            "" => format!("{sign}{whole}"),
            _ => format!("{sign}{whole}.{part}"),
        })
    }

    proptest! {
        #[test]
        fn every_digit_comes_back(text in decimal_text()) {
            let expected = Decimal::parse(&text).unwrap();
            let read = decode(&written(&text)).unwrap();
            prop_assert!(read.same_as_written(&expected), "{read} for {text}");
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>, count in 0u16..4, words in proptest::collection::vec(any::<u16>(), 0..8)) {
            let _ = decode(&bytes);
            let form: Vec<u8> = std::iter::once(count).chain(words).flat_map(|word| word.to_be_bytes()).collect();
            let _ = decode(&form);
        }
    }

    #[test]
    fn what_is_no_number_is_refused_in_words() {
        let read = |text: &str| decode(&written(text)).unwrap().to_string();
        assert_eq!(read("1.10"), "1.10");
        assert_eq!(read("0.00"), "0.00");
        assert_eq!(read("0.0000000012"), "0.0000000012");
        assert_eq!(read("120000"), "120000");
        assert_eq!(read("-12345678901234567890.5"), "-12345678901234567890.5");
        assert!(decode(&bytes(0, 0xC000, 0, &[])).unwrap_err().contains("NaN"));
        assert!(decode(&bytes(0, 0xD000, 0, &[])).unwrap_err().contains("infinite"));
        assert!(decode(&bytes(0, 0, 0, &[10_000])).is_err());
        assert!(decode(&written(&"9".repeat(1_001))).is_err());
        assert_eq!(read("0"), "0");
    }
}
