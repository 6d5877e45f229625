//! How a list goes on: what to ask for a page, and what an answer says of the next one. Pure. The doors are [`ask`] and
//! [`after`].

use super::cursor::Next;
use super::declaration::{Paging, Pointer, Resource};
use super::record::word;

/// Bytes of a word or address that leads to the next page, at most.
const NEXT_BYTES_MAX: usize = 64 * 1024;

/// What a page is asked for with.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Asked {
    /// Parameters of the list's own address.
    pub(super) parameters: Vec<(String, String)>,
    /// Asks for this address instead.
    pub(super) address: Option<String>,
    /// The header `Range`.
    pub(super) range: Option<String>,
}

/// What came of a page.
#[derive(Debug, Default)]
pub(super) struct Came<'a> {
    pub(super) body: &'a str,
    pub(super) records: usize,
    /// The id of the last record.
    pub(super) last: Option<String>,
    /// The header `Link`.
    pub(super) link: Option<&'a str>,
    /// The header `Content-Range`.
    pub(super) range: Option<&'a str>,
}

/// What to ask for a page of so many records at most.
pub(super) fn ask(resource: &Resource, next: &Next, records_max: usize) -> Asked {
    let mut asked = Asked::default();
    let size = resource.size.as_ref().map_or(records_max, |size| size.max.min(records_max)).max(1);
    if let Next::Address(address) = next {
        asked.address = Some(address.clone());
        return asked;
    }
    let mut send = |name: &str, value: String| asked.parameters.push((name.to_owned(), value));
    if let Some(name) = resource.size.as_ref().and_then(|size| size.send.as_ref()) {
        send(name, size.to_string());
    }
    match (&resource.paging, next) {
        (Paging::Page { send: name, first, .. }, Next::First) => send(name, first.to_string()),
        (Paging::Page { send: name, .. } | Paging::Offset { send: name, .. }, Next::Number(number)) => {
            send(name, number.to_string());
        }
        (Paging::Cursor { send: name, .. } | Paging::After { send: name, .. }, Next::Word(word)) => {
            send(name, word.clone());
        }
        (Paging::Range { unit }, next) => {
            let from = if let Next::Number(number) = next { *number } else { 0 };
            let to = from.saturating_add(size as u64 - 1);
            asked.range = Some(format!("{unit}={from}-{to}"));
        }
        _ => {}
    }
    asked
}

/// How the list goes on after a page; `None` where it came to its end. A page that is shorter than what was asked for proves
/// no end: systems give less than they are asked for. An empty one does.
///
/// Errors: words for what is wrong with the answer.
pub(super) fn after(resource: &Resource, this: &Next, came: &Came<'_>) -> Result<Option<Next>, String> {
    let counted =
        |before: u64| (came.records > 0).then(|| Next::Number(before.saturating_add(came.records as u64)));
    let goes_on = |more: &Option<Pointer>| match more.as_ref().map(|more| more.find(came.body)) {
        None => Ok(came.records > 0),
        Some(Some("true")) => Ok(true),
        Some(Some("false")) => Ok(false),
        Some(_) => Err("the answer does not say whether there is more"),
    };
    let number = |this: &Next, first: u64| if let Next::Number(number) = this { *number } else { first };
    Ok(match &resource.paging {
        Paging::None => None,
        Paging::Page { first, more, .. } => {
            goes_on(more)?.then(|| Next::Number(number(this, *first).saturating_add(1)))
        }
        Paging::Offset { more, .. } => match goes_on(more)? {
            true => counted(number(this, 0)),
            false => None,
        },
        Paging::Cursor { next, .. } => filled(next.find(came.body))?.map(Next::Word),
        Paging::After { more, .. } => match goes_on(more)? {
            true => came.last.clone().map(Next::Word),
            false => None,
        },
        Paging::Link => came.link.and_then(next_link).map(Next::Address),
        Paging::Next { next } => filled(next.find(came.body))?.map(Next::Address),
        Paging::Range { .. } => {
            let before = number(this, 0);
            match came.range.and_then(total) {
                Some(total) if before.saturating_add(came.records as u64) >= total => None,
                _ => counted(before),
            }
        }
    })
}

/// A word that leads on; nothing and an empty one are the end.
fn filled(held: Option<&str>) -> Result<Option<String>, &'static str> {
    match held {
        None | Some("null" | "\"\"" | "false") => Ok(None),
        Some(held) if held.len() > NEXT_BYTES_MAX => Err("what leads to the next page is too long"),
        Some(held) => word(held).map(Some).ok_or("what leads to the next page is no text"),
    }
}

/// The address with `rel="next"` in a header `Link` (RFC 8288).
fn next_link(header: &str) -> Option<String> {
    let mut rest = header;
    while let Some((_, begun)) = rest.split_once('<') {
        let (address, after) = begun.split_once('>')?;
        // Parameters go on to the comma before the next address; commas in quotes are part of them.
        let mut quoted = false;
        let end = after.char_indices().find_map(|(at, c)| {
            quoted ^= c == '"';
            (c == ',' && !quoted).then_some(at)
        });
        let (parameters, following) = after.split_at(end.unwrap_or(after.len()));
        let is_next =
            parameters.split(';').filter_map(|parameter| parameter.split_once('=')).any(|(name, value)| {
                name.trim().eq_ignore_ascii_case("rel")
                    && value
                        .trim()
                        .trim_matches('"')
                        .split_whitespace()
                        .any(|rel| rel.eq_ignore_ascii_case("next"))
            });
        if is_next {
            return (address.len() <= NEXT_BYTES_MAX).then(|| address.to_owned());
        }
        rest = following;
    }
    None
}

