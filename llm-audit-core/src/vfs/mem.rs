//! A file system in memory that fails on request.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Access, DirEntry, FileKind, Space, Vfs, VfsFile, not_regular};
use crate::sync::{Arc, Mutex, lock, thread};

mod power;

use power::{Change, Names};

/// A file system in memory. Clones share it.
///
/// Faults come by chance from a seed ([`MemVfs::fail_one_in`]), at a chosen call
/// ([`MemVfs::fail_nth`]), from a full disk ([`MemVfs::limit`]), or as the end of the process
/// ([`MemVfs::halt_after`]). The same seed and the same calls give the same faults. It knows what
/// was synchronised: [`MemVfs::after_power_cut`] is what a disk that keeps nothing else would hold,
/// [`MemVfs::after_power_cut_by`] what one can hold that was cut off in the middle of the rest.
#[derive(Clone)]
pub struct MemVfs {
    disk: Arc<Mutex<Disk>>,
}

/// An operation that can be made to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Op {
    /// `create_dir`.
    CreateDir,
    /// `list`.
    List,
    /// `create_new`.
    Create,
    /// `open`.
    Open,
    /// `rename`.
    Rename,
    /// `unlink`.
    Unlink,
    /// `remove_dir`.
    RemoveDir,
    /// `sync_dir`.
    SyncDir,
    /// `write`.
    Write,
    /// `read_at`.
    Read,
    /// `truncate`.
    Truncate,
    /// `sync_data`.
    SyncData,
    /// `try_lock`.
    Lock,
}

/// How an operation fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// An input/output error (EIO).
    Io,
    /// No space left on the device (ENOSPC).
    NoSpace,
    /// A write takes only some of the bytes; any other operation fails with EIO.
    Short,
    /// A signal came first (EINTR).
    Interrupted,
}

#[derive(Default)]
struct Disk {
    nodes: BTreeMap<PathBuf, Node>,
    inodes: BTreeMap<u64, Inode>,
    next_id: u64,
    random: u64,
    one_in: BTreeMap<Op, (Fault, u64)>,
    nth: BTreeMap<Op, (Fault, u64)>,
    counts: BTreeMap<Op, u64>,
    limit: Option<u64>,
    /// Whether it tells how much is free.
    tells: bool,
    /// The kind of file system that it says to be, of another machine.
    share: Option<&'static str>,
    remaining: Option<u64>,
    hanging: Option<Op>,
    /// The names that a power cut leaves, and what it may leave done or undone, in order.
    durable: Names,
    changes: Vec<Change>,
}

#[derive(Clone, Copy)]
enum Node {
    File(u64),
    Dir,
    Other,
}

#[derive(Clone, Default)]
struct Inode {
    data: Vec<u8>,
    /// What a power cut leaves of it.
    durable: Vec<u8>,
    /// A synchronisation failed: the dirty pages are dropped, and the next one says yes.
    failed: bool,
    locked_by: Option<u64>,
}

impl MemVfs {
    /// Returns an empty file system without faults.
    pub fn new() -> Self {
        Self::seeded(0)
    }

    /// Returns an empty file system whose chances come from `seed`.
    pub fn seeded(seed: u64) -> Self {
        Self {
            disk: Arc::new(Mutex::new(Disk {
                random: seed,
                ..Disk::default()
            })),
        }
    }

    /// Makes one call in `n` of `op` fail, by chance.
    pub fn fail_one_in(&self, op: Op, fault: Fault, n: u64) {
        lock(&self.disk).one_in.insert(op, (fault, n.max(1)));
    }

    /// Makes the `n`th call of `op` from now fail; 0 is the next.
    pub fn fail_nth(&self, op: Op, fault: Fault, n: u64) {
        lock(&self.disk).nth.insert(op, (fault, n));
    }

    /// Limits the bytes of all files together; a write that does not fit is short, then ENOSPC.
    pub fn limit(&self, bytes: Option<u64>) {
        lock(&self.disk).limit = bytes;
    }

    /// Makes it a disk of so many bytes, which tells how many are free.
    pub fn resize(&self, bytes: u64) {
        let mut disk = lock(&self.disk);
        disk.limit = Some(bytes);
        disk.tells = true;
    }

    /// Returns how many bytes all files have together.
    pub fn used(&self) -> u64 {
        lock(&self.disk).used()
    }

    /// Makes it say that another machine serves it, by a file system of this kind.
    pub fn share_as(&self, kind: &'static str) {
        lock(&self.disk).share = Some(kind);
    }

