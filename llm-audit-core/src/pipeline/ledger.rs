//! The conservation law: no event leaves the books without a reason.

use super::book::SinkBook;
use super::counters::{Counters, LossCounts, LossReason};
use super::lanes::Tally;
use super::stream::Count;
use crate::batch::Batch;
use crate::id::WriterId;
use crate::sync::{Mutex, MutexGuard, lock};
use crate::timestamp::Timestamp;

/// The books of everything behind the lanes.
///
/// An event is at one place at any moment: in a lane, in the hands of the worker, written, or lost;
/// and once written, for each sink, pending, delivered or lost. Each move is made under the lock,
/// so a reader who also holds the lanes sees the sums add up.
#[derive(Debug)]
pub(crate) struct Ledger {
    books: Mutex<Books>,
}

#[derive(Debug, Default)]
pub(crate) struct Books {
    pub(crate) in_hand: u64,
    pub(crate) written: u64,
    pub(crate) lost: LossCounts,
    pub(crate) own_written: u64,
    pub(crate) own_lost: u64,
    /// Events handed over to the sinks, the log's own too.
    handed: Count,
    pub(crate) sinks: Vec<SinkBook>,
}

impl Ledger {
    /// Of the log that `own` writes.
    pub(crate) fn new(sinks: &[String], own: WriterId) -> Self {
        Self {
            books: Mutex::new(Books {
                sinks: sinks.iter().map(|name| SinkBook::new(name, own)).collect(),
                ..Books::default()
            }),
        }
    }

    pub(crate) fn books(&self) -> MutexGuard<'_, Books> {
        lock(&self.books)
    }

    /// Events went from the lanes into the hands of the worker.
    pub(crate) fn take_in_hand(&self, events: u64) {
        self.books().in_hand += events;
    }

    /// Makes `change` to the book of a sink, unless it is closed.
    pub(crate) fn sink<T>(
        &self,
        sink: usize,
        change: impl FnOnce(&mut SinkBook) -> T,
    ) -> Option<T> {
        let mut books = self.books();
        let book = books.sinks.get_mut(sink).filter(|book| !book.is_closed())?;
        let changed = change(book);
        let answers = std::mem::take(&mut book.answers);
        drop(books);
        for (waiter, answer) in answers {
            waiter.resolve(answer);
        }
        Some(changed)
    }
}

impl Books {
    /// Returns the whole ledger at `now`; `tally` is of the same moment.
    pub(crate) fn counters(&self, tally: &Tally, now: Timestamp) -> Counters {
        let mut lost_by_reason = self.lost;
        lost_by_reason.merge(&tally.refused);
        Counters {
            admitted: tally.admitted,
            written: self.written,
            lost_by_reason,
            pending: tally.queued + self.in_hand,
            own_written: self.own_written,
            own_lost: self.own_lost,
            sinks: self.sinks.iter().map(|sink| sink.counters(now)).collect(),
            ..Counters::default()
        }
    }

    /// An event of the host in the hands of the worker was written.
    pub(crate) fn write(&mut self, host: bool) {
        if host {
            self.in_hand -= 1;
            self.written += 1;
        } else {
            self.own_written += 1;
        }
    }

    /// An event in the hands of the worker is lost.
    pub(crate) fn lose(&mut self, host: bool, reason: LossReason) {
        if host {
            self.in_hand -= 1;
            self.lost.add(reason, 1);
        } else {
            self.own_lost += 1;
        }
    }

    /// A batch that was written is due to every sink; returns how many events ever were.
    pub(crate) fn hand_over(&mut self, batch: &Batch) -> Count {
        for sink in &mut self.sinks {
            sink.hand_over(batch);
        }
        self.handed += batch.count();
        self.handed
    }
}
