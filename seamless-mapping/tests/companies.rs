//! `for_each`: one mapping, used once for each company of a side that share the system of the other side.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use std::collections::BTreeSet;

use seamless_core::mapper::{Mapper, WriteOn};
use seamless_core::model::{
    Entity, Field, FieldKind, FieldName, Record, RecordId, Reference, Schema, Shape, Side, Sides, Slot,
    Truth, Value, record,
};
use seamless_mapping::declaration::KindDecl;
use seamless_mapping::notation::lint_each;
use seamless_mapping::{
    Companies, CompileOptions, LintOptions, LoadOptions, Mapping, load, load_each, run_tests,
};

const TEXT: &str = r#"
integration: crm-erp
sides: { crm: sales, erp: business }
parameters: { source: { default: ERP } }
for_each:
  company:
    side: erp
    parameters:
      company_id: { type: int }
      prefix: { type: text, default: X }
links:
  - id: customers
    crm: account
    erp: Customer
    scope: { crm: "kind == 1 and companyid == ${company_id}" }
    match: [ name = Name ]
    rules:
      - name <-> Name
      - number <- No.: { expression: "'${prefix}' + `No.`" }
      - origin <- const ${source}-${company}
    tests:
      - { name: a number of the company, to: crm, record: { No.: "7", Name: n }, expect: { origin: "ERP-house" } }
  - id: people
    crm: person
    erp: Person
    mode: to_erp
    match: [ mail = Mail ]
    rules: [ mail -> Mail ]
"#;

fn companies(each: &[(&str, &[(&str, Value)])]) -> Companies {
    let own = |given: &[(&str, Value)]| {
        given.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
    };
    let each = each.iter().map(|(name, given)| ((*name).to_owned(), own(given))).collect();
    Companies { each, ..Companies::default() }
}

fn two() -> Companies {
    companies(&[
        ("house", &[("company_id", Value::Int(1)), ("prefix", Value::text("H"))]),
        ("branch", &[("company_id", Value::Int(2))]),
    ])
}

fn mapping(text: &str, companies: &Companies, company: &str, schemas: Option<Sides<&Schema>>) -> Mapping {
    let compile = CompileOptions { schemas, ..CompileOptions::default() };
    let mut loaded = load_each("m.yaml", text, companies, &compile);
    loaded.remove(company).unwrap().unwrap_or_else(|found| panic!("{found}")).mapping
}

/// An account as the CRM holds it, with a reference to its company.
fn account(company: Option<i64>) -> Record {
    let fields = ["kind", "companyid", "name", "number", "origin"].map(FieldName::from);
    let shape = Shape::new(fields).unwrap();
    let to = |id| Value::Reference(Reference { entity: "company".into(), id: RecordId::int(id) }.into());
    let company = company.map_or(Value::Null, to);
    record(&shape, [("kind".into(), Slot::Value(Value::Int(1))), ("companyid".into(), Slot::Value(company))])
        .unwrap()
}

fn entity(name: &str) -> Entity {
    Entity {
        name: name.into(),
        label: None,
        fields: Vec::new(),
        key: Vec::new(),
        unique: Vec::new(),
        actions: Vec::new(),
    }
}

fn crm() -> Schema {
    let mut schema = Schema::default();
    let mut account = entity("account");
    let targets = vec!["company".into()];
    for (name, kind) in [
        ("kind", FieldKind::Int),
        ("companyid", FieldKind::Reference { targets }),
        ("name", FieldKind::Text { length_max: Some(50) }),
        ("number", FieldKind::Text { length_max: Some(50) }),
        ("origin", FieldKind::Text { length_max: Some(50) }),
    ] {
        account.fields.push(Field::new(name, kind));
    }
    let mut person = entity("person");
    person.fields.push(Field::new("mail", FieldKind::Text { length_max: Some(50) }));
    for entity in [account, person] {
        schema.entities.insert(entity.name.clone(), entity);
    }
    schema
}

fn erp() -> Schema {
    let mut schema = Schema::default();
    for (name, fields) in [("Customer", &["No.", "Name"][..]), ("Person", &["Mail"])] {
        let mut made = entity(name);
        made.fields
            .extend(fields.iter().map(|name| Field::new(*name, FieldKind::Text { length_max: Some(50) })));
        schema.entities.insert(made.name.clone(), made);
    }
    schema
}

