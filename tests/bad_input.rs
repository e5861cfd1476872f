//! Bad input and bad surroundings: errors that say what to do, and nothing lost without a count.
#![cfg(test)]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use llm_audit::{
    Absence, AuditGuard, DiagnosticKind, Error, Facet, Field, Kind, Level, LossReason, Operation,
    Policy, Preset, Report, Retention, builder,
};
use tempfile::TempDir;

const LONG: Duration = Duration::from_secs(30);

fn operations() -> Policy {
    Policy::preset(Preset::Operations).unwrap()
}

fn prompts() -> Policy {
    let policy = Policy::builder().facet(Facet::Prompt, Level::Full);
    policy.retention(Retention::Days30).build().unwrap()
}

fn refused(spawned: Result<AuditGuard, Error>) -> Error {
    spawned.expect_err("the log must not start")
}

fn is_balanced(report: &Report) -> bool {
    let counters = &report.counters;
    counters.admitted == counters.written + counters.lost() + counters.pending
}

/// A path below a regular file: a directory that nobody can make, not even root.
fn unusable() -> (TempDir, PathBuf) {
    let temp = tempfile::tempdir().unwrap();
    let file = temp.path().join("file");
    fs::write(&file, "").unwrap();
    let dir = file.join("audit");
    (temp, dir)
}

#[test]
fn an_unusable_directory_is_an_error_that_names_it() {
    let (_temp, dir) = unusable();
    let error = refused(builder().policy(operations()).journal(&dir).spawn());
    assert!(error.is_io(), "{error:?}");
    assert!(error.to_string().contains(dir.to_str().unwrap()), "{error}");
    assert!(std::error::Error::source(&error).is_some());
}

#[test]
fn a_degraded_start_with_nothing_left_to_write_to_is_an_error() {
    let (_temp, dir) = unusable();
    let log = builder()
        .policy(operations())
        .journal(&dir)
        .start_degraded(true);
    let error = refused(log.spawn());
    assert!(
        error.is_io() && error.to_string().contains(dir.to_str().unwrap()),
        "{error}"
    );
}

#[test]
fn neither_journal_nor_sink_is_an_error_that_names_both() {
    let error = refused(builder().policy(operations()).spawn());
    assert!(error.is_configuration());
    let text = error.to_string();
    assert!(
        text.contains("`journal(dir)`") && text.contains("`sink(..)`"),
        "{text}"
    );
}

#[test]
fn a_digest_without_a_key_is_an_error_that_says_how_to_make_one() {
    let policy = Policy::builder()
        .facet(Facet::User, Level::Digest)
        .retention(Retention::Days30);
    let error = policy.build().unwrap_err();
    assert!(error.is_policy());
    assert!(error.to_string().contains("Key::file"), "{error}");
}

#[test]
fn content_without_a_retention_is_an_error_that_lists_the_choices() {
    let error = Policy::builder()
        .facet(Facet::Prompt, Level::Full)
        .build()
        .unwrap_err();
    for choice in ["Days30", "Days90", "Days120", "Forever"] {
        assert!(error.to_string().contains(choice), "{error}");
    }
}

#[test]
fn a_level_that_a_facet_does_not_accept_is_an_error_that_lists_those_it_does() {
    let policy = Policy::builder().facet(Facet::User, Level::Redacted);
    let error = policy.retention(Retention::Days30).build().unwrap_err();
    for word in ["user", "redacted", "off", "digest", "full"] {
        assert!(error.to_string().contains(word), "{error}");
    }
}

#[test]
fn too_little_memory_is_an_error() {
    let temp = tempfile::tempdir().unwrap();
    let error = refused(
        builder()
            .policy(operations())
            .journal(temp.path())
            .max_bytes(1)
            .spawn(),
    );
    assert!(
        error.is_configuration() && error.to_string().contains("max_bytes"),
        "{error}"
    );
    let error = refused(builder().journal(temp.path()).max_events(0).spawn());
    assert!(
        error.is_configuration() && error.to_string().contains("max_events"),
        "{error}"
    );
}

