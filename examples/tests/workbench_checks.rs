//! The commands that look at a mapping without running it: `lint`, `fit`, `laws`, `explain`, `matrix`, `schema`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

#[path = "../workbench/app/mod.rs"]
mod app;

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use rusqlite::Connection;
use seamless_core::sync::Cancel;
use serde_json::Value;

const CRM: &str = "
CREATE TABLE account (accountid INTEGER PRIMARY KEY, accountnumber VARCHAR(20) UNIQUE, name VARCHAR(160), phone VARCHAR(30));
CREATE TABLE annotation (id INTEGER PRIMARY KEY, accountid INTEGER REFERENCES account (accountid), body TEXT);
INSERT INTO account VALUES (1, 'C10', 'Adatum', '555-0100'), (2, 'C20', 'Fabrikam', NULL);
";

const ERP: &str = r#"
CREATE TABLE "Customer" (id INTEGER PRIMARY KEY, "No." VARCHAR(20) UNIQUE, Name VARCHAR(100), "Phone No." VARCHAR(30));
INSERT INTO "Customer" VALUES (71, 'C20', 'Fabrikam', '555-0200');
"#;

const MAPPING: &str = r#"
integration: crm-erp
sides: { crm: sales, erp: ledger }
links:
  - id: customers
    crm: account
    erp: Customer
    match: [accountnumber = No.]
    rules:
      - name <-> Name
      - phone <-> Phone No.: { same_when: digits }
      - accountnumber <-> No.
"#;

const PUBLISHED: &str = r#"[ { "entity": "account", "proxy_table": "CRM Account", "primary_key": ["AccountId"], "fields": [
  { "name": "accountid", "proxy_name": "AccountId", "type": "guid", "required": true },
  { "name": "accountnumber", "type": "string", "max_length": 20 },
  { "name": "name", "type": "string", "max_length": 160 },
  { "name": "phone", "type": "string", "max_length": 30 } ] } ]"#;

struct Desk {
    folder: tempfile::TempDir,
}

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
    /// A project over two databases, with a mapping of its own.
    fn new() -> Self {
        let desk = Self { folder: tempfile::tempdir().unwrap() };
        Connection::open(desk.path("crm.db")).unwrap().execute_batch(CRM).unwrap();
        Connection::open(desk.path("erp.db")).unwrap().execute_batch(ERP).unwrap();
        let system = |name: &str| format!("sqlite:{}", desk.path(name).display());
        let ran = desk.run(&["init", "--left", &system("crm.db"), "--right", &system("erp.db")]);
        assert_eq!(ran.code, 0, "{ran:?}");
        fs::write(desk.path("project/integration.yaml"), MAPPING).unwrap();
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn file(&self, name: &str, text: &str) -> String {
        fs::write(self.path(name), text).unwrap();
        self.path(name).display().to_string()
    }

    fn run(&self, args: &[&str]) -> Ran {
        let project = self.path("project");
        let begin = ["workbench", "--project", project.to_str().unwrap(), "--by", "kim", "--wait", "0s"];
        let args = begin.iter().chain(args).map(OsString::from);
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut host = app::Host {
            out: &mut out,
            err: &mut err,
            input: &mut &b""[..],
            asks: false,
            bars: false,
            colour: false,
            width: None,
            cancel: Cancel::new(),
            variable: Arc::new(|_| None),
        };
        let code = app::run(args, &mut host);
        Ran { code, out: String::from_utf8(out).unwrap(), err: String::from_utf8(err).unwrap() }
    }
}

fn codes(document: &Value) -> Vec<&str> {
    document["findings"].as_array().unwrap().iter().map(|one| one["code"].as_str().unwrap()).collect()
}

