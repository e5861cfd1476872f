//! The journal as the worker sees it.

use std::time::Duration;

use super::asks::{Answer, Ask};
use super::own::OwnEvent;
use super::reply::Waiter;
use crate::clock::Clock;
use crate::diagnostics::{DiagnosticKind, Diagnostics};
use crate::error::Error;
use crate::expiry::RetentionPlan;
use crate::id::WriterId;
use crate::journal::{
    Closed, Cursor, DeadLetters, Forgotten, Held, Journal, Lost, RUN_BYTES, RetentionRun,
    SinkStart, Spool, SyncStatus, Syncer, WriteFailed, Written,
};
use crate::sync::Arc;

/// How often expired files are looked for.
const EXPIRE_EVERY: Duration = Duration::from_secs(3_600);
/// When one look was not enough, the next one comes after this.
const GO_ON_AFTER: Duration = Duration::from_secs(60);
/// So long an ending log waits for a run over its files to stop.
const LAST_WORD: Duration = Duration::from_millis(100);

/// Where the worker writes events. Its owner is one thread.
pub(crate) trait Log: Send {
    /// Takes an event, to be written with the next [`write`](Self::write). Numbers rise.
    fn append(&mut self, seq: u64, json: &[u8]) -> Result<(), Error>;

    /// What was taken holds an event of the log itself, which is written also when the disk is short.
    fn let_through(&mut self) {}

    /// Returns whether nothing is written but that.
    fn is_short(&mut self) -> bool {
        false
    }

    /// Returns what keeps the log from going on as it should, although it takes everything.
    fn trouble(&self) -> Option<String> {
        None
    }

    /// Writes what was taken. On failure it waits for the next call or is given up, as the error
    /// says.
    fn write(&mut self) -> Result<Written, WriteFailed>;

    /// Returns what is written, or given up, so far.
    fn written(&self) -> Written;

    /// Gives up what waits to be written.
    fn give_up(&mut self) -> Option<Lost>;

    /// Sets numbers aside at least up to `seq`; returns the new bound. While that fails, the first
    /// call says why, and those after it return the old bound.
    fn reserve(&mut self, seq: u64) -> Result<u64, Error>;

    /// Does what is due by the clock and returns what is to be recorded of it.
    fn tick(&mut self) -> Vec<OwnEvent>;

    /// Deletes what has expired now and returns what is to be recorded of it; more may follow with
    /// later ticks.
    fn expire(&mut self) -> Vec<OwnEvent>;

    /// Returns whether more is to follow of what was asked for.
    fn is_expiring(&self) -> bool {
        false
    }

    /// Answers a question, now or with a later tick; returns what is to be recorded, and who waits until
    /// that survives a power cut.
    fn answer(&mut self, _: Ask) -> Option<(OwnEvent, Waiter)> {
        None
    }

    /// Begins nothing more of that, and returns what is to be recorded of what was done.
    fn stop_expiring(&mut self) -> Vec<OwnEvent> {
        Vec::new()
    }

    /// Believes the clock from now on.
    fn confirm_clock(&mut self);

    /// Takes over what earlier starts did not bring to `sinks`; `None` when nothing can be read
    /// back.
    fn start_sinks(&mut self, sinks: &[SinkStart]) -> Result<Option<Spooled>, Error>;

    /// Stores from where the sink of this place in the list goes on after a restart, if that has
    /// changed.
    fn save_cursor(&mut self, sink: usize, cursor: Cursor) -> Result<(), Error>;

    /// Lets go of files that every sink is past, by the cursors that are stored.
    fn release(&mut self);

    /// Returns what writers that died meanwhile left to the sinks: for each sink, by its place in
    /// the list, a writer and the number above which its events are due.
    fn take_adopted(&mut self) -> Vec<(usize, WriterId, u64)>;

    /// Returns what could not be deleted because a sink does not have it.
    fn take_held(&mut self) -> Vec<Held>;

    /// Returns what could not be deleted because a sink that was removed does not have it.
    fn take_forgotten(&mut self) -> Vec<Forgotten> {
        Vec::new()
    }

    /// A `loss` that survives a power cut says that the sink will not get these events. Returns
    /// whether that is stored; if not, it is to be asked again.
    fn forget(&mut self, _: &Forgotten) -> Result<bool, Error> {
        Ok(true)
    }

    /// Returns the bytes that it holds of events which are written, or `None` when it holds nothing
    /// of them at any time.
    fn kept_bytes(&self) -> Option<usize> {
        None
    }

