//! That a mapping is used once for each company. A company is one of several systems of a side that share the system of the
//! other side: each has a copy of every link, with parameters, pairs and bases of its own.

use seamless_core::model::{LinkId, Side};

use super::ParameterDecl;

/// What a mapping says of its companies.
#[derive(Clone, Debug, PartialEq)]
pub struct ForEachDecl {
    /// The side on which every company is a system of its own. The other side is one system, which all of them share.
    pub side: Side,
    /// What every company must say of itself.
    pub parameters: Vec<ParameterDecl>,
    /// For people who read reports.
    pub note: Option<String>,
    /// The company that this copy of the mapping is of.
    pub company: String,
    /// The links whose scope on the shared side was written with a parameter of the company.
    pub divided: Vec<LinkId>,
}

impl ForEachDecl {
    /// The side that the companies share.
    pub fn shared(&self) -> Side {
        self.side.other()
    }

    /// The name of a company's integration, and so of its state: no two companies have the same.
    pub fn integration(name: &str, company: &str) -> String {
        format!("{name}.{company}")
    }
}
