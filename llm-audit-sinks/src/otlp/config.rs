//! Where spans go, and how much they say.

use super::encoding::Encoding;
use super::profile::Profile;
use crate::http::Endpoint;

/// Where content stands: what was said to a model and by it, arguments and results of tools,
/// documents, texts of errors, people's comments.
///
/// Whatever is chosen, it is no more than the policy lets through, and what a sink's own rule
/// withholds is not there.
///
/// # Examples
///
/// ```
/// use llm_audit_sinks::otlp::ContentTarget;
///
/// assert_eq!("span".parse::<ContentTarget>()?, ContentTarget::Span);
/// assert_eq!(ContentTarget::default(), ContentTarget::None);
/// # Ok::<(), llm_audit_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ContentTarget {
    /// Nowhere.
    #[default]
    None,
    /// On spans, as JSON text, which every backend takes.
    Span,
    /// On log records, as structured values; it takes [`OtlpConfig::logs`].
    Event,
    /// On both.
    Both,
}

impl ContentTarget {
    pub(super) const fn is_on_spans(self) -> bool {
        matches!(self, Self::Span | Self::Both)
    }

    pub(super) const fn is_on_records(self) -> bool {
        matches!(self, Self::Event | Self::Both)
    }
}

impl std::str::FromStr for ContentTarget {
    type Err = llm_audit_core::Error;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "none" => Ok(Self::None),
            "span" => Ok(Self::Span),
            "event" => Ok(Self::Event),
            "both" => Ok(Self::Both),
            _ => Err(llm_audit_core::Error::configuration(
                "content goes to none, span, event or both",
            )),
        }
    }
}

/// How an [`OtlpSink`](super::OtlpSink) sends events to an [`Endpoint`].
///
/// # Examples
///
/// ```
/// use llm_audit_sinks::OtlpSink;
/// use llm_audit_sinks::http::{Compression, Endpoint};
/// use llm_audit_sinks::otlp::{ContentTarget, OtlpConfig, Profile};
///
/// let phoenix = Endpoint::new("http://localhost:6006").compression(Compression::Gzip);
/// let config = OtlpConfig::new(phoenix)
///     .profile(Profile::OpenInference)
///     .content(ContentTarget::Span)
///     .resource("openinference.project.name", "shop");
/// let sink = OtlpSink::with(config)?.named("phoenix");
/// # drop(sink);
/// # Ok::<(), llm_audit_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct OtlpConfig {
    pub(super) endpoint: Endpoint,
    pub(super) mapping: Mapping,
    pub(super) encoding: Encoding,
    pub(super) resource: Vec<(String, String)>,
    pub(super) max_batch_events: Option<usize>,
    pub(super) max_batch_bytes: Option<usize>,
}

/// What of events goes where, under which names.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Mapping {
    pub(super) profile: Profile,
    pub(super) content: ContentTarget,
    pub(super) logs: bool,
}

impl OtlpConfig {
    /// Returns the configuration of a sink that sends spans without content to `endpoint`: the
    /// address to which `/v1/traces` is added, as in `OTEL_EXPORTER_OTLP_ENDPOINT`.
    pub fn new(endpoint: impl Into<Endpoint>) -> Self {
        Self {
            endpoint: endpoint.into(),
            mapping: Mapping::default(),
            encoding: Encoding::default(),
            resource: Vec::new(),
            max_batch_events: None,
            max_batch_bytes: None,
        }
    }

    /// Sets the names of attributes (default [`Profile::GenAi`]).
    #[must_use]
    pub const fn profile(mut self, profile: Profile) -> Self {
        self.mapping.profile = profile;
        self
    }

    /// Sets where content stands (default [`ContentTarget::None`]).
    #[must_use]
    pub const fn content(mut self, content: ContentTarget) -> Self {
        self.mapping.content = content;
        self
    }

    /// Sets in which form requests are sent (default [`Encoding::Protobuf`]).
    #[must_use]
    pub const fn encoding(mut self, encoding: Encoding) -> Self {
        self.encoding = encoding;
        self
    }

    /// Sends log records to `/v1/logs` too (default: spans alone, which every backend takes): late
    /// facts and the log's own events become records, and so do the exceptions, verdicts and scores
    /// that are events of spans otherwise.
    #[must_use]
    pub const fn logs(mut self, logs: bool) -> Self {
        self.mapping.logs = logs;
        self
    }

    /// Adds an attribute to every resource; what an event says of its service wins.
    #[must_use]
    pub fn resource(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.resource.push((name.into(), value.into()));
        self
    }

    /// Sends at most so many events at a time (default 512).
    #[must_use]
    pub const fn max_batch_events(mut self, events: usize) -> Self {
        self.max_batch_events = Some(events);
        self
    }

    /// Sends at most so many bytes of events at a time, counted as JSON Lines (default 1 MiB). A
    /// longer event goes alone.
    #[must_use]
    pub const fn max_batch_bytes(mut self, bytes: usize) -> Self {
        self.max_batch_bytes = Some(bytes);
        self
    }
}
