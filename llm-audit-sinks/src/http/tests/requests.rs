//! What requests say, and what they never do.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use llm_audit_core::Sink;
use sha2::Sha256;

use super::server::{Do, Request, Server};
use super::{batch, config, fate, runtime, sink, tls, write};
use crate::http::{Compression, Endpoint, HttpSink, Outcome};

fn sent(endpoint: impl FnOnce(Endpoint) -> Endpoint) -> Request {
    let server = Server::new([]);
    let result = write(&mut sink(endpoint(Endpoint::new(server.url()))), &batch());
    assert_eq!(fate(&result), "delivered", "{result:?}");
    server.requests().remove(0)
}

#[test]
fn a_request_says_what_it_is_and_whose() {
    let request = sent(|endpoint| endpoint.header("X-Team", "red").bearer("t0ken"));
    assert_eq!(request.line, "POST /events?key=url-secret HTTP/1.1");
    let key = batch().idempotency_key();
    for (name, value) in [
        ("content-type", "application/x-ndjson"),
        ("idempotency-key", &key),
        ("authorization", "Bearer t0ken"),
        ("x-team", "red"),
        (
            "user-agent",
            concat!("llm-audit/", env!("CARGO_PKG_VERSION")),
        ),
    ] {
        assert_eq!(request.header(name), Some(value));
    }
    assert_eq!(request.body, batch().json_lines());
    for absent in [
        "content-encoding",
        "accept-encoding",
        "cookie",
        "referer",
        "webhook-id",
    ] {
        assert_eq!(request.header(absent), None, "{absent}");
    }
    let basic = sent(|endpoint| endpoint.basic("Aladdin", "open sesame"));
    let known = "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==";
    assert_eq!(basic.header("authorization"), Some(known));
    let splunk = sent(|endpoint| endpoint.authorization("Splunk", "B5A7"));
    assert_eq!(splunk.header("authorization"), Some("Splunk B5A7"));
}

#[test]
fn a_receiver_can_check_who_sent_the_bytes_that_came() {
    let key = b"0123456789abcdef0123456789abcdef";
    let request = sent(|endpoint| endpoint.signing_key(*key).compression(Compression::Gzip));
    let header = |name| request.header(name).unwrap();
    let (id, timestamp) = (header("webhook-id"), header("webhook-timestamp"));
    assert_eq!(id, header("idempotency-key"));
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(format!("{id}.{timestamp}.").as_bytes());
    mac.update(&request.body);
    let code = header("webhook-signature").strip_prefix("v1,").unwrap();
    mac.verify_slice(&STANDARD.decode(code).unwrap()).unwrap();
}

#[test]
fn the_ten_lines_of_the_manual_tell_a_genuine_request_from_another() {
    let key = b"0123456789abcdef0123456789abcdef";
    let request = sent(|endpoint| endpoint.signing_key(*key).compression(Compression::Gzip));
    let manual = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/http.md");
    let manual = fs::read_to_string(manual).unwrap();
    let (_, rest) = manual.split_once("```python\n").unwrap();
    let (lines, _) = rest.split_once("```").unwrap();
    let check = lines.lines().skip_while(|line| !line.starts_with("def "));
    assert!(check.count() <= 10);
    let names = ["webhook-id", "webhook-timestamp", "webhook-signature"];
    let headers = names.map(|name| (name, request.header(name).unwrap()));
    let headers: std::collections::BTreeMap<_, _> = headers.into();
    let (key, body) = (STANDARD.encode(key), STANDARD.encode(&request.body));
    let headers = serde_json::to_string(&headers).unwrap();
    let script = format!(
        "{lines}\nkey, body = base64.b64decode('{key}'), base64.b64decode('{body}')\n\
         headers = {headers}\nlater = dict(headers, **{{'webhook-timestamp': '1'}})\n\
         print(is_genuine(key, headers, body), is_genuine(key, headers, body + b'x'),\n\
         is_genuine(b'x' * 32, headers, body), is_genuine(key, later, body))"
    );
    let run = Command::new("python3").args(["-c", &script]).output();
    let Ok(run) = run else {
        println!("skipped: there is no python3");
        return;
    };
    let said = String::from_utf8_lossy(&run.stdout);
    assert_eq!(said.trim(), "True False False False", "{run:?}");
}

