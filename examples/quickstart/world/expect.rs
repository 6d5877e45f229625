//! What a run should have led to, in plain data, for [`super::check`] to hold the databases against.
//!
//! Starts as what follows from the [`Truth`] after the first synchronisation, and grows with the story: an edit that
//! ends in a conflict stays [`Apart`], a deleted record is among those that are gone, and so on.

use super::people::{Deletion, Edit, Newcomers};
use super::truth::{Ambiguous, Difference, Truth};
use super::{Entity, Side};

/// The expected end state.
#[derive(Debug, Default)]
pub(crate) struct Expectations {
    /// Accounts that exist on both sides, by their keys; where one key is not known yet the checker finds the partner.
    pub(crate) accounts: Vec<Pair>,
    /// Contacts that exist on both sides.
    pub(crate) contacts: Vec<Pair>,
    /// Records without a partner: twins that nobody could tell apart, a creation that is parked.
    pub(crate) alone: Vec<Row>,
    /// Records that must not exist any more.
    pub(crate) gone: Vec<Row>,
    /// Fields in which the sides differ, and how.
    pub(crate) apart: Vec<Apart>,
    /// Values that must be there, whatever else is true.
    pub(crate) holds: Vec<Holds>,
    /// Columns of the CRM that the mapping does not speak of, so they may say anything.
    pub(crate) left_out: Vec<(Entity, &'static str)>,
    /// Fields of pairs that people changed, by the key and the column of the CRM. Every other field must still say
    /// what one of the two sides said in the beginning.
    pub(crate) edited: Vec<(Entity, String, &'static str)>,
}

/// Two records that are one thing; the key of the CRM first. At least one key is known.
pub(crate) type Pair = (Option<String>, Option<String>);

/// One row of one side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// On which side.
    pub(crate) side: Side,
    /// In which table.
    pub(crate) entity: Entity,
    /// Its key there.
    pub(crate) key: String,
}

/// A field whose two values differ for a reason.
#[derive(Clone, Debug)]
pub(crate) struct Apart {
    /// Of which entity.
    pub(crate) entity: Entity,
    /// The key in the CRM.
    pub(crate) crm_id: String,
    /// The column of the CRM.
    pub(crate) column: &'static str,
    /// What the CRM must say, as text; empty for nothing.
    pub(crate) crm: String,
    /// What the ERP must say, as text; empty for nothing.
    pub(crate) erp: String,
}

/// A value that one row must have.
#[derive(Clone, Debug)]
pub(crate) struct Holds {
    /// Which row.
    pub(crate) row: Row,
    /// The column as that side calls it.
    pub(crate) column: &'static str,
    /// The value as text; empty for nothing.
    pub(crate) value: String,
}

impl Expectations {
    /// The state after the first synchronisation: all pairs are equal, one-sided records have a partner, twins are
    /// alone.
    pub(crate) fn after_first_link(truth: &Truth) -> Self {
        let pairs = |entity| {
            let population = truth.population(entity);
            let shared = population.shared.iter().map(|(crm, erp)| (Some(crm.clone()), Some(erp.clone())));
            let crm_only = population.crm_only.iter().map(|crm| (Some(crm.clone()), None));
            let erp_only = population.erp_only.iter().map(|erp| (None, Some(erp.clone())));
            shared.chain(crm_only).chain(erp_only).collect()
        };
        let mut expectations =
            Self { accounts: pairs(Entity::Account), contacts: pairs(Entity::Contact), ..Self::default() };
        for group in &truth.ambiguous {
            expectations.alone.extend(group.crm.iter().map(|key| Row::contact(Side::Crm, key)));
            expectations.alone.extend(group.erp.iter().map(|key| Row::contact(Side::Erp, key)));
        }
        expectations
    }

