//! The worker's side of the sinks.

use super::backlog::{Backlog, Item};
use super::counters::LossReason;
use super::outlet::{Behind, Common, Outlet};
use super::patience::RetryLimits;
use super::stream::Count;
use super::tracker::Tracker;
use crate::batch::Batch;
use crate::diagnostics::Inside;
use crate::error::Error;
use crate::id::WriterId;
use crate::narrow::Narrowed;
use crate::sync::{Arc, Weak, thread};

/// The backlogs of all sinks.
#[derive(Debug)]
pub(crate) struct Fanout {
    backlogs: Vec<Arc<Backlog>>,
    common: Common,
}

impl Fanout {
    /// Returns the backlogs, and for each sink what its thread runs. `behind` is what the journal
    /// does for each sink, or nothing.
    ///
    /// # Errors
    ///
    /// When a sink's runtime could not be made.
    pub(crate) fn new(
        sinks: Vec<Narrowed>,
        mut behind: Vec<Behind>,
        max_bytes: usize,
        limits: RetryLimits,
        common: &Common,
    ) -> Result<(Self, Vec<Outlet>), Error> {
        let mut fanout = Self {
            backlogs: Vec::new(),
            common: common.clone(),
        };
        let mut outlets = Vec::new();
        behind.reverse();
        for (index, sink) in sinks.into_iter().enumerate() {
            let backlog = Arc::new(Backlog::new(max_bytes));
            fanout.backlogs.push(Arc::clone(&backlog));
            let behind = behind.pop();
            outlets.push(Outlet::new(
                index,
                sink,
                backlog,
                behind,
                common.clone(),
                limits,
            )?);
        }
        Ok((fanout, outlets))
    }

    /// Starts a thread for each sink.
    ///
    /// # Errors
    ///
    /// When the system does not start one; dropping the fan-out ends the others.
    pub(crate) fn spawn(&self, outlets: Vec<Outlet>) -> Result<(), Error> {
        for outlet in outlets {
            let name = outlet.name().to_owned();
            let run = || {
                let _inside = Inside::enter();
                outlet.run();
            };
            // The kernel shows 15 characters; the name of the sink tells the threads apart.
            let thread = thread::Builder::new()
                .name(format!("audit-{name}"))
                .spawn(run);
            if let Err(source) = thread {
                let message = format!("failed to start the thread of sink `{name}`");
                return Err(Error::io(message, source));
            }
        }
        Ok(())
    }

    pub(crate) fn backlogs(&self) -> &[Arc<Backlog>] {
        &self.backlogs
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.backlogs.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.backlogs.len()
    }

    /// Hands a batch to every sink; it never waits. `total` were handed over up to its end.
    pub(crate) fn offer(&self, batch: &Batch, total: Count) {
        for backlog in &self.backlogs {
            backlog.offer(batch.clone(), total);
        }
    }

    /// Has a sink get what a dead writer left.
    pub(crate) fn adopt(&self, sink: usize, writer: WriterId, seq: u64) {
        if let Some(backlog) = self.backlogs.get(sink) {
            drop(backlog.put(Item::Adopt(writer, seq)));
        }
    }

    pub(crate) fn flush(&self, tracker: &Weak<Tracker>) {
        self.ask(|| Item::Flush(Weak::clone(tracker)));
    }

    pub(crate) fn shut_down(&self, tracker: &Arc<Tracker>) {
        self.ask(|| Item::Shutdown(Arc::clone(tracker)));
    }

    /// Asks every sink; one that was given up says no.
    fn ask(&self, item: impl Fn() -> Item) {
        for (sink, backlog) in self.backlogs.iter().enumerate() {
            if let Some(tracker) = backlog.put(item()).and_then(Item::tracker) {
                tracker.sink_said(sink, false);
            }
        }
    }

    /// Gives up a sink: what is not durable at it is left to the next start, or lost.
    pub(crate) fn abort(&self, sink: usize) {
        if let Some(backlog) = self.backlogs.get(sink) {
            drop(backlog.abort());
            let reason = LossReason::ShutdownDeadline;
            self.common.ledger.sink(sink, |book| book.close(reason));
        }
    }

    pub(crate) fn abort_all(&self) {
        for sink in 0..self.backlogs.len() {
            self.abort(sink);
        }
    }
}

/// Ends the threads of sinks that were not shut down.
impl Drop for Fanout {
    fn drop(&mut self) {
        for backlog in &self.backlogs {
            drop(backlog.abort());
        }
    }
}
