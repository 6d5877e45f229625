//! Lists of child records: an order with its lines. Each line of one side becomes the line of the other side that has
//! its key, by rules of their own.
//!
//! Domain: lists whose lines the rules can carry. Of lines that share a key, and of lines without one, those that say the
//! same belong together, and the others in their order. What no rule names of a line stays, and so does the place of a line among the others; new lines stand at the
//! end. A reference to a record that the same plan creates waits, since the list is written as one value.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use seamless_core::mapper::{Ask, Draft, MapContext, MapError, MapProblem, Mapper, Resolved, Seek};
use seamless_core::model::{
    FieldName, LineForm, LineKey, Planned, Presence, Record, RuleIndex, Shape, Side, Sides, Value, ValueRef,
};

use super::{Carrier, Cell, Made, Making, Trouble};
use crate::link_mapper::LinkMapper;

#[derive(Debug)]
pub(crate) struct Lines {
    /// The rules of a line.
    pub(crate) mapper: LinkMapper,
    /// What counts of a line of each side.
    pub(crate) forms: Sides<Arc<LineForm>>,
    /// What the rules read of a line.
    pub(crate) shapes: Sides<Arc<Shape>>,
}

/// A line that is carried, and the line of the target that it is.
struct Coming<'t> {
    source: Record,
    /// What it would be as a new line.
    new: Record,
    key: Option<LineKey>,
    target: Option<(usize, &'t Record)>,
}

/// What is known of a value of a line after it was carried.
type Carried = Vec<(usize, Value)>;

impl Lines {
    fn lines(value: ValueRef<'_>) -> Result<Arc<[Record]>, Trouble> {
        LineForm::lines_of(value).ok_or_else(|| {
            let message = format!("a {} is no list of records", value.kind());
            Trouble::unmappable(value, message, "map the list of child records of both sides")
        })
    }

    /// What a line becomes over a line of the target.
    fn carried(
        &self,
        to: Side,
        source: &Record,
        (target, creating): (&Record, bool),
        resolved: &Resolved,
    ) -> Result<Carried, Trouble> {
        let target_entity = self.mapper.link().entity.of(to);
        let context = MapContext { resolved, target_entity, creating };
        let mut draft = Draft::over(target);
        for (rule, index) in self.mapper.rules().iter().zip(0..) {
            if rule.direction.allows(to) {
                match self.mapper.carry(RuleIndex(index), to.other(), source, &mut draft, &context) {
                    // Of what the system does not say of a line nothing is carried, as of a record.
                    Err(error) if error.problem == MapProblem::NotKnown => {}
                    Err(error) => return Err(self.trouble(to.other(), source, *error)),
                    Ok(()) => {}
                }
            }
        }
        let mut known = Carried::new();
        for (slot, planned) in draft.into_planned() {
            match planned {
                Planned::Known(value) => known.push((slot, value)),
                Planned::TargetDecides => {}
                Planned::ResultOf(action) => {
                    let field = self.shapes.of(to).name(slot).cloned().unwrap_or_else(|| "".into());
                    let problem =
                        resolved.ask_of(action).cloned().map_or(MapProblem::Unmappable, MapProblem::Waiting);
                    let message = "the record that it refers to is created by this plan";
                    return Err(Trouble {
                        field: 0,
                        kind: None,
                        problem,
                        message: self.in_line(to.other(), source, &field, message),
                        remedy: "it is carried as soon as that record is linked".to_owned(),
                    });
                }
            }
        }
        Ok(known)
    }

    fn trouble(&self, from: Side, line: &Record, error: MapError) -> Trouble {
        Trouble {
            field: 0,
            kind: error.kind,
            message: self.in_line(from, line, &error.field, &error.message),
            remedy: error.remedy,
            problem: error.problem,
        }
    }

    /// A message that says which line, and which of its fields.
    fn in_line(&self, side: Side, line: &Record, field: &FieldName, message: &str) -> String {
        let key = self.forms.of(side).key_of(line).map(|key| {
            key.values().iter().map(|value| value.as_ref().to_string()).collect::<Vec<_>>().join(", ")
        });
        match key {
            Some(key) if key.is_empty() => format!("a line, {field}: {message}"),
            Some(key) => format!("line {key}, {field}: {message}"),
            None => format!("a line without a key, {field}: {message}"),
        }
    }

