//! XML as a tree of elements, within limits. Knows nothing of metadata. Names lose their prefixes; entities that are not
//! XML's own five are refused, and so is a document type, which is where others are made.

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};
use seamless_core::model::{Error, ErrorKind, Result};

/// Bytes of a document at most. The largest systems have metadata of some 15 MB.
pub const BYTES_MAX: usize = 64 << 20;
/// Nesting of elements at most.
pub const DEPTH_MAX: usize = 64;
/// Elements at most: each takes some hundred bytes.
pub const ELEMENTS_MAX: usize = 1_000_000;

/// An element.
#[derive(Debug, Default)]
pub(super) struct Element {
    /// Without its prefix.
    pub(super) name: String,
    /// Names without their prefixes.
    pub(super) attributes: Vec<(String, String)>,
    pub(super) children: Vec<Element>,
    pub(super) text: String,
    pub(super) line: usize,
}

impl Element {
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// An attribute that must be there.
    pub(super) fn needs(&self, name: &str) -> Result<&str> {
        self.attribute(name)
            .ok_or_else(|| wrong(self.line, format!("the element {} has no attribute {name}", self.name)))
    }

    pub(super) fn children<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Element> {
        self.children.iter().filter(move |child| child.name == name)
    }
}

/// An error about a line of the document.
pub(super) fn wrong(line: usize, what: impl Into<String>) -> Error {
    Error::data(what).at("metadata", format!("line {line}"))
}

/// Reads a document into its root.
///
/// Errors: it is no XML, is cut off, has a document type or an unknown entity, or is beyond a limit; with the line.
pub(super) fn read(document: &str) -> Result<Element> {
    if document.len() > BYTES_MAX {
        return Err(Error::new(ErrorKind::Limit, format!("metadata of {} bytes", document.len()))
            .with_remedy(format!("at most {BYTES_MAX} bytes are read")));
    }
    let mut reader = Reader::from_str(document.strip_prefix('\u{feff}').unwrap_or(document));
    let mut lines = Lines { document, counted: 0, line: 1 };
    let mut open: Vec<Element> = Vec::new();
    let mut root: Option<Element> = None;
    let mut count = 0usize;
    loop {
        let line = lines.at(reader.buffer_position());
        let event = reader.read_event().map_err(|problem| wrong(line, format!("not XML: {problem}")))?;
        match event {
            Event::Start(start) => {
                open.push(element(&start, line, &mut count)?);
                if open.len() > DEPTH_MAX {
                    return Err(limit(line, format!("elements are nested deeper than {DEPTH_MAX}")));
                }
            }
            Event::Empty(start) => {
                let element = element(&start, line, &mut count)?;
                close(&mut open, &mut root, element, line)?;
            }
            Event::End(_) => match open.pop() {
                Some(element) => close(&mut open, &mut root, element, line)?,
                None => return Err(wrong(line, "an end without a beginning")),
            },
            Event::Text(text) => push(&mut open, &text.xml10_content()),
            Event::CData(text) => push(&mut open, &text.xml10_content()),
            Event::GeneralRef(reference) => {
                let name = reference.xml10_content();
                let known = match name.as_ref() {
                    "amp" => Some('&'),
                    "lt" => Some('<'),
                    "gt" => Some('>'),
                    "quot" => Some('"'),
                    "apos" => Some('\''),
                    _ => reference.resolve_char_ref().ok().flatten(),
                };
                let known = known.ok_or_else(|| wrong(line, "an entity that XML does not have"))?;
                push(&mut open, known.encode_utf8(&mut [0; 4]));
            }
            Event::DocType(_) => {
                return Err(wrong(line, "a document type is not read: its entities could make gigabytes"));
            }
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            // The reader is content with a document that is cut off.
            Event::Eof => {
                return match (open.last(), root) {
                    (None, Some(root)) => Ok(root),
                    (Some(left), _) => Err(wrong(
                        line,
                        format!("it is cut off: the element {} of line {} has no end", left.name, left.line),
                    )),
                    (None, None) => Err(wrong(line, "there is no element in it")),
                };
            }
        }
    }
}

fn limit(line: usize, what: String) -> Error {
    Error::new(ErrorKind::Limit, what).at("metadata", format!("line {line}"))
}

fn element(start: &BytesStart<'_>, line: usize, count: &mut usize) -> Result<Element> {
    *count += 1;
    if *count > ELEMENTS_MAX {
        return Err(limit(line, format!("more than {ELEMENTS_MAX} elements")));
    }
    let mut element = Element { name: plain(start.name().0), line, ..Element::default() };
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|problem| wrong(line, format!("an attribute: {problem}")))?;
        let key = attribute.key.0;
        if key == "xmlns" || key.starts_with("xmlns:") {
            continue;
        }
        let value = attribute
            .normalized_value(XmlVersion::Implicit1_0)
            .map_err(|problem| wrong(line, format!("an attribute: {problem}")))?;
        element.attributes.push((plain(key), value.into_owned()));
    }
    Ok(element)
}

fn plain(name: &str) -> String {
    name.rsplit_once(':').map_or(name, |(_, name)| name).to_owned()
}

fn close(open: &mut [Element], root: &mut Option<Element>, element: Element, line: usize) -> Result<()> {
    match open.last_mut() {
        Some(parent) => parent.children.push(element),
        None if root.is_none() => *root = Some(element),
        None => return Err(wrong(line, "a second root")),
    }
    Ok(())
}

fn push(open: &mut [Element], text: &str) {
    if let Some(element) = open.last_mut() {
        element.text.push_str(text);
    }
}

/// Counts lines, each byte once.
struct Lines<'a> {
    document: &'a str,
    counted: usize,
    line: usize,
}

impl Lines<'_> {
    fn at(&mut self, position: u64) -> usize {
        let position = usize::try_from(position).unwrap_or(usize::MAX).min(self.document.len());
        let passed = self.document.as_bytes().get(self.counted..position).unwrap_or_default();
        self.line += passed.iter().filter(|byte| **byte == b'\n').count();
        self.counted = self.counted.max(position);
        self.line
    }
}
