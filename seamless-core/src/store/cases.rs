//! What every store must do, case by case, run against each of them. What the doc of the port promises stands here.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::time::Duration;

use futures::executor::block_on;

use super::memory::MemoryStore;
use super::port::{
    Area, Attention, AttentionKind, AttentionWhy, Binding, Bound, Commit, Ending, EntryParts, EntryState,
    Lease, PairStatus, Pause, PlanState, Resolution, Scan, SpillRow, StateStore,
};
use super::test_kit::{
    ManualClock, adopted, approval, at, entry, head, id, key, link, pair, partition, trailer,
};
use crate::model::{ErrorKind, PlanId, Result, RuleId, Side, Sides};
use crate::plan::ParkedAs;

macro_rules! cases {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        mod memory {
            $(#[test] fn $name() {
                let clock = super::ManualClock::new();
                super::block_on(super::$name(&super::MemoryStore::new(clock.clone()), &clock));
            })*
        }

        #[cfg(feature = "sqlite")]
        mod sqlite {
            $(#[test] fn $name() {
                let clock = super::ManualClock::new();
                let store = crate::store::SqliteStore::open_in_memory(clock.clone()).unwrap();
                super::block_on(super::$name(&store, &clock));
            })*
        }
    };
}

cases!(
    a_commit_that_is_refused_changes_nothing,
    an_old_lease_writes_nothing,
    a_lease_ends_by_the_clock_and_the_next_one_is_higher,
    the_same_worker_fences_itself,
    the_same_ending_twice_changes_nothing,
    adopting_refuses_what_was_not_approved,
    a_commit_ends_the_other_plans_of_the_partition,
    a_plan_is_done_when_every_entry_has_ended,
    an_entry_of_the_second_pass_replaces_the_first,
    a_spilled_row_replaces_one_with_the_same_key,
    a_spill_goes_on_after_it_was_read,
    drafts_left_behind_are_discarded,
    a_record_is_in_one_pair,
    an_ended_pair_frees_its_ids,
    a_pair_of_history_speaks_for_its_record_until_another_one_does,
    hints_repeat_without_effect,
    attention_is_replaced_and_ends_by_kind,
    attention_of_one_record_is_never_torn,
    a_resolution_that_was_changed_since_is_not_used_up,
    a_pause_is_seen_and_journalled,
    the_journal_is_newest_first,
    binding_resets_nothing,
    intents_stay_open_until_they_end,
);

fn kind<T>(result: Result<T>) -> ErrorKind {
    result.map(|_| ()).unwrap_err().kind()
}

async fn hold(store: &dyn StateStore, worker: &str, seconds: u64) -> Option<Lease> {
    store.lease(&partition(), worker, Duration::from_secs(seconds)).await.unwrap()
}

fn applied(record: &str) -> Ending {
    Ending { key: key(record), state: EntryState::Applied { id: Some(id("r")), at: at(3) } }
}

fn pairs(rows: &[(&str, &str, PairStatus)]) -> Commit {
    let pairs = rows.iter().map(|(left, right, status)| (link(), pair(left, right, *status))).collect();
    Commit { pairs, ..Commit::default() }
}

async fn a_commit_that_is_refused_changes_nothing(store: &dyn StateStore, _: &ManualClock) {
    let (lease, plan) = adopted(store, "p", &["a", "b"]).await;
    store.commit(&lease, &plan, pairs(&[("a", "x", PairStatus::Linked)])).await.unwrap();
    let hint = Attention {
        side: Side::Left,
        id: id("a"),
        why: AttentionWhy::Hint { version: None },
        due: at(0),
        since: at(0),
    };
    let revision = store.revision().await.unwrap();
    // The pair comes last and is refused; what came before it in the same commit must be gone too.
    let commit = Commit {
        endings: vec![applied("a")],
        attention: vec![(link(), hint)],
        ..pairs(&[("b", "y", PairStatus::Linked), ("c", "x", PairStatus::Linked)])
    };
    assert_eq!(kind(store.commit(&lease, &plan, commit).await), ErrorKind::Conflict);
    assert_eq!(store.revision().await.unwrap(), revision);
    assert_eq!(store.pair_count(&link()).await.unwrap(), 1);
    assert_eq!(store.marks_of(&link(), Side::Left, &[id("b")]).await.unwrap(), [None]);
    assert_eq!(
        store.entries(&plan, EntryParts::Whole, Scan::first(9)).await.unwrap().rows[0].state,
        EntryState::Planned
    );
    assert!(store.attention(&link(), None, Scan::first(9)).await.unwrap().rows.is_empty());
    // And the store works on.
    store.commit(&lease, &plan, pairs(&[("b", "y", PairStatus::Linked)])).await.unwrap();
    assert_eq!(store.revision().await.unwrap(), revision + 1);
}

