//! The working file of a plan in the making, on a disk that is full. In a process of its own: the file has no name, so all
//! temporary files of the process lie on the disk of the test.

use std::process::Command;

use seamless_core::model::ErrorKind;

use super::days::many;
use super::disk::{Fault, How};
use super::site::{Site, picture};

const CHILD: &str = "SEAMLESS_TEST_SPILLS";

#[test]
fn a_full_disk_for_the_working_file_is_said_and_with_room_again_the_same_process_goes_on() {
    let run = Command::new(std::env::current_exe().unwrap())
        .args(["spilled::child_that_spills", "--exact", "--nocapture"])
        .env(CHILD, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(
        run.status.success() && said.contains("all is well"),
        "{said}{}",
        String::from_utf8_lossy(&run.stderr)
    );
}

/// Not a test but the child: where nobody started it as one it has nothing to do.
#[test]
fn child_that_spills() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let day = many();
    let counted = day.copy();
    counted.takes_temporary_files();
    counted.fail(Fault { of: ".temporary", after: usize::MAX, lasts: true, how: How::Full });
    Site::open(counted.folder()).unwrap().settle();
    let expected = picture(counted.folder());
    let (calls, _) = counted.mend();
    assert!(calls > 10, "{calls} calls are no working file");
    let mut said = 0;
    for after in (0..calls).step_by(calls / 5 + 1) {
        let disk = day.copy();
        disk.takes_temporary_files();
        disk.fail(Fault { of: ".temporary", after, lasts: true, how: How::Full });
        let site = Site::open(disk.folder()).unwrap();
        let failed = site.run();
        disk.mend();
        if let Err(error) = failed {
            let words = format!("{error} {:?}", error.remedy());
            assert_eq!(error.kind(), ErrorKind::Unavailable, "{words}");
            assert!(words.contains("working file") && words.contains("room"), "{words}");
            said += 1;
        }
        site.settle();
        drop(site);
        assert_eq!(picture(disk.folder()), expected, "{after}");
    }
    assert!(said > 0);
    println!("all is well");
}
