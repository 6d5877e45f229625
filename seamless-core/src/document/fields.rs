//! Reading a mapping field by field, and hearing of every mistake at once.
//!
//! Consumers use this in place of derived readers, because it knows the place of everything and can
//! go on after a mistake. Knows no meaning of any field. The door is [`Fields::of`].

use super::Document;
use super::diagnostic::{Diagnostic, Diagnostics, Report, excerpt};
use super::nearest::nearest;
use super::node::Node;
use super::typed::beginning;

/// The fields of one mapping, taken one after another.
///
/// What is taken, missing or unknown comes out at [`finish`](Self::finish) and its siblings; a reader
/// that is dropped without them reports nothing. Cost: taking compares with each entry.
///
/// ```
/// use seamless_core::document::{Diagnostics, Document, Fields, Node};
///
/// struct Page { entity: String, rows_max: u64 }
///
/// fn page(document: &Document, node: &Node) -> Result<Page, Diagnostics> {
///     let mut fields = Fields::of(document, node)?;
///     let entity = fields.require_as("entity", Node::as_str);
///     let rows_max = fields.take_as("rows_max", Node::as_u64).unwrap_or(500);
///     fields.finish_with(entity.map(|entity| Page { entity: entity.to_owned(), rows_max }))
/// }
///
/// let document = Document::parse("page.yaml", "entity: customers\nrows_mx: 20\n")?;
/// let refused = page(&document, document.root()).err().map(|refused| refused.to_string());
/// assert_eq!(refused.as_deref(), Some("\
/// page.yaml:2:1: error[unknown-field]: unknown field `rows_mx`
///    |
///  2 | rows_mx: 20
///    | ^^^^^^^
///   help: did you mean `rows_max`?"));
/// # Ok::<(), Diagnostics>(())
/// ```
#[must_use = "mistakes come out at `finish`"]
#[derive(Debug)]
pub struct Fields<'d> {
    document: &'d Document,
    node: &'d Node,
    entries: &'d [(Node, Node)],
    /// Whether the entry of the same index was asked for.
    taken: Vec<bool>,
    /// Every name asked for, in order: the candidates for "did you mean".
    asked: Vec<String>,
    /// Names required and not there. Reported last: a misspelt one is told with its misspelling.
    missing: Vec<String>,
    report: Report,
}

impl<'d> Fields<'d> {
    /// Starts reading `node` of `document`; fails when it is no mapping.
    pub fn of(document: &'d Document, node: &'d Node) -> Result<Self, Diagnostics> {
        let entries = node.as_mapping().map_err(|refused| refused.within(document))?;
        Ok(Self {
            document,
            node,
            entries,
            taken: vec![false; entries.len()],
            asked: Vec::new(),
            missing: Vec::new(),
            report: Report::new(),
        })
    }

