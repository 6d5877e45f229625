//! Operations to statements: a part of a batch becomes one look at the rows that it concerns, under locks, and one
//! statement for each verb and set of columns. Runs inside of a transaction that somebody else opens and ends. The doors
//! are [`Batch::part`] and [`Batch::understood`].
//!
//! What is about to be changed is read under a lock: nobody can come between a precondition and its write.

use std::collections::HashMap;
use std::sync::Arc;

use seamless_core::connector::{Expects, Proof, RefusalKind, Target, Verb, WriteOp, WriteOutcome};
use seamless_core::model::{
    Error, ErrorKind, FieldName, Presence, Record, RecordId, Result, Shape, ValueRef,
};
use tokio_postgres::Row;

use super::catalogue::Table;
use super::client::{Bound, Session};
use super::error::{Fault, Meaning, said};
use super::read::by_ids;
use super::rows::{Selection, bound_key, key_arrays, numbered, unnested};
use super::values::{Column, Kind, bound, bound_part};
use super::write::refused;
use crate::fits::misfit;
use crate::sql::keyset::listed;

/// How a table's rows are written.
pub(super) struct Batch<'a> {
    pub(super) table: &'a Table,
    /// All columns.
    shape: &'a Arc<Shape>,
    pub(super) selection: Selection<'a>,
}

/// Columns with the texts that are bound for them.
type Said = Vec<(usize, Option<String>)>;

/// Why an operation does not happen, known before anything is sent.
type No = (RefusalKind, Error);

/// Operations that one statement carries out: the columns, and for each operation its place, its key where it has one, and
/// the texts in the order of the columns.
#[derive(Default)]
struct Group {
    columns: Vec<usize>,
    members: Vec<Member>,
}

struct Member {
    place: usize,
    id: Option<RecordId>,
    texts: Vec<Option<String>>,
}

impl<'a> Batch<'a> {
    pub(super) fn new(table: &'a Table, shape: &'a Arc<Shape>) -> Result<Self> {
        Ok(Self { table, shape, selection: Selection::new(table, shape)? })
    }

    /// Carries out operations; one outcome per operation, in their order.
    ///
    /// Errors: the server refuses one of them, without saying which; or something is odd about a statement for several.
    /// Either way the caller goes back to before this part.
    pub(super) async fn part(
        &self,
        session: &mut Session,
        ops: &[WriteOp],
    ) -> Result<Vec<WriteOutcome>, Fault> {
        let mut outcomes: Vec<Option<WriteOutcome>> = ops.iter().map(|_| None).collect();
        let concerned: Vec<&RecordId> = ops.iter().filter_map(|op| concerned(op)).collect();
        let rows = match concerned.as_slice() {
            [] => HashMap::new(),
            ids => by_ids(session, &self.selection, ids, true).await?,
        };
        let (mut creates, mut updates): (Vec<Group>, Vec<Group>) = (Vec::new(), Vec::new());
        let mut deletes: Vec<(usize, &RecordId)> = Vec::new();
        for (place, op) in ops.iter().enumerate() {
            let now = match (&op.verb, &op.target) {
                (Verb::Create, Target::New(id)) => self.to_create(op, id.as_ref()).map(|said| {
                    join(&mut creates, place, None, said);
                    None
                }),
                (Verb::Update, Target::Existing(id)) => {
                    self.to_update(op, id, rows.get(id)).map(|said| match said {
                        Some(said) if !said.is_empty() => {
                            join(&mut updates, place, Some(id.clone()), said);
                            None
                        }
                        // Nothing is to be changed: what is there is what is stored.
                        _ => Some(self.stored(id, rows.get(id))),
                    })
                }
                (Verb::Delete(_), Target::Existing(id)) => {
                    self.to_delete(op, id, rows.get(id)).map(|there| {
                        if there {
                            deletes.push((place, id));
                        }
                        Some(WriteOutcome::Applied { id: id.clone(), proof: Proof::None })
                    })
                }
                (Verb::Action(name), _) => Err((
                    RefusalKind::Forbidden,
                    Error::new(ErrorKind::Unsupported, format!("a database has no action {name}")),
                )),
                _ => Err((
                    RefusalKind::Invalid { field: None },
                    Error::new(ErrorKind::Internal, "the operation and its target do not fit together"),
                )),
            };
            if let Some(slot) = outcomes.get_mut(place) {
                *slot = now.unwrap_or_else(|(why, error)| Some(refused(why, error)));
            }
        }
        self.delete(session, &deletes).await?;
        for group in &updates {
            self.update(session, group, &mut outcomes).await?;
        }
        for group in &creates {
            self.create(session, group, ops, &mut outcomes).await?;
        }
        outcomes
            .into_iter()
            .map(|outcome| outcome.ok_or_else(|| odd("an operation has no outcome")))
            .collect()
    }

