//! Mapping files: the example loads and passes its own tests, the builder gives the same, mistakes are told.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use std::time::Duration;

use seamless_core::mapper::{
    ConflictPolicy, DeletePolicy, DriftPolicy, FirstLinkPolicy, GuardLimits, LeavePolicy, LinkMode, Mapper,
};
use seamless_core::model::{Comparison, Condition, Normaliser, Side, Value};
use seamless_mapping::declaration::{
    IfMissing, LookupThrough, MappingDecl, OptionKey, OptionRow, RoundDecl, SplitAt, TypeDecl,
};
use seamless_mapping::notation::declarations;
use seamless_mapping::{
    LoadOptions, Mapping, both, constant, copy, join, load, lookup, lookup_by_entity, only_right, options,
    run_tests, table,
};

const CUSTOMERS: &str = include_str!("data/customers.yaml");

fn by_builder() -> MappingDecl {
    let text = |length: u32| TypeDecl::Text { length_max: Some(length) };
    let state = |code: i64, blocked: OptionKey| OptionRow {
        values: seamless_core::model::Sides::new(vec![OptionKey::Is(Value::Int(code))], vec![blocked]),
        direction: seamless_core::mapper::Direction::TwoWay,
    };
    Mapping::builder("crm", "erp")
        .integration("crm-erp")
        .systems("dynamics-sales", "business-central")
        .link("salespeople", "systemuser", "Salesperson")
        .mode(LinkMode::CoupleOnly)
        .match_when([("internalemailaddress", "E-Mail")], [Normaliser::Email])
        .link("contacts", "contact", "Contact")
        .match_when([("emailaddress1", "E-Mail")], [Normaliser::Email])
        .match_when(
            [("fullname", "Name"), ("mobilephone", "Mobile Phone No.")],
            [Normaliser::Space, Normaliser::Case],
        )
        .rule(
            join(["firstname", "lastname"], "Name", " ").split(SplitAt::Last).same_when([Normaliser::Space]),
        )
        .rule(copy("emailaddress1", "E-Mail").same_when([Normaliser::Email]))
        .rule(
            lookup_by_entity(
                "parentcustomerid",
                "Company No.",
                [("account", LookupThrough::Link("customers".into())), ("contact", LookupThrough::Keep)],
            )
            .holds(Side::Left, TypeDecl::Reference)
            .holds(Side::Right, TypeDecl::TEXT),
        )
        .link("customers", "account", "Customer")
        .two_way()
        .scope(
            Side::Left,
            Condition::All(vec![
                Condition::Compare {
                    field: "customertypecode".into(),
                    is: Comparison::Equal,
                    value: Value::Int(3),
                },
                Condition::Not(Box::new(Condition::Blank("name".into()))),
            ]),
        )
        .scope(
            Side::Right,
            Condition::OneOf {
                field: "Customer Posting Group".into(),
                values: ["DOMESTIC", "EU", "EXPORT"].map(Value::text).to_vec(),
            },
        )
        .match_on([("accountnumber", "No.")])
        .match_when(
            [("name", "Name"), ("address1_postalcode", "Post Code")],
            [Normaliser::Case, Normaliser::Space],
        )
        .first_link(FirstLinkPolicy::FillBlanks)
        .on_delete(Side::Left, DeletePolicy::Set(vec![("Blocked".into(), Value::text("All"))]))
        .on_delete(Side::Right, DeletePolicy::Park)
        .on_leave(Side::Left, LeavePolicy::Freeze)
        .form(Side::Right, "No.", [Normaliser::Case, Normaliser::Trim])
        .form(Side::Right, "E-Mail", [Normaliser::Email])
        .form(Side::Right, "Credit Limit (LCY)", [Normaliser::Scale(2)])
        .sweep_every(Duration::from_secs(86_400))
        .limits(GuardLimits { deletes_percent_max: Some(20), deletes_free: 5, ..GuardLimits::USUAL })
        .rule(
            table(
                vec!["statecode".into()],
                vec!["Blocked".into()],
                [state(0, OptionKey::Blank), state(1, OptionKey::Is(Value::text("All")))],
            )
            .id("states")
            .to_right(),
        )
        .rule(copy("name", "Name").holds(Side::Left, text(160)).holds(Side::Right, text(100)).truncate())
        .rule(copy("telephone1", "Phone No.").same_when([Normaliser::Digits]))
        .rule(
            copy("emailaddress1", "E-Mail")
                .same_when([Normaliser::Email])
                .on_conflict(ConflictPolicy::Newest { skew: Duration::from_secs(2) }),
        )
        .rule(
            copy("creditlimit", "Credit Limit (LCY)")
                .to_right()
                .on_drift(DriftPolicy::Restore)
                .holds(Side::Left, TypeDecl::DECIMAL)
                .holds(Side::Right, TypeDecl::Decimal { precision: Some(18), scale: Some(2) })
                .round(RoundDecl::HalfUp),
        )
        .rule(
            options(
                "paymenttermscode",
                "Payment Terms Code",
                [
                    both(1, "30D"),
                    only_right(5, "30D"),
                    both(4, "60D"),
                    both(OptionKey::Blank, OptionKey::Blank),
                ],
            )
            .holds(Side::Left, TypeDecl::Int)
            .holds(Side::Right, TypeDecl::TEXT),
        )
        .rule(
            lookup_by_entity(
                "ownerid",
                "Salesperson Code",
                [("systemuser", LookupThrough::Link("salespeople".into())), ("team", LookupThrough::Keep)],
            )
            .holds(Side::Left, TypeDecl::Reference)
            .holds(Side::Right, TypeDecl::TEXT)
            .if_missing(Side::Left, IfMissing::Park)
            .if_missing(Side::Right, IfMissing::Use(Value::text("HOUSE"))),
        )
        .rule(
            lookup("primarycontactid", "Primary Contact No.", "contacts").holds(Side::Right, TypeDecl::TEXT),
        )
        .rule(copy("address1_country", "Country/Region Code").id("country").default_on(Side::Right, "DE"))
        .rule(
            constant(Side::Right, "Source Code", "CRM").only_on_create().note("where the customer came from"),
        )
        .rule(copy("revenue", "Sales (LCY)").to_left().first_link(FirstLinkPolicy::Take(Side::Right)).when(
            Side::Right,
            Condition::Compare { field: "Sales (LCY)".into(), is: Comparison::Greater, value: Value::Int(0) },
        ))
        .done()
        .declare()
}

