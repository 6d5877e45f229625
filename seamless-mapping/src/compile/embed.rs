//! A rule that embeds one row of a list in fields of the other side's record: which side holds the list, the rules between
//! fields and row, and whether a row that is made would be the one that is meant.

use std::sync::Arc;

use seamless_core::mapper::{Direction, LinkMode, Mapper};
use seamless_core::model::{
    CanonicalForm, Condition, EntityName, FieldKind, FieldName, Fingerprint, Normaliser, Presence, Record,
    RowForm, Shape, Side, Sides, Truth, Value,
};

use super::lines::{fields, placed};
use super::rule::RuleCx;
use super::{CompileOptions, LinkCx, fit, link};
use crate::declaration::{CopyDecl, EmbedDecl, IfBlank, KindDecl, LinkDecl, Matching, RuleDecl, TypeDecl};
use crate::finding::{Findings, Place};
use crate::rules::convert;
use crate::rules::embed::Embed;
use crate::rules::widened;

/// A compiled rule that embeds.
pub(super) struct Compiled {
    pub(super) carrier: Arc<Embed>,
    pub(super) forms: Sides<Vec<CanonicalForm>>,
    /// The digests of the rules of the row.
    pub(super) digests: Vec<Fingerprint>,
}

/// Checks a rule that embeds. `None` where it was refused.
pub(super) fn compile(rcx: &RuleCx<'_, '_>, embed: &EmbedDecl, findings: &mut Findings) -> Option<Compiled> {
    let (cx, declared) = (rcx.cx, rcx.declared);
    let list = side_of_list(rcx, embed, findings)?;
    let (inline, writes_list) = (list.other(), rcx.direction.allows(list));
    check_declared(rcx, embed, list, findings)?;
    let entity = entity_of_rows(rcx, list, findings)?;
    let known = entity.is_some() || cx.options.schemas.is_none();
    let rules = rules_of_row(rcx, embed, list, findings)?;
    let link = link_of_row(cx, declared, rules, rcx.direction, list, entity.clone());
    let schemas = if known { cx.options.schemas } else { None };
    let options = CompileOptions { functions: cx.options.functions.clone(), schemas };
    let inner = LinkCx { mapping: cx.mapping, options: &options, at: cx.at, link: &link };
    let mut found = Findings::default();
    let mapper = link::compile(&inner, &mut found);
    for mut finding in found.list {
        finding.place = placed(cx, rcx.at, finding.place);
        findings.list.push(finding);
    }
    let mapper = mapper.filter(|mapper| mapper.rules().len() == link.rules.len())?;
    let of_row = fields(&mapper, list);
    let mut names: Vec<FieldName> = Vec::new();
    of_row.iter().map(|(name, _)| name).for_each(|name| {
        if !names.contains(name) {
            names.push(name.clone());
        }
    });
    let shape = |names: Vec<FieldName>| Shape::new(names).ok();
    let (row, record) = (shape(names)?, shape(declared.fields.of(inline).clone())?);
    let make = made_values(cx, embed, entity.as_ref(), list);
    if writes_list {
        check_made(rcx, embed, &embed.fields, &make, findings)?;
        check_required(rcx, &link, entity.as_ref(), list, &make, findings);
    }
    let of_field = |field: &FieldName| {
        let forms = fields(&mapper, inline).into_iter().filter(|(name, _)| name == field);
        forms.fold(super::rule::form_of(cx, inline, field), |form, (_, more)| form.and(&more))
    };
    let of_record: Vec<CanonicalForm> = declared.fields.of(inline).iter().map(of_field).collect();
    let form = Arc::new(RowForm {
        condition: embed.condition.clone(),
        several: embed.several.clone(),
        fields: merged(of_row),
    });
    let of_list = vec![CanonicalForm::new([Normaliser::Row(Arc::clone(&form))])];
    let (forms, shapes) = match list {
        Side::Left => (Sides::new(of_list, of_record), Sides::new(row, record)),
        Side::Right => (Sides::new(of_record, of_list), Sides::new(record, row)),
    };
    let digests = mapper.rules().iter().map(|rule| rule.digest).collect();
    let carrier = Arc::new(Embed { list, mapper, form, shapes, make, if_blank: embed.if_blank });
    Some(Compiled { carrier, forms, digests })
}

