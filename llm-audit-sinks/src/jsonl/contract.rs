//! The sink keeps the contract of sinks, in every place that it writes to.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use llm_audit_core::testing::conformance;
use llm_audit_core::{DiagnosticKind, Event, Operation, Policy, Preset, journal};

use super::{JsonlConfig, JsonlSink};

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn read(dir: &Path) -> Vec<Event> {
    let events = journal::Reader::open(dir).unwrap().events();
    events.map(Result::unwrap).collect()
}

#[test]
fn a_directory_keeps_the_contract() {
    // In one file, and in as many as there can be.
    for file_max_bytes in [64 << 20, 64 << 10] {
        conformance::check(move || {
            let temp = tempfile::tempdir().unwrap();
            let config = JsonlConfig::new(temp.path()).file_max_bytes(file_max_bytes);
            (JsonlSink::with(config).unwrap(), move || read(temp.path()))
        });
    }
}

#[test]
fn a_stream_keeps_the_contract() {
    conformance::check(|| {
        let out = Shared::default();
        let read = out.clone();
        (JsonlSink::writer(out), move || {
            let lines = read.0.lock().unwrap().clone();
            let lines = lines
                .split(|byte| *byte == b'\n')
                .filter(|line| !line.is_empty());
            lines.map(|line| Event::from_json(line).unwrap()).collect()
        })
    });
}

/// A pipe whose reader is gone.
struct Closed;

impl Write for Closed {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_pipe_without_a_reader_costs_no_event() {
    let temp = tempfile::tempdir().unwrap();
    let (send, told) = std::sync::mpsc::channel();
    let start = |out: Box<dyn Write + Send>| {
        let send = send.clone();
        llm_audit_core::builder()
            .policy(Policy::preset(Preset::Operations).unwrap())
            .journal(temp.path())
            .sink(JsonlSink::writer(out).named("out"))
            .on_diagnostic(move |diagnostic| {
                send.send(diagnostic.kind).ok();
            })
            .spawn()
            .unwrap()
    };
    let audit = start(Box::new(Closed));
    audit.begin(Operation::Chat).finish();
    let report = audit.shutdown(Duration::from_millis(200));
    let sink = report.counters.sink("out").unwrap();
    assert_eq!((sink.pending, sink.lost(), sink.dead_lettered), (1, 0, 0));
    assert!(
        told.try_iter()
            .any(|kind| kind == DiagnosticKind::SinkMisconfigured)
    );

    let report = start(Box::<Shared>::default()).shutdown(Duration::from_secs(10));
    assert_eq!(report.counters.sink("out").unwrap().delivered, 1);
}

#[test]
fn errors_hold_no_content() {
    let temp = tempfile::tempdir().unwrap();
    conformance::check_errors(|| {
        let dir = temp.path().join("copy");
        let sink = JsonlSink::dir(&dir).unwrap();
        // Where the directory was, there is a file.
        fs::remove_dir(&dir).unwrap();
        fs::write(&dir, "").unwrap();
        sink
    });

    struct Full;

    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    conformance::check_errors(|| JsonlSink::writer(Full));
}
