//! Many small files of a day, written anew as few.
//!
//! Files of one writer and one date whose numbers follow one another become one, under the name of the
//! first: so that name is there at every moment, and a listing that overlaps with the work misses
//! nothing. Then the others are removed, lowest numbers first. Killed in between, they stand beside a
//! file that holds their events too, which its footer says; the next run removes them.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use llm_audit_core::vfs::{Access, OsVfs, Vfs};
use llm_audit_core::{Clock, Error, FacetSet, SystemClock, Timestamp, WriterId, contained};

use super::super::file_name::ParquetFileName;
use super::super::reader::{ParquetReader, day};
use super::super::staging::{FOLDER, MARK, Staging, final_files, goes_to_store, remove_leftovers};
use super::super::summary::Chunks;
use super::footer::{Columns, Footer};
use super::rewrite::{Source, has_room};

const DEFAULT_TARGET_BYTES: u64 = 128 << 20;
const MIN_TARGET_BYTES: u64 = 64 << 10;
/// So long after its end a day is closed: what comes late has come, as a rule.
const AFTER_MICROS: i64 = 3_600_000_000;

/// How [`compact`] goes about it.
///
/// # Examples
///
/// ```
/// use llm_audit_sinks::parquet::CompactionOptions;
///
/// let options = CompactionOptions::new().target_bytes(256 << 20);
/// assert!(format!("{options:?}").contains("268435456"));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct CompactionOptions {
    target_bytes: u64,
}

impl CompactionOptions {
    /// Returns the defaults.
    pub const fn new() -> Self {
        Self {
            target_bytes: DEFAULT_TARGET_BYTES,
        }
    }

    /// Merges files until they have about this many bytes together (default 128 MiB; at least 64 KiB). What
    /// is half as large already is left alone.
    #[must_use]
    pub const fn target_bytes(mut self, bytes: u64) -> Self {
        self.target_bytes = bytes;
        self
    }
}

impl Default for CompactionOptions {
    fn default() -> Self {
        Self::new()
    }
}

/// What [`compact`] did.
///
/// # Examples
///
/// ```
/// use llm_audit_sinks::parquet::Compaction;
///
/// assert_eq!(Compaction::default().merged, 0);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Compaction {
    /// The names below the root of the files that hold now what several did.
    pub written: Vec<String>,
    /// How many files they hold.
    pub merged: u64,
    /// Files that were removed because another holds their events: an earlier run was killed.
    pub left_over: u64,
    /// How many bytes the files are fewer.
    pub freed: u64,
    /// Files that could not be read, or that only a newer version could write anew: they stay as they are.
    pub skipped: Vec<String>,
    /// Whether another program works on the root, so that nothing was done.
    pub is_busy: bool,
}

/// Merges the small files of closed days below `root`, which a [`ParquetSink`](super::super::ParquetSink) wrote,
/// to few large ones; returns when that is done. A day is closed an hour after its end, in UTC.
///
/// Sinks and readers go on meanwhile. An event is in a file at every moment, and for a moment in two;
/// [`ParquetReader`](super::super::ParquetReader) returns it once all the same, and `docs/parquet.md` says what
/// engines see. Files of different writers are not merged.
///
/// # Errors
///
/// When an option is out of its range, the directory cannot be used, or its files go to an object store: one
/// that waits for it must stay as it is. `_inprogress/uploads` says that they do.
///
/// # Examples
///
/// ```
/// use llm_audit_sinks::parquet::{CompactionOptions, compact};
///
/// # let root = tempfile::tempdir()?;
/// let done = compact(root.path(), CompactionOptions::new())?;
/// assert!(done.written.is_empty() && !done.is_busy);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn compact(root: impl AsRef<Path>, options: CompactionOptions) -> Result<Compaction, Error> {
    let now = SystemClock::new().now();
    compact_in(Arc::new(OsVfs::new()), root.as_ref(), options, now)
}

