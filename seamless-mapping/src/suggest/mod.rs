//! Proposals: which entities of two systems are the same thing, and which of their fields. By names, labels, types and
//! option sets, and where a host gives [`Samples`], by values. Reads nothing itself. The doors are [`suggest`],
//! [`suggest_by_values`] and [`correspondences`].
//!
//! Pairs are taken best first, each entity and field once. Cost: one comparison per pair of fields of the two systems;
//! beyond a limit only equal names are counted.

mod fields;
pub(crate) mod names;
mod sample;

use std::collections::BTreeSet;

use seamless_core::model::{Entity, EntityName, Field, FieldKind, FieldName, Schema, Side, Sides};

pub use fields::{Correspondence, correspondences, correspondences_by_values};
pub use sample::{CHARACTERS_MAX, DISTINCT_MAX, Form, Samples, Seen};

pub(crate) use fields::{Known as KnownField, comparable, is_made_key, likeness};

use fields::{best_pairs, proposable};
use names::{alike, plain};

/// A link that may be meant.
#[derive(Clone, Debug, PartialEq)]
pub struct LinkIdea {
    /// An id that no other idea has.
    pub id: String,
    /// The entity of each side.
    pub entity: Sides<EntityName>,
    /// Why, in words.
    pub evidence: String,
    /// Pairs of fields by which records can be recognised, best first.
    pub matching: Vec<MatchIdea>,
    /// The rules, in the order of the left system's fields.
    pub rules: Vec<RuleIdea>,
}

/// A line of `match` that may be meant.
#[derive(Clone, Debug, PartialEq)]
pub struct MatchIdea {
    /// The field of each side.
    pub field: Sides<FieldName>,
    /// The word of the equivalence under which values that were read agree: `email`, `digits`.
    pub same_when: Option<&'static str>,
    /// Why, in words.
    pub evidence: String,
}

/// A rule that may be meant.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleIdea {
    /// The field of each side.
    pub field: Sides<FieldName>,
    /// The side that values may go to, where only one takes them.
    pub only_to: Option<Side>,
    /// The link that both references go through.
    pub lookup: Option<String>,
    /// The word of the equivalence under which values that were read agree: `email`, `digits`.
    pub same_when: Option<&'static str>,
    /// Why, in words.
    pub evidence: String,
}

/// Entities less alike than this are not proposed.
const ENTITY_MIN: f64 = 0.42;

/// Comparisons of fields at most; above that, only equal names are counted.
const COMPARISONS_MAX: usize = 4_000_000;

/// Proposes links with their rules, the most certain first.
pub fn suggest(schemas: Sides<&Schema>) -> Vec<LinkIdea> {
    suggest_by_values(schemas, None)
}

/// The same, with values of some records of both systems as evidence too: equal values of fields whose names say nothing, what
/// values look like, and by which fields records can be told apart.
pub fn suggest_by_values(schemas: Sides<&Schema>, samples: Option<Sides<&Samples>>) -> Vec<LinkIdea> {
    let known = Sides::new(Side::Left, Side::Right).map(|side| {
        let of_side = samples.as_ref().map(|samples| *samples.of(side));
        let entities = schemas.of(side).entities.values();
        entities.map(|entity| Known::of(entity, of_side)).collect::<Vec<_>>()
    });
    let fields =
        known.as_ref().map(|entities| entities.iter().map(|entity| entity.fields.len()).sum::<usize>());
    let fuzzy = fields.left.saturating_mul(fields.right) <= COMPARISONS_MAX;
    let mut candidates = Vec::new();
    for left in &known.left {
        for right in &known.right {
            let names = alike(&left.name, &right.name);
            let shared = best_pairs(&left.fields, &right.fields, fuzzy).len();
            let of = left.fields.len().min(right.fields.len()).max(1);
            let score = 0.4 * names + 0.6 * (shared as f64 / of as f64);
            if shared > 0 && score >= ENTITY_MIN {
                candidates.push((score, names, shared, left, right));
            }
        }
    }
    candidates.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut taken: Sides<BTreeSet<&EntityName>> = Sides::default();
    let mut chosen = Vec::new();
    for (_, names, shared, left, right) in candidates {
        let (l, r) = (&left.entity.name, &right.entity.name);
        if taken.left.contains(l) || taken.right.contains(r) {
            continue;
        }
        taken.left.insert(l);
        taken.right.insert(r);
        let id = unique_id(&left.entity.name, &chosen);
        let of = left.fields.len().min(right.fields.len());
        let evidence = format!("names alike {names:.2}, {shared} of {of} fields alike");
        chosen.push((id, evidence, left, right));
    }
    let pairs: Vec<(String, Sides<&EntityName>)> = chosen
        .iter()
        .map(|(id, _, left, right)| (id.clone(), Sides::new(&left.entity.name, &right.entity.name)))
        .collect();
    chosen.into_iter().map(|(id, evidence, left, right)| link(id, evidence, left, right, &pairs)).collect()
}

