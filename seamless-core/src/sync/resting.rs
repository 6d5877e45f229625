//! What rests because a system does not have a field any more: a rule, or a whole link where its records could not be
//! told apart, matched or left out without the field. The others go on. Bases stay as they are, and nothing is deleted
//! because of it. One notice says so per field; it ends by itself, and then both sides are read from the start, since
//! their feeds went on without the field. The doors are [`open_notices`], [`are_back`] and [`report`].

use futures::StreamExt;

use crate::connector::ReadQuery;
use crate::mapper::Rule;
use crate::merge::CompiledLink;
use crate::model::{
    Bits, Condition, Error, ErrorKind, FieldName, RecordId, Result, RuleId, Side, Sides, hex,
};
use crate::plan::{
    Attention, AttentionWhy, Basis, Body, Effect, Entry, EntryKey, Feed, ParkReason, Parked, ParkedAs, Rank,
};

use crate::store::{Binding, Scan};

use super::making::{BATCH_ROWS, Making};
use super::pull::Pulled;

/// After the parking of unreadable records.
const PART: u16 = 3000;

/// A notice that is open.
pub(super) struct Notice {
    id: RecordId,
    message: String,
}

/// What the reading of a side came to where the link rests.
#[derive(Clone, Debug)]
pub(super) enum Rest {
    /// A field is missing without which the link cannot be kept in step.
    Field,
    /// The entity cannot be read at all, as it is configured.
    Entity(String),
}

/// Under which name a notice about a field is kept among what is open about records.
fn name_of(field: &FieldName) -> RecordId {
    RecordId::text(&format!("field:{field}"))
}

fn name_of_entity(link: &CompiledLink, side: Side) -> RecordId {
    RecordId::text(&format!("entity:{}", link.spec().entity.of(side)))
}

/// The notices that are open about a link: asked for by name or, where the mapping may not name the field any more, found
/// among everything that is open.
pub(super) async fn open_notices(making: &Making<'_>, link: &CompiledLink) -> Result<Sides<Vec<Notice>>> {
    let mut notices = Sides::<Vec<Notice>>::default();
    let (store, link_id) = (making.store(), &link.spec().id);
    if making.reconfigured {
        let mut after = None;
        loop {
            let page = store.attention(link_id, None, Scan { after, rows_max: BATCH_ROWS }).await?;
            after = page.rows.last().map(|row| (row.side, row.id.clone()));
            for row in page.rows {
                let side = row.side;
                notices.of_mut(side).extend(notice_of(row));
            }
            if !page.more {
                return Ok(notices);
            }
        }
    }
    for side in Side::BOTH {
        let mut ids: Vec<RecordId> = link.shape(side).names().iter().map(name_of).collect();
        ids.push(name_of_entity(link, side));
        let open = store.attention_of(link_id, side, &ids).await?;
        *notices.of_mut(side) = open.into_iter().flatten().filter_map(notice_of).collect();
    }
    Ok(notices)
}

fn notice_of(open: Attention) -> Option<Notice> {
    match open.why {
        AttentionWhy::Parked { reason: ParkedAs::FieldGone, message, .. } => {
            Some(Notice { id: open.id, message })
        }
        _ => None,
    }
}

/// The fields of each side that were missing and are there again. Reads a page of a record of a side with a notice.
pub(super) async fn are_back(
    making: &Making<'_>,
    link: &CompiledLink,
    open: &Sides<Vec<Notice>>,
) -> Result<Sides<Bits>> {
    let mut back = Sides::<Bits>::default();
    for side in Side::BOTH {
        if open.of(side).is_empty() {
            continue;
        }
        let entity = link.spec().entity.of(side);
        let (shape, condition) = (link.shape(side).clone(), Condition::Always);
        let query = ReadQuery { entity: entity.clone(), shape, condition, after: None, page_records_max: 1 };
        match making.connector(side).read(query).await {
            Ok(mut pages) => pages.next().await.transpose().map(drop)?,
            // Reading it in earnest says what is wrong.
            Err(_) => continue,
        }
        let mut gone = making.narrowing(side).gone(entity, link.shape(side));
        gone.extend(link.begun_by(side, &gone));
        for (slot, field) in link.shape(side).names().iter().enumerate() {
            let was_missing = open.of(side).iter().any(|notice| notice.id == name_of(field));
            if was_missing && !gone.contains(field) {
                back.of_mut(side).insert(slot);
            }
        }
    }
    Ok(back)
}

