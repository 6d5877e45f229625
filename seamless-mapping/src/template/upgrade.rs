//! Overlays carried from one version of a template to the next.
//!
//! Every link and rule is a record, its keys are fields, the old version is the base; the new version is one edit of it and
//! what the overlay makes of the old one is the other. A three-way merge says of each key who changed it
//! ([`record`](super::record)). The overlay's own text is then changed only where it has to be: operations that the template
//! has taken up are cut out, those that still say something stay as they are written. Where both changed the same thing
//! the overlay keeps the customer's, and a [`Conflict`] names it. The door is [`upgrade`].

use seamless_core::document::Diagnostics;

use super::Choices;
use super::carried::Carried;
use super::compose::{Composed, compose};
use super::conflict::Conflict;
use super::edit::Step;
use super::overlay::Overlay;
use super::read::{Template, unknown};
use super::variant;
use crate::notation::{LoadOptions, ParameterValues};

/// What became of overlays.
#[derive(Clone, Debug)]
pub struct Upgrade {
    /// The overlays against the new version, the lowest first.
    pub overlays: Vec<UpgradedOverlay>,
    /// What a person has to decide, in the order of the overlays.
    pub conflicts: Vec<Conflict>,
    /// What happened without a question: operations that are needed no more.
    pub notes: Vec<String>,
    /// What the loader says against the new version with the new overlays, where it loaded before: operations that no
    /// longer go together although nobody changed the same thing.
    pub refused: Option<Diagnostics>,
}

/// An overlay against the new version of its template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpgradedOverlay {
    /// What the layer is called.
    pub id: String,
    /// Its text.
    pub text: String,
}

/// Carries layers of overlays from one version of a template to another.
///
/// Without a conflict every operation of every overlay is still in force. Comments stay where their operation does. Where
/// the template did not change, the texts do not either. Parameters have their defaults, or the values in `parameters`.
///
/// Errors: another template, overlays that cannot be laid over the old version, a new version that is no mapping. Total:
/// never panics.
pub fn upgrade(
    old: &Template,
    new: &Template,
    overlays: &[Overlay],
    parameters: &ParameterValues,
) -> Result<Upgrade, Diagnostics> {
    if old.id() != new.id() {
        let message = format!("`{}` is another template than `{}`", new.id(), old.id());
        let root = new.mapping();
        return Err(unknown(&root, "upgrade-template", message, "give two versions of one".to_owned()));
    }
    let before = compose(old, overlays, &Choices::new())?;
    let choices = before.choices().clone();
    let still = |(name, choice): &(&String, &String)| variant::check(new.variants(), name, choice).is_ok();
    let new_choices: Choices =
        choices.iter().filter(still).map(|(name, choice)| (name.clone(), choice.clone())).collect();
    let mut upgraded: Vec<Overlay> = Vec::new();
    let mut done = Upgrade { overlays: Vec::new(), conflicts: Vec::new(), notes: Vec::new(), refused: None };
    for (place, overlay) in overlays.iter().enumerate() {
        let below = overlays.get(..place).unwrap_or(&[]);
        let with = overlays.get(..=place).unwrap_or(overlays);
        let versions = Versions {
            base: compose(old, below, &choices)?,
            customer: compose(old, with, &choices)?,
            template: compose(new, &upgraded, &new_choices)?,
        };
        let mut carried = Carried::new(overlay, old, new, &versions);
        carried.all()?;
        let text = carried.text(new.version())?;
        let carried_over = Overlay::read(overlay.document.name(), &text)?;
        carried.former_names(&carried_over);
        done.conflicts.append(&mut carried.conflicts);
        done.notes.append(&mut carried.notes);
        upgraded.push(carried_over);
        done.overlays.push(UpgradedOverlay { id: overlay.id().to_owned(), text });
    }
    let after = compose(new, &upgraded, &Choices::new())?;
    let options = || LoadOptions { parameters: parameters.clone(), ..LoadOptions::default() };
    if before.load(&options()).is_ok() {
        done.refused = after.load(&options()).err();
    }
    Ok(done)
}

/// The three versions that one overlay is judged by.
pub(super) struct Versions {
    /// The old template with the layers below.
    pub(super) base: Composed,
    /// The same with the overlay.
    pub(super) customer: Composed,
    /// The new template with the layers below, as they were carried over.
    pub(super) template: Composed,
}

/// A path of keys.
pub(super) fn keys(names: &[&str]) -> Vec<Step> {
    names.iter().map(|name| Step::Key((*name).to_owned())).collect()
}
