//! The mapping file that `init` writes: proposals as YAML, with the evidence as comments. What the compiler would
//! refuse is written as a comment with its reason, so that the file is valid as it stands. The door is [`write`].

use std::fmt::Write as _;

use seamless_core::model::{FieldName, Schema, Side, Sides};
use seamless_mapping::suggest::{LinkIdea, MatchIdea, RuleIdea};
use seamless_mapping::{CompileOptions, LoadOptions, load};

/// What the file is written for.
pub(crate) struct Subject<'a> {
    pub(crate) integration: &'a str,
    pub(crate) names: &'a Sides<String>,
    pub(crate) systems: &'a Sides<String>,
    pub(crate) schemas: Sides<&'a Schema>,
    /// How many records of each entity were read.
    pub(crate) sampled: Option<u16>,
}

/// How many links and rules are in force, and how many only comments.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) links: usize,
    pub(crate) rules: usize,
    pub(crate) left_out: usize,
}

/// The text of the mapping file.
pub(crate) fn write(subject: &Subject<'_>, ideas: &[LinkIdea]) -> (String, Tally) {
    let mut tally = Tally::default();
    let mut text = head(subject);
    let (usable, unusable): (Vec<&LinkIdea>, Vec<&LinkIdea>) =
        ideas.iter().partition(|idea| !idea.matching.is_empty());
    text.push_str(if usable.is_empty() { "links: []\n" } else { "links:\n" });
    for idea in &usable {
        tally.links += 1;
        link(subject, idea, &usable, &mut text, &mut tally);
    }
    for idea in unusable {
        tally.left_out += 1;
        let Sides { left, right } = idea.entity.as_ref().map(|name| comment(name.as_str()));
        let _ = writeln!(
            text,
            "\n  # {left} and {right} may be the same ({}), but no pair of fields tells",
            idea.evidence
        );
        let _ = writeln!(text, "  # which records belong together: add a link with a `match` that you know.");
    }
    (text, tally)
}

fn head(subject: &Subject<'_>) -> String {
    let Subject { integration, names, systems, .. } = subject;
    let by = match subject.sampled {
        None => "by names and types; no record was read".to_owned(),
        Some(count) => format!("by names, types and the values of at most {count} records of each entity"),
    };
    format!(
        "# Proposed from the schemas {by}. Read every line before you apply a plan.\n\
         # Conflicts and deletions wait for a person unless a link says otherwise.\n\
         integration: {}\n\
         sides: {{ {}: {}, {}: {} }}\n\n",
        quoted(integration),
        names.left,
        quoted(&systems.left),
        names.right,
        quoted(&systems.right)
    )
}

fn link(subject: &Subject<'_>, idea: &LinkIdea, all: &[&LinkIdea], text: &mut String, tally: &mut Tally) {
    let Sides { left, right } = idea.entity.as_ref().map(|name| comment(name.as_str()));
    let _ = writeln!(text, "\n  # {left} and {right}: {}", idea.evidence);
    text.push_str(&link_head(subject, idea, "  "));
    let mut lines = idea.matching.iter();
    text.push_str("    match:\n");
    if let Some(line) = lines.next() {
        let _ = writeln!(text, "      - {} # {}", match_line(line), line.evidence);
    }
    for line in lines {
        let _ = writeln!(text, "      # - {} # {}", match_line(line), line.evidence);
    }
    text.push_str("    rules:\n");
    let mut kept = 0;
    for rule in &idea.rules {
        let line = rule_line(subject, rule);
        match refusal(subject, idea, all, &line) {
            None => {
                kept += 1;
                let _ = writeln!(text, "      - {line} # {}", comment(&rule.evidence));
            }
            Some(reason) => {
                tally.left_out += 1;
                let _ = writeln!(text, "      # - {line}\n      #   left out: {reason}");
            }
        }
    }
    if kept == 0 {
        text.push_str("      []\n");
    }
    tally.rules += kept;
    for side in Side::BOTH {
        let alone = left_alone(subject, idea, side);
        if !alone.is_empty() {
            let _ =
                writeln!(text, "    # without a rule in {}: {}", subject.names.of(side), alone.join(", "));
        }
    }
}

