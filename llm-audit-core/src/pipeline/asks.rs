//! What a caller asks the worker and waits for: retention and legal holds.

use std::time::Duration;

use super::{Pipeline, Seal};
use crate::error::Error;
use crate::expiry::RetentionPlan;
use crate::hold::Hold;
use crate::sync::{Arc, Condvar, Mutex, lock, wait_while};

/// A question to the log, with where the answer goes.
#[derive(Debug)]
pub(crate) enum Ask {
    /// What would a run of the retention do?
    Plan(Answer<RetentionPlan>),
    /// Which holds does the directory have?
    Holds(Answer<Result<Vec<Hold>, Error>>),
    /// Set the hold in the place of one of its name, or lift that.
    Hold(Box<HoldAsk>),
}

#[derive(Debug)]
pub(crate) struct HoldAsk {
    pub(crate) name: String,
    pub(crate) hold: Option<Hold>,
    pub(crate) actor: String,
    pub(crate) reason: String,
    pub(crate) answer: Answer<Result<bool, Error>>,
}

/// Where an answer goes. Dropping it says that there is none.
#[derive(Debug)]
pub(crate) struct Answer<T>(Arc<Slot<T>>);

#[derive(Debug)]
struct Slot<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

#[derive(Debug)]
enum State<T> {
    Open,
    Given(T),
    Never,
}

impl<T> Answer<T> {
    pub(crate) fn give(self, answer: T) {
        *lock(&self.0.state) = State::Given(answer);
    }
}

impl<T> Drop for Answer<T> {
    fn drop(&mut self) {
        let mut state = lock(&self.0.state);
        if matches!(*state, State::Open) {
            *state = State::Never;
        }
        drop(state);
        self.0.changed.notify_all();
    }
}

impl<S: Seal> Pipeline<S> {
    /// Asks the worker, and waits for its answer, `timeout` at most.
    ///
    /// # Errors
    ///
    /// `is_timeout` when it took longer; `is_refused` when nobody can answer.
    pub(crate) fn ask<T>(
        &self,
        timeout: Duration,
        question: impl FnOnce(Answer<T>) -> Ask,
    ) -> Result<T, Error> {
        let refused = || {
            Error::refused("the log has no journal, or is shut down: it has no files to look after")
        };
        if self.is_forked() {
            return Err(Error::refused(super::FORKED));
        }
        let slot = Arc::new(Slot {
            state: Mutex::new(State::Open),
            changed: Condvar::new(),
        });
        let ask = question(Answer(Arc::clone(&slot)));
        if !self.shared.control.ask(|requests| requests.asks.push(ask)) {
            return Err(refused());
        }
        self.shared.bell.ring();
        let state = lock(&slot.state);
        let is_open = |state: &mut State<T>| matches!(state, State::Open);
        let mut state = wait_while(&slot.changed, state, timeout, is_open);
        match std::mem::replace(&mut *state, State::Never) {
            State::Given(answer) => Ok(answer),
            State::Never => Err(refused()),
            State::Open => Err(Error::timeout("the log was not done in time; it goes on")),
        }
    }
}
