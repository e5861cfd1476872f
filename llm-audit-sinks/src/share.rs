//! Directories that several machines may see, where the locks of files keep none of them away.

use std::path::Path;

use llm_audit_core::Error;
use llm_audit_core::vfs::{Vfs, share_of};

/// # Errors
///
/// `is_configuration` when the directory is on such a file system and that was not allowed.
pub(crate) fn refuse_share(vfs: &dyn Vfs, dir: &Path, allowed: bool) -> Result<(), Error> {
    let shown = dir.display();
    let kind = share_of(vfs, dir).map_err(|error| {
        let message = format!("failed to find out what file system `{shown}` is on");
        Error::io(message, error)
    })?;
    match kind.filter(|_| !allowed) {
        None => Ok(()),
        Some(kind) => Err(Error::configuration(format!(
            "the sink's directory `{shown}` is on {kind}, where the locks that keep programs apart may hold on \
             one machine only; use a disk of this machine, or give each machine a directory of its own \
             there, and say so with `on_share(true)`"
        ))),
    }
}
