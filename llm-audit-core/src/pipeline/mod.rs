//! From the host's threads to the journal and the sinks.
//!
//! ```text
//! admit ──► lanes ──► worker: drain, seal, encode, journal ──► backlog ──► sink
//!  host's threads │ thread `llm-audit`                       │ a thread for each sink
//! ```
//!
//! Every event that is admitted is at any moment pending, written, or lost with a reason; the
//! [`ledger`] holds the sums. Every number that is drawn is in the log or in exactly one `loss`
//! event, save when the log ends on a disk that takes nothing any more.

mod asks;
mod assemble;
mod backlog;
mod bell;
mod book;
mod budget;
mod catchup;
mod chunk;
mod control;
mod counters;
mod cursors;
mod deadlines;
mod delivery;
mod ending;
mod fanout;
mod lanes;
mod ledger;
mod log;
mod loss;
mod outlet;
mod own;
mod patience;
mod pool;
mod removed;
mod reply;
mod report;
mod seal;
mod status;
mod stream;
mod survey;
#[cfg(test)]
mod tests;
mod tracker;
mod worker;
mod writing;

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use assemble::assemble;
use backlog::Backlog;
use bell::Bell;
use catchup::CatchUp;
use control::Control;
use deadlines::Deadlines;
use fanout::Fanout;
use lanes::Lanes;
use ledger::Ledger;
use log::Disk;
use outlet::{Behind, Common};
use reply::Waiter;
use tracker::Tracker;
use worker::{Entry, Worker};

use crate::clock::Clock;
use crate::diagnostics::{DiagnosticKind, Diagnostics, is_inside};
use crate::error::Error;
use crate::id::{Ids, WriterId};
use crate::inspect::Tally;
use crate::journal::SinkStart;
use crate::journal::SyncStatus;
use crate::narrow::Narrowed;
use crate::process::Process;
use crate::sync::{Arc, AtomicBool, AtomicU64, Ordering, thread};

pub(crate) use asks::Ask;
pub use budget::Overflow;
pub(crate) use budget::{Budget, Slot};
pub use counters::{Breaker, Counters, LossCounts, LossReason, SinkCounters};
pub(crate) use deadlines::Limit;
pub(crate) use log::{JournalLog, Log};
pub(crate) use own::OwnEvent;
pub(crate) use patience::RetryLimits;
pub(crate) use pool::{Pool, Reusable};
pub(crate) use reply::{Failure, Goal, Reply};
pub use report::Report;
pub(crate) use seal::{Raw, Seal, Sealed};
pub(crate) use status::FORKED;
pub(crate) use stream::{Count, Gap, Run};

/// The number of a log's first event.
const FIRST_SEQ: u64 = 1;
/// How much longer than its deadline a shutdown waits for the worker to count what is lost.
const GRACE: Duration = Duration::from_millis(100);
/// How long dropping the last handle may take.
const DROP_DEADLINE: Duration = Duration::from_secs(5);
/// Bytes that wait for one sink.
const SINK_BACKLOG_BYTES: usize = 16 << 20;

/// What a pipeline needs besides the sealer and the outputs.
pub(crate) struct PipelineConfig {
    pub(crate) overflow: Overflow,
    /// Bytes on their way from the host to the journal, and of open interactions.
    pub(crate) max_bytes: usize,
    /// Events on their way from the host to the journal.
    pub(crate) max_events: usize,
    /// Bytes that wait for one sink.
    pub(crate) sink_backlog_bytes: usize,
    pub(crate) retry: RetryLimits,
    /// Sinks that get what the journal holds already when it does not know them.
    pub(crate) from_start: BTreeSet<String>,
    pub(crate) writer_id: WriterId,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn Ids>,
    pub(crate) diagnostics: Diagnostics,
    /// How often the diagnostics are told the counters.
    pub(crate) counters_every: Option<Duration>,
    /// The process that may write; a forked child may not.
    pub(crate) process: Process,
    /// What inspectors count.
    pub(crate) inspections: Tally,
}

impl PipelineConfig {
    pub(crate) fn new(
        writer_id: WriterId,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
        diagnostics: Diagnostics,
    ) -> Self {
        Self {
            overflow: Overflow::default(),
            max_bytes: 64 << 20,
            max_events: 8_192,
            sink_backlog_bytes: SINK_BACKLOG_BYTES,
            retry: RetryLimits::default(),
            from_start: BTreeSet::new(),
            writer_id,
            clock,
            ids,
            process: diagnostics.process().clone(),
            counters_every: None,
            diagnostics,
            inspections: Tally::default(),
        }
    }
}

