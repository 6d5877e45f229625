//! Time-outs, permits, rates, quotas and counts, on a clock that stands still.

use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt;
use futures::future::join_all;
use proptest::prelude::{prop_assert, prop_assert_eq, proptest};
use seamless_connectors::layers::{
    CallKind, Chances, Concurrency, Fault, Mask, Masked, Observe, Options, RateLimit, RateLimits, Restrict,
    Standard, Timeout, Timeouts, Trouble, standard,
};
use seamless_core::clock::Clock;
use seamless_core::connector::{
    Capabilities, Connector, ConnectorExt, ConnectorInfo, FetchBy, FetchQuery, Lookup, PageStream, ReadQuery,
    Refusal, RefusalKind, WriteBatch, WriteOutcome,
};
use seamless_core::model::{EntityName, ErrorKind, Result, Retry, Schema, Value};

use crate::paused::{Paused, polled, run};
use crate::world::{THING, batch, create, fetching, id, memory, pages, query, shape, update};

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn late(clock: &Paused, by: Duration) -> Fault {
    Fault::seeded(clock.clock(), 1, Chances { late: 1000, late_by: by, ..Chances::default() })
}

#[test]
fn what_is_late_is_unavailable_and_a_write_that_is_late_is_ambiguous_and_never_refused() {
    let clock = Paused::default();
    let memory = memory(3);
    let timeouts = Timeouts { call: seconds(5), page: seconds(7), write: seconds(9) };
    let inner: Arc<dyn Connector> = Arc::new(memory.clone());
    let slow = inner.layer(&late(&clock, seconds(60))).layer(&Timeout::new(clock.clock(), timeouts));
    let told = run(&clock, slow.entities()).unwrap_err();
    assert_eq!(
        (told.kind(), told.retry(), clock.elapsed()),
        (ErrorKind::Unavailable, Retry::Later, seconds(5))
    );
    let told = run(&clock, slow.write(&THING.into(), batch([update(1, 1, &[]), update(2, 2, &[])]))).unwrap();
    assert!(told.len() == 2 && told.iter().all(|told| matches!(told, WriteOutcome::Ambiguous(_))));
    assert_eq!((clock.elapsed(), clock.sleepers(), memory.counts().batches), (seconds(14), 0, 0));

    // A page that is late ends the stream.
    let inner: Arc<dyn Connector> = Arc::new(memory.clone());
    let fault = Fault::script(clock.clock(), [(2, Trouble::Late(seconds(60)))]);
    let slow = inner.layer(&fault).layer(&Timeout::new(clock.clock(), timeouts));
    run(&clock, async {
        let mut stream = slow.read(query(None, 1)).await.unwrap();
        assert!(stream.next().await.unwrap().is_ok());
        assert_eq!(stream.next().await.unwrap().unwrap_err().kind(), ErrorKind::Unavailable);
        assert!(stream.next().await.is_none());
    });
}

/// Catches: a time-out that fires at an answer that was there.
#[test]
fn an_answer_that_is_there_is_never_late() {
    let clock = Paused::default();
    let inner: Arc<dyn Connector> = Arc::new(memory(1));
    let zero = Timeouts { call: Duration::ZERO, page: Duration::ZERO, write: Duration::ZERO };
    run(&clock, inner.layer(&Timeout::new(clock.clock(), zero)).entities()).unwrap();
}

/// Counts who is inside.
#[derive(Debug)]
struct Counted {
    inner: Arc<dyn Connector>,
    clock: Arc<dyn Clock>,
    inside: AtomicUsize,
    most: AtomicUsize,
}

#[async_trait]
impl Connector for Counted {
    fn info(&self) -> &ConnectorInfo {
        self.inner.info()
    }

    fn capabilities(&self, entity: &EntityName) -> Capabilities {
        self.inner.capabilities(entity)
    }

    async fn entities(&self) -> Result<Vec<EntityName>> {
        let inside = self.inside.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(inside, Ordering::SeqCst);
        self.clock.sleep(seconds(1)).await;
        self.inside.fetch_sub(1, Ordering::SeqCst);
        self.inner.entities().await
    }

    async fn discover(&self, entities: &[EntityName]) -> Result<Schema> {
        self.inner.discover(entities).await
    }

    async fn read(&self, query: ReadQuery) -> Result<PageStream> {
        self.inner.read(query).await
    }

    async fn fetch(&self, query: FetchQuery) -> Result<Vec<Lookup>> {
        self.inner.fetch(query).await
    }
}

