//! Known values, budgets, and what is told of texts that could not be redacted.

use std::time::Duration;

use super::*;
use crate::diagnostics::{DiagnosticKind, Diagnostics};
use crate::redact::{DataType, Detector, DetectorContext, Findings, Redactor};
use crate::sync::Mutex;
use crate::testing::ManualClock;

fn prompts() -> PolicyBuilder {
    builder()
        .facet(Facet::Prompt, Level::Redacted)
        .facet(Facet::Response, Level::Redacted)
        .facet(Facet::Model, Level::Full)
}

fn hiding(policy: &Policy, data_type: DataType, value: &str, fields: &[(Field, Value)]) -> Event {
    let mut raw = raw(policy, fields);
    raw.hidden.add(data_type, value);
    sealer(policy).seal(raw, 1).event
}

fn answer(text: &str) -> (Field, Value) {
    (
        Field::OutputMessages,
        Value::Messages(vec![Message::text("assistant", text)]),
    )
}

#[test]
fn a_value_that_the_host_names_is_hidden_everywhere_and_never_written() {
    let policy = prompts()
        .facet(Facet::ToolIo, Level::Full)
        .facet(Facet::Metrics, Level::Full)
        .build()
        .unwrap();
    let fields = [
        prompt("Is ada lovelace here? Adalovelaces are not."),
        answer("Yes, Ada Lovelace is."),
        (
            Field::ToolArguments,
            Value::Json(r#"{"Ada Lovelace":["ADA LOVELACE"]}"#.to_owned()),
        ),
    ];
    let event = hiding(&policy, DataType::Person, "Ada Lovelace", &fields);
    let json = event.to_json();
    assert!(!json.to_lowercase().contains("ada lovelace"), "{json}");
    assert_eq!(
        event.prompt().as_deref(),
        Some("Is [PERSON] here? Adalovelaces are not.")
    );
    let report = event.redactions().unwrap();
    assert!(
        report
            .iter()
            .all(|entry| entry.detector.as_deref() == Some("known_value"))
    );
    assert!(
        report
            .iter()
            .any(|entry| entry.path.as_deref() == Some("*[*]")),
        "{report:?}"
    );
}

#[test]
fn what_the_user_is_called_is_hidden_in_texts_but_not_in_who_it_was() {
    let policy = prompts().facet(Facet::User, Level::Full).build().unwrap();
    let fields = [
        text(Field::UserId, "ada.lovelace"),
        prompt("I am Ada Lovelace (ada.lovelace)."),
    ];
    let event = seal(&policy, &fields);
    assert_eq!(event.prompt().as_deref(), Some("I am [PERSON] ([PERSON])."));
    assert_eq!(event.user_id(), Some("ada.lovelace"));
    let off = prompts().build().unwrap();
    let event = seal(&off, &fields);
    assert_eq!(
        event.prompt().as_deref(),
        Some("I am Ada Lovelace (ada.lovelace).")
    );
}

#[test]
fn more_values_than_are_looked_for_withhold_all_content() {
    let policy = prompts().build().unwrap();
    let mut raw = raw(
        &policy,
        &[prompt("hello"), text(Field::RequestModel, "small")],
    );
    for number in 0..65 {
        raw.hidden
            .add(DataType::Person, &format!("person {number}"));
    }
    let event = sealer(&policy).seal(raw, 1).event;
    assert_eq!(event.prompt(), None);
    assert_eq!(event.absence(Facet::Prompt), Some(Absence::Failed));
    assert_eq!(event.model(), Some("small"));
}

#[test]
fn a_secret_that_a_later_text_gives_away_is_hidden_in_earlier_ones_too() {
    let policy = prompts().facet(Facet::ToolIo, Level::Full).build().unwrap();
    let fields = [
        prompt("What is hunter2!x9 for?"),
        answer("It is in postgres://app:hunter2!x9@db/x."),
    ];
    let event = seal(&policy, &fields);
    assert_eq!(
        event.prompt().as_deref(),
        Some("What is [URL_CREDENTIALS] for?")
    );
    assert!(!event.to_json().contains("hunter2"));
    let verbatim = builder()
        .facet(Facet::Prompt, Level::Full)
        .danger_verbatim(Facet::Prompt)
        .facet(Facet::Response, Level::Redacted)
        .build()
        .unwrap();
    let event = seal(&verbatim, &fields);
    assert_eq!(event.prompt().as_deref(), Some("What is hunter2!x9 for?"));
}

#[test]
fn content_over_the_budget_of_bytes_is_withheld_and_the_rest_kept() {
    let redactor = Redactor::builder().max_bytes(100).build().unwrap();
    let policy = prompts().redactor(redactor).build().unwrap();
    let fields = [
        prompt(&"a word ".repeat(20)),
        answer("Dear ada@example.org"),
        text(Field::RequestModel, "small"),
    ];
    let mut sealer = sealer(&policy);
    let sealed = sealer.seal(raw(&policy, &fields), 1);
    assert_eq!(sealed.withheld, 1);
    let event = sealed.event;
    assert_eq!(event.prompt(), None);
    assert_eq!(event.absence(Facet::Prompt), Some(Absence::Failed));
    assert_eq!(event.response().as_deref(), Some("Dear [EMAIL]"));
    assert_eq!(event.model(), Some("small"));
    let entry = &event.redactions().unwrap()[0];
    assert_eq!(entry.operator.as_deref(), Some("withhold"));
    assert_eq!(entry.detector.as_deref(), Some("max_bytes"));
    // The next event has a budget of its own.
    let next = sealer.seal(raw(&policy, &[prompt("hello")]), 2).event;
    assert_eq!(next.prompt().as_deref(), Some("hello"));
}

/// A detector on whose time the clock moves on.
struct Slow(Arc<ManualClock>, Duration);

impl Detector for Slow {
    fn name(&self) -> &str {
        "slow"
    }

    fn data_types(&self) -> Vec<DataType> {
        vec![DataType::Person]
    }

    fn find(&self, _: &str, _: &DetectorContext<'_>, _: &mut Findings) {
        self.0.advance(self.1);
    }
}

#[test]
fn content_over_the_budget_of_time_is_withheld_and_each_reason_is_told_once() {
    let clock = Arc::new(ManualClock::new());
    let policy = prompts()
        .detector(Slow(Arc::clone(&clock), Duration::from_secs(3)))
        .build()
        .unwrap();
    let told = Arc::new(Mutex::new(Vec::new()));
    let hook = Arc::clone(&told);
    let hook = Arc::new(move |d: &crate::Diagnostic| crate::sync::lock(&hook).push(d.clone()));
    let diagnostics = Diagnostics::new(Some(hook), Arc::clone(&clock) as Arc<dyn Clock>);
    let mut sealer = Sealer {
        clock,
        ..sealer(&policy)
    }
    .telling(diagnostics);
    for seq in 1..=2 {
        let fields = [
            prompt("one"),
            answer("two"),
            text(Field::RequestModel, "small"),
        ];
        let sealed = sealer.seal(raw(&policy, &fields), seq);
        let event = sealed.event;
        assert_eq!(
            event.prompt(),
            None,
            "two looks take more than five seconds"
        );
        assert_eq!(event.response(), None);
        assert_eq!(event.absence(Facet::Response), Some(Absence::Failed));
        assert_eq!(event.model(), Some("small"));
        assert!(sealed.withheld >= 2, "{}", sealed.withheld);
    }
    let told = crate::sync::lock(&told);
    assert!(
        told.iter()
            .all(|d| d.kind == DiagnosticKind::RedactionFailed)
    );
    let messages: Vec<_> = told.iter().map(|d| d.message.as_str()).collect();
    assert_eq!(messages.len(), 2, "{messages:?}");
    assert!(messages[0].contains("detector `slow`"), "{messages:?}");
    assert!(messages[1].contains("max_time_ms"), "{messages:?}");
}

#[test]
fn the_report_shows_places_and_no_names_of_members() {
    let policy = prompts()
        .facet(Facet::ToolIo, Level::Redacted)
        .build()
        .unwrap();
    let call = Part::tool_call(
        "1",
        "mail",
        &serde_json::json!({ "hidden name": "ada@example.org" }),
    );
    let message = Message::default().role("assistant").parts([call]);
    let event = seal(
        &policy,
        &[(Field::OutputMessages, Value::Messages(vec![message]))],
    );
    let entry = &event.redactions().unwrap()[0];
    assert_eq!(entry.field.as_deref(), Some("output_messages"));
    assert_eq!(entry.path.as_deref(), Some("[*].parts[*].arguments.*"));
    assert_eq!(entry.data_type.as_deref(), Some("email"));
    assert_eq!(entry.detector.as_deref(), Some("email"));
}
