//! What a format of record files does: cut a file into raw records, read one, make one. Knows nothing of folders,
//! stamps and batches.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use seamless_core::model::{
    Entity, EntityName, Error, ErrorKind, FieldKind, FieldName, KeyPart, Record, RecordId, Result, Shape,
    ValueRef,
};

/// Bytes of one raw record at most: a quote that never closes must not read a whole disk into memory.
pub(crate) const RECORD_BYTES_MAX: usize = 256 << 20;

/// A format of record files.
pub(crate) trait Format: fmt::Debug + Send + Sync + 'static {
    /// System and file extension: `csv`.
    fn name(&self) -> &'static str;

    /// Connector and format of cursors: `csv 1`.
    fn form(&self) -> &'static str;

    /// Whether a file is of this format, by its name.
    fn is_named(&self, path: &Path) -> bool {
        path.extension().is_some_and(|found| found.eq_ignore_ascii_case(self.name()))
    }

    /// The entities of a file.
    fn entities(&self, path: &Path) -> Result<Vec<EntityName>> {
        Ok(path.file_stem().and_then(|stem| stem.to_str()).map(EntityName::from).into_iter().collect())
    }

    /// Where the schema of an entity may lie: `customer.schema.json` beside `customer.csv`.
    fn sidecar(&self, path: &Path, entity: &EntityName) -> Option<PathBuf> {
        let _ = entity;
        Some(path.with_extension("schema.json"))
    }

    /// Reads what the file says of an entity. A declared schema is given where there is one.
    fn layout(
        &self,
        path: &Path,
        entity: &EntityName,
        declared: Option<Entity>,
        key: &[String],
    ) -> Result<Layout>;

    /// The raw records of an entity from a place on, out of an open file. A place is in bytes from the front of what
    /// this gives when it is asked for place 0.
    ///
    /// Errors: the disk; [`ErrorKind::CursorExpired`] for a place that is not there.
    fn records(&self, layout: &Layout, file: File, from: u64) -> Result<Box<dyn BufRead + Send>> {
        let _ = layout;
        let length = file.metadata().map_err(|problem| disk(problem, "reading"))?.len();
        if from > length {
            return Err(beyond());
        }
        let mut file = file;
        file.seek(SeekFrom::Start(from)).map_err(|problem| disk(problem, "reading"))?;
        Ok(Box::new(BufReader::with_capacity(BUFFER_BYTES, file)))
    }

    /// Where a record stands, in words: `customers.csv line 17`. A column is given where one is to blame.
    fn place(&self, file: &str, layout: &Layout, line: u64, column: Option<usize>) -> String {
        let _ = (layout, column);
        format!("{file} line {line}")
    }

    /// Writes the whole file anew, where copying raw records would not do. `None`: it would.
    ///
    /// Errors: nothing of it counts.
    fn rewrite(&self, path: &Path, layout: &Layout, rows: &Rows, to: &File) -> Result<Option<()>> {
        let _ = (path, layout, rows, to);
        Ok(None)
    }

    /// Why a record cannot be deleted, if so.
    fn undeletable(&self, layout: &Layout, raw: &[u8]) -> Option<String> {
        let _ = (layout, raw);
        None
    }

    /// Why the file must not be written just now, if so.
    fn unwritable(&self, path: &Path) -> Option<Error> {
        let _ = path;
        None
    }

    /// Whether a field can hold a list of child records.
    fn has_lists(&self) -> bool {
        false
    }

    /// Reads the next raw record, its end of line included.
    fn next(&self, reader: &mut dyn BufRead, raw: &mut Vec<u8>) -> Result<Next>;

    /// Reads a raw record (without its end of line): its id and the wanted fields.
    fn parse(&self, layout: &Layout, raw: &[u8], wanted: &Wanted) -> Result<Row, Bad>;

    /// Makes a raw record (without an end of line): a former one with these fields changed, or a new one.
    ///
    /// Errors: the field that cannot be written, and why.
    fn edit(
        &self,
        layout: &Layout,
        former: Option<&[u8]>,
        changes: &[(usize, ValueRef<'_>)],
    ) -> Result<Vec<u8>, (usize, String)>;
}

/// Bytes read from the disk at once.
const BUFFER_BYTES: usize = 256 << 10;

/// What a batch makes of the records of an entity: raw records without ends of lines.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    /// By the number of the record behind the header, blank ones counted; `None`: it goes.
    pub(crate) replaced: BTreeMap<u64, Option<Vec<u8>>>,
    /// New ones, in order.
    pub(crate) appended: Vec<Option<Vec<u8>>>,
}

