//! A template and layers of overlays, put together to a mapping file whose every line remembers where it came from.
//!
//! The result is a text that the ordinary loader reads, so that all of its checks hold; [`Composed::load`] tells what it
//! finds about the files that the lines came from. The door is [`compose`].

use std::fmt::Write as _;

use seamless_core::document::{Diagnostics, Report};
use seamless_core::model::Sides;

use super::Choices;
use super::layer::{self, LeftOut, link_id};
use super::overlay::Overlay;
use super::part::Part;
use super::print::{Printed, print};
use super::read::{Template, unknown};
use super::rule;
use super::variant::{self, OnlyWith, Variant};
use crate::notation::{LoadOptions, Loaded, load};

/// A mapping file that was put together.
#[derive(Clone, Debug)]
pub struct Composed {
    name: String,
    printed: Printed,
    choices: Choices,
    pub(super) mapping: Part,
}

/// Where a line came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineOrigin {
    /// The file: what the template or overlay was called when it was read.
    pub file: String,
    /// The line there, from 1 on.
    pub line: usize,
}

/// Puts a template and layers of overlays together, the lowest first.
///
/// Choices of variants are the template's defaults, then what the layers say, then `choices`.
///
/// Errors: an overlay of another template or version, an operation on something that is not there, two operations on
/// one thing in one layer, an unknown variant or choice; each with its place. What is wrong with the mapping comes out at
/// [`Composed::load`]. Total: never panics.
pub fn compose(
    template: &Template,
    overlays: &[Overlay],
    choices: &Choices,
) -> Result<Composed, Diagnostics> {
    let mut report = Report::new();
    for overlay in overlays {
        report.accept(fits(template, overlay));
    }
    let chosen = report.accept(chosen(template, overlays, choices));
    report.into_result()?;
    let choices = chosen.unwrap_or_default();
    let mut mapping = template.mapping();
    let left_out = resolve(&mut mapping, template, &choices)?;
    for overlay in overlays {
        layer::lay(&mut mapping, overlay, template.sides(), &left_out)?;
    }
    let name = overlays.last().map_or_else(|| template.id().to_owned(), |last| last.id().to_owned());
    Ok(Composed { name, printed: print(&mapping), choices, mapping })
}

impl Composed {
    /// The text of the mapping file.
    pub fn text(&self) -> &str {
        &self.printed.text
    }

    /// The choices that hold.
    pub fn choices(&self) -> &Choices {
        &self.choices
    }

    /// Where each line of the text came from; for a line that holds several things, the first of them.
    pub fn lines(&self) -> Vec<Option<LineOrigin>> {
        let origins = self.printed.line_origins().into_iter();
        let line = |origin: &super::part::Origin| LineOrigin {
            file: origin.document.name().to_owned(),
            line: origin.document.line_column(origin.span.start).line,
        };
        origins.map(|origin| origin.map(line)).collect()
    }

    /// The text with the origin of every line as a comment behind it. It loads as the text does.
    pub fn annotated(&self) -> String {
        /// Comments stand below each other where lines are shorter than this.
        const COLUMN: usize = 72;
        let mut out = String::new();
        for (line, origin) in self.printed.text.lines().zip(self.lines()) {
            let _ = match origin {
                Some(LineOrigin { file, line: at }) => {
                    let file: String = file.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
                    writeln!(out, "{line:COLUMN$} # {file}:{at}")
                }
                None => writeln!(out, "{line}"),
            };
        }
        out
    }

    /// Loads the mapping as a file is loaded.
    ///
    /// Errors: everything that the loader finds, each about the file and line that it came from.
    pub fn load(&self, options: &LoadOptions<'_>) -> Result<Loaded, Diagnostics> {
        match load(&self.name, &self.printed.text, options) {
            Ok(Loaded { mapping, warnings }) => {
                let warnings = warnings.and_then(|warnings| self.printed.relocated(&warnings));
                Ok(Loaded { mapping, warnings })
            }
            Err(findings) => Err(self.printed.relocated(&findings).unwrap_or(findings)),
        }
    }
}

