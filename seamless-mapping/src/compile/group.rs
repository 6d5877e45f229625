//! Rules that share a field are one unit to the engine: their policies are one, and so is where their values go.
//!
//! What one of them says holds for all; what none says is the link's, or the default for where the group goes. The
//! door is [`settle`].

use seamless_core::mapper::{ConflictPolicy, Direction, DriftPolicy, FirstLinkPolicy, Rule};
use seamless_core::model::Side;

use super::LinkCx;
use crate::declaration::{KindDecl, RuleDecl};
use crate::finding::Findings;
use crate::link_mapper::CompiledRule;

/// A compiled rule and its place in the declaration.
pub(crate) type Placed = (usize, Rule, CompiledRule);

/// Gives every rule the policies of its group.
pub(crate) fn settle(cx: &LinkCx<'_>, rules: &mut [Placed], findings: &mut Findings) {
    let groups = groups(rules);
    for first in 0..rules.len() {
        if groups.get(first) != Some(&first) {
            continue;
        }
        let members: Vec<usize> = (first..rules.len()).filter(|at| groups.get(*at) == Some(&first)).collect();
        settle_one(cx, rules, &members, findings);
    }
}

/// The first rule of each rule's group.
fn groups(rules: &[Placed]) -> Vec<usize> {
    let mut groups: Vec<usize> = (0..rules.len()).collect();
    for (at, (_, rule, _)) in rules.iter().enumerate() {
        for (before, (_, earlier, _)) in rules.iter().enumerate().take(at) {
            if !share_a_field(earlier, rule) {
                continue;
            }
            let of = |place: usize| groups.get(place).copied().unwrap_or(place);
            let (a, b) = (of(before), of(at));
            groups.iter_mut().filter(|group| **group == a.max(b)).for_each(|group| *group = a.min(b));
        }
    }
    groups
}

fn share_a_field(a: &Rule, b: &Rule) -> bool {
    Side::BOTH.iter().any(|side| a.fields.of(*side).iter().any(|field| b.fields.of(*side).contains(field)))
}

fn settle_one(cx: &LinkCx<'_>, rules: &mut [Placed], members: &[usize], findings: &mut Findings) {
    if let [member] = members
        && let Some((at, rule, _)) = rules.get_mut(*member)
        && cx.link.rules.get(*at).is_some_and(is_compared)
    {
        return only_compared(rule);
    }
    if !check_compared(cx, rules, members, findings) {
        return;
    }
    let Some(direction) = direction(cx, rules, members, findings) else { return };
    let declared: Vec<(usize, &RuleDecl)> = members
        .iter()
        .filter_map(|member| rules.get(*member))
        .filter_map(|(at, _, _)| Some((*at, cx.link.rules.get(*at)?)))
        .collect();
    let on_conflict = said(cx, &declared, "on_conflict", |rule| rule.on_conflict.clone(), findings);
    let first_link = said(cx, &declared, "first_link", |rule| rule.first_link, findings);
    let on_drift = said(cx, &declared, "on_drift", |rule| rule.on_drift, findings);
    said(cx, &declared, "only_on", |rule| Some(rule.on), findings);
    let on_conflict = on_conflict.or_else(|| cx.link.on_conflict.clone()).unwrap_or(ConflictPolicy::Park);
    let first_link = first_link.or(cx.link.first_link).unwrap_or(match direction {
        Direction::TwoWay => FirstLinkPolicy::FillBlanks,
        Direction::To(to) => FirstLinkPolicy::Take(to.other()),
    });
    let on_drift = on_drift.or(cx.link.on_drift).unwrap_or(DriftPolicy::Park);
    for member in members {
        let Some((_, rule, _)) = rules.get_mut(*member) else { continue };
        rule.on_conflict = on_conflict.clone();
        rule.first_link = first_link;
        rule.on_drift = on_drift;
    }
}

fn is_compared(rule: &RuleDecl) -> bool {
    matches!(rule.kind, KindDecl::Compare(_))
}

