//! What waits for one sink.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::Notify;

use super::stream::{Count, Gap};
use super::tracker::Tracker;
use crate::batch::Batch;
use crate::id::WriterId;
use crate::sync::{Arc, Condvar, Mutex, lock, wait, wait_timeout, wait_while};

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
    Flush(Arc<Tracker>),
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
        let memory = batch.memory();
        // One batch is always taken, else a large one never would be.
        if state.bytes == 0 || state.bytes + memory <= self.max_bytes {
            state.bytes += memory;
            state.items.push_back(Item::Write(batch));
        } else {
            let gap = Gap::of(&batch);
            match state.items.back_mut() {
                Some(Item::Skip(last, up_to)) => {
                    last.extend(&gap);
                    *up_to = total;
                }
                _ => state.items.push_back(Item::Skip(gap, total)),
            }
        }
        drop(state);
        self.changed.notify_one();
    }

    pub(crate) fn put(&self, item: Item) {
        let mut state = lock(&self.state);
        state.hurry = true;
        state.items.push_back(item);
        drop(state);
        self.changed.notify_one();
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

    /// Waits for `pause`, less when a flush or the end is asked for meanwhile.
    pub(crate) fn pause(&self, pause: Duration) {
        let go_on = |state: &mut State| !state.hurry && !state.aborted;
        wait_while(&self.changed, lock(&self.state), pause, go_on).hurry = false;
    }

    /// Gives up what is queued and what is under way.
    pub(crate) fn abort(&self) {
        let mut state = lock(&self.state);
        state.aborted = true;
        let items = std::mem::take(&mut state.items);
        state.bytes = 0;
        drop(state);
        // Trackers and batches are let go without the lock.
        drop(items);
        self.aborted.notify_one();
        self.changed.notify_all();
    }

    pub(crate) fn is_aborted(&self) -> bool {
        lock(&self.state).aborted
    }

    /// Completes once the backlog is aborted.
    pub(crate) async fn until_aborted(&self) {
        self.aborted.notified().await;
    }
}
