//! Queue, acknowledgement and shutdown in many of the orders in which threads can run.
//!
//! Built with `--cfg shuttle` only: `.ci/run only shuttle`. A wait that nobody ends is a deadlock or
//! runs out of steps, and either fails the test.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use async_trait::async_trait;
use shuttle::rand::{Rng, thread_rng};

use super::super::*;
use super::fakes::*;
use super::laws::{assert_accounted, assert_balanced};
use crate::batch::Batch;
use crate::event::{Event, Kind};
use crate::sink::{Durable, Sink, SinkError, SinkLimits};
use crate::sync::model::{ModelClock, explore};
use crate::sync::{Mutex, lock};
use crate::testing::SequentialIds;

/// A wait that only its reason ends.
const LONG: Duration = Duration::from_secs(60);
/// A wait that may be over at any moment.
const SHORT: Duration = Duration::from_millis(40);
const SCHEDULES: usize = 1_000;

fn below(bound: u64) -> u64 {
    thread_rng().gen_range(0..bound)
}

fn one_of<T: Copy>(choices: &[T]) -> T {
    choices[below(choices.len() as u64) as usize]
}

fn modelled() -> PipelineConfig {
    PipelineConfig {
        ids: Arc::new(SequentialIds::new()),
        ..config(Arc::new(ModelClock))
    }
}

fn spawn(
    config: PipelineConfig,
    log: Option<&FakeLog>,
    sinks: Vec<Box<dyn Sink>>,
) -> Arc<Pipeline<FakeSealer>> {
    let log = log.map(|log| Box::new(log.clone()) as Box<dyn Log>);
    let opening = vec![OwnEvent::new(Kind::LogOpened)];
    Pipeline::spawn(config, FakeSealer::default(), log, whole(sinks), opening).unwrap()
}

fn admit(pipeline: &Pipeline<FakeSealer>, events: usize) {
    for _ in 0..events {
        let slot = match pipeline.budget().overflow() {
            Overflow::FailClosed => match pipeline.begin() {
                Ok(slot) => Some(slot),
                Err(_) => continue,
            },
            _ => None,
        };
        pipeline.admit(FakeRaw::default(), slot).ok();
    }
}

/// The laws of a log that has ended in good order.
fn assert_laws(pipeline: &Pipeline<FakeSealer>, log: &FakeLog, sinks: &[FakeSink]) {
    let counters = pipeline.counters();
    assert_balanced(&counters);
    assert_eq!((counters.pending, pipeline.budget().used()), (0, (0, 0)));
    let events = lock(&log.paper).lines.clone();
    let seqs: BTreeSet<_> = events.iter().filter_map(Event::seq).collect();
    assert_eq!(seqs.len(), events.len(), "a number is there twice");
    let losses = events
        .iter()
        .filter(|event| event.loss_writer_id().is_some());
    let (of_log, of_sinks): (Vec<_>, Vec<_>) =
        losses.partition(|event| event.loss_sink().is_none());
    assert_accounted(1..=*seqs.last().unwrap(), &seqs, &of_log);
    for sink in sinks {
        assert_eq!(of_sinks.len(), 0);
        assert_eq!(sink.durable(), seqs);
    }
}

#[test]
fn each_event_is_written_once_or_in_one_loss() {
    explore(SCHEDULES, || {
        let (log, sink) = (FakeLog::default(), FakeSink::new("archive"));
        lock(&sink.shelf).lags = below(2) == 0;
        let mut config = modelled();
        config.max_events = 2;
        config.overflow = one_of(&[
            Overflow::DropNewest,
            Overflow::FailClosed,
            Overflow::block(SHORT),
            Overflow::block(LONG),
        ]);
        let blocks = config.overflow == Overflow::block(LONG);
        let pipeline = spawn(config, Some(&log), boxes(std::slice::from_ref(&sink)));
        let producers: Vec<_> = (0..3)
            .map(|_| {
                let pipeline = Arc::clone(&pipeline);
                thread::spawn(move || admit(&pipeline, 3))
            })
            .collect();
        assert_balanced(&pipeline.counters());
        for producer in producers {
            producer.join().unwrap();
            assert_balanced(&pipeline.counters());
        }
        let report = pipeline.shutdown(LONG);
        assert!(report.closed && report.counters.admitted == 9, "{report}");
        assert!(!blocks || report.is_complete(), "{report}");
        assert_laws(&pipeline, &log, &[sink]);
    });
}

