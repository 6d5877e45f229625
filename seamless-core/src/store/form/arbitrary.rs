//! Arbitrary values, records and entries for the properties of stores: every kind, every variant, hostile names.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::rc::Rc;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::{BoxedStrategy, Just, Strategy, any, prop_oneof};
use proptest::sample::{Index, select};

use crate::connector::{AbsenceProof, Cursor, GoneProof, Tombstone, Versioned};
use crate::mapper::{Ask, MapProblem};
use crate::merge::LossyForm;
use crate::model::{
    ActionId, Bits, CanonicalForm, Decimal, EntityName, FieldName, Instant, KeyPart, LinkId, Normaliser,
    Planned, Record, RecordBuilder, RecordId, Reference, RuleId, SetValue, Shape, Side, Sides, Slot,
    Timestamp, Value, Version,
};
use crate::plan::{
    Action, Basis, Body, ConflictView, ConflictWhy, Effect, Entry, EntryKey, Feed, FieldChange, ParkReason,
    Parked, PlannedExpects, PlannedGround, PlannedTarget, PlannedVerb, Provenance, Rank, Reason, Return,
    Suspicion, Trail, Wait,
};

const FIELDS: [&str; 6] = ["No.", "Credit Limit (LCY)", "name", "", "ünï", "a'b\"c"];

pub(crate) fn side() -> impl Strategy<Value = Side> {
    select(Side::BOTH.to_vec())
}

pub(crate) fn sides<T: std::fmt::Debug>(
    one: impl Strategy<Value = T> + Clone,
) -> impl Strategy<Value = Sides<T>> {
    (one.clone(), one).prop_map(|(left, right)| Sides { left, right })
}

pub(crate) fn record_id() -> impl Strategy<Value = RecordId> + Clone {
    let part = prop_oneof![
        any::<i64>().prop_map(KeyPart::Int),
        "[\\x00-\\x02a-cü]{0,4}".prop_map(|text| KeyPart::Text(text.into())),
    ];
    vec(part, 1..3).prop_map(|parts| RecordId::of_parts(&parts))
}

pub(crate) fn moment() -> impl Strategy<Value = Timestamp> + Clone {
    (-8_000_000_000_i64..8_000_000_000, 0_u32..1_000_000_000)
        .prop_map(|(seconds, nanos)| DateTime::from_timestamp(seconds, nanos).unwrap())
}

pub(crate) fn version() -> impl Strategy<Value = Version> + Clone {
    "[ -~]{0,8}".prop_map(Version::new)
}

fn date() -> impl Strategy<Value = NaiveDate> {
    (-3_000_000_i32..4_000_000).prop_map(|days| NaiveDate::from_num_days_from_ce_opt(days).unwrap())
}

fn time() -> impl Strategy<Value = NaiveTime> {
    let usual = (0_u32..86_400, 0_u32..1_000_000_000);
    let leap = (0_u32..1_440, 1_000_000_000_u32..2_000_000_000)
        .prop_map(|(minute, nanos)| (minute * 60 + 59, nanos));
    prop_oneof![usual, leap]
        .prop_map(|(seconds, nanos)| NaiveTime::from_num_seconds_from_midnight_opt(seconds, nanos).unwrap())
}

fn decimal() -> impl Strategy<Value = Decimal> {
    prop_oneof![
        (any::<i64>(), any::<u8>()).prop_map(|(mantissa, scale)| Decimal::new(mantissa, scale)),
        "-?[1-9][0-9]{18,60}(\\.[0-9]{1,40})?".prop_map(|text| text.parse().unwrap()),
    ]
}

