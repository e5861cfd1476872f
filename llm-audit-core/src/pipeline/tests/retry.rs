//! What a sink's thread does with the answers of the sink, step by step.

use std::collections::VecDeque;
use std::time::Duration;

use async_trait::async_trait;

use super::super::backlog::Backlog;
use super::super::ledger::Ledger;
use super::super::outlet::{Outlet, Step};
use super::super::*;
use super::fakes::*;
use crate::batch::{Batch, BatchBuilder};
use crate::diagnostics::{DiagnosticKind, Diagnostics, Hook};
use crate::event::Kind;
use crate::sink::{Durable, Sink, SinkError};
use crate::sync::{Mutex, lock};
use crate::testing::ManualClock;

type Answers = Arc<Mutex<VecDeque<Result<Durable, SinkError>>>>;

/// Gives the answers of a test, then panics.
struct Scripted {
    answers: Answers,
    written: Arc<Mutex<Vec<Vec<u64>>>>,
}

#[async_trait]
impl Sink for Scripted {
    fn name(&self) -> &str {
        "scripted"
    }

    async fn write(&mut self, batch: &Batch) -> Result<Durable, SinkError> {
        lock(&self.written).push(batch.seqs().to_vec());
        let answer = lock(&self.answers).pop_front();
        answer.expect("as the test asked")
    }

    async fn flush(&mut self) -> Result<Durable, SinkError> {
        Ok(Durable::UNCHANGED)
    }

    async fn shutdown(&mut self) -> Result<Durable, SinkError> {
        Ok(Durable::UNCHANGED)
    }
}

struct Bench {
    clock: Arc<ManualClock>,
    ledger: Arc<Ledger>,
    backlog: Arc<Backlog>,
    outlet: Outlet,
    written: Arc<Mutex<Vec<Vec<u64>>>>,
}

impl Bench {
    fn new(answers: impl IntoIterator<Item = Result<Durable, SinkError>>) -> Self {
        Self::told(answers, None)
    }

    fn told(
        answers: impl IntoIterator<Item = Result<Durable, SinkError>>,
        hook: Option<Hook>,
    ) -> Self {
        let clock = Arc::new(ManualClock::default());
        let config = config(Arc::clone(&clock) as Arc<dyn Clock>);
        let ledger = Arc::new(Ledger::new(&["scripted".to_owned()], WRITER));
        let common = Common {
            ledger: Arc::clone(&ledger),
            worker: Arc::default(),
            clock: config.clock,
            ids: config.ids,
            diagnostics: match hook {
                Some(hook) => Diagnostics::new(Some(hook), Arc::clone(&clock) as Arc<dyn Clock>),
                None => config.diagnostics,
            },
            own: WRITER,
        };
        let written = Arc::default();
        let sink = Scripted {
            answers: Arc::new(Mutex::new(answers.into_iter().collect())),
            written: Arc::clone(&written),
        };
        let backlog = Arc::new(Backlog::new(5_000));
        let limits = RetryLimits {
            tries: 3,
            age: Duration::from_secs(60),
        };
        let outlet =
            Outlet::new(0, sink.into(), Arc::clone(&backlog), None, common, limits).unwrap();
        Self {
            clock,
            ledger,
            backlog,
            outlet,
            written,
        }
    }

    fn offer(&self, seqs: &[u64]) {
        let mut builder = BatchBuilder::default();
        for seq in seqs {
            let event = FakeSealer::default().own(OwnEvent::new(Kind::Interaction), *seq);
            builder.push(*seq, event.clone(), event.to_json().as_bytes(), true);
        }
        let batch = builder.build(WRITER).unwrap();
        let mut books = self.ledger.books();
        books.in_hand += seqs.len() as u64;
        seqs.iter().for_each(|_| books.write(true));
        let total = books.hand_over(&batch);
        drop(books);
        self.backlog.offer(batch, total);
    }

    fn counters(&self) -> SinkCounters {
        let now = self.clock.now();
        let counters = self.ledger.books().counters(&lanes::Tally::default(), now);
        counters.sinks.into_iter().next().unwrap()
    }

    fn lost(&self, reason: LossReason) -> u64 {
        self.counters().lost_by_reason.get(reason)
    }

    /// The next window of losses, as first and last number and count.
    fn window(&self) -> Option<(u64, u64, u64)> {
        let (_, window) = self.ledger.books().sinks[0].final_windows(false).pop()?;
        let event = FakeSealer::default().own(window.event(WRITER, Some("scripted")), 1);
        Some((event.seq_from()?, event.seq_to()?, event.count()?))
    }
}

