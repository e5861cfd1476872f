//! The example `export` sends a journal as a whole, and nothing of it twice.
#![cfg(test)]

use std::collections::BTreeMap;
use std::env;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use llm_audit::{Event, Operation, Policy, Preset, builder, journal};

const LONG: Duration = Duration::from_secs(30);

/// Bodies by their idempotency key, with how often each came.
type Received = Arc<Mutex<BTreeMap<String, (usize, Vec<u8>)>>>;

/// Takes every request, but for those that `refuse` is left for.
fn receiver(refuse: Arc<Mutex<usize>>) -> (String, Received) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let received: Received = Arc::default();
    let kept = Arc::clone(&received);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let mut head = BTreeMap::new();
            let mut line = String::new();
            while stream.read_line(&mut line).unwrap() > 2 {
                if let Some((name, value)) = line.split_once(':') {
                    head.insert(name.to_ascii_lowercase(), value.trim().to_owned());
                }
                line.clear();
            }
            assert_eq!(head["x-team"], "red");
            let mut body = vec![0; head["content-length"].parse().unwrap()];
            stream.read_exact(&mut body).unwrap();
            let mut refuse = refuse.lock().unwrap();
            let status = if *refuse > 0 { 503 } else { 200 };
            *refuse = refuse.saturating_sub(1);
            if status == 200 {
                let mut kept = kept.lock().unwrap();
                let entry = kept.entry(head["idempotency-key"].clone());
                let (times, first) = entry.or_insert((0, body.clone()));
                *times += 1;
                assert_eq!(*first, body);
            }
            let answer =
                format!("HTTP/1.1 {status} Said\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
            stream.get_mut().write_all(answer.as_bytes()).unwrap();
        }
    });
    (url, received)
}

/// Writes calls to the journal as one start of a program does.
fn record(dir: &Path, calls: usize) {
    let log = builder().policy(Policy::preset(Preset::Operations).unwrap());
    let audit = log.journal(dir).spawn().unwrap();
    for _ in 0..calls {
        audit.begin(Operation::Chat).finish();
    }
    assert!(audit.shutdown(LONG).is_complete());
}

/// The example. `cargo test` has built it, but `cargo test --tests` has not.
fn program() -> PathBuf {
    let deps = env::current_exe().unwrap();
    let program = deps.ancestors().nth(2).unwrap().join("examples/export");
    if !program.exists() {
        let mut build = Command::new(env!("CARGO"));
        build.args([
            "build",
            "--quiet",
            "--example",
            "export",
            "--features",
            "otlp",
        ]);
        if !cfg!(debug_assertions) {
            build.arg("--release");
        }
        assert!(build.status().unwrap().success());
    }
    program
}

fn export(dir: &Path, to: [&str; 2], state: &str) -> String {
    let run = run(dir, to, state);
    assert!(run.status.success(), "{run:?}");
    String::from_utf8(run.stdout).unwrap()
}

fn run(dir: &Path, to: [&str; 2], state: &str) -> Output {
    Command::new(program())
        .args(to)
        .args(["--header", "x-team=red", "--journal"])
        .arg(dir.join("log"))
        .arg("--state")
        .arg(dir.join(state))
        .output()
        .unwrap()
}

#[test]
fn each_receiver_is_sent_the_journal_once() {
    let temp = tempfile::tempdir().unwrap();
    record(&temp.path().join("log"), 30);
    let (first, _) = receiver(Arc::default());
    let (second, received) = receiver(Arc::default());
    let elsewhere = format!("{first}another/project");
    let receivers = [
        ("--http", &first),
        ("--http", &second),
        ("--http", &elsewhere),
        ("--otlp", &first),
    ];
    for (kind, url) in receivers {
        let said = export(temp.path(), [kind, url], "state.json");
        assert!(said.contains("known before 0, rejected 0"), "{said}");
    }
    assert!(!received.lock().unwrap().is_empty());
    for (kind, url) in receivers {
        let said = export(temp.path(), [kind, url], "state.json");
        assert!(
            !said.contains("known before 0,") && said.contains("rejected 0, left 0"),
            "{said}"
        );
    }
    let state = std::fs::read_to_string(temp.path().join("state.json")).unwrap();
    assert!(
        !state.contains("red") && !state.contains("project"),
        "{state}"
    );
    // A state of before does not say for whom it is: nothing is taken as sent, and nothing is sent.
    let old = r#"{"01010101-0101-0101-0101-010101010101":7}"#;
    std::fs::write(temp.path().join("old.json"), old).unwrap();
    let run = run(temp.path(), ["--http", &first], "old.json");
    assert!(!run.status.success());
    assert!(String::from_utf8_lossy(&run.stderr).contains("another --state"));
}

#[test]
fn a_journal_is_sent_once_however_often_it_is_exported() {
    let temp = tempfile::tempdir().unwrap();
    let log = temp.path().join("log");
    record(&log, 1_500);
    record(&log, 20);
    let count = || {
        let events = journal::Reader::open(&log).unwrap().events();
        // What has no number tells of files and is no sink's business.
        let is_sent = |event: &Event| event.seq().is_some();
        events.map(Result::unwrap).filter(is_sent).count()
    };
    let (url, received) = receiver(Arc::new(Mutex::new(2)));
    let mut known = 0;
    for run in 0..4 {
        if run == 2 {
            record(&log, 7);
        }
        let said = export(temp.path(), ["--http", &url], "state.json");
        // Each run is in the journal too, and is sent.
        let new = count() - known;
        assert!(new < 100 || run == 0, "{new}");
        let expected = format!("delivered {new}, known before {known}, rejected 0, left 0\n");
        assert_eq!(said, expected);
        known += new;
    }
    let received = received.lock().unwrap();
    assert!(received.values().all(|(times, _)| *times == 1));
    let mut ids = BTreeMap::new();
    for (_, body) in received.values() {
        for line in body
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
        {
            *ids.entry(Event::from_json(line).unwrap().event_id())
                .or_insert(0) += 1;
        }
    }
    assert_eq!(ids.len(), known);
    assert!(ids.values().all(|times| *times == 1));
}

#[test]
fn spans_of_a_journal_are_the_same_however_often_it_is_exported() {
    let temp = tempfile::tempdir().unwrap();
    record(&temp.path().join("log"), 700);
    let (url, received) = receiver(Arc::default());
    // The second run goes on where the first was; the third has forgotten what was sent, and every
    // request that comes again has the same bytes.
    let runs = [
        ("state.json", 700..),
        ("state.json", 1..),
        ("other.json", 700..),
    ];
    for (run, (state, expected)) in runs.into_iter().enumerate() {
        let said = export(temp.path(), ["--otlp", &url], state);
        let sent = said
            .split([' ', ','])
            .nth(1)
            .unwrap()
            .parse::<usize>()
            .unwrap();
        assert!(
            expected.contains(&sent) && (run != 1 || sent < 100),
            "{said}"
        );
        assert!(said.ends_with("rejected 0, left 0\n"), "{said}");
    }
    let received = received.lock().unwrap();
    let again = received.values().filter(|(times, _)| *times == 2);
    assert!(again.count() >= 2);
    assert!(received.keys().all(|key| key.ends_with("-traces")));
}
