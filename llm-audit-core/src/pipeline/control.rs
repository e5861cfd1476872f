//! What the worker is asked to do between drains.

use std::time::Duration;

use super::own::OwnEvent;
use super::tracker::Tracker;
use crate::sync::{Arc, Mutex, lock};

/// A change of the sealer, made on the worker's thread.
pub(crate) type Swap<S> = Box<dyn FnOnce(&mut S) + Send>;

/// Requests to the worker.
pub(crate) struct Control<S> {
    state: Mutex<State<S>>,
}

struct State<S> {
    requests: Requests<S>,
    shutdown: Option<(Duration, Arc<Tracker>)>,
    /// The worker takes no requests any more.
    ended: bool,
}

/// What was asked for since the last look.
pub(crate) struct Requests<S> {
    pub(crate) swaps: Vec<Swap<S>>,
    pub(crate) own: Vec<OwnEvent>,
    pub(crate) flushes: Vec<Arc<Tracker>>,
    /// Expired files are to be deleted now.
    pub(crate) expire: bool,
    /// The clock was looked at and is right.
    pub(crate) confirm_clock: bool,
}

impl<S> Default for Requests<S> {
    fn default() -> Self {
        Self {
            swaps: Vec::new(),
            own: Vec::new(),
            flushes: Vec::new(),
            expire: false,
            confirm_clock: false,
        }
    }
}

impl<S> Default for Control<S> {
    fn default() -> Self {
        Self {
            state: Mutex::new(State {
                requests: Requests::default(),
                shutdown: None,
                ended: false,
            }),
        }
    }
}

impl<S> Control<S> {
    /// Adds a request; returns false when the worker has ended.
    pub(crate) fn ask(&self, request: impl FnOnce(&mut Requests<S>)) -> bool {
        let mut state = lock(&self.state);
        if !state.ended {
            request(&mut state.requests);
        }
        !state.ended
    }

    pub(crate) fn take(&self) -> Requests<S> {
        std::mem::take(&mut lock(&self.state).requests)
    }

    /// Asks for the end at `deadline`, unless someone did; returns how far it has come.
    pub(crate) fn shut_down(&self, deadline: Duration, tracker: Tracker) -> Arc<Tracker> {
        let mut state = lock(&self.state);
        let first = || (deadline, Arc::new(tracker));
        Arc::clone(&state.shutdown.get_or_insert_with(first).1)
    }

    /// Returns until when the log is to end, once it is to end.
    pub(crate) fn shutdown(&self) -> Option<(Duration, Arc<Tracker>)> {
        let state = lock(&self.state);
        let (deadline, tracker) = state.shutdown.as_ref()?;
        Some((*deadline, Arc::clone(tracker)))
    }

    /// The worker has ended: tells everybody who waits.
    pub(crate) fn end(&self) {
        let mut state = lock(&self.state);
        state.ended = true;
        let requests = std::mem::take(&mut state.requests);
        let shutdown = state.shutdown.clone();
        drop(state);
        let trackers = shutdown.into_iter().map(|(_, tracker)| tracker);
        for tracker in trackers.chain(requests.flushes) {
            tracker.update(|progress| progress.ended = true);
        }
    }
}
