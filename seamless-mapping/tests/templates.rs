//! Templates and overlays: what is put together loads, says where each line came from, and is what the operations make of
//! the declarations.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod cronus;

use seamless_core::model::FieldKind;
use seamless_mapping::notation::declarations;
use seamless_mapping::template::{Choices, Composed, Overlay, Template, compose, shipped, upgrade};
use seamless_mapping::{CompileOptions, LoadOptions, ParameterValues, run_tests};

use cronus::company;

const V1: &str = include_str!("data/template/sales-erp-1.yaml");
const CUSTOMER: &str = include_str!("data/template/customer.yaml");

fn v1() -> Template {
    Template::read("sales-erp-1.yaml", V1).unwrap_or_else(|found| panic!("{found}"))
}

fn overlay(text: &str) -> Overlay {
    Overlay::read("customer.yaml", text).unwrap_or_else(|found| panic!("{found}"))
}

fn with(changes: &str) -> Overlay {
    overlay(&format!("overlay: o\ntemplate: sales--erp\nversion: 1.0.0\n{changes}"))
}

fn composed(overlays: &[Overlay]) -> Composed {
    compose(&v1(), overlays, &Choices::new()).unwrap_or_else(|found| panic!("{found}"))
}

fn refused(changes: &str) -> String {
    compose(&v1(), &[with(changes)], &Choices::new()).unwrap_err().to_string()
}

fn load(composed: &Composed) {
    let loaded = composed
        .load(&LoadOptions::default())
        .unwrap_or_else(|found| panic!("{found}\n{}", composed.annotated()));
    let report = run_tests(&loaded.mapping);
    assert!(report.passed(), "{report}");
}

#[test]
fn every_combination_of_variants_loads() {
    let template = v1();
    let all = template.combinations(100);
    assert_eq!(all.len(), 4);
    for choices in all {
        load(&compose(&template, &[], &choices).unwrap());
    }
}

#[test]
fn a_customers_overlay_loads_and_every_line_says_where_it_came_from() {
    let composed = composed(&[overlay(CUSTOMER)]);
    load(&composed);
    let sources = [("sales-erp-1.yaml", V1), ("customer.yaml", CUSTOMER)];
    for (line, origin) in composed.text().lines().zip(composed.lines()) {
        let origin = origin.unwrap();
        let (_, source) = sources.iter().find(|(name, _)| *name == origin.file).unwrap();
        let there = source.lines().nth(origin.line - 1).unwrap();
        let word =
            line.trim_start().trim_start_matches("- ").split([':', ' ', '"']).find(|word| !word.is_empty());
        // Two keys stand in no file: the name of the integration, and the default that an overlay gives a parameter.
        let made = ["integration", "default"].contains(&word.unwrap());
        assert!(there.contains(word.unwrap()) || made, "{line}\n{there}");
    }
    assert_eq!(composed.lines().len(), composed.text().lines().count());
    let read = |text: &str| declarations("m", text, &ParameterValues::new()).unwrap();
    assert_eq!(read(&composed.annotated()), read(composed.text()));
}

const V2: &str = include_str!("data/template/sales-erp-2.yaml");

fn v2() -> Template {
    Template::read("sales-erp-2.yaml", V2).unwrap_or_else(|found| panic!("{found}"))
}

