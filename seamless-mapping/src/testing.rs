//! Running the tests of a mapping: every rule carries a record that is written down, no system is asked.
//!
//! The door is [`run_tests`].

use std::fmt;

use seamless_core::document::did_you_mean;
use seamless_core::mapper::{Draft, MapContext, MapError, MapProblem, Mapper};
use seamless_core::model::{
    FieldName, LinkId, PlannedRef, Presence, Record, RuleIndex, Shape, Side, Slot, Value, ValueRef,
};

use crate::compile::Mapping;
use crate::declaration::{Expected, LinkDecl, TestDecl, TypeDecl};
use crate::explain::{given_record, partners};
use crate::link_mapper::LinkMapper;
use crate::notation::test::key_value;
use crate::rules::convert;

/// What came of the tests of a mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestReport {
    /// One per test, in the order of declaration.
    pub outcomes: Vec<TestOutcome>,
}

/// What came of a test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestOutcome {
    /// The link.
    pub link: LinkId,
    /// What the test shows.
    pub name: String,
    /// What differs from what was expected, in words; nothing when the test passed.
    pub failures: Vec<String>,
}

impl TestReport {
    /// Whether all tests passed. A mapping without tests passes; see [`TestReport::outcomes`].
    pub fn passed(&self) -> bool {
        self.outcomes.iter().all(|outcome| outcome.failures.is_empty())
    }
}

impl fmt::Display for TestReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for outcome in &self.outcomes {
            let word = if outcome.failures.is_empty() { "passed" } else { "FAILED" };
            writeln!(f, "{word}  {}: {}", outcome.link, outcome.name)?;
            for failure in &outcome.failures {
                writeln!(f, "        {failure}")?;
            }
        }
        let failed = self.outcomes.iter().filter(|outcome| !outcome.failures.is_empty()).count();
        write!(f, "{} tests, {failed} failed", self.outcomes.len())
    }
}

/// Runs every test of a mapping.
pub fn run_tests(mapping: &Mapping) -> TestReport {
    let mut outcomes = Vec::new();
    for link in &mapping.declared().links {
        let Some(mapper) = mapping.link(link.id.as_str()) else { continue };
        for test in &link.tests {
            let failures = run(mapping, link, &mapper, test).unwrap_or_else(|cause| vec![cause]);
            outcomes.push(TestOutcome { link: link.id.clone(), name: test.name.clone(), failures });
        }
    }
    TestReport { outcomes }
}

fn run(
    mapping: &Mapping,
    link: &LinkDecl,
    mapper: &LinkMapper,
    test: &TestDecl,
) -> Result<Vec<String>, String> {
    let from = test.to.other();
    let mut failures = Vec::new();
    let name_of = |side: Side| mapping.declared().sides.of(side).name.as_str();
    for (side, fields) in [(from, &test.record), (test.to, &test.current)] {
        let names = fields.iter().map(|(name, _)| name);
        names.for_each(|name| check_known(mapper, side, name_of(side), name, &mut failures));
    }
    test.expect.iter().for_each(|(name, _)| {
        check_known(mapper, test.to, name_of(test.to), name, &mut failures);
    });
    let source = built(mapper, from, &test.record)?;
    let target = built(mapper, test.to, &test.current)?;
    let resolved = partners(from, &test.partners);
    let cx =
        MapContext { resolved: &resolved, target_entity: link.entity.of(test.to), creating: test.creating };
    let mut draft = Draft::over(&target);
    let mut parked: Vec<(&FieldName, Box<MapError>)> = Vec::new();
    for (at, rule) in mapper.rules().iter().enumerate() {
        let Ok(index) = u16::try_from(at) else { break };
        if !rule.direction.allows(test.to) {
            continue;
        }
        if let Err(error) = mapper.carry(RuleIndex(index), from, &source, &mut draft, &cx) {
            parked.extend(rule.fields.of(test.to).iter().map(|field| (field, error.clone())));
        }
    }
    for (field, expected) in &test.expect {
        let error = parked.iter().find(|(name, _)| *name == field).map(|(_, error)| &**error);
        let planned = target.shape().slot(field.as_str()).and_then(|slot| draft.get(slot));
        failures.extend(difference(field, expected, error, planned, target.field(field.as_str())));
    }
    Ok(failures)
}

/// A field that no rule of the side has is most likely misspelt.
fn check_known(
    mapper: &LinkMapper,
    side: Side,
    side_name: &str,
    field: &FieldName,
    failures: &mut Vec<String>,
) {
    let known = || {
        mapper.rules().iter().flat_map(|rule| {
            rule.fields
                .of(side)
                .iter()
                .map(FieldName::as_str)
                .map(str::to_owned)
                .chain(rule.when.of(side).fields().into_iter().map(|name| name.to_string()))
        })
    };
    if !known().any(|name| name == field.as_str()) {
        let names: Vec<String> = known().collect();
        let help = did_you_mean(field.as_str(), names.iter().map(String::as_str)).unwrap_or_default();
        failures.push(
            format!("no rule has the field {field} of {side_name}; {help}").trim_end_matches("; ").to_owned(),
        );
    }
}