#[test]
fn what_somebody_has_to_mend_waits_for_that_and_raises_an_alarm() {
    // More often than a failing sink is given.
    let denied = || Err(SinkError::misconfigured("401"));
    let answers = (0..9).map(|_| denied()).chain([Ok(Durable::up_to(2))]);
    let (send, told) = std::sync::mpsc::channel::<DiagnosticKind>();
    let send = Mutex::new(send);
    let hook: Hook = Arc::new(move |diagnostic| lock(&send).send(diagnostic.kind).unwrap());
    let bench = &mut Bench::told(answers, Some(hook));
    bench.offer(&[1, 2]);
    for _ in 0..9 {
        let Step::Pause(pause) = bench.outlet.step() else {
            panic!("no pause");
        };
        assert!(pause >= Duration::from_secs(60), "{pause:?}");
        bench.clock.advance(pause);
    }
    assert_eq!(bench.outlet.step(), Step::GoOn);
    assert_eq!(bench.counters().delivered, 2);
    let kinds: Vec<_> = told.try_iter().collect();
    assert_eq!(kinds, [DiagnosticKind::SinkMisconfigured; 9]);
}

#[test]
fn a_failed_try_is_repeated_after_a_pause_that_grows() {
    let bench = &mut Bench::new([
        Err(SinkError::retry("busy")),
        Err(SinkError::retry("busy")),
        Ok(Durable::up_to(2)),
    ]);
    bench.offer(&[1, 2]);
    for bound in [200, 400] {
        let Step::Pause(pause) = bench.outlet.step() else {
            panic!("no pause");
        };
        assert!(pause <= Duration::from_millis(bound), "{pause:?}");
    }
    assert_eq!(bench.outlet.step(), Step::GoOn);
    assert_eq!(*lock(&bench.written), [[1, 2], [1, 2], [1, 2]]);
    assert_eq!(
        (bench.counters().delivered, bench.counters().failures),
        (2, 2)
    );
}

#[test]
fn a_pause_that_the_sink_asks_for_is_kept() {
    let asked = Duration::from_secs(7);
    let bench = &mut Bench::new([Err(SinkError::retry("busy").after(asked))]);
    bench.offer(&[1]);
    assert_eq!(bench.outlet.step(), Step::Pause(asked));
    let bench = &mut Bench::new([Err(SinkError::retry("busy").after(Duration::MAX))]);
    bench.offer(&[1]);
    assert_eq!(bench.outlet.step(), Step::Pause(Duration::from_secs(300)));
}

#[test]
fn what_was_taken_is_not_written_again() {
    let bench = &mut Bench::new([
        Err(SinkError::retry("full").from_seq(3)),
        Ok(Durable::up_to(4)),
    ]);
    bench.offer(&[1, 2, 3, 4]);
    bench.outlet.step();
    assert_eq!(bench.counters().pending, 4);
    bench.outlet.step();
    assert_eq!(*lock(&bench.written), [vec![1, 2, 3, 4], vec![3, 4]]);
    assert_eq!(bench.counters().delivered, 4);
}

#[test]
fn what_an_error_says_of_a_part_and_of_a_pause_is_heard_whatever_else_it_says() {
    let pause = Duration::from_secs(7);
    let refused = || SinkError::permanent("never");
    let bench = &mut Bench::new([
        Err(refused().from_seq(3).after(pause)),
        Err(refused()),
        Ok(Durable::up_to(4)),
    ]);
    bench.offer(&[1, 2, 3, 4]);
    assert_eq!(bench.outlet.step(), Step::Pause(pause));
    bench.outlet.step();
    bench.outlet.step();
    assert_eq!(*lock(&bench.written), [vec![1, 2, 3, 4], vec![3], vec![4]]);
    assert_eq!(
        (bench.counters().delivered, bench.counters().lost()),
        (3, 1)
    );
    assert_eq!(bench.window(), Some((3, 3, 1)));

    let rejected = || SinkError::reject([2], "too strange");
    let bench = &mut Bench::new([
        Err(rejected().from_seq(3)),
        Ok(Durable::up_to(4)),
        Err(SinkError::reject([5], "too strange").after(pause)),
    ]);
    bench.offer(&[1, 2, 3, 4]);
    bench.offer(&[5]);
    assert!(matches!(bench.outlet.step(), Step::Pause(_)));
    assert_eq!(bench.lost(LossReason::SinkRejected), 1);
    bench.outlet.step();
    assert_eq!(bench.counters().delivered, 3);
    assert_eq!(bench.outlet.step(), Step::Pause(pause));
    assert_eq!(
        *lock(&bench.written),
        [vec![1, 2, 3, 4], vec![3, 4], vec![5]]
    );
    assert_eq!(bench.counters().pending, 0);
}

