//! Integrations that are broken on purpose: each does one harm, and the world must find it. So every count of the oracle is
//! shown to be able to fail.

use std::sync::Arc;

use async_trait::async_trait;
use futures::StreamExt;
use seamless_core::connector::{
    Capabilities, Change, Connector, ConnectorInfo, Cursor, Expects, FetchQuery, GoneProof, Lookup,
    PageStream, Proof, ReadQuery, Refusal, RefusalKind, Target, Verb, WriteBatch, WriteOp, WriteOutcome,
};
use seamless_core::merge::{
    AgreeReason, CarryReason, Case, ConflictReason, Judgement, Reconciler, ThreeWay, Verdict,
};
use seamless_core::model::{
    ActionId, EntityName, Error, ErrorKind, Presence, Record, RecordId, Result, Schema, Shape, Side, Slot,
    Value, record,
};
use seamless_core::store::MemoryStore;
use seamless_core::sync::Integration;
use seamless_core::testkit::world::{Harm, Process, Script, Subject, crash_law, mirror_law, order_law, play};

use super::broken_store::StoreFlaw;
use super::subject::{builder, integration, kinds, mirror, subject, unswept};

/// What is wrong with a connector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flaw {
    /// Sends writes without their precondition.
    Reckless,
    /// Sends every update twice, as two operations.
    Twice,
    /// Sends every create twice, under two ids.
    TwoRecords,
    /// Says that records which are hidden are gone.
    SaysGone,
    /// Writes values that nobody wrote.
    Invents,
    /// Writes values of one field into the other.
    Crosses,
    /// Says that updates were done, and does nothing.
    DropsUpdates,
    /// Clears a field that no rule carries.
    Touches,
    /// Reads on behind where it should.
    SkipsChanges,
    /// Never says which environment it is connected to.
    Anonymous,
    /// Shows a field as empty that is not.
    HidesValues,
    /// Refuses every update: somebody else was faster.
    RefusesUpdates,
    /// Leaves out the last record of every page.
    LeavesOut,
    /// Says of values that the system does not take that it has no time.
    AsksAgain,
    /// Refuses every update for good, and the system never hears of it.
    RefusesByItself,
    /// Shows nothing, and says of records that are looked up that they are hidden.
    SaysHidden,
}

#[derive(Debug)]
struct Broken {
    inner: Arc<dyn Connector>,
    flaw: Flaw,
    info: ConnectorInfo,
}

impl Broken {
    fn new(inner: Arc<dyn Connector>, flaw: Flaw) -> Arc<Self> {
        let mut info = inner.info().clone();
        if flaw == Flaw::Anonymous {
            info.identity = info.identity.replace(" (copy)", "");
        }
        Arc::new(Self { inner, flaw, info })
    }

    fn changed(&self, op: &WriteOp) -> WriteOp {
        let mut op = op.clone();
        let with = |patch: &Record, change: &dyn Fn(&str, Value) -> Value| {
            let values = patch.fields().filter_map(|(name, presence)| {
                let value = presence.value()?.to_value();
                Some((name.clone(), Slot::Value(change(name.as_str(), value))))
            });
            let values: Vec<_> = values.collect();
            let shape = Shape::new(values.iter().map(|(name, _)| name.clone())).unwrap();
            record(&shape, values).unwrap()
        };
        match self.flaw {
            Flaw::Reckless => op.expects = Expects::Anything,
            Flaw::Invents if op.verb == Verb::Update => {
                op.patch = with(&op.patch, &|name, value| match name {
                    "Name" => Value::text("v99999 nobody"),
                    _ => value,
                });
            }
            Flaw::Crosses if op.verb == Verb::Update => {
                let shape = Shape::new(["Home Page".into()]).unwrap();
                if let Presence::Value(name) = op.patch.field("Name") {
                    op.patch = record(&shape, [("Home Page".into(), Slot::Value(name.to_value()))]).unwrap();
                }
            }
            Flaw::Touches if op.verb == Verb::Update => {
                let shape = Shape::new(["Memo".into()]).unwrap();
                op.patch = record(&shape, [("Memo".into(), Slot::Value(Value::text("touched")))]).unwrap();
            }
            _ => {}
        }
        op
    }
}

