//! Changes of rules carried over to another version of their template. Part of [`super::carried`].

use std::collections::BTreeMap;

use seamless_core::document::Diagnostics;
use seamless_core::model::Side;

use super::carried::{Carried, Fix, Spot, shown};
use super::conflict::Edited;
use super::overlay::{Change, LinkEdit, Place, RuleEdit, RuleEdits, What};
use super::part::{Part, PartKind};
use super::print::flow;
use super::record::{Judged, rule_fields};
use super::rule::{self, Head, Row};

/// Keys that make a rule one of a kind, or that only rules of a kind have.
const OF_KIND: &[&str] = &[
    "default",
    "too_long",
    "round",
    "format",
    "options",
    "unknown",
    "join",
    "split",
    "lookup",
    "if_missing",
    "if_blank",
    "expression",
    "key",
    "rules",
    "custom",
];
const KINDS: &[&str] = &["options", "join", "lookup", "expression", "rules", "custom"];

/// The same rule in the old template, the new one, and as the overlay makes it of the old one.
#[derive(Clone, Copy)]
struct Versions<'a> {
    base: &'a Part,
    there: &'a Part,
    own: &'a Part,
}

impl<'a> Carried<'a> {
    /// What becomes of changes to a list of rules.
    pub(super) fn rules(
        &mut self,
        spot: &Spot,
        edits: &'a RuleEdits,
        base: &[Part],
        there: &[Part],
        own: &[Part],
    ) -> Result<(), Diagnostics> {
        let sides = self.sides;
        let of = |rules: &[Part], id: &str| {
            rules.iter().find(|part| rule::id(part, sides).as_deref() == Some(id)).cloned()
        };
        for change in &edits.changes {
            let id = change.id();
            let of_rule = Spot {
                link: spot.link.clone(),
                rule: Some(
                    spot.rule.as_ref().map_or_else(|| id.to_owned(), |outer| format!("{outer} / {id}")),
                ),
                path: spot.with(&["rules", id]),
            };
            let (Some(base), found, own) = (of(base, id), of(there, id), of(own, id)) else { continue };
            match (found, own) {
                (None, None) => {
                    self.fixes.push(Fix::Remove(of_rule.path.clone()));
                    self.note(&of_rule, "", "the template left it out too");
                }
                (None, Some(own)) => self.dropped(&of_rule, spot, change, &base, own),
                (Some(found), None) => {
                    if !found.same(&base) {
                        self.note(&of_rule, "", "the template changed it, the overlay still leaves it out");
                    }
                }
                (Some(found), Some(own)) => {
                    let versions = Versions { base: &base, there: &found, own: &own };
                    match &change.what {
                        What::Replace(_) => self.replaced_rule(&of_rule, versions)?,
                        What::Edit(edit) => self.edited_rule(&of_rule, edit, versions)?,
                        What::Disable => {}
                    }
                    self.place(&of_rule, change, there, edits);
                }
            }
        }
        for (at, added) in edits.add.iter().enumerate() {
            let Some(id) = rule::id(added, sides) else { continue };
            let Some(found) = of(there, &id) else { continue };
            let of_rule =
                Spot { link: spot.link.clone(), rule: Some(id.clone()), path: spot.with(&["rules", &id]) };
            let from = spot.item(&["add"], at);
            if rule_fields(added, sides, true) == rule_fields(&found, sides, true) {
                self.fixes.push(Fix::Remove(from));
                self.note(&of_rule, "", "the template has the same rule now");
                continue;
            }
            let (to, part) = (of_rule.path.clone(), replacing(added));
            self.fixes.push(Fix::Rename { from, to, part });
            let template = Edited { before: None, after: shown(Some(&found)) };
            let customer = Edited { before: None, after: shown(Some(added)) };
            let take = "take it out of `rules`, where the upgrade put it as a replacement".to_owned();
            self.conflict(&of_rule, "rule", template, customer, take);
        }
        Ok(())
    }

