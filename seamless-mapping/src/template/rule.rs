//! What a rule is made of, as it is written: its sentence or long form, its options, its id.
//!
//! Names are taken as they stand, parameters not put in: what an overlay changes does not depend on an environment.
//! The doors are [`id`] and [`head`].

use seamless_core::model::{Side, Sides};

use super::part::{Part, PartKind, is_more_than_text};
use crate::notation::rule::{ARROWS, EXAMPLE, constant_word};
use crate::notation::sentence::{Operator, Sentence, Word};

/// What a sentence, or the long form, says before any option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) fields: Sides<Vec<String>>,
    /// `None` both ways, otherwise the side that is written.
    pub(super) to: Option<Side>,
    /// A constant, as it is written.
    pub(super) constant: Option<String>,
}

/// The part that holds the sentence; none in the long form.
pub(super) fn sentence(rule: &Part) -> Option<&Part> {
    let is_sentence =
        |part: &Part| part.text().is_some_and(|text| Sentence::read(text, ARROWS, EXAMPLE).is_ok());
    match &rule.kind {
        PartKind::Scalar { .. } => Some(rule),
        PartKind::Map(entries) => entries.iter().map(|(key, _)| key).find(|key| is_sentence(key)),
        PartKind::List(_) => None,
    }
}

/// The options of a rule: what stands below its sentence, or the keys of the long form.
pub(super) fn options(rule: &Part) -> &[(Part, Part)] {
    match sentence(rule).and_then(Part::text) {
        Some(text) => rule.get(text).map_or(&[], Part::entries),
        None => rule.entries(),
    }
}

/// An option of a rule.
pub(super) fn option<'r>(rule: &'r Part, key: &str) -> Option<&'r Part> {
    options(rule).iter().find(|(name, _)| name.text() == Some(key)).map(|(_, value)| value)
}

/// The map that holds the options, made where there is none.
pub(super) fn options_mut(rule: &mut Part) -> Option<&mut Part> {
    let empty = |like: &Part| Part::made(&like.origin, PartKind::Map(Vec::new()));
    if rule.text().is_some() {
        let sentence = rule.clone();
        *rule =
            Part::made(&sentence.origin.clone(), PartKind::Map(vec![(sentence.clone(), empty(&sentence))]));
    }
    let Some(text) = sentence(rule).and_then(|part| part.text().map(str::to_owned)) else {
        return Some(rule);
    };
    let below = rule.get_mut(&text)?;
    if !below.is_map() {
        *below = empty(below);
    }
    Some(below)
}

/// Takes an option away; a sentence that has none left stands alone again.
pub(super) fn remove_option(rule: &mut Part, key: &str) {
    let Some(options) = options_mut(rule) else { return };
    options.remove(key);
    let empty = options.entries().is_empty();
    if let Some(alone) = sentence(rule).filter(|_| empty).cloned() {
        *rule = alone;
    }
}

/// Which fields, which way; none for what is no rule.
pub(super) fn head(rule: &Part, sides: &Sides<String>) -> Option<Head> {
    match sentence(rule) {
        Some(part) => head_of_sentence(part.text()?),
        None => long_head(rule, sides),
    }
}

fn head_of_sentence(text: &str) -> Option<Head> {
    let Sentence { left, operator, right, .. } = Sentence::read(text, ARROWS, EXAMPLE).ok()?;
    let names = |words: &[Word]| words.iter().map(|word| word.text.clone()).collect::<Vec<_>>();
    let to = match operator {
        Operator::Both | Operator::Equal => None,
        Operator::Right => Some(Side::Right),
        Operator::Left => Some(Side::Left),
    };
    let giving = if to == Some(Side::Left) { &right } else { &left };
    let mut head = Head { fields: Sides::new(names(&left), names(&right)), to, constant: None };
    if let (Some(word), Some(to)) = (constant_word(giving), to) {
        head.fields.of_mut(to.other()).clear();
        head.constant = Some(as_value(&word.text, word.quoted));
    }
    Some(head)
}

fn long_head(rule: &Part, sides: &Sides<String>) -> Option<Head> {
    let names = |side: Side| -> Vec<String> {
        let Some(part) = rule.get(sides.of(side)) else { return Vec::new() };
        let one = std::slice::from_ref(part);
        let parts = if part.is_list() { part.items() } else { one };
        parts.iter().filter_map(|part| part.text().map(str::to_owned)).collect()
    };
    let fields = Sides::new(names(Side::Left), names(Side::Right));
    let constant =
        rule.get("const").and_then(|part| part.text().map(|text| as_value(text, !part.is_plain())));
    if fields.left.is_empty() && fields.right.is_empty() {
        return None;
    }
    let flow = rule.get("flow").and_then(Part::text);
    let to = match constant {
        Some(_) => Some(if fields.left.is_empty() { Side::Right } else { Side::Left }),
        None => Side::BOTH.into_iter().find(|side| flow == Some(format!("to_{}", sides.of(*side)).as_str())),
    };
    Some(Head { fields, to, constant })
}

