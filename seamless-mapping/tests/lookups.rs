//! References, functions of the host, and what a rule must know before it carries.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use std::sync::Arc;

use seamless_core::mapper::{
    Answer, Ask, ConflictPolicy, Draft, MapContext, MapError, MapProblem, Mapper, Resolved, Settlement,
};
use seamless_core::model::{
    ActionId, EntityName, FieldName, KeyPart, Planned, Record, RecordId, Reference, RuleIndex, Shape, Side,
    Slot, Value, record,
};
use seamless_mapping::declaration::{BlankReference, IfMissing, LookupThrough, RuleDecl, TypeDecl};
use seamless_mapping::{
    Closures, CompileOptions, CustomRefusal, Functions, LinkMapper, Mapping, copy, custom, lookup,
    lookup_by_entity, lookup_parts,
};

fn mapper(rule: RuleDecl, functions: Functions) -> Arc<LinkMapper> {
    let mapping = Mapping::builder("crm", "erp")
        .link("users", "systemuser", "Salesperson")
        .match_nothing()
        .link("accounts", "account", "Customer")
        .match_nothing()
        .rule(rule)
        .build_with(&CompileOptions { functions, schemas: None });
    mapping.unwrap_or_else(|refused| panic!("{refused}")).link("accounts").unwrap()
}

fn one(field: &str, value: Value) -> Record {
    let field = FieldName::from(field);
    record(&Shape::new([field.clone()]).unwrap(), [(field, Slot::Value(value))]).unwrap()
}

fn reference(entity: &str, id: &str) -> Value {
    Value::Reference(Arc::new(Reference { entity: entity.into(), id: RecordId::text(id) }))
}

fn carry(
    mapper: &LinkMapper,
    from: Side,
    source: &Record,
    target: &Record,
    resolved: &Resolved,
) -> Result<Option<Planned>, Box<MapError>> {
    let entity = EntityName::from("x");
    let cx = MapContext { resolved, target_entity: &entity, creating: false };
    let mut draft = Draft::over(target);
    mapper.carry(RuleIndex(0), from, source, &mut draft, &cx)?;
    Ok(draft.get(0).map(|planned| planned.to_planned()))
}

fn owner() -> RuleDecl {
    lookup_by_entity(
        "owner",
        "Salesperson",
        [
            ("systemuser", LookupThrough::Link("users".into())),
            ("team", LookupThrough::Keep),
            ("queue", LookupThrough::Null),
        ],
    )
    .holds(Side::Right, TypeDecl::TEXT)
}

fn partner(side: Side, id: &str) -> Ask {
    Ask::Partner { link: "users".into(), side, id: RecordId::text(id) }
}

#[test]
fn references_name_what_they_need_once() {
    let mapper = mapper(owner(), Functions::new());
    let source = one("owner", reference("systemuser", "u1"));
    let asked: Vec<Ask> = mapper.references(Side::Left, &source, &Resolved::new()).into_asks().collect();
    assert_eq!(asked, [partner(Side::Left, "u1")]);
    let mut resolved = Resolved::new();
    resolved.insert(partner(Side::Left, "u1"), Answer::Unpaired);
    assert!(mapper.references(Side::Left, &source, &resolved).is_empty());
    for value in [reference("team", "t"), Value::Null, Value::text("")] {
        assert!(mapper.references(Side::Left, &one("owner", value), &Resolved::new()).is_empty());
    }
    let back = mapper.references(Side::Right, &one("Salesperson", Value::text("JR")), &Resolved::new());
    assert_eq!(back.into_asks().collect::<Vec<_>>(), [partner(Side::Right, "JR")]);
}

