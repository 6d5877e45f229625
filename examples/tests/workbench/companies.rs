//! A project of two companies that share a CRM: each has an ERP, a state and plans of its own.

use std::fs;

use rusqlite::Connection;

use super::{Desk, edited};

const CRM: &str = "
CREATE TABLE company (companyid INTEGER PRIMARY KEY, name VARCHAR(20));
INSERT INTO company VALUES (1, 'House'), (2, 'Branch');
CREATE TABLE account (accountid INTEGER PRIMARY KEY, number VARCHAR(20) UNIQUE, name VARCHAR(100), phone VARCHAR(30),
                      companyid INTEGER REFERENCES company (companyid));
INSERT INTO account VALUES (1, 'H-1', 'Adatum', '1', 1), (2, 'B-1', 'Fabrikam', '2', 2), (3, NULL, 'Nobody', '3', NULL);
";

const ERP: &str = r#"
CREATE TABLE "Customer" ("No." VARCHAR(20) PRIMARY KEY, Name VARCHAR(100), "Phone No." VARCHAR(30));
"#;

const MAPPING: &str = r#"
integration: crm-erp
sides: { crm: sqlite, erp: sqlite }
for_each:
  company:
    side: erp
    parameters: { company_id: { type: int }, prefix: {} }
links:
  - id: customers
    crm: account
    erp: Customer
    scope: { crm: "companyid == ${company_id}" }
    match: [ number = No. ]
    rules:
      - name <-> Name
      - phone <-> Phone No.
      - number <-> No.
    tests:
      - { name: a name goes over, to: erp, record: { name: Adatum }, expect: { Name: Adatum } }
"#;

const ENVIRONMENT: &str = "
connectors:
  crm: { kind: sqlite, path: ../crm.db }
  erp: { kind: sqlite }
companies:
  house:
    connectors: { erp: { path: ../house.db, label: House } }
    parameters: { company_id: 1, prefix: H- }
  branch:
    connectors: { erp: { path: ../branch.db, label: Branch } }
    parameters: { company_id: 2, prefix: B- }
";

struct Shared(Desk);

impl Shared {
    fn new() -> Self {
        let desk = Desk { folder: tempfile::tempdir().unwrap() };
        desk.crm(CRM);
        fs::create_dir_all(desk.project("environments")).unwrap();
        desk.write("integration.yaml", MAPPING);
        desk.write("environments/dev.yaml", ENVIRONMENT);
        let shared = Self(desk);
        shared.erp("house", ERP);
        shared.erp("branch", ERP);
        shared
    }

    fn in_step() -> Self {
        let shared = Self::new();
        let ran = shared.0.run(&["run", "--yes"]);
        assert_eq!(ran.code, 0, "{ran:?}");
        shared
    }

    fn erp(&self, company: &str, sql: &str) {
        Connection::open(self.0.path(&format!("{company}.db"))).unwrap().execute_batch(sql).unwrap();
    }

    fn rows(&self, database: &str, sql: &str) -> Vec<String> {
        let db = Connection::open(self.0.path(database)).unwrap();
        let mut statement = db.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
        rows.map(Result::unwrap).collect()
    }

    fn customers(&self, company: &str) -> Vec<String> {
        let all =
            "SELECT \"No.\" || ' ' || Name || ' ' || coalesce(\"Phone No.\", '-') FROM Customer ORDER BY 1";
        self.rows(&format!("{company}.db"), all)
    }

    fn accounts(&self) -> Vec<String> {
        let all = "SELECT coalesce(companyid, 0) || ' ' || coalesce(number, '-') || ' ' || name || ' ' || coalesce(phone, '-') FROM \
                   account ORDER BY accountid";
        self.rows("crm.db", all)
    }
}

