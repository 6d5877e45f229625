//! The stores are compared call by call: whatever is asked in whatever order, the file answers as the reference does,
//! refusals included, and keeps exactly that across a crash.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::Arc;
use std::time::Duration;

use futures::executor::block_on;
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::{BoxedStrategy, Just, ProptestConfig, Strategy, any, prop_oneof, proptest};
use proptest::sample::select;

use super::form::arbitrary;
use super::memory::MemoryStore;
use super::port::{
    Area, Attention, AttentionKind, AttentionWhy, Binding, Commit, Ending, EntryParts, EntryState, Lease,
    Pair, PairStatus, Pause, PlanState, Resolution, Scan, SpillRow, StateStore,
};
use super::sqlite::SqliteStore;
use super::test_kit::{ManualClock, approval, at, head, trailer};
use crate::model::{
    Error, KeyPart, LinkId, PartitionId, PlanId, RecordId, Result, RuleId, Side, Sides, Timestamp, Version,
};
use crate::plan::{Attempt, Entry, EntryKey, Feed, ParkedAs};

const LINKS: [&str; 2] = ["customers", "orders"];
const PARTITIONS: [&str; 2] = ["north", "south"];
const PLANS: [&str; 4] = ["p0", "p1", "p2", "p3"];
const AREAS: [Area; 2] =
    [Area { link: 0, kind: 1, side: None }, Area { link: 1, kind: 1, side: Some(Side::Left) }];

/// Few ids, so that they meet; whole numbers, texts and a prefix of another.
fn ids() -> Vec<RecordId> {
    let two = RecordId::of_parts(&[KeyPart::Text("a".into()), KeyPart::Int(1)]);
    vec![RecordId::int(-1), RecordId::int(7), RecordId::text("a"), RecordId::text("a\0"), two]
}

#[derive(Clone, Debug)]
enum Op {
    Advance(u64),
    Lease {
        partition: usize,
        worker: u8,
        seconds: u64,
    },
    Renew {
        who: Who,
        seconds: u64,
    },
    Release(Who),
    Bind(Binding),
    Rebind(Who, Binding),
    Rehome(Who, Binding),
    /// From nothing to a plan that is being applied.
    Begin {
        partition: usize,
        plan: usize,
        entries: Vec<Entry>,
    },
    Draft {
        who: Who,
        plan: usize,
        moved: bool,
    },
    Spill {
        who: Who,
        plan: usize,
        area: usize,
        rows: Vec<(u8, u8)>,
    },
    Put {
        who: Who,
        plan: usize,
        entries: Vec<Entry>,
    },
    Finish {
        who: Who,
        plan: usize,
        digest: bool,
    },
    Discard {
        who: Who,
        plan: usize,
    },
    Adopt {
        who: Who,
        plan: usize,
        digest: bool,
    },
    Intend {
        who: Who,
        plan: usize,
        keys: Vec<EntryKey>,
    },
    Withdraw {
        who: Who,
        plan: usize,
        keys: Vec<EntryKey>,
    },
    Commit {
        who: Who,
        plan: usize,
        commit: Box<Commit>,
    },
    Complete {
        who: Who,
        plan: usize,
        state: PlanState,
    },
    Notify(usize, Vec<Attention>),
    Resolve(usize, Resolution),
    SetPause(bool),
    Prune(u64),
    Crash,
}

/// Which lease a call comes with: mostly the last one of the partition, sometimes an older one.
#[derive(Clone, Debug)]
struct Who {
    partition: usize,
    older: usize,
}

fn who() -> impl Strategy<Value = Who> {
    let older = prop_oneof![9 => Just(0_usize), 1 => 1_usize..3];
    (0..PARTITIONS.len(), older).prop_map(|(partition, older)| Who { partition, older })
}

fn record_id() -> impl Strategy<Value = RecordId> + Clone {
    select(ids())
}

fn key() -> impl Strategy<Value = EntryKey> {
    let rank = select(vec![crate::plan::Rank::State, crate::plan::Rank::Update]);
    (rank, arbitrary::side(), record_id(), 0_u16..2).prop_map(|(rank, side, id, part)| EntryKey {
        rank,
        link: 0,
        side,
        id,
        part,
    })
}

fn entries() -> impl Strategy<Value = Vec<Entry>> {
    let entry = (key(), arbitrary::entry()).prop_map(|(key, entry)| Entry { key, ..entry });
    vec(entry, 0..8)
}

