//! Several operations in one request (`$batch`), each with an outcome of its own. Knows no record. The door is [`send`].
//!
//! **No atomic groups.** The operations of a batch are independent here, and a group of them is not: what comes before a failure is
//! undone with it. A widely used server even answers 201 for what it has undone. So no group is ever formed, each operation has
//! its own answer, and the service is asked to go on after an error. One that stops there answers fewer operations than
//! were sent; nobody knows what became of the others, and that is what is said of them.
//!
//! **What is too large** for the service (413, or a body that it does not take) is sent in halves: such an answer is given
//! before anything is done. **What form** a batch has is found out where the configuration does not say: JSON, else parts of
//! a message, else one request for each operation.

mod json;
mod multipart;

use std::sync::atomic::Ordering;

use reqwest::Method;
use seamless_core::model::{Error, ErrorKind};

use super::config::BatchForm;
use super::service::Service;
use crate::http::{Answer, Failed, Request, Sent};

/// An operation.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) method: Method,
    /// Below the root, encoded.
    pub(super) url: String,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Option<String>,
}

impl Part {
    pub(super) fn get(url: String) -> Self {
        let accept = ("accept", super::service::JSON.to_owned());
        Self { method: Method::GET, url, headers: vec![accept], body: None }
    }

    fn bytes(&self) -> usize {
        let headers: usize = self.headers.iter().map(|(name, value)| name.len() + value.len() + 8).sum();
        self.url.len() + self.body.as_ref().map_or(0, String::len) + headers + 120
    }
}

/// The answer to an operation.
#[derive(Clone, Debug, Default)]
pub(super) struct Reply {
    pub(super) status: u16,
    /// Names in small letters.
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Reply {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// How an operation fared.
#[derive(Debug)]
pub(super) enum Fared {
    /// It was answered.
    Answered(Reply),
    /// It was surely not done.
    NotDone(Error),
    /// Nobody knows.
    Unknown(Error),
}

/// Sends operations, as few requests as the limits allow; one result for each, in their order. Never fails as a whole.
pub(super) async fn send(service: &Service, parts: &[Part], changes: bool) -> Vec<Fared> {
    let mut fared = Vec::with_capacity(parts.len());
    // Pieces that are still to be sent, the next one last.
    let mut left = pieces(service, parts);
    left.reverse();
    while let Some(piece) = left.pop() {
        let found = match piece {
            [] => continue,
            [one] => Attempt::Done(vec![alone(service, one, changes).await]),
            several => together(service, several, changes).await,
        };
        match found {
            Attempt::Done(results) => {
                let busy = results.iter().find_map(|result| match result {
                    Fared::NotDone(error) if stops(error) => Some(again(error)),
                    _ => None,
                });
                fared.extend(results);
                if let Some(error) = busy {
                    // Asking on would not help, and costs what the service has too little of.
                    let rest = parts.len().saturating_sub(fared.len());
                    fared.extend((0..rest).map(|_| Fared::NotDone(again(&error))));
                    return fared;
                }
            }
            Attempt::Halve => {
                let (one, two) = piece.split_at(piece.len() / 2);
                left.extend([two, one]);
            }
            Attempt::Again => left.push(piece),
        }
    }
    fared
}

/// Whether nothing that is sent now would be taken.
fn stops(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Throttled | ErrorKind::Permission)
        || (error.kind() == ErrorKind::Unavailable && error.message().contains("cannot be reached"))
}

/// An error once more, for another operation of the same request.
pub(super) fn again(error: &Error) -> Error {
    let copy = Error::new(error.kind(), error.message_with_causes()).with_retry(error.retry());
    let copy = error.context().fold(copy, |copy, (what, place)| copy.at(what, place));
    match error.remedy() {
        Some(remedy) => copy.with_remedy(remedy),
        None => copy,
    }
}

/// Consecutive pieces within the limits. An operation that is too large by itself is a piece.
fn pieces<'a>(service: &Service, parts: &'a [Part]) -> Vec<&'a [Part]> {
    let (count_max, bytes_max) =
        (service.config.batch_operations_max as usize, service.config.batch_bytes_max);
    let (mut pieces, mut from, mut bytes) = (Vec::new(), 0, 0);
    for (place, part) in parts.iter().enumerate() {
        if place > from && (place - from >= count_max || bytes + part.bytes() > bytes_max) {
            pieces.push(parts.get(from..place).unwrap_or_default());
            (from, bytes) = (place, 0);
        }
        bytes += part.bytes();
    }
    pieces.push(parts.get(from..).unwrap_or_default());
    pieces
}

enum Attempt {
    Done(Vec<Fared>),
    /// It is too large.
    Halve,
    /// In another form.
    Again,
}

