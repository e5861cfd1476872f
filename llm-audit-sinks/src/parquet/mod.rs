//! Parquet: one table that Spark, Trino, DuckDB, Snowflake, polars and pyarrow read as it is.
//!
//! ```
//! use llm_audit_core::{Policy, Preset};
//! use llm_audit_sinks::ParquetSink;
//!
//! # let temp = tempfile::tempdir()?;
//! # let (journal, root) = (temp.path().join("journal"), temp.path().join("parquet"));
//! let audit = llm_audit_core::builder()
//!     .policy(Policy::preset(Preset::Operations)?)
//!     .journal(journal)
//!     .sink(ParquetSink::dir(root)?)
//!     .spawn()?;
//! # drop(audit);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! ```sql
//! SELECT date, model, sum(total_tokens) FROM 'parquet/v1/*/*.parquet' GROUP BY ALL;
//! SELECT prompt, response FROM 'parquet/v1/*/*.parquet' WHERE kind = 'interaction';
//! ```
//!
//! Use it with a journal: the sink calls an event durable only when the event's file is final, and
//! until then a program that is killed gets it again from the journal at its next start. Without a
//! journal those events are lost.
//!
//! # Format
//!
//! One row an event, one column a field of the catalogue, under the same names and with the types of
//! `docs/fields.md`; times are in UTC with microseconds, identifiers are text. Messages and other
//! records are nested lists, maps are maps. NULL is absent; the column `absent` beside it says why.
//! Four columns come on top: `model`, `prompt` and `response`, which follow from the others, and
//! `unknown`, the JSON of members that this version does not know. Events read back are the events
//! that were written. [`ParquetFileName`] gives the grammar of the names. Directories have mode 0700
//! when the sink makes them, files 0600.
//!
//! Pages are compressed with zstd at level 3, save for columns without a value; row groups hold at most 16,384 events and 24 MiB of columns.
//! `user_id`, `session_id` and `trace_id` have bloom filters (1 % false answers). Smallest and largest
//! values are kept, in the footer and for each page, of single values that are neither content nor
//! personal data, and of nothing else: no byte of a prompt, an identity or metadata stands outside
//! the compressed pages of its column. The footer's key-value metadata says versions, policies,
//! writer, first and last number and the times of the file's events.
//!
//! # When it rolls
//!
//! A file becomes final, and visible, when it holds about [`ParquetConfig::file_max_bytes`], when its
//! first event came [`ParquetConfig::file_max_age`] ago, when the date of the events changes in UTC,
//! when another writer's events come, and at each flush and shutdown. So a host that flushes often
//! makes many small files; `flush` is for the moments at which everything must be on disk. Every
//! event is in the directory of its own date, also where midnight or a clock that was set back makes
//! small files of it. No byte of a final file is ever changed. With a journal, the log's retention takes what has
//! expired out of the files, by putting new ones in their places, and deletes those whose day is over
//! ([`ParquetConfig::enforce_retention`]).
//!
//! # Durability
//!
//! A file is written under a name of its own in `_inprogress`, row group by row group, each confirmed by
//! `fdatasync`; then it gets its name, and `fsync` of its directory confirms that. Only then do its
//! events count as delivered. With the default settings that is within ten minutes, and at once with
//! a flush.
//!
//! After a restart the journal brings again what was not known to be delivered. Events that are in
//! final files of their writer are recognised by their numbers and are not written a second time.
//! Unfinished files of programs that are gone are removed; those of other programs on the same root
//! are left alone.
//!
//! # On failure
//!
//! What the disk does not take stays in memory, a row group at most, and is tried again; meanwhile no
//! further event is taken. A file whose `fdatasync` failed is never asked again: what the disk had
//! confirmed of it is copied to another file, together with the rest. Should the encoder itself fail,
//! the sink takes nothing more, says so, and goes on after a restart.
//!
//! # Troubleshooting
//!
//! - *The report says that events are pending at the sink*: their file is not final yet. `flush` and
//!   `shutdown` make it so; give them a deadline that the disk can keep.
//! - *Many small files*: the host flushes often, or few events come; raise `file_max_age`.
//! - *`failed to read the range of` a file*: a final file of a writer whose log is being caught up with
//!   is damaged. Move it away; the journal brings its events again if it still has them.
//! - *A file is gone and its events do not come again*: they were delivered. Read them from the
//!   journal.