#[test]
fn the_builder_gives_exactly_what_the_file_gives() {
    let mut file = declarations("customers.yaml", CUSTOMERS, &Default::default()).unwrap();
    // The builder has no parameters, and tests are the file's own.
    file.parameters.clear();
    file.note = None;
    file.links.iter_mut().for_each(|link| link.tests.clear());
    let built = by_builder();
    for (of_file, of_builder) in file.links.iter().zip(&built.links) {
        for (of_file, of_builder) in of_file.rules.iter().zip(&of_builder.rules) {
            assert_eq!(of_file, of_builder);
        }
        assert_eq!(of_file, of_builder);
    }
    assert_eq!(file, built);
}

#[test]
fn the_example_loads_in_silence_and_passes_its_tests() {
    let loaded = load("customers.yaml", CUSTOMERS, &LoadOptions::default())
        .unwrap_or_else(|findings| panic!("{findings}"));
    assert!(loaded.warnings.is_none(), "{}", loaded.warnings.unwrap());
    let report = run_tests(&loaded.mapping);
    assert!(report.passed(), "{report}");
    assert_eq!(report.outcomes.len(), 4);
    let order: Vec<_> = loaded.mapping.links().iter().map(|link| link.link().id.to_string()).collect();
    assert_eq!(order.iter().position(|id| id == "salespeople"), Some(0));
    assert_eq!(loaded.mapping.cycles().len(), 1);
    let rules: Vec<_> =
        loaded.mapping.link("customers").unwrap().rules().iter().map(|rule| rule.id.to_string()).collect();
    assert_eq!(
        rules,
        [
            "states",
            "name=Name",
            "telephone1=Phone No.",
            "emailaddress1=E-Mail",
            "creditlimit=Credit Limit (LCY)",
            "paymenttermscode=Payment Terms Code",
            "ownerid=Salesperson Code",
            "primarycontactid=Primary Contact No.",
            "country",
            "=Source Code",
            "revenue=Sales (LCY)",
            // The scope says what kind of account is created.
            "customertypecode=",
        ]
    );
}

