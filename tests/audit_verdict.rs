//! `#[audit(guardrail)]` and `#[audit(evaluation)]` record a verdict about the call around them.
#![cfg(feature = "macros")]
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may fail where it stands"
)]

#[path = "common/recording.rs"]
mod recording;
#[path = "../llm-audit-macros/src/table.rs"]
#[allow(dead_code, unreachable_pub, reason = "the test reads the names only")]
mod table;

use std::fmt;
use std::future::{self, Future};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;

use llm_audit::schema::{Column, Record};
use llm_audit::{
    Absence, Audit, Evaluation, Event, Facet, Guardrail, Kind, Operation, Status, audit,
};
use recording::{Recording, poll_once};

const FACETS: &[Facet] = &[
    Facet::Prompt,
    Facet::Guardrails,
    Facet::Evaluation,
    Facet::ErrorDetail,
];

fn guardrail(event: &Event) -> &Guardrail {
    &event.guardrails().unwrap()[0]
}

fn evaluation(event: &Event) -> &Evaluation {
    &event.evaluations().unwrap()[0]
}

#[derive(Debug, PartialEq)]
struct Verdict {
    passed: bool,
    categories: Vec<String>,
}

#[test]
fn a_guardrail_is_an_event_about_the_interaction_around_it() {
    #[audit(
        guardrail,
        auditor = log,
        name = "pii-output",
        stage = "output",
        prompt = text,
        output = if out.passed { "pass" } else { "fail" },
        out(action = "blocked", categories = out.categories, score = 0.9, severity = "high"),
    )]
    async fn check(log: &Audit, text: &str) -> Verdict {
        Verdict {
            passed: !text.contains('@'),
            categories: vec!["email".to_owned()],
        }
    }

    let recording = Recording::of(FACETS);
    let chat = recording.guard.begin(Operation::Chat);
    poll_once(chat.scope(check(&recording.guard, "ada@example.org"))).unwrap();
    let chat = chat.finish().unwrap();
    let events = recording.events();
    let event = &events[0];
    assert_eq!(*event.kind(), Kind::Guardrail);
    assert_eq!(event.operation(), None);
    assert_eq!(event.status(), Some(Status::Ok));
    assert_eq!(event.target_event_id(), Some(chat.to_string().as_str()));
    assert_eq!(event.parent_event_id(), Some(chat));
    assert_eq!(event.prompt().as_deref(), Some("ada@example.org"));
    assert!(event.started_at() <= event.ended_at());
    let verdict = guardrail(event);
    assert_eq!(event.guardrails().unwrap().len(), 1);
    assert_eq!(verdict.name.as_deref(), Some("pii-output"));
    assert_eq!(verdict.stage.as_deref(), Some("output"));
    assert_eq!(verdict.verdict.as_deref(), Some("fail"));
    assert_eq!(verdict.action.as_deref(), Some("blocked"));
    assert_eq!(verdict.categories.as_deref().unwrap(), ["email"]);
    assert_eq!(verdict.score, Some(0.9));
    assert_eq!(verdict.severity.as_deref(), Some("high"));
    assert_eq!(verdict.error, None);
    assert!(verdict.duration_us.is_some());
}

#[test]
fn an_evaluation_is_an_event_about_the_interaction_around_it() {
    #[audit(
        evaluation,
        auditor = log,
        evaluator = "overlap",
        version = "2",
        annotator_kind = "code",
        output,
        out(label = "good", passed = *out > 0.5, explanation = "three of four words"),
    )]
    fn relevance(log: &Audit) -> f64 {
        0.75
    }

    let recording = Recording::of(FACETS);
    let chat = recording.guard.begin(Operation::Chat);
    chat.enter(|| relevance(&recording.guard));
    let chat = chat.finish().unwrap();
    let events = recording.events();
    let event = &events[0];
    assert_eq!(*event.kind(), Kind::Evaluation);
    assert_eq!(event.status(), Some(Status::Ok));
    assert_eq!(event.target_event_id(), Some(chat.to_string().as_str()));
    let score = evaluation(event);
    assert_eq!(score.name.as_deref(), Some("relevance"));
    assert_eq!(score.evaluator.as_deref(), Some("overlap"));
    assert_eq!(score.version.as_deref(), Some("2"));
    assert_eq!(score.annotator_kind.as_deref(), Some("code"));
    assert_eq!(score.score, Some(0.75));
    assert_eq!(score.label.as_deref(), Some("good"));
    assert_eq!(score.passed, Some(true));
    assert_eq!(score.explanation.as_deref(), Some("three of four words"));
}

