//! The journal's part in runs over closed files: what they may touch, and what follows from them.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::Duration;

use super::expire::{RetentionRun, segments};
use super::finding::{Finding, Problem};
use super::holds;
use super::letters;
use super::name::{DEAD_LETTERS, Day, Name, SegmentName};
use super::narrowing::{Candidate, Done, Job, Known};
use super::subdirectory;
use super::upkeep::{Upkeep, Upkeeps};
use super::writer::Journal;
use super::writers::Writers;
use crate::error::Error;
use crate::expiry::Expiry;
use crate::facet::{Facet, FacetSet};
use crate::hold::{Hold, Holds, HoldsChange};
use crate::id::WriterId;
use crate::sorted::SortedSet;
use crate::sync::{Arc, AtomicBool, Mutex, Ordering, lock, thread};
use crate::timestamp::Timestamp;
use crate::vfs::{DirEntry, FileKind};

/// What a run reads at most, unless somebody waits for it. The next one goes on a minute later.
pub(crate) const RUN_BYTES: u64 = 256 << 20;

/// What the journal knows of runs over closed files.
#[derive(Debug, Default)]
pub(super) struct Retiring {
    /// Held while dead letters are added to, or written anew.
    pub(super) letters: Arc<Mutex<()>>,
    pub(super) known: Known,
    upkeeps: Upkeeps,
    writers: Writers,
    /// When the log began, by the monotonic clock.
    began: Duration,
    /// The holds that `known` goes by.
    holds: Holds,
    running: Option<Running>,
    stop: Arc<AtomicBool>,
}

/// A run on a thread of its own.
#[derive(Debug)]
struct Running {
    done: Arc<Mutex<Option<Done>>>,
    believed: Timestamp,
    /// Of a dry run: what is known without it.
    plan: Option<RetentionRun>,
}

impl Drop for Retiring {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

impl Journal {
    /// Returns the legal holds in force; whatever cannot be read holds everything.
    pub(super) fn holds_in_force(&mut self, run: &mut RetentionRun) -> Holds {
        let now = holds::in_force(&*self.vfs, self.dir(), &self.config.holds);
        if now.is_all() {
            let finding = Finding::new(Name::Holds, Problem::Failed);
            run.findings.push(finding);
        }
        if now != self.retiring.holds {
            self.retiring.known.gone.clear();
            self.retiring.known.free.clear();
            self.retiring.known.letters.clear();
            self.retiring.holds = now.clone();
        }
        now
    }

    /// Returns the holds of the directory.
    ///
    /// # Errors
    ///
    /// When they cannot be read.
    pub(crate) fn holds(&self) -> Result<Vec<Hold>, Error> {
        holds::read(&*self.vfs, self.dir()).map_err(|source| self.holds_failed(source))
    }

    /// Sets a hold in the place of one of its name. Returns all holds before and after, or `None` when
    /// nothing changed.
    ///
    /// # Errors
    ///
    /// When the holds of the directory could not be read or stored: those of before are in force.
    pub(crate) fn set_hold(&self, hold: Hold) -> Result<Option<HoldsChange>, Error> {
        let change = |holds: &mut Vec<Hold>| {
            holds.retain(|known| known.name() != hold.name());
            holds.push(hold);
        };
        self.change_holds(change)
            .map_err(|source| self.holds_failed(source))
    }

    /// Lifts a hold; returns whether it was there as it is given.
    ///
    /// # Errors
    ///
    /// As [`Journal::set_hold`].
    pub(crate) fn lift_hold(&self, hold: &Hold) -> Result<bool, Error> {
        self.change_holds(|holds| holds.retain(|known| known != hold))
            .map(|changed| changed.is_some())
            .map_err(|source| self.holds_failed(source))
    }

    fn change_holds(&self, change: impl FnOnce(&mut Vec<Hold>)) -> io::Result<Option<HoldsChange>> {
        let (vfs, dir) = (&*self.vfs, self.dir());
        let _mine = holds::lock(vfs, dir)?;
        let before = holds::read(vfs, dir)?;
        let mut after = before.clone();
        change(&mut after);
        if before == after {
            return Ok(None);
        }
        holds::write(vfs, dir, self.writer, after.clone())?;
        Ok(Some((before, after)))
    }

