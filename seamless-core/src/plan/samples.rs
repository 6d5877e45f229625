//! Plans for tests: one of everything by hand, and any entry by strategy. Test code only.

use proptest::prelude::{BoxedStrategy, Just, Strategy, any, prop_oneof};
use proptest::{collection::vec, option};

use super::{
    Action, Basis, Body, Changes, ConflictView, ConflictWhy, Effect, Entry, EntryKey, Feed, FieldChange,
    Guarantee, GuardTrip, Holding, ParkReason, Parked, PlanHead, PlannedExpects, PlannedGround,
    PlannedTarget, PlannedVerb, Provenance, Rank, Reason, SystemIdentity, Wait,
};
use crate::connector::{AbsenceProof, Capability, Cursor, GoneProof, Tombstone};
use crate::mapper::{Ask, MapProblem};
use crate::model::{
    ActionId, FieldName, Planned, RecordId, RuleId, SetValue, Side, Sides, Slot, Timestamp, Value, Version,
};

pub(crate) fn at(text: &str) -> Timestamp {
    chrono::DateTime::parse_from_rfc3339(text).unwrap().to_utc()
}

pub(crate) fn head() -> PlanHead {
    let system = |side: &str, system: &str, label: &str| SystemIdentity {
        side: side.into(),
        system: system.into(),
        identity: format!("{side}-1"),
        label: label.into(),
    };
    let lowered = |link: &str, words: &str, holding: Holding| Guarantee {
        link: link.into(),
        side: Side::Right,
        invariant: "I10".into(),
        holding,
        lacks: Some(Capability::ConditionalUpdate),
        words: words.into(),
    };
    PlanHead {
        id: "p1".into(),
        partition: "main".into(),
        made_at: at("2024-05-01T10:00:00Z"),
        systems: Sides::new(system("crm", "dynamics", "Sales"), system("erp", "bc", "CRONUS")),
        configuration: "00ff".into(),
        links: vec!["customers".into(), "contacts".into()],
        state_revision: 7,
        guarantee: vec![
            lowered("customers", "edits in erp can be overwritten", Holding::NotPromised),
            lowered("contacts", "edits in erp can be overwritten", Holding::NotPromised),
            lowered("contacts", "a create can wait", Holding::Reported),
            lowered("contacts", "everything else is fine", Holding::Holds),
        ],
        actions: Vec::new(),
        sets_off: Vec::new(),
    }
}

pub(crate) fn trip() -> GuardTrip {
    GuardTrip {
        guard: "customers.deletes.right".into(),
        link: Some("customers".into()),
        side: Some(Side::Right),
        found: "60 of 100 records would be deleted in erp".into(),
        remedy: "look at them".into(),
    }
}

pub(crate) fn entry(rank: Rank, side: Side, id: &str, body: Body) -> Entry {
    let mut ids = Sides::new(None, None);
    *ids.of_mut(side) = Some(RecordId::text(id));
    Entry {
        key: EntryKey { rank, link: 0, side, id: RecordId::text(id), part: 0 },
        link: "customers".into(),
        ids,
        basis: Basis::default(),
        observed: Sides::new(None, None),
        settles: [0usize, 2].into_iter().collect(),
        body,
    }
}

pub(crate) fn change(field: &str, before: Slot, after: Planned, from: Provenance) -> FieldChange {
    FieldChange { rule: Some("phone".into()), field: field.into(), before, after, from }
}

pub(crate) fn action(side: Side, verb: PlannedVerb, target: PlannedTarget, reason: Reason) -> Action {
    Action {
        id: ActionId::derive(&[b"sample"]),
        side,
        target,
        verb,
        changes: Changes::none(),
        expects: PlannedExpects::Anything,
        reason,
        waits_for: vec![],
    }
}

pub(crate) fn wait() -> Wait {
    let ask = Ask::Partner { link: "contacts".into(), side: Side::Left, id: RecordId::text("k1") };
    Wait { action: ActionId::derive(&[b"creates k1"]), ask }
}

pub(crate) fn text(text: &str) -> Slot {
    Slot::Value(Value::text(text))
}