/// A place that a file does not have.
pub(crate) fn beyond() -> Error {
    Error::new(ErrorKind::CursorExpired, "the cursor is of a longer file")
        .with_remedy("read everything once; the cursor that comes with it is good")
}

/// What a file holds and where.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    pub(crate) entity: Entity,
    /// All fields.
    pub(crate) shape: Arc<Shape>,
    pub(crate) key: Vec<usize>,
    /// Of each field, the column that holds it; empty where fields are found by name.
    #[cfg_attr(
        not(any(feature = "csv", feature = "excel")),
        expect(dead_code, reason = "JSON Lines has no columns")
    )]
    pub(crate) columns: Vec<usize>,
    /// How many columns a record has; 0 where that does not matter.
    #[cfg_attr(
        not(any(feature = "csv", feature = "excel")),
        expect(dead_code, reason = "JSON Lines has no columns")
    )]
    pub(crate) width: usize,
    /// How numbers stand for days, in a workbook.
    #[cfg(feature = "excel")]
    pub(crate) calendar: crate::excel::Calendar,
    /// Where the first record begins: bytes and lines before it.
    pub(crate) begin: (u64, u64),
    /// Whether lines end in CR LF.
    pub(crate) crlf: bool,
    /// The referenced entities whose key is a whole number.
    pub(crate) number_keys: BTreeSet<EntityName>,
    /// The schemas of child records that fields hold lists of.
    pub(crate) lines: BTreeMap<EntityName, Entity>,
}

/// Fields that a message names; the rest is counted.
const FIELDS_NAMED: usize = 12;

fn some_of(entity: &Entity) -> String {
    let named: Vec<String> =
        entity.fields.iter().take(FIELDS_NAMED).map(|field| format!("`{}`", field.name)).collect();
    let more = entity.fields.len().saturating_sub(FIELDS_NAMED);
    if more == 0 { named.join(", ") } else { format!("{} and {more} more", named.join(", ")) }
}

impl Layout {
    /// Checks a schema against what files can hold.
    ///
    /// Errors: no key, a key that files cannot have.
    pub(crate) fn new(mut entity: Entity, key: &[String]) -> Result<Self> {
        let name = entity.name.clone();
        if !key.is_empty() {
            entity.key = key.iter().map(|name| FieldName::from(name.as_str())).collect();
        }
        let shape = Shape::new(entity.fields.iter().map(|field| field.name.clone()))?;
        let mut places = Vec::with_capacity(entity.key.len());
        for field in &entity.key {
            let place = shape.slot(field.as_str()).ok_or_else(|| {
                Error::configuration("the key names a field that is not there")
                    .at("entity", &name)
                    .at("field", field)
                    .with_remedy(format!(
                        "the fields are {}; a delimiter that is another one hides them",
                        some_of(&entity)
                    ))
            })?;
            let kind = entity.fields.get(place).map(|field| &field.kind);
            if !matches!(
                kind,
                Some(FieldKind::Text { .. } | FieldKind::Int | FieldKind::Date | FieldKind::Option { .. })
            ) {
                return Err(Error::configuration("a key is text, a whole number, a date or an option")
                    .at("entity", &name)
                    .at("field", field));
            }
            places.push(place);
        }
        if places.is_empty() {
            return Err(Error::configuration("the file's records have no key")
                .at("entity", &name)
                .with_remedy(
                    "name the key fields in the schema file, in the header (`No.:text(20) key`) or in `keys`",
                ));
        }
        Ok(Self {
            entity,
            shape,
            key: places,
            columns: Vec::new(),
            width: 0,
            #[cfg(feature = "excel")]
            calendar: crate::excel::Calendar::default(),
            begin: (0, 0),
            crlf: false,
            number_keys: BTreeSet::new(),
            lines: BTreeMap::new(),
        })
    }
}

