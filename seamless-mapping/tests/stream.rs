//! Lines mapped one way: they become what the engine makes of the same records, or are refused with their place.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use std::sync::{Arc, LazyLock};

use proptest::prelude::*;
use seamless_core::mapper::{Draft, MapContext, Mapper, Resolved};
use seamless_core::model::{
    FieldName, Planned, Record, RecordBuilder, RuleIndex, Shape, Side, Truth, Value, ValueRef,
};
use seamless_mapping::stream::{LINE_BYTES_MAX, LineMapper, LineProblem, Mapped};
use seamless_mapping::{LinkMapper, LoadOptions, load};
use serde_json::{Map, Value as Json};

const MAPPING: &str = r#"
integration: t
sides: { crm: a, erp: b }
links:
  - id: people
    crm: person
    erp: Person
    match: none
    scope: { crm: kind != nobody }
    rules:
      - mail <-> E-Mail: { same_when: email }
      - short <-> Short: { types: { crm: text, erp: text(4) } }
      - cut -> Cut: { types: { crm: text, erp: text(4) }, too_long: truncate }
      - land <-> Land: { default: { erp: DE } }
      - number -> Number: { types: { crm: int, erp: text } }
      - amount -> Amount: { types: { crm: decimal, erp: "decimal(9, 2)" }, round: half_up }
      - born -> Born: { types: { crm: date, erp: text }, format: { erp: "%d.%m.%Y" } }
      - first + last <-> Name: { join: " ", split: at_last }
      - terms <-> Terms:
          options: [ 1 <-> 30D, 4 <-> 60D, 5 -> 30D, blank <-> blank ]
          unknown: { crm: park, erp: { use: OTHER } }
          types: { crm: int, erp: text }
      - const CRM -> Source
      - last -> Search: { expression: "upper(last)", when: { crm: kind == a } }
      - first -> Search: { id: other, expression: "first + '!'", when: { crm: kind == b } }
      - web + size -> Notes: { pack: lines }
"#;

static LINK: LazyLock<Arc<LinkMapper>> = LazyLock::new(|| {
    let loaded = load("m.yaml", MAPPING, &LoadOptions::default()).unwrap_or_else(|found| panic!("{found}"));
    loaded.mapping.link("people").unwrap()
});

fn link() -> Arc<LinkMapper> {
    Arc::clone(&LINK)
}

/// What the engine makes of the record that a line says, rule by rule: `None` where a rule refuses a value.
fn oracle(link: &LinkMapper, to: Side, line: &Map<String, Json>) -> Option<(Truth, Map<String, Json>)> {
    let from = to.other();
    let value = |name: &str, json: &Json| match json {
        Json::Null => Value::Null,
        Json::Bool(truth) => Value::Bool(*truth),
        Json::Number(number) => {
            number.as_i64().map_or_else(|| Value::Decimal(number.to_string().parse().unwrap()), Value::Int)
        }
        Json::String(text) if name == "born" => Value::Date(text.parse().unwrap()),
        Json::String(text) => Value::text(text),
        other => panic!("{other}"),
    };
    // What is declared a decimal is one however it is written; the same for what is declared a whole number.
    let meant = |name: &str, value: Value| match (name, value) {
        ("amount", Value::Int(number)) => Value::Decimal(number.to_string().parse().unwrap()),
        (_, value) => value,
    };
    let shape = Shape::new(line.keys().map(|name| FieldName::from(name.as_str()))).unwrap();
    let mut builder = RecordBuilder::new(&shape);
    for (name, json) in line {
        builder.push_value(meant(name, value(name, json)).as_ref());
    }
    let record = builder.finish();
    let scope = link.link().scope.of(from).holds(&record);
    let mut made = Map::new();
    for (at, rule) in link.rules().iter().enumerate() {
        let known = rule.fields.of(from).iter().all(|field| line.contains_key(field.as_str()));
        let applies = rule.when.of(from).holds(&record) == Truth::In;
        if !rule.direction.allows(to) || !known || !applies {
            continue;
        }
        let targets = Shape::new(rule.fields.of(to).iter().cloned()).unwrap();
        let nothing = Record::absent(&targets);
        let (resolved, entity) = (Resolved::new(), link.link().entity.of(to).clone());
        let cx = MapContext { resolved: &resolved, target_entity: &entity, creating: true };
        let mut draft = Draft::over(&nothing);
        link.carry(RuleIndex(at as u16), from, &record, &mut draft, &cx).ok()?;
        for (slot, planned) in draft.into_planned() {
            let Planned::Known(value) = planned else { panic!("{planned:?}") };
            let json = match value.as_ref() {
                ValueRef::Null => Json::Null,
                ValueRef::Bool(truth) => truth.into(),
                ValueRef::Int(number) => number.into(),
                ValueRef::Decimal(decimal) => {
                    serde_json::from_str(&decimal.to_decimal().to_string()).unwrap()
                }
                ValueRef::Text(text) => text.into(),
                other => panic!("{other}"),
            };
            made.insert(targets.names()[slot].to_string(), json);
        }
    }
    Some((scope, made))
}

