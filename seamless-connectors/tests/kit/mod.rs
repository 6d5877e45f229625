//! Conformance: what any connector must do, as plain functions over a subject. The door is [`check_connector`]; a
//! test file brings the subject, everything else is here. What a subject cannot do by its own declaration is checked
//! to be refused, not passed over.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    dead_code
)]

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::StreamExt;
use futures::executor::block_on;
use seamless_core::connector::{
    Change, Connector, Cursor, DeleteGround, End, Expects, FetchBy, FetchQuery, Lookup, Order, Page, Proof,
    ReadQuery, RefusalKind, Target, Verb, Versioned, WriteBatch, WriteOp, WriteOutcome, WriteReturns,
};
use seamless_core::model::{
    ActionId, Condition, EntityName, ErrorKind, FieldName, Presence, Record, RecordId, Shape, Value, record,
};

pub(crate) const KEY: &str = "No.";
pub(crate) const NAME: &str = "Name";
pub(crate) const CREDIT: &str = "Credit Limit (LCY)";
pub(crate) const ACTIVE: &str = "active";
pub(crate) const SINCE: &str = "since";
pub(crate) const COUNT: &str = "count";
pub(crate) const ODD: &str = "select \"x\", 😀; --";

/// All fields of the entity that every subject has; the key first.
pub(crate) const FIELDS: [&str; 7] = [KEY, NAME, CREDIT, ACTIVE, SINCE, COUNT, ODD];

/// A fresh, empty system with one entity of these fields, and a second client of the same system.
pub(crate) struct Subject {
    pub(crate) connector: Arc<dyn Connector>,
    pub(crate) other: Arc<dyn Connector>,
    pub(crate) entity: EntityName,
    /// Whether the system tells empty text from nothing.
    pub(crate) tells_empty_from_null: bool,
}

