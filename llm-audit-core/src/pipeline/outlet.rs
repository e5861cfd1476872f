//! One sink, on its thread.

use std::future::{Future, poll_fn};
use std::mem::take;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use super::backlog::{Backlog, Item, Next};
use super::bell::Bell;
use super::book::SinkBook;
use super::catchup::{CatchUp, Found, READ_AGAIN};
use super::counters::LossReason;
use super::delivery::Delivery;
use super::ledger::Ledger;
use super::patience::{Patience, RetryLimits};
use super::tracker::Tracker;
use crate::batch::Batch;
use crate::clock::Clock;
use crate::diagnostics::{DiagnosticKind, Diagnostics};
use crate::error::Error;
use crate::facet::FacetSet;
use crate::id::{Ids, WriterId};
use crate::journal::DeadLetters;
use crate::narrow::Narrowed;
use crate::sink::{Durable, Remedy, Sink, SinkError, SinkLimits};
use crate::sync::{Arc, Runtime};

/// What the threads of sinks and the worker share.
#[derive(Clone, Debug)]
pub(crate) struct Common {
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) worker: Arc<Bell>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn Ids>,
    pub(crate) diagnostics: Diagnostics,
    pub(crate) own: WriterId,
}

/// What the journal does for one sink.
#[derive(Debug)]
pub(crate) struct Behind {
    pub(crate) catch_up: CatchUp,
    pub(crate) dead_letters: DeadLetters,
}

/// A sink with what it is doing: the state of its thread.
pub(crate) struct Outlet {
    index: usize,
    name: String,
    sink: Box<dyn Sink>,
    /// What of the events it does not get.
    withheld: FacetSet,
    limits: SinkLimits,
    runtime: Runtime,
    backlog: Arc<Backlog>,
    common: Common,
    retry: RetryLimits,
    patience: Patience,
    behind: Option<Behind>,
    delivery: Option<Delivery>,
    /// The writer whose batch the sink was given last.
    writer: WriterId,
    /// When the sink took something that it was not asked to make durable yet.
    took: Option<Duration>,
    /// The pause that the sink asked for, which nothing shortens.
    asked: Duration,
    /// Who waits for what the sink is saying.
    telling: Option<Arc<Tracker>>,
}

/// What to do before the next step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    GoOn,
    /// Nothing is queued; so long at most.
    Wait(Option<Duration>),
    /// A try failed.
    Pause(Duration),
    /// The sink is shut down, or given up.
    Done,
}

/// What a sink said to a flush or at its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    AllDurable,
    NotAllDurable,
    Failed,
    /// It was given up before it could say something.
    Nothing,
}

/// How a call of the sink ended.
enum Call {
    Returned(Result<Durable, SinkError>),
    Panicked,
    Aborted,
}

