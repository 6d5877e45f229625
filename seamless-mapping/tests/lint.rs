//! What is said about a mapping before it is used: a table of mappings, schemas, and the findings with their lines.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod schemas;

use proptest::prelude::*;
use seamless_core::connector::{Capabilities, UniqueKey, WriteReturns};
use seamless_core::document::Severity;
use seamless_core::model::{Schema, Side, Sides};
use seamless_core::plan::guarantee::{PROMISES, guarantees};
use seamless_mapping::lint::{CapabilitiesByEntity, lint};
use seamless_mapping::notation::lint_file;
use seamless_mapping::{CompileOptions, LintOptions, LoadOptions, Mapping, copy, load, lookup};

use schemas::schema;

const HEAD: &str = "integration: t\nsides: { crm: a, erp: b }\nlinks:\n";

struct Said {
    list: Vec<(Severity, &'static str, usize, String, Option<String>)>,
}

impl Said {
    fn about(links: &str, left: &str, right: &str) -> Self {
        let (left, right) = (schema(left), schema(right));
        Self::of(links, Sides::new(&left, &right), None)
    }

    fn of(links: &str, schemas: Sides<&Schema>, capabilities: Option<Sides<&CapabilitiesByEntity>>) -> Self {
        let compile = CompileOptions { schemas: Some(schemas), ..CompileOptions::default() };
        let options = LintOptions { compile, capabilities };
        let found = lint_file("m.yaml", &format!("{HEAD}{links}"), &Default::default(), &options);
        let list = found.iter().flat_map(|found| found.iter()).map(|one| {
            let said = one.diagnostic();
            // Lines are counted from the first link.
            (said.severity, said.code, one.line_column().line - 3, said.message.clone(), said.help.clone())
        });
        Self { list: list.collect() }
    }

    fn codes(&self) -> Vec<&'static str> {
        self.list.iter().map(|(_, code, ..)| *code).collect()
    }

    fn only(&self, code: &str) -> &(Severity, &'static str, usize, String, Option<String>) {
        let found: Vec<_> = self.list.iter().filter(|(_, known, ..)| *known == code).collect();
        assert_eq!(found.len(), 1, "{code} in {:#?}", self.list);
        found[0]
    }

    fn never(&self, code: &str) {
        assert!(!self.codes().contains(&code), "{code} in {:#?}", self.list);
    }
}

const LEFT: &str =
    "account: *id int, no text(20) u, name text(160) !, note text(400), state option[1=Active|2=Shut|-3=Old]";
const RIGHT: &str = "Customer: *No. text(20), Name text(100) !, Blocked option[A|B], Balance decimal(18;2) c";

fn link(rest: &str) -> String {
    format!(
        "  - id: customers\n    crm: account\n    erp: Customer\n    match:\n      - no = No.\n    rules:\n{rest}"
    )
}

#[test]
fn a_two_way_rule_that_is_cut_is_named_whether_it_parks_or_truncates() {
    let parks = Said::about(&link("      - name <-> Name\n"), LEFT, RIGHT);
    let (severity, _, line, message, help) = parks.only("lossy-length");
    assert_eq!((*severity, *line), (Severity::Warning, 7));
    assert_eq!(message, "Name takes 100 characters, name can hold 160: longer values park");
    assert!(help.as_ref().unwrap().contains("too_long: truncate"));
    let cuts = Said::about(&link("      - name <-> Name: { too_long: truncate }\n"), LEFT, RIGHT);
    let (severity, _, _, message, _) = cuts.only("lossy-length");
    assert_eq!(*severity, Severity::Note);
    assert!(message.contains("are cut"), "{message}");
}

#[test]
fn numbers_that_have_too_many_digits_are_named_before_and_after_the_point() {
    let said = Said::about(
        &link("      - a <-> b\n      - c -> d: { round: half_up }\n"),
        "account: *id int, no text(20) u, a decimal(18;2), c decimal(18;4)",
        "Customer: *No. text(20), b decimal(10;2), d decimal(18;2)",
    );
    let (_, _, line, message, _) = said.only("lossy-precision");
    assert_eq!(*line, 7);
    assert_eq!(message, "b has 8 digits before the point, a can have 16: larger values park");
    assert_eq!(said.only("lossy-scale").0, Severity::Note);
}