mod config;
#[cfg(test)]
mod contract;
mod decode;
mod encode;
mod file;
mod file_name;
mod maintenance;
mod page_sizes;
mod properties;
mod pruning;
mod reader;
mod row_groups;
mod schema;
mod staging;
#[cfg(feature = "store")]
mod stored;
mod summary;
#[cfg(test)]
mod tests;
#[cfg(feature = "store")]
mod upload;
mod writer;

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use llm_audit_core::upkeep::Upkeep;
use llm_audit_core::{Batch, Durable, Error, Sink, SinkError, SinkLimits};

pub use config::ParquetConfig;
pub use file_name::ParquetFileName;
pub use maintenance::{Compaction, CompactionOptions, compact};
pub use reader::ParquetReader;
#[cfg(feature = "store")]
use upload::Uploads;
use writer::RootWriter;

/// Writes events as Parquet files, a directory for each date.
///
/// The [module's page](self) says what is written where, and what happens when that fails.
///
/// # Examples
///
/// ```
/// use llm_audit_core::Sink;
/// use llm_audit_sinks::ParquetSink;
///
/// # let temp = tempfile::tempdir()?;
/// # let root = temp.path();
/// assert_eq!(ParquetSink::dir(root)?.name(), "parquet");
/// assert_eq!(ParquetSink::dir(root)?.named("lake").name(), "lake");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct ParquetSink {
    name: String,
    writer: RootWriter,
    #[cfg(feature = "store")]
    uploads: Option<Uploads>,
}

impl ParquetSink {
    /// Returns a sink named `parquet` that writes below the directory `root`, which is created when
    /// it is not there. It must not be the journal's.
    ///
    /// # Errors
    ///
    /// When the directory cannot be used.
    pub fn dir(root: impl Into<PathBuf>) -> Result<Self, Error> {
        Self::with(ParquetConfig::new(root))
    }

    /// Returns a sink named `parquet` that writes as `config` says.
    ///
    /// # Errors
    ///
    /// When a limit is out of its range, or the directory or the store cannot be used.
    pub fn with(config: ParquetConfig) -> Result<Self, Error> {
        let writer = RootWriter::new(config)?;
        Ok(Self {
            name: "parquet".to_owned(),
            #[cfg(feature = "store")]
            uploads: Uploads::of(&writer)?,
            writer,
        })
    }

    /// Returns the sink with another name: what reports, `loss` events and the policy's rules for
    /// sinks call it.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }
}

#[async_trait]
impl Sink for ParquetSink {
    fn name(&self) -> &str {
        &self.name
    }

    // The thread is the sink's own: to block it delays nobody else.
    async fn write(&mut self, batch: &Batch) -> Result<Durable, SinkError> {
        #[cfg(feature = "store")]
        if let Some(uploads) = &mut self.uploads {
            return uploads.write(&mut self.writer, batch).await;
        }
        self.writer.write(batch)
    }

    async fn flush(&mut self) -> Result<Durable, SinkError> {
        #[cfg(feature = "store")]
        if let Some(uploads) = &mut self.uploads {
            return uploads.confirm(&mut self.writer).await;
        }
        self.writer.confirm()
    }

    async fn shutdown(&mut self) -> Result<Durable, SinkError> {
        #[cfg(feature = "store")]
        if let Some(uploads) = &mut self.uploads {
            let durable = uploads.confirm(&mut self.writer).await?;
            self.writer.close()?;
            return Ok(durable);
        }
        self.writer.close()
    }

    fn limits(&self) -> SinkLimits {
        self.writer.limits()
    }

    fn directory(&self) -> Option<&Path> {
        Some(self.writer.root())
    }

    fn upkeep(&self) -> Option<Box<dyn Upkeep>> {
        self.writer.upkeep()
    }
}
