//! How far a flush or a shutdown has come.

use std::time::Duration;

use crate::sync::{Condvar, Mutex, lock, wait_while};

/// Shared between the thread that asked and those that do.
#[derive(Debug)]
pub(crate) struct Tracker {
    progress: Mutex<Progress>,
    changed: Condvar,
}

/// What was done so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Progress {
    /// Everything handed in before is written or lost; the highest number of the log by then.
    pub(crate) settled: Option<u64>,
    /// What each sink said: `None` so far nothing, else whether everything is durable.
    pub(crate) sinks: Vec<Option<bool>>,
    /// Whether the disk confirmed everything at the end; `None` without a journal.
    pub(crate) synced: Option<bool>,
    /// The worker has ended.
    pub(crate) ended: bool,
}

impl Tracker {
    pub(crate) fn new(sinks: usize) -> Self {
        Self {
            progress: Mutex::new(Progress {
                sinks: vec![None; sinks],
                ..Progress::default()
            }),
            changed: Condvar::new(),
        }
    }

    pub(crate) fn update(&self, change: impl FnOnce(&mut Progress)) {
        change(&mut lock(&self.progress));
        self.changed.notify_all();
    }

    pub(crate) fn sink_said(&self, sink: usize, durable: bool) {
        self.update(|progress| {
            if let Some(said) = progress.sinks.get_mut(sink) {
                *said = Some(durable);
            }
        });
    }

    /// Waits until `done`, for `at_most` at most, and returns what was done by then.
    pub(crate) fn wait(&self, at_most: Duration, done: impl Fn(&Progress) -> bool) -> Progress {
        let progress = lock(&self.progress);
        wait_while(&self.changed, progress, at_most, |progress| !done(progress)).clone()
    }
}

impl Progress {
    /// Whether every sink has said something.
    pub(crate) fn all_said(&self) -> bool {
        self.sinks.iter().all(Option::is_some)
    }
}
