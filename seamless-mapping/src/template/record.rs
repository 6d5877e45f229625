//! Links and rules as records whose fields are keys, judged by the engine that merges records.
//!
//! The left side is the new version of a template, the right side what the overlay makes of the old one, and both have the
//! old version as their base. Knows no texts. The door is [`judge`].

use std::collections::BTreeMap;
use std::sync::Arc;

use seamless_core::Error;
use seamless_core::mapper::{
    ConflictPolicy, DeletePolicy, Direction, Draft, DriftPolicy, FirstLinkPolicy, GuardLimits, LeavePolicy,
    LinkMode, LinkSpec, MapContext, MapError, Mapper, References, Resolved, Rule, RuleKind, WriteOn,
};
use seamless_core::merge::{Case, CompiledLink, Judgement, Reconciler, ThreeWay, merged};
use seamless_core::model::{
    Bits, CanonicalForm, Condition, FieldName, FormSpec, Record, RuleIndex, SetValue, Side, Sides, Slot,
    Value,
};

use super::part::{Part, PartKind, is_more_than_text};
use super::rule;

/// What a key holds: a text in which spelling does not count, or the lines of a table.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Field {
    Text(String),
    Rows(Vec<String>),
}

/// A link or rule by its keys.
pub(super) type Fields = BTreeMap<String, Field>;

/// Who changed a key.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Judged {
    /// Nobody.
    Nobody,
    /// The template, and the overlay leaves it alone.
    Template,
    /// The overlay alone.
    Customer,
    /// Both, to the same.
    Same,
    /// Both, different lines of a table.
    Merged,
    /// Both, differently.
    Conflict,
}

/// One of the three versions that are compared.
#[derive(Clone, Copy, Debug)]
pub(super) struct Three<'a> {
    pub(super) base: &'a Fields,
    pub(super) template: &'a Fields,
    pub(super) customer: &'a Fields,
}

/// The keys of a link but its id; rules and tests are records of their own unless the link is taken as a whole.
pub(super) fn link_fields(link: &Part, whole: bool) -> Fields {
    let own = |key: &str| key != "id" && (whole || !matches!(key, "rules" | "tests"));
    let entries = link.entries().iter().filter_map(|(key, value)| Some((key.text()?, value)));
    entries.filter(|(key, _)| own(key)).map(|(key, value)| (key.to_owned(), text_field(value))).collect()
}

/// The keys of a rule but its id: the fields of each side, where values go, and its options; the rules of its lines are
/// records of their own unless the rule is taken as a whole.
pub(super) fn rule_fields(part: &Part, sides: &Sides<String>, whole: bool) -> Fields {
    let mut fields = Fields::new();
    if let Some(head) = rule::head(part, sides) {
        for side in Side::BOTH {
            fields.insert(sides.of(side).clone(), Field::Text(head.fields.of(side).join(" + ")));
        }
        fields.insert("flow".to_owned(), Field::Text(head.flow(sides)));
        fields.extend(head.constant.map(|constant| ("const".to_owned(), Field::Text(constant))));
    }
    for (key, value) in rule::options(part) {
        let Some(key) = key.text() else { continue };
        let of_head = key == sides.left || key == sides.right || matches!(key, "flow" | "const" | "id");
        if of_head || (key == "rules" && !whole) {
            continue;
        }
        let rows = |value: &Part| {
            let rows = value.items().iter().map(|row| rule::row(row, sides).map(|row| row.to_string()));
            rows.collect::<Option<Vec<_>>>().map(Field::Rows)
        };
        let table = (key == "options").then(|| rows(value)).flatten();
        fields.insert(key.to_owned(), table.unwrap_or_else(|| text_field(value)));
    }
    fields
}

fn text_field(part: &Part) -> Field {
    Field::Text(canonical(part))
}

/// A part as one text in which order of entries and style do not count.
pub(super) fn canonical(part: &Part) -> String {
    match &part.kind {
        PartKind::Scalar { text, .. } if part.is_plain() || !is_more_than_text(text) => text.clone(),
        PartKind::Scalar { text, .. } => super::print::quoted(text),
        PartKind::List(items) => {
            format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(", "))
        }
        PartKind::Map(entries) => {
            let entries =
                entries.iter().map(|(key, value)| format!("{}: {}", canonical(key), canonical(value)));
            let mut entries: Vec<String> = entries.collect();
            entries.sort();
            format!("{{ {} }}", entries.join(", "))
        }
    }
}

