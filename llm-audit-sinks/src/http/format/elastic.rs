//! The bulk interface of Elasticsearch and OpenSearch, endpoint `/_bulk`.

use llm_audit_core::{Batch, SinkError};
use serde::Deserialize;

use super::{BodyFormat, push_text};
use crate::http::answer::Answer;
use crate::http::outcome::Outcome;

/// Elasticsearch's and OpenSearch's bulk interface, into a data stream or an index.
///
/// Each event is created under its own id, so that one that comes again is not there twice: the
/// receiver says 409, which counts as delivered. A data stream knows the ids of its newest index
/// alone; what comes again after it rolled over is there twice, with the same `event_id`.
///
/// # Examples
///
/// ```
/// use llm_audit_sinks::http::{BodyFormat, ElasticBulk, Endpoint};
///
/// let endpoint = Endpoint::new("https://search.example.org:9200/_bulk")
///     .authorization("ApiKey", "VnVhQ2ZHY0JDZGJrU…");
/// let format = ElasticBulk::new("logs-llm_audit-default");
/// assert_eq!(format.content_type(), "application/x-ndjson");
/// ```
#[derive(Clone, Debug)]
pub struct ElasticBulk {
    stream: String,
}

impl ElasticBulk {
    /// Returns the format for a data stream or an index.
    pub fn new(stream: impl Into<String>) -> Self {
        Self {
            stream: stream.into(),
        }
    }
}

#[derive(Deserialize)]
struct Said {
    errors: bool,
    items: Option<Vec<Item>>,
}

#[derive(Deserialize)]
struct Item {
    create: Option<Created>,
}

#[derive(Deserialize)]
struct Created {
    status: u16,
}

impl BodyFormat for ElasticBulk {
    fn content_type(&self) -> &str {
        "application/x-ndjson"
    }

    fn encode(&self, batch: &Batch, body: &mut Vec<u8>) -> Result<(), SinkError> {
        let mut stream = Vec::new();
        push_text(&mut stream, &self.stream);
        for (event, line) in batch.events().iter().zip(batch.lines()) {
            body.extend_from_slice(b"{\"create\":{\"_index\":");
            body.extend_from_slice(&stream);
            let id = format!(",\"_id\":\"{}\"}}}}\n", event.event_id());
            body.extend_from_slice(id.as_bytes());
            // A data stream wants the time under this name.
            let time = format!("{{\"@timestamp\":\"{}\",", event.recorded_at());
            body.extend_from_slice(time.as_bytes());
            body.extend_from_slice(line.strip_prefix(b"{").unwrap_or(line));
            body.push(b'\n');
        }
        Ok(())
    }

    fn judge(&self, batch: &Batch, answer: &Answer) -> Result<(), SinkError> {
        if answer.outcome() != Outcome::Delivered {
            return answer.by_status();
        }
        let said: Option<Said> = serde_json::from_slice(answer.body()).ok();
        let items = match said {
            // Asked for less by `filter_path`, it may leave out the items.
            Some(Said {
                errors: false,
                items: None,
            }) => return Ok(()),
            Some(Said {
                items: Some(items), ..
            }) => items,
            None if !answer.is_whole() => {
                let reason = "its answer is too long: make batches smaller, or add \
                    `?filter_path=errors,items.*.status` to the address";
                return answer.judge(Outcome::Paused, reason);
            }
            _ => {
                let reason = "it is no bulk interface: check the address";
                return answer.judge(Outcome::Paused, reason);
            }
        };
        let outcomes: Vec<_> = items.iter().map(Item::outcome).collect();
        let mut statuses: Vec<_> = items.iter().filter_map(Item::trouble).collect();
        statuses.sort_unstable();
        statuses.dedup();
        let statuses: Vec<_> = statuses.iter().map(u16::to_string).collect();
        let reason = format!("it gave events the status {}", statuses.join(", "));
        answer.judge_each(batch, &outcomes, &reason)
    }
}

impl Item {
    fn outcome(&self) -> Outcome {
        match self.create.as_ref().map(|created| created.status) {
            // It is there already.
            Some(409) => Outcome::Delivered,
            Some(status) => Outcome::of(status),
            None => Outcome::Paused,
        }
    }

    fn trouble(&self) -> Option<u16> {
        let status = self.create.as_ref().map(|created| created.status);
        status.filter(|_| self.outcome() != Outcome::Delivered)
    }
}
