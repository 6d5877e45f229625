//! Tests of the seal: every way in which a file can be wrong, and counts against the entries.

use proptest::prelude::{Strategy, prop_assert, prop_assert_eq, proptest};
use proptest::sample::Index;

use super::{Closing, HASHED_BYTES, LINE_BYTES_MAX, Line, Sealer, Verifier, is_sealed_by};
use crate::model::{ErrorKind, Result};
use crate::plan::{Body, Effect, Entry, PlanHead, PlannedVerb, Tally, Trailer, samples};

const KEY: [u8; 32] = [7; 32];

fn sealed_with(key: &[u8; 32], entries: &[Entry]) -> (String, Trailer) {
    let mut sealer = Sealer::new(key);
    let mut file = sealer.head(&samples::head()).unwrap().to_owned();
    for entry in entries {
        file.push_str(sealer.entry(entry).unwrap());
    }
    let seen = vec![("customers".into(), 100, 3)];
    let closing = Closing { guards: vec![samples::trip()], forms: Vec::new(), runs_to_quiet: 2, seen };
    let (trailer, line) = sealer.finish(closing).unwrap();
    (file + &line, trailer)
}

fn sealed(entries: &[Entry]) -> (String, Trailer) {
    sealed_with(&KEY, entries)
}

fn verify(file: &str) -> Result<(PlanHead, Trailer)> {
    let mut verifier = Verifier::new(&KEY);
    for line in file.split_inclusive('\n') {
        verifier.line(line)?;
    }
    verifier.finish()
}

fn refusal(file: &str) -> (ErrorKind, String) {
    let error = verify(file).unwrap_err();
    assert!(error.remedy().is_some(), "{error}");
    (error.kind(), error.message().to_owned())
}

// Catches: a digest that nobody else can compute: it is BLAKE3 over the lines as they stand in the file.
#[test]
fn the_digest_is_that_of_the_file_without_its_last_line() {
    let (file, trailer) = sealed(&samples::one_of_everything());
    let end = file.trim_end().rfind('\n').unwrap() + 1;
    assert_eq!(trailer.digest, blake3::hash(&file.as_bytes()[..end]).to_hex().as_str());
    assert!(
        file[end..]
            .starts_with("{\"trailer\":{\"counts\":{\"customers\":{\"create\":{\"left\":0,\"right\":1},")
    );
    assert_eq!(verify(&file).unwrap(), (samples::head(), trailer));
}

// Catches: a seal over what was understood of the trailer only. A word that no reader knows, or a count that is left out
// because it is nothing, would stand in a file that is said to be unedited.
#[test]
fn a_trailer_that_is_written_otherwise_is_refused_whatever_it_means() {
    let (file, _) = sealed(&[]);
    for (from, to) in [("\"ended\":0,", "\"\":0,\"ended\":0,"), ("\"trailer\":{", "\"trailer\": {")] {
        assert!(file.contains(from), "{file}");
        assert_eq!(refusal(&file.replacen(from, to, 1)).0, ErrorKind::Conflict, "{to}");
    }
}

