//! Datadog's intake of logs, endpoint `/api/v2/logs`.

use llm_audit_core::{Batch, Event, SinkError, SinkLimits};

use super::{BodyFormat, push_text};

/// Datadog takes at most so many bytes of one log, and cuts what is longer without a word.
const MAX_LOG_BYTES: usize = 1_000_000;
/// Below that, so that whatever is longer comes alone.
const MAX_BATCH_BYTES: usize = 900_000;

/// Datadog's intake of logs: an array of logs, each with its event under `llm_audit`.
///
/// The endpoint's credentials are the header `DD-API-KEY`. An event of which Datadog would cut off
/// the end is not sent: it counts as turned away.
///
/// # Examples
///
/// ```
/// use llm_audit_sinks::http::{BodyFormat, DatadogLogs, Endpoint};
///
/// let endpoint = Endpoint::new("https://http-intake.logs.datadoghq.eu/api/v2/logs")
///     .header("DD-API-KEY", "0123456789abcdef");
/// let format = DatadogLogs::new().service("shop").tags("env:prod,team:red");
/// assert_eq!(format.content_type(), "application/json");
/// ```
#[derive(Clone, Debug, Default)]
pub struct DatadogLogs {
    service: Option<String>,
    hostname: Option<String>,
    tags: Option<String>,
}

impl DatadogLogs {
    /// Returns the format with source `llm-audit`.
    pub fn new() -> Self {
        Self::default()
    }

    /// Names the service.
    #[must_use]
    pub fn service(mut self, service: impl Into<String>) -> Self {
        self.service = Some(service.into());
        self
    }

    /// Names the host.
    #[must_use]
    pub fn hostname(mut self, hostname: impl Into<String>) -> Self {
        self.hostname = Some(hostname.into());
        self
    }

    /// Sets the tags, as `key:value` with commas between them.
    #[must_use]
    pub fn tags(mut self, tags: impl Into<String>) -> Self {
        self.tags = Some(tags.into());
        self
    }
}

impl BodyFormat for DatadogLogs {
    fn content_type(&self) -> &str {
        "application/json"
    }

    fn encode(&self, batch: &Batch, body: &mut Vec<u8>) -> Result<(), SinkError> {
        let mut common = b"{\"ddsource\":\"llm-audit\"".to_vec();
        let members = [
            ("service", &self.service),
            ("hostname", &self.hostname),
            ("ddtags", &self.tags),
        ];
        for (name, value) in members {
            if let Some(value) = value {
                common.extend_from_slice(format!(",\"{name}\":").as_bytes());
                push_text(&mut common, value);
            }
        }
        let mut separator = b'[';
        for (event, line) in batch.events().iter().zip(batch.lines()) {
            body.push(separator);
            let start = body.len();
            body.extend_from_slice(&common);
            let time = format!(",\"timestamp\":\"{}\",\"message\":", event.recorded_at());
            body.extend_from_slice(time.as_bytes());
            push_text(body, &message(event));
            body.extend_from_slice(b",\"llm_audit\":");
            body.extend_from_slice(line);
            body.push(b'}');
            if body.len() - start > MAX_LOG_BYTES {
                let reason = "an event is longer than the 1 MB that Datadog takes of one";
                return Err(SinkError::permanent(reason));
            }
            separator = b',';
        }
        body.push(b']');
        Ok(())
    }

    fn limits(&self) -> SinkLimits {
        SinkLimits::default().max_batch_bytes(MAX_BATCH_BYTES)
    }
}

/// What a list of logs shows of an event: words of the log's own, no content.
fn message(event: &Event) -> String {
    let (operation, status) = (event.operation(), event.status());
    let words = [
        Some(event.kind().as_str()),
        operation.as_ref().map(|operation| operation.as_str()),
        status.as_ref().map(|status| status.as_str()),
    ];
    words.into_iter().flatten().collect::<Vec<_>>().join(" ")
}
