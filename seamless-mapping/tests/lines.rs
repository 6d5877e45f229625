//! Lists of child records: line by line, by the key of each, with what both sides did put together.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use proptest::prelude::*;
use seamless_core::mapper::{Answer, Ask, ConflictPolicy, Draft, MapContext, MapProblem, Mapper, Resolved};
use seamless_core::merge::{Case, CompiledLink, Judgement, Reconciler, ThreeWay, merged};
use seamless_core::model::{
    ActionId, Bits, EntityName, FieldName, Planned, Presence, Record, RecordId, RuleIndex, Shape, Side,
    Sides, Slot, Value, record,
};
use seamless_mapping::{LoadOptions, load};

const ORDERS: &str = "
integration: orders
sides: { crm: a, erp: b }
links:
  - { id: items, crm: product, erp: Item, match: none }
  - id: orders
    crm: salesorder
    erp: Sales Header
    match: none
    rules:
      - name <-> Name
      - lines <-> Lines:
          key: no = Line No.
          rules:
            - quantity <-> Quantity
            - text <-> Description: { same_when: case }
            - item <-> No.: { lookup: items, types: { crm: text, erp: text } }
            - amount -> Amount
          on_conflict: merge
";

fn link() -> Arc<CompiledLink> {
    link_of(ORDERS)
}

fn link_of(text: &str) -> Arc<CompiledLink> {
    let loaded = load("orders.yaml", text, &LoadOptions::default()).unwrap_or_else(|found| panic!("{found}"));
    CompiledLink::compile(loaded.mapping.link("orders").unwrap()).unwrap()
}

fn line(fields: &[(&str, Value)]) -> Record {
    let shape = Shape::new(fields.iter().map(|(name, _)| FieldName::from(*name))).unwrap();
    record(&shape, fields.iter().map(|(name, value)| (FieldName::from(*name), Slot::Value(value.clone()))))
        .unwrap()
}

fn header(link: &CompiledLink, side: Side, lines: Vec<Record>) -> Record {
    let (name, list) = if side == Side::Left { ("name", "lines") } else { ("Name", "Lines") };
    let values = [(name, Value::text("order")), (list, Value::List(lines.into()))];
    record(link.shape(side), values.map(|(name, value)| (name.into(), Slot::Value(value)))).unwrap()
}

fn carried(
    from: Side,
    source: &Record,
    target: &Record,
    resolved: &Resolved,
) -> Result<Vec<Record>, MapProblem> {
    let link = link();
    let entity = EntityName::from("x");
    let cx = MapContext { resolved, target_entity: &entity, creating: false };
    let mut draft = Draft::over(target);
    link.mapper().carry(RuleIndex(1), from, source, &mut draft, &cx).map_err(|error| error.problem)?;
    match draft.into_planned().remove(0).1 {
        Planned::Known(Value::List(lines)) => Ok(lines.to_vec()),
        other => panic!("{other:?}"),
    }
}

fn crm(no: i64, quantity: i64) -> Record {
    line(&[
        ("no", Value::Int(no)),
        ("quantity", Value::Int(quantity)),
        ("text", Value::text("bolt")),
        ("item", Value::Null),
        ("amount", Value::Int(quantity * 7)),
    ])
}

fn erp(no: i64, quantity: i64) -> Record {
    line(&[
        ("Bin", Value::text("A1")),
        ("Line No.", Value::Int(no)),
        ("Quantity", Value::Int(quantity)),
        ("Description", Value::text("BOLT")),
        ("No.", Value::Null),
        ("Amount", Value::Int(quantity * 7)),
    ])
}

#[test]
fn what_no_rule_names_of_a_line_stays_and_lines_keep_their_places() {
    let link = link();
    let source = header(&link, Side::Left, vec![crm(1, 5), crm(2, 6), crm(4, 1)]);
    let target = header(&link, Side::Right, vec![erp(3, 9), erp(2, 6), erp(1, 1)]);
    let made = carried(Side::Left, &source, &target, &Resolved::new()).unwrap();
    let seen: Vec<_> = made
        .iter()
        .map(|line| {
            ["Line No.", "Quantity", "Description", "Bin", "Amount"].map(|name| line.field(name).to_slot())
        })
        .collect();
    let known = |no: i64, quantity: i64, text: &str, bin: Slot, amount: i64| {
        let value = |value: Value| Slot::Value(value);
        [
            value(Value::Int(no)),
            value(Value::Int(quantity)),
            value(Value::text(text)),
            bin,
            value(Value::Int(amount)),
        ]
    };
    let kept = || Slot::Value(Value::text("A1"));
    assert_eq!(
        seen,
        [
            known(2, 6, "BOLT", kept(), 42),
            known(1, 5, "BOLT", kept(), 35),
            known(4, 1, "bolt", Slot::Absent, 7),
        ]
    );
}

