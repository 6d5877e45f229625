//! Mappings in Rust: the same declarations that a file gives, typed.
//!
//! ```
//! use seamless_mapping::{Mapping, copy, constant};
//! use seamless_core::model::Side;
//!
//! let mapping = Mapping::builder("crm", "erp")
//!     .link("customers", "account", "Customer")
//!     .two_way()
//!     .match_on([("accountnumber", "No.")])
//!     .rule(copy("name", "Name"))
//!     .rule(constant(Side::Right, "Source Code", "CRM").only_on_create())
//!     .build()?;
//! assert_eq!(mapping.links().len(), 1);
//! # Ok::<(), seamless_mapping::Refused>(())
//! ```

mod documents;
mod embed;
mod paths;

use std::time::Duration;

use seamless_core::mapper::{
    ConflictPolicy, DeletePolicy, Direction, DriftPolicy, FirstLinkPolicy, GuardLimits, LeavePolicy,
    LinkMode, MatchField, MatchLine, WriteOn,
};
use seamless_core::model::{
    CanonicalForm, Condition, FieldName, FormSpec, Layout, LinkId, Normaliser, RuleId, Side, Sides, Value,
};

use crate::compile::{CompileOptions, Mapping, compile};
use crate::declaration::{
    BlankReference, CopyDecl, IfMissing, JoinDecl, KindDecl, LinesDecl, LinkDecl, LookupDecl, LookupThrough,
    LookupVia, MappingDecl, Matching, OptionKey, OptionRow, OptionsDecl, PackDecl, RoundDecl, RuleDecl,
    SplitAt, TestDecl, TooLong, TypeDecl, UnknownPolicy,
};
pub use documents::{compare, generated, lookup_by, money};
pub use embed::embed;

use crate::expression::Expression;
use crate::finding::Refused;

impl Mapping {
    /// Begins a mapping between two named sides; the first is left.
    pub fn builder(left: &str, right: &str) -> MappingBuilder {
        MappingBuilder { declared: MappingDecl::new(left, right) }
    }
}

/// A mapping under construction.
#[derive(Clone, Debug)]
pub struct MappingBuilder {
    declared: MappingDecl,
}

impl MappingBuilder {
    /// What the integration is called; without it the names of the sides.
    #[must_use]
    pub fn integration(mut self, name: &str) -> Self {
        self.declared.integration = name.to_owned();
        self
    }

    /// What systems the sides are.
    #[must_use]
    pub fn systems(mut self, left: &str, right: &str) -> Self {
        self.declared.sides.left.system = left.to_owned();
        self.declared.sides.right.system = right.to_owned();
        self
    }

    /// Begins a link between an entity of the left and one of the right.
    pub fn link(self, id: &str, left: &str, right: &str) -> LinkBuilder {
        LinkBuilder { mapping: self, link: LinkDecl::new(id, left, right) }
    }

    /// The declaration so far, unchecked.
    pub fn declare(self) -> MappingDecl {
        self.declared
    }

    /// Checks the mapping without schemas and functions.
    ///
    /// Errors: everything that is wrong with it.
    pub fn build(self) -> Result<Mapping, Refused> {
        self.build_with(&CompileOptions::default())
    }

    /// Checks the mapping.
    ///
    /// Errors: everything that is wrong with it.
    pub fn build_with(self, options: &CompileOptions<'_>) -> Result<Mapping, Refused> {
        compile(&self.declared, options)
    }
}

/// A link under construction.
#[derive(Clone, Debug)]
pub struct LinkBuilder {
    mapping: MappingBuilder,
    link: LinkDecl,
}

impl LinkBuilder {
    /// Values go both ways; so it is without a word.
    #[must_use]
    pub fn two_way(self) -> Self {
        self.mode(LinkMode::TwoWay)
    }

    /// Values go to the left only.
    #[must_use]
    pub fn to_left(self) -> Self {
        self.mode(LinkMode::To(Side::Left))
    }

    /// Values go to the right only.
    #[must_use]
    pub fn to_right(self) -> Self {
        self.mode(LinkMode::To(Side::Right))
    }

