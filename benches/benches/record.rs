//! What one call costs the thread that makes it, beside what others do with the same record.
//!
//! Bursts fit the queues, so this is the price of handing over, not the speed of a disk.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on fails")]

use std::fs::File;
use std::io::{BufWriter, Write};
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use benches::{Call, policy, record, trace};
use divan::{Bencher, black_box};
use tracing_appender::non_blocking::WorkerGuard;

const BUFFER: usize = 256 << 10;

fn main() {
    divan::main();
}

#[divan::bench(threads = [1, 4], sample_count = 100, sample_size = 32)]
fn llm_audit(bencher: Bencher<'_, '_>) {
    let dir = tempfile::tempdir().unwrap();
    let audit = llm_audit_core::builder()
        .policy(policy().unwrap())
        .journal(dir.path())
        .max_events(1 << 16)
        .max_bytes(1 << 30)
        .spawn()
        .unwrap();
    let call = Call::default();
    bencher.bench(|| record(&audit, black_box(&call)));
    let report = audit.shutdown(Duration::from_secs(60));
    assert_eq!(report.counters.lost(), 0, "{report}");
}

/// The caller serialises into a buffer and writes it when it is full; nothing is redacted.
#[divan::bench(threads = [1, 4], sample_count = 100, sample_size = 32)]
fn serde_json_to_bufwriter(bencher: Bencher<'_, '_>) {
    let file = tempfile::tempfile().unwrap();
    let writer = Mutex::new(BufWriter::<File>::with_capacity(BUFFER, file));
    let call = Call::default();
    bencher.bench(|| {
        let mut writer = writer.lock().unwrap();
        serde_json::to_writer(&mut *writer, black_box(&call)).unwrap();
        writer.write_all(b"\n").unwrap();
    });
}

/// `tracing` with its JSON layer and the non-blocking writer, at its defaults.
#[divan::bench(threads = [1, 4], sample_count = 100, sample_size = 32)]
fn tracing_appender_json(bencher: Bencher<'_, '_>) {
    static GUARD: OnceLock<(WorkerGuard, tempfile::TempDir)> = OnceLock::new();
    GUARD.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        let file = tracing_appender::rolling::never(dir.path(), "calls.jsonl");
        let (writer, guard) = tracing_appender::non_blocking(file);
        tracing_subscriber::fmt().json().with_writer(writer).init();
        (guard, dir)
    });
    let call = Call::default();
    bencher.bench(|| trace(black_box(&call)));
}
