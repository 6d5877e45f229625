//! Changes of a text that a person wrote, which leave everything else of it as it stands: comments, order, spelling.
//!
//! Each change reads the text anew, finds its place, and cuts or puts lines there; a comment goes with what it stands
//! directly above. Cost: the length of the text for each change. Knows no templates. The doors are [`remove`], [`put`] and
//! [`push`].

use std::sync::Arc;

use seamless_core::document::{Diagnostics, Document, Node, NodeKind, Span};

use super::part::{Origin, Part, PartKind};
use super::print::{block, flow, item, key};

/// A step into a document.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    Key(String),
    Item(usize),
}

/// Steps from the root to a part.
pub(super) type Path = Vec<Step>;

/// A child of a list or map.
struct Child<'n> {
    parent: &'n Node,
    at: usize,
    key: Option<&'n Node>,
    value: &'n Node,
}

fn children(node: &Node) -> Vec<(Option<&Node>, &Node)> {
    match &node.kind {
        NodeKind::Scalar { .. } => Vec::new(),
        NodeKind::Sequence(items) => items.iter().map(|item| (None, item)).collect(),
        NodeKind::Mapping(entries) => entries.iter().map(|(key, value)| (Some(key), value)).collect(),
    }
}

fn find<'n>(root: &'n Node, path: &[Step]) -> Option<Child<'n>> {
    let (last, before) = path.split_last()?;
    let mut parent = root;
    for step in before {
        parent = child(parent, step)?.value;
    }
    child(parent, last)
}

/// Whether a path leads somewhere.
pub(super) fn is_there(root: &Node, path: &[Step]) -> bool {
    find(root, path).is_some()
}

fn child<'n>(parent: &'n Node, step: &Step) -> Option<Child<'n>> {
    let all = children(parent);
    let at = match step {
        Step::Key(name) => all.iter().position(|(key, _)| key.and_then(Node::text) == Some(name))?,
        Step::Item(at) => *at,
    };
    let (key, value) = *all.get(at)?;
    Some(Child { parent, at, key, value })
}

/// Takes a part out, and what would be left empty by that. A part that is not there changes nothing.
pub(super) fn remove(text: &str, path: &[Step]) -> Result<String, Diagnostics> {
    let document = Document::parse("overlay", text)?;
    let Some(found) = find(document.root(), path) else { return Ok(text.to_owned()) };
    let siblings = children(found.parent);
    if siblings.len() == 1
        && let Some((_, above)) = path.split_last()
        && !above.is_empty()
    {
        return remove(text, above);
    }
    let range = if is_flow(text, found.parent) {
        let start = |at: usize| siblings.get(at).map(|(key, value)| key.unwrap_or(value).span.start);
        let before = found.at.checked_sub(1).and_then(|at| siblings.get(at)).map(|(_, value)| value.span.end);
        match (start(found.at), start(found.at + 1), before) {
            (Some(own), Some(next), _) => Span::new(own, next),
            (_, None, Some(before)) => Span::new(before, found.value.span.end),
            (Some(own), None, None) => Span::new(own, found.value.span.end),
            _ => return Ok(text.to_owned()),
        }
    } else {
        lines_of(text, &found)
    };
    let mut out = text.to_owned();
    out.replace_range(range.start..range.end, "");
    Ok(out)
}

/// Gives a part another value, or puts it where it was not, together with what must stand around it.
pub(super) fn put(text: &str, path: &[Step], part: &Part) -> Result<String, Diagnostics> {
    let document = Arc::new(Document::parse("overlay", text)?);
    if let Some(found) = find(document.root(), path) {
        let (range, new) = replacement(text, &found, part);
        let mut out = text.to_owned();
        out.replace_range(range.start..range.end, &new);
        return Ok(out);
    }
    let Some((last, above)) = path.split_last() else { return Ok(text.to_owned()) };
    let origin = Origin { document: Arc::clone(&document), span: document.root().span };
    let parent =
        if above.is_empty() { Some(document.root()) } else { find(document.root(), above).map(|c| c.value) };
    let name = match last {
        Step::Key(name) => Part::name(&origin, name),
        Step::Item(_) => return push(text, above, part),
    };
    match parent.filter(|parent| parent.is_mapping() && !children(parent).is_empty()) {
        Some(parent) => Ok(grown(
            text,
            parent,
            |indent| {
                let mut line = format!("{:indent$}{}:", "", key(&name));
                line.push_str(&block(part, indent + 2));
                line
            },
            || format!("{}: {}", key(&name), flow(part)),
        )),
        None => put(text, above, &Part::made(&origin, PartKind::Map(vec![(name, part.clone())]))),
    }
}

/// Puts an item at the end of a list, which is made where there is none.
pub(super) fn push(text: &str, path: &[Step], part: &Part) -> Result<String, Diagnostics> {
    let document = Arc::new(Document::parse("overlay", text)?);
    let list = find(document.root(), path).map(|found| found.value);
    match list.filter(|list| list.is_sequence() && !children(list).is_empty()) {
        Some(list) => Ok(grown(text, list, |indent| item(part, indent), || flow(part))),
        None => {
            let origin = Origin { document: Arc::clone(&document), span: document.root().span };
            put(text, path, &Part::made(&origin, PartKind::List(vec![part.clone()])))
        }
    }
}

/// The comments of a part: those directly above it, and those in its lines, without their indentation.
pub(super) fn comments(text: &str, path: &[Step]) -> Result<Vec<String>, Diagnostics> {
    let document = Document::parse("overlay", text)?;
    let Some(found) = find(document.root(), path).filter(|found| !is_flow(text, found.parent)) else {
        return Ok(Vec::new());
    };
    let range = lines_of(text, &found);
    let lines = text.get(range.start..range.end).unwrap_or("").lines();
    Ok(lines.filter_map(comment_of).map(str::to_owned).collect())
}

