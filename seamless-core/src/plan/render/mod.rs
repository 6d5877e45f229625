//! Rendering: a plan for people to read. The doors are [`TextRenderer`], which takes a plan as a stream, and
//! [`plan_summary`].
//!
//! A renderer knows nothing of files and terminals; it writes text into whatever takes text. Masking is decided here
//! and nowhere else: the plan itself holds clear values.

mod lines;
mod show;
mod text;
mod words;

pub use show::Show;
pub use text::{TextOptions, TextRenderer, plan_summary};
