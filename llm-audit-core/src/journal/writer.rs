//! One writer's journal, as its owner, a single thread, uses it.

use std::fmt;
use std::io;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use super::clockwatch::ClockWatch;
use super::config::JournalConfig;
use super::extent::REPEATS;
use super::kept::Kept;
use super::line::{self, Place};
use super::name::{Name, SegmentName};
use super::pending::{Lost, Pending};
use super::reservation::Reservation;
use super::retiring::Retiring;
use super::roll::{ClosedSegment, Segment, Stretched};
use super::room::Room;
use super::scan::retry;
use super::sinks::Sinks;
use super::structure::Structure;
use super::sync::{SyncStatus, Syncer};
use crate::clock::Clock;
use crate::error::Error;
use crate::event::Event;
use crate::id::WriterId;
use crate::pipeline::LossReason;
use crate::sorted::SortedMap;
use crate::sync::Arc;
use crate::timestamp::Timestamp;
use crate::vfs::{Vfs, VfsFile};

/// While writing fails, the next attempt is this much later, doubled each time.
pub(super) const RETRY_FIRST: Duration = Duration::from_millis(10);
pub(super) const RETRY_MOST: Duration = Duration::from_secs(1);
/// Events that could not be written for so long, or that are so many, are given up.
const GIVE_UP_AFTER: Duration = Duration::from_secs(30);
const GIVE_UP_BYTES: usize = 64 << 20;

/// The journal of one writer.
///
/// Nothing in it panics, blocks on anything but the file system's own calls, or starts a thread but
/// the one that synchronises. Dropping it without [`Journal::close`] is like a crash: the next start
/// repairs what there is.
pub(crate) struct Journal {
    pub(super) config: JournalConfig,
    pub(super) vfs: Arc<dyn Vfs>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) structure: Structure,
    pub(super) writer: WriterId,
    pub(super) syncer: Syncer,
    pub(super) reservation: Reservation,
    /// When its file, once it failed, is written anew at the earliest.
    pub(super) renew_at: Duration,
    pub(super) watch: ClockWatch,
    /// Own segments that are not written to any more.
    pub(super) closed: Vec<ClosedSegment>,
    /// Held, never written to.
    pub(super) lock: Arc<dyn VfsFile>,
    pub(super) pending: Pending,
    pub(super) kept: Kept,
    pub(super) segment: Option<Segment>,
    /// The one before it, which goes on while no other can be begun.
    pub(super) resting: Option<Segment>,
    pub(super) stretched: Option<Stretched>,
    pub(super) next_number: u64,
    pub(super) written: Written,
    pub(super) failing: Option<Failing>,
    /// Whether `writer_opened` is on disk.
    pub(super) opened: bool,
    /// Whether events were given up and nothing was written after them, so no `loss` either.
    pub(super) untold: bool,
    pub(super) looked: Duration,
    /// The newest event of segments that were read for it.
    pub(super) newest: SortedMap<SegmentName, Timestamp>,
    pub(super) sinks: Sinks,
    pub(super) room: Room,
    pub(super) retiring: Retiring,
}

/// Since when writing fails, and when it is tried again.
#[derive(Debug)]
pub(super) struct Failing {
    pub(super) since: Duration,
    pub(super) next: Duration,
    pub(super) delay: Duration,
    pub(super) reason: LossReason,
}

/// What is in the files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Written {
    /// Each event up to this number is written or was given back as lost; it survives the end of
    /// the process.
    pub(crate) up_to: Option<u64>,
    /// Events written so far.
    pub(crate) events: u64,
    /// Bytes of their lines.
    pub(crate) bytes: u64,
}

/// Not every line could be written.
#[derive(Debug)]
pub(crate) struct WriteFailed {
    /// Why.
    pub(crate) error: Error,
    /// What was given up; without, the lines wait for the next attempt.
    pub(crate) lost: Option<Lost>,
}

/// How a journal ended.
#[derive(Debug)]
pub(crate) struct Closed {
    /// What is in the files.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "the pipeline keeps its own sums")
    )]
    pub(crate) written: Written,
    /// What could not be written.
    pub(crate) lost: Option<Lost>,
    /// Whether everything survives a power cut. When not, the next start checks the files.
    pub(crate) synced: Result<SyncStatus, Error>,
}

