//! A connected system: the client, the resources, and the requests that reading and writing make. Knows no port of ours but
//! its words.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::AtomicU64;

use reqwest::Method;
use reqwest::header::HeaderName;
use seamless_core::connector::{Capabilities, ConnectorInfo, UniqueKey, WriteReturns};
use seamless_core::model::{EntityName, Error, ErrorKind, Result};
use url::Url;

use super::config::RestConfig;
use super::declaration::{Api, Call, Errors, Resource};
use super::record::word;
use super::write::BATCH_MAX;
use crate::http::{Answer, Base, Client, Request};

/// A connected system.
#[derive(Debug)]
pub(super) struct System {
    pub(super) http: Client,
    pub(super) info: ConnectorInfo,
    pub(super) resources: BTreeMap<EntityName, Resource>,
    pub(super) enumerations: AtomicU64,
    read_only: bool,
    headers: Vec<(HeaderName, String)>,
}

/// What an answer that refuses says of the reason.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub(super) message: Option<String>,
    pub(super) code: Option<String>,
    pub(super) field: Option<String>,
}

impl System {
    /// A system by its API; nothing is sent yet.
    ///
    /// Errors: no address, or one that cannot be; an entity that is not declared; what `auth` says cannot be.
    pub(super) fn new(api: Api, config: &RestConfig) -> Result<Self> {
        let url = config.url.as_ref().or(api.url.as_ref()).ok_or_else(|| {
            Error::configuration("nothing says where the system is")
                .with_remedy("name its `url` in the configuration, or in the declaration")
        })?;
        let base = Base::new(url, config.insecure_http)?;
        let root = base.url().clone();
        let http = Client::new(
            base,
            config.auth.clone(),
            config.limits(),
            config.insecure_http,
            config.ca_file.as_deref(),
        )?;
        let mut resources = api.resources;
        if let Some(shown) = &config.entities {
            let shown: BTreeSet<&str> = shown.iter().map(String::as_str).collect();
            if let Some(unknown) = shown.iter().find(|name| !resources.contains_key(**name)) {
                return Err(Error::new(ErrorKind::NotFound, "the declaration has no such entity")
                    .at("entity", unknown)
                    .with_remedy(format!("there are {}", names(&resources))));
            }
            resources.retain(|name, _| shown.contains(name.as_str()));
        }
        let mut headers = Vec::new();
        for (name, value) in api.headers.iter().map(|(name, value)| (name, value)).chain(&config.headers) {
            let name: HeaderName = name
                .parse()
                .map_err(|_| Error::configuration("a header has no good name").at("header", name))?;
            headers.push((name, value.clone()));
        }
        let info = ConnectorInfo {
            system: "rest".to_owned(),
            identity: config.identity.clone().unwrap_or_else(|| root.to_string()),
            label: config
                .label
                .clone()
                .or(api.name)
                .unwrap_or_else(|| root.host_str().unwrap_or("rest").to_owned()),
        };
        let enumerations = AtomicU64::new(0);
        Ok(Self { http, info, resources, enumerations, read_only: config.read_only, headers })
    }

    /// A resource that is shown.
    pub(super) fn resource(&self, name: &EntityName) -> Result<&Resource> {
        self.resources.get(name).ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "the declaration has no such entity")
                .at("entity", name)
                .with_remedy(format!("there are {}", names(&self.resources)))
        })
    }

    /// What can be done with a resource.
    pub(super) fn capabilities(&self, resource: &Resource) -> Capabilities {
        let writes = !self.read_only;
        let chooses = resource.create.as_ref().is_some_and(Call::names_record);
        Capabilities {
            // Values are compared with a reading, whose version the write then names.
            conditional_update: resource.version.is_some() && resource.one.is_some(),
            write_returns: if resource.returns { WriteReturns::Stored } else { WriteReturns::Nothing },
            unique_key: match resource.entity.unique.first() {
                _ if chooses => UniqueKey::ClientChosenId,
                Some(fields) => UniqueKey::Fields(fields.clone()),
                None => UniqueKey::None,
            },
            consistent_read: resource.consistent,
            tombstones: resource.deleted.is_some() && resource.changes.is_some(),
            complete_enumeration: resource.complete && resource.list.is_some(),
            gone_not_hidden: !resource.gone.is_empty(),
            changes: resource.changes.is_some(),
            create: writes && resource.create.is_some(),
            update: writes && resource.update.is_some(),
            delete: writes && resource.delete.is_some(),
            idempotency_key: resource.idempotency.is_some(),
            batch_max: BATCH_MAX,
            ..Capabilities::default()
        }
    }

    /// The address of a call, with parameters.
    pub(super) fn address(&self, call: &Call, id: Option<&str>, parameters: &[(&str, &str)]) -> Result<Url> {
        self.http.base().below(&call.path(id, parameters))
    }

    /// A request with what every request has.
    pub(super) fn request(&self, method: Method, url: Url) -> Request {
        let mut request = Request::get(url).header("accept", "application/json");
        request.method = method;
        for (name, value) in &self.headers {
            request.headers.retain(|(known, _)| known != name);
            request.headers.push((name.clone(), value.clone()));
        }
        request
    }

    /// The error that an answer is, with the system's own words.
    pub(super) fn refused(&self, answer: &Answer, errors: &Errors) -> Error {
        let said = said(errors, &answer.body);
        let words = match (said.code, said.message) {
            (Some(code), Some(message)) => self.http.excerpt(format!("{code}: {message}").as_bytes()),
            (Some(word), None) | (None, Some(word)) => self.http.excerpt(word.as_bytes()),
            (None, None) => self.http.excerpt(&answer.body),
        };
        answer.error((!words.trim().is_empty()).then_some(words))
    }
}

/// What a body says of the reason of a refusal, where the declaration says where it stands.
pub(super) fn said(errors: &Errors, body: &[u8]) -> Said {
    let Ok(body) = std::str::from_utf8(body) else { return Said::default() };
    let find = |at: &Option<super::declaration::Pointer>| at.as_ref()?.find(body).and_then(word);
    Said { message: find(&errors.message), code: find(&errors.code), field: find(&errors.field) }
}

fn names(resources: &BTreeMap<EntityName, Resource>) -> String {
    resources.keys().map(EntityName::as_str).collect::<Vec<_>>().join(", ")
}
