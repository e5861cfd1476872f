//! Audited calls are in the trace that the host has, and the other way round.
#![cfg(test)]

use std::time::Duration;

use llm_audit::testing::MemorySink;
use llm_audit::{AuditGuard, Context, Event, Kind, Operation, Policy, Preset, builder};
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN: &str = "00f067aa0ba902b7";

fn log() -> (AuditGuard, MemorySink) {
    let memory = MemorySink::new();
    let log = builder().policy(Policy::preset(Preset::Operations).unwrap());
    let log = log.parent_from(llm_audit::otel::current_span);
    (log.sink(memory.clone()).spawn().unwrap(), memory)
}

fn interactions(audit: AuditGuard, memory: &MemorySink) -> Vec<Event> {
    assert!(audit.shutdown(Duration::from_secs(30)).is_complete());
    let events = memory.events().into_iter();
    events
        .filter(|event| *event.kind() == Kind::Interaction)
        .collect()
}

fn host_span() -> opentelemetry::Context {
    let span = SpanContext::new(
        TraceId::from_hex(TRACE).unwrap(),
        SpanId::from_hex(SPAN).unwrap(),
        TraceFlags::SAMPLED,
        true,
        TraceState::default(),
    );
    opentelemetry::Context::new().with_remote_span_context(span)
}

#[test]
fn a_call_is_a_child_of_the_hosts_current_span() {
    let (audit, memory) = log();
    let outer = {
        let _current = host_span().attach();
        audit.begin(Operation::InvokeAgent)
    };
    // What is within an interaction is that one's child, whatever span the host is in.
    outer.context().enter(|| {
        let _current = host_span().attach();
        audit.begin(Operation::Chat).finish();
    });
    outer.finish();
    audit.begin(Operation::Embeddings).finish();
    let events = interactions(audit, &memory);
    let of = |operation: &Operation| {
        let mut found = events
            .iter()
            .filter(|event| event.operation() == Some(operation.clone()));
        found.next().unwrap()
    };
    let (agent, chat) = (of(&Operation::InvokeAgent), of(&Operation::Chat));
    assert_eq!(
        (agent.trace_id(), agent.parent_span_id()),
        (Some(TRACE), Some(SPAN))
    );
    assert_eq!(agent.parent_event_id(), None);
    assert_eq!(
        (chat.trace_id(), chat.parent_span_id()),
        (Some(TRACE), agent.span_id())
    );
    assert_eq!(chat.parent_event_id(), Some(agent.event_id()));
    let alone = of(&Operation::Embeddings);
    assert_ne!(alone.trace_id(), Some(TRACE));
    assert_eq!(alone.parent_span_id(), None);
}

#[test]
fn a_header_comes_in_and_goes_out() {
    let (audit, memory) = log();
    let header = format!("00-{TRACE}-{SPAN}-01");
    let request = Context::current().with_trace_parent(&header.parse().unwrap());
    let sent = request.enter(|| {
        let call = audit.begin(Operation::Chat);
        let sent = call.context().trace_parent().unwrap();
        call.finish();
        sent
    });
    let events = interactions(audit, &memory);
    assert_eq!(events[0].parent_span_id(), Some(SPAN));
    assert_eq!(sent.trace_id(), TRACE);
    assert_eq!(Some(sent.span_id()), events[0].span_id());
    assert_eq!(
        sent.to_string(),
        format!("00-{TRACE}-{}-01", sent.span_id())
    );
}

#[test]
fn a_hook_that_panics_costs_a_call_its_parent_and_no_more() {
    let memory = MemorySink::new();
    let log = builder().policy(Policy::preset(Preset::Operations).unwrap());
    let log = log
        .parent_from(|| panic!("on purpose"))
        .sink(memory.clone());
    let audit = log.spawn().unwrap();
    audit.begin(Operation::Chat).finish();
    assert_eq!(interactions(audit, &memory)[0].parent_span_id(), None);
}
