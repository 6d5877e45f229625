//! The targets, as the tests of the workspace have them.

// Made inputs and words of the formats are for the tests.
#[allow(dead_code)]
#[path = "../../examples/tests/fuzz/targets/mod.rs"]
mod targets;

/// Tries bytes with a target; panics where a law does not hold.
pub fn run(name: &str, bytes: &[u8]) {
    if let Some(target) = targets::ALL.iter().find(|target| target.name == name) {
        (target.run)(bytes);
    }
}
