//! Laws for every pair of kinds of rules that a template combines in one link: two rules that are right alone are right
//! together, whatever stands in their fields.
//!
//! The pairs are those of the templates that come with the library, under every choice: the rules as they are written there, over
//! the fields that the template expects. The oracle is each rule by itself; that a rule by itself keeps its laws is shown in
//! `laws.rs`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod cronus;

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use seamless_core::mapper::{Answer, Ask, Direction, Draft, MapContext, Mapper, Resolved};
use seamless_core::merge::CompiledLink;
use seamless_core::model::{
    CanonicalForm, Condition, FieldKind, FieldName, Planned, Presence, Record, RecordId, Reference,
    RuleIndex, Schema, Shape, Side, Sides, Slot, Truth, Value, ValueRef, record,
};
use seamless_mapping::declaration::{KindDecl, MappingDecl, OptionKey, PathDecl, RuleDecl};
use seamless_mapping::notation::declarations;
use seamless_mapping::template::{Template, compose, shipped};
use seamless_mapping::{CompileOptions, LinkMapper, compile};

use cronus::company;

/// Cases for each pair of kinds.
const CASES: u32 = 250;

/// Two rules of a link, the others left out, and what the sides have.
struct Pair {
    name: String,
    mapping: MappingDecl,
    link: usize,
    schemas: Sides<Schema>,
}

fn kind(rule: &RuleDecl) -> &'static str {
    match &rule.kind {
        KindDecl::Copy(_) => "copy",
        KindDecl::Const(_) => "const",
        KindDecl::Options(_) => "options",
        KindDecl::Join(_) => "join",
        KindDecl::Pack(_) => "pack",
        KindDecl::Lookup(_) => "lookup",
        KindDecl::Expression(_) => "expression",
        KindDecl::Embed(_) => "embed",
        KindDecl::Lines(_) => "lines",
        KindDecl::Money(_) => "money",
        KindDecl::Compare(_) => "compare",
        KindDecl::Generated(_) => "generated",
        KindDecl::Custom(_) => "custom",
    }
}

type Kinds = (&'static str, &'static str);

/// Every pair of rules that stand in one link under some choice, by their kinds; each pair of rules once.
fn pairs() -> BTreeMap<Kinds, Vec<Pair>> {
    let mut known = BTreeSet::new();
    let mut pairs: BTreeMap<Kinds, Vec<Pair>> = BTreeMap::new();
    for one in shipped() {
        let template = Template::read(one.name, one.text).unwrap();
        for choices in template.combinations(100) {
            let composed = compose(&template, &[], &choices).unwrap();
            let declared = declarations("m", composed.text(), &company()).unwrap();
            for (link, of_link) in declared.links.iter().enumerate() {
                // What a line reads along a path follows its reference: values that are made up for both contradict each other.
                let reads_along = |rule: &&RuleDecl| {
                    Side::BOTH.iter().any(|side| {
                        let lists = of_link.paths.of(*side).iter().filter_map(|path| path.list.as_ref());
                        lists.into_iter().any(|list| rule.fields.of(*side).contains(list))
                    })
                };
                let rules: Vec<&RuleDecl> = of_link.rules.iter().filter(|rule| !reads_along(rule)).collect();
                for (at, first) in rules.iter().copied().enumerate() {
                    for second in rules[at + 1..].iter().copied() {
                        let ids = format!("{}, {}", first.stable_id(), second.stable_id());
                        let name = format!("{} / {}: {ids}", one.name, of_link.id);
                        if !known.insert(name.clone()) {
                            continue;
                        }
                        let mut kinds = [kind(first), kind(second)];
                        kinds.sort_unstable();
                        let mut mapping = declared.clone();
                        mapping.links.iter_mut().for_each(|link| link.rules.clear());
                        mapping.links[link].rules = vec![first.clone(), second.clone()];
                        mapping.links[link].paths =
                            mapping.links[link].paths.as_ref().map(|paths| of_record(paths));
                        let schemas = template.expected(&choices);
                        pairs.entry(kinds.into()).or_default().push(Pair { name, mapping, link, schemas });
                    }
                }
            }
        }
    }
    pairs
}

/// Paths that begin in the record itself.
fn of_record(paths: &[PathDecl]) -> Vec<PathDecl> {
    paths.iter().filter(|path| path.list.is_none()).cloned().collect()
}

fn texts(texts: &[&str]) -> Vec<Value> {
    texts.iter().copied().map(Value::text).collect()
}

