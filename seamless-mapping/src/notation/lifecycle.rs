//! States and lifecycle: what a deactivation, a deletion or leaving the scope means for the other side.
//!
//! `states` names combinations of values of a few fields per side; they become one table of values, the rule `states`.
//! Lines of `lifecycle` such as `crm inactive: set erp inactive` say where a state flows; without any such line states
//! flow both ways. `crm deleted: ..` and `crm leaves: ..` are policies of the link. The door is [`Lifecycle::read`].

use seamless_core::document::{Diagnostic, Diagnostics, Document, Node, Report, Span, did_you_mean};
use seamless_core::mapper::{DeletePolicy, Direction, LeavePolicy};
use seamless_core::model::{FieldName, Side, Sides, Value};

use super::policy::unknown_word;
use super::value::Reader;
use crate::declaration::{KindDecl, OptionKey, OptionRow, OptionsDecl, RuleDecl, UnknownPolicy};

/// What a state is on a side: fields and what they hold. `None` where the side does not have it.
type StateFields = Sides<Option<Vec<(FieldName, OptionKey)>>>;

struct State {
    name: String,
    fields: StateFields,
}

/// What `states` and `lifecycle` say.
#[derive(Default)]
pub(crate) struct Lifecycle {
    pub(crate) on_delete: Sides<Option<DeletePolicy>>,
    pub(crate) on_leave: Sides<Option<LeavePolicy>>,
    /// The rule that the states make, and where it stands.
    pub(crate) rule: Option<(RuleDecl, Span)>,
}

/// A line of `lifecycle` about a state: records of `side` in `state` set the other side to `becomes`.
struct Flow {
    side: Side,
    state: String,
    becomes: String,
}

impl Lifecycle {
    /// Reads both parts of a link.
    pub(crate) fn read(
        reader: &Reader<'_>,
        states: Option<(&Node, &Node)>,
        lifecycle: Option<&Node>,
        report: &mut Report,
    ) -> Self {
        let mut read = Self::default();
        let known = match states {
            Some((_, node)) => report.accept(read_states(reader, node)).unwrap_or_default(),
            None => Vec::new(),
        };
        let mut flows = Vec::new();
        if let Some(node) = lifecycle {
            let entries = report.check(reader.document, node.as_mapping()).unwrap_or(&[]);
            for (key, value) in entries {
                let line = read.line(reader, &known, (key, value), &mut flows);
                report.check(reader.document, line);
            }
        }
        if let Some((key, _)) = states
            && !known.is_empty()
        {
            let rule = report.check(reader.document, states_rule(key, &known, &flows));
            read.rule = rule.map(|rule| (rule, key.span));
        }
        read
    }

    fn line(
        &mut self,
        reader: &Reader<'_>,
        states: &[State],
        (key, value): (&Node, &Node),
        flows: &mut Vec<Flow>,
    ) -> Result<(), Diagnostic> {
        let text = key.text().unwrap_or("");
        let Sides { left, right } = reader.sides;
        let found = Side::BOTH.into_iter().find_map(|side| {
            Some((side, text.strip_prefix(*reader.sides.of(side))?.strip_prefix(' ')?.trim()))
        });
        let Some((side, event)) = found else {
            let message = format!("`{text}` does not begin with a side");
            let help = format!("write `{left} deleted: ..` or `{right} leaves: ..`");
            return Err(Diagnostic::error("lifecycle", key.span, message).help(help));
        };
        match event {
            "deleted" => {
                *self.on_delete.of_mut(side) = Some(delete_policy(reader, states, side.other(), value)?);
            }
            "leaves" => {
                *self.on_leave.of_mut(side) = Some(leave_policy(reader, states, side.other(), value)?)
            }
            state => {
                let known = states.iter().map(|state| state.name.as_str());
                if !states.iter().any(|known| known.name == state) {
                    let message = format!("nothing happens to a record that is called `{state}`");
                    let help = did_you_mean(state, known.chain(["deleted", "leaves"]))
                        .unwrap_or_else(|| "write `deleted`, `leaves`, or one of the `states`".to_owned());
                    return Err(Diagnostic::error("lifecycle", key.span, message).help(help));
                }
                let becomes = set_state(reader, states, side.other(), value)?;
                flows.push(Flow { side, state: state.to_owned(), becomes: becomes.name.clone() });
            }
        }
        Ok(())
    }
}

