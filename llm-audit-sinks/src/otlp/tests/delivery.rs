//! Spans through the whole log: once each, in traces, whatever fails on the way.

use std::collections::BTreeSet;

use llm_audit_core::{Facet, Operation, builder};

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;

use super::{batch, config, everything, read, recorded, write};
use crate::http::tests::server::{Do, Request, Server};
use crate::http::tests::{LONG, hurry};
use crate::otlp::attributes::{Carrier, attributes};
use crate::otlp::{ContentTarget, OtlpConfig, OtlpSink};

#[test]
fn an_event_that_comes_again_is_the_same_span() {
    let server = Server::new([]);
    let mut sink = OtlpSink::with(config(server.url())).unwrap();
    for _ in 0..2 {
        write(&mut sink, &batch()).unwrap();
    }
    // After a restart too.
    write(&mut OtlpSink::with(config(server.url())).unwrap(), &batch()).unwrap();
    let requests = server.requests();
    assert_eq!(requests.len(), 3);
    assert!(
        requests
            .iter()
            .all(|request| request.body == requests[0].body)
    );
    let ids: BTreeSet<_> = read::spans(&server)
        .into_iter()
        .map(|(_, span)| span.span_id)
        .collect();
    assert_eq!(ids.len(), batch().len());
}

#[test]
fn what_happens_within_an_interaction_is_its_child_in_one_trace() {
    let server = Server::new([]);
    let (_, memory) = recorded(|audit| {
        let agent = audit.begin(Operation::InvokeAgent);
        agent.context().enter(|| {
            audit.begin(Operation::Chat).finish();
            let tool = audit.begin(Operation::ExecuteTool);
            tool.context()
                .enter(|| audit.begin(Operation::Retrieval).finish());
            tool.finish();
        });
        agent.finish();
    });
    let mut sink = OtlpSink::with(config(server.url())).unwrap();
    for batch in memory.batches() {
        write(&mut sink, &batch).unwrap();
    }
    let spans: Vec<_> = read::spans(&server)
        .into_iter()
        .map(|(_, span)| span)
        .collect();
    let named = |name: &str| spans.iter().find(|span| span.name == name).unwrap();
    let (agent, tool) = (named("invoke_agent"), named("execute_tool"));
    assert!(agent.parent_span_id.is_empty());
    for (child, parent) in [
        ("chat", agent),
        ("execute_tool", agent),
        ("retrieval", tool),
    ] {
        let child = named(child);
        assert_eq!(child.parent_span_id, parent.span_id);
        assert_eq!(child.trace_id, agent.trace_id);
        assert!(parent.start_time_unix_nano <= child.start_time_unix_nano);
        assert!(child.end_time_unix_nano <= parent.end_time_unix_nano);
    }
}

#[test]
fn what_a_start_of_the_log_says_of_itself_is_one_trace() {
    let server = Server::new([]);
    let (_, memory) = recorded(|audit| audit.begin(Operation::Chat).finish().map(drop).unwrap());
    let mut sink = OtlpSink::with(config(server.url())).unwrap();
    for batch in memory.batches() {
        write(&mut sink, &batch).unwrap();
    }
    let spans = read::spans(&server).into_iter().map(|(_, span)| span);
    let (calls, own): (Vec<_>, Vec<_>) = spans.partition(|span| span.name == "chat");
    let root = own.iter().find(|span| span.name == "log_opened").unwrap();
    assert!(own.len() > 1 && root.parent_span_id.is_empty());
    for span in own.iter().filter(|span| span.name != "log_opened") {
        assert_eq!(
            (&span.trace_id, &span.parent_span_id),
            (&root.trace_id, &root.span_id)
        );
    }
    assert_ne!(calls[0].trace_id, root.trace_id);
}

#[test]
fn spans_that_were_taken_do_not_come_again_with_their_log_records() {
    // Spans, then log records that are refused twice.
    let script = [200, 503, 503].map(Do::status);
    let server = Server::new(script);
    let mut sink = OtlpSink::with(config(server.url()).logs(true)).unwrap();
    for is_taken in [false, false, true, true] {
        assert_eq!(write(&mut sink, &batch()).is_ok(), is_taken);
    }
    let lines = server.requests().into_iter().map(|request| request.line);
    let signals: Vec<_> = lines.map(|line| line.contains("/v1/traces")).collect();
    // When it is asked again after a success it is another delivery.
    assert_eq!(signals, [true, false, false, false, true, false]);
}

/// Takes spans, and log records one at a time.
fn takes_single_records(body: &[u8]) -> Do {
    if ExportTraceServiceRequest::decode(body).is_ok() {
        return Do::status(200);
    }
    let groups = ExportLogsServiceRequest::decode(body)
        .unwrap()
        .resource_logs;
    let scopes = groups.into_iter().flat_map(|group| group.scope_logs);
    let records: usize = scopes.map(|scope| scope.log_records.len()).sum();
    Do::status(if records > 1 { 400 } else { 200 })
}

#[test]
fn spans_that_were_taken_do_not_come_again_with_parts_of_their_log_records() {
    let server = Server::new([]).otherwise(Do::status(503));
    let temp = tempfile::tempdir().unwrap();
    let audit = builder()
        .policy(everything())
        .journal(temp.path())
        .sink(OtlpSink::with(config(server.url()).logs(true)).unwrap())
        .spawn()
        .unwrap();
    for _ in 0..20 {
        audit.begin(Operation::Chat).fail("overloaded");
    }
    while server.requests().len() < 3 {
        hurry(&audit);
    }
    let refused = server.requests().len();
    server.set_otherwise(Do::Decide(takes_single_records));
    let report = audit.shutdown(LONG);
    assert!(report.is_complete(), "{report}");
    let requests = server.requests().split_off(refused);
    let is_traces = |request: &&Request| request.line.contains("/v1/traces");
    let parts: Vec<_> = requests.iter().filter(is_traces).map(read::seqs).collect();
    assert!(parts.iter().any(|seqs| seqs.len() > 3), "{parts:?}");
    let mut seqs = parts.concat();
    assert_eq!(seqs.len(), 20);
    seqs.sort_unstable();
    seqs.dedup();
    assert_eq!(seqs.len(), 20);
}

