//! A link compiled for the engine: what is read of each side, in which slots, compared how, in which groups. Knows
//! records of those shapes, not how they were read. The door is [`CompiledLink::compile`].

use std::sync::Arc;

use serde::Serialize;

use crate::mapper::{
    Draft, LinkSpec, MapContext, MapError, MapProblem, Mapper, Path, Rule, SideActions, check_paths,
};
use crate::model::{
    Condition, Error, ErrorKind, FieldName, Fingerprint, FormSpec, Planned, Presence, Record, Result, RuleId,
    RuleIndex, RuledFields, Shape, Side, SideForms, Sides, Truth,
};

use super::groups::{Group, group_rules};
use super::layout::{CopyPair, Layout};
use super::ways::moved_slots;

/// A link compiled for the engine. Shared by everything that works on the link; never changes.
#[derive(Debug)]
pub struct CompiledLink {
    mapper: Arc<dyn Mapper>,
    shapes: Sides<Arc<Shape>>,
    watched: Sides<usize>,
    forms: Sides<SideForms>,
    groups: Vec<Group>,
    group_of_rule: Vec<usize>,
    digest: Fingerprint,
    /// Per side, the slots that a record is created with where every rule carries, in order, and their fields.
    created: Sides<Option<(Vec<usize>, Arc<RuledFields>)>>,
    /// Per side, the slots of fields that actions move, in order.
    pub(super) moved: Sides<Vec<usize>>,
    /// Whether the scope of a side looks at another record.
    scope_reaches: Sides<bool>,
    pub(super) layout: Layout,
}

impl CompiledLink {
    /// Compiles a mapper: shapes, canonical forms, groups.
    ///
    /// Errors (configuration): rules of one group that disagree on a policy, forms that depend on a field which no
    /// side has, more rules or fields than the limits allow.
    pub fn compile(mapper: Arc<dyn Mapper>) -> Result<Arc<CompiledLink>> {
        let (spec, rules) = (mapper.link(), mapper.rules());
        for side in Side::BOTH {
            check_paths(spec, rules, side, mapper.paths(side))?;
        }
        let (left, left_watched) = shape_of(Side::Left, spec, rules, mapper.paths(Side::Left))?;
        let (right, right_watched) = shape_of(Side::Right, spec, rules, mapper.paths(Side::Right))?;
        let shapes = Sides::new(left, right);
        let watched = Sides::new(left_watched, right_watched);
        let at_link = |error: Error| error.at("link", &spec.id);
        let forms = Sides::new(
            forms_of(Side::Left, spec, rules, &shapes.left).map_err(at_link)?,
            forms_of(Side::Right, spec, rules, &shapes.right).map_err(at_link)?,
        );
        let groups = group_rules(rules, &shapes).map_err(at_link)?;
        let mut group_of_rule = vec![0; rules.len()];
        for (place, group) in groups.iter().enumerate() {
            for rule in &group.rules {
                if let Some(of) = group_of_rule.get_mut(usize::from(rule.0)) {
                    *of = place;
                }
            }
        }
        let layout = Layout::of(spec.mode, rules, &groups, &shapes, &watched, &forms);
        let created = Sides::new(
            created(Side::Left, spec, rules, &groups, &shapes.left)?,
            created(Side::Right, spec, rules, &groups, &shapes.right)?,
        );
        let moved = Sides::new(
            moved_slots(Side::Left, spec, &groups, &shapes.left).map_err(at_link)?,
            moved_slots(Side::Right, spec, &groups, &shapes.right).map_err(at_link)?,
        );
        let paths = Sides::new(mapper.paths(Side::Left), mapper.paths(Side::Right));
        let digest = digest_of(spec, rules, &paths)?;
        let scope_reaches =
            Sides::new(reaches(&spec.scope.left, paths.left), reaches(&spec.scope.right, paths.right));
        Ok(Arc::new(CompiledLink {
            mapper,
            shapes,
            watched,
            forms,
            groups,
            group_of_rule,
            digest,
            created,
            moved,
            scope_reaches,
            layout,
        }))
    }

    /// The mapper that was compiled.
    pub fn mapper(&self) -> &dyn Mapper {
        &*self.mapper
    }

