//! From the parser's events to the tree.
//!
//! One loop over an explicit stack, so that no nesting can exhaust the program's own. Goes on after a
//! finding where the parser can, so that an author hears of several at once. Knows which events
//! follow each other; what is wrong with them is said by [`traps`] and [`syntax`]. The door is
//! [`read`].

use granit_parser::{Event, Parser, ScalarStyle as Style, StructureStyle};

use super::diagnostic::Diagnostic;
use super::limits::{DEPTH_MAX, ERRORS_MAX, KEY_CHARACTERS_MAX, Limits, WARNINGS_MAX};
use super::node::{Node, NodeKind, ScalarStyle};
use super::source::{Span, floor_boundary};
use super::{syntax, traps};

/// A tree, nothing for a text without content, and what is to be said about the text. The tree means
/// nothing if any finding is an error.
pub(super) struct Reading {
    pub(super) root: Option<Node>,
    pub(super) findings: Vec<Diagnostic>,
}

/// Reads one document. Cost: linear in the text, but for a sort of the keys of large mappings.
pub(super) fn read(text: &str, limits: Limits) -> Reading {
    if let Some(finding) = traps::unprintable(text) {
        return Reading { root: None, findings: vec![finding] };
    }
    let mut reader = Reader {
        text,
        limits,
        open: Vec::new(),
        root: None,
        findings: Vec::new(),
        errors: 0,
        warnings: 0,
        nodes: 0,
        documents: 0,
        quiet: Vec::new(),
    };
    let options = granit_parser::options! {
        disallow_directives: true,
        emit_unresolved_aliases: true,
        emit_anchor_events: true,
        emit_comments: false,
        simple_key_max_lookahead: KEY_CHARACTERS_MAX,
        flow_nesting_limit: DEPTH_MAX,
        block_nesting_limit: DEPTH_MAX,
    };
    for next in Parser::new_from_str_with_options(text, options) {
        let step = match next {
            Ok((event, span)) => reader.event(event, &span),
            Err(error) => {
                let finding = syntax::explain(text, &error, reader.in_flow());
                reader.finding(finding);
                Step::Stop
            }
        };
        if step == Step::Stop {
            break;
        }
    }
    if let more @ 1.. = reader.warnings.saturating_sub(WARNINGS_MAX) {
        let message = format!("there are {more} more warnings");
        reader.findings.push(Diagnostic::note("warnings", Span::at(text.len()), message));
    }
    Reading { root: reader.root, findings: reader.findings }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    GoOn,
    Stop,
}

/// A sequence or mapping whose end is not read yet.
struct Open {
    start: usize,
    /// Whether it is in braces or brackets.
    in_flow: bool,
    content: Content,
}

enum Content {
    Items(Vec<Node>),
    Entries { done: Vec<(Node, Node)>, key: Option<Node> },
}

struct Reader<'t> {
    text: &'t str,
    limits: Limits,
    open: Vec<Open>,
    root: Option<Node>,
    findings: Vec<Diagnostic>,
    errors: usize,
    warnings: usize,
    nodes: usize,
    documents: usize,
    /// Texts that a finding was made about already: their pieces say nothing further.
    quiet: Vec<Span>,
}

