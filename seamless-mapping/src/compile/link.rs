//! One link: its defaults, its rules, and what its parts must agree on.

use seamless_core::mapper::{
    DeletePolicy, LeavePolicy, LinkMode, LinkSpec, Mapper, MatchField, MatchLine, Path, Rule,
};
use seamless_core::model::{Condition, DEPTH_MAX, FieldName, FormSpec, LinkId, Side, Sides, Value};

use super::{LinkCx, actions, fit, group, lines, money, paths, rule, scope};
use crate::declaration::{LinkDecl, LookupThrough, LookupVia, Matching};
use crate::finding::Findings;
use crate::link_mapper::{CompiledRule, LinkMapper};

/// Rules of a link at most, as many as the engine takes.
const RULES_MAX: usize = 4096;

/// Checks a link. `None` where something was wrong that keeps it from having a mapper at all.
pub(crate) fn compile(cx: &LinkCx<'_>, findings: &mut Findings) -> Option<LinkMapper> {
    let link = cx.link;
    let mut rules: Vec<group::Placed> = Vec::new();
    // Before they are compared with each other.
    if link.rules.len() > RULES_MAX {
        let message = format!("{} rules in one link", link.rules.len());
        let help = format!("at most {RULES_MAX} rules can be in a link");
        findings.error("too-many-rules", cx.place("rules"), message, &help);
        return None;
    }
    check_link(cx, findings);
    let mut read = paths::compile(cx, findings);
    let matching = matching(cx, findings)?;
    for (at, declared) in link.rules.iter().enumerate() {
        let id = declared.stable_id();
        if link.rules.iter().take(at).any(|earlier| earlier.stable_id() == id) {
            findings.error(
                "duplicate-rule",
                cx.rule_place(at, Some("id")),
                format!("two rules of the link are called {id}"),
                "bases hang on the id: give one of them an `id` of its own",
            );
        }
        if let Some(compiled) = rule::compile(cx, at, declared, findings) {
            rules.push((at, compiled.0, compiled.1));
        }
    }
    // What the scope says of records that are created is carried as the author's constants are.
    let implied = scope::implied(cx);
    let with_implied =
        LinkDecl { rules: link.rules.iter().cloned().chain(implied).collect(), ..link.clone() };
    let cx = &LinkCx { link: &with_implied, ..*cx };
    for (at, declared) in with_implied.rules.iter().enumerate().skip(link.rules.len()) {
        if let Some(compiled) = rule::compile(cx, at, declared, findings) {
            rules.push((at, compiled.0, compiled.1));
        }
    }
    check_writers(cx, findings);
    group::settle(cx, &mut rules, findings);
    if cx.options.schemas.is_some() {
        fit::check_link(cx, findings);
    }
    let actions = actions::compile(cx, findings);
    let spec = LinkSpec {
        id: link.id.clone(),
        entity: link.entity.clone(),
        mode: link.mode,
        scope: link.scope.clone(),
        writable: link.writable.clone(),
        actions,
        matching,
        create: create(cx),
        on_delete: link.on_delete.clone().map(|policy| policy.unwrap_or(DeletePolicy::Park)),
        on_leave: link.on_leave.clone().map(|policy| policy.unwrap_or(LeavePolicy::Freeze)),
        forms: forms(cx, &rules),
        depends_on: depends_on(cx),
        sweep_every: link.sweep_every,
        limits: link.limits,
    };
    for side in Side::BOTH {
        read.of_mut(side).extend(rules.iter().flat_map(|(_, rule, compiled)| of_lines(rule, compiled, side)));
    }
    let rules = rules.into_iter().map(|(_, rule, compiled)| (rule, compiled)).collect();
    let implied = with_implied.rules.get(link.rules.len()..).unwrap_or_default().to_vec();
    Some(LinkMapper::new(spec, rules, cx.options.functions.clone()).with_implied(implied).with_paths(read))
}

/// What the lines of a rule read along paths.
fn of_lines(rule: &Rule, compiled: &CompiledRule, side: Side) -> Vec<Path> {
    let lines = compiled.carrier.of_lines().zip(rule.fields.of(side).first());
    let paths = lines.map(|(lines, list)| {
        lines.paths(side).iter().map(|path| Path { list: Some(list.clone()), ..path.clone() }).collect()
    });
    paths.unwrap_or_default()
}