/// Catches: a scope that is not the company's, a state that both use, a record that is made without its company.
#[test]
fn edits_of_a_company_reach_its_records_and_no_others() {
    let shared = Shared::in_step();
    assert_eq!(shared.customers("house"), ["H-1 Adatum 1"]);
    assert_eq!(shared.customers("branch"), ["B-1 Fabrikam 2"]);
    shared.erp("house", "INSERT INTO Customer VALUES ('H-2', 'Litware', '22'); UPDATE Customer SET Name = 'Adatum Ltd' WHERE \"No.\" = 'H-1'");
    shared.erp("branch", "UPDATE Customer SET \"Phone No.\" = '20'");
    shared.0.crm("UPDATE account SET phone = '10' WHERE accountid = 1");
    let ran = shared.0.run(&["run", "--yes"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(shared.customers("house"), ["H-1 Adatum Ltd 10", "H-2 Litware 22"]);
    assert_eq!(shared.customers("branch"), ["B-1 Fabrikam 20"]);
    assert_eq!(
        shared.accounts(),
        ["1 H-1 Adatum Ltd 10", "2 B-1 Fabrikam 20", "0 - Nobody 3", "1 H-2 Litware 22"]
    );
    // Each has a state of its own.
    for state in ["state/dev/house.db", "state/dev/branch.db"] {
        assert!(shared.0.project(state).exists(), "{state}");
    }
    assert!(!shared.0.project("state/dev.db").exists());
    assert_eq!(shared.0.run(&["plan"]).code, 0);
}

/// A record that changes over leaves one company and enters the other.
#[test]
fn a_record_that_another_company_takes_over_rests_there_and_goes_on_here() {
    let shared = Shared::in_step();
    shared.0.crm("UPDATE account SET companyid = 2 WHERE accountid = 1");
    let ran = shared.0.run(&["run", "--yes"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(shared.customers("branch"), ["B-1 Fabrikam 2", "H-1 Adatum 1"]);
    shared.0.crm("UPDATE account SET phone = '11' WHERE accountid = 1");
    shared.0.run(&["run", "--yes"]);
    assert_eq!(shared.customers("house"), ["H-1 Adatum 1"], "the former company keeps what it had");
    assert_eq!(shared.customers("branch"), ["B-1 Fabrikam 2", "H-1 Adatum 11"]);
}

/// Catches: a loop that ends with the first company that fails, and an exit code that hides it.
#[test]
fn a_company_that_cannot_be_reached_stops_no_other() {
    let shared = Shared::in_step();
    fs::rename(shared.0.path("house.db"), shared.0.path("away.db")).unwrap();
    shared.0.crm("UPDATE account SET phone = phone || '0'");
    let ran = shared.0.run(&["run", "--yes"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert_eq!(shared.customers("branch"), ["B-1 Fabrikam 20"]);
    let row = |name: &str| {
        ran.out
            .lines()
            .find(|line| {
                line.contains(name) && line.contains('1') || line.contains(name) && line.contains("failed")
            })
            .map(str::to_owned)
    };
    assert!(
        row("house").unwrap().contains("failed") && row("branch").unwrap().contains("done"),
        "{}",
        ran.out
    );
    fs::rename(shared.0.path("away.db"), shared.0.path("house.db")).unwrap();
    let ran = shared.0.run(&["run", "--yes", "--json"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(ran.json()["companies"]["house"]["plans"][0]["applied"]["written"], 1, "{ran:?}");
    assert_eq!(shared.customers("house"), ["H-1 Adatum 10"]);
}

#[test]
fn plans_state_and_history_are_those_of_a_company() {
    let shared = Shared::new();
    let file = shared.0.path("plan.jsonl");
    let made = shared.0.run(&["plan", "--out", file.to_str().unwrap()]);
    assert_eq!(made.code, 2, "{made:?}");
    let (house, branch) = (shared.0.path("plan.house.jsonl"), shared.0.path("plan.branch.jsonl"));
    assert!(house.exists() && branch.exists() && !file.exists());
    // A plan file says whose it is.
    let applied = shared.0.run(&["apply", branch.to_str().unwrap(), "--yes"]);
    assert_eq!(applied.code, 0, "{applied:?}");
    assert_eq!((shared.customers("house").len(), shared.customers("branch").len()), (0, 1));
    let other = shared.0.run(&["apply", house.to_str().unwrap(), "--yes", "--company", "branch"]);
    assert!(
        other.code == 1 && shared.customers("house").is_empty() && shared.customers("branch").len() == 1,
        "{other:?}"
    );
    let history = shared.0.run(&["history", "--json"]).json();
    assert_eq!(history["companies"]["house"]["journal"].as_array().unwrap().len(), 0, "{history}");
    assert!(!history["companies"]["branch"]["journal"].as_array().unwrap().is_empty(), "{history}");
    let one = shared.0.run(&["plan", "--company", "branch", "--json"]);
    assert_eq!(one.json()["writes"].as_u64(), Some(0), "{one:?}");
}

#[test]
fn status_sums_up_and_the_exit_codes_are_put_together() {
    let shared = Shared::in_step();
    shared.0.crm("UPDATE account SET phone = '7' WHERE accountid = 2");
    shared.erp("branch", "UPDATE Customer SET \"Phone No.\" = '8'");
    let ran = shared.0.run(&["run", "--yes"]);
    assert_eq!(ran.code, 3, "a conflict of one company: {ran:?}");
    let status = shared.0.run(&["status"]);
    assert_eq!(status.code, 3, "{status:?}");
    let all =
        status.out.lines().find(|line| line.contains("all ")).unwrap_or_else(|| panic!("{}", status.out));
    let cells: Vec<&str> = all
        .split(|c: char| !c.is_alphanumeric() && c != ' ')
        .map(str::trim)
        .filter(|cell| !cell.is_empty())
        .collect();
    assert_eq!(cells.join(" "), "all something waits 2 1 0 0", "{}", status.out);
    let json = shared.0.run(&["status", "--json"]).json();
    assert_eq!(json["companies"]["branch"]["links"][0]["conflicts"], 1, "{json}");
    assert_eq!(json["companies"]["house"]["links"][0]["conflicts"], 0, "{json}");
    // One record is of one company.
    let vague = shared.0.run(&[
        "resolve",
        "--link",
        "customers",
        "--record",
        "2",
        "--rule",
        "phone=Phone No.",
        "--take",
        "erp",
    ]);
    assert!(vague.code == 1 && vague.err.contains("say which with --company: house, branch"), "{vague:?}");
    let all = ["resolve", "--link", "customers", "--all", "--rule", "phone=Phone No.", "--take", "erp"];
    assert_eq!(shared.0.run(&all).code, 0);
    shared.0.crm("UPDATE account SET name = 'Adatum 2' WHERE accountid = 1");
    let plan = shared.0.run(&["plan"]);
    assert_eq!(plan.code, 2, "changes come before nothing: {plan:?}");
    assert_eq!(shared.0.run(&["run", "--yes"]).code, 0);
    assert_eq!(shared.accounts()[1], "2 B-1 Fabrikam 8");
}

#[test]
fn snapshots_of_a_company_are_its_own_and_the_shared_one_is_shared() {
    let shared = Shared::new();
    let seen = shared.0.run(&["discover"]);
    assert_eq!(seen.code, 0, "{seen:?}");
    assert_eq!(seen.out.matches("crm: ").count(), 1, "what all share is shown once: {}", seen.out);
    for path in ["schemas/crm.json", "schemas/house/erp.json", "schemas/branch/erp.json"] {
        assert!(shared.0.project(path).exists(), "{path}");
    }
    shared.erp("house", "ALTER TABLE Customer ADD COLUMN web VARCHAR(50)");
    let changed = shared.0.run(&["discover", "--json"]);
    assert_eq!(changed.code, 2, "{changed:?}");
    let changes = |company: &str| {
        let json = changed.json();
        let sides = json["companies"][company]["sides"].as_array().unwrap().clone();
        sides.iter().find(|side| side["side"] == "erp").unwrap()["changes"].as_array().unwrap().len()
    };
    assert_eq!((changes("house"), changes("branch")), (1, 0));
    assert_eq!(shared.0.run(&["test"]).code, 0);
    assert_eq!(shared.0.run(&["laws"]).code, 0);
    let page = shared.0.path("ownership.html");
    assert_eq!(shared.0.run(&["matrix", "--out", page.to_str().unwrap()]).code, 0);
    assert!(
        shared.0.path("ownership.house.html").exists() && shared.0.path("ownership.branch.html").exists()
    );
}

#[test]
fn what_is_wrong_with_companies_is_said_before_anything_is_opened() {
    let shared = Shared::new();
    let environment = shared.0.project("environments/dev.yaml");
    let said = |from: &str, to: &str, args: &[&str]| {
        shared.0.write("environments/dev.yaml", ENVIRONMENT);
        edited(&environment, from, to);
        let ran = shared.0.run(args);
        assert_eq!(ran.code, 1, "{ran:?}");
        format!("{}{}", ran.out, ran.err)
    };
    let plan = &["plan"][..];
    for (from, to, expected) in [
        ("branch.db", "house.db", "the erp of `branch` is that of `house`"),
        (
            "    connectors: { erp: { path: ../branch.db, label: Branch } }",
            "    connectors: { crm: { path: ../branch.db } }",
            "no side of each company `crm`",
        ),
        ("company_id: 2", "company_ld: 2", "did you mean `company_id`?"),
        ("  branch:", "  Branch:", "a company cannot be called"),
        ("company_id: 2, ", "", "the parameter `company_id` has no value"),
    ] {
        let found = said(from, to, plan);
        assert!(found.contains(expected), "{to}: {found}");
    }
    let nobody = said("house", "house", &["plan", "--company", "hose"]);
    assert!(nobody.contains("did you mean `house`?"), "{nobody}");
    let companies = ENVIRONMENT.find("companies:").unwrap();
    let none = said(&ENVIRONMENT[companies..], "", plan);
    assert!(none.contains("no company is named"), "{none}");
    shared.0.write("environments/dev.yaml", ENVIRONMENT);
    let each =
        "for_each:\n  company:\n    side: erp\n    parameters: { company_id: { type: int }, prefix: {} }\n";
    edited(
        &shared.0.project("integration.yaml"),
        each,
        "parameters: { company_id: { type: int, default: 1 }, prefix: { default: x } }\n",
    );
    let unused = shared.0.run(plan);
    assert!(unused.code == 1 && unused.err.contains("not used once for each company"), "{unused:?}");
}

#[test]
fn lint_says_what_two_companies_claim() {
    let shared = Shared::new();
    let fine = shared.0.run(&["lint"]);
    assert!(fine.code == 0 && !fine.out.contains("company-overlap"), "{fine:?}");
    edited(&shared.0.project("environments/dev.yaml"), "company_id: 2", "company_id: 1");
    let found = shared.0.run(&["lint", "--company", "branch"]);
    assert!(found.out.contains("is also in the scope of customers of the company `house`"), "{found:?}");
}

/// Catches: a template whose mapping is used for each company, in a project that is made of layers.
#[test]
fn the_next_version_of_a_template_of_companies_is_compared_with_the_parameters_of_one() {
    let shared = Shared::new();
    let template = MAPPING.replacen("integration: crm-erp\n", "template: t\nversion: 1.0.0\n", 1);
    fs::remove_file(shared.0.project("integration.yaml")).unwrap();
    shared.0.write("template.yaml", &template);
    let ran = shared.0.run(&["run", "--yes"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(shared.customers("house"), ["H-1 Adatum 1"]);
    let next = shared.0.path("next.yaml");
    fs::write(
        &next,
        template
            .replace("version: 1.0.0", "version: 2.0.0")
            .replace("- phone <-> Phone No.", "- phone -> Phone No."),
    )
    .unwrap();
    let done = shared.0.run(&["template", "upgrade", next.to_str().unwrap(), "--write"]);
    assert_eq!(done.code, 0, "{done:?}");
    assert!(!done.out.contains("refused"), "{done:?}");
    assert_eq!(shared.0.run(&["plan"]).code, 0);
}
