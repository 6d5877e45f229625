//! Values and what is said about them, without any input or output.

pub mod decimal;
