//! Every answer has the outcome that `docs/otel.md` says; the table there is what this prints.

use std::net::TcpListener;

use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceResponse,
};
use prost::Message;

use super::{batch, config, write};
use crate::http::tests::answers::{Row, check_manual, table};
use crate::http::tests::server::{Do, Server};
use crate::otlp::{OtlpConfig, OtlpSink};

pub(super) const PROTOBUF: &str = "Content-Type: application/x-protobuf\r\n";

/// A success that rejects so many spans.
pub(super) fn rejects(rejected_spans: i64, error_message: &str) -> Do {
    let answer = ExportTraceServiceResponse {
        partial_success: Some(ExportTracePartialSuccess {
            rejected_spans,
            error_message: error_message.to_owned(),
        }),
    };
    Do::with(200, PROTOBUF, &answer.encode_to_vec())
}

fn row(receiver: &str, expected: &'static str, action: Do) -> Row {
    let server = Server::new([]).otherwise(action);
    let mut sink = OtlpSink::with(config(server.url())).unwrap();
    let result = write(&mut sink, &batch());
    // Neither a redirect nor an answer that asks for another try has a second request.
    assert_eq!(server.requests().len(), 1, "{receiver}");
    Row::new(receiver, expected, result)
}

fn rows() -> Vec<Row> {
    let all = i64::try_from(batch().len()).unwrap();
    let html = b"<!DOCTYPE html><title>Log in</title>";
    let half = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf";
    let cut = match rejects(1, "a text that is cut") {
        Do::Answer(answer) => answer[..answer.len() - 5].to_vec(),
        other => panic!("{other:?}"),
    };
    let cut_body = cut
        .split(|byte| *byte == b'\n')
        .next_back()
        .unwrap()
        .to_vec();
    let wait = |seconds: u64| format!("Retry-After: {seconds}\r\n");
    let mut rows = vec![
        row("200 and nothing", "delivered", Do::status(200)),
        row(
            "200 and an empty message",
            "delivered",
            Do::with(200, PROTOBUF, b""),
        ),
        row(
            "200, rejects none, with a warning",
            "delivered",
            rejects(0, "slow down"),
        ),
        row("200, rejects some", "divided", rejects(1, "span too big")),
        row("200, rejects all", "dead-lettered", rejects(all, "no")),
        row(
            "200, rejects more than there are",
            "divided",
            rejects(i64::MAX, "no"),
        ),
        row("200, rejects less than none", "paused", rejects(-1, "no")),
        row(
            "200 and a page of HTML",
            "paused",
            Do::with(200, "Content-Type: text/html\r\n", html),
        ),
        row(
            "200 and HTML that calls itself protobuf",
            "paused",
            Do::with(200, PROTOBUF, html),
        ),
        row("200 and JSON", "paused", Do::json(200, "{}")),
        row(
            "200 and no protobuf",
            "paused",
            Do::with(200, PROTOBUF, &[0xff; 20]),
        ),
        row(
            "200 and a message that is cut",
            "paused",
            Do::with(200, PROTOBUF, &cut_body),
        ),
        row(
            "200 and half an answer",
            "retried",
            Do::AnswerAndClose(half.to_vec()),
        ),
        row(
            "302 to a page that answers 200",
            "paused",
            Do::with(302, "Location: /login\r\n", b""),
        ),
        row("400", "divided", Do::status(400)),
        row("401", "paused", Do::status(401)),
        row("404 or 405", "paused", Do::status(405)),
        row("413", "divided", Do::status(413)),
        row("415", "paused", Do::status(415)),
        row("422", "paused", Do::status(422)),
        row(
            "429, Retry-After: 7",
            "retried",
            Do::with(429, &wait(7), b""),
        ),
        row("500", "retried", Do::status(500)),
        row("502", "retried", Do::status(502)),
        row(
            "503, Retry-After: 2",
            "retried",
            Do::with(503, &wait(2), b""),
        ),
        row("504", "retried", Do::status(504)),
        row(
            "nothing, for longer than the time-out",
            "retried",
            Do::Silence,
        ),
        row(
            "closes the connection when it has the request",
            "retried",
            Do::Close,
        ),
    ];
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let refused = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let mut sink = OtlpSink::new(refused).unwrap();
    let result = write(&mut sink, &batch());
    rows.push(Row::new("takes no connection", "retried", result));
    rows
}

#[test]
fn every_answer_has_the_outcome_that_the_manual_says() {
    let rows = rows();
    let broken: Vec<_> = rows.iter().filter_map(Row::broken).collect();
    // How many events a batch has differs from run to run.
    let text = table("answers", &rows).replace(&format!(" of {}", batch().len()), " of 50");
    check_manual("otel.md", "answers", &text);
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn who_takes_no_log_records_is_told_of() {
    let server = Server::new([Do::status(200)]).otherwise(Do::status(405));
    let mut sink = OtlpSink::with(config(server.url()).logs(true)).unwrap();
    let error = write(&mut sink, &batch()).unwrap_err();
    assert!(error.is_misconfigured() && error.to_string().contains("takes no log records"));
}

#[test]
fn what_a_receiver_asks_for_is_waited_for() {
    let server = Server::new([]).otherwise(Do::with(503, "Retry-After: 7\r\n", b""));
    let mut sink = OtlpSink::with(config(server.url())).unwrap();
    let error = write(&mut sink, &batch()).unwrap_err();
    assert!(
        format!("{error:?}").contains("after: Some(7s)"),
        "{error:?}"
    );
}

#[test]
fn content_on_records_needs_records() {
    let config = OtlpConfig::new("http://localhost:1").content(crate::otlp::ContentTarget::Event);
    assert!(OtlpSink::with(config.clone()).is_err());
    assert!(OtlpSink::with(config.logs(true)).is_ok());
}

#[test]
fn the_paths_of_the_signals_stand_below_the_address() {
    let server = Server::new([]);
    for (address, expected) in [
        ("", "/v1/traces"),
        ("/", "/v1/traces"),
        ("/api/public/otel", "/api/public/otel/v1/traces"),
        ("/v1/traces", "/v1/traces"),
        ("/a/v1/logs/?key=v", "/a/v1/traces?key=v"),
    ] {
        let url = server.url();
        let base = url.split_once("/events").unwrap().0;
        let mut sink = OtlpSink::new(format!("{base}{address}")).unwrap();
        write(&mut sink, &batch()).unwrap();
        let line = server.requests().pop().unwrap().line;
        assert_eq!(line, format!("POST {expected} HTTP/1.1"));
    }
}
