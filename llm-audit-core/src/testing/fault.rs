//! A sink that fails as a test says.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Notify;

use crate::batch::Batch;
use crate::clock::Clock;
use crate::sink::{Durable, Remedy, Sink, SinkError};
use crate::sync::{Arc, Mutex, lock};

/// A sink named `fault` that answers its first writes as a script says and takes everything after.
/// Clones share the script and what was received.
///
/// Each method that is named after an answer adds it to the end of the script.
///
/// # Examples
///
/// ```
/// use llm_audit_core::testing::{FaultSink, SequentialIds, probe_with};
/// use llm_audit_core::{Operation, Policy, Preset, builder};
///
/// let sink = FaultSink::new().retry(3).panics();
/// let policy = Policy::preset(Preset::Operations)?;
/// // With these ids the pauses between tries are next to nothing.
/// let log = builder().policy(policy).sink(sink.clone()).ids(SequentialIds::new());
/// let (audit, probe) = probe_with(log)?;
/// audit.begin(Operation::Chat).finish();
/// probe.events();
/// let counters = audit.counters();
/// assert_eq!((counters.sinks[0].failures, counters.sinks[0].lost()), (4, 0));
/// assert!(sink.received().len() > sink.taken().len() / 2);
/// # Ok::<(), llm_audit_core::Error>(())
/// ```
#[derive(Clone)]
pub struct FaultSink {
    name: String,
    clock: Option<Arc<dyn Clock>>,
    released: Arc<Notify>,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    script: VecDeque<Answer>,
    flush_failures: u32,
    lags: bool,
    received: Vec<Batch>,
    taken: Vec<u64>,
    flushes: u64,
    is_shut_down: bool,
}

enum Answer {
    Take,
    Fail(SinkError),
    Panic,
    Hang,
    Slow(Duration),
}

/// How often a slow sink looks at the clock.
const LOOK_EVERY: Duration = Duration::from_millis(1);

impl FaultSink {
    /// Returns a sink that takes everything.
    pub fn new() -> Self {
        Self::named("fault")
    }