fn lines() -> impl Strategy<Value = (Side, Map<String, Json>)> {
    let text = || {
        prop_oneof![
            Just(Json::Null),
            prop::sample::select(vec![
                "",
                "a",
                "b",
                "Anna",
                "Anna Maria",
                "van der Berg",
                " x ",
                "30D",
                "60D",
                "nobody"
            ])
            .prop_map(Json::from),
            "\\PC{0,9}".prop_map(Json::from),
            "[\"\\\\\n\t\u{1}é😀a]{0,5}".prop_map(Json::from),
        ]
    };
    let number =
        || prop_oneof![Just(Json::Null), (-9_i64..9).prop_map(Json::from), Just(Json::from(i64::MAX))];
    let amount = (-99_999_i64..99_999, 0_u32..4).prop_map(|(mantissa, scale)| {
        let text = format!(
            "{}{}.{:03}",
            if mantissa < 0 { "-" } else { "" },
            mantissa.abs() / 1000,
            mantissa.abs() % 1000
        );
        serde_json::from_str::<Json>(&text[..text.len() - 3 + scale.max(1) as usize]).unwrap()
    });
    let born = prop_oneof![Just(Json::Null), Just(Json::from("2024-02-29")), Just(Json::from("1999-12-31"))];
    let left = (
        prop::collection::vec(text(), 9),
        prop::collection::vec(number(), 2),
        amount,
        born,
        prop::collection::vec(any::<bool>(), 13),
    );
    let left = left.prop_map(|(texts, numbers, amount, born, there)| {
        let names = ["kind", "mail", "short", "cut", "land", "first", "last", "web", "size"];
        let members = names.into_iter().zip(texts);
        let members = members.chain(["terms", "number"].into_iter().zip(numbers));
        let members = members.chain([("amount", amount), ("born", born)]);
        let there = members.zip(there).filter(|((name, _), there)| *there || *name == "kind");
        (Side::Right, there.map(|((name, value), _)| (name.to_owned(), value)).collect())
    });
    let right = (prop::collection::vec(text(), 5), prop::collection::vec(any::<bool>(), 5)).prop_map(
        |(texts, there)| {
            let members = ["E-Mail", "Short", "Land", "Name", "Terms"].into_iter().zip(texts).zip(there);
            let there = members.filter(|(_, there)| *there);
            (Side::Left, there.map(|((name, value), _)| (name.to_owned(), value)).collect())
        },
    );
    prop_oneof![3 => left, 1 => right]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    /// A line becomes what the engine makes of the record, or nothing where a rule refuses a value; several lines after
    /// each other, whose members differ, do not disturb each other.
    #[test]
    fn what_is_lent_is_what_is_made(records in prop::collection::vec(lines(), 1..4)) {
        let link = link();
        let mut mappers = [Side::Left, Side::Right].map(|to| LineMapper::new(Arc::clone(&link), to).unwrap());
        let mut out = b"before\n".to_vec();
        for (to, line) in records {
            let mapper = &mut mappers[usize::from(to == Side::Right)];
            let begin = out.len();
            let done = mapper.map(&serde_json::to_string(&line).unwrap(), &mut out);
            match oracle(&link, to, &line) {
                Some((Truth::In, made)) => {
                    prop_assert_eq!(&done, &Ok(Mapped::Written), "{:?}", line);
                    let written = std::str::from_utf8(&out[begin..]).unwrap();
                    prop_assert_eq!(written.chars().next_back(), Some('\n'));
                    prop_assert_eq!(serde_json::from_str::<Json>(written).unwrap(), Json::Object(made), "{:?}", line);
                }
                Some(_) => prop_assert_eq!(&done, &Ok(Mapped::OutOfScope), "{:?}", line),
                None => prop_assert!(done.is_err() || done == Ok(Mapped::OutOfScope), "{:?} {:?}", line, done),
            }
            if done != Ok(Mapped::Written) {
                prop_assert_eq!(out.len(), begin, "nothing is left of a line that was refused");
            }
        }
    }

    #[test]
    fn no_line_makes_it_panic(line in "\\PC{0,60}") {
        let mut mapper = LineMapper::new(link(), Side::Right).unwrap();
        let _ = mapper.map(&line, &mut Vec::new());
    }
}

