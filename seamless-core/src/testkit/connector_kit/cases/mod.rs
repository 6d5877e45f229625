//! The cases, one file a subject. Each file ends in its part of the table.

mod absence;
mod actions;
mod conditional;
mod cursors;
mod dropped;
mod feed;
mod paging;
mod proof;
mod refusals;
mod schema;
mod secrets;
mod torn;
mod values;
mod writing;

use super::case::Case;

/// The whole table. What looks at everything that was heard comes last.
pub(super) const ALL: [&[Case]; 14] = [
    schema::CASES,
    paging::CASES,
    cursors::CASES,
    absence::CASES,
    writing::CASES,
    refusals::CASES,
    actions::CASES,
    conditional::CASES,
    proof::CASES,
    values::CASES,
    feed::CASES,
    dropped::CASES,
    torn::CASES,
    secrets::CASES,
];
