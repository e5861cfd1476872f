//! Finding and cutting out what is damaged in the segments of one dead writer.

use std::io;
use std::ops::{Range, RangeInclusive};
use std::path::Path;

use super::envelope::Envelope;
use super::extent;
use super::finding::Problem;
use super::line::{self, Place};
use super::name::{BadName, Day, Name, QUARANTINE, SegmentName};
use super::numbers::{Gap, Numbers};
use super::scan::{Lines, retry};
use super::subdirectory;
use crate::event::Kind;
use crate::id::WriterId;
use crate::sync::Arc;
use crate::timestamp::Timestamp;
use crate::vfs::{Access, Vfs, VfsFile};

const CHUNK: usize = 64 << 10;

/// What the good lines of one writer say, read in order.
#[derive(Debug)]
pub(super) struct Stream {
    writer: WriterId,
    numbers: Numbers,
    /// Whether a good line tells that the writer ended.
    pub(super) closed: bool,
    /// Events with a number.
    pub(super) events: u64,
    /// Windows of losses of the log that are told already, and whether every number of them is
    /// absent.
    told: Vec<(RangeInclusive<u64>, bool)>,
    /// What the good lines tell of losses, as findings.
    losses: Vec<Problem>,
    repeated: u64,
    number: Option<u64>,
    /// Whether something is damaged since the last number.
    pub(super) damaged: bool,
}

/// What is damaged in one segment.
#[derive(Debug)]
pub(super) struct Damage {
    pub(super) name: SegmentName,
    /// Damaged bytes before a good line.
    pub(super) bad: Vec<Range<u64>>,
    /// What is behind the last good line.
    pub(super) tail: Range<u64>,
    /// Whether the tail is more than one line that was not written to its end.
    pub(super) tail_has_lines: bool,
    newest: Option<Timestamp>,
}

impl Stream {
    /// Of `writer`, whose `segments` are read next, by number; `settled` is a number up to which nothing
    /// is missing, as far as is known.
    pub(super) fn new(writer: WriterId, segments: &[SegmentName], settled: Option<u64>) -> Self {
        let is_first = segments.iter().any(|name| !name.is_repeat());
        let before = is_first.then(|| extent::before(segments));
        let last = match (settled, before) {
            (Some(settled), Some(before)) => settled.min(before),
            // Without a segment that tells, all that is settled has been let go of.
            (settled, before) => settled.or(before).unwrap_or(0),
        };
        Self {
            writer,
            numbers: Numbers::up_to(last),
            closed: false,
            events: 0,
            told: Vec::new(),
            losses: Vec::new(),
            repeated: 0,
            number: None,
            // Segments are missing ahead of the first.
            damaged: before.is_some_and(|before| last < before),
        }
    }

    /// Returns the highest number seen, or the one before the first that could be.
    pub(super) const fn last_seq(&self) -> u64 {
        self.numbers.last()
    }

    /// Reads one segment, the next of its writer.
    pub(super) fn read(
        &mut self,
        vfs: &dyn Vfs,
        dir: &Path,
        name: SegmentName,
    ) -> io::Result<Damage> {
        // A segment that is missing in between is damage too.
        let expected = self.number.map(|number| number.saturating_add(1));
        self.damaged |= expected.is_some_and(|expected| expected != name.number);
        self.number = Some(name.number);
        let damaged = self.damaged;
        let place = Place::new(name.writer, name.number);
        let mut lines = Lines::new(vfs.open(&dir.join(name.to_string()), Access::Read)?);
        let mut damage = Damage {
            name,
            bad: Vec::new(),
            tail: 0..0,
            tail_has_lines: false,
            newest: None,
        };
        while let Some(piece) = lines.next()? {
            let end = piece.offset + piece.size;
            let bytes = piece.bytes.filter(|_| piece.ended).unwrap_or_default();
            let start = line::find(place, bytes);
            if start != Some(0) {
                self.damaged = true;
                damage.tail_has_lines |= piece.ended;
            }
            if let Some(start) = start {
                let good = damage.good(piece.offset + start as u64, end);
                let json = bytes
                    .get_mut(start..)
                    .and_then(|line| line::open(place, line));
                self.good(json.unwrap_or_default(), good);
            }
            damage.tail.end = end;
        }
        if damage.name.is_repeat() {
            // What it lacks is a gap already, between numbers of earlier segments.
            self.damaged = damaged;
        }
        Ok(damage)
    }

