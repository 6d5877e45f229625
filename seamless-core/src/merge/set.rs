//! Sets (multi-select) whose two sides both changed: merged member by member. Knows no other kind of value. The door
//! is [`merged`].

use crate::model::{CanonicalForm, Normaliser, Presence, Record, SetValue, Side, Sides, Value, ValueRef};

use super::merged::Merged;
use super::reconcile::Case;

/// A member as it is compared and as it is written.
type Member = (Value, Value);

/// The merged values of a group; `None` where its values are no sets, so that they cannot be merged.
///
/// A member that a side added is in, a member that a side removed is out, all others stay; the two sides cannot
/// disagree about a member, as adding needs a base without it and removing one with it.
///
/// Only groups that copy one field to one field are merged. A text counts as a set where the field's form says that
/// its members are divided by `;`; nothing and empty text are the empty set. Members are written as the side that is
/// written has them, else as the other side does.
pub(super) fn merged(case: &Case<'_>, group: usize) -> Option<Merged> {
    let pair = case.link.layout.copies.get(group)?.as_ref()?;
    let held = |side: Side, record: Option<&Record>| {
        let Presence::Value(value) = record?.get(*pair.slots.of(side)) else { return None };
        members(value, &pair.form).map(|members| (members, value.to_value()))
    };
    let (base_left, _) = held(Side::Left, case.base.left)?;
    let (base_right, _) = held(Side::Right, case.base.right)?;
    let (left, left_value) = held(Side::Left, Some(case.current.left))?;
    let (right, right_value) = held(Side::Right, Some(case.current.right))?;
    let values = [&left_value, &right_value];
    if !values.iter().any(|value| matches!(value, Value::Set(_)) || value.as_ref().as_text().is_some()) {
        return None;
    }
    let has = |set: &[Member], member: &Value| set.iter().any(|(known, _)| known == member);
    let stays = |member: &Value| {
        let added = |set: &[Member], base: &[Member]| has(set, member) && !has(base, member);
        let removed = |set: &[Member], base: &[Member]| !has(set, member) && has(base, member);
        added(&left, &base_left)
            || added(&right, &base_right)
            || !(removed(&left, &base_left) || removed(&right, &base_right))
    };
    let write = |own: &[Member], other: &[Member], value: &Value| {
        let kept = own.iter().filter(|(member, _)| stays(member));
        let taken = other.iter().filter(|(member, _)| stays(member) && !has(own, member));
        let same = own.iter().all(|(member, _)| stays(member))
            && other.iter().all(|(member, _)| !stays(member) || has(own, member));
        let written: Vec<Value> = kept.chain(taken).map(|(_, written)| written.clone()).collect();
        (!same).then(|| as_written(written, value, &pair.form))
    };
    let write = Sides::new(write(&left, &right, &left_value), write(&right, &left, &right_value));
    Some(Merged { write })
}

/// The members of a set or of what counts as one.
fn members(value: ValueRef<'_>, form: &CanonicalForm) -> Option<Vec<Member>> {
    let as_text = form.steps().contains(&Normaliser::Set);
    let raw: Vec<Value> = match value {
        ValueRef::Null => Vec::new(),
        ValueRef::Set(set) => set.members().to_vec(),
        ValueRef::Text(text) if as_text => {
            text.split(';').map(str::trim).filter(|member| !member.is_empty()).map(Value::text).collect()
        }
        _ => return None,
    };
    let form = CanonicalForm::new(form.steps().iter().filter(|step| step.concerns_members()).cloned());
    let mut members: Vec<Member> = Vec::with_capacity(raw.len());
    for written in raw {
        let member = form.apply(written.as_ref());
        if !members.iter().any(|(known, _)| *known == member) {
            members.push((member, written));
        }
    }
    Some(members)
}

/// Members in the way in which a side writes its value: text where it holds text, or where the field's texts count
/// as sets and the members are texts; a set otherwise.
fn as_written(members: Vec<Value>, like: &Value, form: &CanonicalForm) -> Value {
    let texts: Option<Vec<&str>> = members.iter().map(|member| member.as_ref().as_text()).collect();
    match (like, texts) {
        (Value::Text(_), Some(texts)) => Value::text(&texts.join(";")),
        (Value::Null, Some(texts)) if form.steps().contains(&Normaliser::Set) => {
            Value::text(&texts.join(";"))
        }
        _ => Value::Set(SetValue::new(members)),
    }
}
