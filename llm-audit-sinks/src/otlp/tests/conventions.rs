//! Spans and log records against the conventions: names, kinds, required attributes, messages.

use std::collections::BTreeMap;

use llm_audit_core::{
    Document, Evaluation, Guardrail, Message, Operation, Part, ToolDefinition, Usage,
};
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use serde_json::{Value, json};

use super::{config, read, recorded, schemas, write};
use crate::http::tests::server::Server;
use crate::otlp::{ContentTarget, OtlpConfig, OtlpSink, Profile};

/// What the conventions say of each operation: the span's name and kind, and its attributes.
#[rustfmt::skip]
const OPERATIONS: &[(Operation, &str, SpanKind, &[&str])] = &[
    (Operation::Chat, "chat small", SpanKind::Client, INFERENCE),
    (Operation::TextCompletion, "text_completion small", SpanKind::Client, INFERENCE),
    (Operation::GenerateContent, "generate_content small", SpanKind::Client, INFERENCE),
    (Operation::Embeddings, "embeddings small", SpanKind::Client, PROVIDER),
    (Operation::Retrieval, "retrieval handbook", SpanKind::Client, NAME),
    (Operation::Rerank, "rerank small", SpanKind::Client, PROVIDER),
    (Operation::ExecuteTool, "execute_tool search", SpanKind::Internal, &["gen_ai.operation.name", "gen_ai.tool.name", "gen_ai.tool.type", "gen_ai.tool.call.id"]),
    (Operation::InvokeAgent, "invoke_agent clerk", SpanKind::Internal, NAME),
    (Operation::InvokeWorkflow, "invoke_workflow nightly", SpanKind::Internal, NAME),
    (Operation::Step, "step filter", SpanKind::Internal, NAME),
];
const NAME: &[&str] = &["gen_ai.operation.name"];
const PROVIDER: &[&str] = &[
    "gen_ai.operation.name",
    "gen_ai.provider.name",
    "gen_ai.request.model",
];
#[rustfmt::skip]
const INFERENCE: &[&str] = &[
    "gen_ai.operation.name", "gen_ai.provider.name", "gen_ai.request.model", "gen_ai.response.model",
    "gen_ai.response.id", "gen_ai.response.finish_reasons", "gen_ai.usage.input_tokens",
    "gen_ai.usage.output_tokens", "gen_ai.conversation.id", "gen_ai.request.temperature",
    "gen_ai.request.max_tokens", "gen_ai.request.seed",
];

/// Returns what a receiver gets of a call of `operation` of which everything is known.
fn sent(operation: &Operation, configure: fn(OtlpConfig) -> OtlpConfig) -> Server {
    let (_, memory) = recorded(|audit| {
        let mut call = audit.begin(operation.clone());
        call.provider("openai")
            .request_model("small")
            .response_model("small-2");
        call.response_id("r-1").finish_reasons(["tool_calls"]);
        call.usage(Usage::openai(12, 3))
            .conversation_id("c-1")
            .user_id("u-1");
        call.temperature(0.5)
            .max_tokens(100)
            .seed("42")
            .stream(true);
        call.time_to_first_chunk_us(1_500_000);
        call.tool_name("search")
            .tool_type("function")
            .tool_call_id("call-1");
        call.agent_name("clerk")
            .workflow_name("nightly")
            .step_name("filter");
        call.data_source_id("handbook").query("holidays");
        call.documents([Document::default().id("d").score(0.5).text("a text")]);
        call.tool_definitions([ToolDefinition::default().name("search")]);
        call.tool_arguments(&json!({"q": "holidays"}))
            .tool_result(&json!({"found": 1}));
        call.system_instructions([Part::text("Be kind.")]);
        call.system("Be brief.").prompt("How many holidays?");
        call.message(
            Message::default().role("assistant").parts([
                Part::reasoning("They want a number."),
                Part::tool_call("call-1", "search", &json!({"q": "holidays"})),
                Part::default()
                    .r#type("uri")
                    .uri("https://example.org/a.png"),
                Part::default().r#type("blob").mime_type("image/png"),
                Part::default().r#type("tool_call"),
                Part::default(),
            ]),
        );
        call.tool_response("call-1", &json!([1, {"found": true}]));
        call.message(Message::default());
        call.response("Thirty.")
            .tool_call("call-2", "search", &json!({}));
        call.finish();
    });
    let server = Server::new([]);
    let mut sink = OtlpSink::with(configure(config(server.url()))).unwrap();
    for batch in memory.batches() {
        write(&mut sink, &batch).unwrap();
    }
    server
}