#[test]
fn an_earlier_event_can_be_the_target() {
    #[audit(evaluation, auditor = log, target_event_id = answer, output)]
    fn correct(log: &Audit, answer: &str) -> bool {
        true
    }

    let recording = Recording::of(FACETS);
    let judge = recording.guard.begin(Operation::InvokeAgent);
    judge.enter(|| correct(&recording.guard, "019b76da-a800-7000-8000-000000000001"));
    judge.finish();
    let events = recording.events();
    let target = "019b76da-a800-7000-8000-000000000001";
    assert_eq!(events[0].target_event_id(), Some(target));
    assert_eq!(evaluation(&events[0]).passed, Some(true));
}

#[test]
fn without_an_interaction_around_it_a_verdict_stands_alone() {
    #[audit(guardrail, auditor = log, output)]
    fn check(log: &Audit) -> &'static str {
        "pass"
    }

    let recording = Recording::of(FACETS);
    check(&recording.guard);
    let event = recording.event();
    assert_eq!(event.target_event_id(), None);
    assert_eq!(guardrail(&event).name.as_deref(), Some("check"));
    assert_eq!(guardrail(&event).verdict.as_deref(), Some("pass"));
}

#[test]
fn a_record_that_is_returned_is_the_verdict() {
    #[audit(guardrail, auditor = log, output)]
    fn check(log: &Audit) -> Result<Guardrail, String> {
        Ok(Guardrail::default().verdict("pass").duration_us(7))
    }

    #[audit(evaluation, auditor = log, output)]
    fn judge(log: &Audit) -> Option<Evaluation> {
        Some(Evaluation::default().name("bias").score(0.1))
    }

    let recording = Recording::of(FACETS);
    check(&recording.guard).unwrap();
    judge(&recording.guard);
    let events = recording.events();
    assert_eq!(guardrail(&events[0]).name.as_deref(), Some("check"));
    assert_eq!(guardrail(&events[0]).verdict.as_deref(), Some("pass"));
    assert_eq!(guardrail(&events[0]).duration_us, Some(7));
    assert_eq!(evaluation(&events[1]).name.as_deref(), Some("bias"));
    assert_eq!(evaluation(&events[1]).score, Some(0.1));
}

/// The reason of a guardrail, or why there is none.
#[derive(Debug)]
enum Stopped {
    Found(&'static str),
    Offline,
}

impl Stopped {
    const fn found(&self) -> Option<&'static str> {
        match self {
            Self::Found(found) => Some(found),
            Self::Offline => None,
        }
    }
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("stopped")
    }
}

#[test]
fn an_error_that_gives_a_verdict_is_a_decision_and_no_failure() {
    #[audit(guardrail, auditor = log, out(verdict = "pass"), err(verdict = err.found()))]
    fn check(log: &Audit, answer: Result<(), Stopped>) -> Result<(), Stopped> {
        answer
    }

    let recording = Recording::of(FACETS);
    for answer in [Ok(()), Err(Stopped::Found("fraud")), Err(Stopped::Offline)] {
        drop(check(&recording.guard, answer));
    }
    let events = recording.events();
    let told: Vec<_> = events
        .iter()
        .map(|event| (guardrail(event).verdict.as_deref(), event.status().unwrap()))
        .collect();
    assert_eq!(
        told,
        [
            (Some("pass"), Status::Ok),
            (Some("fraud"), Status::Ok),
            (None, Status::Error)
        ]
    );
    assert_eq!(events[1].error_type(), None);
    assert_eq!(events[1].error_message(), None);
    assert_eq!(events[2].error_message(), Some("stopped"));
}

type BoxFuture<'f, T> = Pin<Box<dyn Future<Output = T> + Send + 'f>>;

