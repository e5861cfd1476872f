//! Whom a sink trusts, and how it shows who it is.

use std::path::Path;
use std::sync::Arc;

use llm_audit_core::Error;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use super::secret::Secret;

/// Where systems keep the certificates that they trust, in one file. The first that is there
/// counts. Environment variables that name another one are not read.
const SYSTEM_FILES: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt", // Debian, Arch, NixOS
    "/etc/pki/tls/certs/ca-bundle.crt",   // Fedora, RHEL 6
    "/etc/ssl/ca-bundle.pem",             // OpenSUSE
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", // RHEL 7
    "/etc/ssl/cert.pem",                  // Alpine, macOS
];

/// Whom to trust.
pub(super) enum Trust<'a> {
    System,
    /// The certificates in this PEM and no other.
    Only(&'a [u8]),
    /// There is no TLS.
    Nobody,
}

/// A client's certificates and their key, as PEM.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    pub(super) certificates: Vec<u8>,
    pub(super) key: Secret,
}

/// Returns TLS 1.2 and 1.3 with ring, whatever the process has installed for others.
///
/// # Errors
///
/// When there is nobody to trust, or the client's certificate and key do not fit.
pub(super) fn config(
    trust: &Trust<'_>,
    identity: Option<&Identity>,
) -> Result<ClientConfig, Error> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| wrong("TLS cannot be used", &error))?
        .with_root_certificates(roots(trust)?);
    let Some(identity) = identity else {
        return Ok(builder.with_no_client_auth());
    };
    let certificates = certificates(&identity.certificates)
        .map_err(|error| wrong("the client's certificate cannot be read", &error))?;
    if certificates.is_empty() {
        return Err(Error::configuration(
            "the client's PEM holds no certificate",
        ));
    }
    // What the parser says of a key could quote it.
    let key = PrivateKeyDer::from_pem_slice(identity.key.reveal().as_bytes())
        .map_err(|_| Error::configuration("the client's PEM holds no private key"))?;
    builder
        .with_client_auth_cert(certificates, key)
        .map_err(|error| wrong("the client's certificate and key do not fit", &error))
}

fn roots(trust: &Trust<'_>) -> Result<RootCertStore, Error> {
    let mut roots = RootCertStore::empty();
    match trust {
        Trust::Nobody => return Ok(roots),
        Trust::Only(pem) => {
            let certificates = certificates(pem)
                .map_err(|error| wrong("the certificates to trust cannot be read", &error))?;
            for certificate in certificates {
                roots
                    .add(certificate)
                    .map_err(|error| wrong("a certificate to trust is none", &error))?;
            }
        }
        Trust::System => {
            let mut paths = SYSTEM_FILES.iter().map(Path::new);
            if let Some(path) = paths.find(|path| path.is_file()) {
                let iter = CertificateDer::pem_file_iter(path)
                    .map_err(|error| wrong("the system's certificates cannot be read", &error))?;
                // A system's file may hold some that only others can read.
                roots.add_parsable_certificates(iter.filter_map(Result::ok));
            }
        }
    }
    if roots.is_empty() {
        return Err(Error::configuration(
            "there is no certificate to trust: name those of the receiver with `ca_pem`",
        ));
    }
    Ok(roots)
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, rustls::pki_types::pem::Error> {
    CertificateDer::pem_slice_iter(pem).collect()
}

fn wrong(what: &str, why: &dyn std::fmt::Display) -> Error {
    Error::configuration(format!("{what}: {why}"))
}