/// What a field may hold: nothing, what is usual for its kind, what the rule names of it.
fn pool(pair: &Pair, entity: &str, field: &FieldName, rules: &[RuleDecl], side: Side) -> Vec<Value> {
    let schema = pair.schemas.of(side);
    let known = schema.entity(entity).and_then(|entity| entity.field(field.as_str()));
    let mut values = match known.map(|field| &field.kind) {
        Some(FieldKind::Bool) => vec![Value::Bool(true), Value::Bool(false)],
        Some(FieldKind::Int) => [0, 1, 3, 10_000].map(Value::Int).to_vec(),
        Some(FieldKind::Decimal { .. }) => {
            ["0", "1.5", "-2.25", "100"].map(|text| Value::Decimal(text.parse().unwrap())).to_vec()
        }
        Some(FieldKind::Date) => {
            ["2024-02-29", "1999-12-31"].map(|text| Value::Date(text.parse().unwrap())).to_vec()
        }
        Some(FieldKind::Reference { targets }) => {
            let to = |id: &str| {
                Value::Reference(Reference { entity: targets[0].clone(), id: RecordId::text(id) }.into())
            };
            let links = pair.mapping.links.iter().filter(|link| link.entity.left == targets[0]);
            let ids = links.flat_map(|link| ["a", "b"].map(|key| format!("{key}@{}", link.id)));
            ids.chain(["nobody".to_owned()]).map(|id| to(&id)).collect()
        }
        Some(FieldKind::Option { options }) => {
            options.options.iter().map(|option| option.value.clone()).collect()
        }
        Some(FieldKind::List { entity }) => lists(pair, entity.as_str(), rules, side),
        _ => texts(&["", "a", "b", "nobody", "Anna Berg", " A  b", "1000", "anna@example.com", "29.02.2024"]),
    };
    values.push(Value::Null);
    let tables = rules.iter().filter_map(|rule| match &rule.kind {
        KindDecl::Options(options) if rule.fields.of(side).contains(field) => Some(&options.rows),
        _ => None,
    });
    let named = tables.flatten().flat_map(|row| row.values.of(side)).filter_map(|key| match key {
        OptionKey::Is(value) => Some(value.clone()),
        OptionKey::Blank => None,
    });
    // A code such as 1000 is a text where the field holds texts.
    let is_text = matches!(known.map(|field| &field.kind), None | Some(FieldKind::Text { .. }));
    values.extend(named.map(|value| if is_text { Value::text(&value.to_string()) } else { value }));
    values
}

/// Lists of lines with what the rules of a line name: none, one, two.
fn lists(pair: &Pair, entity: &str, rules: &[RuleDecl], side: Side) -> Vec<Value> {
    let declared = rules.iter().find_map(|rule| match &rule.kind {
        KindDecl::Lines(lines) => Some(lines),
        _ => None,
    });
    let Some(declared) = declared else { return vec![Value::List([].into())] };
    let of_rules = declared.rules.iter().flat_map(|rule| fields(rule, side));
    let keys: Vec<FieldName> = declared.key.iter().map(|key| key.of(side).clone()).collect();
    let names: BTreeSet<FieldName> = of_rules.chain(keys.iter().cloned()).collect();
    let shape = Shape::new(names.iter().cloned()).unwrap();
    let line = |number: usize| {
        let value = |name: &FieldName| {
            if keys.contains(name) {
                return Value::Int(i64::try_from(number).unwrap());
            }
            let pool = pool(pair, entity, name, &declared.rules, side);
            pool[number % pool.len()].clone()
        };
        let values = names.iter().map(|name| (name.clone(), Slot::Value(value(name))));
        record(&shape, values).unwrap()
    };
    [&[][..], &[0], &[1, 2], &[3, 0]]
        .map(|numbers| Value::List(numbers.iter().map(|number| line(*number)).collect()))
        .to_vec()
}

/// The fields of a side that a rule reads or writes, those of its conditions among them.
fn fields(rule: &RuleDecl, side: Side) -> Vec<FieldName> {
    let when: &Condition = rule.when.of(side);
    rule.fields.of(side).iter().cloned().chain(when.fields()).collect()
}

/// A record of one side with everything that the two rules look at.
fn filled(pair: &Pair, side: Side, picks: &[prop::sample::Index]) -> Record {
    let link = &pair.mapping.links[pair.link];
    let names: BTreeSet<FieldName> = link.rules.iter().flat_map(|rule| fields(rule, side)).collect();
    let shape = Shape::new(names.iter().cloned()).unwrap();
    let entity = link.entity.of(side).as_str();
    let values = names.iter().zip(picks.iter().cycle()).map(|(name, pick)| {
        let pool = pool(pair, entity, name, &link.rules, side);
        (name.clone(), Slot::Value(pick.get(&pool).clone()))
    });
    record(&shape, values).unwrap()
}

