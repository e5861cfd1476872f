//! A call of a provider is one event with tokens, whatever spans are around it.

use std::time::Duration;

use llm_audit_clients::tracing::SpanLayer;
use llm_audit_core::protocol::{Request, Wire};
use llm_audit_core::{AuditGuard, Context, Event, FirstEvent, Kind, Operation, Usage};
use tracing::Span;
use tracing::field::Empty;
use tracing_subscriber::Registry;
use tracing_subscriber::layer::SubscriberExt;

use super::{answered, chat, log, recorded, wire};

/// The tokens of all events together, as a query would sum them.
fn tokens(events: &[Event]) -> u64 {
    events.iter().filter_map(Event::total_tokens).sum()
}

fn of(events: &[Event], operation: &Operation) -> Vec<Event> {
    let is_of = |event: &&Event| event.operation().as_ref() == Some(operation);
    events.iter().filter(is_of).cloned().collect()
}

/// The span of an agent as rig makes it: with the sum of what its calls took.
fn agent() -> Span {
    tracing::info_span!(
        "run",
        gen_ai.operation.name = "invoke_agent",
        gen_ai.usage.input_tokens = Empty,
        gen_ai.usage.output_tokens = Empty,
    )
}

/// A retrieval on the wire.
fn embed(log: &AuditGuard) {
    let request = Request::new("POST", "/v1/embeddings").body(br#"{"model":"e","input":"Why?"}"#);
    let mut exchange = Wire::new().begin(log, &request).unwrap().unwrap();
    exchange.response(200, &[("content-type", b"application/json")]);
    exchange.chunk(br#"{"data":[],"usage":{"prompt_tokens":3,"total_tokens":3}}"#);
    exchange.end();
}

#[test]
fn an_agent_repeats_no_tokens_of_its_calls() {
    let events = recorded(|_| {
        let agent = agent();
        agent.in_scope(|| {
            let span = chat();
            span.in_scope(|| answered(&span));
        });
        agent.record("gen_ai.usage.input_tokens", 5_u64);
        agent.record("gen_ai.usage.output_tokens", 2_u64);
    });
    assert_eq!((events.len(), tokens(&events)), (2, 7), "{events:?}");
}

#[test]
fn of_spans_of_a_call_that_are_within_each_other_the_inmost_is_the_event() {
    let events = recorded(|_| {
        let outer = chat();
        outer.in_scope(|| {
            let inner = chat();
            inner.in_scope(|| answered(&inner));
        });
        answered(&outer);
    });
    assert_eq!((events.len(), tokens(&events)), (1, 7), "{events:?}");
}

#[test]
fn a_call_on_the_wire_is_that_of_all_spans_around_it() {
    let events = recorded(|log| {
        let outer = chat();
        outer.in_scope(|| {
            let inner = chat();
            inner.in_scope(|| wire(log));
            answered(&inner);
        });
        answered(&outer);
    });
    assert_eq!((events.len(), tokens(&events)), (1, 7), "{events:?}");
    assert!(events[0].response().is_some());
}

/// The span of an answer by `model`.
fn asks(provider: &str, model: &str) -> Span {
    tracing::info_span!(
        "answer",
        gen_ai.operation.name = "chat",
        gen_ai.provider.name = provider,
        gen_ai.request.model = model,
        gen_ai.response.id = Empty,
        gen_ai.usage.input_tokens = Empty,
        gen_ai.usage.output_tokens = Empty,
    )
}

fn large(span: &Span) {
    span.record("gen_ai.response.id", "c-2");
    span.record("gen_ai.usage.input_tokens", 100_u64);
    span.record("gen_ai.usage.output_tokens", 50_u64);
}

#[test]
fn a_call_of_another_model_within_a_span_is_another_event() {
    // A guardrail asks `small`, in a span or on the wire, before a client that nobody sees asks `large`.
    for is_seen in [false, true] {
        let events = recorded(|log| {
            let outer = asks("openai", "large");
            outer.in_scope(|| {
                let guardrail = asks("openai", "small");
                guardrail.in_scope(|| match is_seen {
                    true => wire(log),
                    false => answered(&guardrail),
                });
            });
            large(&outer);
        });
        assert_eq!((events.len(), tokens(&events)), (2, 157), "{events:?}");
    }
}

#[test]
fn a_call_of_another_provider_within_a_span_is_another_event() {
    let events = recorded(|_| {
        let outer = asks("openai", "small");
        outer.in_scope(|| {
            let inner = asks("ollama", "small");
            inner.in_scope(|| answered(&inner));
        });
        large(&outer);
    });
    assert_eq!((events.len(), tokens(&events)), (2, 157), "{events:?}");
}

#[test]
fn a_call_that_one_of_two_places_does_not_name_is_one_event() {
    let events = recorded(|log| {
        let outer = tracing::info_span!("answer", gen_ai.operation.name = "chat");
        outer.in_scope(|| {
            let inner = asks("of-its-own", "models/SMALL");
            inner.in_scope(|| wire(log));
        });
    });
    assert_eq!((events.len(), tokens(&events)), (1, 7), "{events:?}");
}

#[test]
fn a_function_within_a_span_hides_no_call_from_it() {
    let events = recorded(|log| {
        let span = chat();
        span.in_scope(|| {
            let function = log.begin(Operation::Chat);
            function.enter(|| wire(log));
            function.finish();
        });
        answered(&span);
    });
    // The function and the call, its child.
    assert_eq!((events.len(), tokens(&events)), (2, 7), "{events:?}");
    let parents: Vec<_> = events.iter().filter_map(Event::parent_event_id).collect();
    assert_eq!(parents.len(), 1);
}

#[test]
fn a_function_within_a_span_that_counts_itself_is_the_event() {
    let events = recorded(|log| {
        let span = chat();
        span.in_scope(|| {
            let mut function = log.begin(Operation::Chat);
            function.usage(Usage::openai(5, 2));
            function.finish();
        });
        answered(&span);
    });
    assert_eq!((events.len(), tokens(&events)), (1, 7), "{events:?}");
}

#[test]
fn what_a_tool_within_a_span_asks_is_another_call() {
    let events = recorded(|log| {
        let span = chat();
        span.in_scope(|| {
            let tool = log.begin(Operation::ExecuteTool);
            tool.enter(|| wire(log));
            tool.finish();
        });
        answered(&span);
    });
    assert_eq!((events.len(), tokens(&events)), (3, 14), "{events:?}");
}

#[test]
fn a_retrieval_within_a_span_is_not_the_call_that_it_tells_of() {
    let events = recorded(|log| {
        let span = chat();
        span.in_scope(|| embed(log));
        answered(&span);
    });
    assert_eq!((events.len(), tokens(&events)), (2, 10), "{events:?}");
    let chats = of(&events, &Operation::Chat);
    assert_eq!(chats[0].response_id(), Some("c-1"));
}

#[test]
fn who_asked_learns_the_event_of_a_span_that_no_adapter_saw() {
    let first = FirstEvent::new();
    let events = recorded(|log| {
        Context::current().noting(&first).enter(|| {
            let span = chat();
            span.in_scope(|| {
                log.begin(Operation::ExecuteTool).finish();
                answered(&span);
            });
            drop(span);
            log.begin(Operation::ExecuteTool).finish();
        });
    });
    let chats = of(&events, &Operation::Chat);
    assert_eq!(first.event_id(), Some(chats[0].event_id()));
}

#[test]
fn who_asked_learns_the_event_of_the_wire_where_an_adapter_saw_the_call() {
    let first = FirstEvent::new();
    let events = recorded(|log| {
        Context::current().noting(&first).enter(|| {
            let span = chat();
            span.in_scope(|| {
                embed(log);
                wire(log);
            });
        });
    });
    let chats = of(&events, &Operation::Chat);
    assert_eq!(chats.len(), 1);
    assert_eq!(first.event_id(), Some(chats[0].event_id()));
}

#[test]
fn two_logs_have_a_layer_each() {
    let ((one, probe_one), (two, probe_two)) = (log(), log());
    let (layer, again) = (SpanLayer::new(&one), SpanLayer::new(&one));
    let subscriber = Registry::default()
        .with(layer)
        .with(again)
        .with(SpanLayer::new(&two));
    tracing::subscriber::with_default(subscriber, || {
        let span = chat();
        span.in_scope(|| {
            wire(&one);
            answered(&span);
        });
        let agent = agent();
        agent.in_scope(|| drop(chat()));
        assert_eq!(Context::current().event_id(), None);
    });
    for log in [&one, &two] {
        assert!(log.shutdown(Duration::from_secs(30)).is_complete());
    }
    let [one, two] = [&probe_one, &probe_two].map(|probe| probe.kind(Kind::Interaction));
    // The call is on the wire in the one, and as its span in the other.
    for events in [&one, &two] {
        assert_eq!((events.len(), tokens(events)), (3, 7), "{events:?}");
    }
    let seen = |events: &[Event]| events.iter().filter(|e| e.response().is_some()).count();
    assert_eq!((seen(&one), seen(&two)), (1, 0));
}

#[test]
fn a_span_of_embeddings_has_input_alone() {
    let events = recorded(|_| {
        let span = tracing::info_span!(
            "embed",
            gen_ai.operation.name = "embeddings",
            gen_ai.usage.input_tokens = 3,
        );
        drop(span);
    });
    assert_eq!(events[0].status(), Some(llm_audit_core::Status::Ok));
    assert_eq!(events[0].input_tokens(), Some(3));
    assert_eq!(events[0].total_tokens(), Some(3));
}

#[test]
fn a_chat_that_tells_its_input_alone_is_not_said_to_have_had_no_output() {
    let events = recorded(|_| {
        let span = chat();
        span.record("gen_ai.response.id", "c-1");
        span.record("gen_ai.usage.input_tokens", 5_u64);
    });
    assert_eq!(events[0].input_tokens(), Some(5));
    assert_eq!(
        (events[0].output_tokens(), events[0].total_tokens()),
        (None, None)
    );
}

#[test]
fn a_chat_that_rig_streams_is_a_chat() {
    let events = recorded(|log| {
        let span = tracing::info_span!("chat_streaming", gen_ai.operation.name = "chat_streaming");
        span.in_scope(|| wire(log));
    });
    assert_eq!((events.len(), tokens(&events)), (1, 7), "{events:?}");
}