#[test]
fn a_line_of_a_one_way_rule_is_not_carried_back() {
    let link = link();
    let source = header(&link, Side::Right, vec![erp(1, 5)]);
    let target = header(&link, Side::Left, vec![crm(1, 1)]);
    let made = carried(Side::Right, &source, &target, &Resolved::new()).unwrap();
    assert_eq!(made[0].field("quantity").to_slot(), Slot::Value(Value::Int(5)));
    assert_eq!(made[0].field("amount").to_slot(), Slot::Value(Value::Int(7)), "the ERP does not say amounts");
}

// Catches: a unit that goes one way only, since two rules of a line name its code. The list is decided as one, whoever names it.
#[test]
fn rules_of_a_line_that_share_a_field_each_go_their_own_way() {
    let text = ORDERS.replace(
        "            - amount -> Amount\n",
        "            - unit -> Unit Code\n            - code <- Unit Code: { expression: \"lower(`Unit Code`)\" }\n",
    );
    let link = link_of(&text);
    let entity = EntityName::from("x");
    let resolved = Resolved::new();
    let cx = MapContext { resolved: &resolved, target_entity: &entity, creating: false };
    let carried = |from: Side, line: Record, field: &str| {
        let (source, target) = (header(&link, from, vec![line]), header(&link, from.other(), vec![]));
        let mut draft = Draft::over(&target);
        link.mapper().carry(RuleIndex(1), from, &source, &mut draft, &cx).unwrap();
        match draft.into_planned().remove(0).1 {
            Planned::Known(Value::List(lines)) => lines[0].field(field).to_slot(),
            other => panic!("{other:?}"),
        }
    };
    let here = line(&[("no", Value::Int(1)), ("unit", Value::text("PCS")), ("code", Value::text("x"))]);
    assert_eq!(carried(Side::Left, here, "Unit Code"), Slot::Value(Value::text("PCS")));
    let there = line(&[("Line No.", Value::Int(1)), ("Unit Code", Value::text("BOX"))]);
    assert_eq!(carried(Side::Right, there, "code"), Slot::Value(Value::text("box")));
}

#[test]
fn a_look_up_of_a_line_is_asked_for_and_waits_for_what_the_plan_creates() {
    let link = link();
    let mut of_item = crm(1, 1);
    let slot = of_item.shape().slot("item").unwrap();
    of_item = of_item.with([(slot, Presence::Value(Value::text("p1").as_ref()))]);
    let source = header(&link, Side::Left, vec![of_item]);
    let ask = Ask::Partner { link: "items".into(), side: Side::Left, id: RecordId::text("p1") };
    let asks: Vec<Ask> =
        link.mapper().references(Side::Left, &source, &Resolved::new()).into_asks().collect();
    assert_eq!(asks, std::slice::from_ref(&ask));
    assert_eq!(link.spec().depends_on, ["items".into()]);
    let target = header(&link, Side::Right, vec![]);
    let with = |answer: Answer| {
        let mut resolved = Resolved::new();
        resolved.insert(ask.clone(), answer);
        carried(Side::Left, &source, &target, &resolved)
    };
    let found = with(Answer::Paired(RecordId::text("I-1"))).unwrap();
    assert_eq!(found[0].field("No.").to_slot(), Slot::Value(Value::text("I-1")));
    assert_eq!(with(Answer::Unpaired), Err(MapProblem::Waiting(ask.clone())));
    assert_eq!(with(Answer::Planned(ActionId::from_bytes([7; 16]))), Err(MapProblem::Waiting(ask.clone())));
}

/// What a file says of a rule over lists, with the line of the finding.
fn finding(rule: &str) -> String {
    let text = format!(
        "integration: i\nsides: {{ l: a, r: b }}\nlinks:\n  - id: x\n    l: A\n    r: B\n    match: none\n    rules:\n{rule}"
    );
    load("m", &text, &LoadOptions::default()).map_or_else(|findings| findings.to_string(), |_| String::new())
}

