//! Deleting what has expired, and nothing else.
//!
//! Only names that [`super::name`] recognises whole are ever removed, and only those of dead
//! writers and of this one. A segment goes when its newest event is older than the retention, by
//! the time that [`super::clockwatch`] believes. One writer's events are in the order of its
//! segments, so a segment counts as at least as new as those before it, whatever the clock said.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;

use super::config::Keep;
use super::cursor::{self, Other};
use super::envelope::Envelope;
use super::extent;
use super::finding::{Finding, Problem};
use super::line::{self, Place};
use super::name::{BadName, DEAD_LETTERS, Day, DeadName, Name, QUARANTINE, SegmentName};
use super::recovery;
use super::removed::Forgotten;
use super::scan::Lines;
use super::subdirectory;
use super::writer::Journal;
use crate::catalog::Field;
use crate::event::{Kind, Value};
use crate::id::WriterId;
use crate::pipeline::OwnEvent;
use crate::timestamp::Timestamp;
use crate::vfs::{Access, DirEntry, FileKind};

/// What was deleted.
#[derive(Debug, Default)]
pub(crate) struct RetentionRun {
    /// The names within the directory, in the order of deletion.
    pub(crate) files: Vec<String>,
    /// How many bytes they had.
    pub(crate) bytes: u64,
    /// Whether the clock is not believed, so that less was deleted than it says.
    pub(crate) held_back: bool,
    /// Segments that are there because a sink does not have their events.
    pub(crate) held: Vec<Held>,
    /// Segments that are there because a removed sink has yet to be told of, sink by sink.
    pub(crate) forgotten: Vec<Forgotten>,
    /// What writers that died left to the sinks: sink, writer and the number above which it is due.
    pub(crate) adopted: Vec<(usize, WriterId, u64)>,
    /// Files that could not be read or removed.
    pub(crate) findings: Vec<Finding>,
}

/// A segment that is past its retention and that a sink has yet to get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) name: SegmentName,
    /// Its last number; `None` for the last segment of a dead writer.
    pub(crate) last: Option<u64>,
}

impl RetentionRun {
    /// Returns the event that records the run.
    pub(crate) fn into_event(self) -> OwnEvent {
        let count = self.files.len() as u64;
        OwnEvent::of(
            Kind::RetentionRun,
            vec![
                (Field::Count, Value::Int(count)),
                (Field::Bytes, Value::Int(self.bytes)),
                (Field::Files, Value::Texts(self.files)),
            ],
        )
    }
}

impl Journal {
    /// Deletes what is older than the retention: segments of this writer and of dead ones,
    /// quarantined bytes, dead letters and left-over temporary files. A spool deletes no segment for
    /// its age.
    ///
    /// A segment that a sink does not have as a whole is held, not deleted: it goes with a later run,
    /// once the loss to the sink is on record.
    ///
    /// The streams of writers that crashed since the start are completed first. Both read files:
    /// once an hour is enough.
    pub(crate) fn expire(&mut self) -> RetentionRun {
        let (now, monotonic) = (self.clock.now(), self.clock.monotonic());
        let believed = self.watch.look(now, monotonic);
        let mut run = RetentionRun {
            held_back: self.watch.is_doubted(),
            ..RetentionRun::default()
        };
        // The events of a writer that crashed meanwhile must not outlive their retention.
        let found = recovery::recover(&*self.vfs, self.dir(), &self.structure, self.writer);
        run.findings.extend(found);
        run.adopted = self.adopt(&mut run.findings);
        let entries = match self.vfs.list(self.dir()) {
            Ok(entries) => entries,
            Err(error) => {
                let finding = Finding::failed(self.dir().display(), Problem::Failed, error);
                run.findings.push(finding);
                return run;
            }
        };
        let (names, alive) = self.sorted_out(&entries);
        let others = self.others(&names);
        let limit = self.config.content_retention().expired_before(believed);
        if let Some(limit) = limit.filter(|_| self.config.keep != Keep::Spool) {
            self.expire_segments(&names, &alive, &others, (believed, limit), &mut run);
        }
        for name in &names {
            if self.is_left_over(*name, &alive, limit) || is_over(*name, &others, &names) {
                self.remove(name.to_string(), &mut run);
            }
        }
        for (dir, day) in SUBDIRECTORIES {
            if let Some(limit) = limit
                && entries.iter().any(|entry| subdirectory::is(entry, dir))
            {
                self.expire_directory(dir, day, limit, &mut run);
            }
        }
        if !run.files.is_empty() {
            self.syncer.changed_dir();
        }
        run
    }

    fn expire_segments(
        &mut self,
        names: &[Name],
        alive: &BTreeSet<WriterId>,
        others: &[Other],
        (believed, limit): (Timestamp, Timestamp),
        run: &mut RetentionRun,
    ) {
        for (name, newest) in self.segment_ages(names, alive, believed, limit, run) {
            if newest >= limit {
                continue;
            }
            let last = self.last_seq(name, names);
            if !self.is_passed(name, last, others) {
                run.held.push(Held { name, last });
            } else if !self.is_missed(name, last, others, run) && self.let_go(name, last, run) {
                self.newest.remove(&name);
            }
        }
    }

