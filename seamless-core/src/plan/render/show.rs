//! How values are shown: in full, masked, or hashed. The one place where a value becomes text of a report.

use std::fmt::{self, Write};

use crate::model::{Slot, Value};

/// How values are shown.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub enum Show {
    /// In full.
    #[default]
    Full,
    /// As dots: a few for a short value, more for a long one. Nothing of the value can be read.
    Masked,
    /// As eight hexadecimal digits of a keyed hash: equal values look equal, and that is all. Without the key nobody
    /// can try values out; a key that is drawn anew for each report keeps reports apart.
    Hashed {
        /// The key. Keep it, or forget it; do not print it.
        key: [u8; 32],
    },
}

impl fmt::Debug for Show {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Show::Full => "Full",
            Show::Masked => "Masked",
            Show::Hashed { .. } => "Hashed(***)",
        })
    }
}

impl Show {
    pub(in crate::plan) fn slot(self, slot: &Slot, out: &mut impl Write) -> fmt::Result {
        match slot {
            Slot::Absent => out.write_str("(not said)"),
            Slot::Unreadable => out.write_str("(not readable)"),
            Slot::Value(value) => self.value(value, out),
        }
    }

    /// A value. That nothing is there is shown in every way: it is no value that somebody wrote.
    pub(super) fn value(self, value: &Value, out: &mut impl Write) -> fmt::Result {
        match self {
            _ if value.as_ref().is_null() => out.write_str("(nothing)"),
            Show::Full => match value {
                Value::Text(text) => text_in_full(text, out),
                other => write!(out, "{other}"),
            },
            Show::Masked => {
                let mut length = Length(0);
                match value {
                    Value::Text(text) => length.write_str(text)?,
                    other => write!(length, "{other}")?,
                }
                out.write_str(match length.0 {
                    0 => "(empty)",
                    1..=4 => "••",
                    5..=16 => "••••••",
                    _ => "••••••••••••",
                })
            }
            Show::Hashed { key } => {
                let mut bytes = Vec::with_capacity(32);
                value.as_ref().write_canonical(&mut bytes);
                let hash = blake3::keyed_hash(&key, &bytes);
                out.write_char('#')?;
                hash.as_bytes().iter().take(4).try_for_each(|byte| write!(out, "{byte:02x}"))
            }
        }
    }
}

/// Characters of a text that are shown: a plan is to be read, and a field may hold a whole book.
const TEXT_CHARS_MAX: usize = 1000;

/// A text; of a long one the beginning, its length and its digest, so that two that differ behind the beginning look
/// different.
fn text_in_full(text: &str, out: &mut impl Write) -> fmt::Result {
    let Some((end, _)) = text.char_indices().nth(TEXT_CHARS_MAX) else { return write!(out, "{text:?}") };
    write!(out, "{:?}..", text.get(..end).unwrap_or_default())?;
    let hash = blake3::hash(text.as_bytes());
    write!(out, " ({} characters, #", text.chars().count())?;
    hash.as_bytes().iter().take(4).try_for_each(|byte| write!(out, "{byte:02x}"))?;
    out.write_char(')')
}

/// Counts characters, without making the text.
struct Length(usize);

impl Write for Length {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0 += text.chars().count();
        Ok(())
    }
}

/// Writes text with everything escaped that could move a terminal's cursor, break a line or turn the direction of
/// reading: ids, labels and messages come from systems, and a plan is approved by what it looks like.
pub(super) struct Clean<'a, W>(pub(super) &'a mut W);

impl<W: Write> Write for Clean<'_, W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut plain = 0;
        for (at, character) in text.char_indices() {
            if is_hostile(character) {
                self.0.write_str(text.get(plain..at).unwrap_or_default())?;
                write!(self.0, "{}", character.escape_unicode())?;
                plain = at + character.len_utf8();
            }
        }
        self.0.write_str(text.get(plain..).unwrap_or_default())
    }
}

fn is_hostile(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}