/// The form that batches have by now, and whether it is sure.
fn form(service: &Service) -> (BatchForm, bool) {
    match (service.configured_form(), service.form.load(Ordering::Relaxed)) {
        (BatchForm::Auto, 0) => (BatchForm::Json, false),
        (BatchForm::Auto, 1) => (BatchForm::Json, true),
        (BatchForm::Auto, 2) => (BatchForm::Multipart, false),
        (BatchForm::Auto, 3) => (BatchForm::Multipart, true),
        (BatchForm::Auto, _) => (BatchForm::None, true),
        (form, _) => (form, true),
    }
}

async fn together(service: &Service, parts: &[Part], changes: bool) -> Attempt {
    let (form, sure) = form(service);
    if form == BatchForm::None {
        let mut results = Vec::with_capacity(parts.len());
        for part in parts {
            let result = alone(service, part, changes).await;
            let stop = matches!(&result, Fared::NotDone(error) if stops(error));
            results.push(result);
            if stop {
                break;
            }
        }
        // Those behind a stop are filled up by the caller.
        return Attempt::Done(results);
    }
    let url = match service.http.base().below("$batch") {
        Ok(url) => url,
        Err(error) => return Attempt::Done(parts.iter().map(|_| Fared::NotDone(again(&error))).collect()),
    };
    let (kind, body) = match form {
        BatchForm::Multipart => multipart::body(parts),
        _ => ("application/json".to_owned(), json::body(parts)),
    };
    let mut request = service.with_headers(Request::get(url));
    request.method = Method::POST;
    request.body = Some(body.into_bytes());
    request.changes = changes;
    request.operations = parts.len() as u64;
    let accept = if form == BatchForm::Multipart { "multipart/mixed" } else { "application/json" };
    let request = request
        .header("content-type", kind)
        .header("accept", accept)
        .header("prefer", "odata.continue-on-error, continue-on-error");
    let answer = match service.http.send(request).await {
        Ok(answer) => answer,
        Err(Failed { sent, error }) => {
            let each = |_| match sent {
                Sent::No => Fared::NotDone(again(&error)),
                Sent::Perhaps => Fared::Unknown(again(&error)),
            };
            return Attempt::Done(parts.iter().map(each).collect());
        }
    };
    if !answer.is_done() {
        return refused(service, &answer, parts, sure);
    }
    let read = match form {
        BatchForm::Multipart => multipart::replies(&answer, parts.len()),
        _ => json::replies(&answer.body, parts.len()),
    };
    match read {
        Ok(replies) => {
            if !sure {
                service.form.fetch_add(1, Ordering::Relaxed);
            }
            Attempt::Done(replies.into_iter().map(fared).collect())
        }
        Err(error) => Attempt::Done(parts.iter().map(|_| Fared::Unknown(again(&error))).collect()),
    }
}

fn fared(reply: Option<Reply>) -> Fared {
    match reply {
        Some(reply) => Fared::Answered(reply),
        None => Fared::Unknown(
            Error::new(ErrorKind::Unavailable, "the batch was answered without this operation")
                .with_remedy("the service stopped at an error before it; set `batch: none` if it goes on"),
        ),
    }
}

/// A batch that was refused as a whole.
fn refused(service: &Service, answer: &Answer, parts: &[Part], sure: bool) -> Attempt {
    let error = service.refused(answer).at("request", "$batch");
    match (answer.status, answer.fate()) {
        (413, _) => Attempt::Halve,
        (400 | 404 | 405 | 406 | 415 | 501, _) if !sure => {
            // On to the next form: 0 or 1 to 2, 2 or 3 to 4.
            let next = if service.form.load(Ordering::Relaxed) < 2 { 2 } else { 4 };
            service.form.store(next, Ordering::Relaxed);
            tracing::debug!(status = answer.status, "the service does not take this form of batches");
            Attempt::Again
        }
        (400 | 422, _) => Attempt::Halve,
        (_, crate::http::status::Fate::NotDone) => {
            Attempt::Done(parts.iter().map(|_| Fared::NotDone(again(&error))).collect())
        }
        _ => Attempt::Done(parts.iter().map(|_| Fared::Unknown(again(&error))).collect()),
    }
}

/// One operation as a request of its own.
async fn alone(service: &Service, part: &Part, changes: bool) -> Fared {
    let url = match service.http.base().below(&part.url) {
        Ok(url) => url,
        Err(error) => return Fared::NotDone(error),
    };
    let mut request = service.with_headers(Request::get(url));
    request.method = part.method.clone();
    request.body = part.body.clone().map(String::into_bytes);
    request.changes = changes;
    for (name, value) in &part.headers {
        request = request.header(name, value.clone());
    }
    match service.http.send(request).await {
        Ok(answer) if matches!(answer.status, 401 | 429) => Fared::NotDone(service.refused(&answer)),
        Ok(answer) => Fared::Answered(reply(answer)),
        Err(Failed { sent: Sent::No, error }) => Fared::NotDone(error),
        Err(Failed { error, .. }) => Fared::Unknown(error),
    }
}

fn reply(answer: Answer) -> Reply {
    let headers = answer
        .headers
        .iter()
        .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())));
    Reply { status: answer.status, headers: headers.collect(), body: answer.body }
}
