//! What is odd about a simulated system, as plain data: each switch is a real behaviour of real systems. It knows what a
//! switch makes of a value and of the truth about a system's capabilities, and nothing of records. The door is
//! [`Switches`].

use std::fmt;

use super::level::Level;
use crate::connector::{Capabilities, Capability, Order, WriteReturns};
use crate::model::{Decimal, Error, Result, Rounding, Value};

/// The words of scripts, with what a number or name behind them is.
const WORDS: [&str; 24] = [
    "truncate=<characters>",
    "round=<digits>",
    "upper",
    "trim",
    "null-to-empty",
    "empty-to-null",
    "default",
    "computed",
    "automation",
    "no-versions",
    "stamp-versions=<ms>",
    "lag=<ms>",
    "late-commit=<ms>",
    "page-skew",
    "cap=<records>",
    "page=<records>",
    "soft-delete",
    "no-redirect",
    "shuffle=<number>",
    "narrow=<characters>",
    "short=<characters>",
    "required",
    "picky",
    "lies=<C1,C2..>",
];

/// What a system makes of nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Blank {
    /// Null and the empty text are two values.
    #[default]
    Apart,
    /// Null is stored as the empty text.
    Empty,
    /// The empty text is stored as null.
    Null,
}

/// What versions tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Versions {
    /// Every change has a version of its own.
    #[default]
    Each,
    /// There are none; a precondition compares values.
    None,
    /// The version is the modified stamp, cut to so many milliseconds: two quick changes share one.
    Stamp(u64),
}

/// One simulated system: what it can do, and what is odd about it. Times are in milliseconds of the virtual clock; every
/// call of the port takes ten.
#[derive(Clone, Debug, PartialEq)]
pub struct Switches {
    /// What it can do to begin with.
    pub level: Level,
    /// Carried texts are cut to so many characters, if not 0.
    pub truncate: usize,
    /// Carried decimals are rounded to so many digits.
    pub round: Option<u32>,
    /// Carried texts are stored in capital letters.
    pub upper: bool,
    /// Carried texts lose blanks at their ends.
    pub trim: bool,
    /// What becomes of nothing.
    pub blank: Blank,
    /// A record that is created without a value in its last carried field gets one.
    pub default_on_create: bool,
    /// The field that no rule carries is worked out anew with every change.
    pub computed: bool,
    /// Where a client changes the first carried field, the system changes the second one itself.
    pub automation: bool,
    /// What versions tell.
    pub versions: Versions,
    /// What is read is what was there so long ago.
    pub lag: u64,
    /// An edit in an open transaction is committed so long after it got its place in the feed.
    pub late_commit: u64,
    /// Enumerations are paged by offset in the order of changes: a record that is changed meanwhile moves another one out
    /// of sight.
    pub page_skew: bool,
    /// An enumeration shows so many records at most, if not 0.
    pub cap: usize,
    /// Records in a page at most.
    pub page: usize,
    /// What is deleted keeps its unique values until it is purged, which never happens here.
    pub soft_delete: bool,
    /// A merge leaves a tombstone that names the survivor.
    pub redirect: bool,
    /// Enumerations come in an order that this number decides, where no order is promised.
    pub shuffle: u64,
    /// Carried texts of more characters are refused, if not 0, and nothing says so beforehand.
    pub narrow: usize,
    /// Carried texts of more characters are refused, if not 0, and the schema says so.
    pub short: usize,
    /// The last carried field must have a value, and the schema says so.
    pub required: bool,
    /// Some values of the first carried field are refused, as options that the system does not have.
    pub picky: bool,
    /// What the system declares although it is not so.
    pub lies: Vec<Capability>,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            level: Level::Full,
            truncate: 0,
            round: None,
            upper: false,
            trim: false,
            blank: Blank::Apart,
            default_on_create: false,
            computed: false,
            automation: false,
            versions: Versions::Each,
            lag: 0,
            late_commit: 0,
            page_skew: false,
            cap: 0,
            page: 2,
            soft_delete: false,
            redirect: true,
            shuffle: 0,
            narrow: 0,
            short: 0,
            required: false,
            picky: false,
            lies: Vec::new(),
        }
    }
}

impl Switches {
    /// A system of a level without oddities.
    pub fn of(level: Level) -> Self {
        Self { level, ..Self::default() }
    }

