//! The workbench from the outside: command lines in, text and exit codes out, over real database files.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

#[path = "../workbench/app/mod.rs"]
mod app;
#[path = "workbench/companies.rs"]
mod companies;
#[path = "workbench/sampling.rs"]
mod sampling;
#[path = "workbench/templates.rs"]
mod templates;

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rusqlite::Connection;
use seamless_core::sync::Cancel;
use serde_json::Value;

const CRM: &str = "
CREATE TABLE account (accountid INTEGER PRIMARY KEY, accountnumber VARCHAR(20) UNIQUE, name VARCHAR(100),
                      phone VARCHAR(30));
CREATE TABLE contact (contactid INTEGER PRIMARY KEY, email VARCHAR(80) UNIQUE, fullname VARCHAR(100),
                      accountid INTEGER REFERENCES account (accountid));
INSERT INTO account VALUES (1, 'C10', 'Adatum', '555-0100'), (2, 'C20', 'Fabrikam', NULL);
INSERT INTO contact VALUES (1, 'kim@adatum.example', 'Kim Abercrombie', 1);
";

const ERP: &str = r#"
CREATE TABLE "Customer" (id INTEGER PRIMARY KEY, "No." VARCHAR(20) UNIQUE, Name VARCHAR(100), "Phone No." VARCHAR(30),
                         "Blocked: why" VARCHAR(10));
CREATE TABLE "Contact" (id INTEGER PRIMARY KEY, "E-Mail" VARCHAR(80) UNIQUE, "Full Name" VARCHAR(100),
                        "Account ID" INTEGER REFERENCES "Customer" (id));
INSERT INTO "Customer" VALUES (71, 'C20', 'Fabrikam', '555-0200', NULL), (72, 'C30', 'Litware', NULL, NULL);
"#;

/// A folder with two databases, and the project beside them.
struct Desk {
    folder: tempfile::TempDir,
}

/// What a command came to.
#[derive(Debug)]
struct Ran {
    code: i32,
    out: String,
    err: String,
}

impl Ran {
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|cause| panic!("{cause} in {self:?}"))
    }
}

impl Desk {
    fn new() -> Self {
        let desk = Self { folder: tempfile::tempdir().unwrap() };
        desk.crm(CRM);
        desk.erp(ERP);
        desk
    }

    /// A desk whose project is written already.
    fn with_project() -> Self {
        let desk = Self::new();
        let ran = desk.init();
        assert_eq!(ran.code, 0, "{ran:?}");
        desk
    }

    /// A desk whose systems are in step.
    fn in_step() -> Self {
        let desk = Self::with_project();
        let ran = desk.run(&["run", "--yes"]);
        assert_eq!(ran.code, 0, "{ran:?}");
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn crm(&self, sql: &str) {
        Connection::open(self.path("crm.db")).unwrap().execute_batch(sql).unwrap();
    }

    fn erp(&self, sql: &str) {
        Connection::open(self.path("erp.db")).unwrap().execute_batch(sql).unwrap();
    }

    fn erp_text(&self, sql: &str) -> String {
        Connection::open(self.path("erp.db")).unwrap().query_row(sql, [], |row| row.get(0)).unwrap()
    }

    fn init(&self) -> Ran {
        let (left, right) = (self.system("crm.db"), self.system("erp.db"));
        self.run(&["init", "--left", &left, "--right", &right])
    }

    fn system(&self, name: &str) -> String {
        format!("sqlite:{}", self.path(name).display())
    }

    fn project(&self, name: &str) -> PathBuf {
        self.path("project").join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.project(name), text).unwrap();
    }

    fn run(&self, args: &[&str]) -> Ran {
        self.answering("", args)
    }

    /// Runs a command with somebody there who answers.
    fn answering(&self, answer: &str, args: &[&str]) -> Ran {
        self.with(answer, &Cancel::new(), |_| None, args)
    }

    fn with(
        &self,
        answer: &str,
        cancel: &Cancel,
        variable: impl Fn(&str) -> Option<String> + Send + Sync + 'static,
        args: &[&str],
    ) -> Ran {
        let project = self.path("project");
        let begin = ["workbench", "--project", project.to_str().unwrap(), "--by", "kim", "--wait", "0s"];
        let args = begin.iter().chain(args).map(OsString::from);
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut host = app::Host {
            out: &mut out,
            err: &mut err,
            input: &mut answer.as_bytes(),
            asks: !answer.is_empty(),
            bars: false,
            colour: false,
            width: None,
            cancel: cancel.clone(),
            variable: Arc::new(variable),
        };
        let code = app::run(args, &mut host);
        Ran { code, out: String::from_utf8(out).unwrap(), err: String::from_utf8(err).unwrap() }
    }
}