/// The number of all records in a header `Content-Range`: `items 0-99/250`.
fn total(header: &str) -> Option<u64> {
    header.rsplit_once('/')?.1.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::super::declaration::Api;
    use super::{Asked, Came, Next, after, ask, next_link};

    fn resource(page: &str) -> super::Resource {
        let text = format!(
            "connector: rest\nentities:\n  t:\n    key: id\n    list: GET t\n    fields: {{ id: int }}\n    page: {page}\n"
        );
        let api = Api::parse("t.yaml", &text).unwrap_or_else(|wrong| panic!("{wrong}"));
        api.resources.into_values().next().unwrap()
    }

    fn pairs(asked: &Asked) -> Vec<(&str, &str)> {
        asked.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }

    #[test]
    fn pages_and_offsets_count_until_a_page_is_empty_or_the_answer_says_so() {
        let paged = resource("{ by: page, send: p, first: 0, size: { send: n, max: 50 } }");
        assert_eq!(pairs(&ask(&paged, &Next::First, 500)), [("n", "50"), ("p", "0")]);
        let came = |records| Came { body: "[]", records, ..Came::default() };
        // A short page is no end: a system may give less than it is asked for.
        assert_eq!(after(&paged, &Next::First, &came(3)), Ok(Some(Next::Number(1))));
        assert_eq!(after(&paged, &Next::Number(1), &came(0)), Ok(None));
        let offset = resource("{ by: offset, send: skip, more: /more }");
        let says = |body| Came { body, records: 2, ..Came::default() };
        assert_eq!(after(&offset, &Next::Number(4), &says(r#"{"more":true}"#)), Ok(Some(Next::Number(6))));
        assert_eq!(after(&offset, &Next::Number(4), &says(r#"{"more":false}"#)), Ok(None));
        assert!(after(&offset, &Next::Number(4), &says("{}")).is_err());
    }

    #[test]
    fn words_and_addresses_come_from_the_answer() {
        let cursor = resource("{ by: cursor, send: c, next: /meta/next }");
        let says = |body| Came { body, records: 1, ..Came::default() };
        assert_eq!(
            after(&cursor, &Next::First, &says(r#"{"meta":{"next":"x=1"}}"#)),
            Ok(Some(Next::Word("x=1".into())))
        );
        for end in [r#"{"meta":{"next":null}}"#, r#"{"meta":{"next":""}}"#, r#"{"meta":{}}"#] {
            assert_eq!(after(&cursor, &Next::First, &says(end)), Ok(None), "{end}");
        }
        assert!(after(&cursor, &Next::First, &says(r#"{"meta":{"next":{}}}"#)).is_err());
        assert_eq!(pairs(&ask(&cursor, &Next::Word("a b".into()), 10)), [("c", "a b")]);
        let last = Came { body: "[]", records: 1, last: Some("9".into()), ..Came::default() };
        assert_eq!(
            after(&resource("{ by: after, send: a }"), &Next::First, &last),
            Ok(Some(Next::Word("9".into())))
        );
        let link = Came { link: Some("<https://a/x?page=2>; rel=\"next\""), ..Came::default() };
        let address = Next::Address("https://a/x?page=2".into());
        assert_eq!(after(&resource("link"), &Next::First, &link), Ok(Some(address.clone())));
        assert_eq!(ask(&resource("link"), &address, 10).address.as_deref(), Some("https://a/x?page=2"));
    }

    #[test]
    fn ranges_end_at_the_number_of_all() {
        let ranged = resource("{ by: range, size: { max: 100 } }");
        assert_eq!(ask(&ranged, &Next::Number(100), 1000).range.as_deref(), Some("items=100-199"));
        let came = |records, range| Came { records, range, ..Came::default() };
        assert_eq!(
            after(&ranged, &Next::First, &came(100, Some("items 0-99/150"))),
            Ok(Some(Next::Number(100)))
        );
        assert_eq!(after(&ranged, &Next::Number(100), &came(50, Some("items 100-149/150"))), Ok(None));
        assert_eq!(after(&ranged, &Next::Number(150), &came(0, None)), Ok(None));
    }

    #[test]
    fn the_link_that_is_called_next_is_found_among_others() {
        for (header, next) in [
            ("<a?x=1,2>; rel=prev, <b>; title=\"a, b; rel=next\"; rel=\"last next\"", Some("b")),
            ("<a>; rel=\"prev\"", None),
            ("<a", None),
            ("", None),
            ("<a>; REL=Next", Some("a")),
        ] {
            assert_eq!(next_link(header).as_deref(), next, "{header}");
        }
    }
}
