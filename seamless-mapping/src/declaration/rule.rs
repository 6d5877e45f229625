//! A rule as declared: which fields, what kind of correspondence, and the policies its author named.

use seamless_core::mapper::{ConflictPolicy, Direction, DriftPolicy, FirstLinkPolicy, WriteOn};
use seamless_core::model::{
    CanonicalForm, Condition, EntityName, FieldKind, FieldName, Layout, LinkId, Rounding, RuleId, Several,
    Side, Sides, Value,
};
use serde::Serialize;

use super::money::{CompareDecl, MoneyDecl};
use crate::expression::Expression;

/// A rule as its author declares it.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleDecl {
    /// The stable id; without one it is made of the fields, see [`RuleDecl::stable_id`].
    pub id: Option<RuleId>,
    /// The fields of each side.
    pub fields: Sides<Vec<FieldName>>,
    /// Where values may go.
    pub direction: Direction,
    /// What kind of correspondence it is.
    pub kind: KindDecl,
    /// What the fields of each side hold, where no schema says it.
    pub types: Sides<Option<TypeDecl>>,
    /// When a value is sent.
    pub on: WriteOn,
    /// When two values count as the same.
    pub same_when: CanonicalForm,
    /// When the rule applies to a record of a side.
    pub when: Sides<Condition>,
    /// What is done when both sides moved. Not said: what the link says.
    pub on_conflict: Option<ConflictPolicy>,
    /// What is done with differing values that have no base. Not said: what the link says.
    pub first_link: Option<FirstLinkPolicy>,
    /// What is done when the target of a one-way rule was edited. Not said: what the link says.
    pub on_drift: Option<DriftPolicy>,
    /// For people who read reports.
    pub note: Option<String>,
}

impl RuleDecl {
    /// A two-way rule of which nothing else was said.
    pub fn new(kind: KindDecl, left: Vec<FieldName>, right: Vec<FieldName>) -> Self {
        Self {
            id: None,
            fields: Sides::new(left, right),
            direction: Direction::TwoWay,
            kind,
            types: Sides::new(None, None),
            on: WriteOn::Always,
            same_when: CanonicalForm::exact(),
            when: Sides::new(Condition::Always, Condition::Always),
            on_conflict: None,
            first_link: None,
            on_drift: None,
            note: None,
        }
    }

    /// The id that bases and conflicts hang on: the declared one, else the left fields joined by `+`, then `=`, then
    /// the right fields joined by `+`. A constant has fields on one side only: `=Source Code`.
    pub fn stable_id(&self) -> RuleId {
        let joined =
            |fields: &[FieldName]| fields.iter().map(FieldName::as_str).collect::<Vec<_>>().join("+");
        match &self.id {
            Some(id) => id.clone(),
            None => RuleId::from(format!("{}={}", joined(&self.fields.left), joined(&self.fields.right))),
        }
    }
}

impl RuleDecl {
    /// Whether the rule may write to a side at all.
    pub fn writes(&self, to: Side) -> bool {
        self.direction.allows(to) && !matches!(self.kind, KindDecl::Compare(_))
    }
}

/// What kind of correspondence a rule is.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum KindDecl {
    /// The same value on both sides, converted where the types differ.
    Copy(CopyDecl),
    /// A constant, put on the side that has a field.
    Const(Value),
    /// A table of values.
    Options(OptionsDecl),
    /// Several fields of one side make one field of the other.
    Join(JoinDecl),
    /// Several fields of one side lie in one text of the other, among other things.
    Pack(PackDecl),
    /// A reference, translated through the pairs of a link.
    Lookup(LookupDecl),
    /// A value for a side, worked out from the fields of the other; for each side that is written.
    Expression(Sides<Option<Expression>>),
    /// A list of child records on each side, line by line.
    Lines(LinesDecl),
    /// An amount with its currency, its unit and whether the tax is in it.
    Money(MoneyDecl),
    /// Two values that must agree and that each side works out by itself.
    Compare(CompareDecl),
    /// A key that this side issues when a record is made there.
    Generated(Side),
    /// One row of a list of child records on one side, its values in fields of the record on the other.
    Embed(EmbedDecl),
    /// A Rust function that the host registered under this name.
    Custom(String),
}

/// What a copying rule declares.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct CopyDecl {
    /// What a side gets when the other side is blank.
    pub default: Sides<Option<Value>>,
    /// What is done with text that does not fit.
    pub too_long: TooLong,
    /// How digits are dropped that the target has no room for; not said: the value parks.
    pub round: Option<RoundDecl>,
    /// How dates and times are written as text on a side, in the notation of `strftime`; not said: ISO 8601.
    pub format: Sides<Option<String>>,
}

