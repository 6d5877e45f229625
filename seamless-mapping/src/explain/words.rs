//! An explanation as sentences.

use std::fmt;

use seamless_core::mapper::{MapProblem, Path};
use seamless_core::model::{ActionName, FieldName, Sides, Slot, Truth};

use super::{Explained, ExplainedRule, Rests, Then, Untouched};
use crate::declaration::{BlankReference, KindDecl, LookupDecl, LookupVia, RuleDecl, SplitAt};
use crate::shown;

/// How a rule carries, in a few words.
pub(super) fn how(declared: &RuleDecl) -> String {
    match &declared.kind {
        KindDecl::Copy(_) => "copied".to_owned(),
        KindDecl::Const(_) => "a constant".to_owned(),
        KindDecl::Options(options) => format!("looked up in a table of {} lines", options.rows.len()),
        KindDecl::Join(join) => match join.split {
            Some(SplitAt::First) => format!("joined with {:?}, taken apart at the first", join.separator),
            Some(SplitAt::Last) => format!("joined with {:?}, taken apart at the last", join.separator),
            None => format!("joined with {:?}", join.separator),
        },
        KindDecl::Pack(pack) => format!("packed into a text as {}", pack.layout.name()),
        KindDecl::Lookup(lookup) => through(lookup) + &blanks(lookup),
        KindDecl::Expression(_) => "worked out".to_owned(),
        KindDecl::Lines(lines) => format!("carried line by line, by {} rules", lines.rules.len()),
        KindDecl::Money(_) => "carried as an amount with its currency".to_owned(),
        KindDecl::Compare(compare) => {
            format!("compared, at most {} apart, and never written", compare.tolerance)
        }
        KindDecl::Generated(_) => "copied where it is there, issued where a record is made".to_owned(),
        KindDecl::Embed(embed) => format!("the row that is {}", embed.condition),
        KindDecl::Custom(name) => format!("made by the function {name}"),
    }
}

/// What references are translated through.
fn through(lookup: &LookupDecl) -> String {
    match &lookup.via {
        LookupVia::Link(link) => format!("translated through the pairs of {link}"),
        LookupVia::ByField(by) => {
            let named = [&by.left, &by.right].into_iter().flatten();
            let named: Vec<String> = named.map(|(entity, field)| format!("{field} of {entity}")).collect();
            format!("looked up by {}", named.join(" and "))
        }
        LookupVia::AnyOf(links) => {
            let links: Vec<&str> = links.iter().map(|link| link.as_str()).collect();
            format!("translated through the pairs of {}", links.join(" or "))
        }
        LookupVia::ByEntity(_) => "translated through the pairs of the entity that it points at".to_owned(),
    }
}

/// What blank references mean, where they do not just clear the other side.
fn blanks(lookup: &LookupDecl) -> String {
    let one = |policy: &BlankReference| match policy {
        BlankReference::Clear => String::new(),
        BlankReference::Keep => ", but not where it is blank".to_owned(),
        BlankReference::Use(key) => format!(", {} standing for blank", shown::value(key)),
    };
    let (left, right) = (one(&lookup.if_blank.left), one(&lookup.if_blank.right));
    if left == right { left } else { left + &right }
}

/// The same, with what is read through references.
pub(super) fn along(mut how: String, fields: &[FieldName], paths: &[Path]) -> String {
    let is_read = |path: &&Path| match &path.list {
        None => fields.contains(&path.name),
        Some(list) => fields.contains(list),
    };
    for path in paths.iter().filter(is_read) {
        let name = if path.list.is_some() { format!("{} of a line ", path.name) } else { String::new() };
        how = format!("{how}, {name}read along {path}");
    }
    how
}

impl Explained {
    /// The explanation as sentences, one a field or group of fields; `names` are those of the sides.
    pub fn sentences(&self, names: Sides<&str>) -> Vec<String> {
        let to = names.of(self.from.other());
        let mut lines = Vec::new();
        match self.scope {
            Truth::In => {}
            Truth::Out => lines
                .push("The record is outside of the link's scope: nothing of this is carried.".to_owned()),
            Truth::Unknown => {
                lines.push(
                    "Whether the record takes part cannot be said: a field of the condition is not known."
                        .to_owned(),
                );
            }
        }
        lines.extend(self.rules.iter().filter(|rule| rule.rests.is_none()).map(|rule| rule.sentence(to)));
        for (field, why) in &self.untouched {
            match why {
                // Said already, with the reason.
                Untouched::Waits(_) => {}
                why => lines.push(format!("{field} of {to} is not touched: {why}.")),
            }
        }
        match self.in_no_rule {
            None | Some(0) => {}
            Some(1) => lines.push(format!("1 other field of {to} is in no rule and stays as it is.")),
            Some(count) => {
                lines.push(format!("{count} other fields of {to} are in no rule and stay as they are."))
            }
        }
        lines
    }
}

