//! What the merge must keep, by invariant and by hard case.

pub(crate) mod fixture;
mod hard_cases;
mod laws;
mod layout;
mod lines;
mod links;
mod sets;
mod table;
mod ways;
