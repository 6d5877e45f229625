//! Any future may be dropped at any await: nothing stays locked, no permit is lost, nobody sleeps on.

use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use futures::{FutureExt, StreamExt};
use proptest::prelude::{any, prop_assert_eq, proptest};
use seamless_connectors::layers::{
    CallKind, Capture, Chances, Concurrency, Fault, Observe, Options, Recording, Restrict, Scrub, Standard,
};
use seamless_core::connector::{Connector, ConnectorExt};
use seamless_core::model::Value;

use crate::paused::{Paused, polled, run};
use crate::world::{THING, batch, fetching, id, memory, pages, query, update};

const PERMITS: usize = 2;

/// Every layer that keeps something, around a system that is late.
fn stack(clock: &Paused, folder: &std::path::Path, rehearsed: bool) -> (Arc<dyn Connector>, Observe) {
    let inner: Arc<dyn Connector> = Arc::new(memory(9));
    let late = Chances { late: 500, late_by: Duration::from_millis(300), ..Chances::default() };
    let mut options = Options { calls_max: NonZeroUsize::new(PERMITS).unwrap(), ..Options::default() };
    options.rate.per_second = NonZeroU32::new(5);
    let observe = Observe::new(clock.clock());
    let recording = Recording::create(folder.join("x.jsonl"), Scrub::nothing()).unwrap();
    let mut stack = inner.layer(&Fault::seeded(clock.clock(), 5, late));
    if rehearsed {
        stack = stack.layer(&Capture::new());
    }
    let stack = stack
        .layer(&recording)
        .layer(&Standard::new(clock.clock(), options))
        .layer(&Concurrency::new(NonZeroUsize::new(PERMITS).unwrap()))
        .layer(&Restrict::default())
        .layer(&observe);
    (stack, observe)
}

async fn call(connector: &dyn Connector, kind: u8, number: u64) {
    match kind % 5 {
        0 => drop(connector.entities().await),
        1 => drop(pages(connector, None, 2).await),
        2 => drop(connector.fetch(fetching(vec![id(1), id(2)])).await),
        3 => drop(connector.discover(&[THING.into()]).await),
        _ => {
            let op = update(number, 1, &[("count", Value::Int(number as i64))]);
            drop(connector.write(&THING.into(), batch([op])).await);
        }
    }
}

proptest! {
    #[test]
    fn what_is_dropped_anywhere_leaves_nothing_behind(
        steps in proptest::collection::vec((any::<u8>(), 0usize..12, 0u64..400), 1..25), rehearsed in any::<bool>(),
    ) {
        let clock = Paused::default();
        let folder = tempfile::tempdir().unwrap();
        let (connector, observe) = stack(&clock, folder.path(), rehearsed);
        let mut waiting = Vec::new();
        for (number, (kind, polls, later)) in steps.into_iter().enumerate() {
            polled(polls, call(&*connector, kind, number as u64));
            // Some are left half-way while others go on, and dropped later.
            let mut half = Box::pin(call(&*connector, kind, 1000 + number as u64));
            if (&mut half).now_or_never().is_none() && number % 3 == 0 {
                waiting.push(half);
            }
            if waiting.len() >= PERMITS {
                waiting.clear();
            }
            clock.advance(Duration::from_millis(later));
        }
        drop(waiting);
        prop_assert_eq!(clock.sleepers(), 0, "nobody sleeps for somebody who is gone");
        // All permits are there: more calls than permits end, and each sees the system.
        let ended = run(&clock, join_all((0..PERMITS as u8 * 3).map(|kind| call(&*connector, kind, 2000 + u64::from(kind)))));
        prop_assert_eq!(ended.len(), PERMITS * 3);
        let seen: usize = run(&clock, pages(&*connector, None, 4)).unwrap().iter().map(|page| page.changes.len()).sum();
        prop_assert_eq!(seen, 9);
        let dropped: u64 = CallKind::ALL.iter().map(|kind| observe.observed().of(*kind).dropped).sum();
        let begun: u64 = CallKind::ALL.iter().map(|kind| observe.observed().of(*kind).begun).sum();
        prop_assert_eq!(dropped <= begun, true);
    }
}

/// Catches: a stream that keeps its permit between two pages, which deadlocks whoever reads two in turns.
#[test]
fn readings_that_lie_idle_hold_no_permit() {
    let clock = Paused::default();
    let inner: Arc<dyn Connector> = Arc::new(memory(9));
    let connector = inner.layer(&Concurrency::new(NonZeroUsize::MIN));
    run(&clock, async {
        let mut left = connector.read(query(None, 2)).await.unwrap();
        let mut right = connector.read(query(None, 2)).await.unwrap();
        let mut pages = 0;
        while let (Some(one), Some(two)) = (left.next().await, right.next().await) {
            pages += usize::from(one.is_ok()) + usize::from(two.is_ok());
            connector.fetch(fetching(vec![id(1)])).await.unwrap();
        }
        assert_eq!(pages, 10);
    });
}
