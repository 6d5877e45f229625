//! Operations to rows: one transaction per batch, a savepoint per operation, so that one that fails does not undo the
//! others. Reads what it is about to change inside the transaction: nobody can come between a precondition and its
//! write. The door is [`write`].
//!
//! Guarantees, the bad one first: when the commit itself fails on the disk, nobody knows, and every operation is
//! ambiguous. A commit that found the database locked is rolled back and nothing happened. A trigger that rolls back
//! the whole transaction, or a deferred constraint that only the commit notices, makes the operations be carried out
//! one by one, so that only the offender is refused.

use std::cell::RefCell;
use std::sync::Arc;

use rusqlite::types::Value as Bound;
use rusqlite::{Connection, ErrorCode, TransactionBehavior, params_from_iter};
use seamless_core::connector::{
    Expects, Proof, Refusal, RefusalKind, Target, Verb, Versioned, WriteOp, WriteOutcome,
};
use seamless_core::model::{
    Error, ErrorKind, FieldName, KeyPart, Presence, Record, RecordId, Result, Shape, ValueRef,
};

use super::catalogue::Table;
use super::error::from_sqlite;
use super::insert::Insert;
use super::read::{Broken, Selection};
use super::values::{Kind, bound, bound_part, key_part};
use crate::fits::misfit;
use crate::sql::quote::quoted;

/// How an attempt at a batch ended.
enum Attempt {
    Done(Vec<WriteOutcome>),
    /// The whole transaction was rolled back because of one of the operations.
    RolledBack(Error),
}

/// Carries out a batch; one outcome per operation.
///
/// Errors: nothing of it happened.
pub(super) fn write(
    connection: &mut Connection,
    table: &Table,
    ops: &[WriteOp],
) -> Result<Vec<WriteOutcome>> {
    let shape = Shape::new(table.columns.iter().map(|column| FieldName::from(column.name.as_str())))?;
    let writer = Writer {
        table,
        shape: &shape,
        selection: Selection::new(table, &shape).ok(),
        quoted: table.columns.iter().map(|column| quoted(&column.name)).collect(),
        insert: RefCell::new(Insert::of(table, &[])),
    };
    match writer.attempt(connection, ops)? {
        Attempt::Done(outcomes) => Ok(outcomes),
        Attempt::RolledBack(error) if ops.len() == 1 => {
            Ok(vec![refused(RefusalKind::Invalid { field: None }, error)])
        }
        Attempt::RolledBack(_) => {
            let mut outcomes = Vec::with_capacity(ops.len());
            for op in ops {
                outcomes.push(match writer.attempt(connection, std::slice::from_ref(op)) {
                    Ok(Attempt::Done(done)) => match done.into_iter().next() {
                        Some(outcome) => outcome,
                        None => continue,
                    },
                    Ok(Attempt::RolledBack(error)) => refused(RefusalKind::Invalid { field: None }, error),
                    // Operations before this one happened, so the batch as a whole cannot fail any more.
                    Err(error) => refused(RefusalKind::Unavailable, error),
                });
            }
            Ok(outcomes)
        }
    }
}

fn refused(why: RefusalKind, error: Error) -> WriteOutcome {
    WriteOutcome::Refused(Refusal { why, error })
}

/// Runs a statement without values, prepared once.
fn run(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([]).map(|_| ())
}

struct Writer<'a> {
    table: &'a Table,
    shape: &'a Arc<Shape>,
    /// How whole rows are read; `None` where they cannot be.
    selection: Option<Selection<'a>>,
    /// The names of the columns as SQL.
    quoted: Vec<String>,
    /// How the last row was made: the rows of a batch have the same columns for the most part.
    insert: RefCell<Insert>,
}

/// Why an operation did not happen: a refusal of its own, or a failure of SQLite that is still to be understood.
enum Failure {
    Refused(RefusalKind, Error),
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Failure::Sqlite(error)
    }
}

