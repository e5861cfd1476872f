//! A whole log with the sink: what the outcomes come to.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use llm_audit_core::{
    Audit, AuditGuard, Batch, DiagnosticKind, Event, Operation, Overflow, Report, SinkError,
    builder,
};

use super::server::{Do, Request, Server};
use super::{LONG, SHORT, hurry, policy, runtime};
use crate::http::{BodyFormat, Endpoint, HttpConfig, HttpSink, NdJson};

fn log(dir: &Path, config: HttpConfig) -> AuditGuard {
    let sink = HttpSink::with(config).unwrap();
    let log = builder().policy(policy()).journal(dir).sink(sink);
    log.on_diagnostic(|_| {}).spawn().unwrap()
}

fn config(server: &Server) -> HttpConfig {
    HttpConfig::new(Endpoint::new(server.url()).request_timeout(SHORT))
}

fn record(audit: &Audit, numbers: impl IntoIterator<Item = u64>) {
    for number in numbers {
        let mut call = audit.begin(Operation::Chat);
        call.request_model(format!("model-{number}"));
        call.finish();
    }
}

fn events(body: &[u8]) -> Vec<Event> {
    let lines = body
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty());
    lines.map(|line| Event::from_json(line).unwrap()).collect()
}

/// Returns what a receiver keeps that drops requests with a key that it knows.
fn kept(requests: &[Request], is_taken: impl Fn(&Request) -> bool) -> Vec<Event> {
    let mut keys = BTreeSet::new();
    let mut kept = Vec::new();
    for request in requests.iter().filter(|request| is_taken(request)) {
        if keys.insert(request.header("idempotency-key")) {
            kept.extend(events(&request.body));
        }
    }
    kept
}

/// Checks that the calls are there, each once, each writer's in its order.
fn assert_once_in_order(kept: &[Event], calls: u64) {
    let mut last = BTreeMap::new();
    for event in kept {
        let before = last.insert(event.writer_id(), event.seq());
        assert!(
            before.is_none_or(|before| before < event.seq()),
            "{before:?} {event:?}"
        );
    }
    let models = kept
        .iter()
        .filter_map(Event::request_model)
        .map(str::to_owned);
    let models: Vec<String> = models.collect();
    let expected: Vec<String> = (0..calls).map(|number| format!("model-{number}")).collect();
    assert_eq!(models, expected);
}

/// Flushes until the log says that all is delivered: it ends the pauses between tries.
fn deliver(audit: &Audit) -> Report {
    loop {
        let report = audit.flush(SHORT);
        if report.is_complete() {
            return report;
        }
    }
}

#[test]
fn a_receiver_that_was_down_gets_everything_once_and_in_order() {
    let temp = tempfile::tempdir().unwrap();
    // The fourth is taken, and its answer lost.
    let script = [
        Do::status(503),
        Do::Reset,
        Do::status(500),
        Do::Close,
        Do::Reset,
    ];
    let server = Server::new(script).otherwise(Do::status(503));
    let audit = log(temp.path(), config(&server).max_batch_events(50));
    record(&audit, 0..1_000);
    while server.requests().len() < 8 {
        hurry(&audit);
    }
    let counters = audit.counters();
    let sink = counters.sink("http").unwrap();
    assert_eq!((sink.delivered, sink.lost()), (0, 0));
    server.set_otherwise(Do::status(200));
    record(&audit, 1_000..2_000);
    let report = deliver(&audit);
    assert!(audit.shutdown(LONG).is_complete());
    let sink = report.counters.sink("http").unwrap();
    assert_eq!(
        (sink.pending, sink.lost(), sink.dead_lettered),
        (0, 0, 0),
        "{report}"
    );
    let requests = server.requests();
    assert_once_in_order(
        &kept(&requests, |request| {
            request.is_taken() || matches!(request.action, Do::Close)
        }),
        2_000,
    );
}

#[test]
fn what_a_start_could_not_send_the_next_one_does() {
    let temp = tempfile::tempdir().unwrap();
    let down = Server::new([]).otherwise(Do::status(503));
    let audit = log(temp.path(), config(&down));
    record(&audit, 0..300);
    hurry(&audit);
    let report = audit.shutdown(SHORT);
    assert!(
        report.counters.sink("http").unwrap().pending > 0,
        "{report}"
    );
    drop(audit);
    let up = Server::new([]);
    let audit = log(temp.path(), config(&up));
    record(&audit, 300..600);
    drop(deliver(&audit));
    assert!(audit.shutdown(LONG).is_complete());
    assert_once_in_order(&kept(&up.requests(), |_| true), 600);
}