impl Journal {
    /// Takes one sealed event, a JSON object on one line, to be written with the next
    /// [`Journal::write`]. Numbers must come in rising order.
    ///
    /// # Errors
    ///
    /// `is_refused` when the event alone is too long or no object on one line; nothing changes.
    pub(crate) fn append(&mut self, seq: u64, json: &[u8]) -> Result<(), Error> {
        if json.len() > self.config.max_event_bytes {
            return Err(Error::refused(format!(
                "event {seq} has {} bytes, more than max_event_bytes {}",
                json.len(),
                self.config.max_event_bytes
            )));
        }
        self.pending.push(seq, json)
    }

    /// Writes the lines taken so far, one call of the operating system for each segment they go to.
    ///
    /// # Errors
    ///
    /// When some could not be written. They wait for the next call, until they are given up after 30
    /// seconds or 64 MiB; a call soon after a failure does not touch the disk.
    pub(crate) fn write(&mut self) -> Result<Written, WriteFailed> {
        let now = self.clock.monotonic();
        if !self.pending.is_empty() {
            self.make_way(now)?;
        }
        let waits = self.failing.as_ref().filter(|failing| now < failing.next);
        if let Some(failing) = waits.filter(|_| !self.pending.is_empty()) {
            let error = Error::io(
                format!(
                    "journal `{}` waits before it writes again",
                    self.dir().display()
                ),
                io::Error::other(failing.reason.name()),
            );
            return Err(self.failed(error, None));
        }
        self.write_now()
    }

    /// Writes the events of files whose synchronisation failed to another file, each once. What
    /// cannot be written there is given up: it may not survive a power cut.
    ///
    /// Segments that are behind the one that failed hold higher numbers, so what is repeated gets a
    /// segment of its own, whose name says so.
    ///
    /// The bound of the numbers set aside is written anew too.
    pub(crate) fn rewrite(&mut self) {
        self.renew_reservation();
        let status = self.syncer.status();
        self.kept.forget(status.settled_to().unwrap_or(0));
        for seqs in self.syncer.take_owed() {
            if self.rewrite_range(&seqs).is_err() {
                self.syncer.give_up(seqs);
            }
        }
    }

    fn renew_reservation(&mut self) {
        let now = self.clock.monotonic();
        let file = self.reservation.file();
        if !file.is_some_and(|file| self.syncer.is_poisoned(file)) || now < self.renew_at {
            return;
        }
        match self.reservation.renew(&*self.vfs) {
            Ok(()) => {
                self.syncer.changed_dir();
                self.reservation.await_pass(None, self.syncer.next_pass());
            }
            Err(_) => self.renew_at = now + RETRY_MOST,
        }
    }

    fn rewrite_range(&mut self, seqs: &RangeInclusive<u64>) -> io::Result<()> {
        self.rest();
        let place = Place::new(self.writer, self.next_number);
        let lines = self.kept.lines(seqs, place);
        let lines = lines.ok_or(io::ErrorKind::OutOfMemory)?;
        let segment = self.open_segment(REPEATS)?;
        let segment = self.segment.insert(segment);
        if let Err(error) = segment.file.write_all(&lines) {
            self.mend(true);
            self.roll();
            return Err(error);
        }
        let bytes = lines.len() as u64;
        segment.size += bytes;
        segment.last_seq = Some(*seqs.end());
        self.syncer.wrote(&segment.file, Some(seqs.clone()), bytes);
        self.roll();
        Ok(())
    }

