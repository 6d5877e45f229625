//! Rules as sentences with options, or in the long form with a key for everything.
//!
//! `name <-> Name: { same_when: case }` and `{ crm: name, erp: Name, flow: both, same_when: case }` are the same rule.
//! The kind of a rule follows from the keys that it has; without one of them it copies. The door is [`rule`].

use std::ops::Range;

use seamless_core::document::{Diagnostic, Diagnostics, Document, Node, Span};
use seamless_core::mapper::Direction;
use seamless_core::model::{FieldName, RecordId, Reference, RuleId, Side, Sides, Value};

use super::condition::condition;
use super::keys::{Keys, OPTION_LINE, RULE, RULE_LONG};
use super::policy::{self, PerSide, per_side, unknown_word};
use super::sentence::{Operator, Sentence, Word, has_operator, is_quote};
use super::value::Reader;
use crate::declaration::{
    CopyDecl, JoinDecl, KindDecl, OptionRow, OptionsDecl, PackDecl, RuleDecl, UnknownPolicy,
};

pub(crate) const ARROWS: &[Operator] = &[Operator::Both, Operator::Right, Operator::Left];
pub(crate) const EXAMPLE: &str = "name <-> Name";

/// A rule and where it stands.
pub(crate) struct ReadRule {
    pub(crate) declared: RuleDecl,
    pub(crate) places: RulePlaces,
}

/// Where the parts of a rule stand.
#[derive(Clone, Debug, Default)]
pub(crate) struct RulePlaces {
    pub(crate) span: Span,
    /// The keys of its options, for findings about one of them.
    pub(crate) keys: Vec<(String, Span)>,
    /// The rules of its lines.
    pub(crate) lines: Vec<RulePlaces>,
}

/// What a sentence, or the long form, says before any option.
struct Head {
    fields: Sides<Vec<FieldName>>,
    direction: Direction,
    constant: Option<Value>,
}

/// Reads one item of `rules`.
pub(crate) fn rule(reader: &Reader<'_>, node: &Node) -> Result<ReadRule, Diagnostics> {
    let document = reader.document;
    let Ok(entries) = node.as_mapping() else {
        let head = sentence(reader, node).map_err(|finding| finding.within(document))?;
        return Ok(bare(head, node.span));
    };
    let is_sentence = |key: &Node| key.text().is_some_and(|text| has_operator(text, ARROWS));
    let Some((key, value)) = entries.iter().find(|(key, _)| is_sentence(key)) else {
        return long_form(reader, node);
    };
    if let Some((other, _)) = entries.iter().find(|(other, _)| other != key) {
        let message = "this stands beside the sentence, not below it".to_owned();
        let help = "indent the options further than the sentence, or write them in `{ .. }` after it";
        return Err(Diagnostic::error("rule-indent", other.span, message).help(help).within(document));
    }
    let head = sentence(reader, key).map_err(|finding| finding.within(document))?;
    if value.is_null() {
        return Ok(bare(head, key.span));
    }
    let mut keys = Keys::of(document, value, RULE)?;
    let mut lines = Vec::new();
    let declared = with_options(reader, &mut keys, head, &mut lines);
    let declared = keys.finish_with(declared)?;
    Ok(ReadRule { declared, places: RulePlaces { span: key.span, keys: spans(value), lines } })
}

fn bare(head: Head, span: Span) -> ReadRule {
    ReadRule { declared: plain(head), places: RulePlaces { span, ..RulePlaces::default() } }
}

fn spans(node: &Node) -> Vec<(String, Span)> {
    let entries = node.as_mapping().unwrap_or(&[]);
    entries.iter().map(|(key, _)| (key.text().unwrap_or("").to_owned(), key.span)).collect()
}

fn plain(head: Head) -> RuleDecl {
    let kind = match head.constant {
        Some(value) => KindDecl::Const(value),
        None => KindDecl::Copy(CopyDecl::default()),
    };
    let mut declared = RuleDecl::new(kind, head.fields.left, head.fields.right);
    declared.direction = head.direction;
    declared
}

