//! `money` and `compare`: what amounts mean, and totals that are only compared.

use seamless_core::document::{Diagnostic, Diagnostics, Document, Node, Report};
use seamless_core::model::{Side, Sides, Value};

use super::keys::{COMPARE, Keys, MONEY};
use super::policy::{self, PerSide, per_side, unknown_word};
use super::rule::option_row;
use super::value::Reader;
use crate::declaration::{Basis, CompareDecl, CurrencyVia, MoneyDecl, MoneyPart, OptionRow};

/// Reads `money`. `None` where something was reported.
pub(super) fn money(reader: &Reader<'_>, keys: &mut Keys<'_>) -> Option<MoneyDecl> {
    keys.take_with("money", |document, node| {
        // Alone it says that the fields are what their order says.
        if node.is_null() || node.text() == Some("true") {
            return Ok(MoneyDecl::new());
        }
        let mut keys = Keys::of(document, node, MONEY)?;
        let mut money = MoneyDecl::new();
        for side in Side::BOTH {
            let name = *reader.sides.of(side);
            *money.parts.of_mut(side) = keys.fields.take_with(name, parts);
        }
        if let Some(local) = keys.take_with("local_currency", |document, node| local(reader, document, node))
        {
            money.local = local;
        }
        if let Some(basis) = keys.take_with("basis", |_, node| per_side(reader, node, basis)) {
            money.basis = both(basis);
        }
        money.scales =
            keys.take_with("scales", |document, node| scales(reader, document, node)).unwrap_or_default();
        money.otherwise = keys.take_as("otherwise", digits);
        money.round = keys.take_as("round", policy::round);
        money.currencies = keys.take_with("currencies", |document, node| currencies(reader, document, node));
        money.units =
            keys.take_with("units", |document, node| rows(reader, document, node)).unwrap_or_default();
        keys.finish_with(Some(money))
    })
}

fn parts(document: &Document, node: &Node) -> Result<Vec<MoneyPart>, Diagnostics> {
    let names: Vec<&str> = MoneyPart::ALL.iter().map(|(name, _)| *name).collect();
    let part = |node: &Node| {
        let known = MoneyPart::ALL.iter().find(|(name, _)| node.text() == Some(*name));
        known.map(|(_, part)| *part).ok_or_else(|| unknown_word(node, "part of an amount", &names))
    };
    let items =
        node.as_sequence().map_err(|finding| finding.help("write `[amount, currency]`").within(document))?;
    items.iter().map(part).collect::<Result<_, Diagnostic>>().map_err(|finding| finding.within(document))
}

fn both<T: Clone>(said: PerSide<T>) -> Sides<Option<T>> {
    match said {
        PerSide::Both(value) => Sides::new(Some(value.clone()), Some(value)),
        PerSide::Each(each) => each,
    }
}

/// What blank means is said per side: written for both, it would be written as blank on both.
fn local(reader: &Reader<'_>, document: &Document, node: &Node) -> Result<Sides<Option<Value>>, Diagnostics> {
    match per_side(reader, node, |node| reader.value(node))? {
        PerSide::Each(each) => Ok(each),
        PerSide::Both(_) => Err(super::rule::per_side_wanted(reader, document, node, "local_currency")),
    }
}

fn basis(node: &Node) -> Result<Basis, Diagnostic> {
    match node.text() {
        Some("net") => Ok(Basis::Net),
        Some("gross") => Ok(Basis::Gross),
        _ => Err(unknown_word(node, "basis of an amount", &["net", "gross"])),
    }
}

fn digits(node: &Node) -> Result<u32, Diagnostic> {
    let digits = node.text().and_then(|text| text.parse().ok());
    digits.ok_or_else(|| {
        node.refused("a number of digits").help("write how many digits stand after the point: 2")
    })
}

fn scales(reader: &Reader<'_>, document: &Document, node: &Node) -> Result<Vec<(String, u32)>, Diagnostics> {
    let read = || {
        let entries = node.entries()?;
        entries
            .map(|entry| Ok((reader.text(entry.key)?, digits(entry.value)?)))
            .collect::<Result<Vec<_>, Diagnostic>>()
    };
    read().map_err(|finding| finding.help("write `scales: { JPY: 0, KWD: 3 }`").within(document))
}

/// A table of lines, or the side that refers to records and the link of those: `{ crm: currencies }`.
fn currencies(reader: &Reader<'_>, document: &Document, node: &Node) -> Result<CurrencyVia, Diagnostics> {
    if node.is_sequence() {
        return rows(reader, document, node).map(CurrencyVia::Table);
    }
    let help = || {
        let side = reader.sides.left;
        format!(
            "write lines, `[ US$ <-> USD ]`, or the side that refers to records of a link: `{{ {side}: currencies }}`"
        )
    };
    match per_side(reader, node, |node| reader.text(node)) {
        Ok(PerSide::Each(Sides { left: Some(link), right: None })) => {
            Ok(CurrencyVia::Link { references: Side::Left, link: link.as_str().into() })
        }
        Ok(PerSide::Each(Sides { left: None, right: Some(link) })) => {
            Ok(CurrencyVia::Link { references: Side::Right, link: link.as_str().into() })
        }
        Ok(_) => Err(Diagnostic::error(
            "money-currencies",
            node.span,
            "one side refers to its currencies, the other has codes",
        )
        .help(help())
        .within(document)),
        Err(found) => Err(found),
    }
}

fn rows(reader: &Reader<'_>, document: &Document, node: &Node) -> Result<Vec<OptionRow>, Diagnostics> {
    let items = node
        .as_sequence()
        .map_err(|finding| finding.help("write lines: `[ PCE <-> PCS ]`").within(document))?;
    let mut report = Report::new();
    let rows = items.iter().filter_map(|item| report.accept(option_row(reader, item))).collect();
    report.into_result().map(|()| rows)
}

/// Reads `compare`. `None` where something was reported.
pub(super) fn compare(keys: &mut Keys<'_>) -> Option<CompareDecl> {
    keys.take_with("compare", |document, node| {
        let mut keys = Keys::of(document, node, COMPARE)?;
        let tolerance = keys.require_as("tolerance", |node| {
            let number = node.text().and_then(|text| text.parse().ok());
            number.ok_or_else(|| node.refused("a number").help("write how far the two may be apart: 0.01"))
        });
        keys.finish_with(tolerance.map(|tolerance| CompareDecl { tolerance }))
    })
}
