//! What a column's declared type, checks and default say of a field. Knows no connection; `catalogue` reads the file.

use seamless_core::model::{Field, FieldKind, OptionItem, OptionSet, Value};

use super::ddl::{Check, tokens};
use super::values::{Affinity, Kind, kind_of, of_literal};
use crate::sql::token::{Literal, Token, literal};

/// A declared type as a kind of field. What is not known is text.
pub(super) fn field_kind(declared: &str) -> FieldKind {
    let upper = declared.to_ascii_uppercase();
    let (name, arguments) = match upper.split_once('(') {
        Some((name, rest)) => (name.trim(), rest.split(')').next().unwrap_or_default()),
        None => (upper.trim(), ""),
    };
    let mut numbers = arguments.split(',').map(|number| number.trim().parse::<u32>().ok());
    let (first, second) = (numbers.next().flatten(), numbers.next().flatten());
    let has = |part: &str| name.contains(part);
    if has("DECIMAL") || has("NUMERIC") || has("NUMBER") || has("MONEY") || name == "DEC" || has("DECTEXT") {
        FieldKind::Decimal { precision: first, scale: second.or(first.map(|_| 0)) }
    } else if has("BOOL") {
        FieldKind::Bool
    } else if has("INSTANT") || upper.contains("TZ") || upper.contains("WITH TIME ZONE") {
        FieldKind::Instant
    } else if has("TIMESTAMP") || has("DATETIME") {
        FieldKind::LocalDateTime
    } else if name == "DATE" || name == "DATETEXT" {
        FieldKind::Date
    } else if name == "TIME" || name == "TIMETEXT" {
        FieldKind::Time
    } else if has("INT") {
        FieldKind::Int
    } else if has("REAL") || has("DOUB") || has("FLOA") {
        FieldKind::Float
    } else if has("BLOB") || has("BINARY") || has("BYTES") {
        FieldKind::Bytes { length_max: first }
    } else if has("CHAR") {
        FieldKind::Text { length_max: first }
    } else {
        FieldKind::Text { length_max: None }
    }
}

/// What SQLite does to values of a column with this declared type.
///
/// Source: "Datatypes In SQLite", 3.1 Determination Of Column Affinity.
pub(super) fn affinity(declared: &str, strict: bool) -> Affinity {
    let upper = declared.to_ascii_uppercase();
    let has = |part: &str| upper.contains(part);
    if has("INT") {
        Affinity::Integer
    } else if has("CHAR") || has("CLOB") || has("TEXT") {
        Affinity::Text
    } else if has("BLOB") || upper.is_empty() || (strict && upper == "ANY") {
        Affinity::Blob
    } else if has("REAL") || has("FLOA") || has("DOUB") {
        Affinity::Real
    } else {
        Affinity::Numeric
    }
}

/// Adds what the table's checks say of a field.
pub(super) fn apply_checks(field: &mut Field, checks: &[Check]) {
    for check in checks {
        match check {
            Check::OneOf { column, values } if column.eq_ignore_ascii_case(field.name.as_str()) => {
                if let Some(options) = options(values)
                    && matches!(field.kind, FieldKind::Int | FieldKind::Text { .. })
                {
                    field.kind = FieldKind::Option { options };
                }
            }
            Check::LengthMax { column, max } if column.eq_ignore_ascii_case(field.name.as_str()) => {
                if let FieldKind::Text { length_max } = &mut field.kind {
                    *length_max = Some(length_max.map_or(*max, |known| known.min(*max)));
                }
            }
            Check::OneOf { .. } | Check::LengthMax { .. } => {}
        }
    }
}

fn options(values: &[Literal]) -> Option<OptionSet> {
    let mut options = Vec::with_capacity(values.len());
    for value in values {
        let value = match value {
            Literal::Null => continue,
            Literal::Text(text) => Value::text(text),
            Literal::Number(number) => Value::Int(number.parse().ok()?),
            Literal::Bool(value) => Value::Int(i64::from(*value)),
        };
        options.push(OptionItem { value, label: None, active: true });
    }
    (!options.is_empty()).then_some(OptionSet { options, closed: true })
}

/// The value of a default's SQL text; `None` for an expression.
pub(super) fn default_value(kind: &FieldKind, sql: &str) -> Option<Value> {
    let tokens = tokens(sql);
    // A bare word in quotes is text where no column has its name, and no column is visible to a default.
    let found = match tokens.as_slice() {
        [Token::Quoted(text)] => Literal::Text(text.clone()),
        tokens => literal(tokens)?,
    };
    let kind = kind_of(kind);
    let value = of_literal(&kind, &found)?;
    (kind != Kind::Bytes && !value.as_ref().is_null()).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::{affinity, default_value, field_kind};
    use crate::sqlite::values::Affinity;
    use seamless_core::model::{FieldKind, Value};

    #[test]
    fn declared_types_are_kinds() {
        let text = |length_max| FieldKind::Text { length_max };
        let decimal = |precision, scale| FieldKind::Decimal { precision, scale };
        let table = [
            ("INTEGER", FieldKind::Int),
            ("bigint", FieldKind::Int),
            ("BOOLEAN", FieldKind::Bool),
            ("DOUBLE PRECISION", FieldKind::Float),
            ("VARCHAR(50)", text(Some(50))),
            ("NVARCHAR ( 20 )", text(Some(20))),
            ("TEXT", text(None)),
            ("JSON", text(None)),
            ("", text(None)),
            ("DECIMAL(18,2)", decimal(Some(18), Some(2))),
            ("NUMERIC(5)", decimal(Some(5), Some(0))),
            ("DECTEXT(38, 20)", decimal(Some(38), Some(20))),
            ("numeric", decimal(None, None)),
            ("DATE", FieldKind::Date),
            ("DATETEXT", FieldKind::Date),
            ("TIME", FieldKind::Time),
            ("TIMESTAMP", FieldKind::LocalDateTime),
            ("DATETIME(6)", FieldKind::LocalDateTime),
            ("TIMESTAMPTZ", FieldKind::Instant),
            ("TIMESTAMP(3) WITH TIME ZONE", FieldKind::Instant),
            ("INSTANT", FieldKind::Instant),
            ("VARBINARY(16)", FieldKind::Bytes { length_max: Some(16) }),
        ];
        for (declared, kind) in table {
            assert_eq!(field_kind(declared), kind, "{declared}");
        }
        assert_eq!(affinity("DECTEXT(38,2)", false), Affinity::Text);
        assert_eq!(affinity("DECIMAL(18,2)", false), Affinity::Numeric);
        assert_eq!(affinity("CHARINT", false), Affinity::Integer);
    }

    #[test]
    fn defaults_are_literals_or_unknown() {
        let money = FieldKind::Decimal { precision: None, scale: None };
        assert_eq!(default_value(&money, "1.10"), Some(Value::Decimal("1.10".parse().unwrap())));
        assert_eq!(default_value(&FieldKind::Bool, "TRUE"), Some(Value::Bool(true)));
        assert_eq!(default_value(&FieldKind::Text { length_max: None }, "'a''b'"), Some(Value::text("a'b")));
        assert_eq!(default_value(&FieldKind::Int, "(-5)"), Some(Value::Int(-5)));
        assert_eq!(default_value(&FieldKind::LocalDateTime, "CURRENT_TIMESTAMP"), None);
    }
}
