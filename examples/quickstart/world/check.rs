//! Judges the two databases by SQL of its own: no line of the SDK takes part, so none can excuse itself.
//!
//! Attaches both databases and the copies that were taken when they were made, puts the [`Expectations`] into
//! temporary tables and asks for rows that break a rule. The rules: every expected pair exists and no record without
//! a pair does; the two records of a pair say the same, as [`super::correspondence`] defines it; what was expected to
//! differ differs as expected; a field that nobody edited still says what one of the sides said in the beginning, and
//! has not lost the value that one side had; a record that is parked is untouched; columns that no mapping speaks of
//! are unchanged; no reference dangles.
//!
//! The rules in SQL are in [`super::court`]. Door: [`check`].

use std::fmt;

use rusqlite::{Connection, params};

use super::court::{Court, fields, side_name, tables};
use super::expect::{Expectations, Pair};
use super::{Entity, Outcome, Side, World};

/// One broken rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    /// The rule.
    pub(crate) rule: String,
    /// `account` or `contact`.
    pub(crate) entity: String,
    /// The key in the CRM, if there is one.
    pub(crate) crm_id: Option<String>,
    /// The key in the ERP, if there is one.
    pub(crate) erp_no: Option<String>,
    /// The column, if it is about one.
    pub(crate) column: Option<String>,
    /// What was found: in the CRM, or what was expected.
    pub(crate) left: Option<String>,
    /// What was found: in the ERP, or in the place in question.
    pub(crate) right: Option<String>,
}

impl fmt::Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rule, entity, crm_id, erp_no, column, left, right } = self;
        let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        write!(formatter, "{rule}: {entity} {} / {}", or_none(crm_id), or_none(erp_no))?;
        if let Some(column) = column {
            write!(formatter, ", {column}: {:?} / {:?}", or_none(left), or_none(right))?;
        }
        Ok(())
    }
}

/// What was looked at when nothing was wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Report {
    /// Pairs of an account and a customer.
    pub(crate) account_pairs: usize,
    /// Pairs of contacts.
    pub(crate) contact_pairs: usize,
    /// Fields of pairs that were compared.
    pub(crate) fields_compared: usize,
    /// Fields that differ, as expected.
    pub(crate) fields_apart: usize,
    /// Records without a partner, as expected.
    pub(crate) records_alone: usize,
    /// Records that are gone, as expected.
    pub(crate) records_gone: usize,
}

/// The judgement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Everything is as expected.
    Holds(Report),
    /// These rules are broken.
    Broken(Vec<Violation>),
}

/// Compares the databases with what is expected. Fails only when SQL does.
pub(crate) fn check(world: &World, expected: &Expectations) -> Outcome<Verdict> {
    let database = attach(world)?;
    write_expectations(&database, expected)?;
    find_partners(&database)?;
    let mut court = Court::new(&database);
    let mut report = Report {
        account_pairs: expected.accounts.len(),
        contact_pairs: expected.contacts.len(),
        fields_apart: expected.apart.len(),
        records_alone: expected.alone.len(),
        records_gone: expected.gone.len(),
        ..Report::default()
    };
    court.judge_records()?;
    for entity in [Entity::Account, Entity::Contact] {
        for field in fields(entity) {
            if !expected.left_out.contains(&(entity, field.crm)) {
                court.judge_agreement(entity, field)?;
                court.judge_origin(entity, field)?;
                court.judge_alone(entity, field)?;
                report.fields_compared += match entity {
                    Entity::Account => report.account_pairs,
                    Entity::Contact => report.contact_pairs,
                };
            }
        }
        court.judge_unmapped(entity, Side::Crm)?;
        court.judge_unmapped(entity, Side::Erp)?;
    }
    court.judge_apart(expected)?;
    court.judge_holds(expected)?;
    court.judge_constants(expected)?;
    court.judge_references()?;
    let violations = court.into_violations();
    Ok(if violations.is_empty() { Verdict::Holds(report) } else { Verdict::Broken(violations) })
}

fn attach(world: &World) -> Outcome<Connection> {
    let database = Connection::open_in_memory()?;
    for (file, name) in [
        (&world.crm, "crm"),
        (&world.erp, "erp"),
        (&world.crm_before, "crm_before"),
        (&world.erp_before, "erp_before"),
    ] {
        let file = file.to_str().ok_or("the path of a database must be valid UTF-8")?;
        database.execute(&format!("ATTACH ?1 AS {name}"), [file])?;
    }
    Ok(database)
}

