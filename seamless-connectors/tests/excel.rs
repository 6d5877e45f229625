//! Excel workbooks that another author's library made, and what a third one reads in them after we wrote.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use calamine::{Data, Reader};
use futures::StreamExt;
use futures::executor::block_on;
use rust_xlsxwriter::{
    Chart, ChartType, Format, Formula, Table, TableColumn, TableFunction, Workbook, Worksheet,
};
use seamless_connectors::excel::{Excel, ExcelConfig};
use seamless_connectors::registry::Registry;
use seamless_core::connector::{
    Change, Connector, DeleteGround, End, Expects, Page, ReadQuery, RefusalKind, Target, Verb, WriteBatch,
    WriteOp, WriteOutcome,
};
use seamless_core::model::{
    ActionId, Condition, EntityName, Error, ErrorKind, FieldName, Presence, RecordId, Shape, Slot, Value,
    record,
};

const SHEET: &str = "Customer";
const HEADERS: [&str; 6] =
    ["No.:text(20) key", "Name", "Limit:decimal(18,2)", "Since:date", "active:bool", "Count:int"];

struct Book {
    folder: tempfile::TempDir,
}

impl Book {
    fn path(&self) -> PathBuf {
        self.folder.path().join("orders.xlsx")
    }

    /// A workbook with a sheet of customers, as this says, and whatever is added to it.
    fn new(fill: impl FnOnce(&mut Worksheet), more: impl FnOnce(&mut Workbook)) -> Self {
        let book = Self { folder: tempfile::tempdir().unwrap() };
        let mut workbook = Workbook::new();
        let sheet = workbook.add_worksheet();
        sheet.set_name(SHEET).unwrap();
        for (column, header) in (0u16..).zip(HEADERS) {
            sheet.write_string(0, column, header).unwrap();
        }
        fill(sheet);
        more(&mut workbook);
        workbook.save(book.path()).unwrap();
        book
    }

    fn open(&self) -> Excel {
        Excel::open(ExcelConfig::new(self.path())).unwrap()
    }

    /// The cells of a sheet as another author's library reads them.
    fn cells(&self, sheet: &str) -> BTreeMap<(u32, u32), Data> {
        let mut book: calamine::Xlsx<_> = calamine::open_workbook(self.path()).unwrap();
        let range = book.worksheet_range(sheet).unwrap();
        let (row, column) = range.start().unwrap_or_default();
        let cells =
            range.used_cells().map(|(r, c, data)| ((r as u32 + row, c as u32 + column), data.clone()));
        cells.collect()
    }

    fn parts(&self) -> BTreeMap<String, Vec<u8>> {
        parts(&self.path())
    }

    /// Writes the workbook anew with a part changed.
    fn change(&self, part: &str, change: impl FnOnce(String) -> String) {
        let mut parts = self.parts();
        let text = String::from_utf8(parts.remove(part).unwrap_or_default()).unwrap();
        parts.insert(part.to_owned(), change(text).into_bytes());
        let mut out = zip::ZipWriter::new(std::fs::File::create(self.path()).unwrap());
        for (name, bytes) in parts {
            out.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
            out.write_all(&bytes).unwrap();
        }
        out.finish().unwrap();
    }
}

fn parts(path: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut zip = zip::ZipArchive::new(std::fs::File::open(path).unwrap()).unwrap();
    let mut parts = BTreeMap::new();
    for index in 0..zip.len() {
        let mut part = zip.by_index(index).unwrap();
        let mut bytes = Vec::new();
        part.read_to_end(&mut bytes).unwrap();
        parts.insert(part.name().unwrap().into_owned(), bytes);
    }
    parts
}

fn query(entity: &str, fields: &[&str]) -> ReadQuery {
    ReadQuery {
        entity: EntityName::from(entity),
        shape: Shape::new(fields.iter().map(|name| FieldName::from(*name))).unwrap(),
        condition: Condition::Always,
        after: None,
        page_records_max: 2,
    }
}

fn read_of(excel: &Excel, entity: &str, fields: &[&str]) -> Result<Vec<Page>, Error> {
    block_on(async {
        let mut pages = Vec::new();
        let mut stream = excel.read(query(entity, fields)).await?;
        while let Some(page) = stream.next().await {
            pages.push(page?);
        }
        Ok(pages)
    })
}

