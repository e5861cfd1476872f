//! Waiting until an event has reached what it is to reach.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use crate::audit::Shared;
use crate::error::Error;
use crate::id::{EventId, WriterId};
use crate::pipeline::{FORKED, Failure, Goal, Limit, LossReason, Refusal, Reply, Slot};
use crate::raw::RawEvent;
use crate::sync::Arc;

/// What an event is to have reached before a commit says so.
///
/// # Examples
///
/// ```
/// use llm_audit_core::{Ack, Operation, Policy, Preset, Receipt};
///
/// # let directory = tempfile::tempdir()?;
/// # let policy = Policy::preset(Preset::Operations)?;
/// let audit = llm_audit_core::builder().policy(policy).journal(directory.path()).spawn()?;
/// let call = audit.begin(Operation::Chat);
/// let receipt: Receipt = call.commit_blocking(Ack::Synced)?;
/// assert_eq!(receipt.ack, Ack::Synced);
/// assert_eq!(receipt.writer_id, audit.writer_id());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Ack {
    /// It is in the queue: what `finish` and `record` wait for too. It survives nothing.
    Queued,
    /// The journal's write has returned: it survives `kill -9`, an abort and a panic.
    Written,
    /// `fdatasync` has returned, and `fsync` of the directory when the file is new: it survives a
    /// power cut, if the disk keeps what it confirms.
    Synced,
    /// The sink of this name has said that it is durable there.
    Delivered(String),
}

impl Ack {
    /// Returns what a sink says of an event that is durable there.
    pub fn delivered(sink: impl Into<String>) -> Self {
        Self::Delivered(sink.into())
    }
}

impl fmt::Display for Ack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Queued => f.write_str("queued"),
            Self::Written => f.write_str("written"),
            Self::Synced => f.write_str("synced"),
            Self::Delivered(sink) => write!(f, "delivered to sink `{sink}`"),
        }
    }
}

/// Says that an event has reached what was asked for, and where it is to be found; [`Ack`] shows one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Receipt {
    /// The event's identifier.
    pub event_id: EventId,
    /// The writer whose segments the event is in.
    pub writer_id: WriterId,
    /// The event's number within its writer.
    pub seq: u64,
    /// What it has reached.
    pub ack: Ack,
}

/// A future that is ready when an event has reached what was asked for.
///
/// The event is handed in before this exists, so it is recorded whether or not the future is
/// polled: dropping it ends the wait and nothing else. It needs no runtime. Like every wait for an
/// acknowledgement it ends after [`ack_timeout`](crate::AuditBuilder::ack_timeout).
///
/// # Errors
///
/// It gives an error, for which [`Error::is_not_durable`] holds, when the event is lost or refused,
/// when the disk did not confirm it, when the log is shut down, or when time ran out.
#[must_use = "the event is recorded; whether it got there is only known to who waits"]
pub struct Commit(State);

enum State {
    Waiting(Box<Waiting>),
    /// The answer, until it is taken.
    Answered(Option<Result<Receipt, Error>>),
}

struct Waiting {
    reply: Reply,
    /// Set when a task waits.
    limit: Option<Limit>,
    until: Duration,
    receipt: Receipt,
    shared: Arc<Shared>,
}

impl Commit {
    /// Hands in `raw`, with the room that was taken for it.
    pub(crate) fn new(shared: &Arc<Shared>, raw: RawEvent, slot: Option<Slot>, ack: Ack) -> Self {
        let goal = shared.pipeline.goal(&ack);
        Self::hand_in(shared, raw, slot, ack, goal)
    }

    /// Hands in the intent of an operation that does not take place before it is synced. Where a
    /// commit waits for a journal that is in trouble, this does not: nothing is done yet.
    pub(crate) fn intent(shared: &Arc<Shared>, raw: RawEvent, slot: Option<Slot>) -> Self {
        let goal = shared.pipeline.goal(&Ack::Synced);
        let goal = goal.map(|_| Some(Goal::Intended));
        Self::hand_in(shared, raw, slot, Ack::Synced, goal)
    }

