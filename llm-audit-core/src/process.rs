//! The process that a log belongs to.

use std::process;

use crate::sync::{Arc, AtomicU64, Ordering};

/// The process that started a log.
///
/// A child that it forks has the log's memory and none of its threads. What is locked there may
/// stay locked for ever, so whoever is about to lock or to wait on behalf of the child asks here
/// first.
#[derive(Clone, Debug)]
pub(crate) struct Process(Arc<AtomicU64>);

impl Process {
    /// Returns the process that calls.
    pub(crate) fn current() -> Self {
        Self(Arc::new(AtomicU64::new(id())))
    }

    /// Returns whether the caller is a child that was forked later.
    pub(crate) fn is_forked(&self) -> bool {
        // It is written before anybody else has it, and by tests.
        self.0.load(Ordering::Relaxed) != id()
    }

    /// Has every clone take the caller for a forked child.
    #[cfg(test)]
    pub(crate) fn pretend_forked(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

/// Returns the number of the process that calls.
pub(crate) fn id() -> u64 {
    u64::from(process::id())
}