    /// What the link does at all.
    #[must_use]
    pub fn mode(mut self, mode: LinkMode) -> Self {
        self.link.mode = mode;
        self
    }

    /// When a record of a side may be written by the rules.
    #[must_use]
    pub fn writable(mut self, side: Side, condition: Condition) -> Self {
        *self.link.writable.of_mut(side) = condition;
        self
    }

    /// Which records of a side take part.
    #[must_use]
    pub fn scope(mut self, side: Side, condition: Condition) -> Self {
        *self.link.scope.of_mut(side) = condition;
        self
    }

    /// A line of matching: all these pairs of fields agree exactly. Lines are tried in the order in which they are
    /// given.
    #[must_use]
    pub fn match_on<const N: usize>(self, fields: [(&str, &str); N]) -> Self {
        self.match_when(fields, [])
    }

    /// A line of matching whose fields agree in a canonical form.
    #[must_use]
    pub fn match_when<const N: usize>(
        mut self,
        fields: [(&str, &str); N],
        same_when: impl IntoIterator<Item = Normaliser>,
    ) -> Self {
        let same_when = CanonicalForm::new(same_when);
        let field = |(left, right): (&str, &str)| MatchField {
            field: Sides::new(left.into(), right.into()),
            same_when: same_when.clone(),
        };
        let line = MatchLine { fields: fields.into_iter().map(field).collect() };
        match &mut self.link.matching {
            Some(Matching::Lines(lines)) => lines.push(line),
            other => *other = Some(Matching::Lines(vec![line])),
        }
        self
    }

    /// Records without a pair are never matched.
    #[must_use]
    pub fn match_nothing(mut self) -> Self {
        self.link.matching = Some(Matching::Nothing);
        self
    }

    /// Whether records are created on a side.
    #[must_use]
    pub fn create(mut self, left: bool, right: bool) -> Self {
        self.link.create = Some(Sides::new(left, right));
        self
    }

    /// What happens on the other side when a record of this side is deleted.
    #[must_use]
    pub fn on_delete(mut self, side: Side, policy: DeletePolicy) -> Self {
        *self.link.on_delete.of_mut(side) = Some(policy);
        self
    }

    /// What happens on the other side when a record of this side leaves the scope.
    #[must_use]
    pub fn on_leave(mut self, side: Side, policy: LeavePolicy) -> Self {
        *self.link.on_leave.of_mut(side) = Some(policy);
        self
    }

    /// What a side makes of the values of a field.
    #[must_use]
    pub fn form(mut self, side: Side, field: &str, form: impl IntoIterator<Item = Normaliser>) -> Self {
        self.link.forms.of_mut(side).fields.push((field.into(), CanonicalForm::new(form)));
        self
    }

    /// Everything that a side makes of its values.
    #[must_use]
    pub fn forms(mut self, side: Side, forms: FormSpec) -> Self {
        *self.link.forms.of_mut(side) = forms;
        self
    }

    /// How often everything is enumerated although there is a feed of changes.
    #[must_use]
    pub fn sweep_every(mut self, every: Duration) -> Self {
        self.link.sweep_every = Some(every);
        self
    }

    /// Limits that stop a plan.
    #[must_use]
    pub fn limits(mut self, limits: GuardLimits) -> Self {
        self.link.limits = limits;
        self
    }

    /// The policy of rules that say nothing of conflicts.
    #[must_use]
    pub fn on_conflict(mut self, policy: ConflictPolicy) -> Self {
        self.link.on_conflict = Some(policy);
        self
    }

    /// The policy of rules that say nothing of first links.
    #[must_use]
    pub fn first_link(mut self, policy: FirstLinkPolicy) -> Self {
        self.link.first_link = Some(policy);
        self
    }

    /// The policy of one-way rules that say nothing of drift.
    #[must_use]
    pub fn on_drift(mut self, policy: DriftPolicy) -> Self {
        self.link.on_drift = Some(policy);
        self
    }

    /// Adds a rule.
    #[must_use]
    pub fn rule(mut self, rule: RuleDecl) -> Self {
        self.link.rules.push(rule);
        self
    }

