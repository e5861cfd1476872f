//! Where the host's threads put their events.

use std::iter;

use super::counters::{LossCounts, LossReason};
use super::ledger::Ledger;
use super::loss::{Stage, Window};
use crate::sync::{AtomicBool, AtomicU64, Mutex, MutexGuard, Ordering, lock, thread_number};

const LANES: usize = 4;
/// An empty list keeps room for so many events; beyond that it shrinks when it was of no use.
const KEPT_EVENTS: usize = 512;

/// Four queues, each with its lock, and the one source of sequence numbers.
///
/// A number is drawn while its lane's lock is held, and the worker drains with all locks held. So
/// each drain is one contiguous range of numbers, with every event and every refusal of the range.
pub(crate) struct Lanes<E> {
    lanes: [Lane<E>; LANES],
    next: AtomicU64,
    /// Refusals draw numbers below this only: others would be beyond what is set aside, and a crash
    /// would leave them without a trace.
    refusals_below: AtomicU64,
    /// Set by a drain that found nothing, cleared by the first event after it.
    idle: AtomicBool,
}

/// Alone on its cache lines, so that threads on different lanes do not slow each other.
#[repr(align(128))]
struct Lane<E>(Mutex<Queue<E>>);

struct Queue<E> {
    events: Vec<(u64, E)>,
    admitted: u64,
    /// All refusals since the start.
    refused: LossCounts,
    /// Refusals since the last drain.
    window: Window,
    /// Those of them that get their numbers at the next.
    unnumbered: Window,
    closed: bool,
}

impl<E> Default for Queue<E> {
    fn default() -> Self {
        Self {
            events: Vec::new(),
            admitted: 0,
            refused: LossCounts::default(),
            window: Window::default(),
            unnumbered: Window::default(),
            closed: false,
        }
    }
}

/// The number of an event, and whether the worker is asleep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) seq: u64,
    pub(crate) wake: bool,
}

/// What one drain found.
pub(crate) struct Drained<E> {
    queues: [Vec<(u64, E)>; LANES],
    /// Refusals in the range of the drain.
    pub(crate) refused: Window,
    /// The range, `first..end`. The log's own numbers are the last of it.
    pub(crate) first: u64,
    pub(crate) end: u64,
}

impl<E> Drained<E> {
    /// Returns an empty range that ends before `next`.
    pub(crate) fn before(next: u64) -> Self {
        Self {
            queues: [const { Vec::new() }; LANES],
            refused: Window::default(),
            first: next,
            end: next,
        }
    }

    /// Takes the events out, in the order of their numbers.
    pub(crate) fn events(&mut self) -> impl Iterator<Item = (u64, E)> {
        let mut queues = self
            .queues
            .each_mut()
            .map(|queue| queue.drain(..).peekable());
        iter::from_fn(move || {
            let heads = queues.iter_mut().filter_map(|queue| {
                let seq = queue.peek().map(|(seq, _)| *seq)?;
                Some((seq, queue))
            });
            heads.min_by_key(|(seq, _)| *seq)?.1.next()
        })
    }
}

/// The lanes' part of the ledger.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) admitted: u64,
    pub(crate) queued: u64,
    pub(crate) refused: LossCounts,
}

impl<E> Lanes<E> {
    /// Returns lanes whose first number is `first`.
    pub(crate) fn new(first: u64) -> Self {
        Self {
            lanes: std::array::from_fn(|_| Lane(Mutex::default())),
            next: AtomicU64::new(first),
            refusals_below: AtomicU64::new(u64::MAX),
            idle: AtomicBool::new(false),
        }
    }

    /// Queues an event and returns its number, or the event when the lanes are closed; it is then
    /// counted as lost, without a number.
    pub(crate) fn push(&self, event: E) -> Result<Place, E> {
        let mut queue = self.mine();
        queue.admitted += 1;
        if queue.closed {
            queue.refused.add(LossReason::ShutdownDeadline, 1);
            return Err(event);
        }
        let seq = self.draw(1);
        queue.events.push((seq, event));
        drop(queue);
        let wake = self.wake();
        Ok(Place { seq, wake })
    }

    /// Lets refusals draw numbers below `seq`; the rest get theirs when the lanes are drained.
    pub(crate) fn number_refusals_below(&self, seq: u64) {
        // A refusal that sees the old bound draws within that.
        self.refusals_below.store(seq, Ordering::Relaxed);
    }