const FIELDS: [&str; 6] = ["No.", "Name", "Limit", "Since", "active", "Count"];

/// A value as text: nothing as `null`, no quotes.
fn plain(presence: Presence<'_>) -> String {
    match presence.value().unwrap().to_value() {
        Value::Null => "null".to_owned(),
        Value::Text(text) => text.to_string(),
        Value::Bool(yes) => yes.to_string(),
        other => other.to_string(),
    }
}

/// Records as text, broken ones with their place.
fn shown(excel: &Excel) -> Vec<String> {
    let pages = read_of(excel, SHEET, &FIELDS).unwrap();
    assert!(matches!(pages.last().unwrap().end, Some(End::Complete(_))));
    let changes = pages.iter().flat_map(|page| &page.changes);
    let text = |change: &Change| match change {
        Change::Upsert(found) => {
            found.record.fields().map(|(_, value)| plain(value)).collect::<Vec<_>>().join(" | ")
        }
        Change::Broken { place, problem, .. } => format!("{place}: {problem}"),
        Change::Deleted(_) => panic!(),
    };
    changes.map(text).collect()
}

fn op(number: u8, target: Target, verb: Verb, values: &[(&str, Value)]) -> WriteOp {
    let shape = Shape::new(values.iter().map(|(name, _)| FieldName::from(*name))).unwrap();
    let values = values.iter().map(|(name, value)| (FieldName::from(*name), Slot::Value(value.clone())));
    let patch = record(&shape, values).unwrap();
    WriteOp { id: ActionId::from_bytes([number; 16]), target, verb, patch, expects: Expects::Anything }
}

fn create(key: &str, values: &[(&str, Value)]) -> WriteOp {
    op(1, Target::New(Some(RecordId::text(key))), Verb::Create, values)
}

fn update(key: &str, values: &[(&str, Value)]) -> WriteOp {
    op(2, Target::Existing(RecordId::text(key)), Verb::Update, values)
}

fn delete(key: &str) -> WriteOp {
    let ground = DeleteGround::Erasure { by: "a test".into() };
    op(3, Target::Existing(RecordId::text(key)), Verb::Delete(ground), &[])
}

fn write(excel: &Excel, ops: Vec<WriteOp>) -> Result<Vec<WriteOutcome>, Error> {
    block_on(excel.write(&SHEET.into(), WriteBatch::of(ops)))
}

fn applied(excel: &Excel, ops: Vec<WriteOp>) {
    for outcome in write(excel, ops).unwrap() {
        assert!(matches!(outcome, WriteOutcome::Applied { .. }), "{outcome:?}");
    }
}

/// What is said of the one operation that is refused.
fn refused(excel: &Excel, op: WriteOp) -> String {
    match write(excel, vec![op]).unwrap().remove(0) {
        WriteOutcome::Refused(refusal) => {
            format!("{:?} {} {:?}", refusal.why, refusal.error, refusal.error.remedy())
        }
        other => panic!("{other:?}"),
    }
}

fn day(text: &str) -> Value {
    Value::Date(text.parse().unwrap())
}

fn decimal(text: &str) -> Value {
    Value::Decimal(text.parse().unwrap())
}

fn date_format() -> Format {
    Format::new().set_num_format("dd.mm.yyyy").set_bold()
}

/// Two customers, the second one without anything but its key and name.
fn two(sheet: &mut Worksheet) {
    sheet.write_string(1, 0, "C1").unwrap();
    sheet.write_string(1, 1, "Adatum").unwrap();
    sheet.write_number(1, 2, 1250.5).unwrap();
    let since = rust_xlsxwriter::ExcelDateTime::from_ymd(2024, 2, 29).unwrap();
    sheet.write_datetime_with_format(1, 3, &since, &date_format()).unwrap();
    sheet.write_boolean(1, 4, true).unwrap();
    sheet.write_number(1, 5, 7).unwrap();
    sheet.write_string(2, 0, "C2").unwrap();
    sheet.write_string(2, 1, "007").unwrap();
}

