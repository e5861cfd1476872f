//! Looking at a log without keeping it alive.

use std::fmt;

use super::{Audit, Shared};
use crate::pipeline::Counters;
use crate::sync::{Arc, Weak};

/// Reads the counters of a log as long as it lives, and is no reason for it to live: for exporters of
/// metrics, which hold what they read from until the program ends.
///
/// # Examples
///
/// ```
/// use llm_audit_core::testing::MemorySink;
///
/// let audit = llm_audit_core::builder().sink(MemorySink::new()).spawn()?;
/// let watch = audit.watch();
/// assert_eq!(watch.counters().map(|counters| counters.admitted), Some(0));
/// drop(audit);
/// assert!(watch.counters().is_none());
/// # Ok::<(), llm_audit_core::Error>(())
/// ```
#[derive(Clone)]
pub struct Watch(Weak<Shared>);

impl Watch {
    /// Returns the counts of the log and of every sink at this moment, or `None` when the log and its
    /// handles are gone.
    pub fn counters(&self) -> Option<Counters> {
        self.0.upgrade().map(|shared| shared.pipeline.counters())
    }
}

impl Audit {
    /// Returns a reader of the log's counters that does not keep the log alive.
    pub fn watch(&self) -> Watch {
        Watch(Arc::downgrade(&self.0))
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch")
            .field("is_alive", &(self.0.strong_count() > 0))
            .finish()
    }
}
