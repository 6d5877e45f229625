//! The checker against databases that were synchronised by hand, and against the same databases with one thing wrong.

use std::collections::BTreeSet;
use std::path::Path;

use rusqlite::Connection;
use tempfile::TempDir;

use super::super::correspondence::{ACCOUNT, CONTACT, Correspondence, Kind, PAYMENT_TERMS};
use super::super::expect::Expectations;
use super::super::generate::Sizes;
use super::super::truth::{DifferenceKind, Truth};
use super::super::{Side, World, create, create_sized, people};
use super::{Report, Verdict, attach, check};

/// Links both sides without the SDK: the ERP prevails where both have a value, a blank never does.
fn synchronise(world: &World) {
    let database = attach(world).unwrap();
    database
        .execute_batch(
            "PRAGMA foreign_keys = OFF; CREATE TEMP TABLE pair (crm TEXT PRIMARY KEY, erp TEXT UNIQUE)",
        )
        .unwrap();
    for (crm, erp) in world.truth.accounts.shared.iter().chain(&world.truth.contacts.shared) {
        database.execute("INSERT INTO pair VALUES (?1, ?2)", [crm, erp]).unwrap();
    }
    // References come last, when every record has its number on both sides.
    let is_reference = |field: &&Correspondence| field.kind == Kind::ContactReference;
    level(&database, "account", "accountid", "Customer", &ACCOUNT);
    level(&database, "contact", "contactid", "Contact", &CONTACT);
    create_missing(&database, world);
    for field in ACCOUNT.iter().filter(is_reference) {
        let sql = format!(
            "UPDATE erp.\"Customer\" AS b SET \"{}\" = (SELECT {} FROM crm.account AS a WHERE a.accountnumber = b.\"No.\")
              WHERE \"{}\" IS NULL",
            field.erp,
            to_erp(field),
            field.erp
        );
        database.execute(&sql, []).unwrap();
        let sql = format!(
            "UPDATE crm.account AS a SET \"{}\" = (SELECT {} FROM erp.\"Customer\" AS b WHERE b.\"No.\" = a.accountnumber)
              WHERE \"{}\" IS NULL",
            field.crm,
            to_crm(field),
            field.crm
        );
        database.execute(&sql, []).unwrap();
    }
}

/// Makes the plain fields of pairs the same.
fn level(database: &Connection, crm: &str, crm_key: &str, erp: &str, fields: &[Correspondence]) {
    for field in fields.iter().filter(|field| field.is_plain() || field.kind == Kind::Number) {
        let (crm_column, erp_column) = (field.crm, field.erp);
        let sql = format!(
            "UPDATE crm.{crm} AS a SET \"{crm_column}\" = coalesce({}, a.\"{crm_column}\")
               FROM pair AS p JOIN erp.\"{erp}\" AS b ON b.\"No.\" = p.erp WHERE p.crm = a.{crm_key}",
            to_crm(field)
        );
        database.execute(&sql, []).unwrap();
        let sql = format!(
            "UPDATE erp.\"{erp}\" AS b SET \"{erp_column}\" = {}
               FROM pair AS p JOIN crm.{crm} AS a ON a.{crm_key} = p.crm WHERE p.erp = b.\"No.\"",
            to_erp(field)
        );
        database.execute(&sql, []).unwrap();
    }
}

