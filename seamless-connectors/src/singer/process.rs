//! A tap's process: its files, its pipes, how long it is waited for, and how it ends. Knows lines, no messages. The doors are
//! [`Tap::start`], [`Tap::next`] and [`Tap::finish`].
//!
//! Two threads empty the pipes: one hands pieces of the output on through a channel of few places, so that a tap that is not
//! read waits in its own write; one keeps what was last said on the standard error. All other work happens on the thread that
//! owns the [`Tap`]. When that is dropped the channel closes, the first thread lets go of the pipe at its next piece, and a
//! process that has not ended by then is killed and waited for.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use seamless_core::model::{Error, ErrorKind, Result};
use tempfile::TempDir;

use super::config::{Patience, SingerConfig};
use super::scrub::Scrub;

/// Bytes of one line at most: a longer one is no record but a stream without line ends.
pub(super) const LINE_BYTES_MAX: usize = 32 << 20;

/// Bytes of a catalog at most; systems with thousands of tables have a few megabytes.
const CATALOG_BYTES_MAX: usize = 64 << 20;

/// Bytes of one piece of output, and pieces that wait: together what a tap can be ahead of us beside its pipe.
const PIECE_BYTES: usize = 64 << 10;
const PIECES_WAITING: usize = 8;

/// Bytes of standard error that are kept, and lines of it that an error shows: the end of a stack trace.
const TOLD_BYTES: usize = 16 << 10;
const TOLD_LINES: usize = 8;

/// How often a process that should end is looked at.
const LOOK_MS: u64 = 5;

/// What programs need to start and to write dates and texts; none of it is a secret.
const VARIABLES: &[&str] = &[
    "PATH",
    "HOME",
    "USER",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "TZ",
    "TMPDIR",
    "TEMP",
    "TMP",
    "SYSTEMROOT",
    "WINDIR",
    "PATHEXT",
    "COMSPEC",
    "USERPROFILE",
    "APPDATA",
    "LOCALAPPDATA",
];

enum Heard {
    Piece(Vec<u8>),
    End,
    Failed(std::io::Error),
    Abandoned,
}

/// What a run is for.
pub(super) enum Purpose<'a> {
    Discover,
    Sync { catalog: &'a str, state: Option<&'a str> },
}

/// Says that nobody waits for a run any more, when it is dropped: whoever waits for output then stops.
pub(super) struct Abandon {
    flag: Arc<AtomicBool>,
    wake: Arc<Mutex<Option<SyncSender<Heard>>>>,
}

impl Abandon {
    pub(super) fn new() -> Self {
        Self { flag: Arc::default(), wake: Arc::default() }
    }

    /// The other end, for the run itself.
    pub(super) fn watch(&self) -> Watch {
        Watch { flag: Arc::clone(&self.flag), wake: Arc::clone(&self.wake) }
    }
}

impl Drop for Abandon {
    fn drop(&mut self) {
        self.flag.store(true, Ordering::Release);
        if let Some(wake) = &*self.wake.lock().unwrap_or_else(PoisonError::into_inner) {
            // A full channel wakes the other end as well.
            let _ = wake.try_send(Heard::Abandoned);
        }
    }
}

/// Where a run sees that nobody waits for it.
pub(super) struct Watch {
    flag: Arc<AtomicBool>,
    wake: Arc<Mutex<Option<SyncSender<Heard>>>>,
}

impl Watch {
    fn is_abandoned(&self) -> bool {
        self.flag.load(Ordering::Acquire)
    }
}

/// A line of output.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// Its bytes are in [`Tap::line`].
    Whole,
    /// It was longer than [`LINE_BYTES_MAX`], and was thrown away.
    TooLong,
}

/// A tap that runs.
pub(super) struct Tap {
    child: Child,
    /// `None` once it is dropped, so that the pipe can close.
    output: Option<Receiver<Heard>>,
    told: Arc<Mutex<VecDeque<u8>>>,
    told_all: Receiver<()>,
    watch: Watch,
    patience: Patience,
    waited: Duration,
    scrub: Scrub,
    program: String,
    piece: Vec<u8>,
    at: usize,
    line: Vec<u8>,
    number: u64,
    ended: bool,
    exited: Option<ExitStatus>,
    /// Its settings, catalog and state; gone with it.
    _files: TempDir,
}

