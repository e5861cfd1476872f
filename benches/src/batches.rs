//! Batches as the log gives them to its sinks.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on fails")]

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use llm_audit_core::{Batch, Durable, Policy, Sink, SinkError, SinkLimits};

use crate::{Call, policy, record};

const PATIENCE: Duration = Duration::from_secs(600);

/// Keeps the batches that it is given.
#[derive(Clone, Debug, Default)]
struct Keep(Arc<Mutex<Vec<Batch>>>);

impl Keep {
    fn into_batches(self) -> Vec<Batch> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

#[async_trait]
impl Sink for Keep {
    fn name(&self) -> &str {
        "keep"
    }

    async fn write(&mut self, batch: &Batch) -> Result<Durable, SinkError> {
        self.0.lock().unwrap().push(batch.clone());
        Ok(Durable::up_to(batch.last_seq()))
    }

    async fn flush(&mut self) -> Result<Durable, SinkError> {
        Ok(Durable::UNCHANGED)
    }

    async fn shutdown(&mut self) -> Result<Durable, SinkError> {
        Ok(Durable::UNCHANGED)
    }

    fn limits(&self) -> SinkLimits {
        SinkLimits::default()
            .max_batch_events(2_048)
            .max_batch_bytes(4 << 20)
    }
}

/// Returns what a sink is brought of `calls` calls.
///
/// # Panics
///
/// Panics if the log loses one of them.
pub fn of_calls(calls: usize) -> Vec<Batch> {
    let dir = tempfile::tempdir().unwrap();
    let keep = Keep::default();
    let builder = llm_audit_core::builder().policy(policy().unwrap());
    let audit = builder
        .journal(dir.path())
        .sink(keep.clone())
        .spawn()
        .unwrap();
    for _ in 0..calls {
        record(&audit, &Call::default());
    }
    let report = audit.shutdown(PATIENCE);
    assert!(report.is_complete(), "{report}");
    keep.into_batches()
}

/// Returns what a new sink is brought of the journal in `dir`.
///
/// # Panics
///
/// Panics if nothing is there.
pub fn of_journal(dir: &Path) -> Vec<Batch> {
    let keep = Keep::default();
    let log = llm_audit_core::builder()
        .policy(Policy::none())
        .journal(dir);
    let audit = log
        .sink_from_start(keep.clone())
        .on_diagnostic(|_| {})
        .spawn()
        .unwrap();
    assert!(audit.shutdown(PATIENCE).settled);
    let kept = keep.into_batches();
    assert!(!kept.is_empty(), "the journal is empty");
    kept
}

/// Returns for how long this thread was on a processor.
///
/// # Panics
///
/// Panics where the system does not say, as only Linux does.
pub fn cpu_time() -> Duration {
    let schedstat = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(schedstat.split(' ').next().unwrap().parse().unwrap())
}
