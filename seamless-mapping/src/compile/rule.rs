//! One rule: types and kinds brought together, what cannot be inverted refused, and its digest.

use std::sync::Arc;

use seamless_core::mapper::{
    ConflictPolicy, Direction, DriftPolicy, FirstLinkPolicy, LinkMode, Rule, RuleKind,
};
use seamless_core::model::{CanonicalForm, Condition, FieldName, Fingerprint, Normaliser, Side, Sides};
use serde::Serialize;

use super::{LinkCx, embed, fingerprint, fit, lines, lookup, money, pack, paths, scope};
use crate::declaration::{
    CopyDecl, JoinDecl, KindDecl, OptionKey, OptionRow, OptionsDecl, RoundDecl, RuleDecl, TooLong, TypeDecl,
    UnknownPolicy,
};
use crate::expression::Expression;
use crate::finding::Findings;
use crate::link_mapper::CompiledRule;
use crate::rules::Carrier;
use crate::rules::constant::Constant;
use crate::rules::convert;
use crate::rules::copy::Copy;
use crate::rules::custom::Custom;
use crate::rules::expression::{Placed, Worked};
use crate::rules::generated::Generated;
use crate::rules::join::Join;
use crate::rules::options::{Options, ROWS_MAX};

/// A rule being compiled.
pub(super) struct RuleCx<'a, 'b> {
    pub(super) cx: &'a LinkCx<'b>,
    pub(super) at: usize,
    pub(super) declared: &'a RuleDecl,
    pub(super) direction: Direction,
    pub(super) types: Sides<Option<TypeDecl>>,
}

impl RuleCx<'_, '_> {
    pub(super) fn error(
        &self,
        findings: &mut Findings,
        code: &'static str,
        key: &'static str,
        message: String,
        help: &str,
    ) {
        findings.error(code, self.cx.rule_place(self.at, Some(key)), message, help);
    }

    pub(super) fn two_way(&self) -> bool {
        self.direction == Direction::TwoWay
    }
}

/// Checks a rule. `None` where it was refused.
pub(crate) fn compile(
    cx: &LinkCx<'_>,
    at: usize,
    declared: &RuleDecl,
    findings: &mut Findings,
) -> Option<(Rule, CompiledRule)> {
    let errors = findings.list.len();
    let direction = narrowed(cx, at, declared, findings);
    let types = fit::types(cx, at, declared, findings);
    let rcx = RuleCx { cx, at, declared, direction, types };
    check_policies(&rcx, findings);
    let mut same_when = declared.same_when.clone();
    let mut kind = declared.kind.clone();
    let mut of_kind = None;
    let mut when = declared.when.clone();
    let mut digests = Vec::new();
    let carrier: Arc<dyn Carrier> = match &mut kind {
        KindDecl::Copy(copy) => copy_rule(&rcx, copy, &mut same_when, findings)?,
        KindDecl::Const(value) => {
            let (to, count) = match (declared.fields.left.as_slice(), declared.fields.right.as_slice()) {
                ([], fields) => (Side::Right, fields.len()),
                (fields, []) => (Side::Left, fields.len()),
                _ => (Side::Right, 0),
            };
            if count != 1 || declared.direction != Direction::To(to) {
                let message = "a constant goes to one field of one side".to_owned();
                rcx.error(findings, "const-fields", "const", message, "write `const VALUE -> Field`");
                return None;
            }
            if let Some(kind) = *types.of(to) {
                *value = match scope::record_of_key(cx, to, declared.fields.of(to), value) {
                    Some(record) => record,
                    None => literal(&rcx, value, kind, "const", findings)?,
                };
            }
            Arc::new(Constant { to, value: value.clone() })
        }
        KindDecl::Options(options) => options_rule(&rcx, options, findings)?,
        KindDecl::Join(join) => join_rule(&rcx, join, findings)?,
        KindDecl::Pack(declared_pack) => {
            let compiled = pack::compile(&rcx, declared_pack, findings)?;
            of_kind = Some(compiled.forms);
            compiled.carrier
        }
        KindDecl::Lookup(lookup) => lookup::compile(&rcx, lookup, findings)?,
        KindDecl::Expression(expressions) => expression_rule(&rcx, expressions, findings)?,
        KindDecl::Lines(declared_lines) => {
            let compiled = lines::compile(cx, at, declared, declared_lines, direction, findings)?;
            of_kind = Some(compiled.forms.map(|form| vec![form]));
            digests = compiled.digests;
            compiled.carrier
        }
        KindDecl::Money(declared_money) => money::compile(&rcx, declared_money, findings)?,
        KindDecl::Compare(compare) => money::compare(&rcx, compare, findings)?,
        KindDecl::Generated(issuer) => generated_rule(&rcx, *issuer, findings)?,
        KindDecl::Embed(declared_embed) => {
            let compiled = embed::compile(&rcx, declared_embed, findings)?;
            when = embed::applies(declared, declared_embed, compiled.carrier.list);
            of_kind = Some(compiled.forms);
            digests = compiled.digests;
            compiled.carrier
        }
        KindDecl::Custom(name) => custom_rule(&rcx, name, findings)?,
    };
    for to in Side::BOTH {
        if direction.allows(to) && !carrier.carries(to) {
            not_carried(&rcx, to, findings);
        }
    }
    if findings.list.iter().skip(errors).any(crate::finding::Finding::is_error) {
        return None;
    }
    let digest = digest(&rcx, &kind, &same_when, &digests);
    let forms = of_kind.unwrap_or_else(|| forms(cx, declared, &same_when));
    let rule = Rule {
        id: declared.stable_id(),
        fields: declared.fields.clone(),
        kind: match direction {
            _ if carrier.is_identity() => RuleKind::Copy,
            Direction::To(to) if carrier.follows(to) => RuleKind::Followed,
            _ => RuleKind::Computed,
        },
        direction,
        on: declared.on,
        same_when,
        when,
        // The policies are those of the rule's group, which is known when all rules are.
        on_conflict: ConflictPolicy::Park,
        first_link: FirstLinkPolicy::Park,
        on_drift: DriftPolicy::Park,
        lossless: carrier.lossless(),
        digest,
    };
    Some((rule, CompiledRule { carrier, forms, types }))
}

