//! Documents whose state is moved by the verbs of their system: made, written, released; opened to be written and brought
//! back; and what becomes of them where a step does not happen.

use std::time::Duration;

use futures::executor::block_on;
use seamless_connectors::memory::{EntityConfig, Fault, Memory, MemoryConfig};
use seamless_core::connector::{Capabilities, RefusalKind, WriteReturns};
use seamless_core::mapper::DeletePolicy;
use seamless_core::model::{
    Comparison, Condition, Entity, Field, FieldKind, FieldName, LinkId, Record, RecordId, Side, Value,
};
use seamless_core::plan::{Attention, AttentionWhy, ParkedAs, PlannedVerb, Rank};
use seamless_core::sync::Plan;
use seamless_mapping::{LinkBuilder, Mapping, both, copy, lookup, options};

use super::gate::Gate;
use super::world::{Change, World, approve, as_it_is, reference, text, yes};

fn entity(name: &str, fields: Vec<Field>) -> Entity {
    let (key, label) = (vec!["id".into()], None);
    Entity { name: name.into(), label, fields, key, unique: vec![], actions: vec![] }
}

fn crm() -> Memory {
    let order = ["id", "number", "state", "note", "goods", "invoice"].map(|field| text(field, 80));
    let to_order = Field::new("order", FieldKind::Reference { targets: vec!["order".into()] });
    let line = vec![text("id", 40), text("line", 20), text("item", 40), to_order];
    let of = |entity| EntityConfig::new(entity);
    let config = MemoryConfig::new("crm").entity(of(entity("order", order.to_vec())));
    Memory::new(config.entity(of(entity("line", line)))).unwrap()
}

fn says(record: &Record, field: &str, value: &str) -> bool {
    record.field(field).value().is_some_and(|held| held.to_value() == Value::text(value))
}

/// A document that is not open is not written by clients, as in every system that has such verbs.
fn locked(record: &Record) -> Option<String> {
    (!says(record, "Status", "Open")).then(|| "the document is not open".to_owned())
}

/// Posting gives a number as well. A document without goods is not posted.
fn post(record: &Record) -> Result<Vec<(FieldName, Value)>, String> {
    match (says(record, "Status", "Released"), says(record, "Goods", "none")) {
        (false, _) => Err("only what is released is posted".to_owned()),
        (true, true) => Err("there is nothing to post".to_owned()),
        (true, false) => {
            Ok(vec![("Status".into(), Value::text("Posted")), ("Posting No.".into(), Value::text("PI-1"))])
        }
    }
}

fn order_of(change: Change<'_>) -> EntityConfig {
    let mut fields = vec![Field::new("id", FieldKind::Int)];
    fields.extend(["No.", "Note", "Goods", "Posting No."].map(|field| text(field, 20)));
    let state = Field { read_only: true, default: Some(Value::text("Open")), ..text("Status", 20) };
    fields.push(state);
    EntityConfig::new(entity("Order", fields)).locks(locked).capable(change)
}

fn erp_of(order: EntityConfig, change: Change<'_>) -> Memory {
    let to_order = Field::new("Document", FieldKind::Reference { targets: vec!["Order".into()] });
    let line = vec![Field::new("id", FieldKind::Int), text("Line", 20), text("Item", 40), to_order];
    let line = EntityConfig::new(entity("Line", line)).capable(change);
    Memory::new(MemoryConfig::new("erp").entity(order).entity(line)).unwrap()
}

fn erp(change: Change<'_>) -> Memory {
    let order = order_of(change)
        .moves("release", "Status", ["Open"], "Released")
        .moves("reopen", "Status", ["Released"], "Open")
        .moves("cancel", "Status", ["Open"], "Cancelled")
        .acts("post", post);
    erp_of(order, change)
}

fn is(field: &str, value: &str) -> Condition {
    Condition::Compare { field: field.into(), is: Comparison::Equal, value: Value::text(value) }
}

#[derive(Clone, Copy, PartialEq)]
enum Opens {
    Yes,
    No,
}

