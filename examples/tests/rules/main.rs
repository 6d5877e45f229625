//! Kinds of rules over whole runs: what a mapping says, done between two systems in memory or two folders of files, and nothing
//! left to do afterwards. That a rule keeps its laws is shown in `seamless-mapping/tests`.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod blank_references;
mod embedded_rows;
mod host;
mod numbered_lines;
mod one_for_two;
mod options_by_type;
mod order_lines;
mod payment_terms;
mod sent_twice;
