//! Values that lie in a text of the other side, among what is somebody else's: through the merge, and the laws of carrying.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use std::sync::Arc;

use proptest::prelude::*;
use seamless_core::mapper::{Draft, MapContext, MapProblem, Mapper, Resolved};
use seamless_core::merge::{Case, CompiledLink, Judgement, Reconciler, ThreeWay};
use seamless_core::model::{
    Bits, EntityName, FieldName, Layout, Planned, Record, RuleIndex, Shape, Side, Sides, Slot, Value, record,
};
use seamless_mapping::{CompileOptions, LinkMapper, LoadOptions, Mapping, load, pack};

fn mapper(layout: Layout) -> Arc<LinkMapper> {
    let rule = pack(["web", "born"], "Comment", layout).named(["Web", "Born on"]);
    let mapping =
        Mapping::builder("crm", "erp").link("contacts", "contact", "Contact").match_nothing().rule(rule);
    mapping.build_with(&CompileOptions::default()).unwrap().link("contacts").unwrap()
}

fn built(fields: &[(&str, Option<&str>)]) -> Record {
    let shape = Shape::new(fields.iter().map(|(name, _)| FieldName::from(*name))).unwrap();
    let value = |text: &Option<&str>| Slot::Value(text.map_or(Value::Null, Value::text));
    record(&shape, fields.iter().map(|(name, text)| (FieldName::from(*name), value(text)))).unwrap()
}

fn parts(web: Option<&str>, born: Option<&str>) -> Record {
    built(&[("web", web), ("born", born)])
}

fn comment(text: &str) -> Record {
    built(&[("Comment", Some(text).filter(|text| !text.is_empty()))])
}

fn carried(mapper: &LinkMapper, from: Side, source: &Record, target: &Record) -> Result<Record, String> {
    let entity = EntityName::from("x");
    let cx = MapContext { resolved: &Resolved::new(), target_entity: &entity, creating: false };
    let mut draft = Draft::over(target);
    mapper.carry(RuleIndex(0), from, source, &mut draft, &cx).map_err(|error| error.message.clone())?;
    let planned = draft.into_planned().into_iter().map(|(slot, planned)| match planned {
        Planned::Known(value) => (slot, Slot::Value(value)),
        other => panic!("{other:?}"),
    });
    let planned: Vec<(usize, Slot)> = planned.collect();
    Ok(target.with(planned.iter().map(|(slot, value)| (*slot, value.as_presence()))))
}

fn verdict(base: (Record, Record), left: &Record, right: &Record) -> Vec<Judgement> {
    let link = CompiledLink::compile(mapper(Layout::Lines)).unwrap();
    let nothing = Resolved::new();
    let entity = EntityName::from("x");
    let context = || MapContext { resolved: &nothing, target_entity: &entity, creating: false };
    let rebased = Bits::new();
    let case = Case {
        link: &link,
        base: Sides::new(Some(&base.0), Some(&base.1)),
        current: Sides::new(left, right),
        modified: Sides::new(None, None),
        context: Sides::new(context(), context()),
        check_all: true,
        rebased: &rebased,
    };
    let verdict = ThreeWay.reconcile(&case);
    verdict.loud().map(|(_, judgement)| judgement).collect()
}

#[test]
fn what_is_somebody_elses_in_the_text_is_kept_and_is_no_edit() {
    let mapper = mapper(Layout::Lines);
    let text = "met at the fair\nWeb: a\n";
    let written = carried(&mapper, Side::Left, &parts(Some("b"), Some("1970")), &comment(text)).unwrap();
    assert_eq!(written, comment("met at the fair\nWeb: b\nBorn on: 1970"));
    let written = carried(&mapper, Side::Left, &parts(None, None), &comment(text)).unwrap();
    assert_eq!(written, comment("met at the fair\n"));

    let base = || (parts(Some("a"), None), comment(text));
    let theirs = comment("met in Ulm\nWeb: a\nask for Eva");
    assert_eq!(verdict(base(), &parts(Some("a"), None), &theirs), []);
    // Both edited the text, and only one of them a value: no conflict.
    let carry = verdict(base(), &parts(Some("b"), None), &theirs);
    assert!(matches!(carry[..], [Judgement::Carry { to: Side::Right, .. }]), "{carry:?}");
    let carry = verdict(base(), &parts(Some("a"), None), &comment("Web: c"));
    assert!(matches!(carry[..], [Judgement::Carry { to: Side::Left, .. }]), "{carry:?}");
    let conflict = verdict(base(), &parts(Some("b"), None), &comment("Web: c"));
    assert!(matches!(conflict[..], [Judgement::Conflict(_)]), "{conflict:?}");
}