fn orders(opens: Opens) -> LinkBuilder {
    let states = [both("0", "Open"), both("3", "Released"), both("4", "Posted"), both("5", "Cancelled")];
    let link = Mapping::builder("crm", "erp")
        .link("orders", "order", "Order")
        .two_way()
        .match_on([("number", "No.")])
        .writable(Side::Right, is("Status", "Open"))
        .action(Side::Right, "release", "Status", ["Open"], "Released")
        .action(Side::Right, "reopen", "Status", ["Released"], "Open");
    let link = if opens == Opens::Yes { link.opens(Side::Right) } else { link };
    link.action(Side::Right, "post", "Status", ["Released"], "Posted")
        .action(Side::Right, "cancel", "Status", ["Open"], "Cancelled")
        .starts(Side::Right, "Status", "Open")
        .rule(copy("number", "No."))
        .rule(copy("note", "Note"))
        .rule(copy("goods", "Goods"))
        .rule(copy("invoice", "Posting No.").to_left())
        .rule(options("state", "Status", states))
}

fn world(opens: Opens) -> World {
    world_of(opens, &as_it_is)
}

fn world_of(opens: Opens, change: Change<'_>) -> World {
    World::mapped(crm(), erp(change), orders(opens).done().build().unwrap())
}

fn order(world: &World, number: &str, state: &str) -> RecordId {
    let values = [("number", number), ("state", state), ("note", "x"), ("goods", "1")];
    let values: Vec<(&str, Value)> =
        values.into_iter().map(|(field, value)| (field, Value::text(value))).collect();
    world.crm.insert("order", None, &values).unwrap()
}

fn edit(world: &World, values: &[(&str, &str)]) {
    let id = world.crm.rows("order")[0].id.clone();
    let values: Vec<(&str, Value)> =
        values.iter().map(|(field, value)| (*field, Value::text(value))).collect();
    world.crm.edit("order", &id, &values).unwrap();
}

fn left(world: &World, field: &str) -> String {
    shown(world.crm.value("order", &world.crm.rows("order")[0].id, field))
}

fn right(world: &World, field: &str) -> String {
    shown(world.erp.value("Order", &world.erp.rows("Order")[0].id, field))
}

/// The document of the right side has this note, and is in this state.
#[track_caller]
fn holds(world: &World, note: &str, status: &str) {
    assert_eq!((right(world, "Note").as_str(), right(world, "Status").as_str()), (note, status));
}

fn shown(value: Option<Value>) -> String {
    match value {
        Some(Value::Text(text)) => text.to_string(),
        other => format!("{other:?}"),
    }
}

/// What a plan does, in its order: creates, updates and actions, with the rank.
fn deeds(plan: &Plan) -> Vec<String> {
    let mut deeds = Vec::new();
    block_on(plan.each(|entry| {
        if let Some(action) = entry.action() {
            let verb = match &action.verb {
                PlannedVerb::Create => "create".to_owned(),
                PlannedVerb::Update => "update".to_owned(),
                PlannedVerb::Delete(_) => "delete".to_owned(),
                PlannedVerb::Action { name, .. } => name.to_string(),
            };
            deeds.push(format!("{} {} {verb}", action.side, entry.link));
        }
        Ok(())
    }))
    .unwrap();
    deeds
}

fn apply(world: &World) -> u64 {
    let plan = world.plan();
    block_on(world.integration.apply(yes(&plan))).unwrap().dropped_count
}

fn messages(world: &World) -> Vec<String> {
    let waiting = world.waiting().into_iter();
    let message = |(_, waiting): (LinkId, Attention)| match waiting.why {
        AttentionWhy::Parked { message, .. } | AttentionWhy::Conflict { message, .. } => Some(message),
        _ => None,
    };
    waiting.filter_map(message).collect()
}

/// An order that both hold, in this state of the left.
fn settled(opens: Opens, state: &str) -> World {
    let world = world(opens);
    order(&world, "A1", state);
    world.settle();
    world
}

