//! The thread `llm-audit`: drain, seal, encode, write, hand over.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use super::Shared;
use super::chunk::{Chunk, Origin, OwnWork};
use super::cursors::Retelling;
use super::fanout::Fanout;
use super::lanes::Drained;
use super::log::Log;
use super::loss::Window;
use super::own::OwnEvent;
use super::removed::Forgetting;
use super::reply::{Failure, Goal, Waiter};
use super::seal::Seal;
use super::survey::Surveys;
use super::tracker::Tracker;
use crate::diagnostics::{DiagnosticKind, Inside};
use crate::id::WriterId;
use crate::journal::Spool;
use crate::sync::{Arc, Ordering, Weak};

pub(super) const TICK: Duration = Duration::from_millis(5);
/// How often the disk is asked about while someone waits for it.
pub(super) const SYNC_TICK: Duration = Duration::from_millis(1);
/// With nothing to do, the journal still ends segments by age and deletes what has expired.
const HOUSEKEEPING: Duration = Duration::from_secs(1);
/// How often it is stored up to where each sink has the events.
const SAVE_EVERY: Duration = Duration::from_secs(1);
/// Losses that keep coming are written together.
const LOSS_EVERY: Duration = Duration::from_millis(100);
pub(super) const RESERVE_BLOCK: u64 = 4_096;
/// Findings in the events of a step, and the policy that they fall under.
const PENDING_ROUNDS: usize = 2;

/// One event in a lane.
pub(crate) struct Entry<R> {
    pub(crate) raw: R,
    pub(crate) waiter: Option<(Goal, Waiter)>,
}

/// What the worker's thread owns.
pub(crate) struct Worker<S: Seal> {
    pub(super) shared: Arc<Shared<S>>,
    pub(super) sealer: S,
    pub(super) log: Option<Box<dyn Log>>,
    pub(super) fanout: Fanout,
    pub(super) drained: Drained<Entry<S::Raw>>,
    /// The log's own events that have their numbers already.
    pub(super) numbered: Vec<(u64, OwnWork)>,
    pub(super) json: Vec<u8>,
    /// Chunks that the journal took and did not write yet, in order.
    pub(super) waiting: VecDeque<Chunk>,
    /// Numbers that are missing and are in no `loss` event yet.
    pub(super) missing: Window,
    pub(super) told: Duration,
    /// The highest number that was written.
    pub(super) written_to: u64,
    pub(super) reserved_to: u64,
    /// Where sinks that fell behind read, and when it was stored last how far they are.
    pub(super) spool: Option<Spool>,
    pub(super) saved: Duration,
    pub(super) forgetting: Forgetting,
    pub(super) surveys: Surveys,
    pub(super) retelling: Retelling,
    /// Whether the journal takes nothing of the host, and whether nothing was written since a try
    /// failed.
    pub(super) failing: bool,
    pub(super) unwritten: bool,
    /// Losses that were told of, and whose events are lost: numbers of the log, and windows of sinks.
    pub(super) told_losses: u64,
    pub(super) told_windows: Vec<(usize, WriterId, u64)>,
    /// Whether the journal was in trouble when it was looked at last.
    degraded: bool,
    pub(super) flushes: Vec<(u64, Weak<Tracker>)>,
    pub(super) unsynced: Vec<(u64, Waiter)>,
    /// How often the diagnostics are told the counters, and when they were last.
    pub(super) counters_every: Option<Duration>,
    counted: Duration,
    /// Events of the host that are not sealed by then are lost.
    pub(super) deadline: Option<Duration>,
}

/// How a step drains the lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Drain {
    Open,
    /// Nothing comes after.
    Last,
}