    /// What a carried field holds after this was written to it.
    pub(super) fn stored(&self, value: Value) -> Value {
        let value = match (self.blank, value) {
            (Blank::Empty, Value::Null) => return Value::text(""),
            (Blank::Null, Value::Text(text)) if text.is_empty() => return Value::Null,
            (_, value) => value,
        };
        match value {
            Value::Text(text) => {
                let mut stored = text.to_string();
                if self.upper {
                    stored = stored.to_uppercase();
                }
                if self.truncate > 0 {
                    stored = stored.chars().take(self.truncate).collect();
                }
                if self.trim {
                    stored = stored.trim().to_owned();
                }
                Value::text(&stored)
            }
            Value::Decimal(number) => match self.round {
                Some(digits) => rounded(&number, digits),
                None => Value::Decimal(number),
            },
            other => other,
        }
    }

    /// What a user types, as long as it may be.
    pub(super) fn fitting(&self, value: Value) -> Value {
        let most = [self.narrow, self.short].into_iter().filter(|length| *length > 0).min();
        match (value, most) {
            (Value::Text(text), Some(most)) => Value::text(&text.chars().take(most).collect::<String>()),
            (value, _) => value,
        }
    }

    /// What the system can do in truth. `silent`: whether its content changes behind its own back.
    pub(super) fn truth(&self, mut can: Capabilities, silent: bool) -> Capabilities {
        if matches!(self.versions, Versions::Stamp(_)) || silent {
            can.conditional_update = false;
        }
        // A version that two changes can share proves nothing about a write.
        if (self.versions != Versions::Each || silent) && can.write_returns == WriteReturns::Version {
            can.write_returns = WriteReturns::Nothing;
        }
        if self.lag > 0 {
            can.consistent_read = false;
        }
        if self.page_skew || self.cap > 0 {
            can.complete_enumeration = false;
        }
        if self.page_skew {
            can.order = Order::Unspecified;
        }
        if silent {
            can.low_water = false;
        }
        can
    }

    /// What it says that it can.
    pub(super) fn declared(&self, truth: &Capabilities, full: &Capabilities) -> Capabilities {
        let mut can = truth.clone();
        for lie in &self.lies {
            match lie {
                Capability::ConditionalUpdate => can.conditional_update = true,
                Capability::WriteReturns => can.write_returns = WriteReturns::Stored,
                Capability::UniqueKey => can.unique_key = full.unique_key.clone(),
                Capability::ConsistentRead => can.consistent_read = true,
                Capability::Tombstones => can.tombstones = true,
                Capability::CompleteEnumeration => can.complete_enumeration = true,
                Capability::LowWater => can.low_water = true,
                Capability::GoneNotHidden => can.gone_not_hidden = true,
            }
        }
        can
    }

    /// Whether it says more than is true.
    pub(super) fn is_lying(&self, truth: &Capabilities) -> bool {
        self.lies.iter().any(|lie| !truth.has(*lie))
    }

    /// The same system without one of its oddities, one after the other: what shrinking tries.
    pub(super) fn simpler(&self) -> Vec<Switches> {
        let plain = Switches::default();
        let words: Vec<String> = self.to_string().split(' ').map(str::to_owned).collect();
        let mut simpler = Vec::new();
        for left_out in 0..words.len() {
            let kept: Vec<&str> =
                words.iter().enumerate().filter(|(at, _)| *at != left_out).map(|(_, word)| &**word).collect();
            let parsed = Switches::parse(&kept.join(" "));
            simpler.extend(parsed.ok().filter(|switches| switches != self));
        }
        if self.level != plain.level {
            simpler.push(Switches { level: plain.level, ..self.clone() });
        }
        simpler
    }

    /// Reads what [`Switches`] is displayed as.
    ///
    /// Errors: a word that is no switch.
    pub fn parse(text: &str) -> Result<Self> {
        let mut switches = Switches::default();
        for word in text.split_whitespace() {
            switches.switch(word).ok_or_else(|| {
                Error::configuration("a system of a script has no such switch, or not with this value")
                    .at("switch", word)
                    .with_remedy(remedy())
            })?;
        }
        Ok(switches)
    }

