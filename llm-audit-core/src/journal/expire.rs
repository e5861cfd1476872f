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
use super::envelope::Envelope;
use super::finding::{Finding, Problem};
use super::line::{self, Place};
use super::name::{BadName, Day, Name, QUARANTINE, SegmentName};
use super::recovery;
use super::scan::Lines;
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
    /// Files that could not be read or removed.
    pub(crate) findings: Vec<Finding>,
}

impl RetentionRun {
    /// Returns the event that records the run.
    pub(crate) fn into_event(self) -> OwnEvent {
        let count = self.files.len() as u64;
        OwnEvent {
            kind: Kind::RetentionRun,
            fields: vec![
                (Field::Count, Value::Int(count)),
                (Field::Bytes, Value::Int(self.bytes)),
                (Field::Files, Value::Texts(self.files)),
            ],
        }
    }
}

impl Journal {
    /// Deletes what is older than the retention: segments of this writer and of dead ones,
    /// quarantined bytes and left-over temporary files. A spool deletes nothing for its age.
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
        let limit = match self.config.keep {
            Keep::For(retention) => retention.expired_before(believed),
            Keep::Spool => None,
        };
        let Some(limit) = limit else {
            return run;
        };
        let entries = match self.vfs.list(self.dir()) {
            Ok(entries) => entries,
            Err(error) => {
                let finding = Finding::failed(self.dir().display(), Problem::Failed, error);
                run.findings.push(finding);
                return run;
            }
        };
        let (names, alive) = self.sorted_out(&entries);
        for (name, newest) in self.segment_ages(&names, &alive, believed, limit, &mut run) {
            if newest < limit && self.remove(name.to_string(), &mut run) {
                self.closed.retain(|closed| closed.name != name);
                self.newest.remove(&name);
            }
        }
        for name in names {
            if self.is_left_over(name, &alive, limit) {
                self.remove(name.to_string(), &mut run);
            }
        }
        if entries.iter().any(|entry| entry.name == QUARANTINE) {
            self.expire_quarantine(limit, &mut run);
        }
        if !run.files.is_empty() {
            self.syncer.changed_dir();
        }
        run
    }

    /// Believes the clock as it is, because an operator asked for the deletion.
    pub(crate) const fn confirm_clock(&mut self) {
        self.watch.confirm();
    }

    /// Deletes the segments of this writer that hold no event above `up_to`, once every sink has
    /// them. The segment that is written to stays.
    pub(crate) fn release(&mut self, up_to: u64) -> RetentionRun {
        let mut run = RetentionRun::default();
        for closed in std::mem::take(&mut self.closed) {
            let done = closed.last_seq.is_none_or(|seq| seq <= up_to);
            if !done || !self.remove(closed.name.to_string(), &mut run) {
                self.closed.push(closed);
            }
        }
        if !run.files.is_empty() {
            self.syncer.changed_dir();
        }
        run
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
        let mut segments: Vec<_> = names
            .iter()
            .filter_map(|name| match name {
                Name::Segment(name) => Some(*name),
                _ => None,
            })
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
    fn is_left_over(&self, name: Name, alive: &BTreeSet<WriterId>, limit: Timestamp) -> bool {
        match name {
            Name::SegmentTemporary(segment) => segment.day.end() <= limit,
            Name::SchemaTemporary(writer) => writer != self.writer && !alive.contains(&writer),
            Name::LockTemporary(writer) if writer != self.writer => self
                .vfs
                .open(&self.path(name), Access::Append)
                .and_then(|file| file.try_lock())
                .unwrap_or(false),
            _ => false,
        }
    }

    fn expire_quarantine(&self, limit: Timestamp, run: &mut RetentionRun) {
        let dir = self.dir().join(QUARANTINE);
        let entries = match self.vfs.list(&dir) {
            Ok(entries) => entries,
            Err(error) => {
                let finding = Finding::failed(QUARANTINE, Problem::Failed, error);
                run.findings.push(finding);
                return;
            }
        };
        for entry in entries {
            let name = BadName::parse(&entry.name).filter(|_| entry.kind == FileKind::File);
            if name.is_some_and(|name| name.day.end() <= limit) {
                self.remove(format!("{QUARANTINE}/{}", entry.name), run);
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

const fn key(name: &SegmentName) -> (WriterId, u64) {
    (name.writer, name.number)
}