async fn an_old_lease_writes_nothing(store: &dyn StateStore, clock: &ManualClock) {
    let (old, plan) = adopted(store, "p", &["a"]).await;
    clock.advance(Duration::from_secs(60));
    let new = hold(store, "v", 60).await.unwrap();
    let binding = Binding {
        systems: Sides { left: "crm".into(), right: "erp".into() },
        configuration: "c".into(),
        links: Vec::new(),
        rules: Vec::new(),
    };
    store.bind(&binding).await.unwrap();
    let area = Area { link: 0, kind: 0, side: None };
    for lease in
        [old, Lease { worker: "w".into(), ..new.clone() }, Lease { epoch: new.epoch + 1, ..new.clone() }]
    {
        let second = Duration::from_secs(1);
        let refused = [
            kind(store.rebind(&lease, &binding, at(1)).await),
            kind(store.renew(&lease, second).await),
            kind(store.draft(&lease, &head("q", &partition(), 0)).await),
            kind(store.spill(&lease, &plan, area, Vec::new()).await),
            kind(store.put_entries(&lease, &plan, vec![entry("b")]).await),
            kind(store.finish(&lease, &plan, &trailer("d")).await),
            kind(store.discard(&lease, &plan).await),
            kind(store.adopt(&lease, &approval("p", "d")).await),
            kind(store.intend(&lease, &plan, &[key("a")]).await),
            kind(store.commit(&lease, &plan, Commit::default()).await),
            kind(store.complete(&lease, &plan, PlanState::Abandoned, at(1)).await),
        ];
        assert_eq!(refused, [ErrorKind::Fenced; 11]);
        // Nothing happens, and the new lease holds.
        store.release(&lease).await.unwrap();
    }
    store.commit(&new, &plan, Commit::default()).await.unwrap();
    assert_eq!(store.plan(&PlanId::from("q")).await.unwrap(), None);
}

async fn a_lease_ends_by_the_clock_and_the_next_one_is_higher(store: &dyn StateStore, clock: &ManualClock) {
    let first = hold(store, "w", 10).await.unwrap();
    clock.advance(Duration::from_secs(9));
    assert_eq!(hold(store, "v", 10).await, None);
    store.renew(&first, Duration::from_secs(10)).await.unwrap();
    clock.advance(Duration::from_secs(9));
    assert_eq!(hold(store, "v", 10).await, None);
    clock.advance(Duration::from_secs(1));
    // Ended although nobody took over.
    assert_eq!(kind(store.renew(&first, Duration::from_secs(10)).await), ErrorKind::Fenced);
    let second = hold(store, "v", 10).await.unwrap();
    assert!(second.epoch > first.epoch);
    store.release(&second).await.unwrap();
    let third = hold(store, "w", 10).await.unwrap();
    assert!(third.epoch > second.epoch);
}

async fn the_same_worker_fences_itself(store: &dyn StateStore, _: &ManualClock) {
    let first = hold(store, "w", 10).await.unwrap();
    let second = hold(store, "w", 10).await.unwrap();
    assert!(second.epoch > first.epoch);
    assert_eq!(kind(store.renew(&first, Duration::from_secs(1)).await), ErrorKind::Fenced);
    store.release(&first).await.unwrap();
    store.renew(&second, Duration::from_secs(1)).await.unwrap();
}

async fn the_same_ending_twice_changes_nothing(store: &dyn StateStore, _: &ManualClock) {
    let (lease, plan) = adopted(store, "p", &["a"]).await;
    let with =
        |state: EntryState| Commit { endings: vec![Ending { key: key("a"), state }], ..Commit::default() };
    let first = EntryState::Applied { id: Some(id("r")), at: at(3) };
    store.commit(&lease, &plan, with(first.clone())).await.unwrap();
    let later = EntryState::Applied { id: Some(id("r")), at: at(4) };
    store.commit(&lease, &plan, with(later)).await.unwrap();
    assert_eq!(store.entries(&plan, EntryParts::Whole, Scan::first(9)).await.unwrap().rows[0].state, first);
    for other in [
        EntryState::Applied { id: Some(id("s")), at: at(3) },
        EntryState::Dropped { why: "moved".into(), at: at(3) },
    ] {
        assert_eq!(kind(store.commit(&lease, &plan, with(other)).await), ErrorKind::Conflict);
    }
    assert_eq!(kind(store.commit(&lease, &plan, with(EntryState::Planned)).await), ErrorKind::Internal);
    // Ended entries stay ended.
    assert_eq!(store.intend(&lease, &plan, &[key("a")]).await.unwrap(), [first]);
    assert_eq!(store.open_intents(&plan, Scan::first(9)).await.unwrap().rows, []);
}