fn moment() -> impl Strategy<Value = Timestamp> + Clone {
    (0_i64..5).prop_map(|seconds| at(1_000_000 + seconds))
}

fn version() -> impl Strategy<Value = Option<Version>> + Clone {
    select(vec![None, Some(Version::new("v1")), Some(Version::new("v2"))])
}

fn pair() -> impl Strategy<Value = Pair> {
    let status = select(vec![
        PairStatus::Linked,
        PairStatus::Linked,
        PairStatus::Frozen(Side::Left),
        PairStatus::Frozen(Side::Right),
        PairStatus::Ended,
    ]);
    let plan = of(select(PLANS.to_vec()).prop_map(PlanId::from));
    (
        (arbitrary::sides(record_id()), status, any::<u64>(), plan),
        arbitrary::sides(arbitrary::record()),
        arbitrary::trail(),
        arbitrary::sides(any::<[u8; 16]>()),
        (arbitrary::sides(version()), any::<bool>(), "c[0-2]"),
    )
        .prop_map(
            |((ids, status, revision, plan), base, trail, fingerprint, (version, watch, configuration))| {
                Pair { ids, status, revision, plan, base, trail, fingerprint, version, watch, configuration }
            },
        )
}

fn rules() -> impl Strategy<Value = Vec<RuleId>> {
    vec(select(vec!["name", "fax"]).prop_map(RuleId::from), 0..3)
}

fn hint() -> impl Strategy<Value = Attention> {
    (arbitrary::side(), record_id(), version(), moment(), moment()).prop_map(
        |(side, id, version, due, since)| Attention {
            side,
            id,
            why: AttentionWhy::Hint { version },
            due,
            since,
        },
    )
}

fn reason() -> impl Strategy<Value = ParkedAs> {
    let refused = any::<[u8; 8]>().prop_map(|hash| ParkedAs::Refused(Some(Attempt(hash))));
    prop_oneof![Just(ParkedAs::Ambiguous), Just(ParkedAs::Broken), refused]
}

fn attention() -> impl Strategy<Value = Attention> {
    let retry = (any::<u32>(), "[ab]", rules(), any::<bool>());
    let retry = retry.prop_map(|(failures, failure, rules, unanswered)| AttentionWhy::Retry {
        failures,
        failure,
        rules,
        unanswered,
    });
    let suspicion = proptest::option::of(arbitrary::suspicion());
    let parked = (reason(), rules(), "[ab]", suspicion).prop_map(|(reason, rules, message, suspicion)| {
        AttentionWhy::Parked { reason, rules, message, remedy: String::new(), suspicion }
    });
    let conflict = (rules(), "[ab]").prop_map(|(rules, message)| AttentionWhy::Conflict { rules, message });
    let other =
        (hint(), prop_oneof![retry, parked, conflict]).prop_map(|(row, why)| Attention { why, ..row });
    prop_oneof![1 => hint(), 3 => other]
}

fn resolution() -> impl Strategy<Value = Resolution> {
    let seen = arbitrary::sides(select(vec![[0; 16], [1; 16]]));
    (arbitrary::sides(record_id()), select(vec!["name", "fax"]), arbitrary::side(), seen).prop_map(
        |(ids, rule, take, seen)| Resolution {
            ids,
            rule: RuleId::from(rule),
            take,
            by: "anna".to_owned(),
            seen,
        },
    )
}

fn ending() -> impl Strategy<Value = EntryState> {
    let applied = (of(record_id()), moment()).prop_map(|(id, at)| EntryState::Applied { id, at });
    let dropped = ("[ab]", moment()).prop_map(|(why, at)| EntryState::Dropped { why, at });
    let wrong = select(vec![EntryState::Planned, EntryState::Intended { attempts: 1 }]);
    prop_oneof![10 => applied, 6 => dropped, 1 => wrong]
}

