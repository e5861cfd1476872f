//! Where in a trace something happens, in the words of W3C Trace Context.

use std::fmt;
use std::str::FromStr;

use crate::catalog::Field;
use crate::encode::hex;
use crate::error::Error;
use crate::id::is_of_w3c;

/// A span of some tracer, as the header `traceparent` names it (W3C Trace Context, level 1).
///
/// # Examples
///
/// ```
/// use llm_audit_core::{Context, TraceParent};
///
/// // A request came with a header; what is recorded for it is in the caller's trace.
/// let header = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
/// let parent: TraceParent = header.parse()?;
/// let request = Context::current().with_trace_parent(&parent);
/// assert_eq!(request.trace_parent(), Some(parent));
///
/// // A call to another service says which interaction it belongs to.
/// let sent = request.trace_parent().map(|parent| parent.to_string());
/// assert_eq!(sent.as_deref(), Some(header));
/// # Ok::<(), llm_audit_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceParent {
    trace_id: String,
    span_id: String,
}

/// What a span says that is kept.
const SAMPLED: &str = "01";

impl TraceParent {
    /// Returns the span with these ids, or `None` when one of them is all zero, which is none.
    pub fn new(trace_id: [u8; 16], span_id: [u8; 8]) -> Option<Self> {
        Self::of(&hex(&trace_id), &hex(&span_id))
    }

    /// Returns the id of the trace: 32 hex digits in lower case.
    pub fn trace_id(&self) -> &str {
        &self.trace_id
    }

    /// Returns the id of the span: 16 hex digits in lower case.
    pub fn span_id(&self) -> &str {
        &self.span_id
    }

    pub(crate) fn of(trace_id: &str, span_id: &str) -> Option<Self> {
        let is_fit = is_of_w3c(Field::TraceId, trace_id) && is_of_w3c(Field::SpanId, span_id);
        is_fit.then(|| Self {
            trace_id: trace_id.to_owned(),
            span_id: span_id.to_owned(),
        })
    }
}

/// Writes the header's value. What is audited is kept, so its flag says that it is sampled.
impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{}-{}-{SAMPLED}", self.trace_id, self.span_id)
    }
}

/// Reads the header's value; of a later version what the first one has.
impl FromStr for TraceParent {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        parse(text).ok_or_else(|| {
            Error::invalid("a traceparent is not `00-TRACE-SPAN-FLAGS` of W3C Trace Context")
        })
    }
}

fn parse(text: &str) -> Option<TraceParent> {
    let mut parts = text.split('-');
    let (version, trace_id) = (parts.next()?, parts.next()?);
    let (span_id, flags) = (parts.next()?, parts.next()?);
    let is_byte = |part: &str| {
        part.len() == 2 && part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    };
    let is_whole = version != "00" || parts.next().is_none();
    let is_fit = is_byte(version) && version != "ff" && is_byte(flags) && is_whole;
    TraceParent::of(trace_id, span_id).filter(|_| is_fit)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const SPAN: &str = "00f067aa0ba902b7";

    #[test]
    fn what_the_recommendation_has_invalid_is_refused() {
        for text in [
            "",
            "00",
            &format!("00-{TRACE}-{SPAN}"),
            &format!("00-{TRACE}-{SPAN}-01-more"),
            &format!("ff-{TRACE}-{SPAN}-01"),
            &format!("0g-{TRACE}-{SPAN}-01"),
            &format!("00-{}-{SPAN}-01", TRACE.to_uppercase()),
            &format!("00-{}-{SPAN}-01", "0".repeat(32)),
            &format!("00-{TRACE}-{}-01", "0".repeat(16)),
            &format!("00-{TRACE}-{SPAN}-1"),
            &format!("00-{SPAN}-{TRACE}-01"),
        ] {
            assert!(text.parse::<TraceParent>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_later_version_may_say_more() {
        for text in [
            format!("00-{TRACE}-{SPAN}-00"),
            format!("cc-{TRACE}-{SPAN}-01-what-the-future-brings"),
        ] {
            let parent: TraceParent = text.parse().unwrap();
            assert_eq!((parent.trace_id(), parent.span_id()), (TRACE, SPAN));
        }
    }

    #[test]
    fn an_id_of_zeros_is_none() {
        assert_eq!(TraceParent::new([0; 16], [1; 8]), None);
        assert_eq!(TraceParent::new([1; 16], [0; 8]), None);
        let parent = TraceParent::new([0x4b; 16], [0xf0; 8]).unwrap();
        assert_eq!(parent.to_string().parse::<TraceParent>().unwrap(), parent);
    }
}
