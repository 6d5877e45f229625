//! Dates in formats that say nothing but year, month and day in digits: the usual ones, without reading the format by the rules
//! of strftime each time. What these do not take is for chrono, and means the same there.

use chrono::{Datelike, NaiveDate};

/// How dates are written where nothing is said.
pub(super) const ISO: &str = "%Y-%m-%d";

/// Reads a date of four digits for the year and two for month and day. `None` where the text or the format is another one.
pub(super) fn read(text: &str, format: &str) -> Option<NaiveDate> {
    let (mut text, mut format) = (text.as_bytes(), format.as_bytes());
    let (mut year, mut month, mut day) = (None, None, None);
    while let Some((letter, rest)) = format.split_first() {
        format = rest;
        if *letter != b'%' {
            // A blank stands for any number of them.
            let (first, rest) = text.split_first()?;
            if first != letter || letter.is_ascii_whitespace() || !letter.is_ascii() {
                return None;
            }
            text = rest;
            continue;
        }
        let (letter, rest) = format.split_first()?;
        format = rest;
        let (width, part) = match letter {
            b'Y' => (4, &mut year),
            b'm' => (2, &mut month),
            b'd' => (2, &mut day),
            _ => return None,
        };
        let digits = text.get(..width)?;
        text = text.get(width..)?;
        let number = digits.iter().try_fold(0_u32, |sum, digit| {
            digit.is_ascii_digit().then(|| sum * 10 + u32::from(digit - b'0'))
        })?;
        if part.replace(number).is_some() {
            return None;
        }
    }
    if !text.is_empty() {
        return None;
    }
    NaiveDate::from_ymd_opt(i32::try_from(year?).ok()?, month?, day?)
}

/// Writes a date behind `out`; false where the format or the year is for chrono: then `out` is to be thrown away.
pub(super) fn write(date: NaiveDate, format: &str, out: &mut String) -> bool {
    let mut letters = format.chars();
    while let Some(letter) = letters.next() {
        if letter != '%' {
            out.push(letter);
            continue;
        }
        let (number, width) = match letters.next() {
            Some('Y') if (0..=9999).contains(&date.year()) => (date.year().unsigned_abs(), 4),
            Some('m') => (date.month(), 2),
            Some('d') => (date.day(), 2),
            _ => return false,
        };
        let mut unit = 10_u32.pow(width - 1);
        while unit > 0 {
            out.push(char::from(b'0' + u8::try_from(number / unit % 10).unwrap_or(0)));
            unit /= 10;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn formats() -> impl Strategy<Value = String> {
        let piece =
            prop::sample::select(vec!["%Y", "%m", "%d", "-", ".", "/", " ", "x", "%", "%H", "%y", "\u{e4}"]);
        prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

        /// Where these answer, chrono gives the same.
        #[test]
        fn what_is_written_is_what_chrono_writes(days in -800_000_i32..4_000_000, format in formats()) {
            let Some(date) = NaiveDate::from_num_days_from_ce_opt(days) else { return Ok(()) };
            let mut written = String::new();
            if write(date, &format, &mut written) {
                prop_assert_eq!(written, date.format(&format).to_string());
            }
        }

        #[test]
        fn what_is_read_is_what_chrono_reads(format in formats(), text in "[0-9]{1,4}[-./x ä]?[0-9]{1,2}[-./x ]?[0-9]{0,4}") {
            if let Some(date) = read(&text, &format) {
                prop_assert_eq!(NaiveDate::parse_from_str(&text, &format).ok(), Some(date), "{} {}", text, format);
            }
        }

        #[test]
        fn what_is_written_is_read(days in 0_i32..3_000_000) {
            let Some(date) = NaiveDate::from_num_days_from_ce_opt(days) else { return Ok(()) };
            for format in [ISO, "%d.%m.%Y", "%m/%d/%Y"] {
                let mut written = String::new();
                if write(date, format, &mut written) {
                    prop_assert_eq!(read(&written, format), Some(date));
                }
            }
        }
    }
}
