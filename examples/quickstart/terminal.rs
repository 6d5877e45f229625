//! What the reader sees: chapters, sentences and tables. Colours go to terminals only; a pipe gets plain text.

use std::fmt::Display;

use anstream::println;
use anstyle::{AnsiColor, Style};
use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets};

/// Columns of a table and of a sentence at most: what fits a usual window, also where nobody can say how wide it is.
const WIDTH: u16 = 118;

const TITLE: Style = AnsiColor::Cyan.on_default().bold();
const GOOD: Style = AnsiColor::Green.on_default().bold();
const CARE: Style = AnsiColor::Yellow.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const QUIET: Style = Style::new().dimmed();

/// Begins a chapter.
pub(crate) fn chapter(number: usize, title: &str) {
    println!("\n{TITLE}{number}  {title}{TITLE:#}\n");
}

/// A sentence of the story.
pub(crate) fn say(text: impl Display) {
    println!("   {text}");
}

/// Something that went as it should.
pub(crate) fn good(text: impl Display) {
    println!("   {GOOD}ok{GOOD:#}  {text}");
}

/// Something that a person should look at.
pub(crate) fn care(text: impl Display) {
    println!("   {CARE}!{CARE:#}   {text}");
}

/// Something that should not be.
pub(crate) fn bad(text: impl Display) {
    println!("   {BAD}no{BAD:#}  {text}");
}

/// What may be passed over: times, places.
pub(crate) fn quiet(text: impl Display) {
    println!("   {QUIET}{text}{QUIET:#}");
}

/// Lines as another part of the system wrote them, with its own colours.
pub(crate) fn quote(text: &str) {
    for line in text.lines() {
        println!("   {QUIET}|{QUIET:#} {line}");
    }
}

pub(crate) fn space() {
    println!();
}

/// A table; columns from `numbers_from` on hold numbers.
pub(crate) fn table(header: &[&str], rows: Vec<Vec<String>>, numbers_from: usize) {
    let mut table = Table::new();
    table
        .load_style(presets::UTF8_FULL_CONDENSED)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(WIDTH)
        .set_header(header.to_vec());
    for row in rows {
        table.add_row(row.into_iter().enumerate().map(|(at, text)| {
            let cell = Cell::new(text);
            if at >= numbers_from { cell.set_alignment(CellAlignment::Right) } else { cell }
        }));
    }
    for line in table.to_string().lines() {
        println!("   {line}");
    }
}

/// A number with its thousands apart.
pub(crate) fn number(count: impl TryInto<u64>) -> String {
    let digits = count.try_into().unwrap_or(u64::MAX).to_string();
    let mut text = String::with_capacity(digits.len() + 4);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
