//! Taking what has expired out of files that stay: a run over closed segments and dead letters.
//!
//! A run holds the lock of `retention.lock`, so that no two processes write one file anew. It is made
//! on a thread of its own, reads so many bytes at most, and the next one goes on where it stopped.
//! Segments go by their newest event, as they do when they are deleted: until it is old enough, the
//! whole segment stays as it is.

use std::io;
use std::path::PathBuf;

use super::finding::{Finding, Problem};
use super::holds::{self, OwnHolds};
use super::letters;
use super::name::{Day, Name, SegmentName};
use super::rewrite::{self, Change};
use super::scan::retry;
use super::upkeep::Upkeeps;
use crate::event::Event;
use crate::expiry::{Expiry, Fate};
use crate::facet::{Facet, FacetSet};
use crate::id::WriterId;
use crate::sorted::{SortedMap, SortedSet};
use crate::sync::{Arc, AtomicBool, Mutex, Ordering};
use crate::timestamp::Timestamp;
use crate::vfs::{Access, Vfs, VfsFile};

/// What one run is to do.
pub(super) struct Job {
    pub(super) vfs: Arc<dyn Vfs>,
    pub(super) dir: PathBuf,
    pub(super) expiry: Expiry,
    /// Holds that are not the directory's.
    pub(super) own_holds: OwnHolds,
    /// By writer and number.
    pub(super) segments: Vec<Candidate>,
    pub(super) left_over: Vec<SegmentName>,
    pub(super) letters: Vec<String>,
    pub(super) letters_gate: Arc<Mutex<()>>,
    /// Who looks after the files of sinks.
    pub(super) upkeeps: Upkeeps,
    /// The writer of this log, and when it began by the time that is believed.
    pub(super) own: (WriterId, Timestamp),
    /// The writers of the directory; `None` when everybody is.
    pub(super) writers: Option<Arc<SortedSet<WriterId>>>,
    /// What was looked at before and has not changed.
    pub(super) known: Known,
    /// Whether segments are not deleted for their age.
    pub(super) spool: bool,
    /// Bytes that may be read, of the journal's files and of those of each sink.
    pub(super) budget: u64,
    pub(super) dry: bool,
    /// When damaged bytes are moved to the quarantine: there they stay for their time.
    pub(super) today: Day,
    pub(super) stop: Arc<AtomicBool>,
    /// So that nobody recovers this writer meanwhile.
    pub(super) _lock: Arc<dyn VfsFile>,
}

/// A segment of which something may have expired.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) name: SegmentName,
    /// It is at least as new as this, whatever its events say.
    pub(super) at_least: Timestamp,
    /// Whether it is there because of a hold alone: of a spool, every sink has it.
    pub(super) is_due: bool,
}

/// What is known of files, so that they are not read in every run.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    /// Facets that are in none of a segment's events.
    pub(super) gone: SortedMap<SegmentName, FacetSet>,
    /// When a segment's newest event was recorded.
    pub(super) newest: SortedMap<SegmentName, Timestamp>,
    /// Segments that have expired as a whole, and of which nothing is held.
    pub(super) free: Vec<SegmentName>,
    /// Dead letters, by name and size.
    pub(super) letters: SortedMap<(String, u64), FacetSet>,
}

/// What a run did, or would do.
#[derive(Debug, Default)]
pub(super) struct Done {
    /// The names of files that were written anew, each with the events that it took something out of.
    pub(super) rewritten: Vec<(String, u64)>,
    pub(super) deleted: Vec<String>,
    pub(super) facets: FacetSet,
    pub(super) narrowed: u64,
    pub(super) held: u64,
    pub(super) bytes: u64,
    pub(super) known: Known,
    /// Whether segments were found to be free that were not known to be.
    pub(super) frees: bool,
    pub(super) findings: Vec<Finding>,
    /// Whether the bytes were used up before everything was looked at.
    pub(super) more: bool,
}