#[test]
fn a_verdict_that_was_not_reached_says_why() {
    #[audit(guardrail, auditor = log, output)]
    async fn check(
        log: &Audit,
        answer: BoxFuture<'_, Result<&'static str, Stopped>>,
    ) -> Result<&'static str, Stopped> {
        answer.await
    }

    #[audit(evaluation, auditor = log, output)]
    async fn judge(
        log: &Audit,
        answer: BoxFuture<'_, Result<f64, Stopped>>,
    ) -> Result<f64, Stopped> {
        answer.await
    }

    let recording = Recording::of(FACETS);
    let log = recording.guard.handle();
    let failed = poll_once(check(&log, Box::pin(async { Err(Stopped::Offline) })));
    assert!(failed.unwrap().is_err());
    let failed = poll_once(judge(&log, Box::pin(async { Err(Stopped::Offline) })));
    assert!(failed.unwrap().is_err());
    assert!(poll_once(check(&log, Box::pin(future::pending()))).is_none());
    assert!(poll_once(judge(&log, Box::pin(future::pending()))).is_none());
    let check = check(&log, Box::pin(async { panic!("on purpose") }));
    let judge = judge(&log, Box::pin(async { panic!("on purpose") }));
    catch_unwind(AssertUnwindSafe(|| poll_once(check))).unwrap_err();
    catch_unwind(AssertUnwindSafe(|| poll_once(judge))).unwrap_err();
    let events = recording.events();
    let error = "audit_verdict::Stopped";
    let expected = [
        (Status::Error, Some(error), error),
        (Status::Cancelled, None, "cancelled"),
        (Status::Error, Some("panic"), "panic"),
    ];
    assert_eq!(events.len(), 2 * expected.len());
    for (events, (status, error_type, why)) in events.chunks(2).zip(expected) {
        for event in events {
            assert_eq!(event.status(), Some(status.clone()));
            assert_eq!(event.error_type(), error_type);
        }
        assert_eq!(guardrail(&events[0]).error.as_deref(), Some(why));
        assert_eq!(guardrail(&events[0]).verdict, None);
        assert!(guardrail(&events[0]).duration_us.is_some());
        assert_eq!(evaluation(&events[1]).score, None);
        assert_eq!(evaluation(&events[1]).name.as_deref(), Some("judge"));
    }
}

#[test]
fn what_a_guardrail_does_is_within_it() {
    #[audit(guardrail, auditor = log, output)]
    async fn check(log: &Audit) -> &'static str {
        classify(log).await
    }

    #[audit(auditor = log)]
    async fn classify(log: &Audit) -> &'static str {
        "pass"
    }

    let recording = Recording::of(FACETS);
    poll_once(check(&recording.guard)).unwrap();
    let events = recording.events();
    assert_eq!(*events[1].kind(), Kind::Guardrail);
    assert_eq!(events[0].parent_event_id(), Some(events[1].event_id()));
}

#[test]
fn a_verdict_whose_facet_is_off_is_not_asked_for() {
    #[audit(guardrail, auditor = log, output = never(out), out(score = never(out)))]
    fn check(log: &Audit) -> f64 {
        0.5
    }

    #[audit(evaluation, auditor = log, output = never(out), out(passed = *out > 0.7))]
    fn judge(log: &Audit) -> f64 {
        0.5
    }

    fn never(_: &f64) -> f64 {
        unreachable!("the policy captures no verdict")
    }

    let recording = Recording::of(&[Facet::Prompt]);
    check(&recording.guard);
    judge(&recording.guard);
    let events = recording.events();
    assert_eq!(events[0].guardrails(), None);
    assert_eq!(
        events[0].absence(Facet::Guardrails),
        Some(Absence::Withheld)
    );
    assert_eq!(events[1].evaluations(), None);
    assert_eq!(
        events[1].absence(Facet::Evaluation),
        Some(Absence::Withheld)
    );
}

#[test]
fn the_attribute_knows_the_columns_of_both_records() {
    let known = |word: &str| -> Vec<&str> {
        let operation = table::operation_of(word).unwrap();
        operation.verdict.iter().map(|column| column.name).collect()
    };
    let columns = |columns: &'static [Column], own: &[&str]| -> Vec<&str> {
        let names = columns.iter().map(|column| column.name);
        names.filter(|name| !own.contains(name)).collect()
    };
    for (word, all) in [
        ("evaluation", columns(Evaluation::COLUMNS, &["name"])),
        (
            "guardrail",
            columns(Guardrail::COLUMNS, &["name", "duration_us"]),
        ),
    ] {
        let (mut known, mut all) = (known(word), all);
        known.sort_unstable();
        all.sort_unstable();
        assert_eq!(known, all, "{word}");
    }
}
