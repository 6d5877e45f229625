//! Which guarantees a link does not get from its two systems, and what is missing for them.
//!
//! Reads the table of promises of the core ([`seamless_core::plan::guarantee`]). Without capabilities only one thing
//! can be told from a schema: that nothing of an entity is unique that a create could be found by again.

use seamless_core::connector::{Capabilities, Capability, UniqueKey};
use seamless_core::model::{Entity, Side, Sides};
use seamless_core::plan::guarantee::{Guarantee, Holding, guarantees};

use super::CapabilitiesByEntity;
use crate::compile::link::create;
use crate::compile::{LinkCx, fit};
use crate::finding::Findings;
use crate::suggest::is_made_key;

pub(super) fn check(
    cx: &LinkCx<'_>,
    capabilities: Option<Sides<&CapabilitiesByEntity>>,
    findings: &mut Findings,
) {
    let names = Sides::new(cx.side_name(Side::Left), cx.side_name(Side::Right));
    match capabilities {
        Some(capabilities) => {
            let has = |side: Side| capabilities.of(side).get(cx.link.entity.of(side)).cloned();
            // An entity that is not there is the compiler's finding.
            let (Some(left), Some(right)) = (has(Side::Left), has(Side::Right)) else { return };
            let found = guarantees(&cx.link.id, cx.link.mode, names, &Sides::new(left, right));
            tell(
                cx,
                "lacks",
                found.into_iter().filter(|one| *create(cx).of(one.side) || !is_of_creating(one)),
                findings,
            );
        }
        None => {
            for side in Side::BOTH.into_iter().filter(|side| *create(cx).of(*side)) {
                let Some(entity) = fit::entity(cx, side) else { continue };
                if has_unique(entity) {
                    continue;
                }
                let lacking = Capabilities { unique_key: UniqueKey::None, ..Capabilities::full() };
                let mut can = Sides::new(Capabilities::full(), Capabilities::full());
                *can.of_mut(side) = lacking;
                let found = guarantees(&cx.link.id, cx.link.mode, names, &can);
                tell(
                    cx,
                    "shows nothing unique, and so lacks",
                    found.into_iter().filter(|one| one.side == side),
                    findings,
                );
            }
        }
    }
}

fn is_of_creating(guarantee: &Guarantee) -> bool {
    guarantee.lacks == Some(Capability::UniqueKey)
}

/// One finding per missing capability and side: several invariants may hang on it.
fn tell(cx: &LinkCx<'_>, lacks: &str, found: impl Iterator<Item = Guarantee>, findings: &mut Findings) {
    let mut told: Vec<(Side, Capability, Vec<Guarantee>)> = Vec::new();
    for guarantee in found {
        let Some(capability) = guarantee.lacks.filter(|_| guarantee.holding != Holding::Holds) else {
            continue;
        };
        match told.iter_mut().find(|(side, known, _)| *side == guarantee.side && *known == capability) {
            Some((_, _, known)) => known.push(guarantee),
            None => told.push((guarantee.side, capability, vec![guarantee])),
        }
    }
    for (side, capability, guarantees) in told {
        let silent = guarantees.iter().any(|one| one.holding == Holding::NotPromised);
        let invariants: Vec<&str> = guarantees.iter().map(|one| one.invariant.as_str()).collect();
        let words: Vec<&str> = guarantees.iter().map(|one| one.words.as_str()).collect();
        let message = format!(
            "{} of {} {lacks} {} ({}), which costs {}: {}",
            cx.link.entity.of(side),
            cx.side_name(side),
            capability.code(),
            capability.words(),
            invariants.join(", "),
            words.join("; ")
        );
        let help = remedy(capability);
        if silent {
            findings.warning("guarantee-lowered", cx.place("entity"), message, help);
        } else {
            findings.note("guarantee-lowered", cx.place("entity"), message, help);
        }
    }
}

fn remedy(capability: Capability) -> &'static str {
    match capability {
        Capability::ConditionalUpdate => "let the entity have a version that moves with every change",
        Capability::WriteReturns => "declare in `forms` what the system makes of values",
        Capability::UniqueKey => {
            "let the target have a unique field for the other side's key, or take chosen ids"
        }
        Capability::ConsistentRead => "read from where writes go, or leave time between runs",
        Capability::Tombstones | Capability::GoneNotHidden => {
            "let the system say what was deleted, or keep `park`"
        }
        Capability::CompleteEnumeration => "let a full reading say that it is complete",
        Capability::LowWater => "sweep now and then: `sweep: 1d`",
    }
}

/// Whether something of an entity is unique that a rule can fill.
fn has_unique(entity: &Entity) -> bool {
    let own_key = match entity.key.as_slice() {
        [] => false,
        [key] => {
            entity.field(key.as_str()).is_some_and(|field| !is_made_key(entity, field) && !field.read_only)
        }
        _ => true,
    };
    own_key
        || !entity.unique.is_empty()
        || entity.fields.iter().any(|field| field.unique && !entity.key.contains(&field.name))
}