    /// The template dropped a rule that the overlay changed: the overlay adds it as it made it.
    fn dropped(&mut self, spot: &Spot, list: &Spot, change: &Change<RuleEdit>, base: &Part, own: Part) {
        if let What::Edit(edit) = &change.what
            && rule_fields(base, self.sides, true) == rule_fields(&own, self.sides, true)
            && edit.place.is_some()
        {
            self.fixes.push(Fix::Remove(spot.path.clone()));
            return self.note(spot, "", "the template dropped it, there is nothing left to move");
        }
        let (from, to) = (spot.path.clone(), list.with(&["add"]));
        self.fixes.push(Fix::Move { from, to, part: own.clone() });
        let template = Edited { before: shown(Some(base)), after: None };
        let customer = Edited { before: shown(Some(base)), after: shown(Some(&own)) };
        let take = "take it out of `add`, where the upgrade put it".to_owned();
        self.conflict(spot, "rule", template, customer, take);
    }

    fn replaced_rule(&mut self, spot: &Spot, versions: Versions<'_>) -> Result<(), Diagnostics> {
        let Versions { base, there, own } = versions;
        let fields = |part: &Part| rule_fields(part, self.sides, true);
        let (was, now, wanted) = (fields(base), fields(there), fields(own));
        if was == now {
            return Ok(());
        }
        if now == wanted {
            self.fixes.push(Fix::Remove(spot.path.clone()));
            self.note(spot, "", "the template says the same now");
            return Ok(());
        }
        let judged = self.judged(&was, &now, &wanted)?;
        if kind(there) != kind(base) && kind(own) != kind(there) {
            return self.of_another_kind(spot, versions);
        }
        let mut merged = own.clone();
        self.merge_head(&mut merged, versions, &judged);
        for (name, judged) in &judged {
            let of_head = self.is_of_head(name);
            match judged {
                Judged::Template if !of_head => {
                    let Some(options) = rule::options_mut(&mut merged) else { continue };
                    let entry = rule::options(there).iter().find(|(key, _)| key.text() == Some(name));
                    match entry {
                        Some((key, value)) => options.set(key, value.clone()),
                        None => drop(options.remove(name)),
                    }
                }
                Judged::Conflict | Judged::Merged => {
                    let show = |part: &Part| match of_head {
                        true => head_word(part, name, self),
                        false => shown(rule::option(part, name)),
                    };
                    let template = Edited { before: show(base), after: show(there) };
                    let customer = Edited { before: show(base), after: show(own) };
                    let take = format!("write the template's `{name}` into what replaces the rule");
                    self.conflict(spot, name, template, customer, take);
                }
                _ => {}
            }
        }
        if fields(&merged) != wanted {
            self.fixes.push(Fix::Put(spot.with(&["replace"]), merged));
        }
        Ok(())
    }

    fn is_of_head(&self, key: &str) -> bool {
        key == self.sides.left || key == self.sides.right || matches!(key, "flow" | "const")
    }

    /// Fields and direction: what only the template changed of them goes into the customer's.
    fn merge_head(&self, merged: &mut Part, versions: Versions<'_>, judged: &BTreeMap<String, Judged>) {
        let by_template = |key: &str| judged.get(key) == Some(&Judged::Template);
        let heads = (rule::head(versions.there, self.sides), rule::head(versions.own, self.sides));
        let (Some(there), Some(mut own)) = heads else { return };
        let before = own.clone();
        for side in Side::BOTH {
            if by_template(self.sides.of(side)) {
                own.fields.of_mut(side).clone_from(there.fields.of(side));
            }
        }
        if by_template("flow") {
            own.to = there.to;
        }
        if by_template("const") {
            own.constant.clone_from(&there.constant);
        }
        if own == before {
            return;
        }
        let origin = merged.origin.clone();
        let named = |key: &str| self.is_of_head(key);
        let options: Vec<(Part, Part)> =
            rule::options(merged).iter().filter(|(key, _)| !key.text().is_some_and(named)).cloned().collect();
        let sentence = Part::word(&origin, &sentence_of(&own));
        let id = rule::id(versions.own, self.sides).unwrap_or_default();
        let mut options = Part::made(&origin, PartKind::Map(options));
        if own.natural_id() != id && options.get("id").is_none() {
            options.set(&Part::word(&origin, "id"), Part::name(&origin, &id));
        }
        *merged = match options.entries() {
            [] => sentence,
            _ => Part::made(&origin, PartKind::Map(vec![(sentence, options)])),
        };
    }

