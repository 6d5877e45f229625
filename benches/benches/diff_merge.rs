//! Two-way diff and three-way merge of customers of 20 fields, against a typed struct's loop in the same run and
//! `json-patch`.
//!
//! `cargo bench -p seamless-benches --bench diff_merge`; with `-- --check` it exits non-zero where a limit is passed.
//! Warm: 250 pairs, an untimed pass before each timed one. Cold: 20,000 pairs in random order, everything separately
//! allocated, so that no pass finds its records in the cache.

use std::hint::black_box;
use std::process::ExitCode;
use std::sync::Arc;

use seamless_benches::customers::{Customer, Dice, FIELDS, TEXTS};
use seamless_benches::timing::{Plan, Subject, medians};
use seamless_core::Result;
use seamless_core::mapper::{
    ConflictPolicy, DeletePolicy, Direction, Draft, DriftPolicy, FirstLinkPolicy, GuardLimits, LeavePolicy,
    LinkMode, LinkSpec, MapContext, MapError, Mapper, References, Resolved, Rule, RuleKind, WriteOn,
};
use seamless_core::merge::{Case, CompiledLink, Judgement, Reconciler, ThreeWay, diff};
use seamless_core::model::{
    Bits, CanonicalForm, Condition, EntityName, FormSpec, LinkId, Normaliser, Record, RecordBuilder,
    RuleIndex, Side, Sides,
};

/// Twenty copy rules.
#[derive(Debug)]
struct Copies {
    link: LinkSpec,
    rules: Vec<Rule>,
}

impl Copies {
    fn new() -> Self {
        let form = |steps: &[Normaliser]| CanonicalForm::new(steps.iter().cloned());
        // The right is the usual smaller system: it trims, knows no empty text, and keeps two decimals.
        let right = (0..TEXTS + 4).map(|field| {
            let form = match field {
                field if field < TEXTS => form(&[Normaliser::Trim, Normaliser::EmptyIsNull]),
                _ => form(&[Normaliser::Scale(2)]),
            };
            (Customer::field_name(field).as_str().into(), form)
        });
        let rule = |field: usize| {
            let name = Customer::field_name(field);
            let same_when = if field == 3 { form(&[Normaliser::Email]) } else { CanonicalForm::exact() };
            Rule {
                id: name.as_str().into(),
                fields: Sides::new(vec![name.as_str().into()], vec![name.as_str().into()]),
                kind: RuleKind::Copy,
                direction: Direction::TwoWay,
                on: WriteOn::Always,
                same_when,
                when: Sides::new(Condition::Always, Condition::Always),
                on_conflict: ConflictPolicy::Park,
                first_link: FirstLinkPolicy::Park,
                on_drift: DriftPolicy::Park,
                lossless: true,
                digest: [0; 16],
            }
        };
        let link = LinkSpec {
            id: LinkId::from("customer"),
            entity: Sides::new(EntityName::from("account"), EntityName::from("customer")),
            mode: LinkMode::TwoWay,
            scope: Sides::new(Condition::Always, Condition::Always),
            matching: Vec::new(),
            create: Sides::new(true, true),
            on_delete: Sides::new(DeletePolicy::Park, DeletePolicy::Park),
            writable: Sides::new(Condition::Always, Condition::Always),
            actions: Sides::default(),
            on_leave: Sides::new(LeavePolicy::Park, LeavePolicy::Park),
            forms: Sides::new(FormSpec::default(), FormSpec { fields: right.collect(), scales: Vec::new() }),
            depends_on: Vec::new(),
            sweep_every: None,
            limits: GuardLimits::USUAL,
        };
        Self { link, rules: (0..FIELDS).map(rule).collect() }
    }
}

impl Mapper for Copies {
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
        let slot = usize::from(rule.0);
        if let Some(value) = source.get(slot).value() {
            target.set_known(slot, value.to_value());
        }
        Ok(())
    }
}

/// Both bases, both current states, of one kind of record.
struct Four<T> {
    base: [T; 2],
    current: [T; 2],
}

impl<T> Four<T> {
    fn map<U>(&self, make: impl Fn(&T) -> U) -> Four<U> {
        Four {
            base: [make(&self.base[0]), make(&self.base[1])],
            current: [make(&self.current[0]), make(&self.current[1])],
        }
    }
}