#[test]
fn a_document_is_made_with_its_lines_and_then_released() {
    let mapping = orders(Opens::No)
        .done()
        .link("lines", "line", "Line")
        .two_way()
        .match_on([("line", "Line")])
        .rule(copy("line", "Line"))
        .rule(copy("item", "Item"))
        .rule(lookup("order", "Document", "orders"))
        .done()
        .build()
        .unwrap();
    let world = World::mapped(crm(), erp(&as_it_is), mapping);
    let header = order(&world, "A1", "3");
    for number in ["1", "2"] {
        let values = [
            ("line", Value::text(number)),
            ("item", Value::text("bike")),
            ("order", reference("order", &header)),
        ];
        world.crm.insert("line", None, &values).unwrap();
    }
    let plan = world.plan();
    let expected =
        ["right orders create", "right lines create", "right lines create", "right orders release"];
    assert_eq!(deeds(&plan), expected, "{}", world.text(&plan));
    let shown = world.text(&plan);
    for said in
        ["release;", "Status  \"Open\" -> \"Released\"", "1 action in erp", "actions in erp: release, reopen"]
    {
        assert!(shown.contains(said), "{said} is not in\n{shown}");
    }
    block_on(world.integration.apply(yes(&plan))).unwrap();
    assert_eq!((right(&world, "Status").as_str(), world.erp.count("Line")), ("Released", 2));
    world.settle();
    assert_eq!(left(&world, "state"), "3");
    assert_eq!(world.waiting(), []);
}

// Catches: a state that is sent with a new record although the system does not take it; one whose first state is not known to
// be held, so that the next plan asks about it.
#[test]
fn a_document_in_its_first_state_needs_no_action_and_one_that_is_far_on_takes_several() {
    for returns in [WriteReturns::Stored, WriteReturns::Version, WriteReturns::Nothing] {
        let world = world_of(Opens::No, &|can| can.write_returns = returns);
        order(&world, "A1", "0");
        assert_eq!(deeds(&world.plan()), ["right orders create"]);
        order(&world, "A2", "4");
        let plan = world.plan();
        let expected =
            ["right orders create", "right orders create", "right orders release", "right orders post"];
        assert_eq!(deeds(&plan), expected);
        block_on(world.integration.apply(yes(&plan))).unwrap();
        let states: Vec<String> = world
            .erp
            .rows("Order")
            .iter()
            .map(|row| shown(world.erp.value("Order", &row.id, "Status")))
            .collect();
        assert_eq!(states, ["Open", "Posted"], "{returns:?}");
        world.settle();
        assert_eq!(world.waiting(), [], "{returns:?}");
        // What posting made of other fields is a change like any other.
        let second = world.crm.rows("order")[1].id.clone();
        assert_eq!(shown(world.crm.value("order", &second, "invoice")), "PI-1");
    }
}

#[test]
fn an_edit_with_a_release_goes_over_first_and_one_of_a_released_document_opens_it_and_brings_it_back() {
    let world = settled(Opens::Yes, "0");
    edit(&world, &[("note", "y"), ("state", "3")]);
    let plan = world.plan();
    assert_eq!(deeds(&plan), ["right orders update", "right orders release"], "{}", world.text(&plan));
    block_on(world.integration.apply(yes(&plan))).unwrap();
    world.settle();
    holds(&world, "y", "Released");
    edit(&world, &[("note", "z")]);
    let plan = world.plan();
    let expected = ["right orders reopen", "right orders update", "right orders release"];
    assert_eq!(deeds(&plan), expected, "{}", world.text(&plan));
    let shown = world.text(&plan);
    for said in ["opened for a moment", "brought back to the state that it had", "2 actions in erp"] {
        assert!(shown.contains(said), "{said} is not in\n{shown}");
    }
    block_on(world.integration.apply(yes(&plan))).unwrap();
    holds(&world, "z", "Released");
    world.settle();
    assert_eq!((left(&world, "state").as_str(), left(&world, "note").as_str()), ("3", "z"));
    assert_eq!(world.waiting(), []);
}

#[test]
fn an_edit_of_a_document_that_may_not_be_opened_waits_and_goes_over_with_its_opening() {
    let world = settled(Opens::No, "3");
    edit(&world, &[("note", "late")]);
    let ops = world.erp.counts().ops;
    world.run();
    assert_eq!((right(&world, "Note").as_str(), world.erp.counts().ops), ("x", ops));
    assert!(messages(&world)[0].contains("is not written now"), "{:?}", messages(&world));
    assert!(world.plan().is_empty(), "it is said once");
    // Opened by the other side's word: the action first, then what waited for it.
    edit(&world, &[("state", "0")]);
    let plan = world.plan();
    assert_eq!(deeds(&plan), ["right orders reopen", "right orders update"], "{}", world.text(&plan));
    block_on(world.integration.apply(yes(&plan))).unwrap();
    world.settle();
    holds(&world, "late", "Open");
    assert_eq!(world.waiting(), []);
}

