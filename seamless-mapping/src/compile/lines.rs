//! A rule over a list of child records: the rules of its lines, compiled as those of a link are.

use std::sync::Arc;

use seamless_core::mapper::{ConflictPolicy, Direction, LinkMode, Mapper, RuleKind};
use seamless_core::model::{
    CanonicalForm, EntityName, FieldKind, FieldName, Fingerprint, LineForm, LinkId, Normaliser, OwnPart,
    Shape, Side, Sides,
};

use super::{CompileOptions, LinkCx, fit, link};
use crate::declaration::{CopyDecl, KindDecl, LinesDecl, LinkDecl, Matching, PathDecl, RuleDecl};
use crate::finding::{Findings, Place};
use crate::link_mapper::LinkMapper;
use crate::rules::lines::Lines;

/// What a rule over lists is made of.
pub(super) struct Compiled {
    pub(super) carrier: Arc<Lines>,
    /// What counts of the list of each side.
    pub(super) forms: Sides<CanonicalForm>,
    /// The digests of the rules of a line.
    pub(super) digests: Vec<Fingerprint>,
}

/// Checks a rule over lists. `None` where it was refused.
pub(super) fn compile(
    cx: &LinkCx<'_>,
    at: usize,
    declared: &RuleDecl,
    lines: &LinesDecl,
    direction: Direction,
    findings: &mut Findings,
) -> Option<Compiled> {
    let entities = entities(cx, at, declared, findings)?;
    check_declared(cx, at, declared, lines, findings)?;
    let link = link_of_lines(cx, declared, lines, direction, &entities);
    let known = Side::BOTH.iter().all(|side| entities.of(*side).is_some());
    let schemas = if known { cx.options.schemas } else { None };
    let options = CompileOptions { functions: cx.options.functions.clone(), schemas };
    let inner = LinkCx { mapping: cx.mapping, options: &options, at: cx.at, link: &link };
    let mut found = Findings::default();
    let mapper = link::compile(&inner, &mut found);
    for mut finding in found.list {
        finding.place = placed(cx, at, finding.place);
        findings.list.push(finding);
    }
    let mapper = mapper?;
    if mapper.rules().len() != link.rules.len() {
        return None;
    }
    if mapper.rules().iter().any(|rule| rule.kind == RuleKind::Followed) {
        let message =
            "a rule of a line reads a value through a reference: nobody would notice that it changed";
        let help = "name it in `paths`, below the field that holds the lines, or carry the reference with `lookup: LINK`";
        findings.error("lookup-in-line", cx.rule_place(at, Some("rules")), message, help);
        return None;
    }
    let Some(shapes) = shapes(&mapper) else {
        let message = "a line has more fields than a record can have";
        findings.error("too-many-rules", cx.rule_place(at, Some("rules")), message, "map fewer of them");
        return None;
    };
    let forms = Sides::new(
        Arc::new(line_form(&mapper, lines, Side::Left)?),
        Arc::new(line_form(&mapper, lines, Side::Right)?),
    );
    let digests = mapper.rules().iter().map(|rule| rule.digest).collect();
    let of_list = |form: &Arc<LineForm>| CanonicalForm::new([Normaliser::Lines(Arc::clone(form))]);
    Some(Compiled {
        forms: forms.as_ref().map(of_list),
        carrier: Arc::new(Lines { mapper, forms, shapes }),
        digests,
    })
}

/// The links that the look-ups of a rule go through, those of its lines among them.
pub(crate) fn lookups(declared: &RuleDecl) -> Vec<&crate::declaration::LookupDecl> {
    match &declared.kind {
        KindDecl::Lookup(lookup) => vec![lookup],
        KindDecl::Lines(lines) => lines.rules.iter().flat_map(lookups).collect(),
        KindDecl::Embed(embed) => embed.rules.iter().flat_map(lookups).collect(),
        _ => Vec::new(),
    }
}

/// The entities of the lines, where schemas say them.
fn entities(
    cx: &LinkCx<'_>,
    at: usize,
    declared: &RuleDecl,
    findings: &mut Findings,
) -> Option<Sides<Option<EntityName>>> {
    let mut entities = Sides::new(None, None);
    for side in Side::BOTH {
        let [_] = declared.fields.of(side).as_slice() else {
            let message = "a list has one field on each side".to_owned();
            findings.error(
                "field-count",
                cx.rule_place(at, Some("fields")),
                message,
                "write a rule for each list",
            );
            return None;
        };
        match fit::first_field(cx, declared, side).map(|field| (&field.name, &field.kind)) {
            Some((_, FieldKind::List { entity })) => *entities.of_mut(side) = Some(entity.clone()),
            Some((name, _)) => {
                let message = format!("{name} of {} holds no list of records", cx.side_name(side));
                let help = "leave `key` and `rules` out, or name the field that holds the lines";
                findings.error("no-list", cx.rule_place(at, Some("rules")), message, help);
                return None;
            }
            None => {}
        }
    }
    Some(entities)
}