    /// The columns of a new row, its key among them.
    fn to_create(&self, op: &WriteOp, id: Option<&RecordId>) -> Result<Said, No> {
        if !self.table.capabilities.create {
            return Err(self.not_allowed("made"));
        }
        let mut said = self.said(&op.patch)?;
        let Some(id) = id else { return Ok(said) };
        let parts = id.parts();
        if parts.len() != self.table.key.columns.len() {
            return Err(invalid(None, "the id has not as many parts as the table's key"));
        }
        for (place, part) in self.table.key.columns.iter().zip(&parts) {
            let name = self.shape.name(*place);
            match said.iter().find(|(known, _)| known == place) {
                // A key that the patch names is the record's own. An id is chosen for keys that nobody names, and not for
                // one that is told nothing: a plan that says nothing must not become a key made up here.
                Some((_, None)) => return Err(invalid(name, "the key of a new row cannot be nothing")),
                Some(_) => {}
                None => {
                    let text = self.table.columns.get(*place).and_then(|column| bound_part(column, part));
                    let text = text.ok_or_else(|| invalid(name, "the id is no key of this table"))?;
                    said.push((*place, Some(text)));
                }
            }
        }
        Ok(said)
    }

    fn to_update(&self, op: &WriteOp, id: &RecordId, row: Option<&Row>) -> Result<Option<Said>, No> {
        if !self.table.capabilities.update {
            return Err(self.not_allowed("changed"));
        }
        let row = row.ok_or_else(|| {
            let error = Error::new(ErrorKind::NotFound, format!("row {id} is not there"));
            (RefusalKind::Missing, error.at("entity", &self.table.entity.name))
        })?;
        self.expected(op, id, row)?;
        let mut said = Vec::new();
        for (place, text) in self.said(&op.patch)? {
            if self.table.key.columns.contains(&place) {
                let name = self.shape.name(place);
                let value = op.patch.field(name.map_or("", FieldName::as_str));
                if !self.selection.slot_equals(row, place, value) {
                    return Err(invalid(name, "the key of a row cannot be changed"));
                }
                continue;
            }
            said.push((place, text));
        }
        Ok(Some(said))
    }

    /// Whether the row is there; deleting what is gone already is done.
    fn to_delete(&self, op: &WriteOp, id: &RecordId, row: Option<&Row>) -> Result<bool, No> {
        if !self.table.capabilities.delete {
            return Err(self.not_allowed("deleted"));
        }
        let Some(row) = row else { return Ok(false) };
        self.expected(op, id, row).map(|()| true)
    }

    fn not_allowed(&self, done: &str) -> No {
        let error = Error::new(
            ErrorKind::Unsupported,
            format!("rows of this table cannot be {done} by this account"),
        );
        (RefusalKind::Forbidden, error.at("entity", &self.table.entity.name))
    }