#[test]
fn an_edit_and_a_state_beyond_go_over_in_one_plan() {
    let world = settled(Opens::Yes, "3");
    edit(&world, &[("note", "last word"), ("state", "4")]);
    let plan = world.plan();
    let expected =
        ["right orders reopen", "right orders update", "right orders release", "right orders post"];
    assert_eq!(deeds(&plan), expected, "{}", world.text(&plan));
    block_on(world.integration.apply(yes(&plan))).unwrap();
    world.settle();
    holds(&world, "last word", "Posted");
    assert_eq!(left(&world, "invoice"), "PI-1");
    assert_eq!(world.waiting(), []);
}

#[test]
fn a_state_that_no_action_leads_to_waits_and_both_states_are_named() {
    let world = settled(Opens::Yes, "4");
    edit(&world, &[("state", "0")]);
    let ops = world.erp.counts().ops;
    world.run();
    assert_eq!(world.erp.counts().ops, ops);
    assert_eq!(messages(&world), ["Status: no action leads from Posted to Open"]);
    assert!(world.plan().is_empty(), "it is said once");
    // It is over when the change is taken back.
    edit(&world, &[("state", "4")]);
    world.settle();
    assert_eq!(world.waiting(), []);
    assert_eq!(right(&world, "Status"), "Posted");
}

#[test]
fn what_the_system_moves_itself_is_carried_like_any_change() {
    let world = settled(Opens::Yes, "0");
    let id = world.erp.rows("Order")[0].id.clone();
    world.erp.act("Order", &id, "release").unwrap();
    world.erp.act("Order", &id, "post").unwrap();
    world.settle();
    assert_eq!((left(&world, "state").as_str(), left(&world, "invoice").as_str()), ("4", "PI-1"));
    // An action that leads further than it says: what it led to is the system's own doing.
    let release = |record: &Record| match says(record, "Status", "Open") {
        true => Ok(vec![("Status".into(), Value::text("Posted"))]),
        false => Err("it is not open".to_owned()),
    };
    for returns in [WriteReturns::Stored, WriteReturns::Nothing] {
        let change = |can: &mut Capabilities| can.write_returns = returns;
        let order = order_of(&change).acts("release", release);
        let mapping = orders(Opens::Yes).done().build().unwrap();
        let world = World::mapped(crm(), erp_of(order, &change), mapping);
        super::verbs::order(&world, "A1", "3");
        world.settle();
        assert_eq!((left(&world, "state").as_str(), right(&world, "Status").as_str()), ("4", "Posted"));
    }
}

// Catches: an action that waits for somebody's consent taken for one that happened, and the state that it left then carried
// back over what a person asked for.
#[test]
fn an_action_that_the_system_takes_and_that_moves_nothing_is_a_failure() {
    for returns in [WriteReturns::Stored, WriteReturns::Version, WriteReturns::Nothing] {
        let change = |can: &mut Capabilities| can.write_returns = returns;
        let order = order_of(&change).acts("release", |_| Ok(Vec::new()));
        let world = World::mapped(crm(), erp_of(order, &change), orders(Opens::Yes).done().build().unwrap());
        super::verbs::order(&world, "A1", "3");
        for _ in 0..4 {
            world.run();
            world.pass(Duration::from_secs(7200));
        }
        assert_eq!((left(&world, "state").as_str(), right(&world, "Status").as_str()), ("3", "Open"));
        let said = messages(&world);
        assert!(said.len() == 1 && said[0].contains("the system took release"), "{returns:?}: {said:?}");
        assert!(world.plan().is_empty(), "it is not done again and again");
    }
}

#[test]
fn a_refused_action_parks_its_document_and_the_base_of_the_state_stays() {
    let world = settled(Opens::Yes, "3");
    order(&world, "A2", "3");
    world.settle();
    edit(&world, &[("goods", "none")]);
    world.settle();
    let second = world.crm.rows("order")[1].id.clone();
    edit(&world, &[("state", "4")]);
    world.crm.edit("order", &second, &[("state", Value::text("4"))]).unwrap();
    for _ in 0..3 {
        world.run();
        world.pass(Duration::from_secs(7200));
    }
    let states: Vec<String> = world
        .erp
        .rows("Order")
        .iter()
        .map(|row| shown(world.erp.value("Order", &row.id, "Status")))
        .collect();
    assert_eq!(states, ["Released", "Posted"], "one that is refused delays itself only");
    assert_eq!(messages(&world), ["there is nothing to post"]);
    assert!(world.plan().is_empty());
    // Other fields go on: the document is opened for them, and not posted.
    edit(&world, &[("note", "still here")]);
    let plan = world.plan();
    assert!(!deeds(&plan).contains(&"right orders post".to_owned()), "{}", world.text(&plan));
    // When the reason is gone the base says what is still to be done.
    edit(&world, &[("goods", "1"), ("state", "3")]);
    world.settle();
    edit(&world, &[("state", "4")]);
    world.settle();
    assert_eq!(right(&world, "Status"), "Posted");
    assert_eq!(world.waiting(), []);
}