async fn adopting_refuses_what_was_not_approved(store: &dyn StateStore, _: &ManualClock) {
    let (lease, first) = adopted(store, "p", &[]).await;
    let name = PlanId::from("q");
    store.draft(&lease, &head("q", &partition(), 0)).await.unwrap();
    let refused = async |digest: &str| kind(store.adopt(&lease, &approval("q", digest)).await);
    // Not sealed; another digest; another plan is being applied.
    assert_eq!(refused("d").await, ErrorKind::Conflict);
    store.finish(&lease, &name, &trailer("d")).await.unwrap();
    assert_eq!(refused("e").await, ErrorKind::Conflict);
    assert_eq!(refused("d").await, ErrorKind::Conflict);
    assert_eq!(store.adopted(&partition()).await.unwrap(), Some(first.clone()));
    store.complete(&lease, &first, PlanState::Done, at(5)).await.unwrap();
    assert_eq!(store.adopted(&partition()).await.unwrap(), None);
    store.adopt(&lease, &approval("q", "d")).await.unwrap();
    store.commit(&lease, &name, Commit::default()).await.unwrap();
    store.complete(&lease, &name, PlanState::Done, at(5)).await.unwrap();
    // The state moved.
    store.draft(&lease, &head("r", &partition(), 0)).await.unwrap();
    store.finish(&lease, &PlanId::from("r"), &trailer("d")).await.unwrap();
    assert_eq!(kind(store.adopt(&lease, &approval("r", "d")).await), ErrorKind::Conflict);
    assert_eq!(kind(store.adopt(&lease, &approval("unknown", "d")).await), ErrorKind::NotFound);
}

async fn a_commit_ends_the_other_plans_of_the_partition(store: &dyn StateStore, _: &ManualClock) {
    let (lease, first) = adopted(store, "p", &[]).await;
    store.draft(&lease, &head("q", &partition(), 0)).await.unwrap();
    store.finish(&lease, &PlanId::from("q"), &trailer("d")).await.unwrap();
    let state = async || store.plan(&PlanId::from("q")).await.unwrap().unwrap().state;
    assert_eq!(state().await, PlanState::Sealed);
    store.commit(&lease, &first, Commit::default()).await.unwrap();
    assert_eq!(state().await, PlanState::Abandoned);
}

async fn a_plan_is_done_when_every_entry_has_ended(store: &dyn StateStore, _: &ManualClock) {
    let (lease, plan) = adopted(store, "p", &["a", "b"]).await;
    let done = async || store.complete(&lease, &plan, PlanState::Done, at(9)).await;
    store.commit(&lease, &plan, Commit { endings: vec![applied("a")], ..Commit::default() }).await.unwrap();
    assert_eq!(kind(done().await), ErrorKind::Conflict);
    store.intend(&lease, &plan, &[key("b")]).await.unwrap();
    assert_eq!(kind(done().await), ErrorKind::Conflict);
    store.commit(&lease, &plan, Commit { endings: vec![applied("b")], ..Commit::default() }).await.unwrap();
    done().await.unwrap();
    // Asking again changes nothing, not even the journal.
    done().await.unwrap();
    assert_eq!(kind(store.complete(&lease, &plan, PlanState::Sealed, at(9)).await), ErrorKind::Internal);
    let lines = store.journal(Scan::first(9)).await.unwrap().rows;
    assert_eq!(lines.iter().map(|line| line.what.as_str()).collect::<Vec<_>>(), ["done", "adopted"]);
    assert_eq!(kind(store.commit(&lease, &plan, Commit::default()).await), ErrorKind::Conflict);
    // Entries stay as history.
    assert_eq!(store.entries(&plan, EntryParts::Whole, Scan::first(9)).await.unwrap().rows.len(), 2);
}

