//! Reading the files back.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use llm_audit_core::schema::CATALOG;
use llm_audit_core::vfs::{Access, FileKind, OsVfs, Vfs, VfsFile};
use llm_audit_core::{Error, Event, Filter, Timestamp, WriterId};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};

use super::file_name::{LAYOUT, ParquetFileName};
use super::schema::UNKNOWN;
use super::summary::{Chunks, seqs_of, seqs_of_footer};
use super::{decode, page_sizes, pruning};

/// No page of a file becomes larger than this in memory: the largest text that a log takes has room
/// in it four times.
const MAX_PAGE: u64 = 256 << 20;
/// So many bytes of columns become events at a time, as far as a row group says how long its rows are.
const STEP_BYTES: i64 = 4 << 20;
const STEP_ROWS: i64 = 1_024;

/// Reads the events of Parquet files, one after the other, with bounded memory.
///
/// It reads the root of a [`ParquetSink`](super::ParquetSink), one of its directories, or one file;
/// also files that another program wrote from these, as long as the columns kept their names and types.
/// The files come by date and name, so one writer's events of one day are in the order of their numbers.
/// Columns that a file lacks, as one of an older version does, are absent in its events; columns
/// that are no field are passed over.
///
/// A file that is damaged, is no file of events, or would take more memory than any of ours, is an
/// error that names it, and reading goes on with the next. Behind an error no further event of that file comes.
///
/// # Examples
///
/// ```
/// use llm_audit_core::{Filter, Kind, Operation, Policy, Preset};
/// use llm_audit_sinks::ParquetSink;
/// use llm_audit_sinks::parquet::ParquetReader;
///
/// # let temp = tempfile::tempdir()?;
/// # let root = temp.path().join("lake");
/// let audit = llm_audit_core::builder()
///     .policy(Policy::preset(Preset::Operations)?)
///     .sink(ParquetSink::dir(&root)?)
///     .spawn()?;
/// audit.begin(Operation::Chat).finish();
/// drop(audit);
///
/// let calls = ParquetReader::open(&root)?.filter_by(Filter::new().kind(Kind::Interaction));
/// let calls: Vec<_> = calls.collect::<Result<_, _>>()?;
/// assert_eq!(calls.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct ParquetReader {
    vfs: Arc<dyn Vfs>,
    files: VecDeque<Source>,
    current: Option<Current>,
    /// Of the writer and the date of the last file, the last number that was in one.
    covered: Option<(String, WriterId, u64)>,
    ready: std::vec::IntoIter<Event>,
    filter: Filter,
    max_page: u64,
    /// How many were not passed over.
    pub(super) row_groups: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Source {
    date: Option<String>,
    path: PathBuf,
    /// What it holds below this number was in another file.
    from: u64,
}

struct Current {
    name: String,
    from: u64,
    rows: ParquetRecordBatchReader,
}

/// The rows of a file, and the first and the last number of its events.
type Rows = (ParquetRecordBatchReader, Option<(u64, u64)>);