#[test]
fn kinds_of_which_only_some_values_or_none_can_be_said_are_named() {
    let said = Said::about(
        &link("      - a <-> b\n      - c -> d\n"),
        "account: *id int, no text(20) u, a text(20), c bytes",
        "Customer: *No. text(20), b int, d text(2000)",
    );
    let (severity, _, line, message, _) = said.only("partial-type");
    assert_eq!((*severity, *line), (Severity::Note, 7));
    assert_eq!(message, "a holds text, b holds int: only texts that can be read as that are carried");
    let (severity, _, line, message, _) = said.only("kinds-differ");
    assert_eq!((*severity, *line), (Severity::Warning, 8));
    assert_eq!(message, "c is bytes, d is text(2000): what is copied is refused by the system");
    let same = "      - a <-> b\n";
    Said::about(
        &link(same),
        "account: *id int, no text(20) u, a text(20)",
        "Customer: *No. text(20), b text(20)",
    )
    .never("partial-type");
}

#[test]
fn options_that_lead_nowhere_are_named_on_both_sides_but_not_those_that_cannot_be_chosen() {
    let said = Said::about(&link("      - state <-> Blocked: { options: [ 1 <-> A ] }\n"), LEFT, RIGHT);
    let messages: Vec<&str> =
        said.list.iter().filter(|one| one.1 == "option-unmapped").map(|one| one.3.as_str()).collect();
    assert_eq!(
        messages,
        [
            "the values \"B\", blank of erp Blocked have no line: records that hold one wait",
            "the values 2 (Shut), blank of crm state have no line: records that hold one wait",
        ]
    );
    let all = "      - state <-> Blocked: { options: [ 1 <-> A, 2 <-> B, blank <-> blank ] }\n";
    Said::about(&link(all), LEFT, RIGHT).never("option-unmapped");
    let kept = "      - state <-> Blocked: { options: [ 1 <-> A, 2 <-> B ], unknown: keep }\n";
    let said = Said::about(&link(kept), LEFT, RIGHT);
    assert!(said.list.iter().filter(|one| one.1 == "option-unmapped").all(|one| one.0 == Severity::Note));
}

#[test]
fn what_a_target_needs_and_what_it_refuses_is_named() {
    let said =
        Said::about(&link("      - note -> Name\n      - no <-> Balance\n      - nam -> No.\n"), LEFT, RIGHT);
    assert_eq!(said.only("required-from-optional").2, 7);
    assert_eq!(said.only("read-only-target").2, 8);
    let (_, _, line, message, help) = said.only("unknown-field");
    assert_eq!((*line, message.as_str()), (9, "account of crm has no field nam"));
    assert!(help.as_ref().unwrap().contains("name"), "{help:?}");
    let nothing = Said::about(&link("      - no <-> No.\n"), LEFT, RIGHT);
    assert!(nothing.codes().contains(&"required-unmapped"));
}

#[test]
fn what_a_deletion_sets_must_be_writable_as_well() {
    let links = "  - id: c\n    crm: account\n    erp: Customer\n    match: none\n    lifecycle: { crm deleted: { set: { Balance: 0 } } }\n    rules:\n      - name <-> Name\n";
    let said = Said::about(links, LEFT, RIGHT);
    assert_eq!(
        (said.only("lifecycle-read-only").0, said.only("lifecycle-read-only").2),
        (Severity::Warning, 5)
    );
}

#[test]
fn a_rule_against_its_link_and_records_that_would_be_empty_are_named() {
    let against = "  - id: customers\n    crm: account\n    erp: Customer\n    mode: to_erp\n    match: none\n    rules:\n      - name <- Name\n";
    let said = Said::about(against, LEFT, RIGHT);
    assert_eq!(said.only("never-written").2, 7);
    assert!(said.codes().contains(&"creates-empty"));
    let one_way = Said::about(&link("      - name -> Name\n"), LEFT, RIGHT);
    assert!(one_way.only("creates-empty").3.contains("created in crm"));
}

