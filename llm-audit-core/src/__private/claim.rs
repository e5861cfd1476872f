//! A call that is seen from two places, and which of them records it.

use crate::sync::{Arc, OnceLock};

/// Says whether a call, of which a span tells, is recorded where it is on the wire, which sees more of it.
#[derive(Clone, Debug)]
pub struct Claim(Arc<Claimed>);

#[derive(Debug)]
struct Claimed {
    /// The address of the log.
    log: usize,
    taken: OnceLock<()>,
}

impl Claim {
    pub(crate) fn new(log: *const ()) -> Self {
        let taken = OnceLock::new();
        Self(Arc::new(Claimed {
            log: log.addr(),
            taken,
        }))
    }

    /// Returns whether the call is recorded elsewhere, in the same log.
    pub fn is_taken(&self) -> bool {
        self.0.taken.get().is_some()
    }

    pub(crate) fn take(&self, log: *const ()) {
        if self.0.log == log.addr() {
            // Tried again, it is taken already.
            self.0.taken.set(()).ok();
        }
    }
}
