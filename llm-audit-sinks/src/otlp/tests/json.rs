//! JSON says the same as protobuf, and its answers are told apart alike.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use serde_json::Value;

use super::{batch, config, recorded, write};
use crate::http::tests::fate;
use crate::http::tests::server::{Do, Request, Server};
use crate::otlp::{ContentTarget, Encoding, OtlpSink};

/// The requests that a call with content, a failed one and a score give.
fn requests(encoding: Encoding) -> Vec<Request> {
    static MEMORY: std::sync::OnceLock<llm_audit_core::testing::MemorySink> =
        std::sync::OnceLock::new();
    let memory = MEMORY.get_or_init(|| {
        let record = |audit: &llm_audit_core::Audit| {
            let mut call = audit.begin(llm_audit_core::Operation::Chat);
            call.prompt("How many?")
                .response("Thirty.")
                .temperature(0.5);
            call.usage(llm_audit_core::Usage::openai(12, 3))
                .stream(true);
            call.finish();
            audit
                .begin(llm_audit_core::Operation::Chat)
                .fail("overloaded");
        };
        recorded(record).1
    });
    let server = Server::new([]);
    let config = config(server.url()).content(ContentTarget::Both).logs(true);
    let mut sink = OtlpSink::with(config.encoding(encoding)).unwrap();
    for batch in memory.batches() {
        write(&mut sink, &batch).unwrap();
    }
    server.requests()
}

#[test]
fn json_says_what_protobuf_says() {
    let (binary, json) = (requests(Encoding::Protobuf), requests(Encoding::Json));
    assert_eq!(binary.len(), json.len());
    for (binary, json) in binary.iter().zip(&json) {
        assert_eq!(binary.line, json.line);
        assert_eq!(json.header("content-type"), Some("application/json"));
        let (bytes, text) = (&*binary.body, &*json.body);
        if json.line.contains("/v1/traces") {
            let expected = ExportTraceServiceRequest::decode(bytes).unwrap();
            let found: ExportTraceServiceRequest = serde_json::from_slice(text).unwrap();
            assert_eq!(found, expected);
        } else {
            let expected = ExportLogsServiceRequest::decode(bytes).unwrap();
            let found: ExportLogsServiceRequest = serde_json::from_slice(text).unwrap();
            assert_eq!(found, expected);
        }
    }
}

#[test]
fn identifiers_are_hex_and_numbers_of_64_bits_are_text() {
    // Spans and log records go at once, so either may come first.
    let requests = requests(Encoding::Json).into_iter();
    let mut bodies = requests.map(|it| serde_json::from_slice::<Value>(&it.body).unwrap());
    let json = bodies.find(|it| it.get("resourceSpans").is_some()).unwrap();
    let span = &json["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
    let digits = |name: &str| span[name].as_str().unwrap().to_owned();
    assert_eq!(digits("traceId").len(), 32);
    assert_eq!(digits("spanId").len(), 16);
    assert!(digits("startTimeUnixNano").parse::<u64>().is_ok());
    assert!(span["kind"].is_i64(), "{span}");
}

#[test]
fn answers_in_json_are_told_apart() {
    let partial = |count: &str| {
        let body =
            format!(r#"{{"partialSuccess":{{"rejectedSpans":{count},"errorMessage":"no"}}}}"#);
        Do::json(200, &body)
    };
    let all = batch().len();
    let html = Do::with(200, "Content-Type: text/html\r\n", b"<html>");
    let protobuf = Do::with(200, super::answers::PROTOBUF, &[0x0a, 0x02, 0x08, 0x01]);
    for (what, action, expected) in [
        ("nothing", Do::status(200), "delivered"),
        ("an empty object", Do::json(200, "{}"), "delivered"),
        ("none rejected", partial("\"0\""), "delivered"),
        ("some, as text", partial("\"1\""), "divided"),
        ("some, as a number", partial("1"), "divided"),
        ("all", partial(&format!("\"{all}\"")), "dead-lettered"),
        ("fewer than none", partial("-1"), "paused"),
        ("a count that is none", partial("\"many\""), "paused"),
        (
            "JSON that is cut",
            Do::json(200, "{\"partialSuccess\":{"),
            "paused",
        ),
        ("a list", Do::json(200, "[]"), "paused"),
        (
            "an object of something else",
            Do::json(200, r#"{"error":"no such project"}"#),
            "paused",
        ),
        (
            "a part that is none",
            Do::json(200, r#"{"partialSuccess":"x"}"#),
            "paused",
        ),
        (
            "no part",
            Do::json(200, r#"{"partialSuccess":null}"#),
            "delivered",
        ),
        (
            "some, with underscores",
            Do::json(200, r#"{"partial_success":{"rejected_spans":"1"}}"#),
            "divided",
        ),
        ("HTML", html, "paused"),
        ("protobuf", protobuf, "paused"),
        ("500", Do::json(500, "{}"), "retried"),
    ] {
        let server = Server::new([]).otherwise(action);
        let config = config(server.url()).encoding(Encoding::Json);
        let result = write(&mut OtlpSink::with(config).unwrap(), &batch());
        assert_eq!(fate(&result), expected, "{what}: {result:?}");
    }
    // Of log records the count has another name.
    let logs = r#"{"partialSuccess":{"rejectedLogRecords":"1"}}"#;
    let server = Server::new([Do::json(200, "{}")]).otherwise(Do::json(200, logs));
    let config = config(server.url()).encoding(Encoding::Json).logs(true);
    let result = write(&mut OtlpSink::with(config).unwrap(), &batch());
    assert_eq!(fate(&result), "divided", "{result:?}");
}
