//! Which event a request led to.

use crate::id::EventId;
use crate::sync::{Arc, OnceLock};

/// Learns the identifier of the first interaction that begins within a [`Context`](crate::Context)
/// and within no other one: the one to hand to whoever asked, who may have something to say of the
/// answer later.
///
/// # Examples
///
/// ```
/// use llm_audit_core::testing::probe;
/// use llm_audit_core::{Context, FirstEvent, Operation, Policy, Preset};
///
/// let (audit, _probe) = probe(Policy::preset(Preset::Operations)?)?;
/// let first = FirstEvent::new();
/// let id = Context::current().noting(&first).enter(|| {
///     let agent = audit.begin(Operation::InvokeAgent);
///     agent.enter(|| audit.begin(Operation::Chat).finish());
///     agent.finish()
/// });
/// assert!(id.is_some() && first.event_id() == id);
/// # Ok::<(), llm_audit_core::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct FirstEvent(Arc<OnceLock<EventId>>);

impl FirstEvent {
    /// Returns one that has learnt nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the identifier, once there is one.
    pub fn event_id(&self) -> Option<EventId> {
        self.0.get().copied()
    }

    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    pub(crate) fn note(&self, event_id: EventId) {
        // Whoever comes later is not the first.
        self.0.set(event_id).ok();
    }
}