fn commit() -> impl Strategy<Value = Commit> {
    let link = || select(LINKS.to_vec()).prop_map(LinkId::from);
    let kind = select(vec![
        AttentionKind::Hint,
        AttentionKind::Retry,
        AttentionKind::Parked,
        AttentionKind::Conflict,
        AttentionKind::All,
    ]);
    (
        vec((key(), ending()).prop_map(|(key, state)| Ending { key, state }), 0..3),
        vec((link(), pair()), 0..4),
        vec((link(), attention()), 0..4),
        vec((link(), arbitrary::side(), record_id(), kind), 0..3),
        vec((link(), arbitrary::side(), arbitrary::feed()), 0..2),
        vec((link(), resolution()), 0..2),
    )
        .prop_map(|(endings, pairs, attention, settled, feeds, resolved)| Commit {
            endings,
            pairs,
            attention,
            settled,
            feeds,
            resolved,
        })
}

fn binding() -> impl Strategy<Value = Binding> {
    (prop_oneof![9 => Just("crm"), 1 => Just("other")], "c[01]").prop_map(|(left, configuration)| Binding {
        systems: Sides { left: left.to_owned(), right: "erp".to_owned() },
        configuration,
        links: vec![(LinkId::from(LINKS[0]), "l".to_owned())],
        rules: vec![(LinkId::from(LINKS[0]), RuleId::from("name"), "r".to_owned())],
    })
}

fn op() -> BoxedStrategy<Op> {
    let plan = || 0..PLANS.len();
    let link = || 0..LINKS.len();
    let rows = vec((0_u8..6, any::<u8>()), 0..20);
    let state = select(vec![PlanState::Done, PlanState::Done, PlanState::Abandoned, PlanState::Sealed]);
    let begin = (0..PARTITIONS.len(), plan(), entries()).prop_map(|(partition, plan, entries)| Op::Begin {
        partition,
        plan,
        entries,
    });
    prop_oneof![
        2 => (0_u64..40).prop_map(Op::Advance),
        2 => (0..PARTITIONS.len(), 0_u8..2, 1_u64..100)
            .prop_map(|(partition, worker, seconds)| Op::Lease { partition, worker, seconds }),
        1 => (who(), 1_u64..100).prop_map(|(who, seconds)| Op::Renew { who, seconds }),
        1 => who().prop_map(Op::Release),
        1 => binding().prop_map(Op::Bind),
        1 => (who(), binding()).prop_map(|(who, binding)| Op::Rebind(who, binding)),
        1 => (who(), binding()).prop_map(|(who, binding)| Op::Rehome(who, binding)),
        8 => begin,
        2 => (who(), plan(), any::<bool>()).prop_map(|(who, plan, moved)| Op::Draft { who, plan, moved }),
        4 => (who(), plan(), 0..AREAS.len(), rows)
            .prop_map(|(who, plan, area, rows)| Op::Spill { who, plan, area, rows }),
        2 => (who(), plan(), entries()).prop_map(|(who, plan, entries)| Op::Put { who, plan, entries }),
        2 => (who(), plan(), any::<bool>()).prop_map(|(who, plan, digest)| Op::Finish { who, plan, digest }),
        1 => (who(), plan()).prop_map(|(who, plan)| Op::Discard { who, plan }),
        2 => (who(), plan(), any::<bool>()).prop_map(|(who, plan, digest)| Op::Adopt { who, plan, digest }),
        6 => (who(), plan(), vec(key(), 0..4)).prop_map(|(who, plan, keys)| Op::Intend { who, plan, keys }),
        3 => (who(), plan(), vec(key(), 0..4)).prop_map(|(who, plan, keys)| Op::Withdraw { who, plan, keys }),
        16 => (who(), plan(), commit())
            .prop_map(|(who, plan, commit)| Op::Commit { who, plan, commit: Box::new(commit) }),
        2 => (who(), plan(), state).prop_map(|(who, plan, state)| Op::Complete { who, plan, state }),
        3 => (link(), vec(prop_oneof![9 => hint(), 1 => attention()], 0..3))
            .prop_map(|(link, hints)| Op::Notify(link, hints)),
        3 => (link(), resolution()).prop_map(|(link, resolution)| Op::Resolve(link, resolution)),
        1 => any::<bool>().prop_map(Op::SetPause),
        1 => (0_u64..60).prop_map(Op::Prune),
        2 => Just(Op::Crash),
    ]
    .boxed()
}

/// Both stores, the leases that were given, and the plan that each partition works on.
struct Both {
    clock: Arc<ManualClock>,
    memory: MemoryStore,
    sqlite: Option<SqliteStore>,
    folder: Option<tempfile::TempDir>,
    leases: [Vec<Lease>; 2],
    plans: [usize; 2],
}