    /// The value of a field that may be left out. A field that says `null` is there, and is nothing.
    pub fn take(&mut self, name: &str) -> Option<&'d Node> {
        self.take_entry(name).map(|(_, value)| value)
    }

    /// Key and value of a field that may be left out, for findings about the key.
    pub fn take_entry(&mut self, name: &str) -> Option<(&'d Node, &'d Node)> {
        if !self.asked.iter().any(|asked| asked == name) {
            self.asked.push(name.to_owned());
        }
        let found = self.entries.iter().zip(&mut self.taken).find(|((key, _), _)| key.text() == Some(name));
        found.map(|((key, value), taken)| {
            *taken = true;
            (key, value)
        })
    }

    /// The value of a field that must be there; its absence is reported at the end.
    pub fn require(&mut self, name: &str) -> Option<&'d Node> {
        let found = self.take(name);
        if found.is_none() {
            self.missing.push(name.to_owned());
        }
        found
    }

    /// The value of a field that may be left out, through an accessor such as [`Node::as_bool`]. What
    /// the accessor refuses is reported, and the field then reads as left out.
    pub fn take_as<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&'d Node) -> Result<T, Diagnostic>,
    ) -> Option<T> {
        let node = self.take(name)?;
        self.report.check(self.document, read(node))
    }

    /// The value of a field that must be there, through an accessor such as [`Node::as_str`].
    pub fn require_as<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&'d Node) -> Result<T, Diagnostic>,
    ) -> Option<T> {
        let node = self.require(name)?;
        self.report.check(self.document, read(node))
    }

    /// The value of a field that may be left out, through a reader of a part such as one that uses
    /// `Fields` itself.
    pub fn take_with<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&'d Document, &'d Node) -> Result<T, Diagnostics>,
    ) -> Option<T> {
        let node = self.take(name)?;
        self.report.accept(read(self.document, node))
    }

    /// The value of a field that must be there, through a reader of a part.
    pub fn require_with<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&'d Document, &'d Node) -> Result<T, Diagnostics>,
    ) -> Option<T> {
        let node = self.require(name)?;
        self.report.accept(read(self.document, node))
    }

    /// The entries that nothing asked for yet, in order; they count as taken from now on. For mappings
    /// whose remaining keys are names of the author's.
    pub fn take_rest(&mut self) -> Vec<(&'d Node, &'d Node)> {
        let rest = self.entries.iter().zip(&mut self.taken).filter(|(_, taken)| !**taken);
        rest.map(|((key, value), taken)| {
            *taken = true;
            (key, value)
        })
        .collect()
    }

    /// The mapping that is read.
    pub fn node(&self) -> &'d Node {
        self.node
    }

    /// The document that is read.
    pub fn document(&self) -> &'d Document {
        self.document
    }

    /// Adds a finding of the caller's own.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.report.push(self.document, diagnostic);
    }

    /// The findings so far, for [`Report::accept`] and [`Report::check`] on parts.
    pub fn report(&mut self) -> &mut Report {
        &mut self.report
    }

    /// Ends the reading: unknown and missing fields are reported with everything found before.
    ///
    /// Succeeds without errors and then drops warnings; [`finish_into`](Self::finish_into) keeps them.
    pub fn finish(self) -> Result<(), Diagnostics> {
        self.closed().into_result()
    }

    /// Ends the reading with the value built from the fields, none where a field was missing or
    /// refused.
    pub fn finish_with<T>(self, value: Option<T>) -> Result<T, Diagnostics> {
        let (document, node) = (self.document, self.node);
        self.finish()?;
        // Reached only by a caller that gives up without having reported why.
        value.ok_or_else(|| {
            Diagnostic::error("unreadable", beginning(document, node), "this mapping cannot be read")
                .within(document)
        })
    }

    /// Ends the reading into the report of the whole, with warnings.
    pub fn finish_into(self, report: &mut Report) {
        report.append_report(self.closed());
    }

    fn closed(mut self) -> Report {
        let entries = self.entries;
        let open: Vec<&str> = self
            .asked
            .iter()
            .map(String::as_str)
            .filter(|name| !entries.iter().any(|(key, _)| key.text() == Some(name)))
            .collect();
        let unknown = entries.iter().zip(&self.taken).filter(|(_, taken)| !**taken).map(|((key, _), _)| key);
        let mut findings = Vec::new();
        let mut explained = Vec::new();
        for key in unknown {
            let name = key.text().unwrap_or("");
            let meant = nearest(name, open.iter().copied());
            let help = match meant {
                Some(meant) => {
                    explained.push(meant.to_owned());
                    Some(format!("did you mean `{meant}`?"))
                }
                None => known_names(&self.asked),
            };
            let message = format!("unknown field `{}`", excerpt(name));
            findings.push(Diagnostic::error("unknown-field", key.span, message).maybe_help(help));
        }
        self.missing.retain(|name| !explained.contains(name));
        for name in &self.missing {
            let message = format!("the field `{name}` is missing");
            findings.push(Diagnostic::error("missing-field", beginning(self.document, self.node), message));
        }
        for finding in findings {
            self.report.push(self.document, finding);
        }
        self.report
    }
}

fn known_names(asked: &[String]) -> Option<String> {
    const NAMES_MAX: usize = 12;
    if asked.is_empty() {
        return Some("no field is known here".to_owned());
    }
    let names: Vec<String> = asked.iter().take(NAMES_MAX).map(|name| format!("`{name}`")).collect();
    let more = if asked.len() > NAMES_MAX { ", …" } else { "" };
    Some(format!("known here: {}{more}", names.join(", ")))
}

#[cfg(test)]
mod tests {
    use crate::document::{Diagnostic, Diagnostics, Document, Fields, Node, Report};

