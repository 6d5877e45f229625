//! Proposals: which entities of two systems are the same thing, and which of their fields. By names and types only;
//! no record is read. Pure. The door is [`suggest`].
//!
//! Two names are alike when they are the same letters and digits, when one holds the other, or when few letters
//! differ (Jaro-Winkler). Pairs are taken best first, each entity and field once. Cost: one comparison per pair of
//! fields of the two systems; beyond a limit only equal names are counted.

use std::collections::BTreeSet;

use seamless_core::model::{Entity, EntityName, Field, FieldKind, FieldName, Schema, Side, Sides};

/// A link that may be meant.
pub(crate) struct LinkIdea {
    pub(crate) id: String,
    pub(crate) entity: Sides<EntityName>,
    /// Why, in words.
    pub(crate) evidence: String,
    /// Pairs of fields by which records can be recognised, best first, each with the reason.
    pub(crate) matching: Vec<(Sides<FieldName>, String)>,
    pub(crate) rules: Vec<RuleIdea>,
}

/// A rule that may be meant.
pub(crate) struct RuleIdea {
    pub(crate) field: Sides<FieldName>,
    /// The side that values may go to, where only one takes them.
    pub(crate) only_to: Option<Side>,
    /// The link that both references go through.
    pub(crate) lookup: Option<String>,
    /// Why, in words.
    pub(crate) evidence: String,
}

/// Names less alike than this are not proposed.
const ALIKE_MIN: f64 = 0.82;

/// Entities less alike than this are not proposed.
const ENTITY_MIN: f64 = 0.42;

/// Comparisons of fields at most; above that, only equal names are counted.
const COMPARISONS_MAX: usize = 4_000_000;

