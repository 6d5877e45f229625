//! The people of the story: each function is one thing that a user does, in plain SQL, on one or both sides.
//!
//! They work on records that were the same on both sides from the beginning, so that each edit is the only thing
//! that happened to its record, and no two functions touch the same record. They know nothing of a synchronisation,
//! but their edits only make sense after one.

use rusqlite::{Connection, OptionalExtension, params};

use super::correspondence::{ACCOUNT, CONTACT, Correspondence};
use super::truth::Ambiguous;
use super::{Entity, Outcome, Side, World};

/// The name of a village in Wales: 58 letters, more than the 30 that the ERP has for a city.
pub(crate) const LONG_CITY: &str = "Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch";
/// The option "Net 90" that an administrator added to the payment terms of the CRM.
pub(crate) const NET_90: i64 = 100_000_000;

/// One value that somebody changed, and where.
#[derive(Clone, Debug)]
pub(crate) struct Edit {
    /// Who did it: a user of which side.
    pub(crate) side: Side,
    /// What kind of record.
    pub(crate) entity: Entity,
    /// The record's key in the CRM.
    pub(crate) crm_id: String,
    /// The record's key in the ERP.
    pub(crate) erp_no: String,
    /// The column, as the side calls it.
    pub(crate) column: &'static str,
    /// The value before, as text; `None` for NULL.
    pub(crate) before: Option<String>,
    /// The value after, as text; `None` for NULL.
    pub(crate) after: Option<String>,
}

impl Edit {
    /// The edited column as the CRM calls it, whichever side it was edited on.
    pub(crate) fn crm_column(&self) -> &'static str {
        let fields = match self.entity {
            Entity::Account => &ACCOUNT,
            Entity::Contact => &CONTACT,
        };
        let of_erp = |field: &&Correspondence| self.side == Side::Erp && field.erp == self.column;
        fields.iter().find(of_erp).map_or(self.column, |field| field.crm)
    }
}

/// A record that somebody deleted on one side.
#[derive(Clone, Debug)]
pub(crate) struct Deletion {
    /// Where.
    pub(crate) side: Side,
    /// What kind of record.
    pub(crate) entity: Entity,
    /// Its key in the CRM.
    pub(crate) crm_id: String,
    /// Its key in the ERP.
    pub(crate) erp_no: String,
}

/// A contact and its account, both new in the CRM.
#[derive(Clone, Debug)]
pub(crate) struct Newcomers {
    /// The account; its primary contact is the contact.
    pub(crate) account_id: String,
    /// The account's number, which the ERP is to use too.
    pub(crate) account_number: String,
    /// The contact; its company is the account.
    pub(crate) contact_id: String,
    /// The contact's number, which the ERP is to use too.
    pub(crate) contact_number: String,
}

/// Sales corrects a phone number in the CRM, finance the home page of the same customer in the ERP.
pub(crate) fn edit_different_fields(world: &World) -> Outcome<[Edit; 2]> {
    let pair = calm_pair(world, Entity::Account, 0)?;
    Ok([
        edit(world, Side::Crm, Entity::Account, &pair, "telephone1", Some("+44 20 555 0199"))?,
        edit(world, Side::Erp, Entity::Account, &pair, "Home Page", Some("https://new.adatum.example"))?,
    ])
}

/// Both sides hear of a customer's move, and hear different things.
pub(crate) fn edit_the_same_field(world: &World) -> Outcome<[Edit; 2]> {
    let pair = calm_pair(world, Entity::Account, 1)?;
    Ok([
        edit(world, Side::Crm, Entity::Account, &pair, "address1_line1", Some("Harbour Street 12"))?,
        edit(world, Side::Erp, Entity::Account, &pair, "Address", Some("Harbor St. 21, rear building"))?,
    ])
}

/// A contact of the CRM gave back the mobile phone.
pub(crate) fn clear_a_field(world: &World) -> Outcome<Edit> {
    let crm = world.open(Side::Crm)?;
    for pair in calm_pairs(world, Entity::Contact) {
        if text(&crm, Side::Crm, Entity::Contact, &pair.0, "mobilephone")?.is_some() {
            return edit(world, Side::Crm, Entity::Contact, &pair, "mobilephone", None);
        }
    }
    Err("no contact has a mobile phone".into())
}

