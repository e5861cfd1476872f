//! Deleting what has expired, and nothing else.
//!
//! Only names that [`super::name`] recognises whole are ever removed, and only those of dead
//! writers and of this one. A segment goes when its newest event is older than the retention, by
//! the time that [`super::clockwatch`] believes. One writer's events are in the order of its
//! segments, so a segment counts as at least as new as those before it, whatever the clock said.

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
use crate::event::{Absence, Kind, Value};
use crate::expiry::{Expiry, PlannedRewrite, RetentionPlan};
use crate::facet::FacetSet;
use crate::hold::Holds;
use crate::id::WriterId;
use crate::pipeline::OwnEvent;
use crate::sorted::{SortedMap, SortedSet};
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
    /// The names of files that were written anew, and how many events of each lost something.
    pub(crate) rewritten: Vec<(String, u64)>,
    /// What was taken out of them.
    pub(crate) facets: FacetSet,
    /// Out of so many events.
    pub(crate) narrowed: u64,
    /// So many events have expired and stay because of a legal hold.
    pub(crate) kept_by_hold: u64,
    /// Whether another run is to go on soon.
    pub(crate) more: bool,
    /// Whether segments are found to be free of holds, so that they can be deleted.
    pub(crate) free: bool,
    /// Whether the holds changed under it, so that nothing more is deleted.
    pub(crate) halted: bool,
    /// Whether nothing is deleted or written.
    pub(crate) dry: bool,
}

/// A segment that is past its retention and that a sink has yet to get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) name: SegmentName,
    /// Its last number; `None` for the last segment of a dead writer.
    pub(crate) last: Option<u64>,
}

impl RetentionRun {
    /// Returns the event that records the run, if it did anything.
    pub(crate) fn into_event(self) -> Option<OwnEvent> {
        let count = self.files.len() as u64;
        if count == 0 && self.rewritten.is_empty() {
            return None;
        }
        let mut fields = vec![
            (Field::Count, Value::Int(count)),
            (Field::Bytes, Value::Int(self.bytes)),
            (Field::Files, Value::Texts(self.files)),
        ];
        if !self.rewritten.is_empty() {
            let names = self.rewritten.into_iter().map(|(name, _)| name);
            let facets = self.facets.iter().map(|facet| facet.name().to_owned());
            let absent = (Absence::Expired.to_string(), facets.collect());
            fields.push((Field::Rewritten, Value::Texts(names.collect())));
            fields.push((Field::Narrowed, Value::Int(self.narrowed)));
            fields.push((Field::Absent, Value::TextsMap([absent].into())));
        }
        Some(OwnEvent::of(Kind::RetentionRun, fields))
    }
}

impl RetentionRun {
    /// Returns a run that was dry as a plan.
    pub(crate) fn into_plan(self) -> RetentionPlan {
        let rewritten = self.rewritten.into_iter();
        let rewritten = rewritten.map(|(file, events)| PlannedRewrite::new(file, events));
        RetentionPlan {
            deleted: self.files,
            rewritten: rewritten.collect(),
            facets: self.facets,
            events: self.narrowed,
            skipped: self.findings.into_iter().map(|found| found.file).collect(),
            held_events: self.kept_by_hold,
            is_clock_doubted: self.held_back,
        }
    }
}

impl Journal {
    /// Deletes what is older than the retention: segments of this writer and of dead ones,
    /// quarantined bytes, dead letters and left-over temporary files; and takes expired facets out of
    /// what stays. A spool deletes no segment for its age.
    ///
    /// A segment that a sink does not have as a whole is held, not deleted: it goes with a later run,
    /// once the loss to the sink is on record.
    ///
    /// The streams of writers that crashed since the start are completed first. Both read files:
    /// once an hour is enough.
    #[cfg(test)]
    pub(crate) fn expire(&mut self) -> RetentionRun {
        self.expire_within(u64::MAX)
    }

    /// As [`Journal::expire`]; files that stay are read up to so many bytes.
    pub(crate) fn expire_within(&mut self, budget: u64) -> RetentionRun {
        let mut run = RetentionRun::default();
        // The events of a writer that crashed meanwhile must not outlive their retention.
        let found = recovery::recover(&*self.vfs, self.dir(), &self.structure, self.writer);
        run.findings.extend(found);
        run.adopted = self.adopt(&mut run.findings);
        self.run_over(budget, &mut run);
        run
    }

    /// Returns what [`Journal::expire_within`] would do without a bound, or has it found out on
    /// another thread: then [`Journal::take_retired`] returns it.
    pub(crate) fn plan(&mut self) -> Option<RetentionRun> {
        let mut run = RetentionRun {
            dry: true,
            ..RetentionRun::default()
        };
        self.run_over(u64::MAX, &mut run);
        self.hand_over(run)
    }

