//! The state file: bytes of it that changed, and any bytes in its columns. Opening and reading give errors with a remedy or
//! answers, never a panic; a state that has been bound is never taken for a new one, and what is refused is not touched.

use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures::executor::block_on;
use rusqlite::Connection;
use seamless_core::clock::SystemClock;
use seamless_core::model::{
    Bits, ErrorKind, LinkId, PartitionId, PlanId, RecordId, Result, Side, Sides, Timestamp, Version,
};
use seamless_core::plan::{Body, Effect, Feed, PlannedTarget, PlannedVerb, Rank, Trail, Trailer};
use seamless_core::store::{
    Approval, Attention, AttentionWhy, Binding, Bound, Commit, Ending, EntryParts, EntryState, Pair,
    PairStatus, Pause, Resolution, Scan, SqliteStore, StateStore,
};

use super::forms::record;
use super::plans::{acting, entry, head};
use super::{Target, refused};

/// Changed bytes: four a change, three of the place and one to mix in.
pub(crate) const FLIPPED: Target =
    Target { name: "state", run: flipped, made: flips, words: &["\0", "\u{1}", "\u{7f}"] };

/// Any bytes in a column: the first byte says in which, the second as which kind of SQLite's.
pub(crate) const ROWS: Target =
    Target { name: "row", run: rows, made: stored, words: &["\0", "\u{2}", "\u{7f}", "{\"", "null"] };

/// What is changed at once.
const CHANGES_MAX: usize = 16;

fn link() -> LinkId {
    LinkId::from("customers")
}

fn binding() -> Binding {
    let systems = Sides::new("crm".to_owned(), "erp".to_owned());
    Binding {
        systems,
        configuration: "c0".to_owned(),
        links: vec![(link(), "l".to_owned())],
        rules: Vec::new(),
    }
}

fn flipped(bytes: &[u8]) {
    let mut file = state().to_vec();
    for change in bytes.chunks_exact(4).take(CHANGES_MAX) {
        if let [a, b, c, mixed] = change {
            let place = u32::from_be_bytes([0, *a, *b, *c]) as usize % file.len();
            file[place] ^= mixed;
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    std::fs::write(&path, &file).unwrap();
    opened(&path, &file);
}

fn opened(path: &Path, file: &[u8]) {
    match SqliteStore::open(path, Arc::new(SystemClock::new())) {
        Err(error) => {
            refused(&error, true);
            let odd = !matches!(
                error.kind(),
                ErrorKind::Corrupt | ErrorKind::Configuration | ErrorKind::Unavailable
            );
            assert!(!odd, "{error:?}");
            let _ = file;
        }
        Ok(store) => {
            let answers = block_on(answers(&store));
            for (what, answer) in &answers {
                if let Err(error) = answer {
                    // A plan whose state became that of a draft is gone, as all drafts are after a crash.
                    let gone = error.kind() == ErrorKind::NotFound;
                    refused(error, !gone);
                    assert!(gone || error.kind() == ErrorKind::Corrupt, "{what}: {error:?}");
                }
            }
            // Last, since it would bind.
            match block_on(store.bind(&binding())) {
                Ok(found) => assert_ne!(found, Bound::First, "the state was reset"),
                Err(error) => refused(&error, true),
            }
        }
    }
}

/// Everything that the store says of the state, as text.
async fn answers(store: &SqliteStore) -> Vec<(&'static str, Result<String>)> {
    fn said<T: std::fmt::Debug>(answer: Result<T>) -> Result<String> {
        answer.map(|answer| format!("{answer:?}"))
    }
    let (link, plan, id) = (link(), PlanId::from("p1"), RecordId::text("a"));
    let mut answers = Vec::new();
    answers.push(("seal key", said(store.seal_key().await)));
    answers.push(("count", said(store.pair_count(&link).await)));
    for side in Side::BOTH {
        answers.push(("marks", said(store.marks(&link, side, Scan::first(9)).await)));
        answers.push(("marks of", said(store.marks_of(&link, side, std::slice::from_ref(&id)).await)));
        answers.push(("pairs of", said(store.pairs_of(&link, side, std::slice::from_ref(&id)).await)));
        answers
            .push(("attention of", said(store.attention_of(&link, side, std::slice::from_ref(&id)).await)));
        answers.push(("feed", said(store.feed(&link, side).await)));
    }
    answers.push(("watched", said(store.watched(&link, Scan::first(9)).await)));
    answers.push(("attention", said(store.attention(&link, None, Scan::first(9)).await)));
    answers.push(("resolutions", said(store.resolutions(&link).await)));
    for parts in [EntryParts::Shown, EntryParts::Whole] {
        answers.push(("entries", said(store.entries(&plan, parts, Scan::first(9)).await)));
    }
    answers.push(("intents", said(store.open_intents(&plan, Scan::first(9)).await)));
    answers.push(("plan", said(store.plan(&plan).await)));
    answers.push(("adopted", said(store.adopted(&PartitionId::from("main")).await)));
    answers.push(("pause", said(store.pause().await)));
    answers.push(("journal", said(store.journal(Scan::first(9)).await)));
    answers
}

/// A state with a row of everything.
fn state() -> &'static [u8] {
    static STATE: OnceLock<Vec<u8>> = OnceLock::new();
    STATE.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        let store = SqliteStore::open(&path, Arc::new(SystemClock::new())).unwrap();
        block_on(filled(&store)).unwrap();
        drop(store);
        std::fs::read(&path).unwrap()
    })
}

