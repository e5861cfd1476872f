//! What the log's retention has to do with files that sinks keep.
//!
//! A sink with files of its own gives the log an [`Upkeep`]. Each run over closed files calls it, behind
//! the journal's own, on the thread of that run: so the clock that is believed, the legal holds, dry
//! runs, the record of what was done and what is told of files that failed are the same for all.

use std::fmt;
use std::io;
#[cfg(any(test, feature = "testing"))]
use std::path::{Path, PathBuf};

use super::copies::{Copies, Found};
use super::finding::{Finding, Problem};
use super::narrowing::{Done, Job};
#[cfg(any(test, feature = "testing"))]
use super::{
    holds::{self, OwnHolds},
    name::Day,
    narrowing::Known,
};
use crate::expiry::Expiry;
use crate::facet::FacetSet;
use crate::foreign::contained;
use crate::id::WriterId;
#[cfg(any(test, feature = "testing"))]
use crate::sorted::SortedSet;
use crate::sync::{Arc, Mutex, lock};
use crate::timestamp::Timestamp;
#[cfg(any(test, feature = "testing"))]
use crate::{
    expiry::RetentionPlan,
    hold::Hold,
    retention::Retentions,
    vfs::{Access, Vfs},
};

/// Looks after the files that a sink keeps.
#[doc(hidden)]
pub trait Upkeep: Send + 'static {
    /// Learns what has expired, when the log starts and before each run, and which writer is the log's and when it
    /// began. It does not touch a file: the log waits for it.
    fn begin(&mut self, _expiry: &Expiry, _own: (WriterId, Timestamp)) {}

    /// Takes out of the files what has expired, as far as `round` lets it, or finds out what that
    /// would be.
    ///
    /// The sink may write meanwhile, on its own thread.
    fn run(&mut self, round: &mut Round<'_>);
}

/// The upkeeps of a log, each with the name of its sink.
#[derive(Clone, Default)]
pub(super) struct Upkeeps(Arc<Mutex<Vec<OfSink>>>);

/// The name of a sink, and what looks after its files.
pub(crate) type OfSink = (String, Box<dyn Upkeep>);

impl Upkeeps {
    pub(super) fn new(upkeeps: Vec<OfSink>) -> Self {
        Self(Arc::new(Mutex::new(upkeeps)))
    }

    pub(super) fn is_empty(&self) -> bool {
        lock(&self.0).is_empty()
    }

    /// Tells each what has expired.
    pub(super) fn begin(&self, expiry: &Expiry, own: (WriterId, Timestamp)) {
        for (_, upkeep) in lock(&self.0).iter_mut() {
            // One that fails here fails in the run, and is told there.
            contained(|| upkeep.begin(expiry, own));
        }
    }

    /// Calls each once. What one of them reads is not taken from the others.
    pub(super) fn run(&self, job: &Job, done: &mut Done) {
        for (sink, upkeep) in lock(&self.0).iter_mut() {
            let mut round = Round {
                job,
                done: &mut *done,
                sink: sink.as_str(),
                used: 0,
            };
            if contained(|| upkeep.run(&mut round)).is_none() {
                let finding = Finding::new(&sink, Problem::Failed);
                done.findings.push(finding);
            }
        }
    }
}

impl fmt::Debug for Upkeeps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upkeeps").finish_non_exhaustive()
    }
}

/// One run of the retention, as the files of a sink see it.
#[doc(hidden)]
pub struct Round<'a> {
    job: &'a Job,
    done: &'a mut Done,
    sink: &'a str,
    used: u64,
}

