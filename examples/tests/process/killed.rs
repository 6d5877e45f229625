//! A process that is killed again and again while users work. The process is this test program, started again with
//! [`CHILD`]; it says every call of its store, before and after, and is killed without a word at one that is drawn: just
//! there, or wherever it is by the time. What is
//! there in the end is compared with what users did, which is known without any integration.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use super::SEED;
use super::draw::Draw;
use super::noted::{Word, noted};
use super::site::{Site, edit, empty, notes_asked_about, picture};

/// Says to this program that it is a child, and where its files are.
const CHILD: &str = "SEAMLESS_TEST_CHILD";

/// What the child says when nothing is left to do.
const DONE: &str = "nothing left to do";

/// Kills in all.
const KILLS: u32 = 84;

/// Words after which a child that need not wait would wait all the same: more than it has, and a pipe holds them.
const AHEAD: usize = 50_000;

/// Rounds of edits, each of which is brought to its end.
const ROUNDS: u64 = 6;

/// Not a test but the child: where nobody started it as one it has nothing to do.
#[test]
fn child_of_the_killed() {
    let Some(folder) = std::env::var_os(CHILD) else { return };
    let listener = |word, name| {
        match word {
            Word::Before => println!("before {name}"),
            Word::After => println!("{name}"),
        }
        // Goes on when it may: whoever wants to kill it here does so now.
        std::io::stdin().read_line(&mut String::new()).unwrap();
    };
    let site = Site::open_with(Path::new(&folder), |inner| noted(inner, listener)).unwrap();
    site.settle();
    drop(site);
    println!("{DONE}");
}

/// What users have done: per number the name, which the CRM's users give, and the phone, which the ERP's do; and
/// everything that any of them ever wrote.
#[derive(Default)]
struct Users {
    records: BTreeMap<String, (String, String)>,
    written: BTreeSet<String>,
    made: BTreeSet<String>,
    gone: BTreeSet<String>,
    edits: u64,
}

impl Users {
    /// One edit, drawn; of a record that the integration did not bring yet nobody on that side knows.
    fn edit(&mut self, folder: &Path, draw: &mut Draw) {
        self.edits += 1;
        let number = self.edits;
        let key = match self.records.len() as u64 {
            0 => String::new(),
            many => self.records.keys().nth(usize::try_from(draw.below(many)).unwrap()).unwrap().clone(),
        };
        match draw.below(14) {
            0..2 => self.make(folder, "crm", &format!("C{number}")),
            2..4 => self.make(folder, "erp", &format!("E{number}")),
            4..7 if edit(
                folder,
                "crm",
                &format!("UPDATE account SET name = 'n{number}' WHERE number = '{key}'"),
            ) =>
            {
                self.records.get_mut(&key).unwrap().0 = format!("n{number}");
            }
            7..10
                if edit(
                    folder,
                    "erp",
                    &format!("UPDATE customer SET phone = 'p{number}' WHERE no = '{key}'"),
                ) =>
            {
                self.records.get_mut(&key).unwrap().1 = format!("p{number}");
            }
            // A note: nobody can find out whether it arrived.
            10..14 => {
                assert!(edit(folder, "crm", &format!("INSERT INTO note (text) VALUES ('note {number}')")));
            }
            _ => {}
        }
        let now = self.records.iter().map(|(key, (name, phone))| format!("{key} {name} {phone}"));
        self.written.extend(now);
    }

    fn make(&mut self, folder: &Path, side: &str, key: &str) {
        let number = self.edits;
        let sql = match side {
            "crm" => format!(
                "INSERT INTO account (number, name, phone) VALUES ('{key}', 'n{number}', 'p{number}')"
            ),
            _ => format!("INSERT INTO customer (no, name, phone) VALUES ('{key}', 'n{number}', 'p{number}')"),
        };
        assert!(edit(folder, side, &sql));
        self.records.insert(key.to_owned(), (format!("n{number}"), format!("p{number}")));
        self.made.insert(key.to_owned());
    }

    /// Deletes a record that both sides have and nobody else is at work on.
    fn delete(&mut self, folder: &Path) {
        let Some(key) = self.records.keys().next().cloned() else { return };
        assert!(edit(folder, "crm", &format!("DELETE FROM account WHERE number = '{key}'")));
        self.records.remove(&key);
        self.gone.insert(key);
    }