#[test]
fn match_keys_that_do_not_tell_records_apart_or_are_not_indexed_are_named() {
    let by = |line: &str| {
        format!(
            "  - id: c\n    crm: account\n    erp: Customer\n    match:\n      - {line}\n    rules:\n      - name <-> Name\n"
        )
    };
    Said::about(&by("no = No."), LEFT, RIGHT).never("match-not-unique");
    let both = Said::about(&by("name = Name"), LEFT, RIGHT);
    let (severity, _, line, message, _) = both.only("match-not-unique");
    assert_eq!((*severity, *line), (Severity::Warning, 4));
    assert_eq!(
        message,
        "nothing says that name in crm or Name in erp is unique: records that share a value wait"
    );
    assert_eq!(both.codes().iter().filter(|code| **code == "match-unindexed").count(), 2);
    let one = Said::about(&by("note = No."), LEFT, RIGHT);
    assert_eq!(one.only("match-not-unique").0, Severity::Note);
    Said::about(&by("no + name = No. + Name"), LEFT, RIGHT).never("match-not-unique");
}

const RING: &str = "  - id: contacts
    crm: contact
    erp: Contact
    match: none
    rules:
      - accountid <-> Company No.: { lookup: customers, types: { erp: text } }
  - id: customers
    crm: account
    erp: Customer
    match: none
    rules:
      - primarycontactid <-> Primary Contact No.: { lookup: contacts, types: { erp: text } }
";

#[test]
fn a_ring_of_references_names_the_reference_that_waits_and_the_way_back() {
    let left = "account: *id int, primarycontactid ref[contact]\ncontact: *id int, accountid ref[account]";
    let right = "Customer: *No. text(20), Primary Contact No. text(20)\nContact: *No. text(20), Company No. text(20) !";
    let said = Said::about(RING, left, right);
    // Of two links that need each other the one that stands first is written first.
    let (_, _, line, message, _) = said.only("reference-cycle");
    assert_eq!(*line, 6);
    assert_eq!(
        message,
        "contacts and customers refer to each other (back by primarycontactid=Primary Contact No. of customers): this \
         reference is left out when a record is created, and set when customers is written"
    );
    let (severity, _, line, message, _) = said.only("cycle-required");
    assert_eq!((*severity, *line), (Severity::Warning, 6));
    assert!(message.starts_with("Company No. of erp must have a value"), "{message}");
}

#[test]
fn the_engine_orders_the_links_of_a_ring_as_the_finding_says() {
    let mapping = Mapping::builder("l", "r")
        .link("contacts", "contact", "Contact")
        .match_nothing()
        .rule(lookup("accountid", "Company No.", "customers"))
        .link("customers", "account", "Customer")
        .match_nothing()
        .rule(lookup("primarycontactid", "Primary Contact No.", "contacts"))
        .build()
        .unwrap();
    let order: Vec<String> = mapping.links().iter().map(|link| link.link().id.to_string()).collect();
    assert_eq!(order, ["contacts", "customers"]);
    let found = lint(mapping.declared(), &LintOptions::default());
    let ring: Vec<_> = found.iter().filter(|finding| finding.code == "reference-cycle").collect();
    assert_eq!(ring.len(), 1);
    assert!(ring[0].place.words.starts_with("link contacts"), "{:?}", ring[0].place);
}

#[test]
fn a_reference_in_a_ring_that_is_not_waited_for_is_lost_and_that_is_said() {
    let text =
        RING.replace("lookup: customers, types", "lookup: customers, if_missing: { erp: null }, types");
    let left = "account: *id int, primarycontactid ref[contact]\ncontact: *id int, accountid ref[account]";
    let right =
        "Customer: *No. text(20), Primary Contact No. text(20)\nContact: *No. text(20), Company No. text(20)";
    let said = Said::about(&text, left, right);
    assert!(said.only("cycle-loses-reference").3.contains("erp is then cleared"));
}

#[test]
fn what_nothing_carries_is_named_notes_above_all() {
    let left = "account: *id int, no text(20) u, name text(100), fax text(20), made instant r, logo bytes\n\
                annotation: *id int, objectid ref[account], body text\nvisit: *id int, who ref[account]";
    let said = Said::about(&link("      - name <-> Name\n"), left, RIGHT);
    let messages: Vec<&str> =
        said.list.iter().filter(|one| one.1 == "not-carried").map(|one| one.3.as_str()).collect();
    assert_eq!(
        messages,
        [
            "1 of 6 fields of crm account are in no rule: fax",
            "1 of 4 fields of erp Customer are in no rule: Blocked"
        ]
    );
    assert_eq!(said.only("files-not-carried").3, "files and pictures of account are not carried: logo");
    assert_eq!(
        said.only("notes-not-carried").3,
        "notes and attachments of account are not carried: annotation"
    );
    assert_eq!(said.only("records-not-carried").3, "records of visit point at account and are in no link");
}