    /// What the mapping says of the link.
    pub fn spec(&self) -> &LinkSpec {
        self.mapper.link()
    }

    /// The rules.
    pub fn rules(&self) -> &[Rule] {
        self.mapper.rules()
    }

    /// What is read of a side. First the fields of all rules in rule order, so that the n-th of a list of copy rules
    /// has slot n on both sides; then fields that conditions and forms look at; then fields that only matching needs.
    pub fn shape(&self, side: Side) -> &Arc<Shape> {
        self.shapes.of(side)
    }

    /// Slots below this decide whether a pair must be looked at: all but the fields that only matching needs.
    pub fn watched(&self, side: Side) -> usize {
        *self.watched.of(side)
    }

    /// The canonical forms of a side: what the link declares, joined with the equivalence of each rule.
    pub fn forms(&self, side: Side) -> &SideForms {
        self.forms.of(side)
    }

    /// The fingerprint of what is watched of a record, in canonical form: equal ones need not be looked at.
    pub fn fingerprint(&self, side: Side, record: &Record) -> Fingerprint {
        self.forms.of(side).fingerprint_of_first(record, self.watched(side))
    }

    /// The groups, in the order of their first rules.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// What a record of a side is created with where every rule carries: the slots, in order, and their fields with the
    /// rules that ask for them. `None` where no rule goes there.
    pub fn created(&self, side: Side) -> Option<(&[usize], &Arc<RuledFields>)> {
        self.created.of(side).as_ref().map(|(slots, fields)| (slots.as_slice(), fields))
    }

    /// The rule of a group that asks for a field of a side.
    pub fn rule_for(&self, group: usize, side: Side, field: &FieldName) -> Option<&RuleId> {
        asking(self.rules(), self.groups.get(group)?, side, field)
    }

    /// The group of a rule; 0 for a rule that the link does not have.
    pub fn group_of(&self, rule: RuleIndex) -> usize {
        self.group_of_rule.get(usize::from(rule.0)).copied().unwrap_or(0)
    }

    /// Whether a rule follows records that are not those of a pair: then each pair is looked at when everything is read.
    pub fn follows(&self) -> bool {
        !self.layout.follows.is_empty()
    }

    /// The digest of everything that decides: the link and all its rules.
    pub fn digest(&self) -> Fingerprint {
        self.digest
    }

    /// Whether a record of a side takes part in the link.
    pub fn scope(&self, side: Side, record: &Record) -> Truth {
        self.spec().scope.of(side).holds(record)
    }

    /// Whether the scope of a side looks at another record: what it says of a record can then be unknown although the record
    /// itself is read, and the record waits.
    pub fn scope_reaches(&self, side: Side) -> bool {
        *self.scope_reaches.of(side)
    }

    /// Whether it waits to be known whether a record of a side takes part: its scope looks at another record, which does not
    /// say.
    pub fn scope_waits(&self, side: Side, record: &Record) -> bool {
        self.scope_reaches(side) && self.scope(side, record) == Truth::Unknown
    }

    /// Whether anything of a side is read through references.
    pub fn follows_paths(&self, side: Side) -> bool {
        !self.mapper.paths(side).is_empty()
    }

    /// The paths of a side that begin with one of these fields: where a field is missing, so is what is read through it.
    pub fn begun_by(&self, side: Side, fields: &[FieldName]) -> Vec<FieldName> {
        let begun = self.mapper.paths(side).iter().filter(|path| path.list.is_none());
        let begun = begun.filter(|path| path.begins().is_some_and(|begins| fields.contains(begins)));
        begun.map(|path| path.name.clone()).collect()
    }

    /// What is said of a record of a side that waits for that.
    pub fn scope_unseen(&self, side: Side) -> String {
        format!("whether it takes part cannot be seen: {}", self.spec().scope.of(side))
    }

    /// Whether a condition on records of a side looks at another record.
    pub fn reaches(&self, side: Side, condition: &Condition) -> bool {
        reaches(condition, self.mapper.paths(side))
    }

    /// Whether values of a group may go to a side, as the rules and the mode of the link say.
    pub fn allows(&self, group: usize, to: Side) -> bool {
        self.layout.allowed.get(group).is_some_and(|allowed| *allowed.of(to))
    }