proptest! {
    #[test]
    fn never_more_calls_are_under_way_than_permits_and_all_get_their_turn(permits in 1usize..6, calls in 1usize..20) {
        let clock = Paused::default();
        let counted = Arc::new(Counted {
            inner: Arc::new(memory(1)),
            clock: clock.clock(),
            inside: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
        });
        let inner: Arc<dyn Connector> = Arc::clone(&counted) as Arc<dyn Connector>;
        let connector = inner.layer(&Concurrency::new(NonZeroUsize::new(permits).unwrap()));
        let ended = run(&clock, join_all((0..calls).map(|_| connector.entities())));
        prop_assert!(ended.iter().all(Result::is_ok));
        prop_assert_eq!(counted.most.load(Ordering::SeqCst), permits.min(calls));
        prop_assert_eq!(clock.elapsed(), seconds(calls.div_ceil(permits) as u64), "no permit lies idle");
    }

    #[test]
    fn calls_come_at_the_rate_however_many_ask_at_once(per_second in 1u32..30, burst in 1u32..5, calls in 1usize..60) {
        let clock = Paused::default();
        let limits = RateLimits {
            per_second: NonZeroU32::new(per_second),
            burst: NonZeroU32::new(burst).unwrap(),
            ..RateLimits::default()
        };
        let inner: Arc<dyn Connector> = Arc::new(memory(1));
        let connector = inner.layer(&RateLimit::new(clock.clock(), limits));
        let ended = run(&clock, join_all((0..calls).map(|_| connector.entities())));
        prop_assert!(ended.iter().all(Result::is_ok));
        let waited = calls.saturating_sub(burst as usize) as u64 * 1_000_000_000 / u64::from(per_second);
        let took = clock.elapsed().as_nanos() as u64;
        prop_assert!(took >= waited && took <= waited + calls as u64, "{took} and not {waited}");
    }
}

#[test]
fn h106_a_used_up_quota_says_when_it_goes_on_and_sends_nothing() {
    let clock = Paused::default();
    let memory = memory(1);
    let limits = RateLimits {
        per_day: NonZeroU64::new(10),
        reserve_percent: 50,
        used_today: 2,
        ..RateLimits::default()
    };
    let inner: Arc<dyn Connector> = Arc::new(memory.clone());
    let connector = standard(inner, clock.clock(), Options { rate: limits, ..Options::default() });
    clock.advance(seconds(3600));
    for _ in 0..3 {
        run(&clock, connector.fetch(fetching(vec![id(0)]))).unwrap();
    }
    let told = run(&clock, connector.write(&THING.into(), batch([update(1, 0, &[])]))).unwrap_err();
    assert_eq!((told.kind(), told.retry()), (ErrorKind::Throttled, Retry::After(seconds(23 * 3600))));
    assert!(
        told.to_string().contains("10, of which 50 % are left to people")
            && told.to_string().contains("2026-01-02T00:00:00Z"),
        "{told}"
    );
    assert_eq!((memory.counts().batches, clock.elapsed()), (0, seconds(3600)));
    clock.advance(seconds(23 * 3600));
    run(&clock, connector.fetch(fetching(vec![id(0)]))).unwrap();
}

#[test]
fn nothing_is_sent_before_the_time_that_the_system_named() {
    let clock = Paused::default();
    let memory = memory(3);
    let inner: Arc<dyn Connector> = Arc::new(memory.clone());
    let connector = inner.layer(&RateLimit::new(clock.clock(), RateLimits::default()));
    memory.fail_next(seamless_connectors::memory::Fault::Refused(RefusalKind::Throttled {
        wait: Some(seconds(40)),
    }));
    let told = run(&clock, connector.write(&THING.into(), batch([update(1, 0, &[])]))).unwrap();
    assert!(matches!(&told[0], WriteOutcome::Refused(Refusal { why: RefusalKind::Throttled { .. }, .. })));
    assert_eq!(clock.elapsed(), Duration::ZERO);
    run(&clock, connector.entities()).unwrap();
    assert_eq!(clock.elapsed(), seconds(40));
}

