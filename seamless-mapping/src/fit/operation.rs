//! What an overlay can do about a difference, as data: operations on rules, by their ids.
//!
//! Only what needs nobody's decision has one: which value a required field gets, or where a field went that became a record,
//! is for a person to say. Writes nothing; `template::proposed` does. The doors are [`Operation`] and, for the rest of
//! `fit`, a function for each kind of difference.

use seamless_core::mapper::Direction;
use seamless_core::model::{FieldKind, FieldName, LinkId, RuleId, Side, Sides, Value};
use serde::Serialize;

use super::SideOf;
use super::uses::Used;
use crate::declaration::{CopyDecl, KindDecl, RuleDecl, TooLong, TypeDecl};

/// Something that an overlay does inside of a link.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "operation")]
pub enum Operation {
    /// A rule is left out.
    Disable {
        /// The rule.
        rule: RulePath,
    },
    /// A key of a rule gets another value.
    Set {
        /// The rule.
        rule: RulePath,
        /// Key and value.
        setting: Setting,
    },
    /// A rule is replaced by one that names another field, and keeps its id.
    Rename {
        /// The rule.
        rule: RulePath,
        /// The side of the field.
        side: Side,
        /// What it was called.
        from: FieldName,
        /// What it is called.
        to: FieldName,
    },
    /// The lines of a table of options that name a value are taken out.
    RemoveOption {
        /// The rule.
        rule: RulePath,
        /// The side of the value.
        side: Side,
        /// The value.
        value: Value,
    },
    /// The lines of a table of options that name a value lead away from it only.
    RetireOption {
        /// The rule.
        rule: RulePath,
        /// The side of the value.
        side: Side,
        /// The value.
        value: Value,
    },
    /// A table of options gets a line.
    AddOption {
        /// The rule.
        rule: RulePath,
        /// What corresponds.
        values: Sides<Value>,
    },
    /// A rule that copies comes at the end.
    Add {
        /// The rule of the list to whose lines it is added; `None` for the link's own rules.
        within: Option<RuleId>,
        /// The fields.
        field: Sides<FieldName>,
        /// The only side that it may write; `None` for both.
        only_to: Option<Side>,
    },
}

/// Where a rule of a link stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RulePath {
    /// The rule of the list of whose lines it is; `None` for a rule of the link itself.
    pub within: Option<RuleId>,
    /// The rule.
    pub rule: RuleId,
}

/// A key of a rule with its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Setting {
    /// `too_long: truncate`. Loses the tail of texts that do not fit.
    Truncate,
    /// `round: half_up`. Loses digits that do not fit.
    Round,
    /// `flow`: this side only.
    OnlyTo(Side),
    /// What the field of a side is declared as under `types`, with its length or digits.
    Type {
        /// The side.
        side: Side,
        /// What it holds.
        kind: TypeDecl,
    },
}

/// An operation with what it is for: what stands above it as a comment.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Answer {
    /// The link.
    pub link: LinkId,
    /// What is done.
    pub operation: Operation,
    /// Why, in words.
    pub evidence: String,
}

fn declared<'s>(side: &'s SideOf<'_, '_>, used: &Used) -> Vec<(RulePath, &'s RuleDecl)> {
    let path = |rule: &RuleId| RulePath { within: side.within.cloned(), rule: rule.clone() };
    let rules = used.rules.iter();
    rules.filter_map(|by| Some((path(&by.id), side.cx.link.rules.get(by.at)?))).collect()
}

fn writing<'s>(side: &'s SideOf<'_, '_>, used: &Used) -> Vec<(RulePath, &'s RuleDecl)> {
    let writes = |rule: &RuleDecl| rule.direction.allows(side.side);
    declared(side, used).into_iter().filter(|(_, rule)| writes(rule)).collect()
}

/// Where parts of the link name the field too, leaving out its rules would answer half of it.
pub(super) fn missing(side: &SideOf<'_, '_>, used: &Used) -> Vec<Operation> {
    if !used.keys.is_empty() {
        return Vec::new();
    }
    declared(side, used).into_iter().map(|(rule, _)| Operation::Disable { rule }).collect()
}