impl<S: Seal> Worker<S> {
    /// `opening` are the first events of the log; their numbers, from `first` on, are drawn.
    pub(crate) fn new(
        shared: Arc<Shared<S>>,
        sealer: S,
        log: Option<Box<dyn Log>>,
        spool: Option<Spool>,
        fanout: Fanout,
        opening: Vec<OwnEvent>,
        first: u64,
    ) -> Self {
        Self {
            drained: Drained::before(first + opening.len() as u64),
            numbered: (first..)
                .zip(opening.into_iter().map(OwnWork::from))
                .collect(),
            shared,
            sealer,
            log,
            fanout,
            json: Vec::new(),
            waiting: VecDeque::new(),
            missing: Window::default(),
            told: Duration::ZERO,
            written_to: 0,
            reserved_to: 0,
            spool,
            saved: Duration::ZERO,
            forgetting: Forgetting::default(),
            surveys: Surveys::default(),
            retelling: Retelling::default(),
            failing: false,
            unwritten: false,
            told_losses: 0,
            told_windows: Vec::new(),
            degraded: false,
            flushes: Vec::new(),
            unsynced: Vec::new(),
            counters_every: None,
            counted: Duration::ZERO,
            deadline: None,
        }
    }

    pub(crate) const fn fanout(&self) -> &Fanout {
        &self.fanout
    }

    /// Runs until the log is shut down.
    pub(crate) fn run(mut self) {
        let _inside = Inside::enter();
        let shared = Arc::clone(&self.shared);
        let result = catch_unwind(AssertUnwindSafe(|| {
            while shared.control.shutdown().is_none() {
                self.step(Drain::Open);
                shared.bell.wait(self.rest());
            }
            self.finish();
        }));
        if result.is_err() {
            self.fail();
        }
        drop(self);
        shared.control.end();
    }

    /// Drains once and does what follows from it.
    pub(crate) fn step(&mut self, drain: Drain) {
        let control = self.shared.control.take();
        let mut own: Vec<_> = control.own.into_iter().map(OwnWork::from).collect();
        own.extend(
            self.sealer
                .take_pending_own()
                .into_iter()
                .map(OwnWork::from),
        );
        if let Some(log) = &mut self.log {
            if control.confirm_clock {
                log.confirm_clock();
            }
            for ask in control.asks {
                own.extend(log.answer(ask).map(|(event, waiter)| OwnWork {
                    event,
                    origin: Origin::Asked(waiter),
                }));
            }
            let housekeeping = if control.expire {
                log.expire()
            } else {
                log.tick()
            };
            self.shared.budget.set_aside(log.kept_bytes().unwrap_or(0));
            own.extend(housekeeping.into_iter().map(OwnWork::from));
            let expiring = log.is_expiring();
            self.shared.expiring.store(expiring, Ordering::Relaxed);
            let (adopted, held) = (log.take_adopted(), log.take_held());
            let forgotten = log.take_forgotten();
            self.adopt(&adopted);
            self.survey_expired(held);
            self.survey_forgotten(forgotten);
        }
        self.survey(&mut own);
        self.losses(!control.flushes.is_empty(), false, &mut own);
        self.drain(own, drain == Drain::Last);
        self.drain_pending(drain == Drain::Last);
        let target = self.drained.end - 1;
        if !control.flushes.is_empty() {
            // Those who are still there are as well served by this one.
            self.flushes.retain(|(_, flush)| flush.strong_count() > 0);
        }
        let flushes = control.flushes.into_iter();
        self.flushes
            .extend(flushes.map(|tracker| (target, tracker)));
        self.settle();
        self.look_at_disk();
        if self.counters_due().is_some_and(|left| left.is_zero()) {
            self.tell_counters();
        }
    }

    /// Takes what is in the lanes, numbers the log's own events after it, and writes both.
    pub(super) fn drain(&mut self, own: Vec<OwnWork>, close: bool) {
        let count = own.len() as u64;
        let shared = &self.shared;
        shared
            .lanes
            .drain(&mut self.drained, count, close, &shared.ledger);
        self.numbered.extend((self.drained.end - count..).zip(own));
        self.missing.merge(&self.drained.refused);
        self.reserve();
        self.process();
    }