/// Whoever moved, the rule is asked whether the two agree: no policy ends in a value, since none is ever written.
fn only_compared(rule: &mut Rule) {
    rule.on_conflict = ConflictPolicy::Take(Side::Left);
    rule.first_link = FirstLinkPolicy::Take(match rule.direction {
        Direction::TwoWay | Direction::To(Side::Right) => Side::Left,
        Direction::To(Side::Left) => Side::Right,
    });
    if let Direction::To(to) = rule.direction {
        rule.on_conflict = ConflictPolicy::Take(to.other());
    }
    rule.on_drift = DriftPolicy::Restore;
}

/// A field that is compared is carried by no other rule: a difference would keep that rule waiting as well.
fn check_compared(cx: &LinkCx<'_>, rules: &[Placed], members: &[usize], findings: &mut Findings) -> bool {
    let mut places = members.iter().filter_map(|member| rules.get(*member)).map(|(at, _, _)| *at);
    let compared = places.find(|at| cx.link.rules.get(*at).is_some_and(is_compared));
    let Some(at) = compared.filter(|_| members.len() > 1) else { return true };
    let message = "it compares a field that another rule carries".to_owned();
    let help = "remove one of the two: what is carried need not be compared";
    findings.error("compare-shared", cx.rule_place(at, Some("compare")), message, help);
    false
}

/// Where values of a group go: as all of its rules allow. A line, and a row that is embedded, is decided and written as one:
/// there each rule goes its own way, as its list does.
fn direction(
    cx: &LinkCx<'_>,
    rules: &[Placed],
    members: &[usize],
    findings: &mut Findings,
) -> Option<Direction> {
    if cx.is_inner() {
        return Some(Direction::TwoWay);
    }
    let mut group = Direction::TwoWay;
    let members: Vec<&Placed> = members.iter().filter_map(|member| rules.get(*member)).collect();
    for (at, rule, _) in &members {
        group = match (group, rule.direction) {
            (Direction::TwoWay, other) | (other, Direction::TwoWay) => other,
            (Direction::To(a), Direction::To(b)) if a == b => Direction::To(a),
            _ => {
                let message = "it shares a field with a rule that goes the other way".to_owned();
                let help = "let the two rules use different fields, or make one `<->` rule of them";
                findings.error("group-direction", cx.rule_place(*at, Some("flow")), message, help);
                return None;
            }
        };
    }
    let Direction::To(side) = group else { return Some(group) };
    for (at, _, _) in members.iter().filter(|(_, rule, _)| rule.direction == Direction::TwoWay) {
        let message =
            format!("it shares a field with a one-way rule, so its values go to {} only", cx.side_name(side));
        let help = "write it with an arrow, or let the two rules use different fields";
        findings.warning("group-one-way", cx.rule_place(*at, Some("flow")), message, help);
    }
    Some(group)
}

/// What the rules of a group say of a policy; those that say nothing follow.
fn said<T: PartialEq>(
    cx: &LinkCx<'_>,
    declared: &[(usize, &RuleDecl)],
    key: &'static str,
    policy: impl Fn(&RuleDecl) -> Option<T>,
    findings: &mut Findings,
) -> Option<T> {
    let mut found: Option<(T, usize)> = None;
    for (at, rule) in declared {
        let Some(said) = policy(rule) else { continue };
        match &found {
            None => found = Some((said, *at)),
            Some((first, first_at)) if *first != said => {
                let other = cx.link.rules.get(*first_at).map(|rule| rule.stable_id().to_string());
                let message = format!(
                    "it shares a field with rule {}, but says another `{key}`",
                    other.unwrap_or_default()
                );
                let help = "rules that share a field are decided together: give them the same";
                findings.error("group-policy", cx.rule_place(*at, Some(key)), message, help);
            }
            Some(_) => {}
        }
    }
    found.map(|(said, _)| said)
}