    /// Returns a sink with another name that takes everything.
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            clock: None,
            released: Arc::default(),
            state: Arc::default(),
        }
    }

    /// Adds writes that are taken.
    #[must_use]
    pub fn takes(self, count: usize) -> Self {
        self.answers((0..count).map(|_| Answer::Take))
    }

    /// Adds writes of which nothing is taken and that ask for another try.
    #[must_use]
    pub fn retry(self, count: usize) -> Self {
        self.fails(count, &SinkError::retry("busy"))
    }

    /// Adds a write that takes the events numbered below `seq` and asks for another try of the
    /// rest.
    #[must_use]
    pub fn retry_from(self, seq: u64) -> Self {
        self.fails(1, &SinkError::retry("busy").from_seq(seq))
    }

    /// Adds a write that asks for another try no sooner than after `pause`.
    #[must_use]
    pub fn retry_after(self, pause: Duration) -> Self {
        self.fails(1, &SinkError::retry("busy").after(pause))
    }

    /// Adds a write that takes all but the events numbered `seqs`, which it turns away.
    #[must_use]
    pub fn rejects(self, seqs: impl IntoIterator<Item = u64>) -> Self {
        self.fails(1, &SinkError::reject(seqs, "too strange"))
    }

    /// Adds a write that gives the batch up.
    #[must_use]
    pub fn gives_up(self) -> Self {
        self.fails(1, &SinkError::permanent("never"))
    }

    /// Adds writes that fail with `error`.
    #[must_use]
    pub fn fails(self, count: usize, error: &SinkError) -> Self {
        self.answers((0..count).map(|_| Answer::Fail(error.clone())))
    }

    /// Adds a write that panics.
    #[must_use]
    pub fn panics(self) -> Self {
        self.answers([Answer::Panic])
    }

    /// Adds a write that is taken once [`FaultSink::release`] was called.
    #[must_use]
    pub fn hangs(self) -> Self {
        self.answers([Answer::Hang])
    }

    /// Adds a write that is taken once `clock` has gone on by `time`.
    #[must_use]
    pub fn slow(mut self, clock: impl Clock, time: Duration) -> Self {
        self.clock = Some(Arc::new(clock));
        self.answers([Answer::Slow(time)])
    }

    /// Lets the first flushes fail.
    #[must_use]
    pub fn flush_fails(self, count: u32) -> Self {
        lock(&self.state).flush_failures = count;
        self
    }

    /// Makes nothing durable before a flush.
    #[must_use]
    pub fn lags(self) -> Self {
        lock(&self.state).lags = true;
        self
    }

    /// Lets one write that hangs go on, be it now or later.
    pub fn release(&self) {
        self.released.notify_one();
    }

    /// Returns every batch that came, also those that were not taken.
    pub fn received(&self) -> Vec<Batch> {
        lock(&self.state).received.clone()
    }

    /// Returns the numbers of the events that were taken, in the order in which they were.
    pub fn taken(&self) -> Vec<u64> {
        lock(&self.state).taken.clone()
    }

    /// Returns how often the sink was asked to flush.
    pub fn flushes(&self) -> u64 {
        lock(&self.state).flushes
    }

    /// Returns whether the sink was shut down.
    pub fn is_shut_down(&self) -> bool {
        lock(&self.state).is_shut_down
    }

    fn answers(self, answers: impl IntoIterator<Item = Answer>) -> Self {
        lock(&self.state).script.extend(answers);
        self
    }

    fn take(&self, batch: &Batch, which: impl Fn(u64) -> bool) -> Durable {
        let mut state = lock(&self.state);
        let seqs = batch.seqs().iter().copied();
        state.taken.extend(seqs.filter(|seq| which(*seq)));
        if state.lags {
            Durable::UNCHANGED
        } else {
            state.durable()
        }
    }

    async fn passed(&self, time: Duration) {
        let Some(clock) = &self.clock else { return };
        let until = clock.monotonic().saturating_add(time);
        while clock.monotonic() < until {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

impl State {
    fn durable(&self) -> Durable {
        let last = self.taken.iter().max();
        last.map_or(Durable::UNCHANGED, |seq| Durable::up_to(*seq))
    }
}

impl Default for FaultSink {
    fn default() -> Self {
        Self::new()
    }
}

/// Shows the name and counts, never an event.
impl fmt::Debug for FaultSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = lock(&self.state);
        f.debug_struct("FaultSink")
            .field("name", &self.name)
            .field("script", &state.script.len())
            .field("received", &state.received.len())
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Sink for FaultSink {
    fn name(&self) -> &str {
        &self.name
    }

    #[expect(clippy::panic, reason = "as the script says")]
    async fn write(&mut self, batch: &Batch) -> Result<Durable, SinkError> {
        let answer = {
            let mut state = lock(&self.state);
            state.received.push(batch.clone());
            state.script.pop_front().unwrap_or(Answer::Take)
        };
        match answer {
            Answer::Take => {}
            Answer::Panic => panic!("as the script says"),
            Answer::Hang => self.released.notified().await,
            Answer::Slow(time) => self.passed(time).await,
            Answer::Fail(error) => {
                let whole = matches!(error.remedy(), Remedy::Reject(_));
                let taken_to = error.from().unwrap_or(if whole { u64::MAX } else { 0 });
                let rejected = error.rejected();
                self.take(batch, |seq| seq < taken_to && !rejected.contains(&seq));
                return Err(error);
            }
        }
        Ok(self.take(batch, |_| true))
    }

    async fn flush(&mut self) -> Result<Durable, SinkError> {
        let mut state = lock(&self.state);
        state.flushes += 1;
        if state.flush_failures > 0 {
            state.flush_failures -= 1;
            return Err(SinkError::retry("busy"));
        }
        Ok(state.durable())
    }

    async fn shutdown(&mut self) -> Result<Durable, SinkError> {
        let mut state = lock(&self.state);
        state.is_shut_down = true;
        Ok(state.durable())
    }
}