    /// Whether a group's rules apply to a record of a side: in when one of them does, else unknown when one of them
    /// is.
    pub fn applies(&self, group: usize, from: Side, source: &Record) -> Truth {
        if self.layout.conditional.get(group) == Some(&false) {
            return Truth::In;
        }
        let mut applies = Truth::Out;
        for (_, rule) in self.rules_of(group) {
            match rule.when.of(from).holds(source) {
                Truth::In => return Truth::In,
                Truth::Unknown => applies = Truth::Unknown,
                Truth::Out => {}
            }
        }
        applies
    }

    /// Carries all rules of a group from one side's record into the other's: what is planned for which slot of the
    /// target. Whether the group may go that way is the caller's to ask ([`CompiledLink::allows`]); a rule whose
    /// condition does not hold for the source carries nothing.
    ///
    /// Errors: the first rule that could not carry; the whole group is to be parked or waits.
    pub fn carry_group(
        &self,
        group: usize,
        from: Side,
        source: &Record,
        target: &Record,
        cx: &MapContext<'_>,
    ) -> Result<Vec<(usize, Planned)>, Box<MapError>> {
        let mut draft = Draft::over(target);
        self.carry_into(group, from, source, &mut draft, cx)?;
        let planned = draft.into_planned();
        if !cx.creating {
            self.check_writable(group, from.other(), target, &planned)?;
        }
        Ok(planned)
    }

    /// Carries all rules of a group behind what others put into a draft already, as for a record that is made: whether the
    /// target may be written is not asked.
    ///
    /// Errors: as [`CompiledLink::carry_group`]; the draft then holds what the group planned before.
    pub fn carry_into(
        &self,
        group: usize,
        from: Side,
        source: &Record,
        draft: &mut Draft<'_>,
        cx: &MapContext<'_>,
    ) -> Result<(), Box<MapError>> {
        for (index, rule) in self.rules_of(group) {
            match rule.when.of(from).holds(source) {
                Truth::Out => {}
                Truth::In => self.mapper.carry(index, from, source, draft, cx)?,
                Truth::Unknown => return Err(Box::new(self.condition_unknown(rule, from))),
            }
        }
        Ok(())
    }

    /// Whether a group may change a record as it is. What changes nothing is never in the way, so that two records can be found
    /// to agree in any state.
    ///
    /// Errors: [`MapProblem::NotNow`] where the record is in a state in which rules do not write it; where that cannot be seen,
    /// [`MapProblem::NotKnown`].
    pub fn check_writable(
        &self,
        group: usize,
        to: Side,
        target: &Record,
        planned: &[(usize, Planned)],
    ) -> Result<(), Box<MapError>> {
        let condition = self.spec().writable.of(to);
        if *condition == Condition::Always || !planned.iter().any(|one| self.moves(to, target, one)) {
            return Ok(());
        }
        let Some((_, rule)) = self.rules_of(group).next() else { return Ok(()) };
        let deciding = condition.fields();
        let says_the_state = |rule: &Rule| rule.fields.of(to).iter().any(|field| deciding.contains(field));
        // A record that an earlier step of the plan makes is there, and nothing is known of it yet.
        let is_made = target.fields().all(|(_, presence)| presence == Presence::Absent);
        if is_made || self.rules_of(group).any(|(_, rule)| says_the_state(rule)) {
            return Ok(());
        }
        let problem = match condition.holds(target) {
            Truth::In => return Ok(()),
            Truth::Out => MapProblem::NotNow,
            Truth::Unknown if self.reaches(to, condition) => MapProblem::NotFound,
            Truth::Unknown => MapProblem::NotKnown,
        };
        let field = rule.fields.of(to.other()).first().or_else(|| rule.fields.of(to).first());
        Err(Box::new(MapError {
            rule: rule.id.clone(),
            field: field.cloned().unwrap_or_else(|| FieldName::from("")),
            kind: None,
            problem,
            message: format!("the record of the {to} side is not written now: not {condition}"),
            remedy: "open that record again, or undo the edit".to_owned(),
        }))
    }