    /// Adds a test of the rules.
    #[must_use]
    pub fn test(mut self, test: TestDecl) -> Self {
        self.link.tests.push(test);
        self
    }

    /// Adds a note for people who read reports.
    #[must_use]
    pub fn note(mut self, note: &str) -> Self {
        self.link.note = Some(note.to_owned());
        self
    }

    /// Ends the link.
    pub fn done(self) -> MappingBuilder {
        let mut mapping = self.mapping;
        mapping.declared.links.push(self.link);
        mapping
    }

    /// Ends the link and begins another one.
    pub fn link(self, id: impl Into<LinkId>, left: &str, right: &str) -> LinkBuilder {
        let link = LinkDecl::new(id, left, right);
        LinkBuilder { mapping: self.done(), link }
    }

    /// Ends the link and the mapping; see [`MappingBuilder::build`].
    ///
    /// Errors: everything that is wrong with the mapping.
    pub fn build(self) -> Result<Mapping, Refused> {
        self.done().build()
    }

    /// Ends the link and the mapping; see [`MappingBuilder::build_with`].
    ///
    /// Errors: everything that is wrong with the mapping.
    pub fn build_with(self, options: &CompileOptions<'_>) -> Result<Mapping, Refused> {
        self.done().build_with(options)
    }
}

fn names<const N: usize>(fields: [&str; N]) -> Vec<FieldName> {
    fields.into_iter().map(FieldName::from).collect()
}

/// A field of the left and a field of the right hold the same value.
pub fn copy(left: &str, right: &str) -> RuleDecl {
    RuleDecl::new(KindDecl::Copy(CopyDecl::default()), names([left]), names([right]))
}

/// A constant, put into a field of a side.
pub fn constant(to: Side, field: &str, value: impl Into<Value>) -> RuleDecl {
    let mut fields = Sides::new(Vec::new(), Vec::new());
    *fields.of_mut(to) = names([field]);
    let mut rule = RuleDecl::new(KindDecl::Const(value.into()), fields.left, fields.right);
    rule.direction = Direction::To(to);
    rule
}

/// A table of values between two fields. Lines are made by [`both`], [`only_right`] and [`only_left`].
pub fn options(left: &str, right: &str, rows: impl IntoIterator<Item = OptionRow>) -> RuleDecl {
    table(names([left]), names([right]), rows)
}

/// A table of combinations of values of several fields: states.
pub fn table(
    left: Vec<FieldName>,
    right: Vec<FieldName>,
    rows: impl IntoIterator<Item = OptionRow>,
) -> RuleDecl {
    let unknown = Sides::new(UnknownPolicy::Park, UnknownPolicy::Park);
    let declared = OptionsDecl { rows: rows.into_iter().collect(), unknown };
    RuleDecl::new(KindDecl::Options(declared), left, right)
}

/// A line that leads both ways.
pub fn both(left: impl Into<OptionKey>, right: impl Into<OptionKey>) -> OptionRow {
    row(left.into(), right.into(), Direction::TwoWay)
}

/// A line that leads to the right only.
pub fn only_right(left: impl Into<OptionKey>, right: impl Into<OptionKey>) -> OptionRow {
    row(left.into(), right.into(), Direction::To(Side::Right))
}

/// A line that leads to the left only.
pub fn only_left(left: impl Into<OptionKey>, right: impl Into<OptionKey>) -> OptionRow {
    row(left.into(), right.into(), Direction::To(Side::Left))
}

fn row(left: OptionKey, right: OptionKey, direction: Direction) -> OptionRow {
    OptionRow { values: Sides::new(vec![left], vec![right]), direction }
}

impl<T: Into<Value>> From<T> for OptionKey {
    fn from(value: T) -> Self {
        OptionKey::Is(value.into())
    }
}

/// Several fields of the left make one field of the right.
pub fn join<const N: usize>(left: [&str; N], right: &str, separator: &str) -> RuleDecl {
    RuleDecl::new(joining(separator), names(left), names([right]))
}

/// One field of the left is made of several fields of the right.
pub fn join_right<const N: usize>(left: &str, right: [&str; N], separator: &str) -> RuleDecl {
    RuleDecl::new(joining(separator), names([left]), names(right))
}

