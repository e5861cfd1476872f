//! Identifiers that are the same in every run.

use crate::id::Ids;
use crate::sync::{Arc, AtomicU64, Ordering};

/// Identifiers that count up from 1, so that every run of a test has the same. Clones count
/// together.
///
/// With a [`ManualClock`](super::ManualClock) all of an event is the same in every run. Events of
/// two logs that each have their own `SequentialIds` may have equal identifiers. Pauses between
/// tries of a sink, which are drawn from the same source, are next to nothing.
///
/// # Examples
///
/// ```
/// use llm_audit_core::testing::{ManualClock, SequentialIds, probe_with};
/// use llm_audit_core::{Operation, Policy, Preset, builder};
///
/// let policy = Policy::preset(Preset::Operations)?;
/// let log = builder().policy(policy).clock(ManualClock::new()).ids(SequentialIds::new());
/// let (audit, probe) = probe_with(log)?;
/// let id = audit.begin(Operation::Chat).finish();
/// // The log's own events take numbers too, on its own thread.
/// assert!(id.unwrap().to_string().starts_with("019b76da-a800-7000-8000-00000000000"));
/// # Ok::<(), llm_audit_core::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct SequentialIds(Arc<AtomicU64>);

impl SequentialIds {
    /// Returns a source whose first identifier is 1.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Ids for SequentialIds {
    fn unique(&self) -> u128 {
        // Only the number matters; nothing else is made visible by it.
        u128::from(self.0.fetch_add(1, Ordering::Relaxed)) + 1
    }
}
