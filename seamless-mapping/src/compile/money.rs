//! A rule over amounts: what each field says, what is missing to know the currency, and how codes are translated. And a
//! rule that only compares.

use std::sync::Arc;

use seamless_core::model::{LinkId, Side, Sides, Value};

use super::rule::{self, RuleCx};
use super::{fit, lookup};
use crate::declaration::{
    CompareDecl, CurrencyVia, IfMissing, KindDecl, MoneyDecl, MoneyPart, OptionKey, OptionRow, OptionsDecl,
    RuleDecl, TypeDecl, UnknownPolicy,
};
use crate::finding::Findings;
use crate::rules::blank::Blanks;
use crate::rules::compare::Compare;
use crate::rules::lookup::{Lookup, Target, Through};
use crate::rules::money::{Currencies, Money};
use crate::rules::options::Options;

/// Digits after the point that a currency can have, at most: more than any has, and than prices per unit take.
const DIGITS_MAX: u32 = 12;

pub(super) fn compile(
    rcx: &RuleCx<'_, '_>,
    money: &mut MoneyDecl,
    findings: &mut Findings,
) -> Option<Arc<Money>> {
    let parts = parts(rcx, money, findings)?;
    check_local(rcx, money, &parts, findings)?;
    check_both(rcx, money, &parts, findings)?;
    let digits = money.scales.iter().map(|(_, digits)| *digits).chain(money.otherwise);
    if let Some(digits) = digits.into_iter().find(|digits| *digits > DIGITS_MAX) {
        let message = format!("{digits} digits after the point are more than any currency has");
        let help = format!("at most {DIGITS_MAX} can be said");
        rcx.error(findings, "money-scale", "money", message, &help);
        return None;
    }
    let types = Sides::new(Side::Left, Side::Right).map(|side| {
        let at = parts.of(side).iter().position(|part| *part == MoneyPart::Amount);
        let field = at.and_then(|at| rcx.declared.fields.of(side).get(at));
        rcx.types.of(side).or_else(|| fit::type_in_schema(rcx.cx, side, field?))
    });
    for side in Side::BOTH {
        let kind = types.of(side);
        if !matches!(kind, None | Some(TypeDecl::Decimal { .. } | TypeDecl::Int | TypeDecl::Text { .. })) {
            let message = format!(
                "the amount of {} is kept as {}, which does not keep an amount",
                rcx.cx.side_name(side),
                kind.map_or("", TypeDecl::name)
            );
            rcx.error(
                findings,
                "money-type",
                "types",
                message,
                "keep amounts in a decimal, int or text field",
            );
            return None;
        }
    }
    let currencies = match &money.currencies {
        None => Currencies::Same,
        Some(CurrencyVia::Table(rows)) => Currencies::Table(table(rcx, rows, "currency", findings)?),
        Some(CurrencyVia::Link { references, link }) => {
            Currencies::Link(*references, looked_up(rcx, *references, link, findings)?)
        }
    };
    let units = match money.units.as_slice() {
        [] => None,
        rows => Some(table(rcx, rows, "unit", findings)?),
    };
    Some(Arc::new(Money { declared: money.clone(), parts, types, currencies, units }))
}

/// What each field says: every side has one amount, and says nothing twice.
fn parts(rcx: &RuleCx<'_, '_>, money: &MoneyDecl, findings: &mut Findings) -> Option<Sides<Vec<MoneyPart>>> {
    let parts = Sides::new(Side::Left, Side::Right)
        .map(|side| money.parts_of(side, rcx.declared.fields.of(side).len()));
    for side in Side::BOTH {
        let (parts, fields, name) =
            (parts.of(side), rcx.declared.fields.of(side).len(), rcx.cx.side_name(side));
        let twice = parts
            .iter()
            .enumerate()
            .find(|(at, part)| parts.iter().take(*at).any(|earlier| earlier == *part));
        let both = parts.contains(&MoneyPart::Gross) && parts.contains(&MoneyPart::Net);
        let message = if parts.len() != fields {
            format!("{fields} fields of {name}, {} of them are said to be something", parts.len())
        } else if !parts.contains(&MoneyPart::Amount) {
            format!("no field of {name} is the amount")
        } else if let Some((_, part)) = twice {
            format!("two fields of {name} are the {}", part.name())
        } else if both {
            format!("two fields of {name} say whether the tax is in the amount")
        } else {
            continue;
        };
        let help =
            format!("say what each field is, in their order: `money: {{ {name}: [amount, currency] }}`");
        rcx.error(findings, "money-parts", "money", message, &help);
        return None;
    }
    Some(parts)
}