#[test]
fn h82_a_reference_is_translated_by_the_entity_that_it_points_at() {
    let mapper = mapper(owner(), Functions::new());
    let held = one("Salesperson", Value::text("XX"));
    let mut resolved = Resolved::new();
    resolved.insert(partner(Side::Left, "u1"), Answer::Paired(RecordId::text("JR")));
    resolved.insert(partner(Side::Right, "JR"), Answer::Paired(RecordId::text("u1")));
    let carry = |value: Value| carry(&mapper, Side::Left, &one("owner", value), &held, &resolved);
    assert_eq!(carry(reference("systemuser", "u1")), Ok(Some(Planned::Known(Value::text("JR")))));
    assert_eq!(carry(reference("team", "t")), Ok(None));
    assert_eq!(carry(reference("queue", "q")), Ok(Some(Planned::Known(Value::Null))));
    assert_eq!(carry(Value::Null), Ok(Some(Planned::Known(Value::Null))));
    let other = carry(reference("contact", "c")).unwrap_err();
    assert_eq!(
        other.to_string(),
        "owner: it refers to contact, which the lookup does not name (a reference); name the entity in `lookup`"
    );
    let back = crate::carry(
        &mapper,
        Side::Right,
        &one("Salesperson", Value::text("JR")),
        &one("owner", Value::Null),
        &resolved,
    );
    assert_eq!(back, Ok(Some(Planned::Known(reference("systemuser", "u1")))));
}

#[test]
fn h78_a_record_that_is_not_linked_yet_is_waited_for_or_what_the_author_says() {
    let missing = |policy: IfMissing| {
        let mapper = mapper(owner().if_missing(Side::Right, policy), Functions::new());
        let source = one("owner", reference("systemuser", "u2"));
        carry(&mapper, Side::Left, &source, &one("Salesperson", Value::Null), &Resolved::new())
    };
    assert_eq!(
        missing(IfMissing::Later).unwrap_err().problem,
        MapProblem::Waiting(partner(Side::Left, "u2"))
    );
    assert_eq!(missing(IfMissing::Park).unwrap_err().problem, MapProblem::Unmappable);
    assert_eq!(missing(IfMissing::Null), Ok(Some(Planned::Known(Value::Null))));
    assert_eq!(missing(IfMissing::Use(Value::text("HOUSE"))), Ok(Some(Planned::Known(Value::text("HOUSE")))));
}

#[test]
fn a_partner_that_the_same_plan_creates_is_its_result() {
    let mapper = mapper(lookup("parent", "Parent", "accounts"), Functions::new());
    let action = ActionId::derive(&[b"create"]);
    let mut resolved = Resolved::new();
    let ask = Ask::Partner { link: "accounts".into(), side: Side::Left, id: RecordId::text("a0") };
    resolved.insert(ask, Answer::Planned(action));
    let source = one("parent", reference("account", "a0"));
    let made = carry(&mapper, Side::Left, &source, &one("Parent", Value::Null), &resolved);
    assert_eq!(made, Ok(Some(Planned::ResultOf(action))));
    // A record that refers to its own entity does not make its link come before itself.
    assert!(mapper.link().depends_on.is_empty());
}

#[test]
fn a_key_of_several_parts_does_not_become_plain_text() {
    let mapper = mapper(owner(), Functions::new());
    let mut resolved = Resolved::new();
    let parts = RecordId::of_parts(&[KeyPart::Int(1), KeyPart::Int(2)]);
    resolved.insert(partner(Side::Left, "u1"), Answer::Paired(parts));
    let source = one("owner", reference("systemuser", "u1"));
    let error = carry(&mapper, Side::Left, &source, &one("Salesperson", Value::Null), &resolved).unwrap_err();
    assert!(error.message.contains("several parts"), "{error}");
}

