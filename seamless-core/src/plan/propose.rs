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
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};

    use super::Proposals;
    use crate::merge::LossyForm;
    use crate::model::{CanonicalForm, Normaliser, Side};
    use crate::plan::Suspicion;

    fn suspicion() -> impl Strategy<Value = Suspicion> {
        let cut = |length| LossyForm::Folded(CanonicalForm::new([Normaliser::Truncated(length)]));
        let form = prop_oneof![
            (10u32..12).prop_map(cut),
            (0u8..3, 0u8..3).prop_map(|(least, more)| LossyForm::Rounded { least, most: least + more }),
        ];
        let sent = prop_oneof![Just("a"), Just("b")];
        (form, sent).prop_map(|(form, sent)| Suspicion { field: "name".into(), form, sent: sent.into() })
    }

    proptest! {
        /// Against counting by hand: what is cut to a length is proposed where two different values were.
        #[test]
        fn a_form_is_proposed_where_two_different_values_show_it(
            seen in proptest::collection::vec((any::<bool>(), suspicion()), 0..12),
        ) {
            let mut proposals = Proposals::new();
            let side = |left: bool| if left { Side::Left } else { Side::Right };
            for (left, suspicion) in &seen {
                proposals.add(&"customers".into(), side(*left), suspicion);
            }
            let proposed = proposals.proposed();
            for (left, length) in [(true, 10), (true, 11), (false, 10), (false, 11)] {
                let form = LossyForm::Folded(CanonicalForm::new([Normaliser::Truncated(length)]));
                let of = |sent: &str| {
                    let mut seen = seen.iter();
                    seen.any(|(at, one)| *at == left && one.form == form && one.sent == sent)
                };
                let found = proposed.iter().find(|found| found.side == side(left) && found.form == form);
                prop_assert_eq!(found.is_some(), of("a") && of("b"));
                let records = seen.iter().filter(|(at, one)| *at == left && one.form == form).count();
                prop_assert!(found.is_none_or(|found| found.records == records as u64));
            }
        }
    }
}
