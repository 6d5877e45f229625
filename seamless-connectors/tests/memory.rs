//! What only the system in memory does: it behaves truthfully to lowered capabilities, and faults happen as ordered.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use futures::StreamExt;
use futures::executor::block_on;
use seamless_connectors::memory::{EntityConfig, Fault, Ids, Memory, MemoryConfig};
use seamless_core::connector::{
    Change, Connector, Cursor, End, Expects, FetchBy, FetchQuery, Lookup, Page, Proof, ReadQuery,
    RefusalKind, Target, UniqueKey, Verb, WriteBatch, WriteOp, WriteOutcome, WriteReturns,
};
use seamless_core::model::{
    ActionId, CanonicalForm, Condition, Entity, EntityName, Field, FieldKind, Normaliser, Record, RecordId,
    Shape, Value, Version,
};

fn customer() -> Entity {
    let mut code = Field::new("code", FieldKind::Text { length_max: Some(10) });
    code.unique = true;
    Entity {
        name: "customer".into(),
        label: None,
        fields: vec![
            Field::new("no", FieldKind::Int),
            Field::new("name", FieldKind::Text { length_max: Some(50) }),
            code,
        ],
        key: vec!["no".into()],
        unique: Vec::new(),
        actions: Vec::new(),
    }
}

fn system(change: impl FnOnce(EntityConfig) -> EntityConfig) -> Memory {
    Memory::new(MemoryConfig::new("t").entity(change(EntityConfig::new(customer())))).unwrap()
}

fn read(system: &Memory, after: Option<Cursor>, page: usize) -> Vec<Page> {
    let shape = Shape::new(["no", "name", "code"].map(Into::into)).unwrap();
    let query = ReadQuery {
        entity: "customer".into(),
        shape,
        condition: Condition::Always,
        after,
        page_records_max: page,
    };
    block_on(async { system.read(query).await.unwrap().map(Result::unwrap).collect::<Vec<_>>().await })
}

fn write(system: &Memory, ops: Vec<WriteOp>) -> Vec<WriteOutcome> {
    block_on(system.write(&EntityName::from("customer"), WriteBatch::of(ops))).unwrap()
}

fn op(name: &str, target: Target, verb: Verb, json: &str, expects: Expects) -> WriteOp {
    let id = ActionId::derive(&[name.as_bytes()]);
    WriteOp { id, target, verb, patch: Record::from_json(json).unwrap(), expects }
}

fn name(system: &Memory, id: i64) -> Option<Value> {
    system.value("customer", &RecordId::int(id), "name")
}

fn add(system: &Memory, name: &str) -> RecordId {
    system.insert("customer", None, &[("name", Value::text(name))]).unwrap()
}

