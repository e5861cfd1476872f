//! A log in memory, and what it recorded.

use std::future::poll_fn;
use std::task::Poll;
use std::time::{Duration, Instant};

use super::{EventCheck, MemorySink, check};
use crate::audit::{Audit, AuditBuilder, AuditGuard, builder};
use crate::diagnostics::Diagnostic;
use crate::error::Error;
use crate::event::{Event, Kind};
use crate::pipeline::Report;
use crate::policy::Policy;
use crate::sync::{Arc, Mutex, lock, thread};

/// Longer than a test machine hesitates, shorter than a test runner's patience.
const PATIENCE: Duration = Duration::from_secs(10);

/// Starts a log in memory under `policy`, and returns it with what looks into it.
///
/// The log has no journal and touches no disk. Hand it to the code that is tested; nothing needs to
/// be shut down.
///
/// # Errors
///
/// When the system starts no thread.
///
/// # Examples
///
/// ```
/// use llm_audit_core::testing::probe;
/// use llm_audit_core::{Absence, Audit, Facet, Operation, Policy, Preset, Status};
///
/// fn answer(audit: &Audit, question: &str) -> String {
///     let mut call = audit.begin(Operation::Chat);
///     call.request_model("small").prompt(question);
///     call.finish();
///     "So.".to_owned()
/// }
///
/// let (audit, probe) = probe(Policy::preset(Preset::Operations)?)?;
/// answer(&audit, "Why?");
/// probe
///     .one()
///     .model("small")
///     .status(Status::Ok)
///     .absent(Facet::Prompt)
///     .absent_because(Facet::Prompt, Absence::Withheld);
/// # Ok::<(), llm_audit_core::Error>(())
/// ```
pub fn probe(policy: Policy) -> Result<(AuditGuard, Probe), Error> {
    probe_with(builder().policy(policy))
}

/// Starts the log that `builder` describes, with a sink named `probe` besides its own, and returns
/// it with what looks into it.
///
/// # Errors
///
/// As [`AuditBuilder::spawn`].
///
/// # Examples
///
/// ```
/// use llm_audit_core::testing::{ManualClock, probe_with};
/// use llm_audit_core::{Field, Fields, Operation, Policy, Preset, Timestamp, builder};
///
/// let clock = ManualClock::at("2030-01-01T00:00:00Z".parse()?);
/// let log = builder()
///     .policy(Policy::preset(Preset::Operations)?)
///     .defaults(Fields::new().service_name("support"))
///     .clock(clock);
/// let (audit, probe) = probe_with(log)?;
/// audit.begin(Operation::Chat).finish();
/// let started_at: Timestamp = "2030-01-01T00:00:00Z".parse()?;
/// probe.one().field(Field::ServiceName, "support").field(Field::StartedAt, started_at);
/// # Ok::<(), llm_audit_core::Error>(())
/// ```
pub fn probe_with(builder: AuditBuilder) -> Result<(AuditGuard, Probe), Error> {
    let sink = MemorySink::named("probe");
    let told = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&told);
    let guard = builder
        .sink(sink.clone())
        .also_on_diagnostic(move |diagnostic| lock(&heard).push(diagnostic.clone()))
        .spawn()?;
    let audit = guard.handle();
    Ok((guard, Probe { audit, sink, told }))
}

/// What a log recorded; made by [`probe`] and [`probe_with`].
///
/// Every method flushes the log first, so a test never sleeps. A log that does not settle within
/// ten seconds fails the test.
///
/// # Examples
///
/// ```
/// use llm_audit_core::testing::probe;
/// use llm_audit_core::{Field, Kind, Operation, Policy, Preset};
///
/// let (audit, probe) = probe(Policy::preset(Preset::Operations)?)?;
/// probe.none();
/// let other = audit.handle();
/// std::thread::spawn(move || other.begin(Operation::Embeddings).finish());
/// assert_eq!(probe.wait_for(1)[0].operation(), Some(Operation::Embeddings));
/// probe.one_of(Kind::LogOpened).has(Field::PolicyText);
/// # Ok::<(), llm_audit_core::Error>(())
/// ```
#[derive(Debug)]
pub struct Probe {
    audit: Audit,
    sink: MemorySink,
    told: Arc<Mutex<Vec<Diagnostic>>>,
}

impl Probe {
    /// Returns the events that the host captured, in their order.
    ///
    /// # Panics
    ///
    /// When the log does not settle.
    #[track_caller]
    pub fn events(&self) -> Vec<Event> {
        captured(self.all_events())
    }

