//! Tokens, passwords and keys are shown nowhere.

use std::fs;
use std::sync::mpsc;

use llm_audit_core::{Diagnostic, Operation, builder};

use super::server::{Do, Server};
use super::{LONG, SHORT, batch, hurry, policy, tls, write};
use crate::http::{Compression, Endpoint, HttpConfig, HttpSink, SplunkHec};

const SECRET: &str = "kolibradu";

fn loaded(url: String) -> Endpoint {
    Endpoint::new(url)
        .authorization(&format!("{SECRET}-scheme"), format!("{SECRET}-token"))
        .header("x-api-key", format!("{SECRET}-header"))
        .signing_key(format!("{SECRET}-key-of-a-signature"))
        .compression(Compression::Gzip)
        .request_timeout(SHORT)
}

fn assert_silent(what: &str, shown: &str) {
    assert!(!shown.contains(SECRET), "{what}: {shown}");
    // As it stands in a list of bytes, and in basic credentials.
    let bytes: Vec<_> = SECRET.bytes().map(|byte| byte.to_string()).collect();
    assert!(!shown.contains(&bytes.join(", ")), "{what}: {shown}");
    assert!(!shown.contains("url-secret"), "{what}: {shown}");
    assert!(!shown.contains("a29saWJyYWR1"), "{what}: {shown}");
}

#[test]
fn no_debug_output_shows_a_secret() {
    let (_, ca) = tls::server_and_ca();
    let secret = |what: &str| format!("{SECRET}-{what}");
    let endpoint = loaded(format!("https://localhost/{SECRET}?key=url-secret"));
    let with_proxy = endpoint
        .clone()
        .proxy(format!("http://{SECRET}:{SECRET}@localhost/"));
    let with_key = endpoint
        .clone()
        .client_pem("certificate", secret("private-key"));
    let basic = endpoint.clone().basic(SECRET, SECRET);
    for endpoint in [endpoint.clone(), with_proxy, with_key, basic] {
        assert_silent("endpoint", &format!("{endpoint:?} {endpoint:#?}"));
        let config = HttpConfig::new(endpoint.clone()).format(SplunkHec::new());
        assert_silent("configuration", &format!("{config:?} {config:#?}"));
        match HttpSink::new(endpoint.ca_pem(ca.as_str())) {
            Ok(sink) => assert_silent("sink", &format!("{sink:?} {sink:#?}")),
            Err(error) => assert_silent("error", &format!("{error} {error:?}")),
        }
    }
}

#[test]
fn no_error_of_a_request_shows_a_secret() {
    let echo = format!("Content-Type: text/{SECRET}\r\nLocation: /{SECRET}\r\n");
    for action in [
        Do::Close,
        Do::Reset,
        Do::Silence,
        Do::AnswerAndClose(format!("HTTP/1.1 {SECRET}\r\n\r\n").into_bytes()),
        Do::with(200, "Content-Type: text/html\r\n", SECRET.as_bytes()),
        Do::with(302, &echo, SECRET.as_bytes()),
        Do::with(400, &echo, SECRET.as_bytes()),
        Do::with(
            401,
            &format!("WWW-Authenticate: {SECRET}\r\n"),
            SECRET.as_bytes(),
        ),
        Do::with(
            429,
            &format!("Retry-After: {SECRET}\r\n"),
            SECRET.as_bytes(),
        ),
        Do::with(503, &echo, SECRET.as_bytes()),
    ] {
        let server = Server::new([]).otherwise(action);
        let mut sink = HttpSink::new(loaded(server.url())).unwrap();
        let error = write(&mut sink, &batch()).unwrap_err();
        assert_silent("error", &format!("{error} {error:?}"));
    }
    for url in ["http://localhost:9/", "https://localhost:9/"] {
        let url = format!("{url}{SECRET}?key=url-secret");
        let (_, ca) = tls::server_and_ca();
        let mut sink = HttpSink::new(loaded(url).ca_pem(ca)).unwrap();
        let error = write(&mut sink, &batch()).unwrap_err();
        assert_silent("error", &format!("{error} {error:?}"));
    }
}

#[test]
fn neither_the_log_nor_what_it_tells_holds_a_secret() {
    let temp = tempfile::tempdir().unwrap();
    let server = Server::new([400, 401, 503].map(Do::status));
    let (send, told) = mpsc::channel::<Diagnostic>();
    let audit = builder()
        .policy(policy())
        .journal(temp.path())
        .on_diagnostic(move |diagnostic| drop(send.send(diagnostic.clone())))
        .sink(HttpSink::new(loaded(server.url())).unwrap())
        .spawn()
        .unwrap();
    while server.requests().len() < 4 {
        audit.begin(Operation::Chat).finish();
        hurry(&audit);
    }
    let report = audit.shutdown(LONG);
    assert_silent("report", &format!("{report} {report:?}"));
    let told: Vec<_> = told.try_iter().collect();
    assert!(told.len() >= 2, "{told:?}");
    assert_silent("diagnostics", &format!("{told:?}"));
    let mut dirs = vec![temp.path().to_owned()];
    let mut files = 0;
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir).unwrap().flatten() {
            if entry.file_type().unwrap().is_dir() {
                dirs.push(entry.path());
            } else {
                files += 1;
                let content = fs::read(entry.path()).unwrap();
                assert_silent("file", &String::from_utf8_lossy(&content));
            }
        }
    }
    assert!(files > 0);
}
