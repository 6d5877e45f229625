//! Our own integration in the simulated world: random schedules over systems that can more or less, and are odd. A seed that
//! fails prints a short script. `WORLD_SEED` begins at another seed, `WORLD_SCRIPTS` plays more scripts, and `WORLD_SCRIPT`
//! replays the script in a file.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod answers;
mod broken;
mod broken_store;
mod decided;
mod found;
mod lagging;
mod merged;
mod needless;
mod refused;
mod renamed;
mod repeats;
mod subject;
mod weakened;

use std::sync::Arc;

use seamless_core::model::Sides;
use seamless_core::store::SqliteStore;
use seamless_core::testkit::world::{
    Figures, Harm, Kind, Level, Mode, Script, Subject, Weather, play, search, tell,
};

use subject::{subject, unswept};

fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|number| number.parse().ok()).unwrap_or(usual)
}

fn seeds(usual: u64) -> std::ops::Range<u64> {
    let first = number("WORLD_SEED", 1);
    first..first + number("WORLD_SCRIPTS", usual)
}

/// The weather that a variable names.
fn weather() -> Weather {
    let usual = Weather::default();
    match word("WORLD_WEATHER").as_str() {
        "" | "default" => usual,
        "plain" => Weather { oddities_max: 0, upheavals: false, silent: false, ..usual },
        "odd" => Weather { upheavals: false, silent: false, ..usual },
        "lies" => Weather { lies: true, ..usual },
        "restores" => Weather { restores: true, ..usual },
        "unbounded" => Weather { unbounded: true, ..usual },
        "unordered" => unordered(),
        "calm" => calm(),
        "fed" => fed(),
        other => panic!("no weather is called {other}"),
    }
}

/// An integration by its name.
fn subject_of(name: &str) -> Subject {
    match name {
        "" | "swept" => subject(),
        "unswept" => unswept(),
        other => panic!("no integration is called {other}"),
    }
}

/// What is done with each script, by its name.
fn mode_of(name: &str) -> Mode {
    match name {
        "" | "schedules" => Mode::Schedules,
        "planner" => Mode::Planner,
        "mirror" => Mode::Mirror,
        "crashes" => Mode::Crashes,
        other => panic!("no mode is called {other}"),
    }
}

fn word(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}

fn tried() -> Subject {
    subject_of(&word("WORLD_SUBJECT"))
}

fn mode() -> Mode {
    mode_of(&word("WORLD_MODE"))
}

fn check(weather: &Weather, mode: Mode, scripts: u64) -> Figures {
    let figures = search(&subject(), weather, mode, seeds(scripts)).unwrap();
    if let Some(failure) = &figures.failure {
        let replay = "WORLD_SCRIPT=the-file cargo test -p seamless-examples --test world script_in";
        panic!("{failure}\nto replay it from a file: {replay}");
    }
    figures
}

#[test]
fn i8_to_i28_whatever_happens_before_it_becomes_quiet() {
    check(&Weather::default(), Mode::Schedules, 150);
}

#[test]
fn i10_to_i26_whatever_happens_and_goes_on_happening() {
    check(&Weather { unbounded: true, ..Weather::default() }, Mode::Schedules, 150);
}

/// A sweep would find hours later what a plan forgot.
#[test]
fn i9_what_a_feed_shows_once_is_not_forgotten_where_nothing_is_read_from_the_start() {
    let figures = search(&unswept(), &fed(), Mode::Schedules, seeds(100)).unwrap();
    if let Some(failure) = &figures.failure {
        panic!("{failure}");
    }
}

#[test]
fn the_same_over_a_store_of_sqlite() {
    let subject = subject().store(|clock| Ok(Arc::new(SqliteStore::open_in_memory(clock.clone())?)));
    let figures = search(&subject, &Weather::default(), Mode::Schedules, seeds(15)).unwrap();
    if let Some(failure) = &figures.failure {
        panic!("{failure}");
    }
}

/// No order is promised, so that records can come in any.
fn unordered() -> Weather {
    let levels = vec![Level::NoOrder];
    Weather { levels: Sides::new(levels.clone(), levels), ..calm() }
}

