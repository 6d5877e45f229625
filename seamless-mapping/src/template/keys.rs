//! Every key that templates and overlays know beside those of mapping files.
//!
//! The lists are what `docs/template.schema.json` and `docs/overlay.schema.json` are compared with.

pub(super) const TEMPLATE: &[&str] = &[
    "template",
    "version",
    "description",
    "integration",
    "sides",
    "parameters",
    "for_each",
    "note",
    "variants",
    "expects",
    "prerequisites",
    "links",
];
pub(super) const VARIANT: &[&str] = &["description", "choices", "default"];
pub(super) const PREREQUISITE: &[&str] = &["id", "side", "what", "who", "confirmed_by", "only_with"];
pub(super) const EXPECTED_ENTITY: &[&str] = &["label", "key", "fields", "actions", "only_with"];
pub(super) const EXPECTED_FIELD: &[&str] =
    &["type", "label", "options", "closed", "several", "targets", "lines", "required", "read_only"];
/// The key that links and rules of a template have beside those of a mapping.
#[cfg(test)]
pub(super) const CONDITIONAL: &[&str] = &["only_with"];

pub(super) const OVERLAY: &[&str] = &[
    "overlay",
    "template",
    "version",
    "note",
    "integration",
    "parameters",
    "variants",
    "links",
    "add_links",
];
pub(super) const LINK_CHANGE: &[&str] =
    &["replace", "set", "unset", "rules", "add", "tests", "without_tests"];
pub(super) const RULE_CHANGE: &[&str] = &["replace", "set", "unset", "options", "move", "rules", "add"];
pub(super) const OPTION_CHANGE: &[&str] = &["add", "remove"];
pub(super) const MOVE: &[&str] = &["after"];
