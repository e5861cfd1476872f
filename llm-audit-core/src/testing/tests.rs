//! Checks that hold and checks that fail, and sinks that do as they are told.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use super::*;
use crate::audit::{Audit, AuditGuard, builder};
use crate::event::{Absence, Kind, Message, Operation, Part, Status, Value};
use crate::facet::{Facet, FacetGroup};
use crate::key::Key;
use crate::level::Level;
use crate::policy::{Policy, PolicyBuilder};
use crate::redact::DataType;
use crate::retention::Retention;
use crate::sink::SinkError;
use crate::sync::thread;
use crate::{Field, SinkExt};

const LONG: Duration = Duration::from_secs(10);

/// Returns what `check` says when it fails.
#[track_caller]
fn fault<T>(check: impl FnOnce() -> T) -> String {
    let checked = catch_unwind(AssertUnwindSafe(check)).map(drop);
    let panic = checked.expect_err("the check holds");
    match panic.downcast::<String>() {
        Ok(message) => *message,
        Err(panic) => (*panic.downcast::<&str>().unwrap()).to_owned(),
    }
}

fn everything(change: impl FnOnce(PolicyBuilder) -> PolicyBuilder) -> Policy {
    let groups = FacetGroup::ALL.iter();
    let policy = Policy::builder()
        .retention(Retention::Days30)
        .key(Key::bytes("k1", &[7; 32]).unwrap())
        .consent_to_raw();
    let policy = groups.fold(policy, |policy, group| policy.group(*group, Level::Full));
    change(policy).build().unwrap()
}

fn log(change: impl FnOnce(PolicyBuilder) -> PolicyBuilder) -> (AuditGuard, Probe) {
    probe(everything(change)).unwrap()
}

fn call(audit: &Audit) {
    let mut call = audit.begin(Operation::Chat);
    call.request_model("small")
        .user_id("u-17")
        .prompt("Why is the sky blue?")
        .tool_call("c1", "search", &["sky"])
        .response("Scattering.")
        .modality_tokens([("text.input", 5)])
        .attempt(1);
    call.finish();
}

#[test]
fn checks_that_hold_are_chained() {
    let (audit, probe) = log(|policy| policy);
    let parent = audit.begin(Operation::InvokeAgent);
    let parent_id = parent.event_id().unwrap();
    parent.enter(|| call(&audit));
    parent.finish();
    let events = probe.events();
    assert_eq!(events.len(), 2);
    check(&events[0])
        .kind(Kind::Interaction)
        .operation(Operation::Chat)
        .status(Status::Ok)
        .model("small")
        .prompt("Why is the sky blue?")
        .response("Scattering.")
        .parent(&parent_id)
        .present(Facet::ToolIo)
        .absent(Facet::Reasoning)
        .has(Field::LatencyUs)
        .lacks(Field::ErrorType)
        .field(Field::Attempt, 1)
        .field(Field::UserId, "u-17")
        .field(
            Field::ModalityTokens,
            Value::Counts([("text.input".to_owned(), 5)].into()),
        );
}

#[test]
fn a_check_that_fails_names_the_field_and_what_was_expected() {
    let (audit, probe) = log(|policy| policy);
    call(&audit);
    let call = probe.one();
    let place = format!(" (in interaction {})", call.event().event_id());
    for (said, expected) in [
        (
            fault(|| call.model("large")),
            "`request_model` is `small`, expected `large`",
        ),
        (
            fault(|| call.status(Status::Error)),
            "`status` is `ok`, expected `error`",
        ),
        (
            fault(|| call.field(Field::Attempt, 2)),
            "`attempt` is 1, expected 2",
        ),
        (
            fault(|| call.error_type("panic")),
            "`error_type` is absent, expected `panic`",
        ),
        (fault(|| call.has(Field::Team)), "`team` is absent"),
        (
            fault(|| call.lacks(Field::Attempt)),
            "`attempt` is present, expected it to be absent",
        ),
        (
            fault(|| call.absent(Facet::Prompt)),
            "facet `prompt` is present in `input_messages`, `prompt_digest`, `prompt_chars`, \
             `message_count`, expected it to be absent",
        ),
        (
            fault(|| call.present(Facet::Media)),
            "nothing of facet `media` is present",
        ),
        (
            fault(|| call.absent_because(Facet::Prompt, Absence::Withheld)),
            "the event gives no reason for the absence of facet `prompt`, expected `withheld`",
        ),
        (
            fault(|| call.redacted(Field::InputMessages, DataType::Email)),
            "no `email` was redacted in `input_messages`; redacted were:",
        ),
    ] {
        assert_eq!(said, format!("{expected}{place}"));
    }
}

