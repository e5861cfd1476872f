//! What waits for one sink.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::Notify;

use super::stream::{Count, Gap};
use super::tracker::Tracker;
use crate::batch::Batch;
use crate::id::WriterId;
use crate::sync::{Arc, Condvar, Mutex, Weak, lock, wait, wait_timeout, wait_while};

/// A queue of batches for one sink, bounded in bytes. Offering never waits.
///
/// What does not fit becomes a gap in its place in the queue, so that the sink's thread counts
/// losses in the order of their numbers.
#[derive(Debug)]
pub(crate) struct Backlog {
    max_bytes: usize,
    state: Mutex<State>,
    changed: Condvar,
    /// Ends a call of the sink that is under way.
    aborted: Notify,
}

#[derive(Debug, Default)]
struct State {
    items: VecDeque<Item>,
    bytes: usize,
    /// A pause before the next try ends at once.
    hurry: bool,
    aborted: bool,
}

/// Something to do for the thread of a sink.
#[derive(Debug)]
pub(crate) enum Item {
    Write(Batch),
    /// Batches for which there was no room, and what was handed over up to their end.
    Skip(Gap, Count),
    /// A dead writer's events above a number are due.
    Adopt(WriterId, u64),
    Flush(Weak<Tracker>),
    Shutdown(Arc<Tracker>),
}

/// The next thing to do.
#[derive(Debug)]
pub(crate) enum Next {
    Item(Item),
    Nothing,
    Abort,
}

impl Backlog {
    pub(crate) fn new(max_bytes: usize) -> Self {
        Self {
            max_bytes,
            state: Mutex::default(),
            changed: Condvar::new(),
            aborted: Notify::new(),
        }
    }

    /// Queues a batch, or its gap when there is no room; up to its end `total` events were handed
    /// over since the start.
    pub(crate) fn offer(&self, batch: Batch, total: Count) {
        let mut state = lock(&self.state);
        if state.aborted {
            return;
        }
        let memory = batch.memory();
        // One batch is always taken, else a large one never would be.
        if state.bytes == 0 || state.bytes + memory <= self.max_bytes {
            state.bytes += memory;
            state.items.push_back(Item::Write(batch));
        } else {
            let gap = Gap::of(&batch);
            state.skip(gap, total);
        }
        drop(state);
        self.changed.notify_one();
    }

    /// Queues something else; gives it back when the sink was given up.
    pub(crate) fn put(&self, item: Item) -> Option<Item> {
        let mut state = lock(&self.state);
        if state.aborted {
            return Some(item);
        }
        if matches!(item, Item::Flush(_)) {
            state.forget_flushes();
        }
        state.hurry = true;
        state.items.push_back(item);
        drop(state);
        self.changed.notify_one();
        None
    }

    pub(crate) fn next(&self) -> Next {
        let mut state = lock(&self.state);
        if state.aborted {
            return Next::Abort;
        }
        state.items.pop_front().map_or(Next::Nothing, Next::Item)
    }

    /// A batch is no longer in memory on behalf of this sink.
    pub(crate) fn release(&self, memory: usize) {
        let mut state = lock(&self.state);
        state.bytes = state.bytes.saturating_sub(memory);
    }

    /// Waits until there is something to do, for `at_most` when given. It may also return without
    /// a reason.
    pub(crate) fn wait(&self, at_most: Option<Duration>) {
        let state = lock(&self.state);
        if state.items.is_empty() && !state.aborted {
            drop(match at_most {
                Some(at_most) => wait_timeout(&self.changed, state, at_most),
                None => wait(&self.changed, state),
            });
        }
    }

    /// Returns how many bytes of events wait in memory.
    pub(crate) fn bytes(&self) -> usize {
        lock(&self.state).bytes
    }

    /// Returns how many flushes and gaps wait.
    #[cfg(test)]
    pub(crate) fn flushes(&self) -> usize {
        let state = lock(&self.state);
        let items = state.items.iter();
        let items = items.filter(|item| matches!(item, Item::Flush(_) | Item::Skip(..)));
        items.count()
    }

    /// Waits for `pause`, but only for `least` when a flush or the end is asked for meanwhile.
    pub(crate) fn pause(&self, pause: Duration, least: Duration) {
        let go_on = |state: &mut State| !state.aborted;
        let state = wait_while(&self.changed, lock(&self.state), least, go_on);
        let go_on = |state: &mut State| !state.hurry && !state.aborted;
        let rest = pause.saturating_sub(least);
        wait_while(&self.changed, state, rest, go_on).hurry = false;
    }

    /// Gives up what is queued, and returns it, and what is under way.
    pub(crate) fn abort(&self) -> VecDeque<Item> {
        let mut state = lock(&self.state);
        state.aborted = true;
        let items = std::mem::take(&mut state.items);
        state.bytes = 0;
        drop(state);
        self.aborted.notify_one();
        self.changed.notify_all();
        items
    }

    pub(crate) fn is_aborted(&self) -> bool {
        lock(&self.state).aborted
    }

    /// Completes once the backlog is aborted.
    pub(crate) async fn until_aborted(&self) {
        self.aborted.notified().await;
    }
}

impl State {
    fn skip(&mut self, gap: Gap, total: Count) {
        match self.items.back_mut() {
            Some(Item::Skip(last, up_to)) => {
                last.extend(&gap);
                *up_to = total;
            }
            _ => self.items.push_back(Item::Skip(gap, total)),
        }
    }

    /// Takes out the flushes that nobody waits for any more: a later one does what they would.
    fn forget_flushes(&mut self) {
        let is_gone = |item: &Item| matches!(item, Item::Flush(flush) if flush.strong_count() == 0);
        if !self.items.iter().any(is_gone) {
            return;
        }
        for item in std::mem::take(&mut self.items) {
            match item {
                Item::Skip(gap, total) => self.skip(gap, total),
                item if is_gone(&item) => {}
                item => self.items.push_back(item),
            }
        }
    }
}

impl Item {
    /// Returns the progress that somebody waits for.
    pub(crate) fn tracker(self) -> Option<Arc<Tracker>> {
        match self {
            Self::Flush(tracker) => tracker.upgrade(),
            Self::Shutdown(tracker) => Some(tracker),
            Self::Write(_) | Self::Skip(..) | Self::Adopt(..) => None,
        }
    }
}
