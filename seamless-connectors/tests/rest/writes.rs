//! What a write sends, and what its answer proves.

use futures::executor::block_on;
use seamless_connectors::rest::Rest;
use seamless_core::connector::{
    Connector, DeleteGround, Expects, Proof, RefusalKind, Target, Verb, WriteBatch, WriteOp, WriteOutcome,
};
use seamless_core::model::{ActionId, RecordId, Shape, Slot, Value, Version, record};

use super::desk::{DECLARATION, Desk};
use super::loopback::{Reply, Server, say};
use super::open;

fn op(target: Target, verb: Verb, values: &[(&str, Value)], expects: Expects) -> WriteOp {
    let shape = Shape::new(values.iter().map(|(name, _)| (*name).into())).unwrap();
    let values = values.iter().map(|(name, value)| ((*name).into(), Slot::Value(value.clone())));
    WriteOp { id: ActionId::derive(&[b"1"]), target, verb, patch: record(&shape, values).unwrap(), expects }
}

fn write(rest: &Rest, op: WriteOp) -> WriteOutcome {
    block_on(rest.write(&"ticket".into(), WriteBatch::of(vec![op]))).unwrap().remove(0)
}

fn create(values: &[(&str, Value)]) -> WriteOp {
    op(Target::New(None), Verb::Create, values, Expects::Missing)
}

#[test]
fn a_create_sends_what_is_said_where_it_stands_and_nothing_else() {
    let desk = Desk::open();
    let rest = open(&desk.server, DECLARATION);
    let price = Value::Decimal("1.10".parse().unwrap());
    let made = write(
        &rest,
        create(&[("subject", Value::text("a \"b\"")), ("city", Value::text("Köln")), ("price", price)]),
    );
    let WriteOutcome::Applied { id, proof: Proof::Stored(stored) } = made else { panic!("{made:?}") };
    assert_eq!((id, stored.version), (RecordId::int(1), Some(Version::new("v1"))));
    let posted = desk.server.seen_of("POST").remove(0);
    assert_eq!(posted.body, r#"{"subject":"a \"b\"","address":{"city":"Köln"},"price":1.10}"#);
    assert_eq!(posted.header("idempotency-key").len(), 32);
    assert_eq!(posted.header("content-type"), "application/json");
}

#[test]
fn what_a_field_does_not_take_is_refused_before_anything_is_sent() {
    let desk = Desk::open();
    let rest = open(&desk.server, DECLARATION);
    for values in
        [("state", Value::text("lost")), ("city", Value::text(&"x".repeat(31))), ("updated_at", Value::Null)]
    {
        let refused = write(&rest, create(std::slice::from_ref(&values)));
        let WriteOutcome::Refused(refusal) = refused else { panic!("{refused:?}") };
        assert_eq!(refusal.why, RefusalKind::Invalid { field: Some(values.0.into()) });
    }
    assert_eq!(desk.server.seen_of("POST").len(), 0);
}

#[test]
fn refusals_are_what_the_desk_calls_them() {
    let desk = Desk::open();
    let rest = open(&desk.server, DECLARATION);
    let subject = |text: &str| [("subject", Value::text(text))];
    write(&rest, create(&subject("a")));
    let mut again = create(&subject("a"));
    again.id = ActionId::derive(&[b"2"]);
    let WriteOutcome::Refused(taken) = write(&rest, again) else { panic!() };
    assert_eq!(taken.why, RefusalKind::KeyTaken { by: None });
    assert!(taken.error.message_with_causes().contains("the desk says taken"), "{}", taken.error);
    let one = || Target::Existing(RecordId::int(1));
    let old = Expects::Version(Version::new("v0"));
    let mut late = op(one(), Verb::Update, &subject("b"), old);
    late.id = ActionId::derive(&[b"3"]);
    let WriteOutcome::Refused(stale) = write(&rest, late) else { panic!() };
    assert_eq!(stale.why, RefusalKind::Stale);
    let mut gone =
        op(Target::Existing(RecordId::int(9)), Verb::Delete(DeleteGround::LeftScope), &[], Expects::Anything);
    gone.id = ActionId::derive(&[b"4"]);
    assert!(matches!(write(&rest, gone), WriteOutcome::Applied { .. }), "what is not there is deleted");
}

#[test]
fn the_id_of_a_new_record_may_stand_in_the_location_and_a_write_without_one_is_not_called_done() {
    let declared = DECLARATION.replace("returns: record", "returns: nothing");
    let located = Server::start(|_| say(201, "").with("location", "/api/tickets/42"));
    let made = write(&open(&located, &declared), create(&[("note", Value::text("x"))]));
    assert!(
        matches!(&made, WriteOutcome::Applied { id, proof: Proof::None } if *id == RecordId::int(42)),
        "{made:?}"
    );
    let silent = Server::start(|_| say(201, ""));
    let made = write(&open(&silent, &declared), create(&[("note", Value::text("x"))]));
    assert!(matches!(made, WriteOutcome::Ambiguous(_)), "{made:?}");
}

#[test]
fn an_answer_that_does_not_come_is_ambiguous_and_a_system_that_asks_to_wait_did_nothing() {
    let update =
        || op(Target::Existing(RecordId::int(1)), Verb::Update, &[("note", Value::Null)], Expects::Anything);
    for reply in [
        Reply::Hang,
        Reply::Raw(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{".to_vec()),
        say(500, ""),
        say(502, ""),
    ] {
        let server = Server::start(move |_| reply.clone());
        let came = write(&open(&server, DECLARATION), update());
        assert!(matches!(came, WriteOutcome::Ambiguous(_)), "{came:?}");
        assert_eq!(server.seen().len(), 1, "no write is sent again");
    }
    let server = Server::start(|_| say(429, "").with("retry-after", "7"));
    let WriteOutcome::Refused(refusal) = write(&open(&server, DECLARATION), update()) else { panic!() };
    assert_eq!(refusal.why, RefusalKind::Throttled { wait: Some(std::time::Duration::from_secs(7)) });
}