    fn write_now(&mut self) -> Result<Written, WriteFailed> {
        self.rewrite();
        let mut failed_before = false;
        while !self.pending.is_empty() {
            let waiting = self.pending.events();
            match self.write_one() {
                Ok(()) => failed_before = false,
                // One more try, perhaps in a new segment, unless that was it.
                Err(_) if !failed_before || self.pending.events() < waiting => failed_before = true,
                Err(source) => {
                    let now = self.clock.monotonic();
                    let (since, delay) = match &self.failing {
                        Some(failing) => (failing.since, (failing.delay * 2).min(RETRY_MOST)),
                        None => (now, RETRY_FIRST),
                    };
                    self.failing = Some(Failing {
                        since,
                        next: now + delay,
                        delay,
                        reason: reason(&source),
                    });
                    let message = format!("failed to write to journal `{}`", self.dir().display());
                    return Err(self.failed(Error::io(message, source), Some(now)));
                }
            }
        }
        self.failing = None;
        self.room.written();
        Ok(self.written)
    }

    /// Returns what is in the files.
    pub(crate) const fn written(&self) -> Written {
        self.written
    }

    /// Returns the bytes of lines that are written and kept until the disk has them.
    pub(crate) const fn kept_bytes(&self) -> usize {
        self.kept.bytes()
    }

    /// Returns whether the last attempt to write failed.
    #[cfg(test)]
    pub(crate) const fn is_failing(&self) -> bool {
        self.failing.is_some()
    }

    /// Gives up what waits to be written; returns exactly what is lost.
    pub(crate) fn give_up(&mut self) -> Option<Lost> {
        let reason = self
            .failing
            .as_ref()
            .map_or(LossReason::IoError, |failing| failing.reason);
        let lost = self.pending.give_up(reason);
        self.untold |= lost.is_some();
        self.room.written();
        let last = lost.as_ref().and_then(|lost| lost.seqs.last());
        self.written.up_to = self.written.up_to.max(last.map(|window| *window.end()));
        lost
    }

    /// Sets numbers aside at least up to `seq`, a block at a time; returns the new bound.
    ///
    /// # Errors
    ///
    /// When the bound could not be stored; the old one stands, and writing goes on.
    pub(crate) fn reserve(&mut self, seq: u64) -> Result<u64, Error> {
        if let Some(file) = self.reservation.extend(&*self.vfs, seq)? {
            self.syncer.wrote(&file, None, 0);
            self.syncer.changed_dir();
        }
        Ok(self.reserved_to())
    }

    /// Returns up to which number all are set aside; 0 when none is.
    pub(crate) const fn reserved_to(&self) -> u64 {
        self.reservation.up_to()
    }

    /// Returns the handle by which others wait for synchronisation.
    pub(crate) const fn syncer(&self) -> &Syncer {
        &self.syncer
    }

    /// Writes what waits and `writer_closed`, synchronises within `timeout`, and lets go of the
    /// directory.
    pub(crate) fn close(mut self, timeout: Duration) -> Closed {
        self.room.clear(&*self.vfs);
        let lost = match self.write_now() {
            Ok(_) => None,
            Err(failed) => failed.lost.or_else(|| self.give_up()),
        };
        // A stream that ends on a loss it does not tell of is completed by the next start.
        let mut marked = !self.untold && (!self.opened || self.write_closed().is_ok());
        let mut synced = self.syncer.sync(timeout);
        if marked && synced.as_ref().is_err_and(Error::is_io) {
            self.rewrite();
            marked = self.write_closed().is_ok();
            synced = self.syncer.sync(timeout);
        }
        // Otherwise the next start takes this writer for a crashed one, and looks.
        if marked && synced.is_ok() {
            for name in [Name::Reservation(self.writer), Name::Lock(self.writer)] {
                // What cannot be removed only makes the next start look.
                drop(self.vfs.unlink(&self.path(name)));
            }
        }
        Closed {
            written: self.written,
            lost,
            synced,
        }
    }

    pub(super) fn dir(&self) -> &std::path::Path {
        &self.config.dir
    }

    pub(super) fn path(&self, name: Name) -> PathBuf {
        self.config.dir.join(name.to_string())
    }

