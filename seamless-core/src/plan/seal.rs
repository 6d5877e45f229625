//! The file form of a plan and its seal: JSON Lines, a head, entries, a trailer. The doors are [`Sealer`], which
//! writes, and [`Verifier`], which refuses what was edited, cut off, or sealed with another key.
//!
//! ```text
//! {"head":{..}}
//! {"entry":{..}}      one line per entry, in key order
//! {"trailer":{..}}    counts, guards, digest, seal
//! ```
//!
//! The *digest* is BLAKE3 over every line before the trailer, line ends included: what `b3sum` says of the file
//! without its last line. An approval binds to it. The *seal* is keyed BLAKE3 over the trailer with the digest in it;
//! whoever lacks the key can make a digest for an edited plan, and no seal.
//!
//! Nothing here reads or writes files; lines come and go as text. Memory: one line, and 64 KiB.

use std::mem;

use serde::{Deserialize, Serialize};

use super::entry::Entry;
use super::guard::GuardTrip;
use super::head::{PlanHead, Trailer};
use super::json::EntryLine;
use super::propose::FormProposal;
use super::tally::Tally;
use crate::model::{Error, ErrorKind, LinkId, Result};

/// Bytes of one line at most, line end included: what keeps a hostile file from filling memory. A record of the widest
/// kind that systems of record have (a few thousand fields, notes of a megabyte) stays far below.
pub const LINE_BYTES_MAX: usize = 64 << 20;

const SEAL_VERSION: &[u8] = b"seamless plan seal 1";

#[derive(Serialize)]
struct HeadLine<'a> {
    head: &'a PlanHead,
}

#[derive(Serialize)]
struct TrailerLine<'a> {
    trailer: &'a Trailer,
}

/// Bytes of lines that are hashed together: BLAKE3 hashes long input several times as fast as single lines.
const HASHED_BYTES: usize = 64 << 10;

/// Writes a plan line by line: [`Sealer::head`], [`Sealer::entry`] per entry, [`Sealer::finish`].
#[derive(Debug)]
pub struct Sealer {
    key: Key,
    digest: blake3::Hasher,
    tally: Tally,
    /// Lines that are not in the digest yet; the last one is being handed out.
    lines: Vec<u8>,
    begun: bool,
    line_bytes_max: usize,
}

/// A seal's key, without a way to print it.
struct Key([u8; 32]);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(***)")
    }
}

/// What a trailer says that entries do not tell.
#[derive(Clone, Debug, Default)]
pub struct Closing {
    /// Guards that stop the plan.
    pub guards: Vec<GuardTrip>,
    /// Forms that the systems seem to keep values in.
    pub forms: Vec<FormProposal>,
    /// Runs after which nothing remains to be done.
    pub runs_to_quiet: u32,
    /// Per link: pairs known before the plan, and pairs that were looked at.
    pub seen: Vec<(LinkId, u64, u64)>,
}

impl Sealer {
    /// A sealer with the state store's key.
    pub fn new(key: &[u8; 32]) -> Self {
        Self {
            key: Key(*key),
            digest: blake3::Hasher::new(),
            tally: Tally::new(),
            lines: Vec::with_capacity(HASHED_BYTES + 4096),
            begun: false,
            line_bytes_max: LINE_BYTES_MAX,
        }
    }

    /// The head's line, with its line end. Comes first, once.
    ///
    /// Errors: a line longer than [`LINE_BYTES_MAX`]; of kind [`ErrorKind::Internal`] when called twice or late.
    pub fn head(&mut self, head: &PlanHead) -> Result<&str> {
        if mem::replace(&mut self.begun, true) {
            return Err(Error::new(ErrorKind::Internal, "a plan has one head, before its entries"));
        }
        self.write(&HeadLine { head })
    }

    /// An entry's line, with its line end; the entry is counted.
    ///
    /// Errors: a line longer than [`LINE_BYTES_MAX`]; of kind [`ErrorKind::Internal`] before the head.
    pub fn entry(&mut self, entry: &Entry) -> Result<&str> {
        if !self.begun {
            return Err(Error::new(ErrorKind::Internal, "a plan begins with its head"));
        }
        self.tally.add(entry);
        self.write(&EntryLine(entry))
    }

    /// What was counted so far: guards are evaluated on it before the plan is finished.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// The digest of the lines so far, hexadecimal.
    pub fn digest(&self) -> String {
        let mut digest = self.digest.clone();
        digest.update(&self.lines);
        digest.finalize().to_hex().to_string()
    }