    /// A line with what was carried to it.
    fn written(&self, to: Side, line: &Record, carried: &Carried) -> Record {
        let shape = self.shapes.of(to);
        let named = carried.iter().filter_map(|(slot, value)| Some((shape.name(*slot)?, value)));
        let missing = named.clone().any(|(name, _)| line.shape().slot(name.as_str()).is_none());
        let widened = missing.then(|| {
            let names = line.shape().names().iter().chain(shape.names());
            let mut all: Vec<FieldName> = Vec::with_capacity(line.shape().len() + shape.len());
            names.for_each(|name| {
                if !all.contains(name) {
                    all.push(name.clone());
                }
            });
            Shape::new(all).map(|shape| line.reshaped(&shape)).ok()
        });
        let line = widened.flatten().unwrap_or_else(|| line.clone());
        let changes: Vec<(usize, Presence<'_>)> = named
            .filter_map(|(name, value)| {
                Some((line.shape().slot(name.as_str())?, Presence::Value(value.as_ref())))
            })
            .collect();
        line.with(changes)
    }
}

impl Carrier for Lines {
    fn carries(&self, _to: Side) -> bool {
        true
    }

    fn lossless(&self) -> bool {
        self.mapper.rules().iter().all(|rule| rule.lossless)
    }

    fn wipes_out(&self, to: Side) -> bool {
        let rules = 0..u16::try_from(self.mapper.rules().len()).unwrap_or(u16::MAX);
        rules.map(RuleIndex).all(|rule| self.mapper.wipes_out(rule, to))
    }

    fn of_lines(&self) -> Option<&LinkMapper> {
        Some(&self.mapper)
    }

    fn asks(&self) -> bool {
        true
    }

    fn ask(&self, to: Side, values: &[ValueRef<'_>], out: &mut Vec<Ask>) {
        let Some(lines) = values.first().copied().and_then(LineForm::lines_of) else { return };
        let nothing = Resolved::new();
        for line in lines.iter() {
            let line = line.reshaped(self.shapes.of(to.other()));
            out.extend(self.mapper.references(to.other(), &line, &nothing).into_asks());
        }
    }

    fn seeks(&self) -> bool {
        self.mapper.seeks()
    }

    fn seek(&self, to: Side, values: &[ValueRef<'_>], resolved: &Resolved, out: &mut Vec<Seek>) {
        if !self.seeks() {
            return;
        }
        let Some(lines) = values.first().copied().and_then(LineForm::lines_of) else { return };
        for line in lines.iter() {
            let line = line.reshaped(self.shapes.of(to.other()));
            out.extend(self.mapper.references(to.other(), &line, resolved).into_parts().1);
        }
    }

    fn make(&self, to: Side, values: &[ValueRef<'_>], cx: &Making<'_>) -> Result<Made, Trouble> {
        let lines = Self::lines(values.first().copied().unwrap_or(ValueRef::Null))?;
        let held = match cx.current.first().and_then(|held| held.value()) {
            Some(held) => Self::lines(held)?,
            None => Arc::default(),
        };
        let mut free: BTreeMap<Option<LineKey>, VecDeque<(usize, &Record)>> = BTreeMap::new();
        for (place, line) in held.iter().enumerate() {
            free.entry(self.forms.of(to).key_of(line)).or_default().push_back((place, line));
        }
        let nothing = Record::absent(self.shapes.of(to));
        let mut coming = Vec::with_capacity(lines.len());
        let mut of_key: BTreeMap<Option<LineKey>, usize> = BTreeMap::new();
        for line in lines.iter() {
            let source = line.reshaped(self.shapes.of(to.other()));
            // What it would be as a new line tells which line of the target it is.
            let carried = self.carried(to, &source, (&nothing, true), cx.resolved)?;
            let new = self.written(to, &nothing, &carried);
            let key = self.forms.of(to).key_of(&new);
            *of_key.entry(key.clone()).or_default() += 1;
            coming.push(Coming { source, new, key, target: None });
        }
        // Of several lines with one key those that say the same belong together, wherever they stand.
        for line in &mut coming {
            let Some(group) = free.get_mut(&line.key) else { continue };
            if group.len() == 1 && of_key.get(&line.key) == Some(&1) {
                continue;
            }
            let form = self.forms.of(to);
            let same = group.iter().position(|(_, target)| form.same(&line.new, target));
            line.target = same.and_then(|at| group.remove(at));
        }
        let mut made: Vec<(usize, Record)> = Vec::with_capacity(coming.len());
        for line in coming {
            let next = || free.get_mut(&line.key).and_then(VecDeque::pop_front);
            match line.target.or_else(next) {
                Some((place, target)) => {
                    let over = target.reshaped(self.shapes.of(to));
                    let carried = self.carried(to, &line.source, (&over, false), cx.resolved)?;
                    made.push((place, self.written(to, target, &carried)));
                }
                None => made.push((usize::MAX, line.new)),
            }
        }
        made.sort_by_key(|(place, _)| *place);
        let lines = made.into_iter().map(|(_, line)| line).collect();
        Ok(Made::One(Cell::known(Value::List(lines))))
    }
}
