//! The messages of the protocol: a line to a message. Knows no schema and no process. The door is [`read`].

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

/// What a line says.
#[derive(Debug)]
pub(super) enum Message<'a> {
    /// The stream's schema, and its key where the tap says one.
    Schema { stream: Cow<'a, str>, schema: &'a RawValue, key: Vec<String> },
    /// A record, as it is written.
    Record { stream: Cow<'a, str>, record: &'a RawValue },
    /// A state from which a later run can go on. `None` for one that says nothing.
    State(Option<&'a RawValue>),
    /// Versions of a table that is read in full: what is not there says nothing that we take as a proof.
    ActivateVersion,
}

/// What a line is, if no message.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Odd {
    /// No JSON object with a type: a record may have been meant, nobody can tell which.
    Unreadable(String),
    /// A message that is refused, by its name.
    Refused(String),
}

#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    stream: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    schema: Option<&'a RawValue>,
    #[serde(borrow, default)]
    record: Option<&'a RawValue>,
    #[serde(borrow, default)]
    value: Option<&'a RawValue>,
    #[serde(default)]
    key_properties: Option<Vec<String>>,
}

/// Reads a line.
pub(super) fn read(line: &[u8]) -> Result<Message<'_>, Odd> {
    let odd = |problem: &str| Odd::Unreadable(problem.to_owned());
    let text = std::str::from_utf8(line).map_err(|_| odd("the line is not valid UTF-8"))?;
    let wire: Wire<'_> = serde_json::from_str(text)
        .map_err(|problem| Odd::Unreadable(format!("the line is no Singer message: {}", place(&problem))))?;
    let stream = wire.stream.ok_or_else(|| odd("the message names no stream"));
    match &*wire.kind {
        "RECORD" => {
            let record = wire.record.ok_or_else(|| odd("the message holds no record"))?;
            Ok(Message::Record { stream: stream?, record })
        }
        "SCHEMA" => {
            let schema = wire.schema.ok_or_else(|| odd("the message holds no schema"))?;
            Ok(Message::Schema { stream: stream?, schema, key: wire.key_properties.unwrap_or_default() })
        }
        "STATE" => Ok(Message::State(wire.value.filter(|value| !is_empty(value.get())))),
        "ACTIVATE_VERSION" => Ok(Message::ActivateVersion),
        other => Err(Odd::Refused(other.chars().take(40).collect())),
    }
}

/// Where a line stops being JSON, without what stands there.
fn place(problem: &serde_json::Error) -> String {
    use serde_json::error::Category;
    match problem.classify() {
        Category::Eof => "it ends too early".to_owned(),
        Category::Syntax => format!("no JSON at column {}", problem.column()),
        Category::Data | Category::Io => "no object with a `type`".to_owned(),
    }
}

/// `{}`, with blanks anywhere: what taps write before they know anything.
fn is_empty(json: &str) -> bool {
    json.strip_prefix('{')
        .and_then(|json| json.strip_suffix('}'))
        .is_some_and(|inner| inner.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::{Message, Odd, read};

    #[test]
    fn what_is_no_message_is_named_and_never_guessed_at() {
        for line in [
            "",
            "{}",
            "INFO starting",
            "{\"type\":\"RECORD\"",
            "[1]",
            "{\"type\":\"RECORD\",\"record\":{}}",
            "{\"type\":1}",
        ] {
            assert!(matches!(read(line.as_bytes()), Err(Odd::Unreadable(_))), "{line}");
        }
        assert!(matches!(read(b"{\"type\":\"STATE\xff\"}"), Err(Odd::Unreadable(_))));
        let batch = read(b"{\"type\":\"BATCH\",\"stream\":\"x\",\"manifest\":[]}");
        assert_eq!(batch.unwrap_err(), Odd::Refused("BATCH".to_owned()));
        // What stands in a line is a user's data, and not for logs.
        let Err(Odd::Unreadable(told)) = read(b"{\"type\":\"RECORD\",\"record\":{\"iban\": DE4455}}") else {
            panic!()
        };
        assert!(!told.contains("DE4"), "{told}");
    }

    #[test]
    fn an_empty_state_says_nothing() {
        for (line, says) in
            [("{}", false), ("{ }", false), ("null", false), ("{\"a\":1}", true), ("[]", true)]
        {
            let line = format!("{{\"type\":\"STATE\",\"value\":{line}}}");
            let Ok(Message::State(state)) = read(line.as_bytes()) else { panic!("{line}") };
            assert_eq!(state.is_some(), says, "{line}");
        }
    }
}