/// Where values may go, records may be created; a link that only observes shows what it would create.
pub(crate) fn create(cx: &LinkCx<'_>) -> Sides<bool> {
    cx.link.create.unwrap_or_else(|| match cx.link.mode {
        LinkMode::Off | LinkMode::CoupleOnly => Sides::new(false, false),
        LinkMode::Observe | LinkMode::TwoWay => Sides::new(true, true),
        LinkMode::To(side) => Sides::new(side == Side::Left, side == Side::Right),
    })
}

fn check_link(cx: &LinkCx<'_>, findings: &mut Findings) {
    let link = cx.link;
    if link.id.as_str().trim().is_empty() {
        findings.error("link-id", cx.place("id"), "the link has no id", "state hangs on it: name the link");
    }
    for other in &link.shares {
        // A link that names itself shares its records with its copies of other companies.
        if *other == link.id && cx.mapping.for_each.is_some() {
            continue;
        }
        if !cx.mapping.links.iter().any(|known| known.id == *other && known.id != link.id) {
            let message = format!("no other link is called {other}");
            let help = "name the links that may pair the same records";
            findings.error("unknown-link", cx.place("shares"), message, help);
        }
    }
    for side in Side::BOTH {
        if link.entity.of(side).as_str().trim().is_empty() {
            let message = format!("no entity of {} is named", cx.side_name(side));
            findings.error("entity", cx.place("entity"), message, "name the entity of both sides");
        }
        check_depth(cx, link.scope.of(side), "scope", findings);
        check_depth(cx, link.writable.of(side), "writable", findings);
        if let Some(other) = link.create.as_ref().map(|create| *create.of(side))
            && other
            && matches!(link.mode, LinkMode::To(to) if to != side)
        {
            let message =
                format!("records are created in {}, where the mode writes nothing", cx.side_name(side));
            findings.error("create-unwritten", cx.place("create"), message, "change `mode` or `create`");
        }
        check_lifecycle(cx, side, findings);
    }
}

fn check_lifecycle(cx: &LinkCx<'_>, side: Side, findings: &mut Findings) {
    let other = side.other();
    let writes_other = cx
        .link
        .on_delete
        .of(side)
        .as_ref()
        .is_some_and(|policy| matches!(policy, DeletePolicy::Delete | DeletePolicy::Set(_)))
        || cx
            .link
            .on_leave
            .of(side)
            .as_ref()
            .is_some_and(|policy| matches!(policy, LeavePolicy::Delete | LeavePolicy::Set(_)));
    if writes_other && matches!(cx.link.mode, LinkMode::To(to) if to != other) {
        let message = format!(
            "what happens in {} is to change {}, where the mode writes nothing",
            cx.side_name(side),
            cx.side_name(other)
        );
        findings.error("lifecycle-unwritten", cx.place("lifecycle"), message, "change `mode`, or park");
    }
    let restores = cx.link.on_delete.of(side) == &Some(DeletePolicy::Restore);
    if restores && matches!(cx.link.mode, LinkMode::To(to) if to != side) {
        let message = format!(
            "records of {} are to be restored, but the mode writes nothing there",
            cx.side_name(side)
        );
        findings.error("lifecycle-unwritten", cx.place("lifecycle"), message, "change `mode`, or park");
    }
}

pub(crate) fn check_depth(
    cx: &LinkCx<'_>,
    condition: &Condition,
    key: &'static str,
    findings: &mut Findings,
) {
    if condition.depth() > DEPTH_MAX {
        let message = format!("the condition is nested deeper than {DEPTH_MAX}");
        findings.error("condition-depth", cx.place(key), message, "list values with `in [..]`, or split it");
    }
}

fn matching(cx: &LinkCx<'_>, findings: &mut Findings) -> Option<Vec<MatchLine>> {
    match &cx.link.matching {
        Some(Matching::Nothing) => Some(Vec::new()),
        Some(Matching::Lines(lines)) => {
            if lines.iter().any(|line| line.fields.is_empty()) || lines.is_empty() {
                let help = "name at least one pair of fields, or write `match: none`";
                findings.error("match-empty", cx.place("match"), "a line of `match` compares nothing", help);
            }
            Some(lines.iter().map(|line| in_forms(cx, line)).collect())
        }
        None => {
            findings.error(
                "match-missing",
                cx.place("match"),
                "nothing says how existing records find each other",
                "write `match:` with fields that agree, or `match: none` if every record is to be new",
            );
            None
        }
    }
}

