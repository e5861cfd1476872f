//! A forked child: it has the memory of its parent and none of the threads.

use std::time::{Duration, Instant};

use super::super::*;
use super::behaviour::{LONG, spawn, system};
use super::fakes::*;
use super::laws::assert_balanced;
use crate::sync::lock;

impl<S: Seal> Pipeline<S> {
    /// Has the caller be a forked child, whose parent's threads held every lock.
    pub(crate) fn as_forked_child<T>(&self, run: impl FnOnce() -> T) -> T {
        let shared = &self.shared;
        shared.process.pretend_forked();
        shared.budget.waiting.fetch_add(1, Ordering::Relaxed);
        let _gate = lock(&shared.budget.gate);
        let _deadlines = lock(&shared.deadlines.state);
        let _books = shared.ledger.books();
        let mut run = Some(run);
        let mut result = None;
        shared.lanes.tally(|_| {
            shared.control.ask(|_| result = run.take().map(|run| run()));
        });
        result.unwrap()
    }
}

#[test]
fn a_forked_child_records_nothing() {
    let log = FakeLog::default();
    let config = system();
    let process = config.process.clone();
    let pipeline = spawn(config, Some(&log), Vec::new());
    process.pretend_forked();
    assert_eq!(
        pipeline.admit(FakeRaw::default(), None),
        Err(Refusal::Lost(LossReason::Forked))
    );
    assert!(pipeline.is_closed());
    assert!(pipeline.check_durable().unwrap_err().is_refused());
    let counters = pipeline.counters();
    assert_eq!(counters.lost_by_reason.get(LossReason::Forked), 1);
    assert_balanced(&counters);
    let start = Instant::now();
    assert!(!pipeline.flush(LONG).settled);
    assert!(!pipeline.shutdown(LONG).closed);
    drop(pipeline);
    assert!(start.elapsed() < Duration::from_secs(5));
    assert!(!lock(&log.paper).closed);
}

#[test]
fn no_lock_of_the_parent_holds_a_forked_child_up() {
    for overflow in [
        Overflow::block(LONG),
        Overflow::DropNewest,
        Overflow::FailClosed,
    ] {
        let mut config = system();
        (config.overflow, config.max_events, config.max_bytes) = (overflow, 1, 10);
        let pipeline = spawn(config, Some(&FakeLog::default()), Vec::new());
        let taken = pipeline.budget().reserve_event().unwrap();
        pipeline.budget().reserve_bytes(10).unwrap();
        let child = || {
            assert_eq!(pipeline.begin().unwrap_err(), LossReason::Forked);
            let full = pipeline.budget().reserve_bytes(1);
            assert_eq!(full, Err(LossReason::MemoryBudget));
            let full = pipeline.budget().reserve_event().unwrap_err();
            assert_eq!(full, LossReason::QueueFull);
            pipeline.budget().release_bytes(10);
            drop(taken);
            let refused = pipeline.admit_for(FakeRaw::default(), None, Goal::Synced);
            assert_eq!(refused.unwrap_err(), Refusal::Lost(LossReason::Forked));
            pipeline.own(OwnEvent::new(crate::event::Kind::Exported));
            pipeline.confirm_clock();
            assert!(!pipeline.expire(LONG).settled);
            assert!(!pipeline.shutdown(LONG).closed);
            let runtime = tokio::runtime::Builder::new_current_thread().build();
            let report = runtime.unwrap().block_on(pipeline.flush_async(LONG));
            assert_eq!(report.counters.admitted, 2);
        };
        pipeline.as_forked_child(child);
    }
}
