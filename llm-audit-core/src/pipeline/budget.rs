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

/// What a journal holds in a burst, between two synchronisations. It is always set aside, where that
/// is an eighth of the room at most.
const LEAST_ASIDE: usize = 8 << 20;
/// The part of the room that is set aside at most, for a disk that is slow to confirm.
const MOST_ASIDE: usize = 4;

/// The part of its longest wait after which others make way for a thread.
const PATIENCE: u32 = 4;

/// Room for events and for their bytes, also for those of interactions that are still open.
#[derive(Debug)]
pub(crate) struct Budget {
    overflow: Overflow,
    bytes: Room,
    events: Room,
    /// Bytes that are always set aside.
    least_aside: usize,
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
    /// How much of it is not to be had for the time being.
    aside: AtomicUsize,
    /// How many have waited for it so long that others make way.
    overdue: AtomicUsize,
}

impl Room {
    const fn new(max: usize) -> Self {
        Self {
            max,
            used: AtomicUsize::new(0),
            aside: AtomicUsize::new(0),
            overdue: AtomicUsize::new(0),
        }
    }

    fn take(&self, amount: usize) -> bool {
        let max = self.max - self.aside.load(Ordering::SeqCst);
        let more = |used: usize| used.checked_add(amount).filter(|sum| *sum <= max);
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

    fn is_owed(&self) -> bool {
        self.overdue.load(Ordering::SeqCst) > 0
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
            least_aside: 0,
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
    /// event is queued, and the disk owes nothing, none can become free by waiting, and there is no wait.
    pub(crate) fn reserve_bytes(&self, bytes: usize) -> Result<(), LossReason> {
        let can_come = || {
            let most = self.bytes.max - self.least_aside;
            bytes <= most && (self.events.used() > 0 || self.aside() > self.least_aside)
        };
        match self.take(&self.bytes, bytes, can_come) {
            true => Ok(()),
            false => Err(LossReason::MemoryBudget),
        }
    }

    /// Takes room for `bytes` of an open interaction if there is some, and never waits.
    pub(crate) fn try_reserve_bytes(&self, bytes: usize) -> bool {
        self.bytes.take(bytes)
    }

    /// Returns whether room for bytes is owed to somebody who waits.
    pub(crate) fn owes_bytes(&self) -> bool {
        self.bytes.is_owed()
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
        match self.take(&self.events, 1, || true) {
            true => Ok(Slot(Some(Arc::clone(self)))),
            false => Err(LossReason::QueueFull),
        }
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

    /// Returns the budget of a log that holds what it has written until the disk confirms it. What
    /// it holds in a burst is set aside at all times: room that comes and goes would make buffers of
    /// it that nobody uses again.
    pub(crate) fn beside_a_journal(mut self) -> Self {
        if LEAST_ASIDE <= self.bytes.max / 8 {
            self.least_aside = LEAST_ASIDE;
        }
        self.set_aside(0);
        self
    }

    /// Leaves less room for events while the journal holds so many bytes that are written and not
    /// confirmed, up to a part of the room: hosts do not wait for the disk.
    pub(crate) fn set_aside(&self, bytes: usize) {
        let bytes = bytes.clamp(self.least_aside, self.bytes.max / MOST_ASIDE);
        if self.bytes.aside.swap(bytes, Ordering::SeqCst) > bytes {
            self.tell();
        }
    }

    fn aside(&self) -> usize {
        self.bytes.aside.load(Ordering::SeqCst)
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

    /// Returns how long this thread may wait, and `None` when it may not.
    fn longest_wait(&self) -> Option<Duration> {
        let Overflow::Block { max } = self.overflow else {
            return None;
        };
        let must_not =
            is_inside() || self.closed.load(Ordering::SeqCst) || self.process.is_forked();
        (!must_not).then_some(max)
    }

    /// Takes `amount` of `room`, and waits for it as long as the policy allows if it `can_come`.
    fn take(&self, room: &Room, amount: usize, can_come: impl FnOnce() -> bool) -> bool {
        if !room.is_owed() && room.take(amount) {
            return true;
        }
        match self.longest_wait().filter(|_| can_come()) {
            Some(max) => self.wait(room, amount, max),
            // Who may not wait makes way for nobody.
            None => room.take(amount),
        }
    }

    /// Waits for `amount` of `room`. Threads that are awake take what becomes free before one that
    /// sleeps, which keeps them all fast, until one has slept for a quarter of its time: then others
    /// make way, else it would give up while they take what it waits for.
    #[cold]
    fn wait(&self, room: &Room, amount: usize, max: Duration) -> bool {
        // Who gives back reads `waiting` after giving, so one of both sees the other.
        self.waiting.fetch_add(1, Ordering::SeqCst);
        self.worker.ring();
        let is_open = || !self.closed.load(Ordering::SeqCst);
        let patience = max / PATIENCE;
        let mut taken = false;
        let mut gate = wait_while(&self.freed, lock(&self.gate), patience, |()| {
            taken = !room.is_owed() && room.take(amount);
            !taken && is_open()
        });
        if !taken && is_open() {
            room.overdue.fetch_add(1, Ordering::SeqCst);
            gate = wait_while(&self.freed, gate, max - patience, |()| {
                taken = room.take(amount);
                !taken && is_open()
            });
            room.overdue.fetch_sub(1, Ordering::SeqCst);
            // Those who made way look again only if they are woken.
            self.freed.notify_all();
        }
        drop(gate);
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
    fn room_that_the_disk_owes_is_waited_for() {
        let budget = budget(Overflow::block(Duration::from_secs(60)));
        budget.set_aside(25);
        let before = budget.used();
        let other = Arc::clone(&budget);
        let waiter = thread::spawn(move || other.reserve_bytes(90));
        while budget.waiting.load(Ordering::SeqCst) == 0 && budget.used() == before {
            thread::yield_now();
        }
        budget.set_aside(0);
        waiter.join().unwrap().unwrap();
        // What never comes is not.
        assert_eq!(budget.reserve_bytes(101), Err(LossReason::MemoryBudget));
    }

    #[test]
    fn who_has_waited_long_is_not_overtaken() {
        let budget = budget(Overflow::block(Duration::from_secs(60)));
        budget.reserve_event().unwrap().fill();
        budget.reserve_bytes(100).unwrap();
        for room in [&budget.events, &budget.bytes] {
            room.overdue.fetch_add(1, Ordering::SeqCst);
        }
        let event = Arc::clone(&budget);
        let event = thread::spawn(move || event.reserve_event().map(Slot::fill));
        let bytes = Arc::clone(&budget);
        let bytes = thread::spawn(move || bytes.reserve_bytes(10));
        let waiting = || budget.waiting.load(Ordering::SeqCst);
        // There is room, and both wait all the same.
        budget.release_bytes(100);
        while waiting() < 2 && budget.used() == (1, 0) {
            thread::yield_now();
        }
        assert_eq!(budget.used(), (1, 0));
        for room in [&budget.events, &budget.bytes] {
            room.overdue.fetch_sub(1, Ordering::SeqCst);
        }
        budget.tell();
        event.join().unwrap().unwrap();
        bytes.join().unwrap().unwrap();
        assert_eq!(budget.used(), (2, 10));
    }

    #[test]
    fn who_waits_long_is_owed_room_until_the_wait_ends() {
        let budget = budget(Overflow::block(WAIT));
        budget.reserve_event().unwrap().fill();
        budget.reserve_event().unwrap().fill();
        let other = Arc::clone(&budget);
        let ended = Arc::new(AtomicBool::new(false));
        let end = Arc::clone(&ended);
        let waiter = thread::spawn(move || {
            other.reserve_event().unwrap_err();
            end.store(true, Ordering::SeqCst);
        });
        let mut was_owed = false;
        while !was_owed && !ended.load(Ordering::SeqCst) {
            was_owed = budget.events.is_owed();
            thread::yield_now();
        }
        assert!(was_owed);
        waiter.join().unwrap();
        assert!(!budget.events.is_owed());
    }

    #[test]
    fn what_is_set_aside_leaves_less_room_and_never_none() {
        let budget = budget(Overflow::DropNewest);
        budget.set_aside(10);
        assert!(!budget.try_reserve_bytes(91) && budget.try_reserve_bytes(90));
        budget.set_aside(0);
        assert!(budget.try_reserve_bytes(10));
        budget.release_bytes(100);
        budget.set_aside(usize::MAX);
        assert!(!budget.try_reserve_bytes(76) && budget.try_reserve_bytes(75));
        // What was taken before is kept.
        assert_eq!(budget.used(), (0, 75));
    }

    #[test]
    fn beside_a_journal_room_for_what_it_holds_is_always_set_aside() {
        const MIB: usize = 1 << 20;
        for (max, room) in [(64 * MIB, 56 * MIB), (8 * MIB, 8 * MIB)] {
            let process = Process::current();
            let budget = Budget::new(Overflow::DropNewest, max, 2, Arc::default(), process);
            let budget = budget.beside_a_journal();
            assert!(!budget.try_reserve_bytes(room + 1) && budget.try_reserve_bytes(room - 1));
            budget.set_aside(max);
            assert!(!budget.try_reserve_bytes(1));
            budget.set_aside(0);
            assert!(!budget.try_reserve_bytes(2) && budget.try_reserve_bytes(1));
        }
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