/// The id of a rule as `RuleDecl::stable_id` makes it: the declared one, else from the fields.
pub(super) fn id(rule: &Part, sides: &Sides<String>) -> Option<String> {
    match option(rule, "id").and_then(Part::text) {
        Some(id) => Some(id.to_owned()),
        None => head(rule, sides).map(|head| head.natural_id()),
    }
}

impl Head {
    /// The id of a rule that declares none.
    pub(super) fn natural_id(&self) -> String {
        format!("{}={}", self.fields.left.join("+"), self.fields.right.join("+"))
    }

    /// `both`, `to_crm`, `to_erp`.
    pub(super) fn flow(&self, sides: &Sides<String>) -> String {
        self.to.map_or_else(|| "both".to_owned(), |side| format!("to_{}", sides.of(side)))
    }
}

/// Changes where the values of a rule go. In a sentence it is the arrow that changes.
pub(super) fn set_flow(rule: &mut Part, flow: &Part, sides: &Sides<String>) {
    let Some(text) = sentence(rule).and_then(Part::text).map(str::to_owned) else {
        let key = Part::word(&flow.origin, "flow");
        return rule.set(&key, flow.clone());
    };
    let arrow = match flow.text() {
        Some("both") => "<->",
        Some(word) if word == format!("to_{}", sides.left) => "<-",
        _ => "->",
    };
    let Ok(read) = Sentence::read(&text, ARROWS, EXAMPLE) else { return };
    let mut changed = text.clone();
    changed.replace_range(read.at, arrow);
    let change = |part: &mut Part| {
        if let PartKind::Scalar { text, .. } = &mut part.kind {
            text.clone_from(&changed);
            part.origin = flow.origin.clone();
        }
    };
    if rule.text().is_some() {
        return change(rule);
    }
    if let Some(entries) = rule.entries_mut() {
        entries.iter_mut().filter(|(key, _)| key.text() == Some(&text)).for_each(|(key, _)| change(key));
    }
}

/// A line of an option table in one spelling, whether it is a sentence or the long form.
pub(super) fn row(part: &Part, sides: &Sides<String>) -> Option<Row> {
    if part.is_map() {
        let value = |side: Side| {
            let value = part.get(sides.of(side))?;
            let text = value.text()?;
            Some(as_value(text, !value.is_plain()))
        };
        let flow = part.get("flow").and_then(Part::text);
        let to = Side::BOTH.into_iter().find(|side| flow == Some(format!("to_{}", sides.of(*side)).as_str()));
        return Some(Row { values: Sides::new(value(Side::Left)?, value(Side::Right)?), to });
    }
    let Sentence { left, operator, right, .. } = Sentence::read(part.text()?, ARROWS, "1 <-> 30D").ok()?;
    let one = |words: &[Word]| match words {
        [word] => Some(as_value(&word.text, word.quoted)),
        _ => None,
    };
    let to = match operator {
        Operator::Both | Operator::Equal => None,
        Operator::Right => Some(Side::Right),
        Operator::Left => Some(Side::Left),
    };
    Some(Row { values: Sides::new(one(&left)?, one(&right)?), to })
}

/// A value as it is shown and compared: quotes count only where they change what it is.
fn as_value(text: &str, quoted: bool) -> String {
    if quoted && is_more_than_text(text) { format!("`{text}`") } else { text.to_owned() }
}

/// A line of an option table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) values: Sides<String>,
    pub(super) to: Option<Side>,
}

impl Row {
    /// Whether both lead away from the same value of a side: a table cannot hold both.
    pub(super) fn contradicts(&self, other: &Row) -> bool {
        self != other
            && Side::BOTH.into_iter().any(|from| {
                let leads = |row: &Row| row.to.is_none_or(|to| to == from.other());
                leads(self) && leads(other) && self.values.of(from) == other.values.of(from)
            })
    }
}

impl std::fmt::Display for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let arrow = match self.to {
            None => "<->",
            Some(Side::Right) => "->",
            Some(Side::Left) => "<-",
        };
        write!(f, "{} {arrow} {}", self.values.left, self.values.right)
    }
}