    fn run_over(&mut self, budget: u64, run: &mut RetentionRun) {
        let (now, monotonic) = (self.clock.now(), self.clock.monotonic());
        let believed = self.watch.look(now, monotonic);
        run.held_back = self.watch.is_doubted();
        let holds = self.holds_in_force(run);
        let expiry = Expiry::new(&self.config.retentions(), believed).but(holds.clone());
        let Some((names, entries, alive)) = self.delete(believed, &holds, run) else {
            return;
        };
        let at = (believed, expiry);
        self.begin_retiring(&names, &entries, &alive, at, budget, run);
        if std::mem::take(&mut run.free) {
            // Nothing is held in what was looked through.
            self.delete(believed, &holds, run);
        }
        run.more &= self.config.sync_thread || budget < u64::MAX;
    }

    /// Deletes files that have expired as a whole; returns what is in the directory, and the writers
    /// that live.
    pub(super) fn delete(
        &mut self,
        believed: Timestamp,
        holds: &Holds,
        run: &mut RetentionRun,
    ) -> Option<(Vec<Name>, Vec<DirEntry>, SortedSet<WriterId>)> {
        let entries = match self.vfs.list(self.dir()) {
            Ok(entries) => entries,
            Err(error) => {
                let finding = Finding::failed(self.dir().display(), Problem::Failed, error);
                run.findings.push(finding);
                return None;
            }
        };
        let before = run.files.len();
        let (names, alive) = self.sorted_out(&entries);
        let others = self.others(&names);
        let retentions = self.config.retentions();
        let limit = retentions.whole().expired_before(believed);
        if let Some(limit) = limit.filter(|_| self.config.keep != Keep::Spool) {
            self.expire_segments(&names, &alive, &others, (believed, limit), holds, run);
        }
        for name in &names {
            if self.is_left_over(*name, &alive, limit) || is_over(*name, &others, &names) {
                self.remove(name.to_string(), false, run);
            }
        }
        for (dir, day, is_events) in SUBDIRECTORIES {
            // What cannot be read goes with the first facet that may be in it.
            let retention = match is_events {
                true => retentions.whole(),
                false => retentions.shortest(),
            };
            // A run over the files looks whether an event in them is held.
            if let Some(limit) = retention.expired_before(believed)
                && (!is_events || holds.is_empty())
                && entries.iter().any(|entry| subdirectory::is(entry, dir))
            {
                self.expire_directory((dir, day), limit, holds, run);
            }
        }
        if run.files.len() > before && !run.dry {
            self.syncer.changed_dir();
        }
        Some((names, entries, alive))
    }