    /// The template made it a rule of another kind, and the overlay changes what only the old kind has.
    fn of_another_kind(&mut self, spot: &Spot, versions: Versions<'_>) -> Result<(), Diagnostics> {
        let Versions { base, there, own } = versions;
        self.fixes.push(Fix::Put(spot.path.clone(), replacing(own)));
        let template = Edited { before: shown(Some(base)), after: shown(Some(there)) };
        let customer = Edited { before: shown(Some(base)), after: shown(Some(own)) };
        let take = "take the rule out of `rules`, where the upgrade put all of it".to_owned();
        self.conflict(spot, "kind", template, customer, take);
        Ok(())
    }

    fn edited_rule(
        &mut self,
        spot: &Spot,
        edit: &'a RuleEdit,
        versions: Versions<'_>,
    ) -> Result<(), Diagnostics> {
        let Versions { base, there, own } = versions;
        let keys = edit.keys.set.iter().map(|(key, _)| key).chain(&edit.keys.unset);
        let of_kind = keys.filter_map(Part::text).any(|key| OF_KIND.contains(&key));
        let tables = !(edit.add_options.is_empty() && edit.remove_options.is_empty());
        let lines = !(edit.lines.changes.is_empty() && edit.lines.add.is_empty());
        if kind(there) != kind(base) && (of_kind || tables || lines) {
            return self.of_another_kind(spot, versions);
        }
        let fields = |part: &Part| rule_fields(part, self.sides, false);
        let judged = self.judged(&fields(base), &fields(there), &fields(own))?;
        let get = |part: &Part, key: &str| rule::option(part, key).cloned();
        for (key, value) in &edit.keys.set {
            let name = key.text().unwrap_or("");
            match (name, judged.get(name)) {
                ("options", Some(Judged::Merged | Judged::Template)) => {
                    self.whole_table(spot, value, versions)
                }
                ("flow", _) => {
                    let flow = |part: &Part| {
                        let word = rule::head(part, self.sides)?.flow(self.sides);
                        Some(Part::word(&value.origin, &word))
                    };
                    self.key(spot, key, Some(value), [flow(base), flow(there)], &judged);
                }
                _ => self.key(spot, key, Some(value), [get(base, name), get(there, name)], &judged),
            }
        }
        self.unset(spot, &edit.keys, get, [base, there], &judged);
        let untouched = matches!(judged.get("options"), None | Some(Judged::Nobody | Judged::Customer));
        if tables && !untouched {
            self.options(spot, edit, versions);
        }
        if lines {
            let lines = |part: &Part| rule::option(part, "rules").map_or(&[][..], Part::items).to_vec();
            self.rules(spot, &edit.lines, &lines(base), &lines(there), &lines(own))?;
        }
        Ok(())
    }

    fn rows(&self, part: &Part) -> Vec<(Row, Part)> {
        let items = rule::option(part, "options").map_or(&[][..], Part::items);
        items.iter().filter_map(|item| Some((rule::row(item, self.sides)?, item.clone()))).collect()
    }