/// Catches: a stack in which a write that waits for its turn is called ambiguous, though it was never sent.
#[test]
fn in_the_standard_stack_only_what_was_sent_can_be_late() {
    let clock = Paused::default();
    let memory = memory(3);
    let mut options = Options { calls_max: NonZeroUsize::MIN, ..Options::default() };
    options.rate =
        RateLimits { per_second: NonZeroU32::new(1), wait_max: seconds(1000), ..RateLimits::default() };
    options.timeouts = Timeouts { call: seconds(2), page: seconds(2), write: seconds(2) };
    let inner: Arc<dyn Connector> = Arc::new(memory.clone());
    let stack = Standard::new(clock.clock(), options);
    let connector = inner.layer(&stack);
    let entity: EntityName = THING.into();
    let writes = (0..20).map(|number| connector.write(&entity, batch([update(number, 1, &[])])));
    let told = run(&clock, join_all(writes));
    assert!(
        told.iter().all(|told| matches!(told.as_deref(), Ok([WriteOutcome::Applied { .. }]))),
        "{told:?}"
    );
    let observed = stack.observed();
    assert_eq!((observed.of(CallKind::Write).begun, observed.ops, observed.applied), (20, 20, 20));
}

#[test]
fn a_host_reads_what_was_called_and_what_came() {
    let clock = Paused::default();
    let memory = memory(5);
    let inner: Arc<dyn Connector> = Arc::new(memory.clone());
    let observe = Observe::new(clock.clock());
    let connector = inner.layer(&late(&clock, seconds(1))).layer(&observe);
    run(&clock, async {
        pages(&*connector, None, 2).await.unwrap();
        connector.fetch(fetching(vec![id(0), id(99)])).await.unwrap();
        let ops = [update(1, 0, &[("name", Value::text("far too long for it"))]), create(2, 7, &[])];
        connector.write(&THING.into(), batch(ops)).await.unwrap();
        connector.discover(&["nothing".into()]).await.unwrap_err();
    });
    let seen = observe.observed();
    assert_eq!((seen.pages, seen.records, seen.looked_up, seen.found), (3, 5, 2, 1));
    assert_eq!((seen.ops, seen.applied, seen.refused, seen.ambiguous), (2, 1, 1, 0));
    assert_eq!((seen.errors_of(ErrorKind::NotFound), seen.of(CallKind::Discover).failed), (1, 1));
    assert_eq!((seen.of(CallKind::Page).begun, seen.of(CallKind::Page).time), (3, seconds(3)));
}

#[test]
fn a_masked_value_never_leaves_and_cannot_be_guessed() {
    let clock = Paused::default();
    let memory = memory(2);
    memory.edit(THING, &id(1), &[("mail", Value::text("a@adatum.example"))]).unwrap();
    let inner: Arc<dyn Connector> = Arc::new(memory.clone());
    let connector = inner.layer(&Mask::new().field(THING, "mail", Masked::Unreadable));
    let found = run(&clock, connector.fetch(fetching(vec![id(1)]))).unwrap();
    let Lookup::Found(found) = &found[0] else { panic!("{found:?}") };
    assert!(found.record.field("mail").is_unreadable() && found.record.field("name").value().is_some());
    let by =
        FetchBy::Key { fields: vec!["mail".into()], values: vec![vec![Value::text("a@adatum.example")]] };
    let told =
        run(&clock, connector.fetch(FetchQuery { entity: THING.into(), shape: shape(), by })).unwrap_err();
    assert_eq!(told.kind(), ErrorKind::Permission);
    let ops = [update(1, 0, &[("mail", Value::text("x"))]), update(2, 1, &[("count", Value::Int(9))])];
    let told = run(&clock, connector.write(&THING.into(), batch(ops))).unwrap();
    let why = RefusalKind::Invalid { field: Some("mail".into()) };
    assert!(matches!(&told[0], WriteOutcome::Refused(refusal) if refusal.why == why), "{told:?}");
    let WriteOutcome::Applied { proof, .. } = &told[1] else { panic!("{told:?}") };
    assert!(!format!("{proof:?}").contains("adatum"), "the proof of a write shows it: {proof:?}");
    assert_eq!(memory.value(THING, &id(0), "mail"), Some(Value::text("m0")));
}

#[test]
fn a_restriction_hides_entities_and_refuses_writes_before_they_are_sent() {
    let clock = Paused::default();
    let memory = memory(2);
    let inner: Arc<dyn Connector> = Arc::new(memory.clone());
    let none = Arc::clone(&inner).layer(&Restrict::default().entity("other"));
    assert!(run(&clock, none.entities()).unwrap().is_empty());
    assert_eq!(run(&clock, none.read(query(None, 1))).err().unwrap().kind(), ErrorKind::NotFound);
    let reads = inner.layer(&Restrict::read_only());
    let told = run(&clock, reads.write(&THING.into(), WriteBatch::of(vec![update(1, 0, &[])]))).unwrap_err();
    assert_eq!((told.kind(), memory.counts().batches), (ErrorKind::Unsupported, 0));
    assert!(!reads.capabilities(&THING.into()).is_writable());
}

