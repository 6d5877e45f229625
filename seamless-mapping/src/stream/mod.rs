//! Records as lines of JSON, mapped one way without a sync: a line in, a line out.
//!
//! For hosts that have a stream of records and want the other side's form of it: a file that is converted, messages of a
//! queue. Knows no pairs, no bases and nothing of what the target holds: every record is made as if it were new there. Reads
//! and writes nothing itself. The door is [`LineMapper`].
//!
//! ```
//! use seamless_core::model::Side;
//! use seamless_mapping::stream::{LineMapper, Mapped};
//! use seamless_mapping::{Mapping, copy, join};
//!
//! let mapping = Mapping::builder("crm", "erp")
//!     .link("people", "person", "Person")
//!     .match_nothing()
//!     .rule(copy("mail", "E-Mail"))
//!     .rule(join(["first", "last"], "Name", " ").to_right())
//!     .done()
//!     .build()?;
//! let link = mapping.link("people").ok_or("there is such a link")?;
//! let mut lines = LineMapper::new(link, Side::Right)?;
//! let mut out = Vec::new();
//! let mapped = lines.map(r#"{"first":"Anna","last":"Berg","mail":"anna@example.com"}"#, &mut out)?;
//! assert_eq!(mapped, Mapped::Written);
//! assert_eq!(out, b"{\"E-Mail\":\"anna@example.com\",\"Name\":\"Anna Berg\"}\n");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod print;
mod scan;

use std::fmt;
use std::sync::Arc;

use seamless_core::mapper::{MapError, Mapper, Resolved};
use seamless_core::model::{
    Condition, Error, FieldName, Planned, Presence, Record, RecordBuilder, Shape, Side, Truth, Value,
    ValueRef,
};

use crate::declaration::TypeDecl;
use crate::link_mapper::{FIELDS_AT_HAND, LinkMapper};
use crate::rules::convert::convert;
use crate::rules::{Carrier, Cell, Making, Trouble};
use scan::{Found, Span, Wrong, object, unescape};

/// Bytes of a line at most: a line is held in memory whole.
pub const LINE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Members of a line whose places are remembered for the next one.
const MEMBERS_ALIKE_MAX: usize = 1024;

/// What became of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mapped {
    /// A line was written.
    Written,
    /// The record is not in the link's scope, or it cannot be told: nothing was written.
    OutOfScope,
}

/// Why nothing was written for a line.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum LineProblem {
    /// The line is no object of JSON, or says a field twice.
    Unreadable {
        /// The byte of the line, from 0 on.
        at: usize,
        /// What is wrong there.
        message: String,
    },
    /// A rule could not carry a value.
    NotCarried(Box<MapError>),
}