/// A value of any kind; sets and lists hold values in turn.
pub(crate) fn value() -> BoxedStrategy<Value> {
    let offset = of((-840_i16..840).prop_filter("records cannot hold it", |minutes| *minutes != -1));
    let plain = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        decimal().prop_map(Value::Decimal),
        any::<u64>().prop_map(|bits| Value::Float(f64::from_bits(bits))),
        "\\PC{0,12}".prop_map(|text| Value::text(&text)),
        date().prop_map(Value::Date),
        time().prop_map(Value::Time),
        (date(), time()).prop_map(|(date, time)| Value::LocalDateTime(NaiveDateTime::new(date, time))),
        (moment(), offset).prop_map(|(utc, offset_minutes)| Value::Instant(Instant { utc, offset_minutes })),
        vec(any::<u8>(), 0..6).prop_map(|bytes| Value::Bytes(bytes.into())),
        ("[a-c]{0,3}", record_id()).prop_map(|(entity, id)| {
            Value::Reference(Arc::new(Reference { entity: EntityName::from(entity), id }))
        }),
    ];
    plain
        .prop_recursive(3, 12, 3, |inner| {
            prop_oneof![
                vec(inner.clone(), 0..4).prop_map(|members| Value::Set(SetValue::new(members))),
                vec(record_of(slot_of(inner)), 0..3).prop_map(|records| Value::List(records.into())),
            ]
        })
        .boxed()
}

fn slot_of(value: impl Strategy<Value = Value> + 'static) -> BoxedStrategy<Slot> {
    prop_oneof![1 => Just(Slot::Absent), 1 => Just(Slot::Unreadable), 6 => value.prop_map(Slot::Value)]
        .boxed()
}

pub(crate) fn slot() -> BoxedStrategy<Slot> {
    slot_of(value())
}

fn record_of(slot: BoxedStrategy<Slot>) -> impl Strategy<Value = Record> {
    (0..=FIELDS.len(), any::<bool>()).prop_flat_map(move |(fields, reversed)| {
        let mut names: Vec<FieldName> =
            FIELDS.iter().take(fields).map(|name| FieldName::from(*name)).collect();
        if reversed {
            names.reverse();
        }
        let shape = Shape::new(names).unwrap();
        vec(slot.clone(), fields).prop_map(move |slots| {
            let mut record = RecordBuilder::new(&shape);
            slots.iter().for_each(|slot| record.push(slot.as_presence()));
            record.finish()
        })
    })
}

/// A record of one of a few shapes.
pub(crate) fn record() -> impl Strategy<Value = Record> + Clone {
    Rc::new(record_of(slot()).boxed())
}

pub(crate) fn versioned() -> impl Strategy<Value = Versioned> {
    (record_id(), of(version()), of(moment()), record())
        .prop_map(|(id, version, modified, record)| Versioned { id, version, modified, record })
}

pub(crate) fn key() -> impl Strategy<Value = EntryKey> {
    (select(Rank::ALL.to_vec()), any::<u16>(), side(), record_id(), any::<u16>())
        .prop_map(|(rank, link, side, id, part)| EntryKey { rank, link, side, id, part })
}

fn link() -> impl Strategy<Value = LinkId> + Clone {
    "[a-c ]{0,3}".prop_map(LinkId::from)
}

fn rule() -> impl Strategy<Value = RuleId> + Clone {
    "[a-c.]{0,3}".prop_map(RuleId::from)
}

fn action_id() -> impl Strategy<Value = ActionId> + Clone {
    any::<[u8; 16]>().prop_map(ActionId::from_bytes)
}

fn ask() -> impl Strategy<Value = Ask> + Clone {
    (link(), any::<bool>(), record_id()).prop_map(|(link, left, id)| {
        let side = if left { Side::Left } else { Side::Right };
        Ask::Partner { link, side, id }
    })
}

fn wait() -> impl Strategy<Value = Wait> + Clone {
    (action_id(), ask()).prop_map(|(action, ask)| Wait { action, ask })
}

fn target() -> impl Strategy<Value = PlannedTarget> {
    prop_oneof![
        record_id().prop_map(PlannedTarget::Existing),
        Just(PlannedTarget::New),
        wait().prop_map(PlannedTarget::CreatedBy),
    ]
}

fn verb() -> impl Strategy<Value = PlannedVerb> {
    let tombstone = (record_id(), of(version()), of(record_id()))
        .prop_map(|(id, version, merged_into)| Tombstone { id, version, merged_into })
        .prop_map(AbsenceProof::Tombstone);
    let gone = (record_id(), "\\PC{0,9}").prop_map(|(id, seen)| AbsenceProof::Gone(GoneProof { id, seen }));
    prop_oneof![
        Just(PlannedVerb::Create),
        Just(PlannedVerb::Update),
        prop_oneof![tombstone, gone].prop_map(|proof| PlannedVerb::Delete(PlannedGround::Absent(proof))),
        Just(PlannedVerb::Delete(PlannedGround::LeftScope)),
        ("[a-c]{1,3}", of(value()))
            .prop_map(|(name, back)| PlannedVerb::Action { name: name.as_str().into(), back }),
    ]
}