fn sentence(reader: &Reader<'_>, node: &Node) -> Result<Head, Diagnostic> {
    let Sentence { left, operator, right, .. } = Sentence::parse(reader.document, node, ARROWS, EXAMPLE)?;
    let direction = match operator {
        Operator::Both | Operator::Equal => Direction::TwoWay,
        Operator::Right => Direction::To(Side::Right),
        Operator::Left => Direction::To(Side::Left),
    };
    let (giving, taking) = match direction {
        Direction::To(Side::Left) => (&right, &left),
        _ => (&left, &right),
    };
    if let Some(word) = constant_word(giving) {
        let Direction::To(to) = direction else {
            let place = reader.document.span_in(node, word.range);
            let message = "a constant comes from neither side, so it goes one way";
            return Err(
                Diagnostic::error("const-two-way", place, message).help("write `const VALUE -> Field`")
            );
        };
        let mut fields = Sides::new(Vec::new(), Vec::new());
        *fields.of_mut(to) = field_names(reader, node, taking)?;
        return Ok(Head { fields, direction, constant: Some(reader.word_value(node, &word)?) });
    }
    let fields = Sides::new(field_names(reader, node, &left)?, field_names(reader, node, &right)?);
    Ok(Head { fields, direction, constant: None })
}

fn field_names(reader: &Reader<'_>, node: &Node, words: &[Word]) -> Result<Vec<FieldName>, Diagnostic> {
    words.iter().map(|word| reader.word_field(node, word)).collect()
}

/// The value of `const VALUE`, which may be in quotes itself.
pub(crate) fn constant_word(words: &[Word]) -> Option<Word> {
    let [word] = words else { return None };
    let rest = word.text.strip_prefix("const ").filter(|_| !word.quoted)?;
    let value = rest.trim_start();
    let start = word.range.end - value.len();
    let quote = value.chars().next().filter(|c| is_quote(*c));
    let inner = quote.and_then(|quote| value.strip_prefix(quote)?.strip_suffix(quote));
    let range: Range<usize> = start..word.range.end;
    Some(Word { text: inner.unwrap_or(value).to_owned(), quoted: inner.is_some(), range })
}

fn long_form(reader: &Reader<'_>, node: &Node) -> Result<ReadRule, Diagnostics> {
    let document = reader.document;
    let mut keys = Keys::of_both(document, node, RULE, RULE_LONG)?;
    let constant = keys.take_as("const", |node| reader.value(node));
    let mut fields = Sides::new(Vec::new(), Vec::new());
    for side in Side::BOTH {
        let name = *reader.sides.of(side);
        let read = keys.fields.take_with(name, |_, node| names(reader, node));
        *fields.of_mut(side) = read.unwrap_or_default();
    }
    let flow = keys.take_as("flow", |node| flow(reader, node));
    let side_named = |side: Side| !fields.of(side).is_empty();
    let direction = match (&constant, side_named(Side::Left), side_named(Side::Right)) {
        (None, true, true) => Some(flow.unwrap_or(Direction::TwoWay)),
        (Some(_), true, false) => Some(Direction::To(Side::Left)),
        (Some(_), false, true) => Some(Direction::To(Side::Right)),
        (Some(_), true, true) => {
            let finding = Diagnostic::error(
                "const-fields",
                node.span,
                "a constant is put on one side, this names both",
            );
            keys.push(finding.help("name the field of the side that gets it"));
            None
        }
        _ => {
            let sides = reader.sides;
            let sentence = node.as_mapping().ok().and_then(|entries| entries.first());
            let finding = Diagnostic::error(
                "rule-fields",
                sentence.map_or(node.span, |(key, _)| key.span),
                "this is no rule: no sentence with an arrow, and no field of each side",
            );
            keys.push(finding.help(format!(
                "write `name <-> Name`, or `{{ {}: name, {}: Name }}`",
                sides.left, sides.right
            )));
            None
        }
    };
    let head = direction.map(|direction| Head { fields, direction, constant });
    let mut lines = Vec::new();
    let declared = head.and_then(|head| with_options(reader, &mut keys, head, &mut lines));
    let span =
        node.as_mapping().ok().and_then(|entries| entries.first()).map_or(node.span, |(key, _)| key.span);
    let places = RulePlaces { span, keys: spans(node), lines };
    Ok(ReadRule { declared: keys.finish_with(declared)?, places })
}

