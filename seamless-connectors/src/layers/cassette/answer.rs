//! Answers as JSON, both ways. What is read back is what was answered, but for what was scrubbed. Knows no call.

use std::sync::Arc;
use std::time::Duration;

use seamless_core::connector::{
    Change, Cursor, End, Enumeration, Finding, GoneProof, Lookup, Order, Page, Proof, Refusal, RefusalKind,
    Tombstone, Versioned, WriteOutcome,
};
use seamless_core::model::{
    EntityName, Error, ErrorKind, FieldName, Presence, Record, RecordId, Result, Retry, Schema, Shape,
    Timestamp, Version,
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::scrub::Scrub;
use crate::place::unhex;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum AnswerForm {
    Entities(Vec<EntityName>),
    Schema(Schema),
    Opened,
    Lookups(Vec<LookupForm>),
    Outcomes(Vec<OutcomeForm>),
    Finding(FindingForm),
    Failed(ErrorForm),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum PageForm {
    Page {
        changes: Vec<ChangeForm>,
        cursor: String,
        end: Option<EndForm>,
    },
    Failed(ErrorForm),
    /// The stream stopped without an end.
    CutOff,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ChangeForm {
    Upsert(VersionedForm),
    Deleted { id: RecordId, version: Option<Version>, merged_into: Option<RecordId> },
    Broken { id: Option<RecordId>, place: String, problem: String },
}

#[derive(Serialize, Deserialize)]
pub(super) struct VersionedForm {
    id: RecordId,
    version: Option<Version>,
    modified: Option<Timestamp>,
    /// The names of the record's shape, where the question does not say them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fields: Option<Vec<FieldName>>,
    record: Box<RawValue>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum EndForm {
    CaughtUp { low_water: Option<String> },
    Complete { id: String, order: Order, changes_from: Option<String> },
    Partial,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum LookupForm {
    Found(VersionedForm),
    Gone { id: RecordId, seen: String },
    Hidden,
    Several(Vec<RecordId>),
    Unanswered,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum OutcomeForm {
    Applied { id: RecordId, proof: ProofForm },
    Refused { why: WhyForm, error: ErrorForm },
    Ambiguous(ErrorForm),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ProofForm {
    Stored(VersionedForm),
    Version(Version),
    None,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum WhyForm {
    Stale,
    Missing,
    KeyTaken { by: Option<RecordId> },
    Invalid { field: Option<FieldName> },
    Forbidden,
    Throttled { wait: Option<Duration> },
    Unavailable,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum FindingForm {
    Met(String),
    Unmet { evidence: String, remedy: String, can_provision: bool },
    Unknown(String),
}

#[derive(Serialize, Deserialize)]
pub(super) struct ErrorForm {
    kind: String,
    retry: RetryForm,
    message: String,
    remedy: Option<String>,
    places: Vec<(String, String)>,
    cause: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum RetryForm {
    Never,
    Later,
    After(Duration),
}

/// Every kind there is, so that its name can be read back.
const KINDS: [ErrorKind; 15] = [
    ErrorKind::Permission,
    ErrorKind::Conflict,
    ErrorKind::Data,
    ErrorKind::Configuration,
    ErrorKind::Unavailable,
    ErrorKind::Throttled,
    ErrorKind::NotFound,
    ErrorKind::Unsupported,
    ErrorKind::Fenced,
    ErrorKind::CursorExpired,
    ErrorKind::Corrupt,
    ErrorKind::Limit,
    ErrorKind::Cancelled,
    ErrorKind::Guarded,
    ErrorKind::Internal,
];

/// Names of places that connectors use; others go into the message.
const PLACES: [&str; 10] =
    ["entity", "field", "record", "connector", "call", "attempts", "file", "line", "table", "system"];

pub(super) fn unserializable(cause: serde_json::Error) -> Error {
    Error::new(ErrorKind::Internal, "a call cannot be written as JSON").caused_by(cause)
}

/// What a cassette says that cannot be.
pub(super) fn damaged(what: &str) -> Error {
    Error::new(ErrorKind::Corrupt, format!("the cassette is damaged: {what}")).with_remedy("record it anew")
}

/// A cursor's bytes as text: as they are where they are text.
pub(super) fn cursor_text(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => format!("t:{text}"),
        Err(_) => {
            let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
            let digits: String = digits.filter_map(|digit| char::from_digit(u32::from(digit), 16)).collect();
            format!("x:{digits}")
        }
    }
}

fn cursor(text: &str) -> Result<Cursor> {
    match text.split_once(':') {
        Some(("t", text)) => Ok(Cursor::new(text.as_bytes().to_vec())),
        Some(("x", digits)) => unhex(digits).map(Cursor::new).ok_or_else(|| damaged("a cursor")),
        _ => Err(damaged("a cursor")),
    }
}

/// Records of one entity to their forms.
pub(super) struct Records<'a> {
    pub(super) entity: &'a EntityName,
    pub(super) scrub: &'a Scrub,
}

impl Records<'_> {
    fn raw(&self, record: &Record) -> Result<Box<RawValue>> {
        let names = record.shape().names().iter().enumerate();
        let masked = names.filter(|(_, name)| self.scrub.masks(self.entity, name));
        let masked: Vec<_> = masked.map(|(slot, _)| (slot, Presence::Unreadable)).collect();
        let text = if masked.is_empty() { record.to_json() } else { record.with(masked).to_json() };
        RawValue::from_string(text).map_err(unserializable)
    }

    fn versioned(&self, found: &Versioned, with_names: bool) -> Result<VersionedForm> {
        Ok(VersionedForm {
            id: found.id.clone(),
            version: found.version.clone(),
            modified: found.modified,
            fields: with_names.then(|| found.record.shape().names().to_vec()),
            record: self.raw(&found.record)?,
        })
    }

    pub(super) fn page(&self, page: &Page) -> Result<PageForm> {
        let change = |change: &Change| {
            Ok(match change {
                Change::Upsert(found) => ChangeForm::Upsert(self.versioned(found, false)?),
                Change::Deleted(Tombstone { id, version, merged_into }) => ChangeForm::Deleted {
                    id: id.clone(),
                    version: version.clone(),
                    merged_into: merged_into.clone(),
                },
                Change::Broken { id, place, problem } => {
                    ChangeForm::Broken { id: id.clone(), place: place.clone(), problem: problem.clone() }
                }
            })
        };
        let text = |cursor: &Cursor| cursor_text(cursor.as_bytes());
        let end = page.end.as_ref().map(|end| match end {
            End::CaughtUp { low_water } => EndForm::CaughtUp { low_water: low_water.as_ref().map(text) },
            End::Complete(Enumeration { id, order, changes_from }) => EndForm::Complete {
                id: id.clone(),
                order: *order,
                changes_from: changes_from.as_ref().map(text),
            },
            End::Partial => EndForm::Partial,
        });
        let changes = page.changes.iter().map(change).collect::<Result<_>>()?;
        Ok(PageForm::Page { changes, cursor: text(&page.cursor), end })
    }

    pub(super) fn lookups(&self, lookups: &[Lookup]) -> Result<AnswerForm> {
        let form = |lookup: &Lookup| {
            Ok(match lookup {
                Lookup::Found(found) => LookupForm::Found(self.versioned(found, false)?),
                Lookup::Gone(GoneProof { id, seen }) => {
                    LookupForm::Gone { id: id.clone(), seen: seen.clone() }
                }
                Lookup::Hidden => LookupForm::Hidden,
                Lookup::Several(ids) => LookupForm::Several(ids.clone()),
                Lookup::Unanswered => LookupForm::Unanswered,
            })
        };
        lookups.iter().map(form).collect::<Result<_>>().map(AnswerForm::Lookups)
    }

    pub(super) fn outcomes(&self, outcomes: &[WriteOutcome]) -> Result<AnswerForm> {
        let form = |outcome: &WriteOutcome| {
            Ok(match outcome {
                WriteOutcome::Applied { id, proof } => OutcomeForm::Applied {
                    id: id.clone(),
                    proof: match proof {
                        Proof::Stored(stored) => ProofForm::Stored(self.versioned(stored, true)?),
                        Proof::Version(version) => ProofForm::Version(version.clone()),
                        Proof::None => ProofForm::None,
                    },
                },
                WriteOutcome::Refused(Refusal { why, error }) => {
                    OutcomeForm::Refused { why: why_form(why), error: ErrorForm::of(error) }
                }
                WriteOutcome::Ambiguous(error) => OutcomeForm::Ambiguous(ErrorForm::of(error)),
            })
        };
        outcomes.iter().map(form).collect::<Result<_>>().map(AnswerForm::Outcomes)
    }
}

fn why_form(why: &RefusalKind) -> WhyForm {
    match why {
        RefusalKind::Stale => WhyForm::Stale,
        RefusalKind::Missing => WhyForm::Missing,
        RefusalKind::KeyTaken { by } => WhyForm::KeyTaken { by: by.clone() },
        RefusalKind::Invalid { field } => WhyForm::Invalid { field: field.clone() },
        RefusalKind::Forbidden => WhyForm::Forbidden,
        RefusalKind::Throttled { wait } => WhyForm::Throttled { wait: *wait },
        RefusalKind::Unavailable => WhyForm::Unavailable,
    }
}

pub(super) fn finding_form(finding: &Finding) -> AnswerForm {
    AnswerForm::Finding(match finding {
        Finding::Met(evidence) => FindingForm::Met(evidence.clone()),
        Finding::Unmet { evidence, remedy, can_provision } => FindingForm::Unmet {
            evidence: evidence.clone(),
            remedy: remedy.clone(),
            can_provision: *can_provision,
        },
        Finding::Unknown(why) => FindingForm::Unknown(why.clone()),
    })
}

impl ErrorForm {
    pub(super) fn of(error: &Error) -> Self {
        let cause = error.message_with_causes();
        let cause = cause.strip_prefix(error.message()).and_then(|rest| rest.strip_prefix(": "));
        Self {
            kind: error.kind().to_string(),
            retry: match error.retry() {
                Retry::Never => RetryForm::Never,
                Retry::Later => RetryForm::Later,
                Retry::After(wait) => RetryForm::After(wait),
            },
            message: error.message().to_owned(),
            remedy: error.remedy().map(str::to_owned),
            places: error.context().map(|(what, place)| (what.to_owned(), place.to_owned())).collect(),
            cause: cause.map(str::to_owned),
        }
    }

    pub(super) fn error(&self) -> Error {
        let kind = KINDS.into_iter().find(|kind| kind.to_string() == self.kind);
        let known = |what: &str| PLACES.into_iter().find(|place| *place == what);
        let mut message = self.message.clone();
        for (what, place) in self.places.iter().filter(|(what, _)| known(what).is_none()) {
            message.push_str(&format!(" ({what} {place})"));
        }
        let mut error =
            Error::new(kind.unwrap_or(ErrorKind::Internal), message).with_retry(match &self.retry {
                RetryForm::Never => Retry::Never,
                RetryForm::Later => Retry::Later,
                RetryForm::After(wait) => Retry::After(*wait),
            });
        for (what, place) in &self.places {
            if let Some(what) = known(what) {
                error = error.at(what, place);
            }
        }
        if let Some(remedy) = &self.remedy {
            error = error.with_remedy(remedy);
        }
        match &self.cause {
            Some(cause) => error.caused_by(cause.clone()),
            None => error,
        }
    }
}

impl VersionedForm {
    /// The record, in the shape of the question or in its own.
    fn versioned(&self, asked: Option<&Arc<Shape>>) -> Result<Versioned> {
        let said = Record::from_json(self.record.get())?;
        let record = match (asked, &self.fields) {
            (Some(shape), _) => said.reshaped(shape),
            (None, Some(names)) => said.reshaped(&Shape::new(names.iter().cloned())?),
            (None, None) => said,
        };
        Ok(Versioned { id: self.id.clone(), version: self.version.clone(), modified: self.modified, record })
    }
}

impl PageForm {
    /// The page; `None` where the stream stopped.
    pub(super) fn page(&self, shape: &Arc<Shape>) -> Option<Result<Page>> {
        match self {
            PageForm::CutOff => None,
            PageForm::Failed(error) => Some(Err(error.error())),
            PageForm::Page { changes, cursor, end } => {
                Some(Self::whole(changes, cursor, end.as_ref(), shape))
            }
        }
    }

    fn whole(changes: &[ChangeForm], at: &str, end: Option<&EndForm>, shape: &Arc<Shape>) -> Result<Page> {
        let change = |form: &ChangeForm| {
            Ok(match form {
                ChangeForm::Upsert(found) => Change::Upsert(found.versioned(Some(shape))?),
                ChangeForm::Deleted { id, version, merged_into } => Change::Deleted(Tombstone {
                    id: id.clone(),
                    version: version.clone(),
                    merged_into: merged_into.clone(),
                }),
                ChangeForm::Broken { id, place, problem } => {
                    Change::Broken { id: id.clone(), place: place.clone(), problem: problem.clone() }
                }
            })
        };
        let maybe = |text: &Option<String>| text.as_deref().map(cursor).transpose();
        let end = match end {
            None => None,
            Some(EndForm::Partial) => Some(End::Partial),
            Some(EndForm::CaughtUp { low_water }) => Some(End::CaughtUp { low_water: maybe(low_water)? }),
            Some(EndForm::Complete { id, order, changes_from }) => Some(End::Complete(Enumeration {
                id: id.clone(),
                order: *order,
                changes_from: maybe(changes_from)?,
            })),
        };
        Ok(Page { changes: changes.iter().map(change).collect::<Result<_>>()?, cursor: cursor(at)?, end })
    }
}

impl LookupForm {
    pub(super) fn lookup(&self, shape: &Arc<Shape>) -> Result<Lookup> {
        Ok(match self {
            LookupForm::Found(found) => Lookup::Found(found.versioned(Some(shape))?),
            LookupForm::Gone { id, seen } => Lookup::Gone(GoneProof { id: id.clone(), seen: seen.clone() }),
            LookupForm::Hidden => Lookup::Hidden,
            LookupForm::Several(ids) => Lookup::Several(ids.clone()),
            LookupForm::Unanswered => Lookup::Unanswered,
        })
    }
}

impl OutcomeForm {
    pub(super) fn outcome(&self) -> Result<WriteOutcome> {
        Ok(match self {
            OutcomeForm::Applied { id, proof } => WriteOutcome::Applied {
                id: id.clone(),
                proof: match proof {
                    ProofForm::Stored(stored) => Proof::Stored(stored.versioned(None)?),
                    ProofForm::Version(version) => Proof::Version(version.clone()),
                    ProofForm::None => Proof::None,
                },
            },
            OutcomeForm::Refused { why, error } => {
                WriteOutcome::Refused(Refusal { why: why.why(), error: error.error() })
            }
            OutcomeForm::Ambiguous(error) => WriteOutcome::Ambiguous(error.error()),
        })
    }
}

impl WhyForm {
    fn why(&self) -> RefusalKind {
        match self {
            WhyForm::Stale => RefusalKind::Stale,
            WhyForm::Missing => RefusalKind::Missing,
            WhyForm::KeyTaken { by } => RefusalKind::KeyTaken { by: by.clone() },
            WhyForm::Invalid { field } => RefusalKind::Invalid { field: field.clone() },
            WhyForm::Forbidden => RefusalKind::Forbidden,
            WhyForm::Throttled { wait } => RefusalKind::Throttled { wait: *wait },
            WhyForm::Unavailable => RefusalKind::Unavailable,
        }
    }
}

impl FindingForm {
    pub(super) fn finding(&self) -> Finding {
        match self {
            FindingForm::Met(evidence) => Finding::Met(evidence.clone()),
            FindingForm::Unmet { evidence, remedy, can_provision } => Finding::Unmet {
                evidence: evidence.clone(),
                remedy: remedy.clone(),
                can_provision: *can_provision,
            },
            FindingForm::Unknown(why) => Finding::Unknown(why.clone()),
        }
    }
}
