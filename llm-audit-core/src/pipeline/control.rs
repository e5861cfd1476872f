//! What the worker is asked to do between drains.

use std::time::Duration;

use super::asks::Ask;
use super::own::OwnEvent;
use super::tracker::Tracker;
use crate::sync::{Arc, Mutex, Weak, lock};

/// Requests to the worker.
#[derive(Default)]
pub(crate) struct Control {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    requests: Requests,
    /// Flushes that the worker took; their askers may still wait, for it or for a sink.
    taken: Vec<Weak<Tracker>>,
    shutdown: Option<(Duration, Arc<Tracker>)>,
    /// The worker takes no requests any more.
    ended: bool,
}

/// What was asked for since the last look.
#[derive(Default)]
pub(crate) struct Requests {
    pub(crate) own: Vec<OwnEvent>,
    pub(crate) flushes: Vec<Weak<Tracker>>,
    pub(crate) asks: Vec<Ask>,
    /// Expired files are to be deleted now.
    pub(crate) expire: bool,
    /// The clock was looked at and is right.
    pub(crate) confirm_clock: bool,
}

impl Control {
    /// Adds a request; returns false when the worker has ended.
    pub(crate) fn ask(&self, request: impl FnOnce(&mut Requests)) -> bool {
        let mut state = lock(&self.state);
        if !state.ended {
            request(&mut state.requests);
        }
        !state.ended
    }

    /// Asks for a flush; returns false when the worker has ended.
    pub(crate) fn flush(&self, tracker: &Arc<Tracker>) -> bool {
        self.ask(|requests| {
            // A worker that is busy for long does not hear of those who have gone.
            requests.flushes.retain(|flush| flush.strong_count() > 0);
            requests.flushes.push(Arc::downgrade(tracker));
        })
    }

    pub(crate) fn take(&self) -> Requests {
        let mut state = lock(&self.state);
        let requests = std::mem::take(&mut state.requests);
        state.taken.retain(|tracker| tracker.strong_count() > 0);
        state.taken.extend_from_slice(&requests.flushes);
        requests
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
        let taken = std::mem::take(&mut state.taken);
        let shutdown = state.shutdown.clone();
        drop(state);
        let trackers = shutdown.into_iter().map(|(_, tracker)| tracker);
        let flushes = requests.flushes.iter().chain(&taken);
        for tracker in trackers.chain(flushes.filter_map(Weak::upgrade)) {
            tracker.update(|progress| progress.ended = true);
        }
    }
}
