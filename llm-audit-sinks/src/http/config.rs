//! What is sent, in which form, how much at a time.

use std::fmt;

use super::endpoint::Endpoint;
use super::format::{BodyFormat, NdJson};

/// How an [`HttpSink`](super::HttpSink) sends events to an [`Endpoint`].
///
/// # Examples
///
/// ```
/// use llm_audit_sinks::HttpSink;
/// use llm_audit_sinks::http::{Endpoint, HttpConfig, JsonArray};
///
/// # if std::path::Path::new("/etc/ssl/certs/ca-certificates.crt").exists() {
/// let config = HttpConfig::new(Endpoint::new("https://logs.example.org/").bearer("s3cr3t"))
///     .format(JsonArray)
///     .max_batch_events(100)
///     .expect_content_type("application/json");
/// let sink = HttpSink::with(config)?.named("logs");
/// # }
/// # Ok::<(), llm_audit_core::Error>(())
/// ```
pub struct HttpConfig {
    pub(super) endpoint: Endpoint,
    pub(super) format: Box<dyn BodyFormat>,
    pub(super) max_batch_events: Option<usize>,
    pub(super) max_batch_bytes: Option<usize>,
    pub(super) content_type: Option<String>,
}

impl HttpConfig {
    /// Returns the configuration of a sink that sends JSON Lines to `endpoint`.
    pub fn new(endpoint: impl Into<Endpoint>) -> Self {
        Self {
            endpoint: endpoint.into(),
            format: Box::new(NdJson),
            max_batch_events: None,
            max_batch_bytes: None,
            content_type: None,
        }
    }

    /// Sets the form of bodies (default [`NdJson`]).
    #[must_use]
    pub fn format(mut self, format: impl BodyFormat) -> Self {
        self.format = Box::new(format);
        self
    }

    /// Sends at most so many events at a time (default 512).
    #[must_use]
    pub const fn max_batch_events(mut self, events: usize) -> Self {
        self.max_batch_events = Some(events);
        self
    }

    /// Sends at most so many bytes of events at a time, before compression and without what the
    /// format adds (default 1 MiB; for Datadog 900,000). A longer event goes alone.
    #[must_use]
    pub const fn max_batch_bytes(mut self, bytes: usize) -> Self {
        self.max_batch_bytes = Some(bytes);
        self
    }

    /// Takes an answer for one of the receiver only if it has this content type, or no body
    /// (default: anything but HTML).
    #[must_use]
    pub fn expect_content_type(mut self, content_type: impl Into<String>) -> Self {
        self.content_type = Some(content_type.into());
        self
    }
}

impl fmt::Debug for HttpConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpConfig")
            .field("endpoint", &self.endpoint)
            .field("format", &self.format)
            .field("max_batch_events", &self.max_batch_events)
            .field("max_batch_bytes", &self.max_batch_bytes)
            .field("content_type", &self.content_type)
            .finish()
    }
}
