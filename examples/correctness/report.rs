//! The tables of harm, and the same figures as JSON. Knows nothing of how they were found. The doors are [`show`] and
//! [`json`].

use std::time::Duration;

use seamless_core::testkit::world::{Figures, Harm, Level};
use serde_json::{Value, json};

use crate::rules::Rule;
use crate::schedules::{Order, Played};
use crate::terminal::{lines, number, numbers, say, title};

/// The harms that have columns, with what stands above them.
const COLUMNS: [(Harm, &str); 7] = [
    (Harm::LostUpdate, "lost\nupdates"),
    (Harm::FalseConflict, "false\nconflicts"),
    (Harm::EchoWrite, "echo\nwrites"),
    (Harm::Duplicate, "dupli-\ncates"),
    (Harm::WrongDelete, "wrong\ndeletes"),
    (Harm::Invention, "inven-\ntions"),
    (Harm::Disagreement, "silent\ndiffs"),
];

/// Violations, and in brackets what the table of promises allows there.
fn cell((owed, allowed): (u64, u64)) -> String {
    match allowed {
        0 => number(owed),
        _ => format!("{} ({})", number(owed), number(allowed)),
    }
}

fn counts(figures: &Figures, harm: Harm) -> (u64, u64) {
    (figures.tally.violations(harm), figures.tally.allowed(harm))
}

/// Everything that has no column of its own.
fn others(figures: &Figures) -> (u64, u64) {
    let rest = Harm::ALL.into_iter().filter(|harm| COLUMNS.iter().all(|(of, _)| of != harm));
    rest.map(|harm| counts(figures, harm)).fold((0, 0), |sum, more| (sum.0 + more.0, sum.1 + more.1))
}

fn harms(figures: &Figures) -> Vec<String> {
    let columns = COLUMNS.iter().map(|(harm, _)| cell(counts(figures, *harm)));
    columns.chain([cell(others(figures))]).collect()
}

fn header<'a>(before: &[&'a str]) -> Vec<&'a str> {
    let columns = COLUMNS.iter().map(|(_, words)| *words);
    before.iter().copied().chain(columns).chain(["others"]).collect()
}

/// Prints what was played.
pub(crate) fn show(order: &Order, played: &Played, levels: bool) {
    let held = played.of_rule(order.held);
    title(&format!(
        "{} schedules under the rule {}: {} edits, {} faults, {} crashes",
        number(order.count),
        order.held.name(),
        number(held.edits),
        number(held.faults),
        number(held.crashes),
    ));
    say(
        "One system can do everything, the other what its level says. A number is a harm whose absence is promised \
         there; in brackets, what the table of promises allows (docs/guarantees.md). Silent diffs: the sides differ in \
         the end, and nothing says so. Others: resurrections, unsound bases, what never becomes quiet.",
        0,
    );
    lines("");
    by_level(played, order.held);
    if order.rules.len() > 1 {
        title("The same schedules under other rules");
        for rule in &order.rules {
            say(&format!("{:<13} {}", rule.name(), rule.sentence()), 14);
        }
        lines("");
        numbers(
            &header(&["rule", "writes"]),
            &order.rules.iter().map(|rule| of_rule(played, *rule)).collect::<Vec<_>>(),
        );
    }
    for rule in order.rules.iter().filter(|rule| levels && **rule != order.held) {
        title(&format!("The rule {} by level", rule.name()));
        by_level(played, *rule);
    }
}

fn of_rule(played: &Played, rule: Rule) -> Vec<String> {
    let figures = played.of_rule(rule);
    let mut row = vec![rule.name().to_owned(), number(figures.writes)];
    row.extend(harms(&figures));
    row
}

fn by_level(played: &Played, rule: Rule) {
    let row = |name: &str, figures: &Figures| {
        let mut row = vec![name.to_owned(), number(figures.scripts)];
        row.extend(harms(figures));
        row
    };
    let of_level = |level: Level| played.figures.get(&(rule, level)).map(|of| row(level.name(), of));
    let mut rows: Vec<Vec<String>> = Level::ALL.into_iter().filter_map(of_level).collect();
    rows.push(row("all", &played.of_rule(rule)));
    numbers(&header(&["level", "schedules"]), &rows);
}

/// Every figure.
pub(crate) fn json(order: &Order, played: &Played, took: Duration) -> Value {
    let figures = |figures: &Figures| {
        let harm = |harm: Harm| {
            let (violations, allowed) = counts(figures, harm);
            (harm.words().to_owned(), json!({ "violations": violations, "allowed": allowed }))
        };
        json!({
            "schedules": figures.scripts,
            "edits": figures.edits,
            "runs": figures.runs,
            "writes": figures.writes,
            "faults": figures.faults,
            "crashes": figures.crashes,
            "harms": Harm::ALL.map(harm).into_iter().collect::<serde_json::Map<_, _>>(),
        })
    };
    let rule = |rule: &Rule| {
        let of_level = |level: Level| {
            let of = played.figures.get(&(*rule, level))?;
            Some((level.name().to_owned(), figures(of)))
        };
        let levels: serde_json::Map<String, Value> = Level::ALL.into_iter().filter_map(of_level).collect();
        let sentence = rule.sentence();
        let all = figures(&played.of_rule(*rule));
        (rule.name().to_owned(), json!({ "rule": sentence, "all": all, "levels": levels }))
    };
    json!({
        "seed": order.first,
        "schedules": order.count,
        "mode": order.kind.name(),
        "threads": order.threads,
        "store": order.store.name(),
        "held": order.held.name(),
        "failed": played.failed.iter().map(|(seed, found)| json!({ "seed": seed, "finding": found.to_string() }))
            .collect::<Vec<_>>(),
        "milliseconds": u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        "rules": order.rules.iter().map(rule).collect::<serde_json::Map<_, _>>(),
    })
}
