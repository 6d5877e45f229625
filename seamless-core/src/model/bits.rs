//! A set of small indexes (slots, groups of rules): one word up to 64, more beyond.

/// A set of indexes. Holding none or indexes below 64 costs no allocation.
#[derive(Clone, Debug, Default)]
pub struct Bits {
    low: u64,
    high: Vec<u64>,
}

impl PartialEq for Bits {
    fn eq(&self, other: &Self) -> bool {
        let trimmed = |bits: &Self| bits.high.iter().rposition(|word| *word != 0).map_or(0, |last| last + 1);
        self.low == other.low
            && self.high.iter().take(trimmed(self)).eq(other.high.iter().take(trimmed(other)))
    }
}

impl Eq for Bits {}

impl Bits {
    /// The set of nothing.
    pub const fn new() -> Self {
        Self { low: 0, high: Vec::new() }
    }

    /// The set whose members below 64 are the bits of a word.
    pub const fn of_word(word: u64) -> Self {
        Self { low: word, high: Vec::new() }
    }

    /// The members below 64, as the bits of a word.
    pub const fn low_word(&self) -> u64 {
        self.low
    }

    /// Puts an index in.
    pub fn insert(&mut self, index: usize) {
        if let Some(word) = self.word_mut(index) {
            *word |= 1 << (index % 64);
        }
    }

    /// Takes an index out.
    pub fn remove(&mut self, index: usize) {
        if index < 64 {
            self.low &= !(1 << index);
        } else if let Some(word) = self.high.get_mut(index / 64 - 1) {
            *word &= !(1 << (index % 64));
        }
    }

    /// Whether the index is in.
    pub fn contains(&self, index: usize) -> bool {
        let word = if index < 64 { self.low } else { self.high.get(index / 64 - 1).copied().unwrap_or(0) };
        word >> (index % 64) & 1 == 1
    }

    /// Whether nothing is in.
    pub fn is_empty(&self) -> bool {
        self.low == 0 && self.high.iter().all(|word| *word == 0)
    }

    /// How many are in.
    pub fn len(&self) -> usize {
        (self.low.count_ones() + self.high.iter().map(|word| word.count_ones()).sum::<u32>()) as usize
    }

    /// Puts in all of another set.
    pub fn extend(&mut self, other: &Bits) {
        self.low |= other.low;
        if self.high.len() < other.high.len() {
            self.high.resize(other.high.len(), 0);
        }
        for (word, more) in self.high.iter_mut().zip(&other.high) {
            *word |= more;
        }
    }

    /// The members, in order.
    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        let words = std::iter::once(self.low).chain(self.high.iter().copied());
        words.enumerate().flat_map(|(place, mut word)| {
            std::iter::from_fn(move || {
                let bit = word.trailing_zeros() as usize;
                if bit == 64 {
                    return None;
                }
                word &= word - 1;
                Some(place * 64 + bit)
            })
        })
    }

    fn word_mut(&mut self, index: usize) -> Option<&mut u64> {
        if index < 64 {
            return Some(&mut self.low);
        }
        let place = index / 64 - 1;
        if self.high.len() <= place {
            self.high.resize(place + 1, 0);
        }
        self.high.get_mut(place)
    }
}

impl FromIterator<usize> for Bits {
    fn from_iter<I: IntoIterator<Item = usize>>(indexes: I) -> Self {
        let mut bits = Self::new();
        for index in indexes {
            bits.insert(index);
        }
        bits
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::Bits;

    proptest! {
        // Catches: a wrong word for an index past 64, trailing empty words that make equal sets differ.
        #[test]
        fn bits_behave_as_a_set(ops in proptest::collection::vec((any::<bool>(), 0usize..200), 0..60)) {
            let (mut bits, mut model) = (Bits::new(), BTreeSet::new());
            for (insert, index) in ops {
                if insert { bits.insert(index); model.insert(index); } else { bits.remove(index); model.remove(&index); }
            }
            prop_assert_eq!(bits.iter().collect::<Vec<_>>(), model.iter().copied().collect::<Vec<_>>());
            prop_assert_eq!(bits.len(), model.len());
            prop_assert_eq!(bits.is_empty(), model.is_empty());
            prop_assert_eq!(&model.iter().copied().collect::<Bits>(), &bits);
        }
    }
}