fn promises(left: Capabilities, right: Capabilities) -> Said {
    let (l, r) = (schema(LEFT), schema(RIGHT));
    let left: CapabilitiesByEntity = [("account".into(), left)].into();
    let right: CapabilitiesByEntity = [("Customer".into(), right)].into();
    Said::of(&link("      - name <-> Name\n"), Sides::new(&l, &r), Some(Sides::new(&left, &right)))
}

#[test]
fn records_that_are_in_a_link_or_a_list_of_their_own_are_carried() {
    let left = "account: *id int, no text(20) u, name text(100), lines list[line]\nvisit: *id int, who ref[account]\nline: *no int, of ref[account]";
    let links = link("      - name <-> Name\n")
        + "  - id: visits\n    crm: visit\n    erp: Visit\n    match: none\n    rules:\n      - id -> No\n";
    Said::about(&links, left, &format!("{RIGHT}\nVisit: *No int")).never("records-not-carried");
}

#[test]
fn a_missing_version_or_key_is_named_with_the_guarantee_that_it_costs() {
    promises(Capabilities::full(), Capabilities::full()).never("guarantee-lowered");
    let no_version =
        promises(Capabilities::full(), Capabilities { conditional_update: false, ..Capabilities::full() });
    let (severity, _, line, message, _) = no_version.only("guarantee-lowered");
    assert_eq!((*severity, *line), (Severity::Warning, 1));
    assert!(
        message.starts_with(
            "Customer of erp lacks C1 (conditional update), which costs I10, I11: edits made in erp"
        ),
        "{message}"
    );
    let no_key =
        promises(Capabilities { unique_key: UniqueKey::None, ..Capabilities::full() }, Capabilities::full());
    let (severity, _, _, message, _) = no_key.only("guarantee-lowered");
    assert_eq!(*severity, Severity::Note);
    assert!(message.contains("lacks C3") && message.contains("I25, I27"), "{message}");
}

#[test]
fn without_capabilities_a_schema_with_nothing_unique_is_known_to_lack_a_key() {
    let said =
        Said::about(&link("      - name <-> Name\n"), "account: *id int, no text(20), name text(100)", RIGHT);
    assert!(
        said.only("guarantee-lowered").3.starts_with("account of crm shows nothing unique, and so lacks C3")
    );
    Said::about(&link("      - name <-> Name\n"), LEFT, RIGHT).never("guarantee-lowered");
}

#[test]
fn the_rules_of_lines_are_looked_at_as_well() {
    let left = "order: *id int, lines list[line]\nline: *no int, text text(300), kind option[1|2]";
    let right = "Order: *No. text(20), Lines list[Line]\nLine: *No. int, Text text(100), Kind option[A|B]";
    let links = "  - id: orders\n    crm: order\n    erp: Order\n    match: none\n    rules:\n      - lines <-> Lines:\n          key: no = No.\n          rules:\n            - text <-> Text: { too_long: truncate }\n            - kind <-> Kind: { options: [ 1 <-> A ] }\n";
    let said = Said::about(links, left, right);
    assert_eq!(said.only("lossy-length").2, 9);
    assert!(said.list.iter().any(|one| one.1 == "option-unmapped" && one.2 == 10), "{:#?}", said.list);
}

#[test]
fn a_mapping_without_schemas_and_one_that_cannot_be_read_are_told_what_can_be_told() {
    let found = lint_file(
        "m.yaml",
        &format!("{HEAD}{}", link("      - name <-> Name\n")),
        &Default::default(),
        &LintOptions::default(),
    );
    assert!(found.is_none(), "{found:?}");
    let found = lint_file("m.yaml", "integration: [", &Default::default(), &LintOptions::default()).unwrap();
    assert!(found.has_errors());
    let mapping =
        Mapping::builder("l", "r").link("a", "A", "B").match_nothing().rule(copy("x", "y")).build().unwrap();
    let codes: Vec<&str> =
        lint(mapping.declared(), &LintOptions::default()).iter().map(|one| one.code).collect();
    assert_eq!(codes, ["match-nothing"]);
}