/// Who changed which key, by a three-way merge of the two edits against the old version.
///
/// Errors: more keys than the engine takes.
pub(super) fn judge(three: Three<'_>) -> Result<BTreeMap<String, Judged>, Error> {
    let mut names: Vec<&String> =
        three.base.keys().chain(three.template.keys()).chain(three.customer.keys()).collect();
    names.sort();
    names.dedup();
    let link = CompiledLink::compile(Arc::new(Keys::of(&names)))?;
    let record = |fields: &Fields, side: Side| {
        let mut made = seamless_core::model::RecordBuilder::new(link.shape(side));
        for name in link.shape(side).names() {
            made.push_value(value_of(fields.get(name.as_str())).as_ref());
        }
        made.finish()
    };
    let base = Sides::new(record(three.base, Side::Left), record(three.base, Side::Right));
    let current = Sides::new(record(three.template, Side::Left), record(three.customer, Side::Right));
    let resolved = Resolved::new();
    let entity = &link.spec().entity;
    let context =
        |side: Side| MapContext { resolved: &resolved, target_entity: entity.of(side), creating: false };
    let case = Case {
        link: &link,
        base: base.as_ref().map(Some),
        current: current.as_ref(),
        modified: Sides::default(),
        context: Sides::new(context(Side::Left), context(Side::Right)),
        check_all: false,
        rebased: &Bits::new(),
    };
    let verdict = ThreeWay.reconcile(&case);
    let judged = |group: usize| match verdict.judgement(group) {
        Judgement::Settled => Judged::Nobody,
        Judgement::Agree(_) => Judged::Same,
        Judgement::Carry { to: Side::Right, .. } => Judged::Template,
        Judgement::Carry { to: Side::Left, .. } => Judged::Customer,
        Judgement::Merge if merged(&case, group).is_some() => Judged::Merged,
        _ => Judged::Conflict,
    };
    let of_rule = |(place, name): (usize, &&String)| {
        let index = RuleIndex(u16::try_from(place).unwrap_or(u16::MAX));
        ((*name).clone(), judged(link.group_of(index)))
    };
    Ok(names.iter().enumerate().map(of_rule).collect())
}

fn value_of(field: Option<&Field>) -> Value {
    match field {
        None => Value::Null,
        Some(Field::Text(text)) => Value::text(text),
        Some(Field::Rows(rows)) => Value::Set(SetValue::new(rows.iter().map(|row| Value::text(row)))),
    }
}

/// The mapper of such records: every key is copied, a person decides conflicts, tables are merged line by line.
#[derive(Debug)]
struct Keys {
    link: LinkSpec,
    rules: Vec<Rule>,
}

impl Keys {
    fn of(names: &[&String]) -> Self {
        let policy = |name: &str| match name {
            "options" => ConflictPolicy::Merge,
            _ => ConflictPolicy::Park,
        };
        let rule = |name: &&String| {
            let field = FieldName::from(name.as_str());
            Rule {
                id: name.as_str().into(),
                fields: Sides::new(vec![field.clone()], vec![field]),
                kind: RuleKind::Copy,
                direction: Direction::TwoWay,
                on: WriteOn::Always,
                same_when: CanonicalForm::exact(),
                when: Sides::new(Condition::Always, Condition::Always),
                on_conflict: policy(name),
                first_link: FirstLinkPolicy::Park,
                on_drift: DriftPolicy::Park,
                lossless: true,
                digest: [0; 16],
            }
        };
        let link = LinkSpec {
            id: "template".into(),
            entity: Sides::new("template".into(), "overlay".into()),
            mode: LinkMode::TwoWay,
            scope: Sides::new(Condition::Always, Condition::Always),
            matching: Vec::new(),
            create: Sides::new(false, false),
            on_delete: Sides::new(DeletePolicy::Park, DeletePolicy::Park),
            writable: Sides::new(Condition::Always, Condition::Always),
            actions: Sides::default(),
            on_leave: Sides::new(LeavePolicy::Freeze, LeavePolicy::Freeze),
            forms: Sides::new(FormSpec::default(), FormSpec::default()),
            depends_on: Vec::new(),
            sweep_every: None,
            limits: GuardLimits::USUAL,
        };
        Self { link, rules: names.iter().map(rule).collect() }
    }
}

impl Mapper for Keys {
    fn link(&self) -> &LinkSpec {
        &self.link
    }

    fn rules(&self) -> &[Rule] {
        &self.rules
    }

    fn references(&self, _: Side, _: &Record, _: &Resolved) -> References {
        References::none()
    }

    fn carry(
        &self,
        rule: RuleIndex,
        _: Side,
        source: &Record,
        target: &mut Draft<'_>,
        _: &MapContext<'_>,
    ) -> Result<(), Box<MapError>> {
        let field = self.rules.get(usize::from(rule.0)).and_then(|rule| rule.fields.left.first());
        if let Some(field) = field
            && let Slot::Value(value) = source.field(field.as_str()).to_slot()
            && let Some(slot) = target.shape().slot(field.as_str())
        {
            target.set_known(slot, value);
        }
        Ok(())
    }
}