/// Fields that a side upper-cases or trims agree in that form: nobody should have to say it twice.
fn in_forms(cx: &LinkCx<'_>, line: &MatchLine) -> MatchLine {
    let field = |field: &MatchField| {
        let forms = Side::BOTH.map(|side| rule::form_of(cx, side, field.field.of(side)));
        let same_when = forms.iter().fold(field.same_when.clone(), |form, more| form.and(more));
        MatchField { field: field.field.clone(), same_when }
    };
    MatchLine { fields: line.fields.iter().map(field).collect() }
}

fn depends_on(cx: &LinkCx<'_>) -> Vec<LinkId> {
    let mut needed: Vec<LinkId> = Vec::new();
    let mut need = |link: &LinkId| {
        // A record that refers to its own entity is ordered within the link, not between links.
        if *link != cx.link.id && !needed.contains(link) {
            needed.push(link.clone());
        }
    };
    for lookup in cx.link.rules.iter().flat_map(lines::lookups) {
        let links: Vec<&LinkId> = match &lookup.via {
            LookupVia::Link(link) => vec![link],
            LookupVia::ByField(_) => Vec::new(),
            LookupVia::AnyOf(links) => links.iter().collect(),
            LookupVia::ByEntity(entities) => entities
                .iter()
                .filter_map(|(_, through)| match through {
                    LookupThrough::Link(link) => Some(link),
                    LookupThrough::Keep | LookupThrough::Null => None,
                })
                .collect(),
        };
        links.into_iter().for_each(&mut need);
    }
    cx.link.rules.iter().flat_map(money::links).for_each(need);
    needed
}

/// What each side makes of its values: as declared, lists line by line, and what is packed into a text.
fn forms(cx: &LinkCx<'_>, rules: &[group::Placed]) -> Sides<FormSpec> {
    let mut forms = cx.link.forms.clone();
    for side in Side::BOTH {
        for (_, rule, compiled) in rules {
            let of_rule = rule.fields.of(side).iter().cloned().zip(compiled.forms.of(side).iter().cloned());
            forms
                .of_mut(side)
                .fields
                .extend(of_rule.filter(|(_, form)| form.selects() || compiled.carrier.of_lines().is_some()));
        }
    }
    forms
}

/// Two rules that write one field would quarrel over it in every run.
fn check_writers(cx: &LinkCx<'_>, findings: &mut Findings) {
    for to in Side::BOTH {
        let mut writers: Vec<(&FieldName, usize)> = Vec::new();
        for (at, declared) in cx.link.rules.iter().enumerate() {
            if !declared.writes(to) {
                continue;
            }
            for field in declared.fields.of(to) {
                let Some((_, first)) = writers.iter().find(|(known, _)| *known == field) else {
                    writers.push((field, at));
                    continue;
                };
                let conditional = |rule: usize| {
                    let rule = cx.link.rules.get(rule);
                    rule.is_some_and(|rule| *rule.when.of(to.other()) != Condition::Always)
                };
                if *first == at || (conditional(*first) && conditional(at)) {
                    continue;
                }
                let other = cx.link.rules.get(*first).map(|rule| rule.stable_id().to_string());
                findings.error(
                    "two-writers",
                    cx.rule_place(at, None),
                    format!(
                        "{field} of {} is written by rule {} too",
                        cx.side_name(to),
                        other.unwrap_or_default()
                    ),
                    "let one of them write it, make one of them one-way, or give both a `when`",
                );
            }
        }
    }
}

/// The fields that lifecycle policies set on a side, with their values.
pub(crate) fn lifecycle_sets<'a>(cx: &LinkCx<'a>, on: Side) -> Vec<&'a (FieldName, Value)> {
    let from = on.other();
    let mut sets = Vec::new();
    if let Some(DeletePolicy::Set(fields)) = cx.link.on_delete.of(from) {
        sets.extend(fields);
    }
    if let Some(LeavePolicy::Set(fields)) = cx.link.on_leave.of(from) {
        sets.extend(fields);
    }
    sets
}
