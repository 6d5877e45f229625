//! Commits: one transaction or nothing, and what it ends.

use crate::model::{ErrorKind, PlanId, RecordId, Side};
use crate::store::{
    Attention, AttentionWhy, Commit, Ending, EntryParts, EntryState, PairStatus, PlanState, Scan,
};
use crate::testkit::store_kit::material::{
    adopted, applied, at, first_state, head, id, key, kind, link, pairs, partition, state_of, trailer,
};
use crate::testkit::store_kit::{Stand, ensure, same, table};
use crate::testkit::verdict::{Held, Stop};

table! {
    "commit.atomic" "a commit that is refused changes nothing" => a_commit_that_is_refused_changes_nothing;
    "commit.twice" "the same ending twice changes nothing, another one is refused" => the_same_ending_twice_changes_nothing;
    "commit.ends_others" "a commit ends the other plans of the partition" => a_commit_ends_the_other_plans_of_the_partition;
    "commit.done" "a plan is done when every entry has ended, and not before" => a_plan_is_done_when_every_entry_has_ended;
    "commit.intents" "an intent stays open until its entry ends" => intents_stay_open_until_they_end;
    "commit.withdrawn" "an intent that is taken back was never there" => intents_are_taken_back;
}

async fn a_commit_that_is_refused_changes_nothing(stand: &mut Stand<'_>) -> Held {
    let (store, _) = stand.parts();
    let (lease, plan) = adopted(store, "p", &["a", "b"]).await?;
    store.commit(&lease, &plan, pairs(&[("a", "x", PairStatus::Linked)])).await?;
    let hint = Attention {
        side: Side::Left,
        id: id("a"),
        why: AttentionWhy::Hint { version: None },
        due: at(0),
        since: at(0),
    };
    let revision = store.revision().await?;
    // The pair comes last and is refused; what came before it in the same commit must be gone too.
    let commit = Commit {
        endings: vec![applied("a")],
        attention: vec![(link(), hint)],
        ..pairs(&[("b", "y", PairStatus::Linked), ("c", "x", PairStatus::Linked)])
    };
    same!(kind(store.commit(&lease, &plan, commit).await), Some(ErrorKind::Conflict));
    same!(store.revision().await?, revision);
    same!(store.pair_count(&link()).await?, 1);
    same!(store.marks_of(&link(), Side::Left, &[id("b")]).await?, [None]);
    same!(first_state(store, &plan).await?, EntryState::Planned);
    ensure!(store.attention(&link(), None, Scan::first(9)).await?.rows.is_empty());
    // And the store works on.
    store.commit(&lease, &plan, pairs(&[("b", "y", PairStatus::Linked)])).await?;
    same!(store.revision().await?, revision + 1);
    Ok(())
}

async fn the_same_ending_twice_changes_nothing(stand: &mut Stand<'_>) -> Held {
    let (store, _) = stand.parts();
    let (lease, plan) = adopted(store, "p", &["a"]).await?;
    let with =
        |state: EntryState| Commit { endings: vec![Ending { key: key("a"), state }], ..Commit::default() };
    let first = EntryState::Applied { id: Some(id("r")), at: at(3) };
    store.commit(&lease, &plan, with(first.clone())).await?;
    let later = EntryState::Applied { id: Some(id("r")), at: at(4) };
    store.commit(&lease, &plan, with(later)).await?;
    same!(first_state(store, &plan).await?, first);
    for other in [
        EntryState::Applied { id: Some(id("s")), at: at(3) },
        EntryState::Dropped { why: "moved".into(), at: at(3) },
    ] {
        same!(kind(store.commit(&lease, &plan, with(other)).await), Some(ErrorKind::Conflict));
    }
    same!(kind(store.commit(&lease, &plan, with(EntryState::Planned)).await), Some(ErrorKind::Internal));
    // Ended entries stay ended.
    same!(store.intend(&lease, &plan, &[key("a")]).await?, [first]);
    same!(store.open_intents(&plan, Scan::first(9)).await?.rows, []);
    Ok(())
}

async fn a_commit_ends_the_other_plans_of_the_partition(stand: &mut Stand<'_>) -> Held {
    let (store, _) = stand.parts();
    let (lease, first) = adopted(store, "p", &[]).await?;
    store.draft(&lease, &head("q", &partition(), 0)).await?;
    store.finish(&lease, &PlanId::from("q"), &trailer("d")).await?;
    let state = async || state_of(store, "q").await;
    same!(state().await?, Some(PlanState::Sealed));
    store.commit(&lease, &first, Commit::default()).await?;
    same!(state().await?, Some(PlanState::Abandoned));
    Ok(())
}