/// Why an event was not admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It is lost, and counted.
    Lost(LossReason),
    /// A sink or a diagnostics hook handed it in: it is no event of the host.
    Reentrant,
}

/// A running pipeline. Dropping it shuts it down within five seconds.
pub(crate) struct Pipeline<S: Seal> {
    shared: Arc<Shared<S>>,
}

/// What the host's threads and the worker share.
struct Shared<S: Seal> {
    lanes: Lanes<Entry<S::Raw>>,
    ledger: Arc<Ledger>,
    budget: Arc<Budget>,
    bell: Arc<Bell>,
    control: Control,
    pool: Pool<S::Spare>,
    disk: Option<Arc<dyn Disk>>,
    sinks: Vec<String>,
    backlogs: Vec<Arc<Backlog>>,
    max_events: u64,
    writer_id: WriterId,
    clock: Arc<dyn Clock>,
    diagnostics: Diagnostics,
    process: Process,
    forked: AtomicU64,
    reentrant: AtomicU64,
    /// Whether the journal takes nothing for the time being.
    degraded: AtomicBool,
    /// Whether it takes everything, and cannot go on so for ever.
    troubled: AtomicBool,
    /// Whether files are being looked through for what has expired, because somebody asked for it.
    expiring: AtomicBool,
    redaction_nanos: AtomicU64,
    inspections: Tally,
    /// Values that could not be redacted.
    withheld: AtomicU64,
    deadlines: Arc<Deadlines>,
}

impl<S: Seal> Pipeline<S> {
    /// Starts the worker and the sinks. `opening` become the first events of the log.
    ///
    /// # Errors
    ///
    /// `is_configuration` when there is neither journal nor sink, or two sinks have one name;
    /// `is_io` when a thread does not start.
    pub(crate) fn spawn(
        config: PipelineConfig,
        sealer: S,
        log: Option<Box<dyn Log>>,
        sinks: Vec<Narrowed>,
        opening: Vec<OwnEvent>,
    ) -> Result<Arc<Self>, Error> {
        let (shared, worker, outlets) = assemble(config, sealer, log, sinks, opening)?;
        worker.fanout().spawn(outlets)?;
        let thread = thread::Builder::new().name("llm-audit".to_owned());
        // A worker that does not start is dropped, and its sinks with it.
        let started = thread.spawn(move || worker.run());
        started.map_err(|source| Error::io("failed to start the thread `llm-audit`", source))?;
        Ok(Arc::new(Self { shared }))
    }

    /// Hands in an event of the host and returns its number. `slot` is room that was taken when
    /// the interaction began.
    ///
    /// It waits for room as [`Overflow`] says, and for nothing else.
    pub(crate) fn admit(&self, raw: S::Raw, slot: Option<Slot>) -> Result<u64, Refusal> {
        self.push(raw, slot, None)
    }

    /// Hands in an event of the host, and returns what will say when `goal` is reached.
    pub(crate) fn admit_for(
        &self,
        raw: S::Raw,
        slot: Option<Slot>,
        goal: Goal,
    ) -> Result<Reply, Refusal> {
        let (waiter, reply) = reply::reply();
        self.push(raw, slot, Some((goal, waiter)))?;
        // Whoever waits does not wait for the next tick.
        self.shared.bell.ring();
        Ok(reply)
    }

    /// Returns the room that events and open interactions share.
    pub(crate) fn budget(&self) -> &Arc<Budget> {
        &self.shared.budget
    }

    /// Returns buffers of sealed events, to be used again.
    pub(crate) fn pool(&self) -> &Pool<S::Spare> {
        &self.shared.pool
    }

    /// Hands in an event of the log itself; it is dropped when the log has ended.
    pub(crate) fn own(&self, event: OwnEvent) {
        if !self.is_forked() && self.shared.control.ask(|requests| requests.own.push(event)) {
            self.shared.bell.ring();
        }
    }

    /// Returns whether there is a journal, which has files to look after.
    pub(crate) fn has_journal(&self) -> bool {
        self.shared.disk.is_some()
    }

    /// Returns what became of the events so far.
    pub(crate) fn counters(&self) -> Counters {
        let shared = &self.shared;
        if self.is_forked() {
            // The parent's locks may be held by threads that this process does not have.
            let forked = shared.forked.load(Ordering::Relaxed);
            let mut counters = Counters {
                admitted: forked,
                ..Counters::default()
            };
            counters.lost_by_reason.add(LossReason::Forked, forked);
            return counters;
        }
        shared.counters()
    }

