//! Far more than the disk takes.

use std::collections::BTreeSet;
use std::time::Duration;

use super::super::worker::Drain;
use super::super::*;
use super::fakes::*;
use super::laws::{assert_accounted, assert_balanced};
use crate::event::{Event, Kind};
use crate::sync::lock;
use crate::testing::ManualClock;

/// What the worker writes before it comes again.
const ROOM: u64 = 8;
const TIMES: u64 = 100;
const ROUNDS: u64 = 20;

/// Begins an operation, or hands in an event, as the policy has it.
fn begin(pipeline: &Pipeline<FakeSealer>) -> Option<Slot> {
    if pipeline.budget().overflow() == Overflow::FailClosed {
        return pipeline.begin().ok();
    }
    pipeline.admit(FakeRaw::default(), None).ok();
    None
}

#[test]
fn overload_at_100_times_the_drain_rate_is_counted_exactly_under_each_policy() {
    for overflow in [
        Overflow::block(Duration::ZERO),
        Overflow::DropNewest,
        Overflow::FailClosed,
    ] {
        let clock = Arc::new(ManualClock::default());
        let mut config = config(Arc::clone(&clock) as Arc<dyn Clock>);
        (config.overflow, config.max_events) = (overflow, ROOM as usize);
        let (log, sink) = (FakeLog::default(), FakeSink::new("archive"));
        let (shared, mut worker, outlets) = assemble(
            config,
            FakeSealer::default(),
            Some(Box::new(log.clone())),
            whole(boxes(std::slice::from_ref(&sink))),
            vec![OwnEvent::new(Kind::LogOpened)],
        )
        .unwrap();
        let pipeline = Pipeline {
            shared: Arc::clone(&shared),
        };
        for round in 1..=ROUNDS {
            let begun: Vec<_> = (0..ROOM * TIMES).filter_map(|_| begin(&pipeline)).collect();
            // What could be begun can be recorded.
            for slot in begun {
                pipeline.admit(FakeRaw::default(), Some(slot)).unwrap();
            }
            let counters = pipeline.counters();
            assert_balanced(&counters);
            assert_eq!(
                (counters.admitted, counters.pending),
                (round * ROOM * TIMES, ROOM)
            );
            worker.step(Drain::Open);
            clock.advance(Duration::from_millis(60));
        }
        let threads = outlets
            .into_iter()
            .map(|outlet| thread::spawn(|| outlet.run()));
        let threads: Vec<_> = threads.collect();
        let deadline = clock.monotonic() + Duration::from_secs(3_600);
        shared.control.shut_down(deadline, Tracker::new(1));
        worker.finish();
        for thread in threads {
            thread.join().unwrap();
        }
        shared.control.end();

        let counters = pipeline.counters();
        assert_balanced(&counters);
        let lost = counters.lost_by_reason.get(LossReason::QueueFull);
        assert_eq!(
            (counters.written, lost),
            (ROUNDS * ROOM, ROUNDS * ROOM * (TIMES - 1))
        );
        assert_eq!(counters.lost(), lost);
        let events = lock(&log.paper).lines.clone();
        let seqs: BTreeSet<_> = events.iter().filter_map(Event::seq).collect();
        let losses = events.iter().filter(|event| *event.kind() == Kind::Loss);
        let losses: Vec<_> = losses.collect();
        assert_accounted(1..=*seqs.last().unwrap(), &seqs, &losses);
        assert_eq!(sink.durable(), seqs);
    }
}

#[test]
fn the_hook_is_told_the_counters_as_often_as_asked_and_at_the_end() {
    let told: Arc<crate::sync::Mutex<Vec<Counters>>> = Arc::default();
    let heard = Arc::clone(&told);
    let hook: crate::diagnostics::Hook = Arc::new(move |diagnostic| {
        lock(&heard).extend(diagnostic.counters.clone());
    });
    let clock = Arc::new(ManualClock::default());
    let mut config = config(Arc::clone(&clock) as Arc<dyn Clock>);
    config.diagnostics = Diagnostics::new(Some(hook), Arc::clone(&config.clock));
    config.counters_every = Some(Duration::from_secs(10));
    let (log, sinks) = (
        FakeLog::default(),
        whole(boxes(&[FakeSink::new("archive")])),
    );
    let sealer = FakeSealer::default();
    let (shared, mut worker, _outlets) =
        assemble(config, sealer, Some(Box::new(log)), sinks, Vec::new()).unwrap();
    let pipeline = Pipeline {
        shared: Arc::clone(&shared),
    };
    pipeline.budget().reserve_bytes(700).unwrap();
    let raw = FakeRaw {
        bytes: 500,
        panics: false,
    };
    pipeline.admit(raw, None).unwrap();
    let counters = pipeline.counters();
    assert_eq!((counters.queue_bytes, counters.memory_bytes), (500, 700));
    for _ in 0..21 {
        worker.step(Drain::Open);
        clock.advance(Duration::from_secs(1));
    }
    assert_eq!(lock(&told).len(), 2);
    let counters = lock(&told)[1].clone();
    assert_eq!((counters.written, counters.queue_bytes), (1, 0));
    assert_eq!(counters.sinks[0].pending, 1);
    assert!(counters.sinks[0].memory_bytes > 0);
    shared.control.shut_down(clock.monotonic(), Tracker::new(1));
    worker.finish();
    assert_eq!(lock(&told).len(), 3);
    shared.control.end();
}
