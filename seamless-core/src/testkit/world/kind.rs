//! What a host wants to see kept in step, in the host's own words: kinds of things that both systems know. The oracle
//! believes this and nothing of the integration. The doors are [`Kind`] and [`Subject`].

use std::fmt;
use std::sync::Arc;

use super::clock::VirtualClock;
use crate::connector::Connector;
use crate::mapper::{Direction, LinkMode};
use crate::model::{Entity, Error, Field, FieldKind, FieldName, LinkId, Result, RuleId, Side, Sides, Value};
use crate::store::{MemoryStore, StateStore};
use crate::sync::Integration;

/// A kind of thing that both systems know, such as customers.
///
/// Every value that a simulated user writes begins with a number that nobody wrote before, so that each value found
/// anywhere tells who wrote it. Carried fields are therefore of text, whole numbers or decimals; fields of other kinds
/// may be there and stay empty.
#[derive(Clone, Debug)]
pub struct Kind {
    /// The link of the integration.
    pub link: LinkId,
    /// The two entities. Fields of the key are filled by the system.
    pub entity: Sides<Entity>,
    /// The text fields that say which thing a record is: what the mapping matches on, and carries on create.
    pub named_by: Sides<FieldName>,
    /// The rule that carries the name, where users may change it ([`Kind::renames`]).
    pub name_rule: Option<RuleId>,
    /// The fields that are carried, in both directions.
    pub carried: Vec<Carried>,
    /// A reference that is carried.
    pub reference: Option<CarriedReference>,
    /// A text field of each side that no rule touches: it must stay as users left it.
    pub own: Sides<Option<FieldName>>,
}

/// A field that is carried, in both directions.
#[derive(Clone, Debug)]
pub struct Carried {
    /// The two fields.
    pub field: Sides<FieldName>,
    /// The rule that carries it; what waits is named by it.
    pub rule: RuleId,
    /// Whether two values mean the same, beyond being equal: the declared forms of the mapping.
    pub same: fn(&Value, &Value) -> bool,
}

/// A reference that is carried, in both directions.
#[derive(Clone, Debug)]
pub struct CarriedReference {
    /// The two fields.
    pub field: Sides<FieldName>,
    /// The rule that carries it.
    pub rule: RuleId,
    /// The place, in the subject's list, of the kind that it refers to.
    pub to: usize,
}

fn equal(left: &Value, right: &Value) -> bool {
    left == right
}

impl Kind {
    /// A kind without carried fields.
    pub fn new(link: &str, left: Entity, right: Entity, named_by: [&str; 2]) -> Self {
        let [named_left, named_right] = named_by;
        Self {
            link: link.into(),
            entity: Sides::new(left, right),
            named_by: Sides::new(named_left.into(), named_right.into()),
            name_rule: None,
            carried: Vec::new(),
            reference: None,
            own: Sides::new(None, None),
        }
    }

    /// Lets users change the names; the rule that carries them, in both directions, is called `left=right`.
    #[must_use]
    pub fn renames(mut self) -> Self {
        self.name_rule = Some(format!("{}={}", self.named_by.left, self.named_by.right).into());
        self
    }

    /// Adds a carried field whose rule is called `left=right`.
    #[must_use]
    pub fn carries(self, left: &str, right: &str) -> Self {
        self.carries_as(left, right, equal)
    }

    /// Adds a carried field with what the mapping holds for the same.
    #[must_use]
    pub fn carries_as(mut self, left: &str, right: &str, same: fn(&Value, &Value) -> bool) -> Self {
        let rule = format!("{left}={right}").into();
        self.carried.push(Carried { field: Sides::new(left.into(), right.into()), rule, same });
        self
    }

    /// Adds a carried reference to a kind, by its place; its rule is called `left=right`.
    #[must_use]
    pub fn refers(mut self, left: &str, right: &str, to: usize) -> Self {
        let rule = format!("{left}={right}").into();
        self.reference = Some(CarriedReference { field: Sides::new(left.into(), right.into()), rule, to });
        self
    }

    /// Names a field of each side that no rule touches.
    #[must_use]
    pub fn own(mut self, left: &str, right: &str) -> Self {
        self.own = Sides::new(Some(left.into()), Some(right.into()));
        self
    }

    /// The same kind with its sides changed over.
    #[must_use]
    pub(super) fn mirrored(&self) -> Self {
        let carried = self
            .carried
            .iter()
            .map(|carried| Carried { field: carried.field.clone().mirrored(), ..carried.clone() });
        Self {
            link: self.link.clone(),
            entity: self.entity.clone().mirrored(),
            named_by: self.named_by.clone().mirrored(),
            name_rule: self.name_rule.clone(),
            carried: carried.collect(),
            reference: self
                .reference
                .clone()
                .map(|reference| CarriedReference { field: reference.field.mirrored(), ..reference }),
            own: self.own.clone().mirrored(),
        }
    }

