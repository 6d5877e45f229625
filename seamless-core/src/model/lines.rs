//! Lists of child records as they are compared: line by line, whatever their order. Part of [`super::canon`].

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::canon::CanonicalForm;
use super::error::Result;
use super::identity::{FieldName, Side};
use super::record::{Record, RecordBuilder, Shape, write_presence};
use super::value::{Presence, Value, ValueRef};

/// What counts of a list of child records: the fields of its lines that are carried, each in its form, and the fields
/// that tell the lines apart.
///
/// The order of lines means nothing, neither of those with different keys nor of those with one.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "Declared", into = "Declared")]
pub struct LineForm {
    key: Vec<FieldName>,
    fields: Vec<(FieldName, CanonicalForm)>,
    own: Vec<OwnPart>,
    shape: Arc<Shape>,
}

/// Fields of a line that are decided by themselves where both sides edited it; all others are decided together. The parts of
/// both sides' forms stand in the same order.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct OwnPart {
    /// The fields.
    pub fields: Vec<FieldName>,
    /// The side whose value counts where both changed it; `None`: a person decides.
    pub take: Option<Side>,
}

/// The stored form.
#[derive(Serialize, Deserialize)]
struct Declared {
    key: Vec<FieldName>,
    fields: Vec<(FieldName, CanonicalForm)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    own: Vec<OwnPart>,
}

impl LineForm {
    /// The form of lines with these key fields and these fields. A field that stands several times has all its forms;
    /// key fields count as fields.
    ///
    /// Errors: too many fields for a shape.
    pub fn new(
        key: impl IntoIterator<Item = FieldName>,
        fields: impl IntoIterator<Item = (FieldName, CanonicalForm)>,
    ) -> Result<Self> {
        let key: Vec<FieldName> = key.into_iter().collect();
        let mut known: Vec<(FieldName, CanonicalForm)> = Vec::new();
        let plain = key.iter().map(|field| (field.clone(), CanonicalForm::exact()));
        for (field, form) in plain.chain(fields) {
            match known.iter_mut().find(|(name, _)| *name == field) {
                Some((_, forms)) => *forms = forms.and(&form),
                None => known.push((field, form)),
            }
        }
        let shape = Shape::new(known.iter().map(|(field, _)| field.clone()))?;
        Ok(Self { key, fields: known, own: Vec::new(), shape })
    }

    /// The same with fields that are decided by themselves.
    #[must_use]
    pub fn with_own(self, own: Vec<OwnPart>) -> Self {
        Self { own, ..self }
    }

    /// The fields that are decided by themselves.
    pub fn own(&self) -> &[OwnPart] {
        &self.own
    }

    /// Whether two lines mean the same in these fields.
    pub fn same_in(&self, a: &Record, b: &Record, counts: impl Fn(&FieldName) -> bool) -> bool {
        let mut fields = self.fields.iter().filter(|(field, _)| counts(field));
        fields.all(|(field, form)| form.same_presence(a.field(field.as_str()), b.field(field.as_str())))
    }

    /// The fields that tell lines apart.
    pub fn key(&self) -> &[FieldName] {
        &self.key
    }

    /// The fields that count, each with its form.
    pub fn fields(&self) -> &[(FieldName, CanonicalForm)] {
        &self.fields
    }

    /// What counts of a line.
    pub fn line(&self, line: &Record) -> Record {
        let mut made = RecordBuilder::new(&self.shape);
        for (field, form) in &self.fields {
            match line.field(field.as_str()) {
                Presence::Value(value) => made.push_value(form.apply(value).as_ref()),
                other => made.push(other),
            }
        }
        made.finish()
    }

    /// Whether two lines mean the same.
    pub fn same(&self, a: &Record, b: &Record) -> bool {
        self.line(a) == self.line(b)
    }

    /// What tells a line apart, in its form; `None` where one of the fields has no value.
    pub fn key_of(&self, line: &Record) -> Option<LineKey> {
        let part = |field: &FieldName| {
            let value = line.field(field.as_str()).value().filter(|value| !value.is_blank())?;
            let form = self.fields.iter().find(|(name, _)| name == field).map(|(_, form)| form)?;
            Some(form.apply(value)).filter(|value| !value.as_ref().is_blank())
        };
        self.key.iter().map(part).collect::<Option<Vec<Value>>>().map(LineKey)
    }

    /// The canonical form of a list: what counts of each line, in the order of keys. Cost: `n log n` for `n` lines.
    pub(super) fn apply(&self, lines: &[Record]) -> Value {
        let mut keyed: Vec<(Option<LineKey>, Record)> =
            lines.iter().map(|line| (self.key_of(line), self.line(line))).collect();
        keyed.sort_by(|(a, _), (b, _)| a.cmp(b));
        // Of lines with one key the order means nothing either: a server may turn them round.
        for group in keyed.chunk_by_mut(|(a, _), (b, _)| a == b).filter(|group| group.len() > 1) {
            group.sort_by_cached_key(|(_, line)| written(line));
        }
        Value::List(keyed.into_iter().map(|(_, line)| line).collect())
    }

