//! Values that a rule is tried on: of the kinds of its fields, small ones first, at the edges of what fits, and those that
//! the rule itself speaks of.
//!
//! The same every time; no randomness. The door is [`Pools`].

use std::sync::Arc;

use seamless_core::mapper::Mapper;
use seamless_core::model::{
    CanonicalForm, Decimal, EntityName, FieldName, Layout, Packed, Packing, Record, RecordId, Reference,
    Shape, Side, Sides, Slot, Value, record,
};

use crate::declaration::{
    BlankReference, CopyDecl, CurrencyVia, EmbedDecl, IfMissing, KindDecl, LookupVia, MoneyDecl, MoneyPart,
    OptionKey, OptionRow, PackDecl, RuleDecl, TypeDecl, UnknownPolicy,
};
use crate::link_mapper::LinkMapper;
use crate::rules::copy::fitted;
use crate::rules::{convert, widened};

/// Lines of a list that is made up, at most.
const LINES_MAX: usize = 3;

/// Characters of the longest text that is made up where no limit is known.
const LONG_CHARACTERS: usize = 300;

/// The values of each field of a rule, per side.
pub(super) struct Pools(Sides<Vec<Vec<Value>>>);

impl Pools {
    pub(super) fn of(mapper: &LinkMapper, rule: usize, declared: &RuleDecl) -> Self {
        Self(Sides::new(Side::Left, Side::Right).map(|side| {
            let fields = declared.fields.of(side).iter().enumerate();
            fields.map(|(at, field)| pool(mapper, rule, declared, side, at, field)).collect()
        }))
    }

    /// Tuples of values for the fields of a side, those of small values first.
    pub(super) fn tuples(&self, side: Side, count_max: usize) -> Vec<Vec<Value>> {
        let pools = self.0.of(side);
        if pools.is_empty() || pools.iter().any(Vec::is_empty) {
            return Vec::new();
        }
        let mut tuples = Vec::new();
        let deepest: usize = pools.iter().map(|pool| pool.len() - 1).sum();
        for depth in 0..=deepest {
            let mut places = Vec::with_capacity(pools.len());
            of_depth(pools, depth, &mut places, &mut tuples, count_max);
            if tuples.len() >= count_max {
                break;
            }
        }
        tuples
    }
}

/// All tuples whose places in the pools add up to a depth. Recurses as deep as the rule has fields.
fn of_depth(
    pools: &[Vec<Value>],
    depth: usize,
    places: &mut Vec<usize>,
    tuples: &mut Vec<Vec<Value>>,
    count_max: usize,
) {
    let Some(pool) = pools.get(places.len()) else {
        if depth == 0 && tuples.len() < count_max {
            let values = places.iter().zip(pools).filter_map(|(place, pool)| pool.get(*place).cloned());
            tuples.push(values.collect());
        }
        return;
    };
    let rest: usize = pools.iter().skip(places.len() + 1).map(|pool| pool.len() - 1).sum();
    for place in depth.saturating_sub(rest)..=depth.min(pool.len() - 1) {
        if tuples.len() >= count_max {
            return;
        }
        places.push(place);
        of_depth(pools, depth - place, places, tuples, count_max);
        places.pop();
    }
}

