//! Values as people and JSON read them: one stable text per value, and an exact JSON form.
//!
//! JSON: null, true, whole numbers and text as themselves; every other kind as an object with one key that names
//! it (`{"decimal": "1.10"}`), so that nothing passes through a float and everything reads back as it was.

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, SecondsFormat, Utc};
use serde::de::Error as _;
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::identity::FieldName;
use super::record::{Record, Shape, record};
use super::value::{Instant, Presence, Reference, SetValue, Slot, Value, ValueRef};

impl fmt::Display for ValueRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ValueRef::Null => f.write_str("(nothing)"),
            ValueRef::Bool(value) => f.write_str(if *value { "yes" } else { "no" }),
            ValueRef::Int(value) => write!(f, "{value}"),
            ValueRef::Decimal(value) => write!(f, "{}", value.to_decimal()),
            ValueRef::Float(value) => write!(f, "{value}"),
            ValueRef::Text(value) => write!(f, "{value:?}"),
            ValueRef::Date(value) => write!(f, "{value}"),
            ValueRef::Time(value) => write!(f, "{value}"),
            ValueRef::LocalDateTime(value) => write!(f, "{}", value.format("%Y-%m-%d %H:%M:%S%.f")),
            ValueRef::Instant(value) => f.write_str(&instant_text(value)),
            ValueRef::Bytes(value) => write!(f, "{} bytes", value.len()),
            ValueRef::Reference(value) => write!(f, "{} {}", value.entity, value.id),
            ValueRef::Set(value) => {
                f.write_str("{")?;
                for (place, member) in value.members().iter().enumerate() {
                    write!(f, "{}{member}", if place > 0 { ", " } else { "" })?;
                }
                f.write_str("}")
            }
            ValueRef::List(value) => write!(f, "{} records", value.len()),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_ref().fmt(f)
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Slot::Absent => f.write_str("(not said)"),
            Slot::Unreadable => f.write_str("(not readable)"),
            Slot::Value(value) => value.fmt(f),
        }
    }
}

/// RFC 3339, with the offset that the system wrote it with.
fn instant_text(instant: &Instant) -> String {
    let offset =
        instant.offset_minutes.and_then(|minutes| chrono::FixedOffset::east_opt(i32::from(minutes) * 60));
    match offset {
        Some(offset) => instant.utc.with_timezone(&offset).to_rfc3339_opts(SecondsFormat::AutoSi, false),
        None => instant.utc.to_rfc3339_opts(SecondsFormat::AutoSi, true),
    }
}

fn parse_instant(text: &str) -> Option<Instant> {
    let at = DateTime::parse_from_rfc3339(text).ok()?;
    let offset_minutes =
        if text.ends_with('Z') { None } else { i16::try_from(at.offset().local_minus_utc() / 60).ok() };
    Some(Instant { utc: at.with_timezone(&Utc), offset_minutes })
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.as_ref().serialize(serializer)
    }
}

impl Serialize for ValueRef<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            ValueRef::Null => serializer.serialize_unit(),
            ValueRef::Bool(value) => serializer.serialize_bool(*value),
            ValueRef::Int(value) => serializer.serialize_i64(*value),
            ValueRef::Text(value) => serializer.serialize_str(value),
            ValueRef::Decimal(value) => tagged(serializer, "decimal", &value.to_decimal().to_string()),
            ValueRef::Float(value) => tagged(serializer, "float", &value.to_string()),
            ValueRef::Date(value) => tagged(serializer, "date", &value.to_string()),
            ValueRef::Time(value) => tagged(serializer, "time", &value.format("%H:%M:%S%.f").to_string()),
            ValueRef::LocalDateTime(value) => {
                tagged(serializer, "local", &value.format("%Y-%m-%dT%H:%M:%S%.f").to_string())
            }
            ValueRef::Instant(value) => tagged(serializer, "instant", &instant_text(value)),
            ValueRef::Bytes(value) => tagged(serializer, "bytes", &hex(value)),
            ValueRef::Reference(value) => tagged(serializer, "reference", &(&value.entity, &value.id)),
            ValueRef::Set(value) => tagged(serializer, "set", &value.members()),
            ValueRef::List(value) => {
                tagged(serializer, "list", &value.iter().map(Fields).collect::<Vec<_>>())
            }
        }
    }
}