    /// Whether a planned value is another one than the target holds.
    fn moves(&self, to: Side, target: &Record, (slot, after): &(usize, Planned)) -> bool {
        match (after, target.get(*slot)) {
            (Planned::Known(value), Presence::Value(held)) => {
                !self.forms(to).slot(*slot).same(value.as_ref(), held)
            }
            _ => true,
        }
    }

    /// Whether the two sides are consistent in a group: carrying left to right gives what the right means already, or
    /// the other way round; only ways that the group allows are tried. `None` where it cannot be known: a field is
    /// absent or unreadable, a reference waits, a value has no counterpart, or no rule applies.
    ///
    /// A group that only copies is compared directly: what both sides' forms together make of both values.
    pub fn consistent(
        &self,
        group: usize,
        left: &Record,
        right: &Record,
        cx: &Sides<MapContext<'_>>,
    ) -> Option<bool> {
        if let Some(Some(pair)) = self.layout.copies.get(group) {
            let said =
                left.get(pair.slots.left).value().is_some() && right.get(pair.slots.right).value().is_some();
            let same = || match pair.record_wise {
                false => self.copy_same(pair, left, right),
                true => self.copy_same_in_record(pair, left, right, self.is_stable(group, left, right, cx)),
            };
            return said.then(same);
        }
        let records = Sides::new(left, right);
        let mut found = None;
        for to in [Side::Right, Side::Left] {
            if !self.allows(group, to) {
                continue;
            }
            match self.carries_nothing_new(group, to, &records, cx) {
                Some(true) => return Some(true),
                Some(false) => found = Some(false),
                None => {}
            }
        }
        found
    }

    /// Whether carrying a group to a side leaves that side's meaning as it is.
    fn carries_nothing_new(
        &self,
        group: usize,
        to: Side,
        records: &Sides<&Record>,
        cx: &Sides<MapContext<'_>>,
    ) -> Option<bool> {
        let (source, target) = (*records.of(to.other()), *records.of(to));
        let planned = self.carry_group(group, to.other(), source, target, cx.of(to)).ok()?;
        if planned.is_empty() {
            // A rule that applies and plans nothing says that the target means it already.
            let applies = self.applies(group, to.other(), source) == Truth::In;
            return applies.then_some(true);
        }
        if planned.iter().any(|(slot, _)| target.get(*slot).value().is_none()) {
            return None;
        }
        if planned.iter().any(|(_, value)| matches!(value, Planned::ResultOf(_))) {
            // The record that is referred to does not exist yet, so the target cannot refer to it.
            return Some(false);
        }
        let known = planned.iter().filter_map(|(slot, value)| match value {
            Planned::Known(value) => Some((*slot, crate::model::Presence::Value(value.as_ref()))),
            Planned::ResultOf(_) | Planned::TargetDecides => None,
        });
        let after = target.with(known);
        let forms = self.forms.of(to);
        let stable = self.is_stable(group, records.left, records.right, cx);
        Some(planned.iter().all(|(slot, _)| match stable || !forms.is_record_wise(*slot) {
            true => forms.same_slot(*slot, &after, target),
            false => after.slot_eq(*slot, target, *slot),
        }))
    }

    /// Whether the fields that decide about this group's forms are consistent themselves. Where they are not, the
    /// plan will move them, and with them what the values of this group mean: an amount that equals the other side's
    /// in a currency without decimals need not once the row's currency follows.
    fn is_stable(&self, group: usize, left: &Record, right: &Record, cx: &Sides<MapContext<'_>>) -> bool {
        let depends = |group: usize| self.layout.depends.get(group).map_or(&[][..], |depends| depends);
        // A field that decides and is itself decided about is taken as moving; there is no deeper look.
        depends(group)
            .iter()
            .all(|on| depends(*on).is_empty() && self.consistent(*on, left, right, cx) == Some(true))
    }

    /// Whether the two values of a copy rule mean the same; both must have been said, and neither form depends on
    /// another field.
    #[inline]
    pub(super) fn copy_same(&self, pair: &CopyPair, left: &Record, right: &Record) -> bool {
        left.same_slot(pair.slots.left, right, pair.slots.right, &pair.form)
    }