// Catches: a document that stays open, and nobody is told; one that is opened again and again for an edit that is refused.
#[test]
fn what_is_refused_in_an_open_document_brings_it_back_and_says_so_meanwhile() {
    let world = settled(Opens::Yes, "3");
    let too_long = "longer than the other system has room for";
    edit(&world, &[("note", too_long)]);
    let plan = world.plan();
    let applied = block_on(world.integration.apply(yes(&plan))).unwrap();
    assert_eq!(applied.dropped_count, 2, "{:?}", applied.dropped);
    assert_eq!(right(&world, "Status"), "Open");
    let open = world.waiting().into_iter().any(|(_, waiting)| {
        matches!(&waiting.why, AttentionWhy::Parked { reason: ParkedAs::Opened { left, back, .. }, message, .. }
            if *left == Value::text("Open") && *back == Value::text("Released") && message.contains("reopen"))
    });
    assert!(open, "{:?}", world.waiting());
    // The next plans try the edit once more and bring the document back; then the edit waits for a person.
    world.run();
    assert_eq!((right(&world, "Status").as_str(), right(&world, "Note").as_str()), ("Released", "x"));
    let ops = world.erp.counts().ops;
    assert!(world.plan().is_empty(), "{}", world.text(&world.plan()));
    world.run();
    assert_eq!(world.erp.counts().ops, ops);
    assert_eq!(messages(&world).len(), 1, "{:?}", messages(&world));
    // Another edit is another attempt.
    edit(&world, &[("note", "short")]);
    world.settle();
    assert_eq!((right(&world, "Status").as_str(), right(&world, "Note").as_str()), ("Released", "short"));
    assert_eq!(world.waiting(), []);
}

// Catches: a document that leaves the scope by being opened, and stays open because what is outside of it is not written.
#[test]
fn a_document_that_is_outside_of_the_scope_while_it_is_open_is_brought_back_into_it() {
    let mapping = orders(Opens::Yes).scope(Side::Right, is("Status", "Released")).done().build().unwrap();
    let world = World::mapped(crm(), erp(&as_it_is), mapping);
    order(&world, "A1", "3");
    world.settle();
    assert_eq!(right(&world, "Status"), "Released");
    edit(&world, &[("note", "longer than the other system has room for")]);
    apply(&world);
    assert_eq!(right(&world, "Status"), "Open");
    assert_eq!(deeds(&world.plan()), ["right orders release"], "{}", world.text(&world.plan()));
    for _ in 0..4 {
        world.run();
        world.pass(Duration::from_secs(7200));
    }
    assert_eq!(right(&world, "Status"), "Released");
    assert!(world.plan().is_empty(), "{}", world.text(&world.plan()));
    edit(&world, &[("note", "short")]);
    world.settle();
    holds(&world, "short", "Released");
    assert_eq!(world.waiting(), []);
}

#[test]
fn a_document_that_somebody_else_moves_meanwhile_is_not_brought_back() {
    let world = settled(Opens::Yes, "3");
    edit(&world, &[("note", "never")]);
    let plan = world.plan();
    world.erp.before_next_write(|erp| {
        erp.before_next_write(|erp| erp.fail_next(Fault::Refused(RefusalKind::Invalid { field: None })));
    });
    block_on(world.integration.apply(yes(&plan))).unwrap();
    let id = world.erp.rows("Order")[0].id.clone();
    world.erp.act("Order", &id, "cancel").unwrap();
    edit(&world, &[("note", "x")]);
    world.settle();
    assert_eq!((right(&world, "Status").as_str(), left(&world, "state").as_str()), ("Cancelled", "5"));
    assert_eq!(world.waiting(), []);
}

