//! Values of some records as evidence, where a person asks for them.

use std::fs;

use super::Desk;

const MAILS: [&str; 6] =
    ["kim@a.example", "lee@b.example", "max@c.example", "ida@d.example", "ole@e.example", "eva@f.example"];

/// Two systems whose fields for addresses have names that say nothing.
fn desk() -> Desk {
    let desk = Desk { folder: tempfile::tempdir().unwrap() };
    desk.crm("CREATE TABLE person (id INTEGER PRIMARY KEY, name VARCHAR(50), new_x17 VARCHAR(80))");
    desk.erp("CREATE TABLE Person (id INTEGER PRIMARY KEY, Name VARCHAR(50), Kontakt VARCHAR(80))");
    for (at, mail) in MAILS.iter().enumerate() {
        desk.crm(&format!("INSERT INTO person VALUES ({at}, 'P{}', '{mail}')", at % 2));
        desk.erp(&format!(
            "INSERT INTO Person VALUES ({}, 'Q{}', '{}')",
            at + 40,
            at % 2,
            mail.to_uppercase()
        ));
    }
    desk
}

fn init(desk: &Desk, more: &[&str]) -> String {
    let (left, right) = (desk.system("crm.db"), desk.system("erp.db"));
    let args = ["init", "--force", "--left", &left, "--right", &right];
    let ran = desk.run(&args.iter().chain(more).copied().collect::<Vec<_>>());
    assert_eq!(ran.code, 0, "{ran:?}");
    fs::read_to_string(desk.project("integration.yaml")).unwrap()
}

fn holds_a_value(text: &str) -> bool {
    let small = text.to_lowercase();
    MAILS.iter().any(|mail| small.contains(mail))
}

#[test]
fn init_reads_values_where_it_is_asked_to_and_says_none_unless_allowed() {
    let desk = desk();
    let by_names = init(&desk, &[]);
    assert!(
        by_names.contains("no record was read") && !by_names.contains("new_x17 <-> Kontakt"),
        "{by_names}"
    );
    assert!(by_names.contains("no pair of fields tells"), "{by_names}");
    let by_values = init(&desk, &["--sample", "100"]);
    for said in [
        "the values of at most 100 records of each entity",
        "- new_x17 <-> Kontakt: { same_when: email } # ",
        "6 of 6 values are the same (such as aaa@a.aaaaaaa), both hold e-mail addresses",
        "- new_x17 = Kontakt: { same_when: email } # different in every record that was read",
    ] {
        assert!(by_values.contains(said), "{said}\n{by_values}");
    }
    assert!(!holds_a_value(&by_values), "{by_values}");
    let shown = init(&desk, &["--sample", "100", "--show-values"]);
    assert!(holds_a_value(&shown), "{shown}");
    let plan = desk.run(&["plan", "--json"]).json();
    let counts = &plan["counts"]["person"];
    assert_eq!(
        (counts["create"]["left"].as_u64(), counts["create"]["right"].as_u64()),
        (Some(0), Some(0)),
        "{plan}"
    );
}

#[test]
fn discover_says_what_fields_hold_without_a_value() {
    let desk = desk();
    init(&desk, &[]);
    let seen = desk.run(&["discover", "--sample", "4"]);
    assert!(seen.out.contains("4 of 4 filled, 4 different"), "{}", seen.out);
    let seen = desk.run(&["discover", "--sample", "10000"]);
    assert!(seen.out.contains("6 of 6 filled, 6 different, e-mail addresses"), "{}", seen.out);
    let json = desk.run(&["discover", "--sample", "100", "--json"]);
    assert!(
        json.json()["sides"][0]["values"]["person"]["new_x17"]
            .as_str()
            .unwrap()
            .ends_with("e-mail addresses"),
        "{json:?}"
    );
    assert!(!holds_a_value(&seen.out) && !holds_a_value(&json.out));
    let many = desk.run(&["discover", "--sample", "10001"]);
    assert_eq!(many.code, 1, "{many:?}");
}

#[test]
fn fit_takes_values_as_evidence_for_fields_that_came() {
    let desk = desk();
    init(&desk, &["--sample", "100"]);
    desk.crm("ALTER TABLE person ADD COLUMN q1 VARCHAR(20); UPDATE person SET q1 = '+49 30 123456' || id");
    desk.erp("ALTER TABLE Person ADD COLUMN Rueckruf VARCHAR(20); UPDATE Person SET Rueckruf = '004930123456' || (id - 40)");
    desk.erp("UPDATE Person SET Rueckruf = '+' || substr(Rueckruf, 3)");
    let by_names = desk.run(&["fit"]);
    assert!(
        !by_names.out.contains("Rueckruf and q1") && !by_names.out.contains("6 of 6 values"),
        "{}",
        by_names.out
    );
    let by_values = desk.run(&["fit", "--sample", "100"]);
    assert!(by_values.out.contains("6 of 6 values are the same"), "{}", by_values.out);
    assert!(!by_values.out.contains("123456"), "{}", by_values.out);
    let shown = desk.run(&["fit", "--sample", "100", "--show-values"]);
    assert!(shown.out.contains("such as 49301234"), "{}", shown.out);
}