    /// Returns the handle by which others wait for the disk.
    fn disk(&self) -> Arc<dyn Disk>;

    /// Writes what waits, ends the writer's stream, and lets go of the files.
    fn close(self: Box<Self>, timeout: Duration) -> Closed;
}

/// What a log that can be read back does for the sinks.
pub(crate) struct Spooled {
    pub(crate) spool: Spool,
    pub(crate) dead_letters: DeadLetters,
    /// From where each sink goes on.
    pub(crate) cursors: Vec<Cursor>,
}

/// The synchronisation of a log, for those who wait for it.
pub(crate) trait Disk: Send + Sync {
    /// Waits until everything written before the call survives a power cut. With no time to wait
    /// it only asks for it.
    fn sync(&self, timeout: Duration) -> Result<SyncStatus, Error>;

    fn status(&self) -> SyncStatus;
}

impl Disk for Syncer {
    fn sync(&self, timeout: Duration) -> Result<SyncStatus, Error> {
        Self::sync(self, timeout)
    }

    fn status(&self) -> SyncStatus {
        Self::status(self)
    }
}

/// A journal with its housekeeping.
pub(crate) struct JournalLog {
    journal: Journal,
    /// Whether segments go once every sink has them.
    spool: bool,
    clock: Arc<dyn Clock>,
    diagnostics: Diagnostics,
    /// When expired files were last looked for: the end of that, where it took time.
    expired: Option<Duration>,
    /// Whether what was left is looked for sooner.
    more: bool,
    /// Whether everything is to be looked for once what runs is over.
    asked: bool,
    /// Who wants to know what would be done.
    planning: Vec<Answer<RetentionPlan>>,
    held: Vec<Held>,
    forgotten: Vec<Forgotten>,
    adopted: Vec<(usize, WriterId, u64)>,
    /// Whether something that has expired is there because of a sink.
    is_held: bool,
    /// Whether numbers could not be set aside last time.
    unreserved: bool,
}

impl JournalLog {
    /// Returns the log over an open journal; its first tick looks for expired files, so that
    /// programs that run shortly keep to the retention too.
    pub(crate) fn new(
        journal: Journal,
        spool: bool,
        clock: Arc<dyn Clock>,
        diagnostics: Diagnostics,
    ) -> Self {
        Self {
            journal,
            spool,
            clock,
            diagnostics,
            expired: None,
            more: false,
            asked: false,
            planning: Vec::new(),
            held: Vec::new(),
            forgotten: Vec::new(),
            adopted: Vec::new(),
            is_held: false,
            unreserved: false,
        }
    }

    fn tell_plan(&mut self, run: RetentionRun) {
        let plan = run.into_plan();
        for answer in self.planning.drain(..) {
            answer.give(plan.clone());
        }
    }

    /// Looks for what has expired; files that stay are read up to so many bytes.
    fn look(&mut self, budget: u64) -> Vec<OwnEvent> {
        self.expired = Some(self.clock.monotonic());
        let mut run = self.journal.expire_within(budget);
        self.held = std::mem::take(&mut run.held);
        self.adopted.append(&mut run.adopted);
        self.forgotten = std::mem::take(&mut run.forgotten);
        self.is_held = !self.held.is_empty();
        self.note(run).into_iter().collect()
    }

    fn note(&mut self, run: RetentionRun) -> Option<OwnEvent> {
        self.tell(&run);
        self.more = run.more;
        if run.free {
            self.expired = None;
        }
        run.into_event()
    }

    fn tell(&self, run: &RetentionRun) {
        if run.held_back {
            let message = "retention: the clock has jumped by more than a day; what it alone makes \
                           expire is kept until it stood by that for a day, or is confirmed";
            self.diagnostics.report(DiagnosticKind::Degraded, message);
        }
        for finding in &run.findings {
            let message = format!("retention: {finding}");
            self.diagnostics.report(DiagnosticKind::Degraded, message);
        }
    }
}

impl Log for JournalLog {
    fn append(&mut self, seq: u64, json: &[u8]) -> Result<(), Error> {
        self.journal.append(seq, json)
    }

    fn let_through(&mut self) {
        self.journal.let_through();
    }

    fn is_short(&mut self) -> bool {
        self.journal.is_short()
    }

    fn trouble(&self) -> Option<String> {
        self.journal.stretched()
    }

    fn write(&mut self) -> Result<Written, WriteFailed> {
        self.journal.write()
    }

    fn written(&self) -> Written {
        self.journal.written()
    }

    fn kept_bytes(&self) -> Option<usize> {
        Some(self.journal.kept_bytes())
    }

