//! The four rules that play the same schedules: the engine as it ships, and three rivals around it. The door is
//! [`Rule::subject`].

use std::collections::BTreeMap;
use std::sync::Arc;

use seamless_core::mapper::Mapper;
use seamless_core::merge::CompiledLink;
use seamless_core::model::Result;
use seamless_core::store::SqliteStore;
use seamless_core::sync::{Integration, IntegrationBuilder};
use seamless_core::testkit::world::{Process, Subject};
use seamless_mapping::Refused;

use crate::rivals::{ReadBack, SharedBase, WholeRecord};
use crate::subject::{SWEEP, kinds, mapping, mirrored};

/// How two records are kept in step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub(crate) enum Rule {
    /// The engine as it ships.
    Seamless,
    /// Two stamps per pair, no values.
    WholeRecord,
    /// One base for both sides.
    SharedBase,
    /// What stands there after a write is the base.
    ReadBack,
}

/// Where the state is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Store {
    /// In memory
    Memory,
    /// In SQLite databases in memory
    Sqlite,
}

impl Store {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Store::Memory => "memory",
            Store::Sqlite => "sqlite",
        }
    }
}

impl Rule {
    pub(crate) const ALL: [Rule; 4] = [Rule::Seamless, Rule::WholeRecord, Rule::SharedBase, Rule::ReadBack];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Rule::Seamless => "seamless",
            Rule::WholeRecord => "whole-record",
            Rule::SharedBase => "shared-base",
            Rule::ReadBack => "read-back",
        }
    }

    /// What the rule is, in a sentence.
    pub(crate) fn sentence(self) -> &'static str {
        match self {
            Rule::Seamless => "a base per side and field; what differs from its own base was edited",
            Rule::WholeRecord => {
                "no base values, only stamps per pair: one newer record is copied over as a whole, two newer ones \
                 that differ in a two-way field are in conflict as a whole"
            }
            Rule::SharedBase => {
                "one remembered value per field, which both sides are held against: what a system makes of a value \
                 looks like an edit"
            }
            Rule::ReadBack => {
                "after each write the record is read again, and whatever stands there is the new base: an edit in \
                 between is taken for our own"
            }
        }
    }

    /// The integration under this rule. Only the engine's own rule has one with the two systems changed over.
    ///
    /// Errors: the mapping is refused, which its own tests would have said before.
    pub(crate) fn subject(self, store: Store) -> Result<Subject> {
        let mapping = mapping(SWEEP).map_err(said)?;
        let mappers = mapping.links();
        let changed_over = mirrored().map_err(said)?.links();
        let mut links = BTreeMap::new();
        for mapper in &mappers {
            let link = CompiledLink::compile(Arc::clone(mapper))?;
            links.insert(link.spec().id.clone(), link);
        }
        let links = Arc::new(links);
        let subject = Subject::new(kinds(), move |process: &Process| match self {
            Rule::Seamless => builder(process, &mappers).build(),
            Rule::WholeRecord => {
                builder(process, &mappers).reconciler(Arc::new(WholeRecord::default())).build()
            }
            Rule::SharedBase => {
                let store = SharedBase::around(Arc::clone(&process.store), &links);
                builder(process, &mappers).store(store).build()
            }
            Rule::ReadBack => {
                let left = ReadBack::around(Arc::clone(&process.left));
                let right = ReadBack::around(Arc::clone(&process.right));
                builder(process, &mappers).left("left", left).right("right", right).build()
            }
        })?;
        let subject = match self {
            Rule::Seamless => subject.mirrored_by(move |process| {
                let builder = Integration::builder("correctness")
                    .left("right", Arc::clone(&process.left))
                    .right("left", Arc::clone(&process.right));
                around(builder, process, &changed_over).build()
            }),
            Rule::WholeRecord | Rule::SharedBase | Rule::ReadBack => subject,
        };
        Ok(match store {
            Store::Memory => subject,
            Store::Sqlite => subject.store(|clock| Ok(Arc::new(SqliteStore::open_in_memory(clock.clone())?))),
        })
    }
}

fn builder(process: &Process, mappers: &[Arc<dyn Mapper>]) -> IntegrationBuilder {
    let builder = Integration::builder("correctness")
        .left("left", Arc::clone(&process.left))
        .right("right", Arc::clone(&process.right));
    around(builder, process, mappers)
}

fn around(builder: IntegrationBuilder, process: &Process, mappers: &[Arc<dyn Mapper>]) -> IntegrationBuilder {
    builder
        .links(mappers.iter().cloned())
        .store(Arc::clone(&process.store))
        .clock(Arc::clone(&process.clock) as Arc<_>)
}

fn said(refused: Refused) -> seamless_core::Error {
    seamless_core::Error::configuration(refused.to_string())
}
