//! What a mapper is given and gives: references it needs resolved, and its errors.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;

use crate::model::{
    ActionId, EntityName, FieldName, KeyPart, LinkId, RecordId, RuleId, Side, Value, ValueKind,
};

/// Something that a rule must look up before it can carry.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Ask {
    /// The partner, on the other side, of a record of this side through a link.
    Partner {
        /// The link whose pairs are looked at.
        link: LinkId,
        /// The side that the record is on.
        side: Side,
        /// The record.
        id: RecordId,
    },
}

/// Something that a rule must ask a system before it can carry: pairs do not say it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Seek {
    /// What a record of this side holds in a field: a path through a reference.
    Field {
        /// The side.
        side: Side,
        /// The entity of the record.
        entity: EntityName,
        /// The field.
        field: FieldName,
        /// The record.
        id: RecordId,
    },
    /// Which record of this side holds a value in a field that tells records apart.
    Record {
        /// The side.
        side: Side,
        /// The entity of the record.
        entity: EntityName,
        /// The field.
        field: FieldName,
        /// The value.
        value: KeyPart,
    },
}

/// What a system answered.
#[derive(Clone, Debug, PartialEq)]
pub enum Found {
    /// The field of the record holds this.
    Value(Value),
    /// The one record that holds the value.
    Record(RecordId),
    /// Several records hold it.
    Several,
    /// There is no such record, or it is not shown.
    Nothing,
    /// The system did not say: a field that may not be read, a look-up that it left out.
    Unsaid,
}

/// What was found.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// The partner.
    Paired(RecordId),
    /// The partner will be created by this action of the same plan.
    Planned(ActionId),
    /// The record has no partner.
    Unpaired,
}

/// What a mapper names before it carries: fetched for a whole page.
#[derive(Clone, Debug, Default)]
pub struct References {
    asks: BTreeSet<Ask>,
    seeks: BTreeSet<Seek>,
}

impl References {
    /// Nothing to look up.
    pub fn none() -> Self {
        Self::default()
    }

    /// Names something to look up.
    pub fn ask(&mut self, ask: Ask) {
        self.asks.insert(ask);
    }

    /// Names something to ask a system.
    pub fn seek(&mut self, seek: Seek) {
        self.seeks.insert(seek);
    }

    /// The partners that were named, in a stable order.
    pub fn into_asks(self) -> impl Iterator<Item = Ask> {
        self.asks.into_iter()
    }

    /// Everything that was named, in a stable order.
    pub fn into_parts(self) -> (BTreeSet<Ask>, BTreeSet<Seek>) {
        (self.asks, self.seeks)
    }

    /// Whether nothing was named.
    pub fn is_empty(&self) -> bool {
        self.asks.is_empty() && self.seeks.is_empty()
    }
}

/// What has been looked up so far. Only ever asked by key; it has no order.
#[derive(Clone, Debug, Default)]
pub struct Resolved {
    answers: HashMap<Ask, Answer>,
    found: HashMap<Seek, Found>,
    resting: HashSet<Ask>,
}

impl Resolved {
    /// Nothing looked up yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an answer.
    pub fn insert(&mut self, ask: Ask, answer: Answer) {
        self.answers.insert(ask, answer);
    }

    /// The answer; `None` when it was never asked.
    pub fn get(&self, ask: &Ask) -> Option<&Answer> {
        self.answers.get(ask)
    }

    /// Adds the partner of a record whose pair rests, because one of the two left the scope.
    pub fn insert_resting(&mut self, ask: Ask, partner: RecordId) {
        self.resting.insert(ask.clone());
        self.answers.insert(ask, Answer::Paired(partner));
    }

    /// Whether the partner that was found is that of a pair which rests: one of another link comes before it.
    pub fn rests(&self, ask: &Ask) -> bool {
        self.resting.contains(ask)
    }

    /// The question that an action of the plan answers. Looks through all answers, of which a page has a few hundred.
    pub fn ask_of(&self, action: ActionId) -> Option<&Ask> {
        let planned = Answer::Planned(action);
        // At most one question per action: an action makes one record.
        self.answers.iter().find(|(_, answer)| **answer == planned).map(|(ask, _)| ask)
    }

    /// Adds what a system answered.
    pub fn insert_found(&mut self, seek: Seek, found: Found) {
        self.found.insert(seek, found);
    }

    /// What a system answered; `None` when it was never asked.
    pub fn found(&self, seek: &Seek) -> Option<&Found> {
        self.found.get(seek)
    }

    /// Whether it was asked already.
    pub fn knows(&self, ask: &Ask) -> bool {
        self.answers.contains_key(ask)
    }
}

/// What a rule may know besides the two records.
#[derive(Clone, Copy, Debug)]
pub struct MapContext<'a> {
    /// What was looked up.
    pub resolved: &'a Resolved,
    /// The entity of the target.
    pub target_entity: &'a EntityName,
    /// Whether the target record is being created.
    pub creating: bool,
}

/// Why a rule could not carry a value. It parks its group; other fields go on.
#[derive(Clone, Debug, PartialEq)]
pub struct MapError {
    /// The rule.
    pub rule: RuleId,
    /// The field whose value could not be carried.
    pub field: FieldName,
    /// The kind of that value.
    pub kind: Option<ValueKind>,
    /// What kind of trouble it is.
    pub problem: MapProblem,
    /// In words, without the field's name.
    pub message: String,
    /// What a person can do.
    pub remedy: String,
}

/// The kinds of trouble that the engine treats differently.
#[derive(Clone, Debug, PartialEq)]
pub enum MapProblem {
    /// The value is outside the rule's domain.
    Unmappable,
    /// The value does not fit the target field.
    DoesNotFit,
    /// The source field is absent or unreadable: nothing is known, nothing is carried.
    NotKnown,
    /// A record that it refers to has no partner yet: wait for it.
    Waiting(Ask),
    /// The record that it goes to is in a state in which rules do not write it: wait until it is in another one.
    NotNow,
    /// No action of the system leads from the state that the record is in to the one that is wanted: wait until it is in another
    /// one.
    NoAction,
    /// A system has no record, or several, that fit what is looked up by a field: wait until it has one.
    NotFound,
}

impl fmt::Display for MapError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.message)?;
        if let Some(kind) = self.kind {
            write!(f, " (a {kind})")?;
        }
        write!(f, "; {}", self.remedy)
    }
}

impl std::error::Error for MapError {}
