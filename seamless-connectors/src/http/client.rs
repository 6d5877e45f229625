//! One client per system: sends one request and gives back one answer, whatever its status. Every wait has an end and every
//! body a limit. The door is [`Client::send`]. It must be called on the thread of an [`Io`](crate::io::Io).

use std::path::Path;
use std::time::{Duration, SystemTime};

use reqwest::header::{COOKIE, HeaderMap, HeaderName, HeaderValue, LOCATION, RETRY_AFTER};
use reqwest::{Method, redirect};
use seamless_core::model::{Error, ErrorKind, Result, Retry};
use seamless_core::secret::Secret;
use url::Url;

use super::auth::{Auth, Authorizer};
use super::origin::Base;
use super::redact::{excerpt, shown};
use super::retry_after::wait;
use super::session::{self, Session};
use super::status::{self, Fate};
use super::tls;
use super::traffic::{Counters, Traffic};

/// Redirects that a reading follows at most.
const REDIRECTS_MAX: usize = 3;
/// Sent to a system that asks for a token.
const FETCH_TOKEN: &str = "fetch";

/// What one request may take.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    /// Until a connection is there.
    pub(crate) connect: Duration,
    /// Without a byte.
    pub(crate) idle: Duration,
    /// From the first byte of the request to the last one of the answer.
    pub(crate) total: Duration,
    /// Bytes of an answer, decoded. A few kilobytes of compressed zeros are gigabytes.
    pub(crate) body_bytes_max: usize,
}

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: Vec<(HeaderName, String)>,
    pub(crate) body: Option<Vec<u8>>,
    /// Whether it changes something. What does is never redirected, and has the token that some systems want.
    pub(crate) changes: bool,
    /// Operations in it.
    pub(crate) operations: u64,
}

impl Request {
    /// A reading.
    pub(crate) fn get(url: Url) -> Self {
        Self { method: Method::GET, url, headers: Vec::new(), body: None, changes: false, operations: 1 }
    }

    /// Adds a header.
    #[must_use]
    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((HeaderName::from_static(name), value.into()));
        self
    }
}

/// What came back.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    /// Where it came from, after redirects: what relative links in it start from.
    pub(crate) url: Url,
}

impl Answer {
    /// A header as text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// How long the system asks to wait.
    pub(crate) fn wait(&self) -> Option<Duration> {
        let header = self.headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok())?;
        wait(header, SystemTime::now().into())
    }

    /// What became of a request with this answer.
    pub(crate) fn fate(&self) -> Fate {
        status::fate(self.status, self.wait().is_some())
    }

    /// Whether what was asked for is here.
    pub(crate) fn is_done(&self) -> bool {
        self.fate() == Fate::Done
    }

    /// The error that this answer is. `words` are the system's own, already fit to be shown.
    pub(crate) fn error(&self, words: Option<String>) -> Error {
        let (kind, remedy) = status::kind(self.status);
        let error = Error::new(kind, format!("the system answered with status {}", self.status))
            .at("address", shown(&self.url))
            .with_remedy(remedy);
        let error = match words {
            Some(words) => error.caused_by(words),
            None => error,
        };
        match self.wait() {
            Some(wait) => error.with_retry(Retry::After(wait)),
            None => error,
        }
    }
}

/// Whether a request that had no answer can have arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    /// Surely not.
    No,
    /// It can.
    Perhaps,
}

/// A request without an answer.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) sent: Sent,
    pub(crate) error: Error,
}

impl From<Failed> for Error {
    fn from(failed: Failed) -> Self {
        failed.error
    }
}

fn not_sent(error: Error) -> Failed {
    Failed { sent: Sent::No, error }
}

/// A client of one system.
#[derive(Debug)]
pub(crate) struct Client {
    http: reqwest::Client,
    base: Base,
    authorizer: Authorizer,
    session: Session,
    limits: Limits,
    counters: Counters,
}

