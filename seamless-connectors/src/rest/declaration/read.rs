//! From a document to an API: every mistake with its place. The door is [`Api::parse`].

use std::collections::BTreeMap;

use seamless_core::document::{Diagnostic, Diagnostics, Document, Fields, Node, Report, did_you_mean};
use seamless_core::model::{
    ActionName, Entity, EntityAction, EntityName, Field, FieldKind, FieldName, Shape, Value,
};

use super::field::{field, options};
use super::part::{Part, call, pointer, wrong};
use super::{Api, Call, Column, Moments, Paging, Pointer, Resource, VersionBy};

/// Entities at most.
const ENTITIES_MAX: usize = 1_000;
/// Fields of an entity at most.
const FIELDS_MAX: usize = 2_000;

impl Api {
    /// Reads a declaration. `name` is what messages call it.
    ///
    /// Errors: everything that is wrong with it, by file, line and column.
    pub(crate) fn parse(name: &str, text: &str) -> Result<Self, Diagnostics> {
        let document = Document::parse(name, text)?;
        let mut fields = Fields::of(&document, document.root())?;
        let kind = fields.require("connector");
        if let Some(kind) = kind.filter(|kind| kind.text() != Some("rest")) {
            fields.push(kind.refused("`rest`"));
        }
        let label = fields.take_as("name", Node::as_str).map(str::to_owned);
        let url = fields.take_as("url", Node::as_str).map(str::to_owned);
        let headers = fields.take_with("headers", headers).unwrap_or_default();
        let defaults = fields
            .take_with("defaults", |document, node| {
                let mut fields = Fields::of(document, node)?;
                let part = Part::take(&mut fields);
                fields.finish_with(Some(part))
            })
            .unwrap_or_default();
        let resources =
            fields.require_with("entities", |document, node| resources(document, node, &defaults));
        fields.finish_with(resources.map(|resources| Api { name: label, url, headers, resources }))
    }
}

fn headers(document: &Document, node: &Node) -> Result<Vec<(String, String)>, Diagnostics> {
    let entries = node.as_mapping().map_err(|refused| refused.within(document))?;
    let mut report = Report::new();
    let mut headers = Vec::with_capacity(entries.len());
    for (key, value) in entries {
        let (Some(name), Some(value)) = (key.text(), report.check(document, value.as_str())) else {
            continue;
        };
        match name.parse::<reqwest::header::HeaderName>() {
            Ok(_) => headers.push((name.to_owned(), value.to_owned())),
            Err(_) => report.push(document, key.refused("the name of a header")),
        }
    }
    report.into_result().map(|()| headers)
}

fn resources(
    document: &Document,
    node: &Node,
    defaults: &Part,
) -> Result<BTreeMap<EntityName, Resource>, Diagnostics> {
    let entries = node.as_mapping().map_err(|refused| refused.within(document))?;
    if entries.len() > ENTITIES_MAX {
        return Err(wrong(
            document,
            node,
            format!("{} entities; at most {ENTITIES_MAX} are taken", entries.len()),
        ));
    }
    let mut report = Report::new();
    let mut resources = BTreeMap::new();
    for (key, value) in entries {
        let name = EntityName::from(key.text().unwrap_or_default());
        if let Some(resource) = report.accept(resource(document, &name, value, defaults)) {
            resources.insert(name, resource);
        }
    }
    // What a field refers to has to be there.
    for (name, resource) in &resources {
        for field in &resource.entity.fields {
            let FieldKind::Reference { targets } = &field.kind else { continue };
            for target in targets.iter().filter(|target| !resources.contains_key(*target)) {
                let place = node.get(name.as_str()).unwrap_or(node);
                let what = format!("{}: there is no entity {target} to refer to", field.name);
                let known = resources.keys().map(EntityName::as_str);
                let finding = Diagnostic::error("rest", place.span, what);
                report.push(document, finding.maybe_help(did_you_mean(target.as_str(), known)));
            }
        }
    }
    report.into_result().map(|()| resources)
}

