//! One sink, on its thread.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

use super::backlog::{Backlog, Item, Next};
use super::bell::Bell;
use super::counters::LossReason;
use super::ledger::{Gap, Ledger};
use super::tracker::Tracker;
use crate::batch::Batch;
use crate::clock::Clock;
use crate::diagnostics::{DiagnosticKind, Diagnostics};
use crate::error::Error;
use crate::id::Ids;
use crate::sink::{Durable, Remedy, Sink, SinkError};
use crate::sync::Arc;

const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// A sink that asks for a longer pause is asked again after this one.
const LONGEST_ASKED_PAUSE: Duration = Duration::from_secs(300);
/// How often a batch is tried before it is lost to the sink.
const MOST_TRIES: u32 = 12;
/// How old a batch becomes before it is lost to the sink.
const OLDEST: Duration = Duration::from_secs(600);

/// How long a batch is tried before it is lost to a sink.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RetryLimits {
    pub(crate) tries: u32,
    pub(crate) age: Duration,
}

impl Default for RetryLimits {
    fn default() -> Self {
        Self {
            tries: MOST_TRIES,
            age: OLDEST,
        }
    }
}

/// What the threads of sinks and the worker share.
#[derive(Clone, Debug)]
pub(crate) struct Common {
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) worker: Arc<Bell>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn Ids>,
    pub(crate) diagnostics: Diagnostics,
}

/// A sink with what it is doing: the state of its thread.
pub(crate) struct Outlet {
    index: usize,
    name: String,
    sink: Box<dyn Sink>,
    runtime: Runtime,
    backlog: Arc<Backlog>,
    common: Common,
    limits: RetryLimits,
    delivery: Option<Delivery>,
}

/// A batch that the sink did not take yet.
struct Delivery {
    rest: Batch,
    memory: usize,
    tries: u32,
    since: Duration,
}

