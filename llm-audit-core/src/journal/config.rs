//! How a journal is kept.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::holds::OwnHolds;
use super::line::MAX_LINE;
use crate::error::Error;
use crate::hold::Hold;
use crate::retention::{Retention, Retentions};

const DEFAULT_SEGMENT_MAX_BYTES: u64 = 64 << 20;
const DEFAULT_SEGMENT_MAX_AGE: Duration = Duration::from_secs(24 * 60 * 60);
const DEFAULT_MAX_EVENT_BYTES: usize = 8 << 20;
const DEFAULT_SYNC_LINGER: Duration = Duration::from_millis(2);
const MAX_SYNC_LINGER: Duration = Duration::from_secs(1);
const MIN_SEGMENT_MAX_BYTES: u64 = 64 << 10;
const MIN_SEGMENT_MAX_AGE: Duration = Duration::from_secs(1);
const MIN_MAX_EVENT_BYTES: usize = 4 << 10;

/// Where a journal is and how it is kept.
///
/// # Examples
///
/// ```
/// use llm_audit_core::{Retention, journal::JournalConfig};
///
/// let config = JournalConfig::keep("/var/log/app/audit", Retention::Days90)
///     .segment_max_bytes(16 << 20);
/// assert_eq!(config.retention(), Some(Retention::Days90));
/// ```
#[derive(Clone)]
pub struct JournalConfig {
    pub(crate) dir: PathBuf,
    pub(crate) keep: Keep,
    /// How long a spool keeps what sinks refused, and what was damaged.
    aside: Retention,
    /// Those of the policy, where it says so of single facets.
    retentions: Option<Retentions>,
    /// Those of the policy; what is held at run time is in the directory.
    pub(super) holds: OwnHolds,
    pub(crate) segment_max_bytes: u64,
    pub(crate) segment_max_age: Duration,
    pub(crate) max_event_bytes: usize,
    pub(crate) sync_linger: Duration,
    pub(super) min_free: Option<u64>,
    pub(super) on_share: bool,
    pub(crate) schema: &'static [u8],
    pub(crate) sync_thread: bool,
}

/// How long segments stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keep {
    /// The journal is the log.
    For(Retention),
    /// The journal only bridges the time until the sinks have the events.
    Spool,
}

impl JournalConfig {
    /// Returns the configuration of a journal in `dir` that is the log itself: segments stay until
    /// their newest event is older than `retention`.
    pub fn keep(dir: impl Into<PathBuf>, retention: Retention) -> Self {
        Self::new(dir.into(), Keep::For(retention))
    }

    /// Returns the configuration of a journal in `dir` that only holds events until every sink has
    /// them. What a sink refused stays for the retention of the policy.
    pub fn spool(dir: impl Into<PathBuf>) -> Self {
        Self::new(dir.into(), Keep::Spool)
    }

    /// Begins a new segment when one holds this many bytes (default 64 MiB; at least 64 KiB).
    ///
    /// A segment is longer only when one event alone is.
    #[must_use]
    pub const fn segment_max_bytes(mut self, bytes: u64) -> Self {
        self.segment_max_bytes = bytes;
        self
    }

    /// Begins a new segment when one is this old (default 24 hours; at least 1 second). The end of
    /// a date in UTC begins one too.
    #[must_use]
    pub const fn segment_max_age(mut self, age: Duration) -> Self {
        self.segment_max_age = age;
        self
    }

    /// Refuses an event whose JSON is longer (default 8 MiB; 4 KiB to 16 MiB less 18 bytes).
    #[must_use]
    pub const fn max_event_bytes(mut self, bytes: usize) -> Self {
        self.max_event_bytes = bytes;
        self
    }

    /// Synchronises so long after somebody began to wait for it, so that those who come meanwhile
    /// share one `fdatasync` (default 2 ms; at most 1 second).
    #[must_use]
    pub const fn sync_linger(mut self, linger: Duration) -> Self {
        self.sync_linger = linger;
        self
    }

    /// Stops writing events while the disk has fewer bytes free (default 64 MiB, or a twentieth of a
    /// smaller disk; 0 for no such limit).
    ///
    /// A full disk hurts the host more than a gap in its log. Events wait, then are lost and counted as
    /// `disk_budget`; the log's own events, which tell of it, are still written. Where the system does
    /// not tell how much is free, as on Windows, there is no limit.
    #[must_use]
    pub const fn min_free(mut self, bytes: u64) -> Self {
        self.min_free = Some(bytes);
        self
    }

    /// Sets whether the directory may be on NFS or SMB (default false: a log does not start there).
    ///
    /// Locks may be one machine's own there, depending on how it is mounted. So give each machine a
    /// directory of its own: a start takes a writer of another machine, whose lock it does not see, for
    /// dead, and completes its files. What counts as synced is what the server says is. On Linux alone
    /// this is looked at.
    #[must_use]
    pub const fn on_share(mut self, allowed: bool) -> Self {
        self.on_share = allowed;
        self
    }