/// A customer moves to a city whose name the ERP cannot hold.
pub(crate) fn enter_a_value_too_long_for_the_erp(world: &World) -> Outcome<Edit> {
    let pair = calm_pair(world, Entity::Account, 2)?;
    edit(world, Side::Crm, Entity::Account, &pair, "address1_city", Some(LONG_CITY))
}

/// Sales agrees on payment terms that the ERP has never heard of.
pub(crate) fn use_a_new_option_value(world: &World) -> Outcome<Edit> {
    let pair = calm_pair(world, Entity::Account, 3)?;
    edit(world, Side::Crm, Entity::Account, &pair, "paymenttermscode", Some(&NET_90.to_string()))
}

/// A contact of the CRM leaves its company and is deleted. It is nobody's primary contact.
pub(crate) fn delete_a_contact(world: &World) -> Outcome<Deletion> {
    let crm = world.open(Side::Crm)?;
    // Counted from the other end, so that it is not the contact of `clear_a_field`.
    let calm = calm_pairs(world, Entity::Contact);
    for (crm_id, erp_no) in calm.into_iter().rev() {
        let is_primary: bool = crm.query_row(
            "SELECT EXISTS (SELECT 1 FROM account WHERE primarycontactid = ?1)",
            [&crm_id],
            |row| row.get(0),
        )?;
        if !is_primary && crm.execute("DELETE FROM contact WHERE contactid = ?1", [&crm_id])? == 1 {
            return Ok(Deletion { side: Side::Crm, entity: Entity::Contact, crm_id, erp_no });
        }
    }
    Err("every contact is somebody's primary contact".into())
}

/// A new contact whose account is new too: the ERP can take neither before the other.
pub(crate) fn add_a_contact_with_a_new_account(world: &World) -> Outcome<Newcomers> {
    let newcomers = Newcomers {
        account_id: "5ea3e55a-0000-4000-8000-00000000acc0".into(),
        account_number: "A90001".into(),
        contact_id: "5ea3e55a-0000-4000-8000-0000000c0ac0".into(),
        contact_number: "P900001".into(),
    };
    let mut crm = world.open(Side::Crm)?;
    let transaction = crm.transaction()?;
    transaction.execute(
        "INSERT INTO account (accountid, accountnumber, name, address1_primarycontactname, address1_line1, address1_city,
                              address1_postalcode, address1_country, emailaddress1, telephone1, paymenttermscode,
                              creditlimit, ownerid, customertypecode)
         VALUES (?1, ?2, 'Vineyard Instruments Ltd', 'Nora Quist', 'Castle Lane 9', 'Leeds', 'LS04', 'GB',
                 'info@vineyard-instruments.example', '+44 113 555 0100', 1, '0.00',
                 (SELECT min(systemuserid) FROM systemuser), 3)",
        params![newcomers.account_id, newcomers.account_number],
    )?;
    transaction.execute(
        "INSERT INTO contact (contactid, externaluseridentifier, firstname, lastname, emailaddress1, telephone1,
                              address1_line1, address1_city, address1_postalcode, address1_country, parentcustomerid, ownerid)
         VALUES (?1, ?2, 'Nora', 'Quist', 'nora.quist@vineyard-instruments.example', '+44 113 555 0101',
                 'Castle Lane 9', 'Leeds', 'LS04', 'GB', ?3, (SELECT min(systemuserid) FROM systemuser))",
        params![newcomers.contact_id, newcomers.contact_number, newcomers.account_id],
    )?;
    transaction.execute(
        "UPDATE account SET primarycontactid = ?2 WHERE accountid = ?1",
        params![newcomers.account_id, newcomers.contact_id],
    )?;
    transaction.commit()?;
    Ok(newcomers)
}

/// Somebody answers for an edit that could not be carried over, by writing another value into the same field.
pub(crate) fn correct(world: &World, wrong: &Edit, value: Option<&str>) -> Outcome<Edit> {
    let pair = (wrong.crm_id.clone(), wrong.erp_no.clone());
    edit(world, wrong.side, wrong.entity, &pair, wrong.column, value)
}

