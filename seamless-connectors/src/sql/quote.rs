//! Identifiers in SQL text. Values never stand in SQL text; they are bound.

/// An identifier, quoted: whatever is in it, it stays one identifier.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// `?, ?, ?`
#[cfg_attr(not(feature = "sqlite"), allow(dead_code))]
pub(crate) fn marks(count: usize) -> String {
    vec!["?"; count].join(", ")
}

#[cfg(test)]
mod tests {
    use super::{marks, quoted};

    #[test]
    fn a_quote_in_a_name_does_not_end_it() {
        assert_eq!(quoted("a\"; DROP TABLE x; --"), "\"a\"\"; DROP TABLE x; --\"");
        assert_eq!(marks(2), "?, ?");
    }
}
