//! The journal, the pause, the binding.

use crate::model::{ErrorKind, PlanId};
use crate::store::{Bound, Pause, Scan};
use crate::testkit::store_kit::material::{approval, at, binding, head, kind, partition, take, trailer};
use crate::testkit::store_kit::{Stand, ensure, same, table};
use crate::testkit::verdict::Held;

table! {
    "note.pause" "a pause is seen and journalled" => a_pause_is_seen_and_journalled;
    "note.journal" "the journal is newest first" => the_journal_is_newest_first;
    "note.binding" "binding says what differs and resets nothing" => binding_resets_nothing;
    "note.rehomed" "other systems take a state over, and no plan for the former ones is adopted" => other_systems_take_over;
}

async fn a_pause_is_seen_and_journalled(stand: &mut Stand<'_>) -> Held {
    let (store, _) = stand.parts();
    let pause = Pause { by: "anna".into(), at: at(1), why: "month end".into() };
    store.set_pause(None, "anna", at(0)).await?;
    store.set_pause(Some(&pause), "anna", at(1)).await?;
    same!(store.pause().await?, Some(pause));
    store.set_pause(None, "bob", at(2)).await?;
    same!(store.pause().await?, None);
    let lines = store.journal(Scan::first(9)).await?.rows;
    let lines: Vec<_> =
        lines.iter().map(|line| (line.what.as_str(), line.by.as_str(), line.note.as_str())).collect();
    same!(lines, [("resumed", "bob", ""), ("paused", "anna", "month end")]);
    Ok(())
}

async fn the_journal_is_newest_first(stand: &mut Stand<'_>) -> Held {
    let (store, _) = stand.parts();
    let pause = Pause { by: "anna".into(), at: at(1), why: String::new() };
    for second in 0..5 {
        store.set_pause(Some(&pause), "anna", at(second)).await?;
    }
    let first = store.journal(Scan::first(2)).await?;
    same!(first.rows.iter().map(|line| line.number).collect::<Vec<_>>(), [5, 4]);
    let rest = store.journal(Scan::after(4, 9)).await?;
    ensure!(first.more && !rest.more);
    same!(rest.rows.iter().map(|line| line.at).collect::<Vec<_>>(), [at(2), at(1), at(0)]);
    Ok(())
}

async fn binding_resets_nothing(stand: &mut Stand<'_>) -> Held {
    let (store, _) = stand.parts();
    let lease = take(store, "w", 60).await?;
    same!(kind(store.rebind(&lease, &binding("crm", "c"), at(1)).await), Some(ErrorKind::Conflict));
    let first = binding("crm", "c");
    same!(store.bind(&first).await?, Bound::First);
    same!(store.bind(&first).await?, Bound::Same);
    let reconfigured = Bound::Reconfigured(Box::new(first.clone()));
    same!(store.bind(&binding("crm", "d")).await?, reconfigured);
    same!(store.bind(&binding("clone", "d")).await?, Bound::Foreign(Box::new(first.clone())));
    same!(store.bind(&first).await?, Bound::Same);
    same!(kind(store.rebind(&lease, &binding("clone", "d"), at(1)).await), Some(ErrorKind::Conflict));
    // A plan that was made under the old configuration cannot be adopted.
    store.draft(&lease, &head("p", &partition(), 0)).await?;
    store.finish(&lease, &PlanId::from("p"), &trailer("d")).await?;
    store.rebind(&lease, &binding("crm", "d"), at(1)).await?;
    same!(kind(store.adopt(&lease, &approval("p", "d")).await), Some(ErrorKind::Conflict));
    same!(store.bind(&binding("crm", "d")).await?, Bound::Same);
    let line = store.journal(Scan::first(1)).await?.rows.into_iter().next();
    same!(line.map(|line| line.what), Some("rebound".to_owned()));
    let key = store.seal_key().await?.0;
    same!(store.seal_key().await?.0, key);
    ensure!(key != [0; 32]);
    Ok(())
}

async fn other_systems_take_over(stand: &mut Stand<'_>) -> Held {
    let (store, _) = stand.parts();
    let lease = take(store, "w", 60).await?;
    let moved = binding("clone", "c");
    same!(kind(store.rehome(&lease, &moved, at(1)).await), Some(ErrorKind::Conflict));
    store.bind(&binding("crm", "c")).await?;
    store.draft(&lease, &head("p", &partition(), store.revision().await?)).await?;
    store.finish(&lease, &PlanId::from("p"), &trailer("d")).await?;
    store.rehome(&lease, &moved, at(2)).await?;
    same!(kind(store.adopt(&lease, &approval("p", "d")).await), Some(ErrorKind::Conflict));
    same!(store.bind(&moved).await?, Bound::Same);
    let line = store.journal(Scan::first(1)).await?.rows.into_iter().next();
    let words = line.map(|line| (line.what, line.note.contains("clone") && line.note.contains("crm")));
    same!(words, Some(("rehomed".to_owned(), true)));
    Ok(())
}
