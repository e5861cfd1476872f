//! The sink keeps the contract of sinks, whatever carries an event and its content.

use llm_audit_core::testing::conformance;

use super::read;
use crate::http::tests::server::{Do, Server};
use crate::http::{Compression, Endpoint};
use crate::otlp::{ContentTarget, OtlpConfig, OtlpSink, Profile};

fn check(config: fn(OtlpConfig) -> OtlpConfig) {
    conformance::check(|| {
        let server = Server::new([]);
        let endpoint = Endpoint::new(server.url()).compression(Compression::Gzip);
        let sink = OtlpSink::with(config(OtlpConfig::new(endpoint))).unwrap();
        (sink, move || read::events(&server))
    });
}

#[test]
fn spans_keep_the_contract() {
    check(|config| config.content(ContentTarget::Span));
}

#[test]
fn spans_with_further_names_keep_the_contract() {
    check(|config| {
        config
            .content(ContentTarget::Span)
            .profile(Profile::OpenInference)
    });
}

#[test]
fn spans_and_log_records_keep_the_contract() {
    check(|config| config.content(ContentTarget::Both).logs(true));
}

#[test]
fn errors_hold_no_content_whatever_the_receiver_says() {
    let echo = "the prompt `kolibradu-content` is not allowed";
    // A partial success whose message is the same.
    let mut partial = vec![
        0x0a,
        2 + 2 + echo.len() as u8,
        0x08,
        1,
        0x12,
        echo.len() as u8,
    ];
    partial.extend_from_slice(echo.as_bytes());
    let protobuf = "Content-Type: application/x-protobuf\r\n";
    let mut answers = vec![Do::with(200, protobuf, &partial)];
    for status in [200, 302, 400, 401, 413, 429, 500] {
        answers.push(Do::with(status, protobuf, echo.as_bytes()));
    }
    for answer in answers {
        let server = Server::new([]).otherwise(answer);
        conformance::check_errors(move || OtlpSink::new(server.url()).unwrap());
    }
}
