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

use llm_audit::{Event, EventId, Kind, Operation, Policy, Preset, builder, journal};

const LONG: Duration = Duration::from_secs(30);

/// Bodies by their idempotency key, with how often each came.
type Received = Arc<Mutex<BTreeMap<String, (usize, Vec<u8>)>>>;

/// Takes every request, but for those that `refuse` is left for.
fn receiver(refuse: Arc<Mutex<usize>>) -> (String, Received) {
    receiver_that(move |_| {
        let mut refuse = refuse.lock().unwrap();
        let status = if *refuse > 0 { 503 } else { 200 };
        *refuse = refuse.saturating_sub(1);
        status
    })
}

/// Answers each body with the status that `judge` gives it, and keeps what it took.
fn receiver_that(judge: impl Fn(&[u8]) -> u16 + Send + 'static) -> (String, Received) {
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
            assert!(["red", "blue"].contains(&head["x-team"].as_str()));
            let mut body = vec![0; head["content-length"].parse().unwrap()];
            stream.read_exact(&mut body).unwrap();
            let status = judge(&body);
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
    run_as("x-team=red", dir, to, state)
}

fn run_as(header: &str, dir: &Path, to: [&str; 2], state: &str) -> Output {
    Command::new(program())
        .args(to)
        .args(["--header", header, "--journal"])
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
    // Another header is another project at the same address; a file keeps its value out of sight.
    std::fs::write(temp.path().join("team"), "blue\n").unwrap();
    let header = format!("x-team=@{}", temp.path().join("team").display());
    let said = run_as(&header, temp.path(), ["--http", &first], "state.json");
    let said = String::from_utf8(said.stdout).unwrap();
    assert!(
        said.contains("known before 0, rejected 0, left 0"),
        "{said}"
    );
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
    let ids = ids(&received);
    assert_eq!(ids.len(), known);
    assert!(ids.values().all(|times| *times == 1));
}

fn lines(body: &[u8]) -> impl Iterator<Item = &[u8]> {
    let lines = body.split(|byte| *byte == b'\n');
    lines.filter(|line| !line.is_empty())
}

/// How often each event was taken.
fn ids(received: &BTreeMap<String, (usize, Vec<u8>)>) -> BTreeMap<EventId, usize> {
    let mut ids = BTreeMap::new();
    for (times, body) in received.values() {
        for line in lines(body) {
            *ids.entry(Event::from_json(line).unwrap().event_id())
                .or_insert(0) += times;
        }
    }
    ids
}

#[test]
fn a_run_that_ended_within_a_divided_batch_is_gone_on_with() {
    let temp = tempfile::tempdir().unwrap();
    record(&temp.path().join("log"), 500);
    let taken = Arc::new(Mutex::new(0));
    let is_well = Arc::new(Mutex::new(false));
    let (count, well) = (Arc::clone(&taken), Arc::clone(&is_well));
    let (url, received) = receiver_that(move |body| {
        if *well.lock().unwrap() {
            return 200;
        }
        if lines(body).count() > 200 {
            return 413;
        }
        let mut taken = count.lock().unwrap();
        *taken += 1;
        if *taken == 1 { 200 } else { 503 }
    });
    let mut first = Command::new(program())
        .args(["--http", &url, "--header", "x-team=red", "--journal"])
        .arg(temp.path().join("log"))
        .arg("--state")
        .arg(temp.path().join("state.json"))
        .spawn()
        .unwrap();
    while *taken.lock().unwrap() < 2 {
        assert!(first.try_wait().unwrap().is_none());
        thread::sleep(Duration::from_millis(20));
    }
    first.kill().unwrap();
    first.wait().unwrap();
    let before = ids(&received.lock().unwrap()).len();
    assert!(before > 0);
    *is_well.lock().unwrap() = true;
    let said = export(temp.path(), ["--http", &url], "state.json");
    assert!(said.contains(&format!("known before {before}, ")), "{said}");
    let ids = ids(&received.lock().unwrap());
    assert!(ids.len() > 500 && ids.values().all(|times| *times == 1));
}

#[test]
fn an_event_that_is_refused_for_good_is_refused_once() {
    let temp = tempfile::tempdir().unwrap();
    record(&temp.path().join("log"), 20);
    let tries = Arc::new(Mutex::new(0));
    let count = Arc::clone(&tries);
    let (url, received) = receiver_that(move |body| {
        // The last event of a writer.
        let is_end = |line| *Event::from_json(line).unwrap().kind() == Kind::LogClosed;
        if lines(body).any(is_end) {
            *count.lock().unwrap() += 1;
            return 422;
        }
        200
    });
    // A run has an end of its own, which is refused too.
    let said = export(temp.path(), ["--http", &url], "state.json");
    assert!(said.contains("rejected 2, left 0"), "{said}");
    let of_first = *tries.lock().unwrap();
    let said = export(temp.path(), ["--http", &url], "state.json");
    // Nobody asks again about the first two.
    assert!(said.contains("rejected 1, left 0"), "{said}");
    assert!(*tries.lock().unwrap() <= of_first + 6);
    let ids = ids(&received.lock().unwrap());
    assert!(ids.values().all(|times| *times == 1), "{ids:?}");
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