fn pool(
    mapper: &LinkMapper,
    rule: usize,
    declared: &RuleDecl,
    side: Side,
    at: usize,
    field: &FieldName,
) -> Vec<Value> {
    let is_list = || mapper.forms_of(rule, side).iter().any(CanonicalForm::selects);
    if let KindDecl::Embed(embed) = &declared.kind
        && is_list()
    {
        return mapper.of_lines_of(rule).map(|inner| lists_with_row(inner, side, embed)).unwrap_or_default();
    }
    if let KindDecl::Lines(_) = &declared.kind {
        return mapper.of_lines(side, field).map(|inner| lists(inner, side)).unwrap_or_default();
    }
    if let KindDecl::Money(money) = &declared.kind {
        let refers_to = mapper.pointed_at(&declared.stable_id(), side);
        let kept_as = mapper.types_of(rule).of(side).unwrap_or(TypeDecl::DECIMAL);
        return amounts(money, (declared, side, at), kept_as, &refers_to);
    }
    let types = mapper.types_of(rule);
    let kind = *types.of(side);
    let spoken_of = spoken_of(declared, side, at);
    let mut values: Vec<Value> = spoken_of.iter().map(|value| fitting(value, kind)).collect();
    match (&declared.kind, kind) {
        // Fields that are a key together hold its parts.
        (KindDecl::Lookup(_), None) if declared.fields.of(side).len() > 1 => {
            values.extend(["a", "b", "C10"].map(Value::text));
        }
        (KindDecl::Lookup(_), Some(TypeDecl::Reference) | None) => {
            values.extend(references(mapper, declared, side));
        }
        (KindDecl::Lookup(_), Some(TypeDecl::Int)) => values.extend((1..5).map(Value::Int)),
        (KindDecl::Lookup(_), _) => values.extend(["a", "b", "C10"].map(Value::text)),
        (KindDecl::Options(_), _) => values.extend(spoken_of.iter().filter_map(neighbour)),
        (_, Some(kind)) => {
            values.extend(of_kind(kind, separator(declared)));
            // What is at the edge of the other side's room is where rounding and cutting begin.
            let other = types.of(side.other()).filter(|other| other.same_kind(kind));
            values.extend(other.into_iter().flat_map(|other| of_kind(other, None)));
            values.retain(|value| has_room(kind, value));
        }
        (KindDecl::Join(_), None) => values.extend(texts(None, separator(declared))),
        // Nothing says what it holds: as the other side.
        (_, None) if types.of(side.other()).is_some() => {
            values.extend(types.of(side.other()).iter().flat_map(|other| of_kind(*other, None)));
        }
        (_, None) => {
            // Nothing at all is known: of every kind a few.
            values.extend(texts(None, separator(declared)));
            let kinds = [TypeDecl::Int, TypeDecl::DECIMAL, TypeDecl::Bool, TypeDecl::Date];
            values.extend(kinds.into_iter().flat_map(|kind| of_kind(kind, None).into_iter().take(6)));
        }
    }
    values.insert(0, Value::Null);
    let mut seen = Vec::with_capacity(values.len());
    for value in values {
        if !seen.contains(&value) {
            seen.push(value);
        }
    }
    seen
}

/// Whether a field of a kind can hold a value itself.
fn has_room(kind: TypeDecl, value: &Value) -> bool {
    fitted(&CopyDecl::default(), value.clone(), kind).is_ok()
}

fn fitting(value: &Value, kind: Option<TypeDecl>) -> Value {
    kind.and_then(|kind| convert::literal_as(value, kind)).unwrap_or_else(|| value.clone())
}

/// Values that the rule itself names for a field.
fn spoken_of(declared: &RuleDecl, side: Side, at: usize) -> Vec<Value> {
    match &declared.kind {
        KindDecl::Copy(copy) => copy.default.of(side).iter().cloned().collect(),
        KindDecl::Const(value) => vec![value.clone()],
        KindDecl::Options(options) => {
            let keys = options.rows.iter().filter_map(|row| row.values.of(side).get(at));
            let named = keys.filter_map(|key| match key {
                OptionKey::Is(value) => Some(value.clone()),
                OptionKey::Blank => None,
            });
            let mut values: Vec<Value> = named.collect();
            if let UnknownPolicy::Use(value) = options.unknown.of(side) {
                values.push(value.clone());
            }
            values
        }
        KindDecl::Lookup(lookup) => {
            let missing = match lookup.if_missing.of(side) {
                IfMissing::Use(value) => Some(value.clone()),
                _ => None,
            };
            let blank = match lookup.if_blank.of(side) {
                BlankReference::Use(value) => Some(value.clone()),
                _ => None,
            };
            missing.into_iter().chain(blank).collect()
        }
        KindDecl::Pack(pack) => packed(declared, side, pack),
        KindDecl::Join(_)
        | KindDecl::Expression(_)
        | KindDecl::Lines(_)
        | KindDecl::Money(_)
        | KindDecl::Compare(_)
        | KindDecl::Generated(_)
        | KindDecl::Embed(_)
        | KindDecl::Custom(_) => Vec::new(),
    }
}

