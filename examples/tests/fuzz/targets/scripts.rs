//! Scripts of the simulated world: a script reads back from what it is displayed as; what is refused names its line.

use seamless_core::testkit::world::Script;

use super::{Target, nothing, refused};

/// Scripts.
pub(crate) const TARGET: Target = Target { name: "script", run, made: nothing, words: WORDS };

const WORDS: &[&str] = &[
    "left: ",
    "right: ",
    "left ",
    "right ",
    "run\n",
    "run crash=",
    "at ",
    "wait ",
    "things: ",
    "cautious\n",
    "unbounded\n",
    "create ",
    "edit ",
    "delete ",
    "refer ",
    "merge ",
    "fault ",
    "lost-reply",
    "lost-request",
    "lag=",
    "full",
    "no-feed",
    "0.0",
    "18446744073709551615",
    "# ",
    "\n",
    "  ",
];

fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match Script::parse(text) {
        Ok(script) => {
            let shown = script.to_string();
            let again = Script::parse(&shown).unwrap_or_else(|error| panic!("{error}\n{shown}"));
            assert_eq!(again, script, "{shown}");
            assert_eq!(again.to_string(), shown);
        }
        Err(error) => {
            refused(&error, true);
            let line = error.context().find(|(what, _)| *what == "line").map(|(_, line)| line.to_owned());
            let line: usize = line.unwrap().parse().unwrap();
            assert!((1..=text.lines().count()).contains(&line), "{error}");
        }
    }
}