/// A plan that has one of everything, in key order.
pub(crate) fn one_of_everything() -> Vec<Entry> {
    let state = |id: &str, effect| entry(Rank::State, Side::Left, id, Body::Effect(effect));
    let mut linked = state("c1", Effect::Link { line: 0 });
    linked.ids.right = Some(RecordId::text("r1"));
    let mut agreed = state("c2", Effect::Agree);
    agreed.ids.right = Some(RecordId::text("r2"));
    let conflict = state(
        "c3",
        Effect::OpenConflict(ConflictView {
            rules: vec!["phone".into()],
            why: ConflictWhy::BothChanged,
            fields: Sides::new(
                vec![("phone".into(), text("1"), text("2"))],
                vec![("Phone No.".into(), Slot::Absent, text("3"))],
            ),
        }),
    );
    let parked = state(
        "c5",
        Effect::Park(Parked {
            side: Side::Left,
            id: Some(RecordId::text("c5")),
            rules: vec!["terms".into()],
            why: ParkReason::Map(MapProblem::Unmappable),
            message: "\"60D\" is not in the list".into(),
            remedy: "add it".into(),
        }),
    );
    let mut created = action(Side::Right, PlannedVerb::Create, PlannedTarget::New, Reason::NoPartner);
    created.expects = PlannedExpects::Missing;
    created.changes = Changes::of(vec![
        change("Name", Slot::Absent, Planned::Known(Value::text("Adatum")), Provenance::Created),
        change("No.", Slot::Absent, Planned::TargetDecides, Provenance::Lifecycle),
    ]);
    created.waits_for = vec![wait()];
    let mut created = entry(Rank::Create, Side::Right, "c10", Body::Act(created));
    created.ids = Sides::new(Some(RecordId::text("c10")), None);
    let mut updated = action(
        Side::Right,
        PlannedVerb::Update,
        PlannedTarget::Existing(RecordId::text("r11")),
        Reason::Changed,
    );
    updated.expects = PlannedExpects::Version(Version::new("w7"));
    updated.changes = Changes::of(vec![
        change("Phone", text("555-01"), Planned::Known(Value::text("555-02")), Provenance::Changed),
        change("Limit", text("9"), Planned::Known(Value::Int(10)), Provenance::Restored),
        change("Contact", text(""), Planned::ResultOf(ActionId::derive(&[b"x"])), Provenance::Changed),
    ]);
    let mut updated = entry(Rank::Update, Side::Right, "r11", Body::Act(updated));
    updated.ids.left = Some(RecordId::text("c11"));
    let deleted = action(
        Side::Right,
        PlannedVerb::Delete(PlannedGround::Absent(AbsenceProof::Gone(GoneProof {
            id: RecordId::text("c12"),
            seen: "row c12 is not there".into(),
        }))),
        PlannedTarget::Existing(RecordId::text("r12")),
        Reason::PartnerGone,
    );
    let feed = Feed {
        cursor: Some(Cursor::new(vec![0, 255])),
        enumerated_at: Some(at("2024-05-01T09:00:00Z")),
        enumerated: 12,
    };
    vec![
        linked,
        agreed,
        conflict,
        state("c4", Effect::CloseConflict { rules: vec!["phone".into()] }),
        parked,
        state("c6", Effect::EndPair { gone: Sides::new(true, false) }),
        state("c7", Effect::Freeze { side: Side::Left }),
        state("c8", Effect::Thaw),
        state("c9", Effect::Diverged { rules: vec![] }),
        created,
        updated,
        entry(Rank::Delete, Side::Right, "r12", Body::Act(deleted)),
        entry(Rank::Cursor, Side::Left, "", Body::Effect(Effect::Cursor { side: Side::Left, feed })),
    ]
}

/// Values whose text is `word`s: every kind that can hold text.
fn value(word: &'static str) -> impl Strategy<Value = Value> + Clone {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        word.prop_map(|text| Value::text(&text)),
        vec(word, 0..3)
            .prop_map(|texts| Value::Set(SetValue::new(texts.iter().map(|text| Value::text(text))))),
        (any::<i64>(), 0u8..6)
            .prop_map(|(mantissa, scale)| Value::Decimal(crate::model::Decimal::new(mantissa, scale))),
    ]
    .boxed()
}

fn slot(word: &'static str) -> impl Strategy<Value = Slot> + Clone {
    prop_oneof![1 => Just(Slot::Absent), 1 => Just(Slot::Unreadable), 6 => value(word).prop_map(Slot::Value)]
        .boxed()
}