/// What a field of an amount may hold: amounts at the edges of what currencies have, the codes that the rule speaks of
/// and some that it does not, units, and both truths about the tax.
fn amounts(
    money: &MoneyDecl,
    (declared, side, at): (&RuleDecl, Side, usize),
    kept_as: TypeDecl,
    refers_to: &[EntityName],
) -> Vec<Value> {
    let rows = |rows: &[OptionRow]| -> Vec<Value> {
        let keys = rows.iter().flat_map(|row| row.values.of(side));
        let values = keys.filter_map(|key| match key {
            OptionKey::Is(value) => Some(value.clone()),
            OptionKey::Blank => None,
        });
        values.collect()
    };
    let parts = money.parts_of(side, declared.fields.of(side).len());
    let mut values = vec![Value::Null];
    match parts.get(at) {
        Some(MoneyPart::Amount) => values.extend(
            ["0", "1", "1.5", "-2.675", "1.005", "100", "0.123456"]
                .iter()
                .filter_map(|text| text.parse::<Decimal>().ok())
                .filter_map(|amount| {
                    convert::convert(Value::Decimal(amount).as_ref(), kept_as, None, None).ok()
                })
                .filter(|amount| has_room(kept_as, amount)),
        ),
        Some(MoneyPart::Currency) if !refers_to.is_empty() => {
            let of = |entity: &EntityName, id: &str| {
                Value::Reference(Reference { entity: entity.clone(), id: RecordId::text(id) }.into())
            };
            // Records whose partners are codes.
            values.extend(refers_to.iter().flat_map(|entity| ["EUR", "JPY"].map(|id| of(entity, id))));
        }
        Some(MoneyPart::Currency) => {
            values.extend(money.local.of(side).clone());
            if let Some(CurrencyVia::Table(table)) = &money.currencies {
                values.extend(rows(table));
            }
            values.extend(money.scales.iter().map(|(code, _)| Value::text(code)));
            values.extend(["EUR", "JPY", "KWD", "?"].map(Value::text));
        }
        Some(MoneyPart::Unit) => {
            values.extend(rows(&money.units));
            values.extend(["PCS", "KG"].map(Value::text));
        }
        Some(MoneyPart::Gross | MoneyPart::Net) => values.extend([false, true].map(Value::Bool)),
        None => {}
    }
    let mut seen = Vec::with_capacity(values.len());
    for value in values {
        if !seen.contains(&value) {
            seen.push(value);
        }
    }
    seen
}

/// Texts that hold values of the rule, alone and among other things; none for a side with several fields.
fn packed(declared: &RuleDecl, side: Side, pack: &PackDecl) -> Vec<Value> {
    let ([_], parts) = (declared.fields.of(side).as_slice(), declared.fields.of(side.other())) else {
        return Vec::new();
    };
    let names = pack.names.clone().unwrap_or_else(|| parts.iter().map(ToString::to_string).collect());
    let Ok(packing) = Packing::new(pack.layout, names) else { return Vec::new() };
    let values = vec![Some(Packed::text("x")); parts.len()];
    let others = match pack.layout {
        Layout::Lines => "somebody else's",
        Layout::Json => r#"{"somebody else's":1.50}"#,
    };
    let texts = ["", others].into_iter().filter_map(|text| packing.pack(text, &values).ok());
    texts.map(|text| Value::Text(text.into())).chain([Value::text(others)]).collect()
}

