//! What a template expects of a system: entities, fields, kinds, lengths, option sets and actions, as the schema that a system
//! would have which has just that.
//!
//! Knows no live schema: comparing is somebody else's. The door is [`expected`].

use seamless_core::document::{Diagnostic, Diagnostics, Document, Node, Report};
use seamless_core::model::{
    Entity, EntityAction, EntityName, Field, FieldKind, FieldName, OptionItem, OptionSet, Schema,
};

use super::Choices;
use super::keys::{EXPECTED_ENTITY, EXPECTED_FIELD};
use super::part::Part;
use super::variant::{OnlyWith, Variant};
use crate::declaration::TypeDecl;
use crate::notation::keys::Keys;
use crate::notation::{policy, value};

/// An entity that is expected, and the variants under which it is.
#[derive(Clone, Debug)]
pub(super) struct Expected {
    entity: Entity,
    only_with: OnlyWith,
}

/// The schema of what is expected under some choices.
pub(super) fn schema(expected: &[Expected], choices: &Choices) -> Schema {
    let there = expected.iter().filter(|expected| expected.only_with.holds(choices));
    let mut schema = Schema::default();
    for Expected { entity, .. } in there {
        match schema.entities.get_mut(&entity.name) {
            Some(known) => {
                known.fields.extend(entity.fields.iter().cloned());
                known.actions.extend(entity.actions.iter().cloned());
            }
            None => drop(schema.entities.insert(entity.name.clone(), entity.clone())),
        }
    }
    schema
}

/// Reads what is expected of one side.
pub(super) fn expected(
    document: &std::sync::Arc<Document>,
    node: &Node,
    variants: &[Variant],
) -> Result<Vec<Expected>, Diagnostics> {
    let mut report = Report::new();
    let entries = node.entries().map_err(|finding| finding.within(document))?;
    let read = entries.filter_map(|entry| report.accept(entity(document, entry.name, entry.value, variants)));
    let read = read.collect();
    report.into_result().map(|()| read)
}

fn entity(
    document: &std::sync::Arc<Document>,
    name: &str,
    node: &Node,
    variants: &[Variant],
) -> Result<Expected, Diagnostics> {
    let mut keys = Keys::of(document, node, EXPECTED_ENTITY)?;
    let label = keys.text("label");
    let key = keys.take_as("key", names).unwrap_or_default();
    let fields = keys.take_with("fields", fields);
    let actions = keys.take_as("actions", names).unwrap_or_default();
    let condition = keys.take("only_with").map(|node| Part::of(document, node));
    let only_with = keys.report().accept(OnlyWith::of(condition.as_ref(), variants));
    let entity = Entity {
        name: EntityName::from(name),
        label,
        fields: fields.unwrap_or_default(),
        key: key.into_iter().map(FieldName::from).collect(),
        unique: Vec::new(),
        actions: actions.into_iter().map(EntityAction::named).collect(),
    };
    keys.finish_with(only_with.map(|only_with| Expected { entity, only_with }))
}

fn names(node: &Node) -> Result<Vec<String>, Diagnostic> {
    let one = |node: &Node| node.as_str().map(str::to_owned);
    if node.is_sequence() { node.as_sequence()?.iter().map(one).collect() } else { Ok(vec![one(node)?]) }
}

fn fields(document: &Document, node: &Node) -> Result<Vec<Field>, Diagnostics> {
    let mut report = Report::new();
    let entries = node.entries().map_err(|finding| finding.within(document))?;
    let fields =
        entries.filter_map(|entry| report.accept(field(document, entry.name, entry.value))).collect();
    report.into_result().map(|()| fields)
}

/// `text(160)`, or `{ type: int, required: true }`, `{ options: [..] }`, `{ targets: [..] }`, `{ lines: ENTITY }`.
fn field(document: &Document, name: &str, node: &Node) -> Result<Field, Diagnostics> {
    if !node.is_mapping() {
        let declared = policy::type_named(node).map_err(|finding| finding.within(document))?;
        return Ok(Field::new(name, kind(declared, Vec::new())));
    }
    let mut keys = Keys::of(document, node, EXPECTED_FIELD)?;
    let declared = keys.take_as("type", policy::type_named);
    let options = keys.take_as("options", options);
    let closed = keys.take_as("closed", Node::as_bool).unwrap_or(true);
    let several = keys.take_as("several", Node::as_bool).unwrap_or(false);
    let targets = keys.take_as("targets", names);
    let lines = keys.take_as("lines", |node| node.as_str().map(EntityName::from));
    let kind = match (options, targets, lines, declared) {
        (Some(options), None, None, _) => {
            let options = OptionSet { options, closed };
            Some(if several { FieldKind::Set { options } } else { FieldKind::Option { options } })
        }
        (None, Some(targets), None, None | Some(TypeDecl::Reference)) => {
            Some(kind(TypeDecl::Reference, targets))
        }
        (None, None, Some(entity), None) => Some(FieldKind::List { entity }),
        (None, None, None, Some(declared)) => Some(kind(declared, Vec::new())),
        _ => {
            let message = format!("what `{name}` holds is not said, or said twice");
            let help = "write one of `type: text(50)`, `options: [..]`, `targets: [..]`, `lines: ENTITY`";
            keys.push(Diagnostic::error("expected-kind", node.span, message).help(help));
            None
        }
    };
    let label = keys.text("label");
    let required = keys.take_as("required", Node::as_bool).unwrap_or(false);
    let read_only = keys.take_as("read_only", Node::as_bool).unwrap_or(false);
    let field = kind.map(|kind| Field { label, required, read_only, ..Field::new(name, kind) });
    keys.finish_with(field)
}

/// `[A, B]`, or `{ 1: Net 30, 2: Net 60 }` with what people see.
fn options(node: &Node) -> Result<Vec<OptionItem>, Diagnostic> {
    let item = |value: &Node, label: Option<String>| {
        Ok(OptionItem { value: value::literal(value)?, label, active: true })
    };
    if node.is_mapping() {
        let entries = node.entries()?;
        return entries.map(|entry| item(entry.key, entry.value.as_str().ok().map(str::to_owned))).collect();
    }
    node.as_sequence()?.iter().map(|value| item(value, None)).collect()
}

fn kind(declared: TypeDecl, targets: Vec<String>) -> FieldKind {
    match declared {
        TypeDecl::Bool => FieldKind::Bool,
        TypeDecl::Int => FieldKind::Int,
        TypeDecl::Decimal { precision, scale } => FieldKind::Decimal { precision, scale },
        TypeDecl::Float => FieldKind::Float,
        TypeDecl::Text { length_max } => FieldKind::Text { length_max },
        TypeDecl::Date => FieldKind::Date,
        TypeDecl::Time => FieldKind::Time,
        TypeDecl::LocalDateTime => FieldKind::LocalDateTime,
        TypeDecl::Instant => FieldKind::Instant,
        TypeDecl::Reference => {
            FieldKind::Reference { targets: targets.into_iter().map(EntityName::from).collect() }
        }
    }
}