/// Two systems whose feeds show every change once, and nothing behind their backs.
fn fed() -> Weather {
    let levels = vec![
        Level::Full,
        Level::NoConditionalUpdate,
        Level::WritesReturnNothing,
        Level::WritesReturnVersion,
        Level::NoUniqueKey,
        Level::OneByOne,
    ];
    Weather {
        levels: Sides::new(levels.clone(), levels),
        oddities_max: 0,
        upheavals: false,
        silent: false,
        ..Weather::default()
    }
}

/// Nothing goes wrong, and nobody acts while the integration runs.
fn calm() -> Weather {
    Weather {
        oddities_max: 0,
        faults: false,
        rushes: false,
        upheavals: false,
        silent: false,
        ..Weather::default()
    }
}

#[test]
fn i17_one_graph_that_is_edited_twice_gives_one_plan_in_any_order_and_then_nothing_is_left() {
    check(&unordered(), Mode::Planner, 60);
}

#[test]
fn i16_sides_that_change_places_end_in_the_mirrored_picture() {
    check(&calm(), Mode::Mirror, 60);
}

#[test]
fn i27_processes_that_die_change_nothing_in_the_end() {
    check(&Weather::default(), Mode::Crashes, 60);
}

#[test]
fn a_script_in_a_file_is_replayed() {
    let Ok(file) = std::env::var("WORLD_SCRIPT") else { return };
    let script = Script::parse(&std::fs::read_to_string(file).unwrap()).unwrap();
    let (mode, tried) = (mode(), tried());
    let (outcome, story) = match mode {
        Mode::Schedules => tell(&tried, &script).unwrap(),
        Mode::Planner | Mode::Mirror | Mode::Crashes => (mode.play(&tried, &script).unwrap(), Vec::new()),
    };
    println!("{}", story.join("\n"));
    for finding in &outcome.findings {
        println!("{} {finding}", if finding.owed { "VIOLATION" } else { "allowed" });
    }
    println!("{}", outcome.picture.join("\n"));
    assert!(outcome.violation().is_none());
}

#[test]
fn a_script_is_read_back_as_it_is_shown() {
    let weather = Weather { lies: true, ..Weather::default() };
    for seed in 0..300 {
        let script = Script::draw(seed, 2, &weather);
        assert_eq!(Script::parse(&script.to_string()).unwrap(), script, "seed {seed}:\n{script}");
    }
    for wrong in
        ["left: fast", "left fly 0.1", "run slowly", "at 3 left create 0.0", "left edit 0.0", "wait long"]
    {
        let error = Script::parse(&format!("left: full\n{wrong}\n")).unwrap_err();
        assert_eq!(error.kind(), seamless_core::ErrorKind::Configuration, "{wrong}");
        let text = error.to_string();
        assert!(text.contains("line 2") && error.remedy().is_some(), "{wrong}: {text}");
    }
}

/// A script that speaks of nothing tests nothing, and would pass.
#[test]
fn a_deed_of_a_kind_or_a_thing_that_is_not_there_is_an_error_and_no_success() {
    for wrong in ["left create 2.0", "left create 0.2", "left merge 0.0 2", "run\n  at 3 right create 0.7"] {
        let script = Script::parse(&format!("things: 2\n{wrong}\n")).unwrap();
        let error = play(&subject(), &script).unwrap_err();
        assert_eq!(error.kind(), seamless_core::ErrorKind::Configuration, "{wrong}");
    }
}

/// Otherwise the oracle would find harm in what nobody mapped, and the host would look for it in its integration.
#[test]
fn kinds_that_the_mapping_does_not_carry_are_an_error_and_no_harm() {
    let wrong = |change: fn(&mut Kind)| {
        let mut kinds = subject::kinds();
        change(&mut kinds[0]);
        let subject = Subject::new(kinds, subject::integration).unwrap();
        let script = Script::parse("things: 2").unwrap();
        play(&subject, &script).unwrap_err().to_string()
    };
    assert!(wrong(|kind| kind.link = "customer".into()).contains("customer"));
    assert!(wrong(|kind| kind.carried[0].rule = "name".into()).contains("rule name"));
    assert!(wrong(|kind| kind.entity.left.name = "contact".into()).contains("kind contact"));
}