/// Whether a link cannot be kept in step without one of these fields of a side: records are matched by it, it decides
/// which of them take part, or a policy sets it.
pub(super) fn needs(link: &CompiledLink, side: Side, gone: &[FieldName]) -> bool {
    let spec = link.spec();
    let matched =
        spec.matching.iter().flat_map(|line| &line.fields).map(|field| field.field.of(side).clone());
    let set = spec.set_by_policies(side).map(|(field, _)| field.clone());
    let moved = spec.actions.of(side).fields().into_iter().cloned();
    let mut needed = matched
        .chain(spec.scope.of(side).fields())
        .chain(spec.writable.of(side).fields())
        .chain(moved)
        .chain(set);
    needed.any(|field| gone.contains(&field))
}

/// Whether a side that refuses to be read makes the link rest instead of ending the plan: somebody has to change
/// something, and what the link knows of earlier runs says that it could be read before.
pub(super) fn rests_because_of(error: &Error, feed: Option<&Feed>) -> bool {
    feed.is_some() && matches!(error.kind(), ErrorKind::Configuration | ErrorKind::NotFound)
}

/// The groups that rest: those with a missing field, with a condition that looks at one, or with a value whose form
/// depends on one.
pub(super) fn resting_groups(link: &CompiledLink, gone: &Sides<&[FieldName]>) -> Bits {
    let mut resting = Bits::new();
    if gone.left.is_empty() && gone.right.is_empty() {
        return resting;
    }
    for (place, group) in link.groups().iter().enumerate() {
        let rests = |side: Side| {
            let is_gone =
                |slot: usize| link.shape(side).name(slot).is_some_and(|name| gone.of(side).contains(name));
            let of_field = |slot: &usize| is_gone(*slot) || link.forms(side).depends_on(*slot).any(is_gone);
            let rules = group.rules.iter().filter_map(|rule| link.rules().get(usize::from(rule.0)));
            let mut asked = rules.flat_map(|rule| rule.when.of(side).fields());
            group.slots.of(side).iter().any(of_field) || asked.any(|field| gone.of(side).contains(&field))
        };
        if Side::BOTH.into_iter().any(rests) {
            resting.insert(place);
        }
    }
    resting
}

/// Refuses a plan that would take a new configuration, or other systems, over what rests. Bases of changed rules are looked
/// at by the first plan under another configuration, and by no later one.
pub(super) fn check_rest(
    making: &Making<'_>,
    link: &CompiledLink,
    pulled: &Sides<Pulled>,
    resting: &Bits,
    before: Option<&Binding>,
) -> Result<()> {
    let Some(before) = before else { return Ok(()) };
    let id = &link.spec().id;
    let is_changed = |rule: &Rule| {
        let known = before.rules.iter().find(|(of, known, _)| of == id && *known == rule.id);
        known.is_none_or(|(_, _, digest)| *digest != hex(&rule.digest))
    };
    let of_group = |group: &usize| link.groups().get(*group).map(|group| group.rules.as_slice());
    let rules = |group: usize| of_group(&group).unwrap_or_default().iter();
    let changed_rests = resting
        .iter()
        .flat_map(rules)
        .filter_map(|rule| link.rules().get(usize::from(rule.0)))
        .any(is_changed);
    let whole = Side::BOTH.into_iter().any(|side| pulled.of(side).rests.is_some());
    let same_link = before.links.iter().any(|(of, digest)| of == id && *digest == hex(&link.digest()));
    let same_systems = before.systems == making.inner.binding().systems;
    if !changed_rests && (!whole || same_link && same_systems) {
        return Ok(());
    }
    let told = Side::BOTH.into_iter().flat_map(|side| notices(making, link, side, pulled.of(side)));
    let told: Vec<String> = told.map(|(_, parked)| parked.message).collect();
    Err(Error::configuration(format!("what changed cannot be taken while it rests: {}", told.join("; ")))
        .at("link", id)
        .with_remedy("give the system back what is missing, or take the rule out of the mapping"))
}