/// A two-way rule in a link that writes one side only is a one-way rule, so that an edit there counts as drift.
fn narrowed(cx: &LinkCx<'_>, at: usize, declared: &RuleDecl, findings: &mut Findings) -> Direction {
    match (cx.link.mode, declared.direction) {
        (LinkMode::To(side), Direction::TwoWay) => Direction::To(side),
        (LinkMode::To(side), Direction::To(to)) if side != to => {
            let message = format!("the rule writes {}, the link does not", cx.side_name(to));
            findings.warning(
                "never-written",
                cx.rule_place(at, Some("flow")),
                message,
                "change `mode` or the arrow",
            );
            declared.direction
        }
        (_, direction) => direction,
    }
}

/// When two values of each field of a rule count as the same: the rule's equivalence and the side's form.
fn forms(cx: &LinkCx<'_>, declared: &RuleDecl, same_when: &CanonicalForm) -> Sides<Vec<CanonicalForm>> {
    Sides::new(Side::Left, Side::Right).map(|side| {
        let fields = declared.fields.of(side).iter();
        fields.map(|field| same_when.and(&form_of(cx, side, field))).collect()
    })
}

/// What a side makes of the values of a field.
pub(crate) fn form_of(cx: &LinkCx<'_>, side: Side, field: &FieldName) -> CanonicalForm {
    let declared = cx.link.forms.of(side).fields.iter().filter(|(name, _)| name == field);
    declared.fold(CanonicalForm::exact(), |form, (_, more)| form.and(more))
}

fn check_policies(rcx: &RuleCx<'_, '_>, findings: &mut Findings) {
    let policy = rcx.declared.on_conflict.as_ref().or(rcx.cx.link.on_conflict.as_ref());
    if let Some(ConflictPolicy::Custom(name)) = policy
        && !rcx.cx.options.functions.conflict_names().any(|known| known == name)
    {
        let known: Vec<&str> = rcx.cx.options.functions.conflict_names().collect();
        let message = format!("no conflict function is called {name}");
        rcx.error(findings, "unknown-function", "on_conflict", message, &registered(name, &known));
    }
    for side in Side::BOTH {
        super::link::check_depth(rcx.cx, rcx.declared.when.of(side), "rules", findings);
    }
}

fn registered(name: &str, known: &[&str]) -> String {
    use seamless_core::document::did_you_mean;
    did_you_mean(name, known.iter().copied()).unwrap_or_else(|| match known {
        [] => "the host registers functions when it loads the mapping; it registered none".to_owned(),
        known => format!("the host registered {}", known.join(", ")),
    })
}

