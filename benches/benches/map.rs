//! Lines of JSON mapped to lines of JSON on one core: ten fields renamed, two joined, one in capital letters, one looked up in a
//! table, one date written otherwise. The mapping is a file; beside it stands the same work written by hand over serde, which is
//! what a mapping is held to.
//!
//! ```sh
//! cargo bench -p seamless-benches --bench map                  # 1,000,000 records
//! cargo bench -p seamless-benches --bench map -- --records 100000 --rounds 9
//! cargo bench -p seamless-benches --bench map -- --stage ours  # one way alone, for a profiler
//! cargo bench -p seamless-benches --bench map -- --check       # exits non-zero past a limit
//! ```
//!
//! Mapping alone is from decoded values to decoded values: records that lie in memory, all rules carried into a draft, each
//! value of the draft looked at. Nothing is read or written as JSON. A stream of records uses one draft for all of them; the
//! engine makes one for each record and puts it into what it sends, which is the second figure. Beside both stands the same
//! work by hand, from the same records into a buffer of texts.
//!

//! The input is made beforehand and read in pieces; what is written goes through a buffer into a digest, so that memory does
//! not grow and both ways are seen to write the same.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::hint::black_box;
use std::io::{BufRead, BufReader, Read};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use seamless_benches::customers::Dice;
use seamless_core::mapper::{Draft, MapContext, Mapper, Resolved};
use seamless_core::model::{Record, RecordBuilder, RuleIndex, Shape, Side, ValueRef};
use seamless_mapping::stream::LineMapper;
use seamless_mapping::{LinkMapper, LoadOptions, load};
use serde::{Deserialize, Serialize};

const MAPPING: &str = r#"
integration: map
sides: { crm: json-lines, erp: json-lines }
links:
  - id: customers
    crm: customer
    erp: KNA1
    mode: to_erp
    match: none
    rules:
      - ext_id -> KUNNR
      - company -> NAME2
      - email -> SMTP_ADDR
      - phone -> TELF1
      - street -> STRAS
      - city -> ORT01
      - postal_code -> PSTLZ
      - country -> LAND1
      - vat_number -> STCEG
      - currency -> WAERS
      - first_name + last_name -> NAME1: { join: " " }
      - last_name -> SORTL: { expression: upper(last_name) }
      - status -> STATUS:
          options: [ A -> Active, I -> Inactive, P -> Prospect, B -> Blocked, X -> Closed ]
          unknown: { use: Unknown }
      - created_at -> ERDAT: { expression: "text(date(left(created_at, 10)), '%d.%m.%Y')" }
"#;

/// The record as somebody types it by hand: borrowed from the line where it can be.
#[derive(Deserialize)]
struct Customer<'a> {
    ext_id: &'a str,
    first_name: &'a str,
    last_name: &'a str,
    company: &'a str,
    email: &'a str,
    phone: &'a str,
    street: &'a str,
    city: &'a str,
    postal_code: &'a str,
    country: &'a str,
    vat_number: &'a str,
    currency: &'a str,
    status: &'a str,
    created_at: &'a str,
}

#[derive(Serialize)]
#[allow(non_snake_case, reason = "the names of the other system")]
struct Kna1<'a> {
    KUNNR: &'a str,
    NAME2: &'a str,
    SMTP_ADDR: &'a str,
    TELF1: &'a str,
    STRAS: &'a str,
    ORT01: &'a str,
    PSTLZ: &'a str,
    LAND1: &'a str,
    STCEG: &'a str,
    WAERS: &'a str,
    NAME1: &'a str,
    SORTL: &'a str,
    STATUS: &'a str,
    ERDAT: &'a str,
}

/// The work by hand.
struct ByHand {
    table: HashMap<&'static str, &'static str>,
    name: String,
    capitals: String,
    date: String,
}

impl ByHand {
    fn new() -> Self {
        let table =
            [("A", "Active"), ("I", "Inactive"), ("P", "Prospect"), ("B", "Blocked"), ("X", "Closed")];
        Self { table: table.into(), name: String::new(), capitals: String::new(), date: String::new() }
    }

