//! Answers of a service as JSON: the members of objects, and the control information that the standard puts beside them.

use serde_json::value::RawValue;

pub(super) use crate::json::{Members, elements, quoted, text, utf8};

/// Control information of an object.
pub(super) trait Control<'a> {
    /// By its name without prefix: `etag` is `@odata.etag` or, since 4.01, `@etag`.
    fn control(&self, name: &str) -> Option<&'a RawValue>;

    /// The text of it.
    fn control_text(&self, name: &str) -> Option<String> {
        self.control(name).and_then(text)
    }
}

impl<'a> Control<'a> for Members<'a> {
    fn control(&self, name: &str) -> Option<&'a RawValue> {
        let is = |known: &str| {
            known.strip_prefix('@').is_some_and(|rest| rest.strip_prefix("odata.").unwrap_or(rest) == name)
        };
        self.iter().find(|(known, _)| is(known)).map(|(_, value)| value)
    }
}
