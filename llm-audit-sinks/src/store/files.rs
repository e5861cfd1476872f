//! A store as a reader of files sees one.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use llm_audit_core::Error;
use llm_audit_core::vfs::{Access, DirEntry, FileKind, Vfs, VfsFile};

use super::blocking::Blocking;
use super::objects::Found;
use super::{Store, Tries};

/// What is asked for at a time: columns lie beside one another and their pages' headers are small.
const BLOCK_BYTES: u64 = 1 << 20;
/// Blocks of one object that are kept: more than a row group of ours has, whose columns are read in turns.
const MAX_BLOCKS: usize = 40;

/// The objects of a store, to be read.
pub(crate) struct StoreFiles {
    root: PathBuf,
    store: Blocking,
}

impl StoreFiles {
    /// # Errors
    ///
    /// When the store cannot be used as it is configured.
    pub(crate) fn open(store: &Store) -> Result<Self, Error> {
        Ok(Self {
            root: PathBuf::from(store.to_string()),
            store: Blocking::start(store, Tries::Some)?,
        })
    }

    /// Returns the path that stands for the store itself.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    fn name_of(&self, path: &Path) -> io::Result<String> {
        let name = path.strip_prefix(&self.root).ok().and_then(Path::to_str);
        name.map(str::to_owned)
            .ok_or_else(|| io::ErrorKind::InvalidInput.into())
    }
}

impl Vfs for StoreFiles {
    fn create_dir(&self, _: &Path) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<DirEntry>> {
        let name = self.name_of(dir)?;
        let listed = self
            .store
            .run(|objects| async move { Ok(objects.list(&name).await?) })?;
        let dirs = listed.common_prefixes.iter();
        let dirs = dirs.map(|dir| (dir, FileKind::Dir));
        let files = listed.objects.iter();
        let files = files.map(|file| (&file.location, FileKind::File));
        let entry = |(path, kind): (&object_store::path::Path, _)| {
            Some(DirEntry::new(path.filename()?.to_owned(), kind))
        };
        let mut entries: Vec<_> = dirs.chain(files).filter_map(entry).collect();
        entries.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    fn create_new(&self, _: &Path) -> io::Result<Arc<dyn VfsFile>> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn open(&self, path: &Path, _: Access) -> io::Result<Arc<dyn VfsFile>> {
        let name = self.name_of(path)?;
        let asked = name.clone();
        let found = self
            .store
            .run(|objects| async move { Ok(objects.head(&asked).await?) })?;
        let found = found.ok_or(io::ErrorKind::NotFound)?;
        Ok(Arc::new(StoreFile::new(name, &found, &self.store)))
    }

    fn rename(&self, _: &Path, _: &Path) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn unlink(&self, _: &Path) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn sync_dir(&self, _: &Path) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }
}

impl fmt::Debug for StoreFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StoreFiles").field(&self.root).finish()
    }
}

/// An object, of which some blocks are in memory.
pub(super) struct StoreFile {
    name: String,
    size: u64,
    /// What comes under the name later is another file.
    e_tag: Option<String>,
    store: Blocking,
    /// By their number; the one that was used last is last.
    blocks: Mutex<VecDeque<(u64, Bytes)>>,
}

impl StoreFile {
    pub(super) fn new(name: String, found: &Found, store: &Blocking) -> Self {
        Self {
            name,
            size: found.size,
            e_tag: found.version.e_tag(),
            store: store.clone(),
            blocks: Mutex::default(),
        }
    }

    fn block(&self, number: u64) -> io::Result<Bytes> {
        let mut blocks = self.blocks.lock().unwrap_or_else(PoisonError::into_inner);
        let at = blocks.iter().position(|(other, _)| *other == number);
        let block = match at.and_then(|at| blocks.remove(at)) {
            Some((_, block)) => block,
            None => {
                let (name, start) = (self.name.clone(), number * BLOCK_BYTES);
                let (end, e_tag) = (self.size.min(start + BLOCK_BYTES), self.e_tag.clone());
                self.store.run(move |objects| async move {
                    Ok(objects.read_of(&name, e_tag, start..end).await?)
                })?
            }
        };
        if blocks.len() >= MAX_BLOCKS {
            blocks.pop_front();
        }
        blocks.push_back((number, block.clone()));
        Ok(block)
    }
}

impl VfsFile for StoreFile {
    fn write(&self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        if offset >= self.size || buffer.is_empty() {
            return Ok(0);
        }
        let block = self.block(offset / BLOCK_BYTES)?;
        // It is below the length of a block.
        let within = (offset % BLOCK_BYTES) as usize;
        let rest = block.get(within..).unwrap_or_default();
        let length = rest.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..length), rest.get(..length)) {
            to.copy_from_slice(from);
        }
        Ok(length)
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.size)
    }

    fn truncate(&self, _: u64) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn sync_data(&self) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn try_lock(&self) -> io::Result<bool> {
        Ok(false)
    }
}

impl fmt::Debug for StoreFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreFile")
            .field("name", &self.name)
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}