/// What is done with text that is longer than its target allows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TooLong {
    /// The value parks. Loses time.
    #[default]
    Park,
    /// The text is cut. Loses its tail on that side; the short form does not come back unless somebody edits it.
    Truncate,
}

/// How digits are dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RoundDecl {
    /// See [`Rounding::HalfUp`].
    HalfUp,
    /// See [`Rounding::HalfEven`].
    HalfEven,
    /// See [`Rounding::Down`].
    Down,
}

impl RoundDecl {
    /// The rounding of the core.
    pub fn rounding(self) -> Rounding {
        match self {
            RoundDecl::HalfUp => Rounding::HalfUp,
            RoundDecl::HalfEven => Rounding::HalfEven,
            RoundDecl::Down => Rounding::Down,
        }
    }
}

/// One value of a table of values.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OptionKey {
    /// Null or empty text; written as null.
    Blank,
    /// This value, of this kind.
    Is(Value),
}

/// One line of a table of values: what the fields of the left hold when those of the right hold this.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OptionRow {
    /// One value per field of the rule, per side.
    pub values: Sides<Vec<OptionKey>>,
    /// Where the line leads: of several lines with the same value on one side, only one may lead away from it.
    pub direction: Direction,
}

/// A table of values.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OptionsDecl {
    /// The lines.
    pub rows: Vec<OptionRow>,
    /// What a side gets for a value that no line has.
    pub unknown: Sides<UnknownPolicy>,
}

/// What a side gets for a value that the table does not have.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum UnknownPolicy {
    /// A person extends the table.
    Park,
    /// The side keeps what it has. Loses the change.
    Keep,
    /// This value. Loses the difference between all unknown values.
    Use(Value),
}

/// Several fields of one side make one field of the other.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct JoinDecl {
    /// What stands between the parts.
    pub separator: String,
    /// How the whole is taken apart again; needed where values go back to the parts.
    pub split: Option<SplitAt>,
}

/// Where a text is taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SplitAt {
    /// At the first separators; the last part takes the rest.
    First,
    /// At the last separators; the first part takes the rest.
    Last,
}

/// Several fields of one side lie in one text of the other.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PackDecl {
    /// How the values lie in the text.
    pub layout: Layout,
    /// The side that holds the text; not said: the one with one field where the other has several.
    pub into: Option<Side>,
    /// What the values are called in the text, in the order of their fields; not said: as the fields.
    pub names: Option<Vec<String>>,
}

/// A reference that is translated through pairs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LookupDecl {
    /// Through which links.
    pub via: LookupVia,
    /// What a side gets when the record that is referred to has no partner there.
    pub if_missing: Sides<IfMissing>,
    /// What a side gets when the other side refers to nothing.
    #[serde(skip_serializing_if = "is_cleared")]
    pub if_blank: Sides<BlankReference>,
}

impl LookupDecl {
    /// A translation of which nothing else was said: a record without a partner waits, blank is blank.
    pub fn through(via: LookupVia) -> Self {
        Self {
            via,
            if_missing: Sides::new(IfMissing::Later, IfMissing::Later),
            if_blank: Sides::new(BlankReference::Clear, BlankReference::Clear),
        }
    }
}

/// What was meant before the policy had a name is the same rule with the same digest.
fn is_cleared(if_blank: &Sides<BlankReference>) -> bool {
    if_blank.left == BlankReference::Clear && if_blank.right == BlankReference::Clear
}

/// What a side gets when the other side refers to nothing.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BlankReference {
    /// It is cleared.
    Clear,
    /// It keeps what it has. Loses that somebody cleared the reference.
    Keep,
    /// This record's key: blank stands for it, and it is carried back as blank. Loses the difference between both.
    Use(Value),
}

/// A list of child records, carried line by line.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LinesDecl {
    /// The fields of each side that tell one line from another. They are carried, unless a rule says how.
    pub key: Vec<Sides<FieldName>>,
    /// The rules of a line.
    #[serde(skip)]
    pub rules: Vec<RuleDecl>,
}

/// One row of a list of child records, whose values lie in fields of the other side's record.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EmbedDecl {
    /// The side that holds the list; not said: the one with one field where the other has several.
    pub list: Option<Side>,
    /// The fields of the row. Those that no rule names are copied from and to the fields of the other side that no rule
    /// names, in their order.
    pub fields: Vec<FieldName>,
    /// Which row it is.
    pub condition: Condition,
    /// Which row it is where several fit the condition.
    pub several: Several,
    /// What a row that is made holds besides what is carried and what the condition equates.
    pub make: Vec<(FieldName, Value)>,
    /// What becomes of the row when all fields of the other side are blank.
    pub if_blank: IfBlank,
    /// Rules between fields of the other side and fields of the row.
    #[serde(skip)]
    pub rules: Vec<RuleDecl>,
}

