//! Policies, directions and lifecycles in words, for people who do not read mapping files.

use seamless_core::mapper::{
    ConflictPolicy, DeletePolicy, Direction, DriftPolicy, FirstLinkPolicy, LeavePolicy, LinkMode, LinkSpec,
    MatchLine, Rule, StateAction,
};
use seamless_core::model::{FieldName, Side, Sides, Value};

pub(crate) fn direction(direction: Direction, mode: LinkMode, names: &Sides<String>) -> String {
    let Sides { left, right } = names;
    match (mode, direction) {
        (LinkMode::Off | LinkMode::Observe | LinkMode::CoupleOnly, _) => "nothing is written".to_owned(),
        (LinkMode::To(side), Direction::To(to)) if side != to => "nothing is written".to_owned(),
        (_, Direction::TwoWay) => format!("{left} ↔ {right}"),
        (_, Direction::To(Side::Right)) => format!("{left} → {right}"),
        (_, Direction::To(Side::Left)) => format!("{left} ← {right}"),
    }
}

pub(crate) fn mode(mode: LinkMode, names: &Sides<String>) -> String {
    match mode {
        LinkMode::Off => "off: not even read".to_owned(),
        LinkMode::Observe => "read and planned, nothing is written".to_owned(),
        LinkMode::CoupleOnly => "records are paired, no field is written".to_owned(),
        LinkMode::To(side) => format!("values go to {} only", names.of(side)),
        LinkMode::TwoWay => "values go both ways".to_owned(),
    }
}

pub(crate) fn conflict(policy: &ConflictPolicy, names: &Sides<String>) -> String {
    match policy {
        ConflictPolicy::Park => "a person decides".to_owned(),
        ConflictPolicy::Take(side) => format!("{} wins", names.of(*side)),
        ConflictPolicy::Newest { skew } => {
            format!("the later edit wins; within {} s of each other a person decides", skew.as_secs_f64())
        }
        ConflictPolicy::Merge => {
            "put together element by element; an element that both changed waits".to_owned()
        }
        ConflictPolicy::Custom(name) => format!("the function {name} decides"),
    }
}

pub(crate) fn first_link(rule: &Rule, names: &Sides<String>) -> String {
    match rule.first_link {
        FirstLinkPolicy::FillBlanks => "a blank side is filled, values that differ wait".to_owned(),
        FirstLinkPolicy::Take(side) => format!("the value of {} is taken", names.of(side)),
        FirstLinkPolicy::Park => "values that differ wait".to_owned(),
    }
}

pub(crate) fn drift(policy: DriftPolicy) -> &'static str {
    match policy {
        DriftPolicy::Keep => "stays until the owner changes it",
        DriftPolicy::Restore => "is overwritten again",
        DriftPolicy::Park => "a person decides",
    }
}

pub(crate) fn matching(lines: &[MatchLine]) -> String {
    if lines.is_empty() {
        return "not matched: every record is new, or somebody couples by hand".to_owned();
    }
    let pair = |line: &MatchLine| {
        let pairs = line.fields.iter().map(|field| format!("{} = {}", field.field.left, field.field.right));
        pairs.collect::<Vec<_>>().join(" and ")
    };
    lines.iter().map(pair).collect::<Vec<_>>().join(", else ")
}

pub(crate) fn create(spec: &LinkSpec, names: &Sides<String>) -> String {
    match (spec.create.left, spec.create.right) {
        _ if matches!(spec.mode, LinkMode::Off | LinkMode::Observe | LinkMode::CoupleOnly) => {
            "nowhere".to_owned()
        }
        (true, true) => "on both sides".to_owned(),
        (true, false) => format!("in {}", names.left),
        (false, true) => format!("in {}", names.right),
        (false, false) => "nowhere".to_owned(),
    }
}

pub(crate) fn lifecycle(spec: &LinkSpec, names: &Sides<String>) -> Vec<String> {
    let mut lines = Vec::new();
    if matches!(spec.mode, LinkMode::Off | LinkMode::Observe) {
        return lines;
    }
    for side in Side::BOTH {
        let (here, there) = (names.of(side), names.of(side.other()));
        let then = match spec.on_delete.of(side) {
            DeletePolicy::Park => "a person decides".to_owned(),
            DeletePolicy::Unlink => format!("the pair ends, {there} keeps its record"),
            DeletePolicy::Delete => format!("it is deleted in {there} too"),
            DeletePolicy::Set(fields) => format!("{} in {there}", set(fields)),
            DeletePolicy::Restore => format!("it is created again from {there}"),
        };
        lines.push(format!("deleted in {here}: {then}"));
    }
    for side in Side::BOTH {
        let (here, there) = (names.of(side), names.of(side.other()));
        let then = match spec.on_leave.of(side) {
            LeavePolicy::Freeze => continue,
            LeavePolicy::Delete => format!("it is deleted in {there}"),
            LeavePolicy::Set(fields) => format!("{} in {there}", set(fields)),
            LeavePolicy::Park => "a person decides".to_owned(),
        };
        lines.push(format!("leaves the scope in {here}: {then}"));
    }
    lines
}

/// What moves the states of a side's records, one line for each action.
pub(crate) fn actions(spec: &LinkSpec, names: &Sides<String>) -> Vec<String> {
    let mut lines = Vec::new();
    for side in Side::BOTH {
        let here = names.of(side);
        for StateAction { name, field, from, to, opens } in &spec.actions.of(side).steps {
            let from: Vec<String> = from.iter().map(ToString::to_string).collect();
            let opens =
                if *opens { "; also to let an edit through, and then it is brought back" } else { "" };
            lines.push(format!(
                "action in {here}: {name} brings {field} from {} to {to}{opens}",
                from.join(" or ")
            ));
        }
        for (field, state) in &spec.actions.of(side).starts {
            lines.push(format!("made in {here}: {field} is {state}, actions lead on from there"));
        }
    }
    lines
}

/// That a field of a rule is moved by actions.
pub(crate) fn moved(spec: &LinkSpec, rule: &Rule, names: &Sides<String>) -> Vec<String> {
    let mut notes = Vec::new();
    for side in Side::BOTH.into_iter().filter(|side| rule.direction.allows(*side)) {
        let moved = spec.actions.of(side).fields();
        let fields = rule.fields.of(side).iter().filter(|field| moved.contains(field));
        notes.extend(fields.map(|field| format!("{field} is moved in {} by its actions", names.of(side))));
    }
    notes
}

fn set(fields: &[(FieldName, Value)]) -> String {
    let fields: Vec<String> =
        fields.iter().map(|(field, value)| format!("{field} becomes {value}")).collect();
    fields.join(", ")
}