/// When the rule applies: a row that is left alone when all fields are blank is not written by blank fields.
pub(super) fn applies(declared: &RuleDecl, embed: &EmbedDecl, list: Side) -> Sides<Condition> {
    let mut when = declared.when.clone();
    if embed.if_blank == IfBlank::Leave {
        let inline = list.other();
        let blank = declared.fields.of(inline).iter().cloned().map(Condition::Blank).collect();
        let some = Condition::Not(Box::new(Condition::All(blank)));
        *when.of_mut(inline) = match when.of(inline).clone() {
            Condition::Always => some,
            said => Condition::All(vec![said, some]),
        };
    }
    when
}

/// The side that holds the list: the one that is named, else the one with one field where the other has several.
fn side_of_list(rcx: &RuleCx<'_, '_>, embed: &EmbedDecl, findings: &mut Findings) -> Option<Side> {
    let counts = rcx.declared.fields.as_ref().map(Vec::len);
    let list = match (embed.list, counts.left, counts.right) {
        (Some(side), _, _) => Some(side),
        (None, 1, 2..) => Some(Side::Left),
        (None, 2.., 1) => Some(Side::Right),
        _ => None,
    };
    match list {
        Some(side) if *counts.of(side) == 1 && *counts.of(side.other()) > 0 => Some(side),
        Some(side) => {
            let message = format!("the rows are in one field of {}", rcx.cx.side_name(side));
            rcx.error(findings, "embed-fields", "fields", message, "name the field that holds the list");
            None
        }
        None => {
            let message = "nothing says which side holds the list".to_owned();
            let help = "write `street + city <-> Addresses: { embed: Street + City, .. }`; with one field each, \
                        `embed: { SIDE: Street }`";
            rcx.error(findings, "embed-side", "embed", message, help);
            None
        }
    }
}

fn check_declared(
    rcx: &RuleCx<'_, '_>,
    embed: &EmbedDecl,
    list: Side,
    findings: &mut Findings,
) -> Option<()> {
    let (cx, declared, errors) = (rcx.cx, rcx.declared, findings.list.len());
    let of_values = [
        ("same_when", !declared.same_when.is_exact()),
        ("types", declared.types.left.is_some() || declared.types.right.is_some()),
    ];
    for (key, _) in of_values.iter().filter(|(_, said)| *said) {
        let message = format!("`{key}` says nothing of a row");
        rcx.error(findings, "lines-values", key, message, "say it in `rules`, for the field that is meant");
    }
    super::link::check_depth(cx, &embed.condition, "rules", findings);
    if embed.condition == Condition::Always {
        let help =
            "write `where: Type == billing`, or `where: true` with `several` where one row is all there is";
        if embed.several == seamless_core::model::Several::Park {
            rcx.error(findings, "embed-where", "embed", "nothing says which row it is".to_owned(), help);
        }
    }
    // Each side of the list is written as one value: two rules would write it one over the other.
    let other = cx.link.rules.iter().enumerate().find(|(other, rule)| {
        *other != rcx.at && declared.fields.of(list).iter().any(|field| rule.fields.of(list).contains(field))
    });
    if let (Some((_, other)), Some(field)) = (other, declared.fields.of(list).first()) {
        let message = format!("the rule {} names {field} of {} too", other.stable_id(), cx.side_name(list));
        let help = "a list is named by one rule: give its rows a link of their own, or let the system show each row \
                    that is meant as a field";
        rcx.error(findings, "embed-shared", "fields", message, help);
    }
    for (line, rule) in embed.rules.iter().enumerate() {
        let place = Place { line: Some(line), ..cx.rule_place(rcx.at, None) };
        if matches!(rule.kind, KindDecl::Lines(_) | KindDecl::Embed(_)) {
            let message = "a row has no rows of its own";
            findings.error("lines-of-lines", place, message, "give the inner records a link of their own");
        } else if rule.on_conflict.is_some() || rule.first_link.is_some() || rule.on_drift.is_some() {
            let help = "say it beside `embed`: the row is decided and written as one";
            findings.error("lines-policy", place, "a rule of a row has no policy of its own", help);
        }
    }
    (findings.list.len() == errors).then_some(())
}