    /// Returns all events in their order: those of the host, and those of the log itself, such as
    /// `log_opened`.
    ///
    /// # Panics
    ///
    /// When the log does not settle.
    #[track_caller]
    pub fn all_events(&self) -> Vec<Event> {
        assert_settled(&self.audit.flush(PATIENCE));
        self.sink.events()
    }

    /// Returns the events of `kind`, be it the host's or the log's own, in their order.
    ///
    /// # Panics
    ///
    /// When the log does not settle.
    #[track_caller]
    pub fn kind(&self, kind: Kind) -> Vec<Event> {
        let mut events = self.all_events();
        events.retain(|event| *event.kind() == kind);
        events
    }

    /// Returns checks of the one event that the host captured.
    ///
    /// # Panics
    ///
    /// When there is none or more than one.
    #[track_caller]
    pub fn one(&self) -> EventCheck {
        one(&self.events(), "captured event")
    }

    /// Returns checks of the one event of `kind`.
    ///
    /// # Panics
    ///
    /// When there is none or more than one.
    #[track_caller]
    pub fn one_of(&self, kind: Kind) -> EventCheck {
        let expected = format!("event of kind `{kind}`");
        one(&self.kind(kind), &expected)
    }

    /// Checks that the host captured nothing.
    ///
    /// # Panics
    ///
    /// When it did.
    #[track_caller]
    #[expect(clippy::panic, reason = "a check that does not hold fails the test")]
    pub fn none(&self) {
        let events = self.events();
        if !events.is_empty() {
            panic!("expected no captured event, found {}", listed(&events));
        }
    }

    /// Waits until the host has captured at least `count` events, and returns all of them.
    ///
    /// It is for events of other threads. It blocks the thread: on a runtime with one thread use
    /// [`Probe::wait_for_async`].
    ///
    /// # Panics
    ///
    /// When they have not come within ten seconds.
    #[track_caller]
    pub fn wait_for(&self, count: usize) -> Vec<Event> {
        let start = Instant::now();
        loop {
            let events = self.events();
            if has_come(&events, count, start) {
                return events;
            }
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Does what [`Probe::wait_for`] does, and lets other tasks run meanwhile.
    ///
    /// # Panics
    ///
    /// When they have not come within ten seconds.
    pub async fn wait_for_async(&self, count: usize) -> Vec<Event> {
        let start = Instant::now();
        loop {
            assert_settled(&self.audit.flush_async(PATIENCE).await);
            let events = captured(self.sink.events());
            if has_come(&events, count, start) {
                return events;
            }
            let mut yielded = false;
            poll_fn(|task| match std::mem::replace(&mut yielded, true) {
                true => Poll::Ready(()),
                false => {
                    task.waker().wake_by_ref();
                    Poll::Pending
                }
            })
            .await;
        }
    }

    /// Returns what the log told about its own problems so far.
    ///
    /// # Panics
    ///
    /// When the log does not settle.
    #[track_caller]
    pub fn diagnostics(&self) -> Vec<Diagnostic> {
        assert_settled(&self.audit.flush(PATIENCE));
        lock(&self.told).clone()
    }
}

fn captured(mut events: Vec<Event>) -> Vec<Event> {
    events.retain(|event| event.kind().is_capture() || matches!(event.kind(), Kind::Other(_)));
    events
}

#[track_caller]
fn assert_settled(report: &Report) {
    assert!(
        report.settled && report.unflushed_sinks.iter().all(|sink| sink != "probe"),
        "the log did not settle in {PATIENCE:?}: {report}"
    );
}

#[track_caller]
#[expect(clippy::panic, reason = "a check that does not hold fails the test")]
fn one(events: &[Event], expected: &str) -> EventCheck {
    match events {
        [event] => check(event),
        _ => panic!("expected one {expected}, found {}", listed(events)),
    }
}

#[track_caller]
fn has_come(events: &[Event], count: usize, start: Instant) -> bool {
    let come = events.len() >= count;
    assert!(
        come || start.elapsed() < PATIENCE,
        "expected {count} captured events, found {} after {PATIENCE:?}",
        listed(events)
    );
    come
}

/// Numbers and kinds, nothing else.
fn listed(events: &[Event]) -> String {
    let kinds: Vec<_> = events.iter().map(|event| event.kind().as_str()).collect();
    match kinds.len() {
        0 => "none".to_owned(),
        count => format!("{count}: {}", kinds.join(", ")),
    }
}
