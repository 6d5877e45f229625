//! Pairs: a record is in one of them, and history speaks for it until another one does.

use crate::model::{ErrorKind, KeyPart, Presence, Record, RecordId, Side, Sides};
use crate::store::{Commit, Pair, PairStatus, Scan};
use crate::testkit::store_kit::material::{adopted, id, kind, link, pair, pairs};
use crate::testkit::store_kit::{Stand, ensure, same, table};
use crate::testkit::verdict::{Held, Stop};

table! {
    "pair.one" "a record is in one pair that has not ended" => a_record_is_in_one_pair;
    "pair.ended" "an ended pair frees its records" => an_ended_pair_frees_its_ids;
    "pair.pages" "marks come in pages, in the order of a side's ids, each once" => pages;
    "pair.asked" "one answer for each record asked for, in the order asked for" => asked;
    "pair.watched" "pairs that must be looked at come by themselves, by left id" => watched;
    "pair.values" "bases come back as they were committed, whatever they hold" => values;
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

/// Ids of every make, in their order.
fn ids() -> Vec<RecordId> {
    let texts =
        ["", "\u{0}", "'; DROP TABLE x;--", "a", "a\u{0}", "ab", "\u{e4}", "\u{1f980}", &"long ".repeat(30)];
    let mut ids: Vec<RecordId> = texts.into_iter().map(RecordId::text).collect();
    ids.extend([i64::MIN, -1, 0, 7, i64::MAX].map(RecordId::int));
    ids.push(RecordId::of_parts(&[KeyPart::Int(7), KeyPart::Text("a".into())]));
    ids.sort();
    ids
}

/// A pair of every id with itself.
fn twins() -> Commit {
    let twin = |id: RecordId| Pair {
        ids: Sides { left: id.clone(), right: id },
        ..pair("a", "x", PairStatus::Linked)
    };
    Commit { pairs: ids().into_iter().rev().map(|id| (link(), twin(id))).collect(), ..Commit::default() }
}

async fn pages(stand: &mut Stand<'_>) -> Held {
    let (store, _) = stand.parts();
    let (lease, plan) = adopted(store, "p", &[]).await?;
    store.commit(&lease, &plan, twins()).await?;
    for side in Side::BOTH {
        for rows_max in [1, 2, 5, 100] {
            let (mut found, mut after) = (Vec::new(), None);
            loop {
                let page = store.marks(&link(), side, Scan { after, rows_max }).await?;
                ensure!(page.rows.len() <= rows_max && (!page.more || page.rows.len() == rows_max));
                found.extend(page.rows.iter().map(|mark| mark.ids.of(side).clone()));
                after = found.last().cloned();
                if !page.more {
                    break;
                }
            }
            same!(found, ids());
        }
    }
    same!(store.pair_count(&link()).await?, ids().len() as u64);
    same!(store.marks(&"orders".into(), Side::Left, Scan::first(9)).await?.rows, []);
    Ok(())
}

async fn asked(stand: &mut Stand<'_>) -> Held {
    let (store, _) = stand.parts();
    let (lease, plan) = adopted(store, "p", &[]).await?;
    store.commit(&lease, &plan, twins()).await?;
    let mut wanted: Vec<RecordId> = ids().into_iter().rev().collect();
    wanted.insert(2, id("nobody"));
    wanted.extend(wanted.first().cloned());
    let due: Vec<Option<RecordId>> = wanted.iter().map(|id| ids().contains(id).then(|| id.clone())).collect();
    for side in Side::BOTH {
        let marks = store.marks_of(&link(), side, &wanted).await?;
        let marks: Vec<_> =
            marks.into_iter().map(|mark| mark.map(|mark| mark.ids.of(side).clone())).collect();
        same!(marks, due);
        let pairs = store.pairs_of(&link(), side, &wanted).await?;
        let pairs: Vec<_> =
            pairs.into_iter().map(|pair| pair.map(|pair| pair.ids.of(side).clone())).collect();
        same!(pairs, due);
    }
    same!(store.marks_of(&link(), Side::Left, &[]).await?, []);
    Ok(())
}

async fn watched(stand: &mut Stand<'_>) -> Held {
    let (store, _) = stand.parts();
    let (lease, plan) = adopted(store, "p", &[]).await?;
    let watch = |left: &str, right: &str, watch: bool| {
        (link(), Pair { watch, ..pair(left, right, PairStatus::Linked) })
    };
    let pairs = vec![watch("c", "x", true), watch("b", "y", false), watch("a", "z", true)];
    store.commit(&lease, &plan, Commit { pairs, ..Commit::default() }).await?;
    let seen = async || -> Result<Vec<RecordId>, Stop> {
        Ok(store.watched(&link(), Scan::first(9)).await?.rows.into_iter().map(|mark| mark.ids.left).collect())
    };
    same!(seen().await?, [id("a"), id("c")]);
    let page = store.watched(&link(), Scan::after(id("a"), 1)).await?;
    ensure!(!page.more && page.rows.len() == 1);
    let pairs = vec![watch("a", "z", false), watch("b", "y", true)];
    store.commit(&lease, &plan, Commit { pairs, ..Commit::default() }).await?;
    same!(seen().await?, [id("b"), id("c")]);
    Ok(())
}

/// Values that storage gets wrong.
const VALUES: &str = r#"{"a": null, "b": "", "c": "\u0000 \ud83e\udd80 e\u0301", "d": true, "e": -9223372036854775808,
    "f": {"decimal": "12345678901234567890.1200"}, "g": {"float": "0.1"}, "h": {"date": "0001-01-01"},
    "i": {"time": "23:59:59.999999999"}, "j": {"local": "2024-02-29T12:00:00"}, "k": {"instant": "2024-02-29T12:00:00.5Z"},
    "l": {"bytes": "00ff"}}"#;

async fn values(stand: &mut Stand<'_>) -> Held {
    let (store, _) = stand.parts();
    let (lease, plan) = adopted(store, "p", &[]).await?;
    let said = Record::from_json(VALUES)?;
    // Beside what was said, what was not and what may not be read.
    let sparse = said.with([(0, Presence::Absent), (1, Presence::Unreadable)]);
    let committed = Pair { base: Sides { left: said, right: sparse }, ..pair("a", "x", PairStatus::Linked) };
    let pairs = vec![(link(), committed.clone())];
    store.commit(&lease, &plan, Commit { pairs, ..Commit::default() }).await?;
    let found = store.pairs_of(&link(), Side::Left, &[id("a")]).await?.into_iter().flatten().next();
    same!(found.as_ref().map(|found| &found.base), Some(&committed.base));
    // As it was written, not only with the same meaning.
    let written = |pair: &Pair| (pair.base.left.to_json(), pair.base.right.to_json());
    same!(found.as_ref().map(written), Some(written(&committed)));
    Ok(())
}
