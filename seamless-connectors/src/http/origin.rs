//! Which addresses are ours. A link that a system gives (a next page, where a change feed goes on, a redirect) is followed
//! to the configured origin only: whoever can put a link into an answer must not be sent our credentials.

use std::net::IpAddr;

use seamless_core::model::{Error, ErrorKind, Result};
use url::{Host, Url};

/// Bytes of a link at most. Links with a state of a server in them are a few thousand.
const LINK_BYTES_MAX: usize = 64 * 1024;

/// The root of a service: an address that ends with `/`, without user, query or fragment.
#[derive(Clone, Debug)]
pub(crate) struct Base(Url);

impl Base {
    /// Reads a configured address.
    ///
    /// Errors: not an address of `http` or `https`; `http` to another machine without `insecure`; a user name or a
    /// password in it, since addresses are shown.
    pub(crate) fn new(text: &str, insecure: bool) -> Result<Self> {
        let refused = |what: &str, remedy: &str| Error::configuration(what.to_owned()).with_remedy(remedy);
        let mut url = Url::parse(text.trim()).map_err(|problem| {
            refused("the address cannot be read", "write it like https://erp.example/api/").caused_by(problem)
        })?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refused(
                "the address has a user name or a password in it",
                "leave them out and set `auth`: addresses are shown in errors",
            ));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(refused("the address has a query in it", "name the root of the service only"));
        }
        safe(&url, insecure)?;
        if !url.path().ends_with('/') {
            url.set_path(&format!("{}/", url.path()));
        }
        Ok(Self(url))
    }

    /// The address.
    pub(crate) fn url(&self) -> &Url {
        &self.0
    }

    /// An address below the root; `rest` is written as it must be sent, percent-encoded where needed.
    pub(crate) fn below(&self, rest: &str) -> Result<Url> {
        self.link(&self.0, rest)
    }

    /// A link that stood in an answer from `from`, absolute or relative.
    ///
    /// Errors: it cannot be read, is too long, or leads to another origin.
    pub(crate) fn link(&self, from: &Url, link: &str) -> Result<Url> {
        if link.len() > LINK_BYTES_MAX {
            return Err(Error::new(ErrorKind::Limit, format!("a link of {} bytes", link.len()))
                .with_remedy(format!("at most {LINK_BYTES_MAX} bytes are taken")));
        }
        let mut url = from
            .join(link)
            .map_err(|problem| Error::data("a link of the system cannot be read").caused_by(problem))?;
        url.set_fragment(None);
        if !self.is_ours(&url) {
            return Err(Error::new(ErrorKind::Permission, "the system points to another host")
                .at("host", url.host_str().unwrap_or("-"))
                .with_remedy(
                    "credentials are sent to the configured host only; configure the address that the \
                     service names itself by",
                ));
        }
        Ok(url)
    }

    /// Whether an address is of the configured origin: scheme, host and port.
    pub(crate) fn is_ours(&self, url: &Url) -> bool {
        url.scheme() == self.0.scheme()
            && url.host() == self.0.host()
            && url.port_or_known_default() == self.0.port_or_known_default()
            && url.username().is_empty()
            && url.password().is_none()
    }
}

/// Errors: an address that is not encrypted, unless it is this machine's own or somebody said so.
pub(crate) fn safe(url: &Url, insecure: bool) -> Result<()> {
    let local = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
        None => return Err(Error::configuration("the address names no host")),
    };
    match url.scheme() {
        "https" => Ok(()),
        "http" if local || insecure => Ok(()),
        "http" => Err(Error::configuration("the address is not encrypted")
            .at("host", url.host_str().unwrap_or("-"))
            .with_remedy(
                "write https, or say `insecure_http: true` where nobody else can listen: the credentials and \
                 all records can be read on the way",
            )),
        other => Err(Error::configuration(format!("{other:?} is not a scheme that is spoken here"))
            .with_remedy("write https://..")),
    }
}

#[cfg(test)]
mod tests {
    use super::Base;

    #[test]
    fn an_address_is_encrypted_or_of_this_machine_or_somebody_said_so() {
        for good in ["https://a.example/x", "http://localhost:1/", "http://127.0.0.9", "http://[::1]/x/"] {
            assert!(Base::new(good, false).unwrap().url().path().ends_with('/'), "{good}");
        }
        assert!(Base::new("http://a.example/", true).is_ok());
        for bad in [
            "http://a.example/",
            "http://localhost.evil.example/",
            "ftp://a.example/",
            "https://user:pw@a.example/",
            "https://a.example/?key=1",
            "a.example",
            "file:///etc/passwd",
        ] {
            let error = Base::new(bad, false).unwrap_err().to_string();
            assert!(!error.contains("pw"), "{error}");
        }
    }

    #[test]
    fn links_are_followed_to_the_own_origin_only() {
        let base = Base::new("https://a.example:8443/odata", false).unwrap();
        let from = base.below("Accounts?$top=1").unwrap();
        for (link, is) in [
            ("Accounts?$skiptoken=1", "https://a.example:8443/odata/Accounts?$skiptoken=1"),
            ("Accounts?%24skiptoken=a%20b", "https://a.example:8443/odata/Accounts?%24skiptoken=a%20b"),
            ("/other", "https://a.example:8443/other"),
            ("https://A.example:8443/x", "https://a.example:8443/x"),
        ] {
            assert_eq!(base.link(&from, link).unwrap().as_str(), is);
        }
        for foreign in [
            "https://evil.example/",
            "//evil.example/x",
            "https://a.example/x",
            "http://a.example:8443/",
            "https://a.example:8443@evil.example/",
            "https://me@a.example:8443/",
            "\\\\evil.example\\x",
            "javascript:alert(1)",
        ] {
            assert!(base.link(&from, foreign).is_err(), "{foreign}");
        }
        assert!(base.link(&from, &"x".repeat(70_000)).is_err());
    }
}