    /// The same where a form depends on another field.
    fn copy_same_in_record(&self, pair: &CopyPair, left: &Record, right: &Record, stable: bool) -> bool {
        if left.slot_eq(pair.slots.left, right, pair.slots.right) {
            return true;
        }
        let form = self.forms.left.form_in(left, pair.slots.left);
        let form = form.and(&self.forms.right.form_in(right, pair.slots.right));
        stable && form.same_presence(left.get(pair.slots.left), right.get(pair.slots.right))
    }

    fn condition_unknown(&self, rule: &Rule, from: Side) -> MapError {
        let condition = rule.when.of(from);
        let field = condition.fields().into_iter().next();
        let waits = self.reaches(from, condition);
        MapError {
            rule: rule.id.clone(),
            field: field.unwrap_or_else(|| FieldName::from("(condition)")),
            kind: None,
            problem: if waits { MapProblem::NotFound } else { MapProblem::NotKnown },
            message: match waits {
                true => format!("whether the rule applies cannot be seen: {condition}"),
                false => "decides whether the rule applies, but was not said".to_owned(),
            },
            remedy: "let the integration's account read the field".to_owned(),
        }
    }

    /// The rules of a group with their places.
    pub(super) fn rules_of(&self, group: usize) -> impl Iterator<Item = (RuleIndex, &Rule)> {
        let places = self.groups.get(group).map_or(&[][..], |group| &group.rules);
        places.iter().filter_map(|index| Some((*index, self.rules().get(usize::from(index.0))?)))
    }
}

/// The first rule of a group that asks for a field of a side.
fn asking<'a>(rules: &'a [Rule], group: &Group, side: Side, field: &FieldName) -> Option<&'a RuleId> {
    let mut members = group.rules.iter().filter_map(|rule| rules.get(usize::from(rule.0)));
    members.find(|rule| rule.fields.of(side).contains(field)).map(|rule| &rule.id)
}

/// See [`CompiledLink::created`].
fn created(
    side: Side,
    spec: &LinkSpec,
    rules: &[Rule],
    groups: &[Group],
    shape: &Arc<Shape>,
) -> Result<Option<(Vec<usize>, Arc<RuledFields>)>> {
    let carried = groups.iter().filter(|group| group.direction.allows(side));
    let mut fields: Vec<(usize, Option<RuleId>)> = Vec::new();
    for group in carried {
        let of = |slot: usize| Some((slot, asking(rules, group, side, shape.name(slot)?).cloned()));
        let is_sent = |slot: &usize| {
            let starts = &spec.actions.of(side).starts;
            !starts.iter().any(|(field, _)| shape.slot(field.as_str()) == Some(*slot))
        };
        fields.extend(group.slots.of(side).iter().filter(|slot| is_sent(slot)).filter_map(|slot| of(*slot)));
    }
    fields.sort_unstable_by_key(|(slot, _)| *slot);
    let (slots, asked): (Vec<usize>, Vec<Option<RuleId>>) = fields.into_iter().unzip();
    if slots.is_empty() {
        return Ok(None);
    }
    if let Some(whole) = RuledFields::of_shape(shape, asked.clone()) {
        return Ok(Some((slots, whole)));
    }
    let names = slots.iter().filter_map(|slot| shape.name(*slot)).cloned();
    Ok(Some((slots.clone(), RuledFields::new(asked.into_iter().zip(names))?)))
}

/// Whether a condition names a path.
fn reaches(condition: &Condition, paths: &[Path]) -> bool {
    let named = |field: &FieldName| paths.iter().any(|path| path.list.is_none() && path.name == *field);
    !paths.is_empty() && condition.fields().iter().any(named)
}

