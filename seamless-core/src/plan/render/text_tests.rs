//! Tests of plans as text: a plan with one of everything, spelled out, and what masking must hide.

use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

use super::{TextOptions, TextRenderer, plan_summary};
use crate::model::{Planned, Side, Slot, Value};
use crate::plan::render::Show;
use crate::plan::{
    Body, Closing, Effect, Entry, PlannedTarget, PlannedVerb, Provenance, Rank, Reason, Sealer, Trailer,
    samples,
};

fn trailer(entries: &[Entry]) -> Trailer {
    let mut sealer = Sealer::new(&[1; 32]);
    sealer.head(&samples::head()).unwrap();
    for entry in entries {
        sealer.entry(entry).unwrap();
    }
    let seen = vec![("customers".into(), 100, 13)];
    sealer
        .finish(Closing { guards: vec![samples::trip()], forms: Vec::new(), runs_to_quiet: 2, seen })
        .unwrap()
        .0
}

fn render(entries: &[Entry], options: TextOptions) -> String {
    let mut renderer = TextRenderer::new(String::new(), options);
    renderer.head(&samples::head()).unwrap();
    for entry in entries {
        renderer.entry(entry).unwrap();
    }
    let trailer = trailer(entries);
    renderer.finish(&trailer).unwrap().replace(&trailer.digest, "(digest)")
}

fn check(options: TextOptions, entries: &[Entry], expected: &str) {
    let found = render(entries, options);
    assert!(found == expected, "rendered:\n{found}");
}

// Catches: a word, a side's name, a value or a line that is lost or mixed up.
#[test]
fn a_plan_reads_like_this() {
    check(TextOptions::default(), &samples::one_of_everything(), FULL);
}

const FULL: &str = r#"Plan p1 (partition main), made 2024-05-01 10:00:00 UTC
crm: Sales (dynamics, crm-1)
erp: CRONUS (bc, erp-1)

What cannot be promised in full
  edits in erp can be overwritten
  a create can wait; reported when it happens (contacts)

customers: nothing is written, records of crm
  c1 = r1: one pair from now on, found by match line 1
  c2 = r2: both hold the same, nothing is written
  c3: conflict, changed in both (phone)
    crm: phone  "1" -> "2"
    erp: Phone No.  "3"
  c4: the conflict is over (phone)
  c5 of crm waits: a value has no counterpart (terms): "60D" is not in the list
    what to do: add it
  c6: gone in crm, the pair ends
  c7: left the filter in crm, nothing is written until it is back
  c8: is back in the filter
  c9: the two differ although neither was changed

customers: create in erp
  new record for c10 of crm: new in crm; only if it is not there yet
    Name  "Adatum"   (as in crm)
    No.  (erp decides)   (set by the rule for what happens to the partner)
    after the record for k1 of crm (contacts) is created

customers: update in erp
  r11 (in crm: c11): changed in crm; only if nobody changed it since
    Phone  "555-01" -> "555-02"   (changed in crm)
    Limit  "9" -> 10   (edited in erp, restored from crm)
    Contact  "" -> (the record that this plan creates)   (changed in crm)

customers: delete in erp
  r12: its partner in crm is gone; crm proves that it is gone

customers: where reading of crm goes on
  the next run reads what changes from here on; read in full at 2024-05-01 09:00:00 UTC, 12 records

In all
  customers: create 1 in erp, update 1 in erp, delete 1 in erp, 1 new pair, 1 agreement, 1 conflict, 1 item waits, 1 unexplained difference, 1 pair ends, 1 waiting item is over, 2 pairs leave or enter the scope (100 pairs known, 13 looked at)

Stopped by guards
  customers.deletes.right: 60 of 100 records would be deleted in erp
    what to do: look at them

After 2 runs nothing remains to be done, if nobody edits.
An approval binds to the digest (digest)
"#;

// Catches: headings without their entries, or a count of what is left out that is off by one.
#[test]
fn long_groups_are_cut_and_counted() {
    let entries = samples::one_of_everything();
    let options = TextOptions { entries_per_group_max: Some(7), ..TextOptions::default() };
    let found = render(&entries, options);
    assert!(
        found.contains(
            "\n  c7: left the filter in crm, nothing is written until it is back\n  and 2 more\n\n"
        ),
        "{found}"
    );
    assert!(!found.contains("c8"), "{found}");
    let options = TextOptions { entries_per_group_max: Some(9), ..TextOptions::default() };
    assert_eq!(render(&entries, options), FULL);
}

