//! The ownership matrix: of every field, who owns it, where its values go, and what happens when both move, in words that
//! a business can sign.
//!
//! Made from a checked mapping, so that what stands in it is what runs: defaults are put in, rules that share a field
//! have one policy. Asks no system anything. The doors are [`Matrix::of`], [`Matrix::to_html`] and, with the feature
//! `xlsx`, [`Matrix::to_xlsx`].

mod html;
mod loss;
pub(crate) mod words;
#[cfg(feature = "xlsx")]
mod xlsx;

use seamless_core::mapper::{Direction, LinkMode, Mapper, Rule, WriteOn};
use seamless_core::model::{Condition, Fingerprint, Side, Sides};
use serde::Serialize;

use crate::compile::{Mapping, fingerprint};
use crate::declaration::{KindDecl, LinkDecl, RuleDecl};
use crate::link_mapper::LinkMapper;

/// The matrix of a mapping.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Matrix {
    /// What the integration is called.
    pub integration: String,
    /// What the sides are called.
    pub sides: Sides<String>,
    /// What systems they are; empty where nobody said.
    pub systems: Sides<String>,
    /// What the author noted.
    pub note: Option<String>,
    /// The digest of everything that stands in the matrix and of what the rules carry, as hexadecimal digits: a signature
    /// holds for it, and for no mapping with another owner, direction, policy or value.
    pub digest: String,
    /// One part per link, in the order of declaration.
    pub links: Vec<Part>,
}

/// What a matrix says of a link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Part {
    /// The link.
    pub link: String,
    /// The entity of each side.
    pub entity: Sides<String>,
    /// What the link does at all.
    pub mode: String,
    /// Which records take part.
    pub scope: Sides<String>,
    /// How records find each other.
    pub matching: String,
    /// Where records are created.
    pub create: String,
    /// What follows when records are deleted or leave the scope.
    pub lifecycle: Vec<String>,
    /// What the author noted.
    pub note: Option<String>,
    /// One row per rule; the rules of a list follow it.
    pub rows: Vec<Row>,
}

/// What a matrix says of a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The rule.
    pub rule: String,
    /// The fields of each side; of a constant, the value in place of the other side's.
    pub fields: Sides<String>,
    /// Who owns the field: the side whose edits count.
    pub owner: String,
    /// Where values go.
    pub direction: String,
    /// What happens when both sides changed it.
    pub conflict: String,
    /// What happens when two records that differ are joined.
    pub first_link: String,
    /// What happens when somebody edits it where it only arrives.
    pub drift: String,
    /// What is lost or not told apart on the way.
    pub loss: String,
    /// When it applies, and what the author noted.
    pub note: String,
}

impl Matrix {
    /// The matrix of a checked mapping.
    pub fn of(mapping: &Mapping) -> Self {
        let declared = mapping.declared();
        let names = declared.sides.as_ref().map(|side| side.name.clone());
        let part = |link: &LinkDecl| {
            let mapper = mapping.link(link.id.as_str())?;
            Some(part(link, &mapper, &names))
        };
        let mut matrix = Self {
            integration: declared.integration.clone(),
            systems: declared.sides.as_ref().map(|side| side.system.clone()),
            note: declared.note.clone(),
            digest: String::new(),
            links: declared.links.iter().filter_map(part).collect(),
            sides: names,
        };
        matrix.digest = matrix.digest_with(&mapping.digest());
        matrix
    }