// Catches: one error for all, which leaves a person guessing.
#[test]
fn each_way_of_being_wrong_has_its_words() {
    let (file, trailer) = sealed(&samples::one_of_everything());
    let lines: Vec<&str> = file.split_inclusive('\n').collect();
    let last = lines.len() - 1;
    let edited = file.replace("555-02", "555-03");
    assert_eq!(refusal(&edited).1, "the plan was edited after it was sealed: its digest is another one");
    let without_one = [&lines[..3], &lines[4..]].concat().concat();
    assert_eq!(refusal(&without_one).1, "the plan was edited after it was sealed: its digest is another one");
    let foreign = sealed_with(&[8; 32], &samples::one_of_everything()).0;
    assert!(refusal(&foreign).1.starts_with("the seal of the plan does not fit"));
    let unguarded = file.replace("60 of 100", "6 of 1000");
    assert!(refusal(&unguarded).1.starts_with("the seal of the plan does not fit"));
    let cut = lines[..last].concat();
    assert_eq!(refusal(&cut).1, "the plan ends without its trailer: it was cut off");
    let longer = file.clone() + lines[3];
    assert_eq!(refusal(&longer).1, "something follows the trailer of the plan");
    let twice = file.clone() + &file;
    assert_eq!(refusal(&twice).1, "something follows the trailer of the plan");
    let two_heads = [lines[0], lines[0], lines[last]].concat();
    assert_eq!(refusal(&two_heads).1, "the line is no entry and no trailer");
    assert_eq!(refusal(""), (ErrorKind::Configuration, "this is not a plan: the file is empty".into()));
    let table = refusal("a;b\n1;2\n");
    assert_eq!(
        table,
        (ErrorKind::Configuration, "this is not a plan: its first line is no head of a plan".into())
    );
    let garbled = lines[..last].concat() + "{\"trailer\":{}}\n";
    assert_eq!(refusal(&garbled), (ErrorKind::Conflict, "the trailer of the plan is not readable".into()));
    // A plan of someone who has no key: digest recomputed after the edit, seal kept.
    let body = edited.split_inclusive('\n').take(last).collect::<String>();
    let digest = blake3::hash(body.as_bytes()).to_hex();
    let forged = body + &lines[last].replace(&trailer.digest, &digest);
    assert!(refusal(&forged).1.starts_with("the seal of the plan does not fit"));
    let in_capitals = file.replace(&trailer.seal, &trailer.seal.to_uppercase());
    assert!(refusal(&in_capitals).1.starts_with("the seal of the plan does not fit"));
}

// Catches: a key that shows in debug output.
#[test]
fn the_key_is_not_printed() {
    let debug = format!("{:?} {:?}", Sealer::new(&KEY), Verifier::new(&KEY));
    assert!(debug.contains("Key(***)") && !debug.contains("7, 7"), "{debug}");
}

// Catches: a trailer that is part of its own seal, or counts that the seal leaves out.
#[test]
fn a_trailer_alone_shows_whose_it_is() {
    let (_, trailer) = sealed(&[]);
    assert!(is_sealed_by(&KEY, &trailer).unwrap());
    assert!(!is_sealed_by(&[8; 32], &trailer).unwrap());
    let mut fewer = trailer.clone();
    fewer.counts.get_mut("customers").unwrap().pairs = 1;
    assert!(!is_sealed_by(&KEY, &fewer).unwrap());
    let slower = Trailer { runs_to_quiet: 1, ..trailer };
    assert!(!is_sealed_by(&KEY, &slower).unwrap());
}

// Catches: lines of any length being collected.
#[test]
fn a_line_without_end_is_refused_at_the_limit() {
    assert_eq!(Verifier::new(&KEY).line_bytes_max, LINE_BYTES_MAX);
    let mut verifier = Verifier::new(&KEY);
    verifier.line_bytes_max = 1000;
    let chunk = [b'x'; 100];
    for _ in 0..10 {
        verifier.feed(&chunk, |_| Ok(())).unwrap();
    }
    let error = verifier.feed(b"x", |_| Ok(())).unwrap_err();
    assert_eq!(
        (error.kind(), error.message()),
        (ErrorKind::Limit, "a line of the plan is longer than 1000 bytes")
    );
    let mut verifier = Verifier::new(&KEY);
    verifier.line_bytes_max = 1000;
    assert_eq!(verifier.line(&"x".repeat(1001)).unwrap_err().kind(), ErrorKind::Limit);
    assert_eq!(verifier.feed(&[b'\n'; 1], |_| Ok(())).unwrap_err().kind(), ErrorKind::Configuration);
}