// Catches: colours where none were asked for, or one that is not ended.
#[test]
fn colours_are_all_that_colour_adds() {
    let entries = samples::one_of_everything();
    let found = render(&entries, TextOptions { colour: true, ..TextOptions::default() });
    let mut plain = found.clone();
    for code in ["\u{1b}[0m", "\u{1b}[1m", "\u{1b}[2m", "\u{1b}[31m"] {
        plain = plain.replace(code, "");
    }
    assert_eq!(plain, FULL);
    assert!(found.lines().all(|line| line.matches('\u{1b}').count() % 2 == 0), "{found}");
}

// Catches: text of a system that moves the cursor, hides what follows, or adds a line to what a person approves.
#[test]
fn hostile_text_cannot_change_what_is_seen() {
    let mut entry = samples::one_of_everything().remove(0);
    entry.ids.left = Some(crate::model::RecordId::text("c1\u{1b}[2J\r\nall is well\u{202e}"));
    let found = render(&[entry], TextOptions::default());
    assert!(found.contains(r"  c1\u{1b}[2J\u{d}\u{a}all is well\u{202e} = r1: one pair"), "{found}");
}

// Catches: lines that are set beside the wrong ones, a change that is left out, a line that is said to change and does
// not.
#[test]
fn lists_are_shown_line_by_line() {
    let line = |no: i64, quantity: i64, text: &str| {
        let fields =
            [("No", Value::Int(no)), ("Quantity", Value::Int(quantity)), ("Text", Value::text(text))];
        let shape = crate::model::Shape::new(fields.iter().map(|(name, _)| (*name).into())).unwrap();
        let fields = fields.map(|(name, value)| (name.into(), crate::model::Slot::Value(value)));
        crate::model::record(&shape, fields).unwrap()
    };
    let list = |lines: Vec<crate::model::Record>| Value::List(lines.into());
    let before = list(vec![line(1, 2, "bolt"), line(2, 5, "nut"), line(3, 1, "washer")]);
    let after = list(vec![line(3, 1, "washer"), line(2, 6, "nut"), line(4, 1, "pin")]);
    let mut action = samples::action(Side::Right, PlannedVerb::Update, PlannedTarget::New, Reason::Changed);
    let change = samples::change(
        "Lines",
        crate::model::Slot::Value(before),
        Planned::Known(after),
        Provenance::Changed,
    );
    action.changes = vec![change].into();
    let entries = [samples::entry(Rank::Update, Side::Right, "r1", Body::Act(action))];
    let found = render(&entries, TextOptions::default());
    let lines = found.split("    Lines  3 records -> 3 records   (changed in crm)\n").nth(1).unwrap();
    assert_eq!(
        lines.lines().take(3).collect::<Vec<_>>(),
        [
            "      - No 1, Quantity 2, Text \"bolt\"",
            "      No 2:  Quantity  5 -> 6",
            "      + No 4, Quantity 1, Text \"pin\""
        ]
    );
    let masked = render(&entries, TextOptions { show: Show::Masked, ..TextOptions::default() });
    assert!(!masked.contains("nut") && masked.contains("Quantity  •• -> ••"), "{masked}");
}

// Catches: values that are told apart, or not told apart, wrongly.
#[test]
fn hashed_values_are_equal_when_values_are() {
    let update = |value: &str| {
        let mut action =
            samples::action(Side::Right, PlannedVerb::Update, PlannedTarget::New, Reason::Changed);
        let after = Planned::Known(Value::text(value));
        action.changes =
            vec![samples::change("Phone", samples::text("one"), after, Provenance::Changed)].into();
        let entries = [samples::entry(Rank::Update, Side::Right, "r1", Body::Act(action))];
        let show = |key: u8| Show::Hashed { key: [key; 32] };
        let line = |show| {
            let found = render(&entries, TextOptions { show, ..TextOptions::default() });
            found.lines().find(|line| line.contains("Phone")).unwrap().to_owned()
        };
        (line(show(1)), line(show(2)))
    };
    let (one, other_key) = update("one");
    let parts: Vec<&str> = one.split_whitespace().collect();
    assert_eq!(parts[1], parts[3], "{one}");
    assert!(parts[1].starts_with('#') && parts[1].len() == 9, "{one}");
    assert_ne!(one, other_key);
    assert_ne!(one, update("two").0);
}

