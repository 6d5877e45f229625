//! `docs/hard-cases.md` and the sources say the same: every case stands there once, every test that it names exists, and
//! every test that is named after a case stands there.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

const CASES: usize = 118;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The rows of the page: case and what stands in its last column.
fn rows() -> Vec<(usize, String)> {
    let page = fs::read_to_string(root().join("docs/hard-cases.md")).unwrap();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| H"));
    rows.map(|line| {
        let columns: Vec<&str> = line.trim_end_matches('|').split('|').map(str::trim).collect();
        assert_eq!(columns.len(), 3, "docs/hard-cases.md: a row has three columns, not: | H{line}");
        (columns[0].parse().unwrap(), columns[2].to_owned())
    })
    .collect()
}

/// Every Rust source of the repository, by its path from the root.
fn sources() -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() && name != "target" && !name.starts_with('.') {
                folders.push(path);
            } else if name.ends_with(".rs") {
                let from_root = path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/");
                found.insert(from_root, fs::read_to_string(&path).unwrap());
            }
        }
    }
    found
}

/// The cases that a test is named after: `h05_h07_i15_words` is about 5 and 7.
fn cases_of(name: &str) -> Vec<usize> {
    let number = |part: &str, letter: char| part.strip_prefix(letter)?.parse::<usize>().ok();
    name.split('_')
        .take_while(|part| number(part, 'h').is_some() || number(part, 'i').is_some())
        .filter_map(|part| number(part, 'h'))
        .collect()
}

/// The names of functions that begin with a case.
fn named_after_cases(source: &str) -> impl Iterator<Item = &str> {
    let names = source.lines().filter_map(|line| line.trim_start().strip_prefix("fn "));
    names.filter_map(|rest| rest.split('(').next()).filter(|name| !cases_of(name).is_empty())
}

#[test]
fn every_case_is_listed_once() {
    let listed: Vec<usize> = rows().into_iter().map(|(case, _)| case).collect();
    let expected: Vec<usize> = (1..=CASES).collect();
    assert_eq!(listed, expected, "docs/hard-cases.md: list H01 to H{CASES} once each, in order");
}

#[test]
fn every_status_is_a_test_that_exists_or_says_why_there_is_none() {
    let sources = sources();
    for (case, status) in rows() {
        let tests: Vec<&str> = status.split("<br>").filter_map(|part| part.strip_prefix('`')).collect();
        if tests.is_empty() {
            let says = status == "not yet"
                || status.strip_prefix("does not apply: ").is_some_and(|why| !why.is_empty());
            assert!(
                says,
                "docs/hard-cases.md, H{case:02}: write `file::test`, `not yet` or `does not apply: <why>`"
            );
        }
        for test in tests {
            let (file, name) = test.trim_end_matches('`').split_once("::").unwrap();
            let exists = sources.iter().any(|(path, source)| {
                format!("/{path}").ends_with(&format!("/{file}")) && source.contains(&format!("fn {name}("))
            });
            assert!(
                exists,
                "docs/hard-cases.md, H{case:02}: there is no {test}; correct the row or write the test"
            );
        }
    }
}

#[test]
fn every_test_that_is_named_after_a_case_is_listed() {
    let rows: BTreeMap<usize, String> = rows().into_iter().collect();
    let mut seen = 0;
    for (path, source) in sources() {
        for name in named_after_cases(&source) {
            seen += 1;
            for case in cases_of(name) {
                let listed = rows.get(&case).is_some_and(|status| status.contains(&format!("::{name}`")));
                assert!(listed, "docs/hard-cases.md: add `{path}::{name}` to the row of H{case:02}");
            }
        }
    }
    assert!(seen > 30, "only {seen} tests are named after cases; the search is broken");
}