#[test]
fn a_second_installed_log_is_an_error() {
    let temps = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let install = |temp: &TempDir| {
        builder()
            .policy(operations())
            .journal(temp.path())
            .install()
    };
    let first = install(&temps[0]).unwrap();
    let error = refused(install(&temps[1]));
    assert!(
        error.is_configuration() && error.to_string().contains("shut it down"),
        "{error}"
    );
    assert!(llm_audit::begin(Operation::Chat).finish().is_some());
    assert_eq!(first.shutdown(LONG).counters.written, 1);
    // Once it is shut down, another may take its place.
    let second = install(&temps[1]).unwrap();
    assert!(llm_audit::begin(Operation::Chat).finish().is_some());
    assert_eq!(second.shutdown(LONG).counters.written, 1);
}

#[test]
fn a_prompt_of_64_mib_leaves_an_event_that_says_what_is_missing() {
    let temp = tempfile::tempdir().unwrap();
    let audit = builder()
        .policy(prompts())
        .journal(temp.path())
        .spawn()
        .unwrap();
    for borrowed in [true, false] {
        let prompt = "Why? ".repeat((64 << 20) / 5);
        let mut call = audit.begin(Operation::Chat);
        if borrowed {
            call.prompt(prompt.as_str());
        } else {
            call.prompt(prompt);
        }
        call.finish();
    }
    let mut call = audit.begin(Operation::Chat);
    call.prompt("Still there?");
    call.finish();
    let report = audit.shutdown(LONG);
    assert!(report.is_complete(), "{report}");
    let mut events = common::read(temp.path());
    events.retain(|event| *event.kind() == Kind::Interaction);
    assert_eq!(events.len(), 3);
    for event in &events[..2] {
        let absence = event.absence(Facet::Prompt);
        assert!(
            matches!(absence, Some(Absence::Truncated | Absence::Failed)),
            "{absence:?}"
        );
        assert!(event.prompt().is_none_or(|prompt| prompt.len() <= 8 << 20));
    }
    assert_eq!(events[2].prompt().as_deref(), Some("Still there?"));
}

#[test]
fn what_the_memory_budget_has_no_room_for_is_left_out_and_metadata_stays() {
    let temp = tempfile::tempdir().unwrap();
    let policy = Policy::builder()
        .preset(Preset::Operations)
        .facet(Facet::Prompt, Level::Full)
        .facet(Facet::Response, Level::Full)
        .retention(Retention::Days30);
    let audit = builder()
        .policy(policy.build().unwrap())
        .journal(temp.path())
        .max_bytes(1 << 20)
        .spawn()
        .unwrap();
    // Open calls hold what they were given; together they ask for four times the budget.
    let calls: Vec<_> = (0..16)
        .map(|_| {
            let mut call = audit.begin(Operation::Chat);
            call.request_model("small").prompt("w".repeat(128 << 10));
            call.chunk(&"c".repeat(128 << 10));
            call
        })
        .collect();
    for call in calls {
        call.finish();
    }
    let report = audit.shutdown(LONG);
    assert!(report.is_complete(), "{report}");
    let mut events = common::read(temp.path());
    events.retain(|event| *event.kind() == Kind::Interaction);
    assert_eq!(events.len(), 16);
    let failed = |event: &&llm_audit::Event| event.absence(Facet::Prompt) == Some(Absence::Failed);
    assert!((9..16).contains(&events.iter().filter(failed).count()));
    for event in &events {
        assert_eq!(event.request_model(), Some("small"));
        assert!(event.latency_us().is_some());
        assert_eq!(event.prompt().is_none(), failed(&event));
    }
}

