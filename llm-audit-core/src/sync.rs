//! The synchronisation primitives of the crate, from one place.
//!
//! Nothing else in the crate names locks and atomics of `std::sync`, `std::thread`, thread-locals or
//! a runtime. With `--cfg shuttle` the tests get those of [`model`], under which a scheduler tries
//! the orders in which threads can run.

#[cfg(all(test, shuttle))]
pub(crate) mod model;
#[cfg(not(all(test, shuttle)))]
mod system;

use std::sync::{PoisonError, TryLockError};
use std::time::Duration;

#[cfg(all(test, shuttle))]
use model as place;
#[cfg(not(all(test, shuttle)))]
use system as place;

pub(crate) use place::{
    AtomicBool, AtomicU64, AtomicUsize, Condvar, Mutex, MutexGuard, Runtime, RwLock,
    RwLockReadGuard, RwLockWriteGuard, thread, thread_local, thread_number,
};
pub(crate) use std::sync::atomic::Ordering;
pub(crate) use std::sync::{Arc, OnceLock, Weak};

/// Locks `mutex`; a panic elsewhere does not make its data unusable.
pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits for `condvar`; like every wait it may end without a reason.
pub(crate) fn wait<'a, T>(condvar: &Condvar, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
    condvar.wait(guard).unwrap_or_else(PoisonError::into_inner)
}

/// Waits for `condvar`, for `at_most` at most; like every wait it may end without a reason.
pub(crate) fn wait_timeout<'a, T>(
    condvar: &Condvar,
    guard: MutexGuard<'a, T>,
    at_most: Duration,
) -> MutexGuard<'a, T> {
    let waited = condvar.wait_timeout(guard, at_most);
    waited.unwrap_or_else(PoisonError::into_inner).0
}

/// Waits until `go_on` returns false, for `at_most` at most.
pub(crate) fn wait_while<'a, T>(
    condvar: &Condvar,
    guard: MutexGuard<'a, T>,
    at_most: Duration,
    go_on: impl FnMut(&mut T) -> bool,
) -> MutexGuard<'a, T> {
    let waited = condvar.wait_timeout_while(guard, at_most, go_on);
    waited.unwrap_or_else(PoisonError::into_inner).0
}

/// Reads `value`; a panic elsewhere does not make its data unusable.
pub(crate) fn read<T: ?Sized>(value: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    value.read().unwrap_or_else(PoisonError::into_inner)
}

/// Reads `value`, unless somebody writes it and `give_up` says not to wait for that.
pub(crate) fn read_unless<T: ?Sized>(
    value: &RwLock<T>,
    give_up: impl FnOnce() -> bool,
) -> Option<RwLockReadGuard<'_, T>> {
    match value.try_read() {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(guard)) => Some(guard.into_inner()),
        Err(TryLockError::WouldBlock) if give_up() => None,
        Err(TryLockError::WouldBlock) => Some(read(value)),
    }
}

/// Writes `value`; a panic elsewhere does not make its data unusable.
pub(crate) fn write<T: ?Sized>(value: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    value.write().unwrap_or_else(PoisonError::into_inner)
}
