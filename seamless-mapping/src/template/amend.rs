//! A change written into the text of an overlay that a person keeps: everything else of it stays as it stands. The door is
//! [`amended`].

use std::sync::Arc;

use seamless_core::document::{Diagnostics, Document};

use super::edit::{self, Step};
use super::overlay::Overlay;
use super::part::Part;

/// What is written where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Amendment {
    /// A value under the last key of the path, in the place of what is there.
    Put(String),
    /// An item at the end of the list under the last key of the path.
    Push(String),
}

/// The text of an overlay with a value more, written in YAML: such as `park` at `links`, `customers`, `rules`, `name=Name`,
/// `set`, `too_long`. What must stand around it is made; comments and spelling of everything else stay. `comment` stands
/// above it, a line for each of its lines, where there is room for comments.
///
/// Errors: a text that is no overlay, before or after; a value that cannot be read. Total: never panics.
pub fn amended(
    name: &str,
    text: &str,
    path: &[&str],
    amendment: &Amendment,
    comment: &str,
) -> Result<String, Diagnostics> {
    Overlay::read(name, text)?;
    let mut place: Vec<Step> = path.iter().map(|key| Step::Key((*key).to_owned())).collect();
    let value = |text: &str| {
        let document = Arc::new(Document::parse("value", text)?);
        Ok::<Part, Diagnostics>(Part::of(&document, document.root()))
    };
    let text = match amendment {
        Amendment::Put(text_of_value) => edit::put(text, &place, &value(text_of_value)?)?,
        Amendment::Push(text_of_item) => {
            let text = edit::push(text, &place, &value(text_of_item)?)?;
            place.push(Step::Item(edit::items(&text, &place)?.saturating_sub(1)));
            text
        }
    };
    let lines: Vec<String> =
        comment.lines().map(|line| format!("# {}", line.replace(char::is_control, " "))).collect();
    let text = edit::comment(&text, &place, &lines)?;
    Overlay::read(name, &text)?;
    Ok(text)
}
