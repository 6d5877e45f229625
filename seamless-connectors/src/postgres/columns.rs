//! What a column's type, checks and default say of a field. Knows no table; `schema` puts tables together.

use seamless_core::model::{FieldKind, OptionItem, OptionSet, Value};

use super::catalogue::RawType;
use super::checks::{Check, without_casts};
use super::values::{Kind, of_text};
use crate::sql::token::{Brackets, Literal, literal, tokens};

/// Characters of a UUID as text, and of the ids that callers choose, which are written like one.
pub(super) const CHOSEN_ID_CHARACTERS: u32 = 36;

/// How a type travels, and the kind of field that it is. What is not known is text that is only read.
pub(super) fn kinds(base: &RawType, modifier: i32) -> (Kind, FieldKind) {
    // The lengths of text types count four bytes of a header.
    let length = u32::try_from(modifier - 4).ok();
    let text = |length_max| FieldKind::Text { length_max };
    if base.kind == "e" {
        return (Kind::Text, text(None));
    }
    if base.schema != "pg_catalog" {
        return match base.name.as_str() {
            "citext" => (Kind::Text, text(None)),
            _ => (Kind::Shown, text(None)),
        };
    }
    match base.name.as_str() {
        "bool" => (Kind::Bool, FieldKind::Bool),
        "int2" => (Kind::Int(2), FieldKind::Int),
        "int4" => (Kind::Int(4), FieldKind::Int),
        "int8" => (Kind::Int(8), FieldKind::Int),
        "numeric" => (Kind::Decimal, decimal(modifier)),
        "float4" => (Kind::Float4, FieldKind::Float),
        "float8" => (Kind::Float8, FieldKind::Float),
        "text" => (Kind::Text, text(None)),
        "varchar" => (Kind::Text, text(length)),
        "bpchar" => (Kind::Blank, text(length)),
        "json" => (Kind::Json, text(None)),
        "jsonb" => (Kind::Jsonb, text(None)),
        "uuid" => (Kind::Uuid, text(Some(CHOSEN_ID_CHARACTERS))),
        "date" => (Kind::Date, FieldKind::Date),
        "time" => (Kind::Time, FieldKind::Time),
        "timestamp" => (Kind::Local, FieldKind::LocalDateTime),
        "timestamptz" => (Kind::Instant, FieldKind::Instant),
        "bytea" => (Kind::Bytes, FieldKind::Bytes { length_max: None }),
        _ => (Kind::Shown, text(None)),
    }
}

/// The modifier of NUMERIC: precision above, scale (eleven bits with a sign) below.
fn decimal(modifier: i32) -> FieldKind {
    let Ok(packed) = u32::try_from(modifier - 4) else {
        return FieldKind::Decimal { precision: None, scale: None };
    };
    let (precision, scale) = (packed >> 16, packed & 0x7ff);
    // A negative scale rounds whole numbers; a scale beyond the precision leaves no room before the point. Neither can be
    // said in a schema: the server refuses what does not fit, and what it rounds shows in what it returns.
    match scale {
        0x400.. => FieldKind::Decimal { precision: Some(precision), scale: Some(0) },
        _ if scale > precision => FieldKind::Decimal { precision: None, scale: Some(scale) },
        _ => FieldKind::Decimal { precision: Some(precision), scale: Some(scale) },
    }
}

pub(super) fn enum_options(labels: &[String]) -> OptionSet {
    let options = labels
        .iter()
        .map(|label| OptionItem { value: Value::text(label), label: None, active: true })
        .collect();
    OptionSet { options, closed: true }
}

/// Adds what a check says of a field.
pub(super) fn apply(field: &mut FieldKind, kind: Kind, check: &Check, name: &str) {
    match check {
        Check::OneOf { column, values } if column == name && !matches!(field, FieldKind::Option { .. }) => {
            if matches!(kind, Kind::Int(_) | Kind::Text)
                && let Some(options) = options(kind, values)
            {
                *field = FieldKind::Option { options };
            }
        }
        Check::LengthMax { column, max } if column == name => {
            if let FieldKind::Text { length_max } = field {
                *length_max = Some(length_max.map_or(*max, |known| known.min(*max)));
            }
        }
        Check::OneOf { .. } | Check::LengthMax { .. } => {}
    }
}

fn options(kind: Kind, values: &[Literal]) -> Option<OptionSet> {
    let mut options = Vec::with_capacity(values.len());
    for value in values {
        let value = match value {
            Literal::Null => continue,
            Literal::Text(text) | Literal::Number(text) => of_text(kind, text)?,
            Literal::Bool(_) => return None,
        };
        options.push(OptionItem { value, label: None, active: true });
    }
    (!options.is_empty()).then_some(OptionSet { options, closed: true })
}

/// The value of a default's SQL text; `None` for an expression.
pub(super) fn default_value(kind: Kind, sql: &str) -> Option<Value> {
    match literal(&without_casts(tokens(sql, Brackets::Array)))? {
        Literal::Null => None,
        Literal::Bool(value) => of_text(kind, if value { "true" } else { "false" }),
        Literal::Text(text) | Literal::Number(text) => of_text(kind, &text),
    }
}

#[cfg(test)]
mod tests {
    use seamless_core::model::{FieldKind, Value};

    use super::{Kind, decimal, default_value};

    #[test]
    fn the_modifier_of_a_number_is_precision_and_scale() {
        let of = |precision: i32, scale: i32| decimal((precision << 16 | (scale & 0x7ff)) + 4);
        let kind = |precision, scale| FieldKind::Decimal { precision, scale };
        assert_eq!(of(18, 2), kind(Some(18), Some(2)));
        assert_eq!(of(5, 0), kind(Some(5), Some(0)));
        assert_eq!(of(5, -2), kind(Some(5), Some(0)));
        assert_eq!(of(2, 4), kind(None, Some(4)));
        assert_eq!(decimal(-1), kind(None, None));
    }

    #[test]
    fn defaults_are_literals_or_unknown() {
        assert_eq!(default_value(Kind::Text, "'it''s'::character varying"), Some(Value::text("it's")));
        assert_eq!(default_value(Kind::Decimal, "1.50"), Some(Value::Decimal("1.50".parse().unwrap())));
        assert_eq!(default_value(Kind::Int(4), "'-5'::integer"), Some(Value::Int(-5)));
        assert_eq!(default_value(Kind::Bool, "true"), Some(Value::Bool(true)));
        assert_eq!(default_value(Kind::Instant, "now()"), None);
        assert_eq!(default_value(Kind::Int(8), "nextval('s'::regclass)"), None);
        assert_eq!(default_value(Kind::Text, "NULL::text"), None);
    }
}
