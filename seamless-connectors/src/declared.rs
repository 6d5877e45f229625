//! Kinds of fields in a few words, as people declare them: `text(20)`, `decimal(18,2)`. The door is [`kind`].

use seamless_core::model::FieldKind;

/// The kind that words declare; `None` where they declare none.
pub(crate) fn kind(declared: &str) -> Option<FieldKind> {
    let (name, arguments) = match declared.split_once('(') {
        Some((name, rest)) => (name.trim(), Some(rest.strip_suffix(')')?)),
        None => (declared, None),
    };
    let numbers: Option<Vec<u32>> = arguments
        .map(|list| list.split(',').map(|number| number.trim().parse().ok()).collect())
        .unwrap_or(Some(Vec::new()));
    Some(match (name, numbers?.as_slice()) {
        ("text", []) => FieldKind::Text { length_max: None },
        ("text", [max]) => FieldKind::Text { length_max: Some(*max) },
        ("int", []) => FieldKind::Int,
        ("decimal", []) => FieldKind::Decimal { precision: None, scale: None },
        ("decimal", [precision, scale]) => {
            FieldKind::Decimal { precision: Some(*precision), scale: Some(*scale) }
        }
        ("float", []) => FieldKind::Float,
        ("bool", []) => FieldKind::Bool,
        ("date", []) => FieldKind::Date,
        ("time", []) => FieldKind::Time,
        ("local", []) => FieldKind::LocalDateTime,
        ("instant", []) => FieldKind::Instant,
        ("bytes", []) => FieldKind::Bytes { length_max: None },
        _ => return None,
    })
}