    /// Returns the missing numbers that no loss tells of.
    ///
    /// A window that also covers numbers which are there may be of other events than a gap of
    /// damage within it, which would otherwise go untold.
    pub(super) fn untold(&self) -> Vec<Gap> {
        let mut gaps: Vec<_> = self.numbers.gaps().cloned().collect();
        for (told, is_whole) in &self.told {
            let outside = |gap: Gap| {
                let damaged = gap.damaged;
                let ranges = match damaged && !is_whole {
                    true => vec![gap.range],
                    false => without(&gap.range, told),
                };
                ranges.into_iter().map(move |range| Gap { range, damaged })
            };
            gaps = gaps.into_iter().flat_map(outside).collect();
        }
        gaps
    }

    /// Returns what was told of losses since the last call.
    pub(super) fn take_losses(&mut self) -> Vec<Problem> {
        std::mem::take(&mut self.losses)
    }

    /// Returns how many events had a number that was there before, since the last call.
    pub(super) fn take_repeated(&mut self) -> u64 {
        std::mem::take(&mut self.repeated)
    }

    fn good(&mut self, json: &[u8], newest: &mut Option<Timestamp>) {
        let Some(envelope) = Envelope::read(json) else {
            // A newer version may write what this one does not understand.
            self.closed = false;
            return;
        };
        *newest = (*newest).max(envelope.recorded_at());
        self.closed = envelope.is(&Kind::WriterClosed);
        self.told.extend(envelope.loss_of(self.writer));
        self.losses.extend(envelope.loss());
        let Some(seq) = envelope.seq else {
            return;
        };
        self.events += 1;
        let rises = seq > self.last_seq();
        if !self.numbers.add(seq, self.damaged) {
            self.repeated += 1;
        }
        self.damaged &= !rises;
    }
}

impl Damage {
    pub(super) fn is_none(&self) -> bool {
        self.bad.is_empty() && self.tail.is_empty()
    }

    /// Moves what is damaged to the quarantine; returns how many bytes. A line that was merely not
    /// written to its end is nothing to keep.
    pub(super) fn quarantine(&self, vfs: &dyn Vfs, dir: &Path) -> io::Result<u64> {
        let tail = (self.tail_has_lines && !self.tail.is_empty()).then_some(&self.tail);
        let file = vfs.open(&dir.join(self.name.to_string()), Access::Read)?;
        let mut bytes = 0;
        // No event in it is newer than the newest of its segment, as far as one can know.
        let day = self.newest.map_or(self.name.day, Day::of);
        for range in self.bad.iter().chain(tail) {
            copy_out(vfs, dir, (self.name, day), &file, range)?;
            bytes += range.end - range.start;
        }
        Ok(bytes)
    }

    /// Cuts off what is behind the last good line.
    pub(super) fn cut_tail(&self, vfs: &dyn Vfs, dir: &Path) -> io::Result<()> {
        if self.tail.is_empty() {
            return Ok(());
        }
        let file = vfs.open(&dir.join(self.name.to_string()), Access::Append)?;
        file.truncate(self.tail.start)?;
        file.sync_data()
    }

    /// Replaces the segment by one without the damaged bytes.
    pub(super) fn cut_out(&self, vfs: &dyn Vfs, dir: &Path) -> io::Result<()> {
        if self.bad.is_empty() {
            return Ok(());
        }
        let path = dir.join(self.name.to_string());
        let temporary = dir.join(Name::SegmentTemporary(self.name).to_string());
        let from = vfs.open(&path, Access::Read)?;
        let end = from.size()?;
        replace(vfs, &temporary, &path, |to| {
            let mut start = 0;
            for bad in self.bad.iter().chain([&(end..end)]) {
                each_chunk(&from, start..bad.start, |chunk| to.write_all(chunk))?;
                start = bad.end;
            }
            Ok(())
        })?;
        vfs.sync_dir(dir)
    }

