//! What an action sends, field by field, in as few pieces as can be: the fields are shared by actions that change the
//! same ones, the values lie in records. A plan of a first sync holds millions of them, and each is written, read,
//! sealed, read again and sent. The door is [`Changes`].

use std::sync::Arc;

use super::entry::{FieldChange, Provenance};
pub use crate::model::PlannedRef;
use crate::model::{ActionId, FieldName, Planned, Presence, Record, RecordBuilder, RuleId, RuledFields};

/// The changes of an action, in the order of the target's shape. No field is named twice.
#[derive(Clone, Default, PartialEq)]
pub struct Changes(Option<Box<Inner>>);

#[derive(Clone)]
struct Inner {
    fields: Arc<RuledFields>,
    /// `None`: nothing was said of any of them.
    before: Option<Record>,
    /// What is sent, where it is known.
    after: Record,
    /// The places of what is not, in order.
    later: Vec<(usize, Later)>,
    from: Origins,
}

/// What is known only when the plan is applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Later {
    ResultOf(ActionId),
    TargetDecides,
}

/// Where values come from: all from one place, as those of a new record, or each from its own.
#[derive(Clone)]
enum Origins {
    All(Provenance),
    Each(Vec<Provenance>),
}

/// What changes are made of, as it is stored.
pub(crate) struct ChangesParts {
    /// The changed fields.
    pub(crate) fields: Arc<RuledFields>,
    /// A record of them.
    pub(crate) before: Option<Record>,
    /// A record of them.
    pub(crate) after: Record,
    /// By place, in order.
    pub(crate) later: Vec<(usize, Later)>,
    /// One for all, or one for each.
    pub(crate) from: Vec<Provenance>,
}

/// One field of an action; see [`FieldChange`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Change<'a> {
    /// The rule that asks for it; `None` for a value that a lifecycle policy sets.
    pub rule: Option<&'a RuleId>,
    /// The field of the side that is written.
    pub field: &'a FieldName,
    /// What it holds before.
    pub before: Presence<'a>,
    /// What is sent.
    pub after: PlannedRef<'a>,
    /// Where the value comes from.
    pub from: &'a Provenance,
}

impl Change<'_> {
    /// An owned copy.
    pub fn to_owned(self) -> FieldChange {
        FieldChange {
            rule: self.rule.cloned(),
            field: self.field.clone(),
            before: self.before.to_slot(),
            after: self.after.to_planned(),
            from: self.from.clone(),
        }
    }
}

impl Changes {
    /// None: of a delete.
    pub fn none() -> Self {
        Self::default()
    }

    /// Owned changes. Of two to one field the later is meant.
    pub fn of(changes: Vec<FieldChange>) -> Self {
        let mut distinct: Vec<FieldChange> = Vec::with_capacity(changes.len());
        for change in changes {
            match distinct.iter_mut().find(|known| known.field == change.field) {
                Some(known) => *known = change,
                None => distinct.push(change),
            }
        }
        let heads = distinct.iter().map(|change| (change.rule.clone(), change.field.clone()));
        let Ok(fields) = RuledFields::new(heads) else { return Self::none() };
        let mut making = ChangesBuilder::new(fields);
        for FieldChange { rule: _, field: _, before, after, from } in distinct {
            making.push(before.as_presence(), &after, from);
        }
        making.finish()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |inner| inner.fields.len())
    }

    /// Whether nothing is changed.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The changes, in order.
    pub fn iter(&self) -> impl Iterator<Item = Change<'_>> {
        self.0.iter().flat_map(|inner| inner.iter())
    }

    /// The change of a field.
    pub fn field(&self, name: &str) -> Option<Change<'_>> {
        let inner = self.0.as_ref()?;
        inner.change(inner.fields.shape().slot(name)?)
    }

    /// Owned copies, to be made into others.
    pub fn to_vec(&self) -> Vec<FieldChange> {
        self.iter().map(Change::to_owned).collect()
    }

    /// The fields, where there are any.
    pub fn fields(&self) -> Option<&Arc<RuledFields>> {
        self.0.as_ref().map(|inner| &inner.fields)
    }

    /// What is sent, where it is known: a record of the changed fields.
    pub(crate) fn after(&self) -> Option<&Record> {
        self.0.as_ref().map(|inner| &inner.after)
    }

    /// What the fields hold before, where anything was said of one: a record of them.
    pub(crate) fn before(&self) -> Option<&Record> {
        self.0.as_ref().and_then(|inner| inner.before.as_ref())
    }

    /// Where the values come from: one for all, or one for each.
    pub(crate) fn origins(&self) -> &[Provenance] {
        match self.0.as_ref().map(|inner| &inner.from) {
            Some(Origins::All(from)) => std::slice::from_ref(from),
            Some(Origins::Each(all)) => all,
            None => &[],
        }
    }

    /// What is not known yet, by place.
    pub(crate) fn later(&self) -> &[(usize, Later)] {
        self.0.as_ref().map_or(&[], |inner| &inner.later)
    }

    /// Changes that were stored.
    pub(crate) fn of_parts(parts: ChangesParts) -> Self {
        let ChangesParts { fields, before, after, later, mut from } = parts;
        let from = match (from.len(), from.pop()) {
            (1, Some(all)) => Origins::All(all),
            (_, Some(last)) => {
                from.push(last);
                Origins::Each(from)
            }
            (_, None) => return Self::none(),
        };
        Self(Some(Box::new(Inner { fields, before, after, later, from })))
    }

    /// The values, where all of them are known: a record of the changed fields.
    pub fn known(&self) -> Option<&Record> {
        self.0.as_ref().filter(|inner| inner.later.is_empty()).map(|inner| &inner.after)
    }
}