#[test]
fn a_batch_that_comes_again_has_the_same_key_and_the_same_bytes() {
    let script = [503, 429, 500].map(Do::status);
    let server = Server::new(script);
    let endpoint = Endpoint::new(server.url()).compression(Compression::Gzip);
    let mut sink = sink(endpoint);
    while write(&mut sink, &batch()).is_err() {}
    let requests = server.requests();
    assert_eq!(requests.len(), 4);
    let same = |request: &Request| {
        let first = &requests[0];
        let key = |request: &Request| request.header("idempotency-key").map(str::to_owned);
        request.body == first.body && key(request) == key(first)
    };
    assert!(requests.iter().all(same));
}

#[test]
fn one_call_is_one_request() {
    for action in [Do::Close, Do::Reset, Do::status(503), Do::status(302)] {
        let server = Server::new([]).otherwise(action);
        assert!(write(&mut sink(Endpoint::new(server.url())), &batch()).is_err());
        assert_eq!(server.requests().len(), 1);
    }
}

#[test]
fn a_redirect_is_not_followed() {
    let other = Server::new([]);
    for status in [301, 302, 303, 307, 308] {
        let location = format!("Location: {}\r\n", other.url());
        let server = Server::new([Do::with(status, &location, b"")]);
        let result = write(&mut sink(Endpoint::new(server.url())), &batch());
        assert_eq!(fate(&result), "paused", "{status}");
        let error = result.unwrap_err().to_string();
        assert!(error.contains("redirects are not followed"), "{error}");
    }
    assert!(other.requests().is_empty());
}

#[test]
fn a_receiver_that_asks_for_time_gets_it() {
    let date = "Date: Sun, 22 Nov 2026 04:00:00 GMT\r\n";
    for (status, asked, seconds) in [
        (429, "Retry-After: 7\r\n".to_owned(), Some(7)),
        (
            503,
            format!("{date}Retry-After: Sun, 22 Nov 2026 04:00:30 GMT\r\n"),
            Some(30),
        ),
        (
            429,
            format!("{date}Retry-After: Sunday, 22-Nov-26 04:01:00 GMT\r\n"),
            Some(60),
        ),
        (
            429,
            format!("{date}Retry-After: Sun Nov 22 04:02:00 2026\r\n"),
            Some(120),
        ),
        (429, "Retry-After: a while\r\n".to_owned(), None),
        (500, String::new(), None),
        // The pause of what somebody has to mend is not the server's to choose.
        (401, "Retry-After: 7200\r\n".to_owned(), None),
    ] {
        let server = Server::new([Do::with(status, &asked, b"")]);
        let error = write(&mut sink(Endpoint::new(server.url())), &batch()).unwrap_err();
        let after = format!("after: {:?}", seconds.map(Duration::from_secs));
        assert!(
            format!("{error:?}").contains(&after),
            "{status} {asked}: {error:?}"
        );
    }
}

#[test]
fn a_status_can_be_treated_otherwise() {
    let server = Server::new([]).otherwise(Do::status(403));
    let endpoint = Endpoint::new(server.url()).treat(403, Outcome::Divided);
    assert_eq!(fate(&write(&mut sink(endpoint), &batch())), "divided");
    let lie = Endpoint::new(server.url()).treat(503, Outcome::Delivered);
    assert!(HttpSink::new(lie).unwrap_err().is_configuration());
}

#[test]
fn an_answer_of_another_content_type_than_is_expected_delivers_nothing() {
    for (answer, expected) in [
        (Do::json(200, "{}"), "delivered"),
        (
            Do::with(
                200,
                "Content-Type: Application/JSON; charset=utf-8\r\n",
                b"{}",
            ),
            "delivered",
        ),
        (Do::status(204), "delivered"),
        (
            Do::with(200, "Content-Type: text/plain\r\n", b"ok"),
            "paused",
        ),
        (Do::with(200, "", b"ok"), "paused"),
    ] {
        let server = Server::new([answer]);
        let config = config(Endpoint::new(server.url())).expect_content_type("application/json");
        let result = write(&mut HttpSink::with(config).unwrap(), &batch());
        assert_eq!(fate(&result), expected, "{result:?}");
    }
}

#[test]
fn limits_are_those_that_were_asked_for() {
    let new = || config(Endpoint::new("http://127.0.0.1/"));
    let limits = |config| HttpSink::with(config).unwrap().limits();
    assert_eq!(limits(new()), Default::default());
    let small = limits(new().max_batch_events(0).max_batch_bytes(1_000));
    assert_eq!((small.max_batch_events, small.max_batch_bytes), (1, 1_000));
}

