//! Invents the companies and people, decides who is stored where, and remembers it all as the [`Truth`].
//!
//! Pure: from a seed to drafts, without a database. Half of the accounts and of the contacts exist on both sides, the
//! others on one (60 to 40 in favour of the CRM). What makes the two copies of a record differ is in [`super::differ`].
//!
//! Door: [`generate`].

use std::collections::{BTreeMap, HashSet};

use super::random::Random;
use super::truth::{Ambiguous, Population, Truth};
use super::words::{
    COMPANY_NAMES, COUNTRIES, Country, FIRST_NAMES, LAST_NAMES, MIDDLE_NAMES, SECOND_LINES, TRADES, plain,
};
use super::{Outcome, differ};

/// Groups of twins: stored twice in the ERP, and stored twice in the CRM.
const TWINS_IN_ERP: usize = 3;
const TWINS_IN_CRM: usize = 1;
const USERS: usize = 8;

/// How many records to invent, counting one that is on both sides once.
#[derive(Clone, Copy)]
pub(super) struct Sizes {
    /// Companies; at most 2,560.
    pub(super) accounts: usize,
    /// People; at most 8,000.
    pub(super) contacts: usize,
}

/// Where a record is stored before anything was synchronised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Presence {
    Both,
    CrmOnly,
    ErpOnly,
}

/// The plain values of one record on one side, by the column of the CRM; a missing value is the empty text.
#[derive(Clone, Debug, Default)]
pub(super) struct Cells(BTreeMap<&'static str, String>);

impl Cells {
    pub(super) fn get(&self, column: &str) -> &str {
        self.0.get(column).map_or("", String::as_str)
    }

    pub(super) fn set(&mut self, column: &'static str, value: String) {
        self.0.insert(column, value);
    }
}

/// One record and what each side will be told about it.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub(super) presence: Presence,
    /// The key in the CRM, also when it is not stored there.
    pub(super) crm_id: String,
    /// The key in the ERP, also when it is not stored there.
    pub(super) erp_no: String,
    pub(super) crm: Cells,
    pub(super) erp: Cells,
    /// Which user looks after it.
    pub(super) owner: usize,
    /// For an account its primary contact, for a contact its company, by position.
    pub(super) reference: Option<usize>,
    /// True for people that are stored twice on one side.
    pub(super) is_ambiguous: bool,
}

/// A user of the CRM who is a salesperson in the ERP.
#[derive(Clone, Debug)]
pub(super) struct User {
    pub(super) crm_id: String,
    pub(super) code: String,
    pub(super) name: String,
    pub(super) email: String,
    pub(super) phone: String,
}

/// Everything that goes into the two databases.
pub(super) struct Drafts {
    pub(super) seed: u64,
    pub(super) users: Vec<User>,
    pub(super) accounts: Vec<Draft>,
    pub(super) contacts: Vec<Draft>,
    pub(super) truth: Truth,
}

/// What people of one company have in common.
struct Company {
    country: &'static Country,
    domain: String,
}

/// Invents everything. Fails only when the sizes ask for more names than there are.
pub(super) fn generate(seed: u64, sizes: Sizes) -> Outcome<Drafts> {
    if sizes.accounts > COMPANY_NAMES.len() * TRADES.len() {
        return Err(format!("there are no names for {} companies: ask for fewer", sizes.accounts).into());
    }
    if sizes.contacts > FIRST_NAMES.len() * LAST_NAMES.len() {
        return Err(format!("there are no names for {} people: ask for fewer", sizes.contacts).into());
    }
    let mut random = Random::new(seed);
    let users = users(&mut random);
    let (mut accounts, companies) = accounts(&mut random, sizes.accounts);
    let mut contacts = contacts(&mut random, sizes.contacts, &accounts, &companies);
    choose_primary_contacts(&mut random, &mut accounts, &contacts);
    let ambiguous = add_twins(&mut random, &accounts, &mut contacts);
    let mut truth = Truth {
        accounts: population(&accounts),
        contacts: population(&contacts),
        ambiguous,
        ..Truth::default()
    };
    differ::differ(&mut random, &mut accounts, &mut contacts, &mut truth);
    Ok(Drafts { seed, users, accounts, contacts, truth })
}