    /// Puts the holds of the program in the place of those that it had.
    ///
    /// # Errors
    ///
    /// When somebody keeps the holds as they are.
    pub(crate) fn set_own_holds(&self, own: Vec<Hold>) -> Result<(), Error> {
        let mine = holds::lock(&*self.vfs, self.dir());
        let _mine = mine.map_err(|source| self.holds_failed(source))?;
        self.config.holds.set(own);
        Ok(())
    }

    /// Deletes a file of the directory with events in it, unless the holds are not those any more that
    /// the caller goes by.
    pub(super) fn unlink_unheld(&self, path: &Path) -> io::Result<()> {
        let (own, known) = (&self.config.holds, &self.retiring.holds);
        let _unchanged = holds::still(&*self.vfs, self.dir(), own, known)?;
        self.vfs.unlink(path)
    }

    fn holds_failed(&self, source: io::Error) -> Error {
        let dir = self.dir().display();
        Error::io(
            format!("the legal holds in `{dir}` could not be read or stored"),
            source,
        )
    }

    /// Has runs look after the files of sinks too.
    pub(crate) fn look_after(&mut self, upkeeps: Vec<(String, Box<dyn Upkeep>)>) {
        self.retiring.upkeeps = Upkeeps::new(upkeeps);
        self.retiring.began = self.clock.monotonic();
        if self.retiring.upkeeps.is_empty() {
            return;
        }
        let entries = self.vfs.list(self.dir()).unwrap_or_default();
        let names = entries.iter().filter_map(|entry| Name::parse(&entry.name));
        // What fails here is tried again, and told, by the first run.
        self.learn_writers(names, true).ok();
        let believed = self.watch.look(self.clock.now(), self.clock.monotonic());
        let holds = holds::in_force(&*self.vfs, self.dir(), &self.config.holds);
        let expiry = Expiry::new(&self.config.retentions(), believed).but(holds);
        self.retiring
            .upkeeps
            .begin(&expiry, self.own_since(believed));
    }

    /// Notes whose events are in the directory, and so in the files of sinks.
    fn learn_writers(&mut self, names: impl Iterator<Item = Name>, save: bool) -> io::Result<()> {
        let found = names.filter_map(Name::of_segment);
        let found = found.chain(std::iter::once(self.writer));
        let (vfs, dir) = (&*self.vfs, self.config.dir.as_path());
        self.retiring.writers.learn(vfs, dir, found, save)
    }

    /// Returns whether files are being written anew.
    pub(crate) const fn is_retiring(&self) -> bool {
        self.retiring.running.is_some()
    }

    /// Begins to take what has expired out of files that stay, on a thread of its own; without such
    /// threads, it is done when this returns. What came of it is `run`'s, or that of
    /// [`Journal::take_retired`].
    pub(super) fn begin_retiring(
        &mut self,
        names: &[Name],
        entries: &[DirEntry],
        alive: &SortedSet<WriterId>,
        (believed, expiry): (Timestamp, Expiry),
        budget: u64,
        run: &mut RetentionRun,
    ) {
        let waits = self.config.is_spool() && !expiry.holds().is_empty();
        let of_sinks = !self.retiring.upkeeps.is_empty();
        if of_sinks && let Err(error) = self.learn_writers(names.iter().copied(), !run.dry) {
            let finding = Finding::failed(Name::Writers, Problem::Failed, error);
            run.findings.push(finding);
        }
        if of_sinks && !run.dry {
            self.retiring
                .upkeeps
                .begin(&expiry, self.own_since(believed));
        }
        let own_files = !expiry.is_of_whole_files();
        if (expiry.is_nothing() && !waits)
            || !(own_files || of_sinks)
            || self.retiring.stop.load(Ordering::Relaxed)
        {
            return;
        }
        let (segments, letters) = match own_files {
            true => (
                self.candidates(names, alive, believed, &expiry),
                self.candidate_letters(entries, alive, &expiry, run),
            ),
            false => (Vec::new(), Vec::new()),
        };
        let temporary = names.iter().filter_map(|name| match name {
            Name::SegmentTemporary(segment) if !alive.contains(&segment.writer) => Some(*segment),
            _ => None,
        });
        let left_over: Vec<_> = temporary.collect();
        if segments.is_empty() && letters.is_empty() && left_over.is_empty() && !of_sinks {
            return;
        }
        let slot = Arc::new(Mutex::new(None));
        let job = Job {
            vfs: Arc::clone(&self.vfs),
            dir: self.config.dir.clone(),
            expiry,
            own_holds: self.config.holds.clone(),
            segments,
            left_over,
            letters,
            letters_gate: Arc::clone(&self.retiring.letters),
            upkeeps: self.retiring.upkeeps.clone(),
            own: self.own_since(believed),
            writers: Some(self.retiring.writers.known()),
            known: self.retiring.known.clone(),
            spool: self.config.is_spool(),
            budget,
            dry: run.dry,
            today: Day::of(believed),
            stop: Arc::clone(&self.retiring.stop),
            _lock: Arc::clone(&self.lock),
        };
        if !self.config.sync_thread {
            return self.retired(job.run(), run);
        }
        let result = Arc::clone(&slot);
        let work = move || {
            let done = catch_unwind(AssertUnwindSafe(|| job.run()));
            let done = done.unwrap_or_else(|_| Done {
                findings: vec![Finding::new(Name::Retention, Problem::Failed)],
                ..Done::default()
            });
            *lock(&result) = Some(done);
        };
        let thread = thread::Builder::new().name("llm-audit-age".to_owned());
        match thread.spawn(work) {
            Ok(_) => {
                self.retiring.running = Some(Running {
                    done: slot,
                    believed,
                    plan: None,
                });
            }
            Err(error) => {
                let finding = Finding::failed(Name::Retention, Problem::Failed, error);
                run.findings.push(finding);
            }
        }
    }

