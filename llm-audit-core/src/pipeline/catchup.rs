//! What a sink gets from the journal's files instead of from memory.

use std::collections::VecDeque;
use std::io;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::ledger::Ledger;
use super::stream::{Count, Gap};
use crate::batch::Batch;
use crate::id::WriterId;
use crate::journal::{Bookmark, Cursor, Portion, Spool};
use crate::sink::SinkLimits;
use crate::sync::Arc;

/// A file that cannot be read is tried again after this.
pub(super) const READ_AGAIN: Duration = Duration::from_secs(5);
/// A file that cannot be read is tried so often before its events are counted as lost.
const MOST_TRIES: u32 = 12;
/// What the last file of a dead writer holds nobody knows: it is tried again after this, doubled
/// each time.
const FIRST_LATER: Duration = Duration::from_secs(60);
const LAST_LATER: Duration = Duration::from_secs(3_600);
/// So many events are counted in one step.
const COUNT_EVENTS: usize = 512;
/// And so many bytes of them.
const COUNT_BYTES: usize = 8 << 20;

/// Reads what a sink missed, in the order in which it is to get it: what dead writers left, then
/// ranges of the log's own events for which there was no room in memory.
#[derive(Debug)]
pub(crate) struct CatchUp {
    spool: Spool,
    sink: usize,
    ledger: Arc<Ledger>,
    /// Dead writers whose events are not counted yet.
    uncounted: VecDeque<Uncounted>,
    /// Dead writers whose last file could not be read, and when it is tried again.
    later: Vec<(Duration, Uncounted)>,
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
struct Uncounted {
    bookmark: Bookmark,
    /// How long the next pause is if its last file cannot be read.
    pause: Duration,
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
        let dead: Vec<_> = dead.map(|(writer, seq)| (*writer, *seq)).collect();
        Self {
            spool,
            sink,
            ledger,
            dead: dead.iter().map(|(writer, _)| *writer).collect(),
            uncounted: dead
                .into_iter()
                .map(|(writer, seq)| Uncounted::new(writer, seq))
                .collect(),
            later: Vec::new(),
            lost: Vec::new(),
            reading: None,
            own: Bookmark::new(own, 0),
            failures: 0,
            failed: None,
        }
    }

    /// A dead writer's events above `seq` are due too.
    pub(crate) fn adopt(&mut self, writer: WriterId, seq: u64) {
        self.uncounted.push_back(Uncounted::new(writer, seq));
        self.dead.push_back(writer);
    }

    /// Returns how long there is nothing to do, unless something happens.
    pub(crate) fn rest(&self, now: Duration) -> Option<Duration> {
        let due = self.later.iter().map(|(due, _)| *due).min();
        due.map(|due| due.saturating_sub(now))
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
        if let Some(at) = self.later.iter().position(|(due, _)| *due <= now) {
            let (_, again) = self.later.swap_remove(at);
            self.dead.push_back(again.bookmark.writer());
            self.uncounted.push_back(again);
        }
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
                let again = self.uncounted.front();
                let again = again.is_some_and(|front| front.pause > FIRST_LATER);
                if self.failures < MOST_TRIES && !again {
                    return Err(error);
                }
                self.failures = 0;
                self.failed = None;
                self.give_up(now)?;
                Ok(Found::Missing(0))
            }
            found => {
                self.failures = 0;
                self.failed = None;
                found
            }
        }
    }

    /// Counts some events of a dead writer.
    fn count(&mut self) -> io::Result<Found> {
        let Some(Uncounted { bookmark, .. }) = self.uncounted.front_mut() else {
            return Ok(Found::Missing(0));
        };
        let (writer, after) = (bookmark.writer(), bookmark.after());
        let segments = self.spool.segments(writer, after)?;
        if segments.is_empty() {
            self.counted(writer);
            return Ok(Found::Gone(writer));
        }
        let first = segments.iter().find(|name| !name.is_repeat());
        // A file before it was removed while the sink did not have it.
        let gone = first.filter(|first| first.number > 1 && first.first_seq > after + 1);
        if let Some(to) = gone.map(|first| first.first_seq - 1) {
            bookmark.skip_to(to);
            self.ledger.sink(self.sink, |book| book.miss(writer, to));
        }
        let mut portion = Portion {
            events: COUNT_EVENTS,
            bytes: COUNT_BYTES,
        };
        let runs = self
            .spool
            .runs_in(bookmark, segments, u64::MAX, &mut portion)?;
        self.ledger
            .sink(self.sink, |book| book.inherit(writer, &runs));
        if runs.is_empty() {
            self.counted(writer);
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

    /// Passes over a file that cannot be read; what it holds is found missing at the end. The last
    /// one of a dead writer is tried again later.
    fn give_up(&mut self, now: Duration) -> io::Result<()> {
        if let Some(Uncounted { bookmark, .. }) = self.uncounted.front_mut() {
            let (writer, from) = (bookmark.writer(), bookmark.after().saturating_add(1));
            let last = match bookmark.failed() {
                Some(name) if name.is_repeat() => Some(0),
                Some(name) => self.spool.last_seq(name)?,
                None => None,
            };
            let Some(to) = last else {
                self.put_off(now);
                return Ok(());
            };
            bookmark.pass_over();
            if to >= from {
                bookmark.skip_to(to);
                self.lost.push((writer, from..=to));
                self.ledger.sink(self.sink, |book| book.miss(writer, to));
            }
        } else if let Some(reading) = &mut self.reading
            && !reading.bookmark.pass_over()
        {
            reading.bookmark.skip_to(reading.to);
        }
        Ok(())
    }

    fn put_off(&mut self, now: Duration) {
        if let Some(mut again) = self.uncounted.pop_front() {
            let due = now.saturating_add(again.pause);
            again.pause = (again.pause * 2).min(LAST_LATER);
            self.later.push((due, again));
        }
    }
}

impl Uncounted {
    const fn new(writer: WriterId, seq: u64) -> Self {
        Self {
            bookmark: Bookmark::new(writer, seq),
            pause: FIRST_LATER,
        }
    }
}
