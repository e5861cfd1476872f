//! Buffers that are used again.

use crate::sync::{AtomicUsize, Mutex, Ordering};

const SHELVES: usize = 4;
/// Enough for what is on its way at a moderate load, little enough to be held for ever.
const MOST_ON_A_SHELF: usize = 128;
/// The part of the memory budget that buffers hold while nobody uses them, beside it.
const SHARE: usize = 16;

/// What is kept to be used again.
pub(crate) trait Reusable {
    /// Returns the bytes that it holds, used or not.
    fn held(&self) -> usize;
}

/// A store of buffers on a few shelves, each with its lock; bounded in number and in bytes.
///
/// Nobody waits for a shelf: a new buffer is cheap, and in a forked child the holder of a lock may
/// not exist.
#[derive(Debug)]
pub(crate) struct Pool<T> {
    shelves: [Mutex<Shelf<T>>; SHELVES],
    /// Bytes on one shelf.
    most_bytes: usize,
    get: AtomicUsize,
    put: AtomicUsize,
}

#[derive(Debug)]
struct Shelf<T> {
    buffers: Vec<T>,
    bytes: usize,
}

impl<T: Reusable> Pool<T> {
    /// Returns the pool of a log with a memory budget of so many bytes.
    pub(crate) fn within(budget: usize) -> Self {
        let shelf = |_| {
            Mutex::new(Shelf {
                buffers: Vec::new(),
                bytes: 0,
            })
        };
        Self {
            shelves: std::array::from_fn(shelf),
            most_bytes: budget / SHARE / SHELVES,
            get: AtomicUsize::new(0),
            put: AtomicUsize::new(0),
        }
    }

    pub(crate) fn get(&self) -> Option<T> {
        self.shelf(&self.get, |shelf| {
            let buffer = shelf.buffers.pop()?;
            shelf.bytes -= buffer.held();
            Some(buffer)
        })
        .flatten()
    }

    /// Keeps a buffer, unless there are enough.
    pub(crate) fn put(&self, buffer: T) {
        let bytes = buffer.held();
        self.shelf(&self.put, |shelf| {
            let fits = shelf.bytes.saturating_add(bytes) <= self.most_bytes;
            if bytes > 0 && fits && shelf.buffers.len() < MOST_ON_A_SHELF {
                shelf.bytes += bytes;
                shelf.buffers.push(buffer);
            }
        });
    }

    #[expect(
        clippy::indexing_slicing,
        reason = "the remainder is below the number of shelves"
    )]
    fn shelf<R>(&self, turn: &AtomicUsize, act: impl FnOnce(&mut Shelf<T>) -> R) -> Option<R> {
        let turn = turn.fetch_add(1, Ordering::Relaxed);
        let mut shelf = self.shelves[turn % SHELVES].try_lock().ok()?;
        Some(act(&mut shelf))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::lock;

    impl Reusable for Vec<u8> {
        fn held(&self) -> usize {
            self.capacity()
        }
    }

    fn kept(budget: usize, buffer: usize) -> Vec<Vec<u8>> {
        let pool = Pool::within(budget);
        for _ in 0..10_000 {
            pool.put(Vec::with_capacity(buffer));
        }
        let kept = (0..10_000).filter_map(|_| pool.get()).collect();
        assert!(pool.shelves.iter().all(|shelf| lock(shelf).bytes == 0));
        kept
    }

    #[test]
    fn the_pool_is_bounded_and_gives_back_what_it_took() {
        assert_eq!(kept(64 << 20, 1).len(), SHELVES * MOST_ON_A_SHELF);
    }

    #[test]
    fn large_buffers_hold_a_share_of_the_budget_at_most() {
        for buffer in [100, 5_000, 16_384, 70_000] {
            let kept = kept(1 << 20, buffer);
            let bytes: usize = kept.iter().map(Reusable::held).sum();
            assert!(bytes <= (1 << 20) / SHARE, "{bytes} in buffers of {buffer}");
        }
        assert!(!kept(1 << 20, 5_000).is_empty());
    }

    #[test]
    fn a_buffer_that_holds_nothing_is_not_kept() {
        assert_eq!(kept(1 << 20, 0), Vec::<Vec<u8>>::new());
    }

    #[test]
    fn nobody_waits_for_a_shelf_that_is_locked() {
        let pool = Pool::within(1 << 20);
        let held: Vec<_> = pool.shelves.iter().map(|shelf| shelf.lock()).collect();
        pool.put(vec![1_u8]);
        assert_eq!(pool.get(), None);
        drop(held);
    }
}
