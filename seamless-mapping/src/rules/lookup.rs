//! A reference, translated through the pairs of a link: the partner of the record that one side points at.
//!
//! A side holds a typed reference, or a plain key (text or whole number), as its type says; a key of several parts lies in
//! as many fields, in the order of the key, and is blank where one of them is. Domain: references to
//! entities that the rule names, whose record has a partner. One that has none yet waits, or is what the author says.
//! A record that refers to its own entity is translated through its own link.

use seamless_core::mapper::{Answer, Ask, MapProblem};
use seamless_core::model::{
    ActionId, EntityName, KeyPart, LinkId, Planned, RecordId, Reference, Side, Sides, Value, ValueRef,
};

use super::blank::{Blanks, nothing};
use super::{Carrier, Cell, Made, Making, Trouble};
use crate::declaration::{IfMissing, TypeDecl};

/// What is done with references to one entity.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Target {
    /// The entity of each side; a side that has none of its own is never pointed at.
    pub(crate) entity: Sides<Option<EntityName>>,
    pub(crate) through: Through,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Through {
    Link(LinkId),
    Keep,
    Null,
}

#[derive(Debug)]
pub(crate) struct Lookup {
    pub(crate) targets: Vec<Target>,
    pub(crate) types: Sides<Option<TypeDecl>>,
    pub(crate) if_missing: Sides<IfMissing>,
    pub(crate) blanks: Blanks,
    /// In how many fields the key of a side lies.
    pub(crate) widths: Sides<usize>,
}