/// The same operation under another id.
fn another(op: &WriteOp) -> WriteOp {
    let id = ActionId::derive(&[op.id.as_bytes(), b"another"]);
    let target = match &op.target {
        Target::New(_) => Target::New(Some(RecordId::text("another"))),
        existing => existing.clone(),
    };
    WriteOp { id, target, expects: Expects::Anything, ..op.clone() }
}

#[async_trait]
impl Connector for Broken {
    fn info(&self) -> &ConnectorInfo {
        &self.info
    }

    fn capabilities(&self, entity: &EntityName) -> Capabilities {
        self.inner.capabilities(entity)
    }

    async fn entities(&self) -> Result<Vec<EntityName>> {
        self.inner.entities().await
    }

    async fn discover(&self, entities: &[EntityName]) -> Result<Schema> {
        self.inner.discover(entities).await
    }

    async fn read(&self, mut query: ReadQuery) -> Result<PageStream> {
        if let (Flaw::SkipsChanges, Some(after)) = (self.flaw, &query.after) {
            let text = String::from_utf8_lossy(after.as_bytes()).into_owned();
            let (front, place) = text.rsplit_once(' ').unwrap();
            let place: u64 = place.parse().unwrap();
            query.after = Some(Cursor::new(format!("{front} {}", place + 1).into_bytes()));
        }
        let pages = self.inner.read(query).await?;
        if matches!(self.flaw, Flaw::LeavesOut | Flaw::SaysHidden) {
            let keeps_some = self.flaw == Flaw::LeavesOut;
            return Ok(Box::pin(pages.map(move |page| {
                page.map(|mut page| {
                    page.changes.truncate(if keeps_some { page.changes.len().saturating_sub(1) } else { 0 });
                    page
                })
            })));
        }
        if self.flaw != Flaw::HidesValues {
            return Ok(pages);
        }
        Ok(Box::pin(pages.map(|page| {
            page.map(|mut page| {
                for change in &mut page.changes {
                    let Change::Upsert(shown) = change else { continue };
                    if let Some(slot) = shown.record.shape().slot("Home Page") {
                        shown.record = shown.record.with([(slot, Presence::Value(Value::Null.as_ref()))]);
                    }
                }
                page
            })
        })))
    }

    async fn fetch(&self, query: FetchQuery) -> Result<Vec<Lookup>> {
        let asked = query.clone();
        let mut found = self.inner.fetch(query).await?;
        if self.flaw == Flaw::SaysHidden {
            found.iter_mut().for_each(|found| *found = Lookup::Hidden);
        }
        if let (Flaw::SaysGone, seamless_core::connector::FetchBy::Ids(ids)) = (self.flaw, &asked.by) {
            for (id, found) in ids.iter().zip(&mut found) {
                if matches!(found, Lookup::Hidden) {
                    *found = Lookup::Gone(GoneProof { id: id.clone(), seen: "404".to_owned() });
                }
            }
        }
        Ok(found)
    }

