//! What the program that starts a log holds on to.

use std::ops::Deref;
use std::time::Duration;

use super::Audit;

/// How long a dropped guard drains: what an orchestrator's grace period always leaves room for.
pub(super) const DRAIN: Duration = Duration::from_secs(5);

/// The log of the program that started it: the first handle.
///
/// Call [`Audit::shutdown`] at the end, with a timeout of your own, and look at its report. A
/// guard that is dropped instead waits at most 5 seconds until what was recorded is written; other
/// handles go on auditing.
#[derive(Debug)]
#[must_use = "dropping the guard at once drains an empty log; keep it until the program ends"]
pub struct AuditGuard(Audit);

impl AuditGuard {
    pub(super) const fn new(audit: Audit) -> Self {
        Self(audit)
    }

    /// Returns another handle of the log.
    pub fn handle(&self) -> Audit {
        self.0.clone()
    }
}

impl Deref for AuditGuard {
    type Target = Audit;

    fn deref(&self) -> &Audit {
        &self.0
    }
}

impl Drop for AuditGuard {
    fn drop(&mut self) {
        if !self.0.0.pipeline.is_closed() {
            drop(self.0.flush(DRAIN));
        }
    }
}
