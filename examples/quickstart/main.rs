//! The first thing to run: a CRM and an ERP that have never met, kept in step both ways.
//!
//! ```text
//! cargo run --release --example quickstart [-- --dir FOLDER]
//! ```
//!
//! Makes two SQLite databases with companies and people from a fixed seed, tells the story of their first day together
//! in the terminal, and has the end state judged by SQL that shares no line with the SDK (`world/`). What a host has to
//! write is in `systems.rs`, what it asks of people in `integration.yaml`.

mod folder;
mod story;
mod systems;
mod terminal;
mod watch;
mod world;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use terminal::{bad, quiet, say};
use world::Outcome;

/// Where the folder is made when nobody says otherwise; git is told to look away from it.
const FOLDER: &str = "quickstart-demo";
/// The same seed gives the same companies, people and differences.
const SEED: u64 = 2026;

fn main() -> ExitCode {
    let began = Instant::now();
    match run() {
        Ok(true) => {
            quiet(format!("{:.1} s in all", began.elapsed().as_secs_f64()));
            ExitCode::SUCCESS
        }
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            bad(error);
            ExitCode::FAILURE
        }
    }
}

fn run() -> Outcome<bool> {
    let (mut folder, mut child) = (PathBuf::from(FOLDER), None);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match (argument.as_str(), arguments.next()) {
            ("--dir", Some(named)) => folder = PathBuf::from(named),
            (story::crash::CHILD, Some(plan)) => child = Some(plan),
            _ => return Err("usage: quickstart [--dir FOLDER]".into()),
        }
    }
    match child {
        Some(plan) => story::crash::apply_until_killed(&folder, &plan).map(|()| true),
        None => told(&folder),
    }
}

fn told(folder: &Path) -> Outcome<bool> {
    say("Seamless: two business systems, one day, every step shown before it is done.");
    folder::prepare(folder)?;
    let world = world::create(folder, SEED)?;
    story::tell(folder.to_owned(), world)
}