#[test]
fn faults_are_those_of_the_script_and_never_lie() {
    let clock = Paused::default();
    let memory = memory(4);
    let inner: Arc<dyn Connector> = Arc::new(memory.clone());
    let script = [
        (0, Trouble::AnswerLost),
        (1, Trouble::RequestLost),
        (2, Trouble::Fails(ErrorKind::Throttled)),
        (4, Trouble::Twice),
        (6, Trouble::CutOff),
    ];
    let fault = Fault::script(clock.clock(), script);
    let connector = inner.layer(&fault);
    let entity: EntityName = THING.into();
    let write = |count| {
        run(
            &clock,
            connector.write(&entity, batch([update(count as u64, 0, &[("count", Value::Int(count))])])),
        )
    };
    assert!(matches!(write(50).as_deref(), Ok([WriteOutcome::Ambiguous(_)])));
    assert_eq!(memory.value(THING, &id(0), "count"), Some(Value::Int(50)), "it happened");
    assert!(matches!(write(60).as_deref(), Ok([WriteOutcome::Ambiguous(_)])));
    assert_eq!(write(70).unwrap_err().kind(), ErrorKind::Throttled);
    assert_eq!(memory.value(THING, &id(0), "count"), Some(Value::Int(50)), "neither of them happened");
    let read = run(&clock, pages(&*connector, None, 1)).unwrap();
    let first: Vec<_> = read.iter().map(|page| page.changes[0].clone()).collect();
    assert_eq!((read.len(), first[0] == first[1], first[1] == first[2]), (3, true, false));
    assert!(read.iter().all(|page| page.end.is_none()), "it was cut off");
    assert_eq!(fault.happened().len(), 5);
}

/// Catches: an end that comes twice.
#[test]
fn a_last_page_that_comes_twice_ends_once() {
    let clock = Paused::default();
    let inner: Arc<dyn Connector> = Arc::new(memory(4));
    let connector = inner.layer(&Fault::script(clock.clock(), [(2, Trouble::Twice)]));
    let read = run(&clock, pages(&*connector, None, 2)).unwrap();
    let ends: Vec<bool> = read.iter().map(|page| page.end.is_some()).collect();
    assert_eq!(ends, [false, false, true]);
}

#[derive(Default)]
struct Told(AtomicUsize);

impl Wake for Told {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Catches: a permit that is handed to a caller who was told of it and never comes.
#[test]
fn a_permit_that_comes_free_is_for_whoever_comes() {
    let clock = Paused::default();
    let inner: Arc<dyn Connector> = Arc::new(memory(1));
    let connector = inner.layer(&late(&clock, seconds(9))).layer(&Concurrency::new(NonZeroUsize::MIN));
    let (first, second) = (Arc::<Told>::default(), Arc::<Told>::default());
    let poll = |call: &mut futures::future::BoxFuture<'_, _>, told: &Arc<Told>| {
        let waker = Waker::from(Arc::clone(told));
        call.as_mut().poll(&mut Context::from_waker(&waker)).is_ready()
    };
    let mut holds = connector.entities();
    let (mut goes_away, mut comes) = (connector.entities(), connector.entities());
    assert!(
        !poll(&mut holds, &Arc::default()) && !poll(&mut goes_away, &first) && !poll(&mut comes, &second)
    );
    drop(holds);
    assert_eq!((first.0.load(Ordering::SeqCst), second.0.load(Ordering::SeqCst)), (1, 1));
    // The first one is never polled again, and never dropped.
    run(&clock, comes).unwrap();
    drop(goes_away);
}

#[test]
fn calls_that_are_dropped_are_counted() {
    let clock = Paused::default();
    let inner: Arc<dyn Connector> = Arc::new(memory(1));
    let observe = Observe::new(clock.clock());
    let connector = inner.layer(&late(&clock, seconds(9))).layer(&observe);
    polled(1, connector.entities());
    run(&clock, connector.entities()).unwrap();
    let calls = observe.observed().of(CallKind::Entities);
    assert_eq!((calls.begun, calls.dropped, calls.failed, calls.time), (2, 1, 0, seconds(9)));
}
