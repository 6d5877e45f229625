//! Floor 5: a run. Pull, spill, decide, seal, approve, apply, commit, move the cursor.
//!
//! ```text
//! pull -> match -> decide (pure) -> seal / approve -> apply (intent -> write -> outcome -> commit) -> cursor
//! ```
//!
//! Making a plan moves nothing: it reads both systems and the state, and writes only its own draft. Pairs, bases and
//! cursors move when it is applied. Memory: a few pages of records, and one bit per record that has no pair yet;
//! nothing else grows with the data, plans included.
//!
//! | step | files |
//! |---|---|
//! | what a host holds | `integration`, `run`, `plan_handle`, `progress`, `cancel` |
//! | making a plan | `planning` (the whole), `making` (what each step needs), `area` (the spill) |
//! | reading | `pull`, `attention`, `pairing` |
//! | fields that a system does not have any more | `narrowing`, `resting` |
//! | values of other records, read along paths | `following` |
//! | deciding | `merging`, `deciding`, `alone`, `lookup`, `circles`, `keys`, `older` |
//! | applying | `applying` (the whole), `ahead`, `readying`, `acting`, `operation`, `fate` |
//! | committing | `settle`, `pair_now`, `relink` |
//! | what people decide | `resolving` |
//! | capabilities that prove false | `doubt` |
//! | what writes set off | `set_off` |
//!
//! It does not know how a value is carried (the mapper), what an observation means (the plan floor decides), or how
//! rows are stored (the store). The door is [`Integration`].

mod acting;
mod ahead;
mod alone;
mod applying;
mod area;
mod attention;
mod cancel;
mod circles;
mod deciding;
mod doubt;
mod fate;
mod following;
mod integration;
mod keys;
mod late_commit;
mod lookup;
mod making;
mod merging;
mod moved;
mod narrowing;
mod older;
mod operation;
mod pair_now;
mod pairing;
mod plan_handle;
mod planning;
mod progress;
mod pull;
mod readying;
mod relink;
mod resolving;
mod resting;
mod run;
mod seeking;
mod set_off;
mod settle;
mod vanished;

pub use applying::{Applied, Dropped};
pub use cancel::Cancel;
pub use following::follow;
pub use integration::{Bypass, Integration, IntegrationBuilder, Options};
pub use plan_handle::{Approved, Plan};
pub use progress::{Event, NoObserver, Observer, Phase};
pub use resolving::{Choice, Chosen};
pub use run::{RunReport, Status};