// Catches: a summary that leaves out what stops the plan.
#[test]
fn a_summary_says_what_is_done_and_what_stops_it() {
    let summary = plan_summary(&samples::head(), &trailer(&samples::one_of_everything()));
    assert_eq!(
        summary,
        "Plan p1 for crm and erp\n\
         \x20 customers: create 1 in erp, update 1 in erp, delete 1 in erp, 1 new pair, 1 agreement, 1 conflict, \
         1 item waits, 1 unexplained difference, 1 pair ends, 1 waiting item is over, \
         2 pairs leave or enter the scope\n\
         \x20 stopped by customers.deletes.right: 60 of 100 records would be deleted in erp\n\
         After 2 runs nothing remains to be done, if nobody edits.\n"
    );
}

fn list(lines: &[(i64, &str)]) -> Value {
    let line = |(no, text): &(i64, &str)| {
        let shape = crate::model::Shape::new(["No", "Text"].map(Into::into)).unwrap();
        let fields = [("No".into(), samples::text(&no.to_string())), ("Text".into(), samples::text(text))];
        crate::model::record(&shape, fields).unwrap()
    };
    Value::List(lines.iter().map(line).collect())
}

/// What stands under the heading of one entry.
fn shown(side: Side, body: Body, show: Show) -> Vec<String> {
    let entry = samples::entry(Rank::Update, side, "r1", body);
    let found = render(&[entry], TextOptions { show, ..TextOptions::default() });
    let lines = found.split("\n\n").nth(2).unwrap().lines().skip(1);
    lines.map(str::to_owned).collect()
}

fn update_of(before: Slot, after: Value) -> Body {
    let target = PlannedTarget::Existing(crate::model::RecordId::text("r1"));
    let mut action = samples::action(Side::Right, PlannedVerb::Update, target, Reason::Changed);
    action.changes = vec![samples::change("F", before, Planned::Known(after), Provenance::Changed)].into();
    Body::Act(action)
}

