//! The sink keeps the contract of sinks, in both forms that can be read back.

use llm_audit_core::Event;
use llm_audit_core::testing::conformance;

use super::server::{Do, Server};
use crate::http::{Compression, Endpoint, HttpConfig, HttpSink, JsonArray};

fn lines(server: &Server) -> Vec<Event> {
    let bodies = server.requests().into_iter().map(|request| request.body);
    let lines = bodies.collect::<Vec<_>>().concat();
    let lines = lines.split(|byte| *byte == b'\n');
    let lines = lines.filter(|line| !line.is_empty());
    lines.map(|line| Event::from_json(line).unwrap()).collect()
}

fn elements(server: &Server) -> Vec<Event> {
    let mut events = Vec::new();
    for request in server.requests() {
        let gzip = &mut flate2::read::GzDecoder::new(&*request.body);
        let array: Vec<Box<serde_json::value::RawValue>> = serde_json::from_reader(gzip).unwrap();
        events.extend(
            array
                .iter()
                .map(|event| Event::from_json(event.get().as_bytes()).unwrap()),
        );
    }
    events
}

#[test]
fn json_lines_keep_the_contract() {
    conformance::check(|| {
        let server = Server::new([]);
        (HttpSink::new(server.url()).unwrap(), move || lines(&server))
    });
}

#[test]
fn a_compressed_array_keeps_the_contract() {
    conformance::check(|| {
        let server = Server::new([]);
        let endpoint = Endpoint::new(server.url()).compression(Compression::Gzip);
        let sink = HttpSink::with(HttpConfig::new(endpoint).format(JsonArray)).unwrap();
        (sink, move || elements(&server))
    });
}

#[test]
fn errors_hold_no_content_whatever_the_receiver_says() {
    // One that sends back what it was sent.
    let echo = "the prompt `kolibradu-content` is not allowed";
    for status in [200, 302, 400, 401, 413, 429, 500] {
        let answer = Do::with(status, "Content-Type: text/html\r\n", echo.as_bytes());
        let server = Server::new([]).otherwise(answer);
        conformance::check_errors(move || HttpSink::new(server.url()).unwrap());
    }
}
