//! Declared capabilities that turned out false in operation: told to the observer once, and not relied on any more.
//!
//! What is looked at is what costs nothing to see: a write that returned no proof although writes return one, a record
//! that was created under another id than the one that was chosen, two records with one unique key, a record that a
//! complete reading left out, a feed without the mark that it says to have. It holds until the process ends; a plan
//! that is made meanwhile promises the less. The doors are [`Inner::capabilities`] and [`Inner::doubt`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use crate::connector::{Capabilities, Capability, Proof, Target, UniqueKey, WriteOp, WriteReturns};
use crate::merge::CompiledLink;
use crate::model::{EntityName, KeyPart, RecordId, Side, ValueRef};

use super::integration::Inner;
use super::progress::Event;

/// What was seen to be false, by side and entity.
#[derive(Debug, Default)]
pub(super) struct Doubts(Mutex<BTreeMap<(Side, EntityName), BTreeSet<Capability>>>);

/// Whether the id that a record got is one that the write itself says: a mapping that writes the fields of a key decides
/// about the id, and the one that was chosen is not used. Which fields are the key is not known here: a value that happens
/// to be the id hides a doubt, until the next record.
fn writes_key(op: &WriteOp, made: &RecordId) -> bool {
    let is_said = |part: &KeyPart| {
        op.patch.fields().filter_map(|(_, presence)| presence.value()).any(|value| match (part, value) {
            (KeyPart::Text(key), ValueRef::Text(text)) => **key == *text,
            (KeyPart::Text(key), other) => **key == *other.to_string(),
            (KeyPart::Int(key), ValueRef::Int(number)) => *key == number,
            (KeyPart::Int(key), ValueRef::Text(text)) => text.parse() == Ok(*key),
            (KeyPart::Int(_), _) => false,
        })
    };
    let parts = made.parts();
    !parts.is_empty() && parts.iter().all(is_said)
}

impl Doubts {
    fn of(&self, side: Side, entity: &EntityName) -> BTreeSet<Capability> {
        let doubts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A handful at most, and nearly always none.
        doubts.get(&(side, entity.clone())).cloned().unwrap_or_default()
    }

    /// Everything, in a stable order.
    pub(super) fn all(&self) -> Vec<(Side, EntityName, Capability)> {
        let doubts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of = |((side, entity), doubts): (&(Side, EntityName), &BTreeSet<Capability>)| {
            doubts.iter().map(|doubt| (*side, entity.clone(), *doubt)).collect::<Vec<_>>()
        };
        doubts.iter().flat_map(of).collect()
    }

    /// False when it was there already.
    fn add(&self, side: Side, entity: &EntityName, capability: Capability) -> bool {
        let mut doubts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        doubts.entry((side, entity.clone())).or_default().insert(capability)
    }
}

impl Inner {
    /// What a side of a link can do: as its connector declares, less what turned out false.
    pub(super) fn capabilities(&self, link: &CompiledLink, side: Side) -> Capabilities {
        let entity = link.spec().entity.of(side);
        let mut can = self.connectors.of(side).capabilities(entity);
        // Where reading lags, a record that is not there may be one that is not there yet.
        can.gone_not_hidden &= can.consistent_read;
        for doubted in self.doubts.of(side, entity) {
            match doubted {
                Capability::ConditionalUpdate => can.conditional_update = false,
                Capability::WriteReturns => can.write_returns = WriteReturns::Nothing,
                Capability::UniqueKey => can.unique_key = UniqueKey::None,
                Capability::ConsistentRead => {
                    can.consistent_read = false;
                    can.gone_not_hidden = false;
                }
                Capability::Tombstones => can.tombstones = false,
                Capability::CompleteEnumeration => can.complete_enumeration = false,
                Capability::LowWater => can.low_water = false,
                Capability::GoneNotHidden => can.gone_not_hidden = false,
            }
        }
        can
    }

    /// Takes note of a capability that is declared and was seen to be false. Said once per side and entity.
    pub(super) fn doubt(&self, link: &CompiledLink, side: Side, capability: Capability, message: &str) {
        let entity = link.spec().entity.of(side);
        if !self.connectors.of(side).capabilities(entity).has(capability)
            || !self.doubts.add(side, entity, capability)
        {
            return;
        }
        let name = self.names.of(side);
        tracing::warn!(side = %name, %entity, capability = capability.code(), message, "a declared capability is false");
        let link = &link.spec().id;
        self.observer.event(&Event::GuaranteeLowered { link, side, capability, message });
    }

    /// What the outcome of a write says about what was declared of writes.
    pub(super) fn doubt_write(
        &self,
        link: &CompiledLink,
        side: Side,
        op: &WriteOp,
        made: &RecordId,
        proof: &Proof,
    ) {
        let deletes = matches!(op.verb, crate::connector::Verb::Delete(_));
        // Asked first: the message of a write that promises nothing would be made for nobody, once per write.
        if matches!(proof, Proof::None)
            && !deletes
            && self.capabilities(link, side).has(Capability::WriteReturns)
        {
            let message =
                format!("a write of record {made} returned neither what was stored nor its version");
            self.doubt(link, side, Capability::WriteReturns, &message);
        }
        if let Target::New(Some(chosen)) = &op.target
            && chosen != made
            && !writes_key(op, made)
        {
            let message = format!("record {chosen} was to be created and {made} was");
            self.doubt(link, side, Capability::UniqueKey, &message);
        }
    }

    /// What several records with one key say, where the key is the one that is declared to be unique.
    pub(super) fn doubt_key(
        &self,
        link: &CompiledLink,
        side: Side,
        fields: &[crate::model::FieldName],
        found: &[RecordId],
    ) {
        let declared = self.connectors.of(side).capabilities(link.spec().entity.of(side)).unique_key;
        let is_key = matches!(&declared, UniqueKey::Fields(key)
            if key.len() == fields.len() && key.iter().all(|field| fields.contains(field)));
        if is_key {
            let found: Vec<String> = found.iter().take(3).map(ToString::to_string).collect();
            let message = format!("records {} have the same unique key", found.join(", "));
            self.doubt(link, side, Capability::UniqueKey, &message);
        }
    }
}