    /// Makes every operation after the next `n` fail and change nothing, as if the process had
    /// been killed.
    pub fn halt_after(&self, n: u64) {
        lock(&self.disk).remaining = Some(n);
    }

    /// Makes every `write` or `sync_data`, as `op` says, wait until the file system is healed.
    pub fn hang(&self, op: Op) {
        lock(&self.disk).hanging = Some(op);
    }

    /// Takes away all faults and limits.
    pub fn heal(&self) {
        let mut disk = lock(&self.disk);
        disk.one_in.clear();
        disk.nth.clear();
        disk.limit = None;
        disk.tells = false;
        disk.remaining = None;
        disk.hanging = None;
    }

    /// Returns how often `op` was called.
    pub fn count(&self, op: Op) -> u64 {
        lock(&self.disk).counts.get(&op).copied().unwrap_or(0)
    }

    /// Returns a copy of all files, without locks or faults.
    #[must_use]
    pub fn snapshot(&self) -> Self {
        let copy = Self::new();
        for (path, content) in self.files() {
            copy.put(&path, content);
        }
        copy
    }

    /// Returns every file with its content, sorted by path.
    pub fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let disk = lock(&self.disk);
        let content = |id: &u64| disk.inodes.get(id).map(|inode| inode.data.clone());
        disk.nodes
            .iter()
            .filter_map(|(path, node)| match node {
                Node::File(id) => Some((path.clone(), content(id)?)),
                Node::Dir | Node::Other => None,
            })
            .collect()
    }

    /// Returns the content of a file.
    pub fn get(&self, path: &Path) -> Option<Vec<u8>> {
        self.files().remove(path)
    }

    /// Puts a file with this content in place, with the directories above it.
    pub fn put(&self, path: &Path, content: Vec<u8>) {
        let mut disk = lock(&self.disk);
        if let Some(parent) = path.parent() {
            disk.add_dirs(parent);
            let dirs = parent.ancestors().map(Path::to_owned);
            disk.durable.dirs.extend(dirs);
        }
        let id = match disk.nodes.get(path) {
            Some(Node::File(id)) => *id,
            _ => disk.add_file(path),
        };
        if let Some(inode) = disk.inodes.get_mut(&id) {
            inode.durable.clone_from(&content);
            inode.data = content;
            inode.failed = false;
        }
        disk.changes
            .retain(|change| !matches!(change, Change::File(made, _) if made == path));
        disk.durable.files.insert(path.to_owned(), id);
    }

    /// Puts something that is neither file nor directory in place.
    pub fn put_other(&self, path: &Path) {
        lock(&self.disk).nodes.insert(path.to_owned(), Node::Other);
    }

    fn handle(&self, inode: u64) -> Arc<dyn VfsFile> {
        let mut disk = lock(&self.disk);
        disk.next_id += 1;
        Arc::new(MemFile {
            disk: Arc::clone(&self.disk),
            inode,
            id: disk.next_id,
        })
    }
}

impl Default for MemVfs {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemVfs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemVfs")
            .field("names", &lock(&self.disk).nodes.len())
            .finish()
    }
}

impl Vfs for MemVfs {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        let mut disk = lock(&self.disk);
        disk.enter(Op::CreateDir)?;
        match disk.nodes.get(path) {
            Some(Node::File(_) | Node::Other) => Err(io::ErrorKind::AlreadyExists.into()),
            Some(Node::Dir) => Ok(()),
            None => {
                disk.add_dirs(path);
                Ok(())
            }
        }
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<DirEntry>> {
        let mut disk = lock(&self.disk);
        disk.enter(Op::List)?;
        match disk.nodes.get(dir) {
            Some(Node::Dir) => {}
            Some(_) => return Err(io::ErrorKind::NotADirectory.into()),
            None => return Err(io::ErrorKind::NotFound.into()),
        }
        let entry = |(path, node): (&PathBuf, &Node)| {
            let name = path.file_name()?.to_str()?.to_owned();
            let kind = match node {
                Node::File(_) => FileKind::File,
                Node::Dir => FileKind::Dir,
                Node::Other => FileKind::Other,
            };
            (path.parent() == Some(dir)).then_some(DirEntry { name, kind })
        };
        Ok(disk.nodes.iter().filter_map(entry).collect())
    }

