//! The generator keeps what it promises about numbers, names and keys.

use std::collections::{HashMap, HashSet};

use super::super::truth::DifferenceKind;
use super::{Cells, Draft, Presence, Sizes, generate};

#[test]
fn the_same_seed_gives_the_same_world_and_another_seed_another() {
    let sizes = Sizes { accounts: 100, contacts: 200 };
    let text = |seed| {
        let drafts = generate(seed, sizes).unwrap();
        format!("{:?}{:?}{:?}", drafts.accounts, drafts.contacts, drafts.truth)
    };
    assert_eq!(text(7), text(7));
    assert_ne!(text(7), text(8));
}

#[test]
fn half_is_shared_and_15_percent_of_its_fields_differ() {
    let drafts = generate(1, Sizes { accounts: 2_000, contacts: 5_000 }).unwrap();
    let truth = &drafts.truth;
    assert_eq!(truth.accounts.shared.len(), 1_000);
    assert_eq!((truth.accounts.crm_only.len(), truth.accounts.erp_only.len()), (600, 400));
    assert_eq!(truth.contacts.shared.len() + truth.ambiguous.len(), 2_500);
    assert_eq!((truth.contacts.crm_only.len(), truth.contacts.erp_only.len()), (1_500, 1_000));
    let (blank, different) = (truth.count(DifferenceKind::OneBlank), truth.count(DifferenceKind::Different));
    assert_eq!(blank + different, truth.comparable_fields * 15 / 100);
    assert!(blank.abs_diff(different) <= 1);
    assert_eq!(truth.count(DifferenceKind::Harmless), truth.comparable_fields * 3 / 100);
}

/// A group key of one record on one side; an empty text is no key.
type Rule = fn(&Draft, &Cells) -> (String, Option<usize>);

fn by_email(_: &Draft, cells: &Cells) -> (String, Option<usize>) {
    (cells.get("emailaddress1").to_lowercase(), None)
}

fn by_name_and_company(draft: &Draft, cells: &Cells) -> (String, Option<usize>) {
    (format!("{}|{}", cells.get("firstname").trim(), cells.get("lastname").trim()), draft.reference)
}

fn by_name(_: &Draft, cells: &Cells) -> (String, Option<usize>) {
    (format!("{}|{}", cells.get("firstname").trim(), cells.get("lastname").trim()), None)
}

/// Pairs what a rule after the other finds alone together; counts the groups of which it cannot tell.
fn matched(contacts: &[Draft], rules: &[Rule]) -> (HashSet<(String, String)>, usize) {
    let (mut pairs, mut parked) = (HashSet::new(), 0);
    let mut crm: Vec<&Draft> = contacts.iter().filter(|draft| draft.presence != Presence::ErpOnly).collect();
    let mut erp: Vec<&Draft> = contacts.iter().filter(|draft| draft.presence != Presence::CrmOnly).collect();
    for rule in rules {
        let mut groups = HashMap::<_, (Vec<&Draft>, Vec<&Draft>)>::new();
        for draft in &crm {
            groups.entry(rule(draft, &draft.crm)).or_default().0.push(draft);
        }
        for draft in &erp {
            groups.entry(rule(draft, &draft.erp)).or_default().1.push(draft);
        }
        let (mut taken_crm, mut taken_erp) = (HashSet::new(), HashSet::new());
        for ((text, _), (crm, erp)) in groups {
            if text.is_empty() || crm.is_empty() || erp.is_empty() {
                continue;
            }
            taken_crm.extend(crm.iter().map(|draft| draft.crm_id.as_str()));
            taken_erp.extend(erp.iter().map(|draft| draft.erp_no.as_str()));
            if let ([crm], [erp]) = (crm.as_slice(), erp.as_slice()) {
                pairs.insert((crm.crm_id.clone(), erp.erp_no.clone()));
            } else {
                parked += 1;
            }
        }
        crm.retain(|draft| !taken_crm.contains(draft.crm_id.as_str()));
        erp.retain(|draft| !taken_erp.contains(draft.erp_no.as_str()));
    }
    (pairs, parked)
}

#[test]
fn the_documented_match_rules_find_exactly_the_true_pairs() {
    let drafts = generate(1, Sizes { accounts: 2_000, contacts: 5_000 }).unwrap();
    let truth: HashSet<_> = drafts.truth.contacts.shared.iter().cloned().collect();
    for second in [by_name_and_company as Rule, by_name] {
        let (pairs, parked) = matched(&drafts.contacts, &[by_email, second]);
        assert_eq!(pairs, truth);
        assert_eq!(parked, drafts.truth.ambiguous.len());
    }
    let (by_email_alone, _) = matched(&drafts.contacts, &[by_email]);
    assert!(by_email_alone.len() < truth.len() * 9 / 10, "the second rule has something to do");
}

#[test]
fn an_email_names_one_person_except_in_the_ambiguous_groups() {
    let drafts = generate(1, Sizes { accounts: 2_000, contacts: 5_000 }).unwrap();
    let groups: HashSet<_> = drafts.truth.ambiguous.iter().map(|group| group.email.as_str()).collect();
    let mut owners = HashMap::new();
    for (at, draft) in drafts.contacts.iter().enumerate() {
        for (cells, absent) in [(&draft.crm, Presence::ErpOnly), (&draft.erp, Presence::CrmOnly)] {
            let email = cells.get("emailaddress1").to_lowercase();
            if draft.presence != absent && !email.is_empty() && !groups.contains(email.as_str()) {
                assert_eq!(*owners.entry(email.clone()).or_insert(at), at, "{email} names two people");
            }
        }
    }
    assert_eq!(groups.len(), 4);
}
