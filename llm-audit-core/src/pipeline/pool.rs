//! Buffers that are used again.

use crate::sync::{AtomicUsize, Mutex, Ordering};

const SHELVES: usize = 4;
/// Enough for what is on its way at a moderate load, little enough to be held for ever.
const MOST_ON_A_SHELF: usize = 128;

/// A bounded store of buffers on a few shelves, each with its lock.
///
/// Nobody waits for a shelf: a new buffer is cheap, and in a forked child the holder of a lock may
/// not exist.
#[derive(Debug)]
pub(crate) struct Pool<T> {
    shelves: [Mutex<Vec<T>>; SHELVES],
    get: AtomicUsize,
    put: AtomicUsize,
}

impl<T> Default for Pool<T> {
    fn default() -> Self {
        Self {
            shelves: std::array::from_fn(|_| Mutex::default()),
            get: AtomicUsize::new(0),
            put: AtomicUsize::new(0),
        }
    }
}

impl<T> Pool<T> {
    pub(crate) fn get(&self) -> Option<T> {
        self.shelf(&self.get, Vec::pop).flatten()
    }

    /// Keeps a buffer, unless there are enough.
    pub(crate) fn put(&self, buffer: T) {
        self.shelf(&self.put, |shelf| {
            if shelf.len() < MOST_ON_A_SHELF {
                shelf.push(buffer);
            }
        });
    }

    #[expect(
        clippy::indexing_slicing,
        reason = "the remainder is below the number of shelves"
    )]
    fn shelf<R>(&self, turn: &AtomicUsize, act: impl FnOnce(&mut Vec<T>) -> R) -> Option<R> {
        let turn = turn.fetch_add(1, Ordering::Relaxed);
        let mut shelf = self.shelves[turn % SHELVES].try_lock().ok()?;
        Some(act(&mut shelf))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pool_is_bounded_and_gives_back_what_it_took() {
        let pool = Pool::default();
        for number in 0..10_000 {
            pool.put(number);
        }
        let most = SHELVES * MOST_ON_A_SHELF;
        assert_eq!((0..10_000).filter_map(|_| pool.get()).count(), most);
    }

    #[test]
    fn nobody_waits_for_a_shelf_that_is_locked() {
        let pool = Pool::default();
        let held: Vec<_> = pool.shelves.iter().map(|shelf| shelf.lock()).collect();
        pool.put(1);
        assert_eq!(pool.get(), None);
        drop(held);
    }
}