/// What stands behind `#`, with it, where that is outside of quotes.
fn comment_of(line: &str) -> Option<&str> {
    let mut quote = None;
    let mut before = ' ';
    for (at, c) in line.char_indices() {
        match quote {
            Some(open) if open == c => quote = None,
            Some(_) => {}
            None if matches!(c, '"' | '\'') && !before.is_alphanumeric() => quote = Some(c),
            None if c == '#' && before == ' ' => return line.get(at..),
            None => {}
        }
        before = c;
    }
    None
}

/// Puts comments above a part. Where it stands in brackets there is no room for them, and nothing changes.
pub(super) fn comment(text: &str, path: &[Step], comments: &[String]) -> Result<String, Diagnostics> {
    let document = Document::parse("overlay", text)?;
    let Some(found) = find(document.root(), path).filter(|found| !is_flow(text, found.parent)) else {
        return Ok(text.to_owned());
    };
    let begins = first_of(text, found.key, found.value);
    let line = line_start(text, begins);
    let indent = text.get(line..begins).unwrap_or("");
    if !indent.chars().all(|c| c == ' ') {
        return Ok(text.to_owned());
    }
    let lines: String = comments.iter().map(|comment| format!("{indent}{comment}\n")).collect();
    let mut out = text.to_owned();
    out.insert_str(line, &lines);
    Ok(out)
}

/// A text as one line of a comment: nothing in it ends the line or looks like nothing.
pub(super) fn one_line(text: &str) -> String {
    let unseen = |c: char| {
        c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
    };
    text.chars().map(|c| if unseen(c) { ' ' } else { c }).collect()
}

/// How many items a list has.
pub(super) fn items(text: &str, path: &[Step]) -> Result<usize, Diagnostics> {
    let document = Document::parse("overlay", text)?;
    Ok(find(document.root(), path).map_or(0, |found| children(found.value).len()))
}

/// A list or map with one more child at its end.
fn grown(
    text: &str,
    parent: &Node,
    line: impl FnOnce(usize) -> String,
    in_flow: impl FnOnce() -> String,
) -> String {
    let all = children(parent);
    let Some((key, value)) = all.last() else { return text.to_owned() };
    let mut out = text.to_owned();
    if is_flow(text, parent) {
        out.insert_str(value.span.end, &format!(", {}", in_flow()));
        return out;
    }
    let begins = first_of(text, *key, value);
    let end = line_end(text, value.span.end);
    let mut line = line(column(text, begins));
    if !text.get(..end).is_some_and(|before| before.ends_with('\n')) {
        line.insert(0, '\n');
    }
    line.push('\n');
    out.insert_str(end, &line);
    out
}

/// The range of a value with what stands before it, and what comes there.
fn replacement(text: &str, found: &Child<'_>, part: &Part) -> (Span, String) {
    if is_flow(text, found.parent) {
        let blank = if found.value.span.is_empty() { " " } else { "" };
        return (found.value.span, format!("{blank}{}", flow(part)));
    }
    match found.key {
        Some(key) => {
            let rest = text.get(key.span.end..).unwrap_or("");
            let colon = key.span.end + rest.find(':').map_or(0, |at| at + 1);
            let end = found.value.span.end.max(colon);
            (Span::new(colon, end), block(part, column(text, key.span.start) + 2))
        }
        None => {
            let begins = first_of(text, None, found.value);
            let indent = column(text, begins);
            let item = item(part, indent);
            (Span::new(begins, found.value.span.end), item.trim_start().to_owned())
        }
    }
}

/// Whole lines of a child in block style, the comments directly above it too.
fn lines_of(text: &str, found: &Child<'_>) -> Span {
    let begins = first_of(text, found.key, found.value);
    let end = line_end(text, found.value.span.end.max(found.key.map_or(0, |key| key.span.end)));
    let line = line_start(text, begins);
    let before = text.get(line..begins).unwrap_or("");
    if !before.chars().all(|c| c == ' ') {
        // The first entry of an item stands behind the dash, which stays.
        let next = children(found.parent).get(found.at + 1).map(|(key, value)| first_of(text, *key, value));
        return Span::new(begins, next.unwrap_or(found.value.span.end));
    }
    let indent = before.len();
    let mut start = line;
    while let Some(above) = text.get(..start).and_then(|before| before.strip_suffix('\n')) {
        let above = line_start(text, above.len());
        let comment = text.get(above..start).unwrap_or("");
        let is_own = comment.trim_start_matches(' ').starts_with('#')
            && comment.len() - comment.trim_start_matches(' ').len() == indent;
        if !is_own {
            break;
        }
        start = above;
    }
    Span::new(start, end)
}

/// Where a child begins: its key, or the dash of an item.
fn first_of(text: &str, key: Option<&Node>, value: &Node) -> usize {
    match key {
        Some(key) => key.span.start,
        None => {
            let before = text.get(..value.span.start).unwrap_or("");
            before.rfind('-').unwrap_or(value.span.start)
        }
    }
}

fn is_flow(text: &str, node: &Node) -> bool {
    text.get(node.span.start..).is_some_and(|rest| rest.starts_with(['{', '[']))
        && !matches!(node.kind, NodeKind::Scalar { .. })
}

fn line_start(text: &str, offset: usize) -> usize {
    text.get(..offset).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1)
}

/// Behind the line break of the line, or the end of the text.
fn line_end(text: &str, offset: usize) -> usize {
    let rest = text.get(offset..).unwrap_or("");
    rest.find('\n').map_or(text.len(), |at| offset + at + 1)
}

fn column(text: &str, offset: usize) -> usize {
    text.get(line_start(text, offset)..offset).unwrap_or("").chars().count()
}
