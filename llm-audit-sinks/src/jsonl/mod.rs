//! JSON Lines: a second directory, standard output, or any writer.
//!
//! The journal is a JSON Lines log already, so a program that wants its log as files needs no sink:
//! `builder().journal(dir)` writes it. [`JsonlSink`] is for a copy: in a directory of its own, where
//! another program collects it, or on standard output, where a container's log driver does.
//!
//! ```
//! use llm_audit_core::{Policy, Preset};
//! use llm_audit_sinks::JsonlSink;
//!
//! # let temp = tempfile::tempdir()?;
//! # let (journal, copy) = (temp.path().join("journal"), temp.path().join("copy"));
//! let audit = llm_audit_core::builder()
//!     .policy(Policy::preset(Preset::Operations)?)
//!     .journal(journal)
//!     .sink(JsonlSink::dir(copy)?.named("collector"))
//!     .spawn()?;
//! # drop(audit);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Format
//!
//! UTF-8, one event a line, each line a compact JSON object as `docs/event.schema.json` describes
//! it. The lines are those of the journal without the member `crc`, which guards the journal's own
//! bytes and would say nothing about a copy. A directory has mode 0700 when the sink makes it, its
//! files have mode 0600; [`JsonlFileName`] gives the grammar of their names. Reading them back needs
//! nothing of this crate: [`llm_audit_core::journal::Reader`] opens such a directory, or one file of
//! it, and so does everything that reads JSON Lines.
//!
//! # When it rolls
//!
//! A new file begins with each start of the program, when a batch would make the file longer than
//! [`JsonlConfig::file_max_bytes`], and when the events' date in UTC changes. A batch is never
//! divided, so what was recorded in the same moment as midnight may stand in either file. The sink
//! never appends to a file of an earlier start. With a journal, the log's retention takes what has
//! expired out of files that are not written to any more, and deletes those of which everything has;
//! where another program takes the files away, [`JsonlConfig::enforce_retention`] leaves it to that.
//!
//! # Durability
//!
//! In a directory, an event counts as delivered once `fdatasync` of its file, and for a new file
//! `fsync` of the directory, have returned. The sink asks for that when a second has passed or 1 MiB
//! has come since it last did, and at each flush and shutdown; until then an event counts as
//! pending. On a stream, an event counts as delivered once the stream's `flush` has returned after
//! it: what that is worth is for the stream to say. A pipe's reader may still lose it.
//!
//! # On failure
//!
//! What could not be written is cut off again, so that no reader finds half a line, and is written
//! again later: the pause between tries grows. Without a journal, what is not taken in twelve tries or
//! ten minutes is a loss of this sink, with a `loss` event that names it. A file whose `fdatasync` failed is
//! never trusted again: what the disk had not confirmed is written again to a new file. So an event
//! may stand in two files; `writer_id` and `seq` tell that it is the same. A crash may leave half a
//! line at the end of a file. No later start appends to it, and the reader reports it and goes on.
//! A stream cannot be cut back: there an unfinished line is finished by the next try. When the
//! reader of a pipe is gone, the sink rests, and the diagnostics hook is told
//! [`SinkMisconfigured`](llm_audit_core::DiagnosticKind::SinkMisconfigured): with a journal the events
//! wait there for a start with a reader, without one they wait in memory until there is no room.
//!
//! # Troubleshooting
//!
//! - *`sink jsonl has the journal's directory`*: leave the sink out, the journal is that log; or
//!   give it a directory of its own.
//! - *`two sinks have the name jsonl`*: name one of them with [`JsonlSink::named`].
//! - *The report says that events are pending at the sink*: the disk did not confirm in time; give
//!   `shutdown` a longer timeout.
//! - *Events stop coming after a file was deleted by hand*: the sink goes on writing to the deleted
//!   file until it rolls. Delete files of earlier starts or dates only.
//! - *Lines of the program's own output stand between events on standard output*: use a directory,
//!   or print elsewhere.

mod config;
#[cfg(test)]
mod contract;
mod file_name;
mod stream;
#[cfg(test)]
mod tests;
mod upkeep;
mod writer;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use llm_audit_core::upkeep::Upkeep;
use llm_audit_core::{Batch, Durable, Error, Sink, SinkError};

pub use config::JsonlConfig;
pub use file_name::JsonlFileName;
use stream::StreamWriter;
use writer::DirWriter;

/// Writes events as JSON Lines to a second directory, to standard output, or to any writer.
///
/// The [module's page](self) says what is written where, and what happens when that fails.
/// # Examples
///
/// ```
/// use llm_audit_core::Sink;
/// use llm_audit_sinks::JsonlSink;
///
/// assert_eq!(JsonlSink::stdout().name(), "stdout");
/// assert_eq!(JsonlSink::writer(Vec::new()).named("copy").name(), "copy");
/// ```
#[derive(Debug)]
pub struct JsonlSink {
    name: String,
    target: Target,
}

#[derive(Debug)]
enum Target {
    Dir(DirWriter),
    Stream(StreamWriter),
}

impl JsonlSink {
    /// Returns a sink named `jsonl` that writes files to the directory `path`, which is created
    /// when it is not there. It must not be the journal's.
    ///
    /// # Errors
    ///
    /// When the directory cannot be created.
    pub fn dir(path: impl Into<PathBuf>) -> Result<Self, Error> {
        Self::with(JsonlConfig::new(path))
    }

    /// Returns a sink named `jsonl` that writes files as `config` says.
    ///
    /// # Errors
    ///
    /// When a limit is out of its range or the directory cannot be created.
    pub fn with(config: JsonlConfig) -> Result<Self, Error> {
        Ok(Self {
            name: "jsonl".to_owned(),
            target: Target::Dir(DirWriter::new(config)?),
        })
    }

    /// Returns a sink named `stdout` that writes to standard output.
    pub fn stdout() -> Self {
        Self::writer(io::stdout()).named("stdout")
    }

    /// Returns a sink named `jsonl` that writes to `writer` and flushes it after each batch.
    pub fn writer(writer: impl Write + Send + 'static) -> Self {
        Self {
            name: "jsonl".to_owned(),
            target: Target::Stream(StreamWriter::new(writer)),
        }
    }

    /// Returns the sink with another name: what reports, `loss` events and the policy's rules for
    /// sinks call it.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    fn confirm(&mut self) -> Result<Durable, SinkError> {
        match &mut self.target {
            Target::Dir(dir) => dir.confirm(),
            Target::Stream(stream) => stream.confirm(),
        }
    }
}

#[async_trait]
impl Sink for JsonlSink {
    fn name(&self) -> &str {
        &self.name
    }

    // The thread is the sink's own: to block it delays nobody else.
    async fn write(&mut self, batch: &Batch) -> Result<Durable, SinkError> {
        match &mut self.target {
            Target::Dir(dir) => dir.write(batch),
            Target::Stream(stream) => stream.write(batch),
        }
    }

    async fn flush(&mut self) -> Result<Durable, SinkError> {
        self.confirm()
    }

    async fn shutdown(&mut self) -> Result<Durable, SinkError> {
        self.confirm()
    }

    fn directory(&self) -> Option<&Path> {
        match &self.target {
            Target::Dir(dir) => Some(dir.dir()),
            Target::Stream(_) => None,
        }
    }

    fn upkeep(&self) -> Option<Box<dyn Upkeep>> {
        match &self.target {
            Target::Dir(dir) => dir.upkeep(),
            Target::Stream(_) => None,
        }
    }
}