/// The new version gives `telephone1` another name, drops `fax`, has a line `6 <-> 14D` as the customer does, a line
/// `7 <-> 45D` where the customer has `7 <-> 90D`, and `Belgium <-> BE`; it changes the rule of the home page, which the
/// customer left out, and has a link and a rule more.
#[test]
fn a_customers_overlay_survives_an_upgrade_that_renames_drops_and_adds() {
    // By hand, from what both changed.
    let conflicts = [
        ("customers / paymenttermscode=Payment Terms Code / options", "added 7 <-> 45D", "added 7 <-> 90D"),
        (
            "customers / fax=Fax No. / rule",
            "dropped fax <-> Fax No.",
            "fax <-> Fax No. became { fax <-> Fax No.: { note: still in use } }",
        ),
    ];
    let done = upgrade(&v1(), &v2(), &[overlay(CUSTOMER)], &ParameterValues::new()).unwrap();
    let found: Vec<(String, String, String)> = done
        .conflicts
        .iter()
        .map(|conflict| (conflict.name(), conflict.template.to_string(), conflict.customer.to_string()))
        .collect();
    let named: Vec<(&str, &str, &str)> = found.iter().map(|(a, b, c)| (&**a, &**b, &**c)).collect();
    assert_eq!(named, conflicts);
    assert!(done.refused.is_none(), "{}", done.refused.unwrap());
    assert_eq!(
        done.notes,
        [
            "customers / paymenttermscode=Payment Terms Code / 6 <-> 14D: the template has the same line now",
            "customers / websiteurl=Home Page: the template changed it, the overlay still leaves it out",
        ]
    );
    let text = &done.overlays[0].text;
    let composed =
        compose(&v2(), &[overlay(text)], &Choices::new()).unwrap_or_else(|found| panic!("{found}"));
    load(&composed);
    // What is the customer's is in force, and so is what is new.
    let says = |line: &str| composed.text().lines().filter(|said| said.trim_start() == line).count();
    for line in [
        "- id: plants",
        "- id: contracts",
        "- id: regions",
        "erp: \"'K' + accountnumber\"",
        "- 7 <-> 90D",
        "- 6 <-> 14D",
        "- Switzerland <-> CH",
        "- Belgium <-> BE",
        "- fax <-> Fax No.:",
        "note: still in use",
        "default: ADATUM",
        "on_conflict: take_crm",
        "- mainphone <-> Phone No.:",
        "id: telephone1=Phone No.",
        "- id: currencies",
        "- emailaddress1 <-> E-Mail: { same_when: email }",
    ] {
        assert!(says(line) >= 1, "{line}\n{}", composed.text());
    }
    assert_eq!(says("- 7 <-> 45D") + says("- websiteurl <-> Home Page"), 0, "{}", composed.text());
    // Comments stay with what they stand above.
    for comment in CUSTOMER.lines().filter_map(|line| line.get(line.find("# ")?..)) {
        assert!(text.contains(comment), "{comment}\n{text}");
    }
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let at = lines.iter().position(|line| *line == "# Ours are longer.").unwrap();
    assert_eq!(lines[at + 1], "- fax <-> Fax No.:");
    // Everything that did not have to change stands as it stood.
    let changed = |line: &&&str| !CUSTOMER.lines().any(|before| before == **line);
    let new: Vec<&str> = text.lines().collect();
    let new: Vec<&&str> = new.iter().filter(changed).collect();
    assert!(new.len() <= 7, "{new:#?}");
}