    /// The differences that a predicate picks are left as they were: the first link parked them.
    pub(crate) fn leave_apart(&mut self, truth: &Truth, is_left: impl Fn(&Difference) -> bool) {
        let left = truth.differences.iter().filter(|difference| is_left(difference));
        self.apart.extend(left.map(|difference| Apart {
            entity: difference.entity,
            crm_id: difference.crm_id.clone(),
            column: difference.column,
            crm: difference.crm.clone(),
            erp: difference.erp.clone(),
        }));
    }

    /// Somebody edited a field, and the edit is to stand on the side where it was made.
    pub(crate) fn edit_stands(&mut self, edit: &Edit) {
        self.was_edited(edit);
        let key = if edit.side == Side::Crm { &edit.crm_id } else { &edit.erp_no };
        let row = Row { side: edit.side, entity: edit.entity, key: key.clone() };
        self.holds.retain(|holds| holds.row != row || holds.column != edit.column);
        self.holds.push(Holds { row, column: edit.column, value: edit.after.clone().unwrap_or_default() });
    }

    /// Somebody edited a field, and another edit may have prevailed.
    pub(crate) fn was_edited(&mut self, edit: &Edit) {
        self.edited.push((edit.entity, edit.crm_id.clone(), edit.crm_column()));
    }

    /// An edit of the CRM and one of the ERP to the same field stay as they are: the conflict, or a value that does
    /// not fit the other side, is parked. `erp` is what the ERP keeps saying.
    pub(crate) fn stays_apart(&mut self, crm: &Edit, erp: &str) {
        self.was_edited(crm);
        self.apart.push(Apart {
            entity: crm.entity,
            crm_id: crm.crm_id.clone(),
            column: crm.crm_column(),
            crm: crm.after.clone().unwrap_or_default(),
            erp: erp.to_owned(),
        });
    }

    /// The opposite of [`Expectations::stays_apart`]: both sides say the same again.
    pub(crate) fn is_settled(&mut self, edit: &Edit) {
        let field = (edit.entity, edit.crm_id.as_str(), edit.crm_column());
        self.apart.retain(|apart| (apart.entity, apart.crm_id.as_str(), apart.column) != field);
    }

    /// A contact and its account are new in the CRM, and the ERP is to have them too.
    pub(crate) fn are_new(&mut self, newcomers: &Newcomers) {
        self.accounts.push((Some(newcomers.account_id.clone()), None));
        self.contacts.push((Some(newcomers.contact_id.clone()), None));
    }

    /// A record that was deleted on one side is to be gone from both.
    pub(crate) fn is_gone(&mut self, deletion: &Deletion) {
        let Deletion { entity, crm_id, erp_no, .. } = deletion;
        let pairs = match entity {
            Entity::Account => &mut self.accounts,
            Entity::Contact => &mut self.contacts,
        };
        pairs.retain(|(crm, erp)| crm.as_ref() != Some(crm_id) && erp.as_ref() != Some(erp_no));
        self.gone.push(Row { side: Side::Crm, entity: *entity, key: crm_id.clone() });
        self.gone.push(Row { side: Side::Erp, entity: *entity, key: erp_no.clone() });
    }

    /// The twins of a group were deleted; the first copy on each side is to have found the other.
    pub(crate) fn twins_are_cleared(&mut self, group: &Ambiguous) {
        let of_group = |row: &Row| match row.side {
            Side::Crm => group.crm.contains(&row.key),
            Side::Erp => group.erp.contains(&row.key),
        };
        self.alone.retain(|row| !of_group(row));
        self.contacts.push((group.crm.first().cloned(), group.erp.first().cloned()));
        self.gone.extend(group.crm.iter().skip(1).map(|key| Row::contact(Side::Crm, key)));
        self.gone.extend(group.erp.iter().skip(1).map(|key| Row::contact(Side::Erp, key)));
    }
}

impl Row {
    /// A row of the contacts of one side.
    pub(crate) fn contact(side: Side, key: &str) -> Self {
        Self { side, entity: Entity::Contact, key: key.to_owned() }
    }
}
