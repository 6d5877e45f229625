//! The fields of the subject that may be written, and values for them. Knows no system.

use super::sample::sample;
use super::subject::Subject;
use super::verdict::{Stop, skip};
use crate::connector::{UniqueKey, Versioned};
use crate::model::{Field, FieldKind, FieldName, Record, Shape, Slot, Value, record};

impl Subject {
    /// The fields that may be written and that the kit has values for.
    pub(super) fn writable(&self) -> impl Iterator<Item = &Field> {
        let named = |field: &Field| match &self.bench.writes {
            Some(names) => names.contains(&field.name),
            None => true,
        };
        let free =
            |field: &Field| !field.read_only && !field.computed && !self.entity.key.contains(&field.name);
        self.entity
            .fields
            .iter()
            .filter(move |field| named(field) && free(field) && self.value(field, 1).is_some())
    }

    /// A writable field of a kind that is neither unique nor part of a unique key; one that may be
    /// empty comes first, then text without a limit.
    pub(super) fn field(&self, is: impl Fn(&FieldKind) -> bool) -> Option<&Field> {
        let in_key = |field: &Field| {
            let fields = match &self.can.unique_key {
                UniqueKey::Fields(fields) => fields.contains(&field.name),
                _ => false,
            };
            fields || field.unique || self.entity.unique.iter().any(|set| set.contains(&field.name))
        };
        let room = |field: &&Field| match &field.kind {
            FieldKind::Text { length_max } => (!field.required, length_max.unwrap_or(u32::MAX)),
            _ => (!field.required, 0),
        };
        self.writable().filter(|field| is(&field.kind) && !in_key(field)).max_by_key(room)
    }

    /// A writable text field, the longest.
    pub(super) fn text_field(&self) -> Result<&Field, Stop> {
        let is_text = |kind: &FieldKind| matches!(kind, FieldKind::Text { .. });
        self.field(is_text).ok_or_else(|| skip("no text field may be written"))
    }

    /// A writable field with many different values; text, where there is one.
    pub(super) fn any_field(&self) -> Result<&Field, Stop> {
        let found = self.field(|kind| matches!(kind, FieldKind::Text { .. }));
        let differs = |field: &&Field| self.value(field, 1) != self.value(field, 2);
        let other = || self.writable().find(|field| !field.unique && differs(field));
        found
            .or_else(other)
            .ok_or_else(|| skip("no field may be written that the kit has different values for"))
    }

    /// Two different writable fields.
    pub(super) fn two_fields(&self) -> Result<(&Field, &Field), Stop> {
        let one = self.any_field()?;
        let two = self.writable().find(|field| field.name != one.name && !field.unique);
        two.map(|two| (one, two)).ok_or_else(|| skip("only one field may be written"))
    }

    /// A value of a field.
    pub(super) fn value(&self, field: &Field, number: u64) -> Option<Value> {
        match self.bench.samples.get(&field.name) {
            Some(make) => Some(make(number)),
            None => sample(field, &self.namespace, number),
        }
    }

    /// A value that no call of this run had before.
    pub(super) fn fresh(&self, field: &Field) -> Result<Value, Stop> {
        self.value(field, self.ledger.serial())
            .ok_or_else(|| skip(format!("no values for {} are known", field.name)))
    }

    /// What the system makes of a value, as the author says.
    pub(super) fn stored(&self, field: &FieldName, value: &Value) -> Value {
        match self.bench.forms.get(field) {
            Some(form) => form.apply(value.as_ref()),
            None => value.clone(),
        }
    }

    /// Whether a record holds this value, or what the system makes of it.
    pub(super) fn holds(&self, found: &Versioned, field: &FieldName, value: &Value) -> bool {
        let held = found.record.field(field.as_str()).value().map(|held| held.to_value());
        held.is_some_and(|held| held == *value || self.stored(field, &held) == self.stored(field, value))
    }

    pub(super) fn patch<'a>(
        &self,
        values: impl IntoIterator<Item = (&'a FieldName, Value)>,
    ) -> Result<Record, Stop> {
        let values: Vec<(FieldName, Slot)> =
            values.into_iter().map(|(name, value)| (name.clone(), Slot::Value(value))).collect();
        let shape = Shape::new(values.iter().map(|(name, _)| name.clone()))?;
        Ok(record(&shape, values)?)
    }
}
