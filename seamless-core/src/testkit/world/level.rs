//! What a simulated system can do to begin with, under a name. What is promised there is not said here: it is read from
//! the table of promises ([`crate::plan::PROMISES`]). The door is [`Level`].

use std::num::NonZeroU32;

use crate::connector::{Capabilities, Order, UniqueKey, WriteReturns};
use crate::model::{Entity, FieldKind, FieldName};

/// A named set of capabilities.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Everything: C1 to C8, a feed, ordered enumeration.
    Full,
    /// Without C1: writes have no precondition.
    NoConditionalUpdate,
    /// Without C2: writes return nothing.
    WritesReturnNothing,
    /// Writes return the version only.
    WritesReturnVersion,
    /// Without C3: nothing keeps a create from happening twice.
    NoUniqueKey,
    /// Without C5: deletions are not shown.
    NoTombstones,
    /// Without C6: a full enumeration is never sure to be complete.
    NoCompleteEnumeration,
    /// Without C7: the feed does not prove up to where it is complete.
    NoLowWater,
    /// Without C5 and C8: gone looks like hidden.
    GoneLooksHidden,
    /// Without a feed of changes: every run enumerates.
    NoFeed,
    /// Without a feed and without an order.
    NoOrder,
    /// One operation a batch.
    OneByOne,
    /// As little as a system can have that records are read from and written to.
    Least,
}

impl Level {
    /// All of them.
    pub const ALL: [Level; 13] = [
        Level::Full,
        Level::NoConditionalUpdate,
        Level::WritesReturnNothing,
        Level::WritesReturnVersion,
        Level::NoUniqueKey,
        Level::NoTombstones,
        Level::NoCompleteEnumeration,
        Level::NoLowWater,
        Level::GoneLooksHidden,
        Level::NoFeed,
        Level::NoOrder,
        Level::OneByOne,
        Level::Least,
    ];

    /// The name, as scripts and figures have it.
    pub fn name(self) -> &'static str {
        match self {
            Level::Full => "full",
            Level::NoConditionalUpdate => "no-conditional-update",
            Level::WritesReturnNothing => "writes-return-nothing",
            Level::WritesReturnVersion => "writes-return-version",
            Level::NoUniqueKey => "no-unique-key",
            Level::NoTombstones => "no-tombstones",
            Level::NoCompleteEnumeration => "no-complete-enumeration",
            Level::NoLowWater => "no-low-water",
            Level::GoneLooksHidden => "gone-looks-hidden",
            Level::NoFeed => "no-feed",
            Level::NoOrder => "no-order",
            Level::OneByOne => "one-by-one",
            Level::Least => "least",
        }
    }

    /// The level of a name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.name() == name)
    }

    /// What an entity can do. Where its key is a text the client chooses ids; otherwise the name is the unique key.
    pub(super) fn capabilities(self, entity: &Entity, named_by: &FieldName) -> Capabilities {
        let chosen = entity
            .key
            .first()
            .and_then(|key| entity.field(key.as_str()))
            .is_some_and(|key| matches!(key.kind, FieldKind::Text { .. }) && key.name != *named_by);
        let mut can = Capabilities {
            conditional_update: true,
            write_returns: WriteReturns::Stored,
            unique_key: if chosen {
                UniqueKey::ClientChosenId
            } else {
                UniqueKey::Fields(vec![named_by.clone()])
            },
            consistent_read: true,
            tombstones: true,
            complete_enumeration: true,
            low_water: true,
            gone_not_hidden: true,
            changes: true,
            order: Order::RecordId,
            create: true,
            update: true,
            delete: true,
            idempotency_key: chosen,
            batch_max: NonZeroU32::new(100).unwrap_or(NonZeroU32::MIN),
            triggers: Vec::new(),
        };
        self.lower(&mut can);
        can
    }

    fn lower(self, can: &mut Capabilities) {
        let no_feed = |can: &mut Capabilities| {
            can.changes = false;
            can.tombstones = false;
            can.low_water = false;
        };
        let no_key = |can: &mut Capabilities| {
            can.unique_key = UniqueKey::None;
            can.idempotency_key = false;
        };
        match self {
            Level::Full => {}
            Level::NoConditionalUpdate => can.conditional_update = false,
            Level::WritesReturnNothing => can.write_returns = WriteReturns::Nothing,
            Level::WritesReturnVersion => can.write_returns = WriteReturns::Version,
            Level::NoUniqueKey => no_key(can),
            Level::NoTombstones => can.tombstones = false,
            Level::NoCompleteEnumeration => can.complete_enumeration = false,
            Level::NoLowWater => can.low_water = false,
            Level::GoneLooksHidden => {
                can.tombstones = false;
                can.gone_not_hidden = false;
            }
            Level::NoFeed => no_feed(can),
            Level::NoOrder => {
                no_feed(can);
                can.order = Order::Unspecified;
            }
            Level::OneByOne => can.batch_max = NonZeroU32::MIN,
            Level::Least => {
                no_feed(can);
                no_key(can);
                can.conditional_update = false;
                can.write_returns = WriteReturns::Nothing;
                can.gone_not_hidden = false;
                can.order = Order::Unspecified;
            }
        }
    }
}
