//! Stamps of the last change: texts of moments, put back into queries as they came. Pure.

use chrono::{SecondsFormat, TimeDelta};

use crate::iso::instant;

/// A moment so many milliseconds earlier, in the form of the given one: as many digits of a second, universal time.
/// A text that is no moment stays.
pub(super) fn earlier(stamp: &str, milliseconds: u64) -> String {
    let Some(at) = instant(stamp.as_bytes()) else { return stamp.to_owned() };
    if milliseconds == 0 {
        return stamp.to_owned();
    }
    let back = TimeDelta::milliseconds(i64::try_from(milliseconds).unwrap_or(i64::MAX));
    let Some(back) = at.utc.checked_sub_signed(back) else { return stamp.to_owned() };
    let digits =
        stamp.split_once('.').map_or(0, |(_, rest)| rest.bytes().take_while(u8::is_ascii_digit).count());
    let whole = back.to_rfc3339_opts(SecondsFormat::Nanos, true);
    // 20 characters up to the point, nine digits, `Z`.
    let (front, fraction) = whole.split_at_checked(19).unwrap_or((&whole, ""));
    match digits {
        0 => format!("{front}Z"),
        _ => format!("{front}.{}Z", fraction.get(1..=digits.min(9)).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::earlier;

    #[test]
    fn the_form_of_a_stamp_is_kept() {
        for (stamp, back, is) in [
            ("2024-03-01T00:00:00.123Z", 1_000, "2024-02-29T23:59:59.123Z"),
            ("2024-03-01T00:00:00Z", 1_000, "2024-02-29T23:59:59Z"),
            ("2024-03-01T00:00:00.1234567Z", 1, "2024-03-01T00:00:00.1224567Z"),
            ("2024-03-01T01:00:00.1+01:00", 100, "2024-03-01T00:00:00.0Z"),
            ("2024-03-01T01:00:00+01:00", 0, "2024-03-01T01:00:00+01:00"),
            ("no moment", 5, "no moment"),
        ] {
            assert_eq!(earlier(stamp, back), is);
        }
    }
}
