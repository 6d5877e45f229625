//! What an author declares: a mapping as data, before anything was checked.
//!
//! A mapping file and the [builder](crate::MappingBuilder) both end here, so that they give exactly the same thing.
//! Nothing in this module knows whether what it holds makes sense; [`compile`](crate::compile) is the judge. The
//! door is [`MappingDecl`].

mod companies;
mod link;
mod money;
mod path;
mod rule;
mod test;

use seamless_core::model::{Sides, Value};

pub use companies::ForEachDecl;
pub use link::{LinkDecl, Matching};
pub use money::{Basis, CompareDecl, CurrencyVia, MoneyDecl, MoneyPart};
pub use path::PathDecl;
pub use rule::{
    BlankReference, CopyDecl, EmbedDecl, IfBlank, IfMissing, JoinDecl, KindDecl, LinesDecl, LookupDecl,
    LookupThrough, LookupVia, OptionKey, OptionRow, OptionsDecl, PackDecl, RoundDecl, RuleDecl, SplitAt,
    TooLong, TypeDecl, UnknownPolicy,
};
pub use test::{Expected, TestDecl};

/// A mapping of two systems.
#[derive(Clone, Debug, PartialEq)]
pub struct MappingDecl {
    /// What the integration is called.
    pub integration: String,
    /// The two sides. What is called left in code is the side named first.
    pub sides: Sides<SideDecl>,
    /// What differs from environment to environment.
    pub parameters: Vec<ParameterDecl>,
    /// That every company of a side has a copy of the mapping, and which of them this copy is.
    pub for_each: Option<ForEachDecl>,
    /// For people who read reports.
    pub note: Option<String>,
    /// The links, in the order of declaration.
    pub links: Vec<LinkDecl>,
}

/// One side of a mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SideDecl {
    /// What the mapping calls it: `crm`.
    pub name: String,
    /// What system it is: `dynamics-sales`. Empty where nobody said.
    pub system: String,
}

/// A parameter: its value comes with the environment, or is the default.
#[derive(Clone, Debug, PartialEq)]
pub struct ParameterDecl {
    /// Its name, written `${name}` where it is used.
    pub name: String,
    /// What kind of value it has.
    pub kind: TypeDecl,
    /// What it is for.
    pub description: Option<String>,
    /// What it is where the environment does not say.
    pub default: Option<Value>,
}

impl MappingDecl {
    /// A mapping without links between two named sides.
    pub fn new(left: &str, right: &str) -> Self {
        let side = |name: &str| SideDecl { name: name.to_owned(), system: String::new() };
        Self {
            integration: format!("{left}-{right}"),
            sides: Sides::new(side(left), side(right)),
            parameters: Vec::new(),
            for_each: None,
            note: None,
            links: Vec::new(),
        }
    }
}