/// Proposes links with their rules, the most certain first.
pub(crate) fn suggest(schemas: Sides<&Schema>) -> Vec<LinkIdea> {
    let known = schemas.map(|schema| schema.entities.values().map(Known::of).collect::<Vec<_>>());
    let fields =
        known.as_ref().map(|entities| entities.iter().map(|entity| entity.fields.len()).sum::<usize>());
    let fuzzy = fields.left.saturating_mul(fields.right) <= COMPARISONS_MAX;
    let mut candidates = Vec::new();
    for left in &known.left {
        for right in &known.right {
            let names = alike(&left.name, &right.name);
            let shared = best_pairs(left, right, fuzzy).len();
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
    fields: Vec<(String, &'a Field)>,
}

impl<'a> Known<'a> {
    fn of(entity: &'a Entity) -> Self {
        let proposable = entity.fields.iter().filter(|field| !is_made_key(entity, field));
        let fields = proposable.map(|field| (plain(field.name.as_str()), field)).collect();
        Self { entity, name: plain(entity.name.as_str()), fields }
    }
}

/// Whether a field is a key that the system makes: it means nothing elsewhere.
fn is_made_key(entity: &Entity, field: &Field) -> bool {
    entity.key.len() == 1
        && entity.key.contains(&field.name)
        && (matches!(field.kind, FieldKind::Int) || plain(field.name.as_str()).ends_with("id"))
}

type Scored<'a> = (f64, &'a Field, &'a Field);

/// Fields that belong together, best first, each once.
fn best_pairs<'a>(left: &Known<'a>, right: &Known<'a>, fuzzy: bool) -> Vec<Scored<'a>> {
    let mut scored: Vec<Scored<'a>> = Vec::new();
    for (left_name, left_field) in &left.fields {
        for (right_name, right_field) in &right.fields {
            let score = match fuzzy {
                _ if left_name == right_name => 1.0,
                true => alike(left_name, right_name),
                false => 0.0,
            };
            if score >= ALIKE_MIN && comparable(&left_field.kind, &right_field.kind) {
                scored.push((score, left_field, right_field));
            }
        }
    }
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut taken: Sides<BTreeSet<&FieldName>> = Sides::default();
    scored.retain(|(_, left, right)| {
        let free = !taken.left.contains(&left.name) && !taken.right.contains(&right.name);
        if free {
            taken.left.insert(&left.name);
            taken.right.insert(&right.name);
        }
        free
    });
    scored
}

fn link(
    id: String,
    evidence: String,
    left: &Known<'_>,
    right: &Known<'_>,
    pairs: &[(String, Sides<&EntityName>)],
) -> LinkIdea {
    let found = best_pairs(left, right, true);
    let mut matching: Vec<(u8, Sides<FieldName>, String)> = Vec::new();
    let mut rules = Vec::new();
    for (score, l, r) in &found {
        let field = Sides::new(l.name.clone(), r.name.clone());
        let unique = Sides::new(is_unique(left.entity, l), is_unique(right.entity, r));
        let is_reference = matches!(l.kind, FieldKind::Reference { .. });
        match (unique.left, unique.right) {
            (true, true) => matching.push((0, field.clone(), "unique on both sides".to_owned())),
            (true, false) | (false, true) if !is_reference => {
                matching.push((1, field.clone(), "unique on one side".to_owned()));
            }
            _ => {}
        }
        let writable = Sides::new(!(l.read_only || l.computed), !(r.read_only || r.computed));
        let only_to = match (writable.left, writable.right) {
            (true, true) => None,
            (false, true) => Some(Side::Right),
            (true, false) => Some(Side::Left),
            (false, false) => continue,
        };
        let evidence = format!(
            "names alike {score:.2}, {} and {}",
            super::commands::discover::kind_text(&l.kind),
            super::commands::discover::kind_text(&r.kind)
        );
        rules.push(RuleIdea { field, only_to, lookup: through(&l.kind, &r.kind, pairs), evidence });
    }
    // In the order of the left system's fields, as its users know them.
    let place = |idea: &RuleIdea| left.entity.fields.iter().position(|field| field.name == idea.field.left);
    rules.sort_by_key(place);
    matching.sort_by_key(|(rank, ..)| *rank);
    LinkIdea {
        id,
        entity: Sides::new(left.entity.name.clone(), right.entity.name.clone()),
        evidence,
        matching: matching.into_iter().map(|(_, field, why)| (field, why)).collect(),
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

fn is_unique(entity: &Entity, field: &Field) -> bool {
    field.unique || entity.key == [field.name.clone()] || entity.unique.contains(&vec![field.name.clone()])
}

/// Kinds that a rule could carry. The compiler has the last word.
fn comparable(left: &FieldKind, right: &FieldKind) -> bool {
    let class = |kind: &FieldKind| match kind {
        FieldKind::Bool => 0,
        FieldKind::Int | FieldKind::Decimal { .. } | FieldKind::Float => 1,
        FieldKind::Text { .. } => 2,
        FieldKind::Option { options } => match options.options.first().map(|option| option.value.kind()) {
            Some(seamless_core::model::ValueKind::Int) => 1,
            _ => 2,
        },
        FieldKind::Date => 3,
        FieldKind::Time => 4,
        FieldKind::LocalDateTime => 5,
        FieldKind::Instant => 6,
        FieldKind::Reference { .. } => 7,
        _ => 8,
    };
    class(left) == class(right) && class(left) < 8
}

/// Words that mean the same in names of fields.
const SYNONYMS: &[(&str, &str)] = &[
    ("no", "number"),
    ("nr", "number"),
    ("num", "number"),
    ("tel", "phone"),
    ("telephone", "phone"),
    ("mail", "email"),
    ("zip", "postcode"),
    ("postalcode", "postcode"),
    ("descr", "description"),
    ("desc", "description"),
    ("qty", "quantity"),
    ("amt", "amount"),
    ("addr", "address"),
    ("web", "homepage"),
    ("website", "homepage"),
];

/// A name as small letters and digits, its words replaced by what they mean: `Phone No.` and `phone_nr` are one.
fn plain(name: &str) -> String {
    let joined = name.replace("e-mail", "email").replace("E-Mail", "email").replace("E-mail", "email");
    let mut words: Vec<String> = vec![String::new()];
    let mut before_small = false;
    for letter in joined.chars() {
        // `accountNumber` has two words, `CRM` has one.
        let begins = !letter.is_alphanumeric() || (letter.is_uppercase() && before_small);
        if begins && words.last().is_some_and(|word| !word.is_empty()) {
            words.push(String::new());
        }
        if letter.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(letter.to_lowercase());
        }
        before_small = letter.is_lowercase() || letter.is_numeric();
    }
    let meaning = |word: &String| {
        let found = SYNONYMS.iter().find(|(short, _)| short == word);
        found.map_or_else(|| word.clone(), |(_, meaning)| (*meaning).to_owned())
    };
    let joined: String = words.iter().map(meaning).collect();
    match joined.strip_suffix('s') {
        Some(one) if one.len() > 3 && !one.ends_with('s') => one.to_owned(),
        _ => joined,
    }
}

/// How alike two plain names are, from 0 to 1.
fn alike(left: &str, right: &str) -> f64 {
    if left == right {
        return 1.0;
    }
    let (short, long) = if left.len() <= right.len() { (left, right) } else { (right, left) };
    let holds = short.len() >= 4 && (long.starts_with(short) || long.ends_with(short));
    let letters = strsim::jaro_winkler(left, right);
    // Jaro-Winkler likes a common beginning too much: `address1` and `address2` are two fields.
    let numbers = |name: &str| name.chars().filter(char::is_ascii_digit).collect::<String>();
    if numbers(left) != numbers(right) {
        return (letters - 0.3).max(0.0);
    }
    if holds { letters.max(0.86) } else { (letters - 0.08).max(0.0) }
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
