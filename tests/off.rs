//! A policy that captures nothing costs nothing and writes nothing.
#![cfg(test)]

mod common;

use std::env;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use llm_audit::{
    Absence, AuditGuard, DiagnosticKind, Evaluation, Facet, Interaction, Operation, Policy, Preset,
    builder,
};

type Told = Arc<Mutex<Vec<DiagnosticKind>>>;

fn spawn(dir: &Path, policy: Policy) -> (AuditGuard, Told) {
    let told = Told::default();
    let hook = Arc::clone(&told);
    let audit = builder()
        .policy(policy)
        .journal(dir)
        .on_diagnostic(move |diagnostic| hook.lock().unwrap().push(diagnostic.kind))
        .spawn()
        .unwrap();
    (audit, told)
}

/// Values that must not be built, read or copied.
fn offer_bombs(call: &mut Interaction) {
    struct Bomb;

    impl serde::Serialize for Bomb {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            panic!("a value was serialised that no policy allows");
        }
    }

    fn bomb() -> impl Iterator<Item = String> {
        std::iter::from_fn(|| panic!("a value was read that no policy allows"))
    }

    call.tool_arguments(&Bomb)
        .tool_result(&Bomb)
        .tool_call("1", "search", &Bomb);
    call.tool_response("1", &Bomb)
        .usage_raw(&Bomb)
        .metadata([("key", Bomb)]);
    call.user_roles(bomb())
        .tags(bomb())
        .accessed_resources(bomb());
    if call.allows(Facet::Prompt) {
        panic!("content was asked for");
    }
}

#[test]
fn nothing_is_recorded_and_the_hook_is_told_once() {
    let dir = tempfile::tempdir().unwrap();
    let (audit, told) = spawn(dir.path(), Policy::none());
    assert_eq!(*told.lock().unwrap(), []);
    for _ in 0..3 {
        let mut call = audit.begin(Operation::Chat);
        assert!(!call.is_recorded());
        assert_eq!(call.event_id(), None);
        offer_bombs(&mut call);
        assert_eq!(
            call.prompt("Why?").response("So.").chunk("So.").event_id(),
            None
        );
        assert_eq!(call.finish(), None);
        assert_eq!(audit.feedback("1").feedback_thumb("up").record(), None);
        assert_eq!(
            audit
                .evaluation("1", Evaluation::default().name("bias"))
                .record(),
            None
        );
    }
    drop(audit.begin(Operation::Chat));
    assert_eq!(*told.lock().unwrap(), [DiagnosticKind::NothingCaptured]);
    let report = audit.shutdown(Duration::from_secs(10));
    assert_eq!(
        report.to_string(),
        "admitted 0 = written 0 + lost 0 + pending 0"
    );
    assert!(report.is_complete());
    assert!(
        !common::read(dir.path())
            .iter()
            .any(|event| event.kind().is_capture())
    );
}

#[test]
fn no_environment_variable_switches_capture_on() {
    // The test above, alone, in a process with what switches other recorders on.
    let passed = Command::new(env::current_exe().unwrap())
        .args(["--exact", "nothing_is_recorded_and_the_hook_is_told_once"])
        .env("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "true")
        .env("TRACELOOP_TRACE_CONTENT", "true")
        .env("LLM_AUDIT_POLICY", r#"{"version":1,"preset":"operations"}"#)
        .env("LLM_AUDIT_CAPTURE", "full")
        .env("RUST_LOG", "trace")
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&passed.stdout);
    assert!(
        passed.status.success() && told.contains("1 passed"),
        "{told}"
    );
}

#[test]
fn a_facet_that_is_off_is_not_built_beside_one_that_is_on() {
    let dir = tempfile::tempdir().unwrap();
    let policy = Policy::builder()
        .facet(Facet::Timing, llm_audit::Level::Full)
        .build()
        .unwrap();
    let (audit, told) = spawn(dir.path(), policy);
    let mut call = audit.begin(Operation::Chat);
    offer_bombs(&mut call);
    call.finish();
    assert!(audit.shutdown(Duration::from_secs(10)).is_complete());
    let events = common::read(dir.path());
    let event = events
        .iter()
        .find(|event| event.kind().is_capture())
        .unwrap();
    for facet in [
        Facet::ToolIo,
        Facet::User,
        Facet::Prompt,
        Facet::Metadata,
        Facet::Usage,
    ] {
        assert_eq!(event.absence(facet), Some(Absence::Withheld), "{facet}");
    }
    assert_eq!(event.absence(Facet::Device), None);
    assert_eq!(*told.lock().unwrap(), []);
}

#[test]
fn a_log_that_is_switched_on_later_records_from_then_on() {
    let dir = tempfile::tempdir().unwrap();
    let (audit, _) = spawn(dir.path(), Policy::none());
    audit.begin(Operation::Chat).finish();
    let policy = Policy::preset(Preset::Operations).unwrap();
    audit
        .replace_policy(policy, "admin", "incident 12")
        .unwrap();
    assert!(audit.begin(Operation::Chat).finish().is_some());
    audit
        .replace_policy(Policy::none(), "admin", "incident 12 is over")
        .unwrap();
    assert!(audit.begin(Operation::Chat).finish().is_none());
    let report = audit.shutdown(Duration::from_secs(10));
    assert_eq!((report.counters.admitted, report.counters.written), (1, 1));
    let events = common::read(dir.path());
    let actors = events.iter().filter_map(|event| event.change_actor());
    assert_eq!(actors.count(), 2);
}
