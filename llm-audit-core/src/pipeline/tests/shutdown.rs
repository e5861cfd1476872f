//! How the log ends: in time, in every situation, with every event counted.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use async_trait::async_trait;

use super::super::*;
use super::behaviour::{Habit, LONG, SHORT, admit, spawn, strange, system, with_log};
use super::fakes::*;
use super::laws::assert_balanced;
use crate::batch::Batch;
use crate::event::Kind;
use crate::sink::{Durable, Sink, SinkError};
use crate::sync::lock;

/// Tells by what it holds when a sink is dropped.
struct Holding(Box<dyn Sink>, #[expect(dead_code, reason = "held")] Arc<()>);

#[async_trait]
impl Sink for Holding {
    fn name(&self) -> &str {
        self.0.name()
    }

    async fn write(&mut self, batch: &Batch) -> Result<Durable, SinkError> {
        self.0.write(batch).await
    }

    async fn flush(&mut self) -> Result<Durable, SinkError> {
        self.0.flush().await
    }

    async fn shutdown(&mut self) -> Result<Durable, SinkError> {
        self.0.shutdown().await
    }
}

#[test]
fn an_event_after_shutdown_is_a_counted_loss() {
    let log = FakeLog::default();
    let pipeline = with_log(&log);
    drop(pipeline.shutdown(LONG));
    assert_eq!(
        pipeline.admit(FakeRaw::default(), None),
        Err(Refusal::Lost(LossReason::ShutdownDeadline))
    );
    let counters = pipeline.counters();
    assert_eq!((counters.admitted, counters.lost()), (1, 1));
    assert_balanced(&counters);
    let report = pipeline.flush(LONG);
    assert!(report.closed && !report.is_complete());
}

#[test]
fn shutdown_with_no_time_counts_what_it_could_not_write() {
    let log = FakeLog::default();
    let pipeline = with_log(&log);
    assert!(pipeline.flush(LONG).is_complete());
    let gate = lock(&log.gate);
    admit(&pipeline, 1);
    // The worker is in the middle of writing the first event when the others come.
    thread::sleep(SHORT);
    admit(&pipeline, 99);
    let start = Instant::now();
    let report = pipeline.shutdown(Duration::ZERO);
    assert!(start.elapsed() < Duration::from_secs(2));
    assert!(!report.closed && !report.is_complete());
    assert_balanced(&report.counters);
    drop(gate);
    let report = pipeline.shutdown(LONG);
    assert!(report.closed, "{report}");
    let lost = report.counters.lost_by_reason;
    assert_eq!(lost.get(LossReason::ShutdownDeadline), 99);
    assert_eq!(report.counters.written, 1);
    let paper = lock(&log.paper);
    let losses = paper
        .lines
        .iter()
        .filter(|event| *event.kind() == Kind::Loss);
    assert_eq!(losses.filter_map(crate::Event::count).sum::<u64>(), 99);
}

#[test]
fn a_sink_that_hangs_is_let_go_at_the_end() {
    let sink = strange(Habit::Hang);
    let held = Arc::new(());
    let alive = Arc::downgrade(&held);
    let sinks: Vec<Box<dyn Sink>> = vec![Box::new(Holding(sink, held))];
    let pipeline = spawn(system(), None, sinks);
    admit(&pipeline, 1);
    assert!(pipeline.shutdown(SHORT).closed);
    let start = Instant::now();
    while alive.upgrade().is_some() {
        assert!(start.elapsed() < LONG, "the sink is still held");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn shutdown_gives_up_a_disk_that_takes_nothing() {
    let log = FakeLog::default();
    {
        let mut paper = lock(&log.paper);
        (paper.fails_one_in, paper.gives_up_after) = (1, u64::MAX);
    }
    let pipeline = with_log(&log);
    admit(&pipeline, 3);
    let start = Instant::now();
    let report = pipeline.shutdown(SHORT);
    assert!(start.elapsed() < Duration::from_secs(5));
    assert!(report.closed && !report.is_complete());
    let lost = report.counters.lost_by_reason.get(LossReason::Enospc);
    assert_eq!((lost, report.counters.written), (3, 0));
    assert_balanced(&report.counters);
}

#[test]
fn shutdown_bounds_a_sink_that_hangs() {
    let log = FakeLog::default();
    let pipeline = spawn(system(), Some(&log), vec![strange(Habit::Hang)]);
    admit(&pipeline, 7);
    let report = pipeline.shutdown(SHORT);
    assert!(report.closed, "{report}");
    let sink = report.counters.sink("strange").unwrap();
    assert_eq!(sink.lost_by_reason.get(LossReason::ShutdownDeadline), 7);
    let paper = lock(&log.paper);
    let mut losses = paper
        .lines
        .iter()
        .filter(|event| event.loss_sink() == Some("strange"));
    let loss = losses.next().unwrap();
    // The sink was in the middle of them: what it has nobody knows.
    assert_eq!((loss.count(), loss.exact()), (Some(8), Some(false)));
}

#[test]
fn shutting_down_twice_gives_the_same_answer() {
    let log = FakeLog::default();
    let pipeline = with_log(&log);
    admit(&pipeline, 3);
    let first = pipeline.shutdown(LONG).to_string();
    assert_eq!(pipeline.shutdown(Duration::ZERO).to_string(), first);
    let other = Arc::clone(&pipeline);
    let other = thread::spawn(move || other.shutdown(LONG).to_string());
    assert_eq!(other.join().unwrap(), first);
}

#[test]
fn shutdown_works_inside_a_current_thread_runtime_and_without_one() {
    let log = FakeLog::default();
    let pipeline = spawn(system(), Some(&log), boxes(&[FakeSink::new("archive")]));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        admit(&pipeline, 3);
        assert!(pipeline.flush(LONG).is_complete());
        assert!(pipeline.flush_async(LONG).await.is_complete());
    });
    drop(runtime);
    assert!(pipeline.flush(LONG).is_complete());
    assert!(pipeline.shutdown(LONG).is_complete());
}

#[test]
fn shutdown_works_while_a_panic_unwinds() {
    struct Guard(Arc<Pipeline<FakeSealer>>);
    impl Drop for Guard {
        fn drop(&mut self) {
            assert!(self.0.shutdown(LONG).closed);
        }
    }
    super::laws::silence();
    let log = FakeLog::default();
    let pipeline = with_log(&log);
    let guard = Guard(Arc::clone(&pipeline));
    let result = catch_unwind(AssertUnwindSafe(move || {
        admit(&guard.0, 3);
        panic!("as the test asked");
    }));
    assert!(result.is_err());
    assert!(pipeline.shutdown(LONG).is_complete());
}

#[test]
fn dropping_the_last_handle_drains() {
    let log = FakeLog::default();
    let pipeline = with_log(&log);
    admit(&pipeline, 100);
    drop(pipeline);
    let paper = lock(&log.paper);
    assert_eq!(paper.lines.len(), 102);
    assert!(paper.closed);
}

#[test]
fn a_flush_that_a_shutdown_overtakes_ends_with_it() {
    let pipeline = spawn(system(), None, vec![strange(Habit::Hang)]);
    admit(&pipeline, 1);
    let other = Arc::clone(&pipeline);
    let flush = thread::spawn(move || other.flush(LONG));
    while pipeline.counters().written == 0 {
        thread::sleep(Duration::from_millis(1));
    }
    drop(pipeline.shutdown(SHORT));
    assert!(flush.join().unwrap().closed);
}
