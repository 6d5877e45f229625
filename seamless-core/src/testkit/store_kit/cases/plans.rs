//! Plans in the making: drafts, entries, spills, and what may be adopted.

use crate::model::{ErrorKind, PlanId, Side, Sides};
use crate::plan::Entry;
use crate::store::{Area, Commit, EntryParts, PlanRow, PlanState, Scan, SpillRow};
use crate::testkit::store_kit::material::{
    adopted, approval, at, entry, head, key, kind, partition, state_of, take, trailer,
};
use crate::testkit::store_kit::{Stand, ensure, same, table};
use crate::testkit::verdict::{Held, Stop};

table! {
    "plan.approved_only" "only the plan that was approved, on the state that it was made from, is adopted" => adopting_refuses_what_was_not_approved;
    "plan.second_pass" "an entry that is put again replaces the former one" => an_entry_of_the_second_pass_replaces_the_first;
    "plan.row" "head, trailer and approval come back as they were given" => row_of_a_plan;
    "plan.parts" "entries come whole, or without what was observed" => parts;
    "plan.spill" "a spilled row replaces one with the same key, and rows come in key order" => a_spilled_row_replaces_one_with_the_same_key;
    "plan.spill_goes_on" "a spill goes on after it was read" => a_spill_goes_on_after_it_was_read;
    "plan.drafts" "a draft that was left behind is discarded by the next one" => drafts_left_behind_are_discarded;
}

fn row(key: &[u8], content: u8) -> SpillRow {
    SpillRow { key: key.to_vec(), content: vec![content] }
}

async fn adopting_refuses_what_was_not_approved(stand: &mut Stand<'_>) -> Held {
    let (store, _) = stand.parts();
    let (lease, first) = adopted(store, "p", &[]).await?;
    let name = PlanId::from("q");
    store.draft(&lease, &head("q", &partition(), 0)).await?;
    let refused = async |digest: &str| kind(store.adopt(&lease, &approval("q", digest)).await);
    // Not sealed; another digest; another plan is being applied.
    same!(refused("d").await, Some(ErrorKind::Conflict));
    store.finish(&lease, &name, &trailer("d")).await?;
    same!(refused("e").await, Some(ErrorKind::Conflict));
    same!(refused("d").await, Some(ErrorKind::Conflict));
    same!(store.adopted(&partition()).await?, Some(first.clone()));
    store.complete(&lease, &first, PlanState::Done, at(5)).await?;
    same!(store.adopted(&partition()).await?, None);
    // Nothing else stands in the way now.
    same!(refused("e").await, Some(ErrorKind::Conflict));
    store.adopt(&lease, &approval("q", "d")).await?;
    store.commit(&lease, &name, Commit::default()).await?;
    store.complete(&lease, &name, PlanState::Done, at(5)).await?;
    // The state moved.
    store.draft(&lease, &head("r", &partition(), 0)).await?;
    store.finish(&lease, &PlanId::from("r"), &trailer("d")).await?;
    same!(kind(store.adopt(&lease, &approval("r", "d")).await), Some(ErrorKind::Conflict));
    same!(kind(store.adopt(&lease, &approval("unknown", "d")).await), Some(ErrorKind::NotFound));
    Ok(())
}

async fn an_entry_of_the_second_pass_replaces_the_first(stand: &mut Stand<'_>) -> Held {
    let (store, _) = stand.parts();
    let lease = take(store, "w", 60).await?;
    let plan = PlanId::from("p");
    store.draft(&lease, &head("p", &partition(), 0)).await?;
    store.put_entries(&lease, &plan, vec![entry("b"), entry("a")]).await?;
    let mut later = entry("b");
    later.settles.insert(7);
    store.put_entries(&lease, &plan, vec![entry("b"), later.clone()]).await?;
    let rows = store.entries(&plan, EntryParts::Whole, Scan::first(9)).await?.rows;
    let entries: Vec<_> = rows.into_iter().map(|row| row.entry).collect();
    same!(entries, [entry("a"), later]);
    let page = store.entries(&plan, EntryParts::Whole, Scan::first(1)).await?;
    ensure!(page.more && page.rows.len() == 1);
    let page = store.entries(&plan, EntryParts::Whole, Scan::after(key("a"), 1)).await?;
    ensure!(!page.more && page.rows.first().is_some_and(|row| row.entry.key == key("b")));
    store.finish(&lease, &plan, &trailer("d")).await?;
    store.finish(&lease, &plan, &trailer("d")).await?;
    same!(kind(store.finish(&lease, &plan, &trailer("e")).await), Some(ErrorKind::Conflict));
    same!(kind(store.put_entries(&lease, &plan, vec![entry("c")]).await), Some(ErrorKind::Conflict));
    Ok(())
}

