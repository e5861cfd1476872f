//! How much may be on its way at a time.

use std::time::Duration;

use super::bell::Bell;
use super::counters::LossReason;
use crate::diagnostics::is_inside;
use crate::process::Process;
use crate::sync::{Arc, AtomicBool, AtomicUsize, Condvar, Mutex, Ordering, lock, wait_while};

/// What happens to an event when there is no room for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Overflow {
    /// The calling thread waits for room, then the event is refused and counted.
    #[non_exhaustive]
    Block {
        /// Longest wait (default 100 ms).
        max: Duration,
    },
    /// The event is refused and counted at once.
    DropNewest,
    /// The room for an event is taken when its interaction begins; without room it does not begin.
    FailClosed,
}

impl Overflow {
    /// Returns the policy that waits for room, `max` at most.
    pub const fn block(max: Duration) -> Self {
        Self::Block { max }
    }
}

impl Default for Overflow {
    fn default() -> Self {
        Self::block(LONGEST_WAIT)
    }
}

/// How long a thread of the host waits for room unless the host says otherwise.
const LONGEST_WAIT: Duration = Duration::from_millis(100);

/// Room for events and for their bytes, also for those of interactions that are still open.
#[derive(Debug)]
pub(crate) struct Budget {
    overflow: Overflow,
    bytes: Room,
    events: Room,
    /// Bytes, of those taken, that belong to events which were handed in.
    queued: AtomicUsize,
    pub(super) waiting: AtomicUsize,
    closed: AtomicBool,
    pub(super) gate: Mutex<()>,
    freed: Condvar,
    worker: Arc<Bell>,
    process: Process,
}

#[derive(Debug)]
struct Room {
    max: usize,
    used: AtomicUsize,
}

impl Room {
    const fn new(max: usize) -> Self {
        Self {
            max,
            used: AtomicUsize::new(0),
        }
    }

    fn take(&self, amount: usize) -> bool {
        let more = |used: usize| used.checked_add(amount).filter(|sum| *sum <= self.max);
        self.used
            .fetch_update(Ordering::SeqCst, Ordering::Relaxed, more)
            .is_ok()
    }

    fn give(&self, amount: usize) {
        let before = self.used.fetch_sub(amount, Ordering::SeqCst);
        debug_assert!(before >= amount, "more was given back than was taken");
    }

    fn used(&self) -> usize {
        self.used.load(Ordering::SeqCst)
    }
}

impl Budget {
    pub(crate) fn new(
        overflow: Overflow,
        max_bytes: usize,
        max_events: usize,
        worker: Arc<Bell>,
        process: Process,
    ) -> Self {
        Self {
            overflow,
            bytes: Room::new(max_bytes),
            events: Room::new(max_events),
            queued: AtomicUsize::new(0),
            waiting: AtomicUsize::new(0),
            closed: AtomicBool::new(false),
            gate: Mutex::new(()),
            freed: Condvar::new(),
            worker,
            process,
        }
    }

    pub(crate) const fn overflow(&self) -> Overflow {
        self.overflow
    }

    /// Takes room for `bytes` of an open interaction; it is given back when the event is sealed,
    /// or by [`release_bytes`](Self::release_bytes).
    ///
    /// # Errors
    ///
    /// [`LossReason::MemoryBudget`] when there is none, after waiting as the policy says. When no
    /// event is queued, none can become free by waiting, and there is no wait.
    pub(crate) fn reserve_bytes(&self, bytes: usize) -> Result<(), LossReason> {
        if self.bytes.take(bytes)
            || (bytes <= self.bytes.max
                && self.events.used() > 0
                && self.wait(|| self.bytes.take(bytes)))
        {
            return Ok(());
        }
        Err(LossReason::MemoryBudget)
    }

    /// Takes room for `bytes` of an open interaction if there is some, and never waits.
    pub(crate) fn try_reserve_bytes(&self, bytes: usize) -> bool {
        self.bytes.take(bytes)
    }

    pub(crate) fn release_bytes(&self, bytes: usize) {
        self.bytes.give(bytes);
        self.tell();
    }

    /// Takes room for an event.
    ///
    /// # Errors
    ///
    /// [`LossReason::QueueFull`] when there is none, after waiting as the policy says.
    pub(crate) fn reserve_event(self: &Arc<Self>) -> Result<Slot, LossReason> {
        if self.events.take(1) || self.wait(|| self.events.take(1)) {
            return Ok(Slot(Some(Arc::clone(self))));
        }
        Err(LossReason::QueueFull)
    }