impl Tap {
    /// Starts the process.
    ///
    /// Errors: there is no such program; the files or the process cannot be made.
    pub(super) fn start(
        config: &SingerConfig,
        scrub: &Scrub,
        purpose: &Purpose<'_>,
        watch: Watch,
    ) -> Result<Self> {
        let patience = config.patience()?;
        let files = tempfile::Builder::new()
            .prefix("seamless-singer-")
            .tempdir()
            .map_err(|problem| unable("no folder for the tap's files").caused_by(problem))?;
        let mut command = Command::new(&config.command);
        command.args(&config.args).env_clear();
        for name in VARIABLES.iter().copied().chain(config.variables.iter().map(String::as_str)) {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        if let Some(folder) = &config.folder {
            command.current_dir(folder);
        }
        let settings = match &config.config.0 {
            serde_json::Value::Null => "{}".to_owned(),
            given => given.to_string(),
        };
        command.arg("--config").arg(private(&files, "config.json", &settings)?);
        match purpose {
            Purpose::Discover => {
                command.arg("--discover");
            }
            Purpose::Sync { catalog, state } => {
                command.arg(&config.catalog_flag).arg(private(&files, "catalog.json", catalog)?);
                if let Some(state) = state {
                    command.arg("--state").arg(private(&files, "state.json", state)?);
                }
            }
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let program = config.program();
        let mut child = command.spawn().map_err(|problem| {
            let (kind, remedy) = match problem.kind() {
                std::io::ErrorKind::NotFound => (
                    ErrorKind::NotFound,
                    "check `command` and `folder`; taps live in virtual environments of their own",
                ),
                std::io::ErrorKind::PermissionDenied => {
                    (ErrorKind::Permission, "allow this user to run the file")
                }
                _ => (ErrorKind::Unavailable, "look at what the machine says of processes and memory"),
            };
            Error::new(kind, "the tap cannot be started")
                .with_remedy(remedy)
                .at("tap", &program)
                .caused_by(problem)
        })?;
        let (sender, output) = sync_channel(PIECES_WAITING);
        *watch.wake.lock().unwrap_or_else(PoisonError::into_inner) = Some(sender.clone());
        let (done, told_all) = sync_channel(1);
        let told: Arc<Mutex<VecDeque<u8>>> = Arc::default();
        let pipes = child.stdout.take().zip(child.stderr.take());
        let mut tap = Self {
            child,
            output: Some(output),
            told: Arc::clone(&told),
            told_all,
            watch,
            patience,
            waited: Duration::ZERO,
            scrub: scrub.clone(),
            program,
            piece: Vec::new(),
            at: 0,
            line: Vec::new(),
            number: 0,
            ended: false,
            exited: None,
            _files: files,
        };
        let Some((stdout, stderr)) = pipes else { return Err(tap.failed("the tap has no pipes")) };
        let threads = thread("seamless-singer-out", move || empty(stdout, &sender))
            .and_then(|()| thread("seamless-singer-err", move || keep(stderr, &told, &done)));
        threads.map_err(|problem| tap.failed("no thread for the tap").caused_by(problem))?;
        Ok(tap)
    }

    /// The next line of output; `None` when there are no more.
    ///
    /// Errors: nothing came for too long; nobody waits for it any more.
    pub(super) fn next(&mut self) -> Result<Option<Line>> {
        self.line.clear();
        let mut too_long = false;
        loop {
            let rest = self.piece.get(self.at..).unwrap_or_default();
            if !rest.is_empty() {
                let end = rest.iter().position(|byte| *byte == b'\n');
                let part = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
                self.at += part.len() + usize::from(end.is_some());
                if self.line.len() + part.len() > LINE_BYTES_MAX {
                    too_long = true;
                    self.line = Vec::new();
                } else if !too_long {
                    self.line.extend_from_slice(part);
                }
                if end.is_some() {
                    break;
                }
                continue;
            }
            if !self.ended {
                self.hear()?;
                continue;
            }
            if self.line.is_empty() && !too_long {
                return Ok(None);
            }
            break;
        }
        self.number += 1;
        Ok(Some(if too_long { Line::TooLong } else { Line::Whole }))
    }

    /// The bytes of the line that was read last, without its end.
    pub(super) fn line(&self) -> &[u8] {
        self.line.strip_suffix(b"\r").unwrap_or(&self.line)
    }

    /// The number of the line that was read last.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// Everything that the tap writes, for a catalog.
    ///
    /// Errors: as [`Tap::next`] and [`Tap::finish`]; more than a catalog can be.
    pub(super) fn everything(&mut self) -> Result<Vec<u8>> {
        let mut all = Vec::new();
        while !self.ended {
            self.hear()?;
            all.append(&mut self.piece);
            if all.len() > CATALOG_BYTES_MAX {
                return Err(Error::new(ErrorKind::Limit, "the tap's catalog is too large")
                    .at("tap", &self.program)
                    .with_remedy(format!(
                        "at most {CATALOG_BYTES_MAX} bytes; give a smaller one as `catalog`"
                    )));
            }
        }
        self.finish()?;
        Ok(all)
    }

    /// Takes the next piece of output, or learns that there is none.
    fn hear(&mut self) -> Result<()> {
        let left = self.patience.total.saturating_sub(self.waited);
        let wait = left.min(self.patience.silence);
        let begun = Instant::now();
        let heard = match (&self.output, self.watch.is_abandoned()) {
            (Some(output), false) if !left.is_zero() => output.recv_timeout(wait),
            (_, true) | (None, _) => Ok(Heard::Abandoned),
            _ => Err(RecvTimeoutError::Timeout),
        };
        self.waited += begun.elapsed();
        match heard {
            Ok(Heard::Piece(piece)) => (self.piece, self.at) = (piece, 0),
            Ok(Heard::End) | Err(RecvTimeoutError::Disconnected) => self.ended = true,
            Ok(Heard::Failed(problem)) => {
                return Err(self.failed("the tap's output cannot be read").caused_by(problem));
            }
            Ok(Heard::Abandoned) => {
                return Err(Error::new(ErrorKind::Cancelled, "nobody waits for the tap any more"));
            }
            Err(RecvTimeoutError::Timeout) => return Err(self.timed_out(left <= self.patience.silence)),
        }
        Ok(())
    }

    fn timed_out(&mut self, total: bool) -> Error {
        let (seconds, words, setting) = if total {
            (self.patience.total.as_secs(), "the tap takes longer than it may", "total_seconds")
        } else {
            (self.patience.silence.as_secs(), "the tap says nothing any more", "silence_seconds")
        };
        self.failed(&format!("{words}: {seconds} s"))
            .with_remedy(format!("find out what it waits for, or raise `{setting}`"))
    }

    /// Waits for the process to end, once its output has.
    ///
    /// Errors: it ended with a failure, or does not end.
    pub(super) fn finish(&mut self) -> Result<()> {
        let Some(status) = self.wait_for(self.patience.silence, true) else {
            return Err(self.failed("the tap closed its output and does not end"));
        };
        if status.success() {
            return Ok(());
        }
        // What it said last may still be under way.
        let _ = self.told_all.recv_timeout(self.patience.grace);
        Err(self.failed(&format!("the tap failed ({status})")))
    }

    /// Waits for the process this long at most; where it is `wanted`, only as long as somebody waits for the run.
    fn wait_for(&mut self, patience: Duration, wanted: bool) -> Option<ExitStatus> {
        let begun = Instant::now();
        while self.exited.is_none() && !(wanted && self.watch.is_abandoned()) {
            match self.child.try_wait() {
                Ok(Some(status)) => self.exited = Some(status),
                Ok(None) if begun.elapsed() < patience => {
                    std::thread::sleep(Duration::from_millis(LOOK_MS));
                }
                Ok(None) | Err(_) => break,
            }
        }
        self.exited
    }

    /// An error with what the tap said last.
    pub(super) fn failed(&mut self, words: &str) -> Error {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes: Vec<u8> = told.iter().copied().collect();
        drop(told);
        let text = String::from_utf8_lossy(&bytes);
        // Of a line whose beginning is lost nobody can say that it holds no secret.
        let whole = if bytes.len() < TOLD_BYTES {
            &*text
        } else {
            text.split_once('\n').map_or("", |(_, rest)| rest)
        };
        let clean = self.scrub.clean(whole);
        let lines: Vec<&str> = clean.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
        let last = lines.get(lines.len().saturating_sub(TOLD_LINES)..).unwrap_or_default().join("\n");
        let error = unable(words).at("tap", &self.program);
        if last.is_empty() {
            error.with_remedy("it said nothing on its standard error; run it by hand")
        } else {
            error
                .at("it said", last)
                .with_remedy("what the tap said last is above; run it by hand with the same settings")
        }
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        // Whoever still hands pieces on learns that nobody takes them, and closes the pipe.
        self.output = None;
        if self.wait_for(self.patience.grace, false).is_none() {
            // Both fail only for a process that has ended.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

fn unable(words: &str) -> Error {
    Error::new(ErrorKind::Unavailable, words)
}

/// A file that only this user can read.
fn private(files: &TempDir, name: &str, content: &str) -> Result<std::path::PathBuf> {
    let path = files.path().join(name);
    let mut options = std::fs::File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
        .open(&path)
        .and_then(|mut file| file.write_all(content.as_bytes()))
        .map_err(|problem| unable("the tap's files cannot be written").caused_by(problem))?;
    Ok(path)
}

fn thread(name: &str, work: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
    std::thread::Builder::new().name(name.to_owned()).spawn(work).map(|_| ())
}

/// Hands the output on, piece by piece, until it ends or nobody takes it.
fn empty(mut pipe: impl Read, to: &SyncSender<Heard>) {
    loop {
        let mut piece = vec![0; PIECE_BYTES];
        let heard = match pipe.read(&mut piece) {
            Ok(0) => Heard::End,
            Ok(read) => {
                piece.truncate(read);
                Heard::Piece(piece)
            }
            Err(problem) if problem.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(problem) => Heard::Failed(problem),
        };
        let last = !matches!(heard, Heard::Piece(_));
        if to.send(heard).is_err() || last {
            return;
        }
    }
}

/// Keeps what was said last.
fn keep(mut pipe: impl Read, told: &Mutex<VecDeque<u8>>, done: &SyncSender<()>) {
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        match pipe.read(&mut piece) {
            Ok(0) => break,
            Ok(read) => {
                let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
                told.extend(piece.get(..read).unwrap_or_default());
                let over = told.len().saturating_sub(TOLD_BYTES);
                told.drain(..over);
            }
            Err(problem) if problem.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    let _ = done.send(());
}
