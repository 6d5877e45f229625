//! What a record that is created must hold to be in the scope of its link: the scope says it where it equates fields.
//!
//! One entity of a side that stands for two of the other (an account is a customer or a vendor) is divided by a field.
//! Whoever creates an account from a customer must say which it is, or the account is nobody's. The door is [`implied`].

use seamless_core::mapper::{Direction, WriteOn};
use seamless_core::model::{FieldKind, FieldName, RecordId, Reference, Side, Value};

use super::LinkCx;
use super::fit;
use super::link::create;
use crate::declaration::{KindDecl, RuleDecl};

/// The values that records created on a side get so that they are in the scope: those that the scope equates, of fields
/// that no rule of the link names on that side and that are not known to be read-only.
pub(crate) fn implied_values(cx: &LinkCx<'_>, side: Side) -> Vec<(FieldName, Value)> {
    if !*create(cx).of(side) {
        return Vec::new();
    }
    let said = cx.link.scope.of(side).equalities();
    let once = |field: &FieldName| said.iter().filter(|(known, _)| known == field).count() == 1;
    let named = |field: &FieldName| cx.link.rules.iter().any(|rule| rule.fields.of(side).contains(field));
    let entity = fit::entity(cx, side);
    let writable = |field: &FieldName| {
        entity.is_none_or(|entity| {
            entity.field(field.as_str()).is_some_and(|field| {
                !field.read_only && !field.computed && has_records_of_one_entity(&field.kind)
            })
        })
    };
    let values = said.iter().filter(|(field, value)| {
        // What is blank without a rule stays blank.
        *value != Value::Null && once(field) && !named(field) && writable(field)
    });
    values.cloned().collect()
}

/// Whether the key alone says which record a value of this kind is, if it is a reference at all.
fn has_records_of_one_entity(kind: &FieldKind) -> bool {
    !matches!(kind, FieldKind::Reference { targets } if targets.len() != 1)
}

/// The record that a constant names by its key, where the schema says that its field points at records of one entity: whose
/// a record is is often said by a reference, and a file can only write the key.
pub(super) fn record_of_key(cx: &LinkCx<'_>, side: Side, fields: &[FieldName], key: &Value) -> Option<Value> {
    let [field] = fields else { return None };
    let FieldKind::Reference { targets } = &fit::entity(cx, side)?.field(field.as_str())?.kind else {
        return None;
    };
    let [entity] = targets.as_slice() else { return None };
    let id = match key {
        Value::Text(key) => RecordId::text(key),
        Value::Int(key) => RecordId::int(*key),
        _ => return None,
    };
    Some(Value::Reference(Reference { entity: entity.clone(), id }.into()))
}

/// The rules that put these values where records are created. They follow those of the author.
pub(crate) fn implied(cx: &LinkCx<'_>) -> Vec<RuleDecl> {
    let mut rules = Vec::new();
    for side in Side::BOTH {
        for (field, value) in implied_values(cx, side) {
            let mut fields = [Vec::new(), Vec::new()];
            if let Some(fields) = fields.get_mut(usize::from(side == Side::Right)) {
                fields.push(field);
            }
            let [left, right] = fields;
            let mut rule = RuleDecl::new(KindDecl::Const(value), left, right);
            rule.direction = Direction::To(side);
            rule.on = WriteOn::Create;
            rule.note = Some("what the scope asks for".to_owned());
            rules.push(rule);
        }
    }
    rules
}
