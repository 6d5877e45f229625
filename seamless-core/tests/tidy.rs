//! Laws of the repository that a compiler does not check. Each failure says how to obey.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fs;
use std::path::{Path, PathBuf};

/// The floors of the core, lowest first: a module may name modules of its own floor's line and of lines before it.
const FLOORS: [&[&str]; 6] = [
    &["model", "document"],
    &["clock", "secret", "connector", "mapper"],
    &["merge"],
    &["plan"],
    &["store"],
    &["sync", "testkit"],
];

/// Floors that know no clock, no randomness, no I/O and no async.
const PURE: [&str; 4] = ["model", "document", "merge", "plan"];

/// Longer files need a reason, said here: none does today.
const LONG: [(&str, &str); 0] = [];

const LINES_MAX: usize = 600;

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Every source file of the library with its path inside `src`; test modules left out.
fn files() -> Vec<(String, String)> {
    fn walk(folder: &Path, root: &Path, found: &mut Vec<(String, String)>) {
        let mut entries: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        entries.sort();
        for path in entries {
            if path.is_dir() {
                walk(&path, root, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
                if !name.contains("test") && !name.contains("arbitrary") && !name.contains("samples") {
                    found.push((name, fs::read_to_string(&path).unwrap()));
                }
            }
        }
    }
    let mut found = Vec::new();
    walk(&source(), &source(), &mut found);
    assert!(found.len() > 50, "the sources are not where this test looks for them");
    found
}

/// The code of a file: without comments and without its tests at the end.
fn code(text: &str) -> String {
    let library = text.split("#[cfg(test)]").next().unwrap_or_default();
    let lines = library.lines().map(|line| line.split("//").next().unwrap_or_default());
    lines.collect::<Vec<_>>().join("\n")
}

fn floor_of(module: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| floor.contains(&module))
}

// Catches: a `use crate::sync` in the plan floor, and a path `crate::store::..` in the middle of an expression.
#[test]
fn imports_only_go_down_the_floors() {
    let mut upward = Vec::new();
    for (name, text) in files() {
        let module = name.split(['/', '.']).next().unwrap_or_default().to_owned();
        let Some(own) = floor_of(&module) else { continue };
        let code = code(&text);
        for place in code.match_indices("crate::").map(|(at, _)| at + "crate::".len()) {
            let named: String =
                code[place..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            if floor_of(&named).is_some_and(|floor| floor > own) {
                upward.push(format!("{name} names crate::{named}"));
            }
        }
    }
    assert!(upward.is_empty(), "move what is shared to the lower floor:\n{}", upward.join("\n"));
}

#[test]
fn pure_floors_know_no_clock_no_randomness_no_io_and_no_async() {
    let forbidden = [
        "std::time::SystemTime",
        "std::time::Instant",
        "Utc::now",
        "std::fs",
        "std::net",
        "std::env",
        "async fn",
        ".await",
        "rand::",
        "std::thread",
        "thread_rng",
    ];
    let mut broken = Vec::new();
    for (name, text) in files() {
        if !PURE.iter().any(|floor| name.starts_with(&format!("{floor}/"))) {
            continue;
        }
        let code = code(&text);
        broken.extend(
            forbidden.iter().filter(|word| code.contains(**word)).map(|word| format!("{name}: {word}")),
        );
    }
    assert!(broken.is_empty(), "take what is needed as an argument:\n{}", broken.join("\n"));
}

#[test]
fn every_file_opens_with_a_page_that_says_what_it_is() {
    let bare: Vec<String> =
        files().into_iter().filter(|(_, text)| !text.starts_with("//!")).map(|(name, _)| name).collect();
    assert!(
        bare.is_empty(),
        "say in `//!` what the file is, what it does not know, which function is its door: {bare:?}"
    );
}

#[test]
fn files_hold_one_idea() {
    let long: Vec<String> = files()
        .into_iter()
        .map(|(name, text)| (text.split("#[cfg(test)]").next().unwrap_or_default().lines().count(), name))
        .filter(|(lines, name)| *lines > LINES_MAX && !LONG.iter().any(|(known, _)| known == name))
        .map(|(lines, name)| format!("{name}: {lines} lines"))
        .collect();
    assert!(long.is_empty(), "find the second idea, or give a reason in LONG:\n{}", long.join("\n"));
}

#[test]
fn no_room_is_called_by_what_it_is_not() {
    let vague: Vec<String> = files()
        .into_iter()
        .map(|(name, _)| name)
        .filter(|name| ["utils", "helpers", "common", "misc"].iter().any(|word| name.contains(word)))
        .collect();
    assert!(vague.is_empty(), "name a file after its idea: {vague:?}");
}
