//! Schemas as short tables, for tests: an entity a line, `name: field type flags, ..`.
//!
//! `account: *id int, name text(160) !, revenue decimal(18;2) r, state option[1=Active|2=Shut] c, owner ref[user|team], image bytes`.
//! Flags: `*` before the name: part of the key; `!` required, `u` unique, `r` read-only, `c` computed; of an option set
//! `~` open, and `-` before a value that cannot be chosen any more; `_` in its label is a blank. `= value` in the end is a default. A label stands in quotes.
#![allow(dead_code, reason = "not every test uses all of it")]

use seamless_core::model::{
    Entity, EntityName, Field, FieldKind, FieldName, OptionItem, OptionSet, Schema, Value,
};

pub(crate) fn schema(text: &str) -> Schema {
    let mut schema = Schema::default();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (name, fields) = line.split_once(": ").unwrap_or_else(|| panic!("{line}"));
        let (mut key, mut made): (Vec<FieldName>, Vec<Field>) = (Vec::new(), Vec::new());
        for text in fields.split(", ") {
            let (is_key, field) = field(text.trim());
            if is_key {
                key.push(field.name.clone());
            }
            made.push(field);
        }
        let entity = Entity {
            name: name.into(),
            label: None,
            fields: made,
            key,
            unique: Vec::new(),
            actions: Vec::new(),
        };
        schema.entities.insert(EntityName::from(name), entity);
    }
    schema
}

fn field(text: &str) -> (bool, Field) {
    let (text, default) = match text.split_once(" = ") {
        Some((text, default)) => (text, Some(Value::text(default))),
        None => (text, None),
    };
    let (text, label) = match text.split_once(" \"") {
        Some((text, label)) => (text, Some(label.trim_end_matches('"').to_owned())),
        None => (text, None),
    };
    let (is_key, text) = match text.strip_prefix('*') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let mut words: Vec<&str> = text.split(' ').collect();
    let mut flags = Vec::new();
    while let Some(flag) = words.last().filter(|word| ["!", "u", "r", "c", "~"].contains(*word)) {
        flags.push(*flag);
        words.pop();
    }
    let kind = words.pop().unwrap_or_else(|| panic!("{text}"));
    let mut field = Field::new(words.join(" ").as_str(), kind_of(kind, !flags.contains(&"~")));
    field.label = label;
    field.default = default;
    field.required = flags.contains(&"!");
    field.unique = flags.contains(&"u");
    field.read_only = flags.contains(&"r");
    field.computed = flags.contains(&"c");
    (is_key, field)
}

fn kind_of(text: &str, closed: bool) -> FieldKind {
    let inner = |open: char, close: char| {
        text.split_once(open).map(|(_, rest)| rest.trim_end_matches(close).to_owned())
    };
    let number = |text: &str| text.parse::<u32>().unwrap_or_else(|_| panic!("{text}"));
    match text.split(['(', '[']).next().unwrap_or("") {
        "bool" => FieldKind::Bool,
        "int" => FieldKind::Int,
        "float" => FieldKind::Float,
        "date" => FieldKind::Date,
        "instant" => FieldKind::Instant,
        "bytes" => FieldKind::Bytes { length_max: None },
        "text" => FieldKind::Text { length_max: inner('(', ')').map(|length| number(&length)) },
        "decimal" => match inner('(', ')').as_deref().and_then(|inner| inner.split_once(';')) {
            Some((precision, scale)) => {
                FieldKind::Decimal { precision: Some(number(precision)), scale: Some(number(scale)) }
            }
            None => FieldKind::Decimal { precision: None, scale: None },
        },
        "ref" => FieldKind::Reference {
            targets: inner('[', ']').unwrap_or_default().split('|').map(EntityName::from).collect(),
        },
        "list" => FieldKind::List { entity: inner('[', ']').unwrap_or_default().as_str().into() },
        "option" => {
            let item = |text: &str| {
                let (active, text) = match text.strip_prefix('-') {
                    Some(rest) => (false, rest),
                    None => (true, text),
                };
                let (value, label) = match text.split_once('=') {
                    Some((value, label)) => (value, Some(label.replace('_', " "))),
                    None => (text, None),
                };
                let value = value.parse().map_or_else(|_| Value::text(value), Value::Int);
                OptionItem { value, label, active }
            };
            let options = inner('[', ']').unwrap_or_default().split('|').map(item).collect();
            FieldKind::Option { options: OptionSet { options, closed } }
        }
        other => panic!("no kind {other}"),
    }
}
