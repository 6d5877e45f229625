//! What the oracle finds: harms, whether their absence was promised, and how often. Knows nothing of how they are found.
//! The doors are [`Finding`] and [`Tally`].

use std::collections::BTreeMap;
use std::fmt;

use crate::model::Side;

/// What can be done to data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Harm {
    /// A user's edit was overwritten unseen, came to nothing, or was undone.
    LostUpdate,
    /// A conflict is open although the two sides did not both edit the field.
    FalseConflict,
    /// A value was written to where it already was, or to where it came from.
    EchoWrite,
    /// A record was made although the engine had made it, or had seen it.
    Duplicate,
    /// A record was deleted whose partner no user deleted, or whose partner's absence cannot be proven.
    WrongDelete,
    /// A value was written that no user wrote for this field of this thing.
    Invention,
    /// The two sides differ, and nothing says so.
    Disagreement,
    /// It never becomes quiet, or is not quiet once it said so.
    Unsettled,
    /// A field was written that no rule carries.
    Touched,
    /// What was deleted with consent was made anew.
    Resurrection,
    /// A base is kept that the side never held and was never sent.
    UnsoundBase,
    /// A record has two partners.
    TwoPartners,
    /// A write was sent whose intent was not durable.
    NoIntent,
    /// How an entry ended, and the pair and what is open about it, were not one transaction.
    TornCommit,
    /// Reading went on behind a change that was never shown.
    CursorPassed,
    /// Something was written to a copy of the environment.
    WroteToClone,
    /// The order in which records came changed what was done.
    OrderMatters,
    /// Which side is called left changed what was done.
    SidesMatter,
    /// That processes died changed what there is in the end.
    CrashMatters,
    /// Something waits for a person for a reason that is not so.
    NeedlessQuestion,
}

impl Harm {
    /// All of them.
    pub const ALL: [Harm; 20] = [
        Harm::LostUpdate,
        Harm::FalseConflict,
        Harm::EchoWrite,
        Harm::Duplicate,
        Harm::WrongDelete,
        Harm::Invention,
        Harm::Disagreement,
        Harm::Unsettled,
        Harm::Touched,
        Harm::Resurrection,
        Harm::UnsoundBase,
        Harm::TwoPartners,
        Harm::NoIntent,
        Harm::TornCommit,
        Harm::CursorPassed,
        Harm::WroteToClone,
        Harm::OrderMatters,
        Harm::SidesMatter,
        Harm::CrashMatters,
        Harm::NeedlessQuestion,
    ];

    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Harm::LostUpdate => "lost updates",
            Harm::FalseConflict => "false conflicts",
            Harm::EchoWrite => "echo writes",
            Harm::Duplicate => "duplicates",
            Harm::WrongDelete => "wrong deletes",
            Harm::Invention => "inventions",
            Harm::Disagreement => "disagreements",
            Harm::Unsettled => "unsettled",
            Harm::Touched => "touched",
            Harm::Resurrection => "resurrections",
            Harm::UnsoundBase => "unsound bases",
            Harm::TwoPartners => "two partners",
            Harm::NoIntent => "no intent",
            Harm::TornCommit => "torn commits",
            Harm::CursorPassed => "cursor passed",
            Harm::WroteToClone => "wrote to clone",
            Harm::OrderMatters => "order matters",
            Harm::SidesMatter => "sides matter",
            Harm::CrashMatters => "crashes matter",
            Harm::NeedlessQuestion => "needless questions",
        }
    }
}

/// One harm that was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What.
    pub harm: Harm,
    /// The invariant that it breaks: `I10`.
    pub invariant: &'static str,
    /// The side whose capabilities decide whether its absence is promised.
    pub side: Side,
    /// Whether its absence was promised: then it is a violation, otherwise only counted.
    pub owed: bool,
    /// What happened, in words.
    pub words: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}, {}): {}", self.harm.words(), self.invariant, self.side, self.words)
    }
}

/// How often each harm was done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    counts: BTreeMap<Harm, (u64, u64)>,
}

impl Tally {
    /// Counts a finding.
    pub fn add(&mut self, finding: &Finding) {
        let (owed, excused) = self.counts.entry(finding.harm).or_default();
        *(if finding.owed { owed } else { excused }) += 1;
    }

    /// Adds what another one counted.
    pub fn join(&mut self, other: &Tally) {
        for (harm, (owed, excused)) in &other.counts {
            let sums = self.counts.entry(*harm).or_default();
            sums.0 += owed;
            sums.1 += excused;
        }
    }

    /// How often a harm was done whose absence was promised.
    pub fn violations(&self, harm: Harm) -> u64 {
        self.counts.get(&harm).map_or(0, |(owed, _)| *owed)
    }

    /// How often a harm was done that the table of promises allows there.
    pub fn allowed(&self, harm: Harm) -> u64 {
        self.counts.get(&harm).map_or(0, |(_, excused)| *excused)
    }
}