impl Known {
    /// Forgets what is known of segments that are not there any more.
    pub(super) fn forget_all_but(&mut self, there: &SortedSet<SegmentName>) {
        self.gone.retain(|name, _| there.contains(name));
        self.newest.retain(|name, _| there.contains(name));
        self.free.retain(|name| there.contains(name));
    }
}

impl Job {
    pub(super) fn run(mut self) -> Done {
        let mut done = Done {
            known: std::mem::take(&mut self.known),
            ..Done::default()
        };
        let lock = match self.dry {
            true => Ok(None),
            false => self.lock(),
        };
        match lock {
            Ok(None) if !self.dry => done.more = true,
            Ok(_lock) => {
                self.work(&mut done);
                self.upkeeps.run(&self, &mut done);
            }
            Err(error) => {
                let finding = Finding::failed(Name::Retention, Problem::Failed, error);
                done.findings.push(finding);
            }
        }
        done
    }

    /// Returns the lock of who writes files anew, or `None` when another process has it.
    fn lock(&self) -> io::Result<Option<Arc<dyn VfsFile>>> {
        let path = self.dir.join(Name::Retention.to_string());
        let file = match self.vfs.open(&path, Access::Append) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                match self.vfs.create_new(&path) {
                    // Another process was faster.
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(None),
                    file => file?,
                }
            }
            file => file?,
        };
        Ok(retry(|| file.try_lock())?.then_some(file))
    }

    fn work(&self, done: &mut Done) {
        if !self.dry {
            for name in &self.left_over {
                let path = self.dir.join(Name::SegmentTemporary(*name).to_string());
                // What stays is replaced by the next try.
                drop(self.vfs.unlink(&path));
            }
        }
        let mut used = 0;
        let mut newest_before: Option<(SegmentName, Timestamp)> = None;
        for candidate in &self.segments {
            if !self.goes_on() || used >= self.budget {
                done.more = true;
                return;
            }
            let name = candidate.name;
            // One writer's events are in the order of its segments, whatever the clock said.
            let before = newest_before.filter(|(before, _)| before.writer == name.writer);
            let before = before.map(|(_, newest)| newest);
            let least = before.map_or(candidate.at_least, |before| before.max(candidate.at_least));
            match self.segment((name, candidate.is_due), least, &mut used, done) {
                Ok(newest) => newest_before = Some((name, newest)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => done.more = true,
                // Somebody deleted it.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => {
                    let finding = Finding::failed(name, Problem::Failed, error);
                    done.findings.push(finding);
                }
            }
        }
        for name in &self.letters {
            if !self.goes_on() || used >= self.budget {
                done.more = true;
                return;
            }
            match letters::narrow(self, name, &mut used, done) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => done.more = true,
                Err(error) => {
                    let finding = Finding::failed(name, Problem::Failed, error);
                    done.findings.push(finding);
                }
            }
        }
    }

    /// Does what is to be done with a segment; returns when its newest event was recorded, as far as
    /// that had to be known.
    fn segment(
        &self,
        (name, is_due): (SegmentName, bool),
        least: Timestamp,
        used: &mut u64,
        done: &mut Done,
    ) -> io::Result<Timestamp> {
        let (vfs, dir) = (&*self.vfs, self.dir.as_path());
        if done.known.free.contains(&name) {
            return Ok(least);
        }
        let gone = match done.known.gone.get(&name) {
            Some(gone) => *gone,
            None => {
                let gone = rewrite::said_gone(vfs, dir, name)?;
                done.known.gone.insert(name, gone);
                gone
            }
        };
        let expired = |newest| match is_due {
            true => Facet::ALL.iter().copied().collect(),
            false => self.expired(newest),
        };
        let newest = done.known.newest.get(&name).copied();
        let newest_known = newest.map(|newest| newest.max(least));
        if without(expired(newest_known.unwrap_or(least)), gone).is_empty() {
            return Ok(newest_known.unwrap_or(least));
        }
        let survey = rewrite::survey(vfs, dir, name)?;
        *used += survey.bytes;
        let last = survey.last.unwrap_or(name.day.end());
        let newest = survey.newest.unwrap_or(last);
        done.known.newest.insert(name, newest);
        let newest = newest.max(least);
        let due = without(expired(newest), gone);
        if due.is_empty() {
            return Ok(newest);
        }
        // It is deleted by its newest event of all, not of the host alone.
        let is_over = is_due || (!self.spool && self.expiry.is_over(newest.max(last)));
        if is_over && self.expiry.holds().is_empty() {
            // It is deleted by whoever keeps the segments.
            return Ok(newest);
        }
        let mut change = Change {
            fate: &|event: &Event| self.fate(event, due),
            gone: union(due, gone),
            keeps_damage: self.expiry.may_hold(name.day.end().max(newest)),
            today: self.today,
            dry: true,
            goes_on: &|| self.goes_on(),
            may_replace: &|| self.may_replace(),
        };
        if is_over {
            let look = rewrite::rewrite(vfs, dir, name, &survey, &change)?;
            *used += survey.bytes;
            if look.held == 0 && look.damaged == 0 {
                done.known.free.push(name);
                done.frees = true;
                return Ok(newest);
            }
        }
        change.dry = self.dry;
        let rewritten = rewrite::rewrite(vfs, dir, name, &survey, &change)?;
        *used += survey.bytes;
        done.held += rewritten.held;
        if !rewritten.bad.is_empty() && !self.dry {
            let bytes = rewritten.quarantined();
            done.findings
                .push(Finding::new(name, Problem::Quarantined { bytes }));
        }
        // With a hold this is true until the holds change.
        done.known.gone.insert(name, union(due, gone));
        if !rewritten.is_nothing() {
            done.rewrote(name.to_string(), due, rewritten.narrowed, rewritten.freed);
        }
        Ok(newest)
    }

    /// Returns the facets that have expired in a segment.
    fn expired(&self, newest: Timestamp) -> FacetSet {
        match self.spool {
            true => self.expiry.shorter(newest),
            false => self.expiry.facets(newest),
        }
    }

    pub(super) fn fate(&self, event: &Event, due: FacetSet) -> (Fate, bool) {
        match self.expiry.is_held(event) {
            true => (Fate::Keep, true),
            false => (self.expiry.fate(event, due), false),
        }
    }

    /// Returns whether nobody has stopped the run.
    pub(super) fn goes_on(&self) -> bool {
        !self.stop.load(Ordering::Relaxed)
    }

    /// Keeps the holds as they are, for one file to be replaced or deleted.
    ///
    /// # Errors
    ///
    /// `Interrupted` when somebody has stopped the run, or the holds are not those that it goes by.
    pub(super) fn may_replace(&self) -> io::Result<holds::Guard> {
        if !self.goes_on() {
            return Err(io::ErrorKind::Interrupted.into());
        }
        holds::still(&*self.vfs, &self.dir, &self.own_holds, self.expiry.holds())
    }
}

impl Done {
    /// Returns what came of a run over the files of one sink.
    #[cfg(any(test, feature = "testing"))]
    pub(super) fn into_plan(self) -> crate::expiry::RetentionPlan {
        super::expire::RetentionRun {
            files: self.deleted,
            rewritten: self.rewritten,
            facets: self.facets,
            narrowed: self.narrowed,
            kept_by_hold: self.held,
            findings: self.findings,
            ..Default::default()
        }
        .into_plan()
    }

    pub(super) fn rewrote(&mut self, name: String, facets: FacetSet, narrowed: u64, freed: u64) {
        self.rewritten.push((name, narrowed));
        self.facets = union(self.facets, facets);
        self.narrowed += narrowed;
        self.bytes += freed;
    }
}

pub(super) fn union(a: FacetSet, b: FacetSet) -> FacetSet {
    a.iter().chain(b.iter()).collect()
}

pub(super) fn without(a: FacetSet, b: FacetSet) -> FacetSet {
    let left = |facet: &Facet| !b.contains(*facet);
    a.iter().filter(left).collect()
}
