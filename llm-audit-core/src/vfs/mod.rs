//! The file system that the journal sees, injected.
//!
//! Everything the journal does to a disk goes through [`Vfs`] and [`VfsFile`], so that a test can
//! stand in for the disk, fail any operation, and look at every byte afterwards. [`OsVfs`] is the
//! operating system; `MemVfs` lives in memory and fails on request.

use std::fmt;
use std::io;
use std::path::Path;

use crate::sync::Arc;

#[cfg(any(test, feature = "testing"))]
mod mem;
mod os;

#[cfg(any(test, feature = "testing"))]
pub use mem::{Fault, MemVfs, Op};
pub use os::OsVfs;

/// A file system with the few operations that a journal needs.
///
/// An implementation never follows a symbolic link in the last component of a path, and never
/// opens anything but a regular file: the journal's directory may be writable by others, and a link
/// or a FIFO put in place of a file must not lead the log elsewhere or hang it.
pub trait Vfs: fmt::Debug + Send + Sync + 'static {
    /// Creates a directory, and those above it, for the owner only (0700). One that exists already
    /// is left as it is.
    ///
    /// # Errors
    ///
    /// When it cannot be created, or something other than a directory has its name.
    fn create_dir(&self, path: &Path) -> io::Result<()>;

    /// Returns what is in a directory, sorted by name. Names that are not UTF-8 are left out: the
    /// journal writes none.
    ///
    /// # Errors
    ///
    /// When the directory cannot be read.
    fn list(&self, dir: &Path) -> io::Result<Vec<DirEntry>>;

    /// Creates a file for the owner only (0600), open for appending and reading.
    ///
    /// # Errors
    ///
    /// `AlreadyExists` when the name is taken, by whatever it may be.
    fn create_new(&self, path: &Path) -> io::Result<Arc<dyn VfsFile>>;

    /// Opens a regular file.
    ///
    /// # Errors
    ///
    /// `NotFound` when there is none; `InvalidInput` when it is no regular file.
    fn open(&self, path: &Path, access: Access) -> io::Result<Arc<dyn VfsFile>>;

    /// Renames a file, replacing what has the new name.
    ///
    /// # Errors
    ///
    /// When the operating system refuses.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    ///
    /// `NotFound` when there is none.
    fn unlink(&self, path: &Path) -> io::Result<()>;

    /// Removes a directory with nothing in it.
    ///
    /// # Errors
    ///
    /// When something is in it, or the file system does not do that.
    fn remove_dir(&self, dir: &Path) -> io::Result<()> {
        let _ = dir;
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Returns the size of the disk that a directory is on, and how much of it is free for this
    /// process; `None` where the system does not tell.
    ///
    /// # Errors
    ///
    /// When the operating system refuses.
    fn space(&self, dir: &Path) -> io::Result<Option<Space>> {
        let _ = dir;
        Ok(None)
    }

    /// Returns the kind of the file system that a directory is on when another machine serves it, such
    /// as `nfs`; `None` on a disk of this machine, and where the system does not tell.
    ///
    /// # Errors
    ///
    /// When the operating system refuses.
    fn share(&self, dir: &Path) -> io::Result<Option<&'static str>> {
        let _ = dir;
        Ok(None)
    }

    /// Makes creations, renames and removals in a directory survive a power cut.
    ///
    /// # Errors
    ///
    /// When the operating system cannot promise it.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
}

/// An open file. Writing appends, always.
pub trait VfsFile: fmt::Debug + Send + Sync {
    /// Appends bytes with one call of the operating system and returns how many were taken.
    ///
    /// # Errors
    ///
    /// When none could be written.
    fn write(&self, bytes: &[u8]) -> io::Result<usize>;

    /// Reads at an offset and returns how many bytes were read; 0 at the end of the file.
    ///
    /// # Errors
    ///
    /// When the file cannot be read.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Returns the length in bytes.
    ///
    /// # Errors
    ///
    /// When the operating system does not tell.
    fn size(&self) -> io::Result<u64>;

    /// Cuts the file off at a length.
    ///
    /// # Errors
    ///
    /// When it could not be cut.
    fn truncate(&self, size: u64) -> io::Result<()>;