fn not_carried(rcx: &RuleCx<'_, '_>, to: Side, findings: &mut Findings) {
    let to = rcx.cx.side_name(to);
    let (message, help) = match &rcx.declared.kind {
        KindDecl::Join(_) => (
            format!("nothing says how the whole is taken apart for {to}"),
            "add `split: at_first` or `split: at_last`, or make the rule one-way",
        ),
        KindDecl::Options(_) => {
            (format!("no line of the table leads to {to}"), "write some with `<->`, or make the rule one-way")
        }
        KindDecl::Expression(_) => (
            format!("nothing says how the value of {to} is worked out"),
            "write an expression for each side, or make the rule one-way",
        ),
        KindDecl::Custom(name) => (
            format!("the function {name} does not carry to {to}"),
            "register its reverse, or make the rule one-way",
        ),
        _ => (format!("the rule cannot carry to {to}"), "make it one-way"),
    };
    rcx.error(findings, "not-invertible", "flow", message, help);
}

pub(super) fn one_each(rcx: &RuleCx<'_, '_>, what: &str, findings: &mut Findings) -> Option<()> {
    if rcx.declared.fields.left.len() == 1 && rcx.declared.fields.right.len() == 1 {
        return Some(());
    }
    let message = format!("{what} has one field on each side");
    let help = "join several fields with `join`, or write a rule for each";
    rcx.error(findings, "field-count", "fields", message, help);
    None
}

/// A literal as the kind that the field holds.
fn literal(
    rcx: &RuleCx<'_, '_>,
    value: &seamless_core::model::Value,
    kind: TypeDecl,
    key: &'static str,
    findings: &mut Findings,
) -> Option<seamless_core::model::Value> {
    let made = convert::literal_as(value, kind);
    if made.is_none() && kind != TypeDecl::Reference {
        let message = format!("{value} is a {}, the field holds {}", value.kind(), kind.name());
        rcx.error(findings, "literal-kind", key, message, "write a value of that type");
        return None;
    }
    made.or_else(|| Some(value.clone()))
}

fn copy_rule(
    rcx: &RuleCx<'_, '_>,
    copy: &mut CopyDecl,
    same_when: &mut CanonicalForm,
    findings: &mut Findings,
) -> Option<Arc<dyn Carrier>> {
    one_each(rcx, "a copying rule", findings)?;
    copying(rcx, copy, same_when, findings).map(|copy| Arc::new(copy) as Arc<dyn Carrier>)
}

fn copying(
    rcx: &RuleCx<'_, '_>,
    copy: &mut CopyDecl,
    same_when: &mut CanonicalForm,
    findings: &mut Findings,
) -> Option<Copy> {
    let types = rcx.types;
    if [types.left, types.right].contains(&Some(TypeDecl::Reference)) {
        let message = "a reference means nothing to the other system".to_owned();
        let help = "translate it through the pairs of a link: `lookup: LINK`";
        rcx.error(findings, "reference-copy", "types", message, help);
        return None;
    }
    for side in Side::BOTH {
        if let (Some(value), Some(kind)) = (copy.default.of(side).clone(), *types.of(side)) {
            *copy.default.of_mut(side) = Some(literal(rcx, &value, kind, "default", findings)?);
        }
        if let Some(format) = copy.format.of(side) {
            let text = matches!(types.of(side), Some(TypeDecl::Text { .. }));
            let time = matches!(
                types.of(side.other()),
                Some(TypeDecl::Date | TypeDecl::Time | TypeDecl::LocalDateTime | TypeDecl::Instant)
            );
            if !text || !time || !convert::format_is_valid(format) {
                let message = format!("`format` of {} cannot be used", rcx.cx.side_name(side));
                let help = "a format like %d.%m.%Y stands for a side whose type is text, and whose other side is a \
                            date or time";
                rcx.error(findings, "format", "format", message, help);
            }
        }
    }
    if let (Some(left), Some(right)) = (types.left, types.right) {
        for to in Side::BOTH {
            let (from, into) = if to == Side::Right { (left, right) } else { (right, left) };
            if rcx.direction.allows(to) && !convert::possible(from, into) {
                let message = format!("{} cannot become {}", from.name(), into.name());
                let help = "correct `types`, or map the fields with `options`, `lookup` or a function";
                rcx.error(findings, "type-mismatch", "types", message, help);
            }
        }
    }
    add_lossy_equivalence(rcx, copy, same_when, findings);
    let empty_is_null = forms(rcx.cx, rcx.declared, same_when)
        .map(|forms| forms.iter().any(|form| form.steps().contains(&Normaliser::EmptyIsNull)));
    let choices = fit::choices(rcx.cx, rcx.declared);
    Some(Copy { types, declared: copy.clone(), two_way: rcx.two_way(), empty_is_null, choices })
}

