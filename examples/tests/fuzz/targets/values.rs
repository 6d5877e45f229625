//! Values from text: decimals, values and records as JSON, and the bytes of ids and keys. What is read and written again is
//! the same.

use seamless_core::model::{Decimal, Record, RecordId, Slot, Value};
use seamless_core::plan::EntryKey;

use super::{Target, nothing};

/// Decimals.
pub(crate) const DECIMAL: Target =
    Target { name: "decimal", run: decimal, made: nothing, words: DECIMAL_WORDS };

/// Values and records as JSON.
pub(crate) const JSON: Target = Target { name: "value", run: json, made: nothing, words: JSON_WORDS };

/// Ids of records and keys of entries as bytes.
pub(crate) const KEY: Target = Target { name: "key", run: key, made: keys, words: &["\0", "\u{1}", "\u{2}"] };

const DECIMAL_WORDS: &[&str] = &[
    "-",
    "+",
    ".",
    "e",
    "E-",
    "e+",
    "0",
    "00000000",
    "9223372036854775807",
    "9223372036854775808",
    "99999999999999999999",
    "e16383",
    "e-16383",
    "e999999999999999999999",
    "\u{661}",
    "_",
    " ",
];

const JSON_WORDS: &[&str] = &[
    "{\"decimal\":\"",
    "{\"float\":\"",
    "{\"date\":\"",
    "{\"time\":\"",
    "{\"local\":\"",
    "{\"instant\":\"",
    "{\"bytes\":\"",
    "{\"reference\":[\"",
    "{\"set\":[",
    "{\"list\":[{",
    "{\"absent\":true}",
    "{\"unreadable\":true}",
    "\"}",
    "]}",
    "null",
    "NaN",
    "inf",
    "-0",
    "9223372036854775808",
    "23:59:60",
    "+12345-01-01",
    "-0001-12-31",
    "T",
    "Z",
    "+23:59",
    "-00:01",
    "+00:99",
    "+f",
    ".999999999",
    "\\ud83d\\ude00",
];

fn decimal(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(number) = Decimal::parse(text) else { return };
    let shown = number.to_string();
    let again = Decimal::parse(&shown).unwrap_or_else(|error| panic!("{error}: {shown}"));
    assert!(again.same_as_written(&number) && again == number, "{text} is shown as {shown}");
    assert_eq!(again.to_string(), shown);
    assert_eq!(number.normalised(), number);
    assert_eq!(number.negated().negated(), number);
    assert_eq!(number.is_negative(), shown.starts_with('-'));
    let canonical = |number: &Decimal| {
        let mut bytes = Vec::new();
        number.write_canonical(&mut bytes);
        bytes
    };
    assert_eq!(canonical(&number), canonical(&number.normalised()));
    let as_json: Decimal = serde_json::from_str(&serde_json::to_string(&number).unwrap()).unwrap();
    assert!(as_json.same_as_written(&number));
}

fn json(bytes: &[u8]) {
    if let Ok(value) = serde_json::from_slice::<Value>(bytes) {
        let text = serde_json::to_string(&value).unwrap();
        let again: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        assert_eq!(again, value, "{text}");
        assert_eq!(serde_json::to_string(&again).unwrap(), text);
        assert!(!value.to_string().is_empty());
    }
    if let Ok(slot) = serde_json::from_slice::<Slot>(bytes) {
        let text = serde_json::to_string(&slot).unwrap();
        assert_eq!(serde_json::from_str::<Slot>(&text).unwrap(), slot);
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(record) = Record::from_json(text) {
        let text = record.to_json();
        let again = Record::from_json(&text).unwrap_or_else(|error| panic!("{error:?}: {text}"));
        assert_eq!(again.to_json(), text);
    }
}

fn key(bytes: &[u8]) {
    if let Some(id) = RecordId::from_bytes(bytes) {
        assert_eq!(id.as_bytes(), bytes);
        assert_eq!(RecordId::of_parts(&id.parts()), id);
        let text = serde_json::to_string(&id).unwrap();
        assert_eq!(serde_json::from_str::<RecordId>(&text).unwrap(), id, "{text}");
        assert!(id.parts().len() <= bytes.len());
    }
    if let Some(key) = EntryKey::from_bytes(bytes) {
        assert_eq!(key.to_bytes(), bytes);
    }
}

fn keys() -> Vec<Vec<u8>> {
    use seamless_core::model::{KeyPart, Side};
    use seamless_core::plan::Rank;
    let parts = [KeyPart::Int(-7), KeyPart::Text("a\0b".into()), KeyPart::Text("".into())];
    let id = RecordId::of_parts(&parts);
    let entry = EntryKey { rank: Rank::State, link: 3, side: Side::Right, id: id.clone(), part: 9 };
    vec![id.as_bytes().to_vec(), RecordId::text("C10").as_bytes().to_vec(), entry.to_bytes()]
}
