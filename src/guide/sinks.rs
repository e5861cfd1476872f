//! Sinks: where events go, and what is durable when.
//!
//! [`AuditBuilder::journal`] is the log itself. Whatever else gets events is a [`Sink`]: one of
//! [`llm_audit::sinks`](crate::sinks), or your own. Each has a thread of its own and delays neither
//! the program, nor the journal, nor another sink; with a journal it catches up from there.
//!
//! ```
//! use std::time::Duration;
//!
//! use llm_audit::{Batch, Durable, Facet, Operation, Policy, Preset, Sink, SinkError, SinkExt};
//!
//! /// Counts events in another system's units.
//! #[derive(Debug, Default)]
//! struct Meter(usize);
//!
//! #[async_trait::async_trait]
//! impl Sink for Meter {
//!     fn name(&self) -> &str {
//!         "meter"
//!     }
//!
//!     async fn write(&mut self, batch: &Batch) -> Result<Durable, SinkError> {
//!         assert!(batch.events().iter().all(|event| event.input_tokens().is_none()));
//!         self.0 += batch.len();
//!         Ok(Durable::up_to(batch.last_seq()))
//!     }
//!
//!     async fn flush(&mut self) -> Result<Durable, SinkError> {
//!         Ok(Durable::UNCHANGED)
//!     }
//!
//!     async fn shutdown(&mut self) -> Result<Durable, SinkError> {
//!         Ok(Durable::UNCHANGED)
//!     }
//! }
//!
//! # let dir = tempfile::tempdir()?;
//! let audit = llm_audit::builder()
//!     .policy(Policy::preset(Preset::Operations)?)
//!     .journal(dir.path())
//!     .sink(Meter::default().without([Facet::Usage])) // it gets less than the log
//!     .spawn()?;
//! audit.begin(Operation::Chat).finish();
//!
//! let report = audit.shutdown(Duration::from_secs(5));
//! assert!(report.is_complete(), "{report}");
//! assert_eq!(report.counters.sink("meter").unwrap().delivered, 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`sinks`](crate::sinks) has a copy as JSON Lines, and with feature `parquet` one table for DuckDB,
//! Spark and their like. A sink may call an event durable late: the Parquet sink does when the
//! event's file is final, within minutes or at a flush; until then the event counts as pending.
//!
//! The trait is async through the crate [`async-trait`](https://docs.rs/async-trait), which a
//! crate with a sink of its own depends on.
//!
//! Over HTTP there is `sinks::HttpSink` (feature `http`): JSON Lines or an array to a webhook, signed, or
//! what Splunk, Elasticsearch and Datadog want. It tells by the answer what was delivered, what is
//! to be sent again, and what somebody has to mend first; `docs/http.md` has the tables.
//! `sinks::OtlpSink` (feature `otlp`) sends spans to Phoenix, MLflow, Langfuse or a collector, and
//! `sinks::MetricsSink` (feature `otel-metrics`) counts for the program's own `MeterProvider`:
//! `docs/otel.md`.
//!
#![cfg_attr(feature = "http", doc = "```no_run")]
#![cfg_attr(not(feature = "http"), doc = "```ignore")]
//! use llm_audit::sinks::HttpSink;
//! use llm_audit::sinks::http::Endpoint;
//! use llm_audit::{Facet, SinkExt};
//!
//! let token = std::fs::read_to_string("/run/secrets/logs-token")?;
//! let endpoint = Endpoint::new("https://logs.example.org/llm").bearer(token.trim());
//! let audit = llm_audit::builder()
//!     .journal("audit-log") // the texts stay here
//!     .sink(HttpSink::new(endpoint)?.without([Facet::Prompt, Facet::Response]))
//!     .spawn()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What is not written or delivered is counted with its reason: [`Audit::counters`] holds
//! `admitted = written + lost + pending` at every moment, a [`Report`] says what a flush or a
//! shutdown achieved, and `loss` events in the log name the numbers that are missing.

#[cfg(doc)]
use crate::{Audit, AuditBuilder, Report, Sink};