fn separator(declared: &RuleDecl) -> Option<&str> {
    match &declared.kind {
        KindDecl::Join(join) => Some(join.separator.as_str()),
        _ => None,
    }
}

/// A value near one of a table, which the table may not have.
fn neighbour(value: &Value) -> Option<Value> {
    match value {
        Value::Int(number) => number.checked_add(1).map(Value::Int),
        Value::Text(text) => Some(Value::text(&text.to_lowercase())),
        _ => None,
    }
}

fn of_kind(kind: TypeDecl, separator: Option<&str>) -> Vec<Value> {
    match kind {
        TypeDecl::Bool => vec![Value::Bool(false), Value::Bool(true)],
        TypeDecl::Int => [0, 1, -1, 2, 7, 10, 1000, i64::MAX, i64::MIN].map(Value::Int).to_vec(),
        TypeDecl::Decimal { precision, scale } => decimals(precision, scale),
        TypeDecl::Float => [0.0, 1.0, -1.0, 0.5, 0.1, 2.25, 1e15, -1e-7].map(Value::Float).to_vec(),
        TypeDecl::Text { length_max } => texts(length_max, separator),
        TypeDecl::Date => read(kind, &["2024-01-31", "2024-02-29", "1999-12-31", "1924-02-29", "2000-01-01"]),
        TypeDecl::Time => read(kind, &["00:00:00", "12:30:00", "23:59:59", "08:15:30.250"]),
        TypeDecl::LocalDateTime => read(
            kind,
            &["2024-01-31T00:00:00", "2024-02-29T12:30:00", "1999-12-31T23:59:59", "2024-03-31T02:30:00"],
        ),
        TypeDecl::Instant => read(
            kind,
            &[
                "2024-01-31T00:00:00Z",
                "2024-02-29T12:30:00Z",
                "1999-12-31T23:59:59Z",
                "2024-03-31T01:30:00.123Z",
            ],
        ),
        TypeDecl::Reference => Vec::new(),
    }
}

fn read(kind: TypeDecl, texts: &[&str]) -> Vec<Value> {
    texts.iter().filter_map(|text| convert::literal_as(&Value::text(text), kind)).collect()
}

fn decimals(precision: Option<u32>, scale: Option<u32>) -> Vec<Value> {
    let mut texts: Vec<String> =
        ["0", "1", "-1", "1.5", "0.1", "1.10", "1.005", "1.235", "-2.675", "100", "1234.5678"]
            .map(str::to_owned)
            .to_vec();
    if let Some(scale) = scale {
        // One digit more than there is room for, in the middle between two that fit.
        texts.push(format!("0.{}5", "0".repeat(scale as usize)));
    }
    if let Some(precision) = precision {
        let whole = precision.saturating_sub(scale.unwrap_or(0)).max(1) as usize;
        texts.push("9".repeat(whole));
        texts.push(format!("1{}", "0".repeat(whole)));
    }
    texts.iter().filter_map(|text| text.parse::<Decimal>().ok()).map(Value::Decimal).collect()
}

fn texts(length_max: Option<u32>, separator: Option<&str>) -> Vec<Value> {
    let mut texts: Vec<String> = [
        "",
        "a",
        "A",
        "b",
        "a b",
        "Anna Maria Berg",
        "a  b",
        " a",
        "a ",
        "0",
        "1",
        "007",
        "-3",
        "1.50",
        "1.235",
        "true",
        "2024-02-29",
        "29.02.2024",
        "a;b",
        "+49 30 1234",
        "KIM@adatum.example",
        "Müller",
        "STRASSE",
        "x\u{301}",
    ]
    .map(str::to_owned)
    .to_vec();
    if let Some(separator) = separator.filter(|separator| *separator != " ") {
        texts.extend([
            format!("a{separator}b"),
            format!("a{separator}{separator}b"),
            format!("{separator}a"),
        ]);
    }
    match length_max {
        Some(length) => {
            let length = length as usize;
            texts.extend(["x".repeat(length), "ß".repeat(length + 1), format!("{}ba", "a".repeat(length))]);
        }
        None => texts.push("x".repeat(LONG_CHARACTERS)),
    }
    texts.iter().map(|text| Value::text(text)).collect()
}

