//! Calls at the same time, and calls whose future is dropped.

use std::time::Duration;

use futures::future::join_all;

use crate::connector::Cursor;
use crate::model::{ErrorKind, Result, Side};
use crate::plan::Feed;
use crate::store::{Commit, EntryState, Lease, PairStatus, Scan, StateStore};
use crate::testkit::polled::dropped_after;
use crate::testkit::store_kit::material::{
    adopted, applied, at, first_state, hold, kind, link, pairs, partition, take,
};
use crate::testkit::store_kit::{Stand, ensure, same, table};
use crate::testkit::verdict::Held;

table! {
    "together.lease" "of many workers who ask at the same time one gets the partition" => one_worker;
    "together.commits" "commits that are made at the same time all happen, each as a whole" => commits;
    "together.taken_over" "a commit that is under way when the partition is taken over happens before that or never" => taken_over;
    "together.feed" "where reading goes on is kept with its commit, a side of its own each" => feeds;
    "dropped.commit" "a commit whose future is dropped happened as a whole or not at all" => dropped;
}

async fn one_worker(stand: &mut Stand<'_>) -> Held {
    let (store, clock) = stand.parts();
    for round in 0..3 {
        let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
        let lasts = Duration::from_secs(10);
        let partition = partition();
        let given = join_all(names.iter().map(|worker| store.lease(&partition, worker, lasts))).await;
        let given: Vec<Option<Lease>> = given.into_iter().collect::<Result<_>>()?;
        let given: Vec<Lease> = given.into_iter().flatten().collect();
        same!(given.len(), 1);
        let Some(lease) = given.first() else { return Ok(()) };
        store.renew(lease, lasts).await?;
        if round == 0 {
            clock.advance(lasts);
        } else {
            store.release(lease).await?;
        }
    }
    Ok(())
}

async fn commits(stand: &mut Stand<'_>) -> Held {
    let (store, _) = stand.parts();
    let (lease, plan) = adopted(store, "p", &["a"]).await?;
    let revision = store.revision().await?;
    let names: Vec<(String, String)> =
        (0..20).map(|number| (format!("l{number}"), format!("r{number}"))).collect();
    let commits = names.iter().map(|(left, right)| {
        let commit = pairs(&[(left.as_str(), right.as_str(), PairStatus::Linked)]);
        store.commit(&lease, &plan, commit)
    });
    join_all(commits).await.into_iter().collect::<Result<Vec<()>>>()?;
    same!(store.revision().await?, revision + 20);
    same!(store.pair_count(&link()).await?, 20);
    Ok(())
}

async fn taken_over(stand: &mut Stand<'_>) -> Held {
    let (store, clock) = stand.parts();
    let (old, plan) = adopted(store, "p", &["a"]).await?;
    clock.advance(Duration::from_secs(60));
    let late = store.commit(&old, &plan, pairs(&[("a", "x", PairStatus::Linked)]));
    let (late, new) = futures::future::join(late, hold(store, "v", 60)).await;
    // The old lease had ended by the clock, whoever came first.
    same!(kind(late), Some(ErrorKind::Fenced));
    same!(store.pair_count(&link()).await?, 0);
    let new = new?;
    ensure!(new.is_some_and(|new| new.epoch > old.epoch));
    Ok(())
}

async fn feeds(stand: &mut Stand<'_>) -> Held {
    let (store, _) = stand.parts();
    let (lease, plan) = adopted(store, "p", &[]).await?;
    same!(store.feed(&link(), Side::Left).await?, None);
    let feed =
        |cursor: &[u8]| Feed { cursor: Some(Cursor::new(cursor)), enumerated_at: Some(at(7)), enumerated: 3 };
    for (side, cursor) in [(Side::Left, &b"1"[..]), (Side::Right, b"\x00\xff"), (Side::Left, b"2")] {
        let feeds = vec![(link(), side, feed(cursor))];
        store.commit(&lease, &plan, Commit { feeds, ..Commit::default() }).await?;
        same!(store.feed(&link(), side).await?, Some(feed(cursor)));
    }
    // One that is refused moves nothing.
    let feeds = vec![(link(), Side::Left, feed(b"3"))];
    let refused =
        Commit { feeds, ..pairs(&[("a", "x", PairStatus::Linked), ("a", "y", PairStatus::Linked)]) };
    same!(kind(store.commit(&lease, &plan, refused).await), Some(ErrorKind::Conflict));
    same!(store.feed(&link(), Side::Left).await?, Some(feed(b"2")));
    same!(store.feed(&link(), Side::Right).await?, Some(feed(b"\x00\xff")));
    Ok(())
}

/// Awaits at which a call is dropped, at most.
const AWAITS_MAX: u32 = 32;

async fn dropped(stand: &mut Stand<'_>) -> Held {
    for polls in 0..AWAITS_MAX {
        let store: &dyn StateStore = &*stand.bench.fresh(stand.clock.clone()).await?;
        let (lease, plan) = adopted(store, "p", &["a"]).await?;
        let feeds = vec![(link(), Side::Left, Feed { cursor: None, enumerated_at: None, enumerated: 1 })];
        let endings = vec![applied("a")];
        let commit = Commit { endings, feeds, ..pairs(&[("a", "x", PairStatus::Linked)]) };
        let ended = dropped_after(polls, store.commit(&lease, &plan, commit)).await;
        // The call that follows waits for what is still under way.
        let count = store.pair_count(&link()).await?;
        let applied = first_state(store, &plan).await? != EntryState::Planned;
        let fed = store.feed(&link(), Side::Left).await?.is_some();
        same!([applied, fed], [count == 1; 2]);
        let again = take(store, "w", 60).await?;
        store.renew(&again, Duration::from_secs(60)).await?;
        ensure!(store.open_intents(&plan, Scan::first(9)).await?.rows.is_empty());
        if ended {
            break;
        }
    }
    Ok(())
}