#[test]
fn a_receiver_that_closed_the_connection_meanwhile_gets_the_next_batch() {
    let server = Server::new([Do::AnswerAndClose(
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_vec(),
    )]);
    let mut sink = sink(Endpoint::new(server.url()));
    let runtime = runtime();
    assert_eq!(fate(&runtime.block_on(sink.write(&batch()))), "delivered");
    // The connection's end is there before the next request is.
    runtime.block_on(async { tokio::time::sleep(Duration::from_millis(50)).await });
    assert_eq!(fate(&runtime.block_on(sink.write(&batch()))), "delivered");
    assert_eq!(server.connections(), 2);
}

#[test]
fn what_the_sink_says_itself_cannot_be_said_for_it() {
    for name in [
        "Content-Type",
        "authorization",
        "Idempotency-Key",
        "Host",
        "webhook-signature",
    ] {
        let error = HttpSink::new(Endpoint::new("http://localhost/").header(name, "hunter2"));
        let error = error.unwrap_err();
        assert!(
            error.is_configuration() && !error.to_string().contains("hunter2"),
            "{error}"
        );
    }
    for (name, value) in [
        ("x y", "hunter2"),
        ("", "hunter2"),
        ("x", "hunter2\r\nx: y"),
    ] {
        let error = HttpSink::new(Endpoint::new("http://localhost/").header(name, value));
        assert!(!error.unwrap_err().to_string().contains("hunter2"));
    }
}

#[test]
fn a_proxy_is_used_when_it_is_asked_for() {
    let proxy = Server::new([]).otherwise(Do::status(200));
    let at = proxy.url_at("127.0.0.1").replace("/events", "");
    let endpoint = || Endpoint::new("http://logs.example.org/events").proxy(at.as_str());
    assert!(HttpSink::new(endpoint()).unwrap_err().is_configuration());
    let result = write(&mut sink(endpoint().danger_plaintext()), &batch());
    assert_eq!(fate(&result), "delivered", "{result:?}");
    let line = &proxy.requests()[0].line;
    assert_eq!(line, "POST http://logs.example.org/events HTTP/1.1");
    // By TLS the proxy learns the host alone.
    proxy.set_otherwise(Do::Close);
    let endpoint = Endpoint::new("https://logs.example.org/events").proxy(at);
    assert_eq!(
        fate(&write(
            &mut sink(endpoint.ca_pem(tls::server_and_ca().1)),
            &batch()
        )),
        "retried"
    );
    let line = proxy.requests().pop().unwrap().line;
    assert_eq!(line, "CONNECT logs.example.org:443 HTTP/1.1");
}

/// Tells the test below, in a process of its own, which receivers to talk to.
const TARGETS: &str = "LLM_AUDIT_TEST_TARGETS";

#[test]
fn the_environment_names_neither_a_proxy_nor_whom_to_trust() {
    #[expect(clippy::disallowed_methods, reason = "this is what is tested")]
    let targets = env::var(TARGETS);
    if let Ok(targets) = targets {
        let (plain, encrypted) = targets.split_once(' ').unwrap();
        let fate = |endpoint| fate(&write(&mut sink(endpoint), &batch()));
        assert_eq!(fate(Endpoint::new(plain)), "delivered");
        assert_eq!(fate(Endpoint::new(encrypted)), "paused");
        let asked = Endpoint::new(plain).danger_plaintext().proxy_from_env();
        assert_eq!(fate(asked), "delivered");
        return;
    }
    let (plain, proxy) = (Server::new([]), Server::new([]));
    let (encrypted, ca_pem) = tls::server_and_ca();
    let temp = tempfile::tempdir().unwrap();
    let ca_file = temp.path().join("ca.pem");
    fs::write(&ca_file, ca_pem).unwrap();
    let at = proxy.url_at("127.0.0.1");
    let run = Command::new(env::current_exe().unwrap())
        .args([
            "--exact",
            concat!(
                module_path!(),
                "::the_environment_names_neither_a_proxy_nor_whom_to_trust"
            )
            .split_once("::")
            .unwrap()
            .1,
        ])
        .env(
            TARGETS,
            format!("{} {}", plain.url(), encrypted.url_at("localhost")),
        )
        .envs(["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"].map(|name| (name, &at)))
        .envs(["SSL_CERT_FILE", "CURL_CA_BUNDLE"].map(|name| (name, &ca_file)))
        .env_remove("NO_PROXY")
        .env_remove("no_proxy")
        .output()
        .unwrap();
    let out = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success() && out.contains("1 passed"), "{out}");
    assert_eq!((plain.requests().len(), proxy.requests().len()), (1, 1));
}