fn check_declared(
    cx: &LinkCx<'_>,
    at: usize,
    declared: &RuleDecl,
    lines: &LinesDecl,
    findings: &mut Findings,
) -> Option<()> {
    let errors = findings.list.len();
    let of_values = [
        ("same_when", !declared.same_when.is_exact()),
        ("types", declared.types.left.is_some() || declared.types.right.is_some()),
    ];
    for (key, _) in of_values.iter().filter(|(_, said)| *said) {
        let message = format!("`{key}` says nothing of a list");
        findings.error(
            "lines-values",
            cx.rule_place(at, Some(key)),
            message,
            "say it in the rules of its lines",
        );
    }
    for (line, rule) in lines.rules.iter().enumerate() {
        let place = Place { line: Some(line), ..cx.rule_place(at, None) };
        if matches!(rule.kind, KindDecl::Lines(_) | KindDecl::Embed(_)) {
            let help = "give the inner records a link of their own";
            findings.error("lines-of-lines", place, "lines have no lines of their own".to_owned(), help);
        } else if rule.first_link.is_some() || rule.on_drift.is_some() {
            let help = "say it beside `key`: the list is decided and written as one";
            let message = "a rule of a line has no policy of its own for first links and drift".to_owned();
            findings.error("lines-policy", place, message, help);
        } else if rule.on_conflict.is_some() {
            check_own(cx, declared, lines, rule, place, findings);
        }
    }
    (findings.list.len() == errors).then_some(())
}

/// A rule of a line with a policy of its own: only where lines are merged, and not for what tells them apart.
fn check_own(
    cx: &LinkCx<'_>,
    declared: &RuleDecl,
    lines: &LinesDecl,
    rule: &RuleDecl,
    place: Place,
    findings: &mut Findings,
) {
    let shares = |other: &RuleDecl| {
        let field =
            |side: &Side| other.fields.of(*side).iter().any(|field| rule.fields.of(*side).contains(field));
        Side::BOTH.iter().any(field)
    };
    let is_key =
        |key: &Sides<FieldName>| Side::BOTH.iter().any(|side| rule.fields.of(*side).contains(key.of(*side)));
    let list = declared.on_conflict.as_ref().or(cx.link.on_conflict.as_ref());
    let (message, help) = match &rule.on_conflict {
        Some(ConflictPolicy::Park | ConflictPolicy::Take(_)) if list != Some(&ConflictPolicy::Merge) => (
            "a rule of a line has a policy of its own only where lines are merged",
            "say `on_conflict: merge` beside `key`",
        ),
        Some(ConflictPolicy::Park | ConflictPolicy::Take(_)) if lines.key.iter().any(is_key) => (
            "what tells lines apart has no policy of its own",
            "leave the policy out: lines with other keys are other lines",
        ),
        Some(ConflictPolicy::Park | ConflictPolicy::Take(_))
            if lines.rules.iter().any(|other| shares(other) && other.on_conflict != rule.on_conflict) =>
        {
            (
                "it shares a field with a rule that says another `on_conflict`",
                "rules that share a field are decided together: give them the same",
            )
        }
        Some(ConflictPolicy::Park | ConflictPolicy::Take(_)) => return,
        _ => (
            "a line knows no time and no function of its own",
            "say `park` or `take_SIDE` for a rule of a line",
        ),
    };
    findings.error("lines-policy", place, message.to_owned(), help);
}

