//! Values read back as they were written, or are refused with their field. Nothing is cut, rounded or guessed.

use chrono::{NaiveDate, NaiveTime};

use crate::connector::{Expects, RefusalKind, WriteOutcome};
use crate::model::{Field, FieldKind, Instant, RecordId, SetValue, Value};
use crate::testkit::connector_kit::case::{Need, table};
use crate::testkit::connector_kit::subject::Subject;
use crate::testkit::connector_kit::verdict::{Held, Stop, brief, broken, hold, skip};

table! {
    "values.text" NominatedRecords [Need::Update] "text reads back as it was written, whatever it looks like" => text;
    "values.unicode" NominatedRecords [Need::Update] "no character is lost, joined or taken apart" => unicode;
    "values.empty" NominatedRecords [Need::Update] "empty text and null stay apart" => empty;
    "values.full_length" NominatedRecords [Need::Update] "a text of exactly the length that is declared fits" => full_length;
    "values.large" NominatedRecords [Need::Update] "a large text comes back whole" => large;
    "values.decimal" NominatedRecords [Need::Update] "decimals are exact" => decimal;
    "values.whole" NominatedRecords [Need::Update] "whole numbers are exact to their ends" => whole;
    "values.yes_no" NominatedRecords [Need::Update] "yes and no read back" => yes_no;
    "values.dates" NominatedRecords [Need::Update] "days, times and moments read back" => dates;
    "values.bytes" NominatedRecords [Need::Update] "bytes read back" => bytes;
    "values.float" NominatedRecords [Need::Update] "floating point numbers read back to the bit" => float;
    "values.sets" NominatedRecords [Need::Update] "sets of options read back, in any order" => sets;
    "values.options" NominatedRecords [Need::Update] "every option that can be chosen reads back" => options;
}

/// Writes a value: it reads back, or it is refused with its field and changes nothing.
async fn reads_back(
    subject: &Subject,
    id: &RecordId,
    field: &Field,
    value: Value,
    may_refuse: bool,
) -> Result<bool, Stop> {
    let before = subject.found(id).await?;
    let outcome = subject
        .send(subject.update(id, subject.patch([(&field.name, value.clone())])?, Expects::Anything))
        .await?;
    match &outcome {
        WriteOutcome::Applied { .. } => {
            subject
                .shows(id, &field.name, &value, "a value that is taken reads back as it was written")
                .await?;
            Ok(true)
        }
        WriteOutcome::Refused(refusal)
            if may_refuse && refusal.why == (RefusalKind::Invalid { field: Some(field.name.clone()) }) =>
        {
            let after = subject.found(id).await?;
            hold(after == before, "what is refused changes nothing", || brief(&after.record))?;
            Ok(false)
        }
        other => Err(broken(
            format!("{} takes {}, or refuses it as `Invalid` with its name", field.name, brief(&value)),
            brief(other),
        )),
    }
}

/// Every value reads back or is refused; one at least is taken.
async fn all_read_back(subject: &Subject, field: &Field, values: Vec<Value>) -> Held {
    let id = subject.one().await?;
    let mut taken = 0;
    for value in values {
        taken += usize::from(reads_back(subject, &id, field, value, true).await?);
    }
    hold(taken > 0, "a field takes some value of its kind", || format!("{} refused every one", field.name))
}

fn first(subject: &Subject, is: impl Fn(&FieldKind) -> bool, what: &str) -> Result<Field, Stop> {
    subject.field(is).cloned().ok_or_else(|| skip(format!("no {what} field may be written")))
}

async fn text(subject: &Subject) -> Held {
    let field = subject.text_field()?;
    let texts = [
        " ",
        " a ",
        "a\"b",
        "a'b",
        "a,b;c\td",
        "line\nbreak\r\nend",
        "\n",
        "NULL",
        "null",
        "\\N",
        "=1+1",
        "@x",
        "-",
        "'); DROP TABLE x;--",
        "<b>&amp;</b>",
        "{{x}}",
        "%s",
        "007",
        "1e5",
        "true",
        "0",
        "2024-01-01",
        "\\u0041",
        "C:\\x",
        "x\u{feff}",
        "\u{feff}bom",
    ];
    all_read_back(subject, field, texts.into_iter().map(Value::text).collect()).await
}

