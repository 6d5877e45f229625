//! Random schedules: users edit, clear, create, delete and restore records on both sides, between and inside runs that
//! meet faults and crashes, over systems that can more or less. Whatever happened, when all is quiet the sides agree or
//! say where they do not, and nothing that a user wrote is lost, invented or doubled.

use std::time::Duration;

use futures::executor::block_on;
use proptest::prelude::*;
use seamless_connectors::memory::Fault;
use seamless_core::connector::RefusalKind;
use seamless_core::model::{ErrorKind, RecordId, Side};
use seamless_core::plan::{Guarantee, PairStatus};
use seamless_core::store::{AttentionWhy, Mark, Scan};

use super::ledger::{KINDS, of};
use super::level::{Level, holds};
use super::players::{Deed, Players, Step, What, approve_all};
use super::world::{World, crm, erp};

const THINGS: usize = 3;

fn side() -> impl Strategy<Value = Side> {
    prop_oneof![Just(Side::Left), Just(Side::Right)]
}

fn deed() -> impl Strategy<Value = Deed> {
    let what = prop_oneof![
        4 => Just(What::Create),
        6 => (0usize..3).prop_map(What::Edit),
        2 => (0usize..3).prop_map(What::Clear),
        1 => (0usize..3).prop_map(What::EditBoth),
        3 => (0..THINGS).prop_map(What::Refer),
        1 => Just(What::ReferToNothing),
        1 => Just(What::Note),
        2 => Just(What::Delete),
        1 => Just(What::Undelete),
    ];
    (side(), 0usize..2, 0..THINGS, what).prop_map(|(side, kind, thing, what)| Deed {
        side,
        kind,
        thing,
        what,
    })
}

/// What users do in the middle of a run: no record comes or goes, since two creates of one thing at one moment are two
/// records by the users' own doing.
fn quick_deed() -> impl Strategy<Value = Deed> {
    let what = prop_oneof![
        4 => (0usize..3).prop_map(What::Edit),
        1 => (0usize..3).prop_map(What::Clear),
        1 => (0..THINGS).prop_map(What::Refer),
        1 => Just(What::Note),
    ];
    (side(), 0usize..2, 0..THINGS, what).prop_map(|(side, kind, thing, what)| Deed {
        side,
        kind,
        thing,
        what,
    })
}

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        3 => Just(Fault::LostReply),
        2 => Just(Fault::LostRequest),
        1 => Just(Fault::Refused(RefusalKind::Stale)),
        1 => Just(Fault::Refused(RefusalKind::Unavailable)),
        1 => Just(Fault::RefusedAt(0, RefusalKind::Throttled { wait: None })),
        1 => Just(Fault::WriteFails(ErrorKind::Unavailable)),
        1 => (0usize..2).prop_map(Fault::CutOff),
        1 => (0usize..2).prop_map(|pages| Fault::ReadFailsAfter(pages, ErrorKind::Unavailable)),
        1 => Just(Fault::FetchFails(ErrorKind::Unavailable)),
        1 => Just(Fault::FetchUnanswered),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        10 => deed().prop_map(Step::Deed),
        3 => Just(Step::Run),
        2 => (side(), prop::collection::vec(quick_deed(), 1..4)).prop_map(|(side, deeds)| Step::RunRushed(side, deeds)),
        2 => (side(), fault()).prop_map(|(side, fault)| Step::RunFaulty(side, fault)),
        2 => (0usize..500).prop_map(Step::RunCrashing),
    ]
}

/// Few enough for every build; `PROPTEST_CASES` asks for more.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(150)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), max_shrink_iters: 3000, ..ProptestConfig::default() })]

    #[test]
    fn i8_to_i13_whatever_happens_the_sides_agree_or_say_where_they_do_not(
        left in prop::sample::select(&Level::ALL[..]),
        right in prop::sample::select(&Level::ALL[..]),
        steps in prop::collection::vec(step(), 1..40),
    ) {
        play(left, right, &steps);
    }
}

fn play(left: Level, right: Level, steps: &[Step]) {
    let mut world = World::of(crm(&|can| left.change(can)), erp(&|can| right.change(can)));
    let players = Players::new(&world);
    let promised = world.plan().head().guarantee.clone();
    // A side where writes in flight may overwrite an edit: what was written there in that window is not promised.
    let overwrites = [Side::Left, Side::Right]
        .map(|side| !holds(&promised, "I10", side) || !holds(&promised, "I11", side));
    for step in steps {
        players.step(&mut world, step);
        players.ledger().check_always(&players.systems, overwrites);
    }
    settle(&world);
    players.ledger().check_always(&players.systems, overwrites);
    players.ledger().check_lost(&players.systems, overwrites);
    check_quiet(&world);
    let marks = KINDS.map(|kind| marks(&world, kind.link));
    check_agreement(&world, &players, &marks);
    check_deletes(&players, &marks, &promised);
}

/// Runs until a plan is empty, with so much time in between that everything that was put off is due.
fn settle(world: &World) {
    world.crm.fail_no_more();
    world.erp.fail_no_more();
    for _ in 0..15 {
        world.pass(Duration::from_secs(2 * 3600));
        let ran = block_on(world.integration.run(approve_all));
        if ran.is_ok_and(|report| report.quiet && report.plans.len() == 1) {
            return;
        }
    }
    let plan = world.plan();
    panic!("I8: it never becomes quiet:\n{}\n{:#?}", world.text(&plan), world.waiting());
}

