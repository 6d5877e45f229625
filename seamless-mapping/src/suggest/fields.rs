//! Which fields of two entities may be the same thing: by names, labels, types and option sets, and by values where some were
//! read, each with a score and the reason. The doors are [`likeness`] and [`best_pairs`].

use std::collections::BTreeSet;

use seamless_core::model::{Entity, Field, FieldKind, FieldName, OptionSet, Side, Sides, Value, ValueKind};

use super::names::{alike, plain};
use super::sample::{Samples, Seen, told};

/// Fields less alike than this are not proposed.
pub(crate) const ALIKE_MIN: f64 = 0.82;

/// What labels count beside names: they are translated and reworded.
const LABEL_WEIGHT: f64 = 0.97;

/// What equal option sets count by themselves, where they have enough values to mean something.
const OPTIONS_SCORE: f64 = 0.9;

/// Options fewer than this are met by chance: yes and no, open and closed.
const OPTIONS_MIN: usize = 3;

/// A field with its names made comparable.
pub(crate) struct Known<'a> {
    pub(crate) field: &'a Field,
    pub(crate) name: String,
    label: Option<String>,
    /// What was seen of its values.
    pub(crate) seen: Option<&'a Seen>,
}

impl<'a> Known<'a> {
    pub(crate) fn of(field: &'a Field) -> Self {
        let name = plain(field.name.as_str());
        let label = field.label.as_deref().map(plain).filter(|label| !label.is_empty() && *label != name);
        Self { field, name, label, seen: None }
    }

    /// With what was seen of the field in some records of its entity.
    pub(crate) fn seen(self, samples: Option<&'a Samples>, entity: &Entity) -> Self {
        let seen = samples.and_then(|samples| samples.of(&entity.name, &self.field.name));
        Self { seen, ..self }
    }
}

/// Two fields that may be the same thing.
#[derive(Clone, Debug, PartialEq)]
pub struct Correspondence {
    /// The field of each side.
    pub field: Sides<FieldName>,
    /// How likely, from 0 to 1.
    pub score: f64,
    /// Why, in words.
    pub evidence: String,
}

/// How alike two fields are, and why; `None` where a rule could not carry between their types.
pub(crate) fn likeness(left: &Known<'_>, right: &Known<'_>, fuzzy: bool) -> Option<(f64, String)> {
    if !comparable(&left.field.kind, &right.field.kind) {
        return None;
    }
    let near = |a: &str, b: &str| match fuzzy {
        _ if a == b => 1.0,
        true => alike(a, b),
        false => 0.0,
    };
    let mut best = (near(&left.name, &right.name), "names alike");
    let label = |known: &Known<'_>| known.label.clone();
    let crossed = [
        (label(left).zip(label(right)), "labels alike"),
        (label(left).map(|label| (label, right.name.clone())), "label and name alike"),
        (label(right).map(|label| (left.name.clone(), label)), "name and label alike"),
    ];
    for (pair, words) in crossed {
        let Some((a, b)) = pair.filter(|_| best.0 < 1.0) else { continue };
        let score = near(&a, &b) * LABEL_WEIGHT;
        if score > best.0 {
            best = (score, words);
        }
    }
    let (mut score, words) = best;
    let mut evidence = format!("{words} {score:.2}, {} and {}", left.field.kind, right.field.kind);
    if let (FieldKind::Option { options: a }, FieldKind::Option { options: b }) =
        (&left.field.kind, &right.field.kind)
    {
        let (same, of) = shared_options(a, b);
        if of >= OPTIONS_MIN && same * 4 >= of * 3 {
            evidence.push_str(&format!(", {same} of {of} options are the same"));
            score = score.max(OPTIONS_SCORE);
        }
    }
    if let Some((a, b)) = left.seen.zip(right.seen) {
        let told = told(a, b);
        evidence.push_str(&told.words);
        // Values by themselves never count as much as equal names.
        score = (score.max(told.overlap) + told.looks).clamp(0.0, score.max(0.98));
    }
    Some((score, evidence))
}