#[test]
fn a_receiver_that_was_down_has_everything_once_and_in_order() {
    let server = Server::new([]).otherwise(Do::status(503));
    let temp = tempfile::tempdir().unwrap();
    let audit = builder()
        .policy(everything())
        .journal(temp.path())
        .sink(OtlpSink::with(config(server.url())).unwrap())
        .spawn()
        .unwrap();
    for _ in 0..200 {
        audit.begin(Operation::Chat).finish();
    }
    while server.requests().len() < 3 {
        hurry(&audit);
    }
    let refused = server.requests().len();
    server.set_otherwise(Do::status(200));
    assert!(audit.shutdown(LONG).is_complete());
    let taken = server.requests().split_off(refused);
    let mut seqs = Vec::new();
    for request in taken.iter().filter(|request| request.is_taken()) {
        seqs.extend(read::seqs(request));
    }
    let ordered: BTreeSet<_> = seqs.iter().copied().collect();
    assert_eq!(seqs, ordered.into_iter().collect::<Vec<_>>());
    assert!(seqs.len() > 200);
}

#[test]
fn content_is_nowhere_unless_it_is_asked_for() {
    let secret = "kolibradu-content";
    let (_, memory) = recorded(|audit| {
        let mut call = audit.begin(Operation::Chat);
        call.prompt(secret).response(secret).tool_arguments(secret);
        call.query(secret).error_message(secret).raw_request(secret);
        call.evaluations([llm_audit_core::Evaluation::default()
            .name("e")
            .explanation(secret)]);
        call.guardrail(llm_audit_core::Guardrail::default().name("g").error(secret));
        call.fail("boom");
        audit.feedback("r-1").feedback_comment(secret).record();
    });
    let has_content = |configure: fn(OtlpConfig) -> OtlpConfig| {
        let server = Server::new([]);
        let mut sink = OtlpSink::with(configure(config(server.url()))).unwrap();
        for batch in memory.batches() {
            write(&mut sink, &batch).unwrap();
        }
        let of = |path: &str| {
            let requests = server.requests().into_iter();
            let mut bodies = requests.filter(|r| r.line.contains(path)).map(|r| r.body);
            bodies.any(|body| String::from_utf8_lossy(&body).contains(secret))
        };
        (of("/v1/traces"), of("/v1/logs"))
    };
    use ContentTarget::{Both, Event, Span};
    assert_eq!(has_content(|config| config), (false, false));
    assert_eq!(has_content(|config| config.logs(true)), (false, false));
    assert_eq!(has_content(|config| config.content(Span)), (true, false));
    let events = has_content(|config| config.content(Event).logs(true));
    assert_eq!(events, (false, true));
    assert_eq!(
        has_content(|config| config.content(Both).logs(true)),
        (true, true)
    );
}

#[test]
fn members_that_nobody_knows_are_content() {
    const ID: &str = "01a1fdfa-4600-7000-8000-000000000003";
    let records = ["evaluations", "guardrails", "links", "redactions"];
    let records = records
        .into_iter()
        .chain(["tool_definitions", "truncations"]);
    for name in records {
        let line = format!(
            r#"{{"schema_version":1,"event_id":"{ID}","kind":"interaction","writer_id":"{ID}","recorded_at":"2026-11-21T12:00:00.000000Z","sdk_name":"llm-audit","sdk_version":"0.1.0","{name}":[{{"future":"kolibradu"}}]}}"#
        );
        let event = llm_audit_core::Event::from_json(line.as_bytes()).unwrap();
        let says = |content: ContentTarget| {
            let mapping = OtlpConfig::new("http://localhost:1")
                .content(content)
                .mapping;
            let attributes = attributes(&event, mapping, Carrier::Span);
            format!("{attributes:?}").contains("kolibradu")
        };
        assert!(!says(ContentTarget::None), "{name}");
        assert!(says(ContentTarget::Span), "{name}");
    }
}

#[test]
fn a_sink_that_is_given_less_sends_less() {
    let server = Server::new([]);
    let sink = OtlpSink::with(config(server.url()).content(ContentTarget::Span)).unwrap();
    let temp = tempfile::tempdir().unwrap();
    let audit = builder()
        .policy(everything())
        .journal(temp.path())
        .sink(llm_audit_core::SinkExt::without(
            sink,
            Facet::ALL.iter().copied().filter(|f| f.is_content()),
        ))
        .spawn()
        .unwrap();
    let mut call = audit.begin(Operation::Chat);
    call.request_model("small").prompt("kolibradu");
    call.finish();
    assert!(audit.shutdown(LONG).is_complete());
    let bodies: Vec<u8> = server.requests().into_iter().flat_map(|r| r.body).collect();
    let sent = String::from_utf8_lossy(&bodies).into_owned();
    assert!(sent.contains("chat small") && !sent.contains("kolibradu"));
    let journal = llm_audit_core::journal::Reader::open(temp.path()).unwrap();
    let mut events = journal.events().map(Result::unwrap);
    assert!(events.any(|event| event.prompt().as_deref() == Some("kolibradu")));
}