/// A mapping that is whole, with a piece of it left out or doubled.
fn damaged(from: usize, to: usize, twice: bool) -> String {
    let text = include_str!("data/customers.yaml");
    let places: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
    let (from, to) = (places[from % places.len()], places[to % places.len()]);
    let (from, to) = (from.min(to), from.max(to));
    if twice {
        format!("{}{}", &text[..to], &text[from..])
    } else {
        format!("{}{}", &text[..from], &text[to..])
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever a file says, linting ends with findings or without; an error is one that keeps the mapping from loading.
    #[test]
    fn what_lint_calls_an_error_keeps_a_mapping_from_loading_and_nothing_else_does(
        from in any::<usize>(), to in any::<usize>(), twice in any::<bool>(), near in any::<bool>(),
    ) {
        let to = if near { from.wrapping_add(to % 12) } else { to };
        let text = damaged(from, to, twice);
        let (left, right) = (schema(LEFT), schema(RIGHT));
        for schemas in [None, Some(Sides::new(&left, &right))] {
            let compile = CompileOptions { schemas, ..CompileOptions::default() };
            let options = LintOptions { compile: compile.clone(), capabilities: None };
            let found = lint_file("m.yaml", &text, &Default::default(), &options);
            let errors = found.is_some_and(|found| found.has_errors());
            let loads = load("m.yaml", &text, &LoadOptions { compile, ..LoadOptions::default() }).is_ok();
            prop_assert_eq!(errors, !loads, "{}", text);
        }
    }

    /// The findings about guarantees are those of the table, whatever the systems can do: none is left out, none added.
    #[test]
    fn lowered_guarantees_are_exactly_those_of_the_table(bits in prop::array::uniform2(0u8..=255)) {
        let can = bits.map(|bits| Capabilities {
            conditional_update: bits & 1 != 0,
            write_returns: if bits & 2 != 0 { WriteReturns::Stored } else { WriteReturns::Nothing },
            unique_key: if bits & 4 != 0 { UniqueKey::ClientChosenId } else { UniqueKey::None },
            consistent_read: bits & 8 != 0,
            tombstones: bits & 16 != 0,
            complete_enumeration: bits & 32 != 0,
            low_water: bits & 64 != 0,
            gone_not_hidden: bits & 128 != 0,
            ..Capabilities::full()
        });
        let [left, right] = can;
        let said = promises(left.clone(), right.clone());
        let table = guarantees(&"customers".into(), seamless_core::mapper::LinkMode::TwoWay,
            Sides::new("crm", "erp"), &Sides::new(left, right));
        for one in &table {
            let named = said.list.iter().any(|finding| {
                finding.1 == "guarantee-lowered" && finding.3.contains(&one.words)
                    && finding.3.contains(&format!("of {} lacks", if one.side == Side::Left { "crm" } else { "erp" }))
            });
            prop_assert_eq!(named, one.holding != seamless_core::plan::Holding::Holds, "{:?}", one);
        }
        prop_assert!(!PROMISES.is_empty());
    }
}

const KINDS: &str = "account: *id int, name text(100), kind option[1=Customer|2=Vendor|3=Competitor|-4=Old]";
const TWO: &str = "Customer: *No. text(20), Name text(100)\nVendor: *No. text(20), Name text(100)";

/// Two links that share an entity on the left.
fn divided(customers: &str, vendors: &str, rules: &str) -> String {
    let link = |id: &str, erp: &str, scope: &str| {
        format!(
            "  - id: {id}\n    crm: account\n    erp: {erp}\n    scope: {{ crm: '{scope}' }}\n    match: [ name = Name ]\n    \
             rules: [ name <-> Name{rules} ]\n"
        )
    };
    format!("{}{}", link("customers", "Customer", customers), link("vendors", "Vendor", vendors))
}

#[test]
fn records_that_two_scopes_claim_are_named_unless_it_is_said_to_be_on_purpose() {
    let links = divided("kind == 1", "kind in [1, 2] and not blank(name)", "");
    let said = Said::about(&links, KINDS, TWO);
    let (severity, _, line, message, help) = said.only("scope-overlap");
    assert_eq!((*severity, *line), (Severity::Warning, 10));
    assert_eq!(
        message,
        "account of crm with kind 1, name \"something else\" is in the scope of customers too, so both links pair it"
    );
    assert!(help.as_ref().unwrap().contains("shares: [customers]"));
    Said::about(&links.replace("id: vendors\n", "id: vendors\n    shares: [customers]\n"), KINDS, TWO)
        .never("scope-overlap");
    for (a, b) in [("kind == 1", "kind == 2"), ("kind < 2", "kind >= 2"), ("blank(name)", "not blank(name)")]
    {
        Said::about(&divided(a, b, ""), KINDS, TWO).never("scope-overlap");
        let without = divided(a, b, "");
        assert!(load("m", &format!("{HEAD}{without}"), &LoadOptions::default()).is_ok());
    }
    let said = Said::about(&divided("true", "true", ""), KINDS, TWO);
    assert!(said.only("scope-overlap").3.starts_with("every account of crm is in the scope"));
    // Who only couples claims nothing.
    Said::about(&links.replace("id: vendors\n", "id: vendors\n    mode: couple_only\n"), KINDS, TWO)
        .never("scope-overlap");
    let unknown = links.replace("id: vendors\n", "id: vendors\n    shares: [nobody]\n");
    Said::about(&unknown, KINDS, TWO).only("unknown-link");
}

#[test]
fn values_of_the_field_that_divides_which_no_link_takes_are_named_once() {
    let said = Said::about(&divided("kind == 1", "kind == 2", ""), KINDS, TWO);
    let (severity, _, line, message, _) = said.only("scope-unclaimed");
    assert_eq!((*severity, *line), (Severity::Note, 10));
    assert_eq!(message, "no link takes account of crm whose kind is 3");
    Said::about(&divided("kind == 1", "kind != 1", ""), KINDS, TWO).never("scope-unclaimed");
    Said::about(&divided("kind == 1", "kind in [2, 3]", ""), KINDS, TWO).never("scope-unclaimed");
}

#[test]
fn records_that_are_created_outside_of_their_own_scope_are_named() {
    // What the scope equates is written.
    Said::about(&divided("kind == 1", "kind == 2", ""), KINDS, TWO).never("create-out-of-scope");
    let said = Said::about(&divided("kind == 1", "kind in [2, 3]", ""), KINDS, TWO);
    assert!(said.only("create-out-of-scope").3.contains("kind in [2, 3]"));
    Said::about(&divided("kind == 1", "kind in [2, 3]", ", kind <- const 3"), KINDS, TWO)
        .list
        .iter()
        .filter(|found| found.1 == "create-out-of-scope")
        .for_each(|found| assert!(found.3.contains("kind == 1"), "{found:?}"));
    // What a rule makes of it nobody can tell beforehand.
    Said::about(&divided("kind == 1", "kind > 1", ", kind <-> Kind: { types: { erp: int } }"), KINDS, TWO)
        .never("create-out-of-scope");
    // A field that cannot be written is the system's to fill.
    let computed = KINDS.replace("account:", "account: born text(4) c,");
    let said = Said::about(&divided("born == here", "born == there", ""), &computed, TWO);
    assert_eq!(said.codes().iter().filter(|code| **code == "create-out-of-scope").count(), 2);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Scopes over one field with few values, beside an oracle that asks every value. Catches: an overlap that is
    /// overlooked or invented.
    #[test]
    fn two_scopes_overlap_exactly_where_a_value_is_in_both(
        a in prop::collection::btree_set(1i64..4, 1..3), b in prop::collection::btree_set(1i64..4, 1..3), not in any::<bool>()
    ) {
        let list = |values: &std::collections::BTreeSet<i64>| {
            format!("kind in [{}]", values.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
        };
        let second = if not { format!("not ({})", list(&b)) } else { list(&b) };
        let is_in_second = |value: &i64| b.contains(value) != not;
        let overlap = a.iter().any(is_in_second);
        let said = Said::about(&divided(&list(&a), &second, ""), KINDS, TWO);
        prop_assert_eq!(said.codes().contains(&"scope-overlap"), overlap);
        let unclaimed = (1..4).any(|value| !a.contains(&value) && !is_in_second(&value));
        prop_assert_eq!(said.codes().contains(&"scope-unclaimed"), unclaimed);
    }
}
