//! A simulated world for tests of integrations: two systems whose oddities are switches, users who act at any moment, a
//! clock and a chance that a seed decides, and an oracle that knows who wrote what. The host brings its own integration
//! ([`Subject`]); the world drives it through [`Integration`](crate::sync::Integration) and nothing else.
//!
//! - [`play`] plays a [`Script`]: a schedule as data, and as text that can be pasted into a test.
//! - [`tell`] plays one and says what happened, line by line.
//! - [`search`] draws scripts from seeds ([`Weather`], [`Mode`]), and makes the first that fails short.
//! - [`order_law`], [`mirror_law`] and [`crash_law`] play a script twice: with records in another order, with the sides
//!   changed over, with processes that die and without.
//!
//! The oracle believes the simulated systems and a chronicle of what users did. Every value that a user writes begins with a
//! number that nobody wrote before, so that whatever stands anywhere tells who wrote it for what. Writes are judged when they
//! arrive (I10, I12, I13, I21, I23 to I26, I31), commits when they are made (I22), pages when they are asked for (I28), what
//! waits and what is kept after every run (I13, I19, I25), and when all is quiet what is left (I7 to I9, I11, I15). Crashes and
//! late answers happen all the while; that they change nothing in the end is a law of its own (I27).
//!
//! What is a violation and what is only counted comes from the table of promises ([`crate::plan::guarantee::PROMISES`]), read for what
//! the two systems can do in truth before anything happens.
//!
//! ```
//! use std::sync::Arc;
//!
//! use seamless_core::mapper::Mapper;
//! use seamless_core::model::{Entity, Result};
//! use seamless_core::sync::Integration;
//! use seamless_core::testkit::world::{Kind, Mode, Process, Subject, Weather, search};
//!
//! /// Tries an integration in two hundred worlds; the error is the shortest script that was found for one that fails.
//! fn try_it(left: Entity, right: Entity, mapping: Vec<Arc<dyn Mapper>>) -> Result<Option<String>> {
//!     let customers = Kind::new("customers", left, right, ["number", "No."])
//!         .carries("name", "Name")
//!         .carries("credit limit", "Credit Limit (LCY)");
//!     let subject = Subject::new(vec![customers], move |process: &Process| {
//!         Integration::builder("customers")
//!             .left("crm", process.left.clone())
//!             .right("erp", process.right.clone())
//!             .links(mapping.clone())
//!             .store(process.store.clone())
//!             .clock(process.clock.clone())
//!             .build()
//!     })?;
//!     let figures = search(&subject, &Weather::default(), Mode::Schedules, 1..=200)?;
//!     Ok(figures.failure.map(|failure| failure.to_string()))
//! }
//! ```
//!
//! What it does not do: fields whose values cannot hold a number (booleans, options, dates, sets) stay empty; no field but
//! the name that records are matched by is unique, and users change it only where the kind says that it is carried
//! ([`Kind::renames`]); links and carried fields are two-way ([`play`] refuses others); a mapping that brings deleted records
//! back by policy would be found to resurrect them.

mod accept;
mod again;
mod chronicle;
mod clock;
mod deed;
mod desk;
mod dice;
mod doubt;
mod draw;
mod finding;
mod in_step;
mod judge;
mod kind;
mod laws;
mod level;
mod names;
mod needless;
mod play;
mod port;
mod promises;
mod quiet;
mod rules;
mod script;
mod search;
mod serve;
mod story;
mod switches;
mod system;
mod table;
mod transactions;
mod universe;
mod users;
mod witness;

pub use clock::VirtualClock;
pub use deed::{Deed, Event, What};
pub use draw::Weather;
pub use finding::{Finding, Harm, Tally};
pub use kind::{Build, Carried, CarriedReference, Kind, OpenStore, Process, Subject};
pub use laws::{crash_law, mirror_law, order_law};
pub use level::Level;
pub use play::{Outcome, play, tell};
pub use script::{Run, Script, Step};
pub use search::{Failure, Figures, Mode, search, shrink};
pub use switches::{Blank, Switches, Versions};
pub use system::Fault;
