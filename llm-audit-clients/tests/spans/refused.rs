//! A call that another place would have recorded, and for which there was no room there, is the span's event.

use std::time::Duration;

use llm_audit_clients::tracing::SpanLayer;
use llm_audit_core::protocol::{Request, Wire};
use llm_audit_core::testing::MemorySink;
use llm_audit_core::{AuditGuard, Kind, Overflow, Policy, Preset, builder};
use tracing_subscriber::Registry;
use tracing_subscriber::layer::SubscriberExt;

use super::chat;

const BODY: &[u8] = br#"{"model":"small","messages":[{"role":"user","content":"Why?"}]}"#;

/// Runs `run` in a span that is refused in the end, where there is room for `max_events`, and asserts that the span is the
/// event.
fn refused(max_events: usize, run: impl FnOnce(&AuditGuard)) {
    let sink = MemorySink::new();
    let journal = tempfile::tempdir().unwrap();
    let policy = Policy::preset(Preset::Operations).unwrap();
    let log = builder()
        .policy(policy)
        .overflow(Overflow::FailClosed)
        .max_events(max_events)
        .journal(journal.path())
        .sink(sink.clone())
        .spawn()
        .unwrap();
    let subscriber = Registry::default().with(SpanLayer::new(&log));
    tracing::subscriber::with_default(subscriber, || {
        let span = chat();
        span.in_scope(|| run(&log));
        span.record("error.type", "refused");
    });
    assert!(!log.shutdown(Duration::from_secs(30)).is_complete());
    let events = sink.events();
    let calls: Vec<_> = events
        .iter()
        .filter(|event| *event.kind() == Kind::Interaction)
        .collect();
    assert_eq!(calls.len(), 1, "{events:?}");
    assert_eq!(calls[0].error_type(), Some("refused"));
}

#[test]
fn a_call_that_is_refused_on_the_wire_leaves_the_span_its_event() {
    refused(1, |log| {
        let request = Request::new("POST", "/v1/chat/completions").body(BODY);
        assert!(Wire::new().begin(log, &request).is_err());
    });
}

#[test]
fn a_call_whose_intent_is_refused_leaves_the_span_its_event() {
    // The span has one place, the call the other, and the intent none.
    refused(2, |log| {
        let request = Request::new("POST", "/v1/chat/completions").body(BODY);
        let begun = Wire::new().begin_durable(log, &request);
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        assert!(runtime.unwrap().block_on(begun).is_err());
    });
}

#[test]
fn a_span_that_is_refused_leaves_the_span_around_its_event() {
    refused(1, |_| drop(chat()));
}
