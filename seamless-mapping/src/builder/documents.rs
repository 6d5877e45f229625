//! What documents need: amounts, totals, keys that a side issues, look-ups by a field, actions.

use seamless_core::mapper::StateAction;
use seamless_core::model::{Decimal, FieldName, Side, Sides, Value};

use super::LinkBuilder;
use crate::declaration::{
    Basis, CompareDecl, CurrencyVia, KindDecl, LookupDecl, LookupVia, MoneyDecl, MoneyPart, OptionRow,
    RoundDecl, RuleDecl,
};

/// An amount and what it means; what each field says stands beside it.
pub fn money<const L: usize, const R: usize>(
    left: [(&str, MoneyPart); L],
    right: [(&str, MoneyPart); R],
) -> RuleDecl {
    let names =
        |fields: &[(&str, MoneyPart)]| fields.iter().map(|(name, _)| FieldName::from(*name)).collect();
    let mut declared = MoneyDecl::new();
    declared.parts.left = Some(left.iter().map(|(_, part)| *part).collect());
    declared.parts.right = Some(right.iter().map(|(_, part)| *part).collect());
    RuleDecl::new(KindDecl::Money(declared), names(&left), names(&right))
}

/// Two values that each side works out by itself: compared, at most so far apart, and never written.
pub fn compare(left: &str, right: &str, tolerance: Decimal) -> RuleDecl {
    let declared = CompareDecl { tolerance };
    RuleDecl::new(KindDecl::Compare(declared), vec![left.into()], vec![right.into()])
}

impl LinkBuilder {
    /// An action of a side's system, which brings a field from one of these states to another one. The field is never written
    /// by an update from then on.
    #[must_use]
    pub fn action<const N: usize>(
        mut self,
        side: Side,
        name: &str,
        field: &str,
        from: [impl Into<Value>; N],
        to: impl Into<Value>,
    ) -> Self {
        let from = from.into_iter().map(Into::into).collect();
        let (name, field, to) = (name.into(), field.into(), to.into());
        let step = StateAction { name, field, from, to, opens: false };
        self.link.actions.of_mut(side).steps.push(step);
        self
    }

    /// The action that was named last may be done for the sake of an edit alone: the record is opened, written and brought
    /// back.
    #[must_use]
    pub fn opens(mut self, side: Side) -> Self {
        if let Some(step) = self.link.actions.of_mut(side).steps.last_mut() {
            step.opens = true;
        }
        self
    }

    /// The state that a record of a side is made in: the field is not sent with it.
    #[must_use]
    pub fn starts(mut self, side: Side, field: &str, state: impl Into<Value>) -> Self {
        self.link.actions.of_mut(side).starts.push((field.into(), state.into()));
        self
    }
}

impl RuleDecl {
    /// What a blank currency of a side stands for, and what is written there as blank. Of amounts.
    #[must_use]
    pub fn local_currency(self, side: Side, code: impl Into<Value>) -> Self {
        self.amount(|money| *money.local.of_mut(side) = Some(code.into()))
    }

    /// Whether the amounts of a side hold the tax, where no field says so. Of amounts.
    #[must_use]
    pub fn basis(self, side: Side, basis: Basis) -> Self {
        self.amount(|money| *money.basis.of_mut(side) = Some(basis))
    }

    /// Digits after the point of a currency, before those of ISO 4217. Of amounts.
    #[must_use]
    pub fn digits(self, code: &str, digits: u32) -> Self {
        self.amount(|money| money.scales.push((code.to_owned(), digits)))
    }

    /// Digits after the point of every other currency, instead of those of ISO 4217. Of amounts.
    #[must_use]
    pub fn digits_otherwise(self, digits: u32) -> Self {
        self.amount(|money| money.otherwise = Some(digits))
    }

    /// How digits are dropped that the currency does not have. Of amounts.
    #[must_use]
    pub fn round_amount(self, round: RoundDecl) -> Self {
        self.amount(|money| money.round = Some(round))
    }

    /// How currencies of one side become those of the other. Of amounts.
    #[must_use]
    pub fn currencies(self, via: CurrencyVia) -> Self {
        self.amount(|money| money.currencies = Some(via))
    }

    /// How units of one side become those of the other. Of amounts.
    #[must_use]
    pub fn units(self, rows: impl IntoIterator<Item = OptionRow>) -> Self {
        self.amount(|money| money.units = rows.into_iter().collect())
    }

    fn amount(mut self, change: impl FnOnce(&mut MoneyDecl)) -> Self {
        if let KindDecl::Money(money) = &mut self.kind {
            change(money);
        }
        self
    }
}

/// A key that one side issues when a record is made there; the other side is given it by the next plan.
pub fn generated(left: &str, right: &str, issuer: Side) -> RuleDecl {
    RuleDecl::new(KindDecl::Generated(issuer), vec![left.into()], vec![right.into()])
}

/// A reference, translated by a field of the records: per side that refers, the entity and the field that its records are
/// known by. A side without one holds the value itself; then the rule needs an arrow.
pub fn lookup_by(left: &str, right: &str, by: Sides<Option<(&str, &str)>>) -> RuleDecl {
    let by = by.map(|by| by.map(|(entity, field)| (entity.into(), field.into())));
    let declared = LookupDecl::through(LookupVia::ByField(by));
    RuleDecl::new(KindDecl::Lookup(declared), vec![left.into()], vec![right.into()])
}
