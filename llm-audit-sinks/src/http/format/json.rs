//! Events as they are: one a line, or in an array.

use llm_audit_core::{Batch, SinkError};

use super::BodyFormat;

/// JSON Lines: one event a line, as in the journal. The default.
///
/// # Examples
///
/// ```
/// use llm_audit_sinks::http::{BodyFormat, NdJson};
///
/// assert_eq!(NdJson.content_type(), "application/x-ndjson");
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "there is nothing to set")]
pub struct NdJson;

impl BodyFormat for NdJson {
    fn content_type(&self) -> &str {
        "application/x-ndjson"
    }

    fn encode(&self, batch: &Batch, body: &mut Vec<u8>) -> Result<(), SinkError> {
        body.extend_from_slice(batch.json_lines());
        Ok(())
    }
}

/// One JSON array of events.
///
/// # Examples
///
/// ```
/// use llm_audit_sinks::http::{BodyFormat, JsonArray};
///
/// assert_eq!(JsonArray.content_type(), "application/json");
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "there is nothing to set")]
pub struct JsonArray;

impl BodyFormat for JsonArray {
    fn content_type(&self) -> &str {
        "application/json"
    }

    fn encode(&self, batch: &Batch, body: &mut Vec<u8>) -> Result<(), SinkError> {
        let mut separator = b'[';
        for line in batch.lines() {
            body.push(separator);
            body.extend_from_slice(line);
            separator = b',';
        }
        body.push(b']');
        Ok(())
    }
}