/// An overlay is laid over the template and version that it was written against.
fn fits(template: &Template, overlay: &Overlay) -> Result<(), Diagnostics> {
    if overlay.template() != template.id() {
        let message = format!("this is an overlay of `{}`, not of `{}`", overlay.template(), template.id());
        return Err(unknown(&overlay.template, "overlay-template", message, "take its template".to_owned()));
    }
    if overlay.version() != template.version() {
        let (written, there) = (overlay.version(), template.version());
        let message = format!("it was written against version {written} of the template, this is {there}");
        let help = format!("upgrade it to {there}, or take version {written} of the template");
        return Err(unknown(&overlay.version, "overlay-version", message, help));
    }
    Ok(())
}

fn chosen(template: &Template, overlays: &[Overlay], given: &Choices) -> Result<Choices, Diagnostics> {
    let mut choices = template.choices(&Choices::new());
    let mut report = Report::new();
    for (key, value) in overlays.iter().flat_map(|overlay| &overlay.variants) {
        let (name, choice) = (key.text().unwrap_or(""), value.text().unwrap_or(""));
        let checked = variant::check(template.variants(), name, choice);
        let checked = checked.map_err(|(message, help)| unknown(value, "variant-choice", message, help));
        if report.accept(checked).is_some() {
            choices.insert(name.to_owned(), choice.to_owned());
        }
    }
    for (name, choice) in given {
        let root = template.mapping();
        let checked = variant::check(template.variants(), name, choice);
        let checked = checked.map_err(|(message, help)| unknown(&root, "variant-choice", message, help));
        if report.accept(checked).is_some() {
            choices.insert(name.clone(), choice.clone());
        }
    }
    report.into_result().map(|()| choices)
}

/// Takes out what other choices need, and the conditions of what stays. Gives what was taken out.
fn resolve(mapping: &mut Part, template: &Template, choices: &Choices) -> Result<LeftOut, Diagnostics> {
    let resolving = Resolving { variants: template.variants(), sides: template.sides(), choices };
    let mut left_out = LeftOut::new();
    let mut kept = Vec::new();
    let links = mapping.get_mut("links").and_then(Part::items_mut);
    let Some(links) = links else { return Ok(left_out) };
    for mut link in links.drain(..) {
        let only_with = OnlyWith::of(link.get("only_with"), resolving.variants)?;
        let id = link_id(&link).unwrap_or("").to_owned();
        if !only_with.holds(choices) {
            left_out.push((id, only_with.to_string()));
            continue;
        }
        link.remove("only_with");
        if has_conditions(link.get("rules"))
            && let Some(rules) = link.get_mut("rules").and_then(Part::items_mut)
        {
            resolving.rules(rules, &id, &mut left_out)?;
        }
        kept.push(link);
    }
    *links = kept;
    Ok(left_out)
}

fn has_conditions(rules: Option<&Part>) -> bool {
    rules
        .map_or(&[][..], Part::items)
        .iter()
        .any(|rule| rule::option(rule, "only_with").is_some() || has_conditions(rule::option(rule, "rules")))
}

struct Resolving<'a> {
    variants: &'a [Variant],
    sides: &'a Sides<String>,
    choices: &'a Choices,
}

impl Resolving<'_> {
    fn rules(&self, rules: &mut Vec<Part>, within: &str, left_out: &mut LeftOut) -> Result<(), Diagnostics> {
        let mut kept = Vec::new();
        for mut part in rules.drain(..) {
            let only_with = OnlyWith::of(rule::option(&part, "only_with"), self.variants)?;
            let path = format!("{within} / {}", rule::id(&part, self.sides).unwrap_or_default());
            if !only_with.holds(self.choices) {
                left_out.push((path, only_with.to_string()));
                continue;
            }
            if has_conditions(rule::option(&part, "rules"))
                && let Some(options) = rule::options_mut(&mut part)
                && let Some(lines) = options.get_mut("rules").and_then(Part::items_mut)
            {
                self.rules(lines, &path, left_out)?;
            }
            if rule::option(&part, "only_with").is_some() {
                rule::remove_option(&mut part, "only_with");
            }
            kept.push(part);
        }
        *rules = kept;
        Ok(())
    }
}