    fn expected(&self, op: &WriteOp, id: &RecordId, row: &Row) -> Result<(), No> {
        let holds = match &op.expects {
            Expects::Anything => true,
            Expects::Missing => false,
            Expects::Version(version) => self.selection.version(row).as_ref() == Some(version),
            Expects::Values(values) => values.fields().all(|(name, expected)| {
                expected == Presence::Absent
                    || self
                        .shape
                        .slot(name.as_str())
                        .is_some_and(|slot| self.selection.slot_equals(row, slot, expected))
            }),
        };
        if holds {
            return Ok(());
        }
        let error = Error::new(ErrorKind::Conflict, format!("row {id} was changed by somebody else"));
        Err((RefusalKind::Stale, error.at("entity", &self.table.entity.name)))
    }

    /// The columns that a patch sets, with what is bound for them.
    fn said(&self, patch: &Record) -> Result<Said, No> {
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
            // A required column that is told null is the server's to refuse: a trigger may fill it.
            if let Some(problem) = misfit(field, value).filter(|_| !value.is_null()) {
                return Err(invalid(Some(name), problem));
            }
            said.push((place, bound(column, value).map_err(|problem| invalid(Some(name), problem))?));
        }
        Ok(said)
    }

    fn column(&self, place: usize) -> Option<&Column> {
        self.table.columns.get(place)
    }

    fn stored(&self, id: &RecordId, row: Option<&Row>) -> WriteOutcome {
        let found = row.and_then(|row| self.selection.record(row).ok());
        WriteOutcome::Applied { id: id.clone(), proof: found.map_or(Proof::None, Proof::Stored) }
    }

    async fn delete(&self, session: &mut Session, deletes: &[(usize, &RecordId)]) -> Result<(), Fault> {
        let keys: Vec<Vec<String>> = deletes.iter().filter_map(|(_, id)| bound_key(self.table, id)).collect();
        if keys.is_empty() {
            return Ok(());
        }
        let parts = self.table.key.columns.len();
        let sql = format!(
            "DELETE FROM {} USING {} WHERE {} RETURNING 1",
            self.selection.from(),
            unnested(&numbered("k", parts)),
            self.selection.has_key(),
        );
        let gone = session.rows(&sql, &key_arrays(parts, &keys)).await?;
        if gone.len() != deletes.len() {
            return Err(odd("a trigger or rule of the database keeps the row"));
        }
        Ok(())
    }

    async fn update(
        &self,
        session: &mut Session,
        group: &Group,
        outcomes: &mut [Option<WriteOutcome>],
    ) -> Result<(), Fault> {
        let parts = self.table.key.columns.len();
        let ids = group.members.iter().filter_map(|member| member.id.as_ref());
        let keys: Vec<Vec<String>> = ids.filter_map(|id| bound_key(self.table, id)).collect();
        let sets: Vec<String> = group
            .columns
            .iter()
            .filter_map(|place| self.column(*place))
            .enumerate()
            .map(|(at, column)| format!("{} = {}", column.quoted, column.made(&format!("u.c{at}"))))
            .collect();
        let names = [numbered("k", parts), numbered("c", group.columns.len())].concat();
        let sql = format!(
            "UPDATE {} SET {} FROM {} WHERE {} RETURNING {}",
            self.selection.from(),
            listed(&sets),
            unnested(&names),
            self.selection.has_key(),
            self.selection.columns,
        );
        let bounds = [key_arrays(parts, &keys), group.arrays()].concat();
        let rows = session.rows(&sql, &bounds).await?;
        let rows: HashMap<RecordId, Row> =
            rows.into_iter().filter_map(|row| Some((self.selection.id(&row)?, row))).collect();
        for member in &group.members {
            let Some(id) = &member.id else { continue };
            let row = rows
                .get(id)
                .ok_or_else(|| odd("a trigger or rule of the database keeps the row as it is"))?;
            if let Some(slot) = outcomes.get_mut(member.place) {
                *slot = Some(self.stored(id, Some(row)));
            }
        }
        Ok(())
    }

    async fn create(
        &self,
        session: &mut Session,
        group: &Group,
        ops: &[WriteOp],
        outcomes: &mut [Option<WriteOutcome>],
    ) -> Result<(), Fault> {
        let name = &self.table.name;
        let columns: Vec<&Column> = group.columns.iter().filter_map(|place| self.column(*place)).collect();
        let sql = match columns.as_slice() {
            [] => format!("INSERT INTO {name} AS t DEFAULT VALUES RETURNING {}", self.selection.columns),
            columns => {
                let into: Vec<&str> = columns.iter().map(|column| column.quoted.as_str()).collect();
                let values: Vec<String> =
                    columns.iter().enumerate().map(|(at, column)| column.made(&format!("u.c{at}"))).collect();
                format!(
                    "INSERT INTO {name} AS t ({}) SELECT {} FROM {} ORDER BY u.n RETURNING {}",
                    listed(&into),
                    listed(&values),
                    unnested(&numbered("c", columns.len())),
                    self.selection.columns,
                )
            }
        };
        let rows = session.rows(&sql, &group.arrays()).await?;
        if rows.len() != group.members.len() {
            return Err(odd("a trigger or rule of the database does not take the row"));
        }
        for (member, row) in group.members.iter().zip(&rows) {
            let op = ops.get(member.place).ok_or_else(|| odd("an operation is not there"))?;
            // Rows come back in the order in which they were made. That is seen and not taken for granted: the id of one
            // record must never become that of another.
            if rows.len() > 1 && !self.is_of(row, &op.patch) {
                return Err(odd("the rows that came back are not those that were sent"));
            }
            let id = self.selection.id(row).ok_or_else(|| odd("the new row has no key that can be an id"))?;
            if let Some(slot) = outcomes.get_mut(member.place) {
                *slot = Some(self.stored(&id, Some(row)));
            }
        }
        Ok(())
    }

    /// Whether a row holds what a patch says, as far as the column keeps values as they are written.
    fn is_of(&self, row: &Row, patch: &Record) -> bool {
        let mut compared = 0;
        let same = patch.fields().all(|(name, said)| {
            let Some(slot) = self.shape.slot(name.as_str()) else { return false };
            let exact = self.column(slot).is_some_and(|column| {
                !matches!(column.kind, Kind::Blank | Kind::Json | Kind::Jsonb | Kind::Shown)
            });
            if said == Presence::Absent || !exact {
                return true;
            }
            compared += 1;
            self.selection.slot_equals(row, slot, said)
        });
        same && compared > 0
    }

    /// What a failure means for the operation that it belongs to.
    pub(super) async fn understood(
        &self,
        session: &mut Session,
        op: &WriteOp,
        fault: Fault,
    ) -> Result<No, Fault> {
        let at = |error: Error| error.at("entity", &self.table.entity.name);
        let words = match &fault {
            Fault::Told(_) => {
                return Ok((RefusalKind::Invalid { field: None }, at(fault.told("writing"))));
            }
            _ => fault.words().map(|words| {
                let named = words.constraint().and_then(|name| self.table.constraints.get(name));
                (said(words), words.column().map(str::to_owned), named.cloned())
            }),
        };
        let (cause, column, constraint) = words.unwrap_or_default();
        match fault.meaning() {
            Meaning::Taken => {
                let by = match constraint {
                    Some(set) => self.holder(session, op, &set).await?,
                    None => None,
                };
                let error = Error::new(ErrorKind::Conflict, "a unique key is taken").caused_by(cause);
                Ok((RefusalKind::KeyTaken { by }, at(error)))
            }
            Meaning::Values(what) => {
                let of_constraint = match constraint.as_deref() {
                    Some([one]) => self.shape.name(*one).cloned(),
                    _ => None,
                };
                let mut sent = op.patch.fields().filter(|(_, said)| !said.is_absent());
                let alone = match (sent.next(), sent.next()) {
                    (Some((name, _)), None) => Some(name.clone()),
                    _ => None,
                };
                let field = column.map(FieldName::from).or(of_constraint).or(alone);
                let error = Error::data(what).caused_by(cause);
                let error = match &field {
                    Some(name) => error.at("field", name),
                    None => error,
                };
                Ok((RefusalKind::Invalid { field }, at(error)))
            }
            Meaning::Forbidden => Ok((RefusalKind::Forbidden, at(fault.told("writing")))),
            Meaning::Busy(..) | Meaning::Moved | Meaning::Other => Err(fault),
        }
    }

    /// The row that holds the values of a unique set that the operation wants.
    async fn holder(
        &self,
        session: &mut Session,
        op: &WriteOp,
        set: &[usize],
    ) -> Result<Option<RecordId>, Fault> {
        let own = concerned(op);
        let mut current = None;
        if let Some(id) = own {
            current = by_ids(session, &self.selection, &[id], false).await?.remove(id);
        }
        let current = current.and_then(|row| self.selection.record(&row).ok());
        let key_texts = match &op.target {
            Target::New(Some(id)) => bound_key(self.table, id),
            _ => None,
        };
        let mut bounds = Vec::new();
        let mut equal = Vec::new();
        for place in set {
            let Some(column) = self.column(*place) else { return Ok(None) };
            let of_patch: Option<ValueRef<'_>> = op.patch.field(&column.name).value();
            let of_current = current.as_ref().and_then(|found| found.record.get(*place).value());
            let of_id = || {
                let at = self.table.key.columns.iter().position(|key| key == place)?;
                key_texts.as_ref()?.get(at).cloned()
            };
            let text = match of_patch.or(of_current) {
                Some(value) => bound(column, value).ok().flatten(),
                None => of_id(),
            };
            let Some(text) = text else { return Ok(None) };
            bounds.push(Bound::text(text));
            equal.push(column.equals("t", &format!("${}::text", bounds.len())));
        }
        let sql = format!(
            "SELECT {} FROM {} WHERE {} LIMIT 2",
            self.selection.columns,
            self.selection.from(),
            equal.join(" AND "),
        );
        let rows = session.rows(&sql, &bounds).await?;
        Ok(rows.iter().filter_map(|row| self.selection.id(row)).find(|id| Some(id) != own))
    }
}