#[test]
fn what_waits_for_a_receiver_is_on_disk_and_not_in_memory() {
    let temp = tempfile::tempdir().unwrap();
    let server = Server::new([]).otherwise(Do::status(503));
    let sink = HttpSink::with(config(&server)).unwrap();
    let log = builder().policy(policy()).journal(temp.path()).sink(sink);
    let most = 2 << 20;
    let log = log.max_bytes(most).overflow(Overflow::block(LONG));
    let audit = log.on_diagnostic(|_| {}).spawn().unwrap();
    let long = "m".repeat(8 << 10);
    for number in 0..1_500 {
        let mut call = audit.begin(Operation::Chat);
        call.request_model(format!("model-{number}"))
            .response_model(long.as_str());
        call.finish();
        assert!(audit.counters().memory_bytes <= most as u64);
    }
    // How long the disk takes is not the subject.
    while audit.counters().written < 1_500 {
        assert_eq!(audit.flush(SHORT).counters.lost(), 0);
    }
    server.set_otherwise(Do::status(200));
    drop(deliver(&audit));
    assert!(audit.shutdown(LONG).is_complete());
    assert_once_in_order(&kept(&server.requests(), Request::is_taken), 1_500);
}

#[test]
fn without_credentials_the_sink_waits_and_throws_nothing_away() {
    let temp = tempfile::tempdir().unwrap();
    for journal in [true, false] {
        let server = Server::new([]).otherwise(Do::status(401));
        let told: Arc<Mutex<BTreeSet<&str>>> = Arc::default();
        let kinds = Arc::clone(&told);
        let sink = HttpSink::with(config(&server)).unwrap();
        let mut log = builder()
            .policy(policy())
            .sink(sink)
            .on_diagnostic(move |diagnostic| {
                kinds.lock().unwrap().insert(diagnostic.kind.name());
            });
        if journal {
            log = log.journal(temp.path());
        }
        let audit = log.spawn().unwrap();
        record(&audit, 0..100);
        // More often than a batch is tried without a journal.
        while server.requests().len() < 15 {
            hurry(&audit);
        }
        server.set_otherwise(Do::status(200));
        drop(deliver(&audit));
        let report = audit.shutdown(LONG);
        assert!(report.is_complete(), "{report}");
        let told = told.lock().unwrap();
        assert!(
            told.contains(DiagnosticKind::SinkMisconfigured.name()),
            "{told:?}"
        );
        let last = kept(&server.requests(), Request::is_taken);
        let models = last.iter().filter_map(Event::request_model);
        let models: BTreeSet<_> = models.collect();
        assert_eq!(models.len(), 100);
    }
}

/// A receiver that takes bodies of at most that length, and no event with that model.
fn choosy(max_bytes: usize, bad: &'static str) -> (Server, HttpConfig) {
    #[derive(Debug)]
    struct Told {
        server: Server,
        max_bytes: usize,
        bad: &'static str,
    }

    // What the server will say is decided where the body is known.
    impl BodyFormat for Told {
        fn content_type(&self) -> &str {
            NdJson.content_type()
        }

        fn encode(&self, batch: &Batch, body: &mut Vec<u8>) -> Result<(), SinkError> {
            NdJson.encode(batch, body)?;
            let is_bad = |event: &Event| event.request_model() == Some(self.bad);
            let status = match () {
                () if body.len() > self.max_bytes => 413,
                () if batch.events().iter().any(is_bad) => 422,
                () => 200,
            };
            self.server.set_otherwise(Do::status(status));
            Ok(())
        }
    }

    let server = Server::new([]);
    let format = Told {
        server: server.clone(),
        max_bytes,
        bad,
    };
    let config = config(&server).format(format);
    (server, config)
}

