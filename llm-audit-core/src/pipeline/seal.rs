//! What the pipeline asks of the sealer.

use super::own::OwnEvent;
use super::pool::Reusable;
use crate::event::Event;

/// Makes events of what the host handed in: policy first, then redaction. It runs on the worker's
/// thread, and there is no other way from `Raw` to an event.
pub(crate) trait Seal: Send + 'static {
    /// What the host's threads hand in.
    type Raw: Raw;
    /// Buffers that are used again.
    type Spare: Reusable + Send + 'static;

    fn seal(&mut self, raw: Self::Raw, seq: u64) -> Sealed<Self::Spare>;

    fn own(&mut self, own: OwnEvent, seq: u64) -> Event;

    /// Takes the events that sealing gave rise to.
    fn take_pending_own(&mut self) -> Vec<OwnEvent>;

    /// Takes back an event that is encoded, and that no sink is to get.
    fn reuse(&mut self, _: Event) {}
}

/// What the host's threads hand in.
pub(crate) trait Raw: Send + 'static {
    /// Returns how many bytes it took from the budget.
    fn reserved_bytes(&self) -> usize;
}

/// A sealed event, and the buffers of the raw one.
pub(crate) struct Sealed<T> {
    pub(crate) event: Event,
    pub(crate) spare: T,
    /// How many values could not be redacted, and are left out.
    pub(crate) withheld: u64,
}