impl Reader<'_> {
    fn event(&mut self, event: Event<'_>, at: &granit_parser::Span) -> Step {
        let span = self.span(at);
        if let Some(tag) = at.tag_span().or_else(|| at.tag_start().map(granit_parser::Span::empty)) {
            let finding = traps::tag(self.text, self.span(&tag), self.in_flow());
            self.finding(finding);
        }
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    self.finding(traps::second_document(first_line(self.text, span)));
                    return Step::Stop;
                }
            }
            Event::Anchor(..) => self.finding(traps::anchor(self.text, span, self.in_flow())),
            Event::Alias(_) | Event::UnresolvedAlias(_) => {
                self.finding(traps::alias(self.text, span, self.in_flow()));
                return self.complete(Node { span, kind: missing() });
            }
            Event::Scalar(value, style, ..) => {
                let node = self.scalar(value.into_owned(), style, span);
                return self.complete(node);
            }
            Event::SequenceStart(style, ..) => return self.begin(span, style, Content::Items(Vec::new())),
            Event::MappingStart(style, ..) => {
                return self.begin(span, style, Content::Entries { done: Vec::new(), key: None });
            }
            Event::SequenceEnd | Event::MappingEnd => return self.end(span),
            Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
            // An event that a later parser adds might carry content: never read past it.
            _ => {
                self.finding(Diagnostic::error(
                    "syntax",
                    first_line(self.text, span),
                    "this syntax is not read",
                ));
                return Step::Stop;
            }
        }
        self.step()
    }

    fn scalar(&mut self, value: String, style: Style, span: Span) -> Node {
        let style = match style {
            Style::Plain => ScalarStyle::Plain,
            Style::SingleQuoted => ScalarStyle::SingleQuoted,
            Style::DoubleQuoted => ScalarStyle::DoubleQuoted,
            Style::Literal | Style::Folded => ScalarStyle::Block,
        };
        // The parser reports a value left out as `~` without a place.
        if style == ScalarStyle::Plain && span.is_empty() {
            return Node { span: self.place_left_out(span), kind: missing() };
        }
        if style == ScalarStyle::Block && value.is_empty() {
            self.maybe(traps::empty_block(self.text, span));
        }
        let span = if style == ScalarStyle::Block { self.without_line_end(span) } else { span };
        Node { span, kind: NodeKind::Scalar { text: value, style } }
    }

    fn begin(&mut self, span: Span, style: StructureStyle, content: Content) -> Step {
        self.nodes += 1;
        if self.open.len() == DEPTH_MAX {
            self.finding(syntax::too_deep(Span::at(span.start)));
            return Step::Stop;
        }
        let in_flow = style == StructureStyle::Flow;
        // A mapping in block style begins with its first key, which is looked at when it is complete.
        if !in_flow && matches!(content, Content::Items(_)) {
            self.maybe(traps::tab_before(self.text, span.start));
        }
        self.open.push(Open { start: span.start, in_flow, content });
        self.step()
    }

    fn end(&mut self, span: Span) -> Step {
        let Some(Open { start, in_flow, content }) = self.open.pop() else { return Step::Stop };
        let (kind, content_end) = match content {
            Content::Items(items) => {
                let end = items.last().map(|item| item.span.end);
                (NodeKind::Sequence(items), end)
            }
            Content::Entries { done, .. } => {
                self.refuse_duplicates(&done);
                let end = done.last().map(|(_, value)| value.span.end);
                (NodeKind::Mapping(done), end)
            }
        };
        // The parser ends block style where the next thing begins, often lines later.
        let end = if in_flow { span.end } else { content_end.unwrap_or(start) };
        self.nodes -= 1;
        self.complete(Node { span: Span::new(start, end), kind })
    }

    /// Gives a finished node to the sequence or mapping around it.
    fn complete(&mut self, node: Node) -> Step {
        self.nodes += 1;
        if self.nodes > self.limits.nodes_max {
            let message = format!("the document has more than {} parts", self.limits.nodes_max);
            self.finding(
                Diagnostic::error("nodes", Span::at(node.span.start), message).help("split the document"),
            );
            return Step::Stop;
        }
        let in_flow = self.in_flow();
        if node.is_scalar() {
            self.refuse_cut_text(&node, in_flow);
        }
        let key_is_quiet = match self.open.last().map(|open| &open.content) {
            Some(Content::Entries { key: Some(key), .. }) => self.is_quiet(key.span),
            _ => false,
        };
        let mut finding = None;
        match self.open.last_mut().map(|open| &mut open.content) {
            None => self.root = Some(node),
            Some(Content::Items(items)) => items.push(node),
            Some(Content::Entries { key: key @ None, .. }) => {
                finding = traps::key(self.text, &node);
                if !in_flow && finding.is_none() {
                    finding = traps::tab_before(self.text, node.span.start);
                }
                *key = Some(node);
            }
            Some(Content::Entries { done, key }) => {
                if let Some(key) = key.take() {
                    if node.text() == Some("") && node.span.is_empty() && !key_is_quiet {
                        finding = traps::without_value(self.text, &key, in_flow);
                    }
                    done.push((key, node));
                }
            }
        }
        self.maybe(finding);
        self.step()
    }

    fn refuse_cut_text(&mut self, node: &Node, in_flow: bool) {
        self.maybe(traps::cut_by_comment(self.text, node));
        self.maybe(traps::item_in_text(self.text, node));
        if in_flow
            && !self.is_quiet(node.span)
            && let Some(finding) = traps::cut_by_comma(self.text, node)
        {
            self.quiet.push(finding.span);
            self.finding(finding);
        }
    }

    /// Keys are compared by their texts, so `1` and `"1"` are the same key.
    fn refuse_duplicates(&mut self, entries: &[(Node, Node)]) {
        let mut keys: Vec<(&str, Span)> =
            entries.iter().filter_map(|(key, _)| key.text().map(|name| (name, key.span))).collect();
        keys.sort_unstable();
        let mut first: Option<(&str, Span)> = None;
        for (name, span) in keys {
            match first {
                Some((known, place)) if known == name => {
                    if !self.is_quiet(place) && !self.is_quiet(span) {
                        self.finding(traps::duplicate(name, place, span));
                    }
                }
                _ => first = Some((name, span)),
            }
        }
    }

    fn finding(&mut self, finding: Diagnostic) {
        // Two things that begin at the same place, such as lists in lists, share what is before them.
        let told =
            self.findings.last().is_some_and(|last| last.code == finding.code && last.span == finding.span);
        if told || self.errors >= ERRORS_MAX {
            return;
        }
        if !finding.is_error() {
            self.warnings += 1;
            if self.warnings > WARNINGS_MAX {
                return;
            }
        }
        self.errors += usize::from(finding.is_error());
        self.findings.push(finding);
        if self.errors == ERRORS_MAX {
            let message = format!("reading stops after {ERRORS_MAX} errors");
            self.findings.push(Diagnostic::note("errors", Span::at(self.text.len()), message));
        }
    }

    fn is_quiet(&self, span: Span) -> bool {
        self.quiet.iter().any(|told| told.start <= span.start && span.start <= told.end)
    }

    fn maybe(&mut self, finding: Option<Diagnostic>) {
        if let Some(finding) = finding {
            self.finding(finding);
        }
    }

    fn step(&self) -> Step {
        if self.errors >= ERRORS_MAX { Step::Stop } else { Step::GoOn }
    }

    fn in_flow(&self) -> bool {
        self.open.last().is_some_and(|open| open.in_flow)
    }

    fn span(&self, span: &granit_parser::Span) -> Span {
        let offset = |marker: granit_parser::Marker| {
            floor_boundary(self.text, marker.byte_offset().unwrap_or(self.text.len()))
        };
        Span::new(offset(span.start), offset(span.end))
    }

    /// Where a value left out could stand: behind the colon of its key. A colon that something follows at once begins a text.
    fn place_left_out(&self, span: Span) -> Span {
        let rest = self.text.get(span.start..).unwrap_or("");
        let blanks = rest.len() - rest.trim_start().len();
        let expects_value =
            matches!(self.open.last().map(|open| &open.content), Some(Content::Entries { key: Some(_), .. }));
        let behind = rest.get(blanks..).and_then(|rest| rest.strip_prefix(':'));
        let is_alone =
            |behind: &str| behind.is_empty() || behind.starts_with([' ', '\t', '\n', '\r', ',', ']', '}']);
        let colon = behind.is_some_and(is_alone);
        if expects_value && colon { Span::at(span.start + blanks + 1) } else { Span::at(span.start) }
    }

    fn without_line_end(&self, span: Span) -> Span {
        let text = self.text.get(span.start..span.end).unwrap_or("");
        Span::new(span.start, span.start + text.trim_end_matches(['\n', '\r']).len())
    }
}

fn missing() -> NodeKind {
    NodeKind::Scalar { text: String::new(), style: ScalarStyle::Plain }
}

fn first_line(text: &str, span: Span) -> Span {
    let covered = text.get(span.start..span.end).unwrap_or("");
    Span::new(span.start, span.start + covered.find(['\n', '\r']).unwrap_or(covered.len()))
}
