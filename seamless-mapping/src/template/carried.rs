//! One overlay carried over: what becomes of each of its operations, as changes of its text.
//!
//! Rules are `carried_rules`. The door is [`Carried::all`], then [`Carried::text`].

use seamless_core::document::Diagnostics;
use seamless_core::model::Sides;

use super::conflict::{Conflict, Edited};
use super::edit::{self, Path, Step};
use super::layer::{link_id, test_name};
use super::overlay::{Change, KeyEdit, LinkEdit, Overlay, What};
use super::part::{Part, PartKind};
use super::print::flow;
use super::read::Template;
use super::record::{Fields, Judged, Three, judge, link_fields};
use super::upgrade::{Versions, keys};
use super::variant;

/// What is done to the text of the overlay.
#[derive(Debug)]
pub(super) enum Fix {
    Remove(Path),
    Put(Path, Part),
    Push(Path, Part),
    /// As `Push`, for what stood elsewhere: its comments go with it.
    Move {
        from: Path,
        to: Path,
        part: Part,
    },
    /// As `Put`, for what stood elsewhere.
    Rename {
        from: Path,
        to: Path,
        part: Part,
    },
}

/// An overlay on its way to another version.
pub(super) struct Carried<'a> {
    overlay: &'a Overlay,
    old: &'a Template,
    new: &'a Template,
    versions: &'a Versions,
    pub(super) sides: &'a Sides<String>,
    pub(super) fixes: Vec<Fix>,
    pub(super) conflicts: Vec<Conflict>,
    pub(super) notes: Vec<String>,
}

/// Where in a mapping something stands, for conflicts and for the text.
#[derive(Clone, Debug)]
pub(super) struct Spot {
    pub(super) link: Option<String>,
    pub(super) rule: Option<String>,
    pub(super) path: Path,
}

impl Spot {
    pub(super) fn with(&self, names: &[&str]) -> Path {
        let mut path = self.path.clone();
        path.extend(keys(names));
        path
    }

    pub(super) fn item(&self, names: &[&str], at: usize) -> Path {
        let mut path = self.with(names);
        path.push(Step::Item(at));
        path
    }
}

/// How a part is shown in a conflict.
pub(super) fn shown(part: Option<&Part>) -> Option<String> {
    part.map(flow)
}

