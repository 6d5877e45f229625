//! Groups: rules that share a field, on either side, are one unit. Knows rules, not records. The door is
//! [`group_rules`].

use std::collections::HashMap;

use crate::mapper::{ConflictPolicy, Direction, DriftPolicy, FirstLinkPolicy, Rule, RuleKind, WriteOn};
use crate::model::{Error, ErrorKind, FieldName, Result, RuleIndex, Shape, Side, Sides};

/// Rules of one link at most: what keeps a rule's and a group's place in 16 bits, and as many as a record has fields.
pub const RULES_MAX: usize = 4096;

/// Rules that share a field: the unit of conflict and commit. Their policies are one.
#[derive(Clone, Debug)]
pub struct Group {
    /// The rules, in the order of the link.
    pub rules: Vec<RuleIndex>,
    /// The slots of their fields, in order, without repetition.
    pub slots: Sides<Vec<usize>>,
    /// Whether it is one copy rule between one field of each side: then values are compared without carrying.
    pub copy: bool,
    /// Whether a rule of it follows a record that the giving side refers to.
    pub follows: bool,
    /// Where values may go as far as the rules say: what all of them allow. See also
    /// [`CompiledLink::allows`](super::CompiledLink::allows).
    pub direction: Direction,
    /// When values are sent.
    pub on: WriteOn,
    /// What is done when both sides moved.
    pub on_conflict: ConflictPolicy,
    /// What is done with differing values that have no base.
    pub first_link: FirstLinkPolicy,
    /// What is done when the target of a one-way group was edited.
    pub on_drift: DriftPolicy,
}

/// Divides rules into groups, in the order of each group's first rule. Every field must have a slot.
///
/// Errors: more than [`RULES_MAX`] rules; rules of one group that do not agree on a policy, or of which one carries
/// only to the left and another only to the right.
pub(super) fn group_rules(rules: &[Rule], shapes: &Sides<std::sync::Arc<Shape>>) -> Result<Vec<Group>> {
    if rules.len() > RULES_MAX {
        return Err(Error::new(ErrorKind::Limit, format!("{} rules in one link", rules.len()))
            .with_remedy(format!("at most {RULES_MAX} rules can be in one link; divide it")));
    }
    let mut groups: Vec<Group> = Vec::new();
    for members in components(rules) {
        groups.push(group_of(rules, &members, shapes)?);
    }
    Ok(groups)
}

/// Connected components: places of rules, ascending, ordered by their first. Source: Tarjan, union-find; path halving.
fn components(rules: &[Rule]) -> Vec<Vec<usize>> {
    let mut parents: Vec<usize> = (0..rules.len()).collect();
    let mut first_with: HashMap<(Side, &FieldName), usize> = HashMap::new();
    for (place, rule) in rules.iter().enumerate() {
        for side in Side::BOTH {
            for field in rule.fields.of(side) {
                let known = *first_with.entry((side, field)).or_insert(place);
                let (a, b) = (root(&mut parents, known), root(&mut parents, place));
                if let Some(parent) = parents.get_mut(a.max(b)) {
                    *parent = a.min(b);
                }
            }
        }
    }
    let mut places: HashMap<usize, usize> = HashMap::new();
    let mut found: Vec<Vec<usize>> = Vec::new();
    for place in 0..rules.len() {
        let of = *places.entry(root(&mut parents, place)).or_insert(found.len());
        match found.get_mut(of) {
            Some(members) => members.push(place),
            None => found.push(vec![place]),
        }
    }
    found
}

fn root(parents: &mut [usize], mut place: usize) -> usize {
    loop {
        let parent = parents.get(place).copied().unwrap_or(place);
        if parent == place {
            return place;
        }
        let above = parents.get(parent).copied().unwrap_or(parent);
        if let Some(own) = parents.get_mut(place) {
            *own = above;
        }
        place = above;
    }
}

fn group_of(rules: &[Rule], members: &[usize], shapes: &Sides<std::sync::Arc<Shape>>) -> Result<Group> {
    let of_members = || members.iter().filter_map(|place| rules.get(*place));
    let Some(first) = of_members().next() else {
        return Err(Error::new(ErrorKind::Internal, "a group without a rule"));
    };
    let mut direction = first.direction;
    for rule in of_members() {
        agree(first, rule, "what is done in a conflict", |rule| &rule.on_conflict)?;
        agree(first, rule, "what is done with a first link", |rule| &rule.first_link)?;
        agree(first, rule, "what is done with an edited target", |rule| &rule.on_drift)?;
        agree(first, rule, "when values are sent", |rule| &rule.on)?;
        direction =
            both(direction, rule.direction).ok_or_else(|| disagreement(first, rule, "where values go"))?;
    }
    let slots = |side: Side| {
        let mut slots: Vec<usize> = of_members()
            .flat_map(|rule| rule.fields.of(side))
            .filter_map(|field| shapes.of(side).slot(field.as_str()))
            .collect();
        slots.sort_unstable();
        slots.dedup();
        slots
    };
    let slots = Sides::new(slots(Side::Left), slots(Side::Right));
    let copy =
        members.len() == 1 && first.kind == RuleKind::Copy && slots.left.len() == 1 && slots.right.len() == 1;
    Ok(Group {
        rules: members.iter().map(|place| RuleIndex(*place as u16)).collect(),
        slots,
        copy,
        follows: of_members().any(|rule| rule.kind == RuleKind::Followed),
        direction,
        on: first.on,
        on_conflict: first.on_conflict.clone(),
        first_link: first.first_link,
        on_drift: first.on_drift,
    })
}

fn both(a: Direction, b: Direction) -> Option<Direction> {
    match (a, b) {
        (Direction::TwoWay, other) | (other, Direction::TwoWay) => Some(other),
        (Direction::To(a), Direction::To(b)) => (a == b).then_some(Direction::To(a)),
    }
}

fn agree<T: PartialEq>(first: &Rule, rule: &Rule, on: &str, policy: impl Fn(&Rule) -> &T) -> Result<()> {
    if policy(first) == policy(rule) { Ok(()) } else { Err(disagreement(first, rule, on)) }
}

fn disagreement(first: &Rule, rule: &Rule, on: &str) -> Error {
    Error::configuration(format!(
        "the rules {} and {} are one group because they share a field, but do not agree on {on}",
        first.id, rule.id
    ))
    .with_remedy("give both rules the same policy, or let them use different fields")
}
