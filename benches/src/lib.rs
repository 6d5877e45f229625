//! Shared by the benchmarks: generated records with a fixed seed, and fair timing.

pub mod customers;
pub mod timing;
