//! What the reader sees: headings, sentences, tables, progress. Colours and bars go to terminals only; a pipe gets plain
//! text.

use std::fmt::Display;
use std::io::IsTerminal;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use anstream::{eprintln, println};
use anstyle::{AnsiColor, Style};
use comfy_table::{ContentArrangement, Table, presets};
use indicatif::{ProgressBar, ProgressStyle};

/// Columns where nobody can say how wide the window is, and at most.
const WIDTH: u16 = 118;
/// Tables are not made narrower than this.
const WIDTH_MIN: u16 = 60;

const TITLE: Style = AnsiColor::Cyan.on_default().bold();
const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();

fn width() -> u16 {
    let window = terminal_size::terminal_size().map(|(terminal_size::Width(width), _)| width);
    window.unwrap_or(WIDTH).clamp(WIDTH_MIN, WIDTH)
}

pub(crate) fn title(text: &str) {
    println!("\n{TITLE}{text}{TITLE:#}\n");
}

/// A sentence, broken where the window ends. `indent` blanks before every line but the first.
pub(crate) fn say(text: &str, indent: usize) {
    let width = usize::from(width());
    let mut line = String::new();
    for word in text.split(' ') {
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > width {
            println!("{line}");
            line = " ".repeat(indent);
        } else if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    println!("{line}");
}

pub(crate) fn good(text: impl Display) {
    println!("{GOOD}{text}{GOOD:#}");
}

pub(crate) fn bad(text: impl Display) {
    println!("{BAD}{text}{BAD:#}");
}

pub(crate) fn lines(text: impl Display) {
    println!("{text}");
}

/// A table of sentences; columns are broken into lines where the window ends.
pub(crate) fn sentences(header: &[&str], rows: &[Vec<String>]) {
    let mut table = Table::new();
    table
        .load_style(presets::UTF8_FULL_CONDENSED)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(width())
        .set_header(header.to_vec());
    for row in rows {
        table.add_row(row.clone());
    }
    println!("{table}");
}

/// A table of numbers, which are never broken; the first column holds names. A heading may have two lines.
pub(crate) fn numbers(header: &[&str], rows: &[Vec<String>]) {
    let heads: Vec<(&str, &str)> =
        header.iter().map(|text| text.split_once('\n').unwrap_or(("", text))).collect();
    let widths: Vec<usize> = heads
        .iter()
        .enumerate()
        .map(|(at, (above, below))| {
            let cells = rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count());
            cells.chain([above.chars().count(), below.chars().count()]).max().unwrap_or(0)
        })
        .collect();
    let all: usize = widths.iter().sum();
    let gaps = widths.len().saturating_sub(1);
    let gap = " ".repeat(if all + 2 * gaps > usize::from(width()) { 1 } else { 2 });
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let cells = cells.zip(&widths).enumerate().map(|(at, (cell, width))| match at {
            0 => format!("{cell:<width$}"),
            _ => format!("{cell:>width$}"),
        });
        cells.collect::<Vec<_>>().join(&gap)
    };
    if heads.iter().any(|(above, _)| !above.is_empty()) {
        println!("{}", line(&mut heads.iter().map(|(above, _)| *above)));
    }
    println!("{}", line(&mut heads.iter().map(|(_, below)| *below)));
    println!("{}", "─".repeat(all + gap.len() * gaps));
    rows.iter().for_each(|row| println!("{}", line(&mut row.iter().map(String::as_str))));
}

/// A number with its thousands apart.
pub(crate) fn number(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + 4);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// What a pipe is told meanwhile, and no more often.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// How far it is: a bar for people, a line now and then for files.
pub(crate) struct Progress {
    count: u64,
    began: Instant,
    bar: Option<ProgressBar>,
    last: Mutex<Instant>,
}

impl Progress {
    pub(crate) fn of(count: u64) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let style =
                ProgressStyle::with_template("{bar:40} {human_pos}/{human_len} schedules, {eta} left")
                    .unwrap_or_else(|_| ProgressStyle::default_bar());
            ProgressBar::new(count).with_style(style)
        });
        let began = Instant::now();
        Self { count, began, bar, last: Mutex::new(began) }
    }

    pub(crate) fn at(&self, done: u64) {
        if let Some(bar) = &self.bar {
            bar.set_position(done);
            return;
        }
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.elapsed() >= LINE_EVERY {
            *last = Instant::now();
            let seconds = self.began.elapsed().as_secs();
            eprintln!("{} of {} schedules after {seconds} s", number(done), number(self.count));
        }
    }

    /// How long it took.
    pub(crate) fn end(&self) -> Duration {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        self.began.elapsed()
    }
}
