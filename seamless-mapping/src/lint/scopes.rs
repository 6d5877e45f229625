//! One entity that several links divide among them by their scopes: records that two links claim, values of the field that
//! divides which no link takes, and records that are created outside of their own scope.
//!
//! Scopes are tried on records that are made up of the values which they speak of, those beside them, and those that a
//! schema lists: at most [`RECORDS_MAX`] for two scopes. Where there would be more, nothing is said.

use seamless_core::mapper::LinkMode;
use seamless_core::model::{
    Condition, Decimal, Entity, FieldKind, FieldName, Record, Shape, Side, Slot, Truth, Value, record,
};

use crate::compile::link::create;
use crate::compile::{CompileOptions, LinkCx, fit, paths, scope};
use crate::declaration::{KindDecl, LinkDecl, MappingDecl, RuleDecl};
use crate::finding::Findings;
use crate::shown;

/// Records that two scopes are tried on, at most.
const RECORDS_MAX: usize = 20_000;

/// Looks at every entity that several links have on a side.
pub(super) fn check(declared: &MappingDecl, options: &CompileOptions<'_>, findings: &mut Findings) {
    for (at, link) in declared.links.iter().enumerate() {
        let cx = LinkCx { mapping: declared, options, at, link };
        for side in Side::BOTH {
            check_creates(&cx, side, findings);
            for other in declared.links.iter().take(at).filter(|other| divides(other, link, side)) {
                check_overlap(&cx, other, side, findings);
            }
            check_values(&cx, side, findings);
        }
    }
}

/// Whether two links that write have the same entity on a side.
pub(super) fn divides(a: &LinkDecl, b: &LinkDecl, side: Side) -> bool {
    let writes = |link: &LinkDecl| matches!(link.mode, LinkMode::To(_) | LinkMode::TwoWay);
    a.entity.of(side) == b.entity.of(side) && writes(a) && writes(b)
}

fn check_overlap(cx: &LinkCx<'_>, other: &LinkDecl, side: Side, findings: &mut Findings) {
    let link = cx.link;
    if link.shares.contains(&other.id) || other.shares.contains(&link.id) {
        return;
    }
    let Some(which) = witness(cx, other, side) else { return };
    let message = format!("{which} is in the scope of {} too, so both links pair it", other.id);
    let help = format!(
        "let the scopes exclude each other, or say `shares: [{}]` where a record may have a partner in both",
        other.id
    );
    findings.warning("scope-overlap", cx.place("scope"), message, &help);
}

/// A record that is in the scopes of both links, in words; `None` where none was found.
pub(super) fn witness(cx: &LinkCx<'_>, other: &LinkDecl, side: Side) -> Option<String> {
    let link = cx.link;
    let scopes = [link.scope.of(side), other.scope.of(side)];
    let records = records(&scopes, fit::entity(cx, side))?;
    let both = |record: &&Record| scopes.iter().all(|scope| scope.holds(record) == Truth::In);
    let witness = records.iter().find(both)?;
    Some(match witness.shape().len() {
        0 => format!("every {} of {}", link.entity.of(side), cx.side_name(side)),
        _ => format!("{} of {} with {}", link.entity.of(side), cx.side_name(side), words(witness)),
    })
}

/// Values of a field that divides which are in no scope; told of the last link that is divided by it.
fn check_values(cx: &LinkCx<'_>, side: Side, findings: &mut Findings) {
    let Some(entity) = fit::entity(cx, side) else { return };
    let links = || cx.mapping.links.iter().filter(|other| divides(other, cx.link, side));
    let last = links().next_back().is_some_and(|last| last.id == cx.link.id);
    if !last || links().count() < 2 {
        return;
    }
    for field in cx.link.scope.of(side).fields() {
        let divided = links().filter(|link| link.scope.of(side).fields().contains(&field)).count();
        let Some(kind) = entity.field(field.as_str()).map(|field| &field.kind).filter(|_| divided > 1) else {
            continue;
        };
        let scopes: Vec<&Condition> = links().map(|link| link.scope.of(side)).collect();
        let Some(records) = records(&scopes, Some(entity)) else { continue };
        let taken = |value: &Value| {
            let of_value =
                |record: &&Record| record.field(field.as_str()).to_slot() == Slot::Value(value.clone());
            let in_one = |record: &Record| scopes.iter().any(|scope| scope.holds(record) == Truth::In);
            records.iter().filter(of_value).any(in_one)
        };
        let nobody: Vec<String> =
            listed(kind).iter().filter(|value| !taken(value)).map(shown::value).collect();
        if nobody.is_empty() {
            continue;
        }
        let message = format!(
            "no link takes {} of {} whose {field} is {}",
            cx.link.entity.of(side),
            cx.side_name(side),
            fit::some_of(&nobody)
        );
        let help = "such records are left alone: let a scope take them if they are somebody's";
        findings.note("scope-unclaimed", cx.place("scope"), message, help);
    }
}

