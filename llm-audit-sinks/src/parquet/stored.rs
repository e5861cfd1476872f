//! What is known of the files of a root that goes to an object store.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use llm_audit_core::vfs::Vfs;

use super::file_name::ParquetFileName;
use super::staging::{FOLDER, MARK};

/// A final file whose events are told to be durable only when they are in the store.
#[derive(Clone, Debug)]
pub(super) struct Final {
    pub(super) name: ParquetFileName,
    /// Events up to this number count as written because of it.
    pub(super) last: Option<u64>,
    /// Whether this start made it, so that the store cannot have it yet.
    pub(super) is_new: bool,
}

impl Final {
    pub(super) const fn new(name: ParquetFileName, last: u64) -> Self {
        Self {
            name,
            last: Some(last),
            is_new: true,
        }
    }

    /// Returns one that was there when its writer's events came.
    pub(super) const fn found(name: ParquetFileName, last: u64) -> Self {
        Self {
            name,
            last: Some(last),
            is_new: false,
        }
    }

    /// Returns one that an earlier start left, on which nothing counts yet.
    pub(super) const fn left_over(name: ParquetFileName) -> Self {
        Self {
            name,
            last: None,
            is_new: false,
        }
    }
}

/// The files of the root that are in the store too.
#[derive(Clone, Debug, Default)]
pub(super) struct Stored(Arc<Mutex<BTreeMap<ParquetFileName, Option<u64>>>>);

impl Stored {
    pub(super) fn has(&self, name: &ParquetFileName) -> bool {
        self.files().contains_key(name)
    }

    /// Whether this process saw all events of the file up to `last` there.
    pub(super) fn has_to(&self, name: &ParquetFileName, last: u64) -> bool {
        self.files().get(name).copied().flatten() == Some(last)
    }

    /// Notes a file with the last number that was seen in the store, or none where only its name and size
    /// were.
    pub(super) fn add(&self, name: ParquetFileName, last: Option<u64>) {
        self.files().insert(name, last);
    }

    fn files(&self) -> MutexGuard<'_, BTreeMap<ParquetFileName, Option<u64>>> {
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