    fn give_up(&mut self) -> Option<Lost> {
        self.journal.give_up()
    }

    fn reserve(&mut self, seq: u64) -> Result<u64, Error> {
        let reserved = self.journal.reserve(seq);
        let failed_before = std::mem::replace(&mut self.unreserved, reserved.is_err());
        reserved.or_else(|error| match failed_before {
            true => Ok(self.journal.reserved_to()),
            false => Err(error),
        })
    }

    fn tick(&mut self) -> Vec<OwnEvent> {
        self.journal.rewrite();
        self.journal.roll_if_due();
        self.journal.set_room_aside();
        let mut events = Vec::new();
        if self.journal.is_retiring() {
            let Some(run) = self.journal.take_retired() else {
                return events;
            };
            if run.dry {
                self.tell_plan(run);
            } else {
                // What became free meanwhile is looked for at once.
                self.expired = self.expired.map(|_| self.clock.monotonic());
                events.extend(self.note(run));
            }
            if std::mem::take(&mut self.asked) {
                events.extend(self.expire());
                return events;
            }
        }
        if !self.planning.is_empty() {
            if let Some(run) = self.journal.plan() {
                self.tell_plan(run);
            }
            return events;
        }
        let now = self.clock.monotonic();
        let every = if self.more { GO_ON_AFTER } else { EXPIRE_EVERY };
        let due = |last| now.saturating_sub(last) >= every;
        if self.expired.is_none_or(due) {
            events.extend(self.look(RUN_BYTES));
        }
        events
    }

    fn expire(&mut self) -> Vec<OwnEvent> {
        if self.journal.is_retiring() {
            self.asked = true;
            return Vec::new();
        }
        self.look(u64::MAX)
    }

    fn is_expiring(&self) -> bool {
        self.journal.is_retiring()
    }

    fn answer(&mut self, ask: Ask) -> Option<(OwnEvent, Waiter)> {
        match ask {
            Ask::Plan(answer) => self.planning.push(answer),
            Ask::Holds(answer) => answer.give(self.journal.holds()),
            Ask::SetHold(hold, answer) => answer.give(self.journal.set_hold(hold)),
            Ask::LiftHold(hold, answer) => answer.give(self.journal.lift_hold(&hold)),
            Ask::PolicyHolds(holds, answer) => answer.give(self.journal.set_own_holds(holds)),
            Ask::Tell(event, waiter) => return Some((*event, waiter)),
        }
        None
    }

    fn stop_expiring(&mut self) -> Vec<OwnEvent> {
        self.asked = false;
        let run = self.journal.stop_retiring(LAST_WORD);
        run.into_iter().flat_map(|run| self.note(run)).collect()
    }

    fn confirm_clock(&mut self) {
        self.journal.confirm_clock();
    }

    fn start_sinks(&mut self, sinks: &[SinkStart]) -> Result<Option<Spooled>, Error> {
        let (cursors, findings) = self.journal.start_sinks(sinks)?;
        for finding in findings {
            let message = finding.to_string();
            self.diagnostics
                .report(DiagnosticKind::RecoveryFinding, message);
        }
        Ok(Some(Spooled {
            spool: self.journal.spool(),
            dead_letters: self.journal.dead_letters(),
            cursors,
        }))
    }

    fn save_cursor(&mut self, sink: usize, cursor: Cursor) -> Result<(), Error> {
        let changed = self.journal.save_cursor(sink, cursor)?;
        if changed && self.is_held {
            // What was held may be free.
            self.expired = None;
        }
        Ok(())
    }

    fn release(&mut self) {
        if self.spool {
            let run = self.journal.release();
            self.tell(&run);
            self.forgotten = run.forgotten;
        }
    }

    fn take_adopted(&mut self) -> Vec<(usize, WriterId, u64)> {
        std::mem::take(&mut self.adopted)
    }

    fn take_held(&mut self) -> Vec<Held> {
        std::mem::take(&mut self.held)
    }

    fn take_forgotten(&mut self) -> Vec<Forgotten> {
        std::mem::take(&mut self.forgotten)
    }

    fn forget(&mut self, forgotten: &Forgotten) -> Result<bool, Error> {
        let stored = self.journal.forget(forgotten)?;
        if stored {
            // What is past its retention may go.
            self.expired = None;
        }
        Ok(stored)
    }

    fn disk(&self) -> Arc<dyn Disk> {
        Arc::new(self.journal.syncer().clone())
    }

    fn close(self: Box<Self>, timeout: Duration) -> Closed {
        self.journal.close(timeout)
    }
}
