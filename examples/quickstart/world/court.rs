//! The rules of [`super::check`] in SQL: each is a query for rows that break it.
//!
//! Knows the tables of both systems, their copies from the beginning (`crm_before`, `erp_before`) and the temporary
//! tables that hold the expectations; knows no SDK. Door: [`Court`].

use rusqlite::{Connection, Params, params};

use super::check::Violation;
use super::correspondence::{ACCOUNT, CONTACT, Correspondence, Kind, PAYMENT_TERMS};
use super::expect::Expectations;
use super::{Entity, Outcome, Side};

/// Columns in which a system notes that a row changed.
const STAMPS: [&str; 5] =
    ["modifiedon", "versionnumber", "Last Date Modified", "SystemModifiedAt", "timestamp"];

/// How SQL calls the two tables of an entity.
pub(super) struct Tables {
    /// The entity as the temporary tables call it.
    pub(super) entity: &'static str,
    crm: &'static str,
    crm_key: &'static str,
    erp: &'static str,
}

/// The tables of an entity.
pub(super) fn tables(entity: Entity) -> Tables {
    match entity {
        Entity::Account => {
            Tables { entity: "account", crm: "account", crm_key: "accountid", erp: "\"Customer\"" }
        }
        Entity::Contact => {
            Tables { entity: "contact", crm: "contact", crm_key: "contactid", erp: "\"Contact\"" }
        }
    }
}

/// The mapped columns of an entity.
pub(super) fn fields(entity: Entity) -> &'static [Correspondence] {
    match entity {
        Entity::Account => &ACCOUNT,
        Entity::Contact => &CONTACT,
    }
}

/// A side as the temporary tables call it.
pub(super) fn side_name(side: Side) -> &'static str {
    match side {
        Side::Crm => "crm",
        Side::Erp => "erp",
    }
}

/// Asks the questions and collects what they find.
pub(super) struct Court<'a> {
    database: &'a Connection,
    violations: Vec<Violation>,
}

impl<'a> Court<'a> {
    /// A court over a connection to which the databases are attached and the expectations were written.
    pub(super) fn new(database: &'a Connection) -> Self {
        Self { database, violations: Vec::new() }
    }

    /// What was found.
    pub(super) fn into_violations(self) -> Vec<Violation> {
        self.violations
    }

    /// Runs a query whose seven columns are those of a [`Violation`].
    fn collect(&mut self, sql: &str, parameters: impl Params) -> Outcome<()> {
        let mut statement = self.database.prepare(sql)?;
        let found = statement.query_map(parameters, |row| {
            Ok(Violation {
                rule: row.get(0)?,
                entity: row.get(1)?,
                crm_id: row.get(2)?,
                erp_no: row.get(3)?,
                column: row.get(4)?,
                left: row.get(5)?,
                right: row.get(6)?,
            })
        })?;
        for violation in found {
            self.violations.push(violation?);
        }
        Ok(())
    }

    /// The right records exist: those of pairs and those alone, nothing else, none in two pairs.
    pub(super) fn judge_records(&mut self) -> Outcome<()> {
        self.collect(
            "SELECT 'a record has no partner', entity, crm, erp, NULL, NULL, NULL FROM pair WHERE crm IS NULL OR erp IS NULL
             UNION ALL SELECT 'a record is in two pairs', entity, crm, NULL, NULL, NULL, NULL FROM pair
                 WHERE crm IS NOT NULL GROUP BY entity, crm HAVING count(*) > 1
             UNION ALL SELECT 'a record is in two pairs', entity, NULL, erp, NULL, NULL, NULL FROM pair
                 WHERE erp IS NOT NULL GROUP BY entity, erp HAVING count(*) > 1",
            [],
        )?;
        for entity in [Entity::Account, Entity::Contact] {
            let Tables { entity, crm, crm_key, erp } = tables(entity);
            for (side, table, key) in [("crm", crm, crm_key), ("erp", erp, "\"No.\"")] {
                let keys =
                    |key: &str| if side == "crm" { format!("{key}, NULL") } else { format!("NULL, {key}") };
                let (of_table, of_list, of_pair) =
                    (keys(&format!("t.{key}")), keys("l.key"), keys(&format!("p.{side}")));
                self.collect(
                    &format!(
                        "SELECT 'a record is missing', ?1, {of_pair}, NULL, NULL, NULL FROM pair AS p
                             WHERE p.entity = ?1 AND p.{side} IS NOT NULL AND NOT EXISTS (SELECT 1 FROM {side}.{table} AS t WHERE t.{key} = p.{side})
                         UNION ALL SELECT 'a record is missing', ?1, {of_list}, NULL, NULL, NULL FROM alone AS l
                             WHERE l.entity = ?1 AND l.side = ?2 AND NOT EXISTS (SELECT 1 FROM {side}.{table} AS t WHERE t.{key} = l.key)
                         UNION ALL SELECT 'a deleted record is there', ?1, {of_list}, NULL, NULL, NULL FROM gone AS l
                             WHERE l.entity = ?1 AND l.side = ?2 AND EXISTS (SELECT 1 FROM {side}.{table} AS t WHERE t.{key} = l.key)
                         UNION ALL SELECT 'a record is not expected', ?1, {of_table}, NULL, NULL, NULL FROM {side}.{table} AS t
                             WHERE NOT EXISTS (SELECT 1 FROM pair AS p WHERE p.entity = ?1 AND p.{side} = t.{key})
                               AND NOT EXISTS (SELECT 1 FROM alone AS l WHERE l.entity = ?1 AND l.side = ?2 AND l.key = t.{key})
                               AND NOT EXISTS (SELECT 1 FROM gone AS l WHERE l.entity = ?1 AND l.side = ?2 AND l.key = t.{key})"
                    ),
                    [entity, side],
                )?;
            }
        }
        Ok(())
    }