/// An entity with its names made comparable.
struct Known<'a> {
    entity: &'a Entity,
    name: String,
    fields: Vec<KnownField<'a>>,
}

impl<'a> Known<'a> {
    fn of(entity: &'a Entity, samples: Option<&'a Samples>) -> Self {
        let fields = proposable(entity).map(|field| KnownField::of(field).seen(samples, entity)).collect();
        Self { entity, name: plain(entity.name.as_str()), fields }
    }
}

fn link(
    id: String,
    evidence: String,
    left: &Known<'_>,
    right: &Known<'_>,
    pairs: &[(String, Sides<&EntityName>)],
) -> LinkIdea {
    let found = best_pairs(&left.fields, &right.fields, true);
    let mut matching: Vec<(u8, MatchIdea)> = Vec::new();
    let mut rules = Vec::new();
    for (_, evidence, l, r) in &found {
        let field = Sides::new(l.name.clone(), r.name.clone());
        let unique = Sides::new(is_unique(left.entity, l), is_unique(right.entity, r));
        let is_reference = matches!(l.kind, FieldKind::Reference { .. });
        let seen = Sides::new(seen(left, l), seen(right, r));
        let same_when = seen.left.zip(seen.right).and_then(|(left, right)| sample::same_when(left, right));
        let different = [seen.left, seen.right].iter().all(|seen| seen.is_some_and(Seen::tells_apart));
        let recognised = match (unique.left, unique.right) {
            (true, true) => Some((0, "unique on both sides")),
            (true, false) | (false, true) if !is_reference => Some((1, "unique on one side")),
            _ if !is_reference && different => Some((2, "different in every record that was read")),
            _ => None,
        };
        matching.extend(recognised.map(|(rank, why)| {
            (rank, MatchIdea { field: field.clone(), same_when, evidence: why.to_owned() })
        }));
        let writable = Sides::new(!(l.read_only || l.computed), !(r.read_only || r.computed));
        let only_to = match (writable.left, writable.right) {
            (true, true) => None,
            (false, true) => Some(Side::Right),
            (true, false) => Some(Side::Left),
            (false, false) => continue,
        };
        rules.push(RuleIdea {
            field,
            only_to,
            lookup: through(&l.kind, &r.kind, pairs),
            same_when,
            evidence: evidence.clone(),
        });
    }
    // In the order of the left system's fields, as its users know them.
    let place = |idea: &RuleIdea| left.entity.fields.iter().position(|field| field.name == idea.field.left);
    rules.sort_by_key(place);
    matching.sort_by_key(|(rank, ..)| *rank);
    LinkIdea {
        id,
        entity: Sides::new(left.entity.name.clone(), right.entity.name.clone()),
        evidence,
        matching: matching.into_iter().map(|(_, idea)| idea).collect(),
        rules,
    }
}

/// The link whose entities two references point at.
fn through(left: &FieldKind, right: &FieldKind, pairs: &[(String, Sides<&EntityName>)]) -> Option<String> {
    let (FieldKind::Reference { targets: left }, FieldKind::Reference { targets: right }) = (left, right)
    else {
        return None;
    };
    let found = pairs.iter().find(|(_, entity)| left.contains(entity.left) && right.contains(entity.right));
    found.map(|(id, _)| id.clone())
}

/// What was seen of a field of an entity.
fn seen<'a>(known: &Known<'a>, field: &Field) -> Option<&'a Seen> {
    known.fields.iter().find(|known| known.field.name == field.name)?.seen
}

fn is_unique(entity: &Entity, field: &Field) -> bool {
    field.unique || entity.key == [field.name.clone()] || entity.unique.contains(&vec![field.name.clone()])
}

fn unique_id(entity: &EntityName, chosen: &[(String, String, &Known<'_>, &Known<'_>)]) -> String {
    let small = entity.as_str().to_lowercase();
    let letters: String = small.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    let base = letters.trim_matches('_').to_owned();
    let base = if base.is_empty() { "link".to_owned() } else { base };
    let is_free = |id: &str| chosen.iter().all(|(known, ..)| known != id);
    if is_free(&base) {
        return base;
    }
    (2..).map(|number| format!("{base}_{number}")).find(|id| is_free(id)).unwrap_or(base)
}
