//! However an operation ends, it is recorded once, and with how it ended.
#![cfg(test)]

mod common;

use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use std::time::Duration;

use llm_audit::{
    Audit, AuditGuard, Event, Guardrail, Kind, Operation, Policy, Preset, Status, builder,
};
use tempfile::TempDir;

const LONG: Duration = Duration::from_secs(10);

fn log() -> (TempDir, AuditGuard) {
    let dir = tempfile::tempdir().unwrap();
    let policy = Policy::preset(Preset::Operations).unwrap();
    let audit = builder()
        .policy(policy)
        .journal(dir.path())
        .spawn()
        .unwrap();
    (dir, audit)
}

/// Runs `exit` and returns the one event that it recorded.
fn recorded(exit: impl FnOnce(&Audit)) -> Event {
    let (dir, audit) = log();
    exit(&audit);
    let report = audit.shutdown(LONG);
    assert!(report.is_complete(), "{report}");
    let mut events = common::read(dir.path());
    events.retain(|event| event.kind().is_capture());
    assert_eq!(events.len(), 1, "{events:?}");
    events.remove(0)
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap()
}

/// A call of a model that never answers.
async fn endless(audit: Audit) {
    let mut call = audit.begin(Operation::Chat);
    call.on_drop(Status::Cancelled).sent();
    pending::<()>().await;
    call.finish();
}

#[test]
fn a_success_is_ok() {
    let event = recorded(|audit| {
        assert!(audit.begin(Operation::Chat).finish().is_some());
    });
    assert_eq!(*event.kind(), Kind::Interaction);
    assert_eq!(event.status(), Some(Status::Ok));
    assert!(event.ended_at() >= event.started_at() && event.latency_us().is_some());
}

#[test]
fn a_failure_is_an_error_with_its_type_and_without_its_text() {
    let event = recorded(|audit| {
        let error = "x".parse::<u8>().unwrap_err();
        audit.begin(Operation::Chat).fail(&error);
    });
    assert_eq!(event.status(), Some(Status::Error));
    // The standard library may move its types, not rename them.
    let error_type = event.error_type().unwrap();
    assert!(error_type.ends_with("::ParseIntError"), "{error_type}");
    assert_eq!(event.error_message(), None);
}

#[test]
fn a_future_that_is_dropped_is_cancelled() {
    let event = recorded(|audit| {
        runtime().block_on(async {
            let call = endless(audit.clone());
            tokio::time::timeout(Duration::from_millis(5), call)
                .await
                .unwrap_err();
        });
    });
    assert_eq!(event.status(), Some(Status::Cancelled));
}

#[test]
fn a_task_that_is_aborted_is_cancelled() {
    let event = recorded(|audit| {
        runtime().block_on(async {
            let task = tokio::spawn(endless(audit.clone()));
            tokio::task::yield_now().await;
            task.abort();
            assert!(task.await.unwrap_err().is_cancelled());
        });
    });
    assert_eq!(event.status(), Some(Status::Cancelled));
}

#[test]
fn a_runtime_that_is_dropped_cancels_what_it_ran() {
    let event = recorded(|audit| {
        let runtime = runtime();
        runtime.block_on(async {
            drop(tokio::spawn(endless(audit.clone())));
            tokio::task::yield_now().await;
        });
    });
    assert_eq!(event.status(), Some(Status::Cancelled));
}

#[test]
fn a_future_that_was_never_polled_is_no_event() {
    let (dir, audit) = log();
    drop(endless(audit.handle()));
    assert_eq!(audit.shutdown(LONG).counters.admitted, 0);
    assert!(
        !common::read(dir.path())
            .iter()
            .any(|event| event.kind().is_capture())
    );
}

#[test]
fn a_guard_that_is_dropped_is_abandoned() {
    let event = recorded(|audit| drop(audit.begin(Operation::ExecuteTool)));
    assert_eq!(event.status(), Some(Status::Abandoned));
    assert_eq!(event.operation(), Some(Operation::ExecuteTool));
}

#[test]
fn a_panic_is_an_error_of_type_panic() {
    let event = recorded(|audit| {
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            let mut call = audit.begin(Operation::Chat);
            call.on_drop(Status::Cancelled);
            panic!("on purpose");
        }));
        assert!(panicked.is_err());
    });
    assert_eq!(event.status(), Some(Status::Error));
    assert_eq!(event.error_type(), Some("panic"));
}

#[test]
fn a_panic_in_a_thread_is_an_error_too() {
    let event = recorded(|audit| {
        let audit = audit.clone();
        let thread = thread::spawn(move || {
            let _call = audit.begin(Operation::Step);
            panic!("on purpose");
        });
        assert!(thread.join().is_err());
    });
    assert_eq!(event.error_type(), Some("panic"));
}

#[test]
fn a_drop_after_the_deadline_is_a_timeout() {
    let event = recorded(|audit| {
        let mut call = audit.begin(Operation::Chat);
        call.on_drop(Status::Cancelled)
            .deadline(Duration::from_millis(1));
        thread::sleep(Duration::from_millis(10));
    });
    assert_eq!(event.status(), Some(Status::Timeout));
}

#[test]
fn a_stream_that_breaks_off_is_partial() {
    let event = recorded(|audit| {
        let mut call = audit.begin(Operation::Chat);
        call.sent().chunk("Because");
        call.end(Status::Partial);
    });
    assert_eq!(event.status(), Some(Status::Partial));
    assert_eq!(event.chunk_count(), Some(1));
    assert_eq!(event.response_at(), None);
}

#[test]
fn a_block_before_the_model_says_that_the_model_was_not_reached() {
    let dir = tempfile::tempdir().unwrap();
    let policy = Policy::builder()
        .preset(Preset::Operations)
        .facet(llm_audit::Facet::Guardrails, llm_audit::Level::Full)
        .build()
        .unwrap();
    let audit = builder()
        .policy(policy)
        .journal(dir.path())
        .spawn()
        .unwrap();
    let verdict = Guardrail::default()
        .name("no-secrets")
        .stage("input")
        .action("blocked");
    assert!(audit.begin(Operation::Chat).block(verdict).is_some());
    assert!(audit.shutdown(LONG).is_complete());
    let mut events = common::read(dir.path());
    events.retain(|event| event.kind().is_capture());
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].status(), Some(Status::Blocked));
    assert_eq!(
        events[0].guardrails().unwrap()[0].reached_model,
        Some(false)
    );
    assert_eq!(events[0].error_type(), None);
}

#[test]
fn a_program_that_only_drops_the_guard_loses_nothing() {
    let (dir, audit) = log();
    for _ in 0..100 {
        audit.begin(Operation::Embeddings).finish();
    }
    drop(audit);
    let events = common::read(dir.path());
    assert_eq!(
        events
            .iter()
            .filter(|event| event.kind().is_capture())
            .count(),
        100
    );
}
