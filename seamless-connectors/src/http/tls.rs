//! Encryption: rustls with the provider `ring`, made for this client and handed over. Nothing is installed for the whole
//! process, so a host's own choice of a provider is neither needed nor touched.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use seamless_core::model::{Error, ErrorKind, Result};

/// A configuration that trusts what the machine trusts, and the authorities of a file in PEM form.
///
/// Errors: the file cannot be read or holds no certificate; the machine trusts nobody and no file is named.
pub(super) fn config(ca_file: Option<&Path>) -> Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    let native = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(native.certs);
    if let Some(path) = ca_file {
        add(&mut roots, path)?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|problem| Error::new(ErrorKind::Internal, "no version of TLS").caused_by(problem))?;
    // Without roots every encrypted connection is refused when it is made, with words about the certificate.
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

fn add(roots: &mut RootCertStore, path: &Path) -> Result<()> {
    let refused = |what: String| {
        Error::configuration(what)
            .at("file", path.display())
            .with_remedy("name a file of certificates in PEM form")
    };
    let certificates = CertificateDer::pem_file_iter(path)
        .map_err(|problem| refused(format!("the certificates cannot be read: {problem}")))?;
    let mut count = 0;
    for certificate in certificates {
        let certificate =
            certificate.map_err(|problem| refused(format!("a certificate cannot be read: {problem}")))?;
        roots
            .add(certificate)
            .map_err(|problem| refused(format!("a certificate is not accepted: {problem}")))?;
        count += 1;
    }
    if count == 0 { Err(refused("there is no certificate in it".to_owned())) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::config;

    #[test]
    fn a_configuration_is_made_without_touching_the_process() {
        config(None).unwrap();
        assert!(rustls::crypto::CryptoProvider::get_default().is_none());
    }

    #[test]
    fn a_file_without_certificates_is_refused_with_its_name() {
        let file = std::env::temp_dir().join(format!("no-certificates-{}.pem", std::process::id()));
        std::fs::write(&file, "nothing").unwrap();
        let error = config(Some(&file)).unwrap_err();
        std::fs::remove_file(&file).unwrap();
        assert!(error.to_string().contains("no-certificates"), "{error}");
    }
}
