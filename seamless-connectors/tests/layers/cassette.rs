//! A replay answers as was recorded, and nothing of a secret stands in the file.

use std::path::Path;
use std::sync::Arc;

use futures::StreamExt;
use futures::executor::block_on;
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
use seamless_connectors::layers::{Mask, Masked, Matching, Recording, Replay, Scrub};
use seamless_connectors::memory::{Fault, Memory};
use seamless_core::connector::{
    Connector, ConnectorExt, FetchBy, FetchQuery, RefusalKind, Requirement, WriteOutcome,
};
use seamless_core::model::{EntityName, ErrorKind, Value};
use seamless_core::secret::Secret;

use crate::world::{THING, batch, create, delete, fetching, id, memory, query, shape, update};

const SECRET: &str = "tok\"en\\äß-1";

fn scrub() -> Scrub {
    Scrub::nothing().secret(Secret::new(SECRET.to_owned())).unwrap()
}

/// Does a call and says everything that came of it.
async fn said(connector: &dyn Connector, kind: u8, thing: usize, words: &str, number: u64) -> String {
    let entity: EntityName = THING.into();
    let name = [("name", Value::text(words)), ("count", Value::Int(number as i64))];
    match kind % 9 {
        0 => format!("{:?} {:?}", connector.entities().await, connector.capabilities(&entity)),
        1 => format!("{:?}", connector.discover(std::slice::from_ref(&entity)).await),
        2 | 3 => {
            let read = connector.read(query(None, thing + 1)).await;
            let Ok(mut stream) = read else { return format!("{:?}", read.err()) };
            let mut said = String::new();
            // Some are not read to their end.
            for _ in 0..if kind.is_multiple_of(2) { 100 } else { 2 } {
                let Some(page) = stream.next().await else { break };
                said.push_str(&format!("{page:?}"));
                if page.is_err() {
                    break;
                }
            }
            said
        }
        4 => format!("{:?}", connector.fetch(fetching(vec![id(thing), id(99)])).await),
        5 => {
            let by = FetchBy::Key { fields: vec!["name".into()], values: vec![vec![Value::text(words)]] };
            format!("{:?}", connector.fetch(FetchQuery { entity, shape: shape(), by }).await)
        }
        6 => format!("{:?}", connector.check(&Requirement::Readable(entity)).await),
        7 => {
            let ops = [update(number, thing, &name), create(1000 + number, 20 + number as usize, &name)];
            format!("{:?}", connector.write(&entity, batch(ops)).await)
        }
        _ => format!("{:?}", connector.write(&entity, batch([delete(number, thing)])).await),
    }
}

fn trouble(memory: &Memory, which: u8) {
    match which % 12 {
        0 => memory.fail_next(Fault::LostReply),
        1 => memory.fail_next(Fault::CutOff(1)),
        2 => memory.fail_next(Fault::ReadFailsAfter(1, ErrorKind::Throttled)),
        3 => memory.fail_next(Fault::FetchFails(ErrorKind::Unavailable)),
        4 => memory.fail_next(Fault::FetchUnanswered),
        5 => memory.fail_next(Fault::Refused(RefusalKind::Throttled { wait: None })),
        _ => memory.fail_no_more(),
    }
}

fn holds_secret(path: &Path) -> bool {
    let text = std::fs::read_to_string(path).unwrap();
    let escaped = serde_json::to_string(SECRET).unwrap();
    let digits: String = SECRET.bytes().map(|byte| format!("{byte:02x}")).collect();
    text.contains(SECRET) || text.contains(escaped.trim_matches('"')) || text.contains(&digits)
}

