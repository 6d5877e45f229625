//! One row of a list of child records, chosen by a condition, whose values lie in fields of the other side's record: a
//! customer with an address of its own, and a table of addresses of which one is the billing address.
//!
//! Domain: lists of which one row is meant, or none. Other rows, and what no rule names of the row, stay as they are. A row
//! that is not there is made when a field is not blank, and holds what the condition equates and what the rule says to
//! make. What becomes of the row when all fields are blank is a policy ([`IfBlank`]). Lossless as far as the rules of the row
//! are: a row without values is as good as none.

use std::sync::Arc;

use seamless_core::mapper::{Ask, Draft, MapContext, MapError, MapProblem, Mapper, Resolved};
use seamless_core::model::{
    Choice, FieldName, Planned, Presence, Record, RowForm, RuleIndex, Shape, Side, Sides, Value, ValueRef,
};

use super::{Carrier, Cell, Made, Making, Trouble, widened};
use crate::declaration::IfBlank;
use crate::link_mapper::LinkMapper;

#[derive(Debug)]
pub(crate) struct Embed {
    /// The side with the list.
    pub(crate) list: Side,
    /// The rules between the fields and the row.
    pub(crate) mapper: LinkMapper,
    /// Which row is meant.
    pub(crate) form: Arc<RowForm>,
    /// Of the list's side what the rules read of a row; of the other side the fields, in the order of the rule.
    pub(crate) shapes: Sides<Arc<Shape>>,
    /// What a row that is made holds besides.
    pub(crate) make: Vec<(FieldName, Value)>,
    pub(crate) if_blank: IfBlank,
}

impl Embed {
    fn rows(value: ValueRef<'_>) -> Result<Arc<[Record]>, Trouble> {
        match value {
            ValueRef::List(rows) => Ok(Arc::clone(rows)),
            ValueRef::Null => Ok(Arc::default()),
            other => Err(Trouble::unmappable(
                other,
                format!("a {} is no list of records", other.kind()),
                "name the field that holds the child records",
            )),
        }
    }

    /// The place of the row that is meant.
    fn chosen(&self, rows: &[Record]) -> Result<Option<usize>, Trouble> {
        match self.form.choose(rows) {
            Choice::Nothing => Ok(None),
            Choice::Row(place) => Ok(Some(place)),
            Choice::Several(count) => Err(Trouble::unmappable(
                ValueRef::List(&Arc::default()),
                format!("{count} rows are {}, and none of them is the one", self.form.condition),
                "leave one such row, or say which it is: `several: { lowest: FIELD }`",
            )),
            Choice::Unknown(place) => Err(Trouble {
                problem: MapProblem::NotKnown,
                ..Trouble::unmappable(
                    ValueRef::Null,
                    format!("row {} does not say whether it is {}", place + 1, self.form.condition),
                    "let the integration's user read the fields of the condition",
                )
            }),
        }
    }

    /// What the rules make of one record over another one.
    fn carried(
        &self,
        from: Side,
        source: &Record,
        target: &Record,
        creating: bool,
        resolved: &Resolved,
    ) -> Result<Vec<(usize, Planned)>, Trouble> {
        let to = from.other();
        let target_entity = self.mapper.link().entity.of(to);
        let context = MapContext { resolved, target_entity, creating };
        let mut draft = Draft::over(target);
        for (rule, index) in self.mapper.rules().iter().zip(0..) {
            if !rule.direction.allows(to) {
                continue;
            }
            match self.mapper.carry(RuleIndex(index), from, source, &mut draft, &context) {
                // Of what the system does not say of a row nothing is carried, as of a record.
                Err(error) if error.problem == MapProblem::NotKnown => {}
                Err(error) => return Err(self.trouble(from, *error)),
                Ok(()) => {}
            }
        }
        Ok(draft.into_planned())
    }

    fn trouble(&self, from: Side, error: MapError) -> Trouble {
        let at = self.shapes.of(from).slot(error.field.as_str()).filter(|_| from != self.list);
        let message = match from == self.list {
            true => format!("the row that is {}, {}: {}", self.form.condition, error.field, error.message),
            false => error.message,
        };
        Trouble {
            field: at.unwrap_or(0),
            kind: error.kind,
            problem: error.problem,
            message,
            remedy: error.remedy,
        }
    }

