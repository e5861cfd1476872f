//! Completing the streams of writers that crashed.
//!
//! A writer has crashed when its lock file or reservation is there and nobody holds their locks. Its
//! stream is brought to an end in steps, each of which can be repeated, so that a crash in the midst
//! of them, or a second recovery, changes nothing that is done:
//!
//! 1. damaged bytes are copied to the quarantine;
//! 2. what is behind the last good line is cut off;
//! 3. one `loss` for each window of numbers that are or may be missing, then `writer_closed`, are appended;
//! 4. damaged bytes are cut out of the segments they are in;
//! 5. what was read is synchronised;
//! 6. reservation and lock file are removed.
//!
//! Good lines are neither changed nor moved past each other, of whatever schema version they are.

use std::io;
use std::path::Path;

use super::extent;
use super::finding::{Finding, Problem};
use super::line::Place;
use super::name::{Day, Name, SegmentName};
use super::repair::{Damage, Stream, replace};
use super::reservation::{self, Reserved};
use super::scan::retry;
use super::structure::Structure;
use super::writer::seal_all;
use crate::event::Event;
use crate::id::WriterId;
use crate::pipeline::LossReason;
use crate::sorted::SortedMap;
use crate::sync::Arc;
use crate::vfs::{Access, FileKind, Vfs, VfsFile};

/// How many of a writer's newest segments are read at least. Of older ones, those that were not known
/// to be synchronised; readers check every line anyway.
const NEWEST: usize = 4;

/// What a writer left in the directory.
#[derive(Default)]
struct Orphan {
    has_lock: bool,
    has_reservation: bool,
    segments: Vec<SegmentName>,
}

/// Repairs and completes the stream of every dead writer but `own`; returns what was found.
pub(super) fn recover(
    vfs: &dyn Vfs,
    dir: &Path,
    structure: &Structure,
    own: WriterId,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let entries = match vfs.list(dir) {
        Ok(entries) => entries,
        Err(error) => return vec![Finding::failed(dir.display(), Problem::Failed, error)],
    };
    let mut orphans: SortedMap<WriterId, Orphan> = SortedMap::new();
    for entry in entries {
        let Some(name) = Name::parse(&entry.name) else {
            continue;
        };
        if entry.kind != FileKind::File {
            findings.push(Finding::new(entry.name, Problem::NoFile));
            continue;
        }
        match name {
            Name::Lock(writer) => orphans.or_default(writer).has_lock = true,
            Name::Reservation(writer) => orphans.or_default(writer).has_reservation = true,
            Name::Segment(name) => orphans.or_default(name.writer).segments.push(name),
            _ => {}
        }
    }
    for (writer, mut orphan) in orphans {
        if writer == own || !(orphan.has_lock || orphan.has_reservation) {
            continue;
        }
        SegmentName::sort(&mut orphan.segments);
        let recovery = Recovery {
            vfs,
            dir,
            structure,
            writer,
        };
        if let Err(error) = recovery.run(&orphan, &mut findings) {
            let finding = Finding::failed(Name::Lock(writer), Problem::NotRecovered, error);
            findings.push(finding);
        }
    }
    findings
}

struct Recovery<'a> {
    vfs: &'a dyn Vfs,
    dir: &'a Path,
    structure: &'a Structure,
    writer: WriterId,
}