async fn an_entry_of_the_second_pass_replaces_the_first(store: &dyn StateStore, _: &ManualClock) {
    let lease = hold(store, "w", 60).await.unwrap();
    let plan = PlanId::from("p");
    store.draft(&lease, &head("p", &partition(), 0)).await.unwrap();
    store.put_entries(&lease, &plan, vec![entry("b"), entry("a")]).await.unwrap();
    let mut later = entry("b");
    later.settles.insert(7);
    store.put_entries(&lease, &plan, vec![entry("b"), later.clone()]).await.unwrap();
    let rows = store.entries(&plan, EntryParts::Whole, Scan::first(9)).await.unwrap().rows;
    let entries: Vec<_> = rows.into_iter().map(|row| row.entry).collect();
    assert_eq!(entries, [entry("a"), later]);
    let page = store.entries(&plan, EntryParts::Whole, Scan::first(1)).await.unwrap();
    assert!(page.more && page.rows.len() == 1);
    let page = store.entries(&plan, EntryParts::Whole, Scan::after(key("a"), 1)).await.unwrap();
    assert!(!page.more && page.rows[0].entry.key == key("b"));
    store.finish(&lease, &plan, &trailer("d")).await.unwrap();
    store.finish(&lease, &plan, &trailer("d")).await.unwrap();
    assert_eq!(kind(store.finish(&lease, &plan, &trailer("e")).await), ErrorKind::Conflict);
    assert_eq!(kind(store.put_entries(&lease, &plan, vec![entry("c")]).await), ErrorKind::Conflict);
}

fn row(key: &[u8], content: u8) -> SpillRow {
    SpillRow { key: key.to_vec(), content: vec![content] }
}

async fn a_spilled_row_replaces_one_with_the_same_key(store: &dyn StateStore, _: &ManualClock) {
    let lease = hold(store, "w", 60).await.unwrap();
    let plan = PlanId::from("p");
    store.draft(&lease, &head("p", &partition(), 0)).await.unwrap();
    let area = Area { link: 1, kind: 2, side: None };
    store
        .spill(&lease, &plan, area, vec![row(b"b", 9), row(b"a", 2), row(b"", 3), row(b"b", 1)])
        .await
        .unwrap();
    store.spill(&lease, &plan, area, vec![row(b"a", 1)]).await.unwrap();
    store.spill(&lease, &plan, Area { side: Some(Side::Left), ..area }, vec![row(b"z", 1)]).await.unwrap();
    let all = store.spilled(&plan, area, Scan::first(3)).await.unwrap();
    assert_eq!((all.rows, all.more), (vec![row(b"", 3), row(b"a", 1), row(b"b", 1)], false));
    let first = store.spilled(&plan, area, Scan::first(2)).await.unwrap();
    assert_eq!((first.rows, first.more), (vec![row(b"", 3), row(b"a", 1)], true));
    let keys = [b"b".to_vec(), b"c".to_vec(), Vec::new(), b"b".to_vec()];
    let found = store.spilled_of(&plan, area, &keys).await.unwrap();
    assert_eq!(found, [Some(vec![1]), None, Some(vec![3]), Some(vec![1])]);
    // A sealed plan has no spill.
    store.finish(&lease, &plan, &trailer("d")).await.unwrap();
    assert!(store.spilled(&plan, area, Scan::first(3)).await.unwrap().rows.is_empty());
    assert_eq!(kind(store.spill(&lease, &plan, area, Vec::new()).await), ErrorKind::Conflict);
}

async fn a_spill_goes_on_after_it_was_read(store: &dyn StateStore, _: &ManualClock) {
    let lease = hold(store, "w", 60).await.unwrap();
    let plan = PlanId::from("p");
    store.draft(&lease, &head("p", &partition(), 0)).await.unwrap();
    let area = Area { link: 0, kind: 0, side: None };
    // Batches that are small and large beside what is there, each read before the next.
    let mut expected = std::collections::BTreeMap::new();
    for (round, batch) in [40_u32, 1, 3, 100, 2].into_iter().enumerate() {
        let rows: Vec<SpillRow> = (0..batch)
            .map(|place| row(&(place * 7_919 % 61).to_be_bytes(), u8::try_from(round).unwrap()))
            .collect();
        expected.extend(rows.iter().map(|row| (row.key.clone(), row.content.clone())));
        store.spill(&lease, &plan, area, rows).await.unwrap();
        let read = store.spilled(&plan, area, Scan::first(1000)).await.unwrap().rows;
        let read: Vec<_> = read.into_iter().map(|row| (row.key, row.content)).collect();
        assert_eq!(read, expected.clone().into_iter().collect::<Vec<_>>());
    }
}

