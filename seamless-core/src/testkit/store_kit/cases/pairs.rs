//! Pairs: a record is in one of them, and history speaks for it until another one does.

use crate::model::{ErrorKind, RecordId, Side};
use crate::store::{Commit, PairStatus, Scan};
use crate::testkit::store_kit::material::{adopted, id, kind, link, pair, pairs};
use crate::testkit::store_kit::{Stand, same, table};
use crate::testkit::verdict::{Held, Stop};

table! {
    "pair.one" "a record is in one pair that has not ended" => a_record_is_in_one_pair;
    "pair.ended" "an ended pair frees its records" => an_ended_pair_frees_its_ids;
    "pair.history" "the last pair of a record is known after it ended" => a_pair_of_history_speaks_for_its_record_until_another_one_does;
}

async fn a_record_is_in_one_pair(stand: &mut Stand<'_>) -> Held {
    let (store, _) = stand.parts();
    let (lease, plan) = adopted(store, "p", &[]).await?;
    let put = async |rows: &[(&str, &str, PairStatus)]| store.commit(&lease, &plan, pairs(rows)).await;
    let (linked, ended) = (PairStatus::Linked, PairStatus::Ended);
    put(&[("a", "x", linked)]).await?;
    for rows in [
        [("a", "y", linked), ("b", "z", linked)],
        [("b", "x", PairStatus::Frozen(Side::Left)), ("c", "z", linked)],
        [("b", "y", linked), ("b", "z", linked)],
        [("b", "y", linked), ("c", "y", linked)],
    ] {
        same!((&rows, kind(put(&rows).await)), (&rows, Some(ErrorKind::Conflict)));
    }
    // The same pair again, and an ended one beside it, take nothing.
    put(&[("a", "x", linked), ("a", "y", ended), ("b", "x", ended)]).await?;
    same!(store.pair_count(&link()).await?, 1);
    // Another link has records of its own.
    let other = Commit { pairs: vec![("orders".into(), pair("a", "y", linked))], ..Commit::default() };
    store.commit(&lease, &plan, other).await?;
    Ok(())
}

async fn an_ended_pair_frees_its_ids(stand: &mut Stand<'_>) -> Held {
    let (store, _) = stand.parts();
    let (lease, plan) = adopted(store, "p", &[]).await?;
    let put = async |rows: &[(&str, &str, PairStatus)]| store.commit(&lease, &plan, pairs(rows)).await;
    let (linked, ended) = (PairStatus::Linked, PairStatus::Ended);
    put(&[("a", "x", linked), ("b", "y", linked)]).await?;
    // Partners change places in one commit, in whatever order the rows come.
    put(&[("a", "y", linked), ("a", "x", ended), ("b", "x", linked), ("b", "y", ended)]).await?;
    let marks = store.marks(&link(), Side::Left, Scan::first(9)).await?.rows;
    let ids: Vec<_> = marks.iter().map(|mark| (mark.ids.right.clone(), mark.status)).collect();
    same!(ids, [(id("y"), linked), (id("x"), linked)]);
    // Of the same pair twice in a commit the last row counts.
    put(&[("a", "y", linked), ("a", "y", ended)]).await?;
    same!(store.pair_count(&link()).await?, 1);
    Ok(())
}

async fn a_pair_of_history_speaks_for_its_record_until_another_one_does(stand: &mut Stand<'_>) -> Held {
    let (store, _) = stand.parts();
    let (lease, plan) = adopted(store, "p", &[]).await?;
    let put = async |rows: &[(&str, &str, PairStatus)]| store.commit(&lease, &plan, pairs(rows)).await;
    let (linked, ended) = (PairStatus::Linked, PairStatus::Ended);
    let partner = async |side: Side, record: &str| -> Result<Option<RecordId>, Stop> {
        let marks = store.marks_of(&link(), side, &[id(record)]).await?;
        let pairs = store.pairs_of(&link(), side, &[id(record)]).await?;
        let mark = marks.first().cloned().flatten();
        let of_pair = pairs.first().and_then(Option::as_ref).map(|pair| pair.ids.clone());
        same!(of_pair, mark.as_ref().map(|mark| mark.ids.clone()));
        Ok(mark.map(|mark| mark.ids.of(side.other()).clone()))
    };
    put(&[("a", "z", ended)]).await?;
    put(&[("a", "x", ended)]).await?;
    same!(partner(Side::Left, "a").await?, Some(id("x")));
    put(&[("a", "y", linked)]).await?;
    put(&[("a", "x", ended)]).await?;
    same!(partner(Side::Left, "a").await?, Some(id("y")));
    same!(partner(Side::Right, "x").await?, Some(id("a")));
    put(&[("a", "y", ended)]).await?;
    same!(partner(Side::Left, "a").await?, Some(id("y")));
    // One mark per record, history or not, and all records of the other side.
    same!(store.marks(&link(), Side::Left, Scan::first(9)).await?.rows.len(), 1);
    same!(store.marks(&link(), Side::Right, Scan::first(9)).await?.rows.len(), 3);
    same!(store.pair_count(&link()).await?, 0);
    Ok(())
}
