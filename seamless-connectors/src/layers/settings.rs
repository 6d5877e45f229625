//! The recommended stack from configuration: `limits` and `retry`, which every kind of connector takes. What is not said is the
//! default of [`Options`]. The door is [`options`].

use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::time::Duration;

use seamless_core::model::{Error, Result};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use super::standard::Options;

/// The settings' names.
pub(crate) const LIMITS: &str = "limits";
pub(crate) const RETRY: &str = "retry";

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Limits {
    calls_max: Option<NonZeroUsize>,
    per_second: Option<NonZeroU32>,
    burst: Option<NonZeroU32>,
    per_day: Option<NonZeroU64>,
    reserve_percent: Option<u8>,
    day_begins_s: Option<u64>,
    wait_max_s: Option<u64>,
    call_timeout_s: Option<NonZeroU64>,
    page_timeout_s: Option<NonZeroU64>,
    write_timeout_s: Option<NonZeroU64>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Retrying {
    attempts_max: Option<NonZeroU32>,
    delay_ms: Option<u64>,
    delay_max_ms: Option<u64>,
    wait_max_s: Option<u64>,
    budget_percent: Option<u32>,
}

/// What the two settings say; `None` where neither is there.
///
/// Errors: names or values that are none, with the setting.
pub(crate) fn options(limits: Option<Json>, retry: Option<Json>) -> Result<Option<Options>> {
    if limits.is_none() && retry.is_none() {
        return Ok(None);
    }
    let mut options = Options::default();
    limited(read(LIMITS, limits)?, &mut options)?;
    retried(&read(RETRY, retry)?, &mut options);
    Ok(Some(options))
}

fn read<T: DeserializeOwned + Default>(setting: &'static str, json: Option<Json>) -> Result<T> {
    let Some(json) = json else { return Ok(T::default()) };
    serde_json::from_value(json).map_err(|problem| {
        Error::configuration(format!("`{setting}` cannot be read: {problem}"))
            .with_remedy("write { \"per_second\": 10 } under `limits`, { \"attempts_max\": 6 } under `retry`")
    })
}

fn set<T>(place: &mut T, said: Option<T>) {
    if let Some(said) = said {
        *place = said;
    }
}

fn limited(said: Limits, options: &mut Options) -> Result<()> {
    let wrong = |what: &str| Err(Error::configuration(format!("`{LIMITS}`: {what}")));
    if said.reserve_percent.is_some_and(|percent| percent > 100) {
        return wrong("`reserve_percent` is a share of a hundred");
    }
    if said.day_begins_s.is_some_and(|begins| begins >= 24 * 3600) {
        return wrong("`day_begins_s` is a time of a day, less than 86400 seconds");
    }
    let rate = &mut options.rate;
    set(&mut options.calls_max, said.calls_max);
    rate.per_second = said.per_second.or(rate.per_second);
    rate.per_day = said.per_day.or(rate.per_day);
    set(&mut rate.burst, said.burst);
    set(&mut rate.reserve_percent, said.reserve_percent);
    set(&mut rate.day_begins, said.day_begins_s.map(Duration::from_secs));
    set(&mut rate.wait_max, said.wait_max_s.map(Duration::from_secs));
    let seconds = |said: Option<NonZeroU64>| said.map(|seconds| Duration::from_secs(seconds.get()));
    set(&mut options.timeouts.call, seconds(said.call_timeout_s));
    set(&mut options.timeouts.page, seconds(said.page_timeout_s));
    set(&mut options.timeouts.write, seconds(said.write_timeout_s));
    Ok(())
}

fn retried(said: &Retrying, options: &mut Options) {
    let retries = &mut options.retries;
    set(&mut retries.attempts_max, said.attempts_max.map(NonZeroU32::get));
    set(&mut retries.delay, said.delay_ms.map(Duration::from_millis));
    set(&mut retries.delay_max, said.delay_max_ms.map(Duration::from_millis));
    set(&mut retries.wait_max, said.wait_max_s.map(Duration::from_secs));
    set(&mut retries.budget.percent, said.budget_percent);
}