    fn hand_in(
        shared: &Arc<Shared>,
        raw: RawEvent,
        slot: Option<Slot>,
        ack: Ack,
        goal: Result<Option<Goal>, Error>,
    ) -> Self {
        let pipeline = &shared.pipeline;
        let mut receipt = Receipt {
            event_id: raw.event_id,
            writer_id: shared.writer_id,
            seq: 0,
            ack,
        };
        let goal = match goal {
            Ok(Some(goal)) => goal,
            // The event is recorded, whatever is known of it then.
            other => {
                let answer = pipeline.admit(raw, slot).map_err(refused);
                return Self::answered(other.and(answer).map(|seq| {
                    receipt.seq = seq;
                    receipt
                }));
            }
        };
        match pipeline.admit_for(raw, slot, goal) {
            Ok(reply) => Self(State::Waiting(Box::new(Waiting {
                reply,
                limit: None,
                until: shared.clock.monotonic().saturating_add(shared.ack_timeout),
                receipt,
                shared: Arc::clone(shared),
            }))),
            Err(refusal) => Self::answered(Err(refused(refusal))),
        }
    }

    /// Returns a commit of an event that is not recorded at all.
    pub(crate) fn of_nothing() -> Self {
        Self::refused(Error::refused(
            "the event is not recorded: the policy captures nothing, there was no room for it when \
             it began, or it was recorded before",
        ))
    }

    pub(crate) fn refused(error: Error) -> Self {
        Self::answered(Err(error))
    }

    /// Whether the log did not take the event, or has nothing like what is asked for.
    pub(crate) const fn is_refused(&self) -> bool {
        matches!(self.0, State::Answered(Some(Err(_))))
    }

    /// Blocks until there is an answer.
    pub(crate) fn wait(self) -> Result<Receipt, Error> {
        match self.0 {
            State::Waiting(waiting) => {
                let left = waiting
                    .until
                    .saturating_sub(waiting.shared.clock.monotonic());
                let Waiting {
                    reply,
                    receipt,
                    shared,
                    ..
                } = *waiting;
                let answer = if shared.pipeline.is_forked() {
                    FORKED_MEANWHILE
                } else {
                    reply.wait(left).unwrap_or(Err(Failure::TimedOut))
                };
                receipt.of(answer, &shared)
            }
            State::Answered(answer) => answer.unwrap_or_else(|| Self::of_nothing().wait()),
        }
    }

    fn answered(answer: Result<Receipt, Error>) -> Self {
        Self(State::Answered(Some(answer.map_err(Error::not_durable))))
    }
}

impl Future for Commit {
    type Output = Result<Receipt, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            State::Waiting(waiting) => {
                let Waiting {
                    reply,
                    limit,
                    until,
                    receipt,
                    shared,
                } = &mut **waiting;
                let answer = if shared.pipeline.is_forked() {
                    FORKED_MEANWHILE
                } else {
                    if limit.is_none() && *until < Duration::MAX {
                        *limit = Some(shared.pipeline.deadlines().limit(reply.expiry(), *until));
                    }
                    ready!(Pin::new(reply).poll(context))
                };
                let answer = receipt.clone().of(answer, shared);
                self.0 = State::Answered(None);
                Poll::Ready(answer)
            }
            State::Answered(answer) => answer.take().map_or(Poll::Pending, Poll::Ready),
        }
    }
}

/// Nobody in a forked child answers who waits, and the lock of the answer may be held for ever.
const FORKED_MEANWHILE: Result<u64, Failure> = Err(Failure::Lost(LossReason::Forked));

impl fmt::Debug for Commit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Commit").finish_non_exhaustive()
    }
}

impl Receipt {
    fn of(self, answer: Result<u64, Failure>, shared: &Shared) -> Result<Self, Error> {
        let error = match answer {
            Ok(seq) => return Ok(Self { seq, ..self }),
            Err(Failure::Lost(reason)) => lost(reason),
            Err(Failure::NotWritten) => {
                Error::disk("the event is not written, because the disk does not take it now")
            }
            Err(Failure::NotSynced) => {
                Error::disk("the event is written, and the disk did not confirm it")
            }
            Err(Failure::Closed) => Error::closed(format!(
                "the log was shut down before the event was {}",
                self.ack
            )),
            Err(Failure::TimedOut) => Error::timeout(format!(
                "the event was not {} within {:?}; it may be later",
                self.ack, shared.ack_timeout
            )),
        };
        Err(error.not_durable())
    }
}

fn refused(refusal: Refusal) -> Error {
    match refusal {
        Refusal::Lost(reason) => lost(reason),
        Refusal::Reentrant => Error::refused("a sink or a diagnostics hook cannot record events"),
    }
}

fn lost(reason: LossReason) -> Error {
    match reason {
        LossReason::ShutdownDeadline => Error::closed("the log is shut down; the event is lost"),
        LossReason::Forked => Error::refused(FORKED),
        LossReason::Enospc | LossReason::IoError => {
            Error::disk(format!("the event is lost: {reason}"))
        }
        reason => Error::refused(format!("the event is lost: {reason}")),
    }
}
