//! Comparing a plan with a file that a person has read: `cargo test` then says what a change of the mapping, of the
//! data or of this SDK would do differently. The door is [`assert_plan`].
//!
//! What changes from run to run is left out: ids of plans and systems, times, cursors, digests. Values are in the
//! file; use made-up data.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::model::{Error, ErrorKind, Result};
use crate::plan::Rank;
use crate::plan::render::{TextOptions, TextRenderer};
use crate::sync::Plan;

/// The environment variable that, set to anything but `0` or nothing, makes [`assert_plan`] write the file instead of
/// comparing.
pub const UPDATE: &str = "SEAMLESS_UPDATE";

/// Unchanged lines that a difference shows around what changed.
const CONTEXT_LINES: usize = 3;

/// Compares the plan with the one in a file.
///
/// Errors: the plan differs, with the lines that do ([`ErrorKind::Conflict`]); the file is not there
/// ([`ErrorKind::NotFound`]); both say how to write the file. Never panics: `unwrap` is the test's to say.
pub async fn assert_plan(plan: &Plan, path: impl AsRef<Path>) -> Result<()> {
    let update = std::env::var_os(UPDATE).is_some_and(|value| !value.is_empty() && value != "0");
    compare(&stable_text(plan).await?, path.as_ref(), update)
}

/// The plan as text without what changes from run to run.
pub async fn stable_text(plan: &Plan) -> Result<String> {
    let failed = |_: std::fmt::Error| Error::new(ErrorKind::Internal, "a plan cannot be written as text");
    let mut text = String::new();
    let mut renderer = TextRenderer::new(&mut text, TextOptions::default());
    renderer.head(plan.head()).map_err(failed)?;
    plan.each(|entry| match entry.key.rank {
        // Where reading goes on is different every time.
        Rank::Cursor => Ok(()),
        _ => renderer.entry(entry).map_err(failed),
    })
    .await?;
    renderer.finish(plan.trailer()).map_err(failed)?;
    Ok(without_ids(&text))
}

/// The first paragraph names the plan and its systems, and one line the digest.
fn without_ids(text: &str) -> String {
    let body = text.split_once("\n\n").map_or("", |(_, body)| body);
    let mut lines: Vec<&str> =
        body.lines().map(str::trim_end).filter(|line| !line.starts_with("An approval binds")).collect();
    while lines.last().is_some_and(|line| line.is_empty()) {
        lines.pop();
    }
    lines.join("\n") + "\n"
}

fn compare(text: &str, path: &Path, update: bool) -> Result<()> {
    let io = |doing: &str, cause: std::io::Error| {
        Error::new(ErrorKind::Unavailable, format!("{doing} the stored plan failed"))
            .at("file", path.display())
            .caused_by(cause)
    };
    if update {
        return fs::write(path, text).map_err(|cause| io("writing", cause));
    }
    let stored = match fs::read_to_string(path) {
        // A checkout may have changed the ends of lines.
        Ok(stored) => stored.replace("\r\n", "\n"),
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => {
            return Err(Error::new(ErrorKind::NotFound, "there is no stored plan")
                .at("file", path.display())
                .with_remedy(format!("run the test once with {UPDATE}=1, then read the file")));
        }
        Err(cause) => return Err(io("reading", cause)),
    };
    if stored == text {
        return Ok(());
    }
    let message = format!("the plan is not the stored one\n{}", difference(&stored, text));
    Err(Error::new(ErrorKind::Conflict, message)
        .at("file", path.display())
        .with_remedy(format!("if the new plan is right, run the test with {UPDATE}=1")))
}

/// The lines between the first and the last that differ, stored ones with `-`, new ones with `+`, and a few around.
fn difference(stored: &str, new: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (stored.lines().collect(), new.lines().collect());
    let same = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
    let most = old.len().min(new.len()) - same;
    let tail = old.iter().rev().zip(new.iter().rev()).take(most).take_while(|(old, new)| old == new).count();
    let after = old.len() - tail;
    let sections = [
        (' ', old.get(same.saturating_sub(CONTEXT_LINES)..same)),
        ('-', old.get(same..after)),
        ('+', new.get(same..new.len() - tail)),
        (' ', old.get(after..(after + CONTEXT_LINES).min(old.len()))),
    ];
    let mut text = String::new();
    for (mark, lines) in sections {
        for line in lines.unwrap_or_default() {
            // Writing into a string does not fail.
            let _ = writeln!(text, "{mark} {line}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{compare, difference, without_ids};
    use crate::model::ErrorKind;

    #[test]
    fn what_changes_from_run_to_run_is_left_out() {
        let text = "Plan 7 (partition p), made 2024\ncrm: x (y)\n\ncustomers: create in erp\n  one\n\nIn all\n  1\n\
                    An approval binds to the digest 00\n\n";
        assert_eq!(without_ids(text), "customers: create in erp\n  one\n\nIn all\n  1\n");
    }

    #[test]
    fn a_difference_shows_what_was_what_is_and_a_little_around() {
        let old = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";
        let new = "1\n2\n3\n4\nfive\n6\n7\n8\n9\n";
        assert_eq!(difference(old, new), "  2\n  3\n  4\n- 5\n+ five\n  6\n  7\n  8\n");
        assert_eq!(difference("a\na\n", "a\n"), "  a\n- a\n");
        assert_eq!(difference("", "a\n"), "+ a\n");
    }

    #[test]
    fn a_plan_is_compared_written_and_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plan.txt");
        let missing = compare("a\n", &path, false).unwrap_err();
        assert_eq!(missing.kind(), ErrorKind::NotFound);
        assert!(missing.remedy().unwrap().contains("SEAMLESS_UPDATE=1"));
        compare("a\n", &path, true).unwrap();
        compare("a\n", &path, false).unwrap();
        std::fs::write(&path, "a\r\n").unwrap();
        compare("a\n", &path, false).unwrap();
        let changed = compare("b\n", &path, false).unwrap_err();
        assert_eq!(changed.kind(), ErrorKind::Conflict);
        assert!(changed.message().contains("- a\n+ b"), "{changed}");
    }
}
