//! Several named values in one text: lines such as `Web: contoso.com`, or the members of a JSON object. What else stands in
//! the text is somebody else's and stays.
//!
//! The door is [`Packing`]: [`Packing::unpack`] takes the values out, [`Packing::pack`] puts them in. Law: what was packed
//! is unpacked again, and what is not named is as it was (`a_packed_value_comes_back_and_the_rest_stays`).

use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use super::error::{Error, Result};
use super::value::Value;

/// How the values lie in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layout {
    /// A line each: the name, a colon, a blank, the value to the end of the line.
    Lines,
    /// The members of one JSON object.
    Json,
}

impl Layout {
    /// As mapping files write it.
    pub fn name(self) -> &'static str {
        match self {
            Layout::Lines => "lines",
            Layout::Json => "json",
        }
    }
}

/// One value as it stands in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packed {
    /// The value as text.
    pub text: String,
    /// Whether it is a number or a truth value, which JSON writes without quotes. Of lines always false.
    pub bare: bool,
}

impl Packed {
    /// A text.
    pub fn text(text: &str) -> Self {
        Self { text: text.to_owned(), bare: false }
    }
}

/// Which values a text holds, and how.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Packing {
    layout: Layout,
    names: Vec<String>,
}

impl Packing {
    /// Values under these names.
    ///
    /// Errors: no name, a name twice, an empty one; of lines, a name with a colon, a line break or blanks at its ends.
    pub fn new(layout: Layout, names: Vec<String>) -> Result<Self> {
        let unfit = |name: &&String| {
            name.is_empty()
                || layout == Layout::Lines
                    && (name.contains([':', '\n', '\r']) || name.trim() != name.as_str())
        };
        let twice = |(at, name): (usize, &String)| names.iter().take(at).any(|earlier| earlier == name);
        let problem = match names.iter().find(unfit) {
            _ if names.is_empty() => "nothing is named".to_owned(),
            Some(name) => format!("{name:?} cannot stand before a colon"),
            None if names.iter().enumerate().any(twice) => "a name stands twice".to_owned(),
            None => return Ok(Self { layout, names }),
        };
        Err(Error::configuration(problem)
            .with_remedy("name each value once, by a word that its text can hold"))
    }

    /// How the values lie in the text.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// The names, in the order of the values.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The values that a text holds, in the order of the names; `None` where it does not hold one. Blank text holds none.
    ///
    /// Errors: a name that stands there twice; of JSON, a text that is no object, or a value that is an object or array.
    pub fn unpack(&self, text: &str) -> Result<Vec<Option<Packed>>> {
        match self.layout {
            Layout::Lines => self.names.iter().map(|name| in_lines(text, name)).collect(),
            Layout::Json => {
                let members = members(text)?;
                self.names.iter().map(|name| in_members(&members, name)).collect()
            }
        }
    }

    /// The text with these values, in the order of the names; those that are `None` are taken out. Each stands where it
    /// stood, new ones at the end.
    ///
    /// Errors: those of [`Packing::unpack`]; of lines, a value with a line break.
    pub fn pack(&self, text: &str, values: &[Option<Packed>]) -> Result<String> {
        self.unpack(text)?;
        match self.layout {
            Layout::Lines => self.with_lines(text, values),
            Layout::Json => self.with_members(text, values),
        }
    }

    /// What counts of a text: the text with nothing but the values, null where there are none.
    pub(super) fn apply(&self, text: &str) -> Option<Value> {
        let values = self.unpack(text).ok()?;
        if values.iter().all(Option::is_none) {
            return Some(Value::Null);
        }
        let packed = self.pack("", &values).ok()?;
        Some(Value::Text(packed.into()))
    }

    fn with_lines(&self, text: &str, values: &[Option<Packed>]) -> Result<String> {
        let ending = if text.contains("\r\n") { "\r\n" } else { "\n" };
        let mut made = String::with_capacity(text.len() + 64);
        let mut open: Vec<(&String, &Packed)> =
            self.names.iter().zip(values).filter_map(|(name, value)| Some((name, value.as_ref()?))).collect();
        if let Some((name, _)) = open.iter().find(|(_, value)| value.text.contains(['\n', '\r'])) {
            let message = format!("the value of {name} has several lines");
            return Err(Error::data(message).with_remedy("pack it as json"));
        }
        for line in text.split_inclusive('\n') {
            let content = line.trim_end_matches(['\n', '\r']);
            let Some(name) = self.names.iter().find(|name| value_of(content, name).is_some()) else {
                made.push_str(line);
                continue;
            };
            if let Some(at) = open.iter().position(|(of, _)| *of == name) {
                let (name, value) = open.remove(at);
                push_line(&mut made, name, value);
                made.push_str(line.get(content.len()..).unwrap_or_default());
            }
        }
        for (name, value) in open {
            if !made.is_empty() && !made.ends_with('\n') {
                made.push_str(ending);
            }
            push_line(&mut made, name, value);
        }
        Ok(made)
    }