impl fmt::Display for LineProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LineProblem::Unreadable { at, message } => write!(f, "byte {at}: {message}"),
            LineProblem::NotCarried(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for LineProblem {}

impl From<Box<MapError>> for LineProblem {
    fn from(error: Box<MapError>) -> Self {
        LineProblem::NotCarried(error)
    }
}

impl From<Wrong> for LineProblem {
    fn from(Wrong { at, what }: Wrong) -> Self {
        LineProblem::Unreadable { at, message: what.to_owned() }
    }
}

/// A rule as a line needs it.
#[derive(Debug)]
struct Step {
    /// Its place in the link.
    rule: usize,
    /// Where its fields stand among those of a line.
    from: Box<[usize]>,
    /// Where what it makes stands among those of the line that is written.
    to: Box<[usize]>,
    /// When it applies; `None` where always.
    when: Option<Condition>,
    carrier: Arc<dyn Carrier>,
}

/// Maps lines of one link to one side.
///
/// Of a line, members that no rule names are passed over; a member that is not there is not known, and a rule that needs it
/// writes nothing (absent is not null), nor does one whose condition needs it. What a rule writes stands in the order of the rules. A value that a rule cannot carry
/// refuses the whole line: no line is written in part, and no default stands for what was not understood.
///
/// Texts, whole numbers, exact decimals, truth values and null are read; of a field whose type is declared as another one, such
/// as a date, a text is read as that.
///
/// Cost: memory for the longest line. Copies and table look-ups allocate nothing.
#[derive(Debug)]
pub struct LineMapper {
    mapper: Arc<LinkMapper>,
    to: Side,
    shape: Arc<Shape>,
    types: Box<[Option<TypeDecl>]>,
    steps: Box<[Step]>,
    /// The names of what is written, each in quotes with its colon.
    names: Box<[Box<[u8]>]>,
    /// Whether a condition looks at whole records.
    looks_at_records: bool,
    nothing: Resolved,
    /// The names of the members of the line before, and where they stand: lines of one source are alike.
    alike: Vec<(Box<str>, Option<usize>)>,
    work: Work,
}

/// What is used anew for each line.
#[derive(Debug, Default)]
struct Work {
    found: Vec<Option<Found>>,
    /// Values that do not lie in the line as they are: decimals, and what is read as its declared type.
    made: Vec<Option<Value>>,
    unescaped: String,
    scratch: String,
    written: Vec<bool>,
}

impl LineMapper {
    /// Prepares a link for lines to a side.
    ///
    /// Errors: no rule of the link leads there, or one asks for partners of other records, which a stream of lines does not
    /// know.
    pub fn new(mapper: Arc<LinkMapper>, to: Side) -> Result<Self, Error> {
        let from = to.other();
        let rules = mapper.rules();
        let leading = rules.iter().enumerate().filter(|(_, rule)| rule.direction.allows(to));
        let leading = leading.filter_map(|(at, rule)| Some((at, rule, mapper.carrier(at)?)));
        let leading: Vec<_> = leading.collect();
        if leading.is_empty() {
            return Err(Error::configuration("no rule of the link leads to that side")
                .with_remedy("map the other way, or add rules")
                .at("link", &mapper.link().id));
        }
        if let Some((_, rule, _)) = leading.iter().find(|(.., carrier)| carrier.asks()) {
            return Err(Error::configuration("a rule asks for the partner of another record")
                .with_remedy("leave it out of the mapping for streams, or run a sync")
                .at("link", &mapper.link().id)
                .at("rule", &rule.id));
        }
        let mut fields: Vec<FieldName> = Vec::new();
        let mut known = |field: &FieldName| {
            fields.iter().position(|known| known == field).unwrap_or_else(|| {
                fields.push(field.clone());
                fields.len() - 1
            })
        };
        let mut targets: Vec<FieldName> = Vec::new();
        let mut steps = Vec::new();
        let mut looks_at_records = *mapper.link().scope.of(from) != Condition::Always;
        for (at, rule, carrier) in &leading {
            let when = rule.when.of(from);
            let mut of_target = |field: &FieldName| {
                targets.iter().position(|known| known == field).unwrap_or_else(|| {
                    targets.push(field.clone());
                    targets.len() - 1
                })
            };
            let to = rule.fields.of(to).iter().map(&mut of_target).collect();
            let from = rule.fields.of(from).iter().map(&mut known).collect();
            let when = (*when != Condition::Always).then(|| when.clone());
            looks_at_records |= when.is_some();
            for field in when.iter().flat_map(Condition::fields) {
                known(&field);
            }
            steps.push(Step { rule: *at, from, to, when, carrier: Arc::clone(carrier) });
        }
        for field in mapper.link().scope.of(from).fields() {
            known(&field);
        }
        let types = fields.iter().map(|field| mapper.type_of(from, field)).collect();
        let name = |field: &FieldName| {
            let mut name = Vec::new();
            print::text(field.as_str(), &mut name);
            name.push(b':');
            name.into_boxed_slice()
        };
        Ok(Self {
            to,
            shape: Shape::new(fields)?,
            types,
            steps: steps.into_boxed_slice(),
            names: targets.iter().map(name).collect(),
            looks_at_records,
            nothing: Resolved::new(),
            alike: Vec::new(),
            work: Work::default(),
            mapper,
        })
    }

    /// Maps one line, with or without what ends it, and puts the line that it becomes behind `out`, ended by a line feed.
    ///
    /// Errors: the line is no JSON object, says a field twice, is longer than [`LINE_BYTES_MAX`], or holds a value that a rule
    /// cannot carry. Then `out` is as it was.
    pub fn map(&mut self, line: &str, out: &mut Vec<u8>) -> Result<Mapped, LineProblem> {
        let before = out.len();
        let done = self.mapped(line, out);
        if done != Ok(Mapped::Written) {
            out.truncate(before);
        }
        done
    }

    fn mapped(&mut self, line: &str, out: &mut Vec<u8>) -> Result<Mapped, LineProblem> {
        self.read(line)?;
        let from = self.to.other();
        let record = self.looks_at_records.then(|| self.record(line));
        let is_out = |record: &Record| self.mapper.link().scope.of(from).holds(record) != Truth::In;
        if record.as_ref().is_some_and(is_out) {
            return Ok(Mapped::OutOfScope);
        }
        let Self { mapper, to, steps, names, nothing, work, .. } = self;
        let Work { found, made, unescaped, scratch, written } = work;
        let held = Held { line, found, made, unescaped };
        let making = Making { resolved: nothing, current: &[], creating: true };
        written.clear();
        written.resize(names.len(), false);
        let mut writing = Writing { names, written, is_first: true, out };
        writing.out.push(b'{');
        for step in &**steps {
            if let (Some(when), Some(record)) = (&step.when, &record)
                && when.holds(record) != Truth::In
            {
                continue;
            }
            let mut at_hand = [ValueRef::Null; FIELDS_AT_HAND];
            let mut many = Vec::new();
            let Some(values) = held.values(&step.from, &mut at_hand, &mut many) else { continue };
            scratch.clear();
            let lent = step.carrier.lend(*to, values, scratch);
            let wrote = match (lent, &*step.to) {
                (Some(value), [place]) => writing.write(*place, value),
                _ => {
                    let made = step.carrier.make(*to, values, &making);
                    let made = made.map_err(|trouble| mapper.told(step.rule, from, trouble))?;
                    made.cells().iter().zip(&*step.to).try_for_each(|(cell, place)| match cell {
                        Cell::Set(Planned::Known(value)) => writing.write(*place, value.as_ref()),
                        Cell::Set(Planned::ResultOf(_) | Planned::TargetDecides) | Cell::Keep => Some(()),
                    })
                }
            };
            if wrote.is_none() {
                let value = values.first().copied().unwrap_or(ValueRef::Null);
                let message = "what it becomes has no spelling in a line of JSON";
                let trouble = Trouble::unmappable(value, message, "map the field to a text, or leave it out");
                return Err(mapper.told(step.rule, from, trouble).into());
            }
        }
        writing.out.extend_from_slice(b"}\n");
        Ok(Mapped::Written)
    }

    /// Finds the fields in a line, and makes what does not lie there as it is meant.
    fn read(&mut self, line: &str) -> Result<(), LineProblem> {
        if line.len() > LINE_BYTES_MAX {
            let message = format!("the line has more than {LINE_BYTES_MAX} bytes");
            return Err(LineProblem::Unreadable { at: LINE_BYTES_MAX, message });
        }
        let Self { shape, types, alike, work, .. } = self;
        let Work { found, made, unescaped, .. } = work;
        found.clear();
        found.resize(shape.len(), None);
        made.clear();
        made.resize(shape.len(), None);
        unescaped.clear();
        let mut place = 0;
        object(line, |name, value| {
            let (at, slot) = slot_of(line, name, shape, alike, &mut place);
            let Some(slot) = slot else { return Ok(()) };
            let Some(cell) = found.get_mut(slot) else { return Ok(()) };
            if cell.is_some() {
                let name = shape.name(slot).map_or("", FieldName::as_str);
                return Err(LineProblem::Unreadable {
                    at,
                    message: format!("the member {name} is there twice"),
                });
            }
            *cell = Some(value);
            let refused = |what: &str| {
                let name = shape.name(slot).map_or("", FieldName::as_str);
                Err(LineProblem::Unreadable { at, message: format!("{name}: {what}") })
            };
            let declared = types.get(slot).copied().flatten().filter(|kind| !kind.same_kind(TypeDecl::TEXT));
            let of_text = |text: &str| match declared {
                Some(kind) => convert(ValueRef::Text(text), kind, None, None).ok(),
                None => Some(Value::text(text)),
            };
            match value {
                Found::Number(span) => match number(piece(line, span), declared) {
                    Some(value) => put(made, slot, value),
                    None => return refused("the number has more digits than a number can have here"),
                },
                Found::Text(span) if declared.is_some() => match of_text(piece(line, span)) {
                    Some(value) => put(made, slot, value),
                    None => return refused("the text is not of the declared type"),
                },
                Found::Escaped(span) => {
                    let begin = unescaped.len();
                    // Known to be right, since it was read.
                    let _ = unescape(piece(line, span), unescaped);
                    let text = unescaped.get(begin..).unwrap_or_default();
                    match (declared, of_text(text)) {
                        (Some(_), Some(value)) => put(made, slot, value),
                        (Some(_), None) => return refused("the text is not of the declared type"),
                        (None, _) => *cell = Some(Found::Escaped((begin, unescaped.len()))),
                    }
                }
                Found::Nested => return refused("arrays and objects are not carried from lines"),
                Found::Null | Found::Bool(_) | Found::Text(_) => {}
            }
            Ok(())
        })
    }

    /// The line as a record, for conditions.
    fn record(&self, line: &str) -> Record {
        let Work { found, made, unescaped, .. } = &self.work;
        let held = Held { line, found, made, unescaped };
        let mut builder = RecordBuilder::new(&self.shape);
        for slot in 0..self.shape.len() {
            builder.push(held.value(slot).map_or(Presence::Absent, Presence::Value));
        }
        builder.finish()
    }
}

fn put(made: &mut [Option<Value>], slot: usize, value: Value) {
    if let Some(cell) = made.get_mut(slot) {
        *cell = Some(value);
    }
}

fn piece(line: &str, (from, to): Span) -> &str {
    line.get(from..to).unwrap_or_default()
}

/// A number as what its field holds; without a declaration a whole one that has room is whole, others are exact decimals.
fn number(text: &str, declared: Option<TypeDecl>) -> Option<Value> {
    match declared {
        Some(kind) => convert(ValueRef::Text(text), kind, None, None).ok(),
        None => match text.parse() {
            Ok(whole) => Some(Value::Int(whole)),
            Err(_) => text.parse().ok().map(Value::Decimal),
        },
    }
}

/// Where a member stands among the fields, and its byte in the line. The line before says what is most likely.
fn slot_of(
    line: &str,
    name: Found,
    shape: &Shape,
    alike: &mut Vec<(Box<str>, Option<usize>)>,
    place: &mut usize,
) -> (usize, Option<usize>) {
    let mut plain = String::new();
    let (at, name) = match name {
        Found::Text(span) => (span.0, piece(line, span)),
        Found::Escaped(span) => {
            let _ = unescape(piece(line, span), &mut plain);
            (span.0, plain.as_str())
        }
        _ => return (0, None),
    };
    let known = alike.get_mut(*place);
    *place += 1;
    match known {
        Some((before, slot)) if **before == *name => (at, *slot),
        Some(known) => {
            *known = (name.into(), shape.slot(name));
            (at, known.1)
        }
        None => {
            let slot = shape.slot(name);
            if alike.len() < MEMBERS_ALIKE_MAX {
                alike.push((name.into(), slot));
            }
            (at, slot)
        }
    }
}

/// A line and what was found in it.
struct Held<'a> {
    line: &'a str,
    found: &'a [Option<Found>],
    made: &'a [Option<Value>],
    unescaped: &'a str,
}

