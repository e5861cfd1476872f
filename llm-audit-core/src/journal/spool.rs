//! Reading events back for sinks that did not get them from memory.

use std::io;
use std::path::PathBuf;

use super::envelope::Envelope;
use super::line::{self, Place};
use super::name::{Name, SegmentName};
use super::open::segments;
use super::scan::Lines;
use crate::batch::{Batch, BatchBuilder};
use crate::event::Event;
use crate::id::WriterId;
use crate::pipeline::Run;
use crate::sink::SinkLimits;
use crate::sync::Arc;
use crate::vfs::{Access, Vfs};

/// The segments of a journal, as the threads of sinks read them.
#[derive(Clone, Debug)]
pub(crate) struct Spool {
    vfs: Arc<dyn Vfs>,
    dir: PathBuf,
}

/// A place in one writer's events.
///
/// No file is open between two batches, so it costs nothing to keep. While the process lives the
/// writer only appends, which makes an offset good for that long.
#[derive(Clone, Debug)]
pub(crate) struct Bookmark {
    writer: WriterId,
    /// The last number that was read, or was not wanted.
    after: u64,
    segment: Option<SegmentName>,
    offset: u64,
}

impl Bookmark {
    pub(crate) const fn new(writer: WriterId, after: u64) -> Self {
        Self {
            writer,
            after,
            segment: None,
            offset: 0,
        }
    }

    pub(crate) const fn writer(&self) -> WriterId {
        self.writer
    }

    /// Passes over the numbers up to `seq`.
    pub(crate) fn skip_to(&mut self, seq: u64) {
        self.after = self.after.max(seq);
    }
}

impl Spool {
    pub(crate) const fn new(vfs: Arc<dyn Vfs>, dir: PathBuf) -> Self {
        Self { vfs, dir }
    }

    /// Returns the segments of `writer` that may hold numbers above `after`, in order.
    pub(crate) fn segments(&self, writer: WriterId, after: u64) -> io::Result<Vec<SegmentName>> {
        let mut names = segments(&*self.vfs, &self.dir)?;
        names.retain(|name| name.writer == writer);
        names.sort_unstable_by_key(|name| name.number);
        let nexts = names.iter().skip(1).map(|next| next.first_seq);
        let past = nexts.take_while(|first| *first <= after.saturating_add(1));
        let past = past.count();
        Ok(names.split_off(past))
    }

    /// Returns the events of a segment with numbers above `after`. A segment that is gone has none.
    pub(crate) fn runs(&self, name: SegmentName, after: u64) -> io::Result<Vec<Run>> {
        let mut runs = Vec::new();
        let Some(mut lines) = self.open(name, 0)? else {
            return Ok(runs);
        };
        let place = Place::new(name.writer, name.number);
        let mut last = after;
        while let Some(piece) = lines.next()? {
            let json = piece.bytes.and_then(|bytes| line::open(place, bytes));
            let Some(envelope) = json.and_then(Envelope::read) else {
                continue;
            };
            if let Some(seq) = envelope.seq.filter(|seq| *seq > last) {
                let at = || envelope.recorded_at().unwrap_or_default();
                Run::extend(&mut runs, seq, envelope.is_hosts(), at);
                last = seq;
            }
        }
        Ok(runs)
    }

    /// Returns the next events up to number `to`, or `None` when there are no more.
    ///
    /// # Errors
    ///
    /// When a file cannot be read; the bookmark stands before it.
    pub(crate) fn read(
        &self,
        bookmark: &mut Bookmark,
        to: u64,
        limits: &SinkLimits,
    ) -> io::Result<Option<Batch>> {
        let mut batch = BatchBuilder::default();
        while bookmark.after < to {
            if bookmark.segment.is_none() && !self.turn(bookmark)? {
                break;
            }
            match self.read_segment(bookmark, to, limits, &mut batch) {
                Ok(true) => break,
                Ok(false) if self.turn(bookmark)? => {}
                Ok(false) => break,
                // What was read is good; the error comes again.
                Err(_) if batch.size().0 > 0 => break,
                Err(error) => return Err(error),
            }
        }
        Ok(batch.build(bookmark.writer))
    }

    /// Passes over the rest of a segment that cannot be read; returns whether another follows.
    pub(crate) fn turn(&self, bookmark: &mut Bookmark) -> io::Result<bool> {
        let number = bookmark.segment.map_or(0, |name| name.number);
        let segments = self.segments(bookmark.writer, bookmark.after)?;
        let next = segments.into_iter().find(|name| name.number > number);
        if let Some(next) = next {
            bookmark.segment = Some(next);
            bookmark.offset = 0;
        }
        Ok(next.is_some())
    }

    /// Returns whether the batch is full or `to` is reached, not just the end of the file.
    fn read_segment(
        &self,
        bookmark: &mut Bookmark,
        to: u64,
        limits: &SinkLimits,
        batch: &mut BatchBuilder,
    ) -> io::Result<bool> {
        let Some(name) = bookmark.segment else {
            return Ok(false);
        };
        let Some(mut lines) = self.open(name, bookmark.offset)? else {
            return Ok(false);
        };
        let place = Place::new(name.writer, name.number);
        loop {
            let (events, bytes) = batch.size();
            if events >= limits.max_batch_events.max(1)
                || (events > 0 && bytes >= limits.max_batch_bytes)
                || bookmark.after >= to
            {
                return Ok(true);
            }
            let Some(piece) = lines.next()?.filter(|piece| piece.ended) else {
                return Ok(false);
            };
            let end = piece.offset + piece.size;
            let json = piece.bytes.and_then(|bytes| line::open(place, bytes));
            let seq = json.and_then(|json| Envelope::read(json)?.seq);
            if let (Some(json), Some(seq)) = (json, seq.filter(|seq| *seq > bookmark.after)) {
                if seq > to {
                    return Ok(true);
                }
                // A line that holds no event of a known form is missing, and counted as such.
                if let Ok(event) = Event::from_json(json) {
                    let host = event.kind().is_hosts();
                    batch.push(seq, event, json, host);
                }
                bookmark.after = seq;
            }
            bookmark.offset = end;
        }
    }

    /// Opens a segment at an offset; `None` when it is gone.
    fn open(&self, name: SegmentName, offset: u64) -> io::Result<Option<Lines>> {
        let path = self.dir.join(Name::Segment(name).to_string());
        match self.vfs.open(&path, Access::Read) {
            Ok(file) => Ok(Some(Lines::from_offset(file, offset))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}
