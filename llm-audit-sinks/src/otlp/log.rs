//! An event as log records.

use llm_audit_core::{Event, Field, Kind};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, SeverityNumber};

use super::attributes::{Carrier, attributes};
use super::config::Mapping;
use super::ids::Ids;
use super::occurrence;
use super::operation::Operation;
use super::span::{is_span, nanos};
use super::value::{pair, text};

/// Returns the log records of an event: what is no span, its details where content belongs on
/// records, and what happened within it.
pub(super) fn records(event: &Event, mapping: Mapping) -> Vec<LogRecord> {
    let mut records = Vec::new();
    if !is_span(event, mapping) {
        records.push(LogRecord {
            event_name: format!("llm_audit.{}", event.kind()),
            attributes: attributes(event, mapping, Carrier::Record),
            ..record(event, event.kind() == &Kind::Loss)
        });
    } else if Carrier::Record.has_content(mapping) {
        let name = match Operation::of(event).is_inference {
            true => "gen_ai.client.inference.operation.details",
            false => "llm_audit.operation.details",
        };
        records.push(LogRecord {
            event_name: name.to_owned(),
            attributes: attributes(event, mapping, Carrier::Record),
            ..record(event, false)
        });
    }
    let has_content = Carrier::Record.has_content(mapping);
    for occurrence in occurrence::of(event, Carrier::Record, has_content) {
        let mut attributes = occurrence.attributes;
        let id = Field::EventId.info().otel_name;
        attributes.push(pair(id, text(event.event_id().to_string())));
        if let Some(target) = event.target_event_id() {
            let name = Field::TargetEventId.info().otel_name;
            attributes.push(pair(name, text(target)));
        }
        records.push(LogRecord {
            event_name: occurrence.name.to_owned(),
            attributes,
            ..record(event, occurrence.is_warning)
        });
    }
    records
}

fn record(event: &Event, is_warning: bool) -> LogRecord {
    let severity = match is_warning {
        true => SeverityNumber::Warn,
        false => SeverityNumber::Info,
    };
    let ids = Ids::of(event);
    let target = event.target_event_id().and_then(|id| id.parse().ok());
    let has_span = *event.kind() == Kind::Interaction || !ids.parent_span_id.is_empty();
    // A late fact that is within nothing belongs with what it is about.
    let (trace_id, span_id) = match target.map(Ids::of_id).filter(|_| !has_span) {
        Some(target) => (target.trace_id, target.span_id),
        None if *event.kind() == Kind::Interaction || ids.parent_span_id.is_empty() => {
            (ids.trace_id, ids.span_id)
        }
        None => (ids.trace_id, ids.parent_span_id),
    };
    LogRecord {
        time_unix_nano: nanos(event.recorded_at()),
        observed_time_unix_nano: nanos(event.recorded_at()),
        severity_number: severity.into(),
        severity_text: severity
            .as_str_name()
            .trim_start_matches("SEVERITY_NUMBER_")
            .to_owned(),
        flags: 1,
        trace_id,
        span_id,
        ..LogRecord::default()
    }
}
