//! What a body looks like, and what its receiver's answers mean.

mod datadog;
mod elastic;
mod json;
mod splunk;

use std::fmt;

use llm_audit_core::{Batch, SinkError, SinkLimits, Timestamp};

pub use datadog::DatadogLogs;
pub use elastic::ElasticBulk;
pub use json::{JsonArray, NdJson};
pub use splunk::SplunkHec;

use super::answer::Answer;

/// The form in which a receiver wants events.
///
/// # Examples
///
/// ```
/// use llm_audit_core::{Batch, SinkError};
/// use llm_audit_sinks::http::{Answer, BodyFormat, Outcome};
///
/// /// `{"logs":[…]}`, answered by `{"accepted":3}`.
/// #[derive(Debug)]
/// struct Wrapped;
///
/// impl BodyFormat for Wrapped {
///     fn content_type(&self) -> &str {
///         "application/json"
///     }
///
///     fn encode(&self, batch: &Batch, body: &mut Vec<u8>) -> Result<(), SinkError> {
///         let lines: Vec<&[u8]> = batch.lines().collect();
///         body.extend_from_slice(b"{\"logs\":[");
///         body.extend_from_slice(&lines.join(&b','));
///         body.extend_from_slice(b"]}");
///         Ok(())
///     }
///
///     fn judge(&self, batch: &Batch, answer: &Answer) -> Result<(), SinkError> {
///         answer.by_status()?;
///         let accepted = format!("{{\"accepted\":{}}}", batch.len());
///         if answer.body() == accepted.as_bytes() {
///             return Ok(());
///         }
///         answer.judge(Outcome::Retried, "it did not accept all events")
///     }
/// }
/// # assert_eq!(Wrapped.content_type(), "application/json");
/// ```
pub trait BodyFormat: fmt::Debug + Send + Sync + 'static {
    /// Returns the content type of bodies.
    fn content_type(&self) -> &str;

    /// Appends the events of `batch` to an empty body. The same batch gives the same bytes each
    /// time.
    ///
    /// # Errors
    ///
    /// When the receiver would not take them as they are; [`SinkError::permanent`] has the halves of
    /// the batch tried.
    fn encode(&self, batch: &Batch, body: &mut Vec<u8>) -> Result<(), SinkError>;

    /// Returns how large a batch is unless the user says otherwise.
    fn limits(&self) -> SinkLimits {
        SinkLimits::default()
    }

    /// Says what follows from the answer to `batch`.
    ///
    /// # Errors
    ///
    /// Unless all events are delivered.
    fn judge(&self, batch: &Batch, answer: &Answer) -> Result<(), SinkError> {
        let _ = batch;
        answer.by_status()
    }
}

/// Appends `text` as a JSON string.
fn push_text(out: &mut Vec<u8>, text: &str) {
    // A vector takes all that is written to it, and a string is always JSON.
    serde_json::to_writer(out, text).unwrap_or_default();
}

/// Appends the seconds since 1970, with six decimals.
fn push_seconds(out: &mut Vec<u8>, at: Timestamp) {
    let micros = at.as_unix_micros();
    let sign = if micros < 0 { "-" } else { "" };
    let micros = micros.unsigned_abs();
    let (seconds, fraction) = (micros / 1_000_000, micros % 1_000_000);
    out.extend_from_slice(format!("{sign}{seconds}.{fraction:06}").as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_keep_their_sign_and_six_decimals() {
        for (micros, text) in [
            (0, "0.000000"),
            (1_767_225_600_000_001, "1767225600.000001"),
            (-1, "-0.000001"),
            (-1_500_000, "-1.500000"),
        ] {
            let mut out = Vec::new();
            push_seconds(&mut out, Timestamp::from_unix_micros(micros));
            assert_eq!(out, text.as_bytes());
        }
    }
}