    /// Writes everything handed in before, has it synchronised, and has the sinks make it durable;
    /// returns after `timeout` at the latest with what was achieved.
    pub(crate) fn flush(&self, timeout: Duration) -> Report {
        let shared = &self.shared;
        if self.is_forked() || is_inside() {
            return self.report(&tracker::Progress::default(), None);
        }
        let tracker = Arc::new(Tracker::new(shared.sinks.len()));
        if !shared.control.flush(&tracker) {
            return self.after_the_end();
        }
        shared.bell.ring();
        let start = shared.clock.monotonic();
        let left = || timeout.saturating_sub(shared.clock.monotonic().saturating_sub(start));
        let progress = tracker.wait(timeout, |progress| {
            progress.ended || progress.settled.is_some()
        });
        if progress.ended {
            return self.after_the_end();
        }
        let synced = shared.disk.as_ref().map(|disk| {
            let settled = progress.settled.is_some();
            settled && self.sync(&**disk, left)
        });
        let progress = tracker.wait(left(), |progress| {
            progress.ended || progress.settled.is_some() && progress.all_said()
        });
        if progress.ended {
            return self.after_the_end();
        }
        self.report(&progress, synced)
    }

    /// Ends the log: writes and delivers what it can until `timeout`, counts the rest as lost, and
    /// returns a tenth of a second later at the latest. Every call after the first returns what
    /// the first achieved.
    pub(crate) fn shutdown(&self, timeout: Duration) -> Report {
        let shared = &self.shared;
        if self.is_forked() || is_inside() {
            return self.report(&tracker::Progress::default(), None);
        }
        let deadline = shared.clock.monotonic().saturating_add(timeout);
        let tracker = Tracker::new(shared.sinks.len());
        let tracker = shared.control.shut_down(deadline, tracker);
        shared.bell.ring();
        let at_most = timeout.saturating_add(GRACE);
        let progress = tracker.wait(at_most, |progress| progress.ended);
        let synced = shared.disk.as_ref().map(|_| progress.synced == Some(true));
        self.report(&progress, synced)
    }

    /// Flushes without blocking: a short-lived thread waits.
    pub(crate) fn flush_async(
        self: &Arc<Self>,
        timeout: Duration,
    ) -> impl Future<Output = Report> + Send {
        self.on_thread(move |pipeline| pipeline.flush(timeout))
    }

    /// Shuts down without blocking: a short-lived thread waits.
    pub(crate) fn shutdown_async(
        self: &Arc<Self>,
        timeout: Duration,
    ) -> impl Future<Output = Report> + Send {
        self.on_thread(move |pipeline| pipeline.shutdown(timeout))
    }

    fn on_thread<F>(self: &Arc<Self>, wait: F) -> impl Future<Output = Report> + Send + use<S, F>
    where
        F: FnOnce(&Self) -> Report + Send + 'static,
    {
        let (answer, report) = tokio::sync::oneshot::channel();
        let pipeline = Arc::clone(self);
        // A forked child waits for nothing, and is to start no thread.
        let started = !self.is_forked() && {
            let thread = thread::Builder::new().name("llm-audit-wait".to_owned());
            let run = move || answer.send(wait(&pipeline)).ok();
            thread.spawn(run).is_ok()
        };
        let pipeline = Arc::clone(self);
        async move {
            let report = if started { report.await.ok() } else { None };
            report.unwrap_or_else(|| pipeline.report(&tracker::Progress::default(), None))
        }
    }

    fn push(
        &self,
        raw: S::Raw,
        slot: Option<Slot>,
        waiter: Option<(Goal, Waiter)>,
    ) -> Result<u64, Refusal> {
        let shared = &self.shared;
        if self.is_forked() {
            return Err(Refusal::Lost(self.refuse_forked()));
        }
        let bytes = raw.reserved_bytes();
        if is_inside() {
            shared.budget.release_bytes(bytes);
            self.tell_reentrance();
            return Err(Refusal::Reentrant);
        }
        let slot = match slot.map_or_else(|| shared.budget.reserve_event(), Ok) {
            Ok(slot) => slot,
            Err(reason) => {
                shared.budget.release_bytes(bytes);
                let wake = shared.lanes.refuse(reason, bytes);
                if wake == Some(true) {
                    shared.bell.ring();
                }
                let reason = wake.map_or(LossReason::ShutdownDeadline, |_| reason);
                return Err(Refusal::Lost(reason));
            }
        };
        shared.budget.hand_in(bytes);
        match shared.lanes.push(Entry { raw, waiter }) {
            Ok(place) => {
                slot.fill();
                if place.wake {
                    shared.bell.ring();
                }
                Ok(place.seq)
            }
            Err(_) => {
                shared.budget.turn_away(bytes);
                Err(Refusal::Lost(LossReason::ShutdownDeadline))
            }
        }
    }

