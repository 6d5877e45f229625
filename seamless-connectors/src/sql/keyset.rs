//! Paging by key: a page begins behind the last key that was seen, so that rows that come and go meanwhile shift nothing.
//! Knows no dialect; names and marks come as SQL.

/// The condition that a row comes behind a place: `(a, b) > (?, ?)`. Empty lists give a condition that always holds.
pub(crate) fn behind<N: AsRef<str>, M: AsRef<str>>(names: &[N], marks: &[M]) -> String {
    match (names, marks) {
        ([], _) | (_, []) => "1 = 1".to_owned(),
        ([name], [mark]) => format!("{} > {}", name.as_ref(), mark.as_ref()),
        _ => format!("({}) > ({})", listed(names), listed(marks)),
    }
}

/// `a, b`
pub(crate) fn listed<T: AsRef<str>>(parts: &[T]) -> String {
    parts.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::behind;

    #[test]
    fn a_place_is_compared_as_a_whole() {
        assert_eq!(behind(&["a"], &["$1"]), "a > $1");
        assert_eq!(behind(&["a", "b"], &["?", "?"]), "(a, b) > (?, ?)");
        assert_eq!(behind::<&str, &str>(&[], &[]), "1 = 1");
    }
}