/// The shape of a side, and how many of its fields are watched.
fn shape_of(side: Side, spec: &LinkSpec, rules: &[Rule], paths: &[Path]) -> Result<(Arc<Shape>, usize)> {
    let mut names: Vec<FieldName> = Vec::new();
    let mut known = std::collections::HashSet::new();
    let mut add = |names: &mut Vec<FieldName>, name: &FieldName| {
        if known.insert(name.clone()) {
            names.push(name.clone());
        }
    };
    rules.iter().flat_map(|rule| rule.fields.of(side)).for_each(|field| add(&mut names, field));
    let of_link = [spec.scope.of(side), spec.writable.of(side)];
    let conditions = of_link.into_iter().chain(rules.iter().map(|rule| rule.when.of(side)));
    conditions.flat_map(Condition::fields).for_each(|field| add(&mut names, &field));
    spec.actions.of(side).fields().into_iter().for_each(|field| add(&mut names, field));
    for scale in &spec.forms.of(side).scales {
        if names.contains(&scale.amount) {
            add(&mut names, &scale.by);
        }
    }
    let watched = names.len();
    let matching = spec.matching.iter().flat_map(|line| &line.fields);
    matching.for_each(|field| add(&mut names, field.field.of(side)));
    // What a path begins with is read with it; that it refers to another record now says nothing of the value.
    for path in paths.iter().filter(|path| path.list.is_none()) {
        if let Some(begins) = path.begins().filter(|_| names.contains(&path.name)) {
            add(&mut names, begins);
        }
    }
    // A field that only matching needs can have a form of its own that depends on another field.
    for scale in &spec.forms.of(side).scales {
        if names.contains(&scale.amount) {
            add(&mut names, &scale.by);
        }
    }
    let shape = Shape::new(names).map_err(|error| error.at("link", &spec.id).at("side", side))?;
    Ok((shape, watched))
}

fn forms_of(side: Side, spec: &LinkSpec, rules: &[Rule], shape: &Arc<Shape>) -> Result<SideForms> {
    let FormSpec { mut fields, scales } = spec.forms.of(side).clone();
    for rule in rules.iter().filter(|rule| !rule.same_when.is_exact()) {
        fields.extend(rule.fields.of(side).iter().map(|field| (field.clone(), rule.same_when.clone())));
    }
    SideForms::compile(shape, &FormSpec { fields, scales }).map_err(|error| error.at("side", side))
}

/// Everything is named, so that whoever adds a part of a rule or link must think about whether it decides.
fn digest_of(spec: &LinkSpec, rules: &[Rule], paths: &Sides<&[Path]>) -> Result<Fingerprint> {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"seamless link 1");
    let LinkSpec {
        id,
        entity,
        mode,
        scope,
        writable,
        actions,
        matching,
        create,
        on_delete,
        on_leave,
        forms,
        depends_on,
        // How often is no decision about values.
        sweep_every: _,
        limits,
    } = spec;
    let lines: Vec<Vec<_>> = matching
        .iter()
        .map(|line| line.fields.iter().map(|field| (&field.field, &field.same_when)).collect())
        .collect();
    part(&mut hasher, &(id, entity, mode, scope, lines))?;
    part(&mut hasher, &(create, on_delete, on_leave, forms, depends_on, limits))?;
    if [&writable.left, &writable.right].into_iter().any(|condition| *condition != Condition::Always) {
        part(&mut hasher, &("writable", writable))?;
    }
    if [&actions.left, &actions.right].into_iter().any(|actions| *actions != SideActions::default()) {
        part(&mut hasher, &("actions", actions))?;
    }
    if !paths.left.is_empty() || !paths.right.is_empty() {
        part(&mut hasher, &("paths", paths.left, paths.right))?;
    }
    for rule in rules {
        let Rule {
            id,
            fields,
            kind,
            direction,
            on,
            same_when,
            when,
            on_conflict,
            first_link,
            on_drift,
            lossless,
            digest,
        } = rule;
        part(&mut hasher, &(id, fields, kind, direction, on, same_when, when))?;
        part(&mut hasher, &(on_conflict, first_link, on_drift, lossless, digest))?;
    }
    let mut digest = [0; 16];
    for (to, from) in digest.iter_mut().zip(hasher.finalize().as_bytes()) {
        *to = *from;
    }
    Ok(digest)
}

fn part(hasher: &mut blake3::Hasher, what: &impl Serialize) -> Result<()> {
    let bytes = serde_json::to_vec(what).map_err(|cause| {
        Error::new(ErrorKind::Internal, "a part of the mapping has no stored form").caused_by(cause)
    })?;
    hasher.update(&(bytes.len() as u64).to_le_bytes());
    hasher.update(&bytes);
    Ok(())
}