    /// The trailer and its line.
    ///
    /// Errors: as of [`Sealer::entry`].
    pub fn finish(mut self, closing: Closing) -> Result<(Trailer, String)> {
        if !self.begun {
            return Err(Error::new(ErrorKind::Internal, "a plan begins with its head"));
        }
        let Closing { guards, forms, runs_to_quiet, seen } = closing;
        for (link, pairs, looked_at) in &seen {
            self.tally.seen(link, *pairs, *looked_at);
        }
        self.digest.update(&self.lines);
        self.lines.clear();
        let mut trailer = Trailer {
            counts: mem::take(&mut self.tally).into_counts(),
            guards,
            forms,
            runs_to_quiet,
            digest: self.digest.finalize().to_hex().to_string(),
            seal: String::new(),
        };
        trailer.seal = seal(&self.key, &trailer)?.to_hex().to_string();
        let line = self.write(&TrailerLine { trailer: &trailer })?.to_owned();
        Ok((trailer, line))
    }

    fn write(&mut self, content: &impl Serialize) -> Result<&str> {
        if self.lines.len() >= HASHED_BYTES {
            self.digest.update(&self.lines);
            self.lines.clear();
        }
        let start = self.lines.len();
        serde_json::to_writer(&mut self.lines, content).map_err(|cause| {
            Error::new(ErrorKind::Internal, "a line of the plan cannot be written as JSON").caused_by(cause)
        })?;
        self.lines.push(b'\n');
        let line = self.lines.get(start..).unwrap_or_default();
        if line.len() > self.line_bytes_max {
            return Err(too_long(self.line_bytes_max));
        }
        std::str::from_utf8(line)
            .map_err(|cause| Error::new(ErrorKind::Internal, "JSON is always text").caused_by(cause))
    }
}

/// The line of a trailer that was kept apart from its plan, with its line end.
///
/// Errors: of kind [`ErrorKind::Internal`] only.
pub fn trailer_line(trailer: &Trailer) -> Result<String> {
    let mut line = serde_json::to_string(&TrailerLine { trailer }).map_err(|cause| {
        Error::new(ErrorKind::Internal, "a trailer cannot be written as JSON").caused_by(cause)
    })?;
    line.push('\n');
    Ok(line)
}

/// The seal of a trailer, whatever stands in its place for the seal.
fn seal(key: &Key, trailer: &Trailer) -> Result<blake3::Hash> {
    let unsealed = Trailer { seal: String::new(), ..trailer.clone() };
    let bytes = serde_json::to_vec(&unsealed).map_err(|cause| {
        Error::new(ErrorKind::Internal, "a trailer cannot be written as JSON").caused_by(cause)
    })?;
    let mut hasher = blake3::Hasher::new_keyed(&key.0);
    hasher.update(SEAL_VERSION);
    hasher.update(&bytes);
    Ok(hasher.finalize())
}

/// Whether a trailer that was kept apart from its lines carries the seal of this key.
///
/// Errors: of kind [`ErrorKind::Internal`] only.
pub fn is_sealed_by(key: &[u8; 32], trailer: &Trailer) -> Result<bool> {
    let expected = seal(&Key(*key), trailer)?;
    // Comparing hashes takes the same time wherever they differ.
    Ok(hash_of(&trailer.seal).is_some_and(|found| found == expected))
}

/// The hash that a text says, where it is written as we write it. In capitals it would be the same hash and not the plan that
/// was sealed.
fn hash_of(text: &str) -> Option<blake3::Hash> {
    blake3::Hash::from_hex(text).ok().filter(|hash| hash.to_hex().as_str() == text)
}

/// A line of a plan that was read.
#[derive(Clone, Debug, PartialEq)]
pub enum Line<'a> {
    /// The head.
    Head(Box<PlanHead>),
    /// An entry, as it is written: `{"entry":{..}}`. Only the whole plan is proven, when its trailer came.
    Entry(&'a str),
    /// The trailer: everything before it is proven now.
    Trailer(Trailer),
}