    async fn write(&self, entity: &EntityName, batch: WriteBatch) -> Result<Vec<WriteOutcome>> {
        if self.flaw == Flaw::DropsUpdates && batch.ops.iter().all(|op| op.verb == Verb::Update) {
            let done = |op: &WriteOp| match &op.target {
                Target::Existing(id) => WriteOutcome::Applied { id: id.clone(), proof: Proof::None },
                Target::New(_) => panic!("an update of nothing"),
            };
            return Ok(batch.ops.iter().map(done).collect());
        }
        if self.flaw == Flaw::RefusesUpdates && batch.ops.iter().all(|op| op.verb == Verb::Update) {
            let refused = |_: &WriteOp| {
                let error = Error::new(ErrorKind::Conflict, "changed by somebody else");
                WriteOutcome::Refused(Refusal { why: RefusalKind::Stale, error })
            };
            return Ok(batch.ops.iter().map(refused).collect());
        }
        if self.flaw == Flaw::RefusesByItself && batch.ops.iter().all(|op| op.verb == Verb::Update) {
            let refused = |_: &WriteOp| {
                let error = Error::data("somebody might mind");
                WriteOutcome::Refused(Refusal { why: RefusalKind::Invalid { field: None }, error })
            };
            return Ok(batch.ops.iter().map(refused).collect());
        }
        let repeats = match self.flaw {
            Flaw::Twice => |op: &WriteOp| op.verb == Verb::Update,
            Flaw::TwoRecords => |op: &WriteOp| op.verb == Verb::Create,
            _ => |_: &WriteOp| false,
        };
        let again: Vec<WriteOp> = batch.ops.iter().filter(|op| repeats(op)).map(another).collect();
        let ops: Vec<WriteOp> = batch.ops.iter().map(|op| self.changed(op)).collect();
        let mut written = self.inner.write(entity, WriteBatch::of(ops)).await?;
        for outcome in &mut written {
            if let (Flaw::AsksAgain, WriteOutcome::Refused(refusal)) = (self.flaw, outcome) {
                let error = Error::new(ErrorKind::Unavailable, "not now");
                *refusal = Refusal { why: RefusalKind::Unavailable, error };
            }
        }
        if !again.is_empty() {
            self.inner.write(entity, WriteBatch::of(again)).await?;
        }
        Ok(written)
    }
}

/// Two systems in step that hold one customer.
const IN_STEP: &str = "
    left create 0.0
    run
";

/// What the world says of a script that is played over a broken right system.
fn harms_of(subject: &Subject, script: &str) -> Vec<(Harm, String)> {
    let outcome = play(subject, &Script::parse(script).unwrap()).unwrap();
    let owed = outcome.findings.iter().filter(|finding| finding.owed);
    owed.map(|finding| (finding.harm, finding.to_string())).collect()
}

fn broken(flaw: Flaw, side: Side) -> Subject {
    let subject = Subject::new(kinds(), move |process| {
        let mut process = process.clone();
        match side {
            Side::Left => process.left = Broken::new(process.left, flaw),
            Side::Right => process.right = Broken::new(process.right, flaw),
        }
        integration(&process)
    });
    subject.unwrap()
}

/// A subject that is wrong about few worlds only.
pub(crate) fn subject_that_says_gone() -> Subject {
    broken(Flaw::SaysGone, Side::Left)
}

/// A subject that overwrites what nobody has seen.
pub(crate) fn reckless() -> Subject {
    broken(Flaw::Reckless, Side::Right)
}

/// A subject whose right system has never time for what it will not take.
pub(crate) fn that_asks_again() -> Subject {
    broken(Flaw::AsksAgain, Side::Right)
}

/// A subject whose right system refuses every update of its own accord.
pub(crate) fn that_refuses_by_itself() -> Subject {
    broken(Flaw::RefusesByItself, Side::Right)
}

/// A subject whose left system shows no record and calls each of them hidden.
pub(crate) fn that_hides_records() -> Subject {
    broken(Flaw::SaysHidden, Side::Left)
}

/// A subject whose updates of the right system do not arrive.
pub(crate) fn that_drops_updates() -> Subject {
    broken(Flaw::DropsUpdates, Side::Right)
}

fn check(flaw: Flaw, side: Side, script: &str, harm: Harm) {
    let sound = Subject::new(kinds(), integration).unwrap();
    let script = format!("{IN_STEP}{script}");
    assert_eq!(harms_of(&sound, &script), [], "the script does no harm by itself");
    let found = harms_of(&broken(flaw, side), &script);
    assert!(found.iter().any(|(of, _)| *of == harm), "{flaw:?} did no {}: {found:#?}", harm.words());
}

