//! Where one segment ends and the next begins.

use std::io;
use std::time::Duration;

use super::line::Place;
use super::name::{Day, Name, SegmentName};
use super::writer::{Journal, RETRY_FIRST, RETRY_MOST, seal_all};
use crate::sync::Arc;
use crate::vfs::{Access, VfsFile};

/// How often the live segment is looked for under its name.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The segment that is written to.
pub(super) struct Segment {
    pub(super) name: SegmentName,
    pub(super) file: Arc<dyn VfsFile>,
    /// Where the last whole line ends.
    pub(super) size: u64,
    pub(super) opened: Duration,
    pub(super) wrote: Duration,
    pub(super) last_seq: Option<u64>,
}

/// An own segment that is not written to any more.
#[derive(Debug)]
pub(super) struct ClosedSegment {
    pub(super) name: SegmentName,
    pub(super) last_seq: Option<u64>,
    /// When it was written to last, by the monotonic clock.
    pub(super) wrote: Duration,
}

/// Since the next segment cannot be begun: why, and when it is tried again.
#[derive(Debug)]
pub(super) struct Stretched {
    next: Duration,
    delay: Duration,
    error: io::Error,
}

impl Journal {
    /// Ends the segment when it is due: by age, by the date in UTC, because a synchronisation of it
    /// failed, or because somebody moved or cut it. Returns whether it ended.
    pub(crate) fn roll_if_due(&mut self) -> bool {
        let now = self.clock.monotonic();
        let look = now.saturating_sub(self.looked) >= LOOK_EVERY;
        if look {
            self.looked = now;
            // What was deleted is not to take room because it is held open.
            let closed = &self.closed;
            let is_left = |name| closed.iter().any(|closed| closed.name == name);
            self.resting.take_if(|segment| !is_left(segment.name));
        }
        let Some(segment) = &self.segment else {
            return false;
        };
        let lost = self.syncer.is_poisoned(&segment.file) || (look && !self.is_in_place(segment));
        let due = now.saturating_sub(segment.opened) >= self.config.segment_max_age
            // A clock that goes back ends no segment.
            || Day::of(self.clock.now()) > segment.name.day;
        match &self.stretched {
            _ if lost => self.roll(),
            Some(stretched) => {
                if now >= stretched.next {
                    self.rest();
                    // As long as it fails, what is there goes on.
                    drop(self.ready(self.next_seq()));
                }
                return false;
            }
            None if due => self.rest(),
            None => return false,
        }
        true
    }

    /// Ends the segment; the next write begins another.
    pub(super) fn roll(&mut self) {
        self.rest();
        self.resting = None;
    }

    /// As [`Journal::roll`], of a segment that is in order: it goes on if no other can be begun.
    pub(super) fn rest(&mut self) {
        let Some(segment) = self.segment.take() else {
            return;
        };
        self.closed.push(ClosedSegment {
            name: segment.name,
            last_seq: segment.last_seq,
            wrote: segment.wrote,
        });
        self.begin_at(self.next_number.max(segment.name.number + 1));
        self.resting = Some(segment);
    }

    /// Sees to it that there is a segment to write to. A new one is named by `first_seq`; while it
    /// cannot be made, the one before it goes on past its end.
    pub(super) fn ready(&mut self, first_seq: u64) -> io::Result<()> {
        if self.segment.is_some() {
            return Ok(());
        }
        match self.open_segment(first_seq) {
            Ok(segment) => {
                self.segment = Some(segment);
                self.resting = None;
                self.stretched = None;
                Ok(())
            }
            Err(error) => self.stretch(error),
        }
    }

    fn stretch(&mut self, error: io::Error) -> io::Result<()> {
        let last = self.closed.last().map(|closed| closed.name);
        let good = |segment: &Segment| {
            Some(segment.name) == last && !self.syncer.is_poisoned(&segment.file)
        };
        let Some(segment) = self.resting.take_if(|segment| good(segment)) else {
            return Err(error);
        };
        self.closed.pop();
        self.pending
            .move_to(Place::new(self.writer, segment.name.number));
        self.segment = Some(segment);
        let delay = self.stretched.as_ref();
        let delay = delay.map_or(RETRY_FIRST, |stretched| {
            (stretched.delay * 2).min(RETRY_MOST)
        });
        self.stretched = Some(Stretched {
            next: self.clock.monotonic() + delay,
            delay,
            error,
        });
        Ok(())
    }

