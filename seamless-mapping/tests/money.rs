//! Amounts with their currency, and totals that are compared and never written.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use proptest::prelude::*;
use seamless_core::mapper::{Answer, Ask, Draft, MapContext, MapProblem, Mapper, Resolved};
use seamless_core::model::{
    Decimal, EntityName, FieldName, Planned, Record, RecordId, Reference, RuleIndex, Shape, Side, Slot,
    Value, record,
};
use seamless_mapping::{LinkMapper, LoadOptions, load};

/// A file with one link whose rules are given, and one of currencies.
fn file(rules: &str) -> String {
    format!(
        "integration: i
sides: {{ crm: a, erp: b }}
links:
  - {{ id: currencies, crm: transactioncurrency, erp: Currency, match: none, mode: couple_only }}
  - id: x
    crm: quote
    erp: Sales Header
    match: none
    rules:
{rules}"
    )
}

fn mapper(rules: &str) -> std::sync::Arc<LinkMapper> {
    let loaded =
        load("m.yaml", &file(rules), &LoadOptions::default()).unwrap_or_else(|found| panic!("{found}"));
    loaded.mapping.link("x").unwrap()
}

fn refused(rules: &str) -> String {
    load("m.yaml", &file(rules), &LoadOptions::default()).unwrap_err().to_string()
}

fn side(fields: &[FieldName], values: &[Value]) -> Record {
    let shape = Shape::new(fields.iter().cloned()).unwrap();
    record(&shape, fields.iter().cloned().zip(values.iter().cloned().map(Slot::Value))).unwrap()
}

fn decimal(text: &str) -> Value {
    Value::Decimal(text.parse().unwrap())
}

/// What the first rule makes of these values on the other side; its words where it does not.
fn carried(
    mapper: &LinkMapper,
    from: Side,
    values: &[Value],
    resolved: &Resolved,
) -> Result<Vec<Value>, String> {
    over(mapper, from, values, None, resolved)
}

fn over(
    mapper: &LinkMapper,
    from: Side,
    values: &[Value],
    held: Option<&[Value]>,
    resolved: &Resolved,
) -> Result<Vec<Value>, String> {
    let fields = &mapper.rules()[0].fields;
    let source = side(fields.of(from), values);
    let target = match held {
        Some(held) => side(fields.of(from.other()), held),
        None => Record::absent(&Shape::new(fields.of(from.other()).iter().cloned()).unwrap()),
    };
    let entity = EntityName::from("e");
    let cx = MapContext { resolved, target_entity: &entity, creating: held.is_none() };
    let mut draft = Draft::over(&target);
    mapper.carry(RuleIndex(0), from, &source, &mut draft, &cx).map_err(|error| error.to_string())?;
    let planned: Vec<Value> = draft
        .planned()
        .map(|(_, planned)| match planned.to_planned() {
            Planned::Known(value) => value,
            other => panic!("{other:?}"),
        })
        .collect();
    Ok(planned)
}

const LOCAL: &str =
    "      - price + currency <-> Unit Price + Currency Code: { money: { local_currency: { erp: EUR } } }\n";

#[test]
fn h03_an_amount_has_the_digits_of_its_currency_and_what_has_more_parks() {
    let mapper = mapper(LOCAL);
    let nothing = Resolved::new();
    let to_erp = |amount: &str, code: Value| carried(&mapper, Side::Left, &[decimal(amount), code], &nothing);
    assert_eq!(to_erp("10.50", Value::text("USD")), Ok(vec![decimal("10.50"), Value::text("USD")]));
    assert_eq!(to_erp("10.501", Value::text("KWD")), Ok(vec![decimal("10.501"), Value::text("KWD")]));
    assert_eq!(to_erp("10", Value::text("JPY")), Ok(vec![decimal("10"), Value::text("JPY")]));
    for (amount, code) in [("10.501", "USD"), ("10.5", "JPY"), ("10.5011", "KWD")] {
        let error = to_erp(amount, Value::text(code)).unwrap_err();
        assert!(error.contains("digits after the point, the amount has more"), "{error}");
    }
    let error = to_erp("1", Value::text("Taler")).unwrap_err();
    assert!(
        error.contains("nobody knows how many digits amounts in Taler have") && error.contains("scales"),
        "{error}"
    );
}

