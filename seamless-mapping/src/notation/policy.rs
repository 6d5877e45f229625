//! The words for policies, types, equivalences and durations, each with the word that was probably meant.
//!
//! Words that name a side follow the sides' own names: `take_crm`, `to_erp`. Knows no links and no rules.

use std::time::Duration;

use seamless_core::document::{Diagnostic, Diagnostics, Document, Node, did_you_mean};
use seamless_core::mapper::{ConflictPolicy, DriftPolicy, FirstLinkPolicy, LinkMode, WriteOn};
use seamless_core::model::{CanonicalForm, Layout, Normaliser, Side, Sides};

use super::keys::Keys;
use super::value::Reader;
use crate::declaration::{RoundDecl, SplitAt, TooLong, TypeDecl};

const NEWEST: &[&str] = &["newest", "custom"];
const SKEW: &[&str] = &["skew"];

/// The finding that a word is none of those that are known here.
pub(crate) fn unknown_word(node: &Node, what: &str, known: &[&str]) -> Diagnostic {
    let found = node.description();
    let help = node.text().and_then(|text| did_you_mean(text, known.iter().copied()));
    let help = help.unwrap_or_else(|| format!("write one of {}", known.join(", ")));
    Diagnostic::error("unknown-word", node.span, format!("{found} is no {what}")).help(help)
}

fn choice<T: Clone>(node: &Node, what: &str, known: &[(&str, T)]) -> Result<T, Diagnostic> {
    let text = node.text();
    match known.iter().find(|(name, _)| Some(*name) == text) {
        Some((_, value)) => Ok(value.clone()),
        None => Err(unknown_word(node, what, &known.iter().map(|(name, _)| *name).collect::<Vec<_>>())),
    }
}

/// Words of which some carry the name of a side.
fn sided<T: Clone>(sides: Sides<&str>, prefix: &str, each: impl Fn(Side) -> T) -> [(String, T); 2] {
    Side::BOTH.map(|side| (format!("{prefix}{}", sides.of(side)), each(side)))
}

fn choice_with<T: Clone>(
    node: &Node,
    what: &str,
    known: &[(&str, T)],
    sided: &[(String, T)],
) -> Result<T, Diagnostic> {
    let sided = sided.iter().map(|(name, value)| (name.as_str(), value.clone()));
    let all: Vec<(&str, T)> = known.iter().cloned().chain(sided).collect();
    choice(node, what, &all)
}

pub(crate) fn mode(reader: &Reader<'_>, node: &Node) -> Result<LinkMode, Diagnostic> {
    let known = [
        ("two_way", LinkMode::TwoWay),
        ("off", LinkMode::Off),
        ("observe", LinkMode::Observe),
        ("couple_only", LinkMode::CoupleOnly),
    ];
    choice_with(node, "mode", &known, &sided(reader.sides, "to_", LinkMode::To))
}

pub(crate) fn first_link(reader: &Reader<'_>, node: &Node) -> Result<FirstLinkPolicy, Diagnostic> {
    let known = [("fill_blanks", FirstLinkPolicy::FillBlanks), ("park", FirstLinkPolicy::Park)];
    choice_with(node, "policy for first links", &known, &sided(reader.sides, "take_", FirstLinkPolicy::Take))
}

pub(crate) fn drift(node: &Node) -> Result<DriftPolicy, Diagnostic> {
    let known = [("keep", DriftPolicy::Keep), ("restore", DriftPolicy::Restore), ("park", DriftPolicy::Park)];
    choice(node, "policy for drift", &known)
}

