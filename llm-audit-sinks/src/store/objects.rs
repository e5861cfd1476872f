//! What is asked of a store.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::TryStreamExt;
use futures_util::stream::BoxStream;
use llm_audit_core::vfs::VfsFile;
use object_store::path::Path;
use object_store::{
    Attribute, Attributes, Error, GetOptions, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    ObjectStoreExt, PutMode, PutMultipartOptions, PutOptions, UpdateVersion,
};
use sha2::{Digest, Sha256};

use super::Store;
use super::failure::{Answers, Failure};

/// What is read at a time for a checksum.
const STEP_BYTES: usize = 1 << 20;
/// Name of the checksum in an object's user metadata.
const SHA256: &str = "sha256";
/// The footer of most files, in one request.
const FOOTER_BYTES: u64 = 64 << 10;
/// No footer of ours becomes as large.
const MAX_FOOTER_BYTES: u64 = 64 << 20;
/// What follows the footer's metadata: its length, and `PAR1`.
const TRAILER_BYTES: u64 = 8;
/// `PAR1` at the beginning, and the trailer.
const MIN_FILE_BYTES: u64 = 12;

/// A store, opened for one runtime.
pub(crate) struct Objects {
    pub(crate) store: Store,
    inner: Arc<dyn ObjectStore>,
    answers: Answers,
}

/// What the store says of an object.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) size: u64,
    pub(crate) version: Version,
    sha256: Option<String>,
}

/// Tells one state of an object from any other that takes its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Version {
    e_tag: Option<String>,
    number: Option<String>,
}

impl Version {
    pub(super) fn e_tag(&self) -> Option<String> {
        self.e_tag.clone()
    }
}

/// A file of which only the last word has to be said for it to be an object.
pub(crate) enum Staged {
    /// It goes in one request.
    Whole(Bytes),
    /// Its parts are there, and no reader sees them.
    Parts(Box<dyn MultipartUpload>),
}

/// A finished file that is to be an object.
pub(crate) struct Upload {
    name: String,
    file: Arc<dyn VfsFile>,
    size: u64,
    sha256: String,
}

impl Upload {
    /// Reads the file once, for its checksum.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub(crate) fn new(name: String, file: Arc<dyn VfsFile>) -> io::Result<Self> {
        let size = file.size()?;
        let mut hash = Sha256::new();
        let mut at = 0;
        while at < size {
            let part = part_of(&*file, at, size, STEP_BYTES)?;
            hash.update(&part);
            at += part.len() as u64;
        }
        Ok(Self {
            name,
            file,
            size,
            sha256: hash
                .finalize()
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect(),
        })
    }

    /// Returns whether an object is this file.
    pub(crate) fn is(&self, found: &Found) -> bool {
        found.size == self.size && found.sha256.as_ref() == Some(&self.sha256)
    }

    fn attributes(&self) -> Attributes {
        let sha256 = Attribute::Metadata(SHA256.into());
        Attributes::from_iter([(sha256, self.sha256.clone())])
    }
}

impl Objects {
    pub(super) const fn new(store: Store, inner: Arc<dyn ObjectStore>, answers: Answers) -> Self {
        Self {
            store,
            inner,
            answers,
        }
    }

    /// Makes the file an object; returns false when there is one already and `replace` does not say
    /// that it may go.
    pub(crate) async fn put(&self, upload: &Upload, replace: bool) -> Result<bool, Failure> {
        let is_short = upload.size <= self.store.part_bytes as u64;
        let conditional = is_short && self.store.is_conditional();
        // An upload in parts knows no condition.
        if !replace && !conditional && self.head(&upload.name).await?.is_some() {
            return Ok(false);
        }
        if !is_short {
            return self.put_parts(upload).await.map(|()| true);
        }
        let body = part_of(&*upload.file, 0, upload.size, usize::MAX);
        let body = body.map_err(|error| Failure::local("read a file to upload", &error))?;
        let options = PutOptions {
            mode: if conditional && !replace {
                PutMode::Create
            } else {
                PutMode::Overwrite
            },
            attributes: upload.attributes(),
            ..PutOptions::default()
        };
        let key = self.key(&upload.name);
        match self.inner.put_opts(&key, body.into(), options).await {
            Ok(_) => Ok(true),
            Err(Error::AlreadyExists { .. }) => Ok(false),
            Err(error) => Err(self.failed("upload", &upload.name, &error)),
        }
    }

    async fn put_parts(&self, upload: &Upload) -> Result<(), Failure> {
        let mut parts = self.parts_of(upload).await?;
        let result = self.complete(&mut *parts, upload).await;
        if result.is_err() {
            // What stays, the bucket's own rule removes.
            parts.abort().await.ok();
        }
        result
    }

    async fn complete(
        &self,
        parts: &mut dyn MultipartUpload,
        upload: &Upload,
    ) -> Result<(), Failure> {
        let completed = parts.complete().await.map(drop);
        completed.map_err(|error| self.failed("upload", &upload.name, &error))
    }