/// Somebody clears up a person who is stored twice: the first copy on each side stays.
pub(crate) fn delete_the_twins(world: &World, group: &Ambiguous) -> Outcome<()> {
    for (side, sql, keys) in [
        (Side::Crm, "DELETE FROM contact WHERE contactid = ?1", &group.crm),
        (Side::Erp, r#"DELETE FROM "Contact" WHERE "No." = ?1"#, &group.erp),
    ] {
        let database = world.open(side)?;
        for key in keys.iter().skip(1) {
            database.execute(sql, [key])?;
        }
    }
    Ok(())
}

/// The pairs in which nothing differed from the beginning, in the order in which they were made.
fn calm_pairs(world: &World, entity: Entity) -> Vec<(String, String)> {
    let troubled: std::collections::HashSet<&str> =
        world.truth.differences.iter().map(|difference| difference.crm_id.as_str()).collect();
    let shared = world.truth.population(entity).shared.iter();
    shared.filter(|(crm_id, _)| !troubled.contains(crm_id.as_str())).cloned().collect()
}

fn calm_pair(world: &World, entity: Entity, nth: usize) -> Outcome<(String, String)> {
    let pair = calm_pairs(world, entity).into_iter().nth(nth);
    pair.ok_or_else(|| "the world is too small: too few pairs began without a difference".into())
}

/// The table of a side and its key column.
fn table(side: Side, entity: Entity) -> (&'static str, &'static str) {
    match (side, entity) {
        (Side::Crm, Entity::Account) => ("account", "accountid"),
        (Side::Crm, Entity::Contact) => ("contact", "contactid"),
        (Side::Erp, Entity::Account) => ("Customer", "No."),
        (Side::Erp, Entity::Contact) => ("Contact", "No."),
    }
}

fn text(
    database: &Connection,
    side: Side,
    entity: Entity,
    key: &str,
    column: &str,
) -> Outcome<Option<String>> {
    let (table, key_column) = table(side, entity);
    let sql = format!(r#"SELECT CAST("{column}" AS TEXT) FROM "{table}" WHERE "{key_column}" = ?1"#);
    let found = database.query_row(&sql, [key], |row| row.get(0)).optional()?;
    found.ok_or_else(|| format!("there is no {table} {key}: edit only what is there").into())
}

fn edit(
    world: &World,
    side: Side,
    entity: Entity,
    pair: &(String, String),
    column: &'static str,
    value: Option<&str>,
) -> Outcome<Edit> {
    let database = world.open(side)?;
    let (crm_id, erp_no) = pair.clone();
    let key = if side == Side::Crm { &crm_id } else { &erp_no };
    let before = text(&database, side, entity, key, column)?;
    let (table, key_column) = table(side, entity);
    let sql = format!(r#"UPDATE "{table}" SET "{column}" = ?2 WHERE "{key_column}" = ?1"#);
    database.execute(&sql, params![key, value])?;
    Ok(Edit { side, entity, crm_id, erp_no, column, before, after: value.map(str::to_owned) })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::super::create_sized;
    use super::super::generate::Sizes;
    use super::*;

    #[test]
    fn every_edit_is_in_the_database_and_no_record_is_edited_by_two() {
        let folder = tempfile::tempdir().unwrap();
        let world = create_sized(folder.path(), 3, Sizes { accounts: 400, contacts: 600 }).unwrap();
        let different = edit_different_fields(&world).unwrap();
        let same = edit_the_same_field(&world).unwrap();
        let singles = [
            clear_a_field(&world).unwrap(),
            enter_a_value_too_long_for_the_erp(&world).unwrap(),
            use_a_new_option_value(&world).unwrap(),
        ];
        let deletion = delete_a_contact(&world).unwrap();
        add_a_contact_with_a_new_account(&world).unwrap();
        for edit in different.iter().chain(&same).chain(&singles) {
            let key = if edit.side == Side::Crm { &edit.crm_id } else { &edit.erp_no };
            let now =
                text(&world.open(edit.side).unwrap(), edit.side, edit.entity, key, edit.column).unwrap();
            assert_eq!(now, edit.after);
            assert_ne!(edit.before, edit.after);
        }
        let records: HashSet<_> = [&different[0].crm_id, &same[0].crm_id, &deletion.crm_id]
            .into_iter()
            .chain(singles.iter().map(|edit| &edit.crm_id))
            .collect();
        assert_eq!(records.len(), 6);
        assert!(
            text(&world.open(Side::Crm).unwrap(), Side::Crm, Entity::Contact, &deletion.crm_id, "fax")
                .is_err()
        );
    }

    #[test]
    fn the_long_city_fits_the_crm_and_not_the_erp() {
        assert!(LONG_CITY.len() > 30 && LONG_CITY.len() <= 80);
    }
}