#[test]
fn what_is_wrong_with_a_rule_of_a_line_is_said_at_its_place() {
    for (rule, code, line) in [
        ("      - a <-> b:\n          rules:\n            - c <-> d\n", "lines-key", 11),
        ("      - a <-> b:\n          key: no = No\n", "misplaced-key", 10),
        (
            "      - a <-> b:\n          key: no = No\n          rules:\n            - c <-> d: { on_drift: keep }\n",
            "lines-policy",
            12,
        ),
        (
            "      - a <-> b:\n          key: no = No\n          rules:\n            - c <-> d\n            - e + g <-> f: { join: x }\n",
            "not-invertible",
            13,
        ),
        (
            "      - a <-> b:\n          key: no = No\n          rules:\n            - c <-> d: { key: x = y, rules: [] }\n",
            "lines-of-lines",
            12,
        ),
        (
            "      - a <-> b:\n          key: no = No\n          same_when: case\n          rules: []\n",
            "lines-values",
            11,
        ),
        ("      - a + b <-> c:\n          key: no = No\n          rules: []\n", "field-count", 9),
        ("      - a <-> b:\n          key: no + x = No\n          rules: []\n", "match-width", 10),
        (
            "      - a <-> b:\n          key: no = No\n          rules:\n            - c -> d\n            - e -> d\n",
            "two-writers",
            13,
        ),
    ] {
        let found = finding(rule);
        assert!(found.contains(code) && found.contains(&format!("m:{line}:")), "{code} at {line}: {found}");
    }
}

#[test]
fn a_changed_rule_of_a_line_is_a_changed_rule() {
    let digest = |text: &str| {
        let loaded = load("m", text, &LoadOptions::default()).unwrap();
        loaded.mapping.link("orders").unwrap().rules()[1].digest
    };
    assert_eq!(digest(ORDERS), digest(ORDERS));
    assert_ne!(digest(ORDERS), digest(&ORDERS.replace("same_when: case", "same_when: trim")));
    assert_ne!(digest(ORDERS), digest(&ORDERS.replace("key: no", "key: other")));
}

/// A list as a table of quantities by line number.
type Table = BTreeMap<i64, i64>;

fn table() -> impl Strategy<Value = Table> {
    proptest::collection::btree_map(0i64..5, 0i64..3, 0..5)
}

fn of_table(side: Side, table: &Table, backwards: bool) -> Vec<Record> {
    let line = |(no, quantity): (&i64, &i64)| match side {
        Side::Left => crm(*no, *quantity),
        Side::Right => erp(*no, *quantity),
    };
    let mut lines: Vec<Record> = table.iter().map(line).collect();
    if backwards {
        lines.reverse();
    }
    lines
}

