//! What a run of a kit found, for a person and for a test. Knows no case.

use std::fmt;

use super::verdict::Outcome;
use crate::model::{Error, ErrorKind, Result};

/// One case and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The case's stable name.
    pub case: &'static str,
    /// What it says.
    pub says: &'static str,
    /// What became of it.
    pub outcome: Outcome,
}

/// What a run found. [`Report::verdict`] is what a test asserts; its text is the table that a person reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// What was examined, in words.
    pub subject: String,
    /// The cases, in the order in which they ran.
    pub lines: Vec<Line>,
    /// What the run made or changed and could not put back, in words.
    pub left_behind: Vec<String>,
}

impl Report {
    /// How many cases passed.
    pub fn passed(&self) -> usize {
        self.count(|outcome| *outcome == Outcome::Passed)
    }

    /// How many were skipped.
    pub fn skipped(&self) -> usize {
        self.count(|outcome| matches!(outcome, Outcome::Skipped { .. }))
    }

    /// How many failed.
    pub fn failed(&self) -> usize {
        self.count(Outcome::is_failed)
    }

    /// What became of a case; `None` when there is no such case.
    pub fn outcome(&self, case: &str) -> Option<&Outcome> {
        self.lines.iter().find(|line| line.case == case).map(|line| &line.outcome)
    }

    /// The names of the cases that were skipped, for a test that states which ones may be.
    pub fn skipped_cases(&self) -> Vec<&'static str> {
        let skipped = |line: &&Line| matches!(line.outcome, Outcome::Skipped { .. });
        self.lines.iter().filter(skipped).map(|line| line.case).collect()
    }

    /// Whether no case failed and some passed.
    pub fn is_conformant(&self) -> bool {
        self.failed() == 0 && self.passed() > 0
    }

    /// The same as a result.
    ///
    /// Errors: a case failed, or none passed ([`ErrorKind::Conflict`]); the message is the whole report.
    pub fn verdict(&self) -> Result<()> {
        if self.is_conformant() {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Conflict, format!("the kit refutes it\n{self}")))
    }

    fn count(&self, which: impl Fn(&Outcome) -> bool) -> usize {
        self.lines.iter().filter(|line| which(&line.outcome)).count()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (passed, failed, skipped) = (self.passed(), self.failed(), self.skipped());
        writeln!(f, "{}: {passed} passed, {failed} failed, {skipped} skipped", self.subject)?;
        if passed + failed == 0 {
            writeln!(f, "No case ran: that is a failure, not a success.")?;
        }
        let width = self.lines.iter().map(|line| line.case.len()).max().unwrap_or(0);
        for line in &self.lines {
            match &line.outcome {
                Outcome::Passed => writeln!(f, "  passed   {:width$}  {}", line.case, line.says)?,
                Outcome::Skipped { reason } => writeln!(f, "  skipped  {:width$}  {reason}", line.case)?,
                Outcome::Failed { declared, observed, paste } => {
                    writeln!(f, "  FAILED   {:width$}  {}", line.case, line.says)?;
                    writeln!(f, "           declared  {declared}")?;
                    writeln!(f, "           observed  {observed}")?;
                    match paste {
                        Some(paste) => writeln!(f, "           paste     {paste}")?,
                        None => writeln!(f, "           mend      no declaration makes this right")?,
                    }
                }
            }
        }
        for left in &self.left_behind {
            writeln!(f, "  left behind: {left}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Line, Report};
    use crate::testkit::Outcome;

    #[test]
    fn a_report_without_a_case_that_ran_is_a_failure() {
        let line = |outcome| Line { case: "a.b", says: "x", outcome };
        let skipped = line(Outcome::Skipped { reason: "nothing there".into() });
        let mut report = Report { subject: "s".into(), lines: vec![skipped], left_behind: Vec::new() };
        assert!(report.verdict().is_err());
        report.lines.push(line(Outcome::Passed));
        report.verdict().unwrap();
        let (declared, observed) = ("tombstones: true".to_owned(), "none".to_owned());
        report.lines.push(line(Outcome::Failed {
            declared,
            observed,
            paste: Some("tombstones: false,".into()),
        }));
        let text = report.verdict().unwrap_err().to_string();
        for words in [
            "1 passed, 1 failed, 1 skipped",
            "nothing there",
            "declared  tombstones: true",
            "observed  none",
            "paste     tombstones: false,",
        ] {
            assert!(text.contains(words), "{text}");
        }
    }
}
