//! The words of scenarios: how two records are mapped, and what happens to them. Knows nothing of how it is done. The doors
//! are [`Settings::parse`] and [`Statement::parse`].

use seamless_core::model::{Error, Result, Side};

/// Fields of a record that users write; the last one is not mapped.
pub(super) const FIELDS: [&str; 4] = ["name", "fax", "home", "note"];

/// Where values of a field go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Both,
    To(Side),
    /// It is not mapped.
    Nowhere,
}

/// What happens with the pair when a record is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OnDelete {
    Park,
    Unlink,
    Restore,
}

/// How two records are mapped, by words with commas in between:
///
/// - `two-way`, `to-right`, `to-left`: where values go, for all fields;
/// - `fax to-right`, `fax unmapped`: the same for one field;
/// - `only pairs`: no records are made;
/// - `left wins`, `right wins`: what happens where both sides moved;
/// - `overwrite`: a one-way field is written again where its target was edited;
/// - `unlink`, `restore`: what happens where a record was deleted, instead of asking;
/// - `left only fax=1`: records of a side that take part.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) link: Way,
    pub(super) fax: Way,
    pub(super) creates: bool,
    pub(super) wins: Option<Side>,
    pub(super) overwrites: bool,
    pub(super) on_delete: OnDelete,
    pub(super) only: Option<(Side, &'static str)>,
}

fn unknown(words: &str) -> Error {
    Error::configuration("a scenario says something that is not known").at("words", words)
}

fn side(word: &str) -> Option<Side> {
    Side::BOTH.into_iter().find(|side| side.to_string() == word)
}

fn way(word: &str) -> Option<Way> {
    Some(match word {
        "two-way" => Way::Both,
        "to-right" => Way::To(Side::Right),
        "to-left" => Way::To(Side::Left),
        "unmapped" => Way::Nowhere,
        _ => return None,
    })
}

impl Settings {
    pub(super) fn parse(text: &'static str) -> Result<Self> {
        let mut settings = Self {
            link: Way::Both,
            fax: Way::Both,
            creates: true,
            wins: None,
            overwrites: false,
            on_delete: OnDelete::Park,
            only: None,
        };
        for words in text.split(',').map(str::trim) {
            settings.set(words).ok_or_else(|| unknown(words))?;
        }
        Ok(settings)
    }

    fn set(&mut self, words: &'static str) -> Option<()> {
        match *words.split(' ').collect::<Vec<_>>().as_slice() {
            ["only", "pairs"] => self.creates = false,
            ["overwrite"] => self.overwrites = true,
            ["unlink"] => self.on_delete = OnDelete::Unlink,
            ["restore"] => self.on_delete = OnDelete::Restore,
            ["fax", word] => self.fax = way(word)?,
            [named, "wins"] => self.wins = Some(side(named)?),
            [named, "only", field] => self.only = Some((side(named)?, field.strip_prefix("fax=")?)),
            [word] => self.link = way(word)?,
            _ => return None,
        }
        Some(())
    }
}

/// What happens, by statements with semicolons in between.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Statement {
    /// `left c1 name=A fax=1`: a user writes, and makes the record where it is not there; `fax=-` empties.
    Write { side: Side, record: &'static str, values: Vec<(&'static str, &'static str)> },
    /// `left touch c1`: a user saves without a change.
    Touch { side: Side, record: &'static str },
    /// `left delete c1`.
    Delete { side: Side, record: &'static str },
    /// `couple`: a run that is not told of, which brings the two systems in step.
    Couple,
    /// `sync`: a run.
    Sync,
    /// `force left`: a run for which a person says that the left is right.
    Force(Side),
    /// `clock right -300`: the clock of a side is off by so many seconds.
    Clock { side: Side, seconds: i64 },
}

impl Statement {
    /// The statements of a script; `both` in the place of a side is one statement for each.
    pub(super) fn parse(text: &'static str) -> Result<Vec<Self>> {
        let mut statements = Vec::new();
        for line in text.split(';').map(str::trim).filter(|line| !line.is_empty()) {
            let words: Vec<&'static str> = line.split_whitespace().collect();
            let sides = match words.first() {
                Some(&"both") => Side::BOTH.to_vec(),
                first => first.and_then(|word| side(word)).into_iter().collect(),
            };
            let parsed: Option<Vec<Self>> = match words.as_slice() {
                ["couple"] => Some(vec![Self::Couple]),
                ["sync"] => Some(vec![Self::Sync]),
                ["force", from] => side(from).map(|from| vec![Self::Force(from)]),
                ["clock", of, seconds] => side(of)
                    .zip(seconds.parse().ok())
                    .map(|(side, seconds)| vec![Self::Clock { side, seconds }]),
                [_, rest @ ..] if !sides.is_empty() => {
                    sides.into_iter().map(|side| Self::deed(side, rest)).collect()
                }
                _ => None,
            };
            statements.extend(parsed.ok_or_else(|| unknown(line))?);
        }
        Ok(statements)
    }

    fn deed(side: Side, words: &[&'static str]) -> Option<Self> {
        Some(match words {
            ["touch", record] => Self::Touch { side, record },
            ["delete", record] => Self::Delete { side, record },
            [record, values @ ..] => {
                let values = values.iter().map(|value| value.split_once('='));
                let values: Vec<_> = values.collect::<Option<_>>()?;
                if values.iter().any(|(field, _)| !FIELDS.contains(field)) {
                    return None;
                }
                Self::Write { side, record, values }
            }
            [] => return None,
        })
    }
}