fn write_expectations(database: &Connection, expected: &Expectations) -> Outcome<()> {
    database.execute_batch(
        r#"CREATE TEMP TABLE pair (entity TEXT NOT NULL, crm TEXT, erp TEXT);
           CREATE INDEX temp.pair_crm ON pair (entity, crm);
           CREATE INDEX temp.pair_erp ON pair (entity, erp);
           CREATE TEMP TABLE alone (entity TEXT, side TEXT, key TEXT, PRIMARY KEY (entity, side, key));
           CREATE TEMP TABLE gone (entity TEXT, side TEXT, key TEXT, PRIMARY KEY (entity, side, key));
           CREATE TEMP TABLE apart (entity TEXT, crm TEXT, field TEXT);
           CREATE INDEX temp.apart_field ON apart (entity, field, crm);
           CREATE TEMP TABLE edited (entity TEXT, crm TEXT, field TEXT);
           CREATE INDEX temp.edited_field ON edited (entity, field, crm);
           BEGIN;"#,
    )?;
    let mut pair = database.prepare("INSERT INTO pair VALUES (?1, ?2, ?3)")?;
    let of = |entity, pairs: &[Pair]| {
        pairs.iter().map(move |pair| (tables(entity).entity, pair.clone())).collect()
    };
    let mut pairs: Vec<(&str, Pair)> = of(Entity::Account, &expected.accounts);
    pairs.extend::<Vec<_>>(of(Entity::Contact, &expected.contacts));
    for (entity, (crm, erp)) in pairs {
        pair.execute(params![entity, crm, erp])?;
    }
    for (table, rows) in [("alone", &expected.alone), ("gone", &expected.gone)] {
        let mut statement =
            database.prepare(&format!("INSERT OR IGNORE INTO {table} VALUES (?1, ?2, ?3)"))?;
        for row in rows {
            statement.execute(params![tables(row.entity).entity, side_name(row.side), row.key])?;
        }
    }
    let mut apart = database.prepare("INSERT INTO apart VALUES (?1, ?2, ?3)")?;
    for field in &expected.apart {
        apart.execute(params![tables(field.entity).entity, field.crm_id, field.column])?;
    }
    let mut edited = database.prepare("INSERT INTO edited VALUES (?1, ?2, ?3)")?;
    for (entity, crm_id, column) in &expected.edited {
        edited.execute(params![tables(*entity).entity, crm_id, column])?;
    }
    database.execute_batch("COMMIT")?;
    Ok(())
}

/// Completes pairs of which only one key is known: first by the number that both sides share, then by e-mail, then by
/// name. Each record is taken once.
fn find_partners(database: &Connection) -> Outcome<()> {
    database.execute_batch(
        r#"CREATE TEMP TABLE handle (entity TEXT, side TEXT, rank INTEGER, value TEXT, key TEXT);
           INSERT INTO handle SELECT 'account', 'crm', 1, accountnumber, accountid FROM crm.account
             UNION ALL SELECT 'account', 'erp', 1, "No.", "No." FROM erp."Customer"
             UNION ALL SELECT 'account', 'crm', 3, trim(name), accountid FROM crm.account
             UNION ALL SELECT 'account', 'erp', 3, trim("Name"), "No." FROM erp."Customer"
             UNION ALL SELECT 'contact', 'crm', 1, externaluseridentifier, contactid FROM crm.contact
             UNION ALL SELECT 'contact', 'erp', 1, "No.", "No." FROM erp."Contact"
             UNION ALL SELECT 'contact', 'crm', 2, lower(trim(emailaddress1)), contactid FROM crm.contact
             UNION ALL SELECT 'contact', 'erp', 2, lower(trim("E-Mail")), "No." FROM erp."Contact"
             UNION ALL SELECT 'contact', 'crm', 3, trim(firstname) || '|' || trim(lastname), contactid FROM crm.contact
             UNION ALL SELECT 'contact', 'erp', 3, trim("First Name") || '|' || trim("Surname"), "No." FROM erp."Contact";
           DELETE FROM handle WHERE coalesce(value, '') = ''
             OR EXISTS (SELECT 1 FROM alone WHERE alone.entity = handle.entity AND alone.side = handle.side AND alone.key = handle.key);
           CREATE INDEX temp.handle_value ON handle (entity, side, rank, value);
           CREATE INDEX temp.handle_key ON handle (entity, side, rank, key);"#,
    )?;
    // Without figures the planner takes the wrong one of two indexes, and reads a table once for every row.
    database.execute_batch("ANALYZE temp")?;
    for rank in 1..=3 {
        for (known, wanted) in [("crm", "erp"), ("erp", "crm")] {
            let sql = format!(
                "UPDATE pair SET {wanted} = (
                   SELECT min(theirs.key) FROM handle AS ours CROSS JOIN handle AS theirs
                       ON theirs.entity = ours.entity AND theirs.side = '{wanted}' AND theirs.rank = ours.rank AND theirs.value = ours.value
                    WHERE ours.entity = pair.entity AND ours.side = '{known}' AND ours.rank = ?1 AND ours.key = pair.{known}
                      AND NOT EXISTS (SELECT 1 FROM pair AS taken WHERE taken.entity = ours.entity AND taken.{wanted} = theirs.key))
                 WHERE {wanted} IS NULL"
            );
            database.execute(&sql, [rank])?;
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