async fn drafts_left_behind_are_discarded(store: &dyn StateStore, _: &ManualClock) {
    let lease = hold(store, "w", 60).await.unwrap();
    let area = Area { link: 0, kind: 0, side: None };
    for plan in ["p", "q"] {
        store.draft(&lease, &head(plan, &partition(), 0)).await.unwrap();
        store.put_entries(&lease, &PlanId::from(plan), vec![entry(plan)]).await.unwrap();
        store.spill(&lease, &PlanId::from(plan), area, vec![row(b"k", 1)]).await.unwrap();
    }
    let (gone, there) = (PlanId::from("p"), PlanId::from("q"));
    assert_eq!(store.plan(&gone).await.unwrap(), None);
    assert!(store.spilled(&gone, area, Scan::first(9)).await.unwrap().rows.is_empty());
    assert_eq!(store.spilled(&there, area, Scan::first(9)).await.unwrap().rows.len(), 1);
    // Begun anew under the same name it is empty.
    store.draft(&lease, &head("q", &partition(), 0)).await.unwrap();
    assert!(store.entries(&there, EntryParts::Whole, Scan::first(9)).await.unwrap().rows.is_empty());
    assert!(store.spilled(&there, area, Scan::first(9)).await.unwrap().rows.is_empty());
    store.finish(&lease, &there, &trailer("d")).await.unwrap();
    store.draft(&lease, &head("p", &partition(), 0)).await.unwrap();
    assert_eq!(store.plan(&there).await.unwrap().unwrap().state, PlanState::Sealed);
    store.discard(&lease, &gone).await.unwrap();
    store.discard(&lease, &there).await.unwrap();
    assert_eq!(store.plan(&there).await.unwrap().unwrap().state, PlanState::Abandoned);
    assert_eq!(store.plan(&gone).await.unwrap(), None);
}

async fn a_record_is_in_one_pair(store: &dyn StateStore, _: &ManualClock) {
    let (lease, plan) = adopted(store, "p", &[]).await;
    let put = async |rows: &[(&str, &str, PairStatus)]| store.commit(&lease, &plan, pairs(rows)).await;
    let (linked, ended) = (PairStatus::Linked, PairStatus::Ended);
    put(&[("a", "x", linked)]).await.unwrap();
    for rows in [
        [("a", "y", linked), ("b", "z", linked)],
        [("b", "x", PairStatus::Frozen(Side::Left)), ("c", "z", linked)],
        [("b", "y", linked), ("b", "z", linked)],
        [("b", "y", linked), ("c", "y", linked)],
    ] {
        assert_eq!(kind(put(&rows).await), ErrorKind::Conflict, "{rows:?}");
    }
    // The same pair again, and an ended one beside it, take nothing.
    put(&[("a", "x", linked), ("a", "y", ended), ("b", "x", ended)]).await.unwrap();
    assert_eq!(store.pair_count(&link()).await.unwrap(), 1);
    // Another link has records of its own.
    let other = Commit { pairs: vec![("orders".into(), pair("a", "y", linked))], ..Commit::default() };
    store.commit(&lease, &plan, other).await.unwrap();
}

async fn an_ended_pair_frees_its_ids(store: &dyn StateStore, _: &ManualClock) {
    let (lease, plan) = adopted(store, "p", &[]).await;
    let put = async |rows: &[(&str, &str, PairStatus)]| store.commit(&lease, &plan, pairs(rows)).await;
    let (linked, ended) = (PairStatus::Linked, PairStatus::Ended);
    put(&[("a", "x", linked), ("b", "y", linked)]).await.unwrap();
    // Partners change places in one commit, in whatever order the rows come.
    put(&[("a", "y", linked), ("a", "x", ended), ("b", "x", linked), ("b", "y", ended)]).await.unwrap();
    let marks = store.marks(&link(), Side::Left, Scan::first(9)).await.unwrap().rows;
    let ids: Vec<_> = marks.iter().map(|mark| (mark.ids.right.clone(), mark.status)).collect();
    assert_eq!(ids, [(id("y"), linked), (id("x"), linked)]);
    // Of the same pair twice in a commit the last row counts.
    put(&[("a", "y", linked), ("a", "y", ended)]).await.unwrap();
    assert_eq!(store.pair_count(&link()).await.unwrap(), 1);
}

