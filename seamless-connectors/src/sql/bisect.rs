//! A batch that fails as a whole is cut in halves until what fails is one operation. Knows no database. The door is
//! [`Parts`].
//!
//! Cost: a batch of n operations of which f fail takes at most about 2 f log2 n attempts beside the first.

use std::ops::Range;

/// The parts of a batch that are still to be tried, in the operations' order.
#[derive(Debug)]
pub(crate) struct Parts {
    /// The next part is the last one.
    rest: Vec<Range<usize>>,
}

impl Parts {
    /// A batch of so many operations, to be tried as one.
    pub(crate) fn of(count: usize) -> Self {
        Self { rest: (count > 0).then_some(0..count).into_iter().collect() }
    }

    /// The next part to be tried.
    pub(crate) fn next(&mut self) -> Option<Range<usize>> {
        self.rest.pop()
    }

    /// Takes back a part that failed, as two. `false`: it is one operation, which failed by itself.
    pub(crate) fn cut(&mut self, part: Range<usize>) -> bool {
        let middle = part.start + part.len() / 2;
        if part.len() < 2 {
            return false;
        }
        self.rest.push(middle..part.end);
        self.rest.push(part.start..middle);
        true
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

    use super::Parts;

    proptest! {
        // Catches: a half that is lost or tried twice, and an order that changes hands of unique values.
        #[test]
        fn exactly_what_fails_by_itself_is_left_out_and_the_order_stays(
            count in 0usize..300, bad in proptest::collection::btree_set(any::<usize>(), 0..6),
        ) {
            let bad: BTreeSet<usize> = bad.into_iter().map(|place| place % count.max(1)).filter(|place| *place < count).collect();
            let (mut parts, mut done, mut failed, mut attempts) = (Parts::of(count), Vec::new(), Vec::new(), 0);
            while let Some(part) = parts.next() {
                attempts += 1;
                if part.clone().any(|place| bad.contains(&place)) {
                    if !parts.cut(part.clone()) {
                        failed.extend(part);
                    }
                } else {
                    done.extend(part);
                }
            }
            prop_assert_eq!(failed, bad.iter().copied().collect::<Vec<_>>());
            prop_assert_eq!(&done, &(0..count).filter(|place| !bad.contains(place)).collect::<Vec<_>>());
            prop_assert!(attempts <= 1 + bad.len() * 2 * 10);
        }
    }
}
