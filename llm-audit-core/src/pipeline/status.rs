//! What callers ask of a pipeline before they hand in anything.

use std::time::Duration;

use super::budget::Slot;
use super::counters::LossReason;
use super::report::Report;
use super::{Pipeline, Seal};

impl<S: Seal> Pipeline<S> {
    /// Has the worker delete what has expired, and waits for it, `timeout` at most.
    pub(crate) fn expire(&self, timeout: Duration) -> Report {
        if !self.is_forked() {
            self.shared.control.ask(|requests| requests.expire = true);
        }
        self.flush(timeout)
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
    /// When there is no room.
    pub(crate) fn begin(&self) -> Result<Slot, LossReason> {
        self.shared.budget.reserve_event().inspect_err(|reason| {
            let place = self.shared.lanes.refuse(*reason, 0);
            if place.is_some_and(|place| place.wake) {
                self.shared.bell.ring();
            }
        })
    }

    /// Returns whether the log is ending or has ended; for a forked child it has.
    pub(crate) fn is_closed(&self) -> bool {
        self.is_forked() || self.shared.control.shutdown().is_some()
    }
}