impl Group {
    /// The texts as arrays to bind, one array for each column.
    fn arrays(&self) -> Vec<Bound> {
        let column =
            |at: usize| self.members.iter().map(|member| member.texts.get(at).cloned().flatten()).collect();
        (0..self.columns.len()).map(|at| Bound::Many(column(at))).collect()
    }
}

/// Puts an operation into the group of its columns.
fn join(groups: &mut Vec<Group>, place: usize, id: Option<RecordId>, mut said: Said) {
    said.sort_by_key(|(column, _)| *column);
    let (columns, texts): (Vec<usize>, Vec<Option<String>>) = said.into_iter().unzip();
    let member = Member { place, id, texts };
    // A row of nothing but defaults is made by a statement of its own.
    match groups.iter_mut().find(|group| group.columns == columns && !columns.is_empty()) {
        Some(group) => group.members.push(member),
        None => groups.push(Group { columns, members: vec![member] }),
    }
}

/// The row that an operation changes or deletes.
fn concerned(op: &WriteOp) -> Option<&RecordId> {
    match (&op.verb, &op.target) {
        (Verb::Update | Verb::Delete(_), Target::Existing(id)) => Some(id),
        _ => None,
    }
}

fn odd(what: &str) -> Fault {
    Error::data(what).into()
}

fn invalid(field: Option<&FieldName>, problem: impl Into<String>) -> No {
    let error = Error::data(problem);
    let error = match field {
        Some(name) => error.at("field", name),
        None => error,
    };
    (RefusalKind::Invalid { field: field.cloned() }, error)
}