fn expects() -> impl Strategy<Value = PlannedExpects> {
    prop_oneof![
        Just(PlannedExpects::Anything),
        Just(PlannedExpects::Missing),
        version().prop_map(PlannedExpects::Version),
        Just(PlannedExpects::Before),
        Just(PlannedExpects::AsLeft),
        vec(select(FIELDS.to_vec()).prop_map(FieldName::from), 0..3)
            .prop_map(|fields| PlannedExpects::Released { fields }),
    ]
}

fn planned() -> impl Strategy<Value = Planned> {
    prop_oneof![
        value().prop_map(Planned::Known),
        action_id().prop_map(Planned::ResultOf),
        Just(Planned::TargetDecides),
    ]
}

fn provenance() -> impl Strategy<Value = Provenance> {
    prop_oneof![
        select(vec![
            Provenance::Changed,
            Provenance::Created,
            Provenance::FilledBlank,
            Provenance::FirstLinkAuthority,
            Provenance::PolicyOverwrote,
            Provenance::Restored,
            Provenance::Merged,
            Provenance::Lifecycle,
            Provenance::Released,
            Provenance::OnTheWay,
            Provenance::Opened,
            Provenance::AsBefore,
        ]),
        "\\PC{0,5}".prop_map(|by| Provenance::Resolved { by }),
    ]
}

fn change() -> impl Strategy<Value = FieldChange> {
    (of(rule()), select(FIELDS.to_vec()), slot(), planned(), provenance()).prop_map(
        |(rule, field, before, after, from)| FieldChange { rule, field: field.into(), before, after, from },
    )
}

/// Changes of an action: no field twice.
pub(crate) fn changes() -> impl Strategy<Value = Vec<FieldChange>> {
    vec(change(), 0..4).prop_map(|mut changes| {
        let mut known = Vec::new();
        changes.retain(|change| {
            let new = !known.contains(&change.field);
            known.push(change.field.clone());
            new
        });
        changes
    })
}

fn action() -> impl Strategy<Value = Action> {
    let reason = select(vec![
        Reason::Changed,
        Reason::NoPartner,
        Reason::FirstLink,
        Reason::LateReference,
        Reason::PartnerGone,
        Reason::PartnerLeftScope,
        Reason::Restore,
        Reason::Resolution,
        Reason::ReleaseKey,
        Reason::State,
        Reason::Opened,
        Reason::ClosedAgain,
    ]);
    (action_id(), side(), target(), verb(), changes(), expects(), reason, vec(wait(), 0..2)).prop_map(
        |(id, side, target, verb, changes, expects, reason, waits_for)| Action {
            id,
            side,
            target,
            verb,
            changes: changes.into(),
            expects,
            reason,
            waits_for,
        },
    )
}

pub(crate) fn feed() -> impl Strategy<Value = Feed> {
    let cursor = vec(any::<u8>(), 0..5).prop_map(Cursor::new);
    (of(cursor), of(moment()), any::<u64>()).prop_map(|(cursor, enumerated_at, enumerated)| Feed {
        cursor,
        enumerated_at,
        enumerated,
    })
}

fn conflict() -> impl Strategy<Value = ConflictView> {
    let why = select(vec![ConflictWhy::BothChanged, ConflictWhy::FirstLink, ConflictWhy::Drift]);
    let shown = vec((select(FIELDS.to_vec()).prop_map(FieldName::from), slot(), slot()), 0..3).boxed();
    (vec(rule(), 0..3), why, sides(Rc::new(shown))).prop_map(|(rules, why, fields)| ConflictView {
        rules,
        why,
        fields,
    })
}

