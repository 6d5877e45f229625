//! A disk of its own for every test: all files of SQLite go through it, state and systems alike. They lie in a real folder,
//! since the store looks at them there too; what they are told is written on a [`Tape`], and calls fail where a test
//! says so. The door is [`Disk::new`].
//!
//! SQLite takes its files from a virtual file system that is the default one of this process. Syncs are noted and not
//! done, locks are kept in memory.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{Error, ErrorKind};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sqlite_vfs::{DatabaseHandle, LockKind, OpenAccess, OpenOptions, Vfs, WalDisabled};

use super::draw::Draw;
use super::tape::{Luck, Op, Tape};

/// A call that fails: what it is about, and how.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    /// The end of the names of the files that are concerned.
    pub(crate) of: &'static str,
    /// How many such calls go well before.
    pub(crate) after: usize,
    /// Whether all later ones fail as well, until the fault is taken away.
    pub(crate) lasts: bool,
    pub(crate) how: How,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// No room: nothing grows. What is there can be written and synced.
    Full,
    /// The disk does not answer, in the middle of what it was told.
    Broken,
}

#[derive(Debug, Default)]
struct Recorder {
    tape: Tape,
    fault: Option<Fault>,
    /// Calls that a fault is about since it was set.
    calls: usize,
    /// Calls that failed.
    failed: usize,
}

static RECORDERS: LazyLock<Mutex<HashMap<PathBuf, Arc<Mutex<Recorder>>>>> = LazyLock::new(|| {
    sqlite_vfs::register("recorded", Files, true).unwrap();
    Mutex::default()
});

static TEMPORARY: Mutex<Option<PathBuf>> = Mutex::new(None);

/// A folder whose files are recorded.
#[derive(Debug)]
pub(crate) struct Disk {
    folder: tempfile::TempDir,
    recorder: Arc<Mutex<Recorder>>,
}