    /// Believes the clock as it is, because an operator asked for the deletion.
    pub(crate) const fn confirm_clock(&mut self) {
        self.watch.confirm();
    }

    /// Deletes the segments, of this writer and of dead ones, that every sink has. The segment that
    /// is written to stays.
    pub(crate) fn release(&mut self) -> RetentionRun {
        let mut run = RetentionRun::default();
        if !std::mem::take(&mut self.sinks.sweep) {
            return run;
        }
        let entries = match self.vfs.list(self.dir()) {
            Ok(entries) => entries,
            Err(error) => {
                self.sinks.sweep = true;
                let finding = Finding::failed(self.dir().display(), Problem::Failed, error);
                run.findings.push(finding);
                return run;
            }
        };
        let (names, alive) = self.sorted_out(&entries);
        let others = self.others(&names);
        self.sinks.sweep = others.iter().any(Other::is_unknown);
        let current = self.segment.as_ref().map(|segment| segment.name);
        let mut candidates: Vec<_> = segments(&names).collect();
        candidates.sort_unstable_by_key(key);
        for name in candidates {
            if alive.contains(&name.writer) || Some(name) == current {
                continue;
            }
            let last = self.last_seq(name, &names);
            if self.is_passed(name, last, &others) && !self.is_missed(name, last, &others, &mut run)
            {
                self.let_go(name, last, &mut run);
            }
        }
        self.sinks.sweep |= !run.forgotten.is_empty();
        if !run.files.is_empty() {
            self.syncer.changed_dir();
        }
        run
    }

    /// Deletes a segment whose last number is `last`; returns whether it is gone. One of this writer stays
    /// until the note of that survives a power cut, which a later call finds.
    fn let_go(&mut self, name: SegmentName, last: Option<u64>, run: &mut RetentionRun) -> bool {
        if name.writer == self.writer {
            // After a crash it is not to be missed.
            let last = last.unwrap_or(0);
            self.settle(last);
            if !self.is_settled(last) {
                self.sinks.sweep = true;
                return false;
            }
        }
        let gone = self.remove(name.to_string(), run);
        if gone {
            self.closed.retain(|closed| closed.name != name);
        }
        gone
    }

    fn others(&self, names: &[Name]) -> Vec<Other> {
        let (vfs, dir) = (&*self.vfs, self.dir());
        let mut others = cursor::others(vfs, dir, self.writer, names, self.sink_names());
        others.retain(|other| !self.sinks.unreadable.is_given_up(other.name));
        others
    }

    /// Returns the last number that a segment can hold, or `None` for the last segment of another
    /// writer.
    fn last_seq(&self, name: SegmentName, names: &[Name]) -> Option<u64> {
        if let Some(closed) = self.closed.iter().find(|closed| closed.name == name) {
            return Some(closed.last_seq.unwrap_or(0));
        }
        extent::last_seq(name, segments(names))
    }

    /// Returns the recognised names of files, and the writers that live or wait for recovery.
    fn sorted_out(&self, entries: &[DirEntry]) -> (Vec<Name>, BTreeSet<WriterId>) {
        let files = entries.iter().filter(|entry| entry.kind == FileKind::File);
        let names: Vec<_> = files.filter_map(|entry| Name::parse(&entry.name)).collect();
        let alive = names.iter().filter_map(|name| match name {
            Name::Lock(writer) | Name::Reservation(writer) => Some(*writer),
            _ => None,
        });
        let alive = alive.filter(|writer| *writer != self.writer).collect();
        (names, alive)
    }

    /// Returns the segments that may be deleted, each with the time of its newest event.
    fn segment_ages(
        &mut self,
        names: &[Name],
        alive: &BTreeSet<WriterId>,
        believed: Timestamp,
        limit: Timestamp,
        run: &mut RetentionRun,
    ) -> Vec<(SegmentName, Timestamp)> {
        let current = self.segment.as_ref().map(|segment| segment.name);
        let mut segments: Vec<_> = segments(names)
            .filter(|name| !alive.contains(&name.writer) && Some(*name) != current)
            .collect();
        segments.sort_unstable_by_key(key);
        self.newest
            .retain(|name, _| segments.binary_search_by_key(&key(name), key).is_ok());
        let today = Day::of(self.clock.now());
        let mut before: BTreeMap<WriterId, Timestamp> = BTreeMap::new();
        let mut ages = Vec::new();
        for name in segments {
            // Its date alone keeps it, unless the date is to come: then a clock was wrong.
            let mut newest = if name.day.start() >= limit && name.day <= today {
                name.day.end()
            } else {
                match self.newest_event(name) {
                    Ok(newest) => newest,
                    Err(error) => {
                        run.findings
                            .push(Finding::failed(name, Problem::Failed, error));
                        believed
                    }
                }
            };
            if let Some(closed) = self.closed.iter().find(|closed| closed.name == name) {
                // How long ago it was written does not depend on what the clock said then.
                let ago = self.clock.monotonic().saturating_sub(closed.wrote);
                let micros = i64::try_from(ago.as_micros()).unwrap_or(i64::MAX);
                let wrote = believed.as_unix_micros().saturating_sub(micros);
                newest = newest.max(Timestamp::from_unix_micros(wrote));
            }
            let running = before.entry(name.writer).or_insert(newest);
            *running = newest.max(*running);
            ages.push((name, *running));
        }
        ages
    }

