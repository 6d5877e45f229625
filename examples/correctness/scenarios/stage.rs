//! Two systems with customers, and a rule that keeps them in step: where a scenario is run. What becomes of a run is said
//! like this: `-> c1 fax=2` is written to the right, `<- c1 fax=2` to the left, `-> c1 created` is made there,
//! `conflict c1: fax` and `c1 waits` are asked of a person, `uncoupled` ends a pair, `nothing` is nothing. Runs are apart
//! by ` / `. The door is [`played`].

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::executor::block_on;
use seamless_connectors::memory::{EntityConfig, Memory, MemoryConfig};
use seamless_core::clock::Clock;
use seamless_core::mapper::{ConflictPolicy, DeletePolicy, DriftPolicy, FirstLinkPolicy, Mapper};
use seamless_core::model::{
    Comparison, Condition, Entity, Error, Field, FieldKind, RecordId, Result, Side, Sides, Timestamp, Value,
};
use seamless_core::store::{AttentionWhy, MemoryStore, StateStore};
use seamless_core::sync::{Choice, Integration};
use seamless_core::testkit::world::VirtualClock;
use seamless_mapping::declaration::RuleDecl;
use seamless_mapping::{Mapping, copy};

use super::script::{FIELDS, OnDelete, Settings, Statement, Way};
use crate::rivals::WholeRecord;

/// By which rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    Ours,
    Theirs,
}

/// The entities, and the fields in the order number, name, fax, home, note, stamp.
const ENTITY: Sides<&str> = Sides { left: "Customer", right: "account" };
const NAMES: Sides<[&str; 6]> = Sides {
    left: ["No.", "Name", "Fax No.", "Home Page", "Memo", "Stamp"],
    right: ["number", "name", "fax", "web", "notes", "stamp"],
};
const NUMBER: usize = 0;
const FAX: usize = 2;
const STAMP: usize = 5;
/// The mapped fields between the number and the note.
const MAPPED: std::ops::Range<usize> = 1..4;

/// What one side holds: by number of the record, its values.
type Held = BTreeMap<String, (RecordId, Vec<Value>)>;

struct Stage {
    by: By,
    systems: Sides<Memory>,
    store: Arc<dyn StateStore>,
    clock: Arc<VirtualClock>,
    mapping: Vec<Arc<dyn Mapper>>,
    /// Moves with everything that users do.
    stamp: i64,
}

/// What becomes of a script.
///
/// Errors: words that are not known, a mapping that is refused, a run that fails.
pub(super) fn played(by: By, mapping: &'static str, script: &'static str) -> Result<String> {
    let settings = Settings::parse(mapping)?;
    let mut stage = Stage::new(by, &settings)?;
    let mut told = Vec::new();
    for statement in Statement::parse(script)? {
        if let Some(words) = stage.happens(&statement)? {
            told.push(words);
        }
    }
    Ok(told.join(" / "))
}

fn system(side: Side) -> Result<Memory> {
    let kind = |at: usize| match at {
        STAMP => FieldKind::Int,
        _ => FieldKind::Text { length_max: Some(50) },
    };
    let mut fields = vec![Field::new("id", FieldKind::Int)];
    fields.extend(NAMES.of(side).iter().enumerate().map(|(at, name)| Field::new(*name, kind(at))));
    let entity = Entity {
        name: (*ENTITY.of(side)).into(),
        label: None,
        fields,
        key: vec!["id".into()],
        unique: Vec::new(),
        actions: Vec::new(),
    };
    Memory::new(MemoryConfig::new(&side.to_string()).entity(EntityConfig::new(entity)))
}

fn directed(rule: RuleDecl, way: Way) -> RuleDecl {
    match way {
        Way::To(Side::Left) => rule.to_left(),
        Way::To(Side::Right) => rule.to_right(),
        Way::Both | Way::Nowhere => rule,
    }
}

/// Holds for every record, and looks at its stamp, so that both rules see it move.
fn scope(settings: &Settings, side: Side) -> Condition {
    let name = |at: usize| NAMES.of(side).get(at).copied().unwrap_or_default();
    let blank = Condition::Blank(name(STAMP).into());
    let any = Condition::Any(vec![blank.clone(), Condition::Not(Box::new(blank))]);
    match settings.only {
        Some((of, value)) if of == side => {
            let is = Comparison::Equal;
            let only = Condition::Compare { field: name(FAX).into(), is, value: Value::text(value) };
            Condition::All(vec![any, only])
        }
        _ => any,
    }
}

