//! `fail_closed` in `#[audit]`: what cannot be recorded does not take place.
#![cfg(feature = "macros")]
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test may fail where it stands"
)]

#[path = "common/recording.rs"]
mod recording;

use std::error::Error as StdError;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use async_trait::async_trait;
use llm_audit::{Audit, Error, Facet, Kind, Status, audit};
use recording::Recording;

const FACETS: &[Facet] = &[Facet::Prompt, Facet::Guardrails, Facet::Timing];

/// An error as a program has it.
#[derive(Debug)]
enum Failed {
    NotRecorded(Error),
    Refused,
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::NotRecorded(error)
    }
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(future)
}

fn log_of_nothing() -> (tempfile::TempDir, llm_audit::AuditGuard) {
    let directory = tempfile::tempdir().unwrap();
    let guard = llm_audit::builder()
        .journal(directory.path())
        .on_diagnostic(|_| {})
        .spawn()
        .unwrap();
    (directory, guard)
}

fn ran() -> u8 {
    unreachable!("the call cannot be recorded")
}

#[test]
fn a_call_that_is_recorded_takes_place_and_its_intent_is_there_before() {
    #[audit(auditor = log, fail_closed, prompt = question)]
    async fn ask(log: &Audit, question: &str) -> Result<usize, Failed> {
        assert!(log.counters().written >= 1, "the intent is not written");
        Ok(question.len())
    }

    #[audit(auditor = log, fail_closed, prompt = question)]
    fn ask_at_once(log: &Audit, question: &str) -> Result<usize, Failed> {
        assert!(log.counters().written >= 1, "the intent is not written");
        Err(Failed::Refused)
    }

    let recording = Recording::of(FACETS);
    assert_eq!(wait(ask(&recording.guard, "why?")).unwrap(), 4);
    let refused = ask_at_once(&recording.guard, "why?").unwrap_err();
    assert!(matches!(refused, Failed::Refused));
    let events = recording.events();
    let kinds: Vec<_> = events.iter().map(|event| event.kind().as_str()).collect();
    assert_eq!(
        kinds,
        ["prompt_sent", "interaction", "prompt_sent", "interaction"]
    );
    let statuses: Vec<_> = [1, 3].map(|at: usize| events[at].status().unwrap()).into();
    assert_eq!(statuses, [Status::Ok, Status::Error]);
    let target = events[1].event_id().to_string();
    assert_eq!(events[0].target_event_id(), Some(target.as_str()));
}

#[test]
fn without_a_log_the_body_does_not_run() {
    #[audit(fail_closed)]
    async fn ask() -> Result<u8, Failed> {
        Ok(ran())
    }

    #[audit(fail_closed)]
    fn ask_at_once() -> Result<u8, Box<dyn StdError>> {
        Ok(ran())
    }

    let Err(Failed::NotRecorded(error)) = wait(ask()) else {
        unreachable!("it ran")
    };
    assert!(error.is_not_durable());
    let error = ask_at_once().unwrap_err();
    assert!(error.downcast_ref::<Error>().unwrap().is_not_durable());
}

struct Service(Audit);

#[async_trait]
trait Tool {
    async fn boxed(&self) -> Result<u8, Error>;
}

#[async_trait]
impl Tool for Service {
    #[audit(tool, auditor = self.0, fail_closed)]
    async fn boxed(&self) -> Result<u8, Error> {
        Ok(ran())
    }
}

impl Service {
    #[audit(tool, auditor = self.0, fail_closed)]
    async fn asynchronous(&self) -> Result<u8, Error> {
        Ok(ran())
    }

    #[audit(guardrail, auditor = self.0, fail_closed, output = if *out > 0 { "pass" } else { "fail" })]
    fn guardrail(&self) -> Result<u8, Error> {
        Ok(ran())
    }

    #[audit(auditor = self.0, fail_closed)]
    fn in_a_box(&self) -> Pin<Box<dyn Future<Output = Result<u8, Error>> + Send + '_>> {
        Box::pin(async move { Ok(ran()) })
    }

    #[audit(auditor = self.0, fail_closed)]
    fn implements(&self) -> Result<impl std::fmt::Display + use<>, Error> {
        Ok(ran())
    }

    fn errors(&self) -> [Error; 5] {
        [
            wait(self.boxed()).unwrap_err(),
            wait(self.asynchronous()).unwrap_err(),
            self.guardrail().unwrap_err(),
            wait(self.in_a_box()).unwrap_err(),
            self.implements().err().unwrap(),
        ]
    }
}

#[test]
fn under_a_policy_of_nothing_no_body_runs() {
    let (_directory, guard) = log_of_nothing();
    for error in Service(guard.handle()).errors() {
        assert!(error.is_not_durable() && error.is_refused(), "{error}");
    }
}

#[test]
fn after_a_shutdown_no_body_runs() {
    let recording = Recording::of(FACETS);
    drop(recording.guard.shutdown(Duration::from_secs(10)));
    for error in Service(recording.guard.handle()).errors() {
        assert!(error.is_not_durable() && error.is_closed(), "{error}");
    }
    assert!(recording.events().is_empty());
}

#[test]
fn a_guardrail_that_is_recorded_gives_its_verdict() {
    #[audit(guardrail, auditor = log, fail_closed, output)]
    async fn check(log: &Audit) -> Result<&'static str, Error> {
        Ok("pass")
    }

    let recording = Recording::of(FACETS);
    wait(check(&recording.guard)).unwrap();
    let events = recording.events();
    let verdict = events.last().unwrap();
    assert_eq!(*verdict.kind(), Kind::Guardrail);
    let verdict = &verdict.guardrails().unwrap()[0];
    assert_eq!(verdict.verdict.as_deref(), Some("pass"));
}