impl Round<'_> {
    /// Returns what has expired, and what is held, when the run began.
    pub const fn expiry(&self) -> &Expiry {
        &self.job.expiry
    }

    /// Returns whether nothing is to be changed.
    pub const fn is_dry(&self) -> bool {
        self.job.dry
    }

    /// Returns whether somebody asked for the run, which then reads as much as there is.
    pub const fn is_unbounded(&self) -> bool {
        self.job.budget == u64::MAX
    }

    /// Returns the writer of this log, and when it began: none of its events is older, whatever its
    /// clock said by then.
    pub const fn own(&self) -> (WriterId, Timestamp) {
        self.job.own
    }

    /// Returns whether the events of a writer are of this log's journal, so that its holds are all that
    /// there are on them.
    pub fn is_own(&self, writer: WriterId) -> bool {
        let writers = self.job.writers.as_ref();
        writers.is_none_or(|writers| writers.contains(&writer))
    }

    /// Tells how many files of other logs have expired as a whole, and stay.
    pub fn others(&mut self, files: u64) {
        if files > 0 {
            let message = format!(
                "{files} files of other logs, or of a journal that is gone, have expired and stay, held \
                 there or not looked after; `enforce_on_others` looks after them too"
            );
            self.failed("files of other logs", io::Error::other(message));
        }
    }

    /// Returns whether the run goes on. It may end between any two events.
    pub fn goes_on(&self) -> bool {
        self.job.goes_on()
    }

    /// Returns whether another file may be looked at in this run; if not, another run comes soon.
    pub fn takes_more(&mut self) -> bool {
        let takes = self.goes_on() && self.used < self.job.budget;
        self.done.more |= !takes;
        takes
    }

    /// Says that something is left for another run.
    pub const fn leave(&mut self) {
        self.done.more = true;
    }

    /// Counts bytes that were read.
    pub const fn read(&mut self, bytes: u64) {
        self.used = self.used.saturating_add(bytes);
    }

    /// Replaces or removes one file, if nobody has changed the legal holds since the run began; nobody
    /// does meanwhile.
    ///
    /// # Errors
    ///
    /// That of `action`; `Interrupted` when it was not called, because the run ends here or goes by
    /// holds that are not in force any more.
    pub fn unless_held<T>(&self, action: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        let _unchanged = self.job.may_replace()?;
        action()
    }

    /// Hands what is left of a file of JSON lines to `take`, line by line, without what is due where
    /// nothing is held.
    ///
    /// # Errors
    ///
    /// Of reading and of `take`; `Interrupted` when the run ends here.
    pub fn narrow(
        &self,
        copies: &Copies,
        take: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<Found> {
        let mut found = Found::default();
        copies.each(self.job, &mut found, take)?;
        Ok(found)
    }

    /// Tells that bytes which nobody can read went with a file that was written anew: where they began,
    /// and how many they were.
    pub fn damaged(&mut self, file: impl fmt::Display, (offset, bytes): (u64, u64)) {
        let problem = Problem::Damaged { offset, bytes };
        let finding = Finding::new(self.shown(file), problem);
        self.done.findings.push(finding);
    }

    /// Records that a file was deleted, or would be.
    pub fn deleted(&mut self, file: impl fmt::Display, bytes: u64) {
        self.done.deleted.push(self.shown(file));
        self.done.bytes += bytes;
    }

    /// Records that a file was written anew, or would be, without `facets` in so many events; it is so
    /// many bytes shorter.
    pub fn rewrote(
        &mut self,
        file: impl fmt::Display,
        facets: FacetSet,
        narrowed: u64,
        freed: u64,
    ) {
        let name = self.shown(file);
        self.done.rewrote(name, facets, narrowed, freed);
    }

    /// Counts events that have expired and stay because of a hold.
    pub const fn held(&mut self, events: u64) {
        self.done.held += events;
    }

    /// Tells that a file could not be looked after. One that is gone is nobody's trouble, and one for
    /// which it was not the time comes with the next run.
    pub fn failed(&mut self, file: impl fmt::Display, error: io::Error) {
        match error.kind() {
            io::ErrorKind::Interrupted => self.leave(),
            io::ErrorKind::NotFound => {}
            _ => {
                let finding = Finding::failed(self.shown(file), Problem::Failed, error);
                self.done.findings.push(finding);
            }
        }
    }

    fn shown(&self, file: impl fmt::Display) -> String {
        format!("{}/{file}", self.sink)
    }
}

impl fmt::Debug for Round<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Round")
            .field("sink", &self.sink)
            .field("is_dry", &self.is_dry())
            .finish_non_exhaustive()
    }
}

/// A run over the files of one sink, for the tests of sinks.
#[doc(hidden)]
#[cfg(any(test, feature = "testing"))]
#[derive(Clone, Debug)]
pub struct Trial {
    job_vfs: Arc<dyn Vfs>,
    own: (WriterId, Timestamp),
    writers: Option<Arc<SortedSet<WriterId>>>,
    budget: u64,
}

#[cfg(any(test, feature = "testing"))]
impl Trial {
    /// Returns the trial with the holds in `/journal` of a file system.
    pub fn new(vfs: Arc<dyn Vfs>) -> Self {
        let own = (WriterId::from_bytes([0; 16]), Timestamp::default());
        Self {
            job_vfs: vfs,
            own,
            writers: None,
            budget: u64::MAX,
        }
    }

    /// Sets the writer of the log, and when it began.
    #[must_use]
    pub const fn own(mut self, writer: WriterId, began: Timestamp) -> Self {
        self.own = (writer, began);
        self
    }

    /// Sets the writers of the log's journal; without, everybody is one.
    #[must_use]
    pub fn writers(mut self, writers: impl IntoIterator<Item = WriterId>) -> Self {
        self.writers = Some(Arc::new(writers.into_iter().collect()));
        self
    }

    /// Sets how many bytes may be read.
    #[must_use]
    pub const fn budget(mut self, bytes: u64) -> Self {
        self.budget = bytes;
        self
    }

    /// Puts holds in the place of those that there are.
    pub fn hold(&self, list: Vec<Hold>) {
        let dir = Path::new("/journal");
        self.job_vfs.create_dir(dir).ok();
        holds::write(&*self.job_vfs, dir, self.own.0, list).ok();
    }

    /// Calls the upkeep of sink `sink` once; returns what it did or would do, and whether it left
    /// something.
    pub fn run(
        &self,
        upkeep: &mut dyn Upkeep,
        retentions: &Retentions,
        now: Timestamp,
        dry: bool,
    ) -> (RetentionPlan, bool) {
        let dir = PathBuf::from("/journal");
        self.job_vfs.create_dir(&dir).ok();
        let own_holds = OwnHolds::default();
        let holds = holds::in_force(&*self.job_vfs, &dir, &own_holds);
        let lock = dir.join("trial");
        let open = || self.job_vfs.open(&lock, Access::Read);
        let Ok(lock) = self.job_vfs.create_new(&lock).or_else(|_| open()) else {
            return (RetentionPlan::default(), true);
        };
        let job = Job {
            vfs: Arc::clone(&self.job_vfs),
            dir,
            expiry: Expiry::new(retentions, now).but(holds),
            own_holds,
            segments: Vec::new(),
            left_over: Vec::new(),
            letters: Vec::new(),
            letters_gate: Arc::default(),
            upkeeps: Upkeeps::default(),
            own: self.own,
            writers: self.writers.clone(),
            known: Known::default(),
            spool: false,
            budget: self.budget,
            dry,
            today: Day::of(now),
            stop: Arc::default(),
            _lock: lock,
        };
        let mut done = Done::default();
        upkeep.begin(&job.expiry, job.own);
        upkeep.run(&mut Round {
            job: &job,
            done: &mut done,
            sink: "sink",
            used: 0,
        });
        let more = done.more;
        (done.into_plan(), more)
    }
}
