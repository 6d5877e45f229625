//! A lookup by a field of the records: which side refers, and what a change of the record that is referred to means.

use std::sync::Arc;

use seamless_core::document::did_you_mean;
use seamless_core::mapper::{Direction, DriftPolicy};
use seamless_core::model::{Side, Sides};

use super::fit;
use super::rule::RuleCx;
use crate::declaration::{BlankReference, LookupDecl, TypeDecl};
use crate::finding::Findings;
use crate::rules::blank::Blanks;
use crate::rules::named::{By, Named};

pub(super) fn compile(
    rcx: &RuleCx<'_, '_>,
    by: &Sides<Option<By>>,
    lookup: &LookupDecl,
    findings: &mut Findings,
) -> Option<Arc<Named>> {
    let one = match (&by.left, &by.right) {
        (None, None) => return None,
        (Some(_), Some(_)) => None,
        (Some(_), None) => Some(Side::Left),
        (None, Some(_)) => Some(Side::Right),
    };
    for side in Side::BOTH {
        check_field(rcx, side, by.of(side).as_ref(), findings)?;
    }
    if let Some(refers) = one {
        check_one_way(rcx, refers, findings)?;
    }
    let types = Sides::new(Side::Left, Side::Right).map(|side| match (by.of(side), rcx.types.of(side)) {
        (Some(_), None) => Some(TypeDecl::Reference),
        (_, kind) => *kind,
    });
    let mut blanks = Blanks { policies: lookup.if_blank.clone(), ..Blanks::cleared() };
    blanks.two_way = rcx.two_way();
    let mut made = Named { by: by.clone(), types, if_missing: lookup.if_missing.clone(), blanks };
    for side in Side::BOTH {
        if let BlankReference::Use(key) = lookup.if_blank.of(side) {
            *made.blanks.written.of_mut(side) = Some(made.written(side, key));
        }
    }
    Some(Arc::new(made))
}

/// A value that stands on one side only: which of two things changed could not be told in a rule that goes both ways.
fn check_one_way(rcx: &RuleCx<'_, '_>, refers: Side, findings: &mut Findings) -> Option<()> {
    let name = rcx.cx.side_name(refers);
    let Direction::To(to) = rcx.direction else {
        let message = format!(
            "when the record that {name} refers to changes its value, nobody could tell that from an edit of the other side"
        );
        let help =
            "write an arrow, or let both sides refer: `by: { SIDE: entity.field, OTHER: entity.field }`";
        rcx.error(findings, "lookup-two-way", "lookup", message, help);
        return None;
    };
    if to == refers {
        return Some(());
    }
    let drift = rcx.declared.on_drift.or(rcx.cx.link.on_drift);
    if drift == Some(DriftPolicy::Keep) {
        let message =
            "a target that keeps its edits cannot follow the record that the value is read from".to_owned();
        let help = "say `on_drift: restore`, or `park`";
        rcx.error(findings, "lookup-keep", "on_drift", message, help);
        return None;
    }
    if rcx.cx.link.sweep_every.is_none() {
        let message = "a change of the record that the value is read from is noticed when everything is read"
            .to_owned();
        let help = "say how often that is: `sweep: 1d`";
        findings.note("lookup-sweep", rcx.cx.place("sweep"), message, help);
    }
    Some(())
}

/// Records that are looked up by a field must be there, with that field, and told apart by it.
fn check_field(rcx: &RuleCx<'_, '_>, side: Side, by: Option<&By>, findings: &mut Findings) -> Option<()> {
    let (Some((entity, field)), Some(schema)) = (by, fit::schema(rcx.cx, side)) else { return Some(()) };
    let name = rcx.cx.side_name(side);
    let Some(known) = schema.entity(entity.as_str()) else {
        let message = format!("{name} has no entity {entity}");
        let help = did_you_mean(entity.as_str(), schema.entities.keys().map(|name| name.as_str()));
        let help = help.unwrap_or_else(|| "correct the name".to_owned());
        rcx.error(findings, "unknown-entity", "lookup", message, &help);
        return None;
    };
    if known.field(field.as_str()).is_none() {
        let message = format!("{entity} of {name} has no field {field}");
        let help = did_you_mean(field.as_str(), known.fields.iter().map(|field| field.name.as_str()));
        let help = help.unwrap_or_else(|| "correct the name".to_owned());
        rcx.error(findings, "unknown-field", "lookup", message, &help);
        return None;
    }
    Some(())
}
