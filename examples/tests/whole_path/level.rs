//! What the systems of a random schedule can do. What is promised there is not said here: it is read from the heads of
//! the plans, which take it from the engine's own table.

use seamless_core::connector::{Capabilities, Order, UniqueKey, WriteReturns};
use seamless_core::model::Side;
use seamless_core::plan::{Guarantee, Holding};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    Full,
    NoConditionalUpdate,
    WritesReturnNothing,
    WritesReturnVersion,
    NoTombstones,
    GoneLooksHidden,
    NoFeed,
    NoUniqueKey,
    NoOrder,
    OneByOne,
    Least,
}

impl Level {
    pub(crate) const ALL: [Level; 11] = [
        Level::Full,
        Level::NoConditionalUpdate,
        Level::WritesReturnNothing,
        Level::WritesReturnVersion,
        Level::NoTombstones,
        Level::GoneLooksHidden,
        Level::NoFeed,
        Level::NoUniqueKey,
        Level::NoOrder,
        Level::OneByOne,
        Level::Least,
    ];

    pub(crate) fn change(self, can: &mut Capabilities) {
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
            Level::NoTombstones => can.tombstones = false,
            Level::GoneLooksHidden => {
                can.tombstones = false;
                can.gone_not_hidden = false;
            }
            Level::NoFeed => no_feed(can),
            Level::NoUniqueKey => no_key(can),
            Level::NoOrder => {
                no_feed(can);
                can.order = Order::Unspecified;
            }
            Level::OneByOne => can.batch_max = std::num::NonZeroU32::MIN,
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

/// Whether an invariant always holds at a side, as the head of a plan says.
pub(crate) fn holds(promised: &[Guarantee], invariant: &str, side: Side) -> bool {
    let of = |promise: &&Guarantee| promise.invariant == invariant && promise.side == side;
    promised.iter().filter(of).all(|promise| promise.holding == Holding::Holds)
}
