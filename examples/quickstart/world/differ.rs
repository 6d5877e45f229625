//! Makes the two copies of a record differ: 15 percent of the plain fields of the pairs, half of them because one
//! side has nothing, half because the sides say different things; and 3 percent more that only look different.
//!
//! One promise keeps every true pair findable: where the e-mail of a person is missing or not the same text on both
//! sides, the first and last name are.
//!
//! Door: [`differ`].

use std::collections::HashSet;

use super::Entity;
use super::correspondence::{ACCOUNT, CONTACT, Correspondence, Kind};
use super::generate::{Cells, Draft, Presence, address, country, phone};
use super::random::Random;
use super::truth::{Difference, DifferenceKind, Truth};
use super::words::{FIRST_NAMES, LAST_NAMES, MIDDLE_NAMES, SECOND_LINES, plain};

const DIFFERING_PERCENT: usize = 15;
const HARMLESS_PERCENT: usize = 3;

/// One field of one pair.
type Slot = (Entity, usize, &'static Correspondence);

/// Changes the cells of pairs and notes every change in the truth.
pub(super) fn differ(random: &mut Random, accounts: &mut [Draft], contacts: &mut [Draft], truth: &mut Truth) {
    let mut slots = self::slots(Entity::Account, &ACCOUNT, accounts);
    slots.extend(self::slots(Entity::Contact, &CONTACT, contacts));
    random.shuffle(&mut slots);
    truth.comparable_fields = slots.len();
    let differing = slots.len() * DIFFERING_PERCENT / 100;
    let mut quota = Quota {
        one_blank: differing / 2,
        different: differing - differing / 2,
        harmless: slots.len() * HARMLESS_PERCENT / 100,
    };
    let mut locks = Locks::default();
    for (entity, at, field) in slots {
        let draft = match entity {
            Entity::Account => accounts.get_mut(at),
            Entity::Contact => contacts.get_mut(at),
        };
        let Some(draft) = draft else { continue };
        if entity == Entity::Contact && !locks.allow(at, field, &draft.crm) {
            continue;
        }
        let Some(kind) = quota.next(field, draft.crm.get(field.crm)) else { continue };
        let (crm, erp) = two_values(random, kind, field, draft);
        draft.crm.set(field.crm, crm.clone());
        draft.erp.set(field.crm, erp.clone());
        quota.take(kind);
        if entity == Entity::Contact {
            locks.close(at, field);
        }
        truth.differences.push(Difference {
            entity,
            crm_id: draft.crm_id.clone(),
            column: field.crm,
            kind,
            crm,
            erp,
        });
    }
}

fn slots(entity: Entity, fields: &'static [Correspondence], drafts: &[Draft]) -> Vec<Slot> {
    let pairs = drafts
        .iter()
        .enumerate()
        .filter(|(_, draft)| draft.presence == Presence::Both && !draft.is_ambiguous);
    pairs
        .flat_map(|(at, _)| {
            fields.iter().filter(|field| field.is_plain()).map(move |field| (entity, at, field))
        })
        .collect()
}

/// How many differences of each kind are still to be made.
struct Quota {
    one_blank: usize,
    different: usize,
    harmless: usize,
}

impl Quota {
    /// What may be done to a field, if anything: the kind that lags most, within what the field allows.
    fn next(&self, field: &Correspondence, value: &str) -> Option<DifferenceKind> {
        let may_be_blank = !matches!(field.crm, "name" | "firstname" | "lastname");
        let has_spellings = !value.is_empty() && field.kind != Kind::Terms;
        if self.one_blank > 0 && may_be_blank && self.one_blank >= self.different {
            Some(DifferenceKind::OneBlank)
        } else if self.different > 0 {
            Some(DifferenceKind::Different)
        } else if self.one_blank == 0 && self.harmless > 0 && has_spellings {
            Some(DifferenceKind::Harmless)
        } else {
            None
        }
    }

    fn take(&mut self, kind: DifferenceKind) {
        let left = match kind {
            DifferenceKind::OneBlank => &mut self.one_blank,
            DifferenceKind::Different => &mut self.different,
            DifferenceKind::Harmless => &mut self.harmless,
        };
        *left = left.saturating_sub(1);
    }
}

/// Which people can be found by their e-mail only, and which by their name only.
#[derive(Default)]
struct Locks {
    name_changed: HashSet<usize>,
    email_changed: HashSet<usize>,
}

impl Locks {
    fn allow(&self, at: usize, field: &Correspondence, cells: &Cells) -> bool {
        match field.crm {
            "firstname" | "lastname" => {
                !cells.get("emailaddress1").is_empty() && !self.email_changed.contains(&at)
            }
            "emailaddress1" => !self.name_changed.contains(&at),
            _ => true,
        }
    }

    fn close(&mut self, at: usize, field: &Correspondence) {
        match field.crm {
            "firstname" | "lastname" => self.name_changed.insert(at),
            "emailaddress1" => self.email_changed.insert(at),
            _ => false,
        };
    }
}

/// The value for the CRM and the value for the ERP.
fn two_values(
    random: &mut Random,
    kind: DifferenceKind,
    field: &Correspondence,
    draft: &Draft,
) -> (String, String) {
    let old = draft.crm.get(field.crm).to_owned();
    let is_missing = old.is_empty() || (field.kind == Kind::Money && old == "0.00");
    let value = if is_missing && kind != DifferenceKind::Harmless {
        another(random, field, draft, &old)
    } else {
        old
    };
    // The ERP decides about an amount, so it always has one. Its codes hold no blanks at the end.
    let is_code =
        kind == DifferenceKind::Harmless && matches!(field.crm, "address1_country" | "address1_postalcode");
    let crm_is_odd = field.kind == Kind::Money || is_code || random.percent(50);
    let odd = match kind {
        DifferenceKind::OneBlank => String::new(),
        DifferenceKind::Different => another(random, field, draft, &value),
        DifferenceKind::Harmless => spelled_differently(field.kind, &value),
    };
    if crm_is_odd { (odd, value) } else { (value, odd) }
}

/// A value that means something else than the given one.
fn another(random: &mut Random, field: &Correspondence, draft: &Draft, old: &str) -> String {
    loop {
        let new = invent(random, field.crm, draft);
        if !new.is_empty() && new != old {
            return new;
        }
    }
}

/// Draws until something new comes up, so every arm has at least two outcomes.
fn invent(random: &mut Random, column: &str, draft: &Draft) -> String {
    let land = country(random);
    match column {
        "name" => {
            format!("{} {}", draft.crm.get("name"), random.pick(&["Holding", "International", "Group"]))
        }
        "address1_primarycontactname" => {
            format!("{} {}", random.pick(&FIRST_NAMES), random.pick(&LAST_NAMES))
        }
        // Two names, so that nobody becomes the namesake of somebody else.
        "firstname" => format!("{}-{}", draft.crm.get("firstname"), random.pick(&FIRST_NAMES)),
        "middlename" => random.pick(&MIDDLE_NAMES).to_owned(),
        "lastname" => format!("{}-{}", draft.crm.get("lastname"), random.pick(&LAST_NAMES)),
        "emailaddress1" => {
            // The key makes it unique: no other record has an address with this number.
            let domain =
                draft.crm.get("emailaddress1").split_once('@').map_or("mail.example", |(_, domain)| domain);
            let name = plain(random.pick(&["post", "office", "mail", "kontakt"]));
            format!("{name}.{}@{domain}", draft.erp_no.to_lowercase())
        }
        "telephone1" | "mobilephone" | "fax" => phone(random, land),
        "websiteurl" => format!(
            "https://{}.example",
            plain(draft.crm.get("lastname")) + random.pick(&["shop", "group", "web"])
        ),
        "paymenttermscode" => (1 + random.below(4)).to_string(),
        "creditlimit" => format!("{}.{:02}", 250 + random.below(90_000), random.below(100)),
        "address1_line2" => random.pick(&SECOND_LINES).to_owned(),
        address_column => address(random, land).get(address_column).to_owned(),
    }
}

/// The same value as another hand would type it.
fn spelled_differently(kind: Kind, value: &str) -> String {
    match kind {
        Kind::Email => value.to_uppercase(),
        Kind::Phone => value.replace(' ', "-"),
        Kind::Money => value.trim_end_matches('0').trim_end_matches('.').to_owned(),
        _ => format!("{value} "),
    }
}
