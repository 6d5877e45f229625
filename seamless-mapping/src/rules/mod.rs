//! The kinds of rules: what each makes of the values of one side for the fields of the other.
//!
//! A [`Carrier`] sees values, not records. It knows no policies and no direction of a link; what the target holds is
//! there for functions of the host, and for texts that hold other things as well. What every kind has in common, above all that a target which already means the
//! same is left alone, is [`LinkMapper`](crate::LinkMapper)'s to do. One file per kind.

pub(crate) mod blank;
pub(crate) mod compare;
pub(crate) mod constant;
pub(crate) mod convert;
pub(crate) mod copy;
pub(crate) mod currency;
pub(crate) mod custom;
pub(crate) mod embed;
pub(crate) mod expression;
pub(crate) mod generated;
pub(crate) mod join;
pub(crate) mod lines;
pub(crate) mod lookup;
pub(crate) mod money;
pub(crate) mod named;
pub(crate) mod options;
pub(crate) mod pack;

use std::fmt;

use seamless_core::mapper::{Ask, MapProblem, Resolved, Seek};
use seamless_core::model::{
    ActionId, EntityName, FieldName, Planned, Presence, Record, Shape, Side, Value, ValueKind, ValueRef,
};

use crate::link_mapper::LinkMapper;

/// What a rule makes of one target field.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cell {
    /// The target keeps what it has.
    Keep,
    /// The target gets this.
    Set(Planned),
}

impl Cell {
    pub(crate) fn known(value: Value) -> Self {
        Cell::Set(Planned::Known(value))
    }
}

/// What a rule makes of its target fields, in the rule's order. The usual case of one field allocates nothing.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Made {
    One(Cell),
    Many(Vec<Cell>),
}

impl Made {
    pub(crate) fn cells(&self) -> &[Cell] {
        match self {
            Made::One(cell) => std::slice::from_ref(cell),
            Made::Many(cells) => cells,
        }
    }
}

/// Why a value was not carried, in the words of the rule's kind; [`LinkMapper`](crate::LinkMapper) adds the rule.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Trouble {
    /// Which of the source fields, in the rule's order.
    pub(crate) field: usize,
    pub(crate) kind: Option<ValueKind>,
    pub(crate) problem: MapProblem,
    pub(crate) message: String,
    pub(crate) remedy: String,
}

impl Trouble {
    pub(crate) fn unmappable(
        value: ValueRef<'_>,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            field: 0,
            kind: Some(value.kind()),
            problem: MapProblem::Unmappable,
            message: message.into(),
            remedy: remedy.into(),
        }
    }

    pub(crate) fn does_not_fit(
        value: ValueRef<'_>,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self { problem: MapProblem::DoesNotFit, ..Self::unmappable(value, message, remedy) }
    }

    pub(crate) fn in_field(mut self, field: usize) -> Self {
        self.field = field;
        self
    }
}

/// What a carrier may look at besides the values.
pub(crate) struct Making<'a> {
    pub(crate) resolved: &'a Resolved,
    /// What the target fields hold, in the rule's order: for functions of the host, and for texts that hold other things
    /// as well.
    pub(crate) current: &'a [Presence<'a>],
    /// Whether the target's record is being created.
    pub(crate) creating: bool,
}

/// How a kind of rule makes target values out of source values.
///
/// Law (`carrying_there_and_back_changes_nothing`): where both directions are possible, what `make` gives towards
/// one side makes, carried back, what was there, or a value that makes the same again.
pub(crate) trait Carrier: fmt::Debug + Send + Sync {
    /// Whether values can be carried to a side at all.
    fn carries(&self, to: Side) -> bool;

    /// Whether carrying to a side and back, without knowing what was there, gives the same value.
    fn lossless(&self) -> bool;