fn edited(path: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{text}");
    fs::write(path, text.replacen(from, to, 1)).unwrap();
}

#[test]
fn init_proposes_links_rules_and_references_that_compile() {
    let desk = Desk::with_project();
    let mapping = fs::read_to_string(desk.project("integration.yaml")).unwrap();
    for line in [
        "- accountnumber = No. # unique on both sides",
        "- name <-> Name # names alike 1.00, text(100) and text(100)",
        "- phone <-> Phone No. # ",
        "- accountid <-> Account ID: { lookup: account } # ",
        "# without a rule in erp: id, Blocked: why",
    ] {
        assert!(mapping.contains(line), "{line} is missing in\n{mapping}");
    }
    assert!(desk.project("schemas/crm.json").exists() && desk.project("environments/dev.yaml").exists());
    let again = desk.init();
    assert_eq!(again.code, 1);
    assert!(again.err.contains("is there already") && again.err.contains("--force"), "{again:?}");
}

#[test]
fn a_folder_of_files_is_a_system_too() {
    let desk = Desk::new();
    fs::create_dir(desk.path("files")).unwrap();
    fs::write(desk.path("files/Customer.csv"), "No.,Name,Phone No.\nC20,Fabrikam,555-0200\n").unwrap();
    let files = format!("csv:{}", desk.path("files").display());
    let keys = r#"{"keys": {"Customer": ["No."]}}"#;
    let ran = desk.run(&[
        "init",
        "--left",
        &desk.system("crm.db"),
        "--right",
        &files,
        "--right-name",
        "files",
        "--left-name",
        "crm",
        "--right-settings",
        keys,
    ]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let ran = desk.run(&["run", "--yes"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let text = fs::read_to_string(desk.path("files/Customer.csv")).unwrap();
    assert!(text.contains("C10,Adatum,555-0100"), "{text}");
    assert_eq!(desk.run(&["plan"]).code, 0);
}

#[test]
fn a_plan_is_made_applied_and_then_there_is_nothing_to_do() {
    let desk = Desk::with_project();
    let file = desk.path("plan.jsonl");
    let file = file.to_str().unwrap();
    let plan = desk.run(&["plan", "--out", file]);
    assert_eq!(plan.code, 2, "{plan:?}");
    assert!(plan.out.contains("account: create in erp"), "{}", plan.out);
    let unasked = desk.run(&["apply", file]);
    assert_eq!(unasked.code, 1);
    assert!(
        unasked.err.contains("nobody is there to be asked") && unasked.err.contains("--yes"),
        "{unasked:?}"
    );
    let no = desk.answering("no\n", &["apply", file]);
    assert_eq!(
        (no.code, desk.erp_text("SELECT count(*) || '' FROM Customer")),
        (2, "2".to_owned()),
        "{no:?}"
    );
    let yes = desk.answering("y\n", &["apply", file]);
    assert_eq!(yes.code, 0, "{yes:?}");
    assert_eq!(desk.erp_text("SELECT Name FROM Customer WHERE \"No.\" = 'C10'"), "Adatum");
    let empty = desk.run(&["plan", "--json"]);
    assert_eq!((empty.code, empty.json()["writes"].as_u64()), (0, Some(0)), "{empty:?}");
    let again = desk.run(&["apply", file, "--yes"]);
    assert_eq!(again.code, 1);
    assert!(again.err.contains("was applied already"), "{again:?}");
    let history = desk.run(&["history", "--json"]).json();
    let what: Vec<&str> =
        history["journal"].as_array().unwrap().iter().map(|l| l["what"].as_str().unwrap()).collect();
    assert!(what.contains(&"adopted") && what.contains(&"done"), "{history}");
    assert_eq!(history["plans"][0]["approval"]["by"], "kim", "{history}");
}

#[test]
fn a_conflict_waits_until_a_person_decides_it() {
    let desk = Desk::in_step();
    desk.crm("UPDATE account SET phone = '1' WHERE accountid = 2");
    desk.erp("UPDATE Customer SET \"Phone No.\" = '2' WHERE id = 71");
    let plan = desk.run(&["plan"]);
    assert_eq!(plan.code, 3, "{plan:?}");
    let ran = desk.run(&["run", "--yes"]);
    assert_eq!(ran.code, 3, "{ran:?}");
    let status = desk.run(&["status", "--json"]);
    assert_eq!(status.code, 3, "{status:?}");
    let links = status.json();
    let open = links["links"].as_array().unwrap().iter().find(|link| link["link"] == "account").unwrap();
    let open = &open["open"][0];
    assert_eq!((open["what"].as_str(), open["record"].as_str()), (Some("conflict"), Some("2")), "{links}");
    let rule = open["rules"][0].as_str().unwrap();
    let wrong =
        desk.run(&["resolve", "--link", "account", "--record", "2", "--rule", "phne", "--take", "crm"]);
    assert_eq!(wrong.code, 1);
    assert!(wrong.err.contains("has no rule `phne`"), "{wrong:?}");
    let decided =
        desk.run(&["resolve", "--link", "account", "--record", "2", "--rule", rule, "--take", "erp"]);
    assert_eq!(decided.code, 0, "{decided:?}");
    let ran = desk.run(&["run", "--yes", "--json"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let phone = Connection::open(desk.path("crm.db"))
        .unwrap()
        .query_row("SELECT phone FROM account WHERE accountid = 2", [], |row| row.get::<_, String>(0))
        .unwrap();
    assert_eq!(phone, "2");
    assert_eq!(desk.run(&["status"]).code, 0);
}

#[test]
fn a_plan_file_that_was_edited_is_refused_with_the_reason() {
    let desk = Desk::with_project();
    let file = desk.path("plan.jsonl");
    desk.run(&["plan", "--out", file.to_str().unwrap()]);
    edited(&file, "Adatum", "Contoso");
    let ran = desk.run(&["apply", file.to_str().unwrap(), "--yes", "--json"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    let error = &ran.json()["error"];
    assert!(error["message"].as_str().unwrap().contains("plan"), "{error}");
    assert!(error["remedy"].as_str().unwrap().contains("make the plan again"), "{error}");
    assert_eq!(desk.erp_text("SELECT count(*) || '' FROM Customer"), "2");
}

#[test]
fn try_shows_one_record_both_ways_and_what_would_park() {
    let desk = Desk::in_step();
    desk.crm("UPDATE account SET name = 'Fabrikam Ltd' WHERE accountid = 2");
    let ran = desk.run(&["try", "--link", "account", "--side", "crm", "--record", "2", "--json"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let tried = ran.json();
    assert_eq!(tried["partner"], "71", "{tried}");
    assert_eq!(tried["ways"].as_array().unwrap().len(), 2, "{tried}");
    let rules = tried["ways"][0]["rules"].as_array().unwrap();
    let name = rules.iter().find(|rule| rule["rule"].as_str().unwrap().starts_with("name")).unwrap();
    assert_eq!(name["written"][0]["now"], "\"Fabrikam\"", "{tried}");
    assert_eq!(name["written"][0]["then"], "\"Fabrikam Ltd\"", "{tried}");
    let missing = desk.run(&["try", "--link", "account", "--side", "crm", "--record", "99"]);
    assert!(missing.code == 1 && missing.err.contains("has no account with the key 99"), "{missing:?}");
    let link = desk.run(&["try", "--link", "acount", "--side", "crm", "--record", "1"]);
    assert!(link.code == 1 && link.err.contains("account"), "{link:?}");
}

#[test]
fn a_pause_keeps_applying_from_beginning_until_it_ends() {
    let desk = Desk::with_project();
    assert_eq!(desk.run(&["pause", "--why", "upgrade"]).code, 0);
    let status = desk.run(&["status", "--json"]).json();
    assert_eq!(status["pause"]["why"], "upgrade", "{status}");
    let ran = desk.run(&["run", "--yes"]);
    assert_ne!(ran.code, 0, "{ran:?}");
    assert_eq!(desk.erp_text("SELECT count(*) || '' FROM Customer"), "2");
    assert_eq!(desk.run(&["pause", "--end"]).code, 0);
    let ran = desk.run(&["run", "--yes"]);
    assert_eq!(ran.code, 0, "{ran:?}");
}

#[test]
fn discover_says_what_changed_since_the_last_look() {
    let desk = Desk::with_project();
    let same = desk.run(&["discover"]);
    assert!(same.code == 0 && same.out.contains("Nothing changed since the last look"), "{same:?}");
    desk.crm("ALTER TABLE account ADD COLUMN web VARCHAR(50)");
    let kept = desk.run(&["discover", "--keep"]);
    assert_eq!(kept.code, 2, "{kept:?}");
    assert!(kept.out.contains("account.web is new (text(50))"), "{}", kept.out);
    assert_eq!(desk.run(&["discover"]).code, 2);
    assert_eq!(desk.run(&["discover"]).code, 0);
}

#[test]
fn tests_of_the_mapping_pass_or_say_what_differs() {
    let desk = Desk::with_project();
    let path = desk.project("integration.yaml");
    let text = fs::read_to_string(&path).unwrap();
    let tests = "    tests:\n      - { name: a name, to: erp, record: { name: A }, expect: { Name: A } }\n";
    fs::write(&path, format!("{text}{tests}")).unwrap();
    let ran = desk.run(&["test"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    edited(&path, "expect: { Name: A }", "expect: { Name: B }");
    let ran = desk.run(&["test"]);
    assert!(ran.code == 1 && ran.out.contains("expected \"B\", found \"A\""), "{ran:?}");
}

#[test]
fn masked_text_holds_no_values() {
    let desk = Desk::with_project();
    let text = desk.run(&["plan", "--mask"]).out;
    assert!(!text.contains("Adatum") && text.contains("Name"), "{text}");
    let json = desk.run(&["plan", "--mask", "--json"]).out;
    assert!(!json.contains("Adatum"), "{json}");
}

#[test]
fn what_is_wrong_in_a_file_is_told_with_line_and_column() {
    let desk = Desk::with_project();
    let environment =
        "connectors:\n  crm: { kind: sqlite, path: \"${env:CRM_DB}\" }\n  erp: { kind: sqlite, path: x }\n";
    let cases: [(&str, &str, &[&str]); 6] = [
        ("environments/dev.yaml", environment, &["dev.yaml:2:", "`CRM_DB` is not set"]),
        (
            "environments/dev.yaml",
            "connectors:\n  crm: { kind: sqlte, path: x }\n",
            &["dev.yaml:2:", "sqlte", "sqlite"],
        ),
        (
            "environments/dev.yaml",
            "connectors:\n  crm: { kind: sqlite, pth: x }\n",
            &["dev.yaml:2:", "pth", "path"],
        ),
        ("environments/dev.yaml", "connectors:\n  crm: { kind: sqlite\n", &["dev.yaml:", "error["]),
        ("integration.yaml", "integration: x\nsides: [\n", &["integration.yaml:", "error["]),
        (
            "integration.yaml",
            "integration: x\nsides: { crm: a, erp: b }\nlinks: 3\n",
            &["integration.yaml:3:8", "error["],
        ),
    ];
    for (name, text, wanted) in cases {
        let kept = fs::read_to_string(desk.project(name)).unwrap();
        desk.write(name, text);
        let ran = desk.run(&["plan"]);
        assert_eq!(ran.code, 1, "{text}: {ran:?}");
        for word in wanted {
            assert!(ran.err.contains(word), "{word} is missing in\n{}", ran.err);
        }
        let json = desk.run(&["plan", "--json"]);
        assert!(json.code == 1 && json.json()["error"]["message"].is_string(), "{json:?}");
        desk.write(name, &kept);
    }
}

#[test]
fn an_environment_that_is_not_there_is_told_with_those_that_are() {
    let desk = Desk::with_project();
    let ran = desk.run(&["--env", "prod", "plan"]);
    assert!(ran.code == 1 && ran.err.contains("no environment `prod`") && ran.err.contains("dev"), "{ran:?}");
}

#[test]
fn a_database_that_is_locked_or_broken_is_an_error_with_a_remedy() {
    let desk = Desk::with_project();
    edited(&desk.project("environments/dev.yaml"), "crm.db\" }", "crm.db\", busy_timeout_ms: 1 }");
    let holder = Connection::open(desk.path("crm.db")).unwrap();
    holder.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let ran = desk.run(&["plan"]);
    assert!(ran.code == 1 && ran.err.contains("locked") && ran.err.contains("what to do"), "{ran:?}");
    drop(holder);
    assert_eq!(desk.run(&["plan"]).code, 2);
    fs::write(
        desk.path("crm.db"),
        "no database, but as many bytes as its header would have: 100 or more of them, \
                                    so that nothing can take it for an empty one.",
    )
    .unwrap();
    let ran = desk.run(&["plan"]);
    assert!(ran.code == 1 && ran.err.contains("not a SQLite database"), "{ran:?}");
    fs::remove_file(desk.path("crm.db")).unwrap();
    let ran = desk.run(&["plan"]);
    assert!(ran.code == 1 && ran.err.contains("crm.db"), "{ran:?}");
}

#[test]
fn a_broken_state_file_is_refused_and_left_alone() {
    let desk = Desk::in_step();
    fs::write(desk.project("state/dev.db"), "garbage").unwrap();
    let ran = desk.run(&["status"]);
    assert!(ran.code == 1 && ran.err.contains("what to do"), "{ran:?}");
    assert_eq!(fs::read_to_string(desk.project("state/dev.db")).unwrap(), "garbage");
}

#[test]
fn a_guard_stops_a_plan_until_it_is_overridden_by_name() {
    let desk = Desk::in_step();
    desk.crm("DELETE FROM contact; DELETE FROM account");
    let ran = desk.run(&["run", "--yes"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.err.contains("--override account."), "{ran:?}");
}

// Catches: a loop that Ctrl-C does not end, or that waits out its hour.
#[test]
fn rounds_go_on_until_somebody_asks_to_stop() {
    let desk = Desk::in_step();
    edited(&desk.project("environments/dev.yaml"), "kind: sqlite", "kind: sqlite, label: \"${env:LABEL}\"");
    let cancel = Cancel::new();
    // The second round is the last: the variable is looked up once per round.
    let rounds = Arc::new(AtomicUsize::new(0));
    let (seen, stop) = (Arc::clone(&rounds), cancel.clone());
    let label = move |_: &str| {
        if seen.fetch_add(1, Ordering::Relaxed) == 1 {
            stop.cancel();
        }
        Some("CRM".to_owned())
    };
    let ran = desk.with("", &cancel, label, &["run", "--every", "1ms", "--yes"]);
    assert_eq!((ran.code, rounds.load(Ordering::Relaxed)), (0, 2), "{ran:?}");
}

#[test]
fn secrets_of_files_and_variables_are_put_in_and_never_shown() {
    let desk = Desk::with_project();
    let path = desk.project("environments/dev.yaml");
    edited(&path, "kind: sqlite", "kind: sqlite, label: \"${file:label.txt}-${env:TOKEN}-$${x}\"");
    desk.write("label.txt", "from file\n");
    let token = |name: &str| (name == "TOKEN").then(|| "from variable".to_owned());
    let ran = desk.with("", &Cancel::new(), token, &["plan"]);
    assert!(ran.code == 2 && ran.out.contains("crm: from file-from variable-${x} (sqlite"), "{ran:?}");
    // What reads no system needs no secrets.
    assert_eq!(desk.run(&["status"]).code, 0);
    edited(&path, "label: ", "pasword: ");
    let ran = desk.with("", &Cancel::new(), token, &["plan"]);
    assert!(ran.code == 1 && ran.err.contains("pasword") && !ran.err.contains("from variable"), "{ran:?}");
}

#[test]
fn help_has_examples_on_every_level() {
    let desk = Desk::new();
    assert!(desk.run(&["--help"]).out.contains("Exit codes:"));
    for command in [
        "init", "discover", "try", "test", "plan", "apply", "run", "pause", "status", "resolve", "retry",
        "history",
    ] {
        let ran = desk.run(&[command, "--help"]);
        assert!(ran.code == 0 && ran.out.contains("Example"), "{command}: {}", ran.out);
    }
    let wrong = desk.run(&["aply"]);
    assert!(wrong.code == 1 && wrong.err.contains("apply"), "{wrong:?}");
}

// Catches: a name of a table that ends its comment and writes into the mapping.
#[test]
fn names_of_a_system_cannot_write_into_the_mapping() {
    let desk = Desk::new();
    let table = "CREATE TABLE \"a\nlinks: []\" (id INTEGER PRIMARY KEY, code TEXT UNIQUE, \"${env:HOME}\" TEXT, \"n\nm\" TEXT)";
    desk.crm(table);
    desk.erp(table);
    let ran = desk.init();
    assert_eq!(ran.code, 0, "{ran:?}");
    let mapping = fs::read_to_string(desk.project("integration.yaml")).unwrap();
    assert!(!mapping.contains("\nlinks: []"), "{mapping}");
    assert!(mapping.contains("$${env:HOME}") && !mapping.contains("left out"), "{mapping}");
    desk.crm("INSERT INTO \"a\nlinks: []\" VALUES (1, 'k', 'home', 'm')");
    let ran = desk.run(&["run", "--yes"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(desk.erp_text("SELECT \"${env:HOME}\" FROM \"a\nlinks: []\""), "home");
}

#[test]
fn init_that_fails_leaves_nothing_behind() {
    let desk = Desk::new();
    fs::create_dir(desk.path("files")).unwrap();
    fs::write(desk.path("files/Customer.csv"), "No.,Name\n1,A\n").unwrap();
    let files = format!("csv:{}", desk.path("files").display());
    let ran = desk.run(&["init", "--left", &desk.system("crm.db"), "--right", &files]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.err.contains("--right-settings"), "{ran:?}");
    assert!(!desk.path("project").exists());
}

#[test]
fn names_that_the_mapping_does_not_have_are_refused_in_an_environment() {
    let desk = Desk::with_project();
    let path = desk.project("integration.yaml");
    edited(&path, "links:", "parameters: { house: { type: text, default: HOUSE } }\nlinks:");
    let kept = fs::read_to_string(desk.project("environments/dev.yaml")).unwrap();
    for (more, wanted) in
        [("parameters: { hous: X }\n", "did you mean `house`"), ("  shop: { kind: csv, path: x }\n", "shop")]
    {
        desk.write("environments/dev.yaml", &format!("{kept}{more}"));
        let ran = desk.run(&["plan"]);
        assert!(ran.code == 1 && ran.err.contains("dev.yaml:") && ran.err.contains(wanted), "{ran:?}");
    }
    desk.write("environments/dev.yaml", &format!("{kept}parameters: {{ house: X }}\n"));
    assert_eq!(desk.run(&["plan"]).code, 2);
}

#[test]
fn a_mapping_is_checked_against_the_systems_though_nobody_discovered_them() {
    let desk = Desk::with_project();
    fs::remove_dir_all(desk.project("schemas")).unwrap();
    edited(&desk.project("integration.yaml"), "name <-> Name", "nmae <-> Name");
    let ran = desk.run(&["plan"]);
    assert!(
        ran.code == 1 && ran.err.contains("integration.yaml:") && ran.err.contains("did you mean"),
        "{ran:?}"
    );
    edited(&desk.project("integration.yaml"), "nmae <-> Name", "name <-> Name");
    fs::remove_dir_all(desk.project("schemas")).unwrap();
    desk.crm(
        "DROP TABLE contact; DROP TABLE account;
         CREATE TABLE account (accountid INTEGER PRIMARY KEY, accountnumber TEXT UNIQUE, name TEXT, phone TEXT);
         CREATE TABLE contact (contactid INTEGER PRIMARY KEY, email TEXT UNIQUE, fullname TEXT, accountid INTEGER);
         INSERT INTO account VALUES (1, 'C10', printf('%200s', 'x'), NULL)",
    );
    let ran = desk.run(&["plan"]);
    assert!(ran.out.contains("200 characters, but the other side takes 100"), "{ran:?}");
    assert!(desk.project("schemas/crm.json").exists());
}

#[test]
fn a_pause_is_told_by_the_run_that_it_stops() {
    let desk = Desk::with_project();
    assert!(desk.run(&["pause", "--end"]).out.contains("There was no pause"));
    desk.run(&["pause", "--why", "upgrade"]);
    let ran = desk.run(&["run", "--yes"]);
    assert!(ran.code == 2 && ran.out.contains("Paused by kim: upgrade"), "{ran:?}");
    assert!(!ran.out.contains("Nothing is left to do"), "{ran:?}");
}

#[test]
fn what_a_system_refused_is_tried_again_when_a_person_asks() {
    let desk = Desk::in_step();
    desk.erp("CREATE TRIGGER shut BEFORE INSERT ON Customer BEGIN SELECT raise(ABORT, 'closed'); END");
    desk.crm("INSERT INTO account VALUES (5, 'C50', 'Northwind', NULL)");
    let ran = desk.run(&["run", "--yes"]);
    assert!(ran.code == 3 && ran.out.contains("1 parked item"), "{ran:?}");
    assert_eq!(ran.err.matches("closed").count(), 2, "told once per attempt: {ran:?}");
    desk.erp("DROP TRIGGER shut");
    desk.run(&["run", "--yes"]);
    assert_eq!(desk.erp_text("SELECT count(*) || '' FROM Customer WHERE \"No.\" = 'C50'"), "0");
    let asked = desk.run(&["retry"]);
    assert!(asked.code == 0 && asked.out.contains("1 record again"), "{asked:?}");
    let ran = desk.run(&["run", "--yes"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(desk.erp_text("SELECT count(*) || '' FROM Customer WHERE \"No.\" = 'C50'"), "1");
    assert!(desk.run(&["retry"]).out.contains("Nothing is parked"));
    let one = desk.run(&["retry", "--link", "account", "--record", "5"]);
    assert!(one.code == 0 && desk.run(&["run", "--yes"]).code == 0, "{one:?}");
}

// Catches: a mapping that is lost because its name was given for the plan.
#[test]
fn a_plan_is_not_written_over_something_else() {
    let desk = Desk::with_project();
    let mapping = desk.project("integration.yaml");
    let before = fs::read_to_string(&mapping).unwrap();
    let ran = desk.run(&["plan", "--out", mapping.to_str().unwrap()]);
    assert!(ran.code == 1 && ran.err.contains("is no plan"), "{ran:?}");
    assert_eq!(fs::read_to_string(&mapping).unwrap(), before);
    let file = desk.path("plan.jsonl");
    for _ in 0..2 {
        assert_eq!(desk.run(&["plan", "--out", file.to_str().unwrap()]).code, 2);
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o077, 0, "it holds clear values");
    }
    let wrong = desk.run(&["apply", file.to_str().unwrap(), "--yes", "--override", "account.deletes"]);
    assert!(wrong.code == 1 && wrong.err.contains("no guard `account.deletes`"), "{wrong:?}");
}

#[test]
fn nobody_approves_nothing_and_refused_command_lines_are_json_where_asked() {
    let desk = Desk::with_project();
    let ran = desk.run(&["run", "--yes", "--by", " "]);
    assert!(ran.code == 1 && ran.err.contains("names nobody"), "{ran:?}");
    let ran = desk.run(&["status", "--json", "--bogus"]);
    assert_eq!(ran.code, 1);
    assert!(ran.json()["error"]["message"].as_str().unwrap().contains("--bogus"), "{ran:?}");
}

#[test]
fn status_counts_everything_and_shows_a_screenful() {
    let desk = Desk::in_step();
    for id in 100..130 {
        desk.crm(&format!("INSERT INTO account VALUES ({id}, 'X{id}', 'a\u{1b}[31m', NULL)"));
        desk.erp(&format!("INSERT INTO Customer VALUES ({id}, 'X{id}', 'b', NULL, NULL)"));
    }
    assert_eq!(desk.run(&["run", "--yes"]).code, 3);
    let few = desk.run(&["status"]).out;
    assert!(few.contains("30") && few.contains("and 10 more; `--open COUNT`"), "{few}");
    assert!(!few.contains('\u{1b}'), "{few}");
    assert!(!desk.run(&["status", "--open", "100"]).out.contains("more; "));
    let open = &desk.run(&["status", "--json"]).json()["links"][0]["open"];
    assert!(open[0]["due"].is_null(), "{open}");
}

/// The first block of a kind in the page about the workbench.
fn shown(kind: &str) -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/workbench.md");
    let page = fs::read_to_string(page).unwrap();
    let (_, block) = page.split_once(&format!("```{kind}\n")).unwrap();
    block.split_once("\n```").unwrap().0.to_owned()
}

#[test]
fn the_page_about_the_workbench_shows_files_that_work() {
    let desk = Desk::with_project();
    fs::create_dir(desk.path("people")).unwrap();
    fs::write(desk.path("people/people.jsonl"), "{\"id\": 1, \"name\": \"Kim\", \"status\": \"open\"}\n")
        .unwrap();
    fs::write(desk.path("people/people.schema.json"), shown("json")).unwrap();
    let people = format!("jsonl:{}", desk.path("people").display());
    let ran = desk.run(&["init", "--force", "--left", &desk.system("crm.db"), "--right", &people]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let discovered = desk.run(&["discover"]).out;
    for wanted in ["text(50)", "decimal(18, 2)", "\"open\", \"shut\""] {
        assert!(discovered.contains(wanted), "{wanted} is missing in {discovered}");
    }
    fs::create_dir(desk.path("erp")).unwrap();
    fs::write(desk.path("erp/Customer.csv"), "No.;Name\n1;A\n").unwrap();
    fs::copy(desk.path("crm.db"), desk.project("crm.db")).unwrap();
    desk.write("environments/dev.yaml", &shown("yaml"));
    desk.write(
        "integration.yaml",
        "integration: x\nsides: { crm: sqlite, erp: csv }\nparameters: { house: { type: text } }\nlinks:\n  - { id: c, crm: \
         account, erp: Customer, match: [accountnumber = No.], rules: [name <-> Name, accountnumber <-> No.] }\n",
    );
    let folder = desk.path("erp").display().to_string();
    let variable = move |name: &str| (name == "ERP_FOLDER").then(|| folder.clone());
    let ran = desk.with("", &Cancel::new(), variable, &["plan"]);
    assert!(ran.code == 2 && ran.out.contains("Sales (sqlite"), "{ran:?}");
}

// Catches: a run that has something to do for ever, because what cannot be read is parked anew by every plan.
#[test]
fn a_row_that_cannot_be_read_is_told_once_and_is_over_when_it_is_gone_or_corrected() {
    let desk = Desk::new();
    let table = "CREATE TABLE item (code TEXT PRIMARY KEY, born DATE)";
    desk.crm(&format!(
        "{table}; INSERT INTO item VALUES ('ok', '2024-01-01'), ('a', '2024-02-30'), ('b', 'soon')"
    ));
    desk.erp(table);
    assert_eq!(desk.init().code, 0);
    let ran = desk.run(&["run", "--yes"]);
    assert!(ran.code == 3 && ran.out.contains("2 parked items"), "{ran:?}");
    let again = desk.run(&["run", "--yes"]);
    assert!(again.code == 3 && !again.out.contains("Applied"), "{again:?}");
    // What is in step and cannot be read any more is neither deleted nor told twice.
    desk.crm("UPDATE item SET born = 'later' WHERE code = 'ok'");
    desk.run(&["run", "--yes"]);
    let again = desk.run(&["run", "--yes"]);
    assert!(!again.out.contains("Applied"), "{again:?}");
    assert_eq!(desk.erp_text("SELECT born FROM item"), "2024-01-01");
    desk.crm("UPDATE item SET born = '2024-03-01'; DELETE FROM item WHERE code = 'b'");
    let ran = desk.run(&["run", "--yes"]);
    assert!(ran.code == 0 && ran.out.contains("Nothing is left to do."), "{ran:?}");
    assert_eq!(
        desk.erp_text("SELECT group_concat(born) FROM (SELECT born FROM item ORDER BY code)"),
        "2024-03-01,2024-03-01"
    );
}

// Catches: a promise that is lowered because a record has the key that the mapping writes, and not the one made up for it.
#[test]
fn a_key_that_the_mapping_writes_breaks_no_promise() {
    let desk = Desk::new();
    let table = "CREATE TABLE item (code TEXT PRIMARY KEY, name TEXT)";
    desk.crm(&format!("{table}; INSERT INTO item VALUES ('a', 'A'), ('12', 'B')"));
    desk.erp(table);
    assert_eq!(desk.init().code, 0);
    let ran = desk.run(&["run", "--yes"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(desk.erp_text("SELECT count(*) || '' FROM item"), "2");
    assert!(!ran.err.contains("promised"), "{ran:?}");
}

#[test]
fn h115_a_renamed_column_rests_one_rule_until_it_has_its_name_back() {
    let desk = Desk::in_step();
    desk.erp(r#"ALTER TABLE "Customer" RENAME COLUMN "Phone No." TO "Telephone""#);
    desk.crm("UPDATE account SET name = 'Adatum Ltd', phone = '555-0199' WHERE accountid = 1");
    let ran = desk.run(&["run", "--yes"]);
    assert_eq!(ran.code, 3, "{ran:?}");
    let status = desk.run(&["status"]);
    assert!(status.out.contains("Customer of erp has no field Phone No. any more"), "{}", status.out);
    let told = |sql: &str| desk.erp_text(sql);
    assert_eq!(told(r#"SELECT Name FROM "Customer" WHERE "No." = 'C10'"#), "Adatum Ltd");
    desk.erp(r#"ALTER TABLE "Customer" RENAME COLUMN "Telephone" TO "Phone No.""#);
    let ran = desk.run(&["run", "--yes"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(told(r#"SELECT "Phone No." FROM "Customer" WHERE "No." = 'C10'"#), "555-0199");
}

#[test]
fn all_conflicts_of_a_rule_are_decided_at_once() {
    let desk = Desk::in_step();
    desk.crm("UPDATE account SET phone = 'left ' || accountid");
    desk.erp(r#"UPDATE "Customer" SET "Phone No." = 'right'"#);
    assert_eq!(desk.run(&["run", "--yes"]).code, 3);
    let status = desk.run(&["status", "--json"]).json();
    let open = status["links"].as_array().unwrap().iter().find(|link| link["link"] == "account").unwrap();
    let count = open["open"].as_array().unwrap().len();
    assert!(count > 1, "{status}");
    let rule = open["open"][0]["rules"][0].as_str().unwrap();
    let all = ["resolve", "--link", "account", "--rule", rule, "--take", "erp"];
    assert_eq!(desk.run(&all).code, 1, "one record, or all of them");
    let decided = desk.run(&[&all[..], &["--all", "--json"]].concat());
    assert_eq!((decided.code, decided.json()["decided"].as_u64()), (0, Some(count as u64)), "{decided:?}");
    assert_eq!(desk.run(&["run", "--yes"]).code, 0);
    let phones: i64 = Connection::open(desk.path("crm.db"))
        .unwrap()
        .query_row("SELECT count(*) FROM account WHERE phone = 'right'", [], |row| row.get(0))
        .unwrap();
    assert_eq!(phones as usize, count);
    let again = desk.run(&[&all[..], &["--all"]].concat());
    assert!(again.out.contains("Nothing waits"), "{again:?}");
}
