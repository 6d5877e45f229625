//! What a link uses of a side, field by field: rules that read or write it, and other parts of the link.

use std::collections::BTreeMap;

use seamless_core::model::{FieldName, RuleId, Side};

use crate::compile::LinkCx;
use crate::compile::link::lifecycle_sets;
use crate::declaration::Matching;

/// The uses of every field of a side.
#[derive(Clone, Debug, Default)]
pub(super) struct Uses {
    fields: BTreeMap<FieldName, Used>,
}

/// What uses a field.
#[derive(Clone, Debug, Default)]
pub(super) struct Used {
    pub(super) rules: Vec<UsedBy>,
    /// Parts of the link.
    pub(super) keys: Vec<&'static str>,
}

/// A rule that uses a field.
#[derive(Clone, Debug)]
pub(super) struct UsedBy {
    pub(super) id: RuleId,
    /// Its place in the declaration.
    pub(super) at: usize,
    pub(super) writes: bool,
    pub(super) reads: bool,
}

impl Used {
    pub(super) fn is_empty(&self) -> bool {
        self.rules.is_empty() && self.keys.is_empty()
    }

    pub(super) fn is_written(&self) -> bool {
        self.rules.iter().any(|rule| rule.writes) || self.keys.contains(&"lifecycle")
    }

    pub(super) fn is_read(&self) -> bool {
        self.rules.iter().any(|rule| rule.reads) || self.keys.iter().any(|key| *key != "lifecycle")
    }

    /// In words, for messages: `rule name=Name, match`.
    pub(super) fn words(&self) -> String {
        let mut words: Vec<String> = self.rules.iter().map(|rule| format!("rule {}", rule.id)).collect();
        words.extend(self.keys.iter().map(|key| format!("`{key}`")));
        words.join(", ")
    }
}

impl Uses {
    pub(super) fn of(cx: &LinkCx<'_>, side: Side) -> Self {
        let mut uses = Self::default();
        for (at, rule) in cx.link.rules.iter().enumerate() {
            let writes = rule.direction.allows(side);
            let reads = rule.direction.allows(side.other());
            let mut by = |field: &FieldName, writes: bool, reads: bool| {
                let used = uses.fields.entry(field.clone()).or_default();
                match used.rules.iter_mut().find(|known| known.at == at) {
                    Some(known) => {
                        known.writes |= writes;
                        known.reads |= reads;
                    }
                    None => used.rules.push(UsedBy { id: rule.stable_id(), at, writes, reads }),
                }
            };
            rule.fields.of(side).iter().for_each(|field| by(field, writes, reads));
            rule.when.of(side).fields().iter().for_each(|field| by(field, false, true));
        }
        // A path is about the field that it begins with; what it leads to is of another entity.
        for path in cx.link.paths.of(side) {
            let Some(begins) = path.list.as_ref().or(path.steps.first().map(|(field, _)| field)) else {
                continue;
            };
            uses.key("paths", std::iter::once(begins));
        }
        uses.key("scope", cx.link.scope.of(side).fields().iter());
        uses.key("writable", cx.link.writable.of(side).fields().iter());
        uses.key("actions", cx.link.actions.of(side).fields().into_iter());
        if let Some(Matching::Lines(lines)) = &cx.link.matching {
            uses.key("match", lines.iter().flat_map(|line| &line.fields).map(|field| field.field.of(side)));
        }
        let forms = cx.link.forms.of(side);
        uses.key("forms", forms.fields.iter().map(|(field, _)| field));
        uses.key("forms", forms.scales.iter().flat_map(|scale| [&scale.amount, &scale.by]));
        uses.key("lifecycle", lifecycle_sets(cx, side).into_iter().map(|(field, _)| field));
        cx.link.paths.of(side).iter().filter(|path| path.list.is_none()).for_each(|path| {
            uses.fields.remove(&path.name);
        });
        uses
    }

    fn key<'f>(&mut self, key: &'static str, fields: impl Iterator<Item = &'f FieldName>) {
        for field in fields {
            let used = self.fields.entry(field.clone()).or_default();
            if !used.keys.contains(&key) {
                used.keys.push(key);
            }
        }
    }

    pub(super) fn used(&self, field: &FieldName) -> Used {
        self.fields.get(field).cloned().unwrap_or_default()
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &FieldName> {
        self.fields.keys()
    }
}
