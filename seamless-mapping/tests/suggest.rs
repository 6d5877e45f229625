//! What may correspond: by names, labels, types and option sets, each field once, with the reason.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod schemas;

use std::collections::BTreeSet;

use proptest::prelude::*;
use seamless_core::model::{FieldName, Shape, Slot, Value, record};
use seamless_core::model::{Side, Sides};
use seamless_mapping::suggest::{
    Correspondence, DISTINCT_MAX, MatchIdea, Samples, correspondences, correspondences_by_values, suggest,
    suggest_by_values,
};

use schemas::schema;

fn between(left: &str, right: &str) -> Vec<Correspondence> {
    let (left, right) = (schema(&format!("a: {left}")), schema(&format!("b: {right}")));
    correspondences(Sides::new(left.entity("a").unwrap(), right.entity("b").unwrap()), |_, _| true)
}

fn pairs(found: &[Correspondence]) -> Vec<(&str, &str)> {
    found.iter().map(|one| (one.field.left.as_str(), one.field.right.as_str())).collect()
}

#[test]
fn names_are_alike_whoever_spelt_them() {
    for (left, right) in [
        ("phone_nr", "Phone No."),
        ("accountNumber", "account_no"),
        ("e-mail", "Email"),
        ("postalcode", "Zip"),
        ("telephone1", "Phone 1"),
    ] {
        let found = between(&format!("{left} text(20)"), &format!("{right} text(20)"));
        assert_eq!(pairs(&found), [(left, right)], "{found:?}");
    }
    for (left, right) in [("address1", "address2"), ("name", "fax"), ("city", "country")] {
        assert!(
            between(&format!("{left} text(20)"), &format!("{right} text(20)")).is_empty(),
            "{left} {right}"
        );
    }
    assert!(between("amount text(20)", "amount date").is_empty(), "kinds that no rule carries");
}

#[test]
fn labels_count_where_names_say_nothing_and_less_than_names() {
    let found = between(
        "new_x17 text(20) \"Customer colour\"",
        "Colour of customer text(20) \"Customer colour\", x17 int",
    );
    assert_eq!(pairs(&found), [("new_x17", "Colour of customer")]);
    assert!(found[0].evidence.starts_with("labels alike 0.97"), "{}", found[0].evidence);
    let found = between("x17 text(20) \"Colour\"", "Colour text(20)");
    assert!(found[0].evidence.starts_with("label and name alike"), "{}", found[0].evidence);
    assert!(found[0].score < 1.0);
}

#[test]
fn option_sets_that_say_the_same_are_evidence_and_two_options_are_none() {
    let three = "option[1=Cash|2=Card|3=Bank]";
    let found = between(&format!("new_a {three}"), "Payment option[10=Cash|20=Card|30=Bank]");
    assert_eq!(pairs(&found), [("new_a", "Payment")]);
    assert!(found[0].evidence.ends_with("3 of 3 options are the same"), "{}", found[0].evidence);
    assert!(between("new_a option[1=Yes|2=No]", "Payment option[1=Yes|2=No]").is_empty());
}

#[test]
fn references_go_through_the_link_of_what_they_point_at_and_made_keys_are_left_alone() {
    let left = schema(
        "account: *accountid int, name text(100), no text(20) u\ncontact: *contactid int, email text(80) u, accountid ref[account]",
    );
    let right = schema(
        "Account: *id int, Name text(100), No. text(20) u\nContact: *id int, E-Mail text(80) u, Account ID ref[Account]",
    );
    let ideas = suggest(Sides::new(&left, &right));
    let contacts = ideas.iter().find(|idea| idea.entity.left.as_str() == "contact").unwrap();
    let reference = contacts.rules.iter().find(|rule| rule.field.left.as_str() == "accountid").unwrap();
    assert_eq!(reference.lookup.as_deref(), Some("account"));
    assert!(ideas.iter().all(|idea| idea.rules.iter().all(|rule| rule.field.right.as_str() != "id")));
}

/// A sample of an entity: a row of texts per record, `-` for nothing.
fn sample(mut samples: Samples, entity: &str, fields: &[&str], rows: &[&[&str]]) -> Samples {
    let shape = Shape::new(fields.iter().map(|field| FieldName::from(*field))).unwrap();
    for row in rows {
        let value = |text: &&str| match (*text, text.parse::<i64>()) {
            ("-", _) => Slot::Value(Value::Null),
            // What begins with a sign or nought is written as a text.
            (text, Ok(number)) if !text.starts_with(['+', '0']) => Slot::Value(Value::Int(number)),
            (text, _) => Slot::Value(Value::text(text)),
        };
        let cells = fields.iter().map(|field| FieldName::from(*field)).zip(row.iter().map(value));
        samples.add(&entity.into(), &record(&shape, cells).unwrap());
    }
    samples
}

