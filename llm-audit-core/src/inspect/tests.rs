use std::time::{Duration, Instant};

use super::*;
use crate::diagnostics::{Diagnostic, DiagnosticKind};
use crate::level::Level;
use crate::policy::{Policy, PolicyBuilder};
use crate::retention::Retention;
use crate::sync::{Arc, Mutex, lock};
use crate::testing::{ManualClock, MemorySink};
use crate::{Audit, AuditBuilder, Operation};

const SOON: Duration = Duration::from_secs(10);

/// A log whose inspectors are over their budgets only where a test moves the clock.
fn builder() -> AuditBuilder {
    crate::builder().clock(ManualClock::new())
}

/// An inspector that is a closure.
struct By<F>(F);

impl<F: FnMut(&Event, &mut Inspection) + Send + 'static> Inspector for By<F> {
    fn name(&self) -> &str {
        "rule"
    }

    fn inspect(&mut self, event: &Event, inspection: &mut Inspection) {
        (self.0)(event, inspection);
    }
}

fn policy() -> PolicyBuilder {
    Policy::builder()
        .facet(Facet::Prompt, Level::Redacted)
        .facet(Facet::Guardrails, Level::Redacted)
        .facet(Facet::Evaluation, Level::Redacted)
        .retention(Retention::Days30)
}

fn ask(audit: &Audit, prompt: &str) {
    let mut call = audit.begin(Operation::Chat);
    call.prompt(prompt);
    call.finish();
}

/// Runs a log over these prompts and returns its events; the counts add up.
fn run(builder: AuditBuilder, prompts: &[&str]) -> (Vec<Event>, InspectorCounters) {
    let sink = MemorySink::new();
    let audit = builder.sink(sink.clone()).spawn().unwrap();
    for prompt in prompts {
        ask(&audit, prompt);
        let counters = audit.counters();
        let sum = counters.written + counters.lost() + counters.pending;
        assert_eq!(counters.admitted, sum);
    }
    let report = audit.shutdown(SOON);
    assert!(report.is_complete(), "{report}");
    let counters = report.counters;
    assert_eq!(counters.admitted, prompts.len() as u64);
    assert_eq!(counters.written, counters.admitted);
    let events = sink.events();
    let seqs: Vec<_> = events.iter().filter_map(Event::seq).collect();
    assert!(
        seqs.iter().copied().eq(1..=seqs.len() as u64),
        "gaps: {seqs:?}"
    );
    (events, counters.inspectors[0].clone())
}

fn of_kind<'a>(events: &'a [Event], kind: &Kind) -> Vec<&'a Event> {
    events.iter().filter(|event| event.kind() == kind).collect()
}

#[test]
fn a_finding_is_an_event_about_the_event_and_nothing_inspects_it() {
    let always = By(|event: &Event, inspection: &mut Inspection| {
        assert_eq!(*event.kind(), Kind::Interaction, "only the host's events");
        let explanation = "said by ada@example.org";
        inspection
            .guardrail(Guardrail::default().action("flagged").error(explanation))
            .evaluation(Evaluation::default().name("toxicity").score(0.5));
    });
    let builder = builder()
        .policy(policy().build().unwrap())
        .inspector(always);
    let (events, counters) = run(builder, &["one", "two", "three"]);
    let asked = of_kind(&events, &Kind::Interaction);
    let verdicts = of_kind(&events, &Kind::Guardrail);
    let scores = of_kind(&events, &Kind::Evaluation);
    assert_eq!((asked.len(), verdicts.len(), scores.len()), (3, 3, 3));
    for ((event, verdict), score) in asked.iter().zip(verdicts).zip(scores) {
        let target = event.event_id().to_string();
        assert_eq!(verdict.target_event_id(), Some(target.as_str()));
        assert_eq!(score.target_event_id(), Some(target.as_str()));
        assert!(verdict.seq() > event.seq());
        assert_ne!(verdict.event_id(), event.event_id());
        let said = &verdict.guardrails().unwrap()[0];
        assert_eq!(said.name.as_deref(), Some("rule"));
        assert_eq!(said.error.as_deref(), Some("said by [EMAIL]"));
        assert_eq!(
            verdict.absence(Facet::Guardrails),
            Some(crate::Absence::Redacted)
        );
        let scored = &score.evaluations().unwrap()[0];
        assert_eq!(scored.evaluator.as_deref(), Some("rule"));
        assert_eq!(scored.annotator_kind.as_deref(), Some("code"));
    }
    assert_eq!((counters.inspected, counters.findings), (3, 6));
    assert_eq!(events.last().unwrap().kind(), &Kind::LogClosed);
}