impl Writer<'_> {
    fn attempt(&self, connection: &mut Connection, ops: &[WriteOp]) -> Result<Attempt> {
        let doing =
            |error: rusqlite::Error| from_sqlite(&error, "writing").at("entity", &self.table.entity.name);
        let transaction =
            connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(doing)?;
        let mut outcomes = Vec::with_capacity(ops.len());
        for op in ops {
            run(&transaction, "SAVEPOINT op").map_err(doing)?;
            match self.apply(&transaction, op) {
                Ok((id, proof)) => {
                    run(&transaction, "RELEASE op").map_err(doing)?;
                    outcomes.push(WriteOutcome::Applied { id, proof });
                }
                Err(Failure::Sqlite(error)) if error.sqlite_error_code() == Some(ErrorCode::DiskFull) => {
                    // No operation's fault, and no smaller batch would have more room.
                    return Err(doing(error));
                }
                Err(failure) => {
                    let (why, error) = self.understood(&transaction, op, failure)?;
                    if transaction.is_autocommit() {
                        return Ok(Attempt::RolledBack(error));
                    }
                    transaction.execute_batch("ROLLBACK TO op; RELEASE op").map_err(doing)?;
                    outcomes.push(refused(why, error));
                }
            }
        }
        match transaction.execute_batch("COMMIT") {
            Ok(()) => Ok(Attempt::Done(outcomes)),
            Err(error) => commit_failed(&transaction, &error, outcomes),
        }
    }

    fn apply(&self, connection: &Connection, op: &WriteOp) -> Result<(RecordId, Proof), Failure> {
        match (&op.verb, &op.target) {
            (Verb::Create, Target::New(id)) => self.create(connection, op, id.as_ref()),
            (Verb::Update, Target::Existing(id)) => self.update(connection, op, id),
            (Verb::Delete(_), Target::Existing(id)) => self.delete(connection, op, id),
            (Verb::Action(name), _) => Err(Failure::Refused(
                RefusalKind::Forbidden,
                Error::new(ErrorKind::Unsupported, format!("a database has no action {name}")),
            )),
            _ => Err(Failure::Refused(
                RefusalKind::Invalid { field: None },
                Error::new(ErrorKind::Internal, "the operation and its target do not fit together"),
            )),
        }
    }

    fn create(
        &self,
        connection: &Connection,
        op: &WriteOp,
        id: Option<&RecordId>,
    ) -> Result<(RecordId, Proof), Failure> {
        let table = self.table;
        let mut columns = Vec::new();
        let mut values = Vec::new();
        for (column, value) in self.said(&op.patch)? {
            columns.push(column);
            values.push(value);
        }
        let mut names: Vec<&str> = columns.iter().filter_map(|place| self.quoted(*place)).collect();
        if let Some(id) = id {
            let parts = id.parts();
            if parts.len() != table.key.names.len() {
                return Err(invalid(None, "the id has not as many parts as the table's key"));
            }
            for (name, part) in table.key.names.iter().zip(&parts) {
                match names.iter().position(|known| known == name) {
                    // A key that the patch names is the record's own. An id is chosen for keys that nobody names, and
                    // not for one that is told nothing: a plan that says nothing must not become a key made up here.
                    Some(place) if values.get(place) == Some(&Bound::Null) => {
                        let field = columns.get(place).and_then(|column| self.shape.name(*column));
                        return Err(invalid(field, "the key of a new row cannot be nothing"));
                    }
                    Some(_) => {}
                    None => {
                        names.push(name);
                        values.push(bound_part(part));
                    }
                }
            }
        }
        let mut known = self.insert.borrow_mut();
        if known.columns != names {
            *known = Insert::of(table, &names);
        }
        let made = if known.by_rowid {
            let mut statement = connection.prepare_cached(&known.sql)?;
            let inserted = statement.execute(params_from_iter(values))?;
            // A trigger may have ignored the row.
            (inserted > 0).then(|| RecordId::int(connection.last_insert_rowid()))
        } else {
            let mut statement = connection.prepare_cached(&known.sql)?;
            let mut rows = statement.query(params_from_iter(values))?;
            let mut made = None;
            // A statement ends, and its triggers run, only when it is read to the end.
            while let Some(row) = rows.next()? {
                let mut parts = Vec::with_capacity(table.key.names.len());
                for place in 0..table.key.names.len() {
                    parts.extend(key_part(row.get_ref(place)?));
                }
                made = (parts.len() == table.key.names.len()).then(|| RecordId::of_parts(&parts));
            }
            made
        };
        let made = made.ok_or_else(|| invalid(None, "the new row has no key that is a number or text"))?;
        let proof = self.stored(connection, op, &made)?;
        Ok((made, proof))
    }

    fn update(
        &self,
        connection: &Connection,
        op: &WriteOp,
        id: &RecordId,
    ) -> Result<(RecordId, Proof), Failure> {
        let before = self.expected(connection, op, id)?.ok_or_else(|| self.missing(id))?;
        let mut sets = Vec::new();
        let mut values = Vec::new();
        for (place, value) in self.said(&op.patch)? {
            if self.table.key.columns.contains(&place) {
                let name = self.shape.name(place);
                if op.patch.field(name.map_or("", FieldName::as_str)) != before.record.get(place) {
                    return Err(invalid(name, "the key of a row cannot be changed"));
                }
                continue;
            }
            if let Some(name) = self.quoted(place) {
                sets.push(format!("{name} = ?"));
                values.push(value);
            }
        }
        if !sets.is_empty() {
            let sql = format!(
                "UPDATE {} SET {} WHERE {}",
                quoted(self.table.entity.name.as_str()),
                sets.join(", "),
                self.this_row()
            );
            values.extend(id.parts().iter().map(bound_part));
            connection.prepare_cached(&sql)?.execute(params_from_iter(values))?;
        }
        let proof = self.stored(connection, op, id)?;
        Ok((id.clone(), proof))
    }

    fn delete(
        &self,
        connection: &Connection,
        op: &WriteOp,
        id: &RecordId,
    ) -> Result<(RecordId, Proof), Failure> {
        if self.expected(connection, op, id)?.is_some() {
            let sql =
                format!("DELETE FROM {} WHERE {}", quoted(self.table.entity.name.as_str()), self.this_row());
            connection.prepare_cached(&sql)?.execute(params_from_iter(id.parts().iter().map(bound_part)))?;
        }
        Ok((id.clone(), Proof::None))
    }

    /// The row as it is, when it is what the operation expects; `None` when it is not there.
    fn expected(
        &self,
        connection: &Connection,
        op: &WriteOp,
        id: &RecordId,
    ) -> Result<Option<Versioned>, Failure> {
        let found = match self.row(connection, op, id)? {
            None => return Ok(None),
            Some(Ok(found)) => found,
            Some(Err(Broken { place, problem, .. })) => {
                let error = Error::data(format!("the row cannot be read: {problem}")).at("place", place);
                return Err(Failure::Refused(RefusalKind::Invalid { field: None }, error));
            }
        };
        let holds = match &op.expects {
            Expects::Anything => true,
            Expects::Missing => false,
            Expects::Version(version) => found.version.as_ref() == Some(version),
            Expects::Values(values) => values.fields().all(|(name, expected)| {
                expected == Presence::Absent || found.record.field(name.as_str()) == expected
            }),
        };
        if holds {
            return Ok(Some(found));
        }
        let error = Error::new(ErrorKind::Conflict, format!("row {id} was changed by somebody else"));
        Err(Failure::Refused(RefusalKind::Stale, error.at("entity", &self.table.entity.name)))
    }

    /// The row with all its columns; where one that the operation does not speak of cannot be read, without the others:
    /// what nobody maps must not keep anybody from writing.
    fn row(
        &self,
        connection: &Connection,
        op: &WriteOp,
        id: &RecordId,
    ) -> Result<Option<std::result::Result<Versioned, Broken>>, Failure> {
        let found = match &self.selection {
            Some(rows) => rows.by_id(connection, id)?,
            None => self.selection()?.by_id(connection, id)?,
        };
        if !matches!(found, Some(Err(_))) {
            return Ok(found);
        }
        let mut names: Vec<FieldName> = op.patch.shape().names().to_vec();
        if let Expects::Values(values) = &op.expects {
            let more: Vec<FieldName> =
                values.shape().names().iter().filter(|name| !names.contains(name)).cloned().collect();
            names.extend(more);
        }
        let selected =
            Shape::new(names).and_then(|shape| Ok(Selection::new(self.table, &shape)?.by_id(connection, id)));
        match selected {
            Ok(found) => Ok(found?),
            // A field that the table lacks is refused when it is written.
            Err(_) => Ok(found),
        }
    }

    fn stored(&self, connection: &Connection, op: &WriteOp, id: &RecordId) -> Result<Proof, Failure> {
        Ok(match self.row(connection, op, id)? {
            Some(Ok(found)) => Proof::Stored(found),
            // A trigger deleted it, or made a value of it that cannot be read: nothing is proven.
            Some(Err(_)) | None => Proof::None,
        })
    }

    fn selection(&self) -> Result<Selection<'_>, Failure> {
        Selection::new(self.table, self.shape)
            .map_err(|error| Failure::Refused(RefusalKind::Forbidden, error))
    }

    /// The columns that a patch sets, with what is bound for them.
    fn said(&self, patch: &Record) -> Result<Vec<(usize, Bound)>, Failure> {
        let mut said = Vec::new();
        for (name, presence) in patch.fields() {
            let Presence::Value(value) = presence else { continue };
            let Some(place) = self.shape.slot(name.as_str()) else {
                return Err(invalid(Some(name), "the table has no such column"));
            };
            let (Some(column), Some(field)) =
                (self.table.columns.get(place), self.table.entity.fields.get(place))
            else {
                continue;
            };
            if field.read_only {
                return Err(invalid(Some(name), "the column cannot be written"));
            }
            // A required column that is told null is SQLite's to refuse: a trigger may fill it.
            if let Some(problem) = misfit(field, value).filter(|_| !value.is_null()) {
                return Err(invalid(Some(name), problem));
            }
            let value = match value.is_null() && column.empty_is_nothing {
                true => Ok(Bound::Text(String::new())),
                false => bound(&column.kind, column.affinity, value),
            };
            said.push((place, value.map_err(|problem| invalid(Some(name), problem))?));
        }
        Ok(said)
    }

    fn quoted(&self, place: usize) -> Option<&str> {
        self.quoted.get(place).map(String::as_str)
    }

    /// `"a" = ? AND "b" = ?` of the key. The row was found by its very id in this transaction, so equal is enough.
    fn this_row(&self) -> String {
        let parts: Vec<String> = self.table.key.names.iter().map(|name| format!("{name} = ?")).collect();
        parts.join(" AND ")
    }

    fn missing(&self, id: &RecordId) -> Failure {
        let error = Error::new(ErrorKind::NotFound, format!("row {id} is not there"));
        Failure::Refused(RefusalKind::Missing, error.at("entity", &self.table.entity.name))
    }

    /// What a failure means for the operation.
    ///
    /// Errors: it concerns the whole batch (the disk, a lock), of which nothing then happens.
    fn understood(
        &self,
        connection: &Connection,
        op: &WriteOp,
        failure: Failure,
    ) -> Result<(RefusalKind, Error)> {
        let error = match failure {
            Failure::Refused(why, error) => return Ok((why, error)),
            Failure::Sqlite(error) => error,
        };
        let told = from_sqlite(&error, "writing").at("entity", &self.table.entity.name);
        let rusqlite::Error::SqliteFailure(code, message) = &error else { return Err(told) };
        let message = message.as_deref().unwrap_or_default();
        let invalid = |field: Option<FieldName>, what: String| {
            let error = Error::data(what).at("entity", &self.table.entity.name).caused_by(message.to_owned());
            let error = match &field {
                Some(name) => error.at("field", name),
                None => error,
            };
            Ok((RefusalKind::Invalid { field }, error))
        };
        match code.extended_code {
            rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE
            | rusqlite::ffi::SQLITE_CONSTRAINT_PRIMARYKEY
            | rusqlite::ffi::SQLITE_CONSTRAINT_ROWID => {
                let by = self.holder(connection, op).unwrap_or_default();
                let error = Error::new(ErrorKind::Conflict, "a unique key is taken");
                let error = error.at("entity", &self.table.entity.name).caused_by(message.to_owned());
                Ok((RefusalKind::KeyTaken { by }, error))
            }
            rusqlite::ffi::SQLITE_CONSTRAINT_NOTNULL => {
                let field =
                    self.table.columns.iter().find(|column| {
                        message.ends_with(&format!("{}.{}", self.table.entity.name, column.name))
                    });
                invalid(field.map(|column| column.name.as_str().into()), "a value is required".to_owned())
            }
            rusqlite::ffi::SQLITE_CONSTRAINT_CHECK => {
                invalid(self.checked_field(message), "a check of the table refuses the values".to_owned())
            }
            rusqlite::ffi::SQLITE_CONSTRAINT_FOREIGNKEY => {
                invalid(self.dangling(connection, op), "a reference would point at nothing".to_owned())
            }
            rusqlite::ffi::SQLITE_CONSTRAINT_TRIGGER => {
                invalid(None, "a trigger of the database refuses the change".to_owned())
            }
            _ if told.kind() == ErrorKind::Data => invalid(None, "the values are not accepted".to_owned()),
            _ => Err(told),
        }
    }

    /// The one field that the words of a failed check name.
    fn checked_field(&self, message: &str) -> Option<FieldName> {
        let tokens = super::ddl::tokens(message.split_once(':').map_or(message, |(_, check)| check));
        let mut named =
            self.table.columns.iter().filter(|column| tokens.iter().any(|token| token.names(&column.name)));
        match (named.next(), named.next()) {
            (Some(column), None) => Some(column.name.as_str().into()),
            _ => None,
        }
    }

    /// The first reference of the patch whose record is not there.
    fn dangling(&self, connection: &Connection, op: &WriteOp) -> Option<FieldName> {
        for (name, presence) in op.patch.fields() {
            let Some(ValueRef::Reference(reference)) = presence.value() else { continue };
            let column = self.shape.slot(name.as_str()).and_then(|place| self.table.columns.get(place))?;
            let Kind::Reference(target) = &column.kind else { continue };
            let target = quoted(target.as_str());
            // The key of the target is found through its own declaration; a rowid table without one has none here.
            let key: Option<String> = connection
                .query_row(
                    "SELECT name FROM pragma_table_info(?) WHERE pk = 1",
                    [reference.entity.as_str()],
                    |row| row.get(0),
                )
                .ok();
            let parts = reference.id.parts();
            let (Some(key), [part]) = (key, parts.as_slice()) else { continue };
            let sql = format!("SELECT 1 FROM {target} WHERE {} = ?", quoted(&key));
            let there = connection.prepare(&sql).and_then(|mut found| found.exists([bound_part(part)]));
            if let Ok(false) = there {
                return Some(name.clone());
            }
        }
        None
    }

    /// The row that holds the key or one of the unique sets that the operation wants.
    fn holder(&self, connection: &Connection, op: &WriteOp) -> rusqlite::Result<Option<RecordId>> {
        let own = match &op.target {
            Target::Existing(id) => Some(id),
            Target::New(Some(id)) => {
                let selection = Selection::new(self.table, self.shape).ok();
                if let Some(Some(_)) = selection.map(|rows| rows.by_id(connection, id)).transpose()? {
                    return Ok(Some(id.clone()));
                }
                None
            }
            Target::New(None) => None,
        };
        let current = match (own, Selection::new(self.table, self.shape)) {
            (Some(id), Ok(rows)) => rows.by_id(connection, id)?.and_then(|found| found.ok()),
            _ => None,
        };
        for set in std::iter::once(&self.table.key.columns).chain(&self.table.unique) {
            let Some(values) = self.wanted(set, &op.patch, current.as_ref()) else { continue };
            let equal: Vec<String> = set
                .iter()
                .filter_map(|place| self.quoted(*place))
                .map(|name| format!("{name} = ?"))
                .collect();
            if equal.is_empty() {
                continue;
            }
            let sql = format!(
                "SELECT {} FROM {} WHERE {} LIMIT 2",
                self.table.key.names.join(", "),
                quoted(self.table.entity.name.as_str()),
                equal.join(" AND "),
            );
            let mut statement = connection.prepare_cached(&sql)?;
            let mut rows = statement.query(params_from_iter(values))?;
            while let Some(row) = rows.next()? {
                let mut parts: Vec<KeyPart> = Vec::new();
                for place in 0..self.table.key.names.len() {
                    parts.extend(key_part(row.get_ref(place)?));
                }
                let id = RecordId::of_parts(&parts);
                if Some(&id) != own {
                    return Ok(Some(id));
                }
            }
        }
        Ok(None)
    }

    /// The values of a set of columns as the operation wants them; `None` where one of them is null or not known.
    fn wanted(&self, set: &[usize], patch: &Record, current: Option<&Versioned>) -> Option<Vec<Bound>> {
        let mut values = Vec::with_capacity(set.len());
        for place in set {
            let column = self.table.columns.get(*place)?;
            let value = match patch.field(&column.name) {
                Presence::Value(value) => value,
                _ => current?.record.get(*place).value()?,
            };
            let value = bound(&column.kind, column.affinity, value).ok()?;
            if value == Bound::Null {
                return None;
            }
            values.push(value);
        }
        Some(values)
    }
}

