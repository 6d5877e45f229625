//! A whole schedule as data, and as text that can be pasted into a test: two systems, what users do, what goes wrong, when
//! the integration runs. Knows nothing of how it is played. The doors are [`Script`] and [`Script::parse`].

use std::fmt;

use super::deed::{Deed, Event, What};
use super::switches::Switches;
use super::system::Fault;
use crate::model::{Error, Result, Side, Sides};

/// One run of the integration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Run {
    /// The process dies after so many steps: calls of the systems and of the state store, before and after each.
    pub crash: Option<u64>,
    /// What users do meanwhile: at which moment, counted over the calls of both systems, before and after each.
    pub deeds: Vec<(u64, Deed)>,
}

/// What happens next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A user does something.
    Deed(Deed),
    /// Something happens to a system.
    Event(Side, Event),
    /// The next call of its kind goes wrong.
    Fault(Side, Fault),
    /// So many seconds pass.
    Wait(u64),
    /// The integration runs.
    Run(Run),
}

/// A schedule.
#[derive(Clone, Debug, PartialEq)]
pub struct Script {
    /// The two systems.
    pub systems: Sides<Switches>,
    /// Things of each kind that users know.
    pub things: usize,
    /// Whether the person who approves plans respects guards; otherwise every guard is overridden.
    pub cautious: bool,
    /// Whether faults go on to the end: then only safety is judged, not that everything becomes quiet.
    pub unbounded: bool,
    /// What happens.
    pub steps: Vec<Step>,
}

impl Script {
    /// A schedule of nothing over two systems.
    pub fn new(left: Switches, right: Switches) -> Self {
        Self {
            systems: Sides::new(left, right),
            things: 2,
            cautious: false,
            unbounded: false,
            steps: Vec::new(),
        }
    }

    /// Every deed of the script, those within runs included.
    pub(super) fn deeds(&self) -> impl Iterator<Item = &Deed> {
        self.steps.iter().flat_map(|step| {
            let (one, many): (Option<&Deed>, &[(u64, Deed)]) = match step {
                Step::Deed(deed) => (Some(deed), &[]),
                Step::Run(run) => (None, &run.deeds),
                _ => (None, &[]),
            };
            one.into_iter().chain(many.iter().map(|(_, deed)| deed))
        })
    }

    /// Sides whose content changes behind its own back.
    pub(super) fn silent(&self) -> Sides<bool> {
        let on =
            |side: Side| self.deeds().any(|deed| deed.side == side && matches!(deed.what, What::Silent(_)));
        Sides::new(on(Side::Left), on(Side::Right))
    }

    /// Reads what a script is displayed as. Empty lines and what follows `#` are left out.
    ///
    /// Errors: a line that says nothing that is known, or a switch that there is not, with the number of the line and what
    /// could stand there.
    pub fn parse(text: &str) -> Result<Self> {
        let mut script = Script::new(Switches::default(), Switches::default());
        for (number, line) in text.lines().enumerate() {
            let line = line.split('#').next().unwrap_or_default().trim();
            if line.is_empty() {
                continue;
            }
            let at_line = |error: Error| error.at("line", number + 1).at("text", line);
            script.line(line).map_err(at_line)?.ok_or_else(|| {
                at_line(Error::configuration("a line of a script says nothing that is known"))
                    .with_remedy(remedy(line))
            })?;
        }
        Ok(script)
    }

    /// A deed that speaks of nothing would be left undone, and a script that tests nothing would pass.
    ///
    /// Errors: a kind or a thing that is not there, with the deed.
    pub(super) fn check(&self, kinds: usize) -> Result<()> {
        for deed in self.deeds() {
            let argument = match deed.what {
                What::Refer(thing) | What::Merge(thing) | What::Swap(thing) => thing,
                _ => deed.thing,
            };
            let (what, there) = if deed.kind >= kinds {
                ("kind", kinds)
            } else if deed.thing.max(argument) >= self.things {
                ("thing", self.things)
            } else {
                continue;
            };
            return Err(Error::configuration(format!(
                "a deed of a script speaks of a {what} that is not there"
            ))
            .at("deed", deed)
            .with_remedy(format!(
                "there are {there}, counted from 0; `things: ` says how many things of each kind"
            )));
        }
        Ok(())
    }