    /// Returns the directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Returns how long segments stay, or `None` for a spool.
    pub const fn retention(&self) -> Option<Retention> {
        match self.keep {
            Keep::For(retention) => Some(retention),
            Keep::Spool => None,
        }
    }

    /// Sets how long a spool keeps what is set aside in it, as dead letters or in the quarantine.
    #[cfg(test)]
    #[must_use]
    pub(crate) const fn aside(mut self, retention: Retention) -> Self {
        self.aside = retention;
        self
    }

    /// Sets how long single facets are kept.
    #[must_use]
    pub(crate) fn retaining(mut self, retentions: Retentions) -> Self {
        self.retentions = Some(retentions);
        self
    }

    /// Sets what is held for as long as the process runs.
    #[must_use]
    pub(crate) fn holding(mut self, holds: Vec<Hold>) -> Self {
        self.holds = OwnHolds::new(holds);
        self
    }

    /// Returns how long events stay that are in no sink's way, and of them which facets for less.
    pub(super) fn retentions(&self) -> Retentions {
        let whole = match self.keep {
            Keep::For(retention) => retention,
            Keep::Spool => self.aside,
        };
        let own = self.retentions.clone();
        own.unwrap_or_else(|| Retentions::all(whole))
    }

    pub(super) const fn is_spool(&self) -> bool {
        matches!(self.keep, Keep::Spool)
    }

    /// Sets the JSON Schema that is put beside the events as `schema.json`.
    #[must_use]
    pub(crate) const fn schema(mut self, json: &'static [u8]) -> Self {
        self.schema = json;
        self
    }

    /// Sets whether a thread synchronises; without, only those who wait do, on their own thread.
    #[cfg(test)]
    #[must_use]
    pub(crate) const fn sync_thread(mut self, on: bool) -> Self {
        self.sync_thread = on;
        self
    }

    /// # Errors
    ///
    /// When a limit is out of its range.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let most = MAX_LINE - super::line::OVERHEAD;
        let days = self.retention().and_then(Retention::days);
        let problem = if days.is_some_and(|days| Retention::from_days(days).is_err()) {
            "retention is not between 1 and 36500 days"
        } else if self.segment_max_bytes < MIN_SEGMENT_MAX_BYTES {
            "segment_max_bytes is below 65536"
        } else if self.segment_max_age < MIN_SEGMENT_MAX_AGE {
            "segment_max_age is below one second"
        } else if !(MIN_MAX_EVENT_BYTES..=most).contains(&self.max_event_bytes) {
            "max_event_bytes is not between 4096 and 16777198"
        } else if self.sync_linger > MAX_SYNC_LINGER {
            "sync_linger is above one second"
        } else {
            return Ok(());
        };
        Err(Error::configuration(format!(
            "journal `{}`: {problem}",
            self.dir.display()
        )))
    }

    fn new(dir: PathBuf, keep: Keep) -> Self {
        Self {
            dir,
            keep,
            aside: Retention::Forever,
            retentions: None,
            holds: OwnHolds::default(),
            segment_max_bytes: DEFAULT_SEGMENT_MAX_BYTES,
            segment_max_age: DEFAULT_SEGMENT_MAX_AGE,
            max_event_bytes: DEFAULT_MAX_EVENT_BYTES,
            sync_linger: DEFAULT_SYNC_LINGER,
            min_free: None,
            on_share: false,
            schema: b"",
            sync_thread: true,
        }
    }
}

/// Without the schema, which is long and always the same.
impl fmt::Debug for JournalConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JournalConfig")
            .field("dir", &self.dir)
            .field("keep", &self.keep)
            .field("segment_max_bytes", &self.segment_max_bytes)
            .field("segment_max_age", &self.segment_max_age)
            .field("max_event_bytes", &self.max_event_bytes)
            .field("sync_linger", &self.sync_linger)
            .field("min_free", &self.min_free)
            .field("on_share", &self.on_share)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_in_range() {
        JournalConfig::spool("/d").check().unwrap();
    }

    #[test]
    fn a_retention_that_keeps_nothing_is_refused() {
        let error = JournalConfig::keep("/d", Retention::Days(0))
            .check()
            .unwrap_err();
        assert!(error.to_string().contains("1 and 36500"), "{error}");
    }

    #[test]
    fn each_limit_has_a_range_that_the_error_names() {
        let config = || JournalConfig::spool("/d");
        for (config, word) in [
            (config().segment_max_bytes(1), "segment_max_bytes"),
            (config().segment_max_age(Duration::ZERO), "segment_max_age"),
            (config().max_event_bytes(1), "max_event_bytes"),
            (config().max_event_bytes(MAX_LINE), "16777198"),
            (config().sync_linger(Duration::MAX), "sync_linger"),
        ] {
            let error = config.check().unwrap_err();
            assert!(
                error.is_configuration() && error.to_string().contains(word),
                "{error}"
            );
        }
        let most = MAX_LINE - super::super::line::OVERHEAD;
        assert_eq!(most, 16_777_198);
        config().max_event_bytes(most).check().unwrap();
    }
}
