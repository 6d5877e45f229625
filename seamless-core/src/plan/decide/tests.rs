//! What follows from a situation, case by case: as text, and with everything that an entry relies on.

pub(in crate::plan) mod fixture;
mod lagging;
mod pairs;
mod partners;
mod suspects;
mod written;