// Catches: a text that nobody could see, written over.
#[test]
fn a_text_that_cannot_be_seen_or_read_is_not_written() {
    let json = mapper(Layout::Json);
    let carry = |target: &Record| carried(&json, Side::Left, &parts(Some("a"), None), target);
    assert!(carry(&comment("no json")).unwrap_err().contains("no JSON object"));
    assert!(carry(&comment(r#"{"Web":1,"Web":2}"#)).unwrap_err().contains("twice"));
    let shape = Shape::new([FieldName::from("Comment")]).unwrap();
    for unseen in [Slot::Absent, Slot::Unreadable] {
        let unseen = record(&shape, [(FieldName::from("Comment"), unseen)]).unwrap();
        assert!(carry(&unseen).unwrap_err().contains("nobody can see"));
    }
    let entity = EntityName::from("x");
    let cx = MapContext { resolved: &Resolved::new(), target_entity: &entity, creating: true };
    let target = Record::absent(&shape);
    let mut draft = Draft::over(&target);
    json.carry(RuleIndex(0), Side::Left, &parts(Some("a"), None), &mut draft, &cx).unwrap();
    assert_eq!(
        draft.get(0).map(|planned| planned.to_planned()),
        Some(Planned::Known(Value::text(r#"{"Web":"a"}"#)))
    );
    let number = record(parts(None, None).shape(), [(FieldName::from("web"), Slot::Value(Value::Int(7)))]);
    let number = number.unwrap().with([(1, seamless_core::model::Presence::Value(Value::Null.as_ref()))]);
    assert_eq!(carried(&json, Side::Left, &number, &comment("")).unwrap(), comment(r#"{"Web":7}"#));
    assert_eq!(carried(&json, Side::Right, &comment(r#"{"Web":7}"#), &parts(None, None)).unwrap(), number);
    let lines = mapper(Layout::Lines);
    assert!(carried(&lines, Side::Left, &number, &comment("")).unwrap_err().contains("comes back as"));
    let mut draft = Draft::over(&target);
    let error =
        lines.carry(RuleIndex(0), Side::Left, &parts(Some("a\nb"), None), &mut draft, &cx).unwrap_err();
    assert_eq!(error.problem, MapProblem::Unmappable);
}

#[test]
fn a_mapping_file_says_where_the_values_lie() {
    let file = |rule: &str| {
        let text = format!(
            "integration: i\nsides: {{ crm: a, erp: b }}\nlinks:\n  - id: l\n    crm: A\n    erp: B\n    match: none\n    \
             rules:\n      - {rule}\n"
        );
        let loaded = load("m", &text, &LoadOptions::default());
        loaded.map(|_| ()).map_err(|errors| errors.to_string())
    };
    file("a + b <-> C: { pack: lines }").unwrap();
    file("C <-> a + b: { pack: json, names: [x, y] }").unwrap();
    file("a <-> C: { pack: { erp: json } }").unwrap();
    for (rule, says) in [
        ("a <-> C: { pack: lines }", "which side holds the text"),
        ("a + b <-> C + D: { pack: lines }", "which side holds the text"),
        ("a + b <-> C: { pack: { crm: lines } }", "one field of crm"),
        ("a + b <-> C: { pack: lines, names: [x] }", "1 names for 2 fields"),
        ("a + b <-> C: { pack: lines, names: [x, x] }", "stands twice"),
        ("'a:b + b <-> C': { pack: lines }", "cannot stand before a colon"),
        ("a + b <-> C: { pack: xml }", "lines"),
        ("a + b <-> C: { pack: lines, same_when: case }", "when its values are"),
        ("a + b <-> C: { join: x, names: [x, y] }", "belongs to a rule that has `pack`"),
    ] {
        let errors = file(rule).unwrap_err();
        assert!(errors.contains(says), "{rule}: {errors}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// GetPut and PutGet over texts that hold other things as well. Catches: a value that is lost or changed on its way, a
    /// line of somebody else's that is touched.
    #[test]
    fn packed_values_come_back_whatever_else_the_text_holds(
        web in proptest::option::of("[ -~ßå]{1,6}"),
        born in proptest::option::of("[ -~]{1,6}"),
        others in proptest::collection::vec("[a-z ]{0,5}", 0..4),
        layout in prop_oneof![Just(Layout::Lines), Just(Layout::Json)],
    ) {
        let mapper = mapper(layout);
        let text = match layout {
            Layout::Lines => others.join("\n"),
            Layout::Json => serde_json::to_string(&serde_json::json!({ "others": others })).unwrap(),
        };
        let source = parts(web.as_deref(), born.as_deref());
        let written = carried(&mapper, Side::Left, &source, &comment(&text)).unwrap();
        let back = carried(&mapper, Side::Right, &written, &parts(Some("x"), Some("y"))).unwrap();
        prop_assert_eq!(&back, &source);
        prop_assert_eq!(&carried(&mapper, Side::Right, &written, &source).unwrap(), &source);
        prop_assert_eq!(&carried(&mapper, Side::Left, &source, &written).unwrap(), &written);
        let kept = written.field("Comment").value().map(|value| value.to_string()).unwrap_or_default();
        for other in others.iter().filter(|other| !other.trim().is_empty()) {
            prop_assert!(kept.contains(other.as_str()), "{:?} is not in {}", other, kept);
        }
    }
}
