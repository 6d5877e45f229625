//! Every key that a mapping file knows, per kind of mapping, and the reader that asks for no other.
//!
//! The lists are what `docs/mapping.schema.json` is compared with. The door is [`Keys`].

use seamless_core::document::{Diagnostic, Diagnostics, Document, Fields, Node, Report};

pub(crate) const FILE: &[&str] =
    &["version", "integration", "sides", "parameters", "for_each", "note", "links"];
/// What a mapping can be repeated for; the word is also the parameter that holds the company's name.
pub(crate) const FOR_EACH: &[&str] = &[COMPANY];
pub(crate) const COMPANY: &str = "company";
pub(crate) const OF_COMPANY: &[&str] = &["side", "parameters", "note"];
pub(crate) const PARAMETER: &[&str] = &["type", "description", "default"];
pub(crate) const LINK: &[&str] = &[
    "id",
    "note",
    "mode",
    "scope",
    "writable",
    "actions",
    "starts",
    "paths",
    "shares",
    "match",
    "create",
    "on_conflict",
    "first_link",
    "on_drift",
    "states",
    "lifecycle",
    "forms",
    "sweep",
    "limits",
    "rules",
    "tests",
];
pub(crate) const MATCH_LINE: &[&str] = &["same_when"];
pub(crate) const ACTION: &[&str] = &["field", "from", "to", "opens"];
pub(crate) const LIMITS: &[&str] =
    &["deletes_percent_max", "deletes_free", "changes_percent_max", "changes_free", "shrink_percent_max"];
pub(crate) const RULE_LONG: &[&str] = &["flow", "const"];
pub(crate) const RULE: &[&str] = &[
    "id",
    "note",
    "types",
    "same_when",
    "when",
    "only_on",
    "on_conflict",
    "first_link",
    "on_drift",
    "default",
    "too_long",
    "round",
    "format",
    "options",
    "unknown",
    "join",
    "split",
    "pack",
    "names",
    "lookup",
    "if_missing",
    "expression",
    "embed",
    "where",
    "several",
    "make",
    "if_blank",
    "key",
    "rules",
    "money",
    "compare",
    "generated",
    "record_of",
    "custom",
];
pub(crate) const MONEY: &[&str] =
    &["local_currency", "basis", "scales", "otherwise", "round", "currencies", "units"];
pub(crate) const COMPARE: &[&str] = &["tolerance"];
pub(crate) const OPTION_LINE: &[&str] = &["flow"];
pub(crate) const FORM_SCALE: &[&str] = &["scale_by", "scales", "otherwise"];
pub(crate) const TEST: &[&str] = &["name", "to", "record", "current", "creating", "partners", "expect"];

/// Words that a side cannot be called: they are keys where the name of a side is one too.
pub(crate) fn is_reserved(name: &str) -> bool {
    let lists = [FILE, LINK, RULE_LONG, RULE, MONEY, OPTION_LINE, TEST];
    lists.iter().any(|list| list.contains(&name))
        || matches!(name, "both" | "set" | "use" | "blank" | "none" | "only_with")
}

/// A mapping that is read key by key; see [`Fields`].
#[derive(Debug)]
pub(crate) struct Keys<'d> {
    pub(crate) fields: Fields<'d>,
    known: &'static [&'static str],
    more: &'static [&'static str],
}

impl<'d> Keys<'d> {
    pub(crate) fn of(
        document: &'d Document,
        node: &'d Node,
        known: &'static [&'static str],
    ) -> Result<Self, Diagnostics> {
        Self::of_both(document, node, known, &[])
    }

    pub(crate) fn of_both(
        document: &'d Document,
        node: &'d Node,
        known: &'static [&'static str],
        more: &'static [&'static str],
    ) -> Result<Self, Diagnostics> {
        Ok(Self { fields: Fields::of(document, node)?, known, more })
    }

    fn checked(&self, key: &'static str) -> &'static str {
        debug_assert!(self.known.contains(&key) || self.more.contains(&key), "{key} is not in its list");
        key
    }

    pub(crate) fn take(&mut self, key: &'static str) -> Option<&'d Node> {
        let key = self.checked(key);
        self.fields.take(key)
    }

    pub(crate) fn take_as<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&'d Node) -> Result<T, Diagnostic>,
    ) -> Option<T> {
        let key = self.checked(key);
        self.fields.take_as(key, read)
    }

    pub(crate) fn take_with<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&'d Document, &'d Node) -> Result<T, Diagnostics>,
    ) -> Option<T> {
        let key = self.checked(key);
        self.fields.take_with(key, read)
    }

    pub(crate) fn require(&mut self, key: &'static str) -> Option<&'d Node> {
        let key = self.checked(key);
        self.fields.require(key)
    }

    pub(crate) fn require_as<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&'d Node) -> Result<T, Diagnostic>,
    ) -> Option<T> {
        let key = self.checked(key);
        self.fields.require_as(key, read)
    }

    pub(crate) fn text(&mut self, key: &'static str) -> Option<String> {
        self.take_as(key, Node::as_str).map(str::to_owned)
    }

    pub(crate) fn push(&mut self, diagnostic: Diagnostic) {
        self.fields.push(diagnostic);
    }

    pub(crate) fn report(&mut self) -> &mut Report {
        self.fields.report()
    }

    pub(crate) fn finish_with<T>(self, value: Option<T>) -> Result<T, Diagnostics> {
        self.fields.finish_with(value)
    }
}