proptest! {
    #[test]
    fn a_replay_says_what_was_said(
        calls in proptest::collection::vec((any::<u8>(), 0usize..6, "[a-zé\"]{0,5}", any::<u8>()), 1..25),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.jsonl");
        let memory = memory(6);
        memory.deny(THING, "total", true).unwrap();
        let inner: Arc<dyn Connector> = Arc::new(memory.clone());
        let recording = Recording::create(&path, scrub()).unwrap();
        let recorder = inner.layer(&recording);
        let mut recorded = Vec::new();
        for (number, (kind, thing, words, which)) in calls.iter().enumerate() {
            trouble(&memory, *which);
            recorded.push(block_on(said(&*recorder, *kind, *thing, words, number as u64)));
        }
        recording.finish().unwrap();
        // In any order, the calls of the same words still come in their order.
        for matching in [Matching::InOrder, Matching::AnyOrder] {
            let replay = Replay::open(&path, scrub(), matching).unwrap();
            prop_assert_eq!(replay.info(), recorder.info());
            for (number, (kind, thing, words, _)) in calls.iter().enumerate() {
                let replayed = block_on(said(&replay, *kind, *thing, words, number as u64));
                prop_assert_eq!(&replayed, &recorded[number], "call {}", number);
            }
            prop_assert_eq!(replay.left(), 0);
        }
    }

    #[test]
    fn no_secret_stands_in_the_file_wherever_it_stood(before in "[a-z]{0,3}", kinds in proptest::collection::vec(any::<u8>(), 1..12)) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.jsonl");
        let text = FieldKindless::text();
        let memory = text.memory(&format!("{before}{SECRET}"));
        let inner: Arc<dyn Connector> = Arc::new(memory);
        let recording = Recording::create(&path, scrub()).unwrap();
        let recorder = inner.layer(&recording);
        for (number, kind) in kinds.iter().enumerate() {
            block_on(said(&*recorder, *kind, 0, SECRET, number as u64));
        }
        recording.finish().unwrap();
        prop_assert!(!holds_secret(&path));
        // And who asks with it finds what was recorded.
        let replay = Replay::open(&path, scrub(), Matching::InOrder).unwrap();
        for (number, kind) in kinds.iter().enumerate() {
            let said = block_on(said(&replay, *kind, 0, SECRET, number as u64));
            prop_assert!(!said.contains("no such call"), "{said}");
        }
    }
}

/// A system whose texts have no length.
struct FieldKindless;

impl FieldKindless {
    fn text() -> Self {
        Self
    }

    fn memory(&self, name: &str) -> Memory {
        use seamless_connectors::memory::{EntityConfig, Ids};
        use seamless_core::model::FieldKind;
        let mut thing = crate::world::thing();
        for field in &mut thing.fields {
            if let FieldKind::Text { length_max } = &mut field.kind {
                *length_max = None;
            }
        }
        let memory = crate::world::memory_of(EntityConfig::new(thing).ids(Ids::Key), 2);
        memory.edit(THING, &id(0), &[("name", Value::text(name))]).unwrap();
        memory.insert(THING, Some(seamless_core::model::RecordId::text(name)), &[]).unwrap();
        memory
    }
}

fn recorded(path: &Path, scrub: Scrub) -> Recording {
    let inner: Arc<dyn Connector> = Arc::new(memory(3));
    let recording = Recording::create(path, scrub).unwrap();
    let recorder = inner.layer(&recording);
    for kind in [0, 2, 4, 7] {
        block_on(said(&*recorder, kind, 1, "abc", 5));
    }
    recording
}

#[test]
fn masked_fields_are_unreadable_in_the_file_and_in_the_replay() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.jsonl");
    let scrub = Scrub::nothing().field(THING, "name");
    recorded(&path, scrub.clone()).finish().unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(!text.contains("\"n1\"") && !text.contains("\"abc\""), "{text}");
    let replay = Replay::open(&path, scrub, Matching::AnyOrder).unwrap();
    let found = block_on(replay.fetch(fetching(vec![id(1), id(99)]))).unwrap();
    assert!(format!("{found:?}").contains("<unreadable>"), "{found:?}");
    // Another value of the masked field is the same call.
    let said = block_on(said(&replay, 7, 1, "other", 5));
    assert!(said.contains("Applied"), "{said}");
}

