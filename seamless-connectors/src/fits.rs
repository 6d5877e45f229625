//! Whether a value can be put into a field, by the field's declaration alone. Knows no system: connectors that
//! enforce a schema themselves (memory, files) ask here before they store anything. The door is [`misfit`].

use seamless_core::model::{Field, FieldKind, ValueRef};

/// Why a value cannot be put into a field; `None` when it can. Null fits everywhere but in a required field.
pub(crate) fn misfit(field: &Field, value: ValueRef<'_>) -> Option<String> {
    if value.is_null() {
        return field.required.then(|| "a value is required".to_owned());
    }
    kind_misfit(&field.kind, value)
}

fn kind_misfit(kind: &FieldKind, value: ValueRef<'_>) -> Option<String> {
    match (kind, value) {
        (FieldKind::Bool, ValueRef::Bool(_))
        | (FieldKind::Int, ValueRef::Int(_))
        | (FieldKind::Decimal { .. }, ValueRef::Int(_))
        | (FieldKind::Float, ValueRef::Float(_))
        | (FieldKind::Date, ValueRef::Date(_))
        | (FieldKind::Time, ValueRef::Time(_))
        | (FieldKind::LocalDateTime, ValueRef::LocalDateTime(_))
        | (FieldKind::Instant, ValueRef::Instant(_))
        | (FieldKind::List { .. }, ValueRef::List(_)) => None,
        (FieldKind::Decimal { precision, scale }, ValueRef::Decimal(decimal)) => {
            let (precision, scale) = (precision.unwrap_or(u32::MAX), scale.unwrap_or(u32::MAX));
            (precision != u32::MAX && !decimal.to_decimal().fits(precision, scale.min(precision)))
                .then(|| format!("the number needs more than {precision} digits, {scale} after the point"))
        }
        (FieldKind::Text { length_max }, ValueRef::Text(text)) => {
            let max = (*length_max)? as usize;
            // Bytes are at least as many as characters, so that short text is not counted.
            (text.len() > max && text.chars().count() > max)
                .then(|| format!("the text is longer than {max} characters"))
        }
        (FieldKind::Bytes { length_max }, ValueRef::Bytes(bytes)) => {
            let max = (*length_max)? as usize;
            (bytes.len() > max).then(|| format!("more than {max} bytes"))
        }
        (FieldKind::Reference { targets }, ValueRef::Reference(reference)) => (!targets.is_empty()
            && !targets.contains(&reference.entity))
        .then(|| format!("the field cannot point at a record of {}", reference.entity)),
        (FieldKind::Option { options }, ValueRef::Int(_) | ValueRef::Text(_)) => (options.closed
            && !options.contains(&value.to_value()))
        .then(|| format!("{value} is not one of the field's options")),
        (FieldKind::Set { options }, ValueRef::Set(set)) => {
            let unknown = set.members().iter().find(|member| options.closed && !options.contains(member))?;
            Some(format!("{unknown} is not one of the field's options"))
        }
        (_, other) => Some(format!("a {} cannot be stored in this field", other.kind())),
    }
}

#[cfg(test)]
mod tests {
    use super::misfit;
    use seamless_core::model::{Field, FieldKind, Value};

    #[test]
    fn values_fit_by_kind_length_and_scale() {
        let text = Field::new("t", FieldKind::Text { length_max: Some(3) });
        assert!(misfit(&text, Value::text("äöü").as_ref()).is_none());
        assert!(misfit(&text, Value::text("abcd").as_ref()).is_some());
        assert!(misfit(&text, Value::Int(1).as_ref()).is_some());
        let money = Field::new("m", FieldKind::Decimal { precision: Some(5), scale: Some(2) });
        assert!(misfit(&money, Value::Decimal("123.45".parse().unwrap()).as_ref()).is_none());
        assert!(misfit(&money, Value::Decimal("123.456".parse().unwrap()).as_ref()).is_some());
        let needed = Field { required: true, ..text };
        assert!(misfit(&needed, Value::Null.as_ref()).is_some());
    }
}