// Catches: entries before the head, or two heads, being sealed.
#[test]
fn lines_are_sealed_in_their_order_only() {
    let entry = &samples::one_of_everything()[0];
    assert_eq!(Sealer::new(&KEY).entry(entry).unwrap_err().kind(), ErrorKind::Internal);
    assert_eq!(Sealer::new(&KEY).finish(Closing::default()).unwrap_err().kind(), ErrorKind::Internal);
    let mut sealer = Sealer::new(&KEY);
    sealer.head(&samples::head()).unwrap();
    assert_eq!(sealer.head(&samples::head()).unwrap_err().kind(), ErrorKind::Internal);
}

// Catches: a plan that is sealed and can never be opened, since the reader's limit is another one.
#[test]
fn a_line_is_sealed_exactly_up_to_the_limit_of_its_reader() {
    assert_eq!(Sealer::new(&KEY).line_bytes_max, LINE_BYTES_MAX);
    let length = Sealer::new(&KEY).head(&samples::head()).unwrap().len();
    let sealed = |most: usize| {
        let mut sealer = Sealer::new(&KEY);
        sealer.line_bytes_max = most;
        sealer.head(&samples::head()).map(str::len).map_err(|error| error.kind())
    };
    assert_eq!(sealed(length), Ok(length));
    assert_eq!(sealed(length + 1), Ok(length));
    assert_eq!(sealed(length - 1), Err(ErrorKind::Limit));
}

// Catches: a plan whose lines are all kept until it ends, or whose digest forgets those that are not kept.
#[test]
fn lines_are_hashed_and_let_go_as_they_come() {
    let mut sealer = Sealer::new(&KEY);
    let mut file = sealer.head(&samples::head()).unwrap().to_owned();
    let entry = &samples::one_of_everything()[10];
    for count in 1..500 {
        file.push_str(sealer.entry(entry).unwrap());
        assert!(sealer.lines.len() < HASHED_BYTES + 4096, "{}", sealer.lines.len());
        assert_eq!(sealer.tally().counts()["customers"].update.right, count);
    }
    assert!(file.len() > 2 * HASHED_BYTES);
    assert_eq!(sealer.digest(), blake3::hash(file.as_bytes()).to_hex().as_str());
    // What is hashed together is hashed faster: lines are not let go one by one.
    assert!(sealer.lines.len() > 4096);
}

// Catches: a person who is told of a wrong file and not of the place.
#[test]
fn what_is_refused_is_said_with_its_line() {
    let line_of = |error: crate::Error| {
        let place = error.context().find(|(what, _)| *what == "line").map(|(_, line)| line.to_owned());
        place.unwrap()
    };
    let (file, _) = sealed(&samples::one_of_everything());
    let lines: Vec<&str> = file.split_inclusive('\n').collect();
    let wrong = [&lines[..3], &["{}\n"]].concat().concat();
    assert_eq!(line_of(verify(&wrong).unwrap_err()), "4");
    let mut verifier = Verifier::new(&KEY);
    for line in &lines[..3] {
        verifier.line(line).unwrap();
    }
    verifier.line_bytes_max = 10;
    assert_eq!(line_of(verifier.line(lines[3]).unwrap_err()), "4");
}

fn entries() -> impl Strategy<Value = Vec<Entry>> {
    proptest::collection::vec(samples::any_entry("[a-z\"\\\\é]{0,6}"), 0..8)
}