    /// Returns why a segment goes on past its end, if it does.
    pub(crate) fn stretched(&self) -> Option<String> {
        let stretched = self.stretched.as_ref()?;
        Some(format!(
            "journal `{}` cannot begin a new segment, and goes on in the one that it has: {}",
            self.dir().display(),
            stretched.error
        ))
    }

    /// Returns whether a synchronisation of the segment failed.
    pub(super) fn is_poisoned(&self) -> bool {
        let segment = self.segment.as_ref();
        segment.is_some_and(|segment| self.syncer.is_poisoned(&segment.file))
    }

    /// Returns the first number that a new segment can hold.
    pub(super) fn next_seq(&self) -> u64 {
        let next = || self.written.up_to.map_or(1, |seq| seq.saturating_add(1));
        self.pending.first_seq().unwrap_or_else(next)
    }

    fn skip_number(&mut self) {
        self.begin_at(self.next_number + 1);
    }

    fn begin_at(&mut self, number: u64) {
        self.next_number = number;
        self.pending
            .move_to(Place::new(self.writer, self.next_number));
    }

    pub(super) fn open_segment(&mut self, first_seq: u64) -> io::Result<Segment> {
        let name = SegmentName {
            day: Day::of(self.clock.now()),
            writer: self.writer,
            number: self.next_number,
            first_seq,
        };
        let path = self.path(Name::Segment(name));
        let opened = self
            .structure
            .segment_opened(self.writer, name.number, first_seq);
        let mut events = vec![opened];
        if !self.opened {
            events.push(self.structure.writer_opened(self.writer));
        }
        let head = seal_all(Place::new(self.writer, name.number), &events)?;
        let file = match self.vfs.create_new(&path) {
            Ok(file) => file,
            Err(error) => {
                if error.kind() == io::ErrorKind::AlreadyExists {
                    self.skip_number();
                }
                return Err(error);
            }
        };
        if let Err(error) = file.write_all(&head) {
            // A file that cannot be removed keeps its number.
            if self.vfs.unlink(&path).is_err() {
                self.skip_number();
            }
            return Err(error);
        }
        self.opened = true;
        self.syncer.wrote(&file, None, head.len() as u64);
        self.syncer.changed_dir();
        self.settle(self.syncer.status().durable_to().unwrap_or(0));
        Ok(Segment {
            name,
            file,
            size: head.len() as u64,
            opened: self.clock.monotonic(),
            wrote: self.clock.monotonic(),
            last_seq: None,
        })
    }

    /// Notes for a recovery that it need not look for events up to `seq`.
    pub(super) fn settle(&mut self, seq: u64) {
        // A note that is not stored makes a recovery read more.
        if let Ok(Some(file)) = self.reservation.settle(&*self.vfs, seq) {
            self.syncer.wrote(&file, None, 0);
            let passed = self.syncer.passed(&file);
            self.reservation.await_pass(passed, self.syncer.next_pass());
        }
    }

    /// Returns whether a recovery, after a power cut too, need not look for events up to `seq`, or
    /// no waiting makes that so.
    pub(super) fn is_settled(&mut self, seq: u64) -> bool {
        let Some(file) = self.reservation.file() else {
            // No number is set aside, so none is missed.
            return true;
        };
        match self.syncer.passed(file) {
            // Room is needed most when a note cannot be stored or confirmed.
            _ if !self.reservation.is_noted(seq) => true,
            None => true,
            passed => self.reservation.kept(passed) >= seq,
        }
    }

    fn is_in_place(&self, segment: &Segment) -> bool {
        let path = self.path(Name::Segment(segment.name));
        match self.vfs.open(&path, Access::Read) {
            Ok(file) => file.size().ok() == Some(segment.size),
            Err(error) => !matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::InvalidInput
            ),
        }
    }
}