impl Disk {
    pub(crate) fn new() -> Self {
        let (folder, recorder) = (tempfile::tempdir().unwrap(), Arc::default());
        held(&RECORDERS).insert(folder.path().to_owned(), Arc::clone(&recorder));
        Self { folder, recorder }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Lets the temporary files of this whole process lie on this disk: for a process that has no other one.
    pub(crate) fn takes_temporary_files(&self) {
        *held(&TEMPORARY) = Some(self.folder().to_owned());
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Operations so far.
    pub(crate) fn moment(&self) -> usize {
        held(&self.recorder).tape.ops.len()
    }

    /// Whether an operation wrote to a file.
    pub(crate) fn writes(&self, at: usize, name: &str) -> bool {
        matches!(&held(&self.recorder).tape.ops[at], Op::Write(of, ..) if &**of == name)
    }

    /// The same files on another disk.
    pub(crate) fn copy(&self) -> Self {
        self.after_power_loss(self.moment(), Luck::All)
    }

    /// Another disk with what may be left of this one when the power fails at a moment.
    pub(crate) fn after_power_loss(&self, moment: usize, luck: Luck) -> Self {
        self.left(moment, luck, |_| true)
    }

    /// The same of the state alone.
    pub(crate) fn state_after_power_loss(&self, moment: usize, luck: Luck) -> Self {
        self.left(moment, luck, |name| name.starts_with("state"))
    }

    fn left(&self, moment: usize, luck: Luck, concerns: impl Fn(&str) -> bool) -> Self {
        let left = held(&self.recorder).tape.after_power_loss(moment, luck, concerns);
        let other = Self::new();
        let mut recorder = held(&other.recorder);
        for (name, bytes) in left {
            fs::write(other.path(&name), &bytes).unwrap();
            let name: Arc<str> = name.into();
            recorder.tape.ops.push(Op::Make(Arc::clone(&name)));
            recorder.tape.ops.push(Op::Write(Arc::clone(&name), 0, bytes.into()));
            recorder.tape.ops.push(Op::Sync(name));
        }
        // The folder as it is found is what the disk has.
        let beside: Arc<str> = "state-found-journal".into();
        recorder.tape.ops.push(Op::Make(Arc::clone(&beside)));
        recorder.tape.ops.push(Op::Sync(Arc::clone(&beside)));
        recorder.tape.ops.push(Op::Delete(beside));
        drop(recorder);
        other
    }

    /// From now on calls fail as said.
    pub(crate) fn fail(&self, fault: Fault) {
        let mut recorder = held(&self.recorder);
        (recorder.fault, recorder.calls, recorder.failed) = (Some(fault), 0, 0);
    }

    /// Takes the fault away; how many calls it was about, and how many of them failed.
    pub(crate) fn mend(&self) -> (usize, usize) {
        let mut recorder = held(&self.recorder);
        recorder.fault = None;
        (recorder.calls, recorder.failed)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        held(&RECORDERS).remove(self.folder.path());
    }
}

fn held<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Recorder {
    /// Whether a call may go on.
    fn admits(&mut self, name: &str, grows: bool) -> Result<(), Error> {
        let Some(fault) = self.fault.as_ref().filter(|fault| name.ends_with(fault.of)) else { return Ok(()) };
        let concerned = grows || fault.how == How::Broken;
        if !concerned {
            return Ok(());
        }
        let number = self.calls;
        self.calls += 1;
        let fails = number == fault.after || fault.lasts && number > fault.after;
        self.failed += usize::from(fails);
        match (fails, fault.how) {
            (false, _) => Ok(()),
            // What SQLite's file system makes "full" of.
            (true, How::Full) => Err(ErrorKind::WriteZero.into()),
            (true, How::Broken) => Err(Error::other("broken on purpose")),
        }
    }
}

/// Where the files of a folder are recorded, and the name of one of them there. Other files are not recorded.
fn recorder_of(path: &str) -> Option<(Arc<Mutex<Recorder>>, Arc<str>)> {
    let path = Path::new(path);
    let recorder = Arc::clone(held(&RECORDERS).get(path.parent()?)?);
    Some((recorder, path.file_name()?.to_str()?.into()))
}

#[derive(Debug)]
struct Files;

static NUMBERS: AtomicUsize = AtomicUsize::new(1);

fn next_number() -> usize {
    NUMBERS.fetch_add(1, Ordering::Relaxed)
}

impl Vfs for Files {
    type Handle = Handle;

    fn open(&self, path: &str, options: OpenOptions) -> Result<Handle, Error> {
        let makes = matches!(options.access, OpenAccess::Create | OpenAccess::CreateNew);
        let recorded = recorder_of(path);
        if let Some((recorder, name)) = recorded.as_ref().filter(|_| makes) {
            let mut recorder = held(recorder);
            recorder.admits(name, !Path::new(path).exists())?;
            recorder.tape.ops.push(Op::Make(Arc::clone(name)));
        }
        let file = fs::OpenOptions::new()
            .read(true)
            .write(options.access != OpenAccess::Read)
            .create(makes)
            .truncate(false)
            .open(path)?;
        Ok(Handle { file, recorded, path: path.into(), number: next_number(), level: LockKind::None })
    }

    fn delete(&self, path: &str) -> Result<(), Error> {
        if let Some((recorder, name)) = recorder_of(path) {
            // It does not fail: the library in between says that in a word that SQLite does not take for a failure.
            if Path::new(path).exists() {
                held(&recorder).tape.ops.push(Op::Delete(name));
            }
        }
        fs::remove_file(path)
    }

    fn exists(&self, path: &str) -> Result<bool, Error> {
        // SQLite's own file systems take a file without content for none.
        Ok(fs::metadata(path).is_ok_and(|found| found.len() > 0))
    }

    fn temporary_name(&self) -> String {
        let folder = held(&TEMPORARY).clone().unwrap_or_else(std::env::temp_dir);
        folder
            .join(format!("{}.{}.temporary", std::process::id(), next_number()))
            .to_string_lossy()
            .into_owned()
    }

    fn random(&self, buffer: &mut [i8]) {
        let mut draw = Draw(next_number() as u64);
        buffer.iter_mut().for_each(|byte| *byte = (draw.below(256) as u8).cast_signed());
    }

    fn sleep(&self, duration: Duration) -> Duration {
        std::thread::yield_now();
        duration
    }
}

/// An open file.
#[derive(Debug)]
pub(crate) struct Handle {
    file: File,
    recorded: Option<(Arc<Mutex<Recorder>>, Arc<str>)>,
    path: Arc<str>,
    number: usize,
    level: LockKind,
}

impl Handle {
    /// Notes a call where it is recorded, then does it; where it fails half-way, half of it is done.
    fn told(
        &self,
        grows: bool,
        op: impl FnOnce(Arc<str>) -> Op,
        half: impl FnOnce(Arc<str>) -> Option<Op>,
    ) -> Result<(), Error> {
        let Some((recorder, name)) = &self.recorded else { return Ok(()) };
        let mut recorder = held(recorder);
        match recorder.admits(name, grows) {
            Ok(()) => recorder.tape.ops.push(op(Arc::clone(name))),
            Err(error) => {
                recorder.tape.ops.extend(half(Arc::clone(name)));
                return Err(error);
            }
        }
        Ok(())
    }
}

impl DatabaseHandle for Handle {
    type WalIndex = WalDisabled;

    fn size(&self) -> Result<u64, Error> {
        Ok(self.file.metadata()?.len())
    }

    fn read_exact_at(&mut self, buffer: &mut [u8], offset: u64) -> Result<(), Error> {
        let mut read = 0;
        while read < buffer.len() {
            match self.file.read_at(&mut buffer[read..], offset + read as u64)? {
                0 => {
                    buffer[read..].fill(0);
                    return Err(ErrorKind::UnexpectedEof.into());
                }
                more => read += more,
            }
        }
        Ok(())
    }

    fn write_all_at(&mut self, bytes: &[u8], offset: u64) -> Result<(), Error> {
        let grows = offset + bytes.len() as u64 > self.size()?;
        let half = &bytes[..bytes.len() / 2];
        let write = |content: &[u8]| {
            let content = content.into();
            move |name| Op::Write(name, offset, content)
        };
        let failed = self.told(grows, write(bytes), |name| Some(write(half)(name)));
        if failed.is_err() {
            self.file.write_all_at(half, offset)?;
            return failed;
        }
        self.file.write_all_at(bytes, offset)
    }

    fn sync(&mut self, _data_only: bool) -> Result<(), Error> {
        self.told(false, Op::Sync, |name| Some(Op::SyncFailed(name)))
    }

    fn set_len(&mut self, size: u64) -> Result<(), Error> {
        let grows = size > self.size()?;
        self.told(grows, |name| Op::Length(name, size), |_| None)?;
        self.file.set_len(size)
    }

    fn lock(&mut self, to: LockKind) -> Result<bool, Error> {
        let mut locks = held(&LOCKS);
        let taken = locks.entry(Arc::clone(&self.path)).or_default();
        let admitted = taken.take(self.number, to);
        if admitted {
            self.level = to;
        }
        Ok(admitted)
    }

    fn reserved(&mut self) -> Result<bool, Error> {
        Ok(held(&LOCKS).get(&self.path).is_some_and(|taken| taken.levels.values().any(|level| *level >= 2)))
    }

    fn current_lock(&self) -> Result<LockKind, Error> {
        Ok(self.level)
    }

    fn wal_index(&self, _readonly: bool) -> Result<WalDisabled, Error> {
        Ok(WalDisabled)
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        if let Some(taken) = held(&LOCKS).get_mut(&self.path) {
            taken.levels.remove(&self.number);
        }
    }
}

/// Who holds what of a file, within this process: 1 shared, 2 reserved, 3 pending, 4 exclusive.
static LOCKS: LazyLock<Mutex<HashMap<Arc<str>, Taken>>> = LazyLock::new(Mutex::default);

#[derive(Debug, Default)]
struct Taken {
    levels: HashMap<usize, u8>,
}

impl Taken {
    fn take(&mut self, number: usize, to: LockKind) -> bool {
        let highest = |taken: &Self| {
            let others = taken.levels.iter().filter(|(of, _)| **of != number).map(|(_, level)| *level);
            others.max().unwrap_or(0)
        };
        let mine = self.levels.get(&number).copied().unwrap_or(0);
        let level = match to {
            LockKind::None => 0,
            LockKind::Shared if mine >= 1 || highest(self) < 3 => 1,
            LockKind::Reserved if highest(self) < 2 => 2,
            LockKind::Pending | LockKind::Exclusive if highest(self) == 0 => 4,
            // It waits at the gate: nobody comes in any more.
            LockKind::Pending | LockKind::Exclusive if highest(self) == 1 => {
                self.levels.insert(number, 3);
                return false;
            }
            _ => return false,
        };
        match level {
            0 => drop(self.levels.remove(&number)),
            level => drop(self.levels.insert(number, level)),
        }
        true
    }
}