    /// The mapping's own digest leaves policies and directions out: they change no value that is carried.
    fn digest_with(&self, carried: &Fingerprint) -> String {
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"seamless ownership 1");
        hasher.update(carried);
        // Serialising plain data into memory does not fail; if it ever did, the empty text is still a digest.
        hasher.update(&serde_json::to_vec(self).unwrap_or_default());
        fingerprint(&hasher).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// The headings of the rows, in the order of [`cells`].
const HEADINGS: [&str; 7] = [
    "owner",
    "direction",
    "both changed it",
    "first link",
    "edited where it only arrives",
    "what is lost",
    "notes",
];

/// A row without its fields.
fn cells(row: &Row) -> [&str; 7] {
    [&row.owner, &row.direction, &row.conflict, &row.first_link, &row.drift, &row.loss, &row.note]
}

fn part(link: &LinkDecl, mapper: &LinkMapper, names: &Sides<String>) -> Part {
    let spec = mapper.link();
    let mut rows = Vec::new();
    for declared in link.rules.iter().chain(mapper.implied()) {
        if let Some((index, rule)) = mapper.rule(declared.stable_id().as_str()) {
            rows.push(row(declared, rule, mapper, names, spec.mode));
            if let Some(inner) = mapper.of_lines_of(usize::from(index.0)) {
                rows.extend(of_lines(declared, rule, inner, names));
            }
        }
    }
    Part {
        link: link.id.to_string(),
        entity: link.entity.as_ref().map(ToString::to_string),
        mode: words::mode(spec.mode, names),
        scope: spec.scope.as_ref().map(|scope| match scope {
            Condition::Always => "all records".to_owned(),
            other => other.to_string(),
        }),
        matching: words::matching(&spec.matching),
        create: words::create(spec, names),
        lifecycle: [words::lifecycle(spec, names), words::actions(spec, names)].concat(),
        note: link.note.clone(),
        rows,
    }
}

fn row(declared: &RuleDecl, rule: &Rule, mapper: &LinkMapper, names: &Sides<String>, mode: LinkMode) -> Row {
    let listed = |side: Side| {
        let fields: Vec<&str> = declared.fields.of(side).iter().map(|field| field.as_str()).collect();
        match (&declared.kind, fields.is_empty()) {
            (KindDecl::Const(value), true) => format!("constant {value}"),
            _ => fields.join(" + "),
        }
    };
    let two_way = rule.direction == Direction::TwoWay;
    Row {
        rule: rule.id.to_string(),
        fields: Sides::new(listed(Side::Left), listed(Side::Right)),
        owner: owner(declared, rule, names),
        direction: words::direction(rule.direction, mode, names),
        conflict: match two_way {
            true => words::conflict(&rule.on_conflict, names),
            false => "cannot happen".to_owned(),
        },
        first_link: words::first_link(rule, names),
        drift: match (two_way, rule.on) {
            (true, _) => "cannot happen".to_owned(),
            (false, WriteOn::Create) => "stays: it is sent on create only".to_owned(),
            (false, WriteOn::Always) => words::drift(rule.on_drift).to_owned(),
        },
        loss: loss::words(declared, mapper, names),
        note: note(declared, rule, mapper, names),
    }
}

/// Whose edits count.
fn owner(declared: &RuleDecl, rule: &Rule, names: &Sides<String>) -> String {
    use seamless_core::mapper::ConflictPolicy;
    match (rule.direction, &declared.kind, rule.on) {
        (Direction::To(to), _, WriteOn::Create) => {
            format!("{} (filled once, when it is created)", names.of(to))
        }
        (_, KindDecl::Compare(_), _) => "nobody (it is only compared)".to_owned(),
        (Direction::To(_), KindDecl::Const(_), _) => "the mapping".to_owned(),
        (Direction::TwoWay, KindDecl::Generated(issuer), _) => {
            format!("both, {} issues it", names.of(*issuer))
        }
        (Direction::To(to), _, _) => names.of(to.other()).clone(),
        (Direction::TwoWay, _, _) => match &rule.on_conflict {
            ConflictPolicy::Take(side) => format!("both, {} in doubt", names.of(*side)),
            _ => "both".to_owned(),
        },
    }
}

/// The rules of a line: their policies are the list's.
fn of_lines(declared: &RuleDecl, list: &Rule, inner: &LinkMapper, names: &Sides<String>) -> Vec<Row> {
    let (rules, as_list) = match &declared.kind {
        KindDecl::Lines(lines) => (&lines.rules, "as the list"),
        KindDecl::Embed(embed) => (&embed.rules, "as the row"),
        _ => return Vec::new(),
    };
    rules
        .iter()
        .filter_map(|line| {
            let (_, rule) = inner.rule(line.stable_id().as_str())?;
            let of_list = row(line, rule, inner, names, LinkMode::TwoWay);
            Some(Row {
                rule: format!("{}: {}", list.id, of_list.rule),
                owner: as_list.to_owned(),
                conflict: match &line.on_conflict {
                    Some(policy) => words::conflict(policy, names),
                    None => as_list.to_owned(),
                },
                first_link: as_list.to_owned(),
                drift: as_list.to_owned(),
                ..of_list
            })
        })
        .collect()
}

fn note(declared: &RuleDecl, rule: &Rule, mapper: &LinkMapper, names: &Sides<String>) -> String {
    let mut notes = words::moved(mapper.link(), rule, names);
    for side in Side::BOTH {
        let condition = declared.when.of(side);
        if *condition != Condition::Always && declared.direction.allows(side.other()) {
            notes.push(format!("from {} only when {condition}", names.of(side)));
        }
    }
    for side in Side::BOTH {
        let read = mapper
            .paths(side)
            .iter()
            .filter(|path| declared.fields.of(side).contains(path.list.as_ref().unwrap_or(&path.name)));
        notes.extend(read.map(|path| format!("{} is read along {path}", path.name)));
    }
    notes.extend(declared.note.clone());
    notes.join("; ")
}