#[test]
fn what_an_overlay_cannot_mean_is_told_with_its_place_and_the_nearest_name() {
    let table = [
        (
            "links: { custmers: disable }",
            "customer.yaml:4:10",
            "there is no link `custmers`",
            "did you mean `customers`?",
        ),
        (
            "links: { customers: { rules: { name=Nam: disable } } }",
            "customer.yaml:4:32",
            "there is no rule `name=Nam`",
            "did you mean `name=Name`?",
        ),
        (
            "links: { customers: { rules: { states: disable } } }",
            "customer.yaml:4:32",
            "there is no rule `states`",
            "set: { states:",
        ),
        (
            "variants: { ownership: team }\nlinks: { customers: { rules: { ownerid=Salesperson Code: disable } } }",
            "customer.yaml:5:32",
            "there is no rule",
            "the template has it only with ownership: person",
        ),
        (
            "links: { customers: { rules: { name=Name: { unset: [same_when] } } } }",
            "customer.yaml:4:53",
            "has no `same_when`",
            "",
        ),
        (
            "links: { customers: { rules: { paymenttermscode=Payment Terms Code: { options: { remove: [4 <-> 61D] } } } } }",
            "customer.yaml:4:91",
            "`4 <-> 61D` is no line",
            "did you mean `4 <-> 60D`?",
        ),
        (
            "links: { customers: { rules: { paymenttermscode=Payment Terms Code: { options: { add: [4 <-> 60D] } } } } }",
            "customer.yaml:4:88",
            "there is a line `4 <-> 60D` already",
            "leave it out",
        ),
        (
            "links: { customers: { rules: { name=Name: { options: { add: [1 <-> 2] } } } } }",
            "customer.yaml:4:62",
            "has no table of options",
            "set: { options:",
        ),
        (
            "links: { customers: { add: [name <-> Name] } }",
            "customer.yaml:4:29",
            "there is a rule `name=Name` already",
            "by its id",
        ),
        (
            "links: { customers: { rules: { name=Name: disable }, add: [name <-> Name] } }",
            "customer.yaml:4:60",
            "changed twice",
            "in one place",
        ),
        (
            "links: { customers: { rules: { name=Name: { replace: { name <-> Name: { id: other } } } } } }",
            "customer.yaml:4:54",
            "has the id `other`",
            "leave the id out",
        ),
        (
            "links: { customers: { rules: { name=Name: { move: { after: name=Name } } } } }",
            "customer.yaml:4:32",
            "would stand behind itself",
            "",
        ),
        (
            "links: { customers: { rules: { name=Name: { move: { after: nme } } } } }",
            "customer.yaml:4:60",
            "no rule `nme`",
            "of the same list",
        ),
        (
            "links: { customers: { rules: { name=Name: { set: { flow: sideways } } } } }",
            "customer.yaml:4:58",
            "no direction",
            "`to_crm`",
        ),
        (
            "add_links: [{ id: customers }]",
            "customer.yaml:4:13",
            "there is a link `customers` already",
            "by its id",
        ),
        ("parameters: { hose: X }", "customer.yaml:4:15", "no parameter `hose`", "did you mean `house`?"),
        (
            "parameters: { house: { type: text } }",
            "customer.yaml:4:15",
            "a parameter `house` already",
            "set it",
        ),
        ("variants: { owner: team }", "customer.yaml:4:20", "no variant `owner`", "ownership"),
        (
            "variants: { ownership: teem }",
            "customer.yaml:4:24",
            "no choice of `ownership`",
            "did you mean `team`?",
        ),
        (
            "links: { customers: { without_tests: [a nam goes over] } }",
            "customer.yaml:4:39",
            "has no test `a nam goes over`",
            "did you mean `a name goes over`?",
        ),
        (
            "links: { customers: { tests: [{ name: a name goes over, to: erp, record: {}, expect: {} }] } }",
            "customer.yaml:4:31",
            "a test `a name goes over` already",
            "leave it out",
        ),
    ];
    for (changes, place, message, help) in table {
        let found = refused(changes);
        assert!(
            found.contains(place) && found.contains(message) && found.contains(help),
            "{changes}\n{found}"
        );
    }
}

#[test]
fn what_is_no_overlay_is_refused_with_its_place() {
    let table = [
        ("links: { customers: { rules: [name <-> Name] } }", "changes of rules stand under their ids"),
        ("links: { customers: { rules: { name=Name: enable } } }", "no change of `name=Name`"),
        (
            "links: { customers: { rules: { name=Name: { replace: a <-> b, set: {} } } } }",
            "stands beside `replace`",
        ),
        (
            "links: { customers: { rules: { name=Name: { set: { smae_when: case } } } } }",
            "did you mean `same_when`?",
        ),
        ("links: { customers: { rules: { name=Name: { set: { id: x } } } } }", "state hangs on it"),
        ("links: { customers: { set: { rules: [] } } }", "beside `set`"),
        ("links: { customers: { rules: { a=b: { set: { note: x }, unset: [note] } } } }", "set and unset"),
        (
            "links: { customers: { rules: { a=b: { set: { options: [] }, options: { add: [] } } } } }",
            "set and changed",
        ),
        ("links: { customers: { rule: {} } }", "did you mean `rules`?"),
        ("links: { customers: disable, customers: disable }", "is there twice"),
        ("link: {}", "did you mean `links`?"),
    ];
    for (changes, message) in table {
        let text = format!("overlay: o\ntemplate: sales--erp\nversion: 1.0.0\n{changes}");
        let found = Overlay::read("o.yaml", &text).unwrap_err().to_string();
        assert!(found.contains(message) && found.contains("o.yaml:4:"), "{changes}\n{found}");
    }
}