/// How many values, or labels where values are numbers of one system only, two option sets share; of how many.
fn shared_options(a: &OptionSet, b: &OptionSet) -> (usize, usize) {
    let of = a.options.len().max(b.options.len());
    let labels = |set: &OptionSet| -> BTreeSet<String> {
        set.options.iter().filter_map(|option| option.label.as_deref().map(plain)).collect()
    };
    let codes = |set: &OptionSet| -> BTreeSet<String> {
        let texts = set.options.iter().filter(|option| matches!(option.value, Value::Text(_)));
        texts.map(|option| plain(&option.value.to_string())).collect()
    };
    let same_labels = labels(a).intersection(&labels(b)).count();
    let same_codes = codes(a).intersection(&codes(b)).count();
    (same_labels.max(same_codes), of)
}

/// Fields that belong together, best first, each once.
pub(crate) fn best_pairs<'k, 'a>(
    left: &'k [Known<'a>],
    right: &'k [Known<'a>],
    fuzzy: bool,
) -> Vec<(f64, String, &'a Field, &'a Field)> {
    let mut scored = Vec::new();
    for one in left {
        for other in right {
            if let Some((score, evidence)) =
                likeness(one, other, fuzzy).filter(|(score, _)| *score >= ALIKE_MIN)
            {
                scored.push((score, evidence, one.field, other.field));
            }
        }
    }
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut taken: Sides<BTreeSet<&FieldName>> = Sides::default();
    scored.retain(|(_, _, left, right)| {
        let free = !taken.left.contains(&left.name) && !taken.right.contains(&right.name);
        if free {
            taken.left.insert(&left.name);
            taken.right.insert(&right.name);
        }
        free
    });
    scored
}

/// Proposes which fields of two entities correspond, best first, each field once. `free` says which fields of a side may
/// be proposed: those that no rule has.
///
/// Cost: a comparison per pair of free fields.
pub fn correspondences(
    entities: Sides<&Entity>,
    free: impl Fn(Side, &FieldName) -> bool,
) -> Vec<Correspondence> {
    correspondences_by_values(entities, free, None)
}

/// The same, with values of some records of both systems as evidence too.
pub fn correspondences_by_values(
    entities: Sides<&Entity>,
    free: impl Fn(Side, &FieldName) -> bool,
    samples: Option<Sides<&Samples>>,
) -> Vec<Correspondence> {
    let known = Sides::new(Side::Left, Side::Right).map(|side| {
        let entity = *entities.of(side);
        let of_side = samples.as_ref().map(|samples| *samples.of(side));
        let fields = proposable(entity).filter(|field| free(side, &field.name));
        fields.map(|field| Known::of(field).seen(of_side, entity)).collect::<Vec<_>>()
    });
    let found = best_pairs(&known.left, &known.right, true).into_iter();
    let made = found.map(|(score, evidence, left, right)| Correspondence {
        field: Sides::new(left.name.clone(), right.name.clone()),
        score,
        evidence,
    });
    made.collect()
}

/// The fields that mean something elsewhere: all but keys that the system makes.
pub(crate) fn proposable(entity: &Entity) -> impl Iterator<Item = &Field> {
    entity.fields.iter().filter(|field| !is_made_key(entity, field))
}

/// Whether a field is a key that the system makes: it means nothing elsewhere.
pub(crate) fn is_made_key(entity: &Entity, field: &Field) -> bool {
    entity.key.len() == 1
        && entity.key.contains(&field.name)
        && (matches!(field.kind, FieldKind::Int) || plain(field.name.as_str()).ends_with("id"))
}

/// Kinds that a rule could carry. The compiler has the last word.
pub(crate) fn comparable(left: &FieldKind, right: &FieldKind) -> bool {
    let class = |kind: &FieldKind| match kind {
        FieldKind::Bool => 0,
        FieldKind::Int | FieldKind::Decimal { .. } | FieldKind::Float => 1,
        FieldKind::Text { .. } => 2,
        FieldKind::Option { options } => match options.options.first().map(|option| option.value.kind()) {
            Some(ValueKind::Int) => 1,
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
