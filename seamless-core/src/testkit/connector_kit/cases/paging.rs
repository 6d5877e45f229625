//! Reading everything: pages of any size, each record once, the order, the end, other shapes, filters.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::connector::{Capability, End, Page, ReadQuery, Versioned};
use crate::model::{Comparison, Condition, FieldKind, FieldName, Record, RecordId, Shape};
use crate::testkit::connector_kit::case::{Need, table};
use crate::testkit::connector_kit::claim::claim;
use crate::testkit::connector_kit::reading::upserts;
use crate::testkit::connector_kit::subject::Subject;
use crate::testkit::connector_kit::verdict::{Held, Stop, brief, broken, hold, skip};

table! {
    "paging.limit" ReadOnly [] "no page holds more records than were asked for" => limit;
    "paging.once" ReadOnly [] "no record comes twice while nobody writes" => once;
    "paging.none_lost" ReadOnly [] "pages of any size give the same records" => none_lost;
    "paging.end" ReadOnly [] "a reading ends with an end, on its last page and there only" => end;
    "paging.order" ReadOnly [Need::Ordered] "a declared order is the order of the ids' bytes" => order;
    "paging.complete" ReadOnly [Need::Has(Capability::CompleteEnumeration)]
        "a full reading is complete, and every record that is there is in it" => complete;
    "paging.partial" ReadOnly [Need::Lacks(Capability::CompleteEnumeration)]
        "without C6 no reading is called complete" => partial;
    "paging.shape" ReadOnly [] "records have the fields that were asked for, and no others" => shape;
    "paging.filter" ReadOnly [] "a filter may return more, never less" => filter;
}

/// Pages of a size that the kit takes the time for.
const PAGES_MAX: usize = 200;

async fn sizes(subject: &Subject) -> Result<(usize, Vec<usize>), Stop> {
    let total = subject.some(23).await?.len();
    let mut sizes = vec![1, 2, 7, total.saturating_sub(1), total, total + 1, 1000];
    sizes.retain(|size| *size > 0 && total / size <= PAGES_MAX);
    sizes.sort_unstable();
    sizes.dedup();
    Ok((total, sizes))
}

async fn limit(subject: &Subject) -> Held {
    for size in sizes(subject).await?.1 {
        for page in subject.everything(size).await? {
            hold(page.changes.len() <= size, "a page holds at most `page_records_max` records", || {
                format!("{} records where {size} were asked for", page.changes.len())
            })?;
        }
    }
    Ok(())
}

async fn once(subject: &Subject) -> Held {
    for size in sizes(subject).await?.1 {
        let mut seen = BTreeMap::new();
        for found in upserts(&subject.everything(size).await?) {
            let times: &mut usize = seen.entry(found.id.clone()).or_default();
            *times += 1;
            hold(*times == 1, "a record comes once while nobody writes", || {
                format!("record {} came twice in pages of {size}", found.id)
            })?;
        }
    }
    Ok(())
}

fn by_id(pages: &[Page]) -> BTreeMap<RecordId, Record> {
    upserts(pages).into_iter().map(|found| (found.id, found.record)).collect()
}

async fn none_lost(subject: &Subject) -> Held {
    let (total, sizes) = sizes(subject).await?;
    let all = by_id(&subject.everything(total + 1).await?);
    for size in sizes {
        let found = by_id(&subject.everything(size).await?);
        let lost: Vec<&RecordId> = all.keys().filter(|id| !found.contains_key(id)).collect();
        hold(
            lost.is_empty() && found.len() == all.len(),
            "no record is lost or invented by the size of pages",
            || {
                format!(
                    "{} records in pages of {size}, {} in one page; lost: {}",
                    found.len(),
                    all.len(),
                    brief(&lost)
                )
            },
        )?;
        hold(found == all, "a record is the same in pages of any size", || {
            format!("it differs in pages of {size}")
        })?;
    }
    Ok(())
}

async fn end(subject: &Subject) -> Held {
    for size in sizes(subject).await?.1 {
        let pages = subject.everything(size).await?;
        let ends = pages.iter().filter(|page| page.end.is_some()).count();
        let last = pages.last().is_some_and(|page| page.end.is_some());
        hold(ends == 1 && last, "the last page says how the reading ended, and no other does", || {
            format!("{} pages of {size}, {ends} ends, the last page has one: {last}", pages.len())
        })?;
        let is_feed = pages.iter().any(|page| matches!(page.end, Some(End::CaughtUp { .. })));
        hold(!is_feed, "a reading without a cursor is an enumeration", || {
            "it ended as a feed of changes".to_owned()
        })?;
    }
    Ok(())
}