fn generated_rule(rcx: &RuleCx<'_, '_>, issuer: Side, findings: &mut Findings) -> Option<Arc<dyn Carrier>> {
    one_each(rcx, "a key that a side issues", findings)?;
    if rcx.declared.direction == Direction::To(issuer) {
        let message = format!("{} issues it, and the rule carries it there only", rcx.cx.side_name(issuer));
        let help = "write `<->`, or turn the arrow around";
        rcx.error(findings, "generated-way", "generated", message, help);
        return None;
    }
    let mut same_when = rcx.declared.same_when.clone();
    let copy = copying(rcx, &mut CopyDecl::default(), &mut same_when, findings)?;
    Some(Arc::new(Generated { issuer, copy }))
}

/// What is cut or rounded counts as the same as what it was, otherwise it would be written for ever.
fn add_lossy_equivalence(
    rcx: &RuleCx<'_, '_>,
    copy: &CopyDecl,
    same_when: &mut CanonicalForm,
    findings: &mut Findings,
) {
    let written = |side: &Side| rcx.direction.allows(*side);
    if copy.too_long == TooLong::Truncate {
        let length = |side: Side| match rcx.types.of(side) {
            Some(TypeDecl::Text { length_max }) => *length_max,
            _ => None,
        };
        match Side::BOTH.into_iter().filter(written).filter_map(length).min() {
            Some(length) => *same_when = same_when.and(&CanonicalForm::new([Normaliser::Truncated(length)])),
            None => {
                let message = "nothing says how long the text may be".to_owned();
                let help = "declare it: `types: { side: text(50) }`, or compile with schemas";
                rcx.error(findings, "truncate-length", "too_long", message, help);
            }
        }
    }
    if let Some(round) = copy.round {
        let scale = |side: Side| match rcx.types.of(side) {
            Some(TypeDecl::Decimal { scale, .. }) => *scale,
            _ => None,
        };
        match Side::BOTH.into_iter().filter(written).filter_map(scale).min() {
            // The equivalence rounds half up: for other ways the rule carries and compares what comes out.
            Some(_) if round != RoundDecl::HalfUp => {}
            Some(scale) => {
                let scale = u8::try_from(scale).unwrap_or(u8::MAX);
                *same_when = same_when.and(&CanonicalForm::new([Normaliser::Scale(scale)]));
            }
            None => {
                let message = "nothing says how many digits there may be".to_owned();
                let help = "declare it: `types: { side: decimal(18, 2) }`, or compile with schemas";
                rcx.error(findings, "round-scale", "round", message, help);
            }
        }
    }
}

fn options_rule(
    rcx: &RuleCx<'_, '_>,
    options: &mut OptionsDecl,
    findings: &mut Findings,
) -> Option<Arc<dyn Carrier>> {
    let counts = rcx.declared.fields.as_ref().map(Vec::len);
    if options.rows.is_empty() || counts.left == 0 || counts.right == 0 {
        let help = "write lines such as `1 <-> 30D`";
        rcx.error(findings, "options-empty", "options", "the table has no lines".to_owned(), help);
        return None;
    }
    if options.rows.len() > ROWS_MAX {
        let message =
            format!("the table has {} lines, at most {ROWS_MAX} are looked through", options.rows.len());
        let help = "give the values a link of their own, and carry them with a `lookup`";
        rcx.error(findings, "too-many-options", "options", message, help);
        return None;
    }
    for row in &mut options.rows {
        for side in Side::BOTH {
            let keys = row.values.of_mut(side);
            if keys.len() != *counts.of(side) {
                let message = format!("a line has {} values for {} fields", keys.len(), counts.of(side));
                rcx.error(findings, "options-width", "options", message, "give one value per field");
                return None;
            }
            let Some(kind) = *rcx.types.of(side) else { continue };
            for key in keys {
                if let OptionKey::Is(value) = key {
                    *value = literal(rcx, value, kind, "options", findings)?;
                }
            }
        }
    }
    for side in Side::BOTH {
        check_unknown(rcx, options, side, findings);
        check_unambiguous(rcx, options, side, "options", findings);
    }
    Some(Arc::new(Options::new(options, forms(rcx.cx, rcx.declared, &rcx.declared.same_when))))
}

