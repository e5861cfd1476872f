//! Where files are until they are final.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use llm_audit_core::vfs::{Access, FileKind, Vfs, VfsFile};
use llm_audit_core::{EventId, Ids, RandomIds};

use super::file_name::ParquetFileName;

/// Engines pass over names that begin so.
pub(super) const FOLDER: &str = "_inprogress";
/// Stands there as long as the final files go to an object store.
pub(super) const MARK: &str = "uploads";
const LOCK: &str = ".lock";
const TEMPORARY: &str = ".tmp";
/// Names tried for a lock; each is new, so that the second is a rare accident.
const MAX_TRIES: u32 = 16;

/// One sink's part of the folder of unfinished files.
///
/// `<owner>.lock` is locked as long as its sink lives; `<owner>-<n>.tmp` are its files. What has an
/// owner that nobody locks was left by a program that was killed: its events are in the journal.
#[derive(Debug)]
pub(super) struct Staging {
    dir: PathBuf,
    owner: String,
    made: u64,
    vfs: Arc<dyn Vfs>,
    /// Held for its lock.
    _lock: Arc<dyn VfsFile>,
}

impl Staging {
    /// Takes a part of the folder below `root`, and removes what dead owners left there.
    pub(super) fn open(root: &Path, vfs: Arc<dyn Vfs>) -> io::Result<Self> {
        let dir = root.join(FOLDER);
        vfs.create_dir(&dir)?;
        let ids = RandomIds::new();
        for _ in 0..MAX_TRIES {
            let owner = EventId::from_bytes(ids.unique().to_be_bytes()).to_string();
            let lock = vfs.create_new(&dir.join(format!("{owner}{LOCK}")))?;
            // Between the two, another start may have taken it for a dead one's.
            if lock.try_lock()? {
                let staging = Self {
                    dir,
                    owner,
                    made: 0,
                    vfs,
                    _lock: lock,
                };
                remove_leftovers(root, &*staging.vfs)?;
                return Ok(staging);
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    /// Creates an empty file, and returns it with its path.
    pub(super) fn create(&mut self) -> io::Result<(PathBuf, Arc<dyn VfsFile>)> {
        self.made += 1;
        let path = self
            .dir
            .join(format!("{}-{}{TEMPORARY}", self.owner, self.made));
        Ok((path.clone(), self.vfs.create_new(&path)?))
    }

    /// Removes a file that was not finished.
    pub(super) fn remove(&self, path: &Path) {
        // What stays is removed by the next run.
        self.vfs.unlink(path).ok();
    }

    /// Returns an unfinished file of this part, to be read.
    #[cfg(feature = "store")]
    pub(super) fn open_file(&self, path: &Path) -> io::Result<Arc<dyn VfsFile>> {
        self.vfs.open(path, Access::Read)
    }

    /// Gives the part back; no file of it may be in use.
    pub(super) fn close(&self) {
        // What stays is removed by the next start.
        self.vfs.unlink(&self.lock_of(&self.owner)).ok();
    }

    fn lock_of(&self, owner: &str) -> PathBuf {
        lock_of(&self.dir, owner)
    }
}

fn lock_of(dir: &Path, owner: &str) -> PathBuf {
    dir.join(format!("{owner}{LOCK}"))
}

/// Removes what dead owners left below `root`.
pub(super) fn remove_leftovers(root: &Path, vfs: &dyn Vfs) -> io::Result<()> {
    let dir = root.join(FOLDER);
    let entries = match vfs.list(&dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let Some(owner) = owner_of(&entry.name) else {
            continue;
        };
        if entry.kind == FileKind::File && !is_alive(vfs, &lock_of(&dir, owner)) {
            // Its lock goes last, in the order of the names: a start that dies here leaves no
            // file without one.
            match vfs.unlink(&dir.join(&entry.name)) {
                // Another start was faster.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                result => result?,
            }
        }
    }
    Ok(())
}

fn is_alive(vfs: &dyn Vfs, lock: &Path) -> bool {
    match vfs.open(lock, Access::Append) {
        Ok(lock) => !lock.try_lock().unwrap_or(false),
        Err(error) => error.kind() != io::ErrorKind::NotFound,
    }
}

/// Returns the owner of a name that is one of ours.
fn owner_of(name: &str) -> Option<&str> {
    let (owner, rest) = name.split_at_checked(36)?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let temporary = rest
        .strip_prefix('-')
        .and_then(|n| n.strip_suffix(TEMPORARY));
    let ours = rest == LOCK || temporary.is_some_and(is_number);
    let canonical = owner
        .parse::<EventId>()
        .is_ok_and(|id| id.to_string() == owner);
    (ours && canonical).then_some(owner)
}

/// Returns whether a sink uploads the final files of `root`.
pub(super) fn goes_to_store(root: &Path, vfs: &dyn Vfs) -> io::Result<bool> {
    match vfs.open(&root.join(FOLDER).join(MARK), Access::Read) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        mark => mark.map(|_| true),
    }
}

/// Returns the final files of `root`, all or of one date, in the order of their names.
pub(super) fn final_files(root: &Path, vfs: &dyn Vfs) -> io::Result<Vec<ParquetFileName>> {
    let layout = ParquetFileName::layout(root);
    let mut found = Vec::new();
    let partitions = match vfs.list(&layout) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
        partitions => partitions?,
    };
    for partition in partitions
        .iter()
        .filter(|entry| entry.kind == FileKind::Dir)
    {
        let files = match vfs.list(&layout.join(&partition.name)) {
            // Somebody removed a day meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            files => files?,
        };
        let files = files.iter().filter(|entry| entry.kind == FileKind::File);
        found.extend(files.filter_map(|file| ParquetFileName::within(&partition.name, &file.name)));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use llm_audit_core::vfs::MemVfs;

    use super::*;

    fn names(vfs: &MemVfs) -> Vec<String> {
        let paths = vfs.files().into_keys();
        let name = |path: PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
        paths.map(name).collect()
    }

    fn open(vfs: &MemVfs) -> Staging {
        Staging::open(Path::new("/root"), Arc::new(vfs.clone())).unwrap()
    }

    #[test]
    fn what_a_dead_owner_left_is_removed_and_what_a_living_one_has_stays() {
        let vfs = MemVfs::new();
        let mut dead = open(&vfs);
        dead.create().unwrap();
        dead.create().unwrap();
        let mut living = open(&vfs);
        let (kept, _file) = living.create().unwrap();
        vfs.put(Path::new("/root/_inprogress/notes.tmp"), b"notes".to_vec());
        assert_eq!(names(&vfs).len(), 6);
        drop(dead);
        open(&vfs).close();
        let left = names(&vfs);
        assert_eq!(left.len(), 3, "{left:?}");
        assert!(left.contains(&kept.file_name().unwrap().to_str().unwrap().to_owned()));
        assert!(left.contains(&"notes.tmp".to_owned()));
    }

    #[test]
    fn a_name_that_is_only_nearly_one_is_nobodys() {
        let owner = "019b76da-a800-7000-8000-000000000002";
        assert_eq!(owner_of(&format!("{owner}.lock")), Some(owner));
        assert_eq!(owner_of(&format!("{owner}-7.tmp")), Some(owner));
        for bad in [
            format!("{owner}-.tmp"),
            format!("{owner}-x.tmp"),
            format!("{owner}-7.parquet"),
            format!("{owner}.lock.old"),
            owner.to_uppercase() + ".lock",
            "x".repeat(36) + ".lock",
        ] {
            assert_eq!(owner_of(&bad), None, "{bad}");
        }
    }
}