/// The parts of a line that are decided by themselves; rules that share a field are one part.
fn own_parts(rules: &[RuleDecl], side: Side) -> Vec<OwnPart> {
    let mut parts: Vec<(Vec<usize>, OwnPart)> = Vec::new();
    for (at, rule) in rules.iter().enumerate() {
        let take = match &rule.on_conflict {
            Some(ConflictPolicy::Take(side)) => Some(*side),
            Some(ConflictPolicy::Park) => None,
            _ => continue,
        };
        let shares = |other: &usize| {
            let other = rules.get(*other);
            other.is_some_and(|other| {
                Side::BOTH.iter().any(|side| {
                    other.fields.of(*side).iter().any(|field| rule.fields.of(*side).contains(field))
                })
            })
        };
        let fields = rule.fields.of(side).iter().cloned();
        match parts.iter_mut().find(|(members, _)| members.iter().any(shares)) {
            Some((members, part)) => {
                members.push(at);
                part.fields.extend(fields);
            }
            None => parts.push((vec![at], OwnPart { fields: fields.collect(), take })),
        }
    }
    parts.into_iter().map(|(_, part)| part).collect()
}

fn link_of_lines(
    cx: &LinkCx<'_>,
    declared: &RuleDecl,
    lines: &LinesDecl,
    direction: Direction,
    entities: &Sides<Option<EntityName>>,
) -> LinkDecl {
    let id = LinkId::from(format!("{}, rule {}", cx.link.id, declared.stable_id()));
    // Without a schema nothing asks what the lines are called.
    let entity = |side: Side| entities.of(side).clone().unwrap_or_else(|| "line".into());
    let mut link = LinkDecl::new(id, entity(Side::Left), entity(Side::Right));
    link.mode = match direction {
        Direction::TwoWay => LinkMode::TwoWay,
        Direction::To(side) => LinkMode::To(side),
    };
    link.matching = Some(Matching::Nothing);
    link.sweep_every = cx.link.sweep_every;
    for side in Side::BOTH {
        let list = declared.fields.of(side).first();
        let of_list =
            cx.link.paths.of(side).iter().filter(|path| path.list.is_some() && path.list.as_ref() == list);
        *link.paths.of_mut(side) = of_list.map(|path| PathDecl { list: None, ..path.clone() }).collect();
    }
    link.rules.clone_from(&lines.rules);
    for key in &lines.key {
        let carries = |rule: &RuleDecl| {
            Side::BOTH
                .iter()
                .all(|side| rule.fields.of(*side).as_slice() == std::slice::from_ref(key.of(*side)))
        };
        // What tells lines apart is carried, unless a rule says how.
        if !link.rules.iter().any(carries) {
            let kind = KindDecl::Copy(CopyDecl::default());
            link.rules.push(RuleDecl::new(kind, vec![key.left.clone()], vec![key.right.clone()]));
        }
    }
    link
}

/// The link that the rules of a line are checked as, where schemas say what the lines are.
pub(crate) fn inner_link(
    cx: &LinkCx<'_>,
    at: usize,
    declared: &RuleDecl,
    lines: &LinesDecl,
) -> Option<LinkDecl> {
    let entities = entities(cx, at, declared, &mut Findings::default())?;
    entities.left.as_ref().zip(entities.right.as_ref())?;
    Some(link_of_lines(cx, declared, lines, declared.direction, &entities))
}

/// The place of a finding about the rules of a line.
pub(crate) fn placed(cx: &LinkCx<'_>, at: usize, inner: Place) -> Place {
    let outer = cx.rule_place(at, Some("rules"));
    Place {
        key: inner.key.filter(|_| inner.rule.is_some()).or(outer.key),
        line: inner.rule,
        words: inner.words,
        ..outer
    }
}

/// The fields that the rules of a line read and write, and their conditions.
pub(super) fn fields(mapper: &LinkMapper, side: Side) -> Vec<(FieldName, CanonicalForm)> {
    let mut fields = Vec::new();
    for (at, rule) in mapper.rules().iter().enumerate() {
        let forms = mapper.forms_of(at, side);
        fields.extend(rule.fields.of(side).iter().cloned().zip(forms.iter().cloned()));
        fields.extend(rule.when.of(side).fields().into_iter().map(|field| (field, CanonicalForm::exact())));
    }
    fields
}

fn shapes(mapper: &LinkMapper) -> Option<Sides<Arc<Shape>>> {
    let shape = |side: Side| {
        let mut names: Vec<FieldName> = Vec::new();
        for (name, _) in fields(mapper, side) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        Shape::new(names).ok()
    };
    Some(Sides::new(shape(Side::Left)?, shape(Side::Right)?))
}

fn line_form(mapper: &LinkMapper, lines: &LinesDecl, side: Side) -> Option<LineForm> {
    let form = LineForm::new(lines.key.iter().map(|key| key.of(side).clone()), fields(mapper, side)).ok()?;
    Some(form.with_own(own_parts(&lines.rules, side)))
}