#[test]
fn an_overlay_of_another_template_or_version_is_refused() {
    let other = |text: &str| compose(&v1(), &[overlay(text)], &Choices::new()).unwrap_err().to_string();
    assert!(
        other("overlay: o\ntemplate: hr\nversion: 1.0.0\n").contains("overlay of `hr`, not of `sales--erp`")
    );
    assert!(other("overlay: o\ntemplate: sales--erp\nversion: 0.9.0\n").contains("upgrade it to 1.0.0"));
}

#[test]
fn findings_of_the_loader_name_the_file_and_the_word_that_they_are_about() {
    let customers = "links:\n  customers:\n    add:\n";
    for (rule, place, message) in [
        ("      - industry <-> Industry: { same_when: cse }\n", "customer.yaml:7:45", "no equivalence"),
        ("      - industry <-> ${nowhere}\n", "customer.yaml:7:22", "no parameter is called `nowhere`"),
        ("      - industry <-> Name\n", "customer.yaml:7:9", "Name"),
    ] {
        let found =
            composed(&[with(&format!("{customers}{rule}"))]).load(&LoadOptions::default()).unwrap_err();
        let first = found.iter().find(|found| found.diagnostic().is_error()).unwrap().headline();
        assert!(first.starts_with(place) && first.contains(message), "{first}");
    }
    // What is wrong with the template's own lines is told about the template.
    let found =
        composed(&[with("links: { contacts: disable }\nadd_links: []")]).load(&LoadOptions::default());
    assert!(found.is_ok());
    let found =
        composed(&[with("links: { salespeople: disable }")]).load(&LoadOptions::default()).unwrap_err();
    assert!(found.to_string().contains("sales-erp-1.yaml:102"), "{found}");
}

#[test]
fn layers_lie_on_each_other_and_the_higher_one_has_the_last_word() {
    let base =
        with("links: { customers: { rules: { name=Name: { set: { note: base } } }, add: [a <-> A] } }");
    let above = with(
        "links: { customers: { rules: { name=Name: { set: { note: above } }, a=A: { set: { same_when: case } } } } }",
    );
    let text = composed(&[base.clone(), above.clone()]).text().to_owned();
    assert!(text.contains("note: above") && !text.contains("note: base"), "{text}");
    assert!(text.contains("- a <-> A:\n          same_when: case"), "{text}");
    assert!(compose(&v1(), &[above, base], &Choices::new()).is_err());
}

#[test]
fn a_rule_keeps_its_id_when_it_is_replaced_and_its_arrow_turns_when_its_flow_is_set() {
    let text = composed(&[with(
        "links: { customers: { rules: { name=Name: { replace: name -> Name 2 }, fax=Fax No.: { set: { flow: to_crm } }, \
         creditlimit=Credit Limit (LCY): { set: { flow: both } } } } }",
    )])
    .text()
    .to_owned();
    assert!(text.contains("- name -> Name 2:\n          id: name=Name"), "{text}");
    assert!(text.contains("- fax <- Fax No.\n"), "{text}");
    assert!(text.contains("- creditlimit <-> Credit Limit (LCY): {"), "{text}");
}

#[test]
fn moved_rules_stand_where_they_were_moved() {
    let moved = |moves: &str| {
        let text = composed(&[with(&format!("links: {{ customers: {{ rules: {{ {moves} }} }} }}"))])
            .text()
            .to_owned();
        let rules = text.split("id: customers").nth(1).unwrap().split("tests:").next().unwrap().to_owned();
        let first = rules.lines().filter_map(|line| line.strip_prefix("      - ")).skip(2);
        first.map(|line| line.split(' ').next().unwrap().to_owned()).collect::<Vec<_>>().join(" ")
    };
    let before = "accountnumber name telephone1 fax websiteurl creditlimit paymenttermscode address1_country ownerid const";
    assert_eq!(moved(""), before);
    assert_eq!(
        moved("fax=Fax No.: { move: first }, name=Name: { move: last }"),
        "fax accountnumber telephone1 websiteurl creditlimit paymenttermscode address1_country ownerid const name"
    );
    let behind = "fax accountnumber telephone1 websiteurl creditlimit paymenttermscode address1_country ownerid const name";
    let each = [
        "fax=Fax No.: { move: first }",
        "accountnumber=No.: { move: { after: fax=Fax No. } }",
        "name=Name: { move: last }",
    ];
    assert_eq!(moved(&each.join(", ")), behind);
    assert_eq!(moved(&[each[2], each[1], each[0]].join(", ")), behind);
}

