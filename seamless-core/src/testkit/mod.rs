//! Help for the tests of host applications. Behind the feature `testkit`; no part of a running integration.
//!
//! The door is [`assert_plan`]: a plan is what it was when somebody last looked at it.

mod stored_plan;
pub mod world;

pub use stored_plan::{UPDATE, assert_plan, stable_text};
