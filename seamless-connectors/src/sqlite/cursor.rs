//! What this connector's cursors mean: the value of a feed column (version or modified stamp), or the last key of an
//! enumeration. The stamp is the feed column's role, so that another choice of column makes old cursors worthless.

use seamless_core::model::EntityName;

use super::catalogue::Feeding;
use crate::place::Feed;

/// The feed of a table.
pub(super) fn feed(entity: &EntityName, feeding: Option<Feeding>) -> Feed<'_> {
    let stamp = match feeding {
        None => "none",
        Some(Feeding::Version(_)) => "version",
        Some(Feeding::Modified(_)) => "modified",
    };
    Feed { form: "sqlite 1", stamp, entity }
}