fn joining(separator: &str) -> KindDecl {
    KindDecl::Join(JoinDecl { separator: separator.to_owned(), split: None })
}

/// Several fields of the left lie in one text of the right, among other things.
pub fn pack<const N: usize>(left: [&str; N], right: &str, layout: Layout) -> RuleDecl {
    let declared = PackDecl { layout, into: Some(Side::Right), names: None };
    RuleDecl::new(KindDecl::Pack(declared), names(left), names([right]))
}

/// A reference, translated through the pairs of a link.
pub fn lookup(left: &str, right: &str, link: &str) -> RuleDecl {
    looking_up(left, right, LookupVia::Link(link.into()))
}

/// A reference to a record whose key has several parts on the right: a field for each part, in the order of the key.
pub fn lookup_parts<const N: usize>(left: &str, right: [&str; N], link: &str) -> RuleDecl {
    let declared = LookupDecl::through(LookupVia::Link(link.into()));
    RuleDecl::new(KindDecl::Lookup(declared), names([left]), names(right))
}

/// A reference to a record that is in one of several links.
pub fn lookup_any<const N: usize>(left: &str, right: &str, links: [&str; N]) -> RuleDecl {
    looking_up(left, right, LookupVia::AnyOf(links.into_iter().map(LinkId::from).collect()))
}

/// A reference that can point at several entities.
pub fn lookup_by_entity<const N: usize>(
    left: &str,
    right: &str,
    entities: [(&str, LookupThrough); N],
) -> RuleDecl {
    let entities = entities.into_iter().map(|(entity, through)| (entity.into(), through)).collect();
    looking_up(left, right, LookupVia::ByEntity(entities))
}

fn looking_up(left: &str, right: &str, via: LookupVia) -> RuleDecl {
    RuleDecl::new(KindDecl::Lookup(LookupDecl::through(via)), names([left]), names([right]))
}

/// A value of the right, worked out from fields of the left; see [`expression`](mod@crate::expression). Give the way back
/// with [`RuleDecl::back`], or make the rule one-way.
pub fn expression<const N: usize>(left: [&str; N], right: &str, to_right: Expression) -> RuleDecl {
    let expressions = Sides::new(None, Some(to_right));
    RuleDecl::new(KindDecl::Expression(expressions), names(left), names([right]))
}

/// A list of child records on each side: the fields that tell lines apart, and the rules of a line.
pub fn lines<const N: usize>(
    left: &str,
    right: &str,
    key: [(&str, &str); N],
    rules: impl IntoIterator<Item = RuleDecl>,
) -> RuleDecl {
    let key = key.into_iter().map(|(left, right)| Sides::new(left.into(), right.into())).collect();
    let declared = LinesDecl { key, rules: rules.into_iter().collect() };
    RuleDecl::new(KindDecl::Lines(declared), names([left]), names([right]))
}

/// A rule that the host registered under a name.
pub fn custom<const L: usize, const R: usize>(name: &str, left: [&str; L], right: [&str; R]) -> RuleDecl {
    RuleDecl::new(KindDecl::Custom(name.to_owned()), names(left), names(right))
}

impl RuleDecl {
    /// Gives the rule a stable id of its own.
    #[must_use]
    pub fn id(mut self, id: &str) -> Self {
        self.id = Some(RuleId::from(id));
        self
    }

    /// Values go to the left only.
    #[must_use]
    pub fn to_left(mut self) -> Self {
        self.direction = Direction::To(Side::Left);
        self
    }

    /// Values go to the right only.
    #[must_use]
    pub fn to_right(mut self) -> Self {
        self.direction = Direction::To(Side::Right);
        self
    }

    /// When two values count as the same.
    #[must_use]
    pub fn same_when(mut self, steps: impl IntoIterator<Item = Normaliser>) -> Self {
        self.same_when = CanonicalForm::new(steps);
        self
    }

    /// When the rule applies to a record of a side.
    #[must_use]
    pub fn when(mut self, side: Side, condition: Condition) -> Self {
        *self.when.of_mut(side) = condition;
        self
    }