#[test]
fn a_failing_check_shows_no_content() {
    let (audit, probe) = log(|policy| policy);
    call(&audit);
    let call = probe.one();
    for said in [
        fault(|| call.field(Field::UserId, "u-18")),
        fault(|| call.field(Field::UserId, 7)),
        fault(|| call.prompt("Why is the sky red?")),
        fault(|| call.field(Field::InputMessages, "Why")),
        fault(|| call.lacks(Field::UserId)),
        fault(|| call.absent(Facet::ToolIo)),
    ] {
        assert!(!said.contains("u-1") && !said.contains("sky"), "{said}");
    }
    let said = fault(|| call.prompt("Why is the sky red?"));
    assert!(
        said.starts_with(
            "`prompt` is a text of 20 bytes, expected one of 19; they differ from byte 15 on"
        ),
        "{said}"
    );
}

#[test]
fn a_facet_at_digest_is_neither_present_nor_absent() {
    let (audit, probe) = log(|policy| policy.facet(Facet::Prompt, Level::Digest));
    call(&audit);
    let call = probe.one();
    call.absent_because(Facet::Prompt, Absence::Withheld);
    call.has(Field::PromptDigest).lacks(Field::InputMessages);
    assert!(
        fault(|| call.present(Facet::Prompt))
            .starts_with("nothing of facet `prompt` is present (withheld)")
    );
    assert!(fault(|| call.absent(Facet::Prompt)).contains("`digests`"));
}

#[test]
fn a_part_that_is_withheld_is_absent() {
    let (audit, probe) = log(|policy| {
        policy
            .facet(Facet::ToolIo, Level::Off)
            .facet(Facet::Media, Level::Digest)
    });
    let mut call = audit.begin(Operation::Chat);
    let image = Part::default().r#type("uri").uri("https://example.org/cat");
    call.message(Message::default().role("user").parts([image]));
    call.tool_call("c1", "search", &["sky"]);
    call.finish();
    let call = probe.one();
    call.absent(Facet::ToolIo).absent(Facet::Response);
    // A digest of the image is left.
    assert!(fault(|| call.absent(Facet::Media)).contains("`input_messages`"));
    assert!(fault(|| call.present(Facet::Media)).contains("nothing"));
}

#[test]
fn one_says_what_there_is_instead() {
    let (audit, probe) = log(|policy| policy);
    probe.none();
    assert_eq!(
        fault(|| probe.one()),
        "expected one captured event, found none"
    );
    call(&audit);
    call(&audit);
    assert_eq!(
        fault(|| probe.one()),
        "expected one captured event, found 2: interaction, interaction"
    );
    assert_eq!(
        fault(|| probe.none()),
        "expected no captured event, found 2: interaction, interaction"
    );
    probe.one_of(Kind::LogOpened).has(Field::PolicyText);
}

#[test]
fn a_probe_waits_for_events_of_other_threads_and_tasks() {
    let (audit, probe) = log(|policy| policy);
    let other = audit.handle();
    let thread = thread::spawn(move || (0..20).for_each(|_| call(&other)));
    assert!(probe.wait_for(20).len() >= 20);
    thread.join().unwrap();

    let other = audit.handle();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        let task = tokio::spawn(async move {
            tokio::task::yield_now().await;
            call(&other);
        });
        assert_eq!(probe.wait_for_async(21).await.len(), 21);
        task.await.unwrap();
    });
}

#[test]
fn a_probe_hears_what_the_log_tells_and_so_does_the_hook_before_it() {
    let (told, heard) = std::sync::mpsc::channel();
    let log = builder().on_diagnostic(move |diagnostic| told.send(diagnostic.kind).unwrap());
    let (audit, probe) = probe_with(log).unwrap();
    audit.begin(Operation::Chat).finish();
    probe.none();
    let kinds: Vec<_> = probe.diagnostics().iter().map(|told| told.kind).collect();
    assert_eq!(kinds, [crate::DiagnosticKind::NothingCaptured]);
    assert_eq!(heard.try_iter().collect::<Vec<_>>(), kinds);
}

