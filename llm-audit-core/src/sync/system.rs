//! The primitives of the standard library, and tokio's runtime.

use std::cell::Cell;
use std::future::Future;
use std::io;

use tokio::runtime::Builder;

pub(crate) use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
pub(crate) use std::sync::{Condvar, Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard};
pub(crate) use std::{thread, thread_local};

/// Runs the futures of one thread.
pub(crate) struct Runtime(tokio::runtime::Runtime);

impl Runtime {
    /// # Errors
    ///
    /// When the system does not provide what it needs.
    pub(crate) fn new() -> io::Result<Self> {
        Builder::new_current_thread().enable_all().build().map(Self)
    }

    pub(crate) fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.0.block_on(future)
    }
}

/// Returns the number of the calling thread, from zero on in the order of their first calls; `None`
/// while the thread ends.
pub(crate) fn thread_number() -> Option<usize> {
    static THREADS: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static NUMBER: Cell<usize> = const { Cell::new(usize::MAX) };
    }
    let number = NUMBER.try_with(|number| {
        if number.get() == usize::MAX {
            number.set(THREADS.fetch_add(1, Ordering::Relaxed));
        }
        number.get()
    });
    number.ok()
}
