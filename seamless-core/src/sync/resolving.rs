//! What people decide about open conflicts: one by one or thousands at once. It looks up what both sides hold now, since a
//! decision holds for that, and keeps it for the next plan. It decides nothing itself. The doors are
//! [`Integration::resolve`] and [`Integration::resolve_many`].

use std::collections::{BTreeMap, HashMap};

use crate::connector::{Connector, FetchBy, FetchQuery, Lookup};
use crate::merge::CompiledLink;
use crate::model::{Error, ErrorKind, Fingerprint, LinkId, RecordId, Result, RuleId, Side, Sides};
use crate::plan::{Pair, PairStatus, Resolution};

use super::integration::Integration;

/// Decisions that are looked up at once.
const PAGE_CHOICES: usize = 500;

/// A decision about one open conflict: the value of one side is to win.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The link.
    pub link: LinkId,
    /// The side that the record is named on.
    pub side: Side,
    /// The record.
    pub id: RecordId,
    /// A rule of the group that is in conflict.
    pub rule: RuleId,
    /// The side whose value wins.
    pub take: Side,
}

/// What deciding many came to.
#[derive(Debug, Default)]
pub struct Chosen {
    /// Decisions that are kept for the next plan.
    pub kept: usize,
    /// Those that could not be made, by their place among the choices, with why. The others are kept all the same.
    pub refused: Vec<(usize, Error)>,
}

impl Integration {
    /// Decides an open conflict: the value of one side is to win. It holds for the values that both sides hold now;
    /// when one moves before the next plan, the conflict is open again.
    ///
    /// A value that is parked because it may be the system's own form of what was sent is decided in the same way. If
    /// `take` is the side that the value came from, what the system keeps is its form: it becomes the base and nothing
    /// is written. If `take` is the side that keeps it, it is an edit, and is carried over.
    ///
    /// Costs a fetch per side; for many see [`Integration::resolve_many`].
    ///
    /// Errors: the connectors' and the store's; of kind [`ErrorKind::NotFound`] when the link or the rule is not known,
    /// the record has no partner, or a side does not show it.
    pub async fn resolve(
        &self,
        link: &LinkId,
        side: Side,
        id: &RecordId,
        rule: &RuleId,
        take: Side,
        by: &str,
    ) -> Result<()> {
        let choice = Choice { link: link.clone(), side, id: id.clone(), rule: rule.clone(), take };
        match self.resolve_many(&[choice], by).await?.refused.pop() {
            Some((_, refused)) => Err(refused),
            None => Ok(()),
        }
    }

    /// As [`Integration::resolve`], for any number of conflicts: what can be decided is kept in one transaction, what
    /// cannot is named. Of several about one group the last one counts.
    ///
    /// Costs a fetch per side for 500 records of a link, and memory for the decisions.
    ///
    /// Errors: the connectors' and the store's; then nothing is kept.
    pub async fn resolve_many(&self, choices: &[Choice], by: &str) -> Result<Chosen> {
        let mut groups: BTreeMap<(&LinkId, Side), Vec<usize>> = BTreeMap::new();
        for (at, choice) in choices.iter().enumerate() {
            groups.entry((&choice.link, choice.side)).or_default().push(at);
        }
        let mut chosen = Chosen::default();
        let mut resolutions: Vec<(usize, LinkId, Resolution)> = Vec::with_capacity(choices.len());
        for ((link, side), places) in groups {
            for places in places.chunks(PAGE_CHOICES) {
                self.inner.cancel.check()?;
                let page: Vec<(usize, &Choice)> =
                    places.iter().filter_map(|at| Some((*at, choices.get(*at)?))).collect();
                let compiled = match self.link(link.as_str()) {
                    Ok(compiled) => compiled,
                    Err(_) => {
                        chosen.refused.extend(page.iter().map(|(at, _)| (*at, self.no_link(link))));
                        continue;
                    }
                };
                for (at, decided) in self.decide_choices(compiled, side, &page, by).await? {
                    match decided {
                        Ok(resolution) => resolutions.push((at, link.clone(), resolution)),
                        Err(refused) => chosen.refused.push((at, refused)),
                    }
                }
            }
        }
        // In the order of the choices: of two about one group the later one stays.
        resolutions.sort_by_key(|(at, ..)| *at);
        chosen.refused.sort_by_key(|(at, _)| *at);
        chosen.kept = resolutions.len();
        let kept: Vec<(LinkId, Resolution)> =
            resolutions.into_iter().map(|(_, link, resolution)| (link, resolution)).collect();
        if !kept.is_empty() {
            self.inner.store.resolve(&kept, self.inner.clock.now()).await?;
        }
        Ok(chosen)
    }