#[test]
fn a_line_that_cannot_be_mapped_says_where_and_why() {
    let mut mapper = LineMapper::new(link(), Side::Right).unwrap();
    let mut refused = |line: &str| mapper.map(line, &mut Vec::new()).unwrap_err().to_string();
    assert_eq!(refused("[1]"), "byte 0: a line is an object: `{ .. }`");
    assert_eq!(refused("{\"a\":1} x"), "byte 8: something stands behind the object");
    assert_eq!(refused("{\"mail\":\"a\",\"mail\":\"b\"}"), "byte 13: the member mail is there twice");
    assert_eq!(refused("{\"mail\":[\"a\"]}"), "byte 2: mail: arrays and objects are not carried from lines");
    assert_eq!(refused("{\"born\":\"yesterday\"}"), "byte 2: born: the text is not of the declared type");
    let line = "{\"kind\":\"a\",\"short\":\"far too long\"}";
    let Err(LineProblem::NotCarried(error)) = mapper.map(line, &mut Vec::new()) else { panic!() };
    assert_eq!(error.rule.as_str(), "short=Short");
    assert!(error.remedy.contains("too_long: truncate"), "{error}");
    let long = format!("{{\"kind\":\"{}\"}}", "x".repeat(LINE_BYTES_MAX));
    let error = mapper.map(&long, &mut Vec::new()).unwrap_err().to_string();
    assert!(error.contains("the line has more than 16777216 bytes"), "{error}");
}

#[test]
fn numbers_keep_every_digit() {
    let text = "integration: t\nsides: { l: a, r: b }\nlinks:\n  - { id: x, l: A, r: B, match: none, rules: [ 'n <-> m' ] }\n";
    let link = load("m", text, &LoadOptions::default()).unwrap().mapping.link("x").unwrap();
    let mut mapper = LineMapper::new(link, Side::Right).unwrap();
    for number in
        ["0.10", "12345678901234567890.123456789", "-0.5", "9223372036854775807", "9223372036854775808"]
    {
        let mut out = Vec::new();
        mapper.map(&format!("{{\"n\":{number}}}"), &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), format!("{{\"m\":{number}}}\n"));
    }
}

#[test]
fn what_a_stream_cannot_know_is_refused_beforehand() {
    let text = "integration: t\nsides: { l: a, r: b }\nlinks:\n  - { id: x, l: A, r: B, match: none, rules: [ n -> m, { o <-> p: { lookup: x } } ] }\n";
    let link = load("m", text, &LoadOptions::default()).unwrap().mapping.link("x").unwrap();
    let refused = LineMapper::new(link, Side::Right).unwrap_err();
    assert_eq!(refused.message(), "a rule asks for the partner of another record");
    let text = "integration: t\nsides: { l: a, r: b }\nlinks:\n  - { id: x, l: A, r: B, match: none, rules: [ n -> m ] }\n";
    let link = load("m", text, &LoadOptions::default()).unwrap().mapping.link("x").unwrap();
    assert_eq!(
        LineMapper::new(link, Side::Left).unwrap_err().message(),
        "no rule of the link leads to that side"
    );
}