impl Serialize for Presence<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Presence::Absent => tagged(serializer, "absent", &true),
            Presence::Unreadable => tagged(serializer, "unreadable", &true),
            Presence::Value(value) => value.serialize(serializer),
        }
    }
}

fn tagged<S: Serializer, T: Serialize + ?Sized>(
    serializer: S,
    tag: &str,
    content: &T,
) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(1))?;
    map.serialize_entry(tag, content)?;
    map.end()
}

/// Two digits a byte. A text per byte would be most of what a small plan costs.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
    digits.filter_map(|digit| char::from_digit(u32::from(digit), 16)).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    // The standard library would take a sign for a digit.
    if !text.len().is_multiple_of(2) || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    (0..text.len() / 2).map(|at| u8::from_str_radix(text.get(at * 2..at * 2 + 2)?, 16).ok()).collect()
}

/// What a record says, as a JSON object: absent fields are left out, unreadable ones are `{"unreadable": true}`.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'a>(pub &'a Record);

impl Serialize for Fields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, presence) in self.0.fields() {
            match presence {
                Presence::Absent => {}
                Presence::Unreadable => map.serialize_entry(name, &Unreadable { unreadable: true })?,
                Presence::Value(value) => map.serialize_entry(name, &value.to_value())?,
            }
        }
        map.end()
    }
}

#[derive(Serialize)]
struct Unreadable {
    unreadable: bool,
}

impl Serialize for Slot {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.as_presence().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Slot::deserialize(deserializer)? {
            Slot::Value(value) => Ok(value),
            Slot::Absent | Slot::Unreadable => Err(D::Error::custom("a value is expected here")),
        }
    }
}

impl<'de> Deserialize<'de> for Slot {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SlotVisitor)
    }
}

struct SlotVisitor;

