//! Which groups of a pair lose their bases because a rule of theirs is another one than when the bases were made.
//!
//! A base says what each side held when the two agreed. Where the two bases mean the same under the new rule as well,
//! they still say that, and an edit since then is an edit. So a value that was added to a table, or a text that may be cut
//! from now on, is carried as it was meant, and does not become a conflict that asks a person what everybody knows.

use crate::merge::{Case, Judgement};
use crate::model::{Bits, Record, Side, Sides};

use super::Deciding;

impl Deciding<'_> {
    /// The groups whose bases say nothing: of those whose rules changed, the ones whose bases do not mean the same under
    /// the rules as they are, which is asked only in the first plan under another configuration; and those that a side
    /// lost together with its field.
    pub(super) fn without_base(&self, case: &Case<'_>) -> Bits {
        let mut without = self.without_base_of_rule(case);
        without.extend(&self.emptied(case));
        without
    }

    /// Groups of which a side has a field again that is blank now and was not: it was made anew, and nobody cleared it.
    fn emptied(&self, case: &Case<'_>) -> Bits {
        let mut emptied = Bits::new();
        for side in Side::BOTH {
            let (back, Some(base)) = (self.cx.back.of(side), case.base.of(side)) else { continue };
            let is_blank =
                |record: &Record, slot: usize| record.get(slot).value().is_some_and(|value| value.is_blank());
            let current = *case.current.of(side);
            let lost =
                |slot: &usize| back.contains(*slot) && is_blank(current, *slot) && !is_blank(base, *slot);
            if back.is_empty() {
                continue;
            }
            for (place, group) in case.link.groups().iter().enumerate() {
                if group.slots.of(side).iter().any(lost) {
                    emptied.insert(place);
                }
            }
        }
        emptied
    }

    fn without_base_of_rule(&self, case: &Case<'_>) -> Bits {
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