impl ParquetReader {
    /// Opens the root of a Parquet sink, a directory within it, or one file.
    ///
    /// # Errors
    ///
    /// When a directory cannot be listed. What is wrong with a file comes up when it is read.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::open_in(Arc::new(OsVfs::new()), path.as_ref())
    }

    /// Opens an object store and gives of its events those that `filter` lets pass. Days on which it lets
    /// none pass are not listed.
    ///
    /// Objects are read by parts of 1 MiB, of which at most 40 are in memory.
    ///
    /// # Errors
    ///
    /// When the store cannot be used or listed. What is wrong with an object comes up when it is read.
    #[cfg(feature = "store")]
    #[cfg_attr(docsrs, doc(cfg(feature = "store")))]
    pub fn open_store(store: &crate::store::Store, filter: Filter) -> Result<Self, Error> {
        let files = crate::store::StoreFiles::open(store)?;
        let root = files.root().to_owned();
        let reader = Self::find_in(Arc::new(files), &root, &filter)?;
        Ok(reader.filter_by(filter))
    }

    pub(super) fn open_in(vfs: Arc<dyn Vfs>, path: &Path) -> Result<Self, Error> {
        Self::find_in(vfs, path, &Filter::new())
    }

    fn find_in(vfs: Arc<dyn Vfs>, path: &Path, filter: &Filter) -> Result<Self, Error> {
        let mut files = Vec::new();
        find(&*vfs, path, 0, filter, &mut files)
            .map_err(|error| Error::io(format!("failed to list `{}`", path.display()), error))?;
        files.sort_unstable();
        Ok(Self {
            vfs,
            files: files.into(),
            current: None,
            covered: None,
            ready: Vec::new().into_iter(),
            filter: Filter::new(),
            max_page: MAX_PAGE,
            row_groups: 0,
        })
    }

    /// Returns the reader of those events only that `filter` lets pass.
    ///
    /// Directories of other dates, and row groups that by their statistics and bloom filters hold
    /// no such event, are not read.
    #[must_use]
    pub fn filter_by(mut self, filter: Filter) -> Self {
        self.files
            .retain(|file| may_hold(file.date.as_deref(), &filter));
        self.filter = filter;
        self
    }

    /// Returns whether all events were returned that are in memory.
    pub(super) fn is_between_steps(&self) -> bool {
        self.ready.as_slice().is_empty()
    }

    #[cfg(test)]
    pub(super) const fn max_page(mut self, bytes: u64) -> Self {
        self.max_page = bytes;
        self
    }

    /// Opens the next file; returns false when there is none.
    fn advance(&mut self) -> Result<bool, Error> {
        let Some(mut source) = self.files.pop_front() else {
            return Ok(false);
        };
        if self.is_covered(&source) {
            return Ok(true);
        }
        let name = source.path.display().to_string();
        let failed = |error| Problem::Io(error).of(&name);
        let file = match self.vfs.open(&source.path, Access::Read) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // It was merged with one before it, or its retention has ended.
                let Some(other) = self.replacement(&source).map_err(failed)? else {
                    return Ok(true);
                };
                self.files.push_front(other);
                return Ok(true);
            }
            file => file.map_err(failed)?,
        };
        let opened = guarded(|| self.rows(&file));
        let (rows, seqs) = opened.map_err(|problem| problem.of(&name))?;
        let covers = |of: ParquetFileName| Some((of.date().to_owned(), of.writer_id(), seqs?.1));
        self.covered = source.of().and_then(covers);
        let from = std::mem::take(&mut source.from);
        self.current = Some(Current { name, from, rows });
        Ok(true)
    }

    /// Returns whether the events of a file were in another: one that it was merged into, and that was
    /// read before it.
    fn is_covered(&self, source: &Source) -> bool {
        let Some((of, (date, writer, last))) = source.of().zip(self.covered.as_ref()) else {
            return false;
        };
        of.date() == date && of.writer_id() == *writer && of.first_seq().max(source.from) <= *last
    }

    /// Returns the file that holds the events of one that is gone, if there is any.
    fn replacement(&self, source: &Source) -> io::Result<Option<Source>> {
        let (Some(of), Some(dir)) = (source.of(), source.path.parent()) else {
            return Err(io::ErrorKind::NotFound.into());
        };
        let mut found = Vec::new();
        find(&*self.vfs, dir, DEPTH, &Filter::new(), &mut found)?;
        let before = found.into_iter().filter_map(|other| {
            let name = other.of()?;
            let fits = name.writer_id() == of.writer_id() && name.first_seq() < of.first_seq();
            fits.then_some((name.first_seq(), other))
        });
        let Some((_, mut other)) = before.max_by_key(|(first, _)| *first) else {
            return Ok(None);
        };
        let file = match self.vfs.open(&other.path, Access::Read) {
            // It was merged in its turn.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return self.replacement(source);
            }
            file => file?,
        };
        other.from = of.first_seq().max(source.from);
        let holds = seqs_of(file).is_ok_and(|(_, last)| other.from <= last);
        Ok(holds.then_some(other))
    }

    fn rows(&mut self, file: &Arc<dyn VfsFile>) -> Result<Rows, Problem> {
        let open = || Chunks::of(Arc::clone(file));
        let chunks = open().map_err(Problem::Io)?;
        // What a file says of its types beyond the format itself is somebody else's business.
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        let file = ParquetRecordBatchReaderBuilder::try_new_with_options(chunks, options)?;
        let row_groups = pruning::row_groups(&file, &self.filter)?;
        let again = open().map_err(Problem::Io)?;
        let mut row_bytes = 0;
        for number in &row_groups {
            let group = file.metadata().row_group(*number);
            for column in group.columns() {
                let (start, length) = column.byte_range();
                let page = page_sizes::largest_page(&again, start, length);
                let page = page.map_err(|error| Problem::Damaged(error.to_string()))?;
                if page > self.max_page {
                    return Err(Problem::Damaged(format!(
                        "a page would take {page} bytes, more than {}",
                        self.max_page
                    )));
                }
            }
            row_bytes = row_bytes.max(group.total_byte_size() / group.num_rows().max(1));
        }
        self.row_groups += row_groups.len();
        let step = (STEP_BYTES / row_bytes.max(1)).clamp(1, STEP_ROWS);
        let schema = file.parquet_schema();
        let is_read = |name: &str| name == UNKNOWN || CATALOG.iter().any(|info| info.name == name);
        let roots = schema.root_schema().get_fields().iter().enumerate();
        let roots = roots.filter(|(_, root)| is_read(root.name()));
        let columns = ProjectionMask::roots(schema, roots.map(|(number, _)| number));
        let seqs = seqs_of_footer(file.metadata()).ok();
        let rows = file
            .with_row_groups(row_groups)
            .with_projection(columns)
            .with_batch_size(usize::try_from(step).unwrap_or(1))
            .build()?;
        Ok((rows, seqs))
    }

    /// Reads some rows of the current file; returns false at its end.
    fn step(&mut self) -> Result<bool, Error> {
        let Some(current) = &mut self.current else {
            return Ok(false);
        };
        let read = guarded(|| match current.rows.next() {
            Some(rows) => Ok(Some(decode::events(&rows?)?)),
            None => Ok(None),
        });
        match read {
            Ok(Some(events)) => {
                self.ready = events.into_iter();
                Ok(true)
            }
            Ok(None) => {
                self.current = None;
                Ok(false)
            }
            Err(problem) => {
                let error = problem.of(&current.name);
                self.current = None;
                Err(error)
            }
        }
    }
}

