//! What came of the laws, as text.

use std::fmt;

use seamless_core::model::{FieldName, Side, Sides, Value};

use crate::shown;

use super::{CounterExample, Happened, Law, LawReport, RuleLaws};

impl fmt::Display for Law {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Law::Settles => "carried again, nothing changes",
            Law::GetPut => "the way back changes nothing",
            Law::PutGet => "what comes back makes the same again",
            Law::Preimage => "what means it already is left alone",
            Law::Lossless => "nothing is lost",
            Law::WipesOut => "nothing of the former value stays",
        })
    }
}

impl Law {
    /// Its name, for programs.
    pub fn code(self) -> &'static str {
        match self {
            Law::Settles => "settles",
            Law::GetPut => "get_put",
            Law::PutGet => "put_get",
            Law::Preimage => "preimage",
            Law::Lossless => "lossless",
            Law::WipesOut => "wipes_out",
        }
    }
}

fn values(values: &[(FieldName, Value)]) -> String {
    if values.is_empty() {
        return "parked".to_owned();
    }
    let one = |(field, value): &(FieldName, Value)| format!("{field} = {}", shown::value(value));
    values.iter().map(one).collect::<Vec<_>>().join(", ")
}

impl CounterExample {
    /// The counter-example as lines; `names` are those of the sides.
    pub fn lines(&self, names: Sides<&str>) -> Vec<String> {
        let name = |side: Side| names.of(side);
        let mut lines = vec![format!("broken: {}", self.law)];
        for step in &self.steps {
            let what = match step.what {
                Happened::Held => "holds",
                Happened::Carried => "becomes",
                Happened::Made => "is made",
            };
            lines.push(format!("{} {what} {}", name(step.side), values(&step.values)));
        }
        let last = self.steps.last().map_or(self.from, |step| step.side);
        lines.push(format!("{} should be {}", name(last), values(&self.wanted)));
        lines
    }
}

impl RuleLaws {
    /// The result of a rule in one line.
    pub fn headline(&self) -> String {
        let RuleLaws { link, rule, kind, tried, carried, laws, counter_examples } = self;
        let values =
            format!("{} of {} values carried", carried.left + carried.right, tried.left + tried.right);
        let came = match (counter_examples.is_empty(), self.is_untried()) {
            (_, true) => "NOT TRIED".to_owned(),
            (true, false) => format!("{} laws hold", laws.len()),
            (false, false) => "BROKEN".to_owned(),
        };
        format!("{came}  {link}, {rule} ({kind}): {values}")
    }
}

impl LawReport {
    /// The report as text; `names` are those of the sides.
    pub fn text(&self, names: Sides<&str>) -> String {
        let mut lines = Vec::new();
        for rule in &self.rules {
            lines.push(rule.headline());
            for example in &rule.counter_examples {
                lines.extend(example.lines(names).into_iter().enumerate().map(|(at, line)| {
                    let indent = if at == 0 { "    " } else { "      " };
                    format!("{indent}{line}")
                }));
            }
            if rule.is_untried() {
                lines
                    .push("    no value was one that it carries: give records that it does carry".to_owned());
            }
        }
        let broken = self.rules.iter().filter(|rule| !rule.counter_examples.is_empty()).count();
        lines.push(format!("{} rules, {broken} broken", self.rules.len()));
        lines.join("\n")
    }
}
