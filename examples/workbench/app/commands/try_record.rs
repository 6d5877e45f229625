//! `try`: one record, both ways, field by field. Fetches it and its partner by id, pulls nothing, writes nothing.

use futures::executor::block_on;
use seamless_core::connector::{FetchBy, FetchQuery, Lookup, Versioned};
use seamless_core::mapper::{Answer, Ask, Draft, MapContext, MapProblem, Mapper, Resolved, Rule, WriteOn};
use seamless_core::merge::CompiledLink;
use seamless_core::model::{FieldName, Planned, Presence, Record, RecordId, RuleIndex, Side, Slot, Truth};
use seamless_core::store::{Pair, PairStatus};
use seamless_core::sync::Integration;
use seamless_core::{Error, ErrorKind};
use serde_json::{Value as Json, json};

use crate::app::Outcome;
use crate::app::cli::{Global, TryArgs};
use crate::app::failure::Failure;
use crate::app::host::Host;
use crate::app::project::{Project, known_link, record_id};
use crate::app::show;

/// Rounds in which references are looked up: as many as the SDK takes.
const ROUNDS_MAX: usize = 4;

/// One way of one record.
struct Way {
    from: Side,
    rules: Vec<Carried>,
}

/// What one rule makes of the record.
struct Carried {
    rule: String,
    read: Vec<(FieldName, Slot)>,
    written: Vec<Target>,
    note: Option<String>,
    trouble: Option<Trouble>,
}

struct Target {
    field: FieldName,
    now: Slot,
    then: Then,
}

