//! The cases, one file a subject. Each file begins with its part of the table.

mod commits;
mod crash;
mod leases;
mod notes;
mod open;
mod pairs;
mod plans;
mod together;

use super::Case;

/// The whole table.
pub(super) const ALL: [&[Case]; 8] = [
    leases::CASES,
    commits::CASES,
    plans::CASES,
    pairs::CASES,
    open::CASES,
    notes::CASES,
    together::CASES,
    crash::CASES,
];
