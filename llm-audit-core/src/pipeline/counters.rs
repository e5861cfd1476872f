//! What became of the events, in numbers.

use std::fmt;
use std::time::Duration;

use crate::inspect::InspectorCounters;

macro_rules! loss_reasons {
    ($($(#[$doc:meta])* $variant:ident $name:literal,)+) => {
        /// Why an event is missing.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        #[non_exhaustive]
        pub enum LossReason {
            $($(#[$doc])* $variant,)+
        }

        impl LossReason {
            /// Every reason.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// Returns the name in `loss` events and in reports.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }
        }
    };
}

loss_reasons! {
    /// The queue held as many events as it may.
    QueueFull "queue_full",
    /// The queue and the open interactions held as many bytes as they may.
    MemoryBudget "memory_budget",
    /// The disk had less room than the log is to leave free.
    DiskBudget "disk_budget",
    /// The disk was full.
    Enospc "enospc",
    /// The operating system refused to write.
    IoError "io_error",
    /// The end of a file was incomplete after a crash.
    TornTail "torn_tail",
    /// Stored bytes were damaged.
    Corruption "corruption",
    /// The process ended before the event was written.
    ProcessCrash "process_crash",
    /// The log was shut down before the event was written or delivered.
    ShutdownDeadline "shutdown_deadline",
    /// The event was recorded in a forked child through the parent's log.
    Forked "forked",
    /// The event could not be sealed or encoded.
    EncodeError "encode_error",
    /// The sink turned the event away.
    SinkRejected "sink_rejected",
    /// The sink did not take the event in as many tries, or as long a time, as it had.
    SinkExpired "sink_expired",
}

impl fmt::Display for LossReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Numbers of events by the reason of their loss.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LossCounts([u64; LossReason::ALL.len()]);

impl LossCounts {
    /// Returns how many events were lost for `reason`.
    pub fn get(&self, reason: LossReason) -> u64 {
        self.0.get(reason as usize).copied().unwrap_or(0)
    }

    /// Returns how many events were lost.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Returns each reason that has a number above zero, with its number.
    pub fn iter(&self) -> impl Iterator<Item = (LossReason, u64)> {
        let pairs = LossReason::ALL.iter().copied().zip(self.0);
        pairs.filter(|(_, count)| *count > 0)
    }

    pub(crate) fn add(&mut self, reason: LossReason, count: u64) {
        if let Some(slot) = self.0.get_mut(reason as usize) {
            *slot += count;
        }
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        for (slot, count) in self.0.iter_mut().zip(other.0) {
            *slot += count;
        }
    }
}

/// Prints the sum, and each reason with its number: `lost 2 (queue_full 1, enospc 1)`.
impl fmt::Display for LossCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "lost {}", self.total())?;
        let mut before = " (";
        for (reason, count) in self.iter() {
            write!(f, "{before}{reason} {count}")?;
            before = ", ";
        }
        f.write_str(if before == ", " { ")" } else { "" })
    }
}

/// The ledger of a log: what became of every event that the host handed in, since the start.
///
/// At any moment `admitted = written + lost + pending`, and for each sink
/// `written + inherited = delivered + lost + pending`. Events of the log itself (starts, changes, losses) are
/// counted apart, in `own_written` and `own_lost`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Events that the host handed in, also those that were turned away.
    pub admitted: u64,
    /// Events that the journal's write took; without a journal, events handed to the sinks.
    pub written: u64,
    /// Events that are missing from the log, by reason.
    pub lost_by_reason: LossCounts,
    /// Events on their way.
    pub pending: u64,
    /// Events of the log itself that were written.
    pub own_written: u64,
    /// Events of the log itself that are missing.
    pub own_lost: u64,
    /// Events that a sink or a diagnostics hook tried to record. They would feed back on
    /// themselves, so they are no events of the host: they get no number and are not written.
    pub reentrant: u64,
    /// Bytes of the memory budget that open interactions and events on their way take.
    pub memory_bytes: u64,
    /// Those of them that events on their way to the journal take: the queue.
    pub queue_bytes: u64,
    /// Values that could not be redacted, and so were left out of their events: a detector failed,
    /// or the budget was spent. The events say so, and the diagnostics hook was told.
    pub withheld: u64,
    /// Time that policy, redaction and inspectors have taken, on the log's own thread.
    pub redaction: Duration,
    /// The highest number such that everything written up to it survives a power cut; `None` when
    /// there is none, or no journal.
    pub synced_up_to: Option<u64>,
    /// Whether the journal could not be written, or not be synced, or not begin a segment, the last
    /// time. The diagnostics hook was told of it, and is told when it is over.
    pub is_degraded: bool,
    /// The ledger of each sink, in the order in which they were added.
    pub sinks: Vec<SinkCounters>,
    /// What became of the looks of each inspector, in the order in which they were added.
    pub inspectors: Vec<InspectorCounters>,
}

impl Counters {
    /// Returns how many events are missing from the log.
    pub fn lost(&self) -> u64 {
        self.lost_by_reason.total()
    }

    /// Returns the counters of the sink `name`.
    pub fn sink(&self, name: &str) -> Option<&SinkCounters> {
        self.sinks.iter().find(|sink| sink.name == name)
    }
}

/// Prints the ledger on one line, and each sink after it.
///
/// ```text
/// admitted 3 = written 2 + lost 1 (enospc 1) + pending 0; archive: delivered 2 + lost 0 + pending 0
/// ```
impl fmt::Display for Counters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "admitted {} = written {} + {} + pending {}",
            self.admitted, self.written, self.lost_by_reason, self.pending
        )?;
        for sink in &self.sinks {
            write!(
                f,
                "; {}: delivered {} + {} + pending {}",
                sink.name, sink.delivered, sink.lost_by_reason, sink.pending
            )?;
        }
        Ok(())
    }
}

/// The ledger of a sink.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SinkCounters {
    /// Name of the sink.
    pub name: String,
    /// Events that earlier starts wrote to the journal and did not bring to the sink. They are
    /// counted on the sink's thread, soon after the start.
    pub inherited: u64,
    /// Events that are durable at the sink.
    pub delivered: u64,
    /// Events that are missing at the sink, by reason.
    pub lost_by_reason: LossCounts,
    /// Events on their way to the sink, or there and not durable yet. With a journal they stay
    /// pending when the log ends, for the next start.
    pub pending: u64,
    /// Bytes of memory that events on their way to the sink take. With a journal there is a bound to
    /// them, and what is beyond waits in the files.
    pub memory_bytes: u64,
    /// Tries that failed, also those that were made good later.
    pub failures: u64,
    /// Events that the sink never took and that are kept in the journal's `dead-letters`. They are
    /// among the lost.
    pub dead_lettered: u64,
    /// The number of this log's events up to which the sink has everything, or a loss says why not.
    pub cursor: u64,
    /// How long ago the oldest pending event was recorded; zero when none is pending.
    pub lag: Duration,
    /// Whether the sink is asked.
    pub breaker: Breaker,
}

/// Whether a sink that keeps failing is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Breaker {
    /// It is.
    #[default]
    Closed,
    /// It failed several times in a row, and is left alone for a while.
    Open,
    /// After that while, one batch tries whether it is back.
    HalfOpen,
}

impl SinkCounters {
    /// Returns how many events are missing at the sink.
    pub fn lost(&self) -> u64 {
        self.lost_by_reason.total()
    }
}
