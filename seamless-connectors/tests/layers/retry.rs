//! Retry: nothing is written twice that may have happened, pages are exactly those of the plain stream, waits are those that were
//! asked for, and an outage is not multiplied.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt;
use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};
use seamless_connectors::layers::{Budget, Chances, Fault, Retries, Retry, Trouble};
use seamless_connectors::memory::Memory;
use seamless_core::clock::Clock;
use seamless_core::connector::{
    Capabilities, Connector, ConnectorExt, ConnectorInfo, End, Enumeration, FetchQuery, Lookup, Order, Page,
    PageStream, ReadQuery, WriteOutcome,
};
use seamless_core::model::{EntityName, ErrorKind, Result, Schema};

use crate::paused::{Paused, run};
use crate::scripted::{Fate, Scripted};
use crate::world::{THING, action, batch, fetching, id, memory, pages, update};

const PLENTY: Budget = Budget { percent: 100, spare: 10_000, regained: Duration::from_millis(1) };

fn retry(clock: &Paused, attempts_max: u32, budget: Budget) -> Retry {
    Retry::new(clock.clock(), Retries { attempts_max, budget, ..Retries::default() }, 3)
}

fn fates() -> impl Strategy<Value = Vec<Fate>> {
    let one = prop_oneof![
        Just(Fate::Applied),
        Just(Fate::Throttled),
        Just(Fate::Unavailable),
        Just(Fate::Stale),
        Just(Fate::UnknownDone),
        Just(Fate::UnknownNotDone),
    ];
    proptest::collection::vec(one, 0..30)
}

fn failures() -> impl Strategy<Value = Vec<(ErrorKind, Option<Duration>)>> {
    let kind = prop_oneof![Just(ErrorKind::Unavailable), Just(ErrorKind::Throttled), Just(ErrorKind::Data)];
    let wait = proptest::option::of((0u64..100).prop_map(Duration::from_secs));
    proptest::collection::vec((kind, wait), 0..4)
}

proptest! {
    // Catches: an ambiguous write that is sent again without a key, and a refusal of the second time that stands for both.
    #[test]
    fn no_write_is_sent_twice_that_may_have_happened_and_no_outcome_is_untrue(
        fates in fates(), failures in failures(), keyed in any::<bool>(), ops in 1u64..6, attempts in 1u32..6,
    ) {
        let clock = Paused::default();
        let system = Scripted::new(keyed, fates, failures);
        let connector: Arc<dyn Connector> = Arc::clone(&system) as Arc<dyn Connector>;
        let connector = connector.layer(&retry(&clock, attempts, PLENTY));
        let told = run(&clock, connector.write(&THING.into(), batch((0..ops).map(|op| update(op, 1, &[])))));
        let seen = system.seen.lock().unwrap();
        prop_assert!(seen.calls <= attempts);
        for op in 0..ops {
            let applied = seen.applied.get(&action(op)).copied().unwrap_or(0);
            prop_assert!(applied <= 1, "applied {applied} times");
            match told.as_ref().map(|told| &told[op as usize]) {
                Err(_) | Ok(WriteOutcome::Refused(_)) => prop_assert_eq!(applied, 0),
                Ok(WriteOutcome::Applied { .. }) => prop_assert_eq!(applied, 1),
                Ok(WriteOutcome::Ambiguous(_)) => {}
            }
        }
        prop_assert!(told.is_err() || told.unwrap().len() as u64 == ops);
    }

    #[test]
    fn only_records_that_were_not_answered_are_looked_up_again(
        fates in fates(), failures in failures(), count in 1usize..8,
    ) {
        let clock = Paused::default();
        let system = Scripted::new(false, fates, failures);
        let connector: Arc<dyn Connector> = Arc::clone(&system) as Arc<dyn Connector>;
        let connector = connector.layer(&retry(&clock, 4, PLENTY));
        let ids: Vec<_> = (0..count).map(id).collect();
        let found = run(&clock, connector.fetch(fetching(ids.clone())));
        let seen = system.seen.lock().unwrap();
        prop_assert!(seen.calls <= 4);
        for (earlier, later) in seen.asked.iter().zip(seen.asked.iter().skip(1)) {
            prop_assert!(later.iter().all(|id| earlier.contains(id)));
        }
        let Ok(found) = found else { return Ok(()) };
        prop_assert_eq!(found.len(), count);
        for (id, found) in ids.iter().zip(&found) {
            // The script answers with the id itself, so that an answer in another one's place shows.
            if let Lookup::Several(answer) = found {
                prop_assert_eq!(&answer[0], id);
                prop_assert!(seen.asked.last().unwrap().contains(id) || *found != Lookup::Unanswered);
            }
        }
    }

    #[test]
    fn a_reading_that_is_torn_anywhere_gives_exactly_the_pages_of_the_plain_one(
        seed in any::<u64>(), things in 0usize..40, page in 1usize..9,
    ) {
        let clock = Paused::default();
        let memory = memory(things);
        let plain = run(&clock, pages(&memory, None, page)).unwrap();
        let chances = Chances { twice: 0, ..Chances::all(120) };
        let fault = Fault::seeded(clock.clock(), seed, chances);
        let inner: Arc<dyn Connector> = Arc::new(memory.clone());
        let connector = inner.layer(&fault).layer(&retry(&clock, 50, PLENTY));
        let torn = run(&clock, pages(&*connector, None, page)).unwrap();
        prop_assert_eq!(torn.len(), plain.len());
        for (torn, plain) in torn.iter().zip(&plain) {
            prop_assert_eq!(&torn.changes, &plain.changes);
            // The cursor names the enumeration, which is another one when it was begun anew before its first page.
            match (&torn.end, &plain.end) {
                (None, None) => {}
                // What it proves is lost where it was reopened, and only there.
                (Some(End::Partial), Some(End::Complete(_))) => prop_assert!(!fault.happened().is_empty()),
                (Some(End::Complete(_)), Some(End::Complete(_))) => {}
                other => prop_assert!(false, "{other:?}"),
            }
        }
        let resumed = run(&clock, pages(&memory, torn.last().map(|page| page.cursor.clone()), page)).unwrap();
        prop_assert!(resumed.iter().all(|page| page.changes.is_empty()), "nothing is left behind the last cursor");
    }
}

