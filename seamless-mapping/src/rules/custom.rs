//! Rules and conflict decisions that a host writes in Rust and registers by name.
//!
//! A mapping names a function; what it does is the host's. Its version is part of the rule's digest: a function that
//! carries differently needs another version, so that bases made by the old one are not trusted.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use seamless_core::mapper::Settlement;
use seamless_core::model::{Presence, Side, Slot, Value, ValueRef};

use super::{Carrier, Cell, Made, Making, Trouble};

/// A rule written in Rust. Pure: no I/O, no clock, no randomness.
///
/// Law, the author's to keep: carried there and back, a value means the same. A target that already makes the
/// source's values when carried back is left alone, so a function that forgets something need not remember it.
pub trait CustomRule: fmt::Debug + Send + Sync + 'static {
    /// Changes whenever the function carries something differently.
    fn version(&self) -> &str;

    /// Whether it carries values to a side.
    fn carries(&self, to: Side) -> bool;

    /// Whether carrying to a side and back, without knowing what was there, gives the same values.
    fn lossless(&self) -> bool {
        false
    }

    /// What the target's fields become, one per field in the rule's order; `None` keeps what is there.
    ///
    /// Errors: a value outside the domain; the rule parks.
    fn carry(
        &self,
        to: Side,
        source: &[ValueRef<'_>],
        current: &[Presence<'_>],
    ) -> Result<Vec<Option<Value>>, CustomRefusal>;
}

/// Why a custom rule does not carry a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomRefusal {
    /// What is wrong with the value.
    pub message: String,
    /// What a person can do.
    pub remedy: String,
}

type CarryFn = dyn Fn(&[ValueRef<'_>]) -> Result<Vec<Value>, CustomRefusal> + Send + Sync;
type SettleFn = dyn Fn(&[Slot], &[Slot]) -> Option<Settlement> + Send + Sync;

/// A custom rule made of closures.
pub struct Closures {
    version: String,
    to_left: Option<Box<CarryFn>>,
    to_right: Option<Box<CarryFn>>,
}

impl Closures {
    /// A rule that carries nowhere yet.
    pub fn new(version: &str) -> Self {
        Self { version: version.to_owned(), to_left: None, to_right: None }
    }

    /// How values of the left become values of the right.
    #[must_use]
    pub fn to_right(
        mut self,
        carry: impl Fn(&[ValueRef<'_>]) -> Result<Vec<Value>, CustomRefusal> + Send + Sync + 'static,
    ) -> Self {
        self.to_right = Some(Box::new(carry));
        self
    }

    /// How values of the right become values of the left.
    #[must_use]
    pub fn to_left(
        mut self,
        carry: impl Fn(&[ValueRef<'_>]) -> Result<Vec<Value>, CustomRefusal> + Send + Sync + 'static,
    ) -> Self {
        self.to_left = Some(Box::new(carry));
        self
    }

    fn to(&self, side: Side) -> Option<&CarryFn> {
        match side {
            Side::Left => self.to_left.as_deref(),
            Side::Right => self.to_right.as_deref(),
        }
    }
}

impl fmt::Debug for Closures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Closures").field("version", &self.version).finish_non_exhaustive()
    }
}

impl CustomRule for Closures {
    fn version(&self) -> &str {
        &self.version
    }

    fn carries(&self, to: Side) -> bool {
        self.to(to).is_some()
    }

    fn carry(
        &self,
        to: Side,
        source: &[ValueRef<'_>],
        _current: &[Presence<'_>],
    ) -> Result<Vec<Option<Value>>, CustomRefusal> {
        match self.to(to) {
            Some(carry) => carry(source).map(|values| values.into_iter().map(Some).collect()),
            None => Ok(Vec::new()),
        }
    }
}

/// The functions that a host registers: rules and conflict decisions, by name.
#[derive(Clone, Default)]
pub struct Functions {
    rules: BTreeMap<String, Arc<dyn CustomRule>>,
    conflicts: BTreeMap<String, Arc<SettleFn>>,
}

impl Functions {
    /// No functions.
    pub fn new() -> Self {
        Self::default()
    }

    /// Registers a rule; a second one of the same name replaces the first.
    #[must_use]
    pub fn rule(mut self, name: &str, rule: impl CustomRule) -> Self {
        self.rules.insert(name.to_owned(), Arc::new(rule));
        self
    }

    /// Registers a decision of conflicts: given the values of both sides in the rule's order, which side wins, or
    /// `None` to park.
    #[must_use]
    pub fn conflict(
        mut self,
        name: &str,
        settle: impl Fn(&[Slot], &[Slot]) -> Option<Settlement> + Send + Sync + 'static,
    ) -> Self {
        self.conflicts.insert(name.to_owned(), Arc::new(settle));
        self
    }

    /// A rule by name.
    pub fn rule_named(&self, name: &str) -> Option<&Arc<dyn CustomRule>> {
        self.rules.get(name)
    }

    /// The names of the rules, in order.
    pub fn rule_names(&self) -> impl Iterator<Item = &str> {
        self.rules.keys().map(String::as_str)
    }

    /// The names of the conflict decisions, in order.
    pub fn conflict_names(&self) -> impl Iterator<Item = &str> {
        self.conflicts.keys().map(String::as_str)
    }

    pub(crate) fn settle(&self, name: &str, left: &[Slot], right: &[Slot]) -> Option<Settlement> {
        self.conflicts.get(name).and_then(|settle| settle(left, right))
    }
}

impl fmt::Debug for Functions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Functions")
            .field("rules", &self.rules.keys())
            .field("conflicts", &self.conflicts.keys())
            .finish()
    }
}

/// A registered rule in its place.
#[derive(Debug)]
pub(crate) struct Custom {
    pub(crate) rule: Arc<dyn CustomRule>,
    pub(crate) fields: seamless_core::model::Sides<usize>,
}

impl Carrier for Custom {
    fn carries(&self, to: Side) -> bool {
        self.rule.carries(to)
    }

    fn lossless(&self) -> bool {
        self.rule.lossless()
    }

    fn make(&self, to: Side, values: &[ValueRef<'_>], cx: &Making<'_>) -> Result<Made, Trouble> {
        let value = values.first().copied().unwrap_or(ValueRef::Null);
        let made = self
            .rule
            .carry(to, values, cx.current)
            .map_err(|refusal| Trouble::unmappable(value, refusal.message, refusal.remedy))?;
        if made.len() != *self.fields.of(to) {
            let message =
                format!("the function gave {} values for {} fields", made.len(), self.fields.of(to));
            return Err(Trouble::unmappable(value, message, "correct the function"));
        }
        Ok(Made::Many(made.into_iter().map(|value| value.map_or(Cell::Keep, Cell::known)).collect()))
    }
}