pub(in super::super) fn compact_in(
    vfs: Arc<dyn Vfs>,
    root: &Path,
    options: CompactionOptions,
    now: Timestamp,
) -> Result<Compaction, Error> {
    if options.target_bytes < MIN_TARGET_BYTES {
        return Err(Error::configuration(format!(
            "target_bytes of a compaction is {}, below {MIN_TARGET_BYTES}",
            options.target_bytes
        )));
    }
    let failed = |error| {
        let root = root.display();
        Error::io(format!("failed to compact `{root}`"), error)
    };
    if goes_to_store(root, &*vfs).map_err(failed)? {
        return Err(Error::configuration(format!(
            "`{}` goes to an object store, and files that wait for it must not be merged; remove \
             `{FOLDER}/{MARK}` there when no sink uploads them any more",
            root.display()
        )));
    }
    remove_leftovers(root, &*vfs).map_err(failed)?;
    let runs = runs(final_files(root, &*vfs).map_err(failed)?, now);
    let mut done = Compaction::default();
    if runs.is_empty() {
        return Ok(done);
    }
    let Some(_lock) = super::lock(&*vfs, root).map_err(failed)? else {
        done.is_busy = true;
        return Ok(done);
    };
    let mut staging = Staging::open(root, Arc::clone(&vfs)).map_err(failed)?;
    let columns = Columns::of_this_version().map_err(failed)?;
    let mut root = Root {
        vfs: &vfs,
        root,
        columns: &columns,
        staging: &mut staging,
        done: &mut done,
    };
    for run in runs {
        let files = root.looked_at(run);
        for group in groups(files, options.target_bytes) {
            // The library's encoder may panic at what only a bug can bring there.
            let merged = contained(|| root.merge(&group));
            let merged = merged.unwrap_or_else(|| Err(io::ErrorKind::InvalidData.into()));
            if merged.is_err_and(|error| error.kind() != io::ErrorKind::NotFound) {
                let names = group.iter().map(|file| file.name.to_string());
                root.done.skipped.extend(names);
            }
        }
    }
    staging.close();
    Ok(done)
}

/// Returns the files of closed days that follow one another: each of one writer and date, without a
/// file of the writer's that has another date and a number between theirs.
fn runs(mut names: Vec<ParquetFileName>, now: Timestamp) -> Vec<Vec<ParquetFileName>> {
    names.sort_unstable_by_key(|name| (name.writer_id(), name.first_seq()));
    let is_closed = |name: &ParquetFileName| {
        let end = day(name.date()).map(|(_, end)| end.as_unix_micros());
        end.is_some_and(|end| end.saturating_add(AFTER_MICROS) < now.as_unix_micros())
    };
    let mut runs: BTreeMap<(WriterId, usize), Vec<ParquetFileName>> = BTreeMap::new();
    let mut number = 0;
    let mut before: Option<(WriterId, String)> = None;
    for name in names {
        let this = (name.writer_id(), name.date().to_owned());
        number += usize::from(before.as_ref() != Some(&this));
        before = Some(this);
        if is_closed(&name) {
            runs.entry((name.writer_id(), number))
                .or_default()
                .push(name);
        }
    }
    runs.into_values().filter(|run| run.len() > 1).collect()
}

/// A file that may be merged with others.
struct Small {
    name: ParquetFileName,
    size: u64,
    footer: Footer,
}

/// Divides files that follow one another into groups that are to become one file each.
fn groups(files: Vec<Option<Small>>, target: u64) -> Vec<Vec<Small>> {
    let mut groups: Vec<Vec<Small>> = vec![Vec::new()];
    let mut bytes = 0;
    for file in files {
        // What stays as it is divides those before it from those behind.
        let file = file.filter(|file| file.size < target.div_ceil(2));
        let size = file.as_ref().map_or(u64::MAX, |file| file.size);
        if bytes > 0 && bytes + size.min(target) > target {
            groups.push(Vec::new());
            bytes = 0;
        }
        if let (Some(file), Some(group)) = (file, groups.last_mut()) {
            bytes += size;
            group.push(file);
        }
    }
    groups.retain(|group| group.len() > 1);
    groups
}

struct Root<'a> {
    vfs: &'a Arc<dyn Vfs>,
    root: &'a Path,
    columns: &'a Columns,
    staging: &'a mut Staging,
    done: &'a mut Compaction,
}

