//! A provider that answers what a test says, piece by piece when the test says so.

#![allow(dead_code, reason = "each test uses what it needs")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use llm_audit_core::testing::{Probe, probe};
use llm_audit_core::{AuditGuard, Facet, Level, Policy, Preset, Retention};

pub(crate) const CHAT: &str = r#"{"model":"small","messages":[{"role":"user","content":"Why?"}]}"#;
pub(crate) const ANSWER: &str = r#"{"id":"c-1","object":"chat.completion","created":1,"model":"small-1","choices":[{"index":0,
    "message":{"role":"assistant","content":"So."},"finish_reason":"stop"}],
    "usage":{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7}}"#;
pub(crate) const PIECES: [&str; 3] = [
    "data: {\"id\":\"c-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"small-1\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"So\"}}]}\n\n",
    "data: {\"id\":\"c-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"small-1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\".\"},\"finish_reason\":\"stop\"}]}\n\n",
    "data: [DONE]\n\n",
];

/// An answer: a status, a media type, and the pieces of its body.
pub(crate) struct Answer(
    pub(crate) u16,
    pub(crate) &'static str,
    pub(crate) Vec<String>,
);

impl Answer {
    pub(crate) fn whole() -> Self {
        Self(200, "application/json", vec![ANSWER.to_owned()])
    }

    pub(crate) fn stream() -> Self {
        Self(200, "text/event-stream", PIECES.map(str::to_owned).to_vec())
    }
}

/// A provider, what it was asked, and what lets it send the next piece.
pub(crate) struct Provider {
    pub(crate) url: String,
    pub(crate) asked: Receiver<String>,
    pub(crate) next: Sender<()>,
}

/// Starts a provider that gives `answers`, one for each connection.
pub(crate) fn provider(answers: Vec<Answer>) -> Provider {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (ask, asked) = channel();
    let (next, wait) = channel();
    thread::spawn(move || {
        for answer in answers {
            let (stream, _) = listener.accept().unwrap();
            serve(stream, &answer, &ask, &wait);
        }
    });
    Provider { url, asked, next }
}

/// Sends the first piece at once, and each other when the test says so; no word more is the end of it.
fn serve(mut stream: TcpStream, answer: &Answer, ask: &Sender<String>, wait: &Receiver<()>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut request, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        request += &line;
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    request += &String::from_utf8(body).unwrap();
    ask.send(request).ok();
    let Answer(status, media_type, pieces) = answer;
    let head = format!(
        "HTTP/1.1 {status} x\r\ncontent-type: {media_type}\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).ok();
    for (at, piece) in pieces.iter().enumerate() {
        if at > 0 && wait.recv().is_err() {
            return;
        }
        let chunk = format!("{:x}\r\n{piece}\r\n", piece.len());
        stream.write_all(chunk.as_bytes()).ok();
    }
    stream.write_all(b"0\r\n\r\n").ok();
}

/// Returns a client of HTTP.
#[cfg(feature = "reqwest")]
pub(crate) fn http() -> reqwest::Client {
    // Other crates of the workspace ask reqwest for TLS, and leave it to the program whose.
    rustls::crypto::ring::default_provider()
        .install_default()
        .ok();
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// Starts a log that keeps prompts and answers.
pub(crate) fn log() -> (AuditGuard, Probe) {
    let policy = Policy::builder()
        .preset(Preset::Operations)
        .facet(Facet::Prompt, Level::Full)
        .facet(Facet::Response, Level::Full)
        .facet(Facet::User, Level::Full)
        .facet(Facet::ErrorDetail, Level::Full)
        .facet(Facet::Feedback, Level::Full)
        .facet(Facet::Training, Level::Full)
        .facet(Facet::Evaluation, Level::Full)
        .retention(Retention::Days30);
    probe(policy.build().unwrap()).unwrap()
}