    /// Brings the parts of a file to the store.
    async fn parts_of(&self, upload: &Upload) -> Result<Box<dyn MultipartUpload>, Failure> {
        let failed = |error| self.failed("upload", &upload.name, &error);
        let options = PutMultipartOptions {
            attributes: upload.attributes(),
            ..PutMultipartOptions::default()
        };
        let key = self.key(&upload.name);
        let parts = self.inner.put_multipart_opts(&key, options).await;
        let mut parts = parts.map_err(failed)?;
        let mut at = 0;
        let result = loop {
            if at >= upload.size {
                return Ok(parts);
            }
            match part_of(&*upload.file, at, upload.size, self.store.part_bytes) {
                Err(error) => break Failure::local("read a file to upload", &error),
                Ok(part) => {
                    at += part.len() as u64;
                    if let Err(error) = parts.put_part(part.into()).await {
                        break failed(error);
                    }
                }
            }
        };
        // What stays, the bucket's own rule removes.
        parts.abort().await.ok();
        Err(result)
    }

    /// Does all but the last request of putting a file in the place of an object.
    pub(crate) async fn stage(&self, upload: &Upload) -> Result<Staged, Failure> {
        if upload.size > self.store.part_bytes as u64 {
            return self.parts_of(upload).await.map(Staged::Parts);
        }
        let body = part_of(&*upload.file, 0, upload.size, usize::MAX);
        let body = body.map_err(|error| Failure::local("read a file to upload", &error))?;
        Ok(Staged::Whole(body.into()))
    }

    /// Puts a file in the place of an object, as long as that is still `version`; returns whether it
    /// was. In one request the store looks, of parts and without conditions this does, right before.
    pub(crate) async fn replace(
        &self,
        upload: &Upload,
        staged: Staged,
        version: &Version,
    ) -> Result<bool, Failure> {
        let mut staged = staged;
        let replaced = self.replace_by(upload, &mut staged, version).await;
        if !matches!(replaced, Ok(true)) {
            self.discard(staged).await;
        }
        match replaced {
            // Its answer may have been lost.
            Err(error) => match self.head(&upload.name).await {
                Ok(Some(found)) if upload.is(&found) => Ok(true),
                _ => Err(error),
            },
            replaced => replaced,
        }
    }

    async fn replace_by(
        &self,
        upload: &Upload,
        staged: &mut Staged,
        version: &Version,
    ) -> Result<bool, Failure> {
        let is_whole = matches!(staged, Staged::Whole(_));
        let is_conditional = is_whole && self.store.is_conditional() && version.e_tag.is_some();
        if !is_conditional && !self.is_still(&upload.name, version).await? {
            return Ok(false);
        }
        let body = match staged {
            Staged::Parts(parts) => {
                return self.complete(&mut **parts, upload).await.map(|()| true);
            }
            Staged::Whole(body) => body.clone(),
        };
        let mode = match is_conditional {
            true => PutMode::Update(UpdateVersion {
                e_tag: version.e_tag.clone(),
                version: version.number.clone(),
            }),
            false => PutMode::Overwrite,
        };
        let options = PutOptions {
            mode,
            attributes: upload.attributes(),
            ..PutOptions::default()
        };
        let key = self.key(&upload.name);
        match self.inner.put_opts(&key, body.into(), options).await {
            Ok(_) => Ok(true),
            Err(Error::Precondition { .. }) => Ok(false),
            Err(error) => Err(self.failed("replace", &upload.name, &error)),
        }
    }

    /// Takes back what was staged.
    pub(crate) async fn discard(&self, staged: Staged) {
        if let Staged::Parts(mut parts) = staged {
            // What stays, the bucket's own rule removes.
            parts.abort().await.ok();
        }
    }

    /// Returns whether an object is there as it was.
    pub(super) async fn is_still(&self, name: &str, version: &Version) -> Result<bool, Failure> {
        let found = self.head(name).await?;
        Ok(found.is_some_and(|found| found.version == *version))
    }

    /// Removes an object, as long as it is still `version`; returns whether it was.
    pub(crate) async fn remove(&self, name: &str, version: &Version) -> Result<bool, Failure> {
        if !self.is_still(name, version).await? {
            return Ok(false);
        }
        match self.inner.delete(&self.key(name)).await {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(true),
            // Its answer may have been lost.
            Err(error) => {
                let failure = self.failed("delete", name, &error);
                match self.head(name).await {
                    Ok(None) => Ok(true),
                    _ => Err(failure),
                }
            }
        }
    }