/// One name, or a list of names. A name is a whole scalar here: nothing needs quotes of the sentence.
fn names(reader: &Reader<'_>, node: &Node) -> Result<Vec<FieldName>, Diagnostics> {
    let read = |node: &Node| reader.text(node).map(FieldName::from);
    let names = match node.as_sequence() {
        Ok(items) => items.iter().map(read).collect(),
        Err(_) => read(node).map(|name| vec![name]),
    };
    names.map_err(|finding: Diagnostic| finding.within(reader.document))
}

/// A side by its name.
fn side(reader: &Reader<'_>, node: &Node) -> Result<Side, Diagnostic> {
    let named = Side::BOTH.into_iter().find(|side| node.text() == Some(*reader.sides.of(*side)));
    named.ok_or_else(|| unknown_word(node, "side", &[reader.sides.left, reader.sides.right]))
}

pub(crate) fn flow(reader: &Reader<'_>, node: &Node) -> Result<Direction, Diagnostic> {
    let text = node.text();
    if text == Some("both") {
        return Ok(Direction::TwoWay);
    }
    for side in Side::BOTH {
        if text == Some(format!("to_{}", reader.sides.of(side)).as_str()) {
            return Ok(Direction::To(side));
        }
    }
    let known =
        ["both".to_owned(), format!("to_{}", reader.sides.left), format!("to_{}", reader.sides.right)];
    Err(unknown_word(node, "flow", &known.iter().map(String::as_str).collect::<Vec<_>>()))
}

/// Everything that may stand below a sentence. `None` where something was reported.
fn with_options(
    reader: &Reader<'_>,
    keys: &mut Keys<'_>,
    head: Head,
    lines: &mut Vec<RulePlaces>,
) -> Option<RuleDecl> {
    let direction = head.direction;
    let mut declared = plain(head);
    declared.id = keys.text("id").map(RuleId::from);
    declared.note = keys.text("note");
    if let Some(same_when) = keys.take_as("same_when", policy::same_when) {
        declared.same_when = same_when;
    }
    if let Some(on) = keys.take_as("only_on", policy::write_on) {
        declared.on = on;
    }
    declared.on_conflict = keys.take_with("on_conflict", |_, node| policy::conflict(reader, node));
    declared.first_link = keys.take_as("first_link", |node| policy::first_link(reader, node));
    declared.on_drift = keys.take_as("on_drift", policy::drift);
    if let Some(types) = keys.take_with("types", |_, node| per_side(reader, node, policy::type_named)) {
        declared.types = match types {
            PerSide::Both(kind) => Sides::new(Some(kind), Some(kind)),
            PerSide::Each(each) => each,
        };
    }
    let when = keys.take_with("when", |document, node| {
        match per_side(reader, node, |node| condition(reader, node))? {
            PerSide::Each(each) => Ok(each),
            PerSide::Both(_) => Err(per_side_wanted(reader, document, node, "when")),
        }
    });
    if let Some(Sides { left, right }) = when {
        declared.when.left = left.unwrap_or(declared.when.left);
        declared.when.right = right.unwrap_or(declared.when.right);
    }
    let is_const = matches!(declared.kind, KindDecl::Const(_));
    if let KindDecl::Const(value) = &mut declared.kind
        && let Some(record) = keys.take_as("record_of", |node| record_of(reader, node, value))
    {
        *value = record;
    }
    if let Some(kind) = kind(reader, keys, direction, is_const, lines)? {
        declared.kind = kind;
    }
    Some(declared)
}

