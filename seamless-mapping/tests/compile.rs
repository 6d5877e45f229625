//! What a mapping is refused for, and what its defaults are.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use seamless_core::mapper::{
    ConflictPolicy, DeletePolicy, Direction, DriftPolicy, FirstLinkPolicy, LeavePolicy, LinkMode, Mapper,
    RuleKind,
};
use seamless_core::model::{
    Condition, Entity, Field, FieldKind, Normaliser, OptionItem, OptionSet, Schema, Side, Sides, Value,
};
use seamless_mapping::declaration::{LookupThrough, RuleDecl, SplitAt, TypeDecl};
use seamless_mapping::{
    CompileOptions, LinkBuilder, LoadOptions, Mapping, both, constant, copy, custom, join, load, lookup,
    lookup_by_entity, only_right, options, run_tests,
};

fn link() -> LinkBuilder {
    Mapping::builder("crm", "erp")
        .link("customers", "account", "Customer")
        .match_on([("accountnumber", "No.")])
}

/// The findings for one rule in an otherwise sound link, or for several.
fn check(rules: impl IntoIterator<Item = RuleDecl>, expected: &str) {
    let found = match rules.into_iter().fold(link(), LinkBuilder::rule).build() {
        Ok(mapping) => mapping.warnings().iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
        Err(refused) => refused.to_string(),
    };
    assert_eq!(found, expected);
}

#[test]
fn a_sound_rule_is_accepted_in_silence() {
    check([copy("name", "Name")], "");
}

#[test]
fn a_join_without_a_reverse_is_refused_two_way_only() {
    check(
        [join(["a", "b"], "c", " ")],
        "error[not-invertible]: link customers, rule a+b=c: nothing says how the whole is taken apart for crm; \
         add `split: at_first` or `split: at_last`, or make the rule one-way",
    );
    check([join(["a", "b"], "c", " ").to_right()], "");
    check([join(["a", "b"], "c", " ").split(SplitAt::First)], "");
}

#[test]
fn an_option_that_leads_to_two_is_refused_with_the_line_that_works() {
    check(
        [options("a", "b", [both(1, "30D"), both(5, "30D")])],
        "error[options-ambiguous]: link customers, rule a=b: \"30D\" of erp leads to both 1 and 5; keep `<->` for \
         the one that it becomes, and write the other as `5 -> \"30D\"`",
    );
    check([options("a", "b", [both(1, "30D"), only_right(5, "30D")])], "");
    check(
        [options("a", "b", [both(1, "30D"), only_right(5, "60D")])],
        "warning[options-one-way]: link customers, rule a=b: \"60D\" of erp leads nowhere; when somebody chooses \
         it, it parks: write one of its lines with `<->`",
    );
}

#[test]
fn ids_and_writers_are_unique() {
    check(
        [copy("a", "b"), copy("a", "b")],
        "error[duplicate-rule]: link customers, rule a=b: two rules of the link are called a=b; bases hang on the \
         id: give one of them an `id` of its own\n\
         error[two-writers]: link customers, rule a=b: a of crm is written by rule a=b too; let one of them write \
         it, make one of them one-way, or give both a `when`\n\
         error[two-writers]: link customers, rule a=b: b of erp is written by rule a=b too; let one of them write \
         it, make one of them one-way, or give both a `when`",
    );
    let when = |value: i64| Condition::Compare {
        field: "kind".into(),
        is: seamless_core::model::Comparison::Equal,
        value: Value::Int(value),
    };
    check(
        [
            copy("a", "b").to_right().when(Side::Left, when(1)),
            copy("c", "b").to_right().when(Side::Left, when(2)),
        ],
        "",
    );
}

#[test]
fn rules_that_share_a_field_are_one_and_must_agree() {
    let policies = |rules: [RuleDecl; 2]| {
        let mapping = rules.into_iter().fold(link(), LinkBuilder::rule).build().unwrap();
        let mapper = mapping.link("customers").unwrap();
        let of =
            |rule: &seamless_core::mapper::Rule| (rule.on_conflict.clone(), rule.first_link, rule.on_drift);
        assert_eq!(of(&mapper.rules()[0]), of(&mapper.rules()[1]));
        of(&mapper.rules()[0])
    };
    let one_way =
        policies([copy("a", "b").to_right(), copy("a", "c").to_right().on_drift(DriftPolicy::Keep)]);
    assert_eq!(one_way, (ConflictPolicy::Park, FirstLinkPolicy::Take(Side::Left), DriftPolicy::Keep));
    check(
        [copy("a", "b"), copy("a", "c").to_right()],
        "warning[group-one-way]: link customers, rule a=b: it shares a field with a one-way rule, so its values go to \
         erp only; write it with an arrow, or let the two rules use different fields",
    );
    check(
        [copy("a", "b").to_right(), copy("a", "c").to_left()],
        "error[group-direction]: link customers, rule a=c: it shares a field with a rule that goes the other way; let \
         the two rules use different fields, or make one `<->` rule of them",
    );
    let policy = |rule: RuleDecl, policy: DriftPolicy| rule.to_right().on_drift(policy);
    check(
        [policy(copy("a", "b"), DriftPolicy::Keep), policy(copy("a", "c"), DriftPolicy::Restore)],
        "error[group-policy]: link customers, rule a=c: it shares a field with rule a=b, but says another `on_drift`; \
         rules that share a field are decided together: give them the same",
    );
}

