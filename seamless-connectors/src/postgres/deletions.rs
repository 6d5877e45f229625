//! The log of deletions: a table of ours beside the tables whose deleted rows it holds, filled by triggers. It is made only
//! where a person asked for it (`provision`), for tables that are configured with `tombstones`. The doors are [`read`] and
//! [`make`].
//!
//! What is logged: deleted rows, rows whose key was changed (under the former key), and all rows of a table before
//! `TRUNCATE`. The function runs with the rights of its owner, so that whoever may delete need not be able to write the log.
//! Rows stay until somebody removes them; remove none that is younger than the longest pause between two runs:
//! `DELETE FROM seamless_deleted WHERE at < now() - interval '90 days'`. A deletion that was removed before it was read is
//! found by the next full reading.

use seamless_core::connector::{Change, Tombstone};
use seamless_core::model::{RecordId, Result};

use super::catalogue::Table;
use super::client::{Bound, Session};
use super::error::Fault;
use super::rows::raw;
use super::values::{Column, key_part};
use crate::sql::keyset::listed;

/// The table, in the schema of the tables that it is for. It is no entity.
pub(super) const TABLE: &str = "seamless_deleted";

/// The function of its triggers.
pub(super) const FUNCTION: &str = "seamless_log_deleted";

/// Deletions of a page since a transaction, after a line of the log; and the line after which to go on, where there is
/// more. A row that is there again is not deleted.
pub(super) async fn read(
    session: &mut Session,
    table: &Table,
    from: i64,
    after: Option<i64>,
    page_max: usize,
) -> Result<(Vec<Change>, Option<i64>), Fault> {
    let columns: Vec<&Column> =
        table.key.columns.iter().filter_map(|place| table.columns.get(*place)).collect();
    let parts: Vec<String> =
        columns.iter().enumerate().map(|(at, column)| column.made(&format!("d.id[{}]", at + 1))).collect();
    let same: Vec<String> = columns
        .iter()
        .enumerate()
        .map(|(at, column)| column.equals("t", &format!("d.id[{}]", at + 1)))
        .collect();
    let sql = format!(
        "SELECT d.no, {} FROM {}.{TABLE} AS d WHERE d.relation = $1::text::oid AND d.transaction >= $2::text::int8 \
         AND d.no > $3::text::int8 AND NOT EXISTS (SELECT 1 FROM {}{} AS t WHERE {}) \
         ORDER BY d.no LIMIT $4::text::int8",
        listed(&parts),
        table.schema,
        table.only,
        table.name,
        same.join(" AND "),
    );
    let limit = page_max.max(1);
    let bounds = [
        Bound::text(table.oid),
        Bound::text(from),
        Bound::text(after.unwrap_or(i64::MIN)),
        Bound::text(limit),
    ];
    let rows = session.rows(&sql, &bounds).await?;
    let mut changes = Vec::with_capacity(rows.len());
    let mut last = None;
    for row in &rows {
        last = Some(row.try_get(0)?);
        let parts: Option<Vec<_>> =
            columns.iter().enumerate().map(|(at, column)| key_part(column.kind, raw(row, at + 1)?)).collect();
        // A key that cannot be an id was never shown as a record.
        if let Some(parts) = parts {
            let id = RecordId::of_parts(&parts);
            changes.push(Change::Deleted(Tombstone { id, version: None, merged_into: None }));
        }
    }
    Ok((changes, last.filter(|_| rows.len() >= limit)))
}

/// Makes the log where it is not there yet, and the triggers of a table.
pub(super) async fn make(session: &mut Session, table: &Table) -> Result<(), Fault> {
    session.begin().await?;
    let made = session.command(&script(table)).await;
    let ended = session.end(if made.is_ok() { "COMMIT" } else { "ROLLBACK" }).await;
    made.and(ended)
}