    /// Returns the time of the newest event in a segment; of one without any, the end of its date.
    fn newest_event(&mut self, name: SegmentName) -> io::Result<Timestamp> {
        if let Some(newest) = self.newest.get(&name) {
            return Ok(*newest);
        }
        let place = Place::new(name.writer, name.number);
        let path = self.path(Name::Segment(name));
        let mut lines = Lines::new(self.vfs.open(&path, Access::Read)?);
        let mut newest = None;
        while let Some(piece) = lines.next()? {
            let json = piece.bytes.and_then(|bytes| line::open(place, bytes));
            let at = json.and_then(|json| Envelope::read(json)?.recorded_at());
            newest = newest.max(at);
        }
        let newest = newest.unwrap_or(name.day.end());
        self.newest.insert(name, newest);
        Ok(newest)
    }

    /// Returns whether a temporary file has been left by a writer that is gone.
    fn is_left_over(
        &self,
        name: Name,
        alive: &BTreeSet<WriterId>,
        limit: Option<Timestamp>,
    ) -> bool {
        match name {
            Name::SegmentTemporary(segment) => {
                limit.is_some_and(|limit| segment.day.end() <= limit)
            }
            Name::SchemaTemporary(writer)
            | Name::CursorTemporary(writer, _)
            | Name::ReservationTemporary(writer)
            | Name::Ballast(writer) => writer != self.writer && !alive.contains(&writer),
            Name::LockTemporary(writer) if writer != self.writer => self
                .vfs
                .open(&self.path(name), Access::Append)
                .and_then(|file| file.try_lock())
                .unwrap_or(false),
            _ => false,
        }
    }

    fn expire_directory(&self, name: &str, day: DayOf, limit: Timestamp, run: &mut RetentionRun) {
        let entries = match self.vfs.list(&self.dir().join(name)) {
            Ok(entries) => entries,
            Err(error) => {
                let finding = Finding::failed(name, Problem::Failed, error);
                run.findings.push(finding);
                return;
            }
        };
        for entry in entries {
            let day = day(&entry.name).filter(|_| entry.kind == FileKind::File);
            if day.is_some_and(|day| day.end() <= limit) {
                self.remove(format!("{name}/{}", entry.name), run);
            }
        }
    }

    /// Removes a file of the directory; returns whether it is gone.
    fn remove(&self, name: String, run: &mut RetentionRun) -> bool {
        let path: PathBuf = self.dir().join(&name);
        let size = self
            .vfs
            .open(&path, Access::Read)
            .and_then(|file| file.size());
        match self.vfs.unlink(&path) {
            Ok(()) => {
                run.bytes += size.unwrap_or(0);
                run.files.push(name);
                true
            }
            // Another process has done the same.
            Err(error) if error.kind() == io::ErrorKind::NotFound => true,
            Err(error) => {
                run.findings
                    .push(Finding::failed(name, Problem::Failed, error));
                false
            }
        }
    }
}

/// Returns when the content of a file of this name was recorded.
type DayOf = fn(&str) -> Option<Day>;

/// The subdirectories with content, and how the names of their files tell their day.
const SUBDIRECTORIES: [(&str, DayOf); 2] = [
    (QUARANTINE, |name| BadName::parse(name).map(|name| name.day)),
    (DEAD_LETTERS, |name| {
        DeadName::parse(name).map(|name| name.day)
    }),
];

/// Returns whether a cursor is of a sink that nobody has any more, and of no segment that is there.
fn is_over(name: Name, others: &[Other], names: &[Name]) -> bool {
    let cursor = others
        .iter()
        .find(|other| other.name == name && !other.holds)
        .and_then(|other| other.cursor.as_ref());
    cursor.is_some_and(|cursor| !segments(names).any(|name| cursor.contains_key(&name.writer)))
}

fn segments(names: &[Name]) -> impl Iterator<Item = SegmentName> {
    names.iter().filter_map(|name| match name {
        Name::Segment(name) => Some(*name),
        _ => None,
    })
}

const fn key(name: &SegmentName) -> (WriterId, u64) {
    (name.writer, name.number)
}
