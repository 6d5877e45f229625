//! Projects that are made from a template.

use std::fs;

use rusqlite::Connection;

use super::{Desk, edited};

/// The next version of the template of the address book: the phone number has another name in the table, birthdays are
/// not carried any more.
fn next_version(desk: &Desk) -> String {
    let text = fs::read_to_string(desk.project("template.yaml")).unwrap();
    let text = text
        .replace("version: 1.0.0", "version: 2.0.0")
        .replace("      - Phone <-> phone: {", "      - Phone <-> mobile: { id: Phone=phone,")
        .replace("      - Birthday <-> born:", "      - Anniversary <-> born:")
        .replace("record: { phone:", "record: { mobile:")
        .replace("        born: date\n", "        born: date\n        mobile: text(30)\n")
        .replace(", Birthday: 29.02.1996 }", ", Anniversary: 29.02.1996 }");
    let path = desk.path("address-book-2.yaml");
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn templates_are_listed_and_shown_in_words_and_as_mappings() {
    let desk = Desk::new();
    let listed = desk.run(&["template", "list"]);
    assert!(
        listed.code == 0 && listed.out.contains("address-book") && listed.out.contains("1.0.0"),
        "{listed:?}"
    );
    assert_eq!(desk.run(&["--json", "template", "list"]).json()["templates"][0]["template"], "address-book");
    let words = desk.run(&["template", "show", "address-book"]).out;
    for said in [
        "names: How the file writes names.",
        "* whole",
        "expects of db person: email",
        "before: Every person",
    ] {
        assert!(words.contains(said), "{said}\n{words}");
    }
    let shown = desk.run(&["template", "show", "address-book", "--choose", "names=parts", "--origins"]);
    let line = shown.out.lines().find(|line| line.contains("First Name <-> first_name")).unwrap();
    assert!(line.contains("# address-book.yaml:"), "{line}");
    assert!(!shown.out.contains("at_last"), "{}", shown.out);
    let wrong = desk.run(&["template", "show", "address-bok"]);
    assert!(wrong.code == 1 && wrong.err.contains("did you mean `address-book`?"), "{wrong:?}");
    let wrong = desk.run(&["template", "show", "address-book", "--choose", "names=part"]);
    assert!(wrong.code == 1 && wrong.err.contains("did you mean `parts`?"), "{wrong:?}");
}

#[test]
fn a_project_from_a_template_runs_is_changed_by_its_overlay_and_follows_the_next_version() {
    let desk = Desk::new();
    fs::create_dir(desk.path("files")).unwrap();
    fs::write(
        desk.path("files/people.csv"),
        "E-Mail,Name,Phone,Birthday\nkim@adatum.example,Kim Abercrombie,1,\n",
    )
    .unwrap();
    Connection::open(desk.path("db.db"))
        .unwrap()
        .execute_batch(
            "CREATE TABLE person (id INTEGER PRIMARY KEY, email VARCHAR(80) UNIQUE NOT NULL, first_name VARCHAR(50),
                 last_name VARCHAR(50) NOT NULL, phone VARCHAR(30), mobile VARCHAR(30), born DATE);",
        )
        .unwrap();
    let made = desk.run(&["template", "new", "address-book"]);
    assert_eq!(made.code, 0, "{made:?}");
    fs::create_dir_all(desk.project("environments")).unwrap();
    desk.write(
        "environments/dev.yaml",
        "connectors:\n  file: { kind: csv, path: ../files, keys: { people: [E-Mail] } }\n  db: { kind: sqlite, path: ../db.db }\n",
    );
    assert_eq!(desk.run(&["test"]).code, 0);
    let ran = desk.run(&["run", "--yes"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let name = || -> String {
        let db = Connection::open(desk.path("db.db")).unwrap();
        db.query_row("SELECT last_name FROM person", [], |row| row.get(0)).unwrap()
    };
    assert_eq!(name(), "Abercrombie");

    // What is different here: an operation on something that is not there is told with its place.
    let overlay = desk.project("overlays/ours.yaml");
    let head = fs::read_to_string(&overlay).unwrap();
    let changes = "links:\n  people:\n    rules:\n      # ours\n      Birthday=born: { set: { note: ours } }\n      Phone=phone: { set: { on_conflict: take_db } }\n";
    fs::write(&overlay, format!("{head}{}", changes.replace("Phone=phone", "Phon=phone"))).unwrap();
    let refused = desk.run(&["plan"]);
    assert!(refused.code == 1 && refused.err.contains("ours.yaml:"), "{refused:?}");
    assert!(refused.err.contains("did you mean `Phone=phone`?"), "{refused:?}");
    fs::write(&overlay, format!("{head}{changes}")).unwrap();
    assert_eq!(desk.run(&["plan"]).code, 0);
    let origins = desk.run(&["template", "show", "--origins"]).out;
    let line = origins.lines().find(|line| line.contains("on_conflict: take_db")).unwrap();
    assert!(line.contains("ours.yaml:"), "{line}");

    // The next version is looked at, then written: the conflict is named and what is ours stays.
    let next = next_version(&desk);
    let before = fs::read_to_string(&overlay).unwrap();
    let looked = desk.run(&["template", "upgrade", &next]);
    assert!(looked.code == 3 && looked.out.contains("1 conflict; nothing is written"), "{looked:?}");
    assert!(looked.out.contains("conflict: people / Birthday=born / rule (overlay ours)"), "{looked:?}");
    assert_eq!(fs::read_to_string(&overlay).unwrap(), before);
    let document = desk.run(&["--json", "template", "upgrade", &next]).json();
    assert_eq!(document["conflicts"][0]["name"], "people / Birthday=born / rule");
    assert_eq!(desk.run(&["template", "upgrade", &next, "--write"]).code, 3);
    let after = fs::read_to_string(&overlay).unwrap();
    assert!(after.contains("version: \"2.0.0\"") && after.contains("Phone=phone: { set:"), "{after}");
    assert!(after.contains("# ours\n      - Birthday <-> born:"), "{after}");
    // The customer keeps his rule until he decides; the template writes the same field, which the loader says.
    let refused = desk.run(&["plan"]);
    assert!(refused.code == 1 && refused.err.contains("born"), "{refused:?}");
    edited(&overlay, "      Phone=phone: {", "      Anniversary=born: disable\n      Phone=phone: {");
    let plan = desk.run(&["plan"]);
    assert!(plan.code == 2 && plan.out.contains("mobile"), "{plan:?}");
}

#[test]
fn a_project_has_one_mapping() {
    let desk = Desk::with_project();
    let refused = desk.run(&["template", "new", "address-book"]);
    assert!(refused.code == 1 && refused.err.contains("is there already"), "{refused:?}");
    fs::write(desk.project("template.yaml"), "").unwrap();
    let refused = desk.run(&["plan"]);
    assert!(refused.code == 1 && refused.err.contains("keep one"), "{refused:?}");
    let refused = desk.run(&["template", "upgrade", "address-book"]);
    assert!(refused.code == 1, "{refused:?}");
}
