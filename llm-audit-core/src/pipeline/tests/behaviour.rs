//! What the pipeline does, each as one sentence, on real threads.

use std::time::{Duration, Instant};

use async_trait::async_trait;

use super::super::*;
use super::fakes::*;
use super::laws::assert_balanced;
use crate::batch::Batch;
use crate::clock::SystemClock;
use crate::diagnostics::Hook;
use crate::event::Kind;
use crate::sink::{Durable, Sink, SinkError};
use crate::sync::{Mutex, lock};

pub(super) const SHORT: Duration = Duration::from_millis(40);
pub(super) const LONG: Duration = Duration::from_secs(20);

pub(super) fn system() -> PipelineConfig {
    config(Arc::new(SystemClock::new()))
}

pub(super) fn spawn(
    config: PipelineConfig,
    log: Option<&FakeLog>,
    sinks: Vec<Box<dyn Sink>>,
) -> Arc<Pipeline<FakeSealer>> {
    let log = log.map(|log| Box::new(log.clone()) as Box<dyn Log>);
    let opening = vec![OwnEvent::new(Kind::LogOpened)];
    Pipeline::spawn(config, FakeSealer::default(), log, whole(sinks), opening).unwrap()
}

pub(super) fn with_log(log: &FakeLog) -> Arc<Pipeline<FakeSealer>> {
    spawn(system(), Some(log), Vec::new())
}

pub(super) fn admit(pipeline: &Pipeline<FakeSealer>, count: usize) -> usize {
    let admitted = (0..count).map(|_| pipeline.admit(FakeRaw::default(), None));
    admitted.filter(Result::is_ok).count()
}

/// What a [`Strange`] sink does in `write`.
#[derive(Clone)]
pub(super) enum Habit {
    Hang,
    BlockThread(Arc<Mutex<()>>),
    Record(Arc<Mutex<Option<Arc<Pipeline<FakeSealer>>>>>),
    ShutDown(Arc<Mutex<Option<Arc<Pipeline<FakeSealer>>>>>),
}

struct Strange(Habit);

#[async_trait]
impl Sink for Strange {
    fn name(&self) -> &str {
        "strange"
    }

