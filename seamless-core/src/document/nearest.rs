//! "Did you mean": the known name that an unknown one was probably meant to be.
//!
//! Knows nothing of documents. The door is [`nearest`].

/// Names longer than this are not compared: the comparison costs the product of both lengths.
const NAME_CHARACTERS_MAX: usize = 100;

/// The candidate that `name` most probably misspells; none when nothing is near.
///
/// Letter case and the choice between blank, `-` and `_` do not count. Otherwise one edit is granted
/// for every three characters: inserting, dropping, replacing, or swapping two neighbours. Of equally
/// near candidates the first wins.
///
/// Source: the optimal string alignment distance; cost is the product of the lengths for each
/// candidate of similar length.
pub fn nearest<'c>(name: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let wanted = folded(name)?;
    let edits_max = (wanted.len() / 3).max(1);
    let mut best: Option<(usize, &'c str)> = None;
    for candidate in candidates {
        let Some(known) = folded(candidate) else { continue };
        if candidate == name || known.is_empty() || known.len().abs_diff(wanted.len()) > edits_max {
            continue;
        }
        let edits = distance(&wanted, &known);
        // A name that shares no character with the candidate is not a misspelling of it.
        let near = edits <= edits_max && edits < known.len().max(wanted.len());
        if near && best.is_none_or(|(fewest, _)| edits < fewest) {
            best = Some((edits, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// ``did you mean `name`?`` for the nearest candidate.
pub fn did_you_mean<'c>(name: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<String> {
    nearest(name, candidates).map(|candidate| format!("did you mean `{candidate}`?"))
}

fn folded(name: &str) -> Option<Vec<char>> {
    let fold = |character| if matches!(character, '-' | ' ') { '_' } else { character };
    let characters: Vec<char> =
        name.chars().take(NAME_CHARACTERS_MAX + 1).flat_map(char::to_lowercase).map(fold).collect();
    (characters.len() <= NAME_CHARACTERS_MAX).then_some(characters)
}

/// Edits between two names, where swapping neighbours counts one and no part is edited twice.
fn distance(left: &[char], right: &[char]) -> usize {
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=right.len()).collect();
    let mut previous_left = None;
    for (row, &from) in left.iter().enumerate() {
        let mut current = Vec::with_capacity(right.len() + 1);
        let mut beside = row + 1;
        current.push(beside);
        let mut previous_right = None;
        for (column, &to) in right.iter().enumerate() {
            let cell = |line: &[usize], at: usize| line.get(at).copied().unwrap_or(usize::MAX - 1);
            let replaced = cell(&last, column) + usize::from(from != to);
            let mut edits = replaced.min(cell(&last, column + 1) + 1).min(beside + 1);
            if previous_right == Some(from) && previous_left == Some(to) && column > 0 {
                edits = edits.min(cell(&before_last, column - 1) + 1);
            }
            current.push(edits);
            beside = edits;
            previous_right = Some(to);
        }
        before_last = std::mem::replace(&mut last, current);
        previous_left = Some(from);
    }
    last.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{did_you_mean, distance, nearest};

    /// The definition, written out: slow and obviously right.
    fn by_definition(left: &[char], right: &[char]) -> usize {
        match (left, right) {
            ([], rest) | (rest, []) => rest.len(),
            ([left_rest @ .., from], [right_rest @ .., to]) => {
                let mut edits = (by_definition(left_rest, right_rest) + usize::from(from != to))
                    .min(by_definition(left_rest, right) + 1)
                    .min(by_definition(left, right_rest) + 1);
                if let ([.., a, b], [.., c, d]) = (left, right)
                    && a == d
                    && b == c
                {
                    let swapped = by_definition(&left[..left.len() - 2], &right[..right.len() - 2]) + 1;
                    edits = edits.min(swapped);
                }
                edits
            }
        }
    }

    #[test]
    fn finds_slips_and_ignores_case_and_separators() {
        let known = ["name", "page_size", "retries", "credit limit (lcy)"];
        assert_eq!(nearest("nmae", known), Some("name"));
        assert_eq!(nearest("Page-Size", known), Some("page_size"));
        assert_eq!(nearest("retry", known), None);
        assert_eq!(nearest("retris", known), Some("retries"));
        assert_eq!(nearest("Credit Limit LCY", known), Some("credit limit (lcy)"));
        assert_eq!(nearest("x", known), None);
        assert_eq!(nearest("a", ["b"]), None, "one letter is not a misspelling of another");
        assert_eq!(nearest(&"n".repeat(10_000), known), None);
        assert_eq!(did_you_mean("nam", known).as_deref(), Some("did you mean `name`?"));
    }

    proptest! {
        #[test]
        fn distance_is_the_one_of_the_definition(left in "[abc]{0,6}", right in "[abc]{0,6}") {
            let left: Vec<char> = left.chars().collect();
            let right: Vec<char> = right.chars().collect();
            prop_assert_eq!(distance(&left, &right), by_definition(&left, &right));
        }
    }
}