/// References to made-up records of the entities that a side can point at.
fn references(mapper: &LinkMapper, declared: &RuleDecl, side: Side) -> Vec<Value> {
    let KindDecl::Lookup(lookup) = &declared.kind else { return Vec::new() };
    let mut entities: Vec<EntityName> = mapper.pointed_at(&declared.stable_id(), side);
    if let LookupVia::ByEntity(named) = &lookup.via {
        entities.extend(named.iter().map(|(entity, _)| entity.clone()));
    }
    if let LookupVia::ByField(by) = &lookup.via {
        entities.extend(by.of(side).iter().map(|(entity, _)| entity.clone()));
    }
    entities.dedup();
    let of = |entity: &EntityName, id: &str| {
        Value::Reference(Reference { entity: entity.clone(), id: RecordId::text(id) }.into())
    };
    let blank = match lookup.if_blank.of(side) {
        BlankReference::Use(Value::Text(key)) => Some(key.as_ref()),
        _ => None,
    };
    let ids = ["a", "b"].into_iter().chain(blank);
    ids.flat_map(|id| entities.iter().map(move |entity| of(entity, id))).collect()
}

/// Lists of made-up lines.
fn lists(inner: &LinkMapper, side: Side) -> Vec<Value> {
    let Some(lines) = lines(inner, side) else { return Vec::new() };
    let list = |places: &[usize]| {
        Value::List(places.iter().filter_map(|place| lines.get(*place).cloned()).collect())
    };
    [&[][..], &[0], &[1], &[0, 1], &[1, 0], &[2, 0, 1]].map(list).to_vec()
}

/// Lists with the row that is meant, with another one, and without.
fn lists_with_row(inner: &LinkMapper, side: Side, embed: &EmbedDecl) -> Vec<Value> {
    let made: Vec<(FieldName, Value)> =
        embed.make.iter().cloned().chain(embed.condition.equalities()).collect();
    // What no condition equates is nobody's row: a text that nothing names.
    let other: Vec<(FieldName, Value)> =
        made.iter().map(|(field, _)| (field.clone(), Value::text("somebody else's"))).collect();
    let rows = lines(inner, side).unwrap_or_default();
    let others: Vec<Record> = rows.iter().take(1).map(|row| widened(row, &other)).collect();
    let mut lists = vec![Value::Null, Value::List(Arc::default()), Value::List(others.clone().into())];
    for row in rows.iter().map(|row| widened(row, &made)) {
        lists.push(Value::List([row.clone()].into()));
        lists.push(Value::List(others.iter().cloned().chain([row]).collect()));
    }
    lists
}

fn lines(inner: &LinkMapper, side: Side) -> Option<Vec<Record>> {
    let mut pools: Vec<(FieldName, Vec<Value>)> = Vec::new();
    for rule in inner.rules() {
        for field in rule.fields.of(side) {
            if pools.iter().any(|(known, _)| known == field) {
                continue;
            }
            let kind = inner.type_of(side, field).unwrap_or(TypeDecl::TEXT);
            let mut values = of_kind(kind, None);
            values.retain(|value| !value.is_blank());
            pools.push((field.clone(), values));
        }
    }
    let shape: Arc<Shape> = Shape::new(pools.iter().map(|(field, _)| field.clone())).ok()?;
    let line = |number: usize| {
        let fields = pools.iter().map(|(field, pool)| {
            let value = pool.get(number % pool.len().max(1)).cloned().unwrap_or(Value::Null);
            (field.clone(), Slot::Value(value))
        });
        record(&shape, fields).ok()
    };
    (0..LINES_MAX).map(line).collect()
}
