//! Writes the drafts into one of the two databases, each value in the manner of that side.

use rusqlite::types::Value;
use rusqlite::{Connection, Transaction, params, params_from_iter};

use super::correspondence::{ACCOUNT, CONTACT, Correspondence, Kind, PAYMENT_TERMS};
use super::generate::{Draft, Drafts, Presence};
use super::random::Random;
use super::words::JOBS;
use super::{Entity, Outcome, Side};

/// Fills an empty database in one transaction.
///
/// Accounts come first and get their primary contacts last, because the two tables refer to each other.
pub(super) fn insert(database: &mut Connection, side: Side, drafts: &Drafts) -> Outcome<()> {
    let transaction = database.transaction()?;
    let mut random = Random::new(drafts.seed ^ if side == Side::Crm { 0xC } else { 0xE });
    insert_users(&transaction, side, drafts)?;
    insert_records(&transaction, side, Entity::Account, drafts, &mut random)?;
    insert_records(&transaction, side, Entity::Contact, drafts, &mut random)?;
    set_primary_contacts(&transaction, side, drafts)?;
    transaction.commit()?;
    Ok(())
}

fn insert_users(transaction: &Transaction<'_>, side: Side, drafts: &Drafts) -> Outcome<()> {
    let mut statement = transaction.prepare(match side {
        Side::Crm => {
            "INSERT INTO systemuser (systemuserid, fullname, internalemailaddress, mobilephone) VALUES (?1, ?2, ?3, ?4)"
        }
        Side::Erp => {
            r#"INSERT INTO "Salesperson/Purchaser" ("Code", "Name", "E-Mail", "Phone No.") VALUES (?1, ?2, ?3, ?4)"#
        }
    })?;
    for user in &drafts.users {
        let key = if side == Side::Crm { &user.crm_id } else { &user.code };
        statement.execute(params![key, user.name, user.email, user.phone])?;
    }
    Ok(())
}

fn insert_records(
    transaction: &Transaction<'_>,
    side: Side,
    entity: Entity,
    drafts: &Drafts,
    random: &mut Random,
) -> Outcome<()> {
    let (table, key, fields, list) = match (side, entity) {
        (Side::Crm, Entity::Account) => ("account", Some("accountid"), &ACCOUNT, &drafts.accounts),
        (Side::Crm, Entity::Contact) => ("contact", Some("contactid"), &CONTACT, &drafts.contacts),
        (Side::Erp, Entity::Account) => ("Customer", None, &ACCOUNT, &drafts.accounts),
        (Side::Erp, Entity::Contact) => ("Contact", None, &CONTACT, &drafts.contacts),
    };
    let unmapped = unmapped_columns(side, entity);
    let columns: Vec<String> = key
        .into_iter()
        .chain(fields.iter().map(|field| if side == Side::Crm { field.crm } else { field.erp }))
        .chain(unmapped.iter().copied())
        .map(|column| format!("\"{column}\""))
        .collect();
    let marks = vec!["?"; columns.len()].join(", ");
    let sql = format!("INSERT INTO \"{table}\" ({}) VALUES ({marks})", columns.join(", "));
    let mut statement = transaction.prepare(&sql)?;
    let absent = if side == Side::Crm { Presence::ErpOnly } else { Presence::CrmOnly };
    for draft in list.iter().filter(|draft| draft.presence != absent) {
        let mut row = Vec::with_capacity(columns.len());
        if key.is_some() {
            row.push(Value::Text(draft.crm_id.clone()));
        }
        row.extend(fields.iter().map(|field| value(side, field, draft, drafts)));
        row.extend(unmapped.iter().map(|column| unmapped_value(column, random)));
        statement.execute(params_from_iter(row))?;
    }
    Ok(())
}

