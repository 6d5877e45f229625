//! What can be said of an entity, and of all of them at once: each part may be left out. An entity's own counts before what
//! `defaults` says. Reads documents; knows no meaning of a call.

use std::time::Duration;

use seamless_core::document::{Diagnostic, Diagnostics, Document, Fields, Node, Report};

use super::{Call, Changes, Deleted, Errors, ExpectBy, Ids, Paging, Pointer, Since, Size, VersionBy};

/// Records in a page where nothing is said.
const SIZE_MAX: usize = 100;
/// Ids in one request where nothing is said.
const IDS_MAX: usize = 50;
/// How far a reading of changes goes back where nothing is said.
const OVERLAP: Duration = Duration::from_secs(60);

/// The parts that `defaults` may say as well.
#[derive(Clone, Debug, Default)]
pub(super) struct Part {
    pub(super) records: Option<Pointer>,
    pub(super) record: Option<Pointer>,
    pub(super) page: Option<(Paging, Option<Size>)>,
    pub(super) complete: Option<bool>,
    pub(super) ids: Option<Ids>,
    pub(super) changes: Option<Changes>,
    pub(super) modified: Option<String>,
    pub(super) deleted: Option<Deleted>,
    pub(super) gone: Option<Vec<u16>>,
    pub(super) body: Option<Pointer>,
    pub(super) returns: Option<bool>,
    pub(super) version: Option<VersionBy>,
    pub(super) idempotency: Option<String>,
    pub(super) sees_writes: Option<bool>,
    pub(super) errors: Option<Errors>,
}

impl Part {
    /// Takes the parts that are there out of a mapping.
    pub(super) fn take(fields: &mut Fields<'_>) -> Self {
        Self {
            records: fields.take_with("records", pointer),
            record: fields.take_with("record", pointer),
            page: fields.take_with("page", page),
            complete: fields.take_as("complete", Node::as_bool),
            ids: fields.take_with("ids", ids),
            changes: fields.take_with("changes", changes),
            modified: fields.take_as("modified", Node::as_str).map(str::to_owned),
            deleted: fields.take_with("deleted", deleted),
            gone: fields.take_with("gone", statuses),
            body: fields.take_with("body", pointer),
            returns: fields.take_with("returns", returns),
            version: fields.take_with("version", version),
            idempotency: fields.take_as("idempotency", Node::as_str).map(str::to_owned),
            sees_writes: fields.take_as("sees_writes", Node::as_bool),
            errors: fields.take_with("errors", errors),
        }
    }

    /// These parts, and those of `other` where nothing is said.
    pub(super) fn or(self, other: &Part) -> Part {
        Part {
            records: self.records.or_else(|| other.records.clone()),
            record: self.record.or_else(|| other.record.clone()),
            page: self.page.or_else(|| other.page.clone()),
            complete: self.complete.or(other.complete),
            ids: self.ids.or_else(|| other.ids.clone()),
            changes: self.changes.or_else(|| other.changes.clone()),
            modified: self.modified.or_else(|| other.modified.clone()),
            deleted: self.deleted.or_else(|| other.deleted.clone()),
            gone: self.gone.or_else(|| other.gone.clone()),
            body: self.body.or_else(|| other.body.clone()),
            returns: self.returns.or(other.returns),
            version: self.version.or_else(|| other.version.clone()),
            idempotency: self.idempotency.or_else(|| other.idempotency.clone()),
            sees_writes: self.sees_writes.or(other.sees_writes),
            errors: self.errors.or_else(|| other.errors.clone()),
        }
    }
}

/// A finding in the words of a part's own reader.
pub(super) fn wrong(document: &Document, node: &Node, problem: impl Into<String>) -> Diagnostics {
    Diagnostic::error("rest", node.span, problem.into()).within(document)
}

fn word<'n>(document: &Document, node: &'n Node) -> Result<&'n str, Diagnostics> {
    node.as_str().map_err(|refused| refused.within(document))
}

fn text(document: &Document, node: &Node) -> Result<String, Diagnostics> {
    word(document, node).map(str::to_owned)
}

/// A place in JSON.
pub(super) fn pointer(document: &Document, node: &Node) -> Result<Pointer, Diagnostics> {
    let text = word(document, node)?;
    Pointer::parse(text).map_err(|problem| wrong(document, node, problem))
}

/// A call.
pub(super) fn call(document: &Document, node: &Node) -> Result<Call, Diagnostics> {
    let text = word(document, node)?;
    Call::parse(text).map_err(|problem| wrong(document, node, problem))
}

fn page(document: &Document, node: &Node) -> Result<(Paging, Option<Size>), Diagnostics> {
    if node.text() == Some("none") {
        return Ok((Paging::None, None));
    }
    if node.text() == Some("link") {
        return Ok((Paging::Link, None));
    }
    let mut fields = Fields::of(document, node)?;
    let by = fields.require_as("by", Node::as_str).unwrap_or_default();
    let size = fields.take_with("size", size);
    let paging = match by {
        "page" => fields.require_with("send", text).map(|send| Paging::Page {
            send,
            first: fields.take_as("first", Node::as_u64).unwrap_or(1),
            more: fields.take_with("more", pointer),
        }),
        "offset" => fields
            .require_with("send", text)
            .map(|send| Paging::Offset { send, more: fields.take_with("more", pointer) }),
        "cursor" => {
            let (send, next) = (fields.require_with("send", text), fields.require_with("next", pointer));
            send.zip(next).map(|(send, next)| Paging::Cursor { send, next })
        }
        "after" => fields
            .require_with("send", text)
            .map(|send| Paging::After { send, more: fields.take_with("more", pointer) }),
        "link" => Some(Paging::Link),
        "next" => fields.require_with("next", pointer).map(|next| Paging::Next { next }),
        "range" => {
            Some(Paging::Range { unit: fields.take_with("unit", text).unwrap_or_else(|| "items".to_owned()) })
        }
        "" => None,
        other => {
            let what = format!(
                "lists do not go on by {other:?}; there are page, offset, cursor, after (the id of the last record), link \
                 (the header `Link`), next (an address in the answer) and range"
            );
            fields.push(Diagnostic::error("rest", node.span, what));
            None
        }
    };
    fields.finish_with(paging.map(|paging| (paging, size)))
}