    fn map(&mut self, line: &str, out: &mut Vec<u8>) {
        let it: Customer<'_> = serde_json::from_str(line).expect("a customer");
        self.name.clear();
        self.name.extend([it.first_name, " ", it.last_name]);
        self.capitals.clear();
        self.capitals.extend(it.last_name.chars().flat_map(char::to_uppercase));
        let (year, rest) = it.created_at.split_at(4);
        self.date.clear();
        self.date.extend([&rest[4..6], ".", &rest[1..3], ".", year]);
        let made = Kna1 {
            KUNNR: it.ext_id,
            NAME2: it.company,
            SMTP_ADDR: it.email,
            TELF1: it.phone,
            STRAS: it.street,
            ORT01: it.city,
            PSTLZ: it.postal_code,
            LAND1: it.country,
            STCEG: it.vat_number,
            WAERS: it.currency,
            NAME1: &self.name,
            SORTL: &self.capitals,
            STATUS: self.table.get(it.status).copied().unwrap_or("Unknown"),
            ERDAT: &self.date,
        };
        serde_json::to_writer(&mut *out, &made).expect("written");
        out.push(b'\n');
    }
}

/// Lines of customers with 20 fields, made one after the other: the input is never held whole.
struct Lines {
    dice: Dice,
    left: usize,
    number: usize,
    line: Vec<u8>,
    at: usize,
}

impl Lines {
    fn new(records: usize) -> Self {
        Self { dice: Dice::new(42), left: records, number: 0, line: Vec::new(), at: 0 }
    }

    fn one(&mut self) {
        const FIRST: [&str; 8] = ["Anna", "Björn", "Chloé", "David", "Émile", "Farid", "Greta", "Łucja"];
        const LAST: [&str; 8] =
            ["Müller", "Schmidt", "O'Neill", "van-Dijk", "Kowalski", "Nguyen", "Silva", "Andersson"];
        const CITY: [&str; 6] = ["Berlin", "Zürich", "Köln", "Prague", "Copenhagen", "Madrid"];
        const COUNTRY: [&str; 6] = ["DE", "CH", "AT", "CZ", "DK", "ES"];
        const STATUS: [&str; 6] = ["A", "I", "P", "B", "X", "?"];
        let dice = &mut self.dice;
        let first = FIRST[dice.below(8)];
        let last = LAST[dice.below(8)];
        let country = COUNTRY[dice.below(6)];
        self.number += 1;
        let mut line = String::new();
        let _ = write!(
            line,
            "{{\"id\":{number},\"ext_id\":\"CRM-{number:08}\",\"first_name\":\"{first}\",\"last_name\":\"{last}\",\"company\":\"Alpha \
             Logistics GmbH\",\"email\":\"{first}.{last}.{number}@alpha.example\",\"phone\":\"+{} {} {}\",\"street\":\"Hauptstr. \
             {}\",\"city\":\"{}\",\"postal_code\":\"{}\",\"country\":\"{country}\",\"vat_number\":\"{country}{}\",\
             \"credit_limit\":\"{}.{:02}\",\"balance\":\"{}.{:02}\",\"currency\":\"EUR\",\"status\":\"{}\",\"segment\":\"SMB\",\
             \"birth_date\":\"19{:02}-{:02}-{:02}\",\"created_at\":\"20{:02}-{:02}-{:02} {:02}:{:02}:{:02}\",\"modified_at\":\"2025-12-31 \
             23:59:59\"}}",
            30 + dice.below(20),
            100 + dice.below(900),
            1_000_000 + dice.below(9_000_000),
            1 + dice.below(250),
            CITY[dice.below(6)],
            10_000 + dice.below(90_000),
            100_000_000 + dice.below(900_000_000),
            dice.below(100_000),
            dice.below(100),
            dice.below(100_000),
            dice.below(100),
            STATUS[dice.below(6)],
            40 + dice.below(60),
            1 + dice.below(12),
            1 + dice.below(28),
            10 + dice.below(16),
            1 + dice.below(12),
            1 + dice.below(28),
            dice.below(24),
            dice.below(60),
            dice.below(60),
            number = self.number,
        );
        self.line.clear();
        self.line.extend_from_slice(line.as_bytes());
        self.line.push(b'\n');
        self.at = 0;
        self.left -= 1;
    }
}