/// Asks both stores the same and holds the answers against each other.
macro_rules! ask {
    ($both:expr, $store:ident => $call:expr) => {{
        let $store: &dyn StateStore = &$both.memory;
        let expected = plain(block_on($call));
        let $store: &dyn StateStore = $both.sqlite.as_ref().unwrap();
        let found = plain(block_on($call));
        assert_eq!(found, expected, "{}", stringify!($call));
        expected
    }};
}

fn plain<T>(result: Result<T>) -> Result<T, String> {
    result.map_err(|error| format!("{:?}: {error}", error.kind()))
}

impl Both {
    fn new(in_file: bool) -> Self {
        let clock = ManualClock::new();
        let folder = in_file.then(|| tempfile::tempdir().unwrap());
        let sqlite = match &folder {
            Some(folder) => SqliteStore::open(folder.path().join("state"), clock.clone()).unwrap(),
            None => SqliteStore::open_in_memory(clock.clone()).unwrap(),
        };
        let memory = MemoryStore::new(clock.clone());
        let leases = [Vec::new(), Vec::new()];
        Self { clock, memory, sqlite: Some(sqlite), folder, leases, plans: [0, 1] }
    }

    fn who(&self, who: &Who) -> Lease {
        let given = &self.leases[who.partition];
        given.iter().rev().nth(who.older).or(given.last()).cloned().unwrap_or(Lease {
            partition: PARTITIONS[who.partition].into(),
            worker: "nobody".to_owned(),
            epoch: 0,
        })
    }

    /// The plan that a call means: mostly the one that its partition works on.
    fn plan(&self, who: &Who, plan: usize) -> PlanId {
        PLANS[if plan > 0 { self.plans[who.partition] } else { plan }].into()
    }

    fn do_op(&mut self, op: Op) {
        let now = crate::clock::Clock::now(&*self.clock);
        match op {
            Op::Advance(seconds) => self.clock.advance(Duration::from_secs(seconds)),
            Op::Lease { partition, worker, seconds } => self.lease(partition, &format!("w{worker}"), seconds),
            Op::Renew { who, seconds } => {
                let lease = self.who(&who);
                let _ = ask!(self, store => store.renew(&lease, Duration::from_secs(seconds)));
            }
            Op::Release(who) => {
                let lease = self.who(&who);
                let _ = ask!(self, store => store.release(&lease));
            }
            Op::Bind(binding) => {
                let _ = ask!(self, store => store.bind(&binding));
            }
            Op::Rebind(who, binding) => {
                let lease = self.who(&who);
                let _ = ask!(self, store => store.rebind(&lease, &binding, now));
            }
            Op::Rehome(who, binding) => {
                let lease = self.who(&who);
                let _ = ask!(self, store => store.rehome(&lease, &binding, now));
            }
            Op::Begin { partition, plan, entries } => self.begin(partition, plan, entries),
            Op::Draft { who, plan, moved } => {
                let lease = self.who(&who);
                let revision = block_on(self.memory.revision()).unwrap() + u64::from(moved);
                let head = head(PLANS[plan], &PARTITIONS[who.partition].into(), revision);
                if ask!(self, store => store.draft(&lease, &head)).is_ok() {
                    self.plans[who.partition] = plan;
                }
            }
            Op::Spill { who, plan, area, rows } => {
                let (lease, plan) = (self.who(&who), self.plan(&who, plan));
                let rows: Vec<SpillRow> = rows
                    .into_iter()
                    .map(|(key, content)| SpillRow {
                        key: vec![b'k'; usize::from(key)],
                        content: vec![content],
                    })
                    .collect();
                let _ = ask!(self, store => store.spill(&lease, &plan, AREAS[area], rows.clone()));
            }
            Op::Put { who, plan, entries } => {
                let (lease, plan) = (self.who(&who), self.plan(&who, plan));
                let _ = ask!(self, store => store.put_entries(&lease, &plan, entries.clone()));
            }
            Op::Finish { who, plan, digest } => {
                let (lease, plan) = (self.who(&who), self.plan(&who, plan));
                let trailer = trailer(if digest { "d" } else { "other" });
                let _ = ask!(self, store => store.finish(&lease, &plan, &trailer));
            }
            Op::Discard { who, plan } => {
                let (lease, plan) = (self.who(&who), self.plan(&who, plan));
                let _ = ask!(self, store => store.discard(&lease, &plan));
            }
            Op::Adopt { who, plan, digest } => {
                let (lease, plan) = (self.who(&who), self.plan(&who, plan));
                let approval = approval(plan.as_str(), if digest { "d" } else { "other" });
                let _ = ask!(self, store => store.adopt(&lease, &approval));
            }
            Op::Intend { who, plan, keys } => {
                let (lease, plan) = (self.who(&who), self.plan(&who, plan));
                let keys = self.known_keys(&plan, keys);
                let _ = ask!(self, store => store.intend(&lease, &plan, &keys));
            }
            Op::Withdraw { who, plan, keys } => {
                let (lease, plan) = (self.who(&who), self.plan(&who, plan));
                let keys = self.known_keys(&plan, keys);
                let _ = ask!(self, store => store.withdraw(&lease, &plan, &keys));
            }
            Op::Commit { who, plan, mut commit } => {
                let (lease, plan) = (self.who(&who), self.plan(&who, plan));
                let keys = commit.endings.iter().map(|ending| ending.key.clone()).collect();
                for (ending, key) in commit.endings.iter_mut().zip(self.known_keys(&plan, keys)) {
                    ending.key = key;
                }
                // A commit can be wrong in several places; which one is named first is each store's own affair.
                let _ = ask!(self, store => async {
                    store.commit(&lease, &plan, (*commit).clone()).await.map_err(|error| Error::new(error.kind(), ""))
                });
            }
            Op::Complete { who, plan, state } => {
                let (lease, plan) = (self.who(&who), self.plan(&who, plan));
                let _ = ask!(self, store => store.complete(&lease, &plan, state, now));
            }
            Op::Notify(link, hints) => {
                let _ = ask!(self, store => store.notify(&LINKS[link].into(), &hints));
            }
            Op::Resolve(link, resolution) => {
                let _ = ask!(self, store => store.resolve(&[(LINKS[link].into(), resolution.clone())], now));
            }
            Op::SetPause(on) => {
                let pause = on.then(|| Pause { by: "anna".to_owned(), at: now, why: "lunch".to_owned() });
                let _ = ask!(self, store => store.set_pause(pause.as_ref(), "anna", now));
            }
            Op::Prune(seconds) => {
                let before = at(1_000_000 + i64::try_from(seconds).unwrap());
                let pruned = block_on(self.sqlite.as_ref().unwrap().prune(before)).unwrap();
                assert_eq!(pruned, self.memory.prune(before));
            }
            Op::Crash => self.crash(),
        }
        self.look();
    }

