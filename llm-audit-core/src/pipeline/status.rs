//! What callers ask of a pipeline before they hand in anything.

use std::time::Duration;

use super::budget::Slot;
use super::counters::LossReason;
use super::deadlines::Deadlines;
use super::reply::Goal;
use super::report::Report;
use super::worker::TICK;
use super::{Pipeline, Seal};
use crate::commit::Ack;
use crate::error::Error;
use crate::sync::{Arc, Ordering, thread};

impl<S: Seal> Pipeline<S> {
    /// Has the worker delete what has expired, and waits for it, `timeout` at most.
    pub(crate) fn expire(&self, timeout: Duration) -> Report {
        let shared = &self.shared;
        if self.is_forked() {
            return self.flush(timeout);
        }
        let start = shared.clock.monotonic();
        let left = || timeout.saturating_sub(shared.clock.monotonic().saturating_sub(start));
        shared.control.ask(|requests| requests.expire = true);
        let mut report = self.flush(timeout);
        while shared.expiring.load(Ordering::Relaxed) && !report.closed && !left().is_zero() {
            thread::sleep(TICK.min(left()));
            shared.bell.ring();
            if !shared.expiring.load(Ordering::Relaxed) {
                report = self.flush(left());
            }
        }
        report
    }

    /// Has the worker believe the clock.
    pub(crate) fn confirm_clock(&self) {
        if !self.is_forked() {
            self.shared
                .control
                .ask(|requests| requests.confirm_clock = true);
            self.shared.bell.ring();
        }
    }

    /// Takes room for an event that is begun; without room the event counts as lost.
    ///
    /// # Errors
    ///
    /// When there is no room, or in a forked child.
    pub(crate) fn begin(&self) -> Result<Slot, LossReason> {
        if self.is_forked() {
            return Err(self.refuse_forked());
        }
        self.shared.budget.reserve_event().inspect_err(|reason| {
            if self.shared.lanes.refuse(*reason, 0) == Some(true) {
                self.shared.bell.ring();
            }
        })
    }

    /// Returns whether the log is ending or has ended; for a forked child it has.
    pub(crate) fn is_closed(&self) -> bool {
        self.is_forked() || self.shared.control.shutdown().is_some()
    }

    /// Returns what is to be waited for until an event has reached `ack`; `None` for nothing.
    ///
    /// # Errors
    ///
    /// When this log has no such thing.
    pub(crate) fn goal(&self, ack: &Ack) -> Result<Option<Goal>, Error> {
        match ack {
            Ack::Queued => Ok(None),
            Ack::Written | Ack::Synced if self.shared.disk.is_none() => Err(Error::refused(
                "the log has no journal, so no event of it is ever written or synced",
            )),
            Ack::Written => Ok(Some(Goal::Written)),
            Ack::Synced => Ok(Some(Goal::Synced)),
            Ack::Delivered(name) => {
                let sinks = &self.shared.sinks;
                let place = sinks.iter().position(|sink| sink == name);
                place
                    .map(|place| Some(Goal::Delivered(place)))
                    .ok_or_else(|| {
                        Error::configuration(format!(
                            "there is no sink `{name}` to deliver to; the sinks are: {}",
                            sinks.join(", ")
                        ))
                    })
            }
        }
    }

    /// Says why no event can be made durable now.
    ///
    /// # Errors
    ///
    /// When that is so.
    pub(crate) fn check_durable(&self) -> Result<(), Error> {
        if self.is_forked() {
            return Err(Error::refused(FORKED));
        }
        if self.is_closed() {
            return Err(Error::closed("the log is shut down"));
        }
        self.goal(&Ack::Synced)?;
        let disk = self.shared.disk.as_ref();
        if self.shared.degraded.load(Ordering::Relaxed)
            || disk.is_some_and(|disk| disk.status().failing)
        {
            return Err(Error::refused(
                "the journal cannot be written, or not be synced, at the moment",
            ));
        }
        Ok(())
    }

    pub(crate) fn deadlines(&self) -> &Arc<Deadlines> {
        &self.shared.deadlines
    }
}

/// Why a forked child records nothing.
pub(crate) const FORKED: &str =
    "the process was forked after the log was started; start a log in the child";