const MAILS: [&str; 6] =
    ["kim@a.example", "lee@b.example", "max@c.example", "ida@d.example", "ole@e.example", "eva@f.example"];

/// Fields of `a` and `b` with these values.
fn by_values(left: (&str, &[&str]), right: (&str, &[&str]), clear: bool) -> Vec<Correspondence> {
    let name = |text: &str| text.split(' ').next().unwrap().to_owned();
    let (names, schemas) = (
        (name(left.0), name(right.0)),
        (schema(&format!("a: {}", left.0)), schema(&format!("b: {}", right.0))),
    );
    let samples = || if clear { Samples::clear() } else { Samples::masked() };
    let of = |entity: &str, field: &str, values: &[&str]| {
        let rows: Vec<Vec<&str>> = values.iter().map(|value| vec![*value]).collect();
        let rows: Vec<&[&str]> = rows.iter().map(Vec::as_slice).collect();
        sample(samples(), entity, &[field], &rows)
    };
    let (a, b) = (of("a", &names.0, left.1), of("b", &names.1, right.1));
    let entities = Sides::new(schemas.0.entity("a").unwrap(), schemas.1.entity("b").unwrap());
    correspondences_by_values(entities, |_, _| true, Some(Sides::new(&a, &b)))
}

/// Catches: values that are read and not looked at; a value that is said although nobody allowed it.
#[test]
fn equal_values_are_evidence_where_names_say_nothing_and_are_masked_unless_allowed() {
    let mixed: Vec<String> = MAILS.iter().map(|mail| format!(" {} ", mail.to_uppercase())).collect();
    let mixed: Vec<&str> = mixed.iter().map(String::as_str).collect();
    let found = by_values(("new_x17 text(80)", &MAILS), ("Contact text(80)", &mixed), false);
    assert_eq!(pairs(&found), [("new_x17", "Contact")]);
    let evidence = &found[0].evidence;
    assert!(
        evidence.contains("6 of 6 values are the same (such as aaa@a.aaaaaaa), both hold e-mail addresses"),
        "{evidence}"
    );
    assert!(!MAILS.iter().any(|mail| evidence.contains(mail)), "{evidence}");
    let shown = by_values(("new_x17 text(80)", &MAILS), ("Contact text(80)", &mixed), true);
    assert!(shown[0].evidence.contains("such as eva@f.example"), "{}", shown[0].evidence);
    // Nothing in common: nothing is said.
    let others = ["a@x.example", "b@x.example", "c@x.example", "d@x.example", "e@x.example", "f@x.example"];
    assert!(by_values(("new_x17 text(80)", &MAILS), ("Contact text(80)", &others), false).is_empty());
}

/// Catches: small numbers and a few values that are the same everywhere.
#[test]
fn values_that_are_met_by_chance_are_no_evidence() {
    let small = ["1", "2", "3", "4", "5", "6", "7", "8"];
    assert!(by_values(("a1 int", &small), ("b2 int", &small), false).is_empty());
    let large = ["10021", "10022", "10023", "10024", "10025", "10026"];
    assert_eq!(by_values(("a1 int", &large), ("b2 int", &large), false).len(), 1);
    let few = ["Berlin", "Bremen", "-", "-", "-"];
    assert!(by_values(("a1 text(30)", &few), ("b2 text(30)", &few), false).is_empty());
    // A list of codes is short, and its values come again and again.
    let codes = ["30D", "60D", "COD", "30D", "30D", "60D", "60D", "COD", "COD", "30D"];
    let found = by_values(("a1 text(30)", &codes), ("b2 text(30)", &codes), false);
    assert!(found[0].evidence.contains("3 of 3 values of two lists are the same"), "{found:?}");
}

/// Catches: a name that is believed although the values say otherwise.
#[test]
fn what_values_look_like_speaks_for_a_name_or_against_it() {
    let phones = ["+49 30 1234567", "030 7654321", "+1 555 0100 12", "(040) 555-0199", "+44 20 7946 0958"];
    let against = by_values(("contact text(80)", &MAILS), ("contact text(80)", &phones), false);
    assert!(against.is_empty(), "{against:?}");
    let alone = between("contact text(80)", "contact text(80)");
    assert_eq!(alone.len(), 1);
    let same = by_values(
        ("phone_a text(80)", &phones),
        (
            "phone_b text(80)",
            &[
                "+49 89 1",
                "+49 89 2222222",
                "+49 89 3333333",
                "+49 89 4444444",
                "+49 89 5555555",
                "+49 89 6666666",
                "+49 89 7777777",
                "+49 89 8888888",
                "+49 89 9999999",
                "+49 89 1111111",
            ],
        ),
        false,
    );
    let without = between("phone_a text(80)", "phone_b text(80)");
    assert!(
        same[0].score >= without[0].score && same[0].evidence.ends_with("both hold telephone numbers"),
        "{same:?} {without:?}"
    );
    // Digits count, not how they are written.
    let written = ["+49301234567", "0307654321", "+1(555)010012", "040 5550199", "+44 2079460958"];
    let found = by_values(("a1 text(80)", &phones), ("b2 text(80)", &written), false);
    assert!(found[0].evidence.contains("5 of 5 values are the same"), "{found:?}");
}