async fn a_pair_of_history_speaks_for_its_record_until_another_one_does(
    store: &dyn StateStore,
    _: &ManualClock,
) {
    let (lease, plan) = adopted(store, "p", &[]).await;
    let put = async |rows: &[(&str, &str, PairStatus)]| {
        store.commit(&lease, &plan, pairs(rows)).await.unwrap();
    };
    let (linked, ended) = (PairStatus::Linked, PairStatus::Ended);
    let partner = async |side: Side, record: &str| {
        let marks = store.marks_of(&link(), side, &[id(record)]).await.unwrap();
        let pairs = store.pairs_of(&link(), side, &[id(record)]).await.unwrap();
        let mark = marks[0].clone().unwrap();
        assert_eq!(pairs[0].as_ref().map(|pair| pair.ids.clone()), Some(mark.ids.clone()));
        mark.ids.of(side.other()).clone()
    };
    put(&[("a", "z", ended)]).await;
    put(&[("a", "x", ended)]).await;
    assert_eq!(partner(Side::Left, "a").await, id("x"));
    put(&[("a", "y", linked)]).await;
    put(&[("a", "x", ended)]).await;
    assert_eq!(partner(Side::Left, "a").await, id("y"));
    assert_eq!(partner(Side::Right, "x").await, id("a"));
    put(&[("a", "y", ended)]).await;
    assert_eq!(partner(Side::Left, "a").await, id("y"));
    // One mark per record, history or not, and all records of the other side.
    assert_eq!(store.marks(&link(), Side::Left, Scan::first(9)).await.unwrap().rows.len(), 1);
    assert_eq!(store.marks(&link(), Side::Right, Scan::first(9)).await.unwrap().rows.len(), 3);
    assert_eq!(store.pair_count(&link()).await.unwrap(), 0);
}

fn attention(record: &str, why: AttentionWhy) -> Attention {
    Attention { side: Side::Left, id: id(record), why, due: at(0), since: at(0) }
}

fn parked(rules: &[&str], message: &str) -> AttentionWhy {
    let rules = rules.iter().map(|rule| RuleId::from(*rule)).collect();
    AttentionWhy::Parked {
        reason: ParkedAs::Unmappable,
        rules,
        message: message.into(),
        remedy: String::new(),
        suspicion: None,
    }
}

async fn hints_repeat_without_effect(store: &dyn StateStore, _: &ManualClock) {
    let hint = |version: Option<&str>| {
        attention("a", AttentionWhy::Hint { version: version.map(crate::model::Version::new) })
    };
    let seen = async || store.attention(&link(), None, Scan::first(9)).await.unwrap().rows;
    store.notify(&link(), &[hint(None)]).await.unwrap();
    store.notify(&link(), &[Attention { since: at(9), due: at(9), ..hint(None) }]).await.unwrap();
    assert_eq!(seen().await, [hint(None)]);
    store.notify(&link(), &[hint(Some("v2"))]).await.unwrap();
    assert_eq!(seen().await, [hint(Some("v2"))]);
    let other = [hint(Some("v3")), attention("b", parked(&[], "m"))];
    assert_eq!(kind(store.notify(&link(), &other).await), ErrorKind::Configuration);
    assert_eq!(seen().await, [hint(Some("v2"))]);
    assert_eq!(store.revision().await.unwrap(), 0);
}

async fn attention_is_replaced_and_ends_by_kind(store: &dyn StateStore, _: &ManualClock) {
    let (lease, plan) = adopted(store, "p", &[]).await;
    let retry = AttentionWhy::Retry { failures: 1, failure: "timeout".into() };
    let put = |rows: Vec<Attention>| Commit {
        attention: rows.into_iter().map(|row| (link(), row)).collect(),
        ..Commit::default()
    };
    let rows = vec![
        attention("a", retry.clone()),
        attention("a", parked(&["x", "y"], "first")),
        attention("a", parked(&["z"], "other rules")),
        // The same rules in another order.
        attention("a", parked(&["y", "x", "x"], "second")),
        Attention { due: at(100), ..attention("b", retry.clone()) },
    ];
    store.commit(&lease, &plan, put(rows)).await.unwrap();
    let seen = async |until| {
        let rows = store.attention(&link(), until, Scan::first(9)).await.unwrap().rows;
        rows.into_iter().map(|row| row.why).collect::<Vec<_>>()
    };
    let of_a = [retry.clone(), parked(&["y", "x", "x"], "second"), parked(&["z"], "other rules")];
    assert_eq!(seen(Some(at(99))).await, of_a);
    assert_eq!(seen(Some(at(100))).await.len(), 4);
    assert_eq!(seen(None).await.len(), 4);
    let settle = async |record: &str, kind| {
        let settled = vec![(link(), Side::Left, id(record), kind)];
        store.commit(&lease, &plan, Commit { settled, ..Commit::default() }).await.unwrap();
    };
    settle("a", AttentionKind::Parked).await;
    assert_eq!(seen(None).await, [retry.clone(), retry]);
    settle("b", AttentionKind::Hint).await;
    settle("a", AttentionKind::All).await;
    assert_eq!(seen(None).await.len(), 1);
    // Within one commit an end comes before what is new.
    let settled = vec![(link(), Side::Left, id("b"), AttentionKind::All)];
    let commit = Commit { settled, ..put(vec![attention("b", parked(&[], "new"))]) };
    store.commit(&lease, &plan, commit).await.unwrap();
    assert_eq!(seen(None).await, [parked(&[], "new")]);
}