    fn lease(&mut self, partition: usize, worker: &str, seconds: u64) {
        let name = PARTITIONS[partition].into();
        let given = ask!(self, store => store.lease(&name, worker, Duration::from_secs(seconds)));
        if let Some(lease) = given.unwrap() {
            assert!(self.leases[partition].iter().all(|older| older.epoch < lease.epoch));
            self.leases[partition].push(lease);
        }
    }

    /// Entries that are there, mostly: the key's place among those of the plan.
    fn known_keys(&self, plan: &PlanId, keys: Vec<EntryKey>) -> Vec<EntryKey> {
        let known = block_on(self.memory.entries(plan, EntryParts::Whole, Scan::first(100)));
        let known = known.map(|page| page.rows).unwrap_or_default();
        let place = |key: &EntryKey| key.to_bytes().iter().map(|byte| usize::from(*byte)).sum::<usize>();
        keys.into_iter()
            .map(|key| match known.len() {
                0 => key,
                count if place(&key) % 7 > 0 => known[place(&key) % count].entry.key.clone(),
                _ => key,
            })
            .collect()
    }

    fn begin(&mut self, partition: usize, plan: usize, entries: Vec<Entry>) {
        self.lease(partition, "w0", 60);
        let who = Who { partition, older: 0 };
        let (lease, name) = (self.who(&who), PlanId::from(PLANS[plan]));
        let head =
            head(PLANS[plan], &PARTITIONS[partition].into(), block_on(self.memory.revision()).unwrap());
        if ask!(self, store => store.draft(&lease, &head)).is_err() {
            return;
        }
        self.plans[partition] = plan;
        let _ = ask!(self, store => store.put_entries(&lease, &name, entries.clone()));
        let _ = ask!(self, store => store.finish(&lease, &name, &trailer("d")));
        let _ = ask!(self, store => store.adopt(&lease, &approval(PLANS[plan], "d")));
    }

