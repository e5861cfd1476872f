//! Final files, written anew as one.
//!
//! A complete new file is written in the folder of unfinished files, which no engine looks into, and
//! synchronised; then it takes its name, and the directory is synchronised. Killed at any instant, the
//! old file or the new one has the name.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use llm_audit_core::vfs::{Vfs, VfsFile};
use llm_audit_core::{Event, Facet, FacetSet};
use parquet::file::metadata::KeyValue;

use super::super::file_name::ParquetFileName;
use super::super::reader::ParquetReader;
use super::super::row_groups::RowGroups;
use super::super::staging::Staging;
use super::super::summary::{EXPIRED, Summary};

/// So much of the disk stays free for others, or a twentieth of a smaller one.
const MIN_FREE: u64 = 64 << 20;

/// A new file that has no final name yet.
#[derive(Debug)]
pub(super) struct NewFile {
    pub(super) path: PathBuf,
    pub(super) bytes: u64,
}

/// Changes an event, or ends the work.
pub(super) type Change<'a> = dyn Fn(&mut Event) -> io::Result<()> + 'a;

/// What a new file is made of, and how.
pub(super) struct Source<'a> {
    pub(super) vfs: &'a Arc<dyn Vfs>,
    pub(super) root: &'a Path,
    /// In the order of their numbers.
    pub(super) files: &'a [ParquetFileName],
    /// The numbers that they cover.
    pub(super) seqs: (u64, u64),
}

impl Source<'_> {
    /// Hands the events over one by one.
    pub(super) fn events(&self, each: &Change<'_>) -> io::Result<()> {
        for name in self.files {
            for event in self.open(name)? {
                each(&mut event.map_err(io::Error::other)?)?;
            }
        }
        Ok(())
    }

    fn open(&self, name: &ParquetFileName) -> io::Result<ParquetReader> {
        let path = name.path(self.root);
        ParquetReader::open_in(Arc::clone(self.vfs), &path).map_err(io::Error::other)
    }

    /// Writes a file of the events as `change` leaves them, and synchronises it. `end` gets to know how many
    /// there are, and says which facets none of them has any more, or that there is no need of the file.
    ///
    /// # Errors
    ///
    /// Of reading, writing, `change` or `end`; nothing is left of the new file then.
    pub(super) fn write(
        &self,
        staging: &mut Staging,
        change: &Change<'_>,
        end: impl FnOnce(u64) -> io::Result<Option<FacetSet>>,
    ) -> io::Result<Option<NewFile>> {
        let (path, file) = staging.create()?;
        let written = self.fill(&file, change, end).and_then(|ready| {
            if !ready {
                return Ok(None);
            }
            file.sync_data()?;
            file.size().map(Some)
        });
        match written {
            Ok(Some(bytes)) => Ok(Some(NewFile { path, bytes })),
            other => {
                staging.remove(&path);
                other.map(|_| None)
            }
        }
    }

    fn fill(
        &self,
        file: &Arc<dyn VfsFile>,
        change: &Change<'_>,
        end: impl FnOnce(u64) -> io::Result<Option<FacetSet>>,
    ) -> io::Result<bool> {
        let out = Out(Arc::clone(file));
        let mut writer = RowGroups::new(out)?;
        let mut summary: Option<Summary> = None;
        let mut events = 0;
        for name in self.files {
            let mut reader = self.open(name)?;
            while let Some(event) = reader.next() {
                let mut event = event.map_err(io::Error::other)?;
                change(&mut event)?;
                let seq = event.seq().unwrap_or(self.seqs.0);
                let new = || Summary::new(name.writer_id(), self.seqs.0, &event);
                summary.get_or_insert_with(new).add(seq, &event);
                writer.push(&event);
                events += 1;
                // As many as the reader takes at a time bound the memory.
                if reader.is_between_steps() {
                    writer.settle()?;
                }
            }
        }
        let Some(gone) = end(events)? else {
            return Ok(false);
        };
        if let Some(summary) = &mut summary {
            (summary.first_seq, summary.last_seq) = self.seqs;
        }
        for pair in summary.iter().flat_map(Summary::key_values) {
            writer.append_key_value(pair);
        }
        let names: Vec<_> = gone.iter().map(Facet::name).collect();
        if !names.is_empty() {
            writer.append_key_value(KeyValue::new(EXPIRED.to_owned(), names.join(",")));
        }
        writer.finish()?;
        Ok(true)
    }
}

/// Returns an error when the disk has no room for so many bytes more.
pub(super) fn has_room(vfs: &dyn Vfs, root: &Path, bytes: u64) -> io::Result<()> {
    let space = vfs.space(root).ok().flatten();
    let fits = |free: u64, total: u64| free >= bytes.saturating_add(MIN_FREE.min(total / 20));
    match space.is_none_or(|space| fits(space.free, space.total)) {
        true => Ok(()),
        false => Err(io::ErrorKind::StorageFull.into()),
    }
}

/// A file as the encoder writes to it.
struct Out(Arc<dyn VfsFile>);

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
