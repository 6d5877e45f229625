//! Tests of the reader as a whole: one file for each idea.

mod json;
mod limits;
mod robust;
mod traps;
mod tree;