#[test]
fn a_template_says_what_it_expects_and_what_must_be_true_before() {
    let template = v1();
    let schemas = template.expected(&Choices::new());
    let account = schemas.left.entity("account").unwrap();
    assert_eq!(account.key, ["accountid".into()]);
    assert!(account.field("name").unwrap().required);
    assert_eq!(account.field("name").unwrap().kind, FieldKind::Text { length_max: Some(160) });
    let FieldKind::Option { options } = &account.field("paymenttermscode").unwrap().kind else { panic!() };
    assert_eq!((options.options.len(), options.closed), (3, true));
    assert_eq!(options.options[2].label.as_deref(), Some("Net 30 with discount"));
    assert!(
        matches!(&account.field("ownerid").unwrap().kind, FieldKind::Reference { targets } if targets.len() == 2)
    );
    let team: Choices = [("ownership".to_owned(), "team".to_owned())].into();
    assert!(schemas.right.entity("Dimension Value").is_none());
    assert!(template.expected(&team).right.entity("Dimension Value").is_some());
    let ids = |choices: &Choices| -> Vec<String> {
        template.prerequisites(choices).into_iter().map(|one| one.id.clone()).collect()
    };
    assert_eq!(ids(&Choices::new()), ["base-currency"]);
    assert_eq!(ids(&team), ["base-currency", "team-per-company"]);
}

#[test]
fn what_is_no_template_is_refused_with_its_place() {
    let head = "template: t\nversion: 1\nsides: { l: a, r: b }\n";
    for (rest, message) in [
        ("links: []\nvariants: { v: { choices: [a, b], default: c } }", "`c` is no choice of `v`"),
        ("links: []\nvariants: { v: { choices: [a], default: a } }", "at least two choices"),
        ("links: [{ id: x, only_with: { w: a } }]", "no variant `w`"),
        (
            "variants: { v: { choices: [one, two], default: one } }\nlinks: [{ rules: [{ a <-> b: { only_with: { v: tow } } }] }]",
            "did you mean `two`?",
        ),
        ("links: []\nexpects: { l: { A: { fields: { f: txt } } } }", "is no type"),
        (
            "links: []\nexpects: { l: { A: { fields: { f: { required: true } } } } }",
            "what `f` holds is not said",
        ),
        ("links: []\nexpects: { x: {} }", "unknown field `x`"),
        ("links: []\nprerequisites: [{ id: p, what: w, who: me }]", "`confirmed_by` is missing"),
        ("variants: {}", "`links` is missing"),
    ] {
        let found = Template::read("t.yaml", &format!("{head}{rest}")).unwrap_err().to_string();
        assert!(found.contains(message) && found.contains("t.yaml:"), "{rest}\n{found}");
    }
}

/// Every template that comes with the library: its own id, a version, every combination loads, with what it expects as
/// schemas too, and its tests pass.
#[test]
fn every_shipped_template_loads_with_every_choice_against_what_it_expects() {
    for one in shipped() {
        let template = Template::read(one.name, one.text).unwrap_or_else(|found| panic!("{found}"));
        assert_eq!(format!("{}.yaml", template.id()), one.name);
        for choices in template.combinations(256) {
            let composed = compose(&template, &[], &choices).unwrap_or_else(|found| panic!("{found}"));
            let options = LoadOptions { parameters: company(), ..LoadOptions::default() };
            let loaded = composed.load(&options).unwrap_or_else(|found| panic!("{found}"));
            assert!(run_tests(&loaded.mapping).passed(), "{} with {choices:?}", one.name);
            let schemas = template.expected(&choices);
            let compile = CompileOptions { schemas: Some(schemas.as_ref()), ..CompileOptions::default() };
            let loaded = composed.load(&LoadOptions { parameters: company(), compile });
            loaded.unwrap_or_else(|found| panic!("{} with {choices:?}: {found}", one.name));
        }
    }
}