async fn filled(store: &SqliteStore) -> Result<()> {
    let at = Timestamp::UNIX_EPOCH;
    store.bind(&binding()).await?;
    store.seal_key().await?;
    let lease = store.lease(&PartitionId::from("main"), "w", Duration::from_secs(60)).await?.unwrap();
    let plan = PlanId::from("p1");
    store.draft(&lease, &head()).await?;
    let mut agreed = entry(Rank::State, "a", Body::Effect(Effect::Agree));
    agreed.observed.left = Some(record());
    let acting = acting(PlannedVerb::Update, PlannedTarget::Existing(RecordId::text("b")));
    let (first, second) = (agreed.key.clone(), acting.key.clone());
    store.put_entries(&lease, &plan, vec![agreed, acting]).await?;
    let trailer = Trailer { digest: "d".to_owned(), seal: "s".to_owned(), ..Trailer::default() };
    store.finish(&lease, &plan, &trailer).await?;
    let approval = Approval {
        plan: plan.clone(),
        digest: "d".to_owned(),
        by: "kim".to_owned(),
        at,
        overrides: Vec::new(),
    };
    store.adopt(&lease, &approval).await?;
    store.intend(&lease, &plan, &[first.clone(), second]).await?;
    let feed = Feed { cursor: None, enumerated_at: Some(at), enumerated: 3 };
    let conflict = AttentionWhy::Conflict { rules: vec!["name".into()], message: "m".to_owned() };
    let attention =
        Attention { side: Side::Left, id: RecordId::text("a"), why: conflict, due: at, since: at };
    let commit = Commit {
        endings: vec![Ending {
            key: first,
            state: EntryState::Applied { id: Some(RecordId::text("x")), at },
        }],
        pairs: vec![(link(), pair("a", "x")), (link(), pair("c", "y"))],
        attention: vec![(link(), attention)],
        feeds: vec![(link(), Side::Left, feed)],
        ..Commit::default()
    };
    store.commit(&lease, &plan, commit).await?;
    let resolution = Resolution {
        ids: Sides::new(RecordId::text("a"), RecordId::text("x")),
        rule: "name".into(),
        take: Side::Left,
        by: "kim".to_owned(),
        seen: Sides::new([1; 16], [2; 16]),
    };
    store.resolve(&[(link(), resolution)], at).await?;
    store.set_pause(Some(&Pause { by: "kim".to_owned(), at, why: "w".to_owned() }), "kim", at).await
}

