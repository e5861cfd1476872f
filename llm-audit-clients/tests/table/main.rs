//! Every protocol, unary and streaming, by every way in which a call can end: one event each, with what the server sent.
//! `cargo test -p llm-audit-clients --features reqwest-middleware --test table -- --nocapture` prints the table.
#![cfg(test)]

#[path = "../common/mod.rs"]
mod common;
mod protocols;
mod server;

use std::time::Duration;

use async_trait::async_trait;
use http::Extensions;
use llm_audit_clients::Capture;
use llm_audit_core::{Event, Kind, Status};
use protocols::{PROTOCOLS, Protocol};
use reqwest::{Request, Response};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Middleware, Next};
use server::{Answer, End, Server};

/// What a model says, in the pieces in which it comes.
const TEXTS: [&str; 4] = ["Dear \"Ada\",\n", "caf\u{e9} ", "\u{1F600} ", "done."];

/// How the call ends.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    Complete,
    /// The provider says why it does not answer.
    Error,
    /// The connection breaks off after a piece of the answer.
    Cut,
    /// Nobody waits for the rest of the answer.
    Cancelled,
    /// The provider is busy at first.
    Retried,
}

const WAYS: [Way; 5] = [
    Way::Complete,
    Way::Error,
    Way::Cut,
    Way::Cancelled,
    Way::Retried,
];

/// Tries once more when the provider is busy.
struct Again;