fn read_states(reader: &Reader<'_>, node: &Node) -> Result<Vec<State>, Diagnostics> {
    let document: &Document = reader.document;
    let mut report = Report::new();
    let mut states: Vec<State> = Vec::new();
    for entry in node.entries().map_err(|finding| finding.within(document))? {
        if matches!(entry.name, "deleted" | "leaves") {
            let message = format!("a state cannot be called `{}`", entry.name);
            report.push(
                document,
                Diagnostic::error("state-name", entry.key.span, message).help("choose another name"),
            );
            continue;
        }
        let mut keys = match seamless_core::document::Fields::of(document, entry.value) {
            Ok(keys) => keys,
            Err(findings) => {
                report.append(findings);
                continue;
            }
        };
        let fields = reader.sides.map(|side| keys.take_with(side, |_, node| state_fields(reader, node)));
        if fields.left.is_none() && fields.right.is_none() {
            let message = format!("the state `{}` is on neither side", entry.name);
            let help = format!("write `{{ {}: {{ field: value }}, .. }}`", reader.sides.left);
            keys.push(Diagnostic::error("state-empty", entry.key.span, message).help(help));
        }
        keys.finish_into(&mut report);
        states.push(State { name: entry.name.to_owned(), fields });
    }
    report.into_result().map(|()| states)
}

fn state_fields(reader: &Reader<'_>, node: &Node) -> Result<Vec<(FieldName, OptionKey)>, Diagnostics> {
    let document = reader.document;
    let entries = node.entries().map_err(|finding| finding.within(document))?;
    let fields = entries.map(|entry| Ok((reader.text(entry.key)?.into(), reader.option(entry.value)?)));
    fields.collect::<Result<_, Diagnostic>>().map_err(|finding| finding.within(document))
}

/// One table of all states: every state that both sides have, and one line for each change of name.
fn states_rule(key: &Node, states: &[State], flows: &[Flow]) -> Result<RuleDecl, Diagnostic> {
    let fields = Sides::new(Side::Left, Side::Right).map(|side| {
        let first = states.iter().find_map(|state| state.fields.of(side).as_ref());
        first
            .map(|fields| fields.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>())
            .unwrap_or_default()
    });
    for state in states {
        for side in Side::BOTH {
            let Some(named) = state.fields.of(side) else { continue };
            let names: Vec<&FieldName> = named.iter().map(|(name, _)| name).collect();
            if names != fields.of(side).iter().collect::<Vec<_>>() {
                let message =
                    format!("the state `{}` names other fields than the state before it", state.name);
                return Err(Diagnostic::error("state-fields", key.span, message)
                    .help("name the same fields of a side in every state, in the same order"));
            }
        }
    }
    let keys = |state: &State, side: Side| -> Option<Vec<OptionKey>> {
        Some(state.fields.of(side).as_ref()?.iter().map(|(_, key)| key.clone()).collect())
    };
    let flows_from = |side: Side| flows.is_empty() || flows.iter().any(|flow| flow.side == side);
    let mut rows = Vec::new();
    for state in states {
        let Some((left, right)) = keys(state, Side::Left).zip(keys(state, Side::Right)) else { continue };
        // A state that becomes another one on the other side leads there only.
        let renamed = |side: Side| {
            flows
                .iter()
                .any(|flow| flow.side == side && flow.state == state.name && flow.becomes != state.name)
        };
        let direction = match (renamed(Side::Left), renamed(Side::Right)) {
            (false, false) => Direction::TwoWay,
            (true, false) => Direction::To(Side::Left),
            (false, true) => Direction::To(Side::Right),
            (true, true) => continue,
        };
        rows.push(OptionRow { values: Sides::new(left, right), direction });
    }
    for flow in flows.iter().filter(|flow| flow.state != flow.becomes || !has_both(states, &flow.state)) {
        let named = |name: &str| states.iter().find(|state| state.name == name);
        let (Some(from), Some(to)) = (named(&flow.state), named(&flow.becomes)) else { continue };
        let (Some(given), Some(taken)) = (keys(from, flow.side), keys(to, flow.side.other())) else {
            let message = format!("the state `{}` is not said for both sides of its line", flow.state);
            return Err(
                Diagnostic::error("state-fields", key.span, message).help("say its fields on that side")
            );
        };
        let mut values = Sides::new(given, taken);
        if flow.side == Side::Right {
            values = values.mirrored();
        }
        rows.push(OptionRow { values, direction: Direction::To(flow.side.other()) });
    }
    let unknown = Sides::new(UnknownPolicy::Park, UnknownPolicy::Park);
    let mut rule = RuleDecl::new(KindDecl::Options(OptionsDecl { rows, unknown }), fields.left, fields.right)
        .id("states");
    rule.direction = match (flows_from(Side::Left), flows_from(Side::Right)) {
        (true, false) => Direction::To(Side::Right),
        (false, true) => Direction::To(Side::Left),
        _ => Direction::TwoWay,
    };
    Ok(rule)
}