impl<'a> Carried<'a> {
    pub(super) fn new(
        overlay: &'a Overlay,
        old: &'a Template,
        new: &'a Template,
        versions: &'a Versions,
    ) -> Self {
        let sides = new.sides();
        Self {
            overlay,
            old,
            new,
            versions,
            sides,
            fixes: Vec::new(),
            conflicts: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Decides about every operation.
    pub(super) fn all(&mut self) -> Result<(), Diagnostics> {
        self.parameters();
        self.variants();
        for change in &self.overlay.links {
            self.link(change)?;
        }
        self.added_links();
        Ok(())
    }

    /// The text of the overlay against the new version.
    pub(super) fn text(&self, version: &str) -> Result<String, Diagnostics> {
        let mut text = self.overlay.text().to_owned();
        if self.overlay.version() != version {
            let plain = self.overlay.version.is_plain();
            let origin = &self.overlay.version.origin;
            let part = if plain { Part::word(origin, version) } else { Part::quoted(origin, version) };
            text = edit::put(&text, &keys(&["version"]), &part)?;
        }
        // First what stands where it stood, then what comes, at the end of its list, then what goes, the last of a list
        // first: so places stay what they are, and nothing is empty meanwhile that is not in the end.
        for fix in &self.fixes {
            if let Fix::Put(path, part) = fix
                && self.is_there(path)
            {
                text = edit::put(&text, path, part)?;
            }
        }
        for fix in &self.fixes {
            text = self.with_new(text, fix)?;
        }
        let goes = |fix: &'_ Fix| match fix {
            Fix::Remove(path) | Fix::Move { from: path, .. } | Fix::Rename { from: path, .. } => {
                Some(path.clone())
            }
            Fix::Put(..) | Fix::Push(..) => None,
        };
        let mut removed: Vec<Path> = self.fixes.iter().filter_map(goes).collect();
        removed.sort();
        removed.dedup();
        for path in removed.into_iter().rev() {
            text = edit::remove(&text, &path)?;
        }
        Ok(text)
    }

    /// The text with what was not there before.
    fn with_new(&self, text: String, fix: &Fix) -> Result<String, Diagnostics> {
        match fix {
            Fix::Put(path, part) if !self.is_there(path) => edit::put(&text, path, part),
            Fix::Push(path, part) => edit::push(&text, path, part),
            Fix::Move { from, to, part } => {
                let comments = edit::comments(self.overlay.text(), from)?;
                let text = edit::push(&text, to, part)?;
                let mut place = to.clone();
                place.push(Step::Item(edit::items(&text, to)?.saturating_sub(1)));
                edit::comment(&text, &place, &comments)
            }
            Fix::Rename { from, to, part } => {
                let comments = edit::comments(self.overlay.text(), from)?;
                edit::comment(&edit::put(&text, to, part)?, to, &comments)
            }
            Fix::Put(..) | Fix::Remove(_) => Ok(text),
        }
    }

    fn is_there(&self, path: &[Step]) -> bool {
        edit::is_there(self.overlay.document.root(), path)
    }

    pub(super) fn conflict(
        &mut self,
        spot: &Spot,
        what: &str,
        template: Edited,
        customer: Edited,
        take: String,
    ) {
        self.conflicts.push(Conflict {
            layer: self.overlay.id().to_owned(),
            link: spot.link.clone(),
            rule: spot.rule.clone(),
            what: what.to_owned(),
            template,
            customer,
            keep: "leave the overlay as the upgrade wrote it".to_owned(),
            take,
        });
    }

    pub(super) fn note(&mut self, spot: &Spot, what: &str, why: &str) {
        let parts = [spot.link.as_deref(), spot.rule.as_deref(), Some(what).filter(|what| !what.is_empty())];
        let name = parts.into_iter().flatten().collect::<Vec<_>>().join(" / ");
        self.notes.push(format!("{name}: {why}"));
    }

    fn engine(&self, cause: &seamless_core::Error) -> Diagnostics {
        let message = format!("this cannot be merged: {}", cause.message());
        self.overlay.template.origin.error(
            "upgrade-engine",
            message,
            "give the link or rule fewer keys".to_owned(),
        )
    }

    pub(super) fn judged(
        &self,
        base: &Fields,
        template: &Fields,
        customer: &Fields,
    ) -> Result<std::collections::BTreeMap<String, Judged>, Diagnostics> {
        judge(Three { base, template, customer }).map_err(|cause| self.engine(&cause))
    }

    fn parameters(&mut self) {
        let of =
            |mapping: &Part, name: &str| mapping.get("parameters").and_then(|all| all.get(name)).cloned();
        for (key, value) in &self.overlay.parameters {
            let name = key.text().unwrap_or("");
            let spot = Spot { link: None, rule: None, path: keys(&["parameters", name]) };
            let base = of(&self.versions.base.mapping, name);
            let there = of(&self.versions.template.mapping, name);
            let own = of(&self.versions.customer.mapping, name);
            let default = |part: &Option<Part>| part.as_ref().and_then(|part| part.get("default")).cloned();
            let what = format!("parameters / {name}");
            match (&there, &base) {
                // Declared by the overlay, and by the new version too.
                (Some(there), None) if own.as_ref().is_some_and(|own| own.same(there)) => {
                    self.fixes.push(Fix::Remove(spot.path.clone()));
                    self.note(&spot, &what, "the template declares it now, in the same way");
                }
                (Some(there), None) => {
                    let fix = match value.get("default") {
                        Some(default) => Fix::Put(spot.path.clone(), default.clone()),
                        None => Fix::Remove(spot.path.clone()),
                    };
                    self.fixes.push(fix);
                    let template = Edited { before: None, after: shown(Some(there)) };
                    let customer = Edited { before: None, after: shown(Some(value)) };
                    let take = format!("take `{name}` out of `parameters`");
                    self.conflict(&spot, &what, template, customer, take);
                }
                (None, None) => {}
                // The template dropped what the overlay sets: the overlay declares it, so that rules may go on using it.
                (None, Some(base)) => {
                    let declared = own.unwrap_or_else(|| base.clone());
                    self.fixes.push(Fix::Put(spot.path.clone(), declared));
                    let template = Edited { before: shown(Some(base)), after: None };
                    let customer = Edited { before: shown(base.get("default")), after: shown(Some(value)) };
                    let take = format!("take `{name}` out of `parameters`");
                    self.conflict(&spot, &what, template, customer, take);
                }
                (Some(there), Some(base)) => {
                    let (now, was) = (there.get("default").cloned(), base.get("default").cloned());
                    let same = |a: &Option<Part>, b: &Option<Part>| match (a, b) {
                        (Some(a), Some(b)) => a.same(b),
                        (a, b) => a.is_none() && b.is_none(),
                    };
                    if same(&now, &was) {
                        continue;
                    }
                    if same(&now, &default(&own)) {
                        self.fixes.push(Fix::Remove(spot.path.clone()));
                        self.note(&spot, &what, "the template says the same now");
                        continue;
                    }
                    let template = Edited { before: shown(was.as_ref()), after: shown(now.as_ref()) };
                    let customer = Edited { before: shown(was.as_ref()), after: shown(Some(value)) };
                    let take = format!("take `{name}` out of `parameters`");
                    self.conflict(&spot, &what, template, customer, take);
                }
            }
        }
    }

    fn variants(&mut self) {
        for (key, value) in &self.overlay.variants {
            let (name, choice) = (key.text().unwrap_or(""), value.text().unwrap_or(""));
            if variant::check(self.new.variants(), name, choice).is_ok() {
                continue;
            }
            let spot = Spot { link: None, rule: None, path: keys(&["variants", name]) };
            self.fixes.push(Fix::Remove(spot.path.clone()));
            let choices = |template: &Template| {
                let found = template.variants().iter().find(|variant| variant.name == name)?;
                Some(found.choices.iter().map(|choice| choice.name.as_str()).collect::<Vec<_>>().join(", "))
            };
            let template = Edited { before: choices(self.old), after: choices(self.new) };
            let customer = Edited { before: None, after: Some(choice.to_owned()) };
            let take = "leave it out, as the upgrade did, or take another choice".to_owned();
            self.conflict(&spot, &format!("variants / {name}"), template, customer, take);
            if let Some(conflict) = self.conflicts.last_mut() {
                conflict.keep = "stay with the old version: the new one has no such choice".to_owned();
            }
        }
    }

    fn link(&mut self, change: &'a Change<LinkEdit>) -> Result<(), Diagnostics> {
        let id = change.id();
        let of = |mapping: &Part| {
            let links = mapping.get("links").map_or(&[][..], Part::items);
            links.iter().find(|link| link_id(link) == Some(id)).cloned()
        };
        let spot = Spot { link: Some(id.to_owned()), rule: None, path: keys(&["links", id]) };
        let base = of(&self.versions.base.mapping);
        let there = of(&self.versions.template.mapping);
        let own = of(&self.versions.customer.mapping);
        let Some(base) = base else { return Ok(()) };
        let Some(there) = there else {
            match own {
                None => {
                    self.fixes.push(Fix::Remove(spot.path.clone()));
                    self.note(&spot, "", "the template left it out too");
                }
                Some(own) => {
                    let template = Edited { before: Some(format!("the link `{id}`")), after: None };
                    let customer = Edited { before: None, after: Some("changes of it".to_owned()) };
                    let take = format!("take `{id}` out of `add_links`, where the upgrade put all of it");
                    self.conflict(&spot, "link", template, customer, take);
                    self.fixes.push(Fix::Move { from: spot.path, to: keys(&["add_links"]), part: own });
                }
            }
            return Ok(());
        };
        match &change.what {
            What::Disable => {
                if !there.same(&base) {
                    self.note(&spot, "", "the template changed it, the overlay still leaves it out");
                }
                Ok(())
            }
            What::Replace(_) => self.replaced_link(&spot, &base, &there, own.as_ref()),
            What::Edit(edit) => {
                let Some(own) = own else { return Ok(()) };
                let fields = |link: &Part| link_fields(link, false);
                let judged = self.judged(&fields(&base), &fields(&there), &fields(&own))?;
                for (key, value) in &edit.keys.set {
                    self.key(
                        &spot,
                        key,
                        Some(value),
                        [&base, &there].map(|link| link.get(key.text()?).cloned()),
                        &judged,
                    );
                }
                self.unset(&spot, &edit.keys, |part, key| part.get(key).cloned(), [&base, &there], &judged);
                self.tests(&spot, edit, &there);
                let rules = |link: &Part| link.get("rules").map_or(&[][..], Part::items).to_vec();
                self.rules(&spot, &edit.rules, &rules(&base), &rules(&there), &rules(&own))?;
                Ok(())
            }
        }
    }

    /// Names conflicts about fields that an overlay, as it was carried over, still calls by their former names.
    pub(super) fn former_names(&mut self, upgraded: &Overlay) {
        for change in &upgraded.links {
            let What::Edit(edit) = &change.what else { continue };
            let id = change.id();
            let of = |mapping: &Part| {
                let links = mapping.get("links").map_or(&[][..], Part::items);
                links.iter().find(|link| link_id(link) == Some(id)).cloned()
            };
            let versions = of(&self.versions.base.mapping).zip(of(&self.versions.template.mapping));
            let spot = Spot { link: Some(id.to_owned()), rule: None, path: keys(&["links", id]) };
            if let Some((base, there)) = versions {
                self.mentions(&spot, edit, &base, &there);
            }
        }
    }

    /// An operation that sets a key, or takes it away (`value` is `None`); `versions` is what the old and the new template
    /// have there.
    pub(super) fn key(
        &mut self,
        spot: &Spot,
        key: &Part,
        value: Option<&Part>,
        versions: [Option<Part>; 2],
        judged: &std::collections::BTreeMap<String, Judged>,
    ) {
        let name = key.text().unwrap_or("");
        let [base, there] = versions;
        let path = spot.with(&["set", name]);
        match judged.get(name) {
            Some(Judged::Same) => {
                self.fixes.push(Fix::Remove(path));
                self.note(spot, name, "the template says the same now");
            }
            // The overlay says what the old version said: it was meant to stay.
            Some(Judged::Conflict | Judged::Template | Judged::Merged) => {
                let template = Edited { before: shown(base.as_ref()), after: shown(there.as_ref()) };
                let customer = Edited { before: shown(base.as_ref()), after: shown(value) };
                let take = match value {
                    Some(_) => format!("take `{name}` out of `set`"),
                    None => format!("take `{name}` out of `unset`"),
                };
                self.conflict(spot, name, template, customer, take);
            }
            Some(Judged::Nobody | Judged::Customer) | None => {}
        }
    }

    pub(super) fn unset(
        &mut self,
        spot: &Spot,
        edit: &KeyEdit,
        get: impl Fn(&Part, &str) -> Option<Part>,
        [base, there]: [&Part; 2],
        judged: &std::collections::BTreeMap<String, Judged>,
    ) {
        for (at, key) in edit.unset.iter().enumerate() {
            let name = key.text().unwrap_or("");
            if get(there, name).is_none() {
                self.fixes.push(Fix::Remove(spot.item(&["unset"], at)));
                self.note(spot, name, "the template left it out too");
                continue;
            }
            self.key(spot, key, None, [get(base, name), get(there, name)], judged);
        }
    }

    fn replaced_link(
        &mut self,
        spot: &Spot,
        base: &Part,
        there: &Part,
        own: Option<&Part>,
    ) -> Result<(), Diagnostics> {
        let Some(own) = own.filter(|_| !there.same(base)) else { return Ok(()) };
        if own.same(there) {
            self.fixes.push(Fix::Remove(spot.path.clone()));
            self.note(spot, "", "the template says the same now");
            return Ok(());
        }
        let fields = |link: &Part| link_fields(link, true);
        let judged = self.judged(&fields(base), &fields(there), &fields(own))?;
        let mut merged = own.clone();
        for (name, judged) in &judged {
            match judged {
                Judged::Template => match (there.get(name), there.entries()) {
                    (Some(value), entries) => {
                        let key = entries.iter().map(|(key, _)| key).find(|key| key.text() == Some(name));
                        key.into_iter().for_each(|key| merged.set(key, value.clone()));
                    }
                    (None, _) => drop(merged.remove(name)),
                },
                Judged::Conflict | Judged::Merged => {
                    let template = Edited { before: shown(base.get(name)), after: shown(there.get(name)) };
                    let customer = Edited { before: shown(base.get(name)), after: shown(own.get(name)) };
                    let take = format!("write the template's `{name}` into what replaces the link");
                    self.conflict(spot, name, template, customer, take);
                }
                Judged::Nobody | Judged::Customer | Judged::Same => {}
            }
        }
        if !merged.same(own) {
            self.fixes.push(Fix::Put(spot.with(&["replace"]), merged));
        }
        Ok(())
    }

    fn tests(&mut self, spot: &Spot, edit: &LinkEdit, there: &Part) {
        let tests = there.get("tests").map_or(&[][..], Part::items);
        for (at, test) in edit.tests.iter().enumerate() {
            let name = test_name(test);
            let dropped = edit.without_tests.iter().any(|dropped| dropped.text() == Some(name));
            let Some(found) = tests.iter().find(|test| test_name(test) == name).filter(|_| !dropped) else {
                continue;
            };
            if found.same(test) {
                self.fixes.push(Fix::Remove(spot.item(&["tests"], at)));
                self.note(spot, name, "the template has the same test now");
            } else {
                let origin = &test.origin;
                self.fixes.push(Fix::Push(spot.with(&["without_tests"]), Part::name(origin, name)));
                let template = Edited { before: None, after: shown(Some(found)) };
                let customer = Edited { before: None, after: shown(Some(test)) };
                let take = format!("take `{name}` out of `tests` and `without_tests`");
                self.conflict(spot, &format!("test `{name}`"), template, customer, take);
            }
        }
        for (at, name) in edit.without_tests.iter().enumerate() {
            if !tests.iter().any(|test| Some(test_name(test)) == name.text()) {
                self.fixes.push(Fix::Remove(spot.item(&["without_tests"], at)));
                self.note(spot, name.text().unwrap_or(""), "the template has no such test any more");
            }
        }
    }

    fn added_links(&mut self) {
        for (at, link) in self.overlay.add_links.iter().enumerate() {
            let Some(id) = link_id(link) else { continue };
            let links = self.versions.template.mapping.get("links").map_or(&[][..], Part::items);
            let Some(there) = links.iter().find(|link| link_id(link) == Some(id)).cloned() else { continue };
            let spot =
                Spot { link: Some(id.to_owned()), rule: None, path: vec![Step::Key("add_links".to_owned())] };
            let mut path = spot.path.clone();
            path.push(Step::Item(at));
            if there.same(link) {
                self.fixes.push(Fix::Remove(path));
                self.note(&spot, "", "the template has the same link now");
                continue;
            }
            let origin = link.origin.clone();
            let replace = vec![(Part::word(&origin, "replace"), link.clone())];
            let part = Part::made(&origin, PartKind::Map(replace));
            self.fixes.push(Fix::Rename { from: path, to: keys(&["links", id]), part });
            let template = Edited { before: None, after: Some(format!("the link `{id}`")) };
            let customer = Edited { before: None, after: Some(format!("another link `{id}`")) };
            let take = format!("take `{id}` out of `links`, where the upgrade put it as a replacement");
            self.conflict(&spot, "link", template, customer, take);
        }
    }
}