#[test]
fn the_wait_that_a_system_names_is_kept_and_one_that_is_too_long_is_the_callers() {
    let asked = |seconds| (ErrorKind::Throttled, Some(Duration::from_secs(seconds)));
    let clock = Paused::default();
    let system: Arc<dyn Connector> = Scripted::new(false, [], [asked(20), asked(30)]);
    let connector = system.layer(&retry(&clock, 4, PLENTY));
    run(&clock, connector.entities()).unwrap();
    let took = clock.elapsed();
    assert!(took >= Duration::from_secs(50) && took < Duration::from_secs(55), "{took:?}");

    let clock = Paused::default();
    let system = Scripted::new(false, [], [asked(3600)]);
    let connector = (Arc::clone(&system) as Arc<dyn Connector>).layer(&retry(&clock, 4, PLENTY));
    let told = run(&clock, connector.entities()).unwrap_err();
    assert_eq!(
        (told.kind(), clock.elapsed(), system.seen.lock().unwrap().calls),
        (ErrorKind::Throttled, Duration::ZERO, 1)
    );
}

#[test]
fn an_outage_is_not_multiplied() {
    let clock = Paused::default();
    let down = std::iter::repeat_n((ErrorKind::Unavailable, None), 100_000);
    let system = Scripted::new(false, [], down);
    let connector = (Arc::clone(&system) as Arc<dyn Connector>).layer(&Retry::new(
        clock.clock(),
        Retries {
            delay: Duration::ZERO,
            budget: Budget { percent: 10, spare: 5, regained: Duration::ZERO },
            ..Retries::default()
        },
        3,
    ));
    for _ in 0..1000 {
        run(&clock, connector.entities()).unwrap_err();
    }
    let calls = system.seen.lock().unwrap().calls;
    assert!((1000..=1105).contains(&calls), "{calls} calls for 1000");
}

#[test]
fn an_error_says_how_often_it_was_tried_and_what_cannot_help_is_not_tried_again() {
    let clock = Paused::default();
    let system = Scripted::new(false, [], std::iter::repeat_n((ErrorKind::Unavailable, None), 9));
    let connector = (Arc::clone(&system) as Arc<dyn Connector>).layer(&retry(&clock, 3, PLENTY));
    let told = run(&clock, connector.entities()).unwrap_err();
    assert!(told.to_string().contains("attempts 3"), "{told}");
    let system = Scripted::new(false, [], [(ErrorKind::Permission, None)]);
    let connector = (Arc::clone(&system) as Arc<dyn Connector>).layer(&retry(&clock, 3, PLENTY));
    run(&clock, connector.entities()).unwrap_err();
    assert_eq!(system.seen.lock().unwrap().calls, 1);
}

/// Says of every enumeration that it is complete, whatever it was resumed from.
#[derive(Debug)]
struct Boasts(Memory);

#[async_trait]
impl Connector for Boasts {
    fn info(&self) -> &ConnectorInfo {
        self.0.info()
    }

    fn capabilities(&self, entity: &EntityName) -> Capabilities {
        self.0.capabilities(entity)
    }

    async fn entities(&self) -> Result<Vec<EntityName>> {
        self.0.entities().await
    }

    async fn discover(&self, entities: &[EntityName]) -> Result<Schema> {
        self.0.discover(entities).await
    }

    async fn read(&self, query: ReadQuery) -> Result<PageStream> {
        let boast = |mut page: Page| {
            let of = Enumeration { id: "all".into(), order: Order::RecordId, changes_from: None };
            page.end = page.end.map(|_| End::Complete(of));
            page
        };
        Ok(Box::pin(self.0.read(query).await?.map(move |page| page.map(boast))))
    }

    async fn fetch(&self, query: FetchQuery) -> Result<Vec<Lookup>> {
        self.0.fetch(query).await
    }
}

#[test]
fn an_enumeration_that_was_reopened_is_never_called_complete() {
    for (cut, complete) in [(1, true), (2, false)] {
        let clock = Paused::default();
        let inner: Arc<dyn Connector> = Arc::new(Boasts(memory(6)));
        let fault = Fault::script(clock.clock(), [(cut, Trouble::CutOff)]);
        let connector = inner.layer(&fault).layer(&retry(&clock, 4, PLENTY));
        let read = run(&clock, pages(&*connector, None, 2)).unwrap();
        assert_eq!(matches!(read.last().unwrap().end, Some(End::Complete(_))), complete, "cut at {cut}");
    }
}