#[test]
fn cells_are_read_by_their_fields_and_nothing_is_guessed() {
    let book = Book::new(
        |sheet| {
            two(sheet);
            // Row 4 is blank; row 5 has a number as its key.
            sheet.write_number(4, 0, 10000).unwrap();
            sheet.write_number(4, 2, 0.3).unwrap();
            sheet.write_formula(5, 1, Formula::new("=A2&\"x\"").set_result("C1x")).unwrap();
            sheet.write_string(5, 0, "C5").unwrap();
        },
        |_| {},
    );
    assert_eq!(
        shown(&book.open()),
        [
            "C1 | Adatum | 1250.5 | 2024-02-29 | true | 7",
            "C2 | 007 | null | null | null | null",
            "10000 | null | 0.3 | null | null | null",
            "C5 | C1x | null | null | null | null",
        ]
    );
}

#[test]
fn what_cannot_be_read_is_named_with_its_cell() {
    let day = Format::new().set_num_format("yyyy-mm-dd");
    let book = Book::new(
        |sheet| {
            let keys = ["C1", "C2", "C3", "C4", "C5", "C6", "C7", "C1"];
            for (row, key) in (1u32..).zip(keys) {
                sheet.write_string(row, 0, key).unwrap();
            }
            sheet.write_formula(1, 2, Formula::new("=NA()").set_result("#N/A")).unwrap();
            sheet.write_number(2, 2, 0.1 + 0.2).unwrap();
            sheet.write_number_with_format(3, 3, 60, &day).unwrap();
            sheet.write_number(4, 3, 45000).unwrap();
            sheet.write_string(5, 5, "12").unwrap();
            sheet.merge_range(6, 1, 7, 1, "both", &Format::new()).unwrap();
            sheet.write_string(9, 1, "no key").unwrap();
        },
        |_| {},
    );
    let told = shown(&book.open());
    let expected = [
        "Customer!C2: Limit: the cell holds the error #N/A",
        "Customer!C3: Limit: Excel keeps 15 digits of a number, and this one has more: 0.30000000000000004",
        "Customer!D4: Since: a day that there never was",
        "Customer!D5: Since: a number (one that is a day has the format of one) where date was said to be",
        "Customer!F6: Count: a text where int was said to be",
        "C6 | both | null | null | null | null",
        "Customer!B8: Name: the cell is merged",
        "Customer!9:9: its key came before",
        "Customer!A10: the key is blank",
    ];
    assert_eq!(told.len(), expected.len(), "{told:#?}");
    for (told, words) in told.iter().zip(expected) {
        assert!(told.starts_with(words), "{told}");
    }
}

#[test]
fn a_write_changes_its_cells_and_no_other_byte_of_the_workbook() {
    let book = Book::new(
        |sheet| {
            two(sheet);
            sheet.set_column_width(1, 33).unwrap();
            sheet.write_formula(1, 7, "=C2*2").unwrap();
            let mut chart = Chart::new(ChartType::Column);
            chart.add_series().set_values((SHEET, 1, 2, 2, 2));
            sheet.insert_chart(3, 8, &chart).unwrap();
        },
        |workbook| {
            let other = workbook.add_worksheet();
            other.set_name("Other").unwrap();
            other.write_string_with_format(0, 0, "stays", &Format::new().set_bold()).unwrap();
        },
    );
    let before = book.parts();
    let excel = book.open();
    applied(
        &excel,
        vec![
            update(
                "C1",
                &[("Limit", decimal("99.95")), ("Name", Value::text(" A\n<&>\u{1}_x0041_ \u{1f980}"))],
            ),
            create(
                "C3",
                &[
                    ("Name", Value::text("")),
                    ("Since", day("1900-02-28")),
                    ("active", Value::Bool(false)),
                    ("Count", Value::Int(-3)),
                ],
            ),
            create("C4", &[("Limit", decimal("0.10"))]),
        ],
    );
    assert_eq!(
        shown(&excel),
        [
            "C1 |  A\n<&>\u{1}_x0041_ \u{1f980} | 99.95 | 2024-02-29 | true | 7",
            "C2 | 007 | null | null | null | null",
            "C3 |  | null | 1900-02-28 | false | -3",
            "C4 | null | 0.1 | null | null | null",
        ]
    );
    let cells = book.cells(SHEET);
    assert_eq!(cells[&(1, 2)], Data::Float(99.95));
    assert_eq!(cells[&(3, 0)], Data::String("C3".into()));
    assert_eq!(cells[&(3, 5)], Data::Float(-3.0));
    assert_eq!(cells[&(3, 4)], Data::Bool(false));
    let Data::DateTime(since) = &cells[&(3, 3)] else { panic!("{:?}", cells.get(&(3, 3))) };
    assert_eq!(since.as_f64(), 59.0, "written with the format of a day");
    let after = book.parts();
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
    let changed: Vec<&str> = before
        .iter()
        .filter(|(name, bytes)| after[*name] != **bytes)
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(
        changed,
        ["xl/styles.xml", "xl/worksheets/sheet1.xml"],
        "a style for days was missing in row 3"
    );
    // Of the sheet, everything but the rows that changed is the same.
    let sheet = |parts: &BTreeMap<String, Vec<u8>>| {
        String::from_utf8(parts["xl/worksheets/sheet1.xml"].clone()).unwrap()
    };
    let (old, new) = (sheet(&before), sheet(&after));
    for piece in ["<cols>", "<row r=\"3\"", "<drawing", "<f>C2*2</f>"] {
        let line =
            |text: &str| text[text.find(piece).unwrap()..].split_inclusive('>').next().unwrap().to_owned();
        assert_eq!(line(&old), line(&new));
    }
    assert_eq!(old.split("</sheetData>").nth(1), new.split("</sheetData>").nth(1));
}

