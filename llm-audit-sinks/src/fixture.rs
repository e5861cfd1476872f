//! Batches of a real log, for the tests of sinks.

use std::time::Duration;

use llm_audit_core::testing::{ManualClock, MemorySink};
use llm_audit_core::{Batch, Clock, Operation, Policy, Preset, Timestamp, builder};

pub(crate) const LONG: Duration = Duration::from_secs(10);
pub(crate) const DAY: i64 = 86_400_000_000;

pub(crate) fn policy() -> Policy {
    Policy::preset(Preset::Operations).unwrap()
}

/// Returns the batches of a log that was flushed on each of `days`, after so many events.
pub(crate) fn batches(days: &[(i64, usize)]) -> Vec<Batch> {
    let memory = MemorySink::new();
    let clock = ManualClock::at(Timestamp::from_unix_micros(20_000 * DAY));
    let log = builder()
        .policy(policy())
        .sink(memory.clone())
        .clock(clock.clone());
    let audit = log.spawn().unwrap();
    for (day, count) in days {
        clock.jump(day * DAY + DAY / 2 - clock.now().as_unix_micros());
        for number in 0..*count {
            let mut call = audit.begin(Operation::Chat);
            call.request_model(format!("model-{number}"));
            call.finish();
        }
        assert!(audit.flush(LONG).is_complete());
    }
    assert!(audit.shutdown(LONG).is_complete());
    let kept = memory.batches();
    assert!(kept.len() >= days.len());
    kept
}
