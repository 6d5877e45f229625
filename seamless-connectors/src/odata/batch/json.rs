//! Batches as JSON. Bodies are put in and taken out as they are, so that no number in them is touched.

use seamless_core::model::{Error, Result};

use super::{Part, Reply};
use crate::odata::json::{Members, elements, quoted, text, utf8};

/// A batch of these operations, numbered.
pub(super) fn body(parts: &[Part]) -> String {
    let mut body = String::from("{\"requests\":[");
    for (number, part) in parts.iter().enumerate() {
        if number > 0 {
            body.push(',');
        }
        let method = part.method.as_str();
        body.push_str(&format!(
            "{{\"id\":\"{number}\",\"method\":\"{method}\",\"url\":{}",
            quoted(&part.url)
        ));
        body.push_str(",\"headers\":{");
        for (place, (name, value)) in part.headers.iter().enumerate() {
            if place > 0 {
                body.push(',');
            }
            body.push_str(&format!("{}:{}", quoted(name), quoted(value)));
        }
        body.push('}');
        if let Some(inner) = &part.body {
            body.push_str(",\"body\":");
            body.push_str(inner);
        }
        body.push('}');
    }
    body.push_str("]}");
    body
}

/// The answers by the numbers of their operations; `None` for one that has none.
///
/// Errors: the body is no batch, or answers an operation twice or one that was not sent.
pub(super) fn replies(body: &[u8], count: usize) -> Result<Vec<Option<Reply>>> {
    let wrong = |what: &str| Error::data(format!("the answer to a batch cannot be read: {what}"));
    let members = Members::read(utf8(body)?)?;
    let responses =
        members.get("responses").and_then(elements).ok_or_else(|| wrong("it has no responses"))?;
    let mut replies: Vec<Option<Reply>> = vec![None; count];
    for response in responses {
        let response = Members::read(response.get())?;
        let id = response.get("id").and_then(|id| text(id).or_else(|| Some(id.get().to_owned())));
        let number = id.and_then(|id| id.parse::<usize>().ok());
        let slot = number.and_then(|number| replies.get_mut(number));
        let slot = slot.ok_or_else(|| wrong("it answers an operation that was not sent"))?;
        let status = response.get("status").and_then(|status| status.get().parse().ok());
        let mut headers = Vec::new();
        if let Some(held) = response.get("headers").and_then(|held| Members::read(held.get()).ok()) {
            let lower = |(name, value): (&str, _)| Some((name.to_ascii_lowercase(), text(value)?));
            headers.extend(held.iter().filter_map(lower));
        }
        let body = response.get("body").map(|body| body.get().as_bytes().to_vec()).unwrap_or_default();
        let reply = Reply { status: status.ok_or_else(|| wrong("it has no status"))?, headers, body };
        if slot.replace(reply).is_some() {
            return Err(wrong("it answers an operation twice"));
        }
    }
    Ok(replies)
}

#[cfg(test)]
mod tests {
    use reqwest::Method;

    use super::{body, replies};
    use crate::odata::batch::Part;

    #[test]
    fn a_batch_is_json_and_its_bodies_are_untouched() {
        let part = |url: &str, inner: Option<&str>| Part {
            method: Method::PATCH,
            url: url.to_owned(),
            headers: vec![("if-match", "W/\"a\"".to_owned())],
            body: inner.map(str::to_owned),
        };
        let text = body(&[part("A('x''\"')", Some("{\"n\":1.10}")), part("B", None)]);
        let read: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(read["requests"][0]["headers"]["if-match"], "W/\"a\"");
        assert_eq!(read["requests"][0]["url"], "A('x''\"')");
        assert!(text.contains("{\"n\":1.10}") && read["requests"][1].get("body").is_none());
    }

    #[test]
    fn answers_come_by_their_numbers_and_none_is_invented() {
        let text = br#"{"responses":[{"id":"1","status":412,"headers":{"ETag":"x"},"body":{"n":1.10}},{"id":0,"status":204}]}"#;
        let found = replies(text, 3).unwrap();
        assert_eq!(found[1].as_ref().unwrap().header("etag"), Some("x"));
        assert_eq!(found[1].as_ref().unwrap().body, br#"{"n":1.10}"#);
        assert!(found[0].as_ref().unwrap().status == 204 && found[2].is_none());
        for bad in [
            &br#"{"responses":[{"id":"3","status":200}]}"#[..],
            br#"{"responses":[{"id":"0","status":200},{"id":"0","status":200}]}"#,
            br#"{"responses":[{"id":"0"}]}"#,
            br#"{"responses":{}}"#,
            b"[]",
            b"{",
            b"",
        ] {
            assert!(replies(bad, 3).is_err());
        }
    }
}