    /// Writes the events that sealing gave rise to, so that they are not later than a flush or the
    /// end: findings, and what their sealing gives rise to.
    fn drain_pending(&mut self, close: bool) {
        for _ in 0..PENDING_ROUNDS {
            let own = self.sealer.take_pending_own();
            if own.is_empty() {
                return;
            }
            self.drain(own.into_iter().map(OwnWork::from).collect(), close);
        }
        // Meanwhile events of the host came in: the next step has theirs.
        let left = self.sealer.take_pending_own();
        if !left.is_empty() {
            self.shared
                .control
                .ask(|requests| requests.own.extend(left));
            self.shared.bell.ring();
        }
    }

    /// Returns how long to wait for the bell; `None` is for ever.
    fn rest(&self) -> Option<Duration> {
        let rest = if !self.unsynced.is_empty() {
            Some(SYNC_TICK)
        } else if self.drained.first < self.drained.end
            || !self.waiting.is_empty()
            || !self.missing.is_empty()
            || !self.surveys.is_empty()
        {
            Some(TICK)
        } else {
            self.log.as_ref().map(|_| HOUSEKEEPING)
        };
        rest.into_iter().chain(self.counters_due()).min()
    }

    /// Returns in how long the counters are to be told, if they are.
    fn counters_due(&self) -> Option<Duration> {
        let told = self.shared.clock.monotonic().saturating_sub(self.counted);
        Some(self.counters_every?.saturating_sub(told))
    }

    /// Tells the diagnostics the counters, if that was asked for.
    pub(super) fn tell_counters(&mut self) {
        if self.counters_every.is_some() {
            self.counted = self.shared.clock.monotonic();
            let counters = self.shared.counters();
            self.shared.diagnostics.report_counters(counters);
        }
    }

    /// Puts into `own` the events of losses whose windows are final, or of all at the end.
    pub(super) fn losses(&mut self, urgent: bool, all: bool, own: &mut Vec<OwnWork>) {
        let now = self.shared.clock.monotonic();
        let due = urgent || all || now.saturating_sub(self.told) >= LOSS_EVERY;
        // What waits may yet be lost, and would then lie in the window.
        if !due || !self.waiting.is_empty() {
            return;
        }
        let writer = self.shared.writer_id;
        let (before, mut told) = (own.len(), Vec::new());
        // The loss of a `loss` itself is no news.
        let told_losses = std::mem::take(&mut self.told_losses);
        let told_windows = std::mem::take(&mut self.told_windows);
        let mut add = |sink: Option<(usize, WriterId)>, name: Option<&str>, window: Window| {
            let total = window.counts().total();
            let is_new = match sink {
                None => total > told_losses,
                Some((sink, writer)) => !told_windows.contains(&(sink, writer, total)),
            };
            if is_new {
                let counts: Vec<_> = window.counts().iter().collect();
                told.push((name.map(str::to_owned), counts));
            }
            let writer = sink.map_or(writer, |(_, writer)| writer);
            own.push(OwnWork {
                event: window.event(writer, name),
                origin: Origin::Loss(sink, window),
            });
        };
        if !self.missing.is_empty() {
            add(None, None, std::mem::take(&mut self.missing));
        }
        let mut books = self.shared.ledger.books();
        for (sink, book) in books.sinks.iter_mut().enumerate() {
            for (writer, window) in book.final_windows(all) {
                add(Some((sink, writer)), Some(book.name()), window);
            }
        }
        drop(books);
        if own.len() > before {
            self.told = now;
        }
        for (sink, counts) in told {
            let place = sink.map_or("the log".to_owned(), |sink| format!("sink `{sink}`"));
            let counts = counts
                .iter()
                .map(|(reason, count)| format!("{reason} {count}"));
            let counts = counts.collect::<Vec<_>>().join(", ");
            self.tell(
                DiagnosticKind::EventsLost,
                &format!("missing in {place}: {counts}"),
            );
        }
    }

