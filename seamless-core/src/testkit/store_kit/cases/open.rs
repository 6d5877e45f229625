//! What is open: hints, retries, parked items, resolutions.

use crate::model::{ErrorKind, RuleId, Side, Sides};
use crate::plan::ParkedAs;
use crate::store::{Attention, AttentionKind, AttentionWhy, Commit, Resolution, Scan};
use crate::testkit::store_kit::material::{adopted, at, id, kind, link, open_things};
use crate::testkit::store_kit::{Stand, ensure, same, table};
use crate::testkit::verdict::{Held, Stop};

table! {
    "open.hints" "a hint that is repeated has no effect" => hints_repeat_without_effect;
    "open.replaced" "what is open is replaced by record, kind and rules, and ends by kind" => attention_is_replaced_and_ends_by_kind;
    "open.not_torn" "what is open about one record comes in one page" => attention_of_one_record_is_never_torn;
    "open.asked" "what is open comes per record, in the order asked for" => asked;
    "open.resolution" "a resolution that was changed since is not used up" => a_resolution_that_was_changed_since_is_not_used_up;
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

async fn hints_repeat_without_effect(stand: &mut Stand<'_>) -> Held {
    let (store, _) = stand.parts();
    let hint = |version: Option<&str>| {
        attention("a", AttentionWhy::Hint { version: version.map(crate::model::Version::new) })
    };
    let seen = async || open_things(store, None).await;
    store.notify(&link(), &[hint(None)]).await?;
    store.notify(&link(), &[Attention { since: at(9), due: at(9), ..hint(None) }]).await?;
    same!(seen().await?, [hint(None)]);
    store.notify(&link(), &[hint(Some("v2"))]).await?;
    same!(seen().await?, [hint(Some("v2"))]);
    let other = [hint(Some("v3")), attention("b", parked(&[], "m"))];
    same!(kind(store.notify(&link(), &other).await), Some(ErrorKind::Configuration));
    same!(seen().await?, [hint(Some("v2"))]);
    same!(store.revision().await?, 0);
    Ok(())
}

async fn attention_is_replaced_and_ends_by_kind(stand: &mut Stand<'_>) -> Held {
    let (store, _) = stand.parts();
    let (lease, plan) = adopted(store, "p", &[]).await?;
    let retry =
        AttentionWhy::Retry { failures: 1, failure: "timeout".into(), rules: Vec::new(), unanswered: true };
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
    store.commit(&lease, &plan, put(rows)).await?;
    let seen = async |until| -> Result<Vec<AttentionWhy>, Stop> {
        Ok(open_things(store, until).await?.into_iter().map(|row| row.why).collect())
    };
    let of_a = [retry.clone(), parked(&["y", "x", "x"], "second"), parked(&["z"], "other rules")];
    same!(seen(Some(at(99))).await?, of_a);
    same!(seen(Some(at(100))).await?.len(), 4);
    same!(seen(None).await?.len(), 4);
    let settle = async |record: &str, kind| -> Held {
        let settled = vec![(link(), Side::Left, id(record), kind)];
        Ok(store.commit(&lease, &plan, Commit { settled, ..Commit::default() }).await?)
    };
    settle("a", AttentionKind::Parked).await?;
    same!(seen(None).await?, [retry.clone(), retry]);
    settle("b", AttentionKind::Hint).await?;
    settle("a", AttentionKind::All).await?;
    same!(seen(None).await?.len(), 1);
    // Within one commit an end comes before what is new.
    let settled = vec![(link(), Side::Left, id("b"), AttentionKind::All)];
    let commit = Commit { settled, ..put(vec![attention("b", parked(&[], "new"))]) };
    store.commit(&lease, &plan, commit).await?;
    same!(seen(None).await?, [parked(&[], "new")]);
    Ok(())
}

async fn attention_of_one_record_is_never_torn(stand: &mut Stand<'_>) -> Held {
    let (store, _) = stand.parts();
    let (lease, plan) = adopted(store, "p", &[]).await?;
    let rows = ["a", "b"]
        .into_iter()
        .flat_map(|record| ["x", "y", "z"].map(|rule| (link(), attention(record, parked(&[rule], rule)))));
    let commit = Commit { attention: rows.collect(), ..Commit::default() };
    store.commit(&lease, &plan, commit).await?;
    for rows_max in [1, 2, 3, 4, 5] {
        let first = store.attention(&link(), None, Scan::first(rows_max)).await?;
        ensure!(first.more && first.rows.len() == 3 && first.rows.iter().all(|row| row.id == id("a")));
        let after = Scan::after((Side::Left, id("a")), rows_max);
        let second = store.attention(&link(), None, after).await?;
        ensure!(!second.more && second.rows.len() == 3);
    }
    same!(store.attention(&link(), None, Scan::first(6)).await?.rows.len(), 6);
    Ok(())
}

async fn a_resolution_that_was_changed_since_is_not_used_up(stand: &mut Stand<'_>) -> Held {
    let (store, _) = stand.parts();
    let (lease, plan) = adopted(store, "p", &[]).await?;
    let take = |take: Side| Resolution {
        ids: Sides { left: id("a"), right: id("x") },
        rule: RuleId::from("name"),
        take,
        by: "anna".into(),
        seen: Sides { left: [1; 16], right: [2; 16] },
    };
    let use_up = async |used: Resolution| -> Result<Vec<Resolution>, Stop> {
        let commit = Commit { resolved: vec![(link(), used)], ..Commit::default() };
        store.commit(&lease, &plan, commit).await?;
        Ok(store.resolutions(&link()).await?)
    };
    store.resolve(&[(link(), take(Side::Left))], at(1)).await?;
    store.resolve(&[(link(), take(Side::Right))], at(2)).await?;
    same!(store.resolutions(&link()).await?, [take(Side::Right)]);
    same!(use_up(take(Side::Left)).await?, [take(Side::Right)]);
    same!(use_up(take(Side::Right)).await?, []);
    Ok(())
}

async fn asked(stand: &mut Stand<'_>) -> Held {
    let (store, _) = stand.parts();
    let (lease, plan) = adopted(store, "p", &[]).await?;
    let rows = [("a", "x"), ("b", "x"), ("a", "y")];
    let rows = rows.map(|(record, rule)| (link(), attention(record, parked(&[rule], "m"))));
    store.commit(&lease, &plan, Commit { attention: rows.into(), ..Commit::default() }).await?;
    let found = store.attention_of(&link(), Side::Left, &[id("b"), id("nobody"), id("a"), id("b")]).await?;
    let counts: Vec<(usize, bool)> =
        found.iter().map(|rows| (rows.len(), rows.iter().all(|row| row.id == id("a")))).collect();
    same!(counts, [(1, false), (0, true), (2, true), (1, false)]);
    same!(store.attention_of(&link(), Side::Right, &[id("a")]).await?, [Vec::new()]);
    Ok(())
}