fn with_fault(sink: &FaultSink, ids: SequentialIds) -> (AuditGuard, Probe) {
    let log = builder()
        .policy(everything(|policy| policy))
        .sink(sink.clone());
    probe_with(log.ids(ids)).unwrap()
}

#[test]
fn a_fault_sink_answers_as_its_script_says() {
    let sink = FaultSink::new()
        .takes(1)
        .retry(2)
        .panics()
        .fails(1, &SinkError::retry("later"));
    let (audit, probe) = with_fault(&sink, SequentialIds::new());
    probe.events();
    call(&audit);
    let event = probe.one();
    let counters = audit.counters();
    assert_eq!(
        (counters.sinks[0].failures, counters.sinks[0].lost()),
        (4, 0)
    );
    assert_eq!(sink.taken(), [1, event.event().seq().unwrap()]);
    assert_eq!(sink.received().len(), 6);
    assert_eq!((sink.flushes(), sink.is_shut_down()), (2, false));
    assert!(audit.shutdown(LONG).is_complete() && sink.is_shut_down());
}

#[test]
fn what_a_fault_sink_turns_away_is_lost_to_it_alone() {
    for sink in [FaultSink::new().rejects([1]), FaultSink::new().gives_up()] {
        let (audit, probe) = with_fault(&sink, SequentialIds::new());
        probe.events();
        assert_eq!(audit.counters().sinks[0].failures, 1);
        probe
            .one_of(Kind::Loss)
            .field(Field::LossSink, "fault")
            .field(Field::Count, 1);
        assert!(!sink.taken().contains(&1));
    }
}

#[test]
fn a_fault_sink_takes_a_part_and_is_given_the_rest() {
    let sink = FaultSink::new().hangs().retry_from(3);
    let (audit, probe) = with_fault(&sink, SequentialIds::new());
    // While the first batch hangs, the others wait; each is tried from where it was left.
    audit.begin(Operation::Chat).finish();
    audit.begin(Operation::Chat).finish();
    sink.release();
    probe.events();
    assert_eq!(sink.taken(), [1, 2, 3]);
}

#[test]
fn a_slow_sink_waits_for_the_clock_and_a_lagging_one_for_a_flush() {
    let clock = ManualClock::new();
    let sink = FaultSink::new()
        .slow(clock.clone(), Duration::from_secs(3_600))
        .lags();
    let log = builder()
        .policy(everything(|policy| policy))
        .sink(sink.clone())
        .clock(clock.clone());
    let (audit, probe) = probe_with(log).unwrap();
    let report = audit.flush(Duration::from_secs(1));
    assert_eq!(report.unflushed_sinks, ["fault"]);
    clock.advance(Duration::from_secs(3_600));
    probe.events();
    assert_eq!(
        (sink.taken(), audit.counters().sinks[0].pending),
        (vec![1], 0)
    );
}

#[test]
fn a_flush_that_fails_is_reported() {
    let sink = FaultSink::named("archive").flush_fails(1);
    let (audit, _probe) = with_fault(&sink, SequentialIds::new());
    assert_eq!(audit.flush(LONG).unflushed_sinks, ["archive"]);
    assert!(audit.flush(LONG).unflushed_sinks.is_empty());
}

#[test]
fn a_manual_clock_moves_when_it_is_told_to() {
    use crate::clock::Clock;

    let clock = ManualClock::default();
    let other = clock.clone();
    clock.advance(Duration::from_micros(7));
    clock.jump(-10);
    assert_eq!(other.now().to_string(), "2025-12-31T23:59:59.999997Z");
    assert_eq!(other.monotonic(), Duration::from_micros(7));
}

#[test]
fn memory_and_fault_sinks_show_no_event() {
    let (memory, fault) = (MemorySink::new(), FaultSink::new());
    let policy = everything(|policy| policy);
    let log = builder()
        .policy(policy)
        .sink(memory.clone().without([]))
        .sink(fault.clone());
    let audit = log.spawn().unwrap();
    call(&audit);
    assert!(audit.flush(LONG).is_complete());
    let shown = format!("{memory:?} {fault:?} {:?}", memory.batches());
    assert!(!shown.contains("sky") && !shown.contains("u-17"), "{shown}");
    assert!(memory.events().len() > 1);
    memory.clear();
    assert!(memory.events().is_empty());
}
