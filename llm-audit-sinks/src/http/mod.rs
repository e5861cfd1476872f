//! HTTP: a webhook, a collector, Splunk, Elasticsearch, Datadog.
//!
//! [`HttpSink`] posts batches of events to one address, and knows from the answer what became of
//! them. `docs/http.md` of the repository is its manual: every answer and its outcome, an example of
//! each format's body, and how a receiver checks a signature.
//!
//! ```no_run
//! use llm_audit_core::{Policy, Preset};
//! use llm_audit_sinks::HttpSink;
//! use llm_audit_sinks::http::{Compression, Endpoint};
//!
//! let endpoint = Endpoint::new("https://logs.example.org/llm-audit")
//!     .bearer(std::fs::read_to_string("/run/secrets/logs-token")?.trim())
//!     .compression(Compression::Gzip);
//! let audit = llm_audit_core::builder()
//!     .policy(Policy::preset(Preset::Operations)?)
//!     .journal("audit-log")
//!     .sink(HttpSink::new(endpoint)?)
//!     .spawn()?;
//! # drop(audit);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Format
//!
//! `POST` with one batch as the body: JSON Lines ([`NdJson`]) unless [`HttpConfig::format`] names
//! another [`BodyFormat`]. `Idempotency-Key` is [`Batch::idempotency_key`]: a batch that comes again
//! has the same key and the same body. After a restart the same events may come in other batches;
//! `event_id`, or `writer_id` and `seq`, tell one that came before. HTTP/1.1 over TLS 1.2 or 1.3;
//! plain `http://` only to this machine unless [`Endpoint::danger_plaintext`] says otherwise. No
//! environment variable changes where events go or whom the sink trusts.
//!
//! # When it rolls
//!
//! There are no files. A request holds what the log gives the sink at a time: events of one writer,
//! at most 512 of them and 1 MiB, or as [`HttpConfig`] says; an event that is longer goes alone.
//! Requests follow one another, so events arrive in their order.
//!
//! # Durability
//!
//! Events count as delivered when the receiver has answered with a status from 200 to 299 that the
//! format takes for a yes, and its whole answer has come. What a receiver does with them then is for
//! it to say: some answer 202 and store later.
//!
//! # On failure
//!
//! The sink tries once and says what happened; to try again is the log's part, with pauses that grow
//! and `Retry-After`. [`Outcome`] has the four ways for events to go. With a journal, nothing is given
//! up that the receiver may take one day, and what it never takes is kept among the dead letters.
//! Without a journal, a batch is lost after twelve tries or ten minutes, unless somebody has to mend
//! something first; what finds no room in memory meanwhile is lost too, and counted.
//!
//! Time-outs bound every request, an answer is read up to 1 MiB, redirects are not followed, and an
//! answer in HTML is never a yes. What the sink does is not audited, whatever its host audits.
//!
//! # Troubleshooting
//!
//! - *`sink_misconfigured: … answered 401`*, or another diagnostic of this kind: mend what it names;
//!   the sink tries each minute, and nothing is given up until then.
//! - *`there is no certificate to trust`*: the machine, perhaps a small container, has no list of
//!   certificates where systems keep it; give it one, or use [`Endpoint::ca_pem`].
//! - *`UnknownIssuer`*: the receiver's certificate is of a company's own authority: use
//!   [`Endpoint::ca_pem`].
//! - *Every batch is answered 413*: make batches smaller with [`HttpConfig::max_batch_bytes`].
//! - *One event is answered 403 or 500 over and over and holds up those behind it*: if the receiver
//!   means the event, say so with [`Endpoint::treat`].
//! - *A receiver has events twice*: it took them and its answer was lost. Let it drop what has a key
//!   or an `event_id` that it knows.

mod address;
mod answer;
mod compression;
mod config;
mod endpoint;
mod failure;
mod format;
mod outcome;
mod retry_after;
mod secret;
mod signature;
#[cfg(test)]
pub(crate) mod tests;
mod tls;
mod transport;

use std::sync::Arc;

use async_trait::async_trait;
use llm_audit_core::{Batch, Durable, Error, Sink, SinkError, SinkLimits, SystemClock};

pub use answer::Answer;
pub use compression::Compression;
pub use config::HttpConfig;
pub use endpoint::Endpoint;
#[cfg(feature = "cloud")]
pub(crate) use failure::no_answer;
pub use format::{BodyFormat, DatadogLogs, ElasticBulk, JsonArray, NdJson, SplunkHec};
pub use outcome::Outcome;
#[cfg(feature = "cloud")]
pub(crate) use secret::Secret;
pub(crate) use transport::Transport;
#[cfg(feature = "cloud")]
pub(crate) use transport::{client_of_store, pause_of, variable};

/// Posts events to an address, and knows from each answer what became of them.
///
/// The [module's page](self) says what is sent, and what happens when that fails.
///
/// # Examples
///
/// ```
/// use llm_audit_core::Sink;
/// use llm_audit_sinks::HttpSink;
///
/// let sink = HttpSink::new("http://localhost:8080/events")?.named("webhook");
/// assert_eq!(sink.name(), "webhook");
/// // Others would read what is sent in the clear.
/// assert!(HttpSink::new("http://example.org/events").is_err());
/// # Ok::<(), llm_audit_core::Error>(())
/// ```
#[derive(Debug)]
pub struct HttpSink {
    name: String,
    format: Box<dyn BodyFormat>,
    limits: SinkLimits,
    content_type: Option<String>,
    transport: Transport,
    /// What the receiver has of the last batch.
    delivered: Durable,
}

impl HttpSink {
    /// Returns a sink named `http` that sends JSON Lines to `endpoint`. It connects when there is
    /// something to send.
    ///
    /// # Errors
    ///
    /// When the address, a header or a certificate cannot be used.
    pub fn new(endpoint: impl Into<Endpoint>) -> Result<Self, Error> {
        Self::with(HttpConfig::new(endpoint))
    }

    /// Returns a sink named `http` that sends events as `config` says.
    ///
    /// # Errors
    ///
    /// When the address, a header or a certificate cannot be used.
    pub fn with(config: HttpConfig) -> Result<Self, Error> {
        let mut limits = config.format.limits();
        if let Some(events) = config.max_batch_events {
            limits.max_batch_events = events.max(1);
        }
        if let Some(bytes) = config.max_batch_bytes {
            limits.max_batch_bytes = bytes;
        }
        Ok(Self {
            name: "http".to_owned(),
            format: config.format,
            limits,
            content_type: config.content_type,
            transport: Transport::new(&config.endpoint, Arc::new(SystemClock::new()))?,
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

    async fn send(&self, batch: &Batch) -> Result<(), SinkError> {
        let mut body = Vec::new();
        self.format.encode(batch, &mut body)?;
        let (content_type, key) = (self.format.content_type(), batch.idempotency_key());
        let answer = self.transport.post(content_type, &key, body).await?;
        answer.check_content_type(self.content_type.as_deref())?;
        self.format.judge(batch, &answer)
    }
}

#[async_trait]
impl Sink for HttpSink {
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
