//! Reading events back for sinks that did not get them from memory.

use std::io;
use std::path::PathBuf;

use super::envelope::Envelope;
use super::extent::{above, last_seq};
use super::line::{self, Place};
use super::name::{Name, SegmentName};
use super::open::segments;
use super::rewrite;
use super::scan::Lines;
use crate::batch::{Batch, BatchBuilder};
use crate::event::Event;
use crate::id::WriterId;
use crate::pipeline::Run;
use crate::sink::SinkLimits;
use crate::sorted::SortedMap;
use crate::sync::Arc;
use crate::vfs::{Access, Vfs};

/// The segments of a journal, as the threads of sinks read them: one writer's events in the order of
/// their numbers, each once, also those that a later segment repeats.
#[derive(Clone, Debug)]
pub(crate) struct Spool {
    vfs: Arc<dyn Vfs>,
    dir: PathBuf,
}

/// A place in one writer's events.
///
/// No file is open between two batches, so it costs nothing to keep. An offset is good as long as the
/// segment is not written anew, which its fingerprint tells.
#[derive(Clone, Debug)]
pub(crate) struct Bookmark {
    writer: WriterId,
    /// The last number that was read, or was not wanted.
    after: u64,
    /// Where reading goes on in segments that were begun, by their numbers.
    offsets: SortedMap<u64, u64>,
    /// Of those segments.
    fingerprints: SortedMap<u64, u32>,
    /// The segment that could not be read.
    failed: Option<SegmentName>,
    /// The writer's segments when the directory was listed last, until they are read.
    listed: Option<Vec<SegmentName>>,
}

/// How much is read at once: an event more when neither is used up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Portion {
    pub(crate) events: usize,
    pub(crate) bytes: usize,
}

impl Portion {
    pub(crate) const fn is_left(&self) -> bool {
        self.events > 0 && self.bytes > 0
    }

    const fn take(&mut self, bytes: usize) {
        self.events = self.events.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(bytes);
    }
}

/// In place of an offset in a segment that is passed over.
const PASSED: u64 = u64::MAX;

impl Bookmark {
    pub(crate) const fn new(writer: WriterId, after: u64) -> Self {
        Self {
            writer,
            after,
            offsets: SortedMap::new(),
            fingerprints: SortedMap::new(),
            failed: None,
            listed: None,
        }
    }

    pub(crate) const fn writer(&self) -> WriterId {
        self.writer
    }

    pub(crate) const fn after(&self) -> u64 {
        self.after
    }

    /// Passes over the numbers up to `seq`.
    pub(crate) fn skip_to(&mut self, seq: u64) {
        self.after = self.after.max(seq);
    }

    /// Returns the segment that could not be read.
    pub(crate) const fn failed(&self) -> Option<SegmentName> {
        self.failed
    }

    /// Passes over the segment that could not be read; returns whether there was one.
    pub(crate) fn pass_over(&mut self) -> bool {
        let failed = self.failed.take();
        self.offsets
            .extend(failed.map(|name| (name.number, PASSED)));
        failed.is_some()
    }
}

impl Spool {
    pub(crate) const fn new(vfs: Arc<dyn Vfs>, dir: PathBuf) -> Self {
        Self { vfs, dir }
    }

    /// Returns the segments of `writer` that may hold numbers above `after`, by their numbers.
    pub(crate) fn segments(&self, writer: WriterId, after: u64) -> io::Result<Vec<SegmentName>> {
        let mut names = segments(&*self.vfs, &self.dir)?;
        names.retain(|name| name.writer == writer);
        SegmentName::sort(&mut names);
        Ok(above(&names, after))
    }

    /// Returns the last number that a segment can hold, or `None` when nobody knows.
    pub(crate) fn last_seq(&self, name: SegmentName) -> io::Result<Option<u64>> {
        Ok(last_seq(name, segments(&*self.vfs, &self.dir)?))
    }

    /// Returns the next events up to number `to`, of what is left of `portion`; or none when there are
    /// no more.
    ///
    /// # Errors
    ///
    /// When a file cannot be read; the bookmark stands before it.
    pub(crate) fn runs(
        &self,
        bookmark: &mut Bookmark,
        to: u64,
        portion: &mut Portion,
    ) -> io::Result<Vec<Run>> {
        let segments = self.segments(bookmark.writer, bookmark.after)?;
        self.runs_in(bookmark, segments, to, portion)
    }

    /// As [`Spool::runs`], in these segments.
    pub(crate) fn runs_in(
        &self,
        bookmark: &mut Bookmark,
        segments: Vec<SegmentName>,
        to: u64,
        portion: &mut Portion,
    ) -> io::Result<Vec<Run>> {
        let mut runs = Vec::new();
        let mut merge = Merge::new(self, bookmark, segments);
        while portion.is_left() || runs.is_empty() {
            let head = match merge.next(to) {
                Ok(Some(head)) => head,
                Ok(None) => break,
                Err(_) if !runs.is_empty() => break,
                Err(error) => return Err(error),
            };
            portion.take(head.json.len());
            if let Some(envelope) = Envelope::read(&head.json) {
                let at = || envelope.recorded_at().unwrap_or_default();
                Run::extend(&mut runs, head.seq, envelope.is_hosts(), at);
            }
        }
        Ok(runs)
    }

