//! Disks that are full, or do not answer.

use std::collections::BTreeMap;

use seamless_core::model::ErrorKind;

use super::days::second_day;
use super::disk::{Disk, Fault, How};
use super::site::{Site, picture};

/// Calls of a kind that fail, about so many.
const CASES: usize = 10;

/// What a run says that met a fault is of use to who reads it.
fn is_clear(error: &seamless_core::Error, fault: &Fault) {
    let words = format!("{error} {:?}", error.remedy());
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{fault:?}: {words}");
    let said = match fault.how {
        How::Full => "room",
        How::Broken => "check th",
    };
    assert!(words.contains(said), "{fault:?}: {words}");
}

/// A day, and how it ends undisturbed.
struct Day {
    disk: Disk,
    expected: BTreeMap<&'static str, Vec<String>>,
}

impl Day {
    fn new() -> Self {
        let disk = second_day();
        let undisturbed = disk.copy();
        Site::open(undisturbed.folder()).unwrap().settle();
        let expected = picture(undisturbed.folder());
        Self { disk, expected }
    }
}

/// Faults at calls all over a run; afterwards the same process goes on, or another one.
fn faults_all_over(Day { disk: day, expected }: &Day, kind: &Fault) {
    let counted = day.copy();
    counted.fail(Fault { after: usize::MAX, ..kind.clone() });
    Site::open(counted.folder()).unwrap().settle();
    let (calls, _) = counted.mend();
    let (mut failed, mut said) = (0, 0);
    for after in (0..calls).step_by(calls / CASES + 1) {
        let fault = Fault { after, ..kind.clone() };
        let disk = day.copy();
        disk.fail(fault.clone());
        let site = Site::open(disk.folder());
        let ran = match &site {
            Ok(site) => site.run().map(drop),
            Err(_) => Ok(()),
        };
        let same = after % 2 == 1;
        let site = site.map(|site| same.then_some(site));
        failed += usize::from(disk.mend().1 > 0);
        for error in site.as_ref().err().into_iter().chain(ran.as_ref().err()) {
            is_clear(error, &fault);
            said += 1;
        }
        match site {
            Ok(Some(site)) => site.settle(),
            _ => Site::open(disk.folder()).unwrap().settle(),
        }
        assert_eq!(&picture(disk.folder()), expected, "{fault:?}");
    }
    println!("{kind:?}: {failed} of {calls} calls failed, {said} runs said so");
    assert!(failed > 0, "nothing of {kind:?} ever failed");
}

fn faults_of(how: How, files: &[&'static str]) {
    let day = Day::new();
    for of in files {
        for lasts in [true, false] {
            faults_all_over(&day, &Fault { of, after: 0, lasts, how });
        }
    }
}

#[test]
fn a_full_disk_is_said_and_with_room_again_the_run_goes_on() {
    faults_of(How::Full, &["state", "state-wal", "erp.db-journal", "crm.db-journal"]);
}

#[test]
fn a_disk_that_does_not_answer_is_said_and_when_it_does_the_run_goes_on() {
    faults_of(How::Broken, &["state", "state-wal", "erp.db", "erp.db-journal", "crm.db"]);
}