impl Root<'_> {
    /// Returns what can be merged of a run, and `None` in the place of what cannot; removes what an earlier
    /// compaction has left.
    fn looked_at(&mut self, run: Vec<ParquetFileName>) -> Vec<Option<Small>> {
        let mut files = Vec::new();
        let mut covered: Option<(ParquetFileName, (u64, u64))> = None;
        for name in run {
            let (size, footer) = match self.look(&name) {
                Ok(looked) => looked,
                Err(error) => {
                    if error.kind() != io::ErrorKind::NotFound {
                        self.done.skipped.push(name.to_string());
                    }
                    files.push(None);
                    continue;
                }
            };
            let within = |(_, (first, last)): &&(ParquetFileName, (u64, u64))| {
                *first <= footer.first_seq && footer.last_seq <= *last
            };
            if let Some((other, _)) = covered.as_ref().filter(within) {
                // Retention may have taken out of the other what it left, or a hold keeps, in this one.
                let has_all = self.has_all(other, &name, footer.last_seq);
                let removed = has_all.and_then(|has_all| match has_all {
                    true => self.remove(&name),
                    false => Err(io::ErrorKind::InvalidData.into()),
                });
                if removed.is_ok() {
                    self.done.left_over += 1;
                    self.done.freed += size;
                } else {
                    self.done.skipped.push(name.to_string());
                    files.push(None);
                }
                continue;
            }
            covered = Some((name.clone(), (footer.first_seq, footer.last_seq)));
            files.push(Some(Small { name, size, footer }));
        }
        files
    }

    /// Whether `other` holds each event of a file as it is there.
    fn has_all(
        &self,
        other: &ParquetFileName,
        name: &ParquetFileName,
        last: u64,
    ) -> io::Result<bool> {
        let open = |name: &ParquetFileName| {
            let path = name.path(self.root);
            ParquetReader::open_in(Arc::clone(self.vfs), &path).map_err(io::Error::other)
        };
        let mut whole = open(other)?;
        for event in open(name)? {
            let event = event.map_err(io::Error::other)?;
            loop {
                let Some(found) = whole.next() else {
                    return Ok(false);
                };
                let found = found.map_err(io::Error::other)?;
                if found.seq() >= event.seq() {
                    if found != event || found.seq() > Some(last) {
                        return Ok(false);
                    }
                    break;
                }
            }
        }
        Ok(true)
    }

    fn look(&self, name: &ParquetFileName) -> io::Result<(u64, Footer)> {
        let file = self.vfs.open(&name.path(self.root), Access::Read)?;
        let size = file.size()?;
        Ok((size, self.columns.footer(&Chunks::of(file)?)?))
    }

    fn remove(&self, name: &ParquetFileName) -> io::Result<()> {
        let partition = name.partition(self.root);
        // Whoever gave the other its name may have ended before that was confirmed.
        self.vfs.sync_dir(&partition)?;
        self.vfs.unlink(&name.path(self.root))?;
        self.vfs.sync_dir(&partition)
    }

    fn merge(&mut self, group: &[Small]) -> io::Result<()> {
        let [first, others @ ..] = group else {
            return Ok(());
        };
        let last = others.last().unwrap_or(first);
        let names: Vec<_> = group.iter().map(|file| file.name.clone()).collect();
        let bytes: u64 = group.iter().map(|file| file.size).sum();
        let events: u64 = group.iter().map(|file| file.footer.events).sum();
        has_room(&**self.vfs, self.root, bytes)?;
        let gone = group.iter().map(|file| file.footer.gone);
        let gone = gone.reduce(within).unwrap_or_default();
        let source = Source {
            vfs: self.vfs,
            root: self.root,
            files: &names,
            seqs: (first.footer.first_seq, last.footer.last_seq),
        };
        let new = source.write(self.staging, &|_| Ok(()), |found| match found == events {
            true => Ok(Some(gone)),
            false => Err(io::ErrorKind::InvalidData.into()),
        })?;
        let Some(new) = new else {
            return Ok(());
        };
        let partition = first.name.partition(self.root);
        let replaced = self.are_there(group).and_then(|()| {
            self.vfs.rename(&new.path, &first.name.path(self.root))?;
            // What is removed before the new name survives a power cut might be gone for good.
            self.vfs.sync_dir(&partition)
        });
        if let Err(error) = replaced {
            // What stays is removed by the next run.
            self.vfs.unlink(&new.path).ok();
            return Err(error);
        }
        self.done.written.push(first.name.to_string());
        self.done.merged += group.len() as u64;
        self.done.freed += bytes.saturating_sub(new.bytes);
        for file in others {
            match self.vfs.unlink(&file.name.path(self.root)) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                result => result?,
            }
        }
        self.vfs.sync_dir(&partition)
    }

    /// # Errors
    ///
    /// `NotFound` when somebody has removed or replaced a file: what he took away does not come back.
    fn are_there(&self, group: &[Small]) -> io::Result<()> {
        for file in group {
            let found = self.vfs.open(&file.name.path(self.root), Access::Read)?;
            if found.size()? != file.size {
                return Err(io::ErrorKind::NotFound.into());
            }
        }
        Ok(())
    }
}

fn within(a: FacetSet, b: FacetSet) -> FacetSet {
    a.iter().filter(|facet| b.contains(*facet)).collect()
}
