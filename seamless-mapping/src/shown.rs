//! Values as people read them in a sentence: a list line by line, what is long cut.

use seamless_core::model::{Record, Slot, Value};

/// Characters of a value that are shown, at most.
const CHARACTERS_MAX: usize = 120;

/// A value.
pub(crate) fn value(value: &Value) -> String {
    let text = match value {
        Value::List(lines) => {
            let line = |line: &Record| {
                let fields = line.fields().map(|(name, held)| format!("{name}: {}", held.to_slot()));
                format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
            };
            format!("[{}]", lines.iter().map(line).collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    };
    match text.char_indices().nth(CHARACTERS_MAX) {
        Some((end, _)) => {
            format!("{}.. ({} characters)", text.get(..end).unwrap_or(""), text.chars().count())
        }
        None => text,
    }
}

/// What a field holds.
pub(crate) fn slot(slot: &Slot) -> String {
    match slot {
        Slot::Value(held) => value(held),
        other => other.to_string(),
    }
}
