//! How a root of Parquet files is kept.

use std::path::{Path, PathBuf};
use std::time::Duration;

use llm_audit_core::Error;

#[cfg(feature = "store")]
use crate::store::Store;

const DEFAULT_FILE_MAX_BYTES: u64 = 64 << 20;
const MIN_FILE_MAX_BYTES: u64 = 64 << 10;
const DEFAULT_FILE_MAX_AGE: Duration = Duration::from_secs(300);
const MIN_FILE_MAX_AGE: Duration = Duration::from_secs(1);

/// Where a [`ParquetSink`](super::ParquetSink) puts its files, and how large and how old they become.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use llm_audit_sinks::parquet::ParquetConfig;
///
/// let config = ParquetConfig::new("/var/log/app/parquet").file_max_age(Duration::from_secs(3_600));
/// assert_eq!(config.root().to_str(), Some("/var/log/app/parquet"));
/// ```
#[derive(Clone, Debug)]
pub struct ParquetConfig {
    pub(super) root: PathBuf,
    pub(super) file_max_bytes: u64,
    pub(super) file_max_age: Duration,
    #[cfg(feature = "store")]
    pub(super) store: Option<Store>,
    #[cfg(feature = "store")]
    pub(super) keep_local: bool,
    pub(super) enforce_retention: bool,
}

impl ParquetConfig {
    /// Returns the configuration of a sink that writes below the directory `root`.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self {
            root: root.into(),
            file_max_bytes: DEFAULT_FILE_MAX_BYTES,
            file_max_age: DEFAULT_FILE_MAX_AGE,
            #[cfg(feature = "store")]
            store: None,
            #[cfg(feature = "store")]
            keep_local: false,
            enforce_retention: true,
        }
    }

    /// Makes a file final once it holds about this many bytes (default 64 MiB; at least 64 KiB),
    /// compressed as they are.
    #[must_use]
    pub const fn file_max_bytes(mut self, bytes: u64) -> Self {
        self.file_max_bytes = bytes;
        self
    }

    /// Makes a file final this long after its first event came (default 5 minutes; at least 1
    /// second). Until then nobody can read the events, and they count as pending.
    #[must_use]
    pub const fn file_max_age(mut self, age: Duration) -> Self {
        self.file_max_age = age;
        self
    }

    /// Uploads files to `store` once they are finished; an event is delivered when its object is there.
    /// The root is where files are until then, those of earlier starts too.
    ///
    /// The log's retention and its legal holds do not reach the store: have the bucket's lifecycle rules delete
    /// what is old. In the root, retention takes only files that are in the store, and
    /// [`compact`](super::compact) refuses it.
    #[cfg(feature = "store")]
    #[cfg_attr(docsrs, doc(cfg(feature = "store")))]
    #[must_use]
    pub fn store(mut self, store: Store) -> Self {
        self.store = Some(store);
        self
    }

    /// Keeps the files in the root when they are in the store too (default: they are removed, so that the
    /// disk does not fill and each event is in one place).
    #[cfg(feature = "store")]
    #[cfg_attr(docsrs, doc(cfg(feature = "store")))]
    #[must_use]
    pub const fn keep_local(mut self, keep: bool) -> Self {
        self.keep_local = keep;
        self
    }

    /// Sets whether the log's retention takes expired data out of the files below the root (default true).
    /// It goes by the policy and the legal holds of this log, for every file there, whoever wrote it.
    ///
    /// It knows no holds of another log: switch it off where another one, with a policy or holds of its own, looks
    /// after the same root. Objects in a store it does not reach.
    #[must_use]
    pub const fn enforce_retention(mut self, enforce: bool) -> Self {
        self.enforce_retention = enforce;
        self
    }

    /// Returns the directory.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// # Errors
    ///
    /// When a limit is out of its range.
    pub(super) fn check(&self) -> Result<(), Error> {
        let wrong = |what: String| {
            let root = self.root.display();
            Err(Error::configuration(format!(
                "Parquet directory `{root}`: {what}"
            )))
        };
        if self.file_max_bytes < MIN_FILE_MAX_BYTES {
            return wrong(format!(
                "file_max_bytes is {}, below {MIN_FILE_MAX_BYTES}",
                self.file_max_bytes
            ));
        }
        if self.file_max_age < MIN_FILE_MAX_AGE {
            return wrong(format!(
                "file_max_age is {:?}, below {MIN_FILE_MAX_AGE:?}",
                self.file_max_age
            ));
        }
        Ok(())
    }
}