    fn create_new(&self, path: &Path) -> io::Result<Arc<dyn VfsFile>> {
        let id = {
            let mut disk = lock(&self.disk);
            disk.enter(Op::Create)?;
            if disk.nodes.contains_key(path) {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            if !matches!(
                path.parent().and_then(|dir| disk.nodes.get(dir)),
                Some(Node::Dir)
            ) {
                return Err(io::ErrorKind::NotFound.into());
            }
            disk.add_file(path)
        };
        Ok(self.handle(id))
    }

    fn open(&self, path: &Path, _: Access) -> io::Result<Arc<dyn VfsFile>> {
        let id = {
            let mut disk = lock(&self.disk);
            disk.enter(Op::Open)?;
            match disk.nodes.get(path) {
                Some(Node::File(id)) => *id,
                Some(_) => return Err(not_regular()),
                None => return Err(io::ErrorKind::NotFound.into()),
            }
        };
        Ok(self.handle(id))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut disk = lock(&self.disk);
        disk.enter(Op::Rename)?;
        let node = disk.nodes.remove(from).ok_or(io::ErrorKind::NotFound)?;
        disk.nodes.insert(to.to_owned(), node);
        if let Node::File(id) = node {
            let change = Change::Rename(from.to_owned(), to.to_owned(), id);
            disk.changes.push(change);
        }
        Ok(())
    }

    fn unlink(&self, path: &Path) -> io::Result<()> {
        let mut disk = lock(&self.disk);
        disk.enter(Op::Unlink)?;
        match disk.nodes.get(path) {
            Some(Node::Dir) => Err(io::ErrorKind::IsADirectory.into()),
            None => Err(io::ErrorKind::NotFound.into()),
            Some(_) => {
                disk.nodes.remove(path);
                disk.changes.push(Change::Unlink(path.to_owned()));
                Ok(())
            }
        }
    }

    fn remove_dir(&self, dir: &Path) -> io::Result<()> {
        let mut disk = lock(&self.disk);
        disk.enter(Op::RemoveDir)?;
        match disk.nodes.get(dir) {
            Some(Node::Dir) => {}
            Some(_) => return Err(io::ErrorKind::NotADirectory.into()),
            None => return Err(io::ErrorKind::NotFound.into()),
        }
        if disk.nodes.keys().any(|path| path.parent() == Some(dir)) {
            return Err(io::ErrorKind::DirectoryNotEmpty.into());
        }
        // A power cut may bring it back, empty.
        disk.nodes.remove(dir);
        Ok(())
    }

    fn space(&self, _: &Path) -> io::Result<Option<Space>> {
        let disk = lock(&self.disk);
        let free = |total: u64| Space::new(total.saturating_sub(disk.used()), total);
        Ok(disk.limit.filter(|_| disk.tells).map(free))
    }

    fn share(&self, _: &Path) -> io::Result<Option<&'static str>> {
        Ok(lock(&self.disk).share)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let mut disk = lock(&self.disk);
        disk.enter(Op::SyncDir)?;
        let dir = match dir {
            dir if dir == Path::new(".") => Path::new(""),
            dir => dir,
        };
        disk.confirm_names(dir);
        Ok(())
    }
}

struct MemFile {
    disk: Arc<Mutex<Disk>>,
    inode: u64,
    id: u64,
}

impl fmt::Debug for MemFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemFile")
            .field("inode", &self.inode)
            .finish()
    }
}