fn attributes(span: &Span) -> BTreeMap<String, Value> {
    let pairs = span.attributes.iter();
    pairs
        .map(|pair| (pair.key.clone(), read::value(pair).unwrap()))
        .collect()
}

/// Checks what the schemas say of the values that have members; on spans they are JSON text.
fn check_values(attributes: &BTreeMap<String, Value>, is_text: bool) -> usize {
    type Check = fn(&Value) -> Result<(), String>;
    let rules: [(&str, Check); 7] = [
        ("gen_ai.system_instructions", schemas::parts),
        ("gen_ai.input.messages", schemas::input_messages),
        ("gen_ai.output.messages", schemas::output_messages),
        ("gen_ai.tool.definitions", schemas::tool_definitions),
        ("gen_ai.tool.call.arguments", schemas::object),
        ("gen_ai.tool.call.result", schemas::object),
        ("gen_ai.retrieval.documents", schemas::documents),
    ];
    let mut checked = 0;
    for (name, check) in rules {
        let Some(value) = attributes.get(name) else {
            continue;
        };
        let parsed = is_text.then(|| serde_json::from_str(value.as_str().unwrap()).unwrap());
        check(parsed.as_ref().unwrap_or(value)).unwrap_or_else(|broken| {
            panic!("{name}: {broken}: {value}");
        });
        checked += 1;
    }
    checked
}

#[test]
fn every_operation_is_the_span_that_the_conventions_say() {
    for (operation, name, kind, required) in OPERATIONS {
        let server = sent(operation, |config| config.content(ContentTarget::Span));
        let spans = read::spans(&server);
        let (resource, span) = spans
            .iter()
            .find(|(_, span)| span.name == *name)
            .unwrap_or_else(|| {
                panic!(
                    "{name}: {:?}",
                    spans.iter().map(|(_, s)| &s.name).collect::<Vec<_>>()
                )
            });
        assert_eq!(span.kind(), *kind, "{name}");
        assert!(span.status.is_none() && span.end_time_unix_nano >= span.start_time_unix_nano);
        let attributes = attributes(span);
        for attribute in *required {
            assert!(attributes.contains_key(*attribute), "{name}: {attribute}");
        }
        assert_eq!(attributes["gen_ai.operation.name"], operation.as_str());
        assert_eq!(attributes["gen_ai.request.seed"], 42);
        assert_eq!(attributes["gen_ai.response.time_to_first_chunk"], 1.5);
        assert_eq!(attributes["session.id"], "c-1");
        assert_eq!(check_values(&attributes, true), 7, "{name}");
        assert!(
            resource
                .attributes
                .iter()
                .any(|pair| pair.key == "service.name")
        );
    }
    assert_eq!(OPERATIONS.len(), Operation::ALL.len());
}

#[test]
fn details_are_structured_on_log_records() {
    let server = sent(&Operation::Chat, |config| {
        config.content(ContentTarget::Event).logs(true)
    });
    let records = read::records(&server);
    let details = "gen_ai.client.inference.operation.details";
    let (_, record) = records
        .iter()
        .find(|(_, record)| record.event_name == details)
        .unwrap();
    let pairs = record.attributes.iter();
    let attributes = pairs
        .map(|pair| (pair.key.clone(), read::value(pair).unwrap()))
        .collect();
    assert_eq!(check_values(&attributes, false), 7);
    let spans = read::spans(&server);
    let (_, span) = spans
        .iter()
        .find(|(_, span)| span.name == "chat small")
        .unwrap();
    assert_eq!(
        (&span.trace_id, &span.span_id),
        (&record.trace_id, &record.span_id)
    );
    assert!(
        !span
            .attributes
            .iter()
            .any(|pair| pair.key == "gen_ai.input.messages")
    );
}

#[test]
fn a_message_has_its_reason_in_the_conventions_word() {
    let server = sent(&Operation::Chat, |config| {
        config.content(ContentTarget::Span)
    });
    let (_, span) = read::spans(&server)
        .into_iter()
        .find(|(_, s)| s.name == "chat small")
        .unwrap();
    let attributes = attributes(&span);
    assert_eq!(
        attributes["gen_ai.response.finish_reasons"],
        json!(["tool_calls"])
    );
    let messages = attributes["gen_ai.output.messages"].as_str().unwrap();
    let messages: Value = serde_json::from_str(messages).unwrap();
    assert_eq!(messages[0]["finish_reason"], "tool_call");
}

