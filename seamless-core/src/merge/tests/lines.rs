//! Lists of child records that both sides changed, put together line by line.

use crate::mapper::ConflictPolicy;
use crate::merge::{CompiledLink, Judgement, merged};
use crate::model::{CanonicalForm, LineForm, Normaliser, Side, Value};

use super::fixture::{Op, TestMapper, computed, pair};

/// Lines are told apart by `no` on the left and `line` on the right; `note` and `extra` are carried by no rule.
fn link() -> std::sync::Arc<CompiledLink> {
    let mut rule = computed("lines", &["lines"], &["rows"]);
    rule.on_conflict = ConflictPolicy::Merge;
    let form = |key: &str, amount: &str| {
        let form = LineForm::new([key.into()], [(amount.into(), CanonicalForm::exact())]).unwrap();
        [Normaliser::Lines(form.into())]
    };
    TestMapper::new([rule])
        .with(|mapper| mapper.ops = vec![Op::Lines(&[("no", "line"), ("quantity", "amount")])])
        .form(Side::Left, "lines", form("no", "quantity"))
        .form(Side::Right, "rows", form("line", "amount"))
        .link()
}

/// Lines as `number text` with what no rule carries behind: `1 x note`.
fn row(side: Side, lines: &str) -> String {
    let (list, names) = match side {
        Side::Left => ("lines", ["no", "quantity", "note"]),
        Side::Right => ("rows", ["line", "amount", "extra"]),
    };
    let line = |line: &str| {
        let words = line.split_whitespace().zip(names).map(|(word, name)| format!(r#""{name}":"{word}""#));
        format!("{{{}}}", words.collect::<Vec<_>>().join(","))
    };
    let lines = lines.split(',').map(str::trim).filter(|text| !text.is_empty()).map(line);
    format!(r#"{{"{list}":{{"list":[{}]}}}}"#, lines.collect::<Vec<_>>().join(","))
}

/// What is written to each side, as [`row`] takes it.
fn put_together(base: [&str; 2], now: [&str; 2]) -> Option<[Option<String>; 2]> {
    let link = link();
    let rows = |[left, right]: [&str; 2]| [row(Side::Left, left), row(Side::Right, right)];
    let ([base_left, base_right], [left, right]) = (rows(base), rows(now));
    let case = pair(&link, [&base_left, &base_right], [&left, &right]);
    let found = case.ask(|case| merged(case, 0));
    if let Some(found) = &found {
        let writes = Side::BOTH.iter().any(|side| found.write.of(*side).is_some());
        assert_eq!(case.judgements()[0] == Judgement::Merge, writes, "the verdict asks for it");
    }
    let text = |value: Value| match value {
        Value::List(lines) => {
            let words = |record: &crate::model::Record| {
                let words =
                    record.fields().filter_map(|(_, held)| held.value()?.as_text().map(str::to_owned));
                words.collect::<Vec<_>>().join(" ")
            };
            lines.iter().map(words).collect::<Vec<_>>().join(", ")
        }
        other => panic!("{other}"),
    };
    let write = found?.write;
    Some([write.left.map(text), write.right.map(text)])
}

const BASE: [&str; 2] = ["1 x n1, 2 y n2, 3 z n3", "1 x e1, 2 y e2, 3 z e3"];

fn writes(left: &str, right: &str) -> Option<[Option<String>; 2]> {
    Some([left, right].map(|side| (!side.is_empty()).then(|| side.to_owned())))
}

// Catches: a line that is lost, that comes back, or whose fields that no rule carries are emptied.
#[test]
fn each_sides_lines_are_put_together() {
    // The left edits 1, adds 4; the right edits 2, removes 3, adds 5.
    assert_eq!(
        put_together(BASE, ["1 X n1, 2 y n2, 3 z n3, 4 a n4", "1 x e1, 2 Y e2, 5 b e5"]),
        writes("1 X n1, 2 Y n2, 4 a n4, 5 b", "1 X e1, 2 Y e2, 4 a, 5 b e5")
    );
    // Where one side has everything already only the other is written.
    assert_eq!(
        put_together(BASE, ["1 X n1, 2 Y n2, 3 z n3", "1 x e1, 2 Y e2, 3 z e3"]),
        writes("", "1 X e1, 2 Y e2, 3 z e3")
    );
    assert_eq!(put_together(BASE, ["1 x n1, 2 y n2", "2 y e2, 1 x e1"]), writes("", ""), "both removed it");
}

// Catches: the order of lines, or what no rule carries, taken for an edit.
#[test]
fn what_means_nothing_of_a_line_is_no_change() {
    assert_eq!(
        put_together(BASE, ["3 z n3, 1 X other, 2 y n2", "2 y other, 1 x e1, 3 Z e3"]),
        writes("3 Z n3, 1 X other, 2 y n2", "3 Z e3, 1 X e1, 2 y other")
    );
}

#[test]
fn a_line_that_both_changed_differently_is_for_a_person() {
    assert_eq!(put_together(BASE, ["1 X n1, 2 y n2, 3 z n3", "1 W e1, 2 y e2, 3 z e3"]), None);
    assert_eq!(put_together(BASE, ["2 y n2, 3 z n3", "1 W e1, 2 y e2, 3 z e3"]), None, "edited and removed");
    assert_eq!(put_together(BASE, ["1 x, 2 y, 3 z, 4 a", "1 x, 2 y, 3 z, 4 b"]), None, "added twice");
    assert_eq!(
        put_together(BASE, ["1 X n1, 2 y n2, 3 z n3, 4 a n4", "1 X e1, 2 y e2, 3 z e3"]),
        writes("", "1 X e1, 2 y e2, 3 z e3, 4 a"),
        "the same on both sides is no quarrel"
    );
}

// Catches: a difference that nobody made settled in passing, by a merge of other lines.
#[test]
fn lines_that_differed_before_are_not_put_together() {
    let apart = ["1 x, 2 y", "1 x, 2 other"];
    assert_eq!(put_together(apart, ["1 X, 2 y", "1 x, 2 other, 3 z"]), None);
    let twice = ["1 x, 2 y", "1 x, 2 y, 2 y"];
    assert_eq!(put_together(twice, ["1 X, 2 y", "1 x, 2 y, 2 y, 3 z"]), None, "once here and twice there");
    let same = ["1 x, 2 y, 2 y", "1 x, 2 y, 2 y"];
    assert_eq!(
        put_together(same, ["1 X, 2 y, 2 y", "1 x, 2 y, 2 y, 3 z"]),
        writes("1 X, 2 y, 2 y, 3 z", "1 X, 2 y, 2 y, 3 z")
    );
}

#[test]
fn what_is_no_list_or_has_no_base_is_not_put_together() {
    let link = link();
    let [left, right] = [row(Side::Left, "1 x"), row(Side::Right, "1 y")];
    let ask = |base: [&str; 2], now: [&str; 2]| pair(&link, base, now).ask(|case| merged(case, 0));
    assert_eq!(ask(["", ""], [&left, &right]), None);
    assert_eq!(ask([&left, &right], [r#"{"lines":"x"}"#, &right]), None);
    assert_eq!(ask([&left, &right], [&left, r#"{"rows":5}"#]), None);
    let same = row(Side::Right, "1 x");
    let cleared = ask([&left, &same], [r#"{"lines":null}"#, &same]).unwrap();
    assert_eq!(cleared.write.right, Some(Value::List(std::sync::Arc::default())), "nothing is no line");
}
