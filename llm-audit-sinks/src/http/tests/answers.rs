//! Every answer has the outcome that `docs/http.md` says; the tables there are what this prints.

use std::env;
use std::fs;
use std::net::TcpListener;
use std::path::Path;

use llm_audit_core::{Durable, SinkError};

use super::server::{Do, Server};
use super::{batch, fate, formats, sink, tls, write};
use crate::http::Endpoint;

/// What a receiver did, and what became of the events.
pub(crate) struct Row {
    receiver: String,
    expected: &'static str,
    result: Result<Durable, SinkError>,
}

impl Row {
    pub(crate) fn new(
        receiver: impl Into<String>,
        expected: &'static str,
        result: Result<Durable, SinkError>,
    ) -> Self {
        Self {
            receiver: receiver.into(),
            expected,
            result,
        }
    }

    /// Says how the outcome differs from the expected one, if it does.
    pub(crate) fn broken(&self) -> Option<String> {
        let (found, told) = (fate(&self.result), self.told());
        let Self {
            receiver, expected, ..
        } = self;
        (found != *expected).then(|| format!("{receiver}: {found}, not {expected}: {told}"))
    }

    /// What is told of it, without what differs from run to run.
    fn told(&self) -> String {
        let Err(error) = &self.result else {
            return String::new();
        };
        let text = error.to_string();
        match text.split_once(' ') {
            Some((_, rest)) if text.starts_with("http") => format!("… {rest}"),
            _ => text,
        }
    }
}

const HTML: &[u8] = b"\r\n<!DOCTYPE html><title>Log in</title>";

fn statuses() -> Vec<Row> {
    let mut rows = Vec::new();
    for (statuses, expected) in [
        (&[200, 201, 202, 204][..], "delivered"),
        (&[207], "paused"),
        (&[301, 302, 303, 307, 308], "paused"),
        (&[400, 422], "divided"),
        (&[401, 402, 403, 407], "paused"),
        (&[404, 405, 410, 415, 421, 426, 431], "paused"),
        (&[413], "divided"),
        (&[408, 409, 423, 425, 429], "retried"),
        (&[418, 499], "divided"),
        (&[500, 502, 503, 504, 520], "retried"),
        (&[501, 505, 511], "paused"),
    ] {
        for status in statuses {
            let server = Server::new([Do::status(*status)]);
            let result = write(&mut sink(Endpoint::new(server.url())), &batch());
            rows.push(Row::new(format!("answers {status}"), expected, result));
        }
    }
    rows
}

fn bodies() -> Vec<Row> {
    let json = "Content-Type: application/json\r\n";
    let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    let chunk = [b"10000\r\n", "x".repeat(0x10000).as_bytes(), b"\r\n"].concat();
    let half = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf";
    let cases = [
        ("200 and JSON", "delivered", Do::json(200, "{}")),
        (
            "200 and a page of HTML",
            "paused",
            Do::with(200, "Content-Type: text/html; charset=utf-8\r\n", b""),
        ),
        (
            "200 and HTML that calls itself JSON",
            "paused",
            Do::with(200, json, HTML),
        ),
        (
            "200 and more than 1 MiB: the rest is not read",
            "delivered",
            Do::Flood(head, chunk),
        ),
        (
            "200 and half an answer",
            "retried",
            Do::AnswerAndClose(half.to_vec()),
        ),
        (
            "no HTTP",
            "retried",
            Do::AnswerAndClose(b"220 mail.example.org ESMTP\r\n".to_vec()),
        ),
        (
            "a header without an end",
            "retried",
            Do::Flood(b"HTTP/1.1 200 OK\r\nx: ".to_vec(), vec![b'x'; 0x10000]),
        ),
        (
            "a byte now and then",
            "retried",
            Do::Drip(b"HTTP/1.1 200 OK\r\nx: y\r\n".to_vec()),
        ),
        (
            "nothing, for longer than the time-out",
            "retried",
            Do::Silence,
        ),
        (
            "closes the connection when it has the request",
            "retried",
            Do::Close,
        ),
        (
            "resets the connection when it has the request",
            "retried",
            Do::Reset,
        ),
        ("resets the connection before", "retried", Do::ResetEarly),
    ];
    let answered = cases.map(|(receiver, expected, action)| {
        let server = Server::new([]).otherwise(action);
        let result = write(&mut sink(Endpoint::new(server.url())), &batch());
        Row::new(receiver, expected, result)
    });
    answered.into()
}