#[test]
fn a_blank_currency_is_the_local_one_and_is_written_as_blank() {
    let mapper = mapper(LOCAL);
    let nothing = Resolved::new();
    let to_erp = carried(&mapper, Side::Left, &[decimal("1"), Value::text("EUR")], &nothing);
    assert_eq!(to_erp, Ok(vec![decimal("1"), Value::Null]));
    for blank in [Value::Null, Value::text("")] {
        let to_crm = carried(&mapper, Side::Right, &[decimal("1"), blank], &nothing);
        assert_eq!(to_crm, Ok(vec![decimal("1"), Value::text("EUR")]));
    }
    // Said by its name it means the same, and stays.
    let held = [decimal("1.00"), Value::text("EUR")];
    let kept = over(&mapper, Side::Left, &[decimal("1"), Value::text("EUR")], Some(&held), &nothing);
    assert_eq!(kept, Ok(held.to_vec()));
    let error = carried(&mapper, Side::Left, &[decimal("1"), Value::Null], &nothing).unwrap_err();
    assert!(error.contains("no currency") && error.contains("local_currency"), "{error}");
    let blank = carried(&mapper, Side::Left, &[Value::Null, Value::Null], &nothing);
    assert_eq!(blank, Ok(vec![Value::Null, Value::Null]));
}

#[test]
fn a_currency_is_looked_up_through_a_link_and_the_one_of_the_house_needs_no_partner() {
    let mapper = mapper(
        "      - price + transactioncurrencyid <-> Unit Price + Currency Code:
          money: { currencies: { crm: currencies }, local_currency: { crm: base, erp: EUR } }\n",
    );
    let reference = |id: &str| {
        Value::Reference(Reference { entity: "transactioncurrency".into(), id: RecordId::text(id) }.into())
    };
    let mut resolved = Resolved::new();
    let ask = |side: Side, id: &str| Ask::Partner { link: "currencies".into(), side, id: RecordId::text(id) };
    resolved.insert(ask(Side::Left, "c-jpy"), Answer::Paired(RecordId::text("JPY")));
    resolved.insert(ask(Side::Right, "JPY"), Answer::Paired(RecordId::text("c-jpy")));
    let to_erp =
        |amount: &str, id: &str| carried(&mapper, Side::Left, &[decimal(amount), reference(id)], &resolved);
    let to_crm =
        |amount: &str, code: Value| carried(&mapper, Side::Right, &[decimal(amount), code], &resolved);
    assert_eq!(to_erp("7", "c-jpy"), Ok(vec![decimal("7"), Value::text("JPY")]));
    assert_eq!(to_crm("7", Value::text("JPY")), Ok(vec![decimal("7"), reference("c-jpy")]));
    // The digits are those of the code, from wherever the amount comes.
    assert!(to_erp("7.5", "c-jpy").unwrap_err().contains("0 digits"));
    assert!(to_crm("7.5", Value::text("JPY")).unwrap_err().contains("0 digits"));
    assert_eq!(to_erp("7.5", "base"), Ok(vec![decimal("7.5"), Value::Null]));
    assert_eq!(to_crm("7.5", Value::Null), Ok(vec![decimal("7.5"), reference("base")]));
    // What has no partner waits for it.
    let fields = &mapper.rules()[0].fields;
    let source = side(&fields.left, &[decimal("1"), reference("c-usd")]);
    let target = Record::absent(&Shape::new(fields.right.iter().cloned()).unwrap());
    let asked: Vec<Ask> = mapper.references(Side::Left, &source, &resolved).into_asks().collect();
    assert_eq!(asked, [ask(Side::Left, "c-usd")]);
    let entity = EntityName::from("e");
    let cx = MapContext { resolved: &resolved, target_entity: &entity, creating: true };
    let error = mapper.carry(RuleIndex(0), Side::Left, &source, &mut Draft::over(&target), &cx).unwrap_err();
    assert_eq!(error.problem, MapProblem::Waiting(ask(Side::Left, "c-usd")));
    assert_eq!(mapper.link().depends_on, ["currencies".into()]);
}

#[test]
fn an_amount_with_tax_never_becomes_one_without() {
    let mapper = mapper(
        "      - price + currency + taxed <-> Unit Price + Currency Code:
          money: { crm: [amount, currency, gross], basis: { erp: net } }\n",
    );
    let nothing = Resolved::new();
    let of =
        |taxed: Value| carried(&mapper, Side::Left, &[decimal("1"), Value::text("EUR"), taxed], &nothing);
    assert_eq!(of(Value::Bool(false)), Ok(vec![decimal("1"), Value::text("EUR")]));
    let error = of(Value::Bool(true)).unwrap_err();
    assert!(error.contains("the amount is with tax, the other side holds amounts without tax"), "{error}");
    assert!(of(Value::Null).unwrap_err().contains("nobody says whether"));
    let back = carried(&mapper, Side::Right, &[decimal("1"), Value::text("EUR")], &nothing);
    assert_eq!(back, Ok(vec![decimal("1"), Value::text("EUR"), Value::Bool(false)]));
}

#[test]
fn a_binary_number_is_no_amount() {
    let mapper = mapper(LOCAL);
    let error = carried(&mapper, Side::Left, &[Value::Float(0.1), Value::text("EUR")], &Resolved::new());
    assert!(error.unwrap_err().contains("binary number"));
    let found = refused(
        "      - price <-> Price: { money: { local_currency: { crm: EUR, erp: EUR } }, types: { crm: float } }\n",
    );
    assert!(found.contains("does not keep an amount"), "{found}");
}