    /// Keeps the reservation ahead of the numbers that can be drawn until the next step: those of
    /// a full queue, and of refusals what is left.
    pub(crate) fn reserve(&mut self) {
        let ahead = self.shared.max_events;
        let Some(log) = &mut self.log else {
            return;
        };
        if self.reserved_to < self.drained.end + ahead {
            let up_to = self.drained.end + ahead + RESERVE_BLOCK;
            match log.reserve(up_to) {
                Ok(bound) => self.reserved_to = bound,
                Err(error) => self.tell(
                    DiagnosticKind::Degraded,
                    &format!("a crash may lose events without a trace: {error}"),
                ),
            }
        }
        let refusals_below = self.reserved_to.saturating_sub(ahead);
        self.shared.lanes.number_refusals_below(refusals_below);
    }

    /// Tells those who wait for a flush that everything before it has its fate.
    fn settle(&mut self) {
        let open = self.waiting.front().and_then(|chunk| chunk.items.first());
        let open = open.map_or(u64::MAX, |item| item.seq);
        let fanout = &self.fanout;
        let written_to = self.written_to;
        self.flushes.retain(|(target, tracker)| {
            let settled = *target < open;
            if settled {
                fanout.flush(tracker);
                if let Some(tracker) = tracker.upgrade() {
                    tracker.update(|progress| progress.settled = Some(written_to));
                }
            }
            !settled
        });
    }

    /// Answers those who wait for the disk, and stores how far the sinks are.
    pub(super) fn look_at_disk(&mut self) {
        let shared = Arc::clone(&self.shared);
        let Some(disk) = &shared.disk else {
            for (_, waiter) in self.unsynced.drain(..) {
                waiter.resolve(Err(Failure::NotSynced));
            }
            return;
        };
        let status = disk.status();
        self.judge(status.failing);
        if !self.unsynced.is_empty() {
            let mut open = Vec::new();
            for (seq, waiter) in self.unsynced.drain(..) {
                match status.is_synced(seq) {
                    Some(true) => waiter.resolve(Ok(seq)),
                    Some(false) => waiter.resolve(Err(Failure::NotSynced)),
                    None if waiter.is_awaited() => open.push((seq, waiter)),
                    None => {}
                }
            }
            self.unsynced = open;
            if !self.unsynced.is_empty() {
                // With no time to wait this only asks, and says that time ran out.
                drop(disk.sync(Duration::ZERO));
            }
        }
        let now = self.shared.clock.monotonic();
        if now.saturating_sub(self.saved) >= SAVE_EVERY {
            self.save_cursors();
        }
    }

    /// Tells when the journal begins to be in trouble, and when that is over.
    fn judge(&mut self, sync_failing: bool) {
        if sync_failing && !self.degraded {
            self.tell(
                DiagnosticKind::Degraded,
                "the disk did not confirm events of the journal; they are written to another file",
            );
        }
        if self.failing && self.waiting.is_empty() {
            // Nothing waits, so that nothing else would find room on the disk. What was given up is
            // in a `loss`, which finds whether the disk takes anything.
            self.failing = self.unwritten || self.log.as_mut().is_some_and(|log| log.is_short());
            self.shared.degraded.store(self.failing, Ordering::Relaxed);
        }
        let trouble = self.log.as_ref().and_then(|log| log.trouble());
        let troubled = trouble.is_some();
        if let Some(trouble) = trouble.filter(|_| !self.shared.troubled.load(Ordering::Relaxed)) {
            self.tell(DiagnosticKind::Degraded, &trouble);
        }
        self.shared.troubled.store(troubled, Ordering::Relaxed);
        let degraded = sync_failing || self.failing || troubled;
        if std::mem::replace(&mut self.degraded, degraded) && !degraded {
            let message = "the journal is written and confirmed again";
            self.tell(DiagnosticKind::Recovered, message);
        }
    }

    pub(super) fn tell(&self, kind: DiagnosticKind, message: &str) {
        self.shared.diagnostics.report(kind, message);
    }
}
