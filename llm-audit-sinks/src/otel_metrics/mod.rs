//! OpenTelemetry metrics: the conventions' histograms and the log's own counters, through the
//! `MeterProvider` that the program has.
//!
//! [`MetricsSink`] feeds the histograms `gen_ai.client.…` with what the policy lets through;
//! [`observe`] shows the counters of a log. `docs/otel.md` of the repository lists both.
//!
//! ```
//! use llm_audit_core::{Operation, Policy, Preset};
//! use llm_audit_sinks::MetricsSink;
//! use opentelemetry_sdk::metrics::SdkMeterProvider;
//!
//! let provider = SdkMeterProvider::builder().build(); // the program's own, with a reader
//! let audit = llm_audit_core::builder()
//!     .policy(Policy::preset(Preset::Operations)?)
//!     .sink(MetricsSink::new(&provider))
//!     .spawn()?;
//! llm_audit_sinks::otel_metrics::observe(&provider, &audit);
//! audit.begin(Operation::Chat).finish();
//! assert!(audit.shutdown(std::time::Duration::from_secs(5)).is_complete());
//! # Ok::<(), llm_audit_core::Error>(())
//! ```
//!
//! `MeterProvider` is the one type of another crate in the signatures of this one: a program hands in
//! what it has. Its crate `opentelemetry` is 0.33.
//!
//! # Format
//!
//! Histograms with the buckets of the GenAI conventions, 1.42.0-dev. Attributes are operation,
//! provider, models, address and port, tool, agent, workflow, class of error: words of which there
//! are few, and of these what the policy lets through; operation and class of error it always does. No
//! user, session, content or metadata.
//!
//! # When it rolls
//!
//! When the program's reader says.
//!
//! # Durability
//!
//! None: numbers are added up in the program, and what the reader has not exported ends with it. An
//! event counts as delivered when it is counted in, so that a start after an orderly end does not
//! count it again; behind a journal, one whose turn did not come before the process ended is counted
//! by the next start. After a crash that start also counts again what was counted within about a
//! second before it, as every sink gets it again.
//!
//! # On failure
//!
//! Counting in cannot fail. Whether numbers arrive is the provider's business.
//!
//! # Troubleshooting
//!
//! - *There are no numbers*: the provider has no reader, or the policy lets neither usage nor model
//!   through.
//! - *There are no models in them*: facet `model` is off.
//! - *Two logs show one's numbers*: they share a provider, see [`observe`].

mod instruments;
mod observed;
#[cfg(test)]
mod tests;

use std::fmt;

use async_trait::async_trait;
use llm_audit_core::{Batch, Durable, Sink, SinkError};
use opentelemetry::metrics::MeterProvider;

use instruments::Instruments;
pub use observed::observe;

/// What made the numbers.
const SCOPE: &str = "llm-audit";

/// Counts events into the histograms of the GenAI conventions.
///
/// The [module's page](self) says which, and what happens to them.
///
/// # Examples
///
/// ```
/// use llm_audit_core::Sink;
/// use llm_audit_sinks::MetricsSink;
/// use opentelemetry_sdk::metrics::SdkMeterProvider;
///
/// let provider = SdkMeterProvider::builder().build();
/// assert_eq!(MetricsSink::new(&provider).name(), "metrics");
/// ```
pub struct MetricsSink {
    name: String,
    instruments: Instruments,
    counted: Durable,
}

impl MetricsSink {
    /// Returns a sink named `metrics` that counts into instruments of `provider`.
    pub fn new(provider: &dyn MeterProvider) -> Self {
        Self {
            name: "metrics".to_owned(),
            instruments: Instruments::new(&provider.meter(SCOPE)),
            counted: Durable::UNCHANGED,
        }
    }

    /// Returns the sink with another name: what reports, `loss` events and the policy's rules for
    /// sinks call it.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }
}

#[async_trait]
impl Sink for MetricsSink {
    fn name(&self) -> &str {
        &self.name
    }

    async fn write(&mut self, batch: &Batch) -> Result<Durable, SinkError> {
        for event in batch.events() {
            self.instruments.record(event);
        }
        self.counted = Durable::up_to(batch.last_seq()).of(batch.writer_id());
        Ok(self.counted)
    }

    async fn flush(&mut self) -> Result<Durable, SinkError> {
        Ok(self.counted)
    }

    async fn shutdown(&mut self) -> Result<Durable, SinkError> {
        Ok(self.counted)
    }
}

impl fmt::Debug for MetricsSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MetricsSink")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
