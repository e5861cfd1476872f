//! What is done to final files: retention and compaction.
//!
//! Whoever does it holds the lock of `_inprogress/maintenance.lock`, so that no two write one file
//! anew, or bring back what the other took away. Sinks go on meanwhile: they never touch a final file.

mod compaction;
mod footer;
mod narrow;
#[cfg(feature = "store")]
mod objects;
mod retention;
mod rewrite;

use std::io;
use std::path::Path;
use std::sync::Arc;

use llm_audit_core::vfs::{Access, Vfs, VfsFile};

use super::staging::FOLDER;

#[cfg(test)]
pub(super) use compaction::compact_in;
pub use compaction::{Compaction, CompactionOptions, compact};
pub(super) use retention::RootUpkeep;
#[cfg(feature = "store")]
pub(super) use retention::{newest_of, newest_of_each};

const LOCK: &str = "maintenance.lock";

/// Takes the lock of a root; `None` when somebody else works on it.
fn lock(vfs: &dyn Vfs, root: &Path) -> io::Result<Option<Arc<dyn VfsFile>>> {
    let dir = root.join(FOLDER);
    vfs.create_dir(&dir)?;
    let path = dir.join(LOCK);
    let file = match vfs.open(&path, Access::Append) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => match vfs.create_new(&path) {
            // Somebody was faster.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(None),
            file => file?,
        },
        file => file?,
    };
    Ok(file.try_lock()?.then_some(file))
}
