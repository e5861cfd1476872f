//! The `gen_ai.*` spans of other crates are events, and a call that is also seen on the wire is one.
#![cfg(test)]

mod hostile;
mod once;
mod refused;
mod surroundings;

use std::time::Duration;

use llm_audit_clients::tracing::SpanLayer;
use llm_audit_core::protocol::{Request, Wire};
use llm_audit_core::testing::{Probe, probe};
use llm_audit_core::{
    AuditGuard, Event, Facet, Kind, Level, Operation, Policy, Preset, Retention, Status,
};
use tracing::Span;
use tracing::field::Empty;
use tracing_subscriber::Registry;
use tracing_subscriber::layer::SubscriberExt;

fn log() -> (AuditGuard, Probe) {
    let policy = Policy::builder().preset(Preset::Operations);
    let policy = policy.facet(Facet::Response, Level::Full);
    probe(policy.retention(Retention::Days30).build().unwrap()).unwrap()
}

/// Runs `run` where the layer is, and returns what was recorded.
fn recorded(run: impl FnOnce(&AuditGuard)) -> Vec<Event> {
    let (log, probe) = log();
    let subscriber = Registry::default().with(SpanLayer::new(&log));
    tracing::subscriber::with_default(subscriber, || run(&log));
    assert!(log.shutdown(Duration::from_secs(30)).is_complete());
    probe.kind(Kind::Interaction)
}

/// A span as rig and genai make it.
fn chat() -> Span {
    tracing::info_span!(
        target: "rig::completions",
        "chat",
        gen_ai.operation.name = "chat",
        gen_ai.provider.name = "openai",
        gen_ai.request.model = "small",
        gen_ai.request.temperature = 0.5,
        gen_ai.response.id = Empty,
        gen_ai.response.model = Empty,
        gen_ai.response.finish_reasons = Empty,
        gen_ai.usage.input_tokens = Empty,
        gen_ai.usage.output_tokens = Empty,
        gen_ai.input.messages = "a secret",
        error.type = Empty,
    )
}

fn answered(span: &Span) {
    span.record("gen_ai.response.id", "c-1");
    span.record("gen_ai.response.model", "small-1");
    span.record(
        "gen_ai.response.finish_reasons",
        tracing::field::debug(["stop"]),
    );
    span.record("gen_ai.usage.input_tokens", 5_u64);
    span.record("gen_ai.usage.output_tokens", 2_i64);
}

