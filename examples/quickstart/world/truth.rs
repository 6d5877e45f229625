//! What the generator put into the two systems: the answer sheet. Nobody who works on the data may look at it.

use super::Entity;

/// Everything the generator knows.
#[derive(Debug, Default)]
pub(crate) struct Truth {
    /// Who is where among the accounts.
    pub(crate) accounts: Population,
    /// Who is where among the contacts, without those in `ambiguous`.
    pub(crate) contacts: Population,
    /// Groups of contacts of which no program can say who is who.
    pub(crate) ambiguous: Vec<Ambiguous>,
    /// The fields of pairs that were made to differ, each once.
    pub(crate) differences: Vec<Difference>,
    /// How many fields of pairs could have differed: pairs times their plain fields.
    pub(crate) comparable_fields: usize,
}

impl Truth {
    /// How many differences of a kind there are.
    pub(crate) fn count(&self, kind: DifferenceKind) -> usize {
        self.differences.iter().filter(|difference| difference.kind == kind).count()
    }

    /// The population of an entity.
    pub(crate) fn population(&self, entity: Entity) -> &Population {
        match entity {
            Entity::Account => &self.accounts,
            Entity::Contact => &self.contacts,
        }
    }
}

/// Who exists on which side, named by the keys there (`accountid` or `contactid`, and `No.`).
#[derive(Debug, Default)]
pub(crate) struct Population {
    /// On both sides from the beginning: the true pairs, key of the CRM first.
    pub(crate) shared: Vec<(String, String)>,
    /// Only in the CRM.
    pub(crate) crm_only: Vec<String>,
    /// Only in the ERP.
    pub(crate) erp_only: Vec<String>,
}

/// One person who is stored twice on one side under one e-mail address.
#[derive(Clone, Debug)]
pub(crate) struct Ambiguous {
    /// The address.
    pub(crate) email: String,
    /// The keys in the CRM.
    pub(crate) crm: Vec<String>,
    /// The keys in the ERP.
    pub(crate) erp: Vec<String>,
}

/// In what way the two values of a field differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum DifferenceKind {
    /// One side has a value, the other has none (for a credit limit: the CRM has none).
    OneBlank,
    /// Both have a value, and not the same.
    Different,
    /// The same value spelled differently: a blank at the end, capitals in an e-mail, hyphens in a phone number.
    Harmless,
}

/// One field of a pair whose values are not the same text.
#[derive(Clone, Debug)]
pub(crate) struct Difference {
    /// Of which entity.
    pub(crate) entity: Entity,
    /// The key in the CRM.
    pub(crate) crm_id: String,
    /// The column of the CRM; the ERP's is its correspondence.
    pub(crate) column: &'static str,
    /// In what way.
    pub(crate) kind: DifferenceKind,
    /// What the CRM says, as text; empty for nothing.
    pub(crate) crm: String,
    /// What the ERP says, as text; empty for nothing.
    pub(crate) erp: String,
}