#[test]
fn the_same_seed_gives_the_same_world() {
    for seed in 0..20 {
        let script = Script::draw(seed, 2, &Weather::default());
        let outcome = || {
            let outcome = play(&subject(), &script).unwrap();
            (outcome.picture, outcome.findings, outcome.writes, outcome.edits)
        };
        assert_eq!(outcome(), outcome(), "seed {seed}");
    }
}

#[test]
fn a_seed_that_fails_is_made_short_and_its_script_fails_in_the_same_way() {
    let figures =
        search(&broken::subject_that_says_gone(), &Weather::default(), Mode::Schedules, 1..2000).unwrap();
    let failure = figures.failure.expect("no seed of these hides a record");
    let text = failure.script.to_string();
    assert!(failure.script.steps.len() <= 6, "it is not short:\n{text}");
    let again = play(&broken::subject_that_says_gone(), &Script::parse(&text).unwrap()).unwrap();
    assert_eq!(again.violation(), Some(&failure.finding));
}

/// The first seed that fails, for who looks for one: in whatever weather and mode, for an engine that is weakened on purpose.
#[test]
fn a_seed_that_fails_is_looked_for() {
    let Ok(count) = std::env::var("WORLD_SEARCH") else { return };
    let seeds = seeds(count.parse().unwrap());
    let figures = search(&tried(), &weather(), mode(), seeds).unwrap();
    match &figures.failure {
        Some(failure) => println!("FOUND after {} scripts\n{failure}", figures.scripts),
        None => println!("NOTHING in {} scripts", figures.scripts),
    }
}

/// What the seeds of a range fail with, for who works on the world itself.
#[test]
fn survey() {
    let Ok(count) = std::env::var("WORLD_SURVEY") else { return };
    let first = number("WORLD_SEED", 1);
    let (weather, mode) = (weather(), mode());
    let mut seen = std::collections::BTreeMap::new();
    for seed in first..first + count.parse::<u64>().unwrap() {
        let figures = search(&subject(), &weather, mode, [seed]).unwrap();
        if let Some(failure) = figures.failure {
            let kind = format!("{} {}", failure.finding.harm.words(), failure.finding.invariant);
            let of: &mut Vec<String> = seen.entry(kind).or_default();
            of.push(failure.to_string());
        }
    }
    for (kind, mut of) in seen {
        of.sort_by_key(String::len);
        println!("== {kind}: {} seeds", of.len());
        for text in of.iter().take(number("WORLD_SHOWN", 2) as usize) {
            println!("{text}");
        }
    }
}

/// The figures that we publish: how often which harm was done, by what the right system cannot do. `WORLD_SCRIPTS` plays more
/// scripts per level; with `--nocapture` the table is shown.
#[test]
fn figures_per_level() {
    let harms = [
        Harm::LostUpdate,
        Harm::FalseConflict,
        Harm::EchoWrite,
        Harm::Duplicate,
        Harm::WrongDelete,
        Harm::Invention,
    ];
    let mut table = String::from(
        "| right system | scripts | edits | writes | faults | crashes | lost updates | false conflicts | echo writes \
         | duplicates | wrong deletes | inventions |\n|---|---|---|---|---|---|---|---|---|---|---|---|\n",
    );
    for level in Level::ALL {
        let figures = check(&Weather::plain(Level::Full, level), Mode::Schedules, 25);
        let Figures { scripts, edits, writes, faults, crashes, tally, .. } = &figures;
        table += &format!("| {} | {scripts} | {edits} | {writes} | {faults} | {crashes} |", level.name());
        for harm in harms {
            // Violations, and in brackets what the table of promises allows there.
            table += &match (tally.violations(harm), tally.allowed(harm)) {
                (owed, 0) => format!(" {owed} |"),
                (owed, allowed) => format!(" {owed} ({allowed}) |"),
            };
        }
        table += "\n";
    }
    println!("{table}");
}
