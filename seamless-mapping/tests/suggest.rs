//! What may correspond: by names, labels, types and option sets, each field once, with the reason.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod schemas;

use std::collections::BTreeSet;

use proptest::prelude::*;
use seamless_core::model::{Side, Sides};
use seamless_mapping::suggest::{Correspondence, correspondences, suggest};

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