/// Catches: links that nobody can match, though values tell their records apart.
#[test]
fn values_say_by_what_records_are_recognised() {
    let (left, right) = (
        schema("account: *accountid int, name text(100), mail text(80)"),
        schema("Account: *id int, Name text(100), Mail text(80)"),
    );
    let rows: Vec<Vec<&str>> = MAILS.iter().map(|mail| vec!["Adatum", *mail]).collect();
    let rows: Vec<&[&str]> = rows.iter().map(Vec::as_slice).collect();
    let a = sample(Samples::masked(), "account", &["name", "mail"], &rows);
    let b = sample(Samples::masked(), "Account", &["Name", "Mail"], &rows);
    let matching = |samples| suggest_by_values(Sides::new(&left, &right), samples).remove(0).matching;
    assert!(matching(None).is_empty());
    let found = matching(Some(Sides::new(&a, &b)));
    assert_eq!(found.len(), 1, "names are not different: {found:?}");
    let MatchIdea { field, same_when, evidence } = &found[0];
    assert_eq!((field.left.as_str(), evidence.as_str()), ("mail", "different in every record that was read"));
    assert_eq!(*same_when, Some("email"), "as they were compared");
}

/// Catches: a sample that grows with the system.
#[test]
fn samples_stay_small_and_say_how_much_they_saw() {
    let mut samples = Samples::masked();
    let shape = Shape::new(["code".into(), "text".into()]).unwrap();
    for at in 0..DISTINCT_MAX + 500 {
        let cells = [
            ("code".into(), Slot::Value(Value::text(&format!("C{at}")))),
            ("text".into(), Slot::Value(Value::text(&"x".repeat(5000)))),
        ];
        samples.add(&"a".into(), &record(&shape, cells).unwrap());
    }
    let words = |field: &str| samples.of(&"a".into(), &field.into()).unwrap().words();
    assert_eq!(words("code"), format!("{0} of {0} filled, {DISTINCT_MAX} different", DISTINCT_MAX + 500));
    assert!(words("text").ends_with("filled, 0 different"), "{}", words("text"));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Each field is proposed once, only where it is free, the likeliest first, and alike in both directions.
    #[test]
    fn each_free_field_is_proposed_once_and_the_likeliest_first(
        left in prop::collection::btree_set("(name|phone|city|mail|code)[12]?(_no)?", 1..8),
        right in prop::collection::btree_set("(Name|Phone|City|Mail|Code)[12]?( No\\.)?", 1..8),
        taken in any::<prop::sample::Index>(),
    ) {
        let fields = |names: &BTreeSet<String>| names.iter().map(|name| format!("{name} text(20)")).collect::<Vec<_>>().join(", ");
        let (a, b) = (schema(&format!("a: {}", fields(&left))), schema(&format!("b: {}", fields(&right))));
        let taken = taken.get(&left.iter().cloned().collect::<Vec<_>>()).clone();
        let found = correspondences(Sides::new(a.entity("a").unwrap(), b.entity("b").unwrap()),
            |side, field| side == Side::Right || field.as_str() != taken);
        let lefts: BTreeSet<&str> = found.iter().map(|one| one.field.left.as_str()).collect();
        let rights: BTreeSet<&str> = found.iter().map(|one| one.field.right.as_str()).collect();
        prop_assert_eq!((lefts.len(), rights.len()), (found.len(), found.len()));
        prop_assert!(!lefts.contains(taken.as_str()));
        prop_assert!(found.windows(2).all(|two| two[0].score >= two[1].score));
        prop_assert!(found.iter().all(|one| (0.0..=1.0).contains(&one.score)));
        for one in &found {
            let (l, r) = (format!("{} text(20)", one.field.left), format!("{} text(20)", one.field.right));
            let mirrored = between(&r, &l);
            prop_assert!(mirrored.len() == 1 && (mirrored[0].score - one.score).abs() < 1e-9, "{:?} {:?}", one, mirrored);
        }
    }
}