    /// The lines of a value that holds some, or none.
    pub fn lines_of(value: ValueRef<'_>) -> Option<Arc<[Record]>> {
        match value {
            ValueRef::List(lines) => Some(Arc::clone(lines)),
            ValueRef::Null => Some(Arc::default()),
            _ => None,
        }
    }
}

impl PartialEq for LineForm {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key && self.fields == other.fields && self.own == other.own
    }
}

impl Eq for LineForm {}

impl Hash for LineForm {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key.hash(state);
        self.fields.hash(state);
        self.own.hash(state);
    }
}

impl TryFrom<Declared> for LineForm {
    type Error = super::error::Error;

    fn try_from(declared: Declared) -> Result<Self> {
        Self::new(declared.key, declared.fields).map(|form| form.with_own(declared.own))
    }
}

impl From<LineForm> for Declared {
    fn from(form: LineForm) -> Self {
        Self { key: form.key, fields: form.fields, own: form.own }
    }
}

/// A line as bytes, to put lines with one key in an order that does not depend on where they stood.
fn written(line: &Record) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (_, presence) in line.fields() {
        write_presence(presence, &mut bytes);
    }
    bytes
}

/// What tells a line of a list from the others.
#[derive(Clone, Debug)]
pub struct LineKey(Vec<Value>);

impl LineKey {
    /// The values of the key fields, in their order.
    pub fn values(&self) -> &[Value] {
        &self.0
    }
}

impl Ord for LineKey {
    fn cmp(&self, other: &Self) -> Ordering {
        let parts = self.0.iter().zip(&other.0).map(|(a, b)| a.total_cmp(b));
        parts.fold(Ordering::Equal, Ordering::then).then(self.0.len().cmp(&other.0.len()))
    }
}

impl PartialOrd for LineKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for LineKey {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for LineKey {}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Strategy, any, prop_assert, prop_assert_eq, proptest};

    use super::LineForm;
    use crate::model::{CanonicalForm, Normaliser, Record, Shape, Slot, Value, record};

    fn line((number, text, other): &(Option<i64>, String, i64)) -> Record {
        let shape = Shape::new(["no".into(), "other".into(), "text".into()]).unwrap();
        let number = number.map_or(Value::Null, Value::Int);
        let values = [("no", number), ("text", Value::text(text)), ("other", Value::Int(*other))];
        record(&shape, values.map(|(name, value)| (name.into(), Slot::Value(value)))).unwrap()
    }

    fn lines() -> impl Strategy<Value = Vec<(Option<i64>, String, i64)>> {
        let line = (proptest::option::of(0i64..4), "[aA ]{0,2}", 0i64..2);
        proptest::collection::vec(line, 0..6)
    }

    fn form() -> CanonicalForm {
        let text = CanonicalForm::new([Normaliser::Case, Normaliser::Trim]);
        let form = LineForm::new(["no".into()], [("text".into(), text)]).unwrap();
        CanonicalForm::new([Normaliser::Lines(form.into())])
    }

    proptest! {
        // Catches: a form of a line that is made in another order than it is applied, keys taken from what was there
        // before the form.
        #[test]
        fn i04_the_form_of_a_list_is_idempotent(lines in lines()) {
            let list = Value::List(lines.iter().map(line).collect());
            let once = form().apply(list.as_ref());
            prop_assert_eq!(form().apply(once.as_ref()), once);
        }

        // Catches: the order of lines, or a field that nobody carries, taken for a change; a line that is lost.
        #[test]
        fn lists_mean_the_same_when_their_lines_do(lines in lines(), seed in any::<u64>()) {
            let mut moved = lines.clone();
            for round in 0..moved.len() * moved.len() {
                let at = (seed.rotate_left(round as u32 % 64) as usize) % moved.len().max(2);
                if at + 1 < moved.len() {
                    moved.swap(at, at + 1);
                }
            }
            moved.iter_mut().for_each(|line| line.2 += 7);
            let list = |lines: &[(Option<i64>, String, i64)]| Value::List(lines.iter().map(line).collect());
            prop_assert!(form().same(list(&lines).as_ref(), list(&moved).as_ref()));
            let mut fewer = lines.clone();
            if fewer.pop().is_some() {
                prop_assert!(!form().same(list(&lines).as_ref(), list(&fewer).as_ref()));
            }
        }
    }

    #[test]
    fn nothing_is_the_empty_list() {
        let empty = Value::List([].into());
        assert!(form().same(Value::Null.as_ref(), empty.as_ref()));
        assert!(!form().same(Value::text("").as_ref(), empty.as_ref()));
    }
}