impl From<Vec<FieldChange>> for Changes {
    fn from(changes: Vec<FieldChange>) -> Self {
        Self::of(changes)
    }
}

impl std::fmt::Debug for Changes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl Inner {
    fn iter(&self) -> impl Iterator<Item = Change<'_>> {
        (0..self.fields.len()).filter_map(|place| self.change(place))
    }

    fn change(&self, place: usize) -> Option<Change<'_>> {
        let (rule, field) = self.fields.get(place)?;
        let before = self.before.as_ref().map_or(Presence::Absent, |before| before.get(place));
        let later = self.later.binary_search_by_key(&place, |(at, _)| *at);
        let after = match later.ok().and_then(|at| self.later.get(at)) {
            Some((_, Later::ResultOf(action))) => PlannedRef::ResultOf(*action),
            Some((_, Later::TargetDecides)) => PlannedRef::TargetDecides,
            None => self.after.get(place).value().map_or(PlannedRef::TargetDecides, PlannedRef::Known),
        };
        Some(Change { rule, field, before, after, from: self.from.get(place)? })
    }
}

impl PartialEq for Inner {
    fn eq(&self, other: &Self) -> bool {
        (Arc::ptr_eq(&self.fields, &other.fields) || self.fields == other.fields)
            && self.iter().eq(other.iter())
    }
}

impl Origins {
    fn get(&self, place: usize) -> Option<&Provenance> {
        match self {
            Origins::All(from) => Some(from),
            Origins::Each(all) => all.get(place),
        }
    }
}

/// Makes changes of shared fields, one after the other.
pub struct ChangesBuilder {
    fields: Arc<RuledFields>,
    /// Begun with the first field of which anything was said.
    before: Option<RecordBuilder>,
    after: RecordBuilder,
    later: Vec<(usize, Later)>,
    from: Option<Origins>,
}

impl ChangesBuilder {
    /// Begins changes of these fields.
    pub fn new(fields: Arc<RuledFields>) -> Self {
        let after = RecordBuilder::new(fields.shape());
        Self { fields, before: None, after, later: Vec::new(), from: None }
    }

    /// Says how the next field changes.
    pub fn push(&mut self, before: Presence<'_>, after: &Planned, from: Provenance) {
        self.push_before(before);
        self.push_after(after.as_ref());
        self.push_from(from);
    }

    /// What the next field holds before.
    pub fn push_before(&mut self, before: Presence<'_>) {
        if self.before.is_none() && before != Presence::Absent {
            let mut begun = RecordBuilder::new(self.fields.shape());
            (0..self.after.len()).for_each(|_| begun.push(Presence::Absent));
            self.before = Some(begun);
        }
        if let Some(known) = &mut self.before {
            known.push(before);
        }
    }

    /// What is sent for the next field.
    pub fn push_after(&mut self, after: PlannedRef<'_>) {
        let place = self.after.len();
        let later = match after {
            PlannedRef::Known(value) => return self.after.push_value(value),
            PlannedRef::ResultOf(action) => Later::ResultOf(action),
            PlannedRef::TargetDecides => Later::TargetDecides,
        };
        self.later.push((place, later));
        self.after.push(Presence::Absent);
    }

    /// Where the value of the next field comes from; after what is sent for it.
    pub fn push_from(&mut self, from: Provenance) {
        match &mut self.from {
            None => self.from = Some(Origins::All(from)),
            Some(Origins::All(known)) if *known == from => {}
            Some(Origins::All(known)) => {
                let before = self.after.len().saturating_sub(1);
                let mut all = vec![known.clone(); before];
                all.push(from);
                self.from = Some(Origins::Each(all));
            }
            Some(Origins::Each(all)) => all.push(from),
        }
    }

    /// The changes; fields of which nothing was said are left to the target.
    pub fn finish(self) -> Changes {
        let Self { fields, before, after, later, from } = self;
        let Some(from) = from else { return Changes::none() };
        let (before, after) = (before.map(RecordBuilder::finish), after.finish());
        Changes(Some(Box::new(Inner { fields, before, after, later, from })))
    }
}

#[cfg(test)]
#[path = "changes_tests.rs"]
mod tests;
