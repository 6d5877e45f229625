//! What a disk was told, in order, and what may be left of it when the power fails. Pure: it knows files as bytes and
//! neither SQLite nor any state. The door is [`Tape::after_power_loss`].
//!
//! Modelled: a write that was not synced is there, is not there, or is there in parts of 512 bytes, each of them new, old
//! or garbage; writes that were not synced survive in any selection, not in their order; a file grows without its
//! content; a shorter length is lost; a file that was made or deleted is there or not, one by one, until its folder is
//! synced; a sync that failed has lost some of what it should have kept, for good, whatever later syncs say.
//!
//! Not modelled: a disk that lies about a sync, damage of what was synced or lies beside what was written (SQLite relies
//! on neither happening), and folders that are lost as a whole.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::draw::Draw;

/// Bytes that a disk writes as one.
const SECTOR: usize = 512;

/// One thing that a disk was told.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    /// A file was opened that should be made where it is not there.
    Make(Arc<str>),
    Delete(Arc<str>),
    Write(Arc<str>, u64, Arc<[u8]>),
    Length(Arc<str>, u64),
    Sync(Arc<str>),
    SyncFailed(Arc<str>),
}

impl Op {
    fn name(&self) -> &str {
        match self {
            Op::Make(name)
            | Op::Delete(name)
            | Op::Write(name, ..)
            | Op::Length(name, _)
            | Op::Sync(name)
            | Op::SyncFailed(name) => name,
        }
    }
}

/// What becomes of what was not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Luck {
    /// All of it is lost.
    None,
    /// None of it is lost: as if the process had been killed.
    All,
    /// As drawn.
    Drawn(u64),
}

/// What is written on the way.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tape {
    pub(crate) ops: Vec<Op>,
}

#[derive(Clone, Debug, Default)]
struct Content {
    synced: Vec<u8>,
    pending: Vec<Op>,
    /// What a failed sync has lost is decided when it fails.
    doomed: Vec<bool>,
}

#[derive(Debug, Default)]
struct Held {
    contents: Vec<Content>,
    /// Names as the running system sees them, and as they are on the disk for certain.
    live: BTreeMap<Arc<str>, usize>,
    certain: BTreeMap<Arc<str>, usize>,
    /// Files whose next sync syncs the folder: SQLite does so for a log or a journal that it opened to make it.
    syncs_folder: BTreeMap<Arc<str>, bool>,
}

impl Tape {
    /// The files of the disk when the power fails after so many operations.
    pub(crate) fn after_power_loss(
        &self,
        moment: usize,
        luck: Luck,
        concerns: impl Fn(&str) -> bool,
    ) -> BTreeMap<String, Vec<u8>> {
        let mut draw = Draw(match luck {
            Luck::Drawn(seed) => seed,
            Luck::None | Luck::All => 0,
        });
        let mut held = Held::default();
        for op in self.ops.iter().take(moment).filter(|op| concerns(op.name())) {
            held.take(op, luck, &mut draw);
        }
        held.left(luck, &mut draw)
    }
}

impl Held {
    fn take(&mut self, op: &Op, luck: Luck, draw: &mut Draw) {
        match op {
            Op::Make(name) => {
                if !self.live.contains_key(name) {
                    self.contents.push(Content::default());
                    self.live.insert(name.clone(), self.contents.len() - 1);
                }
                self.syncs_folder.insert(name.clone(), is_beside(name));
            }
            Op::Delete(name) => {
                self.live.remove(name);
                // The connectors ask SQLite to sync the folder after it, which this model cannot see: a test of theirs
                // holds them to it.
                if name.ends_with(".db-journal") {
                    self.certain.remove(name);
                }
            }
            Op::Write(name, ..) | Op::Length(name, _) => {
                if let Some(content) = self.content(name) {
                    content.pending.push(op.clone());
                    content.doomed.push(false);
                }
            }
            Op::Sync(name) => {
                if let Some(content) = self.content(name) {
                    content.sync();
                }
                if self.syncs_folder.insert(name.clone(), false) == Some(true) {
                    self.certain = self.live.clone();
                }
            }
            Op::SyncFailed(name) => {
                if let Some(content) = self.content(name) {
                    content.doomed.iter_mut().for_each(|doomed| {
                        *doomed |= luck == Luck::None || matches!(luck, Luck::Drawn(_)) && draw.below(2) == 0;
                    });
                }
            }
        }
    }