/// The record that a key of several fields names.
fn of_parts(values: &[ValueRef<'_>]) -> Result<RecordId, Trouble> {
    let part = |(place, value): (usize, &ValueRef<'_>)| match value {
        ValueRef::Text(key) => Ok(KeyPart::Text((*key).into())),
        ValueRef::Int(key) => Ok(KeyPart::Int(*key)),
        _ => {
            let message = format!("a {} is no part of a key", value.kind());
            let remedy = "a part of a key is text or a whole number";
            Err(Trouble::unmappable(*value, message, remedy).in_field(place))
        }
    };
    let parts = values.iter().enumerate().map(part).collect::<Result<Vec<_>, _>>()?;
    Ok(RecordId::of_parts(&parts))
}

/// A reference of which a part is blank refers to nothing.
fn is_blank(values: &[ValueRef<'_>]) -> bool {
    values.is_empty() || values.iter().any(|value| value.is_blank())
}

impl Lookup {
    /// Whether what a side refers to is nothing, or stands for it.
    fn means_nothing(&self, from: Side, values: &[ValueRef<'_>]) -> bool {
        is_blank(values) || matches!(values, [only] if self.blanks.is_blank(from, *only))
    }

    /// The targets that a value of a side may point at, and the record.
    fn pointed_at<'l>(
        &'l self,
        from: Side,
        values: &[ValueRef<'_>],
    ) -> Result<(Vec<&'l Target>, RecordId), Trouble> {
        let has_entity = |target: &&Target| target.entity.of(from).is_some();
        let [value] = *values else {
            return Ok((self.targets.iter().filter(has_entity).collect(), of_parts(values)?));
        };
        match value {
            ValueRef::Reference(reference) => {
                let names = |target: &&Target| target.entity.of(from).as_ref() == Some(&reference.entity);
                let targets: Vec<_> = self.targets.iter().filter(names).collect();
                if targets.is_empty() {
                    let message =
                        format!("it refers to {}, which the lookup does not name", reference.entity);
                    return Err(Trouble::unmappable(value, message, "name the entity in `lookup`"));
                }
                Ok((targets, reference.id.clone()))
            }
            ValueRef::Text(key) => {
                Ok((self.targets.iter().filter(has_entity).collect(), RecordId::text(key)))
            }
            ValueRef::Int(key) => Ok((self.targets.iter().filter(has_entity).collect(), RecordId::int(key))),
            _ => Err(Trouble::unmappable(
                value,
                format!("a {} refers to no record", value.kind()),
                "a lookup needs a reference, or a key that is text or a whole number",
            )),
        }
    }

    fn asked<'l>(from: Side, target: &'l Target, id: &RecordId) -> Option<(&'l Target, Ask)> {
        match &target.through {
            Through::Link(link) => {
                Some((target, Ask::Partner { link: link.clone(), side: from, id: id.clone() }))
            }
            Through::Keep | Through::Null => None,
        }
    }

    /// Blank; the parts of a key that names nothing already stay as they are.
    fn cleared(&self, to: Side, cx: &Making<'_>) -> Made {
        let held: Option<Vec<ValueRef<'_>>> = cx.current.iter().map(|held| held.value()).collect();
        match held.filter(|held| held.len() > 1 && is_blank(held)) {
            Some(held) => Made::Many(held.into_iter().map(|held| Cell::known(held.to_value())).collect()),
            None => nothing(*self.widths.of(to)),
        }
    }

    /// A record as the fields of the target have it.
    fn cells(&self, to: Side, target: &Target, id: RecordId, from: ValueRef<'_>) -> Result<Made, Trouble> {
        let width = *self.widths.of(to);
        if width <= 1 {
            return self.written(to, target, id, from).map(|written| Made::One(Cell::known(written)));
        }
        let parts = id.parts();
        if parts.len() != width {
            let message =
                format!("the partner's key has {} parts, the rule writes {width} fields", parts.len());
            return Err(Trouble::unmappable(from, message, "name a field for each part of the key"));
        }
        let cell = |part: KeyPart| match part {
            KeyPart::Int(key) => Cell::known(Value::Int(key)),
            KeyPart::Text(key) => Cell::known(Value::Text(key)),
        };
        Ok(Made::Many(parts.into_iter().map(cell).collect()))
    }

    /// A record as the target's type has it.
    pub(crate) fn written(
        &self,
        to: Side,
        target: &Target,
        id: RecordId,
        from: ValueRef<'_>,
    ) -> Result<Value, Trouble> {
        let plain = matches!(self.types.of(to), Some(kind) if *kind != TypeDecl::Reference);
        if !plain {
            let Some(entity) = target.entity.of(to).clone() else { return Ok(Value::Null) };
            return Ok(Value::Reference(Reference { entity, id }.into()));
        }
        match id.parts().as_slice() {
            [KeyPart::Text(key)] if self.types.of(to) == &Some(TypeDecl::Int) => {
                key.parse().map(Value::Int).map_err(|_| {
                    Trouble::unmappable(
                        from,
                        "the partner's key is no whole number",
                        "declare its type as text",
                    )
                })
            }
            [KeyPart::Text(key)] => Ok(Value::Text(key.clone())),
            [KeyPart::Int(key)] if self.types.of(to) == &Some(TypeDecl::Int) => Ok(Value::Int(*key)),
            [KeyPart::Int(key)] => Ok(Value::text(&key.to_string())),
            _ => Err(Trouble::unmappable(
                from,
                "the partner's key has several parts, a plain field takes one",
                "map to a field of type reference",
            )),
        }
    }

    fn missing(&self, to: Side, value: ValueRef<'_>, ask: Ask, target: &Target) -> Result<Made, Trouble> {
        match self.if_missing.of(to) {
            IfMissing::Later => Err(Trouble {
                problem: MapProblem::Waiting(ask.clone()),
                ..Trouble::unmappable(
                    value,
                    format!("the record that it refers to has no partner yet{}", named(to, &ask, target)),
                    "it is carried as soon as that record is linked",
                )
            }),
            IfMissing::Park => Err(Trouble::unmappable(
                value,
                format!("the record that it refers to has no partner{}", named(to, &ask, target)),
                "make or link that record, or say another `if_missing`",
            )),
            IfMissing::Null => Ok(nothing(*self.widths.of(to))),
            IfMissing::Use(key) => {
                let id = match key {
                    Value::Int(key) => RecordId::int(*key),
                    Value::Text(key) => RecordId::text(key),
                    other => return Ok(Made::One(Cell::known(other.clone()))),
                };
                Ok(Made::One(Cell::known(self.written(to, target, id, value)?)))
            }
        }
    }
}

/// Which record it is, and what is missing there.
fn named(to: Side, ask: &Ask, target: &Target) -> String {
    let Ask::Partner { id, .. } = ask;
    let entity = |side: Side| target.entity.of(side).as_ref().map(EntityName::as_str).unwrap_or_default();
    format!(": {} {id} in {}", entity(to.other()), entity(to))
}

/// A partner that a link has for the record that is referred to.
enum Partner<'l> {
    There(&'l Target, Made),
    Planned(&'l Target, ActionId),
}

impl Partner<'_> {
    fn link(&self) -> String {
        let (Partner::There(target, _) | Partner::Planned(target, _)) = self;
        match &target.through {
            Through::Link(link) => link.to_string(),
            Through::Keep | Through::Null => String::new(),
        }
    }

    fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Partner::There(_, a), Partner::There(_, b)) => a == b,
            (Partner::Planned(_, a), Partner::Planned(_, b)) => a == b,
            _ => false,
        }
    }
}