/// The entity of the rows, where a schema says it.
fn entity_of_rows(rcx: &RuleCx<'_, '_>, list: Side, findings: &mut Findings) -> Option<Option<EntityName>> {
    match fit::first_field(rcx.cx, rcx.declared, list).map(|field| (&field.name, &field.kind)) {
        Some((_, FieldKind::List { entity })) => Some(Some(entity.clone())),
        Some((name, _)) => {
            let message = format!("{name} of {} holds no list of records", rcx.cx.side_name(list));
            rcx.error(findings, "no-list", "embed", message, "name the field that holds the rows");
            None
        }
        None => Some(None),
    }
}

/// The declared rules, and a copy for each field that none of them names.
fn rules_of_row(
    rcx: &RuleCx<'_, '_>,
    embed: &EmbedDecl,
    list: Side,
    findings: &mut Findings,
) -> Option<Vec<RuleDecl>> {
    let (inline, errors) = (list.other(), findings.list.len());
    let known = |side: Side| if side == list { &embed.fields } else { rcx.declared.fields.of(inline) };
    for rule in &embed.rules {
        for side in Side::BOTH {
            // A row is read with the list, whatever of it is looked at; of the record only what the rule names is there.
            let conditions = rule.when.of(side).fields();
            let looked_at = conditions.iter().filter(|_| side == inline);
            for field in
                rule.fields.of(side).iter().chain(looked_at).filter(|field| !known(side).contains(field))
            {
                let message =
                    format!("{field} of {} is not among the fields of the rule", rcx.cx.side_name(side));
                let help = if side == list { "name it in `embed`" } else { "name it before the arrow" };
                rcx.error(findings, "embed-field", "rules", message, help);
            }
        }
    }
    let free = |side: Side| -> Vec<&FieldName> {
        let named = |field: &&FieldName| embed.rules.iter().any(|rule| rule.fields.of(side).contains(field));
        known(side).iter().filter(|field| !named(field)).collect()
    };
    let (fields, of_row) = (free(inline), free(list));
    if fields.len() != of_row.len() {
        let message = format!(
            "{} fields for {} of the row, leaving out those that `rules` names",
            fields.len(),
            of_row.len()
        );
        rcx.error(
            findings,
            "embed-width",
            "embed",
            message,
            "name a field of the row for each, in their order",
        );
    }
    if findings.list.len() > errors {
        return None;
    }
    let mut rules = embed.rules.clone();
    for (field, of_row) in fields.into_iter().zip(of_row) {
        let (left, right) = match list {
            Side::Left => (of_row, field),
            Side::Right => (field, of_row),
        };
        rules.push(RuleDecl::new(
            KindDecl::Copy(CopyDecl::default()),
            vec![left.clone()],
            vec![right.clone()],
        ));
    }
    Some(rules)
}

fn link_of_row(
    cx: &LinkCx<'_>,
    declared: &RuleDecl,
    rules: Vec<RuleDecl>,
    direction: Direction,
    list: Side,
    entity: Option<EntityName>,
) -> LinkDecl {
    let id = format!("{}, rule {}", cx.link.id, declared.stable_id());
    // Without a schema nothing asks what the rows are called.
    let rows = entity.unwrap_or_else(|| "row".into());
    let record = cx.link.entity.of(list.other()).clone();
    let (left, right) = if list == Side::Left { (rows, record) } else { (record, rows) };
    let mut link = LinkDecl::new(id, left, right);
    link.mode = match direction {
        Direction::TwoWay => LinkMode::TwoWay,
        Direction::To(side) => LinkMode::To(side),
    };
    link.matching = Some(Matching::Nothing);
    // Nothing is created by itself, so that nothing of the record is asked for here.
    link.create = Some(Sides::new(false, false));
    *link.forms.of_mut(list.other()) = cx.link.forms.of(list.other()).clone();
    link.rules = rules;
    link
}