proptest! {
    // Catches: a byte of the file that neither digest nor seal covers, line ends included.
    #[test]
    fn no_byte_can_be_changed(entries in entries(), at: Index, to in 0u8..128) {
        let (file, trailer) = sealed(&entries);
        prop_assert_eq!(verify(&file).unwrap().1, trailer.clone());
        let mut bytes = file.clone().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = to;
        let Ok(changed) = String::from_utf8(bytes) else { return Ok(()) };
        // Blanks around the trailer's JSON, and upper case of its digest, mean the same trailer.
        match verify(&changed) {
            Ok((head, found)) => {
                prop_assert_eq!(head, samples::head());
                prop_assert_eq!(found.digest.to_lowercase(), trailer.digest.clone());
                prop_assert_eq!(found.counts, trailer.counts);
                prop_assert!(changed == file || at > file.trim_end().rfind('\n').unwrap());
            }
            Err(error) => prop_assert!(changed != file, "{error}"),
        }
    }

    // Catches: a line that is split at a cut and loses its beginning; an error that depends on where reads end.
    #[test]
    fn cuts_between_reads_change_nothing(entries in entries(), cuts: Vec<Index>) {
        let (file, trailer) = sealed(&entries);
        let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(file.len())).collect();
        places.push(file.len());
        places.sort_unstable();
        let mut verifier = Verifier::new(&KEY);
        let (mut from, mut found) = (0, String::new());
        for to in places {
            verifier.feed(&file.as_bytes()[from..to], |line| {
                if let Line::Entry(text) = line {
                    found.push_str(text);
                    found.push('\n');
                }
                Ok(())
            }).unwrap();
            from = to;
        }
        let expected: String = file.split_inclusive('\n').filter(|line| line.starts_with("{\"entry\"")).collect();
        prop_assert_eq!(found, expected);
        prop_assert_eq!(verifier.finish().unwrap().1, trailer);
    }

    // Catches: an entry that is counted under another heading, side or link. The oracle looks at each count alone.
    #[test]
    fn counts_are_of_the_entries(entries in entries()) {
        let mut tally = Tally::new();
        entries.iter().for_each(|entry| tally.add(entry));
        for link in ["customers", "contacts"] {
            let counts = tally.counts().get(link).cloned().unwrap_or_default();
            let of = |test: &dyn Fn(&Entry) -> bool| {
                entries.iter().filter(|entry| entry.link.as_str() == link && test(entry)).count() as u64
            };
            for side in crate::model::Side::BOTH {
                let verb = |test: fn(&PlannedVerb) -> bool| {
                    of(&|entry| entry.action().is_some_and(|action| action.side == side && test(&action.verb)))
                };
                prop_assert_eq!(*counts.create.of(side), verb(|verb| matches!(verb, PlannedVerb::Create)));
                prop_assert_eq!(*counts.update.of(side), verb(|verb| matches!(verb, PlannedVerb::Update)));
                prop_assert_eq!(*counts.delete.of(side), verb(|verb| matches!(verb, PlannedVerb::Delete(_))));
                prop_assert_eq!(*counts.act.of(side), verb(|verb| matches!(verb, PlannedVerb::Action { .. })));
                prop_assert_eq!(tally.deletes(&link.into(), side), *counts.delete.of(side));
            }
            let effect = |test: fn(&Effect) -> bool| of(&|entry| matches!(&entry.body, Body::Effect(e) if test(e)));
            prop_assert_eq!(counts.conflict, effect(|effect| matches!(effect, Effect::OpenConflict(_))));
            prop_assert_eq!(counts.parked, effect(|effect| matches!(effect, Effect::Park(_))));
            let joins = |effect: &Effect| matches!(effect, Effect::Link { .. } | Effect::Relink { .. });
            prop_assert_eq!(counts.link, effect(joins));
            prop_assert_eq!(counts.agree, effect(|effect| matches!(effect, Effect::Agree)));
            prop_assert_eq!(counts.ended, effect(|effect| matches!(effect, Effect::EndPair { .. })));
            prop_assert_eq!(counts.diverged, effect(|effect| matches!(effect, Effect::Diverged { .. })));
            prop_assert_eq!(counts.writes(), of(&|entry| entry.action().is_some()));
        }
    }

    // Catches: hostile bytes that panic.
    #[test]
    fn hostile_files_are_refused_without_panic(bytes: Vec<u8>, text in "(\\{\"(head|entry|trailer)\":\\{?[a-z:{}\"]{0,9}\n){0,4}") {
        let mut verifier = Verifier::new(&KEY);
        let outcome = verifier.feed(&bytes, |_| Ok(())).and_then(|()| verifier.finish().map(|_| ()));
        prop_assert!(outcome.is_err());
        prop_assert!(verify(&text).is_err());
    }
}