enum Then {
    /// It stays: nothing is said, or both mean the same.
    Same,
    Becomes(Slot),
    /// Known once another record is created, or decided by the system.
    Later(&'static str),
}

struct Trouble {
    problem: &'static str,
    message: String,
    remedy: String,
}

pub(crate) fn run(args: &TryArgs, global: &Global, host: &mut Host<'_>) -> Result<Outcome, Failure> {
    let mut project = Project::load(global, host)?;
    known_link(&project.mapping, &args.link)?;
    let side = project.side(&args.side)?;
    let opened = project.open(global, host)?;
    let integration = &opened.integration;
    let link = integration.link(&args.link)?;
    let entity = link.spec().entity.of(side);
    let schema = block_on(integration.connectors().of(side).discover(std::slice::from_ref(entity)))?;
    let id = record_id(&args.record, schema.entity(entity.as_str()));
    let Some(found) = block_on(fetch(integration, link, side, &id))? else {
        let message = format!("{} has no {entity} with the key {id}", project.names.of(side));
        let error = Error::new(ErrorKind::NotFound, message);
        return Err(error
            .with_remedy("write the key as the system has it, its parts divided by ` / `")
            .into());
    };
    let pair = block_on(pair_of(integration, link, side, &id))?;
    let partner = match &pair {
        Some(pair) => block_on(fetch(integration, link, side.other(), pair.ids.of(side.other())))?,
        None => None,
    };
    let mut ways = vec![block_on(carry(integration, link, side, &found.record, partner.as_ref()))?];
    if let Some(partner) = &partner {
        ways.push(block_on(carry(integration, link, side.other(), &partner.record, Some(&found)))?);
    }
    let tried = Tried { project: &project, link, side, found: &found, pair: pair.as_ref(), ways: &ways };
    if global.json {
        host.json(&tried.as_json())?;
    } else {
        tried.show(partner.is_some(), host)?;
    }
    let trouble = ways.iter().flat_map(|way| &way.rules).any(|rule| rule.trouble.is_some());
    Ok(if trouble { Outcome::Waiting } else { Outcome::Done })
}

async fn fetch(
    integration: &Integration,
    link: &CompiledLink,
    side: Side,
    id: &RecordId,
) -> Result<Option<Versioned>, Error> {
    let query = FetchQuery {
        entity: link.spec().entity.of(side).clone(),
        shape: link.shape(side).clone(),
        by: FetchBy::Ids(vec![id.clone()]),
    };
    match integration.connectors().of(side).fetch(query).await?.into_iter().next() {
        Some(Lookup::Found(found)) => Ok(Some(found)),
        Some(Lookup::Gone(_) | Lookup::Hidden | Lookup::Several(_)) => Ok(None),
        Some(Lookup::Unanswered) | None => {
            Err(Error::new(ErrorKind::Unavailable, "the system gave no answer about the record"))
        }
    }
}

async fn pair_of(
    integration: &Integration,
    link: &CompiledLink,
    side: Side,
    id: &RecordId,
) -> Result<Option<Pair>, Error> {
    let found = integration.store().pairs_of(&link.spec().id, side, std::slice::from_ref(id)).await?;
    Ok(found.into_iter().flatten().find(|pair| pair.status != PairStatus::Ended))
}

/// Everything that the rules look up, as the state knows it now.
async fn resolved(
    integration: &Integration,
    mapper: &dyn Mapper,
    from: Side,
    source: &Record,
) -> Result<Resolved, Error> {
    let mut resolved = Resolved::new();
    for _ in 0..ROUNDS_MAX {
        let asks: Vec<Ask> = mapper
            .references(from, source, &resolved)
            .into_asks()
            .filter(|ask| !resolved.knows(ask))
            .collect();
        if asks.is_empty() {
            break;
        }
        for ask in asks {
            let Ask::Partner { link, side, id } = &ask;
            let mark = integration.store().marks_of(link, *side, std::slice::from_ref(id)).await?;
            let mark = mark.into_iter().flatten().find(|mark| mark.status != PairStatus::Ended);
            let answer = match mark {
                Some(mark) => Answer::Paired(mark.ids.of(side.other()).clone()),
                None => Answer::Unpaired,
            };
            resolved.insert(ask, answer);
        }
    }
    Ok(resolved)
}

async fn carry(
    integration: &Integration,
    link: &CompiledLink,
    from: Side,
    source: &Record,
    target: Option<&Versioned>,
) -> Result<Way, Error> {
    let to = from.other();
    let blank = Record::absent(link.shape(to));
    let current = target.map_or(&blank, |found| &found.record);
    let mut resolved = resolved(integration, link.mapper(), from, source).await?;
    // What the target refers to is looked up too: a rule sees by it whether both mean the same.
    for ask in link.mapper().references(to, current, &resolved).into_asks().collect::<Vec<_>>() {
        let Ask::Partner { link, side, id } = &ask;
        let mark = integration.store().marks_of(link, *side, std::slice::from_ref(id)).await?;
        let mark = mark.into_iter().flatten().find(|mark| mark.status != PairStatus::Ended);
        let answer = mark.map_or(Answer::Unpaired, |mark| Answer::Paired(mark.ids.of(side.other()).clone()));
        resolved.insert(ask, answer);
    }
    let cx = MapContext {
        resolved: &resolved,
        target_entity: link.spec().entity.of(to),
        creating: target.is_none(),
    };
    let rules = link.rules().iter().enumerate().map(|(at, rule)| {
        let index = RuleIndex(u16::try_from(at).unwrap_or(u16::MAX));
        one_rule(link, (index, rule), (from, source), current, &cx)
    });
    Ok(Way { from, rules: rules.collect() })
}

fn one_rule(
    link: &CompiledLink,
    (index, rule): (RuleIndex, &Rule),
    (from, source): (Side, &Record),
    current: &Record,
    cx: &MapContext<'_>,
) -> Carried {
    let to = from.other();
    let read = rule.fields.of(from).iter();
    let mut carried = Carried {
        rule: rule.id.to_string(),
        read: read.map(|field| (field.clone(), source.field(field.as_str()).to_slot())).collect(),
        written: Vec::new(),
        note: None,
        trouble: None,
    };
    carried.note = if !rule.direction.allows(to) {
        Some("goes the other way only".to_owned())
    } else if rule.on == WriteOn::Create && !cx.creating {
        Some("only when a record is created".to_owned())
    } else if rule.when.of(from).holds(source) != Truth::In {
        Some("its condition does not hold".to_owned())
    } else {
        None
    };
    if carried.note.is_some() {
        return carried;
    }
    let mut draft = Draft::over(current);
    if let Err(error) = link.mapper().carry(index, from, source, &mut draft, cx) {
        let problem = match error.problem {
            MapProblem::Unmappable => "unmappable",
            MapProblem::DoesNotFit => "does_not_fit",
            MapProblem::NotKnown => "not_known",
            MapProblem::Waiting(_) => "waiting",
        };
        let message = format!("{}: {}", error.field, error.message);
        carried.trouble = Some(Trouble { problem, message, remedy: error.remedy.clone() });
    }
    for field in rule.fields.of(to) {
        let Some(slot) = current.shape().slot(field.as_str()) else { continue };
        let now = current.get(slot);
        let then = match draft.get(slot) {
            None => Then::Same,
            Some(Planned::Known(value)) => {
                let same = link.forms(to).slot(slot).same_presence(now, Presence::Value(value.as_ref()));
                if same { Then::Same } else { Then::Becomes(Slot::Value(value.clone())) }
            }
            Some(Planned::TargetDecides) => Then::Later("what the system decides"),
            Some(Planned::ResultOf(_)) => Then::Later("the id of a record to be created"),
        };
        carried.written.push(Target { field: field.clone(), now: now.to_slot(), then });
    }
    carried
}

/// What is shown.
struct Tried<'a> {
    project: &'a Project,
    link: &'a CompiledLink,
    side: Side,
    found: &'a Versioned,
    pair: Option<&'a Pair>,
    ways: &'a [Way],
}