/// The link that the rules of a row are checked as, where schemas say what the rows are.
pub(crate) fn inner_link(
    cx: &LinkCx<'_>,
    at: usize,
    declared: &RuleDecl,
    embed: &EmbedDecl,
) -> Option<LinkDecl> {
    let types = Sides::new(None, None);
    let rcx = RuleCx { cx, at, declared, direction: declared.direction, types };
    let mut unheard = Findings::default();
    let list = side_of_list(&rcx, embed, &mut unheard)?;
    let entity = entity_of_rows(&rcx, list, &mut unheard)??;
    let rules = rules_of_row(&rcx, embed, list, &mut unheard)?;
    Some(link_of_row(cx, declared, rules, declared.direction, list, Some(entity)))
}

/// What a row that is made holds besides what is carried: what the condition equates, and what the author says.
fn made_values(
    cx: &LinkCx<'_>,
    embed: &EmbedDecl,
    entity: Option<&EntityName>,
    list: Side,
) -> Vec<(FieldName, Value)> {
    let mut made = embed.make.clone();
    for (field, value) in embed.condition.equalities() {
        if !made.iter().any(|(known, _)| *known == field) {
            made.push((field, value));
        }
    }
    let of_rows = entity.and_then(|entity| fit::schema(cx, list)?.entity(entity.as_str()));
    for (field, value) in &mut made {
        let kind = of_rows.and_then(|rows| TypeDecl::of_kind(&rows.field(field.as_str())?.kind));
        if let Some(typed) = kind.and_then(|kind| convert::literal_as(value, kind)) {
            *value = typed;
        }
    }
    made
}

/// A row that is made must be the one that is meant from then on.
fn check_made(
    rcx: &RuleCx<'_, '_>,
    embed: &EmbedDecl,
    carried: &[FieldName],
    make: &[(FieldName, Value)],
    findings: &mut Findings,
) -> Option<()> {
    let moved = embed.condition.fields().into_iter().find(|field| carried.contains(field));
    if let Some(field) = moved {
        let message = format!("the row is chosen by {field}, which the rule writes");
        let help = "choose it by a field that says what the row is for, not by what it holds";
        rcx.error(findings, "embed-moves", "embed", message, help);
        return None;
    }
    if let Some((field, _)) = make.iter().find(|(field, _)| carried.contains(field)) {
        let message = format!("{field} is made with a value and carried as well");
        rcx.error(findings, "embed-moves", "make", message, "leave it out of one of the two");
        return None;
    }
    let nothing = Shape::new(embed.condition.fields()).ok().map(|shape| Record::absent(&shape))?;
    let null =
        nothing.with((0..nothing.shape().len()).map(|slot| (slot, Presence::Value(Value::Null.as_ref()))));
    if embed.condition.holds(&widened(&null, make)) == Truth::In {
        return Some(());
    }
    let message = format!("a row that is made would not be {}", embed.condition);
    let help = "say with `make: { FIELD: VALUE }` what such a row holds, or make the rule one-way";
    rcx.error(findings, "embed-make", "embed", message, help);
    None
}

/// A row that lacks what the system insists on is refused with its whole record.
fn check_required(
    rcx: &RuleCx<'_, '_>,
    link: &LinkDecl,
    entity: Option<&EntityName>,
    list: Side,
    make: &[(FieldName, Value)],
    findings: &mut Findings,
) {
    let Some(rows) = entity.and_then(|entity| fit::schema(rcx.cx, list)?.entity(entity.as_str())) else {
        return;
    };
    for field in &rows.fields {
        let filled = !field.required || field.read_only || field.computed || field.default.is_some();
        let carried = link.rules.iter().any(|rule| rule.fields.of(list).contains(&field.name));
        let made = make.iter().any(|(name, _)| *name == field.name);
        if filled || carried || made {
            continue;
        }
        let message =
            format!("{} of {} must be filled when a row is made, and nothing does", field.name, rows.name);
        let help = format!("say `make: {{ {}: VALUE }}`, or carry it", field.name);
        findings.warning("required-unmapped", rcx.cx.rule_place(rcx.at, Some("make")), message, &help);
    }
}

fn merged(fields: Vec<(FieldName, CanonicalForm)>) -> Vec<(FieldName, CanonicalForm)> {
    let mut known: Vec<(FieldName, CanonicalForm)> = Vec::new();
    for (field, form) in fields {
        match known.iter_mut().find(|(name, _)| *name == field) {
            Some((_, forms)) => *forms = forms.and(&form),
            None => known.push((field, form)),
        }
    }
    known
}