fn check_unknown(rcx: &RuleCx<'_, '_>, options: &mut OptionsDecl, side: Side, findings: &mut Findings) {
    let UnknownPolicy::Use(value) = options.unknown.of_mut(side) else { return };
    if rcx.declared.fields.of(side).len() != 1 {
        let message = "`unknown: use` stands for one field, the rule has several".to_owned();
        rcx.error(findings, "unknown-use", "unknown", message, "park, or keep");
    } else if let Some(kind) = *rcx.types.of(side)
        && let Some(made) = literal(rcx, value, kind, "unknown", findings)
    {
        *value = made;
    }
}

/// Away from a value there must be one way only; that line is the representative.
pub(super) fn check_unambiguous(
    rcx: &RuleCx<'_, '_>,
    options: &OptionsDecl,
    from: Side,
    key: &'static str,
    findings: &mut Findings,
) {
    let to = from.other();
    if !rcx.direction.allows(to) {
        return;
    }
    let shown = |keys: &[OptionKey]| keys.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    // The table of an option set is compared as its fields are; the codes of an amount are not its first field.
    let forms = match rcx.declared.kind {
        KindDecl::Options(_) => forms(rcx.cx, rcx.declared, &rcx.declared.same_when),
        _ => Sides::new(Side::Left, Side::Right).map(|_| vec![rcx.declared.same_when.clone()]),
    };
    let leading: Vec<_> = options.rows.iter().filter(|row| row.direction.allows(to)).collect();
    for (at, row) in leading.iter().enumerate() {
        let keys = row.values.of(from);
        let same = |earlier: &&&OptionRow| {
            let earlier = earlier.values.of(from);
            earlier.iter().zip(keys).zip(forms.of(from)).all(|((a, b), form)| match (a, b) {
                (OptionKey::Is(a), OptionKey::Is(b)) => form.same(a.as_ref(), b.as_ref()),
                (a, b) => a == b,
            })
        };
        let Some(first) = leading.iter().take(at).find(same) else {
            continue;
        };
        let arrow = if to == Side::Left { "->" } else { "<-" };
        let message = format!(
            "{} of {} leads to both {} and {}",
            shown(keys),
            rcx.cx.side_name(from),
            shown(first.values.of(to)),
            shown(row.values.of(to)),
        );
        let help = format!(
            "keep `<->` for the one that it becomes, and write the other as `{} {arrow} {}`",
            shown(&row.values.left),
            shown(&row.values.right)
        );
        rcx.error(findings, "options-ambiguous", key, message, &help);
    }
    for row in options.rows.iter().filter(|row| row.direction == Direction::To(from)) {
        let keys = row.values.of(from);
        if !leading.iter().any(|other| other.values.of(from) == keys) {
            let message = format!("{} of {} leads nowhere", shown(keys), rcx.cx.side_name(from));
            let help = "when somebody chooses it, it parks: write one of its lines with `<->`";
            findings.warning("options-one-way", rcx.cx.rule_place(rcx.at, Some(key)), message, help);
        }
    }
}

fn join_rule(rcx: &RuleCx<'_, '_>, join: &JoinDecl, findings: &mut Findings) -> Option<Arc<dyn Carrier>> {
    let counts = rcx.declared.fields.as_ref().map(Vec::len);
    let (parts, count) = match (counts.left, counts.right) {
        (2.., 1) => (Side::Left, counts.left),
        (1, 2..) => (Side::Right, counts.right),
        _ => {
            let message = "joining takes several fields of one side and one of the other".to_owned();
            rcx.error(findings, "join-fields", "join", message, "write `first + last <-> Name`");
            return None;
        }
    };
    if join.separator.is_empty() && rcx.direction.allows(parts) {
        let message = "without a separator nothing can be taken apart".to_owned();
        rcx.error(findings, "join-separator", "join", message, "name what stands between the parts");
        return None;
    }
    let whole = parts.other();
    let form = match rcx.declared.fields.of(whole).first() {
        Some(field) => rcx.declared.same_when.and(&form_of(rcx.cx, whole, field)),
        None => rcx.declared.same_when.clone(),
    };
    Some(Arc::new(Join { parts, count, declared: join.clone(), form }))
}