async fn order(subject: &Subject) -> Held {
    subject.stock(23).await?;
    for size in [5, 1000] {
        let ids: Vec<RecordId> =
            upserts(&subject.everything(size).await?).into_iter().map(|found| found.id).collect();
        if ids.len() < 2 {
            return Err(skip("fewer than two records"));
        }
        let wrong = ids.iter().zip(ids.iter().skip(1)).find(|(one, two)| one >= two);
        claim(
            wrong.is_none(),
            &subject.can,
            |can| can.order = crate::connector::Order::Unspecified,
            || {
                format!(
                    "{} came before {}",
                    wrong.map_or("", |_| "one record"),
                    brief(&wrong.map(|(_, two)| two))
                )
            },
        )?;
    }
    Ok(())
}

async fn complete(subject: &Subject) -> Held {
    let made = if subject.makes() { subject.make(5).await? } else { Vec::new() };
    let false_claim =
        |observed: String| claim(false, &subject.can, |can| can.complete_enumeration = false, || observed);
    let pages = subject.everything(2).await?;
    match pages.last().and_then(|page| page.end.as_ref()) {
        Some(End::Complete(all)) => {
            hold(all.order == subject.can.order, "an enumeration comes in the declared order", || {
                brief(&all.order)
            })?;
            claim(
                all.changes_from.is_some() == subject.can.changes,
                &subject.can,
                |can| can.changes = !can.changes,
                || format!("changes_from is {}", brief(&all.changes_from)),
            )?;
        }
        other => return false_claim(format!("a full reading ended as {}", brief(&other))),
    }
    let found = by_id(&pages);
    match made.iter().find(|id| !found.contains_key(id)) {
        Some(lost) => false_claim(format!("record {lost} is there and was not in it")),
        None => Ok(()),
    }
}

async fn partial(subject: &Subject) -> Held {
    let pages = subject.everything(1000).await?;
    let said = pages.last().and_then(|page| page.end.as_ref());
    claim(
        !matches!(said, Some(End::Complete(_))),
        &subject.can,
        |can| can.complete_enumeration = true,
        || brief(&said),
    )
}

async fn shape(subject: &Subject) -> Held {
    let names: Vec<FieldName> = subject.shape.names().iter().rev().step_by(2).cloned().collect();
    let all = subject.some(3).await?;
    let shape = Shape::new(names)?;
    let query = || ReadQuery { shape: Arc::clone(&shape), ..subject.query(None, 1000) };
    let read = upserts(&subject.pages(query()).await?);
    for found in &read {
        hold(found.record.shape().names() == shape.names(), "a record has the shape of the query", || {
            brief(&found.record.shape().names())
        })?;
        let whole = all.iter().find(|whole| whole.id == found.id);
        hold(
            whole.is_none_or(|whole| whole.record.reshaped(&shape) == found.record),
            "a field holds the same whichever \
            others are asked for",
            || brief(&found.record),
        )?;
    }
    hold(read.len() == all.len(), "the shape does not decide which records there are", || {
        format!("{} records", read.len())
    })?;
    let none = Shape::new(Vec::new())?;
    let bare = upserts(&subject.pages(ReadQuery { shape: none, ..query() }).await?);
    hold(bare.len() == all.len(), "records can be asked for without any field", || {
        format!("{} records", bare.len())
    })
}

async fn filter(subject: &Subject) -> Held {
    let all = subject.some(5).await?;
    let comparable = |kind: &FieldKind| {
        matches!(kind, FieldKind::Text { .. } | FieldKind::Int | FieldKind::Bool | FieldKind::Option { .. })
    };
    let fields = subject.entity.fields.iter().filter(|field| comparable(&field.kind));
    let mut tried = 0;
    for field in fields {
        let value =
            |found: &Versioned| found.record.field(field.name.as_str()).value().map(|value| value.to_value());
        let Some(value) = all.iter().filter_map(value).find(|value| !value.is_blank()) else { continue };
        let compare = |is| Condition::Compare { field: field.name.clone(), is, value: value.clone() };
        for condition in
            [compare(Comparison::Equal), compare(Comparison::NotEqual), Condition::Blank(field.name.clone())]
        {
            let query = ReadQuery { condition: condition.clone(), ..subject.query(None, 1000) };
            let found = by_id(&subject.pages(query).await?);
            let due = all.iter().filter(|found| condition.holds(&found.record) == crate::model::Truth::In);
            if let Some(lost) = due.into_iter().find(|due| !found.contains_key(&due.id)) {
                let observed =
                    format!("record {} satisfies {} and was not returned", lost.id, brief(&condition));
                return Err(broken("a filter returns more, never less", observed));
            }
            tried += 1;
        }
    }
    if tried == 0 { Err(skip("no field holds a value to filter by")) } else { Ok(()) }
}