#[test]
fn phoenix_is_told_input_and_output() {
    let server = sent(&Operation::Chat, |config| {
        config
            .content(ContentTarget::Span)
            .profile(Profile::OpenInference)
    });
    let (_, span) = read::spans(&server)
        .into_iter()
        .find(|(_, s)| s.name == "chat small")
        .unwrap();
    let attributes = attributes(&span);
    for (name, value) in [
        ("openinference.span.kind", json!("LLM")),
        ("input.value", json!("How many holidays?")),
        ("output.value", json!("Thirty.")),
        ("llm.token_count.prompt", json!(12)),
        ("llm.model_name", json!("small")),
    ] {
        assert_eq!(attributes[name], value, "{name}");
    }
}

/// A failed call within which something was scored and judged, and a late score.
fn eventful(configure: fn(OtlpConfig) -> OtlpConfig) -> Server {
    let (_, memory) = recorded(|audit| {
        let mut call = audit.begin(Operation::Chat);
        call.evaluations([Evaluation::default()
            .name("relevance")
            .score(0.5)
            .label("poor")]);
        call.guardrail(
            Guardrail::default()
                .name("pii")
                .verdict("clean")
                .action("allowed"),
        );
        let id = call.event_id().unwrap();
        call.fail("no such model");
        let bias = Evaluation::default().name("bias").passed(true);
        audit.evaluation(id, bias).record();
    });
    let server = Server::new([]);
    let mut sink = OtlpSink::with(configure(config(server.url()))).unwrap();
    for batch in memory.batches() {
        write(&mut sink, &batch).unwrap();
    }
    server
}

#[test]
fn what_happens_within_a_call_is_an_event_of_its_span() {
    let server = eventful(|config| config.content(ContentTarget::Span));
    let spans = read::spans(&server);
    let (_, span) = spans.iter().find(|(_, span)| span.name == "chat").unwrap();
    assert_eq!(span.status.as_ref().unwrap().code, 2);
    assert!(attributes(span).contains_key("error.type"));
    let names: Vec<_> = span
        .events
        .iter()
        .map(|event| event.name.as_str())
        .collect();
    assert_eq!(
        names,
        [
            "exception",
            "gen_ai.evaluation.result",
            "gen_ai.guardrail.result"
        ]
    );
    let score = read::find(
        span.events[1].attributes.iter(),
        "gen_ai.evaluation.score.value",
    );
    assert_eq!(score, Some(json!(0.5)));
    let (_, late) = spans
        .iter()
        .find(|(_, span)| span.name == "evaluation bias")
        .unwrap();
    assert_eq!(late.events[0].name, "gen_ai.evaluation.result");
}

#[test]
fn what_happens_within_a_call_is_a_log_record_where_they_are_sent() {
    let server = eventful(|config| config.logs(true));
    let spans = read::spans(&server);
    let (_, span) = spans.iter().find(|(_, span)| span.name == "chat").unwrap();
    assert!(span.events.is_empty());
    assert!(
        !spans
            .iter()
            .any(|(_, span)| span.name.starts_with("evaluation"))
    );
    let records = read::records(&server);
    let named = |name: &str| {
        let found = records
            .iter()
            .filter(|(_, record)| record.event_name == name);
        found.map(|(_, record)| record).collect::<Vec<_>>()
    };
    assert_eq!(
        named("gen_ai.client.operation.exception")[0].severity_text,
        "WARN"
    );
    assert_eq!(named("gen_ai.guardrail.result").len(), 1);
    let evaluations = named("gen_ai.evaluation.result");
    assert_eq!(evaluations.len(), 2);
    // The late one belongs with the span that it is about.
    for record in evaluations {
        assert_eq!(
            (&record.trace_id, &record.span_id),
            (&span.trace_id, &span.span_id)
        );
        let name = read::find(record.attributes.iter(), "gen_ai.evaluation.name");
        assert!(name == Some(json!("relevance")) || name == Some(json!("bias")));
    }
    assert_eq!(named("llm_audit.log_opened").len(), 1);
}
