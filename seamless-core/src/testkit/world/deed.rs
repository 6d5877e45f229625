//! What users do, as data: the words of scripts. Knows nothing of how it is done. The doors are [`Deed`] and [`Event`].

use std::fmt;

use crate::model::Side;

/// Something that a user does with the record of a side that stands for a thing. What cannot be done is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deed {
    /// The side.
    pub side: Side,
    /// The place of the kind.
    pub kind: usize,
    /// The number of the thing.
    pub thing: usize,
    /// What is done.
    pub what: What,
}

/// What a user does. Fields are places among the carried ones, modulo their number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Makes the record.
    Create,
    /// Writes a new value.
    Edit(usize),
    /// Takes the value away.
    Clear(usize),
    /// Writes the same new value on both sides.
    Both(usize),
    /// Writes a value again that stood there before.
    Back(usize),
    /// Writes the value that stands on the other side.
    Copy(usize),
    /// Points the reference at another thing: re-parents the record.
    Refer(usize),
    /// Points the reference at nothing.
    Unrefer,
    /// Writes into the field that no rule carries.
    Note,
    /// Deletes the record.
    Delete,
    /// Brings a deleted record back as it was.
    Undelete,
    /// Merges the record into that of another thing.
    Merge(usize),
    /// Saves the record without a change: its version moves.
    Touch,
    /// Writes a new value behind the back of versions and feeds, as scripts in a database do.
    Silent(usize),
    /// Writes a new value in a transaction that is committed later.
    Begin(usize),
    /// Takes the integration's permission to see the record away.
    Hide,
    /// Gives it back.
    Show,
    /// Takes the permission to read a field away.
    Deny(usize),
    /// Gives it back.
    Allow(usize),
    /// Changes the name that the record is matched by to that of this number, which may have been another record's.
    Rename(usize),
    /// Changes names with the record of another thing.
    Swap(usize),
    /// Looks at what waits for a decision about the thing, and remembers it until the next decision.
    Look,
    /// Decides whatever waits for a decision about the thing for this side: as it was looked at last, or as it is now.
    Resolve,
    /// Asks for another try with the record.
    Hint,
}

impl What {
    /// The word, and the argument where it has one.
    pub(super) fn word(self) -> (&'static str, Option<usize>) {
        match self {
            What::Create => ("create", None),
            What::Edit(field) => ("edit", Some(field)),
            What::Clear(field) => ("clear", Some(field)),
            What::Both(field) => ("both", Some(field)),
            What::Back(field) => ("back", Some(field)),
            What::Copy(field) => ("copy", Some(field)),
            What::Refer(thing) => ("refer", Some(thing)),
            What::Unrefer => ("unrefer", None),
            What::Note => ("note", None),
            What::Delete => ("delete", None),
            What::Undelete => ("undelete", None),
            What::Merge(thing) => ("merge", Some(thing)),
            What::Touch => ("touch", None),
            What::Silent(field) => ("silent", Some(field)),
            What::Begin(field) => ("begin", Some(field)),
            What::Hide => ("hide", None),
            What::Show => ("show", None),
            What::Deny(field) => ("deny", Some(field)),
            What::Allow(field) => ("allow", Some(field)),
            What::Rename(number) => ("rename", Some(number)),
            What::Swap(thing) => ("swap", Some(thing)),
            What::Look => ("look", None),
            What::Resolve => ("resolve", None),
            What::Hint => ("hint", None),
        }
    }

    /// The deed of a word.
    pub(super) fn of_word(word: &str, argument: Option<usize>) -> Option<Self> {
        Some(match (word, argument) {
            ("create", None) => What::Create,
            ("edit", Some(field)) => What::Edit(field),
            ("clear", Some(field)) => What::Clear(field),
            ("both", Some(field)) => What::Both(field),
            ("back", Some(field)) => What::Back(field),
            ("copy", Some(field)) => What::Copy(field),
            ("refer", Some(thing)) => What::Refer(thing),
            ("unrefer", None) => What::Unrefer,
            ("note", None) => What::Note,
            ("delete", None) => What::Delete,
            ("undelete", None) => What::Undelete,
            ("merge", Some(thing)) => What::Merge(thing),
            ("touch", None) => What::Touch,
            ("silent", Some(field)) => What::Silent(field),
            ("begin", Some(field)) => What::Begin(field),
            ("hide", None) => What::Hide,
            ("show", None) => What::Show,
            ("deny", Some(field)) => What::Deny(field),
            ("allow", Some(field)) => What::Allow(field),
            ("rename", Some(number)) => What::Rename(number),
            ("swap", Some(thing)) => What::Swap(thing),
            ("look", None) => What::Look,
            ("resolve", None) => What::Resolve,
            ("hint", None) => What::Hint,
            _ => return None,
        })
    }
}

impl fmt::Display for Deed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, argument) = self.what.word();
        write!(f, "{} {word} {}.{}", self.side, self.kind, self.thing)?;
        argument.map_or(Ok(()), |argument| write!(f, " {argument}"))
    }
}

/// Something that happens to a whole system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A backup is taken.
    Backup,
    /// The last backup is restored; cursors of before are refused afterwards.
    Restore,
    /// From now on the integration is connected to a copy of the environment, which has another identity.
    Clone,
    /// The integration is connected to the environment itself again.
    Return,
    /// Cursors of before are refused.
    Expire,
}

impl Event {
    /// All of them.
    pub const ALL: [Event; 5] = [Event::Backup, Event::Restore, Event::Clone, Event::Return, Event::Expire];

    /// The word.
    pub fn name(self) -> &'static str {
        match self {
            Event::Backup => "backup",
            Event::Restore => "restore",
            Event::Clone => "clone",
            Event::Return => "return",
            Event::Expire => "expire",
        }
    }
}