pub(crate) fn suspicion() -> impl Strategy<Value = Suspicion> {
    let form = prop_oneof![
        any::<u32>()
            .prop_map(|length| CanonicalForm::new([Normaliser::Case, Normaliser::Truncated(length)]))
            .prop_map(LossyForm::Folded),
        any::<(u8, u8)>().prop_map(|(least, most)| LossyForm::Rounded { least, most }),
        any::<(u8, u8)>().prop_map(|(least, most)| LossyForm::Dropped { least, most }),
    ];
    ("[a-c]{1,3}", form, "[0-9a-f]{16}").prop_map(|(field, form, sent)| Suspicion {
        field: field.as_str().into(),
        form,
        sent,
    })
}

fn slots() -> impl Strategy<Value = Bits> + Clone {
    vec(0usize..200, 0..4).prop_map(|slots| slots.into_iter().collect())
}

pub(crate) fn trail() -> impl Strategy<Value = Trail> {
    let of = (rule(), vec(any::<(u64, u8)>(), 0..3)).prop_map(|(rule, values)| Return { rule, values });
    let replaced = sides(vec(version(), 0..3));
    (sides(slots()), sides(slots()), vec(of, 0..2), replaced).prop_map(
        |(acknowledged, written, returns, replaced)| Trail { acknowledged, written, returns, replaced },
    )
}

fn parked() -> impl Strategy<Value = Parked> {
    let problem = prop_oneof![
        select(vec![
            MapProblem::Unmappable,
            MapProblem::DoesNotFit,
            MapProblem::NotKnown,
            MapProblem::NotFound,
            MapProblem::NotNow,
            MapProblem::NoAction,
        ]),
        ask().prop_map(MapProblem::Waiting),
    ];
    let why = prop_oneof![
        problem.prop_map(ParkReason::Map),
        select(vec![
            ParkReason::Ambiguous,
            ParkReason::Broken,
            ParkReason::PartnerGone,
            ParkReason::EditedAndDeleted,
            ParkReason::Hidden,
            ParkReason::Refused,
            ParkReason::AmbiguousCreate,
            ParkReason::LeftScope,
            ParkReason::Returned,
            ParkReason::FieldGone,
            ParkReason::Circle,
            ParkReason::Lagging,
        ]),
        record_id().prop_map(|into| ParkReason::Merged { into }),
        suspicion().prop_map(ParkReason::Suspected),
    ];
    (side(), of(record_id()), vec(rule(), 0..3), why, "\\PC{0,9}", "\\PC{0,9}")
        .prop_map(|(side, id, rules, why, message, remedy)| Parked { side, id, rules, why, message, remedy })
}

fn effect() -> impl Strategy<Value = Effect> {
    prop_oneof![
        any::<u16>().prop_map(|line| Effect::Link { line }),
        Just(Effect::Agree),
        conflict().prop_map(Effect::OpenConflict),
        vec(rule(), 0..3).prop_map(|rules| Effect::CloseConflict { rules }),
        parked().prop_map(Effect::Park),
        sides(any::<bool>()).prop_map(|gone| Effect::EndPair { gone }),
        side().prop_map(|side| Effect::Freeze { side }),
        Just(Effect::Thaw),
        sides(of(record_id())).prop_map(|into| Effect::Relink { into }),
        vec(rule(), 0..3).prop_map(|rules| Effect::Diverged { rules }),
        (side(), feed()).prop_map(|(side, feed)| Effect::Cursor { side, feed }),
    ]
}

/// An entry with any body.
pub(crate) fn entry() -> impl Strategy<Value = Entry> {
    let body = prop_oneof![action().prop_map(Body::Act), effect().prop_map(Body::Effect)];
    let basis = (of(any::<u64>()), sides(of(version())))
        .prop_map(|(pair_revision, versions)| Basis { pair_revision, versions });
    let settles =
        vec(any::<Index>(), 0..5).prop_map(|all| all.iter().map(|index| index.index(200)).collect::<Bits>());
    let observed = sides(Rc::new(of(record()).boxed()));
    (key(), link(), sides(of(record_id())), basis, observed, settles, body).prop_map(
        |(key, link, ids, basis, observed, settles, body)| Entry {
            key,
            link,
            ids,
            basis,
            observed,
            settles,
            body,
        },
    )
}