/// Records that would be created where their own link does not see them.
fn check_creates(cx: &LinkCx<'_>, side: Side, findings: &mut Findings) {
    let scope = cx.link.scope.of(side);
    if !*create(cx).of(side) || cx.link.mode == LinkMode::Observe || *scope == Condition::Always {
        return;
    }
    let implied = scope::implied_values(cx, side);
    let constant = |field: &FieldName| {
        cx.link.rules.iter().find_map(|rule| match &rule.kind {
            KindDecl::Const(value) if rule.fields.of(side).contains(field) => Some(value.clone()),
            _ => None,
        })
    };
    let written = |rule: &RuleDecl, field: &FieldName| {
        rule.direction.allows(side) && rule.fields.of(side).contains(field)
    };
    let held = |field: FieldName| {
        let said = implied.iter().find(|(known, _)| *known == field).map(|(_, value)| value.clone());
        let slot = match said.or_else(|| constant(&field)) {
            Some(value) => Slot::Value(value),
            // What another record holds, and what a rule makes of it, depends on the record.
            None if paths::named(cx, side, &field).is_some() => Slot::Absent,
            None if cx.link.rules.iter().any(|rule| written(rule, &field)) => Slot::Absent,
            None => Slot::Value(Value::Null),
        };
        (field, slot)
    };
    let fields: Vec<(FieldName, Slot)> = scope.fields().into_iter().map(held).collect();
    let Ok(shape) = Shape::new(fields.iter().map(|(field, _)| field.clone())) else { return };
    let Ok(made) = record(&shape, fields) else { return };
    if scope.holds(&made) == Truth::Out {
        let message = format!(
            "records that are created in {} are not in the scope of their link: {scope}",
            cx.side_name(side)
        );
        let help = "let rules or constants fill what the scope asks for, unless the system does: what the scope says \
                    with `==` and `and` is filled by itself";
        findings.warning("create-out-of-scope", cx.place("scope"), message, help);
    }
}

fn words(record: &Record) -> String {
    let field = |(name, presence): (&FieldName, seamless_core::model::Presence<'_>)| {
        let value = presence.value().map(|value| shown::value(&value.to_value())).unwrap_or_default();
        format!("{name} {value}")
    };
    record.fields().map(field).collect::<Vec<_>>().join(", ")
}

/// Records that tell conditions apart; `None` where there would be too many.
fn records(conditions: &[&Condition], entity: Option<&Entity>) -> Option<Vec<Record>> {
    let mut fields: Vec<FieldName> = Vec::new();
    for field in conditions.iter().flat_map(|condition| condition.fields()) {
        if !fields.contains(&field) {
            fields.push(field);
        }
    }
    let pools: Vec<Vec<Value>> = fields.iter().map(|field| pool(conditions, field, entity)).collect();
    let count = pools.iter().try_fold(1usize, |count, pool| count.checked_mul(pool.len()))?;
    if count > RECORDS_MAX {
        return None;
    }
    let shape = Shape::new(fields.iter().cloned()).ok()?;
    let mut tuples: Vec<Vec<Value>> = vec![Vec::new()];
    for pool in &pools {
        let longer = |tuple: &Vec<Value>| -> Vec<Vec<Value>> {
            pool.iter().map(|value| tuple.iter().chain([value]).cloned().collect()).collect()
        };
        tuples = tuples.iter().flat_map(longer).collect();
    }
    let made = |tuple: Vec<Value>| {
        record(&shape, fields.iter().cloned().zip(tuple.into_iter().map(Slot::Value))).ok()
    };
    tuples.into_iter().map(made).collect()
}

/// What a field may hold: the values that the conditions name and those beside them, what a schema lists, and nothing.
fn pool(conditions: &[&Condition], field: &FieldName, entity: Option<&Entity>) -> Vec<Value> {
    let kind = entity.and_then(|entity| entity.field(field.as_str())).map(|field| &field.kind);
    let mut values = kind.map(listed).unwrap_or_default();
    let closed = !values.is_empty();
    let mut named = Vec::new();
    conditions.iter().for_each(|condition| mentioned(condition, field, &mut named));
    if !closed {
        values.extend(named.iter().flat_map(beside));
        if named.iter().any(|value| matches!(value, Value::Text(_))) || named.is_empty() {
            values.push(Value::text("something else"));
        }
    }
    values.extend(named);
    values.push(Value::Null);
    let mut seen: Vec<Value> = Vec::with_capacity(values.len());
    for value in values {
        if !seen.contains(&value) {
            seen.push(value);
        }
    }
    seen
}

/// The values that a schema lists for a field.
fn listed(kind: &FieldKind) -> Vec<Value> {
    match kind {
        FieldKind::Bool => vec![Value::Bool(false), Value::Bool(true)],
        FieldKind::Option { options } => {
            options.options.iter().filter(|option| option.active).map(|option| option.value.clone()).collect()
        }
        _ => Vec::new(),
    }
}

fn mentioned(condition: &Condition, field: &FieldName, values: &mut Vec<Value>) {
    match condition {
        Condition::Compare { field: named, value, .. } if named == field => values.push(value.clone()),
        Condition::OneOf { field: named, values: several } if named == field => {
            values.extend(several.iter().cloned());
        }
        Condition::Not(inner) => mentioned(inner, field, values),
        Condition::All(parts) | Condition::Any(parts) => {
            parts.iter().for_each(|part| mentioned(part, field, values));
        }
        Condition::Always | Condition::Compare { .. } | Condition::OneOf { .. } | Condition::Blank(_) => {}
    }
}

/// What is just below and just above a value.
fn beside(value: &Value) -> Vec<Value> {
    match value {
        Value::Int(number) => {
            [number.checked_sub(1), number.checked_add(1)].into_iter().flatten().map(Value::Int).collect()
        }
        Value::Decimal(_) => ["-1000000000000", "1000000000000"]
            .iter()
            .filter_map(|text| text.parse::<Decimal>().ok())
            .map(Value::Decimal)
            .collect(),
        Value::Bool(yes) => vec![Value::Bool(!yes)],
        Value::Date(date) => {
            [date.pred_opt(), date.succ_opt()].into_iter().flatten().map(Value::Date).collect()
        }
        _ => Vec::new(),
    }
}
