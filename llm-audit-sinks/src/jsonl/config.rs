//! How a directory of JSON Lines is kept.

use std::path::{Path, PathBuf};

use llm_audit_core::Error;

const DEFAULT_FILE_MAX_BYTES: u64 = 64 << 20;
const MIN_FILE_MAX_BYTES: u64 = 64 << 10;

/// Where a [`JsonlSink`](super::JsonlSink) puts its files and how large they become.
///
/// # Examples
///
/// ```
/// use llm_audit_sinks::jsonl::JsonlConfig;
///
/// let config = JsonlConfig::new("/var/log/app/copy").file_max_bytes(256 << 20);
/// assert_eq!(config.dir().to_str(), Some("/var/log/app/copy"));
/// ```
#[derive(Clone, Debug)]
pub struct JsonlConfig {
    pub(super) dir: PathBuf,
    pub(super) file_max_bytes: u64,
    pub(super) enforce_retention: bool,
    pub(super) enforce_on_others: bool,
    pub(super) on_share: bool,
}

impl JsonlConfig {
    /// Returns the configuration of a sink that writes to the directory `dir`.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            file_max_bytes: DEFAULT_FILE_MAX_BYTES,
            enforce_retention: true,
            enforce_on_others: false,
            on_share: false,
        }
    }

    /// Begins a new file before one holds more than this many bytes (default 64 MiB; at least
    /// 64 KiB). A file is longer only when one batch alone is.
    #[must_use]
    pub const fn file_max_bytes(mut self, bytes: u64) -> Self {
        self.file_max_bytes = bytes;
        self
    }

    /// Sets whether the log's retention takes expired data out of the files in the directory (default true).
    /// It goes by the policy and the legal holds of this log.
    ///
    /// Switch it off where another program takes the files away, or takes a file that is written anew, and
    /// so has another inode, for a new one.
    #[must_use]
    pub const fn enforce_retention(mut self, enforce: bool) -> Self {
        self.enforce_retention = enforce;
        self
    }

    /// Sets whether that includes what other logs wrote to the directory (default false: only events of
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
    /// Locks may be one machine's own there, depending on how it is mounted. Two machines would write one file anew at once, and one would take away what the other writes to. So give
    /// each machine a directory of its own, which it alone looks after. On Linux alone this is looked at.
    #[must_use]
    pub const fn on_share(mut self, allowed: bool) -> Self {
        self.on_share = allowed;
        self
    }

    /// Returns the directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// # Errors
    ///
    /// When a limit is out of its range.
    pub(super) fn check(&self) -> Result<(), Error> {
        if self.file_max_bytes < MIN_FILE_MAX_BYTES {
            return Err(Error::configuration(format!(
                "JSON Lines directory `{}`: file_max_bytes is {}, below {MIN_FILE_MAX_BYTES}",
                self.dir.display(),
                self.file_max_bytes
            )));
        }
        Ok(())
    }
}