/// What makes the log. Identifiers are quoted; no other names stand in it.
fn script(table: &Table) -> String {
    let (schema, name) = (&table.schema, &table.name);
    let key = || table.key.columns.iter().filter_map(|place| table.columns.get(*place));
    let keys: Vec<&str> = key().map(|column| column.quoted.as_str()).collect();
    let moved: Vec<String> =
        key().map(|column| format!("OLD.{0} IS DISTINCT FROM NEW.{0}", column.quoted)).collect();
    // A tag that no name in the text has, so that none can end the text.
    let mut tag = "$log$".to_owned();
    while schema.contains(&tag) || name.contains(&tag) {
        tag.insert_str(1, "log_");
    }
    format!(
        r#"
CREATE TABLE IF NOT EXISTS {schema}.{TABLE} (
    no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    relation oid NOT NULL,
    id text[] NOT NULL,
    transaction bigint NOT NULL,
    at timestamptz NOT NULL DEFAULT now());
CREATE INDEX IF NOT EXISTS {TABLE}_transaction ON {schema}.{TABLE} (relation, transaction);
COMMENT ON TABLE {schema}.{TABLE} IS 'Deleted rows, for integrations; rows that are older than the longest pause between two runs may be removed';
CREATE OR REPLACE FUNCTION {schema}.{FUNCTION}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS {tag}
DECLARE
    names text[] := ARRAY(
        SELECT a.attname FROM pg_index i, unnest(i.indkey::int2[]) WITH ORDINALITY AS k (number, n), pg_attribute a
        WHERE i.indrelid = TG_RELID AND i.indisprimary AND n <= i.indnkeyatts
        AND a.attrelid = TG_RELID AND a.attnum = k.number ORDER BY k.n);
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        EXECUTE format('INSERT INTO {literal}.{TABLE} (relation, id, transaction) SELECT $1, ARRAY(SELECT to_jsonb(t) ->> name '
            || 'FROM unnest($2) WITH ORDINALITY AS u (name, n) ORDER BY n), pg_current_xact_id()::text::bigint FROM ONLY %I.%I AS t',
            TG_TABLE_SCHEMA, TG_TABLE_NAME) USING TG_RELID, names;
    ELSE
        INSERT INTO {schema}.{TABLE} (relation, id, transaction) VALUES (TG_RELID,
            ARRAY(SELECT to_jsonb(OLD) ->> name FROM unnest(names) WITH ORDINALITY AS u (name, n) ORDER BY n),
            pg_current_xact_id()::text::bigint);
    END IF;
    RETURN NULL;
END {tag};
DROP TRIGGER IF EXISTS seamless_deleted ON {name};
DROP TRIGGER IF EXISTS seamless_moved ON {name};
DROP TRIGGER IF EXISTS seamless_truncated ON {name};
CREATE TRIGGER seamless_deleted AFTER DELETE ON {name} FOR EACH ROW EXECUTE FUNCTION {schema}.{FUNCTION}();
CREATE TRIGGER seamless_moved AFTER UPDATE OF {keys} ON {name} FOR EACH ROW WHEN ({moved}) EXECUTE FUNCTION {schema}.{FUNCTION}();
CREATE TRIGGER seamless_truncated BEFORE TRUNCATE ON {name} FOR EACH STATEMENT EXECUTE FUNCTION {schema}.{FUNCTION}();
"#,
        keys = listed(&keys),
        moved = moved.join(" OR "),
        // Inside of a text that `format` reads.
        literal = schema.replace('\'', "''").replace('%', "%%"),
    )
}

#[cfg(test)]
mod tests {
    use seamless_core::connector::Capabilities;
    use seamless_core::model::Entity;

    use super::script;
    use crate::postgres::catalogue::{Key, Log, Table};

    #[test]
    fn no_name_ends_the_text_that_it_stands_in() {
        let entity = Entity {
            name: "x".into(),
            label: None,
            fields: Vec::new(),
            key: Vec::new(),
            unique: Vec::new(),
            actions: Vec::new(),
        };
        let table = Table {
            oid: 1,
            name: "\"a$log$\".\"x\"".into(),
            schema: "\"a$log$'%I\"".into(),
            only: "",
            entity,
            columns: Vec::new(),
            key: Key::default(),
            feeding: None,
            version: None,
            modified: None,
            overlap_seconds: 0,
            constraints: std::collections::HashMap::new(),
            has_after: false,
            log: Log::Missing,
            capabilities: Capabilities::default(),
        };
        let script = script(&table);
        assert_eq!(script.matches("$log_log$").count(), 2, "{script}");
        assert!(script.contains("\"a$log$''%%I\""), "{script}");
    }
}