impl Client {
    /// A client; nothing is sent yet. `ca_file` has authorities to be trusted beside those of the machine.
    ///
    /// Errors: what `auth` says cannot be; the file of authorities cannot be read.
    pub(crate) fn new(
        base: Base,
        auth: Auth,
        limits: Limits,
        insecure: bool,
        ca_file: Option<&Path>,
    ) -> Result<Self> {
        let authorizer = Authorizer::new(auth, insecure)?;
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls::config(ca_file)?)
            .redirect(redirect::Policy::none())
            .referer(false)
            .connect_timeout(limits.connect)
            .read_timeout(limits.idle)
            .timeout(limits.total)
            .user_agent(concat!("seamless/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|problem| {
                Error::new(ErrorKind::Internal, "no HTTP client").caused_by(problem.without_url())
            })?;
        let (session, counters) = (Session::default(), Counters::default());
        Ok(Self { http, base, authorizer, session, limits, counters })
    }

    /// The root of the service.
    pub(crate) fn base(&self) -> &Base {
        &self.base
    }

    /// What was sent so far.
    pub(crate) fn traffic(&self) -> Traffic {
        self.counters.now()
    }

    /// A text of the system, fit to be shown.
    pub(crate) fn excerpt(&self, text: &[u8]) -> String {
        let mut secrets: Vec<Secret> = self.authorizer.secrets();
        secrets.extend(self.session.secrets());
        excerpt(text, &secrets)
    }

    /// Sends a request and reads the whole answer.
    ///
    /// Errors: no connection, a time limit, an answer that is too large or cut off; a link to another origin. A status is
    /// no error here.
    pub(crate) async fn send(&self, mut request: Request) -> Result<Answer, Failed> {
        if !self.base.is_ours(&request.url) {
            let error = Error::new(ErrorKind::Permission, "the address is not of the configured host");
            return Err(not_sent(error.at("address", shown(&request.url))));
        }
        let (mut redirects, mut renewed, mut tokens) = (0, false, 0);
        loop {
            let (answer, proof) = self.send_once(&request).await?;
            if answer.status == 401
                && !renewed
                && let Some(number) = proof
                && self.authorizer.forget(number).await
            {
                renewed = true;
                continue;
            }
            if request.changes && tokens == 0 && session::needs_token(answer.status, &answer.headers) {
                tokens += 1;
                self.fetch_token().await?;
                continue;
            }
            let location = answer.headers.get(LOCATION).and_then(|location| location.to_str().ok());
            let redirected = matches!(answer.status, 301 | 302 | 303 | 307 | 308) && !request.changes;
            match location {
                Some(link) if redirected && redirects < REDIRECTS_MAX => {
                    redirects += 1;
                    request.url = self.base.link(&answer.url, link).map_err(not_sent)?;
                }
                _ => return Ok(answer),
            }
        }
    }

    /// Asks for the token that the system wants with every write.
    async fn fetch_token(&self) -> Result<(), Failed> {
        let asks = Request::get(self.base.url().clone()).header(session::TOKEN, FETCH_TOKEN);
        let (answer, _) = self.send_once(&asks).await.map_err(|failed| not_sent(failed.error))?;
        self.session.keep(&answer.headers);
        if self.session.keep_token(&answer.headers) {
            return Ok(());
        }
        let error = Error::new(ErrorKind::Permission, "the system wants a token and gives none")
            .at("address", shown(self.base.url()))
            .with_remedy("check that the account may read the root of the service");
        Err(not_sent(error))
    }

    async fn send_once(&self, request: &Request) -> Result<(Answer, Option<u64>), Failed> {
        let proof = self.authorizer.proof(&self.http, &self.counters).await.map_err(not_sent)?;
        let mut builder = self.http.request(request.method.clone(), request.url.clone());
        for (name, value) in &request.headers {
            let value = HeaderValue::from_str(value).map_err(|_| {
                not_sent(Error::data("a value cannot be sent in a header").at("header", name.as_str()))
            })?;
            builder = builder.header(name, value);
        }
        let session = [
            (COOKIE, self.session.cookies()),
            (HeaderName::from_static(session::TOKEN), self.session.token().filter(|_| request.changes)),
        ];
        for (name, value) in session {
            if let Some(value) = value {
                builder = builder.header(name, value);
            }
        }
        let number = proof.as_ref().map(|proof| proof.token);
        if let Some(proof) = proof {
            builder = builder.header(proof.name, proof.value);
        }
        if let Some(body) = &request.body {
            builder = builder.body(body.clone());
        }
        self.counters.sent(request.operations);
        let answer = builder.send().await.map_err(|problem| self.no_answer(problem, &request.url))?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        if self.session.token().is_some() {
            self.session.keep(&headers);
        }
        let body = body(answer, self.limits.body_bytes_max, &self.counters).await.map_err(|error| {
            Failed { sent: Sent::Perhaps, error: error.at("address", shown(&request.url)) }
        })?;
        Ok((Answer { status, headers, body, url: request.url.clone() }, number))
    }

    fn no_answer(&self, problem: reqwest::Error, url: &Url) -> Failed {
        let (sent, what, remedy) = match &problem {
            problem if problem.is_builder() => (Sent::No, "the request cannot be made", "report it"),
            problem if problem.is_connect() => (
                Sent::No,
                "the system cannot be reached",
                "check the address, the network and its certificate",
            ),
            problem if problem.is_timeout() => {
                (Sent::Perhaps, "the system did not answer in time", "try again, or allow it more time")
            }
            _ => (Sent::Perhaps, "the connection ended before an answer came", "try again"),
        };
        let error = Error::new(ErrorKind::Unavailable, what)
            .at("address", shown(url))
            .with_remedy(remedy)
            .caused_by(problem.without_url());
        Failed { sent, error }
    }
}

/// The whole body of an answer.
///
/// Errors: it is longer than allowed, is cut off, or does not come in time.
pub(super) async fn body(
    mut answer: reqwest::Response,
    bytes_max: usize,
    counters: &Counters,
) -> Result<Vec<u8>> {
    let too_long = || {
        Error::new(ErrorKind::Limit, format!("the answer is longer than {bytes_max} bytes"))
            .with_remedy("ask for less at once (`page_records_max`), or allow more (`answer_bytes_max`)")
    };
    if answer.content_length().is_some_and(|length| length > bytes_max as u64) {
        return Err(too_long());
    }
    let mut body = Vec::new();
    loop {
        let chunk = answer.chunk().await.map_err(|problem| {
            let what = if problem.is_timeout() {
                "the answer did not come to its end in time"
            } else {
                "the answer was cut off"
            };
            Error::new(ErrorKind::Unavailable, what).caused_by(problem.without_url())
        })?;
        let Some(chunk) = chunk else { return Ok(body) };
        counters.received(chunk.len());
        if body.len() + chunk.len() > bytes_max {
            return Err(too_long());
        }
        body.extend_from_slice(&chunk);
    }
}
