//! The directories in the journal's own.

use std::io;
use std::path::{Path, PathBuf};

use crate::vfs::{DirEntry, FileKind, Vfs};

/// Creates a directory in that of the journal, unless it is there, and returns its path; its name
/// survives a power cut.
///
/// What else has its name is left alone: a link would lead out of the journal.
pub(super) fn make(vfs: &dyn Vfs, dir: &Path, name: &str) -> io::Result<PathBuf> {
    let path = dir.join(name);
    vfs.create_dir(&path)?;
    if !vfs.list(dir)?.iter().any(|entry| is(entry, name)) {
        return Err(io::ErrorKind::NotADirectory.into());
    }
    vfs.sync_dir(dir)?;
    Ok(path)
}

/// Returns whether `entry` is the directory of this name.
pub(super) fn is(entry: &DirEntry, name: &str) -> bool {
    entry.name == name && entry.kind == FileKind::Dir
}