fn mapped(settings: &Settings) -> Result<Vec<Arc<dyn Mapper>>> {
    let name = |side: Side, at: usize| NAMES.of(side).get(at).copied().unwrap_or_default();
    let rule = |at: usize| copy(name(Side::Left, at), name(Side::Right, at));
    let link = Mapping::builder("left", "right").link("customers", ENTITY.left, ENTITY.right);
    let mut link = match settings.link {
        Way::To(Side::Left) => link.to_left(),
        Way::To(Side::Right) => link.to_right(),
        Way::Both | Way::Nowhere => link.two_way(),
    };
    let on_delete = match settings.on_delete {
        OnDelete::Park => DeletePolicy::Park,
        OnDelete::Unlink => DeletePolicy::Unlink,
        OnDelete::Restore => DeletePolicy::Restore,
    };
    link = link.match_on([(name(Side::Left, NUMBER), name(Side::Right, NUMBER))]);
    for side in Side::BOTH {
        // Where nothing is written nothing can be restored.
        let is_written = settings.link == Way::Both || settings.link == Way::To(side);
        let policy = if is_written { on_delete.clone() } else { DeletePolicy::Park };
        link = link.scope(side, scope(settings, side)).on_delete(side, policy);
    }
    if !settings.creates {
        link = link.create(false, false);
    }
    if let Some(side) = settings.wins {
        link = link.on_conflict(ConflictPolicy::Take(side)).first_link(FirstLinkPolicy::Take(side));
    }
    if settings.overwrites {
        link = link.on_drift(DriftPolicy::Restore);
    }
    link = link.rule(rule(NUMBER));
    for at in MAPPED {
        let way = if at == FAX { settings.fax } else { Way::Both };
        if way != Way::Nowhere {
            let mut field = directed(rule(at), way);
            if let (true, Way::To(side)) = (settings.overwrites, way) {
                field = field.on_conflict(ConflictPolicy::Take(side.other()));
            }
            link = link.rule(field);
        }
    }
    let mapping = link.build().map_err(|refused| Error::configuration(refused.to_string()))?;
    Ok(mapping.links())
}

impl Stage {
    fn new(by: By, settings: &Settings) -> Result<Self> {
        let clock = Arc::new(VirtualClock::default());
        Ok(Self {
            by,
            systems: Sides::new(system(Side::Left)?, system(Side::Right)?),
            store: Arc::new(MemoryStore::new(clock.clone())),
            clock,
            mapping: mapped(settings)?,
            stamp: 0,
        })
    }

    fn integration(&self, forced_from: Option<Side>) -> Result<Integration> {
        let builder = Integration::builder("scenario")
            .left("left", Arc::new(self.systems.left.clone()))
            .right("right", Arc::new(self.systems.right.clone()))
            .links(self.mapping.iter().cloned())
            .store(Arc::clone(&self.store))
            .clock(Arc::clone(&self.clock) as Arc<_>);
        match self.by {
            By::Ours => builder.build(),
            By::Theirs => builder.reconciler(Arc::new(WholeRecord { forced_from })).build(),
        }
    }

    /// Lets a statement happen; what became of it where it is a run that is told of.
    fn happens(&mut self, statement: &Statement) -> Result<Option<String>> {
        self.clock.advance(std::time::Duration::from_secs(60));
        match statement {
            Statement::Write { side, record, values } => self.write(*side, record, values)?,
            Statement::Touch { side, record } => self.write(*side, record, &[])?,
            Statement::Delete { side, record } => {
                if let Some((id, _)) = self.held(*side).get(*record) {
                    self.systems.of(*side).delete(ENTITY.of(*side), id)?;
                }
            }
            Statement::Clock { side, seconds } => {
                let off = self.clock.now().timestamp().saturating_add(*seconds);
                self.systems.of(*side).set_time(Timestamp::from_timestamp(off, 0));
            }
            Statement::Couple => drop(self.told(None)?),
            Statement::Sync => return self.told(None).map(Some),
            Statement::Force(from) => return self.told(Some(*from)).map(Some),
        }
        Ok(None)
    }

    fn write(&mut self, side: Side, record: &str, values: &[(&str, &str)]) -> Result<()> {
        self.stamp += 1;
        let name = |at: usize| NAMES.of(side).get(at).copied().unwrap_or_default();
        let mut said = vec![(name(STAMP), Value::Int(self.stamp))];
        for (field, value) in values {
            let at = FIELDS.iter().position(|known| known == field).map_or(0, |at| at + 1);
            said.push((name(at), if *value == "-" { Value::Null } else { Value::text(value) }));
        }
        let (system, entity) = (self.systems.of(side), *ENTITY.of(side));
        match self.held(side).get(record) {
            Some((id, _)) => system.edit(entity, id, &said),
            None => {
                said.push((name(NUMBER), Value::text(record)));
                system.insert(entity, None, &said).map(drop)
            }
        }
    }

    fn held(&self, side: Side) -> Held {
        let rows = self.systems.of(side).rows(ENTITY.of(side));
        let held = rows.into_iter().map(|row| {
            let value =
                |name: &str| row.record.field(name).value().map_or(Value::Null, |value| value.to_value());
            let values: Vec<Value> = NAMES.of(side).iter().take(STAMP).map(|name| value(name)).collect();
            let number = values.first().map(shown).unwrap_or_default();
            (number, (row.id.clone(), values))
        });
        held.collect()
    }

