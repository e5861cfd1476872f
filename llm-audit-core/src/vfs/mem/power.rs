//! What a power cut leaves of files and names.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::{Disk, Inode, MemVfs, Node, split_mix};
use crate::sync::lock;

/// What a disk writes as a whole.
const SECTOR: usize = 512;

/// A change of names that no `sync_dir` has confirmed.
#[derive(Clone, Debug)]
pub(super) enum Change {
    Dir(PathBuf),
    File(PathBuf, u64),
    Rename(PathBuf, PathBuf, u64),
    Unlink(PathBuf),
}

impl Change {
    /// Returns whether a `sync_dir` of `dir` confirms it.
    pub(super) fn is_in(&self, dir: &Path) -> bool {
        let (Self::Dir(path) | Self::File(path, _) | Self::Rename(_, path, _) | Self::Unlink(path)) =
            self;
        path.parent() == Some(dir)
    }
}

/// The names that a power cut leaves.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    /// Of files, if it leaves the directories above them.
    pub(super) files: BTreeMap<PathBuf, u64>,
    pub(super) dirs: BTreeSet<PathBuf>,
}

impl Names {
    fn apply(&mut self, change: Change) {
        match change {
            Change::Dir(path) => drop(self.dirs.insert(path)),
            Change::File(path, id) => drop(self.files.insert(path, id)),
            Change::Rename(from, to, id) => {
                self.files.remove(&from);
                self.files.insert(to, id);
            }
            Change::Unlink(path) => drop(self.files.remove(&path)),
        }
    }

    fn is_left(&self, path: &Path) -> bool {
        let mut above = path
            .ancestors()
            .skip(1)
            .filter(|dir| dir.file_name().is_some());
        above.all(|dir| self.dirs.contains(dir))
    }
}

impl MemVfs {
    /// Returns a copy of what was synchronised, and of nothing else: names by `sync_dir` of each
    /// directory above them, content by `sync_data`.
    #[must_use]
    pub fn after_power_cut(&self) -> Self {
        let disk = lock(&self.disk);
        disk.left(disk.durable.clone(), |inode| inode.durable.clone())
    }

    /// Returns a copy of what was synchronised, and of the rest what chance, from `seed`, lets reach
    /// the disk.
    ///
    /// Each change of a name is done or not, whatever became of the others and of the content; a
    /// rename is never half done. What was written to a file is there up to any byte, or in full, or
    /// its length is and the bytes are zero or noise from any byte on, or in some sectors.
    #[must_use]
    pub fn after_power_cut_by(&self, seed: u64) -> Self {
        let mut random = seed;
        let disk = lock(&self.disk);
        let mut names = disk.durable.clone();
        for change in &disk.changes {
            if split_mix(&mut random).is_multiple_of(2) {
                names.apply(change.clone());
            }
        }
        disk.left(names, |inode| inode.torn(&mut random))
    }
}

impl Disk {
    fn left(&self, names: Names, mut content: impl FnMut(&Inode) -> Vec<u8>) -> MemVfs {
        let copy = MemVfs::new();
        for (path, id) in names.files.iter().filter(|(path, _)| names.is_left(path)) {
            copy.put(
                path,
                self.inodes.get(id).map(&mut content).unwrap_or_default(),
            );
        }
        copy
    }

    /// Confirms the names in `dir`.
    pub(super) fn confirm_names(&mut self, dir: &Path) {
        self.changes.retain(|change| !change.is_in(dir));
        let Names { files, dirs } = &mut self.durable;
        let is_here = |path: &Path| path.parent() == Some(dir);
        dirs.retain(|path| !is_here(path));
        files.retain(|path, _| !is_here(path));
        for (path, node) in self.nodes.iter().filter(|(path, _)| is_here(path)) {
            match node {
                Node::Dir => drop(dirs.insert(path.clone())),
                Node::File(id) => drop(files.insert(path.clone(), *id)),
                Node::Other => {}
            }
        }
    }
}

impl Inode {
    fn torn(&self, random: &mut u64) -> Vec<u8> {
        let (old, new) = (&self.durable, &self.data);
        let same = old.iter().zip(new).take_while(|(a, b)| a == b).count();
        let mut chance = |below: usize| {
            let below = u64::try_from(below).unwrap_or(u64::MAX).max(1);
            usize::try_from(split_mix(random) % below).unwrap_or(0)
        };
        let fate = chance(8);
        if fate == 0 || old == new {
            return old.clone();
        }
        let mut left = new.clone();
        let at = same + chance(new.len() - same + 1);
        let rest = left.get_mut(at..).unwrap_or_default();
        match fate {
            1 | 2 => left.truncate(at),
            3 => rest.fill(0),
            4 => {
                let sector = at.next_multiple_of(SECTOR);
                left.get_mut(sector..).unwrap_or_default().fill(0);
            }
            5 => rest.fill_with(|| u8::try_from(chance(256)).unwrap_or(0)),
            6 => {
                // Sectors reach the disk in any order.
                let (mut start, end) = (same, new.len());
                while start < end {
                    let next = (start + 1).next_multiple_of(SECTOR).min(end);
                    if chance(2) == 0 {
                        left.get_mut(start..next).unwrap_or_default().fill(0);
                    }
                    start = next;
                }
            }
            _ => {}
        }
        left
    }
}
