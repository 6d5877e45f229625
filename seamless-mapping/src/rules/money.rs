//! An amount with its currency, its unit and whether the tax is in it: carried together, or not at all.
//!
//! Domain: exact amounts whose currency is known, with no more digits than that currency has, or with a way of rounding
//! named. A blank currency is the side's local one, and the local one is written as blank. Nothing is converted from one
//! currency, unit or basis to another: what the other side cannot say parks. Binary numbers are refused, since they do
//! not keep an amount.

use seamless_core::mapper::{Ask, MapProblem};
use seamless_core::model::{
    Decimal, EntityName, KeyPart, Planned, RecordId, Reference, Side, Sides, Value, ValueRef,
};

use super::convert::convert;
use super::copy::fitted;
use super::currency;
use super::lookup::Lookup;
use super::options::Options;
use super::{Carrier, Cell, Made, Making, Trouble};
use crate::declaration::{Basis, CopyDecl, MoneyDecl, MoneyPart, TypeDecl};

#[derive(Debug)]
pub(crate) struct Money {
    pub(crate) declared: MoneyDecl,
    /// What each field of a side says.
    pub(crate) parts: Sides<Vec<MoneyPart>>,
    /// What the amount of a side is kept as, where that is known.
    pub(crate) types: Sides<Option<TypeDecl>>,
    pub(crate) currencies: Currencies,
    /// A table of units; without one both sides use the same.
    pub(crate) units: Option<Options>,
}

/// How currencies are translated.
#[derive(Debug)]
pub(crate) enum Currencies {
    Same,
    Table(Options),
    /// The side that refers to records of a link; the other one has codes.
    Link(Side, Lookup),
}

/// What becomes of a currency on the other side.
struct Carried {
    /// Whether the source says a currency at all.
    said: bool,
    /// What the target's field gets.
    cell: Cell,
    /// The codes that say how many digits there are, the target's first.
    codes: Vec<String>,
}

impl Money {
    fn place(&self, side: Side, part: MoneyPart) -> Option<usize> {
        self.parts.of(side).iter().position(|known| *known == part)
    }