#[test]
fn an_inspector_sees_what_the_log_keeps_and_no_more() {
    for (level, seen) in [
        (Level::Off, None),
        (Level::Redacted, Some("mail [EMAIL]")),
        (Level::Full, Some("mail ada@example.org")),
    ] {
        let prompts = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&prompts);
        let look = By(move |event: &Event, _: &mut Inspection| lock(&kept).push(event.prompt()));
        let policy = policy().facet(Facet::Prompt, level).build().unwrap();
        run(
            builder().policy(policy).inspector(look),
            &["mail ada@example.org"],
        );
        assert_eq!(*lock(&prompts), [seen.map(str::to_owned)]);
    }
}

#[test]
fn a_finding_is_not_kept_where_its_facet_is_off() {
    let always = By(|_: &Event, inspection: &mut Inspection| {
        inspection.guardrail(Guardrail::default());
    });
    let off = Policy::builder().facet(Facet::Model, Level::Full);
    let builder = builder().policy(off.build().unwrap()).inspector(always);
    let (events, counters) = run(builder, &["one"]);
    assert!(of_kind(&events, &Kind::Guardrail).is_empty());
    assert_eq!(counters.findings, 1);
}

#[test]
fn a_finding_is_under_the_layers_of_the_event() {
    let always = By(|_: &Event, inspection: &mut Inspection| {
        inspection.guardrail(Guardrail::default());
    });
    let layered = policy()
        .tenants_default(|layer| layer)
        .tenant("quiet", |layer| layer.facet(Facet::Guardrails, Level::Off))
        .build()
        .unwrap();
    let sink = MemorySink::new();
    let builder = builder().policy(layered).inspector(always);
    let audit = builder.sink(sink.clone()).spawn().unwrap();
    for tenant in ["quiet", "default"] {
        let mut call = audit.begin(Operation::Chat);
        call.tenant_id(tenant).prompt("hello");
        call.finish();
    }
    assert!(audit.shutdown(SOON).is_complete());
    let events = sink.events();
    assert_eq!(of_kind(&events, &Kind::Guardrail).len(), 1);
    let resolved = events
        .iter()
        .filter(|event| *event.kind() == Kind::PolicyApplied);
    assert!(
        resolved.count() >= 1,
        "the hash of what was applied resolves"
    );
}

#[test]
fn a_panic_costs_one_look_and_is_told() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&told);
    let fails = By(|event: &Event, inspection: &mut Inspection| {
        inspection.guardrail(Guardrail::default());
        let bad = event.prompt().is_some_and(|prompt| prompt == "bad");
        assert!(!bad, "as the test asked");
    });
    let builder = builder()
        .policy(policy().build().unwrap())
        .inspector(fails)
        .on_diagnostic(move |diagnostic: &Diagnostic| lock(&kept).push(diagnostic.clone()));
    let (events, counters) = run(builder, &["good", "bad", "good"]);
    assert_eq!(of_kind(&events, &Kind::Interaction).len(), 3);
    assert_eq!(of_kind(&events, &Kind::Guardrail).len(), 2);
    assert_eq!((counters.panics, counters.inspected), (1, 3));
    let failing: Vec<_> = lock(&told)
        .iter()
        .filter(|diagnostic| diagnostic.kind == DiagnosticKind::InspectorFailing)
        .map(|diagnostic| diagnostic.message.clone())
        .collect();
    assert_eq!(
        failing,
        ["inspector `rule` panicked; what it found in the event is gone"]
    );
}

#[test]
fn one_that_takes_too_long_is_left_alone_for_ten_times_as_long() {
    let clock = ManualClock::new();
    let inner = clock.clone();
    let slow = By(move |_: &Event, inspection: &mut Inspection| {
        inner.advance(BUDGET * 2);
        inspection.guardrail(Guardrail::default());
    });
    let sink = MemorySink::new();
    let audit = builder()
        .policy(policy().build().unwrap())
        .clock(clock.clone())
        .inspector(slow)
        .sink(sink.clone())
        .spawn()
        .unwrap();
    for _ in 0..3 {
        ask(&audit, "hello");
        assert!(audit.flush(SOON).is_complete());
    }
    clock.advance(BUDGET * 20);
    ask(&audit, "hello");
    assert!(audit.flush(SOON).is_complete());
    let counters = audit.counters().inspectors[0].clone();
    assert_eq!((counters.inspected, counters.passed_over), (2, 2));
    assert_eq!((counters.over_budget, counters.findings), (2, 2));
    assert_eq!(of_kind(&sink.events(), &Kind::Guardrail).len(), 2);
    assert!(audit.shutdown(SOON).is_complete());
}

