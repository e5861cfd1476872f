//! Nothing is kept of those who wait no more, and no sink is asked before it said.

use std::time::{Duration, Instant};

use async_trait::async_trait;

use super::super::worker::{Drain, Worker};
use super::super::*;
use super::behaviour::{LONG, admit, spawn, system};
use super::fakes::*;
use crate::batch::Batch;
use crate::clock::SystemClock;
use crate::event::Kind;
use crate::sink::{Durable, Sink, SinkError};
use crate::sync::{Mutex, lock};
use crate::timestamp::Timestamp;

/// So many give up waiting.
const MANY: usize = 2_000;
/// So few of them are kept at a time.
const FEW: usize = 100;
const ASKED: Duration = Duration::from_millis(300);

/// A log whose worker and sink run when the test says so: the sink never.
fn idle(log: &FakeLog) -> (Pipeline<FakeSealer>, Worker<FakeSealer>) {
    let sink = FakeSink::new("archive");
    let sinks = whole(boxes(std::slice::from_ref(&sink)));
    let boxed: Box<dyn Log> = Box::new(log.clone());
    let opening = vec![OwnEvent::new(Kind::LogOpened)];
    let sealer = FakeSealer::default();
    let config = PipelineConfig {
        sink_backlog_bytes: 1,
        ..system()
    };
    let (shared, worker, _) = assemble(config, sealer, Some(boxed), sinks, opening).unwrap();
    (Pipeline { shared }, worker)
}

fn end(pipeline: Pipeline<FakeSealer>, worker: Worker<FakeSealer>) {
    drop(worker);
    pipeline.shared.control.end();
    let tracker = Tracker::new(1);
    tracker.update(|progress| progress.ended = true);
    pipeline.shared.control.shut_down(Duration::ZERO, tracker);
}

#[test]
fn commits_that_nobody_waits_for_are_not_kept() {
    let log = FakeLog::default();
    lock(&log.paper).hangs = true;
    let (pipeline, mut worker) = idle(&log);
    let goals = [Goal::Synced, Goal::Delivered(0)];
    let waits = goals.map(|goal| pipeline.admit_for(FakeRaw::default(), None, goal).unwrap());
    for _ in 0..MANY {
        for goal in goals {
            drop(pipeline.admit_for(FakeRaw::default(), None, goal).unwrap());
        }
        worker.step(Drain::Open);
        assert!(worker.unsynced.len() <= FEW);
        let books = pipeline.shared.ledger.books();
        assert!(books.sinks[0].waiters.len() <= FEW);
    }
    lock(&log.paper).hangs = false;
    worker.step(Drain::Open);
    worker.step(Drain::Open);
    let [synced, delivered] = waits;
    assert!(matches!(synced.wait(Duration::ZERO), Some(Ok(_))));
    assert_eq!(delivered.wait(Duration::ZERO), None);
    end(pipeline, worker);
}

#[test]
fn flushes_that_nobody_waits_for_are_not_kept() {
    let log = FakeLog::default();
    let (pipeline, mut worker) = idle(&log);
    // The worker is busy.
    for _ in 0..MANY {
        drop(pipeline.flush(Duration::ZERO));
    }
    let requests = pipeline.shared.control.take().flushes.len();
    assert!(requests <= FEW, "{requests}");
    // The sink is, and has more than it can keep.
    for _ in 0..MANY {
        admit(&pipeline, 1);
        drop(pipeline.flush(Duration::ZERO));
        worker.step(Drain::Open);
    }
    let backlog = &pipeline.shared.backlogs[0];
    assert!(backlog.flushes() <= FEW, "{}", backlog.flushes());
    assert!(worker.flushes.len() <= FEW);
    // The disk is away.
    let mut paper = lock(&log.paper);
    (paper.fails_one_in, paper.gives_up_after) = (1, u64::MAX);
    drop(paper);
    admit(&pipeline, 1);
    for _ in 0..MANY {
        drop(pipeline.flush(Duration::ZERO));
        worker.step(Drain::Open);
    }
    assert!(worker.flushes.len() <= FEW, "{}", worker.flushes.len());
    lock(&log.paper).fails_one_in = 0;
    end(pipeline, worker);
}

/// Asks for a pause once, and notes when it is called.
struct Busy(Arc<Mutex<Vec<Instant>>>);

#[async_trait]
impl Sink for Busy {
    fn name(&self) -> &str {
        "busy"
    }

