//! A case: a stable name, what it says, the tier and the capabilities that it needs, and its body. Knows nothing of
//! how a run goes.

use std::fmt;

use futures::future::BoxFuture;

use super::subject::Subject;
use super::verdict::Held;
use crate::connector::{Capabilities, Capability, Order};

/// What a run may do to the system. Each tier includes the ones before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tier {
    /// Read. Nothing is written but operations that must be refused or name records that do not exist.
    ReadOnly,
    /// Change records that were named for it. They get their former values back.
    NominatedRecords,
    /// Make records in a namespace that is the kit's own, and delete those again. Nothing else is ever deleted.
    Scratch,
}

/// What a case needs to be declared. A case whose need is not declared is skipped; another case then checks that what is
/// not declared is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// A numbered capability.
    Has(Capability),
    /// The absence of a numbered capability.
    Lacks(Capability),
    /// Creates.
    Create,
    /// Updates.
    Update,
    /// Deletes.
    Delete,
    /// Something can be written.
    Writable,
    /// A feed of changes.
    Changes,
    /// No feed of changes.
    NoChanges,
    /// Enumeration in the order of ids.
    Ordered,
    /// An idempotency key.
    IdempotencyKey,
}

impl Need {
    /// What is missing, in words; `None` where the need is met.
    pub(super) fn unmet(self, can: &Capabilities) -> Option<String> {
        let (met, words) = match self {
            Need::Has(capability) => {
                let words = format!("{} ({}) is not declared", capability.code(), capability.words());
                (can.has(capability), words)
            }
            Need::Lacks(capability) => {
                let words = format!("{} ({}) is declared", capability.code(), capability.words());
                (!can.has(capability), words)
            }
            Need::Create => (can.create, "create is not declared".to_owned()),
            Need::Update => (can.update, "update is not declared".to_owned()),
            Need::Delete => (can.delete, "delete is not declared".to_owned()),
            Need::Writable => (can.is_writable(), "no write is declared".to_owned()),
            Need::Changes => (can.changes, "no feed of changes is declared".to_owned()),
            Need::NoChanges => (!can.changes, "a feed of changes is declared".to_owned()),
            Need::Ordered => (can.order == Order::RecordId, "no order is declared".to_owned()),
            Need::IdempotencyKey => (can.idempotency_key, "no idempotency key is declared".to_owned()),
        };
        (!met).then_some(words)
    }
}

/// One case of the table.
pub struct Case {
    pub(super) name: &'static str,
    pub(super) says: &'static str,
    pub(super) tier: Tier,
    pub(super) needs: &'static [Need],
    pub(super) body: for<'a> fn(&'a Subject) -> BoxFuture<'a, Held>,
}

impl Case {
    /// Its name. It stays the same from version to version: tests name the cases that may be skipped by it.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// What must hold, in one sentence.
    pub fn says(&self) -> &'static str {
        self.says
    }

    /// What a run must be allowed to do for it.
    pub fn tier(&self) -> Tier {
        self.tier
    }

    /// What must be declared for it.
    pub fn needs(&self) -> &'static [Need] {
        self.needs
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Case")
            .field("name", &self.name)
            .field("tier", &self.tier)
            .field("needs", &self.needs)
            .finish()
    }
}

/// A part of the table: name, tier, needs, what it says, body.
macro_rules! table {
    ($($name:literal $tier:ident [$($need:expr),*] $says:literal => $body:ident;)*) => {
        pub(in crate::testkit::connector_kit) const CASES: &[$crate::testkit::connector_kit::case::Case] = &[
            $($crate::testkit::connector_kit::case::Case {
                name: $name,
                says: $says,
                tier: $crate::testkit::connector_kit::case::Tier::$tier,
                needs: &[$($need),*],
                body: |subject| Box::pin($body(subject)),
            }),*
        ];
    };
}
pub(super) use table;