    /// The record that values of the other side's fields are, in the order of the rule.
    fn inline<'v>(&self, values: impl Iterator<Item = Presence<'v>>) -> Record {
        let nothing = Record::absent(self.shapes.of(self.list.other()));
        nothing.with(values.enumerate())
    }

    /// A row with what was carried to it.
    fn written(
        &self,
        row: &Record,
        carried: Vec<(usize, Planned)>,
        cx: &Making<'_>,
    ) -> Result<Record, Trouble> {
        let shape = self.shapes.of(self.list);
        let mut known: Vec<(FieldName, Value)> = Vec::with_capacity(carried.len());
        for (slot, planned) in carried {
            let Some(name) = shape.name(slot) else { continue };
            match planned {
                Planned::Known(value) => known.push((name.clone(), value)),
                Planned::TargetDecides => {}
                Planned::ResultOf(action) => return Err(super::waits_for(action, name, cx)),
            }
        }
        Ok(widened(row, &known))
    }

    fn folded(&self, values: &[ValueRef<'_>], cx: &Making<'_>) -> Result<Made, Trouble> {
        let held = match cx.current.first() {
            None => None,
            Some(Presence::Absent) if cx.creating => None,
            Some(Presence::Value(value)) => Some(*value),
            Some(Presence::Absent | Presence::Unreadable) => {
                return Err(Trouble::unmappable(
                    ValueRef::Null,
                    "nobody can see the list that the row is in",
                    "let the integration's user read the field",
                ));
            }
        };
        let mut rows: Vec<Record> = Self::rows(held.unwrap_or(ValueRef::Null))?.to_vec();
        let chosen = self.chosen(&rows)?;
        let blank = values.iter().all(|value| value.is_blank());
        let source = self.inline(values.iter().map(|value| Presence::Value(*value)));
        let from = self.list.other();
        match (chosen, blank) {
            (None, true) => {}
            (None, false) => {
                let nothing = Record::absent(self.shapes.of(self.list));
                let carried = self.carried(from, &source, &nothing, true, cx.resolved)?;
                let row = self.written(&widened(&nothing, &self.make), carried, cx)?;
                rows.push(row);
            }
            (Some(place), true) if rows.get(place).is_some_and(|row| self.form.is_blank(row)) => {}
            (Some(_), true) if self.if_blank == IfBlank::Leave => {
                return Err(Trouble::unmappable(
                    values.first().copied().unwrap_or(ValueRef::Null),
                    "all fields of the row are blank, which leaves the row alone",
                    "say `if_blank: delete` or `if_blank: blank`, or change the row",
                ));
            }
            (Some(place), true) if self.if_blank == IfBlank::Delete => {
                rows.remove(place);
            }
            (Some(place), _) => {
                if let Some(row) = rows.get_mut(place) {
                    let over = row.reshaped(self.shapes.of(self.list));
                    let carried = self.carried(from, &source, &over, false, cx.resolved)?;
                    *row = self.written(row, carried, cx)?;
                }
            }
        }
        let nothing = rows.is_empty() && held == Some(ValueRef::Null);
        let value = if nothing { Value::Null } else { Value::List(rows.into()) };
        Ok(Made::One(Cell::known(value)))
    }

    fn unfolded(&self, value: ValueRef<'_>, cx: &Making<'_>) -> Result<Made, Trouble> {
        let rows = Self::rows(value)?;
        let shape = self.shapes.of(self.list.other());
        let Some(row) = self.chosen(&rows)?.and_then(|place| rows.get(place)) else {
            return Ok(Made::Many(shape.names().iter().map(|_| Cell::known(Value::Null)).collect()));
        };
        let source = row.reshaped(self.shapes.of(self.list));
        let target = self.inline(cx.current.iter().copied());
        let carried = self.carried(self.list, &source, &target, cx.creating, cx.resolved)?;
        let mut cells: Vec<Cell> = shape.names().iter().map(|_| Cell::Keep).collect();
        for (slot, planned) in carried {
            if let Some(cell) = cells.get_mut(slot) {
                *cell = Cell::Set(planned);
            }
        }
        Ok(Made::Many(cells))
    }
}

impl Carrier for Embed {
    fn carries(&self, _to: Side) -> bool {
        true
    }

    fn lossless(&self) -> bool {
        // What blank fields mean is lost where they leave the row alone.
        self.if_blank != IfBlank::Leave && self.mapper.rules().iter().all(|rule| rule.lossless)
    }

    fn wipes_out(&self, to: Side) -> bool {
        let rules = 0..u16::try_from(self.mapper.rules().len()).unwrap_or(u16::MAX);
        let stays = to == self.list && self.if_blank == IfBlank::Leave;
        !stays && rules.map(RuleIndex).all(|rule| self.mapper.wipes_out(rule, to))
    }

    fn of_lines(&self) -> Option<&LinkMapper> {
        Some(&self.mapper)
    }

    fn asks(&self) -> bool {
        true
    }

    fn ask(&self, to: Side, values: &[ValueRef<'_>], out: &mut Vec<Ask>) {
        let nothing = Resolved::new();
        let from = to.other();
        let source = if to == self.list {
            Some(self.inline(values.iter().map(|value| Presence::Value(*value))))
        } else {
            let rows = values.first().and_then(|value| Self::rows(*value).ok()).unwrap_or_default();
            let chosen = self.chosen(&rows).ok().flatten();
            chosen.and_then(|place| rows.get(place)).map(|row| row.reshaped(self.shapes.of(from)))
        };
        if let Some(source) = source {
            out.extend(self.mapper.references(from, &source, &nothing).into_asks());
        }
    }

    fn make(&self, to: Side, values: &[ValueRef<'_>], cx: &Making<'_>) -> Result<Made, Trouble> {
        match to == self.list {
            true => self.folded(values, cx),
            false => self.unfolded(values.first().copied().unwrap_or(ValueRef::Null), cx),
        }
    }
}