    fn value<'v>(&self, side: Side, part: MoneyPart, values: &[ValueRef<'v>]) -> Option<ValueRef<'v>> {
        values.get(self.place(side, part)?).copied()
    }

    /// Whether a side refers to records for its currencies.
    fn refers(&self, side: Side) -> bool {
        matches!(self.currencies, Currencies::Link(references, _) if references == side)
    }

    /// The amount, exact; `None` where there is none.
    fn amount(&self, from: Side, values: &[ValueRef<'_>]) -> Result<Option<Decimal>, Trouble> {
        let place = self.place(from, MoneyPart::Amount).unwrap_or(0);
        let value = values.get(place).copied().unwrap_or(ValueRef::Null);
        if matches!(value, ValueRef::Float(_)) {
            let message = "a binary number does not keep an amount";
            let remedy = "keep amounts in a decimal or text field";
            return Err(Trouble::unmappable(value, message, remedy).in_field(place));
        }
        match convert(value, TypeDecl::DECIMAL, None, None).map_err(|trouble| trouble.in_field(place))? {
            Value::Decimal(amount) => Ok(Some(amount)),
            _ => Ok(None),
        }
    }

    /// Whether there is an amount. Without one, blank means nothing: neither an amount nor a currency is made of it.
    fn has_amount(&self, from: Side, values: &[ValueRef<'_>]) -> bool {
        self.value(from, MoneyPart::Amount, values).is_some_and(|amount| !amount.is_blank())
    }

    /// The currency of a side's value, the local one put in for blank; null where nothing says it.
    fn currency(&self, from: Side, values: &[ValueRef<'_>]) -> Value {
        match self.value(from, MoneyPart::Currency, values) {
            Some(value) if !value.is_blank() => value.to_value(),
            _ if self.has_amount(from, values) => self.declared.local.of(from).clone().unwrap_or(Value::Null),
            _ => Value::Null,
        }
    }

    /// Whether a currency of a side is its local one.
    fn is_local(&self, side: Side, currency: ValueRef<'_>) -> bool {
        let Some(local) = self.declared.local.of(side) else { return false };
        match currency {
            ValueRef::Reference(reference) => reference.id == key(local),
            other => written(other) == written(local.as_ref()),
        }
    }

    fn carried(&self, to: Side, values: &[ValueRef<'_>], cx: &Making<'_>) -> Result<Carried, Trouble> {
        let from = to.other();
        let place = self.place(from, MoneyPart::Currency).unwrap_or(0);
        let currency = self.currency(from, values);
        let source = currency.as_ref();
        if source.is_blank() && self.place(from, MoneyPart::Currency).is_none() {
            return Ok(Carried { said: false, cell: Cell::Keep, codes: Vec::new() });
        }
        if source.is_blank() {
            return Ok(Carried { said: false, cell: Cell::known(Value::Null), codes: Vec::new() });
        }
        let mut codes = if self.refers(from) { Vec::new() } else { vec![written(source)] };
        let cell = match &self.currencies {
            Currencies::Same => Cell::Set(Planned::Known(currency.clone())),
            Currencies::Table(table) => one(table.make(to, &[source], cx)?),
            Currencies::Link(_, lookup) => match self.declared.local.of(to) {
                // The currency of the house often is no record of its own.
                Some(local) if self.is_local(from, source) => Cell::known(self.named(to, lookup, local)),
                _ => one(lookup.make(to, &[source], cx)?),
            },
        };
        let cell = match cell {
            Cell::Set(Planned::Known(value)) => value,
            Cell::Set(planned) if self.refers(to) => {
                return Ok(Carried { said: true, cell: Cell::Set(planned), codes });
            }
            Cell::Set(_) | Cell::Keep => {
                let mut asks = Vec::new();
                self.ask(to, values, &mut asks);
                let message = "the currency that it refers to has no partner yet";
                let trouble =
                    Trouble::unmappable(source, message, "it is carried when that record is linked");
                let problem = asks.into_iter().next().map_or(MapProblem::Unmappable, MapProblem::Waiting);
                return Err(Trouble { problem, ..trouble }.in_field(place));
            }
        };
        if !self.refers(to) {
            codes.insert(0, written(cell.as_ref()));
        }
        let is_local = self.is_local(to, cell.as_ref());
        let has_amount = self.has_amount(from, values);
        if self.place(to, MoneyPart::Currency).is_none() && !is_local && has_amount {
            let local =
                self.declared.local.of(to).as_ref().map_or_else(String::new, |local| written(local.as_ref()));
            let message =
                format!("the amount is in {}, the other side holds amounts in {local} only", written(source));
            return Err(Trouble::unmappable(source, message, "give the other side a field for the currency")
                .in_field(place));
        }
        let cell = if is_local && has_amount && !self.refers(to) { Value::Null } else { cell };
        Ok(Carried { said: true, cell: Cell::known(cell), codes })
    }

    /// The local currency of a side as its field has it.
    fn named(&self, side: Side, lookup: &Lookup, local: &Value) -> Value {
        let entity = lookup.targets.first().and_then(|target| target.entity.of(side).clone());
        match entity.filter(|_| self.refers(side)) {
            Some(entity) => Value::Reference(Reference { entity, id: key(local) }.into()),
            None => local.clone(),
        }
    }

    /// The digits after the point that one of these codes says.
    fn digits(&self, codes: &[String]) -> Option<u32> {
        let said = |code: &String| {
            self.declared.scales.iter().find(|(known, _)| known == code).map(|(_, digits)| *digits)
        };
        let known = || codes.iter().find_map(|code| currency::digits(code));
        codes.iter().find_map(said).or(self.declared.otherwise).or_else(known)
    }

    /// The amount with no more digits than its currency has.
    fn in_currency(&self, amount: Decimal, codes: &[String]) -> Result<Decimal, Trouble> {
        let shown = Value::Decimal(amount.clone());
        let Some(digits) = self.digits(codes) else {
            let message = match codes.first() {
                Some(code) => format!("nobody knows how many digits amounts in {code} have"),
                None => "nobody knows how many digits amounts in this currency have".to_owned(),
            };
            let remedy = "say it in `scales`, or in `otherwise` for all others";
            return Err(Trouble::unmappable(shown.as_ref(), message, remedy));
        };
        if amount.normalised().scale() <= digits {
            return Ok(amount);
        }
        let rounded = self.declared.round.and_then(|round| amount.rescaled(digits, round.rounding()));
        rounded.ok_or_else(|| {
            let message = format!("the currency has {digits} digits after the point, the amount has more");
            Trouble::does_not_fit(shown.as_ref(), message, "correct it, or name a way to `round`")
        })
    }

    /// Whether the tax is in it; `None` where neither side says anything of it.
    fn is_gross(&self, from: Side, values: &[ValueRef<'_>]) -> Result<Option<bool>, Trouble> {
        for (part, gross) in [(MoneyPart::Gross, true), (MoneyPart::Net, false)] {
            let Some(place) = self.place(from, part) else { continue };
            let value = values.get(place).copied().unwrap_or(ValueRef::Null);
            return match value {
                ValueRef::Bool(truth) => Ok(Some(truth == gross)),
                ValueRef::Int(number @ (0 | 1)) => Ok(Some((number == 1) == gross)),
                value => {
                    let message = "nobody says whether the amount holds the tax";
                    Err(Trouble::unmappable(value, message, "fill the field").in_field(place))
                }
            };
        }
        Ok(self.declared.basis.of(from).map(|basis| basis == Basis::Gross))
    }

    /// What the target's field for the tax gets.
    fn taxed(part: MoneyPart, gross: Option<bool>) -> Value {
        match gross {
            Some(gross) => Value::Bool(gross == (part == MoneyPart::Gross)),
            None => Value::Null,
        }
    }

    fn unit(&self, to: Side, values: &[ValueRef<'_>], cx: &Making<'_>) -> Result<Cell, Trouble> {
        let unit = self.value(to.other(), MoneyPart::Unit, values).unwrap_or(ValueRef::Null);
        match &self.units {
            Some(table) if !unit.is_blank() => {
                let place = self.place(to.other(), MoneyPart::Unit).unwrap_or(0);
                table.make(to, &[unit], cx).map(one).map_err(|trouble| trouble.in_field(place))
            }
            _ if unit.is_blank() => Ok(Cell::known(Value::Null)),
            _ => Ok(Cell::known(unit.to_value())),
        }
    }
}

fn one(made: Made) -> Cell {
    match made {
        Made::One(cell) => cell,
        Made::Many(cells) => cells.into_iter().next().unwrap_or(Cell::Keep),
    }
}

fn key(value: &Value) -> RecordId {
    match value {
        Value::Int(key) => RecordId::int(*key),
        other => RecordId::text(&written(other.as_ref())),
    }
}

/// A code as it is written, so that the number 978 and the text 978 are one.
fn written(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Text(text) => text.to_owned(),
        ValueRef::Reference(reference) => match reference.id.parts().as_slice() {
            [KeyPart::Text(key)] => key.to_string(),
            [KeyPart::Int(key)] => key.to_string(),
            _ => value.to_string(),
        },
        other => other.to_string(),
    }
}

impl Carrier for Money {
    fn carries(&self, to: Side) -> bool {
        let table = |table: &Options| table.carries(to);
        let currencies = match &self.currencies {
            Currencies::Same => true,
            Currencies::Table(options) => table(options),
            Currencies::Link(_, lookup) => lookup.carries(to),
        };
        currencies && self.units.as_ref().is_none_or(table)
    }

    fn lossless(&self) -> bool {
        let lossless = match &self.currencies {
            Currencies::Same => true,
            Currencies::Table(table) => table.lossless(),
            Currencies::Link(..) => true,
        };
        let decimal = |side: Side| matches!(self.types.of(side), None | Some(TypeDecl::Decimal { .. }));
        lossless
            && self.units.as_ref().is_none_or(Options::lossless)
            && self.declared.round.is_none()
            && Side::BOTH.into_iter().all(|side| {
                let spelled_twice =
                    self.declared.local.of(side).is_some() && self.place(side, MoneyPart::Currency).is_some();
                decimal(side) && !spelled_twice
            })
    }

    fn wipes_out(&self, to: Side) -> bool {
        let one_way = match &self.currencies {
            Currencies::Same | Currencies::Link(..) => true,
            Currencies::Table(table) => table.wipes_out(to),
        };
        // The local currency may stand there as blank or by its name; a text spells an amount in many ways; a finer amount
        // that rounds to the same stays.
        let spelled_twice =
            self.declared.local.of(to).is_some() && self.place(to, MoneyPart::Currency).is_some();
        one_way
            && !spelled_twice
            && self.place(to.other(), MoneyPart::Currency).is_some()
            && !matches!(self.types.of(to), Some(TypeDecl::Text { .. }))
            && self.declared.round.is_none()
            && self.units.as_ref().is_none_or(|table| table.wipes_out(to))
    }

    fn asks(&self) -> bool {
        matches!(self.currencies, Currencies::Link(..))
    }

    fn pointed_at(&self, side: Side) -> Vec<EntityName> {
        match &self.currencies {
            Currencies::Link(references, lookup) if *references == side => lookup.pointed_at(side),
            _ => Vec::new(),
        }
    }

    fn ask(&self, to: Side, values: &[ValueRef<'_>], out: &mut Vec<Ask>) {
        if let Currencies::Link(_, lookup) = &self.currencies {
            let currency = self.currency(to.other(), values);
            let known = self.is_local(to.other(), currency.as_ref()) && self.declared.local.of(to).is_some();
            if !known {
                lookup.ask(to, &[currency.as_ref()], out);
            }
        }
    }

    fn make(&self, to: Side, values: &[ValueRef<'_>], cx: &Making<'_>) -> Result<Made, Trouble> {
        let from = to.other();
        let amount = self.amount(from, values)?;
        let currency = self.carried(to, values, cx)?;
        let gross = match self.is_gross(from, values) {
            Err(_) if amount.is_none() => None,
            gross => gross?,
        };
        let amount = match amount {
            None => Value::Null,
            Some(amount) => {
                if !currency.said {
                    let shown = Value::Decimal(amount);
                    let message = "the amount has no currency, and nothing says what blank means";
                    let remedy = "enter the currency, or say `local_currency`";
                    return Err(Trouble::unmappable(shown.as_ref(), message, remedy));
                }
                if let (Some(gross), Some(basis)) = (gross, *self.declared.basis.of(to))
                    && gross != (basis == Basis::Gross)
                {
                    let (this, that) = if gross { ("with", "without") } else { ("without", "with") };
                    let message =
                        format!("the amount is {this} tax, the other side holds amounts {that} tax");
                    let shown = Value::Decimal(amount);
                    return Err(Trouble::unmappable(shown.as_ref(), message, "enter it the other way"));
                }
                let exact = Value::Decimal(self.in_currency(amount, &currency.codes)?);
                let kind = (*self.types.of(to)).unwrap_or(TypeDecl::DECIMAL);
                fitted(&CopyDecl::default(), convert(exact.as_ref(), kind, None, None)?, kind)?
            }
        };
        let mut cells = Vec::with_capacity(self.parts.of(to).len());
        for part in self.parts.of(to) {
            cells.push(match part {
                MoneyPart::Amount => Cell::known(amount.clone()),
                MoneyPart::Currency => currency.cell.clone(),
                MoneyPart::Unit => self.unit(to, values, cx)?,
                MoneyPart::Gross | MoneyPart::Net => Cell::known(Self::taxed(*part, gross)),
            });
        }
        Ok(match <[Cell; 1]>::try_from(cells) {
            Ok([cell]) => Made::One(cell),
            Err(cells) => Made::Many(cells),
        })
    }
}