/// Pairs that differ from their bases in so many fields: most on the left, some on the right, and where all of them
/// changed some on both, alike or not.
fn customers(pairs: usize, changes: usize, dice: &mut Dice) -> Vec<Four<Customer>> {
    let pair = |_| {
        let base = Customer::new(dice);
        let (mut left, mut right) = (base.clone(), base.clone());
        for (place, field) in dice.fields(changes).into_iter().enumerate() {
            match place % 5 {
                0 | 1 => left.change(field, dice),
                2 => right.change(field, dice),
                3 => {
                    left.change(field, dice);
                    right.copy(field, &left);
                }
                _ => {
                    left.change(field, dice);
                    right.change(field, dice);
                }
            }
        }
        Four { base: [base.clone(), base], current: [left, right] }
    };
    (0..pairs).map(pair).collect()
}

/// What a typed merge says: fields to the right, to the left, agreed, in conflict. As the engine, it looks whether a
/// value that one side changed is what the other one holds already.
#[inline(never)]
fn typed_merge(four: &Four<Customer>) -> [u32; 4] {
    let left = four.base[0].differing(&four.current[0]);
    let right = four.base[1].differing(&four.current[1]);
    let changed = left | right;
    let apart = if changed == 0 { 0 } else { changed & four.current[0].differing(&four.current[1]) };
    [left & !right & apart, right & !left & apart, changed & !apart, left & right & apart]
}

fn record(link: &CompiledLink, side: Side, customer: &Customer) -> Record {
    let mut builder = RecordBuilder::new(link.shape(side));
    for value in customer.values() {
        builder.push_value(value.as_ref());
    }
    builder.finish()
}

struct Row {
    name: &'static str,
    changes: usize,
    warm: f64,
    cold: f64,
    /// The typed loop's, warm and cold.
    limit: (f64, f64),
    /// How often the typed loop's warm time is allowed, and how many nanoseconds.
    allowed: (Option<f64>, Option<f64>),
}