    /// Notes a good line; what was damaged before it is no tail.
    fn good(&mut self, start: u64, end: u64) -> &mut Option<Timestamp> {
        if self.tail.start < start {
            self.bad.push(self.tail.start..start);
        }
        self.tail = end..end;
        self.tail_has_lines = false;
        &mut self.newest
    }
}

/// Copies damaged bytes of a segment to the quarantine, where they count as recorded on a day.
pub(super) fn copy_out(
    vfs: &dyn Vfs,
    dir: &Path,
    (name, day): (SegmentName, Day),
    file: &Arc<dyn VfsFile>,
    range: &Range<u64>,
) -> io::Result<()> {
    let mut crc = 0;
    each_chunk(file, range.clone(), |chunk| {
        crc = crc32c::crc32c_append(crc, chunk);
        Ok(())
    })?;
    let name = BadName {
        day,
        writer: name.writer,
        number: name.number,
        offset: range.start,
        crc,
        temporary: false,
    };
    let dir = subdirectory::make(vfs, dir, QUARANTINE)?;
    let path = dir.join(name.to_string());
    // The name holds the checksum of the content: the same name is the same bytes.
    if vfs.open(&path, Access::Read).is_ok() {
        return Ok(());
    }
    let temporary = BadName {
        temporary: true,
        ..name
    };
    let temporary = dir.join(temporary.to_string());
    replace(vfs, &temporary, &path, |to| {
        each_chunk(file, range.clone(), |chunk| to.write_all(chunk))
    })?;
    vfs.sync_dir(&dir)
}

/// Creates a temporary file; one that a crash left is replaced.
pub(super) fn create_over(vfs: &dyn Vfs, path: &Path) -> io::Result<Arc<dyn VfsFile>> {
    match vfs.unlink(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => vfs.create_new(path),
    }
}

/// Puts in place of `path` what `fill` writes, once that survives a power cut; returns the file. When
/// it fails, what was there stays, and nothing half-made takes room on a full disk.
pub(super) fn replace(
    vfs: &dyn Vfs,
    temporary: &Path,
    path: &Path,
    fill: impl FnOnce(&Arc<dyn VfsFile>) -> io::Result<()>,
) -> io::Result<Arc<dyn VfsFile>> {
    let file = create_over(vfs, temporary)?;
    let filled = fill(&file).and_then(|()| file.sync_data());
    match filled.and_then(|()| vfs.rename(temporary, path)) {
        Ok(()) => Ok(file),
        Err(error) => {
            // What stays is replaced by the next try.
            drop(vfs.unlink(temporary));
            Err(error)
        }
    }
}

fn each_chunk(
    file: &Arc<dyn VfsFile>,
    range: Range<u64>,
    mut take: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let mut buffer = vec![0; CHUNK];
    let mut at = range.start;
    while at < range.end {
        let wanted = usize::try_from(range.end - at).map_or(CHUNK, |left| left.min(CHUNK));
        let room = buffer.get_mut(..wanted).unwrap_or_default();
        let read = retry(|| file.read_at(room, at))?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        take(buffer.get(..read).unwrap_or_default())?;
        at += read as u64;
    }
    Ok(())
}

/// Returns the parts of `window` outside `hole`.
pub(super) fn without(
    window: &RangeInclusive<u64>,
    hole: &RangeInclusive<u64>,
) -> Vec<RangeInclusive<u64>> {
    let (start, end) = (*window.start(), *window.end());
    if *hole.start() > end || *hole.end() < start {
        return vec![window.clone()];
    }
    let before = start..=hole.start().saturating_sub(1);
    let after = hole.end().saturating_add(1)..=end;
    let before = Some(before).filter(|_| *hole.start() > start);
    let after = Some(after).filter(|_| *hole.end() < end);
    before.into_iter().chain(after).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_without_a_hole_is_what_is_on_both_sides() {
        assert_eq!(without(&(3..=9), &(5..=6)), vec![3..=4, 7..=9]);
        assert_eq!(without(&(3..=9), &(0..=3)), vec![4..=9]);
        assert_eq!(without(&(3..=9), &(9..=12)), vec![3..=8]);
        assert_eq!(without(&(3..=9), &(1..=20)), vec![]);
        assert_eq!(without(&(3..=9), &(10..=20)), vec![3..=9]);
    }
}
