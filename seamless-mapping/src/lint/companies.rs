//! A side that several companies share: links that write there without saying whose a record is, and records that two
//! companies take for theirs.

use seamless_core::mapper::LinkMode;
use seamless_core::model::Side;

use super::scopes;
use crate::compile::{CompileOptions, LinkCx};
use crate::declaration::{LinkDecl, MappingDecl};
use crate::finding::Findings;

/// Whether a link writes records of a side.
fn writes(link: &LinkDecl, side: Side) -> bool {
    match link.mode {
        LinkMode::TwoWay => true,
        LinkMode::To(to) => to == side,
        LinkMode::CoupleOnly | LinkMode::Observe | LinkMode::Off => false,
    }
}

/// Links of which every company's copy writes all records of the shared side.
pub(super) fn check(declared: &MappingDecl, options: &CompileOptions<'_>, findings: &mut Findings) {
    let Some(for_each) = &declared.for_each else { return };
    let shared = for_each.shared();
    for (at, link) in declared.links.iter().enumerate() {
        let cx = LinkCx { mapping: declared, options, at, link };
        let on_purpose = link.shares.contains(&link.id);
        if !writes(link, shared) || on_purpose || for_each.divided.contains(&link.id) {
            continue;
        }
        let (entity, side) = (link.entity.of(shared), cx.side_name(shared));
        let message = format!(
            "every company writes {entity} of {side}, which they share: the scope does not say whose a record is"
        );
        let help = format!(
            "compare a field with a parameter of the company, `scope: {{ {side}: FIELD == ${{company}} }}`; or say \
             `shares: [{}]` where all of them look after the same records",
            link.id
        );
        findings.warning("company-unscoped", cx.place("scope"), message, &help);
    }
}

/// Records of the shared side that this company and another one take for theirs. `others` are the copies of the others.
pub(crate) fn overlaps(
    declared: &MappingDecl,
    others: &[MappingDecl],
    options: &CompileOptions<'_>,
    findings: &mut Findings,
) {
    let Some(for_each) = &declared.for_each else { return };
    let shared = for_each.shared();
    for (at, link) in declared.links.iter().enumerate() {
        let cx = LinkCx { mapping: declared, options, at, link };
        // Where no scope names the company, that is said once.
        if !for_each.divided.contains(&link.id) {
            continue;
        }
        for other in others {
            let company = other.for_each.as_ref().map_or("", |each| each.company.as_str());
            let same = other.links.iter().filter(|theirs| scopes::divides(theirs, link, shared));
            for theirs in same.filter(|theirs| !shares(link, theirs)) {
                let Some(which) = scopes::witness(&cx, theirs, shared) else { continue };
                let message =
                    format!("{which} is also in the scope of {} of the company `{company}`", theirs.id);
                let help = "give every company other values of its parameters, and let the scope say whose a record is";
                findings.warning("company-overlap", cx.place("scope"), message, help);
            }
        }
    }
}

fn shares(a: &LinkDecl, b: &LinkDecl) -> bool {
    a.shares.contains(&b.id) || b.shares.contains(&a.id)
}
