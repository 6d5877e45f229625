//! Declarative two-way mappings: rules that carry values between two systems, and back.
//!
//! A mapping is declared in a file or with the [builder](Mapping::builder), checked by [`compile`], and then gives one
//! [`Mapper`](seamless_core::mapper::Mapper) per link to the engine. Everything here is pure: no I/O, no clock.

pub mod declaration;
pub mod notation;

mod builder;
mod compile;
mod finding;
mod link_mapper;
mod rules;
mod slots;
mod testing;

pub use builder::{
    LinkBuilder, MappingBuilder, both, constant, copy, custom, join, join_right, lookup, lookup_by_entity,
    only_left, only_right, options, table,
};
pub use compile::{CompileOptions, Mapping, compile};
pub use finding::{Finding, Gravity, Place, Refused};
pub use link_mapper::LinkMapper;
pub use notation::{LoadOptions, Loaded, ParameterValues, load};
pub use rules::custom::{Closures, CustomRefusal, CustomRule, Functions};
pub use testing::{TestOutcome, TestReport, run_tests};
