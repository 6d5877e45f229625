//! Tests of entry lines: one of every kind, spelled out.

use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

use super::EntryLine;
use crate::model::{Record, Sides};
use crate::plan::samples;

fn line(entry: &crate::plan::Entry) -> String {
    serde_json::to_string(&EntryLine(entry)).unwrap()
}

// Catches: a key that moves, is renamed or is left out: programs of others read these lines.
#[test]
fn every_kind_of_entry_has_its_line() {
    let lines: Vec<String> = samples::one_of_everything().iter().map(line).collect();
    let prefix = |rank: &str, side: &str, id: &str| {
        format!(r#"{{"entry":{{"rank":"{rank}","link":"customers","side":"{side}","id":"{id}","part":0,"#)
    };
    let rest = |ids: &str, body: &str| {
        format!(
            r#""ids":{ids},"basis":{{"pair_revision":null,"versions":{{"left":null,"right":null}}}},"settles":[0,2],{body}}}}}"#
        )
    };
    let left_only = |id: &str| format!(r#"{{"left":"{id}","right":null}}"#);
    let right_only = |id: &str| format!(r#"{{"left":null,"right":"{id}"}}"#);
    let action = blake3_id(b"sample");
    let expected = [
        (prefix("state", "left", "c1"), r#"{"left":"c1","right":"r1"}"#.into(), r#""effect":{"link":{"line":0}}"#.into()),
        (prefix("state", "left", "c2"), r#"{"left":"c2","right":"r2"}"#.into(), r#""effect":"agree""#.into()),
        (
            prefix("state", "left", "c3"),
            left_only("c3"),
            concat!(
                r#""effect":{"open_conflict":{"rules":["phone"],"why":"both_changed","#,
                r#""left":[{"field":"phone","base":"1","current":"2"}],"#,
                r#""right":[{"field":"Phone No.","base":{"absent":true},"current":"3"}]}}"#
            )
            .to_owned(),
        ),
        (prefix("state", "left", "c4"), left_only("c4"), r#""effect":{"close_conflict":{"rules":["phone"]}}"#.into()),
        (
            prefix("state", "left", "c5"),
            left_only("c5"),
            concat!(
                r#""effect":{"park":{"side":"left","id":"c5","rules":["terms"],"why":"unmappable","#,
                r#""message":"\"60D\" is not in the list","remedy":"add it"}}"#
            )
            .to_owned(),
        ),
        (prefix("state", "left", "c6"), left_only("c6"), r#""effect":{"end_pair":{"gone":{"left":true,"right":false}}}"#.into()),
        (prefix("state", "left", "c7"), left_only("c7"), r#""effect":{"freeze":{"side":"left"}}"#.into()),
        (prefix("state", "left", "c8"), left_only("c8"), r#""effect":"thaw""#.into()),
        (prefix("state", "left", "c9"), left_only("c9"), r#""effect":{"diverged":{"rules":[]}}"#.into()),
        (
            prefix("create", "right", "c10"),
            left_only("c10"),
            [
                format!(r#""action":{{"id":"{action}","side":"right","target":"new","verb":"create","#),
                r#""reason":"no_partner","expects":"missing","changes":["#.to_owned(),
                r#"{"field":"Name","after":{"known":"Adatum"},"from":"created","rule":"phone"},"#
                    .to_owned(),
                r#"{"field":"No.","after":"target_decides","from":"lifecycle","rule":"phone"}],"#
                    .to_owned(),
                format!(r#""waits_for":[{{"action":"{}","#, blake3_id(b"creates k1")),
                r#""ask":{"partner_of":{"link":"contacts","side":"left","id":"k1"}}}]}"#.to_owned(),
            ]
            .concat(),
        ),
        (
            prefix("update", "right", "r11"),
            r#"{"left":"c11","right":"r11"}"#.into(),
            [
                format!(r#""action":{{"id":"{action}","side":"right","target":{{"existing":"r11"}},"verb":"update","#),
                r#""reason":"changed","expects":{"version":"w7"},"changes":["#.to_owned(),
                r#"{"field":"Phone","before":"555-01","after":{"known":"555-02"},"from":"changed","rule":"phone"},"#
                    .to_owned(),
                r#"{"field":"Limit","before":"9","after":{"known":10},"from":"restored","rule":"phone"},"#.to_owned(),
                format!(
                    r#"{{"field":"Contact","before":"","after":{{"result_of":"{}"}},"from":"changed","rule":"phone"}}]}}"#,
                    blake3_id(b"x")
                ),
            ]
            .concat(),
        ),
        (
            prefix("delete", "right", "r12"),
            right_only("r12"),
            [
                format!(r#""action":{{"id":"{action}","side":"right","target":{{"existing":"r12"}},"verb":"delete","#),
                r#""ground":{"gone":{"id":"c12","seen":"row c12 is not there"}},"#.to_owned(),
                r#""reason":"partner_gone","expects":"anything"}"#.to_owned(),
            ]
            .concat(),
        ),
        (
            prefix("cursor", "left", ""),
            left_only(""),
            concat!(
                r#""effect":{"cursor":{"side":"left","after":"00ff","#,
                r#""enumerated_at":"2024-05-01T09:00:00Z","enumerated":12}}"#
            )
            .to_owned(),
        ),
    ];
    assert_eq!(lines.len(), expected.len());
    for (line, (prefix, ids, body)) in lines.iter().zip(expected) {
        let ids: String = ids;
        let body: String = body;
        assert_eq!(*line, prefix + &rest(&ids, &body));
    }
}

fn blake3_id(part: &[u8]) -> String {
    crate::model::ActionId::derive(&[part]).to_string()
}

proptest! {
    // Catches: a line break inside a line, invalid JSON, or an observed record that leaks into the file.
    #[test]
    fn a_line_is_one_line_of_json_without_what_was_observed(entry in samples::any_entry("[a-z\n\"]{0,6}")) {
        let plain = line(&entry);
        prop_assert!(!plain.contains('\n'));
        prop_assert!(serde_json::from_str::<serde_json::Value>(&plain).unwrap()["entry"].is_object());
        let seen = Record::from_json(r#"{"secret": "QQQQ"}"#).unwrap();
        let observed = crate::plan::Entry { observed: Sides::new(Some(seen), None), ..entry };
        prop_assert_eq!(line(&observed), plain);
    }
}