    /// Both sides have what users made of it, each record once, and nobody wrote anything else.
    fn check(&self, folder: &Path) {
        let found = picture(folder);
        let expected: Vec<String> =
            self.records.iter().map(|(key, (name, phone))| format!("{key}|{name}|{phone}")).collect();
        assert_eq!(found["accounts"], expected);
        assert_eq!(found["customers"], expected);
        println!("{} notes are asked about", notes_asked_about(folder));
        for nothing in ["open intents", "open plans", "open questions"] {
            assert!(found[nothing].is_empty(), "{nothing}: {:?}", found[nothing]);
        }
        for (side, entity) in [("writes to the crm", "account"), ("writes to the erp", "customer")] {
            let named = |what: &str| -> Vec<String> {
                let words =
                    found[side].iter().filter_map(|line| line.strip_prefix(&format!("{entity} {what} ")));
                words.map(str::to_owned).collect()
            };
            assert_eq!(named("made"), self.made.iter().cloned().collect::<Vec<_>>(), "made once in {side}");
            assert_eq!(
                named("gone"),
                self.gone.iter().cloned().collect::<Vec<_>>(),
                "deleted once in {side}"
            );
            for line in &found[side] {
                let written = line.strip_prefix(&format!("{entity} ")).unwrap();
                let known = written.starts_with("made ") || written.starts_with("gone ");
                assert!(known || self.is_known(written), "nobody wrote {line}");
            }
        }
    }

    /// Whether each value of a written record is one that users gave it.
    fn is_known(&self, written: &str) -> bool {
        let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let written = words(written);
        let gave = |at: usize| {
            self.written
                .iter()
                .map(|line| words(line))
                .any(|line| line[0] == written[0] && line[at] == written[at])
        };
        gave(1) && gave(2)
    }
}

/// Starts the child and kills it after so many words, or so many of one kind, while it waits or (`ahead`) goes on without waiting; users may be at work meanwhile. Whether it was killed.
fn killed(folder: &Path, (after, at): (u64, Option<&str>), ahead: bool, mut meanwhile: impl FnMut()) -> bool {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["killed::child_of_the_killed", "--exact", "--nocapture"])
        .env(CHILD, folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let mut words = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut may = child.stdin.take().unwrap();
    let mut go_on = |times: usize| may.write_all(&b"\n".repeat(times)).and_then(|()| may.flush());
    if ahead {
        go_on(AHEAD).unwrap();
    }
    let (mut count, mut worked) = (0, false);
    while count < after {
        match words.next() {
            Some(Ok(word)) if word == DONE => {
                assert!(child.wait().unwrap().success());
                return false;
            }
            Some(Ok(word)) => count += u64::from(at.is_none_or(|at| word == at)),
            Some(Err(_)) | None => panic!("the child ended by itself: {:?}", child.wait()),
        }
        if count >= after / 2 && !std::mem::replace(&mut worked, true) {
            meanwhile();
        }
        // After its last word it waits for nobody.
        if !ahead && count < after {
            let _ = go_on(1);
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    true
}

#[test]
fn i27_a_process_that_is_killed_again_and_again_while_users_work_writes_everything_once() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    empty(folder);
    println!("seed {SEED}");
    let (mut draw, mut users, mut kills) = (Draw(SEED), Users::default(), 0);
    for round in 0..ROUNDS {
        (0..16).for_each(|_| users.edit(folder, &mut draw));
        // So often, and then until there is peace.
        for attempt in 0.. {
            let calm = attempt >= KILLS / u32::try_from(ROUNDS).unwrap();
            // Sooner or later: a plan in the making begins anew each time.
            // Between writes and commits and around intents at times: there it hurts.
            let (after, at) = match draw.below(4) {
                _ if calm => (u64::MAX, None),
                0 => (1 + draw.below(12), Some("before commit")),
                1 => (1 + draw.below(12), Some("before intend")),
                _ => ((10 << draw.below(7)) + draw.below(10), None),
            };
            let ahead = calm || at.is_none() && draw.below(2) == 0;
            let works = !calm && draw.below(3) == 0;
            let mut theirs = Draw(draw.below(u64::MAX));
            let was_killed = killed(folder, (after, at), ahead, || {
                if works {
                    users.edit(folder, &mut theirs);
                }
            });
            kills += u32::from(was_killed);
            if calm {
                break;
            }
        }
        users.check(folder);
        users.delete(folder);
        println!("round {round}: {kills} kills, {} edits", users.edits);
    }
    assert!(kills > KILLS / 3, "{kills} kills are too few to show anything");
}