#[test]
fn a_deleted_record_leaves_a_row_without_contents_and_the_next_one_goes_below() {
    let book = Book::new(two, |_| {});
    let excel = book.open();
    applied(&excel, vec![delete("C1"), delete("nobody")]);
    assert_eq!(shown(&excel), ["C2 | 007 | null | null | null | null"]);
    assert!(!book.cells(SHEET).contains_key(&(1, 0)));
    applied(&excel, vec![create("C3", &[])]);
    assert_eq!(book.cells(SHEET)[&(3, 0)], Data::String("C3".into()));
}

#[test]
fn what_excel_cannot_keep_is_refused_and_nothing_is_written() {
    let book = Book::new(
        |sheet| {
            two(sheet);
            sheet.write_formula(2, 2, Formula::new("=C2").set_result("1250.5")).unwrap();
            sheet.write_string(3, 0, "C3").unwrap();
            sheet.merge_range(3, 1, 4, 1, "both", &Format::new()).unwrap();
            sheet.write_string(4, 0, "C4").unwrap();
        },
        |_| {},
    );
    let excel = book.open();
    let before = std::fs::read(book.path()).unwrap();
    for (op, words) in [
        (update("C1", &[("Limit", decimal("1234567890123456.5"))]), "15 digits"),
        (update("C1", &[("Count", Value::Int(9_007_199_254_740_993))]), "15 digits"),
        (update("C1", &[("Since", day("1899-12-31"))]), "calendar"),
        (update("C1", &[("Name", Value::text(&"\u{1f980}".repeat(20_000)))]), "32767"),
        (update("C2", &[("Limit", decimal("1"))]), "formula"),
        (update("C4", &[("Name", Value::text("x"))]), "merged"),
        (delete("C2"), "a formula in column C"),
        (delete("C4"), "a merged cell in column B"),
    ] {
        let told = refused(&excel, op);
        assert!(told.contains(words), "{words}: {told}");
    }
    assert_eq!(std::fs::read(book.path()).unwrap(), before);
    assert!(matches!(
        write(&excel, vec![update("C1", &[("Name", Value::text("y"))])]).unwrap()[0],
        WriteOutcome::Applied { .. }
    ));
}

#[test]
fn days_are_those_of_the_workbooks_own_calendar() {
    let book = Book::new(two, |_| {});
    book.change("xl/workbook.xml", |text| text.replace("<workbookPr", "<workbookPr date1904=\"1\""));
    let excel = book.open();
    assert!(shown(&excel)[0].contains("2028-03-01"), "{:?}", shown(&excel));
    applied(&excel, vec![update("C1", &[("Since", day("2024-02-29"))])]);
    assert!(shown(&excel)[0].contains("2024-02-29"));
    let Data::DateTime(since) = book.cells(SHEET)[&(1, 3)] else { panic!() };
    assert_eq!((since.as_f64(), since.as_datetime_text()), (43889.0, "2024-02-29".to_owned()));
    let told = refused(&excel, update("C1", &[("Since", day("1903-12-31"))]));
    assert!(told.contains("calendar"), "{told}");
}

