//! A PostgreSQL database (13 and newer) as a system: tables and views of one or more schemas, as `pg_catalog` describes them.
//!
//! **What it reads.** Ordinary and partitioned tables, views, materialised views; partitions show as their table, rows of
//! inheriting tables as their own. Domains are what they are made of; enums, `CHECK (x IN (..))` on a column or a domain are
//! option sets; `CHECK (length(x) <= n)` is a length; a foreign key of one column to a primary key is a reference; comments
//! are labels. Columns that are generated or `GENERATED ALWAYS AS IDENTITY` are computed. Types that have no kind here
//! (arrays, intervals, ranges, network addresses, `money`, types of extensions but `citext`) are shown as the text that the
//! server makes of them and are only read. A row that holds what cannot be carried (NaN as a decimal, infinite numbers
//! and dates, 24:00) is broken: it is reported with its place, never read in part. Foreign tables are left out.
//!
//! **Identity of records** is the primary key, otherwise the shortest unique index over columns that cannot be null. Views, and
//! tables without either, have records only where the configuration names a key, and are then only read.
//! Pages go by key. They come in the order of bytes (which the engine can merge without sorting) where all columns of
//! the key are whole numbers, UUIDs, or text whose index is in that order: a column with `COLLATE "C"`, a database with it,
//! or a second unique index `(key COLLATE "C")`.
//!
//! **What it can do**, per relation:
//!
//! | | table | partitioned | view | materialised |
//! |---|---|---|---|---|
//! | C1 conditional update, C2 writes return the record as stored | yes | yes | no writes | no writes |
//! | C3 unique key | the client chooses the id where the key is one text of 36 characters or a UUID; otherwise the first unique columns, or the key's own where the server does not number the rows | same | | |
//! | C4 consistent read | yes | yes | yes | no |
//! | C5 tombstones | with the log of deletions | no | no | no |
//! | C6 complete enumeration | yes | yes | yes | yes |
//! | C8 gone is told from hidden | yes | yes | no | no |
//! | changes | always, where the whole table may be read | `version` with `trusted`, or `modified` | same | same |
//! | C7 low-water mark | yes | with `version` | same | same |
//!
//! Less than that: where **row level security** is active for the account, rows can be hidden without a word, so C5, C6 and C8
//! are not declared; a policy that is made later is noticed before a row is called gone. A **standby** lags: C4, C8 and writes
//! are not declared. Writes are declared as far as the account's privileges go; a column that it may not write is read-only, one
//! that it may not read is unreadable. Deleting takes the privilege to update as well, because rows are locked first.
//!
//! **Changes** are found, in this order of preference:
//!
//! 1. by a `version` column that a trigger sets to the transaction (`NEW.ver := pg_current_xact_id()::text::bigint`, as the
//!    only thing that its function does): an index on it makes a feed cheap;
//! 2. by a `version` column that grows, by the word of the configuration (`trusted`): numbers of a sequence, for one;
//! 3. by the transaction that PostgreSQL keeps with every row (`xmin`): needs nothing, and looks at the whole table;
//! 4. by a `modified` column, again from an overlap before the last stamp on, without C7: clocks step back.
//!
//! With the first three, nothing is missed that is committed late: reading goes on from the oldest transaction that ran when
//! the last reading began. `trusted` numbers must be drawn by transactions that write; between drawing a number and the first
//! write there is a moment in which nobody can see that a transaction runs, which the other two do not have.
//!
//! **Versions** are the `version` column where a trigger proves that it moves or the configuration says so, otherwise the
//! transaction that wrote the row, in its long form. A row keeps the lower half of that only. When four thousand million
//! transactions have passed, the version of a row that nobody touched moves once: a write that expects the former one is then
//! refused as stale and planned anew. It never stays the same where the row was written.
//!
//! **Writing.** A batch is one transaction: the rows that it concerns are locked and compared, then each verb and set of columns is
//! one statement. What fails is found by halves, so that only the offender is refused. Values are bound as parameters and made
//! what they are by the server, without a length that could cut them; what a column would round is refused before.
//! Guarantee: an answer to the commit that is lost makes the batch ambiguous; before the commit is sent, nothing happened.
//!
//! **Identity of the database** is the identifier that the cluster got when it was made, with the number and name of the
//! database in it. A database that was copied by a dump, or by `CREATE DATABASE .. TEMPLATE`, is another one. A copy of the whole
//! cluster's files (a base backup, a promoted standby, a snapshot of a disk) cannot be told from the original: give the
//! copy's connection an `identity` of its own.
//!
//! **Connections**: at most four, over TLS unless the configuration says otherwise, on one thread with a runtime of the connector's
//! own; they are made again when they are lost. A call that is dropped has its statement cancelled at the server.
//!
//! Not here: the mapping, retries beyond one for a connection that turned out to be gone, any SQL of the host's own.

mod batch;
mod catalogue;
mod changes;
mod checks;
mod client;
mod columns;
mod config;
mod connector;
mod cursor;
mod deletions;
mod error;
mod numeric;
mod read;
mod rows;
mod schema;
mod tls;
mod triggers;
mod values;
mod write;

pub use config::{PostgresConfig, TableConfig, Tls};
pub use connector::Postgres;