type Case = (&'static str, fn(&Subject));

/// Runs every case on a fresh subject each; how many there were.
pub(crate) fn check_connector(fresh: &dyn Fn() -> Subject) -> usize {
    let cases: &[Case] = &[
        ("schema", schema_names_every_field),
        ("unknown entity", an_unknown_entity_is_named),
        ("unknown field", an_unknown_field_is_named),
        ("paging", pages_of_any_size_give_the_same_records),
        ("resume", a_read_goes_on_from_a_cursor_in_the_middle),
        ("foreign cursor", a_foreign_cursor_is_refused),
        ("fetch", fetch_answers_each_record_asked_for_in_order),
        ("fetch by key", fetch_by_key_finds_one_several_or_none),
        ("gone", a_deleted_record_is_gone_and_deleting_it_again_is_applied),
        ("conditional", a_precondition_that_does_not_hold_changes_nothing),
        ("patch", an_update_touches_no_other_field),
        ("partial batch", one_refused_operation_does_not_undo_the_others),
        ("key taken", a_taken_key_names_who_has_it),
        ("missing", an_update_of_a_record_that_is_not_there_is_missing),
        ("invalid", a_value_that_does_not_fit_names_its_field),
        ("batch", a_batch_that_is_too_large_is_refused_as_a_whole),
        ("exact", values_read_back_as_they_were_written),
        ("proof", a_write_returns_what_a_read_then_sees),
        ("dropped", a_read_that_is_dropped_half_way_harms_nothing),
        ("large", a_text_of_ten_megabytes_comes_back),
        ("changes", changes_are_seen_after_the_cursor),
    ];
    for (name, case) in cases {
        eprintln!("case {name}");
        case(&fresh());
    }
    cases.len()
}

pub(crate) fn text(value: &str) -> Value {
    Value::text(value)
}

pub(crate) fn decimal(value: &str) -> Value {
    Value::Decimal(value.parse().unwrap())
}

impl Subject {
    pub(crate) fn shape(&self) -> Arc<Shape> {
        Shape::new(FIELDS.map(FieldName::from)).unwrap()
    }

    pub(crate) fn query(&self, after: Option<Cursor>, page_records_max: usize) -> ReadQuery {
        let (entity, condition) = (self.entity.clone(), Condition::Always);
        ReadQuery { entity, shape: self.shape(), condition, after, page_records_max }
    }

    pub(crate) fn pages(&self, after: Option<Cursor>, page: usize) -> Vec<Page> {
        block_on(async {
            let pages = self.connector.read(self.query(after, page)).await.unwrap();
            pages.map(Result::unwrap).collect().await
        })
    }

    /// All records by id; broken ones fail the test.
    pub(crate) fn all(&self, page: usize) -> BTreeMap<RecordId, Versioned> {
        upserts(&self.pages(None, page)).into_iter().map(|found| (found.id.clone(), found)).collect()
    }

    pub(crate) fn one(&self, key: &str) -> Option<Versioned> {
        self.all(1000).remove(&RecordId::text(key))
    }

    pub(crate) fn look_up(&self, keys: &[&str]) -> Vec<Lookup> {
        let by = FetchBy::Ids(keys.iter().map(|key| RecordId::text(key)).collect());
        block_on(self.connector.fetch(FetchQuery { entity: self.entity.clone(), shape: self.shape(), by }))
            .unwrap()
    }

    pub(crate) fn write(&self, ops: Vec<WriteOp>) -> Vec<WriteOutcome> {
        block_on(self.connector.write(&self.entity, WriteBatch { ops })).unwrap()
    }

    pub(crate) fn fill(&self, count: usize) {
        let ops: Vec<WriteOp> = (0..count)
            .map(|no| create(&format!("C{no:04}"), &[(NAME, text(&format!("name {no}")))]))
            .collect();
        for outcome in self.write(ops) {
            assert!(matches!(outcome, WriteOutcome::Applied { .. }), "{outcome:?}");
        }
    }
}

pub(crate) fn upserts(pages: &[Page]) -> Vec<Versioned> {
    let changes = pages.iter().flat_map(|page| &page.changes);
    changes
        .map(|change| match change {
            Change::Upsert(found) => found.clone(),
            other => panic!("{other:?}"),
        })
        .collect()
}

pub(crate) fn patch(values: &[(&str, Value)]) -> Record {
    let shape = Shape::new(values.iter().map(|(name, _)| FieldName::from(*name))).unwrap();
    record(&shape, values.iter().map(|(name, value)| (FieldName::from(*name), value.clone().into()))).unwrap()
}

fn op(target: Target, verb: Verb, values: &[(&str, Value)], expects: Expects) -> WriteOp {
    static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    let serial = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let id = ActionId::derive(&[&serial.to_le_bytes()]);
    WriteOp { id, target, verb, patch: patch(values), expects }
}

pub(crate) fn create(key: &str, values: &[(&str, Value)]) -> WriteOp {
    op(Target::New(Some(RecordId::text(key))), Verb::Create, values, Expects::Missing)
}

pub(crate) fn update(key: &str, values: &[(&str, Value)], expects: Expects) -> WriteOp {
    op(Target::Existing(RecordId::text(key)), Verb::Update, values, expects)
}

pub(crate) fn delete(key: &str, expects: Expects) -> WriteOp {
    op(Target::Existing(RecordId::text(key)), Verb::Delete(DeleteGround::LeftScope), &[], expects)
}

pub(crate) fn refusal(outcome: &WriteOutcome) -> &RefusalKind {
    match outcome {
        WriteOutcome::Refused(refusal) => &refusal.why,
        other => panic!("not refused: {other:?}"),
    }
}

pub(crate) fn applied(outcome: &WriteOutcome) -> &Proof {
    match outcome {
        WriteOutcome::Applied { proof, .. } => proof,
        other => panic!("not applied: {other:?}"),
    }
}

fn held(found: &Versioned, field: &str) -> Value {
    found.record.field(field).value().expect(field).to_value()
}

fn schema_names_every_field(subject: &Subject) {
    let names = block_on(subject.connector.entities()).unwrap();
    assert!(names.contains(&subject.entity) && names.is_sorted());
    let schema = block_on(subject.connector.discover(&names)).unwrap();
    let entity = schema.entity(subject.entity.as_str()).unwrap();
    for name in FIELDS {
        assert!(entity.field(name).is_some(), "{name} of {entity:?}");
    }
    assert_eq!(entity.key, [FieldName::from(KEY)]);
}

fn an_unknown_entity_is_named(subject: &Subject) {
    let unknown = EntityName::from("no such thing");
    assert_eq!(subject.connector.capabilities(&unknown), Default::default());
    let error = block_on(subject.connector.discover(std::slice::from_ref(&unknown))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains("no such thing"), "{error}");
    let query = ReadQuery { entity: unknown, ..subject.query(None, 10) };
    assert_eq!(block_on(subject.connector.read(query)).err().unwrap().kind(), ErrorKind::NotFound);
}

fn an_unknown_field_is_named(subject: &Subject) {
    let shape = Shape::new(["no such field".into()]).unwrap();
    let query = ReadQuery { shape, ..subject.query(None, 10) };
    let error = block_on(subject.connector.read(query)).err().unwrap();
    assert!(error.to_string().contains("no such field"), "{error}");
}

fn pages_of_any_size_give_the_same_records(subject: &Subject) {
    subject.fill(23);
    let can = subject.connector.capabilities(&subject.entity);
    let mut ids = Vec::new();
    for size in [1, 2, 23, 24, 1000] {
        let pages = subject.pages(None, size);
        assert!(pages.iter().all(|page| page.changes.len() <= size), "page size {size}");
        assert!(pages.iter().rev().skip(1).all(|page| page.end.is_none()));
        match &pages.last().unwrap().end {
            Some(End::Complete(all)) => {
                assert!(can.complete_enumeration);
                assert_eq!(all.order, can.order);
                assert_eq!(all.changes_from.is_some(), can.changes);
            }
            Some(End::Partial) => assert!(!can.complete_enumeration),
            other => panic!("{other:?}"),
        }
        let found = upserts(&pages);
        let order: Vec<RecordId> = found.iter().map(|found| found.id.clone()).collect();
        assert!(can.order != Order::RecordId || order.is_sorted(), "{order:?}");
        let records: BTreeMap<RecordId, String> =
            found.iter().map(|found| (found.id.clone(), found.record.to_json())).collect();
        assert_eq!(records.len(), 23, "page size {size}");
        assert_eq!(found.len(), 23);
        ids.push(records);
    }
    assert!(ids.windows(2).all(|pair| pair[0] == pair[1]));
}

fn a_read_goes_on_from_a_cursor_in_the_middle(subject: &Subject) {
    subject.fill(10);
    let pages = subject.pages(None, 3);
    for taken in 1..pages.len() {
        let mut seen: Vec<RecordId> = upserts(&pages[..taken]).into_iter().map(|found| found.id).collect();
        let rest = subject.pages(Some(pages[taken - 1].cursor.clone()), 4);
        seen.extend(upserts(&rest).into_iter().map(|found| found.id));
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 10, "after {taken} pages");
        let end = &rest.last().unwrap().end;
        assert_eq!(*end, Some(End::Partial), "a resumed enumeration is not complete");
    }
}