impl Tried<'_> {
    fn scope(&self) -> &'static str {
        match self.link.scope(self.side, &self.found.record) {
            Truth::In => "in",
            Truth::Out => "out",
            Truth::Unknown => "unknown",
        }
    }

    fn show(&self, has_partner: bool, host: &mut Host<'_>) -> Result<(), Failure> {
        let (name, other) = (self.project.names.of(self.side), self.project.names.of(self.side.other()));
        let entity = self.link.spec().entity.of(self.side);
        host.line(format_args!("{entity} {} of {name}, link {}", self.found.id, self.link.spec().id))?;
        host.line(match self.scope() {
            "in" => "It takes part in the link.",
            "out" => "It is outside of the link's scope: nothing is carried.",
            _ => "Whether it takes part cannot be said: a field of the condition is not known.",
        })?;
        match self.pair {
            Some(pair) => {
                let partner = pair.ids.of(self.side.other());
                let state = match pair.status {
                    PairStatus::Frozen(_) => " (frozen)",
                    PairStatus::Linked | PairStatus::Ended => "",
                };
                let seen = if has_partner { "" } else { ", which is not shown" };
                host.line(format_args!("Its partner is {partner} of {other}{state}{seen}."))?;
            }
            None => host.line(format_args!("It has no partner yet; a new record in {other} would hold:"))?,
        }
        self.ways.iter().try_for_each(|way| self.show_way(way, host))
    }

    fn show_way(&self, way: &Way, host: &mut Host<'_>) -> Result<(), Failure> {
        let (from, to) = (self.project.names.of(way.from), self.project.names.of(way.from.other()));
        host.line(format_args!("\n{from} -> {to}"))?;
        let mut table = show::table(&["rule", from, to, "now", "then"], host);
        for rule in &way.rules {
            let read = lines(rule.read.iter().map(|(field, slot)| format!("{field}: {slot}")));
            let fields = lines(rule.written.iter().map(|target| target.field.to_string()));
            let now = lines(rule.written.iter().map(|target| target.now.to_string()));
            let then = match (&rule.trouble, &rule.note) {
                (Some(trouble), _) => format!("parked: {}\n{}", trouble.message, trouble.remedy),
                (None, Some(note)) => format!("- ({note})"),
                (None, None) => lines(rule.written.iter().map(|target| target.then.text())),
            };
            table.add_row([rule.rule.clone(), read, fields, now, then].map(|cell| show::cell(&cell)));
        }
        host.line(table)
    }

    fn as_json(&self) -> Json {
        let names = &self.project.names;
        let partner = self.pair.map(|pair| pair.ids.of(self.side.other()).to_string());
        json!({
            "link": self.link.spec().id,
            "side": names.of(self.side),
            "record": self.found.id.to_string(),
            "scope": self.scope(),
            "partner": partner,
            "ways": self.ways.iter().map(|way| json!({
                "from": names.of(way.from),
                "to": names.of(way.from.other()),
                "rules": way.rules.iter().map(Carried::as_json).collect::<Vec<_>>(),
            })).collect::<Vec<_>>(),
        })
    }
}

impl Then {
    fn text(&self) -> String {
        match self {
            Then::Same => "same".to_owned(),
            Then::Becomes(slot) => slot.to_string(),
            Then::Later(words) => (*words).to_owned(),
        }
    }
}

impl Carried {
    fn as_json(&self) -> Json {
        let target = |target: &Target| {
            json!({
                "field": target.field,
                "now": target.now.to_string(),
                "then": target.then.text(),
                "changes": !matches!(target.then, Then::Same),
            })
        };
        json!({
            "rule": self.rule,
            "read": self.read.iter().map(|(field, slot)| json!({ "field": field, "value": slot.to_string() }))
                .collect::<Vec<_>>(),
            "written": self.written.iter().map(target).collect::<Vec<_>>(),
            "note": self.note,
            "trouble": self.trouble.as_ref().map(|trouble| json!({
                "problem": trouble.problem, "message": trouble.message, "remedy": trouble.remedy,
            })),
        })
    }
}

fn lines(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join("\n")
}