#[test]
fn json_is_read_by_the_same_reader() {
    let yaml = "
integration: i
sides: { l: a, r: b }
links:
  - id: x
    l: A
    r: B
    match: none
    rules:
      - a <-> b: { same_when: [case, trim] }
      - \"`x -> y` -> z\"
";
    let json = r#"{ "integration": "i", "sides": { "l": "a", "r": "b" }, "links": [ { "id": "x", "l": "A", "r": "B",
        "match": "none", "rules": [ { "a <-> b": { "same_when": ["case", "trim"] } }, "`x -> y` -> z" ] } ] }"#;
    let read = |text: &str| declarations("m", text, &Default::default()).unwrap();
    assert_eq!(read(yaml), read(json));
}

#[test]
fn a_test_that_fails_says_what_was_found() {
    let broken = CUSTOMERS
        .replace("Payment Terms Code: park", "Payment Terms Code: 30D")
        .replace("expect: { paymenttermscode: 5,", "expect: { paymenttermscode: 1, nmae: x,");
    let loaded = load("m", &broken, &LoadOptions::default()).unwrap();
    let report = run_tests(&loaded.mapping);
    assert!(!report.passed());
    let shown = report.to_string();
    assert!(shown.contains("Payment Terms Code: expected \"30D\", found park (paymenttermscode: the value 9 is not in the table"), "{shown}");
    assert!(shown.contains("paymenttermscode: expected 1, found untouched"), "{shown}");
    assert!(shown.contains("no rule has the field nmae of crm; did you mean `name`?"), "{shown}");
    assert!(shown.ends_with("4 tests, 2 failed"), "{shown}");
}

/// A file with one link; the rules stand at column 9 of line 10.
fn file(link: &str) -> String {
    format!(
        "integration: i\nsides: {{ crm: a, erp: b }}\nparameters: {{ p: {{ type: int, default: 5 }} }}\nlinks:\n  - id: x\n    crm: A\n    erp: B\n    match: none\n{link}\n"
    )
}

fn findings(text: &str) -> String {
    let shown = |findings: &seamless_core::document::Diagnostics| {
        let lines = findings.iter().map(|located| {
            let help = located.diagnostic().help.as_ref().map(|help| format!("; {help}"));
            format!("{}{}", located.headline(), help.unwrap_or_default())
        });
        lines.collect::<Vec<_>>().join("\n")
    };
    match load("m", text, &LoadOptions::default()) {
        Ok(loaded) => loaded.warnings.map(|warnings| shown(&warnings)).unwrap_or_default(),
        Err(findings) => shown(&findings),
    }
}