    /// Counts an event that is turned away and returns whether the worker is asleep. The event's
    /// number is missing from the log, so one is drawn all the same; `None` when the lanes are
    /// closed and numbers have ended.
    pub(crate) fn refuse(&self, reason: LossReason, bytes: usize) -> Option<bool> {
        let mut queue = self.mine();
        queue.admitted += 1;
        if queue.closed {
            queue.refused.add(LossReason::ShutdownDeadline, 1);
            return None;
        }
        let below = self.refusals_below.load(Ordering::Relaxed);
        let within = |seq: u64| (seq < below).then_some(seq + 1);
        let seq = self
            .next
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, within);
        queue.refused.add(reason, 1);
        match seq {
            Ok(seq) => queue.window.add(seq, reason, bytes, Stage::Admission),
            Err(_) => queue.unnumbered.count(reason, bytes, Stage::Admission),
        }
        drop(queue);
        Some(self.wake())
    }

    /// Moves everything into `drained` and into the hands of the worker, with `own` numbers more
    /// at the end of the range for events of the log itself. With `close`, nothing comes after.
    pub(crate) fn drain(&self, drained: &mut Drained<E>, own: u64, close: bool, ledger: &Ledger) {
        let mut queues = self.all();
        let mut events = 0;
        drained.refused = Window::default();
        for (queue, out) in queues.iter_mut().zip(&mut drained.queues) {
            debug_assert!(out.is_empty());
            std::mem::swap(&mut queue.events, out);
            // A burst does not hold its memory for ever, nor does one that goes on allocate anew.
            if out.len() < queue.events.capacity() / 4 {
                let half = queue.events.capacity() / 2;
                queue.events.shrink_to(half.max(KEPT_EVENTS));
            }
            events += out.len() as u64;
            drained.refused.merge(&std::mem::take(&mut queue.window));
            let mut late = std::mem::take(&mut queue.unnumbered);
            late.number(self.draw(late.counts().total()));
            drained.refused.merge(&late);
            queue.closed |= close;
        }
        self.draw(own);
        drained.first = drained.end;
        drained.end = self.next.load(Ordering::Relaxed);
        ledger.take_in_hand(events);
        if drained.first == drained.end {
            self.idle.store(true, Ordering::Release);
        }
    }

    /// Returns what `read` makes of the sums while all lanes stand still.
    pub(crate) fn tally<T>(&self, read: impl FnOnce(&Tally) -> T) -> T {
        let queues = self.all();
        let mut tally = Tally::default();
        for queue in &queues {
            tally.admitted += queue.admitted;
            tally.queued += queue.events.len() as u64;
            tally.refused.merge(&queue.refused);
        }
        read(&tally)
    }

    #[cfg(test)]
    pub(crate) fn last(&self) -> u64 {
        self.next.load(Ordering::Relaxed) - 1
    }

    fn draw(&self, count: u64) -> u64 {
        // A lock is held, which orders the numbers; the atomic only makes them distinct.
        self.next.fetch_add(count, Ordering::Relaxed)
    }

    fn wake(&self) -> bool {
        self.idle.load(Ordering::Acquire) && self.idle.swap(false, Ordering::AcqRel)
    }

    #[expect(
        clippy::indexing_slicing,
        reason = "`lane()` is below the number of lanes"
    )]
    fn mine(&self) -> MutexGuard<'_, Queue<E>> {
        lock(&self.lanes[lane()].0)
    }

    fn all(&self) -> [MutexGuard<'_, Queue<E>>; LANES] {
        self.lanes.each_ref().map(|lane| lock(&lane.0))
    }
}

/// Returns the lane of the calling thread.
fn lane() -> usize {
    thread_number().unwrap_or(0) % LANES
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::WriterId;

    fn ledger() -> Ledger {
        Ledger::new(&[], WriterId::from_bytes([0; 16]))
    }
    use crate::sync::{Arc, thread};

    #[test]
    fn each_drain_is_one_contiguous_range_in_order() {
        let lanes = Arc::new(Lanes::new(1));
        let ledger = ledger();
        let producers: Vec<_> = (0..8)
            .map(|producer| {
                let lanes = Arc::clone(&lanes);
                thread::spawn(move || {
                    for number in 0..500 {
                        if (number + producer) % 7 == 0 {
                            lanes.refuse(LossReason::QueueFull, 1).unwrap();
                        } else {
                            lanes.push(()).unwrap();
                        }
                    }
                })
            })
            .collect();
        let mut drained = Drained::before(1);
        while drained.end < 8 * 500 + 1 {
            let before = drained.end;
            lanes.drain(&mut drained, 0, false, &ledger);
            assert_eq!(drained.first, before);
            let seqs: Vec<_> = drained.events().map(|(seq, ())| seq).collect();
            assert!(seqs.is_sorted_by(|a, b| a < b));
            assert!(seqs.iter().all(|seq| (before..drained.end).contains(seq)));
            let lost = drained.refused.counts().total();
            assert_eq!(seqs.len() as u64 + lost, drained.end - before);
        }
        for producer in producers {
            producer.join().unwrap();
        }
    }

    #[test]
    fn the_lists_of_a_burst_shrink_when_it_is_over() {
        let lanes = Lanes::new(1);
        let mut drained = Drained::before(1);
        let capacity = |drained: &Drained<u64>| {
            let waiting = lanes.all().into_iter().map(|queue| queue.events.capacity());
            let drained = drained.queues.iter().map(Vec::capacity);
            waiting.chain(drained).sum::<usize>()
        };
        for _ in 0..2 {
            for number in 0..8_192 {
                lanes.push(number).unwrap();
            }
            lanes.drain(&mut drained, 0, false, &ledger());
            assert_eq!(drained.events().count(), 8_192);
        }
        assert!(capacity(&drained) >= 2 * 8_192);
        for _ in 0..10 {
            lanes.push(0).unwrap();
            lanes.drain(&mut drained, 0, false, &ledger());
            assert_eq!(drained.events().count(), 1);
        }
        assert!(capacity(&drained) <= 2 * KEPT_EVENTS);
    }

    #[test]
    fn only_the_first_event_after_an_empty_drain_wakes_the_worker() {
        let lanes = Lanes::new(1);
        let mut drained = Drained::before(1);
        lanes.drain(&mut drained, 0, false, &ledger());
        assert!(lanes.push(()).unwrap().wake);
        assert!(!lanes.push(()).unwrap().wake);
    }

    #[test]
    fn after_closing_events_are_counted_without_a_number() {
        let lanes = Lanes::new(1);
        let mut drained = Drained::before(1);
        lanes.drain(&mut drained, 2, true, &ledger());
        assert_eq!(drained.end, 3);
        assert!(lanes.push(()).is_err());
        assert!(lanes.refuse(LossReason::QueueFull, 1).is_none());
        let tally = lanes.tally(|tally| *tally);
        assert_eq!((tally.admitted, tally.queued), (2, 0));
        assert_eq!(tally.refused.get(LossReason::ShutdownDeadline), 2);
        lanes.drain(&mut drained, 0, true, &ledger());
        assert_eq!(drained.first, drained.end);
    }
}