#[test]
fn functions_of_the_host_refuse_in_their_own_words_and_count() {
    let functions = || {
        let refuse = |_: &[seamless_core::model::ValueRef<'_>]| {
            Err(CustomRefusal { message: "no such plate".to_owned(), remedy: "type it again".to_owned() })
        };
        Functions::new()
            .rule("plate", Closures::new("1").to_right(refuse))
            .rule("two", Closures::new("1").to_right(|_| Ok(vec![Value::Null, Value::Null])))
    };
    let source = one("a", Value::text("x"));
    for (name, expected) in [("plate", "no such plate"), ("two", "the function gave 2 values for 1 fields")] {
        let mapper = mapper(custom(name, ["a"], ["b"]).to_right(), functions());
        let error =
            carry(&mapper, Side::Left, &source, &one("b", Value::Null), &Resolved::new()).unwrap_err();
        assert_eq!(error.message, expected);
    }
    let build = |rule: RuleDecl| {
        Mapping::builder("l", "r")
            .link("x", "A", "B")
            .match_nothing()
            .rule(rule)
            .build_with(&CompileOptions { functions: functions(), schemas: None })
            .map_err(|refused| refused.to_string())
    };
    let refused = build(custom("plate", ["a"], ["b"])).unwrap_err();
    assert!(refused.contains("the function plate does not carry to l; register its reverse"), "{refused}");
}

#[test]
fn a_custom_conflict_policy_settles_and_its_name_is_checked() {
    let functions = Functions::new().conflict("longer", |left, right| {
        let length = |slots: &[Slot]| slots.first().map_or(0, |slot| slot.to_string().len());
        let (left, right) = (length(left), length(right));
        (left != right).then_some(Settlement::Take(if left > right { Side::Left } else { Side::Right }))
    });
    let rule = |name: &str| copy("a", "b").on_conflict(ConflictPolicy::Custom(name.to_owned()));
    let mapper = mapper(rule("longer"), functions.clone());
    let text = |text: &str| [Slot::Value(Value::text(text))];
    let settle = |left: &str, right: &str| mapper.settle(RuleIndex(0), "longer", &text(left), &text(right));
    assert_eq!(settle("abc", "ab"), Some(Settlement::Take(Side::Left)));
    assert_eq!(settle("a", "ab"), Some(Settlement::Take(Side::Right)));
    assert_eq!(settle("a", "b"), None);
    let refused = Mapping::builder("l", "r")
        .link("x", "A", "B")
        .match_nothing()
        .rule(rule("longest"))
        .build_with(&CompileOptions { functions, schemas: None })
        .unwrap_err();
    assert_eq!(
        refused.to_string(),
        "error[unknown-function]: link x, rule a=b: no conflict function is called longest; did you mean `longer`?"
    );
}

/// What the reader says of one rule of an order.
fn said_of(link: &str, rule: &str) -> String {
    let text = format!(
        "integration: i\nsides: {{ crm: a, erp: b }}\nlinks:\n  - id: x\n    crm: order\n    erp: Order\n    match: none\n{link}    \
         rules:\n      - {rule}\n"
    );
    match seamless_mapping::load("m.yaml", &text, &seamless_mapping::LoadOptions::default()) {
        Ok(loaded) => loaded.mapping.warnings().iter().map(|found| found.message.clone()).collect(),
        Err(findings) => findings.to_string(),
    }
}

#[test]
fn a_lookup_by_a_field_says_why_it_cannot_go_both_ways_or_keep_edits() {
    let path = "'contact <-> Mail': { lookup: { by: { crm: contact.mail } } }";
    let found = said_of("", path);
    assert!(found.contains("nobody could tell that from an edit of the other side"), "{found}");
    let one_way = path.replace("<->", "->");
    let found = said_of("", &one_way);
    assert!(found.contains("is noticed when everything is read"), "{found}");
    assert_eq!(said_of("    sweep: 1d\n", &one_way), "");
    let found = said_of("    sweep: 1d\n    on_drift: keep\n", &one_way);
    assert!(found.contains("cannot follow the record"), "{found}");
    // Finding a record by a value follows nothing.
    assert_eq!(said_of("", &path.replace("<->", "<-")), "");
    let both = "'owner <-> Code': { lookup: { by: { crm: user.mail, erp: Salesperson.E-Mail } } }";
    assert_eq!(said_of("", both), "");
    let found = said_of("", "'owner <-> Code': { lookup: { by: { crm: user } } }");
    assert!(
        found.contains("a field of an entity") && found.contains("systemuser.internalemailaddress"),
        "{found}"
    );
    let found = said_of("", "'owner <-> Code': { lookup: { by: { cmr: user.mail } } }");
    assert!(found.contains("no side"), "{found}");
    let found = said_of(
        "",
        "'lines -> Lines': { key: no = No, rules: [ 'item -> Name': { lookup: { by: { crm: item.name } } } ] }",
    );
    assert!(found.contains("nobody would notice that it changed"), "{found}");
}