impl Read for Lines {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            if self.at == self.line.len() {
                if self.left == 0 {
                    break;
                }
                self.one();
            }
            let taken = (buffer.len() - filled).min(self.line.len() - self.at);
            buffer[filled..filled + taken].copy_from_slice(&self.line[self.at..self.at + taken]);
            filled += taken;
            self.at += taken;
        }
        Ok(filled)
    }
}

/// Takes what is written and keeps a digest of it.
#[derive(Default)]
struct Digest {
    sum: u64,
    bytes: u64,
}

impl Digest {
    /// Eight bytes at a time, so that looking costs little beside mapping.
    fn take(&mut self, bytes: &[u8]) {
        let mut words = bytes.chunks_exact(8);
        for word in &mut words {
            let word = u64::from_le_bytes(word.try_into().expect("eight bytes"));
            self.sum = (self.sum.rotate_left(5) ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        }
        for byte in words.remainder() {
            self.sum = (self.sum.rotate_left(5) ^ u64::from(*byte)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        }
        self.bytes += bytes.len() as u64;
    }
}

/// Seconds of processor time that this thread has had, where the system tells; else those that have gone by since the first
/// call. What others do on the machine then counts for nobody.
fn seconds() -> f64 {
    static BEGUN: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    let had = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let had = had.and_then(|text| text.split_whitespace().next()?.parse::<f64>().ok());
    had.map_or_else(|| BEGUN.get_or_init(Instant::now).elapsed().as_secs_f64(), |nanos| nanos / 1e9)
}

/// Reads the lines of a file in pieces, maps each, and takes what comes out. Seconds and digest.
fn timed(path: &std::path::Path, mut map: impl FnMut(&str, &mut Vec<u8>)) -> (f64, u64, u64) {
    let file = std::fs::File::open(path).expect("the input");
    let mut reader = BufReader::with_capacity(1 << 20, file);
    let (mut line, mut out, mut digest) = (String::new(), Vec::with_capacity(1 << 16), Digest::default());
    let begun = seconds();
    loop {
        line.clear();
        if reader.read_line(&mut line).expect("a line") == 0 {
            break;
        }
        map(line.trim_end_matches('\n'), &mut out);
        if out.len() > 1 << 15 {
            digest.take(&out);
            out.clear();
        }
    }
    digest.take(&out);
    (seconds() - begun, digest.sum, digest.bytes)
}

/// The same with one rule: what it costs to read the lines.
fn one_rule() -> String {
    let end = MAPPING.find("      - ext_id").expect("the first rule");
    format!("{}      - currency -> WAERS\n", &MAPPING[..end])
}

fn link(text: &str) -> Arc<LinkMapper> {
    let loaded = load("map.yaml", text, &LoadOptions::default()).unwrap_or_else(|found| panic!("{found}"));
    loaded.mapping.link("customers").expect("the link")
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// Whole lines cost at most so many times the work by hand.
const LINES_TIMES_MAX: f64 = 1.5;

/// Mapping alone costs at most so many nanoseconds a record.
const ALONE_NANOS_MAX: f64 = 700.0;

/// What mapping alone costs, in nanoseconds a record.
struct Alone {
    /// By hand: texts of a record put behind each other.
    by_hand: f64,
    /// One draft for all records.
    lent: f64,
    /// A draft for each record, and its values as owned ones.
    owned: f64,
}

/// The same work by hand over records: the texts of the target behind each other in one buffer, and where each ends.
fn by_hand_in_memory(record: &Record, slots: &[usize; 14], table: &HashMap<&str, &str>, out: &mut InMemory) {
    let text = |at: usize| record.get(slots[at]).value().and_then(ValueRef::as_text).expect("a text");
    out.text.clear();
    out.ends.clear();
    let InMemory { text: made, ends } = out;
    for at in 0..10 {
        made.push_str(text(at));
        ends.push(made.len());
    }
    made.extend([text(10), " ", text(11)]);
    ends.push(made.len());
    made.extend(text(11).chars().flat_map(char::to_uppercase));
    ends.push(made.len());
    made.push_str(table.get(text(12)).copied().unwrap_or("Unknown"));
    ends.push(made.len());
    let (year, rest) = text(13).split_at(4);
    made.extend([&rest[4..6], ".", &rest[1..3], ".", year]);
    ends.push(made.len());
}

/// A record that is made by hand.
#[derive(Default)]
struct InMemory {
    text: String,
    ends: Vec<usize>,
}

/// The mapping alone, see the page of this file; each of the ways in turn, so that what others do on the machine meets all.
fn records_alone(rounds: usize) -> Alone {
    const RECORDS: usize = 2_000;
    // Processor time is counted in ticks of some milliseconds: a measurement is long beside one.
    const PASSES: usize = 100;
    const FIELDS: [&str; 14] = [
        "ext_id",
        "company",
        "email",
        "phone",
        "street",
        "city",
        "postal_code",
        "country",
        "vat_number",
        "currency",
        "first_name",
        "last_name",
        "status",
        "created_at",
    ];
    let link = link(MAPPING);
    let fields = link.rules().iter().flat_map(|rule| rule.fields.left.iter().cloned());
    let mut names: Vec<_> = fields.collect();
    names.sort();
    names.dedup();
    let shape = Shape::new(names.iter().cloned()).expect("a shape");
    let targets =
        Shape::new(link.rules().iter().flat_map(|rule| rule.fields.right.iter().cloned())).expect("a shape");
    let nothing = Record::absent(&targets);
    let read = |line: String| {
        let read: HashMap<String, serde_json::Value> = serde_json::from_str(&line).expect("a customer");
        let mut builder = RecordBuilder::new(&shape);
        for name in &names {
            builder.push_value(ValueRef::Text(read[name.as_str()].as_str().expect("a text")));
        }
        builder.finish()
    };
    let lines = BufReader::new(Lines::new(RECORDS)).lines().map(|line| line.expect("a line"));
    let records: Vec<Record> = lines.map(read).collect();
    let (resolved, entity) = (Resolved::new(), link.link().entity.right.clone());
    let cx = MapContext { resolved: &resolved, target_entity: &entity, creating: true };
    let timed = |work: &mut dyn FnMut(&Record)| {
        let begun = seconds();
        (0..PASSES).for_each(|_| records.iter().for_each(&mut *work));
        (seconds() - begun) * 1e9 / (RECORDS * PASSES) as f64
    };
    let carry = |record: &Record, draft: &mut Draft<'_>| {
        for rule in 0..link.rules().len() {
            link.carry(RuleIndex(rule as u16), Side::Left, record, draft, &cx).expect("carried");
        }
    };
    let slots = FIELDS.map(|name| shape.slot(name).expect("a field"));
    let table: HashMap<&str, &str> =
        [("A", "Active"), ("I", "Inactive"), ("P", "Prospect"), ("B", "Blocked"), ("X", "Closed")].into();
    let (mut by_hand, mut lent, mut owned) = (Vec::new(), Vec::new(), Vec::new());
    let (mut in_memory, mut draft) = (InMemory::default(), Draft::over(&nothing));
    for record in &records {
        by_hand_in_memory(record, &slots, &table, &mut in_memory);
        draft.clear();
        carry(record, &mut draft);
        let mut from = 0;
        for ((_, planned), end) in draft.planned().zip(&in_memory.ends) {
            let made = planned.known().and_then(ValueRef::as_text);
            assert_eq!(made, in_memory.text.get(from..*end), "both ways make the same");
            from = *end;
        }
        assert_eq!(draft.planned().len(), in_memory.ends.len());
    }
    for _ in 0..rounds.max(5) {
        by_hand.push(timed(&mut |record| {
            by_hand_in_memory(record, &slots, &table, &mut in_memory);
            black_box(&in_memory.text);
        }));
        lent.push(timed(&mut |record| {
            draft.clear();
            carry(record, &mut draft);
            draft.planned().for_each(|value| {
                black_box(value);
            });
        }));
        owned.push(timed(&mut |record| {
            let mut draft = Draft::over(&nothing);
            carry(record, &mut draft);
            black_box(draft.into_planned());
        }));
    }
    Alone { by_hand: median(&mut by_hand), lent: median(&mut lent), owned: median(&mut owned) }
}

/// Bytes that the process holds at most, as the system counts.
fn peak_kilobytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let given = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1).cloned()
    };
    let number =
        |name: &str, otherwise: usize| given(name).and_then(|text| text.parse().ok()).unwrap_or(otherwise);
    let (records, rounds) = (number("--records", 1_000_000), number("--rounds", 5));
    let path = std::env::temp_dir().join(format!("seamless-map-{}.jsonl", std::process::id()));
    let mut file = std::fs::File::create(&path).expect("a file");
    std::io::copy(&mut Lines::new(records), &mut file).expect("written");
    drop(file);

    let hand = || {
        let mut hand = ByHand::new();
        timed(&path, |line, out| hand.map(line, out))
    };
    let mapped = |text: &str| {
        let mut ours = LineMapper::new(link(text), Side::Right).expect("a mapper of lines");
        timed(&path, |line, out| {
            ours.map(line, out).expect("mapped");
        })
    };
    let (ours, one) = (|| mapped(MAPPING), one_rule());
    let mut passed = true;
    match given("--stage").as_deref() {
        Some("ours") => drop(black_box(ours())),
        Some("hand") => drop(black_box(hand())),
        Some("records") => {
            let Alone { by_hand, lent, owned } = records_alone(rounds);
            println!("{by_hand:.0} ns a record by hand, {lent:.0} lent, {owned:.0} owned");
        }
        _ => {
            let (mut by_hand, mut by_file, mut reading) = (Vec::new(), Vec::new(), Vec::new());
            for _ in 0..rounds {
                let (seconds, sum, bytes) = hand();
                by_hand.push(seconds);
                let ours = ours();
                assert_eq!((ours.1, ours.2), (sum, bytes), "both ways write the same");
                by_file.push(ours.0);
                reading.push(mapped(&one).0);
            }
            let (by_hand, by_file, reading) =
                (median(&mut by_hand), median(&mut by_file), median(&mut reading));
            let each = |seconds: f64| seconds * 1e9 / records as f64;
            println!(
                "{records} records of 20 fields, JSON in and out, one core, median of {rounds} rounds of processor time"
            );
            println!("| way | seconds | ns a record | times by hand |\n|---|---|---|---|");
            println!("| by hand over serde | {by_hand:.2} | {:.0} | 1.00 |", each(by_hand));
            println!("| mapping file | {by_file:.2} | {:.0} | {:.2} |", each(by_file), by_file / by_hand);
            let (alone, rest) =
                (each(by_file - reading), "its rules and their JSON, without reading the line");
            println!("| {rest} | {:.2} | {alone:.0} | |", by_file - reading);
            let Alone { by_hand: in_memory, lent, owned } = records_alone(rounds);
            println!("\nmapping alone, from decoded to decoded values, in memory");
            println!("| way | ns a record | times by hand |\n|---|---|---|");
            println!("| by hand | {in_memory:.0} | 1.00 |");
            println!("| into one draft | {lent:.0} | {:.2} |", lent / in_memory);
            println!("| a draft each, its values as owned ones | {owned:.0} | {:.2} |", owned / in_memory);
            passed = by_file / by_hand <= LINES_TIMES_MAX && lent <= ALONE_NANOS_MAX;
            if let Some(peak) = peak_kilobytes() {
                println!("at most {} MB of memory", peak / 1024);
            }
        }
    }
    let _ = std::fs::remove_file(&path);
    let is_checked = arguments.iter().any(|argument| argument == "--check");
    if passed {
        return ExitCode::SUCCESS;
    }
    println!("past a limit: {LINES_TIMES_MAX} times by hand, {ALONE_NANOS_MAX} ns a record alone");
    if is_checked { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