    fn line(&mut self, line: &str) -> Result<Option<()>> {
        for (name, side) in [("left:", Side::Left), ("right:", Side::Right)] {
            if let Some(switches) = line.strip_prefix(name) {
                *self.systems.of_mut(side) = Switches::parse(switches)?;
                return Ok(Some(()));
            }
        }
        Ok(self.words(&line.split_whitespace().collect::<Vec<_>>()))
    }

    fn words(&mut self, words: &[&str]) -> Option<()> {
        let step = match words {
            ["things:", count] => {
                self.things = count.parse().ok()?;
                return Some(());
            }
            ["cautious"] => {
                self.cautious = true;
                return Some(());
            }
            ["unbounded"] => {
                self.unbounded = true;
                return Some(());
            }
            ["at", moment, deed @ ..] => {
                let at = (moment.parse().ok()?, deed_of(deed)?);
                let Some(Step::Run(run)) = self.steps.last_mut() else { return None };
                run.deeds.push(at);
                return Some(());
            }
            ["run"] => Step::Run(Run::default()),
            ["run", crash] => {
                let crash = Some(crash.strip_prefix("crash=")?.parse().ok()?);
                Step::Run(Run { crash, deeds: Vec::new() })
            }
            ["wait", seconds] => Step::Wait(seconds.parse().ok()?),
            [side, "fault", name] => {
                Step::Fault(side_of(side)?, Fault::ALL.into_iter().find(|fault| fault.name() == *name)?)
            }
            [side, name] => {
                Step::Event(side_of(side)?, Event::ALL.into_iter().find(|event| event.name() == *name)?)
            }
            deed => Step::Deed(deed_of(deed)?),
        };
        self.steps.push(step);
        Some(())
    }
}

/// What could stand in the place of a line that says nothing.
fn remedy(line: &str) -> String {
    let words: Vec<&str> = line.split_whitespace().collect();
    match words.as_slice() {
        [_, "fault", ..] => {
            let faults: Vec<&str> = Fault::ALL.iter().map(|fault| fault.name()).collect();
            format!("the faults are {}", faults.join(", "))
        }
        ["at", ..] => "say `at <moment> <deed>` below a `run`".to_owned(),
        [word, ..] if side_of(word).is_some() => {
            let events: Vec<&str> = Event::ALL.iter().map(|event| event.name()).collect();
            format!(
                "say `<side> <word> <kind>.<thing>`, and behind it the place of the field or the other thing where the word \
                 takes one (see `What`), or `<side> <event>`: {}",
                events.join(", ")
            )
        }
        _ => "a line begins with left:, right:, things:, cautious, unbounded, run, at, wait, left or right"
            .to_owned(),
    }
}

fn side_of(word: &str) -> Option<Side> {
    Side::BOTH.into_iter().find(|side| side.to_string() == word)
}

fn deed_of(words: &[&str]) -> Option<Deed> {
    let (side, word, place, argument) = match words {
        [side, word, place] => (side, word, place, None),
        [side, word, place, argument] => (side, word, place, Some(argument.parse().ok()?)),
        _ => return None,
    };
    let (kind, thing) = place.split_once('.')?;
    Some(Deed {
        side: side_of(side)?,
        kind: kind.parse().ok()?,
        thing: thing.parse().ok()?,
        what: What::of_word(word, argument)?,
    })
}

impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "left: {}", self.systems.left)?;
        writeln!(f, "right: {}", self.systems.right)?;
        writeln!(f, "things: {}", self.things)?;
        if self.cautious {
            writeln!(f, "cautious")?;
        }
        if self.unbounded {
            writeln!(f, "unbounded")?;
        }
        for step in &self.steps {
            match step {
                Step::Deed(deed) => writeln!(f, "{deed}")?,
                Step::Event(side, event) => writeln!(f, "{side} {}", event.name())?,
                Step::Fault(side, fault) => writeln!(f, "{side} fault {fault}")?,
                Step::Wait(seconds) => writeln!(f, "wait {seconds}")?,
                Step::Run(Run { crash, deeds }) => {
                    match crash {
                        Some(crash) => writeln!(f, "run crash={crash}")?,
                        None => writeln!(f, "run")?,
                    }
                    for (moment, deed) in deeds {
                        writeln!(f, "  at {moment} {deed}")?;
                    }
                }
            }
        }
        Ok(())
    }
}