    /// Whether carrying to a side a second time wipes out the first: what the target becomes does not depend on what
    /// was carried before (PutPut, I3). Where it fails, a target that once meant several things keeps the one that it
    /// was given before, so the order of two edits can be seen in it.
    fn wipes_out(&self, to: Side) -> bool {
        let _ = to;
        self.lossless()
    }

    /// Whether the value is the same on both sides, so that it can be compared directly.
    fn is_identity(&self) -> bool {
        false
    }

    /// The rules of a line, of a rule over lists.
    fn of_lines(&self) -> Option<&LinkMapper> {
        None
    }

    /// Whether `ask` ever asks.
    fn asks(&self) -> bool {
        false
    }

    /// The entities that references of a side can point at.
    fn pointed_at(&self, side: Side) -> Vec<EntityName> {
        let _ = side;
        Vec::new()
    }

    /// What must be looked up before `make` can answer.
    fn ask(&self, to: Side, values: &[ValueRef<'_>], out: &mut Vec<Ask>) {
        let _ = (to, values, out);
    }

    /// What the only target field becomes, where that is a value which is there already, of the source or of the rule, or a
    /// text that is put together in `scratch`, which is empty. `None` where `make` must be asked.
    ///
    /// Law (`what_is_lent_is_what_is_made`): where it gives something, `make` gives the same.
    fn lend<'v>(
        &'v self,
        to: Side,
        values: &[ValueRef<'v>],
        scratch: &'v mut String,
    ) -> Option<ValueRef<'v>> {
        let _ = (to, values, scratch);
        None
    }

    /// How many bytes a text has at most that a side gets as it is; `None` where each must be asked about.
    ///
    /// Law (`what_is_handed_on_is_what_is_made`): of a text that is not empty and has no more bytes `make` gives the same
    /// text, whatever the target holds.
    fn hands_on(&self, to: Side) -> Option<usize> {
        let _ = to;
        None
    }

    /// Whether what a side gets can change although the giving record does not: it is a field of another record.
    fn follows(&self, to: Side) -> bool {
        let _ = to;
        false
    }

    /// Whether `seek` ever asks.
    fn seeks(&self) -> bool {
        false
    }

    /// What a system must be asked before `make` can answer, given what was asked already.
    fn seek(&self, to: Side, values: &[ValueRef<'_>], resolved: &Resolved, out: &mut Vec<Seek>) {
        let _ = (to, values, resolved, out);
    }

    /// What the target's fields become. `values` are the source fields in the rule's order, all of them known.
    fn make(&self, to: Side, values: &[ValueRef<'_>], cx: &Making<'_>) -> Result<Made, Trouble>;
}

/// A child record with these values; fields that it does not have are added to it.
pub(crate) fn widened(record: &Record, values: &[(FieldName, Value)]) -> Record {
    let mut names: Vec<FieldName> = record.shape().names().to_vec();
    for (name, _) in values {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    let wider = (names.len() > record.shape().len()).then(|| Shape::new(names).ok()).flatten();
    let record = wider.map_or_else(|| record.clone(), |shape| record.reshaped(&shape));
    let change = |(name, value): &'_ (FieldName, Value)| {
        record.shape().slot(name.as_str()).map(|slot| (slot, value.clone()))
    };
    let changes: Vec<(usize, Value)> = values.iter().filter_map(change).collect();
    record.with(changes.iter().map(|(slot, value)| (*slot, Presence::Value(value.as_ref()))))
}

/// A reference of a child record to what the same plan creates: the list is written as one value, so it waits.
pub(crate) fn waits_for(action: ActionId, field: &FieldName, cx: &Making<'_>) -> Trouble {
    let asked = cx.resolved.ask_of(action).cloned();
    Trouble {
        field: 0,
        kind: None,
        problem: asked.map_or(MapProblem::Unmappable, MapProblem::Waiting),
        message: format!("{field}: the record that it refers to is created by this plan"),
        remedy: "it is carried as soon as that record is linked".to_owned(),
    }
}