/// I7, I21: a plan of a quiet world is empty, and nothing is written.
fn check_quiet(world: &World) {
    let before = (world.crm.counts().ops, world.erp.counts().ops);
    let plan = world.plan();
    assert!(plan.is_empty(), "I7: {}", world.text(&plan));
    block_on(world.integration.run(approve_all)).unwrap();
    assert_eq!((world.crm.counts().ops, world.erp.counts().ops), before, "I7: it wrote");
}

fn marks(world: &World, link: &str) -> Vec<Mark> {
    block_on(world.store.marks(&link.into(), Side::Left, Scan::first(10_000))).unwrap().rows
}

fn live(marks: &[Mark]) -> impl Iterator<Item = &Mark> {
    marks.iter().filter(|mark| mark.status != PairStatus::Ended)
}

/// I8, I9: every rule of every pair holds or waits, and every record has a partner or waits.
fn check_agreement(world: &World, players: &Players, marks: &[Vec<Mark>; 2]) {
    let waiting = world.waiting();
    for (number, kind) in KINDS.iter().enumerate() {
        let waits = |side: Side, id: &RecordId, rule: &str| {
            waiting
                .iter()
                .filter(|(link, row)| link.as_str() == kind.link && (row.side, &row.id) == (side, id))
                .any(|(_, row)| match &row.why {
                    AttentionWhy::Conflict { rules, .. } => rules.iter().any(|known| known.as_str() == rule),
                    AttentionWhy::Parked { rules, .. } => {
                        rules.is_empty() || rules.iter().any(|known| known.as_str() == rule)
                    }
                    AttentionWhy::Hint { .. } | AttentionWhy::Retry { .. } => false,
                })
        };
        for side in Side::BOTH {
            for row in players.systems.of(side).rows(of(kind.entity, side)) {
                let is_paired = live(&marks[number]).any(|mark| *mark.ids.of(side) == row.id);
                assert!(
                    is_paired || waits(side, &row.id, ""),
                    "I9: {side} {} {} has no partner",
                    kind.link,
                    row.id
                );
            }
        }
        for mark in live(&marks[number]) {
            let either_waits =
                |rule: &str| Side::BOTH.into_iter().any(|side| waits(side, mark.ids.of(side), rule));
            let there =
                |side: Side| players.systems.of(side).get(of(kind.entity, side), mark.ids.of(side)).is_some();
            if !there(Side::Left) || !there(Side::Right) {
                assert!(either_waits(""), "I9: half of {} is gone unnoticed", mark.ids.left);
                continue;
            }
            let value = |side: Side, field: &str| {
                players.systems.of(side).value(of(kind.entity, side), mark.ids.of(side), field).unwrap()
            };
            for pair in kind.carried {
                let shown = Side::BOTH.map(|side| value(side, of(*pair, side)).to_string());
                let same = match pair[0] {
                    "phone" => digits(&shown[0]) == digits(&shown[1]),
                    _ => shown[0] == shown[1],
                };
                let rule = format!("{}={}", pair[0], pair[1]);
                assert!(same || either_waits(&rule), "I8: {} {rule}: {shown:?}", mark.ids.left);
            }
            let partner = translated(&marks[kind.refers_to], &value(Side::Left, kind.reference[0]));
            let held = target(&value(Side::Right, kind.reference[1]));
            let rule = format!("{}={}", kind.reference[0], kind.reference[1]);
            let same = partner.as_ref() == Some(&held);
            assert!(same || either_waits(&rule), "I8: {} {rule}: {partner:?}, {held:?}", mark.ids.left);
        }
    }
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

fn target(value: &seamless_core::model::Value) -> Option<RecordId> {
    match value {
        seamless_core::model::Value::Reference(reference) => Some(reference.id.clone()),
        _ => None,
    }
}

/// What a reference of the left is on the right: nothing for nothing; the outer `None` where there is no partner. A
/// reference to what is deleted on both sides stays what it was.
fn translated(marks: &[Mark], value: &seamless_core::model::Value) -> Option<Option<RecordId>> {
    let Some(id) = target(value) else { return Some(None) };
    let mut ended = marks.iter().filter(|mark| mark.ids.left == id);
    let known = live(marks).find(|mark| mark.ids.left == id).or_else(|| ended.next());
    known.map(|mark| Some(mark.ids.right.clone()))
}

/// I23: what is gone without a user's doing had a partner that a user deleted; where absence cannot be proven,
/// nothing is gone.
fn check_deletes(players: &Players, marks: &[Vec<Mark>; 2], promised: &[Guarantee]) {
    let ledger = players.ledger();
    for (side, kind, id) in ledger.gone(&players.systems) {
        let mut partners = marks[kind].iter().filter(|mark| *mark.ids.of(side) == id);
        let deleted = partners.any(|mark| ledger.was_deleted(side.other(), kind, mark.ids.of(side.other())));
        assert!(deleted, "I23: {side} {} {id} was deleted for no reason", KINDS[kind].link);
        assert!(holds(promised, "I23", side.other()), "I23: {side} {id} was deleted without a proof");
    }
}
