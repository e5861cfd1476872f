//! A span captures no more than what surrounds it, and says no other tenant.

use std::time::Duration;

use llm_audit_clients::tracing::SpanLayer;
use llm_audit_core::redact::DataType;
use llm_audit_core::testing::probe;
use llm_audit_core::{
    AuditGuard, Context, Event, Facet, Fields, FirstEvent, Kind, Level, Operation, Policy, Preset,
    Retention,
};
use tracing::Span;
use tracing_subscriber::Registry;
use tracing_subscriber::layer::SubscriberExt;

use super::{chat, wire};

/// Runs `run` where prompts and responses are captured, but for the tenant `quiet`.
fn recorded(run: impl FnOnce(&AuditGuard)) -> Vec<Event> {
    let policy = Policy::builder()
        .preset(Preset::Operations)
        .facet(Facet::Prompt, Level::Full)
        .facet(Facet::Response, Level::Full)
        .facet(Facet::User, Level::Full)
        .facet(Facet::Groups, Level::Full)
        .tenants_default(|layer| layer)
        .tenant("quiet", |layer| layer.facet(Facet::Prompt, Level::Off))
        .retention(Retention::Days30);
    let (log, probe) = probe(policy.build().unwrap()).unwrap();
    let subscriber = Registry::default().with(SpanLayer::new(&log));
    tracing::subscriber::with_default(subscriber, || run(&log));
    assert!(log.shutdown(Duration::from_secs(30)).is_complete());
    probe.kind(Kind::Interaction)
}

fn agent() -> Span {
    tracing::info_span!("run", gen_ai.operation.name = "invoke_agent")
}

fn on_the_wire(events: &[Event]) -> &Event {
    let chat = Some(Operation::Chat);
    events
        .iter()
        .find(|event| event.operation() == chat)
        .unwrap()
}

#[test]
fn where_a_span_is_entered_narrows_hides_and_says_who_asks() {
    for make in [chat, agent] {
        let events = recorded(|log| {
            let outer = Context::current().with(Fields::new().service_name("support"));
            let span = outer.enter(make);
            outer
                .with(Fields::new().tenant_id("acme"))
                .narrow(Facet::Response, Level::Off)
                .hiding(DataType::Person, "Why?")
                .enter(|| {
                    let before = format!("{:?}", Context::current());
                    span.in_scope(|| wire(log));
                    assert_eq!(format!("{:?}", Context::current()), before);
                    log.begin(Operation::ExecuteTool).finish();
                });
        });
        let call = on_the_wire(&events);
        assert_eq!(call.response(), None, "{call:?}");
        assert_eq!(call.tenant_id(), Some("acme"));
        assert!(!call.to_json().contains("Why?"), "{}", call.to_json());
        let tool = events
            .iter()
            .find(|event| event.operation() == Some(Operation::ExecuteTool));
        let tool = tool.unwrap();
        assert_eq!(
            (tool.tenant_id(), tool.parent_event_id()),
            (Some("acme"), None)
        );
    }
}

#[test]
fn a_span_that_is_made_once_is_of_each_tenant_that_enters_it() {
    let events = recorded(|log| {
        let span = Context::current()
            .with(Fields::new().tenant_id("loud").user_id("u-1"))
            .enter(chat);
        for tenant in ["quiet", "acme"] {
            let request = Context::current().with(Fields::new().tenant_id(tenant));
            request.enter(|| span.in_scope(|| wire(log)));
        }
    });
    let seen: Vec<_> = events
        .iter()
        .map(|event| (event.tenant_id(), event.prompt().is_some(), event.user_id()))
        .collect();
    assert_eq!(
        seen,
        [(Some("quiet"), false, None), (Some("acme"), true, None)]
    );
}

#[test]
fn where_a_span_was_made_narrows_too_and_says_what_is_not_said_where_it_is_entered() {
    let events = recorded(|log| {
        let span = Context::current()
            .with(Fields::new().tenant_id("acme"))
            .narrow(Facet::Response, Level::Off)
            .hiding(DataType::Person, "Why?")
            .enter(chat);
        // As in a task that was spawned, and in one that says something else.
        span.in_scope(|| wire(log));
        let other = Context::current().with(Fields::new().user_id("u-1"));
        other.enter(|| span.in_scope(|| wire(log)));
    });
    assert_eq!(events.len(), 2);
    for event in &events {
        assert_eq!(event.response(), None);
        assert_eq!(event.tenant_id(), Some("acme"));
        assert!(!event.to_json().contains("Why?"));
    }
    assert_eq!(events[1].user_id(), Some("u-1"));
}

#[test]
fn a_parent_that_is_named_narrows_nothing_away() {
    let events = recorded(|log| {
        let parent = agent();
        Context::current()
            .narrow(Facet::Prompt, Level::Off)
            .enter(|| {
                let span = tracing::info_span!(
                    parent: &parent,
                    "chat",
                    gen_ai.operation.name = "chat"
                );
                span.in_scope(|| wire(log));
            });
    });
    let call = on_the_wire(&events);
    assert_eq!(call.prompt(), None);
    assert!(call.parent_event_id().is_some());
}

#[test]
fn who_waits_for_a_call_where_a_span_is_entered_learns_of_it() {
    let (made, entered) = (FirstEvent::new(), FirstEvent::new());
    let events = recorded(|log| {
        let span = Context::current().noting(&made).enter(chat);
        let request = Context::current().noting(&entered);
        request.enter(|| span.in_scope(|| wire(log)));
    });
    let id = Some(events[0].event_id());
    assert_eq!((made.event_id(), entered.event_id()), (id, id));
}

#[test]
fn spans_that_are_left_in_disorder_leave_what_surrounded_them() {
    let events = recorded(|log| {
        let (one, two) = (agent(), agent());
        let request = Context::current().with(Fields::new().tenant_id("acme"));
        request.enter(|| {
            let first = one.enter();
            let second = two.enter();
            drop(first);
            drop(second);
            assert_eq!(Context::current().event_id(), None);
            log.begin(Operation::Chat).finish();
        });
        assert_eq!(
            format!("{:?}", Context::current()),
            format!("{:?}", Context::default())
        );
    });
    let call = on_the_wire(&events);
    assert_eq!(
        (call.tenant_id(), call.parent_event_id()),
        (Some("acme"), None)
    );
}