    fn switch(&mut self, word: &str) -> Option<()> {
        let (name, value) = word.split_once('=').unwrap_or((word, ""));
        if let Some(level) = Level::of_name(name) {
            self.level = level;
            return Some(());
        }
        match name {
            "truncate" => self.truncate = value.parse().ok()?,
            "round" => self.round = Some(value.parse().ok()?),
            "upper" => self.upper = true,
            "trim" => self.trim = true,
            "null-to-empty" => self.blank = Blank::Empty,
            "empty-to-null" => self.blank = Blank::Null,
            "default" => self.default_on_create = true,
            "computed" => self.computed = true,
            "automation" => self.automation = true,
            "no-versions" => self.versions = Versions::None,
            "stamp-versions" => self.versions = Versions::Stamp(value.parse().ok()?),
            "lag" => self.lag = value.parse().ok()?,
            "late-commit" => self.late_commit = value.parse().ok()?,
            "page-skew" => self.page_skew = true,
            "cap" => self.cap = value.parse().ok()?,
            "page" => self.page = value.parse().ok()?,
            "soft-delete" => self.soft_delete = true,
            "no-redirect" => self.redirect = false,
            "shuffle" => self.shuffle = value.parse().ok()?,
            "narrow" => self.narrow = value.parse().ok()?,
            "short" => self.short = value.parse().ok()?,
            "required" => self.required = true,
            "picky" => self.picky = true,
            "lies" => {
                self.lies = value.split(',').map(capability).collect::<Option<Vec<_>>>()?;
            }
            _ => return None,
        }
        Some(())
    }
}

fn remedy() -> String {
    let levels: Vec<&str> = Level::ALL.iter().map(|level| level.name()).collect();
    format!("the levels are {}; the switches are {}", levels.join(", "), WORDS.join(" "))
}

fn capability(code: &str) -> Option<Capability> {
    Capability::ALL.into_iter().find(|capability| capability.code() == code)
}

fn rounded(number: &Decimal, digits: u32) -> Value {
    Value::Decimal(number.rescaled(digits, Rounding::HalfUp).unwrap_or_else(|| number.clone()))
}

impl fmt::Display for Switches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut words = vec![self.level.name().to_owned()];
        let mut flag = |on: bool, word: &str| {
            if on {
                words.push(word.to_owned());
            }
        };
        flag(self.truncate > 0, &format!("truncate={}", self.truncate));
        flag(self.round.is_some(), &format!("round={}", self.round.unwrap_or_default()));
        flag(self.upper, "upper");
        flag(self.trim, "trim");
        flag(self.blank == Blank::Empty, "null-to-empty");
        flag(self.blank == Blank::Null, "empty-to-null");
        flag(self.default_on_create, "default");
        flag(self.computed, "computed");
        flag(self.automation, "automation");
        match self.versions {
            Versions::Each => {}
            Versions::None => flag(true, "no-versions"),
            Versions::Stamp(length) => flag(true, &format!("stamp-versions={length}")),
        }
        flag(self.lag > 0, &format!("lag={}", self.lag));
        flag(self.late_commit > 0, &format!("late-commit={}", self.late_commit));
        flag(self.page_skew, "page-skew");
        flag(self.cap > 0, &format!("cap={}", self.cap));
        flag(self.page != Switches::default().page, &format!("page={}", self.page));
        flag(self.soft_delete, "soft-delete");
        flag(!self.redirect, "no-redirect");
        flag(self.shuffle > 0, &format!("shuffle={}", self.shuffle));
        flag(self.narrow > 0, &format!("narrow={}", self.narrow));
        flag(self.short > 0, &format!("short={}", self.short));
        flag(self.required, "required");
        flag(self.picky, "picky");
        let lies: Vec<&str> = self.lies.iter().map(|lie| lie.code()).collect();
        flag(!lies.is_empty(), &format!("lies={}", lies.join(",")));
        f.write_str(&words.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::{Switches, WORDS};

    /// A word that the remedy names and no reader knows would send its reader in a circle.
    #[test]
    fn every_word_that_an_error_offers_is_read_and_shown_again() {
        for word in WORDS {
            let (name, value) = word
                .split_once('=')
                .map_or((word, ""), |(name, _)| (name, if name == "lies" { "=C1,C6" } else { "=1" }));
            let word = format!("{name}{value}");
            let shown = Switches::parse(&word).unwrap().to_string();
            assert!(shown.split(' ').any(|shown| shown == word), "{word} is shown as {shown}");
        }
        let error = Switches::parse("fast").unwrap_err().to_string();
        assert!(error.contains("fast"), "{error}");
    }
}
