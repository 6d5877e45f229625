//! What became of an action that a system says it did: the state of the record tells. Part of applying; the door is
//! [`Applying::came_to`].

use crate::connector::{FetchBy, Lookup, Proof, Verb};
use crate::merge::CompiledLink;
use crate::model::{RecordId, Result, Side};

use super::applying::Applying;
use super::fate::{Fate, Ready};

impl Applying<'_> {
    /// What became of an operation that a system says it did. An action moves a state: where the answer does not show that,
    /// the record is looked at, since a system may take an action and leave the state as it is (it asks somebody first).
    pub(super) async fn came_to(
        &self,
        link: &CompiledLink,
        side: Side,
        one: &Ready,
        id: RecordId,
        proof: Proof,
    ) -> Result<Fate> {
        if !matches!(one.op.verb, Verb::Action(_)) {
            return Ok(Fate::Done(id, proof));
        }
        let held = match &proof {
            Proof::Stored(held) => Some(held.clone()),
            Proof::Version(_) | Proof::None if self.inner.capabilities(link, side).consistent_read => {
                match self.fetch_one(link, side, FetchBy::Ids(vec![id.clone()])).await? {
                    Lookup::Found(held) => Some(held),
                    Lookup::Gone(_) | Lookup::Hidden | Lookup::Several(_) | Lookup::Unanswered => None,
                }
            }
            Proof::Version(_) | Proof::None => None,
        };
        Ok(match held.and_then(|held| one.left_as_it_was(link, side, &held)) {
            Some(error) => Fate::Failed(error),
            None => Fate::Done(id, proof),
        })
    }
}