fn a_foreign_cursor_is_refused(subject: &Subject) {
    subject.fill(2);
    for bytes in [&b""[..], b"sqlite 9 x", b"\xff\xfe", b"{}"] {
        let query = subject.query(Some(Cursor::new(bytes)), 10);
        let error = block_on(async {
            match subject.connector.read(query).await {
                Err(error) => error,
                Ok(mut pages) => pages.next().await.unwrap().unwrap_err(),
            }
        });
        assert_eq!(error.kind(), ErrorKind::CursorExpired, "{bytes:?}");
    }
}

fn fetch_answers_each_record_asked_for_in_order(subject: &Subject) {
    subject.fill(5);
    let found = subject.look_up(&["C0003", "nobody", "C0000", "C0003"]);
    let names: Vec<Option<Value>> = found
        .iter()
        .map(|lookup| match lookup {
            Lookup::Found(found) => Some(held(found, NAME)),
            Lookup::Gone(proof) => {
                assert_eq!(proof.id, RecordId::text("nobody"));
                assert!(subject.connector.capabilities(&subject.entity).gone_not_hidden);
                None
            }
            Lookup::Hidden => None,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(names, [Some(text("name 3")), None, Some(text("name 0")), Some(text("name 3"))]);
    assert!(subject.look_up(&[]).is_empty());
}

fn fetch_by_key_finds_one_several_or_none(subject: &Subject) {
    let same = || vec![(NAME, text("same"))];
    subject.write(vec![
        create("A", &same()),
        create("B", &same()),
        create("C", &[(NAME, text("O'Neil; --"))]),
    ]);
    let by = FetchBy::Key {
        fields: vec![NAME.into()],
        values: vec![vec![text("O'Neil; --")], vec![text("same")], vec![text("nobody")]],
    };
    let query = FetchQuery { entity: subject.entity.clone(), shape: subject.shape(), by };
    let found = block_on(subject.connector.fetch(query)).unwrap();
    assert!(matches!(&found[0], Lookup::Found(found) if found.id == RecordId::text("C")));
    assert_eq!(found[1], Lookup::Several(vec![RecordId::text("A"), RecordId::text("B")]));
    assert_eq!(found[2], Lookup::Hidden);
    assert_eq!(found.len(), 3);
}

fn a_deleted_record_is_gone_and_deleting_it_again_is_applied(subject: &Subject) {
    subject.fill(3);
    for _ in 0..2 {
        applied(&subject.write(vec![delete("C0001", Expects::Anything)])[0]);
        assert_eq!(subject.all(10).len(), 2);
        match (
            &subject.look_up(&["C0001"])[0],
            subject.connector.capabilities(&subject.entity).gone_not_hidden,
        ) {
            (Lookup::Gone(_), true) | (Lookup::Hidden, false) => {}
            other => panic!("{other:?}"),
        }
    }
}

fn a_precondition_that_does_not_hold_changes_nothing(subject: &Subject) {
    assert!(subject.connector.capabilities(&subject.entity).conditional_update);
    subject.fill(2);
    let before = subject.one("C0000").unwrap();
    let others = vec![update("C0000", &[(NAME, text("somebody else's"))], Expects::Anything)];
    applied(&block_on(subject.other.write(&subject.entity, WriteBatch { ops: others })).unwrap()[0]);
    let now = subject.one("C0000").unwrap();
    let ours = [(NAME, text("ours")), (COUNT, Value::Int(1))];
    let mut stale = vec![Expects::Values(patch(&[(NAME, text("name 0"))])), Expects::Missing];
    if let Some(version) = before.version {
        assert_ne!(Some(&version), now.version.as_ref());
        stale.push(Expects::Version(version));
    }
    for expects in stale {
        let outcomes = subject.write(vec![update("C0000", &ours, expects.clone()), delete("C0000", expects)]);
        assert_eq!([refusal(&outcomes[0]), refusal(&outcomes[1])], [&RefusalKind::Stale; 2]);
        assert_eq!(subject.one("C0000").unwrap(), now);
    }
    let expects = Expects::Values(patch(&[(NAME, text("somebody else's"))]));
    applied(&subject.write(vec![update("C0000", &ours, expects)])[0]);
    let now = subject.one("C0000").unwrap();
    assert_eq!(held(&now, NAME), text("ours"));
    if let Some(version) = now.version {
        let again = vec![update("C0000", &[(NAME, text("again"))], Expects::Version(version))];
        applied(&subject.write(again)[0]);
    }
}

fn an_update_touches_no_other_field(subject: &Subject) {
    let values = [(NAME, text("a")), (CREDIT, decimal("1.10")), (ODD, text("odd"))];
    subject.write(vec![create("A", &values), create("B", &values)]);
    let b = subject.one("B").unwrap();
    applied(&subject.write(vec![update("A", &[(CREDIT, Value::Null)], Expects::Anything)])[0]);
    let a = subject.one("A").unwrap();
    assert_eq!([held(&a, NAME), held(&a, CREDIT), held(&a, ODD)], [text("a"), Value::Null, text("odd")]);
    assert_eq!(subject.one("B").unwrap(), b);
}

fn one_refused_operation_does_not_undo_the_others(subject: &Subject) {
    subject.fill(2);
    let outcomes = subject.write(vec![
        update("C0000", &[(NAME, text("first"))], Expects::Anything),
        update("nobody", &[(NAME, text("x"))], Expects::Anything),
        create("C0001", &[(NAME, text("taken"))]),
        create("D", &[(NAME, text("last"))]),
    ]);
    assert_eq!(outcomes.len(), 4);
    applied(&outcomes[0]);
    assert_eq!(refusal(&outcomes[1]), &RefusalKind::Missing);
    assert!(matches!(refusal(&outcomes[2]), RefusalKind::KeyTaken { .. }));
    applied(&outcomes[3]);
    let names: Vec<Value> = subject.all(10).values().map(|found| held(found, NAME)).collect();
    assert_eq!(names, [text("first"), text("name 1"), text("last")]);
}

fn a_taken_key_names_who_has_it(subject: &Subject) {
    subject.fill(1);
    let outcomes = subject.write(vec![create("C0000", &[])]);
    assert_eq!(refusal(&outcomes[0]), &RefusalKind::KeyTaken { by: Some(RecordId::text("C0000")) });
}

fn an_update_of_a_record_that_is_not_there_is_missing(subject: &Subject) {
    let outcomes = subject.write(vec![update("X", &[(NAME, text("x"))], Expects::Anything)]);
    assert_eq!(refusal(&outcomes[0]), &RefusalKind::Missing);
    assert!(subject.all(10).is_empty());
}

fn a_value_that_does_not_fit_names_its_field(subject: &Subject) {
    subject.fill(1);
    for (field, value) in [
        (NAME, text(&"x".repeat(51))),
        (CREDIT, text("ten")),
        (CREDIT, decimal("1.001")),
        ("none", text("x")),
    ] {
        let outcomes = subject.write(vec![update("C0000", &[(field, value)], Expects::Anything)]);
        assert_eq!(refusal(&outcomes[0]), &RefusalKind::Invalid { field: Some(field.into()) });
    }
    let outcomes = subject.write(vec![update("C0000", &[(KEY, text("other"))], Expects::Anything)]);
    assert!(matches!(refusal(&outcomes[0]), RefusalKind::Invalid { .. }));
}

fn a_batch_that_is_too_large_is_refused_as_a_whole(subject: &Subject) {
    let max = subject.connector.capabilities(&subject.entity).batch_max.get() as usize;
    let ops = (0..=max).map(|no| create(&no.to_string(), &[])).collect();
    let error = block_on(subject.connector.write(&subject.entity, WriteBatch { ops })).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limit);
    assert!(subject.all(10).is_empty());
}

fn values_read_back_as_they_were_written(subject: &Subject) {
    let long = "ü".repeat(50);
    let texts = [
        "",
        " ",
        "a\"b",
        "a,b;c\td",
        "line\nbreak\r\nend",
        "NULL",
        "null",
        "\\N",
        "=1+1",
        "'); DROP TABLE x;--",
        "Ünïcødé 漢字 🦀\u{202e}",
        "007",
        "1e5",
        "\u{feff}bom",
        "true",
        "0",
        &long,
    ];
    for (no, odd) in texts.iter().enumerate() {
        let values = [
            (NAME, text(odd)),
            (
                CREDIT,
                decimal(["0", "-0.01", "9999999999999999.99", "1.10", "0.1", "-12345678901234.56"][no % 6]),
            ),
            (ACTIVE, Value::Bool(no % 2 == 0)),
            (SINCE, Value::Date(["2024-02-29", "0001-01-01", "9999-12-31"][no % 3].parse().unwrap())),
            (COUNT, Value::Int([i64::MAX, i64::MIN, 0, -1][no % 4])),
            (ODD, text(odd)),
        ];
        // A number with more digits than the column keeps is refused, never rounded.
        let outcomes = subject.write(vec![create(&format!("k{no}"), &values)]);
        if let WriteOutcome::Refused(refused) = &outcomes[0] {
            assert_eq!(refused.why, RefusalKind::Invalid { field: Some(CREDIT.into()) }, "{refused:?}");
            continue;
        }
        let found = subject.one(&format!("k{no}")).unwrap();
        for (field, value) in values {
            let expected = match &value {
                Value::Text(odd) if odd.is_empty() && !subject.tells_empty_from_null => Value::Null,
                other => other.clone(),
            };
            assert_eq!(held(&found, field), expected, "{field} of {odd:?}");
        }
    }
}

fn a_write_returns_what_a_read_then_sees(subject: &Subject) {
    let returns = subject.connector.capabilities(&subject.entity).write_returns;
    for op in [
        create("A", &[(NAME, text("a")), (CREDIT, decimal("5.50"))]),
        update("A", &[(NAME, text("b"))], Expects::Anything),
    ] {
        let outcomes = subject.write(vec![op]);
        let seen = subject.one("A").unwrap();
        match (returns, applied(&outcomes[0])) {
            (WriteReturns::Stored, Proof::Stored(stored)) => {
                assert_eq!(stored.record.reshaped(&subject.shape()), seen.record);
                assert_eq!(stored.version, seen.version);
            }
            (WriteReturns::Version, Proof::Version(version)) => {
                assert_eq!(Some(version), seen.version.as_ref())
            }
            (WriteReturns::Nothing, Proof::None) => {}
            other => panic!("{other:?}"),
        }
    }
}

fn a_read_that_is_dropped_half_way_harms_nothing(subject: &Subject) {
    subject.fill(20);
    block_on(async {
        let mut pages = subject.connector.read(subject.query(None, 5)).await.unwrap();
        let first = pages.next().await.unwrap().unwrap();
        assert_eq!(first.changes.len(), 5);
        drop(pages);
        // A future that was polled once and dropped.
        let mut pages = subject.connector.read(subject.query(None, 5)).await.unwrap();
        let _ = futures::poll!(pages.next());
        drop(pages);
    });
    applied(&subject.write(vec![update("C0000", &[(NAME, text("after"))], Expects::Anything)])[0]);
    assert_eq!(subject.all(7).len(), 20);
}

fn a_text_of_ten_megabytes_comes_back(subject: &Subject) {
    let large = "äx\n".repeat(10 << 18);
    applied(&subject.write(vec![create("L", &[(ODD, text(&large))])])[0]);
    assert!(held(&subject.one("L").unwrap(), ODD) == text(&large));
}

fn changes_are_seen_after_the_cursor(subject: &Subject) {
    subject.fill(6);
    let pages = subject.pages(None, 4);
    let can = subject.connector.capabilities(&subject.entity);
    let Some(End::Complete(all)) = &pages.last().unwrap().end else { panic!() };
    let Some(from) = &all.changes_from else {
        assert!(!can.changes);
        return;
    };
    subject.write(vec![
        update("C0002", &[(NAME, text("x"))], Expects::Anything),
        create("N", &[(NAME, text("n"))]),
        update("C0002", &[(NAME, text("y"))], Expects::Anything),
        delete("C0004", Expects::Anything),
    ]);
    for size in [1, 2, 10] {
        let pages = subject.pages(Some(from.clone()), size);
        let mut names = BTreeMap::new();
        let mut gone = Vec::new();
        for change in pages.iter().flat_map(|page| &page.changes) {
            match change {
                Change::Upsert(found) => {
                    names.insert(found.id.clone(), held(found, NAME));
                }
                Change::Deleted(tombstone) => gone.push(tombstone.id.clone()),
                Change::Broken { .. } => panic!("{change:?}"),
            }
        }
        assert_eq!(names.get(&RecordId::text("C0002")), Some(&text("y")));
        assert_eq!(names.get(&RecordId::text("N")), Some(&text("n")));
        assert_eq!(gone, if can.tombstones { vec![RecordId::text("C0004")] } else { vec![] });
        let Some(End::CaughtUp { low_water }) = &pages.last().unwrap().end else { panic!() };
        assert_eq!(low_water.is_some(), can.low_water);
        if let Some(mark) = low_water {
            assert!(subject.pages(Some(mark.clone()), size).iter().all(|page| page.changes.is_empty()));
        }
    }
}

/// What a subject holds, for models to compare with.
pub(crate) fn contents(subject: &Subject) -> BTreeMap<RecordId, BTreeMap<String, Value>> {
    let fields = |found: &Versioned| {
        found
            .record
            .fields()
            .filter_map(|(name, presence)| match presence {
                Presence::Value(value) if name.as_str() != KEY => Some((name.to_string(), value.to_value())),
                _ => None,
            })
            .collect()
    };
    subject.all(7).iter().map(|(id, found)| (id.clone(), fields(found))).collect()
}
