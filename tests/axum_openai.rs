//! The example `axum_openai` records what two tenants ask, as their policies say, what they say of the answer, and
//! ends in order.
#![cfg(test)]

use std::env;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;

use llm_audit::{Event, Kind, Status, journal};

const ANSWER: &str = r#"{"id":"c-1","object":"chat.completion","created":1,"model":"small-1","choices":[{"index":0,"message":{"role":"assistant","content":"So."},"finish_reason":"stop"}],"usage":{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7}}"#;

/// Reads a request or an answer: its head, and its body.
fn message(stream: &mut impl BufRead) -> (String, String) {
    let (mut head, mut length) = (String::new(), 0);
    while stream.read_line(&mut head).unwrap() > 2 {
        let line = head.lines().last().unwrap().to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    (head, String::from_utf8(body).unwrap())
}

/// Starts a model that gives the same answer to everything but to who asks it to wait.
fn upstream() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let (_, asked) = message(&mut stream);
            if asked.contains("wait") {
                thread::spawn(move || stream.read_line(&mut String::new()));
                continue;
            }
            let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close";
            let answer = format!("{head}\r\ncontent-length: {}\r\n\r\n{ANSWER}", ANSWER.len());
            stream.get_mut().write_all(answer.as_bytes()).unwrap();
        }
    });
    url
}

/// The example. `cargo test` has built it, but `cargo test --tests` has not.
fn program() -> PathBuf {
    let deps = env::current_exe().unwrap();
    let program = deps
        .ancestors()
        .nth(2)
        .unwrap()
        .join("examples/axum_openai");
    if !program.exists() {
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--quiet", "--example", "axum_openai"]);
        build.args(["--features", "axum,async-openai,toml"]);
        if !cfg!(debug_assertions) {
            build.arg("--release");
        }
        assert!(build.status().unwrap().success());
    }
    program
}

struct Service(Child, BufReader<std::process::ChildStdout>, String);

impl Service {
    fn start(directory: &std::path::Path) -> Self {
        let policy = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/examples/axum_openai/policy.toml"
        );
        let mut child = Command::new(program())
            .args([
                "--listen",
                "127.0.0.1:0",
                "--upstream",
                &upstream(),
                "--policy",
                policy,
            ])
            .args(["--seconds", "120", "--grace", "1", "--dir"])
            .arg(directory)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        let address = line.trim().rsplit('/').next().unwrap().to_owned();
        Self(child, out, address)
    }

    fn post(&self, path: &str, headers: &str, body: &str) -> (String, String) {
        let mut stream = BufReader::new(TcpStream::connect(&self.2).unwrap());
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n{headers}\r\n{body}",
            body.len()
        );
        stream.get_mut().write_all(request.as_bytes()).unwrap();
        message(&mut stream)
    }

    /// Ends the service as a platform does, and returns what it said last.
    fn end(mut self) -> String {
        let id = self.0.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &id])
                .status()
                .unwrap()
                .success()
        );
        let mut said = String::new();
        self.1.read_to_string(&mut said).unwrap();
        assert!(self.0.wait().unwrap().success(), "{said}");
        said
    }
}

#[test]
fn two_tenants_a_thumb_and_an_orderly_end() {
    let directory = tempfile::tempdir().unwrap();
    let service = Service::start(directory.path());
    let question = r#"{"text":"Write to ada@example.org"}"#;
    let acme = "x-user: u-17\r\nx-tenant: acme\r\n";
    let internal = format!("{acme}x-classification: internal\r\n");
    let (head, body) = service.post("/chat", &internal, question);
    assert!(
        head.starts_with("HTTP/1.1 200") && body == r#"{"text":"So."}"#,
        "{head}{body}"
    );
    let id = head
        .lines()
        .find_map(|line| line.strip_prefix("x-audit-event-id: "));
    let feedback = format!("/feedback/{}", id.unwrap());
    let (said, _) = service.post(&feedback, acme, r#"{"thumb":"up"}"#);
    assert!(said.starts_with("HTTP/1.1 204"), "{said}");
    let (said, _) = service.post("/feedback/none", acme, r#"{"thumb":"up"}"#);
    assert!(said.starts_with("HTTP/1.1 400"), "{said}");
    service.post("/chat", "x-user: u-18\r\nx-tenant: other\r\n", question);
    service.post(
        "/chat",
        &format!("{acme}x-classification: confidential\r\n"),
        question,
    );
    // Without a label nothing of what is said is kept.
    service.post("/chat", acme, question);
    let said = service.end();
    assert!(said.contains("lost 0 + pending 0"), "{said}");

    let events = journal::Reader::open(directory.path()).unwrap().events();
    let events: Vec<_> = events.map(Result::unwrap).collect();
    let of = |kind: Kind| -> Vec<&Event> { events.iter().filter(|e| *e.kind() == kind).collect() };
    let calls = of(Kind::Interaction);
    let prompts: Vec<_> = calls.iter().map(|call| call.prompt()).collect();
    assert_eq!(
        prompts,
        [Some("Write to [EMAIL]".to_owned()), None, None, None]
    );
    assert_eq!(calls[0].event_id().to_string(), id.unwrap());
    for (call, user) in calls.iter().zip(["u-17", "u-18", "u-17", "u-17"]) {
        assert_eq!(call.user_id(), Some(user));
        assert_eq!(call.endpoint(), Some("POST /chat"));
        assert_eq!(call.total_tokens(), Some(7));
        assert_eq!(call.client_address(), Some("127.0.0.1"));
        assert_eq!(call.training_allowed(), Some(false));
    }
    assert_eq!(of(Kind::Feedback)[0].target_event_id(), id);
    assert_eq!(of(Kind::Feedback)[0].feedback_thumb(), Some("up"));
}

#[test]
fn what_is_cut_off_at_the_end_is_in_the_log_as_cancelled() {
    let directory = tempfile::tempdir().unwrap();
    let service = Service::start(directory.path());
    let mut stream = TcpStream::connect(&service.2).unwrap();
    let body = r#"{"text":"wait"}"#;
    let head = "POST /chat HTTP/1.1\r\nhost: a\r\nx-tenant: acme\r\ncontent-type: application/json";
    let request = format!("{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    stream.write_all(request.as_bytes()).unwrap();
    // It has been asked once its intent is in the log.
    let asked = || {
        let reader = journal::Reader::open(directory.path());
        let events = reader.into_iter().flat_map(|reader| reader.events());
        let mut kinds = events.map_while(Result::ok);
        kinds.any(|event| *event.kind() == Kind::PromptSent)
    };
    while !asked() {
        thread::sleep(std::time::Duration::from_millis(20));
    }
    let said = service.end();
    assert!(
        said.contains("cut off") && said.contains("lost 0 + pending 0"),
        "{said}"
    );
    assert_eq!(stream.read_to_end(&mut Vec::new()).unwrap_or_default(), 0);
    let events = journal::Reader::open(directory.path()).unwrap().events();
    let events: Vec<_> = events.map(Result::unwrap).collect();
    let call = events
        .iter()
        .find(|event| *event.kind() == Kind::Interaction);
    assert_eq!(call.unwrap().status(), Some(Status::Cancelled));
}
