//! What a program that opts in to redacted content finds in its journal when redaction succeeds, and
//! when it cannot.
#![cfg(test)]

mod common;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use llm_audit::journal::JournalConfig;
use llm_audit::redact::{DataType, Detector, DetectorContext, Findings, Redactor};
use llm_audit::{
    Absence, Clock, Event, Facet, Key, Kind, Level, Operation, Policy, PolicyBuilder, Preset,
    Report, Retention, SystemClock, Timestamp, builder,
};

/// What a log made of its prompts.
struct Log {
    events: Vec<Event>,
    /// Every byte of the journal.
    bytes: String,
    withheld: u64,
    report: Report,
}

fn log(policy: PolicyBuilder, prompts: &[&str]) -> Log {
    log_with(policy, prompts, Passing::default())
}

fn log_with(policy: PolicyBuilder, prompts: &[&str], clock: Passing) -> Log {
    let dir = tempfile::tempdir().unwrap();
    let config = JournalConfig::keep(dir.path(), Retention::Days120);
    let audit = builder()
        .policy(policy.build().unwrap())
        .journal_with(config)
        .clock(clock)
        .spawn()
        .unwrap();
    for prompt in prompts {
        let mut call = audit.begin(Operation::Chat);
        call.request_model("small").prompt(*prompt);
        call.finish();
    }
    let handle = audit.handle();
    // Longer than what a test adds to the clock.
    let report = audit.shutdown(Duration::from_secs(600));
    let withheld = handle.counters().withheld;
    let mut events = common::read(dir.path());
    events.retain(|event| *event.kind() == Kind::Interaction);
    let files = std::fs::read_dir(dir.path()).unwrap().map(Result::unwrap);
    let files = files.filter(|file| file.path().extension().is_some_and(|end| end == "jsonl"));
    Log {
        events,
        bytes: files
            .map(|file| std::fs::read_to_string(file.path()).unwrap())
            .collect(),
        withheld,
        report,
    }
}

fn prompts() -> PolicyBuilder {
    Policy::builder()
        .preset(Preset::Operations)
        .facet(Facet::Prompt, Level::Redacted)
        .retention(Retention::Days120)
}

fn is_withheld(event: &Event) -> bool {
    let failed = event.absence(Facet::Prompt) == Some(Absence::Failed);
    let entries = event.redactions().unwrap_or_default();
    let told = entries
        .iter()
        .any(|entry| entry.operator.as_deref() == Some("withhold"));
    assert_eq!(failed, told);
    assert_eq!(event.model(), Some("small"), "the metadata is kept");
    failed && event.prompt().is_none()
}

/// The real time, and what a test adds to it.
#[derive(Clone, Debug, Default)]
struct Passing {
    real: Arc<SystemClock>,
    more: Arc<Mutex<Duration>>,
}

impl Clock for Passing {
    fn now(&self) -> Timestamp {
        self.real.now()
    }

    fn monotonic(&self) -> Duration {
        self.real.monotonic() + *self.more.lock().unwrap()
    }
}

/// Panics at one word, and takes long at another.
struct Fragile(Passing);

impl Detector for Fragile {
    fn name(&self) -> &str {
        "fragile"
    }

    fn data_types(&self) -> Vec<DataType> {
        vec![DataType::Person]
    }

    fn find(&self, text: &str, _: &DetectorContext<'_>, _: &mut Findings) {
        assert!(!text.contains("panic"), "{text}");
        if text.contains("slow") {
            *self.0.more.lock().unwrap() += Duration::from_secs(60);
        }
    }
}

#[test]
fn what_goes_beyond_the_budget_of_bytes_is_withheld_and_counted() {
    let redactor = Redactor::builder().max_bytes(1_000).build().unwrap();
    let long = "unscanned words ".repeat(100);
    let log = log(prompts().redactor(redactor), &[&long, "to ada@example.org"]);
    assert!(is_withheld(&log.events[0]) && !is_withheld(&log.events[1]));
    assert_eq!(log.events[1].prompt().as_deref(), Some("to [EMAIL]"));
    assert!(!log.bytes.contains("unscanned"));
    assert_eq!(log.withheld, 1);
    assert!(log.report.is_complete(), "{}", log.report);
}

#[test]
fn a_detector_that_panics_or_is_late_costs_its_text_and_nothing_else() {
    let clock = Passing::default();
    let policy = prompts().detector(Fragile(clock.clone()));
    let texts = ["first", "panic in secret", "slow in secret", "last"];
    let log = log_with(policy, &texts, clock);
    let withheld: Vec<_> = log.events.iter().map(is_withheld).collect();
    assert_eq!(withheld, [false, true, true, false]);
    assert!(!log.bytes.contains("in secret"));
    assert_eq!(log.withheld, 2);
    assert!(log.report.is_complete(), "{}", log.report);
}

#[test]
fn nothing_in_an_event_depends_on_the_length_of_a_secret() {
    let secrets = [
        "password='s3cr3t!'",
        "password='s3cr3t!-and-very-much-longer-than-that'",
    ];
    let log = log(prompts(), &secrets);
    let told = |event: &Event| {
        let json: serde_json::Value = serde_json::from_str(&event.to_json()).unwrap();
        let names = ["input_messages", "redactions", "absent"];
        names.map(|name| json[name].clone())
    };
    assert_eq!(told(&log.events[0]), told(&log.events[1]));
    let entry = &told(&log.events[0])[1][0];
    let names: Vec<_> = entry.as_object().unwrap().keys().cloned().collect();
    let expected = [
        "count",
        "data_type",
        "detector",
        "field",
        "operator",
        "path",
    ];
    let mut names = names;
    names.sort();
    assert_eq!(names, expected);
    assert!(!log.bytes.contains("s3cr3t"));
}

#[test]
fn examples_for_fine_tuning_have_numbered_placeholders() {
    let text = "ada@example.org wrote to bob@example.org, then ada@example.org called.";
    let log = log(Policy::builder().preset(Preset::FineTuning), &[text]);
    assert_eq!(
        log.events[0].prompt().as_deref(),
        Some("[EMAIL_1] wrote to [EMAIL_2], then [EMAIL_1] called.")
    );
}

#[test]
fn personal_data_is_counted_at_digest_and_unknown_at_off() {
    let digest = |level| {
        let policy = Policy::builder()
            .facet(Facet::Prompt, level)
            .facet(Facet::Detections, Level::Full)
            .facet(Facet::Model, Level::Full)
            .retention(Retention::Days120)
            .key(Key::bytes("k1", &[7; 32]).unwrap());
        let mut log = log(policy, &["to ada@example.org and bob@example.org"]);
        assert!(!log.bytes.contains("example.org"));
        log.events.remove(0)
    };
    let event = digest(Level::Digest);
    assert_eq!(event.prompt_pii_detected(), Some(true));
    let counts = event.prompt_pii_counts().unwrap();
    assert_eq!(counts.get("email"), Some(&2));
    let event = digest(Level::Off);
    assert_eq!(event.prompt_pii_detected(), None);
    assert_eq!(event.prompt_pii_counts(), None);
}
