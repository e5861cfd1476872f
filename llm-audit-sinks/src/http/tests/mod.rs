//! The sink against receivers that do what receivers do.

pub(crate) mod answers;
mod contract;
mod delivery;
mod formats;
mod requests;
mod secrets;
pub(crate) mod server;
mod tls;

use std::sync::OnceLock;
use std::time::Duration;

use llm_audit_core::testing::MemorySink;
use llm_audit_core::{Audit, Batch, Durable, Operation, Policy, Preset, Sink, SinkError, builder};
use tokio::runtime::{Builder, Runtime};

use super::{Endpoint, HttpConfig, HttpSink};

pub(crate) const LONG: Duration = Duration::from_secs(30);
/// For receivers that would never answer.
pub(crate) const SHORT: Duration = Duration::from_millis(300);

pub(crate) fn policy() -> Policy {
    Policy::preset(Preset::Operations).unwrap()
}

/// A runtime as a sink gets it from the log.
pub(crate) fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// Returns a batch of at least three events of a real log.
pub(crate) fn batch() -> Batch {
    static BATCH: OnceLock<Batch> = OnceLock::new();
    BATCH.get_or_init(batch_of_three).clone()
}

fn batch_of_three() -> Batch {
    // The log makes a batch of what it finds; on a busy machine that can be one event at a time.
    loop {
        let memory = MemorySink::new();
        let log = builder().policy(policy()).sink(memory.clone());
        let audit = log.spawn().unwrap();
        for number in 0..50 {
            let mut call = audit.begin(Operation::Chat);
            call.request_model(format!("model-{number}"));
            call.finish();
        }
        assert!(audit.shutdown(LONG).is_complete());
        let mut batches = memory.batches().into_iter();
        if let Some(batch) = batches.find(|batch| batch.len() >= 3) {
            return batch;
        }
    }
}

pub(super) fn sink(endpoint: Endpoint) -> HttpSink {
    HttpSink::new(endpoint.request_timeout(SHORT)).unwrap()
}

pub(super) fn config(endpoint: Endpoint) -> HttpConfig {
    HttpConfig::new(endpoint.request_timeout(SHORT))
}

/// Has the sink write one batch.
pub(super) fn write(sink: &mut HttpSink, batch: &Batch) -> Result<Durable, SinkError> {
    runtime().block_on(sink.write(batch))
}

/// Ends the pause between two tries.
pub(crate) fn hurry(audit: &Audit) {
    drop(audit.flush(SHORT));
}

/// What becomes of events, as `docs/http.md` calls it.
pub(crate) fn fate(result: &Result<Durable, SinkError>) -> &'static str {
    match result {
        Ok(_) => "delivered",
        Err(error) if error.is_misconfigured() => "paused",
        Err(error) if error.is_retry() => "retried",
        Err(error) if !error.rejected().is_empty() => "dead-lettered",
        Err(_) => "divided",
    }
}
