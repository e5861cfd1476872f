//! A store as whoever looks after its objects sees one.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::stream::BoxStream;
use llm_audit_core::vfs::{Access, DirEntry, Vfs, VfsFile};
use object_store::ObjectMeta;
use sha2::{Digest, Sha256};

use super::blocking::Blocking;
use super::files::StoreFile;
use super::objects::{Staged, Upload, Version};
use super::{Store, Tries};

/// Objects that are listed at a time, as many as stores return in one answer.
const MAX_LISTED: usize = 1_000;

/// The objects of a store, to be removed and replaced.
pub(crate) struct Keeper {
    store: Blocking,
    root: PathBuf,
}

/// An object as a listing has it.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    /// Its name within the store.
    pub(crate) name: String,
    /// Of any other object, and of another state of this one, it is another.
    pub(crate) id: [u8; 16],
}

/// Objects that are still to be listed.
type Rest = BoxStream<'static, object_store::Result<ObjectMeta>>;

impl Keeper {
    /// # Errors
    ///
    /// When the store cannot be used as it is configured.
    pub(crate) fn start(store: &Store) -> io::Result<Self> {
        Ok(Self {
            store: Blocking::start(store, Tries::One).map_err(io::Error::other)?,
            root: PathBuf::from(store.to_string()),
        })
    }

    /// Returns the path that stands for the store itself.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Whether a request has failed since the last call because the store was not as it should be.
    pub(crate) fn take_failed(&self) -> bool {
        self.store.take_failed()
    }

    /// Returns the names of the folders directly in `dir`.
    pub(crate) fn folders(&self, dir: &str) -> io::Result<Vec<String>> {
        let dir = dir.to_owned();
        let listed = self
            .store
            .run(|objects| async move { Ok(objects.list(&dir).await?) })?;
        let last = |path: &object_store::path::Path| path.filename().map(str::to_owned);
        Ok(listed.common_prefixes.iter().filter_map(last).collect())
    }

    /// Hands the objects below `dir` to `take`, some at a time, until it says that it wants no more.
    pub(crate) fn each_below(
        &self,
        dir: &str,
        take: &mut dyn FnMut(Vec<Listed>) -> io::Result<bool>,
    ) -> io::Result<()> {
        let mut rest: Option<Rest> = None;
        loop {
            let dir = dir.to_owned();
            let (listed, left) = self.store.run(move |objects| async move {
                let mut rest = rest.unwrap_or_else(|| objects.list_after(&dir, &dir));
                let mut listed = Vec::new();
                while listed.len() < MAX_LISTED {
                    let Some(object) = objects.next_of(&dir, &mut rest).await? else {
                        return Ok((listed, None));
                    };
                    let name = objects.name_of(&object.location);
                    listed.extend(name.map(|name| Listed {
                        id: id_of(&name, &object),
                        name,
                    }));
                }
                Ok((listed, Some(rest)))
            })?;
            if !take(listed)? || left.is_none() {
                return Ok(());
            }
            rest = left;
        }
    }

    /// Returns an object as it is now.
    ///
    /// # Errors
    ///
    /// `NotFound` when there is none.
    pub(crate) fn object(&self, name: &str) -> io::Result<ObjectFile> {
        let asked = name.to_owned();
        let found = self
            .store
            .run(|objects| async move { Ok(objects.head(&asked).await?) })?;
        let found = found.ok_or(io::ErrorKind::NotFound)?;
        let file = StoreFile::new(name.to_owned(), &found, &self.store);
        Ok(ObjectFile {
            path: self.root.join(name),
            name: name.to_owned(),
            version: found.version,
            file: Arc::new(file),
        })
    }

    /// Whether an object is there as it was.
    pub(crate) fn is_still(&self, object: &ObjectFile) -> io::Result<bool> {
        let (name, version) = (object.name.clone(), object.version.clone());
        self.store
            .run(|objects| async move { Ok(objects.is_still(&name, &version).await?) })
    }

    /// Removes an object, unless it is another one by now; returns whether it did.
    pub(crate) fn remove(&self, object: &ObjectFile) -> io::Result<bool> {
        let (name, version) = (object.name.clone(), object.version.clone());
        self.store
            .run(|objects| async move { Ok(objects.remove(&name, &version).await?) })
    }

    /// Brings a file to the store that is to take the place of `object`.
    pub(crate) fn stage(&self, object: &ObjectFile, file: Arc<dyn VfsFile>) -> io::Result<New> {
        let upload = Upload::new(object.name.clone(), file)?;
        self.store.run(|objects| async move {
            let staged = objects.stage(&upload).await?;
            Ok(New { upload, staged })
        })
    }

    /// Puts the file in the place of the object, unless it is another one by now; returns whether it did.
    pub(crate) fn replace(&self, object: &ObjectFile, new: New) -> io::Result<bool> {
        let version = object.version.clone();
        self.store.run(|objects| async move {
            let New { upload, staged } = new;
            Ok(objects.replace(&upload, staged, &version).await?)
        })
    }

    /// Takes back what was brought.
    pub(crate) fn discard(&self, new: New) {
        let discarded = self.store.run(|objects| async move {
            objects.discard(new.staged).await;
            Ok(())
        });
        // What stays, the bucket's own rule removes.
        discarded.ok();
    }
}

impl fmt::Debug for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Keeper").field(&self.root).finish()
    }
}

/// A file that is to take the place of an object.
pub(crate) struct New {
    upload: Upload,
    staged: Staged,
}

/// One object, as it was when it was looked for: a file system with this file in it and no other.
#[derive(Debug)]
pub(crate) struct ObjectFile {
    path: PathBuf,
    name: String,
    version: Version,
    file: Arc<StoreFile>,
}

impl Vfs for ObjectFile {
    fn create_dir(&self, _: &Path) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn list(&self, _: &Path) -> io::Result<Vec<DirEntry>> {
        Err(io::ErrorKind::NotADirectory.into())
    }

    fn create_new(&self, _: &Path) -> io::Result<Arc<dyn VfsFile>> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn open(&self, path: &Path, _: Access) -> io::Result<Arc<dyn VfsFile>> {
        match path == self.path {
            true => Ok(Arc::clone(&self.file) as _),
            false => Err(io::ErrorKind::NotFound.into()),
        }
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

/// Half of a digest, so that what is known of many objects takes little memory.
fn id_of(name: &str, object: &ObjectMeta) -> [u8; 16] {
    let mut hash = Sha256::new();
    let state = match &object.e_tag {
        Some(e_tag) => e_tag.clone(),
        None => object.last_modified.to_string(),
    };
    for part in [name, &object.size.to_string(), &state] {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    let mut half = [0; 16];
    half.iter_mut()
        .zip(hash.finalize())
        .for_each(|(to, from)| *to = from);
    half
}
