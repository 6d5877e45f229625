//! What an upgrade cannot decide: what the template changed, what the customer changed, and the two ways on.

use std::fmt;

/// Two changes of one thing that do not agree. The overlay keeps the customer's until a person decides otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The overlay.
    pub layer: String,
    /// The link; `None` for what concerns the whole mapping.
    pub link: Option<String>,
    /// The rule, with those around it where it is a rule of lines: `lines=Lines / quantity=Quantity`.
    pub rule: Option<String>,
    /// The key or part that both changed: `same_when`, `options`, `rule` where all of it is meant.
    pub what: String,
    /// What the template changed.
    pub template: Edited,
    /// What the customer changed.
    pub customer: Edited,
    /// What to do to keep the customer's.
    pub keep: String,
    /// What to do to take the template's.
    pub take: String,
}

/// A change of something; `None` where it is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edited {
    /// What it was in the old version of the template.
    pub before: Option<String>,
    /// What it is now.
    pub after: Option<String>,
}

impl Conflict {
    /// What it is about, in the words of the file: `customers / phone / same_when`.
    pub fn name(&self) -> String {
        let parts = [self.link.as_deref(), self.rule.as_deref(), Some(self.what.as_str())];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" / ")
    }
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} (overlay {})", self.name(), self.layer)?;
        writeln!(f, "  the template: {}", self.template)?;
        writeln!(f, "  the overlay:  {}", self.customer)?;
        writeln!(f, "  to keep the overlay's: {}", self.keep)?;
        write!(f, "  to take the template's: {}", self.take)
    }
}

impl fmt::Display for Edited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.before, &self.after) {
            (Some(before), Some(after)) if before == after => write!(f, "{after}, as before"),
            (Some(before), Some(after)) => write!(f, "{before} became {after}"),
            (None, Some(after)) => write!(f, "added {after}"),
            (Some(before), None) => write!(f, "dropped {before}"),
            (None, None) => f.write_str("nothing"),
        }
    }
}