    /// Returns what came of the run over closed files, once it is over.
    pub(crate) fn take_retired(&mut self) -> Option<RetentionRun> {
        let done = lock(&self.retiring.running.as_ref()?.done).take()?;
        let Running { believed, plan, .. } = self.retiring.running.take()?;
        let mut run = plan.unwrap_or_default();
        self.retired(done, &mut run);
        if run.dry && std::mem::take(&mut run.free) {
            let holds = self.retiring.holds.clone();
            self.delete(believed, &holds, &mut run);
        }
        Some(run)
    }

    /// Returns what is planned, unless a run is to find out more: then it gets that.
    pub(super) fn hand_over(&mut self, plan: RetentionRun) -> Option<RetentionRun> {
        match &mut self.retiring.running {
            Some(running) => {
                running.plan = Some(plan);
                None
            }
            None => Some(plan),
        }
    }

    /// Has the run over closed files stop where it is, and waits a little for that.
    pub(crate) fn stop_retiring(&mut self, at_most: Duration) -> Option<RetentionRun> {
        self.retiring.stop.store(true, Ordering::Relaxed);
        for _ in 0..at_most.as_millis() {
            if !self.is_retiring() {
                break;
            }
            if let Some(run) = self.take_retired() {
                return Some(run);
            }
            thread::sleep(Duration::from_millis(1));
        }
        None
    }

    fn retired(&mut self, done: Done, run: &mut RetentionRun) {
        run.bytes += done.bytes;
        run.files.extend(done.deleted);
        run.rewritten.extend(done.rewritten);
        run.facets.extend(done.facets.iter());
        run.narrowed += done.narrowed;
        run.kept_by_hold += done.held;
        run.findings.extend(done.findings);
        // What was known to be free and is there for all that waits for the next look.
        run.more |= done.more || done.frees;
        run.free = done.frees;
        if run.dry {
            self.retiring.known.free.clone_from(&done.known.free);
        } else {
            self.retiring.known = done.known;
            self.syncer.changed_dir();
        }
    }