/// The record of an entity that a constant is the key of.
fn record_of(reader: &Reader<'_>, node: &Node, key: &Value) -> Result<Value, Diagnostic> {
    let entity = reader.entity(node)?;
    let id = match key {
        Value::Text(key) if !key.is_empty() => RecordId::text(key),
        Value::Int(key) => RecordId::int(*key),
        _ => {
            let message = format!("the key of a record of {entity} is missing");
            let help = "write the key as text or a whole number, or give the parameter a value";
            return Err(Diagnostic::error("const-record", node.span, message).help(help));
        }
    };
    Ok(Value::Reference(Reference { entity, id }.into()))
}

pub(super) fn per_side_wanted(
    reader: &Reader<'_>,
    document: &Document,
    node: &Node,
    key: &str,
) -> Diagnostics {
    let Sides { left, right } = reader.sides;
    let message = format!("`{key}` does not say which side it speaks of");
    let help = format!("write `{key}: {{ {left}: .. }}` or `{key}: {{ {right}: .. }}`");
    Diagnostic::error("which-side", node.span, message).help(help).within(document)
}

const KINDS: &[&str] = &[
    "options",
    "join",
    "pack",
    "lookup",
    "expression",
    "embed",
    "rules",
    "money",
    "compare",
    "generated",
    "custom",
];

/// Keys that only rules of one kind have, and what kind that is in words.
const OF_KIND: &[(&str, &str, &str)] = &[
    ("default", "", "copies"),
    ("too_long", "", "copies"),
    ("round", "", "copies"),
    ("format", "", "copies"),
    ("unknown", "options", "has `options`"),
    ("split", "join", "has `join`"),
    ("names", "pack", "has `pack`"),
    ("if_missing", "lookup", "has `lookup`"),
    ("where", "embed", "has `embed`"),
    ("several", "embed", "has `embed`"),
    ("make", "embed", "has `embed`"),
    ("key", "rules", "has `rules` for its lines"),
    ("record_of", "const", "is a constant"),
];

/// Of a key that rules of several kinds have: the kinds that have it.
const OF_SEVERAL: (&str, &[&str], &str) = ("if_blank", &["embed", "lookup"], "has `embed` or `lookup`");

/// Reports the keys that rules of another kind have.
fn misplaced(keys: &mut Keys<'_>, kind: &str) {
    let (key, of, words) = OF_SEVERAL;
    if !of.contains(&kind)
        && let Some((node, _)) = keys.fields.take_entry(key)
    {
        let message = format!("`{key}` belongs to a rule that {words}");
        let help = "add one of them, or remove it";
        keys.push(Diagnostic::error("misplaced-key", node.span, message).help(help));
    }
    for (key, of, words) in OF_KIND.iter().filter(|(_, of, _)| *of != kind) {
        if let Some((node, _)) = keys.fields.take_entry(key) {
            let message = format!("`{key}` belongs to a rule that {words}");
            let help =
                if of.is_empty() { "remove it".to_owned() } else { format!("add `{of}`, or remove it") };
            keys.push(Diagnostic::error("misplaced-key", node.span, message).help(help));
        }
    }
}

