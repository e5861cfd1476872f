//! One file, from its first event until it is final.

use std::fmt;
use std::io::{self, Write};
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use llm_audit_core::Event;
use llm_audit_core::vfs::{Access, Vfs, VfsFile};
use parquet::errors::ParquetError;

use super::file_name::ParquetFileName;
use super::row_groups::RowGroups;
use super::staging::Staging;
use super::summary::Summary;

/// What is copied at a time to a file in place of one whose disk failed.
const COPY_BYTES: usize = 256 << 10;

/// A file that nobody but its sink sees.
pub(super) struct OpenFile {
    pub(super) name: ParquetFileName,
    pub(super) summary: Summary,
    /// When its first event came, by the monotonic clock.
    pub(super) since: Duration,
    encoder: RowGroups<Tail>,
    stage: Stage,
    path: PathBuf,
    file: Arc<dyn VfsFile>,
    /// So many bytes are on disk.
    confirmed: u64,
    /// What follows them, which the disk has not confirmed.
    tail: Vec<u8>,
    /// Whether the disk failed to confirm something of the file: it is never asked again.
    distrusted: bool,
}

/// How far a file has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// It takes rows.
    Open,
    /// Its footer is written, or in the tail.
    Encoded,
    /// It has its name, which a power cut may take back.
    Named,
}

/// What the encoder has written since it was last asked.
#[derive(Default)]
struct Tail(Vec<u8>);

impl Write for Tail {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl OpenFile {
    pub(super) fn create(
        name: ParquetFileName,
        summary: Summary,
        since: Duration,
        staging: &mut Staging,
    ) -> io::Result<Self> {
        let encoder = RowGroups::new(Tail::default()).map_err(of_encoder)?;
        let (path, file) = staging.create()?;
        Ok(Self {
            name,
            summary,
            since,
            encoder,
            stage: Stage::Open,
            path,
            file,
            confirmed: 0,
            tail: Vec::new(),
            distrusted: false,
        })
    }

    /// Takes events of some MiB at most. After an error the file is of no use any more.
    pub(super) fn add<'e>(&mut self, events: impl Iterator<Item = &'e Event>) -> io::Result<()> {
        events.for_each(|event| self.encoder.push(event));
        self.encoder.settle().map_err(of_encoder)?;
        self.take_encoded()
    }

    /// Returns about how large the file would be.
    pub(super) fn size(&self) -> u64 {
        let waiting = self.tail.len() + self.encoder.waiting_bytes();
        self.confirmed.saturating_add(waiting as u64)
    }

    /// Returns whether the file takes rows: nothing waits for a disk that failed.
    pub(super) fn is_ready(&self) -> bool {
        self.stage == Stage::Open && self.tail.is_empty()
    }

    /// Returns whether the file takes no rows any more.
    pub(super) fn is_ended(&self) -> bool {
        self.stage != Stage::Open
    }

    /// Ends the encoding. After an error the file is of no use any more.
    pub(super) fn end(&mut self) -> io::Result<()> {
        if self.stage == Stage::Open {
            for pair in self.summary.key_values() {
                self.encoder.append_key_value(pair);
            }
            self.encoder.finish().map_err(of_encoder)?;
            self.take_encoded()?;
            self.stage = Stage::Encoded;
        }
        Ok(())
    }

    /// Brings what is encoded to the disk, and an ended file under its name; after an error, to be
    /// called again.
    pub(super) fn settle(
        &mut self,
        root: &Path,
        vfs: &dyn Vfs,
        staging: &mut Staging,
    ) -> io::Result<()> {
        self.store(vfs, staging)?;
        let partition = self.name.partition(root);
        let path = self.name.path(root);
        if self.stage == Stage::Encoded {
            vfs.create_dir(&partition)?;
            vfs.sync_dir(&ParquetFileName::layout(root))?;
            must_be_free(vfs, &path)?;
            vfs.rename(&self.path, &path)?;
            self.stage = Stage::Named;
        }
        if self.stage == Stage::Named
            && let Err(error) = vfs.sync_dir(&partition)
        {
            // A second question might be answered with yes although the name is lost; a second
            // renaming is confirmed on its own.
            if vfs.rename(&path, &self.path).is_ok() {
                self.stage = Stage::Encoded;
            }
            return Err(error);
        }
        Ok(())
    }

    /// Removes what is on disk of a file that is of no use.
    pub(super) fn discard(&self, vfs: &dyn Vfs) {
        if self.stage != Stage::Named {
            // What stays is removed by the next start.
            vfs.unlink(&self.path).ok();
        }
    }

    fn take_encoded(&mut self) -> io::Result<()> {
        let encoded = mem::take(&mut self.encoder.out()?.0);
        if self.tail.is_empty() {
            self.tail = encoded;
        } else {
            self.tail.extend_from_slice(&encoded);
        }
        Ok(())
    }

    fn store(&mut self, vfs: &dyn Vfs, staging: &mut Staging) -> io::Result<()> {
        if self.tail.is_empty() {
            return Ok(());
        }
        if self.distrusted {
            self.replace(vfs, staging)?;
        } else {
            // What an earlier try may have left behind the confirmed part.
            self.file.truncate(self.confirmed)?;
            self.file.write_all(&self.tail)?;
            self.distrusted = true;
            self.file.sync_data()?;
            self.distrusted = false;
        }
        self.confirmed = self.confirmed.saturating_add(self.tail.len() as u64);
        self.tail.clear();
        Ok(())
    }

    /// Goes on in another file, which gets what the disk confirmed of this one, and the tail.
    fn replace(&mut self, vfs: &dyn Vfs, staging: &mut Staging) -> io::Result<()> {
        let (path, file) = staging.create()?;
        let copied = self.copy_to(file.as_ref());
        if let Err(error) = copied.and_then(|()| file.sync_data()) {
            vfs.unlink(&path).ok();
            return Err(error);
        }
        vfs.unlink(&self.path).ok();
        self.path = path;
        self.file = file;
        self.distrusted = false;
        Ok(())
    }

    fn copy_to(&self, target: &dyn VfsFile) -> io::Result<()> {
        let mut at = 0;
        let mut buffer = vec![0; COPY_BYTES];
        while at < self.confirmed {
            let left = usize::try_from(self.confirmed - at).unwrap_or(usize::MAX);
            let part = buffer.get_mut(..left.min(COPY_BYTES)).unwrap_or_default();
            let read = self.file.read_at(part, at)?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            target.write_all(part.get(..read).unwrap_or_default())?;
            at += read as u64;
        }
        target.write_all(&self.tail)
    }
}

/// A final file is never replaced.
fn must_be_free(vfs: &dyn Vfs, path: &Path) -> io::Result<()> {
    match vfs.open(path, Access::Read) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
    }
}

/// The encoder's errors name types and limits, never values.
fn of_encoder(error: ParquetError) -> io::Error {
    io::Error::other(error)
}

impl fmt::Debug for OpenFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenFile")
            .field("name", &self.name)
            .field("stage", &self.stage)
            .finish_non_exhaustive()
    }
}