#[test]
fn i10_writes_without_a_precondition_lose_updates() {
    let sound = Subject::new(kinds(), integration).unwrap();
    let reckless = broken(Flaw::Reckless, Side::Right);
    let mut lost = 0;
    // Whenever the user acts: between the engine's reading and its write it does harm.
    for moment in 1..40 {
        let script = format!("{IN_STEP}left edit 0.0 0\nrun\n  at {moment} right edit 0.0 0\n");
        assert_eq!(harms_of(&sound, &script), [], "at {moment}");
        lost += usize::from(harms_of(&reckless, &script).iter().any(|(harm, _)| *harm == Harm::LostUpdate));
    }
    assert!(lost > 0);
}

#[test]
fn i21_what_is_written_twice_is_an_echo() {
    check(Flaw::Twice, Side::Right, "left edit 0.0 0\nrun\n", Harm::EchoWrite);
    check(Flaw::Twice, Side::Right, "left edit 0.0 0\nrun\n", Harm::NoIntent);
}

#[test]
fn i25_a_create_that_is_sent_under_two_ids_makes_a_duplicate() {
    check(Flaw::TwoRecords, Side::Left, "right create 0.1\nrun\n", Harm::Duplicate);
}

#[test]
fn i23_a_record_that_is_only_hidden_is_not_deleted() {
    check(Flaw::SaysGone, Side::Left, "left hide 0.0\nwait 8000\nrun\n", Harm::WrongDelete);
}

#[test]
fn i12_a_value_that_nobody_wrote_is_an_invention() {
    check(Flaw::Invents, Side::Right, "left edit 0.0 0\nrun\n", Harm::Invention);
    check(Flaw::Crosses, Side::Right, "left edit 0.0 0\nrun\n", Harm::Invention);
}

#[test]
fn i9_an_update_that_is_dropped_is_undone_where_it_came_from() {
    check(Flaw::DropsUpdates, Side::Right, "left edit 0.0 0\nrun\n", Harm::LostUpdate);
}

#[test]
fn i8_a_side_that_never_takes_a_write_never_becomes_quiet() {
    check(Flaw::RefusesUpdates, Side::Right, "left edit 0.0 0\nrun\n", Harm::Unsettled);
}

#[test]
fn i17_a_reading_that_leaves_out_what_comes_last_depends_on_the_order() {
    let script = "
        left: no-order
        right: no-order
        things: 4
        left create 0.0
        left create 0.1
        left create 0.2
        left create 0.3
    ";
    let script = Script::parse(script).unwrap();
    let harms = |subject: &Subject| -> Vec<Harm> {
        order_law(subject, &script).unwrap().findings.iter().map(|finding| finding.harm).collect()
    };
    assert_eq!(harms(&Subject::new(kinds(), integration).unwrap()), []);
    assert!(harms(&broken(Flaw::LeavesOut, Side::Left)).contains(&Harm::OrderMatters));
}

#[test]
fn i16_a_merge_that_prefers_a_side_depends_on_which_it_is() {
    let script = Script::parse("left create 0.0\nrun\nleft edit 0.0 0\nright edit 0.0 0\n").unwrap();
    let sound = mirror_law(&subject(), &script).unwrap();
    assert_eq!(sound.findings, []);
    let mirrored = |process: &Process| mirror(process).reconciler(Arc::new(Wrong::Overwrites)).build();
    let unequal =
        Subject::new(kinds(), |process| builder(process).reconciler(Arc::new(Wrong::Overwrites)).build());
    let found = mirror_law(&unequal.unwrap().mirrored_by(mirrored), &script).unwrap();
    assert!(found.findings.iter().any(|finding| finding.harm == Harm::SidesMatter), "{:#?}", found.findings);
}

#[test]
fn i13_a_field_that_no_rule_carries_is_not_touched() {
    check(Flaw::Touches, Side::Right, "left edit 0.0 0\nrun\n", Harm::Touched);
}

