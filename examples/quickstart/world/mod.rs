//! The world that the quickstart plays in: a CRM and an ERP, each a SQLite database, and the people who use them.
//!
//! Nothing here knows the SDK, and nothing may: [`create`] makes both systems from a seed, [`people`] edits them as
//! users would, and [`check`] judges the end state by SQL of its own. A fault of the SDK can therefore not hide in
//! the code that looks for it. [`correspondence`] states what belongs together; it is what a mapping file has to say.
//!
//! Doors: [`create`], the functions of [`people`], [`check::check`].

pub(crate) mod check;
pub(crate) mod correspondence;
mod court;
mod differ;
pub(crate) mod expect;
mod generate;
mod insert;
pub(crate) mod people;
mod random;
mod schema;
pub(crate) mod truth;
mod words;

use std::error::Error;
use std::path::{Path, PathBuf};

use generate::Sizes;
use rusqlite::Connection;
use truth::Truth;

/// What every function of this world returns.
pub(crate) type Outcome<T> = Result<T, Box<dyn Error>>;

/// One of the two systems.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Side {
    /// The database in the manner of Dynamics 365 Sales.
    Crm,
    /// The database in the manner of Business Central.
    Erp,
}

/// What kind of thing a row is, whatever its table is called on either side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Entity {
    /// `account` in the CRM, `Customer` in the ERP.
    Account,
    /// `contact` in the CRM, `Contact` in the ERP.
    Contact,
}

/// Two databases and the truth about them.
pub(crate) struct World {
    /// The file of the CRM.
    pub(crate) crm: PathBuf,
    /// The file of the ERP.
    pub(crate) erp: PathBuf,
    /// The CRM as it was made: a copy that nobody edits.
    pub(crate) crm_before: PathBuf,
    /// The ERP as it was made.
    pub(crate) erp_before: PathBuf,
    /// What the generator put in, for whoever has to judge.
    pub(crate) truth: Truth,
}

impl World {
    /// Opens the database of one side, the way an application of that side would.
    pub(crate) fn open(&self, side: Side) -> Outcome<Connection> {
        schema::open(match side {
            Side::Crm => &self.crm,
            Side::Erp => &self.erp,
        })
    }
}

/// Makes `crm.db` and `erp.db` in a folder that must not hold them yet: 2,000 accounts and 5,000 contacts.
///
/// The same seed gives the same rows.
pub(crate) fn create(folder: &Path, seed: u64) -> Outcome<World> {
    create_sized(folder, seed, Sizes { accounts: 2_000, contacts: 5_000 })
}

/// [`create`] with other sizes; halves and 60 percent are rounded down.
fn create_sized(folder: &Path, seed: u64, sizes: Sizes) -> Outcome<World> {
    let drafts = generate::generate(seed, sizes)?;
    let world = World {
        crm: folder.join("crm.db"),
        erp: folder.join("erp.db"),
        crm_before: folder.join("crm_before.db"),
        erp_before: folder.join("erp_before.db"),
        truth: Truth::default(),
    };
    let sides = [(Side::Crm, &world.crm, &world.crm_before), (Side::Erp, &world.erp, &world.erp_before)];
    for (side, file, copy) in sides {
        if file.exists() {
            return Err(format!("{} exists already: name an empty folder", file.display()).into());
        }
        let mut database = schema::create(file, side)?;
        insert::insert(&mut database, side, &drafts)?;
        // Closing moves everything from the log into the file, so a copy of the file is complete.
        database.close().map_err(|(_, error)| error)?;
        std::fs::copy(file, copy)?;
    }
    Ok(World { truth: drafts.truth, ..world })
}
