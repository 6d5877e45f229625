//! Comparing records cell by cell: which slots differ, and whether two slots mean the same. Knows the layout of a
//! record, and of canonical forms only that they can be asked. The door is [`Record::differing_low`].

use super::{Cell, DECIMAL, EXTRA, FLOAT, INSTANT, INT, Record, TEXT};
use crate::model::canon::CanonicalForm;
use crate::model::value::Presence;

impl Record {
    /// Whether two records hold the same bytes: then they are equal as written. The reverse does not hold for
    /// records that were built in different ways. One memory comparison.
    #[inline]
    pub fn same_bytes(&self, other: &Record) -> bool {
        self.cells == other.cells && self.text == other.text && self.extras == other.extras
    }

    /// Whether a slot of this record equals a slot of another, absent and unreadable counting as what they are.
    #[inline]
    pub fn slot_eq(&self, slot: usize, other: &Record, other_slot: usize) -> bool {
        match (self.cells.get(slot), other.cells.get(other_slot)) {
            (Some(a), Some(b)) => self.cell_eq(*a, other, *b),
            (None, None) => true,
            _ => self.get(slot) == other.get(other_slot),
        }
    }

    /// The slots, below the shorter shape's length and 64, in which two records differ, slot by slot, as bits.
    ///
    /// Cells are compared as words. Texts lie in the buffer in the order of their slots, so that a run of texts of
    /// equal lengths is compared at once. Cost: about 1 ns a field when warm.
    #[inline]
    pub fn differing_low(&self, other: &Record) -> u64 {
        let length = self.cells.len().min(other.cells.len()).min(64);
        let (Some(a), Some(b)) = (self.cells.get(..length), other.cells.get(..length)) else { return 0 };
        // Without a branch per cell: the usual record did not change, and this is a few vector instructions.
        let apart =
            a.iter().zip(b).fold(0, |bits, (a, b)| bits | (a.head ^ b.head) | (a.payload ^ b.payload));
        if apart == 0 && self.extras.is_none() && self.text == other.text {
            return 0;
        }
        let (mut heads, mut payloads) = (0u64, 0u64);
        for (a, b) in a.iter().zip(b).rev() {
            heads = heads << 1 | u64::from(a.head != b.head);
            payloads = payloads << 1 | u64::from(a.payload != b.payload);
        }
        let (texts, soft) = (self.low.text & other.low.text, self.low.soft & other.low.soft);
        let mut differing = heads | payloads & !texts;
        // A decimal of another scale may be the same number, an instant of another offset the same moment; things
        // that are kept apart are not their bytes at all.
        let mut unsure = soft & (heads | payloads | self.extra_low());
        while unsure != 0 {
            let slot = unsure.trailing_zeros() as usize;
            unsure &= unsure - 1;
            let same = u64::from(self.slot_eq(slot, other, slot));
            differing = differing & !(1 << slot) | (same ^ 1) << slot;
        }
        let all = if length < 64 { (1 << length) - 1 } else { u64::MAX };
        let alike = texts & !heads & all;
        differing | self.differing_texts(other, alike, (self.low.text | other.low.text) & !alike)
    }

    /// The slots that are kept apart, where there are any: all soft ones, for simplicity.
    #[inline]
    fn extra_low(&self) -> u64 {
        if self.extras.is_some() { self.low.soft } else { 0 }
    }

    /// Which of these slots, all with texts of equal lengths on both sides, differ. `breaks` are the other slots in
    /// which one of the records has a text: what lies between them is one run of the buffer in both.
    #[inline]
    fn differing_texts(&self, other: &Record, alike: u64, breaks: u64) -> u64 {
        let (mut differing, mut rest) = (0, alike);
        while rest != 0 {
            let first = rest.trailing_zeros();
            let ahead = breaks & (u64::MAX << first);
            let run = if ahead == 0 { rest } else { rest & ((1 << ahead.trailing_zeros()) - 1) };
            rest &= !run;
            let last = 63 - run.leading_zeros();
            if self.text_run(first, last) != other.text_run(first, last) {
                differing |= self.differing_in_run(other, run);
            }
        }
        differing
    }

    fn differing_in_run(&self, other: &Record, mut run: u64) -> u64 {
        let mut differing = 0;
        while run != 0 {
            let slot = run.trailing_zeros() as usize;
            run &= run - 1;
            differing |= u64::from(!self.slot_eq(slot, other, slot)) << slot;
        }
        differing
    }

    /// The bytes from the text of one slot to that of another one, both included.
    #[inline]
    fn text_run(&self, first: u32, last: u32) -> &[u8] {
        let cell = |slot: u32| self.cells.get(slot as usize).copied().unwrap_or_default();
        let (first, last) = (cell(first), cell(last));
        let end = last.payload as usize + last.word() as usize;
        self.text.as_bytes().get(first.payload as usize..end).unwrap_or_default()
    }

    /// Whether two slots mean the same in a form that both share. Absent and unreadable equal only themselves.
    #[inline]
    pub(crate) fn same_slot(
        &self,
        slot: usize,
        other: &Record,
        other_slot: usize,
        form: &CanonicalForm,
    ) -> bool {
        let (Some(a), Some(b)) = (self.cells.get(slot), other.cells.get(other_slot)) else {
            return self.slot_eq(slot, other, other_slot);
        };
        if a.kind() == TEXT && b.kind() == TEXT {
            let (a, b) = (self.text_bytes(*a), other.text_bytes(*b));
            return a == b
                || !form.is_exact()
                    && form
                        .quick()
                        .same_text(a, b)
                        .unwrap_or_else(|| self.same_form(slot, other, other_slot, form));
        }
        self.cell_eq(*a, other, *b) || !form.is_exact() && self.same_apart(slot, other, other_slot, form)
    }

    /// The same of two slots that differ as written.
    pub(crate) fn same_apart(
        &self,
        slot: usize,
        other: &Record,
        other_slot: usize,
        form: &CanonicalForm,
    ) -> bool {
        let (Some(a), Some(b)) = (self.cells.get(slot), other.cells.get(other_slot)) else { return false };
        let quickly = match (a.kind(), b.kind()) {
            (TEXT, TEXT) => form.quick().same_text(self.text_bytes(*a), other.text_bytes(*b)),
            (DECIMAL, DECIMAL) => form.quick().same_decimal(a.byte(), b.byte()),
            (INT, INT) => form.quick().same_number(),
            _ => None,
        };
        quickly.unwrap_or_else(|| self.same_form(slot, other, other_slot, form))
    }

    /// The same, by making both forms where nothing else decides.
    #[cold]
    fn same_form(&self, slot: usize, other: &Record, other_slot: usize, form: &CanonicalForm) -> bool {
        match (self.get(slot), other.get(other_slot)) {
            (Presence::Value(a), Presence::Value(b)) => form.same_apart(a, b),
            _ => false,
        }
    }

    #[inline]
    fn cell_eq(&self, a: Cell, other: &Record, b: Cell) -> bool {
        if a.kind() == TEXT {
            return a.head == b.head && self.text_bytes(a) == other.text_bytes(b);
        }
        if a == b && a.kind() != EXTRA {
            return true;
        }
        if a.head == b.head && a.kind() == DECIMAL {
            // One scale, two mantissas.
            return false;
        }
        // Only these kinds can be equal in different bytes.
        match (a.kind(), b.kind()) {
            (DECIMAL | EXTRA, DECIMAL | EXTRA) | (FLOAT, FLOAT) | (INSTANT, INSTANT) => {
                self.presence(a) == other.presence(b)
            }
            _ => false,
        }
    }
}
