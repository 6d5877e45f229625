//! The conformance kit for connectors: what any connector must do, as a table of cases over the [`Connector`] port. An
//! author describes the system ([`Bench`]) and gets a [`Report`]: what it declares, what was seen, what to declare instead.
//! The doors are [`check_connector`] and [`cases`].
//!
//! It knows no system. It has three tiers ([`Tier`]): without more it only reads; records that are nominated are changed and
//! get their values back; in a scratch namespace it makes records, and deletes those and no others. A case that could not
//! tell is skipped with a reason, and a run in which nothing passed is a failure.
//!
//! ```no_run
//! use std::sync::Arc;
//! use seamless_core::connector::Connector;
//! use seamless_core::testkit::connector_kit::{Bench, check_connector};
//!
//! async fn my_connector_keeps_its_word(mine: Arc<dyn Connector>) -> seamless_core::Result<()> {
//!     let bench = Bench::new("customer", move || std::future::ready(Ok(Arc::clone(&mine)))).scratch("kit-1");
//!     let report = check_connector(&bench).await;
//!     println!("{report}");
//!     report.verdict()
//! }
//! ```
//!
//! [`Connector`]: crate::connector::Connector

mod bench;
mod case;
mod cases;
mod claim;
mod fields;
mod ledger;
mod log;
mod reading;
mod records;
mod sample;
mod subject;
mod watched;

pub use bench::{AnotherUser, Bench, Torn, Wire};
pub use case::{Case, Need, Tier};
use ledger::Ledger;
use log::Log;
use subject::Subject;

use std::sync::Arc;

use tracing::instrument::WithSubscriber;

use super::report::{Line, Report};
use super::verdict::{self, Held, Outcome, Stop};

/// The table: every case, in the order in which they run.
pub fn cases() -> impl Iterator<Item = &'static Case> {
    cases::ALL.iter().flat_map(|part| part.iter())
}

/// Runs every case.
pub async fn check_connector(bench: &Bench) -> Report {
    check_cases(bench, |_| true).await
}

/// Runs the cases that are picked. What is logged meanwhile goes through the kit.
pub async fn check_cases(bench: &Bench, pick: impl Fn(&Case) -> bool) -> Report {
    let ledger = Arc::<Ledger>::default();
    let log = Log::new(&ledger, &bench.secrets);
    check_picked(bench, pick, ledger).with_subscriber(log).await
}

async fn check_picked(bench: &Bench, pick: impl Fn(&Case) -> bool, ledger: Arc<Ledger>) -> Report {
    let mut report = Report { subject: format!("entity {}", bench.entity), ..Report::default() };
    let subject = match Subject::open(bench, ledger).await {
        Ok(subject) => subject,
        Err(stop) => {
            let (case, says) = ("system.opens", "a connector is made and knows the entity");
            report.lines.push(Line { case, says, outcome: Outcome::from(Err(stop)) });
            return report;
        }
    };
    report.subject = format!("entity {} of {}", bench.entity, subject.connector.info().identity);
    for case in cases().filter(|case| pick(case)) {
        let held = run(case, &subject).await;
        // What a case made is in no other one's way.
        report.left_behind.extend(subject.tidy().await);
        let Case { name, says, .. } = case;
        report.lines.push(Line { case: name, says, outcome: Outcome::from(held) });
    }
    report
}

async fn run(case: &Case, subject: &Subject) -> Held {
    let allowed = subject.bench.tier();
    if case.tier > allowed {
        return Err(Stop::Skipped(format!("needs the tier {:?}; the bench allows {allowed:?}", case.tier)));
    }
    if let Some(unmet) = case.needs.iter().find_map(|need| need.unmet(&subject.can)) {
        return Err(Stop::Skipped(unmet));
    }
    (case.body)(subject).await
}