fn main() -> ExitCode {
    let check = std::env::args().any(|argument| argument == "--check");
    let Ok(link) = CompiledLink::compile(Arc::new(Copies::new())) else { return ExitCode::FAILURE };
    let mut rows = Vec::new();
    for changes in [0, 3, FIELDS] {
        rows.extend(measure(&link, changes));
    }
    println!("| 20 fields, ns per pair | changed | warm | of typed | cold | of typed | limit |");
    println!("|---|---|---|---|---|---|---|");
    let mut passed = true;
    for row in &rows {
        let (ratio, cold_ratio) = (row.warm / row.limit.0, row.cold / row.limit.1);
        let (times, ns) = row.allowed;
        let within = times.is_none_or(|times| ratio <= times) && ns.is_none_or(|ns| row.warm <= ns);
        passed &= within;
        let allowed = match row.allowed {
            (Some(times), _) => format!("{times}x"),
            (None, Some(ns)) => format!("{ns} ns"),
            (None, None) => "-".to_owned(),
        };
        let mark = if within { "" } else { " PASSED THE LIMIT" };
        println!(
            "| {} | {} | {:.0} | {ratio:.2} | {:.0} | {cold_ratio:.2} | {allowed}{mark} |",
            row.name, row.changes, row.warm, row.cold
        );
    }
    if check && !passed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn measure(link: &CompiledLink, changes: usize) -> Vec<Row> {
    let warm = times(link, changes, Plan { pairs: 250, passes: 8, rounds: 101, warm: true });
    let cold = times(link, changes, Plan { pairs: 20_000, passes: 1, rounds: 7, warm: false });
    let times_allowed = |ratio: f64| if changes == FIELDS { (None, None) } else { (Some(ratio), None) };
    let merge_allowed = if changes == FIELDS { (None, Some(700.0)) } else { times_allowed(2.5) };
    // Name, what it is held against, what is allowed; in the order of the subjects.
    let subjects = [
        ("two-way: typed struct", 0, (None, None)),
        ("two-way: diff", 0, times_allowed(2.5)),
        ("two-way: json-patch", 0, (None, None)),
        ("three-way: typed struct", 3, (None, None)),
        ("three-way: merge", 3, merge_allowed),
        ("three-way: merge, all groups checked", 3, times_allowed(4.0)),
    ];
    let row = |(place, (name, limit, allowed)): (usize, (&'static str, usize, _))| Row {
        name,
        changes,
        warm: warm[place],
        cold: cold[place],
        limit: (warm[limit], cold[limit]),
        allowed,
    };
    subjects.into_iter().enumerate().map(row).collect()
}

fn times(link: &CompiledLink, changes: usize, plan: Plan) -> Vec<f64> {
    let mut dice = Dice::new(20_240_229 + changes as u64);
    let typed = customers(plan.pairs, changes, &mut dice);
    // Built in another order than they are walked in: neighbours in memory are not neighbours in the walk.
    let mut order: Vec<usize> = (0..plan.pairs).collect();
    for place in 0..plan.pairs {
        let other = dice.below(plan.pairs);
        order.swap(place, other);
    }
    let mut records: Vec<Option<Four<Record>>> = (0..plan.pairs).map(|_| None).collect();
    for place in order.iter().copied() {
        let four = &typed[place];
        let make = |side, customer: &Customer| record(link, side, customer);
        records[place] = Some(Four {
            base: [make(Side::Left, &four.base[0]), make(Side::Right, &four.base[1])],
            current: [make(Side::Left, &four.current[0]), make(Side::Right, &four.current[1])],
        });
    }
    let records: Vec<Four<Record>> = records.into_iter().flatten().collect();
    let mut shuffled: Vec<Option<Four<Customer>>> = typed.iter().map(|_| None).collect();
    for place in order {
        shuffled[place] = Some(typed[place].map(Customer::clone));
    }
    let typed: Vec<Four<Customer>> = shuffled.into_iter().flatten().collect();
    let json: Vec<[serde_json::Value; 2]> =
        typed.iter().map(|four| [four.base[0].to_json(), four.current[0].to_json()]).collect();
    assert_same(link, &typed, &records);

    let forms = link.forms(Side::Left);
    let bits = Bits::new();
    let resolved = Resolved::new();
    let merge = |four: &Four<Record>, check_all: bool| {
        ThreeWay.reconcile(&case(link, four, &resolved, &bits, check_all))
    };
    let loud = |check_all: bool| {
        records.iter().map(|four| u64::from(!merge(black_box(four), check_all).is_quiet())).sum::<u64>()
    };
    let subjects = [
        Subject::new("typed", || {
            typed
                .iter()
                .map(|four| u64::from(black_box(&four.base[0]).differing(&four.current[0]).count_ones()))
                .sum()
        }),
        Subject::new("diff", || {
            records
                .iter()
                .map(|four| {
                    diff(forms, black_box(&four.base[0]), &four.current[0]).low_word().count_ones() as u64
                })
                .sum()
        }),
        Subject::new("json-patch", || {
            json.iter().map(|[base, current]| json_patch::diff(black_box(base), current).0.len() as u64).sum()
        }),
        Subject::new("typed merge", || {
            typed
                .iter()
                .map(|four| {
                    typed_merge(black_box(four)).iter().map(|bits| u64::from(bits.count_ones())).sum::<u64>()
                })
                .sum()
        }),
        Subject::new("merge", || loud(false)),
        Subject::new("merge, checked", || loud(true)),
    ];
    medians(&subjects, plan)
}

fn case<'a>(
    link: &'a CompiledLink,
    four: &'a Four<Record>,
    resolved: &'a Resolved,
    rebased: &'a Bits,
    check_all: bool,
) -> Case<'a> {
    let entity = &link.spec().entity;
    let context = |side: Side| MapContext { resolved, target_entity: entity.of(side), creating: false };
    Case {
        link,
        base: Sides::new(Some(&four.base[0]), Some(&four.base[1])),
        current: Sides::new(&four.current[0], &four.current[1]),
        modified: Sides::new(None, None),
        context: Sides::new(context(Side::Left), context(Side::Right)),
        check_all,
        rebased,
    }
}

/// What is timed gives the same answer: group by group the typed loop's.
fn assert_same(link: &CompiledLink, typed: &[Four<Customer>], records: &[Four<Record>]) {
    let (resolved, rebased) = (Resolved::new(), Bits::new());
    for (typed, records) in typed.iter().zip(records) {
        let differing = u64::from(typed.base[0].differing(&typed.current[0]));
        assert_eq!(diff(link.forms(Side::Left), &records.base[0], &records.current[0]).low_word(), differing);
        let [to_right, to_left, agreed, apart] = typed_merge(typed).map(u64::from);
        for check_all in [false, true] {
            let verdict = ThreeWay.reconcile(&case(link, records, &resolved, &rebased, check_all));
            assert_eq!(verdict.carried_to(Side::Right).low_word(), to_right);
            assert_eq!(verdict.carried_to(Side::Left).low_word(), to_left);
            assert_eq!(verdict.conflicts().low_word(), apart);
            assert_eq!(verdict.moved_bases().low_word(), agreed);
            assert_eq!(verdict.all(Judgement::Diverged).low_word(), 0);
        }
    }
}
