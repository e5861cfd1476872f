//! OpenTelemetry: a collector, Phoenix, MLflow, Langfuse, or any other that takes OTLP over HTTP.
//!
//! [`OtlpSink`] sends each event as a span, with the names of the GenAI conventions, and knows from
//! the answer what became of it. `docs/otel.md` of the repository is its manual: which field is which
//! attribute, every answer and its outcome, and what backends show.
//!
//! ```no_run
//! use llm_audit_core::{Policy, Preset};
//! use llm_audit_sinks::OtlpSink;
//! use llm_audit_sinks::http::{Compression, Endpoint};
//!
//! let collector = Endpoint::new("https://otel.example.org:4318").compression(Compression::Gzip);
//! let audit = llm_audit_core::builder()
//!     .policy(Policy::preset(Preset::Operations)?)
//!     .journal("audit-log")
//!     .sink(OtlpSink::new(collector)?)
//!     .spawn()?;
//! # drop(audit);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Format
//!
//! `POST` of OTLP 1, as protobuf, or as [`Encoding`] says, to `/v1/traces` below the endpoint's address. An interaction is a
//! span from its begin to its end; what happens within it is a child in the same trace. Ids are those
//! of the event, which follow from its identifier unless the program has set them, so an event that
//! comes again is the same span. Without log records (the default) every other event is a span as
//! well, of no length unless it lasted, and exceptions, scores and verdicts are events of spans. With
//! [`OtlpConfig::logs`] these and what did not last go to `/v1/logs`.
//!
//! Content is sent only if [`OtlpConfig::content`] says where to. What is sent never holds more than
//! the policy lets through, and no environment variable changes it.
//!
//! # When it rolls
//!
//! There are no files. A batch is one request, or two with log records: at most 512 events and 1 MiB
//! of them as JSON Lines, or as [`OtlpConfig`] says; an event that is longer goes alone.
//!
//! # Durability
//!
//! Events count as delivered when the receiver has answered with a success in that form, or without a
//! body, that rejects nothing. Many receivers answer so before they store.
//!
//! # On failure
//!
//! As with [`http`](crate::http), with the same rules for statuses, certificates and time-outs. A
//! success that rejects a part names a number and not which: the halves of the batch are sent, and
//! theirs, until what is refused is alone and counts as lost to the sink. Spans that were taken come
//! again meanwhile with the same ids.
//!
//! # Troubleshooting
//!
//! - *`… answered 404` or `405`*: the address is one above `/v1/traces`; or [`OtlpConfig::logs`] is on
//!   and the backend takes no log records.
//! - *`… answered 422`* by MLflow: it wants the header `x-mlflow-experiment-id`.
//! - *Phoenix shows no input and output*: use [`Profile::OpenInference`] and [`ContentTarget::Span`].
//! - *There are two spans of a call*: the program exports one of its own as well. Let the audited one
//!   be its child, see the manual.

mod answer;
mod attributes;
mod config;
mod content;
mod encoding;
mod ids;
mod log;
mod occurrence;
mod operation;
mod profile;
mod request;
mod span;
#[cfg(test)]
mod tests;
mod value;
mod verdict;

use std::sync::Arc;

use async_trait::async_trait;
use llm_audit_core::{Batch, Durable, Error, Sink, SinkError, SinkLimits, SystemClock, WriterId};

use answer::{Judged, Signal};
use config::Mapping;
pub use config::{ContentTarget, OtlpConfig};
pub use encoding::Encoding;
pub use profile::Profile;

use crate::http::{Answer, Endpoint, Transport};

/// Sends events as spans to a receiver of OTLP, and knows from each answer what became of them.
///
/// The [module's page](self) says what is sent, and what happens when that fails.
///
/// # Examples
///
/// ```
/// use llm_audit_core::Sink;
/// use llm_audit_sinks::OtlpSink;
///
/// let sink = OtlpSink::new("http://localhost:6006")?.named("phoenix");
/// assert_eq!(sink.name(), "phoenix");
/// # Ok::<(), llm_audit_core::Error>(())
/// ```
#[derive(Debug)]
pub struct OtlpSink {
    name: String,
    mapping: Mapping,
    encoding: Encoding,
    resource: Vec<(String, String)>,
    limits: SinkLimits,
    traces: Transport,
    logs: Option<Transport>,
    /// Spans that the receiver has, though it does not have their log records yet.
    ahead: Option<(WriterId, u64, u64)>,
    /// What the receiver has of the last batch.
    delivered: Durable,
}

impl OtlpSink {
    /// Returns a sink named `otlp` that sends spans without content to `endpoint`. It connects when
    /// there is something to send.
    ///
    /// # Errors
    ///
    /// When the address, a header or a certificate cannot be used.
    pub fn new(endpoint: impl Into<Endpoint>) -> Result<Self, Error> {
        Self::with(OtlpConfig::new(endpoint))
    }

