//! Reading back what a log wrote, wherever it wrote it.

use std::fmt;
use std::path::Path;

use llm_audit_core::journal::Reader;
use llm_audit_core::{Error, Event, Filter};

/// Reads events, one after the other, from a journal, from JSON lines or from Parquet files.
///
/// A path that ends in `.parquet`, or a directory with such a file, a `v1` or a `date=…` in it, is read as
/// Parquet; that needs feature `parquet`. Everything else is read as the journal's
/// [`Reader`] does. Memory is bounded either way.
///
/// # Examples
///
/// ```
/// use llm_audit_core::{Filter, Kind, Operation, Policy, Preset};
/// use llm_audit_sinks::EventReader;
///
/// # let temp = tempfile::tempdir()?;
/// # let dir = temp.path().join("log");
/// let policy = Policy::preset(Preset::Operations)?;
/// let audit = llm_audit_core::builder().policy(policy).journal(&dir).spawn()?;
/// audit.begin(Operation::Chat).finish();
/// drop(audit);
///
/// let calls = EventReader::open(&dir, Filter::new().kind(Kind::Interaction))?;
/// assert_eq!(calls.filter_map(Result::ok).count(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct EventReader {
    events: Box<dyn Iterator<Item = Result<Event, Error>> + Send>,
}

impl EventReader {
    /// Opens what is at `path` and gives of its events those that `filter` lets pass.
    ///
    /// # Errors
    ///
    /// When a directory cannot be listed, or is one of Parquet files and the feature is off. What is wrong with
    /// a file comes up when it is read.
    pub fn open(path: impl AsRef<Path>, filter: Filter) -> Result<Self, Error> {
        let path = path.as_ref();
        let events = if is_parquet(path) {
            parquet(path, filter)?
        } else {
            Box::new(Reader::open(path)?.filter_by(filter).events())
        };
        Ok(Self { events })
    }

    /// Opens an object store and gives of its events those that `filter` lets pass, as
    /// [`ParquetReader::open_store`](crate::parquet::ParquetReader::open_store) does.
    ///
    /// # Errors
    ///
    /// When the store cannot be used or listed. What is wrong with an object comes up when it is read.
    #[cfg(feature = "store")]
    #[cfg_attr(docsrs, doc(cfg(feature = "store")))]
    pub fn open_store(store: &crate::store::Store, filter: Filter) -> Result<Self, Error> {
        let reader = crate::parquet::ParquetReader::open_store(store, filter)?;
        Ok(Self {
            events: Box::new(reader),
        })
    }
}

#[cfg(feature = "parquet")]
fn parquet(
    path: &Path,
    filter: Filter,
) -> Result<Box<dyn Iterator<Item = Result<Event, Error>> + Send>, Error> {
    let reader = crate::parquet::ParquetReader::open(path)?;
    Ok(Box::new(reader.filter_by(filter)))
}

#[cfg(not(feature = "parquet"))]
fn parquet(
    path: &Path,
    _: Filter,
) -> Result<Box<dyn Iterator<Item = Result<Event, Error>> + Send>, Error> {
    Err(Error::configuration(format!(
        "`{}` holds Parquet files: switch feature `parquet` of crate `llm-audit` on to read them",
        path.display()
    )))
}

fn is_parquet(path: &Path) -> bool {
    let is_file = |name: &Path| name.extension().is_some_and(|end| end == "parquet");
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
    let mut names = entries.map(|entry| entry.file_name());
    is_file(path)
        || names.any(|name| {
            let layout = name
                .to_str()
                .is_some_and(|name| name == "v1" || name.starts_with("date="));
            layout || is_file(Path::new(&name))
        })
}

impl Iterator for EventReader {
    type Item = Result<Event, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.events.next()
    }
}

impl fmt::Debug for EventReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventReader").finish_non_exhaustive()
    }
}