    /// Returns the next events up to number `to`, or `None` when there are no more. The directory is
    /// listed when what it held the last time is read.
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
        if bookmark.after >= to {
            return Ok(None);
        }
        if let Some(listed) = bookmark.listed.take() {
            let segments = above(&listed, bookmark.after);
            if let Some(batch) = self.read_from(bookmark, segments, to, limits)? {
                bookmark.listed = Some(listed);
                return Ok(Some(batch));
            }
        }
        let segments = self.segments(bookmark.writer, bookmark.after)?;
        let batch = self.read_from(bookmark, segments.clone(), to, limits)?;
        bookmark.listed = batch.is_some().then_some(segments);
        Ok(batch)
    }

    fn read_from(
        &self,
        bookmark: &mut Bookmark,
        segments: Vec<SegmentName>,
        to: u64,
        limits: &SinkLimits,
    ) -> io::Result<Option<Batch>> {
        let writer = bookmark.writer;
        let mut batch = BatchBuilder::default();
        let mut merge = Merge::new(self, bookmark, segments);
        loop {
            let (events, bytes) = batch.size();
            if events >= limits.max_batch_events.max(1)
                || (events > 0 && bytes >= limits.max_batch_bytes)
            {
                break;
            }
            let head = match merge.next(to) {
                Ok(Some(head)) => head,
                Ok(None) => break,
                // What was read is good; the error comes again.
                Err(_) if events > 0 => break,
                Err(error) => return Err(error),
            };
            // A line that holds no event of a known form is missing, and counted as such.
            if let Ok(event) = Event::from_json(&head.json) {
                let host = event.kind().is_hosts();
                batch.push(head.seq, event, &head.json, host);
            }
        }
        Ok(batch.build(writer))
    }

    /// Opens a segment where reading is to go on; `None` when it is gone.
    fn open(&self, name: SegmentName, bookmark: &Bookmark) -> io::Result<Option<Lines>> {
        let path = self.dir.join(Name::Segment(name).to_string());
        let file = match self.vfs.open(&path, Access::Read) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        let mut offset = bookmark.offsets.get(&name.number).copied();
        if offset.is_some()
            && bookmark.fingerprints.get(&name.number) != Some(&rewrite::fingerprint(&file)?)
        {
            // It was written anew: what was read is known by its number.
            offset = None;
        }
        Ok(Some(Lines::from_offset(file, offset.unwrap_or(0))))
    }
}

/// Several segments read at once. Each one's numbers rise; the lowest is always next.
struct Merge<'a> {
    spool: &'a Spool,
    bookmark: &'a mut Bookmark,
    /// Not open yet, by the first number that they can hold, the lowest last.
    closed: Vec<SegmentName>,
    open: Vec<Source>,
}

struct Source {
    name: SegmentName,
    lines: Lines,
    /// The next event that is wanted.
    head: Option<Head>,
}

/// One event. It is content: it has no `Debug`.
struct Head {
    seq: u64,
    json: Vec<u8>,
    /// Where its line ends in the file.
    end: u64,
}

impl<'a> Merge<'a> {
    fn new(spool: &'a Spool, bookmark: &'a mut Bookmark, mut closed: Vec<SegmentName>) -> Self {
        bookmark.failed = None;
        closed.retain(|name| bookmark.offsets.get(&name.number) != Some(&PASSED));
        SegmentName::sort_by(&mut closed, &|one, other| {
            (other.first_seq, other.number).cmp(&(one.first_seq, one.number))
        });
        Self {
            spool,
            bookmark,
            closed,
            open: Vec::new(),
        }
    }

    /// Takes the next event with a number up to `to`, if there is one.
    fn next(&mut self, to: u64) -> io::Result<Option<Head>> {
        let lowest = loop {
            self.advance()?;
            let heads = self.open.iter().enumerate();
            let heads = heads.filter_map(|(at, source)| Some((source.head.as_ref()?.seq, at)));
            let lowest = heads.min();
            let next = self.closed.pop_if(|name| {
                lowest.is_none_or(|(seq, _)| name.first_seq <= seq) && name.first_seq <= to
            });
            let Some(name) = next else {
                break lowest.filter(|(seq, _)| *seq <= to);
            };
            let lines = self.spool.open(name, self.bookmark);
            let lines = lines.inspect_err(|_| self.bookmark.failed = Some(name))?;
            let head = None;
            self.open
                .extend(lines.map(|lines| Source { name, lines, head }));
        };
        let source = lowest.and_then(|(_, at)| self.open.get_mut(at));
        let Some((source, head)) = source.and_then(|source| {
            let head = source.head.take()?;
            Some((source, head))
        }) else {
            return Ok(None);
        };
        self.bookmark.after = head.seq;
        self.bookmark.offsets.insert(source.name.number, head.end);
        Ok(Some(head))
    }

    /// Finds the next event that is wanted in each open segment; those that have none are let go.
    fn advance(&mut self) -> io::Result<()> {
        let Bookmark {
            after,
            offsets,
            fingerprints,
            failed,
            ..
        } = &mut *self.bookmark;
        for source in &mut self.open {
            let place = Place::new(source.name.writer, source.name.number);
            while source.head.as_ref().is_none_or(|head| head.seq <= *after) {
                source.head = None;
                let piece = source.lines.next();
                let piece = piece.inspect_err(|_| *failed = Some(source.name))?;
                let Some(piece) = piece.filter(|piece| piece.ended) else {
                    break;
                };
                let end = piece.offset + piece.size;
                if let Some(head) = piece.bytes.as_deref().filter(|_| piece.offset == 0) {
                    fingerprints.insert(source.name.number, rewrite::fingerprint_of(head));
                }
                let json = piece.bytes.and_then(|bytes| line::open(place, bytes));
                let seq = json.and_then(|json| Envelope::read(json)?.seq);
                match (json, seq) {
                    (Some(json), Some(seq)) if seq > *after => {
                        let json = json.to_vec();
                        source.head = Some(Head { seq, json, end });
                    }
                    _ => drop(offsets.insert(source.name.number, end)),
                }
            }
        }
        self.open.retain(|source| source.head.is_some());
        Ok(())
    }
}