impl VfsFile for MemFile {
    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.hang(Op::Write);
        let mut disk = lock(&self.disk);
        let wanted = match disk.pass(Op::Write)? {
            // At least one byte is missing, and now and then all of them.
            Some(Fault::Short) => {
                let most = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
                usize::try_from(disk.chance() % most.max(1)).unwrap_or(0)
            }
            Some(fault) => return Err(fault.error()),
            None => bytes.len(),
        };
        let free = disk
            .limit
            .map_or(u64::MAX, |limit| limit.saturating_sub(disk.used()));
        let taken = usize::try_from(free).map_or(wanted, |free| wanted.min(free));
        if taken == 0 && wanted > 0 {
            return Err(Fault::NoSpace.error());
        }
        let inode = disk
            .inodes
            .get_mut(&self.inode)
            .ok_or(io::ErrorKind::NotFound)?;
        inode
            .data
            .extend_from_slice(bytes.get(..taken).unwrap_or_default());
        Ok(taken)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut disk = lock(&self.disk);
        disk.enter(Op::Read)?;
        let data = disk
            .inodes
            .get(&self.inode)
            .map_or(&[][..], |inode| &inode.data);
        let rest = usize::try_from(offset)
            .ok()
            .and_then(|offset| data.get(offset..))
            .unwrap_or_default();
        let read = rest.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..read), rest.get(..read)) {
            to.copy_from_slice(from);
        }
        Ok(read)
    }

    fn size(&self) -> io::Result<u64> {
        let disk = lock(&self.disk);
        let size = disk
            .inodes
            .get(&self.inode)
            .map_or(0, |inode| inode.data.len());
        Ok(u64::try_from(size).unwrap_or(u64::MAX))
    }

    fn truncate(&self, size: u64) -> io::Result<()> {
        let mut disk = lock(&self.disk);
        disk.enter(Op::Truncate)?;
        let size = usize::try_from(size).map_err(|_| io::ErrorKind::InvalidInput)?;
        if let Some(inode) = disk.inodes.get_mut(&self.inode) {
            inode.data.resize(size, 0);
        }
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        self.hang(Op::SyncData);
        let mut disk = lock(&self.disk);
        let fault = disk.pass(Op::SyncData)?;
        if let Some(inode) = disk.inodes.get_mut(&self.inode) {
            inode.failed |= fault.is_some();
            if !inode.failed {
                inode.durable.clone_from(&inode.data);
            }
        }
        fault.map_or(Ok(()), |fault| Err(fault.error()))
    }

    fn try_lock(&self) -> io::Result<bool> {
        let mut disk = lock(&self.disk);
        disk.enter(Op::Lock)?;
        let inode = disk
            .inodes
            .get_mut(&self.inode)
            .ok_or(io::ErrorKind::NotFound)?;
        Ok(*inode.locked_by.get_or_insert(self.id) == self.id)
    }
}

impl MemFile {
    fn hang(&self, op: Op) {
        while lock(&self.disk).hanging == Some(op) {
            thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Drop for MemFile {
    fn drop(&mut self) {
        let mut disk = lock(&self.disk);
        if let Some(inode) = disk.inodes.get_mut(&self.inode) {
            inode.locked_by = inode.locked_by.filter(|holder| *holder != self.id);
        }
    }
}

impl Disk {
    /// Counts the call and returns the fault it meets.
    fn pass(&mut self, op: Op) -> io::Result<Option<Fault>> {
        *self.counts.entry(op).or_default() += 1;
        if let Some(remaining) = &mut self.remaining {
            if *remaining == 0 {
                return Err(Fault::Io.error());
            }
            *remaining -= 1;
        }
        if let Some((fault, left)) = self.nth.get_mut(&op) {
            if *left == 0 {
                let fault = *fault;
                self.nth.remove(&op);
                return Ok(Some(fault));
            }
            *left -= 1;
        }
        let Some((fault, one_in)) = self.one_in.get(&op).copied() else {
            return Ok(None);
        };
        Ok(self.chance().is_multiple_of(one_in).then_some(fault))
    }

    fn enter(&mut self, op: Op) -> io::Result<()> {
        match self.pass(op)? {
            Some(fault) => Err(fault.error()),
            None => Ok(()),
        }
    }

    fn chance(&mut self) -> u64 {
        split_mix(&mut self.random)
    }

    fn used(&self) -> u64 {
        let ids = self.nodes.values().filter_map(|node| match node {
            Node::File(id) => self.inodes.get(id),
            Node::Dir | Node::Other => None,
        });
        ids.map(|inode| u64::try_from(inode.data.len()).unwrap_or(u64::MAX))
            .sum()
    }

    fn add_dirs(&mut self, path: &Path) {
        for dir in path.ancestors() {
            if !self.nodes.contains_key(dir) {
                self.nodes.insert(dir.to_owned(), Node::Dir);
                self.changes.push(Change::Dir(dir.to_owned()));
            }
        }
    }

    fn add_file(&mut self, path: &Path) -> u64 {
        self.next_id += 1;
        self.inodes.insert(self.next_id, Inode::default());
        self.nodes.insert(path.to_owned(), Node::File(self.next_id));
        let change = Change::File(path.to_owned(), self.next_id);
        self.changes.push(change);
        self.next_id
    }
}

/// SplitMix64 (Steele, Lea, Flood, 2014).
const fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Fault {
    fn error(self) -> io::Error {
        match self {
            Self::Io | Self::Short => io::Error::other("injected input/output error"),
            Self::NoSpace => io::ErrorKind::StorageFull.into(),
            Self::Interrupted => io::ErrorKind::Interrupted.into(),
        }
    }
}

#[cfg(test)]
mod tests;
