//! What a flush or a shutdown achieved.

use std::fmt;

use super::counters::Counters;

/// What a flush or a shutdown achieved, and what it did not.
///
/// Its numbers count from the start of the log: a loss of an hour ago still makes the log
/// incomplete.
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use llm_audit_core::{
///     Breaker, Counters, LossCounts, LossReason, Operation, Overflow, Policy, Preset, Report,
///     SinkCounters,
/// };
///
/// # let directory = tempfile::tempdir()?;
/// let audit = llm_audit_core::builder()
///     .policy(Policy::preset(Preset::Operations)?)
///     .journal(directory.path())
///     .overflow(Overflow::block(Duration::from_millis(20)))
///     .spawn()?;
/// audit.begin(Operation::Chat).finish();
///
/// let report: Report = audit.shutdown(Duration::from_secs(5));
/// assert!(report.is_complete());
/// let counters: Counters = report.counters;
/// let lost: LossCounts = counters.lost_by_reason;
/// assert_eq!((counters.written, lost.get(LossReason::Enospc)), (1, 0));
/// let failing = |sink: &&SinkCounters| sink.breaker == Breaker::Open;
/// assert_eq!(counters.sinks.iter().find(failing), None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "a report says what was lost"]
#[non_exhaustive]
pub struct Report {
    /// The ledger at the end of the call.
    pub counters: Counters,
    /// Whether everything that was handed in before the call is written or counted as lost.
    pub settled: bool,
    /// Whether the disk confirmed (`fdatasync`) everything that was written before the call;
    /// `None` without a journal.
    pub synced: Option<bool>,
    /// The highest number such that everything written up to it survives a power cut; `None` when
    /// there is none, or no journal.
    pub synced_up_to: Option<u64>,
    /// Names of the sinks that did not confirm in time that they made everything durable.
    pub unflushed_sinks: Vec<String>,
    /// Whether the log is closed: no event is accepted any more.
    pub closed: bool,
}

impl Report {
    /// Returns whether nothing is missing: all that was handed in before the call is written,
    /// confirmed by the disk and by every sink, and no event, the log's own included, was lost
    /// since the start.
    pub fn is_complete(&self) -> bool {
        let lost = |sink: &super::counters::SinkCounters| sink.lost() > 0;
        self.settled
            && self.synced != Some(false)
            && self.unflushed_sinks.is_empty()
            && self.counters.lost() == 0
            && self.counters.own_lost == 0
            && !self.counters.sinks.iter().any(lost)
    }
}

/// Prints the ledger on one line, each sink after it, and what was not confirmed.
///
/// ```text
/// admitted 3 = written 2 + lost 1 (enospc 1) + pending 0; archive: delivered 2 + lost 0 + pending 0
/// ```
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.counters.fmt(f)?;
        if !self.settled {
            f.write_str("; time ran out")?;
        }
        if self.synced == Some(false) {
            f.write_str("; not confirmed by the disk")?;
        }
        if !self.unflushed_sinks.is_empty() {
            write!(f, "; not confirmed by {}", self.unflushed_sinks.join(", "))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::counters::{LossReason, SinkCounters};
    use super::*;

    #[test]
    fn a_report_prints_the_ledger() {
        let mut report = Report {
            settled: true,
            ..Report::default()
        };
        report.counters.admitted = 3;
        report.counters.written = 3;
        assert_eq!(
            report.to_string(),
            "admitted 3 = written 3 + lost 0 + pending 0"
        );
        assert!(report.is_complete());

        report.counters.written = 1;
        let counts = &mut report.counters.lost_by_reason;
        counts.add(LossReason::Enospc, 1);
        counts.add(LossReason::QueueFull, 1);
        report.synced = Some(false);
        report.unflushed_sinks.push("archive".to_owned());
        assert_eq!(
            report.to_string(),
            "admitted 3 = written 1 + lost 2 (queue_full 1, enospc 1) + pending 0; not confirmed \
             by the disk; not confirmed by archive"
        );
    }

    #[test]
    fn a_loss_at_one_sink_makes_a_report_incomplete() {
        let mut sink = SinkCounters::default();
        sink.lost_by_reason.add(LossReason::SinkRejected, 1);
        let mut report = Report {
            settled: true,
            ..Report::default()
        };
        report.counters.sinks.push(sink);
        assert!(!report.is_complete());
    }
}