fn users(random: &mut Random) -> Vec<User> {
    let mut users = Vec::with_capacity(USERS);
    for (first, last) in FIRST_NAMES.iter().zip(LAST_NAMES.iter().skip(30)).take(USERS) {
        let (plain_first, plain_last) = (plain(first), plain(last));
        users.push(User {
            crm_id: random.guid(),
            code: format!("{plain_first:.1}{plain_last:.3}").to_uppercase(),
            name: format!("{first} {last}"),
            email: format!("{plain_first}.{plain_last}@cronus.example"),
            phone: format!("+45 {:08}", random.below(100_000_000)),
        });
    }
    users
}

/// Half of them on both sides, 60 percent of the others in the CRM, in random order.
fn presences(random: &mut Random, count: usize) -> Vec<Presence> {
    let shared = count / 2;
    let crm_only = (count - shared) * 60 / 100;
    let mut presences = vec![Presence::Both; shared];
    presences.resize(shared + crm_only, Presence::CrmOnly);
    presences.resize(count, Presence::ErpOnly);
    random.shuffle(&mut presences);
    presences
}

/// All combinations of two lists in random order.
fn combinations(
    random: &mut Random,
    left: &[&'static str],
    right: &[&'static str],
) -> Vec<(&'static str, &'static str)> {
    let mut all: Vec<_> =
        left.iter().flat_map(|first| right.iter().map(|second| (*first, *second))).collect();
    random.shuffle(&mut all);
    all
}

fn accounts(random: &mut Random, count: usize) -> (Vec<Draft>, Vec<Company>) {
    let names = combinations(random, &COMPANY_NAMES, &TRADES);
    let (mut drafts, mut companies) = (Vec::with_capacity(count), Vec::with_capacity(count));
    let (mut next_customer, mut next_account) = (0, 0);
    for ((name, trade), presence) in names.into_iter().zip(presences(random, count)) {
        let country = country(random);
        let domain = format!("{}-{}.{}", plain(name), plain(trade), country.domain);
        let mut cells = address(random, country);
        cells.set("name", format!("{name} {trade} {}", random.pick(country.forms)));
        cells.set("emailaddress1", format!("info@{domain}"));
        cells.set("telephone1", phone(random, country));
        cells.set("fax", if random.percent(40) { phone(random, country) } else { String::new() });
        cells.set(
            "websiteurl",
            if random.percent(80) { format!("https://www.{domain}") } else { String::new() },
        );
        let terms = random.below(5);
        cells.set("paymenttermscode", if terms == 0 { String::new() } else { terms.to_string() });
        // A limit is granted in the ERP: an account that the ERP has not seen has none.
        let limit = if presence == Presence::CrmOnly { 0 } else { random.below(200) * 500 };
        cells.set("creditlimit", format!("{limit}.00"));
        let erp_no = if presence == Presence::CrmOnly {
            next_account += 1;
            format!("A{next_account:05}")
        } else {
            next_customer += 10;
            format!("C{next_customer:05}")
        };
        cells.set("accountnumber", erp_no.clone());
        let (crm_id, owner) = (random.guid(), random.below(USERS));
        let (crm, erp) = (cells.clone(), cells);
        drafts.push(Draft {
            presence,
            crm_id,
            erp_no,
            crm,
            erp,
            owner,
            reference: None,
            is_ambiguous: false,
        });
        companies.push(Company { country, domain });
    }
    (drafts, companies)
}

fn contacts(random: &mut Random, count: usize, accounts: &[Draft], companies: &[Company]) -> Vec<Draft> {
    let names = combinations(random, &FIRST_NAMES, &LAST_NAMES);
    let mut workplaces = Workplaces::of(accounts);
    let mut addresses_taken = HashSet::new();
    let mut drafts = Vec::with_capacity(count);
    let (mut next_in_erp, mut next_in_crm) = (0, 0);
    for ((first, last), presence) in names.into_iter().zip(presences(random, count)) {
        let at = workplaces.pick(random, presence);
        let (Some(account), Some(company)) = (accounts.get(at), companies.get(at)) else { continue };
        let mut cells = Cells::default();
        for (column, value) in account.crm.0.iter().filter(|(column, _)| column.starts_with("address1_")) {
            cells.set(column, value.clone());
        }
        cells.set("firstname", first.to_owned());
        cells.set(
            "middlename",
            if random.percent(15) { random.pick(&MIDDLE_NAMES).to_owned() } else { String::new() },
        );
        cells.set("lastname", last.to_owned());
        if random.percent(95) {
            cells.set("emailaddress1", email(&mut addresses_taken, first, last, &company.domain));
        }
        cells.set("telephone1", phone(random, company.country));
        cells.set(
            "mobilephone",
            if random.percent(60) { phone(random, company.country) } else { String::new() },
        );
        cells.set("fax", if random.percent(20) { account.crm.get("fax").to_owned() } else { String::new() });
        cells.set(
            "websiteurl",
            if random.percent(30) { account.crm.get("websiteurl").to_owned() } else { String::new() },
        );
        let (mut crm, erp) = (cells.clone(), cells);
        let erp_no = if presence == Presence::CrmOnly {
            next_in_crm += 1;
            let number = format!("P{next_in_crm:06}");
            crm.set("externaluseridentifier", number.clone());
            number
        } else {
            next_in_erp += 1;
            format!("CT{next_in_erp:06}")
        };
        let (crm_id, owner) = (random.guid(), account.owner);
        drafts.push(Draft {
            presence,
            crm_id,
            erp_no,
            crm,
            erp,
            owner,
            reference: Some(at),
            is_ambiguous: false,
        });
    }
    drafts
}

/// Where people may work: a company that is stored wherever they are.
struct Workplaces {
    both: Vec<usize>,
    crm_only: Vec<usize>,
    erp_only: Vec<usize>,
    /// How many of each list have someone already; every company gets one person before any gets a second.
    staffed: [usize; 3],
}

impl Workplaces {
    fn of(accounts: &[Draft]) -> Self {
        let with = |presence| {
            accounts
                .iter()
                .enumerate()
                .filter(|(_, draft)| draft.presence == presence)
                .map(|(at, _)| at)
                .collect()
        };
        Self {
            both: with(Presence::Both),
            crm_only: with(Presence::CrmOnly),
            erp_only: with(Presence::ErpOnly),
            staffed: [0; 3],
        }
    }

    fn pick(&mut self, random: &mut Random, presence: Presence) -> usize {
        let [both, crm_only, erp_only] = &mut self.staffed;
        let (list, staffed) = match presence {
            Presence::Both => (&self.both, both),
            Presence::CrmOnly => (&self.crm_only, crm_only),
            Presence::ErpOnly => (&self.erp_only, erp_only),
        };
        if let Some(at) = list.get(*staffed) {
            *staffed += 1;
            return *at;
        }
        let list = if random.percent(60) { list } else { &self.both };
        list.get(random.below(list.len())).copied().unwrap_or_default()
    }
}

/// Seven of ten accounts have a primary contact; its name stands in a text column too.
fn choose_primary_contacts(random: &mut Random, accounts: &mut [Draft], contacts: &[Draft]) {
    for (at, contact) in contacts.iter().enumerate() {
        let Some(account) = contact.reference.and_then(|company| accounts.get_mut(company)) else { continue };
        if account.reference.is_none() && account.presence == contact.presence && random.percent(70) {
            account.reference = Some(at);
            let name = format!("{} {}", contact.crm.get("firstname"), contact.crm.get("lastname"));
            account.crm.set("address1_primarycontactname", name.clone());
            account.erp.set("address1_primarycontactname", name);
        }
    }
}

/// Stores a few people twice on one side. None of them is anybody's primary contact, so parking them parks only them.
fn add_twins(random: &mut Random, accounts: &[Draft], contacts: &mut Vec<Draft>) -> Vec<Ambiguous> {
    let primary: HashSet<usize> = accounts.iter().filter_map(|account| account.reference).collect();
    let chosen: Vec<usize> = contacts
        .iter()
        .enumerate()
        .filter(|(at, contact)| {
            contact.presence == Presence::Both
                && !contact.crm.get("emailaddress1").is_empty()
                && !primary.contains(at)
        })
        .map(|(at, _)| at)
        .take(TWINS_IN_ERP + TWINS_IN_CRM)
        .collect();
    let mut groups = Vec::with_capacity(chosen.len());
    for (group, at) in chosen.into_iter().enumerate() {
        let Some(contact) = contacts.get_mut(at) else { continue };
        contact.is_ambiguous = true;
        let mut twin = contact.clone();
        let mut ambiguous = Ambiguous {
            email: contact.crm.get("emailaddress1").to_owned(),
            crm: vec![contact.crm_id.clone()],
            erp: vec![contact.erp_no.clone()],
        };
        twin.crm_id = random.guid();
        twin.erp_no = format!("CT{:06}", 900_001 + group);
        if group < TWINS_IN_ERP {
            twin.presence = Presence::ErpOnly;
            ambiguous.erp.push(twin.erp_no.clone());
        } else {
            twin.presence = Presence::CrmOnly;
            ambiguous.crm.push(twin.crm_id.clone());
        }
        contacts.push(twin);
        groups.push(ambiguous);
    }
    groups
}

fn population(drafts: &[Draft]) -> Population {
    let mut population = Population::default();
    for draft in drafts.iter().filter(|draft| !draft.is_ambiguous) {
        match draft.presence {
            Presence::Both => population.shared.push((draft.crm_id.clone(), draft.erp_no.clone())),
            Presence::CrmOnly => population.crm_only.push(draft.crm_id.clone()),
            Presence::ErpOnly => population.erp_only.push(draft.erp_no.clone()),
        }
    }
    population
}

pub(super) fn country(random: &mut Random) -> &'static Country {
    let [first, ..] = &COUNTRIES;
    COUNTRIES.get(random.below(COUNTRIES.len())).unwrap_or(first)
}

pub(super) fn address(random: &mut Random, country: &Country) -> Cells {
    let mut cells = Cells::default();
    let (city, county, _, post_code) =
        country.cities.get(random.below(country.cities.len())).copied().unwrap_or_default();
    cells.set("address1_line1", format!("{} {}", random.pick(country.streets), 1 + random.below(180)));
    cells.set(
        "address1_line2",
        if random.percent(25) { random.pick(&SECOND_LINES).to_owned() } else { String::new() },
    );
    cells.set("address1_postalcode", format!("{post_code}{:02}", random.below(100)));
    cells.set("address1_city", city.to_owned());
    cells.set("address1_stateorprovince", county.to_owned());
    cells.set("address1_country", country.code.to_owned());
    cells
}

pub(super) fn phone(random: &mut Random, country: &Country) -> String {
    let (_, _, area, _) = country.cities.get(random.below(country.cities.len())).copied().unwrap_or_default();
    format!("{} {area} {:03} {:04}", country.dial, 200 + random.below(800), random.below(10_000))
}

/// An address that nobody has yet.
fn email(taken: &mut HashSet<String>, first: &str, last: &str, domain: &str) -> String {
    let name = format!("{}.{}", plain(first), plain(last));
    let mut address = format!("{name}@{domain}");
    let mut attempt = 1;
    while !taken.insert(address.clone()) {
        attempt += 1;
        address = format!("{name}{attempt}@{domain}");
    }
    address
}

#[cfg(test)]
#[path = "generate_tests.rs"]
mod tests;