/// `park`, `take_crm`, `merge`, `{ newest: { skew: 2s } }`, `{ custom: name }`.
pub(crate) fn conflict(reader: &Reader<'_>, node: &Node) -> Result<ConflictPolicy, Diagnostics> {
    let within = |finding: Diagnostic| finding.within(reader.document);
    if !node.is_mapping() {
        if node.text() == Some("newest") {
            let finding = Diagnostic::error(
                "newest-skew",
                node.span,
                "`newest` needs to know how far clocks may differ",
            );
            return Err(within(finding.help("write `{ newest: { skew: 2s } }`")));
        }
        let known = [("park", ConflictPolicy::Park), ("merge", ConflictPolicy::Merge)];
        let sided = sided(reader.sides, "take_", ConflictPolicy::Take);
        return choice_with(node, "policy for conflicts", &known, &sided).map_err(within);
    }
    let mut keys = Keys::of(reader.document, node, NEWEST)?;
    let newest = keys.take_with("newest", |document, node| {
        let mut keys = Keys::of(document, node, SKEW)?;
        let skew = keys.require_as("skew", duration);
        keys.finish_with(skew)
    });
    let custom = keys.text("custom");
    let policy = match (newest, custom) {
        (Some(skew), None) => Some(ConflictPolicy::Newest { skew }),
        (None, Some(name)) => Some(ConflictPolicy::Custom(name)),
        _ => None,
    };
    keys.finish_with(policy)
}

pub(crate) fn write_on(node: &Node) -> Result<WriteOn, Diagnostic> {
    choice(node, "moment", &[("create", WriteOn::Create)])
}

pub(crate) fn too_long(node: &Node) -> Result<TooLong, Diagnostic> {
    choice(node, "policy for long texts", &[("park", TooLong::Park), ("truncate", TooLong::Truncate)])
}

pub(crate) fn round(node: &Node) -> Result<RoundDecl, Diagnostic> {
    let known =
        [("half_up", RoundDecl::HalfUp), ("half_even", RoundDecl::HalfEven), ("down", RoundDecl::Down)];
    choice(node, "way of rounding", &known)
}

pub(crate) fn split(node: &Node) -> Result<SplitAt, Diagnostic> {
    choice(node, "place to split", &[("at_first", SplitAt::First), ("at_last", SplitAt::Last)])
}

pub(crate) fn layout(node: &Node) -> Result<Layout, Diagnostic> {
    choice(node, "layout of a text", &[("lines", Layout::Lines), ("json", Layout::Json)])
}

/// `500ms`, `30s`, `15m`, `12h`, `1d`.
pub(crate) fn duration(node: &Node) -> Result<Duration, Diagnostic> {
    let refused =
        || node.refused("a duration").help("write a number and a unit: `500ms`, `30s`, `15m`, `12h` or `1d`");
    let text = node.text().ok_or_else(refused)?;
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let amount: u64 = digits.parse().map_err(|_| refused())?;
    let milliseconds = match text.get(digits.len()..) {
        Some("ms") => 1,
        Some("s") => 1_000,
        Some("m") => 60_000,
        Some("h") => 3_600_000,
        Some("d") => 86_400_000,
        _ => return Err(refused()),
    };
    amount.checked_mul(milliseconds).map(Duration::from_millis).ok_or_else(refused)
}

/// A word with whole numbers in parentheses: `text(50)`, `decimal(18, 2)`.
fn call(text: &str) -> Option<(&str, Vec<u32>)> {
    let Some((name, rest)) = text.split_once('(') else { return Some((text, Vec::new())) };
    let inner = rest.strip_suffix(')')?;
    let numbers = inner.split(',').map(|number| number.trim().parse().ok()).collect::<Option<_>>()?;
    Some((name.trim_end(), numbers))
}

pub(crate) const TYPES: &[&str] = &[
    "text",
    "int",
    "decimal",
    "bool",
    "date",
    "time",
    "local",
    "instant",
    "float",
    "reference",
    "text(50)",
    "\"decimal(18, 2)\"",
];

