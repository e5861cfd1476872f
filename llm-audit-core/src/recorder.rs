//! Events that are recorded at once: late facts, connections, skills, verdicts.

use std::fmt;

use crate::audit::Shared;
use crate::catalog::{Field, with_catalog};
use crate::commit::{Ack, Commit, Receipt};
use crate::diagnostics::DiagnosticKind;
use crate::error::Error;
use crate::event::{Kind, Status, Value};
use crate::facet::Facet;
use crate::id::EventId;
use crate::interaction::in_flight::InFlight;
use crate::level::Level;
use crate::put::{PutField, setters};
use crate::raw::Scalar;
use crate::redact::DataType;
use crate::sync::Arc;

/// An event that is recorded at once: a late fact, a connection, a skill, a verdict.
///
/// [`Audit::event`](crate::Audit::event) and its sisters make one. Set what is known and call
/// [`Recorder::record`] or [`Recorder::commit`]; a recorder that is dropped records
/// nothing, and the diagnostics hook is told.
///
/// # Examples
///
/// ```
/// use llm_audit_core::{Kind, Policy, Retention, journal};
///
/// # let directory = tempfile::tempdir()?;
/// let policy = Policy::builder()
///     .facet(llm_audit_core::Facet::Feedback, llm_audit_core::Level::Redacted)
///     .retention(Retention::Days90)
///     .build()?;
/// let audit = llm_audit_core::builder().policy(policy).journal(directory.path()).spawn()?;
/// let answer = "019b76da-a800-7000-8000-000000000001"; // from the front-end
/// audit
///     .feedback(answer)
///     .feedback_thumb("up")
///     .feedback_comment("mail me at ada@example.org")
///     .record();
/// audit.shutdown(std::time::Duration::from_secs(5));
///
/// let events = journal::Reader::open(directory.path())?.events();
/// let event = events.filter_map(Result::ok).find(|event| *event.kind() == Kind::Feedback).unwrap();
/// assert_eq!(event.target_event_id(), Some(answer));
/// assert_eq!(event.feedback_comment(), Some("mail me at [EMAIL]"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a recorder does nothing until `record` is called"]
pub struct Recorder {
    /// `None` when nothing is captured.
    flight: Option<InFlight>,
    status: Option<Status>,
}

impl Recorder {
    pub(crate) const fn off() -> Self {
        Self {
            flight: None,
            status: None,
        }
    }

    pub(crate) fn new(shared: &Arc<Shared>, kind: Kind) -> Self {
        Self {
            flight: Some(InFlight::new(shared, kind, None, None)),
            status: None,
        }
    }

    /// Returns the identifier that the event will have, or `None` when nothing is recorded.
    pub fn event_id(&self) -> Option<EventId> {
        self.flight.as_ref().map(InFlight::event_id)
    }

    /// Returns whether the policy lets `facet` be captured.
    ///
    /// To have asked counts as having had a value: the event then says that it was withheld.
    pub fn allows(&mut self, facet: Facet) -> bool {
        self.flight
            .as_mut()
            .is_some_and(|flight| flight.allows(facet))
    }

    /// Captures `facet` at `level` at most; a level above the policy's changes nothing.
    pub fn narrow(&mut self, facet: Facet, level: Level) -> &mut Self {
        if let Some(flight) = &mut self.flight {
            flight.narrow(facet, level);
        }
        self
    }

    /// Hides `value` wherever this event has it; see
    /// [`Interaction::hide`](crate::Interaction::hide).
    pub fn hide(&mut self, data_type: DataType, value: &str) -> &mut Self {
        if let Some(flight) = &mut self.flight {
            flight.raw.hidden.add(data_type, value);
        }
        self
    }

    /// Sets the status of the event, such as that of a connection.
    pub fn status(&mut self, status: Status) -> &mut Self {
        self.status = Some(status);
        self
    }

    /// Records the event and returns its identifier, or `None` when nothing is recorded: no facet
    /// is on, or it was recorded already.
    pub fn record(&mut self) -> Option<EventId> {
        self.flight
            .take()
            .and_then(|flight| flight.submit(self.status.take()))
    }

    /// Records the event and returns a future that is ready when it has reached `ack`.
    ///
    /// # Examples
    ///
    /// ```
    /// use llm_audit_core::{Ack, Audit, Error};
    ///
    /// async fn withdraw(audit: &Audit, answer: &str) -> Result<(), Error> {
    ///     let receipt = audit.consent(answer, false).commit(Ack::Synced).await?;
    ///     assert_eq!(receipt.ack, Ack::Synced);
    ///     Ok(())
    /// }
    /// ```
    pub fn commit(&mut self, ack: Ack) -> Commit {
        match self.flight.take() {
            Some(flight) => flight.commit(self.status.take(), ack),
            None => Commit::of_nothing(),
        }
    }

    /// Does what [`Recorder::commit`] does, and blocks the thread.
    ///
    /// # Errors
    ///
    /// As [`Commit`].
    pub fn commit_blocking(&mut self, ack: Ack) -> Result<Receipt, Error> {
        self.commit(ack).wait()
    }
}

impl PutField for Recorder {
    #[inline]
    fn is_on(&self) -> bool {
        self.flight.is_some()
    }

    fn accepts(&mut self, field: Field) -> bool {
        self.flight
            .as_mut()
            .is_some_and(|flight| flight.accepts(field))
    }

    fn put_text(&mut self, field: Field, text: &str) {
        if let Some(flight) = &mut self.flight {
            flight.put_text(field, text);
        }
    }

    fn put_scalar(&mut self, field: Field, scalar: Scalar) {
        if let Some(flight) = &mut self.flight {
            flight.put_scalar(field, scalar);
        }
    }

    fn put(&mut self, field: Field, value: Value) {
        if let Some(flight) = &mut self.flight {
            flight.put(field, value);
        }
    }

    fn put_failed(&mut self, field: Field) {
        if let Some(flight) = &mut self.flight {
            flight.put_failed(field);
        }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        if let Some(flight) = self.flight.take() {
            flight.shared.diagnostics.report(
                DiagnosticKind::Misuse,
                format!(
                    "an event of kind `{}` was begun and dropped; only `record` or `commit` \
                     records it",
                    flight.raw.kind
                ),
            );
            flight.discard();
        }
    }
}

/// Shows the identifier, never what was captured.
impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder")
            .field("event_id", &self.event_id())
            .finish_non_exhaustive()
    }
}

with_catalog!(setters Recorder by_reference);