fn provenance() -> impl Strategy<Value = Provenance> + Clone {
    use Provenance as P;
    prop_oneof![
        Just(P::Changed),
        Just(P::Created),
        Just(P::FilledBlank),
        Just(P::FirstLinkAuthority),
        Just(P::PolicyOverwrote),
        Just(P::Restored),
        Just(P::Resolved { by: "kim".into() }),
        Just(P::Merged),
        Just(P::Lifecycle)
    ]
    .boxed()
}

fn side() -> impl Strategy<Value = Side> + Clone {
    prop_oneof![Just(Side::Left), Just(Side::Right)]
}

fn some_action(word: &'static str) -> impl Strategy<Value = Body> {
    let verb = prop_oneof![
        Just(PlannedVerb::Create),
        Just(PlannedVerb::Update),
        Just(PlannedVerb::Action { name: "reopen".into(), back: Some(Value::text(word)) }),
        Just(PlannedVerb::Delete(PlannedGround::LeftScope)),
        Just(PlannedVerb::Delete(PlannedGround::Absent(AbsenceProof::Tombstone(Tombstone {
            id: RecordId::int(3),
            version: None,
            merged_into: Some(RecordId::int(4)),
        })))),
    ];
    let target = prop_oneof![
        Just(PlannedTarget::Existing(RecordId::int(5))),
        Just(PlannedTarget::New),
        Just(PlannedTarget::CreatedBy(wait()))
    ];
    let expects = prop_oneof![
        Just(PlannedExpects::Anything),
        Just(PlannedExpects::Missing),
        Just(PlannedExpects::Before),
        Just(PlannedExpects::Released { fields: vec!["No.".into()] }),
        Just(PlannedExpects::Version(Version::new("v1")))
    ];
    let change = (slot(word), value(word), provenance())
        .prop_map(|(before, after, from)| change("Phone", before, Planned::Known(after), from));
    (side(), verb, target, expects, vec(change, 0..3), option::of(Just(wait()))).prop_map(
        |(side, verb, target, expects, changes, wait)| {
            let waits_for = wait.into_iter().collect();
            let changes = Changes::of(changes);
            Body::Act(Action { expects, changes, waits_for, ..action(side, verb, target, Reason::Changed) })
        },
    )
}

fn some_effect(word: &'static str) -> BoxedStrategy<Body> {
    let held = vec((slot(word), slot(word)), 0..3)
        .prop_map(|held| {
            held.into_iter().map(|(base, now)| (FieldName::from("Phone"), base, now)).collect::<Vec<_>>()
        })
        .boxed();
    let rules = || vec![RuleId::from("phone")];
    prop_oneof![
        Just(Effect::Link { line: 1 }),
        Just(Effect::Agree),
        Just(Effect::Thaw),
        option::of(Just(RecordId::int(9)))
            .prop_map(|left| Effect::Relink { into: Sides::new(left, Some(RecordId::text("b"))) }),
        Just(Effect::CloseConflict { rules: rules() }),
        Just(Effect::Diverged { rules: rules() }),
        side().prop_map(|side| Effect::Freeze { side }),
        any::<(bool, bool)>().prop_map(|(left, right)| Effect::EndPair { gone: Sides::new(left, right) }),
        side().prop_map(|side| Effect::Cursor {
            side,
            feed: Feed { cursor: None, enumerated_at: None, enumerated: 3 }
        }),
        (held.clone(), held).prop_map(|(left, right)| Effect::OpenConflict(ConflictView {
            rules: vec!["phone".into()],
            why: ConflictWhy::Drift,
            fields: Sides::new(left, right),
        })),
        (side(), word, word).prop_map(|(side, message, remedy)| Effect::Park(Parked {
            side,
            id: None,
            rules: vec![],
            why: ParkReason::Refused,
            message,
            remedy,
        })),
    ]
    .prop_map(Body::Effect)
    .boxed()
}

/// Any entry; `word` is the pattern of every text in it that can come from a value.
pub(crate) fn any_entry(word: &'static str) -> impl Strategy<Value = Entry> {
    let body = prop_oneof![some_action(word).boxed(), some_effect(word)];
    (0usize..7, side(), 0i64..50, 0u16..3, body).prop_map(|(rank, side, id, part, body)| {
        let mut made = entry(Rank::ALL[rank], side, &id.to_string(), body);
        made.key.part = part;
        made.link = if id % 2 == 0 { "customers".into() } else { "contacts".into() };
        made
    })
}
