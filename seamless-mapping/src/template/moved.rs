//! Rules that are put into another place. The door is [`moved`].

use seamless_core::document::{Diagnostics, did_you_mean};

use super::overlay::{Change, Place, RuleEdit, What};
use super::part::Part;

/// The rules in their new order. Those that are not moved keep theirs, and so do those that are moved to the same place;
/// the order in which moves are written means nothing.
///
/// Errors: a rule that is moved behind one that is not there, or behind itself by way of others.
pub(super) fn moved(
    rules: Vec<(String, Part)>,
    changes: &[Change<RuleEdit>],
) -> Result<Vec<Part>, Diagnostics> {
    let place_of = |id: &str| {
        let change = changes.iter().find(|change| change.id() == id)?;
        match &change.what {
            What::Edit(edit) => edit.place.as_ref().map(|place| (place, &change.key)),
            _ => None,
        }
    };
    if rules.iter().all(|(id, _)| place_of(id).is_none()) {
        return Ok(rules.into_iter().map(|(_, rule)| rule).collect());
    }
    let is = |id: &str, wanted: fn(&Place) -> bool| place_of(id).is_some_and(|(place, _)| wanted(place));
    let ids: Vec<&str> = rules.iter().map(|(id, _)| id.as_str()).collect();
    let mut order: Vec<usize> = Vec::with_capacity(ids.len());
    let groups: [&dyn Fn(&str) -> bool; 3] =
        [&|id| is(id, |place| matches!(place, Place::First)), &|id| place_of(id).is_none(), &|id| {
            is(id, |place| matches!(place, Place::Last))
        }];
    for group in groups {
        for (at, id) in ids.iter().enumerate() {
            if group(id) {
                put(at, &ids, &place_of, &mut order);
            }
        }
    }
    for (at, id) in ids.iter().enumerate() {
        let Some((Place::After(anchor), key)) = place_of(id).filter(|_| !order.contains(&at)) else {
            continue;
        };
        let name = anchor.text().unwrap_or("");
        let (message, help) = if ids.contains(&name) {
            (format!("`{id}` would stand behind itself"), "move one of them to another place".to_owned())
        } else {
            let help = did_you_mean(name, ids.iter().copied());
            let help = help.unwrap_or_else(|| "name a rule of the same list".to_owned());
            (format!("there is no rule `{name}` to stand behind"), help)
        };
        let place = if ids.contains(&name) { key } else { anchor };
        return Err(place.origin.error("overlay-move", message, help));
    }
    let mut rules: Vec<Option<Part>> = rules.into_iter().map(|(_, rule)| Some(rule)).collect();
    Ok(order.iter().filter_map(|at| rules.get_mut(*at).and_then(Option::take)).collect())
}

/// Puts a rule, and behind it those that are moved behind it. Ends, because each rule is put at most once.
fn put<'a>(
    at: usize,
    ids: &[&str],
    place_of: &impl Fn(&str) -> Option<(&'a Place, &'a Part)>,
    order: &mut Vec<usize>,
) {
    if order.contains(&at) {
        return;
    }
    order.push(at);
    let Some(anchor) = ids.get(at) else { return };
    for (next, id) in ids.iter().enumerate() {
        let behind =
            |(place, _): (&Place, &Part)| matches!(place, Place::After(part) if part.text() == Some(anchor));
        if place_of(id).is_some_and(behind) {
            put(next, ids, place_of, order);
        }
    }
}