async fn a_spilled_row_replaces_one_with_the_same_key(stand: &mut Stand<'_>) -> Held {
    let (store, _) = stand.parts();
    let lease = take(store, "w", 60).await?;
    let plan = PlanId::from("p");
    store.draft(&lease, &head("p", &partition(), 0)).await?;
    let area = Area { link: 1, kind: 2, side: None };
    store.spill(&lease, &plan, area, vec![row(b"b", 9), row(b"a", 2), row(b"", 3), row(b"b", 1)]).await?;
    store.spill(&lease, &plan, area, vec![row(b"a", 1)]).await?;
    store.spill(&lease, &plan, Area { side: Some(Side::Left), ..area }, vec![row(b"z", 1)]).await?;
    let all = store.spilled(&plan, area, Scan::first(3)).await?;
    same!((all.rows, all.more), (vec![row(b"", 3), row(b"a", 1), row(b"b", 1)], false));
    let first = store.spilled(&plan, area, Scan::first(2)).await?;
    same!((first.rows, first.more), (vec![row(b"", 3), row(b"a", 1)], true));
    let keys = [b"b".to_vec(), b"c".to_vec(), Vec::new(), b"b".to_vec()];
    let found = store.spilled_of(&plan, area, &keys).await?;
    same!(found, [Some(vec![1]), None, Some(vec![3]), Some(vec![1])]);
    // A sealed plan has no spill.
    store.finish(&lease, &plan, &trailer("d")).await?;
    ensure!(store.spilled(&plan, area, Scan::first(3)).await?.rows.is_empty());
    same!(kind(store.spill(&lease, &plan, area, Vec::new()).await), Some(ErrorKind::Conflict));
    Ok(())
}

async fn a_spill_goes_on_after_it_was_read(stand: &mut Stand<'_>) -> Held {
    let (store, _) = stand.parts();
    let lease = take(store, "w", 60).await?;
    let plan = PlanId::from("p");
    store.draft(&lease, &head("p", &partition(), 0)).await?;
    let area = Area { link: 0, kind: 0, side: None };
    // Batches that are small and large beside what is there, each read before the next.
    let mut expected = std::collections::BTreeMap::new();
    for (round, batch) in [40_u32, 1, 3, 100, 2].into_iter().enumerate() {
        let rows: Vec<SpillRow> = (0..batch)
            .map(|place| row(&(place * 7_919 % 61).to_be_bytes(), u8::try_from(round).unwrap_or(u8::MAX)))
            .collect();
        expected.extend(rows.iter().map(|row| (row.key.clone(), row.content.clone())));
        store.spill(&lease, &plan, area, rows).await?;
        let read = store.spilled(&plan, area, Scan::first(1000)).await?.rows;
        let read: Vec<_> = read.into_iter().map(|row| (row.key, row.content)).collect();
        same!(read, expected.clone().into_iter().collect::<Vec<_>>());
    }
    Ok(())
}

async fn drafts_left_behind_are_discarded(stand: &mut Stand<'_>) -> Held {
    let (store, _) = stand.parts();
    let lease = take(store, "w", 60).await?;
    let area = Area { link: 0, kind: 0, side: None };
    for plan in ["p", "q"] {
        store.draft(&lease, &head(plan, &partition(), 0)).await?;
        store.put_entries(&lease, &PlanId::from(plan), vec![entry(plan)]).await?;
        store.spill(&lease, &PlanId::from(plan), area, vec![row(b"k", 1)]).await?;
    }
    let (gone, there) = (PlanId::from("p"), PlanId::from("q"));
    same!(store.plan(&gone).await?, None);
    ensure!(store.spilled(&gone, area, Scan::first(9)).await?.rows.is_empty());
    same!(store.spilled(&there, area, Scan::first(9)).await?.rows.len(), 1);
    // Begun anew under the same name it is empty.
    store.draft(&lease, &head("q", &partition(), 0)).await?;
    ensure!(store.entries(&there, EntryParts::Whole, Scan::first(9)).await?.rows.is_empty());
    ensure!(store.spilled(&there, area, Scan::first(9)).await?.rows.is_empty());
    store.finish(&lease, &there, &trailer("d")).await?;
    store.draft(&lease, &head("p", &partition(), 0)).await?;
    same!(state_of(store, "q").await?, Some(PlanState::Sealed));
    store.discard(&lease, &gone).await?;
    store.discard(&lease, &there).await?;
    same!(state_of(store, "q").await?, Some(PlanState::Abandoned));
    same!(store.plan(&gone).await?, None);
    Ok(())
}

async fn row_of_a_plan(stand: &mut Stand<'_>) -> Held {
    let (store, _) = stand.parts();
    let lease = take(store, "w", 60).await?;
    let plan = PlanId::from("p");
    same!(store.plan(&plan).await?, None);
    let mut due =
        PlanRow { head: head("p", &partition(), 0), trailer: None, state: PlanState::Draft, approval: None };
    store.draft(&lease, &due.head).await?;
    same!(store.plan(&plan).await?, Some(due.clone()));
    store.finish(&lease, &plan, &trailer("d")).await?;
    (due.trailer, due.state) = (Some(trailer("d")), PlanState::Sealed);
    same!(store.plan(&plan).await?, Some(due.clone()));
    store.adopt(&lease, &approval("p", "d")).await?;
    (due.approval, due.state) = (Some(approval("p", "d")), PlanState::Adopted);
    same!(store.plan(&plan).await?, Some(due));
    Ok(())
}

async fn parts(stand: &mut Stand<'_>) -> Held {
    let (store, _) = stand.parts();
    let (_, plan) = adopted(store, "p", &["a", "b"]).await?;
    let read = async |parts| -> Result<Vec<Entry>, Stop> {
        let rows = store.entries(&plan, parts, Scan::first(9)).await?.rows;
        Ok(rows.into_iter().map(|row| row.entry).collect())
    };
    let whole = ["a", "b"].map(entry);
    same!(read(EntryParts::Whole).await?, whole);
    let shown = whole.map(|entry| Entry { observed: Sides::default(), ..entry });
    same!(read(EntryParts::Shown).await?, shown);
    Ok(())
}