fn invalid(field: Option<&FieldName>, problem: impl Into<String>) -> Failure {
    let error = Error::data(problem);
    let error = match field {
        Some(name) => error.at("field", name),
        None => error,
    };
    Failure::Refused(RefusalKind::Invalid { field: field.cloned() }, error)
}

/// A commit that did not succeed: rolled back for certain, or nobody knows.
fn commit_failed(
    connection: &Connection,
    error: &rusqlite::Error,
    outcomes: Vec<WriteOutcome>,
) -> Result<Attempt> {
    let told = from_sqlite(error, "committing");
    let still_open = !connection.is_autocommit();
    // A full disk is the one failure after which SQLite rolls back by itself and can be believed: what was written of
    // the file is undone from the journal, which is there already.
    let no_room = !still_open && error.sqlite_error_code() == Some(ErrorCode::DiskFull);
    let rolled_back = no_room || still_open && connection.execute_batch("ROLLBACK").is_ok();
    match told.kind() {
        ErrorKind::Data if rolled_back => Ok(Attempt::RolledBack(told)),
        _ if rolled_back => Err(told),
        _ => {
            let unknown = |outcome: WriteOutcome| match outcome {
                WriteOutcome::Applied { .. } => WriteOutcome::Ambiguous(
                    Error::new(ErrorKind::Unavailable, "the commit failed on the disk")
                        .caused_by(told.to_string()),
                ),
                refused => refused,
            };
            Ok(Attempt::Done(outcomes.into_iter().map(unknown).collect()))
        }
    }
}