#[test]
fn hostile_text_is_one_line_and_comes_back_as_it_was() {
    let temp = tempfile::tempdir().unwrap();
    let audit = builder()
        .policy(prompts())
        .journal(temp.path())
        .spawn()
        .unwrap();
    let texts = [
        "a\nb\r\n\0c",
        "\",\"crc\":\"00000000\"}",
        "\u{2028}\u{feff}\u{10ffff}",
        "",
    ];
    for text in texts {
        let mut call = audit.begin(Operation::Chat);
        call.prompt(text);
        call.finish();
    }
    assert!(audit.shutdown(LONG).is_complete());
    let mut events = common::read(temp.path());
    events.retain(|event| *event.kind() == Kind::Interaction);
    let prompts: Vec<_> = events
        .iter()
        .map(|event| event.prompt().unwrap_or_default())
        .collect();
    assert_eq!(prompts, texts);
}

#[test]
fn deep_json_and_100_000_members_are_there_or_missed() {
    let temp = tempfile::tempdir().unwrap();
    let policy = Policy::builder()
        .facet(Facet::Prompt, Level::Redacted)
        .facet(Facet::Response, Level::Redacted)
        .facet(Facet::ToolIo, Level::Redacted)
        .facet(Facet::Metrics, Level::Full)
        .retention(Retention::Days30);
    let audit = builder().policy(policy.build().unwrap());
    let audit = audit.journal(temp.path()).spawn().unwrap();
    let names = || (0..100_000).map(|number| format!("member-{number}"));
    let members: BTreeMap<_, _> = names().map(|name| (name, "\0")).collect();
    let deep = [
        "[".repeat(100_000),
        r#"{"a":"#.repeat(100_000),
        format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000)),
    ];
    for text in &deep {
        let mut call = audit.begin(Operation::Chat);
        call.prompt(text);
        call.finish();
    }
    let mut call = audit.begin(Operation::Chat);
    call.tool_call("1", "find", &members);
    call.metrics(names().map(|name| (name, 0.5)));
    call.finish();
    let report = audit.shutdown(LONG);
    assert!(report.is_complete(), "{report}");
    let mut events = common::read(temp.path());
    events.retain(|event| *event.kind() == Kind::Interaction);
    assert_eq!(events.len(), deep.len() + 1);
    for (event, text) in events.iter().zip(&deep) {
        let is_missed = event.absence(Facet::Prompt).is_some();
        assert!(is_missed || event.prompt().as_deref() == Some(text));
    }
    let wide = &events[deep.len()];
    let json = wide.to_json();
    let last = r#"member-99999\":\"\\u0000"#;
    assert!(wide.absence(Facet::ToolIo).is_some() || json.contains(last));
    let metrics = wide.metrics().map_or(0, |metrics| metrics.len());
    assert!(wide.absence(Facet::Metrics).is_some() || metrics == 100_000);
}

#[test]
fn numbers_that_no_log_can_keep_are_left_out() {
    let temp = tempfile::tempdir().unwrap();
    let audit = builder()
        .policy(operations())
        .journal(temp.path())
        .spawn()
        .unwrap();
    let mut call = audit.begin(Operation::Chat);
    call.temperature(f64::NAN)
        .top_k(u64::MAX)
        .top_p(0.5)
        .metrics([("m", f64::INFINITY), ("n", 1.0)]);
    call.finish();
    assert!(audit.shutdown(LONG).is_complete());
    let events = common::read(temp.path());
    let event = events
        .iter()
        .find(|event| *event.kind() == Kind::Interaction)
        .unwrap();
    assert_eq!((event.temperature(), event.top_p()), (None, Some(0.5)));
    assert!(
        event
            .top_k()
            .is_none_or(|top_k| top_k == i64::MAX.unsigned_abs())
    );
    assert_eq!(event.metrics().unwrap().keys().collect::<Vec<_>>(), ["n"]);
}

