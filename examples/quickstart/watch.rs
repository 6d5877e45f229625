//! Watching a run: a progress bar per phase while it lasts, one line of times when it is over.
//!
//! Bars are drawn on standard error and only where that is a terminal. Door: [`Watch`].

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use seamless_core::model::Side;
use seamless_core::sync::{Event, Observer, Phase};

use crate::terminal::{care, number, quiet};

/// An observer that shows and remembers.
#[derive(Debug, Default)]
pub(crate) struct Watch(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    all: MultiProgress,
    bars: HashMap<(Phase, Option<Side>), ProgressBar>,
    phases: Vec<(Phase, u64, Duration)>,
    troubles: Vec<String>,
}

impl Observer for Watch {
    fn event(&self, event: &Event<'_>) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::PhaseBegan { phase, link, side, total } => {
                let what = match link {
                    Some(link) => format!("{phase} {link}"),
                    None => phase.to_string(),
                };
                let bar = seen.all.add(bar(*total, what));
                seen.bars.insert((*phase, *side), bar);
            }
            Event::Progress { phase, side, done, .. } => {
                if let Some(bar) = seen.bars.get(&(*phase, *side)) {
                    bar.set_position(*done);
                }
            }
            Event::PhaseEnded { phase, side, done, took, .. } => {
                if let Some(bar) = seen.bars.remove(&(*phase, *side)) {
                    bar.finish_and_clear();
                }
                match seen.phases.iter_mut().find(|(known, ..)| known == phase) {
                    Some((_, steps, time)) => {
                        *steps += done;
                        *time += *took;
                    }
                    None => seen.phases.push((*phase, *done, *took)),
                }
            }
            Event::RecordFailed { link, message, .. } => seen.troubles.push(format!("{link}: {message}")),
            Event::GuardTripped(trip) => seen.troubles.push(format!("{}: {}", trip.guard, trip.found)),
            Event::GuaranteeLowered { message, .. } => seen.troubles.push((*message).to_owned()),
            _ => {}
        }
    }
}

impl Watch {
    /// Says what the phases since the last time took, and what went wrong in them.
    pub(crate) fn tell(&self) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Seen { phases, troubles, .. } = std::mem::take(&mut *seen);
        let told = phases.iter().map(|(phase, steps, took)| {
            let records = if *phase == Phase::Apply { "entries" } else { "records" };
            match phase {
                Phase::Seal | Phase::Recover => format!("{phase} {:.2} s", took.as_secs_f64()),
                _ => format!("{phase} {} {records} {:.2} s", number(*steps), took.as_secs_f64()),
            }
        });
        quiet(told.collect::<Vec<_>>().join(" · "));
        for trouble in troubles {
            care(trouble);
        }
    }
}

fn bar(total: Option<u64>, what: String) -> ProgressBar {
    let (bar, template) = match total {
        Some(total) => (ProgressBar::new(total), "   {msg:<20} {bar:40.cyan} {human_pos}/{human_len} {eta}"),
        None => (ProgressBar::new_spinner(), "   {msg:<20} {spinner} {human_pos} {per_sec}"),
    };
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    bar.with_style(style).with_message(what)
}