/// Every record of the right has a partner in every link, another one in each: `a` in the link `items` is `a@items`. Nobody has
/// none, nor has what is of another link.
fn resolved(mapper: &LinkMapper, from: Side, source: &Record, known: &mut Resolved) {
    for ask in mapper.references(from, source, known).into_asks() {
        #[allow(irrefutable_let_patterns, reason = "an ask of another kind would be answered otherwise")]
        let Ask::Partner { link, id, .. } = &ask else { panic!("{ask:?}") };
        let key = id.as_text().unwrap_or_default().to_string();
        let partner = match from {
            Side::Right if key != "nobody" => Some(format!("{key}@{link}")),
            Side::Right => None,
            Side::Left => key.strip_suffix(&format!("@{link}")).map(str::to_owned),
        };
        let answer = partner.map_or(Answer::Unpaired, |partner| Answer::Paired(RecordId::text(&partner)));
        known.insert(ask, answer);
    }
}

type Written = Vec<(usize, Value)>;

/// What rules write, carried one after the other into one draft; `None` for each that waits.
fn carried(
    mapper: &LinkMapper,
    rules: &[u16],
    from: Side,
    source: &Record,
    target: &Record,
) -> (Vec<bool>, Written) {
    let mut known = Resolved::new();
    resolved(mapper, from, source, &mut known);
    resolved(mapper, from.other(), target, &mut known);
    let entity = mapper.link().entity.of(from.other()).clone();
    let creating = target.fields().all(|(_, presence)| presence == Presence::Absent);
    let cx = MapContext { resolved: &known, target_entity: &entity, creating };
    let mut draft = Draft::over(target);
    let done = rules
        .iter()
        .map(|rule| {
            let direction = mapper.rules()[usize::from(*rule)].direction;
            !direction.allows(from.other())
                || mapper.carry(RuleIndex(*rule), from, source, &mut draft, &cx).is_ok()
        })
        .collect();
    let written = draft.into_planned().into_iter().map(|(slot, planned)| match planned {
        Planned::Known(value) => (slot, value),
        other => panic!("{other:?}"),
    });
    let mut written: Written = written.collect();
    written.sort_by_key(|(slot, _)| *slot);
    (done, written)
}

fn with(target: &Record, written: &Written) -> Record {
    target.with(written.iter().map(|(slot, value)| (*slot, Presence::Value(value.as_ref()))))
}

/// Whether two lists hold the same in what goes both ways of a line. What goes one way may be written again: nobody edits it
/// there, or by a policy.
fn same_lines(declared: &RuleDecl, side: Side, a: Presence<'_>, b: Presence<'_>) -> bool {
    let KindDecl::Lines(lines) = &declared.kind else { return false };
    let (Some(ValueRef::List(a)), Some(ValueRef::List(b))) = (a.value(), b.value()) else { return false };
    let both = lines.rules.iter().filter(|rule| rule.direction == Direction::TwoWay);
    let names: Vec<&FieldName> = both.flat_map(|rule| rule.fields.of(side)).collect();
    let keys = lines.key.iter().map(|key| key.of(side));
    let names: Vec<&FieldName> = names.into_iter().chain(keys).collect();
    a.len() == b.len()
        && a.iter().zip(b.iter()).all(|(a, b)| {
            names
                .iter()
                .all(|name| alike(&CanonicalForm::exact(), a.field(name.as_str()), b.field(name.as_str())))
        })
}

/// The same in a form; a blank text is nothing.
fn alike(form: &CanonicalForm, a: Presence<'_>, b: Presence<'_>) -> bool {
    let blank = |presence: Presence<'_>| presence.value().is_some_and(|value| value.is_blank());
    form.same_presence(a, b) || (blank(a) && blank(b))
}

/// Whether two records mean the same to each rule in its fields.
fn same(pair: &Pair, mapper: &LinkMapper, side: Side, rules: &[u16], a: &Record, b: &Record) -> bool {
    rules.iter().all(|at| {
        let rule = &mapper.rules()[usize::from(*at)];
        let declared_rule = &pair.mapping.links[pair.link].rules[usize::from(*at)];
        rule.fields.of(side).iter().all(|name| {
            let declared = &mapper.link().forms.of(side).fields;
            let of_field = declared.iter().filter(|(field, _)| field == name);
            let form = of_field.fold(rule.same_when.clone(), |form, (_, more)| form.and(more));
            let (a, b) = (a.field(name.as_str()), b.field(name.as_str()));
            alike(&form, a, b) || same_lines(declared_rule, side, a, b)
        })
    })
}