/// A call on the wire.
fn wire(log: &AuditGuard) {
    let request = Request::new("POST", "/v1/chat/completions")
        .body(br#"{"model":"small","messages":[{"role":"user","content":"Why?"}]}"#);
    let mut exchange = Wire::new().begin(log, &request).unwrap().unwrap();
    exchange.response(200, &[("content-type", b"application/json")]);
    exchange.chunk(
        br#"{"choices":[{"message":{"content":"So."},"finish_reason":"stop"}],"usage":{"prompt_tokens":5,"completion_tokens":2}}"#,
    );
    exchange.end();
}

#[test]
fn a_span_is_an_event_with_its_metadata_and_without_content() {
    let events = recorded(|_| {
        let span = chat();
        span.in_scope(|| answered(&span));
        tracing::info_span!("other", gen_ai.request.model = "small").in_scope(|| {});
    });
    let [event] = events.as_slice() else {
        panic!("{events:?}")
    };
    assert_eq!(event.operation(), Some(Operation::Chat));
    assert_eq!(event.status(), Some(Status::Ok));
    assert_eq!(event.provider(), Some("openai"));
    assert_eq!(event.request_model(), Some("small"));
    assert_eq!(event.temperature(), Some(0.5));
    assert_eq!(event.response_id(), Some("c-1"));
    assert_eq!(event.response_model(), Some("small-1"));
    assert_eq!(event.finish_reasons().unwrap(), ["stop"]);
    assert_eq!(event.total_tokens(), Some(7));
    assert!(!event.to_json().contains("secret"));
}

#[test]
fn spans_end_as_they_say() {
    let events = recorded(|_| {
        chat().record("error.type", "timeout");
        drop(chat());
        let panicked = std::panic::catch_unwind(|| chat().in_scope(|| panic!("on purpose")));
        assert!(panicked.is_err());
    });
    let statuses: Vec<_> = events.iter().map(|event| event.status().unwrap()).collect();
    assert_eq!(
        statuses,
        [Status::Error, Status::Abandoned, Status::Abandoned]
    );
    assert_eq!(events[0].error_type(), Some("timeout"));
}

#[test]
fn what_happens_within_a_span_is_its_child() {
    let events = recorded(|log| {
        let agent = tracing::info_span!(
            "run",
            gen_ai.operation.name = "invoke_agent",
            gen_ai.agent.name = "refunds"
        );
        agent.in_scope(|| {
            log.begin(Operation::ExecuteTool).finish();
            let span = chat();
            span.in_scope(|| answered(&span));
        });
        log.begin(Operation::Chat).finish();
    });
    let agent = events
        .iter()
        .find(|e| e.operation() == Some(Operation::InvokeAgent));
    let agent = agent.unwrap();
    assert_eq!(agent.agent_name(), Some("refunds"));
    assert_eq!(agent.status(), Some(Status::Ok));
    let parents: Vec<_> = events.iter().map(Event::parent_event_id).collect();
    let id = Some(agent.event_id());
    assert_eq!(parents.iter().filter(|parent| **parent == id).count(), 2);
    assert_eq!(parents.iter().filter(|parent| parent.is_none()).count(), 2);
}

#[test]
fn threads_and_disorder_mix_no_contexts() {
    let run = |name: &str| {
        tracing::info_span!(
            "run",
            gen_ai.operation.name = "invoke_agent",
            gen_ai.agent.name = name
        )
    };
    let events = recorded(|log| {
        let (one, two) = (run("one"), run("two"));
        let first = one.enter();
        let other = one.clone();
        // Entered and left on another thread, a span changes nothing here.
        std::thread::scope(|threads| {
            threads.spawn(|| drop(other.enter()));
        });
        let second = two.enter();
        drop(first);
        log.begin(Operation::ExecuteTool).finish();
        drop(second);
        log.begin(Operation::Chat).finish();
    });
    let of = |name: &str| {
        let agent = events.iter().find(|event| event.agent_name() == Some(name));
        agent.map(Event::event_id)
    };
    let parent = |operation: Operation| {
        let event = events
            .iter()
            .find(|event| event.operation() == Some(operation.clone()));
        event.unwrap().parent_event_id()
    };
    assert_eq!(parent(Operation::ExecuteTool), of("two"));
    assert_eq!(parent(Operation::Chat), None);
}

#[test]
fn a_call_that_is_seen_on_the_wire_is_recorded_there_alone() {
    let events = recorded(|log| {
        let agent = tracing::info_span!("run", gen_ai.operation.name = "invoke_agent");
        agent.in_scope(|| {
            let span = chat();
            span.in_scope(|| {
                wire(log);
                answered(&span);
            });
        });
        // Another log's call is not this one's.
        let (other, _probe) = self::log();
        let span = chat();
        span.in_scope(|| wire(&other));
    });
    let agent = events
        .iter()
        .find(|e| e.operation() == Some(Operation::InvokeAgent));
    let chats: Vec<_> = events
        .iter()
        .filter(|event| event.operation() == Some(Operation::Chat))
        .collect();
    assert_eq!(chats.len(), 2, "{events:?}");
    let seen: Vec<_> = chats
        .iter()
        .filter(|chat| chat.response().is_some())
        .collect();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].total_tokens(), Some(7));
    assert_eq!(seen[0].parent_event_id(), agent.map(Event::event_id));
}
