//! Files of a project of the workbench: its environment and its mapping beside it. Any text in them ends a command with an
//! exit code and words about a place or a remedy, never with a panic. Not run guided by coverage: it is a program.

use std::ffi::OsString;

use seamless_core::sync::Cancel;

use super::app;
use super::targets::{Target, nothing};

/// Environments.
pub(crate) const TARGET: Target = Target { name: "environment", run, made: nothing, words: WORDS };

const WORDS: &[&str] = &[
    "connectors: ",
    "parameters: ",
    "companies: ",
    "kind: ",
    "sqlite",
    "csv",
    "jsonl",
    "path: ",
    "${env:A}",
    "${file:secret}",
    "$${",
    "${",
    "}",
    "{ ",
    " }",
    ": ",
    "\n",
    "  ",
    "delimiter: ",
    "create: ",
    "tables: ",
    "keys: ",
    "schemas: ",
    "null: ",
    "1e400",
    "18446744073709551616",
    "~",
    "[",
    "]",
];

const MAPPING: &str = "
integration: i
sides: { l: a, r: b }
parameters: { p: { type: text, default: x } }
links:
  - { id: k, l: A, r: B, match: none, rules: [ 'a <-> b', 'const ${p} -> c' ] }
";

fn run(bytes: &[u8]) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    std::fs::create_dir(path.join("environments")).unwrap();
    std::fs::write(path.join("environments/dev.yaml"), bytes).unwrap();
    std::fs::write(path.join("integration.yaml"), MAPPING).unwrap();
    std::fs::write(path.join("secret"), "a: b # }\n").unwrap();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut host = app::Host {
        asks: false,
        bars: false,
        colour: false,
        width: Some(100),
        input: &mut std::io::empty(),
        out: &mut out,
        err: &mut err,
        cancel: Cancel::new(),
        variable: std::sync::Arc::new(|name| (name == "A").then(|| "it's: [ } # a".to_owned())),
    };
    let args = ["workbench", "--project", path.to_str().unwrap(), "--env", "dev", "--by", "kim", "test"];
    let code = app::run(args.iter().map(OsString::from), &mut host);
    let (out, err) = (String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap());
    assert!((0..=5).contains(&code), "{code}: {err}");
    assert!(code == 0 || !err.trim().is_empty() || !out.trim().is_empty(), "{code} without words");
    assert!(!err.contains("report this"), "{err}");
}