#[test]
fn changes_and_tombstones_come_after_the_cursor_and_not_twice() {
    let crm = system(|config| config);
    let (a, b) = (add(&crm, "a"), add(&crm, "b"));
    let pages = read(&crm, None, 1);
    let Some(End::Complete(all)) = &pages.last().unwrap().end else { panic!("{pages:?}") };
    crm.edit("customer", &a, &[("name", Value::text("A"))]).unwrap();
    crm.delete("customer", &b).unwrap();
    let pages = read(&crm, all.changes_from.clone(), 10);
    let seen: Vec<String> = pages[0]
        .changes
        .iter()
        .map(|change| match change {
            Change::Upsert(record) => format!("{} {}", record.id, record.record.to_json()),
            Change::Deleted(tombstone) => format!("{} gone", tombstone.id),
            Change::Broken { .. } => "broken".to_owned(),
        })
        .collect();
    assert_eq!(seen, [r#"1 {"no":1,"name":"A","code":null}"#, "2 gone"]);
    let Some(End::CaughtUp { low_water: Some(mark) }) = &pages[0].end else { panic!() };
    assert!(read(&crm, Some(mark.clone()), 10)[0].changes.is_empty());
}

#[test]
fn a_system_without_conditional_updates_overwrites() {
    for (conditional, expected) in [(true, "other"), (false, "ours")] {
        let crm = system(|config| config.capable(|can| can.conditional_update = conditional));
        let id = add(&crm, "a");
        crm.before_next_write(|crm| {
            crm.edit("customer", &RecordId::int(1), &[("name", Value::text("other"))]).unwrap();
        });
        let expects = Expects::Version(crm.get("customer", &id).unwrap().version.unwrap());
        let ops = vec![op("u", Target::Existing(id), Verb::Update, r#"{"name":"ours"}"#, expects)];
        let outcome = &write(&crm, ops)[0];
        assert_eq!(name(&crm, 1), Some(Value::text(expected)));
        let stale = matches!(outcome, WriteOutcome::Refused(refusal) if refusal.why == RefusalKind::Stale);
        assert_eq!(stale, conditional);
    }
}

#[test]
fn a_write_returns_what_was_declared_and_no_more() {
    for returns in [WriteReturns::Nothing, WriteReturns::Version, WriteReturns::Stored] {
        let short = CanonicalForm::new([Normaliser::Truncated(3)]);
        let crm = system(|config| config.capable(|can| can.write_returns = returns).stores_as("name", short));
        let ops = vec![op("c", Target::New(None), Verb::Create, r#"{"name":"Adatum"}"#, Expects::Missing)];
        let [WriteOutcome::Applied { proof, .. }] = &write(&crm, ops)[..] else { panic!() };
        match (returns, proof) {
            (WriteReturns::Nothing, Proof::None) | (WriteReturns::Version, Proof::Version(_)) => {}
            (WriteReturns::Stored, Proof::Stored(stored)) => {
                assert_eq!(stored.record.to_json(), r#"{"no":1,"name":"Ada","code":null}"#);
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_lost_reply_is_a_write_that_happened_and_the_same_operation_happens_once() {
    for (idempotent, records) in [(true, 1), (false, 2)] {
        let crm = system(|config| {
            config.capable(|can| {
                can.idempotency_key = idempotent;
                can.unique_key = UniqueKey::None;
            })
        });
        let create = || vec![op("c", Target::New(None), Verb::Create, r#"{"name":"a"}"#, Expects::Missing)];
        crm.fail_next(Fault::LostReply);
        assert!(matches!(write(&crm, create())[0], WriteOutcome::Ambiguous(_)));
        assert_eq!(crm.count("customer"), 1);
        assert!(matches!(write(&crm, create())[0], WriteOutcome::Applied { .. }));
        assert_eq!(crm.count("customer"), records);
    }
}

#[test]
fn a_lost_request_does_not_happen_and_a_late_one_happens_late() {
    let crm = system(|config| config);
    let create = |no: i64| {
        let target = Target::New(Some(RecordId::int(no)));
        vec![op(&no.to_string(), target, Verb::Create, r#"{"name":"a"}"#, Expects::Missing)]
    };
    crm.fail_next(Fault::LostRequest);
    crm.fail_next(Fault::LateRequest);
    assert!(matches!(write(&crm, create(7))[0], WriteOutcome::Ambiguous(_)));
    assert!(matches!(write(&crm, create(8))[0], WriteOutcome::Ambiguous(_)));
    assert_eq!(crm.count("customer"), 0);
    assert_eq!(crm.deliver_late(), 1);
    assert_eq!(name(&crm, 8), Some(Value::text("a")));
}

#[test]
fn a_read_that_is_cut_off_does_not_say_that_it_ended() {
    let crm = system(|config| config);
    (0..5).for_each(|_| {
        add(&crm, "a");
    });
    crm.fail_next(Fault::CutOff(2));
    let pages = read(&crm, None, 1);
    assert_eq!(pages.len(), 2);
    assert!(pages.iter().all(|page| page.end.is_none()));
    let rest = read(&crm, Some(pages[1].cursor.clone()), 1);
    assert_eq!(rest.iter().map(|page| page.changes.len()).sum::<usize>(), 3);
    assert_eq!(rest.last().unwrap().end, Some(End::Partial));
}

#[test]
fn gone_is_told_from_hidden_only_where_that_is_declared() {
    for (told, gone) in [(true, true), (false, false)] {
        let crm = system(|config| config.capable(|can| can.gone_not_hidden = told));
        let (a, b) = (add(&crm, "a"), add(&crm, "b"));
        crm.delete("customer", &a).unwrap();
        crm.hide("customer", &b, true).unwrap();
        let query = FetchQuery {
            entity: "customer".into(),
            shape: Shape::new(["name".into()]).unwrap(),
            by: FetchBy::Ids(vec![b, a]),
        };
        let found = block_on(crm.fetch(query)).unwrap();
        assert_eq!(found[0], Lookup::Hidden);
        assert_eq!(matches!(found[1], Lookup::Gone(_)), gone);
    }
}

#[test]
fn a_taken_unique_key_names_who_has_it() {
    let crm = system(|config| config);
    let a = crm.insert("customer", None, &[("code", Value::text("X"))]).unwrap();
    let ops = vec![op("c", Target::New(None), Verb::Create, r#"{"code":"X"}"#, Expects::Missing)];
    let [WriteOutcome::Refused(refusal)] = &write(&crm, ops)[..] else { panic!() };
    assert_eq!(refusal.why, RefusalKind::KeyTaken { by: Some(a.clone()) });
    crm.edit("customer", &a, &[("code", Value::text("Y"))]).unwrap();
    let ops = vec![op("c", Target::New(None), Verb::Create, r#"{"code":"X"}"#, Expects::Missing)];
    assert!(matches!(write(&crm, ops)[0], WriteOutcome::Applied { .. }));
}

#[test]
fn ids_can_be_the_key() {
    let crm = system(|config| config.ids(Ids::Key));
    let ops = vec![
        op("a", Target::New(None), Verb::Create, r#"{"no":40}"#, Expects::Missing),
        op("b", Target::New(Some(RecordId::int(41))), Verb::Create, "{}", Expects::Missing),
        op("c", Target::New(None), Verb::Create, r#"{"name":"x"}"#, Expects::Missing),
    ];
    let outcomes = write(&crm, ops);
    assert!(matches!(&outcomes[0], WriteOutcome::Applied { id, .. } if *id == RecordId::int(40)));
    assert!(matches!(&outcomes[1], WriteOutcome::Applied { id, .. } if *id == RecordId::int(41)));
    assert_eq!(crm.value("customer", &RecordId::int(41), "no"), Some(Value::Int(41)));
    assert!(matches!(&outcomes[2], WriteOutcome::Refused(refusal)
        if refusal.why == RefusalKind::Invalid { field: Some("no".into()) }));
}

#[test]
fn a_stale_version_of_a_deleted_and_made_again_record_does_not_hold() {
    let crm = system(|config| config);
    let id = add(&crm, "a");
    let version: Version = crm.get("customer", &id).unwrap().version.unwrap();
    crm.delete("customer", &id).unwrap();
    crm.insert("customer", Some(id.clone()), &[("name", Value::text("b"))]).unwrap();
    let expects = Expects::Version(version);
    let ops = vec![op("u", Target::Existing(id), Verb::Update, r#"{"name":"c"}"#, expects)];
    assert!(
        matches!(&write(&crm, ops)[0], WriteOutcome::Refused(refusal) if refusal.why == RefusalKind::Stale)
    );
    assert_eq!(name(&crm, 1), Some(Value::text("b")));
}