fn resource(
    document: &Document,
    name: &EntityName,
    node: &Node,
    defaults: &Part,
) -> Result<Resource, Diagnostics> {
    let mut fields = Fields::of(document, node)?;
    let label = fields.take_as("label", Node::as_str).map(str::to_owned);
    let key_node = fields.require("key");
    let declared = fields.require_with("fields", entity_fields).unwrap_or_default();
    let unique = fields.take_with("unique", unique).unwrap_or_default();
    let list = fields.take_with("list", call);
    let one = fields.take_with("one", call);
    let create = fields.take_with("create", call);
    let update = fields.take_with("update", call);
    let delete = fields.take_with("delete", call);
    let find = fields.take_with("find", find).unwrap_or_default();
    let actions = fields.take_with("actions", actions).unwrap_or_default();
    let part = Part::take(&mut fields).or(defaults);
    let (list_fields, columns): (Vec<Field>, Vec<Column>) = declared.into_iter().unzip();
    let names: Vec<String> = list_fields.iter().map(|field| field.name.to_string()).collect();
    let place = |fields: &mut Fields<'_>, node: &Node, named: &str| {
        let found = names.iter().position(|name| name == named);
        if found.is_none() {
            let what = format!("there is no field `{named}`");
            let help = did_you_mean(named, names.iter().map(String::as_str));
            fields.push(Diagnostic::error("rest", node.span, what).maybe_help(help));
        }
        found
    };
    let key = key_node.and_then(|node| place(&mut fields, node, node.text().unwrap_or_default()));
    let modified = part.modified.as_deref().and_then(|named| names.iter().position(|name| name == named));
    for named in find.keys().map(FieldName::as_str).chain(unique.iter().flatten().map(FieldName::as_str)) {
        place(&mut fields, node, named);
    }
    let mut say = |what: &str| fields.push(Diagnostic::error("rest", node.span, what.to_owned()));
    if part.modified.is_some() && modified.is_none() {
        say("`modified` names a field that is not there");
    }
    if part.changes.is_some() && modified.is_none() {
        say("changes are read by a stamp: say which field it is with `modified`");
    }
    let kind = |slot: Option<usize>| slot.and_then(|slot| list_fields.get(slot)).map(|field| &field.kind);
    if !matches!(kind(key), None | Some(FieldKind::Text { .. } | FieldKind::Int)) {
        say("a key is text or a whole number");
    }
    if !matches!(kind(modified), None | Some(FieldKind::Instant)) {
        say("the stamp of changes is an instant");
    }
    if list.is_none() && one.is_none() {
        say("say how records are read: `list`, `one`, or both");
    }
    for (call, what) in [(&one, "`one`"), (&update, "`update`"), (&delete, "`delete`")] {
        if call.as_ref().is_some_and(|call| !call.names_record()) {
            say(&format!("{what} concerns one record: its path has {{id}} in it"));
        }
    }
    if list.as_ref().is_some_and(Call::names_record) {
        say("`list` concerns no record: there is no {id} in its path");
    }
    let (paging, size) = part.page.unwrap_or((Paging::None, None));
    let mut entity = Entity {
        name: name.clone(),
        label,
        key: key.and_then(|slot| list_fields.get(slot)).map(|field| field.name.clone()).into_iter().collect(),
        unique,
        actions: Vec::new(),
        fields: list_fields,
    };
    entity.actions = actions.iter().map(|(action, _)| action.clone()).collect();
    let shape = Shape::new(entity.fields.iter().map(|field| field.name.clone()));
    let shape = shape.map_err(|problem| wrong(document, node, problem.to_string()))?;
    let version = part.version.filter(|VersionBy { at, .. }| *at != Pointer::default());
    let calls: BTreeMap<ActionName, Call> =
        actions.into_iter().map(|(action, call)| (action.name, call)).collect();
    let resource = key.map(|key| Resource {
        entity,
        shape,
        columns,
        key,
        list,
        records: part.records.unwrap_or_default(),
        // Only where a list goes on by what it showed can nothing be passed over while records come and go.
        complete: part
            .complete
            .unwrap_or(!matches!(paging, Paging::Page { .. } | Paging::Offset { .. } | Paging::Range { .. })),
        paging,
        size,
        one,
        record: part.record.unwrap_or_default(),
        ids: part.ids,
        find,
        changes: part.changes,
        modified,
        deleted: part.deleted,
        gone: part.gone.unwrap_or_default(),
        create,
        update,
        delete,
        actions: calls,
        body: part.body.unwrap_or_default(),
        returns: part.returns.unwrap_or(false),
        version,
        idempotency: part.idempotency,
        consistent: part.sees_writes.unwrap_or(false),
        errors: part.errors.unwrap_or_default(),
    });
    fields.finish_with(resource)
}

fn entity_fields(document: &Document, node: &Node) -> Result<Vec<(Field, Column)>, Diagnostics> {
    let entries = node.as_mapping().map_err(|refused| refused.within(document))?;
    if entries.len() > FIELDS_MAX {
        return Err(wrong(
            document,
            node,
            format!("{} fields; at most {FIELDS_MAX} are taken", entries.len()),
        ));
    }
    let mut report = Report::new();
    let mut read = Vec::with_capacity(entries.len());
    for (key, value) in entries {
        let name = key.text().unwrap_or_default();
        if let Some(field) = report.accept(one_field(document, name, value)) {
            read.push(field);
        }
    }
    report.into_result().map(|()| read)
}

