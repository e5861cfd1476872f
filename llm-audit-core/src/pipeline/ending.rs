//! The end of the worker.

use std::time::Duration;

use super::FIRST_SEQ;
use super::chunk::Chunk;
use super::counters::LossReason;
use super::own::OwnEvent;
use super::seal::Seal;
use super::tracker::{Progress, Tracker};
use super::worker::{Drain, TICK, Worker};
use crate::diagnostics::DiagnosticKind;
use crate::event::Kind;
use crate::sync::Arc;

impl<S: Seal> Worker<S> {
    /// Ends the log: what is left of the time goes to the journal first, then to the sinks.
    pub(crate) fn finish(&mut self) {
        let Some((deadline, tracker)) = self.shared.control.shutdown() else {
            return;
        };
        self.deadline = Some(deadline);
        self.shared.budget.close();
        let retired = self.log.as_mut().map(|log| log.stop_expiring());
        let retired: Vec<_> = retired.unwrap_or_default();
        if !retired.is_empty() {
            self.drain(retired.into_iter().map(Into::into).collect(), false);
        }
        self.step(Drain::Last);
        self.write_out(deadline);
        self.sync(deadline);
        self.look_at_disk();

        // Sinks say what they have before the last losses and the end are written. One that is
        // away leaves some of the time to the others and to the journal.
        let flushed = Arc::new(Tracker::new(self.fanout.len()));
        self.fanout.flush(&Arc::downgrade(&flushed));
        self.wait_for_sinks(&flushed, self.part_of(deadline));

        // What the loss events are about can itself not be written on a broken disk: two tries.
        for last in [false, true] {
            let mut own = Vec::new();
            self.losses(true, true, &mut own);
            // A log in which nothing was ever written has no end either.
            if last && self.drained.end > FIRST_SEQ {
                own.push(OwnEvent::new(Kind::LogClosed).into());
            }
            if own.is_empty() {
                continue;
            }
            self.drain(own, true);
            self.write_out(deadline);
        }
        self.fanout.shut_down(&tracker);
        self.wait_for_sinks(&tracker, self.part_of(deadline));
        let synced = self.close_log(deadline);
        tracker.update(|progress| progress.synced = synced);
        for flush in self
            .flushes
            .drain(..)
            .filter_map(|(_, flush)| flush.upgrade())
        {
            flush.update(|progress| progress.settled = Some(self.written_to));
        }
        self.tell_counters();
    }

    /// Writes what waits until the deadline, then gives it up.
    fn write_out(&mut self, deadline: Duration) {
        while !self.waiting.is_empty() {
            let left = deadline.saturating_sub(self.shared.clock.monotonic());
            if left.is_zero() {
                return self.give_up();
            }
            self.shared.bell.wait(Some(left.min(TICK)));
            self.write(Chunk::default());
        }
    }

    /// Returns when three quarters of what is left until the deadline are over.
    fn part_of(&self, deadline: Duration) -> Duration {
        let now = self.shared.clock.monotonic();
        let left = deadline.saturating_sub(now);
        now.saturating_add(left - left / 4)
    }

    /// Synchronises the journal, as far as that takes no longer than the deadline.
    fn sync(&self, deadline: Duration) {
        if let Some(disk) = &self.shared.disk {
            let left = deadline.saturating_sub(self.shared.clock.monotonic());
            // What it did not confirm is asked about again when the journal is closed.
            drop(disk.sync(left));
        }
    }

    /// Waits for every sink's word; sinks that do not give it in time are given up.
    fn wait_for_sinks(&self, tracker: &Tracker, deadline: Duration) {
        let left = deadline.saturating_sub(self.shared.clock.monotonic());
        let progress = tracker.wait(left, Progress::all_said);
        for (sink, said) in progress.sinks.iter().enumerate() {
            if said.is_none() {
                self.fanout.abort(sink);
            }
        }
    }

    /// Closes the books of the sinks and the journal; returns whether the disk confirmed it all.
    fn close_log(&mut self, deadline: Duration) -> Option<bool> {
        let ledger = &self.shared.ledger;
        for sink in 0..self.fanout.len() {
            ledger.sink(sink, |book| book.close(LossReason::ShutdownDeadline));
        }
        // Losses are to be on disk before the cursors that they explain.
        self.sync(deadline);
        self.save_cursors();
        let log = self.log.take()?;
        let left = deadline.saturating_sub(self.shared.clock.monotonic());
        let closed = log.close(left);
        if let Err(error) = &closed.synced {
            self.tell(DiagnosticKind::Degraded, &error.to_string());
        }
        if let Some(lost) = closed.lost {
            self.close_chunks(u64::MAX, &lost.seqs, lost.reason);
        }
        self.look_at_disk();
        self.unsynced.clear();
        Some(closed.synced.is_ok())
    }

    /// After a panic of the worker, which would be a bug: nothing is accepted any more, and what
    /// was on its way is lost, and counted.
    pub(super) fn fail(&mut self) {
        self.shared.budget.close();
        let shared = Arc::clone(&self.shared);
        shared
            .lanes
            .drain(&mut self.drained, 0, true, &shared.ledger);
        let mut books = shared.ledger.books();
        let left = std::mem::take(&mut books.in_hand);
        books.lost.add(LossReason::ShutdownDeadline, left);
        drop(books);
        self.fanout.abort_all();
        self.tell(
            DiagnosticKind::Degraded,
            "the log stopped because of a defect in it; please report it",
        );
    }
}