    /// Returns a sink named `otlp` that sends events as `config` says.
    ///
    /// # Errors
    ///
    /// When the address, a header or a certificate cannot be used, or content belongs on log records
    /// and none are sent.
    pub fn with(config: OtlpConfig) -> Result<Self, Error> {
        let mapping = config.mapping;
        if mapping.content.is_on_records() && !mapping.logs {
            return Err(Error::configuration(
                "content belongs on log records and none are sent: use `logs(true)`",
            ));
        }
        let mut limits = SinkLimits::default();
        if let Some(events) = config.max_batch_events {
            limits.max_batch_events = events.max(1);
        }
        if let Some(bytes) = config.max_batch_bytes {
            limits.max_batch_bytes = bytes;
        }
        let transport = |signal: Signal| {
            let clock = Arc::new(SystemClock::new());
            Transport::new(&config.endpoint.below(signal.path()), clock)
        };
        Ok(Self {
            name: "otlp".to_owned(),
            mapping,
            encoding: config.encoding,
            limits,
            traces: transport(Signal::Traces)?,
            logs: mapping.logs.then(|| transport(Signal::Logs)).transpose()?,
            resource: config.resource,
            ahead: None,
            delivered: Durable::UNCHANGED,
        })
    }

    /// Returns the sink with another name: what reports, `loss` events and the policy's rules for
    /// sinks call it.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    async fn send(&mut self, batch: &Batch) -> Result<(), SinkError> {
        let is_ahead = self.is_ahead(batch);
        if !is_ahead {
            self.send_spans(batch).await?;
        }
        let Some(transport) = &self.logs else {
            return Ok(());
        };
        // A part of what it is ahead by does not end that: the other parts come next.
        if !is_ahead {
            self.ahead = Some((batch.writer_id(), batch.first_seq(), batch.last_seq()));
        }
        let logs = request::logs(batch, self.mapping, &self.resource);
        let scopes = logs.resource_logs.iter().flat_map(|logs| &logs.scope_logs);
        let records = scopes.map(|scope| scope.log_records.len()).sum();
        let key = format!("{}-logs", batch.idempotency_key());
        let answer = match records {
            0 => return Ok(()),
            _ => {
                let body = self.encoding.logs(&logs)?;
                let content_type = self.encoding.content_type();
                transport.post(content_type, &key, body).await?
            }
        };
        self.judge(Signal::Logs, &answer, records, batch)
    }

    async fn send_spans(&self, batch: &Batch) -> Result<(), SinkError> {
        let traces = request::traces(batch, self.mapping, &self.resource);
        let scopes = traces
            .resource_spans
            .iter()
            .flat_map(|spans| &spans.scope_spans);
        let spans = scopes.map(|scope| scope.spans.len()).sum();
        let key = format!("{}-traces", batch.idempotency_key());
        let answer = match spans {
            0 => return Ok(()),
            _ => {
                let body = self.encoding.traces(&traces)?;
                let content_type = self.encoding.content_type();
                self.traces.post(content_type, &key, body).await?
            }
        };
        self.judge(Signal::Traces, &answer, spans, batch)
    }

    fn judge(
        &self,
        signal: Signal,
        answer: &Answer,
        items: usize,
        batch: &Batch,
    ) -> Result<(), SinkError> {
        match answer::judge(signal, self.encoding, answer, items)? {
            Judged::Delivered => Ok(()),
            // Where every event is one item, all are lost to the sink.
            Judged::AllRejected(message) if !self.mapping.logs => {
                Err(SinkError::reject(batch.seqs().to_vec(), message))
            }
            Judged::AllRejected(message) => Err(SinkError::permanent(message)),
        }
    }

    /// Whether the spans of the batch were taken when its log records were not.
    fn is_ahead(&self, batch: &Batch) -> bool {
        self.ahead.is_some_and(|(writer_id, first, last)| {
            writer_id == batch.writer_id() && first <= batch.first_seq() && batch.last_seq() <= last
        })
    }
}

#[async_trait]
impl Sink for OtlpSink {
    fn name(&self) -> &str {
        &self.name
    }

    async fn write(&mut self, batch: &Batch) -> Result<Durable, SinkError> {
        let sent = self.send(batch).await;
        // What is rejected is nobody's any more, so it is in nobody's way.
        let is_done = match &sent {
            Ok(()) => true,
            Err(error) => !error.rejected().is_empty(),
        };
        if is_done {
            self.ahead = self.ahead.filter(|(writer_id, _, last)| {
                *writer_id == batch.writer_id() && batch.last_seq() < *last
            });
            self.delivered = Durable::up_to(batch.last_seq()).of(batch.writer_id());
        }
        sent.map(|()| self.delivered)
    }

    async fn flush(&mut self) -> Result<Durable, SinkError> {
        Ok(self.delivered)
    }

    async fn shutdown(&mut self) -> Result<Durable, SinkError> {
        Ok(self.delivered)
    }

    fn limits(&self) -> SinkLimits {
        self.limits
    }
}
