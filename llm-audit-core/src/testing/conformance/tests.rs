//! Sinks that keep the contract, and for each rule one that breaks it.

use std::time::Duration;

use async_trait::async_trait;

use super::events::CONTENT;
use super::*;
use crate::batch::Batch;
use crate::sink::{Durable, SinkError};
use crate::sync::{Arc, AtomicU64, Mutex, Ordering, lock};
use crate::testing::{FaultSink, MemorySink};

/// What is wrong with a sink.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bug {
    CallsMoreDurable,
    CallsNothingDurable,
    ChangesItsName,
    CutsLargeEvents,
    DoesNotFlushTwice,
    DropsUnknownMembers,
    ForgetsOnDrop,
    HasANewName,
    KeepsUntilShutdown,
    LosesBatchesOfOne,
    None,
    Reverses,
    RefusesRepeated,
    SaysDurableWhenEmpty,
    ShowsContent,
}

struct Sketch {
    bug: Bug,
    name: String,
    kept: Arc<Mutex<Vec<Event>>>,
    waiting: Vec<Event>,
    last: Option<u64>,
    flushed: bool,
}

impl Sketch {
    fn new(bug: Bug) -> Self {
        static MADE: AtomicU64 = AtomicU64::new(0);
        let name = match bug {
            Bug::HasANewName => format!("sketch-{}", MADE.fetch_add(1, Ordering::Relaxed)),
            _ => "sketch".to_owned(),
        };
        Self {
            bug,
            name,
            kept: Arc::default(),
            waiting: Vec::new(),
            last: None,
            flushed: false,
        }
    }

    fn durable(&self) -> Durable {
        match self.bug {
            Bug::CallsMoreDurable => Durable::up_to(u64::MAX),
            Bug::CallsNothingDurable => Durable::UNCHANGED,
            Bug::SaysDurableWhenEmpty => Durable::up_to(self.last.unwrap_or(0)),
            _ => self.last.map_or(Durable::UNCHANGED, Durable::up_to),
        }
    }

    fn keep(&mut self, mut event: Event) {
        match self.bug {
            Bug::CutsLargeEvents if event.to_json().len() > 64 << 10 => {
                event.remove(crate::Field::InputMessages);
            }
            Bug::DropsUnknownMembers => {
                let mut known = Event::new(
                    event.kind().clone(),
                    event.event_id(),
                    event.writer_id(),
                    event.recorded_at(),
                );
                for field in event.present() {
                    let value = event.clone().remove(field).unwrap();
                    known.set(field, value);
                }
                event = known;
            }
            _ => {}
        }
        let mut kept = lock(&self.kept);
        match self.bug {
            Bug::Reverses => kept.insert(0, event),
            Bug::KeepsUntilShutdown => self.waiting.push(event),
            _ => kept.push(event),
        }
    }
}

impl fmt::Debug for Sketch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sketch")?;
        if self.bug == Bug::ShowsContent {
            let kept = lock(&self.kept);
            f.write_str(&kept.iter().map(Event::to_json).collect::<String>())?;
        }
        Ok(())
    }
}

#[async_trait]
impl Sink for Sketch {
    fn name(&self) -> &str {
        &self.name
    }

    async fn write(&mut self, batch: &Batch) -> Result<Durable, SinkError> {
        self.flushed = false;
        if self.bug == Bug::RefusesRepeated && self.last >= Some(batch.last_seq()) {
            return Err(SinkError::permanent("again"));
        }
        if self.bug == Bug::LosesBatchesOfOne && batch.len() == 1 {
            return Ok(Durable::UNCHANGED);
        }
        if self.bug == Bug::ForgetsOnDrop {
            // Takes the batch for written before it is.
            let written = self.last.replace(batch.last_seq());
            tokio::time::sleep(Duration::from_micros(1)).await;
            if written >= self.last {
                return Ok(self.durable());
            }
        }
        for event in batch.events() {
            self.keep(event.clone());
        }
        if self.bug == Bug::ChangesItsName {
            self.name.push('x');
        }
        self.last = Some(batch.last_seq());
        Ok(self.durable())
    }

    async fn flush(&mut self) -> Result<Durable, SinkError> {
        if self.bug == Bug::DoesNotFlushTwice && self.flushed {
            return Err(SinkError::retry("nothing to flush"));
        }
        self.flushed = true;
        Ok(self.durable())
    }

    async fn shutdown(&mut self) -> Result<Durable, SinkError> {
        lock(&self.kept).append(&mut self.waiting);
        Ok(self.durable())
    }
}

