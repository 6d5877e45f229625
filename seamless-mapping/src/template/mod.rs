//! Templates: mappings that are published once and changed by each customer, and followed when they are published anew.
//!
//! A [`Template`] is a mapping file that also says what it expects of both systems, which variants there are, and what
//! must be true before it is used. An [`Overlay`] is a file of changes to one, each under the id of the link or rule that
//! it speaks of. [`compose`] puts a template and layers of overlays together to the text of a mapping file, of which every
//! line remembers where it came from; what the loader says about that text names the file and line that it is about.
//! [`upgrade`] carries overlays from one version of a template to the next, as a three-way merge by the engine that
//! merges records. [`proposed`] writes what `fit` proposes into an overlay.
//!
//! Everything here is pure: texts in, texts out. It does not know systems, environments or files on a disk, and it carries
//! out no prerequisite. The doors are the five names above; the reference is `docs/templates.md`.

mod amend;
mod answered;
mod carried;
mod carried_rules;
mod compose;
mod conflict;
mod edit;
mod expects;
mod keys;
mod layer;
mod moved;
mod overlay;
mod part;
mod print;
mod proposed;
mod read;
mod record;
mod rule;
#[cfg(test)]
mod schema_tests;
mod shipped;
#[cfg(test)]
mod tests;
mod upgrade;
mod variant;

use std::collections::BTreeMap;

pub use amend::{Amendment, amended};
pub use compose::{Composed, LineOrigin, compose};
pub use conflict::{Conflict, Edited};
pub use overlay::Overlay;
pub use proposed::{Proposed, Proposing, proposed};
pub use read::{Prerequisite, Template};
pub use shipped::{Shipped, shipped};
pub use upgrade::{Upgrade, UpgradedOverlay, upgrade};
pub use variant::{Choice, Variant};

/// Which choice was taken of a variant, by the variant's name.
pub type Choices = BTreeMap<String, String>;