/// Counts how often a task is woken.
#[derive(Default)]
struct Wakes(Mutex<u32>);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        *lock(&self.0) += 1;
    }
}

#[test]
fn a_task_that_waits_is_woken_once_and_the_first_answer_stays() {
    explore(SCHEDULES, || {
        let (waiter, mut answer) = reply::reply();
        let wakes = Arc::new(Wakes::default());
        let waker = Waker::from(Arc::clone(&wakes));
        let context = &mut Context::from_waker(&waker);
        let expiry = answer.expiry();
        let threads = [
            thread::spawn(move || waiter.resolve(Ok(7))),
            thread::spawn(move || expiry.expire()),
        ];
        let first = Pin::new(&mut answer).poll(context);
        let second = Pin::new(&mut answer).poll(context);
        for thread in threads {
            thread.join().unwrap();
        }
        let last = Pin::new(&mut answer).poll(context);
        assert!(matches!(last, Poll::Ready(Ok(7) | Err(Failure::TimedOut))));
        for poll in [first, second] {
            assert!(poll.is_pending() || poll == last);
        }
        // Between the two polls an answer may have come: one wait, one wake at most.
        let woken = *lock(&wakes.0);
        assert_eq!(woken == 0, first.is_ready(), "woken {woken} times");
        assert!(woken <= 1);
    });
}

/// Waits for an answer as a thread, as a task, or as a task with a limit.
fn wait(pipeline: &Pipeline<FakeSealer>, reply: Reply) -> Option<Result<u64, Failure>> {
    match below(3) {
        0 => reply.wait(LONG),
        1 => Some(shuttle::future::block_on(reply)),
        _ => {
            let until = ModelClock.monotonic() + SHORT;
            let _limit = pipeline.deadlines().limit(reply.expiry(), until);
            Some(shuttle::future::block_on(reply))
        }
    }
}

#[test]
fn who_waits_for_an_event_is_told_the_truth() {
    explore(SCHEDULES, || {
        let (log, sink) = (FakeLog::default(), FakeSink::new("archive"));
        lock(&sink.shelf).lags = below(2) == 0;
        // Only a flush makes durable what such a sink took.
        lock(&sink.shelf).limits = SinkLimits::default().idle_flush(SHORT);
        {
            let mut paper = lock(&log.paper);
            paper.rng = Some(Rng(below(u64::MAX)));
            (paper.fails_one_in, paper.gives_up_after) = (below(3), 1 + below(2));
        }
        let pipeline = spawn(modelled(), Some(&log), boxes(std::slice::from_ref(&sink)));
        let waiting: Vec<_> = (0..3)
            .map(|_| {
                let (pipeline, log, sink) = (Arc::clone(&pipeline), log.clone(), sink.clone());
                thread::spawn(move || {
                    let goal = one_of(&[Goal::Written, Goal::Synced, Goal::Delivered(0)]);
                    let Ok(reply) = pipeline.admit_for(FakeRaw::default(), None, goal) else {
                        return;
                    };
                    let answer = wait(&pipeline, reply).expect("every waiter is answered");
                    let Ok(seq) = answer else { return };
                    let paper = lock(&log.paper);
                    assert!(paper.seqs().contains(&seq), "{goal:?}");
                    assert!(goal != Goal::Synced || paper.status.up_to >= Some(seq));
                    assert!(!matches!(goal, Goal::Delivered(_)) || sink.durable().contains(&seq));
                })
            })
            .collect();
        let ends_early = below(2) == 0;
        if ends_early {
            drop(pipeline.shutdown(one_of(&[Duration::ZERO, SHORT, LONG])));
        }
        for waiting in waiting {
            waiting.join().unwrap();
        }
        assert!(pipeline.shutdown(LONG).closed);
        assert_balanced(&pipeline.counters());
    });
}

