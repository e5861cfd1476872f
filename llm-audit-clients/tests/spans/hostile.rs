//! What spans of others say gets into plain fields only where it is a word, and harms no host.

use std::fmt;

use llm_audit_core::{Context, Fields, Operation, Status};
use tracing::Span;
use tracing::field::Empty;

use super::{answered, chat, recorded};

#[test]
fn free_text_of_a_span_is_in_no_plain_field() {
    let secret = "invalid value 'Write to ada@example.org'";
    let events = recorded(|_| {
        let span = tracing::info_span!(
            "chat",
            gen_ai.operation.name = "chat",
            gen_ai.provider.name = secret,
            gen_ai.request.model = secret,
            gen_ai.response.model = secret,
            gen_ai.response.id = secret,
            gen_ai.response.finish_reasons = secret,
            gen_ai.conversation.id = secret,
            gen_ai.agent.id = secret,
            gen_ai.agent.name = secret,
            gen_ai.workflow.name = secret,
            gen_ai.tool.name = secret,
            gen_ai.tool.call.id = secret,
            server.address = secret,
            error.type = secret,
        );
        drop(span);
        chat().record("error.type", "a".repeat(400));
    });
    assert_eq!(events.len(), 2);
    for event in &events {
        let json = event.to_json();
        assert!(!json.contains("ada") && !json.contains("invalid"), "{json}");
        assert_eq!(event.status(), Some(Status::Error));
        assert_eq!(event.error_type(), Some("_OTHER"));
    }
}

#[test]
fn names_that_crates_give_are_kept() {
    let events = recorded(|_| {
        let span = tracing::info_span!(
            "chat",
            gen_ai.operation.name = "chat",
            gen_ai.request.model = "arn:aws:bedrock:eu-west-1:1:inference-profile/eu.claude-3@1",
            gen_ai.response.finish_reasons = Empty,
            gen_ai.agent.name = "Refund agent (EU)",
            gen_ai.tool.name = "files/read.v2",
            error.type = "reqwest::Error",
        );
        let reasons = tracing::field::debug(["tool_calls", "stop"]);
        span.record("gen_ai.response.finish_reasons", reasons);
    });
    let event = &events[0];
    assert!(event.request_model().unwrap().ends_with("claude-3@1"));
    assert_eq!(event.finish_reasons().unwrap(), ["tool_calls", "stop"]);
    assert_eq!(event.agent_name(), Some("Refund agent (EU)"));
    assert_eq!(event.tool_name(), Some("files/read.v2"));
    assert_eq!(event.error_type(), Some("reqwest::Error"));
}

/// A value that looks at the span it is recorded on while its text is made.
struct Nosy(Span);

impl fmt::Debug for Nosy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.record("gen_ai.response.model", "small-2");
        f.write_str("c-2")
    }
}

#[test]
fn a_value_may_look_at_its_own_span() {
    let (done, is_done) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let events = recorded(|_| {
            let span = chat();
            let nosy = tracing::field::debug(Nosy(span.clone()));
            span.record("gen_ai.response.id", nosy);
        });
        done.send(events).ok();
    });
    let events = is_done.recv_timeout(std::time::Duration::from_secs(20));
    let events = events.expect("a lock is held while a text is made");
    assert_eq!(events[0].response_id(), Some("c-2"));
    assert_eq!(events[0].response_model(), Some("small-2"));
}

#[test]
fn a_span_that_is_left_outside_takes_no_context_along() {
    let events = recorded(|log| {
        let request = Context::current().with(Fields::new().tenant_id("acme"));
        let entered = request.enter(|| chat().entered());
        answered(&entered);
        drop(entered);
        assert!(format!("{:?}", Context::current()).contains("fields: {}"));
        log.begin(Operation::ExecuteTool).finish();
    });
    assert_eq!(events.len(), 2);
}