    /// Bytes of an interaction become those of an event that is handed in.
    pub(crate) fn hand_in(&self, bytes: usize) {
        self.queued.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Gives back bytes of an event that was handed in and not taken.
    pub(crate) fn turn_away(&self, bytes: usize) {
        self.queued.fetch_sub(bytes, Ordering::Relaxed);
        self.release_bytes(bytes);
    }

    /// Gives back what `events` sealed events held.
    pub(crate) fn release(&self, events: usize, bytes: usize) {
        self.queued.fetch_sub(bytes, Ordering::Relaxed);
        self.events.give(events);
        self.bytes.give(bytes);
        self.tell();
    }

    /// Ends every wait; there is none any more.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        let gate = lock(&self.gate);
        self.freed.notify_all();
        drop(gate);
    }

    /// Returns how many events and bytes are on their way.
    pub(crate) fn used(&self) -> (usize, usize) {
        (self.events.used(), self.bytes.used())
    }

    /// Returns how many bytes belong to events that were handed in.
    pub(crate) fn queued(&self) -> usize {
        self.queued.load(Ordering::Relaxed)
    }

    /// Waits until `take` succeeds, as long as the policy allows.
    fn wait(&self, take: impl Fn() -> bool) -> bool {
        let Overflow::Block { max } = self.overflow else {
            return false;
        };
        if is_inside() || self.closed.load(Ordering::SeqCst) || self.process.is_forked() {
            return false;
        }
        // Who gives back reads `waiting` after giving, so one of both sees the other.
        self.waiting.fetch_add(1, Ordering::SeqCst);
        self.worker.ring();
        let mut taken = false;
        drop(wait_while(&self.freed, lock(&self.gate), max, |()| {
            taken = take();
            !taken && !self.closed.load(Ordering::SeqCst)
        }));
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        taken
    }

    fn tell(&self) {
        // A forked child inherits the number of those who wait, and none of them.
        if self.waiting.load(Ordering::SeqCst) > 0 && !self.process.is_forked() {
            let gate = lock(&self.gate);
            self.freed.notify_all();
            drop(gate);
        }
    }
}

/// Room for one event, given back on drop unless the event moved in.
#[derive(Debug)]
pub(crate) struct Slot(Option<Arc<Budget>>);

impl Slot {
    /// The room is now the event's; the worker gives it back.
    pub(crate) fn fill(mut self) {
        self.0 = None;
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(budget) = self.0.take() {
            budget.release(1, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::sync::thread;

    const WAIT: Duration = Duration::from_millis(40);

    fn budget(overflow: Overflow) -> Arc<Budget> {
        let process = Process::current();
        Arc::new(Budget::new(overflow, 100, 2, Arc::default(), process))
    }

    #[test]
    fn dropping_newest_refuses_exactly_what_does_not_fit() {
        let budget = budget(Overflow::DropNewest);
        let slots: Vec<_> = (0..5).map(|_| budget.reserve_event()).collect();
        assert_eq!(slots.iter().filter(|slot| slot.is_ok()).count(), 2);
        drop(slots);
        assert_eq!(budget.used(), (0, 0));
        budget.reserve_bytes(60).unwrap();
        assert_eq!(budget.reserve_bytes(41), Err(LossReason::MemoryBudget));
        budget.reserve_bytes(40).unwrap();
    }

    #[test]
    fn blocking_is_bounded() {
        let budget = budget(Overflow::block(WAIT));
        let _slots = [
            budget.reserve_event().unwrap(),
            budget.reserve_event().unwrap(),
        ];
        let start = Instant::now();
        assert_eq!(budget.reserve_event().unwrap_err(), LossReason::QueueFull);
        assert!(start.elapsed() >= WAIT && start.elapsed() < WAIT * 20);
    }

    #[test]
    fn a_release_ends_a_wait() {
        let budget = budget(Overflow::block(Duration::from_secs(60)));
        let slot = budget.reserve_event().unwrap();
        budget.reserve_event().unwrap().fill();
        let other = Arc::clone(&budget);
        let waiter = thread::spawn(move || other.reserve_event().map(Slot::fill));
        thread::sleep(WAIT);
        drop(slot);
        waiter.join().unwrap().unwrap();
        assert_eq!(budget.used(), (2, 0));
    }

    #[test]
    fn closing_ends_a_wait() {
        let budget = budget(Overflow::block(Duration::from_secs(60)));
        budget.reserve_event().unwrap().fill();
        budget.reserve_event().unwrap().fill();
        let other = Arc::clone(&budget);
        let waiter = thread::spawn(move || other.reserve_event().map(Slot::fill));
        thread::sleep(WAIT);
        budget.close();
        assert_eq!(waiter.join().unwrap(), Err(LossReason::QueueFull));
    }

    #[test]
    fn bytes_that_only_open_interactions_hold_are_not_waited_for() {
        let budget = budget(Overflow::block(Duration::from_secs(60)));
        budget.reserve_bytes(100).unwrap();
        assert_eq!(budget.reserve_bytes(1), Err(LossReason::MemoryBudget));
    }
}