// Catches: a list of a new record, or one that was not read before, that a person approves unseen.
#[test]
fn what_was_not_said_before_is_shown_as_it_will_be() {
    let lines = |before, after| shown(Side::Right, update_of(before, after), Show::Full)[1..].to_vec();
    assert_eq!(lines(Slot::Absent, Value::text("x")), [r#"    F  "x"   (changed in crm)"#]);
    assert_eq!(lines(samples::text("y"), Value::text("x")), [r#"    F  "y" -> "x"   (changed in crm)"#]);
    assert_eq!(
        lines(Slot::Absent, list(&[(1, "nut"), (2, "bolt")])),
        [
            "    F  2 records   (changed in crm)",
            r#"      + No "1", Text "nut""#,
            r#"      + No "2", Text "bolt""#
        ]
    );
}

// Catches: values that a mask tells apart, or one that nobody wrote shown as if somebody had.
#[test]
fn a_mask_tells_only_about_how_long_a_value_is() {
    let masked = |value: Value, show| {
        let lines = shown(Side::Right, update_of(Slot::Absent, value), show);
        lines[1].split_whitespace().nth(1).unwrap().to_owned()
    };
    let dots = |length: usize| masked(Value::text(&"x".repeat(length)), Show::Masked);
    assert_eq!([dots(0), dots(1), dots(4)], ["(empty)", "••", "••"]);
    assert_eq!([dots(5), dots(16)], ["••••••", "••••••"]);
    assert_eq!([dots(17), dots(500)], ["••••••••••••", "••••••••••••"]);
    for show in [Show::Full, Show::Masked, Show::Hashed { key: [1; 32] }] {
        assert_eq!(masked(Value::Null, show), "(nothing)");
    }
}

#[test]
fn what_ends_and_what_goes_on_is_said_in_full() {
    let line = |effect| shown(Side::Left, Body::Effect(effect), Show::Full).remove(0);
    assert_eq!(
        line(Effect::CloseConflict { rules: vec![] }),
        "  r1: it is gone, nothing about it is open any more"
    );
    let into = |left: Option<&str>, right: Option<&str>| {
        let id = |id: Option<&str>| id.map(crate::model::RecordId::text);
        line(Effect::Relink { into: crate::model::Sides::new(id(left), id(right)) })
    };
    assert_eq!(into(Some("s"), None), "  r1: merged into s in crm, with which the pair goes on");
    assert_eq!(into(None, Some("t")), "  r1: merged into t in erp, with which the pair goes on");
    assert_eq!(
        into(Some("s"), Some("t")),
        "  r1: merged into s in crm, and merged into t in erp, with which the pair goes on"
    );
}

// Catches: a delete, an overwritten edit or a broken promise that looks like everything else.
#[test]
fn what_may_hurt_is_red_and_what_is_aside_is_dim() {
    let entries = samples::one_of_everything();
    let found =
        render(&entries, TextOptions { colour: true, entries_per_group_max: None, ..TextOptions::default() });
    let of = |code: &str| -> Vec<String> {
        let lines = found.lines().filter_map(|line| line.strip_prefix(code)?.strip_suffix("\u{1b}[0m"));
        lines.map(|line| line.trim().chars().take(24).collect()).collect()
    };
    assert_eq!(
        of("\u{1b}[31m"),
        [
            "edits in erp can be over",
            "c3: conflict, changed in",
            "c5 of crm waits: a value",
            "c9: the two differ altho",
            r#"Limit  "9" -> 10   (edit"#,
            "r12: its partner in crm ",
            "customers.deletes.right:"
        ]
    );
    let dim = ["after the record for k1 ", "the next run reads what ", "An approval binds to the"];
    assert_eq!(of("\u{1b}[2m"), dim);
    assert_eq!(of("\u{1b}[1m").len(), 9, "{found}");
}

// Catches: a link that is named as often as rows say the same of it.
#[test]
fn a_promise_that_is_lowered_names_each_link_once() {
    let mut head = samples::head();
    head.links.push("items".into());
    let again = head.guarantee[0].clone();
    head.guarantee.push(again);
    let mut renderer = TextRenderer::new(String::new(), TextOptions::default());
    renderer.head(&head).unwrap();
    let text = renderer.finish(&trailer(&[])).unwrap();
    assert!(text.contains("\n  edits in erp can be overwritten (customers, contacts)\n"), "{text}");
}

// Catches: a walk over two long lists for each line of them.
#[test]
fn lists_of_many_lines_are_not_compared_line_by_line() {
    let records = |count: usize| {
        let lines: Vec<(i64, &str)> = (0..count).map(|number| (number as i64, "x")).collect();
        let Value::List(records) = list(&lines) else { panic!("a list") };
        records
    };
    let (most, more) = (records(200), records(201));
    assert!(super::lines::changes(&most, &most).is_some_and(|changes| changes.is_empty()));
    assert!(super::lines::changes(&more, &[]).is_none());
    assert!(super::lines::changes(&[], &more).is_none());
    let shown = shown(Side::Right, update_of(Slot::Absent, Value::List(more)), Show::Full);
    assert_eq!(shown[2], "      too many to be shown one by one");
}

proptest! {
    // Catches: a place that shows a value, or a message that may quote one, past the mask. `ж` is in no word of ours.
    #[test]
    fn a_masked_plan_shows_nothing_of_any_value(entry in samples::any_entry("ж{1,9}"), key: [u8; 32]) {
        let entries = [entry];
        for show in [Show::Masked, Show::Hashed { key }] {
            let found = render(&entries, TextOptions { show, ..TextOptions::default() });
            prop_assert!(!found.contains('ж'), "{found}");
        }
    }

    // Catches: dots that tell two values of about the same length apart.
    #[test]
    fn masked_values_of_one_length_look_the_same(a in "[a-z\"\\\\]{5}", b in "[0-9é\n]{16}") {
        let shown = |text: &str| {
            let mut out = String::new();
            Show::Masked.value(&Value::text(text), &mut out).unwrap();
            out
        };
        prop_assert_eq!(shown(&a), shown(&b));
    }

    // Catches: a plan that nobody can read because of one value, and two long values that look alike and are not.
    #[test]
    fn a_long_text_is_cut_and_told_apart(begin in "[a-z]{1000}", a in "[a-z]{1,3000}", b in "[a-z]{1,3000}") {
        let shown = |end: &str| {
            let mut out = String::new();
            Show::Full.value(&Value::text(&format!("{begin}{end}")), &mut out).unwrap();
            out
        };
        prop_assert!(shown(&a).len() < 1100);
        prop_assert_eq!(shown(&a) == shown(&b), a == b);
        let length = format!("({} characters", 1000 + a.len());
        prop_assert!(shown(&a).contains(&length));
    }

    // Catches: an entry that is not shown, or shown on fewer lines masked than in full.
    #[test]
    fn masking_changes_no_line_but_its_values(entry in samples::any_entry("[a-z]{1,4}")) {
        let entries = [entry];
        let full = render(&entries, TextOptions::default());
        let masked = render(&entries, TextOptions { show: Show::Masked, ..TextOptions::default() });
        prop_assert_eq!(full.lines().count(), masked.lines().count());
    }
}
