//! Interactions whose end, or whose beginning, is waited for.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use super::Interaction;
use crate::catalog::Field;
use crate::commit::{Ack, Commit, Receipt};
use crate::error::Error;
use crate::event::Status;
use crate::policy::Intent;
use crate::put::PutField;

impl Interaction {
    /// Records how the operation ended, as [`Interaction::finish`] does, and returns a future that
    /// is ready when the event has reached `ack`.
    ///
    /// # Examples
    ///
    /// ```
    /// # async fn ask() -> Result<String, std::io::Error> { Ok(String::new()) }
    /// use llm_audit_core::{Ack, Audit, Error, Operation};
    ///
    /// async fn call(audit: &Audit) -> Result<(), Error> {
    ///     let mut call = audit.begin(Operation::Chat);
    ///     match ask().await {
    ///         Ok(answer) => call.response(answer),
    ///         Err(error) => call.failed(&error),
    ///     };
    ///     let receipt = call.commit(Ack::Synced).await?;
    ///     println!("event {} survives a power cut", receipt.event_id);
    ///     Ok(())
    /// }
    /// ```
    pub fn commit(mut self, ack: Ack) -> Commit {
        match self.take() {
            Some(active) => active.commit(ack),
            None => Commit::of_nothing(),
        }
    }

    /// Does what [`Interaction::commit`] does, and blocks the thread.
    ///
    /// # Errors
    ///
    /// As [`Commit`].
    pub fn commit_blocking(self, ack: Ack) -> Result<Receipt, Error> {
        self.commit(ack).wait()
    }

    /// Records the intent, whatever the policy says of intents, to be synced. When the log does not
    /// take it, nothing of the interaction is recorded: the operation will not take place.
    pub(crate) fn intend(&mut self) -> Commit {
        let Some(active) = &mut self.inner else {
            return Commit::of_nothing();
        };
        active.intended = true;
        let intent = active.flight.raw.policy.intent().max(Intent::Metadata);
        let intent = active.flight.intent(intent).commit_intent();
        if intent.is_refused()
            && let Some(active) = self.inner.take()
        {
            active.flight.discard();
        }
        intent
    }

    /// The operation does not take place, because its intent is not durable: that is how it ends.
    pub(crate) fn not_recorded(&mut self) -> &mut Self {
        self.put_text(Field::ErrorType, "not_recorded");
        self.outcome(Status::Error)
    }
}

/// A future that gives the interaction when its intent survives a power cut.
///
/// The intent is handed in before this exists; the future only waits. Dropped before it is ready,
/// the interaction is recorded as cancelled.
#[must_use = "the operation must not take place before its intent is durable"]
pub struct BeginDurable {
    call: Interaction,
    intent: Commit,
}

impl BeginDurable {
    pub(crate) fn new(mut call: Interaction) -> Self {
        call.on_drop(Status::Cancelled);
        let intent = call.intend();
        Self { call, intent }
    }

    pub(crate) fn refused(error: Error) -> Self {
        Self {
            call: Interaction::off(),
            intent: Commit::refused(error),
        }
    }

    /// Says that the call is recorded here, unless its intent was refused.
    pub(crate) fn claim_call(&self) {
        self.call.claim_call();
    }

    /// Blocks until there is an answer.
    pub(crate) fn wait(self) -> Result<Interaction, Error> {
        begun(self.call, self.intent.wait())
    }
}

impl Future for BeginDurable {
    type Output = Result<Interaction, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let synced = ready!(Pin::new(&mut self.intent).poll(context));
        let call = std::mem::replace(&mut self.call, Interaction::off());
        Poll::Ready(begun(call, synced))
    }
}

impl fmt::Debug for BeginDurable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BeginDurable").finish_non_exhaustive()
    }
}

fn begun(mut call: Interaction, synced: Result<Receipt, Error>) -> Result<Interaction, Error> {
    match synced {
        Ok(_) => {
            call.on_drop(Status::Abandoned);
            Ok(call)
        }
        Err(error) => {
            call.not_recorded();
            Err(error)
        }
    }
}
