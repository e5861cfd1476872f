//! Where events go besides the journal.

use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;

use crate::batch::Batch;
use crate::id::WriterId;
use crate::upkeep::Upkeep;

/// An output of the log.
///
/// Each sink has a thread and a current-thread runtime of its own, so it may wait as long as it
/// needs to: it delays neither the host, nor the journal, nor another sink. Events that it records
/// through the log are not written, they would feed back on themselves.
///
/// # Contract
///
/// - Calls come one after the other, never two at a time; a batch holds events of one writer, and
///   one writer's batches come in the order of their numbers, save that an event may come again
///   after a failure or a restart. Receivers tell repeated events by (writer id, number).
/// - With a journal, a sink that was away gets what it missed, also what earlier starts wrote:
///   first the events of writers that ended, then those of this start. Before the first batch of
///   another writer the sink is flushed, so that it holds one writer's events at a time.
/// - [`write`](Self::write) takes a batch as a whole or says in its error what it did not take.
/// - What a call returns as [`Durable`] is a promise: those events outlive this process. Events
///   that were taken and are not durable yet count as pending.
/// - A future may be dropped at any await when the log shuts down and its timeout has passed.
/// - A panic is a failed try.
/// - Errors and names hold no content and no credentials: they are shown to operators.
///
/// # Examples
///
/// ```
/// use llm_audit_core::{Batch, Durable, Sink, SinkError};
///
/// #[derive(Debug, Default)]
/// struct Lines(Vec<u8>);
///
/// #[async_trait::async_trait]
/// impl Sink for Lines {
///     fn name(&self) -> &str {
///         "lines"
///     }
///
///     async fn write(&mut self, batch: &Batch) -> Result<Durable, SinkError> {
///         self.0.extend_from_slice(batch.json_lines());
///         Ok(Durable::up_to(batch.last_seq()))
///     }
///
///     async fn flush(&mut self) -> Result<Durable, SinkError> {
///         Ok(Durable::UNCHANGED)
///     }
///
///     async fn shutdown(&mut self) -> Result<Durable, SinkError> {
///         Ok(Durable::UNCHANGED)
///     }
/// }
/// # assert_eq!(Lines::default().name(), "lines");
/// ```
#[async_trait]
pub trait Sink: Send + 'static {
    /// Returns the sink's name in reports, counters and `loss` events; it is unique within a log
    /// and stays the same from start to start.
    fn name(&self) -> &str;

    /// Takes a batch, and returns what is durable by now.
    ///
    /// # Errors
    ///
    /// When the batch was not taken, or not as a whole; the error says whether to try again.
    async fn write(&mut self, batch: &Batch) -> Result<Durable, SinkError>;

    /// Makes durable what was taken, as far as the sink can, and returns what is.
    ///
    /// # Errors
    ///
    /// When that failed; the report of the flush then says so.
    async fn flush(&mut self) -> Result<Durable, SinkError>;

    /// Makes durable what was taken and gives back what the sink holds; no call follows.
    ///
    /// # Errors
    ///
    /// When that failed; what is not durable is then a loss.
    async fn shutdown(&mut self) -> Result<Durable, SinkError>;

    /// Returns how large a batch the sink takes, and when it is flushed.
    fn limits(&self) -> SinkLimits {
        SinkLimits::default()
    }

    /// Returns the directory of this machine that the sink writes files to, if any: it must not be
    /// the journal's.
    #[doc(hidden)]
    fn directory(&self) -> Option<&Path> {
        None
    }

    /// Returns what takes expired data out of the files that the sink keeps. The log's retention calls
    /// it, with a journal.
    #[doc(hidden)]
    fn upkeep(&self) -> Option<Box<dyn Upkeep>> {
        None
    }
}

#[async_trait]
impl<S: Sink + ?Sized> Sink for Box<S> {
    fn name(&self) -> &str {
        (**self).name()
    }

    async fn write(&mut self, batch: &Batch) -> Result<Durable, SinkError> {
        (**self).write(batch).await
    }

