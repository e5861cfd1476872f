//! One event to JSON: the log's encoder, serde on the same event, serde on a plain struct.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on fails")]

use std::time::Duration;

use benches::{Call, policy, record};
use divan::Bencher;
use divan::counter::BytesCount;
use llm_audit_core::journal::Reader;
use llm_audit_core::{Event, Kind};

fn main() {
    divan::main();
}

/// Returns the event that a log makes of the call.
fn event() -> Event {
    let dir = tempfile::tempdir().unwrap();
    let builder = llm_audit_core::builder().policy(policy().unwrap());
    let audit = builder.journal(dir.path()).spawn().unwrap();
    record(&audit, &Call::default());
    assert!(audit.shutdown(Duration::from_secs(10)).is_complete());
    let mut events = Reader::open(dir.path())
        .unwrap()
        .events()
        .map(Result::unwrap);
    events
        .find(|event| *event.kind() == Kind::Interaction)
        .unwrap()
}

#[divan::bench(sample_size = 64)]
fn event_encode(bencher: Bencher<'_, '_>) {
    let event = event();
    let bytes = event.to_json().len();
    bencher.counter(BytesCount::new(bytes)).bench_local(|| {
        let mut out = Vec::new();
        event.encode(&mut out);
        out
    });
}

#[divan::bench(sample_size = 64)]
fn serde_json_of_the_event(bencher: Bencher<'_, '_>) {
    let event = event();
    let bytes = event.to_json().len();
    let bencher = bencher.counter(BytesCount::new(bytes));
    bencher.bench_local(|| serde_json::to_vec(&event).unwrap());
}

#[divan::bench(sample_size = 64)]
fn serde_json_of_a_struct(bencher: Bencher<'_, '_>) {
    let call = Call::default();
    let bytes = serde_json::to_vec(&call).unwrap().len();
    let bencher = bencher.counter(BytesCount::new(bytes));
    bencher.bench_local(|| serde_json::to_vec(&call).unwrap());
}
