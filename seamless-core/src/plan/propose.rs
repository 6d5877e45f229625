//! Forms that systems seem to keep values in: what several suspicions of one field have in common. Pure; the door is
//! [`Proposals`].
//!
//! One value proves nothing: a user may have shortened it. Two *different* values of two records that one form explains
//! propose it. Nothing follows from a proposal by itself: a person declares the form in the mapping, or decides record
//! by record.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::entry::{Body, Effect, Entry, ParkReason};
use super::known::{Attention, AttentionWhy, Suspicion};
use crate::merge::LossyForm;
use crate::model::{FieldName, LinkId, Normaliser, Side};

/// Forms of one field that are kept apart at most; a field that needs more is edited by people.
const FORMS_MAX: usize = 8;

/// A form that a side seems to keep a field in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormProposal {
    /// The link.
    pub link: LinkId,
    /// The side.
    pub side: Side,
    /// Its field.
    pub field: FieldName,
    /// What explains every value that was seen.
    pub form: LossyForm,
    /// In how many records it was seen.
    pub records: u64,
}

/// Suspicions as they are gathered. Memory: a few forms per field, however many records.
#[derive(Clone, Debug, Default)]
pub struct Proposals {
    fields: BTreeMap<(LinkId, Side, FieldName), Vec<Observed>>,
}

#[derive(Clone, Debug)]
struct Observed {
    form: LossyForm,
    records: u64,
    sent: String,
    different: bool,
}

impl Proposals {
    /// Nothing gathered.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes note of an entry of a plan; true where it holds a suspicion.
    pub fn entry(&mut self, entry: &Entry) -> bool {
        let Body::Effect(Effect::Park(parked)) = &entry.body else { return false };
        let ParkReason::Suspected(suspicion) = &parked.why else { return false };
        self.add(&entry.link, parked.side, suspicion);
        true
    }

    /// Takes note of what stands open about a record.
    pub fn attention(&mut self, link: &LinkId, row: &Attention) {
        if let AttentionWhy::Parked { suspicion: Some(suspicion), .. } = &row.why {
            self.add(link, row.side, suspicion);
        }
    }

    fn add(&mut self, link: &LinkId, side: Side, suspicion: &Suspicion) {
        let Suspicion { field, form, sent } = suspicion;
        let forms = self.fields.entry((link.clone(), side, field.clone())).or_default();
        for known in forms.iter_mut() {
            if let Some(common) = known.form.common(form) {
                known.form = common;
                known.records += 1;
                known.different |= known.sent != *sent;
                return;
            }
        }
        if forms.len() < FORMS_MAX {
            let (form, sent) = (form.clone(), sent.clone());
            forms.push(Observed { form, records: 1, sent, different: false });
        }
    }

    /// The forms that at least two records with different values propose, in a stable order.
    pub fn proposed(self) -> Vec<FormProposal> {
        let of_field = |((link, side, field), forms): ((LinkId, Side, FieldName), Vec<Observed>)| {
            forms.into_iter().filter(|known| known.different).map(move |known| FormProposal {
                link: link.clone(),
                side,
                field: field.clone(),
                form: known.form,
                records: known.records,
            })
        };
        self.fields.into_iter().flat_map(of_field).collect()
    }
}

impl FormProposal {
    /// What it says, for a business user who calls the side by this name.
    pub fn words(&self, side: &str) -> String {
        let FormProposal { link, field, form, records, .. } = self;
        let seen = format!("{side} seems to store {field} of {link} {form} ({records} records)");
        match self.notation() {
            Some(form) => format!(
                "{seen}; declare it in the mapping under forms, {side}: `{field}: {form}`, or decide record by record"
            ),
            None => format!("{seen}; let the rule round as the system does, or decide record by record"),
        }
    }

    /// The form as a mapping file writes it; `None` where no form says it.
    pub fn notation(&self) -> Option<String> {
        let form = self.form.declared()?;
        let steps: Vec<String> = form.steps().iter().map(notation).collect();
        Some(match steps.as_slice() {
            [one] => one.clone(),
            several => format!("[{}]", several.join(", ")),
        })
    }
}

fn notation(step: &Normaliser) -> String {
    match step {
        Normaliser::Trim => "trim".to_owned(),
        Normaliser::Case => "case".to_owned(),
        Normaliser::Space => "space".to_owned(),
        Normaliser::Unicode => "unicode".to_owned(),
        Normaliser::Digits => "digits".to_owned(),
        Normaliser::Email => "email".to_owned(),
        Normaliser::Truncated(length) => format!("truncated({length})"),
        Normaliser::Scale(scale) => format!("scale({scale})"),
        Normaliser::Instant(digits) => format!("instant({digits})"),
        Normaliser::Set => "set".to_owned(),
        Normaliser::EmptyIsNull => "blank".to_owned(),
        Normaliser::ZeroIsNull => "zero_is_null".to_owned(),
        Normaliser::OptionValue => "option".to_owned(),
        // Follows from the rules of the lines; nothing proposes one.
        Normaliser::Lines(_) => "lines".to_owned(),
        // Follows from the rule that packs.
        Normaliser::Packed(_) => "packed".to_owned(),
        // Follows from the rule that embeds the row.
        Normaliser::Row(_) => "row".to_owned(),
    }
}

#[cfg(test)]
#[path = "propose_tests.rs"]
mod tests;
