//! What every part of a workbook is read with: XML by quick-xml, with what a workbook must not have refused. Knows no
//! part. The doors are [`Xml`] and [`attribute`].

use std::ops::Range;

use quick_xml::Reader;
use quick_xml::events::{BytesRef, BytesStart, Event};
use seamless_core::model::{Error, Result};

/// Elements in one another at most; the deepest parts have a dozen.
const DEPTH_MAX: usize = 64;

/// A part that is read event by event, with the place of each.
pub(super) struct Xml<'a> {
    reader: Reader<&'a [u8]>,
    depth: usize,
    /// Whether it began inside of elements.
    is_rest: bool,
    /// Bytes before what the reader reads: a mark of the byte order.
    base: usize,
    /// Where the event that was read last stands.
    pub(super) span: Range<usize>,
}

impl<'a> Xml<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let plain = text.strip_prefix('\u{feff}').unwrap_or(text);
        let base = text.len() - plain.len();
        Self { reader: Reader::from_str(plain), depth: 0, is_rest: false, base, span: 0..0 }
    }

    /// The rest of a part, whose first elements were begun before.
    pub(super) fn of_rest(text: &'a str) -> Self {
        let mut xml = Self::new(text);
        let config = xml.reader.config_mut();
        config.check_end_names = false;
        config.allow_unmatched_ends = true;
        xml.is_rest = true;
        xml
    }

    /// The next event; `None` at the end.
    ///
    /// Errors: no XML; a document type, which could stand for anything; elements too deep; an end in the middle.
    pub(super) fn next(&mut self) -> Result<Option<Event<'a>>> {
        let begin = self.position();
        let event = self.reader.read_event().map_err(|problem| broken("it is no XML").caused_by(problem))?;
        self.span = begin..self.position();
        match &event {
            Event::Start(_) => self.depth += 1,
            Event::End(_) => self.depth = self.depth.saturating_sub(1),
            Event::DocType(_) => return Err(broken("it has a document type")),
            Event::Eof if self.depth > 0 && !self.is_rest => return Err(broken("it ends in the middle")),
            Event::Eof => return Ok(None),
            _ => {}
        }
        if self.depth > DEPTH_MAX {
            return Err(broken("its elements are too deep"));
        }
        Ok(Some(event))
    }

    fn position(&self) -> usize {
        usize::try_from(self.reader.buffer_position()).unwrap_or(usize::MAX).saturating_add(self.base)
    }

    /// The text inside of the element that was begun last, elements inside of it left out; reads up to its end.
    pub(super) fn text(&mut self) -> Result<String> {
        let (mut text, mut inside) = (String::new(), 0);
        while let Some(event) = self.next()? {
            match event {
                Event::Start(_) => inside += 1,
                Event::End(_) if inside == 0 => return Ok(text),
                Event::End(_) => inside -= 1,
                Event::Text(part) if inside == 0 => text.push_str(&part.xml10_content()),
                Event::CData(part) if inside == 0 => text.push_str(&part.xml10_content()),
                Event::GeneralRef(name) if inside == 0 => text.push(referred(&name)?),
                _ => {}
            }
        }
        Err(broken("it ends in the middle"))
    }
}

/// A part that cannot be read.
pub(super) fn broken(why: &str) -> Error {
    Error::data(format!("a part of the workbook cannot be read: {why}"))
        .with_remedy("open the workbook in Excel and save it again")
}

fn referred(name: &BytesRef<'_>) -> Result<char> {
    if let Ok(Some(c)) = name.resolve_char_ref() {
        return Ok(c);
    }
    Ok(match &**name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        _ => return Err(broken("it refers to something that is not in it")),
    })
}

/// The name of an element without its prefix.
pub(super) fn local<'a>(tag: &'a BytesStart<'_>) -> &'a str {
    let name = tag.name().into_inner();
    name.rsplit(':').next().unwrap_or(name)
}

/// An attribute by its name without a prefix.
///
/// Errors: attributes that cannot be read.
pub(super) fn attribute(tag: &BytesStart<'_>, name: &str) -> Result<Option<String>> {
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(|problem| broken("its attributes are wrong").caused_by(problem))?;
        let key = attribute.key.into_inner();
        if key.rsplit(':').next() == Some(name) {
            let value = attribute
                .normalized_value(quick_xml::XmlVersion::Implicit1_0)
                .map_err(|problem| broken("its attributes are wrong").caused_by(problem))?;
            return Ok(Some(value.into_owned()));
        }
    }
    Ok(None)
}

/// A text as the content of an element, or in an attribute with double quotes.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// A text as Excel writes it: what XML cannot hold as `_x0001_`, and what looks like that with its first line escaped.
pub(super) fn to_excel(text: &str) -> String {
    let mut made = String::with_capacity(text.len());
    for (place, c) in text.char_indices() {
        let odd = matches!(c, '\u{0}'..='\u{8}' | '\u{b}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}');
        if odd {
            made.push_str(&format!("_x{:04X}_", u32::from(c)));
        } else if c == '_' && text.get(place..).and_then(escape).is_some() {
            made.push_str("_x005F_");
        } else {
            made.push(c);
        }
    }
    made
}

/// A text that Excel wrote.
pub(super) fn from_excel(text: &str) -> String {
    if !text.contains("_x") {
        return text.to_owned();
    }
    let mut made = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let stands_for = escape(rest).and_then(char::from_u32);
        let (c, length) = match stands_for {
            Some(stands_for) => (stands_for, ESCAPE_LENGTH),
            None => (c, c.len_utf8()),
        };
        made.push(c);
        rest = rest.get(length..).unwrap_or_default();
    }
    made
}

/// The bytes of `_x0001_`.
const ESCAPE_LENGTH: usize = 7;

/// The number in an escape that a text begins with.
fn escape(text: &str) -> Option<u32> {
    let digits = text.get(..ESCAPE_LENGTH)?.strip_prefix("_x")?.strip_suffix('_')?;
    digits.bytes().all(|digit| digit.is_ascii_hexdigit()).then(|| u32::from_str_radix(digits, 16).ok())?
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

    use super::{Xml, escaped, from_excel, to_excel};

    proptest! {
        #[test]
        fn a_text_reads_back_through_the_escapes_of_excel_and_xml(
            text in proptest::collection::vec(proptest::prop_oneof![any::<char>(), proptest::sample::select(vec!['_', 'x', '0', '\r', '\n', '&', '\u{1}'])], 0..30),
        ) {
            let text: String = text.into_iter().collect();
            let made = to_excel(&text);
            let odd = made.chars().any(|c| (c < ' ' && c != '\t' && c != '\n') || c == '\u{ffff}');
            prop_assert!(!odd);
            prop_assert_eq!(from_excel(&made), text.clone());
            let xml = format!("<t>{}</t>", escaped(&made));
            let mut reader = Xml::new(&xml);
            reader.next().unwrap();
            prop_assert_eq!(from_excel(&reader.text().unwrap()), text);
        }
    }

    #[test]
    fn what_could_stand_for_anything_is_refused() {
        for text in ["<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>", "<x>&a;</x>", "<x><y></x>", "<x>"] {
            let mut reader = Xml::new(text);
            let all = std::iter::from_fn(|| reader.next().transpose()).collect::<Result<Vec<_>, _>>();
            let mut reader = Xml::new(text);
            let inside = reader.next().and_then(|_| reader.text());
            assert!(all.is_err() || inside.is_err(), "{text}");
        }
    }
}