#[test]
fn types_that_never_meet_are_refused() {
    check(
        [copy("a", "b").holds(Side::Left, TypeDecl::Date).holds(Side::Right, TypeDecl::Int)],
        "error[type-mismatch]: link customers, rule a=b: int cannot become date; correct `types`, or map the fields \
         with `options`, `lookup` or a function\n\
         error[type-mismatch]: link customers, rule a=b: date cannot become int; correct `types`, or map the fields \
         with `options`, `lookup` or a function",
    );
    check(
        [copy("a", "b").holds(Side::Left, TypeDecl::Reference)],
        "error[reference-copy]: link customers, rule a=b: a reference means nothing to the other system; translate \
         it through the pairs of a link: `lookup: LINK`",
    );
    check(
        [constant(Side::Right, "b", "x").holds(Side::Right, TypeDecl::Int)],
        "error[literal-kind]: link customers, rule =b: \"x\" is a text, the field holds int; write a value of that type",
    );
}

#[test]
fn lookups_and_functions_are_named_or_refused() {
    check(
        [lookup("a", "b", "custumers"), custom("f", ["c"], ["d"])],
        "error[unknown-link]: link customers, rule a=b: no link is called custumers; did you mean `customers`?\n\
         error[unknown-function]: link customers, rule c=d: no function is called f; the host registers functions \
         when it loads the mapping; it registered none",
    );
    check(
        [lookup_by_entity("a", "b", [("contact", LookupThrough::Link("customers".into()))])],
        "error[lookup-entity]: link customers, rule a=b: the link customers joins account and Customer, not contact; \
         name the link of that entity",
    );
}

#[test]
fn a_link_that_matches_nothing_must_say_so() {
    let refused = Mapping::builder("crm", "erp").link("c", "a", "b").build().unwrap_err();
    assert_eq!(
        refused.to_string(),
        "error[match-missing]: link c: nothing says how existing records find each other; write `match:` with fields \
         that agree, or `match: none` if every record is to be new"
    );
}

#[test]
fn what_is_not_said_has_the_stated_defaults() {
    let mapping = link()
        .rule(copy("name", "Name").same_when([Normaliser::Case]))
        .rule(copy("credit", "Credit Limit (LCY)").to_right())
        .rule(constant(Side::Right, "Source Code", "CRM").only_on_create())
        .build()
        .unwrap();
    let mapper = mapping.link("customers").unwrap();
    let spec = mapper.link();
    assert_eq!(spec.create, Sides::new(true, true));
    assert_eq!(spec.on_delete, Sides::new(DeletePolicy::Park, DeletePolicy::Park));
    assert_eq!(spec.on_leave, Sides::new(LeavePolicy::Freeze, LeavePolicy::Freeze));
    let rules = mapper.rules();
    assert_eq!(rules[0].on_conflict, ConflictPolicy::Park);
    assert_eq!(rules[0].first_link, FirstLinkPolicy::FillBlanks);
    assert_eq!(rules[1].first_link, FirstLinkPolicy::Take(Side::Left));
    assert_eq!(rules[1].on_drift, DriftPolicy::Park);
    assert_eq!(
        rules.iter().map(|rule| rule.kind).collect::<Vec<_>>(),
        [RuleKind::Copy, RuleKind::Copy, RuleKind::Computed]
    );
    assert_eq!(rules[2].id.as_str(), "=Source Code");
}

#[test]
fn a_link_to_one_side_makes_its_rules_one_way_and_creates_there_only() {
    let mapping = link().to_right().rule(copy("name", "Name")).build().unwrap();
    let mapper = mapping.link("customers").unwrap();
    assert_eq!(mapper.rules()[0].direction, Direction::To(Side::Right));
    assert_eq!(mapper.link().create, Sides::new(false, true));
    let observed = link().mode(LinkMode::Observe).rule(copy("name", "Name")).build().unwrap();
    assert_eq!(observed.link("customers").unwrap().rules()[0].direction, Direction::TwoWay);
}