#[test]
fn every_mistake_is_told_with_its_place_and_what_to_write() {
    let table = [
        ("    rules: [ a <-> b ]", ""),
        (
            "    rules:\n      - a<->b",
            "m:10:9: error[sentence]: no `<->` or `->` or `<-` stands in `a<->b`; put blanks around the operator: `a <-> b`",
        ),
        (
            "    rules:\n      - a <-> b: { smae_when: case }",
            "m:10:20: error[unknown-field]: unknown field `smae_when`; did you mean `same_when`?",
        ),
        (
            "    rules:\n      - a <-> b: { same_when: cse }",
            "m:10:31: error[unknown-word]: the text `cse` is no equivalence; did you mean `case`?",
        ),
        (
            "    rules:\n      - a <-> b:\n        same_when: case",
            "m:11:9: error[rule-indent]: this stands beside the sentence, not below it; indent the options further than the sentence, or write them in `{ .. }` after it",
        ),
        (
            "    rules:\n      - a <-> b: { default: X }",
            "m:10:29: error[which-side]: `default` does not say which side it speaks of; write `default: { crm: .. }` or `default: { erp: .. }`",
        ),
        ("    rules:\n      - a -> b: { default: X }", ""),
        (
            "    rules:\n      - a <-> b: { on_conflict: newest }",
            "m:10:33: error[newest-skew]: `newest` needs to know how far clocks may differ; write `{ newest: { skew: 2s } }`",
        ),
        (
            "    rules:\n      - a <-> b: { on_conflict: take_cmr }",
            "m:10:33: error[unknown-word]: the text `take_cmr` is no policy for conflicts; did you mean `take_crm`?",
        ),
        (
            "    rules:\n      - a <-> b: { join: \" \", lookup: x }",
            "m:10:18: error[rule-kinds]: a rule is of one kind, this one has join and lookup; write a rule for each",
        ),
        (
            "    rules:\n      - a <-> b: { unknown: keep }",
            "m:10:20: error[misplaced-key]: `unknown` belongs to a rule that has `options`; add `options`, or remove it",
        ),
        (
            "    rules:\n      - a <-> b: { lookup: x, round: down }",
            "m:10:31: error[misplaced-key]: `round` belongs to a rule that copies; remove it",
        ),
        (
            "    rules:\n      - const 1 <-> b",
            "m:10:15: error[const-two-way]: a constant comes from neither side, so it goes one way; write `const VALUE -> Field`",
        ),
        (
            "    rules:\n      - const ${q} -> b",
            "m:10:15: error[undefined-parameter]: no parameter is called `q`; declare it: `parameters: { q: { type: text } }`",
        ),
        ("    rules:\n      - const ${p} -> b: { types: { erp: text } }", ""),
        (
            "    rules:\n      - { crm: a, erp: b, flow: to_epr }",
            "m:10:33: error[unknown-word]: the text `to_epr` is no flow; did you mean `to_erp`?",
        ),
        (
            "    rules:\n      - { crm: a }",
            "m:10:11: error[rule-fields]: this is no rule: no sentence with an arrow, and no field of each side; write `name <-> Name`, or `{ crm: name, erp: Name }`",
        ),
        (
            "    rules:\n      - a <-> b: { options: [ 1 <-> X, 2 <-> X ] }",
            "m:10:20: error[options-ambiguous]: \"X\" of erp leads to both 1 and 2; keep `<->` for the one that it becomes, and write the other as `2 -> \"X\"`",
        ),
        (
            "    rules:\n      - a <-> b: { types: { crm: varchar } }",
            "m:10:34: error[unknown-word]: the text `varchar` is no type; write one of text, int, decimal, bool, date, time, local, instant, float, reference, text(50), \"decimal(18, 2)\"",
        ),
        (
            "    rules:\n      - a <-> b\n      - a <-> b",
            "m:11:9: error[duplicate-rule]: two rules of the link are called a=b; bases hang on the id: give one of them an `id` of its own\nm:11:9: error[two-writers]: a of crm is written by rule a=b too; let one of them write it, make one of them one-way, or give both a `when`\nm:11:9: error[two-writers]: b of erp is written by rule a=b too; let one of them write it, make one of them one-way, or give both a `when`",
        ),
        (
            "    scope: a == 1",
            "m:9:12: error[which-side]: `scope` does not say which side it speaks of; write `crm: ..` or `erp: ..` below it",
        ),
        ("    scope: { crm: a = 1 }", "m:9:21: error[condition]: `=` compares nothing; write `==`"),
        (
            "    mode: to_epr",
            "m:9:11: error[unknown-word]: the text `to_epr` is no mode; did you mean `to_erp`?",
        ),
        (
            "    sweep: 1 day",
            "m:9:12: error[wrong-kind]: expected a duration, found the text `1 day`; write a number and a unit: `500ms`, `30s`, `15m`, `12h` or `1d`",
        ),
        (
            "    lifecycle: { cmr deleted: park }",
            "m:9:18: error[lifecycle]: `cmr deleted` does not begin with a side; write `crm deleted: ..` or `erp leaves: ..`",
        ),
        (
            "    lifecycle: { crm delted: park }",
            "m:9:18: error[lifecycle]: nothing happens to a record that is called `delted`; did you mean `deleted`?",
        ),
        (
            "    lifecycle: { crm deleted: prak }",
            "m:9:31: error[unknown-word]: the text `prak` is no policy; did you mean `park`?",
        ),
        (
            "    limits: { deletes_percent_max: 200 }",
            "m:9:36: error[wrong-kind]: expected a percentage from 0 to 100, or `none`, found the number `200`",
        ),
        (
            "    create: { crm: yes, erp: true }",
            "m:9:20: error[wrong-kind]: expected `true` or `false`, found the text `yes`; write `true` without quotes",
        ),
    ];
    let told = table.map(|(link, expected)| (link, findings(&file(link)), expected));
    for (link, found, expected) in told.iter().filter(|(_, found, expected)| found != expected) {
        eprintln!("{link}\n  found    {found}\n  expected {expected}");
    }
    assert!(told.iter().all(|(_, found, expected)| found == expected));
}

