//! What this connector's cursors mean: a sequence number of the system's changes, or the last record of an
//! enumeration. The stamp is the epoch of the feed, which a test can end.

use seamless_core::model::EntityName;

use crate::place::Feed;

/// The feed of an entity in an epoch.
pub(super) fn feed<'a>(entity: &'a EntityName, epoch: &'a str) -> Feed<'a> {
    Feed { form: "memory 1", stamp: epoch, entity }
}
