//! Fields that went together into a record of their own: numbered ones such as `address1_city`, and a reference that came,
//! such as `addressid`.
//!
//! The stem is what stands before the first digit or underscore of a field, and before `id` of the reference. Knows no
//! systems.

use std::collections::BTreeMap;

use seamless_core::model::{Entity, EntityName, FieldKind, FieldName};

/// Fields of one stem fewer than this go for reasons of their own.
const FIELDS_MIN: usize = 2;

/// Letters of a stem at least: shorter ones are met by chance.
const STEM_MIN: usize = 4;

/// Fields that went, and the reference that came for them.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Move {
    /// All that went, used or not.
    pub(super) fields: Vec<FieldName>,
    pub(super) to: FieldName,
    pub(super) entities: Vec<EntityName>,
    /// What the fields begin with: `address1_`.
    begins: Vec<String>,
}

impl Move {
    /// What to do about it, in words.
    pub(super) fn proposal(&self) -> String {
        let entities = match self.entities.as_slice() {
            [] => "another entity".to_owned(),
            entities => entities.iter().map(|entity| entity.as_str()).collect::<Vec<_>>().join(" or "),
        };
        let begins: Vec<String> = self.begins.iter().map(|begin| format!("{begin}*")).collect();
        format!(
            "{} fields ({}) are a record of {entities} now, to which {} points: give {entities} a link of its own that \
             carries what these rules carried, choose by a condition which record stands for which of the numbered fields, \
             and carry {} with a `lookup` through that link; until then take these rules out",
            self.fields.len(),
            begins.join(", "),
            self.to,
            self.to
        )
    }
}

/// What moved. `missing` are the fields that are used and gone; what went beside them is known as far as it is known what was
/// there before. A link that uses one of many is told so too.
pub(super) fn moves(expected: Option<&Entity>, now: &Entity, missing: &[&FieldName]) -> Vec<Move> {
    let expected_gone = expected.iter().flat_map(|expected| &expected.fields).map(|field| &field.name);
    let mut went: Vec<FieldName> =
        expected_gone.filter(|name| now.field(name.as_str()).is_none()).cloned().collect();
    for name in missing {
        if !went.contains(name) {
            went.push((*name).clone());
        }
    }
    let mut by_stem: BTreeMap<String, Vec<FieldName>> = BTreeMap::new();
    for name in went {
        if let Some(stem) = stem(name.as_str()) {
            by_stem.entry(stem).or_default().push(name);
        }
    }
    let came =
        now.fields.iter().filter(|field| expected.is_none_or(|was| was.field(field.name.as_str()).is_none()));
    let mut moves = Vec::new();
    for field in came {
        let (FieldKind::Reference { targets }, Some(stem)) =
            (&field.kind, stem_of_reference(field.name.as_str()))
        else {
            continue;
        };
        let Some(fields) = by_stem.get(&stem).filter(|fields| fields.len() >= FIELDS_MIN) else { continue };
        let mut begins: Vec<String> = fields.iter().filter_map(|name| begin(name.as_str())).collect();
        begins.sort();
        begins.dedup();
        moves.push(Move {
            fields: fields.clone(),
            to: field.name.clone(),
            entities: targets.clone(),
            begins,
        });
    }
    moves
}

/// `address1_` of `address1_city`: a stem, a number, and what divides it from the rest.
fn begin(name: &str) -> Option<String> {
    let digits = name.find(|c: char| c.is_ascii_digit())?;
    let rest = name.get(digits..)?;
    let after = rest.find(|c: char| !c.is_ascii_digit()).map_or(name.len(), |at| digits + at);
    let divided = name.get(after..).and_then(|rest| rest.chars().next()).filter(|c| !c.is_alphanumeric());
    let end = after + divided.map_or(0, char::len_utf8);
    name.get(..end).map(str::to_owned)
}

fn stem(name: &str) -> Option<String> {
    let digits = name.find(|c: char| c.is_ascii_digit())?;
    let stem = letters(name.get(..digits)?);
    (stem.len() >= STEM_MIN).then_some(stem)
}

fn stem_of_reference(name: &str) -> Option<String> {
    let letters = letters(name);
    let stem = letters.strip_suffix("id").unwrap_or(&letters);
    (stem.len() >= STEM_MIN).then(|| stem.to_owned())
}

fn letters(name: &str) -> String {
    name.chars().filter(|c| c.is_alphabetic()).flat_map(char::to_lowercase).collect()
}
