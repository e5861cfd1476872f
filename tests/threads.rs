//! What may go to another thread, and what a program may share.
#![cfg(test)]

use std::future::Future;

use llm_audit::redact::Redactor;
use llm_audit::{
    Audit, AuditBuilder, AuditGuard, Batch, Commit, Context, Error, Event, Fields, Interaction,
    Key, Policy, Recorder, Report, SinkError, journal, propagate,
};

fn is_send<T: Send>() {}

fn is_shared<T: Send + Sync>() {}

#[test]
fn handles_values_and_errors_are_sent_and_shared() {
    is_shared::<Audit>();
    is_shared::<AuditGuard>();
    is_shared::<Batch>();
    is_shared::<Context>();
    is_shared::<Error>();
    is_shared::<Event>();
    is_shared::<Fields>();
    is_shared::<Key>();
    is_shared::<Policy>();
    is_shared::<Redactor>();
    is_shared::<Report>();
    is_shared::<SinkError>();
}

#[test]
fn what_is_in_flight_is_sent() {
    is_send::<AuditBuilder>();
    is_send::<Commit>();
    is_send::<Interaction>();
    is_send::<Recorder>();
    is_send::<journal::Reader>();
    let sent = |_: &(dyn Future<Output = ()> + Send)| {};
    sent(&propagate(async {}));
}
