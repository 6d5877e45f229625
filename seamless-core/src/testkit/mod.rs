//! Help for the tests of host applications. Behind the feature `testkit`; no part of a running integration.
//!
//! The doors: [`assert_plan`], a plan is what it was when somebody last looked at it; [`connector_kit`] and [`store_kit`],
//! what every connector and every state store must do, as tables of cases that answer with a [`Report`]; [`world`], two
//! simulated systems with users and faults in which a host's integration is tried, and an oracle that knows who wrote what;
//! [`Around`], a state store around another one, for tests that watch, stop or break a store.

mod around;
pub mod connector_kit;
mod polled;
mod report;
pub mod store_kit;
mod stored_plan;
mod verdict;
pub mod world;

pub use around::{Around, Hooks};
pub use report::{Line, Report};
pub use stored_plan::{UPDATE, assert_plan, stable_text};
pub use verdict::Outcome;