#[test]
fn one_that_takes_too_long_and_panics_is_left_alone_too() {
    let clock = ManualClock::new();
    let inner = clock.clone();
    let slow = By(move |_: &Event, _: &mut Inspection| {
        inner.advance(BUDGET * 2);
        panic!("as the test asked");
    });
    let audit = builder()
        .policy(policy().build().unwrap())
        .clock(clock.clone())
        .inspector(slow)
        .sink(MemorySink::new())
        .spawn()
        .unwrap();
    for _ in 0..3 {
        ask(&audit, "hello");
        assert!(audit.flush(SOON).is_complete());
    }
    let counters = audit.counters().inspectors[0].clone();
    assert_eq!((counters.inspected, counters.passed_over), (1, 2));
    assert_eq!((counters.over_budget, counters.panics), (1, 1));
    assert!(audit.shutdown(SOON).is_complete());
}

#[test]
fn what_an_inspector_records_is_not_written() {
    let handle: Arc<Mutex<Option<Audit>>> = Arc::default();
    let own = Arc::clone(&handle);
    let echo = By(move |_: &Event, _: &mut Inspection| {
        if let Some(audit) = lock(&own).as_ref() {
            ask(audit, "again");
        }
    });
    let sink = MemorySink::new();
    let builder = builder().policy(policy().build().unwrap()).inspector(echo);
    let audit = builder.sink(sink.clone()).spawn().unwrap();
    *lock(&handle) = Some(Audit::clone(&audit));
    ask(&audit, "hello");
    assert!(audit.flush(SOON).is_complete());
    *lock(&handle) = None;
    assert_eq!(audit.counters().reentrant, 1);
    assert_eq!(of_kind(&sink.events(), &Kind::Interaction).len(), 1);
    assert!(audit.shutdown(SOON).is_complete());
}

#[test]
fn of_too_many_findings_the_first_are_kept_and_the_rest_counted() {
    let many = By(|_: &Event, inspection: &mut Inspection| {
        for _ in 0..MAX_FINDINGS + 3 {
            inspection.evaluation(Evaluation::default());
        }
    });
    let builder = builder().policy(policy().build().unwrap()).inspector(many);
    let (events, counters) = run(builder, &["one"]);
    assert_eq!(of_kind(&events, &Kind::Evaluation).len(), MAX_FINDINGS);
    assert_eq!(counters.left_out, 3);
}

/// Escalates each event.
fn alarm() -> impl Inspector {
    By(|_: &Event, inspection: &mut Inspection| {
        let verdict = Guardrail::default().error("by ada@example.org");
        inspection.guardrail(verdict).escalate();
    })
}

#[test]
fn an_escalation_is_the_sealed_finding_on_another_thread() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&told);
    let builder = builder()
        .policy(policy().build().unwrap())
        .inspector(alarm())
        .on_escalation(move |escalation: &Escalation| {
            let thread = std::thread::current().name().map(str::to_owned);
            lock(&kept).push((escalation.clone(), thread));
        });
    let sink = MemorySink::new();
    let audit = builder.sink(sink.clone()).spawn().unwrap();
    ask(&audit, "one");
    assert!(audit.flush(SOON).is_complete());
    let deadline = Instant::now() + SOON;
    // The end of a log does not wait as long for the hook as a busy machine may take.
    while lock(&told).is_empty() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(1));
    }
    assert!(audit.shutdown(SOON).is_complete());
    let events = sink.events();
    let told = lock(&told);
    let (escalation, thread) = &told[0];
    assert_eq!(thread.as_deref(), Some("llm-audit-escalate"));
    assert_eq!(escalation.inspector(), "rule");
    let verdict = of_kind(&events, &Kind::Guardrail)[0];
    assert_eq!(escalation.event().event_id(), verdict.event_id());
    let said = &escalation.event().guardrails().unwrap()[0];
    assert_eq!(said.error.as_deref(), Some("by [EMAIL]"));
    assert!(!format!("{escalation:?}").contains("by ["));
}

#[test]
fn a_hook_that_hangs_holds_nothing_up_and_what_it_misses_is_counted() {
    let gate = Arc::new(Mutex::new(()));
    let closed = lock(&gate);
    let hook_gate = Arc::clone(&gate);
    let sink = MemorySink::new();
    let audit = builder()
        .policy(policy().build().unwrap())
        .inspector(alarm())
        .on_escalation(move |_: &Escalation| drop(lock(&hook_gate)))
        .on_diagnostic(|_| {})
        .sink(sink.clone())
        .spawn()
        .unwrap();
    // One is being told, 256 wait.
    for _ in 0..300 {
        ask(&audit, "hello");
    }
    let report = audit.shutdown(SOON);
    assert!(report.is_complete(), "{report}");
    assert_eq!(of_kind(&sink.events(), &Kind::Guardrail).len(), 300);
    let lost = report.counters.inspectors[0].escalations_lost;
    assert!((43..=44).contains(&lost), "{lost}");
    drop(closed);
}