/// Writes down what began to rest and what does not rest any more. What is known is no change.
pub(super) async fn report(
    making: &Making<'_>,
    place: u16,
    link: &CompiledLink,
    pulled: &Sides<Pulled>,
    open: Sides<Vec<Notice>>,
) -> Result<()> {
    let mut entries = Vec::new();
    for side in Side::BOTH {
        let now = notices(making, link, side, pulled.of(side));
        let open = open.of(side);
        for (id, parked) in &now {
            let known = open.iter().any(|open| open.id == *id && open.message == parked.message);
            if !known {
                entries.push(entry(place, link, side, id, Effect::Park(parked.clone())));
            }
        }
        for over in open.iter().filter(|open| now.iter().all(|(id, _)| *id != open.id)) {
            entries.push(entry(place, link, side, &over.id, Effect::CloseConflict { rules: Vec::new() }));
        }
    }
    making.put_entries(entries).await
}

fn notices(making: &Making<'_>, link: &CompiledLink, side: Side, pulled: &Pulled) -> Vec<(RecordId, Parked)> {
    let (entity, name) = (link.spec().entity.of(side), making.inner.names.of(side));
    let parked = |rules: Vec<RuleId>, message: String, remedy: String| Parked {
        side,
        id: None,
        rules,
        why: ParkReason::FieldGone,
        message,
        remedy,
    };
    if let Some(Rest::Entity(problem)) = &pulled.rests {
        let message = format!("{entity} of {name} cannot be read ({problem}); the link rests");
        let remedy = "give the system back what is missing, or change the mapping or the connector's \
                      configuration";
        return vec![(name_of_entity(link, side), parked(Vec::new(), message, remedy.to_owned()))];
    }
    let notice = |field: &FieldName| {
        // What is read through a missing field is missing with it, and is not said by itself.
        let mut about = vec![field.clone()];
        about.extend(link.begun_by(side, &about));
        let rules = link.rules().iter().filter(|rule| {
            let mut asked = rule.fields.of(side).iter().cloned().chain(rule.when.of(side).fields());
            asked.any(|field| about.contains(&field))
        });
        let rules: Vec<RuleId> = rules.map(|rule| rule.id.clone()).collect();
        let what = match (&pulled.rests, rules.as_slice()) {
            (Some(_), _) if needs(link, side, &about) => "the link needs it and rests".to_owned(),
            (_, [rule]) => format!("the rule {} rests", rule.as_str()),
            (_, rules) => {
                let names: Vec<&str> = rules.iter().map(RuleId::as_str).collect();
                format!("the rules {} rest", names.join(", "))
            }
        };
        let message = format!("{entity} of {name} has no field {field} any more; {what}");
        let remedy = format!(
            "give {entity} the field back, or put its new name, or nothing, into the mapping; what was kept in \
             step by it stays as it is meanwhile"
        );
        (name_of(field), parked(Vec::new(), message, remedy))
    };
    let is_path = |field: &FieldName| link.mapper().paths(side).iter().any(|path| path.name == *field);
    pulled.gone.iter().filter(|field| !is_path(field)).map(notice).collect()
}

fn entry(place: u16, link: &CompiledLink, side: Side, id: &RecordId, effect: Effect) -> Entry {
    let mut ids = Sides::default();
    *ids.of_mut(side) = Some(id.clone());
    Entry {
        key: EntryKey { rank: Rank::State, link: place, side, id: id.clone(), part: PART },
        link: link.spec().id.clone(),
        ids,
        basis: Basis::default(),
        observed: Sides::default(),
        settles: Bits::new(),
        body: Body::Effect(effect),
    }
}
