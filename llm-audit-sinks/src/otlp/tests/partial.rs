//! A receiver that rejects a part: what it rejected is lost to the sink, and nothing else.

use std::collections::BTreeMap;
use std::sync::Mutex;

use llm_audit_core::{Field, Operation, Policy, Preset, builder};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;

use super::answers::rejects;
use super::{config, read};
use crate::http::tests::LONG;
use crate::http::tests::server::{Do, Server};
use crate::otlp::OtlpSink;

/// What the receiver stored, by span id; what comes again is stored once, as in Phoenix.
static STORED: Mutex<BTreeMap<Vec<u8>, String>> = Mutex::new(BTreeMap::new());

fn is_rejected(span: &Span) -> bool {
    span.name.ends_with("-7") || span.name.ends_with("-31")
}

/// Stores what it does not reject, and says how many it rejects.
fn takes_a_part(body: &[u8]) -> Do {
    let request = ExportTraceServiceRequest::decode(body).unwrap();
    let mut rejected = 0;
    let groups = request.resource_spans.into_iter();
    for span in groups
        .flat_map(|group| group.scope_spans)
        .flat_map(|scope| scope.spans)
    {
        if is_rejected(&span) {
            rejected += 1;
        } else {
            STORED.lock().unwrap().insert(span.span_id, span.name);
        }
    }
    rejects(rejected, "the name is not allowed")
}

#[test]
fn what_a_part_was_rejected_of_is_found_and_the_rest_arrives() {
    let server = Server::new([]).otherwise(Do::Decide(takes_a_part));
    let temp = tempfile::tempdir().unwrap();
    let audit = builder()
        .policy(Policy::preset(Preset::Operations).unwrap())
        .journal(temp.path())
        .sink(OtlpSink::with(config(server.url())).unwrap())
        .spawn()
        .unwrap();
    let mut ids = Vec::new();
    for number in 0..100 {
        let mut call = audit.begin(Operation::Chat);
        call.request_model(format!("model-{number}"));
        ids.push((number, call.event_id().unwrap()));
        call.finish();
    }
    let report = audit.shutdown(LONG);
    let sink = report.counters.sink("otlp").unwrap().clone();
    assert_eq!(sink.lost(), 2, "{report}");
    assert_eq!(sink.pending, 0, "{report}");
    let stored = STORED.lock().unwrap();
    for (number, id) in ids {
        let is_stored = stored.contains_key(&id.as_bytes()[8..]);
        assert_eq!(is_stored, number != 7 && number != 31, "{number}");
    }
    // Each request had its own key, and the ids of a span were the same each time.
    let mut names = BTreeMap::new();
    for (_, span) in read::spans(&server) {
        let id = read::find(span.attributes.iter(), Field::EventId.info().otel_name);
        assert_eq!(*names.entry(span.span_id).or_insert(id.clone()), id);
    }
}