/// A record of everything that the link's rules have on a side.
fn built(mapper: &LinkMapper, side: Side, fields: &[(FieldName, Slot)]) -> Result<Record, String> {
    let mut names: Vec<FieldName> = Vec::new();
    let rules = mapper.rules().iter();
    let of_rules =
        rules.flat_map(|rule| rule.fields.of(side).iter().cloned().chain(rule.when.of(side).fields()));
    for name in of_rules.chain(fields.iter().map(|(name, _)| name.clone())) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let shape = Shape::new(names).map_err(|error| error.to_string())?;
    given_record(mapper, side, &shape, fields)
}

/// A line whose values are of the kinds that the rules of lines say.
pub(crate) fn typed_line(mapper: &LinkMapper, side: Side, line: &Record) -> Record {
    let changes = line.fields().enumerate().filter_map(|(slot, (name, held))| {
        let (value, kind) = (held.value()?.to_value(), mapper.type_of(side, name)?);
        Some((slot, convert::literal_as(&value, kind)?))
    });
    let changes: Vec<(usize, Value)> = changes.collect();
    line.with(changes.iter().map(|(slot, value)| (*slot, Presence::Value(value.as_ref()))))
}

fn difference(
    field: &FieldName,
    expected: &Expected,
    error: Option<&MapError>,
    planned: Option<PlannedRef<'_>>,
    current: Presence<'_>,
) -> Option<String> {
    let found = match (error, planned) {
        (Some(MapError { problem: MapProblem::NotKnown, .. }), None) | (None, None) => Found::Untouched,
        // A value that is planned as it is there is how a rule says that the target means it already.
        (_, Some(PlannedRef::Known(value))) if current == Presence::Value(value) => Found::Untouched,
        (_, Some(planned)) => Found::Planned(planned),
        (Some(error), None) => Found::Parked(error),
    };
    let fits = match (expected, &found) {
        (Expected::Parks, Found::Parked(_)) | (Expected::Untouched, Found::Untouched) => true,
        (Expected::Holds(Slot::Value(wanted)), Found::Planned(PlannedRef::Known(value))) => {
            same(wanted, *value)
        }
        (Expected::Holds(wanted), Found::Untouched) => match (wanted, current) {
            (Slot::Value(wanted), Presence::Value(held)) => same(wanted, held),
            (wanted, held) => wanted.as_presence() == held,
        },
        _ => false,
    };
    let wanted = match expected {
        Expected::Holds(slot) => slot.to_string(),
        Expected::Parks => "park".to_owned(),
        Expected::Untouched => "untouched".to_owned(),
    };
    (!fits).then(|| format!("{field}: expected {wanted}, found {found}"))
}

enum Found<'a> {
    Planned(PlannedRef<'a>),
    Parked(&'a MapError),
    Untouched,
}

impl fmt::Display for Found<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Found::Planned(PlannedRef::Known(value)) => value.fmt(f),
            Found::Planned(PlannedRef::ResultOf(_)) => f.write_str("the id of a record to be created"),
            Found::Planned(PlannedRef::TargetDecides) => f.write_str("what the target decides"),
            Found::Parked(error) => write!(f, "park ({error})"),
            Found::Untouched => f.write_str("untouched"),
        }
    }
}

/// Whether a value written in a test is what came out: its kind follows what came out, where that can be. Of a line only
/// what the test says is compared.
fn same(wanted: &Value, found: ValueRef<'_>) -> bool {
    if let (Value::List(wanted), ValueRef::List(found)) = (wanted, found) {
        let line = |(wanted, found): (&Record, &Record)| {
            wanted.fields().all(|(name, wanted)| match (wanted.value(), found.field(name.as_str()).value()) {
                (Some(wanted), Some(found)) => same(&wanted.to_value(), found),
                (wanted, found) => wanted.is_none() && found.is_none(),
            })
        };
        return wanted.len() == found.len() && wanted.iter().zip(found.iter()).all(line);
    }
    let kind = match found {
        ValueRef::Decimal(_) => TypeDecl::DECIMAL,
        ValueRef::Date(_) => TypeDecl::Date,
        ValueRef::Time(_) => TypeDecl::Time,
        ValueRef::LocalDateTime(_) => TypeDecl::LocalDateTime,
        ValueRef::Instant(_) => TypeDecl::Instant,
        ValueRef::Reference(reference) if !matches!(wanted, Value::Reference(_)) => {
            return *wanted == key_value(&reference.id);
        }
        _ => return wanted.as_ref() == found,
    };
    convert::literal_as(wanted, kind).is_some_and(|wanted| wanted.as_ref() == found)
}