    async fn flush(&mut self) -> Result<Durable, SinkError> {
        (**self).flush().await
    }

    async fn shutdown(&mut self) -> Result<Durable, SinkError> {
        (**self).shutdown().await
    }

    fn limits(&self) -> SinkLimits {
        (**self).limits()
    }

    fn directory(&self) -> Option<&Path> {
        (**self).directory()
    }

    fn upkeep(&self) -> Option<Box<dyn Upkeep>> {
        (**self).upkeep()
    }
}

/// What a sink asks of the log.
///
/// # Examples
///
/// ```
/// use llm_audit_core::SinkLimits;
///
/// let limits = SinkLimits::default().max_batch_bytes(256 << 10);
/// assert_eq!(limits.max_batch_events, 512);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SinkLimits {
    /// The most events of a batch (default 512).
    pub max_batch_events: usize,
    /// The most bytes of JSON Lines of a batch (default 1 MiB). An event that alone is longer comes
    /// alone.
    pub max_batch_bytes: usize,
    /// How long after the last batch a sink without further events is flushed (default 5 seconds),
    /// so that what it took does not stay pending.
    pub idle_flush: Duration,
}

const MAX_BATCH_EVENTS: usize = 512;
const MAX_BATCH_BYTES: usize = 1 << 20;
const IDLE_FLUSH: Duration = Duration::from_secs(5);

impl SinkLimits {
    /// Returns the limits with another number of events; a batch has at least one.
    #[must_use]
    pub const fn max_batch_events(mut self, events: usize) -> Self {
        self.max_batch_events = events;
        self
    }

    /// Returns the limits with another number of bytes.
    #[must_use]
    pub const fn max_batch_bytes(mut self, bytes: usize) -> Self {
        self.max_batch_bytes = bytes;
        self
    }

    /// Returns the limits with another time until an idle sink is flushed.
    #[must_use]
    pub const fn idle_flush(mut self, after: Duration) -> Self {
        self.idle_flush = after;
        self
    }
}

impl Default for SinkLimits {
    fn default() -> Self {
        Self {
            max_batch_events: MAX_BATCH_EVENTS,
            max_batch_bytes: MAX_BATCH_BYTES,
            idle_flush: IDLE_FLUSH,
        }
    }
}

/// What outlives this process at a sink.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Durable {
    /// Every event taken with this number or a lower one is durable; `None` says nothing new.
    pub up_to: Option<u64>,
    /// The writer whose events these are; `None` is the writer of the last batch that the sink was
    /// given.
    pub writer_id: Option<WriterId>,
}

impl Durable {
    /// Nothing more than was said before.
    pub const UNCHANGED: Self = Self {
        up_to: None,
        writer_id: None,
    };

    /// Returns that every event taken with number `seq` or a lower one is durable, of the writer of
    /// the last batch that the sink was given.
    pub const fn up_to(seq: u64) -> Self {
        Self {
            up_to: Some(seq),
            writer_id: None,
        }
    }

    /// Returns the same of the events of `writer_id`: for a sink that makes batches durable later,
    /// when it may have been given another writer's.
    #[must_use]
    pub const fn of(mut self, writer_id: WriterId) -> Self {
        self.writer_id = Some(writer_id);
        self
    }
}

/// How soon a sink notices that it was mended.
const UNTIL_MENDED: Duration = Duration::from_secs(60);

/// Why a sink did not take a batch, and what to do about it.
///
/// Its message holds neither content nor credentials: it is shown to operators.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct SinkError {
    remedy: Remedy,
    from: Option<u64>,
    after: Option<Duration>,
    message: String,
}

#[derive(Clone, Debug)]
pub(crate) enum Remedy {
    Retry,
    /// As `Retry`, and only somebody's doing helps.
    Mend,
    Reject(Vec<u64>),
    Permanent,
}

impl SinkError {
    /// Returns an error after which the same batch is tried again, with growing pauses.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use llm_audit_core::SinkError;
    ///
    /// // Events before number 17 were taken; the server asks for a pause of two seconds.
    /// let error = SinkError::retry("the server answered 429")
    ///     .from_seq(17)
    ///     .after(Duration::from_secs(2));
    /// assert!(error.is_retry());
    /// ```
    pub fn retry(message: impl Into<String>) -> Self {
        Self::new(Remedy::Retry, message)
    }

