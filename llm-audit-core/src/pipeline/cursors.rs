//! The worker's part in how far the sinks are: it stores that, and files wait for it.

use std::io;
use std::time::Duration;

use super::seal::Seal;
use super::stream::Run;
use super::survey::Subject;
use super::worker::Worker;
use crate::diagnostics::DiagnosticKind;
use crate::id::WriterId;
use crate::journal::{Bookmark, Held};

/// When a loss whose event the disk did not take may be told of once more.
#[derive(Debug)]
pub(super) struct Retelling {
    next: Duration,
    delay: Duration,
}

const RETELL_FIRST: Duration = Duration::from_secs(1);
const RETELL_MOST: Duration = Duration::from_secs(3_600);

impl Default for Retelling {
    fn default() -> Self {
        Self {
            next: Duration::ZERO,
            delay: RETELL_FIRST,
        }
    }
}

impl Retelling {
    fn again(&mut self, now: Duration) {
        self.next = now.saturating_add(self.delay);
        self.delay = self.delay.saturating_mul(2).min(RETELL_MOST);
    }
}

impl<S: Seal> Worker<S> {
    /// Stores how far each sink is, and lets go of files that every sink is past.
    pub(super) fn save_cursors(&mut self) {
        let (Some(log), Some(disk), Some(_)) = (&mut self.log, &self.shared.disk, &self.spool)
        else {
            return;
        };
        self.saved = self.shared.clock.monotonic();
        let status = disk.status();
        let is_synced = |seq| status.is_synced(seq);
        // A disk that goes on to fail must not be filled with what it does not confirm.
        let retell = !status.failing && self.saved >= self.retelling.next;
        let mut retold = false;
        let mut cursors = Vec::new();
        let mut unconfirmed = false;
        let mut books = self.shared.ledger.books();
        for book in &mut books.sinks {
            retold |= book.confirm(|seqs| status.are_synced(seqs), retell);
            unconfirmed |= book.has_told();
            cursors.push(book.cursor());
        }
        drop(books);
        let mut failures = Vec::new();
        retold |= retell && self.forgetting.drop_refused(is_synced);
        let told = self.forgetting.take_told(is_synced);
        for (forgotten, seq) in told {
            match log.forget(&forgotten) {
                Ok(true) => continue,
                Ok(false) => {}
                Err(error) => failures.push(error),
            }
            self.forgetting.put_back(forgotten, seq);
        }
        let open = unconfirmed || self.forgetting.is_waiting();
        match (retold, open) {
            (true, _) => self.retelling.again(self.saved),
            (false, true) => {}
            (false, false) => self.retelling = Retelling::default(),
        }
        if open {
            // With no time to wait this only asks, and says that time ran out.
            drop(disk.sync(Duration::ZERO));
        }
        for (sink, cursor) in cursors.into_iter().enumerate() {
            failures.extend(log.save_cursor(sink, cursor).err());
        }
        if !self.fanout.is_empty() {
            log.release();
        }
        for error in failures {
            self.tell(DiagnosticKind::Degraded, &error.to_string());
        }
    }

    /// The sinks are to get what other writers left that died while this one lives.
    pub(super) fn adopt(&self, adopted: &[(usize, WriterId, u64)]) {
        for (sink, writer, seq) in adopted {
            self.shared
                .ledger
                .sink(*sink, |book| book.adopt(*writer, *seq));
            self.fanout.adopt(*sink, *writer, *seq);
        }
    }

    /// What has expired is lost to the sinks that do not have it. It is deleted once those losses
    /// are on record.
    pub(super) fn survey_expired(&mut self, held: Vec<Held>) {
        for held in held {
            let subject = Subject::Expired(held);
            if self.surveys.subjects().any(|known| *known == subject) {
                continue;
            }
            let Some(mut after) = self.behind(held.name.writer) else {
                continue;
            };
            // Segments come by their numbers: each goes on where the one before it ends.
            let before = self.surveys.expired(held.name.writer);
            after = before.filter_map(|held| held.last).fold(after, u64::max);
            let bookmark = Bookmark::new(held.name.writer, after);
            let to = held.last.unwrap_or(u64::MAX);
            self.surveys.add(subject, bookmark, to);
        }
    }

    /// The sinks will not get `runs`, which are what they may miss of a segment.
    pub(super) fn expire_held(&self, held: Held, runs: &[Run], error: Option<io::Error>) {
        let Held { name, last } = held;
        if let Some(error) = error {
            let message = format!("retention: `{name}` could not be read: {error}");
            return self.tell(DiagnosticKind::Degraded, &message);
        }
        let ledger = &self.shared.ledger;
        let sinks = ledger.books().sinks.len();
        for sink in 0..sinks {
            ledger.sink(sink, |book| book.expire(name.writer, last, runs));
        }
    }

    /// Up to which number every sink is done with a writer that some sink has yet to get.
    fn behind(&self, writer: WriterId) -> Option<u64> {
        let books = self.shared.ledger.books();
        let behind = books.sinks.iter().filter(|book| book.has(writer));
        behind.map(|book| book.done_to(writer)).min()
    }
}
