//! How long a system asks us to wait: the header `Retry-After`, in seconds or as a date. Pure: what time it is comes in.

use std::time::Duration;

use chrono::{DateTime, NaiveDateTime, Utc};

/// The longest wait that is believed; a system that asks for more is asked again after that.
const WAIT_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// The time to wait that a header asks for; `None` where it cannot be read.
pub(crate) fn wait(header: &str, now: DateTime<Utc>) -> Option<Duration> {
    let text = header.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        let seconds: f64 = text.parse().ok()?;
        return Some(Duration::try_from_secs_f64(seconds).unwrap_or(WAIT_MAX).min(WAIT_MAX));
    }
    let until = date(text)?;
    Some((until - now).to_std().unwrap_or(Duration::ZERO).min(WAIT_MAX))
}

/// `Sun, 06 Nov 1994 08:49:37 GMT` and the two older forms that HTTP allows.
fn date(text: &str) -> Option<DateTime<Utc>> {
    let plain = text.strip_suffix(" GMT").or_else(|| text.strip_suffix(" UTC")).unwrap_or(text);
    let forms = ["%a, %d %b %Y %H:%M:%S", "%A, %d-%b-%y %H:%M:%S", "%a %b %e %H:%M:%S %Y"];
    forms.iter().find_map(|form| NaiveDateTime::parse_from_str(plain, form).ok()).map(|at| at.and_utc())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use chrono::{DateTime, Utc};

    use super::wait;

    fn now() -> DateTime<Utc> {
        "1994-11-06T08:49:07Z".parse().unwrap()
    }

    #[test]
    fn seconds_and_the_three_forms_of_dates_are_read() {
        for text in [
            "30",
            " 30 ",
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
        ] {
            assert_eq!(wait(text, now()), Some(Duration::from_secs(30)), "{text}");
        }
        assert_eq!(wait("0.5", now()), Some(Duration::from_millis(500)));
    }

    #[test]
    fn a_date_that_is_over_is_no_wait_and_a_wait_without_end_has_one() {
        assert_eq!(wait("Sun, 06 Nov 1994 08:00:00 GMT", now()), Some(Duration::ZERO));
        for long in ["99999999999999999999999999", "Sat, 06 Nov 2094 08:49:37 GMT"] {
            assert_eq!(wait(long, now()), Some(Duration::from_secs(86_400)), "{long}");
        }
        for bad in ["", "soon", "-1", "1e9", "1.2.3", "2024-01-01"] {
            assert_eq!(wait(bad, now()), None, "{bad}");
        }
    }
}
