//! The sink against receivers that do what receivers do, and what it sends them.

mod answers;
mod contract;
mod conventions;
mod delivery;
mod names;
mod partial;
mod read;
mod schemas;

use llm_audit_core::testing::MemorySink;
use llm_audit_core::{
    Audit, Batch, Durable, Event, Facet, Level, Policy, Retention, Sink, SinkError, builder,
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

fn config(url: String) -> OtlpConfig {
    OtlpConfig::new(Endpoint::new(url).request_timeout(SHORT))
}

/// Has the sink write one batch.
fn write(sink: &mut OtlpSink, batch: &Batch) -> Result<Durable, SinkError> {
    runtime().block_on(sink.write(batch))
}