    fn headlines(diagnostics: &Diagnostics) -> Vec<String> {
        diagnostics.iter().map(|located| located.headline()).collect()
    }

    fn read(document: &Document) -> Result<(String, bool, Vec<u64>), Diagnostics> {
        let mut fields = Fields::of(document, document.root())?;
        let name = fields.require_as("name", Node::as_str);
        let active = fields.take_as("active", Node::as_bool).unwrap_or(false);
        let numbers = fields.take_with("numbers", |document, node| {
            let mut report = Report::new();
            let items = node.as_sequence().map_err(|refused| refused.within(document))?;
            let numbers = items.iter().filter_map(|item| report.check(document, item.as_u64())).collect();
            report.into_result().map(|()| numbers)
        });
        fields.finish_with(name.map(|name| (name.to_owned(), active, numbers.unwrap_or_default())))
    }

    #[test]
    fn a_mapping_without_mistakes_is_read() {
        let document = Document::parse("t", "active: true\nname: No.\nnumbers: [1, 2]").unwrap();
        assert_eq!(read(&document).unwrap(), ("No.".to_owned(), true, vec![1, 2]));
    }

    #[test]
    fn all_mistakes_come_out_at_once() {
        let document = Document::parse("t", "active: yes\nnumbers: [1, x, -2]\ncolour: red\n").unwrap();
        assert_eq!(
            headlines(&read(&document).unwrap_err()),
            [
                "t:1:9: error[wrong-kind]: expected `true` or `false`, found the text `yes`",
                "t:2:14: error[wrong-kind]: expected a whole number from 0 on, found the text `x`",
                "t:2:17: error[wrong-kind]: expected a whole number from 0 on, found the number `-2`",
                "t:3:1: error[unknown-field]: unknown field `colour`",
                "t:1:1: error[missing-field]: the field `name` is missing",
            ]
        );
    }

    #[test]
    fn a_misspelt_required_field_is_told_once() {
        let document = Document::parse("t", "nmae: x").unwrap();
        let refused = read(&document).unwrap_err();
        assert_eq!(headlines(&refused), ["t:1:1: error[unknown-field]: unknown field `nmae`"]);
        assert!(refused.to_string().contains("did you mean `name`?"));
    }

    #[test]
    fn a_field_that_is_there_already_is_not_suggested() {
        let document = Document::parse("t", "name: x\nnames: y").unwrap();
        let refused = read(&document).unwrap_err().to_string();
        assert!(refused.contains("help: known here: `name`, `active`, `numbers`"), "{refused}");
    }

    // Catches: a place that ends inside of a character.
    #[test]
    fn a_missing_field_is_told_at_the_whole_first_character() {
        let document = Document::parse("t", "\u{e4}: x").unwrap();
        let found = read(&document).unwrap_err();
        let missing = found.iter().find(|found| found.diagnostic().code == "missing-field").unwrap();
        assert_eq!(document.slice(missing.diagnostic().span), "\u{e4}");
    }

    #[test]
    fn what_is_no_mapping_is_refused() {
        let document = Document::parse("t", "").unwrap();
        let refused = read(&document).unwrap_err();
        assert_eq!(
            headlines(&refused),
            ["t:1:1: error[wrong-kind]: expected a mapping of `key: value`, found nothing"]
        );
    }

    #[test]
    fn giving_up_without_a_reason_is_still_an_error() {
        let document = Document::parse("t", "{}").unwrap();
        let fields = Fields::of(&document, document.root()).unwrap();
        assert!(fields.finish_with(None::<()>).is_err());
    }

    #[test]
    fn the_rest_counts_as_taken_and_warnings_survive_in_the_whole() {
        let document = Document::parse("t", "name: x\n'No.': y").unwrap();
        let mut fields = Fields::of(&document, document.root()).unwrap();
        fields.require("name");
        let rest = fields.take_rest();
        assert_eq!(rest.len(), 1);
        fields.push(Diagnostic::warning("odd-name", rest[0].0.span, "odd"));
        let mut report = Report::new();
        fields.finish_into(&mut report);
        assert!(!report.has_errors());
        assert_eq!(headlines(&report.into_diagnostics().unwrap()), ["t:2:1: warning[odd-name]: odd"]);
    }
}
