//! Wakes the worker.

use std::time::Duration;

use crate::sync::{Condvar, Mutex, lock, wait, wait_timeout};

/// Wakes one waiting thread; a ring before the wait ends that wait at once.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    rung: Mutex<bool>,
    changed: Condvar,
}

impl Bell {
    pub(crate) fn ring(&self) {
        *lock(&self.rung) = true;
        self.changed.notify_one();
    }

    /// Waits for a ring, for `at_most` when given. It may also return without a reason.
    pub(crate) fn wait(&self, at_most: Option<Duration>) {
        let mut rung = lock(&self.rung);
        if !*rung {
            rung = match at_most {
                Some(at_most) => wait_timeout(&self.changed, rung, at_most),
                None => wait(&self.changed, rung),
            };
        }
        *rung = false;
    }
}