fn table_of(side: Side, value: &Value) -> Table {
    let (no, quantity) = if side == Side::Left { ("no", "quantity") } else { ("Line No.", "Quantity") };
    let int = |line: &Record, name: &str| match line.field(name).to_slot() {
        Slot::Value(Value::Int(number)) => number,
        other => panic!("{name}: {other:?}"),
    };
    let Value::List(lines) = value else { panic!("{value:?}") };
    lines.iter().map(|line| (int(line, no), int(line, quantity))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    /// What three-way merging of two tables says, key by key, written down apart from the code under test: one side's
    /// change wins over none, the same change is one, two different ones are a conflict of the whole list.
    ///
    /// Catches: a line that is dropped or doubled, a base taken from the wrong side, a conflict that is overlooked, the
    /// order of lines taken for a change.
    #[test]
    fn lists_that_both_sides_changed_are_merged_line_by_line(
        base in table(), left in table(), right in table(), backwards in any::<bool>()
    ) {
        // Amounts follow from quantities in a system, not in this table.
        static LINK: LazyLock<Arc<CompiledLink>> =
            LazyLock::new(|| link_of(&ORDERS.replace("            - amount -> Amount\n", "")));
        let link = &**LINK;
        let of = |side: Side, table: &Table| header(link, side, of_table(side, table, backwards && side == Side::Right));
        let bases = Sides::new(of(Side::Left, &base), of(Side::Right, &base));
        let current = Sides::new(of(Side::Left, &left), of(Side::Right, &right));
        let resolved = Resolved::new();
        let entities = Sides::new(EntityName::from("l"), EntityName::from("r"));
        let rebased = Bits::new();
        let case = Case {
            link,
            base: Sides::new(Some(&bases.left), Some(&bases.right)),
            current: current.as_ref(),
            modified: Sides::new(None, None),
            context: entities.as_ref().map(|entity| MapContext { resolved: &resolved, target_entity: entity, creating: false }),
            check_all: false,
            rebased: &rebased,
        };
        let mut together = Table::new();
        let mut conflict = false;
        for no in 0..5 {
            let (b, l, r) = (base.get(&no), left.get(&no), right.get(&no));
            let value = if l == r || r == b { l } else if l == b { r } else { conflict = true; None };
            if let Some(value) = value {
                together.insert(no, *value);
            }
        }
        let judgement = ThreeWay.reconcile(&case).judgement(1);
        let changed = (left != base, right != base);
        match changed {
            (false, false) => prop_assert_eq!(judgement, Judgement::Settled),
            (true, false) => prop_assert!(matches!(judgement, Judgement::Carry { to: Side::Right, .. }), "{judgement:?}"),
            (false, true) => prop_assert!(matches!(judgement, Judgement::Carry { to: Side::Left, .. }), "{judgement:?}"),
            (true, true) if left == right => prop_assert!(matches!(judgement, Judgement::Agree(_)), "{judgement:?}"),
            (true, true) if conflict => prop_assert!(matches!(judgement, Judgement::Conflict(_)), "{judgement:?}"),
            (true, true) => {
                prop_assert_eq!(judgement, Judgement::Merge);
                let made = merged(&case, 1).unwrap();
                let written = |side: Side, own: &Table| made.write.of(side).as_ref().map_or_else(|| own.clone(), |value| table_of(side, value));
                prop_assert_eq!(written(Side::Left, &left), together.clone());
                prop_assert_eq!(written(Side::Right, &right), together.clone());
                prop_assert_eq!(made.write.left.is_none(), left == together);
                prop_assert_eq!(made.write.right.is_none(), right == together);
            }
        }
    }
}

#[test]
fn the_policy_of_a_list_parks_where_nothing_else_is_said() {
    let text = ORDERS.replace("          on_conflict: merge\n", "");
    let loaded = load("m", &text, &LoadOptions::default()).unwrap();
    assert_eq!(loaded.mapping.link("orders").unwrap().rules()[1].on_conflict, ConflictPolicy::Park);
}

const OWN: &str = "
integration: orders
sides: { crm: a, erp: b }
links:
  - id: orders
    crm: salesorder
    erp: Sales Header
    match: none
    rules:
      - name <-> Name
      - lines <-> Lines:
          key: no = Line No.
          rules:
            - quantity <-> Quantity
            - text <-> Description: { on_conflict: take_crm }
            - price <-> Price: { on_conflict: take_erp }
            - note <-> Note: { on_conflict: park }
          on_conflict: merge
";

/// What a line says: quantity, text, price, note.
type Says = [i64; 4];
type Priced = BTreeMap<i64, Says>;

fn priced() -> impl Strategy<Value = Priced> {
    proptest::collection::btree_map(0i64..3, proptest::array::uniform4(0i64..3), 0..4)
}

const OF_LEFT: [&str; 5] = ["no", "quantity", "text", "price", "note"];
const OF_RIGHT: [&str; 5] = ["Line No.", "Quantity", "Description", "Price", "Note"];

fn of_priced(side: Side, table: &Priced) -> Vec<Record> {
    let names = if side == Side::Left { OF_LEFT } else { OF_RIGHT };
    let made = |(no, says): (&i64, &Says)| {
        let values = [*no, says[0], says[1], says[2], says[3]];
        let fields: Vec<(&str, Value)> = names.into_iter().zip(values.map(Value::Int)).collect();
        // What nobody maps belongs to its side.
        line(&[fields, vec![("own", Value::Int(*no + 100))]].concat())
    };
    table.iter().map(made).collect()
}

fn priced_of(side: Side, value: &Value) -> Priced {
    let names = if side == Side::Left { OF_LEFT } else { OF_RIGHT };
    let Value::List(lines) = value else { panic!("{value:?}") };
    let int = |line: &Record, name: &str| match line.field(name).to_slot() {
        Slot::Value(Value::Int(number)) => number,
        other => panic!("{name}: {other:?}"),
    };
    let says = |line: &Record| {
        let [no, rest @ ..] = names.map(|name| int(line, name));
        (no, rest)
    };
    lines.iter().map(says).collect()
}

/// What becomes of one value: `None` where both sides changed it and nobody says whose counts.
fn decided(base: i64, left: i64, right: i64, take: Option<Side>) -> Option<i64> {
    match () {
        () if left == right || right == base => Some(left),
        () if left == base => Some(right),
        () => take.map(|side| if side == Side::Left { left } else { right }),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Rules of a line with policies of their own, beside an oracle that knows three tables and decides value by value.
    ///
    /// Catches: a value taken from the wrong side, a policy that reaches beyond its field, a line that is put together
    /// where one side removed it, a conflict of one field that others hide.
    #[test]
    fn a_rule_of_a_line_with_a_policy_of_its_own_is_decided_by_itself(
        base in priced(), edits in proptest::collection::vec((any::<bool>(), 0i64..3, 0usize..4, 0i64..3), 0..5),
        (added_left, added_right) in (priced(), priced()), removed in proptest::option::of((any::<bool>(), 0i64..3))
    ) {
        static LINK: LazyLock<Arc<CompiledLink>> = LazyLock::new(|| link_of(OWN));
        let link = &**LINK;
        let (mut left, mut right) = (base.clone(), base.clone());
        for (of_left, no, field, value) in edits {
            let table = if of_left { &mut left } else { &mut right };
            if let Some(says) = table.get_mut(&no) {
                says[field] = value;
            }
        }
        left.extend(added_left.into_iter().filter(|(no, _)| !base.contains_key(no)));
        right.extend(added_right.into_iter().filter(|(no, _)| !base.contains_key(no)));
        if let Some((of_left, no)) = removed {
            (if of_left { &mut left } else { &mut right }).remove(&no);
        }
        let of = |side: Side, table: &Priced| header(link, side, of_priced(side, table));
        let bases = Sides::new(of(Side::Left, &base), of(Side::Right, &base));
        let current = Sides::new(of(Side::Left, &left), of(Side::Right, &right));
        let resolved = Resolved::new();
        let entities = Sides::new(EntityName::from("l"), EntityName::from("r"));
        let rebased = Bits::new();
        let case = Case {
            link,
            base: Sides::new(Some(&bases.left), Some(&bases.right)),
            current: current.as_ref(),
            modified: Sides::new(None, None),
            context: entities.as_ref().map(|entity| MapContext { resolved: &resolved, target_entity: entity, creating: false }),
            check_all: false,
            rebased: &rebased,
        };
        let takes = [None, Some(Side::Left), Some(Side::Right), None];
        let mut together = Priced::new();
        let mut conflict = false;
        for no in 0..3 {
            let says = match (base.get(&no), left.get(&no), right.get(&no)) {
                (b, l, r) if l == r || r == b => l.copied(),
                (b, l, r) if l == b => r.copied(),
                (Some(b), Some(l), Some(r)) => {
                    let values: Option<Vec<i64>> = (0..4).map(|at| decided(b[at], l[at], r[at], takes[at])).collect();
                    conflict |= values.is_none();
                    values.map(|values| values.try_into().unwrap())
                }
                _ => { conflict = true; None }
            };
            together.extend(says.map(|says| (no, says)));
        }
        if left == base || right == base || left == right {
            return Ok(());
        }
        let judgement = ThreeWay.reconcile(&case).judgement(1);
        if conflict {
            prop_assert!(matches!(judgement, Judgement::Conflict(_)), "{judgement:?}");
            return Ok(());
        }
        prop_assert_eq!(judgement, Judgement::Merge, "{:?} {:?} {:?}", base, left, right);
        let made = merged(&case, 1).unwrap();
        for side in Side::BOTH {
            let own = if side == Side::Left { &left } else { &right };
            let written = made.write.of(side).as_ref().map_or_else(|| own.clone(), |value| priced_of(side, value));
            prop_assert_eq!(written, together.clone());
        }
    }
}

#[test]
fn where_a_policy_of_its_own_has_a_place() {
    let refused = |text: &str| match load("m", text, &LoadOptions::default()) {
        Ok(_) => panic!("it was taken: {text}"),
        Err(errors) => errors.to_string(),
    };
    for (text, says) in [
        (OWN.replace("          on_conflict: merge\n", ""), "only where lines are merged"),
        (
            OWN.replace("- quantity <-> Quantity", "- no <-> Line No.: { on_conflict: take_erp }"),
            "tells lines apart",
        ),
        (OWN.replace("on_conflict: take_crm", "on_conflict: { newest: { skew: 2s } }"), "knows no time"),
        (OWN.replace("on_conflict: take_crm", "first_link: take_crm"), "first links and drift"),
        (
            OWN.replace("- price <-> Price: {", "- price -> Price: {")
                .replace("- quantity <-> Quantity", "- price + quantity -> Quantity: { join: x }"),
            "shares a field",
        ),
    ] {
        let found = refused(&text);
        assert!(found.contains("lines-policy") && found.contains(says), "{says}: {found}");
    }
}
