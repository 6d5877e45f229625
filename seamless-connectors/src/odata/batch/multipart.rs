//! Batches as parts of a message (RFC 2046), each an HTTP request or answer in text. Each write is a part of its own, outside
//! of a change set. Answers are in the order of the operations.

use seamless_core::model::{Error, Result};

use super::{Part, Reply};
use crate::http::Answer;

/// Headers of a part or an answer at most.
const HEADERS_MAX: usize = 64;
/// Messages inside messages at most: an answer to a change set is one.
const DEPTH_MAX: usize = 3;

/// The type of the message and the message.
///
/// Addresses are relative to that of the batch: the one form of the three that the standard has which every service seen so
/// far takes.
pub(super) fn body(parts: &[Part]) -> (String, String) {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(part.url.as_bytes());
        hasher.update(part.body.as_deref().unwrap_or_default().as_bytes());
    }
    // It is made of what it divides, so that nobody can put it into a value.
    let boundary = format!("batch_{}", hasher.finalize().to_hex());
    let mut body = String::new();
    for (number, part) in parts.iter().enumerate() {
        body.push_str(&format!(
            "--{boundary}\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\
             Content-ID: {number}\r\n\r\n{} {} HTTP/1.1\r\n",
            part.method, part.url
        ));
        for (name, value) in &part.headers {
            body.push_str(&format!("{name}: {}\r\n", one_line(value)));
        }
        if let Some(inner) = &part.body {
            body.push_str(&format!("content-length: {}\r\n\r\n{inner}", inner.len()));
        } else {
            body.push_str("\r\n");
        }
        body.push_str("\r\n");
    }
    body.push_str(&format!("--{boundary}--\r\n"));
    (format!("multipart/mixed; boundary={boundary}"), body)
}

fn one_line(value: &str) -> String {
    value.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// The answers in the order of the operations; `None` for those behind the last answer.
///
/// Errors: the body is no such message, is cut off, or has more answers than operations.
pub(super) fn replies(answer: &Answer, count: usize) -> Result<Vec<Option<Reply>>> {
    let kind = answer.header("content-type").unwrap_or_default();
    let mut found = Vec::new();
    read(kind, &answer.body, &mut found, DEPTH_MAX)?;
    if found.len() > count {
        return Err(wrong("it has more answers than there were operations"));
    }
    found.resize_with(count, || None);
    Ok(found)
}

fn wrong(what: &str) -> Error {
    Error::data(format!("the answer to a batch cannot be read: {what}"))
}

fn read(kind: &str, body: &[u8], found: &mut Vec<Option<Reply>>, depth: usize) -> Result<()> {
    let boundary = boundary(kind).ok_or_else(|| wrong("it is no message of parts"))?;
    if depth == 0 {
        return Err(wrong("messages are nested too deep"));
    }
    for part in parts(body, &boundary)? {
        let (headers, content) = head(part)?;
        let kind = headers.iter().find(|(name, _)| name == "content-type").map(|(_, value)| value.as_str());
        match kind.unwrap_or_default() {
            kind if kind.to_ascii_lowercase().starts_with("multipart/mixed") => {
                read(kind, content, found, depth - 1)?;
            }
            _ => found.push(Some(reply(content)?)),
        }
    }
    Ok(())
}

fn boundary(kind: &str) -> Option<String> {
    if !kind.to_ascii_lowercase().starts_with("multipart/mixed") {
        return None;
    }
    let said = kind.split(';').find_map(|part| {
        let (name, value) = part.trim().split_once('=')?;
        name.eq_ignore_ascii_case("boundary").then_some(value.trim_matches('"'))
    })?;
    (!said.is_empty()).then(|| said.to_owned())
}

/// What stands between the boundaries.
fn parts<'a>(body: &'a [u8], boundary: &str) -> Result<Vec<&'a [u8]>> {
    let mark = format!("--{boundary}");
    let mut found = Vec::new();
    let mut from: Option<usize> = None;
    let mut at = 0;
    while at <= body.len() {
        let rest = body.get(at..).unwrap_or_default();
        let end = rest.iter().position(|byte| *byte == b'\n').map_or(body.len(), |end| at + end + 1);
        let line = body.get(at..end).unwrap_or_default();
        if let Some(tail) = line.strip_prefix(mark.as_bytes()) {
            let tail = tail.trim_ascii_end();
            if tail.is_empty() || tail == b"--" {
                if let Some(from) = from {
                    found.push(without_line_end(body.get(from..at).unwrap_or_default()));
                }
                if tail == b"--" {
                    return Ok(found);
                }
                from = Some(end);
            }
        }
        if end >= body.len() {
            break;
        }
        at = end;
    }
    Err(wrong("it is cut off"))
}