/// The laws for two rules and two records.
fn check(pair: &Pair, from: Side, source: &Record, target: &Record) -> Result<bool, TestCaseError> {
    let options = CompileOptions { schemas: Some(pair.schemas.as_ref()), ..CompileOptions::default() };
    let compiled = compile(&pair.mapping, &options);
    let compiled = compiled.map_err(|refused| TestCaseError::fail(format!("{}: {refused}", pair.name)))?;
    let mapper = compiled.link(pair.mapping.links[pair.link].id.as_str()).unwrap();
    prop_assert!(CompiledLink::compile(mapper.clone()).is_ok(), "{}: the engine takes it", pair.name);
    let shown = || format!("{}, from {from}: {source:?}, {target:?}", pair.name);

    // Each does what it does alone, in either order, and they never write one field in two ways.
    let alone = [0, 1].map(|rule| carried(&mapper, &[rule], from, source, target));
    for (rule, (_, written)) in pair.mapping.links[pair.link].rules.iter().zip(&alone) {
        let applies = rule.when.of(from).holds(source) == Truth::In;
        prop_assert!(applies || written.is_empty(), "its condition does not hold: {}", shown());
    }
    for (slot, value) in &alone[0].1 {
        let other = alone[1].1.iter().find(|(other, _)| other == slot);
        prop_assert!(other.is_none_or(|(_, other)| other == value), "two writers: {}", shown());
    }
    let mut both: Written = alone.iter().flat_map(|(_, written)| written.clone()).collect();
    both.sort_by_key(|(slot, _)| *slot);
    both.dedup_by_key(|(slot, _)| *slot);
    for order in [[0, 1], [1, 0]] {
        let (done, written) = carried(&mapper, &order, from, source, target);
        let wanted = order.map(|rule| alone[usize::from(rule)].0[0]);
        prop_assert_eq!(&done[..], &wanted[..], "waits together: {}", shown());
        prop_assert_eq!(&written, &both, "in the order {:?}: {}", order, shown());
    }

    // What was carried settles: carried again it changes nothing, and the way back changes nothing where a rule was carried.
    let now = with(target, &both);
    let carrying: Vec<u16> =
        [0, 1].into_iter().filter(|rule: &u16| !alone[usize::from(*rule)].1.is_empty()).collect();
    let (_, again) = carried(&mapper, &[0, 1], from, source, &now);
    let after = with(&now, &again);
    prop_assert!(same(pair, &mapper, from.other(), &[0, 1], &after, &now), "settles: {again:?}, {}", shown());
    if target.fields().any(|(_, presence)| presence == Presence::Absent) {
        return Ok(carrying.len() == 2);
    }
    let (_, back) = carried(&mapper, &carrying, from.other(), &now, source);
    prop_assert!(
        same(pair, &mapper, from, &carrying, &with(source, &back), source),
        "comes back: {back:?}, {}",
        shown()
    );
    Ok(carrying.len() == 2)
}

#[test]
fn two_rules_of_one_link_keep_their_laws_together_for_every_pair_of_kinds_that_a_template_combines() {
    let pairs = pairs();
    let kinds: Vec<&Kinds> = pairs.keys().collect();
    // What the templates combine is theirs to say; that it is a lot, and has the dangerous ones, is checked.
    for combined in [("const", "lookup"), ("copy", "lines"), ("expression", "options"), ("lookup", "lookup")]
    {
        assert!(kinds.contains(&&combined), "{combined:?} in {kinds:?}");
    }
    let index = || prop::collection::vec(any::<prop::sample::Index>(), 8);
    for (kinds, pairs) in &pairs {
        let tried = Cell::new(0_u32);
        let config = ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() };
        let strategy =
            (any::<prop::sample::Index>(), index(), index(), any::<bool>(), prop::bool::weighted(0.2));
        let ran = TestRunner::new(config).run(&strategy, |(which, left, right, from_left, creating)| {
            let pair = which.get(&pairs[..]);
            let (left, right) = (filled(pair, Side::Left, &left), filled(pair, Side::Right, &right));
            let (from, source, target) =
                if from_left { (Side::Left, left, right) } else { (Side::Right, right, left) };
            let target = if creating { Record::absent(target.shape()) } else { target };
            if check(pair, from, &source, &target)? {
                tried.set(tried.get() + 1);
            }
            Ok(())
        });
        ran.unwrap_or_else(|failed| panic!("{kinds:?}: {failed}"));
        assert!(tried.get() > 0, "{kinds:?}: no case in which both rules carried something");
    }
}
