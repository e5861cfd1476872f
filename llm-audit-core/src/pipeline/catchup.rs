//! What a sink gets from the journal's files instead of from memory.

use std::collections::VecDeque;
use std::io;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::ledger::Ledger;
use super::stream::{Count, Gap};
use crate::batch::Batch;
use crate::id::WriterId;
use crate::journal::{Bookmark, Cursor, Spool};
use crate::sink::SinkLimits;
use crate::sync::Arc;

/// A file that cannot be read is tried again after this.
pub(super) const READ_AGAIN: Duration = Duration::from_secs(5);
/// A file that cannot be read is tried so often before its events are counted as lost.
const MOST_TRIES: u32 = 12;

/// Reads what a sink missed, in the order in which it is to get it: what dead writers left, then
/// ranges of the log's own events for which there was no room in memory.
#[derive(Debug)]
pub(crate) struct CatchUp {
    spool: Spool,
    sink: usize,
    ledger: Arc<Ledger>,
    /// Dead writers whose events are not counted yet, and the number that counting has come to.
    uncounted: VecDeque<(WriterId, u64)>,
    /// Dead writers whose events the sink does not have yet.
    dead: VecDeque<WriterId>,
    /// Ranges of dead writers' numbers that are counted as lost already.
    lost: Vec<(WriterId, RangeInclusive<u64>)>,
    reading: Option<Reading>,
    /// Where in the log's own events the last range ended.
    own: Bookmark,
    failures: u32,
    /// When the last failure that counts was.
    failed: Option<Duration>,
}

#[derive(Debug)]
struct Reading {
    bookmark: Bookmark,
    to: u64,
    /// What was handed over up to there since the start.
    total: Count,
}

/// What the files hold for the sink.
#[derive(Debug)]
pub(crate) enum Found {
    Batch(Batch),
    /// A step was made; so many events were not where they had been written.
    Missing(u64),
    /// Every file of a dead writer is gone, and with them what the sink may not have.
    Gone(WriterId),
    /// It is the turn of what is in memory.
    Nothing,
}

impl CatchUp {
    pub(crate) fn new(
        spool: Spool,
        sink: usize,
        ledger: Arc<Ledger>,
        own: WriterId,
        cursor: &Cursor,
    ) -> Self {
        let dead = cursor.iter().filter(|(writer, _)| **writer != own);
        let uncounted: VecDeque<_> = dead.map(|(writer, seq)| (*writer, *seq)).collect();
        Self {
            spool,
            sink,
            ledger,
            dead: uncounted.iter().map(|(writer, _)| *writer).collect(),
            uncounted,
            lost: Vec::new(),
            reading: None,
            own: Bookmark::new(own, 0),
            failures: 0,
            failed: None,
        }
    }

    /// A dead writer's events above `seq` are due too.
    pub(crate) fn adopt(&mut self, writer: WriterId, seq: u64) {
        self.uncounted.push_back((writer, seq));
        self.dead.push_back(writer);
    }

    /// A range of the log's own events is to be read next; up to its end `total` were handed over.
    pub(crate) fn fill(&mut self, gap: &Gap, total: Count) {
        let mut bookmark = self.own.clone();
        bookmark.skip_to(gap.from.saturating_sub(1));
        self.reading = Some(Reading {
            bookmark,
            to: gap.to,
            total,
        });
    }

    /// Makes one step; `now` is of the monotonic clock.
    ///
    /// # Errors
    ///
    /// When a file could not be read; the step is to be made again after a pause.
    pub(crate) fn next(&mut self, limits: &SinkLimits, now: Duration) -> io::Result<Found> {
        let found = if self.uncounted.is_empty() {
            self.read(limits)
        } else {
            self.count()
        };
        match found {
            Err(error) => {
                // A pause that a flush cuts short makes no try.
                let counts = |at| now.saturating_sub(at) >= READ_AGAIN;
                if self.failed.is_none_or(counts) {
                    self.failed = Some(now);
                    self.failures += 1;
                }
                if self.failures < MOST_TRIES {
                    return Err(error);
                }
                self.failures = 0;
                self.failed = None;
                self.give_up()?;
                Ok(Found::Missing(0))
            }
            found => {
                self.failures = 0;
                self.failed = None;
                found
            }
        }
    }