#[test]
fn the_head_of_a_file_is_checked_too() {
    let table = [
        ("", "m:1:1: error[wrong-kind]: expected a mapping of `key: value`, found nothing"),
        (
            "integration: i\nsides: { id: a, erp: b }\nlinks: []",
            "m:2:10: error[side-name]: a side cannot be called `id`; use a short word in small letters, such as `crm`, that is no key of this file",
        ),
        (
            "integration: i\nsides: { crm: a }\nlinks: []",
            "m:2:8: error[sides]: a mapping has two sides, this has 1; write two names, each with its system: `{ crm: dynamics-sales, erp: business-central }`",
        ),
        (
            "version: 2\nintegration: i\nsides: { crm: a, erp: b }\nlinks: []",
            "m:1:10: error[version]: version 2 of the notation is not known; write `version: 1`, or leave it out",
        ),
        (
            "integration: i\nsides: { crm: a, erp: b }\nparameters: { p: { type: text } }\nlinks: []",
            "m:3:15: error[parameter-missing]: the parameter `p` has no value; give it one in the environment, or a `default` here",
        ),
        (
            "integration: i\nsides: { crm: a, erp: b }\nlinks:\n  - id: x\n    crm: A\n    match: none",
            "m:4:5: error[missing-field]: the field `erp` is missing",
        ),
    ];
    for (text, expected) in table {
        assert_eq!(findings(text), expected, "{text}");
    }
}

/// What a plan tells people to write under `forms` is what a mapping file reads as that form.
#[test]
fn a_form_that_a_plan_proposes_is_read_as_it_is_written() {
    use seamless_core::merge::LossyForm;
    use seamless_core::model::CanonicalForm;
    use seamless_core::plan::FormProposal;

    let folded = |steps: &[Normaliser]| LossyForm::Folded(CanonicalForm::new(steps.iter().cloned()));
    let forms = [
        folded(&[Normaliser::Truncated(30)]),
        folded(&[Normaliser::Case, Normaliser::Truncated(30)]),
        folded(&[Normaliser::Trim, Normaliser::EmptyIsNull]),
        folded(&[Normaliser::Unicode, Normaliser::Space]),
        folded(&[Normaliser::Instant(0)]),
        LossyForm::Rounded { least: 1, most: 2 },
    ];
    for form in forms {
        let proposal = FormProposal {
            link: "customers".into(),
            side: Side::Right,
            field: "Name".into(),
            form: form.clone(),
            records: 2,
        };
        let notation = proposal.notation().unwrap();
        assert!(proposal.words("erp").contains(&format!("`Name: {notation}`")));
        let text = format!(
            "integration: i\nsides: {{ crm: c, erp: e }}\nlinks:\n  - id: customers\n    crm: account\n    \
             erp: Customer\n    match: none\n    forms:\n      erp:\n        Name: {notation}\n    rules:\n      \
             - name <-> Name\n"
        );
        let declared = declarations("m", &text, &Default::default()).unwrap();
        let read = &declared.links[0].forms.right.fields;
        assert_eq!(read, &[("Name".into(), form.declared().unwrap())], "{text}");
    }
}