fn without_line_end(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    bytes.strip_suffix(b"\r").unwrap_or(bytes)
}

type Headers = Vec<(String, String)>;

/// The headers of a part, and what follows them.
fn head(part: &[u8]) -> Result<(Headers, &[u8])> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    match httparse::parse_headers(part, &mut headers) {
        Ok(httparse::Status::Complete((end, headers))) => {
            Ok((owned(headers), part.get(end..).unwrap_or_default()))
        }
        _ => Err(wrong("a part has no headers")),
    }
}

fn owned(headers: &[httparse::Header<'_>]) -> Headers {
    let one = |header: &httparse::Header<'_>| {
        (header.name.to_ascii_lowercase(), String::from_utf8_lossy(header.value).into_owned())
    };
    headers.iter().map(one).collect()
}

/// An answer in text.
fn reply(content: &[u8]) -> Result<Reply> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut response = httparse::Response::new(&mut headers);
    // An answer without headers and body may come without the empty line that ends it.
    let mut whole = content.to_vec();
    if !content.windows(2).any(|pair| pair == b"\n\n") && !content.windows(4).any(|four| four == b"\r\n\r\n")
    {
        whole.extend_from_slice(b"\r\n\r\n");
    }
    match response.parse(&whole) {
        Ok(httparse::Status::Complete(end)) => {
            let headers = owned(response.headers);
            let rest = whole.get(end..).unwrap_or_default();
            let length = headers.iter().find(|(name, _)| name == "content-length");
            let length = length.and_then(|(_, value)| value.trim().parse::<usize>().ok());
            let body = match length {
                Some(length) if length > rest.len() => return Err(wrong("an answer is cut off")),
                Some(length) => rest.get(..length).unwrap_or_default(),
                None => rest.trim_ascii_end(),
            };
            Ok(Reply { status: response.code.unwrap_or_default(), headers, body: body.to_vec() })
        }
        _ => Err(wrong("a part is no answer")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};
    use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};

    use super::{body, replies};
    use crate::http::Answer;
    use crate::odata::batch::Part;

    fn answer(kind: &str, text: &[u8]) -> Answer {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_str(kind).unwrap());
        let url = url::Url::parse("https://a.example/$batch").unwrap();
        Answer { status: 200, headers, body: text.to_vec(), url }
    }

    const TWO: &str = "ignored\r\n--b\r\nContent-Type: application/http\r\nContent-ID: 0\r\n\r\nHTTP/1.1 200 OK\r\nETag: W/\"1\"\r\n\
        Content-Length: 12\r\n\r\n{\"n\":\"--b\"}\n\r\n--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n\
        Content-Type: application/http\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n\r\n--c--\r\n--b--\r\n";

    #[test]
    fn answers_are_read_in_their_order_also_inside_a_change_set() {
        let found = replies(&answer("multipart/mixed;boundary=\"b\"", TWO.as_bytes()), 3).unwrap();
        let first = found[0].as_ref().unwrap();
        assert_eq!((first.status, first.header("etag")), (200, Some("W/\"1\"")));
        assert_eq!(first.body, b"{\"n\":\"--b\"}\n");
        assert_eq!(found[1].as_ref().unwrap().status, 204);
        assert!(found[2].is_none());
    }

    // Catches: an answer that was cut off and is taken for one that stopped at an error.
    #[test]
    fn a_message_that_is_cut_off_anywhere_is_an_error() {
        for end in 0..TWO.len() - 5 {
            assert!(
                replies(&answer("multipart/mixed; boundary=b", &TWO.as_bytes()[..end]), 3).is_err(),
                "{end}"
            );
        }
        assert!(replies(&answer("multipart/mixed; boundary=b", TWO.as_bytes()), 1).is_err());
        assert!(replies(&answer("application/json", TWO.as_bytes()), 3).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in any::<Vec<u8>>()) {
            let _ = replies(&answer("multipart/mixed; boundary=b", &bytes), 2);
            let framed = [b"--b\r\n".as_slice(), &bytes, b"\r\n--b--\r\n"].concat();
            let _ = replies(&answer("multipart/mixed; boundary=b", &framed), 2);
        }
    }

    #[test]
    fn no_value_can_end_its_part() {
        let part = Part {
            method: reqwest::Method::POST,
            url: "A".to_owned(),
            headers: vec![("if-match", "a\r\nx-evil: 1".to_owned())],
            body: Some("{\"a\":\"--batch_\"}".to_owned()),
        };
        let (kind, text) = body(&[part]);
        let boundary = kind.split_once("boundary=").unwrap().1;
        assert_eq!(text.matches(boundary).count(), 2);
        assert!(text.contains("POST A HTTP/1.1\r\n") && !text.contains("\r\nx-evil"));
    }
}
