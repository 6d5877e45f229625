//! What the bytes of a cursor mean: the state that the tap wrote last, or the start. Knows no tap. The doors are
//! [`State::cursor`] and [`State::read`].
//!
//! Form: `singer 1 <stamp> <length of the entity's name> <entity>`, a line feed, then the state as JSON, or `-`. The stamp is of the
//! tap's identity and of how the stream is replicated: a state of another tap or method is refused.

use seamless_core::connector::Cursor;
use seamless_core::model::{EntityName, Error, ErrorKind, Result};
use serde_json::value::RawValue;

/// Bytes of a state at most: it is kept with every cursor.
pub(super) const STATE_BYTES_MAX: usize = 4 << 20;

/// Where a stream goes on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum State {
    /// From the beginning.
    #[default]
    Start,
    /// From a state that the tap wrote.
    At(String),
}

impl State {
    /// The state as a cursor.
    pub(super) fn cursor(&self, stamp: &str, entity: &EntityName) -> Cursor {
        let state = self.json().unwrap_or("-");
        Cursor::new(format!("{}{state}", head(stamp, entity)).into_bytes())
    }

    /// Reads a cursor back.
    ///
    /// Errors: [`ErrorKind::CursorExpired`] when it is not this stream's.
    pub(super) fn read(cursor: &Cursor, stamp: &str, entity: &EntityName) -> Result<Self> {
        let text = std::str::from_utf8(cursor.as_bytes()).ok();
        let state = text.and_then(|text| text.strip_prefix(head(stamp, entity).as_str()));
        match state {
            Some("-") => return Ok(State::Start),
            Some(json) if serde_json::from_str::<&RawValue>(json).is_ok_and(|raw| raw.get() == json) => {
                return Ok(State::At(json.to_owned()));
            }
            _ => {}
        }
        Err(Error::new(ErrorKind::CursorExpired, "the cursor was not made by this stream of this tap")
            .at("entity", entity)
            .with_remedy("read everything once; the cursor that comes with it is good"))
    }

    /// The state for the tap's `--state`.
    pub(super) fn json(&self) -> Option<&str> {
        match self {
            State::Start => None,
            State::At(json) => Some(json),
        }
    }
}

fn head(stamp: &str, entity: &EntityName) -> String {
    format!("singer 1 {stamp} {} {entity}\n", entity.as_str().len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
    use seamless_core::connector::Cursor;
    use seamless_core::model::EntityName;

    use super::State;

    proptest! {
        #[test]
        fn a_state_reads_back_and_another_stream_refuses_it(text in any::<String>(), name in ".{0,9}", more in ".{1,3}") {
            let (entity, other) = (EntityName::from(name.as_str()), EntityName::from(format!("{name}{more}")));
            for state in [State::Start, State::At(serde_json::json!({ "a": text }).to_string())] {
                let cursor = state.cursor("s", &entity);
                prop_assert_eq!(State::read(&cursor, "s", &entity).unwrap(), state);
                prop_assert!(State::read(&cursor, "s", &other).is_err());
                prop_assert!(State::read(&cursor, "t", &entity).is_err());
                let longer = Cursor::new([cursor.as_bytes(), b"x"].concat());
                prop_assert!(State::read(&longer, "s", &entity).is_err());
            }
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in any::<Vec<u8>>()) {
            let _ = State::read(&Cursor::new(bytes), "s", &EntityName::from("e"));
        }
    }
}