    fn with_members(&self, text: &str, values: &[Option<Packed>]) -> Result<String> {
        let members = members(text)?;
        let mut written: Vec<(&str, String)> = Vec::with_capacity(members.len() + values.len());
        for (name, raw) in &members {
            match self.names.iter().position(|known| known == name) {
                None => written.push((name, raw.get().to_owned())),
                Some(at) => {
                    if let Some(value) = values.get(at).and_then(Option::as_ref) {
                        written.push((name, json(value)));
                    }
                }
            }
        }
        for (name, value) in self.names.iter().zip(values) {
            let is_there = members.iter().any(|(known, _)| known == name);
            if let (false, Some(value)) = (is_there, value) {
                written.push((name, json(value)));
            }
        }
        if written.is_empty() {
            return Ok(String::new());
        }
        let members: Vec<String> =
            written.iter().map(|(name, value)| format!("{}:{value}", quoted(name))).collect();
        Ok(format!("{{{}}}", members.join(",")))
    }
}

fn push_line(made: &mut String, name: &str, value: &Packed) {
    made.push_str(name);
    made.push_str(": ");
    made.push_str(&value.text);
}

/// What a line says of a name.
fn value_of<'t>(line: &'t str, name: &str) -> Option<&'t str> {
    let rest = line.strip_prefix(name)?.strip_prefix(':')?;
    Some(rest.strip_prefix(' ').unwrap_or(rest))
}

fn in_lines(text: &str, name: &str) -> Result<Option<Packed>> {
    let mut said = text.split('\n').filter_map(|line| value_of(line.trim_end_matches('\r'), name));
    let first = said.next();
    match said.next() {
        Some(_) => Err(twice(name)),
        None => Ok(first.filter(|value| !value.is_empty()).map(Packed::text)),
    }
}

fn in_members(members: &[(String, Box<RawValue>)], name: &str) -> Result<Option<Packed>> {
    let mut said = members.iter().filter(|(known, _)| known == name);
    let Some((_, raw)) = said.next() else { return Ok(None) };
    if said.next().is_some() {
        return Err(twice(name));
    }
    let raw = raw.get();
    match raw.as_bytes().first() {
        Some(b'"') => {
            let text: String = serde_json::from_str(raw).map_err(|error| no_object(&error))?;
            Ok(Some(Packed { text, bare: false }).filter(|value| !value.text.is_empty()))
        }
        Some(b'{' | b'[') => {
            let message = format!("what stands under {name} is no single value");
            Err(Error::data(message).with_remedy("correct the text, or give the value another name"))
        }
        _ if raw == "null" => Ok(None),
        _ => Ok(Some(Packed { text: raw.to_owned(), bare: true })),
    }
}

fn twice(name: &str) -> Error {
    Error::data(format!("{name} stands there twice")).with_remedy("remove one of them")
}

/// A value as JSON; a bare one that is no JSON after all stands in quotes.
fn json(value: &Packed) -> String {
    match value.bare && serde_json::from_str::<serde::de::IgnoredAny>(&value.text).is_ok() {
        true => value.text.clone(),
        false => quoted(&value.text),
    }
}

fn quoted(text: &str) -> String {
    // A text always has a form in JSON.
    serde_json::to_string(text).unwrap_or_default()
}

fn no_object(error: &serde_json::Error) -> Error {
    let message = format!("it is no JSON object: {error}");
    Error::data(message).with_remedy("correct the text, or empty the field")
}

/// The members of an object, in their order and as they are written.
fn members(text: &str) -> Result<Vec<(String, Box<RawValue>)>> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let Members(members) = serde_json::from_str(text).map_err(|error| no_object(&error))?;
    Ok(members)
}

struct Members(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

#[cfg(test)]
#[path = "packed_tests.rs"]
mod tests;