    /// Lines that are added and removed, where the template changed the table too.
    fn options(&mut self, spot: &Spot, edit: &RuleEdit, versions: Versions<'_>) {
        let was: Vec<Row> = self.rows(versions.base).into_iter().map(|(row, _)| row).collect();
        let there = self.rows(versions.there);
        let new: Vec<(Row, Part)> = there.iter().filter(|(row, _)| !was.contains(row)).cloned().collect();
        let is_there = |row: &Row| there.iter().any(|(known, _)| known == row);
        let mut named: Vec<Row> = Vec::new();
        let adds = edit.add_options.iter().enumerate();
        for (at, (part, row)) in
            adds.filter_map(|(at, part)| Some((at, (part, rule::row(part, self.sides)?))))
        {
            if is_there(&row) {
                self.fixes.push(Fix::Remove(spot.item(&["options", "add"], at)));
                self.note(spot, &row.to_string(), "the template has the same line now");
                // Where it stands for a line that the overlay removes, both made the same of it.
                named.push(row);
                continue;
            }
            let against: Vec<&(Row, Part)> =
                new.iter().filter(|(other, _)| other.contradicts(&row)).collect();
            for (other, theirs) in against {
                if !named.contains(other) {
                    self.fixes.push(Fix::Push(spot.with(&["options", "remove"]), theirs.clone()));
                    named.push(other.clone());
                }
                let template = Edited { before: None, after: Some(other.to_string()) };
                let customer = Edited { before: None, after: shown(Some(part)) };
                let take = format!("take `{row}` out of `add`, and `{other}` out of `remove`");
                self.conflict(spot, "options", template, customer, take);
            }
        }
        let removes = edit.remove_options.iter().enumerate();
        for (at, (part, row)) in
            removes.filter_map(|(at, part)| Some((at, (part, rule::row(part, self.sides)?))))
        {
            if is_there(&row) {
                continue;
            }
            let line = spot.item(&["options", "remove"], at);
            let changed = new.iter().find(|(other, _)| other.contradicts(&row));
            let Some((other, theirs)) = changed else {
                self.fixes.push(Fix::Remove(line));
                self.note(spot, &row.to_string(), "the template has no such line any more");
                continue;
            };
            if named.contains(other) {
                self.fixes.push(Fix::Remove(line));
                continue;
            }
            named.push(other.clone());
            self.fixes.push(Fix::Put(line, theirs.clone()));
            let template = Edited { before: Some(row.to_string()), after: Some(other.to_string()) };
            let customer = Edited { before: shown(Some(part)), after: None };
            let take = format!("take `{other}` out of `remove`");
            self.conflict(spot, "options", template, customer, take);
        }
    }

    /// A table that the overlay sets as a whole, with what the template added and took away.
    fn whole_table(&mut self, spot: &Spot, value: &Part, versions: Versions<'_>) {
        let was: Vec<Row> = self.rows(versions.base).into_iter().map(|(row, _)| row).collect();
        let own = self.rows(versions.own);
        let there = self.rows(versions.there);
        let gone = |row: &Row| was.contains(row) && !there.iter().any(|(known, _)| known == row);
        let mut rows: Vec<Part> =
            own.iter().filter(|(row, _)| !gone(row)).map(|(_, part)| part.clone()).collect();
        for (row, part) in &there {
            let known = own.iter().any(|(known, _)| known == row);
            if was.contains(row) || known {
                continue;
            }
            match own.iter().find(|(known, _)| known.contradicts(row)) {
                None => rows.push(part.clone()),
                Some((mine, _)) => {
                    let template = Edited { before: None, after: Some(row.to_string()) };
                    let customer = Edited { before: None, after: Some(mine.to_string()) };
                    let take = format!("write `{row}` in place of `{mine}`");
                    self.conflict(spot, "options", template, customer, take);
                }
            }
        }
        self.fixes
            .push(Fix::Put(spot.with(&["set", "options"]), Part::made(&value.origin, PartKind::List(rows))));
    }

    /// A rule that is moved behind one that the template dropped goes to the end.
    fn place(&mut self, spot: &Spot, change: &Change<RuleEdit>, there: &[Part], edits: &RuleEdits) {
        let What::Edit(RuleEdit { place: Some(Place::After(anchor)), .. }) = &change.what else { return };
        let name = anchor.text();
        // What replaces all of it says nothing of a place.
        if self.fixes.iter().any(|fix| matches!(fix, Fix::Put(path, _) if *path == spot.path)) {
            return;
        }
        let is_there = |part: &Part| rule::id(part, self.sides).as_deref() == name;
        if there.iter().any(is_there) || edits.add.iter().any(is_there) {
            return;
        }
        self.fixes.push(Fix::Put(spot.with(&["move"]), Part::word(&anchor.origin, "last")));
        self.note(
            spot,
            "move",
            "the template dropped the rule that it stood behind; it stands at the end now",
        );
    }

