//! A rehearsal sends nothing, and answers and shows what the real thing would: a twin of the system that is really written is the
//! oracle.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::executor::block_on;
use proptest::prelude::{any, prop_assert_eq, proptest};
use seamless_connectors::layers::Capture;
use seamless_connectors::memory::{EntityConfig, Ids, Memory};
use seamless_core::connector::{
    Change, Connector, ConnectorExt, Cursor, Expects, FetchBy, FetchQuery, Lookup, Refusal, RefusalKind,
    Target, Verb, WriteOp, WriteOutcome,
};
use seamless_core::model::{Field, FieldKind, Record, RecordId, Value};

use crate::world::{
    THING, batch, create, delete, fetching, id, memory, memory_of, op, pages, patch, shape, thing, update,
};

type Kept = BTreeMap<RecordId, Record>;

fn everything(connector: &dyn Connector, page: usize) -> (Kept, Cursor) {
    let pages = block_on(pages(connector, None, page)).unwrap();
    let cursor = pages.last().unwrap().cursor.clone();
    let mut kept = Kept::new();
    for change in pages.into_iter().flat_map(|page| page.changes) {
        let Change::Upsert(found) = change else { panic!("{change:?}") };
        assert!(kept.insert(found.id, found.record).is_none(), "it came twice");
    }
    (kept, cursor)
}

/// What a feed makes of what was known.
fn follow(connector: &dyn Connector, kept: &mut Kept, after: Cursor, page: usize) -> Cursor {
    let pages = block_on(pages(connector, Some(after), page)).unwrap();
    let cursor = pages.last().unwrap().cursor.clone();
    for change in pages.into_iter().flat_map(|page| page.changes) {
        match change {
            Change::Upsert(found) => drop(kept.insert(found.id, found.record)),
            Change::Deleted(tombstone) => drop(kept.remove(&tombstone.id)),
            Change::Broken { .. } => panic!("{change:?}"),
        }
    }
    cursor
}

/// What an outcome comes to, without versions and words.
fn kind(outcome: &WriteOutcome) -> String {
    match outcome {
        WriteOutcome::Applied { id, .. } => format!("applied {id}"),
        WriteOutcome::Refused(Refusal { why, .. }) => format!("{why:?}"),
        WriteOutcome::Ambiguous(_) => "ambiguous".to_owned(),
    }
}

fn operation(kind: u8, thing: usize, word: u8, number: u64) -> WriteOp {
    let name = Value::text(["a", "b", "cc", "far too long for it"][usize::from(word % 4)]);
    let mail = Value::text(["m1", "m2", "m3"][usize::from(word % 3)]);
    let count = [("count", Value::Int(i64::from(word)))];
    match kind % 9 {
        0 => create(number, thing, &[("name", name)]),
        1 => create(number, thing, &[("mail", mail), ("count", Value::Int(1))]),
        2 => update(number, thing, &[("name", name)]),
        3 => update(number, thing, &[("mail", mail)]),
        4 => update(number, thing, &count),
        5 => delete(number, thing),
        6 => WriteOp { expects: Expects::Values(patch(&count)), ..update(number, thing, &[("name", name)]) },
        7 => update(number, thing, &[("total", Value::Int(1))]),
        _ => WriteOp { expects: Expects::Values(patch(&count)), ..delete(number, thing) },
    }
}

fn by_key(connector: &dyn Connector, field: &str, value: &str) -> String {
    let by = FetchBy::Key { fields: vec![field.into()], values: vec![vec![Value::text(value)]] };
    let found = block_on(connector.fetch(FetchQuery { entity: THING.into(), shape: shape(), by })).unwrap();
    match &found[0] {
        Lookup::Found(found) => format!("{} {:?}", found.id, found.record),
        Lookup::Several(ids) => format!("{ids:?}"),
        other => format!("{other:?}"),
    }
}

fn looked_up(connector: &dyn Connector, things: usize) -> Vec<String> {
    let found = block_on(connector.fetch(fetching((0..things).map(id).collect()))).unwrap();
    found
        .iter()
        .map(|found| match found {
            Lookup::Found(found) => format!("{} {:?}", found.id, found.record),
            Lookup::Gone(gone) => format!("gone {}", gone.id),
            other => format!("{other:?}"),
        })
        .collect()
}