fn pair(left: &str, right: &str) -> Pair {
    let acknowledged = Sides::new(Bits::new(), Bits::of_word(1));
    Pair {
        ids: Sides::new(RecordId::text(left), RecordId::text(right)),
        status: PairStatus::Linked,
        revision: 0,
        plan: Some(PlanId::from("p1")),
        base: Sides::new(record(), record()),
        trail: Trail { acknowledged, ..Trail::default() },
        fingerprint: Sides::new([1; 16], [2; 16]),
        version: Sides::new(Some(Version::new("v")), None),
        watch: true,
        configuration: "c0".to_owned(),
    }
}

/// Places all over the file, one byte changed in each.
fn flips() -> Vec<Vec<u8>> {
    let length = u32::try_from(state().len()).unwrap();
    let place = |at: u32| [at.to_be_bytes().get(1..).unwrap(), &[1 << (at % 8)]].concat();
    [0, 16, 18, 24, 28, 40, 60, 68, 96, 100, 105]
        .into_iter()
        .chain((0..length).step_by(509))
        .map(place)
        .collect()
}

/// The columns that hold what a program made of values.
const COLUMNS: [(&str, &str); 23] = [
    ("meta", "value"),
    ("name", "name"),
    ("shape", "form"),
    ("lease", "epoch"),
    ("pair", "form"),
    ("pair", "left_id"),
    ("pair", "right_id"),
    ("pair", "status"),
    ("pair", "left_print"),
    ("pair", "plan"),
    ("pair", "revision"),
    ("feed", "form"),
    ("attention", "content"),
    ("attention", "id"),
    ("resolution", "content"),
    ("plan", "head"),
    ("plan", "trailer"),
    ("plan", "approval"),
    ("plan", "state"),
    ("entry", "key"),
    ("entry", "ending"),
    ("entry_content", "form"),
    ("meta", "key"),
];

fn rows(bytes: &[u8]) {
    let [column, kind, value @ ..] = bytes else { return };
    let (table, column) = COLUMNS[usize::from(*column) % COLUMNS.len()];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    std::fs::write(&path, state()).unwrap();
    let database = Connection::open(&path).unwrap();
    database.execute_batch("PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF").unwrap();
    let number = value.iter().fold(0_i64, |sum, byte| (sum << 8) | i64::from(*byte));
    let value = match kind % 4 {
        0 => rusqlite::types::Value::Blob(value.to_vec()),
        1 => rusqlite::types::Value::Text(String::from_utf8_lossy(value).into_owned()),
        2 => rusqlite::types::Value::Integer(number),
        _ => rusqlite::types::Value::Null,
    };
    // Two rows of a unique column cannot hold the same; one of them does then.
    let set = format!("UPDATE OR IGNORE {table} SET {column} = ?1");
    if database.execute(&set, [value]).is_err() {
        return;
    }
    let ordinary = "PRAGMA journal_mode = WAL; PRAGMA wal_checkpoint(TRUNCATE)";
    database.execute_batch(ordinary).unwrap();
    drop(database);
    opened(&path, &std::fs::read(&path).unwrap());
}

/// What the columns hold, as inputs.
fn stored() -> Vec<Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    std::fs::write(&path, state()).unwrap();
    let database = Connection::open(&path).unwrap();
    let mut made = Vec::new();
    for (number, (table, column)) in COLUMNS.iter().enumerate() {
        let mut statement = database.prepare(&format!("SELECT {column} FROM {table} LIMIT 3")).unwrap();
        let mut rows = statement.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let (kind, value) = match row.get(0).unwrap() {
                rusqlite::types::Value::Blob(bytes) => (0, bytes),
                rusqlite::types::Value::Text(text) => (1, text.into_bytes()),
                rusqlite::types::Value::Integer(number) => (2, number.to_be_bytes().to_vec()),
                _ => (3, Vec::new()),
            };
            made.push([vec![number as u8, kind], value].concat());
        }
    }
    made
}