#[test]
fn an_event_after_shutdown_is_a_counted_loss() {
    let temp = tempfile::tempdir().unwrap();
    let audit = builder()
        .policy(operations())
        .journal(temp.path())
        .spawn()
        .unwrap();
    let late = audit.begin(Operation::Chat);
    audit.begin(Operation::Chat).finish();
    let first = audit.shutdown(LONG);
    assert!(
        first.is_complete() && first.closed && is_balanced(&first),
        "{first}"
    );
    late.finish();
    audit.begin(Operation::Chat).finish();
    let counters = audit.counters();
    assert_eq!(
        (counters.admitted, counters.written, counters.pending),
        (3, 1, 0)
    );
    assert_eq!(counters.lost_by_reason.get(LossReason::ShutdownDeadline), 2);
    let error = audit
        .replace_policy(operations(), "admin", "too late")
        .unwrap_err();
    assert!(error.is_closed());
}

#[test]
fn an_event_of_the_logs_own_kind_is_not_recorded_for_a_host() {
    let temp = tempfile::tempdir().unwrap();
    let told = Arc::new(Mutex::new(Vec::new()));
    let hook = Arc::clone(&told);
    let audit = builder()
        .policy(operations())
        .journal(temp.path())
        .on_diagnostic(move |diagnostic| hook.lock().unwrap().push(diagnostic.kind))
        .spawn()
        .unwrap();
    assert_eq!(audit.event(Kind::Erased).record(), None);
    assert_eq!(*told.lock().unwrap(), [DiagnosticKind::Misuse]);
    assert_eq!(audit.shutdown(LONG).counters.admitted, 0);
    assert!(
        !common::read(temp.path())
            .iter()
            .any(|event| *event.kind() == Kind::Erased)
    );
}

#[test]
fn an_unknown_field_is_an_error_that_names_the_list() {
    let error = "promt".parse::<Field>().unwrap_err();
    assert!(error.to_string().contains("docs/fields.md"), "{error}");
}

#[cfg(feature = "jsonl")]
mod jsonl {
    use llm_audit::sinks::JsonlSink;

    use super::*;

    #[test]
    fn a_degraded_start_says_so_and_goes_on_with_the_sinks() {
        let (_temp, dir) = unusable();
        let told = Arc::new(Mutex::new(Vec::new()));
        let hook = Arc::clone(&told);
        let audit = builder()
            .policy(operations())
            .journal(&dir)
            .sink(JsonlSink::writer(std::io::sink()))
            .start_degraded(true)
            .on_diagnostic(move |diagnostic| hook.lock().unwrap().push(diagnostic.kind))
            .spawn()
            .unwrap();
        assert!(told.lock().unwrap().contains(&DiagnosticKind::Degraded));
        for _ in 0..10 {
            audit.begin(Operation::Chat).finish();
        }
        let report = audit.shutdown(LONG);
        assert!(is_balanced(&report) && report.is_complete(), "{report}");
        assert_eq!(report.counters.sink("jsonl").unwrap().delivered, 10);
    }

    #[test]
    fn a_sink_in_the_journals_directory_is_an_error() {
        let temp = tempfile::tempdir().unwrap();
        let dir = temp.path().join("audit");
        let link = temp.path().join("link");
        fs::create_dir(&dir).unwrap();
        std::os::unix::fs::symlink(&dir, &link).unwrap();
        for journal in [dir.clone(), link.clone(), dir.join("../audit")] {
            for sink in [dir.clone(), link.clone(), dir.join(".")] {
                let sink = JsonlSink::dir(sink).unwrap();
                let builder = builder().policy(operations()).journal(&journal).sink(sink);
                let error = refused(builder.spawn());
                assert!(error.is_configuration(), "{error:?}");
                assert!(error.to_string().contains("sink `jsonl`"), "{error}");
            }
        }
        assert_eq!(fs::read_dir(&dir).unwrap().count(), 0);
    }

    #[test]
    fn two_sinks_of_one_name_are_an_error_that_names_it() {
        let builder = builder()
            .sink(JsonlSink::writer(Vec::new()))
            .sink(JsonlSink::writer(Vec::new()));
        let error = refused(builder.policy(operations()).spawn());
        assert!(error.to_string().contains("`jsonl`"), "{error}");
    }

