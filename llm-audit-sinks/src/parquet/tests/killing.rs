//! A disk whose process is killed at one of the calls that change something.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use llm_audit_core::vfs::{Access, DirEntry, MemVfs, Vfs, VfsFile};

/// What only reads changes nothing, and is as good as the next call that does.
#[derive(Clone, Debug)]
pub(super) struct Killing {
    disk: MemVfs,
    left: Arc<AtomicUsize>,
}

impl Killing {
    /// Returns the disk; the process is killed before it changes it for the `n`th time, from 0.
    pub(super) fn at(disk: &MemVfs, n: usize) -> Self {
        Self {
            disk: disk.clone(),
            left: Arc::new(AtomicUsize::new(n)),
        }
    }

    fn change(&self) {
        let left = self.left.load(Ordering::SeqCst);
        if left == 0 {
            self.disk.halt_after(0);
        }
        self.left.store(left.saturating_sub(1), Ordering::SeqCst);
    }

    fn file(&self, file: Arc<dyn VfsFile>) -> Arc<dyn VfsFile> {
        Arc::new(File(file, self.clone(), AtomicUsize::new(0)))
    }
}

impl Vfs for Killing {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.disk.create_dir(path)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<DirEntry>> {
        self.disk.list(dir)
    }

    fn create_new(&self, path: &Path) -> io::Result<Arc<dyn VfsFile>> {
        self.change();
        Ok(self.file(self.disk.create_new(path)?))
    }

    fn open(&self, path: &Path, access: Access) -> io::Result<Arc<dyn VfsFile>> {
        Ok(self.file(self.disk.open(path, access)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.change();
        self.disk.rename(from, to)
    }

    fn unlink(&self, path: &Path) -> io::Result<()> {
        self.change();
        self.disk.unlink(path)
    }

    fn remove_dir(&self, dir: &Path) -> io::Result<()> {
        self.change();
        self.disk.remove_dir(dir)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.change();
        self.disk.sync_dir(dir)
    }
}

#[derive(Debug)]
struct File(Arc<dyn VfsFile>, Killing, AtomicUsize);

impl VfsFile for File {
    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        // One unfinished file is as good as another.
        if self.2.fetch_add(1, Ordering::SeqCst).is_power_of_two() {
            self.1.change();
        }
        self.0.write(bytes)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.0.read_at(buffer, offset)
    }

    fn size(&self) -> io::Result<u64> {
        self.0.size()
    }

    fn truncate(&self, size: u64) -> io::Result<()> {
        self.1.change();
        self.0.truncate(size)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.1.change();
        self.0.sync_data()
    }

    fn try_lock(&self) -> io::Result<bool> {
        self.0.try_lock()
    }
}
