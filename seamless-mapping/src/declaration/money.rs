//! Amounts with what they mean: the currency, the unit, with or without tax. And totals that are compared, not written.

use seamless_core::model::{Decimal, LinkId, Side, Sides, Value};
use serde::Serialize;

use super::rule::{OptionRow, RoundDecl};

/// An amount and what it means, as one rule: they are carried together or not at all.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MoneyDecl {
    /// What each field of a side says, in the rule's order. Not said: amount, currency, unit, as far as there are fields.
    pub parts: Sides<Option<Vec<MoneyPart>>>,
    /// What a blank currency of a side stands for, and what is written there as blank; of a side without a field for it,
    /// the currency of all its amounts. A code; of a side that refers to records of a link, the record's key.
    pub local: Sides<Option<Value>>,
    /// Whether the amounts of a side hold the tax, where no field of it says so.
    pub basis: Sides<Option<Basis>>,
    /// Digits after the point, by code; before those of ISO 4217.
    pub scales: Vec<(String, u32)>,
    /// Digits after the point of every other currency, instead of those of ISO 4217.
    pub otherwise: Option<u32>,
    /// How digits are dropped that the currency does not have; not said: the value parks.
    pub round: Option<RoundDecl>,
    /// How currencies of one side become those of the other; not said: both use the same codes.
    pub currencies: Option<CurrencyVia>,
    /// How units of one side become those of the other; empty: both use the same.
    pub units: Vec<OptionRow>,
}

/// What a field of an amount says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MoneyPart {
    /// How much.
    Amount,
    /// Of which currency.
    Currency,
    /// For how much of what: a unit of measure.
    Unit,
    /// Whether the tax is in it.
    Gross,
    /// Whether the tax is not in it.
    Net,
}

impl MoneyPart {
    /// All parts with their names in a file.
    pub const ALL: [(&'static str, MoneyPart); 5] = [
        ("amount", MoneyPart::Amount),
        ("currency", MoneyPart::Currency),
        ("unit", MoneyPart::Unit),
        ("gross", MoneyPart::Gross),
        ("net", MoneyPart::Net),
    ];

    /// What it is called in a file.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, part)| *part == self).map_or("", |(name, _)| name)
    }
}

/// Whether amounts hold the tax.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// The tax is not in it.
    Net,
    /// The tax is in it.
    Gross,
}

/// How currencies of one side become those of the other.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CurrencyVia {
    /// By a table.
    Table(Vec<OptionRow>),
    /// One side refers to records of a link, whose partners are the codes of the other side.
    Link {
        /// The side that refers.
        references: Side,
        /// The link.
        link: LinkId,
    },
}

impl MoneyDecl {
    /// Amounts of which nothing but the fields was said.
    pub fn new() -> Self {
        Self {
            parts: Sides::new(None, None),
            local: Sides::new(None, None),
            basis: Sides::new(None, None),
            scales: Vec::new(),
            otherwise: None,
            round: None,
            currencies: None,
            units: Vec::new(),
        }
    }

    /// What each of so many fields of a side says.
    pub fn parts_of(&self, side: Side, fields: usize) -> Vec<MoneyPart> {
        let usual = [MoneyPart::Amount, MoneyPart::Currency, MoneyPart::Unit];
        match self.parts.of(side) {
            Some(parts) => parts.clone(),
            None => usual.into_iter().take(fields).collect(),
        }
    }
}

impl Default for MoneyDecl {
    fn default() -> Self {
        Self::new()
    }
}

/// Two values that must agree, and that each side works out by itself: they are compared and never written.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CompareDecl {
    /// How far they may be apart, at most; not negative.
    pub tolerance: Decimal,
}
