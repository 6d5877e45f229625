//! The text that README shows is the program that runs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use std::path::Path;

const EMBED: &str = include_str!("../embed.rs");

#[test]
fn it_is_at_most_forty_lines() {
    assert!(EMBED.lines().count() <= 40, "{} lines", EMBED.lines().count());
}

#[test]
fn it_runs() {
    let run = std::process::Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--package", "seamless-examples", "--example", "embed"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    assert!(text.contains("customers: update in crm"), "{text}");
    assert!(text.contains("3 writes, 0 dropped"), "{text}");
}

// Catches: a README whose first program nobody has compiled.
#[test]
fn the_readme_shows_exactly_this_text() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let Ok(readme) = std::fs::read_to_string(readme) else { return };
    assert!(
        readme.replace("\r\n", "\n").contains(&format!("```rust\n{EMBED}```")),
        "README.md must show examples/embed.rs as it is, in a block that begins with ```rust"
    );
}