#[async_trait]
impl Middleware for Again {
    async fn handle(
        &self,
        request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> reqwest_middleware::Result<Response> {
        let again = request.try_clone();
        let answer = next.clone().run(request, extensions).await?;
        match again {
            Some(again) if answer.status() == 503 => next.run(again, extensions).await,
            _ => Ok(answer),
        }
    }
}

/// What the server answers, one for each connection.
fn answers(protocol: &Protocol, streams: bool, way: Way) -> Vec<Answer> {
    let (media_type, pieces) = protocol.answer(streams, &TEXTS);
    let busy = |status| Answer {
        status,
        media_type: "application/json",
        pieces: vec![protocol.error.as_bytes().to_vec()],
        end: End::Whole,
    };
    let answer = |end, pieces| Answer {
        status: 200,
        media_type,
        pieces,
        end,
    };
    // Of a stream the first two texts, of a whole answer half.
    let begun = || match streams {
        true => pieces.get(..protocol.before + 2).unwrap().to_vec(),
        false => vec![pieces[0][..pieces[0].len() / 2].to_vec()],
    };
    match way {
        Way::Complete => vec![answer(End::Whole, pieces)],
        Way::Error => vec![busy(429)],
        Way::Cut => vec![answer(End::Broken, begun())],
        Way::Cancelled => vec![answer(End::Held, begun())],
        Way::Retried => vec![busy(503), answer(End::Whole, pieces)],
    }
}

/// Asks, reads as a client does that goes this `way`, and returns the bytes that it got.
async fn ask(
    client: &ClientWithMiddleware,
    url: &str,
    protocol: &Protocol,
    streams: bool,
    way: Way,
    expected: usize,
) -> Vec<u8> {
    let path = protocol.path(streams);
    let request = client.post(format!("{url}{path}"));
    let request = protocol
        .headers
        .iter()
        .fold(request, |request, (name, value)| {
            request.header(*name, *value)
        });
    let request = request
        .header("content-type", "application/json")
        .body(protocol.request(streams));
    let mut answer = request.send().await.unwrap();
    let mut got = Vec::new();
    while way != Way::Cancelled || got.len() < expected {
        match answer.chunk().await {
            Ok(Some(chunk)) => got.extend_from_slice(&chunk),
            Ok(None) | Err(_) => break,
        }
    }
    got
}

/// What an event must say.
struct Expected {
    status: Status,
    http: u64,
    tokens: Option<(u64, u64)>,
    /// Where the tokens are from.
    source: Option<&'static str>,
    text: String,
}

fn expected(protocol: &Protocol, streams: bool, way: Way) -> Expected {
    let (status, http) = match way {
        Way::Complete | Way::Retried => (Status::Ok, 200),
        Way::Error => (Status::Error, 429),
        Way::Cut => (Status::Error, 200),
        Way::Cancelled => (Status::Cancelled, 200),
    };
    let texts: &[&str] = match (way, streams) {
        _ if !protocol.has_text => &[],
        (Way::Complete | Way::Retried, _) => &TEXTS,
        (Way::Cut | Way::Cancelled, true) => &TEXTS[..2],
        // Of half a document nothing is read.
        _ => &[],
    };
    let (tokens, source) = match way {
        Way::Complete | Way::Retried => (Some(protocol.tokens), Some("provider")),
        Way::Cut | Way::Cancelled if streams => {
            let tokens = protocol.tokens_at_first;
            (tokens, tokens.map(|_| "partial"))
        }
        _ => (None, None),
    };
    Expected {
        status,
        http,
        tokens,
        source,
        text: texts.concat(),
    }
}

#[tokio::test]
async fn every_protocol_and_every_way_is_one_event_with_what_the_server_sent() {
    println!(
        "{:<20} {:<7} {:<10} {:>6} {:<10} {:>4} {:>8} {:>8} {:<5}",
        "protocol", "answer", "way", "events", "status", "http", "tokens", "bytes", "text"
    );
    let mut rows = 0;
    for protocol in PROTOCOLS {
        for streams in [false, true] {
            if streams && protocol.stream.is_none() {
                continue;
            }
            for way in WAYS {
                row(protocol, streams, way).await;
                rows += 1;
            }
        }
    }
    println!("{rows} rows, each one event as expected");
}

/// Plays one row, prints it, and checks it.
async fn row(protocol: &Protocol, streams: bool, way: Way) {
    let answers = answers(protocol, streams, way);
    let sent: Vec<u8> = answers.last().unwrap().pieces.concat();
    let tries = answers.len();
    let server = Server::start(answers);
    let (log, probe) = common::log();
    let client = ClientBuilder::new(common::http())
        .with(Capture::new(&log))
        .with(Again)
        .build();
    let got = ask(&client, &server.url, protocol, streams, way, sent.len()).await;
    // Meanwhile the client closes its connection.
    let requests = tokio::task::spawn_blocking(|| server.end());
    let requests = requests.await.unwrap();
    assert!(log.shutdown(Duration::from_secs(30)).is_complete());
    let events = probe.kind(Kind::Interaction);
    let event = &events[0];
    let row = format!(
        "{} {} {way:?}",
        protocol.name,
        if streams { "stream" } else { "unary" }
    );
    let tokens = (event.input_tokens(), event.output_tokens());
    let text = event.response().unwrap_or_default();
    let expected = expected(protocol, streams, way);
    let shown = |tokens| match tokens {
        (Some(input), Some(output)) => format!("{input}+{output}"),
        (None, None) => "-".to_owned(),
        half => format!("{half:?}"),
    };
    println!(
        "{:<20} {:<7} {:<10} {:>6} {:<10} {:>4} {:>8} {:>8} {:<5}",
        protocol.name,
        if streams { "stream" } else { "unary" },
        format!("{way:?}").to_lowercase(),
        events.len(),
        event.status().unwrap().to_string(),
        event.http_status().unwrap_or_default(),
        shown(tokens),
        got.len(),
        if text == expected.text {
            "equal"
        } else {
            "other"
        },
    );
    assert_eq!(events.len(), 1, "{row}");
    assert_eq!(got, sent, "{row}: the client got what the server sent");
    assert_eq!(requests.len(), tries, "{row}");
    for request in requests {
        assert_eq!(
            request,
            protocol.request(streams),
            "{row}: the request is not changed"
        );
    }
    assert_eq!(event.status(), Some(expected.status), "{row}");
    assert_eq!(event.http_status(), Some(expected.http), "{row}");
    // Each half for itself: none of them may be made up.
    let (input, output) = expected.tokens.unzip();
    assert_eq!(tokens, (input, output), "{row}");
    let total = expected.tokens.map(|(input, output)| input + output);
    assert_eq!(event.total_tokens(), total, "{row}");
    assert_eq!(event.usage_source(), expected.source, "{row}");
    assert_eq!(text, expected.text, "{row}");
    assert_eq!(event.prompt().as_deref(), Some("Why?"), "{row}");
    assert_eq!(event.provider(), Some(protocol.provider), "{row}");
    check_model(event, protocol, &row);
}

fn check_model(event: &Event, protocol: &Protocol, row: &str) {
    assert_eq!(
        event.operation().unwrap().to_string(),
        protocol.operation,
        "{row}"
    );
    assert_eq!(event.request_model(), Some("small"), "{row}");
}
