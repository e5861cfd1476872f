//! Tenants and classification labels choose what is left of an event, and whether there is one.
#![cfg(test)]

mod common;

use std::time::Duration;

use llm_audit::{
    Absence, AuditGuard, Context, Event, Facet, Fields, Intent, Interaction, Kind, Level,
    Operation, Policy, PolicyBuilder, Retention, builder,
};

const LONG: Duration = Duration::from_secs(10);

fn policy() -> PolicyBuilder {
    Policy::builder()
        .facet(Facet::Model, Level::Full)
        .facet(Facet::Prompt, Level::Full)
        .retention(Retention::Days30)
        .tenant("mute", |t| {
            t.facet(Facet::Model, Level::Off)
                .facet(Facet::Prompt, Level::Off)
        })
        .tenant("terse", |t| t.facet(Facet::Prompt, Level::Off))
        .tenants_default(|t| t)
}

/// Returns the events that the host recorded while `run` had a log with `policy`.
fn recorded(policy: PolicyBuilder, run: impl FnOnce(&AuditGuard)) -> Vec<Event> {
    let temp = tempfile::tempdir().unwrap();
    let log = builder()
        .policy(policy.build().unwrap())
        .journal(temp.path());
    let audit = log.spawn().unwrap();
    run(&audit);
    let report = audit.shutdown(LONG);
    assert!(report.is_complete(), "{report}");
    let mut events = common::read(temp.path());
    events.retain(|event| event.kind().is_capture());
    assert_eq!(report.counters.admitted, events.len() as u64);
    events
}

#[test]
fn a_tenant_whose_facets_are_all_off_has_no_events() {
    let events = recorded(policy(), |audit| {
        let mut call = audit.begin(Operation::Chat);
        call.tenant_id("mute").prompt("Why?");
        assert_eq!(call.finish(), None);
        Context::current()
            .with(Fields::new().tenant_id("mute"))
            .enter(|| {
                let mut call = audit.begin(Operation::Chat);
                call.prompt("Why?").sent();
                drop(call);
                assert_eq!(audit.feedback("x").feedback_thumb("up").record(), None);
            });
        audit.begin(Operation::Chat).finish().unwrap();
    });
    assert_eq!(events.len(), 1);
}

#[test]
fn what_only_a_call_narrows_leaves_the_evidence_of_it() {
    let events = recorded(policy(), |audit| {
        let mut call = audit.begin(Operation::Chat);
        call.narrow(Facet::Model, Level::Off)
            .narrow(Facet::Prompt, Level::Off);
        call.request_model("small");
        call.finish().unwrap();
    });
    assert_eq!(events[0].absence(Facet::Model), Some(Absence::Withheld));
}

#[test]
fn a_tenant_chooses_its_layer_also_where_its_name_is_not_captured() {
    let events = recorded(policy(), |audit| {
        let mut call = audit.begin(Operation::Chat);
        call.tenant_id("terse")
            .request_model("small")
            .prompt("Why?");
        call.finish();
    });
    let [event] = events.as_slice() else {
        panic!("{events:?}")
    };
    assert_eq!(*event.kind(), Kind::Interaction);
    assert_eq!(event.model(), Some("small"));
    assert_eq!(event.prompt(), None);
    assert_eq!(event.tenant_id(), None);
    assert_eq!(event.absence(Facet::Groups), Some(Absence::Withheld));
}

#[test]
fn a_label_chooses_its_rule_also_where_it_is_not_captured() {
    let policy = policy()
        .classification_order(["public", "secret"])
        .rule("secret", |r| r.facet(Facet::Prompt, Level::Off))
        .unclassified(|r| r);
    let events = recorded(policy, |audit| {
        let mut call = audit.begin(Operation::Chat);
        call.classification_file("secret").prompt("Why?");
        call.finish();
    });
    assert_eq!(events[0].prompt(), None);
    assert_eq!(events[0].classification_file(), None);
}

#[test]
fn an_intent_falls_under_the_layers_of_its_call() {
    let policy = policy().intent(Intent::Content);
    let events = recorded(policy, |audit| {
        let mut call = audit.begin(Operation::Chat);
        call.tenant_id("terse").prompt("Why?").sent();
        call.finish();
        let mute = |call: &mut Interaction| {
            call.tenant_id("mute").prompt("Why?");
        };
        let error = audit.begin_durable_blocking(Operation::Chat, mute);
        assert!(error.unwrap_err().is_not_durable());
    });
    assert_eq!(events.len(), 2, "{events:?}");
    for event in events {
        assert_eq!(event.prompt(), None, "{event:?}");
        assert_eq!(event.prompt_digest(), None);
        assert_eq!(event.tenant_id(), None);
    }
}

#[test]
fn an_id_that_is_not_of_w3c_is_left_out() {
    let events = recorded(policy(), |audit| {
        let mut call = audit.begin(Operation::Chat);
        call.trace_id("ada@example.org").span_id("00F067AA0BA902B7");
        call.enter(|| audit.begin(Operation::ExecuteTool).finish());
        call.finish();
    });
    let [child, call] = events.as_slice() else {
        panic!("{events:?}")
    };
    assert_eq!(call.trace_id().map(str::len), Some(32));
    assert_eq!(child.trace_id(), call.trace_id());
    assert_eq!(child.parent_span_id(), call.span_id());
}

#[test]
fn a_late_fact_that_is_not_recorded_is_told() {
    let temp = tempfile::tempdir().unwrap();
    let (send, told) = std::sync::mpsc::channel();
    let audit = builder()
        .policy(policy().build().unwrap())
        .journal(temp.path())
        .on_diagnostic(move |diagnostic| drop(send.send(diagnostic.to_string())))
        .spawn()
        .unwrap();
    audit.feedback("x").feedback_thumb("up");
    let said = told.recv().unwrap();
    assert!(said.contains("`feedback` was begun and dropped"), "{said}");
}
