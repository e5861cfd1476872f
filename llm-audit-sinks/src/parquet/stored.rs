//! What is known of the files of a root that goes to an object store.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use llm_audit_core::vfs::Vfs;
use llm_audit_core::{Expiry, FacetSet, Timestamp, WriterId};

use super::file_name::ParquetFileName;
use super::maintenance::{newest_of, newest_of_each};
use super::reader::day;
use super::staging::{FOLDER, MARK};

/// A final file whose events are told to be durable only when they are in the store.
#[derive(Clone, Debug)]
pub(super) struct Final {
    pub(super) name: ParquetFileName,
    /// Events up to this number count as written because of it.
    pub(super) last: Option<u64>,
    /// Whether this start made it, so that the store cannot have it yet.
    pub(super) is_new: bool,
    /// Whether it waits for retention, and no other file for it.
    pub(super) is_aside: bool,
}

impl Final {
    pub(super) const fn new(name: ParquetFileName, last: u64) -> Self {
        Self {
            name,
            last: Some(last),
            is_new: true,
            is_aside: false,
        }
    }

    /// Returns one that was there when its writer's events came.
    pub(super) const fn found(name: ParquetFileName, last: u64) -> Self {
        Self {
            name,
            last: Some(last),
            is_new: false,
            is_aside: false,
        }
    }

    /// Returns one that an earlier start left, on which nothing counts yet.
    pub(super) const fn left_over(name: ParquetFileName) -> Self {
        Self {
            name,
            last: None,
            is_new: false,
            is_aside: false,
        }
    }
}

/// The files of the root that are in the store too, and what retention says of those that are to go there.
#[derive(Clone, Debug, Default)]
pub(super) struct Stored(Arc<Mutex<Known>>);

#[derive(Debug, Default)]
struct Known {
    files: BTreeMap<ParquetFileName, Option<u64>>,
    /// What has expired, once the log has said so.
    look: Option<Look>,
    looked: BTreeMap<ParquetFileName, Looked>,
}

impl Known {
    /// Whether something has expired in the file, if its newest event is of `newest`, that is not known to be
    /// taken out.
    fn has_due(&self, name: &ParquetFileName, newest: Timestamp) -> bool {
        let gone = match self.looked.get(name) {
            Some(Looked::Without(gone)) => *gone,
            _ => FacetSet::EMPTY,
        };
        self.look.as_ref().is_some_and(|(expiry, _)| {
            let left = expiry.facets(newest);
            left.iter().any(|facet| !gone.contains(facet))
        })
    }
}

/// What has expired, and since when there is the log's own writer.
type Look = (Expiry, (WriterId, Timestamp));

/// What came of a file that retention looked after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Looked {
    /// No event that is not held has one of these facets.
    Without(FacetSet),
    /// It has expired as a whole, and is gone.
    Gone,
    /// It cannot be written anew.
    Never,
}

/// Whether a file may go to the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    No,
    /// Retention has to look after it first.
    Yes,
    /// Something in it has expired, and nobody can take it out.
    ForEver,
}

impl Stored {
    /// Takes what has expired by now.
    pub(super) fn begin(&self, look: Look) {
        let mut known = self.known();
        let is_same = |(before, _): &Look| before.holds_as(&look.0);
        if !known.look.as_ref().is_some_and(is_same) {
            known.looked.clear();
        }
        known.look = Some(look);
    }

    /// Notes what came of a file.
    pub(super) fn looked(&self, name: &ParquetFileName, looked: Looked) {
        self.known().looked.insert(name.clone(), looked);
    }

    /// Forgets what came of files that `keep` does not want.
    pub(super) fn forget(&self, keep: impl Fn(&ParquetFileName) -> bool) {
        let is_kept = |name: &ParquetFileName, looked: &mut Looked| match looked {
            Looked::Gone => true,
            _ => keep(name),
        };
        self.known().looked.retain(is_kept);
    }

    /// Whether retention has taken the file away, here or in another program; `files` are those of the root.
    pub(super) fn is_gone(
        &self,
        name: &ParquetFileName,
        files: impl FnOnce() -> Vec<ParquetFileName>,
    ) -> bool {
        if self.known().looked.remove(name) == Some(Looked::Gone) {
            return true;
        }
        let newest = self.own().and_then(|own| newest_of(name, &files(), own));
        let known = self.known();
        let expiry = known.look.as_ref().map(|(expiry, _)| expiry);
        expiry.is_some_and(|expiry| newest.is_some_and(|newest| expiry.is_over(newest)))
    }

    /// Returns what the newest event of each of these files is at most as new as.
    pub(super) fn ages(&self, files: Vec<ParquetFileName>) -> BTreeMap<ParquetFileName, Timestamp> {
        let own = self.own();
        own.map_or_else(BTreeMap::new, |own| newest_of_each(files, own))
    }

    /// Whether something may be due in a file of that day.
    pub(super) fn may_be_due(&self, name: &ParquetFileName) -> bool {
        let known = self.known();
        day(name.date()).is_some_and(|(_, end)| known.has_due(name, end))
    }

    /// Whether something in the file has expired that is not known to be taken out; `ages` are those of
    /// the files of the root.
    pub(super) fn is_due(
        &self,
        name: &ParquetFileName,
        ages: &BTreeMap<ParquetFileName, Timestamp>,
    ) -> Due {
        let newest = match ages.get(name) {
            Some(newest) => Some(*newest),
            // It is not there any more.
            None => self.own().and_then(|own| {
                let files: Vec<_> = ages.keys().cloned().collect();
                newest_of(name, &files, own)
            }),
        };
        let known = self.known();
        let is_due = newest.is_some_and(|newest| known.has_due(name, newest));
        match (is_due, known.looked.get(name)) {
            (false, _) => Due::No,
            (true, Some(Looked::Never)) => Due::ForEver,
            (true, _) => Due::Yes,
        }
    }

    /// Whether this process saw all events of the file up to `last` there.
    pub(super) fn has_to(&self, name: &ParquetFileName, last: u64) -> bool {
        self.known().files.get(name).copied().flatten() == Some(last)
    }

    /// Notes a file with the last number that was seen in the store, or none where only its name and size
    /// were.
    pub(super) fn add(&self, name: ParquetFileName, last: Option<u64>) {
        self.known().files.insert(name, last);
    }

    fn own(&self) -> Option<(WriterId, Timestamp)> {
        self.known().look.as_ref().map(|(_, own)| *own)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Marks a root as one whose files go to a store.
pub(super) fn mark(root: &Path, vfs: &dyn Vfs) -> io::Result<()> {
    let dir = root.join(FOLDER);
    match vfs.create_new(&dir.join(MARK)) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        mark => mark.and_then(|_| vfs.sync_dir(&dir)),
    }
}

/// Whether asking again gives the same error until somebody has looked after the file.
pub(super) fn is_lasting(error: &io::Error) -> bool {
    const EIO: i32 = 5;
    let lasting = [
        io::ErrorKind::InvalidData,
        io::ErrorKind::UnexpectedEof,
        io::ErrorKind::PermissionDenied,
    ];
    lasting.contains(&error.kind()) || error.raw_os_error() == Some(EIO)
}

/// Returns whether numbers from `first` to `last` are all in `ranges`, which are in their order.
pub(super) fn covers(ranges: &[(u64, u64)], (first, last): (u64, u64)) -> bool {
    let mut next = first;
    for (from, to) in ranges {
        if (*from..=*to).contains(&next) {
            if *to >= last {
                return true;
            }
            next = to.saturating_add(1);
        }
    }
    false
}