impl ExplainedRule {
    fn sentence(&self, to: &str) -> String {
        let read = listed(self.read.iter().map(|(field, slot)| format!("{field} ({})", shown::slot(slot))));
        let read = match (read.is_empty(), self.how.as_str()) {
            (true, "") => "Nothing is read".to_owned(),
            (true, how) => capital(how),
            (false, "") => read,
            (false, how) => format!("{read}, {how}"),
        };
        if let Some(trouble) = &self.trouble {
            let waits = match trouble.problem {
                MapProblem::NotKnown => "nothing is known",
                MapProblem::Waiting(_) | MapProblem::NotFound | MapProblem::NotNow | MapProblem::NoAction => {
                    "it waits"
                }
                MapProblem::Unmappable | MapProblem::DoesNotFit => "it is parked",
            };
            return format!("{read}: {waits}, {}: {}; {}.", trouble.field, trouble.message, trouble.remedy);
        }
        let written = self.written.iter().map(|target| {
            let (field, now) = (&target.field, shown::slot(&target.now));
            match &target.then {
                Then::Same if target.now == Slot::Absent => format!("{field} of {to} gets nothing"),
                Then::Same => format!("{field} of {to} means the same already ({now})"),
                Then::Becomes(slot) if target.now == Slot::Absent => {
                    format!("{field} of {to} becomes {}", shown::slot(slot))
                }
                Then::Becomes(slot) => format!("{field} of {to} becomes {}, it is {now}", shown::slot(slot)),
                Then::Moves { to: slot, by } if by.is_empty() => {
                    format!("{field} of {to} is {} from the beginning", shown::slot(slot))
                }
                Then::Moves { to: slot, by } => {
                    format!("{field} of {to} is brought to {} by {}", shown::slot(slot), chain(by))
                }
                Then::NoWay(slot) => {
                    format!("{field} of {to} waits: no action leads to {}, it is {now}", shown::slot(slot))
                }
                Then::CreatedId => {
                    format!("{field} of {to} becomes the id of a record that is created first")
                }
                Then::SystemDecides => format!("{field} of {to} becomes what the system decides"),
            }
        });
        format!("{read}: {}.", listed(written))
    }
}

impl fmt::Display for Rests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Rests::OtherWay => f.write_str("goes the other way only"),
            Rests::OnlyOnCreate => f.write_str("only when a record is created"),
            Rests::ConditionOut(condition) => write!(f, "its condition does not hold: {condition}"),
            Rests::ConditionUnknown(condition) => {
                write!(f, "whether its condition holds is not known: {condition}")
            }
        }
    }
}

impl fmt::Display for Untouched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Untouched::Rests(rule, rests) => write!(f, "the rule {rule} {}", of_rule(rests)),
            Untouched::Waits(rule) => write!(f, "the rule {rule} waits"),
            Untouched::LookedAt => f.write_str("it is only looked at, by matching or a condition"),
        }
    }
}

/// What follows the name of a rule.
fn of_rule(rests: &Rests) -> String {
    match rests {
        Rests::OtherWay => rests.to_string(),
        Rests::OnlyOnCreate => "speaks only when a record is created".to_owned(),
        Rests::ConditionOut(condition) => format!("does not apply ({condition})"),
        Rests::ConditionUnknown(condition) => format!("may not apply, which is not known ({condition})"),
    }
}

/// Words for a table of one line a rule.
impl fmt::Display for Then {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Then::Same => f.write_str("same"),
            Then::Becomes(slot) => slot.fmt(f),
            Then::Moves { to, by } if by.is_empty() => to.fmt(f),
            Then::Moves { to, by } => write!(f, "{to} by {}", chain(by)),
            Then::NoWay(slot) => write!(f, "waits: no action leads to {slot}"),
            Then::CreatedId => f.write_str("the id of a record to be created"),
            Then::SystemDecides => f.write_str("what the system decides"),
        }
    }
}

/// Actions in their order.
fn chain(actions: &[ActionName]) -> String {
    actions.iter().map(ActionName::as_str).collect::<Vec<_>>().join(", then ")
}

fn listed(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(" and ")
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// The name of a problem, for programs.
pub(crate) fn problem(problem: &MapProblem) -> &'static str {
    match problem {
        MapProblem::Unmappable => "unmappable",
        MapProblem::DoesNotFit => "does_not_fit",
        MapProblem::NotKnown => "not_known",
        MapProblem::Waiting(_) | MapProblem::NotFound | MapProblem::NotNow | MapProblem::NoAction => {
            "waiting"
        }
    }
}

impl ExplainedRule {
    /// The name of what keeps the value from being carried, for programs: `unmappable`, `does_not_fit`, `not_known`,
    /// `waiting`.
    pub fn problem(&self) -> Option<&'static str> {
        self.trouble.as_ref().map(|trouble| problem(&trouble.problem))
    }

    /// What was read, as `field: value`.
    pub fn read_lines(&self) -> impl Iterator<Item = String> {
        self.read.iter().map(|(field, slot): &(FieldName, Slot)| format!("{field}: {slot}"))
    }
}