/// Reads a plan line by line and proves it. Nothing of it may be acted upon before [`Verifier::finish`] was `Ok`.
#[derive(Debug)]
pub struct Verifier {
    key: Key,
    digest: blake3::Hasher,
    head: Option<PlanHead>,
    trailer: Option<Trailer>,
    lines: u64,
    rest: Vec<u8>,
    line_bytes_max: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HeadRead {
    head: PlanHead,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TrailerRead {
    trailer: Trailer,
}

impl Verifier {
    /// A verifier with the state store's key.
    pub fn new(key: &[u8; 32]) -> Self {
        Self {
            key: Key(*key),
            digest: blake3::Hasher::new(),
            head: None,
            trailer: None,
            lines: 0,
            rest: Vec::new(),
            line_bytes_max: LINE_BYTES_MAX,
        }
    }

    /// Takes bytes of a file, cut anywhere, and gives every line that they complete to `each`.
    ///
    /// Errors: as of [`Verifier::line`], or what `each` says.
    pub fn feed(&mut self, mut bytes: &[u8], mut each: impl FnMut(Line<'_>) -> Result<()>) -> Result<()> {
        while let Some(at) = bytes.iter().position(|byte| *byte == b'\n') {
            let (head, rest) = bytes.split_at(at + 1);
            bytes = rest;
            if self.rest.is_empty() {
                each(self.line(text(head)?)?)?;
                continue;
            }
            self.bounded(head.len())?;
            let mut line = mem::take(&mut self.rest);
            line.extend_from_slice(head);
            each(self.line(text(&line)?)?)?;
            line.clear();
            self.rest = line;
        }
        self.bounded(bytes.len())?;
        self.rest.extend_from_slice(bytes);
        Ok(())
    }

    /// Takes one line, with or without its line end.
    ///
    /// Errors: [`ErrorKind::Configuration`] when it is not a line of a plan in its place; [`ErrorKind::Limit`] when
    /// it is longer than [`LINE_BYTES_MAX`]; [`ErrorKind::Conflict`] when the trailer does not fit what came before
    /// it, or when something follows the trailer.
    pub fn line<'a>(&mut self, line: &'a str) -> Result<Line<'a>> {
        self.bounded(line.len())?;
        self.lines += 1;
        let content = line.strip_suffix('\n').unwrap_or(line);
        if self.trailer.is_some() {
            return Err(self.refused("something follows the trailer of the plan"));
        }
        if self.head.is_none() {
            let HeadRead { head } = serde_json::from_str(content).map_err(|cause| self.no_plan(cause))?;
            self.take_in(content);
            self.head = Some(head.clone());
            return Ok(Line::Head(Box::new(head)));
        }
        if content.starts_with("{\"entry\":") {
            self.take_in(content);
            return Ok(Line::Entry(content));
        }
        if !content.starts_with("{\"trailer\":") {
            return Err(self.refused("the line is no entry and no trailer"));
        }
        let TrailerRead { trailer } = serde_json::from_str(content)
            .map_err(|cause| self.refused("the trailer of the plan is not readable").caused_by(cause))?;
        self.check(&trailer)?;
        // The seal is over what the trailer says: a word that nobody reads could stand beside it otherwise.
        if trailer_line(&trailer)?.trim_end_matches('\n') != content {
            return Err(self.refused("the trailer of the plan was edited after it was sealed"));
        }
        self.trailer = Some(trailer.clone());
        Ok(Line::Trailer(trailer))
    }

    /// Ends the file; gives head and trailer of a plan that is whole, unedited, and sealed with the key.
    ///
    /// Errors: as of [`Verifier::line`]; [`ErrorKind::Conflict`] when the trailer is missing.
    pub fn finish(mut self) -> Result<(PlanHead, Trailer)> {
        let rest = mem::take(&mut self.rest);
        if !rest.is_empty() {
            // An editor may drop the last line end; the trailer's own is not part of the digest.
            self.line(text(&rest)?)?;
        }
        match (self.head.take(), self.trailer.take()) {
            (Some(head), Some(trailer)) => Ok((head, trailer)),
            (Some(_), None) => Err(self.refused("the plan ends without its trailer: it was cut off")),
            (None, _) => Err(no_plan("the file is empty")),
        }
    }

    fn check(&self, trailer: &Trailer) -> Result<()> {
        let found = self.digest.finalize();
        if hash_of(&trailer.digest) != Some(found) {
            return Err(self.refused("the plan was edited after it was sealed: its digest is another one"));
        }
        if !is_sealed_by(&self.key.0, trailer)? {
            return Err(self.refused(
                "the seal of the plan does not fit: it was sealed by another state store, or its trailer was edited",
            ));
        }
        Ok(())
    }

    fn take_in(&mut self, content: &str) {
        self.digest.update(content.as_bytes());
        self.digest.update(b"\n");
    }

    fn bounded(&self, more: usize) -> Result<()> {
        if self.rest.len() + more > self.line_bytes_max {
            return Err(too_long(self.line_bytes_max).at("line", self.lines + 1));
        }
        Ok(())
    }

    fn refused(&self, what: &str) -> Error {
        Error::new(ErrorKind::Conflict, what)
            .at("line", self.lines)
            .with_remedy("make the plan again with the state store that it is to be applied with")
    }

    fn no_plan(&self, cause: serde_json::Error) -> Error {
        no_plan("its first line is no head of a plan").at("line", self.lines).caused_by(cause)
    }
}

fn no_plan(why: &str) -> Error {
    Error::configuration(format!("this is not a plan: {why}"))
        .with_remedy("give a file that a plan was written to")
}

fn too_long(most: usize) -> Error {
    Error::new(ErrorKind::Limit, format!("a line of the plan is longer than {most} bytes"))
        .with_remedy("no plan has such lines; leave large attachments out of the mapping")
}

fn text(bytes: &[u8]) -> Result<&str> {
    std::str::from_utf8(bytes).map_err(|cause| no_plan("it is not text").caused_by(cause))
}

#[cfg(test)]
#[path = "seal_tests.rs"]
mod tests;