    fn no_link(&self, link: &LinkId) -> Error {
        match self.link(link.as_str()) {
            Err(refused) => refused,
            Ok(_) => Error::new(ErrorKind::Internal, "the link is there"),
        }
    }

    /// Decides some choices about one side's records of a link.
    async fn decide_choices(
        &self,
        link: &CompiledLink,
        side: Side,
        choices: &[(usize, &Choice)],
        by: &str,
    ) -> Result<Vec<(usize, Result<Resolution>)>> {
        let ids: Vec<RecordId> = choices.iter().map(|(_, choice)| choice.id.clone()).collect();
        let pairs = self.inner.store.pairs_of(&link.spec().id, side, &ids).await?;
        let pairs: Vec<Option<Pair>> =
            pairs.into_iter().map(|pair| pair.filter(|pair| pair.status != PairStatus::Ended)).collect();
        let mut held = Sides::<HashMap<RecordId, Fingerprint>>::default();
        for of in Side::BOTH {
            let ids = pairs.iter().flatten().map(|pair| pair.ids.of(of).clone()).collect();
            *held.of_mut(of) = self.held(link, of, ids).await?;
        }
        let decide = |choice: &Choice, pair: Option<Pair>| {
            if !link.rules().iter().any(|known| known.id == choice.rule) {
                let message = format!("the link has no rule {:?}", choice.rule);
                return Err(Error::new(ErrorKind::NotFound, message).at("link", &choice.link));
            }
            let pair = pair.ok_or_else(|| {
                Error::new(ErrorKind::NotFound, format!("record {} has no partner", choice.id))
                    .at("link", &choice.link)
                    .at("side", self.inner.names.of(side))
                    .with_remedy("name a record that is in conflict, by its key, and its side")
            })?;
            let mut seen = Sides::default();
            for of in Side::BOTH {
                let id = pair.ids.of(of);
                *seen.of_mut(of) = *held.of(of).get(id).ok_or_else(|| {
                    Error::new(ErrorKind::NotFound, format!("record {id} is not shown"))
                        .at("side", self.inner.names.of(of))
                })?;
            }
            let Choice { rule, take, .. } = choice;
            Ok(Resolution { ids: pair.ids, rule: rule.clone(), take: *take, by: by.to_owned(), seen })
        };
        Ok(choices.iter().zip(pairs).map(|((at, choice), pair)| (*at, decide(choice, pair))).collect())
    }

    /// Fingerprints of what a side holds now of these records; those that it does not show are missing.
    async fn held(
        &self,
        link: &CompiledLink,
        side: Side,
        ids: Vec<RecordId>,
    ) -> Result<HashMap<RecordId, Fingerprint>> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let query = FetchQuery {
            entity: link.spec().entity.of(side).clone(),
            shape: link.shape(side).clone(),
            by: FetchBy::Ids(ids.clone()),
        };
        let answers = self.inner.following.of(side).fetch(query).await?;
        let found = ids.into_iter().zip(answers).filter_map(|(id, answer)| match answer {
            Lookup::Found(found) => Some((id, link.fingerprint(side, &found.record))),
            _ => None,
        });
        Ok(found.collect())
    }
}
