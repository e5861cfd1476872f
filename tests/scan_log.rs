//! What `examples/scan_log.rs` says of a log that was kept before redaction was on.
#![cfg(test)]

#[path = "../examples/scan_log.rs"]
#[allow(dead_code, reason = "the test calls what `main` calls")]
mod scan_log;

use std::path::Path;
use std::time::Duration;

use llm_audit::{Facet, Level, Operation, Policy, Retention};

const CARD: &str = "4111 1111 1111 1111";
const ADDRESS: &str = "ada@example.org";

fn write_log(dir: &Path, prompt: Level) {
    let policy = Policy::builder()
        .facet(Facet::Prompt, prompt)
        .facet(Facet::Model, Level::Full)
        .retention(Retention::Days30)
        .build()
        .unwrap();
    let audit = llm_audit::builder()
        .policy(policy)
        .journal(dir)
        .spawn()
        .unwrap();
    let mut call = audit.begin(Operation::Chat);
    call.request_model("small")
        .prompt(format!("My card is {CARD}, write to {ADDRESS}."));
    call.finish();
    assert!(audit.shutdown(Duration::from_secs(5)).is_complete());
}

fn scan(path: &Path) -> (u8, String) {
    let mut out = Vec::new();
    let code = scan_log::scan(path, &mut out).unwrap();
    (code, String::from_utf8(out).unwrap())
}

#[test]
fn planted_values_are_reported_with_their_event_and_printed_nowhere() {
    let temp = tempfile::tempdir().unwrap();
    write_log(temp.path(), Level::Full);
    let (code, out) = scan(temp.path());
    assert_eq!(code, 1, "{out}");
    assert_eq!(out.lines().count(), 2, "{out}");
    for (line, data_type) in out.lines().zip(["credit_card", "email"]) {
        let finding: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(finding["data_type"], data_type);
        assert_eq!(finding["path"], "input_messages[*].parts[*].content");
        assert_eq!(finding["count"], 1);
        assert!(finding["event_id"].is_string());
    }
    for value in [CARD, ADDRESS, "4111", "1111", "ada@"] {
        assert!(!out.contains(value), "{out}");
    }
}

#[test]
fn nothing_is_found_in_a_log_that_was_redacted() {
    let temp = tempfile::tempdir().unwrap();
    write_log(temp.path(), Level::Redacted);
    assert_eq!(scan(temp.path()), (0, String::new()));
}

#[test]
fn what_cannot_be_read_is_not_taken_for_clean() {
    let temp = tempfile::tempdir().unwrap();
    assert!(scan_log::scan(&temp.path().join("missing"), &mut Vec::new()).is_err());
    let mut long = vec![b'x'; (16 << 20) + 1];
    long.extend_from_slice(format!("\n{ADDRESS}\n").as_bytes());
    std::fs::write(temp.path().join("long.txt"), long).unwrap();
    let (code, out) = scan(temp.path());
    assert_eq!(code, 2);
    assert!(out.contains("\"line\":2"), "{out}");
}
