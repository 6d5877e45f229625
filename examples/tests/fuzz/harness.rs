//! Stored inputs, as they are and damaged, against a target. A failure is made short and printed as the file to keep. The
//! door is [`hold`].

use std::cell::Cell;
use std::fmt::Write as _;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, Once, PoisonError};
use std::time::{Duration, Instant};

use super::damage::{BYTES_MAX, Draw, damaged};
use super::targets::Target;

/// What one input may take, in a build without optimisation on a busy machine.
const INPUT_TIME_MAX: Duration = Duration::from_secs(10);

/// What the rounds of one target take at most where nobody says how many they are.
const TARGET_TIME_MAX: Duration = Duration::from_secs(4);

/// What making a failure short takes at most.
const SHORT_TIME_MAX: Duration = Duration::from_secs(10);

/// A number that is drawn from, where nobody names one.
const SEED: u64 = 20_240_229;

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Panics in threads of the libraries: they end in an error here, and nobody would see them.
static ELSEWHERE: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Holds a target to its laws over its inputs and `rounds` damaged ones.
pub(crate) fn hold(target: Target, rounds: u64) {
    hear_panics();
    let seed = asked("FUZZ_SEED").unwrap_or(SEED);
    let (rounds, bounded) = asked("FUZZ_ROUNDS").map_or((rounds, true), |rounds| (rounds, false));
    println!("{}: FUZZ_SEED={seed} FUZZ_ROUNDS={rounds}", target.name);
    let inputs = inputs(&target);
    assert!(!inputs.is_empty(), "{} has no inputs in {}", target.name, folder(&target).display());
    let trail = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("fuzz-{}", target.name));
    for input in &inputs {
        tried(&target, input, &trail, "a stored input");
    }
    let begin = Instant::now();
    for round in 0..rounds {
        if bounded && begin.elapsed() > TARGET_TIME_MAX {
            println!("{}: {round} rounds in the time that there is", target.name);
            break;
        }
        let mut draw = Draw::new(seed ^ round.wrapping_mul(0x9e37_79b9));
        let input = draw.one(&inputs).clone();
        let input = damaged(&mut draw, &input, &inputs, target.words);
        tried(&target, &input, &trail, &format!("round {round} of FUZZ_SEED={seed}"));
    }
    let _ = fs::remove_file(&trail);
}

fn asked(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

fn folder(target: &Target) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target.name)
}

/// What is stored and what is made. With `FUZZ_WRITE` what is made is stored too, for runs that know only files.
fn inputs(target: &Target) -> Vec<Vec<u8>> {
    let made = (target.made)();
    if std::env::var_os("FUZZ_WRITE").is_some() {
        fs::create_dir_all(folder(target)).unwrap();
        for (number, input) in made.iter().enumerate() {
            fs::write(folder(target).join(format!("made-{number}")), input).unwrap();
        }
    }
    let listed = fs::read_dir(folder(target)).into_iter().flatten();
    let mut files: Vec<PathBuf> = listed.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let stored = files.iter().map(|path| fs::read(path).unwrap());
    stored
        .chain(made)
        .map(|mut input| {
            input.truncate(BYTES_MAX);
            input
        })
        .collect()
}

/// A panic of a target is kept quiet, one of another thread is kept.
fn hear_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let name = std::thread::current().name().unwrap_or_default().to_owned();
            if name.starts_with("seamless") {
                ELSEWHERE.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{name}: {info}"));
            }
            if !QUIET.get() {
                before(info);
            }
        }));
    });
}

/// What went wrong with an input, if anything.
fn wrong(target: &Target, input: &[u8]) -> Option<String> {
    let begin = Instant::now();
    QUIET.set(true);
    let ran = catch_unwind(AssertUnwindSafe(|| (target.run)(input)));
    QUIET.set(false);
    if let Err(panic) = ran {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        return Some(text.unwrap_or_else(|| "a panic without words".to_owned()));
    }
    let elsewhere = std::mem::take(&mut *ELSEWHERE.lock().unwrap_or_else(PoisonError::into_inner));
    if let Some(panic) = elsewhere.first() {
        return Some(format!("a panic in another thread, perhaps of another test: {panic}"));
    }
    (begin.elapsed() > INPUT_TIME_MAX).then(|| format!("it took {:?}", begin.elapsed()))
}

fn tried(target: &Target, input: &[u8], trail: &Path, what: &str) {
    // A stack that overflows ends the process: the input is there then.
    fs::write(trail, input).unwrap();
    let Some(problem) = wrong(target, input) else { return };
    let short = shortened(target, input);
    let problem = wrong(target, &short).unwrap_or(problem);
    let name = format!("fuzz/corpus/{}/found-{:08x}", target.name, checksum(&short));
    if std::env::var_os("FUZZ_KEEP").is_some() {
        fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(&name), &short).unwrap();
    }
    panic!(
        "{}: {what}\n{problem}\n\n{} bytes, keep them as {name} (or set FUZZ_KEEP=1):\n{}\nin hexadecimal:\n{}\n",
        target.name,
        short.len(),
        short.escape_ascii(),
        short.iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    );
}

/// The input without what does not matter: pieces are left out as long as it still goes wrong.
fn shortened(target: &Target, input: &[u8]) -> Vec<u8> {
    let begin = Instant::now();
    let mut short = input.to_vec();
    let mut piece = short.len().div_ceil(2).max(1);
    loop {
        let (mut at, mut found) = (0, false);
        while at < short.len() {
            if begin.elapsed() > SHORT_TIME_MAX {
                return short;
            }
            let mut without = short.clone();
            without.drain(at..(at + piece).min(without.len()));
            if wrong(target, &without).is_some() {
                short = without;
                found = true;
            } else {
                at += piece;
            }
        }
        if piece == 1 && !found {
            return short;
        }
        piece = if piece > 1 { piece.div_ceil(2) } else { 1 };
    }
}

/// FNV-1a.
fn checksum(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |sum, byte| (sum ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}