/// What [`Format::next`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    Record,
    /// A line without anything.
    Blank,
    /// The file ends here.
    End,
    /// The file ended inside of a record.
    #[cfg_attr(not(feature = "csv"), expect(dead_code, reason = "a line of JSON Lines always ends"))]
    Unterminated,
}

/// Which fields are wanted of a record.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) shape: Arc<Shape>,
    /// Of each slot, the field.
    pub(crate) fields: Vec<usize>,
}

impl Wanted {
    /// The fields of a shape.
    ///
    /// Errors: a field that the entity lacks.
    pub(crate) fn new(layout: &Layout, shape: &Arc<Shape>) -> Result<Self> {
        let mut fields = Vec::with_capacity(shape.len());
        for name in shape.names() {
            fields.push(layout.shape.slot(name.as_str()).ok_or_else(|| {
                Error::configuration("the file has no such field")
                    .at("entity", &layout.entity.name)
                    .at("field", name)
            })?);
        }
        Ok(Self { shape: Arc::clone(shape), fields })
    }

    pub(crate) fn all(layout: &Layout) -> Self {
        Self { shape: Arc::clone(&layout.shape), fields: (0..layout.shape.len()).collect() }
    }
}

/// A record that was read.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) id: RecordId,
    pub(crate) record: Record,
}

/// A record that cannot be read.
#[derive(Clone, Debug)]
pub(crate) struct Bad {
    pub(crate) id: Option<RecordId>,
    pub(crate) problem: String,
    /// The column that is to blame, where a place names one.
    pub(crate) column: Option<usize>,
}

impl Bad {
    /// A record of which only the problem is known, or its id as well.
    #[cfg(any(feature = "csv", feature = "jsonl"))]
    pub(crate) fn new(id: Option<RecordId>, problem: String) -> Self {
        Self { id, problem, column: None }
    }
}

/// The id of a record with these values in its key fields.
pub(crate) fn id_of<'a>(values: impl IntoIterator<Item = ValueRef<'a>>) -> Option<RecordId> {
    let mut parts = Vec::new();
    for value in values {
        parts.push(match value {
            ValueRef::Text("") => return None,
            ValueRef::Text(key) => KeyPart::Text(key.into()),
            ValueRef::Int(key) => KeyPart::Int(key),
            ValueRef::Date(day) => KeyPart::Text(day.to_string().into()),
            _ => return None,
        });
    }
    (!parts.is_empty()).then(|| RecordId::of_parts(&parts))
}

/// Reads up to and with the next line feed.
///
/// Errors: the disk; a record beyond [`RECORD_BYTES_MAX`].
pub(crate) fn fill<'a>(reader: &'a mut dyn BufRead, raw: &[u8]) -> Result<&'a [u8]> {
    if raw.len() > RECORD_BYTES_MAX {
        return Err(Error::new(ErrorKind::Limit, "a record is too large")
            .with_remedy(format!("at most {RECORD_BYTES_MAX} bytes; look for a quote that is not closed")));
    }
    reader.fill_buf().map_err(|problem| disk(problem, "reading"))
}

/// What a failed call to the disk means.
pub(crate) fn disk(problem: std::io::Error, doing: &str) -> Error {
    let (kind, remedy) = match problem.kind() {
        std::io::ErrorKind::NotFound => (ErrorKind::NotFound, "check the path"),
        std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => {
            (ErrorKind::Permission, "allow this user to use the file and its folder")
        }
        std::io::ErrorKind::StorageFull
        | std::io::ErrorKind::QuotaExceeded
        | std::io::ErrorKind::FileTooLarge => {
            (ErrorKind::Unavailable, "make room on the disk, or raise the quota or limit of this user")
        }
        _ => (ErrorKind::Unavailable, "check the disk and the network share"),
    };
    Error::new(kind, format!("{doing} the file failed")).with_remedy(remedy).caused_by(problem)
}

/// A record's bytes without the end of line.
pub(crate) fn without_end(raw: &[u8]) -> &[u8] {
    let raw = raw.strip_suffix(b"\n").unwrap_or(raw);
    raw.strip_suffix(b"\r").unwrap_or(raw)
}