fn link_head(subject: &Subject<'_>, idea: &LinkIdea, indent: &str) -> String {
    let Sides { left, right } = &idea.entity;
    format!(
        "{indent}- id: {}\n{indent}  {}: {}\n{indent}  {}: {}\n{indent}  mode: two_way\n",
        quoted(&idea.id),
        subject.names.left,
        quoted(left.as_str()),
        subject.names.right,
        quoted(right.as_str())
    )
}

fn left_alone(subject: &Subject<'_>, idea: &LinkIdea, side: Side) -> Vec<String> {
    let entity = subject.schemas.of(side).entity(idea.entity.of(side).as_str());
    let fields = entity.map(|entity| entity.fields.as_slice()).unwrap_or_default();
    let alone =
        fields.iter().filter(|field| idea.rules.iter().all(|rule| *rule.field.of(side) != field.name));
    alone.map(|field| comment(field.name.as_str())).collect()
}

/// Why the compiler would refuse a rule; `None` when it takes it. Asked with a file that has this rule only.
fn refusal(subject: &Subject<'_>, idea: &LinkIdea, all: &[&LinkIdea], line: &str) -> Option<String> {
    let mut text = head(subject) + "links:\n";
    for other in all {
        text.push_str(&link_head(subject, other, "  "));
        text.push_str("    match: none\n");
        if other.id == idea.id {
            let _ = writeln!(text, "    rules:\n      - {line}");
        }
    }
    let compile = CompileOptions { schemas: Some(subject.schemas), ..CompileOptions::default() };
    let options = LoadOptions { compile, ..LoadOptions::default() };
    let findings = load("proposal", &text, &options).err()?;
    let first = findings.iter().find(|finding| finding.diagnostic().is_error())?;
    Some(comment(&first.diagnostic().message))
}

fn rule_line(subject: &Subject<'_>, rule: &RuleIdea) -> String {
    let Sides { left, right } = &rule.field;
    let (arrow, flow) = match rule.only_to {
        None => ("<->", "both".to_owned()),
        Some(Side::Left) => ("<-", format!("to_{}", subject.names.left)),
        Some(Side::Right) => ("->", format!("to_{}", subject.names.right)),
    };
    let lookup = rule.lookup.as_ref().map(|link| format!("lookup: {}", quoted(link)));
    let same_when = rule.same_when.map(|word| format!("same_when: {word}"));
    let options: Vec<String> = lookup.into_iter().chain(same_when).collect();
    if is_plain(left) && is_plain(right) {
        return match options.as_slice() {
            [] => format!("{left} {arrow} {right}"),
            options => format!("{left} {arrow} {right}: {{ {} }}", options.join(", ")),
        };
    }
    let options: String = options.iter().map(|option| format!(", {option}")).collect();
    let (left, right) = (quoted(left.as_str()), quoted(right.as_str()));
    format!("{{ {}: {left}, {}: {right}, flow: {flow}{options} }}", subject.names.left, subject.names.right)
}

fn match_line(line: &MatchIdea) -> String {
    let Sides { left, right } = &line.field;
    let same_when = line.same_when.map(|word| format!(": {{ same_when: {word} }}")).unwrap_or_default();
    if is_plain(left) && is_plain(right) {
        return format!("{left} = {right}{same_when}");
    }
    quoted_always(&format!("`{left}` = `{right}`")) + &same_when
}

/// Whether a name can stand in a sentence, and the sentence in YAML, as it is.
fn is_plain(name: &FieldName) -> bool {
    let text = name.as_str();
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && !text.ends_with(' ')
        && !text.contains("  ")
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | ' ' | '-' | '/' | '(' | ')'))
        && text != "const"
        && !text.starts_with("const ")
}

/// A scalar of YAML: plain where it can only be read as the text that it is.
fn quoted(text: &str) -> String {
    let simple = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && !text.ends_with(' ')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | ' ' | '/'))
        && !matches!(text, "true" | "false" | "null" | "none");
    if simple { text.to_owned() } else { quoted_always(text) }
}

/// JSON's quotes are YAML's double quotes. `${` in a name is no parameter.
fn quoted_always(text: &str) -> String {
    serde_json::Value::from(text.replace("${", "$${")).to_string()
}

/// A name of a system in a comment: nothing in it may end the comment or be unseen.
fn comment(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') { ' ' } else { c })
        .collect()
}