    /// Values are sent only when the target record is created.
    #[must_use]
    pub fn only_on_create(mut self) -> Self {
        self.on = WriteOn::Create;
        self
    }

    /// What is done when both sides moved.
    #[must_use]
    pub fn on_conflict(mut self, policy: ConflictPolicy) -> Self {
        self.on_conflict = Some(policy);
        self
    }

    /// What is done with differing values that have no base.
    #[must_use]
    pub fn first_link(mut self, policy: FirstLinkPolicy) -> Self {
        self.first_link = Some(policy);
        self
    }

    /// What is done when the target of a one-way rule was edited.
    #[must_use]
    pub fn on_drift(mut self, policy: DriftPolicy) -> Self {
        self.on_drift = Some(policy);
        self
    }

    /// What the field of a side holds.
    #[must_use]
    pub fn holds(mut self, side: Side, kind: TypeDecl) -> Self {
        *self.types.of_mut(side) = Some(kind);
        self
    }

    /// The way back. Of expressions.
    #[must_use]
    pub fn back(mut self, to_left: Expression) -> Self {
        if let KindDecl::Expression(expressions) = &mut self.kind {
            expressions.left = Some(to_left);
        }
        self
    }

    /// What a side gets when the other is blank. Of copying rules.
    #[must_use]
    pub fn default_on(self, side: Side, value: impl Into<Value>) -> Self {
        self.copying(|copy| *copy.default.of_mut(side) = Some(value.into()))
    }

    /// Text that is too long is cut. Of copying rules.
    #[must_use]
    pub fn truncate(self) -> Self {
        self.copying(|copy| copy.too_long = TooLong::Truncate)
    }

    /// Digits that the target has no room for are dropped. Of copying rules.
    #[must_use]
    pub fn round(self, round: RoundDecl) -> Self {
        self.copying(|copy| copy.round = Some(round))
    }

    /// How a date or time is written as text on a side. Of copying rules.
    #[must_use]
    pub fn format(self, side: Side, format: &str) -> Self {
        self.copying(|copy| *copy.format.of_mut(side) = Some(format.to_owned()))
    }

    /// What a side gets for a value that the table does not have. Of tables.
    #[must_use]
    pub fn unknown(mut self, side: Side, policy: UnknownPolicy) -> Self {
        if let KindDecl::Options(options) = &mut self.kind {
            *options.unknown.of_mut(side) = policy;
        }
        self
    }

    /// Where the whole is taken apart for the parts. Of joins.
    #[must_use]
    pub fn split(mut self, at: SplitAt) -> Self {
        if let KindDecl::Join(join) = &mut self.kind {
            join.split = Some(at);
        }
        self
    }

    /// What the values are called in the text, in the order of their fields. Of rules that pack.
    #[must_use]
    pub fn named<const N: usize>(mut self, names: [&str; N]) -> Self {
        if let KindDecl::Pack(pack) = &mut self.kind {
            pack.names = Some(names.map(str::to_owned).to_vec());
        }
        self
    }

    /// What a side gets when a record that is referred to has no partner there. Of look-ups.
    #[must_use]
    pub fn if_missing(mut self, side: Side, policy: IfMissing) -> Self {
        if let KindDecl::Lookup(lookup) = &mut self.kind {
            *lookup.if_missing.of_mut(side) = policy;
        }
        self
    }

    /// What a side gets when the other side refers to nothing. Of look-ups.
    #[must_use]
    pub fn blank_reference(mut self, side: Side, policy: BlankReference) -> Self {
        if let KindDecl::Lookup(lookup) = &mut self.kind {
            *lookup.if_blank.of_mut(side) = policy;
        }
        self
    }

    /// Adds a note for people who read reports.
    #[must_use]
    pub fn note(mut self, note: &str) -> Self {
        self.note = Some(note.to_owned());
        self
    }

    fn copying(mut self, change: impl FnOnce(&mut CopyDecl)) -> Self {
        if let KindDecl::Copy(copy) = &mut self.kind {
            change(copy);
        }
        self
    }
}