/// The one partner that the links have; several are a question.
fn one_partner<'l>(found: Vec<Partner<'l>>, value: ValueRef<'_>) -> Result<Option<Partner<'l>>, Trouble> {
    let Some(first) = found.first() else { return Ok(None) };
    if found.iter().all(|other| first.is(other)) {
        return Ok(found.into_iter().next());
    }
    let links: Vec<String> = found.iter().map(Partner::link).collect();
    Err(Trouble::unmappable(
        value,
        format!("it has different partners in the links {}", links.join(" and ")),
        "let the scopes exclude each other, or name the one link that is meant here",
    ))
}

impl Carrier for Lookup {
    fn carries(&self, to: Side) -> bool {
        self.targets.iter().any(|target| target.entity.of(to.other()).is_some())
    }

    fn lossless(&self) -> bool {
        let exact = |policy: &IfMissing| matches!(policy, IfMissing::Later | IfMissing::Park);
        exact(&self.if_missing.left)
            && exact(&self.if_missing.right)
            && self.blanks.lossless()
            // Of a key of which a part is blank the other parts are lost.
            && self.widths == Sides::new(1, 1)
            && self.targets.iter().all(|target| matches!(target.through, Through::Link(_)))
    }

    fn wipes_out(&self, to: Side) -> bool {
        let stands_for_missing =
            matches!(self.if_missing.of(to.other()), IfMissing::Null | IfMissing::Use(_));
        !stands_for_missing
            && self.blanks.wipes_out(to)
            && *self.widths.of(to) == 1
            && self.targets.iter().all(|target| matches!(target.through, Through::Link(_)))
    }

    fn asks(&self) -> bool {
        true
    }

    fn pointed_at(&self, side: Side) -> Vec<EntityName> {
        self.targets.iter().filter_map(|target| target.entity.of(side).clone()).collect()
    }

    fn ask(&self, to: Side, values: &[ValueRef<'_>], out: &mut Vec<Ask>) {
        if self.means_nothing(to.other(), values) {
            return;
        }
        let Ok((targets, id)) = self.pointed_at(to.other(), values) else { return };
        out.extend(
            targets.into_iter().filter_map(|target| Self::asked(to.other(), target, &id)).map(|(_, ask)| ask),
        );
    }

    fn make(&self, to: Side, values: &[ValueRef<'_>], cx: &Making<'_>) -> Result<Made, Trouble> {
        let value = values.first().copied().unwrap_or(ValueRef::Null);
        if is_blank(values) {
            let made = self.blanks.made(to, value, *self.widths.of(to))?;
            return Ok(if made == nothing(*self.widths.of(to)) { self.cleared(to, cx) } else { made });
        }
        if self.means_nothing(to.other(), values) {
            return Ok(self.cleared(to, cx));
        }
        let (targets, id) = self.pointed_at(to.other(), values)?;
        let (mut live, mut resting, mut missing) = (Vec::new(), Vec::new(), None);
        for target in &targets {
            let Some((target, ask)) = Self::asked(to.other(), target, &id) else { continue };
            let partner = match cx.resolved.get(&ask) {
                Some(Answer::Paired(partner)) => {
                    Partner::There(target, self.cells(to, target, partner.clone(), value)?)
                }
                Some(Answer::Planned(action)) => Partner::Planned(target, *action),
                // Of several links the last is asked for: links that are decided later come later.
                Some(Answer::Unpaired) | None => {
                    missing = Some((target, ask));
                    continue;
                }
            };
            let found = if cx.resolved.rests(&ask) { &mut resting } else { &mut live };
            found.push(partner);
        }
        // A record that changed over is kept by the pair that it left, and is with the one that it is in.
        match one_partner(if live.is_empty() { resting } else { live }, value)? {
            Some(Partner::There(_, made)) => return Ok(made),
            Some(Partner::Planned(_, action)) if *self.widths.of(to) > 1 => {
                // The parts of its key are known when it is there.
                let asked = cx.resolved.ask_of(action).cloned();
                let message = "the record that it refers to is created by this plan";
                let remedy = "it is carried as soon as that record is linked";
                let problem = asked.map_or(MapProblem::Unmappable, MapProblem::Waiting);
                return Err(Trouble { problem, ..Trouble::unmappable(value, message, remedy) });
            }
            Some(Partner::Planned(_, action)) => return Ok(Made::One(Cell::Set(Planned::ResultOf(action)))),
            None => {}
        }
        match (missing, targets.first()) {
            (Some((target, ask)), _) => self.missing(to, value, ask, target),
            (None, Some(Target { through: Through::Null, .. })) => Ok(Made::One(Cell::known(Value::Null))),
            (None, _) => Ok(Made::One(Cell::Keep)),
        }
    }
}