#[test]
fn i28_reading_does_not_go_on_behind_a_change() {
    check(Flaw::SkipsChanges, Side::Right, "run\nright edit 0.0 0\nrun\n", Harm::CursorPassed);
}

#[test]
fn i25_a_copy_of_an_environment_is_not_written_to() {
    check(
        Flaw::Anonymous,
        Side::Right,
        "run\nright clone\nleft edit 0.0 0\nrun\nright return\n",
        Harm::WroteToClone,
    );
}

#[test]
fn i12_a_value_that_is_read_wrongly_is_an_invention_on_the_other_side() {
    check(Flaw::HidesValues, Side::Right, "run\nright edit 0.0 0\nrun\n", Harm::Invention);
}

/// A merge that is wrong in one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// Calls every edit of one side a conflict.
    Quarrels,
    /// Lets the left win every conflict.
    Overwrites,
    /// Takes what is there for agreed.
    Agrees,
}

impl Reconciler for Wrong {
    fn reconcile(&self, case: &Case<'_>) -> Verdict {
        let mut verdict = ThreeWay.reconcile(case);
        let loud: Vec<(usize, Judgement)> = verdict.loud().collect();
        for (group, judgement) in loud {
            let is_edit = matches!(judgement, Judgement::Carry { why: CarryReason::Changed, .. });
            match (self, judgement) {
                (Wrong::Quarrels, _) if is_edit => {
                    verdict.set(group, Judgement::Conflict(ConflictReason::BothChanged));
                }
                (Wrong::Overwrites, Judgement::Conflict(_)) => {
                    verdict.set(group, Judgement::Carry { to: Side::Right, why: CarryReason::PolicyTook });
                }
                (Wrong::Agrees, _) if is_edit => {
                    verdict.set(group, Judgement::Agree(AgreeReason::SameChange));
                }
                _ => {}
            }
        }
        verdict
    }
}

pub(crate) fn check_merge(wrong: Wrong, script: &str, harm: Harm) {
    let script = format!("{IN_STEP}{script}");
    let sound = Subject::new(kinds(), integration).unwrap();
    assert_eq!(harms_of(&sound, &script), [], "the script does no harm by itself");
    let subject = Subject::new(kinds(), move |process| builder(process).reconciler(Arc::new(wrong)).build());
    let found = harms_of(&subject.unwrap(), &script);
    assert!(found.iter().any(|(of, _)| *of == harm), "{wrong:?} did no {}: {found:#?}", harm.words());
}

#[test]
fn i13_a_conflict_over_an_edit_of_one_side_is_false() {
    check_merge(Wrong::Quarrels, "run\nleft edit 0.0 0\nrun\n", Harm::FalseConflict);
}

#[test]
fn i11_a_side_that_always_wins_loses_what_the_other_one_wrote() {
    check_merge(Wrong::Overwrites, "left edit 0.0 0\nright edit 0.0 0\nrun\n", Harm::LostUpdate);
}

/// Nothing has no writer whose value could be missed: what a field held when the two were last in step tells that it gave
/// way.
#[test]
fn i11_a_clear_or_a_reference_that_gives_way_undecided_is_found() {
    let in_step = "left create 0.1\nleft create 1.0\nleft refer 1.0 0\nrun\nrun\n";
    for quarrel in [
        "left edit 0.0 0\nright clear 0.0 0\nrun\n",
        "left clear 0.0 0\nright edit 0.0 0\nrun\n",
        "left refer 1.0 1\nright unrefer 1.0\nrun\n",
    ] {
        let script = format!("{IN_STEP}{in_step}{quarrel}");
        let sound = Subject::new(kinds(), integration).unwrap();
        assert_eq!(harms_of(&sound, &script), [], "{quarrel} does no harm by itself");
        let wins = |process: &Process| builder(process).reconciler(Arc::new(Wrong::Overwrites)).build();
        let found = harms_of(&Subject::new(kinds(), wins).unwrap(), &script);
        assert!(found.iter().any(|(of, _)| *of == Harm::LostUpdate), "{quarrel}: {found:#?}");
    }
}