/// The value of a mapped column. A primary contact is left out: it does not exist yet.
fn value(side: Side, field: &Correspondence, draft: &Draft, drafts: &Drafts) -> Value {
    let reference = |key: Option<&String>| key.map_or(Value::Null, |key| Value::Text(key.clone()));
    match (field.kind, side) {
        (Kind::ContactReference, _) => Value::Null,
        (Kind::AccountReference, _) => {
            let company = draft.reference.and_then(|at| drafts.accounts.get(at));
            reference(
                company.map(|company| if side == Side::Crm { &company.crm_id } else { &company.erp_no }),
            )
        }
        (Kind::UserReference, _) => {
            let user = drafts.users.get(draft.owner);
            reference(user.map(|user| if side == Side::Crm { &user.crm_id } else { &user.code }))
        }
        (Kind::Number, Side::Erp) => Value::Text(draft.erp_no.clone()),
        (Kind::Terms, Side::Crm) => draft.crm.get(field.crm).parse().map_or(Value::Null, Value::Integer),
        (Kind::Terms, Side::Erp) => {
            let option: Option<i64> = draft.erp.get(field.crm).parse().ok();
            let known = PAYMENT_TERMS.iter().find(|(value, _, _)| Some(*value) == option);
            Value::Text(known.map_or("", |(_, _, code)| code).to_owned())
        }
        (_, Side::Crm) => {
            let text = draft.crm.get(field.crm);
            if text.is_empty() { Value::Null } else { Value::Text(text.to_owned()) }
        }
        (_, Side::Erp) => Value::Text(draft.erp.get(field.crm).to_owned()),
    }
}

/// Columns that no mapping speaks of; a synchronisation must leave them alone.
fn unmapped_columns(side: Side, entity: Entity) -> &'static [&'static str] {
    match (side, entity) {
        (Side::Crm, Entity::Account) => &["customertypecode", "industrycode", "revenue", "numberofemployees"],
        (Side::Crm, Entity::Contact) => &["jobtitle", "birthdate", "gendercode", "donotemail"],
        (Side::Erp, Entity::Account) => &["VAT Registration No.", "Balance (LCY)"],
        (Side::Erp, Entity::Contact) => &["Type", "Job Title"],
    }
}

fn unmapped_value(column: &str, random: &mut Random) -> Value {
    match column {
        "customertypecode" => Value::Integer(3),
        "Type" => Value::Integer(1),
        "industrycode" => Value::Integer(1 + random.below(12) as i64),
        "numberofemployees" => Value::Integer(1 + random.below(2_000) as i64),
        "gendercode" => Value::Integer(1 + random.below(2) as i64),
        "donotemail" => Value::Integer(i64::from(random.percent(10))),
        "jobtitle" | "Job Title" => Value::Text(random.pick(&JOBS).to_owned()),
        "birthdate" => Value::Text(format!(
            "{}-{:02}-{:02}",
            1955 + random.below(50),
            1 + random.below(12),
            1 + random.below(28)
        )),
        "VAT Registration No." => Value::Text(format!("{:09}", random.below(1_000_000_000))),
        _ => Value::Text(format!("{}.{:02}", random.below(5_000_000), random.below(100))),
    }
}

fn set_primary_contacts(transaction: &Transaction<'_>, side: Side, drafts: &Drafts) -> Outcome<()> {
    let (sql, absent) = match side {
        Side::Crm => ("UPDATE account SET primarycontactid = ?2 WHERE accountid = ?1", Presence::ErpOnly),
        Side::Erp => {
            (r#"UPDATE "Customer" SET "Primary Contact No." = ?2 WHERE "No." = ?1"#, Presence::CrmOnly)
        }
    };
    let mut statement = transaction.prepare(sql)?;
    for account in drafts.accounts.iter().filter(|account| account.presence != absent) {
        let Some(contact) = account.reference.and_then(|at| drafts.contacts.get(at)) else { continue };
        match side {
            Side::Crm => statement.execute([&account.crm_id, &contact.crm_id])?,
            Side::Erp => statement.execute([&account.erp_no, &contact.erp_no])?,
        };
    }
    Ok(())
}
