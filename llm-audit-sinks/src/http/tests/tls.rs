//! Certificates: the receiver's and the sink's own.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    date_time_ymd,
};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};

use super::answers::Row;
use super::server::{Do, Server};
use super::{batch, fate, runtime, sink, write};
use crate::http::{Endpoint, HttpSink};

/// An authority of its own.
struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        let issuer = Issuer::new(params, key);
        Self { pem, issuer }
    }

    /// Returns a certificate and its key, as PEM.
    fn issue(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> (String, String) {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        (certificate.pem(), key.serialize_pem())
    }

    fn server(&self) -> (String, String) {
        self.issue("localhost", |_| {})
    }

    fn client(&self) -> (String, String) {
        self.issue("shop", |params| {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        })
    }
}

/// A server with that certificate, that wants clients of `clients` if there is one.
fn server((certificate, key): &(String, String), clients: Option<&Authority>) -> Server {
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = match clients {
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            let root = CertificateDer::from_pem_slice(authority.pem.as_bytes()).unwrap();
            roots.add(root).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        }
        None => builder.with_no_client_auth(),
    };
    let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
    Server::tls(builder.with_single_cert(vec![certificate], key).unwrap())
}

fn endpoint(server: &Server, authority: &Authority) -> Endpoint {
    Endpoint::new(server.url_at("localhost")).ca_pem(authority.pem.as_str())
}

/// Returns a server and the certificate of its authority.
pub(super) fn server_and_ca() -> (Server, String) {
    let authority = Authority::new("ours");
    (server(&authority.server(), None), authority.pem)
}

/// Returns the address of a server that answers whatever comes first in the clear.
fn plain_server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!(
        "https://localhost:{}/",
        listener.local_addr().unwrap().port()
    );
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            // Who is gone needs no answer.
            stream.read_exact(&mut [0; 16]).ok();
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").ok();
        }
    });
    url
}

pub(super) fn rows() -> Vec<Row> {
    let (ours, others) = (Authority::new("ours"), Authority::new("others"));
    let row = |receiver: &str, expected, endpoint: Endpoint| {
        Row::new(receiver, expected, write(&mut sink(endpoint), &batch()))
    };
    let good = server(&ours.server(), None);
    let expired = server(
        &ours.issue("localhost", |params| {
            params.not_before = date_time_ymd(2020, 1, 1);
            params.not_after = date_time_ymd(2021, 1, 1);
        }),
        None,
    );
    let elsewhere = server(&ours.issue("logs.example.org", |_| {}), None);
    let closed = server(&ours.server(), Some(&ours));
    let plain = plain_server();
    let (client, key) = ours.client();
    let (stranger, stranger_key) = others.client();
    vec![
        row(
            "has a certificate of the authority in `ca_pem`",
            "delivered",
            endpoint(&good, &ours),
        ),
        row(
            "has one of another authority, or its own",
            "paused",
            endpoint(&good, &others),
        ),
        row(
            "has one of an authority that the system does not trust",
            "paused",
            Endpoint::new(good.url_at("localhost")),
        ),
        row(
            "has one that has expired",
            "paused",
            endpoint(&expired, &ours),
        ),
        row(
            "has one of another host",
            "paused",
            endpoint(&elsewhere, &ours),
        ),
        row(
            "wants a certificate of the sink, and there is none",
            "paused",
            endpoint(&closed, &ours),
        ),
        row(
            "does not trust the sink's",
            "paused",
            endpoint(&closed, &ours).client_pem(stranger, stranger_key),
        ),
        row(
            "trusts the one of `client_pem`",
            "delivered",
            endpoint(&closed, &ours).client_pem(client, key),
        ),
        row(
            "speaks no TLS",
            "paused",
            Endpoint::new(plain).ca_pem(ours.pem.as_str()),
        ),
    ]
}

#[test]
fn one_connection_serves_many_requests() {
    use llm_audit_core::Sink;

    let ours = Authority::new("ours");
    let server = server(&ours.server(), None);
    server.set_otherwise(Do::status(200));
    let mut sink = sink(endpoint(&server, &ours));
    // One runtime for both: the connection is kept.
    let runtime = runtime();
    for _ in 0..2 {
        assert_eq!(fate(&runtime.block_on(sink.write(&batch()))), "delivered");
    }
    assert_eq!(server.connections(), 1);
}

#[test]
fn certificates_and_keys_that_do_not_fit_are_refused_at_once() {
    let ours = Authority::new("ours");
    let (certificate, key) = ours.client();
    let (_, other_key) = ours.client();
    let new = || Endpoint::new("https://localhost/");
    for (endpoint, says) in [
        (new().ca_pem("no pem"), "no certificate to trust"),
        (new().client_pem("", key.as_str()), "no certificate"),
        (
            new().client_pem(certificate.as_str(), "hunter2"),
            "no private key",
        ),
        (
            new().client_pem(certificate.as_str(), other_key),
            "do not fit",
        ),
    ] {
        let error = HttpSink::new(endpoint).unwrap_err();
        assert!(error.is_configuration(), "{error}");
        assert!(error.to_string().contains(says), "{error}");
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
    }
    assert!(HttpSink::new(new().client_pem(certificate, key)).is_ok());
}