/// What becomes of an embedded row when all fields that it lies in are blank.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum IfBlank {
    /// It is left alone, and fills the fields when it changes. Loses what clearing the fields meant.
    Leave,
    /// It is removed from the list. Loses what it says in fields that no rule names.
    Delete,
    /// Its fields are cleared, the row stays.
    Blank,
}

/// Through which links a reference is translated.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LookupVia {
    /// Through this one.
    Link(LinkId),
    /// Through whichever of these knows the record.
    AnyOf(Vec<LinkId>),
    /// By the entity that the reference points at.
    ByEntity(Vec<(EntityName, LookupThrough)>),
    /// By a field of the records: per side that refers, its entity and the field that its records are known by. A side that
    /// is not said holds the value itself.
    ByField(Sides<Option<(EntityName, FieldName)>>),
}

/// What is done with a reference to an entity.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LookupThrough {
    /// It is translated through a link.
    Link(LinkId),
    /// The other side keeps what it has.
    Keep,
    /// The other side is cleared.
    Null,
}

/// What a side gets when the record that is referred to has no partner there.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum IfMissing {
    /// The rule waits until it has one.
    Later,
    /// The reference is cleared. Loses it until the other side changes again.
    Null,
    /// A person decides.
    Park,
    /// This record's key.
    Use(Value),
}

/// What a field holds, as far as carrying needs to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TypeDecl {
    /// Yes or no.
    Bool,
    /// A whole number.
    Int,
    /// An exact decimal.
    Decimal {
        /// Significant digits at most.
        precision: Option<u32>,
        /// Digits after the point at most.
        scale: Option<u32>,
    },
    /// A binary floating point number.
    Float,
    /// Text.
    Text {
        /// Characters at most.
        length_max: Option<u32>,
    },
    /// A day of the calendar.
    Date,
    /// A time of day.
    Time,
    /// A wall clock without a zone.
    LocalDateTime,
    /// A moment.
    Instant,
    /// A typed reference to a record; a key that is plain text or a number is declared as that.
    Reference,
}

impl TypeDecl {
    /// Text of any length.
    pub const TEXT: TypeDecl = TypeDecl::Text { length_max: None };
    /// A decimal of any precision.
    pub const DECIMAL: TypeDecl = TypeDecl::Decimal { precision: None, scale: None };

    /// What a schema says of a field; `None` for kinds that are carried as they are.
    pub fn of_kind(kind: &FieldKind) -> Option<Self> {
        Some(match kind {
            FieldKind::Bool => TypeDecl::Bool,
            FieldKind::Int => TypeDecl::Int,
            FieldKind::Decimal { precision, scale } => {
                TypeDecl::Decimal { precision: *precision, scale: *scale }
            }
            FieldKind::Float => TypeDecl::Float,
            FieldKind::Text { length_max } => TypeDecl::Text { length_max: *length_max },
            FieldKind::Date => TypeDecl::Date,
            FieldKind::Time => TypeDecl::Time,
            FieldKind::LocalDateTime => TypeDecl::LocalDateTime,
            FieldKind::Instant => TypeDecl::Instant,
            FieldKind::Reference { .. } => TypeDecl::Reference,
            FieldKind::Option { options } => match options.options.first().map(|option| &option.value)? {
                Value::Int(_) => TypeDecl::Int,
                Value::Text(_) => TypeDecl::TEXT,
                Value::Bool(_) => TypeDecl::Bool,
                _ => return None,
            },
            _ => return None,
        })
    }

    /// What people call it.
    pub fn name(self) -> &'static str {
        match self {
            TypeDecl::Bool => "bool",
            TypeDecl::Int => "int",
            TypeDecl::Decimal { .. } => "decimal",
            TypeDecl::Float => "float",
            TypeDecl::Text { .. } => "text",
            TypeDecl::Date => "date",
            TypeDecl::Time => "time",
            TypeDecl::LocalDateTime => "local",
            TypeDecl::Instant => "instant",
            TypeDecl::Reference => "reference",
        }
    }

    /// Whether both are the same kind, whatever their limits.
    pub fn same_kind(self, other: Self) -> bool {
        self.name() == other.name()
    }
}