#[test]
fn i18_what_is_taken_for_agreed_leaves_the_sides_apart() {
    check_merge(Wrong::Agrees, "left edit 0.0 0\nrun\n", Harm::Disagreement);
}

fn check_store(flaw: StoreFlaw, script: &str, harm: Harm) {
    let script = format!("{IN_STEP}{script}");
    let subject = Subject::new(kinds(), integration).unwrap();
    assert_eq!(harms_of(&subject, &script), [], "the script does no harm by itself");
    let found = harms_of(&subject.store(move |clock| Ok(flaw.open(clock))), &script);
    assert!(found.iter().any(|(of, _)| *of == harm), "{flaw:?} did no {}: {found:#?}", harm.words());
}

#[test]
fn i19_a_base_that_the_side_never_held_is_found() {
    check_store(StoreFlaw::WrongBases, "left edit 0.0 0\nrun\n", Harm::UnsoundBase);
}

#[test]
fn i25_a_record_with_two_partners_is_found() {
    check_store(StoreFlaw::TwoPartners, "", Harm::TwoPartners);
}

#[test]
fn i22_an_outcome_without_its_base_is_found() {
    check_store(StoreFlaw::LosesPairs, "left edit 0.0 0\nrun\n", Harm::TornCommit);
    check_store(StoreFlaw::LosesPairs, "left edit 0.0 0\nrun\nright edit 0.0 0\nrun\n", Harm::FalseConflict);
}

#[test]
fn i22_an_outcome_without_what_waits_for_a_person_is_found() {
    check_store(StoreFlaw::LosesAttention, "left edit 0.0 0\nright edit 0.0 0\nrun\n", Harm::TornCommit);
}

/// Users change names of what they know to be linked: they know it in both worlds, or the worlds differ by themselves.
#[test]
fn i27_what_users_know_to_be_linked_is_the_same_whether_a_process_died_or_not() {
    let script = Script::parse("right create 0.0\nrun crash=118\nright rename 0.0 1\n").unwrap();
    assert_eq!(crash_law(&subject(), &script).unwrap().findings, []);
}

/// The process dies between the intent and the write, wherever that is.
#[test]
fn i27_an_intent_that_is_taken_for_an_outcome_loses_what_was_to_be_written() {
    let mut found = 0;
    // The intent is durable at some step of these.
    for step in 150..180 {
        let script = Script::parse(&format!("{IN_STEP}left edit 0.0 0\nrun crash={step}\nrun\n")).unwrap();
        let harms = |subject: &Subject| -> Vec<Harm> {
            crash_law(subject, &script).unwrap().findings.iter().map(|finding| finding.harm).collect()
        };
        assert_eq!(harms(&unswept()), [], "crash={step}");
        let broken = unswept().store(|clock| Ok(StoreFlaw::EndsWithIntent.open(clock)));
        found += usize::from(harms(&broken).contains(&Harm::CrashMatters));
    }
    assert!(found > 0);
}

/// An integration whose state is lost with every process.
fn forgetful(process: &Process) -> Result<Integration> {
    builder(process).store(Arc::new(MemoryStore::new(process.clock.clone()))).build()
}

#[test]
fn i24_a_state_that_is_lost_brings_back_what_was_deleted_and_i26_has_no_intents() {
    let subject = Subject::new(kinds(), forgetful).unwrap();
    let script = format!("{IN_STEP}run\nright delete 0.0\nright clone\nright return\nrun\n");
    let found = harms_of(&subject, &script);
    for harm in [Harm::Resurrection, Harm::NoIntent] {
        assert!(found.iter().any(|(of, _)| *of == harm), "no {}: {found:#?}", harm.words());
    }
}
