//! Dates and times as ISO 8601 text, strictly: what connectors to files and databases read and write. Knows no system.
//! Near misses (`2024-2-9`, `24:00`, a missing zone where one is due) are refused, never repaired.

use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime, SecondsFormat, Timelike};
use seamless_core::model::Instant;

/// A day that ISO 8601 writes with four digits for the year.
#[cfg_attr(not(any(feature = "sqlite", feature = "csv", feature = "jsonl")), allow(dead_code))]
pub(crate) fn four_digit_year(day: NaiveDate) -> Result<NaiveDate, String> {
    if (0..=9999).contains(&day.year()) { Ok(day) } else { Err("the year has no four digits".to_owned()) }
}

/// A time without a leap second.
pub(crate) fn no_leap(time: NaiveTime) -> Result<NaiveTime, String> {
    if time.nanosecond() < 1_000_000_000 {
        Ok(time)
    } else {
        Err("a leap second cannot be written".to_owned())
    }
}

/// A moment as text, with the offset that it was written with.
#[cfg_attr(not(any(feature = "sqlite", feature = "csv", feature = "jsonl")), allow(dead_code))]
pub(crate) fn instant_text(at: Instant) -> Result<String, String> {
    let offset = at.offset_minutes.and_then(|minutes| chrono::FixedOffset::east_opt(i32::from(minutes) * 60));
    no_leap(at.utc.time())?;
    Ok(match offset {
        Some(offset) => {
            let local = at.utc.with_timezone(&offset);
            four_digit_year(local.date_naive())?;
            local.to_rfc3339_opts(SecondsFormat::AutoSi, false)
        }
        None => {
            four_digit_year(at.utc.date_naive())?;
            at.utc.to_rfc3339_opts(SecondsFormat::AutoSi, true)
        }
    })
}

fn number(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0u32, |sum, digit| match digit {
        b'0'..=b'9' => sum.checked_mul(10)?.checked_add(u32::from(digit - b'0')),
        _ => None,
    })
}

/// `2024-02-29`
pub(crate) fn date(text: &[u8]) -> Option<NaiveDate> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = text else { return None };
    let year = i32::try_from(number(&[*y1, *y2, *y3, *y4])?).ok()?;
    NaiveDate::from_ymd_opt(year, number(&[*m1, *m2])?, number(&[*d1, *d2])?)
}

/// `23:59`, `23:59:59`, `23:59:59.123456789`
pub(crate) fn time(text: &[u8]) -> Option<NaiveTime> {
    let [h1, h2, b':', m1, m2, rest @ ..] = text else { return None };
    let (seconds, nanos) = match rest {
        [] => (0, 0),
        [b':', s1, s2] => (number(&[*s1, *s2])?, 0),
        [b':', s1, s2, b'.', fraction @ ..] if (1..=9).contains(&fraction.len()) => {
            let scale = 10u32.pow(9 - u32::try_from(fraction.len()).ok()?);
            (number(&[*s1, *s2])?, number(fraction)? * scale)
        }
        _ => return None,
    };
    NaiveTime::from_hms_nano_opt(number(&[*h1, *h2])?, number(&[*m1, *m2])?, seconds, nanos)
}

/// `2024-02-29 23:59:59` or with a `T`
pub(crate) fn local(text: &[u8]) -> Option<NaiveDateTime> {
    let (day, rest) = text.split_at_checked(10)?;
    let [b' ' | b'T' | b't', clock @ ..] = rest else { return None };
    Some(NaiveDateTime::new(date(day)?, time(clock)?))
}

/// `2024-02-29T23:59:59Z`, `2024-02-29 23:59:59 +02:00`
pub(crate) fn instant(text: &[u8]) -> Option<Instant> {
    let (at, offset) = match text {
        [rest @ .., b'Z' | b'z'] => (rest, None),
        [rest @ .., sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let (hours, minutes) = (number(&[*h1, *h2])?, number(&[*m1, *m2])?);
            let minutes =
                Some(minutes).filter(|minutes| *minutes < 60)?.checked_add(hours.checked_mul(60)?)?;
            let minutes = i16::try_from(minutes).ok().filter(|minutes| *minutes < 24 * 60)?;
            (rest, Some(if *sign == b'-' { -minutes } else { minutes }))
        }
        _ => return None,
    };
    let at = local(at.trim_ascii_end())?.and_utc();
    let shift = chrono::TimeDelta::minutes(i64::from(offset.unwrap_or(0)));
    Some(Instant { utc: at.checked_sub_signed(shift)?, offset_minutes: offset })
}

#[cfg(test)]
mod tests {
    use chrono::{NaiveDate, NaiveTime};
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
    use seamless_core::model::{Instant, Timestamp};

    use super::{date, instant, instant_text, local, time};

    proptest! {
        #[test]
        fn dates_and_times_read_as_chrono_reads_them(days in 1i32..3_000_000, seconds in 0u32..86400, nanos in 0u32..1_000_000_000) {
            let day = NaiveDate::from_num_days_from_ce_opt(days).unwrap();
            let clock = NaiveTime::from_num_seconds_from_midnight_opt(seconds, nanos).unwrap();
            prop_assert_eq!(date(day.to_string().as_bytes()), Some(day));
            prop_assert_eq!(time(clock.format("%H:%M:%S%.f").to_string().as_bytes()), Some(clock));
            let at = day.and_time(clock);
            prop_assert_eq!(local(at.format("%Y-%m-%dT%H:%M:%S%.9f").to_string().as_bytes()), Some(at));
        }

        #[test]
        fn a_moment_keeps_how_it_was_written(seconds in 0i64..4_000_000_000, offset in proptest::option::of(-839i16..840)) {
            let at = Instant { utc: Timestamp::from_timestamp(seconds, 0).unwrap(), offset_minutes: offset };
            let read = instant(instant_text(at).unwrap().as_bytes()).unwrap();
            prop_assert_eq!(read, at);
            prop_assert_eq!(read.offset_minutes, offset);
        }

        #[test]
        fn other_bytes_are_refused(bytes in any::<Vec<u8>>()) {
            prop_assert!(date(&bytes).is_none() || bytes.len() == 10);
            time(&bytes);
            instant(&bytes);
        }
    }

    #[test]
    fn near_misses_are_refused() {
        for text in ["2023-02-29", "2024-2-9", "2024-02-29 ", "24:00", "23:59:60", "12:00:00.", "2024-02-29"]
        {
            assert!(time(text.as_bytes()).is_none() && local(text.as_bytes()).is_none(), "{text}");
        }
        assert!(
            instant(b"2024-02-29T10:00:00+00:60").is_none()
                && instant(b"2024-02-29T10:00:00+24:00").is_none()
        );
        assert!(date(b"2023-02-29").is_none() && local(b"2024-02-29 10:00:00Z").is_none());
    }
}
