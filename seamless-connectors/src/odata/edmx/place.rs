//! Names: aliases and namespaces, and what out-of-line annotations speak of.

use std::collections::BTreeMap;

use super::annotations::Annotations;
use super::tree::{Edmx, TypeRef};

/// Namespaces by alias.
#[derive(Debug, Default)]
pub(super) struct Names(BTreeMap<String, String>);

impl Names {
    pub(super) fn add(&mut self, alias: &str, namespace: &str) {
        self.0.insert(alias.to_owned(), namespace.to_owned());
    }

    /// A name with its namespace in place of an alias.
    pub(super) fn full(&self, name: &str) -> String {
        match name.rsplit_once('.').and_then(|(alias, rest)| Some((self.0.get(alias)?, rest))) {
            Some((namespace, rest)) => format!("{namespace}.{rest}"),
            None => name.to_owned(),
        }
    }

    /// A type as it is written: `Collection(crm.Account)`.
    pub(super) fn kind(&self, text: &str) -> TypeRef {
        let inner = text.trim().strip_prefix("Collection(").and_then(|rest| rest.strip_suffix(')'));
        TypeRef { name: self.full(inner.unwrap_or(text).trim()), is_collection: inner.is_some() }
    }
}

/// Puts annotations where they belong; whether the document has such a place.
pub(super) fn place(edmx: &mut Edmx, target: &str, annotations: Annotations) -> bool {
    match find(edmx, target) {
        Some(found) => {
            found.add_all(annotations);
            true
        }
        None => false,
    }
}

fn find<'a>(edmx: &'a mut Edmx, target: &str) -> Option<&'a mut Annotations> {
    let (first, rest) = match target.split_once('/') {
        Some((first, rest)) => (first, Some(rest)),
        None => (target, None),
    };
    let Some(rest) = rest else {
        if let Some(found) = edmx.entity_types.get_mut(first) {
            return Some(&mut found.annotations);
        }
        if let Some(found) = edmx.complex_types.get_mut(first) {
            return Some(&mut found.annotations);
        }
        if let Some(found) = edmx.enums.get_mut(first) {
            return Some(&mut found.annotations);
        }
        if let Some(found) = edmx.type_definitions.get_mut(first) {
            return Some(&mut found.annotations);
        }
        // `ns.action(ns.Type)` names an overload; the name is enough here.
        let name = first.split('(').next().unwrap_or(first);
        let operation = edmx.operations.iter_mut().find(|operation| operation.name == name);
        return operation.map(|operation| &mut operation.annotations);
    };
    if let Some(of) = edmx.entity_types.get_mut(first) {
        let property = of.properties.iter_mut().find(|property| property.name == rest);
        return match property {
            Some(property) => Some(&mut property.annotations),
            None => of
                .navigation
                .iter_mut()
                .find(|navigation| navigation.name == rest)
                .map(|navigation| &mut navigation.annotations),
        };
    }
    if let Some(of) = edmx.complex_types.get_mut(first) {
        let property = of.properties.iter_mut().find(|property| property.name == rest);
        return property.map(|property| &mut property.annotations);
    }
    if let Some(of) = edmx.enums.get_mut(first) {
        let member = of.members.iter_mut().find(|member| member.name == rest);
        return member.map(|member| &mut member.annotations);
    }
    // Otherwise the first part is a container; sets and singletons of one document have different names.
    if let Some(set) = edmx.entity_sets.iter_mut().find(|set| set.name == rest) {
        return Some(&mut set.annotations);
    }
    let singleton = edmx.singletons.iter_mut().find(|singleton| singleton.name == rest);
    singleton.map(|singleton| &mut singleton.annotations)
}
