//! Two-way diff: in which slots two records of one side do not mean the same. Knows no rules. The door is [`diff`].

use crate::model::{Bits, Record, SideForms};

/// The slots in which two records of a side differ in canonical form.
///
/// A canonical form is looked at only where the values as written differ, or where a field that the form depends on
/// does. Allocates for shapes of more than 64 slots, and where a form cannot be compared in place.
#[inline]
pub fn diff(forms: &SideForms, a: &Record, b: &Record) -> Bits {
    if forms.shape().len() <= 64 {
        return Bits::of_word(forms.differing_low(a, b));
    }
    if a.same_bytes(b) {
        return Bits::new();
    }
    (0..forms.shape().len()).filter(|slot| !forms.same_slot(*slot, a, b)).collect()
}