impl Outlet {
    /// # Errors
    ///
    /// When the system does not provide what a runtime needs.
    pub(crate) fn new(
        index: usize,
        sink: Narrowed,
        backlog: Arc<Backlog>,
        behind: Option<Behind>,
        common: Common,
        retry: RetryLimits,
    ) -> Result<Self, Error> {
        let Narrowed { sink, withheld } = sink;
        let name = sink.name().to_owned();
        let runtime = Runtime::new().map_err(|source| {
            Error::io(
                format!("failed to start the runtime of sink `{name}`"),
                source,
            )
        })?;
        Ok(Self {
            index,
            name,
            limits: sink.limits(),
            sink,
            withheld,
            runtime,
            backlog,
            writer: common.own,
            common,
            retry,
            patience: Patience::new(),
            behind,
            delivery: None,
            took: None,
            asked: Duration::ZERO,
            telling: None,
        })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    #[cfg(test)]
    pub(crate) fn backlog(&self) -> Arc<Backlog> {
        Arc::clone(&self.backlog)
    }

    /// Runs until the sink is shut down or given up.
    pub(crate) fn run(mut self) {
        if catch_unwind(AssertUnwindSafe(|| self.steps())).is_err() {
            catch_unwind(AssertUnwindSafe(|| self.fail())).ok();
        }
        // A destructor of the host's code ends with the thread, not beyond it.
        catch_unwind(AssertUnwindSafe(|| drop(self))).ok();
    }

    fn steps(&mut self) {
        loop {
            match self.step() {
                Step::GoOn => {}
                Step::Wait(at_most) => self.backlog.wait(at_most),
                Step::Pause(pause) => self.backlog.pause(pause, take(&mut self.asked)),
                Step::Done => return,
            }
        }
    }

    /// After a panic outside of the sink's calls, which would be a bug: the sink is given up, and who
    /// waits for it is told so.
    fn fail(&mut self) {
        let reason = LossReason::ShutdownDeadline;
        self.common
            .ledger
            .sink(self.index, |book| book.close(reason));
        let left = self.backlog.abort().into_iter();
        let left = left.filter_map(|item| item.tracker());
        for tracker in left.chain(self.telling.take()) {
            tracker.sink_said(self.index, false);
        }
        let message = format!(
            "sink `{}` gets nothing more before the next start, because of a defect in the log; \
             please report it",
            self.name
        );
        self.report(DiagnosticKind::Degraded, message);
    }

    /// Does one thing: one call of the sink at most.
    pub(crate) fn step(&mut self) -> Step {
        if self.backlog.is_aborted() {
            return Step::Done;
        }
        if let Some(delivery) = self.delivery.take() {
            return self.attempt(delivery);
        }
        if let Some(step) = self.catch_up() {
            return step;
        }
        match self.backlog.next() {
            Next::Abort => Step::Done,
            Next::Nothing => self.rest(),
            Next::Item(Item::Write(batch)) => {
                let memory = batch.memory();
                self.deliver(batch, memory)
            }
            Next::Item(Item::Skip(gap, total)) => {
                match &mut self.behind {
                    Some(behind) => behind.catch_up.fill(&gap, total),
                    None => {
                        self.common.ledger.sink(self.index, |book| {
                            book.lose(self.common.own, &[gap], LossReason::QueueFull);
                            book.done(self.common.own, gap.to);
                        });
                        self.common.worker.ring();
                    }
                }
                Step::GoOn
            }
            Next::Item(Item::Adopt(writer, seq)) => {
                if let Some(behind) = &mut self.behind {
                    behind.catch_up.adopt(writer, seq);
                }
                Step::GoOn
            }
            Next::Item(Item::Flush(tracker)) => {
                self.telling = tracker.upgrade();
                let said = self.flush();
                self.say(said);
                Step::GoOn
            }
            Next::Item(Item::Shutdown(tracker)) => {
                self.telling = Some(tracker);
                let call = Self::call(
                    &self.runtime,
                    &self.backlog,
                    Box::new(|| self.sink.shutdown()),
                );
                let said = self.conclude(call);
                self.say(said);
                Step::Done
            }
        }
    }

    /// Tells who asked what the sink said.
    fn say(&mut self, said: Said) {
        let telling = self.telling.take();
        if let Some(tracker) = telling.filter(|_| said != Said::Nothing) {
            tracker.sink_said(self.index, said == Said::AllDurable);
        }
    }

    /// Brings the sink the next of what only the journal's files hold.
    fn catch_up(&mut self) -> Option<Step> {
        let now = self.common.clock.monotonic();
        let found = self.behind.as_mut()?.catch_up.next(&self.limits, now);
        match found {
            Ok(Found::Nothing) => None,
            Ok(Found::Batch(batch)) => Some(self.deliver(batch, 0)),
            Ok(Found::Missing(events)) => {
                if events > 0 {
                    self.common.worker.ring();
                }
                Some(Step::GoOn)
            }
            Ok(Found::Gone(writer)) => {
                let message = format!(
                    "what sink `{}` may not have of writer {writer} is gone from the journal",
                    self.name
                );
                self.report(DiagnosticKind::EventsLost, message);
                Some(Step::GoOn)
            }
            Err(error) => {
                let message = format!(
                    "sink `{}` cannot be brought what it missed: {error}",
                    self.name
                );
                self.report(DiagnosticKind::Degraded, message);
                Some(Step::Pause(READ_AGAIN))
            }
        }
    }

    /// Nothing is to be done: has the sink make durable what it took, if it is at rest for long.
    fn rest(&mut self) -> Step {
        let now = self.common.clock.monotonic();
        let Some(took) = self.took else {
            let behind = self.behind.as_ref();
            return Step::Wait(behind.and_then(|behind| behind.catch_up.rest(now)));
        };
        let left = self
            .limits
            .idle_flush
            .saturating_sub(now.saturating_sub(took));
        if !left.is_zero() {
            return Step::Wait(Some(left));
        }
        self.flush();
        Step::GoOn
    }

    fn deliver(&mut self, batch: Batch, memory: usize) -> Step {
        self.common
            .ledger
            .sink(self.index, |book| book.begin(&batch));
        let now = self.common.clock.monotonic();
        self.attempt(Delivery::new(batch, memory, now))
    }

    fn attempt(&mut self, mut delivery: Delivery) -> Step {
        let Some(part) = delivery.part(&self.limits) else {
            self.backlog.release(delivery.memory);
            return Step::GoOn;
        };
        let left = self.common.ledger.sink(self.index, |book| book.left(&part));
        let Some(mut rest) = left.flatten() else {
            // It expired meanwhile.
            return self.go_on(delivery, None);
        };
        self.patience.begin();
        self.show_breaker();
        if rest.writer_id() != self.writer && self.took.is_some() {
            // What a sink says to be durable is of one writer at a time.
            match self.flush() {
                Said::Nothing => return Step::Done,
                Said::Failed => return self.pause(delivery, Duration::ZERO, Duration::ZERO),
                Said::AllDurable | Said::NotAllDurable => {}
            }
        }
        self.writer = rest.writer_id();
        let sent = rest.without(self.withheld);
        let call = Self::call(
            &self.runtime,
            &self.backlog,
            Box::new(|| self.sink.write(&sent)),
        );
        let (error, panicked) = match call {
            Call::Aborted => return Step::Done,
            Call::Returned(Ok(durable)) => {
                self.answered();
                self.settle(&rest, &|_| false, LossReason::SinkRejected, durable);
                self.took_part(&mut delivery);
                return self.go_on(delivery, None);
            }
            Call::Returned(Err(error)) => (error, false),
            Call::Panicked => (SinkError::retry("the sink panicked"), true),
        };
        self.failed();
        let lost = |seq| error.rejected().contains(&seq);
        let untried = error.from().unwrap_or(u64::MAX);
        let taken = rest.seqs().partition_point(|seq| *seq < untried);
        if error.from().is_some()
            && let (Some(head), tail) = rest.split_at(taken)
        {
            self.settle(&head, &lost, LossReason::SinkRejected, Durable::UNCHANGED);
            self.took_part(&mut delivery);
            let Some(tail) = tail else {
                return self.after(&error, delivery, None);
            };
            delivery.keep(Some(tail.clone()), self.common.clock.monotonic());
            rest = tail;
        }
        match error.remedy() {
            Remedy::Permanent => {
                self.answered();
                let step = self.refused(delivery, &rest, &error, LossReason::SinkRejected);
                return self.rest_as_asked(&error, step);
            }
            Remedy::Reject(_) if error.from().is_none() => {
                self.answered();
                self.tell(&error, "rejects events");
                self.settle(&rest, &lost, LossReason::SinkRejected, Durable::UNCHANGED);
                return self.after(&error, delivery, None);
            }
            Remedy::Retry | Remedy::Mend | Remedy::Reject(_) => {}
        }
        delivery.tries += 1;
        let age = self.common.clock.monotonic().saturating_sub(delivery.since);
        let no_tries = delivery.tries >= self.retry.tries;
        if panicked && (no_tries || delivery.suspect) {
            return self.refused(delivery, &rest, &error, LossReason::SinkExpired);
        }
        let given_up = no_tries || age >= self.retry.age;
        if self.behind.is_none() && given_up && !error.is_misconfigured() {
            self.tell(&error, "has no tries left for a batch");
            let reason = LossReason::SinkExpired;
            self.settle(&rest, &|_| true, reason, Durable::UNCHANGED);
            return self.go_on(delivery, None);
        }
        self.tell(&error, "fails and is tried again");
        self.pause(delivery, error.pause(), error.asked_pause())
    }

    /// Goes on as [`go_on`](Self::go_on) does, after the pause that `error` asks for.
    fn after(&mut self, error: &SinkError, delivery: Delivery, rest: Option<Batch>) -> Step {
        let step = self.go_on(delivery, rest);
        self.rest_as_asked(error, step)
    }

    fn rest_as_asked(&mut self, error: &SinkError, step: Step) -> Step {
        let rest = Patience::rest(error.asked_pause());
        self.asked = rest.unwrap_or_default();
        rest.map_or(step, Step::Pause)
    }

    /// Pauses for at least `least`, and whoever is in a hurry for at least `asked`.
    fn pause(&mut self, delivery: Delivery, least: Duration, asked: Duration) -> Step {
        let pause = self.patience.fail(least, self.common.ids.unique());
        self.show_breaker();
        self.delivery = Some(delivery);
        self.asked = Patience::rest(asked).unwrap_or_default();
        Step::Pause(pause)
    }

    /// The part will never be taken as it is: looks in its halves for what is to blame, or gives it
    /// up.
    fn refused(
        &mut self,
        mut delivery: Delivery,
        rest: &Batch,
        error: &SinkError,
        reason: LossReason,
    ) -> Step {
        // A sink that turns everything away is not asked about each event; of one that took a part
        // only some events are to blame.
        if rest.len() > 1 && (delivery.taken || self.patience.spend()) {
            delivery.spent += u32::from(!delivery.taken);
            delivery.bisect();
            self.delivery = Some(delivery);
            return Step::GoOn;
        }
        self.tell(error, "does not take events, which are given up");
        self.settle(rest, &|_| true, reason, Durable::UNCHANGED);
        self.go_on(delivery, None)
    }

    /// The sink takes parts of this delivery: to divide it costs none of the budget.
    fn took_part(&mut self, delivery: &mut Delivery) {
        delivery.taken = true;
        self.patience.refund(take(&mut delivery.spent));
    }

    /// The part that was tried has its fate, save for `rest`.
    fn go_on(&mut self, mut delivery: Delivery, rest: Option<Batch>) -> Step {
        delivery.keep(rest, self.common.clock.monotonic());
        if delivery.is_over() {
            self.backlog.release(delivery.memory);
        } else {
            self.delivery = Some(delivery);
        }
        Step::GoOn
    }

    /// Books what became of a part: lost, as `lost` says, or taken.
    fn settle(
        &mut self,
        rest: &Batch,
        lost: &dyn Fn(u64) -> bool,
        reason: LossReason,
        durable: Durable,
    ) {
        let any_lost = rest.seqs().iter().any(|seq| lost(*seq));
        let kept = any_lost && self.keep(rest.filter(lost));
        let writer = rest.writer_id();
        let all_durable = self.common.ledger.sink(self.index, |book| {
            if let Some(left) = book.left(rest) {
                book.take(writer, left.runs(|seq| !lost(seq)));
                let gaps = left.gaps(lost);
                book.lose(writer, &gaps, reason);
                if kept {
                    let hosts = gaps.iter().map(|gap| gap.count.hosts);
                    book.counters_mut().dead_lettered += hosts.sum::<u64>();
                }
                book.done(writer, left.last_seq());
            }
            if let Some(up_to) = durable.up_to {
                book.durable(durable.writer_id.unwrap_or(writer), up_to);
            }
            book.all_durable()
        });
        let now = self.common.clock.monotonic();
        self.took = (all_durable == Some(false)).then_some(now);
        if any_lost {
            self.common.worker.ring();
        }
    }

    /// Keeps among the dead letters what the sink never took; returns whether that worked.
    fn keep(&self, batch: Option<Batch>) -> bool {
        let Some(behind) = &self.behind else {
            return false;
        };
        let Some(sent) = batch.map(|batch| batch.without(self.withheld)) else {
            return false;
        };
        let kept = behind.dead_letters.keep(&self.name, &sent);
        if let Err(error) = &kept {
            let message = format!(
                "events that sink `{}` does not take could not be kept as dead letters: {error}",
                self.name
            );
            self.report(DiagnosticKind::Degraded, message);
        }
        kept.is_ok()
    }

    /// Has the sink make durable what it took.
    fn flush(&mut self) -> Said {
        let call = Self::call(&self.runtime, &self.backlog, Box::new(|| self.sink.flush()));
        self.conclude(call)
    }

    /// Takes in the answer to a flush or a shutdown.
    fn conclude(&mut self, call: Call) -> Said {
        let error = match call {
            Call::Aborted => return Said::Nothing,
            Call::Returned(Ok(durable)) => {
                let writer = durable.writer_id.unwrap_or(self.writer);
                let said = self.common.ledger.sink(self.index, |book| {
                    if let Some(up_to) = durable.up_to {
                        book.durable(writer, up_to);
                    }
                    book.all_durable()
                });
                self.common.worker.ring();
                self.took = None;
                return match said {
                    Some(true) => Said::AllDurable,
                    _ => Said::NotAllDurable,
                };
            }
            Call::Returned(Err(error)) => error,
            Call::Panicked => SinkError::permanent("the sink panicked"),
        };
        self.failed();
        self.tell(&error, "does not make everything durable");
        // An idle sink is asked again later.
        self.took = self.took.map(|_| self.common.clock.monotonic());
        Said::Failed
    }

    fn failed(&self) {
        let count = |book: &mut SinkBook| book.counters_mut().failures += 1;
        self.common.ledger.sink(self.index, count);
    }

    /// The sink is there, whatever it said of the events.
    fn answered(&mut self) {
        self.patience.succeed();
        self.show_breaker();
    }

    fn show_breaker(&self) {
        let state = self.patience.state();
        let show = |book: &mut SinkBook| book.counters_mut().breaker = state;
        self.common.ledger.sink(self.index, show);
    }

    fn tell(&self, error: &SinkError, what: &str) {
        let message = format!("sink `{}` {what}: {error}", self.name);
        let kind = if error.is_misconfigured() {
            DiagnosticKind::SinkMisconfigured
        } else {
            DiagnosticKind::SinkFailing
        };
        self.report(kind, message);
    }

    fn report(&self, kind: DiagnosticKind, message: String) {
        self.common.diagnostics.report(kind, message);
    }

    fn call<F>(runtime: &Runtime, backlog: &Backlog, call: Box<dyn FnOnce() -> F + '_>) -> Call
    where
        F: Future<Output = Result<Durable, SinkError>>,
    {
        // The sink is the host's code: whatever state a panic left it in, it is asked again.
        let result = catch_unwind(AssertUnwindSafe(|| {
            runtime.block_on(async {
                let mut call = pin!(call());
                let mut aborted = pin!(backlog.until_aborted());
                poll_fn(|context| match call.as_mut().poll(context) {
                    Poll::Ready(result) => Poll::Ready(Call::Returned(result)),
                    Poll::Pending => aborted.as_mut().poll(context).map(|()| Call::Aborted),
                })
                .await
            })
        }));
        result.unwrap_or(Call::Panicked)
    }
}
