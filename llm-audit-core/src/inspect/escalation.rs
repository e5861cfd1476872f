//! Findings that somebody must be told of at once, on a thread of their own.

use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use crate::diagnostics::Inside;
use crate::error::Error;
use crate::event::Event;
use crate::sync::{Arc, Condvar, Mutex, lock, thread, wait, wait_while};

/// Findings that wait for the hook.
const MAX_WAITING: usize = 256;
/// How long the end of the log waits for the hook.
const GRACE: Duration = Duration::from_millis(50);

/// A finding that its inspector escalated: the event that the log keeps of it.
///
/// # Examples
///
/// ```
/// use llm_audit_core::Escalation;
///
/// let builder = llm_audit_core::builder().on_escalation(|escalation: &Escalation| {
///     let about = escalation.event().target_event_id().unwrap_or_default();
///     eprintln!("{}: look at {about}", escalation.inspector());
/// });
/// # drop(builder);
/// ```
#[derive(Clone)]
pub struct Escalation {
    inspector: String,
    event: Event,
}

impl Escalation {
    pub(crate) const fn new(inspector: String, event: Event) -> Self {
        Self { inspector, event }
    }

    /// Returns the name of the inspector.
    pub fn inspector(&self) -> &str {
        &self.inspector
    }

    /// Returns the finding, sealed as the log keeps it, but without a number. Its
    /// [`target_event_id`](Event::target_event_id) names the event that was looked at.
    pub const fn event(&self) -> &Event {
        &self.event
    }
}

impl fmt::Debug for Escalation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Escalation")
            .field("inspector", &self.inspector)
            .field("event", &self.event)
            .finish()
    }
}

/// What is called with each [`Escalation`].
pub(crate) type Hook = Arc<dyn Fn(&Escalation) + Send + Sync>;

/// The way to the hook. Dropping it lets the hook have what waits, for a twentieth of a second at
/// most as far as the dropping thread is concerned.
pub(crate) struct Escalations(Arc<Queue>);

#[derive(Default)]
struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Escalation>,
    /// Whether the hook is being told.
    telling: bool,
    closed: bool,
}

impl Escalations {
    /// Starts the thread that calls `hook`.
    ///
    /// # Errors
    ///
    /// `is_io` when the thread does not start.
    pub(crate) fn spawn(hook: Hook) -> Result<Self, Error> {
        let queue = Arc::new(Queue::default());
        let own = Arc::clone(&queue);
        let builder = thread::Builder::new().name("llm-audit-escalate".to_owned());
        let started = builder.spawn(move || own.run(&hook));
        started.map_err(|source| {
            Error::io("failed to start the thread `llm-audit-escalate`", source)
        })?;
        Ok(Self(queue))
    }

    /// Hands an escalation over without waiting, and returns whether there was room.
    pub(crate) fn push(&self, escalation: Escalation) -> bool {
        let mut state = lock(&self.0.state);
        let fits = state.waiting.len() < MAX_WAITING;
        if fits {
            state.waiting.push_back(escalation);
            self.0.changed.notify_all();
        }
        fits
    }
}

impl Drop for Escalations {
    fn drop(&mut self) {
        let mut state = lock(&self.0.state);
        state.closed = true;
        self.0.changed.notify_all();
        drop(wait_while(&self.0.changed, state, GRACE, |state| {
            state.telling || !state.waiting.is_empty()
        }));
    }
}

impl Queue {
    fn run(&self, hook: &Hook) {
        // What the hook records would be looked at, and could be escalated again.
        let _inside = Inside::enter();
        let mut state = lock(&self.state);
        loop {
            if let Some(escalation) = state.waiting.pop_front() {
                state.telling = true;
                drop(state);
                catch_unwind(AssertUnwindSafe(|| hook(&escalation))).ok();
                state = lock(&self.state);
                state.telling = false;
                self.changed.notify_all();
            } else if state.closed {
                return;
            } else {
                state = wait(&self.changed, state);
            }
        }
    }
}
