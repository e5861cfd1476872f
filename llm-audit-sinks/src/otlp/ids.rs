//! Ids of traces and spans, which are the same however often an event is sent.

use llm_audit_core::{Event, EventId, Kind};

/// The ids of an event's span.
pub(super) struct Ids {
    pub(super) trace_id: Vec<u8>,
    pub(super) span_id: Vec<u8>,
    /// Empty for a root.
    pub(super) parent_span_id: Vec<u8>,
}

impl Ids {
    /// Returns the event's own ids; where it has none, they follow from its identifier, as the log
    /// itself makes them.
    pub(super) fn of(event: &Event) -> Self {
        let derived = match event.kind() {
            Kind::Other(_) => Self::of_id(event.event_id()),
            kind if kind.is_capture() => Self::of_id(event.event_id()),
            _ => Self::of_own(event),
        };
        Self {
            trace_id: event.trace_id().and_then(hex).unwrap_or(derived.trace_id),
            span_id: event.span_id().and_then(hex).unwrap_or(derived.span_id),
            parent_span_id: event
                .parent_span_id()
                .and_then(hex)
                .unwrap_or(derived.parent_span_id),
        }
    }

    /// Returns the ids of an event of the log itself: those of one start are one trace, that begins
    /// with `log_opened`.
    fn of_own(event: &Event) -> Self {
        let start = event.writer_id();
        let root = start.as_bytes().get(8..).unwrap_or_default();
        let own = Self::of_id(event.event_id()).span_id;
        let is_root = *event.kind() == Kind::LogOpened;
        Self {
            trace_id: start.as_bytes().to_vec(),
            span_id: if is_root { root.to_vec() } else { own },
            parent_span_id: if is_root { Vec::new() } else { root.to_vec() },
        }
    }

    /// Returns the ids of an event that is in no other trace.
    pub(super) fn of_id(id: EventId) -> Self {
        let bytes = id.as_bytes();
        Self {
            trace_id: bytes.to_vec(),
            span_id: bytes.get(8..).unwrap_or_default().to_vec(),
            parent_span_id: Vec::new(),
        }
    }
}

/// Returns the bytes of lower-case hex digits.
pub(super) fn hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let pairs = text.as_bytes().chunks(2).map(|pair| match pair {
        [high, low] => u8::try_from(digit(*high)? << 4 | digit(*low)?).ok(),
        _ => None,
    });
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_digits_are_bytes_and_other_text_is_not() {
        assert_eq!(hex("00ff7a"), Some(vec![0x00, 0xff, 0x7a]));
        assert_eq!(hex("0"), None);
        assert_eq!(hex("zz"), None);
    }
}