trait AsText {
    fn as_datetime_text(&self) -> String;
}

impl AsText for calamine::ExcelDateTime {
    fn as_datetime_text(&self) -> String {
        let (year, month, day, ..) = self.to_ymd_hms_milli();
        format!("{year:04}-{month:02}-{day:02}")
    }
}

#[test]
fn tables_grow_with_their_records_and_a_row_of_totals_is_not_run_over() {
    let table = |totals: bool| {
        let columns: Vec<TableColumn> = HEADERS
            .iter()
            .map(|header| {
                let column = TableColumn::new().set_header(*header);
                if totals { column.set_total_function(TableFunction::Count) } else { column }
            })
            .collect();
        let table = Table::new().set_columns(&columns);
        table.set_total_row(totals)
    };
    let book = Book::new(
        |sheet| {
            sheet.add_table(0, 0, 2, 5, &table(false)).unwrap();
            two(sheet);
        },
        |_| {},
    );
    applied(&book.open(), vec![create("C3", &[]), create("C4", &[])]);
    let part = String::from_utf8(book.parts()["xl/tables/table1.xml"].clone()).unwrap();
    assert_eq!(part.matches("ref=\"A1:F5\"").count(), 2, "{part}");
    let book = Book::new(
        |sheet| {
            sheet.add_table(0, 0, 3, 5, &table(true)).unwrap();
            two(sheet);
        },
        |_| {},
    );
    let before = std::fs::read(book.path()).unwrap();
    let told = write(&book.open(), vec![create("C3", &[])]).unwrap_err();
    assert!(told.to_string().contains("totals") && told.remedy().is_some(), "{told}");
    assert_eq!(std::fs::read(book.path()).unwrap(), before);
}

