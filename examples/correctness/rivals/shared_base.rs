//! The rule of engines that remember one value per field, "the synchronised one", and hold both sides against it. The door
//! is [`SharedBase`].
//!
//! It is a state store around another one: in each pair that is kept, both bases of a copied field become the value that was
//! sent, or where nothing was sent what the left held. References keep a base per side, since the same record has another id
//! there. Everything else is the engine's own.

use std::collections::BTreeMap;
use std::sync::Arc;

use seamless_core::merge::CompiledLink;
use seamless_core::model::{LinkId, PlanId, Presence, Result, Side, Value};
use seamless_core::plan::GONE;
use seamless_core::store::{Commit, Lease, Pair, PairStatus, StateStore};
use seamless_core::testkit::{Around, Hooks};

/// The links of an integration by id.
pub(crate) type Links = Arc<BTreeMap<LinkId, Arc<CompiledLink>>>;

/// Has a state store keep one base for both sides.
#[derive(Debug)]
pub(crate) struct SharedBase {
    links: Links,
}

impl SharedBase {
    /// Wraps a state store.
    pub(crate) fn around(inner: Arc<dyn StateStore>, links: &Links) -> Arc<Around<Self>> {
        Arc::new(Around::new(inner, Self { links: Arc::clone(links) }))
    }

    fn shared(&self, mut commit: Commit) -> Commit {
        for (link, pair) in &mut commit.pairs {
            if let (Some(link), PairStatus::Linked) = (self.links.get(link), pair.status) {
                share(link, pair);
            }
        }
        commit
    }
}

/// Makes the two bases of a pair one.
fn share(link: &CompiledLink, pair: &mut Pair) {
    for group in link.groups().iter().filter(|group| group.copy) {
        let ([left], [right]) = (group.slots.left.as_slice(), group.slots.right.as_slice()) else { continue };
        let (of_left, of_right) = (pair.base.left.get(*left), pair.base.right.get(*right));
        let (Presence::Value(of_left), Presence::Value(of_right)) = (of_left, of_right) else { continue };
        let was_sent_left = pair.trail.written.left.contains(*left);
        let was_sent_right = pair.trail.written.right.contains(*right);
        let one: Value =
            if was_sent_left && !was_sent_right { of_right.to_value() } else { of_left.to_value() };
        pair.base.left = pair.base.left.with([(*left, Presence::Value(one.as_ref()))]);
        pair.base.right = pair.base.right.with([(*right, Presence::Value(one.as_ref()))]);
    }
    for side in Side::BOTH {
        let print = link.fingerprint(side, pair.base.of(side));
        let kept = pair.fingerprint.of_mut(side);
        if *kept != print && *kept != GONE {
            *kept = print;
            // The one base is no version of this side.
            *pair.version.of_mut(side) = None;
        }
    }
}

impl Hooks for SharedBase {
    async fn commit(
        &self,
        inner: &dyn StateStore,
        lease: &Lease,
        plan: &PlanId,
        commit: Commit,
    ) -> Result<()> {
        inner.commit(lease, plan, self.shared(commit)).await
    }
}