/// A field: words, or a mapping with `is` (the words), `at`, `label`, `options`.
fn one_field(document: &Document, name: &str, node: &Node) -> Result<(Field, Column), Diagnostics> {
    let words =
        |node: &Node, words: &str| field(name, words).map_err(|problem| wrong(document, node, problem));
    if let Some(text) = node.text() {
        let (field, moments) = words(node, text)?;
        return Ok((field, Column { at: Pointer::member(name), moments }));
    }
    let mut fields = Fields::of(document, node)?;
    let at = fields.take_with("at", pointer).unwrap_or_else(|| Pointer::member(name));
    let label = fields.take_as("label", Node::as_str).map(str::to_owned);
    let listed = fields.take_with("options", |document, node| {
        if let Ok(items) = node.as_sequence() {
            let texts: Result<Vec<_>, _> = items.iter().map(Node::as_str).collect();
            let texts = texts.map_err(|refused| refused.within(document))?;
            return Ok(options(texts.into_iter().map(|text| (text.to_owned(), None))));
        }
        let entries = node.as_mapping().map_err(|refused| refused.within(document))?;
        let item = |(key, value): &(Node, Node)| {
            (key.text().unwrap_or_default().to_owned(), value.text().map(str::to_owned))
        };
        Ok(options(entries.iter().map(item)))
    });
    let said = match (fields.take("is"), &listed) {
        (Some(is), _) => match is.as_str() {
            Ok(text) => words(is, text).map_err(|found| fields.report().append(found)).ok(),
            Err(refused) => {
                fields.push(refused);
                None
            }
        },
        (None, Some(_)) => {
            Some((Field::new(name, FieldKind::Option { options: Default::default() }), Moments::Text))
        }
        (None, None) => {
            fields.push(node.refused("`is`, the kind of the field, or its `options`"));
            None
        }
    };
    let said = said.map(|(mut field, moments)| {
        field.label = label;
        if let (Some(listed), FieldKind::Option { options } | FieldKind::Set { options }) =
            (listed, &mut field.kind)
        {
            *options = listed;
        }
        (field, Column { at, moments })
    });
    fields.finish_with(said)
}

fn unique(document: &Document, node: &Node) -> Result<Vec<Vec<FieldName>>, Diagnostics> {
    let items = node.as_sequence().map_err(|refused| refused.within(document))?;
    let name = |node: &Node| node.as_str().map(FieldName::from).map_err(|refused| refused.within(document));
    items
        .iter()
        .map(|item| match item.as_sequence() {
            Ok(several) => several.iter().map(name).collect(),
            Err(_) => name(item).map(|one| vec![one]),
        })
        .collect()
}

fn find(document: &Document, node: &Node) -> Result<BTreeMap<FieldName, String>, Diagnostics> {
    let entries = node.as_mapping().map_err(|refused| refused.within(document))?;
    let pair = |(key, value): &(Node, Node)| {
        let parameter = value.as_str().map_err(|refused| refused.within(document))?;
        Ok((FieldName::from(key.text().unwrap_or_default()), parameter.to_owned()))
    };
    entries.iter().map(pair).collect()
}

fn actions(document: &Document, node: &Node) -> Result<Vec<(EntityAction, Call)>, Diagnostics> {
    let entries = node.as_mapping().map_err(|refused| refused.within(document))?;
    let mut report = Report::new();
    let mut read = Vec::with_capacity(entries.len());
    for (key, value) in entries {
        if let Some(action) = report.accept(action(document, key.text().unwrap_or_default(), value)) {
            read.push(action);
        }
    }
    report.into_result().map(|()| read)
}

/// An action: a call, or a mapping with `call`, `moves`, `from`, `to`.
fn action(document: &Document, name: &str, node: &Node) -> Result<(EntityAction, Call), Diagnostics> {
    let named = EntityAction::named(name);
    if node.text().is_some() {
        return call(document, node).map(|call| (named, call));
    }
    let mut fields = Fields::of(document, node)?;
    let sent = fields.require_with("call", call);
    let field = fields.take_as("moves", Node::as_str).map(FieldName::from);
    let from = fields.take_with("from", |document, node| {
        let items = node.as_sequence().map_err(|refused| refused.within(document))?;
        items
            .iter()
            .map(|item| item.as_str().map(Value::text).map_err(|refused| refused.within(document)))
            .collect()
    });
    let to = fields.take_as("to", Node::as_str).map(Value::text);
    let action = EntityAction { field, from: from.unwrap_or_default(), to, ..named };
    fields.finish_with(sent.map(|call| (action, call)))
}