    /// Returns an error that lasts until somebody mends what it names: credentials, an address, a
    /// certificate.
    ///
    /// It is told as [`DiagnosticKind::SinkMisconfigured`](crate::DiagnosticKind::SinkMisconfigured).
    /// The same batch is tried again each minute and when a flush is asked for, and never given up
    /// because of it.
    ///
    /// # Examples
    ///
    /// ```
    /// use llm_audit_core::SinkError;
    ///
    /// let error = SinkError::misconfigured("the server answered 401: renew the token");
    /// assert!(error.is_retry() && error.is_misconfigured());
    /// ```
    pub fn misconfigured(message: impl Into<String>) -> Self {
        Self::new(Remedy::Mend, message)
    }

    /// Returns an error of a batch that was taken save for the events numbered `seqs`: those are
    /// lost to this sink.
    pub fn reject(seqs: impl IntoIterator<Item = u64>, message: impl Into<String>) -> Self {
        Self::new(Remedy::Reject(seqs.into_iter().collect()), message)
    }

    /// Returns an error of a batch that will never be taken as it is. Its halves are tried, and
    /// theirs, until the events that the sink does not take are found: those are lost to it.
    pub fn permanent(message: impl Into<String>) -> Self {
        Self::new(Remedy::Permanent, message)
    }

    /// Returns the error, saying that of the events with numbers below `seq` all were taken that it
    /// does not reject; they are not written again. Otherwise the error is about those from `seq` on:
    /// they are tried again, or will never be taken as they are. What [`SinkError::reject`] does not
    /// get to is tried again.
    ///
    /// # Examples
    ///
    /// ```
    /// use llm_audit_core::SinkError;
    ///
    /// // 10 to 16 were taken save 12; then the connection broke.
    /// let error = SinkError::reject([12], "12 is too long, then a reset").from_seq(17);
    /// assert_eq!(error.rejected(), [12]);
    /// ```
    #[must_use]
    pub const fn from_seq(mut self, seq: u64) -> Self {
        self.from = Some(seq);
        self
    }

    /// Returns the error, asking for a pause of at least `pause` (at most five minutes) before the
    /// next write, be it of these events or of others.
    #[must_use]
    pub const fn after(mut self, pause: Duration) -> Self {
        self.after = Some(pause);
        self
    }

    /// Returns whether the batch is tried again.
    pub const fn is_retry(&self) -> bool {
        matches!(self.remedy, Remedy::Retry | Remedy::Mend)
    }

    /// Returns whether somebody has to mend something first.
    pub const fn is_misconfigured(&self) -> bool {
        matches!(self.remedy, Remedy::Mend)
    }

    /// Returns the numbers of the events that were turned away, or an empty slice when the error
    /// concerns the batch as a whole.
    pub fn rejected(&self) -> &[u64] {
        match &self.remedy {
            Remedy::Reject(seqs) => seqs,
            _ => &[],
        }
    }

    pub(crate) const fn remedy(&self) -> &Remedy {
        &self.remedy
    }

    /// Returns the number from which on the error speaks of the events, if it took a part.
    pub(crate) const fn from(&self) -> Option<u64> {
        self.from
    }

    /// Returns the pause that the sink asks for; zero is none.
    pub(crate) fn asked_pause(&self) -> Duration {
        self.after.unwrap_or_default()
    }

    /// Returns the least pause when nobody is in a hurry; zero is none.
    pub(crate) fn pause(&self) -> Duration {
        let own = match self.remedy {
            Remedy::Mend => UNTIL_MENDED,
            _ => Duration::ZERO,
        };
        self.after.unwrap_or(own)
    }

    fn new(remedy: Remedy, message: impl Into<String>) -> Self {
        Self {
            remedy,
            from: None,
            after: None,
            message: message.into(),
        }
    }
}
