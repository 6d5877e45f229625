//! Values in a text: what is packed comes back, and what is somebody else's stays.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::model::{CanonicalForm, Normaliser, ValueRef};

fn packing(layout: Layout) -> Packing {
    Packing::new(layout, vec!["Web".into(), "Born on".into(), "n".into()]).unwrap()
}

fn texts(values: [Option<&str>; 3]) -> Vec<Option<Packed>> {
    values.into_iter().map(|value| value.map(Packed::text)).collect()
}

#[test]
fn values_stand_in_lines_among_others() {
    let lines = packing(Layout::Lines);
    let text = "Met at the fair.\r\nWeb: contoso.com\r\nWebsite: old\r\n";
    assert_eq!(lines.unpack(text).unwrap(), texts([Some("contoso.com"), None, None]));
    let packed = lines.pack(text, &texts([Some("contoso.se"), Some("1970-01-01"), None])).unwrap();
    assert_eq!(packed, "Met at the fair.\r\nWeb: contoso.se\r\nWebsite: old\r\nBorn on: 1970-01-01");
    assert_eq!(
        lines.pack(&packed, &texts([None, None, Some("7")])).unwrap(),
        "Met at the fair.\r\nWebsite: old\r\nn: 7"
    );
    assert_eq!(lines.pack("", &texts([None, None, None])).unwrap(), "");
}

#[test]
fn values_are_members_of_an_object_among_others() {
    let json = packing(Layout::Json);
    let text = r#"{ "other": {"a": 1.50}, "n": 12345678901234567890.10, "Web": "å\n" }"#;
    let bare = Packed { text: "12345678901234567890.10".to_owned(), bare: true };
    let held = vec![Some(Packed::text("å\n")), None, Some(bare)];
    assert_eq!(json.unpack(text).unwrap(), held);
    let packed = json.pack(text, &texts([None, Some("x"), None])).unwrap();
    assert_eq!(packed, r#"{"other":{"a": 1.50},"Born on":"x"}"#);
    let packed = json.pack(text, &held).unwrap();
    assert_eq!(packed, r#"{"other":{"a": 1.50},"n":12345678901234567890.10,"Web":"å\n"}"#);
}

#[test]
fn what_cannot_be_read_or_written_is_refused_with_a_remedy() {
    let refused = |result: Result<String>| {
        let error = result.unwrap_err();
        assert!(error.remedy().is_some(), "{error}");
        error.to_string()
    };
    let (lines, json) = (packing(Layout::Lines), packing(Layout::Json));
    let nothing = texts([None, None, None]);
    assert!(refused(lines.pack("Web: a\nWeb: b", &nothing)).contains("twice"));
    assert!(refused(lines.pack("", &texts([Some("a\nb"), None, None]))).contains("several lines"));
    for text in ["[]", "7", "{", "{\"Web\":[1]}", "{\"Web\":1,\"Web\":2}", "{} x"] {
        refused(json.pack(text, &nothing));
    }
    let deep = "[".repeat(100_000);
    refused(json.pack(&deep, &nothing));
    for names in [vec![], vec!["a", "a"], vec![""], vec!["a:b"], vec![" a"], vec!["a\nb"]] {
        let names = names.into_iter().map(str::to_owned).collect();
        assert!(Packing::new(Layout::Lines, names).is_err());
    }
}

// Catches: an edit of somebody else's part of the text that counts as one of ours; a change of ours that does not.
#[test]
fn the_form_of_a_text_is_what_is_ours_in_it() {
    for (layout, a, b, other) in [
        (Layout::Lines, "x\nWeb: a\n", "Web: a\ny", "x\nWeb: b\n"),
        (Layout::Json, r#"{"x":1,"Web":"a"}"#, r#"{ "Web" : "a" }"#, r#"{"x":1,"Web":"b"}"#),
    ] {
        let form = CanonicalForm::new([Normaliser::Packed(Arc::new(packing(layout)))]);
        let same = |a: &str, b: &str| form.same(ValueRef::Text(a), ValueRef::Text(b));
        assert!(same(a, b) && !same(a, other) && !same(b, other), "{layout:?}");
        assert!(form.same(ValueRef::Text(""), ValueRef::Null));
    }
    let form = CanonicalForm::new([Normaliser::Packed(Arc::new(packing(Layout::Lines)))]);
    assert!(form.same(ValueRef::Text("only theirs"), ValueRef::Null));
}

fn value() -> impl Strategy<Value = Option<Packed>> {
    let text = prop_oneof!["[ -~åß]{1,8}", Just("a: b".to_owned()), Just("\"".to_owned())];
    proptest::option::of(text.prop_map(|text| Packed::text(&text)))
}

proptest! {
    #[test]
    fn a_packed_value_comes_back_and_the_rest_stays(
        values in proptest::collection::vec(value(), 3),
        others in proptest::collection::vec("[a-z ]{0,6}", 0..4),
        ending in prop_oneof![Just("\n"), Just("\r\n")],
        before in proptest::collection::vec(value(), 3),
    ) {
        let lines = packing(Layout::Lines);
        let text = lines.pack(&others.join(ending), &before).unwrap();
        let packed = lines.pack(&text, &values).unwrap();
        prop_assert_eq!(lines.unpack(&packed).unwrap(), values.clone());
        let theirs = |text: &str| -> Vec<String> {
            let lines = text.lines().filter(|line| !line.contains(':') && !line.is_empty());
            lines.map(str::to_owned).collect()
        };
        prop_assert_eq!(theirs(&packed), theirs(&others.join(ending)));
        let json = packing(Layout::Json);
        let members: Vec<String> = others.iter().enumerate().map(|(at, text)| format!("\"o{at}\": \"{text}\"")).collect();
        let text = json.pack(&format!("{{{}}}", members.join(", ")), &before).unwrap();
        let packed = json.pack(&text, &values).unwrap();
        prop_assert_eq!(json.unpack(&packed).unwrap(), values);
        if !packed.is_empty() {
            let read: serde_json::Value = serde_json::from_str(&packed).unwrap();
            for (at, text) in others.iter().enumerate() {
                prop_assert_eq!(read.get(format!("o{at}")).and_then(|value| value.as_str()), Some(text.as_str()));
            }
        }
    }

    #[test]
    fn i04_the_form_of_a_packed_text_is_idempotent(text in "([ -~]|\n|Web: |n:){0,30}") {
        for layout in [Layout::Lines, Layout::Json] {
            let form = CanonicalForm::new([Normaliser::Packed(Arc::new(packing(layout)))]);
            let once = form.apply(ValueRef::Text(&text));
            prop_assert_eq!(form.apply(once.as_ref()), once);
        }
    }
}
