//! What a log keeps, and for how long: runs of its retention, and legal holds.

use std::time::Duration;

use super::Audit;
use crate::error::Error;
use crate::expiry::RetentionPlan;
use crate::hold::Hold;
use crate::pipeline::{Ask, HoldAsk, Report};

impl Audit {
    /// Deletes what is past the retention, and takes expired facets out of what stays, now instead of
    /// within the hour; returns when that is done, after `timeout` at the latest. What was done is
    /// recorded as events of kind `retention_run`.
    ///
    /// While the clock is in doubt, because it has jumped by more than a day, nothing is taken away
    /// that it alone makes expire.
    pub fn run_retention(&self, timeout: Duration) -> Report {
        self.0.pipeline.expire(timeout)
    }

    /// Returns what [`Audit::run_retention`] would do at this moment; nothing is changed.
    ///
    /// # Errors
    ///
    /// `is_refused` without a journal or after a shutdown, `is_timeout` when it takes longer than
    /// `timeout`: it reads the files that the run would write anew.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use llm_audit_core::{Policy, Preset};
    ///
    /// # let dir = tempfile::tempdir()?;
    /// let policy = Policy::preset(Preset::Operations)?;
    /// let audit = llm_audit_core::builder().policy(policy).journal(dir.path()).spawn()?;
    /// let plan = audit.plan_retention(Duration::from_secs(10))?;
    /// assert!(plan.deleted.is_empty() && plan.rewritten.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn plan_retention(&self, timeout: Duration) -> Result<RetentionPlan, Error> {
        self.0.pipeline.ask(timeout, Ask::Plan)
    }

    /// Keeps what `hold` names, whatever its retention says, until it is lifted; in the place of a hold
    /// of the same name. When this returns, the hold survives a power cut, and every process that works
    /// in the directory goes by it. It is recorded as `legal_hold`, with who asked for it and why.
    ///
    /// What has expired and is gone by then does not come back. A run of another process that is about
    /// to replace a file at this very moment may do so.
    ///
    /// # Errors
    ///
    /// `is_configuration` when the hold names nothing, `is_refused` without a journal or after a
    /// shutdown, `is_io` when it cannot be stored, `is_timeout` after
    /// [`ack_timeout`](crate::AuditBuilder::ack_timeout).
    pub fn hold(&self, hold: Hold, actor: &str, reason: &str) -> Result<(), Error> {
        hold.check()?;
        let name = hold.name().to_owned();
        self.set_hold(name, Some(hold), actor, reason).map(drop)
    }

    /// Lifts the hold of this name; returns whether there was one. It is recorded as
    /// [`Audit::hold`] is. Holds of the policy are lifted by the policy.
    ///
    /// # Errors
    ///
    /// As [`Audit::hold`].
    pub fn lift_hold(&self, name: &str, actor: &str, reason: &str) -> Result<bool, Error> {
        self.set_hold(name.to_owned(), None, actor, reason)
    }

    /// Returns the holds of the journal's directory; those of the policy are beside them.
    ///
    /// # Errors
    ///
    /// As [`Audit::hold`], and when they cannot be read: then everything is held.
    pub fn holds(&self) -> Result<Vec<Hold>, Error> {
        self.0.pipeline.ask(self.0.ack_timeout, Ask::Holds)?
    }

    fn set_hold(
        &self,
        name: String,
        hold: Option<Hold>,
        actor: &str,
        reason: &str,
    ) -> Result<bool, Error> {
        self.0.pipeline.ask(self.0.ack_timeout, |answer| {
            Ask::Hold(Box::new(HoldAsk {
                name,
                hold,
                actor: actor.to_owned(),
                reason: reason.to_owned(),
                answer,
            }))
        })?
    }
}