    /// Counts an event of a forked child. No lock is taken: its holder may not exist there.
    fn refuse_forked(&self) -> LossReason {
        self.shared.forked.fetch_add(1, Ordering::Relaxed);
        LossReason::Forked
    }

    /// Waits for the disk; what it failed to take is written to another file meanwhile.
    fn sync(&self, disk: &dyn Disk, left: impl Fn() -> Duration) -> bool {
        while disk.sync(left()).is_err() {
            let is_over = left().is_zero() || disk.status().owed.is_empty();
            if is_over {
                return false;
            }
            self.shared.bell.ring();
            thread::sleep(worker::SYNC_TICK.min(left()));
        }
        true
    }

    fn report(&self, progress: &tracker::Progress, synced: Option<bool>) -> Report {
        let shared = &self.shared;
        let said = |sink: usize| progress.sinks.get(sink).copied().flatten() == Some(true);
        let sinks = shared.sinks.iter().enumerate();
        let disk = shared.disk.as_ref().filter(|_| !self.is_forked());
        Report {
            counters: self.counters(),
            settled: progress.ended || progress.settled.is_some(),
            synced: synced.or_else(|| disk.map(|_| false)),
            synced_up_to: disk.and_then(|disk| disk.status().durable_to()),
            unflushed_sinks: sinks
                .filter(|(sink, _)| !said(*sink))
                .map(|(_, name)| name.clone())
                .collect(),
            closed: progress.ended,
        }
    }

    /// The log has ended: its end is the answer to every flush after it.
    fn after_the_end(&self) -> Report {
        self.shutdown(Duration::ZERO)
    }

    fn tell_reentrance(&self) {
        let before = self.shared.reentrant.fetch_add(1, Ordering::Relaxed);
        if (before + 1).is_power_of_two() {
            let message = "a sink or a diagnostics hook tried to record an event; such events are \
                           not written, because they would feed back on themselves";
            self.shared
                .diagnostics
                .report(DiagnosticKind::Reentrance, message);
        }
    }

    pub(crate) fn is_forked(&self) -> bool {
        self.shared.process.is_forked()
    }
}

impl<S: Seal> Shared<S> {
    /// Returns what became of the events so far.
    fn counters(&self) -> Counters {
        let now = self.clock.now();
        let read = |tally: &lanes::Tally| self.ledger.books().counters(tally, now);
        let (_, memory_bytes) = self.budget.used();
        let disk = self.disk.as_ref().map(|disk| disk.status());
        let mut counters = Counters {
            reentrant: self.reentrant.load(Ordering::Relaxed),
            memory_bytes: memory_bytes as u64,
            queue_bytes: self.budget.queued() as u64,
            withheld: self.withheld.load(Ordering::Relaxed),
            redaction: Duration::from_nanos(self.redaction_nanos.load(Ordering::Relaxed)),
            synced_up_to: disk.as_ref().and_then(SyncStatus::durable_to),
            inspectors: self.inspections.counters(),
            is_degraded: self.degraded.load(Ordering::Relaxed)
                || self.troubled.load(Ordering::Relaxed)
                || disk.is_some_and(|disk| disk.failing),
            ..self.lanes.tally(read)
        };
        for (sink, backlog) in counters.sinks.iter_mut().zip(&self.backlogs) {
            sink.memory_bytes = backlog.bytes() as u64;
        }
        counters
    }
}

impl<S: Seal> Drop for Pipeline<S> {
    fn drop(&mut self) {
        // The report has nobody to go to; losses were told to the diagnostics.
        drop(self.shutdown(DROP_DEADLINE));
    }
}

impl<S: Seal> fmt::Debug for Pipeline<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pipeline")
            .field("writer_id", &self.shared.writer_id)
            .field("sinks", &self.shared.sinks)
            .finish_non_exhaustive()
    }
}
