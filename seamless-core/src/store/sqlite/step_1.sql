-- Version 1. Released steps never change; see migrate.rs.

CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value NOT NULL
) WITHOUT ROWID;
INSERT INTO meta VALUES ('revision', 0);

-- Names that rows repeat: links, plans, partitions, configurations.
CREATE TABLE name (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
);

-- Field names of records, written once per shape.
CREATE TABLE shape (
    id   INTEGER PRIMARY KEY,
    form BLOB NOT NULL UNIQUE
);

CREATE TABLE lease (
    partition TEXT PRIMARY KEY,
    epoch     INTEGER NOT NULL
) WITHOUT ROWID;

-- One row holds both bases. Rows lie in order of arrival; the two indexes hold all that a mark shows, so that a scan
-- of marks reads no base, whichever side it follows.
-- status: 0 linked, 1 frozen by left, 2 frozen by right, 3 ended.
CREATE TABLE pair (
    id            INTEGER PRIMARY KEY,
    link          INTEGER NOT NULL,
    left_id       BLOB NOT NULL,
    right_id      BLOB NOT NULL,
    status        INTEGER NOT NULL,
    revision      INTEGER NOT NULL,
    watch         INTEGER NOT NULL,
    left_print    BLOB NOT NULL,
    right_print   BLOB NOT NULL,
    plan          INTEGER,
    configuration INTEGER NOT NULL,
    form          BLOB NOT NULL
);
CREATE INDEX pair_left
    ON pair (link, left_id, right_id, status, revision, watch, left_print, right_print);
CREATE INDEX pair_right
    ON pair (link, right_id, left_id, status, revision, watch, left_print, right_print);
CREATE INDEX pair_watched ON pair (link, left_id) WHERE watch = 1 AND status < 3;

CREATE TABLE feed (
    link INTEGER NOT NULL,
    side INTEGER NOT NULL,
    form BLOB NOT NULL,
    PRIMARY KEY (link, side)
) WITHOUT ROWID;

-- kind: 0 hint, 1 retry, 2 parked, 3 conflict. rules: encoded like the parts of a record id, sorted.
CREATE TABLE attention (
    link        INTEGER NOT NULL,
    side        INTEGER NOT NULL,
    id          BLOB NOT NULL,
    kind        INTEGER NOT NULL,
    rules       BLOB NOT NULL,
    due_seconds INTEGER NOT NULL,
    due_nanos   INTEGER NOT NULL,
    content     TEXT NOT NULL,
    PRIMARY KEY (link, side, id, kind, rules)
) WITHOUT ROWID;

CREATE TABLE resolution (
    link     INTEGER NOT NULL,
    left_id  BLOB NOT NULL,
    right_id BLOB NOT NULL,
    rule     TEXT NOT NULL,
    content  TEXT NOT NULL,
    PRIMARY KEY (link, left_id, right_id, rule)
) WITHOUT ROWID;

-- state: 0 draft, 1 sealed, 2 adopted, 3 done, 4 abandoned. id: of its name.
CREATE TABLE plan (
    id            INTEGER PRIMARY KEY,
    partition     INTEGER NOT NULL,
    state         INTEGER NOT NULL,
    head          TEXT NOT NULL,
    trailer       TEXT,
    approval      TEXT,
    ended_seconds INTEGER,
    ended_nanos   INTEGER
);
CREATE INDEX plan_state ON plan (partition, state);

-- One row is intent and journal of an entry; it changes twice at least, so what never changes lies elsewhere.
-- state: 2 planned, 3 intended, 4 applied, 5 dropped; never 0 or 1, which SQLite stores in another length.
CREATE TABLE entry (
    plan     INTEGER NOT NULL,
    key      BLOB NOT NULL,
    state    INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    content  INTEGER NOT NULL,
    ending   BLOB,
    PRIMARY KEY (plan, key)
) WITHOUT ROWID;
CREATE INDEX entry_intended ON entry (plan, key) WHERE state = 3;

-- What an entry says, in order of arrival.
CREATE TABLE entry_content (
    id   INTEGER PRIMARY KEY,
    form BLOB NOT NULL
);

CREATE TABLE journal (
    number  INTEGER PRIMARY KEY,
    content TEXT NOT NULL
);