impl Recovery<'_> {
    fn run(&self, orphan: &Orphan, findings: &mut Vec<Finding>) -> io::Result<()> {
        let Some(_locks) = self.claim(orphan)? else {
            return Ok(());
        };
        let reserved = if orphan.has_reservation {
            let path = self.path(Name::Reservation(self.writer));
            reservation::read(self.writer, self.vfs.open(&path, Access::Read)?)?
        } else {
            Reserved::default()
        };
        let segments = in_doubt(&orphan.segments, reserved.settled);
        let mut stream = Stream::new(self.writer, segments, reserved.settled);
        let mut damages = Vec::new();
        for name in segments {
            damages.push(stream.read(self.vfs, self.dir, *name)?);
        }
        for damage in damages.iter().filter(|damage| !damage.is_none()) {
            let bytes = damage.quarantine(self.vfs, self.dir)?;
            if bytes > 0 {
                findings.push(Finding::new(damage.name, Problem::Quarantined { bytes }));
            }
            damage.cut_tail(self.vfs, self.dir)?;
            if !damage.tail.is_empty() && !damage.tail_has_lines {
                let bytes = damage.tail.end - damage.tail.start;
                findings.push(Finding::new(damage.name, Problem::TornTail { bytes }));
            }
        }
        let losses = self.losses(&stream, damages.last(), reserved.up_to);
        if !losses.is_empty() || (!stream.closed && !segments.is_empty()) {
            findings.push(Finding::new(Name::Lock(self.writer), Problem::Crash));
            self.complete(segments.last(), stream.last_seq() + 1, losses)?;
        }
        for damage in &damages {
            damage.cut_out(self.vfs, self.dir)?;
        }
        self.confirm(segments)?;
        let left = [Name::Ballast, Name::Reservation, Name::Lock];
        for name in left.map(|name| name(self.writer)) {
            match self.vfs.unlink(&self.path(name)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        self.vfs.sync_dir(self.dir)
    }

    /// Makes what was read survive a power cut: nobody looks at it again when the lock is gone.
    fn confirm(&self, segments: &[SegmentName]) -> io::Result<()> {
        for name in segments {
            let path = self.path(Name::Segment(*name));
            self.vfs.open(&path, Access::Append)?.sync_data()?;
        }
        self.vfs.sync_dir(self.dir)
    }

    /// Takes the locks of the writer, or returns `None` when it lives or another process has them.
    fn claim(&self, orphan: &Orphan) -> io::Result<Option<Vec<Arc<dyn VfsFile>>>> {
        let mut locks = Vec::new();
        if orphan.has_reservation {
            match self.lock(Name::Reservation(self.writer))? {
                Some(lock) => locks.push(lock),
                None => return Ok(None),
            }
        }
        if !orphan.has_lock {
            // Somebody removed it. Whoever creates it anew is the one to recover.
            match self.vfs.create_new(&self.path(Name::Lock(self.writer))) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        locks.extend(self.lock(Name::Lock(self.writer))?);
        let all = usize::from(orphan.has_reservation) + 1;
        Ok((locks.len() == all).then_some(locks))
    }

    fn lock(&self, name: Name) -> io::Result<Option<Arc<dyn VfsFile>>> {
        match self.vfs.open(&self.path(name), Access::Append) {
            Ok(file) => Ok(retry(|| file.try_lock())?.then_some(file)),
            // The writer has just ended in good order.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Returns the losses to tell of: where bytes are damaged, and what may have been in memory.
    fn losses(&self, stream: &Stream, newest: Option<&Damage>, reserved: u64) -> Vec<Event> {
        let gaps = stream.untold().into_iter();
        let mut windows: Vec<_> = gaps
            .map(|gap| match gap.damaged {
                true => (gap.range, LossReason::Corruption),
                // The writer knew why, and crashed before it told.
                false => (gap.range, LossReason::ProcessCrash),
            })
            .collect();
        if !stream.closed && stream.last_seq() < reserved {
            let torn = newest.is_some_and(|damage| !damage.tail.is_empty());
            let reason = match newest {
                Some(damage) if damage.tail_has_lines => LossReason::Corruption,
                _ if torn => LossReason::TornTail,
                _ if stream.damaged => LossReason::Corruption,
                _ => LossReason::ProcessCrash,
            };
            windows.push((stream.last_seq() + 1..=reserved, reason));
        }
        // The losses are events of the stream themselves, with the numbers after all others.
        let next = stream.last_seq().max(reserved).saturating_add(1);
        (next..)
            .zip(windows)
            .map(|(seq, (window, reason))| self.structure.loss(self.writer, seq, &window, reason))
            .collect()
    }

    /// Appends the losses and the writer's end to its newest segment, or to a first one, which can
    /// hold numbers from `first_seq` on.
    fn complete(
        &self,
        newest: Option<&SegmentName>,
        first_seq: u64,
        losses: Vec<Event>,
    ) -> io::Result<()> {
        let closed = self.structure.writer_closed(self.writer);
        let events: Vec<_> = losses.into_iter().chain([closed]).collect();
        match newest {
            Some(name) => self.append(*name, events),
            None => self.create(first_seq, events),
        }
    }

    fn append(&self, name: SegmentName, mut events: Vec<Event>) -> io::Result<()> {
        let file = self
            .vfs
            .open(&self.path(Name::Segment(name)), Access::Append)?;
        let size = file.size()?;
        if size == 0 {
            events.insert(0, self.segment_opened(name));
        }
        let lines = seal_all(Place::new(self.writer, name.number), &events)?;
        file.write_all(&lines)
            .and_then(|()| file.sync_data())
            .inspect_err(|_| {
                // What stays is a torn tail; the next recovery cuts it off.
                drop(file.truncate(size));
            })
    }

    fn create(&self, first_seq: u64, mut events: Vec<Event>) -> io::Result<()> {
        let name = SegmentName {
            day: Day::of(self.structure.clock.now()),
            writer: self.writer,
            number: 1,
            first_seq,
        };
        events.insert(0, self.segment_opened(name));
        let temporary = self.path(Name::SegmentTemporary(name));
        let lines = seal_all(Place::new(self.writer, name.number), &events)?;
        let path = self.path(Name::Segment(name));
        replace(self.vfs, &temporary, &path, |file| file.write_all(&lines))?;
        self.vfs.sync_dir(self.dir)
    }

    fn segment_opened(&self, name: SegmentName) -> Event {
        self.structure
            .segment_opened(self.writer, name.number, name.first_seq)
    }

    fn path(&self, name: Name) -> std::path::PathBuf {
        self.dir.join(name.to_string())
    }
}

/// Returns which of a writer's segments, by number, a crash may have damaged: those that can hold
/// numbers above `settled`, or all when nobody noted that, and the newest in any case.
fn in_doubt(segments: &[SegmentName], settled: Option<u64>) -> &[SegmentName] {
    let Some(settled) = settled else {
        return segments;
    };
    let newest = segments.len().saturating_sub(NEWEST);
    let above = extent::above(segments, settled);
    let above = segments.iter().position(|name| Some(name) == above.first());
    let mut first = above.map_or(newest, |above| above.min(newest));
    // What a segment repeats does not tell from where on all is there.
    while first > 0 && segments.get(first).is_some_and(SegmentName::is_repeat) {
        first -= 1;
    }
    segments.get(first..).unwrap_or_default()
}