    /// Changes that speak of a field by the name that it had in the old version. Ids do not count: they stay.
    pub(super) fn mentions(&mut self, spot: &Spot, edit: &LinkEdit, base: &Part, there: &Part) {
        let rules = |link: &Part| link.get("rules").map_or(&[][..], Part::items).to_vec();
        let (old, new) = (rules(base), rules(there));
        let heads = |rules: &[Part]| -> Vec<Head> {
            rules.iter().filter_map(|part| rule::head(part, self.sides)).collect()
        };
        let (all_old, all_new) = (heads(&old), heads(&new));
        let mut renamed: Vec<(String, String)> = Vec::new();
        for part in &new {
            let id = rule::id(part, self.sides);
            let before = old.iter().find(|old| rule::id(old, self.sides) == id);
            let pair =
                before.and_then(|before| rule::head(before, self.sides)).zip(rule::head(part, self.sides));
            let Some((before, after)) = pair else { continue };
            for side in Side::BOTH {
                let uses = |heads: &[Head], name: &String| {
                    heads.iter().any(|head| head.fields.of(side).contains(name))
                };
                let pairs = before.fields.of(side).iter().zip(after.fields.of(side));
                renamed.extend(
                    pairs
                        .filter(|(was, is)| was != is && !uses(&all_new, was) && !uses(&all_old, is))
                        .map(|(was, is)| (was.clone(), is.clone())),
                );
            }
        }
        for (was, is) in renamed {
            let mut said: Vec<String> = edit.keys.set.iter().map(|(_, value)| flow(value)).collect();
            said.extend(edit.tests.iter().map(flow));
            said.extend(edit.rules.add.iter().map(without_id));
            for change in &edit.rules.changes {
                match &change.what {
                    What::Replace(with) => said.push(without_id(with)),
                    What::Edit(edit) => said.extend(edit.keys.set.iter().map(|(_, value)| flow(value))),
                    What::Disable => {}
                }
            }
            let Some(mention) = said.into_iter().find(|text| has_word(text, &was)) else { continue };
            let template = Edited { before: Some(was.clone()), after: Some(is.clone()) };
            let customer = Edited { before: None, after: Some(mention) };
            let take = format!("write `{is}` where the overlay says `{was}`");
            self.conflict(spot, &format!("field `{was}`"), template, customer, take);
        }
    }
}

/// A rule as it is written, but for its id.
fn without_id(part: &Part) -> String {
    let mut part = part.clone();
    if rule::option(&part, "id").is_some() {
        rule::remove_option(&mut part, "id");
    }
    flow(&part)
}

/// `{ replace: rule }`.
fn replacing(part: &Part) -> Part {
    let replace = (Part::word(&part.origin, "replace"), part.clone());
    Part::made(&part.origin, PartKind::Map(vec![replace]))
}

fn kind(part: &Part) -> &'static str {
    let is = |kind: &&&str| {
        let list = matches!(**kind, "options" | "rules");
        rule::option(part, kind).is_some_and(|of| !list || of.is_list())
    };
    KINDS.iter().find(is).copied().unwrap_or("")
}

fn head_word(part: &Part, key: &str, carried: &Carried<'_>) -> Option<String> {
    let head = rule::head(part, carried.sides)?;
    match key {
        "flow" => Some(head.flow(carried.sides)),
        "const" => head.constant,
        key if key == carried.sides.left => Some(head.fields.left.join(" + ")),
        _ => Some(head.fields.right.join(" + ")),
    }
}

/// A head as a sentence; names that hold an operator stand in backticks.
fn sentence_of(head: &Head) -> String {
    let name = |name: &String| {
        let plain = name.split(' ').all(|word| !matches!(word, "" | "+" | "<->" | "->" | "<-" | "="));
        let word = plain && !name.starts_with(['`', '"']) && !name.starts_with("const ");
        if word { name.clone() } else { format!("`{name}`") }
    };
    let names = |side: Side| match &head.constant {
        Some(constant) if head.to == Some(side.other()) => format!("const {constant}"),
        _ => head.fields.of(side).iter().map(name).collect::<Vec<_>>().join(" + "),
    };
    let arrow = match head.to {
        None => "<->",
        Some(Side::Right) => "->",
        Some(Side::Left) => "<-",
    };
    format!("{} {arrow} {}", names(Side::Left), names(Side::Right))
}

/// Whether a text holds a name that no other letters touch.
fn has_word(text: &str, word: &str) -> bool {
    let touches = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    text.match_indices(word).any(|(at, found)| {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        let after = text.get(at + found.len()..).and_then(|after| after.chars().next());
        !word.is_empty() && !touches(before) && !touches(after)
    })
}