fn expression_rule(
    rcx: &RuleCx<'_, '_>,
    expressions: &Sides<Option<Expression>>,
    findings: &mut Findings,
) -> Option<Arc<dyn Carrier>> {
    let mut placed = Sides::new(None, None);
    for to in Side::BOTH {
        let Some(expression) = expressions.of(to) else { continue };
        if !rcx.declared.direction.allows(to) {
            let message = format!("the rule does not write {}", rcx.cx.side_name(to));
            rcx.error(
                findings,
                "expression-unused",
                "expression",
                message,
                "remove the expression, or write `<->`",
            );
            return None;
        }
        if rcx.declared.fields.of(to).len() != 1 {
            let message = format!("an expression makes one field of {}", rcx.cx.side_name(to));
            rcx.error(findings, "expression-fields", "fields", message, "write a rule for each field");
            return None;
        }
        let from = rcx.declared.fields.of(to.other());
        let mut places = Vec::with_capacity(expression.fields().len());
        for field in expression.fields() {
            match from.iter().position(|known| known == field) {
                Some(place) => places.push(place),
                None => {
                    unknown_in_expression(rcx, to.other(), field, findings);
                    return None;
                }
            }
        }
        *placed.of_mut(to) = Some(Placed { expression: expression.clone(), places });
    }
    Some(Arc::new(Worked { to: placed, types: rcx.types }))
}

fn unknown_in_expression(rcx: &RuleCx<'_, '_>, side: Side, field: &FieldName, findings: &mut Findings) {
    use seamless_core::document::did_you_mean;
    let names = rcx.declared.fields.of(side).iter().map(FieldName::as_str);
    let help = did_you_mean(field.as_str(), names).unwrap_or_else(|| {
        "name every field before the arrow, joined by ` + `; a text stands in quotes, and operators have blanks around \
         them"
            .to_owned()
    });
    let message = format!("the rule does not name the field {field} of {}", rcx.cx.side_name(side));
    rcx.error(findings, "expression-field", "expression", message, &help);
}

fn custom_rule(rcx: &RuleCx<'_, '_>, name: &str, findings: &mut Findings) -> Option<Arc<dyn Carrier>> {
    let Some(rule) = rcx.cx.options.functions.rule_named(name) else {
        let known: Vec<&str> = rcx.cx.options.functions.rule_names().collect();
        let message = format!("no function is called {name}");
        rcx.error(findings, "unknown-function", "custom", message, &registered(name, &known));
        return None;
    };
    let fields = rcx.declared.fields.as_ref().map(Vec::len);
    Some(Arc::new(Custom { rule: Arc::clone(rule), fields }))
}

/// Everything that decides what is carried: a change of it makes bases worthless. Policies and directions are not
/// among it, nor are limits, which only say what does not fit.
#[derive(Serialize)]
struct Decisive<'a> {
    fields: Sides<&'a [FieldName]>,
    kind: &'a KindDecl,
    types: Sides<Option<&'static str>>,
    same_when: &'a CanonicalForm,
    when: &'a Sides<Condition>,
    version: Option<&'a str>,
    #[serde(skip_serializing_if = "<[Fingerprint]>::is_empty")]
    lines: &'a [Fingerprint],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    paths: Vec<String>,
}

fn digest(
    rcx: &RuleCx<'_, '_>,
    kind: &KindDecl,
    same_when: &CanonicalForm,
    lines: &[Fingerprint],
) -> Fingerprint {
    // What is said by default is left out, so that a schema that only confirms it changes nothing.
    let decides = |kind_of: TypeDecl| match (kind, rcx.types.left, rcx.types.right) {
        (KindDecl::Copy(_) | KindDecl::Generated(_), Some(left), Some(right)) => !left.same_kind(right),
        (KindDecl::Lookup(_), _, _) => kind_of != TypeDecl::Reference,
        _ => false,
    };
    let version = match kind {
        KindDecl::Custom(name) => rcx.cx.options.functions.rule_named(name).map(|rule| rule.version()),
        _ => None,
    };
    let decisive = Decisive {
        fields: rcx.declared.fields.as_ref().map(Vec::as_slice),
        kind,
        types: rcx.types.map(|kind| kind.filter(|kind| decides(*kind)).map(TypeDecl::name)),
        same_when,
        when: &rcx.declared.when,
        version,
        lines,
        paths: paths::read_by(rcx.cx, rcx.declared),
    };
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"seamless rule 1");
    // Serialising plain data into memory does not fail; if it ever did, the empty text is still a digest.
    hasher.update(&serde_json::to_vec(&decisive).unwrap_or_default());
    fingerprint(&hasher)
}