    async fn write(&mut self, batch: &Batch) -> Result<Durable, SinkError> {
        let mut calls = lock(&self.0);
        calls.push(Instant::now());
        match calls.len() {
            1 => Err(SinkError::retry("busy").after(ASKED)),
            _ => Ok(Durable::up_to(batch.last_seq())),
        }
    }

    async fn flush(&mut self) -> Result<Durable, SinkError> {
        Ok(Durable::UNCHANGED)
    }

    async fn shutdown(&mut self) -> Result<Durable, SinkError> {
        Ok(Durable::UNCHANGED)
    }
}

#[test]
fn a_flush_does_not_shorten_a_pause_that_the_sink_asked_for() {
    for is_last in [false, true] {
        let calls = Arc::default();
        let sink = Busy(Arc::clone(&calls));
        let pipeline = spawn(system(), None, vec![Box::new(sink)]);
        admit(&pipeline, 1);
        while lock(&calls).is_empty() {
            thread::sleep(worker::SYNC_TICK);
        }
        let report = if is_last {
            pipeline.shutdown(LONG)
        } else {
            pipeline.flush(LONG)
        };
        assert!(report.is_complete(), "{report}");
        let calls = lock(&calls);
        assert!(calls[1].duration_since(calls[0]) >= ASKED);
    }
}

/// Somebody has to mend it; meanwhile the first calls fail.
struct Unmended(Arc<Mutex<usize>>);

#[async_trait]
impl Sink for Unmended {
    fn name(&self) -> &str {
        "unmended"
    }

    async fn write(&mut self, batch: &Batch) -> Result<Durable, SinkError> {
        let mut calls = lock(&self.0);
        if batch.first_seq() > 1 {
            // What the log says of the failures itself.
            return Ok(Durable::up_to(batch.last_seq()));
        }
        *calls += 1;
        if *calls < 4 {
            return Err(SinkError::misconfigured("the token has expired"));
        }
        Ok(Durable::up_to(batch.last_seq()))
    }

    async fn flush(&mut self) -> Result<Durable, SinkError> {
        Ok(Durable::UNCHANGED)
    }

    async fn shutdown(&mut self) -> Result<Durable, SinkError> {
        Ok(Durable::UNCHANGED)
    }
}

#[test]
fn a_flush_asks_a_sink_again_that_somebody_has_to_mend() {
    let calls = Arc::default();
    let sink = Unmended(Arc::clone(&calls));
    let pipeline = spawn(system(), None, vec![Box::new(sink)]);
    admit(&pipeline, 1);
    let report = loop {
        let report = pipeline.flush(ASKED);
        if report.is_complete() {
            break report;
        }
        assert!(*lock(&calls) < 4, "{report}");
    };
    assert_eq!(*lock(&calls), 4, "{report}");
    drop(pipeline.shutdown(LONG));
}

/// A clock that breaks on the threads of sinks when it is told to.
#[derive(Debug, Default)]
struct Broken {
    clock: SystemClock,
    breaks: AtomicBool,
}

impl Clock for Broken {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn monotonic(&self) -> Duration {
        let thread = thread::current();
        let is_sink = thread.name().is_some_and(|name| name == "audit-archive");
        assert!(!is_sink || !self.breaks.load(Ordering::Relaxed), "as asked");
        self.clock.monotonic()
    }
}

#[test]
fn a_sink_whose_thread_has_a_defect_is_given_up_and_nobody_waits_for_it() {
    let clock = Arc::new(Broken::default());
    let log = FakeLog::default();
    let sink = FakeSink::new("archive");
    let config = config(Arc::clone(&clock) as Arc<dyn Clock>);
    let pipeline = spawn(config, Some(&log), boxes(std::slice::from_ref(&sink)));
    admit(&pipeline, 1);
    assert!(pipeline.flush(LONG).is_complete());
    clock.breaks.store(true, Ordering::Relaxed);
    admit(&pipeline, 3);
    for _ in 0..2 {
        // A log that waits for the sink does so for ever.
        let report = pipeline.flush(Duration::MAX);
        assert_eq!(report.unflushed_sinks, ["archive"]);
        assert_eq!(report.counters.written, 4);
        assert_eq!(report.counters.sinks[0].lost_by_reason.total(), 3);
    }
    admit(&pipeline, 1);
    let report = pipeline.shutdown(LONG);
    assert!(report.closed && !report.is_complete());
    let counters = &report.counters.sinks[0];
    assert_eq!((counters.pending, counters.lost_by_reason.total()), (0, 4));
}