#[test]
fn what_an_amount_lacks_is_said_when_the_file_is_read() {
    let table = [
        ("price <-> Price + Code: { money: {} }", "nothing says in which currency the amounts of crm are"),
        ("a + b + c + d <-> e + f: { money: {} }", "4 fields of crm, 3 of them"),
        ("a + b <-> c + d: { money: { crm: [currency, unit] } }", "no field of crm is the amount"),
        ("a + b <-> c + d: { money: { crm: [amount, amount] } }", "two fields of crm are the amount"),
        ("a + b + u <-> c + d: { money: {} }", "those of erp have none"),
        ("a + b <-> c + d: { money: { basis: { crm: net } } }", "erp does not"),
        ("a + b <-> c + d: { money: { local_currency: EUR } }", "does not say which side"),
        ("a + b <-> c + d: { money: { currencies: [ E <-> EUR, F <-> EUR ] } }", "leads to both"),
        ("a + b <-> c + d: { money: { currencies: [ blank <-> EUR ] } }", "blank currency"),
        ("a + b <-> c + d: { money: { currencies: { crm: nowhere } } }", "no link is called nowhere"),
        ("a + b <-> c + d: { money: { scales: { EUR: 99 } } }", "more than any currency has"),
        ("a + b <-> c + d: { money: { crm: [amount, colour] } }", "no part of an amount"),
        ("a <-> b: { compare: { tolerance: -1 } }", "below zero"),
        ("a <-> b: { compare: {} }", "tolerance"),
        ("a + b <-> c: { compare: { tolerance: 1 } }", "one field on each side"),
    ];
    for (rule, words) in table {
        let found = refused(&format!("      - {rule}\n"));
        assert!(found.contains(words), "{rule}: {found}");
    }
    let shared = refused("      - a <-> b: { compare: { tolerance: 1 } }\n      - a -> c\n");
    assert!(shared.contains("compares a field that another rule carries"), "{shared}");
}

#[test]
fn a_total_is_compared_and_never_written() {
    let mapper = mapper("      - total <-> Amount: { compare: { tolerance: 0.01 } }\n");
    let compared =
        |here: Value, there: Value| over(&mapper, Side::Left, &[here], Some(&[there]), &Resolved::new());
    assert_eq!(compared(decimal("100.00"), decimal("100.01")), Ok(vec![]));
    assert_eq!(compared(decimal("100"), Value::Null), Ok(vec![]));
    assert_eq!(compared(Value::Null, decimal("100")), Ok(vec![]));
    assert_eq!(
        compared(decimal("100.00"), decimal("99.98")).unwrap_err(),
        "total: 100 here and 99.98 on the other side are 0.02 apart, 0.01 is allowed (a decimal); find out which side is \
         wrong: this value is never written"
    );
    // A record that is made gets no total: its system works it out.
    assert_eq!(carried(&mapper, Side::Left, &[decimal("1")], &Resolved::new()), Ok(vec![]));
}

/// Half of the last digit up, down or to even, on whole numbers of cents: what the rule must come to, without decimals.
fn rounded(thousandths: i64, way: &str) -> i64 {
    let (whole, rest) = (thousandths / 10, thousandths % 10);
    let away = thousandths.signum();
    match (way, rest.abs()) {
        ("down", _) | (_, 0..=4) => whole,
        ("half_even", 5) => whole + if whole % 2 == 0 { 0 } else { away },
        _ => whole + away,
    }
}

proptest! {
    /// Amounts are exact: against whole numbers, in each way of rounding, and a second carry changes nothing.
    #[test]
    fn an_amount_is_rounded_as_whole_numbers_are(thousandths in -10_000_000_i64..10_000_000, way in 0..3_usize) {
        let way = ["half_up", "half_even", "down"][way];
        let rule = format!("      - a + b <-> c + d: {{ money: {{ round: {way} }} }}\n");
        let mapper = mapper(&rule);
        let exact = |value: i64, digits: usize| {
            let sign = if value < 0 { "-" } else { "" };
            let text = format!("{:0width$}", value.abs(), width = digits + 1);
            let (whole, rest) = text.split_at(text.len() - digits);
            format!("{sign}{whole}.{rest}").parse::<Decimal>().unwrap()
        };
        let source = [Value::Decimal(exact(thousandths, 3)), Value::text("EUR")];
        let made = carried(&mapper, Side::Left, &source, &Resolved::new()).unwrap();
        prop_assert_eq!(&made[0], &Value::Decimal(exact(rounded(thousandths, way), 2)));
        let back = over(&mapper, Side::Right, &made, Some(&source), &Resolved::new()).unwrap();
        prop_assert_eq!(back, source.to_vec());
    }
}