    /// The process dies: the file is copied as it lies there, and the copy is opened.
    fn crash(&mut self) {
        let Some(folder) = self.folder.take() else { return };
        let next = tempfile::tempdir().unwrap();
        for file in std::fs::read_dir(folder.path()).unwrap() {
            let file = file.unwrap();
            std::fs::copy(file.path(), next.path().join(file.file_name())).unwrap();
        }
        self.sqlite = None;
        self.sqlite = Some(SqliteStore::open(next.path().join("state"), self.clock.clone()).unwrap());
        self.memory.crash();
        self.folder = Some(next);
    }

    /// Reads all there is to read in both.
    fn look(&self) {
        let all = ids();
        let _ = ask!(self, store => store.revision());
        for link in LINKS.map(LinkId::from) {
            for side in Side::BOTH {
                for rows_max in [1, 2, 100] {
                    ask!(self, store => pages(rows_max, |scan| store.marks(&link, side, scan), |mark| {
                        mark.ids.of(side).clone()
                    }))
                    .unwrap();
                }
                let _ = ask!(self, store => store.marks_of(&link, side, &all));
                let _ = ask!(self, store => store.pairs_of(&link, side, &all));
                let _: Result<Option<Feed>, _> = ask!(self, store => store.feed(&link, side));
            }
            let _ = ask!(self, store => store.pair_count(&link));
            let _ = ask!(self, store => store.resolutions(&link));
            for rows_max in [1, 3, 100] {
                ask!(self, store => pages(rows_max, |scan| store.watched(&link, scan), |mark| mark.ids.left.clone()))
                    .unwrap();
                for until in [None, Some(at(1_000_002))] {
                    ask!(self, store => pages(rows_max, |scan| store.attention(&link, until, scan), |row| {
                        (row.side, row.id.clone())
                    }))
                    .unwrap();
                }
            }
        }
        for plan in PLANS.map(PlanId::from) {
            let _ = ask!(self, store => store.plan(&plan));
            for rows_max in [2, 100] {
                let key = |row: &super::EntryRow| row.entry.key.clone();
                let _ = ask!(self, store => pages(rows_max, |scan| store.entries(&plan, EntryParts::Whole, scan), key));
                let _ = ask!(self, store => pages(rows_max, |scan| store.open_intents(&plan, scan), key));
                for area in AREAS {
                    ask!(self, store => pages(rows_max, |scan| store.spilled(&plan, area, scan), |row| row.key.clone()))
                        .unwrap();
                }
            }
            let keys: Vec<Vec<u8>> = (0..6).map(|length| vec![b'k'; length]).collect();
            let _ = ask!(self, store => store.spilled_of(&plan, AREAS[0], &keys));
        }
        for partition in PARTITIONS.map(PartitionId::from) {
            let _ = ask!(self, store => store.adopted(&partition));
        }
        let _ = ask!(self, store => store.pause());
        for rows_max in [3, 1000] {
            ask!(self, store => pages(rows_max, |scan| store.journal(scan), |line| line.number)).unwrap();
        }
    }
}

/// All rows, page by page. A page that says that more follow is never empty.
async fn pages<T, K, F>(
    rows_max: usize,
    read: impl Fn(Scan<K>) -> F,
    key: impl Fn(&T) -> K,
) -> Result<Vec<Vec<T>>>
where
    F: Future<Output = Result<super::PageOf<T>>>,
{
    let mut pages: Vec<Vec<T>> = Vec::new();
    let mut after = None;
    loop {
        let page = read(Scan { after, rows_max }).await?;
        after = page.rows.last().map(&key);
        assert!(after.is_some() || !page.more);
        pages.push(page.rows);
        if !page.more {
            return Ok(pages);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]
    #[test]
    fn sqlite_answers_as_the_reference_does(ops in vec(op(), 1..60)) {
        let mut both = Both::new(false);
        ops.into_iter().filter(|op| !matches!(op, Op::Crash)).for_each(|op| both.do_op(op));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20, ..ProptestConfig::default() })]
    #[test]
    fn a_crash_keeps_exactly_what_was_committed(ops in vec(op(), 1..40)) {
        let mut both = Both::new(true);
        ops.into_iter().for_each(|op| both.do_op(op));
        both.do_op(Op::Crash);
    }
}
