//! A log that was started and not installed is told that calls without a handle miss it.
#![cfg(test)]
#![cfg(feature = "macros")]

mod common;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use llm_audit::{DiagnosticKind, Operation, Policy, Preset, audit};

fn never() -> &'static str {
    unreachable!("there is no log for it")
}

#[audit(prompt = never())]
fn ask() -> u8 {
    3
}

#[test]
fn the_first_call_that_misses_the_log_says_so_once() {
    let dir = tempfile::tempdir().unwrap();
    let told = Arc::new(Mutex::new(Vec::new()));
    let hook = Arc::clone(&told);
    let log = llm_audit::builder()
        .policy(Policy::preset(Preset::Operations).unwrap())
        .journal(dir.path())
        .on_diagnostic(move |diagnostic| hook.lock().unwrap().push(diagnostic.clone()))
        .spawn()
        .unwrap();
    assert_eq!(ask(), 3);
    assert!(!llm_audit::begin(Operation::Chat).is_recorded());
    assert_eq!(ask(), 3);
    assert!(log.shutdown(Duration::from_secs(10)).is_complete());
    let told = told.lock().unwrap();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].kind, DiagnosticKind::Misuse);
    assert!(told[0].message.contains("`install`"), "{}", told[0].message);
    let events = common::read(dir.path());
    assert!(!events.iter().any(|event| event.kind().is_capture()));
}