#[test]
fn digests_follow_what_is_carried_and_not_how_it_is_decided() {
    let digest =
        |rule: RuleDecl| link().rule(rule).build().unwrap().link("customers").unwrap().rules()[0].digest;
    let plain = digest(copy("a", "b"));
    assert_eq!(
        plain,
        digest(copy("a", "b").on_conflict(ConflictPolicy::Take(Side::Left)).note("n").to_right())
    );
    for other in [
        copy("a", "c"),
        copy("a", "b").same_when([Normaliser::Case]),
        copy("a", "b").default_on(Side::Right, "X"),
        copy("a", "b").holds(Side::Left, TypeDecl::TEXT).holds(Side::Right, TypeDecl::Int),
        options("a", "b", [both(1, 1)]),
    ] {
        assert_ne!(plain, digest(other));
    }
}

#[test]
fn links_come_after_those_they_refer_to_and_rings_are_named() {
    let mapping = Mapping::builder("crm", "erp")
        .link("orders", "order", "Order")
        .match_nothing()
        .rule(lookup("customer", "Customer", "customers"))
        .link("customers", "account", "Customer")
        .match_nothing()
        .rule(lookup("contact", "Contact", "contacts"))
        .rule(lookup("parent", "Parent", "customers"))
        .link("contacts", "contact", "Contact")
        .match_nothing()
        .rule(lookup("company", "Company", "customers"))
        .build()
        .unwrap();
    let order: Vec<_> = mapping.links().iter().map(|link| link.link().id.to_string()).collect();
    // In the ring each needs the other: the one that was declared first comes first.
    assert_eq!(order, ["customers", "contacts", "orders"]);
    let ring: Vec<_> = mapping.cycles()[0].iter().map(ToString::to_string).collect();
    assert_eq!((mapping.cycles().len(), ring), (1, vec!["customers".to_owned(), "contacts".to_owned()]));
}

fn schema(name: &str, fields: Vec<Field>) -> Schema {
    let mut schema = Schema::default();
    let entity = Entity {
        name: name.into(),
        label: None,
        fields,
        key: Vec::new(),
        unique: Vec::new(),
        actions: Vec::new(),
    };
    schema.entities.insert(name.into(), entity);
    schema
}

fn text(name: &str, length: u32) -> Field {
    Field::new(name, FieldKind::Text { length_max: Some(length) })
}

fn with_schemas(rules: impl IntoIterator<Item = RuleDecl>) -> String {
    let option = |value: &str, active: bool| OptionItem {
        value: Value::text(value),
        label: Some(format!("{value} days")),
        active,
    };
    let set = OptionSet {
        options: vec![option("30", true), option("60", true), option("90", false)],
        closed: true,
    };
    let left = schema(
        "account",
        vec![
            text("accountnumber", 20),
            text("name", 160),
            Field { read_only: true, ..text("fullname", 50) },
            Field::new("terms", FieldKind::Int),
        ],
    );
    let right = schema(
        "Customer",
        vec![
            text("No.", 20),
            text("Name", 50),
            Field { required: true, ..text("Country", 10) },
            Field::new("Terms", FieldKind::Option { options: set }),
            Field::new("Modified", FieldKind::Date),
        ],
    );
    let options = CompileOptions { schemas: Some(Sides::new(&left, &right)), ..CompileOptions::default() };
    match rules
        .into_iter()
        .fold(link(), LinkBuilder::rule)
        .rule(constant(Side::Right, "Country", "DE"))
        .build_with(&options)
    {
        Ok(mapping) => mapping.warnings().iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
        Err(refused) => refused.to_string(),
    }
}