fn has_both(states: &[State], name: &str) -> bool {
    let both = |state: &State| state.fields.left.is_some() && state.fields.right.is_some();
    states.iter().any(|state| state.name == name && both(state))
}

/// The state of `set erp inactive`, where the words name the side that is set.
fn set_state<'s>(
    reader: &Reader<'_>,
    states: &'s [State],
    on: Side,
    node: &Node,
) -> Result<&'s State, Diagnostic> {
    let side = *reader.sides.of(on);
    let text = node.text().unwrap_or("");
    let prefix = format!("set {side} ");
    let known: Vec<String> = states.iter().map(|state| format!("{prefix}{}", state.name)).collect();
    let state =
        text.strip_prefix(&prefix).and_then(|name| states.iter().find(|state| state.name == name.trim()));
    state.ok_or_else(|| {
        unknown_word(node, "line of a lifecycle", &known.iter().map(String::as_str).collect::<Vec<_>>())
    })
}

fn delete_policy(
    reader: &Reader<'_>,
    states: &[State],
    on: Side,
    node: &Node,
) -> Result<DeletePolicy, Diagnostic> {
    Ok(match node.text() {
        Some("park") => DeletePolicy::Park,
        Some("unlink") => DeletePolicy::Unlink,
        Some("delete") => DeletePolicy::Delete,
        Some("restore") => DeletePolicy::Restore,
        _ => DeletePolicy::Set(sets(reader, states, on, node, &["park", "unlink", "delete", "restore"])?),
    })
}

fn leave_policy(
    reader: &Reader<'_>,
    states: &[State],
    on: Side,
    node: &Node,
) -> Result<LeavePolicy, Diagnostic> {
    Ok(match node.text() {
        Some("freeze") => LeavePolicy::Freeze,
        Some("park") => LeavePolicy::Park,
        Some("delete") => LeavePolicy::Delete,
        _ => LeavePolicy::Set(sets(reader, states, on, node, &["freeze", "park", "delete"])?),
    })
}

/// The fields of `set erp inactive`, or of `{ set: { Blocked: All } }`.
fn sets(
    reader: &Reader<'_>,
    states: &[State],
    on: Side,
    node: &Node,
    words: &[&str],
) -> Result<Vec<(FieldName, Value)>, Diagnostic> {
    if let Ok([(key, fields)]) = node.as_mapping()
        && key.text() == Some("set")
    {
        return fields
            .entries()?
            .map(|entry| Ok((reader.text(entry.key)?.into(), reader.option(entry.value)?.to_value())))
            .collect();
    }
    let text = node.text().unwrap_or("");
    if !text.starts_with("set ") {
        let set = format!("set {} STATE", reader.sides.of(on));
        let known: Vec<&str> =
            words.iter().copied().chain([set.as_str(), "{ set: { Field: value } }"]).collect();
        return Err(unknown_word(node, "policy", &known));
    }
    let state = set_state(reader, states, on, node)?;
    match state.fields.of(on) {
        Some(fields) => Ok(fields.iter().map(|(name, key)| (name.clone(), key.to_value())).collect()),
        None => {
            let message = format!("the state `{}` says nothing of {}", state.name, reader.sides.of(on));
            Err(Diagnostic::error("state-fields", node.span, message).help("say its fields on that side"))
        }
    }
}