    async fn write(&mut self, batch: &Batch) -> Result<Durable, SinkError> {
        match &self.0 {
            Habit::Hang => std::future::pending().await,
            Habit::BlockThread(gate) => drop(lock(gate)),
            Habit::Record(pipeline) => {
                let pipeline = lock(pipeline).clone();
                if let Some(pipeline) = pipeline {
                    let refused = pipeline.admit(FakeRaw::default(), None);
                    assert_eq!(refused, Err(Refusal::Reentrant));
                }
            }
            Habit::ShutDown(pipeline) => {
                let pipeline = lock(pipeline).clone();
                if let Some(pipeline) = pipeline {
                    assert!(!pipeline.shutdown(LONG).closed);
                    assert!(!pipeline.flush(LONG).settled);
                }
            }
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

pub(super) fn strange(habit: Habit) -> Box<dyn Sink> {
    Box::new(Strange(habit))
}

#[test]
fn a_flush_is_complete_when_everything_is_written_synced_and_delivered() {
    let (log, sink) = (FakeLog::default(), FakeSink::new("archive"));
    lock(&sink.shelf).lags = true;
    let pipeline = spawn(system(), Some(&log), boxes(std::slice::from_ref(&sink)));
    assert_eq!(admit(&pipeline, 1_000), 1_000);
    let report = pipeline.flush(LONG);
    assert!(report.is_complete(), "{report}");
    assert_eq!(
        report.to_string(),
        "admitted 1000 = written 1000 + lost 0 + pending 0; archive: delivered 1000 + lost 0 + \
         pending 0"
    );
    assert_eq!(report.synced_up_to, Some(1_001));
    assert_eq!(lock(&log.paper).lines.len(), 1_001);
    assert_eq!(lock(&sink.shelf).durable.len(), 1_001);
}

#[test]
fn the_log_begins_with_its_opening_and_ends_with_its_end() {
    let log = FakeLog::default();
    let pipeline = with_log(&log);
    admit(&pipeline, 2);
    pipeline.own(OwnEvent::new(Kind::PolicyChanged));
    let report = pipeline.shutdown(LONG);
    assert!(report.is_complete() && report.closed, "{report}");
    let paper = lock(&log.paper);
    assert_eq!(
        (paper.kinds().first(), paper.kinds().last()),
        (Some(&Kind::LogOpened), Some(&Kind::LogClosed))
    );
    assert!(paper.kinds().contains(&Kind::PolicyChanged) && paper.closed);
    assert_eq!(report.counters.own_written, 3);
}

#[test]
fn flush_reports_a_batch_lost_to_a_full_disk() {
    let log = FakeLog::default();
    {
        let mut paper = lock(&log.paper);
        (paper.fails_one_in, paper.gives_up_after) = (1, 1);
    }
    let pipeline = with_log(&log);
    admit(&pipeline, 5);
    let report = pipeline.flush(LONG);
    assert!(report.settled && !report.is_complete(), "{report:?}");
    let lost = report.counters.lost_by_reason.get(LossReason::Enospc);
    assert_eq!((lost, report.counters.written), (5, 0));
}

#[test]
fn a_flush_says_when_the_disk_does_not_take_events_yet() {
    let log = FakeLog::default();
    {
        let mut paper = lock(&log.paper);
        (paper.fails_one_in, paper.gives_up_after) = (1, u64::MAX);
    }
    let pipeline = with_log(&log);
    admit(&pipeline, 5);
    let report = pipeline.flush(SHORT);
    assert!(!report.settled && report.counters.pending > 0, "{report}");
    lock(&log.paper).fails_one_in = 0;
    assert!(pipeline.flush(LONG).is_complete());
}

#[test]
fn a_sink_that_hangs_delays_neither_the_log_nor_another_sink() {
    let (log, sink) = (FakeLog::default(), FakeSink::new("archive"));
    let sinks = vec![
        strange(Habit::Hang),
        Box::new(sink.clone()) as Box<dyn Sink>,
    ];
    let pipeline = spawn(system(), Some(&log), sinks);
    admit(&pipeline, 100);
    let report = pipeline.flush(Duration::from_secs(1));
    assert_eq!(report.synced, Some(true));
    assert_eq!(report.unflushed_sinks, ["strange"]);
    assert_eq!(report.counters.sink("archive").unwrap().delivered, 100);
    assert_eq!(report.counters.sink("strange").unwrap().pending, 100);
    assert_balanced(&report.counters);
    drop(pipeline.shutdown(SHORT));
}

#[test]
fn a_sink_that_blocks_its_thread_delays_neither_the_log_nor_another_sink() {
    let gate = Arc::new(Mutex::new(()));
    let held = lock(&gate);
    let sink = FakeSink::new("archive");
    let habit = Habit::BlockThread(Arc::clone(&gate));
    let sinks = vec![strange(habit), Box::new(sink.clone()) as Box<dyn Sink>];
    let pipeline = spawn(system(), None, sinks);
    admit(&pipeline, 100);
    let start = Instant::now();
    let report = pipeline.shutdown(Duration::from_millis(300));
    assert!(start.elapsed() < Duration::from_secs(5));
    assert!(report.closed, "{report}");
    assert_eq!(report.counters.sink("archive").unwrap().delivered, 100);
    let strange = report.counters.sink("strange").unwrap();
    assert_eq!(
        strange.lost_by_reason.get(LossReason::ShutdownDeadline),
        100
    );
    drop(held);
    assert_balanced(&pipeline.counters());
}

#[test]
fn blocking_bounds_the_caller_and_counts_what_it_turns_away() {
    let log = FakeLog::default();
    let mut config = system();
    config.overflow = Overflow::block(SHORT);
    config.max_events = 10;
    let pipeline = spawn(config, Some(&log), Vec::new());
    let gate = lock(&log.gate);
    // One drain may be in the hands of the worker; its events still hold their room.
    assert_eq!(admit(&pipeline, 10), 10);
    let start = Instant::now();
    assert_eq!(
        pipeline.admit(FakeRaw::default(), None),
        Err(Refusal::Lost(LossReason::QueueFull))
    );
    assert!(start.elapsed() >= SHORT && start.elapsed() < SHORT * 20);
    let counters = pipeline.counters();
    assert_eq!((counters.pending, counters.lost()), (10, 1));
    assert_balanced(&counters);
    drop(gate);
    assert_eq!(admit(&pipeline, 1), 1);
    assert!(pipeline.flush(LONG).settled);
}

#[test]
fn dropping_newest_counts_exactly_and_tells_in_loss_events() {
    let log = FakeLog::default();
    let mut config = system();
    config.overflow = Overflow::DropNewest;
    config.max_events = 10;
    let pipeline = spawn(config, Some(&log), Vec::new());
    let gate = lock(&log.gate);
    assert_eq!(admit(&pipeline, 1_000), 10);
    drop(gate);
    let report = pipeline.shutdown(LONG);
    assert_eq!(
        report.counters.lost_by_reason.get(LossReason::QueueFull),
        990
    );
    assert_eq!(report.counters.written, 10);
    let paper = lock(&log.paper);
    let losses = paper
        .lines
        .iter()
        .filter(|event| *event.kind() == Kind::Loss);
    assert_eq!(losses.filter_map(crate::Event::count).sum::<u64>(), 990);
}

#[test]
fn what_is_on_its_way_stays_within_the_budget() {
    let log = FakeLog::default();
    let mut config = system();
    (config.max_bytes, config.max_events) = (10_000, 50);
    // A busy machine may keep the worker from its work for longer than hosts would wait.
    config.overflow = Overflow::block(LONG);
    let pipeline = spawn(config, Some(&log), Vec::new());
    let producers: Vec<_> = (0..4)
        .map(|_| {
            let pipeline = Arc::clone(&pipeline);
            thread::spawn(move || {
                for number in 0..500 {
                    let bytes = 1 + number % 700;
                    let fits = pipeline.budget().reserve_bytes(bytes).is_ok();
                    let bytes = if fits { bytes } else { 0 };
                    let raw = FakeRaw {
                        bytes,
                        panics: false,
                    };
                    pipeline.admit(raw, None).unwrap();
                    let (events, used) = pipeline.budget().used();
                    assert!(events <= 50 && used <= 10_000);
                    assert_balanced(&pipeline.counters());
                }
            })
        })
        .collect();
    for producer in producers {
        producer.join().unwrap();
    }
    assert!(pipeline.flush(LONG).is_complete());
    assert_eq!(pipeline.budget().used(), (0, 0));
}

#[test]
fn room_taken_at_the_beginning_is_there_at_the_end() {
    let log = FakeLog::default();
    let mut config = system();
    (config.overflow, config.max_events) = (Overflow::FailClosed, 1);
    let pipeline = spawn(config, Some(&log), Vec::new());
    let slot = pipeline.budget().reserve_event().unwrap();
    assert_eq!(
        pipeline.budget().reserve_event().unwrap_err(),
        LossReason::QueueFull
    );
    pipeline.admit(FakeRaw::default(), Some(slot)).unwrap();
    assert!(pipeline.flush(LONG).is_complete());
}

#[test]
fn an_event_that_cannot_be_sealed_costs_only_itself() {
    super::laws::silence();
    let log = FakeLog::default();
    let pipeline = with_log(&log);
    for panics in [false, true, false] {
        pipeline.admit(FakeRaw { bytes: 0, panics }, None).unwrap();
    }
    let report = pipeline.flush(LONG);
    assert_eq!(report.counters.written, 2);
    assert_eq!(
        report.counters.lost_by_reason.get(LossReason::EncodeError),
        1
    );
}

#[test]
fn an_event_that_a_sink_records_is_counted_and_not_written() {
    let shared = Arc::new(Mutex::new(None));
    let log = FakeLog::default();
    let told = Arc::new(Mutex::new(0));
    let mut config = system();
    let count = Arc::clone(&told);
    let hook: Hook = Arc::new(move |diagnostic| {
        if diagnostic.kind == DiagnosticKind::Reentrance {
            *lock(&count) += 1;
        }
    });
    config.diagnostics = Diagnostics::new(Some(hook), Arc::clone(&config.clock));
    let sinks = vec![strange(Habit::Record(Arc::clone(&shared)))];
    let holder = lock(&shared);
    let pipeline = spawn(config, Some(&log), sinks);
    let mut holder = holder;
    *holder = Some(Arc::clone(&pipeline));
    drop(holder);
    admit(&pipeline, 3);
    assert!(pipeline.flush(LONG).is_complete());
    let counters = pipeline.counters();
    assert!(counters.reentrant > 0);
    assert_eq!(counters.admitted, 3);
    assert!(*lock(&told) > 0);
    // A sink that records each batch must not keep the log busy for ever.
    let lines = lock(&log.paper).lines.len();
    thread::sleep(SHORT);
    assert_eq!(lock(&log.paper).lines.len(), lines);
    *lock(&shared) = None;
}

#[test]
fn a_sink_that_shuts_the_log_down_is_not_waited_for() {
    let shared = Arc::new(Mutex::new(None));
    let mut holder = lock(&shared);
    let sinks = vec![strange(Habit::ShutDown(Arc::clone(&shared)))];
    let pipeline = spawn(system(), None, sinks);
    *holder = Some(Arc::clone(&pipeline));
    drop(holder);
    admit(&pipeline, 1);
    assert!(pipeline.flush(LONG).is_complete());
    *lock(&shared) = None;
}

#[test]
fn those_who_wait_for_an_event_are_answered() {
    let log = FakeLog::default();
    let pipeline = spawn(system(), Some(&log), boxes(&[FakeSink::new("archive")]));
    for goal in [Goal::Written, Goal::Synced, Goal::Delivered(0)] {
        let start = Instant::now();
        let reply = pipeline.admit_for(FakeRaw::default(), None, goal).unwrap();
        let seq = reply.wait(LONG).unwrap().unwrap();
        assert!(lock(&log.paper).seqs().contains(&seq), "{goal:?}");
        assert!(start.elapsed() < Duration::from_secs(5));
    }
}

#[test]
fn a_log_at_rest_does_not_tick() {
    let sealer = FakeSealer::default();
    let steps = Arc::clone(&sealer.steps);
    let sinks = boxes(&[FakeSink::new("archive")]);
    let pipeline = Pipeline::spawn(system(), sealer, None, whole(sinks), Vec::new()).unwrap();
    admit(&pipeline, 1);
    assert!(pipeline.flush(LONG).is_complete());
    thread::sleep(SHORT);
    let before = steps.load(Ordering::Relaxed);
    thread::sleep(SHORT * 3);
    assert_eq!(steps.load(Ordering::Relaxed), before);
    admit(&pipeline, 1);
    thread::sleep(SHORT);
    assert_eq!(pipeline.counters().written, 2);
}

#[test]
fn a_log_without_outputs_or_with_two_sinks_of_one_name_does_not_start() {
    let spawn = |sinks| {
        Pipeline::spawn(
            system(),
            FakeSealer::default(),
            None,
            whole(sinks),
            Vec::new(),
        )
    };
    assert!(spawn(Vec::new()).unwrap_err().is_configuration());
    let twice = boxes(&[FakeSink::new("archive"), FakeSink::new("archive")]);
    let error = spawn(twice).unwrap_err();
    assert!(
        error.is_configuration() && error.to_string().contains("`archive`"),
        "{error}"
    );
}