pub(crate) fn type_named(node: &Node) -> Result<TypeDecl, Diagnostic> {
    let refused = || unknown_word(node, "type", TYPES);
    let (name, numbers) = node.text().and_then(call).ok_or_else(refused)?;
    Ok(match (name, numbers.as_slice()) {
        ("text", []) => TypeDecl::TEXT,
        ("text", [length]) => TypeDecl::Text { length_max: Some(*length) },
        ("decimal", []) => TypeDecl::DECIMAL,
        ("decimal", [precision, scale]) => {
            TypeDecl::Decimal { precision: Some(*precision), scale: Some(*scale) }
        }
        ("int", []) => TypeDecl::Int,
        ("bool", []) => TypeDecl::Bool,
        ("float", []) => TypeDecl::Float,
        ("date", []) => TypeDecl::Date,
        ("time", []) => TypeDecl::Time,
        ("local", []) => TypeDecl::LocalDateTime,
        ("instant", []) => TypeDecl::Instant,
        ("reference", []) => TypeDecl::Reference,
        _ => return Err(refused()),
    })
}

pub(crate) const EQUIVALENCES: &[&str] = &[
    "exact",
    "trim",
    "case",
    "space",
    "unicode",
    "digits",
    "email",
    "truncated(50)",
    "scale(2)",
    "instant(0)",
    "set",
    "option",
    "blank",
    "zero_is_null",
];

/// One word, or a list of them.
pub(crate) fn same_when(node: &Node) -> Result<CanonicalForm, Diagnostic> {
    if !node.is_sequence() {
        return normaliser(node).map(CanonicalForm::new);
    }
    let mut steps = Vec::new();
    for item in node.as_sequence()? {
        steps.extend(normaliser(item)?);
    }
    Ok(CanonicalForm::new(steps))
}

fn normaliser(node: &Node) -> Result<Option<Normaliser>, Diagnostic> {
    let refused = || unknown_word(node, "equivalence", EQUIVALENCES);
    let (name, numbers) = node.text().and_then(call).ok_or_else(refused)?;
    let digits = |number: &u32| u8::try_from(*number).map_err(|_| refused());
    Ok(Some(match (name, numbers.as_slice()) {
        ("exact", []) => return Ok(None),
        ("trim", []) => Normaliser::Trim,
        ("case", []) => Normaliser::Case,
        ("space", []) => Normaliser::Space,
        ("unicode", []) => Normaliser::Unicode,
        ("digits", []) => Normaliser::Digits,
        ("email", []) => Normaliser::Email,
        ("set", []) => Normaliser::Set,
        ("option", []) => Normaliser::OptionValue,
        ("blank", []) => Normaliser::EmptyIsNull,
        ("zero_is_null", []) => Normaliser::ZeroIsNull,
        ("truncated", [length]) => Normaliser::Truncated(*length),
        ("scale", [scale]) => Normaliser::Scale(digits(scale)?),
        ("instant", [number]) => Normaliser::Instant(digits(number)?),
        _ => return Err(refused()),
    }))
}

/// One value for both sides, or one per side under the sides' names. `None` per side that nothing was said of.
pub(crate) enum PerSide<T> {
    Both(T),
    Each(Sides<Option<T>>),
}

/// Reads what may be said once, or per side.
pub(crate) fn per_side<T>(
    reader: &Reader<'_>,
    node: &Node,
    mut read: impl FnMut(&Node) -> Result<T, Diagnostic>,
) -> Result<PerSide<T>, Diagnostics> {
    let document: &Document = reader.document;
    let names_side =
        |key: &Node| Side::BOTH.into_iter().find(|side| key.text() == Some(*reader.sides.of(*side)));
    let entries = node.as_mapping().unwrap_or(&[]);
    if !entries.iter().any(|(key, _)| names_side(key).is_some()) {
        return read(node).map(PerSide::Both).map_err(|finding| finding.within(document));
    }
    let mut each = Sides::new(None, None);
    for (key, value) in entries {
        let Some(side) = names_side(key) else {
            return Err(unknown_word(key, "side", &[reader.sides.left, reader.sides.right]).within(document));
        };
        *each.of_mut(side) = Some(read(value).map_err(|finding| finding.within(document))?);
    }
    Ok(PerSide::Each(each))
}