/// A rule that names the field elsewhere than in its sentence is for a person to rewrite.
pub(super) fn renamed(
    side: &SideOf<'_, '_>,
    used: &Used,
    from: &FieldName,
    to: &FieldName,
) -> Vec<Operation> {
    let rules = declared(side, used);
    let in_sentence = |rule: &RuleDecl| {
        let elsewhere = match &rule.kind {
            KindDecl::Copy(_)
            | KindDecl::Const(_)
            | KindDecl::Options(_)
            | KindDecl::Join(_)
            | KindDecl::Lookup(_)
            | KindDecl::Money(_)
            | KindDecl::Compare(_)
            | KindDecl::Generated(_)
            | KindDecl::Lines(_) => false,
            // What it is called in the text must stay what it was.
            KindDecl::Pack(pack) => pack.names.is_none(),
            // Its fields stand in the rules of the row as well.
            KindDecl::Embed(embed) => !embed.rules.is_empty(),
            KindDecl::Expression(_) | KindDecl::Custom(_) => true,
        };
        let conditional = rule.when.of(side.side).fields().contains(from);
        !elsewhere && !conditional && rule.fields.of(side.side).contains(from)
    };
    if !used.keys.is_empty() || !rules.iter().all(|(_, rule)| in_sentence(rule)) {
        return Vec::new();
    }
    let rename = |(rule, _)| Operation::Rename { rule, side: side.side, from: from.clone(), to: to.clone() };
    rules.into_iter().map(rename).collect()
}

/// What says what becomes of values that do not fit, and whether all rules that write the field say it.
pub(super) fn narrower(
    side: &SideOf<'_, '_>,
    used: &Used,
    was: &FieldKind,
    now: &FieldKind,
) -> (Vec<Operation>, bool) {
    let setting = match (was, now) {
        (FieldKind::Text { .. }, FieldKind::Text { .. }) => Setting::Truncate,
        (FieldKind::Decimal { .. }, FieldKind::Decimal { .. }) if digits_before_point_fit(was, now) => {
            Setting::Round
        }
        _ => return (Vec::new(), false),
    };
    let says = |copy: &CopyDecl| match setting {
        Setting::Truncate => copy.too_long == TooLong::Truncate,
        _ => copy.round.is_some(),
    };
    let mut operations = Vec::new();
    let rules = writing(side, used);
    for (path, rule) in &rules {
        match &rule.kind {
            KindDecl::Copy(copy) if says(copy) => {}
            KindDecl::Copy(_) => {
                let set = |setting| Operation::Set { rule: path.clone(), setting };
                // What is cut must say where, also where no schema is at hand.
                let kind = TypeDecl::of_kind(now);
                operations.extend(kind.map(|kind| set(Setting::Type { side: side.side, kind })));
                operations.push(set(setting));
            }
            _ => return (Vec::new(), false),
        }
    }
    let said = operations.is_empty() && !rules.is_empty() && !used.keys.contains(&"lifecycle");
    (operations, said)
}

fn digits_before_point_fit(was: &FieldKind, now: &FieldKind) -> bool {
    let before_point = |kind: &FieldKind| match kind {
        FieldKind::Decimal { precision: Some(precision), scale } => {
            Some(precision.saturating_sub(scale.unwrap_or(0)))
        }
        _ => None,
    };
    before_point(now).is_none_or(|now| before_point(was).is_some_and(|was| was <= now))
}

/// Rules that write it go the other way only; those that only write it are left out.
pub(super) fn read_only(side: &SideOf<'_, '_>, used: &Used) -> Vec<Operation> {
    if used.keys.contains(&"lifecycle") {
        return Vec::new();
    }
    let answer = |(rule, declared): (RulePath, &RuleDecl)| match declared.direction {
        Direction::TwoWay => Operation::Set { rule, setting: Setting::OnlyTo(side.side.other()) },
        Direction::To(_) => Operation::Disable { rule },
    };
    writing(side, used).into_iter().map(answer).collect()
}

/// The type that a rule declares, corrected.
pub(super) fn retyped(side: &SideOf<'_, '_>, rule: &RuleDecl, kind: TypeDecl) -> Operation {
    let path = RulePath { within: side.within.cloned(), rule: rule.stable_id() };
    Operation::Set { rule: path, setting: Setting::Type { side: side.side, kind } }
}