impl<'a> Held<'a> {
    /// What a field holds; `None` where the line does not say it.
    fn value(&self, slot: usize) -> Option<ValueRef<'a>> {
        let found = self.found.get(slot).copied().flatten()?;
        if let Some(made) = self.made.get(slot).and_then(Option::as_ref) {
            return Some(made.as_ref());
        }
        Some(match found {
            Found::Bool(truth) => ValueRef::Bool(truth),
            Found::Text(span) => ValueRef::Text(piece(self.line, span)),
            Found::Escaped(span) => ValueRef::Text(piece(self.unescaped, span)),
            Found::Null | Found::Number(_) | Found::Nested => ValueRef::Null,
        })
    }

    /// What the fields of a rule hold; `None` where one is not known.
    fn values<'h>(
        &self,
        slots: &[usize],
        at_hand: &'h mut [ValueRef<'a>; FIELDS_AT_HAND],
        many: &'h mut Vec<ValueRef<'a>>,
    ) -> Option<&'h [ValueRef<'a>]> {
        if slots.len() > FIELDS_AT_HAND {
            for slot in slots {
                many.push(self.value(*slot)?);
            }
            return Some(many);
        }
        for (place, slot) in at_hand.iter_mut().zip(slots) {
            *place = self.value(*slot)?;
        }
        at_hand.get(..slots.len())
    }
}

/// The line that is written.
struct Writing<'a> {
    names: &'a [Box<[u8]>],
    written: &'a mut [bool],
    is_first: bool,
    out: &'a mut Vec<u8>,
}

impl Writing<'_> {
    /// Writes a member; of two rules that write one field under conditions the first has it. `None` where the value has no
    /// spelling.
    fn write(&mut self, place: usize, value: ValueRef<'_>) -> Option<()> {
        let (name, written) = self.names.get(place).zip(self.written.get_mut(place))?;
        if std::mem::replace(written, true) {
            return Some(());
        }
        if !std::mem::replace(&mut self.is_first, false) {
            self.out.push(b',');
        }
        self.out.extend_from_slice(name);
        print::value(value, self.out)
    }
}