    /// The two records of a pair say the same in a field, unless it is expected to differ.
    pub(super) fn judge_agreement(&mut self, entity: Entity, field: &Correspondence) -> Outcome<()> {
        let Tables { entity, crm, crm_key, erp } = tables(entity);
        let (crm_normal, erp_normal) = both_normal(field, "a", "b");
        self.collect(
            &format!(
                "SELECT 'the sides differ', ?1, p.crm, p.erp, ?2, CAST(a.\"{}\" AS TEXT), CAST(b.\"{}\" AS TEXT)
                   FROM pair AS p JOIN crm.{crm} AS a ON a.{crm_key} = p.crm JOIN erp.{erp} AS b ON b.\"No.\" = p.erp
                  WHERE p.entity = ?1 AND {crm_normal} IS NOT {erp_normal}
                    AND NOT EXISTS (SELECT 1 FROM apart WHERE apart.entity = ?1 AND apart.crm = p.crm AND apart.field = ?2)",
                field.crm, field.erp
            ),
            [entity, field.crm],
        )
    }

    /// A plain field that nobody edited says what one of the sides said before, and nothing only if both said nothing.
    ///
    /// Asks the CRM now; that the ERP says the same is another rule.
    pub(super) fn judge_origin(&mut self, entity: Entity, field: &Correspondence) -> Outcome<()> {
        if !field.is_plain() {
            return Ok(());
        }
        let Tables { entity, crm, crm_key, erp } = tables(entity);
        let (now, _) = both_normal(field, "a", "b");
        let (crm_before, erp_before) = both_normal(field, "c", "d");
        let blank = if field.kind == Kind::Money { "0" } else { "''" };
        self.collect(
            &format!(
                "SELECT CASE WHEN {now} = {blank} THEN 'a value is lost' ELSE 'a value came from nowhere' END, ?1, p.crm, p.erp, ?2,
                        coalesce(CAST(c.\"{}\" AS TEXT), '') || ' | ' || coalesce(d.\"{}\", ''), CAST(a.\"{}\" AS TEXT)
                   FROM pair AS p JOIN crm.{crm} AS a ON a.{crm_key} = p.crm
                   LEFT JOIN crm_before.{crm} AS c ON c.{crm_key} = p.crm
                   LEFT JOIN erp_before.{erp} AS d ON d.\"No.\" = p.erp
                  WHERE p.entity = ?1 AND (c.{crm_key} IS NOT NULL OR d.\"No.\" IS NOT NULL)
                    AND CASE WHEN {now} = {blank} THEN {crm_before} <> {blank} OR {erp_before} <> {blank}
                             ELSE {now} NOT IN ({crm_before}, {erp_before}) END
                    AND NOT EXISTS (SELECT 1 FROM edited WHERE edited.entity = ?1 AND edited.crm = p.crm AND edited.field = ?2)
                    AND NOT EXISTS (SELECT 1 FROM apart WHERE apart.entity = ?1 AND apart.crm = p.crm AND apart.field = ?2)",
                field.crm, field.erp, field.crm
            ),
            [entity, field.crm],
        )
    }

    /// A record that was there in the beginning and is still there has the same values in every column that no mapping
    /// speaks of. Stamps of the system are no values.
    pub(super) fn judge_unmapped(&mut self, entity: Entity, side: Side) -> Outcome<()> {
        let names = tables(entity);
        let (side_name, table, key) = match side {
            Side::Crm => ("crm", names.crm, names.crm_key),
            Side::Erp => ("erp", names.erp, "\"No.\""),
        };
        let mut columns = self.database.prepare("SELECT name FROM pragma_table_info(?1, ?2)")?;
        let columns =
            columns.query_map([table.trim_matches('"'), side_name], |row| row.get::<_, String>(0))?;
        for column in columns.collect::<Result<Vec<_>, _>>()? {
            let is_mapped = fields(entity).iter().any(|field| match side {
                Side::Crm => field.crm == column,
                Side::Erp => field.erp == column,
            });
            if is_mapped || STAMPS.contains(&column.as_str()) {
                continue;
            }
            let keys = if side == Side::Crm { format!("n.{key}, NULL") } else { format!("NULL, n.{key}") };
            self.collect(
                &format!(
                    "SELECT 'an unmapped column changed', ?1, {keys}, ?2, CAST(o.\"{column}\" AS TEXT), CAST(n.\"{column}\" AS TEXT)
                       FROM {side_name}.{table} AS n JOIN {side_name}_before.{table} AS o ON o.{key} = n.{key}
                      WHERE n.\"{column}\" IS NOT o.\"{column}\""
                ),
                [names.entity, &column],
            )?;
        }
        Ok(())
    }

    /// A record that is parked without a partner says what it said in the beginning.
    pub(super) fn judge_alone(&mut self, entity: Entity, field: &Correspondence) -> Outcome<()> {
        let Tables { entity, crm, crm_key, erp } = tables(entity);
        for (side, table, key, keys, column) in [
            ("crm", crm, crm_key, "l.key, NULL", field.crm),
            ("erp", erp, "\"No.\"", "NULL, l.key", field.erp),
        ] {
            self.collect(
                &format!(
                    "SELECT 'a parked record changed', ?1, {keys}, ?3, CAST(o.\"{column}\" AS TEXT), CAST(n.\"{column}\" AS TEXT)
                       FROM alone AS l JOIN {side}.{table} AS n ON n.{key} = l.key JOIN {side}_before.{table} AS o ON o.{key} = l.key
                      WHERE l.entity = ?1 AND l.side = ?2 AND n.\"{column}\" IS NOT o.\"{column}\""
                ),
                [entity, side, column],
            )?;
        }
        Ok(())
    }

    /// Fields that are expected to differ say exactly what each side is expected to say.
    pub(super) fn judge_apart(&mut self, expected: &Expectations) -> Outcome<()> {
        for apart in &expected.apart {
            let Tables { entity, crm, crm_key, erp } = tables(apart.entity);
            let Some(field) = fields(apart.entity).iter().find(|field| field.crm == apart.column) else {
                return Err(format!("{entity} has no mapped column {}", apart.column).into());
            };
            let erp_value = match PAYMENT_TERMS.iter().find(|(value, _, _)| value.to_string() == apart.erp) {
                Some((_, _, code)) if field.kind == Kind::Terms => code,
                _ => apart.erp.as_str(),
            };
            self.collect(
                &format!(
                    "SELECT 'a difference is not the expected one', '{entity}', p.crm, p.erp, ?2,
                            CAST(a.\"{}\" AS TEXT), CAST(b.\"{}\" AS TEXT)
                       FROM pair AS p LEFT JOIN crm.{crm} AS a ON a.{crm_key} = p.crm LEFT JOIN erp.{erp} AS b ON b.\"No.\" = p.erp
                      WHERE p.entity = '{entity}' AND p.crm = ?1
                        AND (coalesce(CAST(a.\"{}\" AS TEXT), '') <> ?3 OR coalesce(CAST(b.\"{}\" AS TEXT), '') <> ?4)",
                    field.crm, field.erp, field.crm, field.erp
                ),
                [apart.crm_id.as_str(), apart.column, apart.crm.as_str(), erp_value],
            )?;
        }
        Ok(())
    }

    /// Values that must be there are there.
    pub(super) fn judge_holds(&mut self, expected: &Expectations) -> Outcome<()> {
        for holds in &expected.holds {
            let names = tables(holds.row.entity);
            let (table, key, keys) = match holds.row.side {
                Side::Crm => (format!("crm.{}", names.crm), names.crm_key, "?1, NULL"),
                Side::Erp => (format!("erp.{}", names.erp), "\"No.\"", "NULL, ?1"),
            };
            let column = holds.column;
            let now =
                format!("(SELECT coalesce(CAST(\"{column}\" AS TEXT), '') FROM {table} WHERE {key} = ?1)");
            self.collect(
                &format!(
                    "SELECT 'an edit did not survive', '{}', {keys}, ?2, ?3, {now} WHERE {now} IS NOT ?3",
                    names.entity
                ),
                params![holds.row.key, column, holds.value],
            )?;
        }
        Ok(())
    }

    /// What a mapping writes into every record that it makes: customers are accounts of type Customer, contacts are
    /// persons.
    pub(super) fn judge_constants(&mut self, expected: &Expectations) -> Outcome<()> {
        if !expected.left_out.contains(&(Entity::Account, "customertypecode")) {
            self.collect(
                "SELECT 'a constant is missing', 'account', accountid, NULL, 'customertypecode', '3', CAST(customertypecode AS TEXT)
                   FROM crm.account WHERE customertypecode IS NOT 3",
                [],
            )?;
        }
        if !expected.left_out.contains(&(Entity::Contact, "Type")) {
            self.collect(
                "SELECT 'a constant is missing', 'contact', NULL, \"No.\", 'Type', '1', CAST(\"Type\" AS TEXT)
                   FROM erp.\"Contact\" WHERE \"Type\" <> 1",
                [],
            )?;
        }
        Ok(())
    }

    /// Every reference names a row that exists.
    pub(super) fn judge_references(&mut self) -> Outcome<()> {
        // The pragma looks at the schema only when it is told the table.
        for (side, table) in [("crm", "account"), ("crm", "contact"), ("erp", "Customer"), ("erp", "Contact")]
        {
            self.collect(
                "SELECT 'a reference dangles', \"table\", NULL, NULL, 'row ' || rowid, ?1, parent FROM pragma_foreign_key_check(?2, ?1)",
                [side, table],
            )?;
        }
        Ok(())
    }
}

/// A value in the form in which two spellings of the same thing are the same text.
fn normal(kind: Kind, value: &str) -> String {
    match kind {
        Kind::Email => format!("lower(trim(coalesce({value}, '')))"),
        Kind::Phone => {
            let blank = format!("coalesce({value}, '')");
            [" ", "-", "(", ")", "/", "."]
                .iter()
                .fold(blank, |sql, mark| format!("replace({sql}, '{mark}', '')"))
        }
        Kind::Money => format!("CAST(round(CAST(coalesce({value}, '0') AS REAL) * 100) AS INTEGER)"),
        _ => format!("trim(CAST(coalesce({value}, '') AS TEXT))"),
    }
}

/// The two values of a field in a form in which they must be equal, given the names of a row of the CRM and of the ERP.
fn both_normal(field: &Correspondence, crm_row: &str, erp_row: &str) -> (String, String) {
    let (crm, erp) = (format!("{crm_row}.\"{}\"", field.crm), format!("{erp_row}.\"{}\"", field.erp));
    let reference = |entity: &str| {
        let partner =
            format!("(SELECT p2.erp FROM pair AS p2 WHERE p2.entity = '{entity}' AND p2.crm = {crm})");
        (format!("coalesce({partner}, {crm}, '')"), normal(Kind::Text, &erp))
    };
    match field.kind {
        Kind::Terms => {
            let arms: String =
                PAYMENT_TERMS.iter().map(|(value, _, code)| format!(" WHEN {value} THEN '{code}'")).collect();
            let unknown = format!("'option ' || {crm}");
            (
                format!("CASE coalesce({crm}, 0){arms} WHEN 0 THEN '' ELSE {unknown} END"),
                normal(Kind::Text, &erp),
            )
        }
        Kind::AccountReference => reference("account"),
        Kind::ContactReference => reference("contact"),
        Kind::UserReference => {
            let partner = format!(
                "(SELECT s.\"Code\" FROM crm.systemuser AS u JOIN erp.\"Salesperson/Purchaser\" AS s
                    ON lower(s.\"E-Mail\") = lower(u.internalemailaddress) WHERE u.systemuserid = {crm})"
            );
            (format!("coalesce({partner}, {crm}, '')"), normal(Kind::Text, &erp))
        }
        kind => (normal(kind, &crm), normal(kind, &erp)),
    }
}