async fn attention_of_one_record_is_never_torn(store: &dyn StateStore, _: &ManualClock) {
    let (lease, plan) = adopted(store, "p", &[]).await;
    let rows = ["a", "b"]
        .into_iter()
        .flat_map(|record| ["x", "y", "z"].map(|rule| (link(), attention(record, parked(&[rule], rule)))));
    let commit = Commit { attention: rows.collect(), ..Commit::default() };
    store.commit(&lease, &plan, commit).await.unwrap();
    for rows_max in [1, 2, 3, 4, 5] {
        let first = store.attention(&link(), None, Scan::first(rows_max)).await.unwrap();
        assert!(first.more && first.rows.len() == 3 && first.rows.iter().all(|row| row.id == id("a")));
        let after = Scan::after((Side::Left, id("a")), rows_max);
        let second = store.attention(&link(), None, after).await.unwrap();
        assert!(!second.more && second.rows.len() == 3);
    }
    assert_eq!(store.attention(&link(), None, Scan::first(6)).await.unwrap().rows.len(), 6);
}

async fn a_resolution_that_was_changed_since_is_not_used_up(store: &dyn StateStore, _: &ManualClock) {
    let (lease, plan) = adopted(store, "p", &[]).await;
    let take = |take: Side| Resolution {
        ids: Sides { left: id("a"), right: id("x") },
        rule: RuleId::from("name"),
        take,
        by: "anna".into(),
        seen: Sides { left: [1; 16], right: [2; 16] },
    };
    let use_up = async |used: Resolution| {
        let commit = Commit { resolved: vec![(link(), used)], ..Commit::default() };
        store.commit(&lease, &plan, commit).await.unwrap();
        store.resolutions(&link()).await.unwrap()
    };
    store.resolve(&[(link(), take(Side::Left))], at(1)).await.unwrap();
    store.resolve(&[(link(), take(Side::Right))], at(2)).await.unwrap();
    assert_eq!(store.resolutions(&link()).await.unwrap(), [take(Side::Right)]);
    assert_eq!(use_up(take(Side::Left)).await, [take(Side::Right)]);
    assert_eq!(use_up(take(Side::Right)).await, []);
}

async fn a_pause_is_seen_and_journalled(store: &dyn StateStore, _: &ManualClock) {
    let pause = Pause { by: "anna".into(), at: at(1), why: "month end".into() };
    store.set_pause(None, "anna", at(0)).await.unwrap();
    store.set_pause(Some(&pause), "anna", at(1)).await.unwrap();
    assert_eq!(store.pause().await.unwrap(), Some(pause));
    store.set_pause(None, "bob", at(2)).await.unwrap();
    assert_eq!(store.pause().await.unwrap(), None);
    let lines = store.journal(Scan::first(9)).await.unwrap().rows;
    let lines: Vec<_> =
        lines.iter().map(|line| (line.what.as_str(), line.by.as_str(), line.note.as_str())).collect();
    assert_eq!(lines, [("resumed", "bob", ""), ("paused", "anna", "month end")]);
}

async fn the_journal_is_newest_first(store: &dyn StateStore, _: &ManualClock) {
    let pause = Pause { by: "anna".into(), at: at(1), why: String::new() };
    for second in 0..5 {
        store.set_pause(Some(&pause), "anna", at(second)).await.unwrap();
    }
    let first = store.journal(Scan::first(2)).await.unwrap();
    assert_eq!(first.rows.iter().map(|line| line.number).collect::<Vec<_>>(), [5, 4]);
    let rest = store.journal(Scan::after(4, 9)).await.unwrap();
    assert!(first.more && !rest.more);
    assert_eq!(rest.rows.iter().map(|line| line.at).collect::<Vec<_>>(), [at(2), at(1), at(0)]);
}