impl Iterator for ParquetReader {
    type Item = Result<Event, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let filter = &self.filter;
            let from = self.current.as_ref().map_or(0, |current| current.from);
            let is_new = |event: &Event| from == 0 || event.seq().is_none_or(|seq| from <= seq);
            if let Some(event) = self
                .ready
                .find(|event| is_new(event) && filter.matches(event))
            {
                return Some(Ok(event));
            }
            match self.step() {
                Ok(true) => continue,
                Ok(false) => {}
                Err(error) => return Some(Err(error)),
            }
            match self.advance() {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

impl fmt::Debug for ParquetReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParquetReader")
            .field("files_left", &self.files.len())
            .field("row_groups_read", &self.row_groups)
            .field("filter", &self.filter)
            .finish_non_exhaustive()
    }
}

/// What is wrong with a file.
enum Problem {
    Io(io::Error),
    /// In words that hold nothing of what the file holds.
    Damaged(String),
    NoEvents(Error),
}

impl Problem {
    fn of(self, name: &str) -> Error {
        match self {
            Self::Io(error) => Error::io(format!("failed to open `{name}`"), error),
            Self::Damaged(problem) => Error::damaged(format!("`{name}` is damaged: {problem}")),
            Self::NoEvents(error) => Error::damaged(format!("`{name}`: {error}")),
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self::NoEvents(error)
    }
}

// What the library says can hold bytes of the file, so it is not passed on.

impl From<parquet::errors::ParquetError> for Problem {
    fn from(_: parquet::errors::ParquetError) -> Self {
        Self::Damaged("it cannot be read as Parquet".to_owned())
    }
}

impl From<arrow_schema::ArrowError> for Problem {
    fn from(_: arrow_schema::ArrowError) -> Self {
        Self::Damaged("its pages cannot be read".to_owned())
    }
}

/// Runs `read`; the library's decoders panic at some damage, in words that can hold bytes of the file.
fn guarded<T>(read: impl FnOnce() -> Result<T, Problem>) -> Result<T, Problem> {
    let read = llm_audit_core::contained(read);
    read.unwrap_or_else(|| Err(Problem::Damaged("its pages cannot be read".to_owned())))
}

/// How deep files lie below a root: `v1/date=…/`.
const DEPTH: u32 = 2;

fn find(
    vfs: &dyn Vfs,
    path: &Path,
    depth: u32,
    filter: &Filter,
    found: &mut Vec<Source>,
) -> io::Result<()> {
    let entries = match vfs.list(path) {
        Err(error) if depth == 0 && error.kind() == io::ErrorKind::NotADirectory => {
            found.push(source(path));
            return Ok(());
        }
        // Somebody removed a day meanwhile.
        Err(error) if depth > 0 && error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let path = path.join(&entry.name);
        match entry.kind {
            FileKind::Dir
                if depth < DEPTH
                    && is_ours(&entry.name)
                    && may_hold(entry.name.strip_prefix(ParquetFileName::DATE), filter) =>
            {
                find(vfs, &path, depth + 1, filter, found)?;
            }
            FileKind::File if entry.name.ends_with(".parquet") => found.push(source(&path)),
            _ => {}
        }
    }
    Ok(())
}

/// Other directories in a root are somebody else's, and perhaps not to be listed.
fn is_ours(dir: &str) -> bool {
    dir == LAYOUT || dir.starts_with(ParquetFileName::DATE)
}

impl Source {
    /// Returns the name of the file, if it is one that a sink gives.
    fn of(&self) -> Option<ParquetFileName> {
        let partition = self.path.parent()?.file_name()?.to_str()?;
        ParquetFileName::within(partition, self.path.file_name()?.to_str()?)
    }
}

fn source(path: &Path) -> Source {
    let parent = path.parent().and_then(Path::file_name);
    let date = parent.and_then(|name| name.to_str()?.strip_prefix(ParquetFileName::DATE));
    Source {
        date: date.map(str::to_owned),
        path: path.to_owned(),
        from: 0,
    }
}

/// Whether a directory of that date can hold an event that the filter lets pass.
fn may_hold(date: Option<&str>, filter: &Filter) -> bool {
    date.and_then(day)
        .is_none_or(|(first, last)| filter.may_hold(first, last))
}

/// Returns the first and the last moment of a date.
pub(super) fn day(date: &str) -> Option<(Timestamp, Timestamp)> {
    const DAY: i64 = 86_400_000_000;

    let first: Timestamp = format!("{date}T00:00:00Z").parse().ok()?;
    let last = Timestamp::from_unix_micros(first.as_unix_micros().checked_add(DAY - 1)?);
    Some((first, last))
}