#[test]
fn sheets_are_entities_and_a_write_to_one_leaves_the_others() {
    let book = Book::new(two, |workbook| {
        let hidden = workbook.add_worksheet();
        hidden.set_name("Secret").unwrap().set_hidden(true);
        hidden.write_string(2, 1, "id:int key").unwrap();
        hidden.write_number(3, 1, 5).unwrap();
    });
    let names = |excel: &Excel| {
        block_on(excel.entities()).unwrap().iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(names(&book.open()), [SHEET]);
    let config = ExcelConfig {
        header_rows: BTreeMap::from([("Secret".to_owned(), 3)]),
        ..ExcelConfig::new(book.path())
    };
    let excel = Excel::open(config).unwrap();
    assert_eq!(names(&excel), [SHEET, "Secret"]);
    let pages = read_of(&excel, "Secret", &["id"]).unwrap();
    let Change::Upsert(found) = &pages[0].changes[0] else { panic!("{pages:?}") };
    assert_eq!(found.id, RecordId::int(5));
    applied(&excel, vec![update("C2", &[("Count", Value::Int(1))])]);
    assert_eq!(read_of(&excel, "Secret", &["id"]).unwrap()[0].changes.len(), 1);
    let nowhere =
        ExcelConfig { keys: BTreeMap::from([("x".to_owned(), vec![])]), ..ExcelConfig::new(book.path()) };
    assert!(Excel::open(nowhere).unwrap_err().to_string().contains('x'));
}

#[test]
fn headers_that_name_two_columns_or_none_are_refused_with_their_cells() {
    for (fill, words) in [
        (
            Box::new(|sheet: &mut Worksheet| drop(sheet.write_string(0, 7, "Name")))
                as Box<dyn FnOnce(&mut Worksheet)>,
            "stands twice, in B1 and H1",
        ),
        (Box::new(|sheet| drop(sheet.write_number(0, 7, 2024))), "the header H1 is no text"),
        (
            Box::new(|sheet| drop(sheet.merge_range(0, 6, 0, 7, "x", &Format::new()))),
            "the header H1 is a merged cell",
        ),
    ] {
        let book = Book::new(fill, |_| {});
        let told = block_on(book.open().discover(&[SHEET.into()])).unwrap_err();
        assert!(told.to_string().contains(words) && told.remedy().is_some(), "{told}");
    }
}

#[test]
fn a_workbook_that_must_not_be_written_is_not() {
    let book = Book::new(
        |sheet| {
            two(sheet);
            sheet.protect();
        },
        |_| {},
    );
    let told = write(&book.open(), vec![create("C3", &[])]).unwrap_err();
    assert!(told.to_string().contains("protected"), "{told}");
    let book = Book::new(two, |_| {});
    book.change("_xmlsignatures/origin.sigs", |_| "x".to_owned());
    let told = write(&book.open(), vec![create("C3", &[])]).unwrap_err();
    assert!(told.to_string().contains("signed"), "{told}");
    let book = Book::new(two, |_| {});
    let owner = book.path().with_file_name("~$orders.xlsx");
    std::fs::write(&owner, "").unwrap();
    let told = write(&book.open(), vec![create("C3", &[])]).unwrap_err();
    assert!(told.to_string().contains("open in another program"), "{told}");
    std::fs::remove_file(owner).unwrap();
    applied(&book.open(), vec![create("C3", &[])]);
}

#[test]
fn an_edit_between_reading_and_writing_is_seen() {
    let book = Book::new(two, |_| {});
    let excel = book.open();
    let version = |key: &str| {
        let pages = read_of(&excel, SHEET, &FIELDS).unwrap();
        let mut found = pages.into_iter().flat_map(|page| page.changes).filter_map(|change| match change {
            Change::Upsert(found) if found.id == RecordId::text(key) => found.version,
            _ => None,
        });
        found.next().unwrap()
    };
    let (one, two) = (version("C1"), version("C2"));
    let sheet = "xl/worksheets/sheet1.xml";
    book.change(sheet, |text| text.replace("<v>1250.5</v>", "<v>1300</v>"));
    let stale = WriteOp { expects: Expects::Version(one), ..update("C1", &[("Count", Value::Int(8))]) };
    let fresh = WriteOp { expects: Expects::Version(two), ..update("C2", &[("Count", Value::Int(8))]) };
    let outcomes = write(&excel, vec![stale, fresh]).unwrap();
    let [WriteOutcome::Refused(refusal), WriteOutcome::Applied { .. }] = outcomes.as_slice() else {
        panic!("{outcomes:?}")
    };
    assert_eq!(refusal.why, RefusalKind::Stale);
    assert_eq!(
        shown(&excel),
        ["C1 | Adatum | 1300 | 2024-02-29 | true | 7", "C2 | 007 | null | null | null | 8"]
    );
}

#[test]
fn what_is_no_workbook_is_an_error_with_a_remedy_and_a_damaged_one_never_a_panic() {
    let book = Book::new(two, |_| {});
    let whole = std::fs::read(book.path()).unwrap();
    std::fs::write(book.path(), b"no zip").unwrap();
    let told = Excel::open(ExcelConfig::new(book.path())).unwrap_err();
    assert!(told.remedy().is_some_and(|remedy| remedy.contains(".xlsx")), "{told}");
    // Whatever byte is lost, nothing panics, and what is read has an end or an error.
    for at in (0..whole.len()).step_by(197) {
        std::fs::write(book.path(), &whole[..at]).unwrap();
        let _ = Excel::open(ExcelConfig::new(book.path())).map(|excel| read_of(&excel, SHEET, &FIELDS));
        let mut other = whole.clone();
        other[at] ^= 0x55;
        std::fs::write(book.path(), &other).unwrap();
        let _ = Excel::open(ExcelConfig::new(book.path())).map(|excel| read_of(&excel, SHEET, &FIELDS));
    }
    assert_eq!(Excel::open(ExcelConfig::new("/nowhere.xlsx")).unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn every_setting_of_a_configuration_is_known_to_the_registry() {
    let book = Book::new(two, |_| {});
    let config = serde_json::to_value(ExcelConfig::new(book.path())).unwrap();
    assert_eq!(Registry::standard().open("excel", config).unwrap().info().system, "excel");
}