#[test]
fn a_part_that_was_taken_after_all_takes_no_other_with_it() {
    let bench = &mut Bench::new([
        Err(SinkError::permanent("too much")),
        Err(SinkError::retry("reset").from_seq(3)),
        Ok(Durable::up_to(4)),
    ]);
    bench.offer(&[1, 2, 3, 4]);
    for _ in 0..3 {
        bench.outlet.step();
    }
    assert_eq!(
        *lock(&bench.written),
        [vec![1, 2, 3, 4], vec![1, 2], vec![3, 4]]
    );
    assert_eq!(bench.counters().delivered, 4);
}

#[test]
fn rejected_events_are_lost_exactly() {
    let bench = &mut Bench::new([
        Err(SinkError::reject([2, 4, 99], "too strange")),
        Ok(Durable::up_to(5)),
    ]);
    bench.offer(&[1, 2, 3, 4]);
    bench.offer(&[5]);
    bench.outlet.step();
    assert_eq!(bench.lost(LossReason::SinkRejected), 2);
    assert_eq!(bench.window(), None, "1 and 3 may still be lost");
    bench.outlet.step();
    assert_eq!(bench.window(), Some((2, 4, 2)));
    // There is no journal, so nobody would ever confirm it.
    assert!(!bench.ledger.books().sinks[0].has_told());
    assert_eq!(
        (bench.counters().delivered, bench.counters().pending),
        (3, 0)
    );
}

#[test]
fn a_batch_expires_after_its_tries_or_its_age() {
    let busy = || Err(SinkError::retry("busy"));
    let bench = &mut Bench::new([busy(), busy(), busy(), Ok(Durable::up_to(3))]);
    bench.offer(&[1, 2]);
    bench.offer(&[3]);
    for _ in 0..4 {
        bench.outlet.step();
    }
    assert_eq!(bench.lost(LossReason::SinkExpired), 2);
    assert_eq!(bench.window(), Some((1, 2, 2)));
    assert_eq!(bench.counters().delivered, 1);

    let bench = &mut Bench::new([busy(), busy()]);
    bench.offer(&[1]);
    bench.outlet.step();
    bench.clock.advance(Duration::from_secs(60));
    assert_eq!(bench.outlet.step(), Step::GoOn);
    assert_eq!(bench.lost(LossReason::SinkExpired), 1);
}

#[test]
fn a_panic_is_a_failed_try() {
    super::laws::silence();
    let bench = &mut Bench::new([]);
    bench.offer(&[1]);
    assert!(matches!(bench.outlet.step(), Step::Pause(_)));
    assert!(matches!(bench.outlet.step(), Step::Pause(_)));
    assert_eq!(bench.outlet.step(), Step::GoOn);
    assert_eq!(bench.lost(LossReason::SinkExpired), 1);
}

#[test]
fn a_batch_that_is_never_taken_is_lost_and_the_next_one_is_written() {
    let bench = &mut Bench::new([Err(SinkError::permanent("no")), Ok(Durable::up_to(2))]);
    bench.offer(&[1]);
    bench.offer(&[2]);
    bench.outlet.step();
    bench.outlet.step();
    assert_eq!(bench.lost(LossReason::SinkRejected), 1);
    assert_eq!(bench.counters().delivered, 1);
}

#[test]
fn a_full_backlog_loses_the_newest_in_their_place() {
    let bench = &mut Bench::new((0..200).map(|_| Ok(Durable::up_to(1_000))));
    for seq in 1..=100 {
        bench.offer(&[seq]);
    }
    while bench.outlet.step() == Step::GoOn {}
    let lost = bench.lost(LossReason::QueueFull);
    assert!(lost > 0 && lost < 100);
    assert_eq!(bench.window(), Some((101 - lost, 100, lost)));
    bench.offer(&[101]);
    bench.outlet.step();
    assert_eq!(bench.counters().delivered, 101 - lost);
}

#[test]
fn an_acknowledgement_may_come_much_later_and_in_the_middle_of_a_batch() {
    let bench = &mut Bench::new([
        Ok(Durable::UNCHANGED),
        Ok(Durable::up_to(2)),
        Ok(Durable::up_to(6)),
    ]);
    for seqs in [[1, 2, 3], [4, 5, 6], [7, 8, 9]] {
        bench.offer(&seqs);
    }
    bench.outlet.step();
    assert_eq!(bench.counters().delivered, 0);
    bench.outlet.step();
    assert_eq!(bench.counters().delivered, 2);
    bench.outlet.step();
    assert_eq!(
        (bench.counters().delivered, bench.counters().pending),
        (6, 3)
    );
}
