//! A batch as the requests that carry it.

use llm_audit_core::schema::{CATALOG, ValueRef};
use llm_audit_core::{Batch, Event};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans};

use super::config::Mapping;
use super::profile::{Place, row};
use super::value::{pair, text};
use super::{log, span};

/// What the specification calls a service that nobody named.
const UNKNOWN_SERVICE: &str = "unknown_service";

/// Returns the spans of a batch, those of one resource together, in the order of the events.
pub(super) fn traces(
    batch: &Batch,
    mapping: Mapping,
    resource: &[(String, String)],
) -> ExportTraceServiceRequest {
    let events = batch.events().iter();
    let events = events.filter(|event| span::is_span(event, mapping));
    let groups = by_resource(events, resource, |event| vec![span::span(event, mapping)]);
    let schema_url = mapping.profile.schema_url();
    let resource_spans = groups.into_iter().map(|(attributes, spans)| ResourceSpans {
        resource: Some(of(attributes)),
        scope_spans: vec![ScopeSpans {
            scope: Some(scope()),
            spans,
            schema_url: schema_url.to_owned(),
        }],
        schema_url: schema_url.to_owned(),
    });
    ExportTraceServiceRequest {
        resource_spans: resource_spans.collect(),
    }
}

/// Returns the log records of a batch, those of one resource together, in the order of the events.
pub(super) fn logs(
    batch: &Batch,
    mapping: Mapping,
    resource: &[(String, String)],
) -> ExportLogsServiceRequest {
    let events = batch.events().iter();
    let groups = by_resource(events, resource, |event| log::records(event, mapping));
    let schema_url = mapping.profile.schema_url();
    let filled = groups
        .into_iter()
        .filter(|(_, records)| !records.is_empty());
    let resource_logs = filled.map(|(attributes, log_records)| ResourceLogs {
        resource: Some(of(attributes)),
        scope_logs: vec![ScopeLogs {
            scope: Some(scope()),
            log_records,
            schema_url: schema_url.to_owned(),
        }],
        schema_url: schema_url.to_owned(),
    });
    ExportLogsServiceRequest {
        resource_logs: resource_logs.collect(),
    }
}

fn by_resource<'a, T>(
    events: impl Iterator<Item = &'a Event>,
    resource: &[(String, String)],
    items: impl Fn(&Event) -> Vec<T>,
) -> Vec<(Vec<KeyValue>, Vec<T>)> {
    let mut groups: Vec<(Vec<KeyValue>, Vec<T>)> = Vec::new();
    for event in events {
        let attributes = attributes(event, resource);
        let known = groups.iter_mut().find(|(known, _)| *known == attributes);
        match known {
            Some((_, group)) => group.extend(items(event)),
            None => groups.push((attributes, items(event))),
        }
    }
    groups
}

fn attributes(event: &Event, resource: &[(String, String)]) -> Vec<KeyValue> {
    let mut found: Vec<(&str, &str)> = Vec::new();
    for info in CATALOG {
        let is_here = row(info.field).place == Place::Resource;
        if let (true, Some(ValueRef::Text(value))) = (is_here, event.get(info.field)) {
            found.push((info.otel_name, value));
        }
    }
    for (name, value) in resource {
        if !found.iter().any(|(known, _)| known == name) {
            found.push((name, value));
        }
    }
    if !found.iter().any(|(name, _)| *name == "service.name") {
        found.push(("service.name", UNKNOWN_SERVICE));
    }
    let pairs = found
        .into_iter()
        .map(|(name, value)| pair(name, text(value)));
    pairs.collect()
}

fn of(attributes: Vec<KeyValue>) -> Resource {
    Resource {
        attributes,
        ..Resource::default()
    }
}

fn scope() -> InstrumentationScope {
    InstrumentationScope {
        name: "llm-audit".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..InstrumentationScope::default()
    }
}
