//! Splunk's HTTP Event Collector, endpoint `/services/collector/event`.

use llm_audit_core::{Batch, SinkError};
use serde::Deserialize;

use super::{BodyFormat, push_seconds, push_text};
use crate::http::answer::Answer;
use crate::http::outcome::Outcome;

/// Splunk's HTTP Event Collector: an object for each event, with its time.
///
/// The endpoint's credentials are `authorization("Splunk", token)`.
///
/// # Examples
///
/// ```
/// use llm_audit_sinks::http::{BodyFormat, Endpoint, SplunkHec};
///
/// let endpoint = Endpoint::new("https://splunk.example.org:8088/services/collector/event")
///     .authorization("Splunk", "B5A79AAD-D822-46CC-80D1-819F80D7BFB0");
/// let format = SplunkHec::new().index("llm").host("shop-1");
/// assert_eq!(format.content_type(), "application/json");
/// ```
#[derive(Clone, Debug)]
pub struct SplunkHec {
    sourcetype: String,
    index: Option<String>,
    host: Option<String>,
}

impl SplunkHec {
    /// Returns the format with source type `llm_audit`, for the token's own index.
    pub fn new() -> Self {
        Self {
            sourcetype: "llm_audit".to_owned(),
            index: None,
            host: None,
        }
    }

    /// Sets the source type.
    #[must_use]
    pub fn sourcetype(mut self, sourcetype: impl Into<String>) -> Self {
        self.sourcetype = sourcetype.into();
        self
    }

    /// Names the index; the token must allow it.
    #[must_use]
    pub fn index(mut self, index: impl Into<String>) -> Self {
        self.index = Some(index.into());
        self
    }

    /// Names the host.
    #[must_use]
    pub fn host(mut self, host: impl Into<String>) -> Self {
        self.host = Some(host.into());
        self
    }
}

impl Default for SplunkHec {
    fn default() -> Self {
        Self::new()
    }
}

/// What the collector says.
#[derive(Deserialize)]
struct Said {
    code: u64,
    /// Where in the body the first event is that it does not take; it has those before.
    #[serde(rename = "invalid-event-number")]
    invalid_event: Option<usize>,
}

/// What the collector's codes mean where the status does not say it: all of these come with 400.
const CODES: &[(u64, Outcome, &str)] = &[
    (
        5,
        Outcome::Paused,
        "code 5: it found no events: check the address",
    ),
    (6, Outcome::Divided, "code 6: an event has a wrong format"),
    (
        7,
        Outcome::Paused,
        "code 7: the token does not allow the index",
    ),
    (
        10,
        Outcome::Paused,
        "code 10: the token wants a channel: add its header",
    ),
    (
        11,
        Outcome::Paused,
        "code 11: the channel is none: check its header",
    ),
    (12, Outcome::Divided, "code 12: an event is missing"),
    (13, Outcome::Divided, "code 13: an event is blank"),
    (
        14,
        Outcome::Paused,
        "code 14: the token has no acknowledgement",
    ),
    (
        15,
        Outcome::Divided,
        "code 15: indexed fields of an event are wrong",
    ),
    (
        16,
        Outcome::Paused,
        "code 16: the token is not taken from the query",
    ),
];

impl BodyFormat for SplunkHec {
    fn content_type(&self) -> &str {
        "application/json"
    }

    fn encode(&self, batch: &Batch, body: &mut Vec<u8>) -> Result<(), SinkError> {
        let mut common = b",\"source\":\"llm-audit\"".to_vec();
        let members = [
            ("sourcetype", Some(&self.sourcetype)),
            ("index", self.index.as_ref()),
            ("host", self.host.as_ref()),
        ];
        for (name, value) in members {
            if let Some(value) = value {
                common.extend_from_slice(format!(",\"{name}\":").as_bytes());
                push_text(&mut common, value);
            }
        }
        for (event, line) in batch.events().iter().zip(batch.lines()) {
            body.extend_from_slice(b"{\"time\":");
            push_seconds(body, event.recorded_at());
            body.extend_from_slice(&common);
            body.extend_from_slice(b",\"event\":");
            body.extend_from_slice(line);
            body.extend_from_slice(b"}\n");
        }
        Ok(())
    }

    fn judge(&self, batch: &Batch, answer: &Answer) -> Result<(), SinkError> {
        let said: Option<Said> = serde_json::from_slice(answer.body()).ok();
        match (answer.outcome(), said) {
            (Outcome::Delivered, Some(Said { code: 0, .. })) => Ok(()),
            (Outcome::Delivered, _) => {
                let reason = "it is no event collector: check the address";
                answer.judge(Outcome::Paused, reason)
            }
            (Outcome::Divided, Some(said)) => said.judge(batch, answer),
            _ => answer.by_status(),
        }
    }
}

impl Said {
    fn judge(&self, batch: &Batch, answer: &Answer) -> Result<(), SinkError> {
        let Some((_, outcome, reason)) = CODES.iter().find(|(code, ..)| *code == self.code) else {
            return answer.by_status();
        };
        // It has what stands before the event to blame, which comes first the next time.
        let taken = self.invalid_event.unwrap_or(0);
        match batch.seqs().get(taken) {
            Some(seq) if taken > 0 && *outcome == Outcome::Divided => answer
                .judge(Outcome::Retried, reason)
                .map_err(|error| error.from_seq(*seq)),
            _ => answer.judge(*outcome, reason),
        }
    }
}
