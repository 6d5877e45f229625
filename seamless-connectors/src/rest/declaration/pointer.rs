//! Where something stands in a JSON text: `/data/items`, as RFC 6901 writes it. Pure. The doors are [`Pointer::parse`] and
//! [`Pointer::find`].

use serde_json::value::RawValue;

use crate::json::{Members, elements};

/// Steps at most; no API nests deeper, and a text that does shall not be followed.
const STEPS_MAX: usize = 16;

/// A way into a JSON text; without steps it is the whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Pointer(Vec<String>);

impl Pointer {
    /// Reads a pointer.
    ///
    /// Errors: what to write instead.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() || text == "/" {
            return Ok(Self::default());
        }
        let Some(rest) = text.strip_prefix('/') else {
            return Err(format!("a place in JSON begins with a slash: /{text}"));
        };
        let steps: Vec<String> =
            rest.split('/').map(|step| step.replace("~1", "/").replace("~0", "~")).collect();
        if steps.len() > STEPS_MAX {
            return Err(format!("{} steps; at most {STEPS_MAX} are followed", steps.len()));
        }
        Ok(Self(steps))
    }

    /// One step: the member of this name, whatever is in the name.
    pub(crate) fn member(name: &str) -> Self {
        Self(vec![name.to_owned()])
    }

    /// The steps.
    pub(crate) fn steps(&self) -> &[String] {
        &self.0
    }

    /// What stands there in an object that was read already.
    pub(crate) fn find_in<'a>(&self, object: &Members<'a>) -> Option<&'a str> {
        let (first, rest) = self.0.split_first()?;
        rest.iter().try_fold(object.get(first)?.get(), |here, step| within(here, step))
    }

    /// What stands there; `None` where nothing does.
    pub(crate) fn find<'a>(&self, json: &'a str) -> Option<&'a str> {
        let mut here = json;
        for step in &self.0 {
            here = within(here, step)?;
        }
        Some(here)
    }
}

fn within<'a>(json: &'a str, step: &str) -> Option<&'a str> {
    match json.trim_start().as_bytes().first()? {
        b'{' => Members::read(json).ok()?.get(step).map(RawValue::get),
        b'[' => {
            let place: usize = step.parse().ok()?;
            let raw: &RawValue = serde_json::from_str(json).ok()?;
            elements(raw)?.get(place).map(|element| element.get())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::Pointer;

    #[test]
    fn steps_lead_through_objects_and_arrays_and_numbers_keep_their_digits() {
        let json = r#" {"a": {"b/c": [1.10, {"~": true}]}, "": 2} "#;
        for (pointer, found) in [
            ("/a/b~1c/0", Some("1.10")),
            ("/a/b~1c/1/~0", Some("true")),
            ("/a/x", None),
            ("/a/b~1c/2", None),
            ("/a/b~1c/x", None),
            ("", Some(json)),
        ] {
            assert_eq!(Pointer::parse(pointer).unwrap().find(json), found, "{pointer}");
        }
        assert_eq!(Pointer::member("").find(json), Some("2"));
        let object = crate::json::Members::read(json).unwrap();
        assert_eq!(Pointer::parse("/a/b~1c/0").unwrap().find_in(&object), Some("1.10"));
    }

    #[test]
    fn a_pointer_without_its_slash_is_told_how_to_be_written() {
        assert!(Pointer::parse("data").unwrap_err().contains("/data"));
        assert!(Pointer::parse(&"/x".repeat(17)).unwrap_err().contains("16"));
    }
}