    /// Makes the data written so far survive a power cut.
    ///
    /// # Errors
    ///
    /// When it may not have reached the disk. The caller must not ask again for the same file: the
    /// operating system may then answer yes although the data is gone.
    fn sync_data(&self) -> io::Result<()>;

    /// Takes the exclusive advisory lock of the file, until it is closed; returns whether it was
    /// free.
    ///
    /// # Errors
    ///
    /// When the file system has no locks.
    fn try_lock(&self) -> io::Result<bool>;

    /// Appends all bytes, with as many calls as it takes.
    ///
    /// # Errors
    ///
    /// When some could not be written; others may have been.
    fn write_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.write(bytes) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// What a file is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Access {
    /// Reading.
    Read,
    /// Reading, appending, truncating and locking.
    Append,
}

/// How much room a disk has, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Space {
    /// Free for this process.
    pub free: u64,
    /// In all.
    pub total: u64,
}

impl Space {
    /// Returns the room of a disk of `total` bytes of which `free` are free.
    pub const fn new(free: u64, total: u64) -> Self {
        Self { free, total }
    }
}

/// One name in a directory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct DirEntry {
    /// The last component of its path.
    pub name: String,
    /// What it is, links not followed.
    pub kind: FileKind,
}

impl DirEntry {
    /// Returns the entry of what is called `name`.
    pub const fn new(name: String, kind: FileKind) -> Self {
        Self { name, kind }
    }
}

/// What a name in a directory stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum FileKind {
    /// A regular file.
    File,
    /// A directory.
    Dir,
    /// A symbolic link, a FIFO, a socket or a device: never opened.
    Other,
}

/// As [`Vfs::share`], also of a directory that is still to be made: it will be where those above it are.
///
/// # Errors
///
/// When that cannot be found out.
///
/// # Examples
///
/// ```
/// use llm_audit_core::vfs::{OsVfs, share_of};
///
/// let temporary = tempfile::tempdir()?;
/// let there = share_of(&OsVfs::new(), temporary.path())?;
/// assert_eq!(share_of(&OsVfs::new(), &temporary.path().join("a/b"))?, there);
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn share_of(vfs: &dyn Vfs, dir: &Path) -> io::Result<Option<&'static str>> {
    for above in dir.ancestors() {
        let above = match above.as_os_str().is_empty() {
            true => Path::new("."),
            false => above,
        };
        match vfs.share(above) {
            // What stands in the way is told by whoever makes the directory.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                ) => {}
            found => return found,
        }
    }
    Ok(None)
}

/// Creates the directory, and those above it, and makes the names of new ones survive a power cut.
///
/// Its own is synchronised at every start: the one that made it may have been killed before it came
/// to that. When only this fails, the error is returned beside success: who may not read the directory
/// above did not make this one there.
///
/// # Errors
///
/// When it cannot be created, or the name of a new one may not survive.
///
/// # Examples
///
/// ```
/// use llm_audit_core::vfs::{OsVfs, create_dir_synced};
///
/// let temporary = tempfile::tempdir()?;
/// let dir = temporary.path().join("a/b");
/// assert!(create_dir_synced(&OsVfs::new(), &dir)?.is_none());
/// assert!(dir.is_dir());
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn create_dir_synced(vfs: &dyn Vfs, dir: &Path) -> io::Result<Option<io::Error>> {
    let mut missing: Vec<_> = dir.ancestors().collect();
    missing.retain(|path| !path.as_os_str().is_empty());
    // What may not be listed is there.
    let is_there = |path: &&Path| {
        let list = vfs.list(path);
        !list.is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
    };
    let there = missing.iter().position(is_there);
    missing.truncate(there.unwrap_or(missing.len()));
    vfs.create_dir(dir)?;
    for path in &missing {
        sync_parent(vfs, path)?;
    }
    let known = missing.is_empty().then(|| sync_parent(vfs, dir));
    Ok(known.and_then(Result::err))
}

fn sync_parent(vfs: &dyn Vfs, path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => vfs.sync_dir(Path::new(".")),
        Some(parent) => vfs.sync_dir(parent),
        None => Ok(()),
    }
}

fn not_regular() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidInput,
        "not a regular file; a symbolic link, FIFO or device in its place is never followed",
    )
}
