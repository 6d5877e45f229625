//! Excel's numbers for days and times, by the calendar of 1900 or of 1904. Knows no cells. The doors are [`Calendar::read`] and
//! [`Calendar::write`].
//!
//! The calendar of 1900 has a 29 February 1900 that never was (number 60), so days before it count from another day than those
//! behind it. Times are parts of a day; a number of today tells microseconds apart at best, and Excel shows milliseconds, so
//! those are what is kept.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Timelike};

/// Milliseconds of a day.
const DAY_MS: f64 = 86_400_000.0;

/// The number of the day that never was.
const LEAP: i64 = 60;

/// Which day is number 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Calendar {
    /// 1 January 1900 is 1: Excel, unless somebody chose otherwise.
    #[default]
    Of1900,
    /// 1 January 1904 is 0: workbooks of old Macs.
    Of1904,
}

impl Calendar {
    /// The moment of a number; `None` for a day that never was, or of no year with four digits.
    pub(super) fn read(self, serial: f64) -> Option<NaiveDateTime> {
        if !(0.0..3_000_000.0).contains(&serial) {
            return None;
        }
        let all_ms = (serial * DAY_MS).round();
        // Both are whole and far below 2^53.
        let days = (all_ms / DAY_MS).floor() as i64;
        let ms = (all_ms - days as f64 * DAY_MS) as i64;
        let day = self.epoch(days)?.checked_add_signed(TimeDelta::days(days))?;
        let at = day.and_time(NaiveTime::MIN).checked_add_signed(TimeDelta::milliseconds(ms))?;
        (day <= NaiveDate::from_ymd_opt(9999, 12, 31)?).then_some(at)
    }

    /// The time of a number that has no day.
    pub(super) fn read_time(serial: f64) -> Option<NaiveTime> {
        if !(0.0..1.0).contains(&serial) {
            return None;
        }
        let ms = (serial * DAY_MS).round() as i64;
        // What rounds up to midnight is none of this day.
        (ms < 86_400_000).then(|| NaiveTime::MIN + TimeDelta::milliseconds(ms))
    }

    /// The number of a moment; `None` for one that the calendar does not have, or that is finer than milliseconds.
    pub(super) fn write(self, at: NaiveDateTime) -> Option<f64> {
        let day = at.date();
        let days = match self {
            Calendar::Of1904 => (day - NaiveDate::from_ymd_opt(1904, 1, 1)?).num_days(),
            Calendar::Of1900 => {
                let days = (day - NaiveDate::from_ymd_opt(1899, 12, 31)?).num_days();
                if days >= LEAP { days + 1 } else { days }
            }
        };
        let first = match self {
            Calendar::Of1900 => 1,
            Calendar::Of1904 => 0,
        };
        if days < first {
            return None;
        }
        let serial = days as f64 + Self::write_time(at.time())?;
        (self.read(serial) == Some(at)).then_some(serial)
    }

    /// The number of a time without a day; `None` for one that is finer than milliseconds.
    pub(super) fn write_time(time: NaiveTime) -> Option<f64> {
        let ms = time.nanosecond() / 1_000_000;
        let exact = time.nanosecond() < 1_000_000_000 && time.nanosecond().is_multiple_of(1_000_000);
        exact.then(|| (f64::from(time.num_seconds_from_midnight()) * 1_000.0 + f64::from(ms)) / DAY_MS)
    }

    /// The day that days count from.
    fn epoch(self, days: i64) -> Option<NaiveDate> {
        match self {
            Calendar::Of1904 => NaiveDate::from_ymd_opt(1904, 1, 1),
            Calendar::Of1900 if days == LEAP || days < 1 => None,
            Calendar::Of1900 if days < LEAP => NaiveDate::from_ymd_opt(1899, 12, 31),
            Calendar::Of1900 => NaiveDate::from_ymd_opt(1899, 12, 30),
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::{NaiveDate, NaiveTime, TimeDelta};
    use proptest::prelude::{prop_assert_eq, proptest};

    use super::Calendar;

    #[test]
    fn known_days_have_the_numbers_that_excel_shows() {
        for (calendar, serial, text) in [
            (Calendar::Of1900, 1.0, "1900-01-01 00:00:00"),
            (Calendar::Of1900, 59.0, "1900-02-28 00:00:00"),
            (Calendar::Of1900, 61.0, "1900-03-01 00:00:00"),
            (Calendar::Of1900, 45351.5, "2024-02-29 12:00:00"),
            (Calendar::Of1900, 2958465.0, "9999-12-31 00:00:00"),
            (Calendar::Of1904, 0.0, "1904-01-01 00:00:00"),
            (Calendar::Of1904, 43889.5, "2024-02-29 12:00:00"),
        ] {
            let at = calendar.read(serial).unwrap();
            assert_eq!(at.to_string(), text);
            assert_eq!(calendar.write(at), Some(serial));
        }
        for serial in [0.0, 60.0, 60.5, -1.0, 2958466.0, f64::NAN, f64::INFINITY] {
            assert_eq!(Calendar::Of1900.read(serial), None, "{serial}");
        }
        let early = NaiveDate::from_ymd_opt(1899, 12, 31).unwrap().and_time(NaiveTime::MIN);
        assert_eq!(Calendar::Of1900.write(early), None);
        assert_eq!(Calendar::read_time(0.999_999_999_9), None, "midnight is none of this day");
    }

    proptest! {
        #[test]
        fn every_millisecond_of_every_day_reads_back(day in 0i64..2_950_000, ms in 0i64..86_400_000, of_1904: bool) {
            let calendar = if of_1904 { Calendar::Of1904 } else { Calendar::Of1900 };
            let first = NaiveDate::from_ymd_opt(1904, 1, 1).unwrap().and_time(NaiveTime::MIN);
            let at = first + TimeDelta::days(day) + TimeDelta::milliseconds(ms);
            prop_assert_eq!(calendar.read(calendar.write(at).unwrap()), Some(at));
            let time = at.time();
            prop_assert_eq!(Calendar::read_time(Calendar::write_time(time).unwrap()), Some(time));
            prop_assert_eq!(calendar.write(at + TimeDelta::nanoseconds(1)), None);
        }
    }
}
