//! Leases: who may write, for how long, and that nobody else does.

use std::time::Duration;

use crate::model::{ErrorKind, PlanId, Sides};
use crate::store::{Area, Binding, Commit, Lease, PlanState};
use crate::testkit::store_kit::material::{
    adopted, approval, at, entry, head, hold, key, kind, partition, take, trailer,
};
use crate::testkit::store_kit::{Stand, ensure, same, table};
use crate::testkit::verdict::{Held, broken};

table! {
    "lease.fenced" "under a lease that is not the newest nothing is written" => an_old_lease_writes_nothing;
    "lease.epochs" "a lease ends by the clock, and the next one has a higher epoch" => a_lease_ends_by_the_clock_and_the_next_one_is_higher;
    "lease.partitions" "partitions are leased one by one, and a lease is good for its own only" => partitions;
    "lease.same_worker" "a worker that takes a partition again fences its own former lease" => the_same_worker_fences_itself;
}

async fn an_old_lease_writes_nothing(stand: &mut Stand<'_>) -> Held {
    let (store, clock) = stand.parts();
    let (old, plan) = adopted(store, "p", &["a"]).await?;
    clock.advance(Duration::from_secs(60));
    let new = take(store, "v", 60).await?;
    let binding = Binding {
        systems: Sides { left: "crm".into(), right: "erp".into() },
        configuration: "c".into(),
        links: Vec::new(),
        rules: Vec::new(),
    };
    store.bind(&binding).await?;
    let area = Area { link: 0, kind: 0, side: None };
    for lease in
        [old, Lease { worker: "w".into(), ..new.clone() }, Lease { epoch: new.epoch + 1, ..new.clone() }]
    {
        let second = Duration::from_secs(1);
        let refused = [
            kind(store.rebind(&lease, &binding, at(1)).await),
            kind(store.rehome(&lease, &binding, at(1)).await),
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
        same!(refused, [Some(ErrorKind::Fenced); 12]);
        // Nothing happens, and the new lease holds.
        store.release(&lease).await?;
    }
    store.commit(&new, &plan, Commit::default()).await?;
    same!(store.plan(&PlanId::from("q")).await?, None);
    Ok(())
}

async fn a_lease_ends_by_the_clock_and_the_next_one_is_higher(stand: &mut Stand<'_>) -> Held {
    let (store, clock) = stand.parts();
    let first = take(store, "w", 10).await?;
    clock.advance(Duration::from_secs(9));
    same!(hold(store, "v", 10).await?, None);
    store.renew(&first, Duration::from_secs(10)).await?;
    clock.advance(Duration::from_secs(9));
    same!(hold(store, "v", 10).await?, None);
    clock.advance(Duration::from_secs(1));
    // Ended although nobody took over.
    same!(kind(store.renew(&first, Duration::from_secs(10)).await), Some(ErrorKind::Fenced));
    let second = take(store, "v", 10).await?;
    ensure!(second.epoch > first.epoch);
    store.release(&second).await?;
    let third = take(store, "w", 10).await?;
    ensure!(third.epoch > second.epoch);
    Ok(())
}

async fn the_same_worker_fences_itself(stand: &mut Stand<'_>) -> Held {
    let (store, _) = stand.parts();
    let first = take(store, "w", 10).await?;
    let second = take(store, "w", 10).await?;
    ensure!(second.epoch > first.epoch);
    same!(kind(store.renew(&first, Duration::from_secs(1)).await), Some(ErrorKind::Fenced));
    store.release(&first).await?;
    store.renew(&second, Duration::from_secs(1)).await?;
    Ok(())
}

async fn partitions(stand: &mut Stand<'_>) -> Held {
    let (store, _) = stand.parts();
    let lasts = Duration::from_secs(60);
    let here = take(store, "w", 60).await?;
    let Some(there) = store.lease(&"orders".into(), "v", lasts).await? else {
        return Err(broken("", "a partition was not given, since another one is held"));
    };
    store.draft(&here, &head("p", &partition(), 0)).await?;
    store.finish(&here, &PlanId::from("p"), &trailer("d")).await?;
    same!(kind(store.adopt(&there, &approval("p", "d")).await), Some(ErrorKind::Conflict));
    store.release(&there).await?;
    store.renew(&here, lasts).await?;
    store.adopt(&here, &approval("p", "d")).await?;
    Ok(())
}
