//! Declarative two-way mappings: rules that carry values between two systems, and back.
//!
//! A mapping is declared in a file or with the [builder](Mapping::builder), checked by [`compile`], and then gives one
//! [`Mapper`](seamless_core::mapper::Mapper) per link to the engine. Everything here is pure: no I/O, no clock.
//!
//! The mental model. A *link* says which entities belong together, how records find each other (`match`), and what
//! deletion means. A *rule* says which fields of the left correspond to which of the right, where values may go, when
//! two values count as the same, and what is done when both sides moved. A rule is a lens: what is carried over and
//! back means the same, and what the rule cannot see of a record stays. A value outside its domain is parked with a
//! remedy; it never falls back on a default that nobody named. A two-way rule that cannot be taken back is refused by
//! [`compile`].
//!
//! ```
//! use seamless_core::mapper::{MapContext, Resolved};
//! use seamless_core::merge::CompiledLink;
//! use seamless_core::model::{Planned, Record, RecordBuilder, Side, Value, ValueRef};
//! use seamless_mapping::{Mapping, copy};
//!
//! let mapping = Mapping::builder("crm", "erp")
//!     .link("customers", "account", "Customer")
//!     .two_way()
//!     .match_on([("accountnumber", "No.")])
//!     .rule(copy("name", "Name"))
//!     .done()
//!     .build()?;
//! let mapper = mapping.links().remove(0);
//! let link = CompiledLink::compile(mapper)?;
//!
//! let mut account = RecordBuilder::new(link.shape(Side::Left));
//! account.push_value(ValueRef::Text("Adatum"));
//! account.push_value(ValueRef::Text("C10010"));
//! let account = account.finish();
//! assert_eq!(account.field("name").value(), Some(ValueRef::Text("Adatum")));
//!
//! let (resolved, entity) = (Resolved::new(), "Customer".into());
//! let context = MapContext { resolved: &resolved, target_entity: &entity, creating: true };
//! let nothing = Record::absent(link.shape(Side::Right));
//! let carried = link.carry_group(0, Side::Left, &account, &nothing, &context).unwrap();
//! assert_eq!(carried, [(0, Planned::Known(Value::text("Adatum")))]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod declaration;
pub mod explain;
pub mod expression;
pub mod fit;
pub mod laws;
pub mod lint;
pub mod matrix;
pub mod notation;
pub mod snapshot;
pub mod stream;
pub mod suggest;
pub mod template;

mod builder;
mod compile;
mod finding;
mod link_mapper;
mod rules;
mod shown;
mod slots;
mod testing;
mod words;

pub use builder::{
    LinkBuilder, MappingBuilder, both, compare, constant, copy, custom, embed, expression, generated, join,
    join_right, lines, lookup, lookup_any, lookup_by, lookup_by_entity, lookup_parts, money, only_left,
    only_right, options, pack, table,
};
pub use compile::{CompileOptions, Mapping, compile};
pub use finding::{Finding, Gravity, Place, Refused};
pub use fit::{FitInput, FitReport, fit};
pub use laws::{LawReport, check_laws};
pub use link_mapper::LinkMapper;
pub use lint::{LintOptions, lint};
pub use matrix::Matrix;
pub use notation::{Companies, LoadOptions, Loaded, ParameterValues, load, load_each};
pub use rules::custom::{Closures, CustomRefusal, CustomRule, Functions};
pub use testing::{TestOutcome, TestReport, run_tests};
