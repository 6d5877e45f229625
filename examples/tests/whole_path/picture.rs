//! What both systems hold, without the ids that systems choose: two pictures are equal when no user could tell the
//! worlds apart. References are shown as the key of the record that they point at.

use std::collections::BTreeMap;

use seamless_core::model::{Presence, Side, ValueRef};

use super::world::World;

/// Per entity, the field that names a record for people.
pub(crate) const NAMED_BY: [(Side, &str, &str); 4] = [
    (Side::Left, "account", "accountnumber"),
    (Side::Left, "contact", "email"),
    (Side::Right, "Customer", "No."),
    (Side::Right, "Contact", "E-Mail"),
];

const IDS: [&str; 3] = ["accountid", "contactid", "id"];

/// One line per record, sorted.
pub(crate) fn picture(world: &World) -> Vec<String> {
    let mut lines = Vec::new();
    for (side, entity, named_by) in NAMED_BY {
        for row in world.system(side).rows(entity) {
            let fields = row.record.fields().filter(|(name, _)| !IDS.contains(&name.as_str()));
            let shown: BTreeMap<&str, String> =
                fields.map(|(name, presence)| (name.as_str(), show(world, side, presence))).collect();
            lines.push(format!("{entity} {}: {shown:?}", shown[named_by]));
        }
    }
    lines.sort();
    lines
}

fn show(world: &World, side: Side, presence: Presence<'_>) -> String {
    let Presence::Value(value) = presence else { return format!("{presence:?}") };
    let ValueRef::Reference(reference) = value else { return value.to_value().to_string() };
    let entity = reference.entity.as_str();
    let named_by = NAMED_BY.iter().find(|(of, name, _)| *of == side && *name == entity).unwrap().2;
    match world.system(side).value(entity, &reference.id, named_by) {
        Some(name) => format!("-> {entity} {name}"),
        None => format!("-> {entity} gone"),
    }
}

/// What waits, as lines: side, kind, rules; sorted. Words and ids differ between runs and say nothing here.
pub(crate) fn waiting(world: &World) -> Vec<String> {
    use seamless_core::store::AttentionWhy;
    let mut lines: Vec<String> = world
        .waiting()
        .into_iter()
        .map(|(link, row)| match row.why {
            AttentionWhy::Hint { .. } => format!("{link} {} hint", row.side),
            AttentionWhy::Retry { .. } => format!("{link} {} retry", row.side),
            AttentionWhy::Parked { rules, reason, .. } => {
                format!("{link} {} parked {reason} {rules:?}", row.side)
            }
            AttentionWhy::Conflict { rules, .. } => format!("{link} {} conflict {rules:?}", row.side),
        })
        .collect();
    lines.sort();
    lines
}

/// The records of every entity that share a name with another one: empty where nothing was created twice.
pub(crate) fn duplicates(world: &World) -> Vec<String> {
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    for (side, entity, named_by) in NAMED_BY {
        for row in world.system(side).rows(entity) {
            let name = world.system(side).value(entity, &row.id, named_by).unwrap();
            *times.entry(format!("{entity} {name}")).or_default() += 1;
        }
    }
    times.into_iter().filter(|(_, times)| *times > 1).map(|(name, _)| name).collect()
}