#[test]
fn lint_looks_at_the_project_with_what_its_systems_have_and_can() {
    let desk = Desk::new();
    let ran = desk.run(&["lint"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(
        ran.out.contains("integration.yaml:10:9: warning[lossy-length]: Name takes 100 characters"),
        "{}",
        ran.out
    );
    assert!(ran.out.contains("warning[notes-not-carried]: notes and attachments of account"), "{}", ran.out);
    assert!(ran.out.contains("(against schemas and capabilities)"), "{}", ran.out);
    let document = desk.run(&["--json", "lint", "--live"]).json();
    assert_eq!(document["errors"], 0);
    assert!(codes(&document).contains(&"lossy-length"), "{document}");
    let finding = &document["findings"][0];
    assert!(
        finding["file"].is_string() && finding["line"].is_u64() && finding["column"].is_u64(),
        "{finding}"
    );
    fs::write(desk.path("project/integration.yaml"), MAPPING.replace("name <-> Name", "nam <-> Name"))
        .unwrap();
    let wrong = desk.run(&["lint"]);
    assert_eq!(wrong.code, 1);
    assert!(wrong.out.contains("error[unknown-field]") && wrong.out.contains("name"), "{}", wrong.out);
}

#[test]
fn a_published_list_is_read_shown_and_kept_as_a_snapshot() {
    let desk = Desk::new();
    let list = desk.file("sales.json", PUBLISHED);
    let kept = desk.path("crm.json").display().to_string();
    let ran = desk.run(&["schema", "--read", &list, "--out", &kept]);
    assert_eq!(
        (ran.code, ran.out.trim_end()),
        (0, format!("1 entity, 4 fields, written to {kept}.").as_str())
    );
    let shown = desk.run(&["schema", "--read", &kept, "--entity", "account"]);
    assert!(shown.out.contains("text(160)"), "{}", shown.out);
    let near = desk.run(&["schema", "--read", &kept, "--entity", "acount"]);
    assert!(near.code == 1 && near.err.contains("account"), "{near:?}");
    // Two files are all that linting needs, in either form.
    let mapping = desk.file("m.yaml", MAPPING);
    let other = desk.path("project/schemas/erp.json").display().to_string();
    let ran = desk.run(&["--json", "lint", "--mapping", &mapping, "--left", &list, "--right", &other]);
    let document = ran.json();
    assert!(codes(&document).contains(&"lossy-length") && ran.code == 0, "{document}");
    assert_eq!(document["looked_at"], "against schemas; what the systems can do is not known");
}

#[test]
fn the_json_schema_of_mapping_files_is_printed_for_editors() {
    let desk = Desk::new();
    let document = desk.run(&["schema"]).json();
    assert!(document["$schema"].is_string() && document["properties"]["links"].is_object(), "{document}");
}

#[test]
fn fit_names_what_changed_in_a_system_since_the_snapshot() {
    let desk = Desk::new();
    let ran = desk.run(&["fit"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.starts_with("0 errors, 0 warnings, 0 notes"), "{}", ran.out);
    let change = r#"ALTER TABLE "Customer" RENAME COLUMN "Phone No." TO "Phone Number""#;
    Connection::open(desk.path("erp.db")).unwrap().execute_batch(change).unwrap();
    let ran = desk.run(&["fit"]);
    assert_eq!(ran.code, 1);
    assert!(
        ran.out.contains("error[renamed] customers, Customer of erp.Phone No.: Phone No. is gone"),
        "{}",
        ran.out
    );
    assert!(ran.out.contains("write Phone Number for Phone No.; keep `id: phone=Phone No.`"), "{}", ran.out);
    let document = desk.run(&["--json", "fit"]).json();
    assert_eq!(document["fits"], false);
    assert_eq!(document["differences"][0]["what"]["to"], "Phone Number");
    // From files alone.
    let mapping = desk.file("m.yaml", MAPPING);
    let was = desk.file("was.json", PUBLISHED);
    let now = desk.file("now.json", &PUBLISHED.replace("\"max_length\": 160", "\"max_length\": 50"));
    let erp = desk.path("project/schemas/erp.json").display().to_string();
    let ran = desk.run(&[
        "fit",
        "--mapping",
        &mapping,
        "--expected-left",
        &was,
        "--left",
        &now,
        "--expected-right",
        &erp,
        "--right",
        &erp,
    ]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.out.contains("warning[narrower]"), "{}", ran.out);
}

#[test]
fn laws_are_tried_on_records_of_the_systems_and_what_breaks_them_is_shown() {
    let desk = Desk::new();
    let ran = desk.run(&["laws", "--records", "10"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.ends_with("3 rules, 0 broken\n"), "{}", ran.out);
    assert_eq!(desk.run(&["--json", "laws", "--records", "10"]).json()["records"], 3);
    let wrong = "- name <-> Name: { expression: { erp: upper(name), crm: Name + '!' } }";
    fs::write(desk.path("project/integration.yaml"), MAPPING.replace("- name <-> Name", wrong)).unwrap();
    let ran = desk.run(&["laws", "--broken"]);
    assert_eq!(ran.code, 1);
    assert!(ran.out.contains("BROKEN  customers, name=Name (expression)"), "{}", ran.out);
    assert!(ran.out.contains("broken: what comes back makes the same again"), "{}", ran.out);
}

#[test]
fn explain_says_what_becomes_of_a_record_of_a_system_or_one_that_is_written_down() {
    let desk = Desk::new();
    let ran = desk.run(&["explain", "--link", "customers", "--side", "crm", "--record", "1"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.contains("name (\"Adatum\"), copied: Name of erp becomes \"Adatum\"."), "{}", ran.out);
    assert!(ran.out.contains("1 other field of erp is in no rule"), "{}", ran.out);
    let long = format!("{{ name: {}, phone: null, accountnumber: C30 }}", "x".repeat(101));
    let values = ["explain", "--link", "customers", "--side", "crm", "--values", &long];
    let ran = desk.run(&values);
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(
        ran.out.contains("it is parked, name: 101 characters, but the other side takes 100"),
        "{}",
        ran.out
    );
    let both = desk.run(&[&values[..], &["--partner", "{ Name: Ada, Phone No.: null, No.: C30 }"]].concat());
    assert!(both.out.contains("\nerp -> crm\n"), "{}", both.out);
    let unknown = desk.run(&["explain", "--link", "customers", "--side", "crm", "--values", "{ nam: A }"]);
    assert!(unknown.code == 1 && unknown.err.contains("name"), "{unknown:?}");
}

#[test]
fn the_matrix_is_written_as_a_page_and_as_a_workbook() {
    let desk = Desk::new();
    let (page, book) = (desk.path("m.html"), desk.path("m.xlsx"));
    let ran = desk.run(&["matrix", "--out", page.to_str().unwrap()]);
    assert_eq!(
        (ran.code, ran.out.trim_end()),
        (0, format!("Wrote {} with 3 rows.", page.display()).as_str())
    );
    assert!(fs::read_to_string(&page).unwrap().contains("<td>crm ↔ erp</td>"));
    assert_eq!(desk.run(&["matrix", "--out", book.to_str().unwrap()]).code, 0);
    assert!(fs::read(&book).unwrap().starts_with(b"PK"));
    let refused = desk.run(&["matrix", "--out", "m.pdf"]);
    assert!(refused.code == 1 && refused.err.contains(".html or .xlsx"), "{refused:?}");
    let document = desk.run(&["--json", "matrix"]).json();
    assert_eq!(document["links"][0]["rows"].as_array().unwrap().len(), 3);
    assert!(desk.run(&["matrix"]).out.contains("a person decides"));
}

const TEMPLATE: &str = r#"
template: crm-erp
version: 1.0.0
sides: { crm: sales, erp: ledger }
expects:
  crm:
    account:
      fields: { accountnumber: text(20), name: text(160), phone: text(30) }
  erp:
    Customer:
      fields: { No.: text(20), Name: text(100), Phone No.: text(30) }
links:
  - id: customers
    crm: account
    erp: Customer
    match: [accountnumber = No.]
    rules:
      - name <-> Name: { types: { erp: text(100) }, too_long: truncate }
      - phone <-> Phone No.: { same_when: digits }
      - accountnumber <-> No.
"#;

#[test]
fn fit_of_a_template_compares_with_what_it_expects_and_writes_what_it_proposes_into_an_overlay() {
    let desk = Desk::new();
    let refused = desk.run(&["fit", "--write-overlay", desk.path("o.yaml").to_str().unwrap()]);
    assert!(refused.code == 1 && refused.err.contains("is not made from a template"), "{refused:?}");
    fs::remove_file(desk.path("project/integration.yaml")).unwrap();
    fs::write(desk.path("project/template.yaml"), TEMPLATE).unwrap();
    fs::create_dir(desk.path("project/overlays")).unwrap();
    let fits = desk.run(&["fit"]);
    assert!(fits.code == 0 && fits.out.contains("0 errors, 0 warnings"), "{fits:?}");
    assert_eq!(desk.run(&["lint"]).code, 0);
    Connection::open(desk.path("erp.db"))
        .unwrap()
        .execute_batch(
            r#"ALTER TABLE "Customer" RENAME COLUMN "Phone No." TO "Phone Number";
               ALTER TABLE "Customer" ADD COLUMN "Colour" VARCHAR(20);"#,
        )
        .unwrap();
    Connection::open(desk.path("crm.db"))
        .unwrap()
        .execute_batch(r#"ALTER TABLE account ADD COLUMN colour VARCHAR(20);"#)
        .unwrap();
    // The snapshots of the project are as old as its beginning, and not asked.
    fs::remove_dir_all(desk.path("project/schemas")).unwrap();
    let file = desk.path("project/overlays/fit.yaml");
    let ran = desk.run(&["fit", "--write-overlay", file.to_str().unwrap()]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(
        ran.out.contains("error[renamed] customers, Customer of erp.Phone No.: Phone No. is gone"),
        "{}",
        ran.out
    );
    assert!(ran.out.contains("Wrote 2 operations to "), "{}", ran.out);
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains("overlay: fit\ntemplate: \"crm-erp\"\nversion: \"1.0.0\"\n"), "{text}");
    assert!(
        text.contains("      phone=Phone No.:\n        replace:\n          phone <-> Phone Number:"),
        "{text}"
    );
    assert!(text.contains("      - colour <-> Colour\n"), "{text}");
    // With it, it fits; a second time, what a person wrote and what stands there stay.
    let written = format!("# kept\n{text}");
    fs::write(&file, &written).unwrap();
    let again = desk.run(&["--json", "fit", "--write-overlay", file.to_str().unwrap()]);
    assert_eq!(again.code, 0, "{again:?}");
    let document = again.json();
    assert_eq!(
        (document["fits"].clone(), document["overlay"]["written"].as_array().unwrap().len()),
        (true.into(), 0)
    );
    assert_eq!(fs::read_to_string(&file).unwrap(), written);
    assert_eq!(desk.run(&["plan"]).code, 2);
    // What a person must decide stands at the top.
    Connection::open(desk.path("erp.db"))
        .unwrap()
        .execute_batch(r#"ALTER TABLE "Customer" RENAME COLUMN Name TO Zweck;"#)
        .unwrap();
    let ran = desk.run(&["fit", "--write-overlay", file.to_str().unwrap()]);
    assert_eq!(ran.code, 1, "{ran:?}");
    let text = fs::read_to_string(&file).unwrap();
    assert!(
        text.contains("# Name is gone; rule name=Name cannot work\n      name=Name: disable\n"),
        "{text}"
    );
    assert!(text.contains("# kept\n"), "{text}");
    let odd = desk.path("project/overlays/our own.yaml");
    let refused = desk.run(&["fit", "--write-overlay", odd.to_str().unwrap()]);
    assert!(refused.code == 1 && refused.err.contains("cannot be called"), "{refused:?}");
}