async fn unicode(subject: &Subject) -> Held {
    let field = subject.text_field()?;
    let texts = [
        "\u{dc}n\u{ef}c\u{f6}d\u{e9}",
        "Ka\u{308}se",
        "K\u{e4}se",
        "\u{6f22}\u{5b57}",
        "\u{1f980}",
        "\u{202e}abc",
        "\u{df}\u{1e9e}",
        "I\u{307}\u{131}",
        "\u{ff11}1",
        "a\u{a0}b",
        "\u{200d}",
        "\u{1f468}\u{200d}\u{1f469}",
        "\u{7f}\u{80}",
    ];
    all_read_back(subject, field, texts.into_iter().map(Value::text).collect()).await
}

async fn empty(subject: &Subject) -> Held {
    let field = subject.text_field()?;
    if field.required {
        return Err(skip("the text field is required"));
    }
    all_read_back(subject, field, vec![Value::text("x"), Value::text(""), Value::Null, Value::text("")]).await
}

async fn full_length(subject: &Subject) -> Held {
    let mut tried = 0;
    let id = subject.one().await?;
    let fields: Vec<&Field> = subject.writable().filter(|field| !field.unique).collect();
    for field in fields {
        if let FieldKind::Text { length_max: Some(max) } = field.kind {
            for unit in ["x", "\u{e4}", "\u{1f980}"] {
                let units = if subject.bench.counts_utf16 { unit.encode_utf16().count() } else { 1 };
                let value = Value::text(&unit.repeat(max as usize / units));
                // A length in other units than characters must show in the schema.
                reads_back(subject, &id, field, value, false).await?;
                tried += 1;
            }
        }
    }
    if tried == 0 { Err(skip("no text field has a limit")) } else { Ok(()) }
}

async fn large(subject: &Subject) -> Held {
    let field =
        first(subject, |kind| matches!(kind, FieldKind::Text { length_max: None }), "unlimited text")?;
    let id = subject.one().await?;
    let unit = "\u{e4}x\n";
    let value = Value::text(&unit.repeat(subject.bench.large_text_bytes / unit.len() + 1));
    if !reads_back(subject, &id, &field, value, true).await? {
        return Err(skip("the system refuses it, which is honest"));
    }
    Ok(())
}

async fn decimal(subject: &Subject) -> Held {
    let field = first(subject, |kind| matches!(kind, FieldKind::Decimal { .. }), "decimal")?;
    let FieldKind::Decimal { precision, scale } = field.kind else { return Ok(()) };
    let mut texts: Vec<String> = [
        "0",
        "-0.01",
        "0.1",
        "0.2",
        "0.3",
        "1.10",
        "-12345678901234.56",
        "9999999999999999.99",
        // Both lie between two binary numbers that have as many digits.
        "1234567890123456.78",
        "-1234567890123456.11",
        "0.07",
        "1e-9",
        "123456789012345678901234567890.123456789",
    ]
    .map(str::to_owned)
    .into();
    if let (Some(precision), Some(scale)) = (precision, scale) {
        let (whole, part) =
            ("9".repeat(precision.saturating_sub(scale) as usize), "9".repeat(scale as usize));
        texts.push(format!("{whole}.{part}").trim_end_matches('.').to_owned());
    }
    let values = texts.iter().filter_map(|text| text.parse().ok()).map(Value::Decimal);
    all_read_back(subject, &field, values.collect()).await
}

async fn whole(subject: &Subject) -> Held {
    let field = first(subject, |kind| matches!(kind, FieldKind::Int), "whole-number")?;
    let numbers = [0, 1, -1, 1 << 31, (1 << 53) + 1, i64::MAX, i64::MIN, i64::from(i32::MIN)];
    all_read_back(subject, &field, numbers.into_iter().map(Value::Int).collect()).await
}

