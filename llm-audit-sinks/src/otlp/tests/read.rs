//! Requests of OTLP read back as the events that they carry.

use llm_audit_core::schema::{CATALOG, FieldInfo, FieldType};
use llm_audit_core::{Event, Field};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use serde_json::{Value as Json, json};

use crate::http::tests::server::{Request, Server};
use crate::otlp::attributes::OTHERS;
use crate::otlp::content::UNKNOWN;
use crate::otlp::profile::{Form, row};

/// The requests to one path, decompressed.
fn bodies(server: &Server, path: &str) -> Vec<Vec<u8>> {
    let requests = server.requests().into_iter();
    let requests = requests.filter(|request| request.line.contains(path));
    requests.map(|request| body(&request)).collect()
}

fn body(request: &Request) -> Vec<u8> {
    assert_eq!(
        request.header("content-type"),
        Some("application/x-protobuf")
    );
    match request.header("content-encoding") {
        Some("gzip") => {
            let mut body = Vec::new();
            let mut gzip = flate2::read::GzDecoder::new(&*request.body);
            std::io::Read::read_to_end(&mut gzip, &mut body).unwrap();
            body
        }
        _ => request.body.clone(),
    }
}

/// The spans that came, each with its resource.
pub(crate) fn spans(server: &Server) -> Vec<(Resource, Span)> {
    let mut spans = Vec::new();
    for body in bodies(server, "/v1/traces") {
        let request = ExportTraceServiceRequest::decode(&*body).unwrap();
        for group in request.resource_spans {
            let resource = group.resource.unwrap();
            let of_scopes = group.scope_spans.into_iter().flat_map(|scope| scope.spans);
            spans.extend(of_scopes.map(|span| (resource.clone(), span)));
        }
    }
    spans
}

/// The numbers of the events that a request carries as spans.
pub(crate) fn seqs(request: &Request) -> Vec<u64> {
    let request = ExportTraceServiceRequest::decode(&*body(request)).unwrap();
    let groups = request.resource_spans.into_iter();
    let scopes = groups.flat_map(|group| group.scope_spans);
    let spans = scopes.flat_map(|scope| scope.spans);
    let name = Field::Seq.info().otel_name;
    let seqs = spans.map(|span| {
        find(span.attributes.iter(), name)
            .unwrap()
            .as_u64()
            .unwrap()
    });
    seqs.collect()
}

/// The log records that came, each with its resource.
pub(crate) fn records(server: &Server) -> Vec<(Resource, LogRecord)> {
    let mut records = Vec::new();
    for body in bodies(server, "/v1/logs") {
        let request = ExportLogsServiceRequest::decode(&*body).unwrap();
        for group in request.resource_logs {
            let resource = group.resource.unwrap();
            let of_scopes = group
                .scope_logs
                .into_iter()
                .flat_map(|scope| scope.log_records);
            records.extend(of_scopes.map(|record| (resource.clone(), record)));
        }
    }
    records
}

/// The events that came: as spans, or as log records that are no span's.
pub(crate) fn events(server: &Server) -> Vec<Event> {
    let of_spans = spans(server).into_iter();
    let mut events: Vec<_> = of_spans
        .map(|(resource, span)| {
            event(
                &resource,
                &span.attributes,
                Some((&span.trace_id, &span.span_id)),
            )
        })
        .collect();
    for (resource, record) in records(server) {
        if record.event_name.starts_with("llm_audit.") && !record.event_name.ends_with("details") {
            events.push(event(&resource, &record.attributes, None));
        }
    }
    events.sort_by_key(Event::seq);
    events
}

/// Reads an event of a carrier that has its content; ids that do not follow from the event's are
/// its own.
pub(crate) fn event(
    resource: &Resource,
    attributes: &[KeyValue],
    ids: Option<(&[u8], &[u8])>,
) -> Event {
    let mut members: Vec<(String, String)> = Vec::new();
    let all = || resource.attributes.iter().chain(attributes);
    for info in CATALOG {
        let value = match row(info.field).form {
            Form::Members => of_members(info, all()),
            _ => find(all(), info.otel_name).map(|value| of_value(info, value)),
        };
        if let Some(value) = value.filter(|value| value != UNKNOWN_SERVICE) {
            members.push((info.name.to_owned(), value.to_string()));
        }
    }
    for attribute in attributes {
        if let (Some(name), Some(json)) = (attribute.key.strip_prefix(OTHERS), value(attribute)) {
            members.push((name.to_owned(), json.as_str().unwrap().to_owned()));
        }
    }
    let members = members
        .iter()
        .map(|(name, json)| format!("{}:{json}", json!(name)));
    let line = format!("{{{}}}", members.collect::<Vec<_>>().join(","));
    let mut event = Event::from_json(line.as_bytes()).unwrap();
    if let Some((trace_id, span_id)) = ids {
        let id = *event.event_id().as_bytes();
        for (field, found, derived) in [
            (Field::TraceId, trace_id, &id[..]),
            (Field::SpanId, span_id, &id[8..]),
        ] {
            if found != derived {
                let hex: String = found.iter().map(|byte| format!("{byte:02x}")).collect();
                let text = llm_audit_core::schema::Value::Text(hex);
                event.try_set(field, text).unwrap();
            }
        }
    }
    event
}

