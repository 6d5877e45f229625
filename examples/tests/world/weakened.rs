//! The scripts that show what becomes of the engine without one of its rules (`weakened/`), played by the engine with all of
//! them: a script that does harm anyway would show nothing. That they do harm without the rule is for `weakened/run` to say.

use std::path::PathBuf;

use seamless_core::testkit::world::{Harm, Mode, Script};

use super::{mode_of, subject_of};

/// What stands in front of a patch, by its name.
fn heads() -> Vec<(String, String)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../weakened");
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let patches = files.filter(|file| file.extension().is_some_and(|extension| extension == "patch"));
    let mut heads: Vec<(String, String)> = patches
        .map(|file| {
            let text = std::fs::read_to_string(&file).unwrap();
            let head = text.split("diff --git ").next().unwrap_or_default().to_owned();
            (file.file_stem().unwrap().to_string_lossy().into_owned(), head)
        })
        .filter(|(name, _)| name != "base")
        .collect();
    heads.sort();
    heads
}

fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| Some(line.strip_prefix(name)?.strip_prefix(':')?.trim()))
}

fn script_of(head: &str) -> Option<Script> {
    let lines: Vec<&str> = head.lines().filter_map(|line| line.strip_prefix("    ")).collect();
    (!lines.is_empty()).then(|| Script::parse(&lines.join("\n")).unwrap())
}

#[test]
fn a_script_that_shows_a_weakening_does_no_harm_to_the_engine_as_it_is() {
    let mut played = 0;
    for (name, head) in heads() {
        let Some(script) = script_of(&head) else { continue };
        let subject = subject_of(field(&head, "subject").unwrap_or_default());
        let mode: Mode = mode_of(field(&head, "mode").unwrap_or_default());
        let outcome = mode.play(&subject, &script).unwrap();
        assert!(outcome.violation().is_none(), "{name}: {:#?}", outcome.findings);
        played += 1;
    }
    assert!(played > 30, "{played} scripts");
}

#[test]
fn every_weakening_says_what_it_leaves_out_what_that_breaks_and_who_notices() {
    let page =
        std::fs::read_to_string(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../weakened/README.md"));
    let page = page.unwrap();
    for (name, head) in heads() {
        for said in ["rule", "breaks", "shown-by"] {
            assert!(field(&head, said).is_some_and(|said| !said.is_empty()), "{name} does not say: {said}");
        }
        let is_played = field(&head, "shown-by") == Some("world");
        assert_eq!(is_played, script_of(&head).is_some(), "{name}: the world is shown a script");
        let harm = field(&head, "harm");
        assert_eq!(
            is_played,
            harm.is_some_and(|harm| Harm::ALL.iter().any(|of| of.words() == harm)),
            "{name}"
        );
        assert!(page.contains(&format!("| `{name}` |")), "weakened/README.md does not name {name}");
    }
}