/// Returns the rules that a sink with this bug breaks, and what is said of the first.
fn broken(bug: Bug) -> (Vec<&'static str>, String) {
    let broken = violations(|| {
        let sink = Sketch::new(bug);
        let kept = Arc::clone(&sink.kept);
        (sink, move || lock(&kept).clone())
    });
    let said = broken.first().map(|violation| violation.to_string());
    let rules = broken.iter().map(|violation| violation.rule).collect();
    (rules, said.unwrap_or_default())
}

#[test]
fn sinks_that_keep_the_contract_pass() {
    assert_eq!(broken(Bug::None), (vec![], String::new()));
    check(|| {
        let sink = MemorySink::new();
        (sink.clone(), move || sink.events())
    });
    for lags in [false, true] {
        check(|| {
            let sink = FaultSink::new();
            let sink = if lags { sink.lags() } else { sink };
            (sink.clone(), move || {
                sink.received()
                    .iter()
                    .flat_map(Batch::events)
                    .cloned()
                    .collect()
            })
        });
    }
}

#[test]
fn each_rule_finds_the_sink_that_breaks_it() {
    for (bug, rule, said) in [
        (
            Bug::ChangesItsName,
            "name",
            "the name changed while the sink was written to",
        ),
        (
            Bug::HasANewName,
            "name",
            "two sinks that are made alike have two names",
        ),
        (
            Bug::CutsLargeEvents,
            "whole",
            "event 8 arrived with another `input_messages`",
        ),
        (
            Bug::DropsUnknownMembers,
            "whole",
            "event 2 arrived with another set of unknown members",
        ),
        (Bug::LosesBatchesOfOne, "whole", "event 1 did not arrive"),
        (
            Bug::Reverses,
            "in_order",
            "event 72 arrived before event 71",
        ),
        (
            Bug::RefusesRepeated,
            "again",
            "the batch of event 1 was not taken: again",
        ),
        (
            Bug::CallsMoreDurable,
            "durable_taken",
            "events up to 18446744073709551615 are called durable, and only those up to 1 were taken",
        ),
        (
            Bug::KeepsUntilShutdown,
            "durable_there",
            "a write called event 1 durable, and it is not there",
        ),
        (
            Bug::DoesNotFlushTwice,
            "flush",
            "a flush failed: nothing to flush",
        ),
        (
            Bug::SaysDurableWhenEmpty,
            "empty",
            "a sink that was given nothing calls something durable",
        ),
        (
            Bug::CallsNothingDurable,
            "shutdown",
            "the shutdown succeeded, and of the events up to 72 those after 0 were never called durable",
        ),
        (
            Bug::ForgetsOnDrop,
            "dropped",
            "event 1 did not arrive, after calls were dropped at poll 1",
        ),
        (
            Bug::ShowsContent,
            "silent",
            "the `Debug` of the sink holds content",
        ),
    ] {
        let (rules, first) = broken(bug);
        assert!(rules.contains(&rule), "{bug:?} breaks {rules:?}: {first}");
        assert_eq!(first, format!("rule `{rule}` is broken: {said}"), "{bug:?}");
    }
}

#[test]
fn a_panic_is_told_and_a_wrong_error_is_found() {
    let broken = violations(|| (FaultSink::new().panics(), Vec::new));
    assert!(
        broken[0].what.contains("made the sink panic"),
        "{}",
        broken[0]
    );

    let said = |error: SinkError| {
        run(ERRORS, move || {
            let sink = FaultSink::new().fails(1, &error);
            Subject::new(Box::new(sink), Box::new(Vec::new))
        })
        .pop()
        .map(|violation| violation.what)
    };
    let content = SinkError::retry(format!("cannot write {CONTENT}"));
    assert_eq!(
        said(content).unwrap(),
        "the error of the batch of event 1 holds content"
    );
    let other = SinkError::reject([4], "too strange");
    assert_eq!(
        said(other).unwrap(),
        "the batch of event 1 was rejected with other numbers"
    );
    let beyond = SinkError::retry("busy").from_seq(9);
    assert_eq!(
        said(beyond).unwrap(),
        "of the batch of event 1 the rest begins outside it"
    );
    assert_eq!(said(SinkError::permanent("never")), None);

    let none = run(ERRORS, || {
        Subject::new(Box::new(MemorySink::new()), Box::new(Vec::new))
    });
    assert!(none[0].what.starts_with("the sink took every batch"));
}

#[test]
fn the_suite_runs_within_a_runtime() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        check_errors(|| FaultSink::new().retry(3));
    });
}