    /// Returns what the store says of an object, if there is one.
    pub(crate) async fn head(&self, name: &str) -> Result<Option<Found>, Failure> {
        let options = GetOptions {
            head: true,
            ..GetOptions::default()
        };
        match self.inner.get_opts(&self.key(name), options).await {
            Ok(answer) => {
                let sha256 = Attribute::Metadata(SHA256.into());
                let sha256 = answer.attributes.get(&sha256);
                Ok(Some(Found {
                    size: answer.meta.size,
                    version: Version {
                        e_tag: answer.meta.e_tag.clone(),
                        number: answer.meta.version.clone(),
                    },
                    sha256: sha256.map(|value| value.to_string()),
                }))
            }
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.failed("look for", name, &error)),
        }
    }

    /// Returns a part of an object.
    pub(crate) async fn read(&self, name: &str, range: Range<u64>) -> Result<Bytes, Failure> {
        self.read_of(name, None, range).await
    }

    /// Returns a part of an object; of the state with this tag alone, if there is one.
    pub(super) async fn read_of(
        &self,
        name: &str,
        e_tag: Option<String>,
        range: Range<u64>,
    ) -> Result<Bytes, Failure> {
        let options = GetOptions {
            range: Some(range.into()),
            if_match: e_tag,
            ..GetOptions::default()
        };
        let read = match self.inner.get_opts(&self.key(name), options).await {
            Ok(answer) => answer.bytes().await,
            Err(error) => Err(error),
        };
        read.map_err(|error| self.failed("read", name, &error))
    }

    /// Whether a request has failed since the last call for another reason than what its object is.
    pub(super) fn take_failed(&self) -> bool {
        self.answers.take_failed()
    }

    /// Returns the metadata of the Parquet file that an object of `size` bytes is, as it stands in the
    /// footer, or nothing when it is no such file.
    pub(crate) async fn footer(&self, name: &str, size: u64) -> Result<Option<Bytes>, Failure> {
        if size < MIN_FILE_BYTES {
            return Ok(None);
        }
        let tail = self.read(name, size.saturating_sub(FOOTER_BYTES)..size);
        let tail = tail.await?;
        let Some((_, &[a, b, c, d, b'P', b'A', b'R', b'1'])) = tail.split_last_chunk() else {
            return Ok(None);
        };
        let length = u64::from(u32::from_le_bytes([a, b, c, d]));
        let Some(end) = size.checked_sub(TRAILER_BYTES) else {
            return Ok(None);
        };
        let Some(start) = end
            .checked_sub(length)
            .filter(|_| length <= MAX_FOOTER_BYTES)
        else {
            return Ok(None);
        };
        let tail_start = size - tail.len() as u64;
        if start < tail_start {
            return self.read(name, start..end).await.map(Some);
        }
        // Both lie within the tail, whose length is a `usize`.
        let (start, end) = ((start - tail_start) as usize, (end - tail_start) as usize);
        Ok(Some(tail.slice(start..end)))
    }

    /// Returns what is directly in `dir`, by names within the store.
    pub(crate) async fn list(&self, dir: &str) -> Result<ListResult, Failure> {
        let listed = self.inner.list_with_delimiter(Some(&self.key(dir))).await;
        listed.map_err(|error| self.failed("list", dir, &error))
    }

    /// Returns the objects below `dir` whose names come after `after`, page by page.
    pub(crate) fn list_after(
        &self,
        dir: &str,
        after: &str,
    ) -> BoxStream<'static, object_store::Result<ObjectMeta>> {
        let (dir, after) = (self.key(dir), self.key(after));
        self.inner.list_with_offset(Some(&dir), &after)
    }

    /// Returns the next of such objects.
    pub(crate) async fn next_of(
        &self,
        dir: &str,
        listed: &mut BoxStream<'static, object_store::Result<ObjectMeta>>,
    ) -> Result<Option<ObjectMeta>, Failure> {
        self.answers.forget();
        let next = listed.try_next().await;
        next.map_err(|error| self.failed("list", dir, &error))
    }

    /// Returns the name of an object within the store.
    pub(crate) fn name_of(&self, location: &Path) -> Option<String> {
        let parts: Vec<_> = location.prefix_match(self.store.prefix())?.collect();
        let parts: Vec<_> = parts.iter().map(AsRef::as_ref).collect();
        Some(parts.join("/"))
    }

    /// Returns the key of what is asked for now: no answer to that is known yet.
    fn key(&self, name: &str) -> Path {
        self.answers.forget();
        let parts = name.split('/').filter(|part| !part.is_empty());
        parts.fold(self.store.prefix().clone(), Path::join)
    }

    fn failed(&self, what: &str, name: &str, error: &Error) -> Failure {
        Failure::new(
            &format!("{what} `{}/{name}`", self.store),
            error,
            &self.answers,
        )
    }
}

fn part_of(file: &dyn VfsFile, at: u64, size: u64, most: usize) -> io::Result<Vec<u8>> {
    let left = usize::try_from(size.saturating_sub(at)).unwrap_or(usize::MAX);
    let mut part = vec![0; left.min(most)];
    let mut filled = 0;
    while let Some(rest) = part.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, at + filled as u64)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => filled += read,
        }
    }
    Ok(part)
}

impl std::fmt::Debug for Objects {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Objects").field(&self.store).finish()
    }
}
