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
    pub(super) enforce_on_others: bool,
    pub(super) on_share: bool,
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
            enforce_on_others: false,
            on_share: false,
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
    /// The log's retention looks after the objects as it does after files, and so do its legal holds; what has
    /// expired while it waited in the root is not uploaded. [`compact`](super::compact) refuses such a root.
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

    /// Sets whether the log's retention takes expired data out of the files below the root, and out of the
    /// objects in the store (default true).
    /// It goes by the policy and the legal holds of this log.
    #[must_use]
    pub const fn enforce_retention(mut self, enforce: bool) -> Self {
        self.enforce_retention = enforce;
        self
    }

    /// Sets whether that includes what other logs wrote to the root and the store (default false: only events of
    /// writers that this log's journal has or had).
    ///
    /// This log does not know their holds, and goes by its own policy. Set it where it is the only one, and its
    /// journal is not there to stay, as in a container without a volume: nobody else would look after what
    /// earlier journals left. What has expired and is left for that is told by each run.
    #[must_use]
    pub const fn enforce_on_others(mut self, enforce: bool) -> Self {
        self.enforce_on_others = enforce;
        self
    }

    /// Sets whether the directory may be on NFS or SMB (default false: the sink is not made there).
    ///
    /// Locks may be one machine's own there, depending on how it is mounted. A start takes what another machine has not finished for a dead program's and deletes it, and two retentions
    /// or compactions at once can lose events. So give each machine a root of its own, which it alone looks after. On Linux alone this is looked at.
    #[must_use]
    pub const fn on_share(mut self, allowed: bool) -> Self {
        self.on_share = allowed;
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
