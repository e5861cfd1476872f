//! What a log keeps, and for how long: runs of its retention, and legal holds.

use std::time::Duration;

use super::Audit;
use crate::catalog::Field;
use crate::error::Error;
use crate::event::{Kind, Value};
use crate::expiry::RetentionPlan;
use crate::hold::Hold;
use crate::key;
use crate::pipeline::{Ask, OwnEvent, Report};

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
    /// of the same name. It is recorded as `legal_hold`, with who asked for it and why. When this
    /// returns, the hold and the record of it survive a power cut, and every process that works in the
    /// directory goes by it, also one in the middle of a run: each file is asked for anew.
    ///
    /// What has expired and is gone by then does not come back.
    ///
    /// # Errors
    ///
    /// `is_configuration` when the hold names nothing, or a person or a session otherwise than the log
    /// of this policy does ([`Hold::person`] names all that may stand there); `is_refused` without a journal or after a
    /// shutdown, `is_io` when it cannot be stored or recorded, `is_timeout` after
    /// [`ack_timeout`](crate::AuditBuilder::ack_timeout). It may be in force all the same: see
    /// [`Audit::holds`].
    pub fn hold(&self, hold: Hold, actor: &str, reason: &str) -> Result<(), Error> {
        self.policy().check_hold(&hold)?;
        let by = self.deadline();
        let name = hold.name().to_owned();
        let pipeline = &self.0.pipeline;
        let changed = pipeline.ask(by(), |answer| Ask::SetHold(hold, answer))??;
        let Some((before, after)) = changed else {
            return Ok(());
        };
        pipeline.tell(
            by(),
            self.hold_event(&name, (&before, &after), actor, reason),
        )
    }

    /// Lifts the hold of this name; returns whether there was one. It is recorded as
    /// [`Audit::hold`] is, and lifted when the record of it survives a power cut. Holds of the policy
    /// are lifted by the policy.
    ///
    /// # Errors
    ///
    /// As [`Audit::hold`]; and `is_refused` when the hold was replaced meanwhile. It is not lifted then,
    /// whatever the record says.
    pub fn lift_hold(&self, name: &str, actor: &str, reason: &str) -> Result<bool, Error> {
        let by = self.deadline();
        let pipeline = &self.0.pipeline;
        let before = pipeline.ask(by(), Ask::Holds)??;
        let Some(hold) = before.iter().find(|hold| hold.name() == name) else {
            return Ok(false);
        };
        let others = before.iter().filter(|hold| hold.name() != name);
        let after: Vec<_> = others.cloned().collect();
        pipeline.tell(
            by(),
            self.hold_event(name, (&before, &after), actor, reason),
        )?;
        let hold = hold.clone();
        match pipeline.ask(by(), |answer| Ask::LiftHold(hold, answer))?? {
            true => Ok(true),
            false => Err(Error::refused(
                "the hold was lifted or replaced by somebody else meanwhile; look at `holds`",
            )),
        }
    }

    /// Returns the holds of the journal's directory; those of the policy are beside them.
    ///
    /// # Errors
    ///
    /// As [`Audit::hold`], and when they cannot be read: then everything is held.
    pub fn holds(&self) -> Result<Vec<Hold>, Error> {
        self.0.pipeline.ask(self.0.ack_timeout, Ask::Holds)?
    }

    /// Puts the holds of a policy in the place of those of another, and records that as `changes` say.
    ///
    /// What both hold is held until the record of it survives a power cut.
    pub(super) fn replace_holds(
        &self,
        (before, after): (&[Hold], &[Hold]),
        changes: impl IntoIterator<Item = OwnEvent>,
    ) -> Result<(), Error> {
        let by = self.deadline();
        let pipeline = &self.0.pipeline;
        let both: Vec<_> = before.iter().chain(after).cloned().collect();
        pipeline.ask(by(), |answer| Ask::PolicyHolds(both, answer))??;
        for change in changes {
            pipeline.tell(by(), change)?;
        }
        let after = after.to_vec();
        pipeline.ask(by(), |answer| Ask::PolicyHolds(after, answer))?
    }

    /// Returns what says how much of the time for an answer is left.
    fn deadline(&self) -> impl Fn() -> Duration + use<'_> {
        let (clock, most) = (&self.0.clock, self.0.ack_timeout);
        let start = clock.monotonic();
        move || most.saturating_sub(clock.monotonic().saturating_sub(start))
    }

    /// Returns the event of a change of the directory's holds. The digests in it are keyed: whom a
    /// hold is about cannot be guessed from them. Without a key there are none.
    fn hold_event(
        &self,
        name: &str,
        (before, after): (&[Hold], &[Hold]),
        actor: &str,
        reason: &str,
    ) -> OwnEvent {
        let text = |field, value: &str| (field, Value::Text(value.to_owned()));
        let mut fields = vec![text(Field::Hold, name)];
        if let Some(keys) = self.policy().keys() {
            let digest = |holds: &[Hold]| {
                let json = serde_json::to_vec(holds).unwrap_or_default();
                key::digest(keys.current(), "", "holds", &json)
            };
            fields.push(text(Field::ChangeBefore, &digest(before)));
            fields.push(text(Field::ChangeAfter, &digest(after)));
        }
        fields.push(text(Field::ChangeActor, actor));
        fields.push(text(Field::ChangeReason, reason));
        OwnEvent::of(Kind::LegalHold, fields)
    }
}