    fn content(&mut self, name: &Arc<str>) -> Option<&mut Content> {
        let at = *self.live.get(name)?;
        self.contents.get_mut(at)
    }

    fn left(&self, luck: Luck, draw: &mut Draw) -> BTreeMap<String, Vec<u8>> {
        let mut names: Vec<&Arc<str>> = self.live.keys().chain(self.certain.keys()).collect();
        names.sort();
        names.dedup();
        let mut files = BTreeMap::new();
        for name in names {
            let from = match luck {
                Luck::None => &self.certain,
                Luck::All => &self.live,
                Luck::Drawn(_) if draw.below(2) == 0 => &self.certain,
                Luck::Drawn(_) => &self.live,
            };
            if let Some(at) = from.get(name) {
                files.insert(name.to_string(), self.contents[*at].left(luck, draw));
            }
        }
        files
    }
}

impl Content {
    fn sync(&mut self) {
        let pending = std::mem::take(&mut self.pending);
        let doomed = std::mem::take(&mut self.doomed);
        for (op, _) in pending.iter().zip(doomed).filter(|(_, doomed)| !doomed) {
            apply(&mut self.synced, op);
        }
    }

    fn left(&self, luck: Luck, draw: &mut Draw) -> Vec<u8> {
        let mut bytes = self.synced.clone();
        let pending = self.pending.iter().zip(&self.doomed).filter(|(_, doomed)| !**doomed).map(|(op, _)| op);
        match luck {
            Luck::None => {}
            Luck::All => pending.for_each(|op| apply(&mut bytes, op)),
            Luck::Drawn(_) => {
                let (most, kind) = (draw.below(self.pending.len() as u64 + 1), draw.below(3));
                for (at, op) in pending.enumerate() {
                    match kind {
                        // The beginning of it, and what came next in parts.
                        0 if (at as u64) < most => apply(&mut bytes, op),
                        0 if at as u64 == most => tear(&mut bytes, op, draw),
                        0 => {}
                        // Any of it, whole.
                        1 if draw.below(2) == 0 => apply(&mut bytes, op),
                        1 => {}
                        // Any of it, in parts.
                        _ => tear(&mut bytes, op, draw),
                    }
                }
            }
        }
        bytes
    }
}

fn is_beside(name: &str) -> bool {
    name.ends_with("-wal") || name.ends_with("-journal")
}

fn apply(bytes: &mut Vec<u8>, op: &Op) {
    match op {
        Op::Write(_, at, content) => put(bytes, usize::try_from(*at).unwrap(), content),
        Op::Length(_, length) => bytes.resize(usize::try_from(*length).unwrap(), 0),
        Op::Make(_) | Op::Delete(_) | Op::Sync(_) | Op::SyncFailed(_) => {}
    }
}

fn put(bytes: &mut Vec<u8>, at: usize, content: &[u8]) {
    let end = at + content.len();
    if bytes.len() < end {
        bytes.resize(end, 0);
    }
    bytes[at..end].copy_from_slice(content);
}

/// Each part of a write is new, old or garbage.
fn tear(bytes: &mut Vec<u8>, op: &Op, draw: &mut Draw) {
    let Op::Write(_, at, content) = op else {
        if draw.below(2) == 0 {
            apply(bytes, op);
        }
        return;
    };
    let mut from = usize::try_from(*at).unwrap();
    let mut rest = &content[..];
    while !rest.is_empty() {
        let (part, more) = rest.split_at(rest.len().min(SECTOR - from % SECTOR));
        match draw.below(8) {
            0..4 => put(bytes, from, part),
            4..7 => {}
            _ => put(bytes, from, &part.iter().map(|_| draw.below(256) as u8).collect::<Vec<_>>()),
        }
        (from, rest) = (from + part.len(), more);
    }
}
