//! The sink against receivers that do what receivers do, and what it sends them.

mod answers;
mod contract;
mod conventions;
mod delivery;
#[cfg(feature = "otlp-json")]
mod json;
mod ledger;
mod names;
mod narrowing;
mod partial;
mod read;
mod schemas;
mod verdicts;

use std::sync::OnceLock;

use llm_audit_core::testing::MemorySink;
use llm_audit_core::{
    Audit, Batch, Durable, Event, Facet, Level, Operation, Policy, Retention, Sink, SinkError,
    builder,
};

use super::{OtlpConfig, OtlpSink};
use crate::http::Endpoint;
use crate::http::tests::{LONG, SHORT, runtime};

/// A policy that lets everything through.
fn everything() -> Policy {
    let facets = Facet::ALL.iter();
    let policy = facets.fold(Policy::builder(), |policy, facet| {
        policy.facet(*facet, Level::Full)
    });
    let policy = policy.consent_to_raw().retention(Retention::Days30);
    policy.build().unwrap()
}

/// Returns what a log with everything captured makes of what `record` does.
fn recorded(record: impl FnOnce(&Audit)) -> (Vec<Event>, MemorySink) {
    let memory = MemorySink::new();
    let log = builder().policy(everything()).sink(memory.clone());
    let audit = log.spawn().unwrap();
    record(&audit);
    assert!(audit.shutdown(LONG).is_complete());
    (memory.events(), memory)
}

/// Returns a batch of at least three calls that failed, each with log records of its own.
fn batch() -> Batch {
    static BATCH: OnceLock<Batch> = OnceLock::new();
    // The log makes a batch of what it finds; on a busy machine that can be one event at a time.
    let make = || loop {
        let (_, memory) = recorded(|audit| {
            for _ in 0..50 {
                audit.begin(Operation::Chat).fail("overloaded");
            }
        });
        let is_failed = |event: &Event| event.error_type().is_some();
        let fits = |batch: &Batch| batch.len() >= 3 && batch.events().iter().any(is_failed);
        if let Some(batch) = memory.batches().into_iter().find(fits) {
            return batch;
        }
    };
    BATCH.get_or_init(make).clone()
}

fn config(url: String) -> OtlpConfig {
    OtlpConfig::new(Endpoint::new(url).request_timeout(SHORT))
}

/// Has the sink write one batch.
fn write(sink: &mut OtlpSink, batch: &Batch) -> Result<Durable, SinkError> {
    runtime().block_on(sink.write(batch))
}