#[test]
fn a_producer_that_is_blocked_goes_on_when_there_is_room_and_when_the_log_ends() {
    explore(SCHEDULES, || {
        let log = FakeLog::default();
        let mut config = modelled();
        (config.max_events, config.max_bytes) = (1, 10);
        config.overflow = Overflow::block(LONG);
        let pipeline = spawn(config, Some(&log), Vec::new());
        let producers: Vec<_> = (0..3)
            .map(|_| {
                let pipeline = Arc::clone(&pipeline);
                thread::spawn(move || {
                    for _ in 0..2 {
                        let bytes = match pipeline.budget().reserve_bytes(6) {
                            Ok(()) => 6,
                            Err(_) => 0,
                        };
                        let raw = FakeRaw {
                            bytes,
                            panics: false,
                        };
                        pipeline.admit(raw, None).ok();
                    }
                })
            })
            .collect();
        // Room that an open interaction holds is free only after the producers have gone on.
        let room = (below(2) == 0).then(|| pipeline.budget().reserve_event());
        if room.is_some() || below(2) == 0 {
            drop(pipeline.shutdown(one_of(&[Duration::ZERO, LONG])));
        }
        for producer in producers {
            producer.join().unwrap();
        }
        drop(room);
        assert!(pipeline.shutdown(LONG).closed);
        assert_laws(&pipeline, &log, &[]);
    });
}

/// Answers nothing, for ever.
struct Hung;

#[async_trait]
impl Sink for Hung {
    fn name(&self) -> &str {
        "hung"
    }

    async fn write(&mut self, _: &Batch) -> Result<Durable, SinkError> {
        std::future::pending().await
    }

    async fn flush(&mut self) -> Result<Durable, SinkError> {
        std::future::pending().await
    }

    async fn shutdown(&mut self) -> Result<Durable, SinkError> {
        std::future::pending().await
    }
}

#[test]
fn a_shutdown_ends_while_others_record_wait_and_flush() {
    explore(SCHEDULES, || {
        let (log, hangs) = (FakeLog::default(), below(2) == 0);
        let sink = FakeSink::new("archive");
        let mut sinks = boxes(std::slice::from_ref(&sink));
        if hangs {
            sinks.push(Box::new(Hung));
        }
        let mut config = modelled();
        config.max_events = 2;
        config.overflow = Overflow::block(LONG);
        let pipeline = spawn(config, Some(&log), sinks);
        // With a sink that hangs, only time ends what waits for it.
        let patience = if hangs { SHORT } else { LONG };
        let pipelines = || Arc::clone(&pipeline);
        let threads = [
            {
                let pipeline = pipelines();
                thread::spawn(move || admit(&pipeline, 3))
            },
            {
                let pipeline = pipelines();
                thread::spawn(move || {
                    let report = pipeline.flush(patience);
                    assert!(report.settled || hangs, "{report}");
                })
            },
            {
                let pipeline = pipelines();
                let timeout = one_of(&[Duration::ZERO, patience]);
                thread::spawn(move || drop(pipeline.shutdown(timeout)))
            },
            {
                let pipeline = pipelines();
                thread::spawn(move || drop(pipeline.shutdown(patience)))
            },
        ];
        for thread in threads {
            thread.join().unwrap();
        }
        let report = pipeline.shutdown(LONG);
        assert!(report.closed, "{report}");
        assert_eq!(pipeline.shutdown(LONG).to_string(), report.to_string());
        assert_balanced(&report.counters);
        assert_eq!((report.counters.admitted, report.counters.pending), (3, 0));
        let late = pipeline.admit(FakeRaw::default(), None);
        assert_eq!(late, Err(Refusal::Lost(LossReason::ShutdownDeadline)));
    });
}

#[test]
fn the_last_handle_drains_while_a_sink_works() {
    explore(SCHEDULES, || {
        let (log, sink) = (FakeLog::default(), FakeSink::new("archive"));
        let pipeline = spawn(modelled(), Some(&log), boxes(std::slice::from_ref(&sink)));
        let other = Arc::clone(&pipeline);
        let other = thread::spawn(move || admit(&other, 2));
        admit(&pipeline, 1);
        drop(pipeline);
        other.join().unwrap();
        let kinds = lock(&log.paper).kinds();
        assert_eq!((kinds.len(), kinds.last()), (5, Some(&Kind::LogClosed)));
        assert_eq!(sink.durable(), lock(&log.paper).seqs());
    });
}