#[test]
fn schemas_name_what_does_not_fit() {
    let table = [
        (vec![copy("accountnumber", "No.")], ""),
        (
            vec![copy("nmae", "Name").to_right()],
            "error[unknown-field]: link customers, rule nmae=Name: account of crm has no field nmae; did you mean \
             `name`?",
        ),
        (
            vec![copy("name", "Name")],
            "warning[lossy-length]: link customers, rule name=Name: Name takes 50 characters, name can hold 160: \
             longer values park; if cutting is right, say `too_long: truncate`",
        ),
        (vec![copy("name", "Name").truncate()], ""),
        (
            vec![copy("fullname", "Name")],
            "error[read-only-target]: link customers, rule fullname=Name: fullname of crm cannot be written; make \
             the rule one-way, from this field",
        ),
        (
            vec![copy("terms", "Modified").to_right()],
            "error[type-mismatch]: link customers, rule terms=Modified: int cannot become date; correct `types`, or \
             map the fields with `options`, `lookup` or a function",
        ),
        // The schema says that the codes are texts: a number is read as one.
        (vec![options("terms", "Terms", [both(1, 30), both(2, 60)])], ""),
        (
            vec![options("terms", "Terms", [both(1, "30 days")])],
            "error[unknown-option]: link customers, rule terms=Terms: Terms of erp has no value \"30 days\"; write \
             the value \"30\", not its label",
        ),
        (
            vec![options("terms", "Terms", [both(1, 90)])],
            "warning[inactive-option]: link customers, rule terms=Terms: the value \"90\" of Terms cannot be chosen \
             any more; lead away from it only",
        ),
    ];
    for (rules, expected) in table {
        assert_eq!(with_schemas(rules), expected);
    }
}

#[test]
fn h05_codes_match_in_the_form_of_their_side() {
    let mapping = link().form(Side::Right, "No.", [Normaliser::Case, Normaliser::Trim]).build().unwrap();
    let mapper = mapping.link("customers").unwrap();
    let same_when = &mapper.link().matching[0].fields[0].same_when;
    assert!(same_when.same(Value::text("ab1 ").as_ref(), Value::text("AB1").as_ref()));
}

#[test]
fn digests_do_not_depend_on_whether_schemas_were_there() {
    let left = schema("account", vec![text("accountnumber", 20), text("name", 160), text("terms", 5)]);
    let right =
        schema("Customer", vec![text("No.", 20), text("Name", 50), Field::new("Terms", FieldKind::Int)]);
    let options = CompileOptions { schemas: Some(Sides::new(&left, &right)), ..CompileOptions::default() };
    let digests = |options: &CompileOptions<'_>| {
        let mapping = link()
            .rule(copy("name", "Name"))
            .rule(crate::options("terms", "Terms", [both("a", 1)]))
            .build_with(options)
            .unwrap();
        mapping.digest()
    };
    assert_eq!(digests(&options), digests(&CompileOptions::default()));
}

// Catches: a plan that writes what the other system is known to refuse, where the warning said that it parks.
#[test]
fn a_value_that_the_other_side_cannot_choose_parks_where_it_is_copied() {
    let set = |values: &[Value]| {
        let item = |value: &Value| OptionItem { value: value.clone(), label: None, active: true };
        FieldKind::Option { options: OptionSet { options: values.iter().map(item).collect(), closed: true } }
    };
    let words = set(&[Value::text("active"), Value::text("1")]);
    let left = schema("account", vec![text("accountnumber", 20), Field::new("status", words)]);
    let right = schema(
        "Customer",
        vec![text("No.", 20), Field::new("Status", set(&[Value::text("OPEN"), Value::Int(1)]))],
    );
    let options = CompileOptions { schemas: Some(Sides::new(&left, &right)), ..CompileOptions::default() };
    let text = r#"
integration: options
sides: { crm: memory, erp: memory }
links:
  - id: customers
    crm: account
    erp: Customer
    match: none
    rules: [status <-> Status]
    tests:
      - { name: refused there, to: erp, record: { status: active }, expect: { Status: park } }
      - { name: taken there, to: erp, record: { status: OPEN }, expect: { Status: OPEN } }
      - { name: a number by its text, to: erp, record: { status: "1" }, expect: { Status: "1" } }
      - { name: nothing, to: erp, record: { status: null }, expect: { Status: null } }
      - { name: refused here, to: crm, record: { Status: OPEN }, expect: { status: park } }
"#;
    let loaded = load("m.yaml", text, &LoadOptions { compile: options, ..LoadOptions::default() }).unwrap();
    let warnings = loaded.warnings.unwrap().to_string();
    assert!(warnings.contains("options-differ"), "{warnings}");
    let report = run_tests(&loaded.mapping);
    assert!(report.passed(), "{report}");
}

#[test]
fn a_field_that_must_be_filled_is_missed() {
    let right = schema("Customer", vec![text("No.", 20), Field { required: true, ..text("Country", 10) }]);
    let left = schema("account", vec![text("accountnumber", 20)]);
    let options = CompileOptions { schemas: Some(Sides::new(&left, &right)), ..CompileOptions::default() };
    let mapping = link().rule(copy("accountnumber", "No.")).build_with(&options).unwrap();
    assert_eq!(mapping.warnings().len(), 1);
    assert_eq!(mapping.warnings()[0].code, "required-unmapped");
}