    /// Counts the events of one segment of a dead writer.
    fn count(&mut self) -> io::Result<Found> {
        let Some((writer, after)) = self.uncounted.front().copied() else {
            return Ok(Found::Missing(0));
        };
        let segments = self.spool.segments(writer, after)?;
        let Some(name) = segments.first() else {
            self.counted(writer);
            return Ok(Found::Gone(writer));
        };
        let runs = self.spool.runs(*name, after)?;
        let next = segments.get(1).map(|next| next.first_seq.saturating_sub(1));
        self.ledger.sink(self.sink, |book| {
            // A file before this one was removed while the sink did not have it.
            let first = runs.first().map_or(name.first_seq, |run| run.from);
            if name.number > 1 && first.min(name.first_seq) > after.saturating_add(1) {
                book.miss(writer, name.first_seq.saturating_sub(1));
            }
            book.inherit(writer, &runs);
        });
        match (next, self.uncounted.front_mut()) {
            (Some(last), Some(front)) => front.1 = last.max(after),
            _ => self.counted(writer),
        }
        Ok(Found::Missing(0))
    }

    fn counted(&mut self, writer: WriterId) {
        self.uncounted.pop_front();
        self.ledger.sink(self.sink, |book| book.complete(writer));
    }

    fn read(&mut self, limits: &SinkLimits) -> io::Result<Found> {
        let Some(reading) = &mut self.reading else {
            return Ok(self.turn_to_next());
        };
        let writer = reading.bookmark.writer();
        let done_to = self.ledger.sink(self.sink, |book| book.done_to(writer));
        // What expired meanwhile is not looked for.
        reading.bookmark.skip_to(done_to.unwrap_or(0));
        let lost = self.lost.iter().position(|(of, _)| *of == writer);
        let ahead = lost.and_then(|index| Some((index, self.lost.get(index)?.1.clone())));
        let before = |(_, lost): &(usize, RangeInclusive<u64>)| lost.start().saturating_sub(1);
        let to = ahead.as_ref().map_or(reading.to, before);
        if let Some(batch) = self.spool.read(&mut reading.bookmark, to, limits)? {
            return Ok(Found::Batch(batch));
        }
        if let Some((index, lost)) = ahead {
            self.lost.remove(index);
            reading.bookmark.skip_to(*lost.end());
            return Ok(Found::Missing(0));
        }
        let (to, total) = (reading.to, reading.total);
        let missing = self
            .ledger
            .sink(self.sink, |book| book.read_to(writer, to, total));
        if let Some(reading) = self.reading.take()
            && writer == self.own.writer()
        {
            self.own = reading.bookmark;
        }
        Ok(Found::Missing(missing.unwrap_or(0)))
    }

    /// Begins with the next dead writer, if there is one.
    fn turn_to_next(&mut self) -> Found {
        let Some(writer) = self.dead.pop_front() else {
            return Found::Nothing;
        };
        let state = self.ledger.sink(self.sink, |book| {
            let (to, total) = book.handed(writer);
            (book.done_to(writer), to, total)
        });
        self.reading = state.map(|(after, to, total)| Reading {
            bookmark: Bookmark::new(writer, after),
            to,
            total,
        });
        Found::Missing(0)
    }

    /// Passes over a file that cannot be read; what it holds is found missing at the end. What the
    /// last one of a dead writer holds nobody knows: it stays due, for the next start.
    fn give_up(&mut self) -> io::Result<()> {
        if let Some((writer, after)) = self.uncounted.front_mut() {
            let segments = self.spool.segments(*writer, *after)?;
            match segments.get(1) {
                Some(next) => {
                    let (writer, from) = (*writer, after.saturating_add(1));
                    *after = next.first_seq.saturating_sub(1).max(*after);
                    let to = *after;
                    self.lost.push((writer, from..=to));
                    self.ledger.sink(self.sink, |book| book.miss(writer, to));
                }
                None => drop(self.uncounted.pop_front()),
            }
        } else if let Some(reading) = &mut self.reading
            && !self.spool.turn(&mut reading.bookmark)?
        {
            reading.bookmark.skip_to(reading.to);
        }
        Ok(())
    }
}