/// Catches: one integration name for all companies, so that their leases and plans would be one.
#[test]
fn every_company_is_an_integration_of_its_own_under_its_own_parameters() {
    let loaded = load_each("m.yaml", TEXT, &two(), &CompileOptions::default());
    let names: BTreeSet<String> =
        loaded.values().map(|one| one.as_ref().unwrap().mapping.declared().integration.clone()).collect();
    assert_eq!(names, ["crm-erp.branch", "crm-erp.house"].map(str::to_owned).into());
    let (house, branch) = (mapping(TEXT, &two(), "house", None), mapping(TEXT, &two(), "branch", None));
    let ids = |mapping: &Mapping| {
        let links = mapping.mappers().iter();
        links
            .flat_map(|link| {
                link.rules()
                    .iter()
                    .map(|rule| format!("{} / {}", link.link().id, rule.id))
                    .collect::<Vec<_>>()
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(
        ids(&house),
        ids(&branch),
        "ids are stable: bases hang on them, in a state of the company's own"
    );
    assert_ne!(house.digest(), branch.digest());
    let report = run_tests(&house);
    assert!(report.passed(), "{report}");
    assert!(!run_tests(&branch).passed(), "the test names the company house");
}

/// Catches: a reference compared with a key is never equal, and every record would be out of every scope.
#[test]
fn the_scope_tells_the_records_of_a_company_from_those_of_others_and_of_nobody() {
    let scope = |company: &str, record: &Record| {
        let mapping = mapping(TEXT, &two(), company, None);
        mapping.link("customers").unwrap().link().scope.left.holds(record)
    };
    for (company, of_first, of_second) in
        [("house", Truth::In, Truth::Out), ("branch", Truth::Out, Truth::In)]
    {
        assert_eq!(scope(company, &account(Some(1))), of_first, "{company}");
        assert_eq!(scope(company, &account(Some(2))), of_second, "{company}");
        assert_eq!(scope(company, &account(None)), Truth::Out, "{company}");
    }
}

/// Catches: the key of the company written as a number into a field that holds references.
#[test]
fn a_record_that_is_created_on_the_shared_side_is_the_companys() {
    let (crm, erp) = (crm(), erp());
    for (company, id) in [("house", 1), ("branch", 2)] {
        let mapping = mapping(TEXT, &two(), company, Some(Sides::new(&crm, &erp)));
        let link = mapping.link("customers").unwrap();
        let rule = link.rules().iter().find(|rule| rule.fields.left == ["companyid".into()]).unwrap();
        assert!(rule.on == WriteOn::Create && rule.direction.allows(Side::Left), "{rule:?}");
        let carried = seamless_core::merge::CompiledLink::compile(link.clone()).unwrap();
        let nothing = Record::absent(carried.shape(Side::Left));
        let source = Record::absent(carried.shape(Side::Right));
        let (resolved, entity) = (seamless_core::mapper::Resolved::new(), "account".into());
        let context =
            seamless_core::mapper::MapContext { resolved: &resolved, target_entity: &entity, creating: true };
        let group = (0..carried.groups().len()).find_map(|group| {
            let carried = carried.carry_group(group, Side::Right, &source, &nothing, &context).ok()?;
            carried.into_iter().find_map(|(_, planned)| match planned {
                seamless_core::model::Planned::Known(Value::Reference(reference)) => Some(reference),
                _ => None,
            })
        });
        let reference = group.expect("the company is written");
        assert_eq!((reference.entity.as_str(), reference.id.clone()), ("company", RecordId::int(id)));
    }
}

/// Catches: a constant that names a record by its key and goes into a reference as a text.
#[test]
fn a_constant_can_be_a_record_of_an_entity_that_is_named() {
    let with = |rule: &str| {
        let text = format!(
            "integration: i\nsides: {{ crm: a, erp: b }}\nlinks:\n  - {{ id: x, crm: account, erp: Customer, match: none, rules: [ {rule} ] }}\n"
        );
        let (crm, erp) = (crm(), erp());
        let compile = CompileOptions { schemas: Some(Sides::new(&crm, &erp)), ..CompileOptions::default() };
        load("m.yaml", &text, &LoadOptions { compile, ..LoadOptions::default() })
    };
    let loaded = with("'companyid <- const 7': { record_of: company }").unwrap().mapping;
    let wanted = Value::Reference(Reference { entity: "company".into(), id: RecordId::int(7) }.into());
    assert_eq!(loaded.declared().links[0].rules[0].kind, KindDecl::Const(wanted));
    for (rule, expected) in [
        ("'companyid <- const 7': { record_of: person }", "does not point at records of person"),
        ("'name <- const 7': { record_of: company }", "the field holds plain values"),
        ("'companyid <- const \"\"': { record_of: company }", "the key of a record of company is missing"),
        ("'name <- Name': { record_of: company }", "belongs to a rule that is a constant"),
    ] {
        let found = with(rule).unwrap_err().to_string();
        assert!(found.contains(expected), "{rule}: {found}");
    }
}

/// Catches: what is wrong with one company keeps all of them from running.
#[test]
fn a_company_that_says_too_little_keeps_no_other_from_being_loaded() {
    let mut companies = two();
    companies.each.insert("plant".to_owned(), [].into());
    companies.each.insert("Not A Name".to_owned(), [("company_id".to_owned(), Value::Int(4))].into());
    let loaded = load_each("m.yaml", TEXT, &companies, &CompileOptions::default());
    let refused = |company: &str| loaded[company].as_ref().unwrap_err().to_string();
    assert!(refused("plant").contains("the parameter `company_id` has no value"), "{}", refused("plant"));
    assert!(refused("plant").contains("for each company"), "{}", refused("plant"));
    assert!(refused("Not A Name").contains("a company cannot be called"), "{}", refused("Not A Name"));
    assert!(loaded["house"].is_ok() && loaded["branch"].is_ok());
    let nobody = load("m.yaml", TEXT, &LoadOptions::default()).unwrap_err().to_string();
    assert!(nobody.contains("company-missing"), "{nobody}");
}

#[test]
fn what_is_wrong_with_for_each_is_said_at_its_place() {
    let said = |from: &str, to: &str| {
        assert!(TEXT.contains(from), "{from}");
        let options = LoadOptions { parameters: two().parameters("house"), ..LoadOptions::default() };
        load("m.yaml", &TEXT.replacen(from, to, 1), &options).unwrap_err().to_string()
    };
    for (from, to, expected) in [
        ("side: erp", "side: er", "no side is called `er`"),
        ("    side: erp\n", "", "side"),
        ("  company:\n    side", "  plant:\n    side", "plant"),
        ("company_id: { type: int }", "company: { type: int }", "there is a parameter `company` already"),
        ("company_id: { type: int }", "source: { type: int }", "there is a parameter `source` already"),
        ("parameters: { source:", "parameters: { company:", "is the name of the company"),
        ("company_id: { type: int }", "company_id: { type: date }", "declared as date"),
    ] {
        let found = said(from, to);
        assert!(found.contains(expected), "{to}: {found}");
    }
}

fn linted(text: &str, companies: &Companies, company: &str) -> Vec<String> {
    let found = lint_each("m.yaml", text, companies, company, &LintOptions::default());
    let found = found.iter().flat_map(seamless_core::document::Diagnostics::iter);
    let of_companies = found.filter(|one| one.diagnostic().code.starts_with("company"));
    of_companies.map(|one| format!("{}: {}", one.diagnostic().code, one.diagnostic().message)).collect()
}

/// Catches: scopes that are compared within a company only.
#[test]
fn lint_names_records_that_two_companies_claim() {
    for company in ["house", "branch"] {
        assert_eq!(linted(TEXT, &two(), company), [""; 0], "{company}");
    }
    let mut same = two();
    same.each.get_mut("branch").unwrap().insert("company_id".to_owned(), Value::Int(1));
    let found = linted(TEXT, &same, "house");
    assert_eq!(
        found,
        [
            "company-overlap: account of crm with kind 1, companyid 1 is also in the scope of customers of the company `branch`"
        ]
    );
    // What all of them take when it is nobody's is claimed by all.
    let blank =
        TEXT.replace("companyid == ${company_id}", "(companyid == ${company_id} or blank(companyid))");
    let found = linted(&blank, &two(), "branch");
    assert!(found.len() == 1 && found[0].contains("of the company `house`"), "{found:?}");
    let shared =
        blank.replace("    match: [ name = Name ]", "    shares: [ customers ]\n    match: [ name = Name ]");
    assert_eq!(linted(&shared, &two(), "branch"), [""; 0]);
}

/// Catches: a mapping for several companies whose copies all write all records of the side that they share.
#[test]
fn lint_names_links_that_write_the_shared_side_without_saying_whose_a_record_is() {
    let open = TEXT.replace(" and companyid == ${company_id}", "");
    let found = linted(&open, &two(), "house");
    assert!(
        found.len() == 1 && found[0].starts_with("company-unscoped: every company writes account of crm"),
        "{found:?}"
    );
    // A link that writes the companies' own side only takes nobody anything.
    let two_way = TEXT.replace("    mode: to_erp\n", "");
    assert!(linted(&two_way, &two(), "house")[0].contains("every company writes person of crm"));
    let on_purpose = TEXT.replace("    mode: to_erp\n", "    shares: [ people ]\n");
    assert_eq!(linted(&on_purpose, &two(), "house"), [""; 0]);
}

/// Catches: a link that is said to share with itself where there is nobody to share with.
#[test]
fn only_a_mapping_of_companies_can_share_a_link_with_itself() {
    let alone = "integration: i\nsides: { l: a, r: b }\nlinks:\n  - { id: x, l: A, r: B, match: none, shares: [ x ] }\n";
    let found = load("m.yaml", alone, &LoadOptions::default()).unwrap_err().to_string();
    assert!(found.contains("no other link is called x"), "{found}");
}