/// What to do before the next step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    GoOn,
    /// Nothing is queued.
    Wait,
    /// A try failed.
    Pause(Duration),
    /// The sink is shut down, or given up.
    Done,
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
        sink: Box<dyn Sink>,
        backlog: Arc<Backlog>,
        common: Common,
        limits: RetryLimits,
    ) -> Result<Self, Error> {
        let name = sink.name().to_owned();
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|source| {
            Error::io(
                format!("failed to start the runtime of sink `{name}`"),
                source,
            )
        })?;
        Ok(Self {
            index,
            name,
            sink,
            runtime,
            backlog,
            common,
            limits,
            delivery: None,
        })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Runs until the sink is shut down or given up.
    pub(crate) fn run(mut self) {
        loop {
            match self.step() {
                Step::GoOn => {}
                Step::Wait => self.backlog.wait(),
                Step::Pause(pause) => self.backlog.pause(pause),
                Step::Done => break,
            }
        }
        // A destructor of the host's code ends with the thread, not beyond it.
        catch_unwind(AssertUnwindSafe(|| drop(self))).ok();
    }

    /// Does one thing: one call of the sink at most.
    pub(crate) fn step(&mut self) -> Step {
        if self.backlog.is_aborted() {
            return Step::Done;
        }
        if let Some(delivery) = self.delivery.take() {
            return self.attempt(delivery);
        }
        match self.backlog.next() {
            Next::Abort => Step::Done,
            Next::Nothing => Step::Wait,
            Next::Item(Item::Write(batch)) => {
                let since = self.common.clock.monotonic();
                self.attempt(Delivery {
                    memory: batch.memory(),
                    rest: batch,
                    tries: 0,
                    since,
                })
            }
            Next::Item(Item::Skip(gap)) => {
                self.lose(&[gap], LossReason::QueueFull, gap.to);
                Step::GoOn
            }
            Next::Item(Item::Flush(tracker)) => {
                let call = Self::call(&self.runtime, &self.backlog, || self.sink.flush());
                self.conclude(call, &tracker);
                Step::GoOn
            }
            Next::Item(Item::Shutdown(tracker)) => {
                let call = Self::call(&self.runtime, &self.backlog, || self.sink.shutdown());
                self.conclude(call, &tracker);
                Step::Done
            }
        }
    }

    fn attempt(&mut self, mut delivery: Delivery) -> Step {
        let rest = &delivery.rest;
        let call = Self::call(&self.runtime, &self.backlog, || self.sink.write(rest));
        let last = rest.last_seq();
        let error = match call {
            Call::Aborted => return Step::Done,
            Call::Returned(Ok(durable)) => {
                self.taken(rest, |_| true, durable, last);
                return self.over(&delivery);
            }
            Call::Returned(Err(error)) => error,
            Call::Panicked => SinkError::retry("the sink panicked"),
        };
        self.common.ledger.sink(self.index, |book| book.fail());
        let asked = match error.remedy() {
            Remedy::Permanent => {
                self.tell(&error, "gives up a batch");
                self.lose(&[Gap::of(rest)], LossReason::SinkRejected, last);
                return self.over(&delivery);
            }
            Remedy::Reject(seqs) => {
                self.tell(&error, "rejects events");
                let gaps = rest.gaps(|seq| seqs.contains(&seq));
                self.taken(rest, |seq| !seqs.contains(&seq), Durable::UNCHANGED, 0);
                self.lose(&gaps, LossReason::SinkRejected, last);
                return self.over(&delivery);
            }
            Remedy::Retry { from, after } => {
                if let Some(from) = from.filter(|from| *from > rest.first_seq()) {
                    self.taken(rest, |seq| seq < from, Durable::UNCHANGED, from - 1);
                    let Some(left) = rest.starting_at(from) else {
                        return self.over(&delivery);
                    };
                    delivery.rest = left;
                    delivery.tries = 0;
                    delivery.since = self.common.clock.monotonic();
                }
                after.unwrap_or_default()
            }
        };
        delivery.tries += 1;
        let age = self.common.clock.monotonic().saturating_sub(delivery.since);
        if delivery.tries >= self.limits.tries || age >= self.limits.age {
            self.tell(&error, "has no tries left for a batch");
            self.lose(&[Gap::of(&delivery.rest)], LossReason::SinkExpired, last);
            return self.over(&delivery);
        }
        self.tell(&error, "fails and is tried again");
        let pause = self
            .pause(delivery.tries)
            .max(asked.min(LONGEST_ASKED_PAUSE));
        self.delivery = Some(delivery);
        Step::Pause(pause)
    }

    /// Full jitter: anything from nothing to a bound that doubles with each try.
    fn pause(&self, tries: u32) -> Duration {
        let doubled = FIRST_PAUSE.saturating_mul(1 << (tries - 1).min(16));
        let bound = u64::try_from(doubled.min(LONGEST_PAUSE).as_micros()).unwrap_or(u64::MAX);
        // The lowest bits of an identifier are as good as random here.
        let random = self.common.ids.unique() as u64;
        Duration::from_micros(random % (bound + 1))
    }

    fn over(&self, delivery: &Delivery) -> Step {
        self.backlog.release(delivery.memory);
        Step::GoOn
    }

    fn taken(&self, batch: &Batch, which: impl Fn(u64) -> bool, durable: Durable, done: u64) {
        let runs = batch.runs(which);
        self.common.ledger.sink(self.index, |book| {
            book.take(runs);
            book.done(done);
            if let Some(up_to) = durable.up_to {
                book.durable(up_to);
            }
        });
    }

    fn lose(&self, gaps: &[Gap], reason: LossReason, done: u64) {
        self.common.ledger.sink(self.index, |book| {
            book.lose(gaps, reason);
            book.done(done);
        });
        self.common.worker.ring();
    }

    /// Takes in the answer to a flush or a shutdown.
    fn conclude(&self, call: Call, tracker: &Tracker) {
        let error = match call {
            Call::Aborted => return,
            Call::Returned(Ok(durable)) => {
                let said = self.common.ledger.sink(self.index, |book| {
                    if let Some(up_to) = durable.up_to {
                        book.durable(up_to);
                    }
                    book.all_durable()
                });
                self.common.worker.ring();
                return tracker.sink_said(self.index, said.unwrap_or(false));
            }
            Call::Returned(Err(error)) => error,
            Call::Panicked => SinkError::permanent("the sink panicked"),
        };
        self.common.ledger.sink(self.index, |book| book.fail());
        self.tell(&error, "does not make everything durable");
        tracker.sink_said(self.index, false);
    }

    fn tell(&self, error: &SinkError, what: &str) {
        let message = format!("sink `{}` {what}: {error}", self.name);
        self.common
            .diagnostics
            .report(DiagnosticKind::SinkFailing, message);
    }

    fn call<F>(runtime: &Runtime, backlog: &Backlog, call: impl FnOnce() -> F) -> Call
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