/// The kind that the keys make; `Some(None)` leaves the constant that the sentence is.
fn kind(
    reader: &Reader<'_>,
    keys: &mut Keys<'_>,
    direction: Direction,
    is_const: bool,
    lines: &mut Vec<RulePlaces>,
) -> Option<Option<KindDecl>> {
    let has = |kind: &str| keys.fields.node().get(kind).is_some();
    // The rules of an embedded row stand below `rules`, as those of lines do.
    let of_row = |kind: &str| kind == "rules" && has("embed");
    let named: Vec<&str> = KINDS.iter().copied().filter(|kind| has(kind) && !of_row(kind)).collect();
    if named.len() > 1 || (is_const && !named.is_empty()) {
        let message = format!("a rule is of one kind, this one has {}", joined(is_const, &named));
        let span = keys.fields.node().span;
        keys.push(Diagnostic::error("rule-kinds", span, message).help("write a rule for each"));
        for key in KINDS.iter().chain(OF_KIND.iter().map(|(key, _, _)| key)).chain([&OF_SEVERAL.0]) {
            keys.fields.take(key);
        }
        return None;
    }
    misplaced(keys, if is_const { "const" } else { named.first().copied().unwrap_or("") });
    if is_const {
        return Some(None);
    }
    let kind = match named.first().copied() {
        None => KindDecl::Copy(copy(reader, keys, direction)),
        Some("options") => KindDecl::Options(options(reader, keys, direction)?),
        Some("join") => {
            let separator = keys.take_as("join", |node| reader.text(node))?;
            KindDecl::Join(JoinDecl { separator, split: keys.take_as("split", policy::split) })
        }
        Some("pack") => KindDecl::Pack(pack(reader, keys)?),
        Some("lookup") => KindDecl::Lookup(super::lookup::lookup(reader, keys, direction)?),
        Some("expression") => {
            let read = keys.take_with("expression", |document, node| {
                let read = per_side(reader, node, |node| super::worked::expression(reader, node))?;
                for_target(reader, document, node, "expression", direction, read)
            });
            KindDecl::Expression(read?)
        }
        Some("embed") => KindDecl::Embed(super::embed::embed(reader, keys, lines)?),
        Some("rules") => KindDecl::Lines(super::lines::lines(reader, keys, lines)?),
        Some("money") => KindDecl::Money(super::money::money(reader, keys)?),
        Some("compare") => KindDecl::Compare(super::money::compare(keys)?),
        Some("generated") => KindDecl::Generated(keys.take_as("generated", |node| side(reader, node))?),
        Some(_) => KindDecl::Custom(keys.text("custom")?),
    };
    Some(Some(kind))
}

fn joined(is_const: bool, named: &[&str]) -> String {
    is_const.then_some("const").into_iter().chain(named.iter().copied()).collect::<Vec<_>>().join(" and ")
}

/// A value that stands for one side: the side that a one-way rule writes, otherwise the author says which.
pub(super) fn for_target<T: Clone>(
    reader: &Reader<'_>,
    document: &Document,
    node: &Node,
    key: &str,
    direction: Direction,
    read: PerSide<T>,
) -> Result<Sides<Option<T>>, Diagnostics> {
    match (read, direction) {
        (PerSide::Each(each), _) => Ok(each),
        (PerSide::Both(value), Direction::To(side)) => {
            let mut each = Sides::new(None, None);
            *each.of_mut(side) = Some(value);
            Ok(each)
        }
        (PerSide::Both(_), Direction::TwoWay) => Err(per_side_wanted(reader, document, node, key)),
    }
}

fn copy(reader: &Reader<'_>, keys: &mut Keys<'_>, direction: Direction) -> CopyDecl {
    let default = keys.take_with("default", |document, node| {
        let read = per_side(reader, node, |node| reader.value(node))?;
        for_target(reader, document, node, "default", direction, read)
    });
    let format =
        keys.take_with("format", |document, node| match per_side(reader, node, |node| reader.text(node))? {
            PerSide::Each(each) => Ok(each),
            PerSide::Both(_) => Err(per_side_wanted(reader, document, node, "format")),
        });
    CopyDecl {
        default: default.unwrap_or_default(),
        too_long: keys.take_as("too_long", policy::too_long).unwrap_or_default(),
        round: keys.take_as("round", policy::round),
        format: format.unwrap_or_default(),
    }
}

fn options(reader: &Reader<'_>, keys: &mut Keys<'_>, direction: Direction) -> Option<OptionsDecl> {
    let rows = keys.take_with("options", |document, node| {
        let mut report = seamless_core::document::Report::new();
        let items = node.as_sequence().map_err(|finding| {
            finding.help("write lines: `[ 1 <-> 30D, blank <-> blank ]`").within(document)
        })?;
        let rows: Vec<OptionRow> =
            items.iter().filter_map(|item| report.accept(option_row(reader, item))).collect();
        report.into_result().map(|()| rows)
    });
    let unknown = keys.take_with("unknown", |document, node| {
        let read = per_side(reader, node, |node| unknown(reader, node))?;
        match read {
            // Parking and keeping are the same for both sides, a value is not.
            PerSide::Both(policy) if !matches!(policy, UnknownPolicy::Use(_)) => {
                Ok(Sides::new(Some(policy.clone()), Some(policy)))
            }
            read => for_target(reader, document, node, "unknown", direction, read),
        }
    });
    let unknown = unknown.unwrap_or_default().map(|policy| policy.unwrap_or(UnknownPolicy::Park));
    Some(OptionsDecl { rows: rows?, unknown })
}