fn size(document: &Document, node: &Node) -> Result<Size, Diagnostics> {
    let mut fields = Fields::of(document, node)?;
    let send = fields.take_with("send", text);
    let max = fields
        .take_as("max", Node::as_u64)
        .map_or(SIZE_MAX, |max| usize::try_from(max).unwrap_or(usize::MAX));
    if max == 0 {
        fields.push(Diagnostic::error("rest", node.span, "pages of no records"));
    }
    fields.finish_with(Some(Size { send, max }))
}

fn ids(document: &Document, node: &Node) -> Result<Ids, Diagnostics> {
    let mut fields = Fields::of(document, node)?;
    let send = fields.require_with("send", text);
    let separator = fields.take_with("separator", text).unwrap_or_else(|| ",".to_owned());
    let max =
        fields.take_as("max", Node::as_u64).map_or(IDS_MAX, |max| usize::try_from(max).unwrap_or(IDS_MAX));
    fields.finish_with(send.map(|send| Ids { send, separator, max: max.max(1) }))
}

fn changes(document: &Document, node: &Node) -> Result<Changes, Diagnostics> {
    let mut fields = Fields::of(document, node)?;
    let send = fields.require_with("send", text);
    let form = fields.take_with("form", |document, node| match word(document, node)? {
        "rfc3339" => Ok(Since::Rfc3339),
        "date" => Ok(Since::Date),
        "unix" => Ok(Since::Unix),
        "unix_ms" => Ok(Since::UnixMillis),
        other => {
            let what =
                format!("moments are not sent as {other:?}; there are rfc3339, date, unix and unix_ms");
            Err(wrong(document, node, what))
        }
    });
    let overlap = fields.take_as("overlap_s", Node::as_u64).map_or(OVERLAP, Duration::from_secs);
    let form = form.unwrap_or(Since::Rfc3339);
    fields.finish_with(send.map(|send| Changes { send, form, overlap }))
}

fn deleted(document: &Document, node: &Node) -> Result<Deleted, Diagnostics> {
    let mut fields = Fields::of(document, node)?;
    let at = fields.require_with("at", pointer);
    let is = fields.take_with("is", |document, node| {
        if let Ok(items) = node.as_sequence() {
            return items.iter().map(|item| literal(document, item)).collect();
        }
        literal(document, node).map(|one| vec![one])
    });
    fields.finish_with(at.map(|at| Deleted { at, is: is.unwrap_or_default() }))
}

/// A scalar as JSON would write it.
fn literal(document: &Document, node: &Node) -> Result<String, Diagnostics> {
    use seamless_core::document::Literal;
    Ok(match node.as_literal().map_err(|refused| refused.within(document))? {
        Literal::Null => "null".to_owned(),
        Literal::Bool(truth) => truth.to_string(),
        Literal::Number(digits) => digits.to_owned(),
        Literal::Text(text) => crate::json::quoted(text),
    })
}

fn statuses(document: &Document, node: &Node) -> Result<Vec<u16>, Diagnostics> {
    let mut report = Report::new();
    let items = node.as_sequence().map_err(|refused| refused.within(document))?;
    let mut statuses = Vec::with_capacity(items.len());
    for item in items {
        match report.check(document, item.as_u64()).map(u16::try_from) {
            Some(Ok(status)) if (400..500).contains(&status) => statuses.push(status),
            Some(_) => report.push(document, item.refused("a status from 400 to 499")),
            None => {}
        }
    }
    report.into_result().map(|()| statuses)
}

fn returns(document: &Document, node: &Node) -> Result<bool, Diagnostics> {
    match word(document, node)? {
        "record" => Ok(true),
        "nothing" => Ok(false),
        other => {
            Err(wrong(document, node, format!("a write gives back `record` or `nothing`, not {other:?}")))
        }
    }
}

fn version(document: &Document, node: &Node) -> Result<VersionBy, Diagnostics> {
    let mut fields = Fields::of(document, node)?;
    let at = fields.require_with("at", pointer);
    let header = fields.take_with("header", text);
    fields.finish_with(at.map(|at| VersionBy { at, expect: header.map_or(ExpectBy::Body, ExpectBy::Header) }))
}

fn errors(document: &Document, node: &Node) -> Result<Errors, Diagnostics> {
    let mut fields = Fields::of(document, node)?;
    let words = |document: &Document, node: &Node| -> Result<Vec<String>, Diagnostics> {
        let items = node.as_sequence().map_err(|refused| refused.within(document))?;
        items.iter().map(|item| text(document, item)).collect()
    };
    let errors = Errors {
        message: fields.take_with("message", pointer),
        code: fields.take_with("code", pointer),
        field: fields.take_with("field", pointer),
        taken: fields.take_with("taken", words).unwrap_or_default(),
        stale: fields.take_with("stale", words).unwrap_or_default(),
    };
    fields.finish_with(Some(errors))
}
