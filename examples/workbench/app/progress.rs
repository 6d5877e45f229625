//! Events of a run as progress bars, and as notes to be shown afterwards. Decides nothing.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use seamless_core::model::{Side, Sides};
use seamless_core::sync::{Event, Observer, Phase};

/// Notes that one command keeps at most; more are counted.
const NOTES_MAX: usize = 50;

/// Draws bars where that was asked for, and keeps what a person must hear.
#[derive(Debug)]
pub(crate) struct Watcher {
    bars: bool,
    names: Sides<String>,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    all: MultiProgress,
    bars: HashMap<(Phase, Option<Side>), ProgressBar>,
    /// Each with how often it was to be said.
    notes: Vec<(String, u64)>,
    more: u64,
}

impl Watcher {
    pub(crate) fn new(bars: bool, names: Sides<String>) -> Self {
        Self { bars, names, seen: Mutex::default() }
    }

    /// What there is to say so far; says it once.
    pub(crate) fn take_notes(&self) -> Vec<String> {
        let mut seen = self.seen();
        let said = std::mem::take(&mut seen.notes);
        let mut notes: Vec<String> = said
            .into_iter()
            .map(|(note, times)| if times == 1 { note } else { format!("{note} ({times} times)") })
            .collect();
        if seen.more > 0 {
            notes.push(format!("and {} more", std::mem::take(&mut seen.more)));
        }
        notes
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Watcher {
    fn event(&self, event: &Event<'_>) {
        let mut seen = self.seen();
        match event {
            Event::PhaseBegan { phase, link, side, total } if self.bars => {
                let bar = match total {
                    Some(total) => ProgressBar::new(*total).with_style(counted()),
                    None => ProgressBar::new_spinner(),
                };
                let of = link.map(|link| format!(" {link}")).unwrap_or_default();
                let at = side.map(|side| format!(" of {}", self.names.of(side))).unwrap_or_default();
                bar.set_message(format!("{phase}{of}{at}"));
                let bar = seen.all.add(bar);
                if let Some(before) = seen.bars.insert((*phase, *side), bar) {
                    before.finish_and_clear();
                }
            }
            Event::Progress { phase, side, done, total, .. } => {
                if let Some(bar) = seen.bars.get(&(*phase, *side)) {
                    if let Some(total) = total {
                        bar.set_length(*total);
                    }
                    bar.set_position(*done);
                }
            }
            Event::PhaseEnded { phase, side, .. } => {
                if let Some(bar) = seen.bars.remove(&(*phase, *side)) {
                    bar.finish_and_clear();
                }
            }
            Event::GuardTripped(trip) => {
                seen.note(format!("guard {}: {}; {}", trip.guard, trip.found, trip.remedy));
            }
            Event::RecordFailed { link, side, message, parked } => {
                let then = if *parked { "it waits for a person" } else { "it is tried again later" };
                seen.note(format!("{link}: a record of {} failed: {message}; {then}", self.names.of(*side)));
            }
            Event::GuaranteeLowered { side, message, .. } => {
                seen.note(format!(
                    "{}: {message}; less can be promised than the plan said",
                    self.names.of(*side)
                ));
            }
            _ => {}
        }
    }
}

impl Seen {
    fn note(&mut self, note: String) {
        if let Some((_, times)) = self.notes.iter_mut().find(|(known, _)| *known == note) {
            *times += 1;
        } else if self.notes.len() < NOTES_MAX {
            self.notes.push((note, 1));
        } else {
            self.more += 1;
        }
    }
}

fn counted() -> ProgressStyle {
    // The template is fixed; one that the library refuses shows the plain bar.
    ProgressStyle::with_template("{msg:30} {bar:30} {human_pos}/{human_len} {per_sec} {eta}")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
}