    /// Writes one call's worth of lines; at least one line is written, or it fails.
    fn write_one(&mut self) -> io::Result<()> {
        let next_line = self.pending.fitting(0).len() as u64;
        let most = self.config.segment_max_bytes;
        let full = self
            .segment
            .as_ref()
            .is_some_and(|segment| segment.last_seq.is_some() && segment.size + next_line > most);
        if self.is_poisoned() {
            self.roll();
        } else if full && self.stretched.is_none() {
            self.rest();
        }
        self.ready(self.pending.first_seq().unwrap_or(0))?;
        let Some(segment) = &mut self.segment else {
            return Ok(());
        };
        let room = match &self.stretched {
            Some(_) => most,
            None => most.saturating_sub(segment.size),
        };
        let bytes = self.pending.fitting(room);
        let (result, done) = write_all(&*segment.file, bytes);
        let (taken, lines) = self.pending.take(done, || self.kept.spare());
        self.kept.keep(lines);
        segment.size += taken.bytes;
        if let Some(seqs) = &taken.seqs {
            segment.last_seq = Some(*seqs.end());
            segment.wrote = self.clock.monotonic();
            self.untold = false;
            self.written.up_to = Some(*seqs.end());
            self.written.events += taken.events;
            self.written.bytes += taken.bytes;
            self.syncer
                .wrote(&segment.file, taken.seqs.clone(), taken.bytes);
        }
        if let Err(error) = &result {
            self.mend(reason(error) != LossReason::Enospc);
        }
        result
    }

    /// Cuts a half-written line off. A segment that cannot be cut, or that `suspect` says not to
    /// trust, is not written to any more.
    fn mend(&mut self, suspect: bool) {
        let Some(segment) = &self.segment else {
            return;
        };
        let cut = segment.file.truncate(segment.size).is_ok()
            && segment.file.size().ok() == Some(segment.size);
        // One without events is as good as the next one would be.
        let suspect = suspect && segment.last_seq.is_some();
        if suspect || !cut {
            self.roll();
        }
    }

    fn write_closed(&mut self) -> io::Result<()> {
        if self.is_poisoned() {
            self.roll();
        }
        self.ready(self.next_seq())?;
        let Some(segment) = &self.segment else {
            return Ok(());
        };
        let place = Place::new(self.writer, segment.name.number);
        let line = seal_all(place, &[self.structure.writer_closed(self.writer)])?;
        let result = segment.file.write_all(&line);
        self.syncer.wrote(&segment.file, None, line.len() as u64);
        if result.is_err() {
            self.mend(true);
        }
        result
    }

    pub(super) fn failed(&mut self, error: Error, tried: Option<Duration>) -> WriteFailed {
        let since = self.failing.as_ref().map(|failing| failing.since);
        let age = tried
            .zip(since)
            .map(|(now, since)| now.saturating_sub(since));
        let over =
            self.pending.bytes() > GIVE_UP_BYTES || age.is_some_and(|age| age >= GIVE_UP_AFTER);
        let lost = if over { self.give_up() } else { None };
        WriteFailed { error, lost }
    }
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal")
            .field("writer", &self.writer)
            .field("written", &self.written)
            .field("pending", &self.pending.events())
            .finish_non_exhaustive()
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.syncer.close();
    }
}

/// Writes as much as possible; also returns how much that was. A write that was short is continued
/// where it ended, so one line is never begun twice.
fn write_all(file: &dyn VfsFile, bytes: &[u8]) -> (io::Result<()>, usize) {
    let mut done = 0;
    while let Some(rest) = bytes.get(done..).filter(|rest| !rest.is_empty()) {
        match retry(|| file.write(rest)) {
            Ok(0) => return (Err(io::ErrorKind::WriteZero.into()), done),
            Ok(taken) => done += taken,
            Err(error) => return (Err(error), done),
        }
    }
    (Ok(()), done)
}

/// Returns the lines of `events` at `place`.
pub(super) fn seal_all(place: Place, events: &[Event]) -> io::Result<Vec<u8>> {
    let (mut lines, mut json) = (Vec::new(), Vec::new());
    for event in events {
        json.clear();
        event.encode(&mut json);
        line::seal(place, &json, &mut lines).map_err(io::Error::other)?;
    }
    Ok(lines)
}

/// The loss reason of an error.
fn reason(error: &io::Error) -> LossReason {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => LossReason::Enospc,
        _ => LossReason::IoError,
    }
}