#[test]
fn a_batch_that_is_too_large_is_divided_and_an_event_to_blame_is_kept() {
    let temp = tempfile::tempdir().unwrap();
    let (server, config) = choosy(8 << 10, "model-77");
    let audit = log(temp.path(), config);
    record(&audit, 0..200);
    let report = deliver_all_but_lost(&audit);
    assert!(audit.shutdown(LONG).closed);
    let sink = report.counters.sink("http").unwrap();
    assert_eq!(
        (sink.dead_lettered, sink.lost(), sink.pending),
        (1, 1, 0),
        "{report}"
    );
    let letters = std::fs::read_dir(temp.path().join("dead-letters")).unwrap();
    let letters = letters.map(|entry| std::fs::read(entry.unwrap().path()).unwrap());
    let letters: Vec<Event> = letters.flat_map(|letter| events(&letter)).collect();
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].request_model(), Some("model-77"));
    let taken = server.requests().into_iter().filter(|request| {
        let is_bad = |event: &Event| event.request_model() == Some("model-77");
        request.body.len() <= 8 << 10 && !events(&request.body).iter().any(is_bad)
    });
    let taken: Vec<_> = taken.collect();
    let models: Vec<String> = kept(&taken, |_| true)
        .iter()
        .filter_map(Event::request_model)
        .map(str::to_owned)
        .collect();
    let numbers = (0..200).filter(|number| *number != 77);
    assert_eq!(
        models,
        numbers
            .map(|number| format!("model-{number}"))
            .collect::<Vec<_>>()
    );
}

/// Flushes until nothing is pending: a report with a loss is never complete.
fn deliver_all_but_lost(audit: &Audit) -> Report {
    loop {
        let report = audit.flush(SHORT);
        if report.counters.sink("http").unwrap().pending == 0 && report.counters.pending == 0 {
            return report;
        }
    }
}

#[test]
fn it_works_whatever_runtime_the_host_has_or_drops() {
    let check = |delivered: &dyn Fn(&Audit) -> Report| {
        let temp = tempfile::tempdir().unwrap();
        let server = Server::new([]);
        let audit = log(temp.path(), config(&server));
        record(&audit, 0..3);
        let report = delivered(&audit);
        assert!(report.is_complete(), "{report}");
        assert!(audit.shutdown(LONG).is_complete());
        assert_once_in_order(&kept(&server.requests(), |_| true), 3);
    };
    // None at all.
    thread::scope(|scope| {
        scope
            .spawn(|| check(&|audit| audit.flush(LONG)))
            .join()
            .unwrap()
    });
    // A current-thread one that is blocked meanwhile.
    runtime().block_on(async { check(&|audit| audit.flush(LONG)) });
    // One that is gone before the log ends.
    let temp = tempfile::tempdir().unwrap();
    let server = Server::new([]);
    let host = runtime();
    let audit = host.block_on(async {
        let audit = log(temp.path(), config(&server));
        record(&audit, 0..2);
        assert!(audit.flush(LONG).is_complete());
        audit
    });
    drop(host);
    record(&audit, 2..4);
    assert!(audit.shutdown(LONG).is_complete());
    assert_once_in_order(&kept(&server.requests(), |_| true), 4);
}

#[test]
fn what_the_sink_does_is_not_audited() {
    /// Calls a model to translate events, in its own way.
    #[derive(Debug, Default)]
    struct Calling(Arc<Mutex<Option<Audit>>>);

    impl BodyFormat for Calling {
        fn content_type(&self) -> &str {
            NdJson.content_type()
        }

        fn encode(&self, batch: &Batch, body: &mut Vec<u8>) -> Result<(), SinkError> {
            if let Some(audit) = &*self.0.lock().unwrap() {
                record(audit, [1_000]);
            }
            NdJson.encode(batch, body)
        }
    }

    let temp = tempfile::tempdir().unwrap();
    let server = Server::new([]);
    let format = Calling::default();
    let handle = Arc::clone(&format.0);
    let audit = log(temp.path(), config(&server).format(format));
    *handle.lock().unwrap() = Some(Audit::clone(&audit));
    record(&audit, 0..3);
    drop(deliver(&audit));
    let report = audit.shutdown(LONG);
    *handle.lock().unwrap() = None;
    assert!(report.counters.reentrant > 0, "{report}");
    assert_once_in_order(&kept(&server.requests(), |_| true), 3);
}

#[test]
fn a_receiver_that_hangs_does_not_hold_up_the_end() {
    let temp = tempfile::tempdir().unwrap();
    let server = Server::new([]).otherwise(Do::Silence);
    let endpoint = Endpoint::new(server.url()).request_timeout(Duration::from_secs(3_600));
    let audit = log(temp.path(), HttpConfig::new(endpoint));
    record(&audit, 0..3);
    while server.requests().is_empty() {
        thread::yield_now();
    }
    let report = audit.shutdown(SHORT);
    assert_eq!(report.counters.written, 3);
    assert_eq!(report.counters.sink("http").unwrap().pending, 3, "{report}");
}