    /// Returns the closed segments of this writer and of dead ones in which something may have
    /// expired, by writer and number.
    fn candidates(
        &mut self,
        names: &[Name],
        alive: &SortedSet<WriterId>,
        believed: Timestamp,
        expiry: &Expiry,
    ) -> Vec<Candidate> {
        let current = self.segment.as_ref().map(|segment| segment.name);
        let today = Day::of(self.clock.now());
        let settled = self.syncer.status().settled_to().unwrap_or(0);
        let others = self.others(names);
        // Before it is known which sinks there are, none of them has anything.
        let waits = self.config.is_spool()
            && !expiry.holds().is_empty()
            && self.sink_names().next().is_some();
        let mut found = Vec::new();
        let there: SortedSet<_> = segments(names).collect();
        for (name, at_least) in self.least_ages(names, believed) {
            if alive.contains(&name.writer) || Some(name) == current || name.day > today {
                continue;
            }
            let closed = self.closed.iter().find(|closed| closed.name == name);
            // What the disk has not confirmed may have to be written once more, as it was.
            if closed.is_some_and(|closed| closed.last_seq.is_some_and(|last| last > settled)) {
                continue;
            }
            let gone = self.retiring.known.gone.get(&name);
            let last = self.last_seq(name, names);
            let is_due = waits
                && self.is_passed(name, last, &others)
                && !self.is_missed(name, last, &others, &mut RetentionRun::default());
            let due = match is_due {
                true => Facet::ALL.iter().copied().collect(),
                false => expiry.facets(at_least),
            };
            if due == FacetSet::EMPTY || gone.is_some_and(|gone| is_within(due, *gone)) {
                continue;
            }
            found.push(Candidate {
                name,
                at_least,
                is_due,
            });
        }
        self.retiring.known.forget_all_but(&there);
        // It does not go on any more.
        let is_found = |name: SegmentName| found.iter().any(|candidate| candidate.name == name);
        self.resting.take_if(|segment| is_found(segment.name));
        found
    }

    /// Returns all segments, by writer and number, each with what its newest event is at least as new
    /// as: one writer's events are in the order of its segments, whatever the clock said.
    fn least_ages(&self, names: &[Name], believed: Timestamp) -> Vec<(SegmentName, Timestamp)> {
        let mut segments: Vec<_> = segments(names).collect();
        SegmentName::sort(&mut segments);
        let mut before: Option<(SegmentName, Timestamp)> = None;
        let ages = segments.into_iter().map(|name| {
            let (latest, least) = before
                .filter(|(before, _)| before.writer == name.writer)
                .unwrap_or((name, name.day.start()));
            // The clock was set back: what is known of the segment before is its date.
            let set_back = (latest.day > name.day).then(|| latest.day.end());
            let closed = self.closed.iter().find(|closed| closed.name == name);
            let wrote = closed.map(|closed| self.at(closed.wrote, believed));
            let known = self.retiring.known.newest.get(&name).copied();
            let floors = [Some(name.day.start()), set_back, wrote, known];
            let least = floors.into_iter().flatten().fold(least, Timestamp::max);
            let latest = if set_back.is_some() { latest } else { name };
            before = Some((latest, least));
            (name, least)
        });
        ages.collect()
    }

    /// Returns when a moment of the monotonic clock was, by the time that is believed: how long ago it
    /// was does not depend on what the clock said then.
    pub(super) fn at(&self, moment: Duration, believed: Timestamp) -> Timestamp {
        let ago = self.clock.monotonic().saturating_sub(moment);
        let micros = i64::try_from(ago.as_micros()).unwrap_or(i64::MAX);
        Timestamp::from_unix_micros(believed.as_unix_micros().saturating_sub(micros))
    }

    /// Returns this writer, and when it began by the time that is believed.
    fn own_since(&self, believed: Timestamp) -> (WriterId, Timestamp) {
        (self.writer, self.at(self.retiring.began, believed))
    }

    fn candidate_letters(
        &self,
        entries: &[DirEntry],
        alive: &SortedSet<WriterId>,
        expiry: &Expiry,
        run: &mut RetentionRun,
    ) -> Vec<String> {
        if !entries
            .iter()
            .any(|entry| subdirectory::is(entry, DEAD_LETTERS))
        {
            return Vec::new();
        }
        let entries = match self.vfs.list(&self.dir().join(DEAD_LETTERS)) {
            Ok(entries) => entries,
            Err(error) => {
                let finding = Finding::failed(DEAD_LETTERS, Problem::Failed, error);
                run.findings.push(finding);
                return Vec::new();
            }
        };
        let files = entries
            .into_iter()
            .filter(|entry| entry.kind == FileKind::File);
        let due = |name: &String| {
            letters::parse(name).is_some_and(|(dead, unfinished)| {
                let expired = !expiry.facets(dead.day.end()).is_empty();
                (unfinished || expired) && !alive.contains(&dead.writer)
            })
        };
        files.map(|entry| entry.name).filter(due).collect()
    }
}

fn is_within(part: FacetSet, whole: FacetSet) -> bool {
    part.iter().all(|facet| whole.contains(facet))
}
