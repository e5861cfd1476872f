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
        let trace_id = event.trace_id().and_then(hex::<16>);
        let parent = event.parent_span_id().and_then(hex::<8>);
        // Of a late fact whose trace the program named, the parent is what it is about.
        let is_named = trace_id.as_ref().is_some_and(|id| *id != derived.trace_id);
        let target = event.target_event_id().and_then(|id| id.parse().ok());
        let is_late = is_named && *event.kind() != Kind::Interaction;
        let target = target.filter(|_| is_late).map(|id| Self::of_id(id).span_id);
        Self {
            trace_id: trace_id.unwrap_or(derived.trace_id),
            span_id: event
                .span_id()
                .and_then(hex::<8>)
                .unwrap_or(derived.span_id),
            parent_span_id: parent.or(target).unwrap_or(derived.parent_span_id),
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

/// Returns the `N` bytes of hex digits, or `None` where there are more or fewer, or all are zero: a
/// receiver refuses such an id.
pub(super) fn hex<const N: usize>(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let pairs = text.as_bytes().chunks(2).map(|pair| match pair {
        [high, low] => u8::try_from(digit(*high)? << 4 | digit(*low)?).ok(),
        _ => None,
    });
    let bytes: Vec<u8> = pairs.collect::<Option<_>>()?;
    (bytes.len() == N && bytes.iter().any(|byte| *byte != 0)).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_digits_are_bytes_and_other_text_is_not() {
        assert_eq!(hex::<3>("00ff7a"), Some(vec![0x00, 0xff, 0x7a]));
        for text in ["", "0", "zzzzzz", "00ff7", "00ff", "00ff7a00", "000000"] {
            assert_eq!(hex::<3>(text), None, "{text}");
        }
    }

    #[test]
    fn ids_that_are_none_are_those_that_follow_from_the_event() {
        let id = "0190a5b4-7c6e-7aaa-8bbb-0123456789ab";
        for (trace, span) in [("", ""), ("ab", "cd"), (&*"0".repeat(32), &*"0".repeat(16))] {
            let line = format!(
                r#"{{"schema_version":1,"kind":"interaction","event_id":"{id}","writer_id":"{id}","recorded_at":"2026-11-22T09:00:00.000000Z","sdk_name":"llm-audit","sdk_version":"0.1.0","trace_id":"{trace}","span_id":"{span}","parent_span_id":"{span}"}}"#
            );
            let event = Event::from_json(line.as_bytes()).unwrap();
            let (ids, derived) = (Ids::of(&event), Ids::of_id(event.event_id()));
            assert_eq!(ids.trace_id, derived.trace_id);
            assert_eq!(ids.span_id, derived.span_id);
            assert!(ids.parent_span_id.is_empty());
        }
    }
}