/// What a rule makes of a value of a side, over what the other side holds.
fn made(rule: RuleDecl, from: Side, value: Value, held: Value) -> Result<Option<Planned>, Box<MapError>> {
    let (given, taken) = match from {
        Side::Left => ("currency", "Currency Code"),
        Side::Right => ("Currency Code", "currency"),
    };
    let mut resolved = Resolved::new();
    for (side, id, partner_id) in [(Side::Left, "usd", "USD"), (Side::Right, "USD", "usd")] {
        resolved.insert(partner(side, id), Answer::Paired(RecordId::text(partner_id)));
    }
    let mapper = mapper(rule, Functions::new());
    carry(&mapper, from, &one(given, value), &one(taken, held), &resolved)
}

fn currency() -> RuleDecl {
    lookup("currency", "Currency Code", "users")
        .holds(Side::Right, TypeDecl::TEXT)
        .blank_reference(Side::Left, BlankReference::Use(Value::text("eur")))
}

// Catches: a blank currency that clears the other side, and a currency of the house that is looked for among the others.
#[test]
fn a_record_that_stands_for_blank_is_written_for_it_and_comes_back_as_blank() {
    let (eur, usd) = (reference("systemuser", "eur"), reference("systemuser", "usd"));
    let null = || Planned::Known(Value::Null);
    for blank in [Value::Null, Value::text("")] {
        let there = made(currency(), Side::Right, blank, usd.clone()).unwrap();
        assert_eq!(there, Some(Planned::Known(eur.clone())));
    }
    let back = made(currency(), Side::Left, eur.clone(), Value::text("USD")).unwrap();
    assert_eq!(back, Some(null()));
    let others = made(currency(), Side::Left, usd.clone(), Value::Null).unwrap();
    assert_eq!(others, Some(Planned::Known(Value::text("USD"))));
    // Nobody asks for a partner of the one that needs none.
    let mapper = mapper(currency(), Functions::new());
    assert!(mapper.references(Side::Left, &one("currency", eur), &Resolved::new()).is_empty());
}

// Catches: a side that was cleared and makes the other one blank, which means another record there.
#[test]
fn clearing_a_side_that_has_a_record_for_blank_parks() {
    let error = made(currency(), Side::Left, Value::Null, Value::text("USD")).unwrap_err();
    assert_eq!(error.problem, MapProblem::Unmappable);
    assert!(error.message.contains("this side was cleared"), "{error}");
    // Where values never come back nothing is said by it.
    let one_way = made(currency().to_right(), Side::Left, Value::Null, Value::text("USD")).unwrap();
    assert_eq!(one_way, Some(Planned::Known(Value::Null)));
}

#[test]
fn a_side_that_keeps_what_it_has_is_not_cleared_by_a_blank_reference() {
    let keeps = || {
        lookup("currency", "Currency Code", "users")
            .holds(Side::Right, TypeDecl::TEXT)
            .blank_reference(Side::Right, BlankReference::Keep)
    };
    assert_eq!(made(keeps(), Side::Left, Value::Null, Value::text("USD")).unwrap(), None);
    let usd = reference("systemuser", "usd");
    let other = made(keeps(), Side::Left, usd.clone(), Value::text("EUR")).unwrap();
    assert_eq!(other, Some(Planned::Known(Value::text("USD"))));
    // The other side is cleared all the same.
    assert_eq!(made(keeps(), Side::Right, Value::Null, usd).unwrap(), Some(Planned::Known(Value::Null)));
}

