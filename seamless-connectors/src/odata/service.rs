//! A connected service: the client, the sets, and the requests that all parts of this connector make. Knows no port of ours.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU8, AtomicU64};
use std::sync::{Arc, PoisonError, RwLock};

use seamless_core::connector::ConnectorInfo;
use seamless_core::model::{EntityName, Error, ErrorKind, Result};
use serde_json::value::RawValue;
use url::Url;

use super::config::{BatchForm, ODataConfig};
use super::edmx;
use super::error::said;
use super::json::{Control, Members, elements, utf8};
use super::schema::sets;
use super::set::{Set, no_such};
use crate::http::{Answer, Base, Client, Request};

/// Numbers beyond binary ones come as texts, control information without what can be worked out from the metadata.
pub(super) const JSON: &str = "application/json;odata.metadata=minimal;IEEE754Compatible=true";

/// A connected service.
#[derive(Debug)]
pub(super) struct Service {
    pub(super) http: Client,
    pub(super) config: ODataConfig,
    pub(super) info: ConnectorInfo,
    known: RwLock<Known>,
    /// The form of batches that the service takes, once that is known.
    pub(super) form: AtomicU8,
    pub(super) enumerations: AtomicU64,
}

/// The entity sets by name.
pub(super) type Sets = BTreeMap<EntityName, Arc<Set>>;

/// What the metadata said when it was last read.
#[derive(Debug, Default)]
struct Known {
    digest: Option<blake3::Hash>,
    sets: Arc<Sets>,
}

/// A list in an answer.
pub(super) struct Listing<'a> {
    pub(super) rows: Vec<&'a RawValue>,
    pub(super) next: Option<String>,
    pub(super) delta: Option<String>,
    pub(super) context: Option<String>,
}

impl Service {
    /// Connects: reads the metadata.
    ///
    /// Errors: the configuration cannot be; the service cannot be reached, does not let us in, or is no OData of version 4.
    pub(super) async fn connect(config: ODataConfig) -> Result<Self> {
        config.check()?;
        let base = Base::new(&config.url, config.insecure_http)?;
        let root = base.url().clone();
        let http = Client::new(
            base,
            config.auth.clone(),
            config.limits(),
            config.insecure_http,
            config.ca_file.as_deref(),
        )?;
        let prefix = config.path.clone().unwrap_or_default();
        let info = ConnectorInfo {
            system: "odata".to_owned(),
            identity: config.identity.clone().unwrap_or_else(|| format!("{root}{prefix}")),
            label: config.label.clone().unwrap_or_else(|| root.host_str().unwrap_or("odata").to_owned()),
        };
        let service = Self {
            http,
            info,
            known: RwLock::default(),
            form: AtomicU8::new(0),
            enumerations: AtomicU64::new(0),
            config,
        };
        service.refresh().await?;
        Ok(service)
    }

    /// Reads the metadata again. A document that is the same changes nothing; in another one sets keep what was learnt of
    /// them.
    ///
    /// Errors: the service does not answer; the document cannot be read, or lacks what the configuration names.
    pub(super) async fn refresh(&self) -> Result<()> {
        let url = self.http.base().below("$metadata")?;
        let request = self.with_headers(Request::get(url).header("accept", "application/xml"));
        let answer = self.http.send(request).await?;
        if !answer.is_done() {
            return Err(self.refused(&answer).at("document", "$metadata"));
        }
        let digest = blake3::hash(&answer.body);
        if self.known.read().unwrap_or_else(PoisonError::into_inner).digest == Some(digest) {
            return Ok(());
        }
        let read = edmx::parse(utf8(&answer.body)?)?;
        if !read.is_v4() {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!("the service speaks version {} of OData", read.version),
            )
            .with_remedy("name the address of its version 4"));
        }
        let before = self.sets();
        let keep = |(name, mut set): (EntityName, Set)| {
            if let Some(former) = before.get(&name) {
                set.learnt = Arc::clone(&former.learnt);
            }
            (name, Arc::new(set))
        };
        let sets = Arc::new(sets(&read, &self.config)?.into_iter().map(keep).collect());
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        *known = Known { digest: Some(digest), sets };
        Ok(())
    }

    /// The sets that are shown, as the metadata was when it was last read.
    pub(super) fn sets(&self) -> Arc<Sets> {
        Arc::clone(&self.known.read().unwrap_or_else(PoisonError::into_inner).sets)
    }

    /// A set that is shown.
    pub(super) fn set(&self, name: &EntityName) -> Result<Arc<Set>> {
        self.sets().get(name).cloned().ok_or_else(|| no_such(name))
    }

    /// The form of batches to begin with.
    pub(super) fn configured_form(&self) -> BatchForm {
        match self.config.batch {
            BatchForm::Auto => self.config.profile.batch(),
            form => form,
        }
    }

    /// Headers that every request has.
    pub(super) fn with_headers(&self, mut request: Request) -> Request {
        request = request.header("odata-maxversion", "4.0");
        for (name, value) in &self.config.headers {
            match name.parse() {
                Ok(name) => request.headers.push((name, value.clone())),
                Err(_) => tracing::warn!(header = %name, "a configured header has no good name"),
            }
        }
        request
    }

    /// A reading of a list or a record. Links are read with the same headers as the first request: a server that is asked for
    /// a next page without them may begin anew.
    pub(super) fn reading(&self, url: Url, page: Option<usize>, track_changes: bool) -> Request {
        let mut prefer = Vec::new();
        if let Some(page) = page {
            prefer.push(format!("odata.maxpagesize={page}"));
        }
        if track_changes {
            prefer.push("odata.track-changes".to_owned());
        }
        let mut request = self.with_headers(Request::get(url).header("accept", JSON));
        if !prefer.is_empty() {
            request = request.header("prefer", prefer.join(","));
        }
        request
    }

    /// Sends a reading.
    ///
    /// Errors: no answer, or one that is no success.
    pub(super) async fn read(&self, request: Request) -> Result<Answer> {
        let answer = self.http.send(request).await?;
        if answer.is_done() { Ok(answer) } else { Err(self.refused(&answer)) }
    }

    /// The error that an answer is, with the service's own words.
    pub(super) fn refused(&self, answer: &Answer) -> Error {
        answer.error(Some(self.words(&answer.body)))
    }

    /// The words of a body, fit to be shown.
    pub(super) fn words(&self, body: &[u8]) -> String {
        match said(body) {
            Some(said) => self.http.excerpt(format!("{} {}", said.code, said.message).trim().as_bytes()),
            None => self.http.excerpt(body),
        }
    }

    /// The address that a link in an answer leads to. A relative one begins at the answer's own address, unless it begins with
    /// what follows the root there: then it was written from the root.
    pub(super) fn linked(&self, from: &Url, link: &str) -> Result<Url> {
        let root = self.http.base().url();
        let below = from.path().strip_prefix(root.path()).unwrap_or_default();
        let first = below.split(['/', '?']).next().unwrap_or_default();
        let from_root = !first.is_empty() && below.contains('/') && link.starts_with(first);
        self.http.base().link(if from_root { root } else { from }, link)
    }
}

/// The list in a body.
///
/// Errors: it is no list.
pub(super) fn listing(body: &str) -> Result<Listing<'_>> {
    let members = Members::read(body)?;
    let rows = members.get("value").and_then(elements);
    let rows = rows.ok_or_else(|| Error::data("the answer of the service is no list of entities"))?;
    Ok(Listing {
        rows,
        next: members.control_text("nextLink"),
        delta: members.control_text("deltaLink"),
        context: members.control_text("context"),
    })
}