async fn binding_resets_nothing(store: &dyn StateStore, _: &ManualClock) {
    let binding = |left: &str, configuration: &str| Binding {
        systems: Sides { left: left.into(), right: "erp".into() },
        configuration: configuration.into(),
        links: vec![(link(), "l".into())],
        rules: Vec::new(),
    };
    let lease = hold(store, "w", 60).await.unwrap();
    assert_eq!(kind(store.rebind(&lease, &binding("crm", "c"), at(1)).await), ErrorKind::Conflict);
    let first = binding("crm", "c");
    assert_eq!(store.bind(&first).await.unwrap(), Bound::First);
    assert_eq!(store.bind(&first).await.unwrap(), Bound::Same);
    let reconfigured = Bound::Reconfigured(Box::new(first.clone()));
    assert_eq!(store.bind(&binding("crm", "d")).await.unwrap(), reconfigured);
    assert_eq!(store.bind(&binding("clone", "d")).await.unwrap(), Bound::Foreign(Box::new(first.clone())));
    assert_eq!(store.bind(&first).await.unwrap(), Bound::Same);
    assert_eq!(kind(store.rebind(&lease, &binding("clone", "d"), at(1)).await), ErrorKind::Conflict);
    // A plan that was made under the old configuration cannot be adopted.
    store.draft(&lease, &head("p", &partition(), 0)).await.unwrap();
    store.finish(&lease, &PlanId::from("p"), &trailer("d")).await.unwrap();
    store.rebind(&lease, &binding("crm", "d"), at(1)).await.unwrap();
    assert_eq!(kind(store.adopt(&lease, &approval("p", "d")).await), ErrorKind::Conflict);
    assert_eq!(store.bind(&binding("crm", "d")).await.unwrap(), Bound::Same);
    assert_eq!(store.journal(Scan::first(1)).await.unwrap().rows[0].what, "rebound");
    store.draft(&lease, &head("q", &partition(), store.revision().await.unwrap())).await.unwrap();
    store.finish(&lease, &PlanId::from("q"), &trailer("d")).await.unwrap();
    store.rehome(&lease, &binding("clone", "d"), at(2)).await.unwrap();
    assert_eq!(kind(store.adopt(&lease, &approval("q", "d")).await), ErrorKind::Conflict);
    assert_eq!(store.bind(&binding("clone", "d")).await.unwrap(), Bound::Same);
    let line = store.journal(Scan::first(1)).await.unwrap().rows.remove(0);
    assert_eq!(line.what + &line.note, "rehomedclone and erp, not crm and erp any more");
    let key = store.seal_key().await.unwrap().0;
    assert_eq!(store.seal_key().await.unwrap().0, key);
    assert_ne!(key, [0; 32]);
}

async fn intents_stay_open_until_they_end(store: &dyn StateStore, _: &ManualClock) {
    let (lease, plan) = adopted(store, "p", &["a", "b", "c"]).await;
    let keys = [key("c"), key("a")];
    let open = async || {
        let rows = store.open_intents(&plan, Scan::first(9)).await.unwrap().rows;
        rows.into_iter().map(|row| (row.entry.key.id, row.state)).collect::<Vec<_>>()
    };
    let intended = |attempts| EntryState::Intended { attempts };
    assert_eq!(store.intend(&lease, &plan, &keys).await.unwrap(), [EntryState::Planned, EntryState::Planned]);
    assert_eq!(store.intend(&lease, &plan, &keys).await.unwrap(), [intended(1), intended(1)]);
    assert_eq!(open().await, [(id("a"), intended(2)), (id("c"), intended(2))]);
    assert_eq!(kind(store.intend(&lease, &plan, &[key("b"), key("z")]).await), ErrorKind::NotFound);
    let commit = Commit { endings: vec![applied("a"), applied("b")], ..Commit::default() };
    store.commit(&lease, &plan, commit).await.unwrap();
    assert_eq!(open().await, [(id("c"), intended(2))]);
    let page = store.open_intents(&plan, Scan::after(key("c"), 9)).await.unwrap();
    assert!(page.rows.is_empty() && !page.more);
}
