//! The worker's part in how far the sinks are: it stores that, and files wait for it.

use std::time::Duration;

use super::seal::Seal;
use super::worker::Worker;
use crate::diagnostics::DiagnosticKind;
use crate::id::WriterId;
use crate::journal::{Bookmark, Held};

impl<S: Seal> Worker<S> {
    /// Stores how far each sink is, and lets go of files that every sink is past.
    pub(super) fn save_cursors(&mut self) {
        let (Some(log), Some(disk), Some(_)) = (&mut self.log, &self.shared.disk, &self.spool)
        else {
            return;
        };
        self.saved = self.shared.clock.monotonic();
        let status = disk.status();
        let mut cursors = Vec::new();
        let mut unconfirmed = false;
        let mut books = self.shared.ledger.books();
        for book in &mut books.sinks {
            // A loss that the disk refused is as good as it gets: it is written.
            unconfirmed |= book.confirm(|seq| status.is_synced(seq).is_some());
            cursors.push(book.cursor());
        }
        drop(books);
        let mut failures = Vec::new();
        let told = self
            .forgetting
            .take_told(|seq| status.is_synced(seq).is_some());
        for (forgotten, seq) in told {
            match log.forget(&forgotten) {
                Ok(true) => continue,
                Ok(false) => {}
                Err(error) => failures.push(error),
            }
            self.forgetting.put_back(forgotten, seq);
        }
        if unconfirmed || self.forgetting.is_waiting() {
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
    pub(super) fn expire_for_sinks(&self, held: &[Held]) {
        let Some(spool) = &self.spool else {
            return;
        };
        for Held { name, last } in held {
            let books = self.shared.ledger.books();
            let behind = books.sinks.iter().filter(|book| book.has(name.writer));
            let after = behind.map(|book| book.done_to(name.writer)).min();
            drop(books);
            let Some(after) = after else {
                continue;
            };
            let mut bookmark = Bookmark::new(name.writer, after);
            let to = last.unwrap_or(u64::MAX);
            match spool.runs(&mut bookmark, to, usize::MAX) {
                Ok(runs) => {
                    let ledger = &self.shared.ledger;
                    let sinks = ledger.books().sinks.len();
                    for sink in 0..sinks {
                        ledger.sink(sink, |book| book.expire(name.writer, *last, &runs));
                    }
                }
                Err(error) => {
                    let message = format!("retention: `{name}` could not be read: {error}");
                    self.tell(DiagnosticKind::Degraded, &message);
                }
            }
        }
    }
}