const UNKNOWN_SERVICE: &str = "unknown_service";

/// Returns the value of an attribute as JSON.
pub(crate) fn value(attribute: &KeyValue) -> Option<Json> {
    attribute.value.as_ref().map(any)
}

pub(crate) fn find<'a>(
    mut attributes: impl Iterator<Item = &'a KeyValue>,
    name: &str,
) -> Option<Json> {
    attributes.find(|pair| pair.key == name).and_then(value)
}

fn any(value: &AnyValue) -> Json {
    match &value.value {
        None => Json::Null,
        Some(Value::BoolValue(value)) => json!(value),
        Some(Value::IntValue(value)) => json!(value),
        Some(Value::DoubleValue(value)) => json!(value),
        Some(Value::StringValue(value)) => json!(value),
        Some(Value::ArrayValue(list)) => list.values.iter().map(any).collect(),
        Some(Value::KvlistValue(list)) => {
            let members = list.values.iter();
            let members = members.map(|pair| (pair.key.clone(), value_or_null(pair)));
            Json::Object(members.collect())
        }
        Some(other) => panic!("{other:?}"),
    }
}

fn value_or_null(pair: &KeyValue) -> Json {
    value(pair).unwrap_or(Json::Null)
}

fn of_members<'a>(
    info: &FieldInfo,
    attributes: impl Iterator<Item = &'a KeyValue>,
) -> Option<Json> {
    let prefix = format!("{}.", info.otel_name);
    let mut map = serde_json::Map::new();
    for pair in attributes {
        if let Some(key) = pair.key.strip_prefix(&prefix) {
            map.insert(key.to_owned(), value_or_null(pair));
        }
    }
    (!map.is_empty()).then_some(Json::Object(map))
}

/// Returns the value as it stands in the log.
fn of_value(info: &FieldInfo, value: Json) -> Json {
    // On a span, what has members is JSON text.
    let parsed = || match &value {
        Json::String(text) => serde_json::from_str(text).unwrap(),
        value => value.clone(),
    };
    match (row(info.field).form, info.field_type) {
        (Form::Seconds, _) => json!((value.as_f64().unwrap() * 1e6).round() as u64),
        (Form::Int, _) => json!(
            value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned)
        ),
        (_, FieldType::Json) => json!(parsed().to_string()),
        (_, FieldType::JsonMap) => {
            let Json::Object(map) = parsed() else {
                panic!()
            };
            let texts = map
                .into_iter()
                .map(|(key, value)| (key, json!(value.to_string())));
            Json::Object(texts.collect())
        }
        (_, FieldType::Messages) => each(parsed(), &|message| {
            message["parts"] = each(message["parts"].take(), &part);
            if message["parts"] == json!([]) {
                message.as_object_mut().unwrap().remove("parts");
            }
            message
                .as_object_mut()
                .unwrap()
                .retain(|_, value| value != UNKNOWN);
        }),
        (_, FieldType::Parts) => each(parsed(), &part),
        (_, FieldType::Documents) => each(parsed(), &|document| {
            let document = document.as_object_mut().unwrap();
            if let Some(text) = document.remove("content") {
                document.insert("text".to_owned(), text);
            }
        }),
        (
            _,
            FieldType::ToolDefinitions
            | FieldType::Guardrails
            | FieldType::Evaluations
            | FieldType::Links
            | FieldType::Media
            | FieldType::Redactions
            | FieldType::Truncations,
        ) => parsed(),
        _ => value,
    }
}

fn each(mut list: Json, change: &dyn Fn(&mut Json)) -> Json {
    list.as_array_mut().unwrap().iter_mut().for_each(change);
    list
}

fn part(part: &mut Json) {
    for name in ["arguments", "response"] {
        if let Some(value) = part.get_mut(name) {
            *value = json!(value.to_string());
        }
    }
}
