//! An event as a span.

use llm_audit_core::{Event, Kind, Timestamp};
use opentelemetry_proto::tonic::trace::v1::{Span, Status, span, status};

use super::attributes::{Carrier, attributes};
use super::config::Mapping;
use super::ids::{Ids, hex};
use super::occurrence;
use super::operation::Operation;
use crate::error_type::error_type;

/// W3C's flag: whoever decides what is kept keeps this.
const SAMPLED: u32 = 1;

/// Returns whether an event is a span where log records are sent too: whatever lasted.
pub(super) fn is_span(event: &Event, mapping: Mapping) -> bool {
    let lasted = event.started_at().is_some() && event.ended_at().is_some();
    !mapping.logs || *event.kind() == Kind::Interaction || lasted
}

/// Returns the span of an event.
pub(super) fn span(event: &Event, mapping: Mapping) -> Span {
    let ids = Ids::of(event);
    let operation = Operation::of(event);
    let has_content = Carrier::Span.has_content(mapping);
    let (start, end) = times(event);
    Span {
        trace_id: ids.trace_id,
        span_id: ids.span_id,
        parent_span_id: ids.parent_span_id,
        flags: SAMPLED,
        name: operation.span_name(event, has_content),
        kind: operation.kind.into(),
        start_time_unix_nano: nanos(start),
        end_time_unix_nano: nanos(end),
        attributes: attributes(event, mapping, Carrier::Span),
        events: events(event, mapping, end),
        links: links(event),
        // Neither what succeeded nor what was stopped says more than the convention asks for.
        status: error_type(event).map(|_| Status {
            code: status::StatusCode::Error.into(),
            message: String::new(),
        }),
        ..Span::default()
    }
}

/// Returns the nanoseconds since 1970, 0 for what is before.
pub(super) fn nanos(at: Timestamp) -> u64 {
    let micros = u64::try_from(at.as_unix_micros()).unwrap_or(0);
    micros.saturating_mul(1_000)
}

/// A clock may be set back meanwhile; a span does not end before it began.
fn times(event: &Event) -> (Timestamp, Timestamp) {
    let start = event.started_at().unwrap_or_else(|| event.recorded_at());
    let end = event.ended_at().unwrap_or(start).max(start);
    (start, end)
}

fn events(event: &Event, mapping: Mapping, at: Timestamp) -> Vec<span::Event> {
    if mapping.logs {
        return Vec::new();
    }
    let has_content = Carrier::Span.has_content(mapping);
    let found = occurrence::of(event, Carrier::Span, has_content);
    let events = found.into_iter().map(|occurrence| span::Event {
        time_unix_nano: nanos(at),
        name: occurrence.name.to_owned(),
        attributes: occurrence.attributes,
        ..span::Event::default()
    });
    events.collect()
}

fn links(event: &Event) -> Vec<span::Link> {
    let links = event.links().unwrap_or_default().iter();
    let links = links.filter_map(|link| {
        let event_id = link.event_id.as_deref().and_then(|id| id.parse().ok());
        let derived = event_id.map(Ids::of_id);
        let (trace_id, span_id) = derived.map(|ids| (ids.trace_id, ids.span_id)).unzip();
        let own_trace = link.trace_id.as_deref().and_then(hex::<16>);
        let own_span = link.span_id.as_deref().and_then(hex::<8>);
        Some(span::Link {
            trace_id: own_trace.or(trace_id)?,
            span_id: own_span.or(span_id)?,
            ..span::Link::default()
        })
    });
    links.collect()
}
