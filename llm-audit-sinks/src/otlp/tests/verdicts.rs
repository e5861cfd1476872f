//! Guardrails in the words of the conventions' draft.

use llm_audit_core::{Audit, Evaluation, Guardrail, Operation};
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use serde_json::{Value, json};

use super::{config, read, recorded, write};
use crate::http::tests::server::Server;
use crate::otlp::{ContentTarget, OtlpSink};

/// Every name that the draft has.
const DRAFT: &[&str] = &[
    "component.name",
    "policy.id",
    "policy.version",
    "policy.rule.id",
    "source",
    "result.type",
    "result.value",
    "result.reason",
    "risk.category",
    "risk.score",
    "content.input.value",
    "content.output.value",
];

fn spans(record: impl FnOnce(&Audit)) -> Vec<Span> {
    let (_, memory) = recorded(record);
    let server = Server::new([]);
    let config = config(server.url()).content(ContentTarget::Span);
    let mut sink = OtlpSink::with(config).unwrap();
    for batch in memory.batches() {
        write(&mut sink, &batch).unwrap();
    }
    read::spans(&server)
        .into_iter()
        .map(|(_, span)| span)
        .collect()
}

fn named<'a>(spans: &'a [Span], name: &str) -> &'a Span {
    spans.iter().find(|span| span.name == name).unwrap()
}

fn value(attributes: &[KeyValue], name: &str) -> Option<Value> {
    read::find(attributes.iter(), name)
}

fn pii() -> Guardrail {
    Guardrail::default()
        .id("gr-1")
        .name("pii")
        .stage("input")
        .verdict("GUARDRAIL_INTERVENED")
        .action("blocked")
        .categories(["EMAIL", "NAME"])
        .score(0.5)
        .severity("high")
}

#[test]
fn a_guardrails_verdict_is_passed_on_in_the_drafts_words() {
    let spans = spans(|audit| {
        audit.guardrail(pii()).record();
    });
    let span = named(&spans, "apply_guardrail pii");
    assert_eq!(span.kind(), SpanKind::Internal);
    for (name, expected) in [
        ("gen_ai.operation.name", "apply_guardrail"),
        ("gen_ai.guardrail.component.name", "pii"),
        ("gen_ai.guardrail.policy.id", "gr-1"),
        ("gen_ai.guardrail.source", "input"),
        ("gen_ai.guardrail.result.type", "verdict"),
        ("gen_ai.guardrail.result.value", "GUARDRAIL_INTERVENED"),
        ("llm_audit.guardrail.action", "blocked"),
        ("llm_audit.guardrail.severity", "high"),
    ] {
        assert_eq!(
            value(&span.attributes, name),
            Some(json!(expected)),
            "{name}"
        );
    }
    // One result for each category.
    let categories: Vec<_> = span
        .events
        .iter()
        .filter(|event| event.name == "gen_ai.guardrail.result")
        .map(|event| value(&event.attributes, "gen_ai.guardrail.risk.category").unwrap())
        .collect();
    assert_eq!(categories, [json!("EMAIL"), json!("NAME")]);
    let score = value(&span.events[0].attributes, "gen_ai.guardrail.risk.score");
    assert_eq!(score, Some(json!(0.5)));
    let all = span.events.iter().flat_map(|event| &event.attributes);
    for pair in all.chain(&span.attributes) {
        if let Some(name) = pair.key.strip_prefix("gen_ai.guardrail.") {
            assert!(DRAFT.contains(&name), "{name}");
        }
    }
}

#[test]
fn a_guardrail_that_is_somewhere_else_is_a_clients() {
    let spans = spans(|audit| {
        let mut verdict = audit.guardrail(pii());
        verdict.server_address("guard.example.org").record();
    });
    assert_eq!(
        named(&spans, "apply_guardrail pii").kind(),
        SpanKind::Client
    );
}

#[test]
fn what_a_guardrail_did_stands_for_a_verdict_that_it_does_not_name() {
    let flagged = Guardrail::default().name("tone").action("flagged");
    let spans = spans(|audit| {
        let mut call = audit.begin(Operation::Chat);
        call.provider("openai").guardrail(flagged);
        call.finish();
    });
    let result = &named(&spans, "chat").events[0];
    for (name, expected) in [
        ("gen_ai.guardrail.result.type", "action"),
        ("gen_ai.guardrail.result.value", "flagged"),
        ("gen_ai.provider.name", "openai"),
    ] {
        assert_eq!(
            value(&result.attributes, name),
            Some(json!(expected)),
            "{name}"
        );
    }
}

#[test]
fn a_late_fact_is_in_the_trace_that_the_program_names() {
    for logs in [false, true] {
        let mut of_answer = String::new();
        let (_, memory) = recorded(|audit| {
            let agent = audit.begin(Operation::InvokeAgent);
            let mut id = None;
            agent.context().enter(|| {
                let chat = audit.begin(Operation::Chat);
                // A program keeps it with the answer.
                of_answer = chat.context().trace_parent().unwrap().to_string();
                id = chat.finish();
            });
            agent.finish();
            let id = id.unwrap();
            let parent = of_answer.parse().unwrap();
            let context = llm_audit_core::Context::current().with_trace_parent(&parent);
            let bias = Evaluation::default().name("bias").passed(true);
            context.enter(|| audit.evaluation(id, bias).record());
            // Where only the trace is known, the span is that of the event.
            let mut tone = audit.evaluation(id, Evaluation::default().name("tone"));
            tone.trace_id(&of_answer[3..35]).record();
        });
        let server = Server::new([]);
        let mut sink = OtlpSink::with(config(server.url()).logs(logs)).unwrap();
        for batch in memory.batches() {
            write(&mut sink, &batch).unwrap();
        }
        let spans: Vec<_> = read::spans(&server).into_iter().map(|(_, s)| s).collect();
        let (agent, chat) = (named(&spans, "invoke_agent"), named(&spans, "chat"));
        assert_eq!(chat.trace_id, agent.trace_id);
        let found: Vec<_> = if logs {
            let records = read::records(&server).into_iter().map(|(_, record)| record);
            let late = records.filter(|record| record.event_name == "gen_ai.evaluation.result");
            late.map(|record| (record.trace_id, record.span_id))
                .collect()
        } else {
            let late = spans
                .iter()
                .filter(|span| span.name.starts_with("evaluation"));
            late.map(|span| (span.trace_id.clone(), span.parent_span_id.clone()))
                .collect()
        };
        let expected = (chat.trace_id.clone(), chat.span_id.clone());
        assert_eq!(found, [expected.clone(), expected], "{logs}");
    }
}