#[test]
fn what_a_lifecycle_sets_is_moved_by_actions_too() {
    let world = world(Opens::Yes);
    let mapping = orders(Opens::Yes)
        .on_delete(
            Side::Left,
            DeletePolicy::Set(vec![
                ("Status".into(), Value::text("Cancelled")),
                ("Note".into(), Value::text("gone")),
            ]),
        )
        .done()
        .build()
        .unwrap();
    let mut world = World { links: world.links.clone(), ..world };
    world.remap(mapping);
    let first = order(&world, "A1", "0");
    let second = order(&world, "A2", "4");
    world.settle();
    world.crm.delete("order", &first).unwrap();
    let plan = world.plan();
    assert_eq!(deeds(&plan), ["right orders update", "right orders cancel"], "{}", world.text(&plan));
    block_on(world.integration.apply(yes(&plan))).unwrap();
    assert_eq!((right(&world, "Status").as_str(), right(&world, "Note").as_str()), ("Cancelled", "gone"));
    world.settle();
    assert_eq!(world.crm.count("order"), 1, "it is not made again");
    world.crm.delete("order", &second).unwrap();
    world.run();
    assert_eq!(messages(&world), ["Status: no action leads from Posted to Cancelled"]);
}

/// The work of a morning: a document that is made and released, one that is opened for an edit, one that is edited and posted.
fn morning(opens: Opens, change: Change<'_>) -> World {
    let world = world_of(opens, change);
    order(&world, "A1", "3");
    order(&world, "A2", "3");
    world.settle();
    order(&world, "A3", "3");
    edit(&world, &[("note", "edited")]);
    let second = world.crm.rows("order")[1].id.clone();
    let posted = [("note", Value::text("posted")), ("state", Value::text("4"))];
    world.crm.edit("order", &second, &posted).unwrap();
    world
}

fn picture(world: &World) -> Vec<Vec<String>> {
    let rows = world.erp.rows("Order").into_iter();
    let fields = ["No.", "Status", "Note", "Posting No."];
    let right = rows.map(|row| fields.map(|field| shown(world.erp.value("Order", &row.id, field))).to_vec());
    let rows = world.crm.rows("order").into_iter();
    let fields = ["number", "state", "note", "invoice"];
    let left = rows.map(|row| fields.map(|field| shown(world.crm.value("order", &row.id, field))).to_vec());
    let mut picture: Vec<Vec<String>> = right.chain(left).collect();
    picture.sort();
    picture
}

/// Whether every document that is open without being meant to be is in a plan that goes on, or said to be.
fn says_what_is_open(world: &World) -> bool {
    let kept: Vec<RecordId> = world
        .waiting()
        .into_iter()
        .filter(|(_, waiting)| {
            matches!(waiting.why, AttentionWhy::Parked { reason: ParkedAs::Opened { .. }, .. })
        })
        .map(|(_, waiting)| waiting.id)
        .collect();
    let rows = world.erp.rows("Order").into_iter();
    let mut open = rows.filter(|row| says(&row.record, "Status", "Open") && !says(&row.record, "No.", "A3"));
    open.all(|row| kept.contains(&row.id))
}

fn go_on(world: &World) {
    for _ in 0..6 {
        world.pass(Duration::from_secs(7200));
        if world.run().plans.len() == 1 {
            break;
        }
    }
    world.settle();
}

