//! Whatever a receiver answers, what the log reports is what the receiver has. The table that it
//! prints is that of `docs/otel.md`.

use std::collections::BTreeSet;
use std::fmt::Write;

use llm_audit_core::{Operation, Policy, Preset, SinkCounters, builder};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;

use super::answers::{PROTOBUF, rejects};
use super::{config, read};
use crate::http::tests::answers::check_manual;
use crate::http::tests::server::{Do, Request, Server};
use crate::http::tests::{LONG, hurry};
use crate::otlp::OtlpSink;

const CALLS: usize = 20;

/// What a receiver does, and for how long.
struct Receiver {
    does: &'static str,
    action: Do,
    /// How many requests it treats so before it takes everything; `None` is for ever.
    requests: Option<usize>,
}

const fn receiver(does: &'static str, action: Do, requests: Option<usize>) -> Receiver {
    Receiver {
        does,
        action,
        requests,
    }
}

fn is_odd(name: &str) -> bool {
    name.ends_with("-7") || name.ends_with("-13")
}

fn names(body: &[u8]) -> Vec<String> {
    let request = ExportTraceServiceRequest::decode(body).unwrap();
    let groups = request.resource_spans.into_iter();
    let scopes = groups.flat_map(|group| group.scope_spans);
    scopes
        .flat_map(|scope| scope.spans)
        .map(|span| span.name)
        .collect()
}

/// Stores all spans but the odd ones, and says how many those are.
fn takes_a_part(body: &[u8]) -> Do {
    let odd = names(body).iter().filter(|name| is_odd(name)).count();
    rejects(odd as i64, "the name is not allowed")
}

/// Refuses what has an odd span in it as a whole.
fn refuses_whole(body: &[u8]) -> Do {
    let has_odd = names(body).iter().any(|name| is_odd(name));
    Do::status(if has_odd { 400 } else { 200 })
}

/// Refuses what has more than three spans.
fn takes_three(body: &[u8]) -> Do {
    Do::status(if names(body).len() > 3 { 413 } else { 200 })
}

/// What the receiver has of a request.
fn stored(request: &Request) -> Vec<String> {
    let mut names = names(&request.body);
    match &request.action {
        Do::Answer(answer) if answer.starts_with(b"HTTP/1.1 200") => {
            let answer = String::from_utf8_lossy(answer);
            let stores = answer.contains("x-protobuf") || !answer.contains("Content-Type");
            names.retain(|name| stores && !(answer.contains("not allowed") && is_odd(name)));
            names
        }
        // It stores before it answers, and the answer is lost.
        Do::AnswerAndClose(_) | Do::Close => names,
        _ => Vec::new(),
    }
}

fn receivers() -> Vec<Receiver> {
    let html = Do::with(200, "Content-Type: text/html\r\n", b"<html>Log in</html>");
    let half = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf".to_vec();
    let wait = |status| Do::with(status, "Retry-After: 1\r\n", b"");
    vec![
        receiver("200", Do::with(200, PROTOBUF, b""), None),
        receiver("200, rejects two of twenty", Do::Decide(takes_a_part), None),
        receiver("200 and a page of HTML, thrice", html, Some(3)),
        receiver("200 and JSON, thrice", Do::json(200, "{}"), Some(3)),
        receiver(
            "200 and half an answer, thrice",
            Do::AnswerAndClose(half),
            Some(3),
        ),
        receiver(
            "302, thrice",
            Do::with(302, "Location: /\r\n", b""),
            Some(3),
        ),
        receiver(
            "400 to requests with two of twenty",
            Do::Decide(refuses_whole),
            None,
        ),
        receiver("400 to everything", Do::status(400), None),
        receiver("401, thrice", Do::status(401), Some(3)),
        receiver("413 to more than three", Do::Decide(takes_three), None),
        receiver("429, thrice", wait(429), Some(3)),
        receiver("500, thrice", Do::status(500), Some(3)),
        receiver("503, thrice", wait(503), Some(3)),
        receiver("nothing, thrice", Do::Silence, Some(3)),
        receiver(
            "stores and closes the connection, thrice",
            Do::Close,
            Some(3),
        ),
        receiver("resets the connection, thrice", Do::Reset, Some(3)),
    ]
}

#[test]
fn what_is_reported_delivered_is_stored_and_what_is_reported_lost_is_not() {
    let mut table = String::from(
        "\n| the receiver | stored | reported delivered | reported lost | left |\n\
         |---|--:|--:|--:|--:|\n",
    );
    for Receiver {
        does,
        action,
        requests,
    } in receivers()
    {
        let server = match requests {
            Some(count) => Server::new(vec![action; count]),
            None => Server::new([]).otherwise(action),
        };
        let temp = tempfile::tempdir().unwrap();
        let audit = builder()
            .policy(Policy::preset(Preset::Operations).unwrap())
            .journal(temp.path())
            .sink(OtlpSink::with(config(server.url())).unwrap())
            .on_diagnostic(|_| {})
            .spawn()
            .unwrap();
        for number in 0..CALLS {
            let mut call = audit.begin(Operation::Chat);
            call.request_model(format!("model-{number}"));
            call.finish();
        }
        let is_over = |sink: &SinkCounters| sink.delivered + sink.lost() == CALLS as u64;
        while !is_over(audit.counters().sink("otlp").unwrap()) {
            hurry(&audit);
        }
        let sink = audit.shutdown(LONG).counters.sink("otlp").unwrap().clone();
        let requests = server.requests();
        let arrived = requests.iter().flat_map(stored);
        let arrived: Vec<_> = arrived.filter(|name| name.starts_with("chat")).collect();
        let distinct: BTreeSet<_> = arrived.iter().collect();
        // Ids tell a receiver what it has already: none is two spans.
        let ids: BTreeSet<_> = read::spans(&server)
            .into_iter()
            .map(|(_, span)| (span.name, span.span_id))
            .filter(|(name, _)| name.starts_with("chat"))
            .collect();
        assert_eq!(ids.len(), CALLS, "{does}");
        assert_eq!(sink.delivered, distinct.len() as u64, "{does}");
        assert_eq!(sink.lost(), (CALLS - distinct.len()) as u64, "{does}");
        assert_eq!(sink.dead_lettered, sink.lost(), "{does}");
        writeln!(
            table,
            "| {does} | {} | {} | {} | {} |",
            distinct.len(),
            sink.delivered,
            sink.lost(),
            sink.pending
        )
        .unwrap();
    }
    println!("{table}");
    check_manual("otel.md", "ledger", &table);
}
