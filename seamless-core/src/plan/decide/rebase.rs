//! Which groups of a pair lose their bases because a rule of theirs is another one than when the bases were made.
//!
//! A base says what each side held when the two agreed. Where the two bases mean the same under the new rule as well,
//! they still say that, and an edit since then is an edit. So a value that was added to a table, or a text that may be cut
//! from now on, is carried as it was meant, and does not become a conflict that asks a person what everybody knows.

use crate::merge::{Case, Judgement};
use crate::model::{Bits, Sides};

use super::Deciding;

impl Deciding<'_> {
    /// Of the groups whose rules changed, those whose bases say nothing under the rules as they are. Asks only where
    /// there are such groups: in the first plan under another configuration.
    pub(super) fn without_base(&self, case: &Case<'_>) -> Bits {
        let changed = case.rebased;
        let Sides { left: Some(left), right: Some(right) } = case.base else { return changed.clone() };
        if changed.is_empty() {
            return changed.clone();
        }
        let nothing = Bits::new();
        let then = Case {
            base: Sides::new(None, None),
            current: Sides::new(left, right),
            modified: Sides::new(None, None),
            check_all: true,
            rebased: &nothing,
            link: case.link,
            context: case.context,
        };
        let agreed = self.cx.reconciler.reconcile(&then);
        changed.iter().filter(|group| !matches!(agreed.judgement(*group), Judgement::Agree(_))).collect()
    }
}