    #[test]
    fn a_rule_for_a_sink_that_is_not_there_is_an_error_that_lists_those_that_are() {
        let policy = Policy::builder()
            .preset(Preset::Operations)
            .sink_without("archive", [Facet::Usage])
            .build()
            .unwrap();
        let sink = JsonlSink::writer(Vec::new()).named("copy");
        let error = refused(builder().policy(policy).sink(sink).spawn());
        let text = error.to_string();
        assert!(
            text.contains("`archive`") && text.contains("copy"),
            "{text}"
        );
    }

    #[test]
    fn a_directory_that_cannot_be_made_is_an_error_when_the_sink_is_made() {
        let (_temp, dir) = unusable();
        let error = JsonlSink::dir(&dir).unwrap_err();
        assert!(
            error.is_io() && error.to_string().contains(dir.to_str().unwrap()),
            "{error}"
        );
    }
}

/// A value of the host whose code fails wherever the log asks it for something.
struct Broken;

impl std::fmt::Display for Broken {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Err(std::fmt::Error)
    }
}

impl serde::Serialize for Broken {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        panic!("a Serialize of the host")
    }
}

/// Returns the one event of kind `kind` that `record` leaves under a policy that keeps all text.
fn recorded(kind: &Kind, record: impl FnOnce(&AuditGuard)) -> llm_audit::Event {
    let temp = tempfile::tempdir().unwrap();
    let policy = Policy::builder()
        .preset(Preset::Operations)
        .facet(Facet::Prompt, Level::Full)
        .facet(Facet::ToolIo, Level::Full)
        .facet(Facet::Metadata, Level::Full)
        .facet(Facet::ErrorDetail, Level::Full)
        .facet(Facet::Feedback, Level::Full)
        .retention(Retention::Days30)
        .build()
        .unwrap();
    let audit = builder()
        .policy(policy)
        .journal(temp.path())
        .spawn()
        .unwrap();
    record(&audit);
    assert!(audit.shutdown(LONG).is_complete());
    let mut events = common::read(temp.path());
    events.retain(|event| event.kind() == kind);
    assert_eq!(events.len(), 1);
    events.remove(0)
}

#[test]
fn an_error_that_cannot_be_printed_is_recorded_without_its_text() {
    let event = recorded(&Kind::Interaction, |audit| {
        audit.begin(Operation::Chat).fail(&Broken);
    });
    assert_eq!(event.status(), Some(llm_audit::Status::Error));
    assert!(event.error_type().unwrap().ends_with("Broken"));
    assert_eq!(event.absence(Facet::ErrorDetail), Some(Absence::Failed));
}

#[test]
fn code_of_the_host_that_panics_in_a_setter_costs_the_value_alone() {
    let event = recorded(&Kind::Interaction, |audit| {
        let mut call = audit.begin(Operation::Chat);
        call.tool_arguments(&Broken);
        call.metadata(
            [("a", 1), ("b", 2)]
                .into_iter()
                .inspect(|pair| assert!(pair.0 == "a", "an iterator of the host")),
        );
        call.prompt("why");
        call.finish();
    });
    assert_eq!(event.status(), Some(llm_audit::Status::Ok));
    assert_eq!(event.prompt().as_deref(), Some("why"));
    for facet in [Facet::ToolIo, Facet::Metadata] {
        assert_eq!(event.absence(facet), Some(Absence::Failed));
    }
}

#[test]
fn a_target_that_cannot_be_printed_is_left_out() {
    let event = recorded(&Kind::Feedback, |audit| {
        audit.feedback(Broken).feedback_thumb("up").record();
    });
    assert_eq!(event.target_event_id(), None);
    assert_eq!(event.feedback_thumb(), Some("up"));
}

#[test]
fn a_deadline_that_never_comes_is_none() {
    let event = recorded(&Kind::Interaction, |audit| {
        let mut call = audit.begin(Operation::Chat);
        call.deadline(Duration::MAX);
        drop(call);
    });
    assert_eq!(event.status(), Some(llm_audit::Status::Abandoned));
}
