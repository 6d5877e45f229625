//! Fields in words: `text(200) required`, `option(open, closed)`, `reference(customer) read_only`. Pure; knows no document.
//! The door is [`field`].

use seamless_core::model::{Field, FieldKind, OptionItem, OptionSet, Value};

use crate::declared::kind;

/// How a system writes moments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Moments {
    /// As texts: `2024-02-29T23:59:59Z`.
    #[default]
    Text,
    /// As a number of seconds since 1970.
    Unix,
    /// As a number of milliseconds since 1970.
    UnixMillis,
}

/// The field that words declare, and how it writes moments.
///
/// Errors: the word that means nothing, and what could stand there.
pub(crate) fn field(name: &str, words: &str) -> Result<(Field, Moments), String> {
    let words = words.trim();
    let (declared, rest) = match (words.find('('), words.find(')')) {
        (Some(open), Some(close)) if !words.get(..open).unwrap_or_default().contains(' ') => {
            words.split_at_checked(close + 1).unwrap_or((words, ""))
        }
        _ => words.split_once(' ').unwrap_or((words, "")),
    };
    let mut field = Field::new(name, of_kind(declared)?);
    let mut moments = Moments::Text;
    for word in rest.split_whitespace() {
        match word {
            "required" => field.required = true,
            "read_only" => field.read_only = true,
            "computed" => (field.computed, field.read_only) = (true, true),
            "unique" => field.unique = true,
            "unix" if field.kind == FieldKind::Instant => moments = Moments::Unix,
            "unix_ms" if field.kind == FieldKind::Instant => moments = Moments::UnixMillis,
            other => {
                return Err(format!(
                    "{other:?} says nothing of a field; after the kind stand required, read_only, computed, unique, and \
                     after `instant` unix or unix_ms"
                ));
            }
        }
    }
    Ok((field, moments))
}

fn of_kind(declared: &str) -> Result<FieldKind, String> {
    if let Some(kind) = kind(declared) {
        return Ok(kind);
    }
    let listed =
        declared.split_once('(').and_then(|(name, rest)| Some((name.trim(), rest.strip_suffix(')')?)));
    let words = |list: &str| -> Vec<String> {
        list.split(',').map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect()
    };
    match listed {
        Some(("reference", targets)) if !targets.trim().is_empty() => {
            Ok(FieldKind::Reference { targets: words(targets).into_iter().map(Into::into).collect() })
        }
        Some(("option", values)) => {
            Ok(FieldKind::Option { options: options(words(values).into_iter().map(|value| (value, None))) })
        }
        Some(("set", values)) => {
            Ok(FieldKind::Set { options: options(words(values).into_iter().map(|value| (value, None))) })
        }
        _ => Err(format!(
            "{declared:?} is no kind; there are text, text(20), int, decimal, decimal(18,2), float, bool, date, time, \
             local, instant, bytes, reference(entity), option(a, b) and set(a, b)"
        )),
    }
}

/// Options by value; whole numbers where all of them are written like one.
pub(crate) fn options(items: impl Iterator<Item = (String, Option<String>)>) -> OptionSet {
    let items: Vec<(String, Option<String>)> = items.collect();
    let number = |text: &str| text.parse::<i64>().ok().filter(|number| number.to_string() == text);
    let numbers = items.iter().all(|(value, _)| number(value).is_some());
    let item = |(value, label): (String, Option<String>)| OptionItem {
        value: match number(&value) {
            Some(number) if numbers => Value::Int(number),
            _ => Value::text(&value),
        },
        label,
        active: true,
    };
    // A list that nobody wrote closes nothing.
    OptionSet { closed: !items.is_empty(), options: items.into_iter().map(item).collect() }
}

#[cfg(test)]
mod tests {
    use seamless_core::model::{FieldKind, Value};

    use super::{Moments, field};

    #[test]
    fn a_field_is_its_kind_and_what_is_so_of_it() {
        let (subject, _) = field("subject", "text(200) required").unwrap();
        assert_eq!((subject.kind, subject.required), (FieldKind::Text { length_max: Some(200) }, true));
        let (total, _) = field("total", "decimal(18, 2) read_only").unwrap();
        assert_eq!(total.kind, FieldKind::Decimal { precision: Some(18), scale: Some(2) });
        assert!(total.read_only);
        let (owner, _) = field("owner", "reference(user, team)").unwrap();
        assert_eq!(owner.kind, FieldKind::Reference { targets: vec!["user".into(), "team".into()] });
        let (made, moments) = field("made", "instant unix").unwrap();
        assert_eq!((made.kind, moments), (FieldKind::Instant, Moments::Unix));
    }

    #[test]
    fn options_are_numbers_where_all_of_them_are() {
        let values = |words: &str| match field("x", words).unwrap().0.kind {
            FieldKind::Option { options } => {
                options.options.into_iter().map(|item| item.value).collect::<Vec<_>>()
            }
            other => panic!("{other:?}"),
        };
        assert_eq!(values("option(1, 2)"), [Value::Int(1), Value::Int(2)]);
        assert_eq!(values("option(1, 02)"), [Value::text("1"), Value::text("02")]);
    }

    #[test]
    fn a_word_that_means_nothing_is_named() {
        for (words, named) in [
            ("txt", "txt"),
            ("text(20) requird", "requird"),
            ("date unix", "unix"),
            ("reference()", "reference()"),
            ("", "\"\""),
            ("option(a", "option(a"),
        ] {
            let problem = field("x", words).unwrap_err();
            assert!(problem.contains(named), "{words}: {problem}");
        }
    }
}