fn networks() -> Vec<Row> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let refused = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let nobody = Endpoint::new("http://receiver.invalid/").danger_plaintext();
    vec![
        Row::new(
            "takes no connection",
            "retried",
            write(&mut sink(Endpoint::new(refused)), &batch()),
        ),
        Row::new(
            "has a name that nobody knows",
            "retried",
            write(&mut sink(nobody), &batch()),
        ),
    ]
}

#[test]
fn every_answer_has_the_outcome_that_the_manual_says() {
    let mut broken = Vec::new();
    for (name, rows) in [
        ("statuses", statuses()),
        ("answers", bodies().into_iter().chain(networks()).collect()),
        ("tls", tls::rows()),
        ("formats", formats::rows()),
    ] {
        for row in &rows {
            broken.extend(row.broken());
        }
        check_manual("http.md", name, &table(name, &rows));
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

pub(crate) fn table(name: &str, rows: &[Row]) -> String {
    let mut text =
        String::from("\n| the receiver | the events are | what is told |\n|---|---|---|\n");
    let mut rest = rows.iter().peekable();
    while let Some(row) = rest.next() {
        let mut receiver = row.receiver.clone();
        // Statuses that are told alike share a line.
        while let Some(next) = rest.peek().filter(|_| name == "statuses") {
            let is_alike = |a: &Row, b: &Row| {
                let words = |row: &Row| row.told().splitn(4, ' ').nth(3).map(str::to_owned);
                a.expected == b.expected && words(a) == words(b)
            };
            if !is_alike(row, next) {
                break;
            }
            receiver.push_str(&next.receiver.replace("answers", ","));
            rest.next();
        }
        let told = match name {
            "statuses" => row
                .told()
                .splitn(4, ' ')
                .nth(3)
                .unwrap_or_default()
                .to_owned(),
            // What systems say differs, and so do names and times in certificates.
            "answers" if !row.told().contains("answered") => {
                row.told().split(": ").next().unwrap_or_default().to_owned()
            }
            "tls" => row
                .told()
                .splitn(4, ": ")
                .take(3)
                .collect::<Vec<_>>()
                .join(": "),
            _ => row.told(),
        };
        let receiver = receiver.replace(" ,", ",");
        text.push_str(&format!("| {receiver} | {} | {told} |\n", row.expected));
    }
    text
}

/// Compares a table with the manual's, or writes it there when `LLM_AUDIT_BLESS` is set.
pub(crate) fn check_manual(page: &str, name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../docs")
        .join(page);
    let manual = fs::read_to_string(&path).unwrap();
    let (begin, end) = (
        format!("<!-- {name} -->\n"),
        format!("<!-- end of {name} -->"),
    );
    let (before, rest) = manual.split_once(&begin).unwrap();
    let (old, after) = rest.split_once(&end).unwrap();
    #[expect(
        clippy::disallowed_methods,
        reason = "the documents are written on demand"
    )]
    let is_blessed = env::var_os("LLM_AUDIT_BLESS").is_some();
    if is_blessed {
        let new = [before, &begin, text, "\n", &end, after].concat();
        fs::write(&path, new).unwrap();
        return;
    }
    assert_eq!(
        old.trim(),
        text.trim(),
        "docs/{page}, {name}: run with LLM_AUDIT_BLESS=1"
    );
}
