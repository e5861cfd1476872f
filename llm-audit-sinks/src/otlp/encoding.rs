//! In which form messages are sent, and answers read.

use llm_audit_core::SinkError;
use opentelemetry_proto::tonic::collector::logs::v1::{
    ExportLogsServiceRequest, ExportLogsServiceResponse,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use prost::Message;

use super::answer::Signal;

/// In which form requests are sent; answers come in the same.
///
/// # Examples
///
/// ```
/// use llm_audit_sinks::otlp::{Encoding, OtlpConfig};
///
/// let config = OtlpConfig::new("http://localhost:4318").encoding(Encoding::Protobuf);
/// assert_eq!(Encoding::default(), Encoding::Protobuf);
/// # drop(config);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Encoding {
    /// `application/x-protobuf`, which every receiver takes.
    #[default]
    Protobuf,
    /// `application/json`, which is longer, for receivers that take nothing else.
    #[cfg(feature = "otlp-json")]
    #[cfg_attr(docsrs, doc(cfg(feature = "otlp-json")))]
    Json,
}

impl Encoding {
    pub(super) const fn content_type(self) -> &'static str {
        match self {
            Self::Protobuf => "application/x-protobuf",
            #[cfg(feature = "otlp-json")]
            Self::Json => "application/json",
        }
    }

    pub(super) fn traces(self, request: &ExportTraceServiceRequest) -> Result<Vec<u8>, SinkError> {
        match self {
            Self::Protobuf => Ok(request.encode_to_vec()),
            #[cfg(feature = "otlp-json")]
            Self::Json => json(request),
        }
    }

    pub(super) fn logs(self, request: &ExportLogsServiceRequest) -> Result<Vec<u8>, SinkError> {
        match self {
            Self::Protobuf => Ok(request.encode_to_vec()),
            #[cfg(feature = "otlp-json")]
            Self::Json => json(request),
        }
    }

    /// Returns how many items a success rejects, or `None` where it is no answer of OTLP.
    pub(super) fn rejected(self, signal: Signal, body: &[u8]) -> Option<i64> {
        match self {
            Self::Protobuf => Some(match signal {
                Signal::Logs => {
                    let said = ExportLogsServiceResponse::decode(body).ok()?;
                    let part = said.partial_success;
                    part.map_or(0, |part| part.rejected_log_records)
                }
                Signal::Traces => {
                    let said = ExportTraceServiceResponse::decode(body).ok()?;
                    said.partial_success.map_or(0, |part| part.rejected_spans)
                }
            }),
            #[cfg(feature = "otlp-json")]
            Self::Json => rejected_in_json(signal, body),
        }
    }
}

#[cfg(feature = "otlp-json")]
fn json(request: &impl serde::Serialize) -> Result<Vec<u8>, SinkError> {
    serde_json::to_vec(request).map_err(|_| SinkError::permanent("the events are no JSON of OTLP"))
}

/// The members of an answer, as the JSON mapping of protobuf has them and, with underscores, as some
/// write them.
#[cfg(feature = "otlp-json")]
const PART: [&str; 2] = ["partialSuccess", "partial_success"];
#[cfg(feature = "otlp-json")]
const RECORDS: [&str; 2] = ["rejectedLogRecords", "rejected_log_records"];
#[cfg(feature = "otlp-json")]
const SPANS: [&str; 2] = ["rejectedSpans", "rejected_spans"];

/// Numbers of 64 bits are texts in JSON of OTLP, and many write them as numbers. An object of something
/// else is no answer: nobody says that the events were taken.
#[cfg(feature = "otlp-json")]
fn rejected_in_json(signal: Signal, body: &[u8]) -> Option<i64> {
    use serde_json::{Map, Value};

    fn member<'a>(of: &'a Map<String, Value>, names: [&str; 2]) -> Option<&'a Value> {
        names.into_iter().find_map(|name| of.get(name))
    }
    if body.is_empty() {
        return Some(0);
    }
    let said: Value = serde_json::from_slice(body).ok()?;
    let said = said.as_object()?;
    let part = match member(said, PART) {
        None if said.is_empty() => return Some(0),
        None => return None,
        Some(Value::Null) => return Some(0),
        Some(part) => part.as_object()?,
    };
    let names = match signal {
        Signal::Logs => RECORDS,
        Signal::Traces => SPANS,
    };
    match member(part, names) {
        None | Some(Value::Null) => Some(0),
        Some(Value::String(number)) => number.parse().ok(),
        Some(number) => number.as_i64(),
    }
}
