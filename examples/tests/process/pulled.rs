//! Files that are pulled away from under a process that is at work, and a plan whose file has no room.

use std::fs;
use std::io::{Error, Write};
use std::path::Path;

use futures::executor::block_on;
use rusqlite::Connection;
use seamless_core::model::ErrorKind;

use super::site::{Site, edit, empty, picture};

/// Two systems in step, and an edit that is not carried yet.
fn worked_on(folder: &Path) -> Site {
    empty(folder);
    edit(folder, "crm", "INSERT INTO account (number, name) VALUES ('C1', 'Adatum')");
    let site = Site::open(folder).unwrap();
    site.settle();
    edit(folder, "crm", "UPDATE account SET name = 'Adatum Ltd'");
    site
}

fn customers(folder: &Path) -> Vec<String> {
    picture(folder)["customers"].clone()
}

// Catches: a process that goes on writing a file that nobody will find, so that the next one begins with another state.
#[test]
fn a_state_that_is_pulled_away_is_said_and_nothing_is_written_without_it() {
    type Pull = fn(&Path);
    let pulls: [(&str, Pull); 4] = [
        ("state", |path| fs::remove_file(path).unwrap()),
        ("state", |path| {
            fs::rename(path, path.with_file_name("elsewhere")).unwrap();
            fs::create_dir(path).unwrap();
        }),
        ("state-wal", |path| fs::remove_file(path).unwrap()),
        ("state-wal", |path| {
            fs::rename(path, path.with_file_name("elsewhere")).unwrap();
            fs::write(path, "another file").unwrap();
        }),
    ];
    for (file, pull) in pulls {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let site = worked_on(folder);
        pull(&folder.join(file));
        let error = site.run().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
        assert!(error.to_string().contains(file) && error.remedy().is_some(), "{error}");
        let erp = Connection::open(folder.join("erp.db")).unwrap();
        let name: String = erp.query_row("SELECT name FROM customer", [], |row| row.get(0)).unwrap();
        assert_eq!(name, "Adatum", "{file}");
    }
}

#[test]
fn a_system_that_is_pulled_away_is_said_and_when_it_is_back_the_run_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    drop(worked_on(folder));
    let (here, elsewhere) = (folder.join("erp.db"), folder.join("elsewhere"));
    fs::rename(&here, &elsewhere).unwrap();
    fs::create_dir(&here).unwrap();
    let error = Site::open(folder).err().unwrap();
    assert!(error.to_string().contains("erp.db") && error.remedy().is_some(), "{error}");
    fs::remove_dir(&here).unwrap();
    fs::write(&here, "no database").unwrap();
    let error = Site::open(folder).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    fs::rename(&elsewhere, &here).unwrap();
    Site::open(folder).unwrap().settle();
    assert_eq!(customers(folder), ["C1|Adatum Ltd"]);
}

/// A file that takes so many bytes.
struct Short(usize);

impl Write for Short {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        match self.0.min(bytes.len()) {
            0 => Err(std::io::ErrorKind::StorageFull.into()),
            taken => {
                self.0 -= taken;
                Ok(taken)
            }
        }
    }

    fn flush(&mut self) -> Result<(), Error> {
        Ok(())
    }
}

#[test]
fn a_plan_whose_file_has_no_room_is_no_plan_and_the_next_one_is() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let site = worked_on(folder);
    let mut whole = Vec::new();
    block_on(site.integration.plan_into(&mut whole)).unwrap();
    for room in (0..whole.len()).step_by(whole.len() / 23 + 1).chain([whole.len() - 1]) {
        let error = block_on(site.integration.plan_into(&mut Short(room))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
        assert!(error.remedy().unwrap().contains("make room"), "{error}");
    }
    site.settle();
    drop(site);
    assert_eq!(customers(folder), ["C1|Adatum Ltd"]);
}

// Each page of a state that has been in use, overwritten: what cannot be used is said, and never begun anew.
#[test]
fn a_state_with_a_damaged_page_is_said_to_be_damaged_or_goes_on_rightly() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    drop(worked_on(folder));
    let files = ["state", "crm.db", "erp.db"].map(|name| (name, fs::read(folder.join(name)).unwrap()));
    let (mut said, mut went_on) = (0, 0);
    for page in 0..files[0].1.len() / 4096 {
        for (name, bytes) in &files {
            let _ = fs::remove_file(folder.join(format!("{name}-wal")));
            fs::write(folder.join(name), bytes).unwrap();
        }
        let mut damaged = files[0].1.clone();
        damaged[page * 4096..][..4096].fill(0xa5);
        fs::write(folder.join("state"), &damaged).unwrap();
        match Site::open(folder).and_then(|site| site.run()) {
            Err(error) => {
                let known = matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::Configuration);
                assert!(known && error.remedy().is_some(), "page {page}: {error:?}");
                said += 1;
            }
            Ok(_) => went_on += 1,
        }
        let crm = Connection::open(folder.join("crm.db")).unwrap();
        let names: Vec<String> = crm
            .prepare("SELECT name FROM account")
            .unwrap()
            .query_map([], |row| row.get(0))
            .unwrap()
            .map(std::result::Result::unwrap)
            .collect();
        assert_eq!(names, ["Adatum Ltd"], "page {page}: the edit of a user is lost");
    }
    assert!(said > 10, "{said} said, {went_on} went on");
}
