//! Crashes: what a store that outlives its process must find again, and what it must not.

use std::time::Duration;

use crate::connector::Cursor;
use crate::model::{ErrorKind, PlanId, Side};
use crate::plan::Feed;
use crate::store::{
    Attention, AttentionWhy, Bound, Commit, EntryParts, EntryState, PairStatus, Pause, PlanState, Scan,
};
use crate::testkit::store_kit::material::{
    adopted, applied, approval, at, binding, entry, first_state, head, id, key, kind, link, open_things,
    pair, pairs, partition, state_of, take, trailer,
};
use crate::testkit::store_kit::{Stand, ensure, same, table};
use crate::testkit::verdict::Held;

table! {
    "crash.committed" "what was committed is there after a crash" => committed;
    "crash.intents" "an intent that was made durable is open after a crash" => intents;
    "crash.sealed" "a plan that was finished is there after a crash, and can be adopted" => sealed;
    "crash.draft" "a draft cannot be adopted after a crash" => draft;
    "crash.lease" "a lease from before a crash never becomes valid again once another was given" => lease;
    "crash.binding" "a store is bound to the same systems after a crash, with the same key of seals" => bound;
    "crash.told" "hints, pauses and the journal are there after a crash" => told;
    "crash.twice" "a commit that was repeated after a crash changes nothing" => twice;
}

async fn committed(stand: &mut Stand<'_>) -> Held {
    let (store, _) = stand.parts();
    let (lease, plan) = adopted(store, "p", &["a", "b"]).await?;
    let feed = Feed { cursor: Some(Cursor::new(&b"7"[..])), enumerated_at: Some(at(7)), enumerated: 3 };
    let parked = Attention {
        side: Side::Left,
        id: id("b"),
        why: AttentionWhy::Retry {
            failures: 2,
            failure: "late".into(),
            rules: Vec::new(),
            unanswered: false,
        },
        due: at(9),
        since: at(8),
    };
    let commit = Commit {
        endings: vec![applied("a")],
        attention: vec![(link(), parked.clone())],
        feeds: vec![(link(), Side::Right, feed.clone())],
        ..pairs(&[("a", "x", PairStatus::Linked)])
    };
    store.commit(&lease, &plan, commit).await?;
    let revision = store.revision().await?;
    let before = store.pairs_of(&link(), Side::Left, &[id("a")]).await?;
    let (found, due) = (before.first().cloned().flatten(), pair("a", "x", PairStatus::Linked));
    same!(found.map(|found| (found.ids, found.base, found.status)), Some((due.ids, due.base, due.status)));
    stand.crash().await?;
    let (store, _) = stand.parts();
    same!(store.revision().await?, revision);
    same!(store.pairs_of(&link(), Side::Left, &[id("a")]).await?, before);
    same!(store.feed(&link(), Side::Right).await?, Some(feed));
    same!(open_things(store, None).await?, [parked]);
    same!(first_state(store, &plan).await?, applied("a").state);
    same!(store.adopted(&partition()).await?, Some(plan));
    Ok(())
}

async fn intents(stand: &mut Stand<'_>) -> Held {
    let (store, _) = stand.parts();
    let (lease, plan) = adopted(store, "p", &["a", "b"]).await?;
    store.intend(&lease, &plan, &[key("a")]).await?;
    stand.crash().await?;
    let (store, _) = stand.parts();
    let open = store.open_intents(&plan, Scan::first(9)).await?.rows;
    let open: Vec<_> = open.into_iter().map(|row| (row.entry, row.state)).collect();
    same!(open, [(entry("a"), EntryState::Intended { attempts: 1 })]);
    Ok(())
}

async fn sealed(stand: &mut Stand<'_>) -> Held {
    let (store, _) = stand.parts();
    let lease = take(store, "w", 60).await?;
    let plan = PlanId::from("p");
    store.draft(&lease, &head("p", &partition(), 0)).await?;
    store.put_entries(&lease, &plan, vec![entry("a"), entry("b")]).await?;
    store.finish(&lease, &plan, &trailer("d")).await?;
    stand.crash().await?;
    let (store, clock) = stand.parts();
    clock.advance(Duration::from_secs(60));
    same!(state_of(store, "p").await?, Some(PlanState::Sealed));
    let rows = store.entries(&plan, EntryParts::Whole, Scan::first(9)).await?.rows;
    same!(rows.into_iter().map(|row| row.entry).collect::<Vec<_>>(), [entry("a"), entry("b")]);
    let lease = take(store, "w", 60).await?;
    store.adopt(&lease, &approval("p", "d")).await?;
    Ok(())
}

