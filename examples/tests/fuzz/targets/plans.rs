//! Plan files and their seal: what is accepted is a plan that was sealed, to the last byte; cutting it into pieces anywhere
//! changes nothing; what is refused says so with a remedy.

use std::sync::OnceLock;

use seamless_core::model::{
    LinkId, Planned, RecordId, Result, RuleId, Side, Sides, Slot, Timestamp, Value, Version,
};
use seamless_core::plan::seal::trailer_line;
use seamless_core::plan::{
    Action, Basis, Body, Closing, Effect, Entry, EntryKey, FieldChange, PlanHead, PlannedExpects,
    PlannedTarget, PlannedVerb, Provenance, Rank, Reason, Sealer, SystemIdentity, Trailer, Verifier,
};

use super::{Target, refused};

/// Plan files.
pub(crate) const TARGET: Target = Target { name: "plan", run, made: plans, words: WORDS };

const WORDS: &[&str] = &[
    "{\"head\":{",
    "{\"entry\":{",
    "{\"trailer\":{",
    "}}\n",
    "\n",
    "\r\n",
    "\"digest\":\"",
    "\"seal\":\"",
    "\"guards\":[",
    "\"state_revision\":",
    "18446744073709551616",
    "-1",
    "1e400",
    "null",
    ",\"id\":\"p2\"",
    "\"made_at\":\"",
    "+12345-01-01T00:00:00Z",
];

/// The key of every plan here: nobody seals with it but this file.
const KEY: [u8; 32] = [7; 32];

fn run(bytes: &[u8]) {
    let whole = read(bytes.chunks(bytes.len().max(1)));
    for size in [1, 7, 64] {
        assert_eq!(said(&read(bytes.chunks(size))), said(&whole), "cut into pieces of {size}");
    }
    match whole {
        Err(error) => refused(&error, true),
        Ok((_, trailer)) => {
            let known = sealed().iter().find(|plan| without_end(plan) == without_end(bytes));
            assert!(known.is_some(), "a plan that nobody sealed is accepted");
            let line = trailer_line(&trailer).unwrap();
            assert!(without_end(bytes).ends_with(without_end(line.as_bytes())));
        }
    }
}

fn read<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Result<(PlanHead, Trailer)> {
    let mut verifier = Verifier::new(&KEY);
    for piece in pieces {
        verifier.feed(piece, |_| Ok(()))?;
    }
    verifier.finish()
}

fn said(read: &Result<(PlanHead, Trailer)>) -> String {
    match read {
        Ok(plan) => format!("{plan:?}"),
        Err(error) => error.to_string(),
    }
}

/// The trailer's own line end is not part of the digest.
fn without_end(bytes: &[u8]) -> &[u8] {
    bytes.strip_suffix(b"\n").unwrap_or(bytes)
}

fn plans() -> Vec<Vec<u8>> {
    sealed().to_vec()
}

fn sealed() -> &'static [Vec<u8>] {
    static SEALED: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    SEALED.get_or_init(|| {
        let effect = |effect: Effect| entry(Rank::State, "a", Body::Effect(effect));
        let all = vec![
            effect(Effect::Agree),
            effect(Effect::EndPair { gone: Sides::new(true, false) }),
            acting(PlannedVerb::Update, PlannedTarget::Existing(RecordId::int(-7))),
            acting(PlannedVerb::Create, PlannedTarget::New),
        ];
        vec![plan(&[]), plan(&all)]
    })
}

fn plan(entries: &[Entry]) -> Vec<u8> {
    let mut sealer = Sealer::new(&KEY);
    let mut file = sealer.head(&head()).unwrap().to_owned();
    entries.iter().for_each(|entry| file.push_str(sealer.entry(entry).unwrap()));
    let closing =
        Closing { runs_to_quiet: 1, seen: vec![(LinkId::from("customers"), 9, 3)], ..Closing::default() };
    let (_, line) = sealer.finish(closing).unwrap();
    (file + &line).into_bytes()
}

/// The head of a plan.
pub(crate) fn head() -> PlanHead {
    let system = |side: &str| SystemIdentity {
        side: side.to_owned(),
        system: "sqlite".to_owned(),
        identity: format!("{side} é\u{1}"),
        label: String::new(),
    };
    PlanHead {
        id: "p1".into(),
        partition: "main".into(),
        made_at: Timestamp::UNIX_EPOCH,
        systems: Sides::new(system("crm"), system("erp")),
        configuration: "00ff".to_owned(),
        links: vec!["customers".into()],
        state_revision: 0,
        guarantee: Vec::new(),
        actions: Vec::new(),
        sets_off: Vec::new(),
    }
}

/// An entry of a plan.
pub(crate) fn entry(rank: Rank, id: &str, body: Body) -> Entry {
    let id = RecordId::text(id);
    Entry {
        key: EntryKey { rank, link: 0, side: Side::Left, id: id.clone(), part: 0 },
        link: "customers".into(),
        ids: Sides::new(Some(id), None),
        basis: Basis { pair_revision: Some(3), versions: Sides::new(Some(Version::new("v1")), None) },
        observed: Sides::default(),
        settles: [0_usize, 2].into_iter().collect(),
        body,
    }
}

/// An entry that writes.
pub(crate) fn acting(verb: PlannedVerb, target: PlannedTarget) -> Entry {
    let change = FieldChange {
        rule: Some(RuleId::from("name")),
        field: "Name".into(),
        before: Slot::Value(Value::Null),
        after: Planned::Known(Value::Decimal("1.10".parse().unwrap())),
        from: Provenance::Resolved { by: "kim".to_owned() },
    };
    let action = Action {
        id: seamless_core::model::ActionId::from_bytes([3; 16]),
        side: Side::Right,
        target,
        verb,
        changes: vec![change].into(),
        expects: PlannedExpects::Version(Version::new("v2")),
        reason: Reason::Changed,
        waits_for: Vec::new(),
    };
    entry(Rank::Update, "b", Body::Act(action))
}