/// Creates on each side what only the other has. Twins stay alone.
fn create_missing(database: &Connection, world: &World) {
    let twins: Vec<String> =
        world.truth.ambiguous.iter().flat_map(|group| group.crm.iter().chain(&group.erp)).cloned().collect();
    let twins = format!("('{}')", twins.join("', '"));
    for (crm, crm_key, erp, number, fields) in [
        ("account", "accountid", "Customer", "accountnumber", &ACCOUNT),
        ("contact", "contactid", "Contact", "externaluseridentifier", &CONTACT),
    ] {
        let fields = || fields.iter().filter(|field| field.kind != Kind::ContactReference);
        let list = |texts: Vec<String>| texts.join(", ");
        let (constant, value) = if crm == "contact" { (", \"Type\"", ", 1") } else { ("", "") };
        let sql = format!(
            "INSERT INTO erp.\"{erp}\" ({}{constant}) SELECT {}{value} FROM crm.{crm} AS a
              WHERE a.{crm_key} NOT IN {twins} AND NOT EXISTS (SELECT 1 FROM erp.\"{erp}\" AS b WHERE b.\"No.\" = a.{number})",
            list(fields().map(|field| format!("\"{}\"", field.erp)).collect()),
            list(fields().map(to_erp).collect())
        );
        database.execute(&sql, []).unwrap();
        let (constant, value) = if crm == "account" { (", customertypecode", ", 3") } else { ("", "") };
        let sql = format!(
            "INSERT INTO crm.{crm} ({crm_key}, {}{constant})
             SELECT printf('{:.1}0000000-0000-4000-8000-%012d', b.rowid), {}{value} FROM erp.\"{erp}\" AS b
              WHERE b.\"No.\" NOT IN {twins} AND NOT EXISTS (SELECT 1 FROM crm.{crm} AS a WHERE a.{number} = b.\"No.\")",
            list(fields().map(|field| format!("\"{}\"", field.crm)).collect()),
            crm,
            list(fields().map(to_crm).collect())
        );
        database.execute(&sql, []).unwrap();
    }
}

/// The value for the ERP of row `a` of the CRM.
fn to_erp(field: &Correspondence) -> String {
    let value = format!("a.\"{}\"", field.crm);
    match field.kind {
        Kind::Number => value,
        Kind::Money => format!("coalesce({value}, '0.00')"),
        Kind::Terms => {
            let arms: String = PAYMENT_TERMS
                .iter()
                .map(|(option, _, code)| format!(" WHEN {option} THEN '{code}'"))
                .collect();
            format!("CASE {value}{arms} ELSE '' END")
        }
        Kind::AccountReference => {
            format!("(SELECT accountnumber FROM crm.account WHERE accountid = {value})")
        }
        Kind::ContactReference => {
            format!("(SELECT externaluseridentifier FROM crm.contact WHERE contactid = {value})")
        }
        Kind::UserReference => format!(
            "(SELECT s.\"Code\" FROM erp.\"Salesperson/Purchaser\" AS s JOIN crm.systemuser AS u
                ON u.internalemailaddress = s.\"E-Mail\" WHERE u.systemuserid = {value})"
        ),
        Kind::Text | Kind::Email | Kind::Phone => format!("coalesce({value}, '')"),
    }
}

/// The value for the CRM of row `b` of the ERP.
fn to_crm(field: &Correspondence) -> String {
    let value = format!("b.\"{}\"", field.erp);
    match field.kind {
        Kind::Terms => {
            let arms: String = PAYMENT_TERMS
                .iter()
                .map(|(option, _, code)| format!(" WHEN '{code}' THEN {option}"))
                .collect();
            format!("CASE {value}{arms} END")
        }
        Kind::AccountReference => {
            format!("(SELECT accountid FROM crm.account WHERE accountnumber = {value})")
        }
        Kind::ContactReference => {
            format!("(SELECT contactid FROM crm.contact WHERE externaluseridentifier = {value})")
        }
        Kind::UserReference => format!(
            "(SELECT u.systemuserid FROM erp.\"Salesperson/Purchaser\" AS s JOIN crm.systemuser AS u
                ON u.internalemailaddress = s.\"E-Mail\" WHERE s.\"Code\" = {value})"
        ),
        _ => format!("nullif({value}, '')"),
    }
}

fn linked_world() -> (TempDir, World) {
    let folder = tempfile::tempdir().unwrap();
    let world = create_sized(folder.path(), 11, Sizes { accounts: 200, contacts: 400 }).unwrap();
    synchronise(&world);
    (folder, world)
}

/// The names of the broken rules; none when everything holds.
fn broken(world: &World, expected: &Expectations) -> BTreeSet<String> {
    match check(world, expected).unwrap() {
        Verdict::Holds(_) => BTreeSet::new(),
        Verdict::Broken(violations) => violations.into_iter().map(|violation| violation.rule).collect(),
    }
}

/// The world with one thing changed in a copy of its files.
fn spoiled(world: &World, folder: &Path, sql: &str) -> World {
    let copy = |file: &Path| {
        let target = folder.join(file.file_name().unwrap());
        std::fs::copy(file, &target).unwrap();
        target
    };
    let spoiled = World {
        crm: copy(&world.crm),
        erp: copy(&world.erp),
        crm_before: world.crm_before.clone(),
        erp_before: world.erp_before.clone(),
        truth: Truth::default(),
    };
    let database = attach(&spoiled).unwrap();
    database.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
    database.execute_batch(sql).unwrap();
    spoiled
}

#[test]
fn a_world_that_nobody_synchronised_breaks_the_rules() {
    let folder = tempfile::tempdir().unwrap();
    let world = create_sized(folder.path(), 11, Sizes { accounts: 200, contacts: 400 }).unwrap();
    let rules = broken(&world, &Expectations::after_first_link(&world.truth));
    for rule in ["a record has no partner", "the sides differ", "a value is lost"] {
        assert!(rules.contains(rule), "{rule} should be broken: {rules:?}");
    }
}

#[test]
fn the_whole_world_holds_once_it_is_synchronised() {
    let folder = tempfile::tempdir().unwrap();
    let world = create(folder.path(), 2026).unwrap();
    synchronise(&world);
    let verdict = check(&world, &Expectations::after_first_link(&world.truth)).unwrap();
    let expected = Report {
        account_pairs: 2_000,
        contact_pairs: 5_000 - 4,
        fields_compared: 2_000 * 17 + 4_996 * 17,
        records_alone: 12,
        ..Report::default()
    };
    assert_eq!(verdict, Verdict::Holds(expected));
}

#[test]
fn one_spoiled_thing_is_reported() {
    let (_folder, world) = linked_world();
    let expected = Expectations::after_first_link(&world.truth);
    let (crm_id, erp_no) = &world.truth.accounts.shared[7];
    let (contact_id, contact_no) = &world.truth.contacts.shared[7];
    let twin = &world.truth.ambiguous[0].erp[1];
    let cases: &[(&str, String)] = &[
        ("the sides differ", format!("UPDATE crm.account SET address1_city = 'Nowhere' WHERE accountid = '{crm_id}'")),
        ("the sides differ", format!(r#"UPDATE erp."Contact" SET "Company No." = 'C00010' WHERE "No." = '{contact_no}'"#)),
        ("the sides differ", "UPDATE crm.account SET paymenttermscode = paymenttermscode % 4 + 1 WHERE accountid = (SELECT min(accountid) FROM crm.account WHERE paymenttermscode > 0)".to_owned()),
        ("the sides differ", "UPDATE crm.account SET paymenttermscode = 100000000 WHERE paymenttermscode IS NULL".to_owned()),
        ("the sides differ", "UPDATE crm.account SET primarycontactid = NULL".to_owned()),
        ("the sides differ", r#"UPDATE erp."Customer" SET "Salesperson Code" = NULL"#.to_owned()),
        ("the sides differ", format!("UPDATE crm.account SET creditlimit = '0.01' WHERE accountid = '{crm_id}'")),
        ("a value came from nowhere", format!(r#"UPDATE crm.account SET name = 'X' WHERE accountid = '{crm_id}'; UPDATE erp."Customer" SET "Name" = 'X' WHERE "No." = '{erp_no}'"#)),
        ("a value is lost", format!(r#"UPDATE crm.account SET name = NULL WHERE accountid = '{crm_id}'; UPDATE erp."Customer" SET "Name" = '' WHERE "No." = '{erp_no}'"#)),
        ("a record is missing", format!("DELETE FROM crm.contact WHERE contactid = '{contact_id}'")),
        ("a record is missing", format!(r#"DELETE FROM erp."Contact" WHERE "No." = '{twin}'"#)),
        ("a parked record changed", format!(r#"UPDATE erp."Contact" SET "City" = 'Elsewhere' WHERE "No." = '{twin}'"#)),
        ("a record has no partner", r#"DELETE FROM erp."Customer" WHERE "No." = 'A00001'"#.to_owned()),
        ("a record is not expected", r#"INSERT INTO erp."Customer" ("No.", "Name") VALUES ('C99999', 'A duplicate')"#.to_owned()),
        ("an unmapped column changed", format!("UPDATE crm.account SET revenue = '1.00' WHERE accountid = '{crm_id}'")),
        ("an unmapped column changed", format!(r#"UPDATE erp."Contact" SET "Job Title" = '' WHERE "No." = '{contact_no}'"#)),
        ("a constant is missing", format!("UPDATE crm.account SET customertypecode = NULL WHERE accountid = '{crm_id}'")),
        ("a reference dangles", r#"UPDATE erp."Customer" SET "Primary Contact No." = 'nobody' WHERE rowid = 1"#.to_owned()),
        ("a reference dangles", "UPDATE crm.contact SET parentcustomerid = printf('%036d', 0) WHERE rowid = 1".to_owned()),
    ];
    for (rule, sql) in cases {
        let folder = tempfile::tempdir().unwrap();
        let rules = broken(&spoiled(&world, folder.path(), sql), &expected);
        assert!(rules.contains(*rule), "{sql}\nshould break: {rule}\nbut breaks: {rules:?}");
    }
}

#[test]
fn another_spelling_of_the_same_value_holds() {
    let (_folder, world) = linked_world();
    let expected = Expectations::after_first_link(&world.truth);
    for sql in [
        "UPDATE crm.contact SET emailaddress1 = upper(emailaddress1) WHERE externaluseridentifier IS NOT NULL", // not the twins
        r#"UPDATE erp."Customer" SET "Phone No." = replace("Phone No.", ' ', '/')"#,
        "UPDATE crm.account SET name = ' ' || name || ' '",
        r#"UPDATE erp."Customer" SET "Credit Limit (LCY)" = "Credit Limit (LCY)" || '0'"#,
        "UPDATE crm.account SET fax = '' WHERE fax IS NULL",
    ] {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(broken(&spoiled(&world, folder.path(), sql), &expected), BTreeSet::new(), "{sql}");
    }
}

#[test]
fn differences_that_the_first_link_parked_may_stay() {
    let folder = tempfile::tempdir().unwrap();
    let world = create_sized(folder.path(), 11, Sizes { accounts: 200, contacts: 400 }).unwrap();
    let before = Expectations::after_first_link(&world.truth);
    let mut parked = Expectations::after_first_link(&world.truth);
    parked.leave_apart(&world.truth, |difference| difference.kind != DifferenceKind::Harmless);
    let differing = |expected: &Expectations| match check(&world, expected).unwrap() {
        Verdict::Holds(_) => Vec::new(),
        Verdict::Broken(violations) => violations
            .into_iter()
            .filter(|violation| violation.rule != "a record has no partner")
            .filter_map(|violation| violation.column)
            .collect(),
    };
    let only_the_key: BTreeSet<String> = differing(&parked).into_iter().collect();
    assert!(differing(&before).len() > differing(&parked).len());
    // Nothing was carried over, so the references to records without a partner and the numbers are still open.
    for column in only_the_key {
        assert!(
            ["externaluseridentifier", "parentcustomerid", "primarycontactid"].contains(&column.as_str()),
            "{column}"
        );
    }
}

#[test]
fn the_story_told_by_hand_ends_as_expected() {
    let (_folder, world) = linked_world();
    let mut expected = Expectations::after_first_link(&world.truth);
    let different = people::edit_different_fields(&world).unwrap();
    let [in_crm, in_erp] = people::edit_the_same_field(&world).unwrap();
    let cleared = people::clear_a_field(&world).unwrap();
    let too_long = people::enter_a_value_too_long_for_the_erp(&world).unwrap();
    let new_option = people::use_a_new_option_value(&world).unwrap();
    let deleted = people::delete_a_contact(&world).unwrap();
    let newcomers = people::add_a_contact_with_a_new_account(&world).unwrap();
    assert!(broken(&world, &expected).contains("the sides differ"), "nobody carried the edits over yet");

    // What a synchronisation does with them.
    let (crm, erp) = (world.open(Side::Crm).unwrap(), world.open(Side::Erp).unwrap());
    let [phone, home_page] = &different;
    let (phone_after, page_after) = (phone.after.as_ref().unwrap(), home_page.after.as_ref().unwrap());
    erp.execute(r#"UPDATE "Customer" SET "Phone No." = ?2 WHERE "No." = ?1"#, [&phone.erp_no, phone_after])
        .unwrap();
    crm.execute("UPDATE account SET websiteurl = ?2 WHERE accountid = ?1", [&phone.crm_id, page_after])
        .unwrap();
    erp.execute(r#"UPDATE "Contact" SET "Mobile Phone No." = '' WHERE "No." = ?1"#, [&cleared.erp_no])
        .unwrap();
    erp.execute(r#"DELETE FROM "Contact" WHERE "No." = ?1"#, [&deleted.erp_no]).unwrap();
    synchronise_newcomers(&world);

    different.iter().for_each(|edit| expected.edit_stands(edit));
    expected.edit_stands(&cleared);
    expected.stays_apart(&in_crm, in_erp.after.as_deref().unwrap());
    expected.stays_apart(&too_long, too_long.before.as_deref().unwrap_or_default());
    expected.stays_apart(&new_option, new_option.before.as_deref().unwrap_or_default());
    expected.is_gone(&deleted);
    expected.are_new(&newcomers);
    let verdict = check(&world, &expected).unwrap();
    let Verdict::Holds(report) = verdict else { panic!("{verdict:#?}") };
    assert_eq!((report.fields_apart, report.records_gone, report.account_pairs), (3, 2, 201));

    // The conflict is resolved for the ERP, the other two are corrected, a person is no longer stored twice.
    crm.execute(
        "UPDATE account SET address1_line1 = ?2 WHERE accountid = ?1",
        [&in_crm.crm_id, in_erp.after.as_ref().unwrap()],
    )
    .unwrap();
    assert_eq!(
        broken(&world, &expected),
        BTreeSet::from(["a difference is not the expected one".to_owned()])
    );
    expected.is_settled(&in_crm);
    expected.edit_stands(&in_erp);
    for wrong in [&too_long, &new_option] {
        expected.is_settled(&people::correct(&world, wrong, wrong.before.as_deref()).unwrap());
    }
    let group = &world.truth.ambiguous[0];
    people::delete_the_twins(&world, group).unwrap();
    crm.execute(
        "UPDATE contact SET externaluseridentifier = ?2 WHERE contactid = ?1",
        [&group.crm[0], &group.erp[0]],
    )
    .unwrap();
    expected.twins_are_cleared(group);
    assert_eq!(broken(&world, &expected), BTreeSet::new());

    erp.execute(r#"UPDATE "Customer" SET "Address" = '' WHERE "No." = ?1"#, [&in_erp.erp_no]).unwrap();
    assert!(broken(&world, &expected).contains("an edit did not survive"));
}

/// [`create_missing`] once more, with the reference of the new account.
fn synchronise_newcomers(world: &World) {
    let database = attach(world).unwrap();
    database.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
    create_missing(&database, world);
    database
        .execute_batch(
            r#"UPDATE erp."Customer" SET "Primary Contact No." = 'P900001' WHERE "No." = 'A90001'"#,
        )
        .unwrap();
}