/// A side without a field for the currency holds one currency, which must be said.
fn check_local(
    rcx: &RuleCx<'_, '_>,
    money: &MoneyDecl,
    parts: &Sides<Vec<MoneyPart>>,
    findings: &mut Findings,
) -> Option<()> {
    for side in Side::BOTH {
        let name = rcx.cx.side_name(side);
        if !parts.of(side).contains(&MoneyPart::Currency) && money.local.of(side).is_none() {
            let message = format!("nothing says in which currency the amounts of {name} are");
            let help = format!("name the field of the currency, or say `local_currency: {{ {name}: EUR }}`");
            rcx.error(findings, "money-currency", "money", message, &help);
            return None;
        }
        if money
            .local
            .of(side)
            .as_ref()
            .is_some_and(|local| local.is_blank() || matches!(local, Value::Bool(_)))
        {
            let message = format!("the local currency of {name} has no code");
            let help = format!("write its code: `local_currency: {{ {name}: EUR }}`");
            rcx.error(findings, "money-currency", "money", message, &help);
            return None;
        }
        if let Some(CurrencyVia::Link { references, .. }) = &money.currencies
            && *references == side
            && !parts.of(side).contains(&MoneyPart::Currency)
        {
            let message = format!("{name} is to refer to its currencies, and no field of it is the currency");
            rcx.error(findings, "money-currency", "money", message, "name the field of the currency");
            return None;
        }
    }
    Some(())
}

/// What one side says of an amount and the other cannot would be lost, and come back as something else.
fn check_both(
    rcx: &RuleCx<'_, '_>,
    money: &MoneyDecl,
    parts: &Sides<Vec<MoneyPart>>,
    findings: &mut Findings,
) -> Option<()> {
    let unit = |side: Side| parts.of(side).contains(&MoneyPart::Unit);
    let in_field =
        |side: Side| parts.of(side).contains(&MoneyPart::Gross) || parts.of(side).contains(&MoneyPart::Net);
    let taxed = |side: Side| in_field(side) || money.basis.of(side).is_some();
    for side in Side::BOTH {
        let (name, other) = (rcx.cx.side_name(side), rcx.cx.side_name(side.other()));
        if unit(side) && !unit(side.other()) {
            let message = format!("the amounts of {name} have a unit, those of {other} have none");
            rcx.error(findings, "money-unit", "money", message, "name the unit of both sides, or of neither");
            return None;
        }
        if taxed(side) && !taxed(side.other()) {
            let message = format!("{name} says whether the tax is in its amounts, {other} does not");
            let help = format!("say it of {other} too: a field, or `basis: {{ {other}: net }}`");
            rcx.error(findings, "money-tax", "money", message, &help);
            return None;
        }
        if in_field(side) && money.basis.of(side).is_some() {
            let message =
                format!("a field of {name} says whether the tax is in its amounts, and `basis` does too");
            rcx.error(findings, "money-tax", "money", message, "remove `basis` of that side");
            return None;
        }
    }
    Some(())
}

/// A table of codes, which must be as unambiguous as any table of values.
fn table(rcx: &RuleCx<'_, '_>, rows: &[OptionRow], what: &str, findings: &mut Findings) -> Option<Options> {
    let blank = |keys: &[OptionKey]| keys.contains(&OptionKey::Blank);
    if rows.iter().any(|row| blank(&row.values.left) || blank(&row.values.right)) {
        let message = format!("a line of the table says what a blank {what} is");
        let help = "say with `local_currency` what a blank currency is; a blank unit is blank on both sides";
        rcx.error(findings, "money-blank", "money", message, help);
        return None;
    }
    let declared =
        OptionsDecl { rows: rows.to_vec(), unknown: Sides::new(UnknownPolicy::Park, UnknownPolicy::Park) };
    for from in Side::BOTH {
        rule::check_unambiguous(rcx, &declared, from, "money", findings);
    }
    let exact = || vec![rcx.declared.same_when.clone()];
    Some(Options::new(&declared, Sides::new(exact(), exact())))
}

/// Currencies that one side refers to, through the pairs of a link whose other side is known by its codes.
fn looked_up(
    rcx: &RuleCx<'_, '_>,
    references: Side,
    link: &LinkId,
    findings: &mut Findings,
) -> Option<Lookup> {
    let entity = lookup::linked(rcx, link, "money", findings)?.map(Some);
    let mut types = Sides::new(Some(TypeDecl::TEXT), Some(TypeDecl::TEXT));
    *types.of_mut(references) = Some(TypeDecl::Reference);
    let targets = vec![Target { entity, through: Through::Link(link.clone()) }];
    let if_missing = Sides::new(IfMissing::Later, IfMissing::Later);
    Some(Lookup { targets, types, if_missing, blanks: Blanks::cleared(), widths: Sides::new(1, 1) })
}

/// The links that the currencies of a rule, or of the rules of its lines, are looked up in.
pub(super) fn links(declared: &RuleDecl) -> Vec<&LinkId> {
    match &declared.kind {
        KindDecl::Money(MoneyDecl { currencies: Some(CurrencyVia::Link { link, .. }), .. }) => vec![link],
        KindDecl::Lines(lines) => lines.rules.iter().flat_map(links).collect(),
        _ => Vec::new(),
    }
}

pub(super) fn compare(
    rcx: &RuleCx<'_, '_>,
    compare: &CompareDecl,
    findings: &mut Findings,
) -> Option<Arc<Compare>> {
    rule::one_each(rcx, "a comparison", findings)?;
    if compare.tolerance.is_negative() {
        let help = "write how far the two may be apart: `compare: { tolerance: 0.01 }`";
        rcx.error(findings, "compare-tolerance", "compare", "the tolerance is below zero".to_owned(), help);
        return None;
    }
    Some(Arc::new(Compare { tolerance: compare.tolerance.clone() }))
}