#[test]
fn a_crash_at_any_step_ends_where_an_undisturbed_run_ends() {
    // Every so many steps of applying; what happens while a plan is made moves nothing.
    let kinds: [(usize, Change<'_>); 3] = [
        (2, &as_it_is),
        (5, &|can| {
            can.write_returns = WriteReturns::Nothing;
            can.idempotency_key = false;
        }),
        (5, &|can| {
            can.conditional_update = false;
            can.idempotency_key = false;
        }),
    ];
    for (kind, (stride, change)) in kinds.iter().enumerate() {
        let undisturbed = morning(Opens::Yes, change);
        let making = Gate::open();
        block_on(undisturbed.gated(&making).plan()).unwrap();
        let gate = Gate::open();
        block_on(undisturbed.gated(&gate).run(approve)).unwrap();
        go_on(&undisturbed);
        let expected = picture(&undisturbed);
        assert!(gate.passed() > making.passed() + 40, "{} steps are no run", gate.passed());
        for step in (making.passed()..gate.passed()).step_by(*stride) {
            let mut world = morning(Opens::Yes, change);
            assert!(world.run_until(step).is_none(), "the run ended before step {step}");
            go_on(&world);
            assert_eq!(picture(&world), expected, "after a crash at step {step} of kind {kind}");
            assert_eq!(world.waiting(), [], "after a crash at step {step} of kind {kind}");
        }
    }
}

// Catches: an action that is done twice because its answer was lost, or not at all; one that is found by its version and not by
// the state that it led to.
#[test]
fn an_action_whose_answer_is_lost_is_found_by_the_state_of_its_record() {
    let without: Change<'_> = &|can| {
        can.idempotency_key = false;
        can.write_returns = WriteReturns::Nothing;
    };
    let undisturbed = morning(Opens::Yes, without);
    go_on(&undisturbed);
    let expected = picture(&undisturbed);
    for fault in [Fault::LostReply, Fault::LostRequest, Fault::LateRequest] {
        for write in 0..8 {
            let world = morning(Opens::Yes, without);
            let gate = Gate::faulty(write, fault.clone());
            block_on(world.gated(&gate).run(approve)).unwrap();
            world.erp.deliver_late();
            go_on(&world);
            assert_eq!(picture(&world), expected, "{fault:?} at write {write}");
            assert_eq!(world.waiting(), [], "{fault:?} at write {write}");
        }
    }
}

// Catches: a step that goes on although the one before it was refused: a document that is released or posted without the edit
// that was to come first.
#[test]
fn after_a_step_that_fails_nothing_follows_and_what_is_open_is_said() {
    for write in 0..8 {
        for why in [RefusalKind::Invalid { field: None }, RefusalKind::Unavailable, RefusalKind::Stale] {
            let world = morning(Opens::Yes, &as_it_is);
            let plan = world.plan();
            let gate = Gate::faulty(write, Fault::Refused(why.clone()));
            let integration = world.gated(&gate);
            block_on(integration.apply(yes(&plan))).unwrap();
            assert!(says_what_is_open(&world), "{why:?} at write {write}: {:?}", world.waiting());
            let posted =
                world.erp.rows("Order").into_iter().filter(|row| says(&row.record, "Status", "Posted"));
            for row in posted {
                assert!(says(&row.record, "Note", "posted"), "{why:?} at write {write}");
            }
            go_on(&world);
            let undisturbed = morning(Opens::Yes, &as_it_is);
            go_on(&undisturbed);
            assert_eq!(picture(&world), picture(&undisturbed), "{why:?} at write {write}");
            assert_eq!(world.waiting(), [], "{why:?} at write {write}");
        }
    }
}

#[test]
fn two_documents_that_are_joined_are_brought_to_one_state_where_the_mapping_says_whose() {
    let world = world(Opens::Yes);
    order(&world, "A1", "0");
    let values = [("No.", "A1"), ("Status", "Released"), ("Note", "x"), ("Goods", "1")];
    let values: Vec<(&str, Value)> =
        values.into_iter().map(|(field, value)| (field, Value::text(value))).collect();
    world.erp.insert("Order", None, &values).unwrap();
    world.run();
    assert_eq!(world.waiting().len(), 1, "nobody said whose state is meant");
    let (link, waiting) = world.waiting().remove(0);
    let AttentionWhy::Conflict { rules, .. } = waiting.why else { panic!("{waiting:?}") };
    block_on(world.integration.resolve(&link, waiting.side, &waiting.id, &rules[0], Side::Left, "ann"))
        .unwrap();
    let plan = world.plan();
    assert_eq!(deeds(&plan), ["right orders reopen"], "{}", world.text(&plan));
    block_on(world.integration.apply(yes(&plan))).unwrap();
    world.settle();
    assert_eq!(right(&world, "Status"), "Open");
    assert_eq!(world.waiting(), []);
}

#[test]
fn steps_are_ranks_of_their_own_before_and_after_everything_that_is_written() {
    let world = settled(Opens::Yes, "3");
    edit(&world, &[("note", "z"), ("state", "4")]);
    let plan = world.plan();
    assert_eq!(world.ranks(&plan), [Rank::Open(1), Rank::Update, Rank::Act(1), Rank::Act(2)]);
    assert_eq!(apply(&world), 0);
}