#[test]
fn a_record_that_stands_for_blank_is_one_of_the_only_entity() {
    let refused = |rule: RuleDecl| {
        let mapping = Mapping::builder("crm", "erp")
            .link("users", "systemuser", "Salesperson")
            .match_nothing()
            .link("accounts", "account", "Customer")
            .match_nothing()
            .rule(rule)
            .build();
        mapping.unwrap_err().to_string()
    };
    let several = owner().blank_reference(Side::Left, BlankReference::Use(Value::text("u1")));
    assert!(refused(several).contains("a reference of crm has several entities"));
    let nobody = currency().blank_reference(Side::Left, BlankReference::Use(Value::text("")));
    assert!(refused(nobody).contains("the key of the record that stands for blank is missing"));
}

fn unit() -> RuleDecl {
    lookup_parts("unit", ["No.", "Unit Code"], "users")
}

fn two(no: Value, code: Value) -> Record {
    let shape = Shape::new(["No.".into(), "Unit Code".into()]).unwrap();
    record(&shape, [("No.".into(), Slot::Value(no)), ("Unit Code".into(), Slot::Value(code))]).unwrap()
}

fn pieces() -> (RecordId, Resolved) {
    let id = RecordId::of_parts(&[KeyPart::Text("1000".into()), KeyPart::Text("PCS".into())]);
    let mut resolved = Resolved::new();
    let ask = |side, id| Ask::Partner { link: "users".into(), side, id };
    resolved.insert(ask(Side::Right, id.clone()), Answer::Paired(RecordId::text("u1")));
    resolved.insert(ask(Side::Left, RecordId::text("u1")), Answer::Paired(id.clone()));
    (id, resolved)
}

// Catches: a unit that is looked up by its code alone, which every item has.
#[test]
fn a_key_of_several_parts_is_looked_up_and_written_as_a_whole() {
    let mapper = mapper(unit(), Functions::new());
    let (id, resolved) = pieces();
    let asked =
        mapper.references(Side::Right, &two(Value::text("1000"), Value::text("PCS")), &Resolved::new());
    let ask = Ask::Partner { link: "users".into(), side: Side::Right, id };
    assert_eq!(asked.into_asks().collect::<Vec<_>>(), [ask]);
    let there = |no: Value, code: Value| {
        carry(&mapper, Side::Right, &two(no, code), &one("unit", Value::Null), &resolved)
    };
    let u1 = reference("systemuser", "u1");
    assert_eq!(there(Value::text("1000"), Value::text("PCS")), Ok(Some(Planned::Known(u1.clone()))));
    let missing = there(Value::text("1000"), Value::text("BOX")).unwrap_err();
    assert!(matches!(missing.problem, MapProblem::Waiting(_)), "{missing}");
    // Without a unit there is no unit, whatever the item.
    assert_eq!(there(Value::text("1000"), Value::text("")), Ok(Some(Planned::Known(Value::Null))));
    let held = two(Value::Null, Value::Null);
    let entity = EntityName::from("x");
    let cx = MapContext { resolved: &resolved, target_entity: &entity, creating: false };
    let mut draft = Draft::over(&held);
    mapper.carry(RuleIndex(0), Side::Left, &one("unit", u1), &mut draft, &cx).unwrap();
    let parts = [0, 1].map(|slot| draft.get(slot).map(|planned| planned.to_planned()));
    assert_eq!(parts, ["1000", "PCS"].map(|part| Some(Planned::Known(Value::text(part)))));
}

#[test]
fn fields_that_are_no_key_together_are_refused() {
    let refused = |rule: RuleDecl| {
        let mapping = Mapping::builder("crm", "erp")
            .link("users", "systemuser", "Salesperson")
            .match_nothing()
            .link("accounts", "account", "Customer")
            .match_nothing()
            .rule(rule)
            .build();
        mapping.unwrap_err().to_string()
    };
    let mut both = unit();
    both.fields.left.push("other".into());
    assert!(refused(both).contains("on one of them a field for each part of a key"));
    let used = unit().if_missing(Side::Right, IfMissing::Use(Value::text("PCS")));
    assert!(refused(used).contains("`if_missing: use` stands for one field"));
}