    /// A run, and what became of it.
    fn told(&self, forced_from: Option<Side>) -> Result<String> {
        let before = Sides::new(self.held(Side::Left), self.held(Side::Right));
        let integration = self.integration(forced_from)?;
        let pairs = pairs(&integration)?;
        if forced_from.is_some() {
            // Whoever forces a record means it, whether it changed or not.
            let ids: Vec<RecordId> = before.left.values().map(|(id, _)| id.clone()).collect();
            block_on(integration.notify(&"customers".into(), Side::Left, &ids, None))?;
        }
        run(&integration)?;
        if let (By::Ours, Some(take)) = (self.by, forced_from) {
            decide(&integration, take)?;
            run(&integration)?;
        }
        let mut words = Vec::new();
        for side in [Side::Right, Side::Left] {
            changes(side, before.of(side), &self.held(side), &mut words);
        }
        if self::pairs(&integration)? < pairs {
            words.push("uncoupled".to_owned());
        }
        words.extend(self.waiting(&integration)?);
        Ok(if words.is_empty() { "nothing".to_owned() } else { words.join(", ") })
    }

    /// What a person is asked, in the order of the records.
    fn waiting(&self, integration: &Integration) -> Result<Vec<String>> {
        let mut conflicts: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut parked = Vec::new();
        for (_, row) in block_on(integration.status())?.waiting {
            let held = self.held(row.side);
            let number = held.iter().find(|(_, (id, _))| *id == row.id).map(|(number, _)| number.clone());
            // A record that is gone is named by the other side's row.
            let number = number.unwrap_or_else(|| "its partner".to_owned());
            match row.why {
                AttentionWhy::Conflict { rules, .. } => {
                    let fields = rules.iter().map(|rule| common(rule.as_str()));
                    conflicts.entry(number).or_default().extend(fields);
                }
                AttentionWhy::Parked { .. } => parked.push(format!("{number} waits")),
                AttentionWhy::Hint { .. } | AttentionWhy::Retry { .. } => {}
            }
        }
        let conflicts = conflicts.into_iter().map(|(number, mut fields)| {
            fields.sort_by_key(|field| FIELDS.iter().position(|known| known == field));
            fields.dedup();
            format!("conflict {number}: {}", fields.join(" "))
        });
        let mut words: Vec<String> = conflicts.collect();
        parked.sort();
        parked.dedup();
        words.extend(parked);
        Ok(words)
    }
}

/// The word of a rule's field.
fn common(rule: &str) -> String {
    let left = rule.split('=').next().unwrap_or_default();
    let at = NAMES.left.iter().position(|name| *name == left);
    let word = at.and_then(|at| FIELDS.get(at.checked_sub(1)?));
    (*word.unwrap_or(&"number")).to_owned()
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::Text(text) => text.to_string(),
        other => other.to_string(),
    }
}

fn pairs(integration: &Integration) -> Result<u64> {
    Ok(block_on(integration.status())?.pairs.values().sum())
}

/// Runs with a yes to everything.
fn run(integration: &Integration) -> Result<()> {
    let approve = |plan: seamless_core::sync::Plan| async move {
        let guards: Vec<_> = plan.trailer().guards.iter().map(|trip| trip.guard.clone()).collect();
        plan.approve("a person", &guards).map(Some)
    };
    block_on(integration.run(approve)).map(drop)
}

/// Says of every open conflict that a side is right.
fn decide(integration: &Integration, take: Side) -> Result<()> {
    let mut choices = Vec::new();
    for (link, row) in block_on(integration.status())?.waiting {
        let AttentionWhy::Conflict { rules, .. } = &row.why else { continue };
        let of_rule = |rule: &seamless_core::model::RuleId| Choice {
            link: link.clone(),
            side: row.side,
            id: row.id.clone(),
            rule: rule.clone(),
            take,
        };
        choices.extend(rules.iter().map(of_rule));
    }
    block_on(integration.resolve_many(&choices, "a person")).map(drop)
}

/// What changed on a side.
fn changes(side: Side, before: &Held, after: &Held, words: &mut Vec<String>) {
    let arrow = if side == Side::Right { "->" } else { "<-" };
    for (number, (_, values)) in after {
        let Some((_, former)) = before.get(number) else {
            words.push(format!("{arrow} {number} created"));
            continue;
        };
        let changed = FIELDS.iter().enumerate().filter_map(|(at, field)| {
            let (was, is) = (former.get(at + 1)?, values.get(at + 1)?);
            (was != is).then(|| format!("{field}={}", shown(is)))
        });
        let changed: Vec<String> = changed.collect();
        if !changed.is_empty() {
            words.push(format!("{arrow} {number} {}", changed.join(" ")));
        }
    }
    let gone = before.keys().filter(|number| !after.contains_key(*number));
    words.extend(gone.map(|number| format!("{arrow} {number} deleted")));
}
