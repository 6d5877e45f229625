//! A call as a sentence: `PATCH tickets/{id}?notify=false`. Pure. The door is [`Call::parse`].

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;

/// What stands for the id of the record.
const ID: &str = "{id}";
/// What is encoded in a segment of a path and in a value of a query: all but what RFC 3986 calls unreserved.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A method and a path below the root of the system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) method: Method,
    path: String,
    query: Option<String>,
}

impl Call {
    /// Reads a sentence.
    ///
    /// Errors: what is wrong with it, and what to write.
    pub(crate) fn parse(sentence: &str) -> Result<Self, String> {
        let (method, path) = sentence.trim().split_once(' ').unwrap_or((sentence, ""));
        let method = match method {
            "GET" => Method::GET,
            "POST" => Method::POST,
            "PUT" => Method::PUT,
            "PATCH" => Method::PATCH,
            "DELETE" => Method::DELETE,
            other => {
                return Err(format!(
                    "{other:?} is no method; write GET, POST, PUT, PATCH or DELETE, then a path"
                ));
            }
        };
        let path = path.trim();
        let (path, query) = match path.split_once('?') {
            Some((path, query)) => (path, Some(query.to_owned())),
            None => (path, None),
        };
        if path.is_empty() {
            return Err(format!("where? write `{method} tickets`"));
        }
        let elsewhere =
            path.starts_with('/') || path.contains("//") || path.contains("..") || path.contains(':');
        if elsewhere || path.contains([' ', '#', '\\']) {
            return Err(
                "a path goes on below the root of the system: no slash at its beginning, no host, no `..`, \
                        blanks as %20"
                    .to_owned(),
            );
        }
        if path.replace(ID, "").contains(['{', '}'])
            || query.as_deref().is_some_and(|query| query.contains('{'))
        {
            return Err(format!("only {ID} can stand for something, and only in the path"));
        }
        Ok(Self { method, path: path.to_owned(), query })
    }

    /// Whether it concerns one record.
    pub(crate) fn names_record(&self) -> bool {
        self.path.contains(ID)
    }

    /// The path of a call on a record, or on none, with these parameters.
    pub(crate) fn path(&self, id: Option<&str>, parameters: &[(&str, &str)]) -> String {
        let mut path = match id {
            Some(id) => self.path.replace(ID, &encoded(id)),
            None => self.path.clone(),
        };
        let mut divider = '?';
        let mut add = |part: &str| {
            path.push(std::mem::replace(&mut divider, '&'));
            path.push_str(part);
        };
        if let Some(query) = &self.query {
            add(query);
        }
        for (name, value) in parameters {
            add(&format!("{}={}", encoded(name), encoded(value)));
        }
        path
    }
}

/// A text as a segment of a path or a value of a query. A segment of dots alone would be a step through the folders.
fn encoded(text: &str) -> String {
    match text {
        "." => "%2E".to_owned(),
        ".." => "%2E%2E".to_owned(),
        text => utf8_percent_encode(text, RESERVED).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert, prop_assert_eq, proptest};
    use url::Url;

    use super::Call;

    #[test]
    fn a_sentence_is_a_method_and_a_path_below_the_root() {
        let call = Call::parse("PATCH tickets/{id}?notify=false").unwrap();
        assert_eq!(call.path(Some("a/b ?"), &[]), "tickets/a%2Fb%20%3F?notify=false");
        assert_eq!(call.path(Some("7"), &[("since", "1+2")]), "tickets/7?notify=false&since=1%2B2");
        assert!(call.names_record());
        assert_eq!(Call::parse("GET tickets").unwrap().path(None, &[("limit", "5")]), "tickets?limit=5");
    }

    #[test]
    fn what_leads_elsewhere_is_refused_with_what_to_write() {
        for bad in [
            "tickets",
            "get tickets",
            "GET",
            "GET /tickets",
            "GET https://evil.example/x",
            "GET ../x",
            "GET a//b",
            "GET t/{key}",
            "GET t?x={id}",
            "GET a b",
        ] {
            assert!(!Call::parse(bad).unwrap_err().is_empty(), "{bad}");
        }
    }

    proptest! {
        // Catches: an id that is a step through the folders, ends the path, or names another host.
        #[test]
        fn no_id_leads_out_of_its_segment(id in ".{1,20}") {
            let call = Call::parse("GET tickets/{id}").unwrap();
            let base = Url::parse("https://desk.example/api/").unwrap();
            let url = base.join(&call.path(Some(&id), &[])).unwrap();
            prop_assert_eq!(url.host_str(), Some("desk.example"));
            prop_assert!(url.path().starts_with("/api/tickets/"), "{}", url);
            prop_assert_eq!(url.path().matches('/').count(), 3);
            prop_assert!(url.query().is_none() && url.fragment().is_none());
        }
    }
}