async fn a_plan_is_done_when_every_entry_has_ended(stand: &mut Stand<'_>) -> Held {
    let (store, _) = stand.parts();
    let (lease, plan) = adopted(store, "p", &["a", "b"]).await?;
    let done = async || store.complete(&lease, &plan, PlanState::Done, at(9)).await;
    store.commit(&lease, &plan, Commit { endings: vec![applied("a")], ..Commit::default() }).await?;
    same!(kind(done().await), Some(ErrorKind::Conflict));
    store.intend(&lease, &plan, &[key("b")]).await?;
    same!(kind(done().await), Some(ErrorKind::Conflict));
    store.commit(&lease, &plan, Commit { endings: vec![applied("b")], ..Commit::default() }).await?;
    done().await?;
    // Asking again changes nothing, not even the journal.
    done().await?;
    same!(kind(store.complete(&lease, &plan, PlanState::Sealed, at(9)).await), Some(ErrorKind::Internal));
    let lines = store.journal(Scan::first(9)).await?.rows;
    same!(lines.iter().map(|line| line.what.as_str()).collect::<Vec<_>>(), ["done", "adopted"]);
    same!(kind(store.commit(&lease, &plan, Commit::default()).await), Some(ErrorKind::Conflict));
    // Entries stay as history.
    same!(store.entries(&plan, EntryParts::Whole, Scan::first(9)).await?.rows.len(), 2);
    Ok(())
}

async fn intents_stay_open_until_they_end(stand: &mut Stand<'_>) -> Held {
    let (store, _) = stand.parts();
    let (lease, plan) = adopted(store, "p", &["a", "b", "c"]).await?;
    let keys = [key("c"), key("a")];
    let open = async || -> Result<Vec<(RecordId, EntryState)>, Stop> {
        let rows = store.open_intents(&plan, Scan::first(9)).await?.rows;
        Ok(rows.into_iter().map(|row| (row.entry.key.id, row.state)).collect())
    };
    let intended = |attempts| EntryState::Intended { attempts };
    same!(store.intend(&lease, &plan, &keys).await?, [EntryState::Planned, EntryState::Planned]);
    same!(store.intend(&lease, &plan, &keys).await?, [intended(1), intended(1)]);
    same!(open().await?, [(id("a"), intended(2)), (id("c"), intended(2))]);
    same!(kind(store.intend(&lease, &plan, &[key("b"), key("z")]).await), Some(ErrorKind::NotFound));
    let commit = Commit { endings: vec![applied("a"), applied("b")], ..Commit::default() };
    store.commit(&lease, &plan, commit).await?;
    same!(open().await?, [(id("c"), intended(2))]);
    let page = store.open_intents(&plan, Scan::after(key("c"), 9)).await?;
    ensure!(page.rows.is_empty() && !page.more);
    Ok(())
}

async fn intents_are_taken_back(stand: &mut Stand<'_>) -> Held {
    let (store, _) = stand.parts();
    let (lease, plan) = adopted(store, "p", &["a", "b", "c"]).await?;
    let open = async || -> Result<Vec<(RecordId, EntryState)>, Stop> {
        let rows = store.open_intents(&plan, Scan::first(9)).await?.rows;
        Ok(rows.into_iter().map(|row| (row.entry.key.id, row.state)).collect())
    };
    let intended = |attempts| EntryState::Intended { attempts };
    store.intend(&lease, &plan, &[key("a"), key("b")]).await?;
    store.intend(&lease, &plan, &[key("b")]).await?;
    store.commit(&lease, &plan, Commit { endings: vec![applied("c")], ..Commit::default() }).await?;
    // One that is not intended, or has ended, or is not there, stays as it is.
    store.withdraw(&lease, &plan, &[key("a"), key("b"), key("c"), key("z")]).await?;
    same!(open().await?, [(id("b"), intended(1))]);
    store.withdraw(&lease, &plan, &[key("a")]).await?;
    same!(store.intend(&lease, &plan, &[key("a")]).await?, [EntryState::Planned]);
    same!(open().await?, [(id("a"), intended(1)), (id("b"), intended(1))]);
    Ok(())
}
