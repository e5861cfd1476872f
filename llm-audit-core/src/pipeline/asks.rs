//! What a caller asks the worker and waits for: retention and legal holds.

use std::time::Duration;

use super::own::OwnEvent;
use super::reply::{Failure, Waiter, reply};
use super::{Pipeline, Seal};
use crate::error::Error;
use crate::expiry::RetentionPlan;
use crate::hold::{Hold, HoldsChange};
use crate::sync::{Arc, Condvar, Mutex, lock, wait_while};

/// A question to the log, with where the answer goes.
#[derive(Debug)]
pub(crate) enum Ask {
    /// What would a run of the retention do?
    Plan(Answer<RetentionPlan>),
    /// Which holds does the directory have?
    Holds(Answer<Result<Vec<Hold>, Error>>),
    /// Set the hold in the place of one of its name.
    SetHold(Hold, Answer<Result<Option<HoldsChange>, Error>>),
    /// Lift the hold, if it is there as it is given.
    LiftHold(Hold, Answer<Result<bool, Error>>),
    /// Go by these holds of the policy.
    PolicyHolds(Vec<Hold>, Answer<Result<(), Error>>),
    /// Write the event.
    Tell(Box<OwnEvent>, Waiter),
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
        let slot = Arc::new(Slot {
            state: Mutex::new(State::Open),
            changed: Condvar::new(),
        });
        let ask = question(Answer(Arc::clone(&slot)));
        self.put(ask)?;
        let state = lock(&slot.state);
        let is_open = |state: &mut State<T>| matches!(state, State::Open);
        let mut state = wait_while(&slot.changed, state, timeout, is_open);
        match std::mem::replace(&mut *state, State::Never) {
            State::Given(answer) => Ok(answer),
            State::Never => Err(refused()),
            State::Open => Err(too_late()),
        }
    }

    /// Has the worker write an event of the log itself, and waits until it survives a power cut.
    ///
    /// # Errors
    ///
    /// As [`Pipeline::ask`]; `is_io` when it is lost, or the disk did not confirm it.
    pub(crate) fn tell(&self, timeout: Duration, event: OwnEvent) -> Result<(), Error> {
        let (waiter, reply) = reply();
        self.put(Ask::Tell(Box::new(event), waiter))?;
        match reply.wait(timeout) {
            Some(Ok(_)) => Ok(()),
            Some(Err(Failure::Closed)) => Err(refused()),
            None | Some(Err(Failure::TimedOut)) => Err(too_late()),
            Some(Err(Failure::Lost(_) | Failure::NotWritten | Failure::NotSynced)) => {
                let source = std::io::Error::from(std::io::ErrorKind::WriteZero);
                Err(Error::io("the event of it is not durable", source))
            }
        }
    }

    fn put(&self, ask: Ask) -> Result<(), Error> {
        if self.is_forked() {
            return Err(Error::refused(super::FORKED));
        }
        if !self.shared.control.ask(|requests| requests.asks.push(ask)) {
            return Err(refused());
        }
        self.shared.bell.ring();
        Ok(())
    }
}

fn refused() -> Error {
    Error::refused("the log has no journal, or is shut down: it has no files to look after")
}

fn too_late() -> Error {
    Error::timeout("the log was not done in time; it goes on")
}