impl<'de> serde::de::Visitor<'de> for SlotVisitor {
    type Value = Slot;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("null, true, false, a whole number, text, or an object with one key that names the kind")
    }

    fn visit_unit<E>(self) -> Result<Slot, E> {
        Ok(Slot::Value(Value::Null))
    }

    fn visit_none<E>(self) -> Result<Slot, E> {
        Ok(Slot::Value(Value::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Slot, E> {
        Ok(Slot::Value(Value::Bool(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Slot, E> {
        Ok(Slot::Value(Value::Int(value)))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Slot, E> {
        i64::try_from(value)
            .map(|value| Slot::Value(Value::Int(value)))
            .map_err(|_| E::custom("number too large"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Slot, E> {
        Ok(Slot::Value(Value::text(value)))
    }

    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Slot, A::Error> {
        let tag: String = map.next_key()?.ok_or_else(|| A::Error::custom("an empty object is no value"))?;
        let slot = tagged_slot(&tag, &mut map)?;
        match map.next_key::<String>()? {
            None => Ok(slot),
            Some(extra) => Err(A::Error::custom(format!("a value has one key, not also {extra:?}"))),
        }
    }
}

fn tagged_slot<'de, A: serde::de::MapAccess<'de>>(tag: &str, map: &mut A) -> Result<Slot, A::Error> {
    let bad = |what: &str| A::Error::custom(format!("not a valid {what}"));
    let value = match tag {
        "absent" => return map.next_value::<bool>().map(|_| Slot::Absent),
        "unreadable" => return map.next_value::<bool>().map(|_| Slot::Unreadable),
        "reference" => {
            let (entity, id) = map.next_value()?;
            Value::Reference(Arc::new(Reference { entity, id }))
        }
        "set" => Value::Set(SetValue::new(map.next_value::<Vec<Value>>()?)),
        "list" => Value::List(map.next_value::<Vec<Named>>()?.into_iter().map(|named| named.0).collect()),
        scalar => {
            let text: String = map.next_value()?;
            match scalar {
                "decimal" => Value::Decimal(text.parse().map_err(|_| bad("decimal"))?),
                "float" => Value::Float(text.parse().map_err(|_| bad("float"))?),
                "date" => Value::Date(text.parse::<NaiveDate>().map_err(|_| bad("date"))?),
                "time" => Value::Time(text.parse::<NaiveTime>().map_err(|_| bad("time"))?),
                "local" => {
                    Value::LocalDateTime(text.parse::<NaiveDateTime>().map_err(|_| bad("local time"))?)
                }
                "instant" => Value::Instant(parse_instant(&text).ok_or_else(|| bad("instant"))?),
                "bytes" => Value::Bytes(unhex(&text).ok_or_else(|| bad("hexadecimal text"))?.into()),
                other => return Err(A::Error::custom(format!("no kind of value is called {other:?}"))),
            }
        }
    };
    Ok(Slot::Value(value))
}

/// A record that brings its own shape.
struct Named(Record);

impl<'de> Deserialize<'de> for Named {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FieldsVisitor;
        impl<'de> serde::de::Visitor<'de> for FieldsVisitor {
            type Value = Vec<(FieldName, Slot)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of fields")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    fields.push(entry);
                }
                Ok(fields)
            }
        }
        let fields = deserializer.deserialize_map(FieldsVisitor)?;
        let shape = Shape::new(fields.iter().map(|(name, _)| name.clone())).map_err(D::Error::custom)?;
        record(&shape, fields).map(Named).map_err(D::Error::custom)
    }
}

impl Record {
    /// Reads a record that brings its own field names from JSON; see the module's page.
    ///
    /// Errors: the text is no JSON object of values.
    pub fn from_json(text: &str) -> super::error::Result<Record> {
        let named: Named = serde_json::from_str(text).map_err(|cause| {
            super::error::Error::data("the record is not readable as JSON").caused_by(cause)
        })?;
        Ok(named.0)
    }

    /// Writes the record as a JSON object; see the module's page.
    pub fn to_json(&self) -> String {
        serde_json::to_string(&Fields(self)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::{Record, Value};

    #[test]
    fn values_read_back_from_json_as_they_were() {
        let texts = [
            "null",
            "true",
            "-7",
            "\"a\\\"b\"",
            "{\"decimal\":\"1.10\"}",
            "{\"float\":\"0.1\"}",
            "{\"date\":\"2024-02-29\"}",
            "{\"time\":\"23:59:59.500\"}",
            "{\"local\":\"2024-03-31T02:30:00\"}",
            "{\"instant\":\"2024-03-31T02:30:00+02:00\"}",
            "{\"instant\":\"2024-03-31T00:30:00.250Z\"}",
            "{\"bytes\":\"00ff\"}",
            "{\"reference\":[\"account\",[\"a\",1]]}",
            "{\"set\":[1,2]}",
            "{\"list\":[{\"no\":1,\"item\":\"x\"}]}",
        ];
        for text in texts {
            let value: Value = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&value).unwrap(), text);
        }
    }

    #[test]
    fn records_keep_unreadable_apart_from_nothing() {
        let text = r#"{"a":null,"b":{"unreadable":true},"c":""}"#;
        let record = Record::from_json(text).unwrap();
        assert_eq!(record.to_json(), text);
        assert!(record.field("b").is_unreadable() && record.field("x").is_absent());
    }

    #[test]
    fn a_sign_is_no_hexadecimal_digit() {
        assert!(serde_json::from_str::<Value>("{\"bytes\":\"+f\"}").is_err());
        assert!(serde_json::from_str::<Value>("{\"bytes\":\"0F\"}").is_ok());
    }

    #[test]
    fn an_unknown_kind_is_named() {
        let error = serde_json::from_str::<Value>("{\"dezimal\":\"1\"}").unwrap_err().to_string();
        assert!(error.contains("no kind of value is called \"dezimal\""), "{error}");
    }
}