    fn check(&self, kinds: usize) -> Result<()> {
        for side in Side::BOTH {
            let entity = self.entity.of(side);
            let known = |name: &FieldName| {
                entity.field(name.as_str()).ok_or_else(|| {
                    Error::configuration("a kind names a field that its entity lacks")
                        .at("entity", &entity.name)
                        .at("field", name)
                })
            };
            known(self.named_by.of(side))?;
            if entity.key.len() > 1 {
                return Err(Error::configuration("the key of a simulated entity is one field")
                    .at("entity", &entity.name));
            }
            self.own.of(side).as_ref().map(known).transpose()?;
            for carried in &self.carried {
                let field = known(carried.field.of(side))?;
                if !can_be_tagged(field) {
                    return Err(Error::configuration(
                        "a carried field must be of text, whole numbers or decimals: every value is made to tell who wrote it",
                    )
                    .at("entity", &entity.name)
                    .at("field", &field.name));
                }
            }
            if let Some(reference) = &self.reference {
                known(reference.field.of(side))?;
                if reference.to >= kinds {
                    return Err(Error::configuration("a reference points at a kind that is not there")
                        .at("link", &self.link));
                }
            }
        }
        Ok(())
    }

    /// Holds the kind against the mapping. The oracle believes the kind alone: where the two speak of different things it
    /// would find harm in what nobody mapped, and that would look like a fault of the integration.
    fn check_mapped(&self, integration: &Integration) -> Result<()> {
        let link = integration.link(self.link.as_str())?;
        let wrong = |message: &str| Error::configuration(message).at("link", &self.link);
        for side in Side::BOTH {
            let (told, mapped) = (&self.entity.of(side).name, link.spec().entity.of(side));
            if told != mapped {
                return Err(wrong("a kind names another entity than its link")
                    .at("side", side)
                    .at("kind", told)
                    .at("mapping", mapped));
            }
        }
        if link.spec().mode != LinkMode::TwoWay {
            return Err(wrong(
                "a simulated link must be two-way: the oracle expects edits of both sides to be carried",
            ));
        }
        let reference = self.reference.iter().map(|reference| &reference.rule);
        let told = self.carried.iter().map(|carried| &carried.rule);
        for told in told.chain(&self.name_rule).chain(reference) {
            let Some(rule) = link.rules().iter().find(|rule| rule.id == *told) else {
                let known: Vec<&str> = link.rules().iter().map(|rule| rule.id.as_str()).collect();
                return Err(wrong("a kind names a rule that its link lacks")
                    .at("rule", told)
                    .with_remedy(format!("the rules of this link are {}", known.join(", "))));
            };
            if rule.direction != Direction::TwoWay {
                return Err(wrong("a carried field of a kind must have a two-way rule")
                    .at("rule", told)
                    .with_remedy(
                        "leave the field out of the kind, or name it with `own` where it must stay untouched",
                    ));
            }
        }
        Ok(())
    }
}

fn can_be_tagged(field: &Field) -> bool {
    matches!(field.kind, FieldKind::Text { .. } | FieldKind::Int | FieldKind::Decimal { .. })
}

/// What a process of the host finds when it starts: two systems, the state that the process before left, time.
#[derive(Clone, Debug)]
pub struct Process {
    /// The left system.
    pub left: Arc<dyn Connector>,
    /// The right system.
    pub right: Arc<dyn Connector>,
    /// The state, as earlier processes left it.
    pub store: Arc<dyn StateStore>,
    /// Time.
    pub clock: Arc<VirtualClock>,
}

/// Builds the integration of a process.
pub type Build = Arc<dyn Fn(&Process) -> Result<Integration> + Send + Sync>;

/// Opens an empty state store.
pub type OpenStore = Arc<dyn Fn(&Arc<VirtualClock>) -> Result<Arc<dyn StateStore>> + Send + Sync>;

/// What is tested: the host's integration, and what it is to keep in step.
#[derive(Clone)]
pub struct Subject {
    pub(super) kinds: Vec<Kind>,
    pub(super) build: Build,
    pub(super) mirror: Option<Build>,
    pub(super) open: OpenStore,
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject").field("kinds", &self.kinds).finish_non_exhaustive()
    }
}

impl Subject {
    /// An integration that keeps these kinds in step. `build` is called at every start of a simulated process, and must
    /// use the connectors, the store and the clock that it is given, or wrap them.
    ///
    /// Errors: a kind names a field that its entity lacks, or carries one whose values cannot tell who wrote them.
    pub fn new(
        kinds: Vec<Kind>,
        build: impl Fn(&Process) -> Result<Integration> + Send + Sync + 'static,
    ) -> Result<Self> {
        kinds.iter().try_for_each(|kind| kind.check(kinds.len()))?;
        let open: OpenStore = Arc::new(|clock| Ok(Arc::new(MemoryStore::new(clock.clone()))));
        Ok(Self { kinds, build: Arc::new(build), mirror: None, open })
    }

    /// The integration of a process that starts.
    ///
    /// Errors: as the host's function; its mapping does not carry what the kinds name.
    pub(super) fn start(&self, process: &Process) -> Result<Integration> {
        let integration = (self.build)(process)?;
        self.kinds.iter().try_for_each(|kind| kind.check_mapped(&integration))?;
        Ok(integration)
    }

    /// Says how the same integration is built when the two systems change places; needed for the law that the sides are
    /// equal.
    #[must_use]
    pub fn mirrored_by(
        mut self,
        build: impl Fn(&Process) -> Result<Integration> + Send + Sync + 'static,
    ) -> Self {
        self.mirror = Some(Arc::new(build));
        self
    }

    /// Says how an empty state store is opened, where it is not [`MemoryStore`].
    #[must_use]
    pub fn store(
        mut self,
        open: impl Fn(&Arc<VirtualClock>) -> Result<Arc<dyn StateStore>> + Send + Sync + 'static,
    ) -> Self {
        self.open = Arc::new(open);
        self
    }
}