/// Catches: a proof whose absent fields are forgotten, so that its record has another shape.
#[test]
fn the_proof_of_a_write_keeps_its_shape() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.jsonl");
    let inner: Arc<dyn Connector> = Arc::new(memory(3));
    let recording = Recording::create(&path, Scrub::nothing()).unwrap();
    let recorder = inner.layer(&Mask::new().field(THING, "total", Masked::LeftOut)).layer(&recording);
    let write = |connector: &dyn Connector| {
        let ops = [update(1, 1, &[("count", Value::Int(5))])];
        let mut told = block_on(connector.write(&THING.into(), batch(ops))).unwrap();
        let Some(WriteOutcome::Applied { proof, .. }) = told.pop() else { panic!("{told:?}") };
        proof
    };
    let proof = write(&*recorder);
    recording.finish().unwrap();
    assert_eq!(write(&Replay::open(&path, Scrub::nothing(), Matching::InOrder).unwrap()), proof);
}

#[test]
fn what_was_not_recorded_is_refused_with_the_nearest_that_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.jsonl");
    recorded(&path, Scrub::nothing()).finish().unwrap();
    let replay = Replay::open(&path, Scrub::nothing(), Matching::AnyOrder).unwrap();
    let told = block_on(replay.fetch(fetching(vec![id(2), id(99)]))).unwrap_err();
    assert_eq!(told.kind(), ErrorKind::NotFound);
    assert!(told.message().contains("T002") && told.remedy().unwrap().contains("T001"), "{told}");
    let replay = Replay::open(&path, Scrub::nothing(), Matching::InOrder).unwrap();
    let told = block_on(replay.fetch(fetching(vec![id(1), id(99)]))).unwrap_err();
    assert!(told.remedy().unwrap().contains("the next one that was recorded is \"entities\""), "{told}");
    assert_eq!(replay.left(), 4);
}

#[test]
fn a_file_is_its_owners_is_never_overwritten_and_a_damaged_one_is_refused_by_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.jsonl");
    recorded(&path, Scrub::nothing()).finish().unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert!(Recording::create(&path, Scrub::nothing()).unwrap_err().to_string().contains("not there yet"));
    let text = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    for (damaged, words) in [
        (String::new(), "does not begin"),
        (text.replacen("\"form\":1", "\"form\":9", 1), "form 9"),
        (format!("{}\n{{}}\n", lines[0]), "line 2"),
        (text.trim_end().to_owned(), "has no end"),
        (format!("{0}\n{0}\n", lines[0]), "begins twice"),
    ] {
        std::fs::write(&path, damaged).unwrap();
        let told = Replay::open(&path, Scrub::nothing(), Matching::InOrder).unwrap_err();
        assert!(told.kind() == ErrorKind::Corrupt && told.to_string().contains(words), "{told}");
    }
    // Whatever stands there is read or refused.
    for cut in 0..text.len() {
        if let Some(text) = text.get(..cut) {
            std::fs::write(&path, text).unwrap();
            let _ = Replay::open(&path, Scrub::nothing(), Matching::InOrder);
        }
    }
}

#[test]
fn a_recording_that_cannot_go_on_fails_at_its_end_and_no_call_fails() {
    let folder = tempfile::tempdir().unwrap();
    // The secret is a word of the form: it cannot be taken out of every line.
    let scrub = Scrub::nothing().secret(Secret::new("outcomes".to_owned())).unwrap();
    let inner: Arc<dyn Connector> = Arc::new(memory(3));
    let recording = Recording::create(folder.path().join("x.jsonl"), scrub).unwrap();
    let recorder = inner.layer(&recording);
    let told = block_on(recorder.write(&THING.into(), batch([update(1, 1, &[])]))).unwrap();
    assert!(matches!(told[0], WriteOutcome::Applied { .. }));
    let told = recording.finish().unwrap_err();
    assert!(!told.to_string().contains("outcomes"), "{told}");
}