/// `park`, `keep`, `{ use: VALUE }`.
fn unknown(reader: &Reader<'_>, node: &Node) -> Result<UnknownPolicy, Diagnostic> {
    if let Some(value) = used(node) {
        return reader.value(value).map(UnknownPolicy::Use);
    }
    match node.text() {
        Some("park") => Ok(UnknownPolicy::Park),
        Some("keep") => Ok(UnknownPolicy::Keep),
        _ => Err(unknown_word(node, "policy for unknown values", &["park", "keep", "{ use: VALUE }"])),
    }
}

/// The value of `{ use: VALUE }`.
pub(super) fn used(node: &Node) -> Option<&Node> {
    match node.as_mapping() {
        Ok([(key, value)]) if key.text() == Some("use") => Some(value),
        _ => None,
    }
}

pub(super) fn option_row(reader: &Reader<'_>, node: &Node) -> Result<OptionRow, Diagnostics> {
    let document = reader.document;
    if node.is_mapping() {
        let mut keys = Keys::of(document, node, OPTION_LINE)?;
        let left = keys.fields.require_as(reader.sides.left, |node| reader.option(node));
        let right = keys.fields.require_as(reader.sides.right, |node| reader.option(node));
        let direction = keys.take_as("flow", |node| flow(reader, node)).unwrap_or(Direction::TwoWay);
        let row = left.zip(right).map(|(left, right)| row(left, right, direction));
        return keys.finish_with(row);
    }
    let read = || {
        let sentence = Sentence::parse(document, node, ARROWS, "1 <-> 30D")?;
        let one = |words: &[Word]| match words {
            [word] => reader.word_option(node, word),
            _ => Err(Diagnostic::error("option-line", node.span, "a line has one value on each side")
                .help("put a value that holds ` + ` in backticks")),
        };
        let direction = match sentence.operator {
            Operator::Both | Operator::Equal => Direction::TwoWay,
            Operator::Right => Direction::To(Side::Right),
            Operator::Left => Direction::To(Side::Left),
        };
        Ok(row(one(&sentence.left)?, one(&sentence.right)?, direction))
    };
    read().map_err(|finding: Diagnostic| finding.within(document))
}

fn row(
    left: crate::declaration::OptionKey,
    right: crate::declaration::OptionKey,
    direction: Direction,
) -> OptionRow {
    OptionRow { values: Sides::new(vec![left], vec![right]), direction }
}

fn pack(reader: &Reader<'_>, keys: &mut Keys<'_>) -> Option<PackDecl> {
    let packed = keys.take_with("pack", |document, node| {
        let (into, layout) = match per_side(reader, node, policy::layout)? {
            PerSide::Both(layout) => (None, layout),
            PerSide::Each(Sides { left: Some(layout), right: None }) => (Some(Side::Left), layout),
            PerSide::Each(Sides { left: None, right: Some(layout) }) => (Some(Side::Right), layout),
            PerSide::Each(_) => return Err(per_side_wanted(reader, document, node, "pack")),
        };
        Ok(PackDecl { layout, into, names: None })
    });
    let names = keys.take_with("names", |document, node| {
        let items = node.as_sequence().and_then(|items| items.iter().map(|item| reader.text(item)).collect());
        items.map_err(|finding: Diagnostic| finding.help("write `names: [Web, Born on]`").within(document))
    });
    packed.map(|packed| PackDecl { names, ..packed })
}