    fn expire_segments(
        &mut self,
        names: &[Name],
        alive: &SortedSet<WriterId>,
        others: &[Other],
        (believed, limit): (Timestamp, Timestamp),
        holds: &Holds,
        run: &mut RetentionRun,
    ) {
        for (name, newest) in self.segment_ages(names, alive, believed, limit, run) {
            // Whether something in it is held, a run over the files finds out.
            let is_free = holds.is_empty() || self.retiring.known.free.contains(&name);
            if newest >= limit || !is_free {
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
        if !self.sinks.sweep || self.is_retiring() {
            return run;
        }
        let holds = self.holds_in_force(&mut run);
        if !holds.is_empty() && self.retiring.known.free.is_empty() {
            return run;
        }
        self.sinks.sweep = false;
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
        // Once a hold is lifted, what it kept goes.
        self.sinks.sweep = !holds.is_empty() || others.iter().any(Other::is_unknown);
        let current = self.segment.as_ref().map(|segment| segment.name);
        let mut candidates: Vec<_> = segments(&names).collect();
        SegmentName::sort(&mut candidates);
        for name in candidates {
            if alive.contains(&name.writer) || Some(name) == current {
                continue;
            }
            // Whether something in it is held, a run over the files finds out.
            if !holds.is_empty() && !self.retiring.known.free.contains(&name) {
                continue;
            }
            let last = self.last_seq(name, &names);
            if self.is_passed(name, last, &others)
                && !self.is_missed(name, last, &others, &mut run)
                && self.let_go(name, last, &mut run)
            {
                self.retiring.known.free.retain(|free| *free != name);
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
        if name.writer == self.writer && !run.dry {
            // After a crash it is not to be missed.
            let last = last.unwrap_or(0);
            self.settle(last);
            if !self.is_settled(last) {
                self.sinks.sweep = true;
                return false;
            }
        }
        let gone = self.remove(name.to_string(), true, run);
        self.sinks.sweep |= run.halted;
        if gone && !run.dry {
            self.closed.retain(|closed| closed.name != name);
        }
        gone
    }

    pub(super) fn others(&self, names: &[Name]) -> Vec<Other> {
        let (vfs, dir) = (&*self.vfs, self.dir());
        let mut others = cursor::others(vfs, dir, self.writer, names, self.sink_names());
        others.retain(|other| !self.sinks.unreadable.is_given_up(other.name));
        others
    }

    /// Returns the last number that a segment can hold, or `None` for the last segment of another
    /// writer.
    pub(super) fn last_seq(&self, name: SegmentName, names: &[Name]) -> Option<u64> {
        if let Some(closed) = self.closed.iter().find(|closed| closed.name == name) {
            return Some(closed.last_seq.unwrap_or(0));
        }
        extent::last_seq(name, segments(names))
    }

    /// Returns the recognised names of files, and the writers that live or wait for recovery.
    fn sorted_out(&self, entries: &[DirEntry]) -> (Vec<Name>, SortedSet<WriterId>) {
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
        alive: &SortedSet<WriterId>,
        believed: Timestamp,
        limit: Timestamp,
        run: &mut RetentionRun,
    ) -> Vec<(SegmentName, Timestamp)> {
        let current = self.segment.as_ref().map(|segment| segment.name);
        let mut segments: Vec<_> = segments(names)
            .filter(|name| !alive.contains(&name.writer) && Some(*name) != current)
            .collect();
        SegmentName::sort(&mut segments);
        self.newest.retain(|name, _| {
            segments
                .binary_search_by_key(&name.stream(), SegmentName::stream)
                .is_ok()
        });
        let today = Day::of(self.clock.now());
        let mut before: SortedMap<WriterId, Timestamp> = SortedMap::new();
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
                newest = newest.max(self.at(closed.wrote, believed));
            }
            let running = before.or_insert(name.writer, newest);
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
            let json = piece.bytes.and_then(|bytes| line::open_found(place, bytes));
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
        alive: &SortedSet<WriterId>,
        limit: Option<Timestamp>,
    ) -> bool {
        match name {
            Name::SegmentTemporary(segment) => {
                limit.is_some_and(|limit| segment.day.end() <= limit)
            }
            Name::SchemaTemporary(writer)
            | Name::HoldsTemporary(writer)
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

    fn expire_directory(
        &self,
        (name, day): (&str, DayOf),
        limit: Timestamp,
        holds: &Holds,
        run: &mut RetentionRun,
    ) {
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
            if day.is_some_and(|day| day.end() <= limit && !holds.may_hold(day.end())) {
                self.remove(format!("{name}/{}", entry.name), true, run);
            }
        }
    }

    /// Removes a file of the directory; returns whether it is gone. One with content stays when the
    /// holds have changed.
    fn remove(&self, name: String, has_content: bool, run: &mut RetentionRun) -> bool {
        let path: PathBuf = self.dir().join(&name);
        let size = self
            .vfs
            .open(&path, Access::Read)
            .and_then(|file| file.size());
        let gone = match run.dry {
            true => size.as_ref().map(drop).map_err(|error| error.kind().into()),
            false if has_content && run.halted => return false,
            false if has_content => self.unlink_unheld(&path),
            false => self.vfs.unlink(&path),
        };
        match gone {
            // A hold was set or lifted meanwhile: a later run goes by it.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                run.more = true;
                run.halted = true;
                false
            }
            Ok(()) if run.dry && run.files.contains(&name) => true,
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

/// The subdirectories with content, how the names of their files tell their day,
/// and whether these are events that can be read.
const SUBDIRECTORIES: [(&str, DayOf, bool); 2] = [
    (
        QUARANTINE,
        |name| BadName::parse(name).map(|name| name.day),
        false,
    ),
    (
        DEAD_LETTERS,
        |name| DeadName::parse(name).map(|name| name.day),
        true,
    ),
];

/// Returns whether a cursor is of a sink that nobody has any more, and of no segment that is there.
fn is_over(name: Name, others: &[Other], names: &[Name]) -> bool {
    let cursor = others
        .iter()
        .find(|other| other.name == name && !other.holds)
        .and_then(|other| other.cursor.as_ref());
    cursor.is_some_and(|cursor| !segments(names).any(|name| cursor.contains_key(&name.writer)))
}

pub(super) fn segments(names: &[Name]) -> impl Iterator<Item = SegmentName> {
    names.iter().filter_map(|name| match name {
        Name::Segment(name) => Some(*name),
        _ => None,
    })
}