async fn draft(stand: &mut Stand<'_>) -> Held {
    let (store, _) = stand.parts();
    let lease = take(store, "w", 60).await?;
    let plan = PlanId::from("p");
    store.draft(&lease, &head("p", &partition(), 0)).await?;
    store.put_entries(&lease, &plan, vec![entry("a")]).await?;
    stand.crash().await?;
    let (store, clock) = stand.parts();
    clock.advance(Duration::from_secs(60));
    ensure!(matches!(state_of(store, "p").await?, None | Some(PlanState::Draft)));
    let lease = take(store, "w", 60).await?;
    ensure!(store.adopt(&lease, &approval("p", "d")).await.is_err());
    // Another one can be made.
    store.draft(&lease, &head("q", &partition(), 0)).await?;
    store.finish(&lease, &PlanId::from("q"), &trailer("d")).await?;
    Ok(())
}

async fn lease(stand: &mut Stand<'_>) -> Held {
    let (store, clock) = stand.parts();
    let first = take(store, "w", 60).await?;
    store.release(&first).await?;
    let (old, plan) = adopted(store, "p", &["a"]).await?;
    clock.advance(Duration::from_secs(60));
    stand.crash().await?;
    let (store, _) = stand.parts();
    let new = take(store, "w", 60).await?;
    ensure!(new.epoch > old.epoch);
    same!(kind(store.commit(&old, &plan, Commit::default()).await), Some(ErrorKind::Fenced));
    same!(kind(store.intend(&old, &plan, &[key("a")]).await), Some(ErrorKind::Fenced));
    store.commit(&new, &plan, Commit::default()).await?;
    Ok(())
}

async fn bound(stand: &mut Stand<'_>) -> Held {
    let (store, _) = stand.parts();
    same!(store.bind(&binding("crm", "c")).await?, Bound::First);
    let seal = store.seal_key().await?.0;
    stand.crash().await?;
    let (store, _) = stand.parts();
    same!(store.bind(&binding("crm", "c")).await?, Bound::Same);
    same!(store.bind(&binding("clone", "c")).await?, Bound::Foreign(Box::new(binding("crm", "c"))));
    ensure!(store.seal_key().await?.0 == seal);
    Ok(())
}

async fn told(stand: &mut Stand<'_>) -> Held {
    let (store, _) = stand.parts();
    let hint = Attention {
        side: Side::Left,
        id: id("a"),
        why: AttentionWhy::Hint { version: None },
        due: at(0),
        since: at(0),
    };
    store.notify(&link(), std::slice::from_ref(&hint)).await?;
    let pause = Pause { by: "anna".into(), at: at(1), why: "month end".into() };
    store.set_pause(Some(&pause), "anna", at(1)).await?;
    let journal = store.journal(Scan::first(9)).await?.rows;
    stand.crash().await?;
    let (store, _) = stand.parts();
    same!(open_things(store, None).await?, [hint]);
    same!(store.pause().await?, Some(pause));
    same!(store.journal(Scan::first(9)).await?.rows, journal);
    same!(journal.len(), 1);
    Ok(())
}

async fn twice(stand: &mut Stand<'_>) -> Held {
    let (store, _) = stand.parts();
    let (lease, plan) = adopted(store, "p", &["a", "b"]).await?;
    let commit = || Commit { endings: vec![applied("a")], ..pairs(&[("a", "x", PairStatus::Linked)]) };
    store.commit(&lease, &plan, commit()).await?;
    stand.crash().await?;
    let (store, clock) = stand.parts();
    clock.advance(Duration::from_secs(60));
    // The worker did not hear that its commit happened.
    let lease = take(store, "w", 60).await?;
    store.commit(&lease, &plan, commit()).await?;
    same!(store.pair_count(&link()).await?, 1);
    same!(first_state(store, &plan).await?, applied("a").state);
    same!(store.intend(&lease, &plan, &[key("a")]).await?, [applied("a").state]);
    Ok(())
}
