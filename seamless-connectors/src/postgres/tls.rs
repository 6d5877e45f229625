//! The settings of an encrypted connection. Installs nothing process-wide: a host has its own. The door is [`connector`].

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use seamless_core::model::{Error, ErrorKind, Result};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::config::Tls;

/// What encrypts connections; `None` where nothing does.
///
/// Errors: the file of authorities cannot be read or holds none; the operating system has none.
pub(super) fn connector(tls: &Tls) -> Result<Option<MakeRustlsConnect>> {
    let roots = match tls {
        Tls::Off => return Ok(None),
        Tls::Require => of_system()?,
        Tls::Ca(path) => of_file(path)?,
    };
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|problem| {
            Error::new(ErrorKind::Internal, "encryption cannot be set up").caused_by(problem)
        })?;
    Ok(Some(MakeRustlsConnect::new(config.with_root_certificates(roots).with_no_client_auth())))
}

fn of_system() -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    let (taken, _) = roots.add_parsable_certificates(found.certs);
    if taken == 0 {
        return Err(Error::configuration("the operating system knows no certificate authority")
            .with_remedy("install its package of certificates, or name a file: `tls: { ca: PATH }`"));
    }
    Ok(roots)
}

fn of_file(path: &Path) -> Result<RootCertStore> {
    let refused = |message: &str| {
        Error::configuration(message).at("path", path.display()).with_remedy(
            "name a file in PEM form with the certificate of the authority that signed the server's",
        )
    };
    let unreadable = "the file of certificate authorities cannot be read";
    let mut roots = RootCertStore::empty();
    let certificates = CertificateDer::pem_file_iter(path)
        .map_err(|problem| refused(unreadable).caused_by(problem.to_string()))?;
    for certificate in certificates {
        let certificate =
            certificate.map_err(|problem| refused(unreadable).caused_by(problem.to_string()))?;
        roots.add(certificate).map_err(|problem| refused(unreadable).caused_by(problem.to_string()))?;
    }
    if roots.is_empty() {
        return Err(refused("the file holds no certificate authority"));
    }
    Ok(roots)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::{Tls, connector};

    #[test]
    fn a_file_that_holds_no_authority_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        for content in
            [None, Some(""), Some("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")]
        {
            if let Some(content) = content {
                std::fs::write(&path, content).unwrap();
            }
            let refused = connector(&Tls::Ca(path.clone())).err().unwrap();
            assert!(refused.to_string().contains("ca.pem") && refused.remedy().is_some(), "{refused}");
        }
        assert!(connector(&Tls::Off).unwrap().is_none());
    }
}