async fn yes_no(subject: &Subject) -> Held {
    let field = first(subject, |kind| matches!(kind, FieldKind::Bool), "yes-or-no")?;
    all_read_back(subject, &field, [true, false, true].into_iter().map(Value::Bool).collect()).await
}

async fn dates(subject: &Subject) -> Held {
    let days: Vec<NaiveDate> =
        [(2024, 2, 29), (1, 1, 1), (9999, 12, 31), (1900, 3, 1), (1969, 12, 31), (2038, 1, 20)]
            .into_iter()
            .filter_map(|(year, month, day)| NaiveDate::from_ymd_opt(year, month, day))
            .collect();
    let times: Vec<NaiveTime> = [(0, 0, 0, 0), (23, 59, 59, 0), (12, 30, 15, 500), (2, 30, 0, 1)]
        .into_iter()
        .filter_map(|(hour, minute, second, milli)| {
            NaiveTime::from_hms_milli_opt(hour, minute, second, milli)
        })
        .collect();
    let moments = || days.iter().flat_map(|day| times.iter().map(|time| day.and_time(*time)));
    let fields: Vec<&Field> = subject.writable().filter(|field| !field.unique).collect();
    let mut tried = 0;
    for field in fields {
        let values: Vec<Value> = match field.kind {
            FieldKind::Date => days.iter().copied().map(Value::Date).collect(),
            FieldKind::Time => times.iter().copied().map(Value::Time).collect(),
            FieldKind::LocalDateTime => moments().map(Value::LocalDateTime).collect(),
            FieldKind::Instant => {
                moments().map(|moment| Value::Instant(Instant::utc(moment.and_utc()))).collect()
            }
            _ => continue,
        };
        all_read_back(subject, field, values).await?;
        tried += 1;
    }
    if tried == 0 { Err(skip("no field of days or times may be written")) } else { Ok(()) }
}

async fn bytes(subject: &Subject) -> Held {
    let field = first(subject, |kind| matches!(kind, FieldKind::Bytes { .. }), "bytes")?;
    let values = [&b"\x00"[..], b"\xff\xfe\x00a", b"'\"\n", &[0x80; 33]];
    all_read_back(subject, &field, values.into_iter().map(|bytes| Value::Bytes(bytes.into())).collect()).await
}

async fn float(subject: &Subject) -> Held {
    let field = first(subject, |kind| matches!(kind, FieldKind::Float), "floating-point")?;
    let numbers = [0.1, 1.0 / 3.0, -2.5e-9, 1e300, f64::MAX, f64::MIN_POSITIVE, 0.0, 9_007_199_254_740_993.0];
    all_read_back(subject, &field, numbers.into_iter().map(Value::Float).collect()).await
}

async fn sets(subject: &Subject) -> Held {
    let field = first(subject, |kind| matches!(kind, FieldKind::Set { .. }), "set")?;
    let FieldKind::Set { options } = &field.kind else { return Ok(()) };
    let active = options.options.iter().filter(|option| option.active).map(|option| option.value.clone());
    let active: Vec<Value> = active.take(10).collect();
    let whole = SetValue::new(active.iter().rev().cloned());
    let none = SetValue::new(Vec::new());
    let mut values: Vec<Value> = active.into_iter().map(|value| Value::Set(SetValue::new([value]))).collect();
    values.extend([Value::Set(whole), Value::Set(none)]);
    all_read_back(subject, &field, values).await
}

async fn options(subject: &Subject) -> Held {
    let field = first(subject, |kind| matches!(kind, FieldKind::Option { .. }), "option")?;
    let FieldKind::Option { options } = &field.kind else { return Ok(()) };
    let id = subject.one().await?;
    for option in options.options.iter().filter(|option| option.active).take(50) {
        reads_back(subject, &id, &field, option.value.clone(), false).await?;
    }
    if options.closed && !options.contains(&Value::text("no such option")) {
        let taken = reads_back(subject, &id, &field, Value::text("no such option"), true).await?;
        hold(!taken, "a closed set of options takes no other value", || "it took one".to_owned())?;
    }
    Ok(())
}
