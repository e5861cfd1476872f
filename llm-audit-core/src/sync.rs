//! The synchronisation primitives of the crate, from one place.
//!
//! A model checker replaces them here; nothing else in the crate names `std::sync` locks, atomics
//! or `std::thread`.

pub(crate) use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
pub(crate) use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, RwLock};
pub(crate) use std::thread;

/// Locks `mutex`; a panic elsewhere does not make its data unusable.
pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}
