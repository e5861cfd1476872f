//! Time limits of those who wait as futures.
//!
//! A disk may hang in the middle of a call, and with it the worker and the thread that synchronises.
//! So a third thread ends the waits. It is started by the first wait and ends when it wakes and
//! nobody waits.

use std::collections::BTreeMap;
use std::time::Duration;

use super::reply::Expiry;
use crate::clock::Clock;
use crate::process::Process;
use crate::sync::{Arc, Condvar, Mutex, lock, thread, wait_timeout};

/// The waits of one log.
#[derive(Debug)]
pub(crate) struct Deadlines {
    clock: Arc<dyn Clock>,
    process: Process,
    pub(super) state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
pub(super) struct State {
    /// By deadline; the second number tells waits of one moment apart.
    waits: BTreeMap<(Duration, u64), Expiry>,
    drawn: u64,
    /// Until when the thread sleeps; `None` while there is none.
    sleeps_to: Option<Duration>,
}

/// A wait that ends at its deadline; dropping it takes the deadline away.
#[derive(Debug)]
pub(crate) struct Limit {
    deadlines: Arc<Deadlines>,
    key: (Duration, u64),
}

impl Deadlines {
    pub(crate) fn new(clock: Arc<dyn Clock>, process: Process) -> Self {
        Self {
            clock,
            process,
            state: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    /// Has `expiry` end its wait at `deadline`. Without a thread to do so it ends at once: a wait
    /// must not be without an end.
    pub(crate) fn limit(self: &Arc<Self>, expiry: Expiry, deadline: Duration) -> Limit {
        let mut state = lock(&self.state);
        state.drawn += 1;
        let key = (deadline, state.drawn);
        match state.sleeps_to {
            Some(wake) if wake <= deadline => {}
            Some(_) => self.changed.notify_one(),
            None if self.spawn() => state.sleeps_to = Some(deadline),
            None => expiry.clone().expire(),
        }
        state.waits.insert(key, expiry);
        Limit {
            deadlines: Arc::clone(self),
            key,
        }
    }

    fn spawn(self: &Arc<Self>) -> bool {
        let deadlines = Arc::clone(self);
        let thread = thread::Builder::new().name("llm-audit-limit".to_owned());
        thread.spawn(move || deadlines.run()).is_ok()
    }

    fn run(&self) {
        let mut state = lock(&self.state);
        loop {
            let now = self.clock.monotonic();
            let later = state.waits.split_off(&(now, u64::MAX));
            let late = std::mem::replace(&mut state.waits, later);
            if !late.is_empty() {
                // A waker is the host's code.
                drop(state);
                late.into_values().for_each(Expiry::expire);
                state = lock(&self.state);
                continue;
            }
            state.sleeps_to = state.waits.first_key_value().map(|((at, _), _)| *at);
            let Some(wake) = state.sleeps_to else {
                return;
            };
            state = wait_timeout(&self.changed, state, wake.saturating_sub(now));
        }
    }
}

impl Drop for Limit {
    fn drop(&mut self) {
        // In a forked child there is no thread that looks, and the lock may be held for ever.
        if !self.deadlines.process.is_forked() {
            lock(&self.deadlines.state).waits.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::reply::{Failure, reply};
    use super::*;
    use crate::clock::SystemClock;

    const SOON: Duration = Duration::from_millis(20);
    const LATE: Duration = Duration::from_secs(60);

    fn deadlines() -> Arc<Deadlines> {
        let clock = Arc::new(SystemClock::new());
        Arc::new(Deadlines::new(clock, Process::current()))
    }

    #[test]
    fn a_wait_ends_at_its_deadline_and_an_earlier_one_before_it() {
        let deadlines = deadlines();
        let (_late, patient) = reply();
        let (_soon, hasty) = reply();
        let _limits = [
            deadlines.limit(patient.expiry(), LATE),
            deadlines.limit(hasty.expiry(), SOON),
        ];
        assert_eq!(hasty.wait(LATE), Some(Err(Failure::TimedOut)));
        assert_eq!(patient.wait(Duration::ZERO), None);
    }

    #[test]
    fn a_wait_that_is_over_leaves_nothing_and_the_thread_ends() {
        let deadlines = deadlines();
        let (_waiter, reply) = reply();
        drop(deadlines.limit(reply.expiry(), SOON));
        assert!(lock(&deadlines.state).waits.is_empty());
        while lock(&deadlines.state).sleeps_to.is_some() {
            thread::sleep(SOON);
        }
        assert_eq!(reply.wait(Duration::ZERO), None);
    }
}