proptest! {
    #[test]
    fn a_rehearsal_answers_and_shows_what_the_real_thing_would_and_sends_nothing(
        things in 0usize..6, page in 1usize..5,
        batches in proptest::collection::vec(proptest::collection::vec((any::<u8>(), 0usize..8, any::<u8>()), 1..4), 1..12),
    ) {
        let (real, behind) = (memory(things), memory(things));
        let inner: Arc<dyn Connector> = Arc::new(behind.clone());
        let capture = Capture::new();
        let rehearsal = inner.layer(&capture);
        let before = behind.rows(THING);
        let ((mut kept, mut cursor), mut number, mut applied) = (everything(&*rehearsal, page), 0, 0);
        for ops in batches {
            // No two operations of a batch concern the same record.
            let mut seen = Vec::new();
            let ops: Vec<_> = ops.into_iter().filter(|(_, thing, _)| {
                let is_first = !seen.contains(thing);
                seen.push(*thing);
                is_first
            }).map(|(kind, thing, word)| {
                number += 1;
                operation(kind, thing, word, number)
            }).collect();
            let really = block_on(real.write(&THING.into(), batch(ops.clone()))).unwrap();
            let told = block_on(rehearsal.write(&THING.into(), batch(ops))).unwrap();
            let kinds = |told: &[WriteOutcome]| told.iter().map(kind).collect::<Vec<_>>();
            prop_assert_eq!(kinds(&told), kinds(&really));
            applied += told.iter().filter(|told| matches!(told, WriteOutcome::Applied { .. })).count();
            prop_assert_eq!(everything(&*rehearsal, page).0, everything(&real, page).0);
            prop_assert_eq!(looked_up(&*rehearsal, 9), looked_up(&real, 9));
            for name in ["a", "b", "n1"] {
                prop_assert_eq!(by_key(&*rehearsal, "name", name), by_key(&real, "name", name));
            }
            cursor = follow(&*rehearsal, &mut kept, cursor, page);
            prop_assert_eq!(&kept, &everything(&real, page).0, "who follows the feed knows the same");
        }
        prop_assert_eq!(capture.captured().len(), applied);
        prop_assert_eq!((behind.counts().ops, behind.rows(THING)), (0, before), "the system was not touched");
    }
}

fn counted(key: FieldKind) -> Memory {
    let mut thing = thing();
    thing.fields[0] = Field::new("no", key);
    memory_of(
        EntityConfig::new(thing).ids(Ids::Counted).capable(|can| {
            can.unique_key = seamless_core::connector::UniqueKey::None;
        }),
        0,
    )
}

#[test]
fn a_new_record_has_an_id_that_no_system_gives() {
    for (kind, shown) in [(FieldKind::Int, i64::MIN + 1), (FieldKind::Text { length_max: Some(40) }, 0)] {
        let memory = counted(kind);
        memory.insert(THING, None, &[("name", Value::text("x"))]).unwrap();
        let inner: Arc<dyn Connector> = Arc::new(memory.clone());
        let rehearsal = inner.layer(&Capture::new());
        let made = op(1, Target::New(None), Verb::Create, &[("name", Value::text("y"))]);
        let told = block_on(rehearsal.write(&THING.into(), batch([made]))).unwrap();
        let WriteOutcome::Applied { id, .. } = &told[0] else { panic!("{told:?}") };
        let expected = if shown == 0 { RecordId::text("captured-1") } else { RecordId::int(shown) };
        assert_eq!((id, memory.count(THING), everything(&*rehearsal, 10).0.len()), (&expected, 1, 2));
    }
}

#[test]
fn what_somebody_changes_in_the_system_shows_and_what_was_captured_beside_it_too() {
    let memory = memory(2);
    let inner: Arc<dyn Connector> = Arc::new(memory.clone());
    let rehearsal = inner.layer(&Capture::new());
    let values = [("name", Value::text("ours")), ("count", Value::Int(7))];
    block_on(rehearsal.write(&THING.into(), batch([update(1, 0, &values)]))).unwrap();
    let version = |found: &[Lookup]| match &found[0] {
        Lookup::Found(found) => found.version.clone().unwrap(),
        other => panic!("{other:?}"),
    };
    let before = version(&block_on(rehearsal.fetch(fetching(vec![id(0)]))).unwrap());
    memory.edit(THING, &id(0), &[("name", Value::text("theirs"))]).unwrap();
    let found = block_on(rehearsal.fetch(fetching(vec![id(0)]))).unwrap();
    assert!(format!("{found:?}").contains("theirs") && format!("{found:?}").contains("Int(7)"), "{found:?}");
    assert_ne!(version(&found), before);
    let stale = WriteOp { expects: Expects::Version(before), ..update(2, 0, &[("count", Value::Int(8))]) };
    let told = block_on(rehearsal.write(&THING.into(), batch([stale]))).unwrap();
    assert!(matches!(&told[0], WriteOutcome::Refused(Refusal { why: RefusalKind::Stale, .. })), "{told:?}");
}

#[test]
fn a_cursor_of_a_run_without_the_layer_is_taken_and_shows_what_was_captured() {
    let memory = memory(2);
    let (_, cursor) = everything(&memory, 10);
    memory.edit(THING, &id(1), &[("count", Value::Int(5))]).unwrap();
    let inner: Arc<dyn Connector> = Arc::new(memory.clone());
    let rehearsal = inner.layer(&Capture::new());
    block_on(rehearsal.write(&THING.into(), batch([delete(1, 0), create(2, 9, &[])]))).unwrap();
    let pages = block_on(pages(&*rehearsal, Some(cursor), 10)).unwrap();
    let changes: Vec<_> = pages.into_iter().flat_map(|page| page.changes).collect();
    assert!(
        matches!(&changes[..], [Change::Upsert(_), Change::Deleted(_), Change::Upsert(_)]),
        "{changes:?}"
    );
}
